//! Whether all sections of a checkpoint are given, by their names and by their contents.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::{index_path, section_number};
use crate::error::{Code, Error, Reason, Result};
use crate::storage::{Location, Storage};
use crate::tensor::{not_all, Bounds};

/// Maximum number of missing sections that a message names.
pub(super) const NAMED: usize = 10;

/// Checks the names of sections: if one of them is `part-00000-of-00002`, there must be a
/// `part-00001-of-00002`, in the same directory or in that of another host.
///
/// # Errors
/// `NOT_FOUND` (`NoCheckpoint`): sections are missing; the message names them.
pub(super) fn check_names(storage: &dyn Storage, sections: &[Location]) -> Result<()> {
    // How often each number of each count of sections is given: more than once if sections of the
    // same names come from several directories.
    let mut given: BTreeMap<u32, BTreeMap<u32, BTreeSet<&Location>>> = BTreeMap::new();
    for section in sections {
        if let Some((number, count)) = section.file_name().and_then(section_number) {
            given.entry(count).or_default().entry(number).or_default().insert(section);
        }
    }
    for (count, numbers) in given {
        let sets = numbers.values().map(BTreeSet::len).max().unwrap_or(0);
        let is_complete = |number: &u32| numbers.get(number).is_some_and(|found| found.len() == sets);
        let present = numbers.keys().filter(|number| is_complete(number)).count() as u32;
        // The count is only what a name claims: no more numbers are looked at than are named.
        let missing: Vec<u32> = (0..count).filter(|number| !is_complete(number)).take(NAMED).collect();
        let (Some(_), Some(known)) = (missing.first(), numbers.values().flatten().next()) else { continue };
        let mut names: Vec<String> = missing.iter().map(|number| format!("part-{number:05}-of-{count:05}")).collect();
        let is_there = storage.status(&index_path(&known.with_file_name(&names[0]))).is_ok();
        match (count - present) as usize - names.len() {
            0 => {}
            more => names.push(format!("{more} more")),
        }
        let what = format!(
            "there should be {count} sections by this name, but {} {}",
            names.join(", "),
            match (names.len(), is_there) {
                (1, false) => "is missing",
                (1, true) => "was not given, although it exists",
                _ => "are missing",
            },
        );
        return Err(Error::new(Code::NotFound, Reason::NoCheckpoint, what).in_file(known));
    }
    Ok(())
}

/// The error for a tensor whose slices, from all sections, do not cover it; `None` if they do.
pub(super) fn uncovered(key: &[u8], slices: impl Iterator<Item = Bounds>, elements: u64) -> Option<Error> {
    let gap = not_all(slices, elements)?;
    Some(Error::new(Code::NotFound, Reason::Gap, format!("a section is missing: {gap}")).for_tensor(key))
}
