//! `tf.train.Checkpoint`: saving a graph of objects, and restoring it by its edges.

mod assign;
mod by_name;
mod options;
mod paths;
mod pending;
#[cfg(test)]
mod pending_tests;
mod ranks;
mod report;
mod restore;
mod save;
mod saver;
mod status;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::directory;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Graph, Kind, NodeId, Nodes, Root, Variable};
use crate::reader::{ObjectGraph, Reader};
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
use status::Of;

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
    last: Last,
}

/// The last restore.
#[derive(Default)]
enum Last {
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

/// How a path is opened: what restore does and read does not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Restore,
    Read,
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
        let restored = match self.0.is_attached {
            false => nodes.track(root, SAVE_COUNTER, counter, false),
            true => {
                let mut state = self.0.state.lock();
                state.attached.retain(|(name, _)| &**name != SAVE_COUNTER);
                state.attached.push((SAVE_COUNTER.into(), counter));
                drop(state);
                let waiting = nodes.take_deferred(root, SAVE_COUNTER);
                nodes.restore_waiting(waiting, counter)
            }
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

    /// Restores the program from the checkpoint at `path`: a prefix, one of its files, a directory with a state file (its latest), or a SavedModel. Every object that
    /// the root leads to by the edges that were saved takes its value; what the program does not have yet is restored when it is tracked.
    /// Makes the save counter. A checkpoint of names is restored by the full names of variables. (`tf.train.Checkpoint.restore`)
    ///
    /// All that can be known is checked before the first value is assigned. If it fails then, the graph is as it was. If reading, a checksum or a callback fails
    /// after that, [`Checkpoint::last_report`] says of each value what became of it; nothing waits for the restore.
    ///
    /// # Errors
    /// * `NOT_FOUND` when there is no checkpoint, a data file is missing, it lacks a value that it should have, or a path that an option names.
    /// * `INVALID_ARGUMENT` when a value has another dtype or shape than its object, or two variables share memory.
    /// * `FAILED_PRECONDITION` for a variable that is read-only, a list that cannot be saved, or a registered saver that does not accept its object.
    /// * `DATA_LOSS` when the checkpoint is damaged, `ABORTED` when a callback fails.
    pub fn restore(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Status> {
        self.load(path.as_ref(), options, Verb::Restore)
    }

    /// The same without the save counter, for what [`Checkpoint::write`] wrote. (`tf.train.Checkpoint.read`)
    ///
    /// # Errors
    /// As for [`Checkpoint::restore`].
    pub fn read(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Status> {
        self.load(path.as_ref(), options, Verb::Read)
    }

    /// Restores nothing, but makes the save counter: `tf.train.Checkpoint.restore(None)`. All assertions of the status fail.
    ///
    /// # Errors
    /// As for [`Checkpoint::save_counter`].
    pub fn restore_nothing(&self) -> Result<Status> {
        self.save_counter()?;
        restore::next_uid();
        Ok(Status { of: Of::Nothing, checkpoint: self.clone() })
    }

    /// Says what [`Checkpoint::read`] would do. Nothing is assigned, and nothing waits for it. What would fail is in the rows.
    ///
    /// # Errors
    /// As for [`Checkpoint::read`], save for what rows can tell.
    pub fn dry_run(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Report> {
        let path = path.as_ref();
        self.when_idle(None, |nodes| {
            let reader = Reader::open(path)?;
            let Some(saved) = reader.object_graph()? else {
                let restore = Arc::new(NameRestore::new(reader, options));
                return match restore.begin(nodes, self.as_root(&self.attached()), true) {
                    Err(e) if !is_in_rows(&e) => Err(e),
                    _ => restore.report(nodes, self),
                };
            };
            let restore = Arc::new(Restore::new(reader, transformed(saved, options)?, options, None));
            let mut report = Err(Error::argument("the graph could not be walked"));
            let begun = restore.begin(nodes, self.0.root, &self.attached(), true, &mut |nodes| {
                report = status::report_of(nodes, &restore, self);
            });
            match begun {
                Err(e) if !is_in_rows(&e) => Err(e),
                _ => report,
            }
        })
    }

    /// What became of every value in the last call of [`Checkpoint::restore`] or [`Checkpoint::read`], also of one that failed; none before the first, or when nobody
    /// holds on to that restore any more.
    pub fn last_report(&self) -> Option<Report> {
        let last = match &self.0.state.lock().last {
            Last::None => return None,
            Last::Failed(report) => return Some(report.clone()),
            Last::Objects(restore) => restore.upgrade().map(Of::Objects),
            Last::Names(restore) => restore.upgrade().map(Of::Names),
        };
        Status { of: last?, checkpoint: self.clone() }.report().ok()
    }

    fn load(&self, path: &Path, options: &RestoreOptions, verb: Verb) -> Result<Status> {
        self.when_idle(None, |nodes| {
            self.0.state.lock().last = Last::None;
            let loaded = self.load_into(nodes, path, options, verb);
            loaded.map_err(|e| match verb {
                Verb::Restore if e.code() == Code::NotFound => e.prefixed(&format!(
                    "Error when restoring from checkpoint or SavedModel at {} (please double-check that the path is correct; you may be missing the checkpoint \
                     suffix, e.g. the '-1' in 'path/to/ckpt-1')",
                    printable(path.as_os_str().as_encoded_bytes())
                )),
                _ => e,
            })
        })
    }

    fn load_into(&self, nodes: &mut Nodes, path: &Path, options: &RestoreOptions, verb: Verb) -> Result<Status> {
        let reader = Reader::open(path)?;
        let log = self.0.state.lock().log.clone();
        let Some(saved) = reader.object_graph()? else {
            if verb == Verb::Restore {
                self.check_counter(nodes, &reader, reader.contains(SAVE_COUNTER).then_some(SAVE_COUNTER))?;
            }
            let restore = Arc::new(NameRestore::new(reader, options));
            restore.begin(nodes, self.as_root(&self.attached()), false)?;
            if verb == Verb::Restore {
                let counter = self.counter(nodes)?;
                restore.add_optional(nodes, counter)?;
            }
            self.0.state.lock().last = Last::Names(Arc::downgrade(&restore));
            return Ok(Status { of: Of::Names(restore), checkpoint: self.clone() });
        };
        let restore = Arc::new(Restore::new(reader, transformed(saved, options)?, options, log));
        if verb == Verb::Restore {
            let saved = restore.saved.node(0).and_then(|root| root.children().find(|edge| edge.name == SAVE_COUNTER));
            let saved = saved.filter(|edge| restore.wants(edge.node)).and_then(|edge| restore.saved.node(edge.node));
            let key = saved.and_then(|counter| Some(counter.attributes().next()?.checkpoint_key));
            self.check_counter(nodes, &restore.reader, key)?;
        }
        let begun = restore.begin(nodes, self.0.root, &self.attached(), false, &mut |nodes| {
            if let Ok(report) = status::report_of(nodes, &restore, self) {
                self.0.state.lock().last = Last::Failed(report);
            }
        });
        begun?;
        if verb == Verb::Restore {
            self.counter(nodes)?;
        }
        self.0.state.lock().last = Last::Objects(Arc::downgrade(&restore));
        Ok(Status { of: Of::Objects(restore), checkpoint: self.clone() })
    }

    /// Fails when the save counter, the program's or the checkpoint's under `key`, is none, before anything is assigned: it is made after that.
    fn check_counter(&self, nodes: &Nodes, reader: &Reader, key: Option<&str>) -> Result<()> {
        if self.0.state.lock().counter.is_some_and(|counter| nodes.get(counter).is_some()) {
            return Ok(());
        }
        if let Some(&there) = nodes.need(self.0.root)?.edges().get(SAVE_COUNTER) {
            let variable = nodes.variable(there).ok();
            let can_count =
                |v: &Variable| v.dtype.is_none_or(crate::graph::is_integer) && v.accepts().is_none_or(<[i64]>::is_empty);
            return match variable.is_some_and(can_count) {
                true => Ok(()),
                false => Err(cannot_count(&nodes.describe(there))),
            };
        }
        let Some(key) = key else { return Ok(()) };
        let tensor = reader.get(key)?;
        match (tensor.dtype(), tensor.shape()) {
            (DType::Int64, []) => Ok(()),
            (dtype, shape) => Err(Error::argument(format!("tensor_name = {key}; the save counter cannot be restored"))
                .because(if dtype == DType::Int64 { Reason::Shape } else { Reason::DType })
                .expecting("int64 []", format_args!("{dtype} {}", crate::tensor::shape_text(shape)))
                .for_tensor(key.as_bytes())
                .in_file(reader.prefix())),
        }
    }
}

fn cannot_count(why: &str) -> Error {
    let what = format!("the root has an edge \"{SAVE_COUNTER}\" that cannot count: {why}");
    Error::new(Code::AlreadyExists, Reason::NameTaken, what)
}

/// Whether the rows of a report say what the error says.
fn is_in_rows(error: &Error) -> bool {
    matches!(error.reason(), Reason::NoTensor | Reason::DType | Reason::Shape | Reason::ReadOnly)
}

/// The object graph as the options have it.
fn transformed(saved: ObjectGraph, options: &RestoreOptions) -> Result<ObjectGraph> {
    let saved = match options.renames.is_empty() {
        true => saved,
        false => saved.renamed(&options.renames)?,
    };
    match &options.subtree {
        None => Ok(saved),
        Some(path) => {
            let absent = || {
                Error::new(
                    Code::NotFound,
                    Reason::NoTensor,
                    format!("the checkpoint has no object \"{}\"", printable(path.as_bytes())),
                )
            };
            saved.subtree(saved.node_at(path).ok_or_else(absent)?).ok_or_else(absent)
        }
    }
}

/// `prefix-number`.
pub(crate) fn numbered(prefix: &Path, number: i64) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(format!("-{number}"));
    path.into()
}
