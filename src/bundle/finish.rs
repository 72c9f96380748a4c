//! Finishes a writer: plans the data files, writes them with several threads, writes the index and
//! publishes the checkpoint.

use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::durability::Durability;
use super::entry::{put_entry, put_header, put_partitioned, Endianness};
use super::lock::Access;
use super::locking::Notes;
use super::plan::Plan;
use super::publish::Publication;
use super::read_back::{self, Expected, Kept};
use super::source::Placed;
use super::store;
use super::transfer;
use super::write_options::MOST_SHARDS;
use super::writer::{Partitioned, Writer};
use crate::allocate::{list_of, with_room};
use crate::background::Phase;
use crate::error::{Code, Error, Reason, Result};
use crate::format::crc;
use crate::log::Severity;
use crate::storage::{Directory, Draft, Storage};
use crate::table::TableWriter;
use crate::tensor::{check_disjoint, Bounds};

/// Checkpoints smaller than this, in bytes, are written by one thread: they are a single file, and
/// a file system lets only one thread at a time write to a file.
const WORTH_A_THREAD: u64 = 64 << 20;
/// Maximum number of data files that are open at once.
const OPEN_FILES: u32 = 128;

/// The size of a written checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The number of data files.
    pub shards: u32,
    /// The total size of the data files in bytes.
    pub bytes: u64,
}

/// What the index will hold under a key.
enum Listed<'w> {
    /// A value, by its index among the items.
    Item(usize),
    /// The slices of a partitioned tensor.
    Slices(&'w Partitioned),
}

type Listing<'w> = Vec<(&'w [u8], Listed<'w>)>;

impl Writer<'_> {
    /// Writes all added tensors and publishes the checkpoint. Creates the directory if it does not
    /// exist.
    ///
    /// An existing checkpoint of the same prefix stays valid until the new one is complete and
    /// replaces it atomically. It survives a failure of this call and a crash at any point. A
    /// failed call leaves nothing behind.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: two tensors have the same key, or slices of one tensor overlap
    ///   (`Overlap`).
    /// * `RESOURCE_EXHAUSTED` (`Space`): the file system does not have enough space. The message
    ///   states the required and the free space.
    /// * `UNAVAILABLE` (`Locked`): another process or thread is writing or removing the same
    ///   checkpoint, and did not end in time ([`WriteOptions::lock_wait`](super::WriteOptions)).
    /// * `ABORTED` (`LockLost`): the lock of the checkpoint was lost before it was published.
    /// * `FAILED_PRECONDITION` (`Forked`): the writer was made before this process was forked.
    /// * `ABORTED` (`Callback`): a read callback failed.
    /// * Other codes: the operating system reported an error.
    pub fn finish(self) -> Result<Written> {
        self.finish_with(&mut |_, _| ControlFlow::Continue(()))
    }

    /// As [`Writer::finish`], and reports progress. `progress` is called on the calling thread with
    /// the number of bytes done and the total, and can cancel the call.
    ///
    /// # Errors
    /// Those of [`Writer::finish`], and:
    /// * `CANCELLED` (`Callback`): `progress` stopped it.
    pub fn finish_with(self, progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<Written> {
        let storage = &*self.prefix.storage()?;
        self.finish_on(storage, progress)
    }

    pub(crate) fn finish_on(
        self,
        storage: &dyn Storage,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Written> {
        self.origin.check().map_err(|e| e.in_file(&self.prefix))?;
        match self.options.access.clone() {
            Some(access) => self.publish(storage, access, progress),
            None => {
                let access = Access::new(self.options.asked, &Notes::default());
                let (log, notes) = (self.options.log.clone(), access.notes.clone());
                let written = self.publish(storage, access, progress);
                if let Some(log) = log {
                    notes.take().iter().for_each(|text| log(Severity::Warning, text));
                }
                written
            }
        }
    }

    fn publish(
        mut self,
        storage: &dyn Storage,
        access: Access,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Written> {
        let meter = access.meter.clone();
        let _phase = meter.enter(Phase::Write);
        let total = self.total()?;
        let packed = self.options.max_shard_size.map(|limit| self.pack(limit)).transpose()?;
        let listing = self.listing()?;
        let plan = match packed {
            Some(shards) => Plan::packed(&self.items, shards, &self.options)?,
            None => Plan::balanced(&self.items, &self.options)?,
        };
        let publication = Publication::begin(storage, &self.prefix, self.options.durability, access, None)?;
        let mut publication = publication.announce(self.options.announced);
        let shards = publication.unused_count(plan.lengths.len() as u32);
        if shards > MOST_SHARDS {
            return Err(Error::argument("the checkpoint needs too many data files")
                .expecting(format_args!("at most {MOST_SHARDS}"), shards));
        }
        check_space(publication.directory(), total)?;
        let placed = |(source, &(shard, offset))| Placed { source, shard, offset };
        let values: Vec<Placed<'_>> = list_of(self.items.sources().zip(&plan.places).map(placed))?;
        let threads = match self.options.threads {
            0 if total < WORTH_A_THREAD => 1,
            asked => transfer::threads_for(asked, total),
        };
        let durable = self.options.durability != Durability::None;
        let (mut crcs, mut done) = (with_room(values.len())?, 0);
        for first in (0..shards).step_by(OPEN_FILES as usize) {
            let group = first..shards.min(first + OPEN_FILES);
            let lengths: Vec<u64> = group.clone().map(|shard| plan.lengths.get(shard as usize).copied().unwrap_or(0)).collect();
            let mut files = Vec::with_capacity(lengths.len());
            for (shard, &length) in group.clone().zip(&lengths) {
                files.push(publication.create_data(shard, shards, length)?);
            }
            let values = &values[crcs.len()..];
            let values = &values[..values.iter().take_while(|v| v.shard < group.end).count()];
            let sums = store::run(first, &files, &lengths, values, threads, durable, &mut |more| progress(done + more, total))?;
            let sums = sums
                .ok_or_else(|| Error::new(Code::Cancelled, Reason::Callback, "the write was cancelled").in_file(&self.prefix))?;
            meter.add(Phase::Write, lengths.iter().sum());
            for (file, &length) in files.iter().zip(&lengths) {
                publication.sync(&**file, length)?;
            }
            done += lengths.iter().sum::<u64>();
            if self.options.read_back {
                let watch = &mut || progress(done, total);
                self.read_back(first, &files, values, (crcs.len(), &sums), threads, watch)?;
            }
            crcs.extend(sums);
        }
        let index = publication.create_index()?;
        let (mut at, mut sum) = (0, crc::crc32c(&[]));
        let mut sink = |bytes: &[u8]| {
            let written = index.write_at(at, &[IoSlice::new(bytes)]);
            at += bytes.len() as u64;
            sum = crc::combine(sum, crc::crc32c(bytes), bytes.len() as u64);
            written.map_err(|e| Error::io("write the index", &self.prefix, &e))
        };
        self.write_index(shards, &listing, &plan, &crcs, &mut sink)?;
        meter.add(Phase::Write, at);
        publication.sync(&*index, at)?;
        if self.options.read_back {
            let expected = vec![Expected { offset: 0, length: at, crc: sum }];
            let kept = Kept { file: &index, expected, name: &|_, fault| fault };
            read_back::check(&[kept], 1, &mut || ControlFlow::Continue(()))?;
        }
        publication.commit(shards)?;
        Ok(Written { shards, bytes: total })
    }

    /// Compares a group of data files, from number `first` on, with the values that were written to
    /// them: `values`, whose numbers and checksums are `sums`.
    fn read_back(
        &self,
        first: u32,
        files: &[Arc<dyn Draft>],
        values: &[Placed<'_>],
        (start, sums): (usize, &[u32]),
        threads: usize,
        watch: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<()> {
        let (mut kept, mut next) = (with_room(files.len())?, 0);
        let firsts: Vec<usize> = (0..files.len() as u32)
            .map(|number| {
                let start = next;
                next += values[next..].iter().take_while(|value| value.shard == first + number).count();
                start
            })
            .collect();
        let names: Vec<_> = firsts
            .iter()
            .map(|&from| move |number: usize, fault: Error| fault.for_tensor(self.items.key(start + from + number)))
            .collect();
        for (number, file) in files.iter().enumerate() {
            let range = firsts[number]..firsts.get(number + 1).copied().unwrap_or(next);
            let placed = values[range.clone()].iter().zip(&sums[range]);
            let expected =
                list_of(placed.map(|(value, &crc)| Expected { offset: value.offset, length: value.source.len(), crc }))?;
            kept.push(Kept { file, expected, name: &names[number] });
        }
        if read_back::check(&kept, threads, watch)? {
            return Ok(());
        }
        Err(Error::new(Code::Cancelled, Reason::Callback, "the write was cancelled").in_file(&self.prefix))
    }

    /// Returns the total size of all values with their padding, in bytes.
    pub(super) fn total(&self) -> Result<u64> {
        let too_large = || Error::argument("the values are too large: their total size exceeds 63 bits").in_file(&self.prefix);
        self.items.lengths().try_fold(0u64, |sum, length| {
            let size = length.checked_next_multiple_of(self.options.alignment).ok_or_else(too_large)?;
            sum.checked_add(size).filter(|&sum| sum <= i64::MAX as u64).ok_or_else(too_large)
        })
    }

    /// Returns what goes into the index, in key order. Checks that all keys differ and that no
    /// slices overlap.
    fn listing(&self) -> Result<Listing<'_>> {
        for (key, tensor) in &self.partitioned {
            let boxes: Vec<Bounds> = list_of(tensor.slices.iter().map(|s| Bounds::stored(s, &tensor.shape)))?;
            check_disjoint(&boxes, Bounds::whole(&tensor.shape).elements(), |i| tensor.slices[i][..].into())
                .map_err(|e| if e.is_shortage() { e } else { Error::argument(e.to_string()).because(Reason::Overlap) })
                .map_err(|e| e.for_tensor(key))?;
        }
        let values = (0..self.items.len()).map(|i| (self.items.key(i), Listed::Item(i)));
        let lists = self.partitioned.iter().map(|(key, tensor)| (&key[..], Listed::Slices(tensor)));
        let mut listing: Listing<'_> = list_of(values.chain(lists))?;
        listing.sort_unstable_by_key(|(key, _)| *key);
        match listing.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(Error::argument("two tensors have the same key").for_tensor(pair[0].0)),
            None => Ok(listing),
        }
    }

    fn write_index(
        &self,
        shards: u32,
        listing: &Listing<'_>,
        plan: &Plan,
        crcs: &[u32],
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut table = TableWriter::new(sink);
        let mut value = Vec::new();
        put_header(&mut value, shards, Endianness::Little);
        table.add(b"", &value)?;
        for (key, listed) in listing {
            value.clear();
            match *listed {
                Listed::Item(number) => {
                    let item = self.items.get(number);
                    let (shard, offset) = plan.places[number];
                    let crc = item.crc.unwrap_or_else(|| crc::mask(crcs[number]));
                    put_entry(&mut value, item.dtype, item.shape, shard, offset, item.source.len(), crc);
                }
                Listed::Slices(tensor) => put_partitioned(&mut value, tensor.dtype, &tensor.shape, 0, &tensor.slices)?,
            }
            table.add(key, &value)?;
        }
        table.finish()
    }
}

fn check_space(directory: &dyn Directory, needed: u64) -> Result<()> {
    match directory.space() {
        Some(free) if free < needed => {
            Err(Error::new(Code::ResourceExhausted, Reason::Space, "the file system does not have enough space")
                .expecting(format_args!("{needed} bytes free"), format_args!("{free} bytes"))
                .in_file(directory.location()))
        }
        _ => Ok(()),
    }
}
