//! A file that is read.

use std::fs::{File, Metadata, TryLockError};
use std::io::Result;
use std::os::unix::fs::{FileExt, MetadataExt};

use rustix::buffer::spare_capacity;

use super::super::interface::{FileKind, Hold, Source, Status, Version};
use super::super::Map;

#[derive(Debug)]
pub(super) struct LocalSource(pub File);

impl Source for LocalSource {
    fn status(&self) -> Result<Status> {
        self.0.metadata().map(|metadata| status_of(&metadata))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.0.read_exact_at(into, offset)
    }

    fn append_at(&self, offset: u64, into: &mut Vec<u8>) -> Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::pread(&self.0, spare_capacity(into), offset))?)
    }

    fn map(&self, offset: u64, size: usize) -> Result<Map> {
        Map::new(&self.0, offset, size)
    }

    fn try_lock(&self, hold: Hold) -> Result<bool> {
        let tried = match hold {
            Hold::Alone => self.0.try_lock(),
            Hold::Shared => self.0.try_lock_shared(),
        };
        match tried {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn unlock(&self) {
        let _ = self.0.unlock(); // dropping the handle does the rest
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
    Status { kind, version }
}
