//! Lists, dicts and tuples of a graph.

use std::ffi::c_char;

use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph::{add_plain, ckpt_graph, give_node, graph_at};
use super::node::{ckpt_node, ckpt_node_options, ckpt_nodes, elements_at, node_at, texts_at};
use super::{array, call, ckpt_bytes, output, text_at};
use ::checkpoint::{Error, Graph, NodeId};

/// Adds an empty list, whose elements are tracked under their indices. Elements are objects, or 0 for what is not tracked but
/// takes a place (numbers, text of the program's). A list may only grow: whatever else changes it (a `CKPT_CODE_FAILED_PRECONDITION`
/// of saves and restores that come by, with `CKPT_REASON_UNSAVABLE`) makes it unsavable for good.
///
/// Errors are those of `ckpt_graph_add_object`, as for all functions that add containers.
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

/// Adds a tuple of `count` elements, 0 for one that is not tracked.
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

/// Adds a named tuple of `count` fields: each element is tracked under its field's name and its index.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when two fields have one name, or one is a number.
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

/// Appends an element to a list. If a restore has values for it, it is restored here and now, as by `ckpt_graph_track`.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_append(
    graph: *const ckpt_graph,
    list: ckpt_node,
    element: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.list_append(node_at(list)?, NodeId::from_number(element)))
}

/// Repeats a list in place: `list *= times`. Less than 1 empties it.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when it would have more than 2^32 elements.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_repeat(
    graph: *const ckpt_graph,
    list: ckpt_node,
    times: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || graph_at(graph)?.graph.list_repeat(node_at(list)?, times))
}

/// Replaces an element: `list[index] = element`. If that was an object, the list cannot be saved any more. A negative index
/// counts from the end.
///
/// `CKPT_CODE_OUT_OF_RANGE` when there is no such element.
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

/// Inserts an element before `index`. If there is any object in the list then, it cannot be saved any more. As in Python, a
/// negative index counts from the end, and one past an end means that end.
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

/// Removes the element at `index`; `*element`, which may be NULL, is what it was. If there was any object in the list, it
/// cannot be saved any more.
///
/// `CKPT_CODE_OUT_OF_RANGE` when there is no such element.
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

/// Replaces the elements from `start` up to `end` by `count` others: `list[start:end] = elements`; with none, `del
/// list[start:end]`. An end past that of the list means that. If there was any object in the list, it cannot be saved any more.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when `end` is before `start`.
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

/// Puts the `count` elements of a list into another order: `order` has the old index of each. If there is any object in the
/// list, it cannot be saved any more, even if the order is the old one.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when `order` does not name each element once.
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

/// The elements of a list.
///
/// `*elements` is to be freed with `ckpt_nodes_free`; NULL on failure.
#[no_mangle]
pub extern "C" fn ckpt_graph_list_elements(
    graph: *const ckpt_graph,
    list: ckpt_node,
    elements: *mut *mut ckpt_nodes,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(elements, std::ptr::null_mut(), "the place for the elements")?;
        *out = ckpt_nodes::plain(graph_at(graph)?.graph.list_elements(node_at(list)?)?);
        Ok(())
    })
}

/// Sets what a key of a dict, which is UTF-8, leads to. Where the key is new and a restore has values for it, they are restored
/// here and now, as by `ckpt_graph_track`; an object that takes the place of another is not.
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

/// Removes a key of a dict; `*child`, which may be NULL, is the object that it led to.
///
/// `CKPT_CODE_NOT_FOUND` when there is no such key.
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
