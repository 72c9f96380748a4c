//! Finds the checkpoint that a path stands for, as a user gives it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::locate::{absent, at_prefix, by_file_of_bundle, read_state, Located, STATE_FILE};
use super::resolve::{resolve, Resolved};
use super::OpenOptions;
use crate::error::{printable, Result};
use crate::foreign::explain;
use crate::format::state_file::StateFile;
use crate::storage::Location;

/// The most attempts to find the latest checkpoint while another process saves. No process saves so
/// fast that all of these attempts fail.
pub(super) const MOST_LOOKS: usize = 100;

/// How the path of a checkpoint was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolution {
    /// The prefix of the checkpoint; for a V1 checkpoint, its file or the pattern of its files.
    pub prefix: PathBuf,
    /// The path in the state file that led to the checkpoint, as the state file has it; `None` if
    /// no state file was needed.
    pub entry: Option<OsString>,
    /// Whether that path leads to nothing, and a checkpoint of the same name beside the state file
    /// was taken: the directory was moved.
    pub is_moved: bool,
    /// Whether the path is a directory with a checkpoint and also the prefix of another one.
    pub is_ambiguous: bool,
}

impl Resolution {
    /// Returns what a log should hear of how `path` was understood, a line each.
    pub(crate) fn remarks(&self, path: &Path) -> Vec<String> {
        let [shown, prefix] = [path, &self.prefix].map(|path| printable(path.as_os_str().as_encoded_bytes()));
        let moved = self.entry.as_ref().filter(|_| self.is_moved).map(|entry| {
            let entry = printable(entry.as_encoded_bytes());
            format!("{shown} was moved: its state file names {entry}, which leads to nothing; {prefix} is taken")
        });
        let ambiguous = self
            .is_ambiguous
            .then(|| format!("{shown} is a directory with a checkpoint and also the prefix of another one; {prefix} is taken"));
        moved.into_iter().chain(ambiguous).collect()
    }
}

/// Which checkpoint is taken if a path is both a directory and a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// That of the directory, as by `tf.train.load_checkpoint`.
    Directory,
    /// The one with that prefix, as by `tf.train.Checkpoint.restore`.
    Prefix,
}

/// A checkpoint that was found, and how.
pub(crate) struct Found {
    pub located: Located,
    pub how: Resolution,
}

impl Found {
    fn new(located: Located, entry: Option<OsString>, is_moved: bool) -> Found {
        let (Located::V2(prefix) | Located::V1 { prefix, .. }) = &located;
        let how = Resolution { prefix: prefix.clone().into_path(), entry, is_moved, is_ambiguous: false };
        Found { located, how }
    }

    fn beside(mut self, other: Option<Located>) -> Found {
        self.how.is_ambiguous = other.is_some_and(|other| other != self.located);
        self
    }
}

/// Finds the checkpoint that [`Reader::open`](super::Reader::open) would open at `path`. Only names
/// are looked at, and the state file of a directory.
///
/// # Errors
/// * `NOT_FOUND` (`NoCheckpoint`): there is no checkpoint at `path`; the message lists the
///   checkpoints in the same directory.
/// * `DATA_LOSS`: the state file cannot be parsed, or names no latest checkpoint (`NoCheckpoint`).
pub fn resolve_checkpoint(path: impl AsRef<Path>) -> Result<Resolution> {
    locate(&Location::of(path)?, First::Directory).map(|found| found.how)
}

/// Finds the checkpoint that `path` denotes; [`Reader::open`](super::Reader::open) lists the
/// accepted forms.
pub(crate) fn locate(path: &Location, first: First) -> Result<Found> {
    // A state file that names what is not there is at fault itself; it is nothing else.
    find(path, first).map_err(|e| if e.file() == Some(&**path) { explain(e) } else { e })
}

fn find(path: &Location, first: First) -> Result<Found> {
    let prefix = |located| Found::new(located, None, false);
    if path.is_directory() {
        if first == First::Prefix {
            if let Some(located) = at_prefix(path)? {
                let other = in_directory(path).ok().flatten();
                return Ok(prefix(located).beside(other.map(|other| other.located)));
            }
        }
        if let Some(found) = in_directory(path)? {
            return Ok(found.beside(at_prefix(path).ok().flatten()));
        }
        // The prefix in the directory whose name is empty comes last.
        if let Some(located) = at_prefix(path)?.map_or_else(|| at_prefix(&path.join("")), |located| Ok(Some(located)))? {
            return Ok(prefix(located));
        }
        return Err(absent("the directory has no state file \"checkpoint\" and is not a SavedModel", path, path));
    }
    if let Some(located) = at_prefix(path)?.or(by_file_of_bundle(path)?) {
        return Ok(prefix(located));
    }
    Err(absent("there is no checkpoint at this path", path, &path.directory()))
}

/// Finds the latest checkpoint that the state file of `directory` names: its prefix or, for format
/// V1, its file or the pattern of its files (`tf.train.latest_checkpoint`). Returns `None` if there
/// is no state file, or none of the checkpoint's files exists.
///
/// # Errors
/// `DATA_LOSS`: the state file cannot be parsed, or names no latest checkpoint (`NoCheckpoint`).
pub fn latest_checkpoint(directory: impl AsRef<Path>) -> Result<Option<PathBuf>> {
    latest_checkpoint_with(directory, &OpenOptions::default())
}

/// Like [`latest_checkpoint`], with options, of which the log counts.
///
/// # Errors
/// The errors of [`latest_checkpoint`].
pub fn latest_checkpoint_with(directory: impl AsRef<Path>, options: &OpenOptions) -> Result<Option<PathBuf>> {
    let directory = Location::of(directory)?;
    let Some((latest, remarks)) = latest_in(&directory)? else { return Ok(None) };
    options.log.warn(remarks);
    Ok(latest)
}

/// The latest checkpoint that the state file of `directory` names, if it exists, and what a log
/// should hear of it; `None` if there is no state file.
pub(crate) fn latest_in(directory: &Location) -> Result<Option<(Option<PathBuf>, Vec<String>)>> {
    let Some((state, latest)) = latest_of(directory)? else { return Ok(None) };
    let entry = state.model_checkpoint_path;
    let Some(located) = latest.located else {
        return Ok(Some((None, vec![names_nothing(&directory.join(STATE_FILE), &entry)])));
    };
    let found = Found::new(located, Some(entry), latest.is_moved);
    Ok(Some((Some(latest.path.into_path()), found.how.remarks(directory))))
}

fn names_nothing(state: &Path, entry: &OsStr) -> String {
    let [state, entry] = [state.as_os_str(), entry].map(|text| printable(text.as_encoded_bytes()));
    format!("{state} names {entry}, which does not exist")
}

/// Reads the state file of `directory` and finds the latest checkpoint that it names.
///
/// A manager may save a new checkpoint and remove the old one between the two steps. So if the
/// named checkpoint does not exist, the state file is read again, until it names an existing
/// checkpoint or no longer changes.
fn latest_of(directory: &Location) -> Result<Option<(StateFile, Resolved)>> {
    let mut gone: Option<(StateFile, Resolved)> = None;
    for _ in 0..MOST_LOOKS {
        let Some(state) = read_state(directory, OsStr::new(STATE_FILE))? else { return Ok(None) };
        let latest = resolve(directory, &state.model_checkpoint_path)?;
        let is_same = gone.as_ref().is_some_and(|(before, _)| *before == state);
        gone = Some((state, latest));
        if is_same || gone.as_ref().is_some_and(|(_, latest)| latest.located.is_some()) {
            break;
        }
    }
    Ok(gone)
}

/// The checkpoint of a directory: the latest one of its state file or, without a state file, the
/// variables of a SavedModel.
fn in_directory(directory: &Location) -> Result<Option<Found>> {
    if let Some((state, latest)) = latest_of(directory)? {
        let entry = state.model_checkpoint_path;
        return match latest.located {
            Some(located) => Ok(Some(Found::new(located, Some(entry), latest.is_moved))),
            None => {
                let what = format!("the state file names \"{}\", which does not exist", printable(entry.as_encoded_bytes()));
                Err(absent(&what, &directory.join(STATE_FILE), directory))
            }
        };
    }
    let is_saved_model = ["saved_model.pb", "saved_model.pbtxt"].iter().any(|name| directory.join(name).is_file());
    let variables = || Located::V2(directory.join("variables").join("variables"));
    Ok(is_saved_model.then(|| Found::new(variables(), None, false)))
}
