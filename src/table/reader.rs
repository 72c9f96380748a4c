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
/// The compression type and the checksum after each block.
pub(super) const TRAILER: u64 = 5;
/// Blocks are cut at 256 KiB. A block is larger than this only because of a large key or value.
const ORDINARY: u64 = 1 << 20;
/// Raw snappy expands 3 bytes, a copy, to at most 64 bytes. A block that claims more is not snappy.
const SNAPPY_EXPANSION: u64 = 22;

/// An open table whose index block has been read.
#[derive(Debug)]
pub(crate) struct Table {
    file: File,
    handles: Vec<Handle>,
    /// At `[limit_ends[i-1], limit_ends[i])`, for each block i, a key that is at least the block's
    /// last key and below the first key of the next block.
    limits: Vec<u8>,
    limit_ends: Vec<u64>,
    metaindex: Handle,
    /// The size, with trailer, of the largest data block that lies within the file and is at most
    /// `ORDINARY` bytes long.
    largest: usize,
}

/// Memory for one block at a time, reused from block to block.
#[derive(Debug, Default)]
pub(crate) struct BlockBuffer {
    stored: Vec<u8>,
    expanded: Vec<u8>,
    /// Whether the block was compressed; if so it is in `expanded`, else in `stored`.
    is_expanded: bool,
    /// The length of the block in that buffer.
    len: usize,
}

impl Table {
    /// Returns whether the file ends as a table does. This only identifies the kind of a file; it
    /// does not validate it.
    pub fn is_table(file: &File) -> Result<bool> {
        let mut magic = [0; 8];
        if file.len() < FOOTER {
            return Ok(false);
        }
        file.read_at(file.len() - 8, &mut magic)?;
        Ok(u64::from_le_bytes(magic) == MAGIC)
    }

    /// Reads the footer and the index block of `file`.
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
            return Err(Error::malformed("the file is not a table: the footer has the wrong magic number")
                .expecting(format_args!("{MAGIC:#018x}"), format_args!("{found:#018x}")));
        }
        let mut rest = handles;
        let both = Handle::take(&mut rest).and_then(|metaindex| Some((metaindex, Handle::take(&mut rest)?)));
        let (metaindex, index) = both.ok_or_else(|| Error::malformed("the footer does not contain two block handles"))?;
        // No writer uses more bytes for a number than it needs or puts data into the padding, so
        // anything else is damage.
        let minimal: usize = [metaindex.offset, metaindex.size, index.offset, index.size].map(varint_len).iter().sum();
        if handles.len() - rest.len() != minimal || rest.iter().any(|&b| b != 0) {
            return Err(Error::malformed("the footer does not consist of two block handles padded with zeros"));
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

    /// Returns a checksum of the whole file, as far as the checksums of its blocks tell about it,
    /// which are read again.
    pub fn digest(&self) -> Result<u32> {
        let body = self.file.len().saturating_sub(FOOTER);
        let mut sum = crc::Crc::new();
        let mut footer = [0; FOOTER as usize];
        self.file.read_at(body, &mut footer)?;
        sum.update(&footer);
        sum.update(&self.limits);
        for handle in &self.handles {
            let mut trailer = [0; TRAILER as usize];
            let at = handle.offset.saturating_add(handle.size);
            // A block that lies outside the file is a fault that is found when it is read.
            if at.saturating_add(TRAILER) <= body {
                self.file.read_at(at, &mut trailer)?;
            }
            sum.update(&handle.size.to_le_bytes());
            sum.update(&trailer);
        }
        Ok(sum.value())
    }

    /// Returns the number of data blocks.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Returns the largest key that data block `index` may hold.
    pub fn limit(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.limit_ends[index - 1] };
        &self.limits[start as usize..self.limit_ends[index] as usize]
    }

    /// Reads data block `index` and verifies its checksum.
    pub fn block<'b>(&self, index: usize, buffer: &'b mut BlockBuffer, budget: &mut Budget) -> Result<Block<'b>> {
        let name = || format!("data block {index}");
        let bytes = self.read(self.handles[index], buffer, budget).map_err(|e| e.prefixed(&name()).in_file(self.file.path()))?;
        Block::parse(bytes).map_err(|e| e.prefixed(&name()).in_file(self.file.path()))
    }

    /// Checks the metaindex block. Nothing is ever read from it, so only verifying a checkpoint
    /// checks it, not opening.
    pub fn check_metaindex(&self, buffer: &mut BlockBuffer, budget: &mut Budget) -> Result<()> {
        let bytes = self.read(self.metaindex, buffer, budget);
        bytes.and_then(Block::parse).map(drop).map_err(|e| e.prefixed("the metaindex block").in_file(self.file.path()))
    }

    /// Returns the index of the first block that may hold `key`; `len()` if none does.
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
            return Err(Error::malformed("the block lies outside the file").expecting(
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
            return Err(Error::new(Code::DataLoss, Reason::Checksum, "the checksum of the block does not match")
                .expecting(format_args!("{stored:#010x} (stored)"), format_args!("{computed:#010x} (computed)")));
        }
        (buffer.is_expanded, buffer.len) = (kind == 1, body.len());
        match kind {
            0 => Ok(buffer.bytes()),
            1 => {
                buffer.len = expand(body, &mut buffer.expanded, budget)?;
                Ok(buffer.bytes())
            }
            _ => Err(Error::malformed("the block has an unknown compression type").expecting("0 (none) or 1 (snappy)", kind)),
        }
    }
}

impl BlockBuffer {
    /// Returns the block that was read last.
    pub fn bytes(&self) -> &[u8] {
        if self.is_expanded {
            &self.expanded[..self.len]
        } else {
            &self.stored[..self.len]
        }
    }

    /// Returns the memory that the buffer holds, in bytes.
    pub fn capacity(&self) -> usize {
        self.stored.capacity() + self.expanded.capacity()
    }

    /// Frees the memory and returns it to the budget.
    pub fn release(self, budget: &mut Budget) {
        budget.release(self.capacity() as u64);
    }
}

/// Makes `buffer` at least `length` bytes long and charges the growth. The content is lost.
fn grow(buffer: &mut Vec<u8>, length: usize, budget: &mut Budget) -> Result<()> {
    if length > buffer.len() {
        budget.release(buffer.capacity() as u64);
        *buffer = Vec::new(); // frees the old memory before the new is allocated
        *buffer = budget.vec(length)?;
        buffer.resize(length, 0);
    }
    Ok(())
}

/// Decompresses a block and returns its length.
fn expand(stored: &[u8], out: &mut Vec<u8>, budget: &mut Budget) -> Result<usize> {
    let broken = |e: snap::Error| Error::malformed(format!("the snappy data is damaged: {e}"));
    let claimed = snap::raw::decompress_len(stored).map_err(broken)?;
    let most = SNAPPY_EXPANSION * stored.len() as u64;
    if claimed as u64 > most {
        return Err(Error::malformed("the snappy data claims to expand further than snappy can")
            .expecting(format_args!("at most {most} bytes"), format_args!("{claimed} bytes")));
    }
    grow(out, claimed, budget)?;
    snap::raw::Decoder::new().decompress(stored, &mut out[..claimed]).map_err(broken)
}

/// Returns the handles and largest keys that an index block lists.
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
            return Err(Error::malformed("the keys are not in increasing order"));
        }
        limits.extend_from_within(before..before + entry.shared);
        limits.extend_from_slice(entry.unshared);
        limit_ends.push(limits.len() as u64);
        before = start;
        handles.push(Handle::take(&mut { entry.value }).ok_or_else(|| Error::malformed("an entry is not a block handle"))?);
    }
    Ok((handles, limits, limit_ends))
}
