//! A second, independent account of TensorFlow's checkpoint formats, for writing test files.
//!
//! Nothing here uses the library's own encoders, parsers or checksums, so that the reader is never
//! its own witness. `tests/support.rs` holds this writer against bytes that TensorFlow wrote.
#![allow(dead_code)] // every test binary uses another part

pub mod bundle;
pub mod counter;
pub mod crc;
pub mod dtypes;
pub mod failing;
pub mod files;
pub mod judge;
pub mod lock;
pub mod manifest;
pub mod naive;
pub mod objects;
pub mod ordered_code;
pub mod payload;
pub mod proto;
#[path = "../../src/laboratory/rng.rs"]
pub mod rng;
pub mod table;
pub mod v1;

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal digits; white space between them is ignored.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits: {text}");
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
