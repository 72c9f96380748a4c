//! A new state file, made of the checkpoints that are whole.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::super::session::Session;
use super::candidates::{first_problem, newest_first, understood};
use super::latest_valid::BrokenCheckpoint;
use crate::error::{Code, Error, Reason, Result};
use crate::format::state_file::StateFile;
use crate::reader::{Progress, VerifyOptions, STATE_FILE};
use crate::storage::{Local, Storage};
use crate::Durability;

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
    let session = if dry_run { None } else { Some(Session::begin(storage, directory, Durability::Full)?) };
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

fn is_in(state: &StateFile, path: &OsStr) -> bool {
    state.model_checkpoint_path == path || state.all_model_checkpoint_paths.iter().any(|listed| listed == path)
}
