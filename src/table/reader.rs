//! A table file: footer, index block, data blocks.

use super::block::Block;
use super::budget::Budget;
use super::handle::Handle;
use crate::error::{Code, Error, Reason, Result};
use crate::format::crc;
use crate::format::proto::varint_len;
use crate::storage::File;

pub(super) const FOOTER: u64 = 48;
pub(super) const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// Compression type and checksum after each block.
const TRAILER: u64 = 5;
/// Blocks are cut at 256 KiB: only a large key or value makes one larger than this.
const ORDINARY: u64 = 1 << 20;
/// Raw snappy expands at most 64 bytes from a 3-byte copy; anything that claims more is not snappy.
const SNAPPY_EXPANSION: u64 = 22;

/// An open table whose index block has been read.
#[derive(Debug)]
pub(crate) struct Table {
    file: File,
    handles: Vec<Handle>,
    /// For each block the bytes `[limit_ends[i-1], limit_ends[i])` of `limits`: at least its last key, below the next block's first.
    limits: Vec<u8>,
    limit_ends: Vec<u64>,
    metaindex: Handle,
    /// The bytes of the largest data block with its trailer, of those that lie within the file and are of an ordinary size.
    largest: usize,
}

/// Memory for one block at a time, reused from block to block.
#[derive(Debug, Default)]
pub(crate) struct BlockBuffer {
    stored: Vec<u8>,
    expanded: Vec<u8>,
    /// Whether the block was compressed, so that it is in `expanded`, not `stored`.
    is_expanded: bool,
    /// How long the block is there.
    len: usize,
}

impl Table {
    /// Whether the file ends as a table does: used to tell what a path is, not to trust it.
    pub fn is_table(file: &File) -> Result<bool> {
        let mut magic = [0; 8];
        if file.len() < FOOTER {
            return Ok(false);
        }
        file.read_at(file.len() - 8, &mut magic)?;
        Ok(u64::from_le_bytes(magic) == MAGIC)
    }

    /// Reads footer and index block of `file`.
    pub fn of(file: File, budget: &mut Budget) -> Result<Table> {
        let body = file.len().checked_sub(FOOTER).ok_or_else(|| {
            let what = if file.len() == 0 { "the file is empty" } else { "the file is too short to be a table" };
            Error::new(Code::DataLoss, Reason::Truncated, what)
                .expecting(format_args!("at least {FOOTER} bytes"), format_args!("{} bytes", file.len()))
        })?;
        let mut footer = [0; FOOTER as usize];
        file.read_at(body, &mut footer)?;
        let (handles, magic) = footer.split_at(FOOTER as usize - 8);
        if magic != MAGIC.to_le_bytes() {
            let found = magic.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
            return Err(Error::malformed("not a table file: the footer has another magic number")
                .expecting(format_args!("{MAGIC:#018x}"), format_args!("{found:#018x}")));
        }
        let mut rest = handles;
        let both = Handle::take(&mut rest).and_then(|metaindex| Some((metaindex, Handle::take(&mut rest)?)));
        let (metaindex, index) = both.ok_or_else(|| Error::malformed("the footer holds no block handles"))?;
        // No writer spends more bytes on a number than it needs, nor fills the padding: anything else is damage.
        let minimal: usize = [metaindex.offset, metaindex.size, index.offset, index.size].map(varint_len).iter().sum();
        if handles.len() - rest.len() != minimal || rest.iter().any(|&b| b != 0) {
            return Err(Error::malformed("the footer is not two block handles padded with zeros"));
        }
        let mut table = Table { file, handles: Vec::new(), limits: Vec::new(), limit_ends: Vec::new(), metaindex, largest: 0 };
        let mut buffer = BlockBuffer::default();
        let bytes = table.read(index, &mut buffer, budget).map_err(|e| e.prefixed("the index block"))?;
        let (handles, limits, limit_ends) = index_entries(bytes, budget).map_err(|e| e.prefixed("the index block"))?;
        (table.handles, table.limits, table.limit_ends) = (handles, limits, limit_ends);
        let sizes = table.handles.iter().map(|h| h.size.saturating_add(TRAILER));
        table.largest = sizes.filter(|&size| size <= ORDINARY && size <= body).max().unwrap_or(0) as usize;
        buffer.release(budget);
        Ok(table)
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// The number of data blocks.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// The largest key that data block `index` may hold.
    pub fn limit(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.limit_ends[index - 1] };
        &self.limits[start as usize..self.limit_ends[index] as usize]
    }

    /// Reads data block `index` and checks its checksum.
    pub fn block<'b>(&self, index: usize, buffer: &'b mut BlockBuffer, budget: &mut Budget) -> Result<Block<'b>> {
        let name = || format!("data block {index}");
        let bytes = self.read(self.handles[index], buffer, budget).map_err(|e| e.prefixed(&name()).in_file(self.file.path()))?;
        Block::parse(bytes).map_err(|e| e.prefixed(&name()).in_file(self.file.path()))
    }

    /// Checks the metaindex block. Nothing is ever read from it, so opening leaves it alone; verifying does not.
    pub fn check_metaindex(&self, buffer: &mut BlockBuffer, budget: &mut Budget) -> Result<()> {
        let bytes = self.read(self.metaindex, buffer, budget);
        bytes.and_then(Block::parse).map(drop).map_err(|e| e.prefixed("the metaindex block").in_file(self.file.path()))
    }

    /// The index of the first block that may hold `key`; `len()` when none does.
    pub fn seek(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.limit(middle) < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn read<'b>(&self, handle: Handle, buffer: &'b mut BlockBuffer, budget: &mut Budget) -> Result<&'b [u8]> {
        let body = self.file.len() - FOOTER;
        let end = handle.offset.checked_add(handle.size).and_then(|end| end.checked_add(TRAILER));
        let Some(end) = end.filter(|&end| end <= body) else {
            return Err(Error::malformed("a block lies outside the file").expecting(
                format_args!("an end at or before offset {body}"),
                format_args!("offset {} and size {}", handle.offset, handle.size),
            ));
        };
        let length = (end - handle.offset) as usize;
        grow(&mut buffer.stored, length.max(self.largest), budget)?;
        let block = &mut buffer.stored[..length];
        self.file.read_at(handle.offset, block)?;
        let (body, trailer) = block.split_at(handle.size as usize);
        let (kind, stored) = (trailer[0], u32::from_le_bytes([trailer[1], trailer[2], trailer[3], trailer[4]]));
        let computed = crc::mask(crc::crc32c(&block[..body.len() + 1]));
        if stored != computed {
            return Err(Error::new(Code::DataLoss, Reason::Checksum, "the checksum of a block does not match")
                .expecting(format_args!("{stored:#010x} (stored)"), format_args!("{computed:#010x} (computed)")));
        }
        (buffer.is_expanded, buffer.len) = (kind == 1, body.len());
        match kind {
            0 => Ok(buffer.bytes()),
            1 => {
                buffer.len = expand(body, &mut buffer.expanded, budget)?;
                Ok(buffer.bytes())
            }
            _ => Err(Error::malformed("a block is compressed in an unknown way").expecting("0 (none) or 1 (snappy)", kind)),
        }
    }
}

impl BlockBuffer {
    /// The block that was read last.
    pub fn bytes(&self) -> &[u8] {
        if self.is_expanded {
            &self.expanded[..self.len]
        } else {
            &self.stored[..self.len]
        }
    }

    /// The memory that the buffer holds.
    pub fn capacity(&self) -> usize {
        self.stored.capacity() + self.expanded.capacity()
    }

    /// Frees the memory and takes it off the budget.
    pub fn release(self, budget: &mut Budget) {
        budget.release(self.capacity() as u64);
    }
}

/// Makes `buffer` at least `length` bytes long, charging what it grows by. Its content is not kept.
fn grow(buffer: &mut Vec<u8>, length: usize, budget: &mut Budget) -> Result<()> {
    if length > buffer.len() {
        budget.release(buffer.capacity() as u64);
        *buffer = Vec::new(); // do not hold both
        *buffer = budget.vec(length)?;
        buffer.resize(length, 0);
    }
    Ok(())
}

/// Decompresses a block and says how long it is.
fn expand(stored: &[u8], out: &mut Vec<u8>, budget: &mut Budget) -> Result<usize> {
    let broken = |e: snap::Error| Error::malformed(format!("a snappy block is broken: {e}"));
    let claimed = snap::raw::decompress_len(stored).map_err(broken)?;
    let most = SNAPPY_EXPANSION * stored.len() as u64;
    if claimed as u64 > most {
        return Err(Error::malformed("a snappy block claims more than snappy can hold")
            .expecting(format_args!("at most {most} bytes"), format_args!("{claimed} bytes")));
    }
    grow(out, claimed, budget)?;
    snap::raw::Decoder::new().decompress(stored, &mut out[..claimed]).map_err(broken)
}

/// The handles and largest keys that an index block lists.
fn index_entries(bytes: &[u8], budget: &mut Budget) -> Result<(Vec<Handle>, Vec<u8>, Vec<u64>)> {
    let block = Block::parse(bytes)?;
    let (mut count, mut key_bytes, mut key) = (0usize, 0u64, 0usize);
    for entry in block.entries() {
        let entry = entry?;
        entry.check_shared(key)?;
        key = entry.shared + entry.unshared.len();
        key_bytes = key_bytes.saturating_add(key as u64);
        count += 1;
    }
    let mut handles = budget.vec(count)?;
    let mut limits: Vec<u8> = budget.vec(usize::try_from(key_bytes).unwrap_or(usize::MAX))?;
    let mut limit_ends = budget.vec(count)?;
    let mut before = 0;
    for entry in block.entries() {
        let entry = entry?;
        let start = limits.len();
        if !handles.is_empty() && entry.unshared <= &limits[before + entry.shared..] {
            return Err(Error::malformed("the keys of the index block are not in increasing order"));
        }
        limits.extend_from_within(before..before + entry.shared);
        limits.extend_from_slice(entry.unshared);
        limit_ends.push(limits.len() as u64);
        before = start;
        handles.push(
            Handle::take(&mut { entry.value })
                .ok_or_else(|| Error::malformed("an entry of the index block holds no block handle"))?,
        );
    }
    Ok((handles, limits, limit_ends))
}
