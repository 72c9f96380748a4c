//! The index of a bundle in memory: every record validated, compact, in key order.

use std::path::{Path, PathBuf};

use super::entry::{Entry, Header};
use super::naming;
use crate::error::{Error, Reason, Result};
use crate::format::ordered_code::slice_key;
use crate::table::{BlockBuffer, Budget, Table};
use crate::tensor::{shape_text, Bounds, DType, Slice, StoredExtent};

/// What to do about a fault: opening stops at the first (returns it), verifying notes it and goes on.
pub(crate) type OnFault<'a> = &'a mut dyn FnMut(Error) -> Result<()>;

/// The records of one block of the index file.
#[derive(Debug, Default)]
struct Records {
    /// The keys, one after the other.
    keys: Vec<u8>,
    records: Vec<Record>,
    /// The dimensions, one shape after the other.
    dims: Vec<i64>,
}

/// One tensor or slice of a tensor, in 40 bytes: a checkpoint may have millions.
#[derive(Clone, Copy, Debug)]
struct Record {
    offset: u64,
    size: u64,
    /// Where the key ends in `keys`; it starts where the key before it ends.
    key_end: u32,
    /// Where the shape starts in `dims`.
    dims: u32,
    shard: u32,
    crc: u32,
    /// Index in `partitions`, or `WHOLE`.
    partition: u32,
    dtype: DType,
    rank: u8,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tensor,
    /// A partitioned tensor lists this record as a slice of its own.
    Slice,
    /// The record could not be decoded; kept when verifying, so that the keys after it can be told.
    Faulty,
}

const WHOLE: u32 = u32::MAX;
const MISSING: u32 = u32::MAX;

/// The slices of a partitioned tensor.
#[derive(Debug)]
struct Partition {
    /// `rank` extents for each slice.
    extents: Vec<StoredExtent>,
    /// For each slice its record, or `MISSING`.
    records: Vec<u32>,
}

/// A validated index.
#[derive(Debug)]
pub(crate) struct Index {
    prefix: PathBuf,
    path: PathBuf,
    header: Header,
    blocks: Vec<Records>,
    /// The number of the first record of each block.
    firsts: Vec<u32>,
    partitions: Vec<Partition>,
    /// The records that are tensors, when some are not.
    tensors: Option<Vec<u32>>,
    count: u32,
}

/// A record of the index, borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub key: &'a [u8],
    pub shape: &'a [i64],
    pub dtype: DType,
    pub shard: u32,
    pub offset: u64,
    pub size: u64,
    /// Masked, as stored.
    pub crc: u32,
    partition: Option<&'a Partition>,
}

/// One stored slice of a partitioned tensor.
pub(crate) struct StoredSlice<'a> {
    pub extents: &'a [StoredExtent],
    /// Number of its record; none when the checkpoint does not hold it.
    pub record: Option<u32>,
}

impl<'a> Row<'a> {
    pub fn is_partitioned(&self) -> bool {
        self.partition.is_some()
    }

    /// The slices of a partitioned tensor in the order in which they are listed; none of a tensor stored whole.
    pub fn slices(&self) -> impl ExactSizeIterator<Item = StoredSlice<'a>> + 'a {
        let rank = self.shape.len();
        let (extents, records) = self.partition.map_or((&[][..], &[][..]), |p| (&p.extents[..], &p.records[..]));
        records.iter().enumerate().map(move |(i, &record)| StoredSlice {
            extents: &extents[i * rank..(i + 1) * rank],
            record: (record != MISSING).then_some(record),
        })
    }

    pub fn elements(&self) -> u64 {
        Bounds::whole(self.shape).elements()
    }
}

impl StoredSlice<'_> {
    pub fn slice(&self) -> Slice {
        self.extents.into()
    }

    /// The box within a tensor of `shape`; it was checked to lie within.
    pub fn bounds(&self, shape: &[i64]) -> Bounds {
        Bounds::stored(self.extents, shape)
    }
}

impl Index {
    /// Reads `PREFIX.index`. With `metaindex`, the one block that is never used is checked, too.
    pub fn load(prefix: &Path, memory_limit: Option<u64>, metaindex: bool, on_fault: OnFault<'_>) -> Result<Index> {
        let path = naming::index_path(prefix);
        let file = crate::storage::File::open(&path)?;
        let mut budget = Budget::for_index(file.len(), memory_limit);
        let table = Table::of(file, &mut budget).map_err(|e| e.in_file(&path))?;
        let mut loader = Loader {
            path: &path,
            budget,
            header: None,
            dims: Vec::new(),
            extents: Vec::new(),
            partitions: Vec::new(),
            last_key: Vec::new(),
            any: false,
        };
        let mut buffer = BlockBuffer::default();
        if metaindex {
            table.check_metaindex(&mut buffer, &mut loader.budget).or_else(&mut *on_fault)?;
        }
        let mut blocks = loader.budget.vec(table.len())?;
        let mut firsts = loader.budget.vec(table.len())?;
        let mut count = 0u32;
        for i in 0..table.len() {
            let records = loader.block(&table, i, &mut buffer, on_fault).map_err(|e| e.in_file(&path))?;
            if records.records.is_empty() {
                continue;
            }
            firsts.push(count);
            count = u32::try_from(records.records.len())
                .ok()
                .and_then(|n| count.checked_add(n))
                .filter(|&n| n < MISSING)
                .ok_or_else(|| Error::out_of_memory(u64::MAX).in_file(&path))?;
            blocks.push(records);
        }
        buffer.release(&mut loader.budget);
        let Some(header) = loader.header else {
            return Err(Error::malformed("the index holds no header record").in_file(&path));
        };
        let Loader { partitions, budget, .. } = loader;
        let mut index =
            Index { prefix: prefix.to_owned(), path: path.clone(), header, blocks, firsts, partitions, tensors: None, count };
        index.resolve_slices(budget, on_fault).map_err(|e| e.in_file(&path))?;
        Ok(index)
    }

    /// Finds the record of every listed slice, and checks that it is what the list says.
    fn resolve_slices(&mut self, mut budget: Budget, on_fault: OnFault<'_>) -> Result<()> {
        let partitioned = !self.partitions.is_empty();
        for number in (0..self.count).take_while(|_| partitioned) {
            let row = self.row(number);
            let Some(partition) = row.partition else { continue };
            let which = self.record(number).partition as usize;
            let rank = row.shape.len();
            let mut records: Vec<u32> = budget.vec(partition.records.len())?;
            let mut faults = Vec::new();
            for slice in row.slices() {
                let found = self.find_record(&slice_key(row.key, slice.slice().extents()));
                if let Some(found) = found {
                    let part = self.row(found);
                    let bounds = slice.bounds(row.shape);
                    let name = |what: &str| {
                        Error::malformed(format!("the record of slice \"{}\" {what}", slice.slice())).for_tensor(row.key)
                    };
                    if part.is_partitioned() {
                        faults.push(name("is itself partitioned"));
                    } else if part.dtype != row.dtype {
                        faults.push(name("has another dtype").because(Reason::DType).expecting(row.dtype, part.dtype));
                    } else if part.shape != bounds.length {
                        faults.push(
                            name("has another shape")
                                .because(Reason::Shape)
                                .expecting(shape_text(&bounds.length), shape_text(part.shape)),
                        );
                    }
                }
                records.push(found.unwrap_or(MISSING));
            }
            if rank == 0 || row.slices().any(|s| s.extents.iter().all(|e| e.is_full())) {
                faults.push(Error::malformed("a tensor stored whole is listed as partitioned").for_tensor(row.key));
            }
            let refused = !faults.is_empty();
            for fault in faults {
                on_fault(fault.in_file(&self.path))?;
            }
            for &record in &records {
                if record != MISSING && !refused {
                    let (block, at) = self.place(record);
                    self.blocks[block].records[at].kind = Kind::Slice;
                }
            }
            if refused {
                records.fill(MISSING);
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

    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The index file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.as_ref().map_or(self.count as usize, Vec::len)
    }

    /// The `index`th tensor in key order.
    pub fn tensor(&self, index: usize) -> Row<'_> {
        match &self.tensors {
            None => self.row(index as u32),
            Some(tensors) => self.row(tensors[index]),
        }
    }

    /// Which tensor has this key.
    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let record = self.find_record(key)?;
        match &self.tensors {
            None => Some(record as usize),
            Some(tensors) => tensors.binary_search(&record).ok(),
        }
    }

    /// Every record that holds a value, with the key of its tensor: tensors stored whole, and the slices of the others.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], Row<'_>)> {
        (0..self.len()).map(|i| self.tensor(i)).flat_map(move |tensor| {
            let whole = (!tensor.is_partitioned()).then_some(tensor);
            let slices = tensor.slices().filter_map(move |s| Some(self.row(s.record?)));
            whole.into_iter().chain(slices).map(move |row| (tensor.key, row))
        })
    }

    fn place(&self, number: u32) -> (usize, usize) {
        let block = self.firsts.partition_point(|&first| first <= number) - 1;
        (block, (number - self.firsts[block]) as usize)
    }

    fn record(&self, number: u32) -> &Record {
        let (block, at) = self.place(number);
        &self.blocks[block].records[at]
    }

    /// The record `number`, counted in key order.
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

    fn find_record(&self, key: &[u8]) -> Option<u32> {
        let block = self.blocks.partition_point(|b| b.key(0) <= key).checked_sub(1)?;
        let at = self.blocks[block].find(key)?;
        (self.blocks[block].records[at].kind != Kind::Faulty).then(|| self.firsts[block] + at as u32)
    }
}

impl Records {
    fn key(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.records[at - 1].key_end };
        &self.keys[start as usize..self.records[at].key_end as usize]
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
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

/// What is carried from block to block while an index is read.
struct Loader<'a> {
    path: &'a Path,
    budget: Budget,
    header: Option<Header>,
    dims: Vec<i64>,
    extents: Vec<StoredExtent>,
    partitions: Vec<Partition>,
    /// The last key of the blocks read so far.
    last_key: Vec<u8>,
    /// Whether any entry has been read.
    any: bool,
}

impl Loader<'_> {
    fn block(&mut self, table: &Table, number: usize, buffer: &mut BlockBuffer, on_fault: OnFault<'_>) -> Result<Records> {
        let block = match table.block(number, buffer, &mut self.budget) {
            Ok(block) => block,
            Err(fault) => {
                on_fault(fault)?;
                return Ok(Records::default());
            }
        };
        // First how much there is, so that what follows allocates exactly that much.
        let (mut count, mut key_bytes, mut key_len) = (0usize, 0u64, 0usize);
        for entry in block.entries() {
            let Ok(entry) = entry else { break };
            if entry.shared > key_len {
                break;
            }
            key_len = entry.shared + entry.unshared.len();
            key_bytes += key_len as u64;
            count += 1;
        }
        if u32::try_from(key_bytes).is_err() {
            return Err(Error::out_of_memory(key_bytes));
        }
        let mut out = Records { keys: self.budget.vec(key_bytes as usize)?, records: self.budget.vec(count)?, dims: Vec::new() };
        self.dims.clear();
        let (mut start, mut end) = (0usize, 0usize);
        for entry in block.entries() {
            let entry = match entry {
                Ok(entry) if entry.shared > end - start => {
                    on_fault(
                        broken(number, "an entry shares more than the key before it has")
                            .expecting(format_args!("at most {}", end - start), entry.shared)
                            .in_file(self.path),
                    )?;
                    break;
                }
                Ok(entry) => entry,
                Err(fault) => {
                    on_fault(fault.prefixed(&format!("data block {number}")).in_file(self.path))?;
                    break;
                }
            };
            let before = start + entry.shared..end;
            // Keys share `shared` bytes; which is greater is decided by what follows.
            let increasing = match end {
                0 if !self.any => true,
                0 => entry.unshared > &self.last_key[..] && (number == 0 || entry.unshared > table.limit(number - 1)),
                _ => entry.unshared > &out.keys[before],
            };
            if out.keys.len() + entry.shared + entry.unshared.len() > out.keys.capacity() {
                return Err(Error::malformed("an index block changed while it was read"));
            }
            let at = out.keys.len();
            out.keys.extend_from_within(start..start + entry.shared);
            out.keys.extend_from_slice(entry.unshared);
            (start, end) = (at, out.keys.len());
            let key = &out.keys[start..end];
            if !increasing {
                on_fault(broken(number, "the keys are not in increasing order").for_tensor(key).in_file(self.path))?;
            }
            if !self.any {
                self.any = true;
                if !key.is_empty() {
                    return Err(broken(number, "the first record is not the header")
                        .expecting("the empty key", super::entry::quoted(key)));
                }
                self.header = Some(Header::parse(entry.value).map_err(|e| e.prefixed("the header record"))?);
                out.keys.clear();
                (start, end) = (0, 0);
                self.last_key.clear();
                continue;
            }
            let Some(header) = self.header else {
                return Err(broken(number, "the header's block could not be read"));
            };
            let first_dim = self.dims.len();
            let mut record = Record {
                offset: 0,
                size: 0,
                key_end: end as u32,
                dims: first_dim as u32,
                shard: 0,
                crc: 0,
                partition: WHOLE,
                dtype: DType::Float,
                rank: 0,
                kind: Kind::Faulty,
            };
            match Entry::parse(entry.value, header.shards, &mut self.dims, &mut self.extents) {
                Ok(entry) => {
                    (record.offset, record.size, record.shard, record.crc) = (entry.offset, entry.size, entry.shard, entry.crc);
                    (record.dtype, record.rank, record.kind) = (entry.dtype, entry.rank, Kind::Tensor);
                    record.partition = self.partition(&entry)?;
                }
                Err(fault) => {
                    on_fault(fault.for_tensor(key).in_file(self.path))?;
                    self.dims.truncate(first_dim);
                    self.extents.clear();
                }
            }
            out.records.push(record);
        }
        if end > start || !out.records.is_empty() {
            self.last_key.clear();
            self.last_key.extend_from_slice(&out.keys[start..end]);
            if &self.last_key[..] > table.limit(number) {
                on_fault(
                    broken(number, "a key is greater than the index block says").for_tensor(&self.last_key).in_file(self.path),
                )?;
            }
        }
        out.dims = self.budget.vec(self.dims.len())?;
        out.dims.extend_from_slice(&self.dims);
        Ok(out)
    }

    fn partition(&mut self, entry: &Entry) -> Result<u32> {
        if entry.slices == 0 {
            return Ok(WHOLE);
        }
        let mut extents = self.budget.vec(self.extents.len())?;
        extents.append(&mut self.extents);
        let mut records = self.budget.vec(entry.slices as usize)?;
        records.resize(entry.slices as usize, MISSING);
        self.budget.charge(size_of::<Partition>() as u64)?;
        self.partitions.push(Partition { extents, records });
        Ok(self.partitions.len() as u32 - 1)
    }
}

fn broken(block: usize, what: &str) -> Error {
    Error::malformed(format!("data block {block}: {what}"))
}
