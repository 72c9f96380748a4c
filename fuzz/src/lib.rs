//! What the fuzz targets share: files in memory, mended checksums, and a reader that looks at
//! everything.

pub mod common;
pub mod exercise;
pub mod input;
pub mod mend;
pub mod scratch;

/// Every execution is held to the bound on memory.
#[global_allocator]
static COUNTER: common::counter::Counter = common::counter::Counter;
