//! Matches the slot variables of a checkpoint: each with its owner and the variable that it is kept
//! for.

use std::sync::Arc;

use super::restore::{Pass, Restore};
use crate::allocate::{Room, TryPush};
use crate::error::{Error, Result};
use crate::format::key::VARIABLE_VALUE;
use crate::graph::{Kind, NodeId, Nodes, Position};

impl Restore {
    /// Matches the slots whose owner or variable is the node `id`, now that its object is found.
    pub(super) fn follow_slots(self: &Arc<Self>, nodes: &mut Nodes, id: u32, object: NodeId, pass: &mut Pass) -> Result<()> {
        let (as_owner, as_variable) = {
            let mut found = self.found.lock();
            if found.slots.is_empty() && found.waiting_slots.is_empty() {
                return Ok(());
            }
            (found.waiting_slots.remove(&id).unwrap_or_default(), found.slots.remove(&id).unwrap_or_default())
        };
        for (variable, slot, name) in as_owner {
            self.attach_slot(nodes, object, variable, slot, &name, pass)?;
        }
        for (owner_id, slot, name) in as_variable {
            match self.bound(nodes, owner_id) {
                Some(owner) => self.attach_slot(nodes, owner, object, slot, &name, pass)?,
                None => {
                    let mut found = self.found.lock();
                    found.waiting_slots.make_room(1)?;
                    found.waiting_slots.entry(owner_id).or_default().try_push((object, slot, name))?;
                }
            }
        }
        Ok(())
    }

    /// Matches the node `id` with the slot `name` that `owner` keeps for `variable`, or defers it
    /// until that slot is made. An object that is not a slot owner does not use the value.
    fn attach_slot(
        self: &Arc<Self>,
        nodes: &mut Nodes,
        owner: NodeId,
        variable: NodeId,
        id: u32,
        name: &str,
        pass: &mut Pass,
    ) -> Result<()> {
        let Ok(state) = nodes.slot_owner(owner) else { return Ok(()) };
        if nodes.get(variable).is_none() {
            return Ok(()); // removed since it was found
        }
        let there = state.slot(variable, name);
        let slot = match there {
            Some(slot) => Some(slot),
            None if pass.dry => None,
            None => self.make_slot(nodes, owner, variable, id, name, pass)?,
        };
        match slot {
            Some(slot) => {
                if self.bind(nodes, id, slot)? {
                    pass.queue.try_push((id, slot))?;
                }
            }
            None => {
                let mut found = self.found.lock();
                found.waits_at.make_room(1)?;
                found.waits_at.insert(owner);
                drop(found);
                nodes.defer_slot(owner, variable, name, Position { restore: self.clone(), node: id })?;
            }
        }
        Ok(())
    }

    /// Lets the owner make a slot, if it can and the node is that of a variable.
    fn make_slot(
        &self,
        nodes: &mut Nodes,
        owner: NodeId,
        variable: NodeId,
        id: u32,
        name: &str,
        pass: &mut Pass,
    ) -> Result<Option<NodeId>> {
        let node = self.node(id);
        let mut attributes = node.attributes();
        let tensor = match (attributes.next(), attributes.next()) {
            (Some(value), None) if value.name == VARIABLE_VALUE && node.children().len() == 0 => {
                self.reader.find(value.checkpoint_key.as_bytes())
            }
            _ => None,
        };
        let Some(tensor) = tensor.and_then(|tensor| self.reader.tensor(tensor)) else { return Ok(None) };
        // The slot of a part of a tensor is a part too, if the whole slot has the shape of the
        // whole tensor.
        let part = nodes.variable(variable).ok().and_then(|variable| variable.part.clone());
        let part = part.filter(|part| *part.whole == *tensor.shape());
        let shape = part.as_ref().map_or(tensor.shape(), |part| &part.region.length);
        let Some(create) = &mut nodes.slot_owner_mut(owner)?.create else { return Ok(None) };
        let made = create(owner, variable, name, tensor.dtype(), shape)
            .map_err(|e| Error::callback("the callback that creates slots", e).for_tensor(tensor.key()))?;
        let Some(mut made) = made else { return Ok(None) };
        if let (Some(part), None) = (part, &made.part) {
            made = made.part(&part.whole, &part.slice).map_err(|e| e.for_tensor(tensor.key()))?;
        }
        pass.made.make_room(1)?;
        let slot = nodes.add(Kind::Variable(made))?;
        nodes.set_slot(owner, variable, name, slot)?;
        pass.made.push((owner, variable, name.into()));
        Ok(Some(slot))
    }
}
