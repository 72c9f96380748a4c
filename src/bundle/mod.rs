//! V2 checkpoints, TensorFlow's "tensor bundles": one index table and the data files it points into.

mod assemble;
#[cfg(test)]
pub(crate) mod crash_tests;
mod direct;
mod entry;
mod index;
mod items;
mod load;
mod merge;
mod naming;
mod payload;
mod publish;
mod reader;
mod records;
mod rows;
mod sections;
mod snapshot;
mod split;
mod store;
mod stream;
mod sweep;
mod transfer;
mod verify;
mod writer;

pub use entry::Endianness;
pub(crate) use merge::merge_on;
pub use merge::{merge, MergeOptions};
pub use publish::Durability;
pub use reader::{Checksums, ReadOptions};
pub use store::ReadAt;
pub(crate) use sweep::is_temporary;
pub use writer::{WriteOptions, Writer, Written};

pub(crate) use index::Row;
pub(crate) use naming::{data_name, index_path, numbered, split_data_name};
pub(crate) use publish::{attempt, temporary_name, Claim, Held};
pub(crate) use reader::{Bundle, Wanted};
pub(crate) use rows::Fate;
pub(crate) use sections::{make_sections, remove_section, remove_sections, section_prefix, sections_name};
pub(crate) use snapshot::{Snapshot, SnapshotMemory};
pub(crate) use verify::verify;
