//! The locks of a directory, and the right to write one checkpoint in it.
//!
//! They are taken in this order: manager, prefix, state. While the state is held, prefixes are only
//! tried, so that nobody waits for somebody who waits.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use super::locking::{Asked, Locking, Notes};
use super::step::{left_out, Step};
use super::sweep::sweep;
use super::temporary::number_of;
use crate::background::{Meter, Phase};
use crate::error::{Code, Error, Reason, Result};
use crate::storage::{Directory, Location, Lock, Means, Origin, Storage, What};

/// How a call takes locks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub asked: Asked,
    pub notes: Notes,
    /// A lock that the caller holds for longer, on which what is done relies.
    pub under: Option<Claim>,
    /// Whether the checkpoint must not exist when its lock is taken.
    pub is_new: bool,
    /// What the save costs for which the locks are taken.
    pub meter: Meter,
}

impl Access {
    pub fn new(asked: Asked, notes: &Notes) -> Access {
        Access { asked, notes: notes.clone(), under: None, is_new: false, meter: Meter::default() }
    }

    /// Fails if a lock that the caller holds was lost.
    pub fn check(&self) -> Result<()> {
        self.under.as_ref().map_or(Ok(()), Claim::check)
    }

    /// Syncs the directory, if its file system can.
    ///
    /// # Errors
    /// The operating system's error; that the file system cannot only if locking is required.
    pub fn sync(&self, directory: &dyn Directory) -> Result<()> {
        let _phase = self.meter.enter(Phase::Sync);
        match directory.sync() {
            Err(e) if e.kind() == ErrorKind::Unsupported && self.asked.locking() != Locking::Required => {
                self.notes.add(format!(
                    "{}: a power failure may undo what was saved: cannot sync the directory: {e}",
                    place(directory)
                ));
                Ok(())
            }
            synced => synced.map_err(|e| Error::io("sync the directory", &directory.location().join(""), &e)),
        }
    }
}

/// A lock of a directory. It ends when its last clone is dropped, or with the process.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    lock: Arc<dyn Lock>,
    directory: Arc<dyn Directory>,
    origin: Origin,
}

impl Claim {
    /// Takes a lock, and waits for it at most `limit`; `None`: only tries to.
    ///
    /// # Errors
    /// * `UNAVAILABLE` (`Locked`): somebody else holds it, who is named unless `limit` is `None`.
    /// * The operating system's error; that the file system cannot lock only if locking is
    ///   required.
    pub fn take(directory: &Arc<dyn Directory>, what: What, access: &Access, limit: Option<Duration>) -> Result<Claim> {
        let _phase = access.meter.enter(Phase::Lock);
        let wanted = access.asked.locking() != Locking::None;
        let lock = match directory.lock(what, wanted, limit) {
            Err(e) if e.kind() == ErrorKind::Unsupported && wanted && access.asked.locking() != Locking::Required => {
                access.notes.add(format!(
                    "{}: other processes that write in this directory are not kept out: cannot lock the directory: {e}",
                    place(&**directory)
                ));
                directory.lock(what, false, limit)
            }
            taken => taken,
        };
        let lock = lock.map_err(|e| match e.kind() {
            ErrorKind::WouldBlock => {
                let does = match what {
                    What::Manager => "manages this directory",
                    What::State => "is changing the state of this directory",
                    What::Prefix(_) => "is writing or removing this checkpoint",
                };
                let who = e.get_ref().map_or_else(|| "somebody else".to_owned(), ToString::to_string);
                let locked = Error::new(Code::Unavailable, Reason::Locked, format!("{who} {does}"));
                // The caller knows the path of the checkpoint.
                match what {
                    What::Prefix(_) => locked,
                    _ => locked.in_file(directory.location()),
                }
            }
            _ => Error::io("lock the directory", directory.location(), &e),
        })?;
        if let Some(means) = other_means(lock.means()) {
            access.notes.add(format!("{}: the file system has no locks of open files: {means}", place(&**directory)));
        }
        Ok(Claim { lock: lock.into(), directory: directory.clone(), origin: Origin::here() })
    }

    /// Takes the lock again, which changes nothing if it is held.
    ///
    /// # Errors
    /// * `ABORTED` (`LockLost`): it was lost, so that somebody else may have taken it.
    /// * `FAILED_PRECONDITION` (`Forked`): another process holds it.
    pub fn check(&self) -> Result<()> {
        self.origin.check()?;
        self.lock.check().map_err(|e| {
            Error::new(Code::Aborted, Reason::LockLost, format!("the lock of the directory was lost: {e}"))
                .in_file(self.directory.location())
                .with_errno(e.raw_os_error())
        })
    }

    /// Whether this process holds the lock, and not one that it was forked from.
    pub fn is_here(&self) -> bool {
        self.origin.is_here()
    }

    /// Whether other processes are kept out.
    pub fn excludes_processes(&self) -> bool {
        self.lock.means() != Means::Memory
    }
}

/// Says what is used in place of locks of open files.
fn other_means(means: Means) -> Option<&'static str> {
    match means {
        Means::OpenFile | Means::Memory => None,
        Means::Process => Some("those of processes are used, which end when the program closes any copy of .ckpt-lock"),
        Means::WholeFile => Some(
            "the whole directory is locked by flock, so that other processes wait for each other, and forked children keep it",
        ),
    }
}

fn place(directory: &dyn Directory) -> String {
    crate::error::printable(directory.location().as_os_str().as_encoded_bytes())
}

/// An open directory of which a lock is held.
pub(crate) struct Held {
    pub directory: Arc<dyn Directory>,
    pub claim: Claim,
    /// The names in the directory before it was swept, but after it was locked.
    pub names: Vec<OsString>,
}

impl Held {
    /// Opens the directory at `path`, creating it first if necessary, takes the lock of its
    /// manager without waiting, and removes what crashes left there.
    pub fn for_manager(storage: &dyn Storage, path: &Location, access: &Access) -> Result<Held> {
        Held::of(storage, path, true, What::Manager, access, Duration::ZERO)
    }

    /// The same with the lock of the checkpoint `base`, for which it waits.
    pub fn for_checkpoint(storage: &dyn Storage, path: &Location, base: &OsStr, access: &Access) -> Result<Held> {
        let held = Held::of(storage, path, true, What::Prefix(number_of(base)), access, access.asked.wait());
        held.map_err(|e| e.in_file(&path.join(base)))
    }

    /// The same with the lock of the directory's state, for which it waits. The directory must
    /// exist.
    pub fn for_state(storage: &dyn Storage, path: &Location, access: &Access) -> Result<Held> {
        Held::of(storage, path, false, What::State, access, access.asked.wait())
    }

    fn of(storage: &dyn Storage, path: &Location, create: bool, what: What, access: &Access, limit: Duration) -> Result<Held> {
        let directory = open(storage, path, create)?;
        let claim = Claim::take(&directory, what, access, Some(limit))?;
        let names = list(&*directory)?;
        if claim.excludes_processes() && !left_out(Step::Sweep) {
            sweep(storage, &*directory, &names, what);
        }
        Ok(Held { directory, claim, names })
    }
}

/// Opens the directory at `path`, creating it first if `create`.
pub(crate) fn open(storage: &dyn Storage, path: &Location, create: bool) -> Result<Arc<dyn Directory>> {
    storage.directory(path, create).map_err(|e| Error::io("open the directory", path, &e))
}

pub(crate) fn list(directory: &dyn Directory) -> Result<Vec<OsString>> {
    directory.list().map_err(|e| Error::io("list the directory", directory.location(), &e))
}
