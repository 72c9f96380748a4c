//! Deleting the checkpoints that a manager would delete, without the program that uses the manager.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::ledger::{Ledger, Recording};
use super::super::retention::{Better, Retention};
use super::super::session::Session;
use super::super::watch::{Clock, SystemClock};
use crate::bundle::{sweep_older, sweepable, Access, Asked, Held, Locking, Notes};
use crate::error::{Error, Result};
use crate::log::{Listener, Log};
use crate::storage::{Location, Storage};
use crate::Durability;

/// Options of [`collect_checkpoints`]: which checkpoints to keep.
#[derive(Clone, Debug)]
pub struct CollectOptions {
    rule: Retention,
    dry_run: bool,
    asked: Asked,
    /// In seconds.
    older_than: Option<f64>,
    log: Listener,
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
        let rule = Retention { max_to_keep: Some(keep), ..Retention::default() };
        CollectOptions { rule, dry_run: false, asked: Asked::default(), older_than: None, log: Listener::default() }
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

    /// Only lists what would be deleted. False by default. The lock of a checkpoint of which there
    /// are temporary files is taken for a moment, to see whether a program is writing it.
    pub fn dry_run(mut self, dry_run: bool) -> CollectOptions {
        self.dry_run = dry_run;
        self
    }

    /// Sets whether the directory is locked; [`Locking::IfPossible`] by default.
    pub fn locking(mut self, locking: Locking) -> CollectOptions {
        self.asked.locking = Some(locking);
        self
    }

    /// Sets how long to wait while another process or thread changes the state; 60 seconds by
    /// default. Zero fails at once. The lock of the directory's manager is not waited for.
    pub fn lock_wait(mut self, limit: Duration) -> CollectOptions {
        self.asked.wait = Some(limit);
        self
    }

    /// Deletes files left behind by crashes even where the file system has no locks, so that nobody
    /// knows whether a program is writing them: those that were last changed longer ago than `age`,
    /// in their content or their names; of a save by ranks, anything in its directory. Of one
    /// checkpoint all go or none. Otherwise nothing is deleted there but expired checkpoints.
    pub fn older_than(mut self, age: Duration) -> CollectOptions {
        self.older_than = Some(age.as_secs_f64());
        self
    }

    /// Sets the log, which hears what [`Collected::warnings`] says, also if the call fails.
    pub fn log_to(mut self, log: Log) -> CollectOptions {
        self.log = Listener::new(Some(log));
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
/// * `UNAVAILABLE` (`Locked`): a manager has the directory, or somebody changes its state and did
///   not end in time ([`CollectOptions::lock_wait`]).
/// * `DATA_LOSS` (`NoCheckpoint`): the state file names no latest checkpoint.
/// * `FAILED_PRECONDITION` (`NoCheckpoint`): the latest checkpoint does not exist, so that the
///   older ones may be all that is left.
pub fn collect_checkpoints(directory: impl AsRef<Path>, options: &CollectOptions) -> Result<Collected> {
    let directory = Location::of(directory)?;
    collect_on(&*directory.storage()?, &directory, options)
}

pub(crate) fn collect_on(storage: &dyn Storage, directory: &Location, options: &CollectOptions) -> Result<Collected> {
    collect_at(storage, directory, options, SystemClock.now())
}

/// The same at the time `now`.
pub(crate) fn collect_at(storage: &dyn Storage, directory: &Location, options: &CollectOptions, now: f64) -> Result<Collected> {
    options.rule.check()?;
    let mut access = Access::new(options.asked, &Notes::default());
    let mut collected = Collected::default();
    let done = collect(storage, directory, options, now, &mut access, &mut collected);
    collected.warnings.append(&mut access.notes.take());
    options.log.warn(&collected.warnings);
    done.map(|()| collected)
}

fn collect(
    storage: &dyn Storage,
    directory: &Location,
    options: &CollectOptions,
    now: f64,
    access: &mut Access,
    collected: &mut Collected,
) -> Result<()> {
    let held = storage.directory(directory, false).map_err(|e| Error::io("open the directory", directory, &e))?;
    let names = held.list().map_err(|e| Error::io("list the directory", directory, &e))?;
    let limit = options.older_than.map(|age| now - age);
    let locks = options.asked.locking() != Locking::None;
    let leftovers = sweepable(storage, &*held, &names, locks, limit, &mut collected.warnings);
    collected.leftovers = leftovers.iter().map(|name| directory.join(name).into_path()).collect();
    crate::sort::sort_by(&mut collected.leftovers, Ord::cmp)?;
    if options.dry_run {
        let mut ledger = Ledger::load(directory, now, &mut collected.warnings)?;
        ledger.check_latest()?;
        collected.removed = ledger.would_remove(&options.rule)?;
        collected.kept = ledger.all();
        return Ok(());
    }
    // Taking locks deletes leftover files. While they are held nobody else changes what is read.
    access.under = Some(Held::for_manager(storage, directory, access)?.claim);
    let session = Session::begin(storage, directory, Durability::Full, access)?;
    let mut ledger = Ledger::load(directory, now, &mut collected.warnings)?;
    ledger.check_latest()?;
    let (rule, warnings) = (&options.rule, &mut collected.warnings);
    let mut how = Recording { storage, durability: Durability::Full, access, rule, warnings };
    let removals = ledger.write_in(&session, &mut how)?;
    collected.removed = removals.removed;
    collected.not_removed = removals.failed.into_iter().map(|(prefix, problem)| NotRemoved { prefix, problem }).collect();
    collected.kept = ledger.all();
    if let Some(limit) = limit {
        sweep_older(storage, &*held, limit)?;
    }
    collected.leftovers.retain(|left| Location::of(left).is_ok_and(|left| storage.link_status(&left).is_err()));
    Ok(())
}
