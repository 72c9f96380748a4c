//! Graphs of trackable objects in memory: named edges, variables, containers, slots, custom state.
//! Nothing here depends on files.

mod containers;
mod integers;
mod list;
mod node_id;
mod nodes;
mod object;
mod registered_savers;
mod slot_owner;
mod slots;
mod values;
mod variable;
mod waiting;
mod walk;

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use parking_lot::{Mutex, ReentrantMutex, ReentrantMutexGuard};

use crate::allocate::{copy, list_of};
use crate::background::Job;
use crate::error::{Code, Error, Reason, Result};
use crate::storage::{lock_of, tried, Origin};
use crate::tensor::DType;

pub use node_id::NodeId;
pub use object::{Sink, Source, SourceTensor, State, StateOptions};
pub use registered_savers::ObjectSaver;
pub use slot_owner::CreateSlot;
pub use variable::{Device, Failure, Memory, Resizable, Variable};

pub(crate) use integers::is_integer;
pub(crate) use nodes::{Kind, Node, Nodes, Position, Waiting};
pub(crate) use object::{Content, Put};
pub(crate) use slot_owner::SlotOwner;
pub(crate) use variable::{not_shaped, prepare, Data, Part};
pub(crate) use walk::{Root, Walk};

/// A graph of objects with named edges: the state that a program saves and restores.
///
/// A [`NodeId`] identifies an object. The names of the edges of an object are unique. Clones are
/// the same graph.
///
/// Thread-safe. Each call that reaches the graph holds its one lock for the whole call, callbacks
/// included; so do calls of its checkpoints, their statuses and its managers.
///
/// While a restore runs in the background ([`Checkpoint::restore_async`]), from the call that began
/// it until it is over, the graph is its own: other calls fail with `UNAVAILABLE` (`Busy`), on all
/// threads.
///
/// [`Checkpoint::restore_async`]: crate::Checkpoint::restore_async
///
/// Errors common to all methods that take nodes:
/// * `INVALID_ARGUMENT` (`Node`): the node was removed, belongs to another graph, or is of the
///   wrong kind for the method.
/// * `FAILED_PRECONDITION` (`Reentrant`): a callback of the same graph made the call.
///
/// ```
/// use checkpoint::{DType, Graph, Variable};
///
/// let graph = Graph::new();
/// let (root, layer) = (graph.add_object()?, graph.add_object()?);
/// let kernel = graph.add_variable(Variable::zeros(DType::Float, &[1, 5])?)?;
/// graph.track(root, "layer", layer)?;
/// graph.track(layer, "kernel", kernel)?;
///
/// assert_eq!(graph.lookup(layer, "kernel")?, Some(kernel));
/// assert_eq!(graph.descendants(root)?, [root, layer, kernel]);
/// graph.with_memory(kernel, |bytes| bytes[..4].copy_from_slice(&1f32.to_ne_bytes()))?;
/// assert_eq!(graph.read(kernel)?[..4], 1f32.to_ne_bytes());
/// # Ok::<(), checkpoint::Error>(())
/// ```
#[derive(Clone)]
pub struct Graph(Arc<Shared>);

struct Shared {
    nodes: ReentrantMutex<RefCell<Nodes>>,
    origin: Origin,
    /// The number of the forked child that holds, or last held, the lock; 0 if none has.
    child: AtomicU64,
    /// The restores in the background, in the order in which they run.
    restores: Mutex<Vec<Arc<Job>>>,
}

impl Default for Graph {
    fn default() -> Graph {
        Graph::new()
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Graph({:p})", Arc::as_ptr(&self.0))
    }
}

/// The error of a call that finds a restore in the background.
pub(crate) fn busy_restoring(restore: &Job) -> Error {
    let what = "a restore in the background has the graph until it is over";
    Error::new(Code::Unavailable, Reason::Busy, what).in_file(restore.path())
}

/// Maps and sets of up to millions of elements. Their keys are mostly numbers that the library
/// chose, so a fast hash that is not made for hostile keys suffices.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
pub(crate) type Set<T> = indexmap::IndexSet<T, foldhash::fast::RandomState>;

/// The description of an object ([`Graph::describe`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The kind: `object`, `variable`, `state`, `text`, `list`, `dict`, `tuple` or `slot owner`.
    pub kind: &'static str,
    /// The dtype of a variable; `None` if it accepts the dtype of the checkpoint, and for other
    /// kinds.
    pub dtype: Option<DType>,
    /// The shape of a variable's value; `None` while it has no value, and for other kinds.
    pub shape: Option<Vec<i64>>,
}

impl Graph {
    /// Creates an empty graph.
    pub fn new() -> Graph {
        let nodes = ReentrantMutex::new(RefCell::new(Nodes::new()));
        Graph(Arc::new(Shared { nodes, origin: Origin::here(), child: AtomicU64::new(0), restores: Mutex::default() }))
    }

    /// Runs `body` with the graph's lock held.
    ///
    /// # Errors
    /// `UNAVAILABLE` (`Busy`): a restore in the background has the graph.
    pub(crate) fn with<R>(&self, body: impl FnOnce(&mut Nodes) -> Result<R>) -> Result<R> {
        self.check_free()?;
        self.enter(body)
    }

    /// The same for a call that has waited for the restores in the background.
    pub(crate) fn enter<R>(&self, body: impl FnOnce(&mut Nodes) -> Result<R>) -> Result<R> {
        self.with_unsettled(|nodes| {
            nodes.settle();
            body(nodes)
        })
    }

    /// The same, but there may be edges and slots to objects that were detached.
    fn with_unsettled<R>(&self, body: impl FnOnce(&mut Nodes) -> Result<R>) -> Result<R> {
        let guard = self.lock()?;
        let mut nodes = guard.try_borrow_mut().map_err(|_| {
            Error::new(Code::FailedPrecondition, Reason::Reentrant, "a callback of the graph must not call the graph")
        })?;
        body(&mut nodes)
    }

    /// Gives the graph to a restore in the background, which must not begin before the one that is
    /// returned has ended.
    pub(crate) fn give_to(&self, restore: &Arc<Job>) -> Option<Arc<Job>> {
        let mut restores = self.0.restores.lock();
        restores.retain(|job| job.is_running());
        let earlier = restores.last().cloned();
        restores.push(restore.clone());
        earlier
    }

    /// Takes the graph from a restore that will not run.
    pub(crate) fn take_from(&self, restore: &Arc<Job>) {
        self.0.restores.lock().retain(|job| !Arc::ptr_eq(job, restore));
    }

    /// Returns the last of the restores in the background that have the graph, for a thread that
    /// has to wait for them: `None` for those that do the restoring, and for callbacks.
    pub(crate) fn restoring(&self) -> Option<Arc<Job>> {
        if self.0.nodes.is_owned_by_current_thread() {
            return None; // the lock says what is wrong, if anything is
        }
        let restores = lock_of(&self.0.restores, self.0.origin)?;
        let is_own = restores.iter().any(|job| job.is_current());
        // One that was cancelled while it waited has ended, though others before it have not.
        restores.iter().rev().find(|job| job.is_running()).filter(|_| !is_own).cloned()
    }

    fn check_free(&self) -> Result<()> {
        self.restoring().map_or(Ok(()), |restore| Err(busy_restoring(&restore)))
    }

    /// Fails in a callback of the graph.
    pub(crate) fn check_outside(&self) -> Result<()> {
        if self.0.nodes.is_owned_by_current_thread() {
            self.with(|_| Ok(()))
        } else {
            Ok(())
        }
    }

    fn lock(&self) -> Result<ReentrantMutexGuard<'_, RefCell<Nodes>>> {
        let Shared { nodes, origin, child, .. } = &*self.0;
        if origin.is_here() {
            return Ok(nodes.lock());
        }
        // A thread of the parent may have held the lock when the process was forked.
        let here = Origin::here().number();
        let guard = tried(|| {
            if child.load(Ordering::Acquire) == here {
                Some(nodes.lock()) // by this process, if by anybody
            } else {
                nodes.try_lock()
            }
        });
        let what = "the process was forked while another thread used the graph, which is lost here";
        let guard = guard.ok_or_else(|| Error::new(Code::FailedPrecondition, Reason::Forked, what))?;
        child.store(here, Ordering::Release);
        Ok(guard)
    }

    /// Adds an object without values of its own.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` (`Limit`): the graph is full. All methods that add objects fail with
    /// this error.
    pub fn add_object(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Object))
    }

    /// Adds a variable. The graph owns it from now on.
    ///
    /// # Errors
    /// The errors of [`Graph::add_object`].
    pub fn add_variable(&self, variable: Variable) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Variable(variable)))
    }

    /// Adds an object whose state is saved as named tensors.
    ///
    /// # Errors
    /// The errors of [`Graph::add_object`].
    pub fn add_state(&self, state: Box<dyn State>, options: &StateOptions) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::State(Some(state), Box::new(options.clone()))))
    }

    /// Adds an object that is saved as one string (`py_state`, as TensorFlow's `PythonState`). Read
    /// and assign it with [`Graph::read_strings`] and [`Graph::assign_strings`].
    ///
    /// # Errors
    /// The errors of [`Graph::add_object`].
    pub fn add_text(&self, text: &[u8]) -> Result<NodeId> {
        let text = copy(text)?;
        self.with(|nodes| nodes.add(Kind::Text(text)))
    }

    /// Adds an empty list, whose elements are tracked under their indices. An element is an object,
    /// or `None` for a place that is not tracked (a number or text of the program).
    ///
    /// Lists are append-only: inserting, replacing, removing or moving objects makes a list
    /// unsavable for good. Saves and restores that reach it then fail with `FAILED_PRECONDITION`
    /// (`Unsavable`).
    ///
    /// # Errors
    /// The errors of [`Graph::add_object`].
    pub fn add_list(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::List(Box::default())))
    }

    /// Adds an empty dict, whose elements are tracked under their keys.
    ///
    /// # Errors
    /// The errors of [`Graph::add_object`].
    pub fn add_dict(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Dict))
    }

    /// Adds a tuple, whose elements are tracked under their indices; `None` is an element that is
    /// not tracked.
    ///
    /// # Errors
    /// The errors of [`Graph::add_object`].
    pub fn add_tuple(&self, elements: &[Option<NodeId>]) -> Result<NodeId> {
        self.with(|nodes| nodes.add_tuple(&[], elements))
    }

    /// Adds a named tuple. Each element is tracked under the name of its field and under its index;
    /// `None` is an element that is not tracked.
    ///
    /// # Errors
    /// The errors of [`Graph::add_object`], and:
    /// * `INVALID_ARGUMENT`: two fields have the same name, or a name is a number.
    pub fn add_named_tuple(&self, fields: &[(&str, Option<NodeId>)]) -> Result<NodeId> {
        let (names, elements): (Vec<&str>, Vec<Option<NodeId>>) = fields.iter().copied().unzip();
        self.with(|nodes| nodes.add_tuple(&names, &elements))
    }

    /// Adds an object that may have slot variables, such as an optimizer.
    ///
    /// `create` creates slots that a checkpoint has values for. Without it, the restores of these
    /// values stay pending until [`Graph::set_slot`] is called.
    ///
    /// # Errors
    /// The errors of [`Graph::add_object`].
    pub fn add_slot_owner(&self, create: Option<CreateSlot>) -> Result<NodeId> {
        let owner = SlotOwner { create, ..SlotOwner::default() };
        self.with(|nodes| nodes.add(Kind::SlotOwner(Box::new(owner))))
    }

    /// Removes an object with all edges and slots from and to it. Its children stay. Memory that
    /// the object borrowed is dropped before the call returns. In restores, its values become
    /// unresolved again.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn remove(&self, node: NodeId) -> Result<()> {
        // The node is dropped after the lock is released: dropping memory of the program may run
        // the program's code.
        self.check_free()?;
        self.with_unsettled(|nodes| nodes.detach(node)).map(drop)
    }

    /// Whether the graph contains the object; false if it was removed or belongs to another graph.
    /// Waits for restores in the background.
    pub fn contains(&self, node: NodeId) -> bool {
        while self.restoring().is_some_and(|restore| restore.wait_until(None)) {}
        self.enter(|nodes| Ok(nodes.get(node).is_some())).unwrap_or(false)
    }

    /// Describes an object: its kind and, for a variable, dtype and shape.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn describe(&self, node: NodeId) -> Result<Description> {
        self.with(|nodes| {
            let kind = &nodes.need(node)?.kind;
            let (dtype, shape) = match kind {
                Kind::Variable(variable) => (variable.dtype, variable.spec().map(|(_, shape)| shape)),
                Kind::Text(_) => (Some(DType::String), Some(Vec::new())),
                _ => (None, None),
            };
            Ok(Description { kind: kind.name(), dtype, shape })
        })
    }

    /// Sets the name of an object in messages.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn set_debug_name(&self, node: NodeId, name: &str) -> Result<()> {
        self.with(|nodes| {
            nodes.need_mut(node)?.debug_name = Some(name.into());
            Ok(())
        })
    }

    /// Sets the name of a variable in name-based checkpoints.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn set_name(&self, variable: NodeId, name: &str) -> Result<()> {
        self.with(|nodes| {
            nodes.variable_mut(variable)?.name = Some(name.into());
            Ok(())
        })
    }

    /// Adds the edge `name` from `parent` to `child`. Tracking the same child again is a no-op.
    ///
    /// If a pending restore has values for this edge, `child` and everything below it are restored
    /// immediately. If that fails, this call returns the error, but the edge stays.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` (`NameTaken`): the edge leads to another object.
    /// * Errors of the restore.
    pub fn track(&self, parent: NodeId, name: &str, child: NodeId) -> Result<()> {
        self.with(|nodes| nodes.track(parent, name, child, false))
    }

    /// Adds the edge `name` from `parent` to `child`, or redirects an existing edge to `child`, as
    /// assigning an attribute does in TensorFlow.
    ///
    /// A new edge triggers pending restores as in [`Graph::track`], and fails with their errors; a
    /// redirected edge does not.
    ///
    /// # Errors
    /// Errors of the restore.
    pub fn track_overwrite(&self, parent: NodeId, name: &str, child: NodeId) -> Result<()> {
        self.with(|nodes| nodes.track(parent, name, child, true))
    }

    /// Removes an edge. The object that it led to stays and is returned.
    ///
    /// # Errors
    /// `NOT_FOUND` (`Node`): there is no such edge.
    pub fn untrack(&self, parent: NodeId, name: &str) -> Result<NodeId> {
        self.with(|nodes| nodes.untrack(parent, name))
    }

    /// The object that an edge leads to; `None` if there is no such edge.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn lookup(&self, parent: NodeId, name: &str) -> Result<Option<NodeId>> {
        self.with(|nodes| Ok(nodes.need(parent)?.edges().get(name).copied()))
    }

    /// The children of an object with the names of their edges, in the order in which the edges
    /// were added (`TrackableView.children`).
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` (`Unsavable`): the object is a list that can no longer be saved.
    pub fn children(&self, node: NodeId) -> Result<Vec<(String, NodeId)>> {
        self.with(|nodes| list_of(nodes.children(node)?.iter().map(|(name, child)| (name.to_string(), *child))))
    }

    /// All objects reachable from `root` by edges, breadth first and starting with `root` itself.
    /// Slot variables are not included (`TrackableView.descendants`).
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` (`Unsavable`): a list that can no longer be saved is among them.
    pub fn descendants(&self, root: NodeId) -> Result<Vec<NodeId>> {
        self.with(|nodes| Ok(Walk::new(nodes, Root { node: root, attached: &[] }, false)?.order))
    }

    /// The number of pending restores that wait for the edge `name` of an object.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn waiting(&self, node: NodeId, name: &str) -> Result<usize> {
        self.with(|nodes| {
            nodes.need(node)?;
            let waiting = nodes.deferred(node).find(|(edge, _)| *edge == name).map_or(0, |(_, waiting)| waiting.len());
            Ok(waiting)
        })
    }

    /// Registers a saver for the objects that it accepts. In checkpoints its name is
    /// `package.name`; an empty package means `Custom`. If several savers accept an object, the one
    /// registered last saves it.
    ///
    /// If an object that the saver saved is no longer accepted when it is restored, the restore
    /// fails if `strict`; otherwise the object is left unchanged.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the name has other characters than letters, digits, `.`, `_` and `-`,
    ///   or ends with `.`.
    /// * `ALREADY_EXISTS` (`NameTaken`): a saver of this name is registered already.
    pub fn register_saver(&self, package: &str, name: &str, strict: bool, saver: Box<dyn ObjectSaver>) -> Result<()> {
        self.with(|nodes| nodes.savers.register(package, name, strict, saver))
    }
}
