//! P1, P2 and P15 in enumerated crash states of whole runs.

use std::path::Path;

use super::program::{latest_attempt, resume_and_save, Program, Setup};
use crate::directory::Pin;
use crate::laboratory::disk::{fill_linked, read_directory, read_linked, Disk, Linked, Names, Unsynced};
use crate::laboratory::rng::Rng;
use crate::laboratory::scratch;
use crate::laboratory::states::{all_cuts, budget, disks, judge_all, Exploration, Judged};
use crate::storage::{Local, Op, Recording};

/// A recorded run of a program that resumed and saved several times.
#[derive(Clone)]
pub(super) struct Run {
    pub what: String,
    pub setup: Setup,
    /// The contents of the directory on disk before the run, and the latest attempt in it.
    pub start: Linked,
    pub before: Option<u64>,
    pub ops: Vec<Op>,
    /// The attempts that were begun, in order. Each ends with an `Op::Returned`.
    pub attempts: Vec<u64>,
}

impl Run {
    /// A program that saved `earlier` times and ended, then began again and saved `saves` times.
    /// Only the latter part is recorded.
    pub fn of(setup: Setup, earlier: u64, saves: u64) -> Run {
        let directory = scratch();
        if earlier > 0 {
            let program = Program::resumed(directory.path(), setup).unwrap();
            (0..earlier).for_each(|i| drop(program.save(&Local, i + 1).unwrap()));
        }
        Run::on(format!("{setup:?}, {earlier} saves before"), directory.path(), setup, 100, saves)
    }

    /// A run in an existing directory. Attempts are numbered from `first`.
    pub fn on(what: String, directory: &Path, setup: Setup, first: u64, saves: u64) -> Run {
        let start = read_linked(directory);
        let before = latest_attempt(directory).unwrap();
        let recording = Recording::new();
        let program = Program::resumed(directory, setup).unwrap();
        let attempts: Vec<u64> = (first..first + saves).collect();
        for &attempt in &attempts {
            program.save(&recording, attempt).unwrap();
            recording.returned(true);
        }
        Run { what, setup, start, before, ops: recording.ops(), attempts }
    }

    /// This run up to the operation `at`, where its process was killed and another process began,
    /// saved once and ended. Unsynced changes of the first process are still not on disk.
    fn killed_at(&self, at: usize) -> Run {
        let disk = self.disks().swap_remove(at);
        let directory = scratch();
        fill_linked(directory.path(), &disk.now());
        let what = format!("{}, killed at {at}", self.what);
        let mut run = Run::on(what, directory.path(), self.setup, self.attempts.last().unwrap() + 100, 2);
        let renumbered = run.ops.into_iter().map(|op| disk.renumbered(op));
        run.ops = self.ops[..at].iter().cloned().chain([Op::Returned { ok: false }]).chain(renumbered).collect();
        let begun = self.attempts.iter().copied().take(self.returned(at) + 1);
        run.attempts = begun.chain(run.attempts).collect();
        run.start.clone_from(&self.start);
        run.before = self.before;
        run
    }

    /// The disk before the first operation and after each one.
    fn disks(&self) -> Vec<Disk> {
        disks(Disk::holding_linked(&self.start), &self.ops)
    }

    /// The number of saves that had ended after the first `at` operations.
    fn returned(&self, at: usize) -> usize {
        self.ops[..at].iter().filter(|op| matches!(op, Op::Returned { .. })).count()
    }

    /// The last attempt that had been acknowledged after the first `at` operations, and those begun
    /// since.
    fn allowed(&self, at: usize) -> Vec<Option<u64>> {
        let mut allowed = vec![self.before];
        let ends = self.ops[..at].iter().filter_map(|op| match op {
            Op::Returned { ok } => Some(*ok),
            _ => None,
        });
        for (&attempt, ok) in self.attempts.iter().zip(ends.chain([false])) {
            if ok {
                allowed.clear();
            }
            allowed.push(Some(attempt));
        }
        allowed
    }

    fn judge_state(&self, directory: &Path, at: usize, is_ordered: bool) -> Result<(), String> {
        let found = latest_attempt(directory).map_err(|what| format!("P2: {what}"))?;
        let allowed = self.allowed(at);
        if !allowed.contains(&found) {
            return Err(format!("P1: the latest is {found:?} and not of {allowed:?}"));
        }
        // If names may reach the disk in any order, the files of a checkpoint that was being
        // written or removed may have lost the name that identifies them.
        let excused = |name: &str| !is_ordered && name.starts_with("ckpt-");
        resume_and_save(directory, self.setup, &excused).map_err(|what| format!("P15: {what}"))
    }
}

impl Judged for Run {
    fn judge(&self, budget: usize, rng: &mut Rng) -> (usize, Option<String>) {
        let disks = &self.disks()[..];
        let mut cuts = all_cuts(disks);
        (1..cuts.len()).for_each(|i| cuts.swap(i, rng.index(i + 1)));
        let tries = cuts.len().max(10 * budget);
        Exploration { what: &self.what, disks, cuts, budget, tries }.judge(
            rng,
            Some,
            |at| self.returned(at),
            |directory, cut, _| self.judge_state(directory, cut.at, cut.is_ordered()),
        )
    }
}

#[test]
fn a_crash_leaves_a_latest_checkpoint_that_is_whole() {
    let mut runs = Vec::new();
    for shards in [1, 3, 8] {
        for keep in [1, 2, 5] {
            for earlier in [0, keep as u64 + 1] {
                runs.push(Run::of(Setup::keeping(keep, shards), earlier, 3));
            }
        }
    }
    runs.push(Run::of(Setup { keep: None, shards: 1, best: 0 }, 2, 3));
    judge_all("crash states of managed saves", &runs, budget() / 2);
}

#[test]
fn a_crash_while_the_best_are_kept() {
    let runs = [(1, 1, 9), (2, 2, 12), (1, 3, 0)]
        .map(|(keep, best, earlier)| Run::of(Setup { keep: Some(keep), shards: 1, best }, earlier, 6));
    judge_all("crash states with metrics", &runs, budget() / 8);
}

/// Each run begins in the state in which a crash of the previous run left the directory.
#[test]
fn a_crash_after_a_crash() {
    let mut rng = Rng::new(1);
    let mut runs: Vec<Run> = Vec::new();
    let directory = scratch();
    for round in 0..16 {
        let setup = Setup { keep: Some(1 + round / 4 % 2), shards: 1 + round as u32 % 3, best: 0 };
        let run = match round % 4 {
            0 => Run::of(setup, 3, 2),
            _ => {
                let last: &Run = runs.last().unwrap();
                let disks = last.disks();
                let disk = &disks[rng.index(disks.len())];
                fill_linked(
                    directory.path(),
                    &disk.linked_after_cut(Names::First(rng.index(disk.pending() + 1)), Unsynced::Torn, &mut rng),
                );
                Run::on(
                    format!("crash {round}"),
                    directory.path(),
                    Setup { shards: setup.shards, ..last.setup },
                    1000 * round as u64,
                    2,
                )
            }
        };
        runs.push(run);
    }
    judge_all("crash states after crashes", &runs, budget() / 8);
}

/// A process that is killed leaves its unsynced changes in memory. The next process continues, and
/// then the power fails.
#[test]
fn a_crash_after_a_process_was_killed() {
    let mut rng = Rng::new(3);
    let runs: Vec<Run> = (0..24)
        .map(|round| {
            let first = Run::of(Setup::keeping(1 + round % 2, 1 + round as u32 % 2), 3, 2);
            first.killed_at(rng.index(first.ops.len()))
        })
        .collect();
    judge_all("crash states after a killed process", &runs, budget() / 4);
}

/// A pinned checkpoint survives, and expires once it is unpinned.
#[test]
fn a_crash_while_a_checkpoint_is_held() {
    let setup = Setup::keeping(1, 1);
    let directory = scratch();
    let program = Program::resumed(directory.path(), setup).unwrap();
    let held = program.save(&Local, 1).unwrap();
    let pin = Pin::new(&held).unwrap();
    program.save(&Local, 2).unwrap();
    drop(program); // one manager at a time
    let run = Run::on("held".into(), directory.path(), setup, 100, 2);
    drop(pin);
    assert!(read_directory(directory.path()).contains_key("ckpt-1.index".as_ref() as &std::ffi::OsStr));
    judge_all("crash states while a checkpoint is held", &[run], budget() / 16);
}
