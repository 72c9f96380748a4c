using System;
using System.Globalization;
using System.Numerics;

namespace LibCheckpoint
{
    /// <summary>The bits of an IEEE half-precision number, for runtimes that have no
    /// <c>System.Half</c>, and where the bits matter.</summary>
    public readonly struct Float16Bits : IEquatable<Float16Bits>
    {
        /// <summary>Makes one of its bits.</summary>
        public Float16Bits(ushort bits)
        {
            Bits = bits;
        }

        /// <summary>The bits.</summary>
        public ushort Bits { get; }

        /// <summary>The number as a <see cref="float"/>, which has all of their values.</summary>
        public static implicit operator float(Float16Bits value) => value.ToSingle();

        /// <summary>The nearest number to a <see cref="float"/>, ties to even.</summary>
        public static explicit operator Float16Bits(float value) => FromSingle(value);

        /// <summary>Whether the bits are the same.</summary>
        public static bool operator ==(Float16Bits left, Float16Bits right) => left.Equals(right);

        /// <summary>Whether the bits are others.</summary>
        public static bool operator !=(Float16Bits left, Float16Bits right) => !left.Equals(right);
#if NET5_0_OR_GREATER

        /// <summary>The same number.</summary>
        public static implicit operator Half(Float16Bits value) => BitConverter.Int16BitsToHalf((short)value.Bits);

        /// <summary>The same number.</summary>
        public static implicit operator Float16Bits(Half value) => new Float16Bits((ushort)BitConverter.HalfToInt16Bits(value));
#endif

        /// <summary>The number as a <see cref="float"/>, which has all of their values. For many,
        /// <c>Conversions.Convert</c> is faster.</summary>
        public float ToSingle() => Conversions.ToSingle(DType.Float16, Bits);

        /// <summary>The nearest number to a <see cref="float"/>, ties to even.</summary>
        public static Float16Bits FromSingle(float value) => new Float16Bits(Conversions.FromSingle(DType.Float16, value));

        /// <summary>Whether the bits are the same.</summary>
        public bool Equals(Float16Bits other) => Bits == other.Bits;

        /// <inheritdoc/>
        public override bool Equals(object obj) => obj is Float16Bits && Equals((Float16Bits)obj);

        /// <inheritdoc/>
        public override int GetHashCode() => Bits;

        /// <summary>The number, as a <see cref="float"/> is written in the invariant
        /// culture.</summary>
        public override string ToString() => ToSingle().ToString(CultureInfo.InvariantCulture);
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

        /// <summary>The number as a <see cref="float"/>, which has all of their values.</summary>
        public static implicit operator float(BFloat16Bits value) => value.ToSingle();

        /// <summary>The nearest number to a <see cref="float"/>, ties to even.</summary>
        public static explicit operator BFloat16Bits(float value) => FromSingle(value);

        /// <summary>Whether the bits are the same.</summary>
        public static bool operator ==(BFloat16Bits left, BFloat16Bits right) => left.Equals(right);

        /// <summary>Whether the bits are others.</summary>
        public static bool operator !=(BFloat16Bits left, BFloat16Bits right) => !left.Equals(right);

        /// <summary>The number as a <see cref="float"/>, which has all of their values. For many,
        /// <c>Conversions.Convert</c> is faster.</summary>
        public float ToSingle() => Conversions.ToSingle(DType.BFloat16, Bits);

        /// <summary>The nearest number to a <see cref="float"/>, ties to even.</summary>
        public static BFloat16Bits FromSingle(float value) => new BFloat16Bits(Conversions.FromSingle(DType.BFloat16, value));

        /// <summary>Whether the bits are the same.</summary>
        public bool Equals(BFloat16Bits other) => Bits == other.Bits;

        /// <inheritdoc/>
        public override bool Equals(object obj) => obj is BFloat16Bits && Equals((BFloat16Bits)obj);

        /// <inheritdoc/>
        public override int GetHashCode() => Bits;

        /// <summary>The number, as a <see cref="float"/> is written in the invariant
        /// culture.</summary>
        public override string ToString() => ToSingle().ToString(CultureInfo.InvariantCulture);
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

        /// <summary>The same number of larger parts.</summary>
        public static implicit operator Complex(Complex64 value) => new Complex(value.Real, value.Imaginary);

        /// <summary>Whether both parts are equal.</summary>
        public static bool operator ==(Complex64 left, Complex64 right) => left.Equals(right);

        /// <summary>Whether a part is another.</summary>
        public static bool operator !=(Complex64 left, Complex64 right) => !left.Equals(right);

        /// <summary>Whether both parts are equal.</summary>
        public bool Equals(Complex64 other) => Real.Equals(other.Real) && Imaginary.Equals(other.Imaginary);

        /// <inheritdoc/>
        public override bool Equals(object obj) => obj is Complex64 && Equals((Complex64)obj);

        /// <inheritdoc/>
        public override int GetHashCode() => Real.GetHashCode() * 31 + Imaginary.GetHashCode();

        /// <summary>Both parts.</summary>
        public override string ToString() =>
            "(" + Real.ToString(CultureInfo.InvariantCulture) + ", " + Imaginary.ToString(CultureInfo.InvariantCulture) + ")";
    }
}
