//! Sections: the parts of a checkpoint that several workers write, and where they are.
//!
//! The sections of one save attempt are in a directory beside the checkpoint; the directory has a
//! temporary name. Each section has its own directory in there; its worker holds the lock of that
//! directory while it writes. The holder of the lock of the checkpoint's directory is the only
//! process that could merge the sections. So it may remove all sections whose locks are free.

use std::ffi::{OsStr, OsString};

use super::naming;
use super::temporary::{attempt, marked, marked_with};
use crate::error::{Error, Result};
use crate::os_bytes::OsStrExt;
use crate::storage::{FileKind, Location, Storage};

/// Follows the checkpoint's name in the name of the directory of an attempt.
const SECTIONS: &str = ".ranks";
/// The name of a rank's section in its directory.
const SECTION: &str = "part";

/// Returns a unique name of a directory for the sections of the checkpoint `base`.
pub(crate) fn sections_name(base: &OsStr) -> OsString {
    let mut name = base.to_owned();
    name.push(SECTIONS);
    marked_with(&name, attempt())
}

/// Returns whether a directory's name, without the mark of temporary names, is that of sections.
pub(super) fn are_sections(original: &[u8]) -> bool {
    original.ends_with(SECTIONS.as_bytes())
}

/// Returns the prefix of the section of a rank in the directory of an attempt.
pub(crate) fn section_prefix(sections: &Location, rank: u32) -> Location {
    sections.join(format!("{rank:05}")).join(SECTION)
}

/// Creates the directory for the sections of an attempt.
pub(crate) fn make_sections(storage: &dyn Storage, sections: &Location) -> Result<()> {
    storage.directory(sections, true).map(drop).map_err(|e| Error::io("create the directory", sections, &e))
}

/// Removes the sections of an attempt, except those that are being written. Removes only files
/// whose names this library gives them, and does not follow symbolic links.
pub(crate) fn remove_sections(storage: &dyn Storage, sections: &Location) {
    if !is_directory(storage, sections) {
        return;
    }
    let Ok(directory) = storage.directory(sections, false) else { return };
    for name in directory.list().unwrap_or_default() {
        if name.len() == 5 && name.as_bytes().iter().all(u8::is_ascii_digit) {
            remove_section(storage, &sections.join(name));
        }
    }
    drop(directory);
    let _ = storage.remove_directory(sections);
}

/// Removes the section in a directory, unless it is being written.
pub(crate) fn remove_section(storage: &dyn Storage, path: &Location) {
    if !is_directory(storage, path) {
        return;
    }
    let Ok(directory) = storage.directory(path, false) else { return };
    let Ok(lock) = directory.lock() else { return };
    for name in directory.list().unwrap_or_default() {
        let own = marked(&name).unwrap_or(name.as_bytes());
        let is_index = own == [SECTION.as_bytes(), b".index"].concat();
        if is_index || naming::split_data_name(own) == Some(OsStr::new(SECTION)) {
            let _ = directory.remove(&name);
        }
    }
    let _ = storage.remove_directory(path);
    drop(lock);
}

/// Does not follow a symbolic link.
fn is_directory(storage: &dyn Storage, path: &Location) -> bool {
    storage.link_status(path).is_ok_and(|found| found.kind == FileKind::Directory)
}
