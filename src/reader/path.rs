//! Finds the checkpoint that a path stands for, as a user gives it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::locate::{absent, at_prefix, by_file_of_bundle, read_state, Located, STATE_FILE};
use super::resolve::{resolve, Resolved};
use crate::error::{printable, Result};
use crate::foreign::explain;
use crate::format::state_file::StateFile;

/// The most attempts to find the latest checkpoint while another process saves. No process saves so
/// fast that all of these attempts fail.
const MOST_LOOKS: usize = 100;

/// Finds the checkpoint that `path` denotes; [`Reader::open`](super::Reader::open) lists the
/// accepted forms.
pub(crate) fn locate(path: &Path) -> Result<Located> {
    // A state file that names what is not there is at fault itself; it is nothing else.
    find(path).map_err(|e| if e.file() == Some(path) { explain(e) } else { e })
}

fn find(path: &Path) -> Result<Located> {
    if path.is_dir() {
        if let Some(located) = in_directory(path)? {
            return Ok(located);
        }
        if let Some(located) = at_prefix(path)? {
            return Ok(located);
        }
        return Err(absent("the directory has no state file \"checkpoint\" and is not a SavedModel", path, path));
    }
    if let Some(located) = at_prefix(path)?.or(by_file_of_bundle(path)?) {
        return Ok(located);
    }
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Err(absent("there is no checkpoint at this path", path, directory))
}

/// Finds the latest checkpoint that the state file of `directory` names: its prefix or, for format
/// V1, its file or the pattern of its files (`tf.train.latest_checkpoint`). Returns `None` if there
/// is no state file, or none of the checkpoint's files exists.
///
/// # Errors
/// `DATA_LOSS`: the state file cannot be parsed, or names no latest checkpoint (`NoCheckpoint`).
pub fn latest_checkpoint(directory: impl AsRef<Path>) -> Result<Option<PathBuf>> {
    let directory = directory.as_ref();
    let latest = latest_of(directory)?.map(|(_, latest)| latest);
    Ok(latest.filter(|latest| latest.located.is_some()).map(|latest| latest.path))
}

/// Reads the state file of `directory` and finds the latest checkpoint that it names.
///
/// A manager may save a new checkpoint and remove the old one between the two steps. So if the
/// named checkpoint does not exist, the state file is read again, until it names an existing
/// checkpoint or no longer changes.
fn latest_of(directory: &Path) -> Result<Option<(StateFile, Resolved)>> {
    let mut gone: Option<(StateFile, Resolved)> = None;
    for _ in 0..MOST_LOOKS {
        let Some(state) = read_state(directory, OsStr::new(STATE_FILE))? else { return Ok(None) };
        let latest = resolve(directory, &state.model_checkpoint_path)?;
        let is_same = gone.as_ref().is_some_and(|(before, _)| *before == state);
        gone = Some((state, latest));
        if is_same || gone.as_ref().is_some_and(|(_, latest)| latest.located.is_some()) {
            break;
        }
    }
    Ok(gone)
}

/// The checkpoint of a directory: the latest one of its state file or, without a state file, the
/// variables of a SavedModel.
fn in_directory(directory: &Path) -> Result<Option<Located>> {
    if let Some((state, latest)) = latest_of(directory)? {
        return match latest.located {
            Some(located) => Ok(Some(located)),
            None => {
                let what = format!(
                    "the state file names \"{}\", which does not exist",
                    printable(state.model_checkpoint_path.as_encoded_bytes())
                );
                Err(absent(&what, &directory.join(STATE_FILE), directory))
            }
        };
    }
    let saved_model = ["saved_model.pb", "saved_model.pbtxt"].iter().any(|name| directory.join(name).is_file());
    Ok(saved_model.then(|| Located::V2(directory.join("variables").join("variables"))))
}
