//! Managers: the checkpoints of one program in one directory.

use std::ffi::c_char;
use std::path::PathBuf;

use super::callback::CallbackMark;
use super::checkpoint::{checkpoint_at, ckpt_checkpoint, optional_output};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::maintenance::{ckpt_broken_checkpoints, give_valid};
use super::manager_options::{ckpt_manager_options, ckpt_manager_save_options, ckpt_resume_options};
use super::status::ckpt_status;
use super::strings::{ckpt_string, ckpt_strings, give_path, lend_path, text_of};
use super::{ask, call, ckpt_bytes, copied, handle, output, own, path_at, release, required, short_at};
use ::checkpoint::{Manager, Result, Resumption, Strings};

/// Saves checkpoints repeatedly in one directory, keeps some of them, and resumes from the latest
/// (`tf.train.CheckpointManager`).
///
/// It reads the directory's state file when it is opened and writes it after each save, as
/// TensorFlow's manager does: each can continue where the other stopped. Opening takes no lock and
/// changes nothing, so an evaluator may open a manager of a directory in which a program trains.
/// The first save takes the lock of the directory's manager, of which there is one at a time, in
/// this process too, and which the manager owns until it is freed. A program
/// whose save is refused because another program owns the lock may try again when that program has
/// ended, but must resume first.
///
/// A save is crash-safe: the new checkpoint is on disk before the state file names it, and the
/// state file names it before an old one is deleted. Only files of checkpoints that the state file
/// listed are deleted: by their own names, directly in the directory, never by a pattern and never
/// through a link. A pinned checkpoint (`ckpt_pin_new`) is never deleted.
///
/// It keeps its checkpoint and graph alive. Several threads may use it at once: calls that save or
/// restore take the graph's lock for their whole length.
pub struct ckpt_manager {
    manager: Manager,
    mark: CallbackMark,
}

/// The manager behind a handle: a clone, because a callback may free the handle.
pub(super) fn manager_at(manager: *const ckpt_manager) -> Result<(Manager, CallbackMark)> {
    let manager = required(manager, "the manager")?;
    manager.mark.check()?;
    Ok((manager.manager.clone(), manager.mark.clone()))
}

/// Hands paths to the caller.
pub(super) fn texts_of(paths: impl IntoIterator<Item = PathBuf>) -> Result<*mut ckpt_strings> {
    let paths: Vec<Vec<u8>> = paths.into_iter().map(|path| path.into_os_string().into_encoded_bytes()).collect();
    Ok(own(ckpt_strings(Strings::copy_of(&paths)?)))
}

/// Opens a manager of `checkpoint` in `directory`, which the first save makes if it does not exist.
///
/// A state file that cannot be parsed is ignored, with a warning in the log. Checkpoints that no
/// manager recorded, such as those of `ckpt_checkpoint_save`, may be the latest but are never
/// removed.
///
/// `*manager` receives the manager (NULL on failure); free it with `ckpt_manager_free`.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: an option is invalid.
/// * `CKPT_CODE_DATA_LOSS`: the state file names no latest checkpoint.
/// * The operating system's error: the state file cannot be read.
#[no_mangle]
pub extern "C" fn ckpt_manager_open(
    checkpoint: *const ckpt_checkpoint,
    directory: *const c_char,
    options: *const ckpt_manager_options,
    manager: *mut *mut ckpt_manager,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(manager, std::ptr::null_mut(), "the output argument `manager`")?;
        let checkpoint = checkpoint_at(checkpoint)?;
        let options = copied(options, |o| o.resolve(&checkpoint.mark))?;
        let manager = Manager::open(&checkpoint.checkpoint, path_at(directory)?, &options)?;
        *out = own(ckpt_manager { manager, mark: checkpoint.mark });
        Ok(())
    })
}

/// Frees a manager and releases the directory's lock if the manager owns it. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_manager_free(manager: *mut ckpt_manager) {
    release(manager);
}

/// Returns another handle of the manager's checkpoint; free it with `ckpt_checkpoint_free`. NULL if
/// `manager` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_checkpoint(manager: *const ckpt_manager) -> *mut ckpt_checkpoint {
    ask(std::ptr::null_mut(), || {
        let checkpoint =
            |m: &ckpt_manager| own(ckpt_checkpoint { checkpoint: m.manager.checkpoint().clone(), mark: m.mark.clone() });
        handle(manager).map_or(std::ptr::null_mut(), checkpoint)
    })
}

/// Returns the directory, as it was given. Lent.
#[no_mangle]
pub extern "C" fn ckpt_manager_directory(manager: *const ckpt_manager) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(manager).map_or(ckpt_bytes::NONE, |m| lend_path(m.manager.directory())))
}

/// Returns whether the manager saves by steps. `*steps` receives the number of steps from one save
/// to the next; 0 if it does not. `steps` may be NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_checkpoint_interval(manager: *const ckpt_manager, steps: *mut i64) -> bool {
    ask(false, || {
        let interval = handle(manager).and_then(|m| m.manager.checkpoint_interval());
        let _ = output(steps, interval.unwrap_or(0), "the output argument `steps`");
        interval.is_some()
    })
}

/// Returns the checkpoint that was recorded last; NULL if there is none. It is not checked that it
/// still exists. Free it with `ckpt_string_free`. This function may be called from callbacks.
#[no_mangle]
pub extern "C" fn ckpt_manager_latest_checkpoint(manager: *const ckpt_manager) -> *mut ckpt_string {
    ask(std::ptr::null_mut(), || text_of(handle(manager).and_then(|m| m.manager.latest_checkpoint())))
}

/// Returns the newest checkpoints, oldest first: those that `max_to_keep` counts and that may
/// expire. Free them with `ckpt_strings_free`. NULL if `manager` is NULL. This function may be
/// called from callbacks.
#[no_mangle]
pub extern "C" fn ckpt_manager_checkpoints(manager: *const ckpt_manager) -> *mut ckpt_strings {
    ask(std::ptr::null_mut(), || {
        handle(manager).and_then(|m| texts_of(m.manager.checkpoints()).ok()).unwrap_or(std::ptr::null_mut())
    })
}

/// Returns all managed checkpoints that have a metric, best first. Free them with
/// `ckpt_strings_free`. NULL if `manager` is NULL or there is no memory for the list. This function
/// may be called from callbacks.
#[no_mangle]
pub extern "C" fn ckpt_manager_best_checkpoints(manager: *const ckpt_manager) -> *mut ckpt_strings {
    ask(std::ptr::null_mut(), || {
        let best = |m: &ckpt_manager| texts_of(m.manager.best_checkpoints().ok()?.into_iter().map(|(path, _)| path)).ok();
        handle(manager).and_then(best).unwrap_or(std::ptr::null_mut())
    })
}

/// Returns the metric with which the checkpoint `path` was saved; NaN if `path` is not one of
/// `ckpt_manager_best_checkpoints`. This function may be called from callbacks.
#[no_mangle]
pub extern "C" fn ckpt_manager_metric(manager: *const ckpt_manager, path: *const c_char, path_len: usize) -> f64 {
    ask(f64::NAN, || {
        let path = short_at(path, path_len, "the path").unwrap_or_default();
        let best = handle(manager).and_then(|m| m.manager.best_checkpoints().ok()).unwrap_or_default();
        let found = best.into_iter().find(|(found, _)| found.as_os_str().as_encoded_bytes() == path);
        found.map_or(f64::NAN, |(_, metric)| metric)
    })
}

/// Saves a checkpoint, makes it the latest, and deletes expired ones. Its path is
/// `DIRECTORY/NAME-COUNT`, or has the number that the options give in place of COUNT. The save
/// counter is incremented by every save, whatever its number. (`tf.train.CheckpointManager.save`)
///
/// A checkpoint that the state file does not list is never replaced: if one exists under that
/// number, the save takes the next number at which none exists, and the log says so. Unlike
/// TensorFlow's manager, which overwrites it.
///
/// Written callbacks run when the checkpoint is complete, before it is recorded. If one fails, the
/// checkpoint stays and the next save records it.
///
/// `*path` receives the checkpoint's path; free it with `ckpt_string_free`. It is NULL on failure,
/// and if the manager saves by steps and it is too early for the next save. `path` may be NULL.
///
/// Errors are those of `ckpt_checkpoint_write`, and:
/// * `CKPT_CODE_UNAVAILABLE` (`CKPT_REASON_LOCKED`): another manager has the directory, in this
///   process or another; or somebody writes the checkpoint or changes the state for longer than
///   `ckpt_manager_options_set_lock_wait` says. Nothing is counted if it is another manager.
/// * `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_REPLACED`): another manager has saved since this
///   one was opened, and this program has not resumed from its checkpoint; or the directory was
///   removed, moved or replaced. Nothing is counted.
/// * `CKPT_CODE_ABORTED` (`CKPT_REASON_REPLACED`): while the save waited for its number, another
///   program saved a checkpoint under it, which stays. The next save goes past it.
/// * `CKPT_CODE_ABORTED` (`CKPT_REASON_LOCK_LOST`): the lock of the directory was lost. The next
///   save takes it again.
/// * The operating system's error: the state file cannot be written.
///
/// After a failure the step counts as not saved, and all checkpoints recorded before still exist.
#[no_mangle]
pub extern "C" fn ckpt_manager_save(
    manager: *const ckpt_manager,
    options: *const ckpt_manager_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = optional_output(path, "the output argument `path`")?;
        let (manager, mark) = manager_at(manager)?;
        let options = copied(options, |o| o.resolve(&mark))?;
        let saved = manager.save(&options)?;
        if let Some(out) = out {
            *out = text_of(saved);
        }
        Ok(())
    })
}

/// Restores the latest checkpoint; if there is none, calls the init callback, if there is one.
/// (`tf.train.CheckpointManager.restore_or_initialize`)
///
/// `*path` receives the restored checkpoint's path; free it with `ckpt_string_free`. `*status`
/// receives its status; free it with `ckpt_status_free`. Both are NULL on failure and if there was
/// no checkpoint. Both arguments may be NULL.
///
/// Errors are those of `ckpt_checkpoint_restore`, and:
/// * `CKPT_CODE_NOT_FOUND`: the latest checkpoint no longer exists. The init callback is not
///   called.
/// * What is wrong with the newest checkpoint: the options ask for the newest valid one, and none
///   of the directory's checkpoints is valid. The init callback is not called.
/// * `CKPT_CODE_ABORTED`: the init callback failed.
#[no_mangle]
pub extern "C" fn ckpt_manager_restore_or_initialize(
    manager: *const ckpt_manager,
    options: *const ckpt_resume_options,
    path: *mut *mut ckpt_string,
    status: *mut *mut ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let path = optional_output(path, "the output argument `path`");
        let status = optional_output(status, "the output argument `status`")?;
        let path = path?;
        let (manager, mark) = manager_at(manager)?;
        let options = copied(options, Clone::clone)?;
        give_resumption(manager.restore_or_initialize(&options)?, &mark, path, status);
        Ok(())
    })
}

/// Hands to the caller what resuming gave.
pub(super) fn give_resumption(
    resumed: Resumption,
    mark: &CallbackMark,
    path: Option<&mut *mut ckpt_string>,
    status: Option<&mut *mut ckpt_status>,
) {
    give_path(path, resumed.path);
    if let (Some(out), Some(restored)) = (status, resumed.status) {
        *out = own(ckpt_status { status: restored.into(), mark: mark.clone() });
    }
}

/// Finds the newest valid checkpoint of the directory: a whole one or, only if there is none, an
/// incomplete one. See `ckpt_latest_valid_checkpoint`.
///
/// `*path` receives its prefix; free it with `ckpt_string_free`. It is NULL if there is none, if
/// the directory does not exist, and on failure. `*broken` receives the newer checkpoints that are
/// not whole (NULL on failure); free it with `ckpt_broken_checkpoints_free`. If `*path` is
/// incomplete, it is among them. `broken` may be NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_latest_valid(
    manager: *const ckpt_manager,
    path: *mut *mut ckpt_string,
    broken: *mut *mut ckpt_broken_checkpoints,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || give_valid(path, broken, || manager_at(manager)?.0.latest_valid()))
}
