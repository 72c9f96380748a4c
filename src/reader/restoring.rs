//! What a restore needs from a reader: reading many whole tensors at once, streaming, and checking
//! that the files are still the ones that were opened.

use std::ops::Range;

use super::{Reader, Stored};
use crate::allocate::{allocate, filled};
use crate::bundle::{Checksums, Destination, Fate, ReadOptions, Wanted};
use crate::error::{Error, Result};
use crate::tensor::{Bounds, DType};
use crate::v1;

/// The start of a tensor's bytes: the data file, and the offset in it. For a tensor that is stored
/// in slices the values have no meaning.
pub(crate) type Place = (u32, u64);

impl Reader {
    /// Closes the open data files. Later reads open them again.
    pub(crate) fn close_files(&self) {
        if let Stored::V2(bundle) = &self.stored {
            bundle.close_files();
        }
    }

    /// The number of bytes read from the data files, and the number of calls that read them.
    #[cfg(test)]
    pub(crate) fn reading(&self) -> (u64, u64) {
        match &self.stored {
            Stored::V2(bundle) => bundle.reading(),
            Stored::V1(_) => (0, 0),
        }
    }

    /// Fails unless the index at the checkpoint's path still has the content that it had when the
    /// checkpoint was opened: `NOT_FOUND` if it no longer exists, `DATA_LOSS` (`Replaced`) if the
    /// content differs.
    pub(crate) fn check_current(&self) -> Result<()> {
        let Stored::V2(bundle) = &self.stored else { return Ok(()) }; // V1 files look for themselves
        bundle.check_current()
    }

    /// The indices of the tensors whose keys begin with `prefix`.
    pub(crate) fn starting_with(&self, prefix: &[u8]) -> Range<usize> {
        let partition = |mut low: usize, is_before: &dyn Fn(&[u8]) -> bool| {
            let mut high = self.len();
            while low < high {
                let middle = low + (high - low) / 2;
                if is_before(self.key(middle)) {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            low
        };
        let start = partition(0, &|key| key < prefix);
        start..partition(start, &|key| key.starts_with(prefix))
    }

    /// The dtype and shape of a tensor.
    pub(crate) fn spec(&self, tensor: usize) -> (DType, &[i64]) {
        match &self.stored {
            Stored::V2(bundle) => bundle.index().spec(tensor),
            Stored::V1(v1) => {
                let described = v1.tensor(tensor).1;
                (described.dtype, &described.shape)
            }
        }
    }

    /// The place of a tensor. Fails unless its data files exist and are long enough to hold it.
    pub(crate) fn check_backed(&self, tensor: usize) -> Result<Place> {
        match &self.stored {
            Stored::V2(bundle) => {
                let row = bundle.index().tensor(tensor);
                let checked = if row.is_partitioned() {
                    bundle.check_backed(tensor, &Bounds::whole(row.shape))
                } else {
                    bundle.check_row(&row)
                };
                checked.map(|()| (row.shard, row.offset)).map_err(|e| e.for_tensor(row.key))
            }
            Stored::V1(v1) => {
                let described = v1.tensor(tensor).1;
                if v1.has_room_for(crate::tensor::elements(&described.shape), described.dtype) {
                    Ok((0, tensor as u64))
                } else {
                    Err(v1.unbacked(tensor))
                }
            }
        }
    }

    /// Reads whole tensors of fixed-size dtypes with several threads, directly into buffers of
    /// their sizes. Each row is the index of a tensor and its buffer. On failure, also returns the
    /// state of each buffer.
    pub(crate) fn read_whole(
        &self,
        rows: &mut [(usize, Destination<'_>)],
        options: &ReadOptions,
    ) -> std::result::Result<(), (Error, Vec<Fate>)> {
        match &self.stored {
            Stored::V2(bundle) => bundle.read_whole(rows, options),
            Stored::V1(v1) => {
                // What became of them can be told even if memory runs out later.
                let mut fates = filled(Fate::Untouched, rows.len()).map_err(|e| (e, Vec::new()))?;
                for (number, (tensor, buffer)) in rows.iter_mut().enumerate() {
                    let region = Bounds::whole(&v1.tensor(*tensor).1.shape);
                    let (own, read) = match options.control.check() {
                        Ok(()) => (Fate::Torn, read_v1(v1, *tensor, &region, buffer.reborrow())),
                        Err(e) => (Fate::Untouched, Err(e)),
                    };
                    options.control.advance(buffer.len());
                    if let Err(e) = read {
                        fates[..number].fill(Fate::Whole);
                        fates[number] = own;
                        return Err((e, fates));
                    }
                }
                Ok(())
            }
        }
    }

    /// Fails unless the data files exist and are long enough for a region of a tensor.
    pub(crate) fn check_region(&self, tensor: usize, region: &Bounds) -> Result<()> {
        match &self.stored {
            Stored::V2(bundle) if bundle.index().tensor(tensor).is_partitioned() => {
                bundle.check_backed(tensor, region).map_err(|e| e.for_tensor(bundle.index().tensor(tensor).key))
            }
            _ => self.check_backed(tensor).map(drop),
        }
    }

    /// Reads a region of a tensor of a fixed-size dtype into a buffer of its size. Reads as few
    /// other bytes as possible. Therefore a checksum is compared only where a value that is stored
    /// as a whole is read as a whole.
    pub(crate) fn read_region(
        &self,
        tensor: usize,
        region: &Bounds,
        buffer: Destination<'_>,
        options: &ReadOptions,
    ) -> Result<()> {
        let options = ReadOptions { sparing: true, checksums: without_more(options.checksums), ..options.clone() };
        match &self.stored {
            Stored::V2(bundle) => bundle.read(vec![Wanted { tensor, region: region.clone(), buffer }], &options),
            Stored::V1(v1) => {
                options.control.advance(buffer.len());
                read_v1(v1, tensor, region, buffer)
            }
        }
    }

    /// Reads a region of a tensor of a fixed-size dtype in pieces and passes each piece with its
    /// offset in the region, in bytes, to `take`. Reads as few other bytes as
    /// [`Reader::read_region`].
    pub(crate) fn stream(
        &self,
        tensor: usize,
        region: &Bounds,
        options: &ReadOptions,
        take: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        match &self.stored {
            Stored::V2(bundle) => bundle.stream(tensor, region, without_more(options.checksums), take),
            Stored::V1(v1) => {
                let size = v1.tensor(tensor).1.dtype.size().unwrap_or(1) as u64;
                let mut bytes = allocate(region.elements().saturating_mul(size))?;
                v1.read(tensor, region, &mut bytes)?;
                take(0, &bytes)
            }
        }
    }

    /// Reads tensors and verifies their checksums, without keeping the values.
    pub(crate) fn check_whole(&self, tensors: &[usize], options: &ReadOptions) -> Result<()> {
        match &self.stored {
            Stored::V2(bundle) => bundle.check_whole(tensors, options),
            Stored::V1(_) => tensors.iter().filter_map(|&tensor| self.tensor(tensor)).try_for_each(|tensor| {
                options.control.check()?;
                match tensor.dtype() {
                    DType::String | DType::Variant => tensor.read_strings().map(drop),
                    _ => tensor.read().map(drop),
                }
            }),
        }
    }
}

/// Returns when checksums are verified if nothing but what is wanted is to be read.
fn without_more(checksums: Checksums) -> Checksums {
    match checksums {
        Checksums::Always => Checksums::WhenWhole,
        other => other,
    }
}

/// Reads a region of a tensor of a V1 checkpoint, whose values are encoded: those that are
/// converted are decoded first.
pub(super) fn read_v1(v1: &v1::Checkpoint, tensor: usize, region: &Bounds, mut buffer: Destination<'_>) -> Result<()> {
    match buffer.plain() {
        Some(memory) => v1.read(tensor, region, memory),
        None => {
            let mut decoded = allocate(buffer.len())?;
            v1.read(tensor, region, &mut decoded)?;
            buffer.put(0, &decoded).map_err(|e| e.for_tensor(v1.tensor(tensor).0))
        }
    }
}
