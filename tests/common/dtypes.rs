//! The storable dtypes, written down a second time.

/// One storable dtype.
pub struct Row {
    pub number: u32,
    pub enum_name: &'static str,
    /// TensorFlow's Python spelling.
    pub name: &'static str,
    /// Bytes of an element; 0 where elements have no fixed size.
    pub size: usize,
    /// Bytes that change places together in a file of the other byte order.
    pub swapped: usize,
}

const fn row(number: u32, enum_name: &'static str, name: &'static str, size: usize, swapped: usize) -> Row {
    Row { number, enum_name, name, size, swapped }
}

pub const FLOAT: u32 = 1;
pub const DOUBLE: u32 = 2;
pub const INT32: u32 = 3;
pub const UINT8: u32 = 4;
pub const INT16: u32 = 5;
pub const INT8: u32 = 6;
pub const STRING: u32 = 7;
pub const COMPLEX64: u32 = 8;
pub const INT64: u32 = 9;
pub const BOOL: u32 = 10;
pub const QINT8: u32 = 11;
pub const QUINT8: u32 = 12;
pub const QINT32: u32 = 13;
pub const BFLOAT16: u32 = 14;
pub const UINT16: u32 = 17;
pub const COMPLEX128: u32 = 18;
pub const HALF: u32 = 19;
pub const RESOURCE: u32 = 20;
pub const VARIANT: u32 = 21;
pub const UINT32: u32 = 22;
pub const UINT64: u32 = 23;

pub const ALL: [Row; 32] = [
    row(1, "DT_FLOAT", "float32", 4, 4),
    row(2, "DT_DOUBLE", "float64", 8, 8),
    row(3, "DT_INT32", "int32", 4, 4),
    row(4, "DT_UINT8", "uint8", 1, 1),
    row(5, "DT_INT16", "int16", 2, 2),
    row(6, "DT_INT8", "int8", 1, 1),
    row(7, "DT_STRING", "string", 0, 0),
    row(8, "DT_COMPLEX64", "complex64", 8, 4),
    row(9, "DT_INT64", "int64", 8, 8),
    row(10, "DT_BOOL", "bool", 1, 1),
    row(11, "DT_QINT8", "qint8", 1, 1),
    row(12, "DT_QUINT8", "quint8", 1, 1),
    row(13, "DT_QINT32", "qint32", 4, 4),
    row(14, "DT_BFLOAT16", "bfloat16", 2, 2),
    row(15, "DT_QINT16", "qint16", 2, 2),
    row(16, "DT_QUINT16", "quint16", 2, 2),
    row(17, "DT_UINT16", "uint16", 2, 2),
    row(18, "DT_COMPLEX128", "complex128", 16, 8),
    row(19, "DT_HALF", "float16", 2, 2),
    row(21, "DT_VARIANT", "variant", 0, 0),
    row(22, "DT_UINT32", "uint32", 4, 4),
    row(23, "DT_UINT64", "uint64", 8, 8),
    row(24, "DT_FLOAT8_E5M2", "float8_e5m2", 1, 1),
    row(25, "DT_FLOAT8_E4M3FN", "float8_e4m3fn", 1, 1),
    row(26, "DT_FLOAT8_E4M3FNUZ", "float8_e4m3fnuz", 1, 1),
    row(27, "DT_FLOAT8_E4M3B11FNUZ", "float8_e4m3b11fnuz", 1, 1),
    row(28, "DT_FLOAT8_E5M2FNUZ", "float8_e5m2fnuz", 1, 1),
    row(29, "DT_INT4", "int4", 1, 1),
    row(30, "DT_UINT4", "uint4", 1, 1),
    row(31, "DT_INT2", "int2", 1, 1),
    row(32, "DT_UINT2", "uint2", 1, 1),
    row(33, "DT_FLOAT4_E2M1FN", "float4_e2m1fn", 1, 1),
];

/// The row of a dtype number.
pub fn of(number: u32) -> &'static Row {
    ALL.iter().find(|row| row.number == number).unwrap()
}

/// The dtypes whose elements have a fixed size.
pub fn fixed() -> impl Iterator<Item = &'static Row> {
    ALL.iter().filter(|row| row.size > 0)
}

/// Turns little-endian elements into big-endian ones, or back.
pub fn swap(dtype: u32, bytes: &[u8]) -> Vec<u8> {
    let width = of(dtype).swapped.max(1);
    bytes.chunks(width).flat_map(|element| element.iter().rev().copied()).collect()
}
