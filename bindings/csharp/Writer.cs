using System;
using System.Buffers;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How files are written.</summary>
    public sealed partial class WriteOptions
    {
        /// <summary>
        /// Hears how many bytes of how many were written. What it throws ends the call with <see
        /// cref="ErrorCode.Cancelled"/>, and is the inner exception.
        /// </summary>
        public Action<long, long> Progress { get; set; }

        /// <summary>Hears the same; <see cref="Progress{T}"/> hands it on to the context that it
        /// was made in. What it throws ends the call, too.</summary>
        public IProgress<ByteProgress> Reporter { get; set; }

        /// <summary>Hears, when a <see cref="Writer"/> finishes, that the file system has no locks
        /// and the like. A checkpoint, manager or saver has a log of its own.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static Cancellation Cancellation(WriteOptions options) =>
            options == null ? new Cancellation() : new Cancellation(options.Progress, options.Reporter);

        internal static WriteOptionsHandle Make(WriteOptions options, Cancellation cancellation) =>
            NativeOptions.With(NativeMethods.ckpt_write_options_new(), made => (options ?? new WriteOptions()).Set(made, cancellation));

        private void Set(WriteOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            NativeMethods.ckpt_write_options_set_cancel(made, cancellation.Cancel);
            if (Log != null)
            {
                NativeMethods.ckpt_write_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
            if (cancellation.Progress != null)
            {
                IntPtr kept = CallbackValue.Give(cancellation);
                NativeMethods.ckpt_write_options_set_progress(made, Callbacks.Progress, kept, Callbacks.Release);
            }
        }
    }

    /// <summary>
    /// Puts a checkpoint of named tensors together, without an object graph
    /// (<c>tf.raw_ops.SaveV2</c>): tensors are added, then <see cref="Finish"/> writes them all.
    /// For one thread at a time: a call during another one does nothing and fails with <see
    /// cref="Reason.ConcurrentUse"/>.
    /// </summary>
    public sealed class Writer : IDisposable
    {
        private readonly WriterHandle handle;
        private readonly Cancellation cancellation;
        private readonly Borrowed borrowed = new Borrowed();

        /// <summary>Makes a writer of the checkpoint <paramref name="prefix"/>. Nothing is written
        /// before <see cref="Finish"/>.</summary>
        public Writer(string prefix, WriteOptions options = null)
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            cancellation = WriteOptions.Cancellation(options);
            try
            {
                using (WriteOptionsHandle made = WriteOptions.Make(options, cancellation))
                {
                    NativeMethods.ckpt_writer_new(path, made, out handle);
                }
            }
            catch
            {
                cancellation.Dispose();
                throw;
            }
        }

        /// <summary>Adds a tensor with one dimension, that of the elements, as the other
        /// does.</summary>
        public void Add<T>(string key, T[] values)
            where T : struct => Add(key, values, null);

        /// <summary>
        /// Adds a tensor. Its memory is the writer's until <see cref="Finish"/> or <see
        /// cref="Dispose"/>: it stays where it is, and must not be changed.
        /// </summary>
        /// <param name="key">Not empty.</param>
        /// <param name="values">The elements, row-major.</param>
        /// <param name="shape">The dimensions; null for the one that the number of elements
        /// is.</param>
        public void Add<T>(string key, T[] values, IReadOnlyList<long> shape)
            where T : struct => Add(key, new ReadOnlyMemory<T>(Required.Of(values, "values")), shape);

        /// <summary>Adds a tensor, as the other does.</summary>
        public void Add<T>(string key, Memory<T> values, IReadOnlyList<long> shape)
            where T : struct => Add(key, (ReadOnlyMemory<T>)values, shape);

        /// <summary>Adds a tensor, as the other does.</summary>
        public void Add<T>(string key, ReadOnlyMemory<T> values, IReadOnlyList<long> shape)
            where T : struct =>
            AddBytes(key, DTypes.Of<T>(), Elements.Dimensions(shape) ?? new long[] { values.Length }, Pinned.Of(values));

        /// <summary>Adds a tensor with the elements and the dimensions of an array of any rank,
        /// such as <c>float[,]</c>, as <see cref="Add{T}(string, T[], IReadOnlyList{long})"/>
        /// does.</summary>
        /// <exception cref="ArgumentException">The elements of the array are those of no
        /// tensor.</exception>
        public void AddArray(string key, Array values)
        {
            DType dtype = Elements.DTypeOf(Required.Of(values, "values"));
            AddBytes(key, dtype, Graph.ShapeOf(values), Pinned.Of(values, dtype));
        }

        /// <summary>Adds a tensor without dimensions.</summary>
        public void AddScalar<T>(string key, T value)
            where T : struct => Add(key, new[] { value }, Array.Empty<long>());

        /// <summary>Adds a tensor of any fixed-size dtype, given as bytes in native order, as <see
        /// cref="Add{T}(string, T[], IReadOnlyList{long})"/> does.</summary>
        public void AddBytes(string key, DType dtype, IReadOnlyList<long> shape, ReadOnlyMemory<byte> data) =>
            AddBytes(key, dtype, Elements.Dimensions(Required.Of(shape, "shape")), Pinned.Of(data));

        /// <summary>
        /// Adds a slice of a partitioned tensor. Slices of one tensor do not overlap, and are
        /// stored in the order in which they were added.
        /// </summary>
        /// <param name="key">The key of the tensor.</param>
        /// <param name="values">The elements of the slice.</param>
        /// <param name="shape">The dimensions of the whole tensor.</param>
        /// <param name="region">What the slice takes of it.</param>
        public void AddSlice<T>(string key, ReadOnlyMemory<T> values, IReadOnlyList<long> shape, Region region)
            where T : struct => AddSlice(key, DTypes.Of<T>(), shape, region, Pinned.Of(values));

        /// <summary>Adds a slice of a partitioned tensor, as the other does.</summary>
        public void AddSlice<T>(string key, T[] values, IReadOnlyList<long> shape, Region region)
            where T : struct => AddSlice(key, new ReadOnlyMemory<T>(Required.Of(values, "values")), shape, region);

        /// <summary>Adds a slice of a partitioned tensor of any fixed-size dtype, given as bytes in
        /// native order.</summary>
        public void AddSliceBytes(string key, DType dtype, IReadOnlyList<long> shape, Region region, ReadOnlyMemory<byte> data) =>
            AddSlice(key, dtype, shape, region, Pinned.Of(data));

        /// <summary>
        /// Adds a tensor, or a slice of one, as <c>SaveV2</c> takes it: <paramref name="shape"/> is
        /// that of the values,
        /// <paramref name="shapeAndSlice"/> empty for a whole tensor, else the whole tensor's shape
        /// and the slice, <c>5 10 -:0,1</c>.
        /// </summary>
        public void AddShapeAndSlice<T>(string key, T[] values, IReadOnlyList<long> shape, string shapeAndSlice)
            where T : struct
        {
            byte[] name = Utf8.Encode(key, "key"), text = Utf8.Encode(shapeAndSlice, "shapeAndSlice");
            long[] dimensions = Elements.Dimensions(Required.Of(shape, "shape"));
            using (Pinned data = Pinned.Of(new ReadOnlyMemory<T>(Required.Of(values, "values"))))
            {
                NativeMethods.ckpt_writer_add_shape_and_slice(
                    handle, name, DTypes.Of<T>(), dimensions, dimensions.Length, text, data.Pointer, data.Size);
                borrowed.Keep(data);
            }
        }

        /// <summary>
        /// Adds a tensor of a fixed-size dtype whose bytes are asked for while it is written: each
        /// once, by several threads at once. What
        /// <paramref name="read"/> throws ends <see cref="Finish"/> with <see
        /// cref="ErrorCode.Aborted"/>.
        /// </summary>
        public void AddRead(string key, DType dtype, IReadOnlyList<long> shape, ReadBytes read)
        {
            byte[] name = Utf8.Encode(key, "key");
            long[] dimensions = Elements.Dimensions(Required.Of(shape, "shape"));
            Required.Of(read, "read");
            using (handle.Hold())
            {
                NativeMethods.ckpt_writer_add_read(
                    handle, name, dtype, dimensions, dimensions.Length, Callbacks.Read, CallbackValue.Give(read), Callbacks.Release);
            }
        }

        /// <summary>Adds a string tensor, whose elements are copied.</summary>
        public void AddStrings(string key, IReadOnlyList<byte[]> values, IReadOnlyList<long> shape)
        {
            byte[] name = Utf8.Encode(key, "key");
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                long[] dimensions = Elements.Dimensions(shape) ?? new long[] { elements.Length };
                NativeMethods.ckpt_writer_add_strings(handle, name, dimensions, dimensions.Length, elements, elements.Length);
            }
        }

        /// <summary>Adds a string tensor of texts, which are stored as UTF-8.</summary>
        public void AddStrings(string key, IReadOnlyList<string> values) => AddStrings(key, values, null);

        /// <summary>Adds a string tensor of texts, which are stored as UTF-8.</summary>
        public void AddStrings(string key, IReadOnlyList<string> values, IReadOnlyList<long> shape) =>
            AddStrings(key, Utf8.Encode(values), shape);

        /// <summary>Adds a slice of a partitioned string tensor.</summary>
        public void AddStringsSlice(string key, IReadOnlyList<byte[]> values, IReadOnlyList<long> shape, Region region)
        {
            byte[] name = Utf8.Encode(key, "key");
            long[] dimensions = Elements.Dimensions(Required.Of(shape, "shape"));
            Required.Of(region, "region").Of(dimensions);
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                NativeMethods.ckpt_writer_add_strings_slice(
                    handle, name, dimensions, region.Starts, region.Lengths, region.Rank, elements, elements.Length);
            }
        }

        /// <summary>Adds a variant tensor; its elements are serialized, as <see
        /// cref="SavedTensor.ReadStrings"/> gives them.</summary>
        public void AddVariants(string key, IReadOnlyList<byte[]> values, IReadOnlyList<long> shape = null)
        {
            byte[] name = Utf8.Encode(key, "key");
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                long[] dimensions = Elements.Dimensions(shape) ?? new long[] { elements.Length };
                NativeMethods.ckpt_writer_add_variants(handle, name, dimensions, dimensions.Length, elements, elements.Length);
            }
        }

        /// <summary>
        /// Writes everything that was added, and publishes it: the checkpoint that the prefix had
        /// before stays until the new one takes its place at one stroke. Then memory is the
        /// caller's again, and the writer is used up, whether this succeeds or not; unless another
        /// call was using the writer (<see cref="Reason.ConcurrentUse"/>).
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.InvalidArgument"/> when two
        /// tensors have one key; <see cref="ErrorCode.ResourceExhausted"/> when there is no space;
        /// <see cref="ErrorCode.Unavailable"/> when another process writes in the directory; <see
        /// cref="ErrorCode.Aborted"/> when a callback fails.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled; nothing has
        /// changed.</exception>
        public void Finish(CancellationToken token = default(CancellationToken))
        {
            bool inUse = false;
            try
            {
                using (borrowed.Hold())
                using (cancellation.Begin(token))
                {
                    IntPtr e;
                    cancellation.Check(NativeMethods.ckpt_writer_finish(handle, out e), e, token);
                }
            }
            catch (CheckpointException e)
            {
                inUse = e.Reason == Reason.ConcurrentUse;
                throw;
            }
            finally
            {
                if (!inUse)
                {
                    Dispose();
                }
            }
        }

        /// <summary>Frees the writer. One that was not finished leaves no trace.</summary>
        public void Dispose()
        {
            handle.Dispose();
            borrowed.Dispose();
            cancellation.Dispose();
        }

        private void AddBytes(string key, DType dtype, long[] shape, Pinned data)
        {
            using (data)
            {
                byte[] name = Utf8.Encode(key, "key");
                NativeMethods.ckpt_writer_add(handle, name, dtype, shape, Elements.Rank(shape), data.Pointer, data.Size);
                borrowed.Keep(data);
            }
        }

        private void AddSlice(string key, DType dtype, IReadOnlyList<long> shape, Region region, Pinned data)
        {
            using (data)
            {
                byte[] name = Utf8.Encode(key, "key");
                long[] dimensions = Elements.Dimensions(Required.Of(shape, "shape"));
                Required.Of(region, "region").Of(dimensions);
                NativeMethods.ckpt_writer_add_slice(
                    handle, name, dtype, dimensions, region.Starts, region.Lengths, region.Rank, data.Pointer, data.Size);
                borrowed.Keep(data);
            }
        }

        /// <summary>Memory that stays where it is until this is disposed of, unless it was
        /// kept.</summary>
        private sealed class Pinned : IDisposable
        {
            private MemoryHandle handle;
            private bool kept;

            internal IntPtr Pointer { get; private set; }

            internal long Size { get; private set; }

            public void Dispose()
            {
                if (!kept)
                {
                    handle.Dispose();
                }
            }

            internal static unsafe Pinned Of(Array array, DType dtype)
            {
                GCHandle pin = GCHandle.Alloc(array, GCHandleType.Pinned);
                void* first = (void*)pin.AddrOfPinnedObject();
                return new Pinned
                {
                    handle = new MemoryHandle(first, pin), Pointer = (IntPtr)first, Size = array.LongLength * dtype.Size(),
                };
            }

            internal static unsafe Pinned Of<T>(ReadOnlyMemory<T> memory)
                where T : struct
            {
                MemoryHandle handle = memory.Pin();
                return new Pinned { handle = handle, Pointer = (IntPtr)handle.Pointer, Size = Elements.Size<T>(memory.Length) };
            }

            internal MemoryHandle Take()
            {
                kept = true;
                return handle;
            }
        }

        /// <summary>
        /// The memory of what was added. It is let go of after the writer and after the call that
        /// writes, also by the garbage collector. Threads that use the writer at once meet here,
        /// too.
        /// </summary>
        private sealed class Borrowed : IDisposable
        {
            private readonly List<MemoryHandle> handles = new List<MemoryHandle>();
            private int holders;
            private bool closed;

            ~Borrowed()
            {
                Free();
            }

            public void Dispose()
            {
                lock (handles)
                {
                    closed = true;
                    if (holders == 0)
                    {
                        Free();
                    }
                }
                GC.SuppressFinalize(this);
            }

            /// <summary>Keeps the memory until what this gives is disposed of.</summary>
            internal Holder Hold()
            {
                lock (handles)
                {
                    holders++;
                }
                return new Holder(this);
            }

            internal void Keep(Pinned memory)
            {
                lock (handles)
                {
                    if (!closed || holders > 0)
                    {
                        handles.Add(memory.Take());
                    }
                }
            }

            private void Release()
            {
                lock (handles)
                {
                    holders--;
                    if (closed && holders == 0)
                    {
                        Free();
                    }
                }
            }

            private void Free()
            {
                foreach (MemoryHandle handle in handles)
                {
                    handle.Dispose();
                }
                handles.Clear();
            }

            internal struct Holder : IDisposable
            {
                private readonly Borrowed borrowed;

                internal Holder(Borrowed borrowed)
                {
                    this.borrowed = borrowed;
                }

                public void Dispose() => borrowed.Release();
            }
        }
    }
}
