//! Removing what a manager would remove, without its program.

use std::path::{Path, PathBuf};

use super::super::ledger::{Ledger, Recording};
use super::super::retention::{Better, Retention};
use super::super::session::Session;
use super::super::watch::{Clock, SystemClock};
use crate::bundle::is_temporary;
use crate::error::{Error, Result};
use crate::storage::{Local, Storage};
use crate::Durability;

/// Which checkpoints stay.
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
    /// The newest `keep`, at least 1.
    pub fn keep(keep: usize) -> CollectOptions {
        CollectOptions { rule: Retention { max_to_keep: Some(keep), ..Retention::default() }, dry_run: false }
    }

    /// And one for each so many hours, for good.
    pub fn keep_every_n_hours(mut self, hours: f64) -> CollectOptions {
        self.rule.keep_every_n_hours = Some(hours);
        self
    }

    /// And the best `count` by the metrics that a manager's program gave.
    pub fn keep_best(mut self, count: usize, better: Better) -> CollectOptions {
        self.rule.best = Some((count, better));
        self
    }

    /// Only says what would be removed.
    pub fn dry_run(mut self, dry_run: bool) -> CollectOptions {
        self.dry_run = dry_run;
        self
    }
}

/// What was removed from a directory, or would be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// The checkpoints, oldest first.
    pub removed: Vec<PathBuf>,
    /// Those that are managed and stay, oldest first.
    pub kept: Vec<PathBuf>,
    /// Files that crashes left.
    pub leftovers: Vec<PathBuf>,
    /// What went wrong without stopping it.
    pub warnings: Vec<String>,
}

/// Removes from `directory` the managed checkpoints that are too many, as a manager does after a save, and what crashes left. A checkpoint that
/// no manager of TensorFlow or of this library has listed stays, as does one that is held.
///
/// # Errors
/// * `INVALID_ARGUMENT` when none is to stay.
/// * `NOT_FOUND` when there is no such directory; `UNAVAILABLE` when another process has its lock.
/// * `DATA_LOSS` when the state file names no latest checkpoint.
pub fn collect_checkpoints(directory: impl AsRef<Path>, options: &CollectOptions) -> Result<Collected> {
    collect_on(&Local, directory.as_ref(), options)
}

pub(super) fn collect_on(storage: &dyn Storage, directory: &Path, options: &CollectOptions) -> Result<Collected> {
    options.rule.check()?;
    let mut collected = Collected::default();
    let held = storage.directory(directory, false).map_err(|e| Error::io("open the directory", directory, &e))?;
    let names = held.list().map_err(|e| Error::io("list the directory", directory, &e))?;
    collected.leftovers = names.iter().filter(|name| is_temporary(name)).map(|name| directory.join(name)).collect();
    crate::sort::sort_by(&mut collected.leftovers, Ord::cmp);
    if options.dry_run {
        let mut ledger = Ledger::load(directory, SystemClock.now(), &mut collected.warnings)?;
        collected.removed = ledger.would_remove(&options.rule);
        collected.kept = ledger.all();
        return Ok(collected);
    }
    // Sweeps; and what is read now is what nobody else changes.
    let session = Session::begin(storage, directory, Durability::Full)?;
    let mut ledger = Ledger::load(directory, SystemClock.now(), &mut collected.warnings)?;
    let mut how = Recording { storage, durability: Durability::Full, rule: &options.rule, warnings: &mut collected.warnings };
    collected.removed = ledger.write_in(&session, &mut how)?;
    collected.kept = ledger.all();
    Ok(collected)
}
