//! Slot variables: the variables that an optimizer keeps for each variable that it trains.

use std::ffi::{c_char, c_void};

use super::callback::{ckpt_failure, CallbackMark};
use super::constants::{ckpt_code, ckpt_dtype, CKPT_DTYPE_INVALID};
use super::device::{self, ckpt_device};
use super::error::ckpt_error;
use super::exclusive::Changeable;
use super::graph::{add_plain, ckpt_graph, give_node, graph_at, node_output};
use super::memory::Borrowed;
use super::node::{ckpt_node, ckpt_node_options, node_at, number_of, NodeSettings};
use super::progress::{ckpt_free_callback, UserData};
use super::strings::ckpt_strings;
use super::{ask, call, changed, ckpt_bytes, copied, handle, output, own, required, text_at, Exclusive};
use ::checkpoint::{CreateSlot, DType, NodeId, Result, Strings, Variable};

/// A request for a slot variable that a checkpoint has a value for. Valid only while the
/// `ckpt_create_slot_callback` runs.
pub struct ckpt_slot_request {
    owner: NodeId,
    variable: NodeId,
    name: String,
    dtype: DType,
    shape: Vec<i64>,
    made: Exclusive<Option<Variable>>,
    mark: CallbackMark,
}

impl Changeable for ckpt_slot_request {
    type Value = Option<Variable>;
    fn exclusive(&self) -> &Exclusive<Option<Variable>> {
        &self.made
    }
}

/// Creates a slot variable that does not exist yet but that a checkpoint has a value for, by
/// calling one of the `ckpt_slot_request_set_` functions. If it calls none, the restore of the
/// value stays pending until the program adds the slot.
///
/// Called on the thread that restores. Any return value but `CKPT_CODE_OK` ends the restore with
/// `CKPT_CODE_ABORTED`, before anything is assigned.
pub type ckpt_create_slot_callback =
    Option<extern "C" fn(user_data: *mut c_void, request: *mut ckpt_slot_request, failure: *mut ckpt_failure) -> ckpt_code>;

/// Adds an object that may have slot variables, such as an optimizer.
///
/// `create` creates slots that a checkpoint has values for. If it is NULL, the restores of these
/// values stay pending until `ckpt_graph_set_slot` is called. The graph keeps `user_data`;
/// `free_user_data`, unless NULL, is called when the object is removed or the graph no longer
/// exists; if this call fails, immediately.
///
/// Fails as `ckpt_graph_add_object`.
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
                let mut request =
                    ckpt_slot_request { owner, variable, name, dtype, shape, made: Exclusive::default(), mark: mark.clone() };
                mark.try_run(|failure| create(user.pointer(), &mut request, failure))?;
                Ok(request.made.take())
            });
            graph.add_slot_owner(Some(create))
        })
    })
}

/// Returns the object that the slot belongs to; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_owner(request: *const ckpt_slot_request) -> ckpt_node {
    ask(0, || number_of(handle(request).map(|r| r.owner)))
}

/// Returns the variable that the slot is kept for; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_variable(request: *const ckpt_slot_request) -> ckpt_node {
    ask(0, || number_of(handle(request).map(|r| r.variable)))
}

/// Returns the name of the slot, e.g. `m`. Lent by the request.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_name(request: *const ckpt_slot_request) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(request).map(|r| r.name.as_bytes()).into())
}

/// Returns the dtype of the value; `CKPT_DTYPE_INVALID` for NULL.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_dtype(request: *const ckpt_slot_request) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || handle(request).map_or(CKPT_DTYPE_INVALID, |r| r.dtype.number() as ckpt_dtype))
}

/// Returns the number of dimensions of the value; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_rank(request: *const ckpt_slot_request) -> usize {
    ask(0, || handle(request).map_or(0, |r| r.shape.len()))
}

/// Returns the dimensions of the value, an array of `ckpt_slot_request_rank` values. If the
/// variable is a part of a larger tensor, they are those of the part. Lent by the request.
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
    let mut made = changed(request, "the request")?;
    let variable = make(required(request.cast_const(), "the request")?)?;
    *made = Some(copied(options, NodeSettings::clone)?.apply(variable)?);
    Ok(())
}

/// Creates the slot as a variable whose memory the graph owns. This and the other
/// `ckpt_slot_request_set_` functions replace a slot made before for the same request, and ignore a
/// debug name in the options.
///
/// Fails with `CKPT_CODE_RESOURCE_EXHAUSTED` if there is not enough memory.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_set_owned(
    request: *mut ckpt_slot_request,
    options: *const ckpt_node_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || fill(request, options, |r| Variable::zeros(r.dtype, &r.shape)))
}

/// Creates the slot as a variable whose value is in the caller's memory, borrowed as by
/// `ckpt_graph_add_borrowed`.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if `size` is not the size of the value, or the dtype is
/// not fixed-size.
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

/// Creates the slot as a variable whose value is on a device, as in `ckpt_graph_add_device`.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if the device has no read callback, or the dtype is not
/// fixed-size.
#[no_mangle]
pub extern "C" fn ckpt_slot_request_set_device(
    request: *mut ckpt_slot_request,
    device: *const ckpt_device,
    options: *const ckpt_node_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || fill(request, options, |r| device::variable(&r.mark, r.dtype, Some(&r.shape), device)))
}

/// Makes the variable `slot` the slot `name` (UTF-8) that `owner` keeps for `variable`. Setting the
/// same slot again is a no-op.
///
/// If a pending restore has a value for the slot, it is restored immediately. If that fails, this
/// call returns the error, but the slot stays.
///
/// Errors:
/// * `CKPT_CODE_ALREADY_EXISTS` (`CKPT_REASON_NAME_TAKEN`): there already is another slot of this
///   name.
/// * Errors of the restore.
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

/// Gives the slot `name` that `owner` keeps for `variable`; `*slot` is 0 if there is none.
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

/// Removes a slot from its owner. The slot variable stays; `*slot` is that variable. `slot` may be
/// NULL.
///
/// Fails with `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_NODE`) if there is no such slot.
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

/// Gives the names of an owner's slots, in the order in which the first slot of each name was made.
///
/// `*names` is owned by the caller: free it with `ckpt_strings_free`.
#[no_mangle]
pub extern "C" fn ckpt_graph_slot_names(
    graph: *const ckpt_graph,
    owner: ckpt_node,
    names: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(names, std::ptr::null_mut(), "the output argument `names`")?;
        *out = own(ckpt_strings(Strings::copy_of(&graph_at(graph)?.graph.slot_names(node_at(owner)?)?)?));
        Ok(())
    })
}
