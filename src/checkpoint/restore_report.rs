//! The report of a restore from an object graph.

use super::candidates::report_with_candidates;
use super::paths::Paths;
use super::report::{Report, Row, RowState};
use super::restore::Restore;
use super::row_path::{PathTree, RowPath};
use super::rows::{glob_row, missing_row, slice_of, spec_of};
use super::Checkpoint;
use crate::allocate::{filled, list_of, Room, TryPush};
use crate::error::Result;
use crate::graph::{NodeId, Nodes, Walk};

/// Returns the report of a restore from an object graph, as of now.
pub(super) fn report_of(nodes: &Nodes, restore: &Restore, checkpoint: &Checkpoint) -> Result<Report> {
    let saved = &restore.selection.saved;
    let shown = restore.selection.shown();
    let (paths, tree) = (Paths::new(shown)?, PathTree::of_graph(shown)?);
    let waiting = waiting(nodes, restore)?;
    let mut rows = Vec::new();
    for node in saved.nodes() {
        let id = node.id();
        let object = restore.bound(nodes, id);
        let (outcome, unused) = {
            let found = restore.found.lock();
            (found.states[id as usize].map(|state| (state, found.details.get(&id).cloned())), found.unused.contains_key(&id))
        };
        let (state, detail) = match (object, outcome) {
            _ if !restore.wants(id) || (restore.options.skip_slot_variables && paths.is_slot(id)) => {
                (RowState::Skipped, Some("excluded by the options".to_owned()))
            }
            (Some(_), _) if unused => (RowState::Unused, Some("the object does not use this value".to_owned())),
            (_, Some(outcome)) => outcome,
            (Some(object), None) => match nodes.get(object).map_or(0, |node| node.restored_by) {
                by if by > restore.uid => (RowState::Skipped, Some("the object was set by a newer restore".to_owned())),
                by if by == restore.uid && node.registered_saver().is_some() => (RowState::Restored, None),
                by if by == restore.uid => {
                    (RowState::Skipped, Some("the object was restored from another node of the checkpoint".to_owned()))
                }
                _ => (RowState::Skipped, None),
            },
            (None, None) if waiting[id as usize] => (RowState::Deferred, None),
            (None, None) => (RowState::Unused, None),
        };
        let mut put = |key: &str| {
            rows.try_push(Row {
                path: RowPath::of(&tree, id),
                key: key.into(),
                state,
                saved: restore
                    .reader
                    .find(key.as_bytes())
                    .map(|tensor| restore.reader.spec(tensor))
                    .map(|(dtype, shape)| (dtype, shape.to_vec())),
                program: object.and_then(|object| spec_of(nodes, object)),
                slice: object.and_then(|object| slice_of(nodes, object)),
                node: object,
                saved_node: Some(id),
                candidate: None,
                detail: detail.clone(),
            })
        };
        node.attributes().try_for_each(|attribute| put(attribute.checkpoint_key))?;
        if let (Some(saver), 0) = (node.registered_saver(), node.attributes().len()) {
            put(saver.object_name)?;
        }
    }
    let attached = checkpoint.attached();
    let walk = Walk::new(nodes, checkpoint.as_root(&attached), !restore.options.skip_slot_variables)?;
    let tree = PathTree::of_walk(nodes, &walk)?;
    let found = restore.found.lock();
    let bound = found.bound_objects()?;
    for (id, &object) in walk.order.iter().enumerate() {
        if nodes.get(object).is_some_and(|node| node.has_values()) && !bound.contains(object) {
            rows.try_push(missing_row(nodes, RowPath::of(&tree, id as u32), object))?;
        }
    }
    rows.make_room(restore.selection.unmatched.len())?;
    rows.extend(restore.selection.unmatched.iter().map(|glob| glob_row(glob)));
    report_with_candidates(rows)
}

/// Returns for each node of the checkpoint whether it is deferred: a deferred edge or slot leads to
/// it, or to a node above it, and it has no object yet.
fn waiting(nodes: &Nodes, restore: &Restore) -> Result<Vec<bool>> {
    let saved = &restore.selection.saved;
    let mut waiting = filled(false, saved.len())?;
    let mut next: Vec<u32> = Vec::new();
    let waits_at: Vec<NodeId> = list_of(restore.found.lock().waits_at.iter().copied())?;
    for &object in &waits_at {
        let positions = nodes.deferred(object).flat_map(|(_, positions)| positions);
        for position in positions.chain(nodes.deferred_slots(object)).filter(|position| position.restore.uid() == restore.uid) {
            next.try_push(position.node)?;
        }
    }
    while let Some(id) = next.pop() {
        if !waiting[id as usize] && restore.bound(nodes, id).is_none() {
            waiting[id as usize] = true;
            for edge in saved.node(id).into_iter().flat_map(|node| node.children()) {
                next.try_push(edge.node)?;
            }
        }
    }
    if waits_at.is_empty() {
        return Ok(waiting);
    }
    // A slot is deferred if its owner or its variable is, and the other one is deferred or bound.
    for owner in saved.nodes() {
        let owner_comes = waiting[owner.id() as usize]
            || restore.bound(nodes, owner.id()).is_some_and(|object| nodes.slot_owner(object).is_ok());
        for slot in owner.slot_variables() {
            let variable = slot.original_variable;
            let variable_comes = waiting[variable as usize] || restore.bound(nodes, variable).is_some();
            if owner_comes && variable_comes && (waiting[owner.id() as usize] || waiting[variable as usize]) {
                waiting[slot.slot_variable as usize] |= restore.bound(nodes, slot.slot_variable).is_none();
            }
        }
    }
    Ok(waiting)
}
