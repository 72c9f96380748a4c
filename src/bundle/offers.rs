//! What saving by ranks needs from a writer: to list what was added, to remove some of it, and to
//! write to another place.

use std::collections::BTreeSet;

use super::durability::Durability;
use super::writer::Writer;
use crate::error::Result;
use crate::format::ordered_code::slice_key;
use crate::storage::Location;
use crate::tensor::{DType, Slice};

/// A value added to a writer: its dtype and shape, and its key or the key of a slice.
pub(crate) struct Offer<'w> {
    pub key: &'w [u8],
    pub dtype: DType,
    pub shape: &'w [i64],
}

impl Writer<'_> {
    /// Returns the values in the order in which they were added.
    pub(crate) fn offers(&self) -> impl ExactSizeIterator<Item = Offer<'_>> {
        (0..self.items.len()).map(|number| {
            let given = self.items.get(number);
            Offer { key: given.key, dtype: given.dtype, shape: given.shape }
        })
    }

    /// Removes values, by their numbers.
    pub(crate) fn leave_out(&mut self, numbers: &BTreeSet<u32>) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let left: BTreeSet<Vec<u8>> = crate::sort::set_of(numbers.iter().map(|&number| self.items.key(number as usize).to_vec()));
        self.items.keep(&|number| !numbers.contains(&(number as u32)))?;
        for (key, tensor) in &mut self.partitioned {
            tensor.slices.retain(|extents| !left.contains(&slice_key(key, Slice::from(&extents[..]).extents())));
        }
        self.partitioned.retain(|_, tensor| !tensor.slices.is_empty());
        Ok(())
    }

    /// Changes the destination to `prefix`, and the durability. The checkpoint there is merged
    /// before a power failure can lose it, or need not survive one. No state file ever lists it.
    pub(crate) fn move_to(&mut self, prefix: &Location, durability: Durability) {
        self.prefix = prefix.to_owned();
        self.options.durability = durability;
        self.options.announced = false;
    }
}
