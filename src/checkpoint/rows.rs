//! What the rows of a report say about objects of the program.

use super::report::{Row, RowState};
use crate::format::key::{ATTRIBUTES, PY_STATE, VARIABLE_VALUE};
use crate::graph::{Kind, NodeId, Nodes, Variable, Walk};
use crate::tensor::DType;

/// Returns the dtype and shape of an object, as in [`Row::program`].
pub(super) fn spec_of(nodes: &Nodes, object: NodeId) -> Option<(Option<DType>, Option<Vec<i64>>)> {
    match &nodes.get(object)?.kind {
        Kind::Variable(Variable { part: Some(part), dtype, .. }) => Some((*dtype, Some(part.whole.to_vec()))),
        Kind::Variable(variable) => {
            let shape = variable.spec().map(|(_, shape)| shape).or_else(|| variable.accepts().map(<[i64]>::to_vec));
            Some((variable.dtype, shape))
        }
        Kind::Text(_) => Some((Some(DType::String), Some(Vec::new()))),
        _ => None,
    }
}

/// Returns the slice of a variable that is a part of a tensor, as in [`Row::slice`].
pub(super) fn slice_of(nodes: &Nodes, object: NodeId) -> Option<String> {
    nodes.variable(object).ok()?.part.as_ref().map(|part| part.slice.to_string())
}

/// Returns the attribute under which an object's value would be saved.
pub(super) fn attribute_of(nodes: &Nodes, object: NodeId) -> &'static str {
    match nodes.get(object).map(|node| &node.kind) {
        Some(Kind::Variable(_)) => VARIABLE_VALUE,
        Some(Kind::Text(_)) => PY_STATE,
        _ => "",
    }
}

/// Returns the row of an object that the checkpoint has no value for.
pub(super) fn missing_row(nodes: &Nodes, walk: &Walk<'_>, id: u32, object: NodeId) -> Row {
    let path = walk.path(nodes, id);
    Row {
        key: format!("{path}{ATTRIBUTES}{}", attribute_of(nodes, object)),
        path,
        state: RowState::Missing,
        saved: None,
        program: spec_of(nodes, object),
        slice: slice_of(nodes, object),
        node: Some(object),
        saved_node: None,
        candidate: None,
        detail: None,
    }
}

/// Returns the row of a glob of the options that no value of the checkpoint matches.
pub(super) fn glob_row(glob: &str) -> Row {
    Row {
        path: glob.to_owned(),
        key: String::new(),
        state: RowState::UnmatchedGlob,
        saved: None,
        program: None,
        slice: None,
        node: None,
        saved_node: None,
        candidate: None,
        detail: None,
    }
}
