//! Limits the size of data files: tensors, and slices of tensors, that do not fit are cut into
//! slices, as by `MaxShardSizePolicy` in TensorFlow. The values are those that TensorFlow would
//! write; which slices are in which file is another matter.
//!
//! TensorFlow cuts along the axis that gives the fewest pieces, loops forever if a row is larger
//! than the limit, drops empty tensors, and cuts strings, which it cannot read back. This library
//! differs: every piece is consecutive in memory, so nothing is copied; a value that cannot be cut
//! gets a file of its own, however large; and nothing is dropped.

use std::collections::BTreeMap;

use super::items::Given;
use super::writer::{Partitioned, Writer};
use crate::allocate::{with_room, Room, TryPush};
use crate::error::Result;
use crate::format::ordered_code::slice_key;
use crate::tensor::{DType, Slice, StoredExtent};

/// Maximum number of dimensions of a partitioned tensor that TensorFlow can reassemble.
const MOST_DIMENSIONS: usize = 8;

/// Returns whether TensorFlow can read a tensor of `dtype` that is stored in slices.
fn is_divisible(dtype: DType) -> bool {
    use DType::*;
    matches!(
        dtype,
        Float
            | Double
            | Int32
            | Uint8
            | Int16
            | Int8
            | Complex64
            | Complex128
            | Int64
            | Bool
            | Qint32
            | Quint8
            | Qint8
            | Bfloat16
            | Int4
            | Uint4
    )
}

/// A part of a tensor: consecutive bytes of its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub extents: Vec<StoredExtent>,
    pub shape: Vec<i64>,
    /// The offset of the part in the tensor's value, in bytes.
    pub from: u64,
    /// The size of the part in bytes.
    pub length: u64,
    pub shard: u32,
}

/// Where a tensor is placed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packed {
    /// In one piece, in this data file.
    Whole(u32),
    /// In several slices.
    Cut(Vec<Cut>),
}

/// Fills one data file after the other.
pub(super) struct Packer {
    /// The maximum size of a data file in bytes.
    limit: u64,
    alignment: u64,
    shard: u32,
    /// The number of bytes placed in the current data file.
    filled: u64,
}

impl Packer {
    pub fn new(limit: u64, alignment: u64) -> Packer {
        Packer { limit, alignment, shard: 0, filled: 0 }
    }

    fn room(&self) -> u64 {
        self.limit.saturating_sub(self.filled)
    }

    fn take(&mut self, size: u64) -> u32 {
        self.filled += size.next_multiple_of(self.alignment);
        self.shard
    }

    fn next_file(&mut self) {
        if self.filled > 0 {
            self.shard += 1;
            self.filled = 0;
        }
    }

    /// Places a value of `size` bytes that must not be cut. Returns its data file.
    pub fn put_whole(&mut self, size: u64) -> u32 {
        if size > self.room() {
            self.next_file();
        }
        self.take(size)
    }

    /// Places a tensor. Cuts it if that is necessary and possible.
    pub fn put(&mut self, dtype: DType, shape: &[i64], size: u64) -> Result<Packed> {
        let element = dtype.size().unwrap_or(0) as u64;
        let divisible = is_divisible(dtype) && !shape.is_empty() && shape.len() <= MOST_DIMENSIONS;
        if size <= self.room() || !divisible || element > self.limit {
            return Ok(Packed::Whole(self.put_whole(size)));
        }
        // Find the outermost dimension one index of which fits a file. Everything within it stays
        // together.
        let mut unit = size;
        let mut dim = 0;
        while dim < shape.len() {
            unit /= shape[dim] as u64;
            if unit <= self.limit {
                break;
            }
            dim += 1;
        }
        if size <= self.limit && unit > self.room() {
            // Not even one index fits here: the next file gets all of it.
            return Ok(Packed::Whole(self.put_whole(size)));
        }
        let mut cuts = Vec::new();
        let mut from = 0;
        while from < size {
            if unit > self.room() {
                self.next_file();
            }
            let index = from / unit;
            let at = (index % shape[dim] as u64) as i64;
            let fits = (self.room() / unit).max(1).min((shape[dim] - at) as u64) as i64;
            let length = fits as u64 * unit;
            let mut extents = Vec::with_capacity(shape.len());
            let mut outer = index / shape[dim] as u64;
            for &size in shape[..dim].iter().rev() {
                extents.push(StoredExtent { start: (outer % size as u64) as i64, length: 1 });
                outer /= size as u64;
            }
            extents.reverse();
            extents.push(StoredExtent { start: at, length: fits });
            extents.extend(shape[dim + 1..].iter().map(|_| StoredExtent { start: 0, length: -1 }));
            // An extent that takes the whole dimension is stored as full.
            for (extent, &size) in extents.iter_mut().zip(shape) {
                if extent.length == size {
                    *extent = StoredExtent { start: 0, length: -1 };
                }
            }
            let shape = extents.iter().zip(shape).map(|(e, &size)| if e.is_full() { size } else { e.length }).collect();
            cuts.try_push(Cut { extents, shape, from, length, shard: self.take(length) })?;
            from += length;
        }
        Ok(match &cuts[..] {
            [only] => Packed::Whole(only.shard),
            _ => Packed::Cut(cuts),
        })
    }
}

impl Writer<'_> {
    /// Gives every item a data file of at most `limit` bytes, and cuts items that do not fit.
    pub(super) fn pack(&mut self, limit: u64) -> Result<Vec<u32>> {
        let mut packer = Packer::new(limit, self.options.alignment);
        let mut shards = with_room(self.items.len())?;
        let mut items = std::mem::take(&mut self.items);
        let mut owners = self.owners();
        for number in 0..items.len() {
            let source = items.take_source(number);
            let Given { key, dtype, shape, crc, .. } = items.get(number);
            // Items with a duplicate key are not cut, so that the duplicate is detected later.
            let owner = owners.remove(key);
            let is_plain = crc.is_none() && (owner.is_some() || !key.starts_with(&[0]) && !self.partitioned.contains_key(key));
            let packed =
                if is_plain { packer.put(dtype, shape, source.len())? } else { Packed::Whole(packer.put_whole(source.len())) };
            match packed {
                Packed::Whole(shard) => {
                    shards.try_push(shard)?;
                    self.items.push(key, dtype, shape, source, crc)?;
                }
                Packed::Cut(cuts) => {
                    let (key, base) = match &owner {
                        Some((key, extents)) => (&key[..], Some(extents)),
                        None => (key, None),
                    };
                    let mut slices = with_room(cuts.len())?;
                    for mut cut in cuts {
                        if let Some(base) = base {
                            cut.extents = within(base, &cut.extents);
                        }
                        let slice = slice_key(key, Slice::from(&cut.extents[..]).extents());
                        self.items.push(&slice, dtype, &cut.shape, source.part(cut.from, cut.length), None)?;
                        shards.try_push(cut.shard)?;
                        slices.push(cut.extents);
                    }
                    match self.partitioned.get_mut(key) {
                        Some(tensor) => {
                            tensor.slices.retain(|extents| Some(extents) != base);
                            tensor.slices.make_room(slices.len())?;
                            tensor.slices.append(&mut slices);
                        }
                        None => {
                            self.partitioned.insert(key.to_vec(), Partitioned { dtype, shape: shape.to_vec(), slices });
                        }
                    }
                }
            }
        }
        Ok(shards)
    }

    /// Returns the tensor and the extents of each slice, by the key of the slice. Of slices that
    /// were added twice there is only one.
    fn owners(&self) -> BTreeMap<Vec<u8>, (Vec<u8>, Vec<StoredExtent>)> {
        let mut owners = BTreeMap::new();
        for (key, tensor) in &self.partitioned {
            for extents in &tensor.slices {
                owners.insert(slice_key(key, Slice::from(&extents[..]).extents()), (key.clone(), extents.clone()));
            }
        }
        owners
    }
}

/// Converts a slice of a slice into a slice of the tensor.
fn within(base: &[StoredExtent], part: &[StoredExtent]) -> Vec<StoredExtent> {
    let both = base.iter().zip(part);
    let shift = |(base, part): (&StoredExtent, &StoredExtent)| {
        if part.is_full() {
            *base
        } else {
            StoredExtent { start: base.start + part.start, length: part.length }
        }
    };
    both.map(shift).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(packed: &Packed) -> String {
        match packed {
            Packed::Whole(shard) => format!("whole@{shard}"),
            Packed::Cut(cuts) => {
                let cuts: Vec<String> =
                    cuts.iter().map(|c| format!("{}@{}", crate::tensor::Slice::from(&c.extents[..]), c.shard)).collect();
                cuts.join(" ")
            }
        }
    }

    #[test]
    fn tensors_are_cut_where_they_have_to_be() {
        let mut packer = Packer::new(100, 1);
        for (dtype, shape, expected) in [
            (DType::Float, &[4][..], "whole@0"),
            (DType::Float, &[8, 4], "0,5:-@0 5,3:-@1"),
            (DType::Float, &[], "whole@1"),
            (DType::Half, &[30], "whole@2"), // TensorFlow could not reassemble it
            (DType::Int64, &[2, 20], "0,1:0,5@2 0,1:5,12@3 0,1:17,3@4 1,1:0,9@4 1,1:9,11@5"),
            (DType::Complex128, &[0, 3], "whole@5"), // empty tensors are kept
            (DType::Uint8, &[12], "whole@5"),
            (DType::Half, &[200], "whole@6"), // larger than a file: a file of its own
            (DType::Uint8, &[1], "whole@7"),
        ] {
            let size = shape.iter().product::<i64>() as u64 * dtype.size().unwrap() as u64;
            assert_eq!(text(&packer.put(dtype, shape, size).unwrap()), expected, "{dtype} {shape:?}");
        }
        // An element is larger than a file.
        assert_eq!(text(&Packer::new(8, 1).put(DType::Complex128, &[3], 48).unwrap()), "whole@0");
    }
}
