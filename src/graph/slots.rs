//! Slot variables: what an optimizer keeps for each variable, under names like `m`. They hang on owner, variable and name, not on an edge.

use super::nodes::{wrong_kind, Kind, NodeId, Nodes};
use super::variable::{Failure, Variable};
use super::waiting::Position;
use super::Map;
use crate::error::{printable, Code, Error, Reason, Result};
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
    names: Vec<Box<str>>,
    /// The slot of each variable, by the number of its name.
    slots: Map<(u32, NodeId), NodeId>,
    /// Values that wait for slots.
    deferred: Map<(Box<str>, NodeId), Vec<Position>>,
    pub create: Option<CreateSlot>,
}

impl SlotOwner {
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    fn number(&self, name: &str) -> Option<u32> {
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

    pub fn defer(&mut self, variable: NodeId, name: &str, position: Position) {
        self.deferred.entry((name.into(), variable)).or_default().push(position);
    }

    /// What waits for slots that are not there yet.
    pub fn deferred(&self) -> impl Iterator<Item = &Position> + '_ {
        self.deferred.values().flatten()
    }

    pub fn forget_deferred(&mut self, uid: u64) {
        self.deferred.retain(|_, waiting| {
            waiting.retain(|position| position.restore.uid() != uid);
            !waiting.is_empty()
        });
    }

    /// Forgets a removed node, be it a variable or a slot.
    pub fn forget(&mut self, id: NodeId) {
        self.slots.retain(|(_, variable), slot| *variable != id && *slot != id);
        self.deferred.retain(|(_, variable), _| *variable != id);
    }
}

impl Nodes {
    pub fn slot_owner(&self, id: NodeId) -> Result<&SlotOwner> {
        match &self.need(id)?.kind {
            Kind::SlotOwner(owner) => Ok(owner),
            other => Err(wrong_kind("slot owner", other)),
        }
    }

    pub fn slot_owner_mut(&mut self, id: NodeId) -> Result<&mut SlotOwner> {
        match &mut self.need_mut(id)?.kind {
            Kind::SlotOwner(owner) => Ok(owner),
            other => Err(wrong_kind("slot owner", other)),
        }
    }

    /// Gives `owner` the slot `name` of `variable`, and restores what waits for it.
    pub fn set_slot(&mut self, owner: NodeId, variable: NodeId, name: &str, slot: NodeId) -> Result<()> {
        self.need(variable)?;
        self.variable(slot)?;
        let state = self.slot_owner_mut(owner)?;
        match state.slot(variable, name) {
            Some(there) if there == slot => return Ok(()),
            Some(_) => {
                return Err(Error::new(
                    Code::AlreadyExists,
                    Reason::NameTaken,
                    format!("the variable has a slot \"{}\" already", printable(name.as_bytes())),
                ))
            }
            None => {}
        }
        let number = match state.number(name) {
            Some(number) => number,
            None => {
                state.names.push(name.into());
                state.names.len() as u32 - 1
            }
        };
        state.slots.insert((number, variable), slot);
        let waiting = match state.deferred.is_empty() {
            true => Vec::new(),
            false => state.deferred.remove(&(Box::from(name), variable)).unwrap_or_default(),
        };
        self.note_parent(variable, owner);
        self.note_parent(slot, owner);
        self.restore_waiting(waiting, slot)
    }

    /// Takes a slot from its owner. The slot variable stays.
    pub fn remove_slot(&mut self, owner: NodeId, variable: NodeId, name: &str) -> Result<NodeId> {
        let state = self.slot_owner_mut(owner)?;
        let removed = state.number(name).and_then(|number| state.slots.remove(&(number, variable)));
        let slot = removed.ok_or_else(|| {
            Error::new(Code::NotFound, Reason::Node, format!("the variable has no slot \"{}\"", printable(name.as_bytes())))
        })?;
        self.forget_parent(variable, owner);
        self.forget_parent(slot, owner);
        Ok(slot)
    }

    /// Undoes the making of a slot, the latest of its owner: a name that it brought with it goes, too.
    pub fn unmake_slot(&mut self, owner: NodeId, variable: NodeId, name: &str) {
        let Ok(slot) = self.remove_slot(owner, variable, name) else { return };
        if let Ok(state) = self.slot_owner_mut(owner) {
            let last = state.names.len().checked_sub(1).map(|last| last as u32);
            if state.number(name) == last && !state.slots.keys().any(|(number, _)| Some(*number) == last) {
                state.names.pop();
            }
        }
        // It was made for the owner, so it is there.
        drop(self.remove(slot));
    }
}
