//! The log of a program.

use std::fmt;
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

/// Where the messages of a call go: to a log, or nowhere.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Log>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Listener" } else { "None" })
    }
}

impl Listener {
    pub fn new(log: Option<Log>) -> Listener {
        Listener(log)
    }

    /// Gives the log these warnings, a line each.
    pub fn warn<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) {
        if let Some(log) = &self.0 {
            texts.into_iter().for_each(|text| log(Severity::Warning, text.as_ref()));
        }
    }

    /// Returns the log.
    pub fn log(&self) -> Option<&Log> {
        self.0.as_ref()
    }
}
