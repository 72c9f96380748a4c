//! The values added to a writer, with their keys and shapes.

use super::source::Source;
use crate::allocate::{with_room, Room, TryPush};
use crate::error::Result;
use crate::tensor::DType;

/// The values in the order in which they were added. Keys and shapes are concatenated: a program
/// may have a million of them.
#[derive(Default)]
pub(super) struct Items<'a> {
    list: Vec<Item<'a>>,
    keys: Vec<u8>,
    dims: Vec<i64>,
}

/// A value: a tensor, or a slice of a tensor.
struct Item<'a> {
    /// The ends of the key in `keys` and of the shape in `dims`. They begin where those of the
    /// previous item end.
    key_end: usize,
    dims_end: usize,
    dtype: DType,
    source: Source<'a>,
    /// The masked checksum of strings and variants, which is not the checksum of their bytes;
    /// `None` for other dtypes.
    crc: Option<u32>,
}

/// A borrowed value.
pub(super) struct Given<'i, 'a> {
    pub key: &'i [u8],
    pub dtype: DType,
    pub shape: &'i [i64],
    pub source: &'i Source<'a>,
    pub crc: Option<u32>,
}

impl<'a> Items<'a> {
    pub fn push(&mut self, key: &[u8], dtype: DType, shape: &[i64], source: Source<'a>, crc: Option<u32>) -> Result<()> {
        self.keys.make_room(key.len())?;
        self.dims.make_room(shape.len())?;
        self.list.make_room(1)?;
        self.keys.extend_from_slice(key);
        self.dims.extend_from_slice(shape);
        self.list.push(Item { key_end: self.keys.len(), dims_end: self.dims.len(), dtype, source, crc });
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn key(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.list[before].key_end);
        &self.keys[start..self.list[number].key_end]
    }

    pub fn get(&self, number: usize) -> Given<'_, 'a> {
        let item = &self.list[number];
        let start = number.checked_sub(1).map_or(0, |before| self.list[before].dims_end);
        let shape = &self.dims[start..item.dims_end];
        Given { key: self.key(number), dtype: item.dtype, shape, source: &item.source, crc: item.crc }
    }

    /// Returns the size of each value in bytes.
    pub fn lengths(&self) -> impl Iterator<Item = u64> + '_ {
        self.sources().map(Source::len)
    }

    pub fn sources(&self) -> impl Iterator<Item = &Source<'a>> {
        self.list.iter().map(|item| &item.source)
    }

    /// Separates the borrowed sources from the items. Returns the items without them, and each
    /// borrowed source with the number of its item.
    pub fn detach(self) -> Result<(Items<'static>, Vec<(usize, Source<'a>)>)> {
        let (mut list, mut borrowed) = (with_room(self.list.len())?, Vec::new());
        for (number, Item { key_end, dims_end, dtype, source, crc }) in self.list.into_iter().enumerate() {
            let source = match source {
                Source::Owned(bytes) => Source::Owned(bytes),
                source => {
                    borrowed.try_push((number, source))?;
                    Source::Borrowed(&[][..])
                }
            };
            list.push(Item { key_end, dims_end, dtype, source, crc });
        }
        Ok((Items { list, keys: self.keys, dims: self.dims }, borrowed))
    }

    /// Replaces the bytes of a value by others of the same length.
    pub fn set_source(&mut self, number: usize, source: Source<'a>) {
        self.list[number].source = source;
    }

    /// Removes all values except those whose number `keeps` accepts.
    pub fn keep(&mut self, keeps: &dyn Fn(usize) -> bool) -> Result<()> {
        let mut all = std::mem::take(self);
        for number in (0..all.len()).filter(|&number| keeps(number)) {
            let source = all.take_source(number);
            let Given { key, dtype, shape, crc, .. } = all.get(number);
            self.push(key, dtype, shape, source, crc)?;
        }
        Ok(())
    }

    /// Takes the bytes of a value, which is then empty. Its key and shape are kept.
    pub fn take_source(&mut self, number: usize) -> Source<'a> {
        std::mem::replace(&mut self.list[number].source, Source::Borrowed(&[]))
    }
}
