//! A malformed checkpoint costs its reader an error that says what is wrong, and where.
//!
//! `weaknesses`: files that crash TensorFlow 2.21 or that it reads wrongly. `conditions`: what
//! TensorFlow checks, and more. `strict_open`: the order of the checks, versions. `legal`: odd, but
//! not to be refused. `old_format`: V1 files.

#[path = "../common/mod.rs"]
mod common;

mod conditions;
mod legal;
mod old_format;
mod strict_open;
mod weaknesses;
