//! Removes the files that crashes left in a directory.
//!
//! Files of this library are recognized by their temporary names, which say which checkpoint they
//! belong to. They are removed under the lock of that checkpoint, so that nobody is writing them.
//! Data files that already have their final names are recognized by their number, which an index
//! with a temporary name states. That is the new index, if the crash came before it was renamed; or
//! the old index, which keeps a temporary name while its data files are removed.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;

use super::index::Index;
use super::naming;
use super::sections::remove_sections;
use super::step::{left_out, Step};
use super::temporary::{number_of, Role, Temporary};
use crate::error::{Error, Result};
use crate::os_bytes::OsStrExt;
use crate::storage::{Directory, File, Means, Storage, What};

/// Sweeps a directory that contains `names`, of which the caller holds the lock `held`. What
/// another process or thread may be writing stays.
pub(super) fn sweep(storage: &dyn Storage, directory: &dyn Directory, names: &[OsString], held: What) {
    let left: Vec<Temporary> = names.iter().filter_map(|name| Temporary::parse(name)).collect();
    if held == What::State {
        for name in left.iter().filter(|left| left.role == Role::State).map(|left| left.name()) {
            let _ = remove_file(directory, &name);
        }
    }
    let numbers: BTreeSet<u64> = crate::sort::set_of(left.iter().filter(|left| left.role != Role::State).map(|left| left.number));
    for number in numbers {
        if held == What::Prefix(number) {
            sweep_checkpoint(storage, directory, number, names);
            continue;
        }
        let Ok(lock) = directory.lock(What::Prefix(number), true, None) else { continue };
        if lock.means() != Means::Memory {
            // The names may have changed until the lock was taken.
            if let Ok(names) = directory.list() {
                sweep_checkpoint(storage, directory, number, &names);
            }
        }
    }
}

/// Sweeps a directory on a file system that cannot lock, where nobody knows what another process is
/// writing: of each checkpoint, if all its temporary files were last modified before `limit`, in
/// seconds since the epoch.
pub(crate) fn sweep_older(storage: &dyn Storage, directory: &dyn Directory, limit: f64) -> Result<()> {
    let names = directory.list().map_err(|e| Error::io("list the directory", directory.location(), &e))?;
    let is_old = |name: &OsString| {
        let status = storage.link_status(&directory.location().join(name));
        status.is_ok_and(|found| found.version.modified() < limit)
    };
    let left: Vec<(Temporary, bool)> = names.iter().filter_map(|name| Some((Temporary::parse(name)?, is_old(name)))).collect();
    for (state, _) in left.iter().filter(|(left, is_old)| left.role == Role::State && *is_old) {
        let _ = remove_file(directory, &state.name());
    }
    let of_checkpoints = || left.iter().filter(|(left, _)| left.role != Role::State);
    let young: BTreeSet<u64> = crate::sort::set_of(of_checkpoints().filter(|(_, is_old)| !is_old).map(|(left, _)| left.number));
    let old: BTreeSet<u64> =
        crate::sort::set_of(of_checkpoints().map(|(left, _)| left.number).filter(|number| !young.contains(number)));
    for number in old {
        let mut lock = directory.lock(What::Prefix(number), true, None);
        if lock.as_ref().is_err_and(|e| e.kind() == ErrorKind::Unsupported) {
            lock = directory.lock(What::Prefix(number), false, None);
        }
        if lock.is_ok() {
            sweep_checkpoint(storage, directory, number, &names);
        }
    }
    Ok(())
}

/// Removes what was left of the writes of the checkpoint with this number. What cannot be removed
/// or inspected now stays for the next sweep.
fn sweep_checkpoint(storage: &dyn Storage, directory: &dyn Directory, number: u64, names: &[OsString]) {
    for name in names {
        let Some(temporary) = Temporary::parse(name).filter(|temporary| temporary.number == number) else { continue };
        match temporary.role {
            Role::Sections => remove_sections(storage, &directory.location().join(name)),
            Role::State => {}
            Role::Index | Role::OldIndex if !directory.is_file(name) || !sweep_data(directory, name, number, names) => {}
            _ => {
                let _ = remove_file(directory, name);
            }
        }
    }
}

fn remove_file(directory: &dyn Directory, name: &OsStr) -> std::io::Result<()> {
    if directory.is_file(name) {
        directory.remove(name)
    } else {
        Ok(())
    }
}

/// Removes the data files of a checkpoint that belong to the index `name`, which is not published,
/// or no longer. They are recognized by their number, which differs from that of the published
/// index. Returns whether none is left.
fn sweep_data(directory: &dyn Directory, name: &OsStr, number: u64, names: &[OsString]) -> bool {
    let shards = match header_shards(directory, name) {
        Some(Ok(shards)) => shards,
        // A crash truncated this index, so no data file has been renamed for it yet.
        Some(Err(e)) => return e.errno().is_none(),
        None => return true,
    };
    // One name, unless somebody has made two that have the same number.
    let bases: BTreeSet<&OsStr> = crate::sort::set_of(
        names.iter().filter_map(|name| naming::split_data_name(name.as_bytes())).filter(|base| number_of(base) == number),
    );
    bases.into_iter().filter(|base| !sweep_data_of(directory, base, shards, names)).count() == 0
}

/// Removes those data files of `base` of which there are `shards`, unless they belong to its
/// published index. Returns whether none is left.
fn sweep_data_of(directory: &dyn Directory, base: &OsStr, shards: u32, names: &[OsString]) -> bool {
    match header_shards(directory, OsStr::from_bytes(&[base.as_bytes(), b".index"].concat())) {
        Some(Ok(published)) if published == shards => return true,
        // The data files may belong to the published index, which cannot be read.
        Some(Err(_)) => return false,
        Some(Ok(_)) | None => {}
    }
    let orphans: Vec<&OsString> = names
        .iter()
        .filter(|name| {
            let of = naming::shard_numbers(name.as_bytes()).map(|(_, of)| of);
            naming::split_data_name(name.as_bytes()) == Some(base) && of == Some(shards) && directory.is_file(name)
        })
        .collect();
    // If a process ended without a power cut, the published index may not be on disk yet, while the
    // previous index is, to which these data files belong.
    let has_failed = |e: std::io::Error| e.kind() != ErrorKind::Unsupported;
    if !orphans.is_empty() && !left_out(Step::SyncBeforeSweep) && directory.sync().is_err_and(has_failed) {
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
