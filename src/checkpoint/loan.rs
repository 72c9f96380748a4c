//! The memory of variables while values are read into it.

use super::plan::{Plan, Stored};
use crate::graph::{Data, Map, NodeId, Nodes};
use crate::reader::Reader;
use crate::tensor::Buffer;

/// The memory of variables, taken from the graph while it is read into; given back in any case.
pub(super) struct Loan<'n> {
    nodes: &'n mut Nodes,
    pub taken: Vec<Taken>,
}

pub(super) struct Taken {
    pub number: usize,
    object: NodeId,
    pub tensor: usize,
    data: Data,
    /// Memory that takes the place of `data`, if all goes well.
    pub new: Option<Buffer>,
    pub is_whole: bool,
}

impl Taken {
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
    pub fn take(nodes: &'n mut Nodes, plans: &[Plan], numbers: &[usize], memory: &mut Map<usize, Buffer>) -> Loan<'n> {
        let mut taken = Vec::with_capacity(numbers.len());
        for &number in numbers {
            let Plan { object, stored: Stored::Variable(tensor), .. } = plans[number] else { continue };
            let new = if memory.is_empty() { None } else { memory.remove(&number) };
            taken.push(Taken { number, object, tensor, data: nodes.take_data(object), new, is_whole: false });
        }
        Loan { nodes, taken }
    }

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
