//! Holds the memory of variables while values are read into it.

use super::plan::{Plan, Stored};
use crate::allocate::with_room;
use crate::error::Result;
use crate::graph::{Data, Map, NodeId, Nodes};
use crate::reader::Reader;
use crate::tensor::Buffer;

/// Memory of variables, taken from the graph while values are read into it. Dropping the loan
/// returns the memory to the graph, also after a failure or panic.
pub(super) struct Loan<'n> {
    nodes: &'n mut Nodes,
    pub taken: Vec<Taken>,
}

/// The memory of one variable.
pub(super) struct Taken {
    /// The number of the plan.
    pub number: usize,
    object: NodeId,
    /// The number of the tensor in the reader's list.
    pub tensor: usize,
    data: Data,
    /// New memory that replaces `data` if the whole value was read.
    pub new: Option<Buffer>,
    /// Whether the whole value was read.
    pub is_whole: bool,
}

impl Taken {
    /// The memory to read into.
    pub fn memory(&mut self) -> &mut [u8] {
        match (&mut self.new, &mut self.data) {
            (Some(buffer), _) => buffer.bytes_mut(),
            (None, Data::Owned(buffer)) => buffer.bytes_mut(),
            (None, Data::Borrowed(memory)) => memory.bytes_mut(),
            (None, _) => &mut [],
        }
    }
}

impl<'n> Loan<'n> {
    /// Takes the memory of the variables of these plans out of the graph.
    pub fn take(nodes: &'n mut Nodes, plans: &[Plan], numbers: &[usize], memory: &mut Map<usize, Buffer>) -> Result<Loan<'n>> {
        let mut taken = with_room(numbers.len())?;
        for &number in numbers {
            let Plan { object, stored: Stored::Variable(tensor), .. } = plans[number] else { continue };
            let new = if memory.is_empty() { None } else { memory.remove(&number) };
            taken.push(Taken { number, object, tensor, data: nodes.take_data(object), new, is_whole: false });
        }
        Ok(Loan { nodes, taken })
    }

    /// Returns the memory to the graph. Variables whose whole value was read get their new memory,
    /// dtype and shape.
    pub fn give_back(mut self, reader: &Reader) {
        for taken in self.taken.drain(..) {
            let Ok(variable) = self.nodes.variable_mut(taken.object) else { continue };
            variable.data = match taken.new {
                Some(new) if taken.is_whole => Data::Owned(new),
                _ => taken.data,
            };
            if taken.is_whole {
                let (dtype, shape) = reader.spec(taken.tensor);
                variable.set_spec(dtype, shape);
            }
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        for taken in self.taken.drain(..) {
            self.nodes.give_back(taken.object, taken.data);
        }
    }
}
