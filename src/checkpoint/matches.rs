//! Which objects of the program a restore has found for the nodes of its checkpoint, and what
//! became of their values.

use std::collections::BTreeMap;

use super::objects::Objects;
use super::plan::Outcome;
use super::report::RowState;
use crate::graph::{Map, NodeId, Nodes, Set};

/// What a restore has found so far.
#[derive(Default)]
pub(super) struct Matches {
    /// The object of each node of the checkpoint.
    pub objects: Vec<Option<NodeId>>,
    /// Every object that was compared with a node of the checkpoint.
    pub seen: Objects,
    /// Attributes of nodes that their objects have no use for.
    pub unused: BTreeMap<u32, Vec<String>>,
    /// What became of each node's value, as far as it was tried.
    pub states: Vec<Option<RowState>>,
    /// Why, where there is more to say.
    pub details: Map<u32, String>,
    /// Slots by the variable that they are for, until that is found: owner, slot, name.
    pub slots: Map<u32, Vec<(u32, u32, Box<str>)>>,
    /// Slots of variables that were found, by their owner, until that is found: variable, slot, name.
    pub waiting_slots: Map<u32, Vec<(NodeId, u32, Box<str>)>>,
    /// The objects at which something waits.
    pub waits_at: Set<NodeId>,
}

impl Matches {
    pub fn note(&mut self, id: u32, outcome: Outcome) {
        self.states[id as usize] = Some(outcome.state);
        match outcome.detail {
            Some(detail) => self.details.insert(id, detail),
            None if self.details.is_empty() => None,
            None => self.details.remove(&id),
        };
    }

    /// The objects of all nodes of the checkpoint.
    pub fn bound_objects(&self) -> Objects {
        let mut objects = Objects::default();
        objects.extend(self.objects.iter().flatten().copied());
        objects
    }

    /// The object of a node of the checkpoint, while it is there.
    pub fn bound(&self, nodes: &Nodes, id: u32) -> Option<NodeId> {
        self.objects[id as usize].filter(|&object| nodes.get(object).is_some())
    }

    /// Binds a node to an object, unless it is bound; gives the object that it is bound to already.
    pub fn bind(&mut self, nodes: &Nodes, id: u32, object: NodeId) -> Option<NodeId> {
        self.seen.insert(object);
        let there = self.bound(nodes, id);
        if there.is_none() {
            self.objects[id as usize] = Some(object);
        }
        there
    }
}
