//! The local file system of Windows, which is not served yet: every operation answers
//! `UNIMPLEMENTED`.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;

use super::interface::{Directory, Source, Status, Storage};
use super::Location;

/// The file system of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local;

fn unimplemented<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, "this library does not serve the file systems of Windows yet"))
}

impl Storage for Local {
    fn directory(&self, _at: &Location, _create: bool) -> Result<Arc<dyn Directory>> {
        unimplemented()
    }

    fn remove_directory(&self, _at: &Location) -> Result<()> {
        unimplemented()
    }

    fn open(&self, _at: &Location) -> Result<Box<dyn Source>> {
        unimplemented()
    }

    fn status(&self, _at: &Location) -> Result<Status> {
        unimplemented()
    }

    fn link_status(&self, _at: &Location) -> Result<Status> {
        unimplemented()
    }

    fn real(&self, _at: &Location) -> Result<Location> {
        unimplemented()
    }
}

/// The system sets no limit that matters here.
pub(super) fn most_files() -> Option<u64> {
    None
}

/// Nothing forks.
pub(super) fn hold_open_slots_around_forks() {}

/// `ERROR_TOO_MANY_OPEN_FILES`.
pub(super) fn is_too_many_files(code: i32) -> bool {
    code == 4
}

/// Windows reports loops as names that it cannot resolve.
pub(super) fn is_loop_of_links(_code: i32) -> bool {
    false
}

/// `ERROR_NOT_ENOUGH_MEMORY`.
pub(super) const OUT_OF_MEMORY: i32 = 8;

/// `ERROR_NOT_ENOUGH_MEMORY` and `ERROR_OUTOFMEMORY`.
pub(super) fn is_out_of_memory(code: i32) -> bool {
    matches!(code, 8 | 14)
}

/// The process in which a handle was made: there is no other on Windows, which does not fork.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin;

impl Origin {
    pub fn here() -> Origin {
        Origin
    }

    pub fn is_here(self) -> bool {
        true
    }

    pub fn number(self) -> u64 {
        0
    }

    pub fn check(self) -> crate::error::Result<()> {
        Ok(())
    }
}
