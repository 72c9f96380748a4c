//! Objects whose state is several named tensors, saved and restored by callbacks.

use std::ffi::{c_char, c_void};

use super::callback::{ckpt_failure, ckpt_read_callback, CallbackMark};
use super::constants::{ckpt_code, ckpt_dtype, known_dtype, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::exclusive::{Changeable, Changing};
use super::graph::{ckpt_graph, graph_at, node_output};
use super::memory::Borrowed;
use super::node::{ckpt_node, ckpt_node_options, NodeSettings};
use super::progress::{ckpt_free_callback, UserData};
use super::strings::elements_of;
use super::{array, ask, call, changed, ckpt_bytes, copied, dimensions_at, handle, required, text_at, Exclusive};
use ::checkpoint::{Error, Failure, Result, Sink, Source, SourceTensor, State};

/// Collects the tensors of an object that is being saved. Valid only while the save callback runs,
/// and for one thread at a time.
pub struct ckpt_sink {
    sink: Exclusive<Sink>,
    mark: CallbackMark,
}

impl Changeable for ckpt_sink {
    type Value = Sink;
    fn exclusive(&self) -> &Exclusive<Sink> {
        &self.sink
    }
}

/// The tensors that a checkpoint holds for an object. Valid only while the restore callback runs.
pub struct ckpt_source(*const Source);

/// A tensor that a checkpoint holds for an object. Lent by its `ckpt_source`, and valid as long as
/// that.
pub struct ckpt_source_tensor {
    _tensor: SourceTensor,
}

/// Puts the tensors of an object into `sink`, in the order in which they are to be stored. Called
/// on the thread that saves. Any result other than `CKPT_CODE_OK` ends the save with
/// `CKPT_CODE_ABORTED` before anything is written.
pub type ckpt_save_callback =
    Option<extern "C" fn(user_data: *mut c_void, sink: *mut ckpt_sink, failure: *mut ckpt_failure) -> ckpt_code>;

/// Takes the tensors of an object from `source`. Called once, on the thread that restores, after
/// all of these tensors were read and checked. Any result other than `CKPT_CODE_OK` ends the
/// restore with `CKPT_CODE_ABORTED`; the objects that come after this one are not assigned.
pub type ckpt_restore_callback =
    Option<extern "C" fn(user_data: *mut c_void, source: *const ckpt_source, failure: *mut ckpt_failure) -> ckpt_code>;

impl ckpt_sink {
    /// Lends a sink to a callback for one call.
    pub(super) fn lend(
        mark: &CallbackMark,
        sink: &mut Sink,
        callback: impl FnOnce(*mut ckpt_sink, *mut ckpt_failure) -> ckpt_code,
    ) -> std::result::Result<(), Failure> {
        let mut lent = ckpt_sink { sink: Exclusive::new(std::mem::take(sink)), mark: mark.clone() };
        let saved = mark.try_run(|failure| callback(&mut lent, failure));
        *sink = lent.sink.take();
        saved
    }
}

impl ckpt_source {
    /// Lends a source to a callback for one call.
    pub(super) fn lend(
        mark: &CallbackMark,
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
    mark: CallbackMark,
}

impl State for Callbacks {
    fn save(&mut self, sink: &mut Sink) -> std::result::Result<(), Failure> {
        ckpt_sink::lend(&self.mark, sink, |sink, failure| (self.save)(self.user.pointer(), sink, failure))
    }

    fn restore(&mut self, source: &Source) -> std::result::Result<(), Failure> {
        ckpt_source::lend(&self.mark, source, |source, failure| (self.restore)(self.user.pointer(), source, failure))
    }
}

/// Adds an object whose state is saved as named tensors: a hash table, an iterator, a random number
/// generator. The number and the shapes of the tensors may differ from one save to the next.
/// (`_serialize_to_tensors` and `_restore_from_tensors` of TensorFlow's `Trackable`)
///
/// `*node` receives the object; 0 on failure. The graph keeps `user_data`. `free_user_data`, if not
/// NULL, is called when the object is removed or the graph is destroyed; at once if this call
/// fails.
///
/// Errors are those of `ckpt_graph_add_object`, and:
/// * `CKPT_CODE_INVALID_ARGUMENT`: a callback is NULL.
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
        let (graph, options) = (graph_at(graph)?, copied(options, NodeSettings::clone)?);
        let (Some(save), Some(restore)) = (save, restore) else {
            return Err(Error::argument("the save or restore callback is NULL"));
        };
        let state = Box::new(Callbacks { user, save, restore, mark: graph.mark.clone() });
        let kind = options.state()?;
        graph.add(&options, out, |graph| graph.add_state(state, &kind))
    })
}

fn sink_at(sink: *mut ckpt_sink) -> Result<Changing<Sink>> {
    changed(sink, "the sink")
}

/// Puts a tensor of a fixed-size dtype into a sink. `data` points to `size` bytes, row-major and in
/// native byte order, which are copied. `shape` points to `rank` dimensions. `name` (UTF-8)
/// identifies the tensor among those of the object; in a registered saver, it is the tensor's key.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the sink already has a tensor of this name, or `dtype` is
///   unknown.
///
/// Whether dtype, shape and size fit each other is checked after the callback has returned.
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
        let (name, shape) = (text_at(name, name_len, "the name")?, dimensions_at(shape, rank, "the shape")?);
        sink_at(sink)?.put(name, known_dtype(dtype)?, shape, array(data.cast(), size, "the data")?)
    })
}

/// Like `ckpt_sink_put`, but borrows the memory instead of copying it. The memory must stay valid
/// and unchanged until the save is over. `release`, if not NULL, is then called with `user_data`;
/// at once if this call fails.
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
        let (name, shape) = (text_at(name, name_len, "the name")?, dimensions_at(shape, rank, "the shape")?);
        sink_at(sink)?.put_memory(name, known_dtype(dtype)?, shape, memory)
    })
}

/// Like `ckpt_sink_put`, but requests the bytes while they are written: `read` is called with
/// `user_data`, once for each piece, on the threads that write, several at once. `free_user_data`,
/// if not NULL, is called when the save is over; at once if this call fails.
///
/// Errors are those of `ckpt_sink_put`, and:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `read` is NULL.
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
        let (name, shape) = (text_at(name, name_len, "the name")?, dimensions_at(shape, rank, "the shape")?);
        let read = read.ok_or_else(|| Error::argument("the read callback is NULL"))?;
        let mark = required(sink.cast_const(), "the sink")?.mark.clone();
        let fill = Box::new(move |offset, buffer: &mut [u8]| mark.read(Some(read), user.pointer(), offset, buffer));
        sink_at(sink)?.put_read(name, known_dtype(dtype)?, shape, fill)
    })
}

/// Puts a string tensor into a sink. `elements` points to `count` elements, row-major, which are
/// copied.
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
        let (name, shape) = (text_at(name, name_len, "the name")?, dimensions_at(shape, rank, "the shape")?);
        sink_at(sink)?.put_strings(name, shape, &elements_of(shape, elements, count)?)
    })
}

/// Puts a variant tensor into a sink, for example the state of a TensorFlow dataset iterator.
/// `elements` points to `count` serialized elements, row-major, as `ckpt_source_tensor_string`
/// returns them; they are copied.
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
        let (name, shape) = (text_at(name, name_len, "the name")?, dimensions_at(shape, rank, "the shape")?);
        sink_at(sink)?.put_variants(name, shape, &elements_of(shape, elements, count)?)
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

/// Returns the number of tensors.
#[no_mangle]
pub extern "C" fn ckpt_source_count(source: *const ckpt_source) -> usize {
    ask(0, || source_at(source).map_or(0, |s| s.tensors().len()))
}

/// Returns the tensor at `index`, in the order in which the object saved them; for a registered
/// saver, in the order of their keys. Lent; NULL if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_source_get(source: *const ckpt_source, index: usize) -> *const ckpt_source_tensor {
    ask(std::ptr::null(), || lend_tensor(source_at(source).and_then(|s| s.tensors().get(index))))
}

/// Returns the tensor with this name. Lent; NULL if there is none.
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

/// Returns the name that the object gave the tensor; for a registered saver, the tensor's key.
/// Lent.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_name(tensor: *const ckpt_source_tensor) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || tensor_at(tensor).map(|t| t.name().as_bytes()).into())
}

/// Returns the dtype of the elements; `CKPT_DTYPE_INVALID` if `tensor` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_dtype(tensor: *const ckpt_source_tensor) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || tensor_at(tensor).map_or(CKPT_DTYPE_INVALID, |t| t.dtype().number() as ckpt_dtype))
}

/// Returns the number of dimensions: at most 254, and 0 for a scalar.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_rank(tensor: *const ckpt_source_tensor) -> usize {
    ask(0, || tensor_at(tensor).map_or(0, |t| t.shape().len()))
}

/// Returns the dimensions: `ckpt_source_tensor_rank` values. Lent.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_shape(tensor: *const ckpt_source_tensor) -> *const i64 {
    ask(std::ptr::null(), || tensor_at(tensor).map_or(std::ptr::null(), |t| t.shape().as_ptr()))
}

/// Returns the value, row-major and in native byte order. Lent; empty for string and variant
/// tensors.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_bytes(tensor: *const ckpt_source_tensor) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || tensor_at(tensor).map(SourceTensor::bytes).into())
}

/// Returns the element at `index`, in row-major order, of a string or variant tensor. Lent; `data`
/// is NULL if `index` is out of range or the tensor has another dtype.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_string(tensor: *const ckpt_source_tensor, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || tensor_at(tensor).and_then(|t| t.strings()).and_then(|s| s.get(index)).into())
}

/// Returns the number of elements of a string or variant tensor; 0 for other dtypes.
#[no_mangle]
pub extern "C" fn ckpt_source_tensor_string_count(tensor: *const ckpt_source_tensor) -> usize {
    ask(0, || tensor_at(tensor).and_then(|t| t.strings()).map_or(0, |s| s.len()))
}
