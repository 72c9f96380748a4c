//! The records of an index in memory, compact.

use crate::tensor::{DType, StoredExtent};

/// The records of one block of the index file.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The keys, one after the other.
    pub keys: Vec<u8>,
    pub records: Vec<Record>,
    /// The dimensions, one shape after the other.
    pub dims: Vec<i64>,
}

/// One tensor or slice of a tensor, in 40 bytes: a checkpoint may have millions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub offset: u64,
    pub size: u64,
    /// Where the key ends in `keys`; it starts where the key before it ends.
    pub key_end: u32,
    /// Where the shape starts in `dims`.
    pub dims: u32,
    pub shard: u32,
    pub crc: u32,
    /// Index in `partitions`, or `WHOLE`.
    pub partition: u32,
    pub dtype: DType,
    pub rank: u8,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tensor,
    /// A partitioned tensor lists this record as a slice of its own.
    Slice,
    /// The record could not be decoded; kept when verifying, so that the keys after it can be told.
    Faulty,
}

pub(super) const WHOLE: u32 = u32::MAX;
pub(super) const MISSING: u32 = u32::MAX;

/// The slices of a partitioned tensor.
#[derive(Debug)]
pub(super) struct Partition {
    /// `rank` extents for each slice.
    pub extents: Vec<StoredExtent>,
    /// For each slice its record, or `MISSING`.
    pub records: Vec<u32>,
}

impl Records {
    pub fn clear(&mut self) {
        self.keys.clear();
        self.records.clear();
        self.dims.clear();
    }

    #[inline(always)]
    pub fn key(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.records[at - 1].key_end };
        &self.keys[start as usize..self.records[at].key_end as usize]
    }

    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.records.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.key(middle).cmp(key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}
