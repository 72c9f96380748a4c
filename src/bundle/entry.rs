//! The records of an index: header and entries, from bytes to validated types. This is the one edge; past it nothing is malformed.

use crate::error::{printable, Error, Reason, Result};
use crate::format::message::{check_version, known_dtype, parse_shape, parse_slice, validated_elements, Version};
use crate::format::proto::Fields;
use crate::tensor::{DType, StoredExtent};

/// Byte order of the tensors in the data files. Everything else is always little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endianness {
    /// Least significant byte first: every file that TensorFlow writes on a machine of today.
    Little,
    /// Most significant byte first; values are swapped as they are read.
    Big,
}

/// `BundleHeaderProto`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub shards: u32,
    pub endianness: Endianness,
    pub version: Version,
}

impl Header {
    pub fn parse(bytes: &[u8]) -> Result<Header> {
        let (mut shards, mut endianness, mut version) = (0i64, 0i64, Version::default());
        for field in Fields::of(bytes) {
            match field? {
                (1, v) => shards = v.int()?,
                (2, v) => endianness = v.int()?,
                (3, v) => version = check_version(v.bytes()?)?,
                _ => {}
            }
        }
        let count = u32::try_from(shards).ok().filter(|&n| n >= 1 && n <= i32::MAX as u32);
        let shards =
            count.ok_or_else(|| Error::malformed("the header has no valid number of shards").expecting("1 or more", shards))?;
        let endianness = match endianness {
            0 => Endianness::Little,
            1 => Endianness::Big,
            other => {
                return Err(Error::malformed("the header names an unknown byte order").expecting("0 (little) or 1 (big)", other))
            }
        };
        Ok(Header { shards, endianness, version })
    }
}

/// A validated `BundleEntryProto`, save the slices of one that is partitioned, which [`parse_slices`] reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub dtype: DType,
    /// The dimensions: so many, from there on in the list given.
    pub rank: u8,
    pub first_dim: u32,
    /// Number of slices; 0 when the tensor is stored whole, and only then the next four fields mean anything.
    pub slices: u32,
    pub shard: u32,
    pub offset: u64,
    pub size: u64,
    /// Masked, as stored.
    pub crc: u32,
}

/// Dtype and shape of an entry and the bytes that say so. Neighbours are mostly alike, and then neither is decoded again, nor
/// are the dimensions kept twice.
#[derive(Clone, Copy)]
pub(crate) struct Described<'a> {
    bytes: &'a [u8],
    dtype: DType,
    rank: u8,
    first_dim: u32,
    elements: u64,
}

impl Entry {
    /// Decodes and validates an entry of a bundle of `shards` shards. Its dimensions, at most `MAX_RANK`, are pushed to `dims`, unless
    /// they are there already as those of `before`, the entry before this one.
    pub fn parse<'a>(bytes: &'a [u8], shards: u32, dims: &mut Vec<i64>, before: &mut Option<Described<'a>>) -> Result<Entry> {
        let same = before.filter(|d| bytes.starts_with(d.bytes));
        let mut fields = Fields::of(&bytes[same.map_or(0, |d| d.bytes.len())..]);
        let first_dim = dims.len();
        let (mut dtype, mut shard, mut offset, mut size, mut crc, mut slices) = (0u64, 0i64, 0i64, 0i64, 0u32, 0u32);
        // How many fields there were, and where dtype and shape end if they are the first two and come once.
        let (mut count, mut described) = (0, 0);
        while let Some(field) = fields.next() {
            count += 1;
            match field? {
                (1 | 2, _) if same.is_some() => return Self::parse(bytes, shards, dims, &mut None),
                (1, v) => {
                    dtype = v.varint()?;
                    described = 0;
                }
                (2, v) => {
                    parse_shape(v.bytes()?, first_dim, dims)?;
                    described = if count == 2 && dtype != 0 { bytes.len() - fields.rest().len() } else { 0 };
                }
                (3, v) => shard = v.int()?,
                (4, v) => offset = v.int()?,
                (5, v) => size = v.int()?,
                (6, v) => crc = v.fixed32()?,
                (7, v) => {
                    v.bytes()?;
                    slices += 1;
                }
                _ => {}
            }
        }
        let Described { dtype, rank, first_dim, elements, .. } = match same {
            Some(same) => same,
            None => {
                let dtype = known_dtype(dtype)?;
                let shape = &dims[first_dim..];
                let elements = validated_elements(shape, dtype)?;
                let first_dim = u32::try_from(first_dim).map_err(|_| Error::out_of_memory(u64::MAX))?;
                let this = Described { bytes: &bytes[..described], dtype, rank: shape.len() as u8, first_dim, elements };
                *before = Some(this).filter(|_| described > 0);
                this
            }
        };
        let mut entry = Entry { dtype, rank, first_dim, slices, shard: 0, offset: 0, size: 0, crc };
        if slices > 0 {
            return Ok(entry);
        }
        let range = |what: &str, expected: String, found: i64| Error::malformed(what.to_owned()).expecting(expected, found);
        entry.shard = u32::try_from(shard)
            .ok()
            .filter(|&s| s < shards)
            .ok_or_else(|| range("the shard number is out of range", format!("0 to {}", shards - 1), shard))?;
        entry.offset = u64::try_from(offset).map_err(|_| range("the offset is negative", "0 or more".into(), offset))?;
        entry.size = u64::try_from(size).map_err(|_| range("the size is negative", "0 or more".into(), size))?;
        if offset.checked_add(size).is_none() {
            return Err(range(
                "offset and size are out of range",
                format!("at most {} after offset {offset}", i64::MAX - offset),
                size,
            ));
        }
        check_size(dtype, elements, entry.size)
            .map_err(|e| e.expecting(expected_size(dtype, elements), format_args!("{size} bytes")))?;
        Ok(entry)
    }
}

/// The extents of the slices that an entry lists, for a tensor of `shape`, one slice after the other.
pub(crate) fn parse_slices(bytes: &[u8], shape: &[i64], extents: &mut Vec<StoredExtent>) -> Result<()> {
    for field in Fields::of(bytes) {
        if let (7, v) = field? {
            parse_slice(v.bytes()?, shape, extents)?;
        }
    }
    Ok(())
}

fn check_size(dtype: DType, elements: u64, size: u64) -> Result<()> {
    let fits = match dtype.size() {
        Some(bytes) => size == elements * bytes as u64,
        // One length byte at least for each string and four of checksum; TensorFlow takes no bytes for no strings, too.
        None if dtype == DType::String => size.checked_sub(4).is_some_and(|n| n >= elements) || (elements == 0 && size == 0),
        // A length byte and four of checksum for each element.
        None => size / 5 >= elements && (size == 0) == (elements == 0),
    };
    match fits {
        true => Ok(()),
        false => Err(Error::malformed("the size does not fit dtype and shape").because(Reason::Shape)),
    }
}

fn expected_size(dtype: DType, elements: u64) -> String {
    match dtype.size() {
        Some(bytes) => format!("{} bytes", elements * bytes as u64),
        None => format!("room for {elements} elements of type {dtype}"),
    }
}

/// How a message names a key.
pub(crate) fn quoted(key: &[u8]) -> String {
    format!("\"{}\"", printable(key))
}
