//! Checkpoints opened for reading.

use std::ffi::{c_char, c_void};
use std::sync::OnceLock;

use super::constants::{ckpt_code, ckpt_format};
use super::error::ckpt_error;
use super::object_graph::ckpt_object_graph;
use super::options::{ckpt_open_options, ckpt_read_options};
use super::strings::{ckpt_string, ckpt_strings, lend_path, text_of};
use super::tensor::ckpt_tensor;
use super::view::ckpt_view;
use super::{array, ask, call, ckpt_bytes, handle, key_at, output, own, path_at, places, release, required};
use ::checkpoint::{Checksums, Code, Endianness, Error, Extent, ReadOptions, ReadRequest, Reader, Reason, Result, Slice, Tensor};

/// An open checkpoint. It does not change: several threads may use it at once.
pub struct ckpt_reader {
    /// For each tensor of `reader` something to lend, made a page at a time.
    pages: Box<[OnceLock<Box<[ckpt_tensor]>>]>,
    reader: Box<Reader>,
}

/// Tensors made at once.
const PAGE: usize = 256;

impl ckpt_reader {
    fn new(reader: Reader) -> ckpt_reader {
        let pages = (0..reader.len().div_ceil(PAGE)).map(|_| OnceLock::new()).collect();
        ckpt_reader { pages, reader: Box::new(reader) }
    }

    fn tensor(&self, index: usize) -> Option<&ckpt_tensor> {
        let page = self.pages.get(index / PAGE)?.get_or_init(|| {
            let first = index - index % PAGE;
            (first..self.reader.len().min(first + PAGE)).map(|index| ckpt_tensor::new(&self.reader, index)).collect()
        });
        page.get(index % PAGE)
    }

    /// The tensor that `tensor` stands for, which must be one of this reader's.
    fn own<'a>(&'a self, tensor: *const ckpt_tensor) -> Result<Tensor<'a>> {
        let tensor = required(tensor, "the tensor")?;
        match tensor.is_of(&self.reader) {
            true => self.reader.tensor(tensor.index()),
            false => None,
        }
        .ok_or_else(|| Error::argument("the tensor belongs to another reader"))
    }
}

/// Opens the checkpoint at `path`: a prefix, one of its `.index` or `.data-…` files, a directory with a `checkpoint` state file
/// (its latest checkpoint), a SavedModel directory, a V1 file, or the pattern `prefix-?????-of-00003` of a sharded V1 checkpoint.
/// Other characters of a path stand for themselves. Only the index is read, and all of it is validated. (`tf.train.load_checkpoint`)
///
/// `*reader` is to be freed with `ckpt_reader_free`; NULL on failure.
///
/// `CKPT_CODE_NOT_FOUND` when there is no checkpoint, `CKPT_CODE_DATA_LOSS` when the index is damaged or malformed, `CKPT_CODE_INVALID_ARGUMENT`
/// when it is not for readers of this version, `CKPT_CODE_RESOURCE_EXHAUSTED` when listing it takes more memory than the limit.
#[no_mangle]
pub extern "C" fn ckpt_reader_open(
    path: *const c_char,
    options: *const ckpt_open_options,
    reader: *mut *mut ckpt_reader,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(reader, std::ptr::null_mut(), "the place for the reader")?;
        let options = handle(options).map(|o| o.options.clone()).unwrap_or_default();
        *out = own(ckpt_reader::new(Reader::open_with(path_at(path)?, &options)?));
        Ok(())
    })
}

/// Frees a reader, and with it what it lent. NULL is nothing. Objects that it gave (strings, views, graphs) live on.
#[no_mangle]
pub extern "C" fn ckpt_reader_free(reader: *mut ckpt_reader) {
    release(reader);
}

/// The prefix of the checkpoint's files, which a directory or `.index` path led to. Lent.
#[no_mangle]
pub extern "C" fn ckpt_reader_prefix(reader: *const ckpt_reader) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(reader).map_or(ckpt_bytes::NONE, |r| lend_path(r.reader.prefix())))
}

/// How the checkpoint is stored; 0 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_format(reader: *const ckpt_reader) -> ckpt_format {
    ask(0, || handle(reader).map_or(0, |r| r.reader.format() as ckpt_format))
}

/// The number of data files.
#[no_mangle]
pub extern "C" fn ckpt_reader_shard_count(reader: *const ckpt_reader) -> u32 {
    ask(0, || handle(reader).map_or(0, |r| r.reader.shard_count()))
}

/// The path of data file `shard`, counted from 0, whether or not it is there.
///
/// `*path` is to be freed with `ckpt_string_free`; NULL on failure. `CKPT_CODE_INVALID_ARGUMENT` when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_reader_shard_path(
    reader: *const ckpt_reader,
    shard: u32,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(path, std::ptr::null_mut(), "the place for the path")?;
        let reader = &required(reader, "the reader")?.reader;
        let path = reader.shard_path(shard).ok_or_else(|| {
            let expected = format!("a number below {}", reader.shard_count());
            Error::argument("no such data file").expecting(expected, shard).in_file(reader.prefix())
        })?;
        *out = text_of(path);
        Ok(())
    })
}

/// The version that the writer gave the checkpoint: 1 today, 0 for bundles older than September 2016; -1 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_producer_version(reader: *const ckpt_reader) -> i32 {
    ask(-1, || handle(reader).map_or(-1, |r| r.reader.version().producer))
}

/// The least version of a reader that may read the checkpoint; -1 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_reader_min_consumer_version(reader: *const ckpt_reader) -> i32 {
    ask(-1, || handle(reader).map_or(-1, |r| r.reader.version().min_consumer))
}

/// Whether the values in the data files are big-endian. What is read is always in native order; views are refused then.
#[no_mangle]
pub extern "C" fn ckpt_reader_is_big_endian(reader: *const ckpt_reader) -> bool {
    ask(false, || handle(reader).is_some_and(|r| r.reader.endianness() == Endianness::Big))
}

/// The number of tensors. A partitioned tensor is one; its slices are not counted.
#[no_mangle]
pub extern "C" fn ckpt_reader_count(reader: *const ckpt_reader) -> usize {
    ask(0, || handle(reader).map_or(0, |r| r.reader.len()))
}

/// The tensor at `index` in the byte order of the keys. Lent; NULL when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_reader_tensor(reader: *const ckpt_reader, index: usize) -> *const ckpt_tensor {
    ask(std::ptr::null(), || handle(reader).and_then(|r| r.tensor(index)).map_or(std::ptr::null(), |t| t))
}

/// Whether there is a tensor with this key, of `key_len` bytes.
#[no_mangle]
pub extern "C" fn ckpt_reader_has(reader: *const ckpt_reader, key: *const c_char, key_len: usize) -> bool {
    ask(false, || handle(reader).is_some_and(|r| key_at(key, key_len).is_ok_and(|key| r.reader.contains(key))))
}

/// Finds the tensor with this key, of `key_len` bytes. `*tensor` is lent; NULL on failure.
///
/// `CKPT_CODE_NOT_FOUND` when there is none; the message names keys that were perhaps meant.
#[no_mangle]
pub extern "C" fn ckpt_reader_find(
    reader: *const ckpt_reader,
    key: *const c_char,
    key_len: usize,
    tensor: *mut *const ckpt_tensor,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(tensor, std::ptr::null(), "the place for the tensor")?;
        let reader = required(reader, "the reader")?;
        let found = reader.reader.get(key_at(key, key_len)?)?.index();
        *out = reader.tensor(found).map_or(std::ptr::null(), |t| t);
        Ok(())
    })
}

/// Reads the value of a fixed-size tensor into `buffer`: row-major, native byte order. `size`, in bytes, is exactly
/// `ckpt_tensor_byte_size`. (`CheckpointReader.get_tensor`)
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the size is another, the tensor holds strings, or the stored slices of a partitioned tensor do not
/// cover it; `CKPT_CODE_NOT_FOUND` when a data file is missing; `CKPT_CODE_DATA_LOSS` when one is too short or a checksum does not match. On
/// failure the content of the buffer is unspecified.
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
        tensor.check_destination(None, size)?; // before anything is believed of the caller's memory
        tensor.read_into(places(buffer.cast(), size, "the buffer")?, &read_options(options))
    })
}

/// Reads a part of a fixed-size tensor. `start` and `length` have `rank` values, one for each dimension; a length of -1 takes the
/// dimension from `start` to its end. `size`, in bytes, is exactly that of the part. Errors are those of `ckpt_reader_read`.
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
        tensor.check_destination(Some(&slice), size)?;
        tensor.read_slice_into(&slice, places(buffer.cast(), size, "the buffer")?, &read_options(options))
    })
}

/// Reads `count` fixed-size tensors at once, with several threads: tensor `i` into `buffers[i]` of `sizes[i]` bytes. The buffers must
/// not overlap. Everything but the values is checked before the first byte is written; on failure after that the content of all
/// buffers is unspecified. Errors are those of `ckpt_reader_read`.
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
        let (tensors, buffers, sizes) =
            (array(tensors, count, "the tensors")?, array(buffers, count, "the buffers")?, array(sizes, count, "the sizes")?);
        check_disjoint(buffers, sizes)?;
        let mut requests = Vec::with_capacity(count);
        for i in 0..count {
            let tensor = reader.own(tensors[i])?;
            tensor.check_destination(None, sizes[i])?;
            requests.push(ReadRequest { tensor, slice: None, buffer: places(buffers[i].cast(), sizes[i], "a buffer")? });
        }
        reader.reader.read_many(requests, &read_options(options))
    })
}

/// Reads the elements of a string tensor, or of a variant tensor as serialized `VariantTensorDataProto`.
///
/// `*strings` is to be freed with `ckpt_strings_free`; NULL on failure. `CKPT_CODE_INVALID_ARGUMENT` for other dtypes,
/// `CKPT_CODE_UNIMPLEMENTED` for variants in a big-endian checkpoint; else errors are those of `ckpt_reader_read`.
#[no_mangle]
pub extern "C" fn ckpt_reader_read_strings(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    options: *const ckpt_read_options,
    strings: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(strings, std::ptr::null_mut(), "the place for the strings")?;
        let _ = read_options(options); // nothing in them bears on strings yet
        *out = own(ckpt_strings(required(reader, "the reader")?.own(tensor)?.read_strings()?));
        Ok(())
    })
}

/// Reads a part of a string or variant tensor; the part is given as for `ckpt_reader_read_slice`, all else is as for
/// `ckpt_reader_read_strings`.
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
        let out = output(strings, std::ptr::null_mut(), "the place for the strings")?;
        let tensor = required(reader, "the reader")?.own(tensor)?;
        let slice = slice(tensor, start, length, rank)?;
        let _ = read_options(options);
        *out = own(ckpt_strings(tensor.read_strings_slice(&slice)?));
        Ok(())
    })
}

/// Maps the value of a fixed-size tensor as it lies in its data file, without copying it. Its checksum is compared first unless
/// the options say `CKPT_CHECKSUMS_NEVER`.
///
/// `*view` is to be freed with `ckpt_view_free`; NULL on failure. It outlives the reader. While it lives, nobody may truncate or
/// rewrite the data file in place: touching a page that is gone raises SIGBUS. Replacing the file by rename is harmless.
///
/// `CKPT_CODE_FAILED_PRECONDITION` for strings, partitioned tensors, V1 checkpoints and values of the other byte order; else errors are
/// those of `ckpt_reader_read`.
#[no_mangle]
pub extern "C" fn ckpt_reader_view(
    reader: *const ckpt_reader,
    tensor: *const ckpt_tensor,
    options: *const ckpt_read_options,
    view: *mut *mut ckpt_view,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(view, std::ptr::null_mut(), "the place for the view")?;
        let checked = handle(options).map_or(Checksums::default(), |o| o.checksums) != Checksums::Never;
        *out = own(ckpt_view(required(reader, "the reader")?.own(tensor)?.map(checked)?));
        Ok(())
    })
}

/// The object graph of an object-based checkpoint.
///
/// `*graph` is to be freed with `ckpt_object_graph_free`; NULL on failure. `CKPT_CODE_NOT_FOUND` with `CKPT_REASON_NO_OBJECT_GRAPH` when the
/// checkpoint was saved by names and has none; `CKPT_CODE_DATA_LOSS` when it is malformed.
#[no_mangle]
pub extern "C" fn ckpt_reader_object_graph(
    reader: *const ckpt_reader,
    graph: *mut *mut ckpt_object_graph,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(graph, std::ptr::null_mut(), "the place for the graph")?;
        let reader = &required(reader, "the reader")?.reader;
        let graph = reader.object_graph()?.ok_or_else(|| {
            Error::new(Code::NotFound, Reason::NoObjectGraph, "the checkpoint has no object graph: it was saved by names")
                .in_file(reader.prefix())
        })?;
        *out = own(ckpt_object_graph(graph));
        Ok(())
    })
}

/// A line for each tensor: `key (DT_FLOAT) [2,3]`. (`CheckpointReader.debug_string`)
///
/// `*text` is to be freed with `ckpt_string_free`; NULL on failure.
#[no_mangle]
pub extern "C" fn ckpt_reader_debug_string(
    reader: *const ckpt_reader,
    text: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(text, std::ptr::null_mut(), "the place for the text")?;
        *out = own(ckpt_string(required(reader, "the reader")?.reader.debug_string()));
        Ok(())
    })
}

fn read_options(options: *const ckpt_read_options) -> ReadOptions {
    handle(options).map(|o| o.options.clone()).unwrap_or_default()
}

fn slice(tensor: Tensor<'_>, start: *const i64, length: *const i64, rank: usize) -> Result<Slice> {
    let (start, length) = (array(start, rank, "the starts")?, array(length, rank, "the lengths")?);
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

/// Refuses buffers of which two share memory: they are written by several threads.
fn check_disjoint(buffers: &[*mut c_void], sizes: &[usize]) -> Result<()> {
    let mut ranges: Vec<(usize, usize)> =
        buffers.iter().zip(sizes).filter(|(_, &size)| size > 0).map(|(&buffer, &size)| (buffer as usize, size)).collect();
    ranges.sort_unstable();
    match ranges.windows(2).find(|pair| pair[1].0 - pair[0].0 < pair[0].1) {
        Some(pair) => Err(Error::argument("two buffers overlap")
            .expecting("buffers that share no memory", format_args!("{:#x} and {:#x}", pair[0].0, pair[1].0))),
        None => Ok(()),
    }
}
