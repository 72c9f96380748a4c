//! Temporary names. All files have one until they are published; the remains of a crash are
//! recognized by them.

use std::ffi::{OsStr, OsString};

use crate::os_bytes::{OsStrExt, OsStringExt};

/// Precedes 16 hexadecimal digits in all temporary names of this library. No other program uses it.
const MARK: &[u8] = b".ckpt-tmp-";

/// Precedes 16 hexadecimal digits in the second name of an index that a manager has published and
/// not recorded yet. No other program uses it.
const ANNOUNCED: &[u8] = b".index.ckpt-add-";

/// Returns a unique temporary name for a file that will be called `name`. If a crash leaves the
/// file, a sweep removes it.
pub(crate) fn temporary_name(name: &OsStr) -> OsString {
    marked_with(name, attempt())
}

/// Returns a random number that identifies an attempt.
pub(crate) fn attempt() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// Returns the temporary name, with the number `attempt`, for a file that will be called `name`.
pub(super) fn marked_with(name: &OsStr, attempt: u64) -> OsString {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(MARK);
    bytes.extend_from_slice(format!("{attempt:016x}").as_bytes());
    OsString::from_vec(bytes)
}

/// Returns the second name, with the number `attempt`, of the index of the checkpoint `base`, which
/// says that no state file lists the checkpoint yet.
pub(super) fn announcement(base: &OsStr, attempt: u64) -> OsString {
    OsString::from_vec([base.as_bytes(), ANNOUNCED, format!("{attempt:016x}").as_bytes()].concat())
}

/// Returns the checkpoint that a manager has published and not recorded yet, if `name` is the
/// second name of its index.
pub(crate) fn announced(name: &OsStr) -> Option<&OsStr> {
    numbered_by_attempt(name)?.strip_suffix(ANNOUNCED).map(OsStr::from_bytes)
}

/// Returns a name without the 16 hexadecimal digits that end it; `None` if it does not end so.
fn numbered_by_attempt(name: &OsStr) -> Option<&[u8]> {
    let (rest, attempt) = name.as_bytes().split_last_chunk::<16>()?;
    attempt.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(rest)
}

/// Returns whether a name is a temporary name of this library.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    marked(name).is_some()
}

/// Returns the name that a temporary file was to get; `None` if it is not one of this library.
pub(super) fn marked(name: &OsStr) -> Option<&[u8]> {
    numbered_by_attempt(name)?.strip_suffix(MARK).filter(|original| !original.is_empty())
}
