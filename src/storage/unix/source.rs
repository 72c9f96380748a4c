//! A file that is read.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};

use parking_lot::Mutex;
use rustix::buffer::spare_capacity;
use rustix::fs::{fcntl_getfl, flock, FlockOperation, OFlags};
use rustix::io::Errno;

use super::super::interface::{FileKind, Hold, Source, Status, Version};
use super::super::Map;
use super::fork::Origin;
use super::lock::{forget, is_missing, keep_from_children};

#[derive(Debug)]
pub(super) struct LocalSource {
    file: File,
    /// The process that has locked the file; `None` if it is not locked.
    locked: Mutex<Option<Origin>>,
}

impl LocalSource {
    pub fn new(file: File) -> LocalSource {
        LocalSource { file, locked: Mutex::new(None) }
    }

    fn unlock_of(&self, locked: Option<Origin>) {
        // A forked child has no lock, and must not release its parent's.
        if locked.is_some_and(Origin::is_here) {
            forget(self.file.as_raw_fd());
            let _ = flock(&self.file, FlockOperation::Unlock); // dropping the handle does the rest
        }
    }

    fn is_writable(&self) -> bool {
        fcntl_getfl(&self.file).is_ok_and(|flags| flags.contains(OFlags::RDWR))
    }
}

impl Drop for LocalSource {
    fn drop(&mut self) {
        let locked = self.locked.get_mut().take();
        self.unlock_of(locked);
    }
}

impl Source for LocalSource {
    fn status(&self) -> Result<Status> {
        self.file.metadata().map(|metadata| status_of(&metadata))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(into, offset)
    }

    fn append_at(&self, offset: u64, into: &mut Vec<u8>) -> Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::pread(&self.file, spare_capacity(into), offset))?)
    }

    fn map(&self, offset: u64, size: usize) -> Result<Map> {
        Map::new(&self.file, offset, size)
    }

    fn try_lock(&self, hold: Hold) -> Result<bool> {
        let operation = match hold {
            Hold::Alone => FlockOperation::NonBlockingLockExclusive,
            Hold::Shared => FlockOperation::NonBlockingLockShared,
        };
        match rustix::io::retry_on_intr(|| flock(&self.file, operation)) {
            Ok(()) => {
                keep_from_children(self.file.as_raw_fd());
                *self.locked.lock() = Some(Origin::here());
                Ok(true)
            }
            Err(Errno::WOULDBLOCK) => Ok(false),
            // A network file system locks only what is open for writing. Who may write the file may
            // have locked it, so that only of such a file it is known that nobody can.
            Err(Errno::BADF) if self.is_writable() => Err(Error::new(ErrorKind::Unsupported, Error::from(Errno::BADF))),
            Err(e) if is_missing(&e.into()) => Err(Error::new(ErrorKind::Unsupported, Error::from(e))),
            Err(e) => Err(e.into()),
        }
    }

    fn unlock(&self) {
        let locked = self.locked.lock().take();
        self.unlock_of(locked);
    }
}

pub(super) fn status_of(metadata: &Metadata) -> Status {
    let kind = match metadata.file_type() {
        kind if kind.is_file() => FileKind::File,
        kind if kind.is_dir() => FileKind::Directory,
        _ => FileKind::Other,
    };
    let version = Version {
        place: (metadata.dev(), metadata.ino()),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    };
    let changed = metadata.ctime() as f64 + metadata.ctime_nsec() as f64 / 1e9;
    Status { kind, version, changed }
}
