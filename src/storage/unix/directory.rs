//! An open directory.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::super::interface::{Directory, Draft, Lock, Source, What};
use super::super::Location;
use super::draft::LocalDraft;
use super::lock::lock;
use super::source::LocalSource;

#[derive(Debug)]
pub(super) struct LocalDirectory {
    handle: Arc<File>,
    at: Location,
}

impl LocalDirectory {
    pub fn new(handle: OwnedFd, at: Location) -> LocalDirectory {
        LocalDirectory { handle: Arc::new(handle.into()), at }
    }
}

impl Directory for LocalDirectory {
    fn location(&self) -> &Location {
        &self.at
    }

    fn draft(&self, name: &OsStr) -> Result<Arc<dyn Draft>> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDWR;
        // The umask clears the permissions that the user does not want.
        let file = fs::openat(&*self.handle, name, flags, Mode::from_raw_mode(0o666))?;
        Ok(Arc::new(LocalDraft::new(file.into(), self.at.join(name).into_path())))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> Result<()> {
        Ok(fs::renameat(&*self.handle, from, &*self.handle, to)?)
    }

    fn adopt(&self, from: &Location, to: &OsStr) -> Result<()> {
        linked(fs::linkat(fs::CWD, &**from, &*self.handle, to, AtFlags::SYMLINK_FOLLOW))
    }

    fn alias(&self, from: &OsStr, to: &OsStr) -> Result<()> {
        linked(fs::linkat(&*self.handle, from, &*self.handle, to, AtFlags::empty()))
    }

    fn open(&self, name: &OsStr) -> Result<Box<dyn Source>> {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(Box::new(LocalSource::new(fs::openat(&*self.handle, name, flags, Mode::empty())?.into())))
    }

    fn sync_file(&self, name: &OsStr) -> Result<()> {
        let file = fs::openat(&*self.handle, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        File::from(file).sync_data()
    }

    fn remove(&self, name: &OsStr) -> Result<()> {
        Ok(fs::unlinkat(&*self.handle, name, AtFlags::empty())?)
    }

    fn list(&self) -> Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&*self.handle)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    fn is_file(&self, name: &OsStr) -> bool {
        let status = fs::statat(&*self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
        status.is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile)
    }

    fn sync(&self) -> Result<()> {
        self.handle.sync_all().map_err(|e| if cannot_sync(&e) { Error::new(ErrorKind::Unsupported, e) } else { e })
    }

    fn space(&self) -> Option<u64> {
        fs::fstatvfs(&*self.handle).ok().map(|s| s.f_bavail.saturating_mul(s.f_frsize))
    }

    fn open_to_lock(&self, name: &OsStr) -> Result<Box<dyn Source>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match fs::openat(&*self.handle, name, flags, Mode::empty()) {
            Ok(file) => Ok(Box::new(LocalSource::new(file.into()))),
            // A file that may not be written can be locked by those who may read it, except on
            // network file systems, which say so then.
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => self.open(name),
            Err(e) => Err(e.into()),
        }
    }

    fn lock(&self, what: What, in_file: bool, limit: Duration) -> Result<Box<dyn Lock>> {
        lock(&self.handle, what, in_file, limit)
    }
}

/// Whether an error means that the file system cannot sync directories.
pub(super) fn cannot_sync(error: &Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP | libc::ENOSYS))
}

/// Converts the result of a link call: errors that mean that the file system cannot link get their
/// own kinds.
fn linked(outcome: rustix::io::Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(Errno::XDEV) => Err(ErrorKind::CrossesDevices.into()),
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK | Errno::NAMETOOLONG) => {
            Err(ErrorKind::Unsupported.into())
        }
        Err(e) => Err(e.into()),
    }
}
