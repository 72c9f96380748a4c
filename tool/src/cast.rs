//! `--cast`: converts floating-point numbers from one type to another.

use checkpoint::DType;

/// A conversion from one type to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    pub from: DType,
    pub to: DType,
}

const TYPES: [DType; 4] = [DType::Double, DType::Float, DType::Half, DType::Bfloat16];

impl Cast {
    /// Parses `float32=bfloat16`.
    pub fn parse(text: &str) -> Result<Cast, String> {
        let wanted = "expected two different types of float64, float32, float16, bfloat16, as in float32=bfloat16";
        let dtype = |name: &str| DType::from_name(name).filter(|dtype| TYPES.contains(dtype)).ok_or(wanted);
        let (from, to) = text.split_once('=').ok_or(wanted)?;
        let cast = Cast { from: dtype(from)?, to: dtype(to)? };
        if cast.from == cast.to {
            Err(wanted.to_owned())
        } else {
            Ok(cast)
        }
    }

    /// Casts little-endian numbers, rounding once to the nearest, ties to even. Also returns how
    /// many finite numbers were too large and became infinite.
    pub fn apply(self, bytes: &[u8]) -> (Vec<u8>, u64) {
        match self.from {
            DType::Double => self.write(numbers(bytes, f64::from_le_bytes)),
            DType::Float => self.write(numbers(bytes, |b| f64::from(f32::from_le_bytes(b)))),
            DType::Half => self.write(numbers(bytes, |b| widen(u16::from_le_bytes(b), HALF))),
            _ => self.write(numbers(bytes, |b| f64::from(f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)))),
        }
    }

    fn write(self, values: impl ExactSizeIterator<Item = f64>) -> (Vec<u8>, u64) {
        let mut out = Vec::with_capacity(values.len() * self.to.size().unwrap_or(8));
        let mut overflowed = 0;
        for value in values {
            let infinite = match self.to {
                DType::Double => {
                    out.extend_from_slice(&value.to_le_bytes());
                    value.is_infinite()
                }
                DType::Float => {
                    out.extend_from_slice(&(value as f32).to_le_bytes());
                    (value as f32).is_infinite()
                }
                DType::Half => {
                    let bits = narrow(value, HALF);
                    out.extend_from_slice(&bits.to_le_bytes());
                    bits & 0x7fff == 0x7c00
                }
                _ => {
                    let bits = narrow(value, BFLOAT16);
                    out.extend_from_slice(&bits.to_le_bytes());
                    bits & 0x7fff == 0x7f80
                }
            };
            overflowed += u64::from(infinite && value.is_finite());
        }
        (out, overflowed)
    }
}

fn numbers<'b, const N: usize>(bytes: &'b [u8], decode: impl Fn([u8; N]) -> f64 + 'b) -> impl ExactSizeIterator<Item = f64> + 'b {
    bytes.as_chunks::<N>().0.iter().map(move |&bytes| decode(bytes))
}

/// A floating-point format of 16 bits; the sizes are in bits.
#[derive(Clone, Copy)]
struct Format {
    exponent: u32,
    mantissa: u32,
}

const HALF: Format = Format { exponent: 5, mantissa: 10 };
const BFLOAT16: Format = Format { exponent: 8, mantissa: 7 };

/// Converts a number of a 16-bit format to a double, which is always exact.
fn widen(bits: u16, format: Format) -> f64 {
    let bias = (1 << (format.exponent - 1)) - 1;
    let sign = u64::from(bits >> 15) << 63;
    let exponent = u64::from(bits & 0x7fff) >> format.mantissa;
    let mantissa = u64::from(bits) & ((1 << format.mantissa) - 1);
    let magnitude = match exponent {
        0 => mantissa as f64 * 2f64.powi(1 - bias - format.mantissa as i32),
        e if e == (1 << format.exponent) - 1 => f64::from_bits(0x7ff << 52 | mantissa << (52 - format.mantissa)),
        e => f64::from_bits((e + 1023 - bias as u64) << 52 | mantissa << (52 - format.mantissa)),
    };
    f64::from_bits(magnitude.to_bits() | sign)
}

/// Converts a double to a 16-bit format, rounding to the nearest, ties to even.
fn narrow(value: f64, format: Format) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 48 & 0x8000) as u16;
    let infinity = ((1u16 << format.exponent) - 1) << format.mantissa;
    let bias = (1i64 << (format.exponent - 1)) - 1;
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    if exponent == 0x7ff {
        // A NaN stays a NaN: it keeps the upper bits of its payload and becomes quiet.
        let payload = (fraction >> (52 - format.mantissa)) as u16;
        let quiet = if fraction == 0 { 0 } else { 1 << (format.mantissa - 1) };
        return sign | infinity | payload | quiet;
    }
    // All significant bits of the number, and how many of them the format has no room for: more if
    // the result is subnormal.
    let number = fraction | u64::from(exponent > 0) << 52;
    let target = exponent - 1023 + bias;
    let lost = (52 - format.mantissa as i64) + (1 - target).max(0);
    if lost > 54 {
        return sign; // below half of the smallest number; includes all subnormal doubles
    }
    let (kept, rest, half) = (number >> lost, number & ((1 << lost) - 1), 1u64 << (lost - 1));
    let up = rest > half || (rest == half && kept & 1 == 1);
    // The leading bit of a normal number adds one to the exponent, and rounding up may carry into
    // it.
    let magnitude = ((target - 1).max(0) as u64) << format.mantissa;
    let rounded = magnitude + kept + u64::from(up);
    sign | rounded.min(infinity.into()) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the nearest number of the format, found by trying all of them.
    fn nearest(value: f64, format: Format) -> u16 {
        let infinity = ((1u16 << format.exponent) - 1) << format.mantissa;
        let limit = widen(infinity - 1, format);
        let step = limit - widen(infinity - 2, format);
        if value.abs() >= limit + step / 2.0 {
            return infinity | u16::from(value.is_sign_negative()) << 15;
        }
        let distance = |bits: &u16| (widen(*bits, format) - value.abs()).abs();
        let best = (0..infinity).min_by(|a, b| distance(a).total_cmp(&distance(b)).then((a & 1).cmp(&(b & 1)))).unwrap();
        best | u16::from(value.is_sign_negative()) << 15
    }

    #[test]
    fn every_number_widened_narrows_to_itself() {
        for format in [HALF, BFLOAT16] {
            for bits in 0..=u16::MAX {
                let value = widen(bits, format);
                let quiet = if value.is_nan() { 1 << (format.mantissa - 1) } else { 0 };
                assert_eq!(narrow(value, format), bits | quiet);
            }
        }
        for bits in 0..=u16::MAX {
            let value = f64::from(f32::from_bits(u32::from(bits) << 16));
            assert!(widen(bits, BFLOAT16) == value || value.is_nan());
        }
    }

    #[test]
    fn numbers_between_round_to_the_nearest() {
        let mut state = 1u64;
        for format in [HALF, BFLOAT16] {
            let infinity = ((1u16 << format.exponent) - 1) << format.mantissa;
            for _ in 0..60 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let bits = (state >> 33) as u16 % (infinity - 1);
                let (low, high) = (widen(bits, format), widen(bits + 1, format));
                let middle = low + (high - low) / 2.0;
                for value in [middle, middle.next_up(), middle.next_down(), low + (high - low) * 0.3, -middle] {
                    assert_eq!(narrow(value, format), nearest(value, format), "{value:e}");
                }
            }
            let largest = widen(infinity - 1, format);
            let edge = largest + (largest - widen(infinity - 2, format)) / 2.0;
            assert_eq!(narrow(edge, format), infinity);
            assert_eq!(narrow(edge.next_down(), format), infinity - 1);
            assert_eq!(narrow(f64::MAX, format), infinity);
            let smallest = widen(1, format);
            assert_eq!((narrow(smallest / 2.0, format), narrow((smallest / 2.0).next_up(), format)), (0, 1));
            assert_eq!((narrow(5e-324, format), narrow(-0.0, format)), (0, 0x8000));
        }
    }

    #[test]
    fn what_becomes_infinite_is_counted() {
        let cast = Cast::parse("float64=float16").unwrap();
        let bytes: Vec<u8> = [1.0, 65520.0, f64::INFINITY, -1e300, f64::NAN].iter().flat_map(|v: &f64| v.to_le_bytes()).collect();
        assert_eq!(cast.apply(&bytes), (vec![0, 0x3c, 0, 0x7c, 0, 0x7c, 0, 0xfc, 0, 0x7e], 2));
        for text in ["float32", "float32=float32", "float32=int8", "=", "float8_e5m2=float32"] {
            assert!(Cast::parse(text).is_err(), "{text}");
        }
    }
}
