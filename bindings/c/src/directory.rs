//! The state of a directory: the latest and the listed checkpoints, pinning and removing one.

use std::ffi::{c_char, c_void};
use std::path::{Path, PathBuf};

use super::constants::{ckpt_code, ckpt_durability, ckpt_locking, durability_of, limit_of, locking_of};
use super::error::ckpt_error;
use super::log::{ckpt_log_callback, log_or_none, set_log};
use super::options::{ckpt_open_options, set, target, with};
use super::progress::ckpt_free_callback;
use super::strings::{ckpt_string, lend_path, text_of};
use super::{
    array_mut, ask, call, changeable, ckpt_bytes, copied, handle, list_at, output, own, path_at, release, required, Exclusive,
};
use ::checkpoint::{
    checkpoint_exists, checkpoint_mtimes, latest_checkpoint_with, remove_checkpoint_with, update_checkpoint_state,
    CheckpointState, Pin, RemoveOptions, StateUpdate,
};

/// Finds the latest checkpoint that the state file of `directory` names: its prefix or, for format
/// V1, its file or the pattern of its files. (`tf.train.latest_checkpoint`)
///
/// `*path` receives it; free it with `ckpt_string_free`. It is NULL if there is no state file or
/// none of the checkpoint's files exists, and on failure.
///
/// Errors:
/// * `CKPT_CODE_DATA_LOSS`: the state file cannot be parsed.
#[no_mangle]
pub extern "C" fn ckpt_latest_checkpoint(
    directory: *const c_char,
    options: *const ckpt_open_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(path, std::ptr::null_mut(), "the output argument `path`")?;
        let latest = latest_checkpoint_with(path_at(directory)?, &copied(options, Clone::clone)?)?;
        *out = text_of(latest);
        Ok(())
    })
}

/// The contents of a directory's state file, with paths that can be used as they are. It never
/// changes; several threads may use it at once.
pub struct ckpt_checkpoint_state(CheckpointState);

/// Reads the state file `file_name` of `directory`; NULL means the usual name, `checkpoint`. It is
/// not checked that the checkpoints exist. (`tf.train.get_checkpoint_state`)
///
/// `*state` receives the state; free it with `ckpt_checkpoint_state_free`. It is NULL if there is
/// no state file, and on failure.
///
/// Errors:
/// * `CKPT_CODE_DATA_LOSS`: the state file cannot be parsed, or names no latest checkpoint.
///   (TensorFlow treats one that it cannot parse as missing.)
#[no_mangle]
pub extern "C" fn ckpt_get_checkpoint_state(
    directory: *const c_char,
    file_name: *const c_char,
    options: *const ckpt_open_options,
    state: *mut *mut ckpt_checkpoint_state,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(state, std::ptr::null_mut(), "the output argument `state`")?;
        let directory = path_at(directory)?;
        let file_name = if file_name.is_null() { Path::new("checkpoint") } else { path_at(file_name)? };
        let state = CheckpointState::read_with(directory, file_name, &copied(options, Clone::clone)?)?;
        *out = state.map_or(std::ptr::null_mut(), |state| own(ckpt_checkpoint_state(state)));
        Ok(())
    })
}

/// Returns the latest checkpoint. Lent.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_latest(state: *const ckpt_checkpoint_state) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(state).map_or(ckpt_bytes::NONE, |s| lend_path(&s.0.latest)))
}

/// Returns the number of listed checkpoints.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_count(state: *const ckpt_checkpoint_state) -> usize {
    ask(0, || handle(state).map_or(0, |s| s.0.all.len()))
}

/// Returns the listed checkpoint at `index`, oldest first. Lent; `data` is NULL if `index` is out
/// of range.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_path(state: *const ckpt_checkpoint_state, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(state).and_then(|s| s.0.all.get(index)).map_or(ckpt_bytes::NONE, |path| lend_path(path)))
}

/// Returns when the checkpoint at `index` was made, in seconds since the epoch; NaN if the state
/// file does not say.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_timestamp(state: *const ckpt_checkpoint_state, index: usize) -> f64 {
    ask(f64::NAN, || handle(state).and_then(|s| s.0.timestamps.get(index)).copied().unwrap_or(f64::NAN))
}

/// Returns when the last permanently kept checkpoint was made, in seconds since the epoch; NaN if
/// the state file does not say.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_last_preserved(state: *const ckpt_checkpoint_state) -> f64 {
    ask(f64::NAN, || handle(state).and_then(|s| s.0.last_preserved).unwrap_or(f64::NAN))
}

/// Frees a state. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_free(state: *mut ckpt_checkpoint_state) {
    release(state);
}

/// The new contents of a state file. For one thread at a time while it is changed.
pub struct ckpt_state_update(Exclusive<Update>);

pub(super) struct Update {
    update: StateUpdate,
    all: Vec<PathBuf>,
    timestamps: Vec<f64>,
}

changeable! {
    ckpt_state_update: Update,
    ckpt_remove_options: RemoveOptions,
}

/// Makes an update that names `latest` as the latest checkpoint, and as the only one unless more
/// are added.
///
/// `*update` receives the update (NULL on failure); free it with `ckpt_state_update_free`.
#[no_mangle]
pub extern "C" fn ckpt_state_update_new(
    latest: *const c_char,
    update: *mut *mut ckpt_state_update,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(update, std::ptr::null_mut(), "the output argument `update`")?;
        let update = StateUpdate::new(path_at(latest)?);
        *out = own(ckpt_state_update(Exclusive::new(Update { update, all: Vec::new(), timestamps: Vec::new() })));
        Ok(())
    })
}

/// Appends a checkpoint to the list, which is oldest first. If the list does not end with the
/// latest checkpoint, `ckpt_update_checkpoint_state` appends that.
#[no_mangle]
pub extern "C" fn ckpt_state_update_add_path(
    update: *mut ckpt_state_update,
    path: *const c_char,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.all.push(path_at(path)?.to_owned());
        Ok(())
    })
}

/// Appends a time, in seconds since the epoch, to the times of the listed checkpoints. There must
/// be as many times as checkpoints, the latest included, or none.
#[no_mangle]
pub extern "C" fn ckpt_state_update_add_timestamp(
    update: *mut ckpt_state_update,
    timestamp: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.timestamps.push(timestamp);
        Ok(())
    })
}

/// Sets when the last permanently kept checkpoint was made, in seconds since the epoch.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_last_preserved(
    update: *mut ckpt_state_update,
    timestamp: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.update = u.update.clone().last_preserved(timestamp);
        Ok(())
    })
}

/// Sets the name of the state file, NUL-terminated; `checkpoint` by default.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_file_name(
    update: *mut ckpt_state_update,
    name: *const c_char,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.update = u.update.clone().file_name(path_at(name)?);
        Ok(())
    })
}

/// Sets what survives a power failure after the call has returned: one of the `CKPT_DURABILITY_`
/// constants; `CKPT_DURABILITY_FULL` by default.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_durability(
    update: *mut ckpt_state_update,
    durability: ckpt_durability,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.update = u.update.clone().durability(durability_of(durability)?);
        Ok(())
    })
}

/// Sets whether the directory is locked: one of the `CKPT_LOCKING_` constants;
/// `CKPT_LOCKING_IF_POSSIBLE` by default. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_locking(
    update: *mut ckpt_state_update,
    locking: ckpt_locking,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.update = u.update.clone().locking(locking_of(locking)?);
        Ok(())
    })
}

/// Sets for how many seconds the call waits while another process or thread changes the state; 60
/// by default, 0 fails at once. Fails with `CKPT_CODE_INVALID_ARGUMENT` for negative values and
/// NaN.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_lock_wait(
    update: *mut ckpt_state_update,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.update = u.update.clone().lock_wait(limit_of(seconds)?);
        Ok(())
    })
}

/// Sets the log, which is called with `user_data` about a file system that has no locks and the
/// like. NULL, the default, turns it off.
///
/// The update keeps `user_data`. `free_user_data`, if not NULL, is called when neither the update
/// nor a call that was given it needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_log(
    update: *mut ckpt_state_update,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let log = log_or_none(log, user_data, free_user_data);
        let mut target = target(update)?;
        target.update = target.update.clone().log_to(log);
        Ok(())
    })
}

/// Frees an update. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_state_update_free(update: *mut ckpt_state_update) {
    release(update);
}

/// Replaces the state file of `directory` atomically, also across a power failure.
/// (`tf.train.update_checkpoint_state`)
///
/// Paths inside the directory are written relative to it, however they were given. A relative path
/// starts at the working directory if `directory` is relative too, else at `directory`.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND`: the directory does not exist.
/// * `CKPT_CODE_UNAVAILABLE`: another process or thread changes the state of the directory, and
///   did not end in time (`ckpt_state_update_set_lock_wait`).
/// * `CKPT_CODE_INVALID_ARGUMENT`: the number of times is neither 0 nor that of the listed
///   checkpoints; the state file's name contains a directory; or the latest checkpoint has the path
///   of the state file.
#[no_mangle]
pub extern "C" fn ckpt_update_checkpoint_state(
    directory: *const c_char,
    update: *const ckpt_state_update,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let update = required(update, "the update")?.0.read("the update")?;
        let full = update.update.clone().all(&update.all).timestamps(update.timestamps.iter().copied());
        update_checkpoint_state(path_at(directory)?, &full)
    })
}

/// Checks whether there is a checkpoint at `prefix`: in format V2 by its index, in format V1 by its
/// file or the pattern of its files. Nothing else of it is checked. (`tf.train.checkpoint_exists`)
///
/// `*exists` receives the answer; false on failure. Errors are those of the operating system.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_exists(prefix: *const c_char, exists: *mut bool, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || {
        let out = output(exists, false, "the output argument `exists`")?;
        *out = checkpoint_exists(path_at(prefix)?)?;
        Ok(())
    })
}

/// Returns when each of `count` checkpoints was written, in seconds since the epoch. Checkpoints
/// that do not exist are left out. (`tf.train.get_checkpoint_mtimes`)
///
/// `mtimes` has room for `count` values. `*found` receives the number of values written; 0 on
/// failure. Errors are those of the operating system.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_mtimes(
    prefixes: *const *const c_char,
    count: usize,
    mtimes: *mut f64,
    found: *mut usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let found = output(found, 0, "the output argument `found`")?;
        let places = array_mut(mtimes, count, "the output array `mtimes`")?;
        let prefixes = list_at(prefixes, count, "the prefixes", |&prefix| path_at(prefix))?;
        let times = checkpoint_mtimes(prefixes)?;
        places.iter_mut().zip(&times).for_each(|(place, time)| *place = *time);
        *found = times.len();
        Ok(())
    })
}

/// Options for removing a checkpoint. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_remove_options(Exclusive<RemoveOptions>);

/// Makes options with the defaults; free them with `ckpt_remove_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_remove_options_new() -> *mut ckpt_remove_options {
    ask(std::ptr::null_mut(), || own(ckpt_remove_options::default()))
}

/// Sets whether the directory is locked: one of the `CKPT_LOCKING_` constants;
/// `CKPT_LOCKING_IF_POSSIBLE` by default. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_remove_options_set_locking(
    options: *mut ckpt_remove_options,
    locking: ckpt_locking,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || locking_of(locking), RemoveOptions::locking)
}

/// Sets for how many seconds the call waits for a lock that another process or thread holds; 60 by
/// default, 0 fails at once. Fails with `CKPT_CODE_INVALID_ARGUMENT` for negative values and NaN.
#[no_mangle]
pub extern "C" fn ckpt_remove_options_set_lock_wait(
    options: *mut ckpt_remove_options,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || limit_of(seconds), RemoveOptions::lock_wait)
}

/// Sets the log, which is called with `user_data` about a file system that has no locks and the
/// like. NULL, the default, turns it off.
///
/// The options keep `user_data`. `free_user_data`, if not NULL, is called when neither the options
/// nor a call that was given them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_remove_options_set_log(
    options: *mut ckpt_remove_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, RemoveOptions::log_to, log, user_data, free_user_data))
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_remove_options_free(options: *mut ckpt_remove_options) {
    release(options);
}

/// Deletes the checkpoint at `prefix`, V2 or V1, and the `.meta` file that TensorFlow's Saver wrote
/// beside it. The state file is not changed. (`tf.train.remove_checkpoint`)
///
/// The index is deleted first, so that there is no longer a checkpoint when its data is deleted.
/// Only plain files in the prefix's own directory are deleted. Missing files are not an error.
///
/// NULL `options` are the defaults.
///
/// Errors:
/// * `CKPT_CODE_UNAVAILABLE`: another process or thread is writing this checkpoint, or changes the
///   state of the directory, and did not end in time (`ckpt_remove_options_set_lock_wait`).
/// * The operating system's error: a file cannot be deleted, or the directory cannot be locked
///   although the options require it.
#[no_mangle]
pub extern "C" fn ckpt_remove_checkpoint(
    prefix: *const c_char,
    options: *const ckpt_remove_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let options = copied(options, Clone::clone)?;
        remove_checkpoint_with(path_at(prefix)?, &options)
    })
}

/// A pinned checkpoint: no manager of this library, in any process, removes it until it is unpinned
/// or the process ends. It can still be overwritten by a checkpoint of the same name, and
/// TensorFlow ignores pins. It never changes; several threads may use it at once.
pub struct ckpt_pin(Pin);

/// Pins the checkpoint `prefix`.
///
/// `*pin` receives the pin (NULL on failure); unpin with `ckpt_pin_free`.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND`: there is no such checkpoint, or it was removed during the call.
/// * `CKPT_CODE_UNAVAILABLE`: another process had it locked for removal for about 10 seconds.
#[no_mangle]
pub extern "C" fn ckpt_pin_new(prefix: *const c_char, pin: *mut *mut ckpt_pin, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || {
        let out = output(pin, std::ptr::null_mut(), "the output argument `pin`")?;
        *out = own(ckpt_pin(Pin::new(path_at(prefix)?)?));
        Ok(())
    })
}

/// Pins the latest checkpoint of `directory`, even while checkpoints are saved and removed there.
///
/// `*pin` receives the pin; unpin with `ckpt_pin_free`. It is NULL if there is no checkpoint, and
/// on failure.
///
/// Errors are those of `ckpt_pin_new`, and:
/// * `CKPT_CODE_DATA_LOSS`: the state file cannot be parsed.
#[no_mangle]
pub extern "C" fn ckpt_pin_latest(
    directory: *const c_char,
    options: *const ckpt_open_options,
    pin: *mut *mut ckpt_pin,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(pin, std::ptr::null_mut(), "the output argument `pin`")?;
        *out = Pin::latest_with(path_at(directory)?, &copied(options, Clone::clone)?)?
            .map_or(std::ptr::null_mut(), |pin| own(ckpt_pin(pin)));
        Ok(())
    })
}

/// Returns the prefix of the pinned checkpoint. Lent.
#[no_mangle]
pub extern "C" fn ckpt_pin_prefix(pin: *const ckpt_pin) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(pin).map_or(ckpt_bytes::NONE, |p| lend_path(p.0.prefix())))
}

/// Unpins a checkpoint. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_pin_free(pin: *mut ckpt_pin) {
    release(pin);
}
