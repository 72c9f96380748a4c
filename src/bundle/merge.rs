//! Merges sections written by several workers into one checkpoint: a new index over their data
//! files, which get new names.

use std::collections::BTreeMap;
use std::fmt;
use std::io::IoSlice;
use std::ops::ControlFlow;
use std::time::Duration;

use super::completeness::{check_names, uncovered, NAMED};
use super::durability::Durability;
use super::entry::{put_entry, put_header, put_partitioned, Endianness};
use super::finish::Written;
use super::index::{Index, Row};
use super::lock::{Access, Claim};
use super::locking::{Asked, Locking, Notes};
use super::naming;
use super::publish::Publication;
use super::temporary::number_of;
use crate::allocate::{list_of, Room};
use crate::error::{Code, Error, Reason, Result};
use crate::foreign::{explain, explain_contents};
use crate::log::{Log, Severity};
use crate::storage::{File, Location, Sign, Storage, What, LOCK_FILE};
use crate::table::TableWriter;
use crate::tensor::{check_disjoint, shape_text, Bounds, DType, StoredExtent};

/// Options for merging sections.
#[derive(Clone, Default)]
pub struct MergeOptions {
    allow_missing: bool,
    keep_inputs: bool,
    durability: Durability,
    announced: bool,
    asked: Asked,
    log: Option<Log>,
    /// How the handle that merges takes locks, and whether it has that of the destination.
    within: Option<(Access, Option<Claim>)>,
}

impl fmt::Debug for MergeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeOptions")
            .field("allow_missing", &self.allow_missing)
            .field("keep_inputs", &self.keep_inputs)
            .field("durability", &self.durability)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

impl MergeOptions {
    /// Creates options with the defaults: every section must exist, and the sections are deleted
    /// once the merged checkpoint is published.
    pub fn new() -> MergeOptions {
        MergeOptions::default()
    }

    /// Sets whether sections may be missing: if so, the existing ones are merged, and at least one
    /// must exist. False by default: then all of the given sections must exist; if one of them is
    /// called `part-00000-of-00002`, so must the other one be given; the slices of each tensor must
    /// cover it; and there must be every key that the object graph names.
    pub fn allow_missing(mut self, allow: bool) -> MergeOptions {
        self.allow_missing = allow;
        self
    }

    /// Sets whether the sections are kept after the merge. False by default: they are deleted.
    pub fn keep_inputs(mut self, keep: bool) -> MergeOptions {
        self.keep_inputs = keep;
        self
    }

    /// Sets what survives a power failure after the merge.
    pub fn durability(mut self, durability: Durability) -> MergeOptions {
        self.durability = durability;
        self
    }

    /// Sets whether the directory is locked; [`Locking::IfPossible`] by default.
    pub fn locking(mut self, locking: Locking) -> MergeOptions {
        self.asked.locking = Some(locking);
        self
    }

    /// Sets how long to wait for a lock that another process or thread holds; 60 seconds by
    /// default. Zero fails at once.
    pub fn lock_wait(mut self, limit: Duration) -> MergeOptions {
        self.asked.wait = Some(limit);
        self
    }

    /// Sets the log, which hears that the file system has no locks and the like.
    pub fn log_to(mut self, log: Log) -> MergeOptions {
        self.log = Some(log);
        self
    }

    pub(crate) fn allows_missing(&self) -> bool {
        self.allow_missing
    }

    /// Sets how locks are taken, and the lock of the destination if the caller has it.
    pub(crate) fn within(mut self, access: Access, claim: Option<Claim>) -> MergeOptions {
        self.within = Some((access, claim));
        self
    }

    /// Sets whether the index of the merged checkpoint gets a second name, which the caller removes
    /// once a state file lists the checkpoint.
    pub(crate) fn announced(mut self, announced: bool) -> MergeOptions {
        self.announced = announced;
        self
    }
}

/// Merges V2 checkpoints into the checkpoint `destination`. Whether the object graph has all its
/// keys, the caller has looked.
///
/// # Errors
/// Those of [`merge`](crate::merge), but for absent keys.
pub(crate) fn merge(
    destination: &Location,
    sections: &[Location],
    options: &MergeOptions,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Written> {
    let access = Access::new(options.asked, &Notes::default());
    let notes = access.notes.clone();
    let options = options.clone().within(access, None);
    let merged = merge_on(&*destination.storage()?, destination, sections, &options, progress);
    if let Some(log) = &options.log {
        notes.take().iter().for_each(|text| log(Severity::Warning, text));
    }
    merged
}

pub(crate) fn merge_on(
    storage: &dyn Storage,
    destination: &Location,
    sections: &[Location],
    options: &MergeOptions,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Written> {
    let (mut inputs, mut missing) = (Vec::new(), Vec::new());
    for section in sections {
        refuse_same(storage, destination, section)?;
        match Index::load(section, None, false, &mut Err) {
            Ok(index) => inputs.push(index),
            Err(e) if e.code() == Code::NotFound && options.allow_missing => {}
            Err(e) if e.code() == Code::NotFound => missing.push(section),
            Err(e) => return Err(e),
        }
    }
    if let [first, ..] = missing[..] {
        let what = match missing.len() {
            1 => "a section is missing".to_owned(),
            count => {
                let names: Vec<String> =
                    missing[1..].iter().take(NAMED - 1).map(|section| section.display().to_string()).collect();
                let more = if count > NAMED { ", and more" } else { "" };
                format!("{count} of {} sections are missing: this one, {}{more}", sections.len(), names.join(", "))
            }
        };
        return Err(explain(Error::new(Code::NotFound, Reason::NoCheckpoint, what).in_file(first)));
    }
    if inputs.is_empty() {
        return Err(Error::argument("there are no sections to merge").in_file(destination));
    }
    let merged = Merged::of(&inputs)?;
    if merged.was_published(storage, destination, &inputs)? {
        // An earlier merge was published and then interrupted by a crash. Only the sections remain
        // to be removed.
        let bytes = remove_all(storage, &inputs, options);
        return Ok(Written { shards: Index::header_of(&naming::index_path(destination))?.shards, bytes });
    }
    merged.check_files()?;
    if !options.allow_missing {
        check_names(storage, sections)?;
        merged.check_coverage(destination)?;
    }
    let (access, claim) = options.within.clone().unwrap_or_default();
    let publication = Publication::begin(storage, destination, options.durability, access, claim)?;
    let mut publication = publication.announce(options.announced);
    let shards = publication.unused_count(merged.files.len().max(1) as u32);
    let total = merged.files.iter().map(|file| file.length).sum();
    let mut bytes = 0;
    for (shard, file) in merged.files.iter().enumerate() {
        publication.adopt_data(&file.path, shard as u32, shards)?;
        bytes += file.length;
        if progress(bytes, total).is_break() {
            return Err(Error::new(Code::Cancelled, Reason::Callback, "the merge was cancelled").in_file(destination));
        }
    }
    for shard in merged.files.len() as u32..shards {
        let empty = publication.create_data(shard, shards, 0)?;
        publication.sync(&*empty, 0)?;
    }
    let index = publication.create_index()?;
    let mut at = 0;
    let mut sink = |bytes: &[u8]| {
        let written = index.write_at(at, &[IoSlice::new(bytes)]);
        at += bytes.len() as u64;
        written.map_err(|e| Error::io("write the index", destination, &e))
    };
    merged.write_index(shards, &mut sink)?;
    publication.sync(&*index, at)?;
    publication.commit(shards)?;
    remove_all(storage, &inputs, options);
    Ok(Written { shards, bytes })
}

/// Refuses a destination that is one of the sections: its files would be replaced by themselves.
fn refuse_same(storage: &dyn Storage, destination: &Location, section: &Location) -> Result<()> {
    let real = |prefix: &Location| {
        let (directory, name) = naming::split_prefix(prefix).ok()?;
        Some((storage.real(&directory).ok()?, name.to_owned()))
    };
    let place = real(destination);
    if place.is_some() && place == real(section) {
        Err(Error::argument("the destination is one of the sections").in_file(section))
    } else {
        Ok(())
    }
}

/// Removes the sections after the merged checkpoint was published. Data files are removed before
/// the indexes: so the remaining indexes can still be read, and show that an interrupted merge was
/// published. Files that cannot be removed stay. Returns the total size of the data files in bytes.
fn remove_all(storage: &dyn Storage, inputs: &[Index], options: &MergeOptions) -> u64 {
    let mut bytes = 0;
    if options.keep_inputs {
        return bytes;
    }
    let remove = |path: &Location| {
        let directory = storage.directory(&path.parent(), false).ok()?;
        directory.remove(path.file_name()?).ok()
    };
    // Only what was merged is removed: not what somebody is writing, or has written since.
    let (access, _) = options.within.clone().unwrap_or_default();
    let own = |index: &Index| {
        let (directory, base) = naming::split_prefix(index.prefix()).ok()?;
        let directory = storage.directory(&directory, false).ok()?;
        let claim = Claim::take(&directory, What::Prefix(number_of(base)), &access, None).ok()?;
        index.seal().check().is_ok().then_some(claim)
    };
    let claims: Vec<Option<Claim>> = inputs.iter().map(own).collect();
    let owned = || inputs.iter().zip(&claims).filter(|(_, claim)| claim.is_some()).map(|(index, _)| index);
    for index in owned() {
        let shards = index.header().shards;
        for shard in 0..shards {
            let path = naming::data_path(index.prefix(), shard, shards);
            bytes += storage.link_status(&path).map_or(0, |found| found.version.length());
            remove(&path);
        }
    }
    for index in owned() {
        remove(index.path());
    }
    drop(claims);
    // Directories of temporary sections are removed if they are empty by now; others stay.
    let directories = inputs.iter().filter_map(|index| naming::split_prefix(index.prefix()).ok());
    for directory in crate::sort::set_of(directories.map(|(directory, _)| directory)) {
        if directory.file_name().is_some_and(naming::is_directory_of_sections) {
            if directory.names().is_ok_and(|names| names == [LOCK_FILE]) {
                remove(&directory.join(LOCK_FILE));
            }
            let _ = storage.remove_directory(&directory);
        }
    }
    bytes
}

/// A data file of a section that records refer to.
struct DataFile {
    path: Location,
    /// The minimum length in bytes that the records require.
    length: u64,
}

/// A record of the merged index.
enum Merging<'a> {
    Value { row: Row<'a>, shard: u32 },
    Partitioned { dtype: DType, shape: &'a [i64], shard: u32, slices: Vec<Vec<StoredExtent>> },
}

/// The merged index, before it is written.
struct Merged<'a> {
    records: BTreeMap<Vec<u8>, Merging<'a>>,
    /// The data files, in the order of their new numbers.
    files: Vec<DataFile>,
    endianness: Endianness,
}

impl<'a> Merged<'a> {
    /// Combines the records of all sections.
    fn of(inputs: &'a [Index]) -> Result<Merged<'a>> {
        let first = inputs[0].header();
        let mut merged = Merged { records: BTreeMap::new(), files: Vec::new(), endianness: first.endianness };
        for index in inputs {
            let header = index.header();
            let differs = |what: &str| Error::argument(format!("the sections differ in {what}")).in_file(index.path());
            if header.version != first.version {
                return Err(differs("version"));
            }
            if header.endianness != first.endianness {
                return Err(differs("byte order"));
            }
            merged.add(index).map_err(|e| e.in_file(index.path()))?;
        }
        for (key, record) in &merged.records {
            if let Merging::Partitioned { shape, slices, .. } = record {
                let boxes: Vec<Bounds> = list_of(slices.iter().map(|s| Bounds::stored(s, shape)))?;
                check_disjoint(&boxes, Bounds::whole(shape).elements(), |i| slices[i][..].into())
                    .map_err(|e| if e.is_shortage() { e } else { Error::argument(e.to_string()).because(Reason::Overlap) })
                    .map_err(|e| e.for_tensor(key))?;
            }
        }
        Ok(merged)
    }

    fn add(&mut self, index: &'a Index) -> Result<()> {
        let mut numbers = BTreeMap::new();
        for row in index.all_rows() {
            let duplicate = || Err(Error::argument("two sections hold the same tensor or slice").for_tensor(row.key));
            let shards = index.header().shards;
            let own = if row.shard < shards { row.shard } else { 0 };
            let shard = *numbers.entry(own).or_insert_with(|| {
                self.files.push(DataFile { path: naming::data_path(index.prefix(), own, shards), length: 0 });
                self.files.len() - 1
            });
            if !row.is_partitioned() {
                self.files[shard].length = self.files[shard].length.max(row.offset.saturating_add(row.size));
                if self.records.insert(row.key.to_vec(), Merging::Value { row, shard: shard as u32 }).is_some() {
                    return duplicate();
                }
                continue;
            }
            let mut listed: Vec<Vec<StoredExtent>> = list_of(row.slices().map(|s| s.extents.to_vec()))?;
            match self.records.get_mut(row.key) {
                None => {
                    let record = Merging::Partitioned { dtype: row.dtype, shape: row.shape, shard: shard as u32, slices: listed };
                    self.records.insert(row.key.to_vec(), record);
                }
                Some(Merging::Value { .. }) => return duplicate(),
                Some(Merging::Partitioned { dtype, shape, slices, .. }) => {
                    let text = |dtype: DType, shape: &[i64]| format!("{dtype} {}", shape_text(shape));
                    if *dtype != row.dtype || *shape != row.shape {
                        return Err(Error::argument("two sections disagree on the dtype or shape of the tensor")
                            .because(Reason::Shape)
                            .expecting(text(*dtype, shape), text(row.dtype, row.shape))
                            .for_tensor(row.key));
                    }
                    slices.make_room(listed.len())?;
                    slices.append(&mut listed);
                }
            }
        }
        Ok(())
    }

    /// Checks that the slices of each tensor cover it.
    fn check_coverage(&self, destination: &Location) -> Result<()> {
        self.records.iter().try_for_each(|(key, record)| {
            let Merging::Partitioned { shape, slices, .. } = record else { return Ok(()) };
            let boxes = slices.iter().map(|slice| Bounds::stored(slice, shape));
            uncovered(key, boxes, Bounds::whole(shape).elements()).map_or(Ok(()), |fault| Err(fault.in_file(destination)))
        })
    }

    /// Checks that every data file exists and is as long as its records require.
    fn check_files(&self) -> Result<()> {
        self.files.iter().try_for_each(|needed| {
            let file = File::open(&needed.path)?;
            file.check_range(0, needed.length).map_err(|e| explain_contents(e, &file))
        })
    }

    /// Returns whether `destination` already holds exactly these values while data files of the
    /// sections are missing: then an earlier merge was published.
    fn was_published(&self, storage: &dyn Storage, destination: &Location, inputs: &[Index]) -> Result<bool> {
        let some_gone = self.files.iter().any(|file| storage.status(&file.path).is_err());
        if !some_gone {
            return Ok(false);
        }
        let there = match Index::load(destination, None, false, &mut Err) {
            Ok(there) => there,
            Err(e) if e.is_shortage() => return Err(e),
            Err(_) => return Ok(false),
        };
        let values = |index: &Index| -> BTreeMap<Vec<u8>, (u32, u64)> {
            let rows = index.all_rows().filter(|row| !row.is_partitioned());
            crate::sort::map_of(rows.map(|row| (row.key.to_vec(), (row.crc, row.size))))
        };
        let published = values(&there);
        Ok(inputs.iter().all(|index| values(index).iter().all(|(key, value)| published.get(key) == Some(value))))
    }

    fn write_index(&self, shards: u32, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut table = TableWriter::new(sink);
        let mut value = Vec::new();
        put_header(&mut value, shards, self.endianness);
        table.add(b"", &value)?;
        for (key, record) in &self.records {
            value.clear();
            match record {
                Merging::Value { row, shard } => {
                    put_entry(&mut value, row.dtype, row.shape, *shard, row.offset, row.size, row.crc)
                }
                Merging::Partitioned { dtype, shape, shard, slices } => {
                    put_partitioned(&mut value, *dtype, shape, *shard, slices)?
                }
            }
            table.add(key, &value)?;
        }
        table.finish()
    }
}
