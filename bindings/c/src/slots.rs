//! Slot variables: what an optimizer keeps for each variable.

use std::ffi::{c_char, c_void};

use super::callback::{ckpt_failure, Mark};
use super::constants::{ckpt_code, ckpt_dtype, CKPT_DTYPE_INVALID};
use super::device::{self, ckpt_device};
use super::error::ckpt_error;
use super::graph::{add_plain, ckpt_graph, give_node, graph_at, node_output};
use super::memory::Borrowed;
use super::node::{ckpt_node, ckpt_node_options, node_at, number_of};
use super::progress::{ckpt_free_callback, UserData};
use super::strings::ckpt_strings;
use super::{ask, call, changed, ckpt_bytes, handle, output, own, text_at};
use ::checkpoint::{CreateSlot, DType, Error, NodeId, Result, Strings, Variable};

/// Asks for a slot variable for which a checkpoint has a value. It lives while the callback that makes slots runs.
pub struct ckpt_slot_request {
    owner: NodeId,
    variable: NodeId,
    name: String,
    dtype: DType,
    shape: Vec<i64>,
    made: Option<Variable>,
    mark: Mark,
}

/// Makes a slot variable when a checkpoint has a value for one that does not exist yet, by one of the `ckpt_slot_request_set_`
/// functions. If it calls none, the value waits until the program makes the slot. Anything but `CKPT_CODE_OK` ends the restore with
/// `CKPT_CODE_ABORTED`, before anything is assigned. It is called on the thread that restores.
pub type ckpt_create_slot_callback =
    Option<extern "C" fn(user_data: *mut c_void, request: *mut ckpt_slot_request, failure: *mut ckpt_failure) -> ckpt_code>;

/// Adds an object that may have slot variables, as an optimizer does. `create`, which may be NULL, makes slots for which a
/// checkpoint has values; without it the values wait for `ckpt_graph_set_slot`. The graph keeps `user_data`; `free_user_data`,
/// if it is not NULL, is called when the object is removed or the graph is gone; when this call fails, at once.
///
/// Errors are those of `ckpt_graph_add_object`.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_slot_owner(
    graph: *const ckpt_graph,
    create: ckpt_create_slot_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        node_output(node)?;
        let mark = graph_at(graph)?.mark;
        add_plain(graph, options, node, |graph| {
            let Some(create) = create else { return graph.add_slot_owner(None) };
            let create: CreateSlot = Box::new(move |owner, variable, name, dtype, shape| {
                let (name, shape) = (name.to_owned(), shape.to_vec());
                let mut request = ckpt_slot_request { owner, variable, name, dtype, shape, made: None, mark: mark.clone() };
                mark.try_run(|failure| create(user.pointer(), &mut request, failure))?;
                Ok(request.made)
            });
            graph.add_slot_owner(Some(create))
        })
    })
}

/// The object that is to have the slot; 0 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_owner(request: *const ckpt_slot_request) -> ckpt_node {
    ask(0, || number_of(handle(request).map(|r| r.owner)))
}

/// The variable that the slot is kept for; 0 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_variable(request: *const ckpt_slot_request) -> ckpt_node {
    ask(0, || number_of(handle(request).map(|r| r.variable)))
}

/// What the slot is, e.g. `m`. Lent.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_name(request: *const ckpt_slot_request) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(request).map(|r| r.name.as_bytes()).into())
}

/// The type of the value's elements; `CKPT_DTYPE_INVALID` of NULL.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_dtype(request: *const ckpt_slot_request) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || handle(request).map_or(CKPT_DTYPE_INVALID, |r| r.dtype.number() as ckpt_dtype))
}

/// The number of dimensions of the value.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_rank(request: *const ckpt_slot_request) -> usize {
    ask(0, || handle(request).map_or(0, |r| r.shape.len()))
}

/// The dimensions of the value, as many as `ckpt_slot_request_rank` says; for a variable that is a part of a tensor, those of the
/// part. Lent.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_shape(request: *const ckpt_slot_request) -> *const i64 {
    ask(std::ptr::null(), || handle(request).map_or(std::ptr::null(), |r| r.shape.as_ptr()))
}

/// Makes the slot, of the value's dtype and shape.
fn fill(
    request: *mut ckpt_slot_request,
    options: *const ckpt_node_options,
    make: impl FnOnce(&ckpt_slot_request) -> Result<Variable>,
) -> Result<()> {
    let request = changed(request).ok_or_else(|| Error::argument("the request is NULL"))?;
    let variable = make(request)?;
    request.made = Some(match handle(options) {
        Some(options) => options.apply(variable)?,
        None => variable,
    });
    Ok(())
}

/// Makes the slot a variable whose memory is the graph's. What was made for the request before is forgotten, as by the
/// functions below; a debug name in the options does nothing.
///
/// `CKPT_CODE_RESOURCE_EXHAUSTED` when there is no memory for it.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_set_owned(
    request: *mut ckpt_slot_request,
    options: *const ckpt_node_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || fill(request, options, |r| Variable::zeros(r.dtype, &r.shape)))
}

/// Makes the slot a variable whose value is the caller's memory, borrowed as by `ckpt_graph_add_borrowed`.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when `size` is not that of the value, or it is not of a fixed-size dtype.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_set_borrowed(
    request: *mut ckpt_slot_request,
    data: *mut c_void,
    size: usize,
    user_data: *mut c_void,
    release: ckpt_free_callback,
    options: *const ckpt_node_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let memory = Borrowed::new(data, size, user_data, release)?;
        fill(request, options, |r| Variable::borrowed(r.dtype, &r.shape, memory))
    })
}

/// Makes the slot a variable whose value is on a device, as `ckpt_graph_add_device` does.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the device has no callback that reads, or the value is not of a fixed-size dtype.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_set_device(
    request: *mut ckpt_slot_request,
    device: *const ckpt_device,
    options: *const ckpt_node_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || fill(request, options, |r| device::variable(&r.mark, r.dtype, Some(&r.shape), device)))
}

/// Makes the variable `slot` the slot `name`, which is UTF-8, that `owner` keeps for `variable`. If a restore has a value for
/// it, it is restored here and now, and errors of that come from here: the slot stands all the same.
///
/// `CKPT_CODE_ALREADY_EXISTS` when there is another; else what restoring reports.
#[no_mangle]
pub extern "C" fn ckpt_graph_set_slot(
    graph: *const ckpt_graph,
    owner: ckpt_node,
    variable: ckpt_node,
    name: *const c_char,
    name_len: usize,
    slot: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let graph = graph_at(graph)?.graph;
        graph.set_slot(node_at(owner)?, node_at(variable)?, text_at(name, name_len, "the name")?, node_at(slot)?)
    })
}

/// The slot `name` that `owner` keeps for `variable`; `*slot` is 0 when there is none.
#[no_mangle]
pub extern "C" fn ckpt_graph_slot(
    graph: *const ckpt_graph,
    owner: ckpt_node,
    variable: ckpt_node,
    name: *const c_char,
    name_len: usize,
    slot: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = node_output(slot)?;
        let graph = graph_at(graph)?.graph;
        *out = number_of(graph.slot(node_at(owner)?, node_at(variable)?, text_at(name, name_len, "the name")?)?);
        Ok(())
    })
}

/// Takes a slot from its owner. The slot variable stays, and is `*slot`, which may be NULL.
///
/// `CKPT_CODE_NOT_FOUND` when there is no such slot.
#[no_mangle]
pub extern "C" fn ckpt_graph_remove_slot(
    graph: *const ckpt_graph,
    owner: ckpt_node,
    variable: ckpt_node,
    name: *const c_char,
    name_len: usize,
    slot: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        give_node(slot, || {
            let graph = graph_at(graph)?.graph;
            graph.remove_slot(node_at(owner)?, node_at(variable)?, text_at(name, name_len, "the name")?).map(Some)
        })
    })
}

/// The names of an owner's slots, in the order in which the first of each was made.
///
/// `*names` is to be freed with `ckpt_strings_free`; NULL on failure.
#[no_mangle]
pub extern "C" fn ckpt_graph_slot_names(
    graph: *const ckpt_graph,
    owner: ckpt_node,
    names: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(names, std::ptr::null_mut(), "the place for the names")?;
        *out = own(ckpt_strings(Strings::copy_of(&graph_at(graph)?.graph.slot_names(node_at(owner)?)?)?));
        Ok(())
    })
}
