//! A regular file opened for reading.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use crate::error::{Code, Error, Reason, Result};

/// A regular file, with its path and its length at the time it was opened.
#[derive(Debug)]
pub(crate) struct File {
    file: fs::File,
    path: PathBuf,
    len: u64,
    identity: Identity,
    /// The total number of bytes requested from [`File::read_at`].
    #[cfg(test)]
    pub read: std::sync::atomic::AtomicU64,
}

/// Identifies a file among those that have had the same path, as far as the file system can: by
/// device, inode, length and time of the last modification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    len: u64,
    /// The modification time in seconds and nanoseconds.
    changed: (i64, i64),
}

impl File {
    /// Opens `path`, following symbolic links, if it is a regular file. A FIFO or device is not
    /// opened: opening it could block or have side effects.
    pub fn open(path: &Path) -> Result<File> {
        let io = |e: std::io::Error| Error::io("open the file", path, &e);
        plain(&fs::metadata(path).map_err(io)?, path)?;
        // Without O_NONBLOCK, opening would wait for a writer if the file had meanwhile become a
        // FIFO.
        let file = fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).map_err(io)?;
        File::of(file, path)
    }

    /// Wraps the open `file`, if it is a regular file. `path` is for messages.
    pub fn of(file: fs::File, path: &Path) -> Result<File> {
        let metadata = file.metadata().map_err(|e| Error::io("inspect the file", path, &e))?;
        plain(&metadata, path)?;
        let identity = Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        };
        Ok(File {
            file,
            path: path.to_owned(),
            len: metadata.len(),
            identity,
            #[cfg(test)]
            read: Default::default(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn identity(&self) -> Identity {
        self.identity
    }

    pub fn as_file(&self) -> &fs::File {
        &self.file
    }

    /// Fills `buffer` with the bytes from `offset` on.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        #[cfg(test)]
        self.read.fetch_add(buffer.len() as u64, std::sync::atomic::Ordering::Relaxed);
        self.file.read_exact_at(buffer, offset).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => self.too_short(offset.saturating_add(buffer.len() as u64)),
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
            match rustix::io::pread(&self.file, spare_capacity(&mut bytes), at) {
                Ok(0) => return Err(self.too_short(offset.saturating_add(len))),
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return Err(Error::io("read the file", &self.path, &e.into())),
            }
        }
        // An allocator may return more memory than requested.
        bytes.truncate(wanted);
        Ok(bytes)
    }

    /// Checks that `size` bytes from `offset` on lie within the length of the file when it was
    /// opened.
    pub fn check_range(&self, offset: u64, size: u64) -> Result<()> {
        self.within(self.len, offset, size)
    }

    /// Checks that `size` bytes from `offset` on lie within the current length of the file.
    pub fn check_range_now(&self, offset: u64, size: u64) -> Result<()> {
        let metadata = self.file.metadata().map_err(|e| Error::io("inspect the file", &self.path, &e))?;
        self.within(metadata.len(), offset, size)
    }

    fn within(&self, len: u64, offset: u64, size: u64) -> Result<()> {
        match offset.checked_add(size) {
            Some(end) if end <= len => Ok(()),
            end => Err(self.too_short(end.unwrap_or(u64::MAX))),
        }
    }

    fn too_short(&self, end: u64) -> Error {
        let now = self.file.metadata().map_or(self.len, |m| m.len());
        Error::new(Code::DataLoss, Reason::Truncated, "the file is too short")
            .expecting(format_args!("at least {end} bytes"), format_args!("{now} bytes"))
            .in_file(&self.path)
    }
}

fn plain(metadata: &fs::Metadata, path: &Path) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() { "a directory" } else { "a FIFO, socket or device" };
    Err(Error::new(Code::FailedPrecondition, Reason::NotAFile, "the path does not name a file")
        .expecting("a regular file", found)
        .in_file(path))
}
