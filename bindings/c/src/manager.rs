//! Managers: checkpoints of one program in one directory.

use std::ffi::c_char;
use std::path::PathBuf;

use super::callback::Mark;
use super::checkpoint::{checkpoint_at, ckpt_checkpoint, wanted};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::maintenance::ckpt_broken;
use super::manager_options::{ckpt_manager_options, ckpt_manager_save_options, ckpt_resume_options};
use super::status::ckpt_status;
use super::strings::{ckpt_string, ckpt_strings, lend_path, text_of};
use super::{array, ask, call, ckpt_bytes, handle, output, own, path_at, release, required};
use ::checkpoint::{Manager, Result, Strings};

/// Saves a checkpoint again and again in one directory, keeps some of them, and resumes from the latest
/// (`tf.train.CheckpointManager`).
///
/// What it knows it reads from the directory's state file when it is opened, and writes there after each save, as TensorFlow's
/// does; one can go on where the other stopped. Opening takes no lock and changes nothing, so that an evaluator may have a manager
/// of a directory in which a program trains. The first save takes the directory's lock, which is the manager's until it is freed.
/// A program that is refused since another one is saving may try again when that has ended, but must then resume first.
///
/// A save is safe: the new checkpoint is on disk before the state file names it, and the state file names it before an old one is
/// removed. What is removed are the files of checkpoints that the state file listed, by their own names and directly in the
/// directory, never by pattern or by way of links; and never one that somebody holds (`ckpt_pin`).
///
/// It keeps the checkpoint and its graph alive. Several threads may use it at once: calls that save or restore take the graph's
/// lock for their whole length.
pub struct ckpt_manager {
    manager: Manager,
    mark: Mark,
}

/// The manager that a handle stands for. It is held apart from the handle, which a callback may free.
pub(super) fn manager_at(manager: *const ckpt_manager) -> Result<(Manager, Mark)> {
    let manager = required(manager, "the manager")?;
    manager.mark.check()?;
    Ok((manager.manager.clone(), manager.mark.clone()))
}

/// Paths as texts.
pub(super) fn texts_of(paths: impl IntoIterator<Item = PathBuf>) -> Result<*mut ckpt_strings> {
    let paths: Vec<Vec<u8>> = paths.into_iter().map(|path| path.into_os_string().into_encoded_bytes()).collect();
    Ok(own(ckpt_strings(Strings::copy_of(&paths)?)))
}

/// A manager of `checkpoint` in `directory`, which the first save makes if need be. A state file that cannot be understood counts
/// for none, and the log hears it. Checkpoints that no manager recorded, those of `ckpt_checkpoint_save` for instance, are known
/// as the latest but never removed.
///
/// `*manager` is to be freed with `ckpt_manager_free`; NULL on failure. `CKPT_CODE_INVALID_ARGUMENT` for impossible options;
/// `CKPT_CODE_DATA_LOSS` when the state file names no latest checkpoint; what the system says when it cannot be read.
#[no_mangle]
pub extern "C" fn ckpt_manager_open(
    checkpoint: *const ckpt_checkpoint,
    directory: *const c_char,
    options: *const ckpt_manager_options,
    manager: *mut *mut ckpt_manager,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(manager, std::ptr::null_mut(), "the place for the manager")?;
        let checkpoint = checkpoint_at(checkpoint)?;
        let options = handle(options).map(|o| o.settle(&checkpoint.mark)).unwrap_or_default();
        let manager = Manager::open(&checkpoint.checkpoint, path_at(directory)?, &options)?;
        *out = own(ckpt_manager { manager, mark: checkpoint.mark });
        Ok(())
    })
}

/// Frees a manager, and lets go of the directory's lock if it has it. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_manager_free(manager: *mut ckpt_manager) {
    release(manager);
}

/// Another handle of the manager's checkpoint, to be freed with `ckpt_checkpoint_free`; NULL of NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_checkpoint(manager: *const ckpt_manager) -> *mut ckpt_checkpoint {
    ask(std::ptr::null_mut(), || {
        let checkpoint =
            |m: &ckpt_manager| own(ckpt_checkpoint { checkpoint: m.manager.checkpoint().clone(), mark: m.mark.clone() });
        handle(manager).map_or(std::ptr::null_mut(), checkpoint)
    })
}

/// The directory, as it was given. Lent.
#[no_mangle]
pub extern "C" fn ckpt_manager_directory(manager: *const ckpt_manager) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(manager).map_or(ckpt_bytes::NONE, |m| lend_path(m.manager.directory())))
}

/// Whether the manager saves by steps; then `*steps`, if `steps` is not NULL, is how many there are from one save to the next.
#[no_mangle]
pub extern "C" fn ckpt_manager_checkpoint_interval(manager: *const ckpt_manager, steps: *mut i64) -> bool {
    ask(false, || {
        let interval = handle(manager).and_then(|m| m.manager.checkpoint_interval());
        let _ = output(steps, interval.unwrap_or(0), "the place for the steps");
        interval.is_some()
    })
}

/// The checkpoint that was recorded last, to be freed with `ckpt_string_free`; NULL when there is none. That it is still there is not
/// looked at. This and the three functions that follow may be called from inside callbacks.
#[no_mangle]
pub extern "C" fn ckpt_manager_latest_checkpoint(manager: *const ckpt_manager) -> *mut ckpt_string {
    ask(std::ptr::null_mut(), || text_of(handle(manager).and_then(|m| m.manager.latest_checkpoint())))
}

/// The newest checkpoints, those that may be removed in their turn, oldest first; to be freed with `ckpt_strings_free`; NULL of NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_checkpoints(manager: *const ckpt_manager) -> *mut ckpt_strings {
    ask(std::ptr::null_mut(), || {
        handle(manager).and_then(|m| texts_of(m.manager.checkpoints()).ok()).unwrap_or(std::ptr::null_mut())
    })
}

/// All managed checkpoints with a metric, the best first; to be freed with `ckpt_strings_free`; NULL of NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_best_checkpoints(manager: *const ckpt_manager) -> *mut ckpt_strings {
    ask(std::ptr::null_mut(), || {
        let best = |m: &ckpt_manager| texts_of(m.manager.best_checkpoints().into_iter().map(|(path, _)| path)).ok();
        handle(manager).and_then(best).unwrap_or(std::ptr::null_mut())
    })
}

/// The metric that the checkpoint `path`, as `ckpt_manager_best_checkpoints` gives it, was saved with; NaN when it is none of those.
#[no_mangle]
pub extern "C" fn ckpt_manager_metric(manager: *const ckpt_manager, path: *const c_char, path_len: usize) -> f64 {
    ask(f64::NAN, || {
        let path = array::<u8>(path.cast(), path_len, "the path").unwrap_or_default();
        let best = handle(manager).map(|m| m.manager.best_checkpoints()).unwrap_or_default();
        let found = best.into_iter().find(|(found, _)| found.as_os_str().as_encoded_bytes() == path);
        found.map_or(f64::NAN, |(_, metric)| metric)
    })
}

/// Saves a checkpoint, `DIRECTORY/NAME-COUNT` or with the number that the options give, makes it the latest, and removes what is too
/// many. The save counter counts every save, whatever its number. (`tf.train.CheckpointManager.save`)
///
/// Write callbacks run when the checkpoint is complete, before it is recorded. If one fails, the checkpoint stays where it is, and
/// is recorded by the next save.
///
/// `*path` is to be freed with `ckpt_string_free`; NULL when the manager saves by steps and it is too early, and on failure;
/// `path` may be NULL. `CKPT_CODE_UNAVAILABLE` when another process saves in this directory; `CKPT_CODE_FAILED_PRECONDITION` with
/// `CKPT_REASON_REPLACED` when one has since the manager was opened and the program has not resumed from that; nothing has been
/// counted then. Else errors are those of `ckpt_checkpoint_write`, and the system's when the state file cannot be written: the
/// step counts as not saved, and the checkpoints recorded before are all there.
#[no_mangle]
pub extern "C" fn ckpt_manager_save(
    manager: *const ckpt_manager,
    options: *const ckpt_manager_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = wanted(path, "the place for the path")?;
        let (manager, mark) = manager_at(manager)?;
        let options = handle(options).map(|o| o.settle(&mark)).unwrap_or_default();
        let saved = manager.save(&options)?;
        if let Some(out) = out {
            *out = text_of(saved);
        }
        Ok(())
    })
}

/// Restores the latest checkpoint; where there is none, calls the init callback, if there is one.
/// (`tf.train.CheckpointManager.restore_or_initialize`)
///
/// `*path`, to be freed with `ckpt_string_free`, and `*status`, to be freed with `ckpt_status_free`, are of the checkpoint that was
/// restored; NULL when there was none, and on failure; both places may be NULL. Errors are those of `ckpt_checkpoint_restore`,
/// `CKPT_CODE_NOT_FOUND` when the latest checkpoint is gone; then nothing is initialised. When the newest whole checkpoint was asked for
/// and none is whole, the error says what is wrong with the newest. `CKPT_CODE_ABORTED` when the callback fails.
#[no_mangle]
pub extern "C" fn ckpt_manager_restore_or_initialize(
    manager: *const ckpt_manager,
    options: *const ckpt_resume_options,
    path: *mut *mut ckpt_string,
    status: *mut *mut ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let path = wanted(path, "the place for the path");
        let status = wanted(status, "the place for the status")?;
        let path = path?;
        let (manager, mark) = manager_at(manager)?;
        let options = handle(options).map(|o| o.options.clone()).unwrap_or_default();
        let resumed = manager.restore_or_initialize(&options)?;
        if let (Some(out), Some(restored)) = (path, resumed.path) {
            *out = text_of(restored);
        }
        if let (Some(out), Some(restored)) = (status, resumed.status) {
            *out = own(ckpt_status { status: restored.into(), mark });
        }
        Ok(())
    })
}

/// The newest checkpoint of the directory that is whole: every checksum of it is compared. See `ckpt_latest_valid_checkpoint`.
///
/// `*path` is to be freed with `ckpt_string_free`; NULL when there is none, and on failure. `*broken`, to be freed with
/// `ckpt_broken_free`, has those that are newer and not whole; NULL on failure; `broken` may be NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_latest_valid(
    manager: *const ckpt_manager,
    path: *mut *mut ckpt_string,
    broken: *mut *mut ckpt_broken,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let broken = wanted(broken, "the place for the broken ones");
        let path = output(path, std::ptr::null_mut(), "the place for the path")?;
        let broken = broken?;
        let found = manager_at(manager)?.0.latest_valid()?;
        *path = text_of(found.prefix);
        if let Some(out) = broken {
            *out = ckpt_broken::new(found.broken);
        }
        Ok(())
    })
}
