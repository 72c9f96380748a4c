//! The `checkpoint` state file of a directory: reading it, replacing it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::replace::replace;
use super::state_update::StateUpdate;
use crate::error::{Error, Result};
use crate::reader::{read_state, STATE_FILE};
use crate::storage::{Local, Storage};
use crate::Durability;

/// What the state file of a directory says, with paths that can be used as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckpointState {
    /// The latest checkpoint.
    pub latest: PathBuf,
    /// Every checkpoint kept, oldest first.
    pub all: Vec<PathBuf>,
    /// When each of these was made, in seconds since the epoch; empty where nobody said.
    pub timestamps: Vec<f64>,
    /// When the last checkpoint that is kept for good was made.
    pub last_preserved: Option<f64>,
}

/// Reads the state file of `directory` (`tf.train.get_checkpoint_state`). None when there is none. That the checkpoints are there is not
/// looked at.
///
/// # Errors
/// `DATA_LOSS` when the state file cannot be understood or names no latest checkpoint. TensorFlow takes one that it cannot understand for
/// none.
pub fn get_checkpoint_state(directory: impl AsRef<Path>) -> Result<Option<CheckpointState>> {
    CheckpointState::read(directory, STATE_FILE)
}

impl CheckpointState {
    /// Reads the state file `file_name` of `directory`: [`get_checkpoint_state`] where a program gave that file another name
    /// (`latest_filename`).
    ///
    /// # Errors
    /// As for [`get_checkpoint_state`].
    pub fn read(directory: impl AsRef<Path>, file_name: impl AsRef<OsStr>) -> Result<Option<CheckpointState>> {
        let directory = directory.as_ref();
        let Some(state) = read_state(directory, file_name.as_ref())? else { return Ok(None) };
        Ok(Some(CheckpointState {
            latest: directory.join(&state.model_checkpoint_path),
            all: state.all_model_checkpoint_paths.iter().map(|path| directory.join(path)).collect(),
            timestamps: state.all_model_checkpoint_timestamps,
            last_preserved: state.last_preserved_timestamp,
        }))
    }
}

/// Replaces the state file of `directory` (`tf.train.update_checkpoint_state`): all of it or nothing, also over a power cut. Paths in the
/// directory are written relative to it, whether they were given so or not; a relative path is meant from the program's working
/// directory if `directory` is relative too, else from `directory`.
///
/// # Errors
/// `NOT_FOUND` when there is no such directory; `UNAVAILABLE` when another process has its lock; `INVALID_ARGUMENT` when the numbers of paths
/// and timestamps differ or the latest checkpoint has the state file's own path.
pub fn update_checkpoint_state(directory: impl AsRef<Path>, update: &StateUpdate) -> Result<()> {
    update_state(&Local, directory.as_ref(), update)
}

/// [`update_checkpoint_state`] on any storage.
pub(crate) fn update_state(storage: &dyn Storage, directory: &Path, update: &StateUpdate) -> Result<()> {
    replace(storage, directory, Some(update), update.durability, &[], &mut Vec::new()).map(drop)
}

/// Makes the checkpoint `prefix` the latest of its directory, and the only one listed: what `Checkpoint.save` does last.
pub(crate) fn record_save(storage: &dyn Storage, prefix: &Path, durability: Durability) -> Result<()> {
    let name = prefix.file_name().ok_or_else(|| Error::argument("the prefix names no file").in_file(prefix))?;
    let directory = prefix.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    update_state(storage, directory, &StateUpdate::new(directory.join(name)).durability(durability))
}
