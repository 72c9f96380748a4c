//! Compares the tensors of two checkpoints.

use std::cmp::Ordering;

use checkpoint::{DType, Reader, Tensor};

use super::values::{self, Tolerance, ValueDiff};
use crate::bar::Bar;
use crate::choice::Both;
use crate::failure::Outcome;
use crate::rewrite::GRAPH;

/// The differences of the tensors. The object graph does not count as a tensor.
#[derive(Debug, Default)]
pub struct TensorDiff {
    pub only_in_a: Vec<About>,
    pub only_in_b: Vec<About>,
    pub changed: Vec<Changed>,
    /// The number of tensors without differences in what was compared.
    pub same: u64,
}

impl TensorDiff {
    pub fn is_same(&self) -> bool {
        self.only_in_a.is_empty() && self.only_in_b.is_empty() && self.changed.is_empty()
    }
}

/// The description of a tensor.
#[derive(Clone, Debug)]
pub struct About {
    pub key: Vec<u8>,
    pub dtype: DType,
    pub shape: Vec<i64>,
}

/// A tensor of both that is not the same.
#[derive(Debug)]
pub struct Changed {
    pub a: About,
    pub b: About,
    /// How values differ, if they were compared.
    pub values: Option<ValueDiff>,
}

impl About {
    fn new(tensor: Tensor<'_>) -> About {
        About { key: tensor.key().to_vec(), dtype: tensor.dtype(), shape: tensor.shape().to_vec() }
    }
}

/// Compares the tensors of two checkpoints, with a tolerance their values as well.
pub fn compare(a: &Reader, b: &Reader, choice: &Both<'_>, tolerance: Option<Tolerance>) -> Outcome<TensorDiff> {
    let is_compared = |tensor: &Tensor<'_>| tensor.key() != GRAPH && choice.takes(tensor.key());
    let listed = |reader: &'_ Reader| reader.tensors().filter(is_compared).map(|tensor| tensor.index()).collect::<Vec<_>>();
    let (in_a, in_b) = (listed(a), listed(b));
    let total: u64 = in_a.iter().filter_map(|&index| a.tensor(index)?.byte_size()).sum();
    let bar = Bar::new();
    let mut done = 0;
    let mut diff = TensorDiff::default();
    let (mut at_a, mut at_b) = (0, 0);
    loop {
        let of_a = in_a.get(at_a).and_then(|&index| a.tensor(index));
        let of_b = in_b.get(at_b).and_then(|&index| b.tensor(index));
        let order = match (&of_a, &of_b) {
            (None, None) => return Ok(diff),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(of_a), Some(of_b)) => of_a.key().cmp(of_b.key()),
        };
        if let (Ordering::Equal, Some(of_a), Some(of_b)) = (order, of_a, of_b) {
            let alike = (of_a.dtype(), of_a.shape()) == (of_b.dtype(), of_b.shape());
            let values = match tolerance.filter(|_| of_a.shape() == of_b.shape()) {
                Some(tolerance) => values::compare((a, of_a), (b, of_b), tolerance)?,
                None => None,
            };
            if alike && values.is_none_or(|values| values.differing == 0) {
                diff.same += 1
            } else {
                diff.changed.push(Changed { a: About::new(of_a), b: About::new(of_b), values })
            }
        }
        if let (Ordering::Less, Some(of_a)) = (order, of_a) {
            diff.only_in_a.push(About::new(of_a));
        }
        if let (Ordering::Greater, Some(of_b)) = (order, of_b) {
            diff.only_in_b.push(About::new(of_b));
        }
        if order.is_le() {
            at_a += 1;
            done += of_a.and_then(|of_a| of_a.byte_size()).unwrap_or(0);
            if tolerance.is_some() {
                let _ = bar.report(done, total); // a bar never asks to stop
            }
        }
        at_b += usize::from(order.is_ge());
    }
}
