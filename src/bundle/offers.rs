//! What ranks ask of a writer: to say what it has been given, to leave some of it out, to write
//! elsewhere.

use std::collections::BTreeSet;
use std::path::Path;

use super::durability::Durability;
use super::writer::Writer;
use crate::format::ordered_code::slice_key;
use crate::tensor::{DType, Slice};

/// A value that a writer has been given: its key, or the key of a slice, and what it is.
pub(crate) struct Offer<'w> {
    pub key: &'w [u8],
    pub dtype: DType,
    pub shape: &'w [i64],
}

impl Writer<'_> {
    /// What it has been given, in the order in which it was.
    pub(crate) fn offers(&self) -> impl ExactSizeIterator<Item = Offer<'_>> {
        (0..self.items.len()).map(|number| {
            let given = self.items.get(number);
            Offer { key: given.key, dtype: given.dtype, shape: given.shape }
        })
    }

    /// Lets go of values, by their numbers.
    pub(crate) fn leave_out(&mut self, numbers: &BTreeSet<u32>) {
        if numbers.is_empty() {
            return;
        }
        let left: BTreeSet<Vec<u8>> = numbers.iter().map(|&number| self.items.key(number as usize).to_vec()).collect();
        self.items.keep(&|number| !numbers.contains(&(number as u32)));
        for (key, tensor) in &mut self.partitioned {
            tensor.slices.retain(|extents| !left.contains(&slice_key(key, Slice::from(&extents[..]).extents())));
        }
        self.partitioned.retain(|_, tensor| !tensor.slices.is_empty());
    }

    /// Has it write another checkpoint, which is merged before a power cut could take it, or need not survive one.
    pub(crate) fn move_to(&mut self, prefix: &Path, durability: Durability) {
        self.prefix = prefix.to_owned();
        self.options.durability = durability;
    }
}
