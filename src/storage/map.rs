//! A memory-mapped part of a file.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::Result;

use memmap2::{Mmap, MmapOptions};

/// Part of a file, mapped into memory. If the file is truncated while it is mapped, reading the
/// lost pages raises SIGBUS. Therefore files are mapped only if the caller asks for a view.
#[derive(Debug)]
pub(crate) struct Map(Option<Mmap>);

impl Map {
    /// Maps `size` bytes of `file` from `offset` on, which the caller has checked to lie within the
    /// file.
    #[cfg_attr(windows, expect(dead_code, reason = "nothing is served there yet"))]
    pub(super) fn new(file: &File, offset: u64, size: usize) -> Result<Map> {
        if size == 0 {
            return Ok(Map(None)); // mmap(2) refuses an empty range
        }
        // SAFETY: the range was just checked to lie within the file. The caller of a view
        // guarantees that nobody truncates or rewrites the file while it is mapped; the public
        // documentation of views states this.
        let map = unsafe { MmapOptions::new().offset(offset).len(size).map(file)? };
        Ok(Map(Some(map)))
    }

    pub fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}
