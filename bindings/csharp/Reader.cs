using System;
using System.Collections;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    /// <summary>How a checkpoint is opened.</summary>
    public sealed partial class OpenOptions
    {
        /// <summary>Hears how a path was understood where that may surprise: the directory was
        /// moved, the path is a directory and a prefix, or the state file names a checkpoint that
        /// does not exist.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static OpenOptionsHandle Make(OpenOptions options, Cancellation cancellation = null) =>
            options == null && cancellation == null
                ? OpenOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_open_options_new(), made => (options ?? new OpenOptions()).Set(made, cancellation));

        private void Set(OpenOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            if (cancellation != null)
            {
                NativeMethods.ckpt_open_options_set_cancel(made, cancellation.Cancel);
            }
            if (Log != null)
            {
                NativeMethods.ckpt_open_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    /// <summary>How values are read.</summary>
    public sealed partial class ReadOptions
    {
        internal static ReadOptionsHandle Make(ReadOptions options, Cancellation cancellation = null)
        {
            if (options == null && cancellation == null)
            {
                return ReadOptionsHandle.None;
            }
            return NativeOptions.With(NativeMethods.ckpt_read_options_new(), made =>
            {
                (options ?? new ReadOptions()).SetPlain(made);
                if (cancellation != null)
                {
                    NativeMethods.ckpt_read_options_set_cancel(made, cancellation.Cancel);
                }
            });
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
        public Region(IReadOnlyList<long> start, IReadOnlyList<long> length)
        {
            Starts = Elements.Copy(Required.Of(start, "start"));
            Lengths = Elements.Copy(Required.Of(length, "length"));
            if (Starts.Length != Lengths.Length)
            {
                throw new ArgumentException(
                    "a region has a start and a length for each dimension: found " + Starts.Length + " and " + Lengths.Length, nameof(length));
            }
        }

        // Of arrays that are made for it.
        internal Region(int rank)
        {
            Starts = new long[rank];
            Lengths = new long[rank];
        }

        /// <summary>Where it begins, for each dimension.</summary>
        public IReadOnlyList<long> Start => Array.AsReadOnly(Starts);

        /// <summary>How much it takes, for each dimension.</summary>
        public IReadOnlyList<long> Length => Array.AsReadOnly(Lengths);

        internal long[] Starts { get; }

        internal long[] Lengths { get; }

        internal int Rank => Starts.Length;

        internal void Of(IReadOnlyList<long> shape)
        {
            if (Rank != Elements.Rank(shape))
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
    public sealed partial class Reader : IReadOnlyList<SavedTensor>, IDisposable
    {
        private readonly ReaderHandle handle;

        /// <summary>
        /// Opens the checkpoint at a path: a prefix, one of its files, a directory with a state
        /// file (its latest checkpoint), a SavedModel, a V1 file or pattern. Only the index is
        /// read, and all of it is checked. (<c>tf.train.load_checkpoint</c>)
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> when there is no
        /// checkpoint; <see cref="ErrorCode.DataLoss"/> when the index is damaged.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public Reader(string path, OpenOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            using (Cancellation cancellation = Cancellation.Of(token))
            using (OpenOptionsHandle made = OpenOptions.Make(options, cancellation))
            using (Cancellation.Begin(cancellation, token))
            {
                IntPtr e;
                Cancellation.Check(cancellation, NativeMethods.ckpt_reader_open(bytes, made, out handle, out e), e, token);
            }
            handle.Weigh(NativeMethods.ckpt_reader_memory_size(handle));
        }

        private Reader(ReaderHandle handle)
        {
            this.handle = handle;
            handle.Weigh(NativeMethods.ckpt_reader_memory_size(handle));
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

        /// <summary>About how many bytes of memory the reader takes while it is open: what it knows
        /// of the tensors, not their values. The garbage collector is told of them.</summary>
        public long MemorySize => (long)NativeMethods.ckpt_reader_memory_size(handle);

        /// <summary>The tensor at an index in the order of the keys.</summary>
        /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
        public SavedTensor this[int index]
        {
            get
            {
                using (handle.Hold())
                {
                    IntPtr tensor = index < 0 ? IntPtr.Zero : NativeMethods.ckpt_reader_tensor(handle, index);
                    if (tensor == IntPtr.Zero)
                    {
                        throw new ArgumentOutOfRangeException(nameof(index));
                    }
                    return new SavedTensor(handle, tensor);
                }
            }
        }

        /// <summary>The tensor with a key or name: the path of a variable, which is its key without
        /// <c>/.ATTRIBUTES/VARIABLE_VALUE</c>, or its full name, with or without
        /// <c>:0</c>.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> when there is
        /// none; the message names what was perhaps meant. <see cref="Reason.Ambiguous"/> when
        /// several tensors have the name; the message names their keys.</exception>
        public SavedTensor this[string key]
        {
            get
            {
                if (key == null)
                {
                    throw new ArgumentNullException(nameof(key));
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
        public SavedTensor this[ReadOnlySpan<byte> key] => Find(key);

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
        /// cref="SavedTensor.Read{T}"/> gives it.</summary>
        public T[] Read<T>(string key, ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct => this[key].Read<T>(options, token);

        /// <summary>The value of the tensor of one element with a key, as <see
        /// cref="SavedTensor.ReadScalar{T}"/> gives it.</summary>
        public T ReadScalar<T>(string key, ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct => this[key].ReadScalar<T>(options, token);

        /// <summary>The value of the tensor with a key in the background, as <see
        /// cref="SavedTensor.ReadAsync{T}"/> gives it. That there is no such tensor is in the task,
        /// too.</summary>
        public Task<T[]> ReadAsync<T>(
            string key, ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct => ReadFound<T>(Required.Of(key, "key"), options, token);

        /// <summary>The tensor with a key or name, as the indexer gives it, if there is
        /// one.</summary>
        /// <param name="key">The key or name.</param>
        /// <param name="tensor">Null if there is none.</param>
        /// <returns>Whether there is one. That a name is ambiguous is an error.</returns>
        public bool TryGet(string key, out SavedTensor tensor)
        {
            try
            {
                tensor = this[key];
                return true;
            }
            catch (CheckpointException e) when (e.Code == ErrorCode.NotFound)
            {
                tensor = null;
                return false;
            }
        }

        /// <summary>Reads several tensors at once, with several threads, each into its
        /// memory.</summary>
        /// <exception cref="CheckpointException">As of <see
        /// cref="SavedTensor.Read{T}"/>.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled; what is in the
        /// memory then is not specified.</exception>
        public void ReadMany(ReadBatch batch, ReadOptions options = null, CancellationToken token = default(CancellationToken))
        {
            Required.Of(batch, "batch");
            using (PinnedMemory memory = batch.Pin(handle, ref options, out IntPtr[] tensors))
            using (var call = new ReadCall(options, token))
            {
                IntPtr e;
                call.Check(
                    NativeMethods.ckpt_reader_read_many(
                        handle, tensors, tensors.Length, call.Options, memory.Addresses, memory.Sizes, out e), e);
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
        public IEnumerator<SavedTensor> GetEnumerator()
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

        private async Task<T[]> ReadFound<T>(string key, ReadOptions options, CancellationToken token)
            where T : struct => await this[key].ReadAsync<T>(options, token).ConfigureAwait(false);

        private unsafe SavedTensor Find(ReadOnlySpan<byte> key)
        {
            using (handle.Hold())
            {
                fixed (byte* bytes = &System.Runtime.InteropServices.MemoryMarshal.GetReference(key))
                {
                    IntPtr tensor, e;
                    CheckpointException.Check(
                        NativeMethods.Find(handle.DangerousGetHandle(), bytes, key.Length, &tensor, &e), e);
                    return new SavedTensor(handle, tensor);
                }
            }
        }
    }
}
