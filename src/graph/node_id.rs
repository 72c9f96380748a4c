//! The ids of the objects of a graph.

use std::fmt;
use std::num::NonZeroU64;

/// The id of an object of a graph. It identifies only that object: not another one after the object
/// is removed, nor one of another graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(NonZeroU64);

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({:#x})", self.0)
    }
}

impl NodeId {
    /// Composes an id of the place in the graph, the number of times that the place was used
    /// before, and a mark of the graph, which is not 0.
    pub(super) fn new(mark: u16, generation: u16, place: u32) -> Option<NodeId> {
        NonZeroU64::new(u64::from(mark) << 48 | u64::from(generation) << 32 | u64::from(place)).map(NodeId)
    }

    /// The id with this number ([`NodeId::number`]); `None` for 0.
    pub fn from_number(number: u64) -> Option<NodeId> {
        NonZeroU64::new(number).map(NodeId)
    }

    /// A number, never 0, that represents the id where a `NodeId` cannot be passed, for example
    /// across a C ABI.
    pub fn number(self) -> u64 {
        self.0.get()
    }

    /// The index of the object's place in the graph.
    pub(crate) fn place(self) -> usize {
        (self.0.get() & 0xffff_ffff) as usize
    }
}
