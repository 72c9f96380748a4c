//! Holds the memory of variables while values are read into it.

use super::plan::{Plan, Stored};
use crate::allocate::with_room;
use crate::bundle::Destination;
use crate::error::{Error, Result};
use crate::graph::{prepare, Data, Map, NodeId, Nodes};
use crate::reader::Reader;
use crate::tensor::{elements, Buffer, Cast};

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
    /// Whether resizable memory was prepared for a value of another shape.
    is_prepared: bool,
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
            (None, Data::Resizable(memory)) => memory.bytes_mut(),
            (None, _) => &mut [],
        };
        Destination::new(memory, self.cast)
    }

    /// Whether the variable keeps its value if reading fails.
    pub fn keeps_value(&self) -> bool {
        self.new.is_some() || self.is_prepared
    }

    /// Ends the use of prepared memory: it becomes the value if it was read as a whole.
    fn finish(&mut self) {
        if let (true, Data::Resizable(memory)) = (std::mem::take(&mut self.is_prepared), &mut self.data) {
            memory.finish(self.is_whole);
        }
    }
}

impl<'n> Loan<'n> {
    /// Takes the memory of the variables of these plans out of the graph. Resizable memory that
    /// does not have the shape of the stored value prepares itself for it. `memory` and `casts` are
    /// by the numbers of plans.
    pub fn take(
        nodes: &'n mut Nodes,
        reader: &Reader,
        plans: &[Plan],
        numbers: &[usize],
        memory: &mut Map<usize, Buffer>,
        casts: &Map<usize, Cast>,
    ) -> Result<Loan<'n>> {
        let mut loan = Loan { nodes, taken: with_room(numbers.len())? };
        for &number in numbers {
            let Plan { object, stored: Stored::Variable(tensor), .. } = plans[number] else { continue };
            let new = if memory.is_empty() { None } else { memory.remove(&number) };
            let cast = if casts.is_empty() { None } else { casts.get(&number).copied() };
            let data = loan.nodes.take_data(object);
            loan.taken.push(Taken { number, object, tensor, data, cast, new, is_prepared: false, is_whole: false });
            let (Ok(variable), Some(taken)) = (loan.nodes.variable(object), loan.taken.last_mut()) else { continue };
            if let Data::Resizable(memory) = &mut taken.data {
                let (dtype, shape) = reader.spec(tensor);
                let (dtype, shape) = (cast.map_or(dtype, Cast::to), variable.restored_shape(shape));
                let bytes = elements(shape).saturating_mul(dtype.size().unwrap_or(1) as u64);
                let size = usize::try_from(bytes).map_err(|_| Error::out_of_memory(bytes))?;
                let prepared = prepare(&mut **memory, shape, size);
                taken.is_prepared = prepared.map_err(|e| e.for_tensor(plans[number].key(reader)))?;
            }
        }
        Ok(loan)
    }

    /// Returns the memory to the graph. Variables whose whole value was read get their new memory,
    /// dtype and shape.
    pub fn give_back(mut self, reader: &Reader) {
        for mut taken in self.taken.drain(..) {
            taken.finish();
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
        for mut taken in self.taken.drain(..) {
            taken.finish();
            self.nodes.give_back(taken.object, taken.data);
        }
    }
}
