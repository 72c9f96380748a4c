//! The names of the files of a bundle.

use std::ffi::{OsStr, OsString};

use crate::os_bytes::OsStrExt;
use crate::storage::Location;

use crate::error::{Error, Result};

/// Splits a prefix into its directory, an empty path for the working directory, and the name of the
/// checkpoint. The name may be empty: the index of `ckpts/` is `ckpts/.index`, as in TensorFlow.
///
/// # Errors
/// * `INVALID_ARGUMENT`: the prefix is empty, `/`, or ends in `.` or `..`.
pub(crate) fn split_prefix(prefix: &Location) -> Result<(Location, &OsStr)> {
    let (directory, name) = prefix.split();
    let is_root = prefix.as_os_str().as_bytes().iter().all(|&b| b == b'/');
    if is_root || name == "." || name == ".." {
        return Err(Error::argument("the prefix does not end in a file name").in_file(prefix));
    }
    Ok((directory, name))
}

/// Like [`split_prefix`], with `.` for the working directory.
///
/// # Errors
/// Those of [`split_prefix`].
pub(crate) fn directory_and_name(prefix: &Location) -> Result<(Location, &OsStr)> {
    let (directory, name) = split_prefix(prefix)?;
    let is_here = directory.as_os_str().is_empty();
    Ok((if is_here { directory.join(".") } else { directory }, name))
}

/// Returns `PREFIX.index`.
pub(crate) fn index_path(prefix: &Location) -> Location {
    prefix.with_suffix(".index")
}

/// Returns e.g. `PREFIX.data-00001-of-00003`. Numbers have at least five digits.
pub(crate) fn data_path(prefix: &Location, shard: u32, shards: u32) -> Location {
    prefix.with_suffix(&data_suffix(shard, shards))
}

/// Returns e.g. `.data-00001-of-00003`.
pub(crate) fn data_suffix(shard: u32, shards: u32) -> String {
    format!(".data-{shard:05}-of-{shards:05}")
}

/// Returns the prefix contained in the name of a data file; `None` for other names.
pub(crate) fn split_data_name(name: &[u8]) -> Option<&OsStr> {
    shard_numbers(name)?;
    let at = name.windows(6).rposition(|w| w == b".data-")?;
    Some(OsStr::from_bytes(&name[..at]))
}

/// Returns the shard number and the number of shards in the name of a data file; `None` for other
/// names.
pub(crate) fn shard_numbers(name: &[u8]) -> Option<(u32, u32)> {
    let at = name.windows(6).rposition(|w| w == b".data-")?;
    numbered(&name[at + 6..])
}

/// Returns the two numbers of a text such as `00001-of-00003`.
pub(crate) fn numbered(text: &[u8]) -> Option<(u32, u32)> {
    let at = text.windows(4).position(|w| w == b"-of-")?;
    let number = |digits: &[u8]| {
        let sound = digits.len() >= 5 && digits.iter().all(u8::is_ascii_digit) && (digits.len() == 5 || digits[0] != b'0');
        sound.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
    };
    Some((number(&text[..at])?, number(&text[at + 4..])?))
}

/// Returns the number of a section and the number of sections in the name that TensorFlow gives it,
/// e.g. `part-00001-of-00003`; `None` for other names.
pub(crate) fn section_number(name: &OsStr) -> Option<(u32, u32)> {
    numbered(name.as_bytes().strip_prefix(b"part-")?).filter(|(number, sections)| number < sections)
}

/// Returns whether a directory has the name that TensorFlow gives one for temporary sections:
/// `ckpt-7_temp` or, of a Saver, `model.ckpt-7_temp_` and digits of a UUID.
pub(crate) fn is_directory_of_sections(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let Some(at) = name.windows(5).rposition(|w| w == b"_temp") else { return false };
    match &name[at + 5..] {
        [] => true,
        [b'_', unique @ ..] => !unique.is_empty() && unique.iter().all(u8::is_ascii_alphanumeric),
        _ => false,
    }
}

/// Returns the file name of shard `shard` of `shards` of a V1 checkpoint, e.g.
/// `path-00001-of-00003`.
pub(crate) fn data_name(base: &OsStr, shard: u32, shards: u32) -> OsString {
    let mut name = base.to_owned();
    name.push(format!("-{shard:05}-of-{shards:05}"));
    name
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn five_digits_are_a_minimum() {
        let x = Location::of("x").unwrap();
        assert_eq!(data_path(&x, 1, 3).into_path(), Path::new("x.data-00001-of-00003"));
        assert_eq!(data_path(&x, 123456, 1234567).into_path(), Path::new("x.data-123456-of-1234567"));
    }

    #[test]
    fn a_prefix_has_a_directory_and_a_name() {
        for (prefix, split) in [
            ("m", Some(("", "m"))),
            ("run/m", Some(("run", "m"))),
            ("/m", Some(("/", "m"))),
            ("run/", Some(("run", ""))),
            ("run//", Some(("run/", ""))),
            ("./", Some((".", ""))),
            ("", None),
            ("/", None),
            (".", None),
            ("run/..", None),
        ] {
            let location = Location::of(prefix).unwrap();
            let found = split_prefix(&location).ok();
            let found = found.as_ref().map(|(directory, name)| (directory.to_str().unwrap(), name.to_str().unwrap()));
            assert_eq!(found, split, "{prefix}");
        }
    }

    #[test]
    fn directories_of_sections_are_known_by_name() {
        for (name, is_one) in [
            ("ckpt-7_temp", true),
            ("model.ckpt-7_temp_0f3a", true),
            ("_temp", true),
            ("model_temporary", false),
            ("model_temp_", false),
            ("model_temp_a_b", false),
            ("run", false),
        ] {
            assert_eq!(is_directory_of_sections(OsStr::new(name)), is_one, "{name}");
        }
    }

    #[test]
    fn data_files_give_their_prefix() {
        for (name, prefix) in [
            ("m.ckpt.data-00000-of-00001", Some("m.ckpt")),
            ("a.data-b.data-123456-of-1234567", Some("a.data-b")),
            ("m.data-0000-of-00001", None),
            ("m.data-00000-of-00001.tempstate12", None),
            ("m.data-012345-of-1234567", None),
            ("m.index", None),
        ] {
            assert_eq!(split_data_name(name.as_bytes()), prefix.map(OsStr::new), "{name}");
        }
    }
}
