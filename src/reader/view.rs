//! Tensors as they lie in the file.

use std::ops::Deref;

use bytemuck::AnyBitPattern;

use crate::error::{Code, Error, Reason, Result};
use crate::storage::Map;

/// The bytes of one tensor, mapped from the data file: nothing is copied, pages are read as they are touched.
///
/// A view stays valid after its reader is gone. While it lives, nobody may truncate or rewrite the data file: touching a page
/// that is no longer there ends the process with SIGBUS. Replacing the file by rename, as every careful writer does, is harmless.
#[derive(Debug)]
pub struct View(Map);

impl View {
    pub(crate) fn new(map: Map) -> View {
        View(map)
    }

    /// The largest power of two, up to 4096, that the address is a multiple of. TensorFlow packs tensors without gaps, so it can be 1.
    pub fn alignment(&self) -> usize {
        1 << (self.as_ptr() as usize).trailing_zeros().min(12)
    }

    /// The elements as a slice of `T`.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when the bytes are not aligned for `T` or not a whole number of them: read the tensor instead.
    pub fn as_slice<T: AnyBitPattern>(&self) -> Result<&[T]> {
        bytemuck::try_cast_slice(self).map_err(|_| {
            Error::new(Code::FailedPrecondition, Reason::Alignment, "the view cannot be used as a slice of this type").expecting(
                format_args!("{} bytes each, aligned to {}", size_of::<T>(), align_of::<T>()),
                format_args!("{} bytes aligned to {}", self.len(), self.alignment()),
            )
        })
    }
}

impl Deref for View {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.bytes()
    }
}
