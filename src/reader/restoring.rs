//! What a restore needs from a reader: reading many whole tensors at once, streaming, and checking
//! that the files are still the ones that were opened.

use std::ops::Range;

use super::{Reader, Stored};
use crate::allocate::filled;
use crate::bundle::{Checksums, Fate, ReadOptions, Wanted};
use crate::error::{Error, Result};
use crate::tensor::{Bounds, DType};

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
                let (key, described) = v1.tensor(tensor);
                let bytes = described
                    .dtype
                    .size()
                    .map_or(0, |size| crate::tensor::elements(&described.shape).saturating_mul(size as u64));
                if bytes / 16 > v1.bytes() {
                    Err(v1.unbacked(tensor).for_tensor(key))
                } else {
                    Ok((0, tensor as u64))
                }
            }
        }
    }

    /// Reads whole tensors of fixed-size dtypes with several threads, directly into buffers of
    /// their sizes. Each row is the index of a tensor and its buffer. On failure, also returns the
    /// state of each buffer.
    pub(crate) fn read_whole(
        &self,
        rows: &mut [(usize, &mut [u8])],
        options: &ReadOptions,
    ) -> std::result::Result<(), (Error, Vec<Fate>)> {
        match &self.stored {
            Stored::V2(bundle) => bundle.read_whole(rows, options),
            Stored::V1(v1) => {
                // What became of them can be told even if memory runs out later.
                let mut fates = filled(Fate::Untouched, rows.len()).map_err(|e| (e, Vec::new()))?;
                for (number, (tensor, buffer)) in rows.iter_mut().enumerate() {
                    let region = Bounds::whole(&v1.tensor(*tensor).1.shape);
                    if let Err(e) = v1.read(*tensor, &region, buffer) {
                        fates[..number].fill(Fate::Whole);
                        fates[number] = Fate::Torn;
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
            Stored::V2(bundle) => {
                bundle.check_backed(tensor, region).map_err(|e| e.for_tensor(bundle.index().tensor(tensor).key))
            }
            Stored::V1(_) => self.check_backed(tensor).map(drop),
        }
    }

    /// Reads a region of a tensor of a fixed-size dtype into a buffer of its size. Reads as few
    /// other bytes as possible. Therefore a checksum is compared only where a value that is stored
    /// as a whole is read as a whole.
    pub(crate) fn read_region(&self, tensor: usize, region: &Bounds, buffer: &mut [u8], options: &ReadOptions) -> Result<()> {
        let mut options = ReadOptions { sparing: true, ..options.clone() };
        if options.checksums == Checksums::Always {
            options.checksums = Checksums::WhenWhole;
        }
        match &self.stored {
            Stored::V2(bundle) => bundle.read(vec![Wanted { tensor, region: region.clone(), buffer }], &options),
            Stored::V1(v1) => v1.read(tensor, region, buffer),
        }
    }

    /// Reads a region of a tensor of a fixed-size dtype in pieces and passes each piece with its
    /// offset in the region, in bytes, to `take`.
    pub(crate) fn stream(
        &self,
        tensor: usize,
        region: &Bounds,
        options: &ReadOptions,
        take: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        match &self.stored {
            Stored::V2(bundle) => bundle.stream(tensor, region, options.checksums, take),
            Stored::V1(v1) => {
                let size = v1.tensor(tensor).1.dtype.size().unwrap_or(1) as u64;
                let mut bytes = crate::allocate::allocate(region.elements().saturating_mul(size))?;
                v1.read(tensor, region, &mut bytes)?;
                take(0, &bytes)
            }
        }
    }

    /// Reads tensors and verifies their checksums, without keeping the values.
    pub(crate) fn check_whole(&self, tensors: &[usize], options: &ReadOptions) -> Result<()> {
        match &self.stored {
            Stored::V2(bundle) => bundle.check_whole(tensors, options.threads),
            Stored::V1(_) => {
                tensors.iter().filter_map(|&tensor| self.tensor(tensor)).try_for_each(|tensor| match tensor.dtype() {
                    DType::String | DType::Variant => tensor.read_strings().map(drop),
                    _ => tensor.read().map(drop),
                })
            }
        }
    }
}
