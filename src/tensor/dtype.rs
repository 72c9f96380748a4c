//! Element types, with TensorFlow's numbers (`types.proto`).

use std::ffi::CStr;
use std::fmt;

use crate::error::{Error, Reason, Result};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are the documentation; TABLE gives sizes and spellings
pub enum DType {
    Float = 1,
    Double = 2,
    Int32 = 3,
    Uint8 = 4,
    Int16 = 5,
    Int8 = 6,
    String = 7,
    Complex64 = 8,
    Int64 = 9,
    Bool = 10,
    Qint8 = 11,
    Quint8 = 12,
    Qint32 = 13,
    Bfloat16 = 14,
    Qint16 = 15,
    Quint16 = 16,
    Uint16 = 17,
    Complex128 = 18,
    Half = 19,
    Variant = 21,
    Uint32 = 22,
    Uint64 = 23,
    Float8E5m2 = 24,
    Float8E4m3fn = 25,
    Float8E4m3fnuz = 26,
    Float8E4m3b11fnuz = 27,
    Float8E5m2fnuz = 28,
    Int4 = 29,
    Uint4 = 30,
    Int2 = 31,
    Uint2 = 32,
    Float4E2m1fn = 33,
}

/// A row of `TABLE`: the dtype; bytes per element; bytes reversed together when a file of the other
/// byte order is read; Python's name; protobuf's name. Sub-byte types take a whole byte each.
/// Strings and variants have no fixed size, given as 0.
type Row = (DType, usize, usize, &'static CStr, &'static str);
const TABLE: [Row; 32] = [
    (DType::Float, 4, 4, c"float32", "DT_FLOAT"),
    (DType::Double, 8, 8, c"float64", "DT_DOUBLE"),
    (DType::Int32, 4, 4, c"int32", "DT_INT32"),
    (DType::Uint8, 1, 1, c"uint8", "DT_UINT8"),
    (DType::Int16, 2, 2, c"int16", "DT_INT16"),
    (DType::Int8, 1, 1, c"int8", "DT_INT8"),
    (DType::String, 0, 1, c"string", "DT_STRING"),
    (DType::Complex64, 8, 4, c"complex64", "DT_COMPLEX64"),
    (DType::Int64, 8, 8, c"int64", "DT_INT64"),
    (DType::Bool, 1, 1, c"bool", "DT_BOOL"),
    (DType::Qint8, 1, 1, c"qint8", "DT_QINT8"),
    (DType::Quint8, 1, 1, c"quint8", "DT_QUINT8"),
    (DType::Qint32, 4, 4, c"qint32", "DT_QINT32"),
    (DType::Bfloat16, 2, 2, c"bfloat16", "DT_BFLOAT16"),
    (DType::Qint16, 2, 2, c"qint16", "DT_QINT16"),
    (DType::Quint16, 2, 2, c"quint16", "DT_QUINT16"),
    (DType::Uint16, 2, 2, c"uint16", "DT_UINT16"),
    (DType::Complex128, 16, 8, c"complex128", "DT_COMPLEX128"),
    (DType::Half, 2, 2, c"float16", "DT_HALF"),
    (DType::Variant, 0, 1, c"variant", "DT_VARIANT"),
    (DType::Uint32, 4, 4, c"uint32", "DT_UINT32"),
    (DType::Uint64, 8, 8, c"uint64", "DT_UINT64"),
    (DType::Float8E5m2, 1, 1, c"float8_e5m2", "DT_FLOAT8_E5M2"),
    (DType::Float8E4m3fn, 1, 1, c"float8_e4m3fn", "DT_FLOAT8_E4M3FN"),
    (DType::Float8E4m3fnuz, 1, 1, c"float8_e4m3fnuz", "DT_FLOAT8_E4M3FNUZ"),
    (DType::Float8E4m3b11fnuz, 1, 1, c"float8_e4m3b11fnuz", "DT_FLOAT8_E4M3B11FNUZ"),
    (DType::Float8E5m2fnuz, 1, 1, c"float8_e5m2fnuz", "DT_FLOAT8_E5M2FNUZ"),
    (DType::Int4, 1, 1, c"int4", "DT_INT4"),
    (DType::Uint4, 1, 1, c"uint4", "DT_UINT4"),
    (DType::Int2, 1, 1, c"int2", "DT_INT2"),
    (DType::Uint2, 1, 1, c"uint2", "DT_UINT2"),
    (DType::Float4E2m1fn, 1, 1, c"float4_e2m1fn", "DT_FLOAT4_E2M1FN"),
];

/// Maps each number to its row of `TABLE`, so that opening an index, a hot path, needs no search.
const ROW_OF: [u8; 34] = {
    let mut rows = [u8::MAX; 34];
    let mut i = 0;
    while i < TABLE.len() {
        rows[TABLE[i].0 as usize] = i as u8;
        i += 1;
    }
    rows
};

impl DType {
    /// Returns every dtype that a checkpoint can hold, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = DType> {
        TABLE.iter().map(|row| row.0)
    }

    /// Returns the dtype with TensorFlow's number `number`. `None` for invalid, resource and
    /// reference types: no file may contain them.
    pub fn from_number(number: u32) -> Option<DType> {
        let row = *ROW_OF.get(number as usize)?;
        TABLE.get(row as usize).map(|row| row.0)
    }

    /// Returns the dtype with the Python name `name`, e.g. `float32`.
    pub fn from_name(name: &str) -> Option<DType> {
        TABLE.iter().find(|row| row.0.name() == name).map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        &TABLE[ROW_OF[self as usize] as usize]
    }

    /// Returns TensorFlow's number of the dtype.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Returns the bytes per element. `None` for strings and variants, whose elements vary in
    /// length.
    #[inline(always)]
    pub fn size(self) -> Option<usize> {
        match self.row().1 {
            0 => None,
            n => Some(n),
        }
    }

    /// Returns the number of bytes that are reversed together when a file of the other byte order
    /// is read. A complex number is two such units.
    pub(crate) fn swap_unit(self) -> usize {
        self.row().2
    }

    /// Returns the name in Python, e.g. `float32`, `bfloat16`, `string`.
    pub fn name(self) -> &'static str {
        self.row().3.to_str().unwrap_or_default()
    }

    /// Returns [`name`](DType::name) as a NUL-terminated string.
    pub fn c_name(self) -> &'static CStr {
        self.row().3
    }

    /// Returns whether memory with elements of dtype `elements` can hold elements of this dtype as
    /// they are. It can if the two are the same, and unsigned integers hold the bits of a dtype of
    /// their size that C has no type for: `float16`, `bfloat16`, quantized numbers, and numbers of
    /// eight bits or less that are not integers of eight bits.
    pub fn fits(self, elements: DType) -> bool {
        let holds_bits = matches!(elements, DType::Uint8 | DType::Uint16 | DType::Uint32);
        self == elements || (holds_bits && !self.is_of_c() && self.size() == elements.size())
    }

    /// Whether C has a type of this kind of number.
    fn is_of_c(self) -> bool {
        use DType::*;
        let integers = matches!(self, Int8 | Int16 | Int32 | Int64 | Uint8 | Uint16 | Uint32 | Uint64 | Bool);
        integers || matches!(self, Float | Double | Complex64 | Complex128)
    }

    /// Fails unless this dtype [fits](DType::fits) memory with elements of dtype `elements`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` (`DType`), which names both dtypes.
    pub fn check_fits(self, elements: DType) -> Result<()> {
        if self.fits(elements) {
            return Ok(());
        }
        Err(Error::argument("the elements have another type").because(Reason::DType).expecting(elements, self))
    }

    /// Returns the name in protobuf text, e.g. `DT_FLOAT`.
    pub fn enum_name(self) -> &'static str {
        self.row().4
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dtype_is_found_by_its_number_and_name() {
        assert_eq!(DType::all().count(), TABLE.len());
        for dtype in DType::all() {
            assert_eq!(DType::from_number(dtype.number()), Some(dtype));
            assert_eq!(DType::from_name(dtype.name()), Some(dtype));
        }
    }

    #[test]
    fn unsigned_integers_hold_the_bits_of_dtypes_of_their_size_that_c_lacks() {
        for (elements, held) in [
            (
                DType::Uint8,
                "uint8 qint8 quint8 float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz \
                float8_e5m2fnuz int4 uint4 int2 uint2 float4_e2m1fn",
            ),
            (DType::Uint16, "bfloat16 qint16 quint16 uint16 float16"),
            (DType::Uint32, "qint32 uint32"),
            (DType::Uint64, "uint64"),
            (DType::Int16, "int16"),
            (DType::Half, "float16"),
            (DType::Float, "float32"),
            (DType::Bool, "bool"),
        ] {
            let fitting = DType::all().filter(|dtype| dtype.fits(elements)).map(DType::name).collect::<Vec<_>>();
            assert_eq!(fitting, held.split_whitespace().collect::<Vec<_>>(), "{elements}");
        }
        let refusal = DType::Float.check_fits(DType::Int32).unwrap_err();
        assert_eq!(refusal.reason(), Reason::DType);
        assert_eq!(refusal.to_string(), "the elements have another type: expected int32, found float32");
    }

    #[test]
    fn invalid_resource_reference_and_future_numbers_are_no_dtypes() {
        for number in [0, 20, 34, 99, 101, 119, u32::MAX] {
            assert_eq!(DType::from_number(number), None, "{number}");
        }
    }
}
