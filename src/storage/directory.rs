//! What writing needs of a file system, as traits: the local one implements them, and tests put one between that records every
//! call and can fail any.

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::fs::File;
use std::io::{IoSlice, Result};
use std::path::Path;
use std::sync::Arc;

/// A file system.
pub(crate) trait Storage: Send + Sync + Debug {
    /// Holds the directory at `path`, making it and its parents first if `create`. What is made survives a power cut.
    fn directory(&self, path: &Path, create: bool) -> Result<Arc<dyn Directory>>;

    /// Removes a directory that is empty.
    fn remove_directory(&self, path: &Path) -> Result<()>;
}

/// A directory that is held: what is done in it stays in it, wherever its path leads meanwhile.
pub(crate) trait Directory: Send + Sync + Debug {
    /// The path by which it was found, for messages.
    fn path(&self) -> &Path;

    /// Makes a new file. It is an error when there is anything of this name, a dangling link too.
    fn create(&self, name: &OsStr) -> Result<Arc<dyn Output>>;

    /// Gives the file `from` the name `to`, in place of what had it.
    fn rename(&self, from: &OsStr, to: &OsStr) -> Result<()>;

    /// Gives the file at `from`, which may be in another directory, the name `to` here as well. An error of the kind `CrossesDevices` or
    /// `Unsupported` says that the file system cannot.
    fn link(&self, from: &Path, to: &OsStr) -> Result<()>;

    /// Gives the file `from` of this directory the name `to` as well. Errors as for [`Directory::link`].
    fn alias(&self, from: &OsStr, to: &OsStr) -> Result<()>;

    /// Opens a file for reading, not by way of a link.
    fn open(&self, name: &OsStr) -> Result<File>;

    /// Makes the content of a file that is complete survive a power cut.
    fn sync_file(&self, name: &OsStr) -> Result<()>;

    /// Removes a file.
    fn remove(&self, name: &OsStr) -> Result<()>;

    /// The names in it, in no order.
    fn list(&self) -> Result<Vec<OsString>>;

    /// Whether `name` is a plain file, not by way of a link.
    fn is_file(&self, name: &OsStr) -> bool;

    /// Makes what was created, renamed and removed in it survive a power cut.
    fn sync(&self) -> Result<()>;

    /// The bytes that may still be written; none where the file system does not say.
    fn space(&self) -> Option<u64>;

    /// Takes the directory's lock for writers, or says with an error of the kind `WouldBlock` which other process has it. Within this process it is shared;
    /// it is let go when the last one holding the value drops it, or with the process.
    fn lock(&self) -> Result<Arc<dyn Send + Sync>>;
}

/// What writes past the page cache are aligned to: enough for every device of today.
pub(crate) const DIRECT_ALIGNMENT: usize = 4096;

/// A file being written.
pub(crate) trait Output: Send + Sync + Debug {
    /// The path under which it was made, for messages.
    fn path(&self) -> &Path;

    /// Writes all of `parts`, one after the other, from `offset` on.
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> Result<()>;

    /// Sets the length, and takes the space for it where the file system can.
    fn reserve(&self, length: u64) -> Result<()>;

    /// Has large writes that are aligned to [`DIRECT_ALIGNMENT`], in the file and in memory, go past the page cache from now on. Says whether
    /// they can.
    fn go_direct(&self) -> bool {
        false
    }

    /// Makes the content survive a power cut. After a failure the content is lost for good: trying again proves nothing.
    fn sync(&self) -> Result<()>;
}
