using System;
using System.Text;

namespace LibCheckpoint
{
    /// <summary>A tensor of an open checkpoint. It can be used until its reader is disposed
    /// of.</summary>
    public sealed class Tensor
    {
        private readonly ReaderHandle reader;
        private readonly IntPtr pointer;
        private readonly long[] shape;
        private string key;

        // The reader is held.
        internal Tensor(ReaderHandle reader, IntPtr pointer)
        {
            this.reader = reader;
            this.pointer = pointer;
            DType = NativeMethods.ckpt_tensor_dtype(pointer);
            shape = NativeResult.Shape(NativeMethods.ckpt_tensor_shape(pointer), NativeMethods.ckpt_tensor_rank(pointer));
        }

        /// <summary>The key. Bytes that are no UTF-8 are replaced; <see cref="KeyBytes"/> has
        /// them.</summary>
        public string Key => key ?? (key = Encoding.UTF8.GetString(KeyBytes()));

        /// <summary>The type of the elements.</summary>
        public DType DType { get; }

        /// <summary>The dimensions, which must not be changed; none of a scalar.</summary>
        public long[] Shape => shape;

        /// <summary>The number of elements.</summary>
        public long Count
        {
            get
            {
                using (reader.Hold())
                {
                    return (long)NativeMethods.ckpt_tensor_element_count(pointer);
                }
            }
        }

        /// <summary>The bytes of the value; of strings and variants those that are stored, or -1
        /// when that is not known without reading.</summary>
        public long ByteSize
        {
            get
            {
                using (reader.Hold())
                {
                    return NativeMethods.ckpt_tensor_byte_size(pointer);
                }
            }
        }

        /// <summary>The data file that holds the tensor; -1 of a partitioned tensor, and in a V1
        /// checkpoint.</summary>
        public long Shard
        {
            get
            {
                using (reader.Hold())
                {
                    return NativeMethods.ckpt_tensor_shard(pointer);
                }
            }
        }

        /// <summary>Where in the data file the tensor begins, in bytes; -1 of a partitioned tensor,
        /// and in a V1 checkpoint.</summary>
        public long Offset
        {
            get
            {
                using (reader.Hold())
                {
                    return NativeMethods.ckpt_tensor_offset(pointer);
                }
            }
        }

        /// <summary>The key as it is stored.</summary>
        public byte[] KeyBytes()
        {
            using (reader.Hold())
            {
                return NativeMethods.ckpt_tensor_key(pointer).ToArray();
            }
        }

        /// <summary>The slices in which a partitioned tensor is stored; none of a tensor stored
        /// whole.</summary>
        public Region[] Slices()
        {
            using (reader.Hold())
            {
                var slices = new Region[NativeMethods.ckpt_tensor_slice_count(pointer)];
                for (int i = 0; i < slices.Length; i++)
                {
                    slices[i] = new Region(new long[shape.Length], new long[shape.Length]);
                    NativeMethods.ckpt_tensor_slice(pointer, i, slices[i].Start, slices[i].Length);
                }
                return slices;
            }
        }

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
        public T[] Read<T>(ReadOptions options = null)
            where T : struct
        {
            NativeMethods.ckpt_reader_measure(reader, pointer, Measured<T>(options), out ulong count, out _);
            T[] values = Elements.Room<T>(count);
            ReadInto(new Span<T>(values), options);
            return values;
        }

        /// <summary>Reads the value into memory, which has exactly as many elements, straight and
        /// with several threads.</summary>
        public unsafe void ReadInto<T>(Span<T> values, ReadOptions options = null)
            where T : struct
        {
            options = As<T>(options);
            fixed (byte* first = &Elements.First(values))
            {
                Read(first, Elements.Size<T>(values.Length), options);
            }
        }

        /// <summary>Reads the value into an array, which has exactly as many elements.</summary>
        public void ReadInto<T>(T[] values, ReadOptions options = null)
            where T : struct => ReadInto(new Span<T>(values), options);

        /// <summary>Reads a part of the tensor.</summary>
        public T[] Read<T>(Region region, ReadOptions options = null)
            where T : struct
        {
            NativeMethods.ckpt_reader_measure_slice(
                reader, pointer, region.Start, region.Length, region.Start.Length, Measured<T>(options), out ulong count, out _);
            T[] values = Elements.Room<T>(count);
            ReadInto(region, new Span<T>(values), options);
            return values;
        }

        /// <summary>Reads a part of the tensor into memory, which has exactly as many
        /// elements.</summary>
        public unsafe void ReadInto<T>(Region region, Span<T> values, ReadOptions options = null)
            where T : struct
        {
            using (ReadOptionsHandle made = ReadOptions.Make(As<T>(options)))
            {
                fixed (byte* first = &Elements.First(values))
                {
                    NativeMethods.ckpt_reader_read_slice(
                        reader, pointer, region.Start, region.Length, region.Start.Length, made, (IntPtr)first, Elements.Size<T>(values.Length));
                }
            }
        }

        /// <summary>Reads the value of a fixed-size dtype, whatever it is, as bytes in native order
        /// into a buffer of exactly their size.</summary>
        public unsafe void ReadBytes(Span<byte> buffer, ReadOptions options = null)
        {
            fixed (byte* first = &Elements.First(buffer))
            {
                Read(first, buffer.Length, options);
            }
        }

        /// <summary>The elements of a string tensor; of a variant tensor the serialized
        /// elements.</summary>
        public byte[][] ReadStrings(ReadOptions options = null)
        {
            using (ReadOptionsHandle made = ReadOptions.Make(options))
            {
                IntPtr strings;
                NativeMethods.ckpt_reader_read_strings(reader, pointer, made, out strings);
                return NativeResult.Strings(strings);
            }
        }

        /// <summary>The elements of a part of a string or variant tensor.</summary>
        public byte[][] ReadStrings(Region region, ReadOptions options = null)
        {
            using (ReadOptionsHandle made = ReadOptions.Make(options))
            {
                IntPtr strings;
                NativeMethods.ckpt_reader_read_strings_slice(
                    reader, pointer, region.Start, region.Length, region.Start.Length, made, out strings);
                return NativeResult.Strings(strings);
            }
        }

        /// <summary>The elements of a string tensor as text; bytes that are no UTF-8 are
        /// replaced.</summary>
        public string[] ReadText(ReadOptions options = null) => Array.ConvertAll(ReadStrings(options), Encoding.UTF8.GetString);

        /// <summary>
        /// Maps the value of a fixed-size tensor as it lies in its data file, without copying it.
        /// While the view is open nobody may truncate or rewrite the data file in place; replacing
        /// it by rename is harmless.
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.FailedPrecondition"/> for
        /// strings, partitioned tensors, V1 checkpoints and values of the other byte
        /// order.</exception>
        public View View(ReadOptions options = null)
        {
            using (ReadOptionsHandle made = ReadOptions.Make(options))
            {
                ViewHandle view;
                NativeMethods.ckpt_reader_view(reader, pointer, made, out view);
                return new View(view);
            }
        }

        /// <summary>Key, type and shape.</summary>
        public override string ToString() => Key + " " + DType.Name() + " [" + string.Join(",", shape) + "]";

        // What to measure the values as, which options may convert.
        private static DType Measured<T>(ReadOptions options)
            where T : struct => ReadOptions.Converts(options) ? DType.Invalid : DTypes.Of<T>();

        // The options with which the tensor is read as elements of T, which it has to hold unless the
        // options convert.
        private ReadOptions As<T>(ReadOptions options)
            where T : struct
        {
            if (ReadOptions.Converts(options))
            {
                return options.As(DTypes.Of<T>());
            }
            if (DTypes.Of<T>() != DType)
            {
                using (reader.Hold())
                {
                    NativeMethods.ckpt_tensor_check_elements(pointer, DTypes.Of<T>());
                }
            }
            return options;
        }

        private unsafe void Read(byte* buffer, long size, ReadOptions options)
        {
            IntPtr e;
            if (options == null)
            {
                using (reader.Hold())
                {
                    CheckpointException.Check(
                        NativeMethods.Read(reader.DangerousGetHandle(), pointer, IntPtr.Zero, buffer, size, &e), e);
                }
                return;
            }
            using (ReadOptionsHandle made = ReadOptions.Make(options))
            {
                NativeMethods.ckpt_reader_read(reader, pointer, made, (IntPtr)buffer, size);
            }
        }

        internal IntPtr PointerIn(ReaderHandle expected)
        {
            if (reader != expected)
            {
                throw new ArgumentException("the tensor " + key + " is of another reader");
            }
            return pointer;
        }
    }
}
