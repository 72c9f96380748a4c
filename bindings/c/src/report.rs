//! What became of every value of a restore.

use std::sync::OnceLock;

use super::constants::{ckpt_dtype, ckpt_row_state, CKPT_DTYPE_INVALID};
use super::node::{ckpt_node, number_of};
use super::{ask, ckpt_bytes, handle, own, release};
use ::checkpoint::{Report, Row, RowState};

/// What became of every value of a restore: a row for each value of the checkpoint, then one for each object of the program
/// that it has no value for. It does not change, and says how things stood when it was made: several threads may use it at
/// once.
pub struct ckpt_report {
    report: Report,
    summary: OnceLock<String>,
    table: OnceLock<String>,
    json: OnceLock<String>,
}

/// A row of a report. It is lent by the report, lives as long as that, and does not change.
pub struct ckpt_report_row {
    _row: Row,
}

impl ckpt_report {
    pub(super) fn new(report: Report) -> *mut ckpt_report {
        own(ckpt_report { report, summary: OnceLock::new(), table: OnceLock::new(), json: OnceLock::new() })
    }
}

fn row_at<'a>(row: *const ckpt_report_row) -> Option<&'a Row> {
    handle(row.cast::<Row>())
}

fn lend(text: Option<&str>) -> ckpt_bytes {
    text.map(str::as_bytes).into()
}

/// The number of rows.
#[no_mangle]
pub extern "C" fn ckpt_report_count(report: *const ckpt_report) -> usize {
    ask(0, || handle(report).map_or(0, |r| r.report.rows().len()))
}

/// How many rows have this state.
#[no_mangle]
pub extern "C" fn ckpt_report_count_of(report: *const ckpt_report, state: ckpt_row_state) -> usize {
    ask(0, || {
        let state = RowState::all().find(|s| *s as ckpt_row_state == state);
        handle(report).zip(state).map_or(0, |(r, state)| r.report.count(state))
    })
}

/// The row at `index`. Lent; NULL when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_report_get(report: *const ckpt_report, index: usize) -> *const ckpt_report_row {
    ask(std::ptr::null(), || {
        let row = handle(report).and_then(|r| r.report.rows().get(index));
        row.map_or(std::ptr::null(), |row| std::ptr::from_ref(row).cast())
    })
}

/// One line: how many rows there are of each state. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_summary(report: *const ckpt_report) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(handle(report).map(|r| &**r.summary.get_or_init(|| r.report.summary()))))
}

/// A table for people: a line for each row. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_table(report: *const ckpt_report) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(handle(report).map(|r| &**r.table.get_or_init(|| r.report.table()))))
}

/// JSON for programs: `{"summary": {state: count}, "rows": [{"path", "key", "state", "saved": {"dtype", "shape"}, "program",
/// "slice", "candidate", "detail"}]}`; what is not known is left out. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_json(report: *const ckpt_report) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(handle(report).map(|r| &**r.json.get_or_init(|| r.report.to_json()))))
}

/// Frees a report, and with it what it lent. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_report_free(report: *mut ckpt_report) {
    release(report);
}

/// The path of the object: escaped names of edges joined by `/`, in the checkpoint, or of an object that is missing there, in
/// the program. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_row_path(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(row_at(row).map(|r| &*r.path)))
}

/// The key of the value in the checkpoint; of an object that is missing there, the key that it would have. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_row_key(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(row_at(row).map(|r| &*r.key)))
}

/// What became of it: one of the `CKPT_ROW_STATE_` constants; 0 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_report_row_state(row: *const ckpt_report_row) -> ckpt_row_state {
    ask(0, || row_at(row).map_or(0, |r| r.state as ckpt_row_state))
}

/// The dtype in the checkpoint; `CKPT_DTYPE_INVALID` where it has no such tensor.
#[no_mangle]
pub extern "C" fn ckpt_report_row_saved_dtype(row: *const ckpt_report_row) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || number(row_at(row).and_then(|r| r.saved.as_ref()).map(|(dtype, _)| *dtype)))
}

/// The number of dimensions in the checkpoint; -1 where it has no such tensor.
#[no_mangle]
pub extern "C" fn ckpt_report_row_saved_rank(row: *const ckpt_report_row) -> i32 {
    ask(-1, || rank(row_at(row).and_then(|r| r.saved.as_ref()).map(|(_, shape)| shape)))
}

/// The dimensions in the checkpoint, as many as `ckpt_report_row_saved_rank` says. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_row_saved_shape(row: *const ckpt_report_row) -> *const i64 {
    ask(std::ptr::null(), || first(row_at(row).and_then(|r| r.saved.as_ref()).map(|(_, shape)| shape)))
}

/// The dtype in the program; `CKPT_DTYPE_INVALID` where it has no such object, takes what comes, or has state of its own.
#[no_mangle]
pub extern "C" fn ckpt_report_row_program_dtype(row: *const ckpt_report_row) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || number(row_at(row).and_then(|r| r.program.as_ref()).and_then(|(dtype, _)| *dtype)))
}

/// The number of dimensions in the program; -1 where it has no such object, takes what comes, or has state of its own.
#[no_mangle]
pub extern "C" fn ckpt_report_row_program_rank(row: *const ckpt_report_row) -> i32 {
    ask(-1, || rank(row_at(row).and_then(|r| r.program.as_ref()).and_then(|(_, shape)| shape.as_ref())))
}

/// The dimensions in the program, as many as `ckpt_report_row_program_rank` says; -1 for one that may be anything. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_row_program_shape(row: *const ckpt_report_row) -> *const i64 {
    ask(std::ptr::null(), || first(row_at(row).and_then(|r| r.program.as_ref()).and_then(|(_, shape)| shape.as_ref())))
}

/// Of a variable that is a part of a tensor: which slice of it, as TensorFlow spells it, `0,4:-`; the dimensions in the program are
/// then those of the tensor. Lent; nothing of other objects.
#[no_mangle]
pub extern "C" fn ckpt_report_row_program_slice(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(row_at(row).and_then(|r| r.slice.as_deref())))
}

/// The object in the program; 0 where it has none.
#[no_mangle]
pub extern "C" fn ckpt_report_row_node(row: *const ckpt_report_row) -> ckpt_node {
    ask(0, || number_of(row_at(row).and_then(|r| r.node)))
}

/// The node in the checkpoint's object graph; -1 where it has none.
#[no_mangle]
pub extern "C" fn ckpt_report_row_saved_node(row: *const ckpt_report_row) -> i64 {
    ask(-1, || row_at(row).and_then(|r| r.saved_node).map_or(-1, i64::from))
}

/// Of a value that is unused, or an object that is missing: the path of the one on the other side that is plainly meant, having
/// the same shape and last name. Lent; nothing when there is none.
#[no_mangle]
pub extern "C" fn ckpt_report_row_candidate(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(row_at(row).and_then(|r| r.candidate.as_deref())))
}

/// More on why. Lent; nothing when there is no more to say.
#[no_mangle]
pub extern "C" fn ckpt_report_row_detail(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(row_at(row).and_then(|r| r.detail.as_deref())))
}

fn number(dtype: Option<::checkpoint::DType>) -> ckpt_dtype {
    dtype.map_or(CKPT_DTYPE_INVALID, |dtype| dtype.number() as ckpt_dtype)
}

fn rank(shape: Option<&Vec<i64>>) -> i32 {
    shape.map_or(-1, |shape| shape.len() as i32)
}

fn first(shape: Option<&Vec<i64>>) -> *const i64 {
    shape.map_or(std::ptr::null(), |shape| shape.as_ptr())
}
