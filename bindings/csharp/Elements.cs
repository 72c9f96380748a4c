using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.InteropServices;

namespace LibCheckpoint
{
    /// <summary>The bits of an IEEE half-precision number.</summary>
    public readonly struct Float16Bits : IEquatable<Float16Bits>
    {
        /// <summary>Makes one of its bits.</summary>
        public Float16Bits(ushort bits)
        {
            Bits = bits;
        }

        /// <summary>The bits.</summary>
        public ushort Bits { get; }

        /// <summary>The number as a <see cref="float"/>, which has all of their values. For many,
        /// <c>Conversions.Convert</c> is faster.</summary>
        public float ToSingle() => Conversions.ToSingle(DType.Float16, Bits);

        /// <summary>The nearest number to a <see cref="float"/>, ties to even.</summary>
        public static Float16Bits FromSingle(float value) => new Float16Bits(Conversions.FromSingle(DType.Float16, value));

        /// <summary>Whether the bits are the same.</summary>
        public bool Equals(Float16Bits other) => Bits == other.Bits;

        /// <inheritdoc/>
        public override bool Equals(object other) => other is Float16Bits && Equals((Float16Bits)other);

        /// <inheritdoc/>
        public override int GetHashCode() => Bits;

        /// <summary>The bits as hexadecimal digits.</summary>
        public override string ToString() => "0x" + Bits.ToString("x4");
    }

    /// <summary>The bits of a bfloat16 number: the upper half of a <see cref="float"/>.</summary>
    public readonly struct BFloat16Bits : IEquatable<BFloat16Bits>
    {
        /// <summary>Makes one of its bits.</summary>
        public BFloat16Bits(ushort bits)
        {
            Bits = bits;
        }

        /// <summary>The bits.</summary>
        public ushort Bits { get; }

        /// <summary>The number as a <see cref="float"/>, which has all of their values. For many,
        /// <c>Conversions.Convert</c> is faster.</summary>
        public float ToSingle() => Conversions.ToSingle(DType.BFloat16, Bits);

        /// <summary>The nearest number to a <see cref="float"/>, ties to even.</summary>
        public static BFloat16Bits FromSingle(float value) => new BFloat16Bits(Conversions.FromSingle(DType.BFloat16, value));

        /// <summary>Whether the bits are the same.</summary>
        public bool Equals(BFloat16Bits other) => Bits == other.Bits;

        /// <inheritdoc/>
        public override bool Equals(object other) => other is BFloat16Bits && Equals((BFloat16Bits)other);

        /// <inheritdoc/>
        public override int GetHashCode() => Bits;

        /// <summary>The bits as hexadecimal digits.</summary>
        public override string ToString() => "0x" + Bits.ToString("x4");
    }

    /// <summary>A complex number of two <see cref="float"/>; those of two <see cref="double"/> are
    /// <see cref="Complex"/>.</summary>
    public readonly struct Complex64 : IEquatable<Complex64>
    {
        /// <summary>Makes one of its parts.</summary>
        public Complex64(float real, float imaginary)
        {
            Real = real;
            Imaginary = imaginary;
        }

        /// <summary>The real part.</summary>
        public float Real { get; }

        /// <summary>The imaginary part.</summary>
        public float Imaginary { get; }

        /// <summary>Whether both parts are equal.</summary>
        public bool Equals(Complex64 other) => Real.Equals(other.Real) && Imaginary.Equals(other.Imaginary);

        /// <inheritdoc/>
        public override bool Equals(object other) => other is Complex64 && Equals((Complex64)other);

        /// <inheritdoc/>
        public override int GetHashCode() => Real.GetHashCode() * 31 + Imaginary.GetHashCode();

        /// <summary>Both parts.</summary>
        public override string ToString() => "(" + Real + ", " + Imaginary + ")";
    }

    /// <summary>What is known of dtypes.</summary>
    public static class DTypes
    {
        /// <summary>The bytes of an element; 0 of strings and variants, whose elements have lengths
        /// of their own.</summary>
        public static int Size(this DType dtype) => (int)NativeMethods.ckpt_dtype_size(dtype);

        /// <summary>
        /// The dtype of elements of <typeparamref name="T"/>: <see cref="bool"/>, the integers,
        /// <see cref="float"/>, <see cref="double"/>, <see cref="Complex"/>, <see
        /// cref="Complex64"/>, <see cref="Float16Bits"/> or <see cref="BFloat16Bits"/>. Others are an <see
        /// cref="ArgumentException"/>.
        /// </summary>
        public static DType Of<T>()
            where T : struct => Elements<T>.DType;
    }

    internal static class Elements
    {
        internal static readonly Dictionary<Type, DType> Known = new Dictionary<Type, DType>
        {
            { typeof(bool), DType.Bool }, { typeof(sbyte), DType.Int8 }, { typeof(short), DType.Int16 }, { typeof(int), DType.Int32 },
            { typeof(long), DType.Int64 }, { typeof(byte), DType.UInt8 }, { typeof(ushort), DType.UInt16 },
            { typeof(uint), DType.UInt32 }, { typeof(ulong), DType.UInt64 }, { typeof(float), DType.Float32 },
            { typeof(double), DType.Float64 }, { typeof(Complex64), DType.Complex64 }, { typeof(Complex), DType.Complex128 },
            { typeof(Float16Bits), DType.Float16 }, { typeof(BFloat16Bits), DType.BFloat16 },
        };

        // A span of bytes can be too short for the bytes of all values: of one value it is long
        // enough.
        internal static ref byte First<T>(Span<T> values)
            where T : struct => ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(values.Length > 1 ? values.Slice(0, 1) : values));

        internal static ref byte First<T>(ReadOnlySpan<T> values)
            where T : struct => ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(values.Length > 1 ? values.Slice(0, 1) : values));

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
                throw new CheckpointException(ErrorCode.ResourceExhausted, Reason.Limit, "the tensor is larger than an array can be");
            }
        }

        /// <summary>The dtype of the elements of an array of any rank.</summary>
        internal static DType DTypeOf(Array values)
        {
            DType dtype;
            Type element = values.GetType().GetElementType();
            if (!Known.TryGetValue(element, out dtype))
            {
                throw new ArgumentException("no tensor has elements of " + element, "values");
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
