//! The C ABI: thin functions over the Rust API, each through one of the two wrappers of `wrapper.rs`.
//!
//! * `call` is for what can fail: it turns an `Error` into a code and an owned `ckpt_error`, and a panic into `INTERNAL`.
//! * `ask` is for what cannot: on a NULL handle, or should it panic, it answers with the value that stands for nothing.
//!
//! Pointers become references in `pointer.rs` and nowhere else. What is lent to C lives in the handle that lends it.
#![allow(non_camel_case_types)]

// In the order of the header.
mod constants;

mod error;
mod strings;

mod callback;
mod progress;

mod options;
mod reader;

mod tensor;
mod view;

mod object_graph;

mod verify;

mod writer;

mod merge;

mod graph;
mod node;

mod memory;
mod variable;

mod containers;

mod slots;

mod device;
mod state;

mod registered_savers;

mod checkpoint;
mod graph_options;

mod report;
mod status;

mod saver;

mod checkpoint_view;

mod manager;
mod manager_options;

mod pending;
mod ranks;

mod directory;
mod watch;

mod maintenance;

mod log;

// What the modules above share.
mod pointer;
mod wrapper;

use pointer::{array, changed, check_array, handle, key_at, output, own, path_at, places, release, required, text_at};
use wrapper::{ask, call};

/// Bytes lent to the caller: they belong to the handle that they were asked of, and live as long as it does. Not NUL-terminated.
/// `data` is never NULL, save where nothing is lent; then `len` is 0. In what the caller gives, they are the caller's, and `data` may be
/// NULL where `len` is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ckpt_bytes {
    /// The first byte.
    pub data: *const u8,
    /// How many bytes.
    pub len: usize,
}

impl ckpt_bytes {
    const NONE: ckpt_bytes = ckpt_bytes { data: std::ptr::null(), len: 0 };
}

impl From<&[u8]> for ckpt_bytes {
    fn from(bytes: &[u8]) -> ckpt_bytes {
        ckpt_bytes { data: bytes.as_ptr(), len: bytes.len() }
    }
}

impl From<Option<&[u8]>> for ckpt_bytes {
    fn from(bytes: Option<&[u8]>) -> ckpt_bytes {
        bytes.map_or(ckpt_bytes::NONE, Into::into)
    }
}
