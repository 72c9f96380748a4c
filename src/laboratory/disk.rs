//! What a disk may hold after a power cut, given the operations before it.
//!
//! Of a file, what was written since its last sync may be there or not, piece by piece, and each
//! piece in part or as other bytes. Of a directory, what was done since its last sync is there up
//! to some point: file systems keep the order of what is done in one directory. As no standard says
//! so for removals against renames, [`Names::Loose`] takes those in any order.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::rng::Rng;
use crate::storage::{Op, LOCK_FILE};

/// Files by name: what a directory holds.
pub(crate) type Files = BTreeMap<OsString, Vec<u8>>;

/// The same with a number for each file: names of one number are names of one file.
pub(crate) type Linked = BTreeMap<OsString, (usize, Vec<u8>)>;

#[derive(Clone, Default)]
struct Content {
    synced: Vec<u8>,
    /// `Write` and `Reserve` since.
    pending: Vec<Op>,
}

/// A directory, its files, and what of them is not yet synced.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    files: Vec<Content>,
    names: BTreeMap<OsString, usize>,
    /// Of files that are another file by a second name: which.
    same: BTreeMap<usize, usize>,
    pending: Vec<Op>,
    /// Whether the call returned, and whether with success.
    pub returned: Option<bool>,
}

/// What becomes of writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unsynced {
    Kept,
    Lost,
    /// The length is there, the bytes are not.
    Zeros,
    /// Each write is kept, lost, cut short, or other bytes.
    Torn,
}

/// Which of the names' pending changes are there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    First(usize),
    /// Renames up to some point, everything else in any order.
    Loose,
    /// Each change may be there or not: what no journal does.
    Any,
}

impl Disk {
    pub fn holding(files: &Files) -> Disk {
        let contents = files.values().map(|bytes| Content { synced: bytes.clone(), pending: Vec::new() }).collect();
        Disk { files: contents, names: files.keys().cloned().zip(0..).collect(), ..Disk::default() }
    }

    /// The same where files have several names.
    pub fn holding_linked(files: &Linked) -> Disk {
        let mut disk = Disk::holding(&unlinked(files));
        let mut first = BTreeMap::new();
        for (number, (file, _)) in files.values().enumerate() {
            disk.same.insert(number, *first.entry(*file).or_insert(number));
        }
        disk
    }

    /// How many changes of names are pending.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Write { file, .. } | Op::Reserve { file, .. } => self.files[*file].pending.push(op.clone()),
            Op::SyncFile { file } => {
                let content = &mut self.files[*file];
                for op in std::mem::take(&mut content.pending) {
                    apply(&mut content.synced, &op);
                }
            }
            Op::SyncDirectory => {
                for op in std::mem::take(&mut self.pending) {
                    rename(&mut self.names, &op);
                }
            }
            Op::Returned { ok } => self.returned = Some(*ok),
            Op::Create { file, .. } | Op::Link { file, .. } => {
                if *file >= self.files.len() {
                    self.files.resize(*file + 1, Content::default());
                }
                if let Op::Link { content: Some(bytes), .. } = op {
                    self.files[*file].pending = vec![Op::Write { file: *file, offset: 0, bytes: bytes.clone() }];
                }
                self.pending.push(op.clone());
            }
            Op::Rename { .. } | Op::Remove { .. } => self.pending.push(op.clone()),
        }
    }

    /// What programs see: everything.
    pub fn now(&self) -> Linked {
        self.linked_after_cut(Names::First(self.pending.len()), Unsynced::Kept, &mut Rng::new(0))
    }

    /// An operation that was recorded on what programs see of this disk, with the numbers that
    /// files have on it.
    pub fn renumbered(&self, mut op: Op) -> Op {
        let mut names = self.names.clone();
        self.pending.iter().for_each(|op| rename(&mut names, op));
        let numbers: Vec<usize> = names.into_values().collect();
        match &mut op {
            Op::Create { file, .. }
            | Op::Link { file, .. }
            | Op::Write { file, .. }
            | Op::Reserve { file, .. }
            | Op::SyncFile { file } => {
                *file = numbers.get(*file).copied().unwrap_or_else(|| *file - numbers.len() + self.files.len());
            }
            _ => {}
        }
        op
    }

    /// What is there after a power cut now.
    pub fn after_cut(&self, names: Names, contents: Unsynced, rng: &mut Rng) -> Files {
        unlinked(&self.linked_after_cut(names, contents, rng))
    }

    /// The same with the files that have several names.
    pub fn linked_after_cut(&self, names: Names, contents: Unsynced, rng: &mut Rng) -> Linked {
        let mut there = self.names.clone();
        let renames = self.pending.iter().filter(|op| matches!(op, Op::Rename { .. })).count();
        let (kept_renames, mut renames) = (rng.index(renames + 1), 0);
        for (number, op) in self.pending.iter().enumerate() {
            let kept = match names {
                Names::First(count) => number < count,
                Names::Any => rng.index(2) == 0,
                Names::Loose if matches!(op, Op::Rename { .. }) => {
                    renames += 1;
                    renames <= kept_renames
                }
                // What is renamed was made: no file system has the name and not the file.
                Names::Loose if matches!(op, Op::Create { .. } | Op::Link { .. }) => true,
                Names::Loose => rng.index(2) == 0,
            };
            if kept {
                rename(&mut there, op);
            }
        }
        let content = |file: usize, rng: &mut Rng| self.files[file].after_cut(contents, rng);
        let file = |file: usize| self.same.get(&file).copied().unwrap_or(file);
        there.into_iter().map(|(name, number)| (name, (file(number), content(number, rng)))).collect()
    }
}

impl Content {
    fn after_cut(&self, mode: Unsynced, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for op in &self.pending {
            match (mode, op) {
                (Unsynced::Kept, _) => apply(&mut bytes, op),
                (Unsynced::Lost, _) => {}
                (Unsynced::Zeros, Op::Write { file, offset, bytes: written }) => {
                    apply(&mut bytes, &Op::Write { file: *file, offset: *offset, bytes: vec![0; written.len()] });
                }
                (Unsynced::Torn, Op::Write { file, offset, bytes: written }) => {
                    let mut torn = written.clone();
                    match rng.index(4) {
                        0 => continue,
                        1 => torn.truncate(rng.index(written.len() + 1)),
                        2 => {
                            let from = rng.index(written.len() + 1);
                            torn[from..].iter_mut().for_each(|b| *b = rng.index(256) as u8);
                        }
                        _ => {}
                    }
                    apply(&mut bytes, &Op::Write { file: *file, offset: *offset, bytes: torn });
                }
                (Unsynced::Torn, _) if rng.index(2) == 0 => {}
                _ => apply(&mut bytes, op),
            }
        }
        bytes
    }
}

fn apply(content: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { offset, bytes, .. } if !bytes.is_empty() => {
            let (start, end) = (*offset as usize, *offset as usize + bytes.len());
            if content.len() < end {
                content.resize(end, 0);
            }
            content[start..end].copy_from_slice(bytes);
        }
        Op::Reserve { length, .. } => content.resize(*length as usize, 0),
        _ => {}
    }
}

fn rename(names: &mut BTreeMap<OsString, usize>, op: &Op) {
    match op {
        Op::Create { name, file } | Op::Link { name, file, .. } => drop(names.insert(name.clone(), *file)),
        Op::Remove { name } => drop(names.remove(name)),
        Op::Rename { from, to } => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        _ => {}
    }
}

/// The plain files of a directory.
pub(crate) fn read_directory(path: &Path) -> Files {
    entries(path).map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect()
}

/// What is in a directory but its file of locks, which is empty, and of which a power cut may leave
/// anything.
fn entries(path: &Path) -> impl Iterator<Item = std::fs::DirEntry> {
    std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.file_name() != LOCK_FILE)
}

fn unlinked(files: &Linked) -> Files {
    files.iter().map(|(name, (_, bytes))| (name.clone(), bytes.clone())).collect()
}

/// The plain files of a directory, with those that have several names.
pub(crate) fn read_linked(path: &Path) -> Linked {
    let file = |entry: &std::fs::DirEntry| (entry.metadata().unwrap().ino() as usize, std::fs::read(entry.path()).unwrap());
    entries(path).map(|entry| (entry.file_name(), file(&entry))).collect()
}

/// Makes `files` what the directory holds, with their several names.
pub(crate) fn fill_linked(path: &Path, files: &Linked) {
    fill_directory(path, &Files::new());
    let mut first: BTreeMap<usize, &OsString> = BTreeMap::new();
    for (name, (file, bytes)) in files {
        match first.get(file) {
            Some(other) => std::fs::hard_link(path.join(other), path.join(name)).unwrap(),
            None => std::fs::write(path.join(name), bytes).unwrap(),
        }
        first.entry(*file).or_insert(name);
    }
}

/// Makes `files` what the directory holds.
pub(crate) fn fill_directory(path: &Path, files: &Files) {
    entries(path).for_each(|entry| std::fs::remove_file(entry.path()).unwrap());
    for (name, bytes) in files {
        std::fs::write(path.join(name), bytes).unwrap();
    }
}
