//! `--filter`, `--exclude` and `--subtree`: which tensors a command is about.
//!
//! Globs are compared with what people call a tensor: its key; the path of its object, which is the
//! key without `/.ATTRIBUTES/…`; and its full name in the object graph. So they mean the same for
//! object-based and name-based checkpoints.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use checkpoint::{ObjectGraph, Reader};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::failure::{Failure, Outcome};
use crate::names;
use crate::rewrite::Values;
use crate::term;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// Include only tensors whose key, path or full name matches; `*` also matches slashes. May be
    /// repeated
    #[arg(long, value_name = "GLOB")]
    filter: Vec<String>,
    /// Leave out tensors whose key, path or full name matches, even if --filter includes them. May
    /// be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Include only what is below the object at PATH, or below the name PATH. May be repeated
    #[arg(long, value_name = "PATH")]
    subtree: Vec<String>,
}

/// What follows the path of an object in a key.
const ATTRIBUTES: &str = "/.ATTRIBUTES/";

/// The tensors that the options choose.
pub struct Choice {
    filter: Globs,
    exclude: Globs,
    subtrees: Vec<Subtree>,
    /// The full names of the values of the object graph, of which one may have several tensors.
    full_names: Values<Vec<u8>, Vec<u8>>,
}

/// The choice among the tensors of two checkpoints. A tensor of both is chosen by its names in
/// either, because its full name may differ.
pub struct Both<'a> {
    a: (&'a Reader, Choice),
    b: (&'a Reader, Choice),
}

/// The globs of one option.
struct Globs {
    option: &'static str,
    texts: Vec<String>,
    set: GlobSet,
}

struct Subtree {
    path: String,
    /// The keys of the values of the objects that the path leads to.
    keys: HashSet<Vec<u8>>,
}

impl Choice {
    /// Compiles the options, for what has keys alone.
    pub fn new(args: &Args) -> Outcome<Choice> {
        let subtree = |path: &String| Subtree { path: path.trim_end_matches('/').to_owned(), keys: HashSet::new() };
        Ok(Choice {
            filter: Globs::new("--filter", &args.filter)?,
            exclude: Globs::new("--exclude", &args.exclude)?,
            subtrees: args.subtree.iter().map(subtree).collect(),
            full_names: Values::from_iter([]),
        })
    }

    /// Returns the choice among the tensors of a checkpoint, by the names in its object graph too
    /// if it has one. Fails if a glob or path matches no tensor.
    pub fn of(self, reader: &Reader) -> Outcome<Choice> {
        let choice = self.named(reader)?;
        choice.check(reader.tensors().map(|tensor| tensor.key()))?;
        Ok(choice)
    }

    fn named(self, reader: &Reader) -> Outcome<Choice> {
        if !self.is_set() {
            return Ok(self);
        }
        match reader.object_graph() {
            Ok(None) => Ok(self),
            Ok(Some(graph)) => self.in_graph(&graph),
            Err(e) => {
                term::complain(&format!("the options choose by key alone, because the object graph cannot be read: {e}"));
                Ok(self)
            }
        }
    }

    fn in_graph(mut self, graph: &ObjectGraph) -> Outcome<Choice> {
        let attributes = graph.nodes().flat_map(|node| node.attributes());
        self.full_names = attributes.map(|a| (a.checkpoint_key.into(), a.full_name.into())).collect();
        for subtree in &mut self.subtrees {
            // Paths of names alone lead to no object.
            let Some(below) = graph.node_at(&names::path(&subtree.path)).map(|id| graph.subtree(id)).transpose()?.flatten()
            else {
                continue;
            };
            let attributes =
                below.nodes().flat_map(|node| node.attributes().map(|a| a.checkpoint_key.into()).collect::<Vec<_>>());
            subtree.keys = attributes.collect();
        }
        Ok(self)
    }

    /// Returns whether any of the options was given.
    pub fn is_set(&self) -> bool {
        !self.filter.texts.is_empty() || !self.exclude.texts.is_empty() || !self.subtrees.is_empty()
    }

    /// Returns whether the options choose the tensor with this key.
    pub fn takes(&self, key: &[u8]) -> bool {
        self.includes(key) && !self.excludes(key)
    }

    fn includes(&self, key: &[u8]) -> bool {
        let names = self.names(key);
        (self.filter.texts.is_empty() || self.filter.matches(&names))
            && (self.subtrees.is_empty() || self.subtrees.iter().any(|subtree| subtree.has(self.value_of(key), &names)))
    }

    fn excludes(&self, key: &[u8]) -> bool {
        self.exclude.matches(&self.names(key))
    }

    /// Returns the key of the value in the object graph that a tensor belongs to, or else its own.
    fn value_of<'k>(&'k self, key: &'k [u8]) -> &'k [u8] {
        self.full_names.of_tensor(key).map_or(key, |(value, _)| value)
    }

    /// Fails if a glob or path matches none of the keys: it is misspelt, and what the command would
    /// do is not what was meant.
    pub fn check<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> Outcome {
        self.complain(&self.unused(keys))
    }

    /// Whether each glob of --filter, glob of --exclude and path of --subtree matches none of the
    /// keys.
    fn unused<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> Vec<bool> {
        let (filters, excludes) = (self.filter.texts.len(), self.exclude.texts.len());
        let mut unused = vec![true; filters + excludes + self.subtrees.len()];
        if unused.is_empty() {
            return unused;
        }
        for key in keys {
            let names = self.names(key);
            for (globs, first) in [(&self.filter, 0), (&self.exclude, filters)] {
                let found = names.iter().flat_map(|name| globs.set.matches(path_of(name)));
                found.for_each(|glob| unused[first + glob] = false);
            }
            for (subtree, unused) in self.subtrees.iter().zip(&mut unused[filters + excludes..]) {
                *unused &= !subtree.has(self.value_of(key), &names);
            }
        }
        unused
    }

    fn complain(&self, unused: &[bool]) -> Outcome {
        let globs =
            [&self.filter, &self.exclude].into_iter().flat_map(|globs| globs.texts.iter().map(|text| (globs.option, text)));
        let all = globs.chain(self.subtrees.iter().map(|subtree| ("--subtree", &subtree.path)));
        let unused = all.zip(unused).filter(|(_, is_unused)| **is_unused);
        let unused: Vec<String> = unused.map(|((option, text), _)| format!("{option} '{}'", term::one_line(text))).collect();
        match unused.len() {
            0 => Ok(()),
            _ => Err(Failure::Problem(format!("no tensor matches {}", unused.join(", ")))),
        }
    }

    /// What people call a tensor.
    fn names<'k>(&'k self, key: &'k [u8]) -> Vec<&'k [u8]> {
        let path = key.windows(ATTRIBUTES.len()).position(|window| window == ATTRIBUTES.as_bytes()).map(|end| &key[..end]);
        let full_name = self.full_names.of_tensor(key).map(|(_, name)| &**name).filter(|name| !name.is_empty());
        [Some(key), path, full_name].into_iter().flatten().collect()
    }
}

impl<'a> Both<'a> {
    /// Returns the choice. Fails if a glob or path matches no tensor of either checkpoint.
    pub fn new(args: &Args, a: &'a Reader, b: &'a Reader) -> Outcome<Both<'a>> {
        let (of_a, of_b) = (Choice::new(args)?.named(a)?, Choice::new(args)?.named(b)?);
        let unused = [(&of_a, a), (&of_b, b)].map(|(of, reader)| of.unused(reader.tensors().map(|tensor| tensor.key())));
        let [in_a, in_b] = &unused;
        of_a.complain(&in_a.iter().zip(in_b).map(|(in_a, in_b)| *in_a && *in_b).collect::<Vec<_>>())?;
        Ok(Both { a: (a, of_a), b: (b, of_b) })
    }

    /// Returns whether any of the options was given.
    pub fn is_set(&self) -> bool {
        self.a.1.is_set()
    }

    /// Returns whether the options choose the tensor with this key.
    pub fn takes(&self, key: &[u8]) -> bool {
        let there = || [&self.a, &self.b].into_iter().filter(|(reader, _)| reader.contains(key)).map(|(_, choice)| choice);
        there().any(|choice| choice.includes(key)) && !there().any(|choice| choice.excludes(key))
    }
}

impl Globs {
    fn new(option: &'static str, texts: &[String]) -> Outcome<Globs> {
        let wrong = |e: globset::Error| Failure::Usage(format!("{option}: {e}"));
        let mut set = GlobSetBuilder::new();
        for text in texts {
            set.add(GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build().map_err(wrong)?);
        }
        Ok(Globs { option, texts: texts.to_vec(), set: set.build().map_err(wrong)? })
    }

    fn matches(&self, names: &[&[u8]]) -> bool {
        names.iter().any(|name| self.set.is_match(path_of(name)))
    }
}

impl Subtree {
    /// Whether a tensor is below the path, which belongs to the value with this key.
    fn has(&self, value: &[u8], names: &[&[u8]]) -> bool {
        let is_below = |name: &[u8]| match name.strip_prefix(self.path.as_bytes()) {
            Some(rest) => self.path.is_empty() || rest.is_empty() || rest.starts_with(b"/"),
            None => false,
        };
        self.keys.contains(value) || names.iter().any(|name| is_below(name))
    }
}

/// Returns a name as the path that globset requires.
fn path_of(name: &[u8]) -> Cow<'_, Path> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Cow::Borrowed(Path::new(std::ffi::OsStr::from_bytes(name)))
    }
    #[cfg(not(unix))]
    Cow::Owned(std::path::PathBuf::from(String::from_utf8_lossy(name).into_owned()))
}
