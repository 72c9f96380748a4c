//! Decodes elements: the meaning of the bytes of each dtype.

use checkpoint::{DType, Strings};

use super::float::{Float, Minifloat};

/// Decoded elements, grouped by how they are formatted.
pub enum Values {
    Integers(Vec<i128>),
    Floats(Vec<f64>, Float),
    Complex(Vec<(f64, f64)>, Float),
    Bools(Vec<bool>),
    /// Elements of a string tensor.
    Strings(Vec<Vec<u8>>),
    /// Serialized elements of a variant tensor.
    Variants(Vec<Vec<u8>>),
}

impl Values {
    /// Returns the elements at the given positions of a string or variant tensor.
    pub fn of_strings(dtype: DType, strings: &Strings, positions: &[usize]) -> Values {
        let elements = positions.iter().map(|&i| strings.get(i).unwrap_or_default().to_vec()).collect();
        match dtype {
            DType::Variant => Values::Variants(elements),
            _ => Values::Strings(elements),
        }
    }

    /// Decodes little-endian elements of a fixed-size dtype. `None` for a dtype that this version
    /// does not know.
    pub fn decode(dtype: DType, bytes: &[u8]) -> Option<Values> {
        /// One number from the little-endian bytes of an element.
        macro_rules! le {
            ($type:ty) => {
                |e: &[u8]| <$type>::from_le_bytes(e.try_into().unwrap_or_default())
            };
        }
        let elements = bytes.chunks_exact(dtype.size()?);
        macro_rules! integers {
            ($type:ty) => {
                Values::Integers(elements.map(le!($type)).map(i128::from).collect())
            };
        }
        let mini = |format: Minifloat| {
            let decode = |e: &[u8]| format.decode(e.iter().rev().fold(0, |bits, &byte| bits << 8 | u32::from(byte)));
            Values::Floats(bytes.chunks_exact(dtype.size().unwrap_or(1)).map(decode).collect(), Float::Mini(format))
        };
        // The value of a sub-byte integer is in the low bits of its byte; the other bits are
        // ignored.
        let low = |bits: u32, signed: bool| {
            let value = move |&byte: &u8| {
                let value = i128::from(byte) & ((1 << bits) - 1);
                if signed && value >> (bits - 1) == 1 {
                    value - (1 << bits)
                } else {
                    value
                }
            };
            Values::Integers(bytes.iter().map(value).collect())
        };
        Some(match dtype {
            DType::Int8 | DType::Qint8 => integers!(i8),
            DType::Uint8 | DType::Quint8 => integers!(u8),
            DType::Int16 | DType::Qint16 => integers!(i16),
            DType::Uint16 | DType::Quint16 => integers!(u16),
            DType::Int32 | DType::Qint32 => integers!(i32),
            DType::Uint32 => integers!(u32),
            DType::Int64 => integers!(i64),
            DType::Uint64 => integers!(u64),
            DType::Int4 => low(4, true),
            DType::Uint4 => low(4, false),
            DType::Int2 => low(2, true),
            DType::Uint2 => low(2, false),
            DType::Bool => Values::Bools(bytes.iter().map(|&byte| byte != 0).collect()),
            DType::Float => Values::Floats(elements.map(le!(f32)).map(f64::from).collect(), Float::F32),
            DType::Double => Values::Floats(elements.map(le!(f64)).collect(), Float::F64),
            DType::Complex64 => {
                let pair = |e: &[u8]| (f64::from(le!(f32)(&e[..4])), f64::from(le!(f32)(&e[4..])));
                Values::Complex(elements.map(pair).collect(), Float::F32)
            }
            DType::Complex128 => Values::Complex(elements.map(|e| (le!(f64)(&e[..8]), le!(f64)(&e[8..]))).collect(), Float::F64),
            DType::Half => mini(Minifloat::HALF),
            DType::Bfloat16 => mini(Minifloat::BFLOAT16),
            DType::Float8E5m2 => mini(Minifloat::E5M2),
            DType::Float8E4m3fn => mini(Minifloat::E4M3FN),
            DType::Float8E4m3fnuz => mini(Minifloat::E4M3FNUZ),
            DType::Float8E4m3b11fnuz => mini(Minifloat::E4M3B11FNUZ),
            DType::Float8E5m2fnuz => mini(Minifloat::E5M2FNUZ),
            DType::Float4E2m1fn => mini(Minifloat::E2M1FN),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_byte_integers_are_in_the_low_bits() {
        let integers = |dtype, bytes: &[u8]| match Values::decode(dtype, bytes) {
            Some(Values::Integers(values)) => values,
            _ => panic!("not integers"),
        };
        assert_eq!(integers(DType::Int4, &[0x08, 0x0f, 0x00, 0x07, 0xf7]), [-8, -1, 0, 7, 7]);
        assert_eq!(integers(DType::Uint4, &[0x08, 0x0f, 0x1f]), [8, 15, 15]);
        assert_eq!(integers(DType::Int2, &[0x02, 0x03, 0x01]), [-2, -1, 1]);
        assert_eq!(integers(DType::Uint2, &[0x02, 0x03, 0x07]), [2, 3, 3]);
    }

    #[test]
    fn every_fixed_size_dtype_decodes() {
        for dtype in DType::all() {
            assert_eq!(Values::decode(dtype, &[0; 16]).is_some(), dtype.size().is_some(), "{dtype}");
        }
    }
}
