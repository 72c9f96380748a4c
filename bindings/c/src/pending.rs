//! Saves in the background.

use std::ffi::c_char;
use std::time::Duration;

use super::checkpoint::{checkpoint_at, ckpt_checkpoint, wanted};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph_options::ckpt_save_options;
use super::manager::{ckpt_manager, manager_at};
use super::manager_options::ckpt_manager_save_options;
use super::strings::{ckpt_string, give_path, lend_path};
use super::{ask, call, ckpt_bytes, handle, output, own, path_at, release, required};
use ::checkpoint::{Checkpoint, Pending, Result, SaveOptions};

/// A save that runs in the background, on a thread of the library's own. Several threads may use it at once.
pub struct ckpt_pending(Pending);

fn start(
    checkpoint: *const ckpt_checkpoint,
    options: *const ckpt_save_options,
    pending: *mut *mut ckpt_pending,
    start: impl FnOnce(&Checkpoint, &SaveOptions) -> Result<Pending>,
) -> Result<()> {
    let out = wanted(pending, "the place for the pending save")?;
    let checkpoint = checkpoint_at(checkpoint)?;
    let options = handle(options).map(|o| o.settle(&checkpoint.mark)).unwrap_or_default();
    give(out, start(&checkpoint.checkpoint, &options)?);
    Ok(())
}

fn give(out: Option<&mut *mut ckpt_pending>, pending: Pending) {
    if let Some(out) = out {
        *out = own(ckpt_pending(pending));
    }
}

/// Copies what `ckpt_checkpoint_save` would write, and does the rest in the background: writes the files, calls the callbacks of the
/// options, has the state file name the checkpoint. When this returns the program may change everything; what is saved is what was
/// there. States, savers and devices are asked before it returns, on the thread that called; progress and written callbacks are called
/// in the background, and free_user_data may be.
///
/// The copy is made by several threads at once, into memory that the checkpoint keeps for the next one. One save of a checkpoint runs at
/// a time: calls that save or restore wait for it (`ckpt_save_options_set_busy`), without the graph's lock, and so does freeing the last
/// handle that holds the checkpoint. A program that exits before that leaves what was there before.
///
/// `*pending` is to be freed with `ckpt_pending_free`; NULL on failure; `pending` may be NULL. An error that is known before anything is
/// written comes from here, any other from `ckpt_pending_wait`; when nobody asks there, from the checkpoint's next call that saves, which
/// then does nothing else, or from `ckpt_checkpoint_sync`. `CKPT_CODE_FAILED_PRECONDITION` and `CKPT_CODE_ABORTED` as for
/// `ckpt_checkpoint_write`; `CKPT_CODE_RESOURCE_EXHAUSTED` when there is no memory for the copy, or no thread; the count stands in any of
/// these cases. `CKPT_CODE_UNAVAILABLE` with `CKPT_REASON_BUSY` when an earlier save is still running, if so asked.
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

/// Copies what `ckpt_checkpoint_write` would write, and does the rest in the background, as `ckpt_checkpoint_save_async` does; neither
/// counting nor telling the state file.
///
/// `*pending` is to be freed with `ckpt_pending_free`; NULL on failure; `pending` may be NULL. Errors are those of
/// `ckpt_checkpoint_save_async`.
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

/// Waits for the save that is running in the background, if there is one. The error is that of the last one, if nobody has heard of it
/// yet. `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_REENTRANT` in a callback.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_sync(checkpoint: *const ckpt_checkpoint, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || checkpoint_at(checkpoint)?.checkpoint.sync())
}

/// Copies what `ckpt_manager_save` would save, and does the rest in the background, as `ckpt_checkpoint_save_async` does: the checkpoint is
/// recorded, and what is too many is removed, when it is complete. If it fails, the step counts as not saved, and the checkpoint is not
/// recorded; its number is used up. The directory's lock is held until then, also if the manager is freed.
///
/// `*pending` is to be freed with `ckpt_pending_free`; NULL when the manager saves by steps and it is too early, and on failure; `pending`
/// may be NULL. That it is too early is said without waiting: the step of a save that is running counts as saved. Errors are those of
/// `ckpt_manager_save` and `ckpt_checkpoint_save_async`, from here or from `ckpt_pending_wait`.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_async(
    manager: *const ckpt_manager,
    options: *const ckpt_manager_save_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = wanted(pending, "the place for the pending save")?;
        let (manager, mark) = manager_at(manager)?;
        let options = handle(options).map(|o| o.settle(&mark)).unwrap_or_default();
        if let Some(pending) = manager.save_async(&options)? {
            give(out, pending);
        }
        Ok(())
    })
}

/// The path of the checkpoint that is being written. Lent; nothing of NULL.
#[no_mangle]
pub extern "C" fn ckpt_pending_path(pending: *const ckpt_pending) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(pending).map_or(ckpt_bytes::NONE, |p| lend_path(p.0.path())))
}

/// Whether the save is over, well or not; `*done` is how many bytes are written, `*total` how many there are to write. Either place may be
/// NULL. This never waits. True of NULL.
#[no_mangle]
pub extern "C" fn ckpt_pending_poll(pending: *const ckpt_pending, done: *mut u64, total: *mut u64) -> bool {
    ask(true, || {
        let now = handle(pending).map(|p| p.0.poll());
        let _ = output(done, now.map_or(0, |now| now.done), "the place for the bytes");
        let _ = output(total, now.map_or(0, |now| now.total), "the place for the bytes");
        now.is_none_or(|now| now.is_finished)
    })
}

/// Waits until the save is over. It may be called again, and says the same then. `*path`, to be freed with `ckpt_string_free`, is the path
/// of the checkpoint; NULL on failure; `path` may be NULL.
///
/// Errors are those of the save, which no other call reports then. `CKPT_CODE_CANCELLED` when it was cancelled;
/// `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_REENTRANT` in a callback of this very save.
#[no_mangle]
pub extern "C" fn ckpt_pending_wait(
    pending: *const ckpt_pending,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = wanted(path, "the place for the path")?;
        let saved = required(pending, "the pending save")?.0.wait()?;
        give_path(out, saved);
        Ok(())
    })
}

/// Waits until the save is over, but not longer than `seconds`, which may be infinite, and says whether it is; in a callback of this very
/// save it does not wait. It asks for no error: that is still to be heard of. True of NULL.
#[no_mangle]
pub extern "C" fn ckpt_pending_wait_for(pending: *const ckpt_pending, seconds: f64) -> bool {
    ask(true, || {
        let limit = match seconds > 0.0 {
            true => Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
            false => Duration::ZERO,
        };
        handle(pending).is_none_or(|p| p.0.wait_for(limit))
    })
}

/// Ends the save soon, unless all is written by then; `ckpt_pending_wait` says whether it came to that. What was there before is still
/// there, and nothing new. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_pending_cancel(pending: *const ckpt_pending) {
    ask((), || {
        if let Some(pending) = handle(pending) {
            pending.0.cancel();
        }
    });
}

/// Frees the handle of a save, which goes on. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_pending_free(pending: *mut ckpt_pending) {
    release(pending);
}
