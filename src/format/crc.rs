//! CRC32C (Castagnoli), and the masking applied to every stored checksum.

const MASK_DELTA: u32 = 0xa282_ead8;

/// Returns the checksum of `bytes`.
// Outside the tests this is the only call into the crate, and its `Digest` is not used. Otherwise
// the linker would include the tables of the eighty other polynomials that the crate supports: a
// quarter of the shared library.
#[inline(never)]
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// Returns the checksum of `a || b` from the checksums of both and the length of `b` in bytes: `a`
/// times x to the power of the number of bits of `b`, plus `b`.
// The crate can combine checksums, too, but by squaring matrices. That takes longer than hashing
// the 256 KiB that a checksum usually covers.
pub(crate) fn combine(a: u32, b: u32, b_len: u64) -> u32 {
    let (mut factor, mut bits, mut power) = (ONE, b_len, 3);
    while bits > 0 {
        if bits & 1 == 1 {
            factor = multiply(SQUARES[power % SQUARES.len()], factor);
        }
        bits >>= 1;
        power += 1;
    }
    multiply(factor, a) ^ b
}

/// The polynomial, and the constant polynomial 1. Both are reflected: the highest bit is the
/// constant term.
const POLYNOMIAL: u32 = 0x82f6_3b78;
const ONE: u32 = 1 << 31;

/// x to the powers 1, 2, 4, 8 and so on. The 32nd would equal the first again, because the order of
/// x divides 2^31 - 1.
const SQUARES: [u32; 31] = {
    let mut squares = [ONE >> 1; 31];
    let mut i = 1;
    while i < squares.len() {
        squares[i] = multiply(squares[i - 1], squares[i - 1]);
        i += 1;
    }
    squares
};

/// Returns the product of two polynomials modulo `POLYNOMIAL`.
const fn multiply(a: u32, mut b: u32) -> u32 {
    let (mut product, mut bit) = (0, ONE);
    while bit != 0 {
        if a & bit != 0 {
            product ^= b;
        }
        b = if b & 1 == 1 { b >> 1 ^ POLYNOMIAL } else { b >> 1 };
        bit >>= 1;
    }
    product
}

/// Returns the stored form of a checksum: rotated, plus a constant. A checksum over data that
/// contains checksums is of little use without this.
pub(crate) fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(MASK_DELTA)
}

/// A checksum computed piece by piece. The pieces should not be small: each costs a [`combine`].
pub(crate) struct Crc(u32);

impl Crc {
    pub fn new() -> Crc {
        Crc(crc32c(&[]))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0 = combine(self.0, crc32c(bytes), bytes.len() as u64);
    }

    pub fn value(&self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use crc_fast::{CrcAlgorithm, Digest};

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
    fn combining_agrees_with_hashing_zeros_one_after_the_other() {
        let zeros = vec![0; 3 << 20];
        for length in [0, 1, 2, 255, 65_536, 262_144, 1_000_003, 3 << 20] {
            let sum = crc32c(&zeros[..length]);
            assert_eq!(combine(0xdead_beef, sum, length as u64), {
                let mut whole = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, u64::from(!0xdead_beef_u32));
                whole.update(&zeros[..length]);
                whole.finalize() as u32
            });
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
