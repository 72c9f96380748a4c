//! Graphs of objects: adding and removing them, and the edges between them.

use std::ffi::c_char;

use super::callback::CallbackMark;
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::node::{ckpt_description, ckpt_node, ckpt_node_options, ckpt_nodes, node_at, number_of};
use super::{array, ask, call, handle, output, own, release, required, text_at};
use ::checkpoint::{Graph, NodeId, Result};

/// A graph of objects with named edges: what a program saves and restores. Several threads may use it at once: each call that
/// reaches the graph takes its one lock for its whole length, callbacks included; so do the calls of its checkpoints and of
/// their statuses.
///
/// Every function that takes objects returns `CKPT_CODE_INVALID_ARGUMENT` with `CKPT_REASON_NODE` for one that was removed, is of
/// another graph, or of another kind than the function is for; and `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_REENTRANT` when
/// a callback of the graph calls it.
#[derive(Clone)]
pub struct ckpt_graph {
    pub(super) graph: Graph,
    pub(super) mark: CallbackMark,
}

/// The graph that a handle stands for. It is held apart from the handle, which a callback may free.
pub(super) fn graph_at(graph: *const ckpt_graph) -> Result<ckpt_graph> {
    let graph = required(graph, "the graph")?.clone();
    graph.mark.check()?;
    Ok(graph)
}

impl ckpt_graph {
    /// Adds an object, and gives its number to the caller.
    pub(super) fn add(
        &self,
        options: Option<&ckpt_node_options>,
        node: &mut ckpt_node,
        add: impl FnOnce(&Graph) -> Result<NodeId>,
    ) -> Result<()> {
        let added = add(&self.graph)?;
        if let Some(name) = options.and_then(ckpt_node_options::debug_name) {
            self.graph.set_debug_name(added, name)?;
        }
        *node = added.number();
        Ok(())
    }
}

/// The place for a node.
pub(super) fn node_output<'a>(node: *mut ckpt_node) -> Result<&'a mut ckpt_node> {
    output(node, 0, "the place for the node")
}

/// Gives a node to a caller who may not want it.
pub(super) fn give_node(place: *mut ckpt_node, find: impl FnOnce() -> Result<Option<NodeId>>) -> Result<()> {
    let mut unwanted = 0;
    let out = if place.is_null() { &mut unwanted } else { node_output(place)? };
    *out = number_of(find()?);
    Ok(())
}

/// Adds an object that is neither variable nor state.
pub(super) fn add_plain(
    graph: *const ckpt_graph,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    add: impl FnOnce(&Graph) -> Result<NodeId>,
) -> Result<()> {
    let out = node_output(node)?;
    let (graph, options) = (graph_at(graph)?, handle(options));
    options.map_or(Ok(()), ckpt_node_options::check_plain)?;
    graph.add(options, out, add)
}

/// A graph without objects; to be freed with `ckpt_graph_free`.
#[no_mangle]
pub extern "C" fn ckpt_graph_new() -> *mut ckpt_graph {
    ask(std::ptr::null_mut(), || own(ckpt_graph { graph: Graph::new(), mark: CallbackMark::default() }))
}

/// Frees the handle of a graph. The graph itself, with its objects, lives on while checkpoints need it; with the last of them
/// the memory that it borrowed is released. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_graph_free(graph: *mut ckpt_graph) {
    release(graph);
}

/// Adds an object without values of its own.
///
/// `*node` is 0 on failure. `CKPT_CODE_RESOURCE_EXHAUSTED` when the graph is full, as all functions that add objects.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_object(
    graph: *const ckpt_graph,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || add_plain(graph, options, node, Graph::add_object))
}

/// Adds an object that is saved as one string (`py_state`, the `PythonState` of TensorFlow), which is copied.
/// `ckpt_graph_read_strings` and `ckpt_graph_assign_strings` get at it.
///
/// Errors are those of `ckpt_graph_add_object`.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_text(
    graph: *const ckpt_graph,
    text: *const c_char,
    text_len: usize,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || add_plain(graph, options, node, |graph| graph.add_text(array(text.cast(), text_len, "the text")?)))
}

/// Removes an object, with all edges and slots from and to it. Its children stay. Memory that it borrowed is released before
/// this returns. In restores it is unresolved again.
#[no_mangle]
pub extern "C" fn ckpt_graph_remove(graph: *const ckpt_graph, node: ckpt_node, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.remove(node_at(node)?))
}

/// Whether the object is there: `*contains` is false of one that was removed, is of another graph, or 0.
#[no_mangle]
pub extern "C" fn ckpt_graph_contains(
    graph: *const ckpt_graph,
    node: ckpt_node,
    contains: *mut bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(contains, false, "the place for the answer")?;
        let graph = graph_at(graph)?.graph;
        *out = NodeId::from_number(node).is_some_and(|node| graph.contains(node));
        Ok(())
    })
}

/// What an object is.
///
/// `*description` is to be freed with `ckpt_description_free`; NULL on failure.
#[no_mangle]
pub extern "C" fn ckpt_graph_describe(
    graph: *const ckpt_graph,
    node: ckpt_node,
    description: *mut *mut ckpt_description,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(description, std::ptr::null_mut(), "the place for the description")?;
        *out = own(ckpt_description(graph_at(graph)?.graph.describe(node_at(node)?)?));
        Ok(())
    })
}

/// Gives an object another name for messages.
#[no_mangle]
pub extern "C" fn ckpt_graph_set_debug_name(
    graph: *const ckpt_graph,
    node: ckpt_node,
    name: *const c_char,
    name_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.set_debug_name(node_at(node)?, text_at(name, name_len, "the name")?))
}

/// Gives a variable another name in name-based checkpoints.
#[no_mangle]
pub extern "C" fn ckpt_graph_set_name(
    graph: *const ckpt_graph,
    variable: ckpt_node,
    name: *const c_char,
    name_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.set_name(node_at(variable)?, text_at(name, name_len, "the name")?))
}

/// Makes the edge `name`, which is UTF-8, from `parent` to `child`. If a restore has values for this edge, `child` and what it
/// leads to are restored here and now, and errors of that come from here: the edge stands all the same. Tracking the same child
/// again is nothing.
///
/// `CKPT_CODE_ALREADY_EXISTS` when the name leads to another object; else what restoring reports.
#[no_mangle]
pub extern "C" fn ckpt_graph_track(
    graph: *const ckpt_graph,
    parent: ckpt_node,
    name: *const c_char,
    name_len: usize,
    child: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.track(node_at(parent)?, text_at(name, name_len, "the name")?, node_at(child)?))
}

/// The same, but a name that leads to another object is made to lead to this one, which is then not restored: what assigning to
/// an attribute does in TensorFlow.
///
/// Errors are what restoring reports, where the name is new.
#[no_mangle]
pub extern "C" fn ckpt_graph_track_overwrite(
    graph: *const ckpt_graph,
    parent: ckpt_node,
    name: *const c_char,
    name_len: usize,
    child: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let graph = graph_at(graph)?.graph;
        graph.track_overwrite(node_at(parent)?, text_at(name, name_len, "the name")?, node_at(child)?)
    })
}

/// Removes an edge. The object that it led to stays, and is `*child`; `child` may be NULL.
///
/// `CKPT_CODE_NOT_FOUND` when there is no such edge.
#[no_mangle]
pub extern "C" fn ckpt_graph_untrack(
    graph: *const ckpt_graph,
    parent: ckpt_node,
    name: *const c_char,
    name_len: usize,
    child: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        give_node(child, || graph_at(graph)?.graph.untrack(node_at(parent)?, text_at(name, name_len, "the name")?).map(Some))
    })
}

/// The object that an edge leads to; `*child` is 0 when there is no such edge.
#[no_mangle]
pub extern "C" fn ckpt_graph_lookup(
    graph: *const ckpt_graph,
    parent: ckpt_node,
    name: *const c_char,
    name_len: usize,
    child: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = node_output(child)?;
        *out = number_of(graph_at(graph)?.graph.lookup(node_at(parent)?, text_at(name, name_len, "the name")?)?);
        Ok(())
    })
}

/// The children of an object with the names of the edges, in the order in which these were made. (`TrackableView.children`)
///
/// `*children` is to be freed with `ckpt_nodes_free`; NULL on failure. `CKPT_CODE_FAILED_PRECONDITION` for a list that cannot be
/// saved.
#[no_mangle]
pub extern "C" fn ckpt_graph_children(
    graph: *const ckpt_graph,
    node: ckpt_node,
    children: *mut *mut ckpt_nodes,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(children, std::ptr::null_mut(), "the place for the children")?;
        *out = ckpt_nodes::named(graph_at(graph)?.graph.children(node_at(node)?)?);
        Ok(())
    })
}

/// The objects that edges lead to from `root`, breadth first, `root` the first of them. Slot variables are not among them.
/// (`TrackableView.descendants`)
///
/// `*descendants` is to be freed with `ckpt_nodes_free`; NULL on failure. `CKPT_CODE_FAILED_PRECONDITION` when a list that cannot be
/// saved is among them.
#[no_mangle]
pub extern "C" fn ckpt_graph_descendants(
    graph: *const ckpt_graph,
    root: ckpt_node,
    descendants: *mut *mut ckpt_nodes,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(descendants, std::ptr::null_mut(), "the place for the descendants")?;
        let found = graph_at(graph)?.graph.descendants(node_at(root)?)?;
        *out = ckpt_nodes::plain(found.into_iter().map(Some).collect());
        Ok(())
    })
}

/// How many restores wait for the edge `name` of an object.
#[no_mangle]
pub extern "C" fn ckpt_graph_waiting(
    graph: *const ckpt_graph,
    node: ckpt_node,
    name: *const c_char,
    name_len: usize,
    count: *mut usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(count, 0, "the place for the count")?;
        *out = graph_at(graph)?.graph.waiting(node_at(node)?, text_at(name, name_len, "the name")?)?;
        Ok(())
    })
}
