// Made from include/checkpoint.h by generate.py; do not edit.

namespace LibCheckpoint
{
    /// <summary>The class of an error, with the numbers of absl's status codes.</summary>
    public enum ErrorCode
    {
        /// <summary>Success.</summary>
        Ok = 0,

        /// <summary>A callback of the caller asked to stop.</summary>
        Cancelled = 1,

        /// <summary>Nothing more is known; treat codes that you do not know as this one.</summary>
        Unknown = 2,

        /// <summary>The call asks for what cannot be.</summary>
        InvalidArgument = 3,

        /// <summary>Time ran out.</summary>
        DeadlineExceeded = 4,

        /// <summary>No such file, checkpoint or tensor.</summary>
        NotFound = 5,

        /// <summary>What was to be made exists.</summary>
        AlreadyExists = 6,

        /// <summary>The system refused access.</summary>
        PermissionDenied = 7,

        /// <summary>Memory, disk or a limit is used up.</summary>
        ResourceExhausted = 8,

        /// <summary>The object is in no state for the call.</summary>
        FailedPrecondition = 9,

        /// <summary>The operation was given up.</summary>
        Aborted = 10,

        /// <summary>Past the end.</summary>
        OutOfRange = 11,

        /// <summary>Not supported.</summary>
        Unimplemented = 12,

        /// <summary>A fault of the library's own.</summary>
        Internal = 13,

        /// <summary>Not at the moment.</summary>
        Unavailable = 14,

        /// <summary>Bytes that are damaged or malformed.</summary>
        DataLoss = 15,

        /// <summary>Unknown caller.</summary>
        Unauthenticated = 16,
    }

    /// <summary>Why a call failed.</summary>
    public enum Reason
    {
        /// <summary>None is given.</summary>
        None = 0,

        /// <summary>An argument of the call is wrong.</summary>
        Argument = 1,

        /// <summary>There is no checkpoint at the path.</summary>
        NoCheckpoint = 2,

        /// <summary>There is no such key in the checkpoint.</summary>
        NoTensor = 3,

        /// <summary>A file that the checkpoint needs is not there.</summary>
        MissingFile = 4,

        /// <summary>The operating system reported an error; see the error number.</summary>
        IO = 5,

        /// <summary>The path leads to something that is not a plain file.</summary>
        NotAFile = 6,

        /// <summary>A file ends before what it says it holds.</summary>
        Truncated = 7,

        /// <summary>Stored and computed checksum differ.</summary>
        Checksum = 8,

        /// <summary>Bytes that no writer may produce.</summary>
        Malformed = 9,

        /// <summary>Written for other readers than this version.</summary>
        Version = 10,

        /// <summary>The dtype does not fit the call.</summary>
        DType = 11,

        /// <summary>The shape, slice or size does not fit the tensor.</summary>
        Shape = 12,

        /// <summary>Stored slices of a partitioned tensor overlap.</summary>
        Overlap = 13,

        /// <summary>Stored slices of a partitioned tensor do not cover what was asked for.</summary>
        Gap = 14,

        /// <summary>More memory would be needed than the limit allows.</summary>
        Limit = 15,

        /// <summary>A kind of data that the library does not handle.</summary>
        Unsupported = 16,

        /// <summary>A callback stopped the call.</summary>
        Callback = 17,

        /// <summary>The checkpoint has no object graph: it was saved by names.</summary>
        NoObjectGraph = 18,

        /// <summary>Memory that is not aligned, or not in native byte order, for the type asked for.</summary>
        Alignment = 19,

        /// <summary>A panic inside the library, caught.</summary>
        Panic = 20,

        /// <summary>Another process holds the lock of the directory.</summary>
        Locked = 21,

        /// <summary>The file system has not enough space.</summary>
        Space = 22,

        /// <summary>A node that was removed, is of another graph, or is of another kind than the call needs.</summary>
        Node = 23,

        /// <summary>The name is taken: an object has one edge of each name.</summary>
        NameTaken = 24,

        /// <summary>An assertion about a restore does not hold.</summary>
        Assertion = 25,

        /// <summary>A list was changed otherwise than by appending, so that its elements' names no longer stand for what was saved.</summary>
        Unsavable = 26,

        /// <summary>A variable that was added without a value has none yet.</summary>
        NotShaped = 27,

        /// <summary>The variable is not to be restored.</summary>
        ReadOnly = 28,

        /// <summary>A callback called the graph that called it.</summary>
        Reentrant = 29,

        /// <summary>The checkpoint was replaced by another since the restore was begun.</summary>
        Replaced = 30,

        /// <summary>A registered saver is missing, or does not accept the object.</summary>
        Saver = 31,

        /// <summary>An earlier save of the checkpoint is still running.</summary>
        Busy = 32,

        /// <summary>A rank failed, or never came, so that no rank could save.</summary>
        Rank = 33,
    }

    /// <summary>The type of a tensor's elements: TensorFlow's number.</summary>
    public enum DType
    {
        /// <summary>Not a dtype.</summary>
        Invalid = 0,

        /// <summary><c>float32</c>, 4 bytes each.</summary>
        Float32 = 1,

        /// <summary><c>float64</c>, 8 bytes each.</summary>
        Float64 = 2,

        /// <summary><c>int32</c>, 4 bytes each.</summary>
        Int32 = 3,

        /// <summary><c>uint8</c>, 1 byte each.</summary>
        UInt8 = 4,

        /// <summary><c>int16</c>, 2 bytes each.</summary>
        Int16 = 5,

        /// <summary><c>int8</c>, 1 byte each.</summary>
        Int8 = 6,

        /// <summary>Byte strings, each of its own length.</summary>
        String = 7,

        /// <summary><c>complex64</c>, 8 bytes each.</summary>
        Complex64 = 8,

        /// <summary><c>int64</c>, 8 bytes each.</summary>
        Int64 = 9,

        /// <summary><c>bool</c>, 1 byte each.</summary>
        Bool = 10,

        /// <summary><c>qint8</c>, 1 byte each.</summary>
        QInt8 = 11,

        /// <summary><c>quint8</c>, 1 byte each.</summary>
        QUInt8 = 12,

        /// <summary><c>qint32</c>, 4 bytes each.</summary>
        QInt32 = 13,

        /// <summary><c>bfloat16</c>, 2 bytes each.</summary>
        BFloat16 = 14,

        /// <summary><c>qint16</c>, 2 bytes each.</summary>
        QInt16 = 15,

        /// <summary><c>quint16</c>, 2 bytes each.</summary>
        QUInt16 = 16,

        /// <summary><c>uint16</c>, 2 bytes each.</summary>
        UInt16 = 17,

        /// <summary><c>complex128</c>, 16 bytes each.</summary>
        Complex128 = 18,

        /// <summary><c>float16</c>, 2 bytes each.</summary>
        Float16 = 19,

        /// <summary>Serialized objects, each of its own length.</summary>
        Variant = 21,

        /// <summary><c>uint32</c>, 4 bytes each.</summary>
        UInt32 = 22,

        /// <summary><c>uint64</c>, 8 bytes each.</summary>
        UInt64 = 23,

        /// <summary><c>float8_e5m2</c>, 1 byte each.</summary>
        Float8E5M2 = 24,

        /// <summary><c>float8_e4m3fn</c>, 1 byte each.</summary>
        Float8E4M3FN = 25,

        /// <summary><c>float8_e4m3fnuz</c>, 1 byte each.</summary>
        Float8E4M3FNUZ = 26,

        /// <summary><c>float8_e4m3b11fnuz</c>, 1 byte each.</summary>
        Float8E4M3B11FNUZ = 27,

        /// <summary><c>float8_e5m2fnuz</c>, 1 byte each.</summary>
        Float8E5M2FNUZ = 28,

        /// <summary>Two's complement in the low four bits of a byte each.</summary>
        Int4 = 29,

        /// <summary>The low four bits of a byte each.</summary>
        UInt4 = 30,

        /// <summary>Two's complement in the low two bits of a byte each.</summary>
        Int2 = 31,

        /// <summary>The low two bits of a byte each.</summary>
        UInt2 = 32,

        /// <summary>The low four bits of a byte each.</summary>
        Float4E2M1FN = 33,
    }

    /// <summary>How a checkpoint is stored.</summary>
    public enum Format
    {
        /// <summary>Tables that hold values: files of <c>tf.compat.v1.train.Saver(write_version=V1)</c>.</summary>
        V1 = 1,

        /// <summary>An index and data files: everything since 2017.</summary>
        V2 = 2,
    }

    /// <summary>Whether checksums are compared.</summary>
    public enum Checksums
    {
        /// <summary>Always, which is the default. A slice costs reading the whole of each stored piece that it touches.</summary>
        Always = 0,

        /// <summary>Where all that a checksum covers is read anyway. A slice reads what it needs and goes unchecked.</summary>
        WhenWhole = 1,

        /// <summary>Never, save those of strings and variants.</summary>
        Never = 2,
    }

    /// <summary>What of a checkpoint survives a power cut.</summary>
    public enum Durability
    {
        /// <summary>All of it, which is the default: files and directory are synced when the call returns.</summary>
        Full = 0,

        /// <summary>The files are synced, the directory only where something old is about to be removed: after a power cut a new checkpoint may be gone again, but what there is is whole, and what it took the place of is not lost with it.</summary>
        Data = 1,

        /// <summary>Nothing is synced: there may be anything.</summary>
        None = 2,
    }

    /// <summary>What an object of a graph is.</summary>
    public enum NodeKind
    {
        /// <summary>An object without values of its own.</summary>
        Object = 1,

        /// <summary>A variable.</summary>
        Variable = 2,

        /// <summary>State that is saved as several tensors by callbacks.</summary>
        State = 3,

        /// <summary>A single string.</summary>
        Text = 4,

        /// <summary>A list.</summary>
        List = 5,

        /// <summary>A dict.</summary>
        Dict = 6,

        /// <summary>A tuple, named or not.</summary>
        Tuple = 7,

        /// <summary>An object that may have slot variables.</summary>
        SlotOwner = 8,
    }

    /// <summary>What to do about a value that does not fit its object.</summary>
    public enum Mismatch
    {
        /// <summary>Nothing at all is restored, and the call fails; the default.</summary>
        Fail = 0,

        /// <summary>That value is left out; the report has it.</summary>
        Skip = 1,
    }

    /// <summary>What a save does while an earlier one is still running.</summary>
    public enum Busy
    {
        /// <summary>It waits for that; the default.</summary>
        Wait = 0,

        /// <summary>It fails with <c>CKPT_CODE_UNAVAILABLE</c>; nothing is counted.</summary>
        Fail = 1,
    }

    /// <summary>What kind of restore a status is of.</summary>
    public enum RestoreKind
    {
        /// <summary>Of a checkpoint with an object graph (<c>CheckpointLoadStatus</c>).</summary>
        Objects = 1,

        /// <summary>Of a checkpoint of names (<c>NameBasedSaverStatus</c>).</summary>
        Names = 2,

        /// <summary>Of no checkpoint at all (<c>InitializationOnlyStatus</c>).</summary>
        None = 3,
    }

    /// <summary>What became of a value.</summary>
    public enum RowState
    {
        /// <summary>The object has the value of the checkpoint.</summary>
        Restored = 1,

        /// <summary>The object is not there yet; it gets the value when it is tracked.</summary>
        Deferred = 2,

        /// <summary>The program has an object for which the checkpoint has no value.</summary>
        Missing = 3,

        /// <summary>The checkpoint has a value for which the program has no object, or one that has no use for it.</summary>
        Unused = 4,

        /// <summary>The value has another shape than the object.</summary>
        ShapeMismatch = 5,

        /// <summary>The value has another dtype than the object.</summary>
        DTypeMismatch = 6,

        /// <summary>The object was left as it was: by wish, because a newer restore gave it its value, or because something else failed before.</summary>
        Skipped = 7,

        /// <summary>Reading or a callback failed half-way: the object has neither its old value nor the new one.</summary>
        Torn = 8,
    }

    /// <summary>Which metrics are better.</summary>
    public enum Better
    {
        /// <summary>Lower ones, of a loss.</summary>
        Lower = 1,

        /// <summary>Higher ones, of an accuracy.</summary>
        Higher = 2,
    }

    /// <summary>How much a message matters.</summary>
    public enum Severity
    {
        /// <summary>What happened.</summary>
        Info = 1,

        /// <summary>What may be a mistake.</summary>
        Warning = 2,

        /// <summary>What went wrong.</summary>
        Error = 3,
    }

    internal static class Header
    {
        internal const string Version = "0.1.0";
        internal const string Major = "0";
        internal const int MaxRank = 254;
    }
}
