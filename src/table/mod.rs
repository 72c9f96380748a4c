//! The sorted table that holds V2 indexes and V1 checkpoints: LevelDB's format, with blocks of 256
//! KiB and no filters.

mod block;
mod budget;
mod handle;
mod reader;
mod writer;

pub(crate) use block::{Block, Entry};
pub(crate) use budget::Budget;
pub(crate) use reader::{BlockBuffer, Table};
pub(crate) use writer::TableWriter;
