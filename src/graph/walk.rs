//! Walking a graph as a save does: breadth first from the root, slot variables after all others.
//! The index of an object in this order is its id in the checkpoint. The edges by which the walk
//! reached it are its path.

use super::node_id::NodeId;
use super::nodes::{Kind, Node, Nodes};
use crate::allocate::{filled, list_of, TryPush};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::key;

/// The start of a walk.
#[derive(Clone, Copy)]
pub(crate) struct Root<'a> {
    pub node: NodeId,
    /// Edges of the root that exist only in the checkpoint, not in the graph.
    pub attached: &'a [(Box<str>, NodeId)],
}

/// A slot variable that was found. All numbers but `name` are ids of the walk.
pub(crate) struct FoundSlot {
    pub owner: u32,
    pub variable: u32,
    /// The index of the slot's name among the owner's names.
    pub name: u32,
    pub slot: u32,
}

/// The objects that are reachable from a root.
pub(crate) struct Walk<'a> {
    root: Root<'a>,
    /// The objects by their ids.
    pub order: Vec<NodeId>,
    /// One more than the id of the object at each place of the graph; 0 if the walk has not reached
    /// it.
    ids: Vec<u32>,
    /// For each object, the parent by which it was found and the index of the edge.
    found_by: Vec<(u32, u32)>,
    /// The ids of the children of all objects, concatenated; `ends` has the end of each object's
    /// part.
    children: Vec<u32>,
    ends: Vec<usize>,
    /// The slot variables in the order of their ids.
    pub slots: Vec<FoundSlot>,
}

impl<'a> Walk<'a> {
    /// Walks from `root` along edges and, if `slots`, to slot variables.
    ///
    /// Fails at a list that cannot be saved. Also fails if a slot variable has children or is
    /// itself a child, and if an attached edge has the name of an edge of the root that leads to
    /// another object.
    pub fn new(nodes: &Nodes, root: Root<'a>, slots: bool) -> Result<Walk<'a>> {
        nodes.need(root.node)?;
        let ids = filled(0, nodes.place_count())?;
        let (order, found_by, children, ends, found) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut walk = Walk { root, order, ids, found_by, children, ends, slots: found };
        walk.find(root.node, (0, 0))?;
        let mut next = 0;
        while let Some(&object) = walk.order.get(next) {
            let edges = nodes.children(object)?;
            for (number, (_, &child)) in edges.iter().enumerate() {
                walk.find_child(child, (next as u32, number as u32))?;
            }
            if next == 0 {
                for (number, (name, child)) in root.attached.iter().enumerate() {
                    match edges.get(name) {
                        Some(own) if own == child => {} // the edge already exists
                        Some(_) => {
                            return Err(Error::new(
                                Code::FailedPrecondition,
                                Reason::NameTaken,
                                format!(
                                    "the root already has an edge \"{}\", which the checkpoint attaches to another object",
                                    printable(name.as_bytes())
                                ),
                            ))
                        }
                        None => walk.find_child(*child, (0, (edges.len() + number) as u32))?,
                    }
                }
            }
            walk.ends.try_push(walk.children.len())?;
            next += 1;
        }
        if slots {
            walk.find_slots(nodes)?;
        }
        Ok(walk)
    }

    fn find_child(&mut self, child: NodeId, by: (u32, u32)) -> Result<()> {
        let id = self.find(child, by)?;
        self.children.try_push(id)
    }

    /// The id of an object. An object without an id gets the next one, and is recorded as found
    /// `by` an edge.
    fn find(&mut self, object: NodeId, by: (u32, u32)) -> Result<u32> {
        let id = &mut self.ids[object.place()];
        if *id == 0 {
            self.order.try_push(object)?;
            self.found_by.try_push(by)?;
            *id = self.order.len() as u32;
        }
        Ok(*id - 1)
    }

    fn find_slots(&mut self, nodes: &Nodes) -> Result<()> {
        let objects = self.order.len();
        for owner in 0..objects {
            let Some(Kind::SlotOwner(state)) = nodes.get(self.order[owner]).map(|node| &node.kind) else { continue };
            if state.len() == 0 {
                continue;
            }
            // Sorted by name, then by variable.
            let mut found: Vec<(u32, u32, NodeId)> =
                list_of(state.numbered_slots().filter_map(|(name, variable, slot)| {
                    Some((name, self.id(variable).filter(|&id| id < objects as u32)?, slot))
                }))?;
            crate::sort::sort_by_key(&mut found, |(name, variable, _)| (*name, *variable))?;
            for (name, variable, slot) in found {
                if !nodes.children(slot)?.is_empty() {
                    return Err(unfit(
                        "Currently only variables with no dependencies can be saved as slot variables",
                        &nodes.describe(slot),
                    ));
                }
                if self.ids[slot.place()] != 0 {
                    return Err(unfit(
                        "A slot variable was re-used as a dependency of a Trackable object",
                        &nodes.describe(slot),
                    ));
                }
                let slot = self.find(slot, (0, 0))?;
                self.slots.try_push(FoundSlot { owner: owner as u32, variable, name, slot })?;
            }
        }
        Ok(())
    }

    /// The id of an object; `None` if it is not reachable from the root.
    pub fn id(&self, object: NodeId) -> Option<u32> {
        self.ids.get(object.place())?.checked_sub(1).filter(|&id| self.order[id as usize] == object)
    }

    /// The number of objects that are not slot variables.
    pub fn objects(&self) -> usize {
        self.order.len() - self.slots.len()
    }

    /// The ids of the children of the object `id`, one for each edge.
    pub fn children(&self, id: u32) -> &[u32] {
        let end = |id: usize| self.ends.get(id).copied();
        let id = id as usize;
        match (id.checked_sub(1).map_or(Some(0), end), end(id)) {
            (Some(start), Some(end)) => &self.children[start..end],
            _ => &[], // a slot
        }
    }

    /// The edges of the object `id` as the checkpoint has them: the name and id of each child.
    pub fn edges<'n>(&'n self, nodes: &'n Nodes, id: u32) -> impl Iterator<Item = (&'n str, u32)> + 'n {
        let own = nodes.get(self.order[id as usize]).map(Node::edges);
        let attached = if id == 0 { self.root.attached } else { &[] };
        let attached =
            attached.iter().map(|(name, _)| &**name).filter(move |name| own.is_none_or(|own| !own.contains_key(*name)));
        let names = own.into_iter().flat_map(|own| own.keys().map(|name| &**name)).chain(attached);
        names.zip(self.children(id).iter().copied())
    }

    /// The name of the edge `by` which an object was found.
    fn name<'n>(&'n self, nodes: &'n Nodes, by: (u32, u32)) -> &'n str {
        let Some(node) = nodes.get(self.order[by.0 as usize]) else { return "" };
        let number = by.1 as usize;
        match node.edges().get_index(number) {
            Some((name, _)) => name,
            None => self.root.attached.get(number - node.edges().len()).map_or("", |(name, _)| name),
        }
    }

    /// The object by which an object was found along an edge; `None` for the root and for slot
    /// variables.
    pub fn parent(&self, id: u32) -> Option<u32> {
        (id != 0 && self.slot(id).is_none()).then(|| self.found_by[id as usize].0)
    }

    /// The name of the edge by which an object was found.
    pub fn name_of<'n>(&'n self, nodes: &'n Nodes, id: u32) -> &'n str {
        self.name(nodes, self.found_by[id as usize])
    }

    /// What was found about an object if it is a slot variable.
    pub fn slot(&self, id: u32) -> Option<&FoundSlot> {
        self.slots.get((id as usize).checked_sub(self.objects())?)
    }

    /// The path of an object: the escaped names of the edges that lead to it, joined by `/`; empty
    /// for the root.
    pub fn path(&self, nodes: &Nodes, id: u32) -> String {
        let mut path = String::new();
        self.push_path(nodes, id, &mut path);
        path
    }

    /// Appends the path of an object to `out`.
    pub fn push_path(&self, nodes: &Nodes, id: u32, out: &mut String) {
        if let Some(at) = (id as usize).checked_sub(self.objects()) {
            let found = &self.slots[at];
            self.push_path(nodes, found.variable, out);
            out.push_str("/.OPTIMIZER_SLOT/");
            self.push_path(nodes, found.owner, out);
            out.push('/');
            key::push_escaped(out, self.slot_name(nodes, found));
            return;
        }
        let mut ways = Vec::new();
        let mut at = id;
        while at != 0 {
            let by = self.found_by[at as usize];
            ways.push(by);
            at = by.0;
        }
        for (number, &by) in ways.iter().rev().enumerate() {
            if number > 0 {
                out.push('/');
            }
            key::push_escaped(out, self.name(nodes, by));
        }
    }

    pub fn slot_name<'n>(&self, nodes: &'n Nodes, found: &FoundSlot) -> &'n str {
        match nodes.slot_owner(self.order[found.owner as usize]) {
            Ok(owner) => &owner.names()[found.name as usize],
            Err(_) => "",
        }
    }
}

fn unfit(what: &str, slot: &str) -> Error {
    Error::new(Code::FailedPrecondition, Reason::Unsavable, format!("{what}: {slot}. This is not currently allowed"))
}
