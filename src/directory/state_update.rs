//! The new contents of a state file, and how the file names the checkpoints of its directory.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::bundle::{Asked, Locking};
use crate::error::{printable, Error, Result};
use crate::format::state_file::StateFile;
use crate::log::{Listener, Log};
use crate::reader::STATE_FILE;
use crate::Durability;

/// The new contents of a state file.
#[derive(Clone, Debug)]
pub struct StateUpdate {
    latest: PathBuf,
    all: Vec<PathBuf>,
    timestamps: Vec<f64>,
    last_preserved: Option<f64>,
    file_name: OsString,
    pub(super) durability: Durability,
    keep_absolute: bool,
    pub(super) asked: Asked,
    pub(super) log: Listener,
}

impl StateUpdate {
    /// An update that names `latest` as the latest checkpoint, and as the only one unless
    /// [`StateUpdate::all`] adds more.
    pub fn new(latest: impl Into<PathBuf>) -> StateUpdate {
        StateUpdate {
            latest: latest.into(),
            all: Vec::new(),
            timestamps: Vec::new(),
            last_preserved: None,
            file_name: STATE_FILE.into(),
            durability: Durability::Full,
            keep_absolute: false,
            asked: Asked::default(),
            log: Listener::default(),
        }
    }

    /// Sets the listed checkpoints, oldest first. If the list does not end with the latest
    /// checkpoint, the latest is appended.
    pub fn all<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> StateUpdate {
        self.all = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Sets when each listed checkpoint was made, in seconds since the epoch. There must be as many
    /// times as checkpoints, the latest included, or none.
    pub fn timestamps(mut self, timestamps: impl IntoIterator<Item = f64>) -> StateUpdate {
        self.timestamps = timestamps.into_iter().collect();
        self
    }

    /// Sets when the last permanently kept checkpoint was made, in seconds since the epoch.
    pub fn last_preserved(mut self, timestamp: f64) -> StateUpdate {
        self.last_preserved = Some(timestamp);
        self
    }

    /// Sets the name of the state file; `checkpoint` by default (`latest_filename`).
    pub fn file_name(mut self, name: impl Into<OsString>) -> StateUpdate {
        self.file_name = name.into();
        self
    }

    /// Sets what survives a power failure after the call has returned; [`Durability::Full`] by
    /// default.
    pub fn durability(mut self, durability: Durability) -> StateUpdate {
        self.durability = durability;
        self
    }

    /// Sets whether the directory is locked; [`Locking::IfPossible`] by default.
    pub fn locking(mut self, locking: Locking) -> StateUpdate {
        self.asked.locking = Some(locking);
        self
    }

    /// Sets how long to wait while another process or thread changes the state; 60 seconds by
    /// default. Zero fails at once.
    pub fn lock_wait(mut self, limit: Duration) -> StateUpdate {
        self.asked.wait = Some(limit);
        self
    }

    /// Sets the log, which hears that the file system has no locks and the like.
    pub fn log_to(mut self, log: Log) -> StateUpdate {
        self.log = Listener::new(Some(log));
        self
    }

    /// Sets whether absolute paths are written unchanged.
    pub(crate) fn keep_absolute(mut self, keep: bool) -> StateUpdate {
        self.keep_absolute = keep;
        self
    }

    pub(super) fn file_name_of(&self) -> &OsStr {
        &self.file_name
    }

    /// The contents of the state file in `directory`. Checkpoints inside the directory are named
    /// relative to it, so that the directory can be moved.
    pub(super) fn in_directory(&self, directory: &Path) -> Result<StateFile> {
        if Path::new(&self.file_name).file_name() != Some(&self.file_name) {
            return Err(Error::argument("the state file's name must not contain a directory")
                .expecting("a file name", format_args!("\"{}\"", printable(self.file_name.as_encoded_bytes()))));
        }
        let mut all = self.all.clone();
        if all.last() != Some(&self.latest) {
            all.push(self.latest.clone());
        }
        if !self.timestamps.is_empty() && self.timestamps.len() != all.len() {
            return Err(Error::argument("the number of timestamps must be that of the checkpoints")
                .expecting(format_args!("{} timestamps", all.len()), self.timestamps.len())
                .in_file(directory));
        }
        let latest = self.named_from(directory, &self.latest)?;
        if latest == *self.file_name {
            return Err(Error::argument("the checkpoint has the path of the state file: use a different path")
                .in_file(&directory.join(&latest)));
        }
        Ok(StateFile {
            model_checkpoint_path: latest,
            all_model_checkpoint_paths: all.iter().map(|path| self.named_from(directory, path)).collect::<Result<_>>()?,
            all_model_checkpoint_timestamps: self.timestamps.clone(),
            last_preserved_timestamp: self.last_preserved,
        })
    }

    fn named_from(&self, directory: &Path, path: &Path) -> Result<OsString> {
        if self.keep_absolute && path.is_absolute() {
            Ok(path.as_os_str().to_owned())
        } else {
            named_from(directory, path)
        }
    }
}

/// The path by which a state file in `directory` names `path`.
fn named_from(directory: &Path, path: &Path) -> Result<OsString> {
    if path.is_relative() && directory.is_absolute() {
        return Ok(path.as_os_str().to_owned());
    }
    let (from, to) = (plain(directory)?, plain(path)?);
    // The prefix of a checkpoint without a name ends in a slash. TensorFlow writes `.` for it.
    let is_nameless = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if let Ok(inside) = to.strip_prefix(&from) {
        return Ok(match (is_nameless, inside.as_os_str().is_empty()) {
            (true, true) => ".".into(),
            (true, false) => inside.join("").into_os_string(),
            (false, _) => inside.as_os_str().to_owned(),
        });
    }
    if path.is_absolute() {
        return Ok(path.as_os_str().to_owned());
    }
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    Ok(up.chain(to.components().skip(common)).collect::<PathBuf>().into_os_string())
}

/// The absolute form of `path`, without `.` and `..`. Links are not resolved.
pub(super) fn plain(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(|e| Error::io("find the working directory", path, &e))?;
    let mut plain = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    Ok(plain)
}
