//! `--filter`: selects tensors whose keys match a glob.

use std::borrow::Cow;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::failure::{Failure, Outcome};
use crate::term;

/// The globs of `--filter`, as text too.
pub struct Filter(Option<(GlobSet, Vec<String>)>);

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
        Ok(Filter(Some((set.build().map_err(wrong)?, globs.to_vec()))))
    }

    /// Returns whether any glob was given.
    pub fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Returns whether a glob matches the whole key.
    pub fn lets_through(&self, key: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|(set, _)| set.is_match(path_of(key)))
    }

    /// Warns about each glob that matches none of the keys.
    pub fn complain<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        let Some((set, globs)) = &self.0 else { return };
        let mut is_used = vec![false; globs.len()];
        keys.flat_map(|key| set.matches(path_of(key))).for_each(|glob| is_used[glob] = true);
        for (glob, _) in globs.iter().zip(is_used).filter(|(_, is_used)| !is_used) {
            term::complain(&format!("no key matches --filter '{glob}'"));
        }
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
