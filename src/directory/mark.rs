//! The names of marks. A mark is a second name of an index and says that its checkpoint is about to
//! be removed, or is not recorded yet.

use std::ffi::{OsStr, OsString};

use crate::bundle::{announced, attempt};
use crate::os_bytes::{OsStrExt, OsStringExt};

/// The part of a mark's name between the checkpoint's name and 16 hexadecimal digits. No other
/// program creates such names.
const MARK: &[u8] = b".index.ckpt-del-";

/// A new name of a mark for the checkpoint `base`. No other attempt to remove the checkpoint uses
/// the same name.
pub(super) fn marked(base: &OsStr) -> OsString {
    OsString::from_vec([base.as_bytes(), MARK, format!("{:016x}", attempt()).as_bytes()].concat())
}

/// The checkpoint that the mark `name` belongs to; `None` if `name` is not a mark.
pub(super) fn base_of(name: &OsStr) -> Option<&OsStr> {
    let (rest, attempt) = name.as_bytes().split_last_chunk::<16>()?;
    let is_ours = attempt.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    rest.strip_suffix(MARK).filter(|_| is_ours).map(OsStr::from_bytes)
}

/// Whether a name is one of a mark.
pub(super) fn is_mark(name: &OsStr) -> bool {
    base_of(name).is_some() || announced(name).is_some()
}
