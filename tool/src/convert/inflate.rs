//! Compressed members of archives, unpacked as they are read.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::ops::Range;
use std::sync::Arc;

use flate2::read::DeflateDecoder;

use crate::read_at::read_exact_at;

/// The bytes of a member from an offset on. Whoever reads backwards has it unpacked from its
/// beginning again.
pub struct Inflated {
    file: Arc<File>,
    /// Where the compressed data is in the file.
    data: Range<u64>,
    /// The offset in the member that counts as 0.
    start: u64,
    /// The offset of the next byte of `unpacked`, from `start`.
    at: u64,
    unpacked: DeflateDecoder<BufReader<Section>>,
}

impl Inflated {
    pub fn new(file: &Arc<File>, data: Range<u64>, start: u64) -> io::Result<Inflated> {
        let section = BufReader::new(Section { file: Arc::clone(file), left: data.clone() });
        let mut unpacked = DeflateDecoder::new(section);
        skip(&mut unpacked, start)?;
        Ok(Inflated { file: Arc::clone(file), data, start, at: 0, unpacked })
    }

    /// Fills `buffer` with the bytes from `offset` on.
    pub fn read(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset < self.at {
            *self = Inflated::new(&self.file, self.data.clone(), self.start)?;
        }
        skip(&mut self.unpacked, offset - self.at)?;
        self.unpacked.read_exact(buffer)?;
        self.at = offset + buffer.len() as u64;
        Ok(())
    }
}

fn skip(from: &mut impl Read, count: u64) -> io::Result<()> {
    match io::copy(&mut from.take(count), &mut io::sink())? {
        skipped if skipped == count => Ok(()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// A part of a file.
struct Section {
    file: Arc<File>,
    left: Range<u64>,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (self.left.end - self.left.start).min(buffer.len() as u64) as usize;
        read_exact_at(&self.file, &mut buffer[..count], self.left.start)?;
        self.left.start += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::DeflateEncoder;
    use flate2::Compression;
    use std::io::{Seek, SeekFrom, Write};

    #[test]
    fn what_is_read_in_any_order_is_what_was_packed() {
        let plain: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        let mut encoder = DeflateEncoder::new(&mut file, Compression::fast());
        encoder.write_all(&plain).unwrap();
        encoder.finish().unwrap();
        let end = file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"after").unwrap();
        let mut inflated = Inflated::new(&Arc::new(file), 6..end, 100).unwrap();
        for (offset, length) in [(0, 10), (10, 70_000), (500_000, 1), (3, 5), (799_890, 10), (0, 799_900)] {
            let mut read = vec![0; length];
            inflated.read(offset, &mut read).unwrap();
            assert!(read == plain[100 + offset as usize..][..length], "{length} from {offset}");
        }
        let beyond = inflated.read(799_899, &mut [0; 2]).unwrap_err();
        assert_eq!(beyond.kind(), ErrorKind::UnexpectedEof);
    }
}
