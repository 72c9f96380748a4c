//! What stands for an object of a graph.

use std::fmt;
use std::num::NonZeroU64;

/// An object of a graph. It stands for that object alone: once the object is removed it stands for nothing, and in another graph too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(NonZeroU64);

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({:#x})", self.0)
    }
}

impl NodeId {
    /// The number that stands for it in C: the place in the graph, how often the place was used before, and a mark of the graph that is not 0.
    pub(super) fn new(mark: u16, generation: u16, place: u32) -> Option<NodeId> {
        NonZeroU64::new(u64::from(mark) << 48 | u64::from(generation) << 32 | u64::from(place)).map(NodeId)
    }

    /// The object with this number ([`NodeId::number`]); none for 0.
    pub fn from_number(number: u64) -> Option<NodeId> {
        NonZeroU64::new(number).map(NodeId)
    }

    /// A number, never 0, that stands for the object where a `NodeId` cannot be passed: across a C ABI,
    /// for example.
    pub fn number(self) -> u64 {
        self.0.get()
    }

    pub(crate) fn place(self) -> usize {
        (self.0.get() & 0xffff_ffff) as usize
    }
}
