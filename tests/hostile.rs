//! A malformed checkpoint costs its reader an error that says what is wrong, and where.
//!
//! The rows are those of format.md: §11.2 (weaknesses), §11.1 (what is checked), §11.3 (order), §3 (versions), §8.4 (V1).

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
