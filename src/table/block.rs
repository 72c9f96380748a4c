//! One block of a table: entries whose keys share prefixes, then restart offsets.

use crate::error::{Error, Result};
use crate::format::proto::take_varint;

/// A block whose restart array is known to be sound. The entries are checked as they are walked.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    entries: &'a [u8],
    /// Offsets in `entries` as little-endian `u32`.
    restarts: &'a [u8],
}

/// One entry as stored: the key is the first `shared` bytes of the key before it, then `unshared`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub shared: usize,
    pub unshared: &'a [u8],
    pub value: &'a [u8],
}

impl<'a> Block<'a> {
    /// Splits a block into entries and restarts.
    ///
    /// # Errors
    /// `DATA_LOSS` when the restart array does not fit, is empty, does not begin with 0 or does not increase.
    pub fn parse(bytes: &'a [u8]) -> Result<Block<'a>> {
        let (rest, count) =
            bytes.split_last_chunk::<4>().ok_or_else(|| Error::malformed("a block is too short for its restart count"))?;
        let count = u32::from_le_bytes(*count) as usize;
        let array = count.checked_mul(4).filter(|&n| n <= rest.len());
        let array = array.ok_or_else(|| {
            Error::malformed("the restart array of a block is longer than the block")
                .expecting(format_args!("at most {}", rest.len() / 4), count)
        })?;
        let (entries, restarts) = rest.split_at(rest.len() - array);
        if count == 0 {
            return Err(Error::malformed("a block has no restart point"));
        }
        let block = Block { entries, restarts };
        let mut before = None;
        for i in 0..count {
            let at = block.restart(i);
            let sound = match before {
                None => at == 0,
                Some(before) => at > before && at < entries.len(),
            };
            if !sound {
                return Err(Error::malformed(format!("restart point {i} of a block is out of order or out of range")).expecting(
                    format_args!(
                        "an offset below {} after {}",
                        entries.len(),
                        before.map_or("none".to_owned(), |b| b.to_string())
                    ),
                    at,
                ));
            }
            before = Some(at);
        }
        Ok(block)
    }

    fn restart(&self, index: usize) -> usize {
        let bytes = &self.restarts[4 * index..];
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
    }

    /// The entries in the order of the file.
    pub fn entries(&self) -> Entries<'a> {
        Entries { block: *self, at: 0, restart: 0 }
    }
}

/// Iterator over the entries of a block; ends after the first error.
pub(crate) struct Entries<'a> {
    block: Block<'a>,
    at: usize,
    /// The next restart point to come.
    restart: usize,
}

impl<'a> Entries<'a> {
    /// The entry at the front of `bytes` and how long it is; none when it does not lie within them.
    #[inline]
    fn decode(bytes: &'a [u8]) -> Option<(Entry<'a>, usize)> {
        let mut rest = bytes;
        let (shared, unshared, value) = match *bytes {
            [shared @ 0..0x80, unshared @ 0..0x80, value @ 0..0x80, ..] => {
                rest = &bytes[3..];
                (shared.into(), unshared.into(), value.into())
            }
            _ => (length(&mut rest)?, length(&mut rest)?, length(&mut rest)?),
        };
        // The lengths are below 2^32 each, so the sums cannot wrap in 64 bits.
        let (unshared, rest) = rest.split_at_checked(unshared)?;
        let (value, rest) = rest.split_at_checked(value)?;
        Some((Entry { shared, unshared, value }, bytes.len() - rest.len()))
    }

    fn take(&mut self) -> Result<Entry<'a>> {
        let bytes = &self.block.entries[self.at..];
        let (entry, length) = Self::decode(bytes)
            .ok_or_else(|| Error::malformed(format!("the entry at offset {} of a block runs past the block's end", self.at)))?;
        if self.restart < self.block.restarts.len() / 4 {
            let restart = self.block.restart(self.restart);
            if restart < self.at || (restart == self.at && entry.shared != 0) {
                return Err(Error::malformed(format!(
                    "restart point {} of a block is not at an entry that stores its whole key",
                    self.restart
                )));
            }
            self.restart += usize::from(restart == self.at);
        }
        self.at += length;
        if self.at == self.block.entries.len() && self.restart < self.block.restarts.len() / 4 {
            return Err(Error::malformed(format!("restart point {} of a block lies within its last entry", self.restart)));
        }
        Ok(entry)
    }
}

/// A length of the file: a varint of 32 bits.
fn length(bytes: &mut &[u8]) -> Option<usize> {
    take_varint(bytes).filter(|&v| v <= u32::MAX.into()).map(|v| v as usize)
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.block.entries.len() {
            return None;
        }
        let entry = self.take();
        if entry.is_err() {
            self.at = self.block.entries.len();
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(entries: &[u8], restarts: &[u32]) -> Vec<u8> {
        let mut bytes = entries.to_vec();
        for r in restarts {
            bytes.extend_from_slice(&r.to_le_bytes());
        }
        bytes.extend_from_slice(&(restarts.len() as u32).to_le_bytes());
        bytes
    }

    #[test]
    fn entries_are_walked_in_order() {
        let bytes = block(&[0, 2, 1, b'a', b'b', 7, 1, 1, 0, b'c', 0, 1, 0, b'd'], &[0, 10]);
        let entries: Vec<_> = Block::parse(&bytes).unwrap().entries().map(|e| e.unwrap()).collect();
        assert_eq!(
            entries,
            [
                Entry { shared: 0, unshared: b"ab", value: &[7] },
                Entry { shared: 1, unshared: b"c", value: b"" },
                Entry { shared: 0, unshared: b"d", value: b"" }
            ]
        );
        let empty = block(&[], &[0]);
        assert_eq!(Block::parse(&empty).unwrap().entries().count(), 0);
    }

    #[test]
    fn broken_restart_arrays_are_refused() {
        let entries = [0, 1, 0, b'a', 0, 1, 0, b'b'];
        for restarts in [&[][..], &[1], &[0, 0], &[0, 8], &[0, u32::MAX], &[0, 4, 4]] {
            assert!(Block::parse(&block(&entries, restarts)).is_err(), "{restarts:?}");
        }
        for bytes in [&[][..], &[1, 0, 0], &[2, 0, 0, 0], &[0xff; 8]] {
            assert!(Block::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn broken_entries_are_refused() {
        let wrap = [0, 0x80, 0x80, 0x80, 0x80, 0x08, 0x80, 0x80, 0x80, 0x80, 0x08, b'x'];
        for (entries, restarts) in [
            (&wrap[..], &[0u32][..]),
            (&[0, 1], &[0]),
            (&[0, 5, 0, b'a'], &[0]),
            (&[1, 1, 0, b'a'], &[0]),                      // the first entry shares
            (&[0, 1, 0, b'a', 1, 1, 0, b'b'], &[0, 4]),    // an entry at a restart shares
            (&[0, 1, 0, b'a', 0, 1, 0, b'b'], &[0, 5]),    // a restart within an entry
            (&[0, 1, 0, b'a', 0, 1, 0, b'b'], &[0, 3, 4]), // the same, earlier
        ] {
            let bytes = block(entries, restarts);
            let block = Block::parse(&bytes).unwrap();
            assert!(block.entries().any(|e| e.is_err()), "{entries:?} {restarts:?}");
        }
    }
}
