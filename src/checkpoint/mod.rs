//! `tf.train.Checkpoint`: saving a graph of objects, and restoring it by its edges.

mod assertions;
mod assign;
mod by_name;
mod checks;
mod loan;
mod matches;
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
mod restore;
mod restore_report;
mod restoring;
mod rows;
mod save;
mod saver;
mod slots;
mod status;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::directory;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Graph, Kind, NodeId, Nodes, Root, Variable};
use crate::storage::{Local, Storage};
use crate::tensor::DType;

pub use options::{Busy, Log, Mismatch, RestoreOptions, SaveOptions, SaveProgress, Severity, WriteCallback};
pub(crate) use pending::After;
pub use pending::{Pending, PendingProgress};
pub use ranks::Ranks;
pub(crate) use ranks::{Lead, Party, Place};
pub use report::{Report, Row, RowState};
pub use saver::{Saver, SaverOptions, SaverSaveOptions};
pub use status::{RestoreKind, Status};
pub use view::{restore_nodes, CheckpointView, Comparison};

use by_name::NameRestore;
use pending::Slot;
use restore::Restore;

/// The edge under which a checkpoint counts its saves.
const SAVE_COUNTER: &str = "save_counter";
/// The edge by which a root that is another object than the checkpoint leads to itself.
const ROOT: &str = "root";

/// Saves and restores what a root object of a graph leads to. (`tf.train.Checkpoint`)
///
/// Clones are the same checkpoint. It keeps its graph alive. Every call takes the graph's lock for its whole length.
///
/// One save runs in the background at a time ([`Checkpoint::save_async`]); dropping the last clone waits for it. Calls that save or restore wait for it too, without the
/// graph's lock; those that save then return its error, if nobody has heard of it, and do nothing else.
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
pub struct Checkpoint(Arc<Inner>);

struct Inner {
    graph: Graph,
    root: NodeId,
    /// Whether the root is another object than the checkpoint, in TensorFlow's words: `Checkpoint(root, **attached)`.
    is_attached: bool,
    state: Mutex<State>,
    slot: Slot,
}

#[derive(Default)]
struct State {
    /// Edges of the root that only the checkpoint has.
    attached: Vec<(Box<str>, NodeId)>,
    counter: Option<NodeId>,
    log: Option<Log>,
    last: LastRestore,
}

/// The last restore.
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
    /// The checkpoint of what `root` leads to: its files are those of `tf.train.Checkpoint(**kwargs)`, where `root` stands for the checkpoint itself and its edges, in the
    /// order in which they were made, for the keyword arguments (which TensorFlow sorts).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when `root` is no object of the graph.
    pub fn new(graph: &Graph, root: NodeId) -> Result<Checkpoint> {
        Checkpoint::make(graph, root, false, Vec::new())
    }

    /// The checkpoint of `root`, to which it attaches more edges: its files are those of `tf.train.Checkpoint(root, **attached)`. They can be restored by a checkpoint
    /// made by [`Checkpoint::new`], and the other way round.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` when `root`, or what is attached, is no object of the graph.
    /// * `ALREADY_EXISTS` when the root has an edge of one of the names to another object.
    pub fn with_root(graph: &Graph, root: NodeId, attached: &[(&str, NodeId)]) -> Result<Checkpoint> {
        let mut all: Vec<(Box<str>, NodeId)> = attached.iter().map(|(name, object)| (Box::from(*name), *object)).collect();
        all.push((ROOT.into(), root));
        crate::sort::sort_by(&mut all, |a, b| a.0.cmp(&b.0));
        if let Some(pair) = all.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::argument(format!("two objects are attached as \"{}\"", printable(pair[0].0.as_bytes()))));
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
        Ok(Checkpoint(Arc::new(Inner {
            graph: graph.clone(),
            root,
            is_attached,
            state: Mutex::new(state),
            slot: Slot::default(),
        })))
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// The root object.
    pub fn root(&self) -> NodeId {
        self.0.root
    }

    /// Has `log` hear what restores have to say: values that were never used, references that do not agree. A restore keeps the one that was set when it was called.
    pub fn set_log(&self, log: Option<Log>) {
        // Dropped without the lock: what it has of the program's may be freed with it.
        let old = std::mem::replace(&mut self.0.state.lock().log, log);
        drop(old);
    }

    /// The edges that the checkpoint attaches to the root.
    fn attached(&self) -> Vec<(Box<str>, NodeId)> {
        self.0.state.lock().attached.clone()
    }

    fn as_root<'a>(&self, attached: &'a [(Box<str>, NodeId)]) -> Root<'a> {
        Root { node: self.0.root, attached }
    }

    /// The variable that counts saves, `save_counter`: an int64 scalar. When it is asked for first, it is made, tracked, and restored if a value waits for it.
    /// An edge of this name that the root has already is taken for it, if it leads to an integer scalar.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` when the root has another edge of this name.
    /// * What restoring reports.
    pub fn save_counter(&self) -> Result<NodeId> {
        self.0.graph.with(|nodes| self.counter(nodes))
    }

    /// How often this checkpoint was saved, by the save counter.
    ///
    /// # Errors
    /// As for [`Checkpoint::save_counter`].
    pub fn save_count(&self) -> Result<i64> {
        self.0.graph.with(|nodes| {
            let counter = self.counter(nodes)?;
            nodes.read_integer(counter)
        })
    }

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
        let counter = nodes.add(Kind::Variable(Variable::zeros(DType::Int64, &[])?.name(SAVE_COUNTER)))?;
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
        self.0.state.lock().counter = Some(counter);
        restored.map(|()| counter)
    }

    /// Counts one more save.
    pub(crate) fn advance(&self, nodes: &mut Nodes) -> Result<i64> {
        let counter = self.counter(nodes)?;
        let next = nodes.read_integer(counter)?.checked_add(1);
        let next = next.ok_or_else(|| Error::argument("the save counter cannot count any further"))?;
        nodes.write_integer(counter, next)?;
        Ok(next)
    }

    /// Writes the checkpoint `prefix`, neither counting nor telling the state file. Gives the prefix as it is. (`tf.train.Checkpoint.write`)
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION` when a variable has no value yet, or the graph has a list or slot that cannot be saved. Then, as after all that follow, what was at
    ///   the prefix is still there, and nothing new.
    /// * `ABORTED` when a callback fails; if it was a write callback, the checkpoint is there.
    /// * `CANCELLED` when the progress callback stops it; else what writing reports ([`Writer::finish`](crate::Writer::finish)).
    /// * `UNAVAILABLE` when an earlier save is still running, if so asked ([`SaveOptions::busy`]); the error of an earlier one that nobody has heard of.
    pub fn write(&self, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<PathBuf> {
        let prefix = prefix.as_ref();
        self.when_idle(Some(options.busy), |nodes| self.write_files(nodes, &Local, prefix, options))?;
        Ok(prefix.to_owned())
    }

    /// Writes the checkpoint `prefix-number`, neither counting nor telling the state file. Gives its path. (`CheckpointableSaver.save`)
    ///
    /// # Errors
    /// As for [`Checkpoint::write`].
    pub fn write_numbered(&self, prefix: impl AsRef<Path>, number: i64, options: &SaveOptions) -> Result<PathBuf> {
        self.write(numbered(prefix.as_ref(), number), options)
    }

    /// Counts, writes the checkpoint `prefix-count` (the first is `prefix-1`), calls the write callbacks, and has the directory's state file name it as the latest and
    /// only one. Gives its path. (`tf.train.Checkpoint.save`)
    ///
    /// # Errors
    /// As for [`Checkpoint::write`]; the count stands unless the error is about an earlier save. `INVALID_ARGUMENT` also when the path is that of the state file.
    pub fn save(&self, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<PathBuf> {
        self.save_on(&Local, prefix.as_ref(), options)
    }

    pub(crate) fn save_on(&self, storage: &dyn Storage, prefix: &Path, options: &SaveOptions) -> Result<PathBuf> {
        self.when_idle(Some(options.busy), |nodes| {
            let count = self.advance(nodes)?;
            let path = numbered(prefix, count);
            self.write_files(nodes, storage, &path, options)?;
            directory::record_save(storage, &path, options.write.durability)?;
            Ok(path)
        })
    }

    /// Writes the files of a checkpoint and calls the write callbacks.
    pub(crate) fn write_files(&self, nodes: &mut Nodes, storage: &dyn Storage, path: &Path, options: &SaveOptions) -> Result<()> {
        let attached = self.attached();
        save::write(nodes, self.as_root(&attached), storage, path, options)?;
        save::call_back(options, path)
    }
}

fn cannot_count(why: &str) -> Error {
    let what = format!("the root has an edge \"{SAVE_COUNTER}\" that cannot count: {why}");
    Error::new(Code::AlreadyExists, Reason::NameTaken, what)
}

/// `prefix-number`.
pub(crate) fn numbered(prefix: &Path, number: i64) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(format!("-{number}"));
    path.into()
}
