//! Writes V2 bundles: an index and its data shards, right by default and wrong on request.

use std::path::{Path, PathBuf};

use super::ordered_code::slice_key;
use super::proto::{self, Extent, Message};
use super::table::Style;
use super::{crc, dtypes, payload};

/// The fields of a `BundleEntryProto`.
#[derive(Clone)]
pub struct Entry {
    pub dtype: u64,
    /// `None`: the field is missing.
    pub shape: Option<Vec<i64>>,
    pub shard: i64,
    pub offset: i64,
    pub size: i64,
    pub masked_crc: Option<u32>,
    pub slices: Vec<Vec<Extent>>,
}

impl Entry {
    pub fn encode(&self) -> Vec<u8> {
        let mut message = Message::new().int(1, self.dtype as i64);
        if let Some(dims) = &self.shape {
            message = message.message(2, proto::shape(dims));
        }
        message = message.int(3, self.shard).int(4, self.offset).int(5, self.size);
        if let Some(masked) = self.masked_crc {
            message = message.fixed32(6, masked);
        }
        for slice in &self.slices {
            message = message.message(7, proto::slice(slice));
        }
        message.0
    }
}

/// A record: fields that a test may still change, or plain bytes.
#[derive(Clone)]
pub enum Record {
    Entry(Entry),
    Raw(Vec<u8>),
}

/// A bundle being put together in memory.
#[derive(Clone)]
pub struct Bundle {
    pub header: Vec<u8>,
    /// Records in the order in which they were added.
    pub records: Vec<(Vec<u8>, Record)>,
    pub shards: Vec<Vec<u8>>,
    /// The shard that the next tensor goes to.
    pub shard: usize,
    pub style: Style,
    pub alignment: usize,
    pub big_endian: bool,
    /// Whether `index` sorts the records by key.
    pub sorted: bool,
}

/// A header as TensorFlow writes it.
pub fn header(shards: i64, big_endian: bool) -> Vec<u8> {
    let message = Message::new().int(1, shards).int(2, i64::from(big_endian));
    message.message(3, proto::version(1, 0, &[])).0
}

impl Default for Bundle {
    fn default() -> Bundle {
        Bundle::new()
    }
}

impl Bundle {
    pub fn new() -> Bundle {
        Bundle::sharded(1)
    }

    pub fn sharded(shards: usize) -> Bundle {
        Bundle {
            header: header(shards as i64, false),
            records: Vec::new(),
            shards: vec![Vec::new(); shards],
            shard: 0,
            style: Style::default(),
            alignment: 1,
            big_endian: false,
            sorted: true,
        }
    }

    pub fn big_endian() -> Bundle {
        Bundle { header: header(1, true), big_endian: true, ..Bundle::new() }
    }

    /// A tensor of fixed-size elements, given as little-endian bytes.
    pub fn tensor(&mut self, key: &str, dtype: u32, shape: &[i64], bytes: &[u8]) -> &mut Bundle {
        self.put_numbers(key.as_bytes(), dtype, shape, bytes);
        self
    }

    /// The same under a key of any bytes.
    pub fn put_numbers(&mut self, key: &[u8], dtype: u32, shape: &[i64], bytes: &[u8]) {
        let stored = if self.big_endian { dtypes::swap(dtype, bytes) } else { bytes.to_vec() };
        self.put(key, dtype, shape, &stored, crc::masked(&stored));
    }

    pub fn strings(&mut self, key: &str, shape: &[i64], elements: &[&[u8]]) -> &mut Bundle {
        let payload = payload::strings(elements, self.big_endian);
        self.put(key.as_bytes(), dtypes::STRING, shape, &payload.bytes, payload.masked_crc);
        self
    }

    pub fn variants(&mut self, key: &str, shape: &[i64], elements: &[&[u8]]) -> &mut Bundle {
        let payload = payload::variants(elements);
        self.put(key.as_bytes(), dtypes::VARIANT, shape, &payload.bytes, payload.masked_crc);
        self
    }

    /// The record that lists the slices of a partitioned tensor.
    pub fn partitioned(&mut self, key: &str, dtype: u32, shape: &[i64], slices: &[Vec<Extent>]) -> &mut Bundle {
        let entry = Entry {
            dtype: u64::from(dtype),
            shape: Some(shape.to_vec()),
            shard: 0,
            offset: 0,
            size: 0,
            masked_crc: None,
            slices: slices.to_vec(),
        };
        self.records.push((key.as_bytes().to_vec(), Record::Entry(entry)));
        self
    }

    /// The record and bytes of one slice.
    pub fn slice(&mut self, key: &str, dtype: u32, full: &[i64], extents: &[Extent], bytes: &[u8]) -> &mut Bundle {
        let shape: Vec<i64> = full.iter().zip(extents).map(|(&size, extent)| extent.within(size).1).collect();
        self.put_numbers(&slice_key(key.as_bytes(), extents), dtype, &shape, bytes);
        self
    }

    pub fn string_slice(&mut self, key: &str, full: &[i64], extents: &[Extent], elements: &[&[u8]]) -> &mut Bundle {
        let shape: Vec<i64> = full.iter().zip(extents).map(|(&size, extent)| extent.within(size).1).collect();
        let payload = payload::strings(elements, self.big_endian);
        let key = slice_key(key.as_bytes(), extents);
        self.put(&key, dtypes::STRING, &shape, &payload.bytes, payload.masked_crc);
        self
    }

    /// Stored bytes, pads them, and adds their record.
    pub fn put(&mut self, key: &[u8], dtype: u32, shape: &[i64], stored: &[u8], masked_crc: u32) {
        let data = &mut self.shards[self.shard];
        let entry = Entry {
            dtype: u64::from(dtype),
            shape: Some(shape.to_vec()),
            shard: self.shard as i64,
            offset: data.len() as i64,
            size: stored.len() as i64,
            masked_crc: Some(masked_crc),
            slices: Vec::new(),
        };
        data.extend(stored);
        data.resize(data.len().next_multiple_of(self.alignment), 0);
        self.records.push((key.to_vec(), Record::Entry(entry)));
    }

    /// Any bytes in the place of an entry.
    pub fn raw(&mut self, key: &[u8], value: &[u8]) -> &mut Bundle {
        self.records.push((key.to_vec(), Record::Raw(value.to_vec())));
        self
    }

    /// Changes the entry of a key.
    pub fn edit(&mut self, key: impl AsRef<[u8]>, change: impl FnOnce(&mut Entry)) -> &mut Bundle {
        let record = self.records.iter_mut().find(|(name, _)| name == key.as_ref());
        match record {
            Some((_, Record::Entry(entry))) => change(entry),
            _ => panic!("no entry {:?}", String::from_utf8_lossy(key.as_ref())),
        }
        self
    }

    /// Removes the record of a key.
    pub fn remove(&mut self, key: impl AsRef<[u8]>) -> &mut Bundle {
        let before = self.records.len();
        self.records.retain(|(name, _)| name != key.as_ref());
        assert_ne!(before, self.records.len());
        self
    }

    /// The rows of the table: the header, then the records.
    pub fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rows = vec![(Vec::new(), self.header.clone())];
        let encode = |record: &Record| match record {
            Record::Entry(entry) => entry.encode(),
            Record::Raw(bytes) => bytes.clone(),
        };
        rows.extend(self.records.iter().map(|(key, record)| (key.clone(), encode(record))));
        if self.sorted {
            rows.sort_by(|a, b| a.0.cmp(&b.0));
        }
        rows
    }

    /// The index file.
    pub fn index(&self) -> Vec<u8> {
        self.style.write(&self.rows())
    }

    /// Writes all files; returns the prefix.
    pub fn write(&self, directory: &Path, name: &str) -> PathBuf {
        self.write_with_index(directory, name, &self.index())
    }

    /// Writes the shards, and other bytes as the index.
    pub fn write_with_index(&self, directory: &Path, name: &str, index: &[u8]) -> PathBuf {
        let prefix = directory.join(name);
        for (shard, bytes) in self.shards.iter().enumerate() {
            std::fs::write(shard_path(&prefix, shard, self.shards.len()), bytes).unwrap();
        }
        std::fs::write(index_path(&prefix), index).unwrap();
        prefix
    }
}

fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

pub fn index_path(prefix: &Path) -> PathBuf {
    with_suffix(prefix, ".index")
}

pub fn shard_path(prefix: &Path, shard: usize, shards: usize) -> PathBuf {
    with_suffix(prefix, &format!(".data-{shard:05}-of-{shards:05}"))
}

/// Little-endian bytes of numbers.
pub fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn i32s(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn i64s(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
