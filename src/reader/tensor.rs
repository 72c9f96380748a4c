//! A tensor of an open checkpoint: its description, and reading its value.

use std::fmt;

use super::view::View;
use super::{ReadRequest, Reader, Stored};
use crate::allocate::{self, allocate};
use crate::bundle::{ReadOptions, Row, Wanted};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::tensor::{elements, explained, shape_text, Bounds, Cast, DType, Slice, Strings};

/// A tensor of an open checkpoint. It borrows the reader.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let prefix = directory.path().join("model");
/// # let numbers: Vec<u8> = [1i32, 2, 3, 4, 5, 6].iter().flat_map(|n| n.to_ne_bytes()).collect();
/// # let mut writer = checkpoint::Writer::new(&prefix, &checkpoint::WriteOptions::new())?;
/// # writer.add("table", checkpoint::DType::Int32, &[2, 3], &numbers)?;
/// # writer.add_strings("labels", &[2], &["cat", "dog"])?;
/// # writer.finish()?;
/// # let reader = checkpoint::Reader::open(&prefix)?;
/// let table = reader.get("table")?; // int32 [2, 3]: 1 2 3, 4 5 6
/// assert_eq!((table.dtype(), table.shape()), (checkpoint::DType::Int32, &[2, 3][..]));
///
/// let mut bytes = [0; 24];
/// table.read_into(&mut bytes, &checkpoint::ReadOptions::new())?;
/// assert_eq!(bytes[20..], 6i32.to_ne_bytes());
///
/// let column = table.read_slice(&"-:1,1".parse()?)?; // all rows, one column from column 1 on
/// assert_eq!(column, [2i32.to_ne_bytes(), 5i32.to_ne_bytes()].concat());
///
/// let labels = reader.get("labels")?.read_strings()?;
/// assert_eq!(labels.iter().last(), Some(&b"dog"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Tensor<'a> {
    pub(super) reader: &'a Reader,
    pub(super) index: usize,
}

/// How large a value is, or a slice of one: what [`Tensor::measure`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The number of elements.
    pub elements: u64,
    /// The number of bytes; 0 for strings and variants, whose elements have lengths of their own.
    pub bytes: u64,
}

impl fmt::Debug for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" {} {}", printable(self.key()), self.dtype(), shape_text(self.shape()))
    }
}

impl<'a> Tensor<'a> {
    /// The tensor's entry in the index; `None` in a V1 checkpoint.
    fn row(&self) -> Option<Row<'a>> {
        match &self.reader.stored {
            Stored::V1(_) => None,
            Stored::V2(bundle) => Some(bundle.index().tensor(self.index)),
        }
    }

    /// The index of the tensor in the list of its reader ([`Reader::tensor`]).
    pub fn index(&self) -> usize {
        self.index
    }

    /// The key. Keys are bytes; they are UTF-8 in every checkpoint that TensorFlow's Python API can
    /// list.
    pub fn key(&self) -> &'a [u8] {
        self.reader.key(self.index)
    }

    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        match &self.reader.stored {
            Stored::V1(v1) => v1.tensor(self.index).1.dtype,
            Stored::V2(bundle) => bundle.index().dtype(self.index),
        }
    }

    /// The dimensions of the whole tensor; empty for a scalar.
    pub fn shape(&self) -> &'a [i64] {
        match &self.reader.stored {
            Stored::V1(v1) => &v1.tensor(self.index).1.shape,
            Stored::V2(bundle) => bundle.index().shape(self.index),
        }
    }

    /// The number of elements.
    pub fn element_count(&self) -> u64 {
        elements(self.shape())
    }

    /// The size of the value in bytes: element count times element size. For strings and variants
    /// it is the stored size, or `None` if that cannot be known without reading them, as in V1
    /// checkpoints and partitioned tensors.
    pub fn byte_size(&self) -> Option<u64> {
        match (self.dtype().size(), self.row()) {
            (Some(size), _) => Some(self.element_count() * size as u64),
            (None, Some(row)) if !row.is_partitioned() => Some(row.size),
            _ => None,
        }
    }

    /// The shard (data file) that holds the tensor, counted from 0; `None` for partitioned tensors
    /// and in V1 checkpoints.
    pub fn shard(&self) -> Option<u32> {
        self.row().filter(|row| !row.is_partitioned()).map(|row| row.shard)
    }

    /// The offset of the value in its shard, in bytes; `None` for partitioned tensors and in V1
    /// checkpoints.
    pub fn offset(&self) -> Option<u64> {
        self.row().filter(|row| !row.is_partitioned()).map(|row| row.offset)
    }

    /// The stored slices of a partitioned tensor, in the order in which its entry lists them; empty
    /// for a tensor stored whole.
    pub fn slices(&self) -> Vec<Slice> {
        match &self.reader.stored {
            Stored::V2(bundle) => bundle.index().tensor(self.index).slices().map(|s| s.slice()).collect(),
            Stored::V1(v1) => match v1.tensor(self.index).1 {
                described if described.is_whole() => Vec::new(),
                described => described.slices.iter().map(|s| s.slice()).collect(),
            },
        }
    }

    /// The stored slice at `index` of a partitioned tensor; `None` if there is no such slice.
    pub fn slice(&self, index: usize) -> Option<Slice> {
        match &self.reader.stored {
            Stored::V2(bundle) => bundle.index().tensor(self.index).slices().nth(index).map(|s| s.slice()),
            Stored::V1(v1) => match v1.tensor(self.index).1 {
                described if described.is_whole() => None,
                described => described.slices.get(index).map(|s| s.slice()),
            },
        }
    }

    /// The number of slices that a partitioned tensor is stored in; 0 for a tensor stored whole.
    pub fn slice_count(&self) -> usize {
        match &self.reader.stored {
            Stored::V2(bundle) => bundle.index().tensor(self.index).slices().len(),
            Stored::V1(v1) => match v1.tensor(self.index).1 {
                described if described.is_whole() => 0,
                described => described.slices.len(),
            },
        }
    }

    /// Measures the value, or a slice of it, before memory is allocated for it: an index can claim
    /// any size. Fails if the data files do not hold so much, or if there is not so much memory.
    ///
    /// # Errors
    /// The errors of [`Tensor::read_slice_into`] that are known before the first byte is read, and:
    /// * `RESOURCE_EXHAUSTED` (`Limit`): there is not enough memory for the value.
    pub fn measure(&self, slice: Option<&Slice>) -> Result<Measure> {
        let region = self.region(slice)?;
        self.check_backed(&region)?;
        let bytes = self.dtype().size().map_or(0, |size| region.elements() * size as u64);
        allocate::check(bytes).map_err(|e| self.at_fault(e))?;
        Ok(Measure { elements: region.elements(), bytes })
    }

    /// Fails unless the dtype [fits](DType::fits) memory with elements of dtype `elements`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` (`DType`), which names both dtypes.
    pub fn check_elements(&self, elements: DType) -> Result<()> {
        self.dtype().check_fits(elements).map_err(|e| self.at_fault(e))
    }

    /// Reads the value: the elements in row-major order and native byte order.
    ///
    /// # Errors
    /// The errors of [`Tensor::read_slice_into`], and:
    /// * `RESOURCE_EXHAUSTED` (`Limit`): there is not enough memory for the value.
    pub fn read(&self) -> Result<Vec<u8>> {
        self.read_region(self.region(None)?)
    }

    /// Reads the value into `buffer`, whose size must be exactly [`Tensor::byte_size`], or the size
    /// of as many elements of the dtype that it is read as ([`ReadOptions::dtype`]). On failure the
    /// content of the buffer is unspecified.
    ///
    /// # Errors
    /// The errors of [`Tensor::read_slice_into`].
    #[inline] // on the path of every small tensor
    pub fn read_into(&self, buffer: &mut [u8], options: &ReadOptions) -> Result<()> {
        if let (Stored::V2(bundle), None, false) = (&self.reader.stored, options.dtype, options.control.is_cancelled()) {
            if bundle.read_small(self.index, buffer, options.checksums)? {
                return Ok(());
            }
        }
        self.reader.read_many(vec![ReadRequest { tensor: *self, slice: None, buffer }], options)
    }

    /// Reads a slice of the value: its elements in row-major order and native byte order.
    ///
    /// # Errors
    /// The errors of [`Tensor::read_slice_into`], and:
    /// * `RESOURCE_EXHAUSTED` (`Limit`): there is not enough memory for the slice.
    pub fn read_slice(&self, slice: &Slice) -> Result<Vec<u8>> {
        self.read_region(self.region(Some(slice))?)
    }

    /// Reads a slice of the value into `buffer`, whose size must be exactly that of the slice. On
    /// failure the content of the buffer is unspecified.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`Shape`): the slice does not lie within the tensor, or the buffer has
    ///   another size.
    /// * `INVALID_ARGUMENT` (`DType`): the tensor holds strings or variants; or it has another
    ///   dtype than it is read as, and the options do not convert it, or an integer does not fit.
    /// * `INVALID_ARGUMENT` (`Gap`): the stored slices of a partitioned tensor do not cover the
    ///   slice.
    /// * `NOT_FOUND` (`MissingFile`): a data file is missing.
    /// * `NOT_FOUND` (`NoTensor`): a stored slice that is needed is missing.
    /// * `DATA_LOSS`: a data file is too short (`Truncated`), a checksum does not match
    ///   (`Checksum`), or stored slices overlap (`Overlap`).
    pub fn read_slice_into(&self, slice: &Slice, buffer: &mut [u8], options: &ReadOptions) -> Result<()> {
        self.reader.read_many(vec![ReadRequest { tensor: *self, slice: Some(slice.clone()), buffer }], options)
    }

    /// Reads the elements of a string tensor, or of a variant tensor as serialized
    /// `VariantTensorDataProto` messages.
    ///
    /// # Errors
    /// The errors of [`Tensor::read_slice_into`], and:
    /// * `INVALID_ARGUMENT` (`DType`): the tensor has another dtype.
    /// * `UNIMPLEMENTED` (`Unsupported`): variants in a big-endian checkpoint.
    pub fn read_strings(&self) -> Result<Strings> {
        self.read_string_region(&self.region(None)?)
    }

    /// Reads a slice of a string or variant tensor.
    ///
    /// # Errors
    /// The errors of [`Tensor::read_strings`].
    pub fn read_strings_slice(&self, slice: &Slice) -> Result<Strings> {
        self.read_string_region(&self.region(Some(slice))?)
    }

    /// Maps the value from its shard into memory, without copying. With `checked`, its checksum is
    /// verified first.
    ///
    /// # Errors
    /// The errors of [`Tensor::read_slice_into`], and `FAILED_PRECONDITION` for values that are not
    /// stored in the file as one run of native bytes:
    /// * `DType`: the tensor holds strings or variants.
    /// * `Alignment`: the values are stored in the other byte order.
    /// * `Unsupported`: the tensor is partitioned, or the checkpoint is V1.
    pub fn map(&self, checked: bool) -> Result<View> {
        match &self.reader.stored {
            Stored::V1(_) => Err(self.at_fault(Error::new(
                Code::FailedPrecondition,
                Reason::Unsupported,
                "a tensor of a V1 checkpoint cannot be viewed, because it is stored encoded: read it instead",
            ))),
            Stored::V2(bundle) => {
                bundle.map(self.index, checked).map(|map| View::new(map, self.key(), self.dtype(), self.shape()))
            }
        }
    }

    /// Names the tensor and the checkpoint in an error of a call that reads it.
    pub(super) fn at_fault(&self, error: Error) -> Error {
        error.for_tensor(self.key()).in_file(self.reader.prefix())
    }

    /// The region of the tensor that `slice` selects; the whole tensor for `None`.
    pub(super) fn region(&self, slice: Option<&Slice>) -> Result<Bounds> {
        match slice {
            None => Ok(Bounds::whole(self.shape())),
            Some(slice) => slice.within(self.shape()).map_err(|e| self.at_fault(e)),
        }
    }

    /// The size of `region` in bytes.
    fn region_bytes(&self, region: &Bounds) -> Result<u64> {
        match self.dtype().size() {
            Some(size) => Ok(region.elements() * size as u64),
            None => Err(self.at_fault(
                Error::argument("the elements do not have a fixed size: read them as strings")
                    .because(Reason::DType)
                    .expecting("a fixed-size dtype", self.dtype()),
            )),
        }
    }

    /// The conversion to the dtype that the options read the tensor as; `None` if its elements are
    /// read as they are stored.
    pub(super) fn cast(&self, options: &ReadOptions) -> Result<Option<Cast>> {
        let is_needed = |to: &DType| !Cast::is_needless(options.conversion, self.dtype(), *to);
        let Some(to) = options.dtype.filter(is_needed) else { return Ok(None) };
        Cast::new(options.conversion, self.dtype(), to, self.byte_size().unwrap_or(0)).map(Some).map_err(|why| {
            self.at_fault(
                Error::argument(explained("the tensor has another dtype", why))
                    .because(Reason::DType)
                    .expecting(to, self.dtype()),
            )
        })
    }

    /// Fails unless a buffer of `found` bytes has exactly the size of `region`, perhaps converted.
    pub(super) fn check_buffer(&self, region: &Bounds, found: usize, cast: Option<Cast>) -> Result<()> {
        let stored = self.region_bytes(region)?;
        let expected = cast.map_or(stored, |cast| cast.converted(stored));
        if expected == found as u64 {
            return Ok(());
        }
        Err(self.at_fault(
            Error::argument("the buffer has the wrong size")
                .because(Reason::Shape)
                .expecting(format_args!("{expected} bytes"), format_args!("{found} bytes")),
        ))
    }

    /// Fails unless a buffer of `size` bytes has exactly the size of `slice`, or of the whole value
    /// for `None`, in the dtype that it is read as.
    ///
    /// For callers that must not touch their memory before the size is known to be right.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`Shape`): the slice does not lie within the tensor, or the size is
    ///   another one.
    /// * `INVALID_ARGUMENT` (`DType`): the tensor holds strings or variants, or the options do not
    ///   convert it.
    pub fn check_destination(&self, slice: Option<&Slice>, size: usize, options: &ReadOptions) -> Result<()> {
        // The usual case, without computing the region, which only a message needs.
        if options.dtype.is_none() && slice.is_none() && self.dtype().size().is_some() && self.byte_size() == Some(size as u64) {
            return Ok(());
        }
        self.check_buffer(&self.region(slice)?, size, self.cast(options)?)
    }

    fn read_region(&self, region: Bounds) -> Result<Vec<u8>> {
        let bytes = self.region_bytes(&region)?;
        self.check_backed(&region)?;
        let mut buffer = allocate(bytes).map_err(|e| self.at_fault(e))?;
        match &self.reader.stored {
            Stored::V1(v1) => v1.read(self.index, &region, &mut buffer)?,
            Stored::V2(bundle) => bundle
                .read(vec![Wanted { tensor: self.index, region, buffer: (&mut buffer[..]).into() }], &ReadOptions::default())?,
        }
        Ok(buffer)
    }

    /// Fails unless the files hold as many bytes as the region needs, before memory is allocated
    /// for it: a hostile index can claim any size.
    fn check_backed(&self, region: &Bounds) -> Result<()> {
        match &self.reader.stored {
            Stored::V1(v1) if v1.has_room_for(region.elements(), self.dtype()) => Ok(()),
            Stored::V1(v1) => Err(v1.unbacked(self.index)),
            Stored::V2(_) => self.reader.check_region(self.index, region),
        }
    }

    fn read_string_region(&self, region: &Bounds) -> Result<Strings> {
        if self.dtype().size().is_some() {
            return Err(self.at_fault(
                Error::argument("the tensor does not hold strings or variants")
                    .because(Reason::DType)
                    .expecting("string or variant", self.dtype()),
            ));
        }
        match &self.reader.stored {
            Stored::V1(v1) => v1.read_strings(self.index, region),
            Stored::V2(bundle) => bundle.read_strings(self.index, region),
        }
    }
}
