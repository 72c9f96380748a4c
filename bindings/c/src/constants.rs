//! Numbers of the C ABI. They never change; new ones may be added.
#![allow(dead_code)] // most constants are for the header alone

use std::ffi::{c_char, CStr};

use super::ask;
use ::checkpoint::{Better, Busy, Checksums, Code, DType, Durability, Error, Mismatch, Reason, Result, RowState};

/// The class of an error, with the numbers of absl's status codes: one of the `CKPT_` codes from `CKPT_CODE_OK` to `CKPT_CODE_UNAUTHENTICATED`.
pub type ckpt_code = i32;
/// Why a call failed: one of the `CKPT_REASON_` constants; 0 for none.
pub type ckpt_reason = i32;
/// The type of a tensor's elements: TensorFlow's number, one of the constants from `CKPT_DTYPE_FLOAT` on.
pub type ckpt_dtype = i32;
/// How a checkpoint is stored: `CKPT_FORMAT_V1` or `CKPT_FORMAT_V2`.
pub type ckpt_format = i32;
/// Whether checksums are compared: one of the `CKPT_CHECKSUMS_` constants.
pub type ckpt_checksums = i32;
/// What of a checkpoint survives a power cut: one of the `CKPT_DURABILITY_` constants.
pub type ckpt_durability = i32;

/// What an object of a graph is: one of the `CKPT_KIND_` constants.
pub type ckpt_kind = i32;
/// What to do about a value that does not fit its object: one of the `CKPT_MISMATCH_` constants.
pub type ckpt_mismatch = i32;
/// What a save does while an earlier one is still running: one of the `CKPT_BUSY_` constants.
pub type ckpt_busy = i32;
/// What kind of restore a status is of: one of the `CKPT_RESTORE_KIND_` constants.
pub type ckpt_restore_kind = i32;
/// What became of a value: one of the `CKPT_ROW_STATE_` constants.
pub type ckpt_row_state = i32;
/// Which metrics are better: one of the `CKPT_BETTER_` constants.
pub type ckpt_better = i32;

/// Success.
pub const CKPT_CODE_OK: ckpt_code = 0;
/// A callback of the caller asked to stop.
pub const CKPT_CODE_CANCELLED: ckpt_code = 1;
/// Nothing more is known; treat codes that you do not know as this one.
pub const CKPT_CODE_UNKNOWN: ckpt_code = 2;
/// The call asks for what cannot be.
pub const CKPT_CODE_INVALID_ARGUMENT: ckpt_code = 3;
/// Time ran out.
pub const CKPT_CODE_DEADLINE_EXCEEDED: ckpt_code = 4;
/// No such file, checkpoint or tensor.
pub const CKPT_CODE_NOT_FOUND: ckpt_code = 5;
/// What was to be made exists.
pub const CKPT_CODE_ALREADY_EXISTS: ckpt_code = 6;
/// The system refused access.
pub const CKPT_CODE_PERMISSION_DENIED: ckpt_code = 7;
/// Memory, disk or a limit is used up.
pub const CKPT_CODE_RESOURCE_EXHAUSTED: ckpt_code = 8;
/// The object is in no state for the call.
pub const CKPT_CODE_FAILED_PRECONDITION: ckpt_code = 9;
/// The operation was given up.
pub const CKPT_CODE_ABORTED: ckpt_code = 10;
/// Past the end.
pub const CKPT_CODE_OUT_OF_RANGE: ckpt_code = 11;
/// Not supported.
pub const CKPT_CODE_UNIMPLEMENTED: ckpt_code = 12;
/// A fault of the library's own.
pub const CKPT_CODE_INTERNAL: ckpt_code = 13;
/// Not at the moment.
pub const CKPT_CODE_UNAVAILABLE: ckpt_code = 14;
/// Bytes that are damaged or malformed.
pub const CKPT_CODE_DATA_LOSS: ckpt_code = 15;
/// Unknown caller.
pub const CKPT_CODE_UNAUTHENTICATED: ckpt_code = 16;

/// None is given.
pub const CKPT_REASON_NONE: ckpt_reason = 0;
/// An argument of the call is wrong.
pub const CKPT_REASON_ARGUMENT: ckpt_reason = 1;
/// There is no checkpoint at the path.
pub const CKPT_REASON_NO_CHECKPOINT: ckpt_reason = 2;
/// There is no such key in the checkpoint.
pub const CKPT_REASON_NO_TENSOR: ckpt_reason = 3;
/// A file that the checkpoint needs is not there.
pub const CKPT_REASON_MISSING_FILE: ckpt_reason = 4;
/// The operating system reported an error; see the error number.
pub const CKPT_REASON_IO: ckpt_reason = 5;
/// The path leads to something that is not a plain file.
pub const CKPT_REASON_NOT_A_FILE: ckpt_reason = 6;
/// A file ends before what it says it holds.
pub const CKPT_REASON_TRUNCATED: ckpt_reason = 7;
/// Stored and computed checksum differ.
pub const CKPT_REASON_CHECKSUM: ckpt_reason = 8;
/// Bytes that no writer may produce.
pub const CKPT_REASON_MALFORMED: ckpt_reason = 9;
/// Written for other readers than this version.
pub const CKPT_REASON_VERSION: ckpt_reason = 10;
/// The dtype does not fit the call.
pub const CKPT_REASON_DTYPE: ckpt_reason = 11;
/// The shape, slice or size does not fit the tensor.
pub const CKPT_REASON_SHAPE: ckpt_reason = 12;
/// Stored slices of a partitioned tensor overlap.
pub const CKPT_REASON_OVERLAP: ckpt_reason = 13;
/// Stored slices of a partitioned tensor do not cover what was asked for.
pub const CKPT_REASON_GAP: ckpt_reason = 14;
/// More memory would be needed than the limit allows.
pub const CKPT_REASON_LIMIT: ckpt_reason = 15;
/// A kind of data that the library does not handle.
pub const CKPT_REASON_UNSUPPORTED: ckpt_reason = 16;
/// A callback stopped the call.
pub const CKPT_REASON_CALLBACK: ckpt_reason = 17;
/// The checkpoint has no object graph: it was saved by names.
pub const CKPT_REASON_NO_OBJECT_GRAPH: ckpt_reason = 18;
/// Memory that is not aligned, or not in native byte order, for the type asked for.
pub const CKPT_REASON_ALIGNMENT: ckpt_reason = 19;
/// A panic inside the library, caught.
pub const CKPT_REASON_PANIC: ckpt_reason = 20;
/// Another process holds the lock of the directory.
pub const CKPT_REASON_LOCKED: ckpt_reason = 21;
/// The file system has not enough space.
pub const CKPT_REASON_SPACE: ckpt_reason = 22;
/// A node that was removed, is of another graph, or is of another kind than the call needs.
pub const CKPT_REASON_NODE: ckpt_reason = 23;
/// The name is taken: an object has one edge of each name.
pub const CKPT_REASON_NAME_TAKEN: ckpt_reason = 24;
/// An assertion about a restore does not hold.
pub const CKPT_REASON_ASSERTION: ckpt_reason = 25;
/// A list was changed otherwise than by appending, so that its elements' names no longer stand for what was saved.
pub const CKPT_REASON_UNSAVABLE: ckpt_reason = 26;
/// A variable that was added without a value has none yet.
pub const CKPT_REASON_NOT_SHAPED: ckpt_reason = 27;
/// The variable is not to be restored.
pub const CKPT_REASON_READ_ONLY: ckpt_reason = 28;
/// A callback called the graph that called it.
pub const CKPT_REASON_REENTRANT: ckpt_reason = 29;
/// The checkpoint was replaced by another since the restore was begun.
pub const CKPT_REASON_REPLACED: ckpt_reason = 30;
/// A registered saver is missing, or does not accept the object.
pub const CKPT_REASON_SAVER: ckpt_reason = 31;
/// An earlier save of the checkpoint is still running.
pub const CKPT_REASON_BUSY: ckpt_reason = 32;
/// A rank failed, or never came, so that no rank could save.
pub const CKPT_REASON_RANK: ckpt_reason = 33;

/// Not a dtype.
pub const CKPT_DTYPE_INVALID: ckpt_dtype = 0;
/// `float32`, 4 bytes each.
pub const CKPT_DTYPE_FLOAT: ckpt_dtype = 1;
/// `float64`, 8 bytes each.
pub const CKPT_DTYPE_DOUBLE: ckpt_dtype = 2;
/// `int32`, 4 bytes each.
pub const CKPT_DTYPE_INT32: ckpt_dtype = 3;
/// `uint8`, 1 byte each.
pub const CKPT_DTYPE_UINT8: ckpt_dtype = 4;
/// `int16`, 2 bytes each.
pub const CKPT_DTYPE_INT16: ckpt_dtype = 5;
/// `int8`, 1 byte each.
pub const CKPT_DTYPE_INT8: ckpt_dtype = 6;
/// Byte strings, each of its own length.
pub const CKPT_DTYPE_STRING: ckpt_dtype = 7;
/// `complex64`, 8 bytes each.
pub const CKPT_DTYPE_COMPLEX64: ckpt_dtype = 8;
/// `int64`, 8 bytes each.
pub const CKPT_DTYPE_INT64: ckpt_dtype = 9;
/// `bool`, 1 byte each.
pub const CKPT_DTYPE_BOOL: ckpt_dtype = 10;
/// `qint8`, 1 byte each.
pub const CKPT_DTYPE_QINT8: ckpt_dtype = 11;
/// `quint8`, 1 byte each.
pub const CKPT_DTYPE_QUINT8: ckpt_dtype = 12;
/// `qint32`, 4 bytes each.
pub const CKPT_DTYPE_QINT32: ckpt_dtype = 13;
/// `bfloat16`, 2 bytes each.
pub const CKPT_DTYPE_BFLOAT16: ckpt_dtype = 14;
/// `qint16`, 2 bytes each.
pub const CKPT_DTYPE_QINT16: ckpt_dtype = 15;
/// `quint16`, 2 bytes each.
pub const CKPT_DTYPE_QUINT16: ckpt_dtype = 16;
/// `uint16`, 2 bytes each.
pub const CKPT_DTYPE_UINT16: ckpt_dtype = 17;
/// `complex128`, 16 bytes each.
pub const CKPT_DTYPE_COMPLEX128: ckpt_dtype = 18;
/// `float16`, 2 bytes each.
pub const CKPT_DTYPE_HALF: ckpt_dtype = 19;
/// Serialized objects, each of its own length.
pub const CKPT_DTYPE_VARIANT: ckpt_dtype = 21;
/// `uint32`, 4 bytes each.
pub const CKPT_DTYPE_UINT32: ckpt_dtype = 22;
/// `uint64`, 8 bytes each.
pub const CKPT_DTYPE_UINT64: ckpt_dtype = 23;
/// `float8_e5m2`, 1 byte each.
pub const CKPT_DTYPE_FLOAT8_E5M2: ckpt_dtype = 24;
/// `float8_e4m3fn`, 1 byte each.
pub const CKPT_DTYPE_FLOAT8_E4M3FN: ckpt_dtype = 25;
/// `float8_e4m3fnuz`, 1 byte each.
pub const CKPT_DTYPE_FLOAT8_E4M3FNUZ: ckpt_dtype = 26;
/// `float8_e4m3b11fnuz`, 1 byte each.
pub const CKPT_DTYPE_FLOAT8_E4M3B11FNUZ: ckpt_dtype = 27;
/// `float8_e5m2fnuz`, 1 byte each.
pub const CKPT_DTYPE_FLOAT8_E5M2FNUZ: ckpt_dtype = 28;
/// Two's complement in the low four bits of a byte each.
pub const CKPT_DTYPE_INT4: ckpt_dtype = 29;
/// The low four bits of a byte each.
pub const CKPT_DTYPE_UINT4: ckpt_dtype = 30;
/// Two's complement in the low two bits of a byte each.
pub const CKPT_DTYPE_INT2: ckpt_dtype = 31;
/// The low two bits of a byte each.
pub const CKPT_DTYPE_UINT2: ckpt_dtype = 32;
/// The low four bits of a byte each.
pub const CKPT_DTYPE_FLOAT4_E2M1FN: ckpt_dtype = 33;

/// Tables that hold values: files of `tf.compat.v1.train.Saver(write_version=V1)`.
pub const CKPT_FORMAT_V1: ckpt_format = 1;
/// An index and data files: everything since 2017.
pub const CKPT_FORMAT_V2: ckpt_format = 2;

/// Always, which is the default. A slice costs reading the whole of each stored piece that it touches.
pub const CKPT_CHECKSUMS_ALWAYS: ckpt_checksums = 0;
/// Where all that a checksum covers is read anyway. A slice reads what it needs and goes unchecked.
pub const CKPT_CHECKSUMS_WHEN_WHOLE: ckpt_checksums = 1;
/// Never, save those of strings and variants.
pub const CKPT_CHECKSUMS_NEVER: ckpt_checksums = 2;

/// All of it, which is the default: files and directory are synced when the call returns.
pub const CKPT_DURABILITY_FULL: ckpt_durability = 0;
/// The files are synced, the directory only where something old is about to be removed: after a power cut a new checkpoint may be gone
/// again, but what there is is whole, and what it took the place of is not lost with it.
pub const CKPT_DURABILITY_DATA: ckpt_durability = 1;
/// Nothing is synced: there may be anything.
pub const CKPT_DURABILITY_NONE: ckpt_durability = 2;

/// An object without values of its own.
pub const CKPT_KIND_OBJECT: ckpt_kind = 1;
/// A variable.
pub const CKPT_KIND_VARIABLE: ckpt_kind = 2;
/// State that is saved as several tensors by callbacks.
pub const CKPT_KIND_STATE: ckpt_kind = 3;
/// A single string.
pub const CKPT_KIND_TEXT: ckpt_kind = 4;
/// A list.
pub const CKPT_KIND_LIST: ckpt_kind = 5;
/// A dict.
pub const CKPT_KIND_DICT: ckpt_kind = 6;
/// A tuple, named or not.
pub const CKPT_KIND_TUPLE: ckpt_kind = 7;
/// An object that may have slot variables.
pub const CKPT_KIND_SLOT_OWNER: ckpt_kind = 8;

/// Nothing at all is restored, and the call fails; the default.
pub const CKPT_MISMATCH_FAIL: ckpt_mismatch = 0;
/// That value is left out; the report has it.
pub const CKPT_MISMATCH_SKIP: ckpt_mismatch = 1;

/// It waits for that; the default.
pub const CKPT_BUSY_WAIT: ckpt_busy = 0;
/// It fails with `CKPT_CODE_UNAVAILABLE`; nothing is counted.
pub const CKPT_BUSY_FAIL: ckpt_busy = 1;

/// Of a checkpoint with an object graph (`CheckpointLoadStatus`).
pub const CKPT_RESTORE_KIND_OBJECTS: ckpt_restore_kind = 1;
/// Of a checkpoint of names (`NameBasedSaverStatus`).
pub const CKPT_RESTORE_KIND_NAMES: ckpt_restore_kind = 2;
/// Of no checkpoint at all (`InitializationOnlyStatus`).
pub const CKPT_RESTORE_KIND_NONE: ckpt_restore_kind = 3;

/// The object has the value of the checkpoint.
pub const CKPT_ROW_STATE_RESTORED: ckpt_row_state = 1;
/// The object is not there yet; it gets the value when it is tracked.
pub const CKPT_ROW_STATE_DEFERRED: ckpt_row_state = 2;
/// The program has an object for which the checkpoint has no value.
pub const CKPT_ROW_STATE_MISSING: ckpt_row_state = 3;
/// The checkpoint has a value for which the program has no object, or one that has no use for it.
pub const CKPT_ROW_STATE_UNUSED: ckpt_row_state = 4;
/// The value has another shape than the object.
pub const CKPT_ROW_STATE_SHAPE_MISMATCH: ckpt_row_state = 5;
/// The value has another dtype than the object.
pub const CKPT_ROW_STATE_DTYPE_MISMATCH: ckpt_row_state = 6;
/// The object was left as it was: by wish, because a newer restore gave it its value, or because something else failed before.
pub const CKPT_ROW_STATE_SKIPPED: ckpt_row_state = 7;
/// Reading or a callback failed half-way: the object has neither its old value nor the new one.
pub const CKPT_ROW_STATE_TORN: ckpt_row_state = 8;

/// Lower ones, of a loss.
pub const CKPT_BETTER_LOWER: ckpt_better = 1;
/// Higher ones, of an accuracy.
pub const CKPT_BETTER_HIGHER: ckpt_better = 2;

/// How much a message matters: one of the `CKPT_SEVERITY_` constants.
pub type ckpt_severity = i32;
/// What happened.
pub const CKPT_SEVERITY_INFO: ckpt_severity = 1;
/// What may be a mistake.
pub const CKPT_SEVERITY_WARNING: ckpt_severity = 2;
/// What went wrong.
pub const CKPT_SEVERITY_ERROR: ckpt_severity = 3;

/// Most dimensions that a tensor has: TensorFlow's own limit.
pub const CKPT_MAX_RANK: usize = 254;

/// The version of the library that this header belongs to, first number: it changes when a program must be compiled anew.
pub const CKPT_VERSION_MAJOR: i32 = 0;
/// Second number: it changes when something is added.
pub const CKPT_VERSION_MINOR: i32 = 1;
/// Third number: it changes when something is mended.
pub const CKPT_VERSION_PATCH: i32 = 0;

/// The version of the library that is loaded, e.g. `0.1.0`. Static text.
#[no_mangle]
pub extern "C" fn ckpt_version() -> *const c_char {
    ask(c"".as_ptr(), || VERSION.as_ptr())
}

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The name of a code, e.g. `DATA_LOSS`; `UNKNOWN` of one that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_code_name(code: ckpt_code) -> *const c_char {
    ask(c"UNKNOWN".as_ptr(), || match code {
        CKPT_CODE_OK => c"OK".as_ptr(),
        _ => Code::from_number(code).map_or(c"UNKNOWN", Code::c_name).as_ptr(),
    })
}

/// The name of a dtype in Python, e.g. `float32`; `invalid` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_dtype_name(dtype: ckpt_dtype) -> *const c_char {
    ask(c"invalid".as_ptr(), || dtype_of(dtype).map_or(c"invalid", DType::c_name).as_ptr())
}

/// The bytes of one element; 0 of strings, of variants, and of a number that is no dtype.
#[no_mangle]
pub extern "C" fn ckpt_dtype_size(dtype: ckpt_dtype) -> usize {
    ask(0, || dtype_of(dtype).and_then(DType::size).unwrap_or(0))
}

/// The name of what became of a value, e.g. `shape mismatch`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_row_state_name(state: ckpt_row_state) -> *const c_char {
    ask(c"unknown".as_ptr(), || row_state_name(state).as_ptr())
}

fn row_state_name(state: ckpt_row_state) -> &'static CStr {
    RowState::all().find(|known| *known as ckpt_row_state == state).map_or(c"unknown", RowState::c_name)
}

/// The name of a reason, e.g. `NO_CHECKPOINT`; `NONE` of 0, `UNKNOWN` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_reason_name(reason: ckpt_reason) -> *const c_char {
    ask(c"UNKNOWN".as_ptr(), || name_in(&REASONS, reason, 0, c"UNKNOWN"))
}

/// The name of a format: `V1` or `V2`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_format_name(format: ckpt_format) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"V1", c"V2"], format, CKPT_FORMAT_V1, c"unknown"))
}

/// The name of a way to compare checksums, e.g. `when whole`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_checksums_name(checksums: ckpt_checksums) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"always", c"when whole", c"never"], checksums, CKPT_CHECKSUMS_ALWAYS, c"unknown"))
}

/// The name of a durability, e.g. `full`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_durability_name(durability: ckpt_durability) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"full", c"data", c"none"], durability, CKPT_DURABILITY_FULL, c"unknown"))
}

/// The name of a kind, e.g. `slot owner`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_kind_name(kind: ckpt_kind) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&KINDS, kind, CKPT_KIND_OBJECT, c"unknown"))
}

/// The name of what to do about a value that does not fit: `fail` or `skip`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_mismatch_name(mismatch: ckpt_mismatch) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"fail", c"skip"], mismatch, CKPT_MISMATCH_FAIL, c"unknown"))
}

/// The name of what a save does while another runs: `wait` or `fail`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_busy_name(busy: ckpt_busy) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"wait", c"fail"], busy, CKPT_BUSY_WAIT, c"unknown"))
}

/// The name of a kind of restore, e.g. `objects`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_restore_kind_name(kind: ckpt_restore_kind) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"objects", c"names", c"none"], kind, CKPT_RESTORE_KIND_OBJECTS, c"unknown"))
}

/// The name of an order of metrics: `lower` or `higher`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_better_name(better: ckpt_better) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"lower", c"higher"], better, CKPT_BETTER_LOWER, c"unknown"))
}

/// The name of a severity, e.g. `warning`; `unknown` of a number that is none. Static text.
#[no_mangle]
pub extern "C" fn ckpt_severity_name(severity: ckpt_severity) -> *const c_char {
    ask(c"unknown".as_ptr(), || name_in(&[c"info", c"warning", c"error"], severity, CKPT_SEVERITY_INFO, c"unknown"))
}

/// The name of a number of those that begin with `first`.
fn name_in(names: &[&'static CStr], number: i32, first: i32, otherwise: &'static CStr) -> *const c_char {
    let at = usize::try_from(i64::from(number) - i64::from(first)).ok();
    at.and_then(|at| names.get(at)).map_or(otherwise, |name| *name).as_ptr()
}

const REASONS: [&CStr; CKPT_REASON_RANK as usize + 1] = [
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
];

const KINDS: [&CStr; 8] = [c"object", c"variable", c"state", c"text", c"list", c"dict", c"tuple", c"slot owner"];

fn dtype_of(number: ckpt_dtype) -> Option<DType> {
    u32::try_from(number).ok().and_then(DType::from_number)
}

/// The dtype of a tensor that the caller gives.
pub(super) fn known_dtype(number: ckpt_dtype) -> Result<DType> {
    dtype_of(number)
        .ok_or_else(|| Error::argument("not a dtype").because(Reason::DType).expecting("one of the dtype constants", number))
}

/// The number of a kind, from its name in the Rust API; 0 of one that has none.
pub(super) fn kind_number(name: &str) -> ckpt_kind {
    KINDS.iter().position(|kind| kind.to_str() == Ok(name)).map_or(0, |at| at as ckpt_kind + CKPT_KIND_OBJECT)
}

pub(super) fn durability_of(number: ckpt_durability) -> Result<Durability> {
    match number {
        CKPT_DURABILITY_FULL => Ok(Durability::Full),
        CKPT_DURABILITY_DATA => Ok(Durability::Data),
        CKPT_DURABILITY_NONE => Ok(Durability::None),
        _ => Err(Error::argument("not a durability").expecting("0 to 2", number)),
    }
}

pub(super) fn better_of(number: ckpt_better) -> Result<Better> {
    match number {
        CKPT_BETTER_LOWER => Ok(Better::Lower),
        CKPT_BETTER_HIGHER => Ok(Better::Higher),
        _ => Err(Error::argument("not an order of metrics").expecting("1 or 2", number)),
    }
}

pub(super) fn mismatch_of(number: ckpt_mismatch) -> Result<Mismatch> {
    match number {
        CKPT_MISMATCH_FAIL => Ok(Mismatch::Fail),
        CKPT_MISMATCH_SKIP => Ok(Mismatch::Skip),
        _ => Err(Error::argument("not a way to treat values that do not fit").expecting("0 or 1", number)),
    }
}

pub(super) fn busy_of(number: ckpt_busy) -> Result<Busy> {
    match number {
        CKPT_BUSY_WAIT => Ok(Busy::Wait),
        CKPT_BUSY_FAIL => Ok(Busy::Fail),
        _ => Err(Error::argument("not a thing to do while an earlier save is running").expecting("0 or 1", number)),
    }
}

pub(super) fn checksums(number: ckpt_checksums) -> Result<Checksums> {
    match number {
        CKPT_CHECKSUMS_ALWAYS => Ok(Checksums::Always),
        CKPT_CHECKSUMS_WHEN_WHOLE => Ok(Checksums::WhenWhole),
        CKPT_CHECKSUMS_NEVER => Ok(Checksums::Never),
        _ => Err(Error::argument("not a way to compare checksums").expecting("0 to 2", number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::checkpoint::{Severity, StatusKind};

    #[test]
    fn the_numbers_are_those_of_the_rust_api() {
        let version = format!("{CKPT_VERSION_MAJOR}.{CKPT_VERSION_MINOR}.{CKPT_VERSION_PATCH}");
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
        assert_eq!(CKPT_MAX_RANK, ::checkpoint::MAX_RANK);
        assert_eq!(CKPT_CODE_UNAUTHENTICATED, Code::Unauthenticated as i32);
        assert_eq!(CKPT_REASON_SPACE, Reason::Space as i32);
        assert_eq!(CKPT_REASON_SAVER, Reason::Saver as i32);
        assert_eq!(CKPT_ROW_STATE_TORN, RowState::Torn as ckpt_row_state);
        assert_eq!(CKPT_RESTORE_KIND_NONE, StatusKind::Nothing as ckpt_restore_kind);
        assert_eq!(CKPT_SEVERITY_ERROR, Severity::Error as ckpt_severity);
        assert_eq!((CKPT_BETTER_LOWER, CKPT_BETTER_HIGHER), (Better::Lower as ckpt_better, Better::Higher as ckpt_better));
        assert_eq!(CKPT_KIND_SLOT_OWNER, kind_number("slot owner"));
        assert_eq!(CKPT_DTYPE_FLOAT4_E2M1FN as u32, DType::Float4E2m1fn.number());
    }
}
