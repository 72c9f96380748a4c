//! Reads tensors of a V1 checkpoint.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use super::meta::{add_described, Described, Located, Tensors};
use super::values;
use crate::allocate::{allocate, list_of, Room, TryPush};
use crate::background::Control;
use crate::error::{Code, Error, Problems, Reason, Result};
use crate::foreign::explain;
use crate::format::message::Version;
use crate::format::ordered_code::{slice_key, slice_key_head, slice_key_tail};
use crate::storage::{File, Location, Shared};
use crate::table::{Block, BlockBuffer, Budget, Table};
use crate::tensor::{check_disjoint, not_all, not_covered, Bounds, DType, Strings};

/// An open V1 checkpoint of one or more files.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    prefix: Location,
    version: Version,
    parts: Vec<Part>,
    /// The tensors with their names, in the order of the names.
    tensors: Vec<(Vec<u8>, Described)>,
    last_block: Shared<LastBlock>,
}

/// One file of the checkpoint.
#[derive(Debug)]
struct Part {
    table: Table,
    /// Whether its first record could be read. If not, it is unknown what the file should contain.
    is_described: bool,
}

/// The block that was read last. It is kept because small tensors share a block, and its checksum
/// covers all of them.
#[derive(Debug, Default)]
/// The file and the number of the block in it.
struct LastBlock {
    place: Option<(usize, usize)>,
    buffer: BlockBuffer,
}

/// The size in bytes of the largest block that is kept for the next read.
const KEPT_BLOCK: usize = 1 << 20;

/// Reads the first record of file number `number`.
fn describe(table: &Table, number: usize, tensors: &mut Tensors, budget: &mut Budget) -> Result<Version> {
    let nothing = || Error::malformed("the table contains no records");
    if table.len() == 0 {
        return Err(nothing());
    }
    let mut buffer = BlockBuffer::default();
    let block = table.block(0, &mut buffer, budget)?;
    let first = block.entries().next().ok_or_else(nothing)??;
    if first.shared != 0 || !first.unshared.is_empty() {
        let what = "the first record does not describe the tensors";
        return Err(Error::malformed(what).expecting("the empty key", "another"));
    }
    add_described(first.value, number, tensors, budget)
}

/// A record that a file should contain.
struct Expected<'a> {
    name: &'a [u8],
    tensor: &'a Described,
    located: &'a Located,
    /// The record's key is `head`, which all slices of the tensor share, followed by `tail`.
    head: Rc<Vec<u8>>,
    tail: Vec<u8>,
}

impl Expected<'_> {
    /// Compares the record's key with `key`.
    fn cmp_key(&self, key: &[u8]) -> Ordering {
        let (start, rest) = key.split_at(key.len().min(self.head.len()));
        self.head[..].cmp(start).then_with(|| self.tail[..].cmp(rest))
    }

    fn missing(&self, path: &Path) -> Error {
        not_there(self.located).for_tensor(self.name).in_file(path)
    }
}

fn not_there(located: &Located) -> Error {
    let what = format!("the slice \"{}\" is listed but missing from the file", located.slice());
    Error::new(Code::NotFound, Reason::NoTensor, what)
}

/// A slice that holds part of a region, and that part.
struct Piece<'a> {
    located: &'a Located,
    stored: Bounds,
    wanted: Bounds,
}

impl Checkpoint {
    /// Opens the given files as one checkpoint. Reads only the descriptions of the tensors. An
    /// error in a file is passed to `on_fault`, which returns it to fail, or `Ok` to continue with
    /// the other files.
    pub fn open(
        prefix: &Location,
        paths: &[Location],
        memory_limit: Option<u64>,
        control: &Control,
        on_fault: &mut dyn FnMut(Error) -> Result<()>,
    ) -> Result<Checkpoint> {
        let mut tensors = Tensors::new();
        let mut parts = Vec::with_capacity(paths.len());
        let mut version = Version::default();
        for path in paths {
            control.check()?;
            let open = || {
                let file = File::pooled(path, None, None)?;
                let mut budget = Budget::for_index(file.len(), memory_limit);
                Ok::<_, Error>((Table::of(file, &mut budget)?, budget))
            };
            let (table, mut budget) = match open() {
                Ok(opened) => opened,
                Err(fault) => {
                    on_fault(explain(fault.in_file(path)))?;
                    continue;
                }
            };
            let described = describe(&table, parts.len(), &mut tensors, &mut budget);
            parts.push(Part { table, is_described: described.is_ok() });
            match described {
                Ok(found) => version = found,
                Err(fault) => on_fault(fault.in_file(path))?,
            }
        }
        let tensors = list_of(tensors)?;
        Ok(Checkpoint { prefix: prefix.clone(), version, parts, tensors, last_block: Shared::default() })
    }

    pub fn prefix(&self) -> &Location {
        &self.prefix
    }

    pub fn version(&self) -> Version {
        self.version
    }

    pub fn file_count(&self) -> usize {
        self.parts.len()
    }

    pub fn file_path(&self, index: usize) -> Option<&Path> {
        self.parts.get(index).map(|part| &**part.table.file().path())
    }

    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Returns the bytes of memory that the descriptions of the tensors take.
    pub fn memory_size(&self) -> usize {
        let own = |(name, described): &(Vec<u8>, Described)| name.capacity() + described.memory_size();
        self.tensors.capacity() * size_of::<(Vec<u8>, Described)>() + self.tensors.iter().map(own).sum::<usize>()
    }

    /// Returns the name and description of the `index`th tensor, in the order of the names.
    pub fn tensor(&self, index: usize) -> (&[u8], &Described) {
        let (name, tensor) = &self.tensors[index];
        (name, tensor)
    }

    pub fn find(&self, name: &[u8]) -> Option<usize> {
        self.tensors.binary_search_by(|(n, _)| n[..].cmp(name)).ok()
    }

    /// Reads `region` of a fixed-size tensor into `buffer`, which must have its size.
    pub fn read(&self, index: usize, region: &Bounds, buffer: &mut [u8]) -> Result<()> {
        let (name, tensor) = self.tensor(index);
        let size = tensor.dtype.size().unwrap_or(1);
        let mut read = || {
            for piece in pieces(tensor, region)? {
                self.with_record(name, piece.located, |record| {
                    if piece.stored == *region {
                        return values::decode(record, tensor.dtype, buffer);
                    }
                    let mut stored = room_for(record, &piece.stored, tensor.dtype)?;
                    values::decode(record, tensor.dtype, &mut stored)?;
                    for run in piece.wanted.runs(&piece.stored, region) {
                        let length = run.length as usize * size;
                        buffer[run.to as usize * size..][..length].copy_from_slice(&stored[run.from as usize * size..][..length]);
                    }
                    Ok(())
                })?;
            }
            Ok(())
        };
        read().map_err(|e: Error| e.for_tensor(name))
    }

    /// Reads `region` of a string tensor.
    pub fn read_strings(&self, index: usize, region: &Bounds) -> Result<Strings> {
        let (name, tensor) = self.tensor(index);
        let read = || {
            if tensor.dtype != DType::String {
                return Err(values::unsupported(tensor.dtype));
            }
            let pieces = pieces(tensor, region)?;
            for piece in &pieces {
                // Check the records before allocating memory for as many strings as the shape
                // claims.
                self.with_record(name, piece.located, |record| {
                    values::decode_strings(record, piece.stored.elements(), |_, _| ())
                })?;
            }
            let mut lengths = Vec::new();
            let count = region.elements();
            lengths.make_room(count as usize)?;
            lengths.resize(count as usize, 0u64);
            for piece in &pieces {
                self.each_wanted(name, piece, region, |to, element| lengths[to] = element.len() as u64)?;
            }
            let mut strings = Strings::with_lengths(lengths)?;
            for piece in &pieces {
                self.each_wanted(name, piece, region, |to, element| {
                    if let Some(place) = strings.element_mut(to).filter(|p| p.len() == element.len()) {
                        place.copy_from_slice(element);
                    }
                })?;
            }
            Ok(strings)
        };
        read().map_err(|e: Error| e.for_tensor(name))
    }

    /// Passes the wanted strings of a piece, each with its index in the region, to `see`.
    fn each_wanted(&self, name: &[u8], piece: &Piece<'_>, region: &Bounds, mut see: impl FnMut(usize, &[u8])) -> Result<()> {
        let mut runs = piece.wanted.runs(&piece.stored, region);
        let mut run = runs.next();
        self.with_record(name, piece.located, |record| {
            values::decode_strings(record, piece.stored.elements(), |at, element| {
                if let Some(current) = run.filter(|r| at >= r.from) {
                    see((current.to + at - current.from) as usize, element);
                    if at + 1 == current.from + current.length {
                        run = runs.next();
                    }
                }
            })
        })
    }

    /// Passes the data record of a slice to `see`.
    fn with_record<R>(&self, name: &[u8], located: &Located, see: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        let table = &self.parts[located.file].table;
        let key = slice_key(name, located.slice().extents());
        let at = table.seek(&key);
        let (mut kept, mut own) = (self.last_block.lock(), LastBlock::default());
        let last = kept.as_deref_mut().unwrap_or(&mut own);
        let read = || {
            if at == table.len() {
                return Err(not_there(located));
            }
            let place = Some((located.file, at));
            if last.place != place {
                last.place = None;
                table.block(at, &mut last.buffer, &mut Budget::for_index(table.file().len(), None))?;
                last.place = place;
            }
            see(Block::parse(last.buffer.bytes())?.find(&key)?.ok_or_else(|| not_there(located))?)
        };
        let result = read().map_err(|e| e.in_file(table.file().path()));
        if last.buffer.capacity() > KEPT_BLOCK {
            *last = LastBlock::default();
        }
        result
    }

    /// Returns the records that file `number` should contain, in the order of their keys.
    fn expected_in(&self, number: usize) -> Result<Vec<Expected<'_>>> {
        let mut expected = Vec::new();
        for (name, tensor) in &self.tensors {
            let head = Rc::new(slice_key_head(name, tensor.shape.len()));
            let slices = tensor.slices.iter().filter(|s| s.file == number);
            let mut slices = list_of(slices.map(|s| (slice_key_tail(s.slice().extents()), s)))?;
            crate::sort::sort_by(&mut slices, |a, b| a.0.cmp(&b.0))?;
            expected.make_room(slices.len())?;
            let records = slices.into_iter().map(|(tail, located)| Expected { name, tensor, located, head: head.clone(), tail });
            expected.extend(records);
        }
        Ok(expected)
    }

    /// Checks that the slices of each tensor do not overlap, and whether they cover the tensor.
    pub fn verify_slices(&self, damage: &mut Problems, gaps: &mut Problems) {
        for (name, tensor) in &self.tensors {
            match check_overlap(tensor) {
                Err(e) => damage.add(e.for_tensor(name)),
                Ok(()) => {
                    let boxes = tensor.slices.iter().map(|s| s.bounds(&tensor.shape));
                    let gap = not_all(boxes, Bounds::whole(&tensor.shape).elements());
                    gaps.add_some(gap.map(|e| e.for_tensor(name).in_file(&self.prefix)));
                }
            }
        }
    }

    /// Verifies every block and every value. `watch` is called with the number of bytes done and
    /// the total. Returns false if `watch` cancelled it.
    pub fn verify(&self, problems: &mut Problems, watch: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> bool {
        let total = self.bytes();
        let mut done = 0;
        for (number, Part { table, is_described }) in self.parts.iter().enumerate() {
            let mut expected = match self.expected_in(number) {
                Ok(expected) => expected.into_iter().peekable(),
                Err(e) => {
                    problems.add(e);
                    return true;
                }
            };
            let path = table.file().path();
            let mut budget = Budget::for_index(table.file().len(), None);
            let mut buffer = BlockBuffer::default();
            if let Err(e) = table.check_metaindex(&mut buffer, &mut budget) {
                problems.add(e);
            }
            let (mut key, mut any) = (Vec::new(), false);
            for at in 0..table.len() {
                let mut check = |problems: &mut Problems| {
                    let block = table.block(at, &mut buffer, &mut budget)?;
                    let mut length = 0;
                    for entry in block.entries() {
                        let entry = entry?;
                        entry.check_shared(length)?;
                        // Both keys begin with the same `shared` bytes; the bytes after them
                        // decide.
                        let increasing = !any || entry.unshared > &key[if length == 0 { 0 } else { entry.shared }..];
                        if length == 0 {
                            key.clear();
                        }
                        entry.key_after(&mut key)?;
                        length = key.len();
                        if !increasing {
                            return Err(Error::malformed(format!("data block {at}: the keys are not in increasing order")));
                        }
                        let first = !std::mem::replace(&mut any, true);
                        while let Some(skipped) = expected.next_if(|e| e.cmp_key(&key).is_lt()) {
                            problems.add(skipped.missing(path));
                        }
                        match expected.next_if(|e| e.cmp_key(&key).is_eq()) {
                            Some(found) => {
                                if let Err(e) = check_values(entry.value, found.tensor, found.located) {
                                    problems.add(e.for_tensor(found.name).in_file(path));
                                }
                            }
                            None if !is_described || (first && key.is_empty()) => {}
                            None => {
                                let what = "the first record does not list this record";
                                problems.add(Error::malformed(what).for_tensor(&key).in_file(path));
                            }
                        }
                    }
                    if key.as_slice() > table.limit(at) {
                        return Err(Error::malformed(format!(
                            "data block {at}: a key is greater than the limit in the index block"
                        )));
                    }
                    Ok(())
                };
                if let Err(e) = check(problems) {
                    problems.add(e.in_file(path));
                }
                let so_far = table.file().len() * (at as u64 + 1) / table.len() as u64;
                if watch(done + so_far, total).is_break() {
                    return false;
                }
            }
            done += table.file().len();
            if *is_described {
                expected.for_each(|skipped| problems.add(skipped.missing(path)));
            }
        }
        true
    }

    /// Returns the error for a tensor whose shape requires more values than the files can contain.
    pub fn unbacked(&self, index: usize) -> Error {
        let (name, tensor) = self.tensor(index);
        Error::malformed("the shape requires more values than the files contain")
            .because(Reason::Shape)
            .expecting(
                format_args!("{} elements", Bounds::whole(&tensor.shape).elements()),
                format_args!("{} bytes in all", self.bytes()),
            )
            .for_tensor(name)
            .in_file(self.prefix())
    }

    /// Returns whether the files can hold so many elements. A number takes at least a sixteenth of
    /// its bytes, and a string two bytes, which compression may leave an eighth of.
    pub fn has_room_for(&self, elements: u64, dtype: DType) -> bool {
        elements.saturating_mul(dtype.size().unwrap_or(1) as u64) / 16 <= self.bytes()
    }

    /// Returns the total size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.table.file().len()).sum()
    }
}

/// Allocates memory for the values of a whole slice. Every value takes at least one byte in the
/// record, so a shape with more values than the record has bytes is refused.
fn room_for(record: &[u8], slice: &Bounds, dtype: DType) -> Result<Vec<u8>> {
    let count = slice.elements();
    if count > record.len() as u64 {
        return Err(Error::malformed("a stored slice contains fewer values than its shape requires")
            .because(Reason::Shape)
            .expecting(count, format_args!("{} bytes", record.len())));
    }
    allocate(count * dtype.size().unwrap_or(1) as u64)
}

fn check_values(record: &[u8], tensor: &Described, located: &Located) -> Result<()> {
    let slice = located.bounds(&tensor.shape);
    match tensor.dtype {
        DType::String => values::decode_strings(record, slice.elements(), |_, _| ()),
        dtype => values::decode(record, dtype, &mut room_for(record, &slice, dtype)?),
    }
}

fn check_overlap(tensor: &Described) -> Result<()> {
    let boxes: Vec<Bounds> = list_of(tensor.slices.iter().map(|s| s.bounds(&tensor.shape)))?;
    check_disjoint(&boxes, Bounds::whole(&tensor.shape).elements(), |i| tensor.slices[i].slice())
}

/// Returns the stored slices that hold `region`. Fails if they do not cover it.
fn pieces<'a>(tensor: &'a Described, region: &Bounds) -> Result<Vec<Piece<'a>>> {
    check_overlap(tensor)?;
    let mut pieces = Vec::new();
    let mut covered = 0;
    for located in &tensor.slices {
        let stored = located.bounds(&tensor.shape);
        match stored.intersect(region) {
            Some(wanted) => {
                covered += wanted.elements();
                pieces.try_push(Piece { located, stored, wanted })?;
            }
            // An empty tensor has a record, too, which must be valid.
            None if stored == *region => pieces.try_push(Piece { located, wanted: stored.clone(), stored })?,
            None => {}
        }
    }
    if covered != region.elements() {
        return Err(not_covered(region, covered, tensor.slices.iter().map(Located::slice)));
    }
    Ok(pieces)
}
