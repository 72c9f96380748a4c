using System;
using System.Runtime.InteropServices;

namespace LibCheckpoint
{
    /// <summary>Values in another dtype.</summary>
    public static class Conversions
    {
        /// <summary>Converts values to as many elements of another type, as tensors are converted
        /// that are read or restored.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.InvalidArgument"/> when the
        /// conversion does not convert between the types, an integer does not fit, or there are not
        /// as many. Nothing is converted then.</exception>
        public static void Convert<TFrom, TTo>(ReadOnlySpan<TFrom> values, Span<TTo> result, Conversion conversion)
            where TFrom : struct
            where TTo : struct =>
            Convert(
                Elements<TFrom>.DType, MemoryMarshal.AsBytes(values), Elements<TTo>.DType, MemoryMarshal.AsBytes(result), conversion);

        /// <summary>The same with the bytes of elements in native order, for dtypes that C# has no
        /// type for.</summary>
        public static unsafe void Convert(
            DType from, ReadOnlySpan<byte> values, DType to, Span<byte> result, Conversion conversion)
        {
            fixed (byte* first = &MemoryMarshal.GetReference(values))
            fixed (byte* place = &MemoryMarshal.GetReference(result))
            {
                NativeMethods.ckpt_convert_values(
                    conversion, from, (IntPtr)first, values.Length, to, (IntPtr)place, result.Length);
            }
        }

        /// <summary>The <see cref="float"/> that a small floating-point number of a dtype is:
        /// float16, bfloat16, one of the float8 types or float4.</summary>
        public static float ToSingle(DType dtype, ushort bits)
        {
            Span<ushort> value = stackalloc ushort[1];
            value[0] = bits;
            Span<float> result = stackalloc float[1];
            Convert(dtype, Small(dtype, value), DType.Float32, MemoryMarshal.AsBytes(result), Conversion.Exact);
            return result[0];
        }

        /// <summary>The bits of the small floating-point number of a dtype that is nearest to a
        /// <see cref="float"/>, ties to even.</summary>
        public static ushort FromSingle(DType dtype, float value)
        {
            Span<float> values = stackalloc float[1];
            values[0] = value;
            Span<ushort> result = stackalloc ushort[1];
            Convert(DType.Float32, MemoryMarshal.AsBytes(values), dtype, Small(dtype, result), Conversion.Lossy);
            return result[0];
        }

        private static Span<byte> Small(DType dtype, Span<ushort> value)
        {
            int size = dtype.Size();
            if (size != 1 && size != 2)
            {
                throw new ArgumentException("a floating-point number of one or two bytes is needed, not " + dtype.Name());
            }
            return MemoryMarshal.AsBytes(value).Slice(0, size);
        }
    }
}
