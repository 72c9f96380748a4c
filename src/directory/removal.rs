//! Removing checkpoints that the state file no longer lists, so that a crash leaves none behind.
//!
//! Before the state file is replaced, the index gets a second name, which says that the checkpoint goes. After that the index is removed,
//! then the data files, then the second name. Whoever changes the state next finishes what a crash left: the second name says which
//! checkpoint, and, being the same file, that no other has taken its place meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;

use super::mark::{base_of, marked};
use super::session::Session;
use crate::bundle::{split_data_name, Claim};
use crate::error::Result;

/// The sole right, in this process and against those who hold it in another, to remove a checkpoint.
pub(super) struct Reserved {
    base: OsString,
    _claim: Claim,
    /// The index with its exclusive lock; none where there is no index.
    index: Option<File>,
}

impl Reserved {
    /// None while somebody holds the checkpoint or writes it, or when that cannot be found out.
    pub fn new(session: &Session, base: &OsStr) -> Option<Reserved> {
        let claim = session.claim(base).ok()?;
        let index = match session.directory().open(&with_suffix(base, ".index")) {
            Ok(index) => {
                index.try_lock().ok()?;
                Some(index)
            }
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(_) => return None,
        };
        Some(Reserved { base: base.to_owned(), _claim: claim, index })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // Closing would not do where another thread is forking a child, which has the file, too.
        if let Some(index) = &self.index {
            let _ = index.unlock();
        }
    }
}

/// A checkpoint that is about to go. Dropped before [`Departure::finish`], it stays.
pub(super) struct Departure<'s> {
    session: &'s Session,
    reserved: Reserved,
    /// The second name of its index; none where there is no index or the file system has no such names.
    mark: Option<OsString>,
    /// Whether the state file may have been replaced.
    is_due: bool,
}

impl<'s> Departure<'s> {
    /// Marks the checkpoint.
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

    /// The state file has been replaced, if perhaps not for good: the mark must stay until the checkpoint is gone.
    pub fn is_due(&mut self) {
        self.is_due = true;
    }

    /// Removes the checkpoint. What cannot be removed is left for the next time.
    pub fn finish(mut self) -> Result<()> {
        self.is_due = true;
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

/// Finishes what crashes left: removes checkpoints that are marked and that nobody lists, neither before nor now. What cannot be removed is left
/// for the next time.
pub(super) fn finish_marked(session: &Session, is_listed: &dyn Fn(&OsStr) -> bool) {
    for mark in session.names() {
        let Some(base) = base_of(mark).filter(|_| session.directory().is_file(mark)) else { continue };
        let Some(reserved) = Reserved::new(session, base) else { continue };
        let goes = match (&reserved.index, session.directory().open(mark)) {
            (None, _) => true,
            (Some(index), Ok(marked)) => !is_listed(base) && same_file(index, &marked),
            (Some(_), Err(_)) => continue,
        };
        if !goes || remove_files(session, base).is_ok() {
            let _ = session.remove(mark);
        }
    }
}

/// Removes the files of a checkpoint: the index first, so that there is none any more when its data goes.
pub(super) fn remove_files(session: &Session, base: &OsStr) -> Result<()> {
    session.remove(&with_suffix(base, ".index"))?;
    let of_base = |name: &&OsString| split_data_name(name.as_bytes()) == Some(base);
    session.names().iter().filter(of_base).try_for_each(|name| session.remove(name))
}

pub(super) fn with_suffix(name: &OsStr, suffix: &str) -> OsString {
    OsString::from_vec([name.as_bytes(), suffix.as_bytes()].concat())
}

fn same_file(a: &File, b: &File) -> bool {
    let place = |file: &File| file.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()));
    place(a).is_some() && place(a) == place(b)
}
