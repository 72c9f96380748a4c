//! Serializing an object graph as TensorFlow does.

use super::{AttributeRecord, EdgeRecord, Node, NodeRecord, ObjectGraph, SaverRecord, SlotRecord, Text};
use crate::allocate::with_room;
use crate::error::Result;
use crate::format::proto::{put_bytes, put_number, put_varint, varint_len};

impl ObjectGraph {
    /// Serializes the graph as a `TrackableObjectGraph`, byte for byte as TensorFlow writes it.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: there is no memory for it.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = with_room(self.encoded_len())?;
        for node in self.nodes() {
            put_varint(&mut out, 1 << 3 | 2);
            put_varint(&mut out, self.node_len(node) as u64);
            self.put_node(&mut out, node);
        }
        Ok(out)
    }

    /// The length of the result of [`ObjectGraph::encode`] in bytes.
    pub(super) fn encoded_len(&self) -> usize {
        self.nodes().map(|node| message_len(self.node_len(node))).sum()
    }

    fn node_len(&self, node: Node<'_>) -> usize {
        let edges: usize = node.edge_records().iter().map(|edge| message_len(edge_len(edge))).sum();
        let attributes: usize = node.attribute_records().iter().map(|attribute| message_len(attribute_len(attribute))).sum();
        let slots: usize = node.slot_records().iter().map(|slot| message_len(slot_len(slot))).sum();
        let saver = node.saver_record().map_or(0, |saver| message_len(saver_len(saver)));
        edges + attributes + slots + saver + has_values(node.record()).len()
    }

    fn put_node(&self, out: &mut Vec<u8>, node: Node<'_>) {
        for edge in node.edge_records() {
            put_header(out, 1, edge_len(edge));
            put_number(out, 1, edge.node.into());
            self.put_text(out, 2, &edge.name);
        }
        for attribute in node.attribute_records() {
            put_header(out, 2, attribute_len(attribute));
            self.put_text(out, 1, &attribute.name);
            self.put_text(out, 2, &attribute.full_name);
            self.put_text(out, 3, &attribute.key);
        }
        for slot in node.slot_records() {
            put_header(out, 3, slot_len(slot));
            put_number(out, 1, slot.variable.into());
            self.put_text(out, 2, &slot.name);
            put_number(out, 3, slot.slot_variable.into());
        }
        if let Some(saver) = node.saver_record() {
            put_header(out, 4, saver_len(saver));
            self.put_text(out, 1, &saver.name);
            self.put_text(out, 2, &saver.object_name);
        }
        out.extend_from_slice(has_values(node.record()));
    }

    /// Writes a text field. As in proto3, an empty one is omitted.
    fn put_text(&self, out: &mut Vec<u8>, field: u32, text: &Text) {
        if !text.is_empty() {
            put_bytes(out, field, self.text(text).as_bytes());
        }
    }
}

/// Writes the tag and length of a message whose field number is below 16.
fn put_header(out: &mut Vec<u8>, field: u8, length: usize) {
    out.push(field << 3 | 2);
    put_varint(out, length as u64);
}

/// The size of a message of `length` bytes including its tag and length, for a field number below
/// 16.
fn message_len(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

fn text_len(text: &Text) -> usize {
    match text.len() {
        0 => 0,
        length => message_len(length),
    }
}

fn number_len(number: u32) -> usize {
    match number {
        0 => 0,
        number => 1 + varint_len(number.into()),
    }
}

fn edge_len(edge: &EdgeRecord) -> usize {
    number_len(edge.node) + text_len(&edge.name)
}

fn attribute_len(attribute: &AttributeRecord) -> usize {
    text_len(&attribute.name) + text_len(&attribute.full_name) + text_len(&attribute.key)
}

fn slot_len(slot: &SlotRecord) -> usize {
    number_len(slot.variable) + text_len(&slot.name) + number_len(slot.slot_variable)
}

fn saver_len(saver: &SaverRecord) -> usize {
    text_len(&saver.name) + text_len(&saver.object_name)
}

/// The field `has_checkpoint_values`, a `BoolValue`: it is written even if the value is false.
fn has_values(node: &NodeRecord) -> &'static [u8] {
    match node.has_values {
        None => b"",
        Some(false) => b"\x2a\x00",
        Some(true) => b"\x2a\x02\x08\x01",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::build::GraphBuilder;
    use super::super::parse::tests::example;
    use super::*;
    use crate::reader::{Reader, OBJECT_GRAPH_KEY};

    #[test]
    fn tensorflows_graph_comes_out_as_it_was() {
        let graph = ObjectGraph::parse(&example()).unwrap();
        assert_eq!(graph.encode().unwrap(), example());
        assert_eq!(graph.encoded_len(), example().len());
    }

    #[test]
    fn the_graph_of_every_fixture_comes_out_as_it_was() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        let fixtures = [
            "guide/ckpt-5",
            "guide_slots/ckpt-5",
            "containers/c-1",
            "keras3/k-1",
            "resources/r-1",
            "wide/w-1",
            "savedmodel/variables",
        ];
        for name in fixtures {
            let reader = Reader::open(data.join(name)).unwrap();
            let stored = reader.get(OBJECT_GRAPH_KEY).unwrap().read_strings().unwrap();
            let graph = reader.object_graph().unwrap().unwrap();
            assert!(graph.encode().unwrap() == stored.get(0).unwrap(), "{name}");
            assert_eq!(graph.encoded_len(), stored.get(0).unwrap().len(), "{name}");
        }
    }

    #[test]
    fn zero_and_empty_fields_are_left_out() {
        let mut builder = GraphBuilder::new();
        builder.edge(0, "");
        builder.attribute("", "", "");
        builder.slot_variable(0, "", 0);
        builder.registered_saver("", "");
        builder.end_node(None);
        let graph = builder.finish().unwrap();
        assert_eq!(graph.encode().unwrap(), b"\x0a\x08\x0a\x00\x12\x00\x1a\x00\x22\x00");
        assert_eq!(graph.encoded_len(), graph.encode().unwrap().len());
    }

    #[test]
    fn lengths_and_ids_of_several_bytes_come_back() {
        let name = "n".repeat(40_000);
        let mut builder = GraphBuilder::new();
        for _ in 0..300 {
            builder.edge(299, &name[..200]);
            builder.slot_variable(130, "m", 299);
            builder.registered_saver(&name, "x");
            builder.end_node(Some(true));
        }
        let graph = builder.finish().unwrap();
        let bytes = graph.encode().unwrap();
        assert_eq!(graph.encoded_len(), bytes.len());
        let again = ObjectGraph::parse(&bytes).unwrap();
        assert_eq!(again.encode().unwrap(), bytes);
        assert_eq!(again.node(299).unwrap().registered_saver().unwrap().name, name);
    }
}
