//! The assertions of a status after a restore from an object graph.

use std::fmt::Write;

use super::paths::Paths;
use super::report::RowState;
use super::restore::Restore;
use super::Checkpoint;
use crate::error::{Code, Error, Reason, Result};
use crate::graph::{Node, NodeId, Nodes, Walk};
use crate::reader::Node as SavedNode;

/// The maximum number of objects that a message names.
const SHOWN: usize = 10;

impl Restore {
    pub fn assert_existing_matched(&self, nodes: &Nodes, checkpoint: &Checkpoint) -> Result<()> {
        for id in 0..self.selection.saved.len() as u32 {
            let Some(object) = self.bound(nodes, id) else { continue };
            let is_behind = self.wants(id) && nodes.get(object).is_some_and(|node| node.restored_by < self.uid);
            let found = self.found.lock();
            if is_behind || found.states[id as usize].is_some_and(|state| state != RowState::Restored) {
                let why = found.details.get(&id).map(|detail| format!(": {detail}")).unwrap_or_default();
                return Err(failed(format!("Object {} not assigned a value from checkpoint{why}", nodes.describe(object))));
            }
        }
        let unmatched = self.unmatched(nodes, checkpoint)?;
        if unmatched.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = unmatched.iter().take(SHOWN).map(|&object| nodes.describe(object)).collect();
        Err(failed(format!(
            "Found {} objects that were not bound to checkpointed values, likely due to changes in the program. Showing {} of {} unmatched objects: [{}]",
            unmatched.len(),
            shown.len(),
            unmatched.len(),
            shown.join(", ")
        )))
    }

    /// Returns the objects with values that no node of the checkpoint is bound to, of those that
    /// the program has now or that the restore has seen.
    fn unmatched(&self, nodes: &Nodes, checkpoint: &Checkpoint) -> Result<Vec<NodeId>> {
        let attached = checkpoint.attached();
        let walk = Walk::new(nodes, checkpoint.as_root(&attached), !self.options.skip_slot_variables)?;
        let mut found = self.found.lock();
        found.seen.extend(walk.order);
        let bound = found.bound_objects();
        let has_values = |object| nodes.get(object).is_some_and(Node::has_values);
        Ok(found.seen.iter().filter(|&object| has_values(object) && !bound.contains(object)).collect())
    }

    pub fn assert_all_consumed(&self, nodes: &Nodes) -> Result<()> {
        let paths = Paths::new(self.selection.shown());
        let skips_slots = self.options.skip_slot_variables;
        for node in self.selection.saved.nodes().filter(|node| node.attributes().len() > 0) {
            let id = node.id();
            if (skips_slots && paths.is_slot(id)) || !self.wants(id) || self.bound(nodes, id).is_some() {
                continue;
            }
            return Err(failed(format!(
                "Unresolved object in checkpoint {}: {}",
                paths.pretty(self.selection.shown(), id),
                text_of(&node)
            )));
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
                "Nothing except the root object matched a checkpointed value. Typically this means that the checkpoint does not match the program. The \
                 following objects have no matching checkpointed value: [{}]",
                unmatched.iter().take(SHOWN).map(|&object| nodes.describe(object)).collect::<Vec<_>>().join(", ")
            )))
    }
}

/// Returns the error of an assertion that does not hold.
pub(super) fn failed(what: impl Into<String>) -> Error {
    Error::new(Code::FailedPrecondition, Reason::Assertion, what)
}

/// Returns the attributes of a node as protobuf text, on one line.
fn text_of(node: &SavedNode<'_>) -> String {
    let attributes = node.attributes().map(|a| {
        let full_name = if a.full_name.is_empty() { String::new() } else { format!(" full_name: {:?}", a.full_name) };
        format!("attributes {{ name: {:?}{full_name} checkpoint_key: {:?} }}", a.name, a.checkpoint_key)
    });
    attributes.collect::<Vec<_>>().join(" ")
}
