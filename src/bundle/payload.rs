//! Payloads of elements of variable length: strings and variants.

use super::entry::Endianness;
use crate::allocate::{allocate, Room};
use crate::error::{Code, Error, Reason, Result};
use crate::format::crc::{self, Crc};
use crate::format::proto::{put_varint, take_varint};
use crate::tensor::{DType, Strings};

/// Returns the payload of a string tensor and its masked checksum. [`Elements::strings`] describes
/// what is hashed for a length.
pub(super) fn encode_strings<'e>(elements: impl Iterator<Item = &'e [u8]> + Clone) -> Result<(Vec<u8>, u32)> {
    let sizes = elements.clone().map(|element| varint_len(element.len() as u64) + element.len());
    let payload = room(sizes.chain([CHECKSUM_SIZE]))?;
    let (mut payload, mut hash) = string_head(payload, elements.clone().map(<[u8]>::len));
    let first = payload.len();
    elements.for_each(|element| payload.extend_from_slice(element));
    hash.update(&payload[first..]);
    Ok((payload, crc::mask(hash.value())))
}

/// The size of a masked checksum.
const CHECKSUM_SIZE: usize = 4;

/// An empty buffer with room for parts of these sizes.
fn room(mut sizes: impl Iterator<Item = usize>) -> Result<Vec<u8>> {
    let total = sizes.try_fold(0usize, usize::checked_add);
    let mut buffer = Vec::new();
    if total.is_some_and(|total| buffer.try_reserve_exact(total).is_ok()) {
        Ok(buffer)
    } else {
        Err(Error::out_of_memory(total.map_or(u64::MAX, |total| total as u64)))
    }
}

/// The number of bytes that `put_varint` writes.
fn varint_len(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Like [`encode_strings`] for a single element, whose memory is reused.
pub(super) fn encode_string(element: Vec<u8>) -> Result<(Vec<u8>, u32)> {
    let (head, mut hash) = string_head(Vec::new(), std::iter::once(element.len()));
    hash.update(&element);
    let mut payload = element;
    payload.make_room(head.len())?;
    payload.splice(..0, head);
    Ok((payload, crc::mask(hash.value())))
}

/// Returns what precedes the bytes of the strings, and the checksum up to there.
fn string_head(mut head: Vec<u8>, lengths: impl Iterator<Item = usize>) -> (Vec<u8>, Crc) {
    let (mut hash, mut batch) = (Crc::new(), Batch::new());
    for length in lengths {
        put_varint(&mut head, length as u64);
        match u32::try_from(length) {
            Ok(n) => batch.push(&n.to_le_bytes(), &mut hash),
            Err(_) => batch.push(&(length as u64).to_le_bytes(), &mut hash),
        }
    }
    batch.flush(&mut hash);
    let lengths = crc::mask(hash.value()).to_le_bytes();
    head.extend_from_slice(&lengths);
    hash.update(&lengths);
    (head, hash)
}

/// Returns the payload of a variant tensor and its masked checksum.
pub(super) fn encode_variants<'e>(elements: impl Iterator<Item = &'e [u8]> + Clone) -> Result<(Vec<u8>, u32)> {
    let sizes = elements.clone().map(|element| varint_len(element.len() as u64) + element.len());
    let mut payload = room(sizes.flat_map(|size| [size, CHECKSUM_SIZE]))?;
    let mut hash = Crc::new();
    for element in elements {
        put_varint(&mut payload, element.len() as u64);
        hash.update(&(element.len() as u64).to_le_bytes());
        payload.extend_from_slice(element);
        hash.update(element);
        let sum = crc::mask(hash.value()).to_le_bytes();
        payload.extend_from_slice(&sum);
        hash.update(&sum);
    }
    Ok((payload, crc::mask(hash.value())))
}

/// A string or variant payload whose checksums have been verified, so the elements can be iterated.
pub(crate) struct Elements<'a> {
    dtype: DType,
    count: u64,
    /// For strings, the lengths; for variants, the whole payload.
    head: &'a [u8],
    /// For strings, the bytes of all elements.
    tail: &'a [u8],
}

impl<'a> Elements<'a> {
    /// Verifies the payload of `count` elements of `dtype` against its masked checksum `stored`.
    ///
    /// # Errors
    /// * `DATA_LOSS`: a checksum does not match, or the lengths do not add up to the payload.
    /// * `UNIMPLEMENTED` (`Unsupported`): variants of the other byte order, which TensorFlow does
    ///   not support either.
    pub fn check(dtype: DType, payload: &'a [u8], count: u64, endianness: Endianness, stored: u32) -> Result<Elements<'a>> {
        if payload.is_empty() && count == 0 {
            check_crc(stored, crc::mask(0), "the checksum of the tensor does not match")?;
            return Ok(Elements { dtype, count, head: &[], tail: &[] });
        }
        match dtype {
            DType::String => Self::strings(payload, count, endianness, stored),
            _ => Self::variants(payload, count, endianness, stored),
        }
    }

    /// Parses the lengths as varints, their checksum and the bytes. For each length not the varint
    /// is hashed but the number: in four bytes if it fits, else in eight, in the byte order of the
    /// bundle.
    fn strings(payload: &'a [u8], count: u64, endianness: Endianness, stored: u32) -> Result<Elements<'a>> {
        let mut hash = Crc::new();
        let mut batch = Batch::new();
        let (mut rest, mut total) = (payload, 0u64);
        for i in 0..count {
            let length =
                take_varint(&mut rest).ok_or_else(|| Error::malformed(format!("the length of string {i} is truncated")))?;
            total = total.checked_add(length).ok_or_else(|| Error::malformed("the lengths of the strings overflow"))?;
            match (u32::try_from(length), endianness) {
                (Ok(n), Endianness::Little) => batch.push(&n.to_le_bytes(), &mut hash),
                (Ok(n), Endianness::Big) => batch.push(&n.to_be_bytes(), &mut hash),
                (Err(_), Endianness::Little) => batch.push(&length.to_le_bytes(), &mut hash),
                (Err(_), Endianness::Big) => batch.push(&length.to_be_bytes(), &mut hash),
            }
        }
        batch.flush(&mut hash);
        let head = &payload[..payload.len() - rest.len()];
        let (checksum, tail) =
            rest.split_first_chunk::<4>().ok_or_else(|| Error::malformed("the checksum of the string lengths is truncated"))?;
        let lengths = match endianness {
            Endianness::Little => u32::from_le_bytes(*checksum),
            Endianness::Big => u32::from_be_bytes(*checksum),
        };
        check_crc(lengths, crc::mask(hash.value()), "the checksum of the string lengths does not match")?;
        if total != tail.len() as u64 {
            return Err(Error::malformed("the lengths of the strings do not add up to the tensor's size")
                .expecting(format_args!("{} bytes of strings", tail.len()), format_args!("lengths of {total} bytes in all")));
        }
        hash.update(checksum);
        hash.update(tail);
        check_crc(stored, crc::mask(hash.value()), "the checksum of the tensor does not match")?;
        Ok(Elements { dtype: DType::String, count, head, tail })
    }

    /// Parses, for each element, its length, its bytes and the checksum of everything up to there.
    fn variants(payload: &'a [u8], count: u64, endianness: Endianness, stored: u32) -> Result<Elements<'a>> {
        if endianness == Endianness::Big {
            return Err(Error::new(
                Code::Unimplemented,
                Reason::Unsupported,
                "variants in a big-endian checkpoint cannot be read",
            ));
        }
        let mut hash = Crc::new();
        let mut rest = payload;
        for i in 0..count {
            let element = take_variant(&mut rest, |length, bytes, checksum| {
                hash.update(&length.to_le_bytes());
                hash.update(bytes);
                check_crc(
                    u32::from_le_bytes(*checksum),
                    crc::mask(hash.value()),
                    &format!("the checksum of variant {i} does not match"),
                )?;
                hash.update(checksum);
                Ok(())
            });
            element.unwrap_or_else(|| Err(Error::malformed(format!("variant {i} runs past the end of the tensor"))))?;
        }
        if !rest.is_empty() {
            return Err(
                Error::malformed("extra bytes follow the last variant").expecting("none", format_args!("{} bytes", rest.len()))
            );
        }
        check_crc(stored, crc::mask(hash.value()), "the checksum of the tensor does not match")?;
        Ok(Elements { dtype: DType::Variant, count, head: payload, tail: &[] })
    }

    /// Returns the elements in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        let (mut head, mut tail) = (self.head, self.tail);
        (0..self.count).map_while(move |_| match self.dtype {
            DType::String => {
                let length = take_varint(&mut head)?;
                let (element, rest) = tail.split_at_checked(length as usize)?;
                tail = rest;
                Some(element)
            }
            _ => take_variant(&mut head, |_, bytes, _| bytes),
        })
    }

    /// Copies the elements into one new allocation.
    pub fn to_strings(&self) -> Result<Strings> {
        let mut ends = Vec::new();
        ends.try_reserve_exact(self.count as usize).map_err(|_| Error::out_of_memory(self.count.saturating_mul(8)))?;
        let mut end = 0u64;
        for element in self.iter() {
            end += element.len() as u64;
            ends.push(end);
        }
        let mut bytes = allocate(end)?;
        let mut at = 0;
        for element in self.iter() {
            bytes[at..at + element.len()].copy_from_slice(element);
            at += element.len();
        }
        Ok(Strings::from_parts(bytes, ends))
    }
}

/// Takes one variant off the front of `rest` and passes its length, bytes and checksum to `see`.
/// `None` if it is truncated.
fn take_variant<'a, R>(rest: &mut &'a [u8], see: impl FnOnce(u64, &'a [u8], &'a [u8; 4]) -> R) -> Option<R> {
    let length = take_varint(rest)?;
    let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let (checksum, after) = after.split_first_chunk::<4>()?;
    *rest = after;
    Some(see(length, bytes, checksum))
}

/// Compares two masked checksums; `what` is the message if they differ.
pub(crate) fn check_crc(stored: u32, computed: u32, what: &str) -> Result<()> {
    if stored == computed {
        return Ok(());
    }
    Err(Error::new(Code::DataLoss, Reason::Checksum, what)
        .expecting(format_args!("{stored:#010x} (stored)"), format_args!("{computed:#010x} (computed)")))
}

/// Gathers small pieces before they are hashed: hashing four bytes at a time is slow.
struct Batch {
    bytes: [u8; 1024],
    len: usize,
}

impl Batch {
    fn new() -> Batch {
        Batch { bytes: [0; 1024], len: 0 }
    }

    fn push(&mut self, piece: &[u8], hash: &mut Crc) {
        if self.len + piece.len() > self.bytes.len() {
            self.flush(hash);
        }
        self.bytes[self.len..self.len + piece.len()].copy_from_slice(piece);
        self.len += piece.len();
    }

    fn flush(&mut self, hash: &mut Crc) {
        hash.update(&self.bytes[..self.len]);
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        digits.chunks(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
    }

    fn strings(payload: &str, count: u64, crc: &str) -> Result<Vec<Vec<u8>>> {
        let crc = u32::from_le_bytes(hex(crc).try_into().unwrap());
        let payload = hex(payload);
        Elements::check(DType::String, &payload, count, Endianness::Little, crc).map(|e| e.iter().map(<[u8]>::to_vec).collect())
    }

    /// Payloads and checksums written by TensorFlow.
    #[test]
    fn tensorflows_strings_are_read() {
        assert_eq!(strings("010200 abfbc9d8 61 6263", 3, "adbfe42f").unwrap(), [&b"a"[..], b"bc", b""]);
        assert_eq!(strings("0505 b56f994f 68656c6c6f 776f726c64", 2, "1b4cd607").unwrap(), [b"hello", b"world"]);
        assert_eq!(strings("05 d9c69c43 68656c6c6f", 1, "ece0c029").unwrap(), [b"hello"]);
        assert_eq!(strings("00 a67b113a", 1, "bd6707be").unwrap(), [b""]);
        assert!(strings("d8ea82a2", 0, "f6c10c64").unwrap().is_empty());
        assert!(strings("", 0, "d8ea82a2").unwrap().is_empty());
        // The length takes more bytes than it needs: the number is hashed, not the varint.
        assert_eq!(strings("8500 d9c69c43 68656c6c6f", 1, "ece0c029").unwrap(), [b"hello"]);
    }

    #[test]
    fn a_string_is_put_like_strings_of_one() {
        for length in [0, 1, 127, 128, 300_000] {
            let element: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
            assert_eq!(encode_string(element.clone()).unwrap(), encode_strings([&element[..]].into_iter()).unwrap(), "{length}");
        }
    }

    #[test]
    fn broken_strings_say_what_is_broken() {
        for (payload, count, crc, what) in [
            ("0405 b56f994f 68656c6c6f 776f726c64", 2, "1b4cd607", "string lengths"),
            ("0505 b56f994f 68656c6c6f 776f726c65", 2, "1b4cd607", "checksum of the tensor"),
            ("0505 b56f994f 68656c6c6f 776f726c64", 2, "1b4cd608", "checksum of the tensor"),
            ("0505 b56f994f 68656c6c6f 776f726c", 2, "1b4cd607", "add up"),
            ("0505 b56f", 2, "1b4cd607", "truncated"),
            ("85", 1, "1b4cd607", "truncated"),
            ("d8ea82a3", 0, "f6c10c64", "string lengths"),
            ("", 0, "00000000", "checksum of the tensor"),
        ] {
            let error = strings(payload, count, crc).unwrap_err();
            assert_eq!(error.code(), Code::DataLoss, "{payload}");
            assert!(error.to_string().contains(what), "{payload}: {error}");
        }
    }
}
