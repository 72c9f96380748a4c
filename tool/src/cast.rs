//! `--cast`: converts floating-point numbers from one type to another.

use checkpoint::{convert_values, Conversion, DType};

use crate::failure::Outcome;

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

    /// Casts numbers. Also returns how many finite numbers were too large and became infinite.
    pub fn apply(self, bytes: &[u8]) -> Outcome<(Vec<u8>, u64)> {
        let out = converted(self.from, bytes, self.to)?;
        let (before, after) = (converted(self.from, bytes, DType::Double)?, converted(self.to, &out, DType::Double)?);
        let is_infinite = |number: &[u8; 8]| f64::from_ne_bytes(*number).is_infinite();
        let numbers = before.as_chunks().0.iter().zip(after.as_chunks().0);
        let overflowed = numbers.filter(|(before, after)| is_infinite(after) && !is_infinite(before)).count();
        Ok((out, overflowed as u64))
    }
}

fn converted(from: DType, bytes: &[u8], to: DType) -> Outcome<Vec<u8>> {
    let elements = bytes.len() / from.size().unwrap_or(1);
    let mut out = vec![0; elements * to.size().unwrap_or(1)];
    convert_values(Conversion::Lossy, from, bytes, to, &mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_infinite_is_counted() {
        let cast = Cast::parse("float64=float16").unwrap();
        let bytes: Vec<u8> = [1.0, 65520.0, f64::INFINITY, -1e300, f64::NAN].iter().flat_map(|v: &f64| v.to_le_bytes()).collect();
        assert_eq!(cast.apply(&bytes).ok(), Some((vec![0, 0x3c, 0, 0x7c, 0, 0x7c, 0, 0xfc, 0, 0x7e], 2)));
        for text in ["float32", "float32=float32", "float32=int8", "=", "float8_e5m2=float32"] {
            assert!(Cast::parse(text).is_err(), "{text}");
        }
    }
}
