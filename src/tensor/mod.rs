//! Descriptions of tensors: dtype, shape, slice, strings. No input or output.

mod bounds;
mod buffer;
mod cast;
mod conversion;
mod dtype;
mod element;
mod extent;
mod overlap;
mod shape;
mod slice;
mod small_float;
mod strings;

pub use conversion::{convert_values, Conversion};
pub use dtype::DType;
pub use element::Element;
pub use extent::Extent;
pub use shape::MAX_RANK;
pub use slice::Slice;
pub use strings::Strings;

pub(crate) use bounds::{Bounds, Run};
pub(crate) use buffer::Buffer;
pub(crate) use conversion::{explained, Cast};
pub(crate) use element::{copy_values, fill, into_bits, of_bits, zeroed, Item};
pub(crate) use extent::StoredExtent;
pub(crate) use overlap::{check_disjoint, not_all, not_covered};
pub(crate) use shape::{checked_elements, elements, shape_text};
