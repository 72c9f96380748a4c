//! Writes the sorted table of index and V1 files, and every wrong form of it that a test asks for.

use super::crc;
use super::proto::varint;

pub const MAGIC: u64 = 0xdb47_7524_8b80_fb57;

/// Where a block lies; the size leaves out the trailer.
#[derive(Clone, Copy, Debug)]
pub struct Handle {
    pub offset: u64,
    pub size: u64,
}

impl Handle {
    pub fn encode(self) -> Vec<u8> {
        let mut bytes = varint(self.offset);
        bytes.extend(varint(self.size));
        bytes
    }
}

/// Entries with shared prefixes, then the restart points.
pub struct Block {
    pub bytes: Vec<u8>,
    pub restarts: Vec<u32>,
    interval: usize,
    entries: usize,
    last: Vec<u8>,
}

impl Block {
    pub fn new(interval: usize) -> Block {
        Block { bytes: Vec::new(), restarts: vec![0], interval, entries: 0, last: Vec::new() }
    }

    /// An entry as TensorFlow writes it.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        let mut shared = 0;
        if self.entries > 0 && self.entries.is_multiple_of(self.interval) {
            self.restarts.push(self.bytes.len() as u32);
        } else {
            shared = common_prefix(&self.last, key);
        }
        let unshared = &key[shared..];
        self.entry(shared as u64, unshared.len() as u64, value.len() as u64, &[unshared, value].concat());
        self.last.truncate(shared);
        self.last.extend(unshared);
    }

    /// An entry of three numbers and some bytes, whatever they say.
    pub fn entry(&mut self, shared: u64, unshared: u64, value_len: u64, tail: &[u8]) {
        for number in [shared, unshared, value_len] {
            self.bytes.extend(varint(number));
        }
        self.bytes.extend(tail);
        self.entries += 1;
    }

    /// What the writer compares with the block size.
    fn estimate(&self) -> usize {
        self.bytes.len() + 4 * self.restarts.len() + 4
    }

    pub fn finish(self) -> Vec<u8> {
        let count = self.restarts.len() as u32;
        let restarts = self.restarts.clone();
        self.finish_with(&restarts, count)
    }

    /// Ends the block with any restart array and any count.
    pub fn finish_with(mut self, restarts: &[u32], count: u32) -> Vec<u8> {
        for restart in restarts {
            self.bytes.extend(restart.to_le_bytes());
        }
        self.bytes.extend(count.to_le_bytes());
        self.bytes
    }
}

/// A table file being written block by block.
#[derive(Default)]
pub struct TableFile {
    pub bytes: Vec<u8>,
}

impl TableFile {
    /// A block stored as it is.
    pub fn block(&mut self, contents: &[u8]) -> Handle {
        self.stored(contents, 0)
    }

    /// A block compressed with snappy.
    pub fn snappy(&mut self, contents: &[u8]) -> Handle {
        let compressed = snap::raw::Encoder::new().compress_vec(contents).unwrap();
        self.stored(&compressed, 1)
    }

    /// Stored bytes of any type, with the checksum that belongs to them.
    pub fn stored(&mut self, stored: &[u8], kind: u8) -> Handle {
        let masked = crc::mask(crc::extend(crc::extend(0, stored), &[kind]));
        self.stored_with(stored, kind, masked)
    }

    /// Stored bytes with any checksum.
    pub fn stored_with(&mut self, stored: &[u8], kind: u8, masked_crc: u32) -> Handle {
        let handle = Handle { offset: self.bytes.len() as u64, size: stored.len() as u64 };
        self.bytes.extend(stored);
        self.bytes.push(kind);
        self.bytes.extend(masked_crc.to_le_bytes());
        handle
    }

    /// Metaindex and index blocks and the footer, over data blocks already written: (separator,
    /// handle).
    pub fn finish(mut self, blocks: &[(Vec<u8>, Handle)]) -> Vec<u8> {
        let metaindex = self.block(&Block::new(1).finish());
        let mut index = Block::new(1);
        for (separator, handle) in blocks {
            index.add(separator, &handle.encode());
        }
        let index = self.block(&index.finish());
        self.footer(metaindex, index)
    }

    /// The footer.
    pub fn footer(mut self, metaindex: Handle, index: Handle) -> Vec<u8> {
        let mut footer = metaindex.encode();
        footer.extend(index.encode());
        footer.resize(40, 0);
        footer.extend(MAGIC.to_le_bytes());
        self.bytes.extend(footer);
        self.bytes
    }
}

/// How to write a table.
#[derive(Clone)]
pub struct Style {
    pub block_size: usize,
    pub restart_interval: usize,
    pub snappy: bool,
}

impl Default for Style {
    /// As TensorFlow writes its indexes.
    fn default() -> Style {
        Style { block_size: 262_144, restart_interval: 16, snappy: false }
    }
}

impl Style {
    /// Writes the rows in the order given, sorted or not.
    pub fn write(&self, rows: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let mut file = TableFile::default();
        let mut blocks: Vec<(Vec<u8>, Handle)> = Vec::new();
        let mut block = Block::new(self.restart_interval);
        let mut pending: Option<(Vec<u8>, Handle)> = None;
        for (position, (key, value)) in rows.iter().enumerate() {
            if position > 0 && key.len() + value.len() >= 2 * self.block_size && block.entries > 0 {
                let full = std::mem::replace(&mut block, Block::new(self.restart_interval));
                pending = Some(self.flush(&mut file, full));
            }
            if let Some((last, handle)) = pending.take() {
                blocks.push((separator(&last, key), handle));
            }
            block.add(key, value);
            if block.estimate() >= self.block_size {
                let full = std::mem::replace(&mut block, Block::new(self.restart_interval));
                pending = Some(self.flush(&mut file, full));
            }
        }
        if block.entries > 0 {
            pending = Some(self.flush(&mut file, block));
        }
        let metaindex = file.block(&Block::new(1).finish());
        if let Some((last, handle)) = pending {
            blocks.push((successor(&last), handle));
        }
        let mut index = Block::new(1);
        for (separator, handle) in &blocks {
            index.add(separator, &handle.encode());
        }
        let index = self.put(&mut file, &index.finish());
        file.footer(metaindex, index)
    }

    fn flush(&self, file: &mut TableFile, block: Block) -> (Vec<u8>, Handle) {
        let last = block.last.clone();
        (last, self.put(file, &block.finish()))
    }

    fn put(&self, file: &mut TableFile, contents: &[u8]) -> Handle {
        if self.snappy {
            file.snappy(contents)
        } else {
            file.block(contents)
        }
    }
}

/// How many leading bytes are equal, many at a time: keys may be long.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let mut at = 0;
    for step in [65_536, 256, 1] {
        while a.len().min(b.len()) - at >= step && a[at..at + step] == b[at..at + step] {
            at += step;
        }
    }
    at
}

/// The index key between the last key of a block and the first of the next.
pub fn separator(a: &[u8], b: &[u8]) -> Vec<u8> {
    let Some(i) = a.iter().zip(b).position(|(x, y)| x != y) else { return a.to_vec() };
    if a[i] == 0xff || a[i] + 1 >= b[i] {
        return a.to_vec();
    }
    let mut key = a[..=i].to_vec();
    key[i] += 1;
    key
}

/// The index key of the last block.
pub fn successor(a: &[u8]) -> Vec<u8> {
    match a.iter().position(|&byte| byte != 0xff) {
        Some(i) => {
            let mut key = a[..=i].to_vec();
            key[i] += 1;
            key
        }
        None => a.to_vec(),
    }
}
