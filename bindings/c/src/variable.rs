//! Variables of a graph, and their values.

use std::ffi::c_void;

use super::constants::{ckpt_code, ckpt_dtype, known_dtype, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at, node_output};
use super::memory::Borrowed;
use super::node::{ckpt_node, ckpt_node_options, node_at};
use super::progress::ckpt_free_callback;
use super::strings::{ckpt_strings, elements_of};
use super::{array, call, ckpt_bytes, handle, output, own, places};
use ::checkpoint::{Error, Reason, Result, Variable};

/// Adds a variable; what makes it may have callbacks, and runs without the graph's lock.
pub(super) fn add(
    graph: *const ckpt_graph,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    make: impl FnOnce(&ckpt_graph) -> Result<Variable>,
) -> Result<()> {
    let out = node_output(node)?;
    let (graph, options) = (graph_at(graph)?, handle(options));
    let mut variable = make(&graph)?;
    if let Some(options) = options {
        variable = options.apply(variable)?;
    }
    graph.add(options, out, |graph| graph.add_variable(variable))
}

/// The shapes that a variable takes: nothing for any shape.
pub(super) fn accepted<'a>(shape: *const i64, rank: i32) -> Result<Option<&'a [i64]>> {
    match rank {
        -1 => Ok(None),
        _ => {
            let rank =
                usize::try_from(rank).map_err(|_| Error::argument("the rank is impossible").expecting("-1 or more", rank))?;
            array(shape, rank, "the shape").map(Some)
        }
    }
}

/// Adds a variable of a fixed-size dtype whose memory is the graph's. `data` is its value of `size` bytes, row-major and in
/// native byte order, which is copied; with NULL and 0 the value is zeros.
///
/// `*node` is 0 on failure, as of all functions that add. `CKPT_CODE_INVALID_ARGUMENT` when the shape is impossible, the dtype is
/// none or not of a fixed size, or `size` is not that of the value; else errors are those of `ckpt_graph_add_object`.
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
            let (dtype, shape) = (known_dtype(dtype)?, array(shape, rank, "the shape")?);
            match dtype.size() {
                Some(_) if data.is_null() && size == 0 => Variable::zeros(dtype, shape),
                _ => Variable::owned(dtype, shape, array(data.cast(), size, "the data")?),
            }
        })
    })
}

/// Adds a variable of a fixed-size dtype whose value is the caller's memory: `size` bytes at `data`, row-major and in native
/// byte order. It is saved from there and restored into it, in place. The library uses the memory during calls that reach the
/// graph, and never in between.
///
/// The memory is *borrowed* until `release`, if it is not NULL, is called with `user_data`: once, when nothing can touch the
/// memory any more. That is when the variable is removed or given other memory, when the last handle that needs the graph is
/// freed, or, if this call fails, at once.
///
/// Errors are those of `ckpt_graph_add_owned`.
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
        add(graph, options, node, |_| Variable::borrowed(known_dtype(dtype)?, array(shape, rank, "the shape")?, memory))
    })
}

/// Adds a variable that has no value before it is restored or assigned, and takes its shape from that (restore on create).
/// `dtype`: `CKPT_DTYPE_INVALID` for whatever the checkpoint has. `shape`: what shapes it takes, -1 for a dimension that may be
/// anything; a `rank` of -1 for any shape at all.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when a dimension is below -1 or the dtype is none that a variable may have; else errors are those of
/// `ckpt_graph_add_object`.
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

/// Adds a string variable of `count` elements, row-major, which are copied.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when `count` is not what the shape says; else errors are those of `ckpt_graph_add_object`.
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
        add(graph, options, node, |_| Variable::strings(array(shape, rank, "the shape")?, &elements_of(elements, count)?))
    })
}

/// Replaces the memory that a borrowed variable is saved from and restored into. The old memory is released before this
/// returns; the new one is borrowed as by `ckpt_graph_add_borrowed`.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the variable is not a borrowed one, or the memory has another size than its value.
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

/// The memory of a variable of a fixed-size dtype, owned or borrowed: `*size` bytes at `*data`, to be read and changed while no
/// call reaches the graph. Owned memory is lent until the variable is restored or assigned in another shape, or removed, or the
/// graph is gone; it is aligned for every dtype.
///
/// `CKPT_CODE_FAILED_PRECONDITION` when the variable has no value yet, or has it on a device; `CKPT_CODE_INVALID_ARGUMENT` for strings.
#[no_mangle]
pub extern "C" fn ckpt_graph_data(
    graph: *const ckpt_graph,
    variable: ckpt_node,
    data: *mut *mut c_void,
    size: *mut usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let data = output(data, std::ptr::null_mut(), "the place for the data")?;
        let size = output(size, 0, "the place for the size")?;
        let memory = graph_at(graph)?.graph.with_memory(node_at(variable)?, |memory| (memory.as_mut_ptr(), memory.len()))?;
        (*data, *size) = (memory.0.cast(), memory.1);
        Ok(())
    })
}

/// Copies the value of a variable of a fixed-size dtype, wherever it is, to `buffer` of `size` bytes: row-major and in native
/// byte order.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the value has another size, or for strings; `CKPT_CODE_FAILED_PRECONDITION` when the variable has no
/// value yet; `CKPT_CODE_ABORTED` when a callback fails.
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
        let buffer = places::<u8>(buffer.cast(), size, "the buffer")?;
        let mut copy = |value: &[u8]| {
            if value.len() != buffer.len() {
                return Err(Error::argument("the buffer has another size than the value")
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

/// Gives a variable of a fixed-size dtype, wherever it is, a value of `size` bytes: row-major and in native byte order. One
/// without a value takes its type and shape from it.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the variable has another type or shape, or `size` is not that of the value; `CKPT_CODE_ABORTED` when
/// a callback fails.
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
        let (graph, shape) = (graph_at(graph)?.graph, array(shape, rank, "the shape")?);
        graph.assign(node_at(variable)?, known_dtype(dtype)?, shape, array(data.cast(), size, "the data")?)
    })
}

/// The elements of a string variable; of a text, the one.
///
/// `*strings` is to be freed with `ckpt_strings_free`; NULL on failure. `CKPT_CODE_FAILED_PRECONDITION` when the variable has no
/// value yet, `CKPT_CODE_INVALID_ARGUMENT` for other dtypes.
#[no_mangle]
pub extern "C" fn ckpt_graph_read_strings(
    graph: *const ckpt_graph,
    node: ckpt_node,
    strings: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(strings, std::ptr::null_mut(), "the place for the strings")?;
        *out = own(ckpt_strings(graph_at(graph)?.graph.read_strings(node_at(node)?)?));
        Ok(())
    })
}

/// Gives a string variable, or a text (`rank` 0 and `count` 1), a value: `count` elements, row-major, which are copied.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when it is of another type or shape, or `count` is not what the shape says.
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
        let (graph, shape) = (graph_at(graph)?.graph, array(shape, rank, "the shape")?);
        graph.assign_strings(node_at(node)?, shape, &elements_of(elements, count)?)
    })
}

/// The value of an integer scalar of any integer dtype: a step, a counter.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the variable is none, `CKPT_CODE_FAILED_PRECONDITION` when it has no value yet.
#[no_mangle]
pub extern "C" fn ckpt_graph_read_integer(
    graph: *const ckpt_graph,
    variable: ckpt_node,
    value: *mut i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(value, 0, "the place for the value")?;
        *out = graph_at(graph)?.graph.read_integer(node_at(variable)?)?;
        Ok(())
    })
}
