//! Verifying a whole checkpoint.

use std::ops::ControlFlow;
use std::path::Path;

use super::locate::Located;
use super::path::{locate, First};
use crate::bundle;
use crate::error::{Code, Error, Problems, Reason, Result};
use crate::storage::Location;
use crate::v1;

/// Options for verifying a checkpoint.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    threads: u32,
}

impl VerifyOptions {
    /// Creates options with the defaults.
    pub fn new() -> VerifyOptions {
        VerifyOptions::default()
    }

    /// Sets the number of reading threads; 0, the default, lets the library choose. There are never
    /// more than one for every 256 KiB, nor more than eight per processor.
    pub fn threads(mut self, threads: u32) -> VerifyOptions {
        self.threads = threads;
        self
    }
}

/// The progress of a long call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The number of bytes processed so far.
    pub bytes_done: u64,
    /// The total number of bytes.
    pub bytes_total: u64,
}

/// The result of a verification.
#[derive(Debug)]
pub struct Verification {
    /// The problems that were found, at most 10 000; empty if the checkpoint is intact.
    pub problems: Vec<Error>,
    /// The number of tensors listed.
    pub tensors: usize,
    /// The number of bytes checked.
    pub bytes: u64,
    /// The number of existing files.
    pub files: usize,
}

/// Verifies every checksum of every block and tensor of the checkpoint at `path`, which may be any
/// path that [`Reader::open`](super::Reader::open) accepts.
///
/// Unlike reading, verifying continues after a fault: `Ok` means that verifying ran to the end, not
/// that the checkpoint is intact. For that, check [`Verification::problems`]. `progress` is called
/// on the calling thread and can stop the verification.
///
/// # Errors
/// * `NOT_FOUND` (`NoCheckpoint`): there is no checkpoint at `path`.
/// * `CANCELLED` (`Callback`): `progress` stopped the verification.
/// * Another error if nothing could be verified, for example because the system refuses access.
pub fn verify(
    path: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Verification> {
    let path = Location::of(path)?;
    verify_located(&path, locate(&path, First::Directory)?.located, options, progress)
}

/// Like [`verify`], for the checkpoint that was found at `path`.
pub(crate) fn verify_located(
    path: &Location,
    located: Located,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Verification> {
    let watch = &mut |bytes_done, bytes_total| progress(Progress { bytes_done, bytes_total });
    let (verification, cancelled) = match located {
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
        Err(Error::new(Code::Cancelled, Reason::Callback, "the caller stopped the verification").in_file(path))
    } else {
        Ok(verification)
    }
}
