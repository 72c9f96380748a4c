//! Calls in the background: saves, and what all of them have in common.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::callback::CallbackMark;
use super::checkpoint::{checkpoint_at, ckpt_checkpoint, optional_output};
use super::constants::{ckpt_code, ckpt_phase, phase_of};
use super::error::ckpt_error;
use super::graph_options::ckpt_save_options;
use super::maintenance::{ckpt_broken_checkpoints, give_valid};
use super::manager::{ckpt_manager, give_resumption, manager_at};
use super::manager_options::ckpt_manager_save_options;
use super::progress::{ckpt_free_callback, UserData};
use super::reader::ckpt_reader;
use super::status::ckpt_status;
use super::strings::{ckpt_string, give_path, lend_path};
use super::verify::ckpt_verification;
use super::{ask, call, ckpt_bytes, copied, handle, output, own, path_at, release, required};
use ::checkpoint::{
    Checkpoint, Error, Pending, PhaseCost, Reader, Result, Resumption, SaveOptions, Status, ValidCheckpoint, Verification,
};

/// A call that runs in the background, on a thread of the library. Several threads may use it at
/// once. All calls share a few threads, which end when there is nothing to do; calls that find none
/// free wait their turn.
///
/// Its result is taken once by the function of its kind: `ckpt_pending_take_reader`,
/// `ckpt_pending_take_status`, `ckpt_pending_take_verification`,
/// `ckpt_pending_take_valid_checkpoint` or `ckpt_pending_take_resumption`. A save gives a path, by
/// `ckpt_pending_wait`; reading many tensors and merging give nothing.
pub struct ckpt_pending {
    call: Pending<()>,
    result: Outcome,
}

/// What a call in the background gives.
pub(super) enum Outcome {
    Nothing,
    Saved(Pending),
    Reader(Pending<Reader>),
    Status(Pending<Status>, CallbackMark),
    Verification(Pending<Verification>),
    Valid(Pending<ValidCheckpoint>),
    Resumption(Pending<Resumption>, CallbackMark),
}

impl ckpt_pending {
    pub(super) fn new<T>(pending: Pending<T>, outcome: impl FnOnce(Pending<T>) -> Outcome) -> ckpt_pending {
        ckpt_pending { call: pending.untyped(), result: outcome(pending) }
    }
}

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
        *out = own(ckpt_pending::new(pending, Outcome::Saved));
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

/// Returns the path that the call was given or, for a save, that of the checkpoint that is being
/// written. Lent; `data` is NULL if `pending` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_pending_path(pending: *const ckpt_pending) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(pending).map_or(ckpt_bytes::NONE, |p| lend_path(p.call.path())))
}

/// Returns whether the call is over, successfully or not; true if `pending` is NULL. Never waits.
/// `*done` receives the number of bytes written, read or verified, `*total` the number of those to
/// be, as far as it is known. Either may be NULL.
#[no_mangle]
pub extern "C" fn ckpt_pending_poll(pending: *const ckpt_pending, done: *mut u64, total: *mut u64) -> bool {
    ask(true, || {
        let now = handle(pending).map(|p| p.call.poll());
        let _ = output(done, now.map_or(0, |now| now.done), "the output argument `done`");
        let _ = output(total, now.map_or(0, |now| now.total), "the output argument `total`");
        now.is_none_or(|now| now.is_finished)
    })
}

/// Waits until the call is over. Further calls return the same.
///
/// `*path` receives the checkpoint's path if the call is a save (NULL otherwise, and on failure);
/// free it with `ckpt_string_free`. `path` may be NULL.
///
/// Errors are those of the call, which no other call then reports, and:
/// * `CKPT_CODE_CANCELLED` (`CKPT_REASON_CALLBACK`): the call was cancelled.
/// * `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_REENTRANT`: called from a callback of this
///   call.
/// * `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_FORKED`: this process was forked from the
///   one that made the call.
#[no_mangle]
pub extern "C" fn ckpt_pending_wait(
    pending: *const ckpt_pending,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = optional_output(path, "the output argument `path`")?;
        let pending = required(pending, "the call in the background")?;
        pending.call.wait()?;
        if let Outcome::Saved(save) = &pending.result {
            give_path(out, save.wait()?);
        }
        Ok(())
    })
}

/// Waits until the call is over, at most `seconds`, which may be infinite, and returns whether it
/// is over; true if `pending` is NULL. It does not wait if `seconds` is 0, negative or NaN, or in a
/// callback of the same call. An error of the call still counts as not reported.
#[no_mangle]
pub extern "C" fn ckpt_pending_wait_for(pending: *const ckpt_pending, seconds: f64) -> bool {
    ask(true, || {
        let limit = if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX) } else { Duration::ZERO };
        handle(pending).is_none_or(|p| p.call.wait_for(limit))
    })
}

/// Called when a call in the background is over, on a thread of the library. It may call anything,
/// the graph and the functions of the pending call included, but should not take long: calls in the
/// background wait for the thread.
pub type ckpt_ended_callback = Option<extern "C" fn(user_data: *mut c_void)>;

/// Has `ended` called once with `user_data` when the call is over, on a thread of the library, also
/// if it is over already, and whether or not `pending` is freed before. Callbacks that are given
/// before the end are called in that order.
///
/// `free_user_data`, if not NULL, is called after that; at once if this call fails, and `ended` is
/// then never called. In a process that was forked meanwhile neither is called.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `ended` is NULL.
/// * `CKPT_CODE_RESOURCE_EXHAUSTED`: the call is over, and no thread can be started.
/// * `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_FORKED`: as for `ckpt_pending_wait`.
#[no_mangle]
pub extern "C" fn ckpt_pending_notify(
    pending: *const ckpt_pending,
    ended: ckpt_ended_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let ended = ended.ok_or_else(|| Error::argument("the callback is NULL"))?;
        required(pending, "the call in the background")?.call.notify(Box::new(move || ended(user.pointer())))
    })
}

/// Asks the call to stop soon. If it has done everything by then, it succeeds; `ckpt_pending_wait`
/// returns which of the two happened. NULL is ignored.
///
/// A cancelled save or merge leaves what was there before and nothing new; no other call reports
/// it. A restore that is cancelled before the first value is assigned leaves the graph unchanged;
/// later, `ckpt_checkpoint_last_report` says what was assigned. The content of the buffers of a
/// cancelled read is unspecified.
#[no_mangle]
pub extern "C" fn ckpt_pending_cancel(pending: *const ckpt_pending) {
    ask((), || {
        if let Some(pending) = handle(pending) {
            pending.call.cancel();
        }
    });
}

/// Gives what a phase of a save has cost so far: in `*bytes` the number of bytes copied, written or
/// synced (0 for the other phases), in `*seconds` the time of the calling thread or of the one in
/// the background. Either may be NULL. Once the save is over it is all. Never waits.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `phase` is none of the `CKPT_PHASE_` constants, or the call in
///   the background is no save.
#[no_mangle]
pub extern "C" fn ckpt_pending_phase(
    pending: *const ckpt_pending,
    phase: ckpt_phase,
    bytes: *mut u64,
    seconds: *mut f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        give_cost(bytes, seconds, || match &required(pending, "the call in the background")?.result {
            Outcome::Saved(save) => Ok(save.phase(phase_of(phase)?)),
            _ => Err(another("a save")),
        })
    })
}

/// Gives what a phase of the last save of a manager has cost so far, in the background or not, as
/// `ckpt_pending_phase` does; zeros before the first save. A save that was refused, because it was
/// too early or because another manager has the directory, is none.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if `phase` is none of the `CKPT_PHASE_` constants.
#[no_mangle]
pub extern "C" fn ckpt_manager_phase(
    manager: *const ckpt_manager,
    phase: ckpt_phase,
    bytes: *mut u64,
    seconds: *mut f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || give_cost(bytes, seconds, || Ok(manager_at(manager)?.0.phase(phase_of(phase)?))))
}

fn give_cost(bytes: *mut u64, seconds: *mut f64, cost: impl FnOnce() -> Result<PhaseCost>) -> Result<()> {
    // Cleared, also on failure.
    let bytes = output(bytes, 0, "the output argument `bytes`").ok();
    let seconds = output(seconds, 0.0, "the output argument `seconds`").ok();
    let cost = cost()?;
    if let Some(out) = bytes {
        *out = cost.bytes;
    }
    if let Some(out) = seconds {
        *out = cost.seconds;
    }
    Ok(())
}

/// The error of a result that a call of another kind does not have.
#[cold]
fn another(expected: &str) -> Error {
    Error::argument("the call in the background is of another kind").expecting(expected, "another call")
}

fn result_of<'a>(pending: *const ckpt_pending) -> Result<&'a Outcome> {
    Ok(&required(pending, "the call in the background")?.result)
}

/// Waits until the opening is over and takes the reader, once.
///
/// `*reader` is owned by the caller: free it with `ckpt_reader_free`. It is NULL on failure.
///
/// Errors are those of `ckpt_reader_open` and `ckpt_pending_wait`, and:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the call in the background is of another kind.
/// * `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_ARGUMENT`): the result was taken before.
#[no_mangle]
pub extern "C" fn ckpt_pending_take_reader(
    pending: *const ckpt_pending,
    reader: *mut *mut ckpt_reader,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(reader, std::ptr::null_mut(), "the output argument `reader`")?;
        let Outcome::Reader(opened) = result_of(pending)? else { return Err(another("ckpt_reader_open_async")) };
        *out = own(ckpt_reader::new(opened.take()?));
        Ok(())
    })
}

/// Waits until the restore is over and takes its status, once.
///
/// `*status` receives the status (NULL on failure); free it with `ckpt_status_free`.
///
/// Errors are those of `ckpt_checkpoint_restore` and `ckpt_pending_take_reader`.
#[no_mangle]
pub extern "C" fn ckpt_pending_take_status(
    pending: *const ckpt_pending,
    status: *mut *mut ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(status, std::ptr::null_mut(), "the output argument `status`")?;
        let Outcome::Status(restored, mark) = result_of(pending)? else {
            return Err(another("ckpt_checkpoint_restore_async or _read_async"));
        };
        *out = own(ckpt_status { status: restored.take()?.into(), mark: mark.clone() });
        Ok(())
    })
}

/// Waits until the verification is over and takes what it found, once.
///
/// `*verification` is owned by the caller: free it with `ckpt_verification_free`. It is NULL on
/// failure.
///
/// Errors are those of `ckpt_verify` and `ckpt_pending_take_reader`.
#[no_mangle]
pub extern "C" fn ckpt_pending_take_verification(
    pending: *const ckpt_pending,
    verification: *mut *mut ckpt_verification,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(verification, std::ptr::null_mut(), "the output argument `verification`")?;
        let Outcome::Verification(found) = result_of(pending)? else { return Err(another("ckpt_verify_async")) };
        *out = own(ckpt_verification::new(found.take()?));
        Ok(())
    })
}

/// Waits until the search for the newest valid checkpoint is over and takes its result, once:
/// `*path` and `*broken` as of `ckpt_latest_valid_checkpoint`. `broken` may be NULL.
///
/// Errors are those of `ckpt_latest_valid_checkpoint` and `ckpt_pending_take_reader`.
#[no_mangle]
pub extern "C" fn ckpt_pending_take_valid_checkpoint(
    pending: *const ckpt_pending,
    path: *mut *mut ckpt_string,
    broken: *mut *mut ckpt_broken_checkpoints,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        give_valid(path, broken, || match result_of(pending)? {
            Outcome::Valid(found) => found.take(),
            _ => Err(another("ckpt_latest_valid_checkpoint_async or ckpt_manager_latest_valid_async")),
        })
    })
}

/// Waits until resuming is over and takes its result, once: `*path` and `*status` as of
/// `ckpt_manager_restore_or_initialize`. Both arguments may be NULL.
///
/// Errors are those of `ckpt_manager_restore_or_initialize` and `ckpt_pending_take_reader`.
#[no_mangle]
pub extern "C" fn ckpt_pending_take_resumption(
    pending: *const ckpt_pending,
    path: *mut *mut ckpt_string,
    status: *mut *mut ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let path = optional_output(path, "the output argument `path`");
        let status = optional_output(status, "the output argument `status`")?;
        let path = path?;
        let Outcome::Resumption(resumed, mark) = result_of(pending)? else {
            return Err(another("ckpt_manager_restore_or_initialize_async"));
        };
        give_resumption(resumed.take()?, mark, path, status);
        Ok(())
    })
}

/// Frees the handle of a call, which goes on. A result that was not taken is dropped. NULL is
/// ignored.
#[no_mangle]
pub extern "C" fn ckpt_pending_free(pending: *mut ckpt_pending) {
    release(pending);
}
