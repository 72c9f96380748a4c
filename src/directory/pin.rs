//! Holding a checkpoint so that no manager removes it.
//!
//! The hold is a shared lock on the index file, which dies with its process and needs no right to write. Who removes a checkpoint takes
//! the exclusive lock first.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::bundle::index_path;
use crate::error::{Code, Error, Reason, Result};
use crate::reader::{find_at, latest_checkpoint, Located};
use crate::storage;

/// A checkpoint that is held: no manager of this library removes it, in whatever process, until the value is dropped or its process ends. It can
/// still be overwritten by one of the same name, and TensorFlow knows nothing of holds.
#[derive(Debug)]
pub struct Pin {
    prefix: PathBuf,
    _index: File,
}

impl Pin {
    /// Holds the checkpoint `prefix`.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such checkpoint, or it is being removed.
    pub fn new(prefix: impl AsRef<Path>) -> Result<Pin> {
        let prefix = prefix.as_ref();
        let gone = || {
            Error::new(Code::NotFound, Reason::NoCheckpoint, "there is no checkpoint at this path, or it is being removed").in_file(prefix)
        };
        let path = match find_at(prefix)?.ok_or_else(gone)? {
            Located::V2(prefix) => index_path(&prefix),
            Located::V1 { files, .. } => files.into_iter().next().ok_or_else(gone)?,
        };
        let file = storage::File::open(&path)?;
        let index = file.as_file().try_clone().map_err(|e| Error::io("hold the file", &path, &e))?;
        match index.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(gone()),
            Err(TryLockError::Error(e)) => return Err(Error::io("lock the file", &path, &e)),
        }
        // It may have been removed between the two.
        match (std::fs::metadata(&path), index.metadata()) {
            (Ok(now), Ok(held)) if (now.dev(), now.ino()) == (held.dev(), held.ino()) => {
                Ok(Pin { prefix: prefix.to_owned(), _index: index })
            }
            _ => Err(gone()),
        }
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
