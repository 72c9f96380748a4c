//! Where something is.

use std::ffi::{OsStr, OsString};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::os_bytes::{OsStrExt, OsStringExt};

/// Where a file or directory is: a path of this machine, or the URI of something elsewhere, whose
/// scheme says which storage serves it.
///
/// It can be used as the path by which it was named, for messages and for callers. What makes new
/// locations of it are methods of its own: those of paths know no URIs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Location {
    /// A path of this machine, or a whole URI.
    text: PathBuf,
    /// Where the key begins in a URI, after `SCHEME://`; 0 in a path.
    key: usize,
}

/// Follows the scheme of a URI.
const SEPARATOR: &[u8] = b"://";

impl Location {
    /// Returns the location that a text names. `file://` stands for a path of this machine.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: a `file://` URI names another machine.
    pub(super) fn parse(named: &Path) -> Result<Location> {
        let text = named.as_os_str().as_bytes();
        match scheme_of(text) {
            None => Ok(Location { text: named.to_owned(), key: 0 }),
            Some(b"file") => {
                let path = &text[b"file://".len()..];
                let path = path.strip_prefix(b"localhost").unwrap_or(path);
                if !path.starts_with(b"/") {
                    return Err(Error::argument("a file:// URI must name a file of this machine")
                        .expecting("file:///PATH", "another beginning")
                        .in_file(named));
                }
                Ok(Location { text: OsStr::from_bytes(path).into(), key: 0 })
            }
            Some(scheme) => Ok(Location { text: named.to_owned(), key: scheme.len() + SEPARATOR.len() }),
        }
    }

    /// Returns the scheme of a URI; `None` for a path of this machine.
    pub fn scheme(&self) -> Option<&str> {
        let scheme = self.key.checked_sub(SEPARATOR.len())?;
        std::str::from_utf8(&self.bytes()[..scheme]).ok()
    }

    fn bytes(&self) -> &[u8] {
        self.text.as_os_str().as_bytes()
    }

    fn key(&self) -> &[u8] {
        &self.bytes()[self.key..]
    }

    /// Returns the location of `name` in the directory at this one. An absolute path stands for
    /// itself.
    pub fn join(&self, name: impl AsRef<Path>) -> Location {
        if self.key == 0 {
            return Location { text: self.text.join(name), key: 0 };
        }
        let mut text = self.text.clone().into_os_string().into_vec();
        if !text.ends_with(b"/") {
            text.push(b'/');
        }
        text.extend_from_slice(name.as_ref().as_os_str().as_bytes());
        Location { text: OsString::from_vec(text).into(), key: self.key }
    }

    /// Returns the last name of the location.
    pub fn file_name(&self) -> Option<&OsStr> {
        if self.key == 0 {
            return self.text.file_name();
        }
        let at = self.key().iter().rposition(|&b| b == b'/')?;
        Some(&self.key()[at + 1..]).filter(|name| !name.is_empty()).map(OsStr::from_bytes)
    }

    /// Returns the location of the directory that the last name is in: of a single name, the empty
    /// path, which stands for the working directory.
    pub fn parent(&self) -> Location {
        if self.key == 0 {
            return Location { text: self.text.parent().unwrap_or(Path::new("")).to_owned(), key: 0 };
        }
        let length = self.key().iter().rposition(|&b| b == b'/').unwrap_or(self.key().len());
        Location { text: OsStr::from_bytes(&self.bytes()[..self.key + length]).into(), key: self.key }
    }

    /// Splits a location after its last slash, as TensorFlow splits prefixes: into a directory, an
    /// empty path for the working directory, and a name, which may be empty, `.` or `..`.
    pub fn split(&self) -> (Location, &OsStr) {
        let is_slash = |b: &u8| *b == b'/' || (cfg!(windows) && *b == b'\\');
        let Some(at) = self.key().iter().rposition(is_slash) else {
            return match self.key {
                0 => (Location::default(), self.text.as_os_str()),
                _ => (self.clone(), OsStr::new("")),
            };
        };
        // The slash of the root is its name.
        let end = self.key + if at == 0 && self.key == 0 { 1 } else { at };
        let directory = Location { text: OsStr::from_bytes(&self.bytes()[..end]).into(), key: self.key };
        (directory, OsStr::from_bytes(&self.key()[at + 1..]))
    }

    /// Like [`Location::parent`], but `.` for the working directory.
    pub fn directory(&self) -> Location {
        let parent = self.parent();
        if parent.bytes().is_empty() {
            Location { text: PathBuf::from("."), key: 0 }
        } else {
            parent
        }
    }

    /// Returns the location of another name in the same directory.
    pub fn with_file_name(&self, name: impl AsRef<Path>) -> Location {
        self.parent().join(name)
    }

    /// Returns the location whose last name has `suffix` at its end.
    pub fn with_suffix(&self, suffix: &str) -> Location {
        let mut text = self.text.clone().into_os_string();
        text.push(suffix);
        Location { text: text.into(), key: self.key }
    }

    /// Returns the path or URI, as callers know it.
    pub fn into_path(self) -> PathBuf {
        self.text
    }
}

impl Deref for Location {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.text
    }
}

impl AsRef<Path> for Location {
    fn as_ref(&self) -> &Path {
        &self.text
    }
}

/// Returns the scheme of a URI: a letter, then letters, digits, `+`, `-` and `.`. One letter alone
/// is a drive of Windows.
fn scheme_of(text: &[u8]) -> Option<&[u8]> {
    let at = text.windows(SEPARATOR.len()).position(|window| window == SEPARATOR)?;
    let scheme = &text[..at];
    let is_scheme = scheme.len() > 1
        && scheme[0].is_ascii_alphabetic()
        && scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    is_scheme.then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Location {
        Location::parse(Path::new(text)).unwrap()
    }

    #[test]
    fn a_scheme_needs_two_letters_and_nothing_but_a_scheme_before_it() {
        for (text, scheme) in [
            ("gs://bucket/run", Some("gs")),
            ("a+b.c-9://x", Some("a+b.c-9")),
            ("C://run", None),
            ("./gs://bucket", None),
            ("a b://x", None),
            ("9p://x", None),
            ("://x", None),
            ("gs:/x", None),
        ] {
            assert_eq!(parsed(text).scheme(), scheme, "{text}");
        }
    }

    #[test]
    fn file_uris_are_paths() {
        assert_eq!(parsed("file:///a/b"), parsed("/a/b"));
        assert_eq!(parsed("file://localhost/a/b"), parsed("/a/b"));
        assert!(Location::parse(Path::new("file://else/a")).is_err());
        assert!(Location::parse(Path::new("file://localhostelse/a")).is_err());
    }

    #[test]
    fn uris_have_parents_and_names_up_to_the_bucket() {
        let run = parsed("gs://bucket/run/ckpt");
        assert_eq!((run.parent(), run.file_name()), (parsed("gs://bucket/run"), Some(OsStr::new("ckpt"))));
        let bucket = run.parent().parent();
        assert_eq!((bucket.clone(), bucket.file_name()), (parsed("gs://bucket"), None));
        assert_eq!(bucket.parent(), bucket);
        assert_eq!(bucket.join("/x"), parsed("gs://bucket//x"));
        assert_eq!(run.with_file_name("other").with_suffix(".index"), parsed("gs://bucket/run/other.index"));
    }

    #[test]
    fn paths_have_the_parents_of_paths() {
        assert_eq!(parsed("ckpt").parent(), parsed(""));
        assert_eq!(parsed("ckpt").directory(), parsed("."));
        assert_eq!(parsed("run/ckpt").directory(), parsed("run"));
        assert_eq!(parsed("run").join("/a"), parsed("/a"));
    }
}
