//! Saves in the background. Nothing here depends on how fast anything is.

mod world;

mod ending;
mod managing;
mod saving;
