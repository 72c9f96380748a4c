//! Paths through an object graph.

use std::borrow::Cow;

use super::ObjectGraph;
use crate::allocate::{filled, TryPush};
use crate::error::Result;
use crate::format::key;

impl ObjectGraph {
    /// For each node, the parent by which a breadth-first search from the root first reaches it,
    /// and the index of the edge among the parent's edges. `None` for the root and for nodes that
    /// no path leads to, such as slot variables.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: there is no memory for them.
    pub fn parents(&self) -> Result<Vec<Option<(u32, usize)>>> {
        let mut parents = filled(None, self.nodes.len())?;
        self.search(&mut parents)?;
        Ok(parents)
    }

    /// The nodes that are reachable from the root, in breadth-first order; the root is the first.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: there is no memory for them.
    pub fn descendants(&self) -> Result<Vec<u32>> {
        self.search(&mut filled(None, self.nodes.len())?)
    }

    /// A breadth-first search from the root. Returns the nodes found, and sets their `parents`.
    fn search(&self, parents: &mut [Option<(u32, usize)>]) -> Result<Vec<u32>> {
        let mut found = Vec::from_iter(self.node(0).map(|root| root.id()));
        let mut next = 0;
        while let Some(node) = found.get(next).and_then(|&id| self.node(id)) {
            for (index, edge) in node.children().enumerate() {
                let parent = &mut parents[edge.node as usize];
                if edge.node != 0 && parent.is_none() {
                    *parent = Some((node.id(), index));
                    found.try_push(edge.node)?;
                }
            }
            next += 1;
        }
        Ok(found)
    }

    /// The node that `path` leads to; `None` if there is none.
    ///
    /// A path is the names of the edges from the root, joined by `/`; the empty path is the root.
    /// In a name, `.` is written `..` and `/` is written `.S`.
    pub fn node_at(&self, path: &str) -> Option<u32> {
        let mut at = 0;
        for name in names(path)? {
            at = self.child(at, &name)?;
        }
        Some(at)
    }

    /// The child that the edge `name` of `node` leads to.
    pub(super) fn child(&self, node: u32, name: &str) -> Option<u32> {
        self.node(node)?.children().find(|edge| edge.name == name).map(|edge| edge.node)
    }
}

/// The unescaped names in a path; `None` if a name is not properly escaped.
pub(super) fn names(path: &str) -> Option<Vec<Cow<'_, str>>> {
    match path {
        "" => Some(Vec::new()),
        path => path.split('/').map(key::unescape).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::GraphBuilder;
    use super::super::parse::tests::example;
    use super::*;

    #[test]
    fn paths_lead_to_nodes() {
        let graph = ObjectGraph::parse(&example()).unwrap();
        for (path, id) in [
            ("", Some(0)),
            ("m", Some(1)),
            ("m/v", Some(3)),
            ("m/e/f", Some(5)),
            ("v", None),
            ("m/", None),
            ("m//v", None),
            ("m.v", None),
        ] {
            assert_eq!(graph.node_at(path), id, "{path}");
        }
        let mut builder = GraphBuilder::new();
        builder.edge(1, "a/b.c");
        builder.end_node(None);
        builder.edge(0, "");
        builder.edge(1, "x");
        builder.end_node(None);
        let graph = builder.finish().unwrap();
        assert_eq!(graph.node_at("a.Sb..c"), Some(1));
        assert_eq!(graph.node_at("a.Sb..c/x/x/"), Some(0));
        assert_eq!(graph.node_at("a/b..c"), None);
    }

    #[test]
    fn a_search_meets_each_node_once_and_only_what_paths_lead_to() {
        let mut builder = GraphBuilder::new();
        for edges in [&[2, 3, 0][..], &[0], &[3, 4, 2], &[4, 0], &[]] {
            edges.iter().enumerate().for_each(|(i, &to)| builder.edge(to, &i.to_string()));
            builder.end_node(None);
        }
        let graph = builder.finish().unwrap();
        assert_eq!(graph.descendants().unwrap(), [0, 2, 3, 4]);
        assert_eq!(graph.parents().unwrap(), [None, None, Some((0, 0)), Some((0, 1)), Some((2, 1))]);
        assert_eq!(ObjectGraph::parse(&example()).unwrap().descendants().unwrap(), [0, 1, 2, 3, 4, 5]);
    }
}
