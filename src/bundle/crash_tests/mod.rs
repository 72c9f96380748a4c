//! Power cuts and failing operations while a checkpoint is written (P1 to P5 and P15 of RELIABILITY.md).
//!
//! What records, cuts and judges is in [`crate::laboratory`].

mod durability;
mod faults;
mod judge;
mod ranks;
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
