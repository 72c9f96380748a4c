//! Access to files: regular files read by offset or mapped, and directories in which new files are
//! created and published. What the operating system must give is in `unix` and `windows`.

mod failure;
mod file;
mod inherited;
mod interface;
mod location;
mod map;
mod pool;
#[cfg(test)]
mod recording;
mod serving;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use file::{File, Sign};
pub(crate) use inherited::{lock_of, tried, Shared};
pub(crate) use interface::{
    Directory, Draft, FileKind, Hold, Lock, Means, Place, Source, Status, Storage, Version, What, DIRECT_ALIGNMENT, LOCK_FILE,
};
pub(crate) use location::Location;
pub(crate) use map::Map;
#[cfg(test)]
pub(crate) use recording::{Fault, Kind, Op, Recording};
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub(crate) use system::{Local, Origin};
