using System;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    /// <summary>A call that reads: its options, and what cancels it.</summary>
    internal struct ReadCall : IDisposable
    {
        private readonly Cancellation cancellation;
        private readonly CancellationToken token;
        private readonly CancellationTokenRegistration registration;

        internal ReadCall(ReadOptions options, CancellationToken token)
        {
            cancellation = Cancellation.Of(token);
            this.token = token;
            registration = Cancellation.Begin(cancellation, token);
            try
            {
                Options = ReadOptions.Make(options, cancellation);
            }
            catch
            {
                registration.Dispose();
                cancellation?.Dispose();
                throw;
            }
        }

        internal ReadOptionsHandle Options { get; }

        public void Dispose()
        {
            registration.Dispose();
            Options.Dispose();
            cancellation?.Dispose();
        }

        internal void Check(ErrorCode code, IntPtr error) => Cancellation.Check(cancellation, code, error, token);
    }

    public sealed partial class SavedTensor
    {
        /// <summary>
        /// The value of a tensor of a fixed-size dtype, in row-major order. <typeparamref
        /// name="T"/> has to be the tensor's type; <see cref="byte"/>, <see cref="ushort"/> and
        /// <see cref="uint"/> also stand for types of their size that C# lacks. With a <see
        /// cref="ReadOptions.Conversion"/> it may be another type, to which values are converted.
        /// (<c>CheckpointReader.get_tensor</c>)
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.InvalidArgument"/> for
        /// another type; <see cref="ErrorCode.NotFound"/> when a data file is missing; <see
        /// cref="ErrorCode.DataLoss"/> when it is too short or a checksum does not
        /// match.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public T[] Read<T>(ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct
        {
            T[] values = Room<T>(options);
            ReadInto(new Span<T>(values), options, token);
            return values;
        }

        /// <summary>The value of a tensor of one element.</summary>
        /// <exception cref="CheckpointException">As of <see cref="Read{T}"/>; <see
        /// cref="ErrorCode.InvalidArgument"/> with <see cref="Reason.Shape"/> when there is another
        /// number of elements.</exception>
        public T ReadScalar<T>(ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct
        {
            Span<T> value = new T[1];
            ReadInto(value, options, token);
            return value[0];
        }

        /// <summary>Reads the value into an array, which has exactly as many elements, straight and
        /// with several threads.</summary>
        /// <exception cref="CheckpointException">As of <see cref="Read{T}"/>; <see
        /// cref="ErrorCode.InvalidArgument"/> with <see cref="Reason.Shape"/> when there is another
        /// number of elements.</exception>
        public void ReadInto<T>(T[] values)
            where T : struct => ReadInto(values, null, CancellationToken.None);

        /// <summary>Reads the value into an array, as the other does.</summary>
        public void ReadInto<T>(T[] values, ReadOptions options)
            where T : struct => ReadInto(values, options, CancellationToken.None);

        /// <summary>Reads the value into an array, as the other does.</summary>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public void ReadInto<T>(T[] values, ReadOptions options, CancellationToken token)
            where T : struct => ReadInto(new Span<T>(Required.Of(values, "values")), options, token);

        /// <summary>Reads the value into memory, as into an array.</summary>
        public void ReadInto<T>(Span<T> values)
            where T : struct => ReadInto(values, null, CancellationToken.None);

        /// <summary>Reads the value into memory, as into an array.</summary>
        public void ReadInto<T>(Memory<T> values)
            where T : struct => ReadInto(values.Span, null, CancellationToken.None);

        /// <summary>Reads the value into memory, as into an array.</summary>
        public unsafe void ReadInto<T>(Span<T> values, ReadOptions options, CancellationToken token)
            where T : struct
        {
            options = As<T>(options);
            fixed (byte* first = &Elements.First(values))
            {
                Read(first, Elements.Size<T>(values.Length), options, token);
            }
        }

        /// <summary>Reads the value in the background: no thread waits.</summary>
        /// <returns>What <see cref="Read{T}"/> gives. The task fails as that does.</returns>
        public async Task<T[]> ReadAsync<T>(ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct
        {
            T[] values = Room<T>(options);
            await ReadIntoAsync<T>(values, options, token).ConfigureAwait(false);
            return values;
        }

        /// <summary>Reads the value in the background into memory, which has exactly as many
        /// elements: it stays where it is until the task is over, and is not to be used
        /// before.</summary>
        public Task ReadIntoAsync<T>(
            Memory<T> values, ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct => Reader.ReadManyAsync(reader, new ReadBatch().Add(this, values), options, token);

        /// <summary>Reads a part of the tensor.</summary>
        public T[] ReadSlice<T>(Region region, ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct
        {
            Required.Of(region, "region");
            NativeMethods.ckpt_reader_measure_slice(
                reader, pointer, region.Starts, region.Lengths, region.Rank, Measured<T>(options), out ulong count, out _);
            T[] values = Elements.Room<T>(count);
            ReadSliceInto(region, new Span<T>(values), options, token);
            return values;
        }

        /// <summary>Reads a part of the tensor into memory, which has exactly as many
        /// elements.</summary>
        public unsafe void ReadSliceInto<T>(
            Region region, Span<T> values, ReadOptions options = null, CancellationToken token = default(CancellationToken))
            where T : struct
        {
            Required.Of(region, "region");
            using (var call = new ReadCall(As<T>(options), token))
            {
                fixed (byte* first = &Elements.First(values))
                {
                    IntPtr e;
                    call.Check(
                        NativeMethods.ckpt_reader_read_slice(
                            reader, pointer, region.Starts, region.Lengths, region.Rank, call.Options,
                            (IntPtr)first, Elements.Size<T>(values.Length), out e), e);
                }
            }
        }

        /// <summary>Reads the value of a fixed-size dtype, whatever it is, as bytes in native order
        /// into a buffer of exactly their size.</summary>
        public unsafe void ReadBytes(
            Span<byte> buffer, ReadOptions options = null, CancellationToken token = default(CancellationToken))
        {
            fixed (byte* first = &Elements.First(buffer))
            {
                Read(first, buffer.Length, options, token);
            }
        }

        /// <summary>Reads the value into an array of any rank, such as <c>float[,]</c>, which has
        /// the dimensions of the tensor.</summary>
        /// <exception cref="ArgumentException">The elements of the array are those of no
        /// tensor.</exception>
        /// <exception cref="CheckpointException">As of <see cref="Read{T}"/>; <see
        /// cref="ErrorCode.InvalidArgument"/> with <see cref="Reason.Shape"/> when the dimensions
        /// are others.</exception>
        public unsafe void ReadIntoArray(
            Array values, ReadOptions options = null, CancellationToken token = default(CancellationToken))
        {
            DType dtype = Elements.DTypeOf(Required.Of(values, "values"));
            options = As(dtype, options);
            long[] dimensions = Graph.ShapeOf(values);
            if (!dimensions.SequenceEqual(shape))
            {
                string expected = "[" + string.Join(",", shape) + "]", found = "[" + string.Join(",", dimensions) + "]";
                throw new CheckpointException(
                    ErrorCode.InvalidArgument,
                    Reason.Shape,
                    Key + ": the array has other dimensions than the tensor: expected " + expected + ", found " + found,
                    Prefix(),
                    Key,
                    expected,
                    found);
            }
            GCHandle pin = GCHandle.Alloc(values, GCHandleType.Pinned);
            try
            {
                void* first = (void*)pin.AddrOfPinnedObject();
                Read((byte*)first, values.LongLength * dtype.Size(), options, token);
            }
            finally
            {
                pin.Free();
            }
        }

        /// <summary>The elements of a string tensor; of a variant tensor the serialized
        /// elements.</summary>
        public byte[][] ReadStrings(ReadOptions options = null, CancellationToken token = default(CancellationToken))
        {
            using (var call = new ReadCall(options, token))
            {
                IntPtr strings, e;
                call.Check(NativeMethods.ckpt_reader_read_strings(reader, pointer, call.Options, out strings, out e), e);
                return NativeResult.Strings(strings);
            }
        }

        /// <summary>The elements of a part of a string or variant tensor.</summary>
        public byte[][] ReadStringsSlice(
            Region region, ReadOptions options = null, CancellationToken token = default(CancellationToken))
        {
            Required.Of(region, "region");
            using (var call = new ReadCall(options, token))
            {
                IntPtr strings, e;
                call.Check(
                    NativeMethods.ckpt_reader_read_strings_slice(
                        reader, pointer, region.Starts, region.Lengths, region.Rank, call.Options, out strings, out e), e);
                return NativeResult.Strings(strings);
            }
        }

        /// <summary>The elements of a string tensor as text; bytes that are no UTF-8 are
        /// replaced.</summary>
        public string[] ReadText(ReadOptions options = null, CancellationToken token = default(CancellationToken)) =>
            Array.ConvertAll(ReadStrings(options, token), Encoding.UTF8.GetString);

        // What to measure the values as, which options may convert.
        private static DType Measured<T>(ReadOptions options)
            where T : struct => ReadOptions.Converts(options) ? DType.Invalid : DTypes.Of<T>();

        /// <summary>Fails unless the tensor holds elements of a type.</summary>
        internal void CheckElements(DType dtype)
        {
            if (dtype != DType)
            {
                using (reader.Hold())
                {
                    NativeMethods.ckpt_tensor_check_elements(pointer, dtype);
                }
            }
        }

        private T[] Room<T>(ReadOptions options)
            where T : struct
        {
            NativeMethods.ckpt_reader_measure(reader, pointer, Measured<T>(options), out ulong count, out _);
            return Elements.Room<T>(count);
        }

        private ReadOptions As<T>(ReadOptions options)
            where T : struct => As(DTypes.Of<T>(), options);

        // The options with which the tensor is read as elements of a type, which it has to hold
        // unless the options convert.
        private ReadOptions As(DType dtype, ReadOptions options)
        {
            if (ReadOptions.Converts(options))
            {
                return options.As(dtype);
            }
            CheckElements(dtype);
            return options;
        }

        private string Prefix()
        {
            using (reader.Hold())
            {
                return NativeMethods.ckpt_reader_prefix(reader).Text;
            }
        }

        private unsafe void Read(byte* buffer, long size, ReadOptions options, CancellationToken token)
        {
            IntPtr e;
            if (options == null && !token.CanBeCanceled)
            {
                using (reader.Hold())
                {
                    CheckpointException.Check(
                        NativeMethods.Read(reader.DangerousGetHandle(), pointer, IntPtr.Zero, buffer, size, &e), e);
                }
                return;
            }
            using (var call = new ReadCall(options, token))
            {
                call.Check(NativeMethods.ckpt_reader_read(reader, pointer, call.Options, (IntPtr)buffer, size, out e), e);
            }
        }
    }
}
