//! The slots that an owner keeps for variables.

use super::node_id::NodeId;
use super::variable::{Failure, Variable};
use super::Map;
use crate::tensor::DType;

/// Makes a slot variable when a checkpoint has a value for one that does not exist yet: the owner, the variable, the name of the slot, and the type
/// and shape of the value; of a variable that is a part of a tensor, the shape of the part, and what is made becomes that part of the slot's tensor. None leaves it waiting until the program makes it; an error ends the restore with `ABORTED` before anything is assigned. Called
/// with the graph's lock held: calling the graph from it fails.
pub type CreateSlot =
    Box<dyn FnMut(NodeId, NodeId, &str, DType, &[i64]) -> std::result::Result<Option<Variable>, Failure> + Send>;

/// The slots of an owner.
#[derive(Default)]
pub(crate) struct SlotOwner {
    /// In the order in which the first slot of each was made.
    pub(super) names: Vec<Box<str>>,
    /// The slot of each variable, by the number of its name.
    pub(super) slots: Map<(u32, NodeId), NodeId>,
    pub create: Option<CreateSlot>,
}

impl SlotOwner {
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.names.iter().position(|n| &**n == name).map(|n| n as u32)
    }

    pub fn slot(&self, variable: NodeId, name: &str) -> Option<NodeId> {
        self.slots.get(&(self.number(name)?, variable)).copied()
    }

    /// Every slot, in no order: the number of its name, the variable, the slot.
    pub fn numbered_slots(&self) -> impl Iterator<Item = (u32, NodeId, NodeId)> + '_ {
        self.slots.iter().map(|((number, variable), slot)| (*number, *variable, *slot))
    }

    /// Every variable with its slot; a variable once for each of its slots.
    pub fn pairs(&self) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        self.slots.iter().map(|((_, variable), slot)| (*variable, *slot))
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Forgets a removed node, be it a variable or a slot.
    pub fn forget(&mut self, id: NodeId) {
        self.slots.retain(|(_, variable), slot| *variable != id && *slot != id);
    }
}
