//! A regular file opened for reading: a source, and errors that say what is wrong with the file.

use std::fmt::Debug;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::pool::{self, Slot};
use super::{FileKind, Hold, Location, Map, Source, Status, Version};
use crate::error::{Code, Error, Reason, Result};

/// A regular file, with its path and what it was at the time it was opened.
#[derive(Debug)]
pub(crate) struct File {
    source: Held,
    path: Location,
    version: Version,
    /// The total number of bytes requested from [`File::read_at`].
    #[cfg(test)]
    pub read: std::sync::atomic::AtomicU64,
    /// The number of calls of [`File::read_at`].
    #[cfg(test)]
    pub reads: std::sync::atomic::AtomicU64,
}

/// How a file holds its source.
#[derive(Debug)]
enum Held {
    /// For as long as the file exists.
    Always(Box<dyn Source>),
    /// While the process has room for it. It is opened again when needed.
    Pooled { slot: Arc<Slot>, sign: Option<Arc<dyn Sign>> },
}

/// Tells whether a file that was opened just now, perhaps not for the first time, is the one that
/// its path was expected to lead to.
pub(crate) trait Sign: Send + Sync + Debug {
    fn check(&self) -> Result<()>;
}

impl File {
    /// Opens the file at `at`, following symbolic links, if it is a regular file. A FIFO or device
    /// is not opened: opening it could block or have side effects.
    pub fn open(at: &Location) -> Result<File> {
        File::of(open(at)?, at)
    }

    /// Opens the file at `at` like [`File::open`], but keeps it open only while the process has
    /// room for it, and opens it again when needed. Each time, the file must be `expected`, or what
    /// it was the first time, and `sign` must agree. Such a file cannot be locked.
    ///
    /// # Errors
    /// * `DATA_LOSS` (`Replaced`): another file has taken its place, or it was modified.
    /// * Those of [`File::open`] and of `sign`.
    pub fn pooled(at: &Location, expected: Option<Version>, sign: Option<Arc<dyn Sign>>) -> Result<File> {
        pool::make_room();
        let opened = Arc::from(open(at)?);
        let status = inspect(&*opened, at)?;
        same(expected, status.version, at)?;
        if let Some(sign) = &sign {
            sign.check()?;
        }
        let slot = Arc::<Slot>::default();
        slot.keep(opened);
        Ok(File::holding(Held::Pooled { slot, sign }, at, status.version))
    }

    /// Closes the file if it is pooled. It is opened again when needed.
    pub fn close(&self) {
        if let Held::Pooled { slot, .. } = &self.source {
            slot.close();
        }
    }

    /// Passes the source to `see`, after opening it again if necessary.
    #[inline(always)] // on the path of every small tensor
    fn with<R>(&self, see: impl FnOnce(&dyn Source) -> R) -> Result<R> {
        match &self.source {
            Held::Always(source) => Ok(see(&**source)),
            Held::Pooled { slot, sign } => match slot.source() {
                Some(source) => Ok(see(&*source)),
                None => self.reopened(slot, sign.as_deref()).map(|source| see(&*source)),
            },
        }
    }

    #[cold]
    fn reopened(&self, slot: &Arc<Slot>, sign: Option<&dyn Sign>) -> Result<Arc<dyn Source>> {
        pool::make_room();
        let opened: Arc<dyn Source> = Arc::from(open(&self.path)?);
        same(Some(self.version), inspect(&*opened, &self.path)?.version, &self.path)?;
        sign.map_or(Ok(()), |sign| sign.check())?;
        slot.keep(opened.clone());
        Ok(opened)
    }

    /// Wraps an open source, if it is a regular file. `path` is for messages.
    pub fn of(source: Box<dyn Source>, path: &Location) -> Result<File> {
        let status = inspect(&*source, path)?;
        Ok(File::holding(Held::Always(source), path, status.version))
    }

    fn holding(source: Held, path: &Location, version: Version) -> File {
        File {
            source,
            path: path.clone(),
            version,
            #[cfg(test)]
            read: Default::default(),
            #[cfg(test)]
            reads: Default::default(),
        }
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
    #[inline(always)] // on the path of every small tensor
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        #[cfg(test)]
        self.read.fetch_add(buffer.len() as u64, std::sync::atomic::Ordering::Relaxed);
        #[cfg(test)]
        self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.with(|source| source.read_at(offset, buffer))?.map_err(|e| match e.kind() {
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
            match self.with(|source| source.append_at(at, &mut bytes))? {
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
        self.with(|source| {
            let now = source.status().map_err(|e| Error::io("inspect the file", &self.path, &e))?;
            self.within(now.version.length(), offset, size as u64)?;
            source.map(offset, size).map_err(|e| Error::io("map the file", &self.path, &e))
        })?
    }

    /// Tries to lock the file. Returns whether it is locked now, until [`File::unlock`].
    pub fn try_lock(&self, hold: Hold) -> Result<bool> {
        debug_assert!(matches!(self.source, Held::Always(_)));
        self.with(|source| source.try_lock(hold))?.map_err(|e| Error::io("lock the file", &self.path, &e))
    }

    pub fn unlock(&self) {
        if let Held::Always(source) = &self.source {
            source.unlock();
        }
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
        let now = match self.with(|source| source.status()) {
            Ok(Ok(now)) => now.version.length(),
            _ => self.len(),
        };
        Error::new(Code::DataLoss, Reason::Truncated, "the file is too short")
            .expecting(format_args!("at least {end} bytes"), format_args!("{now} bytes"))
            .in_file(&self.path)
    }
}

/// Opens the regular file at `at`.
fn open(at: &Location) -> Result<Box<dyn Source>> {
    let io = |e: std::io::Error| Error::io("open the file", at, &e);
    let storage = at.storage()?;
    plain(&storage.status(at).map_err(io)?, at)?;
    pool::opened(|| storage.open(at)).map_err(io)
}

/// Returns what is open, if it is a regular file.
fn inspect(source: &dyn Source, path: &Path) -> Result<Status> {
    let status = source.status().map_err(|e| Error::io("inspect the file", path, &e))?;
    plain(&status, path)?;
    Ok(status)
}

/// Fails unless a file that was opened just now is the one that is expected.
fn same(expected: Option<Version>, opened: Version, path: &Path) -> Result<()> {
    if expected.is_none_or(|expected| expected == opened) {
        return Ok(());
    }
    let what = "the file was replaced or modified since the checkpoint was opened; open the checkpoint again";
    Err(Error::new(Code::DataLoss, Reason::Replaced, what).in_file(path))
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
