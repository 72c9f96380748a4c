//! Looking after a directory: its newest whole checkpoint, a state file made anew, removing what is
//! too many.

mod candidates;
mod gc;
mod latest_valid;
mod repair;

pub use gc::{collect_checkpoints, Collected, GcOptions};
pub use latest_valid::{latest_valid, Broken, LatestValid};
pub use repair::{repair_checkpoint_state, Repaired};
