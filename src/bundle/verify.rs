//! Verifies a whole bundle and collects everything that is wrong with it.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::assemble::{check_overlap, gap, missing};
use super::index::{Index, Row};
use super::read_options::ReadOptions;
use super::reader::Bundle;
use super::transfer;
use crate::allocate::{list_of, Room};
use crate::background::Control;
use crate::error::{printable, Code, Error, Problems, Reason, Result};
use crate::storage::{File, Location};

/// The result of verifying a bundle.
#[derive(Default)]
pub(crate) struct Checked {
    /// What is damaged.
    pub damage: Problems,
    /// The tensors that the stored slices do not cover.
    pub gaps: Problems,
    pub tensors: usize,
    pub bytes: u64,
    pub files: usize,
    pub cancelled: bool,
    /// The bundle; `None` if its index cannot be listed.
    pub bundle: Option<Bundle>,
}

/// Maximum number of missing data files that are looked for.
const MOST_ABSENT: usize = 100;

/// Verifies every block of the index and, if `values`, every record in the data files of `prefix`;
/// otherwise only that the data files exist and are long enough. `watch` is called with the number
/// of bytes done and the total.
pub(crate) fn verify(
    prefix: &Location,
    threads: u32,
    values: bool,
    watch: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Checked> {
    let mut checked = Checked { files: 1, ..Checked::default() };
    let opened = Bundle::open_with(prefix, || {
        checked.damage = Problems::default();
        Index::load(prefix, None, true, &mut |fault| {
            checked.damage.add(fault);
            Ok(())
        })
    });
    let bundle = match opened {
        Ok(bundle) => bundle,
        // Its index was there before.
        Err(fault) if fault.is_passing() || fault.reason() == Reason::MissingFile => return Err(fault),
        Err(fault) => {
            checked.damage.add(fault);
            return Ok(checked);
        }
    };
    check_slices(bundle.index(), &mut checked)?;
    let shards = check_shards(&bundle, &mut checked)?;
    let overlapping = check_places(bundle.index(), &mut checked)?;
    check_records(&bundle, &shards, &overlapping, values.then_some(threads), &mut checked, watch)?;
    checked.bundle = Some(bundle);
    Ok(checked)
}

/// Checks that the slices of each partitioned tensor do not overlap, that their records are there,
/// and whether they cover the tensor.
fn check_slices(index: &Index, checked: &mut Checked) -> Result<()> {
    checked.tensors = index.len();
    for tensor in (0..index.len()).map(|i| index.tensor(i)).filter(|t| t.is_partitioned()) {
        let place = |fault: Error| fault.for_tensor(tensor.key).in_file(index.path());
        let overlap = check_overlap(tensor).err();
        if let Some(shortage) = overlap.as_ref().filter(|fault| fault.is_shortage()) {
            return Err(place(shortage.clone()));
        }
        let faults: Vec<Error> = overlap.into_iter().chain(missing(tensor)).collect();
        // No element is stored twice, so it suffices to count them.
        if faults.is_empty() {
            checked.gaps.add_some(gap(tensor).map(place));
        }
        faults.into_iter().for_each(|fault| checked.damage.add(place(fault)));
    }
    Ok(())
}

/// What is known of data files.
struct Shards {
    /// The numbers of missing ones, ascending.
    absent: Vec<u32>,
    /// The first one that was not looked for.
    unknown_from: Option<u32>,
}

impl Shards {
    fn may_be_there(&self, shard: u32) -> bool {
        self.unknown_from.is_none_or(|from| shard < from) && self.absent.binary_search(&shard).is_err()
    }
}

/// Looks for all data files, until too many are missing. Reports one error for a missing
/// file, rather than one for each of its tensors. Files that no tensor needs must exist, too. The
/// number of shards is only what the index claims, so the search is limited: it could be a billion.
fn check_shards(bundle: &Bundle, checked: &mut Checked) -> Result<Shards> {
    let mut absent = Vec::new();
    for shard in 0..bundle.index().header().shards {
        if absent.len() == MOST_ABSENT {
            return Ok(Shards { absent, unknown_from: Some(shard) });
        }
        match File::open(&bundle.shard_path(shard)) {
            Ok(_) => checked.files += 1,
            Err(fault) if fault.is_passing() => return Err(fault),
            Err(fault) => {
                checked.damage.add(fault);
                absent.push(shard);
            }
        }
    }
    Ok(Shards { absent, unknown_from: None })
}

/// Checks that no two values share a byte of a data file. Returns the values that overlap others,
/// by their places among the records of the index: not reading them bounds the bytes that are read
/// by the sizes of the files.
fn check_places(index: &Index, checked: &mut Checked) -> Result<HashSet<usize>> {
    let filled = index.records().enumerate().filter(|(_, (_, row))| row.size > 0);
    let mut places: Vec<(u32, u64, u64, usize, &[u8])> =
        list_of(filled.map(|(at, (key, row))| (row.shard, row.offset, row.size, at, key)))?;
    crate::sort::sort_by(&mut places, Ord::cmp)?;
    let (mut last, mut overlapping) = (None, HashSet::new());
    for (shard, offset, size, at, key) in places {
        match last {
            Some((in_shard, end, other)) if in_shard == shard && offset < end => {
                overlapping.make_room(1)?;
                overlapping.insert(at);
                let what = format!("its value overlaps that of \"{}\" in data file {shard}", printable(other));
                checked.damage.add(Error::new(Code::DataLoss, Reason::Overlap, what).for_tensor(key).in_file(index.path()));
            }
            _ => last = Some((shard, offset.saturating_add(size), key)),
        }
    }
    Ok(overlapping)
}

/// Checks the values of all records but those in data files that are missing or were not looked
/// for, and those that overlap others: by their checksums with `threads` threads or, if `None`,
/// only the lengths of the files.
fn check_records(
    bundle: &Bundle,
    shards: &Shards,
    overlapping: &HashSet<usize>,
    threads: Option<u32>,
    checked: &mut Checked,
    watch: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<()> {
    let is_there = |(at, (_, row)): &(usize, (&[u8], Row<'_>))| !overlapping.contains(at) && shards.may_be_there(row.shard);
    let stored = || bundle.index().records().enumerate().filter(is_there).map(|(_, record)| record);
    let Some(threads) = threads else {
        let faults = list_of(stored().filter_map(|(key, row)| Some(bundle.check_row(&row).err()?.for_tensor(key))))?;
        return add_faults(faults, &mut checked.damage);
    };
    let total = stored().map(|(_, row)| row.size).fold(0, u64::saturating_add);
    checked.bytes = total;
    let threads = transfer::threads_for(threads, total);
    let records = stored().map(|(key, row)| bundle.check_record(key, &row));
    let outcome =
        transfer::run(records, threads, transfer::CHUNK as u64, true, &Control::default(), &mut |done| watch(done, total));
    add_faults(outcome.faults, &mut checked.damage)?;
    // The last report always states that all bytes are done, even if an error kept some from being
    // counted.
    checked.cancelled = outcome.cancelled || watch(total, total).is_break();
    Ok(())
}

/// Adds what is wrong with tensors; that a data file is something else is one problem, not one for
/// each of its tensors.
///
/// # Errors
/// The first fault that says nothing about the checkpoint.
fn add_faults(faults: Vec<Error>, problems: &mut Problems) -> Result<()> {
    if let Some(unknown) = faults.iter().find(|fault| fault.is_passing()) {
        return Err(unknown.clone());
    }
    let mut foreign: HashSet<PathBuf> = HashSet::new();
    for fault in faults {
        let is_foreign = fault.reason() == Reason::NotACheckpoint;
        let is_new = fault.file().is_none_or(|file| !is_foreign || foreign.insert(file.to_owned()));
        if is_new {
            problems.add(fault);
        }
    }
    Ok(())
}

impl Bundle {
    /// Reads tensors of any dtype with several threads, verifies their checksums, and discards the
    /// values.
    pub fn check_whole(&self, tensors: &[usize], options: &ReadOptions) -> Result<()> {
        let records = tensors.iter().flat_map(|&tensor| {
            let row = self.index().tensor(tensor);
            if row.is_partitioned() {
                row.slices().filter_map(|s| s.record).map(|n| self.check_record(row.key, &self.index().row(n))).collect()
            } else {
                vec![self.check_record(row.key, &row)]
            }
        });
        let size = tensors.iter().map(|&t| self.index().tensor(t).size).fold(0, u64::saturating_add);
        let threads = transfer::threads_for(options.threads, size).max(1);
        let scratch = transfer::CHUNK as u64;
        let outcome = transfer::run(records, threads, scratch, false, &options.control, &mut |_| ControlFlow::Continue(()));
        if outcome.cancelled {
            return Err(Control::error());
        }
        outcome.faults.into_iter().next().map_or(Ok(()), Err)
    }
}
