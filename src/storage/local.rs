//! The local file system, for writing.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock, Weak};

use parking_lot::Mutex;
use rustix::fs::{self, AtFlags, FallocateFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::directory::{Directory, Output, Storage, DIRECT_ALIGNMENT};
use super::holder::holder_of;

/// The file system of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local;

impl Storage for Local {
    fn directory(&self, path: &Path, create: bool) -> Result<Arc<dyn Directory>> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        if create {
            make_directory(path)?;
        }
        let handle = fs::open(path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Arc::new(LocalDirectory { handle: Arc::new(handle), path: path.to_owned() }))
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        std::fs::remove_dir(path)
    }
}

/// Creates `path` and its parents. Syncs the parent of each directory that it creates: otherwise a
/// power cut could remove the directory with everything that was synced in it.
fn make_directory(path: &Path) -> Result<()> {
    let path = path.components().as_path(); // without a trailing dot, which cannot be created
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_directory(parent)?;
    match std::fs::create_dir(path) {
        // If the name exists, another process created it just now and may not have synced it; or it
        // is not a directory, and opening it will fail.
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        _ => File::open(parent)?.sync_all(),
    }
}

#[derive(Debug)]
struct LocalDirectory {
    handle: Arc<OwnedFd>,
    path: PathBuf,
}

impl Directory for LocalDirectory {
    fn path(&self) -> &Path {
        &self.path
    }

    fn create(&self, name: &OsStr) -> Result<Arc<dyn Output>> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDWR;
        // The umask clears the permissions that the user does not want.
        let file = fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o666))?;
        Ok(Arc::new(LocalOutput { file: file.into(), direct: OnceLock::new(), path: self.path.join(name) }))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> Result<()> {
        Ok(fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    fn link(&self, from: &Path, to: &OsStr) -> Result<()> {
        linked(fs::linkat(fs::CWD, from, &self.handle, to, AtFlags::SYMLINK_FOLLOW))
    }

    fn alias(&self, from: &OsStr, to: &OsStr) -> Result<()> {
        linked(fs::linkat(&self.handle, from, &self.handle, to, AtFlags::empty()))
    }

    fn open(&self, name: &OsStr) -> Result<File> {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(fs::openat(&self.handle, name, flags, Mode::empty())?.into())
    }

    fn sync_file(&self, name: &OsStr) -> Result<()> {
        let file = fs::openat(&self.handle, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        Ok(fs::fdatasync(&file)?)
    }

    fn remove(&self, name: &OsStr) -> Result<()> {
        Ok(fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    fn list(&self) -> Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.handle)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    fn is_file(&self, name: &OsStr) -> bool {
        let status = fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
        status.is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile)
    }

    fn sync(&self) -> Result<()> {
        Ok(fs::fsync(&self.handle)?)
    }

    fn space(&self) -> Option<u64> {
        fs::fstatvfs(&self.handle).ok().map(|s| s.f_bavail.saturating_mul(s.f_frsize))
    }

    fn lock(&self) -> Result<Arc<dyn Send + Sync>> {
        let status = fs::fstat(&self.handle)?;
        let mut held = HELD.lock();
        held.retain(|_, lock| lock.strong_count() > 0);
        let place = (status.st_dev, status.st_ino);
        if let Some(lock) = held.get(&place).and_then(Weak::upgrade) {
            return Ok(lock);
        }
        // A separate handle: the lock belongs to the handle and is released when it is closed.
        let handle = fs::openat(&self.handle, ".", OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        match fs::flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let holder = holder_of(place.0, place.1).unwrap_or_else(|| "another process".to_owned());
                return Err(Error::new(ErrorKind::WouldBlock, holder));
            }
            Err(e) => return Err(e.into()),
        }
        let lock = Arc::new(Lock { handle });
        held.insert(place, Arc::downgrade(&lock));
        Ok(lock)
    }
}

/// Converts the result of a link call: errors that mean that the file system cannot link get their
/// own kinds.
fn linked(outcome: rustix::io::Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(Errno::XDEV) => Err(ErrorKind::CrossesDevices.into()),
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => Err(ErrorKind::Unsupported.into()),
        Err(e) => Err(e.into()),
    }
}

/// The locks that this process holds, by device and inode. They are shared within the process.
static HELD: LazyLock<Mutex<Held>> = LazyLock::new(Mutex::default);

type Held = HashMap<(u64, u64), Weak<Lock>>;

struct Lock {
    handle: OwnedFd,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the handle is not enough: a child process that another thread is just forking has
        // a copy of the handle until it calls exec.
        let _ = fs::flock(&self.handle, FlockOperation::Unlock);
    }
}

#[derive(Debug)]
struct LocalOutput {
    file: File,
    /// A second handle of the same file that bypasses the page cache; `None` if that is not
    /// supported. Unset before [`Output::go_direct`].
    direct: OnceLock<Option<OwnedFd>>,
    path: PathBuf,
}

impl Output for LocalOutput {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_at(&self, mut offset: u64, parts: &[IoSlice<'_>]) -> Result<()> {
        let mut parts = parts.to_vec();
        let mut parts = &mut parts[..];
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
        if length > 0 {
            match rustix::io::retry_on_intr(|| fs::fallocate(&self.file, FallocateFlags::empty(), 0, length)) {
                Ok(()) => return Ok(()),
                // The file system cannot reserve space: a sparse file has to do.
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.file.set_len(length)
    }

    fn go_direct(&self) -> bool {
        let open = || {
            // Opens the same file even if its name now belongs to another.
            let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            fs::open(path, OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC, Mode::empty()).ok()
        };
        self.direct.get_or_init(open).is_some()
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data()
    }
}

/// Minimum size in bytes of a direct write: smaller ones gain nothing by bypassing the page cache.
const DIRECT_LEAST: usize = 256 << 10;

/// Maximum number of parts of one write: `IOV_MAX` of Linux.
const MOST_PARTS: usize = 1024;
