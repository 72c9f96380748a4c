//! The C ABI: thin functions over the Rust API, each through one of the two wrappers of `wrapper.rs`.
//!
//! * `call` is for what can fail: it turns an `Error` into a code and an owned `ckpt_error`, and a panic into `INTERNAL`.
//! * `ask` is for what cannot: on a NULL handle, or should it panic, it answers with the value that stands for nothing.
//!
//! Pointers become references in `pointer.rs` and nowhere else. What is lent to C lives in the handle that lends it.
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

// Topic: Saves in the background
mod pending;

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

// What the modules above share.
mod wrapper;

use pointer::{array, array_mut, check_array, handle, handle_mut, key_at, output, own, path_at, release, required, text_at};
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
