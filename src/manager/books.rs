//! The books of a manager: what is managed, when it saved, who holds the directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::options::{ManagerOptions, ManagerSaveOptions, Number};
use crate::bundle::{Durability, Held};
use crate::checkpoint::Severity;
use crate::directory::{Ledger, Recording, Retention};
use crate::error::{Error, Result};
use crate::graph::Nodes;
use crate::reader::find_at;
use crate::storage::Storage;

/// What a save in the background needs of a manager. It does not hold the checkpoint, whose last holder waits for that save.
pub(super) struct Books {
    pub directory: PathBuf,
    pub options: ManagerOptions,
    pub rule: Retention,
    pub state: Mutex<State>,
    pub steps: Mutex<Steps>,
}

/// When it saved. It has a lock of its own: a look at it is never held up by files that are being removed.
#[derive(Default)]
pub(super) struct Steps {
    pub last: Option<i64>,
    /// Of a save that is running in the background.
    pub running: Option<i64>,
}

/// A save that has its number.
#[derive(Clone)]
pub(super) struct Next {
    pub path: PathBuf,
    /// Whether there was a checkpoint of this path before.
    pub was_there: bool,
    pub step: Option<i64>,
    pub metric: Option<f64>,
    pub durability: Durability,
}

/// Stands for a save that is running in the background.
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

pub(super) struct State {
    pub ledger: Ledger,
    /// Checkpoints that are there although writing them failed, with the time of each: not recorded yet.
    pub unrecorded: Vec<(OsString, f64)>,
    /// The directory's lock, from the first save on.
    pub held: Option<Held>,
}

impl Books {
    /// The step now, if the manager saves by steps.
    pub fn step(&self, nodes: &Nodes, options: &ManagerSaveOptions) -> Result<Option<i64>> {
        match (self.options.checkpoint_interval, options.step, self.options.step_counter) {
            (None, ..) => Ok(None),
            (Some(_), Some(step), _) => Ok(Some(step)),
            (Some(_), None, Some(counter)) => nodes.read_integer(counter).map(Some),
            (Some(_), None, None) => Err(Error::argument("the manager saves by steps: the step is missing")),
        }
    }

    pub fn is_too_early(&self, step: i64, options: &ManagerSaveOptions) -> bool {
        let interval = self.options.checkpoint_interval.unwrap_or(0);
        let steps = self.steps.lock();
        steps
            .running
            .or(steps.last)
            .is_some_and(|last| step == last || (options.check_interval && step < last.saturating_add(interval)))
    }

    /// Takes the directory's lock, if it is not the manager's yet.
    pub fn hold(&self, storage: &dyn Storage) -> Result<()> {
        let mut state = self.state.lock();
        if state.held.is_none() {
            let held = Held::new(storage, &self.directory, true)?;
            state.ledger.check_unchanged()?;
            state.held = Some(held);
        }
        Ok(())
    }

    /// Sees what other programs have saved, unless nobody else can.
    pub fn refresh(&self) -> Result<()> {
        let now = self.options.clock.now();
        let mut warnings = Vec::new();
        let mut state = self.state.lock();
        let refreshed = match state.held {
            None => state.ledger.refresh(now, &mut warnings),
            Some(_) => Ok(()),
        };
        drop(state);
        warnings.iter().for_each(|text| self.options.log(Severity::Warning, text));
        refreshed
    }

    pub fn number(&self, nodes: &Nodes, options: &ManagerSaveOptions) -> Result<Option<i64>> {
        match options.number {
            None => Ok(None),
            Some(Number::Value(number)) => Ok(Some(number)),
            Some(Number::Of(node)) => nodes.read_integer(node).map(Some),
        }
    }

    /// Records a checkpoint that was written. If writing it failed, there may be a new checkpoint all the same: a callback refused it, or the directory could
    /// not be synced. Then the next save records it, so that it is removed in its turn.
    pub fn settle(&self, storage: &dyn Storage, next: &Next, written: Result<()>, warnings: &mut Vec<String>) -> Result<()> {
        let now = self.options.clock.now();
        let name = next.path.file_name().unwrap_or_default();
        if written.is_err() {
            if !next.was_there && is_there(&next.path) {
                self.state.lock().unrecorded.push((name.to_owned(), now));
            }
            return written;
        }
        let mut state = self.state.lock();
        for (name, time) in std::mem::take(&mut state.unrecorded) {
            state.ledger.adopt(&name, time);
        }
        let mut how = Recording { storage, durability: next.durability, rule: &self.rule, warnings };
        state.ledger.record(name, now, next.metric, &mut how)
    }
}

pub(super) fn is_there(path: &Path) -> bool {
    matches!(find_at(path), Ok(Some(_)))
}
