//! The records of a manager: the managed checkpoints, the step of the last save, and the
//! directory's lock.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::options::{ManagerOptions, ManagerSaveOptions, Number};
use crate::background::Meter;
use crate::bundle::{Access, Claim, Durability, Held, Locking, Notes};
use crate::checkpoint::{numbered, SaveOptions, Severity};
use crate::directory::{checkpoint_exists, Ledger, Recording, Retention};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::Nodes;
use crate::reader::find_at;
use crate::storage::{lock_of, Directory, Location, Origin, Place, Storage};

/// The part of a manager that a background save needs. It does not own the checkpoint, because
/// dropping the last handle of a checkpoint waits for that save.
pub(super) struct Books {
    pub directory: Location,
    pub options: ManagerOptions,
    pub rule: Retention,
    pub state: Mutex<State>,
    pub steps: Mutex<Steps>,
    /// What there is to say about locks.
    pub notes: Notes,
    /// What the last save costs.
    pub meter: Mutex<Meter>,
    pub origin: Origin,
}

/// The steps at which the manager saved. They have their own lock, so that reading them never waits
/// while files are being removed.
#[derive(Default)]
pub(super) struct Steps {
    /// The step of the last save.
    pub last: Option<i64>,
    /// The step of a save that is running in the background.
    pub running: Option<i64>,
}

/// A save whose number is determined.
#[derive(Clone)]
pub(super) struct Next {
    pub path: Location,
    /// Whether a checkpoint with this path existed before.
    pub was_there: bool,
    pub step: Option<i64>,
    pub metric: Option<f64>,
    pub durability: Durability,
    pub access: Access,
}

/// A running background save. Dropping it marks the save as ended.
pub(super) struct Running(pub Arc<Books>);

impl Running {
    pub fn new(books: &Arc<Books>, step: Option<i64>) -> Running {
        books.steps.lock().running = step;
        Running(books.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.steps.lock().running = None;
    }
}

/// The state that is locked while files are written and removed.
pub(super) struct State {
    pub ledger: Ledger,
    /// Checkpoints that exist although writing them failed, with the time of each. They are not
    /// recorded yet.
    pub unrecorded: Vec<(OsString, f64)>,
    /// What the directory was when its state was last read, if it lists checkpoints, and when its
    /// lock was taken.
    pub place: Option<Place>,
    /// The lock of the directory's manager, owned from the first save on.
    pub held: Option<Claim>,
}

impl Books {
    /// The state, for functions that only look; `None` in a forked child that cannot have it.
    pub fn peek(&self) -> Option<MutexGuard<'_, State>> {
        lock_of(&self.state, self.origin)
    }

    /// The current step; `None` if the manager does not save by steps.
    pub fn step(&self, nodes: &Nodes, options: &ManagerSaveOptions) -> Result<Option<i64>> {
        match (self.options.checkpoint_interval, options.step, self.options.step_counter) {
            (None, ..) => Ok(None),
            (Some(_), Some(step), _) => Ok(Some(step)),
            (Some(_), None, Some(counter)) => nodes.read_integer(counter).map(Some),
            (Some(_), None, None) => {
                Err(Error::argument("the step is missing: the manager saves by steps, which each call must give"))
            }
        }
    }

    /// Whether `step` is the step of the last save or, if the options check the interval, fewer
    /// steps than the interval have passed since it.
    pub fn is_too_early(&self, step: i64, options: &ManagerSaveOptions) -> bool {
        let interval = self.options.checkpoint_interval.unwrap_or(0);
        let steps = self.steps.lock();
        steps
            .running
            .or(steps.last)
            .is_some_and(|last| step == last || (options.check_interval && step < last.saturating_add(interval)))
    }

    /// Takes the lock of the directory's manager unless this one already owns it, and then what was
    /// published before and not recorded. Returns how the save takes locks.
    pub fn hold(&self, storage: &dyn Storage, save: &SaveOptions, warnings: &mut Vec<String>) -> Result<Access> {
        let mut access = Access::new(save.write.asked.or(self.options.asked), &self.notes);
        let mut state = self.state.lock();
        self.check_place(&state)?;
        if let Some(Err(e)) = state.held.as_ref().map(Claim::check) {
            warnings.push(format!("{e}; it is taken again, unless another manager has saved since"));
            state.held = None;
        }
        // What could not be locked before, for want of space perhaps, may be lockable now; and
        // until then another manager may have saved.
        let is_for_others = state.held.as_ref().is_none_or(Claim::excludes_processes);
        if !is_for_others && access.asked.locking() != Locking::None {
            state.held = None;
        }
        if state.held.is_none() {
            let held = Held::for_manager(storage, &self.directory, &access)?;
            state.ledger.check_unchanged()?;
            // This program has not resumed from them: it goes past their numbers.
            self.take_up(&mut state.ledger, &*held.directory, warnings)?;
            state.place = place(&self.directory);
            state.held = Some(held.claim);
        }
        access.under = state.held.clone();
        Ok(access)
    }

    /// Fails if the path of the directory no longer leads to the directory that is managed.
    fn check_place(&self, state: &State) -> Result<()> {
        let now = place(&self.directory);
        if state.place.is_none() || state.place == now {
            return Ok(());
        }
        let what = match now {
            None => "the directory of the manager does not exist any more: it was removed or moved",
            Some(_) => "another directory has taken the place of that of the manager",
        };
        let what = format!("{what}; open a manager of the directory that is meant");
        Err(Error::new(Code::FailedPrecondition, Reason::Replaced, what).in_file(&self.directory))
    }

    /// Logs warnings, and what there is to say about locks.
    pub fn warn(&self, warnings: Vec<String>) {
        warnings.into_iter().chain(self.notes.take()).for_each(|text| self.options.log(Severity::Warning, &text));
    }

    /// Takes up what was published before and not recorded. Returns the names.
    fn take_up(&self, ledger: &mut Ledger, directory: &dyn Directory, warnings: &mut Vec<String>) -> Result<Vec<OsString>> {
        let found = ledger
            .take_up(directory, &|| self.options.clock.now())
            .map_err(|e| Error::io("list the directory", &self.directory, &e))?;
        warnings.extend(found.iter().map(|name| {
            let name = printable(name.as_encoded_bytes());
            format!("{name} was saved, but the program ended before it was recorded: it is recorded now")
        }));
        Ok(found)
    }

    /// Returns `number` unless a save under it would replace a checkpoint that the state file does
    /// not list: then the next number at which no checkpoint exists, listed or not.
    pub fn free_number(&self, number: i64, warnings: &mut Vec<String>) -> Result<i64> {
        let mut free = number;
        if self.would_lose(number)? {
            while checkpoint_exists(self.path(free))? {
                free = free.checked_add(1).ok_or_else(|| Error::argument("the save counter is at its maximum"))?;
            }
            let (first, next) = (self.path(number), self.path(free));
            let [first, next] = [first, next].map(|path| printable(path.file_name().unwrap_or_default().as_encoded_bytes()));
            warnings.push(format!("{first} exists, and the state file does not list it: the checkpoint is saved as {next}"));
        }
        Ok(free)
    }

    /// The path of the checkpoint with this number.
    pub fn path(&self, number: i64) -> Location {
        numbered(&self.directory.join(&self.options.checkpoint_name), number)
    }

    fn would_lose(&self, number: i64) -> Result<bool> {
        let state = self.state.lock();
        let path = self.path(number);
        let name = path.file_name().unwrap_or_default();
        let is_known = state.ledger.lists(name) || state.unrecorded.iter().any(|(unrecorded, _)| unrecorded == name);
        Ok(!is_known && checkpoint_exists(&path)?)
    }

    /// Reads what other programs have saved, unless the manager owns the lock and no other program
    /// can save.
    pub fn refresh(&self) -> Result<()> {
        let now = self.options.clock.now();
        let mut warnings = Vec::new();
        let mut state = self.state.lock();
        let refreshed = match state.held {
            None => state.ledger.refresh(now, &mut warnings).and_then(|()| {
                match self.directory.storage()?.directory(&self.directory, false) {
                    Ok(directory) => {
                        let found = self.take_up(&mut state.ledger, &*directory, &mut warnings)?;
                        state.ledger.may_replace(found);
                        Ok(())
                    }
                    Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
                    Err(e) => Err(Error::io("open the directory", &self.directory, &e)),
                }
            }),
            Some(_) => Ok(()),
        };
        drop(state);
        warnings.iter().for_each(|text| self.options.log(Severity::Warning, text));
        refreshed
    }

    /// The number that the options give; `None` for that of the save counter.
    pub fn number(&self, nodes: &Nodes, options: &ManagerSaveOptions) -> Result<Option<i64>> {
        match options.number {
            None => Ok(None),
            Some(Number::Value(number)) => Ok(Some(number)),
            Some(Number::Of(node)) => nodes.read_integer(node).map(Some),
        }
    }

    /// Records a checkpoint whose writing ended with `written`.
    ///
    /// Even if writing failed, there may be a new checkpoint: a callback failed after it was
    /// complete, or the directory could not be synced. In that case the next save records the
    /// checkpoint, so that it expires in its turn.
    pub fn settle(&self, storage: &dyn Storage, next: &Next, written: Result<()>, warnings: &mut Vec<String>) -> Result<()> {
        let now = self.options.clock.now();
        let name = next.path.file_name().unwrap_or_default();
        if written.is_err() {
            let is_own = written.as_ref().is_err_and(|e| e.reason() != Reason::Replaced);
            if is_own && !next.was_there && is_there(&next.path) {
                self.state.lock().unrecorded.push((name.to_owned(), now));
            }
            return written;
        }
        let mut state = self.state.lock();
        for (name, time) in std::mem::take(&mut state.unrecorded) {
            state.ledger.adopt(&name, time);
        }
        let mut how = Recording { storage, durability: next.durability, access: &next.access, rule: &self.rule, warnings };
        state.ledger.record(name, now, next.metric, &mut how)
    }
}

/// What identifies a directory; `None` if there is none.
pub(super) fn place(directory: &Location) -> Option<Place> {
    directory.status().map(|found| found.version.place())
}

pub(super) fn is_there(path: &Location) -> bool {
    matches!(find_at(path), Ok(Some(_)))
}
