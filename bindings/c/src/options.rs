//! Options for opening and reading. They are opaque so that they can grow. Calls that take options
//! accept NULL for the defaults.

use super::constants::{checksums, ckpt_checksums, ckpt_code};
use super::error::ckpt_error;
use super::graph_options::ckpt_restore_options;
use super::maintenance::ckpt_collect_options;
use super::manager_options::{ckpt_manager_options, ckpt_manager_save_options, ckpt_resume_options};
use super::merge::ckpt_merge_options;
use super::saver::{ckpt_saver_options, ckpt_saver_save_options};
use super::verify::ckpt_verify_options;
use super::writer::ckpt_write_options;
use super::{ask, call, handle_mut, own, release};
use ::checkpoint::{
    Checksums, CollectOptions, Error, ManagerOptions, ManagerSaveOptions, MergeOptions, OpenOptions, ReadOptions, RestoreOptions,
    Result, ResumeOptions, SaverOptions, SaverSaveOptions, VerifyOptions, WriteOptions,
};

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
    with(options, error, || Ok(bytes), OpenOptions::memory_limit)
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
    with(options, error, || Ok(threads), ReadOptions::threads)
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
    set(options, error, |o| {
        o.checksums = checksums(when)?;
        o.options = o.options.clone().checksums(o.checksums);
        Ok(())
    })
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_read_options_free(options: *mut ckpt_read_options) {
    release(options);
}

/// Options that are being changed.
pub(super) fn target<'a, T>(options: *mut T) -> Result<&'a mut T> {
    handle_mut(options).ok_or_else(|| Error::argument("the options must not be NULL"))
}

/// The body of every function that sets an option.
pub(super) fn set<T>(options: *mut T, error: *mut *mut ckpt_error, change: impl FnOnce(&mut T) -> Result<()>) -> ckpt_code {
    call(error, || change(target(options)?))
}

/// The same with a method of the Rust options inside. If `value` fails, nothing is changed.
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
    ckpt_collect_options: CollectOptions,
}
