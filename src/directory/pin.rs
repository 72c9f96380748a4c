//! Holding a checkpoint so that no manager removes it.
//!
//! The hold is a shared lock on the index file, which dies with its process and needs no right to write. Who removes a checkpoint takes
//! the exclusive lock first.

use std::fs::{File, Metadata, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bundle::index_path;
use crate::error::{Code, Error, Reason, Result};
use crate::reader::{find_at, latest_checkpoint, Located};
use crate::storage;

/// For how many milliseconds a manager may be about to remove a checkpoint, which it may give up.
const MOST_TRIES: u32 = 10_000;

/// A checkpoint that is held: no manager of this library removes it, in whatever process, until the value is dropped or its process ends. It can
/// still be overwritten by one of the same name, and TensorFlow knows nothing of holds.
#[derive(Debug)]
pub struct Pin {
    prefix: PathBuf,
    index: File,
}

impl Drop for Pin {
    fn drop(&mut self) {
        // Closing would not do where another thread is forking a child, which has the file, too.
        let _ = self.index.unlock();
    }
}

impl Pin {
    /// Holds the checkpoint `prefix`.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such checkpoint, or it was removed meanwhile.
    pub fn new(prefix: impl AsRef<Path>) -> Result<Pin> {
        let prefix = prefix.as_ref();
        let gone = || {
            Error::new(Code::NotFound, Reason::NoCheckpoint, "there is no checkpoint at this path, or it was just removed")
                .in_file(prefix)
        };
        let path = match find_at(prefix)?.ok_or_else(gone)? {
            Located::V2(prefix) => index_path(&prefix),
            Located::V1 { files, .. } => files.into_iter().next().ok_or_else(gone)?,
        };
        let file = storage::File::open(&path)?;
        let index = file.as_file().try_clone().map_err(|e| Error::io("hold the file", &path, &e))?;
        // It may be removed meanwhile, or have been.
        let is_there = || {
            let place = |metadata: std::io::Result<Metadata>| metadata.ok().map(|m| (m.dev(), m.ino()));
            let now = place(std::fs::metadata(&path));
            now.is_some() && now == place(index.metadata())
        };
        for _ in 0..MOST_TRIES {
            let locked = match index.try_lock_shared() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(e)) => return Err(Error::io("lock the file", &path, &e)),
            };
            if !is_there() {
                return Err(gone());
            }
            if locked {
                return Ok(Pin { prefix: prefix.to_owned(), index });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(Error::new(Code::Unavailable, Reason::Locked, "somebody has been about to remove this checkpoint for long")
            .in_file(prefix))
    }

    /// Holds the latest checkpoint of `directory`; None when there is none.
    ///
    /// # Errors
    /// `DATA_LOSS` when the state file cannot be understood.
    pub fn latest(directory: impl AsRef<Path>) -> Result<Option<Pin>> {
        let directory = directory.as_ref();
        let mut last = None;
        loop {
            let Some(latest) = latest_checkpoint(directory)? else { return Ok(None) };
            match Pin::new(&latest) {
                // There may be a newer one by now.
                Err(e) if e.code() == Code::NotFound && last.as_ref() != Some(&latest) => last = Some(latest),
                outcome => return outcome.map(Some),
            }
        }
    }

    /// The prefix of the checkpoint.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }
}
