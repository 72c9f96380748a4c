//! Options for opening and reading. They are opaque so that they can grow. Calls that take options
//! accept NULL for the defaults.

use super::constants::{checksums, ckpt_checksums, ckpt_code};
use super::error::ckpt_error;
use super::{ask, call, handle_mut, own, release};
use ::checkpoint::{Checksums, Error, OpenOptions, ReadOptions, Result};

/// Options for opening a checkpoint. Not thread-safe while being changed.
#[derive(Default)]
pub struct ckpt_open_options {
    pub(super) options: OpenOptions,
}

/// Options for reading tensors. Not thread-safe while being changed.
#[derive(Default)]
pub struct ckpt_read_options {
    pub(super) options: ReadOptions,
    /// The same as in `options`: mapping a tensor needs it apart.
    pub(super) checksums: Checksums,
}

/// Creates options with the defaults. Free them with `ckpt_open_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_open_options_new() -> *mut ckpt_open_options {
    ask(std::ptr::null_mut(), || own(ckpt_open_options::default()))
}

/// Limits the memory, in bytes, that listing a checkpoint may take. Default: 16 MiB plus 24 bytes
/// per byte of the checkpoint's index.
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

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_open_options_free(options: *mut ckpt_open_options) {
    release(options);
}

/// Creates options with the defaults. Free them with `ckpt_read_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_read_options_new() -> *mut ckpt_read_options {
    ask(std::ptr::null_mut(), || own(ckpt_read_options::default()))
}

/// Sets the number of reading threads, the calling thread included. 0, the default, lets the
/// library choose: one thread for less than 4 MiB, else one per processor, at most four.
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

/// Sets when checksums are verified: `CKPT_CHECKSUMS_ALWAYS` (the default),
/// `CKPT_CHECKSUMS_WHEN_WHOLE` or `CKPT_CHECKSUMS_NEVER`. Fails with `CKPT_CODE_INVALID_ARGUMENT`
/// for other values.
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

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_read_options_free(options: *mut ckpt_read_options) {
    release(options);
}

pub(super) fn target<'a, T>(options: *mut T) -> Result<&'a mut T> {
    handle_mut(options).ok_or_else(|| Error::argument("the options must not be NULL"))
}
