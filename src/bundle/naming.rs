//! The names of the files of a bundle.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Splits a prefix into the path of its directory, empty if it has none, and the name of the
/// checkpoint. The name may be empty: the index of `ckpts/` is `ckpts/.index`, as in TensorFlow.
///
/// # Errors
/// * `INVALID_ARGUMENT`: the prefix is empty or ends in `.` or `..`.
pub(crate) fn split_prefix(prefix: &Path) -> Result<(&Path, &OsStr)> {
    let bytes = prefix.as_os_str().as_bytes();
    let (directory, name) = match bytes.iter().rposition(|b| *b == b'/') {
        Some(0) => (&b"/"[..], &bytes[1..]),
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (&b""[..], bytes),
    };
    if bytes.is_empty() || name == b"." || name == b".." {
        return Err(Error::argument("the prefix does not end in a file name").in_file(prefix));
    }
    Ok((Path::new(OsStr::from_bytes(directory)), OsStr::from_bytes(name)))
}

/// Like [`split_prefix`], with `.` for the working directory.
///
/// # Errors
/// Those of [`split_prefix`].
pub(crate) fn directory_and_name(prefix: &Path) -> Result<(&Path, &OsStr)> {
    let (directory, name) = split_prefix(prefix)?;
    Ok((if directory.as_os_str().is_empty() { Path::new(".") } else { directory }, name))
}

/// Returns `PREFIX.index`.
pub(crate) fn index_path(prefix: &Path) -> PathBuf {
    append(prefix, ".index")
}

/// Returns e.g. `PREFIX.data-00001-of-00003`. Numbers have at least five digits.
pub(crate) fn data_path(prefix: &Path, shard: u32, shards: u32) -> PathBuf {
    append(prefix, &data_suffix(shard, shards))
}

/// Returns e.g. `.data-00001-of-00003`.
pub(crate) fn data_suffix(shard: u32, shards: u32) -> String {
    format!(".data-{shard:05}-of-{shards:05}")
}

fn append(prefix: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = prefix.as_os_str().to_owned();
    name.push(suffix);
    name.into()
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

/// Returns the file name of shard `shard` of `shards` of a V1 checkpoint, e.g.
/// `path-00001-of-00003`.
pub(crate) fn data_name(base: &OsStr, shard: u32, shards: u32) -> OsString {
    let mut name = base.to_owned();
    name.push(format!("-{shard:05}-of-{shards:05}"));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits_are_a_minimum() {
        assert_eq!(data_path(Path::new("x"), 1, 3), Path::new("x.data-00001-of-00003"));
        assert_eq!(data_path(Path::new("x"), 123456, 1234567), Path::new("x.data-123456-of-1234567"));
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
            (".", None),
            ("run/..", None),
        ] {
            let found = split_prefix(Path::new(prefix)).ok();
            let found = found.map(|(directory, name)| (directory.to_str().unwrap(), name.to_str().unwrap()));
            assert_eq!(found, split, "{prefix}");
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
