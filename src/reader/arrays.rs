//! Reading tensors as arrays of `ndarray`, and viewing them as such.

use bytemuck::AnyBitPattern;
use ndarray::{Array, ArrayView, ArrayViewD, Dimension, IxDyn};

use super::{Reader, Tensor, View};
use crate::allocate::try_list_of;
use crate::bundle::ReadOptions;
use crate::error::{Error, Reason, Result};
use crate::tensor::{shape_text, Element, Slice};

impl Tensor<'_> {
    /// Reads the tensor as an array of `ndarray`. `D` is the number of its dimensions, or
    /// `ndarray::IxDyn` for any. Needs the feature `ndarray`.
    ///
    /// ```
    /// use ndarray::Array2;
    ///
    /// let reader = checkpoint::Reader::open("tests/data/guide")?;
    /// let kernel: Array2<f32> = reader.get("net/l1/kernel")?.array()?;
    /// assert_eq!(kernel.dim(), (1, 5));
    /// # Ok::<(), checkpoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Tensor::values`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the tensor has another number of dimensions.
    pub fn array<T: Element, D: Dimension>(&self) -> Result<Array<T, D>> {
        self.array_with(None, &ReadOptions::new())
    }

    /// Reads the tensor, or a slice of it, as an array of `ndarray`, with options as
    /// [`Tensor::values_with`] takes them. Needs the feature `ndarray`.
    ///
    /// # Errors
    /// The errors of [`Tensor::values_with`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the tensor has another number of dimensions.
    pub fn array_with<T: Element, D: Dimension>(&self, slice: Option<&Slice>, options: &ReadOptions) -> Result<Array<T, D>> {
        let wrong = |e: Error| self.at_fault(e);
        check_rank::<D>(self.shape()).map_err(wrong)?;
        let shape = self.region(slice)?.length;
        let values = self.values_with(slice, options)?;
        let array = Array::from_shape_vec(dimensions(&shape).map_err(wrong)?, values);
        let array = array.and_then(Array::into_dimensionality::<D>);
        array.map_err(|e| wrong(Error::argument(e.to_string()).because(Reason::Shape)))
    }
}

impl Reader {
    /// Reads the tensor with this key or [name](Reader::get) as an array of `ndarray`. Needs the
    /// feature `ndarray`.
    ///
    /// # Errors
    /// The errors of [`Reader::get`] and [`Tensor::array`].
    pub fn read_array<T: Element, D: Dimension>(&self, name: impl AsRef<[u8]>) -> Result<Array<T, D>> {
        self.get(name)?.array()
    }
}

impl View {
    /// The mapped tensor as a view of `ndarray`, without copying. Needs the feature `ndarray`.
    ///
    /// # Errors
    /// The errors of [`View::values`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the tensor has another number of dimensions.
    pub fn array<T: Element + AnyBitPattern, D: Dimension>(&self) -> Result<ArrayView<'_, T, D>> {
        let wrong = |e: Error| e.for_tensor(&self.key);
        check_rank::<D>(&self.shape).map_err(wrong)?;
        let array = ArrayViewD::from_shape(dimensions(&self.shape).map_err(wrong)?, self.values()?);
        let array = array.and_then(ArrayView::into_dimensionality::<D>);
        array.map_err(|e| wrong(Error::argument(e.to_string()).because(Reason::Shape)))
    }
}

/// Fails unless a tensor of this shape has the number of dimensions of `D`.
fn check_rank<D: Dimension>(shape: &[i64]) -> Result<()> {
    match D::NDIM {
        Some(expected) if expected != shape.len() => Err(Error::argument("the array has another number of dimensions")
            .because(Reason::Shape)
            .expecting(format_args!("{expected} dimensions"), shape_text(shape))),
        _ => Ok(()),
    }
}

fn dimensions(shape: &[i64]) -> Result<IxDyn> {
    let too_large = |n: i64| Error::out_of_memory(n as u64);
    Ok(IxDyn(&try_list_of(shape.iter().map(|&n| usize::try_from(n).map_err(|_| too_large(n))))?))
}
