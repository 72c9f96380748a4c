//! Reading tensors of a V1 checkpoint.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::meta::{add_described, Described, Located, Tensors};
use super::values;
use crate::error::{Code, Error, Reason, Result};
use crate::format::message::Version;
use crate::format::ordered_code::slice_key;
use crate::storage::File;
use crate::table::{allocate, BlockBuffer, Budget, Table};
use crate::tensor::{check_disjoint, not_covered, Bounds, DType, Strings};

/// An open V1 checkpoint of one or more files.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    prefix: PathBuf,
    version: Version,
    files: Vec<Table>,
    /// In the order of the names.
    tensors: Vec<(Vec<u8>, Described)>,
}

/// A slice that holds part of a region, and the part.
struct Piece<'a> {
    located: &'a Located,
    stored: Bounds,
    wanted: Bounds,
}

impl Checkpoint {
    /// Opens the given files as one checkpoint. Only what describes the tensors is read.
    pub fn open(prefix: &Path, paths: &[PathBuf], memory_limit: Option<u64>) -> Result<Checkpoint> {
        let mut tensors = Tensors::new();
        let mut files = Vec::with_capacity(paths.len());
        let mut version = Version::default();
        for path in paths {
            let file = File::open(path)?;
            let mut budget = Budget::for_index(file.len(), memory_limit);
            let mut open = |file, tensors: &mut Tensors| {
                let table = Table::of(file, &mut budget)?;
                let mut buffer = BlockBuffer::default();
                if table.len() == 0 {
                    return Err(Error::malformed("the table holds no record"));
                }
                let block = table.block(0, &mut buffer, &mut budget)?;
                let first = block.entries().next().ok_or_else(|| Error::malformed("the table holds no record"))??;
                if first.shared != 0 || !first.unshared.is_empty() {
                    return Err(
                        Error::malformed("the first record does not describe the tensors").expecting("the empty key", "another")
                    );
                }
                let mut budget = Budget::for_index(table.file().len(), memory_limit);
                version = add_described(first.value, files.len(), tensors, &mut budget)?;
                Ok(table)
            };
            files.push(open(file, &mut tensors).map_err(|e| e.in_file(path))?);
        }
        Ok(Checkpoint { prefix: prefix.to_owned(), version, files, tensors: tensors.into_iter().collect() })
    }

    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    pub fn version(&self) -> Version {
        self.version
    }

    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    pub fn file_path(&self, index: usize) -> Option<&Path> {
        self.files.get(index).map(|table| table.file().path())
    }

    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Name and description of the `index`th tensor in the order of names.
    pub fn tensor(&self, index: usize) -> (&[u8], &Described) {
        let (name, tensor) = &self.tensors[index];
        (name, tensor)
    }

    pub fn find(&self, name: &[u8]) -> Option<usize> {
        self.tensors.binary_search_by(|(n, _)| n[..].cmp(name)).ok()
    }

    /// Reads `region` of a fixed-size tensor into `buffer`, which has its size.
    pub fn read(&self, index: usize, region: &Bounds, buffer: &mut [u8]) -> Result<()> {
        let (name, tensor) = self.tensor(index);
        let size = tensor.dtype.size().unwrap_or(1);
        let mut block = BlockBuffer::default();
        let mut read = || {
            for piece in pieces(tensor, region)? {
                let record = self.record(name, piece.located, &mut block)?;
                let in_file = |e: Error| e.in_file(self.path_of(&piece));
                if piece.stored == *region {
                    values::decode(record, tensor.dtype, buffer).map_err(in_file)?;
                    continue;
                }
                let count = piece.stored.elements();
                // Every value takes a byte at least: a shape that the record does not back is not allocated for.
                if count > record.len() as u64 {
                    return Err(in_file(
                        Error::malformed("a slice holds fewer values than its shape asks for")
                            .because(Reason::Shape)
                            .expecting(count, format_args!("{} bytes", record.len())),
                    ));
                }
                let mut stored = allocate(count * size as u64)?;
                values::decode(record, tensor.dtype, &mut stored).map_err(in_file)?;
                for run in piece.wanted.runs(&piece.stored, region) {
                    let length = run.length as usize * size;
                    buffer[run.to as usize * size..][..length].copy_from_slice(&stored[run.from as usize * size..][..length]);
                }
            }
            Ok(())
        };
        read().map_err(|e: Error| e.for_tensor(name))
    }

    /// Reads `region` of a string tensor.
    pub fn read_strings(&self, index: usize, region: &Bounds) -> Result<Strings> {
        let (name, tensor) = self.tensor(index);
        let mut block = BlockBuffer::default();
        let mut read = || {
            let pieces = pieces(tensor, region)?;
            for piece in &pieces {
                let record = self.record(name, piece.located, &mut block)?;
                values::check_string_count(record, piece.stored.elements()).map_err(|e| e.in_file(self.path_of(piece)))?;
            }
            let mut lengths = Vec::new();
            let count = region.elements();
            lengths.try_reserve_exact(count as usize).map_err(|_| Error::out_of_memory(count.saturating_mul(8)))?;
            lengths.resize(count as usize, 0u64);
            for piece in &pieces {
                let record = self.record(name, piece.located, &mut block)?;
                each_wanted(piece, region, record, |to, element| lengths[to] = element.len() as u64)
                    .map_err(|e| e.in_file(self.path_of(piece)))?;
            }
            let mut strings = Strings::with_lengths(lengths)?;
            for piece in &pieces {
                let record = self.record(name, piece.located, &mut block)?;
                each_wanted(piece, region, record, |to, element| {
                    if let Some(place) = strings.element_mut(to).filter(|p| p.len() == element.len()) {
                        place.copy_from_slice(element);
                    }
                })
                .map_err(|e| e.in_file(self.path_of(piece)))?;
            }
            Ok(strings)
        };
        read().map_err(|e: Error| e.for_tensor(name))
    }

    fn path_of(&self, piece: &Piece<'_>) -> &Path {
        self.files[piece.located.file].file().path()
    }

    /// The data record of a slice.
    fn record<'b>(&self, name: &[u8], located: &Located, buffer: &'b mut BlockBuffer) -> Result<&'b [u8]> {
        let table = &self.files[located.file];
        let key = slice_key(name, located.slice().extents());
        let at = table.seek(&key);
        let missing = || {
            Error::new(
                Code::NotFound,
                Reason::NoTensor,
                format!("the slice \"{}\" is described but not in the file", located.slice()),
            )
            .in_file(table.file().path())
        };
        if at == table.len() {
            return Err(missing());
        }
        let mut budget = Budget::for_index(table.file().len(), None);
        let block = table.block(at, buffer, &mut budget)?;
        let mut current = Vec::new();
        for entry in block.entries() {
            let entry = entry.map_err(|e| e.in_file(table.file().path()))?;
            if entry.shared > current.len() {
                return Err(Error::malformed("an entry shares more than the key before it has").in_file(table.file().path()));
            }
            current.truncate(entry.shared);
            current.extend_from_slice(entry.unshared);
            if current == key {
                return Ok(entry.value);
            }
        }
        Err(missing())
    }

    /// Checks every block and every value; `watch` hears of the bytes done and in all. Returns false when it ended the check.
    pub fn verify(&self, problems: &mut Vec<Error>, watch: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> bool {
        for (name, tensor) in &self.tensors {
            if let Err(e) = check_overlap(tensor) {
                problems.push(e.for_tensor(name));
            }
        }
        let total = self.bytes();
        let mut done = 0;
        for (number, table) in self.files.iter().enumerate() {
            let mut expected: HashMap<Vec<u8>, (&[u8], &Described, &Located)> = HashMap::new();
            for (name, tensor) in &self.tensors {
                for located in tensor.slices.iter().filter(|s| s.file == number) {
                    expected.insert(slice_key(name, located.slice().extents()), (name, tensor, located));
                }
            }
            let path = table.file().path();
            let mut budget = Budget::for_index(table.file().len(), None);
            let mut buffer = BlockBuffer::default();
            if let Err(e) = table.check_metaindex(&mut buffer, &mut budget) {
                problems.push(e);
            }
            let (mut key, mut any) = (Vec::new(), false);
            for at in 0..table.len() {
                let mut check = |problems: &mut Vec<Error>| {
                    let block = table.block(at, &mut buffer, &mut budget)?;
                    let mut length = 0;
                    for entry in block.entries() {
                        let entry = entry?;
                        if entry.shared > length {
                            return Err(Error::malformed("an entry shares more than the key before it has"));
                        }
                        let before = std::mem::take(&mut key);
                        key.extend_from_slice(&before[..entry.shared]);
                        key.extend_from_slice(entry.unshared);
                        length = key.len();
                        if any && key <= before {
                            return Err(Error::malformed(format!("data block {at}: the keys are not in increasing order")));
                        }
                        let first = !std::mem::replace(&mut any, true);
                        match expected.remove(&key) {
                            Some((name, tensor, located)) => {
                                if let Err(e) = check_values(entry.value, tensor, located) {
                                    problems.push(e.for_tensor(name).in_file(path));
                                }
                            }
                            None if first && key.is_empty() => {}
                            None => problems.push(
                                Error::malformed("a record is not described by the first one").for_tensor(&key).in_file(path),
                            ),
                        }
                    }
                    if key.as_slice() > table.limit(at) {
                        return Err(Error::malformed(format!("data block {at}: a key is greater than the index block says")));
                    }
                    Ok(())
                };
                if let Err(e) = check(problems) {
                    problems.push(e.in_file(path));
                }
                let so_far = table.file().len() * (at as u64 + 1) / table.len() as u64;
                if watch(done + so_far, total).is_break() {
                    return false;
                }
            }
            done += table.file().len();
            let mut missing: Vec<_> = expected.into_values().collect();
            missing.sort_by_key(|(name, _, _)| *name);
            for (name, _, located) in missing {
                problems.push(
                    Error::new(
                        Code::NotFound,
                        Reason::NoTensor,
                        format!("the slice \"{}\" is described but not in the file", located.slice()),
                    )
                    .for_tensor(name)
                    .in_file(path),
                );
            }
        }
        true
    }

    /// The error for a tensor whose shape asks for more values than the files can hold.
    pub fn unbacked(&self, index: usize) -> Error {
        let (name, tensor) = self.tensor(index);
        Error::malformed("the tensor's shape asks for more values than the files hold")
            .because(Reason::Shape)
            .expecting(
                format_args!("{} elements", Bounds::whole(&tensor.shape).elements()),
                format_args!("{} bytes in all", self.bytes()),
            )
            .for_tensor(name)
            .in_file(self.prefix())
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|t| t.file().len()).sum()
    }
}

fn check_values(record: &[u8], tensor: &Described, located: &Located) -> Result<()> {
    let count = located.bounds(&tensor.shape).elements();
    if tensor.dtype == DType::String {
        return values::decode_strings(record, count, |_, _| ());
    }
    if count > record.len() as u64 {
        return Err(Error::malformed("a slice holds fewer values than its shape asks for")
            .because(Reason::Shape)
            .expecting(count, format_args!("{} bytes", record.len())));
    }
    let mut scratch = allocate(count * tensor.dtype.size().unwrap_or(1) as u64)?;
    values::decode(record, tensor.dtype, &mut scratch)
}

fn each_wanted(piece: &Piece<'_>, region: &Bounds, record: &[u8], mut see: impl FnMut(usize, &[u8])) -> Result<()> {
    let mut runs = piece.wanted.runs(&piece.stored, region);
    let mut run = runs.next();
    values::decode_strings(record, piece.stored.elements(), |at, element| {
        if let Some(current) = run.filter(|r| at >= r.from) {
            see((current.to + at - current.from) as usize, element);
            if at + 1 == current.from + current.length {
                run = runs.next();
            }
        }
    })
}

fn check_overlap(tensor: &Described) -> Result<()> {
    let boxes: Vec<Bounds> = tensor.slices.iter().map(|s| s.bounds(&tensor.shape)).collect();
    check_disjoint(&boxes, Bounds::whole(&tensor.shape).elements(), |i| tensor.slices[i].slice())
}

/// The stored slices that hold `region`, which they must cover.
fn pieces<'a>(tensor: &'a Described, region: &Bounds) -> Result<Vec<Piece<'a>>> {
    check_overlap(tensor)?;
    let mut pieces = Vec::new();
    let mut covered = 0;
    for located in &tensor.slices {
        let stored = located.bounds(&tensor.shape);
        match stored.intersect(region) {
            Some(wanted) => {
                covered += wanted.elements();
                pieces.push(Piece { located, stored, wanted });
            }
            // An empty tensor has a record, too, that must be sound.
            None if stored == *region => pieces.push(Piece { located, wanted: stored.clone(), stored }),
            None => {}
        }
    }
    if covered != region.elements() {
        return Err(not_covered(region, covered, tensor.slices.iter().map(Located::slice)));
    }
    Ok(pieces)
}
