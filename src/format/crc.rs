//! CRC32C (Castagnoli) and the masking that every stored checksum has.

use crc_fast::{CrcAlgorithm, Digest};

const CASTAGNOLI: CrcAlgorithm = CrcAlgorithm::Crc32Iscsi;
const MASK_DELTA: u32 = 0xa282_ead8;

/// The checksum of `bytes`.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// The checksum of `a || b`, from those of both and the length of `b`.
pub(crate) fn combine(a: u32, b: u32, b_len: u64) -> u32 {
    crc_fast::checksum_combine(CASTAGNOLI, a.into(), b.into(), b_len) as u32
}

/// How a checksum is stored: rotated and shifted, so that the checksum of data with checksums in it stays useful.
pub(crate) fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(MASK_DELTA)
}

/// A checksum taken piece by piece.
pub(crate) struct Crc(Digest);

impl Crc {
    pub fn new() -> Crc {
        Crc(Digest::new(CASTAGNOLI))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn value(&self) -> u32 {
        self.0.finalize() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (bytes, crc, masked) in [
            (&b""[..], 0, 0xa282_ead8),
            (b"123456789", 0xe306_9283, 0xc78a_b0e5),
            (&[0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40], 0x384d_e783, 0x7189_5b73),
        ] {
            assert_eq!(crc32c(bytes), crc);
            assert_eq!(mask(crc), masked);
        }
    }

    #[test]
    fn pieces_make_the_whole() {
        let bytes: Vec<u8> = (0..1000u32).map(|i| (i * 7) as u8).collect();
        for cut in [0, 1, 15, 64, 999, 1000] {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(combine(crc32c(a), crc32c(b), b.len() as u64), crc32c(&bytes), "{cut}");
            let mut crc = Crc::new();
            crc.update(a);
            crc.update(b);
            assert_eq!(crc.value(), crc32c(&bytes), "{cut}");
        }
    }
}
