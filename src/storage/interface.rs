//! What the library needs of a storage, as traits: files that are read, and directories in which
//! drafts are written and published. The local file system implements them; tests insert an
//! implementation that records every call and can make any of them fail.

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::io::{IoSlice, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Location, Map};

/// A file system.
pub(crate) trait Storage: Send + Sync + Debug {
    /// Opens the directory at `at`. If `create`, creates it and its parents first; what is
    /// created survives a power cut.
    fn directory(&self, at: &Location, create: bool) -> Result<Arc<dyn Directory>>;

    /// Removes an empty directory.
    fn remove_directory(&self, at: &Location) -> Result<()>;

    /// Opens what is at `at` for reading, following symbolic links. Does not wait, even for a
    /// FIFO.
    fn open(&self, at: &Location) -> Result<Box<dyn Source>>;

    /// Returns what is at `at`, following symbolic links.
    fn status(&self, at: &Location) -> Result<Status>;

    /// Returns what is at `at`. Does not follow a symbolic link at its end.
    fn link_status(&self, at: &Location) -> Result<Status>;

    /// Returns the one name without links of what is at `at`.
    fn real(&self, at: &Location) -> Result<Location>;
}

/// What is somewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    pub kind: FileKind,
    pub version: Version,
    /// When the content, the names or the permissions last changed, in seconds since the epoch: no
    /// program can set that. A part of no identity.
    pub changed: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    File,
    Directory,
    /// A symbolic link, FIFO, socket or device.
    #[cfg_attr(windows, expect(dead_code, reason = "nothing is served there yet"))]
    Other,
}

/// Identifies a file among those that have had the same path, as far as the file system can: by
/// device, inode, length and time of the last modification. Not by the time of the last change of
/// the inode, which every new hard link changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(super) place: Place,
    pub(super) length: u64,
    /// In seconds and nanoseconds since the epoch.
    pub(super) modified: (i64, i64),
}

/// The device and the inode of a file or directory.
pub(crate) type Place = (u64, u64);

impl Version {
    /// Returns what all names of one file have in common.
    pub fn place(&self) -> Place {
        self.place
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the time of the last modification, in seconds since the epoch.
    pub fn modified(&self) -> f64 {
        self.modified.0 as f64 + self.modified.1 as f64 / 1e9
    }

    /// Returns that time as something exact, to be compared.
    pub fn time(&self) -> (i64, i64) {
        self.modified
    }
}

/// A file opened for reading.
pub(crate) trait Source: Send + Sync + Debug {
    /// Returns what the file is now.
    fn status(&self) -> Result<Status>;

    /// Fills `into` with the bytes from `offset` on. If the file ends before, the error has the
    /// kind `UnexpectedEof`.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<()>;

    /// Reads bytes from `offset` on into the memory that `into` has reserved and not used. Returns
    /// their number, which is 0 at the end of the file.
    fn append_at(&self, offset: u64, into: &mut Vec<u8>) -> Result<usize>;

    /// Maps `size` bytes from `offset` on, which the caller has checked to lie within the file.
    fn map(&self, offset: u64, size: usize) -> Result<Map>;

    /// Tries to lock the file for this handle, alone or shared with others. Returns whether it is
    /// locked now.
    fn try_lock(&self, hold: Hold) -> Result<bool>;

    /// Releases the lock. Dropping the source does not suffice: while another thread forks, the
    /// child process holds the same open file and with it the lock.
    fn unlock(&self);
}

/// How a file is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Alone,
    Shared,
}

/// An open directory. Operations apply to the directory itself, even if its path leads elsewhere
/// meanwhile.
pub(crate) trait Directory: Send + Sync + Debug {
    /// Returns where the directory was opened.
    fn location(&self) -> &Location;

    /// Creates a new file. Fails if the name exists, even as a dangling symbolic link. The commit
    /// protocol gives drafts temporary names and publishes them by [`Directory::rename`].
    fn draft(&self, name: &OsStr) -> Result<Arc<dyn Draft>>;

    /// Renames the file `from` to `to`, replacing an existing file.
    fn rename(&self, from: &OsStr, to: &OsStr) -> Result<()>;

    /// Makes the file at `from`, which may be in another directory, also the file `to` of this one.
    /// An error of the kind `CrossesDevices` or `Unsupported` means that the file system cannot do
    /// this.
    fn adopt(&self, from: &Location, to: &OsStr) -> Result<()>;

    /// Gives the file `from` of this directory the second name `to`. Errors are those of
    /// [`Directory::adopt`].
    fn alias(&self, from: &OsStr, to: &OsStr) -> Result<()>;

    /// Opens a file for reading. Does not follow a symbolic link.
    fn open(&self, name: &OsStr) -> Result<Box<dyn Source>>;

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

    /// Returns a number of bytes of which more surely cannot be written, those reserved for the
    /// superuser included; `None` if the file system does not report it.
    fn space(&self) -> Option<u64>;

    /// Opens a file so that it can be locked alone: for writing, which network file systems
    /// require. Its content is not changed. Does not follow a symbolic link.
    fn open_to_lock(&self, name: &OsStr) -> Result<Box<dyn Source>>;

    /// Takes a lock of the directory, and waits for it at most `limit`; `None`: only tries to. If
    /// not `in_file`, only other threads of this process are excluded. The lock ends when it is
    /// dropped, or with the process.
    ///
    /// An error of the kind `WouldBlock` names the holder, which may take long to find, unless
    /// `limit` is `None`. `Unsupported` means that the file system cannot lock.
    fn lock(&self, what: What, in_file: bool, limit: Option<Duration>) -> Result<Box<dyn Lock>>;
}

/// The file in a directory whose bytes are its locks. It is empty, and is never removed.
pub(crate) const LOCK_FILE: &str = ".ckpt-lock";

/// What of a directory is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Managing it.
    Manager,
    /// Changing its state file.
    State,
    /// The files of one checkpoint, which has this number.
    Prefix(u64),
}

impl What {
    /// Returns the byte of the file of locks. These numbers are a format: all versions of the
    /// library lock the same bytes.
    #[cfg_attr(windows, expect(dead_code, reason = "nothing is served there yet"))]
    pub fn byte(self) -> u64 {
        match self {
            What::Manager => 0,
            What::State => 1,
            What::Prefix(number) => (1 << 32) + (number & ((1 << 62) - 1)),
        }
    }
}

/// How a lock keeps other processes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// A range of the open file.
    #[cfg_attr(windows, expect(dead_code, reason = "nothing is served there yet"))]
    OpenFile,
    /// A range of the file, for the process.
    #[cfg_attr(windows, expect(dead_code, reason = "nothing is served there yet"))]
    Process,
    /// The whole file: all locks of the directory are one.
    #[cfg_attr(windows, expect(dead_code, reason = "nothing is served there yet"))]
    WholeFile,
    /// Not at all: it keeps only the threads of this process apart.
    Memory,
}

/// A lock that is held until it is dropped.
pub(crate) trait Lock: Send + Sync + Debug {
    /// Returns how the lock keeps other processes out.
    fn means(&self) -> Means;

    /// Takes the lock again, which changes nothing if it is held. An error means that it was lost.
    fn check(&self) -> Result<()>;
}

/// The alignment, in bytes, of writes that bypass the page cache: sufficient for all current
/// devices.
pub(crate) const DIRECT_ALIGNMENT: usize = 4096;

/// A file being written, which nobody looks for until it is published.
pub(crate) trait Draft: Send + Sync + Debug {
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

    /// Syncs the content and opens it for reading, past the page cache if the system can: what is
    /// read comes from the device.
    fn read_back(&self) -> Result<Box<dyn Source>>;
}
