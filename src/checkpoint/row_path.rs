//! The paths of a report. A file of 2 MB can describe 60 000 objects in a chain, whose paths have
//! gigabytes: rows have the place of their object in a tree, and the text is made when it is asked
//! for.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::allocate::{filled, Room, TryPush};
use crate::error::Result;
use crate::format::key;
use crate::graph::{Nodes, Walk};
use crate::reader::ObjectGraph;

/// A path or key in a row of a report: text that is made when it is first used as such, and then
/// kept by the row.
///
/// Where there is no memory for the text, [`text`](RowPath::text) is an error and formatting fails;
/// using a path as a `str` or comparing it panics.
#[derive(Clone)]
pub struct RowPath {
    /// The object whose path the text begins with.
    place: Option<(Arc<PathTree>, u32)>,
    /// What follows the path of the object: nothing, or what makes it a key. Without an object, all
    /// of the text.
    rest: Cow<'static, str>,
    text: OnceLock<Box<str>>,
}

/// How the last name of a path is reached.
#[derive(Clone, Copy)]
enum Step {
    Root,
    Edge {
        parent: u32,
    },
    Slot {
        owner: u32,
        variable: u32,
    },
    /// Nothing leads to the object.
    Nowhere,
}

/// The paths of the objects of a graph, each by its last step.
pub(super) struct PathTree {
    /// For each object the last step, and the end of its name in `names`.
    steps: Vec<(Step, u32)>,
    /// The escaped names of the edges and slots, one after the other.
    names: String,
}

impl PathTree {
    /// The paths in the object graph of a checkpoint.
    pub fn of_graph(graph: &ObjectGraph) -> Result<Arc<PathTree>> {
        let mut steps: Vec<(Step, &str)> = filled((Step::Nowhere, ""), graph.len())?;
        for owner in graph.nodes() {
            for slot in owner.slot_variables() {
                let step = &mut steps[slot.slot_variable as usize];
                if matches!(step.0, Step::Nowhere) {
                    *step = (Step::Slot { owner: owner.id(), variable: slot.original_variable }, slot.name);
                }
            }
        }
        let parents = graph.parents()?;
        for node in graph.nodes() {
            for (number, edge) in node.children().enumerate() {
                if parents[edge.node as usize] == Some((node.id(), number)) {
                    steps[edge.node as usize] = (Step::Edge { parent: node.id() }, edge.name);
                }
            }
        }
        if let Some(root) = steps.first_mut() {
            *root = (Step::Root, "");
        }
        PathTree::of_steps(steps)
    }

    /// The paths of the objects of a program.
    pub fn of_walk(nodes: &Nodes, walk: &Walk<'_>) -> Result<Arc<PathTree>> {
        PathTree::of_steps((0..walk.order.len() as u32).map(|id| {
            let (step, name) = match (walk.slot(id), walk.parent(id)) {
                (Some(slot), _) => (Step::Slot { owner: slot.owner, variable: slot.variable }, walk.slot_name(nodes, slot)),
                (None, Some(parent)) => (Step::Edge { parent }, walk.name_of(nodes, id)),
                (None, None) => (Step::Root, ""),
            };
            (step, name)
        }))
    }

    fn of_steps<'n>(each: impl IntoIterator<Item = (Step, &'n str)>) -> Result<Arc<PathTree>> {
        let mut tree = PathTree { steps: Vec::new(), names: String::new() };
        for (step, name) in each {
            // Each byte of a name has at most two when it is escaped.
            tree.names.make_room(2 * name.len())?;
            key::push_escaped(&mut tree.names, name);
            tree.steps.try_push((step, tree.names.len() as u32))?;
        }
        Ok(Arc::new(tree))
    }

    fn step(&self, id: u32) -> (Step, &str) {
        let start = id.checked_sub(1).map_or(0, |before| self.steps[before as usize].1);
        let (step, end) = self.steps[id as usize];
        (step, &self.names[start as usize..end as usize])
    }

    /// Passes the names of a path, the last one first, to `see` until that returns false.
    fn names_from_end(&self, id: u32, see: &mut dyn FnMut(&str) -> bool) {
        match self.step(id) {
            (Step::Slot { owner, variable }, name) => {
                let _ =
                    see(name) && self.plain_from_end(owner, see) && see(".OPTIMIZER_SLOT") && self.plain_from_end(variable, see);
            }
            _ => {
                self.plain_from_end(id, see);
            }
        }
    }

    /// The same for a path that is not that of a slot variable: a malformed checkpoint may claim
    /// that slots have slots. Returns whether `see` wants more.
    fn plain_from_end(&self, id: u32, see: &mut dyn FnMut(&str) -> bool) -> bool {
        let mut at = id;
        loop {
            match self.step(at) {
                (Step::Edge { parent }, name) => {
                    if !see(name) {
                        return false;
                    }
                    at = parent;
                }
                // The path of the root is the empty name.
                (Step::Root, _) => return at != id || see(""),
                _ => return see(&format!("#{at}")),
            }
        }
    }
}

/// Names of a path, which are found from its end.
#[derive(Default)]
struct Found {
    /// The names, the last one first, one after the other.
    names: String,
    ends: Vec<usize>,
}

impl Found {
    fn add(&mut self, name: &str) {
        self.names.push_str(name);
        self.ends.push(self.names.len());
    }

    /// The length of the path.
    fn len(&self) -> usize {
        self.names.len() + self.ends.len().saturating_sub(1)
    }

    /// The length of the path with another name before it.
    fn len_with(&self, name: &str) -> usize {
        self.names.len() + self.ends.len() + name.len()
    }

    /// Appends the path to `out`.
    fn push(&self, out: &mut String) {
        for place in (0..self.ends.len()).rev() {
            let from = place.checked_sub(1).map_or(0, |before| self.ends[before]);
            out.push_str(&self.names[from..self.ends[place]]);
            if place > 0 {
                out.push('/');
            }
        }
    }
}

impl RowPath {
    pub(super) fn of(tree: &Arc<PathTree>, id: u32) -> RowPath {
        RowPath { place: Some((tree.clone(), id)), rest: Cow::Borrowed(""), text: OnceLock::new() }
    }

    /// The key of an attribute of the object with this path.
    pub(super) fn key_of(&self, attribute: &str) -> RowPath {
        let rest = format!("{}{}{attribute}", self.rest, key::ATTRIBUTES).into();
        RowPath { place: self.place.clone(), rest, text: OnceLock::new() }
    }

    /// Returns the text, which is kept.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: there is no memory for it.
    pub fn text(&self) -> Result<&str> {
        match (&self.place, self.text.get()) {
            (None, _) => Ok(&self.rest),
            (_, Some(text)) => Ok(text),
            (Some(_), None) => {
                let text = self.to_text()?;
                Ok(self.text.get_or_init(|| text.into()))
            }
        }
    }

    /// The text, which is not kept.
    fn to_text(&self) -> Result<Cow<'_, str>> {
        let (tree, id) = match (&self.place, self.text.get()) {
            (_, Some(text)) => return Ok(Cow::Borrowed(text)),
            (None, None) => return Ok(Cow::Borrowed(&self.rest)),
            (Some((tree, id)), None) => (tree, *id),
        };
        // Each name has a `/` after it, but for the last one, which is the first here.
        let mut size = 0;
        tree.names_from_end(id, &mut |name| {
            size += name.len() + 1;
            true
        });
        let size = usize::saturating_sub(size, 1);
        let mut text = filled(b'/', size + self.rest.len())?;
        let mut end = size + 1;
        tree.names_from_end(id, &mut |name| {
            end -= name.len() + 1;
            text[end..][..name.len()].copy_from_slice(name.as_bytes());
            true
        });
        text[size..].copy_from_slice(self.rest.as_bytes());
        Ok(Cow::Owned(String::from_utf8(text).expect("names of objects are text")))
    }

    fn expect(&self) -> Cow<'_, str> {
        self.to_text().expect("memory for a path")
    }

    /// Passes the names of a path, the last one first, to `see` until that returns false.
    fn names_from_end(&self, see: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        match &self.place {
            Some((tree, id)) if self.rest.is_empty() => tree.names_from_end(*id, see),
            _ => {
                self.to_text()?.rsplit('/').all(see);
            }
        }
        Ok(())
    }

    /// Returns the last names of a path, joined by `/`: at most `most` of them, and not more than
    /// fit into `bytes`. `None` if not even the last one fits.
    pub(super) fn end(&self, most: usize, bytes: usize) -> Result<Option<String>> {
        let (mut found, mut end) = (Found::default(), String::new());
        self.names_from_end(&mut |name| {
            if found.len_with(name) > bytes {
                return false;
            }
            found.add(name);
            found.ends.len() < most
        })?;
        found.push(&mut end);
        Ok((!found.ends.is_empty()).then_some(end))
    }

    /// Returns a path if it has at most `most` bytes; otherwise the end of it, after `…`, of less
    /// than twice as many bytes: whole names, unless the first of them has more than `most`.
    pub(super) fn shortened(&self, most: usize) -> Result<Cow<'_, str>> {
        let (mut found, mut is_cut) = (Found::default(), false);
        self.names_from_end(&mut |name| {
            is_cut = name.len() > most;
            let from = (name.len().saturating_sub(most)..).find(|&at| name.is_char_boundary(at));
            found.add(&name[from.unwrap_or_default()..]);
            !is_cut && found.len() <= most
        })?;
        if !is_cut && found.len() <= most {
            return self.to_text();
        }
        let mut end = String::from(if is_cut { "…" } else { "…/" });
        found.push(&mut end);
        Ok(Cow::Owned(end))
    }
}

impl Deref for RowPath {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.place {
            None => &self.rest,
            Some(_) => self.text.get_or_init(|| self.expect().into()),
        }
    }
}

impl AsRef<str> for RowPath {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<String> for RowPath {
    fn from(text: String) -> RowPath {
        RowPath { place: None, rest: Cow::Owned(text), text: OnceLock::new() }
    }
}

impl From<&str> for RowPath {
    fn from(text: &str) -> RowPath {
        RowPath::from(text.to_owned())
    }
}

impl fmt::Display for RowPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_text().map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for RowPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.to_text().map_err(|_| fmt::Error)?, f)
    }
}

impl PartialEq for RowPath {
    fn eq(&self, other: &RowPath) -> bool {
        self.expect() == other.expect()
    }
}

impl Eq for RowPath {}

impl PartialOrd for RowPath {
    fn partial_cmp(&self, other: &RowPath) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RowPath {
    fn cmp(&self, other: &RowPath) -> std::cmp::Ordering {
        self.expect().cmp(&other.expect())
    }
}

impl PartialEq<str> for RowPath {
    fn eq(&self, other: &str) -> bool {
        self.expect() == other
    }
}

impl PartialEq<&str> for RowPath {
    fn eq(&self, other: &&str) -> bool {
        self.expect() == *other
    }
}

impl PartialEq<String> for RowPath {
    fn eq(&self, other: &String) -> bool {
        self.expect() == **other
    }
}
