//! Removing checkpoints that the state file no longer lists, such that a crash leaves none behind.
//!
//! Before the state file is replaced, the index of an expired checkpoint gets a second name (a hard
//! link), the mark, which says that the checkpoint is to be removed. After that the index is
//! removed, then the data files, then the mark. The next change of the directory's state completes
//! what a crash interrupted. The mark names the checkpoint. Because the mark is the same file as
//! the index, it also shows that no other checkpoint has taken the place of the marked one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::PathBuf;

use super::mark::{base_of, marked};
use super::session::Session;
use crate::bundle::{Claim, Locking};
use crate::error::{printable, Error, Reason, Result};
use crate::os_bytes::{OsStrExt, OsStringExt};
use crate::storage::{Hold, Source};

/// The exclusive right to remove a checkpoint: against writers, and against holders of a pin in any
/// process.
pub(super) struct Reserved {
    /// The name of the checkpoint in its directory.
    base: OsString,
    claim: Claim,
    /// The index, locked exclusively if that is possible; `None` if there is no index.
    index: Option<Box<dyn Source>>,
}

/// Whether a checkpoint may be removed.
pub(super) enum Reservation {
    Granted(Reserved),
    /// It is pinned or being written.
    InUse,
    /// That cannot be determined, so it stays.
    Unknown(Error),
}

impl Reserved {
    /// Reserves the checkpoint `base`.
    pub fn attempt(session: &Session, base: &OsStr) -> Reservation {
        match session.claim(base) {
            Ok(claim) => Reserved::under(session, base, claim),
            Err(e) if e.reason() == Reason::Locked => Reservation::InUse,
            Err(e) => Reservation::Unknown(e),
        }
    }

    /// Reserves the checkpoint `base`, whose lock is held.
    fn under(session: &Session, base: &OsStr, claim: Claim) -> Reservation {
        let name = with_suffix(base, ".index");
        let unknown = |doing: &str, e: &std::io::Error| Reservation::Unknown(session.io(doing, &name, e));
        let index = match session.directory().open_to_lock(&name) {
            Ok(index) => match index.try_lock(Hold::Alone) {
                Ok(true) => Some(index),
                Ok(false) => return Reservation::InUse,
                // Where files cannot be locked, nobody can have pinned the checkpoint.
                Err(e) if e.kind() == ErrorKind::Unsupported && session.access().asked.locking() != Locking::Required => {
                    let directory = printable(session.directory().location().as_os_str().as_bytes());
                    let what = "the file system cannot lock files, so that pins protect no checkpoint";
                    session.access().notes.add(format!("{directory}: {what}: {e}"));
                    Some(index)
                }
                Err(e) => return unknown("lock the index", &e),
            },
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => return unknown("open the index", &e),
        };
        Reservation::Granted(Reserved { base: base.to_owned(), claim, index })
    }

    /// The same, with a warning in `warnings` if nothing could be determined.
    pub fn unless_in_use(session: &Session, base: &OsStr, warnings: &mut Vec<String>) -> Option<Reserved> {
        match Reserved::attempt(session, base) {
            Reservation::Granted(reserved) => Some(reserved),
            Reservation::InUse => None,
            Reservation::Unknown(e) => {
                let base = printable(base.as_bytes());
                warnings.push(format!("{base} expired, but stays: whether it is in use cannot be determined: {e}"));
                None
            }
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(index) = &self.index {
            index.unlock();
        }
    }
}

/// A checkpoint that is about to be removed. If it is dropped before [`Departure::finish`], the
/// checkpoint stays.
pub(super) struct Departure<'s> {
    session: &'s Session,
    reserved: Reserved,
    /// The name of the mark; `None` if there is no index or the file system has no hard links.
    mark: Option<OsString>,
    /// Whether the state file may already have been replaced, so that the mark must stay on disk.
    is_due: bool,
}

impl<'s> Departure<'s> {
    /// Marks the checkpoint for removal.
    pub fn new(session: &'s Session, reserved: Reserved) -> Result<Departure<'s>> {
        let mut departure = Departure { session, reserved, mark: None, is_due: false };
        if departure.reserved.index.is_some() {
            let mark = marked(&departure.reserved.base);
            let index = with_suffix(&departure.reserved.base, ".index");
            match session.directory().alias(&index, &mark) {
                Ok(()) => departure.mark = Some(mark),
                Err(e) if matches!(e.kind(), ErrorKind::CrossesDevices | ErrorKind::Unsupported) => {}
                Err(e) => return Err(session.io("mark the index for removal", &index, &e)),
            }
        }
        Ok(departure)
    }

    /// Returns the name of the checkpoint.
    pub fn base(&self) -> &OsStr {
        &self.reserved.base
    }

    /// Notes that the state file has been replaced, even if that may not be durable yet. The mark
    /// must now stay until the checkpoint is removed.
    pub fn is_due(&mut self) {
        self.is_due = true;
    }

    /// Removes the checkpoint. If a file cannot be removed, the mark stays, and the next change of
    /// the directory tries again.
    pub fn finish(mut self) -> Result<()> {
        self.is_due = true;
        self.reserved.claim.check()?;
        remove_files(self.session, &self.reserved.base)?;
        self.mark.take().map_or(Ok(()), |mark| self.session.remove(&mark))
    }
}

impl Drop for Departure<'_> {
    fn drop(&mut self) {
        if let Some(mark) = self.mark.take().filter(|_| !self.is_due) {
            let _ = self.session.remove(&mark);
        }
    }
}

/// What became of the expired checkpoints.
#[derive(Debug, Default)]
pub(super) struct Removals {
    /// The deleted checkpoints, oldest first.
    pub removed: Vec<PathBuf>,
    /// Those that are no longer listed, but could not be deleted, and why.
    pub failed: Vec<(PathBuf, Error)>,
}

/// Completes removals that crashes interrupted: removes marked checkpoints that were not listed
/// before the current change and are not listed after it. What cannot be removed now is left for
/// the next change.
pub(super) fn finish_marked(session: &Session, is_listed: &dyn Fn(&OsStr) -> bool) {
    let names = session.names();
    let marks = names.iter().filter_map(|mark| Some((mark, base_of(mark)?)));
    let marks = marks.filter(|(mark, _)| session.directory().is_file(mark));
    // After several crashes a checkpoint may have several marks.
    let mut claims: BTreeMap<&OsStr, Option<Claim>> = BTreeMap::new();
    let mut claim = |base| claims.entry(base).or_insert_with(|| session.claim(base).ok()).clone();
    let claimed: Vec<_> = marks.filter_map(|(mark, base)| Some((mark, base, claim(base)?))).collect();
    // The names of a checkpoint may have changed until its lock was taken.
    if claimed.is_empty() || session.list_again().is_err() {
        return;
    }
    for (mark, base, claim) in claimed {
        let Reservation::Granted(reserved) = Reserved::under(session, base, claim) else { continue };
        let goes = match (&reserved.index, session.directory().open(mark)) {
            (None, _) => true,
            (Some(index), Ok(marked)) => !is_listed(base) && same_file(&**index, &*marked),
            (Some(_), Err(_)) => continue,
        };
        if !goes || remove_files(session, base).is_ok() {
            let _ = session.remove(mark);
        }
    }
}

/// Removes the files of a checkpoint. The index is removed first, so that there is no longer a
/// checkpoint when its data is removed.
pub(super) fn remove_files(session: &Session, base: &OsStr) -> Result<()> {
    session.remove(&with_suffix(base, ".index"))?;
    session.data_files_of(base).iter().try_for_each(|name| session.remove(name))
}

pub(super) fn with_suffix(name: &OsStr, suffix: &str) -> OsString {
    OsString::from_vec([name.as_bytes(), suffix.as_bytes()].concat())
}

pub(super) fn same_file(a: &dyn Source, b: &dyn Source) -> bool {
    let place = |file: &dyn Source| file.status().ok().map(|now| now.version.place());
    place(a).is_some() && place(a) == place(b)
}
