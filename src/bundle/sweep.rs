//! Removes the files that crashes left in a directory.
//!
//! Files of this library are recognized by their temporary names, which say which checkpoint they
//! belong to. They are removed under the lock of that checkpoint, so that nobody is writing them.
//! Data files that already have their final names are recognized by their number, which an index
//! with a temporary name states. That is the new index, if the crash came before it was renamed; or
//! the old index, which keeps a temporary name while its data files are removed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;

use super::index::Index;
use super::naming;
use super::sections::remove_sections;
use super::step::{left_out, Step};
use super::temporary::{number_of, Role, Temporary};
use crate::error::{Error, Result};
use crate::os_bytes::OsStrExt;
use crate::storage::{Directory, File, FileKind, Location, Lock, Means, Storage, What, LOCK_FILE};

/// Sweeps a directory that contains `names`, of which the caller holds the lock `held`. What
/// another process or thread may be writing stays.
pub(super) fn sweep(storage: &dyn Storage, directory: &dyn Directory, names: &[OsString], held: What) {
    let left: Vec<Temporary> = names.iter().filter_map(|name| Temporary::parse(name)).collect();
    if held == What::State {
        for name in left.iter().filter(|left| left.role == Role::State).map(|left| left.name()) {
            let _ = remove_file(directory, &name);
        }
    }
    let mut numbers: BTreeSet<u64> = crate::sort::set_of(checkpoints_of(&left).map(|left| left.number));
    if let What::Prefix(number) = held {
        if numbers.remove(&number) {
            sweep_checkpoint(storage, directory, number, &by_number(names, &[number].into())[&number]);
        }
    }
    let lock = |&number: &u64| Some((number, directory.lock(What::Prefix(number), true, None).ok()?));
    let locked: BTreeMap<u64, Box<dyn Lock>> =
        crate::sort::map_of(numbers.iter().filter_map(lock).filter(|(_, lock)| lock.means() != Means::Memory));
    if locked.is_empty() {
        return;
    }
    // The names may have changed until the locks were taken.
    if let Ok(names) = directory.list() {
        for (number, names) in by_number(&names, &crate::sort::set_of(locked.keys().copied())) {
            sweep_checkpoint(storage, directory, number, &names);
        }
    }
}

/// Those of the temporary files that belong to checkpoints.
fn checkpoints_of(left: &[Temporary]) -> impl Iterator<Item = &Temporary> {
    left.iter().filter(|left| left.role != Role::State)
}

/// For each of these checkpoints, which are given by their numbers, its temporary files and its
/// data files.
fn by_number(names: &[OsString], numbers: &BTreeSet<u64>) -> BTreeMap<u64, Vec<OsString>> {
    let mut sorted: BTreeMap<u64, Vec<OsString>> = crate::sort::map_of(numbers.iter().map(|&number| (number, Vec::new())));
    for name in names {
        let number = match Temporary::parse(name) {
            Some(temporary) => Some(temporary.number),
            None => naming::split_data_name(name.as_bytes()).map(number_of),
        };
        if let Some(of_number) = number.and_then(|number| sorted.get_mut(&number)) {
            of_number.push(name.clone());
        }
    }
    sorted
}

/// Sweeps a directory on a file system that cannot lock, where nobody knows what another process is
/// writing: of each checkpoint, if all its temporary files are older than `limit`, in seconds since
/// the epoch ([`age`]).
pub(crate) fn sweep_older(storage: &dyn Storage, directory: &dyn Directory, limit: f64) -> Result<()> {
    let names = directory.list().map_err(|e| Error::io("list the directory", directory.location(), &e))?;
    let old = older(storage, directory, &names, limit);
    for state in old.iter().filter(|left| left.role == Role::State) {
        let _ = remove_file(directory, &state.name());
    }
    for (number, names) in by_number(&names, &crate::sort::set_of(checkpoints_of(&old).map(|left| left.number))) {
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

/// The temporary files among `names` that are older than `limit`; those of a checkpoint only if all
/// of them are.
fn older(storage: &dyn Storage, directory: &dyn Directory, names: &[OsString], limit: f64) -> Vec<Temporary> {
    let left: Vec<Temporary> = names.iter().filter_map(|name| Temporary::parse(name)).collect();
    let is_old = |left: &Temporary| {
        let at = directory.location().join(left.name());
        age(storage, &at, left.role == Role::Sections).is_some_and(|changed| changed < limit)
    };
    let (mut old, young): (Vec<Temporary>, Vec<Temporary>) = left.into_iter().partition(is_old);
    let young: BTreeSet<u64> = crate::sort::set_of(checkpoints_of(&young).map(|left| left.number));
    old.retain(|left| left.role == Role::State || !young.contains(&left.number));
    old
}

/// When something was last changed, in seconds since the epoch: its content, or what names it has,
/// because a hard link to an old file may just have been made. Of a directory of sections, what is
/// in it counts, because writing a file there does not change the directory. `None` if that cannot
/// be determined.
fn age(storage: &dyn Storage, at: &Location, is_sections: bool) -> Option<f64> {
    let status = storage.link_status(at).ok()?;
    let mut newest = status.version.modified().max(status.changed);
    if is_sections && status.kind == FileKind::Directory {
        for name in at.names().ok()? {
            let rank = at.join(name);
            newest = newest.max(age(storage, &rank, false)?);
            if storage.link_status(&rank).ok()?.kind == FileKind::Directory {
                for name in rank.names().ok()? {
                    newest = newest.max(age(storage, &rank.join(name), false)?);
                }
            }
        }
    }
    Some(newest)
}

/// What a sweep under the lock of the state would remove of `names`, found out without removing
/// anything: the remains of those that nobody is writing, as their locks show, and what is older
/// than `limit`. A lock is taken for a moment, unless nobody can have one yet.
pub(crate) fn sweepable(
    storage: &dyn Storage,
    directory: &dyn Directory,
    names: &[OsString],
    locks: bool,
    limit: Option<f64>,
    warnings: &mut Vec<String>,
) -> Vec<OsString> {
    let left: Vec<Temporary> = names.iter().filter_map(|name| Temporary::parse(name)).collect();
    let old = limit.map(|limit| older(storage, directory, names, limit)).unwrap_or_default();
    let is_locked_somewhere = names.iter().any(|name| *name == *LOCK_FILE);
    let mut is_free = |what: What| {
        if !locks || !is_locked_somewhere {
            return locks;
        }
        match directory.lock(what, true, None) {
            Ok(lock) => lock.means() != Means::Memory,
            Err(e) => {
                if !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Unsupported) {
                    let e = Error::io("lock the directory", directory.location(), &e);
                    warnings.push(format!("whether somebody is writing a temporary file cannot be determined: {e}"));
                }
                false
            }
        }
    };
    let mut known: BTreeMap<u64, bool> = BTreeMap::new();
    let mut goes = |left: &Temporary| {
        let free = match left.role {
            Role::State => *known.entry(STATE).or_insert_with(|| is_free(What::State)),
            _ => *known.entry(left.number).or_insert_with(|| is_free(What::Prefix(left.number))),
        };
        free || old.contains(left)
    };
    left.iter().filter(|left| goes(left)).map(|left| left.name()).collect()
}

/// Stands for the state among the numbers of checkpoints, which have 62 bits.
const STATE: u64 = u64::MAX;

/// Removes what was left of the writes of the checkpoint with this number, which has `names`. What
/// cannot be removed or inspected now stays for the next sweep.
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
