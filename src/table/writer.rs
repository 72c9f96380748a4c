//! Writes a table byte for byte as LevelDB's builder does, with TensorFlow's block size and its
//! simpler separators.

use super::handle::Handle;
use super::reader::{FOOTER, MAGIC, TRAILER};
use crate::allocate::{Room, TryPush};
use crate::error::{Error, Result};
use crate::format::crc;
use crate::format::proto::put_varint;

/// A data block is closed when its estimated size reaches this.
const BLOCK_SIZE: usize = 256 << 10;
/// In a data block, one entry in this many stores its whole key.
const RESTART_INTERVAL: usize = 16;

/// Builds a table from keys in increasing order and passes its bytes to a sink, block by block.
pub(crate) struct TableWriter<'s> {
    sink: &'s mut dyn FnMut(&[u8]) -> Result<()>,
    /// The number of bytes passed to the sink so far.
    offset: u64,
    data: BlockWriter,
    index: BlockWriter,
    last_key: Vec<u8>,
    /// Whether an entry has been added.
    any: bool,
    /// A block that is written but not yet listed in the index, because the separator depends on
    /// the next key.
    pending: Option<Handle>,
}

impl<'s> TableWriter<'s> {
    pub fn new(sink: &'s mut dyn FnMut(&[u8]) -> Result<()>) -> TableWriter<'s> {
        TableWriter {
            sink,
            offset: 0,
            data: BlockWriter::new(RESTART_INTERVAL),
            index: BlockWriter::new(1),
            last_key: Vec::new(),
            any: false,
            pending: None,
        }
    }

    /// Adds an entry. The keys must increase.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the key or value is 4 GiB or longer.
    /// * The error of the sink.
    pub fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        debug_assert!(!self.any || key > &self.last_key[..]);
        if u32::try_from(key.len()).is_err() || u32::try_from(value.len()).is_err() {
            return Err(Error::argument("a key or record is longer than a table can hold")
                .expecting("less than 4 GiB", key.len().max(value.len())));
        }
        if self.any && key.len() + value.len() >= 2 * BLOCK_SIZE {
            self.flush()?;
        }
        if let Some(handle) = self.pending.take() {
            self.list(separator(&self.last_key, key).as_slice(), handle)?;
        }
        self.data.add(key, value)?;
        self.any = true;
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        if self.data.estimate() >= BLOCK_SIZE {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the remaining entries, the index block and the footer.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        let metaindex = self.put_block(BlockWriter::new(RESTART_INTERVAL).take()?)?;
        if let Some(handle) = self.pending.take() {
            self.list(successor(&self.last_key).as_slice(), handle)?;
        }
        let index = self.index.take()?;
        let index = self.put_block(index)?;
        let mut footer = Vec::with_capacity(FOOTER as usize);
        metaindex.put(&mut footer);
        index.put(&mut footer);
        footer.resize(FOOTER as usize - 8, 0);
        footer.extend_from_slice(&MAGIC.to_le_bytes());
        (self.sink)(&footer)
    }

    fn list(&mut self, key: &[u8], handle: Handle) -> Result<()> {
        let mut value = Vec::with_capacity(20);
        handle.put(&mut value);
        self.index.add(key, &value)
    }

    fn flush(&mut self) -> Result<()> {
        if !self.data.is_empty() {
            let block = self.data.take()?;
            self.pending = Some(self.put_block(block)?);
        }
        Ok(())
    }

    /// Writes a block, uncompressed, with its trailer: compression type and checksum.
    fn put_block(&mut self, mut block: Vec<u8>) -> Result<Handle> {
        let handle = Handle { offset: self.offset, size: block.len() as u64 };
        block.make_room(TRAILER as usize)?;
        block.push(0);
        let sum = crc::mask(crc::crc32c(&block));
        block.extend_from_slice(&sum.to_le_bytes());
        (self.sink)(&block)?;
        self.offset += block.len() as u64;
        Ok(handle)
    }
}

/// A block under construction.
struct BlockWriter {
    /// The number of entries between restart points.
    interval: usize,
    entries: Vec<u8>,
    restarts: Vec<u32>,
    /// The number of entries since the last restart point.
    since: usize,
    last_key: Vec<u8>,
}

impl BlockWriter {
    fn new(interval: usize) -> BlockWriter {
        BlockWriter { interval, entries: Vec::new(), restarts: vec![0], since: 0, last_key: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn estimate(&self) -> usize {
        self.entries.len() + 4 * self.restarts.len() + 4
    }

    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        // Three lengths of at most ten bytes each come before the rest of the key and the value.
        self.entries.make_room(30 + key.len() + value.len())?;
        let mut shared = 0;
        if self.since < self.interval {
            shared = self.last_key.iter().zip(key).take_while(|(a, b)| a == b).count();
        } else {
            self.restarts.try_push(self.entries.len() as u32)?;
            self.since = 0;
        }
        put_varint(&mut self.entries, shared as u64);
        put_varint(&mut self.entries, (key.len() - shared) as u64);
        put_varint(&mut self.entries, value.len() as u64);
        self.entries.extend_from_slice(&key[shared..]);
        self.entries.extend_from_slice(value);
        self.last_key.truncate(shared);
        self.last_key.extend_from_slice(&key[shared..]);
        self.since += 1;
        Ok(())
    }

    /// Returns the finished block and starts a new one.
    fn take(&mut self) -> Result<Vec<u8>> {
        let mut block = std::mem::take(&mut self.entries);
        block.make_room(4 * (self.restarts.len() + 1) + TRAILER as usize)?;
        for restart in &self.restarts {
            block.extend_from_slice(&restart.to_le_bytes());
        }
        block.extend_from_slice(&(self.restarts.len() as u32).to_le_bytes());
        *self = BlockWriter::new(self.interval);
        Ok(block)
    }
}

/// Returns a short key that is at least `a` and below `b`: TensorFlow's single step.
fn separator(a: &[u8], b: &[u8]) -> Vec<u8> {
    let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    match (a.get(at), b.get(at)) {
        (Some(&x), Some(&y)) if x != 0xff && x + 1 < y => [&a[..at], &[x + 1]].concat(),
        _ => a.to_vec(),
    }
}

/// Returns a short key that is at least `a`.
fn successor(a: &[u8]) -> Vec<u8> {
    match a.iter().position(|&byte| byte != 0xff) {
        Some(at) => [&a[..at], &[a[at] + 1]].concat(),
        None => a.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        digits.chunks(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
    }

    /// The index of three tensors, as TensorFlow wrote it.
    #[test]
    fn a_small_index_is_tensorflows() {
        let mut made = Vec::new();
        let mut sink = |bytes: &[u8]| {
            made.extend_from_slice(bytes);
            Ok(())
        };
        let mut table = TableWriter::new(&mut sink);
        table.add(b"", &hex("08011a020801")).unwrap();
        table.add(b"s", &hex("08091200200c280835bbd79f11")).unwrap();
        table.add(b"x", &hex("0801120412020803280c35735b8971")).unwrap();
        table.add(b"z", &hex("08011206120012020803201435d8ea82a2")).unwrap();
        table.finish().unwrap();
        let expected =
            hex("00 00 06 08011a020801 00 01 0d 73 08091200200c280835bbd79f11 00 01 0f 78 0801120412020803280c35735b8971
             00 01 11 7a 08011206120012020803201435d8ea82a2 00000000 01000000 00 758d5117 00000000 01000000 00 c0f2a1b0
             00 01 02 7b 00 4a 00000000 01000000 00 e1322167 4f 08 5c 0e");
        assert_eq!(made[..expected.len()], expected);
        assert_eq!(made[expected.len()..], [vec![0; 36], hex("57fb808b247547db")].concat());
        assert_eq!(made.len(), 159);
    }

    #[test]
    fn separators_are_tensorflows() {
        for (a, b, expected) in [
            (&b"a"[..], &b"bbb"[..], &b"a"[..]), // 'a' + 1 is not below 'b'
            (b"a", b"c", b"b"),
            (b"abc", b"abz", b"abd"),
            (b"ab", b"abz", b"ab"),
            (b"\xff", b"\xff\x01", b"\xff"),
        ] {
            assert_eq!(separator(a, b), expected);
        }
        for (a, expected) in
            [(&b"z"[..], &b"{"[..]), (b"", b""), (b"\x00s", b"\x01"), (b"\xff\xff", b"\xff\xff"), (b"\xffa", b"\xffb")]
        {
            assert_eq!(successor(a), expected);
        }
    }
}
