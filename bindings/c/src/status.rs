//! Statuses of restores: assertions, reports.

use std::sync::Arc;

use super::callback::CallbackMark;
use super::constants::{ckpt_code, ckpt_restore_kind};
use super::error::ckpt_error;
use super::report::ckpt_report;
use super::strings::lend_path;
use super::{ask, call, ckpt_bytes, handle, output, release, required};
use ::checkpoint::{Result, Status};

/// The outcome of a restore, which changes while the program goes on: deferred values are restored
/// when their objects are tracked. Several threads may use it at once, as they may its checkpoint.
///
/// When the status is freed and the restore has no deferred values left, the checkpoint's log gets
/// a warning that lists the values that were never used, unless `ckpt_status_expect_partial` was
/// called.
///
/// An assertion that does not hold returns `CKPT_CODE_FAILED_PRECONDITION` with
/// `CKPT_REASON_ASSERTION`. Its message names the first few objects; the report has all of them.
pub struct ckpt_status {
    pub(super) status: Arc<Status>,
    pub(super) mark: CallbackMark,
}

/// The status behind a handle: a clone, because a callback may free the handle.
fn status_at(status: *const ckpt_status) -> Result<Arc<Status>> {
    let status = required(status, "the status")?;
    status.mark.check()?;
    Ok(status.status.clone())
}

/// Returns the kind of the restore: one of the `CKPT_RESTORE_KIND_` constants; 0 if `status` is
/// NULL.
#[no_mangle]
pub extern "C" fn ckpt_status_kind(status: *const ckpt_status) -> ckpt_restore_kind {
    ask(0, || handle(status).map_or(0, |s| s.status.kind() as ckpt_restore_kind))
}

/// Returns the prefix of the checkpoint that was restored. Lent; `data` is NULL if there is none.
#[no_mangle]
pub extern "C" fn ckpt_status_path(status: *const ckpt_status) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(status).and_then(|s| s.status.path()).map_or(ckpt_bytes::NONE, lend_path))
}

/// Asserts that everything in the checkpoint was restored, and that every object of the program was
/// restored from it.
///
/// Errors:
/// * `CKPT_CODE_FAILED_PRECONDITION`: the assertion does not hold, or there is no checkpoint.
/// * `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_UNSAVABLE`: the program contains a list that
///   cannot be saved.
#[no_mangle]
pub extern "C" fn ckpt_status_assert_consumed(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.assert_consumed())
}

/// Asserts that every object that the program has so far, and that has values, got its value from
/// the checkpoint.
///
/// Errors are those of `ckpt_status_assert_consumed`.
#[no_mangle]
pub extern "C" fn ckpt_status_assert_existing_objects_matched(
    status: *const ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || status_at(status)?.assert_existing_objects_matched())
}

/// Asserts that all the rest matched: every object that the program has so far, and that has
/// values, got its value from the checkpoint, but for those that the options leave out. These are
/// what the options exclude and, with `CKPT_MISMATCH_SKIP`, the objects whose values do not fit.
/// Values of the checkpoint without an object are not required to be used.
///
/// Errors are those of `ckpt_status_assert_consumed`.
#[no_mangle]
pub extern "C" fn ckpt_status_assert_rest_matched(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.assert_rest_matched())
}

/// Asserts that at least one object other than the root was matched.
///
/// Errors are those of `ckpt_status_assert_consumed`.
#[no_mangle]
pub extern "C" fn ckpt_status_assert_nontrivial_match(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.assert_nontrivial_match())
}

/// Suppresses the warning about values that were never used. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_status_expect_partial(status: *const ckpt_status) {
    ask((), || {
        if let Some(status) = handle(status) {
            status.status.expect_partial();
        }
    });
}

/// No-op, as in TensorFlow's eager mode: values are restored at once or when their objects are
/// tracked.
///
/// Errors:
/// * `CKPT_CODE_FAILED_PRECONDITION`: there is no checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_status_run_restore_ops(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.run_restore_ops())
}

/// No-op, as in TensorFlow's eager mode: variables have their values from the start.
#[no_mangle]
pub extern "C" fn ckpt_status_initialize_or_restore(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.initialize_or_restore())
}

/// Reports what has become of each value so far.
///
/// `*report` receives the report (NULL on failure); free it with `ckpt_report_free`.
///
/// Errors:
/// * `CKPT_CODE_FAILED_PRECONDITION`: the program contains a list that cannot be saved.
#[no_mangle]
pub extern "C" fn ckpt_status_report(
    status: *const ckpt_status,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(report, std::ptr::null_mut(), "the output argument `report`")?;
        *out = ckpt_report::new(status_at(status)?.report()?);
        Ok(())
    })
}

/// Drops the deferred values of this restore: edges and slots that are made later are not restored
/// from it. Values never used are not reported. The status stays valid and must still be freed.
///
/// Deferred values keep memory, including the checkpoint's index, until they are restored or
/// dropped or the graph is destroyed.
#[no_mangle]
pub extern "C" fn ckpt_status_drop(status: *const ckpt_status, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || status_at(status)?.forget())
}

/// Frees a status. Deferred values of its restore stay deferred; `ckpt_status_drop` drops them.
/// NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_status_free(status: *mut ckpt_status) {
    release(status);
}
