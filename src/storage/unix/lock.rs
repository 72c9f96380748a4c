//! The locks of a directory: bytes of one empty file in it, and a table in memory that keeps the
//! threads of this process apart.
//!
//! A process has the file open once, however many bytes it holds: so a lock belongs to that one
//! open file, ends with the process, and a forked child, which closes it at once, cannot keep it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::interface::{Lock, Means, Place, What, LOCK_FILE};
use super::fork::Origin;
use super::holder::holder_of;
use super::raw::{around_forks, change_byte, replace, Change};

/// The shortest and the longest pause between two attempts to take a lock that another process
/// holds.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// How often the file is opened again because it was replaced just then.
const MOST_OPENINGS: usize = 8;

/// Takes a lock of an open directory, and waits for it at most `limit`; `None`: only tries to, and
/// does not look for the holder. If not `in_file`, other processes are not excluded.
pub(super) fn lock(directory: &Arc<File>, what: What, in_file: bool, limit: Option<Duration>) -> Result<Box<dyn Lock>> {
    let status = directory.metadata()?;
    let (place, byte) = ((status.dev(), status.ino()), what.byte());
    let end = Instant::now().checked_add(limit.unwrap_or_default());
    let mut pause = PAUSES[0];
    let mut table = table();
    loop {
        match table.take(directory, place, byte, in_file) {
            Ok(Taken::Now(file, means)) => {
                let directory = directory.clone();
                return Ok(Box::new(Held { directory, place, byte, file, means, origin: Origin::here() }));
            }
            Ok(_) if limit.is_none() => return Err(ErrorKind::WouldBlock.into()),
            Ok(blocked) => {
                let left = end.map_or(PAUSES[1], |end| end.saturating_duration_since(Instant::now()));
                match blocked {
                    Taken::ByThread if left.is_zero() => {
                        return Err(Error::new(ErrorKind::WouldBlock, "this program itself"));
                    }
                    Taken::ByThread => {
                        table =
                            FREED.wait_timeout(table, left.min(PAUSES[1])).map_or_else(|e| e.into_inner().0, |(table, _)| table)
                    }
                    _ => {
                        drop(table);
                        if left.is_zero() {
                            let holder = holder_of(directory, byte).unwrap_or_else(|| "another process".to_owned());
                            return Err(Error::new(ErrorKind::WouldBlock, holder));
                        }
                        std::thread::sleep(pause.min(left));
                        pause = PAUSES[1].min(pause * 2);
                        table = self::table();
                    }
                }
            }
            Err(e) => return Err(e),
        }
    }
}

/// What this process has locked.
struct Table {
    /// The process that it describes. In a child all of it is the parent's.
    origin: Option<Origin>,
    places: BTreeMap<Place, Directory>,
    /// Other files that are locked by `flock`: a child lets go of them.
    descriptors: Vec<RawFd>,
}

static TABLE: Mutex<Table> = Mutex::new(Table { origin: None, places: BTreeMap::new(), descriptors: Vec::new() });

/// Notified when a byte is released.
static FREED: Condvar = Condvar::new();

/// The table of this process.
fn table() -> MutexGuard<'static, Table> {
    static FORKS: Once = Once::new();
    FORKS.call_once(|| around_forks(Some(before_fork), Some(after_fork), Some(let_go_in_child)));
    let here = Origin::here();
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    if table.origin.is_some_and(|origin| origin != here) {
        table.places.clear();
        table.descriptors.clear();
    }
    table.origin = Some(here);
    table
}

/// What this process has locked in one directory.
#[derive(Default)]
struct Directory {
    file: Option<LockFile>,
    /// The bytes that are held, and whether each is locked in the file.
    held: BTreeMap<u64, bool>,
}

struct LockFile {
    handle: OwnedFd,
    place: Place,
    means: Means,
}

/// The outcome of one attempt.
enum Taken {
    /// The lock is taken: in this file, by this means.
    Now(Option<Place>, Means),
    ByThread,
    ByProcess,
}

impl Table {
    fn take(&mut self, directory: &File, place: Place, byte: u64, in_file: bool) -> Result<Taken> {
        let entry = self.places.entry(place).or_default();
        let taken = entry.take(directory, byte, in_file);
        if entry.held.is_empty() {
            self.places.remove(&place);
        }
        taken
    }
}

impl Directory {
    fn take(&mut self, directory: &File, byte: u64, in_file: bool) -> Result<Taken> {
        if self.held.contains_key(&byte) {
            return Ok(Taken::ByThread);
        }
        if !in_file {
            self.held.insert(byte, false);
            return Ok(Taken::Now(None, Means::Memory));
        }
        for _ in 0..MOST_OPENINGS {
            if self.file.as_ref().map(|file| file.place) != place_of_file(directory) {
                self.file = None; // nobody holds anything in a file that has no name
            }
            if self.file.is_none() {
                self.file = Some(LockFile::open(directory)?);
            }
            let Some(file) = &mut self.file else { continue };
            match file.lock(byte) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(Taken::ByProcess),
                Err(e) => return Err(e),
            }
            if place_of_file(directory) == Some(file.place) {
                self.held.insert(byte, true);
                return Ok(Taken::Now(Some(file.place), file.means));
            }
        }
        Err(Error::other(format!("{LOCK_FILE} is replaced again and again")))
    }
}

/// The identity of the file of locks that the directory has now.
fn place_of_file(directory: &File) -> Option<Place> {
    let status = fs::statat(directory, LOCK_FILE, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some((status.st_dev as u64, status.st_ino as u64))
}

impl LockFile {
    fn open(directory: &File) -> Result<LockFile> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let handle = match fs::openat(directory, LOCK_FILE, flags, Mode::from_raw_mode(0o666)) {
            Ok(handle) => handle,
            // Nobody can lock, or write, where the file cannot be made; what comes next says so.
            Err(e @ (Errno::ROFS | Errno::NOSPC | Errno::DQUOT)) => return Err(missing(e)),
            Err(e @ (Errno::ACCESS | Errno::PERM)) if place_of_file(directory).is_none() => return Err(missing(e)),
            Err(e) => return Err(e.into()),
        };
        let status = fs::fstat(&handle)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(Error::new(ErrorKind::InvalidInput, format!("{LOCK_FILE} is not a plain file")));
        }
        let means = if cfg!(any(target_os = "linux", target_os = "android")) { Means::OpenFile } else { Means::Process };
        Ok(LockFile { handle, place: (status.st_dev as u64, status.st_ino as u64), means })
    }

    /// Locks a byte, by the first means that the file system has.
    fn lock(&mut self, byte: u64) -> Result<()> {
        loop {
            match self.lock_by(self.means, byte) {
                Err(e) if is_missing(&e) => match self.means {
                    Means::OpenFile => self.means = Means::Process,
                    Means::Process => self.means = Means::WholeFile,
                    _ => return Err(Error::new(ErrorKind::Unsupported, e)),
                },
                outcome => return outcome,
            }
        }
    }

    fn lock_by(&self, means: Means, byte: u64) -> Result<()> {
        match means {
            Means::WholeFile => {
                Ok(rustix::io::retry_on_intr(|| fs::flock(&self.handle, FlockOperation::NonBlockingLockExclusive))?)
            }
            _ => change_byte(self.handle.as_fd(), means, Change::Lock, byte),
        }
    }

    fn unlock(&self, byte: u64) {
        match self.means {
            Means::WholeFile => {} // closing the file unlocks it
            means => drop(change_byte(self.handle.as_fd(), means, Change::Unlock, byte)),
        }
    }
}

/// Whether an error means that the file system cannot lock.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS | libc::ENOLCK | libc::EOPNOTSUPP))
}

fn missing(error: Errno) -> Error {
    Error::new(ErrorKind::Unsupported, Error::from(error))
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
struct Held {
    directory: Arc<File>,
    place: Place,
    byte: u64,
    /// The file in which the byte is locked; `None` if it is locked in memory alone.
    file: Option<Place>,
    means: Means,
    origin: Origin,
}

impl Lock for Held {
    fn means(&self) -> Means {
        self.means
    }

    fn check(&self) -> Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let lost = || Error::new(ErrorKind::NotFound, format!("{LOCK_FILE} was removed or replaced"));
        let table = table();
        let file = table.places.get(&self.place).and_then(|directory| directory.file.as_ref()).ok_or_else(lost)?;
        if self.file != Some(file.place) || place_of_file(&self.directory) != self.file {
            return Err(lost());
        }
        file.lock_by(self.means, self.byte)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.origin.is_here() {
            return;
        }
        let mut table = table();
        let Some(directory) = table.places.get_mut(&self.place) else { return };
        directory.held.remove(&self.byte);
        match &directory.file {
            // Closing the file would not suffice: a child that another thread is just forking has
            // a copy of it.
            Some(file) if self.file == Some(file.place) => file.unlock(self.byte),
            _ => {}
        }
        if !directory.held.values().any(|&in_file| in_file) {
            if let Some(file) = directory.file.take().filter(|file| file.means == Means::WholeFile) {
                let _ = fs::flock(&file.handle, FlockOperation::Unlock);
            }
        }
        if directory.held.is_empty() {
            table.places.remove(&self.place);
        }
        drop(table);
        FREED.notify_all();
    }
}

/// Notes a file that is locked by `flock`, of which a forked child is to let go.
pub(super) fn keep_from_children(file: RawFd) {
    table().descriptors.push(file);
}

/// Forgets a file that is unlocked.
pub(super) fn forget(file: RawFd) {
    let mut table = table();
    if let Some(at) = table.descriptors.iter().position(|&kept| kept == file) {
        table.descriptors.swap_remove(at);
    }
}

thread_local! {
    /// The table, while this thread forks: no other thread may be in the midst of changing it.
    static FORKING: Cell<Option<MutexGuard<'static, Table>>> = const { Cell::new(None) };
}

extern "C" fn before_fork() {
    let table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = FORKING.try_with(|forking| forking.set(Some(table)));
}

/// Lets go of everything that the parent has locked. Only closes files: it must not allocate.
extern "C" fn let_go_in_child() {
    let _ = FORKING.try_with(|forking| {
        let Some(mut table) = forking.take() else { return };
        table.places.values_mut().for_each(|directory| drop(directory.file.take()));
        if table.descriptors.is_empty() {
            return;
        }
        if let Ok(nothing) = fs::open(c"/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
            table.descriptors.iter().for_each(|&inherited| replace(inherited, nothing.as_fd()));
        }
        // By the next fork the numbers may be those of other files. This frees no memory.
        table.descriptors.clear();
    });
}

extern "C" fn after_fork() {
    let _ = FORKING.try_with(|forking| drop(forking.take()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_tries_does_not_look_for_the_holder() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Arc::new(File::open(scratch.path()).unwrap());
        // A second open file is as another process.
        let mut other = LockFile::open(&directory).unwrap();
        other.lock(What::Manager.byte()).unwrap();
        let refused = |limit| {
            let error = lock(&directory, What::Manager, true, limit).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            error.get_ref().map(|text| text.to_string())
        };
        assert_eq!(refused(None), None);
        let found = refused(Some(Duration::ZERO)).unwrap();
        assert!(found.contains("process"), "{found}");
        drop(other);
        drop(lock(&directory, What::Manager, true, None).unwrap());
    }
}
