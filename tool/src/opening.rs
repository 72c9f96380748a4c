//! Opens the checkpoint that a path stands for, and says so if the path can be understood in more
//! than one way.

use std::path::{Path, PathBuf};

use checkpoint::{checkpoint_exists, resolve_checkpoint, Error, Reader, Resolution};

use crate::failure::Outcome;
use crate::latest::text;
use crate::term::{self, complain};

/// Opens the checkpoint at `path`.
pub fn open(path: &Path) -> Outcome<Reader> {
    Ok(Reader::open(path_of(path)?)?)
}

/// Returns the path to open instead of `path`. It differs only if `path` is a directory whose state
/// file leads out of it although the directory has a checkpoint of that name: it is a copy.
pub fn path_of(path: &Path) -> Result<PathBuf, Error> {
    let found = resolve_checkpoint(path)?;
    if found.is_ambiguous {
        complain(&format!(
            "{} is a directory and also a checkpoint: this is {} of the directory; for the other, give {}.index",
            text(path),
            text(&found.prefix),
            text(path)
        ));
    }
    Ok(inside(path, &found).unwrap_or_else(|| path.to_owned()))
}

/// Returns the prefix of the checkpoint at `path`, as [`path_of`] understands it. Says nothing.
pub fn prefix_of(path: &Path) -> Option<PathBuf> {
    resolve_checkpoint(path).ok().map(|found| found.prefix)
}

/// Says so if the state file of a directory leads elsewhere. Returns the latest checkpoint of the
/// directory that [`path_of`] would open; `None` if there is none.
pub fn latest_of(directory: &Path, latest: Option<PathBuf>) -> Option<PathBuf> {
    let found = resolve_checkpoint(directory).ok().filter(|found| found.entry.is_some());
    found.and_then(|found| inside(directory, &found)).or(latest)
}

/// Says so if the state file of the directory leads elsewhere. Returns the checkpoint of the
/// directory that is taken instead.
fn inside(directory: &Path, found: &Resolution) -> Option<PathBuf> {
    let entry = term::printable(found.entry.as_ref()?.as_encoded_bytes());
    let prefix = text(&found.prefix);
    if found.is_moved {
        complain(&format!("{} was moved: its state file names {entry}; this is {prefix}", text(directory)));
        return None;
    }
    // A prefix that ends in a slash has no name of its own; it lies in the directory before that.
    let is_nameless = found.prefix.as_os_str().as_encoded_bytes().ends_with(b"/");
    let place = if is_nameless { Some(&*found.prefix) } else { found.prefix.parent() };
    let place = place?.canonicalize().ok()?;
    if place.starts_with(directory.canonicalize().ok()?) {
        return None;
    }
    let beside = directory.join(found.prefix.file_name()?);
    let is_copy = checkpoint_exists(&beside).unwrap_or(false);
    complain(&if is_copy {
        format!("the state file of {} names {entry}, outside of it; this is {}", text(directory), text(&beside))
    } else {
        format!("{prefix} lies outside of {}, whose state file names it", text(directory))
    });
    is_copy.then_some(beside)
}
