//! The log of a program.

use std::sync::Arc;

/// The severity of a log message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
#[non_exhaustive]
pub enum Severity {
    /// Information about normal operation.
    Info = 1,
    /// A possible mistake.
    Warning = 2,
    /// An error.
    Error = 3,
}

/// Receives log messages, one line each. Called on the thread whose call the message is about; for
/// a save in the background, on the library's thread that saves. Calling the graph from it fails
/// with `FAILED_PRECONDITION`.
pub type Log = Arc<dyn Fn(Severity, &str) + Send + Sync>;
