// Generated from bindings/abi.json by bindings/generate; do not edit.
namespace LibCheckpoint
{
    /// <summary>The class of an error, numbered as absl's status codes.</summary>
    public enum ErrorCode
    {
        /// <summary>Success.</summary>
        Ok = 0,

        /// <summary>The call was stopped by a callback or by a cancel flag.</summary>
        Cancelled = 1,

        /// <summary>The cause is unknown; treat codes that you do not know as this one.</summary>
        Unknown = 2,

        /// <summary>An argument of the call is invalid, or asks for something impossible.</summary>
        InvalidArgument = 3,

        /// <summary>The operation took longer than its time limit.</summary>
        DeadlineExceeded = 4,

        /// <summary>A file, checkpoint, tensor or other requested entity does not exist.</summary>
        NotFound = 5,

        /// <summary>The entity to create already exists.</summary>
        AlreadyExists = 6,

        /// <summary>The operating system denied access.</summary>
        PermissionDenied = 7,

        /// <summary>Memory, disk space or a limit is exhausted.</summary>
        ResourceExhausted = 8,

        /// <summary>The object is not in the state that the call requires.</summary>
        FailedPrecondition = 9,

        /// <summary>The operation was aborted, usually because a callback failed.</summary>
        Aborted = 10,

        /// <summary>An index is past the end.</summary>
        OutOfRange = 11,

        /// <summary>The operation is not supported.</summary>
        Unimplemented = 12,

        /// <summary>A bug in the library.</summary>
        Internal = 13,

        /// <summary>A resource is temporarily unavailable; a retry may succeed.</summary>
        Unavailable = 14,

        /// <summary>Stored data is damaged, truncated or malformed.</summary>
        DataLoss = 15,

        /// <summary>The request lacks valid credentials.</summary>
        Unauthenticated = 16,
    }

    /// <summary>The specific cause of an error; 0 for none.</summary>
    public enum Reason
    {
        /// <summary>No reason is given.</summary>
        None = 0,

        /// <summary>An argument of the call is invalid.</summary>
        Argument = 1,

        /// <summary>There is no checkpoint at the path.</summary>
        NoCheckpoint = 2,

        /// <summary>The checkpoint has no tensor with the key.</summary>
        NoTensor = 3,

        /// <summary>A file that is needed does not exist.</summary>
        MissingFile = 4,

        /// <summary>The operating system reported an error; see its error number.</summary>
        IO = 5,

        /// <summary>The path names something other than a regular file.</summary>
        NotAFile = 6,

        /// <summary>A file is shorter than its content requires.</summary>
        Truncated = 7,

        /// <summary>The stored checksum and the computed one differ.</summary>
        Checksum = 8,

        /// <summary>The data violates its format: no correct writer produces it.</summary>
        Malformed = 9,

        /// <summary>The checkpoint was written for other versions of readers.</summary>
        Version = 10,

        /// <summary>The dtype does not fit the call, variable or tensor.</summary>
        DType = 11,

        /// <summary>The shape, slice or size does not fit the tensor.</summary>
        Shape = 12,

        /// <summary>Slices of a partitioned tensor overlap.</summary>
        Overlap = 13,

        /// <summary>The stored slices of a partitioned tensor do not cover the requested
        /// region.</summary>
        Gap = 14,

        /// <summary>The operation would exceed a limit or the available memory.</summary>
        Limit = 15,

        /// <summary>The library does not support this kind of data.</summary>
        Unsupported = 16,

        /// <summary>A callback stopped the call or failed, or a cancel flag was raised.</summary>
        Callback = 17,

        /// <summary>The checkpoint is name-based and has no object graph.</summary>
        NoObjectGraph = 18,

        /// <summary>Mapped memory is misaligned, or not in native byte order, for the requested
        /// type.</summary>
        Alignment = 19,

        /// <summary>The library panicked; the panic was caught.</summary>
        Panic = 20,

        /// <summary>Another process or thread holds the lock of the directory or the
        /// checkpoint.</summary>
        Locked = 21,

        /// <summary>The file system does not have enough free space.</summary>
        Space = 22,

        /// <summary>A node was removed, belongs to another graph, or is of the wrong kind; or an
        /// edge or slot does not exist.</summary>
        Node = 23,

        /// <summary>The name is already in use.</summary>
        NameTaken = 24,

        /// <summary>An assertion about a restore does not hold.</summary>
        Assertion = 25,

        /// <summary>A list was modified other than by appending, so the names of its elements no
        /// longer match a saved checkpoint.</summary>
        Unsavable = 26,

        /// <summary>The variable has no value yet.</summary>
        NotShaped = 27,

        /// <summary>The variable is read-only and cannot be restored.</summary>
        ReadOnly = 28,

        /// <summary>A callback called the graph that called it.</summary>
        Reentrant = 29,

        /// <summary>The checkpoint was replaced after a reader opened it or the restore
        /// began.</summary>
        Replaced = 30,

        /// <summary>A registered saver is missing, or does not accept the object.</summary>
        Saver = 31,

        /// <summary>An earlier save of the same checkpoint object is still running.</summary>
        Busy = 32,

        /// <summary>A rank failed or did not take part, so no rank saved.</summary>
        Rank = 33,

        /// <summary>The path names a file or directory of another kind, which was recognized; the
        /// message says what to do.</summary>
        NotACheckpoint = 34,

        /// <summary>Another call was using the same handle.</summary>
        ConcurrentUse = 35,

        /// <summary>The process was forked from the one that made the handle, and may only free
        /// it.</summary>
        Forked = 36,

        /// <summary>A lock was lost while it was needed: the directory or its file of locks was
        /// removed or replaced, or a network file system gave the lock away.</summary>
        LockLost = 37,

        /// <summary>Several tensors have the name.</summary>
        Ambiguous = 38,
    }

    /// <summary>The type of a tensor's elements, numbered as TensorFlow's
    /// <c>DataType</c>.</summary>
    public enum DType
    {
        /// <summary>No dtype.</summary>
        Invalid = 0,

        /// <summary><c>float32</c>, 4 bytes per element.</summary>
        Float32 = 1,

        /// <summary><c>float64</c>, 8 bytes per element.</summary>
        Float64 = 2,

        /// <summary><c>int32</c>, 4 bytes per element.</summary>
        Int32 = 3,

        /// <summary><c>uint8</c>, 1 byte per element.</summary>
        UInt8 = 4,

        /// <summary><c>int16</c>, 2 bytes per element.</summary>
        Int16 = 5,

        /// <summary><c>int8</c>, 1 byte per element.</summary>
        Int8 = 6,

        /// <summary><c>string</c>: byte strings of variable length.</summary>
        String = 7,

        /// <summary><c>complex64</c>, 8 bytes per element.</summary>
        Complex64 = 8,

        /// <summary><c>int64</c>, 8 bytes per element.</summary>
        Int64 = 9,

        /// <summary><c>bool</c>, 1 byte per element.</summary>
        Bool = 10,

        /// <summary><c>qint8</c>, 1 byte per element.</summary>
        QInt8 = 11,

        /// <summary><c>quint8</c>, 1 byte per element.</summary>
        QUInt8 = 12,

        /// <summary><c>qint32</c>, 4 bytes per element.</summary>
        QInt32 = 13,

        /// <summary><c>bfloat16</c>, 2 bytes per element.</summary>
        BFloat16 = 14,

        /// <summary><c>qint16</c>, 2 bytes per element.</summary>
        QInt16 = 15,

        /// <summary><c>quint16</c>, 2 bytes per element.</summary>
        QUInt16 = 16,

        /// <summary><c>uint16</c>, 2 bytes per element.</summary>
        UInt16 = 17,

        /// <summary><c>complex128</c>, 16 bytes per element.</summary>
        Complex128 = 18,

        /// <summary><c>float16</c>, 2 bytes per element.</summary>
        Float16 = 19,

        /// <summary><c>variant</c>: serialized objects of variable length.</summary>
        Variant = 21,

        /// <summary><c>uint32</c>, 4 bytes per element.</summary>
        UInt32 = 22,

        /// <summary><c>uint64</c>, 8 bytes per element.</summary>
        UInt64 = 23,

        /// <summary><c>float8_e5m2</c>, 1 byte per element.</summary>
        Float8E5M2 = 24,

        /// <summary><c>float8_e4m3fn</c>, 1 byte per element.</summary>
        Float8E4M3FN = 25,

        /// <summary><c>float8_e4m3fnuz</c>, 1 byte per element.</summary>
        Float8E4M3FNUZ = 26,

        /// <summary><c>float8_e4m3b11fnuz</c>, 1 byte per element.</summary>
        Float8E4M3B11FNUZ = 27,

        /// <summary><c>float8_e5m2fnuz</c>, 1 byte per element.</summary>
        Float8E5M2FNUZ = 28,

        /// <summary><c>int4</c>, 1 byte per element: two's complement in the low four
        /// bits.</summary>
        Int4 = 29,

        /// <summary><c>uint4</c>, 1 byte per element: the low four bits.</summary>
        UInt4 = 30,

        /// <summary><c>int2</c>, 1 byte per element: two's complement in the low two
        /// bits.</summary>
        Int2 = 31,

        /// <summary><c>uint2</c>, 1 byte per element: the low two bits.</summary>
        UInt2 = 32,

        /// <summary><c>float4_e2m1fn</c>, 1 byte per element: the low four bits.</summary>
        Float4E2M1FN = 33,
    }

    /// <summary>The format of a checkpoint.</summary>
    public enum Format
    {
        /// <summary>V1: tables that hold the values, as written by
        /// <c>tf.compat.v1.train.Saver(write_version=V1)</c>.</summary>
        V1 = 1,

        /// <summary>V2: an index file and shards (data files); everything written since
        /// 2017.</summary>
        V2 = 2,
    }

    /// <summary>When checksums are verified while reading.</summary>
    public enum Checksums
    {
        /// <summary>Always verify, the default; reading a slice then reads the whole of each stored
        /// piece that it touches.</summary>
        Always = 0,

        /// <summary>Verify only where everything that a checksum covers is read anyway; slices read
        /// only what they need and are not verified.</summary>
        WhenWhole = 1,

        /// <summary>Never verify, except for strings and variants.</summary>
        Never = 2,
    }

    /// <summary>What of a written checkpoint survives a power failure.</summary>
    public enum Durability
    {
        /// <summary>The whole checkpoint, the default: files and directory are synced before the
        /// call returns.</summary>
        Full = 0,

        /// <summary>The files are synced, the directory only before something old is deleted: a
        /// power failure may undo a new checkpoint, but every remaining checkpoint is intact, and
        /// what it replaced is not lost with it.</summary>
        Data = 1,

        /// <summary>Nothing is synced: after a power failure the state of the files is
        /// undefined.</summary>
        None = 2,
    }

    /// <summary>Whether a call that writes locks the directory.</summary>
    public enum Locking
    {
        /// <summary>If the file system can, the default. Otherwise the call goes on, and the log
        /// says so once for each handle. The same holds for syncing the directory.</summary>
        IfPossible = 0,

        /// <summary>The call fails where the file system cannot.</summary>
        Required = 1,

        /// <summary>The call takes no lock that other processes see: the caller knows that no other
        /// process writes in the directory.</summary>
        None = 2,
    }

    /// <summary>The kind of an object of a graph.</summary>
    public enum NodeKind
    {
        /// <summary>An object without values of its own.</summary>
        Object = 1,

        /// <summary>A variable.</summary>
        Variable = 2,

        /// <summary>State that callbacks save and restore as several tensors.</summary>
        State = 3,

        /// <summary>A single string.</summary>
        Text = 4,

        /// <summary>A list.</summary>
        List = 5,

        /// <summary>A dict.</summary>
        Dict = 6,

        /// <summary>A tuple or named tuple.</summary>
        Tuple = 7,

        /// <summary>An object that may have slot variables, such as an optimizer.</summary>
        SlotOwner = 8,
    }

    /// <summary>How a restore treats a value that does not fit its object.</summary>
    public enum Mismatch
    {
        /// <summary>The call fails and restores nothing; the default.</summary>
        Fail = 0,

        /// <summary>The value is skipped and recorded in the report.</summary>
        Skip = 1,
    }

    /// <summary>Which values are converted when they are restored or read as another
    /// dtype.</summary>
    public enum Conversion
    {
        /// <summary>Values are not converted: another dtype is an error. The default.</summary>
        None = 0,

        /// <summary>Values are converted to dtypes that have all values of theirs: int32 to int64,
        /// int16 or bfloat16 to float32, float32 to complex64. Integers are also converted to other
        /// integers if they all fit, in tensors of at most 1 MiB.</summary>
        Exact = 1,

        /// <summary>Floating-point and complex numbers are also rounded: float32 to bfloat16. What
        /// is too large becomes infinity; NaN where there is no infinity; the largest number where
        /// there is neither.</summary>
        Lossy = 2,
    }

    /// <summary>What a save does while an earlier one is still running.</summary>
    public enum Busy
    {
        /// <summary>Wait for the earlier save; the default.</summary>
        Wait = 0,

        /// <summary>Fail with <c>ErrorCode.Unavailable</c>; the save counter does not
        /// advance.</summary>
        Fail = 1,
    }

    /// <summary>The kind of checkpoint that a restore status belongs to.</summary>
    public enum RestoreKind
    {
        /// <summary>A checkpoint with an object graph (<c>CheckpointLoadStatus</c>).</summary>
        Objects = 1,

        /// <summary>A name-based checkpoint (<c>NameBasedSaverStatus</c>).</summary>
        Names = 2,

        /// <summary>No checkpoint (<c>InitializationOnlyStatus</c>).</summary>
        None = 3,
    }

    /// <summary>The outcome for one value of a restore.</summary>
    public enum RowState
    {
        /// <summary>The object has the value of the checkpoint.</summary>
        Restored = 1,

        /// <summary>The object does not exist yet; it gets the value when it is tracked.</summary>
        Deferred = 2,

        /// <summary>The program has an object for which the checkpoint has no value.</summary>
        Missing = 3,

        /// <summary>The checkpoint has a value for which the program has no object, or one that
        /// does not use it.</summary>
        Unused = 4,

        /// <summary>The value and the object differ in shape.</summary>
        ShapeMismatch = 5,

        /// <summary>The value and the object differ in dtype.</summary>
        DTypeMismatch = 6,

        /// <summary>The object is unchanged: skipped on request, already set by a newer restore, or
        /// not reached because of an earlier failure.</summary>
        Skipped = 7,

        /// <summary>Reading or a callback failed halfway: the object has neither its old value nor
        /// the new one.</summary>
        Torn = 8,

        /// <summary>Not a value: a glob of the options that no value of the checkpoint matches. The
        /// row's path is the glob.</summary>
        UnmatchedGlob = 9,

        /// <summary>The object has the value of the checkpoint, converted from its dtype there to
        /// the one in the program.</summary>
        Converted = 10,
    }

    /// <summary>Which metric values are better.</summary>
    public enum Better
    {
        /// <summary>Lower is better, as for a loss.</summary>
        Lower = 1,

        /// <summary>Higher is better, as for an accuracy.</summary>
        Higher = 2,
    }

    /// <summary>What a checkpoint is good for.</summary>
    public enum Verdict
    {
        /// <summary>Every tensor can be read, and every key that the object graph names is
        /// there.</summary>
        Whole = 1,

        /// <summary>A section of a checkpoint, as each worker of a distributed program writes one
        /// before they are merged: nothing is damaged, but the stored slices do not cover their
        /// tensors. So is a section by its name, <c>part-00000-of-00002</c>, which lacks keys of
        /// the object graph.</summary>
        Section = 2,

        /// <summary>Nothing is damaged, but a key that the object graph names is absent.</summary>
        Incomplete = 3,

        /// <summary>A checksum does not match, a data file is missing or too short, values overlap,
        /// or something is malformed.</summary>
        Damaged = 4,
    }

    /// <summary>A phase of a save. No moment belongs to two of them.</summary>
    public enum Phase
    {
        /// <summary>Values are copied, while the program waits. Only saves in the background have
        /// it.</summary>
        Copy = 1,

        /// <summary>Shards (data files) and index are written, and read back if that is asked
        /// for.</summary>
        Write = 2,

        /// <summary>Files and directories are synced.</summary>
        Sync = 3,

        /// <summary>The directory is looked at and swept, files are renamed, the state file is
        /// replaced, expired checkpoints are deleted.</summary>
        Publish = 4,

        /// <summary>Locks of the directory are taken, and waited for.</summary>
        Lock = 5,
    }

    /// <summary>The severity of a log message.</summary>
    public enum Severity
    {
        /// <summary>Information about normal operation.</summary>
        Info = 1,

        /// <summary>A possible mistake.</summary>
        Warning = 2,

        /// <summary>An error.</summary>
        Error = 3,
    }

    /// <summary>What constants are called.</summary>
    public static class Names
    {
        /// <summary>Returns the name of a code, e.g. <c>DATA_LOSS</c>; <c>UNKNOWN</c> for an
        /// unknown number.</summary>
        public static string Name(this ErrorCode value) => Utf8.Decode(NativeMethods.ckpt_code_name(value));

        /// <summary>Returns the name of a reason, e.g. <c>NO_CHECKPOINT</c>; <c>NONE</c> for 0,
        /// <c>UNKNOWN</c> for an unknown number.</summary>
        public static string Name(this Reason value) => Utf8.Decode(NativeMethods.ckpt_reason_name(value));

        /// <summary>Returns the Python name of a dtype, e.g. <c>float32</c>; <c>invalid</c> for an
        /// unknown number.</summary>
        public static string Name(this DType value) => Utf8.Decode(NativeMethods.ckpt_dtype_name(value));

        /// <summary>Returns the name of a format: <c>V1</c> or <c>V2</c>; <c>unknown</c> for an
        /// unknown number.</summary>
        public static string Name(this Format value) => Utf8.Decode(NativeMethods.ckpt_format_name(value));

        /// <summary>Returns the name of a way to compare checksums, e.g. <c>when whole</c>;
        /// <c>unknown</c> for an unknown number.</summary>
        public static string Name(this Checksums value) => Utf8.Decode(NativeMethods.ckpt_checksums_name(value));

        /// <summary>Returns the name of a durability, e.g. <c>full</c>; <c>unknown</c> for an
        /// unknown number.</summary>
        public static string Name(this Durability value) => Utf8.Decode(NativeMethods.ckpt_durability_name(value));

        /// <summary>Returns the name of a way to lock, e.g. <c>if possible</c>; <c>unknown</c> for
        /// an unknown number.</summary>
        public static string Name(this Locking value) => Utf8.Decode(NativeMethods.ckpt_locking_name(value));

        /// <summary>Returns the name of a kind, e.g. <c>slot owner</c>; <c>unknown</c> for an
        /// unknown number.</summary>
        public static string Name(this NodeKind value) => Utf8.Decode(NativeMethods.ckpt_kind_name(value));

        /// <summary>Returns the name of what to do about a value that does not fit: <c>fail</c> or
        /// <c>skip</c>; <c>unknown</c> for an unknown number.</summary>
        public static string Name(this Mismatch value) => Utf8.Decode(NativeMethods.ckpt_mismatch_name(value));

        /// <summary>Returns the name of a conversion: <c>none</c>, <c>exact</c> or <c>lossy</c>;
        /// <c>unknown</c> for an unknown number.</summary>
        public static string Name(this Conversion value) => Utf8.Decode(NativeMethods.ckpt_conversion_name(value));

        /// <summary>Returns the name of what a save does while another runs: <c>wait</c> or
        /// <c>fail</c>; <c>unknown</c> for an unknown number.</summary>
        public static string Name(this Busy value) => Utf8.Decode(NativeMethods.ckpt_busy_name(value));

        /// <summary>Returns the name of a kind of restore, e.g. <c>objects</c>; <c>unknown</c> for
        /// an unknown number.</summary>
        public static string Name(this RestoreKind value) => Utf8.Decode(NativeMethods.ckpt_restore_kind_name(value));

        /// <summary>Returns the name of a row state, e.g. <c>shape mismatch</c>; <c>unknown</c> for
        /// an unknown number.</summary>
        public static string Name(this RowState value) => Utf8.Decode(NativeMethods.ckpt_row_state_name(value));

        /// <summary>Returns the name of an order of metrics: <c>lower</c> or <c>higher</c>;
        /// <c>unknown</c> for an unknown number.</summary>
        public static string Name(this Better value) => Utf8.Decode(NativeMethods.ckpt_better_name(value));

        /// <summary>Returns a verdict in one word: <c>whole</c>, <c>section</c>, <c>incomplete</c>
        /// or <c>damaged</c>; <c>unknown</c> for an unknown number.</summary>
        public static string Name(this Verdict value) => Utf8.Decode(NativeMethods.ckpt_verdict_name(value));

        /// <summary>Returns the name of a phase of a save: <c>copy</c>, <c>write</c>, <c>sync</c>,
        /// <c>publish</c> or <c>lock</c>; <c>unknown</c> for an unknown number.</summary>
        public static string Name(this Phase value) => Utf8.Decode(NativeMethods.ckpt_phase_name(value));

        /// <summary>Returns the name of a severity, e.g. <c>warning</c>; <c>unknown</c> for an
        /// unknown number.</summary>
        public static string Name(this Severity value) => Utf8.Decode(NativeMethods.ckpt_severity_name(value));
    }

    internal static class Header
    {
        internal const string Version = "0.1.0";
        internal const int Major = 0;
        internal const int Minor = 1;
        internal const int Patch = 0;
        internal const int MaxRank = 254;
    }
}
