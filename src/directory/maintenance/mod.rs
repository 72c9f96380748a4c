//! Looking after a directory: its newest whole checkpoint, a state file made anew, removing what is
//! too many.

mod candidates;
mod collect;
mod latest_valid;
mod repair;

pub use collect::{collect_checkpoints, CollectOptions, Collected};
pub use latest_valid::{latest_valid_checkpoint, BrokenCheckpoint, ValidCheckpoint};
pub use repair::{repair_checkpoint_state, RepairedState};
