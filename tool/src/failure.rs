//! The ways in which a command fails.

use std::io;

/// What every command returns.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Why a command stops, which decides the exit code.
pub enum Failure {
    /// Wrong usage; exit 2.
    Usage(String),
    /// A problem with the checkpoint, or with reading or writing; exit 1.
    Problem(String),
    /// A problem that the command has already printed; exit 1.
    Reported,
    /// The reader of the output has closed the pipe; exit 0, silently.
    ClosedPipe,
}

impl From<checkpoint::Error> for Failure {
    fn from(error: checkpoint::Error) -> Failure {
        Failure::Problem(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Problem(format!("cannot write the output: {error}")),
        }
    }
}
