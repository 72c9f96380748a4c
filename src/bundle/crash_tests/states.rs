//! P1, P2 and P15 over enumerated crash states.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::path::Path;

use super::disk::{fill_directory, fill_linked, read_directory, Disk, Files, Names, Unsynced};
use super::judge::{look, next_write, values, write, write_as, Found, Values};
use super::rng::Rng;
use super::scratch;
use crate::bundle::merge::{merge_on, MergeOptions};
use crate::storage::{Fault, Kind, Local, Op, Recording};
use crate::{Durability, Error};

/// The names of all checkpoints in these tests.
pub(super) const NAMES: [&str; 3] = ["x", "other", "next"];

/// A recorded write of a checkpoint, beside others.
pub(super) struct Run {
    pub what: String,
    /// The checkpoint written, of [`NAMES`].
    pub target: &'static str,
    /// What the directory held on disk.
    pub start: Files,
    pub ops: Vec<Op>,
    /// What may be found at each of the names, other than what was written.
    pub allowed: BTreeMap<&'static str, Vec<Found>>,
    /// What was written.
    pub after: Found,
    pub durability: Durability,
    /// Whether the disk may do what was done in a directory in any order. The protocol does not promise to survive that.
    pub any_order: bool,
}

impl Run {
    /// A write of `x` with `shards` files, over one with `old` (0: over nothing).
    pub fn of(old: u32, shards: u32) -> Run {
        let directory = scratch();
        prepare(directory.path(), old);
        Run::on(format!("{old} -> {shards}"), directory.path(), "x", shards, Recording::new(), Durability::Full)
    }

    /// A write in a directory as it is.
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

    /// Whatever makes `target` hold `after` on `storage`.
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

    /// A merge of two sections, in another directory, into `x`.
    pub fn of_merge(old: u32) -> Run {
        let (directory, sections) = (scratch(), scratch());
        prepare(directory.path(), old);
        let parts = ["a", "b"].map(|name| sections.path().join(name));
        let (mut after, second) = (values(50), values(51));
        write(&Local, &parts[0], 1, &after).unwrap();
        let second = second.into_iter().map(|(key, value)| (key + "/second", value)).collect();
        write(&Local, &parts[1], 2, &second).unwrap();
        after.extend(second);
        let (storage, x) = (Recording::new(), directory.path().join("x"));
        let merge = || merge_on(&storage, &x, &parts, &MergeOptions::new(), &mut |_, _| ControlFlow::Continue(())).map(drop);
        Run::recorded(format!("merge over {old}"), directory.path(), "x", &after, &storage, merge)
    }

    /// This run up to operation `at`, where its process ends, and then a write of `target` by another process.
    pub fn killed_at(&self, at: usize, target: &'static str) -> Run {
        let directory = scratch();
        let disk = self.disks().swap_remove(at);
        fill_linked(directory.path(), &disk.now());
        let what = format!("{} killed at {at}", self.what);
        let mut run = Run::on(what, directory.path(), target, 2, Recording::new(), Durability::Full);
        let renumbered = run.ops.into_iter().map(|op| disk.renumbered(op));
        run.ops = self.ops[..at].iter().cloned().chain(renumbered).collect();
        run.start.clone_from(&self.start);
        // The first write is not durable: what was there before it may come back.
        let of_first = run.allowed.get_mut(self.target).unwrap();
        of_first.extend(self.allowed[self.target].iter().cloned());
        run
    }

    /// The disk after each operation, and before the first.
    pub fn disks(&self) -> Vec<Disk> {
        let mut disk = Disk::holding(&self.start);
        let mut disks = vec![disk.clone()];
        for op in &self.ops {
            disk.apply(op);
            disks.push(disk.clone());
        }
        disks
    }

    /// Judges about `budget` states and returns how many differed, and what was wrong with the first that was.
    pub fn judge(&self, budget: usize, rng: &mut Rng) -> (usize, Option<String>) {
        let disks = self.disks();
        let directory = scratch();
        let mut cases = Vec::new();
        for (at, disk) in disks.iter().enumerate() {
            for count in 0..=disk.pending() {
                for contents in [Unsynced::Lost, Unsynced::Kept, Unsynced::Zeros, Unsynced::Torn] {
                    cases.push((at, Names::First(count), contents));
                }
            }
            cases.push((at, Names::Loose, Unsynced::Torn));
        }
        // Those after the call returned are few and tell most: first. Of the others, any.
        let (mut cases, mut rest): (Vec<_>, Vec<_>) = cases.into_iter().partition(|&(at, ..)| disks[at].returned.is_some());
        while !rest.is_empty() {
            cases.push(rest.swap_remove(rng.below(rest.len())));
        }
        let mut seen = HashSet::new();
        let mut tries = 0;
        while seen.len() < budget && tries < cases.len().max(20 * budget) {
            let (at, names, contents) = match cases.get(tries) {
                Some(&case) => case,
                None => {
                    let at = rng.below(disks.len());
                    let names = match rng.below(3) {
                        0 => Names::Loose,
                        _ => Names::First(rng.below(disks[at].pending() + 1)),
                    };
                    (at, names, Unsynced::Torn)
                }
            };
            tries += 1;
            let names = if self.any_order { Names::Any } else { names };
            if self.durability != Durability::Full && matches!(names, Names::Loose) {
                continue; // only a synced directory keeps renames before removals
            }
            let files = disks[at].after_cut(names, contents, rng);
            let mut hasher = DefaultHasher::new();
            (disks[at].returned, matches!(names, Names::First(_)), &files).hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                continue;
            }
            fill_directory(directory.path(), &files);
            let ordered = matches!(names, Names::First(_));
            if let Err(what) = self.judge_state(directory.path(), disks[at].returned, ordered, rng) {
                let place = format!("{}, after operation {at} of {}, {names:?}, {contents:?}", self.what, self.ops.len());
                return (seen.len(), Some(format!("{place}: {what}; the files: {:?}", files.keys())));
            }
        }
        (seen.len(), None)
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
        let next = NAMES[rng.below(NAMES.len())];
        let others = NAMES.map(|name| if name == next { "nothing" } else { name });
        // Where names may be in any order, data files may have lost what tells whose they are; the next write of the same prefix
        // removes them.
        let excused = |name: &str| !ordered && others.iter().any(|other| name.starts_with(&format!("{other}.data-")));
        next_write(directory, next, &others, rng.next() % 9, &excused).map_err(|what| format!("P15: {what}"))
    }
}

fn summary(found: &Found) -> String {
    match found {
        Found::Whole(values) => format!("{} values that are not those expected", values.len()),
        other => format!("{other:?}"),
    }
}

/// Puts `x` with so many data files into the directory, if any, and `other`.
pub(super) fn prepare(directory: &Path, shards: u32) {
    if shards > 0 {
        write(&Local, &directory.join("x"), shards, &values(1)).unwrap();
    }
    write(&Local, &directory.join("other"), 2, &values(2)).unwrap();
}

/// How many states all tests here look at together, about.
pub(super) fn budget() -> usize {
    std::env::var("CKPT_CRASH_STATES").ok().and_then(|n| n.parse().ok()).unwrap_or(4000)
}

/// Judges `runs` with an equal share of the states each.
pub(super) fn judge_all(what: &str, runs: &[Run], budget: usize) {
    let mut rng = Rng(budget as u64);
    let mut states = 0;
    for run in runs {
        let (count, fault) = run.judge(budget.div_ceil(runs.len()), &mut rng);
        assert_eq!(fault, None);
        states += count;
    }
    println!("{what}: {states} states of {} writes, 0 violations", runs.len());
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

/// Each write begins where a crash of the one before ended.
#[test]
fn a_crash_after_a_crash() {
    let mut rng = Rng(1);
    let mut runs: Vec<Run> = Vec::new();
    let directory = scratch();
    for round in 0..12 {
        let run = match round % 4 {
            0 => Run::of(round % 3, 3),
            _ => {
                let last = runs.last().unwrap();
                let disks = last.disks();
                let disk = &disks[disks.len() / 2 + rng.below(disks.len() / 2)];
                let files = disk.after_cut(Names::First(rng.below(disk.pending() + 1)), Unsynced::Torn, &mut rng);
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

/// A process that ends loses nothing but leaves what it did unsynced; the next one sweeps, and then the power is cut.
#[test]
fn a_crash_after_a_process_was_killed() {
    let mut rng = Rng(3);
    let runs: Vec<Run> = (0..16)
        .map(|round| {
            let first = Run::of([1, 3][round % 2], 3);
            let publishing = first.ops.iter().position(|op| matches!(op, Op::Rename { .. })).unwrap();
            first.killed_at(publishing + rng.below(first.ops.len() - publishing), NAMES[round % 3])
        })
        .collect();
    judge_all("crash states after a killed process", &runs, budget() / 5);
}

/// A write that fails cleans up; that too may be cut.
#[test]
fn a_crash_while_a_failed_write_cleans_up() {
    let mut rng = Rng(2);
    let runs: Vec<Run> = (0..20)
        .map(|round| {
            let directory = scratch();
            let old = round % 3;
            prepare(directory.path(), old);
            let fault = Fault { at: 10 + rng.below(20), errno: libc::EIO, for_good: false, hits: |kind| kind != Kind::Remove };
            let storage = Recording::failing(fault);
            Run::on(format!("failure {fault:?}"), directory.path(), "x", 3, storage, Durability::Full)
        })
        .collect();
    assert!(runs.iter().filter(|run| run.ops.last() == Some(&Op::Returned { ok: false })).count() > 10);
    judge_all("crash states of failed writes", &runs, budget() / 5);
}
