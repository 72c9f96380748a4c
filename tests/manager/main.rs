//! The manager beyond TensorFlow's own tests: what it removes and never removes, holds, metrics,
//! resuming from what is whole.

#[path = "../common/mod.rs"]
mod common;
mod program;

mod foreign;
mod locks;
mod metrics;
mod opening;
mod pins;
mod resuming;
mod saving;
mod tidying;
mod unlisted;
