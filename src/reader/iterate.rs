//! Iterating over what there is in a checkpoint.

use std::ops::Range;

use super::{Reader, Tensor, Verification};
use crate::error::Error;

/// The tensors of a reader, in bytewise order of their keys: `for tensor in &reader`.
#[derive(Clone, Debug)]
pub struct Tensors<'a> {
    reader: &'a Reader,
    left: Range<usize>,
}

impl<'a> Iterator for Tensors<'a> {
    type Item = Tensor<'a>;

    fn next(&mut self) -> Option<Tensor<'a>> {
        let index = self.left.next()?;
        self.reader.tensor(index)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<'a> DoubleEndedIterator for Tensors<'a> {
    fn next_back(&mut self) -> Option<Tensor<'a>> {
        let index = self.left.next_back()?;
        self.reader.tensor(index)
    }
}

impl ExactSizeIterator for Tensors<'_> {}

impl<'a> IntoIterator for &'a Reader {
    type Item = Tensor<'a>;
    type IntoIter = Tensors<'a>;

    fn into_iter(self) -> Tensors<'a> {
        Tensors { reader: self, left: 0..self.len() }
    }
}

/// The problems that were found.
impl<'a> IntoIterator for &'a Verification {
    type Item = &'a Error;
    type IntoIter = std::slice::Iter<'a, Error>;

    fn into_iter(self) -> std::slice::Iter<'a, Error> {
        self.problems.iter()
    }
}
