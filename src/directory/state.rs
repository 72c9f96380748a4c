//! Reading and replacing the state file of a directory.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::replace::replace;
use super::state_update::StateUpdate;
use crate::allocate::list_of;
use crate::bundle::{directory_and_name, Access, Notes};
use crate::error::Result;
use crate::reader::{read_state, resolve_name, was_moved, OpenOptions, STATE_FILE};
use crate::storage::{Location, Storage};
use crate::Durability;

/// The contents of a directory's state file, with paths that can be used as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckpointState {
    /// The latest checkpoint.
    pub latest: PathBuf,
    /// All listed checkpoints, oldest first.
    pub all: Vec<PathBuf>,
    /// When each listed checkpoint was made, in seconds since the epoch; empty if the state file
    /// does not say.
    pub timestamps: Vec<f64>,
    /// When the last permanently kept checkpoint was made, in seconds since the epoch; `None` if
    /// the state file does not say.
    pub last_preserved: Option<f64>,
}

/// Reads the state file of `directory` (`tf.train.get_checkpoint_state`); `None` if there is none.
/// It is not checked that the checkpoints exist, but if an entry's path leads to nothing and the
/// directory has a checkpoint of the same name, that is given: the directory was moved.
///
/// # Errors
/// `DATA_LOSS`: the state file cannot be parsed, or names no latest checkpoint (`NoCheckpoint`).
/// (TensorFlow treats one that it cannot parse as missing.)
pub fn get_checkpoint_state(directory: impl AsRef<Path>) -> Result<Option<CheckpointState>> {
    CheckpointState::read(directory, STATE_FILE)
}

impl CheckpointState {
    /// Reads the state file `file_name` of `directory`: like [`get_checkpoint_state`], for a state
    /// file with another name than `checkpoint` (`latest_filename`).
    ///
    /// # Errors
    /// The errors of [`get_checkpoint_state`].
    pub fn read(directory: impl AsRef<Path>, file_name: impl AsRef<OsStr>) -> Result<Option<CheckpointState>> {
        CheckpointState::read_with(directory, file_name, &OpenOptions::default())
    }

    /// Like [`CheckpointState::read`], with options, of which the log counts: it hears if the
    /// directory was moved.
    ///
    /// # Errors
    /// The errors of [`get_checkpoint_state`].
    pub fn read_with(
        directory: impl AsRef<Path>,
        file_name: impl AsRef<OsStr>,
        options: &OpenOptions,
    ) -> Result<Option<CheckpointState>> {
        let directory = Location::of(directory)?;
        let Some(state) = read_state(&directory, file_name.as_ref())? else { return Ok(None) };
        let mut is_moved = false;
        let mut path = |entry: &OsString| {
            let resolved = resolve_name(&directory, entry);
            is_moved |= resolved.is_moved;
            resolved.path.into_path()
        };
        let latest = path(&state.model_checkpoint_path);
        let all = list_of(state.all_model_checkpoint_paths.iter().map(path))?;
        options.log.warn(is_moved.then(|| was_moved(&directory)));
        let (timestamps, last_preserved) = (state.all_model_checkpoint_timestamps, state.last_preserved_timestamp);
        Ok(Some(CheckpointState { latest, all, timestamps, last_preserved }))
    }
}

/// Replaces the state file of `directory` atomically, also across a power failure
/// (`tf.train.update_checkpoint_state`).
///
/// Paths inside the directory are written relative to it, however they were given. A relative path
/// starts at the working directory if `directory` is relative too, else at `directory`.
///
/// # Errors
/// * `NOT_FOUND`: the directory does not exist.
/// * `UNAVAILABLE` (`Locked`): another process or thread changes the state of the directory, and
///   did not end in time ([`StateUpdate::lock_wait`]).
/// * `INVALID_ARGUMENT`: the number of timestamps is neither 0 nor that of the listed checkpoints;
///   the state file's name contains a directory; or the latest checkpoint has the path of the state
///   file.
pub fn update_checkpoint_state(directory: impl AsRef<Path>, update: &StateUpdate) -> Result<()> {
    let directory = Location::of(directory)?;
    update_state(&*directory.storage()?, &directory, update)
}

/// Like [`update_checkpoint_state`], on any storage.
pub(crate) fn update_state(storage: &dyn Storage, directory: &Location, update: &StateUpdate) -> Result<()> {
    let access = Access::new(update.asked, &Notes::default());
    let mut warnings = Vec::new();
    let updated = update_state_as(storage, directory, update, &access, &mut warnings);
    update.log.warn(warnings.iter().chain(&access.notes.take()));
    updated
}

fn update_state_as(
    storage: &dyn Storage,
    directory: &Location,
    update: &StateUpdate,
    access: &Access,
    warnings: &mut Vec<String>,
) -> Result<()> {
    replace(storage, directory, Some(update), update.durability, access, &[], warnings).map(drop)
}

/// Makes the checkpoint `prefix` the latest of its directory, and the only one listed. This is the
/// last step of `Checkpoint.save`.
pub(crate) fn record_save(storage: &dyn Storage, prefix: &Location, durability: Durability, access: &Access) -> Result<()> {
    let (directory, name) = directory_and_name(prefix)?;
    let update = StateUpdate::new(directory.join(name).into_path()).durability(durability);
    update_state_as(storage, &directory, &update, access, &mut Vec::new())
}
