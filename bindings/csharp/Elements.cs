using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.InteropServices;

namespace LibCheckpoint
{
    /// <summary>What is known of dtypes.</summary>
    public static class DTypes
    {
        /// <summary>The bytes of an element; 0 of strings and variants, whose elements have lengths
        /// of their own.</summary>
        public static int Size(this DType dtype) => (int)NativeMethods.ckpt_dtype_size(dtype);

        /// <summary>
        /// The dtype of elements of <typeparamref name="T"/>: <see cref="bool"/>, the integers,
        /// <see cref="float"/>, <see cref="double"/>, <c>Half</c>, <see cref="Complex"/>, <see
        /// cref="Complex64"/>, <see cref="Float16Bits"/> or <see cref="BFloat16Bits"/>. Others are
        /// an <see cref="ArgumentException"/>.
        /// </summary>
        public static DType Of<T>()
            where T : struct => Elements<T>.DType;
    }

    internal static class Elements
    {
        internal static readonly Dictionary<Type, DType> Known = new Dictionary<Type, DType>
        {
            { typeof(bool), DType.Bool }, { typeof(sbyte), DType.Int8 }, { typeof(short), DType.Int16 },
            { typeof(int), DType.Int32 },
            { typeof(long), DType.Int64 }, { typeof(byte), DType.UInt8 }, { typeof(ushort), DType.UInt16 },
            { typeof(uint), DType.UInt32 }, { typeof(ulong), DType.UInt64 }, { typeof(float), DType.Float32 },
            { typeof(double), DType.Float64 }, { typeof(Complex64), DType.Complex64 }, { typeof(Complex), DType.Complex128 },
            { typeof(Float16Bits), DType.Float16 }, { typeof(BFloat16Bits), DType.BFloat16 },
#if NET5_0_OR_GREATER
            { typeof(Half), DType.Float16 },
#endif
        };

        // A span of bytes can be too short for the bytes of all values: of one value it is long
        // enough.
        internal static ref byte First<T>(Span<T> values)
            where T : struct =>
                ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(values.Length > 1 ? values.Slice(0, 1) : values));

        internal static ref byte First<T>(ReadOnlySpan<T> values)
            where T : struct =>
                ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(values.Length > 1 ? values.Slice(0, 1) : values));

        internal static long Size<T>(int count)
            where T : struct => (long)count * Elements<T>.Size;

        /// <summary>Fails unless a tensor holds elements of T.</summary>
        internal static void Check<T>(DType dtype, string tensor = "")
            where T : struct
        {
            if (Elements<T>.DType != dtype)
            {
                NativeMethods.ckpt_dtype_check_elements(dtype, Elements<T>.DType, Utf8.Encode(tensor, "tensor"));
            }
        }

        internal static long Count(IReadOnlyList<long> shape)
        {
            long count = 1;
            foreach (long dimension in shape)
            {
                count = checked(count * dimension);
            }
            return count;
        }

        /// <summary>Memory for so many values, of which the library has found that they are
        /// there.</summary>
        internal static T[] Room<T>(ulong count)
        {
            CheckRoom(count);
            return new T[count];
        }

        internal static void CheckRoom(ulong count)
        {
            if (count > 0x7fffffc7)
            {
                throw new CheckpointException(
                    ErrorCode.ResourceExhausted, Reason.Limit, "the tensor is larger than an array can be");
            }
        }

        /// <summary>The dtype of the elements of an array of any rank.</summary>
        internal static DType DTypeOf(Array values)
        {
            DType dtype;
            Type element = values.GetType().GetElementType();
            if (!Known.TryGetValue(element, out dtype))
            {
                throw new ArgumentException("no tensor has elements of " + element, nameof(values));
            }
            return dtype;
        }

        internal static long[] Copy(IReadOnlyList<long> numbers)
        {
            var copy = new long[numbers.Count];
            for (int i = 0; i < copy.Length; i++)
            {
                copy[i] = numbers[i];
            }
            return copy;
        }

        internal static long Rank(IReadOnlyList<long> shape) => shape == null ? 0 : shape.Count;

        /// <summary>A shape as the library takes it; null for null.</summary>
        internal static long[] Dimensions(IReadOnlyList<long> shape) => shape == null ? null : shape as long[] ?? Copy(shape);
    }

    internal static class Elements<T>
        where T : struct
    {
        private static readonly DType Known = Elements.Known.ContainsKey(typeof(T)) ? Elements.Known[typeof(T)] : DType.Invalid;

        internal static readonly int Size = Known == DType.Invalid ? 0 : Known.Size();

        internal static DType DType
        {
            get
            {
                if (Known == DType.Invalid)
                {
                    throw new ArgumentException("no tensor has elements of " + typeof(T), "T");
                }
                return Known;
            }
        }
    }
}
