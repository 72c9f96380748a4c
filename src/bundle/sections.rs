//! Sections: what each of several workers writes of a checkpoint, and where.
//!
//! The sections of one attempt are in a directory of their own beside the checkpoint, which has a temporary name; each section is in a directory of its own there, whose lock its worker has
//! while it writes. Whoever has the lock of the directory of the checkpoint, and so is the only one who could merge them, removes all whose lock is free.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::naming;
use super::temporary::{attempt, marked, marked_with};
use crate::error::{Error, Result};
use crate::storage::Storage;

/// What the name of the directory of an attempt has after that of the checkpoint.
const SECTIONS: &str = ".ranks";
/// What the section of a rank is called in its directory.
const SECTION: &str = "part";

/// The name, which nobody else has, of a directory for the sections of the checkpoint `base`.
pub(crate) fn sections_name(base: &OsStr) -> OsString {
    let mut name = base.to_owned();
    name.push(SECTIONS);
    marked_with(&name, attempt())
}

/// Whether a directory's name, without what makes it a temporary one, is that of sections.
pub(super) fn are_sections(original: &[u8]) -> bool {
    original.strip_suffix(SECTIONS.as_bytes()).is_some_and(|base| !base.is_empty())
}

/// The prefix of the section of a rank in the directory of an attempt.
pub(crate) fn section_prefix(sections: &Path, rank: u32) -> PathBuf {
    sections.join(format!("{rank:05}")).join(SECTION)
}

/// Makes the directory for the sections of an attempt.
pub(crate) fn make_sections(storage: &dyn Storage, sections: &Path) -> Result<()> {
    storage.directory(sections, true).map(drop).map_err(|e| Error::io("make the directory", sections, &e))
}

/// Removes the sections of an attempt, save those that are being written. Nothing is removed but files of the names that we give them, and nothing by way of links.
pub(crate) fn remove_sections(storage: &dyn Storage, sections: &Path) {
    if !is_directory(sections) {
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

/// Removes the section in a directory, if nobody is writing it.
pub(crate) fn remove_section(storage: &dyn Storage, path: &Path) {
    if !is_directory(path) {
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

fn is_directory(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}
