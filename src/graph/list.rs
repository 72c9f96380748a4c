//! The elements of a list, and whether it can still be saved.

use super::node_id::NodeId;
use crate::error::{Code, Error, Reason, Result};

/// The elements of a list. An element that is not tracked (a number or text of the program) is
/// `None`.
#[derive(Default)]
pub(crate) struct List {
    pub(super) elements: Vec<Option<NodeId>>,
    /// The change that made the list unsavable; `None` if it can be saved.
    pub(super) changed: Option<&'static str>,
}

impl List {
    /// Fails if the list can no longer be saved.
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

    /// Replaces removed nodes by elements that are not tracked.
    pub fn keep(&mut self, is_there: &dyn Fn(NodeId) -> bool) {
        self.elements.iter_mut().for_each(|element| *element = element.filter(|id| is_there(*id)));
    }

    pub(super) fn holds_nodes(&self) -> bool {
        self.elements.iter().any(Option::is_some)
    }
}
