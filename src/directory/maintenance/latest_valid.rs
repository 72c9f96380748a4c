//! Finding the newest valid checkpoint of a directory.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::candidates::{first_problem, newest_first, understood};
use crate::error::{Error, Result};
use crate::reader::{path_in, Progress, VerifyOptions};
use crate::storage::Location;

/// A checkpoint that is not valid, or does not exist.
#[derive(Debug)]
pub struct BrokenCheckpoint {
    /// The prefix.
    pub prefix: PathBuf,
    /// The first problem that was found.
    pub problem: Error,
}

/// The newest valid checkpoint of a directory, found by [`latest_valid_checkpoint`].
#[derive(Debug, Default)]
pub struct ValidCheckpoint {
    /// The prefix of the newest valid checkpoint; `None` if there is none.
    pub prefix: Option<PathBuf>,
    /// The newer checkpoints that are not valid, newest first.
    pub broken: Vec<BrokenCheckpoint>,
}

/// Finds the newest valid checkpoint of `directory`: one whose checksums all match.
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
/// * The operating system's error: the directory cannot be read.
pub fn latest_valid_checkpoint(
    directory: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<ValidCheckpoint> {
    let directory = &Location::of(directory)?;
    let state = understood(directory)?;
    let mut found = ValidCheckpoint::default();
    for path in newest_first(directory, state.as_ref())? {
        let prefix = path_in(directory, &path);
        match first_problem(&prefix, options, progress)? {
            None => {
                found.prefix = Some(prefix.into_path());
                break;
            }
            Some(problem) => found.broken.push(BrokenCheckpoint { prefix: prefix.into_path(), problem }),
        }
    }
    Ok(found)
}
