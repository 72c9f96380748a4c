//! The keys of the slices of partitioned tensors (`EncodeTensorNameSlice`, in OrderedCode).

use crate::tensor::Extent;

/// Returns the key of the slice `extents` of the tensor `name`. The extents must be exactly those
/// in the tensor's own record: `0,5` and `-` differ, even on a dimension of 5.
pub(crate) fn slice_key(name: &[u8], extents: &[Extent]) -> Vec<u8> {
    let mut key = slice_key_head(name, extents.len());
    push_extents(&mut key, extents);
    key
}

/// Returns the common beginning of the keys of all slices of a tensor.
pub(crate) fn slice_key_head(name: &[u8], rank: usize) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 8 + 4 * rank);
    push_unsigned(&mut key, 0);
    push_bytes(&mut key, name);
    push_unsigned(&mut key, rank as u64);
    key
}

/// Returns the rest of the key of the slice `extents`, after the head.
pub(crate) fn slice_key_tail(extents: &[Extent]) -> Vec<u8> {
    let mut key = Vec::with_capacity(4 * extents.len());
    push_extents(&mut key, extents);
    key
}

fn push_extents(key: &mut Vec<u8>, extents: &[Extent]) {
    for extent in extents {
        push_signed(key, extent.start);
        push_signed(key, extent.length.unwrap_or(-1));
    }
}

/// Appends the number of significant bytes, then these bytes, most significant first.
fn push_unsigned(key: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    let skip = value.leading_zeros() as usize / 8;
    key.push((8 - skip) as u8);
    key.extend_from_slice(&bytes[skip..]);
}

/// Appends the bytes with `00` and `ff` escaped, then a terminator.
fn push_bytes(key: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            0x00 => key.extend_from_slice(&[0x00, 0xff]),
            0xff => key.extend_from_slice(&[0xff, 0x00]),
            _ => key.push(byte),
        }
    }
    key.extend_from_slice(&[0x00, 0x01]);
}

/// Appends a sign-extended big-endian number of N bytes, the fewest that leave room for a header of
/// N one-bits, which is XORed in.
fn push_signed(key: &mut Vec<u8>, value: i64) {
    let magnitude = if value < 0 { !value } else { value };
    let bits = 64 - magnitude.leading_zeros() as usize;
    let length = (bits + 1).div_ceil(7).max(1);
    let mut bytes = [if value < 0 { 0xff } else { 0x00 }; 10];
    bytes[2..].copy_from_slice(&value.to_be_bytes());
    let bytes = &mut bytes[10 - length..];
    let header = !(0xffff_u16 >> length.min(10));
    let header = header.to_be_bytes();
    bytes[0] ^= header[0];
    if length > 1 {
        bytes[1] ^= header[1];
    }
    key.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The expected values come from TensorFlow's encoder.
    #[test]
    fn signed_numbers_are_tensorflows() {
        for (value, expected) in [
            (0, "80"),
            (-1, "7f"),
            (63, "bf"),
            (-64, "40"),
            (64, "c040"),
            (-65, "3fbf"),
            (8191, "dfff"),
            (-8192, "2000"),
            (8192, "e02000"),
            (-8193, "1fdfff"),
            (1 << 20, "f0100000"),
            (0x424242, "f0424242"),
            ((1 << 55) - 1, "ff7fffffffffffff"),
            (1 << 55, "ff8080000000000000"),
            (1 << 62, "ffc04000000000000000"),
            (i64::MAX, "ffc07fffffffffffffff"),
            (i64::MIN, "003f8000000000000000"),
            (-2048, "3800"),
        ] {
            let mut key = Vec::new();
            push_signed(&mut key, value);
            assert_eq!(hex(&key), expected, "{value}");
        }
    }

    #[test]
    fn unsigned_numbers_and_bytes_are_tensorflows() {
        for (value, expected) in [(0, "00"), (2, "0102"), (256, "020100"), (u64::MAX, "08ffffffffffffffff")] {
            let mut key = Vec::new();
            push_unsigned(&mut key, value);
            assert_eq!(hex(&key), expected);
        }
        let mut key = Vec::new();
        push_bytes(&mut key, b"\x00\xff\x13");
        assert_eq!(hex(&key), "00ffff00130001");
    }

    #[test]
    fn slice_keys_are_tensorflows() {
        for (name, slice, expected) in [
            ("foo", "-:0,1", "00666f6f00010102807f8081"),
            ("foo", "-:1,9", "00666f6f00010102807f8189"),
            ("v", "", "0076000100"),
            ("v", "0,5:-", "0076000101028085807f"),
        ] {
            let slice: crate::tensor::Slice = slice.parse().unwrap();
            assert_eq!(hex(&slice_key(name.as_bytes(), slice.extents())), expected);
        }
    }
}
