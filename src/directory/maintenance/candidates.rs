//! The checkpoints of a directory, newest first, and what is wrong with them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::super::files::time_of;
use super::super::mark::is_mark;
use super::order::Numbers;
use crate::allocate::{Room, TryPush};
use crate::bundle::{is_temporary, numbered};
use crate::error::{Code, Error, Reason, Result};
use crate::format::state_file::StateFile;
use crate::log::Listener;
use crate::os_bytes::OsStrExt;
use crate::reader::{
    find_at, listed, path_in, read_state, resolve_beside, verify_located, was_moved, Progress, Verdict, VerifyOptions, STATE_FILE,
};
use crate::storage::Location;

/// A checkpoint that is not whole, or does not exist.
#[derive(Clone, Debug)]
pub struct BrokenCheckpoint {
    /// The prefix.
    pub prefix: PathBuf,
    /// The verdict on it, which is not [`Verdict::Whole`]. A checkpoint that does not exist or
    /// cannot be read counts as damaged.
    pub verdict: Verdict,
    /// The problem that led to the verdict.
    pub problem: Error,
}

/// The state file, with the entries as [`resolve_beside`] finds them; `None` if there is none or it
/// cannot be parsed. The log hears of that, and if the directory was moved.
pub(super) fn understood(directory: &Location, log: &Listener) -> Result<Option<StateFile>> {
    let state = match read_state(directory, OsStr::new(STATE_FILE)) {
        Err(e) if e.errno().is_none() => {
            log.warn([format!("{e}; the state file is ignored")]);
            return Ok(None);
        }
        state => state?,
    };
    let Some(state) = state else { return Ok(None) };
    let mut is_moved = false;
    let state = state.with_paths(&mut |entry| {
        let found = resolve_beside(directory, &entry);
        is_moved |= found.is_moved;
        found.name
    });
    log.warn(is_moved.then(|| was_moved(directory)));
    Ok(Some(state))
}

/// The checkpoints as a state file in the directory would name them: first the latest, then the
/// others that the state file lists, newest first, then all others in the directory, by the numbers
/// in their names, then by the time of writing.
pub(super) fn newest_first(directory: &Location, state: Option<&StateFile>) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    if let Some(state) = state {
        let listed = state.all_model_checkpoint_paths.iter().rev();
        let listed = std::iter::once(&state.model_checkpoint_path).chain(listed);
        names.make_room(1 + state.all_model_checkpoint_paths.len())?;
        names.extend(listed.filter(|name| seen.insert((*name).clone())).cloned());
    }
    let mut others = Vec::new();
    for file in files_in(directory)? {
        if let Some(name) = checkpoint_of(directory, &file).filter(|name| seen.insert(name.clone())) {
            let time = time_of(&path_in(directory, &name));
            others.try_push((Reverse((Numbers::of(&name), time)), name))?;
        }
    }
    crate::sort::sort_by(&mut others, Ord::cmp)?;
    names.extend(others.into_iter().map(|(_, name)| name));
    Ok(names)
}

fn files_in(directory: &Location) -> Result<Vec<OsString>> {
    let io = |e| Error::io("list the directory", directory, &e);
    directory.storage()?.directory(directory, false).and_then(|directory| directory.list()).map_err(io)
}

/// The checkpoint that a file of the directory shows: by the name of an index or of a V1 shard, or
/// because the file is a V1 checkpoint itself.
fn checkpoint_of(directory: &Location, file: &OsStr) -> Option<OsString> {
    if is_temporary(file) || is_mark(file) {
        return None;
    }
    let name = match listed(file) {
        Some(name) if name.is_empty() => ".".into(),
        Some(name) => name,
        None if is_shard(file) => return None,
        None => file.to_owned(),
    };
    match find_at(&path_in(directory, &name)) {
        Ok(found) => found.map(|_| name),
        // The index or a shard shows that there is a checkpoint; another file may be anything.
        Err(_) => (name != file).then_some(name),
    }
}

/// Whether a name ends as those of the files of a sharded V1 checkpoint do.
fn is_shard(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let dash = |at: &usize| name[*at] == b'-';
    (0..name.len()).filter(dash).any(|at| numbered(&name[at + 1..]).is_some())
}

/// How often a checkpoint is verified that is replaced or removed meanwhile.
const MOST_TRIES: usize = 5;

/// The verdict on the checkpoint `prefix` and the problem that led to it; `None` if it is whole.
pub(super) fn fault_of(
    prefix: &Location,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<BrokenCheckpoint>> {
    let mut verified = || {
        let located = find_at(prefix)?.ok_or_else(|| no_checkpoint(prefix))?;
        verify_located(prefix, located, options, progress)
    };
    let has_changed = |e: &Error| matches!(e.reason(), Reason::Replaced | Reason::Busy | Reason::MissingFile);
    let mut outcome = verified();
    for _ in 1..MOST_TRIES {
        match &outcome {
            Err(e) if has_changed(e) => outcome = verified(),
            _ => break,
        }
    }
    let fault = match outcome {
        Ok(found) => found.problems.into_iter().next().map(|problem| (found.verdict, problem)),
        Err(e) if e.code() == Code::Cancelled || e.is_passing() => return Err(e),
        Err(e) => Some((Verdict::Damaged, e)),
    };
    Ok(fault.map(|(verdict, problem)| BrokenCheckpoint { prefix: prefix.clone().into_path(), verdict, problem }))
}

fn no_checkpoint(prefix: &Path) -> Error {
    Error::new(Code::NotFound, Reason::NoCheckpoint, "there is no checkpoint at this path").in_file(prefix)
}
