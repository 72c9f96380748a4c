//! Lists, dicts and tuples of a graph.

use std::ffi::c_char;

use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph::{add_plain, ckpt_graph, give_node, graph_at};
use super::node::{ckpt_node, ckpt_node_options, ckpt_nodes, elements_at, node_at, texts_at};
use super::{array, call, ckpt_bytes, output, text_at};
use ::checkpoint::{Error, Graph, NodeId};

/// Adds an empty list, whose elements are tracked under their indices. An element is an object, or
/// 0 for a place that is not tracked (a number or text of the program).
///
/// Lists are append-only: inserting, replacing, removing or moving objects makes a list unsavable
/// for good. Saves and restores that reach it then fail with `CKPT_CODE_FAILED_PRECONDITION`
/// (`CKPT_REASON_UNSAVABLE`).
///
/// Fails as `ckpt_graph_add_object`, as do all functions that add containers.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_list(
    graph: *const ckpt_graph,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || add_plain(graph, options, node, Graph::add_list))
}

/// Adds an empty dict, whose elements are tracked under their keys.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_dict(
    graph: *const ckpt_graph,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || add_plain(graph, options, node, Graph::add_dict))
}

/// Adds a tuple of `count` elements, tracked under their indices; 0 is an element that is not
/// tracked.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_tuple(
    graph: *const ckpt_graph,
    elements: *const ckpt_node,
    count: usize,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || add_plain(graph, options, node, |graph| graph.add_tuple(&elements_at(elements, count)?)))
}

/// Adds a named tuple of `count` fields. Each element is tracked under the name (UTF-8) of its
/// field and under its index; 0 is an element that is not tracked.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if two fields have the same name or a name is a number.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_named_tuple(
    graph: *const ckpt_graph,
    fields: *const ckpt_bytes,
    elements: *const ckpt_node,
    count: usize,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        add_plain(graph, options, node, |graph| {
            let (names, elements) = (texts_at(fields, count)?, elements_at(elements, count)?);
            let fields: Vec<(&str, Option<NodeId>)> = names.into_iter().zip(elements).collect();
            graph.add_named_tuple(&fields)
        })
    })
}

/// Appends an element to a list. Pending restores that have values for it restore it immediately,
/// as in `ckpt_graph_track`.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_append(
    graph: *const ckpt_graph,
    list: ckpt_node,
    element: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.list_append(node_at(list)?, NodeId::from_number(element)))
}

/// Repeats a list in place: `list *= times`. A value below 1 empties the list, and if it held any
/// object, it can no longer be saved.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if the list would have 2^32 elements or more.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_repeat(
    graph: *const ckpt_graph,
    list: ckpt_node,
    times: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.list_repeat(node_at(list)?, times))
}

/// Replaces an element: `list[index] = element`. A negative index counts from the end. If the old
/// element was an object, the list can no longer be saved.
///
/// Fails with `CKPT_CODE_OUT_OF_RANGE` if there is no such element.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_set(
    graph: *const ckpt_graph,
    list: ckpt_node,
    index: i64,
    element: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.list_set(node_at(list)?, index, NodeId::from_number(element)))
}

/// Inserts an element before `index`. As in Python, a negative index counts from the end, and an
/// index past an end means that end. If the list then holds any object, it can no longer be saved.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_insert(
    graph: *const ckpt_graph,
    list: ckpt_node,
    index: i64,
    element: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.list_insert(node_at(list)?, index, NodeId::from_number(element)))
}

/// Removes the element at `index`; a negative index counts from the end. `*element` is the removed
/// element; `element` may be NULL. If the list held any object, it can no longer be saved.
///
/// Fails with `CKPT_CODE_OUT_OF_RANGE` if there is no such element.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_remove(
    graph: *const ckpt_graph,
    list: ckpt_node,
    index: i64,
    element: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || give_node(element, || graph_at(graph)?.graph.list_remove(node_at(list)?, index)))
}

/// Replaces the elements from `start` up to, but not including, `end` by `count` others:
/// `list[start:end] = elements`. With `count` 0, deletes them: `del list[start:end]`. Bounds past
/// the end of the list mean its end. If the list held any object, it can no longer be saved.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if `end` is less than `start`.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_splice(
    graph: *const ckpt_graph,
    list: ckpt_node,
    start: usize,
    end: usize,
    elements: *const ckpt_node,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let graph = graph_at(graph)?.graph;
        if end < start {
            return Err(Error::argument("the range ends before it starts").expecting(format_args!("{start} or more"), end));
        }
        graph.list_splice(node_at(list)?, start..end, &elements_at(elements, count)?)
    })
}

/// Reorders a list of `count` elements: `order[i]` is the old index of the element at the new index
/// `i`. If the list holds any object, it can no longer be saved, even if the order is unchanged.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if `order` does not name each element exactly once.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_reorder(
    graph: *const ckpt_graph,
    list: ckpt_node,
    order: *const usize,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.list_reorder(node_at(list)?, array(order, count, "the order")?))
}

/// Gives the elements of a list, 0 for those that are not tracked.
///
/// `*elements` is owned by the caller: free it with `ckpt_nodes_free`.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_elements(
    graph: *const ckpt_graph,
    list: ckpt_node,
    elements: *mut *mut ckpt_nodes,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(elements, std::ptr::null_mut(), "the output argument `elements`")?;
        *out = ckpt_nodes::plain(graph_at(graph)?.graph.list_elements(node_at(list)?)?);
        Ok(())
    })
}

/// Sets the object of a key (UTF-8) of a dict. For a new key, pending restores that have values for
/// it restore the object immediately, as in `ckpt_graph_track`; an object that replaces another is
/// not restored.
#[no_mangle]
pub extern "C" fn ckpt_graph_dict_set(
    graph: *const ckpt_graph,
    dict: ckpt_node,
    key: *const c_char,
    key_len: usize,
    child: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.dict_set(node_at(dict)?, text_at(key, key_len, "the key")?, node_at(child)?))
}

/// Removes a key of a dict. `*child` is the object that it led to; `child` may be NULL.
///
/// Fails with `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_NODE`) if there is no such key.
#[no_mangle]
pub extern "C" fn ckpt_graph_dict_remove(
    graph: *const ckpt_graph,
    dict: ckpt_node,
    key: *const c_char,
    key_len: usize,
    child: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        give_node(child, || graph_at(graph)?.graph.dict_remove(node_at(dict)?, text_at(key, key_len, "the key")?).map(Some))
    })
}
