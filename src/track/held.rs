//! The memory of a tracked value while the graph has it.

use std::any::Any;

use crate::error::{Error, Reason, Result};
use crate::graph::{Data, Failure, Memory, NodeId, Nodes, Resizable};
use crate::tensor::{zeroed, Item};

/// Values with their shape.
pub(super) type Shaped<I> = (Vec<<I as Item>::Bits>, Vec<i64>);

/// Values that the program has moved into the graph, or none while the program has them.
pub(super) struct Held<I: Item> {
    value: Option<Shaped<I>>,
    /// What a restore writes.
    next: Option<Shaped<I>>,
    /// Whether the program has taken its value back: a restore must not make another one.
    is_closed: bool,
}

impl<I: Item> Held<I> {
    pub fn new() -> Held<I> {
        Held { value: None, next: None, is_closed: false }
    }
}

impl<I: Item> Memory for Held<I> {
    fn bytes(&self) -> &[u8] {
        self.value.as_ref().map_or(&[], |(values, _)| bytemuck::cast_slice(values))
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let memory = self.next.as_mut().or(self.value.as_mut());
        memory.map_or(&mut [], |(values, _)| bytemuck::cast_slice_mut(values))
    }
}

impl<I: Item> Resizable for Held<I> {
    fn shape(&self) -> Option<Vec<i64>> {
        self.value.as_ref().map(|(_, shape)| shape.clone())
    }

    fn prepare(&mut self, shape: &[i64], size: usize) -> std::result::Result<(), Failure> {
        if self.is_closed {
            return Err("the program has not lent the value: save and restore in Tracker::with".into());
        }
        let count = match size.checked_div(size_of::<I::Bits>()) {
            Some(count) => count,
            // Items without elements: as many as the outermost dimension says.
            None => usize::try_from(shape.first().copied().unwrap_or(0))?,
        };
        self.next = Some((zeroed::<I>(count)?, shape.to_vec()));
        Ok(())
    }

    fn finish(&mut self, complete: bool) {
        let next = self.next.take();
        if complete {
            self.value = next;
        }
    }
}

/// Opens the memory of a variable for a value.
pub(super) fn open<I: Item>(nodes: &mut Nodes, node: NodeId) -> Result<()> {
    held::<I>(nodes, node)?.is_closed = false;
    Ok(())
}

/// Moves a value into memory that was opened.
pub(super) fn give<I: Item>(nodes: &mut Nodes, node: NodeId, value: Shaped<I>) -> Result<()> {
    held::<I>(nodes, node)?.value = Some(value);
    Ok(())
}

/// Takes the value of a variable back, if it has one.
pub(super) fn take<I: Item>(nodes: &mut Nodes, node: NodeId) -> Result<Option<Shaped<I>>> {
    let held = held::<I>(nodes, node)?;
    held.is_closed = true;
    Ok(held.value.take())
}

fn held<I: Item>(nodes: &mut Nodes, node: NodeId) -> Result<&mut Held<I>> {
    let lost = || {
        let what = "a tracked member has another type than before, or its variable was replaced in the graph";
        Error::argument(what).because(Reason::Node)
    };
    match &mut nodes.variable_mut(node)?.data {
        Data::Resizable(memory) => {
            let memory: &mut dyn Any = &mut **memory;
            memory.downcast_mut().ok_or_else(lost)
        }
        _ => Err(lost()),
    }
}
