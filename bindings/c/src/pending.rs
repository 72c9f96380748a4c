//! Pending saves: saves in the background.

use std::ffi::c_char;
use std::time::Duration;

use super::checkpoint::{checkpoint_at, ckpt_checkpoint, optional_output};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph_options::ckpt_save_options;
use super::manager::{ckpt_manager, manager_at};
use super::manager_options::ckpt_manager_save_options;
use super::strings::{ckpt_string, give_path, lend_path};
use super::{ask, call, ckpt_bytes, copied, handle, output, own, path_at, release, required};
use ::checkpoint::{Checkpoint, Pending, Result, SaveOptions};

/// A save that runs in the background, on a thread of the library. Several threads may use it at
/// once.
pub struct ckpt_pending(Pending);

fn start(
    checkpoint: *const ckpt_checkpoint,
    options: *const ckpt_save_options,
    pending: *mut *mut ckpt_pending,
    start: impl FnOnce(&Checkpoint, &SaveOptions) -> Result<Pending>,
) -> Result<()> {
    let out = optional_output(pending, "the output argument `pending`")?;
    let checkpoint = checkpoint_at(checkpoint)?;
    let options = copied(options, |o| o.resolve(&checkpoint.mark))?;
    give(out, start(&checkpoint.checkpoint, &options)?);
    Ok(())
}

fn give(out: Option<&mut *mut ckpt_pending>, pending: Pending) {
    if let Some(out) = out {
        *out = own(ckpt_pending(pending));
    }
}

/// Copies what `ckpt_checkpoint_save` would write and does the rest in the background: writes the
/// files, calls the written callbacks of the options, and makes the checkpoint the latest in the
/// state file. The program may change everything as soon as this call returns; what is saved are
/// the values at the time of the call.
///
/// Callbacks of states, savers and devices are called before this call returns, on the calling
/// thread. Progress and written callbacks are called on the background thread; `free_user_data` may
/// be called there too. Several threads make the copy, into memory that the checkpoint keeps for
/// the next one.
///
/// A checkpoint runs one save at a time. Calls that save or restore wait for it without the graph's
/// lock (but see `ckpt_save_options_set_busy`), and so does freeing the last handle that holds the
/// checkpoint. If the program exits before the save is over, what was there before is still there.
///
/// `*pending` receives the save (NULL on failure); free it with `ckpt_pending_free`. `pending` may
/// be NULL.
///
/// Errors that are known before anything is written are returned by this call:
/// * `CKPT_CODE_FAILED_PRECONDITION` and `CKPT_CODE_ABORTED`: as for `ckpt_checkpoint_write`.
/// * `CKPT_CODE_RESOURCE_EXHAUSTED`: there is not enough memory for the copy, or no thread can be
///   started.
/// * `CKPT_CODE_UNAVAILABLE` with `CKPT_REASON_BUSY`: an earlier save is still running and the
///   options say `CKPT_BUSY_FAIL`. Nothing is counted.
///
/// After the first two kinds the save counter stays incremented. Every other error is returned by
/// `ckpt_pending_wait` or, if nobody calls that, by `ckpt_checkpoint_sync`; it is in the log; and
/// `ckpt_checkpoint_last_failure` gives it. It never makes another save fail.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_save_async(
    checkpoint: *const ckpt_checkpoint,
    prefix: *const c_char,
    options: *const ckpt_save_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || start(checkpoint, options, pending, |checkpoint, options| checkpoint.save_async(path_at(prefix)?, options)))
}

/// Copies what `ckpt_checkpoint_write` would write and does the rest in the background, as
/// `ckpt_checkpoint_save_async` does. Does not increment the save counter and does not change the
/// state file.
///
/// `*pending` receives the save (NULL on failure); free it with `ckpt_pending_free`. `pending` may
/// be NULL.
///
/// Errors are those of `ckpt_checkpoint_save_async`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_write_async(
    checkpoint: *const ckpt_checkpoint,
    prefix: *const c_char,
    options: *const ckpt_save_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || start(checkpoint, options, pending, |checkpoint, options| checkpoint.write_async(path_at(prefix)?, options)))
}

/// Waits for the save that is running in the background, if there is one.
///
/// Errors:
/// * The error of a save in the background that has not been reported yet: of the first one, and at
///   the next call of the last one.
/// * `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_REENTRANT`: called from a callback.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_sync(checkpoint: *const ckpt_checkpoint, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || checkpoint_at(checkpoint)?.checkpoint.sync())
}

/// Returns the code of the last save in the background that failed, and its error in `*error`,
/// whether or not it has been reported; `CKPT_CODE_OK` if none has failed. Later saves that succeed
/// do not change it, and a cancelled save has not failed. Never waits.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_last_failure(checkpoint: *const ckpt_checkpoint, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || checkpoint_at(checkpoint)?.checkpoint.last_failure().map_or(Ok(()), Err))
}

/// Returns what `ckpt_checkpoint_last_failure` returns for the manager's checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_manager_last_failure(manager: *const ckpt_manager, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || manager_at(manager)?.0.last_failure().map_or(Ok(()), Err))
}

/// Copies what `ckpt_manager_save` would save and does the rest in the background, as
/// `ckpt_checkpoint_save_async` does. When the checkpoint is complete, it is recorded and expired
/// ones are deleted. The directory's lock is held until then, even if the manager is freed.
///
/// If the save fails, the step counts as not saved and the checkpoint is not recorded; its number
/// is used up.
///
/// `*pending` receives the save; free it with `ckpt_pending_free`. It is NULL on failure, and if
/// the manager saves by steps and it is too early. That is decided without waiting: the step of a
/// running save counts as saved. `pending` may be NULL.
///
/// Errors are those of `ckpt_manager_save` and `ckpt_checkpoint_save_async`, returned by this call
/// or by `ckpt_pending_wait`.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_async(
    manager: *const ckpt_manager,
    options: *const ckpt_manager_save_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = optional_output(pending, "the output argument `pending`")?;
        let (manager, mark) = manager_at(manager)?;
        let options = copied(options, |o| o.resolve(&mark))?;
        if let Some(pending) = manager.save_async(&options)? {
            give(out, pending);
        }
        Ok(())
    })
}

/// Returns the path of the checkpoint that is being written. Lent; `data` is NULL if `pending` is
/// NULL.
#[no_mangle]
pub extern "C" fn ckpt_pending_path(pending: *const ckpt_pending) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(pending).map_or(ckpt_bytes::NONE, |p| lend_path(p.0.path())))
}

/// Returns whether the save is over, successfully or not; true if `pending` is NULL. Never waits.
/// `*done` receives the number of bytes written, `*total` the number of bytes to write. Either may
/// be NULL.
#[no_mangle]
pub extern "C" fn ckpt_pending_poll(pending: *const ckpt_pending, done: *mut u64, total: *mut u64) -> bool {
    ask(true, || {
        let now = handle(pending).map(|p| p.0.poll());
        let _ = output(done, now.map_or(0, |now| now.done), "the output argument `done`");
        let _ = output(total, now.map_or(0, |now| now.total), "the output argument `total`");
        now.is_none_or(|now| now.is_finished)
    })
}

/// Waits until the save is over. Further calls return the same result.
///
/// `*path` receives the checkpoint's path (NULL on failure); free it with `ckpt_string_free`.
/// `path` may be NULL.
///
/// Errors are those of the save, which no other call then reports, and:
/// * `CKPT_CODE_CANCELLED`: the save was cancelled.
/// * `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_REENTRANT`: called from a callback of this
///   save.
#[no_mangle]
pub extern "C" fn ckpt_pending_wait(
    pending: *const ckpt_pending,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = optional_output(path, "the output argument `path`")?;
        let saved = required(pending, "the pending save")?.0.wait()?;
        give_path(out, saved);
        Ok(())
    })
}

/// Waits until the save is over, at most `seconds`, which may be infinite, and returns whether it
/// is over; true if `pending` is NULL. It does not wait if `seconds` is 0, negative or NaN, or in a
/// callback of the same save. An error of the save still counts as not reported.
#[no_mangle]
pub extern "C" fn ckpt_pending_wait_for(pending: *const ckpt_pending, seconds: f64) -> bool {
    ask(true, || {
        let limit = if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX) } else { Duration::ZERO };
        handle(pending).is_none_or(|p| p.0.wait_for(limit))
    })
}

/// Asks the save to stop soon. If everything is already written, the save completes;
/// `ckpt_pending_wait` returns which of the two happened. A cancelled save leaves what was there
/// before and nothing new; no other call reports it. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_pending_cancel(pending: *const ckpt_pending) {
    ask((), || {
        if let Some(pending) = handle(pending) {
            pending.0.cancel();
        }
    });
}

/// Frees the handle of a save, which goes on. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_pending_free(pending: *mut ckpt_pending) {
    release(pending);
}
