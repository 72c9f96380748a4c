//! The object graph for display: the kind, name and values of each object.

use std::collections::VecDeque;

use checkpoint::{Attribute, ObjectGraph, Reader, Tensor};

use crate::term;

/// The kind of an object in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The object that was saved.
    Root,
    /// An object that holds other objects, or values other than a variable's.
    Object,
    /// An optimizer: an object that keeps slot variables.
    Optimizer,
    /// An object with a variable's value.
    Variable,
    /// A variable that an optimizer keeps for another variable.
    Slot,
}

/// An object of the graph.
pub struct Node {
    pub kind: Kind,
    /// The name of the last edge of the shortest path to it; for a slot variable, the name of the
    /// slot.
    pub name: String,
    /// The previous object on the shortest path; `None` for the root and for objects that no path
    /// leads to.
    pub parent: Option<usize>,
    /// Its values: the name of the attribute and a description of the tensor.
    pub values: Vec<(String, String)>,
    /// Edges to its children, then to its slot variables.
    pub edges: Vec<Edge>,
}

/// An edge to an object.
pub struct Edge {
    pub to: usize,
    /// The name of the edge.
    pub name: String,
    /// If the edge leads to a slot variable, the variable that the slot is kept for.
    pub slot_of: Option<usize>,
    /// Whether the tree shows `to` in full at this edge, because the edge ends its shortest path.
    pub in_tree: bool,
}

/// The name of the attribute that holds a variable's value.
const VARIABLE_VALUE: &str = "VARIABLE_VALUE";

/// The maximum number of values that are looked up for one attribute.
const MOST_VALUES: usize = 8;

/// All objects; the first is the root.
pub struct Model {
    pub nodes: Vec<Node>,
}

impl Model {
    /// Builds the model of a graph and looks up its values in the checkpoint.
    pub fn new(graph: &ObjectGraph, reader: &Reader) -> Model {
        let mut nodes: Vec<Node> = graph.nodes().map(|node| Node::new(&node, reader)).collect();
        for slot in graph.nodes().flat_map(|node| node.slot_variables()) {
            nodes[slot.slot_variable as usize].kind = Kind::Slot;
        }
        for (id, node) in nodes.iter_mut().enumerate() {
            node.name = format!("#{id}");
        }
        if let Some(root) = nodes.first_mut() {
            root.kind = Kind::Root;
            root.name = "root".to_owned();
        }
        let mut model = Model { nodes };
        model.place();
        model
    }

    /// Finds the place of each object in the tree: breadth first along children, then along the
    /// slots of the objects found.
    fn place(&mut self) {
        let mut found = vec![false; self.nodes.len()];
        if let Some(root) = found.first_mut() {
            *root = true;
        }
        let mut along_children = VecDeque::from_iter((!found.is_empty()).then_some(0));
        let mut along_slots = VecDeque::new();
        loop {
            let (id, slots) = match (along_children.pop_front(), along_slots.front()) {
                (Some(id), _) => (id, false),
                (None, Some(_)) => (along_slots.pop_front().unwrap_or_default(), true),
                (None, None) => break,
            };
            if !slots {
                along_slots.push_back(id);
            }
            for at in 0..self.nodes[id].edges.len() {
                let edge = &mut self.nodes[id].edges[at];
                let to = edge.to;
                if edge.slot_of.is_some() != slots || found[to] {
                    continue;
                }
                edge.in_tree = true;
                let name = edge.name.clone();
                found[to] = true;
                self.nodes[to].name = name;
                self.nodes[to].parent = Some(id);
                along_children.push_back(to);
            }
        }
    }

    /// Returns the objects that no path from the root leads to.
    pub fn unreachable(&self) -> impl Iterator<Item = usize> + '_ {
        (1..self.nodes.len()).filter(|&id| self.nodes[id].parent.is_none())
    }

    /// Returns the place of an object in the tree as the names from the root; only the last ones of
    /// a long path.
    pub fn path(&self, id: usize) -> String {
        /// The maximum number of names in a path.
        const NAMES: usize = 16;
        let mut names = Vec::new();
        let mut at = id;
        while let Some(parent) = self.nodes[at].parent {
            if names.len() == NAMES {
                names.push("…");
                break;
            }
            names.push(&self.nodes[at].name);
            at = parent;
        }
        if names.is_empty() {
            return self.nodes[id].name.clone();
        }
        names.reverse();
        names.join("/")
    }

    /// Returns the number of objects of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.nodes.iter().filter(|node| node.kind == kind).count() as u64
    }
}

impl Node {
    fn new(node: &checkpoint::Node<'_>, reader: &Reader) -> Node {
        let is_variable = node.attributes().any(|attribute| attribute.name == VARIABLE_VALUE);
        let children = node.children().map(|child| Edge {
            to: child.node as usize,
            name: shown_name(child.name),
            slot_of: None,
            in_tree: false,
        });
        let slots = node.slot_variables().map(|slot| Edge {
            to: slot.slot_variable as usize,
            name: shown_name(slot.name),
            slot_of: Some(slot.original_variable as usize),
            in_tree: false,
        });
        Node {
            kind: match (node.slot_variables().len() == 0, is_variable) {
                (false, _) => Kind::Optimizer,
                (true, true) => Kind::Variable,
                (true, false) => Kind::Object,
            },
            name: String::new(),
            parent: None,
            values: node.attributes().flat_map(|attribute| values_of(&attribute, reader)).collect(),
            edges: children.chain(slots).collect(),
        }
    }

    /// Returns the values as lines of text. A variable's only value is shown without its name.
    pub fn value_lines(&self) -> Vec<String> {
        match self.values.as_slice() {
            [(name, value)] if name == VARIABLE_VALUE => vec![value.clone()],
            values => values.iter().map(|(name, value)| format!("{name} {value}")).collect(),
        }
    }
}

/// Returns the values that the checkpoint has for an attribute. Some objects store tensors under
/// longer keys: iterators (`…ITERATOR` is stored as `…ITERATOR_STATE`), hash tables (`…table` as
/// `…table-keys` and `…table-values`).
fn values_of(attribute: &Attribute<'_>, reader: &Reader) -> Vec<(String, String)> {
    let key = attribute.checkpoint_key.as_bytes();
    let name = term::printable(attribute.name.as_bytes());
    let value = |tensor: Tensor<'_>| format!("{} {}", tensor.dtype(), term::shape(tensor.shape()));
    let first = first_not_before(reader, key);
    if let Some(tensor) = reader.tensor(first).filter(|tensor| tensor.key() == key) {
        return vec![(name, value(tensor))];
    }
    let longer = (first..reader.len()).map_while(|i| reader.tensor(i).filter(|tensor| tensor.key().starts_with(key)));
    let rest = |tensor: &Tensor<'_>| term::printable(&tensor.key()[key.len()..]);
    let stored: Vec<(String, String)> =
        longer.take(MOST_VALUES).map(|tensor| (format!("{name}{}", rest(&tensor)), value(tensor))).collect();
    if stored.is_empty() {
        vec![(name, "not in the checkpoint".to_owned())]
    } else {
        stored
    }
}

/// Returns the index of the first tensor whose key is not less than `key`.
fn first_not_before(reader: &Reader, key: &[u8]) -> usize {
    let (mut low, mut high) = (0, reader.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if reader.tensor(middle).is_some_and(|tensor| tensor.key() < key) {
            low = middle + 1
        } else {
            high = middle
        }
    }
    low
}

/// Returns a name for display; an empty name is shown as `""`.
fn shown_name(name: &str) -> String {
    if name.is_empty() {
        "\"\"".to_owned()
    } else {
        term::printable(name.as_bytes())
    }
}
