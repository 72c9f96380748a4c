//! Memory for values that the library owns.

use crate::error::{Error, Result};

/// A byte buffer aligned for every element type.
#[derive(Default)]
pub(crate) struct Buffer {
    blocks: Box<[u128]>,
    len: usize,
}

impl Buffer {
    /// Allocates `len` zero bytes. The system supplies zeroed pages, so none is touched before it
    /// is used.
    pub fn zeroed(len: usize) -> Result<Buffer> {
        let blocks = bytemuck::allocation::try_zeroed_slice_box(len.div_ceil(size_of::<u128>()));
        Ok(Buffer { blocks: blocks.map_err(|()| Error::out_of_memory(len as u64))?, len })
    }

    pub fn copy_of(bytes: &[u8]) -> Result<Buffer> {
        let mut buffer = Buffer::zeroed(bytes.len())?;
        buffer.bytes_mut().copy_from_slice(bytes);
        Ok(buffer)
    }

    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.blocks)[..self.len]
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.blocks)[..self.len]
    }
}
