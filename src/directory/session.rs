//! Changing the state of a directory: its lock, one change at a time, and small files that are
//! replaced atomically.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, IoSlice};
use std::rc::Rc;

use super::mark::base_of;
use crate::background::{InPhase, Phase};
use crate::bundle::{attempt, list, number_of, split_data_name, Access, Claim, Held, Role, Temporary};
use crate::error::{Error, Result};
use crate::os_bytes::OsStrExt;
use crate::reader::small_file;
use crate::storage::{Directory, File, Location, Storage, What};
use crate::Durability;

/// A change of a directory's state. It holds the lock of the state, so it excludes other changes.
pub(super) struct Session {
    held: Held,
    access: Access,
    durability: Durability,
    /// The names in the directory when they were last listed.
    names: RefCell<Rc<Vec<OsString>>>,
    _phase: InPhase,
    /// The data files among them, by checkpoint; `None` until somebody asks.
    data_files: RefCell<Option<HashMap<OsString, Vec<OsString>>>>,
}

impl Session {
    /// Begins a session. Waits until nobody else has a session of the directory, as long as
    /// `access` allows.
    ///
    /// # Errors
    /// * `NOT_FOUND`: the directory does not exist.
    /// * `UNAVAILABLE` (`Locked`): another process or thread changes the state, and did not end in
    ///   time.
    pub fn begin(storage: &dyn Storage, path: &Location, durability: Durability, access: &Access) -> Result<Session> {
        let phase = access.meter.enter(Phase::Publish);
        let mut held = Held::for_state(storage, path, access)?;
        let names = RefCell::new(Rc::new(std::mem::take(&mut held.names)));
        Ok(Session { held, access: access.clone(), durability, names, _phase: phase, data_files: RefCell::default() })
    }

    pub fn directory(&self) -> &dyn Directory {
        &*self.held.directory
    }

    /// Writes a file that contains `bytes`, and atomically replaces an existing file of this name.
    /// On failure the existing file is unchanged.
    pub fn publish(&self, name: &OsStr, bytes: &[u8]) -> Result<()> {
        let temporary = Temporary { number: number_of(name), attempt: attempt(), role: Role::State }.name();
        let written = self
            .write(&temporary, bytes)
            .and_then(|()| self.check())
            .and_then(|()| self.directory().rename(&temporary, name).map_err(|e| self.io("rename the file", name, &e)));
        if written.is_err() && self.held.claim.is_here() {
            let _ = self.directory().remove(&temporary);
        }
        written
    }

    fn write(&self, name: &OsStr, bytes: &[u8]) -> Result<()> {
        let file = self.directory().draft(name).map_err(|e| self.io("create the file", name, &e))?;
        file.write_at(0, &[IoSlice::new(bytes)]).map_err(|e| self.io("write the file", name, &e))?;
        if self.durability == Durability::None {
            return Ok(());
        }
        let _phase = self.access.meter.enter(Phase::Sync);
        self.access.meter.add(Phase::Sync, bytes.len() as u64);
        file.sync().map_err(|e| self.io("sync the file", name, &e))
    }

    /// Syncs the directory, so that renamed files survive a power failure: if the durability
    /// requires it, or if `goes`, that is, old files are removed next.
    pub fn sync(&self, goes: bool) -> Result<()> {
        match self.durability {
            Durability::None => Ok(()),
            Durability::Data if !goes => Ok(()),
            _ => self.access.sync(self.directory()),
        }
    }

    /// Removes a plain file. Anything else, and a missing file, is ignored.
    pub fn remove(&self, name: &OsStr) -> Result<()> {
        if !self.directory().is_file(name) {
            return Ok(());
        }
        self.check()?;
        match self.directory().remove(name) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(self.io("remove the file", name, &e)),
            _ => Ok(()),
        }
    }

    /// Fails if the lock of the state, or one on which the caller relies, was lost.
    fn check(&self) -> Result<()> {
        self.held.claim.check().and_then(|()| self.access.check())
    }

    /// Takes the lock of the checkpoint `base` without waiting, and without looking for who has it.
    ///
    /// # Errors
    /// * `UNAVAILABLE` (`Locked`): another process or thread is writing or removing the checkpoint.
    pub fn claim(&self, base: &OsStr) -> Result<Claim> {
        let claim = Claim::take(&self.held.directory, What::Prefix(number_of(base)), &self.access, None);
        claim.map_err(|e| e.in_file(&self.directory().location().join(base)))
    }

    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The names in the directory when the session began, or when they were listed again.
    pub fn names(&self) -> Rc<Vec<OsString>> {
        self.names.borrow().clone()
    }

    /// Lists the names again: those of a checkpoint may have changed until its lock was taken.
    pub fn list_again(&self) -> Result<()> {
        *self.names.borrow_mut() = Rc::new(list(self.directory())?);
        *self.data_files.borrow_mut() = None;
        Ok(())
    }

    /// The data files of the checkpoint `base` that there were then. All of them are sorted out at
    /// once, because many checkpoints may be removed from among many files.
    pub fn data_files_of(&self, base: &OsStr) -> Vec<OsString> {
        let mut known = self.data_files.borrow_mut();
        let sorted = known.get_or_insert_with(|| {
            let mut sorted: HashMap<OsString, Vec<OsString>> = HashMap::new();
            for name in self.names.borrow().iter() {
                if let Some(base) = split_data_name(name.as_bytes()) {
                    sorted.entry(base.to_owned()).or_default().push(name.clone());
                }
            }
            sorted
        });
        sorted.get(base).cloned().unwrap_or_default()
    }

    /// Whether there were marks when the session began: a crash interrupted a removal.
    pub fn has_marks(&self) -> bool {
        self.names().iter().any(|name| base_of(name).is_some())
    }

    /// Reads a small file; `None` if there is none.
    pub fn read(&self, name: &OsStr) -> Result<Option<Vec<u8>>> {
        match self.directory().open(name) {
            Ok(file) => small_file(&File::of(file, &self.directory().location().join(name))?).map(Some),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.io("open the file", name, &e)),
        }
    }

    pub fn io(&self, doing: &str, name: &OsStr, error: &std::io::Error) -> Error {
        Error::io(doing, &self.directory().location().join(name), error)
    }
}
