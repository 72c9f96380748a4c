//! The object graph of a checkpoint.

use super::{ask, ckpt_bytes, handle, release};
use ::checkpoint::{Attribute, Edge, Node, ObjectGraph, SlotVariable};

/// The objects of an object-based checkpoint and the named edges between them. Nodes are numbered from 0, which is the root. It
/// does not change: several threads may use it at once. Where a node or index is out of range, the answers are 0, nothing or -1.
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

/// The number of nodes.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_count(graph: *const ckpt_object_graph) -> u32 {
    ask(0, || handle(graph).map_or(0, |g| g.0.len() as u32))
}

/// The number of edges from a node to its children.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_child_count(graph: *const ckpt_object_graph, id: u32) -> usize {
    ask(0, || node(graph, id).map_or(0, |n| n.children().len()))
}

/// The name of an edge, UTF-8, not escaped. Lent.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_child_name(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(child(graph, id, index).map(|e| e.name)))
}

/// The node that an edge leads to; -1 when there is no such edge.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_child_node(graph: *const ckpt_object_graph, id: u32, index: usize) -> i64 {
    ask(-1, || child(graph, id, index).map_or(-1, |e| e.node.into()))
}

/// The number of values of a node.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_attribute_count(graph: *const ckpt_object_graph, id: u32) -> usize {
    ask(0, || node(graph, id).map_or(0, |n| n.attributes().len()))
}

/// The name of a value within its node, `VARIABLE_VALUE` of a variable. Lent.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_attribute_name(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(attribute(graph, id, index).map(|a| a.name)))
}

/// The name that a name-based checkpoint gives a value; may be empty. Lent.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_attribute_full_name(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(attribute(graph, id, index).map(|a| a.full_name)))
}

/// The key of the tensor that holds a value. Lent.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_attribute_key(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(attribute(graph, id, index).map(|a| a.checkpoint_key)))
}

/// The number of slot variables of a node, which is an optimizer then.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_slot_count(graph: *const ckpt_object_graph, id: u32) -> usize {
    ask(0, || node(graph, id).map_or(0, |n| n.slot_variables().len()))
}

/// What a slot variable is, e.g. `m`. Lent.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_slot_name(graph: *const ckpt_object_graph, id: u32, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(slot(graph, id, index).map(|s| s.name)))
}

/// The node of the variable that a slot variable is kept for; -1 when there is no such slot variable.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_slot_original(graph: *const ckpt_object_graph, id: u32, index: usize) -> i64 {
    ask(-1, || slot(graph, id, index).map_or(-1, |s| s.original_variable.into()))
}

/// The node of a slot variable itself; -1 when there is no such slot variable.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_slot_node(graph: *const ckpt_object_graph, id: u32, index: usize) -> i64 {
    ask(-1, || slot(graph, id, index).map_or(-1, |s| s.slot_variable.into()))
}

/// The registered name of the saver that a node was saved with. Lent; nothing when it has none.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_saver_name(graph: *const ckpt_object_graph, id: u32) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(node(graph, id).and_then(|n| n.registered_saver()).map(|s| s.name)))
}

/// The name under which the registered saver saved the node. Lent; nothing when it has none.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_saver_object_name(graph: *const ckpt_object_graph, id: u32) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || lend(node(graph, id).and_then(|n| n.registered_saver()).map(|s| s.object_name)))
}

/// Whether a node or anything below it has values: 1 or 0; -1 when the writer, an older one, did not say.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_has_values(graph: *const ckpt_object_graph, id: u32) -> i32 {
    ask(-1, || node(graph, id).and_then(|n| n.has_checkpoint_values()).map_or(-1, i32::from))
}

/// Frees a graph. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_object_graph_free(graph: *mut ckpt_object_graph) {
    release(graph);
}
