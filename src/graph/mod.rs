//! Trackable objects in memory: named edges, variables, containers, slots, custom state. Nothing here knows files.

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
use std::sync::Arc;

use parking_lot::ReentrantMutex;

use crate::allocate::copy;
use crate::error::{Code, Error, Reason, Result};
use crate::tensor::DType;

pub use node_id::NodeId;
pub use object::{Sink, Source, SourceTensor, State, StateOptions};
pub use registered_savers::ObjectSaver;
pub use slot_owner::CreateSlot;
pub use variable::{Device, Failure, Memory, Variable};

pub(crate) use integers::is_integer;
pub(crate) use nodes::{Kind, Node, Nodes, Position, Waiting};
pub(crate) use object::{Content, Put};
pub(crate) use slot_owner::SlotOwner;
pub(crate) use variable::{not_shaped, Data, Part};
pub(crate) use walk::{Root, Walk};

/// A graph of trackable objects: what a program saves and restores.
///
/// Objects are values of [`NodeId`]; edges between them have names, unique for each parent. A graph can be used from several threads: every call, and
/// every call of a checkpoint, status or manager of the graph, takes the graph's one lock for its whole length, callbacks included. A call from inside
/// a callback returns `FAILED_PRECONDITION`. Clones are the same graph.
///
/// Every function fails with `INVALID_ARGUMENT` for a node that was removed, is of another graph, or of another kind than the function is for.
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
pub struct Graph(Arc<ReentrantMutex<RefCell<Nodes>>>);

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

/// Maps and sets of objects and nodes: their keys are numbers of ours, and there are millions of them.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
pub(crate) type Set<T> = indexmap::IndexSet<T, foldhash::fast::RandomState>;

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it is: `object`, `variable`, `state`, `text`, `list`, `dict`, `tuple` or `slot owner`.
    pub kind: &'static str,
    /// The type of a variable's elements; none where the checkpoint decides.
    pub dtype: Option<DType>,
    /// The shape of a variable's value; none while it has no value.
    pub shape: Option<Vec<i64>>,
}

impl Graph {
    /// A graph without objects.
    pub fn new() -> Graph {
        Graph(Arc::new(ReentrantMutex::new(RefCell::new(Nodes::new()))))
    }

    /// Runs `body` with the graph's lock.
    pub(crate) fn with<R>(&self, body: impl FnOnce(&mut Nodes) -> Result<R>) -> Result<R> {
        let guard = self.0.lock();
        let mut nodes = guard.try_borrow_mut().map_err(|_| {
            Error::new(Code::FailedPrecondition, Reason::Reentrant, "a callback must not call the graph that called it")
        })?;
        body(&mut nodes)
    }

    /// Adds an object without values.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when the graph is full, as all functions that add objects.
    pub fn add_object(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Object))
    }

    /// Adds a variable.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_variable(&self, variable: Variable) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Variable(variable)))
    }

    /// Adds an object with tensors of its own.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_state(&self, state: Box<dyn State>, options: &StateOptions) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::State(Some(state), Box::new(options.clone()))))
    }

    /// Adds an object that is saved as one string (TensorFlow's `PythonState`: `py_state`).
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_text(&self, text: &[u8]) -> Result<NodeId> {
        let text = copy(text)?;
        self.with(|nodes| nodes.add(Kind::Text(text)))
    }

    /// Adds an empty list, whose elements are tracked under their indices.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_list(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::List(Box::default())))
    }

    /// Adds an empty dict, whose elements are tracked under their keys.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_dict(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Dict))
    }

    /// Adds a tuple of these elements; none for one that is not tracked.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_tuple(&self, elements: &[Option<NodeId>]) -> Result<NodeId> {
        self.with(|nodes| nodes.add_tuple(&[], elements))
    }

    /// Adds a named tuple: each element is tracked under its field's name and its index.
    ///
    /// # Errors
    /// As for [`Graph::add_object`]; `INVALID_ARGUMENT` when two fields have one name, or one is a number.
    pub fn add_named_tuple(&self, fields: &[(&str, Option<NodeId>)]) -> Result<NodeId> {
        let (names, elements): (Vec<&str>, Vec<Option<NodeId>>) = fields.iter().copied().unzip();
        self.with(|nodes| nodes.add_tuple(&names, &elements))
    }

    /// Adds an object that may have slot variables, as an optimizer does. `create` makes slots for which a checkpoint has values; without it
    /// the values wait for the program's [`Graph::set_slot`].
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_slot_owner(&self, create: Option<CreateSlot>) -> Result<NodeId> {
        let owner = SlotOwner { create, ..SlotOwner::default() };
        self.with(|nodes| nodes.add(Kind::SlotOwner(Box::new(owner))))
    }

    /// Removes an object, with all edges and slots from and to it. Its children stay. In restores it is unresolved again.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is not there.
    pub fn remove(&self, node: NodeId) -> Result<()> {
        // Dropped after the lock is let go: memory of the program's may be released with it.
        self.with(|nodes| nodes.remove(node)).map(drop)
    }

    /// Whether the object is there.
    pub fn contains(&self, node: NodeId) -> bool {
        self.with(|nodes| Ok(nodes.get(node).is_some())).unwrap_or(false)
    }

    /// What the object is.
    ///
    /// # Errors
    /// None but those of every function.
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

    /// Gives the object a name for messages.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn set_debug_name(&self, node: NodeId, name: &str) -> Result<()> {
        self.with(|nodes| {
            nodes.need_mut(node)?.debug_name = Some(name.into());
            Ok(())
        })
    }

    /// Sets the name that a variable has in name-based checkpoints.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn set_name(&self, variable: NodeId, name: &str) -> Result<()> {
        self.with(|nodes| {
            nodes.variable_mut(variable)?.name = Some(name.into());
            Ok(())
        })
    }

    /// Makes the edge `name` from `parent` to `child`. If a restore has values for this edge, `child` and what it leads to are restored here and now, and
    /// errors of that come from here: the edge stands all the same. Tracking the same child again is nothing.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` when the name leads to another object.
    /// * What restoring reports.
    pub fn track(&self, parent: NodeId, name: &str, child: NodeId) -> Result<()> {
        self.with(|nodes| nodes.track(parent, name, child, false))
    }

    /// The same, but a name that leads to another object is made to lead to this one, which is then not restored. (Assignment to an attribute in TensorFlow.)
    ///
    /// # Errors
    /// What restoring reports, where the name is new.
    pub fn track_overwrite(&self, parent: NodeId, name: &str, child: NodeId) -> Result<()> {
        self.with(|nodes| nodes.track(parent, name, child, true))
    }

    /// Removes an edge; the object that it led to stays, and is given back.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such edge.
    pub fn untrack(&self, parent: NodeId, name: &str) -> Result<NodeId> {
        self.with(|nodes| nodes.untrack(parent, name))
    }

    /// The object that an edge leads to, if there is one.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn lookup(&self, parent: NodeId, name: &str) -> Result<Option<NodeId>> {
        self.with(|nodes| Ok(nodes.need(parent)?.edges().get(name).copied()))
    }

    /// The edges of an object, in the order in which they were made. (`TrackableView.children`)
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` for a list that cannot be saved.
    pub fn children(&self, node: NodeId) -> Result<Vec<(String, NodeId)>> {
        self.with(|nodes| Ok(nodes.children(node)?.iter().map(|(name, child)| (name.to_string(), *child)).collect()))
    }

    /// The objects that edges lead to from `root`, breadth first, `root` the first of them. Slot variables are not among them.
    /// (`TrackableView.descendants`)
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when a list that cannot be saved is among them.
    pub fn descendants(&self, root: NodeId) -> Result<Vec<NodeId>> {
        self.with(|nodes| Ok(Walk::new(nodes, Root { node: root, attached: &[] }, false)?.order))
    }

    /// How many restores wait for the edge `name` of an object.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn waiting(&self, node: NodeId, name: &str) -> Result<usize> {
        self.with(|nodes| {
            nodes.need(node)?;
            let waiting = nodes.deferred(node).find(|(edge, _)| *edge == name).map_or(0, |(_, waiting)| waiting.len());
            Ok(waiting)
        })
    }

    /// Registers a saver for the objects that it accepts, `package.name` in checkpoints; no package means `Custom`. If it is not `strict`, an object that it
    /// saved and does not accept any more is left as it is. Of several that accept an object, the one registered last has it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name with other characters than letters, digits and `._-`, `ALREADY_EXISTS` for one that is taken.
    pub fn register_saver(&self, package: &str, name: &str, strict: bool, saver: Box<dyn ObjectSaver>) -> Result<()> {
        self.with(|nodes| nodes.savers.register(package, name, strict, saver))
    }
}
