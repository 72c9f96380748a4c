//! Holds the memory of variables while values are read into it.

use super::plan::{Plan, Stored};
use crate::bundle::Destination;
use crate::graph::{Data, Map, NodeId, Nodes};
use crate::reader::Reader;
use crate::tensor::{Buffer, Cast};

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
    cast: Option<Cast>,
    /// New memory that replaces `data` if the whole value was read.
    pub new: Option<Buffer>,
    /// Whether the whole value was read.
    pub is_whole: bool,
}

impl Taken {
    /// The memory to read into.
    pub fn memory(&mut self) -> Destination<'_> {
        let memory = match (&mut self.new, &mut self.data) {
            (Some(buffer), _) => buffer.bytes_mut(),
            (None, Data::Owned(buffer)) => buffer.bytes_mut(),
            (None, Data::Borrowed(memory)) => memory.bytes_mut(),
            (None, _) => &mut [],
        };
        Destination::new(memory, self.cast)
    }
}

impl<'n> Loan<'n> {
    /// Takes the memory of the variables of these plans out of the graph. `memory` and `casts` are
    /// by the numbers of plans.
    pub fn take(
        nodes: &'n mut Nodes,
        plans: &[Plan],
        numbers: &[usize],
        memory: &mut Map<usize, Buffer>,
        casts: &Map<usize, Cast>,
    ) -> Loan<'n> {
        let mut taken = Vec::with_capacity(numbers.len());
        for &number in numbers {
            let Plan { object, stored: Stored::Variable(tensor), .. } = plans[number] else { continue };
            let new = if memory.is_empty() { None } else { memory.remove(&number) };
            let cast = if casts.is_empty() { None } else { casts.get(&number).copied() };
            taken.push(Taken { number, object, tensor, data: nodes.take_data(object), cast, new, is_whole: false });
        }
        Loan { nodes, taken }
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
                variable.set_spec(taken.cast.map_or(dtype, Cast::to), shape);
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
