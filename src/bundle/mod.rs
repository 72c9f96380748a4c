//! V2 checkpoints, which TensorFlow calls "tensor bundles": an index table, and data files that it
//! points into.

mod assemble;
mod completeness;
#[cfg(test)]
pub(crate) mod crash_tests;
mod data_files;
mod destination;
mod direct;
mod durability;
mod entry;
mod finish;
mod groups;
mod index;
mod items;
mod load;
mod lock;
mod locking;
mod merge;
mod naming;
mod offers;
mod payload;
mod piecewise;
mod plan;
mod publish;
mod read_back;
mod read_options;
mod reader;
mod records;
mod rows;
mod seal;
mod sections;
mod snapshot;
mod source;
mod split;
mod step;
mod store;
mod stream;
mod sweep;
mod temporary;
mod transfer;
mod verify;
mod write_options;
mod writer;

pub use durability::Durability;
pub use entry::Endianness;
pub use finish::Written;
pub use locking::Locking;
pub use merge::MergeOptions;
pub(crate) use merge::{merge, merge_on};
pub use read_options::{Checksums, ReadOptions};
pub use source::ReadAt;
pub use write_options::WriteOptions;
pub use writer::Writer;

pub(crate) use destination::Destination;
pub(crate) use index::Row;
pub(crate) use lock::{list, open, Access, Claim, Held};
pub(crate) use locking::{Asked, Notes};
pub(crate) use naming::{data_name, directory_and_name, index_path, numbered, section_number, split_data_name, split_prefix};
pub(crate) use reader::{Bundle, Wanted};
pub(crate) use rows::Fate;
pub(crate) use sections::{make_sections, remove_section, remove_sections, section_prefix, sections_name};
pub(crate) use snapshot::{Snapshot, SnapshotMemory};
pub(crate) use sweep::{sweep_older, sweepable};
pub(crate) use temporary::{announced, attempt, is_temporary, number_of, Role, Temporary};
pub(crate) use verify::verify;
