//! Resolves the entries of a state file: which checkpoint each of them stands for.
//!
//! Everything that reads a state file uses one rule, [`resolve`]: the path of the entry, else the
//! checkpoint of the same name beside the state file. Maintenance and the tool, which are given a
//! directory that may be a copy, prefer what lies in it ([`resolve_beside`]).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::locate::{at_prefix, Located};
use crate::bundle::index_path;
use crate::error::{printable, Result};
use crate::os_bytes::OsStrExt;
use crate::storage::{Location, Place};

/// A resolved entry of a state file.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The prefix of the checkpoint or, if it does not exist, the path that the entry names.
    pub path: Location,
    /// The entry that a state file in this directory should have for `path`.
    pub name: OsString,
    /// The files of the checkpoint; `None` if it does not exist.
    pub located: Option<Located>,
    /// Whether the entry leads to nothing, but a checkpoint of the same name is beside the state
    /// file: the directory has been moved.
    pub is_moved: bool,
}

/// Resolves the entry `entry` of a state file in `directory`. A relative entry starts at the
/// directory. If an entry leads to nothing, the last component of its path is tried in the
/// directory, because the directory may have been moved, also from Windows or from a bucket
/// (`gs://…`, which TensorFlow takes for a relative path). The name of an index stands for its
/// checkpoint.
///
/// # Errors
/// The files at the entry's path cannot be accessed or are not a checkpoint, and there is no
/// checkpoint of the same name beside the state file.
pub(crate) fn resolve(directory: &Location, entry: &OsStr) -> Result<Resolved> {
    let named = path_in(directory, entry);
    let mut first_problem = None;
    let base = last_component(entry);
    let beside = (base != entry && !base.is_empty()).then(|| (path_in(directory, base), base, true));
    for (path, name, is_moved) in std::iter::once((named.clone(), entry, false)).chain(beside) {
        for (path, name) in std::iter::once((path.clone(), name)).chain(of_index(&path, name)) {
            match at_prefix(&path) {
                Ok(None) => {}
                Ok(located) => return Ok(Resolved { path, name: name.to_owned(), located, is_moved }),
                Err(e) => first_problem = first_problem.or(Some(e)),
            }
        }
    }
    match first_problem {
        Some(e) => Err(e),
        None => Ok(Resolved { path: named, name: entry.to_owned(), located: None, is_moved: false }),
    }
}

/// Like [`resolve`], for many entries: problems are not reported, and if an entry is a plain name,
/// it is not checked whether the checkpoint exists.
pub(crate) fn resolve_name(directory: &Location, entry: &OsStr) -> Resolved {
    let plain = || Resolved { path: path_in(directory, entry), name: entry.to_owned(), located: None, is_moved: false };
    if last_component(entry) == entry && !entry.as_bytes().ends_with(b".index") {
        return plain();
    }
    resolve(directory, entry).unwrap_or_else(|_| plain())
}

/// Like [`resolve_name`], but prefers a checkpoint of the same name beside the state file: for the
/// maintenance of a directory, which may be a copy of one that still exists.
pub(crate) fn resolve_beside(directory: &Location, entry: &OsStr) -> Resolved {
    let base = last_component(entry);
    if base == entry || base.is_empty() {
        return resolve_name(directory, entry);
    }
    match resolve(directory, base) {
        Ok(beside) if beside.located.is_some() => {
            let named = at_prefix(&path_in(directory, entry)).ok().flatten();
            let is_moved = place_of(named.as_ref()) != place_of(beside.located.as_ref());
            Resolved { is_moved, ..beside }
        }
        _ => resolve_name(directory, entry),
    }
}

/// What all paths of a checkpoint have in common: its index or its first file.
fn place_of(located: Option<&Located>) -> Option<Place> {
    let file = match located? {
        Located::V2(prefix) => &index_path(prefix),
        Located::V1 { files, .. } => files.first()?,
    };
    file.status().map(|found| found.version.place())
}

/// What a log should hear of a directory whose state file names checkpoints elsewhere, in place of
/// which those of the same names in the directory are taken.
pub(crate) fn was_moved(directory: &Path) -> String {
    let shown = printable(directory.as_os_str().as_encoded_bytes());
    format!("{shown} was moved: the checkpoints that its state file names elsewhere are those of the same names in it")
}

/// The path of an entry. An entry for the prefix without a name, which TensorFlow writes as `.`, is
/// the path of the directory with a slash at its end.
pub(crate) fn path_in(directory: &Location, entry: &OsStr) -> Location {
    match entry.as_bytes() {
        b"." | b"" => directory.join(""),
        _ => directory.join(entry),
    }
}

/// Returns the function that makes an absolute path of a checkpoint directly in `directory` its
/// name there: TensorFlow's manager manages both alike. It is the same directory only if it has the
/// same inode, whatever links lead to it.
pub(crate) fn in_place(directory: &Location) -> impl FnMut(OsString) -> OsString {
    let place = |at: &Location| at.status().map(|found| found.version.place());
    let here = place(directory);
    // The entries of one state file mostly have the same parent.
    let mut last: Option<(PathBuf, bool)> = None;
    move |entry| {
        let path = Path::new(&entry);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return entry };
        if !path.is_absolute() || entry.as_bytes().ends_with(b"/") {
            return entry;
        }
        if last.as_ref().is_none_or(|(at, _)| at != parent) {
            let is_here = here.is_some() && Location::of(parent).is_ok_and(|parent| place(&parent) == here);
            last = Some((parent.to_owned(), is_here));
        }
        if last.as_ref().is_some_and(|(_, is_here)| *is_here) {
            name.to_owned()
        } else {
            entry
        }
    }
}

/// Whether an entry is an absolute path, of this system or of Windows.
pub(crate) fn is_absolute(entry: &OsStr) -> bool {
    match entry.as_bytes() {
        [b'/', ..] | [b'\\', b'\\', ..] => true,
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

/// The last component of the path in an entry, which may have been written on Windows.
fn last_component(entry: &OsStr) -> &OsStr {
    let bytes = entry.as_bytes();
    let start = bytes.iter().rposition(|b| matches!(b, b'/' | b'\\')).map_or(0, |at| at + 1);
    OsStr::from_bytes(&bytes[start..])
}

/// The prefix and the entry of the checkpoint whose index `path` names.
fn of_index<'e>(path: &Location, entry: &'e OsStr) -> Option<(Location, &'e OsStr)> {
    let (directory, name) = path.split();
    let prefix = name.as_bytes().strip_suffix(b".index")?;
    let entry = entry.as_bytes().strip_suffix(b".index")?;
    Some((directory.join(OsStr::from_bytes(prefix)), OsStr::from_bytes(entry)))
}
