//! `--filter`: selects tensors whose keys match a glob.

use std::borrow::Cow;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::failure::{Failure, Outcome};

/// The globs of `--filter`.
pub struct Filter(Option<GlobSet>);

impl Filter {
    /// Compiles the globs. Without globs every key passes.
    pub fn new(globs: &[String]) -> Outcome<Filter> {
        if globs.is_empty() {
            return Ok(Filter(None));
        }
        let wrong = |e: globset::Error| Failure::Usage(format!("--filter: {e}"));
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            set.add(GlobBuilder::new(glob).literal_separator(false).backslash_escape(true).build().map_err(wrong)?);
        }
        Ok(Filter(Some(set.build().map_err(wrong)?)))
    }

    /// Returns whether any glob was given.
    pub fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Returns whether a glob matches the whole key.
    pub fn lets_through(&self, key: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|set| set.is_match(path_of(key)))
    }
}

/// Returns a key as the path that globset requires.
fn path_of(key: &[u8]) -> Cow<'_, Path> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Cow::Borrowed(Path::new(std::ffi::OsStr::from_bytes(key)))
    }
    #[cfg(not(unix))]
    Cow::Owned(std::path::PathBuf::from(String::from_utf8_lossy(key).into_owned()))
}
