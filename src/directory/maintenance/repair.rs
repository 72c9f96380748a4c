//! Repairing a state file: making a new one from the valid checkpoints.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::super::session::Session;
use super::candidates::{fault_of, newest_first, understood, BrokenCheckpoint};
use crate::allocate::{list_of, Room, TryPush};
use crate::bundle::{open, Access, Held};
use crate::error::{Code, Error, Reason, Result};
use crate::format::state_file::StateFile;
use crate::reader::{path_in, read_state, small_file, Progress, Verdict, VerifyOptions, STATE_FILE};
use crate::storage::{File, Location, Storage};
use crate::Durability;

/// The result of [`repair_checkpoint_state`].
#[derive(Debug)]
pub struct RepairedState {
    /// The latest checkpoint of the new state file.
    pub latest: PathBuf,
    /// All checkpoints that the new state file lists, oldest first.
    pub all: Vec<PathBuf>,
    /// Whether the new state file differs from the previous one.
    pub is_new: bool,
    /// The checkpoints that are not whole, newest first. They are not listed, except incomplete
    /// ones if none is whole.
    pub broken: Vec<BrokenCheckpoint>,
}

/// Writes a state file for `directory` that lists only valid checkpoints: [whole](Verdict::Whole)
/// ones or, only if there is none, [incomplete](Verdict::Incomplete) ones; never sections. Only the
/// state file is changed; with `dry_run`, nothing is.
///
/// If there is a state file that can be parsed, the new one lists the valid ones among its
/// checkpoints; if there are none, the newest valid checkpoint of the directory. Otherwise it lists
/// all valid checkpoints of the directory. Checkpoints that were not listed before are not recorded
/// as managed, so that no manager removes one that was meant to stay.
///
/// # Errors
/// * `NOT_FOUND`: the directory does not exist, or contains no valid checkpoint (`NoCheckpoint`).
/// * `UNAVAILABLE` (`Locked`): a manager has the directory, or somebody changes its state and did
///   not end within a minute.
/// * `CANCELLED` (`Callback`): `progress` stopped the search.
/// * `RESOURCE_EXHAUSTED`: the process or the system has no memory or file handles to spare.
/// * `DATA_LOSS` (`Replaced`) or `UNAVAILABLE` (`Busy`): a checkpoint was replaced each time before
///   it could be verified.
pub fn repair_checkpoint_state(
    directory: impl AsRef<Path>,
    dry_run: bool,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RepairedState> {
    let directory = Location::of(directory)?;
    repair_on(&*directory.storage()?, &directory, dry_run, options, progress)
}

fn repair_on(
    storage: &dyn Storage,
    directory: &Location,
    dry_run: bool,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RepairedState> {
    let mut access = Access::default();
    let session = if dry_run {
        None
    } else {
        open(storage, directory, false)?; // it is not created
        access.under = Some(Held::for_manager(storage, directory, &access)?.claim);
        Some(Session::begin(storage, directory, Durability::Full, &access)?)
    };
    let before = understood(directory)?;
    let mut broken = Vec::new();
    let (mut whole, mut incomplete) = (Vec::new(), Vec::new());
    for path in newest_first(directory, before.as_ref())? {
        let is_listed = before.as_ref().is_none_or(|state| is_in(state, &path));
        // Unlisted checkpoints count only if none of the listed ones is valid.
        if !is_listed && !whole.is_empty() {
            break;
        }
        match fault_of(&path_in(directory, &path), options, progress)? {
            None => whole.try_push(path)?,
            Some(fault) => {
                if fault.verdict == Verdict::Incomplete && (is_listed || incomplete.is_empty()) {
                    incomplete.try_push(path)?;
                }
                broken.try_push(fault)?;
            }
        }
    }
    let mut whole = if whole.is_empty() { incomplete } else { whole };
    whole.reverse();
    let Some(latest) = whole.last().cloned() else {
        return Err(
            Error::new(Code::NotFound, Reason::NoCheckpoint, "the directory contains no valid checkpoint").in_file(directory)
        );
    };
    let state = match &before {
        Some(before) => remade(before, &latest, &whole)?,
        None => StateFile { model_checkpoint_path: latest.clone(), all_model_checkpoint_paths: whole, ..StateFile::default() },
    };
    let is_new = match read_state(directory, OsStr::new(STATE_FILE)) {
        Ok(written) => written.as_ref() != Some(&state) || has_byte_order_mark(directory),
        Err(e) if e.is_shortage() => return Err(e),
        Err(_) => true,
    };
    if let Some(session) = session.filter(|_| is_new) {
        session.publish(OsStr::new(STATE_FILE), state.to_text()?.as_bytes())?;
        session.sync(false)?;
    }
    let all = list_of(state.all_model_checkpoint_paths.iter().map(|path| path_in(directory, path).into_path()))?;
    Ok(RepairedState { latest: path_in(directory, &latest).into_path(), all, is_new, broken })
}

/// Whether the state file begins with a byte-order mark, for which TensorFlow takes it for none.
fn has_byte_order_mark(directory: &Location) -> bool {
    let text = File::open(&directory.join(STATE_FILE)).and_then(|file| small_file(&file));
    text.is_ok_and(|text| text.starts_with("\u{feff}".as_bytes()))
}

/// The state file without the checkpoints that are not valid. The others keep their order and
/// times.
fn remade(before: &StateFile, latest: &OsStr, whole: &[OsString]) -> Result<StateFile> {
    let times = before.all_model_checkpoint_timestamps.iter().copied().map(Some).chain(std::iter::repeat(None));
    let mut rows: Vec<(OsString, Option<f64>)> =
        list_of(before.all_model_checkpoint_paths.iter().cloned().zip(times).filter(|(path, _)| whole.contains(path)))?;
    // Of entries that resolve to one checkpoint the last one counts.
    let mut seen = std::collections::BTreeSet::new();
    rows.reverse();
    rows.retain(|(path, _)| seen.insert(path.clone()));
    rows.reverse();
    if rows.last().is_none_or(|(path, _)| path != latest) {
        rows.retain(|(path, _)| path != latest);
        rows.try_push((latest.to_owned(), before.last_preserved_timestamp))?;
    }
    let mut timestamps = Vec::new();
    if !before.all_model_checkpoint_timestamps.is_empty() && rows.iter().all(|(_, time)| time.is_some()) {
        timestamps.make_room(rows.len())?;
        timestamps.extend(rows.iter().filter_map(|(_, time)| *time));
    }
    Ok(StateFile {
        model_checkpoint_path: latest.to_owned(),
        all_model_checkpoint_paths: list_of(rows.into_iter().map(|(path, _)| path))?,
        all_model_checkpoint_timestamps: timestamps,
        last_preserved_timestamp: before.last_preserved_timestamp,
    })
}

fn is_in(state: &StateFile, path: &OsStr) -> bool {
    state.model_checkpoint_path == path || state.all_model_checkpoint_paths.iter().any(|listed| listed == path)
}
