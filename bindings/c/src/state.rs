//! Objects with several tensors of their own, saved and restored by callbacks.

use std::ffi::{c_char, c_void};

use super::callback::{ckpt_failure, ckpt_read_callback, Mark};
use super::constants::{ckpt_code, ckpt_dtype, known_dtype, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at, node_output};
use super::memory::Borrowed;
use super::node::{ckpt_node, ckpt_node_options};
use super::progress::{ckpt_free_callback, UserData};
use super::strings::elements_of;
use super::{array, ask, call, changed, ckpt_bytes, handle, text_at};
use ::checkpoint::{Error, Failure, Result, Sink, Source, SourceTensor, State};

/// Takes the tensors of an object that is being saved. It lives while the save callback runs, and is for one thread at a time.
pub struct ckpt_sink {
    sink: Sink,
    mark: Mark,
}

/// The tensors that a checkpoint has for an object. It lives while the restore callback runs.
pub struct ckpt_source(*const Source);

/// A tensor that a checkpoint has for an object. Lent by a source, it lives as long as that.
pub struct ckpt_source_tensor {
    _tensor: SourceTensor,
}

/// Puts the tensors of an object into `sink`, in the order in which they are to be stored. Anything but `CKPT_CODE_OK` ends the save
/// with `CKPT_CODE_ABORTED`, before anything is written. It is called on the thread that saves.
pub type ckpt_save_callback =
    Option<extern "C" fn(user_data: *mut c_void, sink: *mut ckpt_sink, failure: *mut ckpt_failure) -> ckpt_code>;

/// Takes the tensors of an object from `source`. It is called once, on the thread that restores, after all of them were read
/// and checked. Anything but `CKPT_CODE_OK` ends the restore with `CKPT_CODE_ABORTED`: what it comes to after this object is not
/// assigned.
pub type ckpt_restore_callback =
    Option<extern "C" fn(user_data: *mut c_void, source: *const ckpt_source, failure: *mut ckpt_failure) -> ckpt_code>;

impl ckpt_sink {
    /// Lends a sink to a callback.
    pub(super) fn lend(
        mark: &Mark,
        sink: &mut Sink,
        callback: impl FnOnce(*mut ckpt_sink, *mut ckpt_failure) -> ckpt_code,
    ) -> std::result::Result<(), Failure> {
        let mut lent = ckpt_sink { sink: std::mem::take(sink), mark: mark.clone() };
        let saved = mark.try_run(|failure| callback(&mut lent, failure));
        *sink = lent.sink;
        saved
    }
}

impl ckpt_source {
    /// Lends a source to a callback.
    pub(super) fn lend(
        mark: &Mark,
        source: &Source,
        callback: impl FnOnce(*const ckpt_source, *mut ckpt_failure) -> ckpt_code,
    ) -> std::result::Result<(), Failure> {
        let lent = ckpt_source(source);
        mark.try_run(|failure| callback(&lent, failure))
    }
}

struct Callbacks {
    user: UserData,
    save: extern "C" fn(*mut c_void, *mut ckpt_sink, *mut ckpt_failure) -> ckpt_code,
    restore: extern "C" fn(*mut c_void, *const ckpt_source, *mut ckpt_failure) -> ckpt_code,
    mark: Mark,
}

impl State for Callbacks {
    fn save(&mut self, sink: &mut Sink) -> std::result::Result<(), Failure> {
        ckpt_sink::lend(&self.mark, sink, |sink, failure| (self.save)(self.user.pointer(), sink, failure))
    }

    fn restore(&mut self, source: &Source) -> std::result::Result<(), Failure> {
        ckpt_source::lend(&self.mark, source, |source, failure| (self.restore)(self.user.pointer(), source, failure))
    }
}

/// Adds an object with state of its own that is saved as named tensors, whose number and shapes are known only then: a hash
/// table, an iterator, a random number generator. The graph keeps `user_data`; `free_user_data`, if it is not NULL, is called
/// when the object is removed or the graph is gone; when this call fails, at once. (`_serialize_to_tensors` and
/// `_restore_from_tensors` of TensorFlow's `Trackable`)
///
/// `CKPT_CODE_INVALID_ARGUMENT` when a callback is NULL; else errors are those of `ckpt_graph_add_object`.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_state(
    graph: *const ckpt_graph,
    save: ckpt_save_callback,
    restore: ckpt_restore_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let out = node_output(node)?;
        let (graph, options) = (graph_at(graph)?, handle(options));
        let (Some(save), Some(restore)) = (save, restore) else { return Err(Error::argument("a callback is NULL")) };
        let state = Box::new(Callbacks { user, save, restore, mark: graph.mark.clone() });
        let kind = options.map(ckpt_node_options::state).transpose()?.unwrap_or_default();
        graph.add(options, out, |graph| graph.add_state(state, &kind))
    })
}

fn sink_at<'a>(sink: *mut ckpt_sink) -> Result<&'a mut ckpt_sink> {
    changed(sink).ok_or_else(|| Error::argument("the sink is NULL"))
}

/// Puts a tensor of a fixed-size dtype into a sink: `data` is its `size` bytes, row-major and in native byte order, which are
/// copied. The name, which is UTF-8, says which of the object's tensors it is; to a registered saver it is the tensor's key.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when there is a tensor of this name, or the dtype is none. That dtype, shape and size fit each other
/// is found out when the callback has returned.
#[no_mangle]
pub extern "C" fn ckpt_sink_put(
    sink: *mut ckpt_sink,
    name: *const c_char,
    name_len: usize,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: usize,
    data: *const c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let (name, shape) = (text_at(name, name_len, "the name")?, array(shape, rank, "the shape")?);
        sink_at(sink)?.sink.put(name, known_dtype(dtype)?, shape, array(data.cast(), size, "the data")?)
    })
}

/// The same of memory that is *borrowed*, not copied: it must stay as it is until `release`, if it is not NULL, is called with
/// `user_data`, which is when the save is over; if this call fails, at once.
///
/// Errors are those of `ckpt_sink_put`.
#[no_mangle]
pub extern "C" fn ckpt_sink_put_borrowed(
    sink: *mut ckpt_sink,
    name: *const c_char,
    name_len: usize,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: usize,
    data: *const c_void,
    size: usize,
    user_data: *mut c_void,
    release: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let memory = Borrowed::new(data.cast_mut(), size, user_data, release)?;
        let (name, shape) = (text_at(name, name_len, "the name")?, array(shape, rank, "the shape")?);
        sink_at(sink)?.sink.put_memory(name, known_dtype(dtype)?, shape, memory)
    })
}

/// The same of bytes that are asked for while they are written: `read` is called, with `user_data`, for each piece once, on the
/// threads that write, several at once. `free_user_data`, if it is not NULL, is called when the save is over; if this call
/// fails, at once.
///
/// Errors are those of `ckpt_sink_put`; `CKPT_CODE_INVALID_ARGUMENT` also when the callback is NULL.
#[no_mangle]
pub extern "C" fn ckpt_sink_put_read(
    sink: *mut ckpt_sink,
    name: *const c_char,
    name_len: usize,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: usize,
    read: ckpt_read_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let (name, shape) = (text_at(name, name_len, "the name")?, array(shape, rank, "the shape")?);
        let read = read.ok_or_else(|| Error::argument("the callback is NULL"))?;
        let sink = sink_at(sink)?;
        let mark = sink.mark.clone();
        let fill = Box::new(move |offset, buffer: &mut [u8]| mark.read(Some(read), user.pointer(), offset, buffer));
        sink.sink.put_read(name, known_dtype(dtype)?, shape, fill)
    })
}

/// Puts a string tensor of `count` elements, row-major, which are copied, into a sink.
///
/// Errors are those of `ckpt_sink_put`.
#[no_mangle]
pub extern "C" fn ckpt_sink_put_strings(
    sink: *mut ckpt_sink,
    name: *const c_char,
    name_len: usize,
    shape: *const i64,
    rank: usize,
    elements: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let (name, shape) = (text_at(name, name_len, "the name")?, array(shape, rank, "the shape")?);
        sink_at(sink)?.sink.put_strings(name, shape, &elements_of(elements, count)?)
    })
}

/// Puts a variant tensor of `count` serialized elements, row-major, which are copied, into a sink: the state of a dataset iterator
/// of TensorFlow's, for instance, as `ckpt_source_tensor_string` gave it.
///
/// Errors are those of `ckpt_sink_put`.
#[no_mangle]
pub extern "C" fn ckpt_sink_put_variants(
    sink: *mut ckpt_sink,
    name: *const c_char,
    name_len: usize,
    shape: *const i64,
    rank: usize,
    elements: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let (name, shape) = (text_at(name, name_len, "the name")?, array(shape, rank, "the shape")?);
        sink_at(sink)?.sink.put_variants(name, shape, &elements_of(elements, count)?)
    })
}

fn source_at<'a>(source: *const ckpt_source) -> Option<&'a Source> {
    handle(source).and_then(|source| handle(source.0))
}

fn lend_tensor(tensor: Option<&SourceTensor>) -> *const ckpt_source_tensor {
    tensor.map_or(std::ptr::null(), |tensor| std::ptr::from_ref(tensor).cast())
}

fn tensor_at<'a>(tensor: *const ckpt_source_tensor) -> Option<&'a SourceTensor> {
    handle(tensor.cast::<SourceTensor>())
}

/// The number of tensors.
#[no_mangle]
pub extern "C" fn ckpt_source_count(source: *const ckpt_source) -> usize {
    ask(0, || source_at(source).map_or(0, |s| s.tensors().len()))
}

/// The tensor at `index`, in the order in which the object saved them; a registered saver's in the order of their keys. Lent; NULL
/// when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_source_get(source: *const ckpt_source, index: usize) -> *const ckpt_source_tensor {
    ask(std::ptr::null(), || lend_tensor(source_at(source).and_then(|s| s.tensors().get(index))))
}

/// The tensor of this name. Lent; NULL when there is none.
#[no_mangle]
pub extern "C" fn ckpt_source_find(
    source: *const ckpt_source,
    name: *const c_char,
    name_len: usize,
) -> *const ckpt_source_tensor {
    ask(std::ptr::null(), || {
        let name = text_at(name, name_len, "the name").ok();
        lend_tensor(source_at(source).zip(name).and_then(|(source, name)| source.find(name)))
    })
}

/// The name that the object gave the tensor; to a registered saver, its key. Lent.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_name(tensor: *const ckpt_source_tensor) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || tensor_at(tensor).map(|t| t.name().as_bytes()).into())
}

/// The type of the elements; `CKPT_DTYPE_INVALID` of NULL.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_dtype(tensor: *const ckpt_source_tensor) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || tensor_at(tensor).map_or(CKPT_DTYPE_INVALID, |t| t.dtype().number() as ckpt_dtype))
}

/// The number of dimensions, at most 254; 0 of a scalar.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_rank(tensor: *const ckpt_source_tensor) -> usize {
    ask(0, || tensor_at(tensor).map_or(0, |t| t.shape().len()))
}

/// The dimensions, as many as `ckpt_source_tensor_rank` says. Lent.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_shape(tensor: *const ckpt_source_tensor) -> *const i64 {
    ask(std::ptr::null(), || tensor_at(tensor).map_or(std::ptr::null(), |t| t.shape().as_ptr()))
}

/// The value, row-major and in native byte order. Lent; empty of strings and variants.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_bytes(tensor: *const ckpt_source_tensor) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || tensor_at(tensor).map(SourceTensor::bytes).into())
}

/// The element of a string or variant tensor at `index` in row-major order. Lent; nothing when there are not so many, and of
/// other dtypes.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_string(tensor: *const ckpt_source_tensor, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || tensor_at(tensor).and_then(|t| t.strings()).and_then(|s| s.get(index)).into())
}

/// The number of elements of a string or variant tensor; 0 of other dtypes.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_string_count(tensor: *const ckpt_source_tensor) -> usize {
    ask(0, || tensor_at(tensor).and_then(|t| t.strings()).map_or(0, |s| s.len()))
}
