//! Notices that the process was forked. A child inherits all handles of its parent, but neither
//! its other threads nor the right to its locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;

use super::raw;
use crate::error::{Code, Error, Reason, Result};

/// The process in which a handle was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(u64);

impl Origin {
    /// Returns the process that runs this.
    pub fn here() -> Origin {
        Origin(number())
    }

    /// Returns whether this process is the one, and not one that was forked from it.
    pub fn is_here(self) -> bool {
        self.0 == number()
    }

    /// Returns a number that only this process has, among those that were forked from one.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Fails if this process was forked from the one.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` (`Forked`).
    pub fn check(self) -> Result<()> {
        if self.is_here() {
            return Ok(());
        }
        let what = "this process was forked from the one that made the handle, and may only free it: make a new one here";
        Err(Error::new(Code::FailedPrecondition, Reason::Forked, what))
    }
}

impl Default for Origin {
    fn default() -> Origin {
        Origin::here()
    }
}

/// The number of this process; zero in a new one, until somebody asks.
static NUMBER: OnceLock<&'static AtomicU64> = OnceLock::new();

/// In place of memory that the system clears.
static PLAIN: AtomicU64 = AtomicU64::new(0);

/// The last number that this process or one that it was forked from has had.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Returns a number that no process has had from which this one was forked, directly or not.
fn number() -> u64 {
    let number = NUMBER.get_or_init(|| {
        raw::around_forks(None, None, Some(in_child));
        raw::zero_after_fork().unwrap_or(&PLAIN)
    });
    match number.load(Ordering::Acquire) {
        0 => {
            let new = LAST.fetch_add(1, Ordering::Relaxed) + 1;
            number.compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire).map_or_else(|other| other, |_| new)
        }
        known => known,
    }
}

extern "C" fn in_child() {
    if let Some(number) = NUMBER.get() {
        number.store(0, Ordering::Release);
    }
}
