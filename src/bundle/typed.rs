//! Writing values of a Rust type.

use super::source::Source;
use super::writer::Writer;
use crate::allocate::copy;
use crate::error::Result;
use crate::tensor::{Element, Slice};

impl<'a> Writer<'a> {
    /// Adds a tensor of values, row-major. They are borrowed until [`Writer::finish`] has returned.
    ///
    /// ```
    /// use checkpoint::{Reader, WriteOptions, Writer};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let prefix = directory.path().join("model");
    /// let kernel = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// let mut writer = Writer::new(&prefix, &WriteOptions::new())?;
    /// writer.add_values("net/kernel", &[2, 3], &kernel)?;
    /// writer.add_value("step", 100i64)?;
    /// writer.finish()?;
    /// assert_eq!(Reader::open(&prefix)?.read::<f32>("net/kernel")?, kernel);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Writer::add`].
    pub fn add_values<T: Element>(&mut self, key: impl AsRef<[u8]>, shape: &[i64], values: &'a [T]) -> Result<()> {
        self.add(key, T::DTYPE, shape, bytemuck::cast_slice(values))
    }

    /// Adds a scalar.
    ///
    /// # Errors
    /// Those of [`Writer::add`].
    pub fn add_value<T: Element>(&mut self, key: impl AsRef<[u8]>, value: T) -> Result<()> {
        let bytes = copy(bytemuck::bytes_of(&value))?;
        self.put(key.as_ref(), T::DTYPE, &[], Source::Owned(bytes))
    }

    /// Adds a slice of a partitioned tensor, as [`Writer::add_slice`] does. `shape` is the shape of
    /// the whole tensor; `values` are those of the slice.
    ///
    /// # Errors
    /// Those of [`Writer::add_slice`].
    pub fn add_values_slice<T: Element>(
        &mut self,
        key: impl AsRef<[u8]>,
        shape: &[i64],
        slice: &Slice,
        values: &'a [T],
    ) -> Result<()> {
        self.add_slice(key, T::DTYPE, shape, slice, bytemuck::cast_slice(values))
    }

    /// Adds an array of `ndarray`. It is borrowed until [`Writer::finish`] has returned; if its
    /// elements do not lie in row-major order, it is copied. Needs the feature `ndarray`.
    ///
    /// ```
    /// use checkpoint::{Reader, WriteOptions, Writer};
    /// use ndarray::{array, Array2};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let prefix = directory.path().join("model");
    /// let kernel: Array2<f32> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    /// let mut writer = Writer::new(&prefix, &WriteOptions::new())?;
    /// writer.add_array("kernel", kernel.t())?; // transposed: copied
    /// writer.finish()?;
    /// assert_eq!(Reader::open(&prefix)?.read_array::<f32, ndarray::Ix2>("kernel")?, kernel.t());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Writer::add`].
    #[cfg(feature = "ndarray")]
    pub fn add_array<T: Element, D: ndarray::Dimension>(
        &mut self,
        key: impl AsRef<[u8]>,
        array: ndarray::ArrayView<'a, T, D>,
    ) -> Result<()> {
        let shape = crate::allocate::list_of(array.shape().iter().map(|&n| n as i64))?;
        match array.to_slice() {
            Some(values) => self.add_values(key, &shape, values),
            None => {
                let values = crate::allocate::list_of(array.iter().copied())?;
                let bytes = copy(bytemuck::cast_slice(&values))?;
                self.put(key.as_ref(), T::DTYPE, &shape, Source::Owned(bytes))
            }
        }
    }
}
