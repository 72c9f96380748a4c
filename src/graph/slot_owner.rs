//! The slots that an owner keeps for variables.

use super::node_id::NodeId;
use super::variable::{Failure, Variable};
use super::Map;
use crate::tensor::DType;

/// Creates a slot variable that does not exist yet but that a checkpoint has a value for.
///
/// The arguments are the owner, the variable, the name of the slot, and the dtype and shape of the
/// value. If the variable is a part of a larger tensor, the shape is that of the part, and the new
/// slot variable becomes the same part of the slot's tensor. If the function returns `None`, the
/// restore of the value stays pending until the program adds the slot. An error ends the restore
/// with `ABORTED` (`Callback`), before anything is assigned.
///
/// Called on the thread that restores, with the graph's lock held. It must not call the graph: such
/// calls fail.
pub type CreateSlot =
    Box<dyn FnMut(NodeId, NodeId, &str, DType, &[i64]) -> std::result::Result<Option<Variable>, Failure> + Send>;

/// The slots of an owner.
#[derive(Default)]
pub(crate) struct SlotOwner {
    /// The names, in the order in which the first slot of each name was made.
    pub(super) names: Vec<Box<str>>,
    /// The slot variables, by the index of the slot's name and the variable.
    pub(super) slots: Map<(u32, NodeId), NodeId>,
    /// Creates slots that a checkpoint has values for.
    pub create: Option<CreateSlot>,
}

impl SlotOwner {
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// The index of a name in `names`.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.names.iter().position(|n| &**n == name).map(|n| n as u32)
    }

    pub fn slot(&self, variable: NodeId, name: &str) -> Option<NodeId> {
        self.slots.get(&(self.number(name)?, variable)).copied()
    }

    /// All slots, in no particular order: the index of the name, the variable, and the slot
    /// variable.
    pub fn numbered_slots(&self) -> impl Iterator<Item = (u32, NodeId, NodeId)> + '_ {
        self.slots.iter().map(|((number, variable), slot)| (*number, *variable, *slot))
    }

    /// All slots as pairs of the variable and the slot variable. A variable occurs once for each of
    /// its slots.
    pub fn pairs(&self) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        self.slots.iter().map(|((_, variable), slot)| (*variable, *slot))
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Removes the slots of removed variables, and those whose slot variables were removed.
    pub fn keep(&mut self, is_there: &dyn Fn(NodeId) -> bool) {
        self.slots.retain(|(_, variable), slot| is_there(*variable) && is_there(*slot));
    }
}
