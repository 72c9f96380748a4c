//! Power failures and failing operations while a manager saves (P1 to P5 and P15 of
//! RELIABILITY.md).
//!
//! Runs of whole programs are recorded. Every state that a power failure may leave is created in a
//! real directory and judged by the program that would then resume. `CKPT_CRASH_STATES=100000 cargo
//! test crash_tests` examines more states.

mod faults;
mod program;
mod states;
mod steps;
