//! Keys of slice records, in TensorFlow's OrderedCode.

use super::proto::Extent;

fn number(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let zeros = value.leading_zeros() as usize / 8;
    let mut out = vec![8 - zeros as u8];
    out.extend(&bytes[zeros..]);
    out
}

fn string(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in text {
        match byte {
            0x00 => out.extend([0x00, 0xff]),
            0xff => out.extend([0xff, 0x00]),
            other => out.push(other),
        }
    }
    out.extend([0x00, 0x01]);
    out
}

/// A signed number: as many leading one bits as there are bytes, then the value.
pub fn signed(value: i64) -> Vec<u8> {
    let magnitude = if value < 0 { !value } else { value } as u64;
    let bits = 64 - magnitude.leading_zeros() as usize;
    let length = (bits + 1).div_ceil(7);
    // The value over ten bytes, of which the last `length` count.
    let wide = i128::from(value).to_be_bytes();
    let mut out = wide[16 - length..].to_vec();
    let ones = (0xffff_u32 << (16 - length)) as u16;
    let header = ones.to_be_bytes();
    out[0] ^= header[0];
    if length > 1 {
        out[1] ^= header[1];
    }
    out
}

/// The key under which a slice's record is stored.
pub fn slice_key(name: &[u8], extents: &[Extent]) -> Vec<u8> {
    let mut key = number(0);
    key.extend(string(name));
    key.extend(number(extents.len() as u64));
    for extent in extents {
        let (start, length) = extent.within(-1);
        key.extend(signed(start));
        key.extend(signed(length));
    }
    key
}
