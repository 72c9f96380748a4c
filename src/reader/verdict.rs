//! Whether a checkpoint can be restored: what was found, and the verdict that follows from it.

use std::ffi::CStr;
use std::fmt;
use std::path::Path;

use super::object_graph::{Attribute, ObjectGraph};
use super::{Reader, OBJECT_GRAPH_KEY};
use crate::bundle::section_number;
use crate::error::{Code, Error, Problems, Reason, Result};
use crate::format::key::VARIABLE_VALUE;

/// What a checkpoint is good for. Verifying, the search for the latest valid checkpoint and the
/// repair of a state file use the same verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Verdict {
    /// Every tensor can be read, and every key that the object graph names is there.
    Whole = 1,
    /// A section of a checkpoint, as each worker of a distributed program writes one before they
    /// are merged: nothing is damaged, but the stored slices do not cover their tensors. So is a
    /// section by its name, `part-00000-of-00002`, which lacks keys of the object graph.
    Section = 2,
    /// Nothing is damaged, but a key that the object graph names is absent.
    Incomplete = 3,
    /// A checksum does not match, a data file is missing or too short, values overlap, or something
    /// is malformed.
    Damaged = 4,
}

impl Verdict {
    /// Returns all verdicts.
    pub fn all() -> impl Iterator<Item = Verdict> {
        [Verdict::Whole, Verdict::Section, Verdict::Incomplete, Verdict::Damaged].into_iter()
    }

    /// Returns the verdict in one word: `whole`, `section`, `incomplete` or `damaged`.
    pub fn name(self) -> &'static str {
        self.c_name().to_str().unwrap_or_default()
    }

    /// [`name`](Verdict::name), ending in NUL.
    pub fn c_name(self) -> &'static CStr {
        match self {
            Verdict::Whole => c"whole",
            Verdict::Section => c"section",
            Verdict::Incomplete => c"incomplete",
            Verdict::Damaged => c"damaged",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether the checkpoint has the value of an attribute. A variable has one tensor, under the
/// attribute's key. Other objects may store theirs under this key with a suffix: TensorFlow's
/// iterator `it/.ATTRIBUTES/ITERATOR_STATE` for `it/.ATTRIBUTES/ITERATOR`, a table two. The graph
/// does not say which.
pub(super) fn has_value(reader: &Reader, attribute: &Attribute<'_>) -> bool {
    let key = attribute.checkpoint_key.as_bytes();
    reader.find(key).is_some() || (attribute.name != VARIABLE_VALUE && !reader.starting_with(key).is_empty())
}

/// What was found in a checkpoint.
#[derive(Default)]
pub(super) struct Findings {
    /// Why it is damaged.
    pub damage: Problems,
    /// The tensors that the stored slices do not cover.
    pub gaps: Problems,
    /// The keys of the object graph that are absent.
    pub absent: Problems,
}

impl Findings {
    /// Looks for the keys that the object graph names. What is wrong with the graph itself is
    /// damage, unless the files were found to be damaged already.
    ///
    /// # Errors
    /// Why the graph cannot be read, if it says nothing about the checkpoint.
    pub fn look_for_keys(&mut self, reader: &Reader) -> Result<()> {
        match reader.object_graph() {
            Ok(graph) => graph.iter().for_each(|graph| self.absent_keys(reader, graph)),
            Err(fault) if fault.is_passing() => return Err(fault),
            Err(fault) if self.damage.is_empty() => self.damage.add(fault.for_tensor(OBJECT_GRAPH_KEY)),
            Err(_) => {}
        }
        Ok(())
    }

    fn absent_keys(&mut self, reader: &Reader, graph: &ObjectGraph) {
        for attribute in graph.nodes().flat_map(|node| node.attributes()) {
            let key = attribute.checkpoint_key;
            if !has_value(reader, &attribute) {
                let what = "the object graph names this key, but the checkpoint does not have it";
                let fault = Error::new(Code::NotFound, Reason::NoTensor, what);
                self.absent.add(fault.for_tensor(key.as_bytes()).in_file(reader.prefix()));
            }
        }
    }

    /// The verdict on the checkpoint `prefix`: the one place that decides it.
    pub fn verdict(&self, prefix: &Path) -> Verdict {
        let is_named_section = || prefix.file_name().and_then(section_number).is_some_and(|(_, sections)| sections > 1);
        if !self.damage.is_empty() {
            Verdict::Damaged
        } else if !self.gaps.is_empty() || (!self.absent.is_empty() && is_named_section()) {
            Verdict::Section
        } else if !self.absent.is_empty() {
            Verdict::Incomplete
        } else {
            Verdict::Whole
        }
    }

    /// All that was found; the first is the reason for the verdict.
    pub fn problems(self) -> Vec<Error> {
        let mut all = Problems::default();
        [self.damage, self.gaps, self.absent].into_iter().flat_map(Problems::take).for_each(|problem| all.add(problem));
        all.take()
    }
}
