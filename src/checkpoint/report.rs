//! The report of a restore: the outcome for each value, row by row.

use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;

use super::row_path::RowPath;
use crate::graph::NodeId;
use crate::tensor::DType;

/// The outcome for one value of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
#[non_exhaustive]
pub enum RowState {
    /// The object has the value of the checkpoint.
    Restored = 1,
    /// The object does not exist yet; it gets the value when it is tracked.
    Deferred = 2,
    /// The program has an object for which the checkpoint has no value.
    Missing = 3,
    /// The checkpoint has a value for which the program has no object, or one that does not use it.
    Unused = 4,
    /// The value and the object differ in shape.
    ShapeMismatch = 5,
    /// The value and the object differ in dtype.
    DtypeMismatch = 6,
    /// The object is unchanged: skipped on request, already set by a newer restore, or not reached
    /// because of an earlier failure.
    Skipped = 7,
    /// Reading or a callback failed halfway: the object has neither its old value nor the new one.
    Torn = 8,
    /// Not a value: a glob of the options that no value of the checkpoint matches. The row's path
    /// is the glob.
    UnmatchedGlob = 9,
    /// The object has the value of the checkpoint, converted from its dtype there to the one in the
    /// program.
    Converted = 10,
}

impl RowState {
    /// Returns all states.
    pub fn all() -> impl Iterator<Item = RowState> {
        [
            RowState::Restored,
            RowState::Converted,
            RowState::Deferred,
            RowState::Missing,
            RowState::Unused,
            RowState::ShapeMismatch,
            RowState::DtypeMismatch,
            RowState::Skipped,
            RowState::Torn,
            RowState::UnmatchedGlob,
        ]
        .into_iter()
    }

    /// Returns whether the object has the value of the checkpoint: restored or converted.
    pub fn is_restored(self) -> bool {
        matches!(self, RowState::Restored | RowState::Converted)
    }

    /// Returns the name of the state in tables and summaries.
    pub fn name(self) -> &'static str {
        self.c_name().to_str().unwrap_or_default()
    }

    /// [`name`](RowState::name), ending in NUL.
    pub fn c_name(self) -> &'static CStr {
        match self {
            RowState::Restored => c"restored",
            RowState::Deferred => c"deferred",
            RowState::Missing => c"missing in the checkpoint",
            RowState::Unused => c"unused in the checkpoint",
            RowState::ShapeMismatch => c"shape mismatch",
            RowState::DtypeMismatch => c"dtype mismatch",
            RowState::Skipped => c"skipped",
            RowState::Torn => c"torn",
            RowState::UnmatchedGlob => c"glob matches nothing",
            RowState::Converted => c"converted",
        }
    }
}

impl fmt::Display for RowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A row of a report: a value of the checkpoint, or an object of the program that the checkpoint
/// has no value for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The object's path, escaped edge names joined by `/`: its path in the checkpoint or, if the
    /// checkpoint does not have the object, in the program.
    pub path: RowPath,
    /// The value's key in the checkpoint or, if the checkpoint does not have the object, the key
    /// that it would have.
    pub key: RowPath,
    /// The outcome.
    pub state: RowState,
    /// Dtype and shape in the checkpoint; `None` if the checkpoint has no such tensor.
    pub saved: Option<(DType, Vec<i64>)>,
    /// Dtype and shape in the program; `None` if the program has no such object, or the object is
    /// not a variable or text. Either part is `None` if the object accepts anything. For a part of
    /// a tensor the shape is that of the whole tensor.
    pub program: Option<(Option<DType>, Option<Vec<i64>>)>,
    /// For a variable that is a part of a tensor: its slice in TensorFlow's notation, `0,4:-`.
    pub slice: Option<String>,
    /// The object in the program.
    pub node: Option<NodeId>,
    /// The node in the checkpoint's object graph.
    pub saved_node: Option<u32>,
    /// For a value without an object or an object without a value: the path of its probable
    /// counterpart, the only one on the other side with the same dtype, shape and last names.
    pub candidate: Option<RowPath>,
    /// More about the reason for the state, if the rest of the row does not say it.
    pub detail: Option<String>,
}

/// The outcome for each value of a restore: one row for each value of the checkpoint, then one for
/// each object of the program that the checkpoint has no value for, then one for each glob of the
/// options that matched nothing. It is a snapshot and never changes.
///
/// ```
/// # use checkpoint::{Checkpoint, DType, Graph, RestoreOptions, RowState, SaveOptions, Variable};
/// # let directory = tempfile::tempdir()?;
/// # let saved = Graph::new();
/// # let root = saved.add_object()?;
/// # saved.track(root, "bias", saved.add_variable(Variable::zeros(DType::Float, &[5])?)?)?;
/// # let path = directory.path().join("model");
/// # let path = Checkpoint::new(&saved, root)?.write(path, &SaveOptions::new())?;
/// let graph = Graph::new();
/// let root = graph.add_object()?;
/// graph.track(root, "bias", graph.add_variable(Variable::zeros(DType::Float, &[6])?)?)?;
///
/// // The checkpoint's bias has 5 elements. A dry run says so, and changes nothing.
/// let report = Checkpoint::new(&graph, root)?.dry_run(&path, &RestoreOptions::new())?;
/// assert_eq!(report.rows()[0].state, RowState::ShapeMismatch);
/// assert_eq!(report.summary(), "1 shape mismatch");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Shared by the copies of a report, which never changes.
    rows: Arc<Vec<Row>>,
}

impl Report {
    pub(super) fn new(rows: Vec<Row>) -> Report {
        Report { rows: Arc::new(rows) }
    }

    /// Returns the rows: those of the checkpoint in the order of its nodes, then those of the
    /// program's objects that it lacks.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the rows with this state.
    pub fn with_state(&self, state: RowState) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.state == state)
    }

    /// Returns the number of rows with this state.
    pub fn count(&self, state: RowState) -> usize {
        self.with_state(state).count()
    }

    /// Returns whether every value of the checkpoint and every object of the program was restored.
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.state.is_restored() || row.state == RowState::UnmatchedGlob)
    }

    /// Returns one line with the number of rows for each state.
    pub fn summary(&self) -> String {
        let counts = RowState::all().map(|state| (state, self.count(state))).filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts.map(|(state, count)| format!("{count} {state}")).collect();
        if counts.is_empty() {
            "nothing to restore".to_owned()
        } else {
            counts.join(", ")
        }
    }
}

impl<'a> IntoIterator for &'a Report {
    type Item = &'a Row;
    type IntoIter = std::slice::Iter<'a, Row>;

    fn into_iter(self) -> std::slice::Iter<'a, Row> {
        self.rows.iter()
    }
}

impl IntoIterator for Report {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> std::vec::IntoIter<Row> {
        Arc::unwrap_or_clone(self.rows).into_iter()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}
