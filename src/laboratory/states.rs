//! The states that a power cut may leave of a recorded run, made and judged one after the other.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use super::disk::{fill_linked, Disk, Names, Unsynced};
use super::rng::Rng;
use super::scratch;
use crate::storage::Op;

/// A power cut after so many operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub at: usize,
    pub names: Names,
    pub contents: Unsynced,
}

impl Cut {
    /// Whether what was done in the directory is there in the order in which it was done.
    pub fn is_ordered(&self) -> bool {
        matches!(self.names, Names::First(_))
    }

    /// Any cut of a run, of which these are the disks.
    fn any(disks: &[Disk], rng: &mut Rng) -> Cut {
        let at = rng.index(disks.len());
        let names = match rng.index(3) {
            0 => Names::Loose,
            _ => Names::First(rng.index(disks[at].pending() + 1)),
        };
        Cut { at, names, contents: Unsynced::Torn }
    }
}

/// The disk after each operation, and before the first.
pub(crate) fn disks(mut disk: Disk, ops: &[Op]) -> Vec<Disk> {
    let mut disks = vec![disk.clone()];
    for op in ops {
        disk.apply(op);
        disks.push(disk.clone());
    }
    disks
}

/// Every cut in order.
pub(crate) fn ordered_cuts(at: usize, disk: &Disk) -> impl Iterator<Item = Cut> {
    let kinds = [Unsynced::Lost, Unsynced::Kept, Unsynced::Zeros, Unsynced::Torn];
    (0..=disk.pending()).flat_map(move |count| kinds.map(|contents| Cut { at, names: Names::First(count), contents }))
}

/// Every cut in order, and one of each disk out of order.
pub(crate) fn all_cuts(disks: &[Disk]) -> Vec<Cut> {
    let of_disk = |(at, disk)| ordered_cuts(at, disk).chain([Cut { at, names: Names::Loose, contents: Unsynced::Torn }]);
    disks.iter().enumerate().flat_map(of_disk).collect()
}

/// How states of a run are looked at.
pub(crate) struct Exploration<'e> {
    /// For messages.
    pub what: &'e str,
    pub disks: &'e [Disk],
    /// Looked at first; after them, any.
    pub cuts: Vec<Cut>,
    /// At most so many states that differ,
    pub budget: usize,
    /// and so many that may not.
    pub tries: usize,
}

impl Exploration<'_> {
    /// Judges states, and gives how many differed, and what was wrong with the first that was.
    /// `cut` may change a cut or leave it out; states differ by their files and by what `stage`
    /// says of the operations before them.
    pub fn judge<S: Hash>(
        &self,
        rng: &mut Rng,
        change: impl Fn(Cut) -> Option<Cut>,
        stage: impl Fn(usize) -> S,
        mut judge: impl FnMut(&Path, Cut, &mut Rng) -> Result<(), String>,
    ) -> (usize, Option<String>) {
        let directory = scratch();
        let mut seen = HashSet::new();
        let mut tries = 0;
        while seen.len() < self.budget && tries < self.tries {
            let cut = self.cuts.get(tries).copied().unwrap_or_else(|| Cut::any(self.disks, rng));
            tries += 1;
            let Some(cut) = change(cut) else { continue };
            let files = self.disks[cut.at].linked_after_cut(cut.names, cut.contents, rng);
            let mut hasher = DefaultHasher::new();
            (stage(cut.at), cut.is_ordered(), &files).hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                continue;
            }
            fill_linked(directory.path(), &files);
            if let Err(fault) = judge(directory.path(), cut, rng) {
                let Cut { at, names, contents } = cut;
                let place = format!("{}, after operation {at} of {}, {names:?}, {contents:?}", self.what, self.disks.len() - 1);
                return (seen.len(), Some(format!("{place}: {fault}; the files: {:?}", files.keys())));
            }
        }
        (seen.len(), None)
    }
}

/// A recorded run whose states can be judged.
pub(crate) trait Judged {
    /// Judges about `budget` states and returns how many differed, and what was wrong with the
    /// first that was.
    fn judge(&self, budget: usize, rng: &mut Rng) -> (usize, Option<String>);
}

/// How many states the crash tests of a module look at together, about.
pub(crate) fn budget() -> usize {
    std::env::var("CKPT_CRASH_STATES").ok().and_then(|n| n.parse().ok()).unwrap_or(4000)
}

/// Judges `runs` with an equal share of the states each.
pub(crate) fn judge_all(what: &str, runs: &[impl Judged], budget: usize) {
    let mut rng = Rng::new(budget as u64);
    let mut states = 0;
    for run in runs {
        let (count, fault) = run.judge(budget.div_ceil(runs.len()), &mut rng);
        assert_eq!(fault, None);
        states += count;
    }
    println!("{what}: {states} states of {} runs, 0 violations", runs.len());
}
