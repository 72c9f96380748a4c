//! The state of a directory of checkpoints: which is the latest, which there are, removing one, waiting for the next.
//!
//! Nothing here knows what is in a checkpoint.

mod files;
mod session;
mod state;
mod watch;

pub use files::{checkpoint_exists, checkpoint_mtimes, remove_checkpoint};
pub use state::{get_checkpoint_state, update_checkpoint_state, CheckpointState, StateUpdate};
pub use watch::{wait_for_new_checkpoint, CheckpointsIterator, Clock, SystemClock, WaitOptions};

pub(crate) use state::{record_save, update_state};
