//! The laboratory of the crash tests: a disk that loses its power, operations that fail, and judges
//! of what is left.
//!
//! Saves are recorded; every state that a power cut may leave then is made in a real directory, and
//! judged by the public reader and by the next save. `CKPT_CRASH_STATES=100000 cargo test
//! crash_tests` looks at more states.

pub(crate) mod disk;
pub(crate) mod judge;
pub(crate) mod rng;
pub(crate) mod states;

use std::path::Path;

use crate::storage::Location;

/// What operations fail with.
pub(crate) const ERRNOS: [i32; 8] =
    [libc::ENOSPC, libc::EIO, libc::EDQUOT, libc::EMFILE, libc::EACCES, libc::EROFS, libc::EFBIG, libc::EINTR];

/// A directory in memory where there is one: syncing it costs nothing.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}

/// The location of a path.
pub(crate) fn at(path: impl AsRef<Path>) -> Location {
    Location::of(path).unwrap()
}
