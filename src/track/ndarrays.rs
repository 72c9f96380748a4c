//! Arrays of `ndarray` as members.

use bytemuck::Zeroable;
use ndarray::{Array, ArrayD, Dimension, IxDyn};

use super::members::{Member, Members};
use super::tensors::{visit_values, Values};
use crate::allocate::list_of;
use crate::error::{Error, Reason, Result};
use crate::tensor::{into_bits, of_bits, Element};

impl<T: Element, D: Dimension> Values for Array<T, D> {
    type Item = T;

    fn shape(&self) -> Option<Vec<i64>> {
        Some(self.shape().iter().map(|&n| n as i64).collect())
    }

    fn accepts(_: bool) -> Option<Vec<i64>> {
        D::NDIM.map(|count| vec![-1; count])
    }

    fn take(&mut self) -> Result<Vec<T::Bits>> {
        if !self.is_standard_layout() {
            return Ok(into_bits(list_of(self.iter().copied())?));
        }
        let nothing = Array::from_shape_simple_fn(D::zeros(D::NDIM.unwrap_or(1)), || T::of_bits(Zeroable::zeroed()));
        let array = std::mem::replace(self, nothing);
        let count = array.len();
        let (mut values, offset) = array.into_raw_vec_and_offset();
        values.drain(..offset.unwrap_or(0));
        values.truncate(count);
        Ok(into_bits(values))
    }

    fn put(&mut self, values: Vec<T::Bits>, shape: Vec<i64>) -> Result<()> {
        let dimensions: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
        let array = ArrayD::from_shape_vec(IxDyn(&dimensions), of_bits(values)).and_then(Array::into_dimensionality);
        *self = array.map_err(|e| Error::argument(e.to_string()).because(Reason::Shape))?;
        Ok(())
    }
}

impl<T: Element, D: Dimension> Member for Array<T, D> {
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
        visit_values(self, None, name, to)
    }
}
