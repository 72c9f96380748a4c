//! Reading many whole tensors at once for a restore, which wants to know of each what became of it; and streaming one to where no memory is.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use super::payload::check_crc;
use super::reader::{Bundle, Checksums, ReadOptions, Wanted};
use super::transfer::{self, Target, Transfer, CHUNK};
use crate::error::{Error, Result};
use crate::format::crc;
use crate::table::allocate;
use crate::tensor::Bounds;

/// What became of a tensor that was to be read, in a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it was read, and its checksum is right.
    Whole,
    /// Some of it was read, or what was read is not right.
    Torn,
    /// Its buffer is as it was.
    Untouched,
}

impl Bundle {
    /// Reads whole tensors of fixed-size dtypes into buffers of their sizes, with several threads. Of a failure also says what became of each.
    pub fn read_whole(
        &self,
        rows: &mut [(usize, &mut [u8])],
        options: &ReadOptions,
    ) -> std::result::Result<(), (Error, Vec<Fate>)> {
        let counts: Vec<AtomicU64> = rows.iter().map(|_| AtomicU64::new(0)).collect();
        let mut fates = vec![Fate::Untouched; rows.len()];
        let failure = {
            let mut planned = Vec::with_capacity(rows.len());
            let mut bytes = 0;
            for ((tensor, buffer), count) in rows.iter_mut().zip(&counts) {
                let row = self.index().tensor(*tensor);
                if row.is_partitioned() {
                    continue;
                }
                let file = self.shard_of(&row).map_err(|e| (e.for_tensor(row.key), fates.clone()))?;
                bytes += row.size;
                planned.push(Transfer {
                    file,
                    offset: row.offset,
                    target: Target::Memory(buffer),
                    crc: (options.checksums != Checksums::Never).then_some(row.crc),
                    swap: self.swap_unit(row.dtype),
                    key: row.key,
                    count: Some(count),
                });
            }
            let threads = transfer::threads_for(options.threads, bytes)
                .min(planned.len().max(bytes.div_ceil(CHUNK as u64) as usize))
                .max(1);
            transfer::run(planned.into_iter().map(Ok), threads, false, &mut |_| ControlFlow::Continue(()))
                .faults
                .into_iter()
                .next()
        };
        if let Some(fault) = failure {
            for (((tensor, buffer), count), fate) in rows.iter().zip(&counts).zip(&mut fates) {
                *fate = self.fate_of(*tensor, buffer, count.load(Ordering::Relaxed));
            }
            return Err((fault, fates));
        }
        // Each of the partitioned ones in a call of its own: so it is known where a failure strikes.
        for (number, (tensor, buffer)) in rows.iter_mut().enumerate() {
            let row = self.index().tensor(*tensor);
            fates[number] = Fate::Whole;
            if row.is_partitioned() {
                let wanted = Wanted { tensor: *tensor, region: Bounds::whole(row.shape), buffer };
                if let Err(e) = self.read(vec![wanted], options) {
                    fates[number] = Fate::Torn;
                    let later = number + 1..;
                    fates[later].iter_mut().zip(&counts[number + 1..]).for_each(|(fate, count)| {
                        *fate = if count.load(Ordering::Relaxed) > 0 { Fate::Whole } else { Fate::Untouched }
                    });
                    return Err((e, fates));
                }
            }
        }
        Ok(())
    }

    /// What became of a tensor stored whole, of which so many bytes were read.
    fn fate_of(&self, tensor: usize, buffer: &[u8], read: u64) -> Fate {
        let row = self.index().tensor(tensor);
        match read {
            _ if row.is_partitioned() => Fate::Untouched,
            0 if row.size > 0 => Fate::Untouched,
            read if read < row.size || self.swap_unit(row.dtype) > 1 => Fate::Torn,
            _ if crc::mask(crc::crc32c(buffer)) == row.crc => Fate::Whole,
            _ => Fate::Torn,
        }
    }

    /// Reads the bytes of a tensor of a fixed-size dtype piece by piece, in no certain order, and hands each with its offset to `take`; checksums are
    /// compared as the bytes go by.
    pub fn stream(&self, tensor: usize, checksums: Checksums, take: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let row = self.index().tensor(tensor);
        let element = row.dtype.size().unwrap_or(1) as u64;
        let region = Bounds::whole(row.shape);
        let mut stream = || {
            let mut chunk = allocate((CHUNK as u64).min(row.elements().saturating_mul(element)))?;
            for piece in &self.pieces(row, &region)? {
                let file = self.shard_of(&piece.row)?;
                let mut runs = piece.stored.runs(&piece.stored, &region);
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

    /// Reads tensors of any dtype and compares their checksums, with several threads, and keeps nothing.
    pub fn check_whole(&self, tensors: &[usize], threads: u32) -> Result<()> {
        let records = tensors.iter().flat_map(|&tensor| {
            let row = self.index().tensor(tensor);
            match row.is_partitioned() {
                false => vec![self.check_record(row.key, &row)],
                true => row.slices().filter_map(|s| s.record).map(|n| self.check_record(row.key, &self.index().row(n))).collect(),
            }
        });
        let threads = transfer::threads_for(threads, tensors.iter().map(|&t| self.index().tensor(t).size).sum());
        let outcome = transfer::run(records, threads.max(1), false, &mut |_| ControlFlow::Continue(()));
        outcome.faults.into_iter().next().map_or(Ok(()), Err)
    }
}
