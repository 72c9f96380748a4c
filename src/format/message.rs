//! The protobuf messages that V1 and V2 files share (versions, dtypes, shapes, slices), decoded
//! into validated values.

use crate::error::{Code, Error, Reason, Result};
use crate::format::proto::{put_bytes, put_number, put_varint, take_varint, varint_len, Fields, Value};
use crate::tensor::{checked_elements, shape_text, DType, Slice, StoredExtent, MAX_RANK};

/// The version of a checkpoint's writer, and the versions of readers that may read it
/// (`VersionDef`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// The writer's version: 1 today, 0 for bundles older than September 2016.
    pub producer: i32,
    /// The lowest version of a reader that may read the checkpoint.
    pub min_consumer: i32,
}

/// The version of the format that this library reads and writes (`kTensorBundleVersion` and
/// `TF_CHECKPOINT_VERSION`).
const VERSION: i64 = 1;

/// Parses a `VersionDef`. Refuses a checkpoint that excludes readers of version `VERSION`.
pub(crate) fn check_version(bytes: &[u8]) -> Result<Version> {
    let (mut producer, mut min_consumer, mut bad) = (0i64, 0i64, false);
    for field in Fields::of(bytes) {
        match field? {
            (1, v) => producer = v.int()?,
            (2, v) => min_consumer = v.int()?,
            (3, Value::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    let v = take_varint(&mut packed).ok_or_else(|| Error::malformed("a packed protobuf field is truncated"))?;
                    bad |= v as i64 == VERSION;
                }
            }
            (3, v) => bad |= v.int()? == VERSION,
            _ => {}
        }
    }
    let refuse = |what: &str| Error::new(Code::InvalidArgument, Reason::Version, what);
    if bad {
        return Err(refuse("the checkpoint excludes readers of this version")
            .expecting(format_args!("no {VERSION} in bad_consumers"), VERSION));
    }
    if min_consumer > VERSION {
        return Err(refuse("the checkpoint requires a newer reader")
            .expecting(format_args!("min_consumer at most {VERSION}"), min_consumer));
    }
    if producer < 0 {
        return Err(refuse("the version of the checkpoint's writer is negative").expecting("producer 0 or more", producer));
    }
    let narrow = |v: i64| i32::try_from(v).map_err(|_| refuse("a version number is out of range").expecting("32 bits", v));
    Ok(Version { producer: narrow(producer)?, min_consumer: narrow(min_consumer)? })
}

/// Returns the dtype of a `DataType` number.
pub(crate) fn known_dtype(number: u64) -> Result<DType> {
    let dtype = u32::try_from(number).ok().and_then(DType::from_number);
    dtype.ok_or_else(|| {
        Error::malformed("the dtype is unknown or cannot be stored in a checkpoint")
            .because(Reason::DType)
            .expecting("1 to 33 without 20", number as i64)
    })
}

/// Returns the number of elements of a shape, and checks that the size in bytes does not overflow
/// either.
pub(crate) fn validated_elements(shape: &[i64], dtype: DType) -> Result<u64> {
    let elements =
        checked_elements(shape).filter(|n| n.checked_mul(dtype.size().unwrap_or(1) as u64).is_some_and(|b| b <= i64::MAX as u64));
    elements.ok_or_else(|| {
        Error::malformed("the shape is invalid")
            .because(Reason::Shape)
            .expecting("dimensions of 0 or more whose product fits 63 bits", shape_text(&shape[..shape.len().min(16)]))
    })
}

/// Appends the dimensions of a `TensorShapeProto` to `dims`. Those of the same tensor begin at
/// `first`: if a message field is repeated, its occurrences are merged, as in protobuf.
pub(crate) fn parse_shape(message: &[u8], first: usize, dims: &mut Vec<i64>) -> Result<()> {
    for field in Fields::of(message) {
        match field? {
            (2, v) => {
                let mut size = 0;
                for field in Fields::of(v.bytes()?) {
                    match field? {
                        (1, v) => size = v.int()?,
                        (2, v) => {
                            v.bytes()?; // a name, which is ignored
                        }
                        _ => {}
                    }
                }
                if dims.len() - first == MAX_RANK {
                    return Err(Error::malformed("the tensor has too many dimensions")
                        .because(Reason::Shape)
                        .expecting(format_args!("at most {MAX_RANK}"), "more"));
                }
                dims.push(size);
            }
            (3, v) if v.varint()? != 0 => {
                return Err(Error::malformed("the tensor's rank is unknown")
                    .because(Reason::Shape)
                    .expecting("a known shape", "unknown_rank"))
            }
            _ => {}
        }
    }
    Ok(())
}

/// Parses a `TensorSliceProto` of a tensor of `shape` and appends its extents to `extents`. Each
/// extent is either full, or has a start and a length; all lie within the tensor.
pub(crate) fn parse_slice(message: &[u8], shape: &[i64], extents: &mut Vec<StoredExtent>) -> Result<()> {
    let first = extents.len();
    for field in Fields::of(message) {
        if let (1, v) = field? {
            if extents.len() - first == shape.len() {
                return Err(Error::malformed("a stored slice has more dimensions than its tensor")
                    .because(Reason::Shape)
                    .expecting(shape.len(), "more"));
            }
            let mut extent = StoredExtent { start: 0, length: -1 };
            for field in Fields::of(v.bytes()?) {
                match field? {
                    (1, v) => extent.start = v.int()?,
                    (2, v) => extent.length = v.int()?,
                    _ => {}
                }
            }
            let full = extent.start == 0 && extent.length == -1;
            if extent.start < 0 || (extent.length < 0 && !full) {
                return Err(Error::malformed("a stored slice has an invalid extent").because(Reason::Shape).expecting(
                    "the whole dimension, or start and length of 0 or more",
                    format_args!("start {} and length {}", extent.start, extent.length),
                ));
            }
            extents.push(extent);
        }
    }
    check_slice(&extents[first..], shape)
}

/// Checks that a stored slice has the rank of a tensor of `shape` and lies within it.
pub(crate) fn check_slice(extents: &[StoredExtent], shape: &[i64]) -> Result<()> {
    let fault = |what: &str| {
        Error::malformed(what.to_owned())
            .because(Reason::Shape)
            .expecting(format_args!("a slice within shape {}", shape_text(shape)), format_args!("\"{}\"", Slice::from(extents)))
    };
    if extents.len() != shape.len() {
        return Err(fault("a stored slice and its tensor differ in rank"));
    }
    for (extent, &dim) in extents.iter().zip(shape) {
        if extent.length >= 0 && extent.start.checked_add(extent.length).is_none_or(|end| end > dim) {
            return Err(fault("a stored slice extends beyond its tensor"));
        }
    }
    Ok(())
}

/// Appends a `TensorShapeProto` as `field`. Even a scalar has one.
pub(crate) fn put_shape(out: &mut Vec<u8>, field: u32, shape: &[i64]) {
    // The length of a dimension's message: its size as a varint and one byte for the tag; 0 is
    // omitted.
    let size = |&dim: &i64| if dim == 0 { 0 } else { 1 + varint_len(dim as u64) };
    let whole: usize = shape.iter().map(|dim| 2 + size(dim)).sum();
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, whole as u64);
    for dim in shape {
        put_varint(out, 2 << 3 | 2);
        put_varint(out, size(dim) as u64);
        put_number(out, 1, *dim as u64);
    }
}

/// Appends a `TensorSliceProto` as `field`. An extent that is not full always has a length, even 0.
pub(crate) fn put_slice(out: &mut Vec<u8>, field: u32, extents: &[StoredExtent]) {
    let mut message = Vec::with_capacity(6 * extents.len());
    for extent in extents {
        let mut range = Vec::with_capacity(8);
        if !extent.is_full() {
            put_number(&mut range, 1, extent.start as u64);
            put_varint(&mut range, 2 << 3);
            put_varint(&mut range, extent.length as u64);
        }
        put_bytes(&mut message, 1, &range);
    }
    put_bytes(out, field, &message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_put_as_tensorflow_puts_them() {
        for (shape, bytes) in [
            (&[][..], &[0x12, 0][..]),
            (&[0], &[0x12, 2, 0x12, 0]),
            (&[3, 300], &[0x12, 9, 0x12, 2, 8, 3, 0x12, 3, 8, 0xac, 2]),
            (&[i64::MAX], &[0x12, 12, 0x12, 10, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        ] {
            let mut out = Vec::new();
            put_shape(&mut out, 2, shape);
            assert_eq!(out, bytes, "{shape:?}");
        }
    }
}
