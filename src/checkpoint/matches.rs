//! The matches of a restore: the object of the program for each node of the checkpoint, and the
//! outcome for each node's value.

use std::collections::BTreeMap;

use super::objects::Objects;
use super::plan::Outcome;
use super::report::RowState;
use crate::allocate::Room;
use crate::error::Result;
use crate::graph::{Map, NodeId, Nodes, Set};

/// The matches that a restore has found so far.
#[derive(Default)]
pub(super) struct Matches {
    /// The object bound to each node of the checkpoint, by the node's id.
    pub objects: Vec<Option<NodeId>>,
    /// Every object that was matched with a node of the checkpoint, even if the node was already
    /// bound.
    pub seen: Objects,
    /// Names of attributes that the node's object does not use, by the node's id.
    pub unused: BTreeMap<u32, Vec<String>>,
    /// The outcome for each node's value, by the node's id; `None` if it was not tried yet.
    pub states: Vec<Option<RowState>>,
    /// More about the outcome of a node, where there is more.
    pub details: Map<u32, String>,
    /// Slot variables whose variable has no object yet, by the node of that variable. Each entry
    /// has the node of the owner, the node of the slot and the slot's name.
    pub slots: Map<u32, Vec<(u32, u32, Box<str>)>>,
    /// Slot variables whose variable has an object but whose owner has none yet, by the node of the
    /// owner. Each entry has the variable's object, the node of the slot and the slot's name.
    pub waiting_slots: Map<u32, Vec<(NodeId, u32, Box<str>)>>,
    /// The objects that deferred values of this restore are stored at.
    pub waits_at: Set<NodeId>,
}

impl Matches {
    /// Records the outcome for a node's value. A detail that there is no memory for is left out.
    pub fn note(&mut self, id: u32, outcome: Outcome) {
        self.states[id as usize] = Some(outcome.state);
        match outcome.detail {
            Some(detail) if self.details.make_room(1).is_ok() => self.details.insert(id, detail),
            _ if self.details.is_empty() => None,
            _ => self.details.remove(&id),
        };
    }

    /// Returns the objects that are bound to nodes of the checkpoint.
    pub fn bound_objects(&self) -> Result<Objects> {
        let mut objects = Objects::default();
        objects.insert_all(self.objects.iter().flatten().copied())?;
        Ok(objects)
    }

    /// Returns the object that a node is bound to; `None` if there is none or it was removed.
    pub fn bound(&self, nodes: &Nodes, id: u32) -> Option<NodeId> {
        self.objects[id as usize].filter(|&object| nodes.get(object).is_some())
    }

    /// Binds a node to an object, unless the node is already bound. Returns the object that it was
    /// bound to before.
    pub fn bind(&mut self, nodes: &Nodes, id: u32, object: NodeId) -> Result<Option<NodeId>> {
        self.seen.insert(object)?;
        let there = self.bound(nodes, id);
        if there.is_none() {
            self.objects[id as usize] = Some(object);
        }
        Ok(there)
    }
}
