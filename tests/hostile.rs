//! A malformed checkpoint costs its reader an error that says what is wrong, and where.
//!
//! `weaknesses`: files that crash TensorFlow 2.21 or that it reads wrongly. `conditions`: what TensorFlow checks, and more.
//! `strict_open`: the order of the checks, versions. `legal`: odd, but not to be refused. `old_format`: V1 files.

mod common;

#[path = "hostile/conditions.rs"]
mod conditions;
#[path = "hostile/legal.rs"]
mod legal;
#[path = "hostile/old_format.rs"]
mod old_format;
#[path = "hostile/strict_open.rs"]
mod strict_open;
#[path = "hostile/weaknesses.rs"]
mod weaknesses;
