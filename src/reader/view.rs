//! Views of tensors in their data file, mapped into memory.

use std::ops::Deref;

use bytemuck::AnyBitPattern;

use crate::error::{Code, Error, Reason, Result};
use crate::storage::Map;

/// The bytes of one tensor, mapped from the data file. Nothing is copied; the operating system
/// reads pages when they are accessed.
///
/// A view stays valid after its reader is dropped. While the view exists, the data file must not be
/// truncated or rewritten in place: accessing a page that no longer exists ends the process with
/// SIGBUS. Replacing the file by rename is safe.
#[derive(Debug)]
pub struct View(Map);

impl View {
    pub(crate) fn new(map: Map) -> View {
        View(map)
    }

    /// The largest power of two, at most 4096, that divides the address of the first byte. It can
    /// be 1, because TensorFlow packs tensors without gaps.
    pub fn alignment(&self) -> usize {
        1 << (self.as_ptr() as usize).trailing_zeros().min(12)
    }

    /// The elements as a slice of `T`.
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
        self.0.bytes()
    }
}
