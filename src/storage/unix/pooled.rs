//! The list of files that are kept open, around forks: the forking thread has it, so that a child
//! finds it whole and free.

use std::cell::Cell;

use super::super::pool::{open_slots, Guard};
use super::raw::around_forks;

thread_local! {
    /// The list, while this thread forks. Nobody has it and the table of locks at the same time but
    /// who forks, so that their order does not matter.
    static FORKING: Cell<Option<Guard>> = const { Cell::new(None) };
}

/// Has the list locked around every fork from now on.
pub(in crate::storage) fn hold_open_slots_around_forks() {
    around_forks(Some(before_fork), Some(after_fork), Some(after_fork));
}

extern "C" fn before_fork() {
    let _ = FORKING.try_with(|forking| forking.set(Some(open_slots())));
}

extern "C" fn after_fork() {
    let _ = FORKING.try_with(|forking| drop(forking.take()));
}
