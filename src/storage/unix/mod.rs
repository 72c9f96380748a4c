//! The local file system of Linux and other Unixes.

mod directory;
mod draft;
mod errno;
mod fork;
mod holder;
mod lock;
mod pooled;
mod raw;
mod source;

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{self, Mode, OFlags};

use self::directory::LocalDirectory;
pub(super) use self::errno::{is_loop_of_links, is_out_of_memory, is_too_many_files, most_files, OUT_OF_MEMORY};
pub(crate) use self::fork::Origin;
pub(super) use self::pooled::hold_open_slots_around_forks;
use self::source::{status_of, LocalSource};
use super::interface::{Directory, Source, Status, Storage};
use super::Location;

/// The file system of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local;

impl Storage for Local {
    fn directory(&self, at: &Location, create: bool) -> Result<Arc<dyn Directory>> {
        let at = if at.as_os_str().is_empty() { at.join(".") } else { at.clone() };
        if create {
            make_directory(&at)?;
        }
        let handle = fs::open(&*at, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Arc::new(LocalDirectory::new(handle, at)))
    }

    fn remove_directory(&self, at: &Location) -> Result<()> {
        std::fs::remove_dir(at)
    }

    fn open(&self, at: &Location) -> Result<Box<dyn Source>> {
        // Without O_NONBLOCK, opening would wait for a writer if the file were a FIFO.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(at)?;
        Ok(Box::new(LocalSource::new(file)))
    }

    fn status(&self, at: &Location) -> Result<Status> {
        std::fs::metadata(here(at)).map(|metadata| status_of(&metadata))
    }

    fn link_status(&self, at: &Location) -> Result<Status> {
        std::fs::symlink_metadata(here(at)).map(|metadata| status_of(&metadata))
    }

    fn real(&self, at: &Location) -> Result<Location> {
        Location::parse(&here(at).canonicalize()?).map_err(Error::other)
    }
}

/// Returns the path of a directory; the empty one is that of the working directory.
fn here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// Creates `path` and its parents. Syncs the parent of each directory that it creates: otherwise a
/// power cut could remove the directory with everything that was synced in it.
fn make_directory(path: &Path) -> Result<()> {
    let path = path.components().as_path(); // without a trailing dot, which cannot be created
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_directory(parent)?;
    match std::fs::create_dir(path) {
        // If the name exists, another process created it just now and may not have synced it; or it
        // is not a directory, and opening it will fail.
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        _ => match File::open(parent)?.sync_all() {
            // What is written in the new directory says so when it syncs that.
            Err(e) if directory::cannot_sync(&e) => Ok(()),
            synced => synced,
        },
    }
}
