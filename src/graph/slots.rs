//! Slot variables: what an optimizer keeps for each variable, under names like `m`. They are
//! identified by owner, variable and name, not by an edge.

use super::node_id::NodeId;
use super::nodes::{wrong_kind, Kind, Nodes};
use super::slot_owner::SlotOwner;
use super::Graph;
use crate::allocate::{Room, TryPush};
use crate::error::{printable, Code, Error, Reason, Result};

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

    /// Makes `slot` the slot `name` that `owner` keeps for `variable`, and restores it if pending
    /// restores wait for it.
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
                    format!("the variable already has a slot \"{}\"", printable(name.as_bytes())),
                ))
            }
            None => {}
        }
        let number = match state.number(name) {
            Some(number) => number,
            None => {
                state.names.try_push(name.into())?;
                state.names.len() as u32 - 1
            }
        };
        state.slots.make_room(1)?;
        self.note_parent(variable, owner)?;
        self.note_parent(slot, owner)?;
        self.slot_owner_mut(owner)?.slots.insert((number, variable), slot);
        let waiting = self.take_deferred_slot(owner, variable, name);
        self.restore_waiting(waiting, slot)
    }

    /// Removes a slot from its owner and returns the slot variable, which stays.
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

    /// Undoes creating the newest slot of an owner. A name that was new with the slot is removed
    /// too.
    pub fn unmake_slot(&mut self, owner: NodeId, variable: NodeId, name: &str) {
        let Ok(slot) = self.remove_slot(owner, variable, name) else { return };
        if let Ok(state) = self.slot_owner_mut(owner) {
            let last = state.names.len().checked_sub(1).map(|last| last as u32);
            if state.number(name) == last && !state.slots.keys().any(|(number, _)| Some(*number) == last) {
                state.names.pop();
            }
        }
        // The slot variable was created for the owner, so it exists.
        drop(self.remove(slot));
    }
}

impl Graph {
    /// Makes the variable `slot` the slot `name` that `owner` keeps for `variable`. Setting the
    /// same slot again is a no-op.
    ///
    /// If a pending restore has a value for the slot, it is restored immediately. If that fails,
    /// this call returns the error, but the slot stays.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` (`NameTaken`): there already is another slot of this name.
    /// * Errors of the restore.
    pub fn set_slot(&self, owner: NodeId, variable: NodeId, name: &str, slot: NodeId) -> Result<()> {
        self.with(|nodes| nodes.set_slot(owner, variable, name, slot))
    }

    /// The slot `name` that `owner` keeps for `variable`; `None` if there is none.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn slot(&self, owner: NodeId, variable: NodeId, name: &str) -> Result<Option<NodeId>> {
        self.with(|nodes| Ok(nodes.slot_owner(owner)?.slot(variable, name)))
    }

    /// Removes a slot from its owner. The slot variable stays and is returned.
    ///
    /// # Errors
    /// `NOT_FOUND` (`Node`): there is no such slot.
    pub fn remove_slot(&self, owner: NodeId, variable: NodeId, name: &str) -> Result<NodeId> {
        self.with(|nodes| nodes.remove_slot(owner, variable, name))
    }

    /// The names of an owner's slots, in the order in which the first slot of each name was made.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn slot_names(&self, owner: NodeId) -> Result<Vec<String>> {
        self.with(|nodes| Ok(nodes.slot_owner(owner)?.names().iter().map(|name| name.to_string()).collect()))
    }
}
