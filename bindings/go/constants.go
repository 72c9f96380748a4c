// Generated from bindings/abi.json by bindings/generate; do not edit.

package checkpoint

/*
#include <checkpoint.h>
*/
import "C"

// Code is the class of an error, numbered as absl's status codes.
type Code int32

// Those that there are.
const (
	// Success.
	OK Code = C.CKPT_CODE_OK
	// The call was stopped by a callback or by a cancel flag.
	Cancelled Code = C.CKPT_CODE_CANCELLED
	// The cause is unknown; treat codes that you do not know as this one.
	Unknown Code = C.CKPT_CODE_UNKNOWN
	// An argument of the call is invalid, or asks for something impossible.
	InvalidArgument Code = C.CKPT_CODE_INVALID_ARGUMENT
	// The operation took longer than its time limit.
	DeadlineExceeded Code = C.CKPT_CODE_DEADLINE_EXCEEDED
	// A file, checkpoint, tensor or other requested entity does not exist.
	NotFound Code = C.CKPT_CODE_NOT_FOUND
	// The entity to create already exists.
	AlreadyExists Code = C.CKPT_CODE_ALREADY_EXISTS
	// The operating system denied access.
	PermissionDenied Code = C.CKPT_CODE_PERMISSION_DENIED
	// Memory, disk space or a limit is exhausted.
	ResourceExhausted Code = C.CKPT_CODE_RESOURCE_EXHAUSTED
	// The object is not in the state that the call requires.
	FailedPrecondition Code = C.CKPT_CODE_FAILED_PRECONDITION
	// The operation was aborted, usually because a callback failed.
	Aborted Code = C.CKPT_CODE_ABORTED
	// An index is past the end.
	OutOfRange Code = C.CKPT_CODE_OUT_OF_RANGE
	// The operation is not supported.
	Unimplemented Code = C.CKPT_CODE_UNIMPLEMENTED
	// A bug in the library.
	Internal Code = C.CKPT_CODE_INTERNAL
	// A resource is temporarily unavailable; a retry may succeed.
	Unavailable Code = C.CKPT_CODE_UNAVAILABLE
	// Stored data is damaged, truncated or malformed.
	DataLoss Code = C.CKPT_CODE_DATA_LOSS
	// The request lacks valid credentials.
	Unauthenticated Code = C.CKPT_CODE_UNAUTHENTICATED
)

// Returns the name of a code, e.g. DATA_LOSS; UNKNOWN for an unknown number.
func (x Code) String() string {
	return C.GoString(C.ckpt_code_name(C.ckpt_code(x)))
}

// Reason is the specific cause of an error; 0 for none.
type Reason int32

// Those that there are.
const (
	// No reason is given.
	ReasonNone Reason = C.CKPT_REASON_NONE
	// An argument of the call is invalid.
	ReasonArgument Reason = C.CKPT_REASON_ARGUMENT
	// There is no checkpoint at the path.
	ReasonNoCheckpoint Reason = C.CKPT_REASON_NO_CHECKPOINT
	// The checkpoint has no tensor with the key.
	ReasonNoTensor Reason = C.CKPT_REASON_NO_TENSOR
	// A file that is needed does not exist.
	ReasonMissingFile Reason = C.CKPT_REASON_MISSING_FILE
	// The operating system reported an error; see its error number.
	ReasonIO Reason = C.CKPT_REASON_IO
	// The path names something other than a regular file.
	ReasonNotAFile Reason = C.CKPT_REASON_NOT_A_FILE
	// A file is shorter than its content requires.
	ReasonTruncated Reason = C.CKPT_REASON_TRUNCATED
	// The stored checksum and the computed one differ.
	ReasonChecksum Reason = C.CKPT_REASON_CHECKSUM
	// The data violates its format: no correct writer produces it.
	ReasonMalformed Reason = C.CKPT_REASON_MALFORMED
	// The checkpoint was written for other versions of readers.
	ReasonVersion Reason = C.CKPT_REASON_VERSION
	// The dtype does not fit the call, variable or tensor.
	ReasonDType Reason = C.CKPT_REASON_DTYPE
	// The shape, slice or size does not fit the tensor.
	ReasonShape Reason = C.CKPT_REASON_SHAPE
	// Slices of a partitioned tensor overlap.
	ReasonOverlap Reason = C.CKPT_REASON_OVERLAP
	// The stored slices of a partitioned tensor do not cover the requested region.
	ReasonGap Reason = C.CKPT_REASON_GAP
	// The operation would exceed a limit or the available memory.
	ReasonLimit Reason = C.CKPT_REASON_LIMIT
	// The library does not support this kind of data.
	ReasonUnsupported Reason = C.CKPT_REASON_UNSUPPORTED
	// A callback stopped the call or failed, or a cancel flag was raised.
	ReasonCallback Reason = C.CKPT_REASON_CALLBACK
	// The checkpoint is name-based and has no object graph.
	ReasonNoObjectGraph Reason = C.CKPT_REASON_NO_OBJECT_GRAPH
	// Mapped memory is misaligned, or not in native byte order, for the requested type.
	ReasonAlignment Reason = C.CKPT_REASON_ALIGNMENT
	// The library panicked; the panic was caught.
	ReasonPanic Reason = C.CKPT_REASON_PANIC
	// Another process or thread holds the lock of the directory or the checkpoint.
	ReasonLocked Reason = C.CKPT_REASON_LOCKED
	// The file system does not have enough free space.
	ReasonSpace Reason = C.CKPT_REASON_SPACE
	// A node was removed, belongs to another graph, or is of the wrong kind; or an edge or slot
	// does not exist.
	ReasonNode Reason = C.CKPT_REASON_NODE
	// The name is already in use.
	ReasonNameTaken Reason = C.CKPT_REASON_NAME_TAKEN
	// An assertion about a restore does not hold.
	ReasonAssertion Reason = C.CKPT_REASON_ASSERTION
	// A list was modified other than by appending, so the names of its elements no longer match a
	// saved checkpoint.
	ReasonUnsavable Reason = C.CKPT_REASON_UNSAVABLE
	// The variable has no value yet.
	ReasonNotShaped Reason = C.CKPT_REASON_NOT_SHAPED
	// The variable is read-only and cannot be restored.
	ReasonReadOnly Reason = C.CKPT_REASON_READ_ONLY
	// A callback called the graph that called it.
	ReasonReentrant Reason = C.CKPT_REASON_REENTRANT
	// The checkpoint was replaced after a reader opened it or the restore began.
	ReasonReplaced Reason = C.CKPT_REASON_REPLACED
	// A registered saver is missing, or does not accept the object.
	ReasonSaver Reason = C.CKPT_REASON_SAVER
	// An earlier save of the same checkpoint object is still running.
	ReasonBusy Reason = C.CKPT_REASON_BUSY
	// A rank failed or did not take part, so no rank saved.
	ReasonRank Reason = C.CKPT_REASON_RANK
	// The path names a file or directory of another kind, which was recognized; the message says
	// what to do.
	ReasonNotACheckpoint Reason = C.CKPT_REASON_NOT_A_CHECKPOINT
	// Another call was using the same handle.
	ReasonConcurrentUse Reason = C.CKPT_REASON_CONCURRENT_USE
	// The process was forked from the one that made the handle, and may only free it.
	ReasonForked Reason = C.CKPT_REASON_FORKED
	// A lock was lost while it was needed: the directory or its file of locks was removed or
	// replaced, or a network file system gave the lock away.
	ReasonLockLost Reason = C.CKPT_REASON_LOCK_LOST
	// Several tensors have the name.
	ReasonAmbiguous Reason = C.CKPT_REASON_AMBIGUOUS
)

// Returns the name of a reason, e.g. NO_CHECKPOINT; NONE for 0, UNKNOWN for an unknown number.
func (x Reason) String() string {
	return C.GoString(C.ckpt_reason_name(C.ckpt_reason(x)))
}

// DType is the type of a tensor's elements, numbered as TensorFlow's DataType.
type DType int32

// Those that there are.
const (
	// No dtype.
	Invalid DType = C.CKPT_DTYPE_INVALID
	// float32, 4 bytes per element.
	Float32 DType = C.CKPT_DTYPE_FLOAT
	// float64, 8 bytes per element.
	Float64 DType = C.CKPT_DTYPE_DOUBLE
	// int32, 4 bytes per element.
	Int32 DType = C.CKPT_DTYPE_INT32
	// uint8, 1 byte per element.
	Uint8 DType = C.CKPT_DTYPE_UINT8
	// int16, 2 bytes per element.
	Int16 DType = C.CKPT_DTYPE_INT16
	// int8, 1 byte per element.
	Int8 DType = C.CKPT_DTYPE_INT8
	// string: byte strings of variable length.
	String DType = C.CKPT_DTYPE_STRING
	// complex64, 8 bytes per element.
	Complex64 DType = C.CKPT_DTYPE_COMPLEX64
	// int64, 8 bytes per element.
	Int64 DType = C.CKPT_DTYPE_INT64
	// bool, 1 byte per element.
	Bool DType = C.CKPT_DTYPE_BOOL
	// qint8, 1 byte per element.
	Qint8 DType = C.CKPT_DTYPE_QINT8
	// quint8, 1 byte per element.
	Quint8 DType = C.CKPT_DTYPE_QUINT8
	// qint32, 4 bytes per element.
	Qint32 DType = C.CKPT_DTYPE_QINT32
	// bfloat16, 2 bytes per element.
	Bfloat16 DType = C.CKPT_DTYPE_BFLOAT16
	// qint16, 2 bytes per element.
	Qint16 DType = C.CKPT_DTYPE_QINT16
	// quint16, 2 bytes per element.
	Quint16 DType = C.CKPT_DTYPE_QUINT16
	// uint16, 2 bytes per element.
	Uint16 DType = C.CKPT_DTYPE_UINT16
	// complex128, 16 bytes per element.
	Complex128 DType = C.CKPT_DTYPE_COMPLEX128
	// float16, 2 bytes per element.
	Float16 DType = C.CKPT_DTYPE_HALF
	// variant: serialized objects of variable length.
	Variant DType = C.CKPT_DTYPE_VARIANT
	// uint32, 4 bytes per element.
	Uint32 DType = C.CKPT_DTYPE_UINT32
	// uint64, 8 bytes per element.
	Uint64 DType = C.CKPT_DTYPE_UINT64
	// float8_e5m2, 1 byte per element.
	Float8E5M2 DType = C.CKPT_DTYPE_FLOAT8_E5M2
	// float8_e4m3fn, 1 byte per element.
	Float8E4M3FN DType = C.CKPT_DTYPE_FLOAT8_E4M3FN
	// float8_e4m3fnuz, 1 byte per element.
	Float8E4M3FNUZ DType = C.CKPT_DTYPE_FLOAT8_E4M3FNUZ
	// float8_e4m3b11fnuz, 1 byte per element.
	Float8E4M3B11FNUZ DType = C.CKPT_DTYPE_FLOAT8_E4M3B11FNUZ
	// float8_e5m2fnuz, 1 byte per element.
	Float8E5M2FNUZ DType = C.CKPT_DTYPE_FLOAT8_E5M2FNUZ
	// int4, 1 byte per element: two's complement in the low four bits.
	Int4 DType = C.CKPT_DTYPE_INT4
	// uint4, 1 byte per element: the low four bits.
	Uint4 DType = C.CKPT_DTYPE_UINT4
	// int2, 1 byte per element: two's complement in the low two bits.
	Int2 DType = C.CKPT_DTYPE_INT2
	// uint2, 1 byte per element: the low two bits.
	Uint2 DType = C.CKPT_DTYPE_UINT2
	// float4_e2m1fn, 1 byte per element: the low four bits.
	Float4E2M1FN DType = C.CKPT_DTYPE_FLOAT4_E2M1FN
)

// Returns the Python name of a dtype, e.g. float32; invalid for an unknown number.
func (x DType) String() string {
	return C.GoString(C.ckpt_dtype_name(C.ckpt_dtype(x)))
}

// Format is the format of a checkpoint.
type Format int32

// Those that there are.
const (
	// V1: tables that hold the values, as written by tf.compat.v1.train.Saver(write_version=V1).
	FormatV1 Format = C.CKPT_FORMAT_V1
	// V2: an index file and shards (data files); everything written since 2017.
	FormatV2 Format = C.CKPT_FORMAT_V2
)

// Returns the name of a format: V1 or V2; unknown for an unknown number.
func (x Format) String() string {
	return C.GoString(C.ckpt_format_name(C.ckpt_format(x)))
}

// Checksums says when checksums are verified while reading.
type Checksums int32

// Those that there are.
const (
	// Always verify, the default; reading a slice then reads the whole of each stored piece that it
	// touches.
	ChecksumsAlways Checksums = C.CKPT_CHECKSUMS_ALWAYS
	// Verify only where everything that a checksum covers is read anyway; slices read only what
	// they need and are not verified.
	ChecksumsWhenWhole Checksums = C.CKPT_CHECKSUMS_WHEN_WHOLE
	// Never verify, except for strings and variants.
	ChecksumsNever Checksums = C.CKPT_CHECKSUMS_NEVER
)

// Returns the name of a way to compare checksums, e.g. when whole; unknown for an unknown number.
func (x Checksums) String() string {
	return C.GoString(C.ckpt_checksums_name(C.ckpt_checksums(x)))
}

// Durability says what of a written checkpoint survives a power failure.
type Durability int32

// Those that there are.
const (
	// The whole checkpoint, the default: files and directory are synced before the call returns.
	DurabilityFull Durability = C.CKPT_DURABILITY_FULL
	// The files are synced, the directory only before something old is deleted: a power failure may
	// undo a new checkpoint, but every remaining checkpoint is intact, and what it replaced is not
	// lost with it.
	DurabilityData Durability = C.CKPT_DURABILITY_DATA
	// Nothing is synced: after a power failure the state of the files is undefined.
	DurabilityNone Durability = C.CKPT_DURABILITY_NONE
)

// Returns the name of a durability, e.g. full; unknown for an unknown number.
func (x Durability) String() string {
	return C.GoString(C.ckpt_durability_name(C.ckpt_durability(x)))
}

// Locking says whether a call that writes locks the directory.
type Locking int32

// Those that there are.
const (
	// If the file system can, the default. Otherwise the call goes on, and the log says so once for
	// each handle. The same holds for syncing the directory.
	LockingIfPossible Locking = C.CKPT_LOCKING_IF_POSSIBLE
	// The call fails where the file system cannot.
	LockingRequired Locking = C.CKPT_LOCKING_REQUIRED
	// The call takes no lock that other processes see: the caller knows that no other process
	// writes in the directory.
	LockingNone Locking = C.CKPT_LOCKING_NONE
)

// Returns the name of a way to lock, e.g. if possible; unknown for an unknown number.
func (x Locking) String() string {
	return C.GoString(C.ckpt_locking_name(C.ckpt_locking(x)))
}

// Kind is the kind of an object of a graph.
type Kind int32

// Those that there are.
const (
	// An object without values of its own.
	KindObject Kind = C.CKPT_KIND_OBJECT
	// A variable.
	KindVariable Kind = C.CKPT_KIND_VARIABLE
	// State that callbacks save and restore as several tensors.
	KindState Kind = C.CKPT_KIND_STATE
	// A single string.
	KindText Kind = C.CKPT_KIND_TEXT
	// A list.
	KindList Kind = C.CKPT_KIND_LIST
	// A dict.
	KindDict Kind = C.CKPT_KIND_DICT
	// A tuple or named tuple.
	KindTuple Kind = C.CKPT_KIND_TUPLE
	// An object that may have slot variables, such as an optimizer.
	KindSlotOwner Kind = C.CKPT_KIND_SLOT_OWNER
)

// Returns the name of a kind, e.g. slot owner; unknown for an unknown number.
func (x Kind) String() string {
	return C.GoString(C.ckpt_kind_name(C.ckpt_kind(x)))
}

// Mismatch says how a restore treats a value that does not fit its object.
type Mismatch int32

// Those that there are.
const (
	// The call fails and restores nothing; the default.
	MismatchFail Mismatch = C.CKPT_MISMATCH_FAIL
	// The value is skipped and recorded in the report.
	MismatchSkip Mismatch = C.CKPT_MISMATCH_SKIP
)

// Returns the name of what to do about a value that does not fit: fail or skip; unknown for an
// unknown number.
func (x Mismatch) String() string {
	return C.GoString(C.ckpt_mismatch_name(C.ckpt_mismatch(x)))
}

// Conversion says which values are converted when they are restored or read as another dtype.
type Conversion int32

// Those that there are.
const (
	// Values are not converted: another dtype is an error. The default.
	ConversionNone Conversion = C.CKPT_CONVERSION_NONE
	// Values are converted to dtypes that have all values of theirs: int32 to int64, int16 or
	// bfloat16 to float32, float32 to complex64. Integers are also converted to other integers if
	// they all fit, in tensors of at most 1 MiB.
	ConversionExact Conversion = C.CKPT_CONVERSION_EXACT
	// Floating-point and complex numbers are also rounded: float32 to bfloat16. What is too large
	// becomes infinity; NaN where there is no infinity; the largest number where there is neither.
	ConversionLossy Conversion = C.CKPT_CONVERSION_LOSSY
)

// Returns the name of a conversion: none, exact or lossy; unknown for an unknown number.
func (x Conversion) String() string {
	return C.GoString(C.ckpt_conversion_name(C.ckpt_conversion(x)))
}

// Busy says what a save does while an earlier one is still running.
type Busy int32

// Those that there are.
const (
	// Wait for the earlier save; the default.
	BusyWait Busy = C.CKPT_BUSY_WAIT
	// Fail with Code.Unavailable; the save counter does not advance.
	BusyFail Busy = C.CKPT_BUSY_FAIL
)

// Returns the name of what a save does while another runs: wait or fail; unknown for an unknown
// number.
func (x Busy) String() string {
	return C.GoString(C.ckpt_busy_name(C.ckpt_busy(x)))
}

// RestoreKind is the kind of checkpoint that a restore status belongs to.
type RestoreKind int32

// Those that there are.
const (
	// A checkpoint with an object graph (CheckpointLoadStatus).
	RestoreObjects RestoreKind = C.CKPT_RESTORE_KIND_OBJECTS
	// A name-based checkpoint (NameBasedSaverStatus).
	RestoreNames RestoreKind = C.CKPT_RESTORE_KIND_NAMES
	// No checkpoint (InitializationOnlyStatus).
	RestoreNone RestoreKind = C.CKPT_RESTORE_KIND_NONE
)

// Returns the name of a kind of restore, e.g. objects; unknown for an unknown number.
func (x RestoreKind) String() string {
	return C.GoString(C.ckpt_restore_kind_name(C.ckpt_restore_kind(x)))
}

// RowState is the outcome for one value of a restore.
type RowState int32

// Those that there are.
const (
	// The object has the value of the checkpoint.
	RowRestored RowState = C.CKPT_ROW_STATE_RESTORED
	// The object does not exist yet; it gets the value when it is tracked.
	RowDeferred RowState = C.CKPT_ROW_STATE_DEFERRED
	// The program has an object for which the checkpoint has no value.
	RowMissing RowState = C.CKPT_ROW_STATE_MISSING
	// The checkpoint has a value for which the program has no object, or one that does not use it.
	RowUnused RowState = C.CKPT_ROW_STATE_UNUSED
	// The value and the object differ in shape.
	RowShapeMismatch RowState = C.CKPT_ROW_STATE_SHAPE_MISMATCH
	// The value and the object differ in dtype.
	RowDTypeMismatch RowState = C.CKPT_ROW_STATE_DTYPE_MISMATCH
	// The object is unchanged: skipped on request, already set by a newer restore, or not reached
	// because of an earlier failure.
	RowSkipped RowState = C.CKPT_ROW_STATE_SKIPPED
	// Reading or a callback failed halfway: the object has neither its old value nor the new one.
	RowTorn RowState = C.CKPT_ROW_STATE_TORN
	// Not a value: a glob of the options that no value of the checkpoint matches. The row's path is
	// the glob.
	RowUnmatchedGlob RowState = C.CKPT_ROW_STATE_UNMATCHED_GLOB
	// The object has the value of the checkpoint, converted from its dtype there to the one in the
	// program.
	RowConverted RowState = C.CKPT_ROW_STATE_CONVERTED
)

// Returns the name of a row state, e.g. shape mismatch; unknown for an unknown number.
func (x RowState) String() string {
	return C.GoString(C.ckpt_row_state_name(C.ckpt_row_state(x)))
}

// Better says which metric values are better.
type Better int32

// Those that there are.
const (
	// Lower is better, as for a loss.
	BetterLower Better = C.CKPT_BETTER_LOWER
	// Higher is better, as for an accuracy.
	BetterHigher Better = C.CKPT_BETTER_HIGHER
)

// Returns the name of an order of metrics: lower or higher; unknown for an unknown number.
func (x Better) String() string {
	return C.GoString(C.ckpt_better_name(C.ckpt_better(x)))
}

// Verdict says what a checkpoint is good for.
type Verdict int32

// Those that there are.
const (
	// Every tensor can be read, and every key that the object graph names is there.
	VerdictWhole Verdict = C.CKPT_VERDICT_WHOLE
	// A section of a checkpoint, as each worker of a distributed program writes one before they are
	// merged: nothing is damaged, but the stored slices do not cover their tensors. So is a section
	// by its name, part-00000-of-00002, which lacks keys of the object graph.
	VerdictSection Verdict = C.CKPT_VERDICT_SECTION
	// Nothing is damaged, but a key that the object graph names is absent.
	VerdictIncomplete Verdict = C.CKPT_VERDICT_INCOMPLETE
	// A checksum does not match, a data file is missing or too short, values overlap, or something
	// is malformed.
	VerdictDamaged Verdict = C.CKPT_VERDICT_DAMAGED
)

// Returns a verdict in one word: whole, section, incomplete or damaged; unknown for an unknown
// number.
func (x Verdict) String() string {
	return C.GoString(C.ckpt_verdict_name(C.ckpt_verdict(x)))
}

// Phase says a phase of a save. No moment belongs to two of them.
type Phase int32

// Those that there are.
const (
	// Values are copied, while the program waits. Only saves in the background have it.
	PhaseCopy Phase = C.CKPT_PHASE_COPY
	// Shards (data files) and index are written, and read back if that is asked for.
	PhaseWrite Phase = C.CKPT_PHASE_WRITE
	// Files and directories are synced.
	PhaseSync Phase = C.CKPT_PHASE_SYNC
	// The directory is looked at and swept, files are renamed, the state file is replaced, expired
	// checkpoints are deleted.
	PhasePublish Phase = C.CKPT_PHASE_PUBLISH
	// Locks of the directory are taken, and waited for.
	PhaseLock Phase = C.CKPT_PHASE_LOCK
)

// Returns the name of a phase of a save: copy, write, sync, publish or lock; unknown for an unknown
// number.
func (x Phase) String() string {
	return C.GoString(C.ckpt_phase_name(C.ckpt_phase(x)))
}

// Severity is the severity of a log message.
type Severity int32

// Those that there are.
const (
	// Information about normal operation.
	SeverityInfo Severity = C.CKPT_SEVERITY_INFO
	// A possible mistake.
	SeverityWarning Severity = C.CKPT_SEVERITY_WARNING
	// An error.
	SeverityError Severity = C.CKPT_SEVERITY_ERROR
)

// Returns the name of a severity, e.g. warning; unknown for an unknown number.
func (x Severity) String() string {
	return C.GoString(C.ckpt_severity_name(C.ckpt_severity(x)))
}
