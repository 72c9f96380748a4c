//! The records of an index, header and entries, decoded into validated types. No code after this
//! needs to expect malformed records.

use crate::allocate::Room;
use crate::error::{printable, Error, Reason, Result};
use crate::format::message::{
    check_version, known_dtype, parse_shape, parse_slice, put_shape, put_slice, validated_elements, Version,
};
use crate::format::proto::{put_bytes, put_fixed32, put_number, take_varint, Fields};
use crate::tensor::{DType, StoredExtent};

/// Byte order of the tensors in the data files. Everything else is always little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endianness {
    /// Least significant byte first: the order of every file that TensorFlow writes on a current
    /// machine.
    Little,
    /// Most significant byte first. Values are converted as they are read.
    Big,
}

/// A validated `BundleHeaderProto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            count.ok_or_else(|| Error::malformed("the header has an invalid number of shards").expecting("1 or more", shards))?;
        let endianness = match endianness {
            0 => Endianness::Little,
            1 => Endianness::Big,
            other => {
                return Err(Error::malformed("the header has an unknown byte order").expecting("0 (little) or 1 (big)", other))
            }
        };
        Ok(Header { shards, endianness, version })
    }
}

/// A validated `BundleEntryProto`, except for the slices of a partitioned tensor, which
/// [`parse_slices`] reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub dtype: DType,
    /// The number of dimensions, and the index of the first in the list of dimensions.
    pub rank: u8,
    pub first_dim: u32,
    /// The number of slices; 0 if the tensor is stored whole. Only then are the next four fields
    /// meaningful.
    pub slices: u32,
    pub shard: u32,
    pub offset: u64,
    pub size: u64,
    /// The checksum, masked as stored.
    pub crc: u32,
}

/// The dtype and shape of an entry, and the bytes that encode them. Neighbouring entries mostly
/// have the same dtype and shape; then neither is decoded again, and the dimensions are stored
/// once.
#[derive(Clone, Copy)]
pub(crate) struct Described<'a> {
    bytes: &'a [u8],
    dtype: DType,
    rank: u8,
    first_dim: u32,
    elements: u64,
}

/// The location of a tensor's value, as the file states it.
#[derive(Clone, Copy, Default)]
struct Place {
    shard: i64,
    offset: i64,
    size: i64,
    crc: u32,
}

impl Place {
    /// Parses the fields after dtype and shape, if they are exactly those that a writer produces: a
    /// few comparisons per field, where the general decoder takes ten times as many. `None` for
    /// anything else.
    #[inline(always)]
    fn parse(mut bytes: &[u8]) -> Option<Place> {
        let mut place = Place::default();
        while let [tag, rest @ ..] = bytes {
            bytes = rest;
            match tag {
                0x18 => place.shard = take_varint(&mut bytes)? as i64,
                0x20 => place.offset = take_varint(&mut bytes)? as i64,
                0x28 => place.size = take_varint(&mut bytes)? as i64,
                0x35 => {
                    let (crc, rest) = bytes.split_first_chunk::<4>()?;
                    (place.crc, bytes) = (u32::from_le_bytes(*crc), rest);
                }
                _ => return None,
            }
        }
        Some(place)
    }
}

impl Entry {
    /// Decodes and validates an entry of a bundle of `shards` shards. Appends its dimensions, at
    /// most `MAX_RANK`, to `dims`, unless `before`, the previous entry, has the same ones.
    pub fn parse<'a>(bytes: &'a [u8], shards: u32, dims: &mut Vec<i64>, before: &mut Option<Described<'a>>) -> Result<Entry> {
        let same = before.filter(|d| bytes.starts_with(d.bytes));
        if let Some((described, place)) = same.and_then(|d| Some((d, Place::parse(&bytes[d.bytes.len()..])?))) {
            return Entry::checked(described, place, 0, shards);
        }
        let mut fields = Fields::of(bytes);
        let first_dim = dims.len();
        let (mut dtype, mut place, mut slices) = (0u64, Place::default(), 0u32);
        // The number of fields so far; and the end of dtype and shape, if they are the first two
        // fields and occur once.
        let (mut count, mut described) = (0, 0);
        while let Some(field) = fields.next() {
            count += 1;
            match field? {
                (1, v) => {
                    dtype = v.varint()?;
                    described = 0;
                }
                (2, v) => {
                    parse_shape(v.bytes()?, first_dim, dims)?;
                    described = if count == 2 && dtype != 0 { bytes.len() - fields.rest().len() } else { 0 };
                }
                (3, v) => place.shard = v.int()?,
                (4, v) => place.offset = v.int()?,
                (5, v) => place.size = v.int()?,
                (6, v) => place.crc = v.fixed32()?,
                (7, v) => {
                    v.bytes()?;
                    slices += 1;
                }
                _ => {}
            }
        }
        let dtype = known_dtype(dtype)?;
        let shape = &dims[first_dim..];
        let elements = validated_elements(shape, dtype)?;
        let first_dim = u32::try_from(first_dim).map_err(|_| Error::out_of_memory(u64::MAX))?;
        let this = Described { bytes: &bytes[..described], dtype, rank: shape.len() as u8, first_dim, elements };
        *before = Some(this).filter(|_| described > 0);
        Entry::checked(this, place, slices, shards)
    }

    /// Checks the location of a tensor stored whole. If it is stored in `slices` slices instead,
    /// each of those has its own location.
    #[inline(always)]
    fn checked(described: Described<'_>, place: Place, slices: u32, shards: u32) -> Result<Entry> {
        let Described { dtype, rank, first_dim, elements, .. } = described;
        let Place { shard, offset, size, crc } = place;
        let mut entry = Entry { dtype, rank, first_dim, slices, shard: 0, offset: 0, size: 0, crc };
        if slices > 0 {
            return Ok(entry);
        }
        let placed = (u32::try_from(shard), u64::try_from(offset), u64::try_from(size), offset.checked_add(size));
        match placed {
            (Ok(shard), Ok(offset), Ok(size), Some(_)) if shard < shards && fits(dtype, elements, size) => {
                (entry.shard, entry.offset, entry.size) = (shard, offset, size);
                Ok(entry)
            }
            _ => Err(misplaced(dtype, elements, place, shards)),
        }
    }
}

/// Returns the error for an entry with an invalid location.
#[cold]
fn misplaced(dtype: DType, elements: u64, place: Place, shards: u32) -> Error {
    let Place { shard, offset, size, .. } = place;
    let fault = |what: &str, expected: String, found: i64| Error::malformed(what.to_owned()).expecting(expected, found);
    if shard < 0 || shard >= shards.into() {
        return fault("the shard number is out of range", format!("0 to {}", shards - 1), shard);
    }
    if offset < 0 {
        return fault("the offset is negative", "0 or more".into(), offset);
    }
    if size < 0 {
        return fault("the size is negative", "0 or more".into(), size);
    }
    if offset.checked_add(size).is_none() {
        return fault("offset and size are out of range", format!("at most {} after offset {offset}", i64::MAX - offset), size);
    }
    let expected = match dtype.size() {
        Some(bytes) => format!("{} bytes", elements * bytes as u64),
        None => format!("room for {elements} elements of type {dtype}"),
    };
    Error::malformed("the size does not fit dtype and shape")
        .because(Reason::Shape)
        .expecting(expected, format_args!("{size} bytes"))
}

/// Appends the extents of the slices that the entry of a tensor of `shape` lists, slice by slice.
pub(crate) fn parse_slices(bytes: &[u8], shape: &[i64], extents: &mut Vec<StoredExtent>) -> Result<()> {
    for field in Fields::of(bytes) {
        if let (7, v) = field? {
            parse_slice(v.bytes()?, shape, extents)?;
        }
    }
    Ok(())
}

/// Returns whether `elements` elements can take `size` bytes.
#[inline(always)]
fn fits(dtype: DType, elements: u64, size: u64) -> bool {
    match dtype.size() {
        Some(bytes) => size == elements * bytes as u64,
        // Each string takes at least one length byte, and the checksum of the lengths takes four.
        // TensorFlow also stores zero strings in zero bytes.
        None if dtype == DType::String => size.checked_sub(4).is_some_and(|n| n >= elements) || (elements == 0 && size == 0),
        // Each element takes at least one length byte and four bytes of checksum.
        None => size / 5 >= elements && (size == 0) == (elements == 0),
    }
}

/// Returns a key in quotes, for messages.
pub(crate) fn quoted(key: &[u8]) -> String {
    format!("\"{}\"", printable(key))
}

/// Appends the header record of a bundle of `shards` data files, with the version that this library
/// writes.
pub(super) fn put_header(out: &mut Vec<u8>, shards: u32, endianness: Endianness) {
    put_number(out, 1, shards.into());
    put_number(out, 2, u64::from(endianness == Endianness::Big));
    put_bytes(out, 3, &[1 << 3, VERSION_WRITTEN]);
}

/// The value of `VersionDef.producer`.
const VERSION_WRITTEN: u8 = 1;

/// Appends the entry of a tensor, or of a slice, that has a value. `crc` is masked.
pub(super) fn put_entry(out: &mut Vec<u8>, dtype: DType, shape: &[i64], shard: u32, offset: u64, size: u64, crc: u32) {
    put_number(out, 1, dtype.number().into());
    put_shape(out, 2, shape);
    put_number(out, 3, shard.into());
    put_number(out, 4, offset);
    put_number(out, 5, size);
    put_fixed32(out, 6, crc);
}

/// Appends the entry of a partitioned tensor. It has no value; its shard is 0, or in a merged
/// checkpoint the one that was shard 0 of the first section with slices of the tensor, as in
/// TensorFlow.
pub(super) fn put_partitioned(
    out: &mut Vec<u8>,
    dtype: DType,
    shape: &[i64],
    shard: u32,
    slices: &[Vec<StoredExtent>],
) -> Result<()> {
    // At most 24 bytes for each dimension of a slice, and the heads of the messages.
    out.make_room(64 + (24 * shape.len()).saturating_mul(slices.len() + 1).saturating_add(8 * slices.len()))?;
    put_number(out, 1, dtype.number().into());
    put_shape(out, 2, shape);
    put_number(out, 3, shard.into());
    for slice in slices {
        put_slice(out, 7, slice);
    }
    Ok(())
}
