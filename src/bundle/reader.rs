//! Reads tensors of a bundle.

use std::sync::Arc;

use super::assemble::{pieces, Piece};
use super::data_files::{self, DataFiles};
use super::destination::Destination;
use super::entry::Endianness;
use super::groups::{grouped, read_groups, WORTH_A_CALL};
use super::index::{Index, Row};
use super::payload::{check_crc, Elements};
use super::read_options::{Checksums, ReadOptions};
use super::transfer::{self, Payload, Target, Transfer, CHUNK};
use crate::allocate::{allocate, at_least, filled, with_room, TryPush};
use crate::background::Control;
use crate::error::{Error, Reason, Result};
use crate::foreign::explain_contents;
use crate::format::crc::{self, Crc};
use crate::storage::{File, Location, Map, Sign};
use crate::tensor::{Bounds, DType, Run, Strings};

/// An open bundle: its index is in memory, its data files are opened as needed.
#[derive(Debug)]
pub(crate) struct Bundle {
    index: Index,
    files: DataFiles,
}

/// A region of a fixed-size tensor, and the buffer to read it into.
pub(crate) struct Wanted<'b> {
    pub tensor: usize,
    pub region: Bounds,
    pub buffer: Destination<'b>,
}

/// A region whose pieces interleave in the buffer or are scattered in the file. It is read piece by
/// piece on the calling thread.
struct Scattered<'a, 'b> {
    key: &'a [u8],
    pieces: Vec<Piece<'a>>,
    tensor: usize,
    region: Bounds,
    buffer: Destination<'b>,
    swap: usize,
}

impl Bundle {
    pub fn open(prefix: &Location, memory_limit: Option<u64>) -> Result<Bundle> {
        Bundle::open_watched(prefix, memory_limit, &Control::default())
    }

    /// The same for a call that can be cancelled.
    pub fn open_watched(prefix: &Location, memory_limit: Option<u64>, control: &Control) -> Result<Bundle> {
        Bundle::open_with(prefix, || Index::load_watched(prefix, memory_limit, false, control, &mut Err))
    }

    /// Opens the bundle at `prefix`, whose index `load` reads, perhaps more than once.
    pub fn open_with(prefix: &Location, load: impl FnMut() -> Result<Index>) -> Result<Bundle> {
        DataFiles::of_index(prefix, load).map(|(index, files)| Bundle { index, files })
    }

    /// Fails unless the index at its path has the content that it had when the bundle was opened:
    /// with `NOT_FOUND` if there is none, with `DATA_LOSS` (`Replaced`) if the content differs.
    pub fn check_current(&self) -> Result<()> {
        let fault = match self.index.seal().check() {
            Err(fault) if fault.reason() == Reason::Replaced => fault,
            checked => return checked,
        };
        let now = Bundle::open(self.index.prefix(), None)?;
        if !self.index.has_content_of(&now.index) {
            return Err(fault);
        }
        self.files.become_those_of(now.files);
        Ok(())
    }

    /// Fails if the index at its path is another one than was opened, or gone.
    pub fn check_not_replaced(&self) -> Result<()> {
        let gone = |e: &Error| matches!(e.reason(), Reason::Replaced | Reason::MissingFile);
        self.index.seal().check().err().filter(gone).map_or(Ok(()), Err)
    }

    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Closes the open data files. They are opened again when needed.
    pub fn close_files(&self) {
        self.files.close();
    }

    pub fn shard_path(&self, shard: u32) -> Location {
        data_files::path(&self.index, shard)
    }

    /// Returns the data file of `row`, after checking that it is long enough.
    pub fn shard_of(&self, row: &Row<'_>) -> Result<Arc<File>> {
        let file = self.shard(row.shard)?;
        file.check_range(row.offset, row.size).map_err(|e| explain_contents(e, &file))?;
        Ok(file)
    }

    /// Checks that the data file of `row` exists and is long enough.
    pub fn check_row(&self, row: &Row<'_>) -> Result<()> {
        let known = |file: &Arc<File>| file.check_range(row.offset, row.size).map_err(|e| explain_contents(e, file));
        self.files.with_known(row.shard, known).unwrap_or_else(|| self.shard_of(row).map(drop))
    }

    /// Returns the number of bytes read from the data files, and the number of calls that read
    /// them.
    #[cfg(test)]
    pub fn reading(&self) -> (u64, u64) {
        let (mut bytes, mut calls) = (0, 0);
        self.files.each(|file| {
            bytes += file.read.load(std::sync::atomic::Ordering::Relaxed);
            calls += file.reads.load(std::sync::atomic::Ordering::Relaxed);
        });
        (bytes, calls)
    }

    pub(super) fn shard(&self, number: u32) -> Result<Arc<File>> {
        self.files.get(&self.index, number)
    }

    /// Returns the number of bytes to reverse together in this bundle's tensors of `dtype`; 1 for
    /// none.
    pub(super) fn swap_unit(&self, dtype: DType) -> usize {
        match self.index.header().endianness {
            Endianness::Little => 1,
            Endianness::Big => dtype.swap_unit(),
        }
    }

    /// Returns the pieces that hold `region`: the tensor itself, or stored slices of it.
    pub(super) fn pieces<'a>(&'a self, row: Row<'a>, region: &Bounds) -> Result<Vec<Piece<'a>>> {
        if row.is_partitioned() {
            return pieces(&self.index, row, region);
        }
        Ok(vec![Piece { row, stored: Bounds::whole(row.shape), wanted: region.clone() }])
    }

    /// Reads regions of fixed-size tensors. The regions must lie within their tensors, and the
    /// buffers must have their sizes. Everything else that can be checked is checked before the
    /// first byte is written. What is contiguous is read in the order of the files, small pieces
    /// that lie close together by one call.
    pub fn read(&self, requests: Vec<Wanted<'_>>, options: &ReadOptions) -> Result<()> {
        let mut direct = with_room(requests.len())?;
        let mut scattered = Vec::new();
        for request in requests {
            let row = self.index.tensor(request.tensor);
            self.plan(row, request, options, &mut direct, &mut scattered).map_err(|e| e.for_tensor(row.key))?;
        }
        let gap = if options.sparing { 0 } else { WORTH_A_CALL };
        let groups = grouped(&mut direct, gap, |shard| self.shard(shard))?;
        if let Some(fault) = read_groups(&groups, direct, options.threads, &options.control) {
            return Err(fault);
        }
        for mut region in scattered {
            let Some(buffer) = region.buffer.plain() else {
                let mut put = |offset, stored: &[u8]| {
                    options.control.check()?;
                    options.control.advance(stored.len() as u64);
                    region.buffer.put(offset, stored)
                };
                self.stream(region.tensor, &region.region, options.checksums, &mut put)?;
                continue;
            };
            for piece in &region.pieces {
                let file = self.shard_of(&piece.row)?;
                let is_checked = match options.checksums {
                    Checksums::Always => true,
                    Checksums::WhenWhole => piece.wanted == piece.stored,
                    Checksums::Never => false,
                };
                let read = if is_checked {
                    read_checked(&file, piece, &region.region, buffer, &options.control)
                } else {
                    read_runs(&file, piece, &region.region, buffer, options)
                };
                read.map_err(|e| e.for_tensor(region.key).in_file(file.path()))?;
            }
            options.control.advance(buffer.len() as u64);
            transfer::swap(buffer, region.swap);
        }
        Ok(())
    }

    /// Reads a small fixed-size tensor that is stored whole into `buffer`, without the planning and
    /// the memory of larger reads. Returns false, and reads nothing, if the tensor is not of this
    /// kind.
    pub fn read_small(&self, tensor: usize, buffer: &mut [u8], checksums: Checksums) -> Result<bool> {
        let row = self.index.tensor(tensor);
        if row.is_partitioned() || row.dtype.size().is_none() || row.size != buffer.len() as u64 || buffer.len() > CHUNK {
            return Ok(false);
        }
        let mut read = || {
            let file = self.shard_of(&row)?;
            file.read_at(row.offset, buffer)?;
            if checksums != Checksums::Never {
                let computed = crc::mask(crc::crc32c(buffer));
                check_crc(row.crc, computed, "the checksum of the tensor does not match")
                    .map_err(|e| explain_contents(e.in_file(file.path()), &file))?;
            }
            transfer::swap(buffer, self.swap_unit(row.dtype));
            Ok(true)
        };
        read().map_err(|e: Error| e.for_tensor(row.key))
    }

    /// Checks that the data files contain what `region` of a tensor needs, before memory is
    /// allocated for it.
    pub fn check_backed(&self, tensor: usize, region: &Bounds) -> Result<()> {
        self.pieces(self.index.tensor(tensor), region)?.iter().try_for_each(|piece| self.shard_of(&piece.row).map(drop))
    }

    /// Divides a region into contiguous payloads, if each of its pieces is one run both in the file
    /// and in the buffer. Otherwise adds it to `scattered`.
    fn plan<'a: 'b, 'b>(
        &'a self,
        row: Row<'a>,
        request: Wanted<'b>,
        options: &ReadOptions,
        direct: &mut Vec<Payload<'b>>,
        scattered: &mut Vec<Scattered<'a, 'b>>,
    ) -> Result<()> {
        let element = row.dtype.size().unwrap_or(1) as u64;
        let swap = self.swap_unit(row.dtype);
        let mut add = |stored: &Row<'_>, from: u64, buffer: Destination<'b>, whole: bool| {
            let crc = (whole && options.checksums != Checksums::Never).then_some(stored.crc);
            let (number, offset) = (direct.len(), stored.offset + from);
            direct.try_push(Payload { number, shard: stored.shard, offset, buffer, crc, swap, key: row.key })
        };
        if !row.is_partitioned() && row.size == request.buffer.len() {
            return add(&row, 0, request.buffer, true);
        }
        let pieces = self.pieces(row, &request.region)?;
        let mut runs = with_room(pieces.len())?;
        for piece in &pieces {
            self.check_row(&piece.row)?;
            let whole = piece.wanted == piece.stored;
            let mut those = piece.wanted.runs(&piece.stored, &request.region);
            match (those.next(), those.next()) {
                // No bytes are wanted, but an empty tensor has a checksum, too.
                (None, _) => runs.push((piece.row, Run { from: 0, to: 0, length: 0 }, whole)),
                (Some(run), None) if whole || options.checksums != Checksums::Always => runs.push((piece.row, run, whole)),
                _ => {
                    let Wanted { tensor, region, buffer } = request;
                    return scattered.try_push(Scattered { key: row.key, pieces, tensor, region, buffer, swap });
                }
            }
        }
        crate::sort::sort_by_key(&mut runs, |(_, run, _)| run.to)?;
        let (mut rest, mut at) = (request.buffer, 0);
        for (stored, run, whole) in runs {
            let (_, after) = rest.split_at((run.to - at) * element);
            let (buffer, after) = after.split_at(run.length * element);
            (rest, at) = (after, run.to + run.length);
            add(&stored, run.from * element, buffer, whole)?;
        }
        Ok(())
    }

    /// Reads a region of a string tensor, or of a variant tensor as serialized elements. Checksums
    /// are always verified.
    pub fn read_strings(&self, tensor: usize, region: &Bounds) -> Result<Strings> {
        let row = self.index.tensor(tensor);
        let read = || {
            if !row.is_partitioned() && *region == Bounds::whole(row.shape) {
                return self.with_elements(&row, |elements| elements.to_strings())?;
            }
            let pieces = self.pieces(row, region)?;
            pieces.iter().try_for_each(|piece| self.shard_of(&piece.row).map(drop))?;
            // The lengths are read first, so that the bytes are allocated once. Each piece is read
            // twice, but only one is in memory at a time.
            let count = region.elements();
            let mut lengths = filled(0u64, count as usize)?;
            for piece in &pieces {
                self.each_wanted(piece, region, |to, element| lengths[to] = element.len() as u64)?;
            }
            let mut strings = Strings::with_lengths(lengths)?;
            let mut changed = false;
            for piece in &pieces {
                self.each_wanted(piece, region, |to, element| match strings.element_mut(to) {
                    Some(place) if place.len() == element.len() => place.copy_from_slice(element),
                    _ => changed = true,
                })?;
            }
            if changed {
                Err(Error::new(crate::Code::DataLoss, Reason::Checksum, "the data file changed while it was read"))
            } else {
                Ok(strings)
            }
        };
        read().map_err(|e| e.for_tensor(row.key))
    }

    /// Reads and verifies the payload of a stored string or variant tensor and passes its elements
    /// to `see`.
    fn with_elements<R>(&self, row: &Row<'_>, see: impl FnOnce(Elements<'_>) -> R) -> Result<R> {
        let file = self.shard_of(row)?;
        let read = file.read_new(row.offset, row.size).and_then(|payload| {
            Elements::check(row.dtype, &payload, row.elements(), self.index.header().endianness, row.crc).map(see)
        });
        read.map_err(|e| e.in_file(file.path()))
    }

    /// Passes the element of a string scalar to `see`, without a copy: it may be large. Returns
    /// `None` if the tensor is not of this kind.
    pub fn with_string<R>(&self, tensor: usize, see: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        let row = self.index.tensor(tensor);
        if row.dtype != DType::String || !row.shape.is_empty() || row.is_partitioned() {
            return Ok(None);
        }
        self.with_elements(&row, |elements| elements.iter().next().map(see)).map_err(|e| e.for_tensor(row.key))
    }

    /// Passes the wanted elements of a piece, each with its index in the region, to `see`.
    fn each_wanted(&self, piece: &Piece<'_>, region: &Bounds, mut see: impl FnMut(usize, &[u8])) -> Result<()> {
        self.with_elements(&piece.row, |elements| {
            let mut runs = piece.wanted.runs(&piece.stored, region);
            let mut run = runs.next();
            for (at, element) in elements.iter().enumerate() {
                let Some(current) = run else { break };
                let at = at as u64;
                if at >= current.from {
                    see((current.to + at - current.from) as usize, element);
                    if at + 1 == current.from + current.length {
                        run = runs.next();
                    }
                }
            }
        })
    }

    /// Verifies one stored record: the whole tensor `key`, or a slice of it. Strings and variants
    /// are verified immediately, other dtypes by the returned transfer.
    pub fn check_record<'a>(&self, key: &'a [u8], row: &Row<'a>) -> Result<Transfer<'a>> {
        let check = || {
            let file = self.shard_of(row)?;
            let (target, crc) = match row.dtype.size() {
                Some(_) => (Target::Discard(row.size), Some(row.crc)),
                None => {
                    self.with_elements(row, |_| ())?;
                    (Target::Done(row.size), None)
                }
            };
            Ok(Transfer { file, offset: row.offset, target, crc, swap: 1, key, progress: None })
        };
        check().map_err(|e: Error| e.for_tensor(key))
    }

    /// Maps the payload of a fixed-size tensor that is stored whole; verifies its checksum if
    /// `checked`.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION`: the tensor has a dtype of variable size (`DType`), is partitioned
    ///   (`Unsupported`), or is not in native byte order (`Alignment`).
    pub fn map(&self, tensor: usize, checked: bool) -> Result<Map> {
        let row = self.index.tensor(tensor);
        let unfit = |what: &str| Error::new(crate::Code::FailedPrecondition, Reason::Unsupported, what).for_tensor(row.key);
        if row.dtype.size().is_none() {
            return Err(unfit("a tensor of strings or variants cannot be viewed")
                .because(Reason::DType)
                .expecting("a fixed-size dtype", row.dtype));
        }
        if row.is_partitioned() {
            return Err(unfit("a partitioned tensor cannot be viewed: it is stored in several places"));
        }
        if self.swap_unit(row.dtype) > 1 {
            return Err(unfit("a tensor in a big-endian checkpoint cannot be viewed: its bytes must be swapped")
                .because(Reason::Alignment));
        }
        let file = self.shard_of(&row).map_err(|e| e.for_tensor(row.key))?;
        let map = file.map(row.offset, row.size as usize).map_err(|e| e.for_tensor(row.key))?;
        if checked {
            let computed = crc::mask(crc::crc32c(map.bytes()));
            check_crc(row.crc, computed, "the checksum of the tensor does not match")
                .map_err(|e| explain_contents(e.in_file(file.path()), &file).for_tensor(row.key))?;
        }
        Ok(map)
    }
}

/// Reads a whole piece in chunks, copies the wanted parts, and verifies the checksum.
fn read_checked(file: &File, piece: &Piece<'_>, region: &Bounds, buffer: &mut [u8], control: &Control) -> Result<()> {
    let element = piece.row.dtype.size().unwrap_or(1) as u64;
    let mut scratch = allocate(piece.row.size.min(CHUNK as u64))?;
    let mut hash = Crc::new();
    let mut runs = piece.wanted.runs(&piece.stored, region).map(|run| in_bytes(run, element));
    let mut run = runs.next();
    let mut start = 0;
    while start < piece.row.size {
        control.check()?;
        let end = piece.row.size.min(start + CHUNK as u64);
        let chunk = &mut scratch[..(end - start) as usize];
        file.read_at(piece.row.offset + start, chunk)?;
        hash.update(chunk);
        while let Some(current) = run.filter(|r| r.from < end) {
            let from = current.from.max(start);
            let until = end.min(current.from + current.length);
            let to = (current.to + from - current.from) as usize;
            let length = (until - from) as usize;
            buffer[to..to + length].copy_from_slice(&chunk[(from - start) as usize..][..length]);
            if until < current.from + current.length {
                break;
            }
            run = runs.next();
        }
        start = end;
    }
    check_crc(piece.row.crc, crc::mask(hash.value()), "the checksum of the tensor does not match")
}

/// With `sparing`, at most one unwanted byte is read per this many wanted bytes.
const SPARING: u64 = 20;

/// Reads only the wanted runs of a piece. Runs that lie close together are read by one call.
fn read_runs(file: &File, piece: &Piece<'_>, region: &Bounds, buffer: &mut [u8], options: &ReadOptions) -> Result<()> {
    let sparing = options.sparing;
    let element = piece.row.dtype.size().unwrap_or(1) as u64;
    let mut scratch = Vec::new();
    let mut batch: Vec<Run> = Vec::new();
    let mut runs = piece.wanted.runs(&piece.stored, region).map(|run| in_bytes(run, element)).peekable();
    while let Some(first) = runs.next() {
        options.control.check()?;
        batch.clear();
        batch.try_push(first)?;
        let (mut end, mut wanted) = (first.from + first.length, first.length);
        let is_near = |next: &Run, end: u64, wanted: u64| {
            let all = next.from + next.length - first.from;
            let gaps = all - wanted - next.length;
            next.from - end < WORTH_A_CALL && all <= CHUNK as u64 && !(sparing && gaps.saturating_mul(SPARING) > wanted)
        };
        while let Some(next) = runs.next_if(|next| is_near(next, end, wanted)) {
            (end, wanted) = (next.from + next.length, wanted + next.length);
            batch.try_push(next)?;
        }
        let place = |run: &Run| run.to as usize..(run.to + run.length) as usize;
        if let [only] = batch[..] {
            file.read_at(piece.row.offset + only.from, &mut buffer[place(&only)])?;
            continue;
        }
        let scratch = at_least(&mut scratch, end - first.from)?;
        file.read_at(piece.row.offset + first.from, scratch)?;
        for run in &batch {
            buffer[place(run)].copy_from_slice(&scratch[(run.from - first.from) as usize..][..run.length as usize]);
        }
    }
    Ok(())
}

fn in_bytes(run: Run, element: u64) -> Run {
    Run { from: run.from * element, to: run.to * element, length: run.length * element }
}
