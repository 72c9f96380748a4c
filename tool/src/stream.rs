//! Reads the value of a tensor by offset, as a writer requests it: from several threads, in small
//! parts, mostly in ascending order.

use std::collections::{BTreeSet, VecDeque};
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use checkpoint::{Format, Reader, Tensor};

use crate::cast::Cast;
use crate::failure::{Failure, Outcome};
use crate::pieces::{flat, Source};

/// The number of bytes that are read at a time.
const PIECE: u64 = 8 << 20;
/// The number of pieces that are kept, because threads may read different places of a tensor.
const KEPT: usize = 3;

/// The error type of the library's callbacks.
pub type Fault = Box<dyn Error + Send + Sync>;

/// A tensor of a fixed-size dtype, optionally cast. Holds at most a few pieces in memory, and none
/// after all of it was read.
pub struct Stream<'a> {
    shape: Vec<i64>,
    cast: Option<Cast>,
    /// Elements in a piece.
    piece: u64,
    elements: u64,
    /// The size of an element in bytes, after the cast.
    size: u64,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    source: Source<'a>,
    /// The number and the bytes of each piece that is kept.
    pieces: VecDeque<(u64, Vec<u8>)>,
    handed_out: u64,
    /// Pieces whose overflows have been counted: a piece may be read again.
    counted: BTreeSet<u64>,
    overflowed: u64,
}

impl<'a> Stream<'a> {
    pub fn new(reader: &Reader, tensor: Tensor<'a>, cast: Option<Cast>) -> Stream<'a> {
        let from = tensor.dtype().size().unwrap_or(1) as u64;
        let size = cast.and_then(|cast| cast.to.size()).map_or(from, |size| size as u64);
        let elements = tensor.element_count();
        // Each partial read of a V1 tensor decodes all of it, so it is read at once.
        let piece = match reader.format() {
            Format::V1 => elements.max(1),
            _ => PIECE / from.max(size),
        };
        let state = State {
            source: Source::new(tensor),
            pieces: VecDeque::new(),
            handed_out: 0,
            counted: BTreeSet::new(),
            overflowed: 0,
        };
        Stream { shape: tensor.shape().to_vec(), cast, piece, elements, size, state: Mutex::new(state) }
    }

    /// Fills `buffer` with the bytes from `offset` on.
    pub fn read(&self, mut offset: u64, mut buffer: &mut [u8]) -> Result<(), Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !buffer.is_empty() {
            let number = offset / self.size / self.piece;
            let at = (offset - number * self.piece * self.size) as usize;
            let piece = state.piece(self, number)?;
            let length = buffer.len().min(piece.len() - at);
            let (now, later) = buffer.split_at_mut(length);
            now.copy_from_slice(&piece[at..at + length]);
            buffer = later;
            offset += length as u64;
            state.handed_out += length as u64;
        }
        if state.handed_out >= self.elements * self.size {
            state.pieces.clear();
        }
        Ok(())
    }

    /// Returns how many finite numbers became infinite in the cast.
    pub fn overflowed(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).overflowed
    }
}

impl State<'_> {
    fn piece(&mut self, of: &Stream<'_>, number: u64) -> Result<&[u8], Fault> {
        if !self.pieces.iter().any(|(held, _)| *held == number) {
            while self.pieces.len() >= KEPT {
                self.pieces.pop_front();
            }
            let bytes = self.load(of, number).map_err(fault)?;
            self.pieces.push_back((number, bytes));
        }
        let held = self.pieces.iter().find(|(held, _)| *held == number);
        Ok(held.map_or(&[], |(_, bytes)| bytes))
    }

    fn load(&mut self, of: &Stream<'_>, number: u64) -> Outcome<Vec<u8>> {
        let from = number * of.piece;
        let regions = flat(&of.shape, from, of.piece.min(of.elements - from));
        let mut bytes = Vec::new();
        for region in &regions {
            let read = self.source.read(region)?;
            if bytes.is_empty() {
                bytes = read
            } else {
                bytes.extend_from_slice(&read)
            }
        }
        let Some(cast) = of.cast else { return Ok(bytes) };
        let (bytes, overflowed) = cast.apply(&bytes)?;
        if self.counted.insert(number) {
            self.overflowed += overflowed;
        }
        Ok(bytes)
    }
}

/// Converts a failure to the error type of the library's callbacks.
pub fn fault(failure: Failure) -> Fault {
    match failure {
        Failure::Usage(message) | Failure::Problem(message) => message.into(),
        Failure::Reported | Failure::ClosedPipe => "reading failed".into(),
    }
}
