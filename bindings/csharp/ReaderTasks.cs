using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    /// <summary>
    /// Tensors that are read at once, each into its memory. For one thread at a time while tensors
    /// are added.
    /// </summary>
    public sealed class ReadBatch
    {
        private readonly List<Part> parts = new List<Part>();

        /// <summary>The number of tensors.</summary>
        public int Count => parts.Count;

        /// <summary>Adds a tensor, which <typeparamref name="T"/> has to be the type of, as for
        /// <see cref="SavedTensor.Read{T}"/>. The memory has exactly as many elements, and that of
        /// one tensor does not overlap that of another. It stays where it is while the batch is
        /// read.</summary>
        /// <returns>This.</returns>
        public ReadBatch Add<T>(SavedTensor tensor, Memory<T> values)
            where T : struct
        {
            DType dtype = DTypes.Of<T>();
            parts.Add(new Part
            {
                Tensor = Required.Of(tensor, "tensor"), DType = dtype, Pin = (pins, index) => pins.Pin(index, values),
            });
            return this;
        }

        /// <summary>The same with an array.</summary>
        public ReadBatch Add<T>(SavedTensor tensor, T[] values)
            where T : struct => Add(tensor, new Memory<T>(Required.Of(values, "values")));

        /// <summary>Adds a tensor of any fixed-size dtype, to be read as bytes in native order into
        /// memory of exactly their size.</summary>
        /// <returns>This.</returns>
        public ReadBatch AddBytes(SavedTensor tensor, Memory<byte> buffer)
        {
            parts.Add(new Part
            {
                Tensor = Required.Of(tensor, "tensor"), DType = DType.Invalid, Pin = (pins, index) => pins.Pin(index, buffer),
            });
            return this;
        }

        /// <summary>Pins the memory, checks types, and completes the options.</summary>
        internal PinnedMemory Pin(ReaderHandle reader, ref ReadOptions options, out IntPtr[] tensors)
        {
            bool converts = ReadOptions.Converts(options);
            tensors = new IntPtr[parts.Count];
            var memory = new PinnedMemory(parts.Count);
            try
            {
                for (int i = 0; i < tensors.Length; i++)
                {
                    Part part = parts[i];
                    tensors[i] = part.Tensor.PointerIn(reader);
                    part.Pin(memory, i);
                    if (converts && part.DType != parts[0].DType)
                    {
                        throw new ArgumentException("a batch that is converted has memory of one type: expected "
                            + parts[0].DType.Name() + ", found " + part.DType.Name() + " for " + part.Tensor.Key);
                    }
                    if (!converts && part.DType != DType.Invalid)
                    {
                        part.Tensor.CheckElements(part.DType);
                    }
                }
                if (converts && parts.Count > 0 && parts[0].DType != DType.Invalid)
                {
                    options = options.As(parts[0].DType);
                }
                return memory;
            }
            catch
            {
                memory.Dispose();
                throw;
            }
        }

        private sealed class Part
        {
            internal SavedTensor Tensor { get; set; }

            /// <summary>That of the memory; invalid for bytes.</summary>
            internal DType DType { get; set; }

            internal Action<PinnedMemory, int> Pin { get; set; }
        }
    }

    public sealed partial class Reader
    {
        /// <summary>Opens the checkpoint at a path in the background, as the constructor
        /// does.</summary>
        /// <returns>The reader, to be disposed of. The task fails as the constructor
        /// does.</returns>
        public static Task<Reader> OpenAsync(
            string path, OpenOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
            {
                using (OpenOptionsHandle made = OpenOptions.Make(options))
                {
                    return NativeMethods.ckpt_reader_open_async(bytes, made, out pending, out error);
                }
            };
            return Background.Run<ReaderHandle, Reader>(
                new Cancellation(), token, begin, NativeMethods.ckpt_pending_take_reader, opened => new Reader(opened));
        }

        /// <summary>Does what <see cref="ReadMany"/> does, in the background: no thread waits. The
        /// memory is not to be used until the task is over, and stays where it is until then; the
        /// reader may be disposed of before.</summary>
        public Task ReadManyAsync(
            ReadBatch batch, ReadOptions options = null, CancellationToken token = default(CancellationToken)) =>
            ReadManyAsync(handle, Required.Of(batch, "batch"), options, token);

        internal static async Task ReadManyAsync(
            ReaderHandle handle, ReadBatch batch, ReadOptions options, CancellationToken token)
        {
            IntPtr[] tensors;
            // The memory is let go of when the library has let go of it, however that comes about.
            using (PinnedMemory memory = batch.Pin(handle, ref options, out tensors))
            {
                Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
                {
                    using (ReadOptionsHandle made = ReadOptions.Make(options))
                    {
                        return NativeMethods.ckpt_reader_read_many_async(
                            handle, tensors, tensors.Length, made, memory.Addresses, memory.Sizes, out pending, out error);
                    }
                };
                await Background.Run<string, string>(new Cancellation(), token, begin, Background.TakePath, path => path)
                    .ConfigureAwait(false);
            }
        }
    }
}
