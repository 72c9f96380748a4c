//! The C ABI: thin functions over the Rust API. Each goes through one of the two wrappers of
//! `wrapper.rs`:
//!
//! * `call` is for functions that can fail. It turns an `Error` into a code and an owned
//!   `ckpt_error`, and a panic into `INTERNAL`.
//! * `ask` is for functions that cannot fail. It returns a fallback value if the body panics.
//!
//! Pointers become references in `pointer.rs` and nowhere else; a handle only ever becomes a shared
//! one, and what calls change in it is in an `Exclusive`. Memory lent to C is stored in the handle
//! that lends it.
#![allow(non_camel_case_types)]

// By topic, in the order of the header: its index and its banners are made from these comments.

// Topic: Version and names of constants
mod constants;

// Topic: Errors, strings
mod error;

mod strings;

// Topic: Callbacks, progress, cancelling, logging
mod callback;

mod progress;

mod log;

// Topic: Reading
mod options;

mod reader;

mod tensor;

mod conversion;

mod view;

// Topic: The object graph of a checkpoint
mod object_graph;

// Topic: Verifying
mod verify;

// Topic: Writing and merging
mod writer;

mod merge;

// Topic: The graph of a program
mod node;

mod graph;

// Topic: Variables
mod memory;

mod variable;

// Topic: Lists, dictionaries and tuples
mod containers;

// Topic: Slot variables
mod slots;

// Topic: Devices and state with callbacks
mod device;

mod state;

// Topic: Registered savers
mod registered_savers;

// Topic: Saving and restoring a program
mod checkpoint;

mod graph_options;

// Topic: Restore statuses and reports
mod report;

mod status;

// Topic: Savers (checkpoints by name)
mod saver;

// Topic: Checkpoint views
mod checkpoint_view;

// Topic: Managing a directory
mod manager;

mod manager_options;

// Topic: Calls in the background
mod pending;

mod background;

// Topic: Saves by ranks
mod ranks;

// Topic: The state file, pins
mod directory;

// Topic: Waiting for checkpoints
mod watch;

// Topic: Maintenance
mod maintenance;

// Topic: Looking for leaks
mod pointer;

// Shared by the modules above.
mod exclusive;

mod wrapper;

use exclusive::{changeable, changed, copied, Exclusive};
use pointer::{
    array, array_mut, bytes_at, check_array, dimensions_at, handle, key_at, list_at, name_at, os_text, output, own, path_at,
    release, required, reserved, short_at, text_at,
};
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
