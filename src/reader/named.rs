//! Tensors by the names that people use: the paths of variables, and their full names.

use super::object_graph::ObjectGraph;
use super::similar::VALUE_SUFFIX;
use super::Reader;
use crate::allocate::TryPush;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::key;

/// What TensorFlow appends to the name of an operation for the name of its first tensor.
const FIRST_OUTPUT: &[u8] = b":0";

/// The largest number of keys that a message lists.
const SHOWN: usize = 5;

/// The full names in the object graph of a checkpoint.
#[derive(Debug, Default)]
pub(super) struct Names {
    graph: ObjectGraph,
    /// The nodes with full names, and the number of the attribute in its node, sorted by full name.
    order: Vec<(u32, u32)>,
}

impl Names {
    fn new(graph: ObjectGraph) -> Result<Names> {
        let mut order = Vec::new();
        for node in graph.nodes() {
            for (number, attribute) in node.attributes().enumerate() {
                if !attribute.full_name.is_empty() {
                    order.try_push((node.id(), number as u32))?;
                }
            }
        }
        crate::sort::sort_by(&mut order, |a, b| text(&graph, *a).cmp(text(&graph, *b)))?;
        Ok(Names { graph, order })
    }

    /// Returns the keys of the values with this full name.
    fn keys<'n>(&'n self, name: &'n [u8]) -> impl Iterator<Item = &'n str> {
        let first = self.order.partition_point(|&place| text(&self.graph, place).as_bytes() < name);
        let those = self.order[first..].iter().take_while(move |&&place| text(&self.graph, place).as_bytes() == name);
        those.filter_map(|&(node, number)| Some(self.graph.node(node)?.attributes().nth(number as usize)?.checkpoint_key))
    }

    /// Returns the key of the variable that a path leads to. It may have another path in its key.
    fn key_at(&self, path: &[u8]) -> Option<&str> {
        let node = self.graph.node(self.graph.node_at(std::str::from_utf8(path).ok()?)?)?;
        let value = node.attributes().find(|attribute| attribute.name == key::VARIABLE_VALUE);
        value.map(|attribute| attribute.checkpoint_key)
    }

    /// Returns all full names, each with its key.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.graph.nodes().flat_map(|node| node.attributes()).map(|attribute| (attribute.full_name, attribute.checkpoint_key))
    }
}

/// Returns the full name of an attribute of a node.
fn text(graph: &ObjectGraph, (node, number): (u32, u32)) -> &str {
    let attribute = graph.node(node).and_then(|node| node.attributes().nth(number as usize));
    attribute.map_or("", |attribute| attribute.full_name)
}

impl Reader {
    /// The full names of the checkpoint; `None` if it has no object graph.
    pub(super) fn names(&self) -> Result<Option<&Names>> {
        if let Some(names) = self.names.get() {
            return Ok(names.as_ref());
        }
        // Made before the cell is entered: a process that is forked meanwhile would wait for ever
        // for the thread that is in it.
        let made = self.object_graph()?.map(Names::new).transpose()?;
        Ok(self.names.get_or_init(|| made).as_ref())
    }

    /// The index of the tensor with this name: the path of a variable, or its full name, with or
    /// without `:0`; else another path that leads to the variable. `None` if there is none.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`Ambiguous`): several tensors have the name.
    /// * `DATA_LOSS`: the object graph is damaged or malformed.
    pub(super) fn find_named(&self, name: &[u8]) -> Result<Option<usize>> {
        let mut found: Vec<usize> = self.find(&[name, VALUE_SUFFIX].concat()).into_iter().collect();
        if let Some(names) = self.names()? {
            let plain = name.strip_suffix(FIRST_OUTPUT).unwrap_or(name);
            let both = [name, plain];
            let full_names = &both[usize::from(plain == name)..];
            let keys = full_names.iter().flat_map(|full_name| names.keys(full_name));
            // A hostile graph has any number of values with one name.
            for index in keys.filter_map(|key| self.find(key.as_bytes())) {
                if !found.contains(&index) && found.len() <= SHOWN {
                    found.push(index);
                }
            }
            if found.is_empty() {
                found.extend(names.key_at(name).and_then(|key| self.find(key.as_bytes())));
            }
        }
        match found[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(self.ambiguous(name, &found)),
        }
    }

    fn ambiguous(&self, name: &[u8], found: &[usize]) -> Error {
        let mut keys: Vec<String> =
            found.iter().take(SHOWN).map(|&index| format!("\"{}\"", printable(self.key(index)))).collect();
        keys.sort_unstable();
        let more = if found.len() > SHOWN { ", …" } else { "" };
        let what = format!("several tensors have this name; use a key: {}{more}", keys.join(", "));
        Error::new(Code::InvalidArgument, Reason::Ambiguous, what).for_tensor(name).in_file(self.prefix())
    }
}
