//! Verifies a whole bundle and collects everything that is wrong with it.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::assemble::{check_overlap, missing};
use super::index::Index;
use super::reader::Bundle;
use super::transfer;
use crate::error::{Error, Problems, Reason, Result};
use crate::storage::{File, Location};

/// The result of verifying a bundle.
#[derive(Default)]
pub(crate) struct Checked {
    pub problems: Vec<Error>,
    pub tensors: usize,
    pub bytes: u64,
    pub files: usize,
    pub cancelled: bool,
}

/// Maximum number of missing data files that are looked for.
const MOST_ABSENT: usize = 100;

/// Verifies every block of the index and every record in the data files of `prefix`. `watch` is
/// called with the number of bytes done and the total.
pub(crate) fn verify(prefix: &Location, threads: u32, watch: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<Checked> {
    let mut checked = Checked { files: 1, ..Checked::default() };
    let mut problems = Problems::default();
    let opened = Bundle::open_with(prefix, || {
        problems = Problems::default();
        Index::load(prefix, None, true, &mut |fault| {
            problems.add(fault);
            Ok(())
        })
    });
    let bundle = match opened {
        Ok(bundle) => bundle,
        Err(fault) if is_unknown(&fault) => return Err(fault),
        Err(fault) => {
            problems.add(fault);
            checked.problems = problems.take();
            return Ok(checked);
        }
    };
    let index = bundle.index();
    checked.tensors = index.len();
    for tensor in (0..index.len()).map(|i| index.tensor(i)).filter(|t| t.is_partitioned()) {
        let faults = check_overlap(tensor).err().into_iter().chain(missing(tensor));
        faults.for_each(|fault| problems.add(fault.for_tensor(tensor.key).in_file(index.path())));
    }
    // Reports one error for a missing file, rather than one for each of its tensors. Files that no
    // tensor needs must exist, too. The number of shards is only what the index claims, so the
    // search for files is limited: it could be a billion.
    let shards = index.header().shards;
    let mut absent = Vec::new();
    for shard in 0..shards {
        if absent.len() == MOST_ABSENT {
            break;
        }
        match File::open(&bundle.shard_path(shard)) {
            Ok(_) => checked.files += 1,
            Err(fault) if is_unknown(&fault) => return Err(fault),
            Err(fault) => {
                problems.add(fault);
                absent.push(shard);
            }
        }
    }
    let is_absent = |shard: u32| absent.binary_search(&shard).is_ok();
    let stored = || index.records().filter(|(_, row)| !is_absent(row.shard));
    let total = stored().map(|(_, row)| row.size).fold(0, u64::saturating_add);
    checked.bytes = total;
    let threads = transfer::threads_for(threads, total);
    let records = stored().map(|(key, row)| bundle.check_record(key, &row));
    let outcome = transfer::run(records, threads, true, &mut |done| watch(done, total));
    if let Some(unknown) = outcome.faults.iter().find(|fault| is_unknown(fault)) {
        return Err(unknown.clone());
    }
    add_faults(outcome.faults, &mut problems);
    checked.problems = problems.take();
    // The last report always states that all bytes are done, even if an error kept some from being
    // counted.
    checked.cancelled = outcome.cancelled || watch(total, total).is_break();
    Ok(checked)
}

/// Returns whether an error says nothing about the checkpoint: the system had no memory or no
/// handles of files to spare, or the checkpoint was replaced meanwhile.
fn is_unknown(fault: &Error) -> bool {
    fault.is_shortage() || matches!(fault.reason(), Reason::Replaced | Reason::Busy)
}

/// Adds what is wrong with tensors; that a data file is something else is one problem, not one for
/// each of its tensors.
fn add_faults(faults: Vec<Error>, problems: &mut Problems) {
    let mut foreign: HashSet<PathBuf> = HashSet::new();
    for fault in faults {
        let is_foreign = fault.reason() == Reason::NotACheckpoint;
        let is_new = fault.file().is_none_or(|file| !is_foreign || foreign.insert(file.to_owned()));
        if is_new {
            problems.add(fault);
        }
    }
}

impl Bundle {
    /// Reads tensors of any dtype with several threads, verifies their checksums, and discards the
    /// values.
    pub fn check_whole(&self, tensors: &[usize], threads: u32) -> Result<()> {
        let records = tensors.iter().flat_map(|&tensor| {
            let row = self.index().tensor(tensor);
            if row.is_partitioned() {
                row.slices().filter_map(|s| s.record).map(|n| self.check_record(row.key, &self.index().row(n))).collect()
            } else {
                vec![self.check_record(row.key, &row)]
            }
        });
        let threads = transfer::threads_for(threads, tensors.iter().map(|&t| self.index().tensor(t).size).sum());
        let outcome = transfer::run(records, threads.max(1), false, &mut |_| ControlFlow::Continue(()));
        outcome.faults.into_iter().next().map_or(Ok(()), Err)
    }
}
