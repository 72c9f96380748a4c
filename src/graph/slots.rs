//! Slot variables: what an optimizer keeps for each variable, under names like `m`. They hang on owner, variable and name, not on an edge.

use super::node_id::NodeId;
use super::nodes::{wrong_kind, Kind, Nodes};
use super::slot_owner::SlotOwner;
use super::Graph;
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
        let waiting = self.take_deferred_slot(owner, variable, name);
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

impl Graph {
    /// Makes `slot` the slot `name` that `owner` keeps for `variable`. If a restore has a value for it, it is restored here and now.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` when there is another.
    /// * What restoring reports; the slot stands all the same.
    pub fn set_slot(&self, owner: NodeId, variable: NodeId, name: &str, slot: NodeId) -> Result<()> {
        self.with(|nodes| nodes.set_slot(owner, variable, name, slot))
    }

    /// The slot `name` that `owner` keeps for `variable`, if there is one.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn slot(&self, owner: NodeId, variable: NodeId, name: &str) -> Result<Option<NodeId>> {
        self.with(|nodes| Ok(nodes.slot_owner(owner)?.slot(variable, name)))
    }

    /// Takes a slot from its owner, and gives back the slot variable, which stays.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such slot.
    pub fn remove_slot(&self, owner: NodeId, variable: NodeId, name: &str) -> Result<NodeId> {
        self.with(|nodes| nodes.remove_slot(owner, variable, name))
    }

    /// The names of an owner's slots, in the order in which the first of each was made.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn slot_names(&self, owner: NodeId) -> Result<Vec<String>> {
        self.with(|nodes| Ok(nodes.slot_owner(owner)?.names().iter().map(|name| name.to_string()).collect()))
    }
}
