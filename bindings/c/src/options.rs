//! Options: opaque, so that they can grow. Where a call takes them, NULL stands for the defaults.

use super::constants::{checksums, ckpt_checksums, ckpt_code};
use super::error::ckpt_error;
use super::graph_options::ckpt_restore_options;
use super::maintenance::ckpt_gc_options;
use super::manager_options::{ckpt_manager_options, ckpt_manager_save_options, ckpt_resume_options};
use super::merge::ckpt_merge_options;
use super::saver::{ckpt_saver_options, ckpt_saver_save_options};
use super::verify::ckpt_verify_options;
use super::writer::ckpt_write_options;
use super::{ask, call, changed, own, release};
use ::checkpoint::{
    Checksums, Error, GcOptions, ManagerOptions, ManagerSaveOptions, MergeOptions, OpenOptions, ReadOptions, RestoreOptions,
    Result, ResumeOptions, SaverOptions, SaverSaveOptions, VerifyOptions, WriteOptions,
};

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
    with(options, error, || Ok(bytes), OpenOptions::memory_limit)
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
    with(options, error, || Ok(threads), ReadOptions::threads)
}

/// Whether checksums are compared: `CKPT_CHECKSUMS_ALWAYS` (the default), `CKPT_CHECKSUMS_WHEN_WHOLE` or `CKPT_CHECKSUMS_NEVER`.
#[no_mangle]
pub extern "C" fn ckpt_read_options_set_checksums(
    options: *mut ckpt_read_options,
    when: ckpt_checksums,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.checksums = checksums(when)?;
        o.options = o.options.clone().checksums(o.checksums);
        Ok(())
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_read_options_free(options: *mut ckpt_read_options) {
    release(options);
}

/// Options that are being changed.
pub(super) fn target<'a, T>(options: *mut T) -> Result<&'a mut T> {
    changed(options).ok_or_else(|| Error::argument("the options are NULL"))
}

/// The body of every function that sets an option.
pub(super) fn set<T>(options: *mut T, error: *mut *mut ckpt_error, change: impl FnOnce(&mut T) -> Result<()>) -> ckpt_code {
    call(error, || change(target(options)?))
}

/// The same by a method of the Rust options inside. `value` comes first: when it fails, they are as they were.
pub(super) fn with<T: Wrapper, V>(
    options: *mut T,
    error: *mut *mut ckpt_error,
    value: impl FnOnce() -> Result<V>,
    change: impl FnOnce(T::Wrapped, V) -> T::Wrapped,
) -> ckpt_code {
    call(error, || {
        let value = value()?;
        self::change(options, |wrapped| change(wrapped, value))
    })
}

/// The same for callbacks, which own their `user_data` before anything can fail.
pub(super) fn change<T: Wrapper>(options: *mut T, change: impl FnOnce(T::Wrapped) -> T::Wrapped) -> Result<()> {
    let wrapped = target(options)?.wrapped();
    *wrapped = change(std::mem::take(wrapped));
    Ok(())
}

/// A handle with options of the Rust API in it.
pub(super) trait Wrapper {
    type Wrapped: Default;
    fn wrapped(&mut self) -> &mut Self::Wrapped;
}

macro_rules! wrappers {
    ($($handle:ty: $wrapped:ty,)*) => {
        $(impl Wrapper for $handle {
            type Wrapped = $wrapped;
            fn wrapped(&mut self) -> &mut $wrapped {
                &mut self.options
            }
        })*
    };
}

wrappers! {
    ckpt_open_options: OpenOptions,
    ckpt_read_options: ReadOptions,
    ckpt_verify_options: VerifyOptions,
    ckpt_write_options: WriteOptions,
    ckpt_merge_options: MergeOptions,
    ckpt_restore_options: RestoreOptions,
    ckpt_saver_options: SaverOptions,
    ckpt_saver_save_options: SaverSaveOptions,
    ckpt_manager_options: ManagerOptions,
    ckpt_manager_save_options: ManagerSaveOptions,
    ckpt_resume_options: ResumeOptions,
    ckpt_gc_options: GcOptions,
}
