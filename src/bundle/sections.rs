//! Sections: the parts of a checkpoint that several workers write, and where they are.
//!
//! The sections of one save attempt are in a directory beside the checkpoint; the directory has a
//! temporary name. Each section has its own directory in there; its worker holds the lock of the
//! section while it writes. The holder of the checkpoint's lock is the only process that could
//! merge the sections. So it may remove all sections whose locks are free.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;

use super::naming;
use super::temporary::{attempt, number_of, Role, Temporary};
use crate::error::{Error, Result};
use crate::os_bytes::OsStrExt;
use crate::storage::{FileKind, Location, Storage, What, LOCK_FILE};

/// The name of a rank's section in its directory.
const SECTION: &str = "part";

/// Returns a unique name of a directory for the sections of the checkpoint `base`.
pub(crate) fn sections_name(base: &OsStr) -> OsString {
    Temporary { number: number_of(base), attempt: attempt(), role: Role::Sections }.name()
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
    let section = What::Prefix(number_of(OsStr::new(SECTION)));
    let lock = match directory.lock(section, true, None) {
        // Where nothing can be locked, only the rank itself and its chief come here.
        Err(e) if e.kind() == ErrorKind::Unsupported => directory.lock(section, false, None),
        lock => lock,
    };
    let Ok(lock) = lock else { return };
    for name in directory.list().unwrap_or_default() {
        let is_temporary = Temporary::parse(&name).is_some_and(|temporary| section == What::Prefix(temporary.number));
        let is_index = name.as_bytes() == [SECTION.as_bytes(), b".index"].concat();
        if is_temporary || is_index || naming::split_data_name(name.as_bytes()) == Some(OsStr::new(SECTION)) {
            let _ = directory.remove(&name);
        }
    }
    // The attempt that the lock is for is over, and no other has a directory of this name.
    if directory.list().is_ok_and(|left| left.iter().all(|name| name == LOCK_FILE)) {
        let _ = directory.remove(OsStr::new(LOCK_FILE));
    }
    let _ = storage.remove_directory(path);
    drop(lock);
}

/// Does not follow a symbolic link.
fn is_directory(storage: &dyn Storage, path: &Location) -> bool {
    storage.link_status(path).is_ok_and(|found| found.kind == FileKind::Directory)
}
