//! The index of a bundle in memory: all records validated, compact, in key order.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::entry::Header;
use super::load::{Loaded, Loader, OnFault};
use super::naming;
use super::records::{Kind, Partition, Record, Records, MISSING};
use super::seal::Seal;
use crate::allocate::TryPush;
use crate::background::Control;
use crate::error::{Error, Reason, Result};
use crate::foreign::explain;
use crate::format::ordered_code::{slice_key_head, slice_key_tail};
use crate::storage::{File, Location};
use crate::table::{BlockBuffer, Budget, Table};
use crate::tensor::{elements, shape_text, Bounds, DType, Slice, StoredExtent};

/// A validated index.
#[derive(Debug)]
pub(crate) struct Index {
    prefix: Location,
    seal: Arc<Seal>,
    header: Header,
    blocks: Vec<Records>,
    /// The number of the first record of each block. Records are numbered in key order.
    firsts: Vec<u32>,
    /// The slices of all partitioned tensors.
    partitions: Vec<Partition>,
    /// The numbers of the records that are tensors; `None` if all are.
    tensors: Option<Vec<u32>>,
    /// The number of records.
    count: u32,
}

/// A borrowed record of the index.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub key: &'a [u8],
    pub shape: &'a [i64],
    pub dtype: DType,
    pub shard: u32,
    pub offset: u64,
    pub size: u64,
    /// The checksum, masked as stored.
    pub crc: u32,
    /// The slices, if the tensor is partitioned.
    partition: Option<&'a Partition>,
}

/// One stored slice of a partitioned tensor.
pub(crate) struct StoredSlice<'a> {
    pub extents: &'a [StoredExtent],
    /// The number of its record; `None` if the checkpoint does not contain it.
    pub record: Option<u32>,
}

impl<'a> Row<'a> {
    pub fn is_partitioned(&self) -> bool {
        self.partition.is_some()
    }

    /// Returns the slices of a partitioned tensor in the order of the list; none for a tensor
    /// stored whole.
    pub fn slices(&self) -> impl ExactSizeIterator<Item = StoredSlice<'a>> + 'a {
        let rank = self.shape.len();
        let (extents, records) = self.partition.map_or((&[][..], &[][..]), |p| (&p.extents[..], &p.records[..]));
        records.iter().enumerate().map(move |(i, &record)| StoredSlice {
            extents: &extents[i * rank..(i + 1) * rank],
            record: (record != MISSING).then_some(record),
        })
    }

    pub fn elements(&self) -> u64 {
        elements(self.shape)
    }

    /// Returns whether both rows describe the same value at the same location.
    fn is(&self, other: &Row<'_>) -> bool {
        let place = |row: &Row<'_>| (row.dtype, row.shard, row.offset, row.size, row.crc, row.is_partitioned());
        place(self) == place(other) && self.shape == other.shape
    }
}

impl StoredSlice<'_> {
    /// Returns whether the slice takes every dimension whole.
    pub fn is_whole(&self) -> bool {
        self.extents.iter().all(|e| e.is_full())
    }

    pub fn slice(&self) -> Slice {
        self.extents.into()
    }

    /// Returns the box of the slice in a tensor of `shape`, within which it has been checked to
    /// lie.
    pub fn bounds(&self, shape: &[i64]) -> Bounds {
        Bounds::stored(self.extents, shape)
    }
}

impl Index {
    /// Reads `PREFIX.index`. With `metaindex`, the metaindex block, which is never used, is
    /// checked, too.
    pub fn load(prefix: &Location, memory_limit: Option<u64>, metaindex: bool, on_fault: OnFault<'_>) -> Result<Index> {
        Index::load_watched(prefix, memory_limit, metaindex, &Control::default(), on_fault)
    }

    /// The same for a call that can be cancelled.
    pub fn load_watched(
        prefix: &Location,
        memory_limit: Option<u64>,
        metaindex: bool,
        control: &Control,
        on_fault: OnFault<'_>,
    ) -> Result<Index> {
        let path = naming::index_path(prefix);
        let file = File::open(&path).map_err(explain)?;
        let mut budget = Budget::for_index(file.len(), memory_limit);
        let table = Table::of(file, &mut budget).map_err(|e| explain(e.in_file(&path)))?;
        let seal = Arc::new(Seal::of(&table)?);
        let loaded = Loader::new(&table, budget).run(metaindex, control, on_fault).map_err(|e| e.in_file(&path))?;
        let Loaded { header, blocks, firsts, count, partitions, budget } = loaded;
        let mut index = Index { prefix: prefix.to_owned(), seal, header, blocks, firsts, partitions, tensors: None, count };
        index.resolve_slices(budget, on_fault).map_err(|e| e.in_file(&path))?;
        Ok(index)
    }

    /// Returns whether `now` has the same content as this index, including the checksums of all
    /// values.
    pub fn has_content_of(&self, now: &Index) -> bool {
        let mut rows = self.records().zip(now.records());
        self.header == now.header && self.count == now.count && rows.all(|((a_key, a), (b_key, b))| a_key == b_key && a.is(&b))
    }

    /// Returns the numbers of the data files that the records are in, in increasing order.
    pub fn shards(&self) -> Result<Vec<u32>> {
        let mut numbers = Vec::new();
        for record in self.blocks.iter().flat_map(|block| &block.records) {
            if numbers.last() != Some(&record.shard) {
                numbers.try_push(record.shard)?;
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// Reads only the header of the index at `path`.
    pub fn header_of(path: &Location) -> Result<Header> {
        Index::header_in(File::open(path)?)
    }

    /// Reads only the header of the index that is open as `file`.
    pub fn header_in(file: File) -> Result<Header> {
        let path = &file.path().to_owned();
        let mut budget = Budget::for_index(file.len(), None);
        let table = Table::of(file, &mut budget).map_err(|e| e.in_file(path))?;
        let missing = || Error::malformed("the index holds no header record").in_file(path);
        if table.len() == 0 {
            return Err(missing());
        }
        let mut buffer = BlockBuffer::default();
        let first = table.block(0, &mut buffer, &mut budget)?.entries().next().ok_or_else(missing)??;
        Header::parse(first.value).map_err(|e| e.in_file(path))
    }

    /// Finds the record of every listed slice and checks that it matches the list.
    fn resolve_slices(&mut self, mut budget: Budget, on_fault: OnFault<'_>) -> Result<()> {
        let partitioned = !self.partitions.is_empty();
        for number in (0..self.count).take_while(|_| partitioned) {
            let row = self.row(number);
            let Some(partition) = row.partition else { continue };
            let which = self.record(number).partition as usize;
            let rank = row.shape.len();
            let mut records: Vec<u32> = budget.vec(partition.records.len())?;
            // The name may be long and the slices many: find the records whose keys begin with the
            // head once, then compare only the tails.
            let head = slice_key_head(row.key, rank);
            let own = self.records_with_prefix(&head);
            let mut fault = row.slices().find_map(|slice| {
                slice.is_whole().then(|| {
                    // The record of such a slice would be the record that lists it.
                    Error::malformed("a partitioned tensor lists a slice that covers the whole tensor").for_tensor(row.key)
                })
            });
            for slice in row.slices() {
                let found = self.find_in(own.clone(), head.len(), &slice_key_tail(slice.slice().extents()));
                fault = fault.or_else(|| self.slice_fault(row, &slice, found?));
                records.push(found.unwrap_or(MISSING));
                if fault.is_some() {
                    break;
                }
            }
            if let Some(fault) = fault {
                on_fault(fault.in_file(self.seal.path()))?;
                records.clear();
                records.resize(row.slices().len(), MISSING);
            }
            for &record in &records {
                if record != MISSING {
                    let (block, at) = self.place(record);
                    self.blocks[block].records[at].kind = Kind::Slice;
                }
            }
            self.partitions[which].records = records;
        }
        let tensors = self.blocks.iter().flat_map(|b| &b.records).filter(|r| r.kind == Kind::Tensor).count();
        if tensors < self.count as usize {
            let mut numbers = budget.vec(tensors)?;
            numbers.extend((0..self.count).filter(|&n| self.record(n).kind == Kind::Tensor));
            self.tensors = Some(numbers);
        }
        Ok(())
    }

    /// Returns what is wrong with record `found` as a slice of `tensor`; `None` if nothing is.
    fn slice_fault(&self, tensor: Row<'_>, slice: &StoredSlice<'_>, found: u32) -> Option<Error> {
        let part = self.row(found);
        let shape = slice.bounds(tensor.shape).length;
        let fault = |what: &str| {
            Some(Error::malformed(format!("the record of slice \"{}\" {what}", slice.slice())).for_tensor(tensor.key))
        };
        if part.is_partitioned() {
            return fault("is itself partitioned");
        }
        if part.dtype != tensor.dtype {
            return fault("has the wrong dtype").map(|e| e.because(Reason::DType).expecting(tensor.dtype, part.dtype));
        }
        if part.shape != shape {
            return fault("has the wrong shape")
                .map(|e| e.because(Reason::Shape).expecting(shape_text(&shape), shape_text(part.shape)));
        }
        None
    }

    pub fn prefix(&self) -> &Location {
        &self.prefix
    }

    /// Returns the path of the index file.
    pub fn path(&self) -> &Location {
        self.seal.path()
    }

    /// Returns what identifies the index file.
    pub fn seal(&self) -> &Arc<Seal> {
        &self.seal
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the bytes of memory that the records take.
    pub fn memory_size(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Records::memory_size).sum();
        let partitions: usize = self.partitions.iter().map(Partition::memory_size).sum();
        let numbers = self.firsts.capacity() + self.tensors.as_ref().map_or(0, Vec::capacity);
        blocks + partitions + numbers * size_of::<u32>()
    }

    /// Returns the number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.as_ref().map_or(self.count as usize, Vec::len)
    }

    /// Returns the `index`th tensor in key order.
    pub fn tensor(&self, index: usize) -> Row<'_> {
        match &self.tensors {
            None => self.row(index as u32),
            Some(tensors) => self.row(tensors[index]),
        }
    }

    /// Returns the key of the `index`th tensor.
    pub fn key(&self, index: usize) -> &[u8] {
        let (block, at) = self.place_of_tensor(index);
        self.blocks[block].key(at)
    }

    /// Returns the dtype of the `index`th tensor.
    pub fn dtype(&self, index: usize) -> DType {
        let (block, at) = self.place_of_tensor(index);
        self.blocks[block].records[at].dtype
    }

    /// Returns the shape of the `index`th tensor.
    pub fn shape(&self, index: usize) -> &[i64] {
        self.spec(index).1
    }

    /// Returns the dtype and shape of the `index`th tensor.
    #[inline]
    pub fn spec(&self, index: usize) -> (DType, &[i64]) {
        let (block, at) = self.place_of_tensor(index);
        let block = &self.blocks[block];
        let record = &block.records[at];
        (record.dtype, &block.dims[record.dims as usize..][..record.rank as usize])
    }

    #[inline(always)]
    fn place_of_tensor(&self, index: usize) -> (usize, usize) {
        self.place(self.tensors.as_ref().map_or(index as u32, |tensors| tensors[index]))
    }

    /// Returns the index of the tensor with this key.
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let record = self.find_record(key)?;
        match &self.tensors {
            None => Some(record as usize),
            Some(tensors) => tensors.binary_search(&record).ok(),
        }
    }

    /// Like [`Index::find`], but faster the closer the key lies after the key of the tensor `near`:
    /// callers that look up many keys mostly do so in key order.
    pub fn find_near(&self, near: usize, key: &[u8]) -> Option<usize> {
        let (mut low, mut high, mut step) = (0, self.len(), 1);
        while low < high {
            // Step sizes double until the key lies between two steps; then the interval is halved.
            let at = match (low > 0, high < self.len()) {
                (false, false) => near.saturating_add(1),
                (true, false) => low.saturating_add(step),
                (false, true) => high.saturating_sub(step),
                (true, true) => low + (high - low) / 2,
            };
            let at = at.clamp(low, high - 1);
            match self.key(at).cmp(key) {
                Ordering::Equal => return Some(at),
                Ordering::Less => low = at + 1,
                Ordering::Greater => high = at,
            }
            step = step.saturating_mul(2);
        }
        None
    }

    /// Returns all records in key order: tensors stored whole, partitioned tensors, and slices.
    pub fn all_rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.count).map(|n| self.row(n))
    }

    /// Returns every record that holds a value, with the key of its tensor: tensors stored whole,
    /// and the slices of partitioned tensors.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], Row<'_>)> {
        (0..self.len()).map(|i| self.tensor(i)).flat_map(move |tensor| {
            let whole = (!tensor.is_partitioned()).then_some(tensor);
            let slices = tensor.slices().filter_map(move |s| Some(self.row(s.record?)));
            whole.into_iter().chain(slices).map(move |row| (tensor.key, row))
        })
    }

    /// Returns the block that contains record `number`, and the position of the record in it.
    fn place(&self, number: u32) -> (usize, usize) {
        let last = self.firsts.len() - 1;
        // Blocks hold about the same number of records each, so the estimate is off by a few blocks
        // at most; and a listing proceeds from one block to the next.
        let mut block = (u64::from(number) * self.firsts.len() as u64 / u64::from(self.count)) as usize;
        for _ in 0..8 {
            if self.firsts[block] > number {
                block -= 1;
            } else if block < last && self.firsts[block + 1] <= number {
                block += 1;
            } else {
                return (block, (number - self.firsts[block]) as usize);
            }
        }
        let block = self.firsts.partition_point(|&first| first <= number) - 1;
        (block, (number - self.firsts[block]) as usize)
    }

    fn record(&self, number: u32) -> &Record {
        let (block, at) = self.place(number);
        &self.blocks[block].records[at]
    }

    /// Returns record `number`, counted in key order.
    pub fn row(&self, number: u32) -> Row<'_> {
        let (block, at) = self.place(number);
        let block = &self.blocks[block];
        let record = &block.records[at];
        Row {
            key: block.key(at),
            shape: &block.dims[record.dims as usize..][..record.rank as usize],
            dtype: record.dtype,
            shard: record.shard,
            offset: record.offset,
            size: record.size,
            crc: record.crc,
            partition: self.partitions.get(record.partition as usize),
        }
    }

    /// Returns the numbers of the records whose keys begin with `prefix`.
    fn records_with_prefix(&self, prefix: &[u8]) -> Range<u32> {
        let first = partition_point(0..self.count, |n| self.row(n).key < prefix);
        first..partition_point(first..self.count, |n| self.row(n).key.starts_with(prefix))
    }

    /// Returns the record whose key ends with `tail`, among the records `numbers`, whose keys share
    /// the first `skip` bytes.
    fn find_in(&self, numbers: Range<u32>, skip: usize, tail: &[u8]) -> Option<u32> {
        let end = numbers.end;
        let found = partition_point(numbers, |n| &self.row(n).key[skip..] < tail);
        (found < end && &self.row(found).key[skip..] == tail && self.record(found).kind != Kind::Faulty).then_some(found)
    }

    fn find_record(&self, key: &[u8]) -> Option<u32> {
        let block = self.blocks.partition_point(|b| b.key(0) <= key).checked_sub(1)?;
        let at = self.blocks[block].find(key)?;
        (self.blocks[block].records[at].kind != Kind::Faulty).then(|| self.firsts[block] + at as u32)
    }
}

/// Returns the first of `numbers` for which `before` is false. It must be true for all before that
/// one, and false for all after it.
fn partition_point(numbers: Range<u32>, before: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (numbers.start, numbers.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1
        } else {
            high = middle
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::super::{Durability, WriteOptions, Writer};
    use super::*;
    use crate::laboratory::scratch;

    #[test]
    fn what_is_found_does_not_depend_on_where_the_search_begins() {
        let directory = scratch();
        let prefix = directory.path().join("ckpt");
        let mut writer = Writer::new(&prefix, &WriteOptions::new().durability(Durability::None)).unwrap();
        for i in (0..80).step_by(2) {
            let (key, halves) = (format!("t{i:02}"), [("0,1", &[1u8][..]), ("1,1", &[2])]);
            match i % 10 {
                0 => halves.iter().for_each(|(s, v)| writer.add_slice(&key, DType::Uint8, &[2], &s.parse().unwrap(), v).unwrap()),
                _ => writer.add(&key, DType::Uint8, &[1], &[0]).unwrap(),
            }
        }
        writer.finish().unwrap();
        let index = Index::load(&Location::of(&prefix).unwrap(), None, false, &mut Err).unwrap();
        assert_eq!((index.len(), index.count), (40, 56));
        for number in 0..82 {
            let key = format!("t{number:02}");
            let found = (number < 80 && number % 2 == 0).then_some(number / 2);
            assert_eq!(index.find(key.as_bytes()), found);
            for near in (0..45).chain([usize::MAX]) {
                assert_eq!(index.find_near(near, key.as_bytes()), found, "{key} near {near}");
            }
        }
        assert_eq!((index.find_near(7, b""), index.find_near(7, b"a"), index.find_near(7, b"u")), (None, None, None));
    }
}
