//! A file that is written.

use std::fs::File;
use std::io::{ErrorKind, IoSlice, Result};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::io::Errno;

use super::super::interface::{Draft, Source, DIRECT_ALIGNMENT};
use super::source::LocalSource;

#[derive(Debug)]
pub(super) struct LocalDraft {
    file: File,
    /// A second handle of the same file that bypasses the page cache; `None` if that is not
    /// supported. Unset before [`Draft::go_direct`].
    direct: OnceLock<Option<OwnedFd>>,
    path: PathBuf,
}

impl LocalDraft {
    pub fn new(file: File, path: PathBuf) -> LocalDraft {
        LocalDraft { file, direct: OnceLock::new(), path }
    }
}

impl Draft for LocalDraft {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_at(&self, mut offset: u64, parts: &[IoSlice<'_>]) -> Result<()> {
        check_limit(parts.iter().fold(offset, |end, part| end.saturating_add(part.len() as u64)))?;
        let mut copied = Vec::new();
        copied.try_reserve_exact(parts.len()).map_err(|_| Errno::NOMEM)?;
        copied.extend_from_slice(parts);
        let mut parts = &mut copied[..];
        // Drops empty parts at the front: they would look like a write of zero bytes.
        IoSlice::advance_slices(&mut parts, 0);
        if let ([only], Some(direct)) = (&*parts, self.direct.get().and_then(Option::as_ref)) {
            let aligned =
                [only.len(), only.as_ptr() as usize, offset as usize].iter().all(|n| n.is_multiple_of(DIRECT_ALIGNMENT));
            if aligned && only.len() >= DIRECT_LEAST {
                match rustix::io::retry_on_intr(|| rustix::io::pwrite(direct, only, offset)) {
                    Ok(written) => {
                        // After a short write the rest may be unaligned and goes through the page
                        // cache.
                        offset += written as u64;
                        IoSlice::advance_slices(&mut parts, written);
                    }
                    Err(Errno::INVAL) => {} // other requirements of this file system: use the cache
                    Err(e) => return Err(e.into()),
                }
            }
        }
        while !parts.is_empty() {
            let most = parts.len().min(MOST_PARTS);
            let written = match rustix::io::pwritev(&self.file, &parts[..most], offset) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(Errno::INTR) => continue,
                Err(e) => return Err(e.into()),
            };
            offset += written as u64;
            IoSlice::advance_slices(&mut parts, written);
        }
        Ok(())
    }

    fn reserve(&self, length: u64) -> Result<()> {
        check_limit(length)?;
        if length > 0 && allocated(&self.file, length)? {
            return Ok(());
        }
        self.file.set_len(length) // the file system cannot reserve space: a sparse file has to do
    }

    fn go_direct(&self) -> bool {
        self.direct.get_or_init(|| opened_direct(&self.file)).is_some()
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data()
    }

    fn read_back(&self) -> Result<Box<dyn Source>> {
        // Only pages that were written can leave the cache.
        self.file.sync_data()?;
        forget(&self.file);
        Ok(Box::new(LocalSource::new(self.file.try_clone()?)))
    }
}

/// Minimum size in bytes of a direct write: smaller ones gain nothing by bypassing the page cache.
const DIRECT_LEAST: usize = 256 << 10;

/// Maximum number of parts of one write: `IOV_MAX` of Linux.
const MOST_PARTS: usize = 1024;

/// Fails if a file of this length is longer than the process may write (`ulimit -f`): the signal
/// that the system would send with the error ends a program that does not expect it.
fn check_limit(length: u64) -> Result<()> {
    match rustix::process::getrlimit(rustix::process::Resource::Fsize).current {
        Some(limit) if length > limit => Err(Errno::FBIG.into()),
        _ => Ok(()),
    }
}

/// Gives the file this length, all of it with space on the disk. Returns whether that can be had.
#[cfg(target_os = "linux")]
fn allocated(file: &File, length: u64) -> Result<bool> {
    use rustix::fs::{fallocate, FallocateFlags};
    match rustix::io::retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, length)) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocated(_file: &File, _length: u64) -> Result<bool> {
    Ok(false)
}

/// Drops the pages of a file from the page cache. A file system without a device keeps them.
#[cfg(target_os = "linux")]
fn forget(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn forget(_file: &File) {}

/// Opens the same file past the page cache, even if its name now belongs to another.
#[cfg(target_os = "linux")]
fn opened_direct(file: &File) -> Option<OwnedFd> {
    use rustix::fs::{open, Mode, OFlags};
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    open(path, OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC, Mode::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn opened_direct(_file: &File) -> Option<OwnedFd> {
    None
}
