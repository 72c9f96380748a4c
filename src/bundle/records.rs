//! The records of an index in memory, in compact form.

use crate::tensor::{DType, StoredExtent};

/// The records of one block of the index file.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The keys, concatenated.
    pub keys: Vec<u8>,
    pub records: Vec<Record>,
    /// The dimensions of all shapes, concatenated.
    pub dims: Vec<i64>,
}

impl Records {
    pub fn memory_size(&self) -> usize {
        let arrays =
            self.keys.capacity() + self.records.capacity() * size_of::<Record>() + self.dims.capacity() * size_of::<i64>();
        size_of::<Records>() + arrays
    }
}

/// A tensor, or a slice of a tensor, in 40 bytes: a checkpoint may have millions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub offset: u64,
    pub size: u64,
    /// The end of the key in `keys`. It starts where the previous key ends.
    pub key_end: u32,
    /// The start of the shape in `dims`.
    pub dims: u32,
    pub shard: u32,
    pub crc: u32,
    /// The index in `partitions`, or `WHOLE`.
    pub partition: u32,
    pub dtype: DType,
    pub rank: u8,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tensor,
    /// A slice that a partitioned tensor lists.
    Slice,
    /// The record could not be decoded. It is kept while verifying, so that the keys after it can
    /// be reconstructed.
    Faulty,
}

/// The value of `Record::partition` for a tensor stored whole.
pub(super) const WHOLE: u32 = u32::MAX;
/// The value in `Partition::records` for a slice without a record.
pub(super) const MISSING: u32 = u32::MAX;

/// The slices of a partitioned tensor.
#[derive(Debug)]
pub(super) struct Partition {
    /// `rank` extents for each slice.
    pub extents: Vec<StoredExtent>,
    /// The record of each slice, or `MISSING`.
    pub records: Vec<u32>,
}

impl Partition {
    pub fn memory_size(&self) -> usize {
        let arrays = self.extents.capacity() * size_of::<StoredExtent>() + self.records.capacity() * size_of::<u32>();
        size_of::<Partition>() + arrays
    }
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
