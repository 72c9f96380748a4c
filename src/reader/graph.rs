//! The object graph of an object-based checkpoint (`TrackableObjectGraph`), validated and compact.

use std::collections::VecDeque;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::format::proto::{Fields, Value};

/// The objects of a checkpoint and the named edges between them. Node 0 is the root.
///
/// Every id in it is that of a node. It may have cycles, shared nodes and nodes that no edge leads to.
#[derive(Clone, Debug, Default)]
pub struct ObjectGraph {
    /// All names, one after the other.
    text: String,
    nodes: Vec<NodeRecord>,
    edges: Vec<EdgeRecord>,
    attributes: Vec<AttributeRecord>,
    slots: Vec<SlotRecord>,
    savers: Vec<SaverRecord>,
}

type Text = Range<u32>;

/// Ends of the node's runs in the lists of the graph; each begins where the node before it ends.
#[derive(Clone, Copy, Debug, Default)]
struct NodeRecord {
    edges: u32,
    attributes: u32,
    slots: u32,
    /// One more than the index of its registered saver; 0 for none.
    saver: u32,
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

/// An object of the graph.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    graph: &'a ObjectGraph,
    id: u32,
}

/// A named edge to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge<'a> {
    /// The child's id.
    pub node: u32,
    /// The name, not escaped.
    pub name: &'a str,
}

/// A value of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its name within the object, `VARIABLE_VALUE` of a variable.
    pub name: &'a str,
    /// The name that a name-based checkpoint gives it; may be empty.
    pub full_name: &'a str,
    /// The key of the tensor that holds it.
    pub checkpoint_key: &'a str,
}

/// A variable that an optimizer keeps for another variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotVariable<'a> {
    /// The id of the variable it is kept for.
    pub original_variable: u32,
    /// What it is, e.g. `m`.
    pub name: &'a str,
    /// The id of the kept variable.
    pub slot_variable: u32,
}

/// The saver that an object was registered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredSaver<'a> {
    /// The saver's registered name.
    pub name: &'a str,
    /// The name under which it saved the object.
    pub object_name: &'a str,
}

impl ObjectGraph {
    /// Reads a serialized `TrackableObjectGraph`.
    ///
    /// # Errors
    /// `DATA_LOSS` when it is not one, a name is not UTF-8, or an id is that of no node.
    pub fn parse(bytes: &[u8]) -> Result<ObjectGraph> {
        if u32::try_from(bytes.len()).is_err() {
            return Err(Error::malformed("the object graph is larger than a protobuf message can be"));
        }
        let mut graph = ObjectGraph::default();
        for field in Fields::of(bytes) {
            if let (1, node) = field? {
                let id = graph.nodes.len();
                let record =
                    graph.parse_node(node.bytes()?).map_err(|e| e.prefixed(&format!("node {id} of the object graph")))?;
                graph.nodes.push(record);
            }
        }
        if graph.nodes.is_empty() {
            return Err(Error::malformed("the object graph has no root"));
        }
        let count = graph.nodes.len();
        let ids = graph.edges.iter().map(|e| e.node).chain(graph.slots.iter().flat_map(|s| [s.variable, s.slot_variable]));
        match ids.max().filter(|&id| id as usize >= count) {
            Some(id) => Err(Error::malformed("the object graph refers to a node that it does not have")
                .expecting(format_args!("an id below {count}"), id)),
            None => Ok(graph),
        }
    }

    fn parse_node(&mut self, bytes: &[u8]) -> Result<NodeRecord> {
        let mut record = NodeRecord::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, v) => {
                    let (mut node, mut name) = (0, 0..0);
                    for field in Fields::of(v.bytes()?) {
                        match field? {
                            (1, v) => node = id(v)?,
                            (2, v) => name = self.keep(v)?,
                            _ => {}
                        }
                    }
                    self.edges.push(EdgeRecord { node, name });
                }
                (2, v) => {
                    let (mut name, mut full_name, mut key) = (0..0, 0..0, 0..0);
                    for field in Fields::of(v.bytes()?) {
                        match field? {
                            (1, v) => name = self.keep(v)?,
                            (2, v) => full_name = self.keep(v)?,
                            (3, v) => key = self.keep(v)?,
                            _ => {} // 4 was optional_restore in older files
                        }
                    }
                    self.attributes.push(AttributeRecord { name, full_name, key });
                }
                (3, v) => {
                    let (mut variable, mut name, mut slot_variable) = (0, 0..0, 0);
                    for field in Fields::of(v.bytes()?) {
                        match field? {
                            (1, v) => variable = id(v)?,
                            (2, v) => name = self.keep(v)?,
                            (3, v) => slot_variable = id(v)?,
                            _ => {}
                        }
                    }
                    self.slots.push(SlotRecord { variable, name, slot_variable });
                }
                (4, v) => {
                    let (mut name, mut object_name) = (0..0, 0..0);
                    for field in Fields::of(v.bytes()?) {
                        match field? {
                            (1, v) => name = self.keep(v)?,
                            (2, v) => object_name = self.keep(v)?,
                            _ => {}
                        }
                    }
                    self.savers.push(SaverRecord { name, object_name });
                    record.saver = self.savers.len() as u32;
                }
                (5, v) => {
                    let mut value = false;
                    for field in Fields::of(v.bytes()?) {
                        if let (1, v) = field? {
                            value = v.varint()? != 0;
                        }
                    }
                    record.has_values = Some(value);
                }
                _ => {}
            }
        }
        record.edges = self.edges.len() as u32;
        record.attributes = self.attributes.len() as u32;
        record.slots = self.slots.len() as u32;
        Ok(record)
    }

    fn keep(&mut self, value: Value<'_>) -> Result<Text> {
        let start = self.text.len() as u32;
        self.text.push_str(value.text()?);
        Ok(start..self.text.len() as u32)
    }

    fn text(&self, range: &Text) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// The number of nodes; at least one, the root.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Always false: there is a root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node with this id.
    pub fn node(&self, id: u32) -> Option<Node<'_>> {
        ((id as usize) < self.nodes.len()).then_some(Node { graph: self, id })
    }

    /// The nodes in the order of their ids.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = Node<'_>> + '_ {
        (0..self.nodes.len()).map(|id| Node { graph: self, id: id as u32 })
    }

    /// For each node the parent and the index of the parent's edge by which a breadth-first search from the root first comes to
    /// it; none for the root and for nodes that no path leads to, slot variables among them.
    pub fn parents(&self) -> Vec<Option<(u32, usize)>> {
        let mut parents = vec![None; self.nodes.len()];
        let mut queue = VecDeque::from([0u32]);
        while let Some(id) = queue.pop_front() {
            let Some(node) = self.node(id) else { continue };
            for (index, edge) in node.children().enumerate() {
                let parent = &mut parents[edge.node as usize];
                if edge.node != 0 && parent.is_none() {
                    *parent = Some((id, index));
                    queue.push_back(edge.node);
                }
            }
        }
        parents
    }
}

fn id(value: Value<'_>) -> Result<u32> {
    let id = value.int()?;
    u32::try_from(id).map_err(|_| Error::malformed("a node id is out of range").expecting("0 or more", id))
}

impl<'a> Node<'a> {
    /// The id: its place in the list of nodes.
    pub fn id(&self) -> u32 {
        self.id
    }

    fn run(&self, end: impl Fn(&NodeRecord) -> u32) -> Range<usize> {
        let start = (self.id as usize).checked_sub(1).map_or(0, |before| end(&self.graph.nodes[before]));
        start as usize..end(&self.graph.nodes[self.id as usize]) as usize
    }

    /// The edges to children, in the order of the file.
    pub fn children(&self) -> impl ExactSizeIterator<Item = Edge<'a>> + 'a {
        let graph = self.graph;
        graph.edges[self.run(|n| n.edges)].iter().map(|e| Edge { node: e.node, name: graph.text(&e.name) })
    }

    /// The values.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = Attribute<'a>> + 'a {
        let graph = self.graph;
        graph.attributes[self.run(|n| n.attributes)].iter().map(|a| Attribute {
            name: graph.text(&a.name),
            full_name: graph.text(&a.full_name),
            checkpoint_key: graph.text(&a.key),
        })
    }

    /// The slot variables, of an optimizer.
    pub fn slot_variables(&self) -> impl ExactSizeIterator<Item = SlotVariable<'a>> + 'a {
        let graph = self.graph;
        graph.slots[self.run(|n| n.slots)].iter().map(|s| SlotVariable {
            original_variable: s.variable,
            name: graph.text(&s.name),
            slot_variable: s.slot_variable,
        })
    }

    /// The registered saver, if it has one.
    pub fn registered_saver(&self) -> Option<RegisteredSaver<'a>> {
        let index = self.graph.nodes[self.id as usize].saver.checked_sub(1)?;
        let saver = &self.graph.savers[index as usize];
        Some(RegisteredSaver { name: self.graph.text(&saver.name), object_name: self.graph.text(&saver.object_name) })
    }

    /// Whether the node or anything below it has values; none when the writer, an older one, did not say.
    pub fn has_checkpoint_values(&self) -> Option<bool> {
        self.graph.nodes[self.id as usize].has_values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that TensorFlow wrote for `Checkpoint(m=a)` with `a.x` empty, `a.v` a variable and `a.e.f` empty.
    fn example() -> Vec<u8> {
        let mut bytes = b"\x0a\x0b\x0a\x05\x08\x01\x12\x01m\x2a\x02\x08\x01".to_vec();
        bytes.extend_from_slice(b"\x0a\x19\x0a\x05\x08\x02\x12\x01x\x0a\x05\x08\x03\x12\x01v\x0a\x05\x08\x04\x12\x01e\x2a\x02\x08\x01\x0a\x02\x2a\x00");
        bytes.extend_from_slice(
            b"\x0a\x40\x12\x3a\x0a\x0eVARIABLE_VALUE\x12\x08Variable\x1a\x1em/v/.ATTRIBUTES/VARIABLE_VALUE\x2a\x02\x08\x01",
        );
        bytes.extend_from_slice(b"\x0a\x09\x0a\x05\x08\x05\x12\x01f\x2a\x00\x0a\x02\x2a\x00");
        bytes
    }

    #[test]
    fn tensorflows_graph_is_read() {
        let graph = ObjectGraph::parse(&example()).unwrap();
        assert_eq!(graph.len(), 6);
        let node = |id| graph.node(id).unwrap();
        assert_eq!(node(1).children().map(|e| (e.name, e.node)).collect::<Vec<_>>(), [("x", 2), ("v", 3), ("e", 4)]);
        let expected =
            Attribute { name: "VARIABLE_VALUE", full_name: "Variable", checkpoint_key: "m/v/.ATTRIBUTES/VARIABLE_VALUE" };
        assert_eq!(node(3).attributes().collect::<Vec<_>>(), [expected]);
        assert_eq!([node(0), node(2), node(5)].map(|n| n.has_checkpoint_values()), [Some(true), Some(false), Some(false)]);
        assert_eq!(graph.parents(), [None, Some((0, 0)), Some((1, 0)), Some((1, 1)), Some((1, 2)), Some((4, 0))]);
    }

    #[test]
    fn ids_of_no_node_are_refused() {
        for (bytes, what) in [
            (&b"\x0a\x07\x0a\x05\x08\x01\x12\x01m"[..], "below 1"),
            (b"\x0a\x0f\x0a\x0d\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x01m", "out of range"),
            (b"\x0a\x04\x1a\x02\x18\x07", "below 1"),
            (b"", "no root"),
            (b"\x0a\x06\x0a\x04\x12\x02\xff\xfe", "UTF-8"),
        ] {
            let error = ObjectGraph::parse(bytes).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
    }
}
