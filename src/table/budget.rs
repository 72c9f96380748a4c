//! How much memory the opening of a file may take, in proportion to the file.

use crate::error::{Code, Error, Reason, Result};

/// What every file may cost, whatever its size.
const FLOOR: u64 = 16 << 20;
/// And how many bytes for each of its own.
const PER_BYTE: u64 = 24;

/// Counts what opening a file allocates for what the file says, and ends it when that is out of proportion.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    used: u64,
}

impl Budget {
    /// The budget for an index of `size` bytes, unless the caller set a limit of its own.
    pub fn for_index(size: u64, limit: Option<u64>) -> Budget {
        Budget { limit: limit.unwrap_or(FLOOR.saturating_add(PER_BYTE.saturating_mul(size))), used: 0 }
    }

    /// Accounts for `bytes` about to be allocated.
    pub fn charge(&mut self, bytes: u64) -> Result<()> {
        let used = self.used.saturating_add(bytes);
        if used > self.limit {
            return Err(Error::new(Code::ResourceExhausted, Reason::Limit, "the index expands beyond the memory limit")
                .expecting(format_args!("at most {} bytes", self.limit), format_args!("at least {used} bytes")));
        }
        self.used = used;
        Ok(())
    }

    /// Gives back what was freed again.
    pub fn release(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Makes room for `more` values in a vector that grows as it is filled.
    #[inline(always)]
    pub fn reserve<T>(&mut self, vec: &mut Vec<T>, more: usize) -> Result<()> {
        if vec.capacity() - vec.len() >= more {
            Ok(())
        } else {
            self.grow(vec, more)
        }
    }

    #[cold]
    fn grow<T>(&mut self, vec: &mut Vec<T>, more: usize) -> Result<()> {
        let old = vec.capacity();
        let new = (old * 2).max(vec.len() + more);
        self.charge((new as u64).saturating_mul(size_of::<T>() as u64))?;
        vec.try_reserve_exact(new - vec.len()).map_err(|_| Error::out_of_memory(new as u64))?;
        self.release((old * size_of::<T>()) as u64);
        Ok(())
    }

    /// Gives back the room that a vector has left when it is full, if there is memory for the copy that an allocator may make.
    pub fn shrink<T>(&mut self, vec: &mut Vec<T>) {
        let (old, new) = ((vec.capacity() * size_of::<T>()) as u64, (vec.len() * size_of::<T>()) as u64);
        if self.charge(new).is_ok() {
            vec.shrink_to_fit();
            self.release(old);
        }
    }

    /// An empty vector with room for exactly `count` elements, accounted for.
    pub fn vec<T>(&mut self, count: usize) -> Result<Vec<T>> {
        let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
        self.charge(bytes)?;
        let mut vec = Vec::new();
        vec.try_reserve_exact(count).map_err(|_| Error::out_of_memory(bytes))?;
        Ok(vec)
    }
}
