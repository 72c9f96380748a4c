//! Moving edges of an object graph to other parents and names.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::HashMap;

use super::paths::names;
use super::{EdgeRecord, NodeRecord, ObjectGraph, Text};
use crate::allocate::{copy, Room, TryPush};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::key;

/// The largest number of names that an error message lists.
const LISTED: usize = 8;

/// An edge that is being moved.
struct Move<'a> {
    /// The old and the new path, as the caller gave them.
    from: &'a str,
    to: &'a str,
    /// The names in `to`, unescaped.
    names: Vec<Cow<'a, str>>,
    /// The old parent, and the index of the edge among the parent's edges.
    parent: u32,
    place: usize,
    /// The node that the edge leads to.
    node: u32,
}

/// A graph that is being edited.
struct Edited<'a> {
    /// The original graph.
    graph: &'a ObjectGraph,
    /// The text of the graph, followed by the new names.
    text: String,
    /// The edges of all nodes whose edges have changed, including all new nodes.
    changed: HashMap<u32, Edges>,
    /// The current number of nodes.
    count: u32,
}

#[derive(Default)]
struct Edges {
    /// The edges in order; `None` where an edge was removed.
    list: Vec<Option<EdgeRecord>>,
    /// The index in `list` of each name.
    places: HashMap<String, usize>,
}

impl ObjectGraph {
    /// A copy of the graph in which edges were moved.
    ///
    /// Each pair of `renames` is a path in this graph and the path that leads to the same node in
    /// the new one. Paths are spelled as for [`ObjectGraph::node_at`]. If the parent stays the
    /// same, the edge keeps its position among the parent's edges; otherwise it becomes the last
    /// one. Missing parents are created. Other paths to a moved node stay. Nodes keep their ids;
    /// new nodes get the ids that follow.
    ///
    /// All edges are removed before the first is added again, so that names can be exchanged.
    ///
    /// # Errors
    /// * `NOT_FOUND` (`Node`): an old path does not exist in the graph.
    /// * `ALREADY_EXISTS` (`NameTaken`): there already is an edge at a new path.
    /// * `INVALID_ARGUMENT` (`Argument`): a path is misspelled, the root or an edge that is already
    ///   moved is to be moved, or a node is to be moved below itself.
    /// * `RESOURCE_EXHAUSTED` (`Limit`): the graph would be larger than a protobuf message can be.
    pub fn renamed<S: AsRef<str>>(&self, renames: &[(S, S)]) -> Result<ObjectGraph> {
        let mut edited =
            Edited { graph: self, text: self.copied_text()?, changed: HashMap::new(), count: self.nodes.len() as u32 };
        let mut moves = Vec::new();
        moves.make_room(renames.len())?;
        let mut children = HashMap::new();
        for (from, to) in renames {
            moves.push(self.planned(from.as_ref(), to.as_ref(), &mut children)?);
        }
        for moved in &moves {
            edited.take(moved)?;
        }
        // A new path may lead through another new path, whose edge must be added first.
        let mut by_target: HashMap<&str, usize> = HashMap::new();
        for (index, moved) in moves.iter().enumerate() {
            by_target.entry(moved.to).or_insert(index);
        }
        let mut done = vec![false; moves.len()];
        for (index, moved) in moves.iter().enumerate() {
            let through = moved.to.match_indices('/').filter_map(|(at, _)| by_target.get(&moved.to[..at]).copied());
            for index in through.chain([index]) {
                if !std::mem::replace(&mut done[index], true) {
                    edited.put(&moves[index])?;
                }
            }
        }
        edited.finish()
    }

    /// Finds the edge at the path `from` and checks both paths. `known` has the children of each
    /// node that was on a path, by name: the place of the edge, and the node that it leads to.
    fn planned<'a, 'g>(
        &'g self,
        from: &'a str,
        to: &'a str,
        known: &mut HashMap<u32, HashMap<&'g str, (usize, u32)>>,
    ) -> Result<Move<'a>> {
        let spelled = |path: &'a str| match names(path) {
            None => Err(Error::argument(format!("invalid path \"{}\": in names, write .. for . and .S for /", shown(path)))),
            Some(names) if names.is_empty() => Err(Error::argument("the root cannot be renamed or replaced")),
            Some(names) => Ok(names),
        };
        let (mut old, new) = (spelled(from)?, spelled(to)?);
        if to.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
            let what = format!("\"{}\" cannot be moved below itself, to \"{}\"", shown(from), shown(to));
            return Err(Error::argument(what));
        }
        let last = old.pop().unwrap_or_default();
        let mut edge = |parent: u32, name: &str| {
            known.make_room(1)?;
            let children = match known.entry(parent) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(new) => {
                    let mut children = HashMap::new();
                    let edges = self.node(parent).into_iter().flat_map(|node| node.children());
                    for (place, edge) in edges.enumerate() {
                        children.make_room(1)?;
                        children.entry(edge.name).or_insert((place, edge.node));
                    }
                    new.insert(children)
                }
            };
            children.get(name).copied().ok_or_else(|| self.no_path(from, parent))
        };
        let mut parent = 0;
        for name in &old {
            parent = edge(parent, name)?.1;
        }
        let (place, node) = edge(parent, &last)?;
        Ok(Move { from, to, names: new, parent, place, node })
    }

    /// The error for a path that leads to `node` but no further.
    fn no_path(&self, path: &str, node: u32) -> Error {
        let names = self.node(node).into_iter().flat_map(|node| node.children()).map(|edge| key::escape(edge.name));
        let mut there: Vec<String> = names.take(LISTED + 1).map(|name| shown(&name)).collect();
        if there.len() > LISTED {
            there[LISTED] = "…".to_owned();
        }
        let there = if there.is_empty() { "no children".to_owned() } else { format!("the children {}", there.join(", ")) };
        let what = format!("the object graph has no path \"{}\": the last object on it has {there}", shown(path));
        Error::new(Code::NotFound, Reason::Node, what)
    }
}

impl Edited<'_> {
    /// The edges of a node, copied for editing.
    fn edges(&mut self, node: u32) -> Result<&mut Edges> {
        let graph = self.graph;
        match self.changed.entry(node) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let mut edges = Edges::default();
                let records = graph.node(node).map_or(&[][..], |node| node.edge_records());
                edges.list.make_room(records.len())?;
                edges.places.make_room(records.len())?;
                for edge in records {
                    edges.places.entry(graph.text(&edge.name).to_owned()).or_insert(edges.list.len());
                    edges.list.push(Some(edge.clone()));
                }
                Ok(unknown.insert(edges))
            }
        }
    }

    fn child(&self, node: u32, name: &str) -> Option<u32> {
        match self.changed.get(&node) {
            Some(edges) => Some(edges.list.get(*edges.places.get(name)?)?.as_ref()?.node),
            None => self.graph.child(node, name),
        }
    }

    /// Removes the edge from its old parent.
    fn take(&mut self, moved: &Move<'_>) -> Result<()> {
        let graph = self.graph;
        let edges = self.edges(moved.parent)?;
        match edges.list.get_mut(moved.place).and_then(Option::take) {
            Some(edge) => {
                edges.places.remove(graph.text(&edge.name));
                Ok(())
            }
            None => Err(Error::argument(format!("\"{}\" is moved twice", shown(moved.from)))),
        }
    }

    /// Adds the edge to its new parent, and creates missing parents.
    fn put(&mut self, moved: &Move<'_>) -> Result<()> {
        let Some((last, before)) = moved.names.split_last() else { return Ok(()) };
        let mut parent = 0;
        for name in before {
            parent = match self.child(parent, name) {
                Some(node) => node,
                None => {
                    let node = self.count;
                    if node == i32::MAX as u32 {
                        return Err(too_large());
                    }
                    self.count += 1;
                    self.changed.insert(node, Edges::default());
                    self.add(parent, name, node, None)?;
                    node
                }
            };
        }
        if self.child(parent, last).is_some() {
            let what = format!("the object graph already has a path \"{}\"", shown(moved.to));
            return Err(Error::new(Code::AlreadyExists, Reason::NameTaken, what));
        }
        self.add(parent, last, moved.node, (parent == moved.parent).then_some(moved.place))
    }

    /// Adds an edge at the empty index `place`, or as the last.
    fn add(&mut self, parent: u32, name: &str, node: u32, place: Option<usize>) -> Result<()> {
        let edge = EdgeRecord { node, name: self.keep(name)? };
        let edges = self.edges(parent)?;
        edges.places.make_room(1)?;
        let place = place.unwrap_or(edges.list.len());
        edges.places.insert(name.to_owned(), place);
        match edges.list.get_mut(place) {
            Some(at) => *at = Some(edge),
            None => edges.list.try_push(Some(edge))?,
        }
        Ok(())
    }

    /// Appends a name to the text.
    fn keep(&mut self, name: &str) -> Result<Text> {
        let start = self.text.len();
        if start + name.len() > i32::MAX as usize {
            return Err(too_large());
        }
        self.text.make_room(name.len())?;
        self.text.push_str(name);
        Ok(start as u32..self.text.len() as u32)
    }

    fn finish(mut self) -> Result<ObjectGraph> {
        let old = self.graph;
        let mut graph = ObjectGraph {
            text: self.text,
            attributes: copy(&old.attributes)?,
            slots: copy(&old.slots)?,
            savers: copy(&old.savers)?,
            ..ObjectGraph::default()
        };
        graph.nodes.make_room(self.count as usize)?;
        graph.edges.make_room(old.edges.len())?;
        let root_says = old.nodes.first().and_then(|root| root.has_values);
        for id in 0..self.count {
            match self.changed.remove(&id) {
                Some(edges) => {
                    graph.edges.make_room(edges.list.len())?;
                    graph.edges.extend(edges.list.into_iter().flatten());
                }
                None => {
                    let edges = old.node(id).map_or(&[][..], |node| node.edge_records());
                    graph.edges.make_room(edges.len())?;
                    graph.edges.extend_from_slice(edges);
                }
            }
            let new = NodeRecord {
                attributes: old.attributes.len() as u32,
                slots: old.slots.len() as u32,
                has_values: root_says,
                ..NodeRecord::default()
            };
            let record = old.nodes.get(id as usize).copied().unwrap_or(new);
            graph.nodes.push(NodeRecord { edges: graph.edges.len() as u32, ..record });
        }
        graph.renew_has_values()?;
        Ok(graph)
    }
}

fn shown(path: &str) -> String {
    printable(path.as_bytes())
}

fn too_large() -> Error {
    Error::new(Code::ResourceExhausted, Reason::Limit, "the object graph is larger than a protobuf message can be")
}

#[cfg(test)]
mod tests {
    use super::super::build::GraphBuilder;
    use super::*;

    /// root → (a, b, c); a → (x, y); b → (again: a); x, y and c are variables.
    fn graph() -> ObjectGraph {
        let mut builder = GraphBuilder::new();
        for edges in [&[("a", 1), ("b", 2), ("c", 3)][..], &[("x", 4), ("y", 5)], &[("again", 1)]] {
            edges.iter().for_each(|(name, to)| builder.edge(*to, name));
            builder.end_node(Some(true));
        }
        for key in ["c", "a/x", "a/y"] {
            builder.attribute("VARIABLE_VALUE", "", &format!("{key}/.ATTRIBUTES/VARIABLE_VALUE"));
            builder.end_node(Some(true));
        }
        builder.finish().unwrap()
    }

    fn edges(graph: &ObjectGraph, path: &str) -> Vec<(String, u32)> {
        let node = graph.node(graph.node_at(path).unwrap()).unwrap();
        node.children().map(|edge| (edge.name.to_owned(), edge.node)).collect()
    }

    fn named(edges: &[(&str, u32)]) -> Vec<(String, u32)> {
        edges.iter().map(|(name, to)| ((*name).to_owned(), *to)).collect()
    }

    #[test]
    fn an_edge_renamed_in_place_keeps_its_place() {
        let renamed = graph().renamed(&[("b", "z")]).unwrap();
        assert_eq!(edges(&renamed, ""), named(&[("a", 1), ("z", 2), ("c", 3)]));
        assert_eq!(renamed.len(), graph().len());
        let values = |graph: &ObjectGraph| {
            graph.nodes().flat_map(|n| n.attributes()).map(|a| a.checkpoint_key.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(values(&renamed), values(&graph()));
    }

    #[test]
    fn an_edge_moved_elsewhere_is_the_last_and_missing_parents_are_made() {
        let renamed = graph().renamed(&[("a/x", "b/x"), ("c", "new/er/c")]).unwrap();
        assert_eq!(edges(&renamed, ""), named(&[("a", 1), ("b", 2), ("new", 6)]));
        assert_eq!(edges(&renamed, "a"), named(&[("y", 5)]));
        assert_eq!(edges(&renamed, "b"), named(&[("again", 1), ("x", 4)]));
        assert_eq!(edges(&renamed, "new/er"), named(&[("c", 3)]));
        assert_eq!(renamed.len(), 8);
        assert!(renamed.nodes().all(|node| node.has_checkpoint_values() == Some(true)));
    }

    #[test]
    fn a_shared_node_keeps_its_other_paths() {
        let renamed = graph().renamed(&[("a", "moved")]).unwrap();
        assert_eq!((renamed.node_at("moved"), renamed.node_at("b/again"), renamed.node_at("a")), (Some(1), Some(1), None));
        let renamed = graph().renamed(&[("b/again/x", "x")]).unwrap();
        assert_eq!((renamed.node_at("a/x"), renamed.node_at("x")), (None, Some(4)));
    }

    #[test]
    fn names_are_exchanged() {
        let renamed = graph().renamed(&[("a", "c"), ("c", "a")]).unwrap();
        assert_eq!(edges(&renamed, ""), named(&[("c", 1), ("b", 2), ("a", 3)]));
        let renamed = graph().renamed(&[("a/x", "b"), ("b", "a/x")]).unwrap();
        assert_eq!((renamed.node_at("b"), renamed.node_at("a/x/again/y")), (Some(4), Some(5)));
        assert_eq!(edges(&renamed, "a"), named(&[("y", 5), ("x", 2)]));
    }

    #[test]
    fn new_paths_may_lead_through_new_paths() {
        for renames in [[("a", "d"), ("c", "d/c")], [("c", "d/c"), ("a", "d")]] {
            let renamed = graph().renamed(&renames).unwrap();
            assert_eq!(edges(&renamed, "d"), named(&[("x", 4), ("y", 5), ("c", 3)]));
            assert_eq!(renamed.len(), 6);
        }
        // Old paths refer to the original graph: a node and one of its descendants can be moved
        // apart.
        let renamed = graph().renamed(&[("a", "d"), ("a/x", "x")]).unwrap();
        assert_eq!((edges(&renamed, "d"), renamed.node_at("x")), (named(&[("y", 5)]), Some(4)));
    }

    #[test]
    fn whether_there_are_values_below_follows() {
        let renamed = graph().renamed(&[("a/x", "x"), ("a/y", "y")]).unwrap();
        let says = |path: &str| renamed.node(renamed.node_at(path).unwrap()).unwrap().has_checkpoint_values();
        assert_eq!([says(""), says("a"), says("b"), says("x")], [Some(true), Some(false), Some(false), Some(true)]);
    }

    #[test]
    fn nothing_moved_is_nothing_changed() {
        assert_eq!(graph().renamed::<&str>(&[]).unwrap().encode().unwrap(), graph().encode().unwrap());
        assert_eq!(graph().renamed(&[("a", "a"), ("a/x", "a/x")]).unwrap().encode().unwrap(), graph().encode().unwrap());
    }

    #[test]
    fn names_are_escaped_in_paths() {
        let renamed = graph().renamed(&[("c", "d.Se../f..")]).unwrap();
        assert_eq!(edges(&renamed, ""), named(&[("a", 1), ("b", 2), ("d/e.", 6)]));
        assert_eq!(edges(&renamed, "d.Se.."), named(&[("f.", 3)]));
    }

    #[test]
    fn what_cannot_be_moved_is_refused() {
        for (renames, code, what) in [
            (&[("a/z", "q")][..], Code::NotFound, "no path \"a/z\": the last object on it has the children x, y"),
            (&[("z/a", "q")], Code::NotFound, "no path \"z/a\": the last object on it has the children a, b, c"),
            (&[("c/a", "q")], Code::NotFound, "has no children"),
            (&[("a", "b")], Code::AlreadyExists, "already has a path \"b\""),
            (&[("a", "q"), ("b", "q")], Code::AlreadyExists, "already has a path \"q\""),
            (&[("a", "a/x/a")], Code::InvalidArgument, "below itself"),
            (&[("a", "q"), ("a", "r")], Code::InvalidArgument, "\"a\" is moved twice"),
            (&[("a/x", "q"), ("b/again/x", "r")], Code::InvalidArgument, "\"b/again/x\" is moved twice"),
            (&[("", "q")], Code::InvalidArgument, "root"),
            (&[("a", "")], Code::InvalidArgument, "root"),
            (&[("a", "q.r")], Code::InvalidArgument, "invalid path \"q.r\""),
        ] {
            let error = graph().renamed(renames).unwrap_err();
            assert_eq!(error.code(), code, "{renames:?}");
            assert!(error.to_string().contains(what), "{error}");
        }
    }
}
