//! What waits at the objects of a graph: restores that have values for edges and slots that are not
//! there yet. The restores themselves are above, in `checkpoint`.

use std::sync::Arc;

use super::node_id::NodeId;
use super::nodes::{Nodes, Position, Waiting};
use crate::error::Result;

impl Nodes {
    /// Gives `object` to everything that waited for it, the newest restore first.
    pub fn restore_waiting(&mut self, mut waiting: Vec<Position>, object: NodeId) -> Result<()> {
        crate::sort::sort_by_key(&mut waiting, |position| std::cmp::Reverse(position.restore.uid()));
        for position in waiting {
            let node = position.node;
            position.restore.attach(self, node, object)?;
        }
        Ok(())
    }

    /// Has a restore wait for an edge.
    pub fn defer(&mut self, parent: NodeId, name: &str, position: Position) {
        if let Some(node) = self.get_mut(parent) {
            node.waits.get_or_insert_default().by_edge.entry(name.into()).or_default().push(position);
        }
    }

    /// Has a name-based restore wait for whatever is tracked.
    pub fn defer_by_name(&mut self, parent: NodeId, restore: Arc<dyn Waiting>) -> Result<()> {
        self.need_mut(parent)?.waits.get_or_insert_default().by_name.push(Position { restore, node: 0 });
        Ok(())
    }

    /// Takes the positions of the restore `uid` from what waits at a node.
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

    /// Has a restore wait for a slot that `owner` is to keep for `variable`.
    pub fn defer_slot(&mut self, owner: NodeId, variable: NodeId, name: &str, position: Position) {
        if let Some(node) = self.get_mut(owner) {
            node.waits.get_or_insert_default().by_slot.entry((name.into(), variable)).or_default().push(position);
        }
    }

    /// What waits for slots of an owner that are not there yet.
    pub fn deferred_slots(&self, owner: NodeId) -> impl Iterator<Item = &Position> {
        let waits = self.get(owner).and_then(|node| node.waits.as_ref());
        waits.into_iter().flat_map(|waits| waits.by_slot.values().flatten())
    }

    /// Takes what waits for a slot.
    pub(super) fn take_deferred_slot(&mut self, owner: NodeId, variable: NodeId, name: &str) -> Vec<Position> {
        let waits = self.get_mut(owner).and_then(|node| node.waits.as_mut()).filter(|waits| !waits.by_slot.is_empty());
        waits.and_then(|waits| waits.by_slot.remove(&(Box::from(name), variable))).unwrap_or_default()
    }

    /// What waits for edges of a node that are not there yet: names, and how many restores wait for each.
    pub fn deferred(&self, id: NodeId) -> impl Iterator<Item = (&str, &[Position])> {
        let waits = self.get(id).and_then(|node| node.waits.as_ref());
        waits.into_iter().flat_map(|waits| &waits.by_edge).map(|(name, waiting)| (&**name, &waiting[..]))
    }

    /// Takes the restore `uid`, or the newest if none is named, from what waits for an edge.
    pub fn take_deferred(&mut self, id: NodeId, name: &str) -> Vec<Position> {
        let waits = self.get_mut(id).and_then(|node| node.waits.as_mut());
        waits.and_then(|waits| waits.by_edge.remove(name)).unwrap_or_default()
    }
}
