//! Maintaining a directory: finding its newest valid checkpoint, repairing its state file, deleting
//! expired checkpoints.

mod candidates;
mod collect;
mod latest_valid;
mod order;
mod repair;

pub use candidates::BrokenCheckpoint;
#[cfg(test)]
pub(crate) use collect::{collect_at, collect_on};
pub use collect::{collect_checkpoints, CollectOptions, Collected, NotRemoved};
pub use latest_valid::{latest_valid_checkpoint, latest_valid_checkpoint_async, ValidCheckpoint};
#[cfg(test)]
pub(crate) use repair::repair_on;
pub use repair::{repair_checkpoint_state, RepairOptions, RepairedState};
