//! Writes V1 checkpoint files.

use std::path::{Path, PathBuf};

use super::ordered_code::slice_key;
use super::proto::{self, full, varint, Extent, Message};
use super::table::Style;

/// One tensor as a file's metadata lists it.
#[derive(Clone)]
pub struct Tensor {
    pub name: Vec<u8>,
    pub dtype: u64,
    pub shape: Vec<i64>,
    /// The slices of this file and the `TensorProto` of each; `None`: the record is missing.
    pub slices: Vec<(Vec<Extent>, Option<Message>)>,
}

/// A V1 file being put together in memory.
#[derive(Clone)]
pub struct File {
    pub tensors: Vec<Tensor>,
    pub version: Option<Message>,
    pub style: Style,
    /// Bytes in the place of the metadata record's value.
    pub meta: Option<Vec<u8>>,
    pub sorted: bool,
}

impl Default for File {
    fn default() -> File {
        File::new()
    }
}

impl File {
    pub fn new() -> File {
        let version = Some(proto::version(1, 0, &[]));
        File { tensors: Vec::new(), version, style: Style::default(), meta: None, sorted: true }
    }

    /// A tensor stored whole.
    pub fn tensor(&mut self, name: &str, dtype: u32, shape: &[i64], values: Message) -> &mut File {
        self.slice(name, dtype, shape, &full(shape.len()), values)
    }

    /// One slice of a tensor; the slices of one tensor follow each other.
    pub fn slice(&mut self, name: &str, dtype: u32, shape: &[i64], extents: &[Extent], values: Message) -> &mut File {
        let slice = (extents.to_vec(), Some(values));
        match self.tensors.last_mut() {
            Some(last) if last.name == name.as_bytes() => last.slices.push(slice),
            _ => self.tensors.push(Tensor {
                name: name.as_bytes().to_vec(),
                dtype: u64::from(dtype),
                shape: shape.to_vec(),
                slices: vec![slice],
            }),
        }
        self
    }

    fn meta(&self) -> Message {
        let mut meta = Message::new();
        for tensor in &self.tensors {
            let mut listed = Message::new().bytes(1, &tensor.name).message(2, proto::shape(&tensor.shape));
            listed = listed.int(3, tensor.dtype as i64);
            for (extents, _) in &tensor.slices {
                listed = listed.message(4, proto::slice(extents));
            }
            meta = meta.message(1, listed);
        }
        if let Some(version) = &self.version {
            meta = meta.message(2, version.clone());
        }
        meta
    }

    pub fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let meta = Message::new().message(1, self.meta()).0;
        let mut rows = vec![(Vec::new(), self.meta.clone().unwrap_or(meta))];
        for tensor in &self.tensors {
            for (extents, values) in &tensor.slices {
                let Some(values) = values else { continue };
                let data = Message::new().bytes(1, &tensor.name).message(2, proto::slice(extents));
                let data = data.message(3, values.clone());
                rows.push((slice_key(&tensor.name, extents), Message::new().message(2, data).0));
            }
        }
        if self.sorted {
            rows.sort_by(|a, b| a.0.cmp(&b.0));
        }
        rows
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.style.write(&self.rows())
    }

    pub fn write(&self, directory: &Path, name: &str) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

/// The `TensorProto` that holds elements of a dtype, given as their little-endian bytes.
pub fn values(dtype: u32, bytes: &[u8]) -> Message {
    use super::dtypes::*;
    let packed = |width: usize, read: fn(&[u8]) -> u64| -> Vec<u8> {
        bytes.chunks(width).flat_map(|element| varint(read(element))).collect()
    };
    let (field, content) = match dtype {
        FLOAT => (5, bytes.to_vec()),
        DOUBLE => (6, bytes.to_vec()),
        COMPLEX64 => (9, bytes.to_vec()),
        COMPLEX128 => (12, bytes.to_vec()),
        INT32 | QINT32 => (7, packed(4, |b| i64::from(i32::from_le_bytes(b.try_into().unwrap())) as u64)),
        INT16 => (7, packed(2, |b| i64::from(i16::from_le_bytes(b.try_into().unwrap())) as u64)),
        UINT16 => (7, packed(2, |b| u64::from(u16::from_le_bytes(b.try_into().unwrap())))),
        INT8 | QINT8 => (7, packed(1, |b| i64::from(b[0] as i8) as u64)),
        UINT8 | QUINT8 => (7, packed(1, |b| u64::from(b[0]))),
        INT64 => (10, packed(8, |b| u64::from_le_bytes(b.try_into().unwrap()))),
        BOOL => (11, packed(1, |b| u64::from(b[0]))),
        HALF => (13, packed(2, |b| u64::from(u16::from_le_bytes(b.try_into().unwrap())))),
        UINT32 => (16, packed(4, |b| u64::from(u32::from_le_bytes(b.try_into().unwrap())))),
        UINT64 => (17, packed(8, |b| u64::from_le_bytes(b.try_into().unwrap()))),
        other => panic!("V1 has no field for dtype {other}"),
    };
    if content.is_empty() {
        Message::new()
    } else {
        Message::new().bytes(field, &content)
    }
}

/// The dtypes with a field of their own in a V1 file, strings left out.
pub const DTYPES: [u32; 17] = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 17, 18, 19, 22, 23];

pub fn string_values(elements: &[&[u8]]) -> Message {
    elements.iter().fold(Message::new(), |message, element| message.bytes(8, element))
}
