//! Graphs of objects: adding and removing objects, and the edges between them.

use std::ffi::c_char;

use super::callback::CallbackMark;
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::node::{ckpt_description, ckpt_node, ckpt_node_options, ckpt_nodes, node_at, number_of, NodeSettings};
use super::{ask, bytes_at, call, copied, handle, output, own, release, required, text_at};
use ::checkpoint::{Graph, NodeId, Reason, Result};

/// A graph of objects with named edges: the state that a program saves and restores.
///
/// Thread-safe. Each call that reaches the graph holds its one lock for the whole call, callbacks
/// included; so do calls of its checkpoints and their statuses.
///
/// Errors of every function that takes nodes:
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_NODE`): the node was removed, belongs to another
///   graph, or is of the wrong kind for the function.
/// * `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_REENTRANT`): a callback of the same graph made
///   the call.
#[derive(Clone)]
pub struct ckpt_graph {
    pub(super) graph: Graph,
    pub(super) mark: CallbackMark,
}

/// The graph behind a handle. Cloned, since a callback may free the handle.
pub(super) fn graph_at(graph: *const ckpt_graph) -> Result<ckpt_graph> {
    let graph = required(graph, "the graph")?.clone();
    graph.mark.check()?;
    Ok(graph)
}

impl ckpt_graph {
    /// Adds an object and returns its number to the caller.
    pub(super) fn add(
        &self,
        options: &NodeSettings,
        node: &mut ckpt_node,
        add: impl FnOnce(&Graph) -> Result<NodeId>,
    ) -> Result<()> {
        let added = add(&self.graph)?;
        if let Some(name) = options.debug_name() {
            self.graph.set_debug_name(added, name)?;
        }
        *node = added.number();
        Ok(())
    }
}

/// The output argument for a node.
pub(super) fn node_output<'a>(node: *mut ckpt_node) -> Result<&'a mut ckpt_node> {
    output(node, 0, "the output argument `node`")
}

/// Sets an output node that the caller may decline by NULL.
pub(super) fn give_node(place: *mut ckpt_node, find: impl FnOnce() -> Result<Option<NodeId>>) -> Result<()> {
    let mut unwanted = 0;
    let out = if place.is_null() { &mut unwanted } else { node_output(place)? };
    *out = number_of(find()?);
    Ok(())
}

/// Adds an object that is neither a variable nor state.
pub(super) fn add_plain(
    graph: *const ckpt_graph,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    add: impl FnOnce(&Graph) -> Result<NodeId>,
) -> Result<()> {
    let out = node_output(node)?;
    let (graph, options) = (graph_at(graph)?, copied(options, Clone::clone)?);
    options.check_plain()?;
    graph.add(&options, out, add)
}

/// Creates an empty graph. Free it with `ckpt_graph_free`.
#[no_mangle]
pub extern "C" fn ckpt_graph_new() -> *mut ckpt_graph {
    ask(std::ptr::null_mut(), || own(ckpt_graph { graph: Graph::new(), mark: CallbackMark::default() }))
}

/// Returns another handle of the same graph, for an owner of its own; free it with
/// `ckpt_graph_free`. It reaches the same objects under the same lock. This function waits for
/// nothing and may be called from callbacks. NULL if `graph` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_graph_share(graph: *const ckpt_graph) -> *mut ckpt_graph {
    ask(std::ptr::null_mut(), || handle(graph).map_or(std::ptr::null_mut(), |graph| own(graph.clone())))
}

/// Frees a handle of a graph. The graph and its objects live as long as another handle is not freed
/// or a checkpoint uses them; after that, borrowed memory is released. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_graph_free(graph: *mut ckpt_graph) {
    release(graph);
}

/// Adds an object without values of its own.
///
/// `*node` is 0 on failure. Like all functions that add objects, it fails with
/// `CKPT_CODE_RESOURCE_EXHAUSTED` (`CKPT_REASON_LIMIT`) if the graph is full.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_object(
    graph: *const ckpt_graph,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || add_plain(graph, options, node, Graph::add_object))
}

/// Adds an object that is saved as one string (`py_state`, as TensorFlow's `PythonState`). `text`,
/// of `text_len` bytes, is copied. Read and assign it with `ckpt_graph_read_strings` and
/// `ckpt_graph_assign_strings`.
///
/// Fails as `ckpt_graph_add_object`.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_text(
    graph: *const ckpt_graph,
    text: *const c_char,
    text_len: usize,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || add_plain(graph, options, node, |graph| graph.add_text(bytes_at(text, text_len, "the text")?)))
}

/// Removes an object with all edges and slots from and to it. Its children stay. Memory that the
/// object borrowed is released before the call returns. In restores, its values become unresolved
/// again.
#[no_mangle]
pub extern "C" fn ckpt_graph_remove(graph: *const ckpt_graph, node: ckpt_node, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.remove(node_at(node)?))
}

/// Tells whether the graph contains an object. `*contains` is false if the object was removed or
/// belongs to another graph, and for node 0.
#[no_mangle]
pub extern "C" fn ckpt_graph_contains(
    graph: *const ckpt_graph,
    node: ckpt_node,
    contains: *mut bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(contains, false, "the output argument `contains`")?;
        let graph = graph_at(graph)?.graph;
        *out = match NodeId::from_number(node).map(|node| graph.describe(node)) {
            Some(Err(e)) if e.reason() != Reason::Node => return Err(e),
            described => described.is_some_and(|described| described.is_ok()),
        };
        Ok(())
    })
}

/// Describes an object: its kind and, for a variable, dtype and shape.
///
/// `*description` is owned by the caller: free it with `ckpt_description_free`.
#[no_mangle]
pub extern "C" fn ckpt_graph_describe(
    graph: *const ckpt_graph,
    node: ckpt_node,
    description: *mut *mut ckpt_description,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(description, std::ptr::null_mut(), "the output argument `description`")?;
        *out = own(ckpt_description(graph_at(graph)?.graph.describe(node_at(node)?)?));
        Ok(())
    })
}

/// Changes the name (UTF-8) of an object in messages.
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

/// Changes the name (UTF-8) of a variable in name-based checkpoints.
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

/// Adds the edge `name` (UTF-8) from `parent` to `child`. Tracking the same child again is a no-op.
///
/// If a pending restore has values for this edge, `child` and everything below it are restored
/// immediately. If that fails, this call returns the error, but the edge stays.
///
/// Errors:
/// * `CKPT_CODE_ALREADY_EXISTS` (`CKPT_REASON_NAME_TAKEN`): the edge leads to another object.
/// * Errors of the restore.
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

/// Adds the edge `name` (UTF-8) from `parent` to `child`, or redirects an existing edge to `child`,
/// as assigning an attribute does in TensorFlow.
///
/// A new edge triggers pending restores as in `ckpt_graph_track`, and fails with their errors; a
/// redirected edge does not.
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

/// Removes an edge. The object that it led to stays; `*child` is that object. `child` may be NULL.
///
/// Fails with `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_NODE`) if there is no such edge.
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

/// Gives the object that an edge leads to; `*child` is 0 if there is no such edge.
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

/// Gives the children of an object with the names of their edges, in the order in which the edges
/// were added (`TrackableView.children`).
///
/// `*children` is owned by the caller: free it with `ckpt_nodes_free`. Fails with
/// `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_UNSAVABLE`) for a list that can no longer be
/// saved.
#[no_mangle]
pub extern "C" fn ckpt_graph_children(
    graph: *const ckpt_graph,
    node: ckpt_node,
    children: *mut *mut ckpt_nodes,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(children, std::ptr::null_mut(), "the output argument `children`")?;
        *out = ckpt_nodes::named(graph_at(graph)?.graph.children(node_at(node)?)?);
        Ok(())
    })
}

/// Gives all objects reachable from `root` by edges, breadth first and starting with `root` itself.
/// Slot variables are not included (`TrackableView.descendants`).
///
/// `*descendants` is owned by the caller: free it with `ckpt_nodes_free`. Fails with
/// `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_UNSAVABLE`) if a list that can no longer be saved
/// is among them.
#[no_mangle]
pub extern "C" fn ckpt_graph_descendants(
    graph: *const ckpt_graph,
    root: ckpt_node,
    descendants: *mut *mut ckpt_nodes,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(descendants, std::ptr::null_mut(), "the output argument `descendants`")?;
        let found = graph_at(graph)?.graph.descendants(node_at(root)?)?;
        *out = ckpt_nodes::plain(found.into_iter().map(Some).collect());
        Ok(())
    })
}

/// Gives the number of pending restores that wait for the edge `name` of an object.
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
        let out = output(count, 0, "the output argument `count`")?;
        *out = graph_at(graph)?.graph.waiting(node_at(node)?, text_at(name, name_len, "the name")?)?;
        Ok(())
    })
}
