//! Changing the state of a directory: its lock, one change at a time, and small files that are
//! replaced atomically.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, IoSlice};

use super::mark::base_of;
use crate::bundle::{temporary_name, Claim, Held};
use crate::error::{Code, Error, Reason, Result};
use crate::reader::small_file;
use crate::storage::{Directory, File, Location, Storage};
use crate::Durability;

/// A change of a directory's state. It holds the directory's lock, and excludes other changes in
/// this process.
pub(super) struct Session {
    held: Held,
    durability: Durability,
    /// Excludes other sessions in this process. The claim also holds the directory's lock, so the
    /// lock is released last.
    _claim: Claim,
}

impl Session {
    /// Begins a session. Waits until no other thread of this process has a session of the
    /// directory.
    ///
    /// # Errors
    /// * `NOT_FOUND`: the directory does not exist.
    /// * `UNAVAILABLE` (`Locked`): another process owns the directory's lock.
    pub fn begin(storage: &dyn Storage, path: &Location, durability: Durability) -> Result<Session> {
        let (held, _claim) = Held::for_state(storage, path)?;
        Ok(Session { held, durability, _claim })
    }

    pub fn directory(&self) -> &dyn Directory {
        &*self.held.directory
    }

    /// Writes a file that contains `bytes`, and atomically replaces an existing file of this name.
    /// On failure the existing file is unchanged.
    pub fn publish(&self, name: &OsStr, bytes: &[u8]) -> Result<()> {
        let temporary = temporary_name(name);
        let written = self
            .write(&temporary, bytes)
            .and_then(|()| self.directory().rename(&temporary, name).map_err(|e| self.io("rename the file", name, &e)));
        if written.is_err() {
            let _ = self.directory().remove(&temporary);
        }
        written
    }

    fn write(&self, name: &OsStr, bytes: &[u8]) -> Result<()> {
        let file = self.directory().draft(name).map_err(|e| self.io("create the file", name, &e))?;
        file.write_at(0, &[IoSlice::new(bytes)]).map_err(|e| self.io("write the file", name, &e))?;
        match self.durability {
            Durability::None => Ok(()),
            _ => file.sync().map_err(|e| self.io("sync the file", name, &e)),
        }
    }

    /// Syncs the directory, so that renamed files survive a power failure: if the durability
    /// requires it, or if `goes`, that is, old files are removed next.
    pub fn sync(&self, goes: bool) -> Result<()> {
        match self.durability {
            Durability::None => Ok(()),
            Durability::Data if !goes => Ok(()),
            _ => self.directory().sync().map_err(|e| self.io("sync the directory", OsStr::new(""), &e)),
        }
    }

    /// Removes a plain file. Anything else, and a missing file, is ignored.
    pub fn remove(&self, name: &OsStr) -> Result<()> {
        if !self.directory().is_file(name) {
            return Ok(());
        }
        match self.directory().remove(name) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(self.io("remove the file", name, &e)),
            _ => Ok(()),
        }
    }

    /// Claims the checkpoint `base` for this thread, against all other threads of this process.
    pub fn claim(&self, base: &OsStr) -> Result<Claim> {
        let taken = || Error::new(Code::Unavailable, Reason::Locked, "another thread is writing this checkpoint");
        self.held.claim(base).ok_or_else(|| taken().in_file(&self.directory().location().join(base)))
    }

    /// The names in the directory when the session began.
    pub fn names(&self) -> &[OsString] {
        &self.held.names
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
