using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

// Of every import: beside the assembly and in the directories of the system, never in the working
// directory.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]

namespace LibCheckpoint
{
    internal static partial class NativeMethods
    {
        internal const string Name = "checkpoint";

        // A library that is older than the header would fail at some call: it is refused at the
        // first.
        static NativeMethods()
        {
#if NETCOREAPP3_0_OR_GREATER
            FindByResolver();
#endif
            IntPtr error;
            CheckpointException.Check(ckpt_check_version(Header.Major, Header.Minor, Header.Patch, out error), error);
        }

        // For StatusHandle.Free, where the marshaller would find the handle closed.
        [DllImport(Name, EntryPoint = "ckpt_status_expect_partial", CallingConvention = CallingConvention.Cdecl)]
        internal static extern void ExpectPartial(IntPtr status);

        // What every tensor takes, without the marshaller: it would cost as much as the calls. The
        // caller holds the reader.
        [DllImport(Name, EntryPoint = "ckpt_reader_find", CallingConvention = CallingConvention.Cdecl)]
        internal static extern unsafe ErrorCode Find(IntPtr reader, byte* key, long keyLen, IntPtr* tensor, IntPtr* error);

        [DllImport(Name, EntryPoint = "ckpt_reader_read", CallingConvention = CallingConvention.Cdecl)]
        internal static extern unsafe ErrorCode Read(IntPtr reader, IntPtr tensor, IntPtr options, byte* buffer, long size, IntPtr* error);
    }

    /// <summary>Owns an object of the library's. The runtime holds it during each call that it is
    /// given to.</summary>
    internal abstract class Handle : SafeHandle
    {
        [ThreadStatic]
        private static bool collecting;

        private bool collected;
        private long weight;

        protected Handle()
            : base(IntPtr.Zero, true)
        {
        }

        /// <summary>Whether this thread is freeing what nobody disposed of: then the program's log
        /// is not called.</summary>
        internal static bool Collecting => collecting;

        public override bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>Whether the garbage collector frees it rather than the program.</summary>
        protected bool Collected => collected;

        /// <summary>Keeps it from being freed until what this gives is disposed of; fails if it was
        /// disposed of already.</summary>
        internal HandleReference Hold() => new HandleReference(this);

        /// <summary>Tells the garbage collector how many bytes this takes that it cannot see, until
        /// it is freed.</summary>
        internal void Weigh(ulong bytes)
        {
            weight = (long)Math.Min(bytes, long.MaxValue);
            if (weight > 0)
            {
                GC.AddMemoryPressure(weight);
            }
        }

        /// <summary>What a call says that was made after this was disposed of.</summary>
        internal ObjectDisposedException Disposed()
        {
            string name = GetType().FullName;
            return new ObjectDisposedException(name.Substring(0, name.Length - "Handle".Length)); // the public class that owns it
        }

        protected sealed override bool ReleaseHandle()
        {
            collecting = collected;
            try
            {
                Free();
            }
            finally
            {
                collecting = false;
                if (weight > 0)
                {
                    GC.RemoveMemoryPressure(weight);
                }
            }
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && IsInvalid)
            {
                return; // it stands for NULL, and may do so again
            }
            collected = !disposing;
            base.Dispose(disposing);
        }

        protected abstract void Free();
    }

    internal static class Handles
    {
        /// <summary>The handle, unless it was disposed of.</summary>
        internal static T Open<T>(this T handle)
            where T : Handle
        {
            if (handle.IsClosed)
            {
                throw handle.Disposed();
            }
            return handle;
        }
    }

    internal sealed class StatusHandle : Handle
    {
        protected override void Free()
        {
            if (Collected)
            {
                NativeMethods.ExpectPartial(handle);
            }
            NativeMethods.ckpt_status_free(handle);
        }
    }

    internal struct HandleReference : IDisposable
    {
        private readonly Handle handle;

        internal HandleReference(Handle handle)
        {
            bool added = false;
            handle.Open().DangerousAddRef(ref added);
            this.handle = handle;
        }

        public void Dispose() => handle.DangerousRelease();
    }

    /// <summary>Bytes that are lent: <c>ckpt_bytes</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Bytes
    {
        internal IntPtr Data;
        internal long Length;

        internal string Text => Data == IntPtr.Zero ? "" : Utf8.Decode(Data, Length);

        /// <summary>The text; null if there is none.</summary>
        internal string TextOrNull => Data == IntPtr.Zero ? null : Utf8.Decode(Data, Length);

        internal byte[] ToArray()
        {
            var copy = new byte[Length];
            if (Length > 0)
            {
                Marshal.Copy(Data, copy, 0, copy.Length);
            }
            return copy;
        }
    }

    internal static class Required
    {
        /// <summary>An argument that must not be null.</summary>
        internal static T Of<T>(T value, string name)
            where T : class
        {
            if (value == null)
            {
                throw new ArgumentNullException(name);
            }
            return value;
        }

        /// <summary>A number of things, as the library takes it.</summary>
        internal static uint NotNegative(int value, string name) => (uint)NotNegative((long)value, name);

        internal static ulong NotNegative(long value, string name)
        {
            if (value < 0)
            {
                throw new ArgumentOutOfRangeException(name, value, "it is negative");
            }
            return (ulong)value;
        }
    }

    internal static class Utf8
    {
        // Text that is none (half a surrogate pair) is refused rather than changed.
        private static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);

        internal static byte[] Encode(string text, string what = "name")
        {
            if (text == null)
            {
                throw new ArgumentNullException(what);
            }
            return Strict.GetBytes(text);
        }

        /// <summary>A path as bytes that end with NUL.</summary>
        internal static byte[] Path(string path, string what = "path")
        {
            byte[] bytes = Encode(Required.Of(path, what) + "\0", what);
            if (Array.IndexOf(bytes, (byte)0) != bytes.Length - 1)
            {
                throw new ArgumentException("the path has a NUL character", what);
            }
            return bytes;
        }

        internal static byte[] PathOrNull(string path) => string.IsNullOrEmpty(path) ? null : Path(path);

        /// <summary>Most bytes that a text is in UTF-8.</summary>
        internal static int MaxLength(string text) => Strict.GetMaxByteCount(text.Length);

        internal static unsafe int Encode(string text, Span<byte> bytes)
        {
            fixed (char* from = text)
            {
                fixed (byte* to = &MemoryMarshal.GetReference(bytes))
                {
                    return Strict.GetBytes(from, text.Length, to, bytes.Length);
                }
            }
        }

        internal static byte[][] Encode(IReadOnlyList<string> all, string what = "values")
        {
            var encoded = new byte[Required.Of(all, what).Count][];
            for (int i = 0; i < encoded.Length; i++)
            {
                encoded[i] = Encode(all[i], what);
            }
            return encoded;
        }

        internal static unsafe string Decode(IntPtr data, long length) =>
            length == 0 ? "" : Encoding.UTF8.GetString((byte*)data, checked((int)length));

        /// <summary>Text that ends with NUL.</summary>
        internal static unsafe string Decode(IntPtr text)
        {
            if (text == IntPtr.Zero)
            {
                return "";
            }
            long length = 0;
            while (((byte*)text)[length] != 0)
            {
                length++;
            }
            return Decode(text, length);
        }
    }

    /// <summary>Arrays that stay where they are for a call.</summary>
    internal sealed class Pins : IDisposable
    {
        private readonly List<GCHandle> handles = new List<GCHandle>();

        public void Dispose()
        {
            foreach (GCHandle handle in handles)
            {
                handle.Free();
            }
            handles.Clear();
        }

        internal IntPtr Pin(Array array)
        {
            GCHandle handle = GCHandle.Alloc(array, GCHandleType.Pinned);
            handles.Add(handle);
            return handle.AddrOfPinnedObject();
        }

        internal Bytes[] Texts(IReadOnlyList<byte[]> values)
        {
            var texts = new Bytes[Required.Of(values, nameof(values)).Count];
            for (int i = 0; i < texts.Length; i++)
            {
                byte[] element = values[i];
                if (element == null)
                {
                    throw new ArgumentException("an element is null", nameof(values));
                }
                if (element.Length > 0)
                {
                    texts[i] = new Bytes { Data = Pin(element), Length = element.Length };
                }
            }
            return texts;
        }

        internal IntPtr[] Paths(IReadOnlyList<string> all, string what)
        {
            var paths = new IntPtr[Required.Of(all, what).Count];
            for (int i = 0; i < paths.Length; i++)
            {
                paths[i] = Pin(Utf8.Path(all[i], what));
            }
            return paths;
        }
    }

    /// <summary>What the library gave, copied and freed.</summary>
    internal static class NativeResult
    {
        internal static string Text(IntPtr text)
        {
            if (text == IntPtr.Zero)
            {
                return null;
            }
            try
            {
                return NativeMethods.ckpt_string_bytes(text).Text;
            }
            finally
            {
                NativeMethods.ckpt_string_free(text);
            }
        }

        private static byte[][] LentStrings(IntPtr strings)
        {
            var all = new byte[NativeMethods.ckpt_strings_count(strings)][];
            for (int i = 0; i < all.Length; i++)
            {
                all[i] = NativeMethods.ckpt_strings_get(strings, i).ToArray();
            }
            return all;
        }

        internal static string[] LentTexts(IntPtr strings) => Array.ConvertAll(LentStrings(strings), Encoding.UTF8.GetString);

        internal static byte[][] Strings(IntPtr strings)
        {
            try
            {
                return LentStrings(strings);
            }
            finally
            {
                NativeMethods.ckpt_strings_free(strings);
            }
        }

        internal static string[] Texts(IntPtr strings) => Array.ConvertAll(Strings(strings), Encoding.UTF8.GetString);

        internal static unsafe long[] Shape(IntPtr dimensions, long rank)
        {
            var shape = new long[rank];
            for (int i = 0; i < shape.Length; i++)
            {
                shape[i] = ((long*)dimensions)[i];
            }
            return shape;
        }

        /// <summary>A shape that is not known when the rank is -1; null then.</summary>
        internal static IReadOnlyList<long> KnownShape(IntPtr dimensions, int rank) =>
            rank < 0 ? null : Array.AsReadOnly(Shape(dimensions, rank));
    }

    internal static class NativeOptions
    {
        /// <summary>Sets options; if that fails they are freed.</summary>
        internal static T With<T>(T made, Action<T> set)
            where T : Handle
        {
            try
            {
                set(made);
                return made;
            }
            catch
            {
                made.Dispose();
                throw;
            }
        }
    }
}
