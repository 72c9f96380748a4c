//! Memory that may not be there.

use crate::error::{Error, Result};

/// A buffer of `size` zero bytes, or an error when there is no memory for it.
pub(crate) fn allocate(size: u64) -> Result<Vec<u8>> {
    let len = usize::try_from(size).map_err(|_| Error::out_of_memory(size))?;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| Error::out_of_memory(size))?;
    buffer.resize(len, 0);
    Ok(buffer)
}

/// A copy of bytes, or an error when there is no memory for it.
pub(crate) fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes.len()).map_err(|_| Error::out_of_memory(bytes.len() as u64))?;
    buffer.extend_from_slice(bytes);
    Ok(buffer)
}
