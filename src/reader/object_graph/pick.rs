//! Subgraphs: copies of an object graph with some of its nodes.

use std::collections::HashMap;

use super::{NodeRecord, ObjectGraph, SlotRecord};
use crate::allocate::{filled, list_of, try_list_of, with_room, Room, TryPush};
use crate::error::{Error, Result};

/// The new id of a node that was not picked.
const NOT_PICKED: u32 = u32::MAX;

/// Some nodes of a graph, numbered anew.
pub(super) struct Picked {
    /// The old ids, in the order of the new ones.
    pub ids: Vec<u32>,
    /// For each node of the graph its new id, or `NOT_PICKED`.
    new_ids: Vec<u32>,
}

impl Picked {
    /// The new id of a node, if it was picked.
    pub fn new_id(&self, id: u32) -> Option<u32> {
        self.new_ids.get(id as usize).copied().filter(|&id| id != NOT_PICKED)
    }

    fn none_of(graph: &ObjectGraph) -> Result<Picked> {
        Ok(Picked { ids: Vec::new(), new_ids: filled(NOT_PICKED, graph.len())? })
    }

    /// Picks a node, unless it is picked already.
    fn add(&mut self, id: u32) -> Result<()> {
        let new_id = &mut self.new_ids[id as usize];
        if *new_id == NOT_PICKED {
            *new_id = self.ids.len() as u32;
            self.ids.try_push(id)?;
        }
        Ok(())
    }

    /// Picks all nodes that are reachable by edges from the nodes with the new ids `first` and
    /// above.
    fn follow_edges(&mut self, graph: &ObjectGraph, first: usize) -> Result<()> {
        let mut next = first;
        while let Some(node) = self.ids.get(next).and_then(|&id| graph.node(id)) {
            for edge in node.children() {
                self.add(edge.node)?;
            }
            next += 1;
        }
        Ok(())
    }
}

/// What TensorFlow saves of a graph when one of its nodes is the root.
pub(super) struct Saved {
    /// The saved nodes.
    pub picked: Picked,
    /// The slot variables of each owner, by its new id. The ids in the records are new ones.
    pub slots: HashMap<u32, Vec<SlotRecord>>,
    /// The number of nodes that are reachable by edges. They come first; slot variables follow.
    pub searched: usize,
}

impl ObjectGraph {
    /// The nodes that are saved when `root` is the root, in the order in which TensorFlow numbers
    /// them: breadth first, then the slot variables whose owner and variable are both reachable.
    pub(super) fn saved_from(&self, root: u32) -> Result<Saved> {
        let mut picked = Picked::none_of(self)?;
        picked.add(root)?;
        picked.follow_edges(self, 0)?;
        let searched = picked.ids.len();
        let mut slots = HashMap::new();
        for owner in 0..searched {
            let of_owner = self.slots_of(&picked, owner, searched)?;
            if of_owner.is_empty() {
                continue;
            }
            let renumbered = of_owner.into_iter().map(|slot| {
                picked.add(slot.slot_variable)?;
                Ok(SlotRecord {
                    variable: picked.new_ids[slot.variable as usize],
                    slot_variable: picked.new_ids[slot.slot_variable as usize],
                    name: slot.name,
                })
            });
            let renumbered = try_list_of(renumbered)?;
            slots.make_room(1)?;
            slots.insert(owner as u32, renumbered);
        }
        // TensorFlow writes no slot variable with children, but other writers may.
        picked.follow_edges(self, searched)?;
        Ok(Saved { picked, slots, searched })
    }

    /// The slots of an owner in TensorFlow's order: by name and then by variable. Names are in the
    /// order of their first use.
    fn slots_of(&self, picked: &Picked, owner: usize, searched: usize) -> Result<Vec<SlotRecord>> {
        let Some(owner) = self.node(picked.ids[owner]) else { return Ok(Vec::new()) };
        let is_searched = |id: u32| picked.new_id(id).is_some_and(|id| (id as usize) < searched);
        let mut ranks: HashMap<&str, usize> = HashMap::new();
        let mut found = Vec::new();
        for slot in owner.slot_records() {
            let next = ranks.len();
            ranks.make_room(1)?;
            let rank = *ranks.entry(self.text(&slot.name)).or_insert(next);
            if is_searched(slot.variable) {
                found.try_push((rank, picked.new_id(slot.variable), slot.clone()))?;
            }
        }
        crate::sort::sort_by_key(&mut found, |&(rank, variable, _)| (rank, variable))?;
        list_of(found.into_iter().map(|(_, _, slot)| slot))
    }

    /// A graph of the picked nodes and the edges between them. `slots` gives the slots of each
    /// node, by its new id.
    fn with<'s>(&self, picked: &Picked, slots: impl Fn(u32) -> &'s [SlotRecord]) -> Result<ObjectGraph> {
        let mut graph = ObjectGraph { text: self.copied_text()?, ..ObjectGraph::default() };
        graph.nodes.make_room(picked.ids.len())?;
        for (new_id, &id) in picked.ids.iter().enumerate() {
            let Some(node) = self.node(id) else { continue };
            for edge in node.edge_records() {
                if let Some(to) = picked.new_id(edge.node) {
                    graph.edges.try_push(super::EdgeRecord { node: to, name: edge.name.clone() })?;
                }
            }
            extend(&mut graph.attributes, node.attribute_records())?;
            extend(&mut graph.slots, slots(new_id as u32))?;
            extend(&mut graph.savers, node.saver_record().map_or(&[], std::slice::from_ref))?;
            graph.nodes.push(NodeRecord {
                edges: graph.edges.len() as u32,
                attributes: graph.attributes.len() as u32,
                slots: graph.slots.len() as u32,
                saver: node.saver_record().map_or(0, |_| graph.savers.len() as u32),
                has_values: node.has_checkpoint_values(),
            });
        }
        graph.renew_has_values()?;
        Ok(graph)
    }

    /// A copy of the graph's text.
    pub(super) fn copied_text(&self) -> Result<String> {
        let mut text = String::new();
        text.make_room(self.text.len())?;
        text.push_str(&self.text);
        Ok(text)
    }

    /// The part of the graph that is reachable from `id`, with that node as the root; `None` if
    /// there is no such node.
    ///
    /// Nodes get the ids that TensorFlow would give them. A slot variable is kept if both its owner
    /// and its variable are kept.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: there is no memory for it.
    pub fn subtree(&self, id: u32) -> Result<Option<ObjectGraph>> {
        if self.node(id).is_none() {
            return Ok(None);
        }
        let saved = self.saved_from(id)?;
        self.with(&saved.picked, |owner| saved.slots.get(&owner).map_or(&[], Vec::as_slice)).map(Some)
    }

    /// A copy of the graph without slots, and without the slot variables that nothing else refers
    /// to. The other nodes keep their order.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: there is no memory for it.
    pub fn without_slots(&self) -> Result<ObjectGraph> {
        let mut dropped = filled(false, self.len())?;
        for slot in &self.slots {
            dropped[slot.slot_variable as usize] = true;
        }
        if let Some(root) = dropped.first_mut() {
            *root = false;
        }
        for edge in &self.edges {
            dropped[edge.node as usize] = false;
        }
        let mut picked = Picked::none_of(self)?;
        for node in self.nodes().filter(|node| !dropped[node.id() as usize]) {
            picked.add(node.id())?;
        }
        self.with(&picked, |_| &[])
    }

    /// A copy of the graph without the nodes `removed`, the edges that lead to them, and the slots
    /// that they own or that are theirs. The other nodes keep their order; those that nothing leads
    /// to any more stay, until [`ObjectGraph::rekeyed`]. Numbers of nodes that there are not are
    /// ignored.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the root is to be removed.
    /// * `RESOURCE_EXHAUSTED`: there is no memory for it.
    pub fn without(&self, removed: &[u32]) -> Result<ObjectGraph> {
        if removed.contains(&0) {
            return Err(Error::argument("the root of an object graph cannot be removed"));
        }
        let mut is_removed = filled(false, self.len())?;
        removed.iter().filter_map(|&id| is_removed.get_mut(id as usize).map(|is| *is = true)).for_each(drop);
        let mut picked = Picked::none_of(self)?;
        for node in self.nodes().filter(|node| !is_removed[node.id() as usize]) {
            picked.add(node.id())?;
        }
        let mut slots = with_room(picked.ids.len())?;
        for owner in picked.ids.iter().filter_map(|&id| self.node(id)) {
            let kept = owner.slot_records().iter().filter_map(|slot| {
                let [variable, slot_variable] = [slot.variable, slot.slot_variable].map(|id| picked.new_id(id));
                Some(SlotRecord { variable: variable?, slot_variable: slot_variable?, name: slot.name.clone() })
            });
            slots.push(list_of(kept)?);
        }
        self.with(&picked, |owner| &slots[owner as usize])
    }

    /// Recomputes whether each node or anything below it has values, for the nodes that say so.
    pub(super) fn renew_has_values(&mut self) -> Result<()> {
        let below = self.have_values()?;
        for (node, below) in self.nodes.iter_mut().zip(below) {
            node.has_values = node.has_values.map(|_| below);
        }
        Ok(())
    }

    /// For each node, whether it or any node that is reachable from it has values.
    pub(super) fn have_values(&self) -> Result<Vec<bool>> {
        // The reversed edges: those that lead to node i end at `ends[i]` in `parents`.
        let mut ends = filled(0u32, self.len() + 1)?;
        for edge in &self.edges {
            ends[edge.node as usize + 1] += 1;
        }
        for i in 1..ends.len() {
            ends[i] += ends[i - 1];
        }
        let mut parents = filled(0u32, self.edges.len())?;
        for node in self.nodes() {
            for edge in node.edge_records() {
                let end = &mut ends[edge.node as usize];
                parents[*end as usize] = node.id();
                *end += 1;
            }
        }
        let own = |node: super::Node<'_>| {
            !node.attribute_records().is_empty() || !node.slot_records().is_empty() || node.saver_record().is_some()
        };
        let mut found = list_of(self.nodes().map(own))?;
        // Each node is in the queue at most once.
        let mut queue: Vec<u32> = with_room(self.len())?;
        queue.extend(self.nodes().map(|node| node.id()).filter(|&id| found[id as usize]));
        while let Some(id) = queue.pop() {
            let first = (id as usize).checked_sub(1).map_or(0, |before| ends[before]);
            for &parent in &parents[first as usize..ends[id as usize] as usize] {
                if !std::mem::replace(&mut found[parent as usize], true) {
                    queue.push(parent);
                }
            }
        }
        Ok(found)
    }
}

fn extend<T: Clone>(list: &mut Vec<T>, values: &[T]) -> Result<()> {
    list.make_room(values.len())?;
    list.extend_from_slice(values);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::build::GraphBuilder;
    use super::*;

    /// root → (net → v, opt, w); opt has slots of v and w; v and w are variables.
    fn optimized() -> ObjectGraph {
        let mut builder = GraphBuilder::new();
        for (name, to) in [("net", 1), ("opt", 2), ("w", 3)] {
            builder.edge(to, name);
        }
        builder.end_node(Some(true));
        builder.edge(4, "v");
        builder.edge(2, "optimizer");
        builder.end_node(Some(true));
        for (variable, name, slot) in [(3, "m", 5), (4, "m", 6), (3, "v", 7)] {
            builder.slot_variable(variable, name, slot);
        }
        builder.end_node(Some(true));
        for key in ["w", "net/v", "w/.OPTIMIZER_SLOT/opt/m", "net/v/.OPTIMIZER_SLOT/opt/m", "w/.OPTIMIZER_SLOT/opt/v"] {
            builder.attribute("VARIABLE_VALUE", "", &format!("{key}/.ATTRIBUTES/VARIABLE_VALUE"));
            builder.end_node(Some(true));
        }
        builder.finish().unwrap()
    }

    fn slots(graph: &ObjectGraph, owner: u32) -> Vec<(u32, &str, u32)> {
        let slots = graph.node(owner).unwrap().slot_variables();
        slots.map(|slot| (slot.original_variable, slot.name, slot.slot_variable)).collect()
    }

    fn keys(graph: &ObjectGraph) -> Vec<&str> {
        graph.nodes().flat_map(|node| node.attributes()).map(|attribute| attribute.checkpoint_key).collect()
    }

    #[test]
    fn a_subtree_has_what_can_be_reached_and_the_slots_between() {
        let graph = optimized();
        let net = graph.subtree(1).unwrap().unwrap();
        assert_eq!((net.len(), net.node_at("v"), net.node_at("optimizer")), (4, Some(1), Some(2)));
        assert_eq!(slots(&net, 2), [(1, "m", 3)]);
        assert_eq!(keys(&net), ["net/v/.ATTRIBUTES/VARIABLE_VALUE", "net/v/.OPTIMIZER_SLOT/opt/m/.ATTRIBUTES/VARIABLE_VALUE"]);
        assert_eq!(graph.subtree(0).unwrap().unwrap().encode().unwrap(), graph.encode().unwrap());
        assert!(graph.subtree(8).unwrap().is_none());

        let optimizer = graph.subtree(2).unwrap().unwrap();
        assert_eq!((optimizer.len(), slots(&optimizer, 0)), (1, vec![]));
        assert_eq!(optimizer.node(0).unwrap().has_checkpoint_values(), Some(false));
    }

    #[test]
    fn without_slots_the_other_nodes_stay() {
        let graph = optimized().without_slots().unwrap();
        assert_eq!(keys(&graph), ["w/.ATTRIBUTES/VARIABLE_VALUE", "net/v/.ATTRIBUTES/VARIABLE_VALUE"]);
        assert_eq!((graph.len(), slots(&graph, 2)), (5, vec![]));
        let has_values: Vec<_> = graph.nodes().map(|node| node.has_checkpoint_values()).collect();
        assert_eq!(has_values, [Some(true), Some(true), Some(false), Some(true), Some(true)]);
    }

    #[test]
    fn slot_variables_that_are_more_than_that_stay_without_slots() {
        let mut builder = GraphBuilder::new();
        builder.edge(1, "a");
        builder.slot_variable(1, "self", 0);
        builder.slot_variable(1, "a", 1);
        builder.slot_variable(1, "m", 2);
        (0..3).for_each(|_| builder.end_node(None));
        let graph = builder.finish().unwrap().without_slots().unwrap();
        assert_eq!((graph.len(), graph.node_at("a"), slots(&graph, 0)), (2, Some(1), vec![]));
    }

    #[test]
    fn what_only_removed_nodes_lead_to_goes_when_the_graph_is_rekeyed() {
        let graph = optimized();
        let (net, opt, w, v) = (1, 2, 3, 4);
        let paths = |removed: &[u32]| {
            let graph = graph.without(removed).unwrap().rekeyed().unwrap().graph;
            let keys = graph
                .nodes()
                .flat_map(|node| node.attributes())
                .map(|a| a.checkpoint_key.replace("/.ATTRIBUTES/VARIABLE_VALUE", ""));
            (graph.len(), keys.collect::<Vec<_>>())
        };
        let all = ["w", "net/v", "w/.OPTIMIZER_SLOT/opt/m", "net/v/.OPTIMIZER_SLOT/opt/m", "w/.OPTIMIZER_SLOT/opt/v"];
        assert_eq!(paths(&[]).0, graph.len());
        assert_eq!(paths(&[opt]), (4, all[..2].iter().map(ToString::to_string).collect()));
        assert_eq!(paths(&[v]).1, ["w", "w/.OPTIMIZER_SLOT/opt/m", "w/.OPTIMIZER_SLOT/opt/v"]);
        assert_eq!(paths(&[net, opt, w, 1000]), (1, vec![]));
        assert_eq!(graph.without(&[0]).unwrap_err().code(), crate::Code::InvalidArgument);
    }

    #[test]
    fn slots_are_numbered_as_tensorflow_numbers_them() {
        // Slots are ordered by name, with names in the order of their first use, then by the
        // variable's id. Slot variables come in that order after all other nodes.
        let mut builder = GraphBuilder::new();
        for (name, to) in [("opt", 1), ("a", 3), ("b", 2)] {
            builder.edge(to, name);
        }
        builder.end_node(None);
        for (variable, name, slot) in [(2, "v", 4), (2, "m", 5), (3, "m", 6), (3, "v", 7)] {
            builder.slot_variable(variable, name, slot);
        }
        (1..8).for_each(|_| builder.end_node(None));
        let graph = builder.finish().unwrap().subtree(0).unwrap().unwrap();
        assert_eq!((graph.node_at("a"), graph.node_at("b")), (Some(2), Some(3)));
        assert_eq!(slots(&graph, 1), [(2, "v", 4), (3, "v", 5), (2, "m", 6), (3, "m", 7)]);
    }

    #[test]
    fn values_are_found_through_cycles() {
        // 0 → 1 ⇄ 2 → 3, which has a value; 4 and 5 lead to each other and to nothing.
        let mut builder = GraphBuilder::new();
        for (edges, value) in
            [(&[1, 4][..], false), (&[2], false), (&[1, 3], false), (&[], true), (&[5, 4], false), (&[4], false)]
        {
            edges.iter().enumerate().for_each(|(i, &to)| builder.edge(to, &i.to_string()));
            if value {
                builder.attribute("VARIABLE_VALUE", "", "x");
            }
            builder.end_node(None);
        }
        assert_eq!(builder.finish().unwrap().have_values().unwrap(), [true, true, true, true, false, false]);
    }
}
