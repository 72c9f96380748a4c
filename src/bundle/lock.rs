//! The lock of a directory, shared within the process, and the right to write one checkpoint in it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::step::{left_out, Step};
use super::sweep::sweep;
use crate::error::{Code, Error, Reason, Result};
use crate::storage::{Directory, Location, Storage};

/// The checkpoints that this process is writing: each the lock of a directory and the last
/// component of a prefix. Two writers of the same prefix would choose the same file names.
static WRITING: Mutex<Writing> = Mutex::new(BTreeSet::new());

type Writing = BTreeSet<(usize, OsString)>;

/// Notified when a claim is released.
static FREED: Condvar = Condvar::new();

/// The entry of `WRITING` that stands for the state of a directory. No checkpoint can have this
/// name.
const STATE: &str = "/";

/// Returns a number that identifies the lock of a directory.
fn place(lock: &Arc<dyn Send + Sync>) -> usize {
    Arc::as_ptr(lock).cast::<u8>() as usize
}

/// An open directory and its lock.
pub(crate) struct Held {
    pub directory: Arc<dyn Directory>,
    lock: Arc<dyn Send + Sync>,
    /// The names in the directory before it was swept.
    pub names: Vec<OsString>,
}

impl Held {
    /// Opens the directory at `path`, creating it first if `create`; takes its lock; and removes
    /// what crashes left there.
    pub fn new(storage: &dyn Storage, path: &Location, create: bool) -> Result<Held> {
        Held::of(storage, path, create, &WRITING.lock())
    }

    /// Like [`Held::new`], creating the directory if necessary, with the sole right to write the
    /// checkpoint `base`; `None` while another thread has that right.
    pub fn for_checkpoint(storage: &dyn Storage, path: &Location, base: &OsStr) -> Result<(Held, Option<Claim>)> {
        let mut writing = WRITING.lock();
        let held = Held::of(storage, path, true, &writing)?;
        let claim = Claim::of(&held, base, &mut writing);
        Ok((held, claim))
    }

    /// Like [`Held::new`], with the sole right in this process to change the state of the
    /// directory. Waits while another thread has that right.
    pub fn for_state(storage: &dyn Storage, path: &Location) -> Result<(Held, Claim)> {
        let mut writing = WRITING.lock();
        let mut held = Held::of(storage, path, false, &writing)?;
        let mut waited = false;
        let claim = loop {
            if let Some(claim) = Claim::of(&held, OsStr::new(STATE), &mut writing) {
                break claim;
            }
            FREED.wait(&mut writing);
            waited = true;
        };
        drop(writing); // dropping a claim locks it
        if waited {
            held.names = list(&*held.directory)?;
        }
        Ok((held, claim))
    }

    /// Opens, locks and sweeps a directory. If no thread of this process is writing in the
    /// directory, files with temporary names were left by a crash, or by a write that could not
    /// clean up. They are removed, and with an index that had not been renamed, its data files that
    /// had been. The caller keeps `writing` locked meanwhile: otherwise the next writer might
    /// publish files that this sweep considers left behind.
    fn of(storage: &dyn Storage, path: &Location, create: bool, writing: &Writing) -> Result<Held> {
        let directory = storage.directory(path, create).map_err(|e| Error::io("open the directory", path, &e))?;
        let lock = directory.lock().map_err(|e| match e.kind() {
            ErrorKind::WouldBlock => {
                Error::new(Code::Unavailable, Reason::Locked, format!("{e} is writing in this directory")).in_file(path)
            }
            _ => Error::io("lock the directory", path, &e),
        })?;
        let names = list(&*directory)?;
        let is_alone = !writing.iter().any(|(other, _)| *other == place(&lock));
        if is_alone && !left_out(Step::Sweep) {
            sweep(storage, &*directory, &names);
        }
        Ok(Held { directory, lock, names })
    }

    /// Takes the sole right in this process to the files of the checkpoint `base` of the directory;
    /// `None` while another thread has it.
    pub fn claim(&self, base: &OsStr) -> Option<Claim> {
        Claim::of(self, base, &mut WRITING.lock())
    }
}

/// The sole right in this process to write or remove one checkpoint. It holds the directory's lock.
pub(crate) struct Claim {
    lock: Arc<dyn Send + Sync>,
    base: OsString,
}

impl Claim {
    /// Returns the checkpoint's name in its directory.
    pub(super) fn base(&self) -> &OsStr {
        &self.base
    }

    fn of(held: &Held, base: &OsStr, writing: &mut Writing) -> Option<Claim> {
        let is_free = writing.insert((place(&held.lock), base.to_owned()));
        is_free.then(|| Claim { lock: held.lock.clone(), base: base.to_owned() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        WRITING.lock().remove(&(place(&self.lock), std::mem::take(&mut self.base)));
        FREED.notify_all();
    }
}

fn list(directory: &dyn Directory) -> Result<Vec<OsString>> {
    directory.list().map_err(|e| Error::io("list the directory", directory.location(), &e))
}
