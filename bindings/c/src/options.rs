//! Options for opening and reading. They are opaque so that they can grow. Calls that take options
//! accept NULL for the defaults.

use std::ffi::c_void;

use super::constants::{
    checksums, ckpt_checksums, ckpt_code, ckpt_conversion, ckpt_dtype, conversion_of, known_dtype, CKPT_DTYPE_INVALID,
};
use super::error::ckpt_error;
use super::exclusive::{Changeable, Changing};
use super::log::{ckpt_log_callback, set_log};
use super::maintenance::RepairSettings;
use super::manager_options::{ManagerSaveSettings, ManagerSettings};
use super::merge::MergeSettings;
use super::progress::{ckpt_cancel, ckpt_free_callback, flag_at};
use super::saver::SaverSaveSettings;
use super::verify::VerifySettings;
use super::writer::WriteSettings;
use super::{ask, call, changeable, changed, copied, output, own, release, Exclusive};
use ::checkpoint::{
    Checksums, CollectOptions, ManagerOptions, ManagerSaveOptions, MergeOptions, OpenOptions, ReadOptions, RemoveOptions,
    RepairOptions, RestoreOptions, Result, ResumeOptions, SaverOptions, SaverSaveOptions, VerifyOptions, WriteOptions,
};

/// Options for opening a checkpoint. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_open_options(Exclusive<OpenOptions>);

/// Options for reading tensors. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_read_options(Exclusive<ReadSettings>);

#[derive(Clone, Default)]
pub(super) struct ReadSettings {
    pub options: ReadOptions,
    /// The same as in `options`: mapping a tensor needs it apart.
    pub checksums: Checksums,
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

/// Sets a flag that cancels the call when raised; NULL removes it. The flag may be freed at any
/// time.
#[no_mangle]
pub extern "C" fn ckpt_open_options_set_cancel(
    options: *mut ckpt_open_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(flag_at(cancel)), |o, cancel| o.cancel(cancel.as_ref()))
}

/// Sets the log, which is called with `user_data` about how the path was understood where that may
/// surprise: the directory was moved, the path is a directory and a prefix, or the state file
/// names a checkpoint that does not exist. NULL, the default, turns it off.
///
/// The options keep `user_data`. `free_user_data`, if not NULL, is called when neither the options
/// nor a call that was given them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_open_options_set_log(
    options: *mut ckpt_open_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, OpenOptions::log_to, log, user_data, free_user_data))
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
/// library choose: one thread for less than 4 MiB, else one per processor, at most four. There are
/// never more than one for every 256 KiB, nor more than eight per processor.
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

/// Sets a flag that cancels the call when raised; NULL removes it. The flag may be freed at any
/// time. The content of the buffers of a call that was cancelled is unspecified.
#[no_mangle]
pub extern "C" fn ckpt_read_options_set_cancel(
    options: *mut ckpt_read_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(flag_at(cancel)), |o, cancel| o.cancel(cancel.as_ref()))
}

/// Sets the dtype that values are read as: one of the `CKPT_DTYPE_` constants. A tensor of another
/// dtype is converted as `ckpt_read_options_set_conversion` allows, or refused. With
/// `CKPT_DTYPE_INVALID`, the default, values have the dtype that is stored. Unsigned integers also
/// stand for the bits that fit them (`ckpt_dtype_check_elements`), where those are not converted.
/// Restores refuse a dtype: there, each variable has its own.
#[no_mangle]
pub extern "C" fn ckpt_read_options_set_dtype(
    options: *mut ckpt_read_options,
    dtype: ckpt_dtype,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || (dtype != CKPT_DTYPE_INVALID).then(|| known_dtype(dtype)).transpose(), ReadOptions::dtype)
}

/// Sets which values are converted to the dtype that they are read as: one of the
/// `CKPT_CONVERSION_` constants; `CKPT_CONVERSION_NONE` by default. Values are converted piece by
/// piece while they are read; strings and mapped values never are.
#[no_mangle]
pub extern "C" fn ckpt_read_options_set_conversion(
    options: *mut ckpt_read_options,
    conversion: ckpt_conversion,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || conversion_of(conversion), ReadOptions::conversion)
}

/// Copies options; of NULL, the defaults. `*copy` is owned by the caller: free it with
/// `ckpt_read_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_read_options_copy(
    options: *const ckpt_read_options,
    copy: *mut *mut ckpt_read_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(copy, std::ptr::null_mut(), "the output argument `copy`")?;
        *out = own(ckpt_read_options(Exclusive::new(copied(options, Clone::clone)?)));
        Ok(())
    })
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_read_options_free(options: *mut ckpt_read_options) {
    release(options);
}

/// A copy of options for reading.
pub(super) fn read_options_at(options: *const ckpt_read_options) -> Result<ReadOptions> {
    copied(options, |options| options.options.clone())
}

/// Options that are being changed.
pub(super) fn target<T: Changeable>(options: *mut T) -> Result<Changing<T::Value>> {
    changed(options, "the options")
}

/// The body of every function that sets an option.
pub(super) fn set<T: Changeable>(
    options: *mut T,
    error: *mut *mut ckpt_error,
    change: impl FnOnce(&mut T::Value) -> Result<()>,
) -> ckpt_code {
    call(error, || change(&mut *target(options)?))
}

/// The same with a method of the Rust options inside. If `value` fails, nothing is changed.
pub(super) fn with<T: Changeable<Value: Wrapper>, V>(
    options: *mut T,
    error: *mut *mut ckpt_error,
    value: impl FnOnce() -> Result<V>,
    change: impl FnOnce(Wrapped<T>, V) -> Wrapped<T>,
) -> ckpt_code {
    call(error, || {
        let value = value()?;
        self::change(options, |wrapped| change(wrapped, value))
    })
}

/// The same for callbacks, which own their `user_data` before anything can fail.
pub(super) fn change<T: Changeable<Value: Wrapper>>(
    options: *mut T,
    change: impl FnOnce(Wrapped<T>) -> Wrapped<T>,
) -> Result<()> {
    let mut target = target(options)?;
    let wrapped = target.wrapped();
    *wrapped = change(std::mem::take(wrapped));
    Ok(())
}

pub(super) type Wrapped<T> = <<T as Changeable>::Value as Wrapper>::Wrapped;

/// The value of a handle with options of the Rust API in it.
pub(super) trait Wrapper {
    type Wrapped: Default;
    fn wrapped(&mut self) -> &mut Self::Wrapped;
}

macro_rules! wrappers {
    ($($value:ty: $wrapped:ty $(, $options:ident)?;)*) => {
        $(impl Wrapper for $value {
            type Wrapped = $wrapped;
            fn wrapped(&mut self) -> &mut $wrapped {
                &mut (*self)$(.$options)?
            }
        })*
    };
}

wrappers! {
    OpenOptions: OpenOptions;
    RestoreOptions: RestoreOptions;
    SaverOptions: SaverOptions;
    ResumeOptions: ResumeOptions;
    CollectOptions: CollectOptions;
    RemoveOptions: RemoveOptions;
    RepairSettings: RepairOptions, options;
    ReadSettings: ReadOptions, options;
    VerifySettings: VerifyOptions, options;
    WriteSettings: WriteOptions, options;
    MergeSettings: MergeOptions, options;
    SaverSaveSettings: SaverSaveOptions, options;
    ManagerSettings: ManagerOptions, options;
    ManagerSaveSettings: ManagerSaveOptions, options;
}

changeable! {
    ckpt_open_options: OpenOptions,
    ckpt_read_options: ReadSettings,
}
