//! P1, P2 and P15 over enumerated crash states.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use super::judge::{look, next_write, values, write, write_as, Found, Values};
use crate::bundle::merge::{merge_on, MergeOptions};
use crate::laboratory::disk::{fill_directory, fill_linked, read_directory, Disk, Files, Names, Unsynced};
use crate::laboratory::rng::Rng;
use crate::laboratory::states::{all_cuts, budget, disks, judge_all, Cut, Exploration, Judged};
use crate::laboratory::{at, scratch};
use crate::storage::{Fault, Kind, Local, Op, Recording};
use crate::{Durability, Error};

/// The names of all checkpoints in these tests.
pub(super) const NAMES: [&str; 3] = ["x", "other", "next"];

/// A recorded write of a checkpoint in a directory with others.
pub(super) struct Run {
    pub what: String,
    /// The checkpoint that was written, one of [`NAMES`].
    pub target: &'static str,
    /// The content of the directory on disk at the start.
    pub start: Files,
    pub ops: Vec<Op>,
    /// What may be found at each name besides the checkpoint that was written.
    pub allowed: BTreeMap<&'static str, Vec<Found>>,
    /// The checkpoint that was written.
    pub after: Found,
    pub durability: Durability,
    /// Whether the disk may reorder the operations in a directory. The protocol does not promise to
    /// survive that.
    pub any_order: bool,
}

impl Run {
    /// Returns the state of the disk before the first operation and after each operation.
    pub fn disks(&self) -> Vec<Disk> {
        disks(Disk::holding(&self.start), &self.ops)
    }

    /// Writes `x` with `shards` data files over a checkpoint with `old` data files; 0 for none.
    pub fn of(old: u32, shards: u32) -> Run {
        let directory = scratch();
        prepare(directory.path(), old);
        Run::on(format!("{old} -> {shards}"), directory.path(), "x", shards, Recording::new(), Durability::Full)
    }

    /// Writes in a directory as it is.
    pub fn on(
        what: String,
        directory: &Path,
        target: &'static str,
        shards: u32,
        storage: Recording,
        durability: Durability,
    ) -> Run {
        let after = values(std::fs::read_dir(directory).unwrap().count() as u64 + 100);
        let write = || write_as(&storage, &directory.join(target), shards, &after, durability);
        Run { durability, ..Run::recorded(what, directory, target, &after, &storage, write) }
    }

    /// Records `act`, which makes `target` hold `after` on `storage`.
    pub fn recorded(
        what: String,
        directory: &Path,
        target: &'static str,
        after: &Values,
        storage: &Recording,
        act: impl FnOnce() -> Result<(), Error>,
    ) -> Run {
        let start = read_directory(directory);
        let allowed = NAMES.map(|name| (name, vec![look(&directory.join(name))])).into();
        let ok = act().is_ok();
        let mut ops = storage.ops();
        ops.push(Op::Returned { ok });
        let after = Found::Whole(after.clone());
        Run { what, target, start, ops, allowed, after, durability: Durability::Full, any_order: false }
    }

    /// Merges two sections of another directory into `x`.
    pub fn of_merge(old: u32) -> Run {
        let (directory, sections) = (scratch(), scratch());
        prepare(directory.path(), old);
        let parts = ["a", "b"].map(|name| sections.path().join(name));
        let (mut after, second) = (values(50), values(51));
        write(&Local, &parts[0], 1, &after).unwrap();
        let second = second.into_iter().map(|(key, value)| (key + "/second", value)).collect();
        write(&Local, &parts[1], 2, &second).unwrap();
        after.extend(second);
        let (storage, x) = (Recording::new(), at(directory.path().join("x")));
        let parts = parts.each_ref().map(at);
        let merge = || merge_on(&storage, &x, &parts, &MergeOptions::new(), &mut |_, _| ControlFlow::Continue(())).map(drop);
        Run::recorded(format!("merge over {old}"), directory.path(), "x", &after, &storage, merge)
    }

    /// Returns this run up to operation `at`, at which its process ends, followed by a write of
    /// `target` by another process.
    pub fn killed_at(&self, at: usize, target: &'static str) -> Run {
        let directory = scratch();
        let disk = self.disks().swap_remove(at);
        fill_linked(directory.path(), &disk.now());
        let what = format!("{} killed at {at}", self.what);
        let mut run = Run::on(what, directory.path(), target, 2, Recording::new(), Durability::Full);
        let renumbered = run.ops.into_iter().map(|op| disk.renumbered(op));
        run.ops = self.ops[..at].iter().cloned().chain(renumbered).collect();
        run.start.clone_from(&self.start);
        // The first write is not durable: the previous checkpoint may reappear.
        let of_first = run.allowed.get_mut(self.target).unwrap();
        of_first.extend(self.allowed[self.target].iter().cloned());
        run
    }

    fn judge_state(&self, directory: &Path, returned: Option<bool>, ordered: bool, rng: &mut Rng) -> Result<(), String> {
        for name in NAMES {
            let found = look(&directory.join(name));
            let durable = self.durability == Durability::Full && returned == Some(true) && name == self.target;
            let is_new = name == self.target && found == self.after;
            if !is_new && (durable || !self.allowed[name].contains(&found)) {
                return Err(format!("P{}: at {name}: {}", if durable { 1 } else { 2 }, summary(&found)));
            }
        }
        let next = NAMES[rng.index(NAMES.len())];
        let others = NAMES.map(|name| if name == next { "nothing" } else { name });
        // If renames may be reordered, data files may have lost the index that identifies them. The
        // next write of the same prefix removes them.
        let excused = |name: &str| !ordered && others.iter().any(|other| name.starts_with(&format!("{other}.data-")));
        next_write(directory, next, &others, rng.next() % 9, &excused).map_err(|what| format!("P15: {what}"))
    }
}

impl Judged for Run {
    fn judge(&self, budget: usize, rng: &mut Rng) -> (usize, Option<String>) {
        let disks = &self.disks()[..];
        // The states after the call returned are few and the most informative, so they come first.
        // The others follow in random order.
        let (mut cuts, mut rest): (Vec<_>, Vec<_>) =
            all_cuts(disks).into_iter().partition(|cut| disks[cut.at].returned.is_some());
        while !rest.is_empty() {
            cuts.push(rest.swap_remove(rng.index(rest.len())));
        }
        let tries = cuts.len().max(20 * budget);
        let change = |cut: Cut| {
            let names = if self.any_order { Names::Any } else { cut.names };
            // Renames precede removals on disk only if the directory was synced in between.
            let is_kept = self.durability == Durability::Full || !matches!(names, Names::Loose);
            is_kept.then_some(Cut { names, ..cut })
        };
        Exploration { what: &self.what, disks, cuts, budget, tries }.judge(
            rng,
            change,
            |at| disks[at].returned,
            |directory, cut, rng| self.judge_state(directory, disks[cut.at].returned, cut.is_ordered(), rng),
        )
    }
}

fn summary(found: &Found) -> String {
    match found {
        Found::Whole(values) => format!("{} values that are not those expected", values.len()),
        other => format!("{other:?}"),
    }
}

/// Puts `x`, with `shards` data files unless that is 0, and `other` into the directory.
pub(super) fn prepare(directory: &Path, shards: u32) {
    if shards > 0 {
        write(&Local, &directory.join("x"), shards, &values(1)).unwrap();
    }
    write(&Local, &directory.join("other"), 2, &values(2)).unwrap();
}

#[test]
fn a_crash_leaves_the_old_or_the_new_checkpoint() {
    let pairs = [(0, 1), (0, 3), (0, 8), (1, 1), (3, 3), (8, 8), (1, 3), (3, 1), (8, 1), (3, 8)];
    let runs = pairs.map(|(old, new)| Run::of(old, new));
    assert!(runs.iter().all(|run| run.ops.last() == Some(&Op::Returned { ok: true })));
    judge_all("crash states", &runs, budget() / 2);
}

#[test]
fn files_synced_without_their_directory_are_whole() {
    let runs = [(0, 3), (3, 3), (3, 1)].map(|(old, new)| {
        let directory = scratch();
        prepare(directory.path(), old);
        Run::on(format!("data {old} -> {new}"), directory.path(), "x", new, Recording::new(), Durability::Data)
    });
    judge_all("crash states, directory not synced", &runs, budget() / 10);
}

#[test]
fn a_crash_while_merging() {
    let runs = [0, 1, 3, 8].map(Run::of_merge);
    assert!(runs.iter().all(|run| run.ops.last() == Some(&Op::Returned { ok: true })));
    judge_all("crash states of merges", &runs, budget() / 10);
}

/// Each write begins in a state that a crash of the previous write left.
#[test]
fn a_crash_after_a_crash() {
    let mut rng = Rng::new(1);
    let mut runs: Vec<Run> = Vec::new();
    let directory = scratch();
    for round in 0..12 {
        let run = match round % 4 {
            0 => Run::of(round % 3, 3),
            _ => {
                let last = runs.last().unwrap();
                let disks = last.disks();
                let disk = &disks[disks.len() / 2 + rng.index(disks.len() / 2)];
                let files = disk.after_cut(Names::First(rng.index(disk.pending() + 1)), Unsynced::Torn, &mut rng);
                fill_directory(directory.path(), &files);
                Run::on(
                    format!("crash {round}"),
                    directory.path(),
                    NAMES[round as usize % 3],
                    1 + round % 3,
                    Recording::new(),
                    Durability::Full,
                )
            }
        };
        runs.push(run);
    }
    judge_all("crash states after crashes", &runs, budget() / 5);
}

/// A process that ends loses nothing, but leaves its operations unsynced. The next process sweeps;
/// then the power is cut.
#[test]
fn a_crash_after_a_process_was_killed() {
    let mut rng = Rng::new(3);
    let runs: Vec<Run> = (0..16)
        .map(|round| {
            let first = Run::of([1, 3][round % 2], 3);
            let publishing = first.ops.iter().position(|op| matches!(op, Op::Rename { .. })).unwrap();
            first.killed_at(publishing + rng.index(first.ops.len() - publishing), NAMES[round % 3])
        })
        .collect();
    judge_all("crash states after a killed process", &runs, budget() / 5);
}

/// A failing write cleans up; the power may be cut during that, too.
#[test]
fn a_crash_while_a_failed_write_cleans_up() {
    let mut rng = Rng::new(2);
    let runs: Vec<Run> = (0..20)
        .map(|round| {
            let directory = scratch();
            let old = round % 3;
            prepare(directory.path(), old);
            let fault = Fault { at: 10 + rng.index(20), errno: libc::EIO, for_good: false, hits: |kind| kind != Kind::Remove };
            let storage = Recording::failing(fault);
            Run::on(format!("failure {fault:?}"), directory.path(), "x", 3, storage, Durability::Full)
        })
        .collect();
    assert!(runs.iter().filter(|run| run.ops.last() == Some(&Op::Returned { ok: false })).count() > 10);
    judge_all("crash states of failed writes", &runs, budget() / 5);
}
