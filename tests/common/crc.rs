//! CRC32C and its masked form.

/// Continues a finished CRC over more bytes.
pub fn extend(crc: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc, bytes)
}

/// The form in which every CRC is stored.
pub fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The stored CRC of plain bytes.
pub fn masked(bytes: &[u8]) -> u32 {
    mask(extend(0, bytes))
}
