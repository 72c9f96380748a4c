//! Copies of everything that a writer borrows, so that it can write while the program continues.

use std::ops::ControlFlow;

use parking_lot::Mutex;

use super::finish::Written;
use super::source::{ReadAt, Source};
use super::stream;
use super::transfer::{threads_for, CHUNK};
use super::writer::Writer;
use crate::allocate::with_room;
use crate::background::Phase;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::tensor::Buffer;

/// Maximum number of bytes that a thread copies at a time.
const PIECE: usize = 16 << 20;
/// The alignment of small values: sufficient for every element type, because callbacks may treat
/// the memory as an array of elements.
const ALIGNMENT: usize = size_of::<u128>();
/// Values of at least this many bytes begin at page boundaries, as much of what is copied does: a
/// copy is faster if both sides have the same offset within a cache line.
const LARGE: u64 = 256 << 10;
const LARGE_ALIGNMENT: usize = 4096;

/// Memory for copies, reused by later snapshots: touching memory for the first time costs more than
/// the copy.
#[derive(Default)]
pub(crate) struct SnapshotMemory(Buffer);

impl SnapshotMemory {
    fn make_room(&mut self, len: usize) -> Result<()> {
        let len = len.saturating_add(LARGE_ALIGNMENT);
        if self.0.bytes().len() < len {
            // The old memory is freed first: there may not be enough for both.
            self.0 = Buffer::default();
            self.0 = Buffer::zeroed(len)?;
        }
        Ok(())
    }

    /// Returns the offset at which the memory is aligned for large values.
    fn start(&self) -> usize {
        self.0.bytes().as_ptr().align_offset(LARGE_ALIGNMENT).min(self.0.bytes().len())
    }

    fn bytes(&self) -> &[u8] {
        &self.0.bytes()[self.start()..]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let start = self.start();
        &mut self.0.bytes_mut()[start..]
    }
}

/// A writer that borrows no memory except its own.
pub(crate) struct Snapshot {
    writer: Writer<'static>,
    memory: SnapshotMemory,
    copies: Vec<Copied>,
    /// The number of bytes to write.
    total: u64,
    /// The number of bytes that were copied.
    copied: u64,
}

/// The position of the copy of a value.
struct Copied {
    item: usize,
    start: usize,
    len: usize,
}

impl<'a> Writer<'a> {
    /// Copies everything that the writer borrows into `memory`, which the snapshot takes on
    /// success. Read callbacks are called only on this thread.
    pub(crate) fn snapshot(self, memory: &mut SnapshotMemory) -> Result<Snapshot> {
        let total = self.total()?;
        let meter = self.options.access.as_ref().map(|access| access.meter.clone()).unwrap_or_default();
        let _phase = meter.enter(Phase::Copy);
        let Writer { prefix, options, items, partitioned, origin } = self;
        let threads = threads_for(options.threads, total);
        let (items, sources) = items.detach()?;
        let (mut copies, mut end) = (with_room(sources.len())?, 0usize);
        for (item, source) in &sources {
            let alignment = if source.len() < LARGE { ALIGNMENT } else { LARGE_ALIGNMENT };
            let start = end.checked_next_multiple_of(alignment);
            let len = usize::try_from(source.len()).ok();
            let after = start.zip(len).and_then(|(start, len)| Some((start, len, start.checked_add(len)?)));
            let Some((start, len, next)) = after else { return Err(Error::out_of_memory(source.len())) };
            copies.push(Copied { item: *item, start, len });
            end = next;
        }
        memory.make_room(end)?;
        let bytes = &mut memory.bytes_mut()[..end];
        copy(bytes, &copies, &sources, threads);
        for (copied, (_, source)) in copies.iter().zip(&sources) {
            if let Source::Read { read, from, .. } = source {
                ask(&mut bytes[copied.start..][..copied.len], *from, &**read)?;
            }
        }
        let copied = copies.iter().map(|copied| copied.len as u64).sum();
        meter.add(Phase::Copy, copied);
        let writer = Writer { prefix, options, items, partitioned, origin };
        Ok(Snapshot { writer, memory: std::mem::take(memory), copies, total, copied })
    }
}

impl Snapshot {
    /// Returns the number of bytes to write.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the number of bytes that were copied.
    pub fn copied(&self) -> u64 {
        self.copied
    }

    /// Writes and publishes the checkpoint as [`Writer::finish_with`] does. Returns the memory as
    /// well.
    pub fn finish_on(
        self,
        storage: &dyn Storage,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> (SnapshotMemory, Result<Written>) {
        let Snapshot { writer, memory, copies, .. } = self;
        let written = finish(writer, memory.bytes(), &copies, storage, progress);
        (memory, written)
    }
}

fn finish<'m>(
    mut writer: Writer<'m>,
    bytes: &'m [u8],
    copies: &[Copied],
    storage: &dyn Storage,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Written> {
    copies.iter().for_each(|c| writer.items.set_source(c.item, Source::Borrowed(&bytes[c.start..][..c.len])));
    writer.finish_on(storage, progress)
}

/// Copies the values that are in memory, with several threads.
fn copy(bytes: &mut [u8], copies: &[Copied], sources: &[(usize, Source<'_>)], threads: usize) {
    let threads = threads.min(bytes.len().div_ceil(CHUNK));
    if threads <= 1 {
        return copy_piece(bytes, 0, copies, sources);
    }
    let piece = bytes.len().div_ceil(threads).min(PIECE);
    let pieces = Mutex::new(bytes.chunks_mut(piece).enumerate());
    let work = || loop {
        let next = pieces.lock().next();
        match next {
            Some((number, bytes)) => copy_piece(bytes, number * piece, copies, sources),
            None => break,
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // If the thread cannot be started, the others do its part.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}

/// Fills the part of the memory that begins at offset `from`.
fn copy_piece(bytes: &mut [u8], from: usize, copies: &[Copied], sources: &[(usize, Source<'_>)]) {
    let end = from + bytes.len();
    let first = copies.partition_point(|c| c.start + c.len <= from);
    for (copied, (_, source)) in copies[first..].iter().zip(&sources[first..]).take_while(|(c, _)| c.start < end) {
        let Some(value) = source.bytes() else { continue };
        let (begin, stop) = (copied.start.max(from), (copied.start + copied.len).min(end));
        if begin < stop {
            stream::copy(&mut bytes[begin - from..stop - from], &value[begin - copied.start..stop - copied.start]);
        }
    }
}

/// Reads a value from a callback, in pieces as when it is written.
fn ask(bytes: &mut [u8], from: u64, read: &ReadAt<'_>) -> Result<()> {
    for (number, piece) in bytes.chunks_mut(CHUNK).enumerate() {
        read(from + (number * CHUNK) as u64, piece).map_err(|e| Error::callback("reading the value", e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Durability, WriteOptions};
    use crate::laboratory::disk::read_directory;
    use crate::laboratory::scratch;
    use crate::storage::Local;
    use crate::tensor::{DType, Extent, Slice};

    fn bytes(len: usize, seed: usize) -> Vec<u8> {
        (0..len).map(|i| (((i + seed) * 2_654_435_761) >> 7) as u8).collect()
    }

    /// Adds values of many sizes, some from callbacks, strings among them.
    fn fill<'a>(writer: &mut Writer<'a>, values: &'a [Vec<u8>], asked: &'a (dyn Fn(&[u8]) + Send + Sync)) {
        for (number, value) in values.iter().enumerate() {
            let shape = [value.len() as i64];
            writer.add(format!("value{number}"), DType::Uint8, &shape, value).unwrap();
            let read = move |offset: u64, buffer: &mut [u8]| {
                asked(buffer);
                buffer.copy_from_slice(&value[offset as usize..][..buffer.len()]);
                Ok(())
            };
            writer.add_read(format!("read{number}"), DType::Uint8, &shape, Box::new(read)).unwrap();
            writer.add_strings(format!("string{number}"), &[], &[&value[..value.len().min(99)]]).unwrap();
        }
        let rows = |start, length| Slice::new(vec![Extent::range(start, length), Extent::FULL]);
        writer.add_slice("parts", DType::Uint8, &[20, 50], &rows(10, 10), &values[3][500..1000]).unwrap();
        writer.add_slice("parts", DType::Uint8, &[20, 50], &rows(0, 10), &values[3][..500]).unwrap();
    }

    #[test]
    fn a_snapshot_is_written_as_the_writer_would_write_it() {
        let lengths = [0, 1, 15, 1000, 70_000, CHUNK, 3 * CHUNK + 5, 0, 7];
        let mut values: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(seed, &len)| bytes(len, seed)).collect();
        let mut memory = SnapshotMemory::default();
        for threads in [1, 2, 5] {
            for max in [None, Some(100_000)] {
                let options = WriteOptions::new().threads(threads).durability(Durability::None);
                let options = max.map_or(options.clone(), |max| options.max_shard_size(max));
                let (plain, copied) = (scratch(), scratch());
                let mut writer = Writer::new(plain.path().join("w"), &options).unwrap();
                fill(&mut writer, &values, &|_| ());
                writer.finish().unwrap();

                let here = std::thread::current().id();
                let on_this_thread = move |buffer: &[u8]| {
                    assert_eq!(std::thread::current().id(), here);
                    assert!(buffer.len() <= CHUNK && buffer.as_ptr().addr().is_multiple_of(16));
                };
                let mut writer = Writer::new(copied.path().join("w"), &options).unwrap();
                fill(&mut writer, &values, &on_this_thread);
                let snapshot = writer.snapshot(&mut memory).unwrap();
                let original = values.clone();
                values.iter_mut().for_each(|value| value.fill(0xee));
                let total = snapshot.total();
                let (kept, written) = snapshot.finish_on(&Local, &mut |_, _| ControlFlow::Continue(()));
                assert_eq!(written.unwrap().bytes, total);
                assert!(read_directory(plain.path()) == read_directory(copied.path()), "{threads} threads, {max:?}");
                (memory, values) = (kept, original);
            }
        }
    }

    #[test]
    fn memory_is_used_again_where_there_is_enough() {
        let mut memory = SnapshotMemory::default();
        let mut places = Vec::new();
        for len in [5000, 5000, 17, 4999, 6000] {
            let value = bytes(len, 1);
            let mut writer = Writer::new("/nowhere/w", &WriteOptions::new()).unwrap();
            writer.add("value", DType::Uint8, &[len as i64], &value).unwrap();
            memory = writer.snapshot(&mut memory).unwrap().memory;
            assert_eq!(&memory.bytes()[..len], value);
            places.push((memory.0.bytes().as_ptr(), memory.0.bytes().len()));
        }
        assert_eq!(places[..4], [places[0]; 4]);
        assert!(places[4].1 >= 6000);
    }

    #[test]
    fn memory_is_kept_when_a_callback_fails() {
        let mut memory = SnapshotMemory::default();
        memory.make_room(1000).unwrap();
        let place = memory.0.bytes().as_ptr();
        let mut writer = Writer::new("/nowhere/w", &WriteOptions::new()).unwrap();
        writer.add_read("value", DType::Uint8, &[10], Box::new(|_, _| Err("it is gone".into()))).unwrap();
        let error = writer.snapshot(&mut memory).err().unwrap();
        assert!(error.to_string().contains("it is gone"), "{error}");
        assert_eq!(memory.0.bytes().as_ptr(), place);
    }
}
