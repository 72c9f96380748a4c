//! Verifying a whole checkpoint.

use std::ops::ControlFlow;
use std::path::Path;

use super::locate::Located;
use super::path::{locate, First, Resolution};
use super::verdict::{Findings, Verdict};
use super::{Reader, Stored};
use crate::background::{Control, Pending};
use crate::bundle;
use crate::error::{Code, Error, Reason, Result};
use crate::log::{Listener, Log};
use crate::storage::Location;
use crate::v1;

/// Options for verifying a checkpoint.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    threads: u32,
    skip_values: bool,
    pub(crate) log: Listener,
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

    /// Sets whether the values are left unread. If so, only the index is verified, that the data
    /// files exist and are long enough, and the keys of the object graph: what can be known
    /// quickly. Damaged values are not noticed. A V1 checkpoint has its values in its tables; of it
    /// only the list of tensors is verified. False by default.
    pub fn skip_values(mut self, skip: bool) -> VerifyOptions {
        self.skip_values = skip;
        self
    }

    /// Sets the log, which hears how the path was understood where that may surprise, as
    /// [`OpenOptions::log_to`](super::OpenOptions::log_to) says. What is wrong with a checkpoint is
    /// in the result.
    pub fn log_to(mut self, log: Log) -> VerifyOptions {
        self.log = Listener::new(Some(log));
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
    /// What the checkpoint is good for.
    pub verdict: Verdict,
    /// The problems that were found, at most 10 000, those that led to the verdict first; empty if
    /// the checkpoint is whole.
    pub problems: Vec<Error>,
    /// The number of tensors listed.
    pub tensors: usize,
    /// The number of bytes checked.
    pub bytes: u64,
    /// The number of existing files.
    pub files: usize,
}

/// Verifies the checkpoint at `path`, which may be any path that
/// [`Reader::open`](super::Reader::open) accepts: every checksum of every block and tensor, that
/// stored slices cover their tensors, that no two values overlap in a file, and that every key of
/// the object graph exists.
///
/// Unlike reading, verifying continues after a fault: `Ok` means that verifying ran to the end, not
/// that the checkpoint can be restored. For that, check [`Verification::verdict`]. `progress` is
/// called on the calling thread and can stop the verification.
///
/// # Errors
/// * `NOT_FOUND` (`NoCheckpoint`): there is no checkpoint at `path`.
/// * `CANCELLED` (`Callback`): `progress` stopped the verification.
/// * `RESOURCE_EXHAUSTED`: the process or the system has no memory or file handles to spare, which
///   says nothing about the checkpoint.
/// * `DATA_LOSS` (`Replaced`), `NOT_FOUND` (`MissingFile`) or `UNAVAILABLE` (`Busy`): it was
///   replaced or removed meanwhile, perhaps again and again.
/// * Another error if nothing could be verified, for example because the system refuses access.
pub fn verify(
    path: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Verification> {
    let path = Location::of(path)?;
    let found = locate(&path, First::Directory)?;
    options.log.warn(found.how.remarks(&path));
    verify_located(&path, found.located, options, progress)
}

/// Verifies the checkpoint at `path` in the background, as [`verify`] does. `progress` is called on
/// the background thread.
///
/// # Errors
/// * `INVALID_ARGUMENT`: the path is a URI that names another machine.
/// * `RESOURCE_EXHAUSTED`: no thread can be started.
///
/// Those of [`verify`] are returned by [`Pending::take`].
pub fn verify_async(
    path: impl AsRef<Path>,
    options: &VerifyOptions,
    mut progress: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static,
) -> Result<Pending<Verification>> {
    let (path, options) = (Location::of(path)?, options.clone());
    let of_thread = path.clone();
    Pending::launched(path, move |control| {
        verify(&*of_thread, &options, &mut |at| {
            control.report(at.bytes_done, at.bytes_total);
            progress(at)?;
            control.flow()
        })
    })
}

/// Like [`verify`], for the checkpoint that was found at `path`.
pub(crate) fn verify_located(
    path: &Location,
    located: Located,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Verification> {
    let watch = &mut |bytes_done, bytes_total| progress(Progress { bytes_done, bytes_total });
    let mut findings = Findings::default();
    let (prefix, stored, counts, cancelled) = match located {
        Located::V2(prefix) => {
            let checked = bundle::verify(&prefix, options.threads, !options.skip_values, watch)?;
            findings = Findings { damage: checked.damage, gaps: checked.gaps, ..findings };
            (prefix, checked.bundle.map(Stored::V2), (checked.tensors, checked.bytes, checked.files), checked.cancelled)
        }
        Located::V1 { prefix, files } => {
            let checkpoint = v1::Checkpoint::open(&prefix, &files, None, &Control::default(), &mut |fault| {
                findings.damage.add(fault);
                Ok(())
            })?;
            checkpoint.verify_slices(&mut findings.damage, &mut findings.gaps);
            let finished = options.skip_values || checkpoint.verify(&mut findings.damage, watch);
            let bytes = if options.skip_values { 0 } else { checkpoint.bytes() };
            let counts = (checkpoint.len(), bytes, checkpoint.file_count());
            (prefix, Some(Stored::V1(checkpoint)), counts, !finished)
        }
    };
    if cancelled {
        return Err(Error::new(Code::Cancelled, Reason::Callback, "the caller stopped the verification").in_file(path));
    }
    // Running out of files or memory says nothing about the checkpoint.
    if let Some(passing) = findings.damage.take_first(Error::is_passing) {
        return Err(passing);
    }
    if let Some(stored) = stored {
        let reader = Reader { stored, resolved: Resolution::default(), names: Default::default() };
        findings.look_for_keys(&reader)?;
        // What seems to be damage may be that the files went one by one.
        if let (Stored::V2(bundle), false) = (&reader.stored, findings.damage.is_empty()) {
            bundle.check_not_replaced()?;
        }
    }
    let (tensors, bytes, files) = counts;
    Ok(Verification { verdict: findings.verdict(&prefix), problems: findings.problems(), tensors, bytes, files })
}
