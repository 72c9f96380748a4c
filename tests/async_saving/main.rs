//! Calls in the background: saves, restores and all others. Nothing here depends on how fast
//! anything is.

mod world;

mod calls;
mod costs;
mod ending;
mod managing;
mod restoring;
mod saving;
