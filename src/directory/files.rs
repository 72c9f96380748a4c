//! Checkpoints as files: whether one exists, when it was written, removing it.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use super::removal::{remove_files, with_suffix};
use super::session::Session;
use crate::bundle::{directory_and_name, index_path, number_of, open, Access, Asked, Claim, Locking, Notes};
use crate::error::{Code, Error, Reason, Result};
use crate::log::{Listener, Log};
use crate::os_bytes::OsStrExt;
use crate::reader::{files_of_pattern, find_at, Located};
use crate::storage::{Location, Storage, Version, What};
use crate::Durability;

/// Whether there is a checkpoint at `prefix`: in format V2 by its index, in format V1 by its file
/// or the pattern of its files (`tf.train.checkpoint_exists`). Nothing else of it is checked.
///
/// # Errors
/// The operating system's error: the files cannot be accessed.
pub fn checkpoint_exists(prefix: impl AsRef<Path>) -> Result<bool> {
    Ok(files_at(&Location::of(prefix)?)?.is_some())
}

/// When each of the checkpoints at `prefixes` was written, in seconds since the epoch
/// (`tf.train.get_checkpoint_mtimes`). Checkpoints that do not exist are left out.
///
/// # Errors
/// The operating system's error: the files cannot be accessed.
pub fn checkpoint_mtimes<P: AsRef<Path>>(prefixes: impl IntoIterator<Item = P>) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for prefix in prefixes {
        times.extend(modified(&Location::of(prefix)?)?.map(|version| version.modified()));
    }
    Ok(times)
}

/// The version of the index of the checkpoint at `prefix`, or of its first file, which says when it
/// was written; `None` if it does not exist.
fn modified(prefix: &Location) -> Result<Option<Version>> {
    let file = match files_at(prefix)? {
        Some(Located::V2(prefix)) => index_path(&prefix),
        Some(Located::V1 { files, .. }) => files.into_iter().next().unwrap_or_default(),
        None => return Ok(None),
    };
    match file.storage()?.status(&file) {
        Ok(found) => Ok(Some(found.version)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("get the time of the file", &file, &e)),
    }
}

/// The same; `None` also if it cannot be determined.
pub(super) fn version_of(prefix: &Location) -> Option<Version> {
    modified(prefix).ok().flatten()
}

/// When the checkpoint at `prefix` was written; `None` if that cannot be determined.
pub(super) fn time_of(prefix: &Location) -> Option<(i64, i64)> {
    version_of(prefix).map(|version| version.time())
}

/// The checkpoint at `prefix`, even if some of its files are missing. A file that is not a
/// checkpoint gives `None`, not an error.
fn files_at(prefix: &Location) -> Result<Option<Located>> {
    match find_at(prefix) {
        Err(e) if e.reason() == Reason::MissingFile => Ok(files_of_pattern(prefix)?
            .map(|(files, _)| Located::V1 { prefix: prefix.clone(), files: files.into_iter().map(|(_, file)| file).collect() })),
        Err(e) if matches!(e.reason(), Reason::Malformed | Reason::NotAFile | Reason::NotACheckpoint) => Ok(None),
        other => other,
    }
}

/// Options of [`remove_checkpoint_with`].
#[derive(Clone, Debug, Default)]
pub struct RemoveOptions {
    asked: Asked,
    log: Listener,
}

impl RemoveOptions {
    /// Creates options with the defaults.
    pub fn new() -> RemoveOptions {
        RemoveOptions::default()
    }

    /// Sets whether the directory is locked; [`Locking::IfPossible`] by default.
    pub fn locking(mut self, locking: Locking) -> RemoveOptions {
        self.asked.locking = Some(locking);
        self
    }

    /// Sets how long to wait for a lock that another process or thread holds; 60 seconds by
    /// default. Zero fails at once.
    pub fn lock_wait(mut self, limit: Duration) -> RemoveOptions {
        self.asked.wait = Some(limit);
        self
    }

    /// Sets the log, which hears that the file system has no locks and the like.
    pub fn log_to(mut self, log: Log) -> RemoveOptions {
        self.log = Listener::new(Some(log));
        self
    }
}

/// Deletes the checkpoint at `prefix`, V2 or V1, and the `.meta` file that TensorFlow's Saver wrote
/// beside it. The state file is not changed. (`tf.train.remove_checkpoint`)
///
/// The index is deleted first, so that there is no longer a checkpoint when its data is deleted.
/// Only plain files in the prefix's own directory are deleted. Missing files are not an error.
///
/// # Errors
/// * `UNAVAILABLE` (`Locked`): another process or thread is writing this checkpoint, or changes the
///   state of the directory, and did not end within a minute.
/// * The operating system's error: a file cannot be deleted.
pub fn remove_checkpoint(prefix: impl AsRef<Path>) -> Result<()> {
    remove_checkpoint_with(prefix, &RemoveOptions::default())
}

/// Like [`remove_checkpoint`], with options.
///
/// # Errors
/// The errors of [`remove_checkpoint`]. How long locks are waited for, the options say; and if they
/// require locks:
/// * The operating system's error: the directory cannot be locked.
pub fn remove_checkpoint_with(prefix: impl AsRef<Path>, options: &RemoveOptions) -> Result<()> {
    let prefix = Location::of(prefix)?;
    let access = Access::new(options.asked, &Notes::default());
    let removed = remove_on(&*prefix.storage()?, &prefix, &access);
    options.log.warn(access.notes.take());
    removed
}

pub(crate) fn remove_on(storage: &dyn Storage, prefix: &Location, access: &Access) -> Result<()> {
    let (directory, base) = directory_and_name(prefix)?;
    let directory = &directory;
    let opened = match open(storage, directory, false) {
        Err(e) if e.code() == Code::NotFound => return Ok(()),
        opened => opened?,
    };
    let _claim =
        Claim::take(&opened, What::Prefix(number_of(base)), access, Some(access.asked.wait())).map_err(|e| e.in_file(prefix))?;
    let session = Session::begin(storage, directory, Durability::Full, access)?;
    if let Some(Located::V1 { files, .. }) = files_at(prefix)? {
        files.iter().filter_map(|file| file.file_name()).try_for_each(|name| session.remove(name))?;
    }
    remove_files(&session, base)?;
    session.remove(&with_suffix(without_shard(base), ".meta"))
}

/// The prefix without the number of a shard: `model-7` for `model-7-00001-of-00002` and
/// `model-7-?????-of-00002`.
pub(super) fn without_shard(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    let Some(at) = bytes.windows(4).rposition(|w| w == b"-of-") else { return name };
    let shard = bytes[..at].iter().rposition(|b| !b.is_ascii_digit() && *b != b'?').filter(|&i| bytes[i] == b'-' && i + 1 < at);
    match shard {
        Some(i) if at + 4 < bytes.len() && bytes[at + 4..].iter().all(u8::is_ascii_digit) => OsStr::from_bytes(&bytes[..i]),
        _ => name,
    }
}
