//! What a program may ask of a restore.

use std::sync::Arc;

use super::callback::Mark;
use super::constants::{ckpt_code, ckpt_restore_kind};
use super::error::ckpt_error;
use super::report::ckpt_report;
use super::strings::lend_path;
use super::{ask, call, ckpt_bytes, handle, output, release, required};
use ::checkpoint::{Result, Status};

/// What became of a restore, and becomes of it as the program goes on: values that wait for objects are restored when these are
/// tracked. Several threads may use it at once, as they may its checkpoint.
///
/// When it, and everything that waits for its restore, is gone, a warning lists what of the checkpoint was never used, unless
/// `ckpt_status_expect_partial` was called. Assertions that do not hold are `CKPT_CODE_FAILED_PRECONDITION` with
/// `CKPT_REASON_ASSERTION`, and name the first few objects; the report has all.
pub struct ckpt_status {
    pub(super) status: Arc<Status>,
    pub(super) mark: Mark,
}

/// The status that a handle stands for. It is held apart from the handle, which a callback may free.
fn status_at(status: *const ckpt_status) -> Result<Arc<Status>> {
    let status = required(status, "the status")?;
    status.mark.check()?;
    Ok(status.status.clone())
}

/// What kind of restore it is of: one of the `CKPT_RESTORE_KIND_` constants; 0 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_status_kind(status: *const ckpt_status) -> ckpt_restore_kind {
    ask(0, || handle(status).map_or(0, |s| s.status.kind() as ckpt_restore_kind))
}

/// The prefix of the checkpoint that was restored. Lent; nothing when there is none.
#[no_mangle]
pub extern "C" fn ckpt_status_path(status: *const ckpt_status) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(status).and_then(|s| s.status.path()).map_or(ckpt_bytes::NONE, lend_path))
}

/// Asserts that everything in the checkpoint was restored, and every object of the program from it.
///
/// `CKPT_CODE_FAILED_PRECONDITION` when it is not so, when there is no checkpoint, or, with `CKPT_REASON_UNSAVABLE`, at a list that
/// cannot be saved.
#[no_mangle]
pub extern "C" fn ckpt_status_assert_consumed(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.assert_consumed())
}

/// Asserts that every object of the program that is there by now, and has values, got its value from the checkpoint.
///
/// Errors are those of `ckpt_status_assert_consumed`.
#[no_mangle]
pub extern "C" fn ckpt_status_assert_existing_objects_matched(
    status: *const ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || status_at(status)?.assert_existing_objects_matched())
}

/// Asserts that anything but the root was matched.
///
/// Errors are those of `ckpt_status_assert_consumed`.
#[no_mangle]
pub extern "C" fn ckpt_status_assert_nontrivial_match(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.assert_nontrivial_match())
}

/// Says nothing in the end about values that were not used. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_status_expect_partial(status: *const ckpt_status) {
    ask((), || {
        if let Some(status) = handle(status) {
            status.status.expect_partial();
        }
    });
}

/// Does nothing, as in TensorFlow when it is eager: values are restored at once, or when their objects are tracked.
///
/// `CKPT_CODE_FAILED_PRECONDITION` when there is no checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_status_run_restore_ops(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.run_restore_ops())
}

/// Does nothing, as in TensorFlow when it is eager: variables have their values when they are made.
#[no_mangle]
pub extern "C" fn ckpt_status_initialize_or_restore(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.initialize_or_restore())
}

/// What became of every value, as things stand now.
///
/// `*report` is to be freed with `ckpt_report_free`; NULL on failure. `CKPT_CODE_FAILED_PRECONDITION` at a list that cannot be
/// saved.
#[no_mangle]
pub extern "C" fn ckpt_status_report(
    status: *const ckpt_status,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(report, std::ptr::null_mut(), "the place for the report")?;
        *out = ckpt_report::new(status_at(status)?.report()?);
        Ok(())
    })
}

/// Lets nothing wait for this restore any more: edges and slots that are made later are not restored from it. What waits costs
/// memory, the checkpoint's index among it, until it is restored, dropped, or the graph is gone. Nothing is said about values
/// that were not used. The status stays, and is still to be freed.
#[no_mangle]
pub extern "C" fn ckpt_status_drop(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.forget())
}

/// Frees a status. What waits for its restore goes on waiting: `ckpt_status_drop` ends that. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_status_free(status: *mut ckpt_status) {
    release(status);
}
