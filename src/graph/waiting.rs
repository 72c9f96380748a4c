//! What a graph knows of restores that wait for its objects. The restores themselves are above, in `checkpoint`.

use std::sync::Arc;

use super::nodes::{NodeId, Nodes};
use crate::error::Result;

/// A restore that has values for objects that are not there yet.
pub(crate) trait Waiting: Send + Sync {
    /// Restores are numbered in the order in which they were called.
    fn uid(&self) -> u64;

    /// Restores `object`, and what it leads to, as the node `saved` of the checkpoint. `object` has its edge already.
    ///
    /// Of a name-based restore `saved` says nothing.
    fn attach(self: Arc<Self>, nodes: &mut Nodes, saved: u32, object: NodeId) -> Result<()>;
}

/// A node of the checkpoint of a restore.
#[derive(Clone)]
pub(crate) struct Position {
    pub restore: Arc<dyn Waiting>,
    pub node: u32,
}
