//! Values with a shape.

use std::ops::{Deref, DerefMut};

use super::members::{Member, Members};
use super::tensors::{visit_values, Values};
use crate::error::{Error, Reason, Result};
use crate::tensor::{checked_elements, into_bits, of_bits, shape_text, zeroed, Element, MAX_RANK};

/// Values with a shape, row-major: a member that takes its shape from the checkpoint. It is a slice
/// of its elements. Without a value, which is the default, it has no shape and no elements.
///
/// ```
/// use checkpoint::Array;
///
/// let mut kernel = Array::new(&[2, 3], vec![1f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// kernel[5] = 0.0;
/// assert_eq!((kernel.shape(), kernel.iter().sum::<f32>()), (&[2, 3][..], 15.0));
/// assert!(!Array::<f32>::default().has_value());
/// # Ok::<(), checkpoint::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    values: Vec<T>,
    shape: Option<Vec<i64>>,
}

impl<T> Default for Array<T> {
    fn default() -> Array<T> {
        Array { values: Vec::new(), shape: None }
    }
}

impl<T: Element> Array<T> {
    /// Makes an array of these elements.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` (`Shape`): the shape is invalid, or does not match the number of
    /// elements.
    pub fn new(shape: &[i64], values: Vec<T>) -> Result<Array<T>> {
        if elements_of(shape)? != values.len() as u64 {
            return Err(Error::argument("the number of elements does not match the shape")
                .because(Reason::Shape)
                .expecting(shape_text(shape), format_args!("{} elements", values.len())));
        }
        Ok(Array { values, shape: Some(shape.to_vec()) })
    }

    /// Makes an array of zeros.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`Shape`): the shape is invalid.
    /// * `RESOURCE_EXHAUSTED` (`Limit`): there is not enough memory.
    pub fn zeros(shape: &[i64]) -> Result<Array<T>> {
        let count = elements_of(shape)?;
        let count = usize::try_from(count).map_err(|_| Error::out_of_memory(count))?;
        Array::new(shape, of_bits(zeroed::<T>(count)?))
    }

    /// Whether there is a value.
    pub fn has_value(&self) -> bool {
        self.shape.is_some()
    }

    /// The dimensions; empty for a scalar, and while there is no value.
    pub fn shape(&self) -> &[i64] {
        self.shape.as_deref().unwrap_or_default()
    }

    /// The elements.
    pub fn into_values(self) -> Vec<T> {
        self.values
    }
}

fn elements_of(shape: &[i64]) -> Result<u64> {
    checked_elements(shape).filter(|_| shape.len() <= MAX_RANK).ok_or_else(|| {
        Error::argument("the shape is invalid").because(Reason::Shape).expecting("a valid shape", shape_text(shape))
    })
}

impl<T> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T> DerefMut for Array<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

impl<T: Element> Values for Array<T> {
    type Item = T;

    fn shape(&self) -> Option<Vec<i64>> {
        self.shape.clone()
    }

    fn accepts(_: bool) -> Option<Vec<i64>> {
        None
    }

    fn take(&mut self) -> Result<Vec<T::Bits>> {
        Ok(into_bits(std::mem::take(self).values))
    }

    fn put(&mut self, values: Vec<T::Bits>, shape: Vec<i64>) -> Result<()> {
        *self = Array { values: of_bits(values), shape: Some(shape) };
        Ok(())
    }
}

impl<T: Element> Member for Array<T> {
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
        visit_values(self, None, name, to)
    }
}
