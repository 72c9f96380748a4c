//! Deleting the checkpoints that a manager would delete, without the program that uses the manager.

use std::path::{Path, PathBuf};

use super::super::ledger::{Ledger, Recording};
use super::super::retention::{Better, Retention};
use super::super::session::Session;
use super::super::watch::{Clock, SystemClock};
use crate::bundle::is_temporary;
use crate::error::{Error, Result};
use crate::storage::{Location, Storage};
use crate::Durability;

/// Options of [`collect_checkpoints`]: which checkpoints to keep.
#[derive(Clone, Debug)]
pub struct CollectOptions {
    rule: Retention,
    dry_run: bool,
}

/// All stay.
impl Default for CollectOptions {
    fn default() -> CollectOptions {
        CollectOptions::keep(usize::MAX)
    }
}

impl CollectOptions {
    /// Keeps the newest `keep` checkpoints, at least 1.
    pub fn keep(keep: usize) -> CollectOptions {
        CollectOptions { rule: Retention { max_to_keep: Some(keep), ..Retention::default() }, dry_run: false }
    }

    /// Permanently keeps one otherwise expired checkpoint per `hours` hours. 0, the default, keeps
    /// none.
    pub fn keep_every_n_hours(mut self, hours: f64) -> CollectOptions {
        self.rule.keep_every_n_hours = Some(hours);
        self
    }

    /// Also keeps the best `count` checkpoints by the metrics that were given to a manager.
    pub fn keep_best(mut self, count: usize, better: Better) -> CollectOptions {
        self.rule.best = Some((count, better));
        self
    }

    /// Only lists what would be deleted. False by default.
    pub fn dry_run(mut self, dry_run: bool) -> CollectOptions {
        self.dry_run = dry_run;
        self
    }
}

/// An expired checkpoint that could not be deleted. It is no longer listed; the next change of the
/// directory tries to delete it again.
#[derive(Clone, Debug)]
pub struct NotRemoved {
    /// The prefix.
    pub prefix: PathBuf,
    /// Why it could not be deleted.
    pub problem: Error,
}

impl PartialEq for NotRemoved {
    fn eq(&self, other: &NotRemoved) -> bool {
        self.prefix == other.prefix && self.problem.to_string() == other.problem.to_string()
    }
}

/// What [`collect_checkpoints`] deleted, or would delete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// The deleted checkpoints, oldest first.
    pub removed: Vec<PathBuf>,
    /// The managed checkpoints that were kept, oldest first.
    pub kept: Vec<PathBuf>,
    /// The expired checkpoints that could not be deleted.
    pub not_removed: Vec<NotRemoved>,
    /// Files left behind by crashes that were deleted, or would be.
    pub leftovers: Vec<PathBuf>,
    /// Problems that did not make the call fail.
    pub warnings: Vec<String>,
}

/// Deletes the expired managed checkpoints of `directory`, as a manager does after a save, and
/// files left behind by crashes. Checkpoints that no manager of TensorFlow or of this library has
/// listed are kept, as are pinned ones.
///
/// # Errors
/// * `INVALID_ARGUMENT`: the options keep no checkpoint, or their hours are negative or not finite.
/// * `NOT_FOUND`: the directory does not exist.
/// * `UNAVAILABLE` (`Locked`): another process owns the directory's lock.
/// * `DATA_LOSS` (`NoCheckpoint`): the state file names no latest checkpoint.
/// * `FAILED_PRECONDITION` (`NoCheckpoint`): the latest checkpoint does not exist, so that the
///   older ones may be all that is left.
pub fn collect_checkpoints(directory: impl AsRef<Path>, options: &CollectOptions) -> Result<Collected> {
    let directory = Location::of(directory)?;
    collect_on(&*directory.storage()?, &directory, options)
}

pub(crate) fn collect_on(storage: &dyn Storage, directory: &Location, options: &CollectOptions) -> Result<Collected> {
    options.rule.check()?;
    let mut collected = Collected::default();
    let held = storage.directory(directory, false).map_err(|e| Error::io("open the directory", directory, &e))?;
    let names = held.list().map_err(|e| Error::io("list the directory", directory, &e))?;
    collected.leftovers = names.iter().filter(|name| is_temporary(name)).map(|name| directory.join(name).into_path()).collect();
    crate::sort::sort_by(&mut collected.leftovers, Ord::cmp);
    if options.dry_run {
        let mut ledger = Ledger::load(directory, SystemClock.now(), &mut collected.warnings)?;
        ledger.check_latest()?;
        collected.removed = ledger.would_remove(&options.rule);
        collected.kept = ledger.all();
        return Ok(collected);
    }
    // Beginning a session deletes leftover files. During the session nobody else changes what is
    // read.
    let session = Session::begin(storage, directory, Durability::Full)?;
    let mut ledger = Ledger::load(directory, SystemClock.now(), &mut collected.warnings)?;
    ledger.check_latest()?;
    let mut how = Recording { storage, durability: Durability::Full, rule: &options.rule, warnings: &mut collected.warnings };
    let removals = ledger.write_in(&session, &mut how)?;
    collected.removed = removals.removed;
    collected.not_removed = removals.failed.into_iter().map(|(prefix, problem)| NotRemoved { prefix, problem }).collect();
    collected.kept = ledger.all();
    collected.leftovers.retain(|left| Location::of(left).is_ok_and(|left| storage.link_status(&left).is_err()));
    Ok(collected)
}
