//! What a writer has been given: values with their keys and shapes.

use super::source::Source;
use crate::tensor::DType;

/// The values in the order in which they were added. Their keys and shapes lie one after the other: a program may have a million.
#[derive(Default)]
pub(super) struct Items<'a> {
    list: Vec<Item<'a>>,
    keys: Vec<u8>,
    dims: Vec<i64>,
}

/// A value: a tensor, or a slice of one.
struct Item<'a> {
    /// Where its key and its shape end; they begin where those of the item before end.
    key_end: usize,
    dims_end: usize,
    dtype: DType,
    source: Source<'a>,
    /// Of strings and variants, whose checksum is not that of their bytes; masked.
    crc: Option<u32>,
}

/// A value, borrowed.
pub(super) struct Given<'i, 'a> {
    pub key: &'i [u8],
    pub dtype: DType,
    pub shape: &'i [i64],
    pub source: &'i Source<'a>,
    pub crc: Option<u32>,
}

impl<'a> Items<'a> {
    pub fn push(&mut self, key: &[u8], dtype: DType, shape: &[i64], source: Source<'a>, crc: Option<u32>) {
        self.keys.extend_from_slice(key);
        self.dims.extend_from_slice(shape);
        self.list.push(Item { key_end: self.keys.len(), dims_end: self.dims.len(), dtype, source, crc });
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

    /// The number of bytes of each value.
    pub fn lengths(&self) -> impl Iterator<Item = u64> + '_ {
        self.sources().map(Source::len)
    }

    pub fn sources(&self) -> impl Iterator<Item = &Source<'a>> {
        self.list.iter().map(|item| &item.source)
    }

    /// Lets go of everything that is borrowed, and gives that, each with its number.
    pub fn detach(self) -> (Items<'static>, Vec<(usize, Source<'a>)>) {
        let mut borrowed = Vec::new();
        let kept = |(number, Item { key_end, dims_end, dtype, source, crc }): (usize, Item<'a>)| {
            let source = match source {
                Source::Owned(bytes) => Source::Owned(bytes),
                source => {
                    borrowed.push((number, source));
                    Source::Borrowed(&[][..])
                }
            };
            Item { key_end, dims_end, dtype, source, crc }
        };
        let list = self.list.into_iter().enumerate().map(kept).collect();
        (Items { list, keys: self.keys, dims: self.dims }, borrowed)
    }

    /// Gives a value other bytes, as many.
    pub fn set_source(&mut self, number: usize, source: Source<'a>) {
        self.list[number].source = source;
    }

    /// Lets go of all values but those whose number `keeps` says.
    pub fn keep(&mut self, keeps: &dyn Fn(usize) -> bool) {
        let mut all = std::mem::take(self);
        for number in (0..all.len()).filter(|&number| keeps(number)) {
            let source = all.take_source(number);
            let Given { key, dtype, shape, crc, .. } = all.get(number);
            self.push(key, dtype, shape, source, crc);
        }
    }

    /// Takes the bytes of a value; those that are not asked for by number again.
    pub fn take_source(&mut self, number: usize) -> Source<'a> {
        std::mem::replace(&mut self.list[number].source, Source::Borrowed(&[]))
    }
}
