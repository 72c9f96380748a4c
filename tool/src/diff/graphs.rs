//! Compares two object graphs.

use std::collections::{HashMap, HashSet};

use checkpoint::{Node, ObjectGraph};

use crate::failure::Outcome;
use crate::names::escaped;

/// The differences of two object graphs.
#[derive(Debug, Default)]
pub struct GraphDiff {
    /// The number of objects in both graphs; `None` if one is missing.
    pub same: Option<u64>,
    pub only_in_a: Vec<Part>,
    pub only_in_b: Vec<Part>,
    pub changed: Vec<Change>,
}

impl GraphDiff {
    pub fn is_same(&self) -> bool {
        self.only_in_a.is_empty() && self.only_in_b.is_empty() && self.changed.is_empty()
    }
}

/// Something that only one graph has. Paths are written as in keys.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole graph, because the other checkpoint is name-based.
    Graph { objects: u64 },
    /// An edge, and the number of objects that can be reached only through such edges, without its
    /// own target.
    Edge { path: String, below: u64 },
    /// A value of an object that both graphs have.
    Value { path: String, name: String },
    /// A slot of an optimizer that both graphs have.
    Slot { owner: String, variable: String, name: String },
}

/// Something that differs between the graphs.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// A path that leads to a shared object, but to different ones in the two graphs. `a` and `b`
    /// are paths of these objects that say which they are: the path that an object has in both
    /// graphs, if it has one, else its first.
    Shared { path: String, a: String, b: String },
    /// An object that was saved by different registered savers; `None` stands for TensorFlow's own
    /// way of saving.
    Saver { path: String, a: Option<String>, b: Option<String> },
}

/// One of the graphs, with the results for its nodes.
struct Side<'a> {
    graph: &'a ObjectGraph,
    /// For each node except the root, its parent on the shortest path and the name of the edge.
    parents: Vec<Option<(u32, &'a str)>>,
    /// For each node, the node of the other graph that it is paired with.
    partner: Vec<Option<u32>>,
    /// For each paired node except the root, the edge by which it was paired, which both graphs
    /// have.
    common: Vec<Option<(u32, &'a str)>>,
}

/// Compares two graphs; `None` stands for a name-based checkpoint.
pub fn compare(a: Option<&ObjectGraph>, b: Option<&ObjectGraph>) -> Outcome<GraphDiff> {
    let mut diff = GraphDiff::default();
    let whole = |graph: &ObjectGraph| Part::Graph { objects: graph.len() as u64 };
    match (a, b) {
        (None, None) => {}
        (Some(a), None) => diff.only_in_a.push(whole(a)),
        (None, Some(b)) => diff.only_in_b.push(whole(b)),
        (Some(a), Some(b)) => diff.compare(&mut Side::new(a)?, &mut Side::new(b)?),
    }
    Ok(diff)
}

impl<'a> Side<'a> {
    fn new(graph: &'a ObjectGraph) -> Outcome<Side<'a>> {
        let mut parents = vec![None; graph.len()];
        for node in graph.descendants()?.into_iter().filter_map(|id| graph.node(id)) {
            for edge in node.children().filter(|edge| edge.node != 0) {
                parents[edge.node as usize].get_or_insert((node.id(), edge.name));
            }
        }
        Ok(Side { graph, parents, partner: vec![None; graph.len()], common: vec![None; graph.len()] })
    }

    fn node(&self, id: u32) -> Option<Node<'a>> {
        self.graph.node(id)
    }

    /// Returns the shortest path to a node, or its number if no path leads to it.
    fn path(&self, id: u32) -> String {
        self.path_by(&self.parents, id)
    }

    /// Returns the path by which a node was paired, or else its shortest.
    fn common_path(&self, id: u32) -> String {
        match self.common[id as usize] {
            Some(_) => self.path_by(&self.common, id),
            None => self.path(id),
        }
    }

    fn path_by(&self, parents: &[Option<(u32, &'a str)>], id: u32) -> String {
        let mut names = Vec::new();
        let mut at = id;
        while let Some((parent, name)) = parents[at as usize] {
            names.push(escaped(name));
            at = parent;
        }
        match at {
            0 => names.into_iter().rev().collect::<Vec<_>>().join("/"),
            _ => format!("#{id}"),
        }
    }

    fn edge_path(&self, parent: u32, name: &str) -> String {
        match self.path(parent) {
            path if path.is_empty() => escaped(name),
            path => format!("{path}/{}", escaped(name)),
        }
    }

    /// Returns the edges of a node: name, which of the edges of this name it is, and the node that
    /// it leads to. No writer gives two edges of a node one name, but a file may have them.
    fn numbered_edges(&self, id: u32) -> impl Iterator<Item = (&'a str, usize, u32)> {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        self.node(id).into_iter().flat_map(|node| node.children()).map(move |edge| {
            let number = seen.entry(edge.name).or_default();
            *number += 1;
            (edge.name, *number, edge.node)
        })
    }

    /// Returns the edges of paired nodes that the other graph does not have, each with the number
    /// of objects that it adds.
    fn lonely_edges(&self, other: &Side<'_>, paired: &[(u32, u32)]) -> Vec<Part> {
        let mut counted = vec![false; self.graph.len()];
        let mut parts = Vec::new();
        for &(mine, theirs) in paired {
            let theirs: HashSet<(&str, usize)> = other.numbered_edges(theirs).map(|(name, number, _)| (name, number)).collect();
            for (name, number, node) in self.numbered_edges(mine) {
                if theirs.contains(&(name, number)) {
                    continue;
                }
                let below = self.count_lonely(node, &mut counted).saturating_sub(1);
                parts.push(Part::Edge { path: self.edge_path(mine, name), below });
            }
        }
        parts
    }

    /// Returns the number of unpaired nodes that can be reached from `id` and were not counted
    /// before.
    fn count_lonely(&self, id: u32, counted: &mut [bool]) -> u64 {
        let mut count = 0;
        let mut queue = vec![id];
        while let Some(id) = queue.pop() {
            if self.partner[id as usize].is_none() && !std::mem::replace(&mut counted[id as usize], true) {
                count += 1;
                queue.extend(self.node(id).into_iter().flat_map(|node| node.children()).map(|edge| edge.node));
            }
        }
        count
    }

    /// Returns the values and slots of paired nodes that the other graph does not have.
    fn lonely_values(&self, other: &Side<'_>, paired: &[(u32, u32)]) -> Vec<Part> {
        let mut parts = Vec::new();
        for &(mine, theirs) in paired {
            let (Some(mine), Some(theirs)) = (self.node(mine), other.node(theirs)) else { continue };
            let names: HashSet<&str> = theirs.attributes().map(|attribute| attribute.name).collect();
            for attribute in mine.attributes().filter(|attribute| !names.contains(attribute.name)) {
                parts.push(Part::Value { path: self.path(mine.id()), name: attribute.name.to_owned() });
            }
            let slots: HashSet<(u32, &str)> = theirs.slot_variables().map(|slot| (slot.original_variable, slot.name)).collect();
            for slot in mine.slot_variables() {
                let partner = self.partner[slot.original_variable as usize];
                if !partner.is_some_and(|variable| slots.contains(&(variable, slot.name))) {
                    let (owner, variable) = (self.path(mine.id()), self.path(slot.original_variable));
                    parts.push(Part::Slot { owner, variable, name: slot.name.to_owned() });
                }
            }
        }
        parts
    }
}

impl GraphDiff {
    fn compare<'a>(&mut self, a: &mut Side<'a>, b: &mut Side<'a>) {
        let mut paired = vec![(0, 0)];
        (a.partner[0], b.partner[0]) = (Some(0), Some(0));
        let mut shared = Vec::new();
        let mut next = 0;
        while let Some(&(of_a, of_b)) = paired.get(next) {
            next += 1;
            let children_of_b: HashMap<(&str, usize), u32> =
                b.numbered_edges(of_b).map(|(name, number, node)| ((name, number), node)).collect();
            for (name, number, child_of_a) in a.numbered_edges(of_a) {
                let Some(&child_of_b) = children_of_b.get(&(name, number)) else { continue };
                match (a.partner[child_of_a as usize], b.partner[child_of_b as usize]) {
                    (None, None) => {
                        (a.partner[child_of_a as usize], b.partner[child_of_b as usize]) = (Some(child_of_b), Some(child_of_a));
                        a.common[child_of_a as usize] = Some((of_a, name));
                        b.common[child_of_b as usize] = Some((of_b, name));
                        paired.push((child_of_a, child_of_b));
                    }
                    (partner, _) if partner == Some(child_of_b) => {}
                    _ => shared.push((of_a, name, child_of_a, child_of_b)),
                }
            }
        }
        for (of_a, name, child_of_a, child_of_b) in shared {
            let path = a.edge_path(of_a, name);
            self.changed.push(Change::Shared { path, a: a.common_path(child_of_a), b: b.common_path(child_of_b) });
        }
        let slots: u64 = paired.iter().map(|&(of_a, of_b)| pair_slots(a, b, of_a, of_b)).sum();
        self.same = Some(paired.len() as u64 + slots);
        for &(of_a, of_b) in &paired {
            let saver = |node: Option<Node<'_>>| node.and_then(|node| node.registered_saver()).map(|saver| saver.name.to_owned());
            let (saver_of_a, saver_of_b) = (saver(a.node(of_a)), saver(b.node(of_b)));
            if saver_of_a != saver_of_b {
                self.changed.push(Change::Saver { path: a.path(of_a), a: saver_of_a, b: saver_of_b });
            }
        }
        let turned: Vec<(u32, u32)> = paired.iter().map(|&(of_a, of_b)| (of_b, of_a)).collect();
        for (parts, mine, theirs, paired) in [(&mut self.only_in_a, &*a, &*b, &paired), (&mut self.only_in_b, &*b, &*a, &turned)]
        {
            parts.extend(mine.lonely_edges(theirs, paired));
            parts.extend(mine.lonely_values(theirs, paired));
        }
    }
}

/// Pairs the slot variables that an owner has in both graphs for the same variable and name.
/// Returns their number.
fn pair_slots(a: &mut Side<'_>, b: &mut Side<'_>, of_a: u32, of_b: u32) -> u64 {
    let (Some(owner_in_a), Some(owner_in_b)) = (a.node(of_a), b.node(of_b)) else { return 0 };
    let slots_of_b: HashMap<(u32, &str), u32> =
        owner_in_b.slot_variables().map(|slot| ((slot.original_variable, slot.name), slot.slot_variable)).collect();
    let mut count = 0;
    for slot in owner_in_a.slot_variables() {
        let variable = a.partner[slot.original_variable as usize];
        let Some(&in_b) = variable.and_then(|variable| slots_of_b.get(&(variable, slot.name))) else { continue };
        let partners = (&mut a.partner[slot.slot_variable as usize], &mut b.partner[in_b as usize]);
        if let (partner_in_b @ None, partner_in_a @ None) = partners {
            (*partner_in_b, *partner_in_a) = (Some(in_b), Some(slot.slot_variable));
            count += 1;
        }
    }
    count
}
