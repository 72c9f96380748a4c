//! Floating-point formats: decodes small formats, and finds the shortest decimal digits that read
//! back as the same value.

use std::ops::{Bound, RangeBounds};

/// A floating-point format whose values can be written with the shortest digits.
#[derive(Clone, Copy)]
pub enum Float {
    F64,
    F32,
    Mini(Minifloat),
}

/// A floating-point format of at most 16 bits: sign, exponent, mantissa, from the high bits down.
#[derive(Clone, Copy)]
pub struct Minifloat {
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    special: Special,
}

/// Which bit patterns are not ordinary numbers.
#[derive(Clone, Copy, PartialEq)]
enum Special {
    /// The highest exponent is infinity or NaN, as in IEEE 754.
    Ieee,
    /// `fn` (finite): no infinity; NaN has all bits set.
    AllOnesIsNan,
    /// `fnuz` (finite, unsigned zero): no infinity; NaN has the pattern of minus zero.
    MinusZeroIsNan,
    /// Every pattern is a number.
    None,
}

impl Minifloat {
    pub const HALF: Minifloat = Minifloat::new(5, 10, 15, Special::Ieee);
    pub const BFLOAT16: Minifloat = Minifloat::new(8, 7, 127, Special::Ieee);
    pub const E5M2: Minifloat = Minifloat::new(5, 2, 15, Special::Ieee);
    pub const E4M3FN: Minifloat = Minifloat::new(4, 3, 7, Special::AllOnesIsNan);
    pub const E4M3FNUZ: Minifloat = Minifloat::new(4, 3, 8, Special::MinusZeroIsNan);
    pub const E4M3B11FNUZ: Minifloat = Minifloat::new(4, 3, 11, Special::MinusZeroIsNan);
    pub const E5M2FNUZ: Minifloat = Minifloat::new(5, 2, 16, Special::MinusZeroIsNan);
    pub const E2M1FN: Minifloat = Minifloat::new(2, 1, 1, Special::None);

    const fn new(exponent_bits: u32, mantissa_bits: u32, bias: i32, special: Special) -> Minifloat {
        Minifloat { exponent_bits, mantissa_bits, bias, special }
    }

    /// Returns the value of a bit pattern; bits above the format's are ignored.
    pub fn decode(&self, bits: u32) -> f64 {
        let width = self.exponent_bits + self.mantissa_bits;
        let negative = bits >> width & 1 == 1;
        let magnitude = bits & ((1 << width) - 1);
        let exponent = magnitude >> self.mantissa_bits;
        let mantissa = magnitude & ((1 << self.mantissa_bits) - 1);
        let value = match self.special {
            Special::Ieee if exponent == (1 << self.exponent_bits) - 1 && mantissa == 0 => f64::INFINITY,
            Special::Ieee if exponent == (1 << self.exponent_bits) - 1 => f64::NAN,
            Special::AllOnesIsNan if magnitude == (1 << width) - 1 => f64::NAN,
            Special::MinusZeroIsNan if negative && magnitude == 0 => f64::NAN,
            _ => self.finite(magnitude),
        };
        if negative {
            -value
        } else {
            value
        }
    }

    /// Returns the value of a magnitude, ignoring special patterns. Always exact in a double.
    fn finite(&self, magnitude: u32) -> f64 {
        let exponent = (magnitude >> self.mantissa_bits) as i32;
        let mantissa = f64::from(magnitude & ((1 << self.mantissa_bits) - 1));
        let one = f64::from(1 << self.mantissa_bits);
        match exponent {
            0 => mantissa / one * 2f64.powi(1 - self.bias),
            _ => (1.0 + mantissa / one) * 2f64.powi(exponent - self.bias),
        }
    }

    /// Returns the interval of real numbers that round to the positive value `value` of this
    /// format, ties to even.
    fn rounds_to(&self, value: f64) -> (Bound<f64>, Bound<f64>) {
        // Magnitudes are ordered like their bit patterns, so the pattern of `value` can be
        // searched.
        let patterns = 1u32 << (self.exponent_bits + self.mantissa_bits);
        let (mut low, mut high) = (0, patterns);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.finite(middle) <= value {
                low = middle
            } else {
                high = middle
            }
        }
        let below = self.finite(low.saturating_sub(1));
        let ends = ((below + value) / 2.0, (value + self.finite(low + 1)) / 2.0);
        match low % 2 {
            0 => (Bound::Included(ends.0), Bound::Included(ends.1)),
            _ => (Bound::Excluded(ends.0), Bound::Excluded(ends.1)),
        }
    }
}

/// The decimal digits of a finite, non-negative value: `d.ddd × 10^exponent`.
pub struct Digits {
    pub digits: String,
    pub exponent: i32,
}

impl Float {
    /// Returns the fewest digits that read back as `value` in this format; of several such numbers,
    /// the nearest to `value`.
    pub fn shortest(&self, value: f64) -> Digits {
        match self {
            Float::F64 => Digits::of(&format!("{value:e}")).evenly(value, |text| text.parse() == Ok(value)),
            Float::F32 => Digits::of(&format!("{:e}", value as f32)).evenly(value, |text| text.parse() == Ok(value as f32)),
            // Values of 8-bit formats are written exactly: 448 would shorten to 450, which
            // misleads, and the exact values are short anyway.
            Float::Mini(format) if value == 0.0 || format.mantissa_bits < 7 => Digits::of(&format!("{value:e}")),
            Float::Mini(format) => {
                let interval = format.rounds_to(value);
                let reads_back = |text: &String| text.parse::<f64>().is_ok_and(|read| interval.contains(&read));
                let shortest = (0..17).map(|fraction| format!("{value:.fraction$e}")).find(reads_back);
                Digits::of(&shortest.unwrap_or_else(|| format!("{value:e}")))
            }
        }
    }

    /// The magnitude from which NumPy uses exponents: 10^8, or less for formats with fewer digits.
    pub fn exponent_from(&self) -> f64 {
        match self {
            Float::F64 => 1e8,
            Float::F32 => 1e6,
            Float::Mini(_) => 1e3,
        }
    }
}

impl Digits {
    /// Parses `d.ddde-7` and drops trailing zeros.
    fn of(text: &str) -> Digits {
        let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let digits = digits.replace('.', "");
        let digits = match digits.trim_end_matches('0') {
            "" => "0",
            digits => digits,
        };
        Digits { digits: digits.to_owned(), exponent: exponent.parse().unwrap_or(0) }
    }

    /// Keeps the number of digits but, of two candidates equally near to the value, takes the even
    /// one, as NumPy does.
    fn evenly(self, value: f64, reads_back: impl Fn(&str) -> bool) -> Digits {
        let fraction = self.digits.len() - 1;
        let text = format!("{value:.fraction$e}");
        if reads_back(&text) {
            Digits::of(&text)
        } else {
            self
        }
    }

    /// Formats without exponent, `12.`, `0.5`, with at most `precision` digits after the point.
    /// `value` is the value that the digits represent.
    pub fn positional(&self, value: f64, precision: Option<usize>) -> String {
        let fraction = (self.digits.len() as i32 - 1 - self.exponent).max(0) as usize;
        if let Some(precision) = precision.filter(|&precision| fraction > precision) {
            let rounded = format!("{value:.precision$}");
            return rounded.trim_end_matches('0').to_owned();
        }
        if self.exponent < 0 {
            return format!("0.{}{}", "0".repeat((-self.exponent - 1) as usize), self.digits);
        }
        let whole = self.exponent as usize + 1;
        if self.digits.len() > whole {
            format!("{}.{}", &self.digits[..whole], &self.digits[whole..])
        } else {
            format!("{}{}.", self.digits, "0".repeat(whole - self.digits.len()))
        }
    }

    /// Formats with exponent, `d.ddde±dd`, as parts: the digit before the point, the digits after
    /// it, and the exponent.
    pub fn scientific(&self, value: f64, precision: Option<usize>) -> (String, String, i32) {
        let digits = match precision.filter(|&precision| self.digits.len() - 1 > precision) {
            Some(precision) => &Digits::of(&format!("{value:.precision$e}")),
            None => self,
        };
        (digits.digits[..1].to_owned(), digits.digits[1..].to_owned(), digits.exponent)
    }

    /// Formats the exact value with exponent and `fraction` digits after the point, as parts.
    pub fn exactly(value: f64, fraction: usize) -> (String, String, i32) {
        let text = format!("{value:.fraction$e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        (whole.to_owned(), fraction.to_owned(), exponent.parse().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of ml_dtypes and NumPy.
    #[test]
    fn small_formats_decode_as_ml_dtypes_does() {
        let table = [
            (Minifloat::HALF, 0x3c00, 1.0),
            (Minifloat::HALF, 0x0001, 5.960464477539063e-8),
            (Minifloat::HALF, 0x7bff, 65504.0),
            (Minifloat::HALF, 0xfc00, f64::NEG_INFINITY),
            (Minifloat::BFLOAT16, 0x3dcd, 0.10009765625),
            (Minifloat::BFLOAT16, 0x7f7f, 3.3895313892515355e38),
            (Minifloat::E5M2, 0x7b, 57344.0),
            (Minifloat::E5M2, 0x7c, f64::INFINITY),
            (Minifloat::E4M3FN, 0x7e, 448.0),
            (Minifloat::E4M3FN, 0x01, 0.001953125),
            (Minifloat::E4M3FNUZ, 0x7f, 240.0),
            (Minifloat::E4M3B11FNUZ, 0x7f, 30.0),
            (Minifloat::E5M2FNUZ, 0x7f, 57344.0),
            (Minifloat::E2M1FN, 0x09, -0.5),
            (Minifloat::E2M1FN, 0x07, 6.0),
            (Minifloat::E2M1FN, 0xf7, 6.0),
        ];
        for (format, bits, value) in table {
            assert_eq!(format.decode(bits), value, "{bits:#x}");
        }
        for (format, bits) in [
            (Minifloat::HALF, 0x7e00),
            (Minifloat::E5M2, 0x7d),
            (Minifloat::E4M3FN, 0x7f),
            (Minifloat::E4M3FN, 0xff),
            (Minifloat::E4M3FNUZ, 0x80),
        ] {
            assert!(format.decode(bits).is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn the_shortest_digits_read_back() {
        let text = |float: Float, value: f64| float.shortest(value).positional(value, None);
        assert_eq!(text(Float::F32, f64::from(0.1f32)), "0.1");
        assert_eq!(text(Float::F64, 0.1), "0.1");
        assert_eq!(text(Float::Mini(Minifloat::HALF), Minifloat::HALF.decode(0x2e66)), "0.1");
        assert_eq!(text(Float::Mini(Minifloat::BFLOAT16), 0.10009765625), "0.1");
        assert_eq!(text(Float::Mini(Minifloat::HALF), 65504.0), "65500.");
        assert_eq!(text(Float::Mini(Minifloat::E4M3FN), 448.0), "448.");
        assert_eq!(text(Float::F64, 1e22), "10000000000000000000000.");
        assert_eq!(text(Float::F64, 0.0), "0.");
        for bits in 1..0x7c00 {
            let value = Minifloat::HALF.decode(bits);
            let read: f64 = text(Float::Mini(Minifloat::HALF), value).parse().unwrap();
            assert!(Minifloat::HALF.rounds_to(value).contains(&read), "{bits:#x}");
        }
    }
}
