//! Protocol buffers, written by hand, valid or not.

/// A base-128 number in its shortest form.
pub fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A message being written, field by field.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    pub fn new() -> Message {
        Message::default()
    }

    /// A varint field, written even when it is 0.
    pub fn varint(mut self, field: u32, value: u64) -> Message {
        self.0.extend(varint(u64::from(field) << 3));
        self.0.extend(varint(value));
        self
    }

    /// A varint field as proto3 writes it: 0 is left out, negatives take ten bytes.
    pub fn int(self, field: u32, value: i64) -> Message {
        if value == 0 {
            self
        } else {
            self.varint(field, value as u64)
        }
    }

    pub fn bytes(mut self, field: u32, value: &[u8]) -> Message {
        self.0.extend(varint(u64::from(field) << 3 | 2));
        self.0.extend(varint(value.len() as u64));
        self.0.extend(value);
        self
    }

    pub fn message(self, field: u32, value: Message) -> Message {
        self.bytes(field, &value.0)
    }

    pub fn fixed32(mut self, field: u32, value: u32) -> Message {
        self.0.extend(varint(u64::from(field) << 3 | 5));
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Message {
        self.0.extend(bytes);
        self
    }
}

/// One dimension of a slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    Full,
    /// start, length
    Part(i64, i64),
    /// A start without a length, which nobody should write.
    StartOnly(i64),
}

impl Extent {
    /// First index and number of elements, in a dimension of `size`.
    pub fn within(self, size: i64) -> (i64, i64) {
        match self {
            Extent::Full => (0, size),
            Extent::Part(start, length) => (start, length),
            Extent::StartOnly(start) => (start, -1),
        }
    }
}

/// The slice of rank `rank` that is the whole tensor.
pub fn full(rank: usize) -> Vec<Extent> {
    vec![Extent::Full; rank]
}

/// `TensorShapeProto`
pub fn shape(dims: &[i64]) -> Message {
    dims.iter().fold(Message::new(), |message, &size| message.message(2, Message::new().int(1, size)))
}

/// `TensorSliceProto`
pub fn slice(extents: &[Extent]) -> Message {
    extents.iter().fold(Message::new(), |message, extent| {
        let written = match *extent {
            Extent::Full => Message::new(),
            Extent::Part(start, length) => Message::new().int(1, start).varint(2, length as u64),
            Extent::StartOnly(start) => Message::new().int(1, start),
        };
        message.message(1, written)
    })
}

/// `VersionDef`
pub fn version(producer: i64, min_consumer: i64, bad_consumers: &[u64]) -> Message {
    let message = Message::new().int(1, producer).int(2, min_consumer);
    if bad_consumers.is_empty() {
        message
    } else {
        let packed: Vec<u8> = bad_consumers.iter().flat_map(|&bad| varint(bad)).collect();
        message.bytes(3, &packed)
    }
}
