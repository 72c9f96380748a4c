//! `tf.train.Checkpoint`: saves a graph of objects and restores it by matching the names of edges.

mod assertions;
mod assign;
mod by_name;
mod candidates;
mod checks;
mod loan;
mod matches;
mod name_map;
mod objects;
mod options;
mod paths;
mod pending;
#[cfg(test)]
mod pending_tests;
mod plan;
mod planning;
mod ranks;
mod report;
mod report_text;
mod restore;
mod restore_report;
mod restoring;
mod row_path;
mod rows;
mod save;
mod saver;
mod selection;
mod slots;
mod status;
mod view;

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::background::Job;
use crate::bundle::{Access, Notes};
use crate::directory;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Data, Graph, Kind, NodeId, Nodes, Root, Variable};
use crate::storage::{Location, Origin, Storage};
use crate::tensor::DType;

pub use options::{Busy, Log, Mismatch, RestoreOptions, SaveOptions, SaveProgress, Severity, WriteCallback};
pub(crate) use pending::{After, Watch};
pub use ranks::Ranks;
pub(crate) use ranks::{Lead, Party, Place};
pub use report::{Report, Row, RowState};
pub use report_text::{ReportJson, ReportTable};
pub use row_path::RowPath;
pub use saver::{Saver, SaverOptions, SaverSaveOptions};
pub use status::{RestoreKind, Status};
pub use view::{restore_nodes, CheckpointView, Comparison};

use by_name::NameRestore;
use pending::Slot;
use restore::Restore;

/// The name of the edge from the root to the save counter.
const SAVE_COUNTER: &str = "save_counter";
/// The name of the edge from a `tf.train.Checkpoint(root)` object to its root. The root stands for
/// both here, so in files this edge leads from the root to itself.
const ROOT: &str = "root";

/// Saves and restores everything that can be reached from a root object of a graph.
/// (`tf.train.Checkpoint`)
///
/// Clones refer to the same checkpoint object, which keeps its graph alive. Several threads may use
/// it at once: each call takes the graph's lock for its whole length, callbacks included. A call
/// from inside a callback of the graph fails with `FAILED_PRECONDITION` and [`Reason::Reentrant`].
///
/// A checkpoint runs one save in the background at a time ([`Checkpoint::save_async`]). Calls that
/// save or restore wait for it without the graph's lock, and so does dropping the last clone. A
/// save in the background that failed costs no other save: see [`Pending`](crate::Pending).
///
/// ```
/// use checkpoint::{Checkpoint, DType, Graph, RestoreOptions, SaveOptions, Variable};
///
/// let directory = tempfile::tempdir()?;
/// let graph = Graph::new();
/// let root = graph.add_object()?;
/// let step = graph.add_variable(Variable::owned(DType::Int64, &[], &7i64.to_ne_bytes())?)?;
/// graph.track(root, "step", step)?;
///
/// let program = Checkpoint::new(&graph, root)?;
/// let path = program.save(directory.path().join("ckpt"), &SaveOptions::new())?;
/// assert_eq!(path, directory.path().join("ckpt-1"));
///
/// graph.assign(step, DType::Int64, &[], &8i64.to_ne_bytes())?;
/// program.restore(&path, &RestoreOptions::new())?.assert_consumed()?;
/// assert_eq!(graph.read_integer(step)?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Checkpoint(Arc<Handle>);

/// What the clones share. A restore in the background has only what is inside.
struct Handle(Arc<Inner>);

impl Deref for Handle {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Drop for Handle {
    /// Waits for the restore in the background: it writes into memory that the program may free
    /// next.
    fn drop(&mut self) {
        if self.graph.restoring().is_some() {
            let restores = std::mem::take(&mut *self.restores.lock());
            restores.iter().for_each(|restore| {
                restore.wait_until(None);
            });
        }
    }
}

struct Inner {
    graph: Graph,
    root: NodeId,
    /// Whether the files are those of `Checkpoint(root, **attached)` rather than of
    /// `Checkpoint(**kwargs)`.
    is_attached: bool,
    state: Mutex<State>,
    slot: Slot,
    /// The restores in the background that may not have ended.
    restores: Mutex<Vec<Arc<Job>>>,
    /// What there is to say about locks.
    notes: Notes,
    origin: Origin,
}

#[derive(Default)]
struct State {
    /// Edges that this checkpoint adds to the root; the graph does not have them.
    attached: Vec<(Box<str>, NodeId)>,
    /// The save counter, once it is known.
    counter: Option<NodeId>,
    log: Option<Log>,
    last: LastRestore,
}

/// What is known of the last restore. Weak references do not keep a restore alive that nobody
/// needs.
#[derive(Default)]
enum LastRestore {
    #[default]
    None,
    Objects(Weak<Restore>),
    Names(Weak<NameRestore>),
    Failed(Report),
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpoint({:?}, {:?})", self.0.graph, self.0.root)
    }
}

impl Checkpoint {
    /// Makes the checkpoint object for everything that can be reached from `root`. Its files are
    /// those of `tf.train.Checkpoint(**kwargs)`: `root` stands for the checkpoint itself, and its
    /// edges, in the order in which they were made, for the keyword arguments (which TensorFlow
    /// sorts).
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: `root` is not an object of the graph.
    pub fn new(graph: &Graph, root: NodeId) -> Result<Checkpoint> {
        Checkpoint::make(graph, root, false, Vec::new())
    }

    /// Makes the checkpoint object for `root` and attaches more edges to it. Its files are those of
    /// `tf.train.Checkpoint(root, **attached)`. A checkpoint object made by [`Checkpoint::new`] can
    /// restore them, and the other way round.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: `root` or an attached node is not an object of the graph, or two names
    ///   are equal.
    /// * `ALREADY_EXISTS` ([`Reason::NameTaken`]): the root already has an edge of one of these
    ///   names, to another object.
    pub fn with_root(graph: &Graph, root: NodeId, attached: &[(&str, NodeId)]) -> Result<Checkpoint> {
        let mut all: Vec<(Box<str>, NodeId)> = attached.iter().map(|(name, object)| (Box::from(*name), *object)).collect();
        all.push((ROOT.into(), root));
        crate::sort::sort_by(&mut all, |a, b| a.0.cmp(&b.0))?;
        if let Some(pair) = all.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::argument(format!(
                "two attached objects have the same name: \"{}\"",
                printable(pair[0].0.as_bytes())
            )));
        }
        Checkpoint::make(graph, root, true, all)
    }

    fn make(graph: &Graph, root: NodeId, is_attached: bool, mut attached: Vec<(Box<str>, NodeId)>) -> Result<Checkpoint> {
        graph.with(|nodes| {
            let edges = nodes.need(root)?.edges();
            for (name, object) in &attached {
                nodes.need(*object)?;
                if edges.get(name).is_some_and(|own| own != object) {
                    let name = printable(name.as_bytes());
                    return Err(Error::new(
                        Code::AlreadyExists,
                        Reason::NameTaken,
                        format!("Cannot create a Checkpoint with keyword argument {name} if root.{name} already exists"),
                    ));
                }
            }
            attached.retain(|(name, _)| !edges.contains_key(name));
            Ok(())
        })?;
        let state = State { attached, ..State::default() };
        let inner = Inner {
            graph: graph.clone(),
            root,
            is_attached,
            state: Mutex::new(state),
            slot: Slot::default(),
            restores: Mutex::default(),
            notes: Notes::default(),
            origin: Origin::here(),
        };
        Ok(Checkpoint(Arc::new(Handle(Arc::new(inner)))))
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// Returns the root object.
    pub fn root(&self) -> NodeId {
        self.0.root
    }

    /// Sets the log. Restores report to it values that were never used and references that do not
    /// agree, saves in the background that they failed. `None`, the default, turns it off. A
    /// restore and a save in the background keep the log that was set when they were called.
    pub fn set_log(&self, log: Option<Log>) {
        // The old log is dropped without the lock: this may run the destructors of what its closure
        // owns.
        let old = std::mem::replace(&mut self.0.state.lock().log, log);
        drop(old);
    }

    /// Fails if this process was forked from the one that made the checkpoint object.
    pub(crate) fn check_origin(&self) -> Result<()> {
        self.0.origin.check()
    }

    /// Runs a save with options that take locks as this checkpoint object does, and then says in
    /// the log what there is to say about that. Without the graph's lock.
    fn with_locks<R>(&self, options: &SaveOptions, save: impl FnOnce(&SaveOptions) -> Result<R>) -> Result<R> {
        self.check_origin()?;
        let saved = save(&options.with_access(Access::new(options.write.asked, &self.0.notes)));
        let log = self.0.state.lock().log.clone();
        log_notes(&self.0.notes, log.as_ref());
        saved
    }

    /// Returns the edges that the checkpoint attaches to the root.
    fn attached(&self) -> Vec<(Box<str>, NodeId)> {
        self.0.state.lock().attached.clone()
    }

    fn as_root<'a>(&self, attached: &'a [(Box<str>, NodeId)]) -> Root<'a> {
        Root { node: self.0.root, attached }
    }

    /// Returns the variable that counts saves, `save_counter`: an int64 scalar. The first call
    /// makes and tracks it, and restores it if a deferred restore has a value for it. If the root
    /// already has an edge of this name to an integer scalar, that scalar is the counter.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS`: the root has an edge of this name to another kind of object.
    /// * Those of [`Checkpoint::restore`]: the deferred restore of the counter fails.
    pub fn save_counter(&self) -> Result<NodeId> {
        self.0.graph.with(|nodes| self.counter(nodes))
    }

    /// Returns how many times this checkpoint was saved, according to the save counter.
    ///
    /// # Errors
    /// Those of [`Checkpoint::save_counter`].
    pub fn save_count(&self) -> Result<i64> {
        self.0.graph.with(|nodes| {
            let counter = self.counter(nodes)?;
            nodes.read_integer(counter)
        })
    }

    /// [`Checkpoint::save_counter`] with the graph's lock already held.
    pub(crate) fn counter(&self, nodes: &mut Nodes) -> Result<NodeId> {
        if let Some(counter) = self.0.state.lock().counter.filter(|&counter| nodes.get(counter).is_some()) {
            return Ok(counter);
        }
        let root = self.0.root;
        if let Some(&there) = nodes.need(root)?.edges().get(SAVE_COUNTER) {
            nodes.read_integer(there).map_err(|e| cannot_count(&e.to_string()))?;
            self.0.state.lock().counter = Some(there);
            return Ok(there);
        }
        let made = if self.0.is_attached {
            Variable::zeros(DType::Int64, &[])?
        } else {
            // It takes the value that waits for it as it is; TensorFlow makes a counter of any
            // shape.
            Variable::without_value(Some(DType::Int64), None)?
        };
        let counter = nodes.add(Kind::Variable(made.name(SAVE_COUNTER)))?;
        let restored = if self.0.is_attached {
            let mut state = self.0.state.lock();
            state.attached.retain(|(name, _)| &**name != SAVE_COUNTER);
            state.attached.push((SAVE_COUNTER.into(), counter));
            drop(state);
            let waiting = nodes.take_deferred(root, SAVE_COUNTER);
            nodes.restore_waiting(waiting, counter)
        } else {
            nodes.track(root, SAVE_COUNTER, counter, false)
        };
        let variable = nodes.variable_mut(counter)?;
        if matches!(variable.data, Data::None) {
            *variable = Variable::zeros(DType::Int64, &[])?.name(SAVE_COUNTER);
        }
        variable.accepts.clone_from(&variable.shape);
        self.0.state.lock().counter = Some(counter);
        restored.map(|()| counter)
    }

    /// Increments the save counter and returns its new value.
    pub(crate) fn advance(&self, nodes: &mut Nodes) -> Result<i64> {
        let counter = self.counter(nodes)?;
        let next = nodes.read_integer(counter)?.checked_add(1);
        let next = next.ok_or_else(|| Error::argument("the save counter is at its maximum"))?;
        nodes.write_integer(counter, next)?;
        Ok(next)
    }

    /// Sets the save counter.
    pub(crate) fn set_count(&self, nodes: &mut Nodes, count: i64) -> Result<()> {
        let counter = self.counter(nodes)?;
        nodes.write_integer(counter, count)
    }

    /// Writes the checkpoint `prefix` and returns the prefix. Does not increment the save counter
    /// and does not change the state file. (`tf.train.Checkpoint.write`)
    ///
    /// After an error, an existing checkpoint at the prefix is unchanged and no new one exists.
    /// Exception: if a write callback ([`SaveOptions::callback`]) failed, the new checkpoint is
    /// complete and stays.
    ///
    /// # Errors
    /// Those of [`Writer::finish`](crate::Writer::finish), and:
    /// * `FAILED_PRECONDITION`: a variable has no value yet, or the graph contains a list or slot
    ///   that cannot be saved.
    /// * `ABORTED`: a callback failed.
    /// * `CANCELLED`: the progress callback stopped the save.
    /// * `UNAVAILABLE` ([`Reason::Busy`]): an earlier save is still running in the background and
    ///   the options say [`Busy::Fail`].
    pub fn write(&self, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<PathBuf> {
        let prefix = Location::of(prefix)?;
        let storage = &*prefix.storage()?;
        self.with_locks(options, |options| {
            self.when_idle(Some(options.busy), |nodes| self.write_files(nodes, storage, &prefix, options))
        })?;
        Ok(prefix.into_path())
    }

    /// Writes the checkpoint `prefix-number`, calls the write callbacks, and makes it the latest
    /// and only checkpoint in the directory's state file. Returns its path. Does not increment the
    /// save counter. (`CheckpointableSaver.save(checkpoint_number=)` of TensorFlow 1.8)
    ///
    /// # Errors
    /// Those of [`Checkpoint::write`], and:
    /// * `INVALID_ARGUMENT`: the checkpoint's path is that of the state file.
    pub fn write_numbered(&self, prefix: impl AsRef<Path>, number: i64, options: &SaveOptions) -> Result<PathBuf> {
        let prefix = Location::of(prefix)?;
        let storage = &*prefix.storage()?;
        self.with_locks(options, |options| {
            self.when_idle(Some(options.busy), |nodes| self.save_as(nodes, storage, numbered(&prefix, number), options))
        })
    }

    /// Increments the save counter, writes the checkpoint `prefix-COUNT` (the first is `prefix-1`),
    /// calls the write callbacks, and makes it the latest and only checkpoint in the directory's
    /// state file. Returns its path. (`tf.train.Checkpoint.save`)
    ///
    /// After an error the counter stays incremented, unless the error is about an earlier save.
    ///
    /// # Errors
    /// Those of [`Checkpoint::write`], and:
    /// * `INVALID_ARGUMENT`: the checkpoint's path is that of the state file.
    pub fn save(&self, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<PathBuf> {
        let prefix = Location::of(prefix)?;
        self.save_on(&*prefix.storage()?, &prefix, options)
    }

    pub(crate) fn save_on(&self, storage: &dyn Storage, prefix: &Location, options: &SaveOptions) -> Result<PathBuf> {
        self.with_locks(options, |options| {
            self.when_idle(Some(options.busy), |nodes| {
                let count = self.advance(nodes)?;
                self.save_as(nodes, storage, numbered(prefix, count), options)
            })
        })
    }

    /// Writes the checkpoint `path` and records it in the state file.
    fn save_as(&self, nodes: &mut Nodes, storage: &dyn Storage, path: Location, options: &SaveOptions) -> Result<PathBuf> {
        self.write_files(nodes, storage, &path, options)?;
        directory::record_save(storage, &path, options.write.durability, &options.access())?;
        Ok(path.into_path())
    }

    /// Writes the files of a checkpoint and calls the write callbacks.
    pub(crate) fn write_files(
        &self,
        nodes: &mut Nodes,
        storage: &dyn Storage,
        path: &Location,
        options: &SaveOptions,
    ) -> Result<()> {
        let attached = self.attached();
        save::write(nodes, self.as_root(&attached), storage, path, options)?;
        save::call_back(options, path)
    }
}

/// Says in the log what there is to say about locks.
fn log_notes(notes: &Notes, log: Option<&Log>) {
    if let Some(log) = log {
        notes.take().iter().for_each(|text| log(Severity::Warning, text));
    }
}

fn cannot_count(why: &str) -> Error {
    let what = format!("the root's edge \"{SAVE_COUNTER}\" does not lead to an integer scalar: {why}");
    Error::new(Code::AlreadyExists, Reason::NameTaken, what)
}

/// Returns `prefix-number`.
pub(crate) fn numbered(prefix: &Location, number: i64) -> Location {
    prefix.with_suffix(&format!("-{number}"))
}
