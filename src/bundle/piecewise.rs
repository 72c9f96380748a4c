//! Reads a region of a tensor piece by piece, if there is no memory for all of it.

use super::payload::check_crc;
use super::read_options::Checksums;
use super::reader::Bundle;
use super::transfer::{self, CHUNK};
use crate::allocate::allocate;
use crate::error::{Error, Result};
use crate::format::crc;
use crate::tensor::Bounds;

impl Bundle {
    /// Reads a region of a tensor of a fixed-size dtype piece by piece, in no particular order.
    /// Passes each piece, with its offset in the region in bytes, to `take`. Verifies, as the bytes
    /// pass by, the checksums that are wanted.
    pub fn stream(
        &self,
        tensor: usize,
        region: &Bounds,
        checksums: Checksums,
        take: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let row = self.index().tensor(tensor);
        let element = row.dtype.size().unwrap_or(1) as u64;
        let mut stream = || {
            let pieces = self.pieces(row, region)?;
            let most = pieces.iter().map(|piece| piece.row.size).max().unwrap_or(0);
            let mut chunk = allocate((CHUNK as u64).min(most))?;
            for piece in &pieces {
                let file = self.shard_of(&piece.row)?;
                let mut runs = piece.wanted.runs(&piece.stored, region);
                if piece.wanted != piece.stored && checksums != Checksums::Always {
                    for run in runs {
                        let (mut done, length) = (0, run.length * element);
                        while done < length {
                            let part = &mut chunk[..(length - done).min(CHUNK as u64) as usize];
                            file.read_at(piece.row.offset + run.from * element + done, part)?;
                            transfer::swap(part, self.swap_unit(row.dtype));
                            take(run.to * element + done, part)?;
                            done += part.len() as u64;
                        }
                    }
                    continue;
                }
                let mut run = runs.next();
                let (mut at, mut sum) = (0u64, crc::Crc::new());
                while at < piece.row.size {
                    let part = &mut chunk[..(piece.row.size - at).min(CHUNK as u64) as usize];
                    file.read_at(piece.row.offset + at, part)?;
                    sum.update(part);
                    transfer::swap(part, self.swap_unit(row.dtype));
                    let end = at + part.len() as u64;
                    while let Some(current) = run {
                        let (from, till) = (current.from * element, (current.from + current.length) * element);
                        let (first, last) = (from.max(at), till.min(end));
                        if first < last {
                            take(current.to * element + first - from, &part[(first - at) as usize..(last - at) as usize])?;
                        }
                        if till > end {
                            break;
                        }
                        run = runs.next();
                    }
                    at = end;
                }
                if checksums != Checksums::Never {
                    check_crc(piece.row.crc, crc::mask(sum.value()), "the checksum of the tensor does not match")
                        .map_err(|e| e.in_file(file.path()))?;
                }
            }
            Ok(())
        };
        stream().map_err(|e: Error| e.for_tensor(row.key))
    }
}
