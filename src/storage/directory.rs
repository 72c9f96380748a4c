//! The file system operations that writing needs, as traits. The local file system implements them;
//! tests insert an implementation that records every call and can make any of them fail.

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::fs::File;
use std::io::{IoSlice, Result};
use std::path::Path;
use std::sync::Arc;

/// A file system.
pub(crate) trait Storage: Send + Sync + Debug {
    /// Opens the directory at `path`. If `create`, creates it and its parents first; what is
    /// created survives a power cut.
    fn directory(&self, path: &Path, create: bool) -> Result<Arc<dyn Directory>>;

    /// Removes an empty directory.
    fn remove_directory(&self, path: &Path) -> Result<()>;
}

/// An open directory. Operations apply to the directory itself, even if its path leads elsewhere
/// meanwhile.
pub(crate) trait Directory: Send + Sync + Debug {
    /// Returns the path by which the directory was opened, for messages.
    fn path(&self) -> &Path;

    /// Creates a new file. Fails if the name exists, even as a dangling symbolic link.
    fn create(&self, name: &OsStr) -> Result<Arc<dyn Output>>;

    /// Renames the file `from` to `to`, replacing an existing file.
    fn rename(&self, from: &OsStr, to: &OsStr) -> Result<()>;

    /// Creates a hard link `to` in this directory to the file at `from`, which may be in another
    /// directory. An error of the kind `CrossesDevices` or `Unsupported` means that the file system
    /// cannot do this.
    fn link(&self, from: &Path, to: &OsStr) -> Result<()>;

    /// Creates a hard link `to` to the file `from` of this directory. Errors are those of
    /// [`Directory::link`].
    fn alias(&self, from: &OsStr, to: &OsStr) -> Result<()>;

    /// Opens a file for reading. Does not follow a symbolic link.
    fn open(&self, name: &OsStr) -> Result<File>;

    /// Syncs the content of a complete file, so that it survives a power cut.
    fn sync_file(&self, name: &OsStr) -> Result<()>;

    /// Removes a file.
    fn remove(&self, name: &OsStr) -> Result<()>;

    /// Returns the names in the directory, in no particular order.
    fn list(&self) -> Result<Vec<OsString>>;

    /// Returns whether `name` is a regular file. Does not follow a symbolic link.
    fn is_file(&self, name: &OsStr) -> bool;

    /// Syncs the directory, so that creations, renames and removals in it survive a power cut.
    fn sync(&self) -> Result<()>;

    /// Returns the number of bytes that can still be written; `None` if the file system does not
    /// report it.
    fn space(&self) -> Option<u64>;

    /// Takes the directory's lock for writers. If another process holds it, fails with an error of
    /// the kind `WouldBlock` that names the process. The lock is shared within this process. It is
    /// released when the last holder of the returned value drops it, or when the process ends.
    fn lock(&self) -> Result<Arc<dyn Send + Sync>>;
}

/// The alignment, in bytes, of writes that bypass the page cache: sufficient for all current
/// devices.
pub(crate) const DIRECT_ALIGNMENT: usize = 4096;

/// A file being written.
pub(crate) trait Output: Send + Sync + Debug {
    /// Returns the path under which the file was created, for messages.
    fn path(&self) -> &Path;

    /// Writes all of `parts`, one after the other, from `offset` on.
    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> Result<()>;

    /// Sets the length of the file and reserves the space for it if the file system can.
    fn reserve(&self, length: u64) -> Result<()>;

    /// From now on, large writes bypass the page cache if they are aligned to [`DIRECT_ALIGNMENT`]
    /// both in the file and in memory. Returns whether the file system supports this.
    fn go_direct(&self) -> bool {
        false
    }

    /// Syncs the content, so that it survives a power cut. After a failure the content is lost for
    /// good: a second sync may succeed without having written it.
    fn sync(&self) -> Result<()>;
}
