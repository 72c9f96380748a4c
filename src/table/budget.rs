//! Limits the memory that opening a file may take, in proportion to the size of the file.

use crate::error::{Code, Error, Reason, Result};

/// Memory in bytes that every file may take, whatever its size.
const FLOOR: u64 = 16 << 20;
/// Additional bytes of memory per byte of the file.
const PER_BYTE: u64 = 24;

/// Counts the memory that is allocated because of a file's content while the file is opened, and
/// fails when it is out of proportion.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    used: u64,
}

impl Budget {
    /// Creates the budget for an index of `size` bytes; `limit`, if the caller set one, takes
    /// precedence.
    pub fn for_index(size: u64, limit: Option<u64>) -> Budget {
        Budget { limit: limit.unwrap_or(FLOOR.saturating_add(PER_BYTE.saturating_mul(size))), used: 0 }
    }

    /// Accounts for `bytes` bytes about to be allocated.
    ///
    /// # Errors
    /// * `RESOURCE_EXHAUSTED` (`Limit`): the budget is exceeded.
    pub fn charge(&mut self, bytes: u64) -> Result<()> {
        let used = self.used.saturating_add(bytes);
        if used > self.limit {
            return Err(Error::new(Code::ResourceExhausted, Reason::Limit, "the index needs more memory than the limit allows")
                .expecting(format_args!("at most {} bytes", self.limit), format_args!("at least {used} bytes")));
        }
        self.used = used;
        Ok(())
    }

    /// Returns `bytes` freed bytes to the budget.
    pub fn release(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Reserves room for `more` values in a vector that grows as it is filled.
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

    /// Frees the unused capacity of a full vector, if the budget allows the copy that an allocator
    /// may make.
    pub fn shrink<T>(&mut self, vec: &mut Vec<T>) {
        let (old, new) = ((vec.capacity() * size_of::<T>()) as u64, (vec.len() * size_of::<T>()) as u64);
        if self.charge(new).is_ok() {
            vec.shrink_to_fit();
            self.release(old);
        }
    }

    /// Creates an empty vector with room for exactly `count` elements, accounted for.
    pub fn vec<T>(&mut self, count: usize) -> Result<Vec<T>> {
        let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
        self.charge(bytes)?;
        let mut vec = Vec::new();
        vec.try_reserve_exact(count).map_err(|_| Error::out_of_memory(bytes))?;
        Ok(vec)
    }
}
