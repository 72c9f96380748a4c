//! The lock of a directory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use rustix::fs::{self, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::interface::Place;
#[cfg(target_os = "linux")]
use super::holder::holder_of;

/// Takes the lock of an open directory, or shares it if this process has it.
pub(super) fn lock(directory: &File) -> Result<Arc<dyn Send + Sync>> {
    let status = directory.metadata()?;
    let mut held = HELD.lock();
    held.retain(|_, lock| lock.strong_count() > 0);
    let place = (status.dev(), status.ino());
    if let Some(lock) = held.get(&place).and_then(Weak::upgrade) {
        return Ok(lock);
    }
    // A separate handle: the lock belongs to the handle and is released when it is closed.
    let handle = fs::openat(directory, ".", OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
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

#[cfg(not(target_os = "linux"))]
fn holder_of(_device: u64, _inode: u64) -> Option<String> {
    None
}

/// The locks that this process holds, by device and inode. They are shared within the process.
static HELD: LazyLock<Mutex<Held>> = LazyLock::new(Mutex::default);

type Held = HashMap<Place, Weak<Lock>>;

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
