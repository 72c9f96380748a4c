//! The nodes of a graph and the edges between them, without the lock: the methods of
//! [`Graph`](super::Graph) and restores work on this.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

use foldhash::fast::RandomState as Hasher;
use indexmap::IndexMap;
use smallvec::SmallVec;

use super::list::List;
use super::node_id::NodeId;
use super::object::{State, StateOptions};
use super::registered_savers::Savers;
use super::slot_owner::SlotOwner;
use super::variable::{Data, Variable};
use super::{Map, Set};
use crate::allocate::{list_of, Room, TryPush};
use crate::error::{printable, Code, Error, Reason, Result};

/// The kind of an object.
#[allow(clippy::large_enum_variant)] // most objects are variables, and this keeps them contiguous in memory
pub(crate) enum Kind {
    Object,
    Variable(Variable),
    /// State that is saved as named tensors; `None` while its callbacks run.
    State(Option<Box<dyn State>>, Box<StateOptions>),
    /// A single string (TensorFlow's `PythonState`).
    Text(Vec<u8>),
    List(Box<List>),
    Dict,
    Tuple,
    SlotOwner(Box<SlotOwner>),
}

impl Kind {
    /// The name of the kind in [`Description`](super::Description) and in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Object => "object",
            Kind::Variable(_) => "variable",
            Kind::State(..) => "state",
            Kind::Text(_) => "text",
            Kind::List(_) => "list",
            Kind::Dict => "dict",
            Kind::Tuple => "tuple",
            Kind::SlotOwner(_) => "slot owner",
        }
    }
}

/// The children of an object by the names of its edges, in the order in which the edges were added.
pub(crate) type Edges = IndexMap<Box<str>, NodeId, Hasher>;

/// The edges of objects without children.
static NO_EDGES: LazyLock<Edges> = LazyLock::new(Edges::default);

/// A node. There may be millions of nodes, most of them variables, so whatever only other kinds
/// have is stored elsewhere.
pub(crate) struct Node {
    pub kind: Kind,
    /// The edges to its children; `None` if it never had any.
    edges: Option<Box<Edges>>,
    /// The nodes that have an edge to this node, or a slot that is this node or is kept for it; one
    /// entry for each edge and slot.
    pub parents: SmallVec<[NodeId; 2]>,
    /// Pending restores that wait at this node.
    pub(super) waits: Option<Box<Waits>>,
    /// The number of the newest restore that assigned a value to the object; 0 if none did.
    pub restored_by: u64,
    /// Whether a restore has assigned a value to the object.
    pub was_assigned: bool,
    pub debug_name: Option<Box<str>>,
}

/// A pending restore: it has values for objects that do not exist yet.
pub(crate) trait Waiting: Send + Sync {
    /// The number of the restore. Restores are numbered in the order in which they were called.
    fn uid(&self) -> u64;

    /// Restores `object` and everything below it as the node `saved` of the checkpoint. The edge to
    /// `object` exists already.
    ///
    /// A name-based restore ignores `saved`.
    fn attach(self: Arc<Self>, nodes: &mut Nodes, saved: u32, object: NodeId) -> Result<()>;
}

/// A node of the checkpoint that a pending restore reads.
#[derive(Clone)]
pub(crate) struct Position {
    pub restore: Arc<dyn Waiting>,
    pub node: u32,
}

/// The pending restores that wait at an object.
#[derive(Default)]
pub(super) struct Waits {
    /// Restores of edges that do not exist yet, by the edge's name.
    pub by_edge: HashMap<Box<str>, Vec<Position>>,
    /// Name-based restores, which wait for any object that is tracked later.
    pub by_name: Vec<Position>,
    /// Restores of slots that do not exist yet, at their owner: by the slot's name and its
    /// variable.
    pub by_slot: Map<(Box<str>, NodeId), Vec<Position>>,
}

impl Node {
    pub fn edges(&self) -> &Edges {
        self.edges.as_deref().unwrap_or(&NO_EDGES)
    }

    fn edges_mut(&mut self) -> &mut Edges {
        self.edges.get_or_insert_default()
    }

    /// Whether the object has values of its own to save.
    pub fn has_values(&self) -> bool {
        matches!(self.kind, Kind::Variable(_) | Kind::State(..) | Kind::Text(_))
    }
}

/// A place for a node. Its index is part of the node's id.
struct Place {
    /// The number of times that the place was used before.
    generation: u16,
    node: Option<Node>,
}

/// All objects of a graph.
pub(crate) struct Nodes {
    /// Identifies the graph, so that ids of other graphs are recognized; never 0.
    mark: u16,
    /// The nodes; the place of a removed node is empty.
    places: Vec<Place>,
    /// The empty places that can be used again.
    free: Vec<u32>,
    /// The objects that still have edges or slots to removed objects.
    unsettled: Set<NodeId>,
    pub savers: Savers,
}

impl Nodes {
    pub fn new() -> Nodes {
        let random = RandomState::new().hash_one(0u64);
        Nodes {
            mark: (random as u16).max(1),
            places: Vec::new(),
            free: Vec::new(),
            unsettled: Set::default(),
            savers: Savers::default(),
        }
    }

    /// One more than the highest index of a place.
    pub fn place_count(&self) -> usize {
        self.places.len()
    }

    pub fn add(&mut self, kind: Kind) -> Result<NodeId> {
        let node = Node {
            kind,
            edges: None,
            parents: SmallVec::new(),
            waits: None,
            restored_by: 0,
            was_assigned: false,
            debug_name: None,
        };
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                let place = u32::try_from(self.places.len()).map_err(|_| full())?;
                self.places.try_push(Place { generation: 0, node: None })?;
                place
            }
        };
        let cell = &mut self.places[place as usize];
        cell.node = Some(node);
        NodeId::new(self.mark, cell.generation, place).ok_or_else(full)
    }

    fn cell(&self, id: NodeId) -> Option<&Place> {
        let cell = self.places.get(id.place())?;
        (NodeId::new(self.mark, cell.generation, id.place() as u32) == Some(id)).then_some(cell)
    }

    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.cell(id)?.node.as_ref()
    }

    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.cell(id)?;
        self.places[id.place()].node.as_mut()
    }

    /// Like `get`, but a missing node is an error.
    pub fn need(&self, id: NodeId) -> Result<&Node> {
        self.get(id).ok_or_else(|| no_node(id))
    }

    pub fn need_mut(&mut self, id: NodeId) -> Result<&mut Node> {
        self.get_mut(id).ok_or_else(|| no_node(id))
    }

    pub fn variable(&self, id: NodeId) -> Result<&Variable> {
        match &self.need(id)?.kind {
            Kind::Variable(variable) => Ok(variable),
            other => Err(wrong_kind("variable", other)),
        }
    }

    pub fn variable_mut(&mut self, id: NodeId) -> Result<&mut Variable> {
        match &mut self.need_mut(id)?.kind {
            Kind::Variable(variable) => Ok(variable),
            other => Err(wrong_kind("variable", other)),
        }
    }

    /// Returns whether the object is a variable that has no value yet.
    pub fn lacks_value(&self, id: NodeId) -> bool {
        self.variable(id).is_ok_and(|variable| matches!(variable.data, Data::None))
    }

    /// A name for messages: the debug name, or a description of the kind.
    pub fn describe(&self, id: NodeId) -> String {
        match self.get(id) {
            None => "an object that was removed".to_owned(),
            Some(Node { debug_name: Some(name), .. }) => name.to_string(),
            Some(Node { kind: Kind::Variable(variable), .. }) => variable.describe(),
            Some(node) => node.kind.name().to_owned(),
        }
    }

    /// The children of a node, in the order in which they were tracked.
    ///
    /// Fails for a list that was changed other than by appending. Every walk through such a list
    /// fails.
    pub fn children(&self, id: NodeId) -> Result<&Edges> {
        let node = self.need(id)?;
        if let Kind::List(list) = &node.kind {
            list.check(|| self.describe(id))?;
        }
        Ok(node.edges())
    }

    /// Adds an edge, and restores the child if pending restores wait for it.
    pub fn track(&mut self, parent: NodeId, name: &str, child: NodeId, overwrite: bool) -> Result<()> {
        self.need(child)?;
        let node = self.need_mut(parent)?;
        match node.edges().get(name).copied() {
            Some(there) if there == child => Ok(()),
            Some(_) if !overwrite => Err(Error::new(
                Code::AlreadyExists,
                Reason::NameTaken,
                format!(
                    "an object named \"{}\" is already declared as a dependency: use another name, or overwrite the edge",
                    printable(name.as_bytes())
                ),
            )),
            Some(there) => {
                self.note_parent(child, parent)?;
                self.need_mut(parent)?.edges_mut().insert(name.into(), child); // keeps the position of the edge
                self.forget_parent(there, parent);
                Ok(())
            }
            None => {
                node.edges_mut().make_room(1)?;
                let by_name = list_of(node.waits.iter().flat_map(|waits| waits.by_name.iter().cloned()))?;
                self.note_parent(child, parent)?;
                let node = self.need_mut(parent)?;
                node.edges_mut().insert(name.into(), child);
                let waiting = node.waits.as_mut().and_then(|waits| waits.by_edge.remove(name)).unwrap_or_default();
                self.restore_waiting(waiting, child)?;
                self.restore_waiting(by_name, child)
            }
        }
    }

    /// Removes an edge and returns the object that it led to, which stays.
    pub fn untrack(&mut self, parent: NodeId, name: &str) -> Result<NodeId> {
        let node = self.need_mut(parent)?;
        let child = node.edges_mut().shift_remove(name).ok_or_else(|| {
            Error::new(Code::NotFound, Reason::Node, format!("the object has no edge \"{}\"", printable(name.as_bytes())))
        })?;
        self.forget_parent(child, parent);
        Ok(child)
    }

    /// Removes an object with all edges and slots to and from it, and returns its node.
    pub fn remove(&mut self, id: NodeId) -> Result<Node> {
        let removed = self.detach(id);
        self.settle();
        removed
    }

    /// The same, but leaves the edges and slots to the object for [`Nodes::settle`], which removes
    /// those to many objects at once: a program that ends removes all children of an object, one
    /// after the other.
    pub fn detach(&mut self, id: NodeId) -> Result<Node> {
        self.need(id)?;
        self.free.make_room(1)?;
        self.unsettled.make_room(self.need(id)?.parents.len())?;
        let Some(node) = self.places[id.place()].node.take() else { return Err(no_node(id)) };
        let cell = &mut self.places[id.place()];
        // A place whose generations are used up is not used again, so that an old id never refers
        // to a new object.
        if let Some(next) = cell.generation.checked_add(1) {
            cell.generation = next;
            self.free.push(id.place() as u32);
        }
        self.unsettled.swap_remove(&id);
        self.unsettled.extend(node.parents.iter().copied().filter(|&parent| parent != id));
        for &child in node.edges().values() {
            self.forget_parent(child, id);
        }
        if let Kind::SlotOwner(owner) = &node.kind {
            for (variable, slot) in owner.pairs() {
                self.forget_parent(variable, id);
                self.forget_parent(slot, id);
            }
        }
        Ok(node)
    }

    /// Removes the edges and slots to objects that were detached. Whatever looks at edges or slots
    /// does this first.
    pub fn settle(&mut self) {
        for parent in std::mem::take(&mut self.unsettled) {
            if self.get(parent).is_none() {
                continue;
            }
            let Some(mut node) = self.places[parent.place()].node.take() else { continue };
            let is_there = |id: NodeId| id == parent || self.get(id).is_some();
            if let Some(edges) = &mut node.edges {
                edges.retain(|_, child| is_there(*child));
            }
            match &mut node.kind {
                Kind::List(list) => list.keep(&is_there),
                Kind::SlotOwner(owner) => owner.keep(&is_there),
                _ => {}
            }
            if let Some(waits) = &mut node.waits {
                waits.by_slot.retain(|(_, variable), _| is_there(*variable));
            }
            self.places[parent.place()].node = Some(node);
        }
    }

    /// Records that `parent` has an edge or a slot to `child`.
    pub fn note_parent(&mut self, child: NodeId, parent: NodeId) -> Result<()> {
        let Some(node) = self.get_mut(child) else { return Ok(()) };
        let bytes = (node.parents.len() * size_of::<NodeId>()) as u64;
        node.parents.try_reserve(1).map_err(|_| Error::out_of_memory(bytes))?;
        node.parents.push(parent);
        Ok(())
    }

    /// Removes one record made by `note_parent`.
    pub fn forget_parent(&mut self, child: NodeId, parent: NodeId) {
        if let Some(node) = self.get_mut(child) {
            if let Some(at) = node.parents.iter().rposition(|&p| p == parent) {
                node.parents.swap_remove(at);
            }
        }
    }

    /// Takes the memory out of a variable, to read into it. [`Nodes::give_back`] returns it.
    pub fn take_data(&mut self, id: NodeId) -> Data {
        self.variable_mut(id).map(|variable| std::mem::take(&mut variable.data)).unwrap_or_default()
    }

    pub fn give_back(&mut self, id: NodeId, data: Data) {
        if let Ok(variable) = self.variable_mut(id) {
            variable.data = data;
        }
    }
}

fn full() -> Error {
    Error::new(Code::ResourceExhausted, Reason::Limit, "the graph is full: it cannot have more objects")
}

fn no_node(id: NodeId) -> Error {
    Error::argument("the node was removed or belongs to another graph")
        .because(Reason::Node)
        .expecting("a node of this graph", format_args!("{id:?}"))
}

pub(crate) fn wrong_kind(expected: &str, found: &Kind) -> Error {
    Error::argument("the object has the wrong kind for this call")
        .because(Reason::Node)
        .expecting(format_args!("a {expected}"), format_args!("a {}", found.name()))
}
