//! What a state file is to say, and how it names the checkpoints of its directory.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use crate::error::{printable, Error, Result};
use crate::format::state_file::StateFile;
use crate::reader::STATE_FILE;
use crate::Durability;

/// What a state file is to say.
#[derive(Clone, Debug)]
pub struct StateUpdate {
    latest: PathBuf,
    all: Vec<PathBuf>,
    timestamps: Vec<f64>,
    last_preserved: Option<f64>,
    file_name: OsString,
    pub(super) durability: Durability,
    keep_absolute: bool,
}

impl StateUpdate {
    /// A state file that names `latest` as the latest checkpoint, and as the only one unless [`StateUpdate::all`] says more.
    pub fn new(latest: impl Into<PathBuf>) -> StateUpdate {
        StateUpdate {
            latest: latest.into(),
            all: Vec::new(),
            timestamps: Vec::new(),
            last_preserved: None,
            file_name: STATE_FILE.into(),
            durability: Durability::Full,
            keep_absolute: false,
        }
    }

    /// Every checkpoint kept, oldest first. The latest is added when the list does not end with it.
    pub fn all<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> StateUpdate {
        self.all = paths.into_iter().map(Into::into).collect();
        self
    }

    /// When each of them was made, in seconds since the epoch: as many as there are paths, or none.
    pub fn timestamps(mut self, timestamps: impl IntoIterator<Item = f64>) -> StateUpdate {
        self.timestamps = timestamps.into_iter().collect();
        self
    }

    /// When the last checkpoint that is kept for good was made.
    pub fn last_preserved(mut self, timestamp: f64) -> StateUpdate {
        self.last_preserved = Some(timestamp);
        self
    }

    /// Another name for the state file than `checkpoint` (`latest_filename`).
    pub fn file_name(mut self, name: impl Into<OsString>) -> StateUpdate {
        self.file_name = name.into();
        self
    }

    /// What survives a power cut when the call has returned.
    pub fn durability(mut self, durability: Durability) -> StateUpdate {
        self.durability = durability;
        self
    }

    /// Whether absolute paths are written as they are.
    pub(crate) fn keep_absolute(mut self, keep: bool) -> StateUpdate {
        self.keep_absolute = keep;
        self
    }

    pub(super) fn file_name_of(&self) -> &OsStr {
        &self.file_name
    }

    /// The state file's content in `directory`: what lies in the directory is named from it, so that the directory can be moved.
    pub(super) fn in_directory(&self, directory: &Path) -> Result<StateFile> {
        if Path::new(&self.file_name).file_name() != Some(&self.file_name) {
            return Err(Error::argument("the state file's name must be a name without directories")
                .expecting("a file name", format_args!("\"{}\"", printable(self.file_name.as_encoded_bytes()))));
        }
        let mut all = self.all.clone();
        if all.last() != Some(&self.latest) {
            all.push(self.latest.clone());
        }
        if !self.timestamps.is_empty() && self.timestamps.len() != all.len() {
            return Err(Error::argument("checkpoint timestamps, if given, must match the paths")
                .expecting(format_args!("{} timestamps", all.len()), self.timestamps.len())
                .in_file(directory));
        }
        let latest = self.named_from(directory, &self.latest)?;
        if latest == *self.file_name {
            return Err(Error::argument("the checkpoint's path is that of the state file; please use a different path")
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

/// How a state file in `directory` names `path`.
fn named_from(directory: &Path, path: &Path) -> Result<OsString> {
    if path.is_relative() && directory.is_absolute() {
        return Ok(path.as_os_str().to_owned());
    }
    let (from, to) = (plain(directory)?, plain(path)?);
    if let Ok(inside) = to.strip_prefix(&from) {
        return Ok(inside.as_os_str().to_owned());
    }
    if path.is_absolute() {
        return Ok(path.as_os_str().to_owned());
    }
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    Ok(up.chain(to.components().skip(common)).collect::<PathBuf>().into_os_string())
}

/// `path` from the root on, without `.` and `..`; links are not looked at.
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
