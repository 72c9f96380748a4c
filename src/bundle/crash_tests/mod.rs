//! Power cuts and failing operations while a checkpoint is written (P1 to P5 and P15 of
//! RELIABILITY.md).
//!
//! [`crate::laboratory`] records operations, simulates power cuts and judges the results.

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
use crate::laboratory::at;

thread_local! {
    static LEFT_OUT: Cell<Option<Step>> = const { Cell::new(None) };
}

/// Returns whether the publisher must skip a step, which the tests must notice.
pub(super) fn left_out(step: Step) -> bool {
    LEFT_OUT.get() == Some(step)
}

fn index_of(prefix: &Path) -> PathBuf {
    naming::index_path(&at(prefix)).into_path()
}
