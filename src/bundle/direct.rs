//! Writes a large file past the page cache. This makes a durable save faster and leaves the cache
//! to other programs.
//!
//! The file is written in aligned stretches. A stretch that is part of a single value in aligned
//! memory is written from there; any other is first assembled in a buffer of the thread.

use std::io::IoSlice;
use std::ops::Range;

use super::source::{Placed, Source, Sum};
use crate::allocate::allocate;
use crate::error::{Error, Result};
use crate::format::crc;
use crate::storage::{Draft, DIRECT_ALIGNMENT};

/// The minimum length, in bytes, of a durable file that is written past the page cache.
pub(super) const WORTH_IT: u64 = 16 << 20;

/// The number of bytes written by one call, and about the size of each thread's buffer.
const STRETCH: u64 = 4 << 20;

/// The stretches of one file that have not been handed out yet.
pub(super) struct Stretches {
    /// The index of the file among the files that are written together.
    file: usize,
    length: u64,
    /// Where the next stretch begins.
    at: u64,
    /// The first value that does not end before `at`, and the end of the file's values.
    values: Range<usize>,
}

/// A stretch of a file, and the file's values from the first that may overlap the stretch.
pub(super) struct Stretch {
    file: usize,
    range: Range<u64>,
    values: Range<usize>,
}

impl Stretch {
    pub fn length(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl Stretches {
    pub fn new(file: usize, length: u64, values: Range<usize>) -> Stretches {
        Stretches { file, length, at: 0, values }
    }

    pub fn take(&mut self, all: &[Placed<'_>]) -> Option<Stretch> {
        if self.at >= self.length {
            return None;
        }
        let range = self.at..self.length.min(self.at + STRETCH);
        let stretch = Stretch { file: self.file, range: range.clone(), values: self.values.clone() };
        self.at = range.end;
        let ended = all[self.values.clone()].iter().take_while(|v| v.offset + v.source.len() <= range.end).count();
        self.values.start += ended;
        Some(stretch)
    }
}

/// The aligned buffer of a thread.
#[derive(Default)]
pub(super) struct Bounce(Vec<u8>);

impl Bounce {
    fn take(&mut self, length: usize) -> Result<&mut [u8]> {
        if self.0.is_empty() {
            self.0 = allocate(STRETCH + DIRECT_ALIGNMENT as u64)?;
        }
        let skip = self.0.as_ptr().align_offset(DIRECT_ALIGNMENT);
        Ok(&mut self.0[skip..skip + length])
    }
}

/// Writes a stretch and records the checksums of the pieces of values in it.
pub(super) fn write(
    files: &[std::sync::Arc<dyn Draft>],
    all: &[Placed<'_>],
    stretch: &Stretch,
    bounce: &mut Bounce,
    sums: &mut Vec<Sum>,
) -> Result<()> {
    let Range { start, end } = stretch.range;
    let file = &files[stretch.file];
    let put = |bytes: &[u8]| {
        // The rest at the end of the file is too short to bypass the cache.
        let (aligned, rest) = bytes.split_at(bytes.len() - bytes.len() % DIRECT_ALIGNMENT);
        file.write_at(start, &[IoSlice::new(aligned)])?;
        file.write_at(start + aligned.len() as u64, &[IoSlice::new(rest)])
    };
    let fault = |e: std::io::Error| Error::io("write the data file", file.path(), &e);
    let pieces = || {
        let values = all[stretch.values.clone()].iter().enumerate().take_while(|(_, v)| v.offset < end);
        values.filter_map(|(i, value)| {
            let piece = start.max(value.offset)..end.min(value.offset + value.source.len());
            (piece.start < piece.end).then_some((stretch.values.start + i, value, piece))
        })
    };
    if let (Some((number, value, piece)), None) = (pieces().next(), pieces().nth(1)) {
        if let (true, Some(bytes)) = (piece == stretch.range, value.source.bytes()) {
            let bytes = &bytes[(start - value.offset) as usize..(end - value.offset) as usize];
            if bytes.as_ptr().align_offset(DIRECT_ALIGNMENT) == 0 {
                sums.push(Sum { value: number, from: start - value.offset, crc: crc::crc32c(bytes), length: end - start });
                return put(bytes).map_err(fault);
            }
        }
    }
    let buffer = bounce.take((end - start) as usize)?;
    let mut filled = 0;
    for (number, value, piece) in pieces() {
        let (first, last) = ((piece.start - start) as usize, (piece.end - start) as usize);
        let from = piece.start - value.offset;
        buffer[filled..first].fill(0);
        let place = &mut buffer[first..last];
        match value.source {
            Source::Read { read, from: base, .. } => {
                read(base + from, place).map_err(|e| Error::callback("reading the value", e))?;
            }
            source => place.copy_from_slice(&source.bytes().unwrap_or_default()[from as usize..][..last - first]),
        }
        sums.push(Sum { value: number, from, crc: crc::crc32c(place), length: (last - first) as u64 });
        filled = last;
    }
    buffer[filled..].fill(0);
    put(buffer).map_err(fault)
}
