//! The newest checkpoint that is whole, and a new state file made of those that are.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::ledger::owned;
use super::session::Session;
use crate::error::{Code, Error, Reason, Result};
use crate::format::state_file::StateFile;
use crate::reader::{find_at, read_state, verify, Progress, VerifyOptions, STATE_FILE};
use crate::storage::{Local, Storage};
use crate::Durability;

/// A checkpoint that is not whole, or not there.
#[derive(Debug)]
pub struct BrokenCheckpoint {
    /// Its prefix.
    pub prefix: PathBuf,
    /// The first thing that is wrong with it.
    pub problem: Error,
}

/// The newest checkpoint of a directory that is whole.
#[derive(Debug, Default)]
pub struct ValidCheckpoint {
    /// Its prefix; none when there is no whole one.
    pub prefix: Option<PathBuf>,
    /// Those that are newer and are not, the newest first.
    pub broken: Vec<BrokenCheckpoint>,
}

/// Finds the newest checkpoint of `directory` that is whole: every checksum of it is compared. Those that the state file names come first, the
/// latest before the others; then, also when there is no state file that can be understood, any others that are there. `progress` is
/// called for each checkpoint from its beginning and can stop the search.
///
/// # Errors
/// `NOT_FOUND` when there is no such directory; `CANCELLED` when `progress` stopped it; what the system says when it cannot be looked at.
pub fn latest_valid_checkpoint(
    directory: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<ValidCheckpoint> {
    let directory = directory.as_ref();
    let state = understood(directory)?;
    let mut found = ValidCheckpoint::default();
    for path in newest_first(directory, state.as_ref())? {
        let prefix = directory.join(path);
        match first_problem(&prefix, options, progress)? {
            None => {
                found.prefix = Some(prefix);
                break;
            }
            Some(problem) => found.broken.push(BrokenCheckpoint { prefix, problem }),
        }
    }
    Ok(found)
}

/// A state file that was made anew.
#[derive(Debug)]
pub struct RepairedState {
    /// The latest checkpoint that it names.
    pub latest: PathBuf,
    /// Every checkpoint that it lists, oldest first.
    pub all: Vec<PathBuf>,
    /// Whether it differs from the one before.
    pub is_new: bool,
    /// Checkpoints that it does not list since they are not whole, the newest first.
    pub broken: Vec<BrokenCheckpoint>,
}

/// Makes a state file for `directory` that names what is whole: of the checkpoints that the state file lists, where there is one that can be
/// understood; else of all that are there. The latter are listed as nobody's, so that no manager removes what may have been meant to stay.
/// Nothing but the state file is changed; with `dry_run` not even that.
///
/// # Errors
/// * `NOT_FOUND` when there is no such directory, or no whole checkpoint in it.
/// * `UNAVAILABLE` when another process has the directory's lock; `CANCELLED` when `progress` stopped it.
pub fn repair_checkpoint_state(
    directory: impl AsRef<Path>,
    dry_run: bool,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RepairedState> {
    repair_on(&Local, directory.as_ref(), dry_run, options, progress)
}

fn repair_on(
    storage: &dyn Storage,
    directory: &Path,
    dry_run: bool,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RepairedState> {
    let session = match dry_run {
        true => None,
        false => Some(Session::begin(storage, directory, Durability::Full)?),
    };
    let before = understood(directory)?;
    let mut broken = Vec::new();
    let mut whole = Vec::new();
    for path in newest_first(directory, before.as_ref())? {
        let is_listed = before.as_ref().is_none_or(|state| is_in(state, &path));
        // What the state file does not list counts only where nothing that it lists is left.
        if !is_listed && !whole.is_empty() {
            break;
        }
        let prefix = directory.join(&path);
        match first_problem(&prefix, options, progress)? {
            None => whole.push(path),
            Some(problem) => broken.push(BrokenCheckpoint { prefix, problem }),
        }
    }
    whole.reverse();
    let Some(latest) = whole.last().cloned() else {
        return Err(
            Error::new(Code::NotFound, Reason::NoCheckpoint, "there is no whole checkpoint in this directory").in_file(directory)
        );
    };
    let state = match &before {
        Some(before) => remade(before, &latest, &whole),
        None => StateFile { model_checkpoint_path: latest.clone(), all_model_checkpoint_paths: whole, ..StateFile::default() },
    };
    let is_new = before.as_ref() != Some(&state);
    if let Some(session) = session.filter(|_| is_new) {
        session.publish(OsStr::new(STATE_FILE), state.to_text().as_bytes())?;
        session.sync(false)?;
    }
    let all = state.all_model_checkpoint_paths.iter().map(|path| directory.join(path)).collect();
    Ok(RepairedState { latest: directory.join(latest), all, is_new, broken })
}

/// A state file without those that are not whole. Those that stay keep their places and times.
fn remade(before: &StateFile, latest: &OsStr, whole: &[OsString]) -> StateFile {
    let times = before.all_model_checkpoint_timestamps.iter().copied().map(Some).chain(std::iter::repeat(None));
    let mut rows: Vec<(OsString, Option<f64>)> =
        before.all_model_checkpoint_paths.iter().cloned().zip(times).filter(|(path, _)| whole.contains(path)).collect();
    if rows.last().is_none_or(|(path, _)| path != latest) {
        rows.retain(|(path, _)| path != latest);
        rows.push((latest.to_owned(), before.last_preserved_timestamp));
    }
    let timestamps: Option<Vec<f64>> = rows.iter().map(|(_, time)| *time).collect();
    StateFile {
        model_checkpoint_path: latest.to_owned(),
        all_model_checkpoint_paths: rows.into_iter().map(|(path, _)| path).collect(),
        all_model_checkpoint_timestamps: timestamps
            .filter(|_| !before.all_model_checkpoint_timestamps.is_empty())
            .unwrap_or_default(),
        last_preserved_timestamp: before.last_preserved_timestamp,
    }
}

/// The state file, if there is one that can be understood.
fn understood(directory: &Path) -> Result<Option<StateFile>> {
    match read_state(directory, OsStr::new(STATE_FILE)) {
        Err(e) if e.errno().is_none() => Ok(None),
        state => state,
    }
}

fn is_in(state: &StateFile, path: &OsStr) -> bool {
    state.model_checkpoint_path == path || state.all_model_checkpoint_paths.iter().any(|listed| listed == path)
}

/// The checkpoints of a directory by their paths from it: the latest, the others that the state file lists, newest first, then all that are there.
fn newest_first(directory: &Path, state: Option<&StateFile>) -> Result<Vec<OsString>> {
    let mut paths: Vec<OsString> = Vec::new();
    if let Some(state) = state {
        let listed = state.all_model_checkpoint_paths.iter().rev();
        for path in std::iter::once(&state.model_checkpoint_path).chain(listed) {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
    }
    let mut others = Vec::new();
    let io = |e| Error::io("list the directory", directory, &e);
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let Some(base) = name.as_bytes().strip_suffix(b".index").map(OsStr::from_bytes) else { continue };
        let is_listed = paths.iter().any(|path| Path::new(path).file_name() == Some(base));
        if !is_listed && !base.is_empty() && matches!(find_at(&directory.join(base)), Ok(Some(_)) | Err(_)) {
            others.push(base.to_owned());
        }
    }
    sort_newest_first(directory, &mut others);
    paths.extend(others);
    Ok(paths)
}

/// By number, where all were numbered under one name; else by the time at which they were written.
fn sort_newest_first(directory: &Path, names: &mut Vec<OsString>) {
    let numbered = |name: &OsString| -> Option<(Vec<u8>, i64)> {
        let name = owned(name)?.as_bytes();
        let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let number = std::str::from_utf8(&name[name.len() - digits..]).ok()?.parse::<i64>().ok()?;
        let stem = &name[..name.len() - digits - 1];
        // TensorFlow writes a negative number as `ckpt--5`.
        Some(match stem.strip_suffix(b"-") {
            Some(stem) => (stem.to_vec(), -number),
            None => (stem.to_vec(), number),
        })
    };
    let numbers: Option<Vec<(Vec<u8>, i64)>> = names.iter().map(numbered).collect();
    match numbers {
        Some(numbers) if numbers.windows(2).all(|pair| pair[0].0 == pair[1].0) => {
            crate::sort::sort_by_key(names, |name| std::cmp::Reverse(numbered(name).map_or(0, |(_, number)| number)));
        }
        _ => {
            let time = |name: &OsString| {
                let index = crate::bundle::index_path(&directory.join(name));
                std::fs::metadata(index).and_then(|metadata| metadata.modified()).ok()
            };
            let mut timed: Vec<_> = names.drain(..).map(|name| (std::cmp::Reverse(time(&name)), name)).collect();
            crate::sort::sort_by(&mut timed, Ord::cmp);
            names.extend(timed.into_iter().map(|(_, name)| name));
        }
    }
}

/// The first thing that is wrong with a checkpoint.
fn first_problem(
    prefix: &Path,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Error>> {
    let problem = match verify(prefix, options, progress) {
        Ok(found) => found.problems.into_iter().next(),
        Err(e) if e.code() == Code::Cancelled => return Err(e),
        Err(e) => Some(e),
    };
    match problem {
        // That says nothing of the checkpoint.
        Some(e) if matches!(e.errno(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM)) => Err(e),
        problem => Ok(problem),
    }
}
