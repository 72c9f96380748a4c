//! Parsing and validating a serialized object graph.

use super::{AttributeRecord, EdgeRecord, NodeRecord, ObjectGraph, SaverRecord, SlotRecord, Text};
use crate::allocate::{Room, TryPush};
use crate::error::{Error, Result};
use crate::format::proto::{Fields, Value};

impl ObjectGraph {
    /// Parses a serialized `TrackableObjectGraph`.
    ///
    /// # Errors
    /// `DATA_LOSS` (`Malformed`): the bytes are not a `TrackableObjectGraph`, a name is not UTF-8,
    /// or an id does not refer to a node.
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
                graph.nodes.try_push(record)?;
            }
        }
        if graph.nodes.is_empty() {
            return Err(Error::malformed("the object graph has no root"));
        }
        match graph.id_of_no_node() {
            Some(id) => Err(Error::malformed("the object graph refers to a missing node")
                .expecting(format_args!("an id below {}", graph.len()), id)),
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
                    self.edges.try_push(EdgeRecord { node, name })?;
                }
                (2, v) => {
                    let (mut name, mut full_name, mut key) = (0..0, 0..0, 0..0);
                    for field in Fields::of(v.bytes()?) {
                        match field? {
                            (1, v) => name = self.keep_name(v)?,
                            (2, v) => full_name = self.keep(v)?,
                            (3, v) => key = self.keep(v)?,
                            _ => {} // 4 is optional_restore in older files
                        }
                    }
                    self.attributes.try_push(AttributeRecord { name, full_name, key })?;
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
                    self.slots.try_push(SlotRecord { variable, name, slot_variable })?;
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
                    self.savers.try_push(SaverRecord { name, object_name })?;
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

    /// Copies a text into the graph's text.
    fn keep(&mut self, value: Value<'_>) -> Result<Text> {
        let start = self.text.len() as u32;
        let text = value.text()?;
        self.text.make_room(text.len())?;
        self.text.push_str(text);
        Ok(start..self.text.len() as u32)
    }

    /// Like `keep`, for the name of a value. Most values have the same name as the previous one and
    /// share its text.
    fn keep_name(&mut self, value: Value<'_>) -> Result<Text> {
        match self.attributes.last() {
            Some(before) if self.text(&before.name).as_bytes() == value.bytes()? => Ok(before.name.clone()),
            _ => self.keep(value),
        }
    }
}

fn id(value: Value<'_>) -> Result<u32> {
    let id = value.int()?;
    u32::try_from(id).map_err(|_| Error::malformed("a node id is out of range").expecting("0 or more", id))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Attribute;
    use super::*;

    /// Bytes that TensorFlow wrote for `Checkpoint(m=a)` with `a.x` empty, `a.v` a variable and
    /// `a.e.f` empty.
    pub fn example() -> Vec<u8> {
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
        assert_eq!(graph.parents().unwrap(), [None, Some((0, 0)), Some((1, 0)), Some((1, 1)), Some((1, 2)), Some((4, 0))]);
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
