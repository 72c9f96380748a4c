//! A regular file opened for reading: a source, and errors that say what is wrong with the file.

use std::io::ErrorKind;
use std::path::Path;

use super::{FileKind, Hold, Location, Map, Source, Status, Version};
use crate::error::{Code, Error, Reason, Result};

/// A regular file, with its path and what it was at the time it was opened.
#[derive(Debug)]
pub(crate) struct File {
    source: Box<dyn Source>,
    path: Location,
    version: Version,
    /// The total number of bytes requested from [`File::read_at`].
    #[cfg(test)]
    pub read: std::sync::atomic::AtomicU64,
}

impl File {
    /// Opens the file at `at`, following symbolic links, if it is a regular file. A FIFO or device
    /// is not opened: opening it could block or have side effects.
    pub fn open(at: &Location) -> Result<File> {
        let io = |e: std::io::Error| Error::io("open the file", at, &e);
        let storage = at.storage()?;
        plain(&storage.status(at).map_err(io)?, at)?;
        File::of(storage.open(at).map_err(io)?, at)
    }

    /// Wraps an open source, if it is a regular file. `path` is for messages.
    pub fn of(source: Box<dyn Source>, path: &Location) -> Result<File> {
        let status = source.status().map_err(|e| Error::io("inspect the file", path, &e))?;
        plain(&status, path)?;
        Ok(File {
            source,
            path: path.clone(),
            version: status.version,
            #[cfg(test)]
            read: Default::default(),
        })
    }

    pub fn path(&self) -> &Location {
        &self.path
    }

    pub fn len(&self) -> u64 {
        self.version.length()
    }

    /// Returns what identified the file when it was opened.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Fills `buffer` with the bytes from `offset` on.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        #[cfg(test)]
        self.read.fetch_add(buffer.len() as u64, std::sync::atomic::Ordering::Relaxed);
        self.source.read_at(offset, buffer).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => self.too_short(offset.saturating_add(buffer.len() as u64)),
            _ => Error::io("read the file", &self.path, &e),
        })
    }

    /// Reads `len` bytes from `offset` on into new memory, without clearing it first.
    pub fn read_new(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        let (mut bytes, no_memory) = (Vec::new(), || Error::out_of_memory(len));
        let wanted = usize::try_from(len).map_err(|_| no_memory())?;
        bytes.try_reserve_exact(wanted).map_err(|_| no_memory())?;
        while bytes.len() < wanted {
            let at = offset.saturating_add(bytes.len() as u64);
            match self.source.append_at(at, &mut bytes) {
                Ok(0) => return Err(self.too_short(offset.saturating_add(len))),
                Ok(_) => {}
                Err(e) => return Err(Error::io("read the file", &self.path, &e)),
            }
        }
        // An allocator may return more memory than requested.
        bytes.truncate(wanted);
        Ok(bytes)
    }

    /// Maps `size` bytes from `offset` on, which must lie within the current length of the file.
    pub fn map(&self, offset: u64, size: usize) -> Result<Map> {
        let now = self.source.status().map_err(|e| Error::io("inspect the file", &self.path, &e))?;
        self.within(now.version.length(), offset, size as u64)?;
        self.source.map(offset, size).map_err(|e| Error::io("map the file", &self.path, &e))
    }

    /// Tries to lock the file. Returns whether it is locked now, until [`File::unlock`].
    pub fn try_lock(&self, hold: Hold) -> Result<bool> {
        self.source.try_lock(hold).map_err(|e| Error::io("lock the file", &self.path, &e))
    }

    pub fn unlock(&self) {
        self.source.unlock();
    }

    /// Checks that `size` bytes from `offset` on lie within the length of the file when it was
    /// opened.
    pub fn check_range(&self, offset: u64, size: u64) -> Result<()> {
        self.within(self.len(), offset, size)
    }

    fn within(&self, len: u64, offset: u64, size: u64) -> Result<()> {
        match offset.checked_add(size) {
            Some(end) if end <= len => Ok(()),
            end => Err(self.too_short(end.unwrap_or(u64::MAX))),
        }
    }

    fn too_short(&self, end: u64) -> Error {
        let now = self.source.status().map_or(self.len(), |now| now.version.length());
        Error::new(Code::DataLoss, Reason::Truncated, "the file is too short")
            .expecting(format_args!("at least {end} bytes"), format_args!("{now} bytes"))
            .in_file(&self.path)
    }
}

fn plain(status: &Status, path: &Path) -> Result<()> {
    let found = match status.kind {
        FileKind::File => return Ok(()),
        FileKind::Directory => "a directory",
        FileKind::Other => "a FIFO, socket or device",
    };
    Err(Error::new(Code::FailedPrecondition, Reason::NotAFile, "the path does not name a file")
        .expecting("a regular file", found)
        .in_file(path))
}
