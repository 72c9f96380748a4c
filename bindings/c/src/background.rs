//! What takes long and saves nothing, in the background.

use std::ffi::{c_char, c_void};
use std::ops::ControlFlow;

use super::checkpoint::{checkpoint_at, ckpt_checkpoint};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph_options::ckpt_restore_options;
use super::manager::{ckpt_manager, manager_at};
use super::manager_options::ckpt_resume_options;
use super::memory::Borrowed;
use super::merge::{ckpt_merge_options, MergeSettings};
use super::options::{ckpt_open_options, ckpt_read_options};
use super::pending::{ckpt_pending, Outcome};
use super::progress::Progress;
use super::reader::{check_disjoint, ckpt_reader, read_options};
use super::tensor::ckpt_tensor;
use super::verify::{ckpt_verify_options, VerifySettings};
use super::{array, call, copied, list_at, output, own, path_at, required, reserved};
use ::checkpoint::{
    latest_valid_checkpoint_async, merge_async, verify_async, Checkpoint, OwnedReadRequest, Pending, Reader, RestoreOptions,
    Result, Status,
};

/// Hands a call in the background to the caller.
fn begin<T>(
    pending: *mut *mut ckpt_pending,
    outcome: impl FnOnce(Pending<T>) -> Outcome,
    begun: impl FnOnce() -> Result<Pending<T>>,
) -> Result<()> {
    let out = output(pending, std::ptr::null_mut(), "the output argument `pending`")?;
    *out = own(ckpt_pending::new(begun()?, outcome));
    Ok(())
}

fn reporting(progress: Progress) -> impl FnMut(::checkpoint::Progress) -> ControlFlow<()> + Send + 'static {
    move |at| progress.report(at.bytes_done, at.bytes_total)
}

/// Opens the checkpoint at `path` in the background, as `ckpt_reader_open` does.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`.
/// `ckpt_pending_take_reader` gives the reader.
///
/// Fails with `CKPT_CODE_RESOURCE_EXHAUSTED` if no thread can be started. The errors of
/// `ckpt_reader_open` are those of the result.
#[no_mangle]
pub extern "C" fn ckpt_reader_open_async(
    path: *const c_char,
    options: *const ckpt_open_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || begin(pending, Outcome::Reader, || Reader::open_async(path_at(path)?, &copied(options, Clone::clone)?)))
}

/// Reads `count` fixed-size tensors in the background, as `ckpt_reader_read_many` does. The buffers
/// are borrowed until the call is over; the reader and the options may be freed before.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`, which does not
/// end it. `ckpt_pending_wait` says what became of it.
///
/// Errors that are known without reading are returned by this call: those of its arguments, and
/// `CKPT_CODE_RESOURCE_EXHAUSTED` if no thread can be started. The others are those of the result.
#[no_mangle]
pub extern "C" fn ckpt_reader_read_many_async(
    reader: *const ckpt_reader,
    tensors: *const *const ckpt_tensor,
    count: usize,
    options: *const ckpt_read_options,
    buffers: *const *mut c_void,
    sizes: *const usize,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        begin(
            pending,
            |_| Outcome::Nothing,
            || {
                let reader = required(reader, "the reader")?;
                let tensors = list_at(tensors, count, "the tensors", |&tensor| reader.own(tensor))?;
                let (buffers, sizes) = (array(buffers, count, "the buffers")?, array(sizes, count, "the sizes")?);
                check_disjoint(buffers, sizes)?;
                let options = read_options(options)?;
                let mut requests = reserved(count, "the requests")?;
                for ((tensor, &buffer), &size) in tensors.into_iter().zip(buffers).zip(sizes) {
                    tensor.check_destination(None, size, &options)?;
                    let buffer = *Borrowed::new(buffer, size, std::ptr::null_mut(), None)?;
                    requests.push(OwnedReadRequest { tensor: tensor.index(), slice: None, buffer });
                }
                reader.reader.read_many_async(requests, &options)
            },
        )
    })
}

/// Verifies the checkpoint at `path` in the background, as `ckpt_verify` does. The progress
/// callback of the options is called on the background thread; `free_user_data` may be called there
/// too.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`.
/// `ckpt_pending_take_verification` gives what was found.
///
/// Fails with `CKPT_CODE_RESOURCE_EXHAUSTED` if no thread can be started. The errors of
/// `ckpt_verify` are those of the result.
#[no_mangle]
pub extern "C" fn ckpt_verify_async(
    path: *const c_char,
    options: *const ckpt_verify_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        begin(pending, Outcome::Verification, || {
            let (options, progress) = copied(options, VerifySettings::resolve)?;
            verify_async(path_at(path)?, &options, reporting(progress))
        })
    })
}

/// Merges `count` V2 checkpoints into the checkpoint `destination` in the background, as
/// `ckpt_merge` does. The progress callback of the options is called on the background thread;
/// `free_user_data` may be called there too.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`, which does not
/// end it. `ckpt_pending_wait` says what became of it.
///
/// Fails with `CKPT_CODE_RESOURCE_EXHAUSTED` if no thread can be started. The errors of
/// `ckpt_merge` are those of the result.
#[no_mangle]
pub extern "C" fn ckpt_merge_async(
    destination: *const c_char,
    sections: *const *const c_char,
    count: usize,
    options: *const ckpt_merge_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        begin(
            pending,
            |_| Outcome::Nothing,
            || {
                let sections = list_at(sections, count, "the sections", |&section| path_at(section))?;
                let (options, progress) = copied(options, MergeSettings::resolve)?;
                merge_async(path_at(destination)?, &sections, &options, move |done, total| progress.report(done, total))
            },
        )
    })
}

/// Finds the newest checkpoint of `directory` that can be restored, in the background, as
/// `ckpt_latest_valid_checkpoint` does. The progress callback of the options is called on the
/// background thread; `free_user_data` may be called there too.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`.
/// `ckpt_pending_take_valid_checkpoint` gives what was found.
///
/// Fails with `CKPT_CODE_RESOURCE_EXHAUSTED` if no thread can be started. The errors of
/// `ckpt_latest_valid_checkpoint` are those of the result.
#[no_mangle]
pub extern "C" fn ckpt_latest_valid_checkpoint_async(
    directory: *const c_char,
    options: *const ckpt_verify_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        begin(pending, Outcome::Valid, || {
            let (options, progress) = copied(options, VerifySettings::resolve)?;
            latest_valid_checkpoint_async(path_at(directory)?, &options, reporting(progress))
        })
    })
}

fn restore(
    checkpoint: *const ckpt_checkpoint,
    options: *const ckpt_restore_options,
    pending: *mut *mut ckpt_pending,
    restore: impl FnOnce(&Checkpoint, &RestoreOptions) -> Result<Pending<Status>>,
) -> Result<()> {
    let out = output(pending, std::ptr::null_mut(), "the output argument `pending`")?;
    let options = copied(options, Clone::clone)?;
    let ckpt_checkpoint { checkpoint, mark } = checkpoint_at(checkpoint)?;
    *out = own(ckpt_pending::new(restore(&checkpoint, &options)?, |status| Outcome::Status(status, mark)));
    Ok(())
}

/// Does what `ckpt_checkpoint_restore` does, in the background. An earlier save or restore in the
/// background is waited for there.
///
/// From now on until it is over, the graph is the restore's: other calls on it fail with
/// `CKPT_CODE_UNAVAILABLE` (`CKPT_REASON_BUSY`), but those that save or restore wait for it (unless
/// `ckpt_save_options_set_busy` says otherwise). Callbacks of states, savers and devices are called
/// on the background thread. Freeing the last handle that holds the checkpoint waits for the
/// restore, and memory that the graph borrows must stay until then.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`, which does not
/// end it. `ckpt_pending_take_status` gives the status.
///
/// Errors:
/// * `CKPT_CODE_RESOURCE_EXHAUSTED`: no thread can be started.
///
/// The errors of `ckpt_checkpoint_restore` are those of the result.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_restore_async(
    checkpoint: *const ckpt_checkpoint,
    path: *const c_char,
    options: *const ckpt_restore_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || restore(checkpoint, options, pending, |checkpoint, options| checkpoint.restore_async(path_at(path)?, options)))
}

/// Does what `ckpt_checkpoint_read` does, in the background, as `ckpt_checkpoint_restore_async`
/// does.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`, which does not
/// end it. `ckpt_pending_take_status` gives the status.
///
/// Errors are those of `ckpt_checkpoint_restore_async`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_read_async(
    checkpoint: *const ckpt_checkpoint,
    path: *const c_char,
    options: *const ckpt_restore_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || restore(checkpoint, options, pending, |checkpoint, options| checkpoint.read_async(path_at(path)?, options)))
}

/// Does what `ckpt_manager_restore_or_initialize` does, in the background, as
/// `ckpt_checkpoint_restore_async` does. The init callback is called on the background thread, and
/// may use the graph.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`, which does not
/// end it. `ckpt_pending_take_resumption` gives the path and the status.
///
/// Errors are those of `ckpt_checkpoint_restore_async`. The errors of
/// `ckpt_manager_restore_or_initialize` are those of the result.
#[no_mangle]
pub extern "C" fn ckpt_manager_restore_or_initialize_async(
    manager: *const ckpt_manager,
    options: *const ckpt_resume_options,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(pending, std::ptr::null_mut(), "the output argument `pending`")?;
        let (manager, mark) = manager_at(manager)?;
        let resumed = manager.restore_or_initialize_async(&copied(options, Clone::clone)?)?;
        *out = own(ckpt_pending::new(resumed, |resumed| Outcome::Resumption(resumed, mark)));
        Ok(())
    })
}

/// Finds the newest valid checkpoint of the manager's directory in the background, as
/// `ckpt_manager_latest_valid` does. The graph is not needed for that.
///
/// `*pending` receives the call (NULL on failure); free it with `ckpt_pending_free`.
/// `ckpt_pending_take_valid_checkpoint` gives what was found.
///
/// Fails with `CKPT_CODE_RESOURCE_EXHAUSTED` if no thread can be started. The errors of
/// `ckpt_manager_latest_valid` are those of the result.
#[no_mangle]
pub extern "C" fn ckpt_manager_latest_valid_async(
    manager: *const ckpt_manager,
    pending: *mut *mut ckpt_pending,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || begin(pending, Outcome::Valid, || manager_at(manager)?.0.latest_valid_async()))
}
