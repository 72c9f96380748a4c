//! Pinning a checkpoint so that no manager removes it.
//!
//! A pin is a shared lock on the index file. It ends with its process, and it needs no permission
//! to write. A remover first takes the exclusive lock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bundle::index_path;
use crate::error::{Code, Error, Reason, Result};
use crate::reader::{find_at, latest_checkpoint_with, Located, OpenOptions};
use crate::storage::{File, Hold, Location};

/// The number of attempts to take the lock, one per millisecond. A manager that holds the exclusive
/// lock may still give up removing the checkpoint.
const MOST_TRIES: u32 = 10_000;

/// A pinned checkpoint: no manager of this library, in any process, removes it until the pin is
/// dropped or the process ends. It can still be overwritten by a checkpoint of the same name, and
/// TensorFlow ignores pins.
#[derive(Debug)]
pub struct Pin {
    prefix: PathBuf,
    /// The index (in format V1, the first file) with its shared lock.
    index: File,
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.index.unlock();
    }
}

impl Pin {
    /// Pins the checkpoint `prefix`.
    ///
    /// # Errors
    /// * `NOT_FOUND` (`NoCheckpoint`): there is no such checkpoint, or it was removed during the
    ///   call.
    /// * `UNAVAILABLE` (`Locked`): another process had it locked for removal for about 10 seconds.
    pub fn new(prefix: impl AsRef<Path>) -> Result<Pin> {
        let prefix = &Location::of(prefix)?;
        let gone = || {
            Error::new(Code::NotFound, Reason::NoCheckpoint, "there is no checkpoint at this path, or it has just been removed")
                .in_file(prefix)
        };
        let path = match find_at(prefix)?.ok_or_else(gone)? {
            Located::V2(prefix) => index_path(&prefix),
            Located::V1 { files, .. } => files.into_iter().next().ok_or_else(gone)?,
        };
        let index = File::open(&path)?;
        // Whether the path still leads to the opened file, which may be removed at any time.
        let is_there = || path.status().is_some_and(|now| now.version.place() == index.version().place());
        for _ in 0..MOST_TRIES {
            let locked = index.try_lock(Hold::Shared)?;
            if !is_there() {
                return Err(gone());
            }
            if locked {
                return Ok(Pin { prefix: prefix.clone().into_path(), index });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(Error::new(Code::Unavailable, Reason::Locked, "the checkpoint is locked for removal: try again later")
            .in_file(prefix))
    }

    /// Pins the latest checkpoint of `directory`, even while checkpoints are saved and removed
    /// there; `None` if there is none.
    ///
    /// # Errors
    /// The errors of [`Pin::new`], and:
    /// * `DATA_LOSS`: the state file cannot be parsed, or names no latest checkpoint
    ///   (`NoCheckpoint`).
    pub fn latest(directory: impl AsRef<Path>) -> Result<Option<Pin>> {
        Pin::latest_with(directory, &OpenOptions::default())
    }

    /// Like [`Pin::latest`], with options, of which the log counts.
    ///
    /// # Errors
    /// The errors of [`Pin::latest`].
    pub fn latest_with(directory: impl AsRef<Path>, options: &OpenOptions) -> Result<Option<Pin>> {
        let directory = directory.as_ref();
        let mut last = None;
        loop {
            let Some(latest) = latest_checkpoint_with(directory, options)? else { return Ok(None) };
            match Pin::new(&latest) {
                // The checkpoint was removed, but there may be a newer one by now.
                Err(e) if e.code() == Code::NotFound && last.as_ref() != Some(&latest) => last = Some(latest),
                outcome => return outcome.map(Some),
            }
        }
    }

    /// The prefix of the pinned checkpoint.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }
}
