//! What became of every value of a restore, row by row.

use std::ffi::CStr;
use std::fmt::{self, Write};

use crate::graph::NodeId;
use crate::tensor::{shape_text, DType};

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
#[non_exhaustive]
pub enum RowState {
    /// The object has the value of the checkpoint.
    Restored = 1,
    /// The object is not there yet; it gets the value when it is tracked.
    Deferred = 2,
    /// The program has an object for which the checkpoint has no value.
    Missing = 3,
    /// The checkpoint has a value for which the program has no object, or one that has no use for it.
    Unused = 4,
    /// The value has another shape than the object.
    ShapeMismatch = 5,
    /// The value has another dtype than the object.
    DtypeMismatch = 6,
    /// The object was left as it was: by wish, because a newer restore gave it its value, or because something else failed before.
    Skipped = 7,
    /// Reading or a callback failed half-way: the object has neither its old value nor the new one.
    Torn = 8,
}

impl RowState {
    /// All of them.
    pub fn all() -> impl Iterator<Item = RowState> {
        [
            RowState::Restored,
            RowState::Deferred,
            RowState::Missing,
            RowState::Unused,
            RowState::ShapeMismatch,
            RowState::DtypeMismatch,
            RowState::Skipped,
            RowState::Torn,
        ]
        .into_iter()
    }

    /// What tables and summaries call it.
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
        }
    }
}

impl fmt::Display for RowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A value of the checkpoint, or an object of the program that the checkpoint has no value for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The path of the object: escaped names of edges joined by `/`, in the checkpoint, or of an object that is missing there, in the program.
    pub path: String,
    /// The key of the value in the checkpoint; of an object that is missing there, the key that it would have.
    pub key: String,
    /// What became of it.
    pub state: RowState,
    /// Type and shape in the checkpoint; none where it has no such tensor.
    pub saved: Option<(DType, Vec<i64>)>,
    /// Type and shape in the program, as far as it says; none where it has no such object, or one with state of its own. Of a part of a tensor, the shape of that.
    pub program: Option<(Option<DType>, Option<Vec<i64>>)>,
    /// Of a variable that is a part of a tensor: which slice of it, as TensorFlow spells it, `0,4:-`.
    pub slice: Option<String>,
    /// The object.
    pub node: Option<NodeId>,
    /// The node of the checkpoint.
    pub saved_node: Option<u32>,
    /// Of a value that is unused, or an object that is missing: the path of the one on the other side that is plainly meant, having the same shape and last name.
    pub candidate: Option<String>,
    /// More on why, where there is more to say.
    pub detail: Option<String>,
}

/// What became of every value of a restore. It does not change: it says how things stood when it was made.
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
    rows: Vec<Row>,
}

impl Report {
    pub(super) fn new(mut rows: Vec<Row>) -> Report {
        find_candidates(&mut rows);
        Report { rows }
    }

    /// The rows: the checkpoint's in the order of its nodes, then those of the program's objects that it lacks.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many rows have this state.
    pub fn count(&self, state: RowState) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }

    /// Whether everything in the checkpoint and everything in the program was restored.
    pub fn is_complete(&self) -> bool {
        self.count(RowState::Restored) == self.rows.len()
    }

    /// One line: how many rows there are of each state.
    pub fn summary(&self) -> String {
        let counts = RowState::all().map(|state| (state, self.count(state))).filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts.map(|(state, count)| format!("{count} {state}")).collect();
        if counts.is_empty() {
            "nothing to restore".to_owned()
        } else {
            counts.join(", ")
        }
    }

    /// A table for people: a line for each row.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let width = self.rows.iter().map(|row| row.path.chars().count()).max().unwrap_or(0).min(80);
        for row in &self.rows {
            let saved = row.saved.as_ref().map_or("-".to_owned(), |(dtype, shape)| format!("{dtype} {}", shape_text(shape)));
            let program = row.program.as_ref().map_or("-".to_owned(), |(dtype, shape)| {
                let slice = row.slice.as_ref().map(|slice| format!(" slice {slice}")).unwrap_or_default();
                format!("{} {}{slice}", dtype.map_or("?", DType::name), shape.as_deref().map_or("?".to_owned(), shape_text))
            });
            let _ = write!(out, "{:25} {:width$}  {saved:20} {program:20}", row.state, row.path);
            if let Some(candidate) = &row.candidate {
                let _ = write!(out, " perhaps {candidate}");
            }
            if let Some(detail) = &row.detail {
                let _ = write!(out, " {detail}");
            }
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
        out
    }

    /// JSON for programs: `{"summary": {state: count}, "rows": [{"path", "key", "state", "saved": {"dtype", "shape"}, "program", "slice", "candidate", "detail"}]}`;
    /// what is not known is left out.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\"summary\":{");
        let counts = RowState::all().map(|state| (state, self.count(state))).filter(|(_, count)| *count > 0);
        for (number, (state, count)) in counts.enumerate() {
            let _ = write!(out, "{}\"{state}\":{count}", if number > 0 { "," } else { "" });
        }
        out.push_str("},\"rows\":[");
        for (number, row) in self.rows.iter().enumerate() {
            out.push_str(if number > 0 { ",{\"path\":" } else { "{\"path\":" });
            push_json(&mut out, &row.path);
            out.push_str(",\"key\":");
            push_json(&mut out, &row.key);
            let _ = write!(out, ",\"state\":\"{}\"", row.state);
            let saved = row.saved.as_ref().map(|(dtype, shape)| (Some(*dtype), Some(&shape[..])));
            let program = row.program.as_ref().map(|(dtype, shape)| (*dtype, shape.as_deref()));
            for (name, spec) in [("saved", saved), ("program", program)] {
                let Some((dtype, shape)) = spec else { continue };
                let dtype = dtype.map(|dtype| format!("\"dtype\":\"{dtype}\""));
                let shape = shape.map(|shape| format!("\"shape\":{}", shape_text(shape)));
                let fields: Vec<String> = dtype.into_iter().chain(shape).collect();
                let _ = write!(out, ",\"{name}\":{{{}}}", fields.join(","));
            }
            for (name, text) in [("slice", &row.slice), ("candidate", &row.candidate), ("detail", &row.detail)] {
                let Some(text) = text else { continue };
                let _ = write!(out, ",\"{name}\":");
                push_json(&mut out, text);
            }
            out.push('}');
        }
        out.push_str("]}");
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

/// Writes a JSON string. The library has no JSON library, for these few strings: its users would pay for it.
fn push_json(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Finds, for each value that is unused and each object that is missing, the one on the other side with the same shape and last name, if there is just one.
fn find_candidates(rows: &mut [Row]) {
    use std::collections::HashMap;
    type Likeness = (String, Vec<i64>);
    let likeness = |row: &Row| -> Option<Likeness> {
        let shape = match row.state {
            RowState::Unused => row.saved.as_ref().map(|(_, shape)| shape.clone()),
            RowState::Missing => row.program.as_ref().and_then(|(_, shape)| shape.clone()),
            _ => None,
        };
        Some((row.path.rsplit('/').next()?.to_owned(), shape?))
    };
    // For each likeness the numbers of the rows on each side.
    let mut alike: HashMap<Likeness, [Vec<usize>; 2]> = HashMap::new();
    for (number, row) in rows.iter().enumerate() {
        if let Some(likeness) = likeness(row) {
            alike.entry(likeness).or_default()[usize::from(row.state == RowState::Missing)].push(number);
        }
    }
    for [unused, missing] in alike.into_values() {
        if let ([one], [other]) = (&unused[..], &missing[..]) {
            rows[*one].candidate = Some(rows[*other].path.clone());
            rows[*other].candidate = Some(rows[*one].path.clone());
        }
    }
}
