//! Object graphs, encoded a second time.

use super::proto::Message;

/// One object.
#[derive(Default)]
pub struct Object {
    edges: Vec<(String, i64)>,
    values: Vec<(String, String)>,
    slots: Vec<(i64, String, i64)>,
}

impl Object {
    pub fn new() -> Object {
        Object::default()
    }

    /// An object that holds a variable's value at `path`.
    pub fn variable(path: &str) -> Object {
        Object::new().value("VARIABLE_VALUE", &format!("{path}/.ATTRIBUTES/VARIABLE_VALUE"))
    }

    pub fn edge(mut self, name: &str, to: i64) -> Object {
        self.edges.push((name.to_owned(), to));
        self
    }

    pub fn value(mut self, name: &str, key: &str) -> Object {
        self.values.push((name.to_owned(), key.to_owned()));
        self
    }

    pub fn slot(mut self, variable: i64, name: &str, slot: i64) -> Object {
        self.slots.push((variable, name.to_owned(), slot));
        self
    }

    fn encode(&self) -> Message {
        let mut message = Message::new();
        for (name, to) in &self.edges {
            message = message.message(1, Message::new().int(1, *to).bytes(2, name.as_bytes()));
        }
        for (name, key) in &self.values {
            message = message.message(2, Message::new().bytes(1, name.as_bytes()).bytes(3, key.as_bytes()));
        }
        for (variable, name, slot) in &self.slots {
            message = message.message(3, Message::new().int(1, *variable).bytes(2, name.as_bytes()).int(3, *slot));
        }
        message
    }
}

/// A `TrackableObjectGraph`; the first object is the root.
pub fn graph(objects: &[Object]) -> Vec<u8> {
    objects.iter().fold(Message::new(), |message, object| message.message(1, object.encode())).0
}
