//! Replacing a state file by one that lists fewer checkpoints, and removing the others.

use std::ffi::OsString;

use super::files::without_shard;
use super::ledger::Listed;
use super::removal::{finish_marked, with_suffix, Departure, Reserved};
use super::session::Session;
use super::state_update::{plain, StateUpdate};
use crate::bundle::Access;
use crate::error::Result;
use crate::reader::STATE_FILE;
use crate::storage::{Location, Storage};
use crate::Durability;

/// Replaces the state file of `directory` if there is an update, and then removes the checkpoints
/// `leaving`, given by their names in the directory.
///
/// Returns the checkpoints that stay: those that are pinned, and those that could not be removed,
/// for which `warnings` receives the reason. If the state file cannot be replaced, nothing is
/// removed.
pub(crate) fn replace(
    storage: &dyn Storage,
    directory: &Location,
    update: Option<&StateUpdate>,
    durability: Durability,
    access: &Access,
    leaving: &[OsString],
    warnings: &mut Vec<String>,
) -> Result<Vec<OsString>> {
    let update = update.map(|update| Ok((update.file_name_of(), update.in_directory(directory)?))).transpose()?;
    let session = Session::begin(storage, directory, durability, access)?;
    // Completing a removal after a crash consults only the usual state file. With a state file of
    // another name, a checkpoint is therefore marked only after that file has been replaced.
    let is_usual = update.as_ref().is_some_and(|(name, _)| **name == *STATE_FILE);
    let before = Listed::in_directory(&session).filter(|_| is_usual);
    let mut reserved: Vec<(&OsString, Reserved)> = Vec::new();
    let mut stay = Vec::new();
    for name in leaving {
        match Reserved::unless_in_use(&session, name, warnings) {
            Some(right) => reserved.push((name, right)),
            None => stay.push(name.clone()),
        }
    }
    if !reserved.is_empty() {
        session.list_again()?;
    }
    let mut marked: Vec<(&OsString, Departure<'_>)> = Vec::new();
    if is_usual {
        for (name, right) in reserved.drain(..) {
            marked.push((name, Departure::new(&session, right)?));
        }
    }
    if let Some((name, state)) = &update {
        session.publish(name, state.to_text()?.as_bytes())?;
        marked.iter_mut().for_each(|(_, departure)| departure.is_due());
        session.sync(before.is_some() || !leaving.is_empty())?;
    }
    let mut remove = |name: &OsString, departure: Result<Departure<'_>>| {
        let removed = departure.and_then(|departure| {
            departure.finish()?;
            session.remove(&with_suffix(without_shard(name), ".meta"))
        });
        if let Err(e) = removed {
            warnings.push(format!("an old checkpoint could not be removed: {e}"));
            stay.push(name.clone());
        }
    };
    marked.into_iter().for_each(|(name, departure)| remove(name, Ok(departure)));
    reserved.into_iter().for_each(|(name, right)| remove(name, Departure::new(&session, right)));
    if let (Some(before), Some((_, state))) = (before, &update) {
        let listed = before.and(state);
        finish_marked(&session, &|base| listed.has(base));
    }
    Ok(stay)
}

/// A path that identifies a checkpoint: absolute, and with the links in its directory's path
/// resolved.
pub(crate) fn identity(path: &Location) -> Result<Location> {
    let (directory, name) = path.split();
    match path.storage()?.real(&directory) {
        Ok(directory) => Ok(directory.join(name)),
        Err(_) => Location::of(plain(path)?),
    }
}
