//! The object graph stored in a checkpoint.

use super::{ask, ckpt_bytes, handle, release};
use ::checkpoint::{Attribute, Edge, Node, ObjectGraph, SlotVariable};

/// The object graph stored in an object-based checkpoint: nodes and the named edges between them.
/// Nodes are numbered from 0, which is the root. Immutable: several threads may use it at once.
///
/// For a node or index out of range, functions return 0, -1 or no value (NULL, 0), according to
/// their type.
pub struct ckpt_object_graph(pub(super) ObjectGraph);

fn node<'a>(graph: *const ckpt_object_graph, id: u32) -> Option<Node<'a>> {
    handle(graph).and_then(|g| g.0.node(id))
}

fn child<'a>(graph: *const ckpt_object_graph, id: u32, index: usize) -> Option<Edge<'a>> {
    node(graph, id)?.children().nth(index)
}

fn attribute<'a>(graph: *const ckpt_object_graph, id: u32, index: usize) -> Option<Attribute<'a>> {
    node(graph, id)?.attributes().nth(index)
}

fn slot<'a>(graph: *const ckpt_object_graph, id: u32, index: usize) -> Option<SlotVariable<'a>> {
    node(graph, id)?.slot_variables().nth(index)
}

fn lend(text: Option<&str>) -> ckpt_bytes {
    text.map(str::as_bytes).into()
}

/// Returns the number of nodes.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_count(graph: *const ckpt_object_graph) -> u32 {
    ask(0, || handle(graph).map_or(0, |g| g.0.len() as u32))
}

/// Returns the number of edges from a node to its children.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_child_count(graph: *const ckpt_object_graph, id: u32) -> usize {
    ask(0, || node(graph, id).map_or(0, |n| n.children().len()))
}

/// Returns the name of an edge: UTF-8, not escaped. Lent by the graph.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_child_name(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(child(graph, id, index).map(|e| e.name)))
}

/// Returns the node that an edge leads to; -1 if there is no such edge.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_child_node(graph: *const ckpt_object_graph, id: u32, index: usize) -> i64 {
    ask(-1, || child(graph, id, index).map_or(-1, |e| e.node.into()))
}

/// Returns the number of attributes (stored values) of a node.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_attribute_count(graph: *const ckpt_object_graph, id: u32) -> usize {
    ask(0, || node(graph, id).map_or(0, |n| n.attributes().len()))
}

/// Returns the name of an attribute within its node: `VARIABLE_VALUE` for a variable. Lent by the
/// graph.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_attribute_name(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(attribute(graph, id, index).map(|a| a.name)))
}

/// Returns the name that a name-based checkpoint would use for the value; may be empty. Lent by the
/// graph.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_attribute_full_name(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(attribute(graph, id, index).map(|a| a.full_name)))
}

/// Returns the key of the tensor that holds the value. Lent by the graph.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_attribute_key(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(attribute(graph, id, index).map(|a| a.checkpoint_key)))
}

/// Returns the number of slot variables of a node. Only optimizers have any.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_slot_count(graph: *const ckpt_object_graph, id: u32) -> usize {
    ask(0, || node(graph, id).map_or(0, |n| n.slot_variables().len()))
}

/// Returns the name of a slot, e.g. `m`. Lent by the graph.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_slot_name(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(slot(graph, id, index).map(|s| s.name)))
}

/// Returns the node of the variable that the slot variable belongs to; -1 if there is no such slot
/// variable.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_slot_original(graph: *const ckpt_object_graph, id: u32, index: usize) -> i64 {
    ask(-1, || slot(graph, id, index).map_or(-1, |s| s.original_variable.into()))
}

/// Returns the node of the slot variable itself; -1 if there is no such slot variable.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_slot_node(graph: *const ckpt_object_graph, id: u32, index: usize) -> i64 {
    ask(-1, || slot(graph, id, index).map_or(-1, |s| s.slot_variable.into()))
}

/// Returns the registered name of the saver that saved the node. Lent by the graph; no value (NULL,
/// 0) if no registered saver did.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_saver_name(graph: *const ckpt_object_graph, id: u32) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(node(graph, id).and_then(|n| n.registered_saver()).map(|s| s.name)))
}

/// Returns the name under which the registered saver saved the node. Lent by the graph; no value
/// (NULL, 0) if no registered saver did.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_saver_object_name(graph: *const ckpt_object_graph, id: u32) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(node(graph, id).and_then(|n| n.registered_saver()).map(|s| s.object_name)))
}

/// Tells whether a node or any of its descendants has values: 1 or 0; -1 if the checkpoint does not
/// say, as with older writers.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_has_values(graph: *const ckpt_object_graph, id: u32) -> i32 {
    ask(-1, || node(graph, id).and_then(|n| n.has_checkpoint_values()).map_or(-1, i32::from))
}

/// Frees an object graph. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_free(graph: *mut ckpt_object_graph) {
    release(graph);
}
