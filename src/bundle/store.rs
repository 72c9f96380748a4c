//! Writes values from memory to new data files: pieces at planned offsets, by a few threads, each
//! hashed while it is in the cache.

use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;

use super::direct::{self, Bounce, Stretch, Stretches};
use super::source::{Placed, Source, Sum};
use super::transfer::CHUNK;
use crate::allocate::{allocate, filled, with_room, Room, TryPush};
use crate::error::{Error, Result};
use crate::format::crc;
use crate::storage::Draft;

/// Values smaller than this, in bytes, are gathered and written by one call.
const SMALL: usize = 64 << 10;
/// Maximum number of bytes gathered for one call.
const GATHERED: usize = 1 << 20;
/// Maximum number of values gathered for one call: what one system call accepts.
const GATHERED_PARTS: usize = 1024;

/// The work that a thread does at a time.
enum Job {
    Values(Span),
    Stretch(Stretch),
}

impl Job {
    fn length(&self) -> u64 {
        match self {
            Job::Values(span) => span.length,
            Job::Stretch(stretch) => stretch.length(),
        }
    }
}

/// Consecutive values in a file, or a piece of a large value.
struct Span {
    /// The indices of the values: `first` up to, not including, `end`.
    first: usize,
    end: usize,
    /// For a single value, the offset and length of the piece in bytes.
    from: u64,
    length: u64,
}

/// The remaining work for one file.
enum Lane {
    Values(Values),
    Stretches(Stretches),
}

impl Lane {
    fn take(&mut self, values: &[Placed<'_>]) -> Option<Job> {
        match self {
            Lane::Values(left) => left.take(values).map(Job::Values),
            Lane::Stretches(left) => left.take(values).map(Job::Stretch),
        }
    }
}

/// The values of one file that have not been handed out yet.
struct Values {
    next: usize,
    end: usize,
    /// The offset from which value `next` has not been handed out.
    from: u64,
}

impl Values {
    fn take(&mut self, values: &[Placed<'_>]) -> Option<Span> {
        let first = self.next;
        let value = values[..self.end].get(first)?;
        let whole = value.source.len();
        if self.from > 0 || whole >= SMALL as u64 || value.source.bytes().is_none() {
            let length = (whole - self.from).min(CHUNK as u64);
            let span = Span { first, end: first + 1, from: self.from, length };
            self.from += length;
            if self.from == whole {
                (self.next, self.from) = (first + 1, 0);
            }
            return Some(span);
        }
        let (mut end, mut length) = (first, 0);
        while let Some(value) = values[..self.end].get(end) {
            let more = value.source.len();
            let joins = end == first || value.offset == values[first].offset + length;
            let fits = length + more <= GATHERED as u64 && end - first < GATHERED_PARTS;
            if more >= SMALL as u64 || value.source.bytes().is_none() || !joins || !fits {
                break;
            }
            length += more;
            end += 1;
        }
        self.next = end;
        Some(Span { first, end, from: 0, length })
    }
}

/// Writes all `values` to `files`: data files from number `first` on, with the given `lengths`.
/// Returns the checksum of each value, or `None` if `watch` cancelled the write. `watch` is called
/// on the calling thread, which is one of the `threads`, with the number of bytes written so far.
pub(super) fn run(
    first: u32,
    files: &[Arc<dyn Draft>],
    lengths: &[u64],
    values: &[Placed<'_>],
    threads: usize,
    durable: bool,
    watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Option<Vec<u32>>> {
    let mut lanes = Vec::new();
    let mut next = 0;
    for (number, file) in files.iter().enumerate() {
        let end = next + values[next..].iter().take_while(|v| v.shard == first + number as u32).count();
        let length = lengths[number];
        let direct = durable && length >= direct::WORTH_IT && file.go_direct();
        lanes.push(if direct {
            Lane::Stretches(Stretches::new(number, length, next..end))
        } else {
            Lane::Values(Values { next, end, from: 0 })
        });
        next = end;
    }
    let lanes = Mutex::new(lanes);
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    // Each thread begins with a different file, because the file system lets only one thread at a
    // time write to a file.
    let take = |thread: usize| {
        let mut lanes = lanes.lock();
        let count = lanes.len();
        (0..count).find_map(|i| lanes[(thread + i) % count].take(values))
    };
    let work = |thread: usize, watch: &mut dyn FnMut(u64) -> ControlFlow<()>| {
        let (mut sums, mut scratch, mut bounce) = (Vec::new(), Vec::new(), Bounce::default());
        while !stop.load(Ordering::Relaxed) {
            let Some(job) = take(thread) else { break };
            let length = job.length();
            let outcome = match &job {
                Job::Values(span) => {
                    perform(&files[(values[span.first].shard - first) as usize], values, span, &mut sums, &mut scratch)
                }
                Job::Stretch(stretch) => direct::write(files, values, stretch, &mut bounce, &mut sums),
            };
            if let Err(fault) = outcome {
                stop.store(true, Ordering::Relaxed);
                return Err(fault);
            }
            let done = done.fetch_add(length, Ordering::Relaxed) + length;
            if watch(done).is_break() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        Ok(sums)
    };
    let work = &work;
    let mut cancelled = false;
    let results: Vec<Result<Vec<Sum>>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .filter_map(|thread| {
                let body = move || work(thread, &mut |_| ControlFlow::Continue(()));
                std::thread::Builder::new().spawn_scoped(scope, body).ok()
            })
            .collect();
        let mut results = vec![work(0, &mut |done| {
            let flow = watch(done);
            cancelled |= flow.is_break();
            flow
        })];
        results.extend(others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        results
    });
    let mut sums = Vec::new();
    for result in results {
        let result = result?;
        sums.make_room(result.len())?;
        sums.extend(result);
    }
    // The last piece may have been written by another thread: report the final count here.
    if cancelled || watch(done.into_inner()).is_break() {
        return Ok(None);
    }
    sums.sort_unstable_by_key(|s| (s.value, s.from));
    let mut crcs = filled(crc::crc32c(&[]), values.len())?;
    for sum in sums {
        let crc = &mut crcs[sum.value];
        *crc = if sum.from == 0 { sum.crc } else { crc::combine(*crc, sum.crc, sum.length) };
    }
    Ok(Some(crcs))
}

fn perform(file: &Arc<dyn Draft>, values: &[Placed<'_>], job: &Span, sums: &mut Vec<Sum>, scratch: &mut Vec<u8>) -> Result<()> {
    let first = &values[job.first];
    let fault = |e: std::io::Error| Error::io("write the data file", file.path(), &e);
    let mut parts = with_room(job.end - job.first)?;
    if let Source::Read { read, from, .. } = first.source {
        if scratch.len() < job.length as usize {
            *scratch = allocate(CHUNK as u64)?;
        }
        let piece = &mut scratch[..job.length as usize];
        read(from + job.from, piece).map_err(|e| Error::callback("reading the value", e))?;
        sums.try_push(Sum { value: job.first, from: job.from, crc: crc::crc32c(piece), length: job.length })?;
        parts.push(IoSlice::new(piece));
        return file.write_at(first.offset + job.from, &parts).map_err(fault);
    }
    for (number, value) in values[job.first..job.end].iter().enumerate() {
        let Some(bytes) = value.source.bytes() else { continue };
        let piece = match job.end - job.first {
            1 => &bytes[job.from as usize..][..job.length as usize],
            _ => bytes,
        };
        sums.try_push(Sum { value: job.first + number, from: job.from, crc: crc::crc32c(piece), length: piece.len() as u64 })?;
        parts.push(IoSlice::new(piece));
    }
    file.write_at(first.offset + job.from, &parts).map_err(fault)
}
