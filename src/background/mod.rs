//! Long calls: cancelling them, and running them in the background on the library's own threads.

mod cancel;
mod control;
mod job;
mod meter;
mod pending;
mod pool;

pub use cancel::Cancel;
pub(crate) use control::Control;
pub(crate) use job::{guarded, Job};
pub(crate) use meter::{InPhase, Meter};
pub use meter::{Phase, PhaseCost};
pub use pending::{Pending, PendingProgress};
pub(crate) use pool::{wait_for_room, with_room_held, Room};
