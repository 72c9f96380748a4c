//! Building an object graph node by node.

use super::{AttributeRecord, EdgeRecord, NodeRecord, ObjectGraph, SaverRecord, SlotRecord, Text};
use crate::allocate::{Room, TryPush};
use crate::error::{Code, Error, Reason, Result};

/// The largest number of nodes, and the largest size of a serialized graph in bytes: ids are
/// `int32`, and a protobuf message cannot be larger.
const MOST: usize = i32::MAX as usize;

/// Builds an [`ObjectGraph`]: describe a node, end it, describe the next one. The first node is the
/// root.
#[derive(Debug, Default)]
pub(crate) struct GraphBuilder {
    graph: ObjectGraph,
    /// The node that is currently described.
    node: NodeRecord,
    /// What the graph has exceeded: its limit, or the memory. Everything after that is dropped.
    fault: Option<Error>,
}

impl GraphBuilder {
    /// Creates a builder of a graph without nodes.
    pub fn new() -> GraphBuilder {
        GraphBuilder::default()
    }

    /// Adds an edge to the node with the id `node`. `name` is not escaped.
    pub fn edge(&mut self, node: u32, name: &str) {
        if let Some(name) = self.keep(name) {
            let pushed = self.graph.edges.try_push(EdgeRecord { node, name });
            self.note(pushed);
        }
    }

    /// Adds a stored value.
    pub fn attribute(&mut self, name: &str, full_name: &str, checkpoint_key: &str) {
        // Most values have the same name as the previous one: share its text.
        let before = self.graph.attributes.last().map(|attribute| attribute.name.clone()).filter(|n| self.graph.text(n) == name);
        let name = before.or_else(|| self.keep(name));
        if let (Some(name), Some(full_name), Some(key)) = (name, self.keep(full_name), self.keep(checkpoint_key)) {
            let pushed = self.graph.attributes.try_push(AttributeRecord { name, full_name, key });
            self.note(pushed);
        }
    }

    /// Adds a slot variable. `name` is not escaped.
    pub fn slot_variable(&mut self, original_variable: u32, name: &str, slot_variable: u32) {
        if let Some(name) = self.keep(name) {
            let pushed = self.graph.slots.try_push(SlotRecord { variable: original_variable, name, slot_variable });
            self.note(pushed);
        }
    }

    /// Sets the registered saver that saved the node.
    pub fn registered_saver(&mut self, name: &str, object_name: &str) {
        if let (Some(name), Some(object_name)) = (self.keep(name), self.keep(object_name)) {
            let pushed = self.graph.savers.try_push(SaverRecord { name, object_name });
            self.note(pushed);
            self.node.saver = self.graph.savers.len() as u32;
        }
    }

    /// Ends the current node. Its id is the number of nodes ended before it.
    pub fn end_node(&mut self, has_checkpoint_values: Option<bool>) {
        let graph = &self.graph;
        let lists = [graph.nodes.len() + 1, graph.edges.len(), graph.attributes.len(), graph.slots.len(), graph.savers.len()];
        if lists.into_iter().any(|length| length > MOST) {
            self.note(Err(too_large()));
        }
        if self.fault.is_some() {
            return;
        }
        let node = std::mem::take(&mut self.node);
        let pushed = self.graph.nodes.try_push(NodeRecord {
            edges: self.graph.edges.len() as u32,
            attributes: self.graph.attributes.len() as u32,
            slots: self.graph.slots.len() as u32,
            has_values: has_checkpoint_values,
            ..node
        });
        self.note(pushed);
    }

    /// Returns the graph.
    ///
    /// # Errors
    /// * `RESOURCE_EXHAUSTED` (`Limit`): the graph is larger than a protobuf message can be, or
    ///   there was no memory for it.
    /// * `INVALID_ARGUMENT`: there is no node, or an id does not refer to a node.
    pub fn finish(self) -> Result<ObjectGraph> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.graph.encoded_len() > MOST {
            return Err(too_large());
        }
        if self.graph.nodes.is_empty() {
            return Err(Error::argument("the object graph has no root"));
        }
        match self.graph.id_of_no_node() {
            Some(id) => Err(Error::argument("the object graph refers to a missing node")
                .expecting(format_args!("an id below {}", self.graph.len()), id)),
            None => Ok(self.graph),
        }
    }

    /// Copies a name into the graph's text; `None` if it does not fit.
    fn keep(&mut self, name: &str) -> Option<Text> {
        let start = self.graph.text.len();
        let made = if start + name.len() > MOST { Err(too_large()) } else { self.graph.text.make_room(name.len()) };
        self.note(made);
        if self.fault.is_some() {
            return None;
        }
        self.graph.text.push_str(name);
        Some(start as u32..self.graph.text.len() as u32)
    }

    /// Notes the first failure.
    #[inline]
    fn note(&mut self, result: Result<()>) {
        if let (Err(fault), None) = (result, &self.fault) {
            self.fault = Some(fault);
        }
    }
}

#[cold]
fn too_large() -> Error {
    let what = "the object graph is larger than a protobuf message can be";
    Error::new(Code::ResourceExhausted, Reason::Limit, what).expecting(format_args!("at most {MOST} bytes"), "more")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_is_built_node_by_node() {
        let mut builder = GraphBuilder::new();
        builder.edge(1, "m");
        builder.edge(0, "self");
        builder.end_node(Some(true));
        builder.attribute("VARIABLE_VALUE", "Variable", "m/.ATTRIBUTES/VARIABLE_VALUE");
        builder.slot_variable(1, "s", 2);
        builder.end_node(None);
        builder.registered_saver("Custom.a", "b");
        builder.end_node(Some(false));
        let graph = builder.finish().unwrap();
        let node = |id| graph.node(id).unwrap();
        assert_eq!(graph.len(), 3);
        assert_eq!(node(0).children().map(|e| (e.name, e.node)).collect::<Vec<_>>(), [("m", 1), ("self", 0)]);
        assert_eq!(node(1).attributes().map(|a| a.full_name).collect::<Vec<_>>(), ["Variable"]);
        assert_eq!(
            node(1).slot_variables().map(|s| (s.original_variable, s.name, s.slot_variable)).collect::<Vec<_>>(),
            [(1, "s", 2)]
        );
        assert_eq!(node(2).registered_saver().map(|s| (s.name, s.object_name)), Some(("Custom.a", "b")));
        assert!(node(0).registered_saver().is_none() && node(1).registered_saver().is_none());
        assert_eq!([0, 1, 2].map(|id| node(id).has_checkpoint_values()), [Some(true), None, Some(false)]);
    }

    #[test]
    fn a_graph_without_root_and_ids_of_no_node_are_refused() {
        assert_eq!(GraphBuilder::new().finish().unwrap_err().code(), Code::InvalidArgument);
        let describe: [fn(&mut GraphBuilder); 3] =
            [|b| b.edge(1, "x"), |b| b.slot_variable(1, "m", 0), |b| b.slot_variable(0, "m", 7)];
        for describe in describe {
            let mut builder = GraphBuilder::new();
            describe(&mut builder);
            builder.end_node(None);
            assert_eq!(builder.finish().unwrap_err().code(), Code::InvalidArgument);
        }
    }
}
