//! Reading tensors as values of a Rust type.

use super::{Reader, Tensor};
use crate::bundle::ReadOptions;
use crate::error::{Error, Reason, Result};
use crate::tensor::{fill, of_bits, shape_text, zeroed, Element, Slice};

impl Tensor<'_> {
    /// Reads the elements, row-major. The tensor must have the dtype of `T`, or one whose bits an
    /// unsigned `T` [stands for](crate::DType::fits).
    ///
    /// ```
    /// let reader = checkpoint::Reader::open("tests/data/guide")?;
    /// let kernel: Vec<f32> = reader.get("net/l1/kernel")?.values()?;
    /// assert_eq!(kernel.len(), 5);
    /// # Ok::<(), checkpoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Tensor::read`]; `INVALID_ARGUMENT` (`DType`) names both dtypes.
    pub fn values<T: Element>(&self) -> Result<Vec<T>> {
        self.values_with(None, &ReadOptions::new())
    }

    /// Reads the elements, or those of a slice, with options. A tensor of another dtype is
    /// converted as [`ReadOptions::conversion`] allows; [`ReadOptions::dtype`] is set to that of
    /// `T`.
    ///
    /// ```
    /// use checkpoint::{Conversion, ReadOptions, Reader};
    ///
    /// let reader = Reader::open("tests/data/guide")?;
    /// let kernel = reader.get("net/l1/kernel")?; // float32 [1, 5]
    /// let last_two = kernel.values_with::<f32>(Some(&"-:3,2".parse()?), &ReadOptions::new())?;
    /// assert_eq!(last_two.len(), 2);
    /// let exact = ReadOptions::new().conversion(Conversion::Exact);
    /// let wide = kernel.values_with::<f64>(None, &exact)?;
    /// assert_eq!(wide[3], f64::from(last_two[0]));
    /// # Ok::<(), checkpoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Tensor::read_slice_into`], and:
    /// * `RESOURCE_EXHAUSTED` (`Limit`): there is not enough memory for the values.
    pub fn values_with<T: Element>(&self, slice: Option<&Slice>, options: &ReadOptions) -> Result<Vec<T>> {
        let options = self.as_elements::<T>(options);
        self.cast(&options)?;
        let lack = |e: Error| self.at_fault(e);
        let count = self.measure(slice)?.elements;
        let count = usize::try_from(count).map_err(|_| lack(Error::out_of_memory(count)))?;
        let mut bits = zeroed::<T>(count).map_err(lack)?;
        self.read_bytes(slice, bytemuck::cast_slice_mut(&mut bits), &options)?;
        Ok(of_bits(bits))
    }

    /// Reads the elements, or those of a slice, into memory of the caller, which must have room for
    /// exactly as many. On failure its content is unspecified.
    ///
    /// ```
    /// use checkpoint::{ReadOptions, Reader};
    ///
    /// let reader = Reader::open("tests/data/guide")?;
    /// let mut bias = [0f32; 5];
    /// reader.get("net/l1/bias")?.values_into(None, &mut bias, &ReadOptions::new())?;
    /// # Ok::<(), checkpoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Tensor::read_slice_into`]. Those of dtype and size leave the memory as it
    /// is.
    pub fn values_into<T: Element>(&self, slice: Option<&Slice>, values: &mut [T], options: &ReadOptions) -> Result<()> {
        let options = self.as_elements::<T>(options);
        self.check_destination(slice, size_of_val(values), &options)?;
        fill(values, |bytes| self.read_bytes(slice, bytes, &options))
    }

    /// Reads the value of a scalar.
    ///
    /// # Errors
    /// The errors of [`Tensor::values`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the tensor is not a scalar.
    pub fn value<T: Element>(&self) -> Result<T> {
        let not_scalar = || {
            self.at_fault(
                Error::argument("the tensor is not a scalar").because(Reason::Shape).expecting("[]", shape_text(self.shape())),
            )
        };
        if !self.shape().is_empty() {
            return Err(not_scalar());
        }
        self.values()?.first().copied().ok_or_else(not_scalar)
    }

    /// The options that read the tensor as elements of `T`.
    fn as_elements<T: Element>(&self, options: &ReadOptions) -> ReadOptions {
        // Without a dtype, small tensors take the shorter way.
        let dtype = Some(T::DTYPE).filter(|dtype| *dtype != self.dtype());
        options.clone().dtype(dtype)
    }

    fn read_bytes(&self, slice: Option<&Slice>, bytes: &mut [u8], options: &ReadOptions) -> Result<()> {
        match slice {
            None => self.read_into(bytes, options),
            Some(slice) => self.read_slice_into(slice, bytes, options),
        }
    }
}

impl Reader {
    /// Reads the tensor with this key or [name](Reader::get) as elements of `T`, row-major.
    ///
    /// ```
    /// let reader = checkpoint::Reader::open("tests/data/guide")?;
    /// let kernel = reader.read::<f32>("net/l1/kernel")?;
    /// let step = reader.read_value::<i32>("step")?;
    /// assert_eq!((kernel.len(), step), (5, 50));
    /// # Ok::<(), checkpoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Reader::get`] and [`Tensor::values`].
    pub fn read<T: Element>(&self, name: impl AsRef<[u8]>) -> Result<Vec<T>> {
        self.get(name)?.values()
    }

    /// Reads the tensor with this key or [name](Reader::get) into memory of the caller.
    ///
    /// # Errors
    /// The errors of [`Reader::get`] and [`Tensor::values_into`].
    pub fn read_into<T: Element>(&self, name: impl AsRef<[u8]>, values: &mut [T], options: &ReadOptions) -> Result<()> {
        self.get(name)?.values_into(None, values, options)
    }

    /// Reads the scalar with this key or [name](Reader::get).
    ///
    /// # Errors
    /// The errors of [`Reader::get`] and [`Tensor::value`].
    pub fn read_value<T: Element>(&self, name: impl AsRef<[u8]>) -> Result<T> {
        self.get(name)?.value()
    }
}
