//! The numbers of the C ABI. They never change; new ones may be added.
#![allow(dead_code)] // most constants are for the header only

use std::ffi::{c_char, CStr};
use std::time::Duration;

use super::error::ckpt_error;
use super::{ask, call, short_at};
use ::checkpoint::{
    Better, Busy, Checksums, Code, Conversion, DType, Durability, Error, Locking, Mismatch, Phase, Reason, Result, RowState,
    Verdict,
};

/// The class of an error, numbered as absl's status codes: one of the `CKPT_CODE_` constants.
pub type ckpt_code = i32;
/// The specific cause of an error: one of the `CKPT_REASON_` constants; 0 for none.
pub type ckpt_reason = i32;
/// The type of a tensor's elements, numbered as TensorFlow's `DataType`: one of the `CKPT_DTYPE_`
/// constants.
pub type ckpt_dtype = i32;
/// The format of a checkpoint: one of the `CKPT_FORMAT_` constants.
pub type ckpt_format = i32;
/// When checksums are verified while reading: one of the `CKPT_CHECKSUMS_` constants.
pub type ckpt_checksums = i32;
/// What of a written checkpoint survives a power failure: one of the `CKPT_DURABILITY_` constants.
pub type ckpt_durability = i32;
/// Whether a call that writes locks the directory: one of the `CKPT_LOCKING_` constants.
pub type ckpt_locking = i32;
/// The kind of an object of a graph: one of the `CKPT_KIND_` constants.
pub type ckpt_kind = i32;
/// How a restore treats a value that does not fit its object: one of the `CKPT_MISMATCH_`
/// constants.
pub type ckpt_mismatch = i32;
/// Which values are converted when they are restored or read as another dtype: one of the
/// `CKPT_CONVERSION_` constants.
pub type ckpt_conversion = i32;
/// What a save does while an earlier one is still running: one of the `CKPT_BUSY_` constants.
pub type ckpt_busy = i32;
/// The kind of checkpoint that a restore status belongs to: one of the `CKPT_RESTORE_KIND_`
/// constants.
pub type ckpt_restore_kind = i32;
/// The outcome for one value of a restore: one of the `CKPT_ROW_STATE_` constants.
pub type ckpt_row_state = i32;
/// Which metric values are better: one of the `CKPT_BETTER_` constants.
pub type ckpt_better = i32;
/// What a checkpoint is good for: one of the `CKPT_VERDICT_` constants.
pub type ckpt_verdict = i32;
/// A phase of a save: one of the `CKPT_PHASE_` constants. No moment belongs to two of them.
pub type ckpt_phase = i32;

/// Success.
pub const CKPT_CODE_OK: ckpt_code = 0;
/// The call was stopped by a callback or by a cancel flag.
pub const CKPT_CODE_CANCELLED: ckpt_code = 1;
/// The cause is unknown; treat codes that you do not know as this one.
pub const CKPT_CODE_UNKNOWN: ckpt_code = 2;
/// An argument of the call is invalid, or asks for something impossible.
pub const CKPT_CODE_INVALID_ARGUMENT: ckpt_code = 3;
/// The operation took longer than its time limit.
pub const CKPT_CODE_DEADLINE_EXCEEDED: ckpt_code = 4;
/// A file, checkpoint, tensor or other requested entity does not exist.
pub const CKPT_CODE_NOT_FOUND: ckpt_code = 5;
/// The entity to create already exists.
pub const CKPT_CODE_ALREADY_EXISTS: ckpt_code = 6;
/// The operating system denied access.
pub const CKPT_CODE_PERMISSION_DENIED: ckpt_code = 7;
/// Memory, disk space or a limit is exhausted.
pub const CKPT_CODE_RESOURCE_EXHAUSTED: ckpt_code = 8;
/// The object is not in the state that the call requires.
pub const CKPT_CODE_FAILED_PRECONDITION: ckpt_code = 9;
/// The operation was aborted, usually because a callback failed.
pub const CKPT_CODE_ABORTED: ckpt_code = 10;
/// An index is past the end.
pub const CKPT_CODE_OUT_OF_RANGE: ckpt_code = 11;
/// The operation is not supported.
pub const CKPT_CODE_UNIMPLEMENTED: ckpt_code = 12;
/// A bug in the library.
pub const CKPT_CODE_INTERNAL: ckpt_code = 13;
/// A resource is temporarily unavailable; a retry may succeed.
pub const CKPT_CODE_UNAVAILABLE: ckpt_code = 14;
/// Stored data is damaged, truncated or malformed.
pub const CKPT_CODE_DATA_LOSS: ckpt_code = 15;
/// The request lacks valid credentials.
pub const CKPT_CODE_UNAUTHENTICATED: ckpt_code = 16;

/// No reason is given.
pub const CKPT_REASON_NONE: ckpt_reason = 0;
/// An argument of the call is invalid.
pub const CKPT_REASON_ARGUMENT: ckpt_reason = 1;
/// There is no checkpoint at the path.
pub const CKPT_REASON_NO_CHECKPOINT: ckpt_reason = 2;
/// The checkpoint has no tensor with the key.
pub const CKPT_REASON_NO_TENSOR: ckpt_reason = 3;
/// A file that is needed does not exist.
pub const CKPT_REASON_MISSING_FILE: ckpt_reason = 4;
/// The operating system reported an error; see its error number.
pub const CKPT_REASON_IO: ckpt_reason = 5;
/// The path names something other than a regular file.
pub const CKPT_REASON_NOT_A_FILE: ckpt_reason = 6;
/// A file is shorter than its content requires.
pub const CKPT_REASON_TRUNCATED: ckpt_reason = 7;
/// The stored checksum and the computed one differ.
pub const CKPT_REASON_CHECKSUM: ckpt_reason = 8;
/// The data violates its format: no correct writer produces it.
pub const CKPT_REASON_MALFORMED: ckpt_reason = 9;
/// The checkpoint was written for other versions of readers.
pub const CKPT_REASON_VERSION: ckpt_reason = 10;
/// The dtype does not fit the call, variable or tensor.
pub const CKPT_REASON_DTYPE: ckpt_reason = 11;
/// The shape, slice or size does not fit the tensor.
pub const CKPT_REASON_SHAPE: ckpt_reason = 12;
/// Slices of a partitioned tensor overlap.
pub const CKPT_REASON_OVERLAP: ckpt_reason = 13;
/// The stored slices of a partitioned tensor do not cover the requested region.
pub const CKPT_REASON_GAP: ckpt_reason = 14;
/// The operation would exceed a limit or the available memory.
pub const CKPT_REASON_LIMIT: ckpt_reason = 15;
/// The library does not support this kind of data.
pub const CKPT_REASON_UNSUPPORTED: ckpt_reason = 16;
/// A callback stopped the call or failed, or a cancel flag was raised.
pub const CKPT_REASON_CALLBACK: ckpt_reason = 17;
/// The checkpoint is name-based and has no object graph.
pub const CKPT_REASON_NO_OBJECT_GRAPH: ckpt_reason = 18;
/// Mapped memory is misaligned, or not in native byte order, for the requested type.
pub const CKPT_REASON_ALIGNMENT: ckpt_reason = 19;
/// The library panicked; the panic was caught.
pub const CKPT_REASON_PANIC: ckpt_reason = 20;
/// Another process or thread holds the lock of the directory or the checkpoint.
pub const CKPT_REASON_LOCKED: ckpt_reason = 21;
/// The file system does not have enough free space.
pub const CKPT_REASON_SPACE: ckpt_reason = 22;
/// A node was removed, belongs to another graph, or is of the wrong kind; or an edge or slot does
/// not exist.
pub const CKPT_REASON_NODE: ckpt_reason = 23;
/// The name is already in use.
pub const CKPT_REASON_NAME_TAKEN: ckpt_reason = 24;
/// An assertion about a restore does not hold.
pub const CKPT_REASON_ASSERTION: ckpt_reason = 25;
/// A list was modified other than by appending, so the names of its elements no longer match a
/// saved checkpoint.
pub const CKPT_REASON_UNSAVABLE: ckpt_reason = 26;
/// The variable has no value yet.
pub const CKPT_REASON_NOT_SHAPED: ckpt_reason = 27;
/// The variable is read-only and cannot be restored.
pub const CKPT_REASON_READ_ONLY: ckpt_reason = 28;
/// A callback called the graph that called it.
pub const CKPT_REASON_REENTRANT: ckpt_reason = 29;
/// The checkpoint was replaced after a reader opened it or the restore began.
pub const CKPT_REASON_REPLACED: ckpt_reason = 30;
/// A registered saver is missing, or does not accept the object.
pub const CKPT_REASON_SAVER: ckpt_reason = 31;
/// An earlier save of the same checkpoint object is still running.
pub const CKPT_REASON_BUSY: ckpt_reason = 32;
/// A rank failed or did not take part, so no rank saved.
pub const CKPT_REASON_RANK: ckpt_reason = 33;
/// The path names a file or directory of another kind, which was recognized; the message says what
/// to do.
pub const CKPT_REASON_NOT_A_CHECKPOINT: ckpt_reason = 34;
/// Another call was using the same handle.
pub const CKPT_REASON_CONCURRENT_USE: ckpt_reason = 35;
/// The process was forked from the one that made the handle, and may only free it.
pub const CKPT_REASON_FORKED: ckpt_reason = 36;
/// A lock was lost while it was needed: the directory or its file of locks was removed or replaced,
/// or a network file system gave the lock away.
pub const CKPT_REASON_LOCK_LOST: ckpt_reason = 37;
/// Several tensors have the name.
pub const CKPT_REASON_AMBIGUOUS: ckpt_reason = 38;

/// No dtype.
pub const CKPT_DTYPE_INVALID: ckpt_dtype = 0;
/// `float32`, 4 bytes per element.
pub const CKPT_DTYPE_FLOAT: ckpt_dtype = 1;
/// `float64`, 8 bytes per element.
pub const CKPT_DTYPE_DOUBLE: ckpt_dtype = 2;
/// `int32`, 4 bytes per element.
pub const CKPT_DTYPE_INT32: ckpt_dtype = 3;
/// `uint8`, 1 byte per element.
pub const CKPT_DTYPE_UINT8: ckpt_dtype = 4;
/// `int16`, 2 bytes per element.
pub const CKPT_DTYPE_INT16: ckpt_dtype = 5;
/// `int8`, 1 byte per element.
pub const CKPT_DTYPE_INT8: ckpt_dtype = 6;
/// `string`: byte strings of variable length.
pub const CKPT_DTYPE_STRING: ckpt_dtype = 7;
/// `complex64`, 8 bytes per element.
pub const CKPT_DTYPE_COMPLEX64: ckpt_dtype = 8;
/// `int64`, 8 bytes per element.
pub const CKPT_DTYPE_INT64: ckpt_dtype = 9;
/// `bool`, 1 byte per element.
pub const CKPT_DTYPE_BOOL: ckpt_dtype = 10;
/// `qint8`, 1 byte per element.
pub const CKPT_DTYPE_QINT8: ckpt_dtype = 11;
/// `quint8`, 1 byte per element.
pub const CKPT_DTYPE_QUINT8: ckpt_dtype = 12;
/// `qint32`, 4 bytes per element.
pub const CKPT_DTYPE_QINT32: ckpt_dtype = 13;
/// `bfloat16`, 2 bytes per element.
pub const CKPT_DTYPE_BFLOAT16: ckpt_dtype = 14;
/// `qint16`, 2 bytes per element.
pub const CKPT_DTYPE_QINT16: ckpt_dtype = 15;
/// `quint16`, 2 bytes per element.
pub const CKPT_DTYPE_QUINT16: ckpt_dtype = 16;
/// `uint16`, 2 bytes per element.
pub const CKPT_DTYPE_UINT16: ckpt_dtype = 17;
/// `complex128`, 16 bytes per element.
pub const CKPT_DTYPE_COMPLEX128: ckpt_dtype = 18;
/// `float16`, 2 bytes per element.
pub const CKPT_DTYPE_HALF: ckpt_dtype = 19;
/// `variant`: serialized objects of variable length.
pub const CKPT_DTYPE_VARIANT: ckpt_dtype = 21;
/// `uint32`, 4 bytes per element.
pub const CKPT_DTYPE_UINT32: ckpt_dtype = 22;
/// `uint64`, 8 bytes per element.
pub const CKPT_DTYPE_UINT64: ckpt_dtype = 23;
/// `float8_e5m2`, 1 byte per element.
pub const CKPT_DTYPE_FLOAT8_E5M2: ckpt_dtype = 24;
/// `float8_e4m3fn`, 1 byte per element.
pub const CKPT_DTYPE_FLOAT8_E4M3FN: ckpt_dtype = 25;
/// `float8_e4m3fnuz`, 1 byte per element.
pub const CKPT_DTYPE_FLOAT8_E4M3FNUZ: ckpt_dtype = 26;
/// `float8_e4m3b11fnuz`, 1 byte per element.
pub const CKPT_DTYPE_FLOAT8_E4M3B11FNUZ: ckpt_dtype = 27;
/// `float8_e5m2fnuz`, 1 byte per element.
pub const CKPT_DTYPE_FLOAT8_E5M2FNUZ: ckpt_dtype = 28;
/// `int4`, 1 byte per element: two's complement in the low four bits.
pub const CKPT_DTYPE_INT4: ckpt_dtype = 29;
/// `uint4`, 1 byte per element: the low four bits.
pub const CKPT_DTYPE_UINT4: ckpt_dtype = 30;
/// `int2`, 1 byte per element: two's complement in the low two bits.
pub const CKPT_DTYPE_INT2: ckpt_dtype = 31;
/// `uint2`, 1 byte per element: the low two bits.
pub const CKPT_DTYPE_UINT2: ckpt_dtype = 32;
/// `float4_e2m1fn`, 1 byte per element: the low four bits.
pub const CKPT_DTYPE_FLOAT4_E2M1FN: ckpt_dtype = 33;

/// V1: tables that hold the values, as written by `tf.compat.v1.train.Saver(write_version=V1)`.
pub const CKPT_FORMAT_V1: ckpt_format = 1;
/// V2: an index file and shards (data files); everything written since 2017.
pub const CKPT_FORMAT_V2: ckpt_format = 2;

/// Always verify, the default; reading a slice then reads the whole of each stored piece that it
/// touches.
pub const CKPT_CHECKSUMS_ALWAYS: ckpt_checksums = 0;
/// Verify only where everything that a checksum covers is read anyway; slices read only what they
/// need and are not verified.
pub const CKPT_CHECKSUMS_WHEN_WHOLE: ckpt_checksums = 1;
/// Never verify, except for strings and variants.
pub const CKPT_CHECKSUMS_NEVER: ckpt_checksums = 2;

/// The whole checkpoint, the default: files and directory are synced before the call returns.
pub const CKPT_DURABILITY_FULL: ckpt_durability = 0;
/// The files are synced, the directory only before something old is deleted: a power failure may
/// undo a new checkpoint, but every remaining checkpoint is intact, and what it replaced is not
/// lost with it.
pub const CKPT_DURABILITY_DATA: ckpt_durability = 1;
/// Nothing is synced: after a power failure the state of the files is undefined.
pub const CKPT_DURABILITY_NONE: ckpt_durability = 2;

/// If the file system can, the default. Otherwise the call goes on, and the log says so once for
/// each handle. The same holds for syncing the directory.
pub const CKPT_LOCKING_IF_POSSIBLE: ckpt_locking = 0;
/// The call fails where the file system cannot.
pub const CKPT_LOCKING_REQUIRED: ckpt_locking = 1;
/// The call takes no lock that other processes see: the caller knows that no other process writes
/// in the directory.
pub const CKPT_LOCKING_NONE: ckpt_locking = 2;

/// An object without values of its own.
pub const CKPT_KIND_OBJECT: ckpt_kind = 1;
/// A variable.
pub const CKPT_KIND_VARIABLE: ckpt_kind = 2;
/// State that callbacks save and restore as several tensors.
pub const CKPT_KIND_STATE: ckpt_kind = 3;
/// A single string.
pub const CKPT_KIND_TEXT: ckpt_kind = 4;
/// A list.
pub const CKPT_KIND_LIST: ckpt_kind = 5;
/// A dict.
pub const CKPT_KIND_DICT: ckpt_kind = 6;
/// A tuple or named tuple.
pub const CKPT_KIND_TUPLE: ckpt_kind = 7;
/// An object that may have slot variables, such as an optimizer.
pub const CKPT_KIND_SLOT_OWNER: ckpt_kind = 8;

/// The call fails and restores nothing; the default.
pub const CKPT_MISMATCH_FAIL: ckpt_mismatch = 0;
/// The value is skipped and recorded in the report.
pub const CKPT_MISMATCH_SKIP: ckpt_mismatch = 1;

/// Values are not converted: another dtype is an error. The default.
pub const CKPT_CONVERSION_NONE: ckpt_conversion = 0;
/// Values are converted to dtypes that have all values of theirs: int32 to int64, int16 or bfloat16
/// to float32, float32 to complex64. Integers are also converted to other integers if they all fit,
/// in tensors of at most 1 MiB.
pub const CKPT_CONVERSION_EXACT: ckpt_conversion = 1;
/// Floating-point and complex numbers are also rounded: float32 to bfloat16. What is too large
/// becomes infinity; NaN where there is no infinity; the largest number where there is neither.
pub const CKPT_CONVERSION_LOSSY: ckpt_conversion = 2;

/// Wait for the earlier save; the default.
pub const CKPT_BUSY_WAIT: ckpt_busy = 0;
/// Fail with `CKPT_CODE_UNAVAILABLE`; the save counter does not advance.
pub const CKPT_BUSY_FAIL: ckpt_busy = 1;

/// A checkpoint with an object graph (`CheckpointLoadStatus`).
pub const CKPT_RESTORE_KIND_OBJECTS: ckpt_restore_kind = 1;
/// A name-based checkpoint (`NameBasedSaverStatus`).
pub const CKPT_RESTORE_KIND_NAMES: ckpt_restore_kind = 2;
/// No checkpoint (`InitializationOnlyStatus`).
pub const CKPT_RESTORE_KIND_NONE: ckpt_restore_kind = 3;

/// The object has the value of the checkpoint.
pub const CKPT_ROW_STATE_RESTORED: ckpt_row_state = 1;
/// The object does not exist yet; it gets the value when it is tracked.
pub const CKPT_ROW_STATE_DEFERRED: ckpt_row_state = 2;
/// The program has an object for which the checkpoint has no value.
pub const CKPT_ROW_STATE_MISSING: ckpt_row_state = 3;
/// The checkpoint has a value for which the program has no object, or one that does not use it.
pub const CKPT_ROW_STATE_UNUSED: ckpt_row_state = 4;
/// The value and the object differ in shape.
pub const CKPT_ROW_STATE_SHAPE_MISMATCH: ckpt_row_state = 5;
/// The value and the object differ in dtype.
pub const CKPT_ROW_STATE_DTYPE_MISMATCH: ckpt_row_state = 6;
/// The object is unchanged: skipped on request, already set by a newer restore, or not reached
/// because of an earlier failure.
pub const CKPT_ROW_STATE_SKIPPED: ckpt_row_state = 7;
/// Reading or a callback failed halfway: the object has neither its old value nor the new one.
pub const CKPT_ROW_STATE_TORN: ckpt_row_state = 8;
/// Not a value: a glob of the options that no value of the checkpoint matches. The row's path is
/// the glob.
pub const CKPT_ROW_STATE_UNMATCHED_GLOB: ckpt_row_state = 9;
/// The object has the value of the checkpoint, converted from its dtype there to the one in the
/// program.
pub const CKPT_ROW_STATE_CONVERTED: ckpt_row_state = 10;

/// Lower is better, as for a loss.
pub const CKPT_BETTER_LOWER: ckpt_better = 1;
/// Higher is better, as for an accuracy.
pub const CKPT_BETTER_HIGHER: ckpt_better = 2;

/// Every tensor can be read, and every key that the object graph names is there.
pub const CKPT_VERDICT_WHOLE: ckpt_verdict = 1;
/// A section of a checkpoint, as each worker of a distributed program writes one before they are
/// merged: nothing is damaged, but the stored slices do not cover their tensors. So is a section by
/// its name, `part-00000-of-00002`, which lacks keys of the object graph.
pub const CKPT_VERDICT_SECTION: ckpt_verdict = 2;
/// Nothing is damaged, but a key that the object graph names is absent.
pub const CKPT_VERDICT_INCOMPLETE: ckpt_verdict = 3;
/// A checksum does not match, a data file is missing or too short, values overlap, or something is
/// malformed.
pub const CKPT_VERDICT_DAMAGED: ckpt_verdict = 4;

/// Values are copied, while the program waits. Only saves in the background have it.
pub const CKPT_PHASE_COPY: ckpt_phase = 1;
/// Shards (data files) and index are written, and read back if that is asked for.
pub const CKPT_PHASE_WRITE: ckpt_phase = 2;
/// Files and directories are synced.
pub const CKPT_PHASE_SYNC: ckpt_phase = 3;
/// The directory is looked at and swept, files are renamed, the state file is replaced, expired
/// checkpoints are deleted.
pub const CKPT_PHASE_PUBLISH: ckpt_phase = 4;
/// Locks of the directory are taken, and waited for.
pub const CKPT_PHASE_LOCK: ckpt_phase = 5;

/// The severity of a log message: one of the `CKPT_SEVERITY_` constants.
pub type ckpt_severity = i32;
/// Information about normal operation.
pub const CKPT_SEVERITY_INFO: ckpt_severity = 1;
/// A possible mistake.
pub const CKPT_SEVERITY_WARNING: ckpt_severity = 2;
/// An error.
pub const CKPT_SEVERITY_ERROR: ckpt_severity = 3;

/// The maximum number of dimensions of a tensor: TensorFlow's own limit.
pub const CKPT_MAX_RANK: usize = 254;

/// The maximum length of a key or another name that a call takes, in bytes.
pub const CKPT_MAX_NAME: usize = 1_048_576;

/// Major version of the library that this header belongs to. It changes when programs must be
/// recompiled.
pub const CKPT_VERSION_MAJOR: i32 = 0;
/// Minor version. It changes when something is added.
pub const CKPT_VERSION_MINOR: i32 = 1;
/// Patch version. It changes when something is fixed.
pub const CKPT_VERSION_PATCH: i32 = 0;

/// Returns the version of the loaded library, e.g. `0.1.0`. NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_version() -> *const c_char {
    ask(c"".as_ptr(), || VERSION.as_ptr())
}

/// Checks that the loaded library serves a program built with another version of this header: call
/// it once with `CKPT_VERSION_MAJOR`, `CKPT_VERSION_MINOR` and `CKPT_VERSION_PATCH`. The bindings
/// do so when they are loaded.
///
/// Errors: `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_VERSION`): the library is older than the
/// header, or their first numbers differ.
#[no_mangle]
pub extern "C" fn ckpt_check_version(major: i32, minor: i32, patch: i32, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || {
        let own = (CKPT_VERSION_MAJOR, CKPT_VERSION_MINOR, CKPT_VERSION_PATCH);
        if major == own.0 && (minor, patch) <= (own.1, own.2) {
            return Ok(());
        }
        let built = format!("{major}.{minor}.{patch}");
        let what = format!(
            "libcheckpoint {} is loaded, but the program was built for {built}: install libcheckpoint {major}.x, {built} or newer",
            env!("CARGO_PKG_VERSION")
        );
        Err(Error::new(Code::FailedPrecondition, Reason::Version, what))
    })
}

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// Returns the name of a code, e.g. `DATA_LOSS`; `UNKNOWN` for an unknown number. NUL-terminated
/// static text.
#[no_mangle]
pub extern "C" fn ckpt_code_name(code: ckpt_code) -> *const c_char {
    ask(c"UNKNOWN".as_ptr(), || match code {
        CKPT_CODE_OK => c"OK".as_ptr(),
        _ => Code::from_number(code).map_or(c"UNKNOWN", Code::c_name).as_ptr(),
    })
}

/// Returns the Python name of a dtype, e.g. `float32`; `invalid` for an unknown number.
/// NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_dtype_name(dtype: ckpt_dtype) -> *const c_char {
    ask(c"invalid".as_ptr(), || dtype_of(dtype).map_or(c"invalid", DType::c_name).as_ptr())
}

/// Returns the size of one element in bytes; 0 for strings, variants and unknown numbers.
#[no_mangle]
pub extern "C" fn ckpt_dtype_size(dtype: ckpt_dtype) -> usize {
    ask(0, || dtype_of(dtype).and_then(DType::size).unwrap_or(0))
}

/// Fails unless memory with elements of dtype `elements` can hold elements of `dtype` as they are.
/// It can if the two are the same. Besides, `CKPT_DTYPE_UINT8`, `CKPT_DTYPE_UINT16` and
/// `CKPT_DTYPE_UINT32` hold the bits of elements of their size that C has no type for: `float16`,
/// `bfloat16`, quantized numbers, and numbers of eight bits or less that are not integers of eight
/// bits. The error calls the tensor by `name`, of `name_len` bytes, unless that is empty.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT` (`CKPT_REASON_DTYPE`): it cannot, or one of the two is no dtype.
#[no_mangle]
pub extern "C" fn ckpt_dtype_check_elements(
    dtype: ckpt_dtype,
    elements: ckpt_dtype,
    name: *const c_char,
    name_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let name = short_at(name, name_len, "the name")?;
        let checked = known_dtype(elements).and_then(|elements| known_dtype(dtype)?.check_fits(elements));
        checked.map_err(|e| if name.is_empty() { e } else { e.for_tensor(name) })
    })
}

/// Returns the name of a row state, e.g. `shape mismatch`; `unknown` for an unknown number.
/// NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_row_state_name(state: ckpt_row_state) -> *const c_char {
    ask(c"unknown".as_ptr(), || row_state_name(state).as_ptr())
}

fn row_state_name(state: ckpt_row_state) -> &'static CStr {
    RowState::all().find(|known| *known as ckpt_row_state == state).map_or(c"unknown", RowState::c_name)
}

/// Returns the name of a reason, e.g. `NO_CHECKPOINT`; `NONE` for 0, `UNKNOWN` for an unknown
/// number. NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_reason_name(reason: ckpt_reason) -> *const c_char {
    ask(c"UNKNOWN".as_ptr(), || name_in(&REASONS, reason, 0, c"UNKNOWN"))
}

/// Returns the name of a format: `V1` or `V2`; `unknown` for an unknown number. NUL-terminated
/// static text.
#[no_mangle]
pub extern "C" fn ckpt_format_name(format: ckpt_format) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"V1", c"V2"], format, CKPT_FORMAT_V1, c"unknown"))
}

/// Returns the name of a way to compare checksums, e.g. `when whole`; `unknown` for an unknown
/// number. NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_checksums_name(checksums: ckpt_checksums) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"always", c"when whole", c"never"], checksums, CKPT_CHECKSUMS_ALWAYS, c"unknown"))
}

/// Returns the name of a durability, e.g. `full`; `unknown` for an unknown number. NUL-terminated
/// static text.
#[no_mangle]
pub extern "C" fn ckpt_durability_name(durability: ckpt_durability) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"full", c"data", c"none"], durability, CKPT_DURABILITY_FULL, c"unknown"))
}

/// Returns the name of a way to lock, e.g. `if possible`; `unknown` for an unknown number.
/// NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_locking_name(locking: ckpt_locking) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"if possible", c"required", c"none"], locking, CKPT_LOCKING_IF_POSSIBLE, c"unknown"))
}

/// Returns the name of a kind, e.g. `slot owner`; `unknown` for an unknown number. NUL-terminated
/// static text.
#[no_mangle]
pub extern "C" fn ckpt_kind_name(kind: ckpt_kind) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&KINDS, kind, CKPT_KIND_OBJECT, c"unknown"))
}

/// Returns the name of what to do about a value that does not fit: `fail` or `skip`; `unknown` for
/// an unknown number. NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_mismatch_name(mismatch: ckpt_mismatch) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"fail", c"skip"], mismatch, CKPT_MISMATCH_FAIL, c"unknown"))
}

/// Returns the name of a conversion: `none`, `exact` or `lossy`; `unknown` for an unknown number.
/// NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_conversion_name(conversion: ckpt_conversion) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"none", c"exact", c"lossy"], conversion, CKPT_CONVERSION_NONE, c"unknown"))
}

/// Returns the name of what a save does while another runs: `wait` or `fail`; `unknown` for an
/// unknown number. NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_busy_name(busy: ckpt_busy) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"wait", c"fail"], busy, CKPT_BUSY_WAIT, c"unknown"))
}

/// Returns the name of a kind of restore, e.g. `objects`; `unknown` for an unknown number.
/// NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_restore_kind_name(kind: ckpt_restore_kind) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"objects", c"names", c"none"], kind, CKPT_RESTORE_KIND_OBJECTS, c"unknown"))
}

/// Returns the name of an order of metrics: `lower` or `higher`; `unknown` for an unknown number.
/// NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_better_name(better: ckpt_better) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"lower", c"higher"], better, CKPT_BETTER_LOWER, c"unknown"))
}

/// Returns a verdict in one word: `whole`, `section`, `incomplete` or `damaged`; `unknown` for an
/// unknown number. NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_verdict_name(verdict: ckpt_verdict) -> *const c_char {
    ask(c"unknown".as_ptr(), || {
        Verdict::all().find(|known| *known as ckpt_verdict == verdict).map_or(c"unknown", Verdict::c_name).as_ptr()
    })
}

/// Returns the name of a severity, e.g. `warning`; `unknown` for an unknown number. NUL-terminated
/// static text.
#[no_mangle]
pub extern "C" fn ckpt_severity_name(severity: ckpt_severity) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"info", c"warning", c"error"], severity, CKPT_SEVERITY_INFO, c"unknown"))
}

/// Returns the name of a number of those that begin with `first`.
fn name_in(names: &[&'static CStr], number: i32, first: i32, otherwise: &'static CStr) -> *const c_char {
    let at = usize::try_from(i64::from(number) - i64::from(first)).ok();
    at.and_then(|at| names.get(at)).map_or(otherwise, |name| *name).as_ptr()
}

const REASONS: [&CStr; CKPT_REASON_AMBIGUOUS as usize + 1] = [
    c"NONE",
    c"ARGUMENT",
    c"NO_CHECKPOINT",
    c"NO_TENSOR",
    c"MISSING_FILE",
    c"IO",
    c"NOT_A_FILE",
    c"TRUNCATED",
    c"CHECKSUM",
    c"MALFORMED",
    c"VERSION",
    c"DTYPE",
    c"SHAPE",
    c"OVERLAP",
    c"GAP",
    c"LIMIT",
    c"UNSUPPORTED",
    c"CALLBACK",
    c"NO_OBJECT_GRAPH",
    c"ALIGNMENT",
    c"PANIC",
    c"LOCKED",
    c"SPACE",
    c"NODE",
    c"NAME_TAKEN",
    c"ASSERTION",
    c"UNSAVABLE",
    c"NOT_SHAPED",
    c"READ_ONLY",
    c"REENTRANT",
    c"REPLACED",
    c"SAVER",
    c"BUSY",
    c"RANK",
    c"NOT_A_CHECKPOINT",
    c"CONCURRENT_USE",
    c"FORKED",
    c"LOCK_LOST",
    c"AMBIGUOUS",
];

const KINDS: [&CStr; 8] = [c"object", c"variable", c"state", c"text", c"list", c"dict", c"tuple", c"slot owner"];

fn dtype_of(number: ckpt_dtype) -> Option<DType> {
    u32::try_from(number).ok().and_then(DType::from_number)
}

/// The dtype of a tensor passed by the caller.
pub(super) fn known_dtype(number: ckpt_dtype) -> Result<DType> {
    dtype_of(number)
        .ok_or_else(|| Error::argument("the dtype is unknown").because(Reason::DType).expecting("a CKPT_DTYPE_ constant", number))
}

/// The number of a kind, given its name in the Rust API; 0 if there is none.
pub(super) fn kind_number(name: &str) -> ckpt_kind {
    KINDS.iter().position(|kind| kind.to_str() == Ok(name)).map_or(0, |at| at as ckpt_kind + CKPT_KIND_OBJECT)
}

pub(super) fn durability_of(number: ckpt_durability) -> Result<Durability> {
    match number {
        CKPT_DURABILITY_FULL => Ok(Durability::Full),
        CKPT_DURABILITY_DATA => Ok(Durability::Data),
        CKPT_DURABILITY_NONE => Ok(Durability::None),
        _ => Err(Error::argument("the durability is unknown").expecting("a CKPT_DURABILITY_ constant, 0 to 2", number)),
    }
}

pub(super) fn locking_of(number: ckpt_locking) -> Result<Locking> {
    match number {
        CKPT_LOCKING_IF_POSSIBLE => Ok(Locking::IfPossible),
        CKPT_LOCKING_REQUIRED => Ok(Locking::Required),
        CKPT_LOCKING_NONE => Ok(Locking::None),
        _ => Err(Error::argument("the way to lock is unknown").expecting("a CKPT_LOCKING_ constant, 0 to 2", number)),
    }
}

/// Returns the name of a phase of a save: `copy`, `write`, `sync`, `publish` or `lock`; `unknown`
/// for an unknown number. NUL-terminated static text.
#[no_mangle]
pub extern "C" fn ckpt_phase_name(phase: ckpt_phase) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"copy", c"write", c"sync", c"publish", c"lock"], phase, CKPT_PHASE_COPY, c"unknown"))
}

pub(super) fn phase_of(number: ckpt_phase) -> Result<Phase> {
    match number {
        CKPT_PHASE_COPY => Ok(Phase::Copy),
        CKPT_PHASE_WRITE => Ok(Phase::Write),
        CKPT_PHASE_SYNC => Ok(Phase::Sync),
        CKPT_PHASE_PUBLISH => Ok(Phase::Publish),
        CKPT_PHASE_LOCK => Ok(Phase::Lock),
        _ => Err(Error::argument("the phase is unknown").expecting("a CKPT_PHASE_ constant, 1 to 5", number)),
    }
}

/// A limit of waiting. Infinity, or more than can be counted, is for ever.
pub(super) fn limit_of(seconds: f64) -> Result<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return Err(Error::argument("the limit is invalid").expecting("0 seconds or more", seconds));
    }
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

pub(super) fn better_of(number: ckpt_better) -> Result<Better> {
    match number {
        CKPT_BETTER_LOWER => Ok(Better::Lower),
        CKPT_BETTER_HIGHER => Ok(Better::Higher),
        _ => Err(Error::argument("the order of metrics is unknown").expecting("a CKPT_BETTER_ constant, 1 or 2", number)),
    }
}

pub(super) fn mismatch_of(number: ckpt_mismatch) -> Result<Mismatch> {
    match number {
        CKPT_MISMATCH_FAIL => Ok(Mismatch::Fail),
        CKPT_MISMATCH_SKIP => Ok(Mismatch::Skip),
        _ => {
            Err(Error::argument("the treatment of mismatches is unknown").expecting("a CKPT_MISMATCH_ constant, 0 or 1", number))
        }
    }
}

pub(super) fn conversion_of(number: ckpt_conversion) -> Result<Conversion> {
    match number {
        CKPT_CONVERSION_NONE => Ok(Conversion::None),
        CKPT_CONVERSION_EXACT => Ok(Conversion::Exact),
        CKPT_CONVERSION_LOSSY => Ok(Conversion::Lossy),
        _ => Err(Error::argument("the conversion is unknown").expecting("a CKPT_CONVERSION_ constant, 0 to 2", number)),
    }
}

pub(super) fn busy_of(number: ckpt_busy) -> Result<Busy> {
    match number {
        CKPT_BUSY_WAIT => Ok(Busy::Wait),
        CKPT_BUSY_FAIL => Ok(Busy::Fail),
        _ => {
            Err(Error::argument("the behavior while a save is running is unknown")
                .expecting("a CKPT_BUSY_ constant, 0 or 1", number))
        }
    }
}

pub(super) fn checksums(number: ckpt_checksums) -> Result<Checksums> {
    match number {
        CKPT_CHECKSUMS_ALWAYS => Ok(Checksums::Always),
        CKPT_CHECKSUMS_WHEN_WHOLE => Ok(Checksums::WhenWhole),
        CKPT_CHECKSUMS_NEVER => Ok(Checksums::Never),
        _ => Err(Error::argument("the checksum mode is unknown").expecting("a CKPT_CHECKSUMS_ constant, 0 to 2", number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::checkpoint::{RestoreKind, Severity};

    #[test]
    fn the_numbers_are_those_of_the_rust_api() {
        let version = format!("{CKPT_VERSION_MAJOR}.{CKPT_VERSION_MINOR}.{CKPT_VERSION_PATCH}");
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
        assert_eq!(CKPT_MAX_RANK, ::checkpoint::MAX_RANK);
        assert_eq!(CKPT_CODE_UNAUTHENTICATED, Code::Unauthenticated as i32);
        assert_eq!(CKPT_REASON_SPACE, Reason::Space as i32);
        assert_eq!(CKPT_REASON_SAVER, Reason::Saver as i32);
        assert_eq!(CKPT_REASON_CONCURRENT_USE, Reason::ConcurrentUse as i32);
        assert_eq!(CKPT_ROW_STATE_UNMATCHED_GLOB, RowState::UnmatchedGlob as ckpt_row_state);
        assert_eq!(CKPT_ROW_STATE_CONVERTED, RowState::Converted as ckpt_row_state);
        assert_eq!((CKPT_CONVERSION_NONE, CKPT_CONVERSION_LOSSY), (Conversion::None as i32, Conversion::Lossy as i32));
        assert_eq!(CKPT_ROW_STATE_TORN, RowState::Torn as ckpt_row_state);
        assert_eq!((CKPT_VERDICT_WHOLE, CKPT_VERDICT_DAMAGED), (Verdict::Whole as i32, Verdict::Damaged as i32));
        assert_eq!(CKPT_RESTORE_KIND_NONE, RestoreKind::None as ckpt_restore_kind);
        assert_eq!(CKPT_SEVERITY_ERROR, Severity::Error as ckpt_severity);
        assert_eq!((CKPT_BETTER_LOWER, CKPT_BETTER_HIGHER), (Better::Lower as ckpt_better, Better::Higher as ckpt_better));
        assert_eq!((CKPT_PHASE_COPY, CKPT_PHASE_LOCK), (Phase::Copy as ckpt_phase, Phase::Lock as ckpt_phase));
        assert_eq!(CKPT_KIND_SLOT_OWNER, kind_number("slot owner"));
        assert_eq!(CKPT_DTYPE_FLOAT4_E2M1FN as u32, DType::Float4E2m1fn.number());
    }
}
