//! Power cuts and failing operations while a checkpoint is written (P1 to P5 and P15 of RELIABILITY.md).
//!
//! A write is recorded; every state that a power cut may leave then is made in a real directory, and judged by the public reader and
//! by the next write. `CKPT_CRASH_STATES=100000 cargo test crash_tests` looks at more states.

pub(crate) mod disk;
mod durability;
mod faults;
mod judge;
mod ranks;
pub(crate) mod rng;
mod states;
mod steps;
mod two_writers;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::naming;

use super::step::Step;

thread_local! {
    static LEFT_OUT: Cell<Option<Step>> = const { Cell::new(None) };
}

/// Whether the publisher is to leave out a step, for the tests to find.
pub(super) fn left_out(step: Step) -> bool {
    LEFT_OUT.get() == Some(step)
}

fn index_of(prefix: &Path) -> PathBuf {
    naming::index_path(prefix)
}

/// A directory in memory where there is one: syncing it costs nothing.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}
