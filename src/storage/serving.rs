//! Which storage serves a location.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::{pool, FileKind, Local, Location, Status, Storage};
use crate::error::{Code, Error, Reason, Result};

static LOCAL: LazyLock<Arc<dyn Storage>> = LazyLock::new(|| Arc::new(Local));

impl Location {
    /// Returns the location that a caller named: whatever the library is given comes in here.
    ///
    /// # Errors
    /// * `UNIMPLEMENTED` (`Unsupported`): no storage serves the scheme of the URI.
    /// * `INVALID_ARGUMENT`: a `file://` URI names another machine.
    pub fn of(named: impl AsRef<Path>) -> Result<Location> {
        let location = Location::parse(named.as_ref())?;
        location.storage()?;
        Ok(location)
    }

    /// Returns the storage that serves this location.
    pub fn storage(&self) -> Result<Arc<dyn Storage>> {
        match self.scheme() {
            None => Ok(LOCAL.clone()),
            Some(scheme) => {
                Err(Error::new(Code::Unimplemented, Reason::Unsupported, format!("no storage serves {scheme}://")).in_file(self))
            }
        }
    }

    /// Returns what is here, following symbolic links; `None` if there is nothing, or nothing that
    /// can be accessed.
    pub fn status(&self) -> Option<Status> {
        self.storage().ok()?.status(self).ok()
    }

    /// Returns whether there is something here, following symbolic links.
    pub fn exists(&self) -> bool {
        self.status().is_some()
    }

    /// Returns whether there is a directory here, following symbolic links.
    pub fn is_directory(&self) -> bool {
        self.status().is_some_and(|status| status.kind == FileKind::Directory)
    }

    /// Returns whether there is a regular file here, following symbolic links.
    pub fn is_file(&self) -> bool {
        self.status().is_some_and(|status| status.kind == FileKind::File)
    }

    /// Returns the names in the directory here, in no particular order; none if there is no
    /// directory.
    pub fn names(&self) -> Result<Vec<OsString>> {
        let storage = self.storage()?;
        match pool::opened(|| storage.directory(self, false)?.list()) {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
            listed => listed.map_err(|e| Error::io("list the directory", self, &e)),
        }
    }
}
