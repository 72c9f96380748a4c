//! The checkpoints of a directory, newest first, and whether they are valid.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::Path;

use super::super::ledger::owned;
use crate::error::{Code, Error, Result};
use crate::format::state_file::StateFile;
use crate::os_bytes::OsStrExt;
use crate::reader::{find_at, read_state, verify, Progress, VerifyOptions, STATE_FILE};
use crate::storage::Location;

/// The state file; `None` if there is none or it cannot be parsed.
pub(super) fn understood(directory: &Location) -> Result<Option<StateFile>> {
    match read_state(directory, OsStr::new(STATE_FILE)) {
        Err(e) if e.errno().is_none() => Ok(None),
        state => state,
    }
}

/// The paths of the checkpoints, relative to the directory: first the latest, then the others that
/// the state file lists, newest first, then all others in the directory.
pub(super) fn newest_first(directory: &Location, state: Option<&StateFile>) -> Result<Vec<OsString>> {
    let mut paths: Vec<OsString> = Vec::new();
    if let Some(state) = state {
        let listed = state.all_model_checkpoint_paths.iter().rev();
        for path in std::iter::once(&state.model_checkpoint_path).chain(listed) {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
    }
    let mut others = Vec::new();
    let io = |e| Error::io("list the directory", directory, &e);
    for name in directory.storage()?.directory(directory, false).and_then(|directory| directory.list()).map_err(io)? {
        let Some(base) = name.as_bytes().strip_suffix(b".index").map(OsStr::from_bytes) else { continue };
        let is_listed = paths.iter().any(|path| Path::new(path).file_name() == Some(base));
        if !is_listed && !base.is_empty() && matches!(find_at(&directory.join(base)), Ok(Some(_)) | Err(_)) {
            others.push(base.to_owned());
        }
    }
    sort_newest_first(directory, &mut others);
    paths.extend(others);
    Ok(paths)
}

/// Sorts by number if all names have a number and differ only in it; otherwise by the time of
/// writing.
fn sort_newest_first(directory: &Location, names: &mut Vec<OsString>) {
    let numbered = |name: &OsString| -> Option<(Vec<u8>, i64)> {
        let name = owned(name)?.as_bytes();
        let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let number = std::str::from_utf8(&name[name.len() - digits..]).ok()?.parse::<i64>().ok()?;
        let stem = &name[..name.len() - digits - 1];
        // TensorFlow writes a negative number as `ckpt--5`.
        Some(match stem.strip_suffix(b"-") {
            Some(stem) => (stem.to_vec(), -number),
            None => (stem.to_vec(), number),
        })
    };
    let numbers: Option<Vec<(Vec<u8>, i64)>> = names.iter().map(numbered).collect();
    match numbers {
        Some(numbers) if numbers.windows(2).all(|pair| pair[0].0 == pair[1].0) => {
            crate::sort::sort_by_key(names, |name| std::cmp::Reverse(numbered(name).map_or(0, |(_, number)| number)));
        }
        _ => {
            let time = |name: &OsString| {
                let index = crate::bundle::index_path(&directory.join(name));
                index.status().map(|found| found.version.time())
            };
            let mut timed: Vec<_> = names.drain(..).map(|name| (std::cmp::Reverse(time(&name)), name)).collect();
            crate::sort::sort_by(&mut timed, Ord::cmp);
            names.extend(timed.into_iter().map(|(_, name)| name));
        }
    }
}

/// The first problem of a checkpoint; `None` if it is valid.
pub(super) fn first_problem(
    prefix: &Location,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Error>> {
    let problem = match verify(prefix, options, progress) {
        Ok(found) => found.problems.into_iter().next(),
        Err(e) if e.code() == Code::Cancelled => return Err(e),
        Err(e) => Some(e),
    };
    match problem {
        // Running out of files or memory says nothing about the checkpoint.
        Some(e) if e.is_shortage() => Err(e),
        problem => Ok(problem),
    }
}
