//! A storage for tests. It wraps the local file system, records every operation, and can make any
//! of them fail.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Error, IoSlice, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Directory, Draft, Hold, Local, Location, Lock, Map, Means, Source, Status, Storage, What, LOCK_FILE};

/// An operation that succeeded and changed something. Files are numbered: first the files that
/// existed at the start, in the order of their names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    Create {
        name: OsString,
        file: usize,
    },
    Write {
        file: usize,
        offset: u64,
        bytes: Vec<u8>,
    },
    /// Sets the length.
    Reserve {
        file: usize,
        length: u64,
    },
    SyncFile {
        file: usize,
    },
    /// A second name for a file. If the file comes from another directory, `content` is its
    /// content, and it is unknown whether that was synced.
    Link {
        name: OsString,
        file: usize,
        content: Option<Vec<u8>>,
    },
    Rename {
        from: OsString,
        to: OsString,
    },
    Remove {
        name: OsString,
    },
    SyncDirectory,
    /// The call under test returned, successfully or not. Not an operation: tests insert it.
    Returned {
        ok: bool,
    },
}

/// The kinds of operations that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hold,
    Lock,
    /// A lock is looked at again.
    Check,
    /// An index is locked by itself.
    LockFile,
    List,
    Open,
    Create,
    Write,
    Reserve,
    SyncFile,
    Link,
    Rename,
    Remove,
    SyncDirectory,
}

/// Which operations fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// The index of the first operation that fails, among those for which `hits` returns true.
    pub at: usize,
    pub errno: i32,
    /// Whether all later operations fail as well.
    pub for_good: bool,
    /// Selects the operations that count.
    pub hits: fn(Kind) -> bool,
}

#[derive(Debug, Default)]
struct State {
    /// The directory whose operations are recorded: the first one opened.
    served: Option<Location>,
    ops: Vec<Op>,
    /// The operations that were attempted, and whether the fault made each fail.
    tried: Vec<(Kind, bool)>,
    /// The files whose sync was attempted, in order.
    synced: Vec<usize>,
    /// The number of operations so far that `Fault::hits` selected.
    counted: usize,
    names: BTreeMap<OsString, usize>,
    files: usize,
    fault: Option<Fault>,
    space: Option<u64>,
    /// The end of the names of files that give back another bit at an offset.
    rot: Option<(String, u64)>,
}

impl State {
    fn step(&mut self, kind: Kind) -> Result<()> {
        let mut failure = None;
        if let Some(fault) = self.fault.filter(|fault| (fault.hits)(kind)) {
            let hit = self.counted == fault.at || (fault.for_good && self.counted > fault.at);
            self.counted += 1;
            failure = hit.then_some(fault.errno);
        }
        self.tried.push((kind, failure.is_some()));
        failure.map_or(Ok(()), |errno| Err(Error::from_raw_os_error(errno)))
    }

    fn new_file(&mut self, name: &OsStr) -> usize {
        self.files += 1;
        self.names.insert(name.to_owned(), self.files - 1);
        self.files - 1
    }
}

/// The storage. It records one directory, the first one that is opened, which must exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording(Arc<Mutex<State>>);

impl Recording {
    pub fn new() -> Recording {
        Recording::default()
    }

    pub fn failing(fault: Fault) -> Recording {
        let recording = Recording::new();
        recording.0.lock().fault = Some(fault);
        recording
    }

    /// Reports `bytes` as the free space of the file system.
    pub fn with_space(self, bytes: u64) -> Recording {
        self.0.lock().space = Some(bytes);
        self
    }

    /// Makes files whose names end so (before the mark of temporary names) give back another bit at
    /// an offset once they are read back.
    pub fn with_rot(self, suffix: &str, offset: u64) -> Recording {
        self.0.lock().rot = Some((suffix.to_owned(), offset));
        self
    }

    pub fn ops(&self) -> Vec<Op> {
        self.0.lock().ops.clone()
    }

    /// Records that the call under test returned.
    pub fn returned(&self, ok: bool) {
        self.0.lock().ops.push(Op::Returned { ok });
    }

    /// Returns the kinds of the attempted operations, and whether the fault made each fail.
    pub fn tried(&self) -> Vec<(Kind, bool)> {
        self.0.lock().tried.clone()
    }

    /// Returns the files whose sync was attempted, in order.
    pub fn synced(&self) -> Vec<usize> {
        self.0.lock().synced.clone()
    }
}

impl Storage for Recording {
    fn directory(&self, at: &Location, _create: bool) -> Result<Arc<dyn Directory>> {
        if self.0.lock().served.as_ref().is_some_and(|served| served != at) {
            return Local.directory(at, false); // the directory of sections to be removed
        }
        self.0.lock().step(Kind::Hold)?;
        let inner = Local.directory(at, false)?;
        let mut names = inner.list()?;
        names.retain(|name| name != LOCK_FILE);
        names.sort();
        let mut state = self.0.lock();
        if state.served.is_none() {
            state.served = Some(at.clone());
            state.files = names.len();
            state.names = names.into_iter().zip(0..).collect();
        }
        drop(state);
        Ok(Arc::new(RecordingDirectory { inner, state: self.0.clone() }))
    }

    fn remove_directory(&self, at: &Location) -> Result<()> {
        Local.remove_directory(at)
    }

    fn open(&self, at: &Location) -> Result<Box<dyn Source>> {
        Local.open(at)
    }

    fn status(&self, at: &Location) -> Result<Status> {
        Local.status(at)
    }

    fn link_status(&self, at: &Location) -> Result<Status> {
        Local.link_status(at)
    }

    fn real(&self, at: &Location) -> Result<Location> {
        Local.real(at)
    }
}

#[derive(Debug)]
struct RecordingDirectory {
    inner: Arc<dyn Directory>,
    state: Arc<Mutex<State>>,
}

impl Directory for RecordingDirectory {
    fn location(&self) -> &Location {
        self.inner.location()
    }

    fn draft(&self, name: &OsStr) -> Result<Arc<dyn Draft>> {
        let mut state = self.state.lock();
        state.step(Kind::Create)?;
        let inner = self.inner.draft(name)?;
        let file = state.new_file(name);
        state.ops.push(Op::Create { name: name.to_owned(), file });
        Ok(Arc::new(RecordingDraft { inner, file, state: self.state.clone() }))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> Result<()> {
        let mut state = self.state.lock();
        state.step(Kind::Rename)?;
        self.inner.rename(from, to)?;
        if let Some(file) = state.names.remove(from) {
            state.names.insert(to.to_owned(), file);
        }
        state.ops.push(Op::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn adopt(&self, from: &Location, to: &OsStr) -> Result<()> {
        let mut state = self.state.lock();
        state.step(Kind::Link)?;
        self.inner.adopt(from, to)?;
        let content = Some(std::fs::read(from)?);
        let file = state.new_file(to);
        state.ops.push(Op::Link { name: to.to_owned(), file, content });
        Ok(())
    }

    fn alias(&self, from: &OsStr, to: &OsStr) -> Result<()> {
        let mut state = self.state.lock();
        state.step(Kind::Link)?;
        self.inner.alias(from, to)?;
        let file = state.names[from];
        state.names.insert(to.to_owned(), file);
        state.ops.push(Op::Link { name: to.to_owned(), file, content: None });
        Ok(())
    }

    fn open(&self, name: &OsStr) -> Result<Box<dyn Source>> {
        self.state.lock().step(Kind::Open)?;
        self.inner.open(name)
    }

    fn sync_file(&self, name: &OsStr) -> Result<()> {
        let mut state = self.state.lock();
        let file = state.names[name];
        state.synced.push(file);
        state.step(Kind::SyncFile)?;
        self.inner.sync_file(name)?;
        state.ops.push(Op::SyncFile { file });
        Ok(())
    }

    fn remove(&self, name: &OsStr) -> Result<()> {
        let mut state = self.state.lock();
        state.step(Kind::Remove)?;
        self.inner.remove(name)?;
        state.names.remove(name);
        state.ops.push(Op::Remove { name: name.to_owned() });
        Ok(())
    }

    fn list(&self) -> Result<Vec<OsString>> {
        self.state.lock().step(Kind::List)?;
        let mut names = self.inner.list()?;
        // Sorted, so that every run is the same.
        names.sort();
        Ok(names)
    }

    fn is_file(&self, name: &OsStr) -> bool {
        self.inner.is_file(name)
    }

    fn sync(&self) -> Result<()> {
        let mut state = self.state.lock();
        state.step(Kind::SyncDirectory)?;
        self.inner.sync()?;
        state.ops.push(Op::SyncDirectory);
        Ok(())
    }

    fn space(&self) -> Option<u64> {
        self.state.lock().space.or_else(|| self.inner.space())
    }

    fn open_to_lock(&self, name: &OsStr) -> Result<Box<dyn Source>> {
        self.state.lock().step(Kind::Open)?;
        Ok(Box::new(RecordingSource { inner: self.inner.open_to_lock(name)?, state: self.state.clone() }))
    }

    fn lock(&self, what: What, in_file: bool, limit: Option<Duration>) -> Result<Box<dyn Lock>> {
        if in_file {
            self.state.lock().step(Kind::Lock)?;
        }
        Ok(Box::new(RecordingLock { inner: self.inner.lock(what, in_file, limit)?, state: self.state.clone() }))
    }
}

#[derive(Debug)]
struct RecordingLock {
    inner: Box<dyn Lock>,
    state: Arc<Mutex<State>>,
}

impl Lock for RecordingLock {
    fn means(&self) -> Means {
        self.inner.means()
    }

    fn check(&self) -> Result<()> {
        self.state.lock().step(Kind::Check)?;
        self.inner.check()
    }
}

/// A file that is opened to be locked.
#[derive(Debug)]
struct RecordingSource {
    inner: Box<dyn Source>,
    state: Arc<Mutex<State>>,
}

impl Source for RecordingSource {
    fn status(&self) -> Result<Status> {
        self.inner.status()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.inner.read_at(offset, into)
    }

    fn append_at(&self, offset: u64, into: &mut Vec<u8>) -> Result<usize> {
        self.inner.append_at(offset, into)
    }

    fn map(&self, offset: u64, size: usize) -> Result<Map> {
        self.inner.map(offset, size)
    }

    fn try_lock(&self, hold: Hold) -> Result<bool> {
        self.state.lock().step(Kind::LockFile)?;
        self.inner.try_lock(hold)
    }

    fn unlock(&self) {
        self.inner.unlock();
    }
}

#[derive(Debug)]
struct RecordingDraft {
    inner: Arc<dyn Draft>,
    file: usize,
    state: Arc<Mutex<State>>,
}

impl Draft for RecordingDraft {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> Result<()> {
        let mut state = self.state.lock();
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let failure = state.step(Kind::Write);
        // A failing write has already written some of its bytes.
        let written = if failure.is_err() { bytes.len() / 2 } else { bytes.len() };
        self.inner.write_at(offset, &[IoSlice::new(&bytes[..written])])?;
        state.ops.push(Op::Write { file: self.file, offset, bytes: bytes[..written].to_vec() });
        failure
    }

    fn reserve(&self, length: u64) -> Result<()> {
        let mut state = self.state.lock();
        state.step(Kind::Reserve)?;
        self.inner.reserve(length)?;
        state.ops.push(Op::Reserve { file: self.file, length });
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let mut state = self.state.lock();
        state.synced.push(self.file);
        state.step(Kind::SyncFile)?;
        self.inner.sync()?;
        state.ops.push(Op::SyncFile { file: self.file });
        Ok(())
    }

    fn read_back(&self) -> Result<Box<dyn Source>> {
        self.state.lock().step(Kind::Open)?;
        let inner = self.inner.read_back()?;
        let name = self.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let rot = self.state.lock().rot.clone().filter(|(suffix, _)| name.contains(suffix.as_str()));
        Ok(match rot {
            Some((_, at)) => Box::new(Rotten { inner, at }),
            None => inner,
        })
    }
}

/// A file that gives back another bit than was written.
#[derive(Debug)]
struct Rotten {
    inner: Box<dyn Source>,
    at: u64,
}

impl Source for Rotten {
    fn status(&self) -> Result<Status> {
        self.inner.status()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.inner.read_at(offset, into)?;
        if let Some(byte) = self.at.checked_sub(offset).and_then(|at| into.get_mut(at as usize)) {
            *byte ^= 1;
        }
        Ok(())
    }

    fn append_at(&self, offset: u64, into: &mut Vec<u8>) -> Result<usize> {
        self.inner.append_at(offset, into)
    }

    fn map(&self, offset: u64, size: usize) -> Result<Map> {
        self.inner.map(offset, size)
    }

    fn try_lock(&self, hold: Hold) -> Result<bool> {
        self.inner.try_lock(hold)
    }

    fn unlock(&self) {
        self.inner.unlock()
    }
}
