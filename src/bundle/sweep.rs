//! Removes the files that crashes left in a directory.
//!
//! Files of this library are recognized by their temporary names. Data files that already have
//! their final names are recognized by their number, which an index with a temporary name states.
//! That is the new index, if the crash came before it was renamed; or the old index, which keeps a
//! temporary name while its data files are removed.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;

use super::index::Index;
use super::naming;
use super::sections::{are_sections, remove_sections};
use super::step::{left_out, Step};
use super::temporary::marked;
use crate::error::{Error, Result};
use crate::os_bytes::OsStrExt;
use crate::storage::{Directory, File, Storage};

/// Sweeps a directory that contains `names`. The caller must be the only holder of its lock.
pub(super) fn sweep(storage: &dyn Storage, directory: &dyn Directory, names: &[OsString]) {
    for name in names {
        match marked(name) {
            Some(_) if directory.is_file(name) => sweep_file(directory, name, names),
            Some(original) if are_sections(original) => remove_sections(storage, &directory.location().join(name)),
            _ => {}
        }
    }
}

/// Removes a temporary file that a crash left; if it is an index, after the data files that had
/// been renamed for it. What cannot be removed or inspected now stays for the next sweep.
fn sweep_file(directory: &dyn Directory, name: &OsStr, names: &[OsString]) {
    let index = marked(name).and_then(|original| original.strip_suffix(b".index"));
    if index.is_none_or(|prefix| sweep_data(directory, name, OsStr::from_bytes(prefix), names)) {
        let _ = directory.remove(name);
    }
}

/// Removes the data files of `prefix` that belong to the index `name`, which is not published, or
/// no longer. They are recognized by their number, which differs from that of the published index.
/// Returns whether none is left.
fn sweep_data(directory: &dyn Directory, name: &OsStr, prefix: &OsStr, names: &[OsString]) -> bool {
    let shards = match header_shards(directory, name) {
        Some(Ok(shards)) => shards,
        // A crash truncated this index, so no data file has been renamed for it yet.
        Some(Err(e)) => return e.errno().is_none(),
        None => return true,
    };
    match header_shards(directory, OsStr::from_bytes(&[prefix.as_bytes(), b".index"].concat())) {
        Some(Ok(published)) if published == shards => return true,
        // The data files may belong to the published index, which cannot be read.
        Some(Err(_)) => return false,
        Some(Ok(_)) | None => {}
    }
    let orphans: Vec<&OsString> = names
        .iter()
        .filter(|name| {
            let of = naming::shard_numbers(name.as_bytes()).map(|(_, of)| of);
            naming::split_data_name(name.as_bytes()) == Some(prefix) && of == Some(shards) && directory.is_file(name)
        })
        .collect();
    // If a process ended without a power cut, the published index may not be on disk yet, while the
    // previous index is, to which these data files belong.
    if !orphans.is_empty() && !left_out(Step::SyncBeforeSweep) && directory.sync().is_err() {
        return false;
    }
    // Attempts to remove all, even if one cannot be removed.
    orphans.iter().filter(|name| directory.remove(name).is_err()).count() == 0
}

/// Returns the number of data files that an index states; `None` if there is no index.
fn header_shards(directory: &dyn Directory, index: &OsStr) -> Option<Result<u32>> {
    let path = directory.location().join(index);
    match directory.open(index) {
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => Some(Err(Error::io("open the index", &path, &e))),
        Ok(file) => Some(File::of(file, &path).and_then(Index::header_in).map(|header| header.shards)),
    }
}
