//! Power cuts and failing operations while a manager saves (P1 to P5 and P15 of RELIABILITY.md): runs of whole programs are recorded; every state that a
//! power cut may leave is made in a real directory, and judged by the program that would then resume. `CKPT_CRASH_STATES=100000 cargo test
//! crash_tests` looks at more states.

mod faults;
mod program;
mod states;
mod steps;
