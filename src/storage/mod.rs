//! Where bytes live: plain files of the local file system, read by offset or mapped.

mod file;
mod map;

pub(crate) use file::File;
pub(crate) use map::Map;
