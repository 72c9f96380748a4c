// Generated from bindings/abi.json by bindings/generate; do not edit.
using System;
using System.Runtime.InteropServices;

namespace LibCheckpoint
{
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode ReadCallback(IntPtr userData, ulong offset, IntPtr buffer, long size, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode ProgressCallback(IntPtr userData, ulong done, ulong total);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void FreeCallback(IntPtr userData);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void LogCallback(IntPtr userData, Severity severity, IntPtr text, long len);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int LocateCallback(IntPtr userData, IntPtr data, IntPtr size, IntPtr dimensions);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode ResizeCallback(IntPtr userData, IntPtr shape, long rank, long size, IntPtr data, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void ResizedCallback(IntPtr userData, [MarshalAs(UnmanagedType.I1)] bool complete);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode CreateSlotCallback(IntPtr userData, IntPtr request, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int DescribeCallback(IntPtr userData, IntPtr dimensions);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode PrepareCallback(IntPtr userData, DType dtype, IntPtr shape, long rank, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode WriteAtCallback(IntPtr userData, ulong offset, IntPtr data, long size, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode FinishCallback(IntPtr userData, [MarshalAs(UnmanagedType.I1)] bool complete, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode SaveCallback(IntPtr userData, IntPtr sink, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode RestoreCallback(IntPtr userData, IntPtr source, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    [return: MarshalAs(UnmanagedType.I1)]
    internal delegate bool AcceptsCallback(IntPtr userData, Node node);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode SaveObjectsCallback(IntPtr userData, IntPtr objects, IntPtr sink, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    [return: MarshalAs(UnmanagedType.I1)]
    internal delegate bool WantsCallback(IntPtr userData, IntPtr objects, IntPtr key, long keyLen);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode RestoreObjectsCallback(IntPtr userData, IntPtr objects, IntPtr source, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode WrittenCallback(IntPtr userData, IntPtr path, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode InitCallback(IntPtr userData, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void EndedCallback(IntPtr userData);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode GatherCallback(IntPtr userData, IntPtr message, long size, IntPtr messages, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode BroadcastCallback(IntPtr userData, IntPtr message, long size, IntPtr messages, IntPtr failure);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate double NowCallback(IntPtr userData);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate ErrorCode SleepCallback(IntPtr userData, double seconds);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    [return: MarshalAs(UnmanagedType.I1)]
    internal delegate bool IsDoneCallback(IntPtr userData);

    internal sealed class CancelHandle : Handle
    {
        internal static readonly CancelHandle None = new CancelHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_cancel_free(handle);
    }

    internal sealed class OpenOptionsHandle : Handle
    {
        internal static readonly OpenOptionsHandle None = new OpenOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_open_options_free(handle);
    }

    internal sealed class ReadOptionsHandle : Handle
    {
        internal static readonly ReadOptionsHandle None = new ReadOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_read_options_free(handle);
    }

    internal sealed class ReaderHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_reader_free(handle);
    }

    internal sealed class ViewHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_view_free(handle);
    }

    internal sealed class VerifyOptionsHandle : Handle
    {
        internal static readonly VerifyOptionsHandle None = new VerifyOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_verify_options_free(handle);
    }

    internal sealed class WriteOptionsHandle : Handle
    {
        internal static readonly WriteOptionsHandle None = new WriteOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_write_options_free(handle);
    }

    internal sealed class WriterHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_writer_free(handle);
    }

    internal sealed class MergeOptionsHandle : Handle
    {
        internal static readonly MergeOptionsHandle None = new MergeOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_merge_options_free(handle);
    }

    internal sealed class NodeOptionsHandle : Handle
    {
        internal static readonly NodeOptionsHandle None = new NodeOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_node_options_free(handle);
    }

    internal sealed class GraphHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_graph_free(handle);
    }

    internal sealed class DeviceHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_device_free(handle);
    }

    internal sealed class CheckpointHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_checkpoint_free(handle);
    }

    internal sealed class SaveOptionsHandle : Handle
    {
        internal static readonly SaveOptionsHandle None = new SaveOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_save_options_free(handle);
    }

    internal sealed class RestoreOptionsHandle : Handle
    {
        internal static readonly RestoreOptionsHandle None = new RestoreOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_restore_options_free(handle);
    }

    internal sealed class SaverOptionsHandle : Handle
    {
        internal static readonly SaverOptionsHandle None = new SaverOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_saver_options_free(handle);
    }

    internal sealed class SaverHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_saver_free(handle);
    }

    internal sealed class SaverSaveOptionsHandle : Handle
    {
        internal static readonly SaverSaveOptionsHandle None = new SaverSaveOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_saver_save_options_free(handle);
    }

    internal sealed class CheckpointViewHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_checkpoint_view_free(handle);
    }

    internal sealed class ManagerHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_manager_free(handle);
    }

    internal sealed class ManagerOptionsHandle : Handle
    {
        internal static readonly ManagerOptionsHandle None = new ManagerOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_manager_options_free(handle);
    }

    internal sealed class ManagerSaveOptionsHandle : Handle
    {
        internal static readonly ManagerSaveOptionsHandle None = new ManagerSaveOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_manager_save_options_free(handle);
    }

    internal sealed class ResumeOptionsHandle : Handle
    {
        internal static readonly ResumeOptionsHandle None = new ResumeOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_resume_options_free(handle);
    }

    internal sealed class PendingHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_pending_free(handle);
    }

    internal sealed class RanksHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_ranks_free(handle);
    }

    internal sealed class StateUpdateHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_state_update_free(handle);
    }

    internal sealed class RemoveOptionsHandle : Handle
    {
        internal static readonly RemoveOptionsHandle None = new RemoveOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_remove_options_free(handle);
    }

    internal sealed class PinHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_pin_free(handle);
    }

    internal sealed class WaitOptionsHandle : Handle
    {
        internal static readonly WaitOptionsHandle None = new WaitOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_wait_options_free(handle);
    }

    internal sealed class CheckpointsIteratorHandle : Handle
    {
        protected override void Free() => NativeMethods.ckpt_checkpoints_iterator_free(handle);
    }

    internal sealed class RepairOptionsHandle : Handle
    {
        internal static readonly RepairOptionsHandle None = new RepairOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_repair_options_free(handle);
    }

    internal sealed class CollectOptionsHandle : Handle
    {
        internal static readonly CollectOptionsHandle None = new CollectOptionsHandle(); // stands for NULL
        protected override void Free() => NativeMethods.ckpt_collect_options_free(handle);
    }

    internal static partial class NativeMethods
    {
        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_version();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_check_version(int major, int minor, int patch, out IntPtr error);

        internal static void ckpt_check_version(int major, int minor, int patch) =>
            CheckpointException.Check(ckpt_check_version(major, minor, patch, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_code_name(ErrorCode code);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_dtype_name(DType dtype);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_dtype_size(DType dtype);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_dtype_check_elements(DType dtype, DType elements, byte[] name, long nameLen, out IntPtr error);

        internal static void ckpt_dtype_check_elements(DType dtype, DType elements, byte[] name) =>
            CheckpointException.Check(ckpt_dtype_check_elements(dtype, elements, name, name.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_row_state_name(RowState state);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_reason_name(Reason reason);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_format_name(Format format);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_checksums_name(Checksums checksums);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_durability_name(Durability durability);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_locking_name(Locking locking);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_kind_name(NodeKind kind);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_mismatch_name(Mismatch mismatch);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_conversion_name(Conversion conversion);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_busy_name(Busy busy);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_restore_kind_name(RestoreKind kind);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_better_name(Better better);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_verdict_name(Verdict verdict);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_severity_name(Severity severity);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_phase_name(Phase phase);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_error_code(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Reason ckpt_error_reason(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern int ckpt_error_errno(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_error_message(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_error_file(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_error_tensor(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_error_expected(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_error_found(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_error_cause(IntPtr error, FreeCallback freeCause);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_error_free(IntPtr error);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_string_bytes(IntPtr @string);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_string_text(IntPtr @string);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_string_free(IntPtr @string);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_strings_count(IntPtr @strings);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_strings_get(IntPtr @strings, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_strings_free(IntPtr @strings);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_failure_set(IntPtr failure, byte[] text, long len);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_failure_set_cause(IntPtr failure, IntPtr cause, FreeCallback freeCause);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern CancelHandle ckpt_cancel_new();

        [DllImport(Name, EntryPoint = "ckpt_cancel_raise", CallingConvention = CallingConvention.Cdecl)]
        private static extern void raw_cancel_raise(CancelHandle cancel);

        internal static void ckpt_cancel_raise(CancelHandle cancel) =>
            raw_cancel_raise(cancel.Open());

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_cancel_free(IntPtr cancel);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern OpenOptionsHandle ckpt_open_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_open_options_set_memory_limit(OpenOptionsHandle options, ulong bytes, out IntPtr error);

        internal static void ckpt_open_options_set_memory_limit(OpenOptionsHandle options, ulong bytes) =>
            CheckpointException.Check(ckpt_open_options_set_memory_limit(options, bytes, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_open_options_set_cancel", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_open_options_set_cancel(OpenOptionsHandle options, CancelHandle cancel, out IntPtr error);

        internal static ErrorCode ckpt_open_options_set_cancel(OpenOptionsHandle options, CancelHandle cancel, out IntPtr error) =>
            raw_open_options_set_cancel(options, cancel.Open(), out error);

        internal static void ckpt_open_options_set_cancel(OpenOptionsHandle options, CancelHandle cancel) =>
            CheckpointException.Check(ckpt_open_options_set_cancel(options, cancel, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_open_options_set_log(OpenOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_open_options_set_log(OpenOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_open_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_open_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ReadOptionsHandle ckpt_read_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_read_options_set_threads(ReadOptionsHandle options, uint threads, out IntPtr error);

        internal static void ckpt_read_options_set_threads(ReadOptionsHandle options, uint threads) =>
            CheckpointException.Check(ckpt_read_options_set_threads(options, threads, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_read_options_set_checksums(ReadOptionsHandle options, Checksums when, out IntPtr error);

        internal static void ckpt_read_options_set_checksums(ReadOptionsHandle options, Checksums when) =>
            CheckpointException.Check(ckpt_read_options_set_checksums(options, when, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_read_options_set_cancel", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_read_options_set_cancel(ReadOptionsHandle options, CancelHandle cancel, out IntPtr error);

        internal static ErrorCode ckpt_read_options_set_cancel(ReadOptionsHandle options, CancelHandle cancel, out IntPtr error) =>
            raw_read_options_set_cancel(options, cancel.Open(), out error);

        internal static void ckpt_read_options_set_cancel(ReadOptionsHandle options, CancelHandle cancel) =>
            CheckpointException.Check(ckpt_read_options_set_cancel(options, cancel, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_read_options_set_dtype(ReadOptionsHandle options, DType dtype, out IntPtr error);

        internal static void ckpt_read_options_set_dtype(ReadOptionsHandle options, DType dtype) =>
            CheckpointException.Check(ckpt_read_options_set_dtype(options, dtype, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_read_options_set_conversion(ReadOptionsHandle options, Conversion conversion, out IntPtr error);

        internal static void ckpt_read_options_set_conversion(ReadOptionsHandle options, Conversion conversion) =>
            CheckpointException.Check(ckpt_read_options_set_conversion(options, conversion, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_read_options_copy(ReadOptionsHandle options, out ReadOptionsHandle copy, out IntPtr error);

        internal static void ckpt_read_options_copy(ReadOptionsHandle options, out ReadOptionsHandle copy) =>
            CheckpointException.Check(ckpt_read_options_copy(options, out copy, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_read_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_reader_open(byte[] path, OpenOptionsHandle options, out ReaderHandle reader, out IntPtr error);

        internal static void ckpt_reader_open(byte[] path, OpenOptionsHandle options, out ReaderHandle reader) =>
            CheckpointException.Check(ckpt_reader_open(path, options, out reader, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_reader_free(IntPtr reader);

        [DllImport(Name, EntryPoint = "ckpt_reader_prefix", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_reader_prefix(ReaderHandle reader);

        internal static Bytes ckpt_reader_prefix(ReaderHandle reader) =>
            raw_reader_prefix(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_resolved", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_reader_resolved(ReaderHandle reader);

        internal static Bytes ckpt_reader_resolved(ReaderHandle reader) =>
            raw_reader_resolved(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_resolved_is_moved", CallingConvention = CallingConvention.Cdecl)]
        [return: MarshalAs(UnmanagedType.I1)]
        private static extern bool raw_reader_resolved_is_moved(ReaderHandle reader);

        internal static bool ckpt_reader_resolved_is_moved(ReaderHandle reader) =>
            raw_reader_resolved_is_moved(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_resolved_is_ambiguous", CallingConvention = CallingConvention.Cdecl)]
        [return: MarshalAs(UnmanagedType.I1)]
        private static extern bool raw_reader_resolved_is_ambiguous(ReaderHandle reader);

        internal static bool ckpt_reader_resolved_is_ambiguous(ReaderHandle reader) =>
            raw_reader_resolved_is_ambiguous(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_format", CallingConvention = CallingConvention.Cdecl)]
        private static extern Format raw_reader_format(ReaderHandle reader);

        internal static Format ckpt_reader_format(ReaderHandle reader) =>
            raw_reader_format(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_shard_count", CallingConvention = CallingConvention.Cdecl)]
        private static extern uint raw_reader_shard_count(ReaderHandle reader);

        internal static uint ckpt_reader_shard_count(ReaderHandle reader) =>
            raw_reader_shard_count(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_shard_path", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_shard_path(ReaderHandle reader, uint shard, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_reader_shard_path(ReaderHandle reader, uint shard, out IntPtr path, out IntPtr error) =>
            raw_reader_shard_path(reader.Open(), shard, out path, out error);

        internal static void ckpt_reader_shard_path(ReaderHandle reader, uint shard, out IntPtr path) =>
            CheckpointException.Check(ckpt_reader_shard_path(reader, shard, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_producer_version", CallingConvention = CallingConvention.Cdecl)]
        private static extern int raw_reader_producer_version(ReaderHandle reader);

        internal static int ckpt_reader_producer_version(ReaderHandle reader) =>
            raw_reader_producer_version(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_min_consumer_version", CallingConvention = CallingConvention.Cdecl)]
        private static extern int raw_reader_min_consumer_version(ReaderHandle reader);

        internal static int ckpt_reader_min_consumer_version(ReaderHandle reader) =>
            raw_reader_min_consumer_version(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_is_big_endian", CallingConvention = CallingConvention.Cdecl)]
        [return: MarshalAs(UnmanagedType.I1)]
        private static extern bool raw_reader_is_big_endian(ReaderHandle reader);

        internal static bool ckpt_reader_is_big_endian(ReaderHandle reader) =>
            raw_reader_is_big_endian(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_count", CallingConvention = CallingConvention.Cdecl)]
        private static extern long raw_reader_count(ReaderHandle reader);

        internal static long ckpt_reader_count(ReaderHandle reader) =>
            raw_reader_count(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_memory_size", CallingConvention = CallingConvention.Cdecl)]
        private static extern ulong raw_reader_memory_size(ReaderHandle reader);

        internal static ulong ckpt_reader_memory_size(ReaderHandle reader) =>
            raw_reader_memory_size(reader.Open());

        [DllImport(Name, EntryPoint = "ckpt_reader_tensor", CallingConvention = CallingConvention.Cdecl)]
        private static extern IntPtr raw_reader_tensor(ReaderHandle reader, long index);

        internal static IntPtr ckpt_reader_tensor(ReaderHandle reader, long index) =>
            raw_reader_tensor(reader.Open(), index);

        [DllImport(Name, EntryPoint = "ckpt_reader_has", CallingConvention = CallingConvention.Cdecl)]
        [return: MarshalAs(UnmanagedType.I1)]
        private static extern bool raw_reader_has(ReaderHandle reader, byte[] key, long keyLen);

        internal static bool ckpt_reader_has(ReaderHandle reader, byte[] key, long keyLen) =>
            raw_reader_has(reader.Open(), key, keyLen);

        [DllImport(Name, EntryPoint = "ckpt_reader_find", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_find(ReaderHandle reader, byte[] key, long keyLen, out IntPtr tensor, out IntPtr error);

        internal static ErrorCode ckpt_reader_find(ReaderHandle reader, byte[] key, long keyLen, out IntPtr tensor, out IntPtr error) =>
            raw_reader_find(reader.Open(), key, keyLen, out tensor, out error);

        internal static void ckpt_reader_find(ReaderHandle reader, byte[] key, out IntPtr tensor) =>
            CheckpointException.Check(ckpt_reader_find(reader, key, key.Length, out tensor, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_measure", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_measure(ReaderHandle reader, IntPtr tensor, DType elements, out ulong count, out ulong size, out IntPtr error);

        internal static ErrorCode ckpt_reader_measure(ReaderHandle reader, IntPtr tensor, DType elements, out ulong count, out ulong size, out IntPtr error) =>
            raw_reader_measure(reader.Open(), tensor, elements, out count, out size, out error);

        internal static void ckpt_reader_measure(ReaderHandle reader, IntPtr tensor, DType elements, out ulong count, out ulong size) =>
            CheckpointException.Check(ckpt_reader_measure(reader, tensor, elements, out count, out size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_measure_slice", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_measure_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, DType elements, out ulong count, out ulong size, out IntPtr error);

        internal static ErrorCode ckpt_reader_measure_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, DType elements, out ulong count, out ulong size, out IntPtr error) =>
            raw_reader_measure_slice(reader.Open(), tensor, start, length, rank, elements, out count, out size, out error);

        internal static void ckpt_reader_measure_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, DType elements, out ulong count, out ulong size) =>
            CheckpointException.Check(ckpt_reader_measure_slice(reader, tensor, start, length, rank, elements, out count, out size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_read", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_read(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, IntPtr buffer, long size, out IntPtr error);

        internal static ErrorCode ckpt_reader_read(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, IntPtr buffer, long size, out IntPtr error) =>
            raw_reader_read(reader.Open(), tensor, options, buffer, size, out error);

        internal static void ckpt_reader_read(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, IntPtr buffer, long size) =>
            CheckpointException.Check(ckpt_reader_read(reader, tensor, options, buffer, size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_read_slice", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_read_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, ReadOptionsHandle options, IntPtr buffer, long size, out IntPtr error);

        internal static ErrorCode ckpt_reader_read_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, ReadOptionsHandle options, IntPtr buffer, long size, out IntPtr error) =>
            raw_reader_read_slice(reader.Open(), tensor, start, length, rank, options, buffer, size, out error);

        internal static void ckpt_reader_read_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, ReadOptionsHandle options, IntPtr buffer, long size) =>
            CheckpointException.Check(ckpt_reader_read_slice(reader, tensor, start, length, rank, options, buffer, size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_read_many", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_read_many(ReaderHandle reader, IntPtr[] tensors, long count, ReadOptionsHandle options, IntPtr[] buffers, long[] sizes, out IntPtr error);

        internal static ErrorCode ckpt_reader_read_many(ReaderHandle reader, IntPtr[] tensors, long count, ReadOptionsHandle options, IntPtr[] buffers, long[] sizes, out IntPtr error) =>
            raw_reader_read_many(reader.Open(), tensors, count, options, buffers, sizes, out error);

        internal static void ckpt_reader_read_many(ReaderHandle reader, IntPtr[] tensors, long count, ReadOptionsHandle options, IntPtr[] buffers, long[] sizes) =>
            CheckpointException.Check(ckpt_reader_read_many(reader, tensors, count, options, buffers, sizes, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_read_strings", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_read_strings(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, out IntPtr @strings, out IntPtr error);

        internal static ErrorCode ckpt_reader_read_strings(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, out IntPtr @strings, out IntPtr error) =>
            raw_reader_read_strings(reader.Open(), tensor, options, out @strings, out error);

        internal static void ckpt_reader_read_strings(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, out IntPtr @strings) =>
            CheckpointException.Check(ckpt_reader_read_strings(reader, tensor, options, out @strings, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_read_strings_slice", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_read_strings_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, ReadOptionsHandle options, out IntPtr @strings, out IntPtr error);

        internal static ErrorCode ckpt_reader_read_strings_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, ReadOptionsHandle options, out IntPtr @strings, out IntPtr error) =>
            raw_reader_read_strings_slice(reader.Open(), tensor, start, length, rank, options, out @strings, out error);

        internal static void ckpt_reader_read_strings_slice(ReaderHandle reader, IntPtr tensor, long[] start, long[] length, long rank, ReadOptionsHandle options, out IntPtr @strings) =>
            CheckpointException.Check(ckpt_reader_read_strings_slice(reader, tensor, start, length, rank, options, out @strings, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_view", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_view(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, out ViewHandle view, out IntPtr error);

        internal static ErrorCode ckpt_reader_view(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, out ViewHandle view, out IntPtr error) =>
            raw_reader_view(reader.Open(), tensor, options, out view, out error);

        internal static void ckpt_reader_view(ReaderHandle reader, IntPtr tensor, ReadOptionsHandle options, out ViewHandle view) =>
            CheckpointException.Check(ckpt_reader_view(reader, tensor, options, out view, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_object_graph", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_object_graph(ReaderHandle reader, out IntPtr graph, out IntPtr error);

        internal static ErrorCode ckpt_reader_object_graph(ReaderHandle reader, out IntPtr graph, out IntPtr error) =>
            raw_reader_object_graph(reader.Open(), out graph, out error);

        internal static void ckpt_reader_object_graph(ReaderHandle reader, out IntPtr graph) =>
            CheckpointException.Check(ckpt_reader_object_graph(reader, out graph, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_debug_string", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_debug_string(ReaderHandle reader, out IntPtr text, out IntPtr error);

        internal static ErrorCode ckpt_reader_debug_string(ReaderHandle reader, out IntPtr text, out IntPtr error) =>
            raw_reader_debug_string(reader.Open(), out text, out error);

        internal static void ckpt_reader_debug_string(ReaderHandle reader, out IntPtr text) =>
            CheckpointException.Check(ckpt_reader_debug_string(reader, out text, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_tensor_key(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern DType ckpt_tensor_dtype(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_tensor_check_elements(IntPtr tensor, DType elements, out IntPtr error);

        internal static void ckpt_tensor_check_elements(IntPtr tensor, DType elements) =>
            CheckpointException.Check(ckpt_tensor_check_elements(tensor, elements, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_tensor_rank(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_tensor_shape(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ulong ckpt_tensor_element_count(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_tensor_byte_size(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_tensor_shard(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_tensor_offset(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_tensor_slice_count(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_tensor_slice(IntPtr tensor, long index, [In, Out] long[] start, [In, Out] long[] length, out IntPtr error);

        internal static void ckpt_tensor_slice(IntPtr tensor, long index, long[] start, long[] length) =>
            CheckpointException.Check(ckpt_tensor_slice(tensor, index, start, length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_convert_values(Conversion conversion, DType from, IntPtr values, long valuesSize, DType to, IntPtr result, long resultSize, out IntPtr error);

        internal static void ckpt_convert_values(Conversion conversion, DType from, IntPtr values, long valuesSize, DType to, IntPtr result, long resultSize) =>
            CheckpointException.Check(ckpt_convert_values(conversion, from, values, valuesSize, to, result, resultSize, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_view_bytes", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_view_bytes(ViewHandle view);

        internal static Bytes ckpt_view_bytes(ViewHandle view) =>
            raw_view_bytes(view.Open());

        [DllImport(Name, EntryPoint = "ckpt_view_alignment", CallingConvention = CallingConvention.Cdecl)]
        private static extern long raw_view_alignment(ViewHandle view);

        internal static long ckpt_view_alignment(ViewHandle view) =>
            raw_view_alignment(view.Open());

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_view_free(IntPtr view);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern uint ckpt_object_graph_count(IntPtr graph);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_object_graph_child_count(IntPtr graph, uint id);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_object_graph_child_name(IntPtr graph, uint id, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_object_graph_child_node(IntPtr graph, uint id, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_object_graph_attribute_count(IntPtr graph, uint id);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_object_graph_attribute_name(IntPtr graph, uint id, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_object_graph_attribute_full_name(IntPtr graph, uint id, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_object_graph_attribute_key(IntPtr graph, uint id, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_object_graph_slot_count(IntPtr graph, uint id);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_object_graph_slot_name(IntPtr graph, uint id, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_object_graph_slot_original(IntPtr graph, uint id, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_object_graph_slot_node(IntPtr graph, uint id, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_object_graph_saver_name(IntPtr graph, uint id);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_object_graph_saver_object_name(IntPtr graph, uint id);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern int ckpt_object_graph_has_values(IntPtr graph, uint id);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_object_graph_free(IntPtr graph);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern VerifyOptionsHandle ckpt_verify_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_verify_options_set_threads(VerifyOptionsHandle options, uint threads, out IntPtr error);

        internal static void ckpt_verify_options_set_threads(VerifyOptionsHandle options, uint threads) =>
            CheckpointException.Check(ckpt_verify_options_set_threads(options, threads, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_verify_options_set_skip_values(VerifyOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool skip, out IntPtr error);

        internal static void ckpt_verify_options_set_skip_values(VerifyOptionsHandle options, bool skip) =>
            CheckpointException.Check(ckpt_verify_options_set_skip_values(options, skip, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_verify_options_set_progress(VerifyOptionsHandle options, ProgressCallback progress, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_verify_options_set_progress(VerifyOptionsHandle options, ProgressCallback progress, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_verify_options_set_progress(options, progress, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_verify_options_set_cancel", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_verify_options_set_cancel(VerifyOptionsHandle options, CancelHandle cancel, out IntPtr error);

        internal static ErrorCode ckpt_verify_options_set_cancel(VerifyOptionsHandle options, CancelHandle cancel, out IntPtr error) =>
            raw_verify_options_set_cancel(options, cancel.Open(), out error);

        internal static void ckpt_verify_options_set_cancel(VerifyOptionsHandle options, CancelHandle cancel) =>
            CheckpointException.Check(ckpt_verify_options_set_cancel(options, cancel, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_verify_options_set_log(VerifyOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_verify_options_set_log(VerifyOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_verify_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_verify_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_verify(byte[] path, VerifyOptionsHandle options, out IntPtr verification, out IntPtr error);

        internal static void ckpt_verify(byte[] path, VerifyOptionsHandle options, out IntPtr verification) =>
            CheckpointException.Check(ckpt_verify(path, options, out verification, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Verdict ckpt_verification_verdict(IntPtr verification);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_verification_problem_count(IntPtr verification);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_verification_problem(IntPtr verification, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_verification_tensor_count(IntPtr verification);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ulong ckpt_verification_byte_count(IntPtr verification);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_verification_file_count(IntPtr verification);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_verification_free(IntPtr verification);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern WriteOptionsHandle ckpt_write_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_shards(WriteOptionsHandle options, uint shards, out IntPtr error);

        internal static void ckpt_write_options_set_shards(WriteOptionsHandle options, uint shards) =>
            CheckpointException.Check(ckpt_write_options_set_shards(options, shards, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_max_shard_size(WriteOptionsHandle options, ulong bytes, out IntPtr error);

        internal static void ckpt_write_options_set_max_shard_size(WriteOptionsHandle options, ulong bytes) =>
            CheckpointException.Check(ckpt_write_options_set_max_shard_size(options, bytes, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_alignment(WriteOptionsHandle options, ulong bytes, out IntPtr error);

        internal static void ckpt_write_options_set_alignment(WriteOptionsHandle options, ulong bytes) =>
            CheckpointException.Check(ckpt_write_options_set_alignment(options, bytes, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_threads(WriteOptionsHandle options, uint threads, out IntPtr error);

        internal static void ckpt_write_options_set_threads(WriteOptionsHandle options, uint threads) =>
            CheckpointException.Check(ckpt_write_options_set_threads(options, threads, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_durability(WriteOptionsHandle options, Durability durability, out IntPtr error);

        internal static void ckpt_write_options_set_durability(WriteOptionsHandle options, Durability durability) =>
            CheckpointException.Check(ckpt_write_options_set_durability(options, durability, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_locking(WriteOptionsHandle options, Locking locking, out IntPtr error);

        internal static void ckpt_write_options_set_locking(WriteOptionsHandle options, Locking locking) =>
            CheckpointException.Check(ckpt_write_options_set_locking(options, locking, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_lock_wait(WriteOptionsHandle options, double seconds, out IntPtr error);

        internal static void ckpt_write_options_set_lock_wait(WriteOptionsHandle options, double seconds) =>
            CheckpointException.Check(ckpt_write_options_set_lock_wait(options, seconds, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_read_back(WriteOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool readBack, out IntPtr error);

        internal static void ckpt_write_options_set_read_back(WriteOptionsHandle options, bool readBack) =>
            CheckpointException.Check(ckpt_write_options_set_read_back(options, readBack, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_progress(WriteOptionsHandle options, ProgressCallback progress, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_write_options_set_progress(WriteOptionsHandle options, ProgressCallback progress, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_write_options_set_progress(options, progress, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_write_options_set_cancel", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_write_options_set_cancel(WriteOptionsHandle options, CancelHandle cancel, out IntPtr error);

        internal static ErrorCode ckpt_write_options_set_cancel(WriteOptionsHandle options, CancelHandle cancel, out IntPtr error) =>
            raw_write_options_set_cancel(options, cancel.Open(), out error);

        internal static void ckpt_write_options_set_cancel(WriteOptionsHandle options, CancelHandle cancel) =>
            CheckpointException.Check(ckpt_write_options_set_cancel(options, cancel, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_write_options_set_log(WriteOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_write_options_set_log(WriteOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_write_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_write_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_writer_new(byte[] prefix, WriteOptionsHandle options, out WriterHandle writer, out IntPtr error);

        internal static void ckpt_writer_new(byte[] prefix, WriteOptionsHandle options, out WriterHandle writer) =>
            CheckpointException.Check(ckpt_writer_new(prefix, options, out writer, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_writer_add", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_writer_add(WriterHandle writer, byte[] key, long keyLen, DType dtype, long[] shape, long rank, IntPtr data, long size, out IntPtr error);

        internal static ErrorCode ckpt_writer_add(WriterHandle writer, byte[] key, long keyLen, DType dtype, long[] shape, long rank, IntPtr data, long size, out IntPtr error) =>
            raw_writer_add(writer.Open(), key, keyLen, dtype, shape, rank, data, size, out error);

        internal static void ckpt_writer_add(WriterHandle writer, byte[] key, DType dtype, long[] shape, long rank, IntPtr data, long size) =>
            CheckpointException.Check(ckpt_writer_add(writer, key, key.Length, dtype, shape, rank, data, size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_writer_add_slice", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_writer_add_slice(WriterHandle writer, byte[] key, long keyLen, DType dtype, long[] shape, long[] start, long[] length, long rank, IntPtr data, long size, out IntPtr error);

        internal static ErrorCode ckpt_writer_add_slice(WriterHandle writer, byte[] key, long keyLen, DType dtype, long[] shape, long[] start, long[] length, long rank, IntPtr data, long size, out IntPtr error) =>
            raw_writer_add_slice(writer.Open(), key, keyLen, dtype, shape, start, length, rank, data, size, out error);

        internal static void ckpt_writer_add_slice(WriterHandle writer, byte[] key, DType dtype, long[] shape, long[] start, long[] length, long rank, IntPtr data, long size) =>
            CheckpointException.Check(ckpt_writer_add_slice(writer, key, key.Length, dtype, shape, start, length, rank, data, size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_writer_add_shape_and_slice", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_writer_add_shape_and_slice(WriterHandle writer, byte[] key, long keyLen, DType dtype, long[] shape, long rank, byte[] shapeAndSlice, long shapeAndSliceLen, IntPtr data, long size, out IntPtr error);

        internal static ErrorCode ckpt_writer_add_shape_and_slice(WriterHandle writer, byte[] key, long keyLen, DType dtype, long[] shape, long rank, byte[] shapeAndSlice, long shapeAndSliceLen, IntPtr data, long size, out IntPtr error) =>
            raw_writer_add_shape_and_slice(writer.Open(), key, keyLen, dtype, shape, rank, shapeAndSlice, shapeAndSliceLen, data, size, out error);

        internal static void ckpt_writer_add_shape_and_slice(WriterHandle writer, byte[] key, DType dtype, long[] shape, long rank, byte[] shapeAndSlice, IntPtr data, long size) =>
            CheckpointException.Check(ckpt_writer_add_shape_and_slice(writer, key, key.Length, dtype, shape, rank, shapeAndSlice, shapeAndSlice.Length, data, size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_writer_add_read", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_writer_add_read(WriterHandle writer, byte[] key, long keyLen, DType dtype, long[] shape, long rank, ReadCallback read, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static ErrorCode ckpt_writer_add_read(WriterHandle writer, byte[] key, long keyLen, DType dtype, long[] shape, long rank, ReadCallback read, IntPtr userData, FreeCallback freeUserData, out IntPtr error) =>
            raw_writer_add_read(writer.Open(), key, keyLen, dtype, shape, rank, read, userData, freeUserData, out error);

        internal static void ckpt_writer_add_read(WriterHandle writer, byte[] key, DType dtype, long[] shape, long rank, ReadCallback read, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_writer_add_read(writer, key, key.Length, dtype, shape, rank, read, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_writer_add_strings", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_writer_add_strings(WriterHandle writer, byte[] key, long keyLen, long[] shape, long rank, Bytes[] elements, long count, out IntPtr error);

        internal static ErrorCode ckpt_writer_add_strings(WriterHandle writer, byte[] key, long keyLen, long[] shape, long rank, Bytes[] elements, long count, out IntPtr error) =>
            raw_writer_add_strings(writer.Open(), key, keyLen, shape, rank, elements, count, out error);

        internal static void ckpt_writer_add_strings(WriterHandle writer, byte[] key, long[] shape, long rank, Bytes[] elements, long count) =>
            CheckpointException.Check(ckpt_writer_add_strings(writer, key, key.Length, shape, rank, elements, count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_writer_add_strings_slice", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_writer_add_strings_slice(WriterHandle writer, byte[] key, long keyLen, long[] shape, long[] start, long[] length, long rank, Bytes[] elements, long count, out IntPtr error);

        internal static ErrorCode ckpt_writer_add_strings_slice(WriterHandle writer, byte[] key, long keyLen, long[] shape, long[] start, long[] length, long rank, Bytes[] elements, long count, out IntPtr error) =>
            raw_writer_add_strings_slice(writer.Open(), key, keyLen, shape, start, length, rank, elements, count, out error);

        internal static void ckpt_writer_add_strings_slice(WriterHandle writer, byte[] key, long[] shape, long[] start, long[] length, long rank, Bytes[] elements, long count) =>
            CheckpointException.Check(ckpt_writer_add_strings_slice(writer, key, key.Length, shape, start, length, rank, elements, count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_writer_add_variants", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_writer_add_variants(WriterHandle writer, byte[] key, long keyLen, long[] shape, long rank, Bytes[] elements, long count, out IntPtr error);

        internal static ErrorCode ckpt_writer_add_variants(WriterHandle writer, byte[] key, long keyLen, long[] shape, long rank, Bytes[] elements, long count, out IntPtr error) =>
            raw_writer_add_variants(writer.Open(), key, keyLen, shape, rank, elements, count, out error);

        internal static void ckpt_writer_add_variants(WriterHandle writer, byte[] key, long[] shape, long rank, Bytes[] elements, long count) =>
            CheckpointException.Check(ckpt_writer_add_variants(writer, key, key.Length, shape, rank, elements, count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_writer_finish", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_writer_finish(WriterHandle writer, out IntPtr error);

        internal static ErrorCode ckpt_writer_finish(WriterHandle writer, out IntPtr error) =>
            raw_writer_finish(writer.Open(), out error);

        internal static void ckpt_writer_finish(WriterHandle writer) =>
            CheckpointException.Check(ckpt_writer_finish(writer, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_writer_free(IntPtr writer);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern MergeOptionsHandle ckpt_merge_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge_options_set_allow_missing(MergeOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool allow, out IntPtr error);

        internal static void ckpt_merge_options_set_allow_missing(MergeOptionsHandle options, bool allow) =>
            CheckpointException.Check(ckpt_merge_options_set_allow_missing(options, allow, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge_options_set_keep_inputs(MergeOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool keep, out IntPtr error);

        internal static void ckpt_merge_options_set_keep_inputs(MergeOptionsHandle options, bool keep) =>
            CheckpointException.Check(ckpt_merge_options_set_keep_inputs(options, keep, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge_options_set_durability(MergeOptionsHandle options, Durability durability, out IntPtr error);

        internal static void ckpt_merge_options_set_durability(MergeOptionsHandle options, Durability durability) =>
            CheckpointException.Check(ckpt_merge_options_set_durability(options, durability, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge_options_set_locking(MergeOptionsHandle options, Locking locking, out IntPtr error);

        internal static void ckpt_merge_options_set_locking(MergeOptionsHandle options, Locking locking) =>
            CheckpointException.Check(ckpt_merge_options_set_locking(options, locking, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge_options_set_lock_wait(MergeOptionsHandle options, double seconds, out IntPtr error);

        internal static void ckpt_merge_options_set_lock_wait(MergeOptionsHandle options, double seconds) =>
            CheckpointException.Check(ckpt_merge_options_set_lock_wait(options, seconds, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge_options_set_progress(MergeOptionsHandle options, ProgressCallback progress, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_merge_options_set_progress(MergeOptionsHandle options, ProgressCallback progress, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_merge_options_set_progress(options, progress, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_merge_options_set_cancel", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_merge_options_set_cancel(MergeOptionsHandle options, CancelHandle cancel, out IntPtr error);

        internal static ErrorCode ckpt_merge_options_set_cancel(MergeOptionsHandle options, CancelHandle cancel, out IntPtr error) =>
            raw_merge_options_set_cancel(options, cancel.Open(), out error);

        internal static void ckpt_merge_options_set_cancel(MergeOptionsHandle options, CancelHandle cancel) =>
            CheckpointException.Check(ckpt_merge_options_set_cancel(options, cancel, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge_options_set_log(MergeOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_merge_options_set_log(MergeOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_merge_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_merge_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge(byte[] destination, IntPtr[] sections, long count, MergeOptionsHandle options, out IntPtr error);

        internal static void ckpt_merge(byte[] destination, IntPtr[] sections, long count, MergeOptionsHandle options) =>
            CheckpointException.Check(ckpt_merge(destination, sections, count, options, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_nodes_count(IntPtr nodes);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Node ckpt_nodes_get(IntPtr nodes, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_nodes_name(IntPtr nodes, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_nodes_free(IntPtr nodes);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern NodeKind ckpt_description_kind(IntPtr description);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern DType ckpt_description_dtype(IntPtr description);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern int ckpt_description_rank(IntPtr description);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_description_shape(IntPtr description);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_description_free(IntPtr description);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern NodeOptionsHandle ckpt_node_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_node_options_set_debug_name(NodeOptionsHandle options, byte[] name, long nameLen, out IntPtr error);

        internal static void ckpt_node_options_set_debug_name(NodeOptionsHandle options, byte[] name) =>
            CheckpointException.Check(ckpt_node_options_set_debug_name(options, name, name.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_node_options_set_name(NodeOptionsHandle options, byte[] name, long nameLen, out IntPtr error);

        internal static void ckpt_node_options_set_name(NodeOptionsHandle options, byte[] name) =>
            CheckpointException.Check(ckpt_node_options_set_name(options, name, name.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_node_options_set_read_only(NodeOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool readOnly, out IntPtr error);

        internal static void ckpt_node_options_set_read_only(NodeOptionsHandle options, bool readOnly) =>
            CheckpointException.Check(ckpt_node_options_set_read_only(options, readOnly, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_node_options_set_part(NodeOptionsHandle options, long[] shape, long[] start, long[] length, long rank, out IntPtr error);

        internal static void ckpt_node_options_set_part(NodeOptionsHandle options, long[] shape, long[] start, long[] length, long rank) =>
            CheckpointException.Check(ckpt_node_options_set_part(options, shape, start, length, rank, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_node_options_set_tensor_names(NodeOptionsHandle options, Bytes[] names, long count, out IntPtr error);

        internal static void ckpt_node_options_set_tensor_names(NodeOptionsHandle options, Bytes[] names, long count) =>
            CheckpointException.Check(ckpt_node_options_set_tensor_names(options, names, count, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_node_options_set_legacy_name(NodeOptionsHandle options, byte[] name, long nameLen, out IntPtr error);

        internal static void ckpt_node_options_set_legacy_name(NodeOptionsHandle options, byte[] name) =>
            CheckpointException.Check(ckpt_node_options_set_legacy_name(options, name, name.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_node_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern GraphHandle ckpt_graph_new();

        [DllImport(Name, EntryPoint = "ckpt_graph_share", CallingConvention = CallingConvention.Cdecl)]
        private static extern GraphHandle raw_graph_share(GraphHandle graph);

        internal static GraphHandle ckpt_graph_share(GraphHandle graph) =>
            raw_graph_share(graph.Open());

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_graph_free(IntPtr graph);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_object", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_object(GraphHandle graph, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_object(GraphHandle graph, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_object(graph.Open(), options, out node, out error);

        internal static void ckpt_graph_add_object(GraphHandle graph, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_object(graph, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_text", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_text(GraphHandle graph, byte[] text, long textLen, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_text(GraphHandle graph, byte[] text, long textLen, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_text(graph.Open(), text, textLen, options, out node, out error);

        internal static void ckpt_graph_add_text(GraphHandle graph, byte[] text, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_text(graph, text, text.Length, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_remove", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_remove(GraphHandle graph, Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_remove(GraphHandle graph, Node node, out IntPtr error) =>
            raw_graph_remove(graph.Open(), node, out error);

        internal static void ckpt_graph_remove(GraphHandle graph, Node node) =>
            CheckpointException.Check(ckpt_graph_remove(graph, node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_contains", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_contains(GraphHandle graph, Node node, [MarshalAs(UnmanagedType.I1)] out bool contains, out IntPtr error);

        internal static ErrorCode ckpt_graph_contains(GraphHandle graph, Node node, out bool contains, out IntPtr error) =>
            raw_graph_contains(graph.Open(), node, out contains, out error);

        internal static void ckpt_graph_contains(GraphHandle graph, Node node, out bool contains) =>
            CheckpointException.Check(ckpt_graph_contains(graph, node, out contains, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_describe", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_describe(GraphHandle graph, Node node, out IntPtr description, out IntPtr error);

        internal static ErrorCode ckpt_graph_describe(GraphHandle graph, Node node, out IntPtr description, out IntPtr error) =>
            raw_graph_describe(graph.Open(), node, out description, out error);

        internal static void ckpt_graph_describe(GraphHandle graph, Node node, out IntPtr description) =>
            CheckpointException.Check(ckpt_graph_describe(graph, node, out description, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_set_debug_name", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_set_debug_name(GraphHandle graph, Node node, byte[] name, long nameLen, out IntPtr error);

        internal static ErrorCode ckpt_graph_set_debug_name(GraphHandle graph, Node node, byte[] name, long nameLen, out IntPtr error) =>
            raw_graph_set_debug_name(graph.Open(), node, name, nameLen, out error);

        internal static void ckpt_graph_set_debug_name(GraphHandle graph, Node node, byte[] name) =>
            CheckpointException.Check(ckpt_graph_set_debug_name(graph, node, name, name.Length, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_set_name", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_set_name(GraphHandle graph, Node variable, byte[] name, long nameLen, out IntPtr error);

        internal static ErrorCode ckpt_graph_set_name(GraphHandle graph, Node variable, byte[] name, long nameLen, out IntPtr error) =>
            raw_graph_set_name(graph.Open(), variable, name, nameLen, out error);

        internal static void ckpt_graph_set_name(GraphHandle graph, Node variable, byte[] name) =>
            CheckpointException.Check(ckpt_graph_set_name(graph, variable, name, name.Length, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_track", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_track(GraphHandle graph, Node parent, byte[] name, long nameLen, Node child, out IntPtr error);

        internal static ErrorCode ckpt_graph_track(GraphHandle graph, Node parent, byte[] name, long nameLen, Node child, out IntPtr error) =>
            raw_graph_track(graph.Open(), parent, name, nameLen, child, out error);

        internal static void ckpt_graph_track(GraphHandle graph, Node parent, byte[] name, Node child) =>
            CheckpointException.Check(ckpt_graph_track(graph, parent, name, name.Length, child, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_track_overwrite", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_track_overwrite(GraphHandle graph, Node parent, byte[] name, long nameLen, Node child, out IntPtr error);

        internal static ErrorCode ckpt_graph_track_overwrite(GraphHandle graph, Node parent, byte[] name, long nameLen, Node child, out IntPtr error) =>
            raw_graph_track_overwrite(graph.Open(), parent, name, nameLen, child, out error);

        internal static void ckpt_graph_track_overwrite(GraphHandle graph, Node parent, byte[] name, Node child) =>
            CheckpointException.Check(ckpt_graph_track_overwrite(graph, parent, name, name.Length, child, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_untrack", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_untrack(GraphHandle graph, Node parent, byte[] name, long nameLen, out Node child, out IntPtr error);

        internal static ErrorCode ckpt_graph_untrack(GraphHandle graph, Node parent, byte[] name, long nameLen, out Node child, out IntPtr error) =>
            raw_graph_untrack(graph.Open(), parent, name, nameLen, out child, out error);

        internal static void ckpt_graph_untrack(GraphHandle graph, Node parent, byte[] name, out Node child) =>
            CheckpointException.Check(ckpt_graph_untrack(graph, parent, name, name.Length, out child, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_lookup", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_lookup(GraphHandle graph, Node parent, byte[] name, long nameLen, out Node child, out IntPtr error);

        internal static ErrorCode ckpt_graph_lookup(GraphHandle graph, Node parent, byte[] name, long nameLen, out Node child, out IntPtr error) =>
            raw_graph_lookup(graph.Open(), parent, name, nameLen, out child, out error);

        internal static void ckpt_graph_lookup(GraphHandle graph, Node parent, byte[] name, out Node child) =>
            CheckpointException.Check(ckpt_graph_lookup(graph, parent, name, name.Length, out child, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_children", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_children(GraphHandle graph, Node node, out IntPtr children, out IntPtr error);

        internal static ErrorCode ckpt_graph_children(GraphHandle graph, Node node, out IntPtr children, out IntPtr error) =>
            raw_graph_children(graph.Open(), node, out children, out error);

        internal static void ckpt_graph_children(GraphHandle graph, Node node, out IntPtr children) =>
            CheckpointException.Check(ckpt_graph_children(graph, node, out children, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_descendants", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_descendants(GraphHandle graph, Node root, out IntPtr descendants, out IntPtr error);

        internal static ErrorCode ckpt_graph_descendants(GraphHandle graph, Node root, out IntPtr descendants, out IntPtr error) =>
            raw_graph_descendants(graph.Open(), root, out descendants, out error);

        internal static void ckpt_graph_descendants(GraphHandle graph, Node root, out IntPtr descendants) =>
            CheckpointException.Check(ckpt_graph_descendants(graph, root, out descendants, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_waiting", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_waiting(GraphHandle graph, Node node, byte[] name, long nameLen, out long count, out IntPtr error);

        internal static ErrorCode ckpt_graph_waiting(GraphHandle graph, Node node, byte[] name, long nameLen, out long count, out IntPtr error) =>
            raw_graph_waiting(graph.Open(), node, name, nameLen, out count, out error);

        internal static void ckpt_graph_waiting(GraphHandle graph, Node node, byte[] name, out long count) =>
            CheckpointException.Check(ckpt_graph_waiting(graph, node, name, name.Length, out count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_resizable", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_resizable(GraphHandle graph, DType dtype, long[] shape, int rank, LocateCallback locate, ResizeCallback resize, ResizedCallback resized, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_resizable(GraphHandle graph, DType dtype, long[] shape, int rank, LocateCallback locate, ResizeCallback resize, ResizedCallback resized, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_resizable(graph.Open(), dtype, shape, rank, locate, resize, resized, userData, freeUserData, options, out node, out error);

        internal static void ckpt_graph_add_resizable(GraphHandle graph, DType dtype, long[] shape, int rank, LocateCallback locate, ResizeCallback resize, ResizedCallback resized, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_resizable(graph, dtype, shape, rank, locate, resize, resized, userData, freeUserData, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_owned", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_owned(GraphHandle graph, DType dtype, long[] shape, long rank, IntPtr data, long size, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_owned(GraphHandle graph, DType dtype, long[] shape, long rank, IntPtr data, long size, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_owned(graph.Open(), dtype, shape, rank, data, size, options, out node, out error);

        internal static void ckpt_graph_add_owned(GraphHandle graph, DType dtype, long[] shape, long rank, IntPtr data, long size, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_owned(graph, dtype, shape, rank, data, size, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_borrowed", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_borrowed(GraphHandle graph, DType dtype, long[] shape, long rank, IntPtr data, long size, IntPtr userData, FreeCallback release, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_borrowed(GraphHandle graph, DType dtype, long[] shape, long rank, IntPtr data, long size, IntPtr userData, FreeCallback release, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_borrowed(graph.Open(), dtype, shape, rank, data, size, userData, release, options, out node, out error);

        internal static void ckpt_graph_add_borrowed(GraphHandle graph, DType dtype, long[] shape, long rank, IntPtr data, long size, IntPtr userData, FreeCallback release, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_borrowed(graph, dtype, shape, rank, data, size, userData, release, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_without_value", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_without_value(GraphHandle graph, DType dtype, long[] shape, int rank, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_without_value(GraphHandle graph, DType dtype, long[] shape, int rank, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_without_value(graph.Open(), dtype, shape, rank, options, out node, out error);

        internal static void ckpt_graph_add_without_value(GraphHandle graph, DType dtype, long[] shape, int rank, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_without_value(graph, dtype, shape, rank, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_strings", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_strings(GraphHandle graph, long[] shape, long rank, Bytes[] elements, long count, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_strings(GraphHandle graph, long[] shape, long rank, Bytes[] elements, long count, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_strings(graph.Open(), shape, rank, elements, count, options, out node, out error);

        internal static void ckpt_graph_add_strings(GraphHandle graph, long[] shape, long rank, Bytes[] elements, long count, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_strings(graph, shape, rank, elements, count, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_set_borrowed", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_set_borrowed(GraphHandle graph, Node variable, IntPtr data, long size, IntPtr userData, FreeCallback release, out IntPtr error);

        internal static ErrorCode ckpt_graph_set_borrowed(GraphHandle graph, Node variable, IntPtr data, long size, IntPtr userData, FreeCallback release, out IntPtr error) =>
            raw_graph_set_borrowed(graph.Open(), variable, data, size, userData, release, out error);

        internal static void ckpt_graph_set_borrowed(GraphHandle graph, Node variable, IntPtr data, long size, IntPtr userData, FreeCallback release) =>
            CheckpointException.Check(ckpt_graph_set_borrowed(graph, variable, data, size, userData, release, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_data", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_data(GraphHandle graph, Node variable, out IntPtr data, out long size, out IntPtr error);

        internal static ErrorCode ckpt_graph_data(GraphHandle graph, Node variable, out IntPtr data, out long size, out IntPtr error) =>
            raw_graph_data(graph.Open(), variable, out data, out size, out error);

        internal static void ckpt_graph_data(GraphHandle graph, Node variable, out IntPtr data, out long size) =>
            CheckpointException.Check(ckpt_graph_data(graph, variable, out data, out size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_read", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_read(GraphHandle graph, Node variable, IntPtr buffer, long size, out IntPtr error);

        internal static ErrorCode ckpt_graph_read(GraphHandle graph, Node variable, IntPtr buffer, long size, out IntPtr error) =>
            raw_graph_read(graph.Open(), variable, buffer, size, out error);

        internal static void ckpt_graph_read(GraphHandle graph, Node variable, IntPtr buffer, long size) =>
            CheckpointException.Check(ckpt_graph_read(graph, variable, buffer, size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_assign", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_assign(GraphHandle graph, Node variable, DType dtype, long[] shape, long rank, IntPtr data, long size, out IntPtr error);

        internal static ErrorCode ckpt_graph_assign(GraphHandle graph, Node variable, DType dtype, long[] shape, long rank, IntPtr data, long size, out IntPtr error) =>
            raw_graph_assign(graph.Open(), variable, dtype, shape, rank, data, size, out error);

        internal static void ckpt_graph_assign(GraphHandle graph, Node variable, DType dtype, long[] shape, long rank, IntPtr data, long size) =>
            CheckpointException.Check(ckpt_graph_assign(graph, variable, dtype, shape, rank, data, size, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_read_strings", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_read_strings(GraphHandle graph, Node node, out IntPtr @strings, out IntPtr error);

        internal static ErrorCode ckpt_graph_read_strings(GraphHandle graph, Node node, out IntPtr @strings, out IntPtr error) =>
            raw_graph_read_strings(graph.Open(), node, out @strings, out error);

        internal static void ckpt_graph_read_strings(GraphHandle graph, Node node, out IntPtr @strings) =>
            CheckpointException.Check(ckpt_graph_read_strings(graph, node, out @strings, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_assign_strings", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_assign_strings(GraphHandle graph, Node node, long[] shape, long rank, Bytes[] elements, long count, out IntPtr error);

        internal static ErrorCode ckpt_graph_assign_strings(GraphHandle graph, Node node, long[] shape, long rank, Bytes[] elements, long count, out IntPtr error) =>
            raw_graph_assign_strings(graph.Open(), node, shape, rank, elements, count, out error);

        internal static void ckpt_graph_assign_strings(GraphHandle graph, Node node, long[] shape, long rank, Bytes[] elements, long count) =>
            CheckpointException.Check(ckpt_graph_assign_strings(graph, node, shape, rank, elements, count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_was_restored", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_was_restored(GraphHandle graph, Node node, [MarshalAs(UnmanagedType.I1)] out bool wasRestored, out IntPtr error);

        internal static ErrorCode ckpt_graph_was_restored(GraphHandle graph, Node node, out bool wasRestored, out IntPtr error) =>
            raw_graph_was_restored(graph.Open(), node, out wasRestored, out error);

        internal static void ckpt_graph_was_restored(GraphHandle graph, Node node, out bool wasRestored) =>
            CheckpointException.Check(ckpt_graph_was_restored(graph, node, out wasRestored, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_read_integer", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_read_integer(GraphHandle graph, Node variable, out long value, out IntPtr error);

        internal static ErrorCode ckpt_graph_read_integer(GraphHandle graph, Node variable, out long value, out IntPtr error) =>
            raw_graph_read_integer(graph.Open(), variable, out value, out error);

        internal static void ckpt_graph_read_integer(GraphHandle graph, Node variable, out long value) =>
            CheckpointException.Check(ckpt_graph_read_integer(graph, variable, out value, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_list", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_list(GraphHandle graph, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_list(GraphHandle graph, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_list(graph.Open(), options, out node, out error);

        internal static void ckpt_graph_add_list(GraphHandle graph, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_list(graph, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_dict", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_dict(GraphHandle graph, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_dict(GraphHandle graph, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_dict(graph.Open(), options, out node, out error);

        internal static void ckpt_graph_add_dict(GraphHandle graph, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_dict(graph, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_tuple", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_tuple(GraphHandle graph, Node[] elements, long count, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_tuple(GraphHandle graph, Node[] elements, long count, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_tuple(graph.Open(), elements, count, options, out node, out error);

        internal static void ckpt_graph_add_tuple(GraphHandle graph, Node[] elements, long count, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_tuple(graph, elements, count, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_named_tuple", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_named_tuple(GraphHandle graph, Bytes[] fields, Node[] elements, long count, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_named_tuple(GraphHandle graph, Bytes[] fields, Node[] elements, long count, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_named_tuple(graph.Open(), fields, elements, count, options, out node, out error);

        internal static void ckpt_graph_add_named_tuple(GraphHandle graph, Bytes[] fields, Node[] elements, long count, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_named_tuple(graph, fields, elements, count, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_list_append", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_list_append(GraphHandle graph, Node list, Node element, out IntPtr error);

        internal static ErrorCode ckpt_graph_list_append(GraphHandle graph, Node list, Node element, out IntPtr error) =>
            raw_graph_list_append(graph.Open(), list, element, out error);

        internal static void ckpt_graph_list_append(GraphHandle graph, Node list, Node element) =>
            CheckpointException.Check(ckpt_graph_list_append(graph, list, element, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_list_repeat", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_list_repeat(GraphHandle graph, Node list, long times, out IntPtr error);

        internal static ErrorCode ckpt_graph_list_repeat(GraphHandle graph, Node list, long times, out IntPtr error) =>
            raw_graph_list_repeat(graph.Open(), list, times, out error);

        internal static void ckpt_graph_list_repeat(GraphHandle graph, Node list, long times) =>
            CheckpointException.Check(ckpt_graph_list_repeat(graph, list, times, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_list_set", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_list_set(GraphHandle graph, Node list, long index, Node element, out IntPtr error);

        internal static ErrorCode ckpt_graph_list_set(GraphHandle graph, Node list, long index, Node element, out IntPtr error) =>
            raw_graph_list_set(graph.Open(), list, index, element, out error);

        internal static void ckpt_graph_list_set(GraphHandle graph, Node list, long index, Node element) =>
            CheckpointException.Check(ckpt_graph_list_set(graph, list, index, element, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_list_insert", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_list_insert(GraphHandle graph, Node list, long index, Node element, out IntPtr error);

        internal static ErrorCode ckpt_graph_list_insert(GraphHandle graph, Node list, long index, Node element, out IntPtr error) =>
            raw_graph_list_insert(graph.Open(), list, index, element, out error);

        internal static void ckpt_graph_list_insert(GraphHandle graph, Node list, long index, Node element) =>
            CheckpointException.Check(ckpt_graph_list_insert(graph, list, index, element, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_list_remove", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_list_remove(GraphHandle graph, Node list, long index, out Node element, out IntPtr error);

        internal static ErrorCode ckpt_graph_list_remove(GraphHandle graph, Node list, long index, out Node element, out IntPtr error) =>
            raw_graph_list_remove(graph.Open(), list, index, out element, out error);

        internal static void ckpt_graph_list_remove(GraphHandle graph, Node list, long index, out Node element) =>
            CheckpointException.Check(ckpt_graph_list_remove(graph, list, index, out element, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_list_splice", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_list_splice(GraphHandle graph, Node list, long start, long end, Node[] elements, long count, out IntPtr error);

        internal static ErrorCode ckpt_graph_list_splice(GraphHandle graph, Node list, long start, long end, Node[] elements, long count, out IntPtr error) =>
            raw_graph_list_splice(graph.Open(), list, start, end, elements, count, out error);

        internal static void ckpt_graph_list_splice(GraphHandle graph, Node list, long start, long end, Node[] elements, long count) =>
            CheckpointException.Check(ckpt_graph_list_splice(graph, list, start, end, elements, count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_list_reorder", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_list_reorder(GraphHandle graph, Node list, long[] order, long count, out IntPtr error);

        internal static ErrorCode ckpt_graph_list_reorder(GraphHandle graph, Node list, long[] order, long count, out IntPtr error) =>
            raw_graph_list_reorder(graph.Open(), list, order, count, out error);

        internal static void ckpt_graph_list_reorder(GraphHandle graph, Node list, long[] order, long count) =>
            CheckpointException.Check(ckpt_graph_list_reorder(graph, list, order, count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_list_elements", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_list_elements(GraphHandle graph, Node list, out IntPtr elements, out IntPtr error);

        internal static ErrorCode ckpt_graph_list_elements(GraphHandle graph, Node list, out IntPtr elements, out IntPtr error) =>
            raw_graph_list_elements(graph.Open(), list, out elements, out error);

        internal static void ckpt_graph_list_elements(GraphHandle graph, Node list, out IntPtr elements) =>
            CheckpointException.Check(ckpt_graph_list_elements(graph, list, out elements, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_dict_set", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_dict_set(GraphHandle graph, Node dict, byte[] key, long keyLen, Node child, out IntPtr error);

        internal static ErrorCode ckpt_graph_dict_set(GraphHandle graph, Node dict, byte[] key, long keyLen, Node child, out IntPtr error) =>
            raw_graph_dict_set(graph.Open(), dict, key, keyLen, child, out error);

        internal static void ckpt_graph_dict_set(GraphHandle graph, Node dict, byte[] key, Node child) =>
            CheckpointException.Check(ckpt_graph_dict_set(graph, dict, key, key.Length, child, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_dict_remove", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_dict_remove(GraphHandle graph, Node dict, byte[] key, long keyLen, out Node child, out IntPtr error);

        internal static ErrorCode ckpt_graph_dict_remove(GraphHandle graph, Node dict, byte[] key, long keyLen, out Node child, out IntPtr error) =>
            raw_graph_dict_remove(graph.Open(), dict, key, keyLen, out child, out error);

        internal static void ckpt_graph_dict_remove(GraphHandle graph, Node dict, byte[] key, out Node child) =>
            CheckpointException.Check(ckpt_graph_dict_remove(graph, dict, key, key.Length, out child, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_slot_owner", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_slot_owner(GraphHandle graph, CreateSlotCallback create, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_slot_owner(GraphHandle graph, CreateSlotCallback create, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_slot_owner(graph.Open(), create, userData, freeUserData, options, out node, out error);

        internal static void ckpt_graph_add_slot_owner(GraphHandle graph, CreateSlotCallback create, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_slot_owner(graph, create, userData, freeUserData, options, out node, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Node ckpt_slot_request_owner(IntPtr request);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Node ckpt_slot_request_variable(IntPtr request);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_slot_request_name(IntPtr request);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern DType ckpt_slot_request_dtype(IntPtr request);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_slot_request_rank(IntPtr request);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_slot_request_shape(IntPtr request);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_slot_request_set_owned(IntPtr request, NodeOptionsHandle options, out IntPtr error);

        internal static void ckpt_slot_request_set_owned(IntPtr request, NodeOptionsHandle options) =>
            CheckpointException.Check(ckpt_slot_request_set_owned(request, options, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_slot_request_set_borrowed(IntPtr request, IntPtr data, long size, IntPtr userData, FreeCallback release, NodeOptionsHandle options, out IntPtr error);

        internal static void ckpt_slot_request_set_borrowed(IntPtr request, IntPtr data, long size, IntPtr userData, FreeCallback release, NodeOptionsHandle options) =>
            CheckpointException.Check(ckpt_slot_request_set_borrowed(request, data, size, userData, release, options, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_slot_request_set_device", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_slot_request_set_device(IntPtr request, DeviceHandle device, NodeOptionsHandle options, out IntPtr error);

        internal static ErrorCode ckpt_slot_request_set_device(IntPtr request, DeviceHandle device, NodeOptionsHandle options, out IntPtr error) =>
            raw_slot_request_set_device(request, device.Open(), options, out error);

        internal static void ckpt_slot_request_set_device(IntPtr request, DeviceHandle device, NodeOptionsHandle options) =>
            CheckpointException.Check(ckpt_slot_request_set_device(request, device, options, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_set_slot", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_set_slot(GraphHandle graph, Node owner, Node variable, byte[] name, long nameLen, Node slot, out IntPtr error);

        internal static ErrorCode ckpt_graph_set_slot(GraphHandle graph, Node owner, Node variable, byte[] name, long nameLen, Node slot, out IntPtr error) =>
            raw_graph_set_slot(graph.Open(), owner, variable, name, nameLen, slot, out error);

        internal static void ckpt_graph_set_slot(GraphHandle graph, Node owner, Node variable, byte[] name, Node slot) =>
            CheckpointException.Check(ckpt_graph_set_slot(graph, owner, variable, name, name.Length, slot, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_slot", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_slot(GraphHandle graph, Node owner, Node variable, byte[] name, long nameLen, out Node slot, out IntPtr error);

        internal static ErrorCode ckpt_graph_slot(GraphHandle graph, Node owner, Node variable, byte[] name, long nameLen, out Node slot, out IntPtr error) =>
            raw_graph_slot(graph.Open(), owner, variable, name, nameLen, out slot, out error);

        internal static void ckpt_graph_slot(GraphHandle graph, Node owner, Node variable, byte[] name, out Node slot) =>
            CheckpointException.Check(ckpt_graph_slot(graph, owner, variable, name, name.Length, out slot, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_remove_slot", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_remove_slot(GraphHandle graph, Node owner, Node variable, byte[] name, long nameLen, out Node slot, out IntPtr error);

        internal static ErrorCode ckpt_graph_remove_slot(GraphHandle graph, Node owner, Node variable, byte[] name, long nameLen, out Node slot, out IntPtr error) =>
            raw_graph_remove_slot(graph.Open(), owner, variable, name, nameLen, out slot, out error);

        internal static void ckpt_graph_remove_slot(GraphHandle graph, Node owner, Node variable, byte[] name, out Node slot) =>
            CheckpointException.Check(ckpt_graph_remove_slot(graph, owner, variable, name, name.Length, out slot, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_slot_names", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_slot_names(GraphHandle graph, Node owner, out IntPtr names, out IntPtr error);

        internal static ErrorCode ckpt_graph_slot_names(GraphHandle graph, Node owner, out IntPtr names, out IntPtr error) =>
            raw_graph_slot_names(graph.Open(), owner, out names, out error);

        internal static void ckpt_graph_slot_names(GraphHandle graph, Node owner, out IntPtr names) =>
            CheckpointException.Check(ckpt_graph_slot_names(graph, owner, out names, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern DeviceHandle ckpt_device_new(IntPtr userData, FreeCallback freeUserData);

        [DllImport(Name, EntryPoint = "ckpt_device_set_describe", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_device_set_describe(DeviceHandle device, DescribeCallback describe, out IntPtr error);

        internal static ErrorCode ckpt_device_set_describe(DeviceHandle device, DescribeCallback describe, out IntPtr error) =>
            raw_device_set_describe(device.Open(), describe, out error);

        internal static void ckpt_device_set_describe(DeviceHandle device, DescribeCallback describe) =>
            CheckpointException.Check(ckpt_device_set_describe(device, describe, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_device_set_read", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_device_set_read(DeviceHandle device, ReadCallback read, [MarshalAs(UnmanagedType.I1)] bool concurrent, out IntPtr error);

        internal static ErrorCode ckpt_device_set_read(DeviceHandle device, ReadCallback read, bool concurrent, out IntPtr error) =>
            raw_device_set_read(device.Open(), read, concurrent, out error);

        internal static void ckpt_device_set_read(DeviceHandle device, ReadCallback read, bool concurrent) =>
            CheckpointException.Check(ckpt_device_set_read(device, read, concurrent, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_device_set_prepare", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_device_set_prepare(DeviceHandle device, PrepareCallback prepare, out IntPtr error);

        internal static ErrorCode ckpt_device_set_prepare(DeviceHandle device, PrepareCallback prepare, out IntPtr error) =>
            raw_device_set_prepare(device.Open(), prepare, out error);

        internal static void ckpt_device_set_prepare(DeviceHandle device, PrepareCallback prepare) =>
            CheckpointException.Check(ckpt_device_set_prepare(device, prepare, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_device_set_write", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_device_set_write(DeviceHandle device, WriteAtCallback write, out IntPtr error);

        internal static ErrorCode ckpt_device_set_write(DeviceHandle device, WriteAtCallback write, out IntPtr error) =>
            raw_device_set_write(device.Open(), write, out error);

        internal static void ckpt_device_set_write(DeviceHandle device, WriteAtCallback write) =>
            CheckpointException.Check(ckpt_device_set_write(device, write, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_device_set_finish", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_device_set_finish(DeviceHandle device, FinishCallback finish, out IntPtr error);

        internal static ErrorCode ckpt_device_set_finish(DeviceHandle device, FinishCallback finish, out IntPtr error) =>
            raw_device_set_finish(device.Open(), finish, out error);

        internal static void ckpt_device_set_finish(DeviceHandle device, FinishCallback finish) =>
            CheckpointException.Check(ckpt_device_set_finish(device, finish, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_device_free(IntPtr device);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_device", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_device(GraphHandle graph, DType dtype, long[] shape, int rank, DeviceHandle device, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_device(GraphHandle graph, DType dtype, long[] shape, int rank, DeviceHandle device, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_device(graph.Open(), dtype, shape, rank, device.Open(), options, out node, out error);

        internal static void ckpt_graph_add_device(GraphHandle graph, DType dtype, long[] shape, int rank, DeviceHandle device, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_device(graph, dtype, shape, rank, device, options, out node, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_graph_add_state", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_add_state(GraphHandle graph, SaveCallback save, RestoreCallback restore, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node, out IntPtr error);

        internal static ErrorCode ckpt_graph_add_state(GraphHandle graph, SaveCallback save, RestoreCallback restore, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node, out IntPtr error) =>
            raw_graph_add_state(graph.Open(), save, restore, userData, freeUserData, options, out node, out error);

        internal static void ckpt_graph_add_state(GraphHandle graph, SaveCallback save, RestoreCallback restore, IntPtr userData, FreeCallback freeUserData, NodeOptionsHandle options, out Node node) =>
            CheckpointException.Check(ckpt_graph_add_state(graph, save, restore, userData, freeUserData, options, out node, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_sink_put(IntPtr sink, byte[] name, long nameLen, DType dtype, long[] shape, long rank, IntPtr data, long size, out IntPtr error);

        internal static void ckpt_sink_put(IntPtr sink, byte[] name, DType dtype, long[] shape, long rank, IntPtr data, long size) =>
            CheckpointException.Check(ckpt_sink_put(sink, name, name.Length, dtype, shape, rank, data, size, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_sink_put_borrowed(IntPtr sink, byte[] name, long nameLen, DType dtype, long[] shape, long rank, IntPtr data, long size, IntPtr userData, FreeCallback release, out IntPtr error);

        internal static void ckpt_sink_put_borrowed(IntPtr sink, byte[] name, DType dtype, long[] shape, long rank, IntPtr data, long size, IntPtr userData, FreeCallback release) =>
            CheckpointException.Check(ckpt_sink_put_borrowed(sink, name, name.Length, dtype, shape, rank, data, size, userData, release, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_sink_put_read(IntPtr sink, byte[] name, long nameLen, DType dtype, long[] shape, long rank, ReadCallback read, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_sink_put_read(IntPtr sink, byte[] name, DType dtype, long[] shape, long rank, ReadCallback read, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_sink_put_read(sink, name, name.Length, dtype, shape, rank, read, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_sink_put_strings(IntPtr sink, byte[] name, long nameLen, long[] shape, long rank, Bytes[] elements, long count, out IntPtr error);

        internal static void ckpt_sink_put_strings(IntPtr sink, byte[] name, long[] shape, long rank, Bytes[] elements, long count) =>
            CheckpointException.Check(ckpt_sink_put_strings(sink, name, name.Length, shape, rank, elements, count, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_sink_put_variants(IntPtr sink, byte[] name, long nameLen, long[] shape, long rank, Bytes[] elements, long count, out IntPtr error);

        internal static void ckpt_sink_put_variants(IntPtr sink, byte[] name, long[] shape, long rank, Bytes[] elements, long count) =>
            CheckpointException.Check(ckpt_sink_put_variants(sink, name, name.Length, shape, rank, elements, count, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_source_count(IntPtr source);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_source_get(IntPtr source, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_source_find(IntPtr source, byte[] name, long nameLen);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_source_tensor_name(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern DType ckpt_source_tensor_dtype(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_source_tensor_rank(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_source_tensor_shape(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_source_tensor_bytes(IntPtr tensor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_source_tensor_string(IntPtr tensor, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_source_tensor_string_count(IntPtr tensor);

        [DllImport(Name, EntryPoint = "ckpt_graph_register_saver", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_graph_register_saver(GraphHandle graph, byte[] package, long packageLen, byte[] name, long nameLen, [MarshalAs(UnmanagedType.I1)] bool strict, AcceptsCallback accepts, SaveObjectsCallback save, WantsCallback wants, RestoreObjectsCallback restore, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static ErrorCode ckpt_graph_register_saver(GraphHandle graph, byte[] package, long packageLen, byte[] name, long nameLen, bool strict, AcceptsCallback accepts, SaveObjectsCallback save, WantsCallback wants, RestoreObjectsCallback restore, IntPtr userData, FreeCallback freeUserData, out IntPtr error) =>
            raw_graph_register_saver(graph.Open(), package, packageLen, name, nameLen, strict, accepts, save, wants, restore, userData, freeUserData, out error);

        internal static void ckpt_graph_register_saver(GraphHandle graph, byte[] package, byte[] name, bool strict, AcceptsCallback accepts, SaveObjectsCallback save, WantsCallback wants, RestoreObjectsCallback restore, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_graph_register_saver(graph, package, package.Length, name, name.Length, strict, accepts, save, wants, restore, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_new", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_new(GraphHandle graph, Node root, out CheckpointHandle checkpoint, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_new(GraphHandle graph, Node root, out CheckpointHandle checkpoint, out IntPtr error) =>
            raw_checkpoint_new(graph.Open(), root, out checkpoint, out error);

        internal static void ckpt_checkpoint_new(GraphHandle graph, Node root, out CheckpointHandle checkpoint) =>
            CheckpointException.Check(ckpt_checkpoint_new(graph, root, out checkpoint, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_new_with_root", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_new_with_root(GraphHandle graph, Node root, Bytes[] names, Node[] objects, long count, out CheckpointHandle checkpoint, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_new_with_root(GraphHandle graph, Node root, Bytes[] names, Node[] objects, long count, out CheckpointHandle checkpoint, out IntPtr error) =>
            raw_checkpoint_new_with_root(graph.Open(), root, names, objects, count, out checkpoint, out error);

        internal static void ckpt_checkpoint_new_with_root(GraphHandle graph, Node root, Bytes[] names, Node[] objects, long count, out CheckpointHandle checkpoint) =>
            CheckpointException.Check(ckpt_checkpoint_new_with_root(graph, root, names, objects, count, out checkpoint, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_checkpoint_free(IntPtr checkpoint);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_graph", CallingConvention = CallingConvention.Cdecl)]
        private static extern GraphHandle raw_checkpoint_graph(CheckpointHandle checkpoint);

        internal static GraphHandle ckpt_checkpoint_graph(CheckpointHandle checkpoint) =>
            raw_checkpoint_graph(checkpoint.Open());

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_root", CallingConvention = CallingConvention.Cdecl)]
        private static extern Node raw_checkpoint_root(CheckpointHandle checkpoint);

        internal static Node ckpt_checkpoint_root(CheckpointHandle checkpoint) =>
            raw_checkpoint_root(checkpoint.Open());

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_set_log", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_set_log(CheckpointHandle checkpoint, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_set_log(CheckpointHandle checkpoint, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error) =>
            raw_checkpoint_set_log(checkpoint.Open(), log, userData, freeUserData, out error);

        internal static void ckpt_checkpoint_set_log(CheckpointHandle checkpoint, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_checkpoint_set_log(checkpoint, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_save_counter", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_save_counter(CheckpointHandle checkpoint, out Node counter, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_save_counter(CheckpointHandle checkpoint, out Node counter, out IntPtr error) =>
            raw_checkpoint_save_counter(checkpoint.Open(), out counter, out error);

        internal static void ckpt_checkpoint_save_counter(CheckpointHandle checkpoint, out Node counter) =>
            CheckpointException.Check(ckpt_checkpoint_save_counter(checkpoint, out counter, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_save_count", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_save_count(CheckpointHandle checkpoint, out long count, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_save_count(CheckpointHandle checkpoint, out long count, out IntPtr error) =>
            raw_checkpoint_save_count(checkpoint.Open(), out count, out error);

        internal static void ckpt_checkpoint_save_count(CheckpointHandle checkpoint, out long count) =>
            CheckpointException.Check(ckpt_checkpoint_save_count(checkpoint, out count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_write", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_write(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_write(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_checkpoint_write(checkpoint.Open(), prefix, options, out path, out error);

        internal static void ckpt_checkpoint_write(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_checkpoint_write(checkpoint, prefix, options, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_write_numbered", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_write_numbered(CheckpointHandle checkpoint, byte[] prefix, long number, SaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_write_numbered(CheckpointHandle checkpoint, byte[] prefix, long number, SaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_checkpoint_write_numbered(checkpoint.Open(), prefix, number, options, out path, out error);

        internal static void ckpt_checkpoint_write_numbered(CheckpointHandle checkpoint, byte[] prefix, long number, SaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_checkpoint_write_numbered(checkpoint, prefix, number, options, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_save", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_save(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_save(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_checkpoint_save(checkpoint.Open(), prefix, options, out path, out error);

        internal static void ckpt_checkpoint_save(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_checkpoint_save(checkpoint, prefix, options, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_restore", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_restore(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_restore(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out StatusHandle status, out IntPtr error) =>
            raw_checkpoint_restore(checkpoint.Open(), path, options, out status, out error);

        internal static void ckpt_checkpoint_restore(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out StatusHandle status) =>
            CheckpointException.Check(ckpt_checkpoint_restore(checkpoint, path, options, out status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_read", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_read(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_read(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out StatusHandle status, out IntPtr error) =>
            raw_checkpoint_read(checkpoint.Open(), path, options, out status, out error);

        internal static void ckpt_checkpoint_read(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out StatusHandle status) =>
            CheckpointException.Check(ckpt_checkpoint_read(checkpoint, path, options, out status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_restore_nothing", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_restore_nothing(CheckpointHandle checkpoint, out StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_restore_nothing(CheckpointHandle checkpoint, out StatusHandle status, out IntPtr error) =>
            raw_checkpoint_restore_nothing(checkpoint.Open(), out status, out error);

        internal static void ckpt_checkpoint_restore_nothing(CheckpointHandle checkpoint, out StatusHandle status) =>
            CheckpointException.Check(ckpt_checkpoint_restore_nothing(checkpoint, out status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_dry_run", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_dry_run(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out IntPtr report, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_dry_run(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out IntPtr report, out IntPtr error) =>
            raw_checkpoint_dry_run(checkpoint.Open(), path, options, out report, out error);

        internal static void ckpt_checkpoint_dry_run(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out IntPtr report) =>
            CheckpointException.Check(ckpt_checkpoint_dry_run(checkpoint, path, options, out report, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_last_report", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_last_report(CheckpointHandle checkpoint, out IntPtr report, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_last_report(CheckpointHandle checkpoint, out IntPtr report, out IntPtr error) =>
            raw_checkpoint_last_report(checkpoint.Open(), out report, out error);

        internal static void ckpt_checkpoint_last_report(CheckpointHandle checkpoint, out IntPtr report) =>
            CheckpointException.Check(ckpt_checkpoint_last_report(checkpoint, out report, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern SaveOptionsHandle ckpt_save_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_save_options_set_write_options(SaveOptionsHandle options, WriteOptionsHandle writeOptions, out IntPtr error);

        internal static void ckpt_save_options_set_write_options(SaveOptionsHandle options, WriteOptionsHandle writeOptions) =>
            CheckpointException.Check(ckpt_save_options_set_write_options(options, writeOptions, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_save_options_add_callback(SaveOptionsHandle options, WrittenCallback written, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_save_options_add_callback(SaveOptionsHandle options, WrittenCallback written, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_save_options_add_callback(options, written, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_save_options_set_busy(SaveOptionsHandle options, Busy busy, out IntPtr error);

        internal static void ckpt_save_options_set_busy(SaveOptionsHandle options, Busy busy) =>
            CheckpointException.Check(ckpt_save_options_set_busy(options, busy, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_save_options_set_snapshot_limit(SaveOptionsHandle options, ulong bytes, out IntPtr error);

        internal static void ckpt_save_options_set_snapshot_limit(SaveOptionsHandle options, ulong bytes) =>
            CheckpointException.Check(ckpt_save_options_set_snapshot_limit(options, bytes, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_save_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern RestoreOptionsHandle ckpt_restore_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_set_read_options(RestoreOptionsHandle options, ReadOptionsHandle readOptions, out IntPtr error);

        internal static void ckpt_restore_options_set_read_options(RestoreOptionsHandle options, ReadOptionsHandle readOptions) =>
            CheckpointException.Check(ckpt_restore_options_set_read_options(options, readOptions, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_add_include(RestoreOptionsHandle options, byte[] glob, long globLen, out IntPtr error);

        internal static void ckpt_restore_options_add_include(RestoreOptionsHandle options, byte[] glob) =>
            CheckpointException.Check(ckpt_restore_options_add_include(options, glob, glob.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_add_exclude(RestoreOptionsHandle options, byte[] glob, long globLen, out IntPtr error);

        internal static void ckpt_restore_options_add_exclude(RestoreOptionsHandle options, byte[] glob) =>
            CheckpointException.Check(ckpt_restore_options_add_exclude(options, glob, glob.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_add_rename(RestoreOptionsHandle options, byte[] from, long fromLen, byte[] to, long toLen, out IntPtr error);

        internal static void ckpt_restore_options_add_rename(RestoreOptionsHandle options, byte[] from, byte[] to) =>
            CheckpointException.Check(ckpt_restore_options_add_rename(options, from, from.Length, to, to.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_set_on_mismatch(RestoreOptionsHandle options, Mismatch mismatch, out IntPtr error);

        internal static void ckpt_restore_options_set_on_mismatch(RestoreOptionsHandle options, Mismatch mismatch) =>
            CheckpointException.Check(ckpt_restore_options_set_on_mismatch(options, mismatch, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_set_conversion(RestoreOptionsHandle options, Conversion conversion, out IntPtr error);

        internal static void ckpt_restore_options_set_conversion(RestoreOptionsHandle options, Conversion conversion) =>
            CheckpointException.Check(ckpt_restore_options_set_conversion(options, conversion, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_set_skip_slot_variables(RestoreOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool skip, out IntPtr error);

        internal static void ckpt_restore_options_set_skip_slot_variables(RestoreOptionsHandle options, bool skip) =>
            CheckpointException.Check(ckpt_restore_options_set_skip_slot_variables(options, skip, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_set_subtree(RestoreOptionsHandle options, byte[] path, long pathLen, out IntPtr error);

        internal static void ckpt_restore_options_set_subtree(RestoreOptionsHandle options, byte[] path) =>
            CheckpointException.Check(ckpt_restore_options_set_subtree(options, path, path.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_set_verify_first(RestoreOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool verify, out IntPtr error);

        internal static void ckpt_restore_options_set_verify_first(RestoreOptionsHandle options, bool verify) =>
            CheckpointException.Check(ckpt_restore_options_set_verify_first(options, verify, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_restore_options_set_cancel", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_restore_options_set_cancel(RestoreOptionsHandle options, CancelHandle cancel, out IntPtr error);

        internal static ErrorCode ckpt_restore_options_set_cancel(RestoreOptionsHandle options, CancelHandle cancel, out IntPtr error) =>
            raw_restore_options_set_cancel(options, cancel.Open(), out error);

        internal static void ckpt_restore_options_set_cancel(RestoreOptionsHandle options, CancelHandle cancel) =>
            CheckpointException.Check(ckpt_restore_options_set_cancel(options, cancel, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_restore_options_set_log(RestoreOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_restore_options_set_log(RestoreOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_restore_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_restore_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_report_count(IntPtr report);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_report_count_of(IntPtr report, RowState state);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_report_get(IntPtr report, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_report_summary(IntPtr report);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_report_table(IntPtr report);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_report_json(IntPtr report);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_report_free(IntPtr report);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_report_row_path(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_report_row_key(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern RowState ckpt_report_row_state(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern DType ckpt_report_row_saved_dtype(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern int ckpt_report_row_saved_rank(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_report_row_saved_shape(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern DType ckpt_report_row_program_dtype(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern int ckpt_report_row_program_rank(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_report_row_program_shape(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_report_row_program_slice(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Node ckpt_report_row_node(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_report_row_saved_node(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_report_row_candidate(IntPtr row);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_report_row_detail(IntPtr row);

        [DllImport(Name, EntryPoint = "ckpt_status_kind", CallingConvention = CallingConvention.Cdecl)]
        private static extern RestoreKind raw_status_kind(StatusHandle status);

        internal static RestoreKind ckpt_status_kind(StatusHandle status) =>
            raw_status_kind(status.Open());

        [DllImport(Name, EntryPoint = "ckpt_status_path", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_status_path(StatusHandle status);

        internal static Bytes ckpt_status_path(StatusHandle status) =>
            raw_status_path(status.Open());

        [DllImport(Name, EntryPoint = "ckpt_status_assert_consumed", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_status_assert_consumed(StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_status_assert_consumed(StatusHandle status, out IntPtr error) =>
            raw_status_assert_consumed(status.Open(), out error);

        internal static void ckpt_status_assert_consumed(StatusHandle status) =>
            CheckpointException.Check(ckpt_status_assert_consumed(status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_status_assert_existing_objects_matched", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_status_assert_existing_objects_matched(StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_status_assert_existing_objects_matched(StatusHandle status, out IntPtr error) =>
            raw_status_assert_existing_objects_matched(status.Open(), out error);

        internal static void ckpt_status_assert_existing_objects_matched(StatusHandle status) =>
            CheckpointException.Check(ckpt_status_assert_existing_objects_matched(status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_status_assert_rest_matched", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_status_assert_rest_matched(StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_status_assert_rest_matched(StatusHandle status, out IntPtr error) =>
            raw_status_assert_rest_matched(status.Open(), out error);

        internal static void ckpt_status_assert_rest_matched(StatusHandle status) =>
            CheckpointException.Check(ckpt_status_assert_rest_matched(status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_status_assert_nontrivial_match", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_status_assert_nontrivial_match(StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_status_assert_nontrivial_match(StatusHandle status, out IntPtr error) =>
            raw_status_assert_nontrivial_match(status.Open(), out error);

        internal static void ckpt_status_assert_nontrivial_match(StatusHandle status) =>
            CheckpointException.Check(ckpt_status_assert_nontrivial_match(status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_status_expect_partial", CallingConvention = CallingConvention.Cdecl)]
        private static extern void raw_status_expect_partial(StatusHandle status);

        internal static void ckpt_status_expect_partial(StatusHandle status) =>
            raw_status_expect_partial(status.Open());

        [DllImport(Name, EntryPoint = "ckpt_status_run_restore_ops", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_status_run_restore_ops(StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_status_run_restore_ops(StatusHandle status, out IntPtr error) =>
            raw_status_run_restore_ops(status.Open(), out error);

        internal static void ckpt_status_run_restore_ops(StatusHandle status) =>
            CheckpointException.Check(ckpt_status_run_restore_ops(status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_status_initialize_or_restore", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_status_initialize_or_restore(StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_status_initialize_or_restore(StatusHandle status, out IntPtr error) =>
            raw_status_initialize_or_restore(status.Open(), out error);

        internal static void ckpt_status_initialize_or_restore(StatusHandle status) =>
            CheckpointException.Check(ckpt_status_initialize_or_restore(status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_status_report", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_status_report(StatusHandle status, out IntPtr report, out IntPtr error);

        internal static ErrorCode ckpt_status_report(StatusHandle status, out IntPtr report, out IntPtr error) =>
            raw_status_report(status.Open(), out report, out error);

        internal static void ckpt_status_report(StatusHandle status, out IntPtr report) =>
            CheckpointException.Check(ckpt_status_report(status, out report, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_status_drop", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_status_drop(StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_status_drop(StatusHandle status, out IntPtr error) =>
            raw_status_drop(status.Open(), out error);

        internal static void ckpt_status_drop(StatusHandle status) =>
            CheckpointException.Check(ckpt_status_drop(status, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_status_free(IntPtr status);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern SaverOptionsHandle ckpt_saver_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_max_to_keep(SaverOptionsHandle options, long count, out IntPtr error);

        internal static void ckpt_saver_options_set_max_to_keep(SaverOptionsHandle options, long count) =>
            CheckpointException.Check(ckpt_saver_options_set_max_to_keep(options, count, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_keep_checkpoint_every_n_hours(SaverOptionsHandle options, double hours, out IntPtr error);

        internal static void ckpt_saver_options_set_keep_checkpoint_every_n_hours(SaverOptionsHandle options, double hours) =>
            CheckpointException.Check(ckpt_saver_options_set_keep_checkpoint_every_n_hours(options, hours, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_pad_step_number(SaverOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool pad, out IntPtr error);

        internal static void ckpt_saver_options_set_pad_step_number(SaverOptionsHandle options, bool pad) =>
            CheckpointException.Check(ckpt_saver_options_set_pad_step_number(options, pad, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_save_relative_paths(SaverOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool relative, out IntPtr error);

        internal static void ckpt_saver_options_set_save_relative_paths(SaverOptionsHandle options, bool relative) =>
            CheckpointException.Check(ckpt_saver_options_set_save_relative_paths(options, relative, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_log(SaverOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_saver_options_set_log(SaverOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_saver_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_reshape(SaverOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool reshape, out IntPtr error);

        internal static void ckpt_saver_options_set_reshape(SaverOptionsHandle options, bool reshape) =>
            CheckpointException.Check(ckpt_saver_options_set_reshape(options, reshape, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_restore_only(SaverOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool only, out IntPtr error);

        internal static void ckpt_saver_options_set_restore_only(SaverOptionsHandle options, bool only) =>
            CheckpointException.Check(ckpt_saver_options_set_restore_only(options, only, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_clock(SaverOptionsHandle options, NowCallback now, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_saver_options_set_clock(SaverOptionsHandle options, NowCallback now, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_saver_options_set_clock(options, now, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_locking(SaverOptionsHandle options, Locking locking, out IntPtr error);

        internal static void ckpt_saver_options_set_locking(SaverOptionsHandle options, Locking locking) =>
            CheckpointException.Check(ckpt_saver_options_set_locking(options, locking, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_options_set_lock_wait(SaverOptionsHandle options, double seconds, out IntPtr error);

        internal static void ckpt_saver_options_set_lock_wait(SaverOptionsHandle options, double seconds) =>
            CheckpointException.Check(ckpt_saver_options_set_lock_wait(options, seconds, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_saver_options_free(IntPtr options);

        [DllImport(Name, EntryPoint = "ckpt_saver_new", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_new(GraphHandle graph, Bytes[] names, Node[] nodes, long count, SaverOptionsHandle options, out SaverHandle saver, out IntPtr error);

        internal static ErrorCode ckpt_saver_new(GraphHandle graph, Bytes[] names, Node[] nodes, long count, SaverOptionsHandle options, out SaverHandle saver, out IntPtr error) =>
            raw_saver_new(graph.Open(), names, nodes, count, options, out saver, out error);

        internal static void ckpt_saver_new(GraphHandle graph, Bytes[] names, Node[] nodes, long count, SaverOptionsHandle options, out SaverHandle saver) =>
            CheckpointException.Check(ckpt_saver_new(graph, names, nodes, count, options, out saver, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_saver_new_of_variables", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_new_of_variables(GraphHandle graph, Node[] nodes, long count, SaverOptionsHandle options, out SaverHandle saver, out IntPtr error);

        internal static ErrorCode ckpt_saver_new_of_variables(GraphHandle graph, Node[] nodes, long count, SaverOptionsHandle options, out SaverHandle saver, out IntPtr error) =>
            raw_saver_new_of_variables(graph.Open(), nodes, count, options, out saver, out error);

        internal static void ckpt_saver_new_of_variables(GraphHandle graph, Node[] nodes, long count, SaverOptionsHandle options, out SaverHandle saver) =>
            CheckpointException.Check(ckpt_saver_new_of_variables(graph, nodes, count, options, out saver, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_saver_new_of_root", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_new_of_root(GraphHandle graph, Node root, SaverOptionsHandle options, out SaverHandle saver, out IntPtr error);

        internal static ErrorCode ckpt_saver_new_of_root(GraphHandle graph, Node root, SaverOptionsHandle options, out SaverHandle saver, out IntPtr error) =>
            raw_saver_new_of_root(graph.Open(), root, options, out saver, out error);

        internal static void ckpt_saver_new_of_root(GraphHandle graph, Node root, SaverOptionsHandle options, out SaverHandle saver) =>
            CheckpointException.Check(ckpt_saver_new_of_root(graph, root, options, out saver, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_saver_free(IntPtr saver);

        [DllImport(Name, EntryPoint = "ckpt_saver_names", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_names(SaverHandle saver, out IntPtr names, out IntPtr error);

        internal static ErrorCode ckpt_saver_names(SaverHandle saver, out IntPtr names, out IntPtr error) =>
            raw_saver_names(saver.Open(), out names, out error);

        internal static void ckpt_saver_names(SaverHandle saver, out IntPtr names) =>
            CheckpointException.Check(ckpt_saver_names(saver, out names, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern SaverSaveOptionsHandle ckpt_saver_save_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_save_options_set_global_step(SaverSaveOptionsHandle options, long step, out IntPtr error);

        internal static void ckpt_saver_save_options_set_global_step(SaverSaveOptionsHandle options, long step) =>
            CheckpointException.Check(ckpt_saver_save_options_set_global_step(options, step, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_save_options_set_global_step_of(SaverSaveOptionsHandle options, Node step, out IntPtr error);

        internal static void ckpt_saver_save_options_set_global_step_of(SaverSaveOptionsHandle options, Node step) =>
            CheckpointException.Check(ckpt_saver_save_options_set_global_step_of(options, step, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_save_options_set_latest_filename(SaverSaveOptionsHandle options, byte[] name, out IntPtr error);

        internal static void ckpt_saver_save_options_set_latest_filename(SaverSaveOptionsHandle options, byte[] name) =>
            CheckpointException.Check(ckpt_saver_save_options_set_latest_filename(options, name, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_save_options_set_write_state(SaverSaveOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool write, out IntPtr error);

        internal static void ckpt_saver_save_options_set_write_state(SaverSaveOptionsHandle options, bool write) =>
            CheckpointException.Check(ckpt_saver_save_options_set_write_state(options, write, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_saver_save_options_set_save_options(SaverSaveOptionsHandle options, SaveOptionsHandle saveOptions, out IntPtr error);

        internal static void ckpt_saver_save_options_set_save_options(SaverSaveOptionsHandle options, SaveOptionsHandle saveOptions) =>
            CheckpointException.Check(ckpt_saver_save_options_set_save_options(options, saveOptions, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_saver_save_options_free(IntPtr options);

        [DllImport(Name, EntryPoint = "ckpt_saver_save", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_save(SaverHandle saver, byte[] prefix, SaverSaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_saver_save(SaverHandle saver, byte[] prefix, SaverSaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_saver_save(saver.Open(), prefix, options, out path, out error);

        internal static void ckpt_saver_save(SaverHandle saver, byte[] prefix, SaverSaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_saver_save(saver, prefix, options, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_saver_restore", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_restore(SaverHandle saver, byte[] path, RestoreOptionsHandle options, out IntPtr report, out IntPtr error);

        internal static ErrorCode ckpt_saver_restore(SaverHandle saver, byte[] path, RestoreOptionsHandle options, out IntPtr report, out IntPtr error) =>
            raw_saver_restore(saver.Open(), path, options, out report, out error);

        internal static void ckpt_saver_restore(SaverHandle saver, byte[] path, RestoreOptionsHandle options, out IntPtr report) =>
            CheckpointException.Check(ckpt_saver_restore(saver, path, options, out report, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_saver_last_report", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_last_report(SaverHandle saver, out IntPtr report, out IntPtr error);

        internal static ErrorCode ckpt_saver_last_report(SaverHandle saver, out IntPtr report, out IntPtr error) =>
            raw_saver_last_report(saver.Open(), out report, out error);

        internal static void ckpt_saver_last_report(SaverHandle saver, out IntPtr report) =>
            CheckpointException.Check(ckpt_saver_last_report(saver, out report, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_saver_last_checkpoints", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_last_checkpoints(SaverHandle saver, out IntPtr paths, out IntPtr error);

        internal static ErrorCode ckpt_saver_last_checkpoints(SaverHandle saver, out IntPtr paths, out IntPtr error) =>
            raw_saver_last_checkpoints(saver.Open(), out paths, out error);

        internal static void ckpt_saver_last_checkpoints(SaverHandle saver, out IntPtr paths) =>
            CheckpointException.Check(ckpt_saver_last_checkpoints(saver, out paths, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_saver_set_last_checkpoints", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_set_last_checkpoints(SaverHandle saver, Bytes[] paths, double[] times, long count, out IntPtr error);

        internal static ErrorCode ckpt_saver_set_last_checkpoints(SaverHandle saver, Bytes[] paths, double[] times, long count, out IntPtr error) =>
            raw_saver_set_last_checkpoints(saver.Open(), paths, times, count, out error);

        internal static void ckpt_saver_set_last_checkpoints(SaverHandle saver, Bytes[] paths, double[] times, long count) =>
            CheckpointException.Check(ckpt_saver_set_last_checkpoints(saver, paths, times, count, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_saver_recover_last_checkpoints", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_saver_recover_last_checkpoints(SaverHandle saver, Bytes[] paths, long count, out IntPtr error);

        internal static ErrorCode ckpt_saver_recover_last_checkpoints(SaverHandle saver, Bytes[] paths, long count, out IntPtr error) =>
            raw_saver_recover_last_checkpoints(saver.Open(), paths, count, out error);

        internal static void ckpt_saver_recover_last_checkpoints(SaverHandle saver, Bytes[] paths, long count) =>
            CheckpointException.Check(ckpt_saver_recover_last_checkpoints(saver, paths, count, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_checkpoint_view_open(byte[] path, OpenOptionsHandle options, out CheckpointViewHandle view, out IntPtr error);

        internal static void ckpt_checkpoint_view_open(byte[] path, OpenOptionsHandle options, out CheckpointViewHandle view) =>
            CheckpointException.Check(ckpt_checkpoint_view_open(path, options, out view, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_checkpoint_view_free(IntPtr view);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_view_prefix", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_checkpoint_view_prefix(CheckpointViewHandle view);

        internal static Bytes ckpt_checkpoint_view_prefix(CheckpointViewHandle view) =>
            raw_checkpoint_view_prefix(view.Open());

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_view_object_graph", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_view_object_graph(CheckpointViewHandle view, out IntPtr graph, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_view_object_graph(CheckpointViewHandle view, out IntPtr graph, out IntPtr error) =>
            raw_checkpoint_view_object_graph(view.Open(), out graph, out error);

        internal static void ckpt_checkpoint_view_object_graph(CheckpointViewHandle view, out IntPtr graph) =>
            CheckpointException.Check(ckpt_checkpoint_view_object_graph(view, out graph, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_view_descendant_count", CallingConvention = CallingConvention.Cdecl)]
        private static extern long raw_checkpoint_view_descendant_count(CheckpointViewHandle view);

        internal static long ckpt_checkpoint_view_descendant_count(CheckpointViewHandle view) =>
            raw_checkpoint_view_descendant_count(view.Open());

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_view_descendant", CallingConvention = CallingConvention.Cdecl)]
        private static extern long raw_checkpoint_view_descendant(CheckpointViewHandle view, long index);

        internal static long ckpt_checkpoint_view_descendant(CheckpointViewHandle view, long index) =>
            raw_checkpoint_view_descendant(view.Open(), index);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_view_descendant_path", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_checkpoint_view_descendant_path(CheckpointViewHandle view, long index);

        internal static Bytes ckpt_checkpoint_view_descendant_path(CheckpointViewHandle view, long index) =>
            raw_checkpoint_view_descendant_path(view.Open(), index);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_view_diff", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_view_diff(CheckpointViewHandle view, GraphHandle graph, Node root, out IntPtr diff, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_view_diff(CheckpointViewHandle view, GraphHandle graph, Node root, out IntPtr diff, out IntPtr error) =>
            raw_checkpoint_view_diff(view.Open(), graph.Open(), root, out diff, out error);

        internal static void ckpt_checkpoint_view_diff(CheckpointViewHandle view, GraphHandle graph, Node root, out IntPtr diff) =>
            CheckpointException.Check(ckpt_checkpoint_view_diff(view, graph, root, out diff, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_view_diff_checkpoint", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_view_diff_checkpoint(CheckpointViewHandle view, CheckpointHandle checkpoint, out IntPtr diff, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_view_diff_checkpoint(CheckpointViewHandle view, CheckpointHandle checkpoint, out IntPtr diff, out IntPtr error) =>
            raw_checkpoint_view_diff_checkpoint(view.Open(), checkpoint.Open(), out diff, out error);

        internal static void ckpt_checkpoint_view_diff_checkpoint(CheckpointViewHandle view, CheckpointHandle checkpoint, out IntPtr diff) =>
            CheckpointException.Check(ckpt_checkpoint_view_diff_checkpoint(view, checkpoint, out diff, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_comparison_free(IntPtr diff);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_comparison_match_count(IntPtr diff);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_comparison_match_node(IntPtr diff, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Node ckpt_comparison_match_object(IntPtr diff, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_comparison_checkpoint_only_count(IntPtr diff);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_comparison_checkpoint_only_node(IntPtr diff, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_comparison_program_only_count(IntPtr diff);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Node ckpt_comparison_program_only_object(IntPtr diff, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_comparison_warning_count(IntPtr diff);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_comparison_warning(IntPtr diff, long index);

        [DllImport(Name, EntryPoint = "ckpt_restore_nodes", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_restore_nodes(GraphHandle graph, byte[] path, uint[] ids, Node[] objects, long count, RestoreOptionsHandle options, out IntPtr error);

        internal static ErrorCode ckpt_restore_nodes(GraphHandle graph, byte[] path, uint[] ids, Node[] objects, long count, RestoreOptionsHandle options, out IntPtr error) =>
            raw_restore_nodes(graph.Open(), path, ids, objects, count, options, out error);

        internal static void ckpt_restore_nodes(GraphHandle graph, byte[] path, uint[] ids, Node[] objects, long count, RestoreOptionsHandle options) =>
            CheckpointException.Check(ckpt_restore_nodes(graph, path, ids, objects, count, options, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_open", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_open(CheckpointHandle checkpoint, byte[] directory, ManagerOptionsHandle options, out ManagerHandle manager, out IntPtr error);

        internal static ErrorCode ckpt_manager_open(CheckpointHandle checkpoint, byte[] directory, ManagerOptionsHandle options, out ManagerHandle manager, out IntPtr error) =>
            raw_manager_open(checkpoint.Open(), directory, options, out manager, out error);

        internal static void ckpt_manager_open(CheckpointHandle checkpoint, byte[] directory, ManagerOptionsHandle options, out ManagerHandle manager) =>
            CheckpointException.Check(ckpt_manager_open(checkpoint, directory, options, out manager, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_manager_free(IntPtr manager);

        [DllImport(Name, EntryPoint = "ckpt_manager_checkpoint", CallingConvention = CallingConvention.Cdecl)]
        private static extern CheckpointHandle raw_manager_checkpoint(ManagerHandle manager);

        internal static CheckpointHandle ckpt_manager_checkpoint(ManagerHandle manager) =>
            raw_manager_checkpoint(manager.Open());

        [DllImport(Name, EntryPoint = "ckpt_manager_directory", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_manager_directory(ManagerHandle manager);

        internal static Bytes ckpt_manager_directory(ManagerHandle manager) =>
            raw_manager_directory(manager.Open());

        [DllImport(Name, EntryPoint = "ckpt_manager_checkpoint_interval", CallingConvention = CallingConvention.Cdecl)]
        [return: MarshalAs(UnmanagedType.I1)]
        private static extern bool raw_manager_checkpoint_interval(ManagerHandle manager, out long steps);

        internal static bool ckpt_manager_checkpoint_interval(ManagerHandle manager, out long steps) =>
            raw_manager_checkpoint_interval(manager.Open(), out steps);

        [DllImport(Name, EntryPoint = "ckpt_manager_latest_checkpoint", CallingConvention = CallingConvention.Cdecl)]
        private static extern IntPtr raw_manager_latest_checkpoint(ManagerHandle manager);

        internal static IntPtr ckpt_manager_latest_checkpoint(ManagerHandle manager) =>
            raw_manager_latest_checkpoint(manager.Open());

        [DllImport(Name, EntryPoint = "ckpt_manager_checkpoints", CallingConvention = CallingConvention.Cdecl)]
        private static extern IntPtr raw_manager_checkpoints(ManagerHandle manager);

        internal static IntPtr ckpt_manager_checkpoints(ManagerHandle manager) =>
            raw_manager_checkpoints(manager.Open());

        [DllImport(Name, EntryPoint = "ckpt_manager_best_checkpoints", CallingConvention = CallingConvention.Cdecl)]
        private static extern IntPtr raw_manager_best_checkpoints(ManagerHandle manager);

        internal static IntPtr ckpt_manager_best_checkpoints(ManagerHandle manager) =>
            raw_manager_best_checkpoints(manager.Open());

        [DllImport(Name, EntryPoint = "ckpt_manager_metric", CallingConvention = CallingConvention.Cdecl)]
        private static extern double raw_manager_metric(ManagerHandle manager, byte[] path, long pathLen);

        internal static double ckpt_manager_metric(ManagerHandle manager, byte[] path, long pathLen) =>
            raw_manager_metric(manager.Open(), path, pathLen);

        [DllImport(Name, EntryPoint = "ckpt_manager_save", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_save(ManagerHandle manager, ManagerSaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_manager_save(ManagerHandle manager, ManagerSaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_manager_save(manager.Open(), options, out path, out error);

        internal static void ckpt_manager_save(ManagerHandle manager, ManagerSaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_manager_save(manager, options, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_restore_or_initialize", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_restore_or_initialize(ManagerHandle manager, ResumeOptionsHandle options, out IntPtr path, out StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_manager_restore_or_initialize(ManagerHandle manager, ResumeOptionsHandle options, out IntPtr path, out StatusHandle status, out IntPtr error) =>
            raw_manager_restore_or_initialize(manager.Open(), options, out path, out status, out error);

        internal static void ckpt_manager_restore_or_initialize(ManagerHandle manager, ResumeOptionsHandle options, out IntPtr path, out StatusHandle status) =>
            CheckpointException.Check(ckpt_manager_restore_or_initialize(manager, options, out path, out status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_latest_valid", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_latest_valid(ManagerHandle manager, out IntPtr path, out IntPtr broken, out IntPtr error);

        internal static ErrorCode ckpt_manager_latest_valid(ManagerHandle manager, out IntPtr path, out IntPtr broken, out IntPtr error) =>
            raw_manager_latest_valid(manager.Open(), out path, out broken, out error);

        internal static void ckpt_manager_latest_valid(ManagerHandle manager, out IntPtr path, out IntPtr broken) =>
            CheckpointException.Check(ckpt_manager_latest_valid(manager, out path, out broken, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ManagerOptionsHandle ckpt_manager_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_max_to_keep(ManagerOptionsHandle options, long count, out IntPtr error);

        internal static void ckpt_manager_options_set_max_to_keep(ManagerOptionsHandle options, long count) =>
            CheckpointException.Check(ckpt_manager_options_set_max_to_keep(options, count, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_keep_checkpoint_every_n_hours(ManagerOptionsHandle options, double hours, out IntPtr error);

        internal static void ckpt_manager_options_set_keep_checkpoint_every_n_hours(ManagerOptionsHandle options, double hours) =>
            CheckpointException.Check(ckpt_manager_options_set_keep_checkpoint_every_n_hours(options, hours, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_keep_best(ManagerOptionsHandle options, long count, Better better, out IntPtr error);

        internal static void ckpt_manager_options_set_keep_best(ManagerOptionsHandle options, long count, Better better) =>
            CheckpointException.Check(ckpt_manager_options_set_keep_best(options, count, better, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_checkpoint_name(ManagerOptionsHandle options, byte[] name, long nameLen, out IntPtr error);

        internal static void ckpt_manager_options_set_checkpoint_name(ManagerOptionsHandle options, byte[] name) =>
            CheckpointException.Check(ckpt_manager_options_set_checkpoint_name(options, name, name.Length, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_step_counter(ManagerOptionsHandle options, Node counter, out IntPtr error);

        internal static void ckpt_manager_options_set_step_counter(ManagerOptionsHandle options, Node counter) =>
            CheckpointException.Check(ckpt_manager_options_set_step_counter(options, counter, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_steps_in_calls(ManagerOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool inCalls, out IntPtr error);

        internal static void ckpt_manager_options_set_steps_in_calls(ManagerOptionsHandle options, bool inCalls) =>
            CheckpointException.Check(ckpt_manager_options_set_steps_in_calls(options, inCalls, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_checkpoint_interval(ManagerOptionsHandle options, long steps, out IntPtr error);

        internal static void ckpt_manager_options_set_checkpoint_interval(ManagerOptionsHandle options, long steps) =>
            CheckpointException.Check(ckpt_manager_options_set_checkpoint_interval(options, steps, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_last_checkpoint_step(ManagerOptionsHandle options, long step, out IntPtr error);

        internal static void ckpt_manager_options_set_last_checkpoint_step(ManagerOptionsHandle options, long step) =>
            CheckpointException.Check(ckpt_manager_options_set_last_checkpoint_step(options, step, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_init(ManagerOptionsHandle options, InitCallback init, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_manager_options_set_init(ManagerOptionsHandle options, InitCallback init, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_manager_options_set_init(options, init, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_clock(ManagerOptionsHandle options, NowCallback now, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_manager_options_set_clock(ManagerOptionsHandle options, NowCallback now, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_manager_options_set_clock(options, now, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_locking(ManagerOptionsHandle options, Locking locking, out IntPtr error);

        internal static void ckpt_manager_options_set_locking(ManagerOptionsHandle options, Locking locking) =>
            CheckpointException.Check(ckpt_manager_options_set_locking(options, locking, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_lock_wait(ManagerOptionsHandle options, double seconds, out IntPtr error);

        internal static void ckpt_manager_options_set_lock_wait(ManagerOptionsHandle options, double seconds) =>
            CheckpointException.Check(ckpt_manager_options_set_lock_wait(options, seconds, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_options_set_log(ManagerOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_manager_options_set_log(ManagerOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_manager_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_manager_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ManagerSaveOptionsHandle ckpt_manager_save_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_save_options_set_number(ManagerSaveOptionsHandle options, long number, out IntPtr error);

        internal static void ckpt_manager_save_options_set_number(ManagerSaveOptionsHandle options, long number) =>
            CheckpointException.Check(ckpt_manager_save_options_set_number(options, number, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_save_options_set_number_of(ManagerSaveOptionsHandle options, Node number, out IntPtr error);

        internal static void ckpt_manager_save_options_set_number_of(ManagerSaveOptionsHandle options, Node number) =>
            CheckpointException.Check(ckpt_manager_save_options_set_number_of(options, number, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_save_options_set_check_interval(ManagerSaveOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool check, out IntPtr error);

        internal static void ckpt_manager_save_options_set_check_interval(ManagerSaveOptionsHandle options, bool check) =>
            CheckpointException.Check(ckpt_manager_save_options_set_check_interval(options, check, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_save_options_set_step(ManagerSaveOptionsHandle options, long step, out IntPtr error);

        internal static void ckpt_manager_save_options_set_step(ManagerSaveOptionsHandle options, long step) =>
            CheckpointException.Check(ckpt_manager_save_options_set_step(options, step, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_save_options_set_metric(ManagerSaveOptionsHandle options, double metric, out IntPtr error);

        internal static void ckpt_manager_save_options_set_metric(ManagerSaveOptionsHandle options, double metric) =>
            CheckpointException.Check(ckpt_manager_save_options_set_metric(options, metric, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_save_options_set_metric_of(ManagerSaveOptionsHandle options, Node metric, out IntPtr error);

        internal static void ckpt_manager_save_options_set_metric_of(ManagerSaveOptionsHandle options, Node metric) =>
            CheckpointException.Check(ckpt_manager_save_options_set_metric_of(options, metric, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_manager_save_options_set_save_options(ManagerSaveOptionsHandle options, SaveOptionsHandle saveOptions, out IntPtr error);

        internal static void ckpt_manager_save_options_set_save_options(ManagerSaveOptionsHandle options, SaveOptionsHandle saveOptions) =>
            CheckpointException.Check(ckpt_manager_save_options_set_save_options(options, saveOptions, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_manager_save_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ResumeOptionsHandle ckpt_resume_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_resume_options_set_latest_valid(ResumeOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool latestValid, out IntPtr error);

        internal static void ckpt_resume_options_set_latest_valid(ResumeOptionsHandle options, bool latestValid) =>
            CheckpointException.Check(ckpt_resume_options_set_latest_valid(options, latestValid, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_resume_options_set_step(ResumeOptionsHandle options, long step, out IntPtr error);

        internal static void ckpt_resume_options_set_step(ResumeOptionsHandle options, long step) =>
            CheckpointException.Check(ckpt_resume_options_set_step(options, step, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_resume_options_set_restore_options(ResumeOptionsHandle options, RestoreOptionsHandle restoreOptions, out IntPtr error);

        internal static void ckpt_resume_options_set_restore_options(ResumeOptionsHandle options, RestoreOptionsHandle restoreOptions) =>
            CheckpointException.Check(ckpt_resume_options_set_restore_options(options, restoreOptions, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_resume_options_free(IntPtr options);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_save_async", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_save_async(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_save_async(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out PendingHandle pending, out IntPtr error) =>
            raw_checkpoint_save_async(checkpoint.Open(), prefix, options, out pending, out error);

        internal static void ckpt_checkpoint_save_async(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_checkpoint_save_async(checkpoint, prefix, options, out pending, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_write_async", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_write_async(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_write_async(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out PendingHandle pending, out IntPtr error) =>
            raw_checkpoint_write_async(checkpoint.Open(), prefix, options, out pending, out error);

        internal static void ckpt_checkpoint_write_async(CheckpointHandle checkpoint, byte[] prefix, SaveOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_checkpoint_write_async(checkpoint, prefix, options, out pending, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_sync", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_sync(CheckpointHandle checkpoint, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_sync(CheckpointHandle checkpoint, out IntPtr error) =>
            raw_checkpoint_sync(checkpoint.Open(), out error);

        internal static void ckpt_checkpoint_sync(CheckpointHandle checkpoint) =>
            CheckpointException.Check(ckpt_checkpoint_sync(checkpoint, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_last_failure", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_last_failure(CheckpointHandle checkpoint, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_last_failure(CheckpointHandle checkpoint, out IntPtr error) =>
            raw_checkpoint_last_failure(checkpoint.Open(), out error);

        internal static void ckpt_checkpoint_last_failure(CheckpointHandle checkpoint) =>
            CheckpointException.Check(ckpt_checkpoint_last_failure(checkpoint, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_last_failure", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_last_failure(ManagerHandle manager, out IntPtr error);

        internal static ErrorCode ckpt_manager_last_failure(ManagerHandle manager, out IntPtr error) =>
            raw_manager_last_failure(manager.Open(), out error);

        internal static void ckpt_manager_last_failure(ManagerHandle manager) =>
            CheckpointException.Check(ckpt_manager_last_failure(manager, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_save_async", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_save_async(ManagerHandle manager, ManagerSaveOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static ErrorCode ckpt_manager_save_async(ManagerHandle manager, ManagerSaveOptionsHandle options, out PendingHandle pending, out IntPtr error) =>
            raw_manager_save_async(manager.Open(), options, out pending, out error);

        internal static void ckpt_manager_save_async(ManagerHandle manager, ManagerSaveOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_manager_save_async(manager, options, out pending, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pending_path", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_pending_path(PendingHandle pending);

        internal static Bytes ckpt_pending_path(PendingHandle pending) =>
            raw_pending_path(pending.Open());

        [DllImport(Name, EntryPoint = "ckpt_pending_poll", CallingConvention = CallingConvention.Cdecl)]
        [return: MarshalAs(UnmanagedType.I1)]
        private static extern bool raw_pending_poll(PendingHandle pending, out ulong done, out ulong total);

        internal static bool ckpt_pending_poll(PendingHandle pending, out ulong done, out ulong total) =>
            raw_pending_poll(pending.Open(), out done, out total);

        [DllImport(Name, EntryPoint = "ckpt_pending_wait", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_pending_wait(PendingHandle pending, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_pending_wait(PendingHandle pending, out IntPtr path, out IntPtr error) =>
            raw_pending_wait(pending.Open(), out path, out error);

        internal static void ckpt_pending_wait(PendingHandle pending, out IntPtr path) =>
            CheckpointException.Check(ckpt_pending_wait(pending, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pending_wait_for", CallingConvention = CallingConvention.Cdecl)]
        [return: MarshalAs(UnmanagedType.I1)]
        private static extern bool raw_pending_wait_for(PendingHandle pending, double seconds);

        internal static bool ckpt_pending_wait_for(PendingHandle pending, double seconds) =>
            raw_pending_wait_for(pending.Open(), seconds);

        [DllImport(Name, EntryPoint = "ckpt_pending_notify", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_pending_notify(PendingHandle pending, EndedCallback ended, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static ErrorCode ckpt_pending_notify(PendingHandle pending, EndedCallback ended, IntPtr userData, FreeCallback freeUserData, out IntPtr error) =>
            raw_pending_notify(pending.Open(), ended, userData, freeUserData, out error);

        internal static void ckpt_pending_notify(PendingHandle pending, EndedCallback ended, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_pending_notify(pending, ended, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pending_cancel", CallingConvention = CallingConvention.Cdecl)]
        private static extern void raw_pending_cancel(PendingHandle pending);

        internal static void ckpt_pending_cancel(PendingHandle pending) =>
            raw_pending_cancel(pending.Open());

        [DllImport(Name, EntryPoint = "ckpt_pending_phase", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_pending_phase(PendingHandle pending, Phase phase, out ulong bytes, out double seconds, out IntPtr error);

        internal static ErrorCode ckpt_pending_phase(PendingHandle pending, Phase phase, out ulong bytes, out double seconds, out IntPtr error) =>
            raw_pending_phase(pending.Open(), phase, out bytes, out seconds, out error);

        internal static void ckpt_pending_phase(PendingHandle pending, Phase phase, out ulong bytes, out double seconds) =>
            CheckpointException.Check(ckpt_pending_phase(pending, phase, out bytes, out seconds, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_phase", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_phase(ManagerHandle manager, Phase phase, out ulong bytes, out double seconds, out IntPtr error);

        internal static ErrorCode ckpt_manager_phase(ManagerHandle manager, Phase phase, out ulong bytes, out double seconds, out IntPtr error) =>
            raw_manager_phase(manager.Open(), phase, out bytes, out seconds, out error);

        internal static void ckpt_manager_phase(ManagerHandle manager, Phase phase, out ulong bytes, out double seconds) =>
            CheckpointException.Check(ckpt_manager_phase(manager, phase, out bytes, out seconds, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pending_take_reader", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_pending_take_reader(PendingHandle pending, out ReaderHandle reader, out IntPtr error);

        internal static ErrorCode ckpt_pending_take_reader(PendingHandle pending, out ReaderHandle reader, out IntPtr error) =>
            raw_pending_take_reader(pending.Open(), out reader, out error);

        internal static void ckpt_pending_take_reader(PendingHandle pending, out ReaderHandle reader) =>
            CheckpointException.Check(ckpt_pending_take_reader(pending, out reader, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pending_take_status", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_pending_take_status(PendingHandle pending, out StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_pending_take_status(PendingHandle pending, out StatusHandle status, out IntPtr error) =>
            raw_pending_take_status(pending.Open(), out status, out error);

        internal static void ckpt_pending_take_status(PendingHandle pending, out StatusHandle status) =>
            CheckpointException.Check(ckpt_pending_take_status(pending, out status, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pending_take_verification", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_pending_take_verification(PendingHandle pending, out IntPtr verification, out IntPtr error);

        internal static ErrorCode ckpt_pending_take_verification(PendingHandle pending, out IntPtr verification, out IntPtr error) =>
            raw_pending_take_verification(pending.Open(), out verification, out error);

        internal static void ckpt_pending_take_verification(PendingHandle pending, out IntPtr verification) =>
            CheckpointException.Check(ckpt_pending_take_verification(pending, out verification, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pending_take_valid_checkpoint", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_pending_take_valid_checkpoint(PendingHandle pending, out IntPtr path, out IntPtr broken, out IntPtr error);

        internal static ErrorCode ckpt_pending_take_valid_checkpoint(PendingHandle pending, out IntPtr path, out IntPtr broken, out IntPtr error) =>
            raw_pending_take_valid_checkpoint(pending.Open(), out path, out broken, out error);

        internal static void ckpt_pending_take_valid_checkpoint(PendingHandle pending, out IntPtr path, out IntPtr broken) =>
            CheckpointException.Check(ckpt_pending_take_valid_checkpoint(pending, out path, out broken, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pending_take_resumption", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_pending_take_resumption(PendingHandle pending, out IntPtr path, out StatusHandle status, out IntPtr error);

        internal static ErrorCode ckpt_pending_take_resumption(PendingHandle pending, out IntPtr path, out StatusHandle status, out IntPtr error) =>
            raw_pending_take_resumption(pending.Open(), out path, out status, out error);

        internal static void ckpt_pending_take_resumption(PendingHandle pending, out IntPtr path, out StatusHandle status) =>
            CheckpointException.Check(ckpt_pending_take_resumption(pending, out path, out status, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_pending_free(IntPtr pending);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_reader_open_async(byte[] path, OpenOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static void ckpt_reader_open_async(byte[] path, OpenOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_reader_open_async(path, options, out pending, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_reader_read_many_async", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_reader_read_many_async(ReaderHandle reader, IntPtr[] tensors, long count, ReadOptionsHandle options, IntPtr[] buffers, long[] sizes, out PendingHandle pending, out IntPtr error);

        internal static ErrorCode ckpt_reader_read_many_async(ReaderHandle reader, IntPtr[] tensors, long count, ReadOptionsHandle options, IntPtr[] buffers, long[] sizes, out PendingHandle pending, out IntPtr error) =>
            raw_reader_read_many_async(reader.Open(), tensors, count, options, buffers, sizes, out pending, out error);

        internal static void ckpt_reader_read_many_async(ReaderHandle reader, IntPtr[] tensors, long count, ReadOptionsHandle options, IntPtr[] buffers, long[] sizes, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_reader_read_many_async(reader, tensors, count, options, buffers, sizes, out pending, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_verify_async(byte[] path, VerifyOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static void ckpt_verify_async(byte[] path, VerifyOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_verify_async(path, options, out pending, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_merge_async(byte[] destination, IntPtr[] sections, long count, MergeOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static void ckpt_merge_async(byte[] destination, IntPtr[] sections, long count, MergeOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_merge_async(destination, sections, count, options, out pending, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_latest_valid_checkpoint_async(byte[] directory, VerifyOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static void ckpt_latest_valid_checkpoint_async(byte[] directory, VerifyOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_latest_valid_checkpoint_async(directory, options, out pending, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_restore_async", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_restore_async(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_restore_async(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out PendingHandle pending, out IntPtr error) =>
            raw_checkpoint_restore_async(checkpoint.Open(), path, options, out pending, out error);

        internal static void ckpt_checkpoint_restore_async(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_checkpoint_restore_async(checkpoint, path, options, out pending, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_read_async", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_read_async(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_read_async(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out PendingHandle pending, out IntPtr error) =>
            raw_checkpoint_read_async(checkpoint.Open(), path, options, out pending, out error);

        internal static void ckpt_checkpoint_read_async(CheckpointHandle checkpoint, byte[] path, RestoreOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_checkpoint_read_async(checkpoint, path, options, out pending, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_restore_or_initialize_async", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_restore_or_initialize_async(ManagerHandle manager, ResumeOptionsHandle options, out PendingHandle pending, out IntPtr error);

        internal static ErrorCode ckpt_manager_restore_or_initialize_async(ManagerHandle manager, ResumeOptionsHandle options, out PendingHandle pending, out IntPtr error) =>
            raw_manager_restore_or_initialize_async(manager.Open(), options, out pending, out error);

        internal static void ckpt_manager_restore_or_initialize_async(ManagerHandle manager, ResumeOptionsHandle options, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_manager_restore_or_initialize_async(manager, options, out pending, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_latest_valid_async", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_latest_valid_async(ManagerHandle manager, out PendingHandle pending, out IntPtr error);

        internal static ErrorCode ckpt_manager_latest_valid_async(ManagerHandle manager, out PendingHandle pending, out IntPtr error) =>
            raw_manager_latest_valid_async(manager.Open(), out pending, out error);

        internal static void ckpt_manager_latest_valid_async(ManagerHandle manager, out PendingHandle pending) =>
            CheckpointException.Check(ckpt_manager_latest_valid_async(manager, out pending, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_messages_put(IntPtr messages, uint rank, IntPtr message, long size, out IntPtr error);

        internal static void ckpt_messages_put(IntPtr messages, uint rank, IntPtr message, long size) =>
            CheckpointException.Check(ckpt_messages_put(messages, rank, message, size, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_ranks_new(uint rank, uint count, GatherCallback gather, BroadcastCallback broadcast, IntPtr userData, FreeCallback freeUserData, out RanksHandle ranks, out IntPtr error);

        internal static void ckpt_ranks_new(uint rank, uint count, GatherCallback gather, BroadcastCallback broadcast, IntPtr userData, FreeCallback freeUserData, out RanksHandle ranks) =>
            CheckpointException.Check(ckpt_ranks_new(rank, count, gather, broadcast, userData, freeUserData, out ranks, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_ranks_free(IntPtr ranks);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_write_ranked", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_write_ranked(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_write_ranked(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_checkpoint_write_ranked(checkpoint.Open(), prefix, ranks.Open(), options, out path, out error);

        internal static void ckpt_checkpoint_write_ranked(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_checkpoint_write_ranked(checkpoint, prefix, ranks, options, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_save_ranked", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_save_ranked(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_save_ranked(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_checkpoint_save_ranked(checkpoint.Open(), prefix, ranks.Open(), options, out path, out error);

        internal static void ckpt_checkpoint_save_ranked(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_checkpoint_save_ranked(checkpoint, prefix, ranks, options, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoint_write_section", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoint_write_section(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_checkpoint_write_section(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_checkpoint_write_section(checkpoint.Open(), prefix, ranks.Open(), options, out path, out error);

        internal static void ckpt_checkpoint_write_section(CheckpointHandle checkpoint, byte[] prefix, RanksHandle ranks, SaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_checkpoint_write_section(checkpoint, prefix, ranks, options, out path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_manager_save_ranked", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_manager_save_ranked(ManagerHandle manager, RanksHandle ranks, ManagerSaveOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_manager_save_ranked(ManagerHandle manager, RanksHandle ranks, ManagerSaveOptionsHandle options, out IntPtr path, out IntPtr error) =>
            raw_manager_save_ranked(manager.Open(), ranks.Open(), options, out path, out error);

        internal static void ckpt_manager_save_ranked(ManagerHandle manager, RanksHandle ranks, ManagerSaveOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_manager_save_ranked(manager, ranks, options, out path, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_latest_checkpoint(byte[] directory, OpenOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static void ckpt_latest_checkpoint(byte[] directory, OpenOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_latest_checkpoint(directory, options, out path, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_get_checkpoint_state(byte[] directory, byte[] fileName, OpenOptionsHandle options, out IntPtr state, out IntPtr error);

        internal static void ckpt_get_checkpoint_state(byte[] directory, byte[] fileName, OpenOptionsHandle options, out IntPtr state) =>
            CheckpointException.Check(ckpt_get_checkpoint_state(directory, fileName, options, out state, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_checkpoint_state_latest(IntPtr state);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_checkpoint_state_count(IntPtr state);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_checkpoint_state_path(IntPtr state, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern double ckpt_checkpoint_state_timestamp(IntPtr state, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern double ckpt_checkpoint_state_last_preserved(IntPtr state);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_checkpoint_state_free(IntPtr state);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_state_update_new(byte[] latest, out StateUpdateHandle update, out IntPtr error);

        internal static void ckpt_state_update_new(byte[] latest, out StateUpdateHandle update) =>
            CheckpointException.Check(ckpt_state_update_new(latest, out update, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_state_update_add_path", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_state_update_add_path(StateUpdateHandle update, byte[] path, out IntPtr error);

        internal static ErrorCode ckpt_state_update_add_path(StateUpdateHandle update, byte[] path, out IntPtr error) =>
            raw_state_update_add_path(update.Open(), path, out error);

        internal static void ckpt_state_update_add_path(StateUpdateHandle update, byte[] path) =>
            CheckpointException.Check(ckpt_state_update_add_path(update, path, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_state_update_add_timestamp", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_state_update_add_timestamp(StateUpdateHandle update, double timestamp, out IntPtr error);

        internal static ErrorCode ckpt_state_update_add_timestamp(StateUpdateHandle update, double timestamp, out IntPtr error) =>
            raw_state_update_add_timestamp(update.Open(), timestamp, out error);

        internal static void ckpt_state_update_add_timestamp(StateUpdateHandle update, double timestamp) =>
            CheckpointException.Check(ckpt_state_update_add_timestamp(update, timestamp, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_state_update_set_last_preserved", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_state_update_set_last_preserved(StateUpdateHandle update, double timestamp, out IntPtr error);

        internal static ErrorCode ckpt_state_update_set_last_preserved(StateUpdateHandle update, double timestamp, out IntPtr error) =>
            raw_state_update_set_last_preserved(update.Open(), timestamp, out error);

        internal static void ckpt_state_update_set_last_preserved(StateUpdateHandle update, double timestamp) =>
            CheckpointException.Check(ckpt_state_update_set_last_preserved(update, timestamp, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_state_update_set_file_name", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_state_update_set_file_name(StateUpdateHandle update, byte[] name, out IntPtr error);

        internal static ErrorCode ckpt_state_update_set_file_name(StateUpdateHandle update, byte[] name, out IntPtr error) =>
            raw_state_update_set_file_name(update.Open(), name, out error);

        internal static void ckpt_state_update_set_file_name(StateUpdateHandle update, byte[] name) =>
            CheckpointException.Check(ckpt_state_update_set_file_name(update, name, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_state_update_set_durability", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_state_update_set_durability(StateUpdateHandle update, Durability durability, out IntPtr error);

        internal static ErrorCode ckpt_state_update_set_durability(StateUpdateHandle update, Durability durability, out IntPtr error) =>
            raw_state_update_set_durability(update.Open(), durability, out error);

        internal static void ckpt_state_update_set_durability(StateUpdateHandle update, Durability durability) =>
            CheckpointException.Check(ckpt_state_update_set_durability(update, durability, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_state_update_set_locking", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_state_update_set_locking(StateUpdateHandle update, Locking locking, out IntPtr error);

        internal static ErrorCode ckpt_state_update_set_locking(StateUpdateHandle update, Locking locking, out IntPtr error) =>
            raw_state_update_set_locking(update.Open(), locking, out error);

        internal static void ckpt_state_update_set_locking(StateUpdateHandle update, Locking locking) =>
            CheckpointException.Check(ckpt_state_update_set_locking(update, locking, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_state_update_set_lock_wait", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_state_update_set_lock_wait(StateUpdateHandle update, double seconds, out IntPtr error);

        internal static ErrorCode ckpt_state_update_set_lock_wait(StateUpdateHandle update, double seconds, out IntPtr error) =>
            raw_state_update_set_lock_wait(update.Open(), seconds, out error);

        internal static void ckpt_state_update_set_lock_wait(StateUpdateHandle update, double seconds) =>
            CheckpointException.Check(ckpt_state_update_set_lock_wait(update, seconds, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_state_update_set_log", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_state_update_set_log(StateUpdateHandle update, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static ErrorCode ckpt_state_update_set_log(StateUpdateHandle update, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error) =>
            raw_state_update_set_log(update.Open(), log, userData, freeUserData, out error);

        internal static void ckpt_state_update_set_log(StateUpdateHandle update, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_state_update_set_log(update, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_state_update_free(IntPtr update);

        [DllImport(Name, EntryPoint = "ckpt_update_checkpoint_state", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_update_checkpoint_state(byte[] directory, StateUpdateHandle update, out IntPtr error);

        internal static ErrorCode ckpt_update_checkpoint_state(byte[] directory, StateUpdateHandle update, out IntPtr error) =>
            raw_update_checkpoint_state(directory, update.Open(), out error);

        internal static void ckpt_update_checkpoint_state(byte[] directory, StateUpdateHandle update) =>
            CheckpointException.Check(ckpt_update_checkpoint_state(directory, update, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_checkpoint_exists(byte[] prefix, [MarshalAs(UnmanagedType.I1)] out bool exists, out IntPtr error);

        internal static void ckpt_checkpoint_exists(byte[] prefix, out bool exists) =>
            CheckpointException.Check(ckpt_checkpoint_exists(prefix, out exists, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_checkpoint_mtimes(IntPtr[] prefixes, long count, [In, Out] double[] mtimes, out long found, out IntPtr error);

        internal static void ckpt_checkpoint_mtimes(IntPtr[] prefixes, long count, double[] mtimes, out long found) =>
            CheckpointException.Check(ckpt_checkpoint_mtimes(prefixes, count, mtimes, out found, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern RemoveOptionsHandle ckpt_remove_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_remove_options_set_locking(RemoveOptionsHandle options, Locking locking, out IntPtr error);

        internal static void ckpt_remove_options_set_locking(RemoveOptionsHandle options, Locking locking) =>
            CheckpointException.Check(ckpt_remove_options_set_locking(options, locking, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_remove_options_set_lock_wait(RemoveOptionsHandle options, double seconds, out IntPtr error);

        internal static void ckpt_remove_options_set_lock_wait(RemoveOptionsHandle options, double seconds) =>
            CheckpointException.Check(ckpt_remove_options_set_lock_wait(options, seconds, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_remove_options_set_log(RemoveOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_remove_options_set_log(RemoveOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_remove_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_remove_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_remove_checkpoint(byte[] prefix, RemoveOptionsHandle options, out IntPtr error);

        internal static void ckpt_remove_checkpoint(byte[] prefix, RemoveOptionsHandle options) =>
            CheckpointException.Check(ckpt_remove_checkpoint(prefix, options, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_pin_new(byte[] prefix, out PinHandle pin, out IntPtr error);

        internal static void ckpt_pin_new(byte[] prefix, out PinHandle pin) =>
            CheckpointException.Check(ckpt_pin_new(prefix, out pin, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_pin_latest(byte[] directory, OpenOptionsHandle options, out PinHandle pin, out IntPtr error);

        internal static void ckpt_pin_latest(byte[] directory, OpenOptionsHandle options, out PinHandle pin) =>
            CheckpointException.Check(ckpt_pin_latest(directory, options, out pin, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_pin_prefix", CallingConvention = CallingConvention.Cdecl)]
        private static extern Bytes raw_pin_prefix(PinHandle pin);

        internal static Bytes ckpt_pin_prefix(PinHandle pin) =>
            raw_pin_prefix(pin.Open());

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_pin_free(IntPtr pin);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern WaitOptionsHandle ckpt_wait_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_wait_options_set_timeout(WaitOptionsHandle options, double timeout, out IntPtr error);

        internal static void ckpt_wait_options_set_timeout(WaitOptionsHandle options, double timeout) =>
            CheckpointException.Check(ckpt_wait_options_set_timeout(options, timeout, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_wait_options_set_poll_interval(WaitOptionsHandle options, double interval, out IntPtr error);

        internal static void ckpt_wait_options_set_poll_interval(WaitOptionsHandle options, double interval) =>
            CheckpointException.Check(ckpt_wait_options_set_poll_interval(options, interval, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_wait_options_set_min_interval(WaitOptionsHandle options, double interval, out IntPtr error);

        internal static void ckpt_wait_options_set_min_interval(WaitOptionsHandle options, double interval) =>
            CheckpointException.Check(ckpt_wait_options_set_min_interval(options, interval, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_wait_options_set_clock(WaitOptionsHandle options, NowCallback now, SleepCallback sleep, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_wait_options_set_clock(WaitOptionsHandle options, NowCallback now, SleepCallback sleep, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_wait_options_set_clock(options, now, sleep, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_wait_options_set_cancel", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_wait_options_set_cancel(WaitOptionsHandle options, CancelHandle cancel, out IntPtr error);

        internal static ErrorCode ckpt_wait_options_set_cancel(WaitOptionsHandle options, CancelHandle cancel, out IntPtr error) =>
            raw_wait_options_set_cancel(options, cancel.Open(), out error);

        internal static void ckpt_wait_options_set_cancel(WaitOptionsHandle options, CancelHandle cancel) =>
            CheckpointException.Check(ckpt_wait_options_set_cancel(options, cancel, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_wait_options_set_log(WaitOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_wait_options_set_log(WaitOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_wait_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_wait_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_wait_for_new_checkpoint(byte[] directory, byte[] last, WaitOptionsHandle options, out IntPtr path, out IntPtr error);

        internal static void ckpt_wait_for_new_checkpoint(byte[] directory, byte[] last, WaitOptionsHandle options, out IntPtr path) =>
            CheckpointException.Check(ckpt_wait_for_new_checkpoint(directory, last, options, out path, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_checkpoints_iterator_new(byte[] directory, WaitOptionsHandle options, IsDoneCallback isDone, IntPtr userData, FreeCallback freeUserData, out CheckpointsIteratorHandle iterator, out IntPtr error);

        internal static void ckpt_checkpoints_iterator_new(byte[] directory, WaitOptionsHandle options, IsDoneCallback isDone, IntPtr userData, FreeCallback freeUserData, out CheckpointsIteratorHandle iterator) =>
            CheckpointException.Check(ckpt_checkpoints_iterator_new(directory, options, isDone, userData, freeUserData, out iterator, out IntPtr e), e);

        [DllImport(Name, EntryPoint = "ckpt_checkpoints_iterator_next", CallingConvention = CallingConvention.Cdecl)]
        private static extern ErrorCode raw_checkpoints_iterator_next(CheckpointsIteratorHandle iterator, out IntPtr path, out IntPtr error);

        internal static ErrorCode ckpt_checkpoints_iterator_next(CheckpointsIteratorHandle iterator, out IntPtr path, out IntPtr error) =>
            raw_checkpoints_iterator_next(iterator.Open(), out path, out error);

        internal static void ckpt_checkpoints_iterator_next(CheckpointsIteratorHandle iterator, out IntPtr path) =>
            CheckpointException.Check(ckpt_checkpoints_iterator_next(iterator, out path, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_checkpoints_iterator_free(IntPtr iterator);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_broken_checkpoints_count(IntPtr broken);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_broken_checkpoints_prefix(IntPtr broken, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_broken_checkpoints_problem(IntPtr broken, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Verdict ckpt_broken_checkpoints_verdict(IntPtr broken, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_broken_checkpoints_free(IntPtr broken);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_latest_valid_checkpoint(byte[] directory, VerifyOptionsHandle options, out IntPtr path, out IntPtr broken, out IntPtr error);

        internal static void ckpt_latest_valid_checkpoint(byte[] directory, VerifyOptionsHandle options, out IntPtr path, out IntPtr broken) =>
            CheckpointException.Check(ckpt_latest_valid_checkpoint(directory, options, out path, out broken, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern RepairOptionsHandle ckpt_repair_options_new();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_repair_options_set_verify_options(RepairOptionsHandle options, VerifyOptionsHandle verifyOptions, out IntPtr error);

        internal static void ckpt_repair_options_set_verify_options(RepairOptionsHandle options, VerifyOptionsHandle verifyOptions) =>
            CheckpointException.Check(ckpt_repair_options_set_verify_options(options, verifyOptions, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_repair_options_set_dry_run(RepairOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool dryRun, out IntPtr error);

        internal static void ckpt_repair_options_set_dry_run(RepairOptionsHandle options, bool dryRun) =>
            CheckpointException.Check(ckpt_repair_options_set_dry_run(options, dryRun, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_repair_options_set_locking(RepairOptionsHandle options, Locking locking, out IntPtr error);

        internal static void ckpt_repair_options_set_locking(RepairOptionsHandle options, Locking locking) =>
            CheckpointException.Check(ckpt_repair_options_set_locking(options, locking, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_repair_options_set_lock_wait(RepairOptionsHandle options, double seconds, out IntPtr error);

        internal static void ckpt_repair_options_set_lock_wait(RepairOptionsHandle options, double seconds) =>
            CheckpointException.Check(ckpt_repair_options_set_lock_wait(options, seconds, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_repair_options_set_log(RepairOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_repair_options_set_log(RepairOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_repair_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_repair_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_repair_checkpoint_state(byte[] directory, RepairOptionsHandle options, out IntPtr repaired, out IntPtr error);

        internal static void ckpt_repair_checkpoint_state(byte[] directory, RepairOptionsHandle options, out IntPtr repaired) =>
            CheckpointException.Check(ckpt_repair_checkpoint_state(directory, options, out repaired, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_repaired_state_latest(IntPtr repaired);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_repaired_state_count(IntPtr repaired);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_repaired_state_path(IntPtr repaired, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        [return: MarshalAs(UnmanagedType.I1)]
        internal static extern bool ckpt_repaired_state_is_new(IntPtr repaired);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_repaired_state_broken(IntPtr repaired);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_repaired_state_free(IntPtr repaired);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern CollectOptionsHandle ckpt_collect_options_new(long keep);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_options_set_keep_checkpoint_every_n_hours(CollectOptionsHandle options, double hours, out IntPtr error);

        internal static void ckpt_collect_options_set_keep_checkpoint_every_n_hours(CollectOptionsHandle options, double hours) =>
            CheckpointException.Check(ckpt_collect_options_set_keep_checkpoint_every_n_hours(options, hours, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_options_set_keep_best(CollectOptionsHandle options, long count, Better better, out IntPtr error);

        internal static void ckpt_collect_options_set_keep_best(CollectOptionsHandle options, long count, Better better) =>
            CheckpointException.Check(ckpt_collect_options_set_keep_best(options, count, better, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_options_set_locking(CollectOptionsHandle options, Locking locking, out IntPtr error);

        internal static void ckpt_collect_options_set_locking(CollectOptionsHandle options, Locking locking) =>
            CheckpointException.Check(ckpt_collect_options_set_locking(options, locking, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_options_set_lock_wait(CollectOptionsHandle options, double seconds, out IntPtr error);

        internal static void ckpt_collect_options_set_lock_wait(CollectOptionsHandle options, double seconds) =>
            CheckpointException.Check(ckpt_collect_options_set_lock_wait(options, seconds, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_options_set_older_than(CollectOptionsHandle options, double seconds, out IntPtr error);

        internal static void ckpt_collect_options_set_older_than(CollectOptionsHandle options, double seconds) =>
            CheckpointException.Check(ckpt_collect_options_set_older_than(options, seconds, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_options_set_dry_run(CollectOptionsHandle options, [MarshalAs(UnmanagedType.I1)] bool dryRun, out IntPtr error);

        internal static void ckpt_collect_options_set_dry_run(CollectOptionsHandle options, bool dryRun) =>
            CheckpointException.Check(ckpt_collect_options_set_dry_run(options, dryRun, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_options_set_log(CollectOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData, out IntPtr error);

        internal static void ckpt_collect_options_set_log(CollectOptionsHandle options, LogCallback log, IntPtr userData, FreeCallback freeUserData) =>
            CheckpointException.Check(ckpt_collect_options_set_log(options, log, userData, freeUserData, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_collect_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_checkpoints(byte[] directory, CollectOptionsHandle options, out IntPtr removed, out IntPtr error);

        internal static void ckpt_collect_checkpoints(byte[] directory, CollectOptionsHandle options, out IntPtr removed) =>
            CheckpointException.Check(ckpt_collect_checkpoints(directory, options, out removed, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ErrorCode ckpt_collect_checkpoints_with_details(byte[] directory, CollectOptionsHandle options, out IntPtr collected, out IntPtr error);

        internal static void ckpt_collect_checkpoints_with_details(byte[] directory, CollectOptionsHandle options, out IntPtr collected) =>
            CheckpointException.Check(ckpt_collect_checkpoints_with_details(directory, options, out collected, out IntPtr e), e);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_collected_removed(IntPtr collected);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_collected_kept(IntPtr collected);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_collected_leftovers(IntPtr collected);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_collected_warnings(IntPtr collected);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern long ckpt_collected_failed_count(IntPtr collected);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern Bytes ckpt_collected_failed_prefix(IntPtr collected, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern IntPtr ckpt_collected_failed_problem(IntPtr collected, long index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ckpt_collected_free(IntPtr collected);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl)]
        internal static extern ulong ckpt_live_handles();
    }
}
