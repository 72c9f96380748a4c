//! Repairing a state file: making a new one from the valid checkpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::files::version_of;
use super::super::session::Session;
use super::candidates::{fault_of, newest_first, understood, BrokenCheckpoint};
use crate::allocate::{copy, list_of, Room, TryPush};
use crate::bundle::{open, Access, Asked, Held, Locking, Notes};
use crate::error::{Code, Error, Reason, Result};
use crate::format::state_file::StateFile;
use crate::log::{Listener, Log};
use crate::reader::{path_in, read_state, small_file, Progress, Verdict, VerifyOptions, STATE_FILE};
use crate::storage::{File, Location, Storage, Version};
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

/// Options of [`repair_checkpoint_state`].
#[derive(Clone, Debug, Default)]
pub struct RepairOptions {
    verify: VerifyOptions,
    dry_run: bool,
    asked: Asked,
    log: Listener,
}

impl RepairOptions {
    /// Creates options with the defaults.
    pub fn new() -> RepairOptions {
        RepairOptions::default()
    }

    /// Sets how checkpoints are verified.
    pub fn verify(mut self, options: VerifyOptions) -> RepairOptions {
        self.verify = options;
        self
    }

    /// Only returns what the state file would be, and takes no lock. False by default.
    pub fn dry_run(mut self, dry_run: bool) -> RepairOptions {
        self.dry_run = dry_run;
        self
    }

    /// Sets whether the directory is locked; [`Locking::IfPossible`] by default.
    pub fn locking(mut self, locking: Locking) -> RepairOptions {
        self.asked.locking = Some(locking);
        self
    }

    /// Sets how long to wait while another process or thread changes the state; 60 seconds by
    /// default. Zero fails at once. The lock of the directory's manager is not waited for.
    pub fn lock_wait(mut self, limit: Duration) -> RepairOptions {
        self.asked.wait = Some(limit);
        self
    }

    /// Sets the log, which hears that the directory was moved, that the file system has no locks
    /// and the like. By default it is that of the options of verifying.
    pub fn log_to(mut self, log: Log) -> RepairOptions {
        self.log = Listener::new(Some(log));
        self
    }
}

/// Writes a state file for `directory` that lists only valid checkpoints: [whole](Verdict::Whole)
/// ones or, only if there is none, [incomplete](Verdict::Incomplete) ones; never sections. Only the
/// state file is changed; in a dry run, nothing is.
///
/// If there is a state file that can be parsed, the new one lists the valid ones among its
/// checkpoints; if there are none, the newest valid checkpoint of the directory. Otherwise it lists
/// all valid checkpoints of the directory. Checkpoints that were not listed before are not recorded
/// as managed, so that no manager removes one that was meant to stay.
///
/// While checkpoints are verified, no manager gets the directory, but other programs may change its
/// state. If one does, the checkpoints that changed are verified again.
///
/// # Errors
/// * `NOT_FOUND`: the directory does not exist, or contains no valid checkpoint (`NoCheckpoint`).
/// * `UNAVAILABLE` (`Locked`): a manager has the directory, or somebody changes its state and did
///   not end in time ([`RepairOptions::lock_wait`]).
/// * `CANCELLED` (`Callback`): `progress` stopped the search.
/// * `RESOURCE_EXHAUSTED`: the process or the system has no memory or file handles to spare.
/// * `DATA_LOSS` (`Replaced`) or `UNAVAILABLE` (`Busy`): a checkpoint was replaced each time before
///   it could be verified, or the directory changed each time before its state could be written.
pub fn repair_checkpoint_state(
    directory: impl AsRef<Path>,
    options: &RepairOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RepairedState> {
    let directory = Location::of(directory)?;
    repair_on(&*directory.storage()?, &directory, options, progress)
}

pub(crate) fn repair_on(
    storage: &dyn Storage,
    directory: &Location,
    options: &RepairOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RepairedState> {
    let log = if options.log.log().is_some() { &options.log } else { &options.verify.log };
    let mut access = Access::new(options.asked, &Notes::default());
    let repaired = repair(storage, directory, options, log, &mut access, progress);
    log.warn(access.notes.take());
    repaired
}

fn repair(
    storage: &dyn Storage,
    directory: &Location,
    options: &RepairOptions,
    log: &Listener,
    access: &mut Access,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<RepairedState> {
    if !options.dry_run {
        open(storage, directory, false)?; // it is not created
        access.under = Some(Held::for_manager(storage, directory, access)?.claim);
    }
    let mut verified = Verified::default();
    let mut before = understood(directory, log)?;
    for _ in 0..MOST_TRIES {
        let (repaired, state) = verified.state_of(directory, before.as_ref(), &options.verify, progress)?;
        if options.dry_run || !repaired.is_new {
            return Ok(repaired);
        }
        // Verifying takes long, so nobody has had to wait for it.
        let session = Session::begin(storage, directory, Durability::Full, access)?;
        let now = understood(directory, &Listener::default())?;
        if now == before && verified.is_still_so(directory, now.as_ref())? {
            session.publish(OsStr::new(STATE_FILE), state.to_text()?.as_bytes())?;
            session.sync(false)?;
            return Ok(repaired);
        }
        before = now;
    }
    let what = "the directory changed each time before its state file could be written";
    Err(Error::new(Code::Unavailable, Reason::Busy, what).in_file(directory))
}

/// How often the checkpoints of a directory are looked at that changes meanwhile.
const MOST_TRIES: usize = 5;

/// What was found out about the checkpoints of a directory.
#[derive(Default)]
struct Verified {
    checked: BTreeMap<OsString, Checked>,
    /// Those among them that the state file was made of, or without.
    used: BTreeSet<OsString>,
    /// The checkpoints in the directory, if those counted that the state file does not list.
    all: Option<Vec<OsString>>,
}

/// A checkpoint that was verified.
struct Checked {
    /// What its index was before that; `None` if it could not be found.
    version: Option<Version>,
    /// `None` if it is whole.
    fault: Option<BrokenCheckpoint>,
}

impl Verified {
    /// Makes a state file of the valid checkpoints.
    fn state_of(
        &mut self,
        directory: &Location,
        before: Option<&StateFile>,
        options: &VerifyOptions,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<(RepairedState, StateFile)> {
        let mut broken = Vec::new();
        let (mut whole, mut incomplete) = (Vec::new(), Vec::new());
        let paths = newest_first(directory, before)?;
        self.all = None;
        self.used.clear();
        for path in &paths {
            let is_listed = before.is_none_or(|state| is_in(state, path));
            // Unlisted checkpoints count only if none of the listed ones is valid.
            if !is_listed && !whole.is_empty() {
                break;
            }
            if before.is_none() || !is_listed {
                self.all = Some(self.all.take().map_or_else(|| copy(&paths), Ok)?);
            }
            self.used.insert(path.clone());
            match self.fault_of(directory, path, options, progress)? {
                None => whole.try_push(path.clone())?,
                Some(fault) => {
                    if fault.verdict == Verdict::Incomplete && (is_listed || incomplete.is_empty()) {
                        incomplete.try_push(path.clone())?;
                    }
                    broken.try_push(fault.clone())?;
                }
            }
        }
        let mut whole = if whole.is_empty() { incomplete } else { whole };
        whole.reverse();
        let Some(latest) = whole.last().cloned() else {
            let what = "the directory contains no valid checkpoint";
            return Err(Error::new(Code::NotFound, Reason::NoCheckpoint, what).in_file(directory));
        };
        let state = match before {
            Some(before) => remade(before, &latest, &whole)?,
            None => {
                StateFile { model_checkpoint_path: latest.clone(), all_model_checkpoint_paths: whole, ..StateFile::default() }
            }
        };
        let is_new = match read_state(directory, OsStr::new(STATE_FILE)) {
            Ok(written) => written.as_ref() != Some(&state) || has_byte_order_mark(directory),
            Err(e) if e.is_shortage() => return Err(e),
            Err(_) => true,
        };
        let all = list_of(state.all_model_checkpoint_paths.iter().map(|path| path_in(directory, path).into_path()))?;
        Ok((RepairedState { latest: path_in(directory, &latest).into_path(), all, is_new, broken }, state))
    }

    /// What is wrong with a checkpoint; `None` if it is whole. It is not verified again unless it
    /// has changed.
    fn fault_of(
        &mut self,
        directory: &Location,
        path: &OsString,
        options: &VerifyOptions,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Option<&BrokenCheckpoint>> {
        let prefix = path_in(directory, path);
        let version = version_of(&prefix);
        let is_known = self.checked.get(path).is_some_and(|known| version.is_some() && known.version == version);
        if !is_known {
            let fault = fault_of(&prefix, options, progress)?;
            self.checked.insert(path.clone(), Checked { version, fault });
        }
        Ok(self.checked.get(path).and_then(|known| known.fault.as_ref()))
    }

    /// Whether what was verified still is what it was.
    fn is_still_so(&self, directory: &Location, state: Option<&StateFile>) -> Result<bool> {
        let is_unchanged = |(path, known): (&OsString, &Checked)| version_of(&path_in(directory, path)) == known.version;
        let is_all = || self.all.as_ref().map_or(Ok(true), |all| newest_first(directory, state).map(|now| now == *all));
        Ok(self.checked.iter().filter(|(path, _)| self.used.contains(*path)).all(is_unchanged) && is_all()?)
    }
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
    let mut seen = BTreeSet::new();
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
