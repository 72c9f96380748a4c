//! V1 checkpoints: tables that contain the values themselves, as protobuf messages. Read only.

mod meta;
mod reader;
mod values;

pub(crate) use reader::Checkpoint;
