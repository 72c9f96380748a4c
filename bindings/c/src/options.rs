//! Options: opaque, so that they can grow. Where a call takes them, NULL stands for the defaults.

use super::constants::{checksums, ckpt_checksums, ckpt_code};
use super::error::ckpt_error;
use super::{ask, call, handle_mut, own, release};
use ::checkpoint::{Checksums, Error, OpenOptions, ReadOptions, Result};

/// How a checkpoint is opened. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_open_options {
    pub(super) options: OpenOptions,
}

/// How tensors are read. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_read_options {
    pub(super) options: ReadOptions,
    /// As in `options`: mapping a tensor has but a yes or no.
    pub(super) checksums: Checksums,
}

/// New options with the defaults; to be freed with `ckpt_open_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_open_options_new() -> *mut ckpt_open_options {
    ask(std::ptr::null_mut(), || own(ckpt_open_options::default()))
}

/// Most bytes that listing a checkpoint may take; by default 16 MiB and 24 for each byte of its index.
#[no_mangle]
pub extern "C" fn ckpt_open_options_set_memory_limit(
    options: *mut ckpt_open_options,
    bytes: u64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let options = target(options)?;
        options.options = options.options.clone().memory_limit(bytes);
        Ok(())
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_open_options_free(options: *mut ckpt_open_options) {
    release(options);
}

/// New options with the defaults; to be freed with `ckpt_read_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_read_options_new() -> *mut ckpt_read_options {
    ask(std::ptr::null_mut(), || own(ckpt_read_options::default()))
}

/// Reads with so many threads, the caller's among them. 0, the default, lets the library choose: one for less than 4 MiB, else as
/// many as there are processors, at most four.
#[no_mangle]
pub extern "C" fn ckpt_read_options_set_threads(
    options: *mut ckpt_read_options,
    threads: u32,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let options = target(options)?;
        options.options = options.options.clone().threads(threads);
        Ok(())
    })
}

/// Whether checksums are compared: `CKPT_CHECKSUMS_ALWAYS` (the default), `CKPT_CHECKSUMS_WHEN_WHOLE` or `CKPT_CHECKSUMS_NEVER`.
#[no_mangle]
pub extern "C" fn ckpt_read_options_set_checksums(
    options: *mut ckpt_read_options,
    when: ckpt_checksums,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let options = target(options)?;
        options.checksums = checksums(when)?;
        options.options = options.options.clone().checksums(options.checksums);
        Ok(())
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_read_options_free(options: *mut ckpt_read_options) {
    release(options);
}

pub(super) fn target<'a, T>(options: *mut T) -> Result<&'a mut T> {
    handle_mut(options).ok_or_else(|| Error::argument("the options are NULL"))
}
