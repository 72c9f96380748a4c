//! Checkpoints opened for reading.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, OnceLock};

use super::constants::{ckpt_code, ckpt_dtype, ckpt_format, known_dtype, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::object_graph::ckpt_object_graph;
use super::options::{ckpt_open_options, ckpt_read_options};
use super::strings::{ckpt_string, ckpt_strings, lend_path, text_of};
use super::tensor::ckpt_tensor;
use super::view::ckpt_view;
use super::{
    array, array_mut, ask, call, ckpt_bytes, copied, dimensions_at, handle, list_at, output, own, path_at, release, required,
    reserved, short_at,
};
use ::checkpoint::{Checksums, Code, Endianness, Error, Extent, ReadOptions, ReadRequest, Reader, Reason, Result, Slice, Tensor};

/// An open checkpoint. Immutable: several threads may use it at once.
///
/// Data files are opened by the first read that needs them. At most 64 of them are open at a time
/// in a process, or a quarter of the files that it may have open if that is less; readers open them
/// again when needed. If another checkpoint has been written in the place of the one that was
/// opened, reads give the values of the one that was opened, or fail with `CKPT_CODE_DATA_LOSS`
/// (`CKPT_REASON_REPLACED`). Files are known by device, inode, length and time of modification: if
/// another program edits a data file in place and restores its length and time, only checksums
/// notice. So it is if a reader is opened while TensorFlow, which renames data files of the same
/// names before the index, replaces the checkpoint: without checksums it gives the new values as
/// those of the old index.
pub struct ckpt_reader {
    /// The handles of the tensors of `reader`, made one page at a time.
    pages: Box<[OnceLock<Box<[ckpt_tensor]>>]>,
    pub(super) reader: Arc<Reader>,
}

/// The number of tensor handles made at once.
const PAGE: usize = 256;

impl ckpt_reader {
    pub(super) fn new(reader: Reader) -> ckpt_reader {
        let pages = (0..reader.len().div_ceil(PAGE)).map(|_| OnceLock::new()).collect();
        ckpt_reader { pages, reader: Arc::new(reader) }
    }

    fn tensor(&self, index: usize) -> Option<&ckpt_tensor> {
        let page = self.pages.get(index / PAGE)?;
        if let Some(page) = page.get() {
            return page.get(index % PAGE);
        }
        // Made before the cell is entered: a process that is forked meanwhile would wait for ever
        // for the thread that is in it. If another thread was faster, its page remains.
        let first = index - index % PAGE;
        let made = (first..self.reader.len().min(first + PAGE)).map(|index| ckpt_tensor::new(&self.reader, index)).collect();
        page.get_or_init(|| made).get(index % PAGE)
    }

    /// The tensor behind a handle; an error if it belongs to another reader.
    pub(super) fn own<'a>(&'a self, tensor: *const ckpt_tensor) -> Result<Tensor<'a>> {
        let tensor = required(tensor, "the tensor")?;
        let tensor = if tensor.is_of(&self.reader) { self.reader.tensor(tensor.index()) } else { None };
        tensor.ok_or_else(|| Error::argument("the tensor belongs to another reader"))
    }
}

/// Opens the checkpoint at `path` for reading (`tf.train.load_checkpoint`).
///
/// `path` is one of: a prefix, one of its `.index` or `.data-…` files, a directory with a
/// `checkpoint` state file (opens its latest checkpoint), a SavedModel directory, a V1 file, or the
/// pattern `prefix-?????-of-00003` of a sharded V1 checkpoint. No other wildcards are supported. If
/// the path is both a directory and a prefix, the directory counts.
/// Only the index is read; all of it is validated.
///
/// `*reader` is owned by the caller: free it with `ckpt_reader_free`.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_NO_CHECKPOINT`): there is no checkpoint at `path`.
/// * `CKPT_CODE_DATA_LOSS`: the index is damaged or malformed.
/// * `CKPT_CODE_DATA_LOSS` or `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_NOT_A_CHECKPOINT`): `path` names
///   a file or directory of another kind; the message says which, and what to do.
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_VERSION`): the checkpoint was written for other
///   versions of readers.
/// * `CKPT_CODE_RESOURCE_EXHAUSTED` (`CKPT_REASON_LIMIT`): listing the checkpoint takes more memory
///   than the limit.
/// * `CKPT_CODE_CANCELLED` (`CKPT_REASON_CALLBACK`): the cancel flag of the options was raised.
#[no_mangle]
pub extern "C" fn ckpt_reader_open(
    path: *const c_char,
    options: *const ckpt_open_options,
    reader: *mut *mut ckpt_reader,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(reader, std::ptr::null_mut(), "the output argument `reader`")?;
        let options = copied(options, Clone::clone)?;
        *out = own(ckpt_reader::new(Reader::open_with(path_at(path)?, &options)?));
        Ok(())
    })
}

/// Frees a reader and everything it lent. Objects that it created (strings, views, object graphs)
/// stay valid. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_reader_free(reader: *mut ckpt_reader) {
    release(reader);
}

/// Returns the prefix of the checkpoint's files, resolved from the path that was opened. Lent by
/// the reader.
#[no_mangle]
pub extern "C" fn ckpt_reader_prefix(reader: *const ckpt_reader) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(reader).map_or(ckpt_bytes::NONE, |r| lend_path(r.reader.prefix())))
}

/// Returns the path in the state file that led to the checkpoint, as the state file has it; no
/// value (NULL, 0) if no state file was needed. Lent by the reader.
#[no_mangle]
pub extern "C" fn ckpt_reader_resolved(reader: *const ckpt_reader) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || {
        let entry = handle(reader).and_then(|r| r.reader.resolved().entry.as_deref());
        entry.map(|entry| entry.as_encoded_bytes()).into()
    })
}

/// Returns whether the path in the state file leads to nothing, and the checkpoint of the same name
/// beside the state file was opened: the directory was moved. False for NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_resolved_is_moved(reader: *const ckpt_reader) -> bool {
    ask(false, || handle(reader).is_some_and(|r| r.reader.resolved().is_moved))
}

/// Returns whether the path that was opened is a directory with a checkpoint, which was opened, and
/// also the prefix of another checkpoint. False for NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_resolved_is_ambiguous(reader: *const ckpt_reader) -> bool {
    ask(false, || handle(reader).is_some_and(|r| r.reader.resolved().is_ambiguous))
}

/// Returns the format of the checkpoint: `CKPT_FORMAT_V1` or `CKPT_FORMAT_V2`; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_format(reader: *const ckpt_reader) -> ckpt_format {
    ask(0, || handle(reader).map_or(0, |r| r.reader.format() as ckpt_format))
}

/// Returns the number of shards (data files); 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_shard_count(reader: *const ckpt_reader) -> u32 {
    ask(0, || handle(reader).map_or(0, |r| r.reader.shard_count()))
}

/// Gives the path of a shard (data file), counted from 0, whether or not the file exists.
///
/// `*path` is owned by the caller: free it with `ckpt_string_free`. Fails with
/// `CKPT_CODE_INVALID_ARGUMENT` if `shard` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_reader_shard_path(
    reader: *const ckpt_reader,
    shard: u32,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(path, std::ptr::null_mut(), "the output argument `path`")?;
        let reader = &required(reader, "the reader")?.reader;
        let path = reader.shard_path(shard).ok_or_else(|| {
            let expected = format!("a shard below {}", reader.shard_count());
            Error::argument("the checkpoint has no such shard").expecting(expected, shard).in_file(reader.prefix())
        })?;
        *out = text_of(path);
        Ok(())
    })
}

/// Returns the version of the format that the checkpoint's writer declared: 1 today, 0 for bundles
/// older than September 2016; -1 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_producer_version(reader: *const ckpt_reader) -> i32 {
    ask(-1, || handle(reader).map_or(-1, |r| r.reader.version().producer))
}

/// Returns the lowest reader version that may read the checkpoint; -1 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_min_consumer_version(reader: *const ckpt_reader) -> i32 {
    ask(-1, || handle(reader).map_or(-1, |r| r.reader.version().min_consumer))
}

/// Tells whether the values in the shards are big-endian. Reads always convert to native byte
/// order; views of big-endian multi-byte values are refused. False for NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_is_big_endian(reader: *const ckpt_reader) -> bool {
    ask(false, || handle(reader).is_some_and(|r| r.reader.endianness() == Endianness::Big))
}

/// Returns the number of tensors. A partitioned tensor counts as one, however many slices it has; 0
/// for NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_count(reader: *const ckpt_reader) -> usize {
    ask(0, || handle(reader).map_or(0, |r| r.reader.len()))
}

/// Returns about how many bytes of memory the reader takes while it is open: what it knows of the
/// tensors, not their values; 0 for NULL. For languages whose garbage collector cannot see that.
#[no_mangle]
pub extern "C" fn ckpt_reader_memory_size(reader: *const ckpt_reader) -> u64 {
    ask(0, || handle(reader).map_or(0, |r| r.reader.memory_size() + (r.reader.len() * size_of::<ckpt_tensor>()) as u64))
}

/// Returns the tensor at `index`, in bytewise order of the keys. Lent by the reader; NULL if
/// `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_reader_tensor(reader: *const ckpt_reader, index: usize) -> *const ckpt_tensor {
    ask(std::ptr::null(), || handle(reader).and_then(|r| r.tensor(index)).map_or(std::ptr::null(), |t| t))
}

/// Tells whether the checkpoint has a tensor with this key, of `key_len` bytes; names that are no
/// keys do not count. False if an argument is invalid.
#[no_mangle]
pub extern "C" fn ckpt_reader_has(reader: *const ckpt_reader, key: *const c_char, key_len: usize) -> bool {
    ask(false, || handle(reader).is_some_and(|r| short_at(key, key_len, "the key").is_ok_and(|key| r.reader.contains(key))))
}

/// Finds the tensor with this key or name, of `key_len` bytes. `*tensor` is lent by the reader.
/// Names are, if there is no such key:
/// * the key with `:0` appended, as for `tf.train.load_variable`;
/// * in a checkpoint with an object graph, the path of a variable, which is the key of its value
///   without `/.ATTRIBUTES/VARIABLE_VALUE`: `net/l1/kernel`;
/// * there also the full name of a value, as its program called the variable, with or without `:0`:
///   `dense/kernel`;
/// * there also any other path that leads to a variable: `layer-3/kernel`.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_NO_TENSOR`): there is no such tensor; the message suggests
///   similar names.
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_AMBIGUOUS`): several tensors have the name; the
///   message has their keys.
/// * `CKPT_CODE_DATA_LOSS`: there is no such key, and the object graph, which has the names, is
///   damaged.
#[no_mangle]
pub extern "C" fn ckpt_reader_find(
    reader: *const ckpt_reader,
    key: *const c_char,
    key_len: usize,
    tensor: *mut *const ckpt_tensor,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(tensor, std::ptr::null(), "the output argument `tensor`")?;
        let reader = required(reader, "the reader")?;
        let found = reader.reader.get(short_at(key, key_len, "the key")?)?.index();
        *out = reader.tensor(found).map_or(std::ptr::null(), |t| t);
        Ok(())
    })
}

/// Measures the value of a tensor before memory is allocated for it. The index of a checkpoint can
/// claim any size; this call fails unless the shards are there and long enough, and there is so
/// much memory.
///
/// `elements` is the dtype of the memory's elements (`ckpt_dtype_check_elements`), or
/// `CKPT_DTYPE_INVALID` if that need not be checked. `*count` receives the number of elements,
/// `*size` the number of bytes, which is 0 for strings and variants; both are 0 on failure. Either
/// may be NULL.
///
/// Fails as `ckpt_reader_read` does before it reads the first byte, and:
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_DTYPE`): the tensor is not of elements of this
///   dtype.
/// * `CKPT_CODE_RESOURCE_EXHAUSTED` (`CKPT_REASON_LIMIT`): there is not enough memory for the
///   value.
#[no_mangle]
pub extern "C" fn ckpt_reader_measure(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    elements: ckpt_dtype,
    count: *mut u64,
    size: *mut u64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = (optional_output(count), optional_output(size));
        let tensor = required(reader, "the reader")?.own(tensor)?;
        measure(tensor, None, elements, out)
    })
}

/// Measures a slice of a tensor as `ckpt_reader_measure` measures the whole. The slice is given as
/// for `ckpt_reader_read_slice`.
///
/// Fails as `ckpt_reader_measure`, and with `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_SHAPE`) if
/// the slice does not lie within the tensor.
#[no_mangle]
pub extern "C" fn ckpt_reader_measure_slice(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    start: *const i64,
    length: *const i64,
    rank: usize,
    elements: ckpt_dtype,
    count: *mut u64,
    size: *mut u64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = (optional_output(count), optional_output(size));
        let tensor = required(reader, "the reader")?.own(tensor)?;
        measure(tensor, Some(&slice(tensor, start, length, rank)?), elements, out)
    })
}

/// Reads the value of a fixed-size tensor into `buffer`, row-major and in native byte order
/// (`CheckpointReader.get_tensor`).
///
/// `size` is the size of the buffer in bytes and must equal `ckpt_tensor_byte_size`, or the size of
/// as many elements of the dtype that the options read the value as. On failure the content of the
/// buffer is unspecified.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_SHAPE`): `size` differs from the size of the value.
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_DTYPE`): the tensor holds strings or variants; or
///   it has another dtype than it is read as, and the options do not convert it, or an integer does
///   not fit.
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_GAP`): the stored slices of a partitioned tensor do
///   not cover it.
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_ARGUMENT`): the tensor belongs to another reader.
/// * `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_MISSING_FILE`): a shard is missing.
/// * `CKPT_CODE_DATA_LOSS`: a shard is too short (`CKPT_REASON_TRUNCATED`), a checksum does not
///   match (`CKPT_REASON_CHECKSUM`), or stored slices overlap (`CKPT_REASON_OVERLAP`).
#[no_mangle]
pub extern "C" fn ckpt_reader_read(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    options: *const ckpt_read_options,
    buffer: *mut c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let tensor = required(reader, "the reader")?.own(tensor)?;
        let options = read_options(options)?;
        tensor.check_destination(None, size, &options)?; // before the buffer is trusted to be that large
        tensor.read_into(array_mut(buffer.cast(), size, "the buffer")?, &options)
    })
}

/// Reads a slice of a fixed-size tensor into `buffer`, row-major and in native byte order.
///
/// `start` and `length` have `rank` values each, one per dimension; a length of -1 means from
/// `start` to the end of the dimension. `size` is in bytes and must equal the size of the slice.
/// Fails as `ckpt_reader_read`, and with `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_SHAPE`) if the
/// slice does not lie within the tensor.
#[no_mangle]
pub extern "C" fn ckpt_reader_read_slice(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    start: *const i64,
    length: *const i64,
    rank: usize,
    options: *const ckpt_read_options,
    buffer: *mut c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let tensor = required(reader, "the reader")?.own(tensor)?;
        let slice = slice(tensor, start, length, rank)?;
        let options = read_options(options)?;
        tensor.check_destination(Some(&slice), size, &options)?;
        tensor.read_slice_into(&slice, array_mut(buffer.cast(), size, "the buffer")?, &options)
    })
}

/// Reads `count` fixed-size tensors with several threads: tensor `i` into `buffers[i]` of
/// `sizes[i]` bytes.
///
/// The buffers must not overlap. Everything but the values is checked before anything is written;
/// if reading fails after that, the content of all buffers is unspecified. Fails as
/// `ckpt_reader_read`, and with `CKPT_CODE_INVALID_ARGUMENT` if buffers overlap.
#[no_mangle]
pub extern "C" fn ckpt_reader_read_many(
    reader: *const ckpt_reader,
    tensors: *const *const ckpt_tensor,
    count: usize,
    options: *const ckpt_read_options,
    buffers: *const *mut c_void,
    sizes: *const usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let reader = required(reader, "the reader")?;
        let tensors = list_at(tensors, count, "the tensors", |&tensor| reader.own(tensor))?;
        let (buffers, sizes) = (array(buffers, count, "the buffers")?, array(sizes, count, "the sizes")?);
        check_disjoint(buffers, sizes)?;
        let options = read_options(options)?;
        let mut requests = reserved(count, "the requests")?;
        for ((tensor, &buffer), &size) in tensors.into_iter().zip(buffers).zip(sizes) {
            tensor.check_destination(None, size, &options)?;
            requests.push(ReadRequest { tensor, slice: None, buffer: array_mut(buffer.cast(), size, "a buffer")? });
        }
        reader.reader.read_many(requests, &options)
    })
}

/// Reads the elements of a string tensor, or of a variant tensor as serialized
/// `VariantTensorDataProto` messages.
///
/// `*strings` is owned by the caller: free it with `ckpt_strings_free`. `options` is accepted but
/// has no effect on strings yet. Fails as `ckpt_reader_read`, and:
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_DTYPE`): the tensor has another dtype.
/// * `CKPT_CODE_UNIMPLEMENTED` (`CKPT_REASON_UNSUPPORTED`): variants in a big-endian checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_reader_read_strings(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    options: *const ckpt_read_options,
    strings: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(strings, std::ptr::null_mut(), "the output argument `strings`")?;
        let _ = read_options(options)?; // no option applies to strings yet
        *out = own(ckpt_strings(required(reader, "the reader")?.own(tensor)?.read_strings()?));
        Ok(())
    })
}

/// Reads a slice of a string or variant tensor. The slice is given as for `ckpt_reader_read_slice`;
/// everything else is as for `ckpt_reader_read_strings`.
#[no_mangle]
pub extern "C" fn ckpt_reader_read_strings_slice(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    start: *const i64,
    length: *const i64,
    rank: usize,
    options: *const ckpt_read_options,
    strings: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(strings, std::ptr::null_mut(), "the output argument `strings`")?;
        let tensor = required(reader, "the reader")?.own(tensor)?;
        let slice = slice(tensor, start, length, rank)?;
        let _ = read_options(options)?;
        *out = own(ckpt_strings(tensor.read_strings_slice(&slice)?));
        Ok(())
    })
}

/// Maps the value of a fixed-size tensor from its shard into memory, without copying. Its checksum
/// is verified first, unless the options say `CKPT_CHECKSUMS_NEVER`.
///
/// `*view` is owned by the caller: free it with `ckpt_view_free`. It stays valid after the reader
/// is freed. It has the dtype that is stored, whatever the options read values as. While the view
/// exists, the shard must not be truncated or rewritten in place:
/// accessing a page that no longer exists raises SIGBUS. Replacing the file by rename is safe.
///
/// Fails as `ckpt_reader_read`, and with `CKPT_CODE_FAILED_PRECONDITION`:
/// * `CKPT_REASON_DTYPE`: the tensor holds strings or variants.
/// * `CKPT_REASON_ALIGNMENT`: the values are stored in big-endian byte order.
/// * `CKPT_REASON_UNSUPPORTED`: the tensor is partitioned, or the checkpoint is V1.
#[no_mangle]
pub extern "C" fn ckpt_reader_view(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    options: *const ckpt_read_options,
    view: *mut *mut ckpt_view,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(view, std::ptr::null_mut(), "the output argument `view`")?;
        let checked = copied(options, |o| o.checksums)? != Checksums::Never;
        *out = own(ckpt_view(required(reader, "the reader")?.own(tensor)?.map(checked)?));
        Ok(())
    })
}

/// Reads the object graph of an object-based checkpoint.
///
/// `*graph` is owned by the caller: free it with `ckpt_object_graph_free`.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_NO_OBJECT_GRAPH`): the checkpoint is name-based and has no
///   object graph.
/// * `CKPT_CODE_DATA_LOSS`: the object graph is malformed.
#[no_mangle]
pub extern "C" fn ckpt_reader_object_graph(
    reader: *const ckpt_reader,
    graph: *mut *mut ckpt_object_graph,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(graph, std::ptr::null_mut(), "the output argument `graph`")?;
        let reader = &required(reader, "the reader")?.reader;
        let graph = reader.object_graph()?.ok_or_else(|| {
            Error::new(Code::NotFound, Reason::NoObjectGraph, "the checkpoint is name-based and has no object graph")
                .in_file(reader.prefix())
        })?;
        *out = own(ckpt_object_graph(graph));
        Ok(())
    })
}

/// Gives a listing with one line per tensor, such as `key (DT_FLOAT) [2,3]`
/// (`CheckpointReader.debug_string`).
///
/// `*text` is owned by the caller: free it with `ckpt_string_free`.
#[no_mangle]
pub extern "C" fn ckpt_reader_debug_string(
    reader: *const ckpt_reader,
    text: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(text, std::ptr::null_mut(), "the output argument `text`")?;
        *out = own(ckpt_string::new(required(reader, "the reader")?.reader.debug_string()));
        Ok(())
    })
}

/// An output that the caller may not want, set to 0.
fn optional_output<'a>(place: *mut u64) -> Option<&'a mut u64> {
    output(place, 0, "the output").ok()
}

fn measure(
    tensor: Tensor<'_>,
    slice: Option<&Slice>,
    elements: ckpt_dtype,
    (count, size): (Option<&mut u64>, Option<&mut u64>),
) -> Result<()> {
    if elements != CKPT_DTYPE_INVALID {
        tensor.check_elements(known_dtype(elements)?)?;
    }
    let measure = tensor.measure(slice)?;
    count.into_iter().for_each(|count| *count = measure.elements);
    size.into_iter().for_each(|size| *size = measure.bytes);
    Ok(())
}

#[inline] // on the path of every small tensor
pub(super) fn read_options(options: *const ckpt_read_options) -> Result<ReadOptions> {
    copied(options, |o| o.options.clone())
}

fn slice(tensor: Tensor<'_>, start: *const i64, length: *const i64, rank: usize) -> Result<Slice> {
    let (start, length) = (dimensions_at(start, rank, "the starts")?, dimensions_at(length, rank, "the lengths")?);
    let extents = start.iter().zip(length).zip(tensor.shape().iter().chain(std::iter::repeat(&0)));
    Ok(Slice::new(
        extents
            .map(|((&start, &length), &dim)| match length {
                -1 => Extent::range(start, dim.saturating_sub(start)),
                _ => Extent::range(start, length),
            })
            .collect(),
    ))
}

/// Fails if two buffers share memory: several threads write to them.
pub(super) fn check_disjoint(buffers: &[*mut c_void], sizes: &[usize]) -> Result<()> {
    let mut ranges: Vec<(usize, usize)> = reserved(buffers.len(), "the buffers")?;
    let written = buffers.iter().zip(sizes).filter(|(_, &size)| size > 0);
    ranges.extend(written.map(|(&buffer, &size)| (buffer as usize, size)));
    ranges.sort_unstable();
    match ranges.windows(2).find(|pair| pair[1].0 - pair[0].0 < pair[0].1) {
        Some(pair) => Err(Error::argument("two buffers overlap")
            .expecting("disjoint buffers", format_args!("{:#x} and {:#x}", pair[0].0, pair[1].0))),
        None => Ok(()),
    }
}
