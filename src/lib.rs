//! TensorFlow's checkpoints without TensorFlow: read, written, restored and managed.
//!
//! # Reading
//!
//! [`Reader`] opens any checkpoint that TensorFlow writes: object-based, name-based, partitioned,
//! sharded, in format V1 or V2. It lists the tensors and reads them, whole or in slices, into
//! memory of the caller, as bytes or as values of a Rust type ([`Element`]). [`verify`] compares
//! every checksum; [`ObjectGraph`] is what the checkpoint says about the program that saved it.
//!
//! ```
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("model");
//! # let mut writer = checkpoint::Writer::new(&path, &checkpoint::WriteOptions::new())?;
//! # writer.add("net/kernel", checkpoint::DType::Float, &[3, 4], &[0; 48])?;
//! # writer.finish()?;
//! use checkpoint::Reader;
//!
//! let reader = Reader::open(&path)?; // a prefix, a directory, an .index file, a SavedModel
//! for tensor in &reader {
//!     let key = String::from_utf8_lossy(tensor.key());
//!     println!("{key} {} {:?}", tensor.dtype(), tensor.shape());
//! }
//! let kernel: Vec<f32> = reader.read("net/kernel")?;
//! # assert_eq!(kernel.len(), 12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Writing tensors
//!
//! [`Writer`] writes a checkpoint of named tensors, without a graph of objects, straight from the
//! caller's memory. [`merge`] makes one checkpoint of the sections of several workers.
//!
//! ```
//! use checkpoint::{WriteOptions, Writer};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("model");
//! let weights = [0f32; 12];
//! let mut writer = Writer::new(&path, &WriteOptions::new())?;
//! writer.add_values("net/kernel", &[3, 4], &weights)?;
//! writer.finish()?; // now it is on disk and complete; before, there is nothing of it
//! # assert!(checkpoint::checkpoint_exists(&path)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Saving and restoring a program
//!
//! A [`Graph`] has the objects of a program, with named edges between them. A [`Checkpoint`] saves
//! what a root object leads to, and restores it by matching the edges (`tf.train.Checkpoint`). The
//! [`Status`] of a restore tells whether everything matched; its [`Report`] has a row for each
//! value. Objects that are tracked later are restored then.
//!
//! ```
//! use checkpoint::{Checkpoint, DType, Graph, RestoreOptions, SaveOptions, Variable};
//!
//! # let directory = tempfile::tempdir()?;
//! # let prefix = directory.path().join("ckpt");
//! let graph = Graph::new();
//! let (root, layer) = (graph.add_object()?, graph.add_object()?);
//! let kernel = graph.add_variable(Variable::zeros(DType::Float, &[1, 5])?)?;
//! graph.track(root, "layer", layer)?;
//! graph.track(layer, "kernel", kernel)?;
//!
//! let program = Checkpoint::new(&graph, root)?;
//! let path = program.save(&prefix, &SaveOptions::new())?; // PREFIX-1
//! let status = program.restore(&path, &RestoreOptions::new())?;
//! status.assert_consumed()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The values of variables are owned by the graph, borrowed from the program ([`Memory`]; if they
//! may grow, [`Resizable`]), or on a device ([`Device`]); an object with other state saves it as
//! tensors ([`State`]). [`Checkpoint::save_async`] saves in the background,
//! [`Checkpoint::save_ranked`] together with other processes; everything else that takes long has a
//! form that ends in `_async`, too, and gives a [`Pending`]. A [`Cancel`] in the options stops a
//! long call. [`Saver`] saves and restores by names instead of edges.
//!
//! A struct of values need not be put into a graph by hand: [`Track`] and its derive name the
//! members, [`load`] and [`write`] take it at once, and a [`Tracker`] lends it to its graph for
//! each call.
//!
//! # Managing a training run
//!
//! A [`Manager`] numbers the checkpoints of a directory, resumes from the latest, and removes
//! those that expire (`tf.train.CheckpointManager`).
//!
//! ```
//! use checkpoint::{Manager, ManagerOptions, ManagerSaveOptions, ResumeOptions};
//! # use checkpoint::{Checkpoint, DType, Graph, Variable};
//!
//! # let directory = tempfile::tempdir()?;
//! # let graph = Graph::new();
//! # let root = graph.add_object()?;
//! # let step = graph.add_variable(Variable::zeros(DType::Int64, &[])?)?;
//! # graph.track(root, "step", step)?;
//! # let program = Checkpoint::new(&graph, root)?;
//! let manager = Manager::open(&program, &directory, &ManagerOptions::new().max_to_keep(3))?;
//! manager.restore_or_initialize(&ResumeOptions::new())?; // resume, or start
//! for step in graph.read_integer(step)?..1000 {
//!     // ... one step ...
//!     if step % 100 == 99 {
//!         manager.save(&ManagerSaveOptions::new())?; // and removes the oldest
//!     }
//! }
//! # assert_eq!(manager.checkpoints().len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/train.rs` is a whole training loop that is killed and resumes with the same bits,
//! `examples/serve.rs` a server that follows one.
//! [`latest_valid_checkpoint`], [`repair_checkpoint_state`] and [`wait_for_new_checkpoint`] are
//! for programs that look after such a directory or follow it.
//!
//! [`Track`]: trait@Track
//! [`write`]: fn@write
//!
//! # Features
//! All are off by default.
//! * `derive`: `#[derive(Track)]`. Off, because it compiles `syn`.
//! * `half`: `half::f16` and `half::bf16` are elements.
//! * `num-complex`: `Complex<f32>` and `Complex<f64>` are elements.
//! * `ndarray`: tensors are read as arrays and views, written from them, and arrays are members.
//!
//! # Errors
//!
//! Every function that can fail returns an [`Error`] with a [`Code`], a [`Reason`], and the file
//! and tensor at fault. `docs/errors.md` lists codes and reasons with their causes and remedies;
//! `docs/architecture.md` describes the modules.
#![warn(missing_docs)]
#![deny(unsafe_code)]

mod allocate;
mod background;
mod bundle;
mod checkpoint;
mod directory;
mod error;
mod foreign;
mod format;
mod graph;
#[cfg(test)]
mod laboratory;
mod log;
mod manager;
mod os_bytes;
mod reader;
mod sort;
mod storage;
mod table;
mod tensor;
mod track;
mod v1;

pub use background::{Cancel, Pending, PendingProgress, Phase, PhaseCost};
pub use bundle::{Checksums, Durability, Endianness, Locking, MergeOptions, ReadAt, ReadOptions, WriteOptions, Writer, Written};
pub use checkpoint::{
    restore_nodes, Busy, Checkpoint, CheckpointView, Comparison, Log, Mismatch, Ranks, Report, ReportJson, ReportTable,
    RestoreKind, RestoreOptions, Row, RowPath, RowState, SaveOptions, SaveProgress, Saver, SaverOptions, SaverSaveOptions,
    Severity, Status, WriteCallback,
};
#[cfg(feature = "derive")]
pub use checkpoint_derive::Track;
pub use directory::{
    checkpoint_exists, checkpoint_mtimes, collect_checkpoints, get_checkpoint_state, latest_valid_checkpoint,
    latest_valid_checkpoint_async, remove_checkpoint, remove_checkpoint_with, repair_checkpoint_state, update_checkpoint_state,
    wait_for_new_checkpoint, Better, BrokenCheckpoint, CheckpointState, CheckpointsIterator, Clock, CollectOptions, Collected,
    NotRemoved, Pin, RemoveOptions, RepairOptions, RepairedState, StateUpdate, SystemClock, ValidCheckpoint, WaitOptions,
};
pub use error::{printable, Code, Error, Reason, Result};
pub use format::message::Version;
pub use format::state_file;
pub use graph::{
    CreateSlot, Description, Device, Failure, Graph, Memory, NodeId, ObjectSaver, Resizable, Sink, Source, SourceTensor, State,
    StateOptions, Variable,
};
pub use manager::{Init, Manager, ManagerOptions, ManagerSaveOptions, ResumeOptions, Resumption};
pub use reader::{
    latest_checkpoint, latest_checkpoint_with, merge, merge_async, resolve_checkpoint, verify, verify_async, Attribute, Edge,
    Format, Measure, Node, ObjectGraph, OpenOptions, OwnedReadRequest, Progress, ReadRequest, Reader, RegisteredSaver, Rekeyed,
    Resolution, SlotVariable, Tensor, Tensors, Verdict, Verification, VerifyOptions, View,
};
pub use tensor::{convert_values, Conversion, DType, Element, Extent, Slice, Strings, MAX_RANK};
pub use track::{load, load_partial, load_with, write, Array, Member, Members, Track, Tracker};

/// The examples of README.md compile, one of them with a derive.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// What cannot be a member does not compile.
///
/// ```compile_fail
/// #[derive(checkpoint::Track)]
/// struct Named {
///     name: String,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(checkpoint::Track)]
/// struct Counted {
///     count: usize,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(checkpoint::Track)]
/// struct Borrowed<'a> {
///     values: &'a [f32],
/// }
/// ```
///
/// ```compile_fail
/// #[derive(checkpoint::Track)]
/// struct Ragged {
///     rows: Vec<Vec<f32>>,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(checkpoint::Track)]
/// struct Layer { // without Default, which makes the elements that a checkpoint has
///     bias: Vec<f32>,
/// }
/// #[derive(checkpoint::Track)]
/// struct Tower {
///     layers: Vec<Layer>,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(checkpoint::Track)]
/// enum Mode {
///     Train,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(checkpoint::Track)]
/// struct Shaped {
///     #[track(shape = [2, 3])]
///     values: [f32; 6],
/// }
/// ```
///
/// A tracker is of one type:
///
/// ```compile_fail
/// # fn with(tracker: &checkpoint::Tracker<Layer>, other: &mut Net) -> checkpoint::Result<()> {
/// tracker.with(other, |_| Ok(()))
/// # }
/// # #[derive(checkpoint::Track)]
/// # struct Layer { bias: Vec<f32> }
/// # #[derive(checkpoint::Track)]
/// # struct Net { layer: Layer }
/// ```
///
/// These are members, with the same lines around them:
///
/// ```
/// #[derive(checkpoint::Track)]
/// struct Shaped {
///     #[track(shape = [2, 3])]
///     values: Vec<f32>,
/// }
/// #[derive(checkpoint::Track, Default)]
/// struct Layer {
///     bias: Vec<f32>,
/// }
/// #[derive(checkpoint::Track)]
/// struct Tower<T> {
///     layers: Vec<Layer>,
///     list: [Shaped; 2],
///     rest: T,
///     #[track(skip)]
///     name: String,
/// }
/// # type Own = Tower<f32>;
/// # fn with(tracker: &checkpoint::Tracker<Own>, tower: &mut Own) -> checkpoint::Result<()> {
/// tracker.with(tower, |_| Ok(()))
/// # }
/// ```
#[cfg(all(doctest, feature = "derive"))]
struct Refused;
