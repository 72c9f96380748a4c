// Generated from bindings/abi.json by bindings/generate; do not edit.
// The constants of the C API as scoped enumerations, and their names.
#ifndef CHECKPOINT_CONSTANTS_HPP
#define CHECKPOINT_CONSTANTS_HPP

#include <checkpoint.h>

#include <cstdint>
#include <string_view>

namespace checkpoint {

/// The class of an error, numbered as absl's status codes.
enum class code : std::int32_t {
    /// Success.
    ok = CKPT_CODE_OK,
    /// The call was stopped by a callback or by a cancel flag.
    cancelled = CKPT_CODE_CANCELLED,
    /// The cause is unknown; treat codes that you do not know as this one.
    unknown = CKPT_CODE_UNKNOWN,
    /// An argument of the call is invalid, or asks for something impossible.
    invalid_argument = CKPT_CODE_INVALID_ARGUMENT,
    /// The operation took longer than its time limit.
    deadline_exceeded = CKPT_CODE_DEADLINE_EXCEEDED,
    /// A file, checkpoint, tensor or other requested entity does not exist.
    not_found = CKPT_CODE_NOT_FOUND,
    /// The entity to create already exists.
    already_exists = CKPT_CODE_ALREADY_EXISTS,
    /// The operating system denied access.
    permission_denied = CKPT_CODE_PERMISSION_DENIED,
    /// Memory, disk space or a limit is exhausted.
    resource_exhausted = CKPT_CODE_RESOURCE_EXHAUSTED,
    /// The object is not in the state that the call requires.
    failed_precondition = CKPT_CODE_FAILED_PRECONDITION,
    /// The operation was aborted, usually because a callback failed.
    aborted = CKPT_CODE_ABORTED,
    /// An index is past the end.
    out_of_range = CKPT_CODE_OUT_OF_RANGE,
    /// The operation is not supported.
    unimplemented = CKPT_CODE_UNIMPLEMENTED,
    /// A bug in the library.
    internal = CKPT_CODE_INTERNAL,
    /// A resource is temporarily unavailable; a retry may succeed.
    unavailable = CKPT_CODE_UNAVAILABLE,
    /// Stored data is damaged, truncated or malformed.
    data_loss = CKPT_CODE_DATA_LOSS,
    /// The request lacks valid credentials.
    unauthenticated = CKPT_CODE_UNAUTHENTICATED,
};

/// Returns the name of a code, e.g. `DATA_LOSS`; `UNKNOWN` for an unknown number.
inline std::string_view name(code value) noexcept {
    return ckpt_code_name(static_cast<ckpt_code>(value));
}

/// The specific cause of an error; 0 for none.
enum class reason : std::int32_t {
    /// No reason is given.
    none = CKPT_REASON_NONE,
    /// An argument of the call is invalid.
    argument = CKPT_REASON_ARGUMENT,
    /// There is no checkpoint at the path.
    no_checkpoint = CKPT_REASON_NO_CHECKPOINT,
    /// The checkpoint has no tensor with the key.
    no_tensor = CKPT_REASON_NO_TENSOR,
    /// A file that is needed does not exist.
    missing_file = CKPT_REASON_MISSING_FILE,
    /// The operating system reported an error; see its error number.
    io = CKPT_REASON_IO,
    /// The path names something other than a regular file.
    not_a_file = CKPT_REASON_NOT_A_FILE,
    /// A file is shorter than its content requires.
    truncated = CKPT_REASON_TRUNCATED,
    /// The stored checksum and the computed one differ.
    checksum = CKPT_REASON_CHECKSUM,
    /// The data violates its format: no correct writer produces it.
    malformed = CKPT_REASON_MALFORMED,
    /// The checkpoint was written for other versions of readers.
    version = CKPT_REASON_VERSION,
    /// The dtype does not fit the call, variable or tensor.
    dtype = CKPT_REASON_DTYPE,
    /// The shape, slice or size does not fit the tensor.
    shape = CKPT_REASON_SHAPE,
    /// Slices of a partitioned tensor overlap.
    overlap = CKPT_REASON_OVERLAP,
    /// The stored slices of a partitioned tensor do not cover the requested region.
    gap = CKPT_REASON_GAP,
    /// The operation would exceed a limit or the available memory.
    limit = CKPT_REASON_LIMIT,
    /// The library does not support this kind of data.
    unsupported = CKPT_REASON_UNSUPPORTED,
    /// A callback stopped the call or failed, or a cancel flag was raised.
    callback = CKPT_REASON_CALLBACK,
    /// The checkpoint is name-based and has no object graph.
    no_object_graph = CKPT_REASON_NO_OBJECT_GRAPH,
    /// Mapped memory is misaligned, or not in native byte order, for the requested type.
    alignment = CKPT_REASON_ALIGNMENT,
    /// The library panicked; the panic was caught.
    panic = CKPT_REASON_PANIC,
    /// Another process or thread holds the lock of the directory or the checkpoint.
    locked = CKPT_REASON_LOCKED,
    /// The file system does not have enough free space.
    space = CKPT_REASON_SPACE,
    /// A node was removed, belongs to another graph, or is of the wrong kind; or an edge or slot
    /// does not exist.
    node = CKPT_REASON_NODE,
    /// The name is already in use.
    name_taken = CKPT_REASON_NAME_TAKEN,
    /// An assertion about a restore does not hold.
    assertion = CKPT_REASON_ASSERTION,
    /// A list was modified other than by appending, so the names of its elements no longer match a
    /// saved checkpoint.
    unsavable = CKPT_REASON_UNSAVABLE,
    /// The variable has no value yet.
    not_shaped = CKPT_REASON_NOT_SHAPED,
    /// The variable is read-only and cannot be restored.
    read_only = CKPT_REASON_READ_ONLY,
    /// A callback called the graph that called it.
    reentrant = CKPT_REASON_REENTRANT,
    /// The checkpoint was replaced after a reader opened it or the restore began.
    replaced = CKPT_REASON_REPLACED,
    /// A registered saver is missing, or does not accept the object.
    saver = CKPT_REASON_SAVER,
    /// An earlier save of the same checkpoint object is still running.
    busy = CKPT_REASON_BUSY,
    /// A rank failed or did not take part, so no rank saved.
    rank = CKPT_REASON_RANK,
    /// The path names a file or directory of another kind, which was recognized; the message says
    /// what to do.
    not_a_checkpoint = CKPT_REASON_NOT_A_CHECKPOINT,
    /// Another call was using the same handle.
    concurrent_use = CKPT_REASON_CONCURRENT_USE,
    /// The process was forked from the one that made the handle, and may only free it.
    forked = CKPT_REASON_FORKED,
    /// A lock was lost while it was needed: the directory or its file of locks was removed or
    /// replaced, or a network file system gave the lock away.
    lock_lost = CKPT_REASON_LOCK_LOST,
    /// Several tensors have the name.
    ambiguous = CKPT_REASON_AMBIGUOUS,
};

/// Returns the name of a reason, e.g. `NO_CHECKPOINT`; `NONE` for 0, `UNKNOWN` for an unknown
/// number.
inline std::string_view name(reason value) noexcept {
    return ckpt_reason_name(static_cast<ckpt_reason>(value));
}

/// The type of a tensor's elements, numbered as TensorFlow's `DataType`.
enum class dtype : std::int32_t {
    /// No dtype.
    invalid = CKPT_DTYPE_INVALID,
    /// `float32`, 4 bytes per element.
    float32 = CKPT_DTYPE_FLOAT,
    /// `float64`, 8 bytes per element.
    float64 = CKPT_DTYPE_DOUBLE,
    /// `int32`, 4 bytes per element.
    int32 = CKPT_DTYPE_INT32,
    /// `uint8`, 1 byte per element.
    uint8 = CKPT_DTYPE_UINT8,
    /// `int16`, 2 bytes per element.
    int16 = CKPT_DTYPE_INT16,
    /// `int8`, 1 byte per element.
    int8 = CKPT_DTYPE_INT8,
    /// `string`: byte strings of variable length.
    string = CKPT_DTYPE_STRING,
    /// `complex64`, 8 bytes per element.
    complex64 = CKPT_DTYPE_COMPLEX64,
    /// `int64`, 8 bytes per element.
    int64 = CKPT_DTYPE_INT64,
    /// `bool`, 1 byte per element.
    boolean = CKPT_DTYPE_BOOL,
    /// `qint8`, 1 byte per element.
    qint8 = CKPT_DTYPE_QINT8,
    /// `quint8`, 1 byte per element.
    quint8 = CKPT_DTYPE_QUINT8,
    /// `qint32`, 4 bytes per element.
    qint32 = CKPT_DTYPE_QINT32,
    /// `bfloat16`, 2 bytes per element.
    bfloat16 = CKPT_DTYPE_BFLOAT16,
    /// `qint16`, 2 bytes per element.
    qint16 = CKPT_DTYPE_QINT16,
    /// `quint16`, 2 bytes per element.
    quint16 = CKPT_DTYPE_QUINT16,
    /// `uint16`, 2 bytes per element.
    uint16 = CKPT_DTYPE_UINT16,
    /// `complex128`, 16 bytes per element.
    complex128 = CKPT_DTYPE_COMPLEX128,
    /// `float16`, 2 bytes per element.
    float16 = CKPT_DTYPE_HALF,
    /// `variant`: serialized objects of variable length.
    variant = CKPT_DTYPE_VARIANT,
    /// `uint32`, 4 bytes per element.
    uint32 = CKPT_DTYPE_UINT32,
    /// `uint64`, 8 bytes per element.
    uint64 = CKPT_DTYPE_UINT64,
    /// `float8_e5m2`, 1 byte per element.
    float8_e5m2 = CKPT_DTYPE_FLOAT8_E5M2,
    /// `float8_e4m3fn`, 1 byte per element.
    float8_e4m3fn = CKPT_DTYPE_FLOAT8_E4M3FN,
    /// `float8_e4m3fnuz`, 1 byte per element.
    float8_e4m3fnuz = CKPT_DTYPE_FLOAT8_E4M3FNUZ,
    /// `float8_e4m3b11fnuz`, 1 byte per element.
    float8_e4m3b11fnuz = CKPT_DTYPE_FLOAT8_E4M3B11FNUZ,
    /// `float8_e5m2fnuz`, 1 byte per element.
    float8_e5m2fnuz = CKPT_DTYPE_FLOAT8_E5M2FNUZ,
    /// `int4`, 1 byte per element: two's complement in the low four bits.
    int4 = CKPT_DTYPE_INT4,
    /// `uint4`, 1 byte per element: the low four bits.
    uint4 = CKPT_DTYPE_UINT4,
    /// `int2`, 1 byte per element: two's complement in the low two bits.
    int2 = CKPT_DTYPE_INT2,
    /// `uint2`, 1 byte per element: the low two bits.
    uint2 = CKPT_DTYPE_UINT2,
    /// `float4_e2m1fn`, 1 byte per element: the low four bits.
    float4_e2m1fn = CKPT_DTYPE_FLOAT4_E2M1FN,
};

/// Returns the Python name of a dtype, e.g. `float32`; `invalid` for an unknown number.
inline std::string_view name(dtype value) noexcept {
    return ckpt_dtype_name(static_cast<ckpt_dtype>(value));
}

/// The format of a checkpoint.
enum class format : std::int32_t {
    /// V1: tables that hold the values, as written by `tf.compat.v1.train.Saver(write_version=V1)`.
    v1 = CKPT_FORMAT_V1,
    /// V2: an index file and shards (data files); everything written since 2017.
    v2 = CKPT_FORMAT_V2,
};

/// Returns the name of a format: `V1` or `V2`; `unknown` for an unknown number.
inline std::string_view name(format value) noexcept {
    return ckpt_format_name(static_cast<ckpt_format>(value));
}

/// When checksums are verified while reading.
enum class checksums : std::int32_t {
    /// Always verify, the default; reading a slice then reads the whole of each stored piece that
    /// it touches.
    always = CKPT_CHECKSUMS_ALWAYS,
    /// Verify only where everything that a checksum covers is read anyway; slices read only what
    /// they need and are not verified.
    when_whole = CKPT_CHECKSUMS_WHEN_WHOLE,
    /// Never verify, except for strings and variants.
    never = CKPT_CHECKSUMS_NEVER,
};

/// Returns the name of a way to compare checksums, e.g. `when whole`; `unknown` for an unknown
/// number.
inline std::string_view name(checksums value) noexcept {
    return ckpt_checksums_name(static_cast<ckpt_checksums>(value));
}

/// What of a written checkpoint survives a power failure.
enum class durability : std::int32_t {
    /// The whole checkpoint, the default: files and directory are synced before the call returns.
    full = CKPT_DURABILITY_FULL,
    /// The files are synced, the directory only before something old is deleted: a power failure
    /// may undo a new checkpoint, but every remaining checkpoint is intact, and what it replaced is
    /// not lost with it.
    data = CKPT_DURABILITY_DATA,
    /// Nothing is synced: after a power failure the state of the files is undefined.
    none = CKPT_DURABILITY_NONE,
};

/// Returns the name of a durability, e.g. `full`; `unknown` for an unknown number.
inline std::string_view name(durability value) noexcept {
    return ckpt_durability_name(static_cast<ckpt_durability>(value));
}

/// Whether a call that writes locks the directory.
enum class locking : std::int32_t {
    /// If the file system can, the default. Otherwise the call goes on, and the log says so once
    /// for each handle. The same holds for syncing the directory.
    if_possible = CKPT_LOCKING_IF_POSSIBLE,
    /// The call fails where the file system cannot.
    required = CKPT_LOCKING_REQUIRED,
    /// The call takes no lock that other processes see: the caller knows that no other process
    /// writes in the directory.
    none = CKPT_LOCKING_NONE,
};

/// Returns the name of a way to lock, e.g. `if possible`; `unknown` for an unknown number.
inline std::string_view name(locking value) noexcept {
    return ckpt_locking_name(static_cast<ckpt_locking>(value));
}

/// The kind of an object of a graph.
enum class kind : std::int32_t {
    /// An object without values of its own.
    object = CKPT_KIND_OBJECT,
    /// A variable.
    variable = CKPT_KIND_VARIABLE,
    /// State that callbacks save and restore as several tensors.
    state = CKPT_KIND_STATE,
    /// A single string.
    text = CKPT_KIND_TEXT,
    /// A list.
    list = CKPT_KIND_LIST,
    /// A dict.
    dict = CKPT_KIND_DICT,
    /// A tuple or named tuple.
    tuple = CKPT_KIND_TUPLE,
    /// An object that may have slot variables, such as an optimizer.
    slot_owner = CKPT_KIND_SLOT_OWNER,
};

/// Returns the name of a kind, e.g. `slot owner`; `unknown` for an unknown number.
inline std::string_view name(kind value) noexcept {
    return ckpt_kind_name(static_cast<ckpt_kind>(value));
}

/// How a restore treats a value that does not fit its object.
enum class mismatch : std::int32_t {
    /// The call fails and restores nothing; the default.
    fail = CKPT_MISMATCH_FAIL,
    /// The value is skipped and recorded in the report.
    skip = CKPT_MISMATCH_SKIP,
};

/// Returns the name of what to do about a value that does not fit: `fail` or `skip`; `unknown` for
/// an unknown number.
inline std::string_view name(mismatch value) noexcept {
    return ckpt_mismatch_name(static_cast<ckpt_mismatch>(value));
}

/// Which values are converted when they are restored or read as another dtype.
enum class conversion : std::int32_t {
    /// Values are not converted: another dtype is an error. The default.
    none = CKPT_CONVERSION_NONE,
    /// Values are converted to dtypes that have all values of theirs: int32 to int64, int16 or
    /// bfloat16 to float32, float32 to complex64. Integers are also converted to other integers if
    /// they all fit, in tensors of at most 1 MiB.
    exact = CKPT_CONVERSION_EXACT,
    /// Floating-point and complex numbers are also rounded: float32 to bfloat16. What is too large
    /// becomes infinity; NaN where there is no infinity; the largest number where there is neither.
    lossy = CKPT_CONVERSION_LOSSY,
};

/// Returns the name of a conversion: `none`, `exact` or `lossy`; `unknown` for an unknown number.
inline std::string_view name(conversion value) noexcept {
    return ckpt_conversion_name(static_cast<ckpt_conversion>(value));
}

/// What a save does while an earlier one is still running.
enum class busy : std::int32_t {
    /// Wait for the earlier save; the default.
    wait = CKPT_BUSY_WAIT,
    /// Fail with `code::unavailable`; the save counter does not advance.
    fail = CKPT_BUSY_FAIL,
};

/// Returns the name of what a save does while another runs: `wait` or `fail`; `unknown` for an
/// unknown number.
inline std::string_view name(busy value) noexcept {
    return ckpt_busy_name(static_cast<ckpt_busy>(value));
}

/// The kind of checkpoint that a restore status belongs to.
enum class restore_kind : std::int32_t {
    /// A checkpoint with an object graph (`CheckpointLoadStatus`).
    objects = CKPT_RESTORE_KIND_OBJECTS,
    /// A name-based checkpoint (`NameBasedSaverStatus`).
    names = CKPT_RESTORE_KIND_NAMES,
    /// No checkpoint (`InitializationOnlyStatus`).
    none = CKPT_RESTORE_KIND_NONE,
};

/// Returns the name of a kind of restore, e.g. `objects`; `unknown` for an unknown number.
inline std::string_view name(restore_kind value) noexcept {
    return ckpt_restore_kind_name(static_cast<ckpt_restore_kind>(value));
}

/// The outcome for one value of a restore.
enum class row_state : std::int32_t {
    /// The object has the value of the checkpoint.
    restored = CKPT_ROW_STATE_RESTORED,
    /// The object does not exist yet; it gets the value when it is tracked.
    deferred = CKPT_ROW_STATE_DEFERRED,
    /// The program has an object for which the checkpoint has no value.
    missing = CKPT_ROW_STATE_MISSING,
    /// The checkpoint has a value for which the program has no object, or one that does not use it.
    unused = CKPT_ROW_STATE_UNUSED,
    /// The value and the object differ in shape.
    shape_mismatch = CKPT_ROW_STATE_SHAPE_MISMATCH,
    /// The value and the object differ in dtype.
    dtype_mismatch = CKPT_ROW_STATE_DTYPE_MISMATCH,
    /// The object is unchanged: skipped on request, already set by a newer restore, or not reached
    /// because of an earlier failure.
    skipped = CKPT_ROW_STATE_SKIPPED,
    /// Reading or a callback failed halfway: the object has neither its old value nor the new one.
    torn = CKPT_ROW_STATE_TORN,
    /// Not a value: a glob of the options that no value of the checkpoint matches. The row's path
    /// is the glob.
    unmatched_glob = CKPT_ROW_STATE_UNMATCHED_GLOB,
    /// The object has the value of the checkpoint, converted from its dtype there to the one in the
    /// program.
    converted = CKPT_ROW_STATE_CONVERTED,
};

/// Returns the name of a row state, e.g. `shape mismatch`; `unknown` for an unknown number.
inline std::string_view name(row_state value) noexcept {
    return ckpt_row_state_name(static_cast<ckpt_row_state>(value));
}

/// Which metric values are better.
enum class better : std::int32_t {
    /// Lower is better, as for a loss.
    lower = CKPT_BETTER_LOWER,
    /// Higher is better, as for an accuracy.
    higher = CKPT_BETTER_HIGHER,
};

/// Returns the name of an order of metrics: `lower` or `higher`; `unknown` for an unknown number.
inline std::string_view name(better value) noexcept {
    return ckpt_better_name(static_cast<ckpt_better>(value));
}

/// What a checkpoint is good for.
enum class verdict : std::int32_t {
    /// Every tensor can be read, and every key that the object graph names is there.
    whole = CKPT_VERDICT_WHOLE,
    /// A section of a checkpoint, as each worker of a distributed program writes one before they
    /// are merged: nothing is damaged, but the stored slices do not cover their tensors. So is a
    /// section by its name, `part-00000-of-00002`, which lacks keys of the object graph.
    section = CKPT_VERDICT_SECTION,
    /// Nothing is damaged, but a key that the object graph names is absent.
    incomplete = CKPT_VERDICT_INCOMPLETE,
    /// A checksum does not match, a data file is missing or too short, values overlap, or something
    /// is malformed.
    damaged = CKPT_VERDICT_DAMAGED,
};

/// Returns a verdict in one word: `whole`, `section`, `incomplete` or `damaged`; `unknown` for an
/// unknown number.
inline std::string_view name(verdict value) noexcept {
    return ckpt_verdict_name(static_cast<ckpt_verdict>(value));
}

/// A phase of a save. No moment belongs to two of them.
enum class phase : std::int32_t {
    /// Values are copied, while the program waits. Only saves in the background have it.
    copy = CKPT_PHASE_COPY,
    /// Shards (data files) and index are written, and read back if that is asked for.
    write = CKPT_PHASE_WRITE,
    /// Files and directories are synced.
    sync = CKPT_PHASE_SYNC,
    /// The directory is looked at and swept, files are renamed, the state file is replaced, expired
    /// checkpoints are deleted.
    publish = CKPT_PHASE_PUBLISH,
    /// Locks of the directory are taken, and waited for.
    lock = CKPT_PHASE_LOCK,
};

/// Returns the name of a phase of a save: `copy`, `write`, `sync`, `publish` or `lock`; `unknown`
/// for an unknown number.
inline std::string_view name(phase value) noexcept {
    return ckpt_phase_name(static_cast<ckpt_phase>(value));
}

/// The severity of a log message.
enum class severity : std::int32_t {
    /// Information about normal operation.
    info = CKPT_SEVERITY_INFO,
    /// A possible mistake.
    warning = CKPT_SEVERITY_WARNING,
    /// An error.
    error = CKPT_SEVERITY_ERROR,
};

/// Returns the name of a severity, e.g. `warning`; `unknown` for an unknown number.
inline std::string_view name(severity value) noexcept {
    return ckpt_severity_name(static_cast<ckpt_severity>(value));
}

}  // namespace checkpoint

#endif
