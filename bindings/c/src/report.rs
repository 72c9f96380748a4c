//! Reports: what became of each value of a restore.

use std::fmt::{self, Display, Write};
use std::sync::OnceLock;

use super::constants::{ckpt_dtype, ckpt_row_state, CKPT_DTYPE_INVALID};
use super::node::{ckpt_node, number_of};
use super::{ask, ckpt_bytes, handle, own, release};
use ::checkpoint::{Report, Row, RowPath, RowState};

/// What became of each value of a restore: one row for each value of the checkpoint, then one for
/// each object of the program that the checkpoint has no value for, then one for each glob of the
/// options that matched nothing. It is a snapshot and never changes; several threads may use it at
/// once.
pub struct ckpt_report {
    report: Report,
    summary: OnceLock<String>,
    table: OnceLock<String>,
    json: OnceLock<String>,
}

/// A row of a report. Lent by the report, and valid as long as that. It never changes.
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

/// Lends the text of a path; none if there is no memory for it.
fn lend_path(path: Option<&RowPath>) -> ckpt_bytes {
    lend(path.and_then(|path| path.text().ok()))
}

/// Lends what is made once; none if there is no memory for it.
fn lend_shown(kept: &OnceLock<String>, shown: impl Display) -> ckpt_bytes {
    let mut made = Growing(String::new());
    let is_there = kept.get().is_some() || write!(made, "{shown}").is_ok();
    lend(is_there.then(|| &**kept.get_or_init(|| made.0)))
}

/// A text that grows as long as there is memory.
struct Growing(String);

impl Write for Growing {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.0.push_str(text);
        Ok(())
    }
}

/// Returns the number of rows.
#[no_mangle]
pub extern "C" fn ckpt_report_count(report: *const ckpt_report) -> usize {
    ask(0, || handle(report).map_or(0, |r| r.report.rows().len()))
}

/// Returns the number of rows with this state, one of the `CKPT_ROW_STATE_` constants.
#[no_mangle]
pub extern "C" fn ckpt_report_count_of(report: *const ckpt_report, state: ckpt_row_state) -> usize {
    ask(0, || {
        let state = RowState::all().find(|s| *s as ckpt_row_state == state);
        handle(report).zip(state).map_or(0, |(r, state)| r.report.count(state))
    })
}

/// Returns the row at `index`. Lent; NULL if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_report_get(report: *const ckpt_report, index: usize) -> *const ckpt_report_row {
    ask(std::ptr::null(), || {
        let row = handle(report).and_then(|r| r.report.rows().get(index));
        row.map_or(std::ptr::null(), |row| std::ptr::from_ref(row).cast())
    })
}

/// Returns one line with the number of rows for each state. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_summary(report: *const ckpt_report) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(handle(report).map(|r| &**r.summary.get_or_init(|| r.report.summary()))))
}

/// Returns a table for people, with one line per row. Lent; no value (NULL, 0) if there is no
/// memory for it.
#[no_mangle]
pub extern "C" fn ckpt_report_table(report: *const ckpt_report) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(report).map_or(ckpt_bytes::NONE, |r| lend_shown(&r.table, r.report.table())))
}

/// Returns JSON for programs: `{"summary": {state: count}, "rows": [{"path", "key", "state",
/// "saved": {"dtype", "shape"}, "program", "slice", "candidate", "detail"}]}`. Unknown fields are
/// omitted. Lent; no value (NULL, 0) if there is no memory for it.
#[no_mangle]
pub extern "C" fn ckpt_report_json(report: *const ckpt_report) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(report).map_or(ckpt_bytes::NONE, |r| lend_shown(&r.json, r.report.json())))
}

/// Frees a report and everything that it lent. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_report_free(report: *mut ckpt_report) {
    release(report);
}

/// Returns the object's path, escaped edge names joined by `/`: its path in the checkpoint or, if
/// the checkpoint does not have the object, in the program. Lent; no value (NULL, 0) if there is no
/// memory for it.
#[no_mangle]
pub extern "C" fn ckpt_report_row_path(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend_path(row_at(row).map(|r| &r.path)))
}

/// Returns the value's key in the checkpoint or, if the checkpoint does not have the object, the
/// key that it would have. Lent; no value (NULL, 0) if there is no memory for it.
#[no_mangle]
pub extern "C" fn ckpt_report_row_key(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend_path(row_at(row).map(|r| &r.key)))
}

/// Returns what became of the value: one of the `CKPT_ROW_STATE_` constants; 0 if `row` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_report_row_state(row: *const ckpt_report_row) -> ckpt_row_state {
    ask(0, || row_at(row).map_or(0, |r| r.state as ckpt_row_state))
}

/// Returns the dtype in the checkpoint; `CKPT_DTYPE_INVALID` if the checkpoint has no such tensor.
#[no_mangle]
pub extern "C" fn ckpt_report_row_saved_dtype(row: *const ckpt_report_row) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || number(row_at(row).and_then(|r| r.saved.as_ref()).map(|(dtype, _)| *dtype)))
}

/// Returns the number of dimensions in the checkpoint; -1 if the checkpoint has no such tensor.
#[no_mangle]
pub extern "C" fn ckpt_report_row_saved_rank(row: *const ckpt_report_row) -> i32 {
    ask(-1, || rank(row_at(row).and_then(|r| r.saved.as_ref()).map(|(_, shape)| shape)))
}

/// Returns the dimensions in the checkpoint: `ckpt_report_row_saved_rank` values. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_row_saved_shape(row: *const ckpt_report_row) -> *const i64 {
    ask(std::ptr::null(), || first(row_at(row).and_then(|r| r.saved.as_ref()).map(|(_, shape)| shape)))
}

/// Returns the dtype in the program; `CKPT_DTYPE_INVALID` if the program has no such object, or the
/// object accepts any dtype or is not a variable or text.
#[no_mangle]
pub extern "C" fn ckpt_report_row_program_dtype(row: *const ckpt_report_row) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || number(row_at(row).and_then(|r| r.program.as_ref()).and_then(|(dtype, _)| *dtype)))
}

/// Returns the number of dimensions in the program; -1 if the program has no such object, or the
/// object accepts any shape or is not a variable or text.
#[no_mangle]
pub extern "C" fn ckpt_report_row_program_rank(row: *const ckpt_report_row) -> i32 {
    ask(-1, || rank(row_at(row).and_then(|r| r.program.as_ref()).and_then(|(_, shape)| shape.as_ref())))
}

/// Returns the dimensions in the program: `ckpt_report_row_program_rank` values, -1 for a dimension
/// of any size. Lent.
#[no_mangle]
pub extern "C" fn ckpt_report_row_program_shape(row: *const ckpt_report_row) -> *const i64 {
    ask(std::ptr::null(), || first(row_at(row).and_then(|r| r.program.as_ref()).and_then(|(_, shape)| shape.as_ref())))
}

/// Returns, for a variable that is a part of a tensor, its slice in TensorFlow's notation, `0,4:-`.
/// The dimensions in the program are then those of the whole tensor. Lent; `data` is NULL for other
/// objects.
#[no_mangle]
pub extern "C" fn ckpt_report_row_program_slice(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(row_at(row).and_then(|r| r.slice.as_deref())))
}

/// Returns the object in the program; 0 if there is none.
#[no_mangle]
pub extern "C" fn ckpt_report_row_node(row: *const ckpt_report_row) -> ckpt_node {
    ask(0, || number_of(row_at(row).and_then(|r| r.node)))
}

/// Returns the node in the checkpoint's object graph; -1 if there is none.
#[no_mangle]
pub extern "C" fn ckpt_report_row_saved_node(row: *const ckpt_report_row) -> i64 {
    ask(-1, || row_at(row).and_then(|r| r.saved_node).map_or(-1, i64::from))
}

/// Returns, for a value without an object or an object without a value, the path of its probable
/// counterpart: the only one on the other side with the same dtype, shape and last names. Lent;
/// `data` is NULL if there is none.
#[no_mangle]
pub extern "C" fn ckpt_report_row_candidate(row: *const ckpt_report_row) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend_path(row_at(row).and_then(|r| r.candidate.as_ref())))
}

/// Returns more about the reason for the state, if the rest of the row does not say it. Lent;
/// `data` is NULL if there is no more.
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
