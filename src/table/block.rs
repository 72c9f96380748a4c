//! One block of a table: entries whose keys share prefixes, then restart offsets.

use crate::error::{Error, Result};
use crate::format::proto::take_varint;

/// A block whose restart array is valid. The entries are checked when they are iterated.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    /// The bytes of all entries.
    entries: &'a [u8],
    /// Offsets in `entries`, as little-endian `u32`.
    restarts: &'a [u8],
}

/// An entry as stored: its key is the first `shared` bytes of the previous key, then `unshared`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub shared: usize,
    pub unshared: &'a [u8],
    pub value: &'a [u8],
}

impl Entry<'_> {
    /// Turns `key`, the key of the previous entry, into the key of this entry.
    pub fn key_after(&self, key: &mut Vec<u8>) -> Result<()> {
        self.check_shared(key.len())?;
        key.truncate(self.shared);
        key.extend_from_slice(self.unshared);
        Ok(())
    }

    /// Checks that the previous key, of `length` bytes, has as many bytes as this entry shares with
    /// it.
    #[inline(always)]
    pub fn check_shared(&self, length: usize) -> Result<()> {
        if self.shared > length {
            return Err(Error::malformed("an entry shares more bytes than the previous key has")
                .expecting(format_args!("at most {length}"), self.shared));
        }
        Ok(())
    }
}

impl<'a> Block<'a> {
    /// Splits a block into entries and restart points.
    ///
    /// # Errors
    /// * `DATA_LOSS`: the restart array does not fit, is empty, does not begin with 0 or does not
    ///   increase.
    pub fn parse(bytes: &'a [u8]) -> Result<Block<'a>> {
        let (rest, count) =
            bytes.split_last_chunk::<4>().ok_or_else(|| Error::malformed("the block is too short for its restart count"))?;
        let count = u32::from_le_bytes(*count) as usize;
        let array = count.checked_mul(4).filter(|&n| n <= rest.len());
        let array = array.ok_or_else(|| {
            Error::malformed("the restart array is longer than the block")
                .expecting(format_args!("at most {}", rest.len() / 4), count)
        })?;
        let (entries, restarts) = rest.split_at(rest.len() - array);
        if count == 0 {
            return Err(Error::malformed("the block has no restart points"));
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
                return Err(Error::malformed(format!("restart point {i} of the block is out of order or out of range"))
                    .expecting(
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

    fn restart_count(&self) -> usize {
        self.restarts.len() / 4
    }

    fn restart(&self, index: usize) -> usize {
        let bytes = &self.restarts[4 * index..];
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
    }

    /// Returns the total size of the entries in bytes.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the entries in file order.
    pub fn entries(&self) -> Entries<'a> {
        Entries::from_restart(*self, 0)
    }

    /// Returns the value of `key`; `None` if the block does not contain it. Assumes that the keys
    /// are in order.
    ///
    /// # Errors
    /// * `DATA_LOSS`: an entry on the search path is damaged.
    pub fn find(&self, key: &[u8]) -> Result<Option<&'a [u8]>> {
        // Finds the last restart point whose key is not greater than `key`; the first if all are
        // greater.
        let (mut low, mut high) = (0, self.restart_count());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let mut entries = Entries::from_restart(*self, middle);
            match entries.next().transpose()? {
                Some(entry) if entry.unshared <= key => low = middle,
                _ => high = middle,
            }
        }
        let mut current = Vec::new();
        for entry in Entries::from_restart(*self, low) {
            let entry = entry?;
            entry.key_after(&mut current)?;
            match current.as_slice().cmp(key) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(Some(entry.value)),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(None)
    }
}

/// Iterator over the entries of a block. It ends after the first error.
pub(crate) struct Entries<'a> {
    block: Block<'a>,
    at: usize,
    /// The index of the next restart point, and its offset: `usize::MAX` after the last.
    restart: usize,
    restart_at: usize,
}

impl<'a> Entries<'a> {
    /// Returns the entries from restart point `restart` on.
    fn from_restart(block: Block<'a>, restart: usize) -> Entries<'a> {
        let at = block.restart(restart);
        Entries { block, at, restart, restart_at: at }
    }

    /// Decodes the entry at the front of `bytes` and returns it with its length. `None` if it does
    /// not lie within `bytes`.
    #[inline(always)]
    fn decode(bytes: &'a [u8]) -> Option<(Entry<'a>, usize)> {
        let mut rest = bytes;
        let (shared, unshared, value) = match *bytes {
            [shared @ 0..0x80, unshared @ 0..0x80, value @ 0..0x80, ..] => {
                rest = &bytes[3..];
                (shared.into(), unshared.into(), value.into())
            }
            _ => (length(&mut rest)?, length(&mut rest)?, length(&mut rest)?),
        };
        // Each length is below 2^32, so the sums cannot overflow 64 bits.
        let (unshared, rest) = rest.split_at_checked(unshared)?;
        let (value, rest) = rest.split_at_checked(value)?;
        Some((Entry { shared, unshared, value }, bytes.len() - rest.len()))
    }

    #[inline(always)]
    fn take(&mut self) -> Result<Entry<'a>> {
        let Some((entry, length)) = Self::decode(&self.block.entries[self.at..]) else {
            return Err(Error::malformed(format!("the entry at offset {} runs past the end of the block", self.at)));
        };
        if self.restart_at <= self.at {
            self.pass_restart(&entry)?;
        }
        self.at += length;
        if self.at == self.block.entries.len() && self.restart_at != usize::MAX {
            return Err(self.misplaced_restart());
        }
        Ok(entry)
    }

    /// Checks that the restart point that has been reached lies at `entry`, and that `entry` stores
    /// its whole key.
    fn pass_restart(&mut self, entry: &Entry<'_>) -> Result<()> {
        if self.restart_at < self.at || entry.shared != 0 {
            return Err(self.misplaced_restart());
        }
        self.restart += 1;
        self.restart_at = if self.restart < self.block.restart_count() { self.block.restart(self.restart) } else { usize::MAX };
        Ok(())
    }

    #[cold]
    fn misplaced_restart(&self) -> Error {
        Error::malformed(format!("restart point {} of the block is not at an entry that stores its whole key", self.restart))
    }
}

/// Takes a length off the front of `bytes`: a varint that must fit 32 bits.
fn length(bytes: &mut &[u8]) -> Option<usize> {
    take_varint(bytes).filter(|&v| v <= u32::MAX.into()).map(|v| v as usize)
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>>;

    #[inline(always)]
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
    fn keys_are_found_by_way_of_the_restart_points() {
        let mut entries = Vec::new();
        let mut restarts = Vec::new();
        for i in 0..50u8 {
            if i % 4 == 0 {
                restarts.push(entries.len() as u32);
                entries.extend_from_slice(&[0, 2, 1, b'k', 2 * i, i]);
            } else {
                entries.extend_from_slice(&[1, 1, 1, 2 * i, i]);
            }
        }
        let bytes = block(&entries, &restarts);
        let block = Block::parse(&bytes).unwrap();
        for i in 0..100u8 {
            let expected = [i / 2];
            assert_eq!(block.find(&[b'k', i]).unwrap(), (i % 2 == 0).then_some(&expected[..]), "{i}");
        }
        assert_eq!(block.find(b"a").unwrap(), None);
        assert_eq!(block.find(b"z").unwrap(), None);
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
