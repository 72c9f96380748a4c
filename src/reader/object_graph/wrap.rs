//! Roots: an object graph put below another root, or an object of it made the root.

use super::build::GraphBuilder;
use super::paths::names;
use super::{Edge, Node, ObjectGraph};
use crate::error::{printable, Code, Error, Reason, Result};

/// The child of the root in which TensorFlow counts saves. It belongs to the checkpoint, so it
/// stays with the root.
const SAVE_COUNTER: &str = "save_counter";
/// The child of the root that is the root itself, in `Checkpoint(root=net)`.
const ROOT: &str = "root";

impl ObjectGraph {
    /// A copy of the graph with a new root, from which `path` leads to the old one: what
    /// `Checkpoint(model=net)` saves for `model`, if this is what `Checkpoint(root=net)` saved.
    /// `save_counter` becomes a child of the new root, and the edge `root` from the old one to
    /// itself, which TensorFlow writes in the latter case, goes. Use [`ObjectGraph::rekeyed`] on
    /// the result.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the path or a name in it is empty or not properly escaped, or begins
    ///   with `save_counter`, which stays at the root.
    /// * `RESOURCE_EXHAUSTED`: the graph is larger than a protobuf message can be, or there is no
    ///   memory for it.
    pub fn wrapped(&self, path: &str) -> Result<ObjectGraph> {
        let names = names(path).filter(|names| !names.is_empty()).ok_or_else(|| not_a_path(path))?;
        let first = names.len() as u32;
        let counter = self.child(0, SAVE_COUNTER);
        if counter.is_some() && names[0] == SAVE_COUNTER {
            return Err(Error::argument(format!("the root has a child \"{SAVE_COUNTER}\" already, which stays there")));
        }
        if names.iter().any(|name| name.is_empty()) {
            return Err(not_a_path(path));
        }
        let mut builder = GraphBuilder::new();
        for (number, name) in (1..).zip(&names) {
            builder.edge(number, name);
            if let Some(counter) = counter.filter(|_| number == 1) {
                builder.edge(first + counter, SAVE_COUNTER);
            }
            builder.end_node(self.node(0).and_then(|root| root.has_checkpoint_values()));
        }
        for node in self.nodes() {
            let is_checkpoints = |edge: &Edge<'_>| edge.name == SAVE_COUNTER || (edge.name, edge.node) == (ROOT, 0);
            for edge in node.children().filter(|edge| node.id() != 0 || !is_checkpoints(edge)) {
                builder.edge(first + edge.node, edge.name);
            }
            describe(&mut builder, node, |id| first + id);
            builder.end_node(node.has_checkpoint_values());
        }
        builder.finish()
    }

    /// A copy of the graph in which the object at `path` is the root: what `Checkpoint(root=net)`
    /// saves for `model`, if this is what `Checkpoint(model=net)` saved. `save_counter` of the old
    /// root becomes a child of the new one, which keeps its own if it has one. Use
    /// [`ObjectGraph::rekeyed`] on the result: it leaves out what the new root does not lead to.
    ///
    /// # Errors
    /// * `NOT_FOUND` (`NoTensor`): nothing is at `path`.
    /// * `RESOURCE_EXHAUSTED`: there is no memory for it.
    pub fn unwrapped(&self, path: &str) -> Result<ObjectGraph> {
        let absent = || {
            let what = format!("the checkpoint has no object at \"{}\"", printable(path.as_bytes()));
            Error::new(Code::NotFound, Reason::NoTensor, what)
        };
        let root = self.node_at(path).ok_or_else(absent)?;
        let counter = self.child(0, SAVE_COUNTER).filter(|_| self.child(root, SAVE_COUNTER).is_none());
        // The two roots change places.
        let moved = |id: u32| match id {
            0 => root,
            id if id == root => 0,
            id => id,
        };
        let mut builder = GraphBuilder::new();
        for node in (0..self.len() as u32).filter_map(|id| self.node(moved(id))) {
            for edge in node.children() {
                builder.edge(moved(edge.node), edge.name);
            }
            if let Some(counter) = counter.filter(|_| node.id() == root) {
                builder.edge(moved(counter), SAVE_COUNTER);
            }
            describe(&mut builder, node, moved);
            builder.end_node(node.has_checkpoint_values());
        }
        builder.finish()
    }
}

/// Adds the values, slots and saver of a node, of which `moved` gives the new ids.
fn describe(builder: &mut GraphBuilder, node: Node<'_>, moved: impl Fn(u32) -> u32) {
    for attribute in node.attributes() {
        builder.attribute(attribute.name, attribute.full_name, attribute.checkpoint_key);
    }
    for slot in node.slot_variables() {
        builder.slot_variable(moved(slot.original_variable), slot.name, moved(slot.slot_variable));
    }
    if let Some(saver) = node.registered_saver() {
        builder.registered_saver(saver.name, saver.object_name);
    }
}

fn not_a_path(path: &str) -> Error {
    Error::argument(format!("\"{}\" is not the path of an object", printable(path.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// root → (net → v, opt, save_counter); opt has a slot of v.
    fn saved() -> ObjectGraph {
        let mut builder = GraphBuilder::new();
        for (name, to) in [("net", 1), ("opt", 2), ("save_counter", 3)] {
            builder.edge(to, name);
        }
        builder.end_node(None);
        builder.edge(4, "v");
        builder.end_node(None);
        builder.slot_variable(4, "m", 5);
        builder.end_node(None);
        for key in ["save_counter", "net/v", "net/v/.OPTIMIZER_SLOT/opt/m"] {
            builder.attribute("VARIABLE_VALUE", "", &format!("{key}/.ATTRIBUTES/VARIABLE_VALUE"));
            builder.end_node(None);
        }
        builder.finish().unwrap()
    }

    fn keys(graph: &ObjectGraph) -> Vec<String> {
        let graph = graph.rekeyed().unwrap().graph;
        let keys = graph.nodes().flat_map(|node| node.attributes()).map(|a| a.checkpoint_key.to_owned());
        keys.map(|key| key.replace("/.ATTRIBUTES/VARIABLE_VALUE", "")).collect()
    }

    #[test]
    fn roots_go_below_others_and_come_back() {
        let graph = saved();
        let before = keys(&graph);
        assert_eq!(before, ["save_counter", "net/v", "net/v/.OPTIMIZER_SLOT/opt/m"]);
        for (path, net, opt) in [("model", "model/net/v", "model/opt"), ("a/b..c", "a/b..c/net/v", "a/b..c/opt")] {
            let wrapped = graph.wrapped(path).unwrap();
            assert_eq!(keys(&wrapped), ["save_counter", net, &format!("{net}/.OPTIMIZER_SLOT/{opt}/m")]);
            assert_eq!(keys(&wrapped.unwrapped(path).unwrap()), before);
        }
        // What the new root does not lead to is gone: the optimizer, and with it its slots.
        assert_eq!(keys(&graph.unwrapped("net").unwrap()), ["v", "save_counter"]);
        assert_eq!(keys(&graph.unwrapped("").unwrap()), before);
    }

    #[test]
    fn only_objects_become_roots() {
        let graph = saved();
        assert_eq!(graph.unwrapped("nett").unwrap_err().code(), Code::NotFound);
        for path in ["", "a.b", "a//b", "save_counter/a"] {
            assert_eq!(graph.wrapped(path).unwrap_err().code(), Code::InvalidArgument, "{path}");
        }
    }
}
