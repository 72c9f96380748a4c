//! A flag that cancels long calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Cancels long calls from any thread. Clones are the same flag, and several calls may have it: it
/// is given to them by their options.
///
/// ```
/// use checkpoint::{Cancel, Code, OpenOptions, Reader};
///
/// let cancel = Cancel::new();
/// cancel.raise();
/// let options = OpenOptions::new().cancel(&cancel);
/// assert_eq!(Reader::open_with("anything", &options).unwrap_err().code(), Code::Cancelled);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Creates a flag that is not raised.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Raises the flag: calls that were given it soon fail with `CANCELLED`, unless they have
    /// already published their result. It cannot be lowered again. It only stores into an atomic,
    /// so that a signal handler may call it.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the flag is raised.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
