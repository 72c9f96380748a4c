using System;
using System.Buffers;
using System.Runtime.InteropServices;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>A pointer that the library lends for the time of a callback.</summary>
    internal sealed class LentPointer
    {
        private readonly string late;
        private IntPtr pointer;

        /// <param name="pointer">What is lent.</param>
        /// <param name="late">What is said to who uses it later.</param>
        internal LentPointer(IntPtr pointer, string late)
        {
            this.pointer = pointer;
            this.late = late;
        }

        internal IntPtr Pointer()
        {
            if (pointer == IntPtr.Zero)
            {
                throw new InvalidOperationException(late);
            }
            return pointer;
        }

        internal void During(Action use)
        {
            try
            {
                use();
            }
            finally
            {
                pointer = IntPtr.Zero;
            }
        }
    }

    /// <summary>Fills a buffer with bytes of a value, row-major and in native byte order, from byte
    /// <paramref name="offset"/> on.</summary>
    /// <param name="offset">Where in the value the bytes begin.</param>
    /// <param name="buffer">To be filled whole; not to be used after the call.</param>
    public delegate void ReadBytes(long offset, Span<byte> buffer);

    /// <summary>Takes bytes of a value, row-major and in native byte order, from byte <paramref
    /// name="offset"/> on.</summary>
    /// <param name="offset">Where in the value the bytes begin.</param>
    /// <param name="data">The bytes; not to be used after the call.</param>
    public delegate void WriteBytes(long offset, ReadOnlySpan<byte> data);

    /// <summary>Uses bytes that are lent for the call.</summary>
    public delegate void UseBytes(Span<byte> bytes);

    /// <summary>Looks at bytes that are lent for the call.</summary>
    public delegate void UseReadOnlyBytes(ReadOnlySpan<byte> bytes);

    /// <summary>An object of the program's that the library keeps, under a number, until it
    /// releases it.</summary>
    internal sealed class CallbackValue
    {
        private static long count;

        private MemoryHandle memory;

        private CallbackValue(object value)
        {
            Value = value;
        }

        internal static long Count => Interlocked.Read(ref count);

        internal object Value { get; }

        /// <summary>
        /// The number of an object, for a call that releases it also when it fails. What the call
        /// is made with has to be held by then: a call that the runtime refuses would release
        /// nothing.
        /// </summary>
        internal static IntPtr Give(object value) => Give(new CallbackValue(value));

        /// <summary>The same of memory, which stays where it is until it is released.</summary>
        internal static IntPtr Pin<T>(Memory<T> memory, out IntPtr data)
        {
            var kept = new CallbackValue(null) { memory = memory.Pin() };
            unsafe
            {
                data = (IntPtr)kept.memory.Pointer;
            }
            return Give(kept);
        }

        /// <summary>The same of an array of any rank.</summary>
        internal static unsafe IntPtr Pin(Array array, out IntPtr data)
        {
            GCHandle handle = GCHandle.Alloc(array, GCHandleType.Pinned);
            data = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
            return Give(new CallbackValue(null) { memory = new MemoryHandle((void*)data, handle) });
        }

        internal static CallbackValue Of(IntPtr number) => (CallbackValue)GCHandle.FromIntPtr(number).Target;

        internal static T Of<T>(IntPtr number) => (T)Of(number).Value;

        internal static void Release(IntPtr number)
        {
            GCHandle handle = GCHandle.FromIntPtr(number);
            var kept = (CallbackValue)handle.Target;
            kept.memory.Dispose();
            handle.Free();
            Interlocked.Decrement(ref count);
            (kept.Value as Ending)?.Released();
        }

        /// <summary>Runs a callback of the program's: what it throws becomes the text of the
        /// library's error, and its cause.</summary>
        internal static ErrorCode Guard<T>(IntPtr number, IntPtr failure, Action<T> callback)
        {
            CallbackValue kept = Of(number);
            try
            {
                callback((T)kept.Value);
                return ErrorCode.Ok;
            }
            catch (Exception e)
            {
                NativeMethods.ckpt_failure_set_cause(failure, Give(e), Callbacks.Release);
                byte[] text = System.Text.Encoding.UTF8.GetBytes(SaidBy(e));
                NativeMethods.ckpt_failure_set(failure, text, text.Length);
                var own = e as CheckpointException;
                return own != null && own.Code != ErrorCode.Ok ? own.Code : ErrorCode.Aborted;
            }
        }

        // The text of an exception is the program's code too, and nothing may leave from here.
        private static string SaidBy(Exception e)
        {
            try
            {
                return Callbacks.TextOf(e);
            }
            catch (Exception)
            {
                return e.GetType().FullName;
            }
        }

        private static IntPtr Give(CallbackValue kept)
        {
            Interlocked.Increment(ref count);
            return GCHandle.ToIntPtr(GCHandle.Alloc(kept));
        }
    }

    /// <summary>
    /// What the library calls. The delegates live as long as the program, so that the garbage
    /// collector never takes one that the library holds; none lets an exception out.
    /// </summary>
    internal static class Callbacks
    {
        internal static readonly FreeCallback Release = CallbackValue.Release;
        internal static readonly ProgressCallback Progress = OnProgress;
        internal static readonly WrittenCallback Written = OnWritten;
        internal static readonly LogCallback Log = OnLog;
        internal static readonly ReadCallback Read = OnRead;
        internal static readonly ReadCallback DeviceRead = OnDeviceRead;
        internal static readonly DescribeCallback Describe = OnDescribe;
        internal static readonly PrepareCallback Prepare = OnPrepare;
        internal static readonly WriteAtCallback WriteAt = OnWriteAt;
        internal static readonly FinishCallback Finish = OnFinish;
        internal static readonly SaveCallback Save = OnSave;
        internal static readonly RestoreCallback Restore = OnRestore;
        internal static readonly CreateSlotCallback CreateSlot = OnCreateSlot;
        internal static readonly AcceptsCallback Accepts = OnAccepts;
        internal static readonly SaveObjectsCallback SaveObjects = OnSaveObjects;
        internal static readonly WantsCallback Wants = OnWants;
        internal static readonly RestoreObjectsCallback RestoreObjects = OnRestoreObjects;
        internal static readonly InitCallback Init = OnInit;
        internal static readonly NowCallback Now = OnNow;
        internal static readonly SleepCallback Sleep = OnSleep;
        internal static readonly IsDoneCallback IsDone = OnIsDone;
        internal static readonly EndedCallback Ended = OnEnded;
        internal static readonly GatherCallback Gather = OnGather;
        internal static readonly BroadcastCallback Broadcast = OnBroadcast;

        /// <summary>What the library's error says of an exception.</summary>
        internal static string TextOf(Exception e) =>
            e is CheckpointException ? e.Message : e.GetType().Name + ": " + e.Message;

        private static void OnEnded(IntPtr data) => CallbackValue.Of<Ending>(data).IsOver = true;

        private static ErrorCode OnProgress(IntPtr data, ulong done, ulong total)
        {
            var cancellation = CallbackValue.Of<Cancellation>(data);
            try
            {
                cancellation.Progress((long)done, (long)total);
                return ErrorCode.Ok;
            }
            catch (Exception e)
            {
                cancellation.Stopped = e;
                return ErrorCode.Cancelled;
            }
        }

        private static ErrorCode OnWritten(IntPtr data, IntPtr path, IntPtr failure) =>
            CallbackValue.Guard<Action<string>>(data, failure, written => written(Utf8.Decode(path)));

        private static void OnLog(IntPtr data, Severity severity, IntPtr text, long length)
        {
            if (Handle.Collecting)
            {
                return;
            }
            try
            {
                CallbackValue.Of<Action<Severity, string>>(data)(severity, Utf8.Decode(text, length));
            }
            catch (Exception)
            {
                // There is nobody to tell.
            }
        }

        private static ErrorCode OnRead(IntPtr data, ulong offset, IntPtr buffer, long size, IntPtr failure) =>
            CallbackValue.Guard<ReadBytes>(data, failure, read => Fill(read, offset, buffer, size));

        private static ErrorCode OnDeviceRead(IntPtr data, ulong offset, IntPtr buffer, long size, IntPtr failure) =>
            CallbackValue.Guard<DeviceVariable>(data, failure, device => Fill(device.Read, offset, buffer, size));

        private static unsafe void Fill(ReadBytes read, ulong offset, IntPtr buffer, long size) =>
            read((long)offset, new Span<byte>((void*)buffer, checked((int)size)));

        private static int OnDescribe(IntPtr data, IntPtr dimensions)
        {
            try
            {
                long[] shape = CallbackValue.Of<DeviceVariable>(data).Describe();
                if (shape == null || shape.Length > Header.MaxRank)
                {
                    return -1;
                }
                Marshal.Copy(shape, 0, dimensions, shape.Length);
                return shape.Length;
            }
            catch (Exception)
            {
                return -1;
            }
        }

        private static ErrorCode OnPrepare(IntPtr data, DType dtype, IntPtr shape, long rank, IntPtr failure) =>
            CallbackValue.Guard<DeviceVariable>(data, failure, device => device.Prepare(dtype, NativeResult.Shape(shape, rank)));

        private static ErrorCode OnWriteAt(IntPtr data, ulong offset, IntPtr bytes, long size, IntPtr failure) =>
            CallbackValue.Guard<DeviceVariable>(data, failure, device => Pass(device.Write, offset, bytes, size));

        private static unsafe void Pass(WriteBytes write, ulong offset, IntPtr bytes, long size) =>
            write((long)offset, new ReadOnlySpan<byte>((void*)bytes, checked((int)size)));

        private static ErrorCode OnFinish(IntPtr data, bool complete, IntPtr failure) =>
            CallbackValue.Guard<DeviceVariable>(data, failure, device => device.Finish(complete));

        private static ErrorCode OnSave(IntPtr data, IntPtr sink, IntPtr failure) =>
            CallbackValue.Guard<IState>(data, failure, state => Sink.During(sink, state.Save));

        private static ErrorCode OnRestore(IntPtr data, IntPtr source, IntPtr failure) =>
            CallbackValue.Guard<IState>(data, failure, state => Source.During(source, state.Restore));

        private static ErrorCode OnCreateSlot(IntPtr data, IntPtr request, IntPtr failure) =>
            CallbackValue.Guard<Action<SlotRequest>>(data, failure, create => SlotRequest.During(request, create));

        private static bool OnAccepts(IntPtr data, Node node)
        {
            try
            {
                return CallbackValue.Of<IObjectSaver>(data).Accepts(node);
            }
            catch (Exception)
            {
                return false;
            }
        }

        private static ErrorCode OnSaveObjects(IntPtr data, IntPtr objects, IntPtr sink, IntPtr failure) =>
            CallbackValue.Guard<IObjectSaver>(
                data, failure, saver => Sink.During(sink, into => saver.Save(Edge.ListOf(objects), into)));

        private static bool OnWants(IntPtr data, IntPtr objects, IntPtr key, long length)
        {
            try
            {
                return CallbackValue.Of<IObjectSaver>(data).Wants(Edge.ListOf(objects), Utf8.Decode(key, length));
            }
            catch (Exception)
            {
                return false;
            }
        }

        private static ErrorCode OnRestoreObjects(IntPtr data, IntPtr objects, IntPtr source, IntPtr failure) =>
            CallbackValue.Guard<IObjectSaver>(
                data, failure, saver => Source.During(source, from => saver.Restore(Edge.ListOf(objects), from)));

        private static ErrorCode OnInit(IntPtr data, IntPtr failure) => CallbackValue.Guard<Action>(data, failure, init => init());

        private static double OnNow(IntPtr data)
        {
            try
            {
                return Time.Seconds(CallbackValue.Of<Clock>(data).Now());
            }
            catch (Exception)
            {
                return Time.Seconds(DateTimeOffset.UtcNow);
            }
        }

        private static ErrorCode OnSleep(IntPtr data, double seconds)
        {
            var clock = CallbackValue.Of<Clock>(data);
            try
            {
                clock.Sleep(Time.Span(seconds));
                return ErrorCode.Ok;
            }
            catch (Exception e)
            {
                clock.Stopped = e;
                return ErrorCode.Cancelled;
            }
        }

        private static ErrorCode OnGather(IntPtr data, IntPtr message, long size, IntPtr messages, IntPtr failure) =>
            CallbackValue.Guard<RankCallbacks>(data, failure, callbacks => callbacks.Gather(message, size, messages));

        private static ErrorCode OnBroadcast(IntPtr data, IntPtr message, long size, IntPtr messages, IntPtr failure) =>
            CallbackValue.Guard<RankCallbacks>(data, failure, callbacks => callbacks.Broadcast(message, size, messages));

        private static bool OnIsDone(IntPtr data)
        {
            try
            {
                return CallbackValue.Of<Func<bool>>(data)();
            }
            catch (Exception)
            {
                return true; // a program whose function fails is not to wait for ever
            }
        }
    }
}
