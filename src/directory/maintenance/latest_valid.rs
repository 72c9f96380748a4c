//! The newest checkpoint of a directory that is whole.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::candidates::{first_problem, newest_first, understood};
use crate::error::{Error, Result};
use crate::reader::{Progress, VerifyOptions};

/// A checkpoint that is not whole, or not there.
#[derive(Debug)]
pub struct BrokenCheckpoint {
    /// Its prefix.
    pub prefix: PathBuf,
    /// The first thing that is wrong with it.
    pub problem: Error,
}

/// The newest checkpoint of a directory that is whole.
#[derive(Debug, Default)]
pub struct ValidCheckpoint {
    /// Its prefix; none when there is no whole one.
    pub prefix: Option<PathBuf>,
    /// Those that are newer and are not, the newest first.
    pub broken: Vec<BrokenCheckpoint>,
}

/// Finds the newest checkpoint of `directory` that is whole: every checksum of it is compared. Those that the state file names come first, the
/// latest before the others; then, also when there is no state file that can be understood, any others that are there. `progress` is
/// called for each checkpoint from its beginning and can stop the search.
///
/// # Errors
/// `NOT_FOUND` when there is no such directory; `CANCELLED` when `progress` stopped it; what the system says when it cannot be looked at.
pub fn latest_valid_checkpoint(
    directory: impl AsRef<Path>,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<ValidCheckpoint> {
    let directory = directory.as_ref();
    let state = understood(directory)?;
    let mut found = ValidCheckpoint::default();
    for path in newest_first(directory, state.as_ref())? {
        let prefix = directory.join(path);
        match first_problem(&prefix, options, progress)? {
            None => {
                found.prefix = Some(prefix);
                break;
            }
            Some(problem) => found.broken.push(BrokenCheckpoint { prefix, problem }),
        }
    }
    Ok(found)
}
