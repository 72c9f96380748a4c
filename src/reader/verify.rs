//! Checking a whole checkpoint.

use std::ops::ControlFlow;
use std::path::Path;

use super::locate::{self, Located};
use crate::bundle;
use crate::error::{Code, Error, Problems, Reason, Result};
use crate::v1;

/// How a checkpoint is verified.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    threads: u32,
}

impl VerifyOptions {
    /// The defaults.
    pub fn new() -> VerifyOptions {
        VerifyOptions::default()
    }

    /// Reads with `threads` threads; 0 for the library's choice.
    pub fn threads(mut self, threads: u32) -> VerifyOptions {
        self.threads = threads;
        self
    }
}

/// How far a long call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes dealt with so far.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}

/// What verifying found.
#[derive(Debug)]
pub struct Verification {
    /// Everything that is wrong, at most 10 000 faults of it; nothing when the checkpoint is whole.
    pub problems: Vec<Error>,
    /// The number of tensors listed.
    pub tensors: usize,
    /// The bytes that were checked.
    pub bytes: u64,
    /// The files that were there.
    pub files: usize,
}

/// Checks every checksum of every block and tensor of the checkpoint at `path`, which may be anything that a reader opens.
///
/// Unlike opening and reading, it goes on after a fault. `progress` is called on the caller's thread and can stop the check.
///
/// # Errors
/// Only when nothing could be checked: `NOT_FOUND` when there is no checkpoint, `CANCELLED` when `progress` stopped it.
/// What is wrong with a checkpoint is not an error of this function but among the problems.
pub fn verify(
    path: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Verification> {
    let watch = &mut |bytes_done, bytes_total| progress(Progress { bytes_done, bytes_total });
    let (verification, cancelled) = match locate::locate(path.as_ref())? {
        Located::V2(prefix) => {
            let checked = bundle::verify(&prefix, options.threads, watch)?;
            (
                Verification { problems: checked.problems, tensors: checked.tensors, bytes: checked.bytes, files: checked.files },
                checked.cancelled,
            )
        }
        Located::V1 { prefix, files } => {
            let mut problems = Problems::default();
            let checkpoint = v1::Checkpoint::open(&prefix, &files, None, &mut |fault| {
                problems.add(fault);
                Ok(())
            })?;
            let finished = checkpoint.verify(&mut problems, watch);
            let (tensors, bytes, files) = (checkpoint.len(), checkpoint.bytes(), checkpoint.file_count());
            (Verification { problems: problems.take(), tensors, bytes, files }, !finished)
        }
    };
    if cancelled {
        Err(Error::new(Code::Cancelled, Reason::Callback, "verifying was stopped by the caller").in_file(path.as_ref()))
    } else {
        Ok(verification)
    }
}
