//! Where a name-based checkpoint has the values of names, after the subtree and the renames of the
//! options of a restore. A scope is a path: the name `a/b` is at and below `a`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::options::RestoreOptions;
use super::selection::no_subtree;
use crate::error::{printable, Code, Error, Reason, Result};

/// What TensorFlow appends to the name of an operation for the name of its first tensor.
const FIRST_OUTPUT: &str = ":0";

/// From the names of a program to those of a checkpoint.
#[derive(Debug, Default)]
pub(super) struct NameMap {
    /// The subtree with a slash, or nothing.
    subtree: String,
    /// Old and new scopes, without slashes at their ends. The empty one is everything.
    renames: Vec<(String, String)>,
}

impl NameMap {
    /// Makes the map of a checkpoint that has these names.
    ///
    /// # Errors
    /// * `NOT_FOUND`: no name is below the subtree, or at or below an old path of a rename.
    /// * `ALREADY_EXISTS`: after the renames two values have the same name.
    /// * `INVALID_ARGUMENT`: an old path is renamed twice, or a glob is malformed.
    pub fn new<'n, I: Iterator<Item = &'n str>>(names: impl Fn() -> I, options: &RestoreOptions) -> Result<NameMap> {
        options.check()?;
        let scope = |path: &str| path.trim_end_matches('/').to_owned();
        let mut map = NameMap {
            subtree: options.subtree.as_deref().map(scope).filter(|path| !path.is_empty()).map_or_else(String::new, |p| p + "/"),
            renames: options.renames.iter().map(|(old, new)| (scope(old), scope(new))).collect(),
        };
        if !map.subtree.is_empty() && !names().any(|name| map.path(name).is_some()) {
            return Err(no_subtree("scope", map.subtree.trim_end_matches('/')));
        }
        for (old, _) in &map.renames {
            if !names().filter_map(|name| map.path(name)).any(|path| below(path, old).is_some()) {
                let what = format!("the checkpoint has no name at or below \"{}\"", printable(old.as_bytes()));
                return Err(Error::new(Code::NotFound, Reason::Node, what));
            }
        }
        // The most specific rename counts.
        crate::sort::sort_by(&mut map.renames, |a, b| (b.0.len(), &a.0).cmp(&(a.0.len(), &b.0)))?;
        if let Some(pair) = map.renames.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::argument(format!("\"{}\" is renamed twice", printable(pair[0].0.as_bytes()))));
        }
        if !map.renames.is_empty() {
            let mut taken = HashSet::new();
            for path in names().filter_map(|name| map.path(name)) {
                let name = map.target(path).into_owned();
                if let Some(name) = taken.replace(name) {
                    let what = format!("after the renames, two values are named \"{}\"", printable(name.as_bytes()));
                    return Err(Error::new(Code::AlreadyExists, Reason::NameTaken, what));
                }
            }
        }
        Ok(map)
    }

    /// Returns the path that options have for a name of the checkpoint; `None` if it is not below
    /// the subtree.
    pub fn path<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(&*self.subtree).filter(|path| self.subtree.is_empty() || !path.is_empty())
    }

    /// Finds the value for a name of the program, if need be without `:0` at its end. `find` looks
    /// up a name of the checkpoint.
    pub fn find(&self, name: &str, find: &dyn Fn(&str) -> Option<usize>) -> Option<usize> {
        self.locate(name, find).map(|(_, value)| value)
    }

    /// Returns whether the options include the value for a name of the program.
    pub fn wants(&self, name: &str, options: &RestoreOptions, find: &dyn Fn(&str) -> Option<usize>) -> bool {
        if options.wants_all() {
            return true;
        }
        // The name of an object with several tensors is not that of a value.
        let found = self.locate(name, find).map(|(path, _)| path);
        options.wants(&found.or_else(|| self.sources(name).next()).unwrap_or(Cow::Borrowed(name)))
    }

    /// Returns the path, before the renames, of the value for a name, and the value.
    fn locate<'n>(&self, name: &'n str, find: &dyn Fn(&str) -> Option<usize>) -> Option<(Cow<'n, str>, usize)> {
        let look = |name: &'n str| {
            self.sources(name).find_map(|path| {
                let value = match &*self.subtree {
                    "" => find(&path),
                    subtree => find(&format!("{subtree}{path}")),
                };
                Some((path, value?))
            })
        };
        look(name).or_else(|| look(name.strip_suffix(FIRST_OUTPUT)?))
    }

    /// Returns the paths before the renames that have a name in the program. The checkpoint has at
    /// most one of them.
    fn sources<'m, 'n: 'm>(&'m self, name: &'n str) -> impl Iterator<Item = Cow<'n, str>> + 'm {
        let was = self.renames.iter().filter_map(move |(old, new)| Some(joined(old, below(name, new)?)));
        was.chain([Cow::Borrowed(name)]).filter(move |path| self.target(path) == name)
    }

    /// Returns the name in the program of a path.
    fn target<'n>(&self, path: &'n str) -> Cow<'n, str> {
        let moved = self.renames.iter().find_map(|(old, new)| Some(joined(new, below(path, old)?)));
        moved.unwrap_or(Cow::Borrowed(path))
    }
}

/// Returns what is left of a path below a scope; `None` if it is elsewhere.
fn below<'n>(path: &'n str, scope: &str) -> Option<&'n str> {
    match path.strip_prefix(scope)? {
        rest if rest.is_empty() || scope.is_empty() => Some(rest),
        rest => rest.strip_prefix('/'),
    }
}

fn joined<'n>(scope: &str, rest: &'n str) -> Cow<'n, str> {
    match (scope, rest) {
        ("", rest) => Cow::Borrowed(rest),
        (scope, "") => Cow::Owned(scope.to_owned()),
        (scope, rest) => Cow::Owned(format!("{scope}/{rest}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 6] = ["bert/a/w", "bert/a/b", "bert/c", "bertha/w", "step", "x:0"];

    fn map(options: RestoreOptions) -> Result<NameMap> {
        NameMap::new(|| NAMES.into_iter(), &options)
    }

    /// What the names of a program are in the checkpoint.
    #[test]
    fn renames_and_subtrees_lead_back_to_names() {
        let none = RestoreOptions::new;
        for (options, pairs) in [
            (none(), &[("bert/c", "bert/c"), ("step:0", "step"), ("x:0", "x:0"), ("no", "")][..]),
            (none().subtree("bert"), &[("a/w", "bert/a/w"), ("c", "bert/c"), ("step", ""), ("bertha/w", ""), ("", "")]),
            (none().rename("bert", "student"), &[("student/a/w", "bert/a/w"), ("bert/a/w", ""), ("bertha/w", "bertha/w")]),
            (none().rename("bert/", "student/"), &[("student/a/w:0", "bert/a/w"), ("bert", "")]),
            (none().rename("bert/a", "x").rename("bert", "y"), &[("x/w", "bert/a/w"), ("y/c", "bert/c"), ("y/a/w", "")]),
            (none().rename("bert/a/w", "bert/a/b").rename("bert/a/b", "bert/a/w"), &[("bert/a/w", "bert/a/b")]),
            (none().rename("/", "all"), &[("all/step", "step"), ("step", "")]),
            (none().subtree("bert").rename("a", ""), &[("w", "bert/a/w"), ("c", "bert/c")]),
        ] {
            let map = map(options.clone()).unwrap();
            for &(name, expected) in pairs {
                let found = map.find(name, &|key| NAMES.iter().position(|there| *there == key));
                assert_eq!(found.map_or("", |at| NAMES[at]), expected, "{name} with {options:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let none = RestoreOptions::new;
        for (options, code) in [
            (none().subtree("ber"), Code::NotFound),
            (none().subtree("step"), Code::NotFound),
            (none().rename("ber", "x"), Code::NotFound),
            (none().subtree("bert").rename("bert/a", "x"), Code::NotFound),
            (none().rename("bert/c", "step"), Code::AlreadyExists),
            (none().rename("bert", "bertha").rename("bert/c", "bertha/w"), Code::AlreadyExists),
            (none().rename("bert", "x").rename("bert/", "y"), Code::InvalidArgument),
            (none().include("[a"), Code::InvalidArgument),
        ] {
            assert_eq!(map(options.clone()).unwrap_err().code(), code, "{options:?}");
        }
    }
}
