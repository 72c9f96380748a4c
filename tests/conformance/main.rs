//! TensorFlow's own tests of checkpoints, by their names, against this library. README.md says where each of them is.
//!
//! What they expect is what TensorFlow asserts. Python's objects become nodes of a graph: assigning an attribute is `track`,
//! or `overwrite` where there is one already; `del object` is `remove`.

#[path = "../common/mod.rs"]
mod common;
mod world;

mod checkpointing;
mod data_structures;
mod invariants;
mod keras;
mod legacy;
mod management;
mod name_based;
mod python_state;
mod readers;
mod root_objects;
mod saver;
mod saving;
mod serialize_to_tensors;
mod sharding;
mod slots;
mod tracking;
mod training_loops;
mod views;
mod warnings;
