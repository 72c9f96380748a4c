//! Memory that elements are read into.

use crate::allocate::filled;
use crate::error::Result;
use crate::tensor::Cast;

/// Memory that elements are read into, as they are stored or converted to another dtype. Lengths
/// and offsets are those of the stored bytes.
#[derive(Debug, Default)]
pub(crate) struct Destination<'b> {
    memory: &'b mut [u8],
    cast: Option<Cast>,
}

impl<'b> From<&'b mut [u8]> for Destination<'b> {
    fn from(memory: &'b mut [u8]) -> Destination<'b> {
        Destination { memory, cast: None }
    }
}

impl<'b> Destination<'b> {
    pub fn new(memory: &'b mut [u8], cast: Option<Cast>) -> Destination<'b> {
        Destination { memory, cast }
    }

    /// Returns the number of stored bytes that there is room for.
    pub fn len(&self) -> u64 {
        let length = self.memory.len() as u64;
        self.cast.map_or(length, |cast| cast.stored(length))
    }

    /// Returns whether elements are converted.
    pub fn is_converted(&self) -> bool {
        self.cast.is_some()
    }

    /// Returns the memory if elements are not converted.
    pub fn plain(&mut self) -> Option<&mut [u8]> {
        match self.cast {
            None => Some(self.memory),
            Some(_) => None,
        }
    }

    /// Returns the memory if elements are not converted, else the destination.
    pub fn into_plain(self) -> std::result::Result<&'b mut [u8], Destination<'b>> {
        match self.cast {
            None => Ok(self.memory),
            Some(_) => Err(self),
        }
    }

    /// Divides the memory after `length` stored bytes, which are whole elements.
    pub fn split_at(self, length: u64) -> (Destination<'b>, Destination<'b>) {
        let (head, rest) = self.memory.split_at_mut(self.place(length));
        (Destination { memory: head, cast: self.cast }, Destination { memory: rest, cast: self.cast })
    }

    pub fn reborrow(&mut self) -> Destination<'_> {
        Destination { memory: self.memory, cast: self.cast }
    }

    /// Puts whole elements in native byte order at an offset.
    ///
    /// # Errors
    /// An integer does not fit.
    pub fn put(&mut self, offset: u64, stored: &[u8]) -> Result<()> {
        let place = self.place(offset)..self.place(offset + stored.len() as u64);
        let memory = &mut self.memory[place];
        match self.cast {
            Some(cast) => cast.apply(stored, memory)?,
            None => memory.copy_from_slice(stored),
        }
        Ok(())
    }

    /// Returns whether the memory has what `put` would put at an offset.
    pub fn has(&self, offset: u64, stored: &[u8]) -> bool {
        let memory = &self.memory[self.place(offset)..self.place(offset + stored.len() as u64)];
        let Some(cast) = self.cast else { return memory == stored };
        // Without memory to look, it is taken for something else.
        let Ok(mut converted) = filled(0, memory.len()) else { return false };
        cast.apply(stored, &mut converted).is_ok() && converted == memory
    }

    fn place(&self, stored: u64) -> usize {
        self.cast.map_or(stored, |cast| cast.converted(stored)) as usize
    }
}
