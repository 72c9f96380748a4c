//! Loads validated records from the blocks of an index file.

use std::ops::Range;

use super::entry::{parse_slices, quoted, Described, Entry, Header};
use super::records::{Kind, Partition, Record, Records, MISSING, WHOLE};
use crate::background::Control;
use crate::error::{Error, Result};
use crate::table::{self, BlockBuffer, Budget, Table};
use crate::tensor::{DType, MAX_RANK};

/// Handles a fault: opening a checkpoint returns the first one, verifying records it and continues.
pub(super) type OnFault<'a> = &'a mut dyn FnMut(Error) -> Result<()>;

/// The largest block, in bytes, for which memory is reserved in advance: four times the size of the
/// blocks that a writer makes of short keys and records.
const ORDINARY: usize = 1 << 20;

/// The entire content of an index file.
pub(super) struct Loaded {
    pub header: Header,
    /// The records of each block that has any.
    pub blocks: Vec<Records>,
    /// The number of the first record of each of these blocks.
    pub firsts: Vec<u32>,
    pub count: u32,
    pub partitions: Vec<Partition>,
    pub budget: Budget,
}

/// Reads the blocks of an index one after the other.
pub(super) struct Loader<'a> {
    table: &'a Table,
    budget: Budget,
    header: Option<Header>,
    /// The records of the current block.
    block: Records,
    /// The position of the last key read, in `block.keys`.
    key: Range<usize>,
    /// The last key of the previous blocks.
    last_key: Vec<u8>,
    /// Whether any record has been read.
    begun: bool,
    partitions: Vec<Partition>,
}

impl<'a> Loader<'a> {
    pub fn new(table: &'a Table, budget: Budget) -> Loader<'a> {
        Loader {
            table,
            budget,
            header: None,
            block: Records::default(),
            key: 0..0,
            last_key: Vec::new(),
            begun: false,
            partitions: Vec::new(),
        }
    }

    /// Reads all blocks. With `metaindex`, the metaindex block, which is never used, is checked,
    /// too.
    pub fn run(mut self, metaindex: bool, control: &Control, on_fault: OnFault<'_>) -> Result<Loaded> {
        let mut buffer = BlockBuffer::default();
        if metaindex {
            self.table.check_metaindex(&mut buffer, &mut self.budget).or_else(&mut *on_fault)?;
        }
        let mut blocks: Vec<Records> = self.budget.vec(self.table.len())?;
        let mut firsts = self.budget.vec(self.table.len())?;
        let mut count = 0u32;
        for number in 0..self.table.len() {
            control.check()?;
            self.block.clear();
            self.key = 0..0;
            match self.table.block(number, &mut buffer, &mut self.budget) {
                Ok(block) => self.read_block(number, block, on_fault)?,
                Err(fault) => on_fault(fault)?,
            }
            let records = self.block.records.len();
            if records > 0 {
                let next = u32::try_from(records).ok().and_then(|n| count.checked_add(n)).filter(|&n| n < MISSING);
                firsts.push(count);
                count = next.ok_or_else(|| Error::out_of_memory(u64::MAX))?;
                blocks.push(self.keep());
            }
        }
        let header = self.header.ok_or_else(|| Error::malformed("the index holds no header record"))?;
        let mut budget = self.budget;
        buffer.release(&mut budget);
        Ok(Loaded { header, blocks, firsts, count, partitions: self.partitions, budget })
    }

    /// Takes the records read from the current block. The allocator shrinks the memory in place, so
    /// nothing is copied and no page is touched needlessly.
    fn keep(&mut self) -> Records {
        let mut block = std::mem::take(&mut self.block);
        self.budget.shrink(&mut block.keys);
        self.budget.shrink(&mut block.records);
        self.budget.shrink(&mut block.dims);
        block
    }

    fn read_block(&mut self, number: usize, block: table::Block<'_>, on_fault: OnFault<'_>) -> Result<()> {
        // An estimate for blocks of short keys. Memory reserved once is not copied as it grows.
        let expected = block.len().min(ORDINARY);
        self.budget.reserve(&mut self.block.keys, expected)?;
        self.budget.reserve(&mut self.block.records, expected / size_of::<Record>())?;
        let mut described = None;
        for entry in block.entries() {
            let entry = match entry.and_then(|entry| entry.check_shared(self.key.len()).map(|()| entry)) {
                Ok(entry) => entry,
                Err(fault) => {
                    on_fault(self.in_block(number, fault))?;
                    break;
                }
            };
            if !self.take_key(number, &entry)? {
                let fault = Error::malformed("the keys are not in increasing order").for_tensor(self.last_read());
                on_fault(self.in_block(number, fault))?;
            }
            if !self.begun {
                self.begun = true;
                self.take_header(number, entry.value)?;
                continue;
            }
            let header = self.header.ok_or_else(|| Error::malformed("the data block of the header could not be read"))?;
            if let Err(fault) = self.take_record(entry.value, header.shards, &mut described) {
                described = None;
                on_fault(fault.for_tensor(self.last_read()).in_file(self.table.file().path()))?;
            }
        }
        if !self.block.records.is_empty() {
            self.last_key.clear();
            self.budget.reserve(&mut self.last_key, self.key.len())?;
            self.last_key.extend_from_slice(&self.block.keys[self.key.clone()]);
            if &self.last_key[..] > self.table.limit(number) {
                let fault = Error::malformed("a key is greater than the limit in the index block").for_tensor(&self.last_key);
                on_fault(self.in_block(number, fault))?;
            }
        }
        Ok(())
    }

    fn in_block(&self, number: usize, fault: Error) -> Error {
        fault.prefixed(&format!("data block {number}")).in_file(self.table.file().path())
    }

    /// Returns the key that was read last.
    fn last_read(&self) -> &[u8] {
        &self.block.keys[self.key.clone()]
    }

    /// Appends the key of `entry` to the keys of the block. Returns whether it is greater than the
    /// previous key.
    fn take_key(&mut self, number: usize, entry: &table::Entry<'_>) -> Result<bool> {
        // Both keys begin with the same `shared` bytes; the bytes after them decide.
        let increasing = if self.key.end > 0 {
            entry.unshared > &self.block.keys[self.key.start + entry.shared..self.key.end]
        } else {
            let limit = number.checked_sub(1).map_or(&[][..], |before| self.table.limit(before));
            !self.begun || (entry.unshared > &self.last_key[..] && entry.unshared > limit)
        };
        self.budget.reserve(&mut self.block.keys, entry.shared + entry.unshared.len())?;
        let start = self.block.keys.len();
        self.block.keys.extend_from_within(self.key.start..self.key.start + entry.shared);
        self.block.keys.extend_from_slice(entry.unshared);
        self.key = start..self.block.keys.len();
        Ok(increasing)
    }

    fn take_header(&mut self, number: usize, value: &[u8]) -> Result<()> {
        if !self.key.is_empty() {
            return Err(match number {
                0 => Error::malformed("the first record is not the header").expecting("the empty key", quoted(self.last_read())),
                _ => Error::malformed("the data block of the header could not be read"),
            });
        }
        self.header = Some(Header::parse(value).map_err(|e| e.prefixed("the header record"))?);
        Ok(())
    }

    /// Appends the record of the key read last. A damaged record is appended as faulty, because its
    /// key exists.
    fn take_record<'v>(&mut self, value: &'v [u8], shards: u32, described: &mut Option<Described<'v>>) -> Result<()> {
        let key_end = u32::try_from(self.key.end).map_err(|_| Error::out_of_memory(u64::MAX))?;
        self.budget.reserve(&mut self.block.records, 1)?;
        self.budget.reserve(&mut self.block.dims, MAX_RANK)?;
        let dims = self.block.dims.len();
        let decoded = Entry::parse(value, shards, &mut self.block.dims, described);
        match decoded.and_then(|entry| Ok(Record::new(key_end, &entry, self.take_slices(value, &entry)?))) {
            Ok(record) => {
                self.block.records.push(record);
                Ok(())
            }
            Err(fault) => {
                self.block.dims.truncate(dims);
                self.block.records.push(Record::faulty(key_end));
                Err(fault)
            }
        }
    }

    /// Stores the slices that an entry lists. Their records are found once the whole index has been
    /// read.
    fn take_slices(&mut self, value: &[u8], entry: &Entry) -> Result<u32> {
        let count = entry.slices as usize;
        if count == 0 {
            return Ok(WHOLE);
        }
        let shape = &self.block.dims[entry.first_dim as usize..][..entry.rank.into()];
        let mut extents = self.budget.vec(count.saturating_mul(shape.len()))?;
        parse_slices(value, shape, &mut extents)?;
        let mut records = self.budget.vec(count)?;
        records.resize(count, MISSING);
        self.budget.reserve(&mut self.partitions, 1)?;
        self.partitions.push(Partition { extents, records });
        Ok(self.partitions.len() as u32 - 1)
    }
}

impl Record {
    fn new(key_end: u32, entry: &Entry, partition: u32) -> Record {
        Record {
            offset: entry.offset,
            size: entry.size,
            key_end,
            dims: entry.first_dim,
            shard: entry.shard,
            crc: entry.crc,
            partition,
            dtype: entry.dtype,
            rank: entry.rank,
            kind: Kind::Tensor,
        }
    }

    fn faulty(key_end: u32) -> Record {
        Record {
            offset: 0,
            size: 0,
            key_end,
            dims: 0,
            shard: 0,
            crc: 0,
            partition: WHOLE,
            dtype: DType::Float,
            rank: 0,
            kind: Kind::Faulty,
        }
    }
}
