//! The positions of blocks in a table, as stored in its footer and its index block.

use crate::format::proto::{put_varint, take_varint};

/// The position of a block. `size` excludes the trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub offset: u64,
    pub size: u64,
}

impl Handle {
    pub fn take(bytes: &mut &[u8]) -> Option<Handle> {
        Some(Handle { offset: take_varint(bytes)?, size: take_varint(bytes)? })
    }

    pub fn put(self, out: &mut Vec<u8>) {
        put_varint(out, self.offset);
        put_varint(out, self.size);
    }
}
