using System;
using System.Collections;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>How a checkpoint is opened.</summary>
    public sealed partial class OpenOptions
    {
        /// <summary>Hears how a path was understood where that may surprise: the directory was
        /// moved, the path is a directory and a prefix, or the state file names a checkpoint that
        /// does not exist.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static OpenOptionsHandle Make(OpenOptions options) =>
            options == null
                ? OpenOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_open_options_new(), made => options.Set(made));

        private void Set(OpenOptionsHandle made)
        {
            SetPlain(made);
            if (Log != null)
            {
                NativeMethods.ckpt_open_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    /// <summary>How values are read.</summary>
    public sealed partial class ReadOptions
    {
        internal static ReadOptionsHandle Make(ReadOptions options)
        {
            if (options == null)
            {
                return ReadOptionsHandle.None;
            }
            return NativeOptions.With(NativeMethods.ckpt_read_options_new(), options.SetPlain);
        }

        internal static bool Converts(ReadOptions options) => options != null && options.Conversion != Conversion.None;

        /// <summary>These options to read elements of another type.</summary>
        internal ReadOptions As(DType dtype)
        {
            var made = (ReadOptions)MemberwiseClone();
            made.DType = dtype;
            return made;
        }
    }

    /// <summary>A part of a tensor: where it begins in each dimension, and how much of it it takes;
    /// -1 takes a dimension to its end.</summary>
    public sealed class Region
    {
        /// <summary>Makes one.</summary>
        /// <param name="start">Where it begins, for each dimension.</param>
        /// <param name="length">How much it takes, for each dimension.</param>
        public Region(long[] start, long[] length)
        {
            if (start == null || length == null)
            {
                throw new ArgumentNullException(start == null ? "start" : "length");
            }
            if (start.Length != length.Length)
            {
                throw new ArgumentException("a region has a start and a length for each dimension");
            }
            Start = start;
            Length = length;
        }

        /// <summary>Where it begins, for each dimension.</summary>
        public long[] Start { get; }

        /// <summary>How much it takes, for each dimension.</summary>
        public long[] Length { get; }

        internal void Of(long[] shape)
        {
            if (Start.Length != Elements.Rank(shape))
            {
                throw new ArgumentException("the region has not the dimensions of the tensor");
            }
        }
    }

    /// <summary>
    /// An open checkpoint: a list of tensors in the byte order of their keys, whose values are read
    /// on demand (<c>tf.train.CheckpointReader</c>). It does not change; several threads may use it
    /// at once.
    /// </summary>
    public sealed class Reader : IReadOnlyList<Tensor>, IDisposable
    {
        private readonly ReaderHandle handle;

        /// <summary>
        /// Opens the checkpoint at a path: a prefix, one of its files, a directory with a state
        /// file (its latest checkpoint), a SavedModel, a V1 file or pattern. Only the index is
        /// read, and all of it is checked. (<c>tf.train.load_checkpoint</c>)
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> when there is no
        /// checkpoint; <see cref="ErrorCode.DataLoss"/> when the index is damaged.</exception>
        public Reader(string path, OpenOptions options = null)
        {
            using (OpenOptionsHandle made = OpenOptions.Make(options))
            {
                NativeMethods.ckpt_reader_open(Utf8.Path(path), made, out handle);
            }
        }

        /// <summary>The prefix of the files.</summary>
        public string Prefix
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_reader_prefix(handle).Text;
                }
            }
        }

        /// <summary>The path in the state file that led to the checkpoint, as the state file has
        /// it; null if none was needed.</summary>
        public string Resolved
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_reader_resolved(handle).TextOrNull;
                }
            }
        }

        /// <summary>Whether that path leads to nothing, and the checkpoint of the same name beside
        /// the state file was opened: the directory was moved.</summary>
        public bool ResolvedIsMoved => NativeMethods.ckpt_reader_resolved_is_moved(handle);

        /// <summary>Whether the path is a directory, whose checkpoint was opened, and also the
        /// prefix of another checkpoint.</summary>
        public bool ResolvedIsAmbiguous => NativeMethods.ckpt_reader_resolved_is_ambiguous(handle);

        /// <summary>How the checkpoint is stored.</summary>
        public Format Format => NativeMethods.ckpt_reader_format(handle);

        /// <summary>The version that the writer gave the checkpoint.</summary>
        public int ProducerVersion => NativeMethods.ckpt_reader_producer_version(handle);

        /// <summary>The least version of a reader that may read the checkpoint.</summary>
        public int MinConsumerVersion => NativeMethods.ckpt_reader_min_consumer_version(handle);

        /// <summary>Whether the values in the data files are big-endian. What is read is always in
        /// native order.</summary>
        public bool IsBigEndian => NativeMethods.ckpt_reader_is_big_endian(handle);

        /// <summary>The number of tensors.</summary>
        public int Count => checked((int)NativeMethods.ckpt_reader_count(handle));

        /// <summary>The tensor at an index in the order of the keys.</summary>
        /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
        public Tensor this[int index]
        {
            get
            {
                using (handle.Hold())
                {
                    IntPtr tensor = index < 0 ? IntPtr.Zero : NativeMethods.ckpt_reader_tensor(handle, index);
                    if (tensor == IntPtr.Zero)
                    {
                        throw new ArgumentOutOfRangeException("index");
                    }
                    return new Tensor(handle, tensor);
                }
            }
        }

        /// <summary>The tensor with a key or name: the path of a variable, which is its key without
        /// <c>/.ATTRIBUTES/VARIABLE_VALUE</c>, or its full name, with or without
        /// <c>:0</c>.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> when there is
        /// none; the message names what was perhaps meant. <see cref="Reason.Ambiguous"/> when
        /// several tensors have the name; the message names their keys.</exception>
        public Tensor this[string key]
        {
            get
            {
                if (key == null)
                {
                    throw new ArgumentNullException("key");
                }
                int most = Utf8.MaxLength(key);
                Span<byte> bytes = stackalloc byte[384];
                if (most > bytes.Length)
                {
                    bytes = new byte[most];
                }
                return Find(bytes.Slice(0, Utf8.Encode(key, bytes)));
            }
        }

        /// <summary>The tensor with a key that need not be text.</summary>
        public Tensor this[ReadOnlySpan<byte> key] => Find(key);

        /// <summary>The paths of the data files, whether or not they are there.</summary>
        public string[] Shards()
        {
            var shards = new string[NativeMethods.ckpt_reader_shard_count(handle)];
            for (int i = 0; i < shards.Length; i++)
            {
                IntPtr path;
                NativeMethods.ckpt_reader_shard_path(handle, (uint)i, out path);
                shards[i] = NativeResult.Text(path);
            }
            return shards;
        }

        /// <summary>Whether there is a tensor with a key. Names that are no keys do not
        /// count.</summary>
        public bool Contains(string key)
        {
            byte[] bytes = Utf8.Encode(key, "key");
            return NativeMethods.ckpt_reader_has(handle, bytes, bytes.Length);
        }

        /// <summary>The value of the tensor with a key, as <see
        /// cref="Tensor.Read{T}(ReadOptions)"/> gives it.</summary>
        public T[] Read<T>(string key)
            where T : struct => this[key].Read<T>();

        /// <summary>
        /// Reads tensors at once, with several threads: each as bytes in native order into its
        /// buffer, which has exactly its size. The buffers must not overlap.
        /// </summary>
        public void ReadMany(IReadOnlyList<Tensor> tensors, IReadOnlyList<Memory<byte>> buffers, ReadOptions options = null)
        {
            if (tensors == null || buffers == null)
            {
                throw new ArgumentNullException(tensors == null ? "tensors" : "buffers");
            }
            if (tensors.Count != buffers.Count)
            {
                throw new ArgumentException("there is a buffer for each tensor");
            }
            var pointers = new IntPtr[tensors.Count];
            var data = new IntPtr[pointers.Length];
            var sizes = new long[pointers.Length];
            var pins = new System.Buffers.MemoryHandle[pointers.Length];
            try
            {
                for (int i = 0; i < pointers.Length; i++)
                {
                    pointers[i] = tensors[i].PointerIn(handle);
                    pins[i] = buffers[i].Pin();
                    unsafe
                    {
                        data[i] = (IntPtr)pins[i].Pointer;
                    }
                    sizes[i] = buffers[i].Length;
                }
                using (ReadOptionsHandle made = ReadOptions.Make(options))
                {
                    NativeMethods.ckpt_reader_read_many(handle, pointers, pointers.Length, made, data, sizes);
                }
            }
            finally
            {
                foreach (System.Buffers.MemoryHandle pin in pins)
                {
                    pin.Dispose();
                }
            }
        }

        /// <summary>The objects of an object-based checkpoint.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> with <see
        /// cref="Reason.NoObjectGraph"/> when the checkpoint was saved by names.</exception>
        public ObjectGraph ObjectGraph()
        {
            IntPtr graph;
            NativeMethods.ckpt_reader_object_graph(handle, out graph);
            return LibCheckpoint.ObjectGraph.TakeFrom(graph);
        }

        /// <summary>A line for each tensor: key, type and shape.</summary>
        public override string ToString()
        {
            IntPtr text;
            NativeMethods.ckpt_reader_debug_string(handle, out text);
            return NativeResult.Text(text);
        }

        /// <summary>Goes over the tensors in the order of their keys.</summary>
        public IEnumerator<Tensor> GetEnumerator()
        {
            int count = Count;
            for (int i = 0; i < count; i++)
            {
                yield return this[i];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>Closes the checkpoint. Views that it gave live on, its tensors do
        /// not.</summary>
        public void Dispose() => handle.Dispose();

        private unsafe Tensor Find(ReadOnlySpan<byte> key)
        {
            using (handle.Hold())
            {
                fixed (byte* bytes = &System.Runtime.InteropServices.MemoryMarshal.GetReference(key))
                {
                    IntPtr tensor, e;
                    CheckpointException.Check(
                        NativeMethods.Find(handle.DangerousGetHandle(), bytes, key.Length, &tensor, &e), e);
                    return new Tensor(handle, tensor);
                }
            }
        }
    }
}
