//! Allocation that returns an error, rather than aborting, if there is not enough memory.

use crate::error::{Error, Result};

/// Allocates a buffer of `size` zero bytes. Fails with `RESOURCE_EXHAUSTED` if there is no memory.
pub(crate) fn allocate(size: u64) -> Result<Vec<u8>> {
    let len = usize::try_from(size).map_err(|_| Error::out_of_memory(size))?;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| Error::out_of_memory(size))?;
    buffer.resize(len, 0);
    Ok(buffer)
}

/// Fails if there is no memory for `size` bytes. Only sizes at which that is likely are tried.
pub(crate) fn check(size: u64) -> Result<()> {
    if size < LARGE {
        return Ok(());
    }
    let len = usize::try_from(size).map_err(|_| Error::out_of_memory(size))?;
    Vec::<u8>::new().try_reserve_exact(len).map_err(|_| Error::out_of_memory(size))
}

const LARGE: u64 = 1 << 28;

/// A copy of bytes, or an error when there is no memory for it.
pub(crate) fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes.len()).map_err(|_| Error::out_of_memory(bytes.len() as u64))?;
    buffer.extend_from_slice(bytes);
    Ok(buffer)
}
