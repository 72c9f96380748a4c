//! The locks of directories, as docs/on-disk.md describes them.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

/// The file of locks. Tests that list what a directory has leave it out.
pub const LOCK_FILE: &str = ".ckpt-lock";

pub const MANAGER: u64 = 0;
pub const STATE: u64 = 1;

/// The byte of a checkpoint.
pub fn of_checkpoint(base: &str) -> u64 {
    (1 << 32) + hash(base)
}

/// FNV-1a, cut to 62 bits.
pub fn hash(base: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    base.bytes().fold(0xcbf2_9ce4_8422_2325, step) & 0x3fff_ffff_ffff_ffff
}

/// Locks a byte as another process, or a second copy of the library, would, until the file is
/// dropped; `None` if somebody has it.
pub fn try_lock(directory: &Path, byte: u64) -> Option<File> {
    let file = File::options().write(true).create(true).truncate(false).open(directory.join(LOCK_FILE)).unwrap();
    // SAFETY: zeros are a valid `flock`, and the descriptor is open.
    let outcome = unsafe {
        let mut range: libc::flock = std::mem::zeroed();
        (range.l_type, range.l_start, range.l_len) = (libc::F_WRLCK as _, byte as _, 1);
        libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &range)
    };
    (outcome == 0).then_some(file)
}
