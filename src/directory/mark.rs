//! The second name of an index, which says that its checkpoint is about to be removed.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::bundle::attempt;

/// What the second name of an index has before 16 hexadecimal digits. No other program makes such names.
const MARK: &[u8] = b".index.ckpt-del-";

/// A mark for the checkpoint `base`, which no other attempt to remove it has.
pub(super) fn marked(base: &OsStr) -> OsString {
    OsString::from_vec([base.as_bytes(), MARK, format!("{:016x}", attempt()).as_bytes()].concat())
}

/// The checkpoint that a mark is of, if it is one.
pub(super) fn base_of(name: &OsStr) -> Option<&OsStr> {
    let (rest, attempt) = name.as_bytes().split_last_chunk::<16>()?;
    let is_ours = attempt.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    rest.strip_suffix(MARK).filter(|_| is_ours).map(OsStr::from_bytes)
}
