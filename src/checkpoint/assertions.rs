//! The assertions of a status after a restore from an object graph.

use std::fmt::Write;

use super::checks::READ_ONLY;
use super::options::Mismatch;
use super::paths::Paths;
use super::report::RowState;
use super::restore::Restore;
use super::rows::spec_of;
use super::Checkpoint;
use crate::allocate::list_of;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Node, NodeId, Nodes, Walk};
use crate::tensor::{shape_text, DType};

/// The maximum number of objects that a message names.
const SHOWN: usize = 10;

impl Restore {
    /// Checks that every object with values got its value. If `lenient`, values that were skipped
    /// because they do not fit are left out, like those that the options exclude.
    pub fn assert_existing_matched(&self, nodes: &Nodes, checkpoint: &Checkpoint, lenient: bool) -> Result<()> {
        for id in 0..self.selection.saved.len() as u32 {
            let Some(object) = self.bound(nodes, id) else { continue };
            let is_behind = self.wants(id) && nodes.get(object).is_some_and(|node| node.restored_by < self.uid);
            let (state, detail) = {
                let found = self.found.lock();
                (found.states[id as usize], found.details.get(&id).cloned())
            };
            let is_left_out = lenient && state.is_some_and(|state| self.is_left_out(state, detail.as_deref()));
            if is_behind || state.is_some_and(|state| !state.is_restored()) && !is_left_out {
                let saved = self.selection.shown();
                let why = self.why(nodes, id, object, state.filter(|_| !is_behind), detail);
                let path = named(&Paths::new(saved)?.path(saved, id));
                return Err(failed(format!("{path}: not assigned a value from the checkpoint{why}")));
            }
        }
        let unmatched = self.unmatched(nodes, checkpoint)?;
        if unmatched.is_empty() {
            return Ok(());
        }
        Err(failed(format!(
            "{}: not bound to values of the checkpoint, likely due to changes in the program",
            places(nodes, checkpoint, &unmatched)
        )))
    }

    /// Returns whether an outcome is that of a value which does not fit and may be skipped.
    fn is_left_out(&self, state: RowState, detail: Option<&str>) -> bool {
        self.options.on_mismatch == Mismatch::Skip
            && match state {
                RowState::Missing | RowState::ShapeMismatch | RowState::DtypeMismatch => true,
                RowState::Skipped => detail == Some(READ_ONLY),
                _ => false,
            }
    }

    /// Returns why an object has no value from a node, for the end of a message.
    fn why(&self, nodes: &Nodes, id: u32, object: NodeId, state: Option<RowState>, detail: Option<String>) -> String {
        let mut why = String::new();
        match state {
            Some(state @ (RowState::ShapeMismatch | RowState::DtypeMismatch)) => {
                let mut attributes = self.selection.saved.node(id).into_iter().flat_map(|node| node.attributes());
                let tensor =
                    attributes.next().and_then(|first| self.reader.tensor(self.reader.find(first.checkpoint_key.as_bytes())?));
                let there = tensor.map(|t| format!(", {} {} in the checkpoint", t.dtype(), shape_text(t.shape())));
                let own = spec_of(nodes, object).map(|(dtype, shape)| {
                    let shape = shape.as_deref().map_or("of any shape".to_owned(), shape_text);
                    format!(", {} {shape} in the program", dtype.map_or("any dtype", DType::name))
                });
                let _ = write!(why, ": {state}{}{}", there.unwrap_or_default(), own.unwrap_or_default());
            }
            Some(RowState::Missing) if detail.is_none() => why.push_str(": the checkpoint lacks it"),
            _ => {}
        }
        if let Some(detail) = detail {
            let _ = write!(why, ": {detail}");
        }
        why
    }

    /// Returns the objects with values that no node of the checkpoint is bound to, of those that
    /// the program has now or that the restore has seen.
    fn unmatched(&self, nodes: &Nodes, checkpoint: &Checkpoint) -> Result<Vec<NodeId>> {
        let attached = checkpoint.attached();
        let walk = Walk::new(nodes, checkpoint.as_root(&attached), !self.options.skip_slot_variables)?;
        let mut found = self.found.lock();
        found.seen.insert_all(walk.order)?;
        let bound = found.bound_objects()?;
        let has_values = |object| nodes.get(object).is_some_and(Node::has_values);
        list_of(found.seen.iter().filter(|&object| has_values(object) && !bound.contains(object)))
    }

    pub fn assert_all_consumed(&self, nodes: &Nodes) -> Result<()> {
        let paths = Paths::new(self.selection.shown())?;
        let skips_slots = self.options.skip_slot_variables;
        let (mut shown, mut count) = (Vec::new(), 0);
        for node in self.selection.saved.nodes().filter(|node| node.attributes().len() > 0) {
            let id = node.id();
            if (skips_slots && paths.is_slot(id)) || !self.wants(id) || self.bound(nodes, id).is_some() {
                continue;
            }
            count += 1;
            if count <= SHOWN {
                shown.push(paths.pretty(self.selection.shown(), id));
            }
        }
        if count > 0 {
            return Err(failed(format!("Unresolved object in checkpoint {}", list(&shown, count))));
        }
        let found = self.found.lock();
        if let Some((variable, _)) = found
            .slots
            .iter()
            .find(|(variable, slots)| self.wants(**variable) && slots.iter().any(|(_, slot, _)| self.wants(*slot)))
        {
            return Err(failed(format!("Unresolved slot restorations: for {}", paths.pretty(self.selection.shown(), *variable))));
        }
        if found.unused.is_empty() {
            return Ok(());
        }
        let mut text =
            String::from("Unused attributes in these objects (the attributes exist in the checkpoint but were not restored):");
        for (id, names) in found.unused.iter().take(SHOWN) {
            let object = found.objects[*id as usize].map(|object| nodes.describe(object)).unwrap_or_default();
            let _ = write!(text, " {} ({object}): {names:?}", paths.pretty(self.selection.shown(), *id));
        }
        Err(failed(text))
    }

    pub fn assert_nontrivial_match(&self, nodes: &Nodes, checkpoint: &Checkpoint) -> Result<()> {
        let unmatched = self.unmatched(nodes, checkpoint)?;
        let bound = (0..self.selection.saved.len() as u32).filter(|&id| self.bound(nodes, id).is_some()).take(2).count();
        if bound > 1 {
            return Ok(());
        }
        if unmatched.is_empty() {
            let root = nodes.describe(checkpoint.root());
            return Err(failed(format!("Nothing to load. No dependencies have been added to {root} yet.")));
        }
        Err(failed(format!(
            "{}: no value of the checkpoint matches, and nothing except the root object matched. Typically this means that the checkpoint does not match \
             the program",
            places(nodes, checkpoint, &unmatched)
        )))
    }
}

/// Returns the first few of a list, and how many there are.
fn list(shown: &[String], count: usize) -> String {
    match count.saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more ({count} in all)", shown.join(", ")),
    }
}

/// Returns the paths of the first few objects, and what each of them is.
/// Without their paths if the program cannot be walked.
pub(super) fn places(nodes: &Nodes, checkpoint: &Checkpoint, objects: &[NodeId]) -> String {
    let attached = checkpoint.attached();
    let walk = Walk::new(nodes, checkpoint.as_root(&attached), true).ok();
    let place = |&object: &NodeId| match walk.as_ref().and_then(|walk| Some((walk, walk.id(object)?))) {
        Some((walk, id)) => format!("{} ({})", named(&walk.path(nodes, id)), nodes.describe(object)),
        None => nodes.describe(object),
    };
    let shown: Vec<String> = objects.iter().take(SHOWN).map(place).collect();
    list(&shown, objects.len())
}

/// Returns a path for a message.
fn named(path: &str) -> String {
    if path.is_empty() {
        "the root".to_owned()
    } else {
        printable(path.as_bytes())
    }
}

/// Returns the error of an assertion that does not hold.
pub(super) fn failed(what: impl Into<String>) -> Error {
    Error::new(Code::FailedPrecondition, Reason::Assertion, what)
}
