//! A mapped part of a file.
#![allow(unsafe_code)]

use memmap2::{Mmap, MmapOptions};

use super::File;
use crate::error::{Error, Result};

/// Part of a file as memory. Truncating the file while it is mapped makes reading the lost pages a SIGBUS: maps are made
/// only when the caller asked for a view.
#[derive(Debug)]
pub(crate) struct Map(Option<Mmap>);

impl Map {
    /// Maps `size` bytes of `file` from `offset` on.
    pub fn new(file: &File, offset: u64, size: usize) -> Result<Map> {
        file.check_range_now(offset, size as u64)?;
        if size == 0 {
            return Ok(Map(None)); // mmap(2) refuses an empty range
        }
        // SAFETY: the range lies within the file as it was just now. That nobody truncates or rewrites it while it is mapped
        // is what the caller of a view undertakes; the public documentation of views says so.
        let map = unsafe { MmapOptions::new().offset(offset).len(size).map(file.as_file()) };
        map.map(|map| Map(Some(map))).map_err(|e| Error::io("map the file", file.path(), &e))
    }

    pub fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}
