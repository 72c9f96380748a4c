//! TensorFlow's checkpoints without TensorFlow.
//!
//! [`Reader`] opens any checkpoint that TensorFlow wrote — object-based, name-based, partitioned, sharded, format V1 or V2 —
//! lists its tensors and reads them, whole or by slices, into memory of the caller's. [`verify`] checks every checksum.
//!
//! ```no_run
//! let reader = checkpoint::Reader::open("run/ckpts")?; // a prefix, a directory, an .index file, a SavedModel
//! for tensor in reader.tensors() {
//!     println!("{} {} {:?}", String::from_utf8_lossy(tensor.key()), tensor.dtype(), tensor.shape());
//! }
//! let kernel = reader.get("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE")?.read()?;
//! # let _ = kernel;
//! # Ok::<(), checkpoint::Error>(())
//! ```
//!
//! The same abilities behind a C ABI are in `include/checkpoint.h`. `docs/architecture.md` says how the modules hang together.
#![warn(missing_docs)]
#![deny(unsafe_code)]

mod allocate;
mod bundle;
mod checkpoint;
mod directory;
mod error;
mod format;
mod graph;
#[cfg(test)]
mod laboratory;
mod manager;
mod reader;
mod sort;
mod storage;
mod table;
mod tensor;
mod v1;

pub use bundle::{merge, Checksums, Durability, Endianness, MergeOptions, ReadAt, ReadOptions, WriteOptions, Writer, Written};
pub use checkpoint::{
    restore_nodes, Busy, Checkpoint, CheckpointView, Comparison, Log, Mismatch, Pending, PendingProgress, Ranks, Report,
    RestoreKind, RestoreOptions, Row, RowState, SaveOptions, SaveProgress, Saver, SaverOptions, SaverSaveOptions, Severity,
    Status, WriteCallback,
};
pub use directory::{
    checkpoint_exists, checkpoint_mtimes, collect_checkpoints, get_checkpoint_state, latest_valid_checkpoint, remove_checkpoint,
    repair_checkpoint_state, update_checkpoint_state, wait_for_new_checkpoint, Better, BrokenCheckpoint, CheckpointState,
    CheckpointsIterator, Clock, CollectOptions, Collected, Pin, RepairedState, StateUpdate, SystemClock, ValidCheckpoint,
    WaitOptions,
};
pub use error::{printable, Code, Error, Reason, Result};
pub use format::message::Version;
pub use format::state_file;
pub use graph::{
    CreateSlot, Description, Device, Failure, Graph, Memory, NodeId, ObjectSaver, Sink, Source, SourceTensor, State,
    StateOptions, Variable,
};
pub use manager::{Init, Manager, ManagerOptions, ManagerSaveOptions, ResumeOptions, Resumption};
pub use reader::{
    latest_checkpoint, verify, Attribute, Edge, Format, Node, ObjectGraph, OpenOptions, Progress, ReadRequest, Reader,
    RegisteredSaver, Rekeyed, SlotVariable, Tensor, Verification, VerifyOptions, View,
};
pub use tensor::{DType, Extent, Slice, Strings, MAX_RANK};

/// The examples of README.md compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
