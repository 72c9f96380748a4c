//! The bytes of a value to be written: their source, their place and their checksums.

use std::sync::Arc;

/// The source of the bytes of a value.
pub(super) enum Source<'a> {
    /// Memory of the caller. It is not copied.
    Borrowed(&'a [u8]),
    /// Memory of the writer: strings, in the form in which they are stored.
    Owned(Vec<u8>),
    /// Bytes that are read piece by piece: `len` bytes from offset `from` of the value that `read`
    /// gives.
    Read { read: Arc<ReadAt<'a>>, from: u64, len: u64 },
}

/// A callback that fills a buffer with the bytes of a value, from an offset in bytes on.
pub type ReadAt<'a> =
    dyn Fn(u64, &mut [u8]) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'a;

impl<'a> Source<'a> {
    pub fn len(&self) -> u64 {
        match self {
            Source::Borrowed(bytes) => bytes.len() as u64,
            Source::Owned(bytes) => bytes.len() as u64,
            Source::Read { len, .. } => *len,
        }
    }

    /// Returns `len` of the bytes, from offset `from` on.
    pub fn part(&self, from: u64, len: u64) -> Source<'a> {
        match self {
            Source::Borrowed(bytes) => Source::Borrowed(&bytes[from as usize..][..len as usize]),
            Source::Owned(bytes) => Source::Owned(bytes[from as usize..][..len as usize].to_vec()),
            Source::Read { read, from: first, .. } => Source::Read { read: read.clone(), from: first + from, len },
        }
    }

    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Source::Borrowed(bytes) => Some(bytes),
            Source::Owned(bytes) => Some(bytes),
            Source::Read { .. } => None,
        }
    }
}

/// A value and its place in a data file. The values of a file are in the order of their offsets.
pub(super) struct Placed<'s> {
    pub source: &'s Source<'s>,
    pub shard: u32,
    pub offset: u64,
}

/// The checksum of a piece of a value.
pub(super) struct Sum {
    pub value: usize,
    pub from: u64,
    pub crc: u32,
    pub length: u64,
}
