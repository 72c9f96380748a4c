//! Access to files: regular files read by offset or mapped, and directories in which new files are
//! created and published.

mod directory;
mod file;
mod holder;
mod local;
mod map;
#[cfg(test)]
mod recording;

pub(crate) use directory::{Directory, Output, Storage, DIRECT_ALIGNMENT};
pub(crate) use file::{File, Identity};
pub(crate) use local::Local;
pub(crate) use map::Map;
#[cfg(test)]
pub(crate) use recording::{Fault, Kind, Op, Recording};
