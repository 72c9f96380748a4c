//! The C ABI: thin functions over the Rust API. Each goes through one of the two wrappers of
//! `wrapper.rs`:
//!
//! * `call` is for functions that can fail. It turns an `Error` into a code and an owned
//!   `ckpt_error`, and a panic into `INTERNAL`.
//! * `ask` is for functions that cannot fail. It returns a fallback value if the body panics.
//!
//! Pointers become references in `pointer.rs` and nowhere else. Memory lent to C is stored in the
//! handle that lends it.
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

mod node;
mod graph;

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

// Shared by the modules above.
mod pointer;
mod wrapper;

use pointer::{array, changed, check_array, handle, key_at, output, own, path_at, places, release, required, text_at};
use wrapper::{ask, call};

/// A run of bytes; not NUL-terminated.
///
/// As a result, the bytes are lent by the handle they were obtained from and stay valid until it is
/// freed. `data` is NULL only if there is no value; `len` is then 0. As an argument, the bytes
/// belong to the caller, and `data` may be NULL if `len` is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ckpt_bytes {
    /// The first byte.
    pub data: *const u8,
    /// The number of bytes.
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
