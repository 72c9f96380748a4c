//! What a tensor is: dtype, shape, slice, strings. No input or output.

mod buffer;
mod dtype;
mod shape;
mod slice;
mod strings;

pub use dtype::DType;
pub use shape::MAX_RANK;
pub use slice::{Extent, Slice};
pub use strings::Strings;

pub(crate) use buffer::Buffer;
pub(crate) use shape::{checked_elements, elements, shape_text};
pub(crate) use slice::{check_disjoint, not_covered, Bounds, Run, StoredExtent};
