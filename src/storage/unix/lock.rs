//! The locks of a directory: bytes of one empty file in it, and a table in memory that keeps the
//! threads of this process apart.
//!
//! A process has the file open once, however many bytes it holds: so a lock belongs to that one
//! open file, ends with the process, and a forked child, which closes it at once, cannot keep it.
//!
//! System calls may block, on a network file system for ever. So the table's mutex is held for
//! bookkeeping alone, and a thread that makes system calls marks the directory as busy meanwhile:
//! it keeps nobody waiting but who wants that directory.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::interface::{Lock, Means, Place, What, LOCK_FILE};
use super::fork::Origin;
use super::holder::holder_of;
use super::raw::{around_forks, change_byte, close_inherited, replace, Change};

/// The shortest and the longest pause between two attempts to take a lock that another process
/// holds.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// How long a lock is waited for, whatever the limit, that another thread only tried to take: it
/// looks for what crashes left, and holds the lock for a moment. So are system calls.
const MOMENT: Duration = Duration::from_secs(2);

/// How often the file is opened again because it was replaced just then.
const MOST_OPENINGS: usize = 8;

/// Takes a lock of an open directory, and waits for it at most `limit`, but for somebody who may
/// hold it for a moment alone, a moment at least; `None`: only tries to, and does not look for the
/// holder. If not `in_file`, other processes are not excluded.
pub(super) fn lock(directory: &Arc<File>, what: What, in_file: bool, limit: Option<Duration>) -> Result<Box<dyn Lock>> {
    let status = directory.metadata()?;
    let (place, byte) = ((status.dev(), status.ino()), what.byte());
    let start = Instant::now();
    let left = |least: Duration| match limit {
        Some(limit) => limit.max(least).saturating_sub(start.elapsed()),
        None => Duration::ZERO,
    };
    let mut pause = PAUSES[0];
    let busy_end = limit.and_then(|limit| start.checked_add(limit.max(MOMENT)));
    loop {
        match take(directory, place, byte, Hold { in_file, is_tried: limit.is_none() }, busy_end)? {
            Taken::Now(file, means) => {
                let directory = directory.clone();
                return Ok(Box::new(Held { directory, place, byte, file, means, origin: Origin::here() }));
            }
            _ if limit.is_none() => return Err(ErrorKind::WouldBlock.into()),
            Taken::ByThread(table, least) => match left(least) {
                Duration::ZERO => return Err(Error::new(ErrorKind::WouldBlock, "this program itself")),
                left => drop(wait(table, Some(left.min(PAUSES[1])))),
            },
            Taken::ByProcess => match left(PAUSES[1]) {
                Duration::ZERO => {
                    let holder = holder_of(directory, byte).unwrap_or_else(|| "another process".to_owned());
                    return Err(Error::new(ErrorKind::WouldBlock, holder));
                }
                left => {
                    std::thread::sleep(pause.min(left));
                    pause = PAUSES[1].min(pause * 2);
                }
            },
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
    /// How often this process has forked.
    forks: u64,
}

static TABLE: Mutex<Table> = Mutex::new(Table { origin: None, places: BTreeMap::new(), descriptors: Vec::new(), forks: 0 });

/// Notified when a byte is released, and when a directory is no longer busy.
static FREED: Condvar = Condvar::new();

type Guard = MutexGuard<'static, Table>;

/// The table of this process.
fn table() -> Guard {
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

/// Waits until something is freed, or until the limit.
fn wait(table: Guard, limit: Option<Duration>) -> Guard {
    match limit {
        None => FREED.wait(table).unwrap_or_else(PoisonError::into_inner),
        Some(limit) => FREED.wait_timeout(table, limit).map_or_else(|e| e.into_inner().0, |(table, _)| table),
    }
}

/// What this process has locked in one directory.
#[derive(Default)]
struct Directory {
    /// The file of locks. Threads that make system calls share it, but no byte of it is locked
    /// unless it is here, where a forked child finds it.
    file: Option<Arc<LockFile>>,
    /// The bytes that are held.
    held: BTreeMap<u64, Hold>,
    /// Whether a thread makes system calls for it.
    is_busy: bool,
}

impl Directory {
    fn holds_in_file(&self) -> bool {
        self.held.values().any(|hold| hold.in_file)
    }
}

/// How a byte is held.
#[derive(Clone, Copy)]
struct Hold {
    /// Whether it is locked in the file.
    in_file: bool,
    /// Whether the thread only tried to take it, so that it may hold it for a moment alone.
    is_tried: bool,
}

impl Hold {
    /// How long it is waited for at least.
    fn least_wait(&self) -> Duration {
        if self.is_tried {
            MOMENT
        } else {
            Duration::ZERO
        }
    }
}

struct LockFile {
    handle: OwnedFd,
    place: Place,
    /// The first means that the file system has. Only who has the directory changes it.
    means: Mutex<Means>,
}

/// The outcome of one attempt.
enum Taken {
    /// The lock is taken: in this file, by this means.
    Now(Option<Place>, Means),
    /// Another thread holds it, or has the directory. It is to be waited for so long at least.
    ByThread(Guard, Duration),
    ByProcess,
}

/// A directory for which this thread makes system calls. Nobody else does until it is dropped.
struct Busy {
    place: Place,
    /// The file of locks, as in the table.
    file: Option<Arc<LockFile>>,
}

impl Busy {
    /// Takes a directory that is not busy.
    fn begin(mut table: Guard, place: Place) -> Busy {
        let directory = table.places.entry(place).or_default();
        directory.is_busy = true;
        Busy { place, file: directory.file.clone() }
    }

    /// Waits until the directory is not busy, and takes it; `None` if nothing of it is held.
    fn wait_for(place: Place) -> Option<Busy> {
        let mut table = table();
        while table.places.get(&place)?.is_busy {
            table = wait(table, None);
        }
        Some(Busy::begin(table, place))
    }

    /// Changes the table.
    fn change<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> T {
        change(table().places.entry(self.place).or_default())
    }

    /// Locks a byte in the file that the directory has now.
    fn lock(&mut self, directory: &File, byte: u64) -> Result<Option<Arc<LockFile>>> {
        for _ in 0..MOST_OPENINGS {
            if self.file.as_ref().map(|file| file.place) != place_of_file(directory) {
                // Nobody holds anything in a file that has no name.
                let nameless = self.change(|directory| directory.file.take());
                self.file = None;
                drop(nameless);
            }
            let file = match &self.file {
                Some(file) => file.clone(),
                None => self.open(directory)?,
            };
            match file.lock(byte) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(e) => return Err(e),
            }
            if place_of_file(directory) == Some(file.place) {
                return Ok(Some(file));
            }
        }
        Err(Error::other(format!("{LOCK_FILE} is replaced again and again")))
    }

    /// Opens the file. A child that was forked meanwhile would share it, and with it what is locked
    /// in it later: then it is opened again.
    fn open(&mut self, directory: &File) -> Result<Arc<LockFile>> {
        loop {
            let forks = table().forks;
            let opened = Arc::new(LockFile::open(directory)?);
            let mut table = table();
            if table.forks == forks {
                table.places.entry(self.place).or_default().file = Some(opened.clone());
                self.file = Some(opened.clone());
                return Ok(opened);
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut table = table();
        let mut unused = None;
        if let Some(directory) = table.places.get_mut(&self.place) {
            directory.is_busy = false;
            if !directory.holds_in_file() {
                unused = directory.file.take();
            }
            if directory.held.is_empty() {
                table.places.remove(&self.place);
            }
        }
        drop(table);
        FREED.notify_all();
        drop(unused); // closes the file
    }
}

/// Tries to take a lock. Waits until `end` for other threads that make system calls for the
/// directory, without `end` as long as they do.
fn take(directory: &File, place: Place, byte: u64, hold: Hold, end: Option<Instant>) -> Result<Taken> {
    let mut table = table();
    loop {
        let entry = table.places.entry(place).or_default();
        if let Some(other) = entry.held.get(&byte) {
            let least = other.least_wait();
            return Ok(Taken::ByThread(table, least));
        }
        if !hold.in_file {
            entry.held.insert(byte, hold);
            return Ok(Taken::Now(None, Means::Memory));
        }
        if !entry.is_busy {
            break;
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Taken::ByThread(table, Duration::ZERO));
        }
        table = wait(table, left);
    }
    let mut busy = Busy::begin(table, place);
    let Some(file) = busy.lock(directory, byte)? else { return Ok(Taken::ByProcess) };
    // While the directory was busy, a thread may have taken the byte in memory alone.
    let is_taken = busy.change(|directory| {
        let is_free = !directory.held.contains_key(&byte);
        is_free.then(|| directory.held.insert(byte, hold)).is_some()
    });
    if is_taken {
        return Ok(Taken::Now(Some(file.place), file.means()));
    }
    file.unlock(byte);
    drop(busy);
    let table = self::table();
    let other = table.places.get(&place).and_then(|directory| directory.held.get(&byte));
    let least = other.map_or(Duration::ZERO, Hold::least_wait);
    Ok(Taken::ByThread(table, least))
}

/// The identity of the file of locks that the directory has now.
fn place_of_file(directory: &File) -> Option<Place> {
    #[cfg(test)]
    tests::stop_at(tests::Stop::Looking);
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
        #[cfg(test)]
        tests::stop_at(tests::Stop::Opened);
        let means = if cfg!(any(target_os = "linux", target_os = "android")) { Means::OpenFile } else { Means::Process };
        Ok(LockFile { handle, place: (status.st_dev as u64, status.st_ino as u64), means: Mutex::new(means) })
    }

    fn means(&self) -> Means {
        *self.means.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks a byte, by the first means that the file system has.
    fn lock(&self, byte: u64) -> Result<()> {
        loop {
            let means = self.means();
            let other = match self.lock_by(means, byte) {
                Err(e) if is_missing(&e) => match means {
                    Means::OpenFile => Means::Process,
                    Means::Process => Means::WholeFile,
                    _ => return Err(Error::new(ErrorKind::Unsupported, e)),
                },
                outcome => return outcome,
            };
            *self.means.lock().unwrap_or_else(PoisonError::into_inner) = other;
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

    /// Unlocks a byte. Of a file that is locked as a whole the last byte does, see
    /// [`LockFile::unlock_whole`].
    fn unlock(&self, byte: u64) {
        match self.means() {
            Means::WholeFile => {}
            means => drop(change_byte(self.handle.as_fd(), means, Change::Unlock, byte)),
        }
    }

    fn unlock_whole(&self) {
        if self.means() == Means::WholeFile {
            let _ = fs::flock(&self.handle, FlockOperation::Unlock);
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
        let busy = Busy::wait_for(self.place).ok_or_else(lost)?;
        let file = busy.file.as_ref().filter(|file| Some(file.place) == self.file).ok_or_else(lost)?;
        if place_of_file(&self.directory) != self.file {
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
        if self.file.is_none() {
            let mut table = table();
            if let Some(directory) = table.places.get_mut(&self.place) {
                directory.held.remove(&self.byte);
                if directory.held.is_empty() && !directory.is_busy {
                    table.places.remove(&self.place);
                }
            }
            drop(table);
            FREED.notify_all();
            return;
        }
        let Some(busy) = Busy::wait_for(self.place) else { return };
        // Closing the file would not suffice: a child that another thread is just forking has a
        // copy of it.
        let is_last = busy.change(|directory| directory.held.values().filter(|hold| hold.in_file).count() == 1);
        if let Some(file) = busy.file.as_ref().filter(|file| Some(file.place) == self.file) {
            file.unlock(self.byte);
            if is_last {
                file.unlock_whole();
            }
        }
        busy.change(|directory| directory.held.remove(&self.byte));
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
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    table.forks += 1;
    let _ = FORKING.try_with(|forking| forking.set(Some(table)));
}

/// Lets go of everything that the parent has locked. Only closes files: it must not allocate, or
/// free what an allocator may have locked.
extern "C" fn let_go_in_child() {
    let _ = FORKING.try_with(|forking| {
        let Some(mut table) = forking.take() else { return };
        for file in table.places.values_mut().filter_map(|directory| directory.file.take()) {
            close_inherited(file.handle.as_raw_fd());
            // Other threads of the parent may have shared it: nobody closes it a second time.
            std::mem::forget(file);
        }
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
#[path = "lock_tests.rs"]
mod tests;
