//! Options for saving and restoring graphs.

use std::ffi::{c_char, c_void, CString};
use std::sync::Arc;

use super::callback::{ckpt_failure, CallbackMark};
use super::constants::{busy_of, ckpt_busy, ckpt_code, ckpt_conversion, ckpt_mismatch, conversion_of, mismatch_of};
use super::error::ckpt_error;
use super::log::{ckpt_log_callback, set_log};
use super::options::{ckpt_read_options, read_options_at, set, target, with};
use super::progress::{ckpt_cancel, ckpt_free_callback, flag_at, Progress, UserData};
use super::writer::{ckpt_write_options, WriteSettings};
use super::{ask, call, changeable, copied, own, release, text_at, Exclusive};
use ::checkpoint::{Busy, Error, RestoreOptions, SaveOptions, WriteOptions};

/// Options for saving a graph (`tf.train.CheckpointOptions`). For one thread at a time while it is
/// changed.
#[derive(Default)]
pub struct ckpt_save_options(Exclusive<SaveSettings>);

#[derive(Clone, Default)]
pub(super) struct SaveSettings {
    write: WriteOptions,
    busy: Busy,
    progress: Progress,
    callbacks: Vec<Arc<WrittenCallback>>,
    snapshot_limit: Option<u64>,
}

struct WrittenCallback {
    callback: extern "C" fn(*mut c_void, *const c_char, *mut ckpt_failure) -> ckpt_code,
    user: UserData,
}

changeable! {
    ckpt_save_options: SaveSettings,
    ckpt_restore_options: RestoreOptions,
}

impl SaveSettings {
    /// The core's options for a graph that the callbacks must not call.
    pub fn resolve(&self, mark: &CallbackMark) -> SaveOptions {
        let (progress, progress_mark) = (self.progress.clone(), mark.clone());
        let options = SaveOptions::new()
            .write(self.write.clone())
            .busy(self.busy)
            .progress(Arc::new(move |done, total| progress_mark.run(|| progress.report(done, total))));
        let options = self.snapshot_limit.into_iter().fold(options, SaveOptions::snapshot_limit);
        self.callbacks.iter().fold(options, |options, written| {
            let (written, mark) = (written.clone(), mark.clone());
            options.callback(Arc::new(move |path| {
                let path = CString::new(path.as_os_str().as_encoded_bytes())?;
                mark.try_run(|failure| (written.callback)(written.user.pointer(), path.as_ptr(), failure))
            }))
        })
    }
}

/// Called when the files of the checkpoint `path` are complete, before the state file names it.
/// Called on the thread that saves; for a save in the background, on the background thread. Any
/// result other than `CKPT_CODE_OK` ends the call with `CKPT_CODE_ABORTED`; the checkpoint stays.
pub type ckpt_written_callback =
    Option<extern "C" fn(user_data: *mut c_void, path: *const c_char, failure: *mut ckpt_failure) -> ckpt_code>;

/// Makes options with the defaults; free them with `ckpt_save_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_save_options_new() -> *mut ckpt_save_options {
    ask(std::ptr::null_mut(), || own(ckpt_save_options::default()))
}

/// Sets how files are written, including the progress callback and the cancel flag of
/// `write_options`. They are copied; NULL restores the defaults.
#[no_mangle]
pub extern "C" fn ckpt_save_options_set_write_options(
    options: *mut ckpt_save_options,
    write_options: *const ckpt_write_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        (o.write, o.progress) = copied(write_options, WriteSettings::resolve)?;
        Ok(())
    })
}

/// Adds a callback: `written` is called with `user_data`, after the callbacks that were added
/// before. (`experimental_write_callbacks`)
///
/// The options and the saves under way keep `user_data`. `free_user_data`, if not NULL, is called
/// when the options are freed and these saves are over; at once if this call fails.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `written` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_save_options_add_callback(
    options: *mut ckpt_save_options,
    written: ckpt_written_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let mut target = target(options)?;
        let callback = written.ok_or_else(|| Error::argument("the written callback is NULL"))?;
        target.callbacks.push(Arc::new(WrittenCallback { callback, user }));
        Ok(())
    })
}

/// Sets what a save does while an earlier save of the checkpoint runs in the background: one of the
/// `CKPT_BUSY_` constants; `CKPT_BUSY_WAIT` by default.
#[no_mangle]
pub extern "C" fn ckpt_save_options_set_busy(
    options: *mut ckpt_save_options,
    busy: ckpt_busy,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.busy = busy_of(busy)?;
        Ok(())
    })
}

/// Limits the memory that the copies of all saves in the background of this process take while they
/// are written, in bytes; 0, the default, for no limit. A save that would exceed it waits, before
/// it copies anything, until others are written or, with `CKPT_BUSY_FAIL`, fails with
/// `CKPT_CODE_UNAVAILABLE` (`CKPT_REASON_BUSY`). If its own copy is larger, it fails with
/// `CKPT_CODE_RESOURCE_EXHAUSTED` (`CKPT_REASON_LIMIT`). Only saves in the background copy.
///
/// Counted beforehand are the values of variables. What states and savers give is counted when it
/// is copied, and keeps later saves waiting. Memory that a checkpoint keeps for its next copy, once
/// one is written, is not counted.
#[no_mangle]
pub extern "C" fn ckpt_save_options_set_snapshot_limit(
    options: *mut ckpt_save_options,
    bytes: u64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.snapshot_limit = (bytes != 0).then_some(bytes);
        Ok(())
    })
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_save_options_free(options: *mut ckpt_save_options) {
    release(options);
}

/// Options for restoring a graph. For one thread at a time while it is changed.
///
/// All paths in these options, but the new paths of renames, are paths in the checkpoint: below the
/// subtree if there is one, and before any rename. They are those of keys: escaped edge names
/// joined by `/`, as `ckpt_report_row_path` returns them. In a name-based checkpoint they are the
/// names of tensors, not escaped, and their scopes. Globs support `*` (within one name), `**` (any
/// number of names), `?`, `[...]` and `{a,b}`; a leading `!` negates one.
///
/// For example, the checkpoint has `model/old/kernel` and `model/old/bias`, and the program has
/// `new/kernel`: the subtree is `model`, the rename is from `old` to `new`, and a glob that
/// excludes the bias is `old/bias`.
#[derive(Default)]
pub struct ckpt_restore_options(Exclusive<RestoreOptions>);

/// Makes options with the defaults; free them with `ckpt_restore_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_new() -> *mut ckpt_restore_options {
    ask(std::ptr::null_mut(), || own(ckpt_restore_options::default()))
}

/// Sets how values are read: threads, checksums. `read_options` are copied; NULL restores the
/// defaults. A
/// restore refuses those with a dtype or a conversion; see `ckpt_restore_options_set_conversion`.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_read_options(
    options: *mut ckpt_restore_options,
    read_options: *const ckpt_read_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || read_options_at(read_options), RestoreOptions::read)
}

/// Restores only values whose path in the checkpoint matches an included glob. Other values are
/// skipped, and assertions of the status do not require them. A glob that matches no value of the
/// checkpoint is a row of the report (`CKPT_ROW_STATE_UNMATCHED_GLOB`) and a warning in the log; a
/// restore with a malformed one fails with `CKPT_CODE_INVALID_ARGUMENT`.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_add_include(
    options: *mut ckpt_restore_options,
    glob: *const c_char,
    glob_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || text_at(glob, glob_len, "the glob"), RestoreOptions::include)
}

/// Skips values whose path in the checkpoint matches the glob, even if they are included. Globs
/// that match nothing or are malformed are treated as those of `ckpt_restore_options_add_include`.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_add_exclude(
    options: *mut ckpt_restore_options,
    glob: *const c_char,
    glob_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || text_at(glob, glob_len, "the glob"), RestoreOptions::exclude)
}

/// Restores the program's object at `to`, a path from its root, and everything below it, from the
/// checkpoint's object at `from`. Renames apply together, so that names can be exchanged.
///
/// In a name-based checkpoint the value named `from`, and those in the scope `from/`, have the name
/// `to` and the scope `to/` instead; either may be empty or end in `/`, and of several old paths
/// the longest counts. (the scopes of `tf.train.init_from_checkpoint`)
#[no_mangle]
pub extern "C" fn ckpt_restore_options_add_rename(
    options: *mut ckpt_restore_options,
    from: *const c_char,
    from_len: usize,
    to: *const c_char,
    to_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        let (from, to) = (text_at(from, from_len, "the path `from`")?, text_at(to, to_len, "the path `to`")?);
        *o = std::mem::take(o).rename(from, to);
        Ok(())
    })
}

/// Sets what to do about values that do not fit their object: one of the `CKPT_MISMATCH_`
/// constants; `CKPT_MISMATCH_FAIL` by default.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_on_mismatch(
    options: *mut ckpt_restore_options,
    mismatch: ckpt_mismatch,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || mismatch_of(mismatch), RestoreOptions::on_mismatch)
}

/// Sets which values are converted to the dtypes of their variables: one of the `CKPT_CONVERSION_`
/// constants; `CKPT_CONVERSION_NONE` by default, so that another dtype does not fit. A converted
/// value has a row of its own state, `CKPT_ROW_STATE_CONVERTED`.
///
/// The dtypes decide what can be converted, before anything is assigned; where integers might not
/// fit, they are read and looked at before that. Values are converted piece by piece while they are
/// read, those on devices too. Variables that accept any dtype take the one that is stored; objects
/// with callbacks get their tensors as they are stored.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_conversion(
    options: *mut ckpt_restore_options,
    conversion: ckpt_conversion,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || conversion_of(conversion), RestoreOptions::conversion)
}

/// Leaves slot variables unchanged if `skip` is true; assertions of the status then do not require
/// them. False by default. (`experimental_skip_slot_variables`)
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_skip_slot_variables(
    options: *mut ckpt_restore_options,
    skip: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(skip), RestoreOptions::skip_slot_variables)
}

/// Restores only the part of the checkpoint below `path`, as if the object there were its root. In
/// a name-based checkpoint `path` is a scope, which names in the program lack.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_subtree(
    options: *mut ckpt_restore_options,
    path: *const c_char,
    path_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || text_at(path, path_len, "the path"), RestoreOptions::subtree)
}

/// If `verify` is true, reads all values and compares their checksums before it assigns the first,
/// so that only a fault between the two passes can leave the program partly restored. Values are
/// read twice. False by default.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_verify_first(
    options: *mut ckpt_restore_options,
    verify: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(verify), RestoreOptions::verify_first)
}

/// Sets a flag that cancels the call when raised; NULL removes it. The flag may be freed at any
/// time. Before the first value is assigned nothing is changed; after that,
/// `ckpt_checkpoint_last_report` says what was assigned. What is restored later, when objects are
/// tracked, is not cancelled.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_cancel(
    options: *mut ckpt_restore_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(flag_at(cancel)), |o, cancel| o.cancel(cancel.as_ref()))
}

/// Sets the log, which is called with `user_data` by `ckpt_restore_nodes` about how the path was
/// understood where that may surprise, and about globs that match nothing. A checkpoint, manager
/// or saver has a log of its own. The log must not call the graph. NULL, the default, turns it
/// off.
///
/// The options keep `user_data`. `free_user_data`, if not NULL, is called when neither the options
/// nor a call that was given them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_log(
    options: *mut ckpt_restore_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, RestoreOptions::log_to, log, user_data, free_user_data))
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_free(options: *mut ckpt_restore_options) {
    release(options);
}
