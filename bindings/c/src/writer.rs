//! Checkpoints being written.

use std::ffi::{c_char, c_void};

use super::callback::{ckpt_read_callback, Mark};
use super::constants::{ckpt_code, ckpt_dtype, ckpt_durability, durability_of, known_dtype};
use super::error::ckpt_error;
use super::options::{set, with};
use super::progress::{self, ckpt_cancel, ckpt_free_callback, ckpt_progress_callback, Progress, UserData};
use super::strings::elements_of;
use super::{array, ask, call, changed, ckpt_bytes, handle, key_at, output, own, path_at, release};
use ::checkpoint::{Code, Error, Extent, ReadAt, Reason, Result, Slice, WriteOptions, Writer};

/// How a checkpoint is written. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_write_options {
    pub(super) options: WriteOptions,
    /// 0 for the library's choice.
    shards: u32,
    /// 0 for no limit.
    max_shard_size: u64,
    progress: Progress,
}

impl ckpt_write_options {
    /// What they come to.
    pub(super) fn settle(&self) -> (WriteOptions, Progress) {
        let mut options = self.options.clone();
        if self.shards > 0 {
            options = options.shards(self.shards);
        }
        if self.max_shard_size > 0 {
            options = options.max_shard_size(self.max_shard_size);
        }
        (options, self.progress.clone())
    }
}

/// New options with the defaults; to be freed with `ckpt_write_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_write_options_new() -> *mut ckpt_write_options {
    ask(std::ptr::null_mut(), || own(ckpt_write_options::default()))
}

/// Writes so many data files. 0, the default, lets the library choose by the size alone: one up to 256 MiB, then one for each 512
/// MiB. Where a checkpoint of the same prefix and number is being replaced, one more is made, which may be empty.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_shards(
    options: *mut ckpt_write_options,
    shards: u32,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.shards = shards;
        Ok(())
    })
}

/// Writes no data file of more than so many bytes, as far as tensors can be cut into slices: strings, variants, and dtypes that
/// TensorFlow cannot put together again are not, and get a larger file if need be. Takes the place of
/// `ckpt_write_options_set_shards`. 0, the default, for no limit. (`tf.train.experimental.MaxShardSizePolicy`)
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_max_shard_size(
    options: *mut ckpt_write_options,
    bytes: u64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.max_shard_size = bytes;
        Ok(())
    })
}

/// Begins each value at a multiple of so many bytes; 1 by default, as in TensorFlow. Values that are aligned to their elements
/// can be used through views as they are.
///
/// `CKPT_CODE_INVALID_ARGUMENT` for 0.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_alignment(
    options: *mut ckpt_write_options,
    bytes: u64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || alignment(bytes), WriteOptions::alignment)
}

fn alignment(bytes: u64) -> Result<u64> {
    match bytes {
        0 => Err(Error::argument("the alignment is 0").expecting("1 or more", bytes)),
        _ => Ok(bytes),
    }
}

/// Writes with so many threads, the caller's among them; 0, the default, lets the library choose. The files are the same whatever
/// it is.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_threads(
    options: *mut ckpt_write_options,
    threads: u32,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(threads), WriteOptions::threads)
}

/// What survives a power cut once the checkpoint is written: one of the `CKPT_DURABILITY_` constants.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_durability(
    options: *mut ckpt_write_options,
    durability: ckpt_durability,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || durability_of(durability), WriteOptions::durability)
}

/// Has `progress` called by `ckpt_writer_finish` now and then, with `user_data`; NULL for none. The options and the writers made
/// with them keep `user_data`; `free_user_data`, if it is not NULL, is called when the last of them is freed, finished or given
/// another callback; when this call fails, at once.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_progress(
    options: *mut ckpt_write_options,
    progress: ckpt_progress_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || progress::set(options, |o| &mut o.progress, progress, user_data, free_user_data))
}

/// Has the call stop when `cancel` is raised; NULL takes the flag away.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_cancel(
    options: *mut ckpt_write_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || progress::set_cancel(options, |o| &mut o.progress, cancel))
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_write_options_free(options: *mut ckpt_write_options) {
    release(options);
}

/// A checkpoint of named tensors, without an object graph, that is being put together (`tf.raw_ops.SaveV2`): tensors are added,
/// then `ckpt_writer_finish` writes them all. For one thread at a time.
///
/// Keys are not empty and do not begin with a zero byte; TensorFlow's Python can list only those that are UTF-8. Data files hold
/// the values in the order in which they were added. Each tensor is added once, or in slices; that no two have the same key, and
/// that no slices of one overlap, is found out by `ckpt_writer_finish`.
pub struct ckpt_writer {
    /// Nothing once it has been finished.
    state: Option<State>,
}

struct State {
    /// Borrows the caller's memory, which by the comments of the functions below outlives it.
    writer: Writer<'static>,
    progress: Progress,
}

/// The writer that a handle stands for, if it can still be used.
fn open<'a>(writer: *mut ckpt_writer) -> Result<&'a mut Writer<'static>> {
    let writer = changed(writer).ok_or_else(|| Error::argument("the writer is NULL"))?;
    Ok(&mut writer.state.as_mut().ok_or_else(used_up)?.writer)
}

fn used_up() -> Error {
    Error::new(Code::FailedPrecondition, Reason::Argument, "the writer has been finished")
}

/// A slice as C gives it.
pub(super) fn slice_at(start: *const i64, length: *const i64, rank: usize) -> Result<Slice> {
    let (start, length) = (array(start, rank, "the starts")?, array(length, rank, "the lengths")?);
    let extents = start.iter().zip(length);
    Ok(Slice::new(extents.map(|(&start, &length)| Extent { start, length: (length != -1).then_some(length) }).collect()))
}

/// A writer of the checkpoint `prefix`. Nothing is written before `ckpt_writer_finish`. The options may be freed at once.
///
/// `*writer` is to be freed with `ckpt_writer_free`; NULL on failure. `CKPT_CODE_INVALID_ARGUMENT` when the prefix does not end in a
/// name.
#[no_mangle]
pub extern "C" fn ckpt_writer_new(
    prefix: *const c_char,
    options: *const ckpt_write_options,
    writer: *mut *mut ckpt_writer,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(writer, std::ptr::null_mut(), "the place for the writer")?;
        let (options, progress) = handle(options).map(ckpt_write_options::settle).unwrap_or_default();
        let writer = Writer::new(path_at(prefix)?, &options)?;
        *out = own(ckpt_writer { state: Some(State { writer, progress }) });
        Ok(())
    })
}

/// Adds a tensor of a fixed-size dtype: `data` is its `size` bytes, row-major and in native byte order. The memory is *borrowed*:
/// it is not copied, and must stay as it is until `ckpt_writer_finish` has returned or the writer is freed.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the key or the shape is impossible, the dtype is none or not of a fixed size, or `size` is not
/// that of the tensor; then nothing is added, as after every failure below. `CKPT_CODE_FAILED_PRECONDITION` when the writer has been
/// finished.
#[no_mangle]
pub extern "C" fn ckpt_writer_add(
    writer: *mut ckpt_writer,
    key: *const c_char,
    key_len: usize,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: usize,
    data: *const c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let writer = open(writer)?;
        let shape = array(shape, rank, "the shape")?;
        writer.add(key_at(key, key_len)?, known_dtype(dtype)?, shape, array(data.cast(), size, "the data")?)
    })
}

/// Adds a slice of a partitioned tensor of a fixed-size dtype. `shape` is that of the whole tensor; `start` and `length` say what
/// the slice takes of each of the `rank` dimensions, a length of -1 with start 0 the whole of one. `data` is the slice's `size`
/// bytes, borrowed as in `ckpt_writer_add`. A slice that takes all dimensions whole is the tensor. Slices of one tensor are of
/// the same dtype and shape, do not overlap, and are stored in the order in which they were added.
///
/// Errors are those of `ckpt_writer_add`; `CKPT_CODE_INVALID_ARGUMENT` also when the slice does not lie within the shape or is empty,
/// or when another slice of the tensor was added with another dtype or shape.
#[no_mangle]
pub extern "C" fn ckpt_writer_add_slice(
    writer: *mut ckpt_writer,
    key: *const c_char,
    key_len: usize,
    dtype: ckpt_dtype,
    shape: *const i64,
    start: *const i64,
    length: *const i64,
    rank: usize,
    data: *const c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let writer = open(writer)?;
        let (shape, slice) = (array(shape, rank, "the shape")?, slice_at(start, length, rank)?);
        writer.add_slice(key_at(key, key_len)?, known_dtype(dtype)?, shape, &slice, array(data.cast(), size, "the data")?)
    })
}

/// Adds a tensor of a fixed-size dtype, or a slice of one, as TensorFlow's `SaveV2` takes it: `shape` is that of `data`, and
/// `shape_and_slice` is empty for a whole tensor, else the whole tensor's shape and the slice, `5 10 -:0,1`.
///
/// Errors are those of `ckpt_writer_add_slice`; `CKPT_CODE_INVALID_ARGUMENT` also when the text is none or does not fit `shape`.
#[no_mangle]
pub extern "C" fn ckpt_writer_add_shape_and_slice(
    writer: *mut ckpt_writer,
    key: *const c_char,
    key_len: usize,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: usize,
    shape_and_slice: *const c_char,
    shape_and_slice_len: usize,
    data: *const c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let writer = open(writer)?;
        let text = array::<u8>(shape_and_slice.cast(), shape_and_slice_len, "the text")?;
        let text = std::str::from_utf8(text).map_err(|_| Error::argument("the shape and slice are not UTF-8"))?;
        let (shape, data) = (array(shape, rank, "the shape")?, array(data.cast(), size, "the data")?);
        writer.add_shape_and_slice(key_at(key, key_len)?, known_dtype(dtype)?, shape, text, data)
    })
}

/// Adds a tensor of a fixed-size dtype whose bytes are asked for while it is written: `read` is called, with `user_data`, for
/// each piece of it once, on the threads that write, several at once. Memory for the pieces is the library's, a little for each thread. The writer keeps `user_data` and
/// calls `free_user_data`, if it is not NULL, when it is finished or freed; when this call fails, at once.
///
/// Errors are those of `ckpt_writer_add`.
#[no_mangle]
pub extern "C" fn ckpt_writer_add_read(
    writer: *mut ckpt_writer,
    key: *const c_char,
    key_len: usize,
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
        let writer = open(writer)?;
        let read = read.ok_or_else(|| Error::argument("the callback is NULL"))?;
        let mark = Mark::default();
        let fill: Box<ReadAt<'static>> = Box::new(move |offset, buffer| mark.read(Some(read), user.pointer(), offset, buffer));
        writer.add_read(key_at(key, key_len)?, known_dtype(dtype)?, array(shape, rank, "the shape")?, fill)
    })
}

/// Adds a string tensor of `count` elements, row-major, which are copied.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when `count` is not what the shape says; else errors are those of `ckpt_writer_add`.
#[no_mangle]
pub extern "C" fn ckpt_writer_add_strings(
    writer: *mut ckpt_writer,
    key: *const c_char,
    key_len: usize,
    shape: *const i64,
    rank: usize,
    elements: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let writer = open(writer)?;
        writer.add_strings(key_at(key, key_len)?, array(shape, rank, "the shape")?, &elements_of(elements, count)?)
    })
}

/// Adds a slice of a partitioned string tensor; the slice is given as for `ckpt_writer_add_slice`, its elements as for
/// `ckpt_writer_add_strings`. Errors are those of both.
#[no_mangle]
pub extern "C" fn ckpt_writer_add_strings_slice(
    writer: *mut ckpt_writer,
    key: *const c_char,
    key_len: usize,
    shape: *const i64,
    start: *const i64,
    length: *const i64,
    rank: usize,
    elements: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let writer = open(writer)?;
        let (shape, slice) = (array(shape, rank, "the shape")?, slice_at(start, length, rank)?);
        writer.add_strings_slice(key_at(key, key_len)?, shape, &slice, &elements_of(elements, count)?)
    })
}

/// Adds a variant tensor of `count` elements, each a serialized `VariantTensorDataProto` as `ckpt_reader_read_strings` gives it.
/// They are copied.
///
/// Errors are those of `ckpt_writer_add_strings`.
#[no_mangle]
pub extern "C" fn ckpt_writer_add_variants(
    writer: *mut ckpt_writer,
    key: *const c_char,
    key_len: usize,
    shape: *const i64,
    rank: usize,
    elements: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let writer = open(writer)?;
        writer.add_variants(key_at(key, key_len)?, array(shape, rank, "the shape")?, &elements_of(elements, count)?)
    })
}

/// Writes everything that was added, in a directory that is made if need be, and publishes it. The checkpoint that the prefix had
/// before stays until the new one is whole and takes its place at one stroke; it is still there after a failure, or a crash at
/// any point. The writer is used up, whether this succeeds or not: it can only be freed, and borrowed memory is the caller's
/// again.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when two tensors have the same key, or slices of one overlap; `CKPT_CODE_RESOURCE_EXHAUSTED` when the file
/// system has not enough space; `CKPT_CODE_UNAVAILABLE` when another process is writing in the directory; `CKPT_CODE_CANCELLED` when the
/// progress callback stopped it, `CKPT_CODE_ABORTED` when a read callback failed; `CKPT_CODE_FAILED_PRECONDITION` when the writer has been
/// finished before; else what the system reports.
#[no_mangle]
pub extern "C" fn ckpt_writer_finish(writer: *mut ckpt_writer, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || {
        // Taken first: callbacks may meet the handle again.
        let taken = changed(writer).ok_or_else(|| Error::argument("the writer is NULL"))?.state.take();
        let State { writer, progress } = taken.ok_or_else(used_up)?;
        writer.finish_with(&mut |done, total| progress.report(done, total)).map(drop)
    })
}

/// Frees a writer. One that was not finished leaves no trace. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_writer_free(writer: *mut ckpt_writer) {
    release(writer);
}
