//! Names of the nodes of a checkpoint: paths as in keys, and names for messages.

use std::collections::HashMap;

use crate::allocate::Room;
use crate::error::Result;
use crate::format::key;
use crate::reader::ObjectGraph;

/// The shortest path from the root to each node of an object graph.
pub(super) struct Paths {
    /// For each node its parent and the number of the parent's edge to it.
    parents: Vec<Option<(u32, usize)>>,
    /// For each slot variable its owner, its variable and the number of the slot at the owner.
    slots: HashMap<u32, (u32, u32, usize)>,
}

impl Paths {
    pub fn new(saved: &ObjectGraph) -> Result<Paths> {
        let mut slots = HashMap::new();
        for owner in saved.nodes() {
            for (number, slot) in owner.slot_variables().enumerate() {
                slots.make_room(1)?;
                slots.entry(slot.slot_variable).or_insert((owner.id(), slot.original_variable, number));
            }
        }
        Ok(Paths { parents: saved.parents()?, slots })
    }

    /// Returns whether the node is a slot variable.
    pub fn is_slot(&self, id: u32) -> bool {
        self.slots.contains_key(&id)
    }

    /// Returns the names of the edges on the path to a node; `None` if no edge leads to it.
    fn names<'g>(&self, saved: &'g ObjectGraph, id: u32) -> Option<Vec<&'g str>> {
        let (mut names, mut at) = (Vec::new(), id);
        while at != 0 {
            let (parent, number) = self.parents[at as usize]?;
            names.push(saved.node(parent)?.child_at(number)?.name);
            at = parent;
        }
        names.reverse();
        Some(names)
    }

    fn slot_name<'g>(&self, saved: &'g ObjectGraph, owner: u32, number: usize) -> &'g str {
        saved.node(owner).and_then(|owner| owner.slot_name_at(number)).unwrap_or_default()
    }

    /// Returns the path of a node as written in keys: escaped names joined by `/`. A slot variable
    /// has the path in its key, and a node that nothing leads to has `#` and its number.
    pub fn path(&self, saved: &ObjectGraph, id: u32) -> String {
        match (self.names(saved, id), self.slots.get(&id)) {
            (Some(names), _) => {
                let mut path = String::new();
                for (number, name) in names.into_iter().enumerate() {
                    if number > 0 {
                        path.push('/');
                    }
                    key::push_escaped(&mut path, name);
                }
                path
            }
            (None, Some(&(owner, variable, number))) => {
                let name = key::escape(self.slot_name(saved, owner, number));
                format!("{}/.OPTIMIZER_SLOT/{}/{name}", self.plain(saved, variable), self.plain(saved, owner))
            }
            (None, None) => format!("#{id}"),
        }
    }

    /// Returns the path of a node without treating it as a slot variable. A malformed checkpoint
    /// may claim that slots have slots; this ends the recursion.
    fn plain(&self, saved: &ObjectGraph, id: u32) -> String {
        match self.names(saved, id) {
            Some(names) => names.into_iter().map(key::escape).collect::<Vec<_>>().join("/"),
            None => format!("#{id}"),
        }
    }

    /// Returns the name of a node for messages: `(root).net.v`, or `(root).optimizer's state 'm'
    /// for (root).net.v` for a slot variable.
    pub fn pretty(&self, saved: &ObjectGraph, id: u32) -> String {
        let plain = |id| match self.names(saved, id) {
            Some(names) => std::iter::once("(root)").chain(names).collect::<Vec<_>>().join("."),
            None => format!("node {id}"),
        };
        match (self.parents[id as usize], self.slots.get(&id)) {
            (None, Some(&(owner, variable, number))) if id != 0 => {
                format!("{}'s state '{}' for {}", plain(owner), self.slot_name(saved, owner, number), plain(variable))
            }
            _ => plain(id),
        }
    }
}
