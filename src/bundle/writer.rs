//! Writing a bundle: tensors by name, planned when all are known, then written and published.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::entry::{put_entry, Endianness};
use super::items::Items;
use super::payload;
use super::publish::{Durability, Publication};
use super::store::{self, Placed, ReadAt, Source};
use super::transfer;
use crate::error::{Code, Error, Reason, Result};
use crate::format::crc;
use crate::format::message::validated_elements;
use crate::format::ordered_code::slice_key;
use crate::storage::{Local, Storage};
use crate::table::TableWriter;
use crate::tensor::{check_disjoint, elements, Bounds, DType, Slice, StoredExtent, MAX_RANK};

/// Up to so many bytes a checkpoint has one data file, unless its writer says otherwise.
const ONE_FILE: u64 = 256 << 20;
/// Of larger ones a data file has about so many,
const FILE_SIZE: u64 = 512 << 20;
/// and no checkpoint has more than so many.
const MOST_FILES: u64 = 64;

/// Most data files: TensorFlow removes only those whose number has five digits.
const MOST_SHARDS: u32 = 99_999;
/// Largest alignment: nothing has larger pages.
const MOST_ALIGNMENT: u64 = 1 << 30;
/// Less than this is one file, which the file system lets one thread write at a time.
const WORTH_A_THREAD: u64 = 64 << 20;
/// Most data files that are open at once.
const OPEN_FILES: u32 = 128;

/// How a checkpoint is written.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    shards: Option<u32>,
    max_shard_size: Option<u64>,
    pub(super) alignment: u64,
    pub(super) threads: u32,
    pub(crate) durability: Durability,
}

impl Default for WriteOptions {
    fn default() -> WriteOptions {
        WriteOptions { shards: None, max_shard_size: None, alignment: 1, threads: 0, durability: Durability::Full }
    }
}

impl WriteOptions {
    /// The defaults.
    pub fn new() -> WriteOptions {
        WriteOptions::default()
    }

    /// The number of data files, at least 1. By default it follows from the size alone: one up to 256 MiB, then one for each 512 MiB.
    /// One more, empty, is made where a checkpoint of this name and number is being replaced.
    pub fn shards(mut self, shards: u32) -> WriteOptions {
        self.shards = Some(shards);
        self
    }

    /// No data file larger than so many bytes, as far as tensors can be cut: strings, variants, dtypes that TensorFlow cannot put together
    /// again and single elements are not, and get a larger file if need be. Instead of [`WriteOptions::shards`].
    /// (`tf.train.experimental.MaxShardSizePolicy`)
    pub fn max_shard_size(mut self, bytes: u64) -> WriteOptions {
        self.max_shard_size = Some(bytes);
        self
    }

    /// Each value begins at a multiple of so many bytes; 1 by default, as in TensorFlow. Views of values that are aligned to their
    /// elements can be used as they are.
    pub fn alignment(mut self, bytes: u64) -> WriteOptions {
        self.alignment = bytes;
        self
    }

    /// Writes with `threads` threads, the caller's among them; 0 for the library's choice. The files are the same whatever it is.
    pub fn threads(mut self, threads: u32) -> WriteOptions {
        self.threads = threads;
        self
    }

    /// What survives a power cut when the call has returned.
    pub fn durability(mut self, durability: Durability) -> WriteOptions {
        self.durability = durability;
        self
    }
}

/// Writes a checkpoint of named tensors in TensorFlow's format V2, without an object graph (`tf.raw_ops.SaveV2`).
///
/// Values are borrowed until [`Writer::finish`], which writes them straight from the caller's memory. Until it returns there is nothing
/// of the new checkpoint; when it has failed, there is nothing of it either, and what was there before still is.
///
/// ```
/// use checkpoint::{DType, WriteOptions, Writer};
///
/// let directory = tempfile::tempdir()?;
/// let weights = [0u8; 48];
/// let mut writer = Writer::new(directory.path().join("model"), &WriteOptions::new())?;
/// writer.add("net/kernel", DType::Float, &[3, 4], &weights)?;
/// writer.add_strings("labels", &[2], &["cat", "dog"])?;
/// let written = writer.finish()?; // on disk, and complete
/// assert_eq!(written.shards, 1);
/// assert!(checkpoint::checkpoint_exists(directory.path().join("model"))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer<'a> {
    pub(super) prefix: PathBuf,
    pub(super) options: WriteOptions,
    pub(super) items: Items<'a>,
    /// Tensors of which slices were added.
    pub(super) partitioned: BTreeMap<Vec<u8>, Partitioned>,
}

pub(super) struct Partitioned {
    pub(super) dtype: DType,
    pub(super) shape: Vec<i64>,
    pub(super) slices: Vec<Vec<StoredExtent>>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The number of data files.
    pub shards: u32,
    /// The bytes of all data files.
    pub bytes: u64,
}

impl<'a> Writer<'a> {
    /// A writer of the checkpoint `prefix`. Nothing is written yet.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the prefix does not end in a name or an option is impossible.
    pub fn new(prefix: impl AsRef<Path>, options: &WriteOptions) -> Result<Writer<'a>> {
        let prefix = prefix.as_ref();
        let ends_in_name = prefix.file_name().is_some() && !prefix.as_os_str().as_encoded_bytes().ends_with(b"/");
        if !ends_in_name {
            return Err(Error::argument("the prefix does not end in a name").in_file(prefix));
        }
        let shards = options.shards.unwrap_or(1);
        if shards == 0 || shards > MOST_SHARDS {
            return Err(
                Error::argument("an impossible number of data files").expecting(format_args!("1 to {MOST_SHARDS}"), shards)
            );
        }
        if options.max_shard_size == Some(0) {
            return Err(Error::argument("data files of no bytes").expecting("1 or more", 0));
        }
        if options.alignment == 0 || options.alignment > MOST_ALIGNMENT {
            return Err(
                Error::argument("an impossible alignment").expecting(format_args!("1 to {MOST_ALIGNMENT}"), options.alignment)
            );
        }
        Ok(Writer { prefix: prefix.to_owned(), options: options.clone(), items: Items::default(), partitioned: BTreeMap::new() })
    }

    /// Adds a tensor of a fixed-size dtype: `bytes` are its elements in row-major order, little-endian.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the key is empty or begins with a zero byte, the shape is impossible, or `bytes` has another size.
    pub fn add(&mut self, key: impl AsRef<[u8]>, dtype: DType, shape: &[i64], bytes: &'a [u8]) -> Result<()> {
        self.put(key.as_ref(), dtype, shape, Source::Borrowed(bytes))
    }

    /// Adds a tensor of a fixed-size dtype whose bytes are asked for while it is written: `read(offset, buffer)` fills the buffer, from
    /// any of the writing threads.
    ///
    /// # Errors
    /// As for [`Writer::add`].
    pub fn add_read(&mut self, key: impl AsRef<[u8]>, dtype: DType, shape: &[i64], read: Box<ReadAt<'a>>) -> Result<()> {
        let key = key.as_ref();
        let elements = check_tensor(key, dtype, shape)?;
        let size = dtype.size().ok_or_else(|| not_fixed(key, dtype))? as u64;
        self.put(key, dtype, shape, Source::Read { read: read.into(), from: 0, len: elements * size })
    }

    /// Adds a slice of a partitioned tensor, whose bytes are asked for while it is written, as by [`Writer::add_read`].
    ///
    /// # Errors
    /// As for [`Writer::add_slice`].
    pub fn add_read_slice(
        &mut self,
        key: impl AsRef<[u8]>,
        dtype: DType,
        shape: &[i64],
        slice: &Slice,
        read: Box<ReadAt<'a>>,
    ) -> Result<()> {
        let key = key.as_ref();
        let Some(part) = part_of(key, dtype, shape, slice)? else { return self.add_read(key, dtype, shape, read) };
        let size = dtype.size().ok_or_else(|| not_fixed(key, dtype))? as u64;
        let len = elements(&part.shape) * size;
        self.put_slice(key, dtype, shape, part, Source::Read { read: read.into(), from: 0, len }, None)
    }

    /// Adds a slice of a partitioned tensor: `shape` is that of the whole tensor, `bytes` are the elements that `slice` takes. A slice
    /// that takes the whole tensor is the tensor.
    ///
    /// # Errors
    /// As for [`Writer::add`]; also when the slice does not lie within the shape, takes nothing, or another slice of the tensor was
    /// added with another dtype or shape.
    pub fn add_slice(
        &mut self,
        key: impl AsRef<[u8]>,
        dtype: DType,
        shape: &[i64],
        slice: &Slice,
        bytes: &'a [u8],
    ) -> Result<()> {
        let key = key.as_ref();
        let Some(part) = part_of(key, dtype, shape, slice)? else {
            return self.put(key, dtype, shape, Source::Borrowed(bytes));
        };
        check_size(key, dtype, elements(&part.shape), bytes.len() as u64)?;
        self.put_slice(key, dtype, shape, part, Source::Borrowed(bytes), None)
    }

    /// Adds a tensor or a slice of one as TensorFlow's `shape_and_slice` says: `5 10 -:0,1`, or the empty text and `shape` for a whole tensor.
    ///
    /// # Errors
    /// As for [`Writer::add_slice`]; when the text is neither.
    pub fn add_shape_and_slice(
        &mut self,
        key: impl AsRef<[u8]>,
        dtype: DType,
        shape: &[i64],
        shape_and_slice: &str,
        bytes: &'a [u8],
    ) -> Result<()> {
        if shape_and_slice.is_empty() {
            return self.add(key, dtype, shape, bytes);
        }
        let (whole, slice) = Slice::parse_with_shape(shape_and_slice).map_err(|e| e.for_tensor(key.as_ref()))?;
        let part = slice.within(&whole).map_err(|e| e.for_tensor(key.as_ref()))?;
        if part.length != shape {
            return Err(Error::argument("the value has another shape than its slice")
                .because(Reason::Shape)
                .expecting(crate::tensor::shape_text(&part.length), crate::tensor::shape_text(shape))
                .for_tensor(key.as_ref()));
        }
        self.add_slice(key, dtype, &whole, &slice, bytes)
    }

    /// Adds a string tensor.
    ///
    /// # Errors
    /// As for [`Writer::add`]; `elements` must be as many as the shape says.
    pub fn add_strings<S: AsRef<[u8]>>(&mut self, key: impl AsRef<[u8]>, shape: &[i64], elements: &[S]) -> Result<()> {
        self.put_elements(key.as_ref(), DType::String, shape, elements)
    }

    /// Adds a string scalar, which is not copied.
    ///
    /// # Errors
    /// As for [`Writer::add`].
    pub(crate) fn add_string(&mut self, key: &[u8], element: Vec<u8>) -> Result<()> {
        check_tensor(key, DType::String, &[])?;
        let (payload, crc) = payload::encode_string(element);
        self.items.push(key, DType::String, &[], Source::Owned(payload), Some(crc));
        Ok(())
    }

    /// Adds a variant tensor from its serialized elements (`VariantTensorDataProto`). Their checksums are computed.
    ///
    /// # Errors
    /// As for [`Writer::add_strings`].
    pub fn add_variants<S: AsRef<[u8]>>(&mut self, key: impl AsRef<[u8]>, shape: &[i64], elements: &[S]) -> Result<()> {
        self.put_elements(key.as_ref(), DType::Variant, shape, elements)
    }

    /// Adds a slice of a partitioned string tensor.
    ///
    /// # Errors
    /// As for [`Writer::add_slice`] and [`Writer::add_strings`].
    pub fn add_strings_slice<S: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        shape: &[i64],
        slice: &Slice,
        elements: &[S],
    ) -> Result<()> {
        let key = key.as_ref();
        let Some(part) = part_of(key, DType::String, shape, slice)? else {
            return self.put_elements(key, DType::String, shape, elements);
        };
        let (payload, crc) = encode(key, DType::String, &part.shape, elements)?;
        self.put_slice(key, DType::String, shape, part, Source::Owned(payload), Some(crc))
    }

    fn put(&mut self, key: &[u8], dtype: DType, shape: &[i64], source: Source<'a>) -> Result<()> {
        let elements = check_tensor(key, dtype, shape)?;
        check_size(key, dtype, elements, source.len())?;
        self.items.push(key, dtype, shape, source, None);
        Ok(())
    }

    fn put_elements<S: AsRef<[u8]>>(&mut self, key: &[u8], dtype: DType, shape: &[i64], elements: &[S]) -> Result<()> {
        let (payload, crc) = encode(key, dtype, shape, elements)?;
        self.items.push(key, dtype, shape, Source::Owned(payload), Some(crc));
        Ok(())
    }

    /// Adds a slice that is known to be sound, and notes it with its tensor.
    fn put_slice(
        &mut self,
        key: &[u8],
        dtype: DType,
        shape: &[i64],
        part: Part,
        source: Source<'a>,
        crc: Option<u32>,
    ) -> Result<()> {
        let new = || Partitioned { dtype, shape: shape.to_vec(), slices: Vec::new() };
        let tensor = self.partitioned.entry(key.to_vec()).or_insert_with(new);
        if tensor.dtype != dtype || tensor.shape != shape {
            let text = |dtype: DType, shape: &[i64]| format!("{dtype} {}", crate::tensor::shape_text(shape));
            return Err(Error::argument("another slice of the tensor has another dtype or shape")
                .because(Reason::Shape)
                .expecting(text(tensor.dtype, &tensor.shape), text(dtype, shape))
                .for_tensor(key));
        }
        tensor.slices.push(part.extents);
        self.items.push(&part.key, dtype, &part.shape, source, crc);
        Ok(())
    }

    /// Writes everything and publishes it.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` when two tensors have one key, or slices of one overlap.
    /// * `RESOURCE_EXHAUSTED` when the file system has not enough space; the message has both numbers.
    /// * `UNAVAILABLE` when another process is writing in the directory.
    /// * What the system reports otherwise. Nothing is left behind.
    pub fn finish(self) -> Result<Written> {
        self.finish_with(&mut |_, _| ControlFlow::Continue(()))
    }

    /// The same. `progress` is called on the caller's thread with the bytes done and in all, and can end the call.
    ///
    /// # Errors
    /// As for [`Writer::finish`]; `CANCELLED` when `progress` ended it.
    pub fn finish_with(self, progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<Written> {
        self.finish_on(&Local, progress)
    }

    pub(crate) fn finish_on(
        mut self,
        storage: &dyn Storage,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Written> {
        let total = self.total()?;
        let packed = self.options.max_shard_size.map(|limit| self.pack(limit));
        let order = self.records()?;
        let plan = match packed {
            Some(shards) => Plan::packed(&self.items, shards, &self.options),
            None => Plan::balanced(&self.items, &self.options),
        };
        let mut publication = Publication::begin(storage, &self.prefix, self.options.durability)?;
        let shards = publication.unused_count(plan.lengths.len() as u32);
        if shards > MOST_SHARDS {
            return Err(Error::argument("the checkpoint needs too many data files")
                .expecting(format_args!("at most {MOST_SHARDS}"), shards));
        }
        check_space(publication.directory(), total)?;
        let placed = |(source, &(shard, offset))| Placed { source, shard, offset };
        let values: Vec<Placed<'_>> = self.items.sources().zip(&plan.places).map(placed).collect();
        let threads = match self.options.threads {
            0 if total < WORTH_A_THREAD => 1,
            asked => transfer::threads_for(asked, total),
        };
        let durable = self.options.durability != Durability::None;
        let (mut crcs, mut done) = (Vec::with_capacity(values.len()), 0);
        for first in (0..shards).step_by(OPEN_FILES as usize) {
            let group = first..shards.min(first + OPEN_FILES);
            let lengths: Vec<u64> = group.clone().map(|shard| plan.lengths.get(shard as usize).copied().unwrap_or(0)).collect();
            let mut files = Vec::with_capacity(lengths.len());
            for (shard, &length) in group.clone().zip(&lengths) {
                files.push(publication.create_data(shard, shards, length)?);
            }
            let values = &values[crcs.len()..];
            let values = &values[..values.iter().take_while(|v| v.shard < group.end).count()];
            let sums = store::run(first, &files, &lengths, values, threads, durable, &mut |more| progress(done + more, total))?;
            let sums = sums.ok_or_else(|| {
                Error::new(Code::Cancelled, Reason::Callback, "writing was stopped by the caller").in_file(&self.prefix)
            })?;
            crcs.extend(sums);
            done += lengths.iter().sum::<u64>();
            for file in &files {
                publication.sync(&**file)?;
            }
        }
        let index = publication.create_index()?;
        let mut at = 0;
        let mut sink = |bytes: &[u8]| {
            let written = index.write_at(at, &[IoSlice::new(bytes)]);
            at += bytes.len() as u64;
            written.map_err(|e| Error::io("write the index", &self.prefix, &e))
        };
        self.write_index(shards, &order, &plan, &crcs, &mut sink)?;
        publication.sync(&*index)?;
        publication.commit(shards)?;
        Ok(Written { shards, bytes: total })
    }

    /// The bytes of all values with what aligns them.
    pub(super) fn total(&self) -> Result<u64> {
        let too_large = || Error::argument("the values are larger than any file system").in_file(&self.prefix);
        self.items.lengths().try_fold(0u64, |sum, length| {
            let size = length.checked_next_multiple_of(self.options.alignment).ok_or_else(too_large)?;
            sum.checked_add(size).filter(|&sum| sum <= i64::MAX as u64).ok_or_else(too_large)
        })
    }

    /// The records in the order of their keys, which must all differ.
    fn records(&self) -> Result<Vec<Record<'_>>> {
        for (key, tensor) in &self.partitioned {
            let boxes: Vec<Bounds> = tensor.slices.iter().map(|s| Bounds::stored(s, &tensor.shape)).collect();
            check_disjoint(&boxes, Bounds::whole(&tensor.shape).elements(), |i| tensor.slices[i][..].into())
                .map_err(|e| Error::argument(e.to_string()).because(Reason::Overlap).for_tensor(key))?;
        }
        let values = (0..self.items.len()).map(|i| Record { key: self.items.key(i), value: Ok(i) });
        let lists = self.partitioned.iter().map(|(key, tensor)| Record { key, value: Err(tensor) });
        let mut records: Vec<Record<'_>> = values.chain(lists).collect();
        records.sort_unstable_by_key(|r| r.key);
        match records.windows(2).find(|pair| pair[0].key == pair[1].key) {
            Some(pair) => Err(Error::argument("two tensors have the same key").for_tensor(pair[0].key)),
            None => Ok(records),
        }
    }

    fn write_index(
        &self,
        shards: u32,
        records: &[Record<'_>],
        plan: &Plan,
        crcs: &[u32],
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut table = TableWriter::new(sink);
        let mut value = Vec::new();
        super::entry::put_header(&mut value, shards, Endianness::Little);
        table.add(b"", &value)?;
        for record in records {
            value.clear();
            match record.value {
                Ok(number) => {
                    let item = self.items.get(number);
                    let (shard, offset) = plan.places[number];
                    let crc = item.crc.unwrap_or_else(|| crc::mask(crcs[number]));
                    put_entry(&mut value, item.dtype, item.shape, shard, offset, item.source.len(), crc);
                }
                Err(tensor) => super::entry::put_partitioned(&mut value, tensor.dtype, &tensor.shape, &tensor.slices),
            }
            table.add(record.key, &value)?;
        }
        table.finish()
    }
}

/// A slice of a tensor that is not all of it.
struct Part {
    extents: Vec<StoredExtent>,
    /// The key of its record.
    key: Vec<u8>,
    shape: Vec<i64>,
}

/// What `slice` takes of a tensor of `shape`; nothing when it is the whole.
fn part_of(key: &[u8], dtype: DType, shape: &[i64], slice: &Slice) -> Result<Option<Part>> {
    check_tensor(key, dtype, shape)?;
    let bounds = slice.within(shape).map_err(|e| e.for_tensor(key))?;
    if bounds.length == shape {
        return Ok(None);
    }
    let extents: Vec<StoredExtent> = slice.extents().iter().map(|&e| e.into()).collect();
    if extents.iter().any(|e| e.length == 0) {
        return Err(Error::argument("a slice takes nothing of a dimension").because(Reason::Shape).for_tensor(key));
    }
    Ok(Some(Part { key: slice_key(key, slice.extents()), extents, shape: bounds.length }))
}

/// A record of the index: the number of an item, or a partitioned tensor.
struct Record<'w> {
    key: &'w [u8],
    value: std::result::Result<usize, &'w Partitioned>,
}

/// Where every value goes, before the first byte is written.
struct Plan {
    /// Data file and offset of each item.
    places: Vec<(u32, u64)>,
    /// The length of each data file.
    lengths: Vec<u64>,
}

impl Plan {
    /// Items in the data files they were given.
    fn packed(items: &Items<'_>, shards: Vec<u32>, options: &WriteOptions) -> Plan {
        let mut lengths = vec![0u64; shards.last().map_or(1, |&last| last as usize + 1)];
        let place = |(bytes, shard): (u64, u32)| {
            let length = &mut lengths[shard as usize];
            let offset = *length;
            *length += bytes.next_multiple_of(options.alignment);
            (shard, offset)
        };
        let places = items.lengths().zip(shards).map(place).collect();
        Plan { places, lengths }
    }

    /// As many data files as asked for, or as the size suggests, about equally full.
    fn balanced(items: &Items<'_>, options: &WriteOptions) -> Plan {
        let aligned = |n: u64| n.next_multiple_of(options.alignment);
        let total: u64 = items.lengths().map(aligned).sum();
        let shards = match options.shards {
            Some(shards) => shards.into(),
            None if total <= ONE_FILE => 1,
            None => total.div_ceil(FILE_SIZE).clamp(2, MOST_FILES),
        };
        let share = total.div_ceil(shards).max(1);
        let mut lengths = vec![0u64; shards as usize];
        let mut places = Vec::with_capacity(items.len());
        let (mut shard, mut before) = (0usize, 0u64);
        for length in items.lengths() {
            // A file is full when it has its share; a value goes where most of it would lie.
            let size = aligned(length);
            if shard + 1 < lengths.len() && lengths[shard] > 0 && before + size / 2 >= share * (shard as u64 + 1) {
                shard += 1;
            }
            places.push((shard as u32, lengths[shard]));
            lengths[shard] += size;
            before += size;
        }
        if options.shards.is_none() {
            lengths.truncate(shard + 1); // one large value makes no files for others
        }
        Plan { places, lengths }
    }
}

fn check_space(directory: &dyn crate::storage::Directory, needed: u64) -> Result<()> {
    match directory.space() {
        Some(free) if free < needed => {
            Err(Error::new(Code::ResourceExhausted, Reason::Space, "the file system has not enough space")
                .expecting(format_args!("{needed} bytes free"), format_args!("{free} bytes"))
                .in_file(directory.path()))
        }
        _ => Ok(()),
    }
}

/// Checks what does not depend on the value, and says how many elements there are.
fn check_tensor(key: &[u8], dtype: DType, shape: &[i64]) -> Result<u64> {
    match key.first() {
        None => return Err(Error::argument("a tensor has no key")),
        Some(0) => return Err(Error::argument("the key begins with a zero byte, as only those of slices do").for_tensor(key)),
        _ => {}
    }
    if shape.len() > MAX_RANK {
        return Err(Error::argument("the tensor has too many dimensions")
            .expecting(format_args!("at most {MAX_RANK}"), shape.len())
            .for_tensor(key));
    }
    validated_elements(shape, dtype)
        .map_err(|_| Error::argument("the shape is impossible").because(Reason::Shape).for_tensor(key))
}

fn not_fixed(key: &[u8], dtype: DType) -> Error {
    Error::argument("the elements have lengths of their own: add them as strings or variants")
        .because(Reason::DType)
        .expecting("a fixed-size dtype", dtype)
        .for_tensor(key)
}

fn check_size(key: &[u8], dtype: DType, elements: u64, found: u64) -> Result<()> {
    let size = dtype.size().ok_or_else(|| not_fixed(key, dtype))? as u64;
    let expected = elements * size;
    match expected == found {
        true => Ok(()),
        false => Err(Error::argument("the value has the wrong size")
            .because(Reason::Shape)
            .expecting(format_args!("{expected} bytes"), format_args!("{found} bytes"))
            .for_tensor(key)),
    }
}

fn encode<S: AsRef<[u8]>>(key: &[u8], dtype: DType, shape: &[i64], elements: &[S]) -> Result<(Vec<u8>, u32)> {
    let expected = check_tensor(key, dtype, shape)?;
    if expected != elements.len() as u64 {
        return Err(Error::argument("the shape asks for another number of elements")
            .because(Reason::Shape)
            .expecting(expected, elements.len())
            .for_tensor(key));
    }
    let elements = elements.iter().map(AsRef::as_ref);
    Ok(match dtype {
        DType::String => payload::encode_strings(elements),
        _ => payload::encode_variants(elements),
    })
}
