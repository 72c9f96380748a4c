//! An open directory.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
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
        each_name(&self.handle, &mut |name| {
            if name != b"." && name != b".." {
                names.try_reserve(1).map_err(|_| Errno::NOMEM)?;
                names.push(OsStr::from_bytes(name).to_owned());
            }
            Ok(())
        })?;
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
        let told = fs::fstatvfs(&*self.handle).ok()?;
        free_space(told.f_blocks, told.f_bfree, told.f_frsize)
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

    fn lock(&self, what: What, in_file: bool, limit: Option<Duration>) -> Result<Box<dyn Lock>> {
        lock(&self.handle, what, in_file, limit)
    }
}

/// Passes the name of each entry of a directory to `see`. The memory for the entries is on the
/// stack.
#[cfg(target_os = "linux")]
fn each_name(directory: &File, see: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    // Opened again: the entries are read from the first on, whoever else reads them.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut buffer = [const { MaybeUninit::uninit() }; 8 << 10];
    let mut entries = fs::RawDir::new(fs::openat(directory, ".", flags, Mode::empty())?, &mut buffer);
    while let Some(entry) = entries.next() {
        see(entry?.file_name().to_bytes())?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn each_name(directory: &File, see: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    fs::Dir::read_from(directory)?.try_for_each(|entry| see(entry?.file_name().to_bytes()))
}

/// Whether an error means that the file system cannot sync directories.
pub(super) fn cannot_sync(error: &Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP | libc::ENOSYS))
}

/// Returns the free space in bytes. A file system that says it has no blocks at all does not count
/// them.
fn free_space(blocks: u64, free: u64, size: u64) -> Option<u64> {
    (blocks > 0 && size > 0).then(|| free.saturating_mul(size))
}

/// Converts the result of a link call: errors by which file systems say that they cannot link, or
/// not this user, get their own kinds. What else is wrong, the caller meets again without a link.
fn linked(outcome: rustix::io::Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(Errno::XDEV) => Err(ErrorKind::CrossesDevices.into()),
        Err(Errno::PERM | Errno::ACCESS | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK | Errno::NAMETOOLONG) => {
            Err(ErrorKind::Unsupported.into())
        }
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_blocks_does_not_say_how_much_is_free() {
        for (blocks, free, size, space) in [
            (0, 0, 4096, None), // ramfs, FUSE without statfs
            (100, 0, 4096, Some(0)),
            (100, 10, 4096, Some(40960)),
            (100, 10, 0, None),
            (u64::MAX, u64::MAX, 4096, Some(u64::MAX)),
        ] {
            assert_eq!(free_space(blocks, free, size), space, "{free} of {blocks} blocks of {size} bytes");
        }
    }

    #[test]
    fn file_systems_say_in_many_ways_that_they_cannot_link() {
        for errno in [Errno::PERM, Errno::ACCESS, Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS, Errno::MLINK] {
            assert_eq!(linked(Err(errno)).unwrap_err().kind(), ErrorKind::Unsupported, "{errno}");
        }
        assert_eq!(linked(Err(Errno::XDEV)).unwrap_err().kind(), ErrorKind::CrossesDevices);
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::ROFS, Errno::EXIST, Errno::NOENT] {
            assert_eq!(linked(Err(errno)).unwrap_err().raw_os_error(), Some(errno.raw_os_error()));
        }
        linked(Ok(())).unwrap();
    }
}
