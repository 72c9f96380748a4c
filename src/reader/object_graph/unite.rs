//! Merging the object graphs of several workers: objects at the same path become one object.

use std::collections::{HashMap, VecDeque};

use super::{GraphBuilder, Node, ObjectGraph};
use crate::error::{printable, Error, Reason, Result};

/// The number of an object that has none yet.
const NONE: u32 = u32::MAX;

impl ObjectGraph {
    /// Merges one or more graphs. Nodes are the same object if the same edges lead to them from the
    /// roots. The children and values of an object are in the order of the first graph that has
    /// them.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`Node`): two graphs save an object under different keys, names or
    ///   savers.
    /// * `RESOURCE_EXHAUSTED` (`Limit`): the merged graph is too large.
    pub(crate) fn united(graphs: &[ObjectGraph]) -> Result<ObjectGraph> {
        if let [only] = graphs {
            return Ok(only.clone());
        }
        let union = Union::of(graphs);
        let order = union.order();
        let mut number = vec![NONE; union.members.len()];
        order.iter().zip(0..).for_each(|(&object, id)| number[object] = id);
        let mut builder = GraphBuilder::new();
        for &object in &order {
            for (name, child) in union.edges(object) {
                builder.edge(number[child], name);
            }
            union.describe(object, &mut builder)?;
            for (variable, name, slot) in union.slots(object) {
                builder.slot_variable(number[variable], name, number[slot]);
            }
            let says: Vec<Option<bool>> = union.nodes(object).map(|node| node.has_checkpoint_values()).collect();
            let has_values = if says.contains(&Some(true)) {
                Some(true)
            } else if says.contains(&None) {
                None
            } else {
                Some(false)
            };
            builder.end_node(has_values);
        }
        builder.finish()
    }
}

/// The nodes of all graphs, numbered consecutively and grouped into objects. An object has the
/// number of one of its nodes.
struct Union<'g> {
    graphs: &'g [ObjectGraph],
    /// The number of the first node of each graph.
    first: Vec<usize>,
    /// The index of the graph of each node.
    graph_of: Vec<u32>,
    /// For each node, another node of the same object, or the node itself if it is the one whose
    /// number the object has (a union-find forest). After [`Union::collect`], always the object's
    /// number.
    same: Vec<usize>,
    /// The nodes of each object, by the object's number, in the order of the graphs.
    members: Vec<Vec<usize>>,
}

impl<'g> Union<'g> {
    fn of(graphs: &'g [ObjectGraph]) -> Union<'g> {
        let (mut first, mut graph_of) = (Vec::new(), Vec::new());
        for (number, graph) in graphs.iter().enumerate() {
            first.push(graph_of.len());
            graph_of.resize(graph_of.len() + graph.len(), number as u32);
        }
        let same = (0..graph_of.len()).collect();
        let mut union = Union { graphs, first, graph_of, same, members: Vec::new() };
        union.join_by_edges();
        union.collect();
        union.join_slots();
        union.collect();
        union
    }

    fn node(&self, number: usize) -> Node<'g> {
        let graph = self.graph_of[number] as usize;
        Node { graph: &self.graphs[graph], id: (number - self.first[graph]) as u32 }
    }

    /// The object that a node belongs to.
    fn object(&self, mut number: usize) -> usize {
        while self.same[number] != number {
            number = self.same[number];
        }
        number
    }

    /// The object of the node `id` in the graph that the node `near` belongs to.
    fn object_of(&self, near: usize, id: u32) -> usize {
        self.object(self.first[self.graph_of[near] as usize] + id as usize)
    }

    /// Merges the objects of two nodes; the lower number remains. Returns both numbers, or `None`
    /// if the objects are already the same.
    fn join(&mut self, a: usize, b: usize) -> Option<(usize, usize)> {
        let (a, b) = (self.object(a), self.object(b));
        let (low, high) = (a.min(b), a.max(b));
        self.same[high] = low;
        (low != high).then_some((low, high))
    }

    /// Merges the roots, and then repeatedly the children that merged objects have under the same
    /// name.
    fn join_by_edges(&mut self) {
        let mut children: Vec<HashMap<&'g str, usize>> = Vec::with_capacity(self.graph_of.len());
        for number in 0..self.graph_of.len() {
            let first = self.first[self.graph_of[number] as usize];
            children.push(self.node(number).children().map(|edge| (edge.name, first + edge.node as usize)).collect());
        }
        let mut next: VecDeque<(usize, usize)> = self.first[1..].iter().map(|&root| (0, root)).collect();
        while let Some((a, b)) = next.pop_front() {
            let Some((low, high)) = self.join(a, b) else { continue };
            for (name, child) in std::mem::take(&mut children[high]) {
                match children[low].get(name) {
                    Some(&there) => next.push_back((there, child)),
                    None => drop(children[low].insert(name, child)),
                }
            }
        }
    }

    /// Merges the slot variables that one owner keeps for one variable under one name. Slot
    /// variables have no children.
    fn join_slots(&mut self) {
        let mut found: HashMap<(usize, usize, &'g str), usize> = HashMap::new();
        for number in 0..self.graph_of.len() {
            for slot in self.node(number).slot_variables() {
                let first = self.first[self.graph_of[number] as usize];
                let key = (self.object(number), self.object_of(number, slot.original_variable), slot.name);
                let slot = first + slot.slot_variable as usize;
                match found.get(&key) {
                    Some(&there) => drop(self.join(there, slot)),
                    None => drop(found.insert(key, slot)),
                }
            }
        }
    }

    /// Sets `same` of each node to the number of its object, and groups the nodes by object.
    fn collect(&mut self) {
        self.members = vec![Vec::new(); self.graph_of.len()];
        for number in 0..self.graph_of.len() {
            let object = self.object(number);
            self.same[number] = object;
            self.members[object].push(number);
        }
    }

    fn nodes(&self, object: usize) -> impl Iterator<Item = Node<'g>> + '_ {
        self.members[object].iter().map(|&number| self.node(number))
    }

    /// The edges of an object: the name and the child's object, each name once.
    fn edges(&self, object: usize) -> Vec<(&'g str, usize)> {
        let mut edges: indexmap::IndexMap<&'g str, usize> = indexmap::IndexMap::new();
        for &number in &self.members[object] {
            for edge in self.node(number).children() {
                edges.entry(edge.name).or_insert_with(|| self.object_of(number, edge.node));
            }
        }
        edges.into_iter().collect()
    }

    /// The slots of an owner: the variable, the name and the slot variable, each slot once.
    fn slots(&self, object: usize) -> Vec<(usize, &'g str, usize)> {
        let mut slots: indexmap::IndexMap<(&'g str, usize), usize> = indexmap::IndexMap::new();
        for &number in &self.members[object] {
            for slot in self.node(number).slot_variables() {
                let key = (slot.name, self.object_of(number, slot.original_variable));
                slots.entry(key).or_insert_with(|| self.object_of(number, slot.slot_variable));
            }
        }
        slots.into_iter().map(|((name, variable), slot)| (variable, name, slot)).collect()
    }

    /// All objects: breadth first from the root, then those that only slots lead to, then the rest.
    fn order(&self) -> Vec<usize> {
        let (mut order, mut seen) = (vec![0], vec![false; self.members.len()]);
        seen[0] = true;
        let mut visit = |order: &mut Vec<usize>, object: usize| {
            if !std::mem::replace(&mut seen[object], true) {
                order.push(object);
            }
        };
        let mut next = 0;
        while next < order.len() {
            self.edges(order[next]).into_iter().for_each(|(_, child)| visit(&mut order, child));
            next += 1;
        }
        for owner in order.clone() {
            self.slots(owner).into_iter().for_each(|(_, _, slot)| visit(&mut order, slot));
        }
        (0..self.members.len()).filter(|&object| self.same[object] == object).for_each(|object| visit(&mut order, object));
        order
    }

    /// Adds the values and the saver of an object to the node that `builder` is describing.
    fn describe(&self, object: usize, builder: &mut GraphBuilder) -> Result<()> {
        let differ = |what: &str, one: &str, other: &str| {
            Err(Error::argument(format!("two parts of the program save one object with different {what}s"))
                .because(Reason::Node)
                .expecting(
                    format_args!("\"{}\"", printable(one.as_bytes())),
                    format_args!("\"{}\"", printable(other.as_bytes())),
                ))
        };
        let mut values: indexmap::IndexMap<&str, (&str, &str)> = indexmap::IndexMap::new();
        let mut saver = None;
        for node in self.nodes(object) {
            for value in node.attributes() {
                let own = (value.checkpoint_key, value.full_name);
                match *values.entry(value.name).or_insert(own) {
                    (key, _) if key != own.0 => return differ("key", key, own.0),
                    (_, name) if name != own.1 => return differ("name", name, own.1),
                    _ => {}
                }
            }
            match (saver, node.registered_saver()) {
                (None, found) => saver = found,
                (Some(saver), Some(found)) if saver != found => return differ("saver", saver.name, found.name),
                _ => {}
            }
        }
        values.into_iter().for_each(|(name, (key, full_name))| builder.attribute(name, full_name, key));
        if let Some(saver) = saver {
            builder.registered_saver(saver.name, saver.object_name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Edges<'a> = &'a [(u32, &'a str)];

    /// Nodes with their edges and, for a variable, its key.
    fn graph(nodes: &[(Edges<'_>, &str)]) -> ObjectGraph {
        let mut builder = GraphBuilder::new();
        for (edges, key) in nodes {
            edges.iter().for_each(|(child, name)| builder.edge(*child, name));
            if !key.is_empty() {
                builder.attribute("VARIABLE_VALUE", "", key);
            }
            builder.end_node(Some(!key.is_empty()));
        }
        builder.finish().unwrap()
    }

    /// The nodes with their edges and keys.
    fn rows(graph: &ObjectGraph) -> Vec<String> {
        let row = |node: Node<'_>| {
            let edges: Vec<String> = node.children().map(|edge| format!("{}:{}", edge.name, edge.node)).collect();
            let keys: Vec<&str> = node.attributes().map(|value| value.checkpoint_key).collect();
            format!("{} [{}]", edges.join(" "), keys.join(" "))
        };
        graph.nodes().map(row).collect()
    }

    #[test]
    fn what_a_path_leads_to_is_one_object() {
        let first = graph(&[(&[(1, "model"), (2, "step")], ""), (&[(3, "a")], ""), (&[], "step"), (&[], "model/a")]);
        let second = graph(&[
            (&[(1, "step"), (2, "model")], ""),
            (&[], "step"),
            (&[(3, "b"), (4, "a")], ""),
            (&[], "model/b"),
            (&[], "model/a"),
        ]);
        let united = ObjectGraph::united(&[first, second]).unwrap();
        assert_eq!(rows(&united), ["model:1 step:2 []", "a:3 b:4 []", " [step]", " [model/a]", " [model/b]"]);
    }

    #[test]
    fn objects_that_one_of_the_graphs_shares_are_shared() {
        // In the first graph both names lead to one object; the second graph has only one of the
        // names, at another object.
        let first = graph(&[(&[(1, "x"), (1, "y"), (2, "z")], ""), (&[], "x"), (&[(1, "x")], "")]);
        let second = graph(&[(&[(1, "z"), (2, "y")], ""), (&[(2, "x"), (0, "up")], ""), (&[], "x")]);
        let united = ObjectGraph::united(&[first.clone(), second]).unwrap();
        assert_eq!(rows(&united), ["x:1 y:1 z:2 []", " [x]", "x:1 up:0 []"]);
        assert_eq!(rows(&ObjectGraph::united(&[first.clone(), first.clone(), first.clone()]).unwrap()), rows(&first));
    }

    #[test]
    fn an_object_under_two_keys_is_refused() {
        let first = graph(&[(&[(1, "x"), (1, "y")], ""), (&[], "x")]);
        let second = graph(&[(&[(1, "y")], ""), (&[], "y")]);
        let error = ObjectGraph::united(&[first, second]).unwrap_err();
        assert_eq!((error.expected(), error.found()), (Some("\"x\""), Some("\"y\"")), "{error}");
    }

    #[test]
    fn slots_of_one_variable_are_joined_and_come_last() {
        let slots = |variables: &[&str], slots: &[(u32, &str)]| {
            let mut builder = GraphBuilder::new();
            let count = variables.len() as u32;
            variables.iter().zip(2..).for_each(|(name, id)| builder.edge(id, name));
            builder.edge(1, "optimizer");
            builder.end_node(Some(true));
            slots.iter().zip(2 + count..).for_each(|((variable, name), id)| builder.slot_variable(*variable, name, id));
            builder.end_node(Some(true));
            for name in variables {
                builder.attribute("VARIABLE_VALUE", "", name);
                builder.end_node(Some(true));
            }
            for (variable, name) in slots {
                builder.attribute("VARIABLE_VALUE", "", &format!("{}/{name}", variables[*variable as usize - 2]));
                builder.end_node(Some(true));
            }
            builder.finish().unwrap()
        };
        let united =
            ObjectGraph::united(&[slots(&["a"], &[(2, "m")]), slots(&["b", "a"], &[(2, "m"), (3, "m"), (3, "v")])]).unwrap();
        assert_eq!(rows(&united), ["a:1 optimizer:2 b:3 []", " [a]", " []", " [b]", " [a/m]", " [b/m]", " [a/v]"]);
        let found: Vec<_> =
            united.node(2).unwrap().slot_variables().map(|s| (s.original_variable, s.name, s.slot_variable)).collect();
        assert_eq!(found, [(1, "m", 4), (3, "m", 5), (1, "v", 6)]);
    }
}
