//! What the options of a restore select of an object graph, and where it is for the program.
//!
//! The options share one namespace: paths in the checkpoint, below the subtree if there is one, and
//! before any rename. Only the new path of a rename is a path in the program.

use super::options::RestoreOptions;
use super::paths::Paths;
use crate::allocate::list_of;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::reader::ObjectGraph;

/// An object graph as a restore sees it.
pub(super) struct Selection {
    /// The graph with the program's paths: the subtree, renamed.
    pub saved: ObjectGraph,
    /// The subtree before the renames, with the same ids; `None` if there are no renames.
    original: Option<ObjectGraph>,
    /// Whether the options include each node of the checkpoint; empty if they include all.
    wanted: Vec<bool>,
    /// The globs that no value matches.
    pub unmatched: Vec<String>,
}

impl Selection {
    /// Applies the subtree, the globs and the renames of the options.
    pub fn new(saved: ObjectGraph, options: &RestoreOptions) -> Result<Selection> {
        options.check()?;
        let saved = match &options.subtree {
            None => saved,
            Some(path) => {
                let absent = || no_subtree("object", path);
                saved.subtree(saved.node_at(path).ok_or_else(absent)?)?.ok_or_else(absent)?
            }
        };
        let (mut wanted, mut unmatched) = (Vec::new(), Vec::new());
        if !options.wants_all() {
            let paths = Paths::new(&saved)?;
            let mut globs = options.unmatched();
            wanted = list_of(saved.nodes().map(|node| {
                let path = paths.path(&saved, node.id());
                if node.attributes().len() > 0 || node.registered_saver().is_some() {
                    globs.see(&path);
                }
                options.wants(&path)
            }))?;
            unmatched = globs.left();
        }
        if options.renames.is_empty() {
            return Ok(Selection { saved, original: None, wanted, unmatched });
        }
        Ok(Selection { saved: saved.renamed(&options.renames)?, original: Some(saved), wanted, unmatched })
    }

    /// Returns whether the options include the values of a node.
    pub fn wants(&self, id: u32) -> bool {
        self.wanted.get(id as usize).copied().unwrap_or(true)
    }

    /// Returns the graph that has the paths of options, reports and messages.
    pub fn shown(&self) -> &ObjectGraph {
        self.original.as_ref().unwrap_or(&self.saved)
    }
}

/// Returns the error for a subtree that the checkpoint does not have.
pub(super) fn no_subtree(kind: &str, path: &str) -> Error {
    let what = format!("the checkpoint has no {kind} at \"{}\"", printable(path.as_bytes()));
    Error::new(Code::NotFound, Reason::NoTensor, what)
}
