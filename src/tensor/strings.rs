//! The elements of a string tensor in one allocation.

use crate::error::{Error, Result};

/// The elements of a string tensor, or the serialized elements of a variant tensor
/// (`VariantTensorDataProto`), in row-major order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    bytes: Vec<u8>,
    /// The end of each element in `bytes`.
    ends: Vec<u64>,
}

impl Strings {
    /// Combines the bytes of all elements with the end of each element in them. The last end must
    /// be `bytes.len()`.
    pub(crate) fn from_parts(bytes: Vec<u8>, ends: Vec<u64>) -> Strings {
        debug_assert_eq!(ends.last().copied().unwrap_or(0), bytes.len() as u64);
        Strings { bytes, ends }
    }

    /// Allocates elements of the given lengths, to be filled through [`Strings::element_mut`].
    pub(crate) fn with_lengths(mut lengths: Vec<u64>) -> Result<Strings> {
        let mut end = 0u64;
        for length in &mut lengths {
            end = end.checked_add(*length).ok_or_else(|| Error::out_of_memory(u64::MAX))?;
            *length = end;
        }
        let mut bytes = Vec::new();
        let total = usize::try_from(end).map_err(|_| Error::out_of_memory(end))?;
        bytes.try_reserve_exact(total).map_err(|_| Error::out_of_memory(end))?;
        bytes.resize(total, 0);
        Ok(Strings { bytes, ends: lengths })
    }

    /// Copies `elements`.
    pub fn copy_of<S: AsRef<[u8]>>(elements: &[S]) -> Result<Strings> {
        let mut lengths = Vec::new();
        let count = elements.len();
        lengths.try_reserve_exact(count).map_err(|_| Error::out_of_memory((count as u64).saturating_mul(8)))?;
        lengths.extend(elements.iter().map(|element| element.as_ref().len() as u64));
        let mut strings = Strings::with_lengths(lengths)?;
        let mut at = 0;
        for element in elements.iter().map(AsRef::as_ref) {
            strings.bytes[at..at + element.len()].copy_from_slice(element);
            at += element.len();
        }
        Ok(strings)
    }

    fn range(&self, index: usize) -> Option<std::ops::Range<usize>> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        Some(start..end)
    }

    pub(crate) fn element_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        let range = self.range(index)?;
        self.bytes.get_mut(range)
    }

    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the element at `index`, counted in row-major order; `None` if `index` is out of
    /// range.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.bytes.get(self.range(index)?)
    }

    /// Returns the elements in row-major order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        (0..self.len()).map(|i| self.get(i).unwrap_or_default())
    }
}
