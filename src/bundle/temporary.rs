//! Temporary names: what all files have until they are published, and by which what a crash leaves
//! is known.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What all our temporary names have before a number of 16 hexadecimal digits. No other program makes such names.
const MARK: &[u8] = b".ckpt-tmp-";

/// A temporary name for what will be called `name`, which nobody else has, and which is swept if a crash leaves it.
pub(crate) fn temporary_name(name: &OsStr) -> OsString {
    marked_with(name, attempt())
}

/// A number that no other attempt has.
pub(crate) fn attempt() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// The temporary name, with the number `attempt`, of what will be called `name`.
pub(super) fn marked_with(name: &OsStr, attempt: u64) -> OsString {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(MARK);
    bytes.extend_from_slice(format!("{attempt:016x}").as_bytes());
    OsString::from_vec(bytes)
}

/// Whether a name is one of our temporary ones.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    marked(name).is_some()
}

/// The name that a temporary file was to get, if it is one of ours.
pub(super) fn marked(name: &OsStr) -> Option<&[u8]> {
    let (rest, attempt) = name.as_bytes().split_last_chunk::<16>()?;
    let is_ours = attempt.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    rest.strip_suffix(MARK).filter(|original| is_ours && !original.is_empty())
}
