//! Variables of a graph, and their values.

use std::ffi::c_void;

use super::constants::{ckpt_code, ckpt_dtype, known_dtype, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at, node_output};
use super::memory::Borrowed;
use super::node::{ckpt_node, ckpt_node_options, node_at};
use super::progress::ckpt_free_callback;
use super::strings::{ckpt_strings, elements_of};
use super::{array, array_mut, call, ckpt_bytes, copied, dimensions_at, output, own};
use ::checkpoint::{Error, Reason, Result, Variable};

/// Adds a variable. `make` may run callbacks and is called without the graph's lock.
pub(super) fn add(
    graph: *const ckpt_graph,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    make: impl FnOnce(&ckpt_graph) -> Result<Variable>,
) -> Result<()> {
    let out = node_output(node)?;
    let (graph, options) = (graph_at(graph)?, copied(options, Clone::clone)?);
    let made = make(&graph).and_then(|variable| options.apply(variable));
    let variable = made.map_err(|e| options.named(e))?;
    graph.add(&options, out, |graph| graph.add_variable(variable))
}

/// The shapes that a variable accepts; None for any shape.
pub(super) fn accepted<'a>(shape: *const i64, rank: i32) -> Result<Option<&'a [i64]>> {
    match rank {
        -1 => Ok(None),
        _ => {
            let rank = usize::try_from(rank).map_err(|_| Error::argument("the rank is invalid").expecting("-1 or more", rank))?;
            dimensions_at(shape, rank, "the shape").map(Some)
        }
    }
}

/// Adds a variable of a fixed-size dtype whose memory the graph owns.
///
/// `data` is its initial value of `size` bytes, row-major and in native byte order, which is
/// copied. With NULL and 0, the value is all zeros. `*node` is 0 on failure, as for all functions
/// that add objects.
///
/// Fails as `ckpt_graph_add_object`, and with `CKPT_CODE_INVALID_ARGUMENT` if the shape is invalid,
/// the dtype is unknown or not fixed-size, or `size` is not the size of the value.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_owned(
    graph: *const ckpt_graph,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: usize,
    data: *const c_void,
    size: usize,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        add(graph, options, node, |_| {
            let (dtype, shape) = (known_dtype(dtype)?, dimensions_at(shape, rank, "the shape")?);
            match dtype.size() {
                Some(_) if data.is_null() && size == 0 => Variable::zeros(dtype, shape),
                _ => Variable::owned(dtype, shape, array(data.cast(), size, "the data")?),
            }
        })
    })
}

/// Adds a variable of a fixed-size dtype whose value is in the caller's memory: `size` bytes at
/// `data`, row-major and in native byte order. It is saved from there and restored in place. The
/// library accesses the memory only during calls that reach the graph.
///
/// The memory is *borrowed* until `release`, unless NULL, is called with `user_data`: exactly once,
/// when the library will not access the memory again. That is when the variable is removed or given
/// other memory, when the last handle that uses the graph is freed, or, if this call fails,
/// immediately.
///
/// Fails as `ckpt_graph_add_owned`.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_borrowed(
    graph: *const ckpt_graph,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: usize,
    data: *mut c_void,
    size: usize,
    user_data: *mut c_void,
    release: ckpt_free_callback,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let memory = Borrowed::new(data, size, user_data, release)?;
        add(graph, options, node, |_| Variable::borrowed(known_dtype(dtype)?, dimensions_at(shape, rank, "the shape")?, memory))
    })
}

/// Adds a variable that has no value until it is restored or assigned, and takes its shape from
/// that value (restore on create).
///
/// `dtype` is `CKPT_DTYPE_INVALID` to accept the dtype of the checkpoint. `shape` gives the
/// accepted shape, with -1 for a dimension of any size; a `rank` of -1 accepts any shape.
///
/// Fails as `ckpt_graph_add_object`, and with `CKPT_CODE_INVALID_ARGUMENT` if a dimension is below
/// -1 or a variable cannot have the dtype.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_without_value(
    graph: *const ckpt_graph,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: i32,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        add(graph, options, node, |_| {
            let dtype = if dtype == CKPT_DTYPE_INVALID { None } else { Some(known_dtype(dtype)?) };
            Variable::without_value(dtype, accepted(shape, rank)?)
        })
    })
}

/// Adds a string variable of `count` elements, row-major. The elements are copied.
///
/// Fails as `ckpt_graph_add_object`, and with `CKPT_CODE_INVALID_ARGUMENT` if `count` does not
/// match the shape.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_strings(
    graph: *const ckpt_graph,
    shape: *const i64,
    rank: usize,
    elements: *const ckpt_bytes,
    count: usize,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        add(graph, options, node, |_| {
            let shape = dimensions_at(shape, rank, "the shape")?;
            Variable::strings(shape, &elements_of(shape, elements, count)?)
        })
    })
}

/// Replaces the memory of a borrowed variable. The old memory is released before the call returns;
/// the new memory is borrowed as by `ckpt_graph_add_borrowed`.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if the variable's memory is not borrowed, or `size` is
/// not the size of its value.
#[no_mangle]
pub extern "C" fn ckpt_graph_set_borrowed(
    graph: *const ckpt_graph,
    variable: ckpt_node,
    data: *mut c_void,
    size: usize,
    user_data: *mut c_void,
    release: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let memory = Borrowed::new(data, size, user_data, release)?;
        graph_at(graph)?.graph.set_memory(node_at(variable)?, memory)
    })
}

/// Gives the memory of a variable of a fixed-size dtype, owned or borrowed: `*size` bytes at
/// `*data`. The caller may read and modify it while no call reaches the graph.
///
/// Owned memory is lent until the variable is removed, or restored or assigned with another shape,
/// or the graph no longer exists. It is aligned for every dtype.
///
/// Errors:
/// * `CKPT_CODE_FAILED_PRECONDITION`: the variable has no value yet (`CKPT_REASON_NOT_SHAPED`), or
///   its value is on a device (`CKPT_REASON_UNSUPPORTED`).
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_DTYPE`): the variable holds strings.
#[no_mangle]
pub extern "C" fn ckpt_graph_data(
    graph: *const ckpt_graph,
    variable: ckpt_node,
    data: *mut *mut c_void,
    size: *mut usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let data = output(data, std::ptr::null_mut(), "the output argument `data`")?;
        let size = output(size, 0, "the output argument `size`")?;
        let memory = graph_at(graph)?.graph.with_memory(node_at(variable)?, |memory| (memory.as_mut_ptr(), memory.len()))?;
        (*data, *size) = (memory.0.cast(), memory.1);
        Ok(())
    })
}

/// Copies the value of a variable of a fixed-size dtype to `buffer` of `size` bytes, row-major and
/// in native byte order. Works for owned, borrowed and device variables.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `size` is not the size of the value (`CKPT_REASON_SHAPE`), or
///   the variable holds strings (`CKPT_REASON_DTYPE`).
/// * `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_NOT_SHAPED`): the variable has no value yet.
/// * `CKPT_CODE_ABORTED` (`CKPT_REASON_CALLBACK`): a callback failed.
#[no_mangle]
pub extern "C" fn ckpt_graph_read(
    graph: *const ckpt_graph,
    variable: ckpt_node,
    buffer: *mut c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let (graph, variable) = (graph_at(graph)?.graph, node_at(variable)?);
        let buffer = array_mut::<u8>(buffer.cast(), size, "the buffer")?;
        let mut copy = |value: &[u8]| {
            if value.len() != buffer.len() {
                return Err(Error::argument("the buffer does not have the size of the value")
                    .because(Reason::Shape)
                    .expecting(format_args!("{} bytes", value.len()), format_args!("{} bytes", buffer.len())));
            }
            buffer.copy_from_slice(value);
            Ok(())
        };
        match graph.with_memory(variable, |value| copy(value)) {
            Err(e) if e.reason() == Reason::Unsupported => copy(&graph.read(variable)?),
            copied => copied?,
        }
    })
}

/// Assigns a value of `size` bytes, row-major and in native byte order, to a variable of a
/// fixed-size dtype. Works for owned, borrowed and device variables. A variable without a value
/// takes its dtype and shape from the value.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the variable has another dtype or shape, or `size` is not the
///   size of the value.
/// * `CKPT_CODE_ABORTED` (`CKPT_REASON_CALLBACK`): a callback failed.
#[no_mangle]
pub extern "C" fn ckpt_graph_assign(
    graph: *const ckpt_graph,
    variable: ckpt_node,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: usize,
    data: *const c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let (graph, shape) = (graph_at(graph)?.graph, dimensions_at(shape, rank, "the shape")?);
        graph.assign(node_at(variable)?, known_dtype(dtype)?, shape, array(data.cast(), size, "the data")?)
    })
}

/// Reads the elements of a string variable, or the one string of a text object.
///
/// `*strings` is owned by the caller: free it with `ckpt_strings_free`.
///
/// Errors:
/// * `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_NOT_SHAPED`): the variable has no value yet.
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_DTYPE`): the variable has another dtype.
#[no_mangle]
pub extern "C" fn ckpt_graph_read_strings(
    graph: *const ckpt_graph,
    node: ckpt_node,
    strings: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(strings, std::ptr::null_mut(), "the output argument `strings`")?;
        *out = own(ckpt_strings(graph_at(graph)?.graph.read_strings(node_at(node)?)?));
        Ok(())
    })
}

/// Assigns `count` elements, row-major, to a string variable, or one string to a text object
/// (`rank` 0, `count` 1). The elements are copied.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if the variable has another dtype or shape, or `count`
/// does not match the shape.
#[no_mangle]
pub extern "C" fn ckpt_graph_assign_strings(
    graph: *const ckpt_graph,
    node: ckpt_node,
    shape: *const i64,
    rank: usize,
    elements: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let (graph, shape) = (graph_at(graph)?.graph, dimensions_at(shape, rank, "the shape")?);
        graph.assign_strings(node_at(node)?, shape, &elements_of(shape, elements, count)?)
    })
}

/// Tells whether a restore has assigned a value to an object: a variable, state or text.
/// `*was_restored` is false for an object without values of its own. A program that initializes
/// what it adds after a restore asks this first, or it overwrites what the checkpoint had for it.
#[no_mangle]
pub extern "C" fn ckpt_graph_was_restored(
    graph: *const ckpt_graph,
    node: ckpt_node,
    was_restored: *mut bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(was_restored, false, "the output argument `was_restored`")?;
        *out = graph_at(graph)?.graph.was_restored(node_at(node)?)?;
        Ok(())
    })
}

/// Reads a scalar variable of any integer dtype, such as a step counter.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_DTYPE`): the variable is not an integer scalar, or
///   its value does not fit an `int64_t`.
/// * `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_NOT_SHAPED`): the variable has no value yet.
/// * `CKPT_CODE_ABORTED` (`CKPT_REASON_CALLBACK`): a callback failed.
#[no_mangle]
pub extern "C" fn ckpt_graph_read_integer(
    graph: *const ckpt_graph,
    variable: ckpt_node,
    value: *mut i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(value, 0, "the output argument `value`")?;
        *out = graph_at(graph)?.graph.read_integer(node_at(variable)?)?;
        Ok(())
    })
}
