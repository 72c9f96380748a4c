//! The object graph of an object-based checkpoint (`TrackableObjectGraph`), validated and stored
//! compactly.

mod build;
mod encode;
mod parse;
mod paths;
mod pick;
mod rekey;
mod rename;
mod unite;
mod wrap;

use std::ops::Range;

pub(crate) use build::GraphBuilder;
pub use rekey::Rekeyed;

/// The object graph stored in an object-based checkpoint: nodes and the named edges between them.
/// Nodes are numbered from 0, which is the root.
///
/// Every id in the graph refers to an existing node. The graph may have cycles, shared nodes and
/// nodes that no edge leads to.
///
/// ```
/// # use checkpoint::{Checkpoint, DType, Graph, SaveOptions, Variable};
/// # let directory = tempfile::tempdir()?;
/// # let saved = Graph::new();
/// # let root = saved.add_object()?;
/// # saved.track(root, "step", saved.add_variable(Variable::zeros(DType::Int64, &[])?)?)?;
/// # let path = directory.path().join("model");
/// # let path = Checkpoint::new(&saved, root)?.write(path, &SaveOptions::new())?;
/// let reader = checkpoint::Reader::open(&path)?;
/// let objects = reader.object_graph()?.expect("it was not saved by names");
/// let root = objects.node(0).expect("every graph has a root");
/// let edge = root.children().find(|edge| edge.name == "step").expect("the root has a step");
/// let step = objects.node(edge.node).expect("edges lead to nodes");
/// let value = step.attributes().next().expect("a variable has a value");
/// assert_eq!(value.checkpoint_key, "step/.ATTRIBUTES/VARIABLE_VALUE");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ObjectGraph {
    /// All names, keys and paths, concatenated; [`Text`] ranges refer to this text.
    text: String,
    /// The nodes by their ids.
    nodes: Vec<NodeRecord>,
    /// The edges, attributes and slots of all nodes, in the order of the nodes.
    edges: Vec<EdgeRecord>,
    attributes: Vec<AttributeRecord>,
    slots: Vec<SlotRecord>,
    /// The registered savers of the nodes that have one.
    savers: Vec<SaverRecord>,
}

/// A range of bytes in [`ObjectGraph::text`].
type Text = Range<u32>;

/// For each list of the graph, the end of the node's part of it. Each part begins where that of the
/// previous node ends.
#[derive(Clone, Copy, Debug, Default)]
struct NodeRecord {
    edges: u32,
    attributes: u32,
    slots: u32,
    /// One more than the index of the node's registered saver; 0 if it has none.
    saver: u32,
    /// Whether the node or anything below it has values; `None` if the file does not say.
    has_values: Option<bool>,
}

#[derive(Clone, Debug)]
struct EdgeRecord {
    node: u32,
    name: Text,
}

#[derive(Clone, Debug)]
struct AttributeRecord {
    name: Text,
    full_name: Text,
    key: Text,
}

#[derive(Clone, Debug)]
struct SlotRecord {
    variable: u32,
    name: Text,
    slot_variable: u32,
}

#[derive(Clone, Debug)]
struct SaverRecord {
    name: Text,
    object_name: Text,
}

/// A node of the graph: an object of the program that saved the checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    graph: &'a ObjectGraph,
    id: u32,
}

/// A named edge from a node to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge<'a> {
    /// The child's id.
    pub node: u32,
    /// The name, not escaped.
    pub name: &'a str,
}

/// A stored value of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name of the value within its node: `VARIABLE_VALUE` for a variable.
    pub name: &'a str,
    /// The name that a name-based checkpoint would use for the value; may be empty.
    pub full_name: &'a str,
    /// The key of the tensor that holds it.
    pub checkpoint_key: &'a str,
}

/// A slot variable: a variable that an optimizer keeps for another variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotVariable<'a> {
    /// The id of the variable that the slot variable belongs to.
    pub original_variable: u32,
    /// The name of the slot, e.g. `m`.
    pub name: &'a str,
    /// The id of the slot variable itself.
    pub slot_variable: u32,
}

/// The registered saver that saved an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredSaver<'a> {
    /// The saver's registered name.
    pub name: &'a str,
    /// The name under which it saved the object.
    pub object_name: &'a str,
}

impl ObjectGraph {
    fn text(&self, range: &Text) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// The largest id in the graph if no node has it.
    fn id_of_no_node(&self) -> Option<u32> {
        let ids = self.edges.iter().map(|e| e.node).chain(self.slots.iter().flat_map(|s| [s.variable, s.slot_variable]));
        ids.max().filter(|&id| id as usize >= self.nodes.len())
    }

    /// The number of nodes, at least 1: the root.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Always false: every graph has a root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node with this id; `None` if there is no such node.
    pub fn node(&self, id: u32) -> Option<Node<'_>> {
        ((id as usize) < self.nodes.len()).then_some(Node { graph: self, id })
    }

    /// All nodes in the order of their ids.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = Node<'_>> + '_ {
        (0..self.nodes.len()).map(|id| Node { graph: self, id: id as u32 })
    }
}

impl<'a> Node<'a> {
    /// The id of the node: its index in the list of nodes.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The node's part of a list of the graph; `end` selects the list.
    fn run(&self, end: impl Fn(&NodeRecord) -> u32) -> Range<usize> {
        let start = (self.id as usize).checked_sub(1).map_or(0, |before| end(&self.graph.nodes[before]));
        start as usize..end(self.record()) as usize
    }

    fn record(&self) -> &'a NodeRecord {
        &self.graph.nodes[self.id as usize]
    }

    fn edge_records(&self) -> &'a [EdgeRecord] {
        &self.graph.edges[self.run(|n| n.edges)]
    }

    fn attribute_records(&self) -> &'a [AttributeRecord] {
        &self.graph.attributes[self.run(|n| n.attributes)]
    }

    fn slot_records(&self) -> &'a [SlotRecord] {
        &self.graph.slots[self.run(|n| n.slots)]
    }

    fn saver_record(&self) -> Option<&'a SaverRecord> {
        let index = self.record().saver.checked_sub(1)?;
        self.graph.savers.get(index as usize)
    }

    /// The edges to the node's children, in the order of the file.
    pub fn children(&self) -> impl ExactSizeIterator<Item = Edge<'a>> + 'a {
        let graph = self.graph;
        self.edge_records().iter().map(|e| Edge { node: e.node, name: graph.text(&e.name) })
    }

    /// The edge at `index` among those to the children, without a look at the others.
    pub(crate) fn child_at(&self, index: usize) -> Option<Edge<'a>> {
        let graph = self.graph;
        self.edge_records().get(index).map(|e| Edge { node: e.node, name: graph.text(&e.name) })
    }

    /// The name of the slot variable at `index`, without a look at the others.
    pub(crate) fn slot_name_at(&self, index: usize) -> Option<&'a str> {
        self.slot_records().get(index).map(|slot| self.graph.text(&slot.name))
    }

    /// The node's stored values.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = Attribute<'a>> + 'a {
        let graph = self.graph;
        self.attribute_records().iter().map(|a| Attribute {
            name: graph.text(&a.name),
            full_name: graph.text(&a.full_name),
            checkpoint_key: graph.text(&a.key),
        })
    }

    /// The node's slot variables. Only optimizers have any.
    pub fn slot_variables(&self) -> impl ExactSizeIterator<Item = SlotVariable<'a>> + 'a {
        let graph = self.graph;
        self.slot_records().iter().map(|s| SlotVariable {
            original_variable: s.variable,
            name: graph.text(&s.name),
            slot_variable: s.slot_variable,
        })
    }

    /// The registered saver that saved the node; `None` if none did.
    pub fn registered_saver(&self) -> Option<RegisteredSaver<'a>> {
        let saver = self.saver_record()?;
        Some(RegisteredSaver { name: self.graph.text(&saver.name), object_name: self.graph.text(&saver.object_name) })
    }

    /// Whether the node or any of its descendants has values; `None` if the checkpoint does not
    /// say, as with older writers.
    pub fn has_checkpoint_values(&self) -> Option<bool> {
        self.record().has_values
    }
}
