//! Views of tensors in their data file, mapped into memory.

use std::ops::Deref;

use bytemuck::AnyBitPattern;

use crate::error::{Code, Error, Reason, Result};
use crate::storage::Map;
use crate::tensor::{DType, Element};

/// The bytes of one tensor, mapped from the data file. Nothing is copied; the operating system
/// reads pages when they are accessed.
///
/// A view stays valid after its reader is dropped. While the view exists, the data file must not be
/// truncated or rewritten in place: accessing a page that no longer exists ends the process with
/// SIGBUS. Replacing the file by rename is safe.
#[derive(Debug)]
pub struct View {
    map: Map,
    pub(super) key: Box<[u8]>,
    dtype: DType,
    pub(super) shape: Box<[i64]>,
}

impl View {
    pub(super) fn new(map: Map, key: &[u8], dtype: DType, shape: &[i64]) -> View {
        View { map, key: key.into(), dtype, shape: shape.into() }
    }

    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The dimensions; empty for a scalar.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// The elements, row-major, which are in the file as `T` is in memory.
    ///
    /// ```
    /// use checkpoint::{Reader, WriteOptions, Writer};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let prefix = directory.path().join("model");
    /// let kernel = [1f32, 2.0, 3.0];
    /// let mut writer = Writer::new(&prefix, &WriteOptions::new().alignment(64))?;
    /// writer.add_values("kernel", &[3], &kernel)?;
    /// writer.finish()?;
    /// let view = Reader::open(&prefix)?.get("kernel")?.map(true)?;
    /// assert_eq!(view.values::<f32>()?, kernel);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`DType`): the tensor has another dtype, and not one whose bits `T`
    ///   [stands for](DType::fits).
    /// * `FAILED_PRECONDITION` (`Alignment`): the bytes are not aligned for `T`. Read the tensor
    ///   instead.
    pub fn values<T: Element + AnyBitPattern>(&self) -> Result<&[T]> {
        self.dtype.check_fits(T::DTYPE).and_then(|()| self.as_slice()).map_err(|e| e.for_tensor(&self.key))
    }

    /// The largest power of two, at most 4096, that divides the address of the first byte. It can
    /// be 1, because TensorFlow packs tensors without gaps.
    pub fn alignment(&self) -> usize {
        1 << (self.as_ptr() as usize).trailing_zeros().min(12)
    }

    /// The bytes as a slice of any plain type, whatever the dtype. [`View::values`] looks at it.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` (`Alignment`): the bytes are not aligned for `T`, or their number is
    /// not a multiple of its size. Read the tensor instead.
    pub fn as_slice<T: AnyBitPattern>(&self) -> Result<&[T]> {
        bytemuck::try_cast_slice(self).map_err(|_| {
            Error::new(
                Code::FailedPrecondition,
                Reason::Alignment,
                "the view cannot be used as a slice of this type; read the tensor instead",
            )
            .expecting(
                format_args!("{} bytes each, aligned to {}", size_of::<T>(), align_of::<T>()),
                format_args!("{} bytes aligned to {}", self.len(), self.alignment()),
            )
        })
    }
}

impl Deref for View {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.bytes()
    }
}
