//! V2 checkpoints, TensorFlow's "tensor bundles": one index table and the data files it points into.

mod assemble;
mod entry;
mod index;
mod load;
mod naming;
mod payload;
mod reader;
mod records;
mod transfer;
mod verify;

pub use entry::Endianness;
pub use reader::{Checksums, ReadOptions};

pub(crate) use index::Row;
pub(crate) use naming::{data_name, index_path, numbered, split_data_name};
pub(crate) use reader::{Bundle, Wanted};
pub(crate) use verify::verify;
