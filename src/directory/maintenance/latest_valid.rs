//! Finding the newest valid checkpoint of a directory.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::candidates::{fault_of, newest_first, understood, BrokenCheckpoint};
use crate::background::Pending;
use crate::error::Result;
use crate::reader::{path_in, Progress, Verdict, VerifyOptions};
use crate::storage::Location;

/// The newest valid checkpoint of a directory, found by [`latest_valid_checkpoint`].
#[derive(Debug, Default)]
pub struct ValidCheckpoint {
    /// The prefix of the newest whole checkpoint or, if there is none, of the newest incomplete
    /// one; `None` if there is neither.
    pub prefix: Option<PathBuf>,
    /// The verdict on it, whole or incomplete; `None` if there is none.
    pub verdict: Option<Verdict>,
    /// The newer checkpoints that are not whole, newest first. If `prefix` is incomplete, all that
    /// were found, it among them.
    pub broken: Vec<BrokenCheckpoint>,
}

/// Finds the newest checkpoint of `directory` that can be restored: a [whole](Verdict::Whole) one
/// or, only if there is none, an [incomplete](Verdict::Incomplete) one. Sections of checkpoints are
/// never taken.
///
/// The checkpoints that the state file names are tried first, starting with the latest; then all
/// others in the directory, those with the greatest numbers in their names first, and among equal
/// ones the last written. Without a state file that can be parsed, all of them are tried. If the
/// state file names a path elsewhere and the directory has a checkpoint of the same name, that is
/// tried, so that the directory may be moved or be a copy.
/// `progress` starts anew for each checkpoint and can stop the search.
///
/// # Errors
/// * `NOT_FOUND`: the directory does not exist.
/// * `CANCELLED` (`Callback`): `progress` stopped the search.
/// * `RESOURCE_EXHAUSTED`: the process or the system has no memory or file handles to spare.
/// * `DATA_LOSS` (`Replaced`) or `UNAVAILABLE` (`Busy`): a checkpoint was replaced each time before
///   it could be verified.
/// * The operating system's error: the directory cannot be read.
pub fn latest_valid_checkpoint(
    directory: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<ValidCheckpoint> {
    let directory = &Location::of(directory)?;
    let state = understood(directory, &options.log)?;
    let mut found = ValidCheckpoint::default();
    let mut incomplete = None;
    for path in newest_first(directory, state.as_ref())? {
        let prefix = path_in(directory, &path);
        match fault_of(&prefix, options, progress)? {
            None => {
                (found.prefix, found.verdict) = (Some(prefix.into_path()), Some(Verdict::Whole));
                return Ok(found);
            }
            Some(broken) => {
                if broken.verdict == Verdict::Incomplete {
                    incomplete.get_or_insert_with(|| broken.prefix.clone());
                }
                found.broken.push(broken);
            }
        }
    }
    found.verdict = incomplete.is_some().then_some(Verdict::Incomplete);
    found.prefix = incomplete;
    Ok(found)
}

/// Finds the newest valid checkpoint of `directory` in the background, as
/// [`latest_valid_checkpoint`] does. `progress` is called on the background thread.
///
/// # Errors
/// * `INVALID_ARGUMENT`: the path is a URI that names another machine.
/// * `RESOURCE_EXHAUSTED`: no thread can be started.
///
/// Those of [`latest_valid_checkpoint`] are returned by [`Pending::take`].
pub fn latest_valid_checkpoint_async(
    directory: impl AsRef<Path>,
    options: &VerifyOptions,
    mut progress: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static,
) -> Result<Pending<ValidCheckpoint>> {
    let (directory, options) = (Location::of(directory)?, options.clone());
    let of_thread = directory.clone();
    Pending::launched(directory, move |control| {
        latest_valid_checkpoint(&*of_thread, &options, &mut |at| {
            control.report(at.bytes_done, at.bytes_total);
            progress(at)?;
            control.flow()
        })
    })
}
