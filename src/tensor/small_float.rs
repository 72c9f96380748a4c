//! Floating-point formats, and conversions from and to those of at most 16 bits.

use super::DType;

/// A floating-point format. The sizes are in bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    exponent: u32,
    mantissa: u32,
    bias: i32,
    extremes: Extremes,
}

/// What the largest bit patterns mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extremes {
    /// Infinity and NaNs, as in IEEE 754.
    Ieee,
    /// A NaN, and no infinity.
    Nan,
    /// Numbers. The pattern of negative zero is the only NaN.
    NanIsNegativeZero,
    /// Numbers, and there is no NaN.
    Numbers,
}

impl Format {
    /// Returns the format of a dtype of floating-point numbers; `None` for other dtypes.
    pub fn of(dtype: DType) -> Option<Format> {
        use Extremes::{Ieee, Nan, NanIsNegativeZero, Numbers};
        let (exponent, mantissa, bias, extremes) = match dtype {
            DType::Double => (11, 52, 1023, Ieee),
            DType::Float => (8, 23, 127, Ieee),
            DType::Bfloat16 => (8, 7, 127, Ieee),
            DType::Half => (5, 10, 15, Ieee),
            DType::Float8E5m2 => (5, 2, 15, Ieee),
            DType::Float8E4m3fn => (4, 3, 7, Nan),
            DType::Float8E4m3fnuz => (4, 3, 8, NanIsNegativeZero),
            DType::Float8E4m3b11fnuz => (4, 3, 11, NanIsNegativeZero),
            DType::Float8E5m2fnuz => (5, 2, 16, NanIsNegativeZero),
            DType::Float4E2m1fn => (2, 1, 1, Numbers),
            _ => return None,
        };
        Some(Format { exponent, mantissa, bias, extremes })
    }

    /// Returns the number of significant bits.
    pub fn precision(self) -> u32 {
        self.mantissa + 1
    }

    /// Returns whether this format has every value of `other`, infinities and negative zero
    /// included.
    pub fn has_all_of(self, other: Format) -> bool {
        let largest = |f: Format| (1 << f.exponent) - 1 - i32::from(f.extremes == Extremes::Ieee) - f.bias;
        let smallest = |f: Format| 1 - f.bias - f.mantissa as i32;
        let is_lost = |extremes: &[Extremes]| extremes.contains(&other.extremes) && !extremes.contains(&self.extremes);
        self.mantissa >= other.mantissa
            && largest(self) >= largest(other)
            && smallest(self) <= smallest(other)
            && !is_lost(&[Extremes::Ieee])
            && !(self.extremes == Extremes::NanIsNegativeZero && other.extremes != Extremes::NanIsNegativeZero)
    }

    fn sign(self) -> u32 {
        1 << (self.exponent + self.mantissa)
    }

    /// Returns the largest magnitude, infinities and NaNs not counted, as a bit pattern.
    fn largest(self) -> u32 {
        match self.extremes {
            Extremes::Ieee => (((1 << self.exponent) - 1) << self.mantissa) - 1,
            Extremes::Nan => self.sign() - 2,
            Extremes::NanIsNegativeZero | Extremes::Numbers => self.sign() - 1,
        }
    }

    /// Returns the number with these bits. The format has at most 16 bits, so that this is exact;
    /// higher bits are ignored.
    pub fn widen(self, bits: u32) -> f32 {
        let sign = if bits & self.sign() == 0 { 0 } else { 1 << 31 };
        let magnitude = bits & (self.sign() - 1);
        let nan = f32::from_bits(0x7fc0_0000 | sign);
        if self.extremes == Extremes::NanIsNegativeZero && sign != 0 && magnitude == 0 {
            return nan;
        }
        if magnitude > self.largest() {
            let is_infinite = self.extremes == Extremes::Ieee && magnitude == self.largest() + 1;
            return if is_infinite { f32::from_bits(0x7f80_0000 | sign) } else { nan };
        }
        let (exponent, mantissa) = (magnitude >> self.mantissa, magnitude & ((1 << self.mantissa) - 1));
        let significand = if exponent == 0 { mantissa } else { mantissa | 1 << self.mantissa };
        let power = exponent.max(1) as i32 - self.bias - self.mantissa as i32;
        // A power of two, in two factors: the smallest numbers of bfloat16 are subnormal.
        let scale = |power: i32| f32::from_bits(((127 + power) as u32) << 23);
        let number = significand as f32 * scale(power / 2) * scale(power - power / 2);
        f32::from_bits(number.to_bits() | sign)
    }

    /// Returns the bits of the nearest number of the format, which has at most 16 bits; ties go to
    /// even. What is too large becomes infinity, or NaN if there is no infinity, or the largest
    /// number if there is no NaN either. A NaN keeps its sign where NaNs have one.
    pub fn narrow(self, value: f64) -> u32 {
        let bits = value.to_bits();
        let sign = if bits >> 63 == 0 { 0 } else { self.sign() };
        let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
        if exponent == 0x7ff && fraction != 0 {
            return match self.extremes {
                Extremes::Ieee => sign | (self.largest() + 1) | 1 << (self.mantissa - 1),
                Extremes::Nan => sign | (self.largest() + 1),
                Extremes::NanIsNegativeZero => self.sign(),
                // As ml_dtypes has it.
                Extremes::Numbers => sign ^ self.sign(),
            };
        }
        let magnitude = if exponent == 0x7ff { u64::MAX } else { self.rounded(exponent, fraction) };
        let largest = u64::from(self.largest());
        match self.extremes {
            Extremes::Ieee | Extremes::Nan => sign | magnitude.min(largest + 1) as u32,
            Extremes::Numbers => sign | magnitude.min(largest) as u32,
            Extremes::NanIsNegativeZero if magnitude > largest => self.sign(),
            Extremes::NanIsNegativeZero if magnitude == 0 => 0,
            Extremes::NanIsNegativeZero => sign | magnitude as u32,
        }
    }

    /// Returns the magnitude of a double with this exponent and fraction, rounded, as if there were
    /// exponents of any size.
    fn rounded(self, exponent: i32, fraction: u64) -> u64 {
        // All significant bits, and how many of them the format has no room for: more if the result
        // is subnormal.
        let number = fraction | u64::from(exponent > 0) << 52;
        let target = exponent - 1023 + self.bias;
        let lost = (52 - self.mantissa as i32) + (1 - target).max(0);
        if lost > 54 {
            return 0; // below half of the smallest number; includes all subnormal doubles
        }
        let (kept, rest, half) = (number >> lost, number & ((1 << lost) - 1), 1u64 << (lost - 1));
        let up = rest > half || (rest == half && kept & 1 == 1);
        // The leading bit of a normal number adds one to the exponent, and rounding up may carry
        // into it.
        let magnitude = ((target - 1).max(0) as u64) << self.mantissa;
        magnitude + kept + u64::from(up)
    }
}

/// Widens a number of half precision. Unlike [`Format::widen`] it can be done for several at once.
#[inline(always)]
pub(super) fn widen_half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff) << 13;
    // Subnormal numbers become normal ones by subtracting the leading bit that they lack.
    let smallest = 113 << 23;
    let subnormal = (f32::from_bits(magnitude | smallest) - f32::from_bits(smallest)).to_bits();
    let exponent = magnitude & (0x1f << 23);
    let extreme = if exponent == 0x1f << 23 { (255 - 31 - 112) << 23 } else { 0 };
    let normal = magnitude + (112 << 23) + extreme;
    f32::from_bits(sign | if exponent == 0 { subnormal } else { normal })
}

/// Rounds a number to bfloat16, as [`Format::narrow`] does, but for several at once.
#[inline(always)]
pub(super) fn narrow_bfloat16(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let nan = bits >> 16 & 0x8000 | 0x7fc0;
    (if bits & 0x7fff_ffff > 0x7f80_0000 { nan } else { rounded }) as u16
}
