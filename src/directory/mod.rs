//! Directories of checkpoints: the state file, removing and retaining checkpoints, waiting for new
//! ones.
//!
//! Nothing here depends on what a checkpoint contains.

mod files;
mod ledger;
mod maintenance;
mod mark;
mod pin;
mod removal;
mod replace;
mod retention;
mod session;
mod sidecar;
mod state;
mod state_update;
mod watch;

pub(crate) use files::remove_on;
pub use files::{checkpoint_exists, checkpoint_mtimes, remove_checkpoint, remove_checkpoint_with, RemoveOptions};
#[cfg(test)]
pub(crate) use maintenance::{collect_at, collect_on, repair_on};
pub use maintenance::{
    collect_checkpoints, latest_valid_checkpoint, latest_valid_checkpoint_async, repair_checkpoint_state, BrokenCheckpoint,
    CollectOptions, Collected, NotRemoved, RepairOptions, RepairedState, ValidCheckpoint,
};
pub use pin::Pin;
pub use retention::Better;
pub use state::{get_checkpoint_state, update_checkpoint_state, CheckpointState};
pub use state_update::StateUpdate;
pub use watch::{wait_for_new_checkpoint, CheckpointsIterator, Clock, SystemClock, WaitOptions};

pub(crate) use ledger::{Ledger, Recording};
pub(crate) use replace::{identity, replace};
pub(crate) use retention::Retention;
pub(crate) use state::record_save;
#[cfg(test)]
pub(crate) use state::update_state;
