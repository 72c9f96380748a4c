//! Writing checkpoints of named tensors.

use std::ffi::{c_char, c_void};

use super::callback::{ckpt_read_callback, CallbackMark};
use super::constants::{ckpt_code, ckpt_dtype, ckpt_durability, ckpt_locking, durability_of, known_dtype, limit_of, locking_of};
use super::error::ckpt_error;
use super::log::{ckpt_log_callback, set_log};
use super::options::{set, with};
use super::progress::{self, ckpt_cancel, ckpt_free_callback, ckpt_progress_callback, Progress, UserData};
use super::strings::elements_of;
use super::{
    array, ask, call, changeable, changed, ckpt_bytes, copied, dimensions_at, key_at, output, own, path_at, release, text_at,
    Exclusive,
};
use ::checkpoint::{Code, Error, Extent, ReadAt, Reason, Result, Slice, WriteOptions, Writer};

/// Options for writing a checkpoint. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_write_options(Exclusive<WriteSettings>);

#[derive(Default)]
pub(super) struct WriteSettings {
    pub options: WriteOptions,
    /// 0: the library chooses.
    shards: u32,
    /// 0: no limit.
    max_shard_size: u64,
    progress: Progress,
}

changeable! {
    ckpt_write_options: WriteSettings,
    ckpt_writer: State,
}

impl WriteSettings {
    /// The options to write with.
    pub fn resolve(&self) -> (WriteOptions, Progress) {
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

/// Creates options with the defaults. Free them with `ckpt_write_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_write_options_new() -> *mut ckpt_write_options {
    ask(std::ptr::null_mut(), || own(ckpt_write_options::default()))
}

/// Sets the number of shards (data files). 0, the default, lets the library choose by total size
/// alone: one up to 256 MiB, else one per 512 MiB, at most 64.
///
/// If the write replaces a checkpoint of the same prefix and number of shards, it creates one more
/// shard, which may be empty. Numbers above 99 999 make `ckpt_writer_new` fail.
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

/// Limits the size of a shard (data file), in bytes; 0, the default, means no limit. TensorFlow
/// reads what is written; its own `MaxShardSizePolicy` cuts and distributes tensors in another way.
///
/// Larger tensors are cut into slices. A value that cannot be cut (strings, variants, dtypes whose
/// slices TensorFlow cannot reassemble, single elements) gets a larger shard if needed. A limit
/// overrides `ckpt_write_options_set_shards`.
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

/// Aligns each value in its shard to a multiple of `bytes`; 1 by default, as in TensorFlow. Values
/// aligned to their element size can be used directly through views.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if `bytes` is 0. More than 1 GiB makes `ckpt_writer_new`
/// fail.
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
        0 => Err(Error::argument("the alignment must not be 0").expecting("1 or more", bytes)),
        _ => Ok(bytes),
    }
}

/// Sets the number of writing threads, the calling thread included; 0, the default, lets the
/// library choose. There are never more than one for every 256 KiB, nor more than eight per
/// processor. The files are the same for any number of threads.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_threads(
    options: *mut ckpt_write_options,
    threads: u32,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(threads), WriteOptions::threads)
}

/// Sets what survives a power failure after the checkpoint is written: one of the
/// `CKPT_DURABILITY_` constants. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_durability(
    options: *mut ckpt_write_options,
    durability: ckpt_durability,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || durability_of(durability), WriteOptions::durability)
}

/// Sets whether the directory is locked: one of the `CKPT_LOCKING_` constants;
/// `CKPT_LOCKING_IF_POSSIBLE` by default. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_locking(
    options: *mut ckpt_write_options,
    locking: ckpt_locking,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || locking_of(locking), WriteOptions::locking)
}

/// Sets for how many seconds the call waits for a lock that another process or thread holds; 60 by
/// default, 0 fails at once. Fails with `CKPT_CODE_INVALID_ARGUMENT` for negative values and NaN.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_lock_wait(
    options: *mut ckpt_write_options,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || limit_of(seconds), WriteOptions::lock_wait)
}

/// Sets whether the files are read back and compared with what was written before they are
/// published, from the disk rather than from the page cache where the system allows it. If they
/// differ, the write fails with `CKPT_CODE_DATA_LOSS`, and an existing checkpoint stays. This costs
/// another read of all bytes; the files are synced for it whatever the durability. False by
/// default.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_read_back(
    options: *mut ckpt_write_options,
    read_back: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(read_back), WriteOptions::read_back)
}

/// Sets the callback that reports progress during `ckpt_writer_finish`; NULL for none.
///
/// The options, and writers created with them, share `user_data`. `free_user_data`, unless NULL, is
/// called when the last of them is freed, finished or given another callback; if this call fails,
/// immediately.
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

/// Sets a flag that cancels the call when raised; NULL removes it. The flag may be freed at any
/// time.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_cancel(
    options: *mut ckpt_write_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || progress::set_cancel(options, |o| &mut o.progress, cancel))
}

/// Sets the log, which is called with `user_data` when a `ckpt_writer` finishes, about a file
/// system that has no locks and the like. A checkpoint, manager or saver has a log of its own.
/// NULL, the default, turns it off.
///
/// The options keep `user_data`. `free_user_data`, if not NULL, is called when neither the options
/// nor a call that was given them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_write_options_set_log(
    options: *mut ckpt_write_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, WriteOptions::log_to, log, user_data, free_user_data))
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_write_options_free(options: *mut ckpt_write_options) {
    release(options);
}

/// A writer of a checkpoint of named tensors, without an object graph (`tf.raw_ops.SaveV2`). Add
/// tensors, then write them all with `ckpt_writer_finish`. For one thread at a
/// time.
///
/// Keys must not be empty or begin with a zero byte; TensorFlow's Python API can list only UTF-8
/// keys. Shards hold the values in the order in which they were added. Add each tensor once, or as
/// slices. `ckpt_writer_finish` fails if two tensors have the same key or slices of one tensor
/// overlap.
pub struct ckpt_writer(Exclusive<State>);

/// None once the writer is finished.
pub(super) struct State(Option<(OpenWriter, Progress)>);

/// Borrows the caller's memory, which outlives it as the functions below demand.
type OpenWriter = Writer<'static>;

impl State {
    fn open(&mut self) -> Result<&mut OpenWriter> {
        self.0.as_mut().map(|(writer, _)| writer).ok_or_else(used_up)
    }
}

fn used_up() -> Error {
    Error::new(Code::FailedPrecondition, Reason::Argument, "the writer is already finished")
}

/// A slice passed by the caller.
pub(super) fn slice_at(start: *const i64, length: *const i64, rank: usize) -> Result<Slice> {
    let (start, length) = (dimensions_at(start, rank, "the starts")?, dimensions_at(length, rank, "the lengths")?);
    let extents = start.iter().zip(length);
    Ok(Slice::new(extents.map(|(&start, &length)| Extent { start, length: (length != -1).then_some(length) }).collect()))
}

/// Creates a writer of the checkpoint `prefix`. Nothing is written before `ckpt_writer_finish`. The
/// options may be freed immediately.
///
/// `*writer` is owned by the caller: free it with `ckpt_writer_free`. Fails with
/// `CKPT_CODE_INVALID_ARGUMENT` if the prefix is empty, `/`, or ends in `.` or `..`, or an option
/// is out of range.
#[no_mangle]
pub extern "C" fn ckpt_writer_new(
    prefix: *const c_char,
    options: *const ckpt_write_options,
    writer: *mut *mut ckpt_writer,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(writer, std::ptr::null_mut(), "the output argument `writer`")?;
        let (options, progress) = copied(options, WriteSettings::resolve)?;
        let writer = Writer::new(path_at(prefix)?, &options)?;
        *out = own(ckpt_writer(Exclusive::new(State(Some((writer, progress))))));
        Ok(())
    })
}

/// Adds a tensor of a fixed-size dtype. `data` is its value: `size` bytes, row-major and in native
/// byte order.
///
/// The memory is *borrowed*, not copied. It must stay valid and unchanged until
/// `ckpt_writer_finish` returns or the writer is freed.
///
/// If this or any other `ckpt_writer_add` function fails, nothing is added. Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the key or shape is invalid, the dtype is unknown or not
///   fixed-size, or `size` is not the size of the tensor.
/// * `CKPT_CODE_FAILED_PRECONDITION`: the writer is already finished.
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
        let mut writer = changed(writer, "the writer")?;
        let writer = writer.open()?;
        let shape = dimensions_at(shape, rank, "the shape")?;
        writer.add(key_at(key, key_len)?, known_dtype(dtype)?, shape, array(data.cast(), size, "the data")?)
    })
}

/// Adds a slice of a partitioned tensor of a fixed-size dtype.
///
/// `shape` is the shape of the whole tensor. `start` and `length` give the slice in each of the
/// `rank` dimensions; start 0 with length -1 means the whole dimension. `data` is the slice's value
/// of `size` bytes, borrowed as in `ckpt_writer_add`. A slice that covers all dimensions is stored
/// as the whole tensor. Slices of one tensor must have the same dtype and shape and must not
/// overlap; they are stored in the order in which they were added.
///
/// Fails as `ckpt_writer_add`, and with `CKPT_CODE_INVALID_ARGUMENT` if the slice does not lie
/// within the shape, is empty, or disagrees with an earlier slice of the tensor on dtype or shape.
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
        let mut writer = changed(writer, "the writer")?;
        let writer = writer.open()?;
        let (shape, slice) = (dimensions_at(shape, rank, "the shape")?, slice_at(start, length, rank)?);
        writer.add_slice(key_at(key, key_len)?, known_dtype(dtype)?, shape, &slice, array(data.cast(), size, "the data")?)
    })
}

/// Adds a tensor of a fixed-size dtype, or a slice of one, described as in TensorFlow's `SaveV2`.
///
/// `shape` is the shape of `data`. `shape_and_slice` is empty for a whole tensor; else it holds the
/// whole tensor's shape and the slice, such as `5 10 -:0,1`. `data` is borrowed as in
/// `ckpt_writer_add`.
///
/// Fails as `ckpt_writer_add_slice`, and with `CKPT_CODE_INVALID_ARGUMENT` if the text is malformed
/// or does not match `shape`.
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
        let mut writer = changed(writer, "the writer")?;
        let writer = writer.open()?;
        let text = text_at(shape_and_slice, shape_and_slice_len, "the shape and slice")?;
        let (shape, data) = (dimensions_at(shape, rank, "the shape")?, array(data.cast(), size, "the data")?);
        writer.add_shape_and_slice(key_at(key, key_len)?, known_dtype(dtype)?, shape, text, data)
    })
}

/// Adds a tensor of a fixed-size dtype that a callback reads while the checkpoint is written.
///
/// `read` is called with `user_data` once for each piece of the value, on the writing threads,
/// several at once. The library allocates the memory for the pieces, a small amount per thread. The
/// writer keeps `user_data`; `free_user_data`, unless NULL, is called when the writer is finished
/// or freed; if this call fails, immediately.
///
/// Fails as `ckpt_writer_add`.
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
        let mut writer = changed(writer, "the writer")?;
        let writer = writer.open()?;
        let read = read.ok_or_else(|| Error::argument("the read callback must not be NULL"))?;
        let mark = CallbackMark::default();
        let fill: Box<ReadAt<'static>> = Box::new(move |offset, buffer| mark.read(Some(read), user.pointer(), offset, buffer));
        writer.add_read(key_at(key, key_len)?, known_dtype(dtype)?, dimensions_at(shape, rank, "the shape")?, fill)
    })
}

/// Adds a string tensor of `count` elements, row-major. The elements are copied.
///
/// Fails as `ckpt_writer_add`, and with `CKPT_CODE_INVALID_ARGUMENT` if `count` does not match the
/// shape.
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
        let mut writer = changed(writer, "the writer")?;
        let writer = writer.open()?;
        let shape = dimensions_at(shape, rank, "the shape")?;
        writer.add_strings(key_at(key, key_len)?, shape, &elements_of(shape, elements, count)?)
    })
}

/// Adds a slice of a partitioned string tensor. The slice is given as for `ckpt_writer_add_slice`,
/// its elements as for `ckpt_writer_add_strings`. Fails as either of them.
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
        let mut writer = changed(writer, "the writer")?;
        let writer = writer.open()?;
        let (shape, slice) = (dimensions_at(shape, rank, "the shape")?, slice_at(start, length, rank)?);
        writer.add_strings_slice(key_at(key, key_len)?, shape, &slice, &elements_of(shape, elements, count)?)
    })
}

/// Adds a variant tensor of `count` elements, row-major. Each is a serialized
/// `VariantTensorDataProto`, as `ckpt_reader_read_strings` returns it. The elements are copied.
///
/// Fails as `ckpt_writer_add_strings`.
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
        let mut writer = changed(writer, "the writer")?;
        let writer = writer.open()?;
        let shape = dimensions_at(shape, rank, "the shape")?;
        writer.add_variants(key_at(key, key_len)?, shape, &elements_of(shape, elements, count)?)
    })
}

/// Writes all added tensors and publishes the checkpoint. Creates the directory if it does not
/// exist.
///
/// An existing checkpoint of the same prefix stays valid until the new one is complete and replaces
/// it atomically. It survives a failure of this call and a crash at any point. Whether the call
/// succeeds or fails, the writer can only be freed afterwards, and borrowed memory belongs to the
/// caller again; unless another call was using the writer (`CKPT_REASON_CONCURRENT_USE`).
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: two tensors have the same key, or slices of one tensor overlap
///   (`CKPT_REASON_OVERLAP`).
/// * `CKPT_CODE_RESOURCE_EXHAUSTED` (`CKPT_REASON_SPACE`): the file system does not have enough
///   space.
/// * `CKPT_CODE_UNAVAILABLE` (`CKPT_REASON_LOCKED`): another process or thread is writing or
///   removing the same checkpoint, for longer than `ckpt_write_options_set_lock_wait` says.
/// * `CKPT_CODE_ABORTED` (`CKPT_REASON_LOCK_LOST`): the lock of the checkpoint was lost before it
///   was published.
/// * `CKPT_CODE_CANCELLED` (`CKPT_REASON_CALLBACK`): the progress callback or the cancel flag
///   stopped it.
/// * `CKPT_CODE_ABORTED` (`CKPT_REASON_CALLBACK`): a read callback failed.
/// * `CKPT_CODE_FAILED_PRECONDITION`: the writer is already finished.
/// * Other codes: the operating system reported an error.
#[no_mangle]
pub extern "C" fn ckpt_writer_finish(writer: *mut ckpt_writer, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || {
        // Taken first, since callbacks may use the handle.
        let taken = changed(writer, "the writer")?.0.take();
        let (writer, progress) = taken.ok_or_else(used_up)?;
        writer.finish_with(&mut |done, total| progress.report(done, total)).map(drop)
    })
}

/// Frees a writer. If it was not finished, nothing is written. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_writer_free(writer: *mut ckpt_writer) {
    release(writer);
}
