//! Reads payloads from files to memory: chunk by chunk, by a few threads, each chunk hashed while
//! it is in the cache.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;

use super::destination::Destination;
use super::payload::check_crc;
use crate::allocate::{at_least, with_room, Room, TryPush};
use crate::background::Control;
use crate::error::{Error, Result};
use crate::foreign::explain_contents;
use crate::format::crc;
use crate::storage::File;

/// The size of a chunk in bytes. It is small enough to stay in a core's second-level cache between
/// the read and the checksum, and large enough that the cost of a system call is negligible. A
/// multiple of every element size.
pub(crate) const CHUNK: usize = 256 << 10;

/// Reads of fewer bytes than this do not benefit from a second thread.
const WORTH_A_THREAD: u64 = 4 << 20;

/// Maximum number of threads if the caller does not specify one.
const MOST_THREADS: usize = 4;

/// Maximum number of threads for each core that a caller can have: storage that answers slowly is
/// worth more than one.
const MOST_FOR_A_CORE: usize = 8;

/// A contiguous payload to be read.
pub(crate) struct Transfer<'b> {
    pub file: Arc<File>,
    pub offset: u64,
    pub target: Target<'b>,
    /// The masked checksum of all bytes, if it is to be verified.
    pub crc: Option<u32>,
    /// The number of bytes to reverse together after the checksum is verified; 1 for none.
    pub swap: usize,
    /// The key of the tensor, for errors.
    pub key: &'b [u8],
    /// Where the progress of this transfer is recorded.
    pub progress: Option<&'b Progress>,
}

/// The progress of a transfer.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Whether the first byte of the target may have been written.
    begun: AtomicBool,
    /// The number of bytes of memory, or of small payloads, that have been read. A chunk or a small
    /// payload that is a whole payload counts only if its checksum was correct.
    done: AtomicU64,
}

impl Progress {
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// The target of a transfer.
pub(crate) enum Target<'b> {
    Memory(Destination<'b>),
    /// Several small buffers that lie close together in the file, in the order of their offsets.
    /// One call reads them all into memory of the thread. No buffer is modified before its bytes
    /// have been verified.
    Small(&'b mut [Payload<'b>]),
    /// No target: this number of bytes is only verified.
    Discard(u64),
    /// No work: this number of bytes is only counted.
    Done(u64),
}

/// A payload and its buffer.
#[derive(Debug)]
pub(crate) struct Payload<'b> {
    /// The number by which the caller identifies it.
    pub number: usize,
    pub shard: u32,
    pub offset: u64,
    pub buffer: Destination<'b>,
    /// The following fields are as in [`Transfer`].
    pub crc: Option<u32>,
    pub swap: usize,
    pub key: &'b [u8],
}

impl Payload<'_> {
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.buffer.len())
    }
}

/// Returns the number of bytes from the beginning of the first payload to the end of the last. The
/// payloads are in the order of their offsets, but may be empty or overlap.
pub(crate) fn extent(payloads: &[Payload<'_>]) -> u64 {
    let start = payloads.first().map_or(0, |first| first.offset);
    payloads.iter().map(Payload::end).max().map_or(0, |end| end - start)
}

/// Returns the number of bytes of memory that a thread needs beside the buffers of the payloads,
/// one large or several small ones.
pub(crate) fn scratch_for(payloads: &[Payload<'_>]) -> u64 {
    match payloads {
        [first, ..] if first.is_small() => extent(payloads),
        [first, ..] if first.buffer.is_converted() => first.buffer.len().min(CHUNK as u64),
        _ => 0,
    }
}

impl Target<'_> {
    fn len(&self) -> u64 {
        match self {
            Target::Memory(buffer) => buffer.len(),
            Target::Small(payloads) => extent(payloads),
            Target::Discard(len) | Target::Done(len) => *len,
        }
    }

    /// The number of bytes of its payloads, without gaps.
    fn wanted(&self) -> u64 {
        match self {
            Target::Small(payloads) => payloads.iter().map(|p| p.buffer.len()).sum(),
            _ => self.len(),
        }
    }
}

/// The outcome of a run.
#[derive(Default)]
pub(crate) struct Outcome {
    /// In the order of the transfers.
    pub faults: Vec<Error>,
    pub cancelled: bool,
}

/// Returns the number of threads to use for `bytes` bytes, if the caller requested `asked` threads;
/// 0 lets the library choose. More than there are chunks would have nothing to do.
pub(crate) fn threads_for(asked: u32, bytes: u64) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
    let chunks = usize::try_from(bytes.div_ceil(CHUNK as u64)).unwrap_or(usize::MAX).max(1);
    match asked {
        0 if bytes < WORTH_A_THREAD => 1,
        0 => cores().min(MOST_THREADS),
        n => (n as usize).min(chunks).min(cores().saturating_mul(MOST_FOR_A_CORE)),
    }
}

/// A chunk of one transfer.
struct Chunk<'b> {
    transfer: usize,
    /// The index of the chunk in its transfer.
    number: u32,
    /// Whether it is the only chunk of its transfer.
    only: bool,
    file: Arc<File>,
    offset: u64,
    target: Target<'b>,
    crc: Option<u32>,
    swap: usize,
    key: &'b [u8],
    progress: Option<&'b Progress>,
}

/// Hands out chunks in order.
struct Queue<'b, I> {
    transfers: I,
    /// The number of transfers begun so far.
    begun: usize,
    /// The transfer in progress, and the index of its next chunk.
    current: Option<(Transfer<'b>, u32)>,
    /// Errors of transfers that could not begin, each with the number of the transfer.
    faults: Vec<(usize, Error)>,
}

impl<'b, I: Iterator<Item = Result<Transfer<'b>>>> Queue<'b, I> {
    fn take(&mut self, keep_going: bool) -> Option<Chunk<'b>> {
        let (mut transfer, number) = loop {
            if let Some(current) = self.current.take() {
                break current;
            }
            self.begun += 1;
            match self.transfers.next()? {
                Ok(transfer) => break (transfer, 0),
                Err(fault) => {
                    self.faults.push((self.begun, fault));
                    if !keep_going {
                        return None;
                    }
                }
            }
        };
        let whole = transfer.target.len();
        let target = match &mut transfer.target {
            Target::Memory(buffer) => {
                let (head, rest) = std::mem::take(buffer).split_at(whole.min(CHUNK as u64));
                *buffer = rest;
                Target::Memory(head)
            }
            Target::Discard(len) => {
                let head = whole.min(CHUNK as u64);
                *len -= head;
                Target::Discard(head)
            }
            Target::Small(payloads) => Target::Small(std::mem::take(payloads)),
            Target::Done(len) => Target::Done(*len),
        };
        let length = target.len();
        let chunk = Chunk {
            transfer: self.begun,
            number,
            only: number == 0 && length == whole,
            file: transfer.file.clone(),
            offset: transfer.offset,
            target,
            crc: transfer.crc,
            swap: transfer.swap,
            key: transfer.key,
            progress: transfer.progress,
        };
        if length < whole {
            transfer.offset += length;
            self.current = Some((transfer, number + 1));
        }
        Some(chunk)
    }
}

/// The checksum of one chunk of a transfer with several chunks.
struct ChunkSum<'b> {
    transfer: usize,
    number: u32,
    crc: u32,
    length: u64,
    stored: u32,
    file: Arc<File>,
    key: &'b [u8],
}

/// Reads all `transfers` with `threads` threads, one of which is the calling thread. Each thread
/// gets `scratch` bytes of memory, for small payloads, what is converted and what is only verified,
/// before anything is read. `watch` is called on the calling thread with the number of bytes read
/// so far and can cancel the run, as `control` can. With `keep_going` an error does not end the
/// run.
pub(crate) fn run<'b>(
    transfers: impl Iterator<Item = Result<Transfer<'b>>> + Send,
    threads: usize,
    scratch: u64,
    keep_going: bool,
    control: &Control,
    watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Outcome {
    let queue = Mutex::new(Queue { transfers, begun: 0, current: None, faults: Vec::new() });
    let (stop, stopped, done) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    let scratch = || with_room(scratch as usize);
    let work = |mut scratch: Vec<u8>, watch: &mut dyn FnMut(u64) -> ControlFlow<()>| {
        // There is always room for one more fault.
        let (mut sums, mut faults) = (Vec::new(), Vec::with_capacity(1));
        while !stop.load(Ordering::Relaxed) {
            if control.is_cancelled() {
                stopped.store(true, Ordering::Relaxed);
                stop.store(true, Ordering::Relaxed);
                break;
            }
            let Some(chunk) = queue.lock().take(keep_going) else { break };
            let (length, wanted) = (chunk.target.len(), chunk.target.wanted());
            if let Err((transfer, fault)) = transfer_chunk(chunk, &mut scratch, &mut sums) {
                let room = faults.make_room(2);
                if room.is_err() || !keep_going {
                    stop.store(true, Ordering::Relaxed);
                }
                faults.push((transfer, room.err().unwrap_or(fault)));
            }
            control.advance(wanted);
            let done = done.fetch_add(length, Ordering::Relaxed) + length;
            if watch(done).is_break() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        (sums, faults)
    };
    let own_scratch = match scratch() {
        Ok(memory) => memory,
        Err(fault) => return Outcome { faults: vec![fault], cancelled: false },
    };
    let mut cancelled = false;
    let (mut sums, mut faults) = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .filter_map(|_| {
                // A thread for which there is no memory is none.
                let memory = scratch().ok()?;
                let body = || work(memory, &mut |_| ControlFlow::Continue(()));
                std::thread::Builder::new().spawn_scoped(scope, body).ok()
            })
            .collect();
        let mut results = work(own_scratch, &mut |done| {
            let flow = watch(done);
            cancelled |= flow.is_break();
            flow
        });
        for other in others {
            match other.join() {
                Ok((sums, faults)) => {
                    let room = results.0.make_room(sums.len()).and_then(|()| results.1.make_room(faults.len() + 1));
                    match room {
                        Ok(()) => {
                            results.0.extend(sums);
                            results.1.extend(faults);
                        }
                        Err(fault) => results.1.push((0, fault)),
                    }
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    if cancelled || stopped.into_inner() {
        return Outcome { faults: Vec::new(), cancelled: true };
    }
    faults.append(&mut queue.into_inner().faults);
    if keep_going || faults.is_empty() {
        check_sums(&mut sums, &mut faults);
    }
    if let Err(e) = crate::sort::sort_by_key(&mut faults, |(transfer, _)| *transfer) {
        return Outcome { faults: vec![e], cancelled };
    }
    faults.dedup_by_key(|(transfer, _)| *transfer);
    Outcome { faults: faults.into_iter().map(|(_, fault)| fault).collect(), cancelled }
}

fn transfer_chunk<'b>(
    chunk: Chunk<'b>,
    scratch: &mut Vec<u8>,
    sums: &mut Vec<ChunkSum<'b>>,
) -> std::result::Result<(), (usize, Error)> {
    let in_context =
        |e: Error| (chunk.transfer, explain_contents(e.in_file(chunk.file.path()), &chunk.file).for_tensor(chunk.key));
    let unwatched = Progress::default();
    let progress = chunk.progress.unwrap_or(&unwatched);
    let mut converted = None;
    let buffer = match chunk.target {
        Target::Memory(memory) => match memory.into_plain() {
            Ok(memory) => memory,
            Err(memory) => {
                let stored = at_least(scratch, memory.len()).map_err(in_context)?;
                converted = Some(memory);
                stored
            }
        },
        Target::Small(payloads) => {
            let memory = at_least(scratch, extent(payloads)).map_err(|e| (chunk.transfer, e))?;
            return read_small(&chunk.file, payloads, memory, progress).map_err(|e| (chunk.transfer, e));
        }
        Target::Discard(length) => at_least(scratch, length).map_err(in_context)?,
        Target::Done(_) => return Ok(()),
    };
    progress.begun.store(true, Ordering::Relaxed);
    chunk.file.read_at(chunk.offset, buffer).map_err(in_context)?;
    if let Some(stored) = chunk.crc {
        let sum = crc::crc32c(buffer);
        if chunk.only {
            check_crc(stored, crc::mask(sum), "the checksum of the tensor does not match").map_err(in_context)?;
        } else {
            let sum = ChunkSum {
                transfer: chunk.transfer,
                number: chunk.number,
                crc: sum,
                length: buffer.len() as u64,
                stored,
                file: chunk.file.clone(),
                key: chunk.key,
            };
            sums.try_push(sum).map_err(in_context)?;
        }
    }
    swap(buffer, chunk.swap);
    if let Some(mut memory) = converted {
        memory.put(0, buffer).map_err(in_context)?;
    }
    progress.done.fetch_add(buffer.len() as u64, Ordering::Relaxed);
    Ok(())
}

/// Reads payloads that lie close together with one call.
fn read_small(file: &File, payloads: &mut [Payload<'_>], memory: &mut [u8], progress: &Progress) -> Result<()> {
    let start = payloads.first().map_or(0, |first| first.offset);
    // If they cannot all be read at once, each is read separately, so that the one that fails is
    // known.
    let at_once = file.read_at(start, memory).is_ok();
    for (number, payload) in payloads.iter_mut().enumerate() {
        let in_context = |e: Error| explain_contents(e.in_file(file.path()), file).for_tensor(payload.key);
        let bytes = &mut memory[(payload.offset - start) as usize..][..payload.buffer.len() as usize];
        if !at_once {
            file.read_at(payload.offset, bytes).map_err(in_context)?;
        }
        if let Some(stored) = payload.crc {
            check_crc(stored, crc::mask(crc::crc32c(bytes)), "the checksum of the tensor does not match").map_err(in_context)?;
        }
        swap(bytes, payload.swap);
        payload.buffer.put(0, bytes).map_err(in_context)?;
        swap(bytes, payload.swap); // they may be those of the next payload too
        progress.done.store(number as u64 + 1, Ordering::Relaxed);
    }
    Ok(())
}

/// Combines the checksums of the chunks of each transfer and compares them with the stored one.
fn check_sums(sums: &mut [ChunkSum<'_>], faults: &mut Vec<(usize, Error)>) {
    sums.sort_unstable_by_key(|s| (s.transfer, s.number));
    let torn: Vec<usize> = faults.iter().map(|(transfer, _)| *transfer).collect();
    for parts in sums.chunk_by(|a, b| a.transfer == b.transfer) {
        let first = &parts[0];
        let whole = parts[1..].iter().fold(first.crc, |sum, part| crc::combine(sum, part.crc, part.length));
        if torn.contains(&first.transfer) {
            continue; // a chunk could not be read: only that error is reported
        }
        if let Err(e) = check_crc(first.stored, crc::mask(whole), "the checksum of the tensor does not match") {
            faults.push((first.transfer, e.for_tensor(first.key).in_file(first.file.path())));
        }
    }
}

/// Reverses the bytes of each unit of `unit` bytes.
pub(crate) fn swap(bytes: &mut [u8], unit: usize) {
    if unit > 1 {
        bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_bounded_by_work_and_cores() {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let much = u64::MAX;
        for (asked, bytes, threads) in [
            (0, WORTH_A_THREAD - 1, 1),
            (0, WORTH_A_THREAD, cores.min(MOST_THREADS)),
            (1, much, 1),
            (2, 0, 1),
            (100_000, CHUNK as u64, 1),
            (100_000, CHUNK as u64 + 1, 2),
            (u32::MAX, much, cores * MOST_FOR_A_CORE),
        ] {
            assert_eq!(threads_for(asked, bytes), threads, "{asked} threads for {bytes} bytes");
        }
    }
}
