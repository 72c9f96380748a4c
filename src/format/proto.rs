//! Protobuf's wire format, read without copying or allocating: a message is an iterator over its
//! fields.
//!
//! A checkpoint has few kinds of messages, all small, but an index can contain a million of them.
//! They are decoded directly into validated types, so nothing that a file claims is allocated
//! before it is checked.

use crate::error::{Error, Result};

/// Takes a base-128 varint of at most ten bytes off the front of `bytes`. `None` if it is truncated
/// or does not fit 64 bits.
// An index has about ten varints per tensor: most are one byte long, offsets up to four. These
// lengths are unrolled.
#[inline(always)]
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let low = |byte: u8, place: u32| u64::from(byte & 0x7f) << (7 * place);
    let (value, length) = match **bytes {
        [a @ 0..0x80, ..] => (a.into(), 1),
        [a, b @ 0..0x80, ..] => (low(a, 0) | low(b, 1), 2),
        [a, b, c @ 0..0x80, ..] => (low(a, 0) | low(b, 1) | low(c, 2), 3),
        [a, b, c, d @ 0..0x80, ..] => (low(a, 0) | low(b, 1) | low(c, 2) | low(d, 3), 4),
        _ => return take_long_varint(bytes),
    };
    *bytes = &bytes[length..];
    Some(value)
}

fn take_long_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (mut value, mut at) = (0u64, 0);
    loop {
        let byte = *bytes.get(at)?;
        value |= u64::from(byte & 0x7f) << (7 * at);
        at += 1;
        if byte < 0x80 {
            *bytes = &bytes[at..];
            // The tenth byte has room for only one bit.
            return (at < 10 || byte <= 1).then_some(value);
        }
        if at == 10 {
            return None;
        }
    }
}

/// Returns the length of the shortest varint of `value`, in bytes.
pub(crate) fn varint_len(value: u64) -> usize {
    // n bits need n / 7 bytes, rounded up. For all possible n this formula, which avoids the
    // division, gives the same.
    let bits = 64 - (value | 1).leading_zeros() as usize;
    (9 * bits + 64) / 64
}

/// Appends the shortest varint of `value`.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a numeric field. Zero is omitted, as in proto3.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        put_varint(out, u64::from(field) << 3);
        put_varint(out, value);
    }
}

/// Appends a fixed 32-bit field. Zero is omitted.
pub(crate) fn put_fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    if value != 0 {
        put_varint(out, u64::from(field) << 3 | 5);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends a message or text field, even if it is empty.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// The value of a field, by its wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Value<'a> {
    #[inline(always)]
    pub fn varint(self) -> Result<u64> {
        match self {
            Value::Varint(v) => Ok(v),
            _ => Err(wrong_wire_type()),
        }
    }

    /// Returns an `int64` or an `int32`, which is stored sign-extended.
    #[inline(always)]
    pub fn int(self) -> Result<i64> {
        self.varint().map(|v| v as i64)
    }

    #[inline(always)]
    pub fn bytes(self) -> Result<&'a [u8]> {
        match self {
            Value::Bytes(b) => Ok(b),
            _ => Err(wrong_wire_type()),
        }
    }

    pub fn fixed32(self) -> Result<u32> {
        match self {
            Value::Fixed32(v) => Ok(v),
            _ => Err(wrong_wire_type()),
        }
    }

    pub fn text(self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Error::malformed("a protobuf string is not UTF-8"))
    }
}

#[cold]
fn wrong_wire_type() -> Error {
    Error::malformed("a protobuf field has the wrong wire type for its number")
}

#[cold]
fn cut_off() -> Error {
    Error::malformed("a protobuf message is truncated or malformed")
}

/// The fields of one message, in file order.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Returns the bytes after the last field that was read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn of(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    #[inline(always)]
    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let tag = take_varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).ok().filter(|&n| n != 0)?;
        let value = match tag & 7 {
            0 => Value::Varint(take_varint(&mut self.rest)?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(take_varint(&mut self.rest)?).ok()?;
                let (value, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Value::Bytes(value)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return None,
        };
        Some((number, value))
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>)>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match self.field() {
            Some(field) => Some(Ok(field)),
            None => {
                self.rest = &[];
                Some(Err(cut_off()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_end_where_they_should() {
        for (bytes, value) in [
            (&[0x00][..], Some(0)),
            (&[0x83, 0x00], Some(3)), // not minimal, but TensorFlow reads it
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Some(u64::MAX)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], None),
            (&[0x80; 11], None),
            (&[0x80], None),
            (&[], None),
        ] {
            assert_eq!(take_varint(&mut &bytes[..]), value, "{bytes:?}");
        }
    }

    #[test]
    fn the_length_of_a_varint_is_that_of_what_is_put() {
        for value in (0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1, u64::MAX >> bit]) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(varint_len(value), out.len(), "{value}");
        }
    }

    #[test]
    fn a_message_is_its_fields() {
        let message = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x35, 1, 0, 0, 0, 0x39, 2, 0, 0, 0, 0, 0, 0, 0];
        let fields: Vec<_> = Fields::of(&message).collect::<Result<_>>().unwrap();
        assert_eq!(fields, [(1, Value::Varint(150)), (2, Value::Bytes(b"hi")), (6, Value::Fixed32(1)), (7, Value::Fixed64(2))]);
    }

    #[test]
    fn cut_off_and_unknown_wire_types_are_errors_and_end_the_message() {
        for message in [
            &[0x08][..],
            &[0x12, 0x05, b'x'],
            &[0x35, 1, 2],
            &[0x0b],
            &[0x0f],
            &[0x00, 0x00],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ] {
            let mut fields = Fields::of(message);
            assert!(fields.next().unwrap().is_err(), "{message:?}");
            assert!(fields.next().is_none());
        }
    }
}
