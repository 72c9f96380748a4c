//! Pending restores at the objects of a graph: restores that have values for edges and slots that
//! do not exist yet. The module `checkpoint` implements the restores themselves.

use std::sync::Arc;

use super::node_id::NodeId;
use super::nodes::{Nodes, Position, Waiting};
use crate::allocate::{Room, TryPush};
use crate::error::Result;

impl Nodes {
    /// Continues the pending restores that waited for `object`, newest first.
    pub fn restore_waiting(&mut self, mut waiting: Vec<Position>, object: NodeId) -> Result<()> {
        crate::sort::sort_by_key(&mut waiting, |position| std::cmp::Reverse(position.restore.uid()))?;
        for position in waiting {
            let node = position.node;
            position.restore.attach(self, node, object)?;
        }
        Ok(())
    }

    /// Makes a restore wait for an edge.
    pub fn defer(&mut self, parent: NodeId, name: &str, position: Position) -> Result<()> {
        let Some(node) = self.get_mut(parent) else { return Ok(()) };
        let by_edge = &mut node.waits.get_or_insert_default().by_edge;
        by_edge.make_room(1)?;
        by_edge.entry(name.into()).or_default().try_push(position)
    }

    /// Makes a name-based restore wait for any object that is tracked.
    pub fn defer_by_name(&mut self, parent: NodeId, restore: Arc<dyn Waiting>) -> Result<()> {
        self.need_mut(parent)?.waits.get_or_insert_default().by_name.try_push(Position { restore, node: 0 })
    }

    /// Removes the restore `uid` from everything that waits at a node.
    pub fn forget_deferred(&mut self, id: NodeId, uid: u64) {
        let Some(node) = self.get_mut(id) else { return };
        if let Some(waits) = &mut node.waits {
            waits.by_edge.values_mut().for_each(|waiting| waiting.retain(|position| position.restore.uid() != uid));
            waits.by_edge.retain(|_, waiting| !waiting.is_empty());
            waits.by_slot.values_mut().for_each(|waiting| waiting.retain(|position| position.restore.uid() != uid));
            waits.by_slot.retain(|_, waiting| !waiting.is_empty());
            waits.by_name.retain(|position| position.restore.uid() != uid);
            if waits.by_edge.is_empty() && waits.by_slot.is_empty() && waits.by_name.is_empty() {
                node.waits = None;
            }
        }
    }

    /// Makes a restore wait for a slot that `owner` may keep for `variable`.
    pub fn defer_slot(&mut self, owner: NodeId, variable: NodeId, name: &str, position: Position) -> Result<()> {
        let Some(node) = self.get_mut(owner) else { return Ok(()) };
        let by_slot = &mut node.waits.get_or_insert_default().by_slot;
        by_slot.make_room(1)?;
        by_slot.entry((name.into(), variable)).or_default().try_push(position)
    }

    /// The pending restores of slots of an owner that do not exist yet.
    pub fn deferred_slots(&self, owner: NodeId) -> impl Iterator<Item = &Position> {
        let waits = self.get(owner).and_then(|node| node.waits.as_ref());
        waits.into_iter().flat_map(|waits| waits.by_slot.values().flatten())
    }

    /// Whether a restore waits for this slot.
    pub fn awaits_slot(&self, owner: NodeId, variable: NodeId, name: &str) -> bool {
        let waits = self.get(owner).and_then(|node| node.waits.as_ref()).filter(|waits| !waits.by_slot.is_empty());
        waits.is_some_and(|waits| waits.by_slot.contains_key(&(Box::from(name), variable)))
    }

    /// Removes and returns the pending restores of a slot.
    pub(super) fn take_deferred_slot(&mut self, owner: NodeId, variable: NodeId, name: &str) -> Vec<Position> {
        let waits = self.get_mut(owner).and_then(|node| node.waits.as_mut()).filter(|waits| !waits.by_slot.is_empty());
        waits.and_then(|waits| waits.by_slot.remove(&(Box::from(name), variable))).unwrap_or_default()
    }

    /// The pending restores of edges of a node that do not exist yet, by the name of the edge.
    pub fn deferred(&self, id: NodeId) -> impl Iterator<Item = (&str, &[Position])> {
        let waits = self.get(id).and_then(|node| node.waits.as_ref());
        waits.into_iter().flat_map(|waits| &waits.by_edge).map(|(name, waiting)| (&**name, &waiting[..]))
    }

    /// Removes and returns the pending restores of an edge.
    pub fn take_deferred(&mut self, id: NodeId, name: &str) -> Vec<Position> {
        let waits = self.get_mut(id).and_then(|node| node.waits.as_mut());
        waits.and_then(|waits| waits.by_edge.remove(name)).unwrap_or_default()
    }
}
