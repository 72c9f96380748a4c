//! The elements of a list, and whether it can still be saved.

use super::node_id::NodeId;
use crate::error::{Code, Error, Reason, Result};

/// A list's elements. What is not tracked (numbers, text of the program's) has its place, but no node.
#[derive(Default)]
pub(crate) struct List {
    pub(super) elements: Vec<Option<NodeId>>,
    /// What made it unsavable.
    pub(super) changed: Option<&'static str>,
}

impl List {
    pub fn check(&self, describe: impl FnOnce() -> String) -> Result<()> {
        let Some(how) = self.changed else { return Ok(()) };
        Err(Error::new(
            Code::FailedPrecondition,
            Reason::Unsavable,
            format!(
                "Unable to save the object {} (a list): {how}. A list element was replaced, deleted, or moved; to support restoration on \
                 object creation, tracking is exclusively for append-only lists. Track a new list in its place",
                describe()
            ),
        ))
    }

    /// Forgets a node that was removed; its place stays.
    pub fn forget(&mut self, id: NodeId) {
        self.elements.iter_mut().filter(|e| **e == Some(id)).for_each(|e| *e = None);
    }

    pub(super) fn holds_nodes(&self) -> bool {
        self.elements.iter().any(Option::is_some)
    }
}
