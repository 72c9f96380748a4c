//! A tensor of an open checkpoint: what it is, and its value.

use std::fmt;

use super::view::View;
use super::{ReadRequest, Reader, Stored};
use crate::allocate::allocate;
use crate::bundle::{ReadOptions, Row, Wanted};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::tensor::{elements, shape_text, Bounds, DType, Slice, Strings};

/// A tensor of an open checkpoint.
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

impl fmt::Debug for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" {} {}", printable(self.key()), self.dtype(), shape_text(self.shape()))
    }
}

impl<'a> Tensor<'a> {
    /// The record of the index; none in a V1 checkpoint.
    fn row(&self) -> Option<Row<'a>> {
        match &self.reader.stored {
            Stored::V1(_) => None,
            Stored::V2(bundle) => Some(bundle.index().tensor(self.index)),
        }
    }

    /// The place of the tensor in the list of its reader.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The key: bytes, UTF-8 in every checkpoint that TensorFlow's Python can list.
    pub fn key(&self) -> &'a [u8] {
        self.reader.key(self.index)
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        match &self.reader.stored {
            Stored::V1(v1) => v1.tensor(self.index).1.dtype,
            Stored::V2(bundle) => bundle.index().dtype(self.index),
        }
    }

    /// The dimensions of the whole tensor; none of a scalar.
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

    /// The bytes of the value: elements times element size. Of strings and variants the bytes that are stored; none when that
    /// is not known without reading them, as in V1 checkpoints and partitioned tensors.
    pub fn byte_size(&self) -> Option<u64> {
        match (self.dtype().size(), self.row()) {
            (Some(size), _) => Some(self.element_count() * size as u64),
            (None, Some(row)) if !row.is_partitioned() => Some(row.size),
            _ => None,
        }
    }

    /// The data file that holds the tensor; none of a partitioned tensor, or in a V1 checkpoint.
    pub fn shard(&self) -> Option<u32> {
        self.row().filter(|row| !row.is_partitioned()).map(|row| row.shard)
    }

    /// Where in the data file the tensor begins; none of a partitioned tensor, or in a V1 checkpoint.
    pub fn offset(&self) -> Option<u64> {
        self.row().filter(|row| !row.is_partitioned()).map(|row| row.offset)
    }

    /// The slices in which a partitioned tensor is stored, in the order in which it lists them; none of a tensor stored whole.
    pub fn slices(&self) -> Vec<Slice> {
        match &self.reader.stored {
            Stored::V2(bundle) => bundle.index().tensor(self.index).slices().map(|s| s.slice()).collect(),
            Stored::V1(v1) => match v1.tensor(self.index).1 {
                described if described.is_whole() => Vec::new(),
                described => described.slices.iter().map(|s| s.slice()).collect(),
            },
        }
    }

    /// The number of slices in which a partitioned tensor is stored; 0 of a tensor stored whole.
    pub fn slice_count(&self) -> usize {
        match &self.reader.stored {
            Stored::V2(bundle) => bundle.index().tensor(self.index).slices().len(),
            Stored::V1(v1) => match v1.tensor(self.index).1 {
                described if described.is_whole() => 0,
                described => described.slices.len(),
            },
        }
    }

    /// The value: the elements in row-major order and native byte order.
    ///
    /// # Errors
    /// As for [`Tensor::read_slice_into`]; `RESOURCE_EXHAUSTED` when there is no memory for it.
    pub fn read(&self) -> Result<Vec<u8>> {
        self.read_region(self.region(None)?)
    }

    /// Reads the value into `buffer`, which has [`Tensor::byte_size`] bytes.
    ///
    /// # Errors
    /// As for [`Tensor::read_slice_into`].
    pub fn read_into(&self, buffer: &mut [u8], options: &ReadOptions) -> Result<()> {
        if let Stored::V2(bundle) = &self.reader.stored {
            if bundle.read_small(self.index, buffer, options.checksums)? {
                return Ok(());
            }
        }
        self.reader.read_many(vec![ReadRequest { tensor: *self, slice: None, buffer }], options)
    }

    /// The part of the value that `slice` takes.
    ///
    /// # Errors
    /// As for [`Tensor::read_slice_into`]; `RESOURCE_EXHAUSTED` when there is no memory for it.
    pub fn read_slice(&self, slice: &Slice) -> Result<Vec<u8>> {
        self.read_region(self.region(Some(slice))?)
    }

    /// Reads the part of the value that `slice` takes into `buffer`, which has exactly its size.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` when the slice does not lie within the tensor, the buffer has another size, the tensor holds strings, or
    ///   the stored slices of a partitioned tensor do not cover what is asked for.
    /// * `NOT_FOUND` when a data file, or a slice that is needed, is missing.
    /// * `DATA_LOSS` when a file is too short, a checksum does not match, or stored slices overlap.
    pub fn read_slice_into(&self, slice: &Slice, buffer: &mut [u8], options: &ReadOptions) -> Result<()> {
        self.reader.read_many(vec![ReadRequest { tensor: *self, slice: Some(slice.clone()), buffer }], options)
    }

    /// The elements of a string tensor; of a variant tensor the serialized elements.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for other dtypes, `UNIMPLEMENTED` for variants in a big-endian checkpoint, else as for [`Tensor::read_slice_into`].
    pub fn read_strings(&self) -> Result<Strings> {
        self.read_string_region(&self.region(None)?)
    }

    /// The elements that `slice` takes of a string or variant tensor.
    ///
    /// # Errors
    /// As for [`Tensor::read_strings`].
    pub fn read_strings_slice(&self, slice: &Slice) -> Result<Strings> {
        self.read_string_region(&self.region(Some(slice))?)
    }

    /// The value as it lies in the file, mapped rather than read. With `checked`, its checksum is compared first.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` for strings, partitioned tensors, V1 checkpoints and values of the other byte order, which do not lie
    /// in the file as they are; else as for [`Tensor::read_slice_into`].
    pub fn map(&self, checked: bool) -> Result<View> {
        match &self.reader.stored {
            Stored::V1(_) => Err(Error::new(
                Code::FailedPrecondition,
                Reason::Unsupported,
                "a tensor of a V1 checkpoint cannot be viewed: it is stored encoded",
            )
            .for_tensor(self.key())),
            Stored::V2(bundle) => bundle.map(self.index, checked).map(View::new),
        }
    }

    /// The box that `slice` takes, or the whole.
    pub(super) fn region(&self, slice: Option<&Slice>) -> Result<Bounds> {
        match slice {
            None => Ok(Bounds::whole(self.shape())),
            Some(slice) => slice.within(self.shape()).map_err(|e| e.for_tensor(self.key())),
        }
    }

    /// The bytes that `region` takes.
    fn region_bytes(&self, region: &Bounds) -> Result<u64> {
        match self.dtype().size() {
            Some(size) => Ok(region.elements() * size as u64),
            None => Err(Error::argument("the elements have lengths of their own: read them as strings")
                .because(Reason::DType)
                .expecting("a fixed-size dtype", self.dtype())
                .for_tensor(self.key())),
        }
    }

    pub(super) fn check_buffer(&self, region: &Bounds, found: usize) -> Result<()> {
        let expected = self.region_bytes(region)?;
        if expected == found as u64 {
            return Ok(());
        }
        Err(Error::argument("the buffer has the wrong size")
            .because(Reason::Shape)
            .expecting(format_args!("{expected} bytes"), format_args!("{found} bytes"))
            .for_tensor(self.key()))
    }

    /// Says whether a buffer of `size` bytes fits what `slice` takes: for callers whose memory is not to be touched otherwise.
    pub fn check_destination(&self, slice: Option<&Slice>, size: usize) -> Result<()> {
        // The usual case, without the boxes that a message would need.
        if slice.is_none() && self.dtype().size().is_some() && self.byte_size() == Some(size as u64) {
            return Ok(());
        }
        self.check_buffer(&self.region(slice)?, size)
    }

    fn read_region(&self, region: Bounds) -> Result<Vec<u8>> {
        let bytes = self.region_bytes(&region)?;
        // Nothing is allocated that the files do not back.
        if let Stored::V2(bundle) = &self.reader.stored {
            bundle.check_backed(self.index, &region).map_err(|e| e.for_tensor(self.key()))?;
        }
        let mut buffer = match &self.reader.stored {
            Stored::V1(v1) if bytes / 16 > v1.bytes() => return Err(v1.unbacked(self.index)),
            _ => allocate(bytes).map_err(|e| e.for_tensor(self.key()))?,
        };
        match &self.reader.stored {
            Stored::V1(v1) => v1.read(self.index, &region, &mut buffer)?,
            Stored::V2(bundle) => {
                bundle.read(vec![Wanted { tensor: self.index, region, buffer: &mut buffer }], &ReadOptions::default())?
            }
        }
        Ok(buffer)
    }

    fn read_string_region(&self, region: &Bounds) -> Result<Strings> {
        if self.dtype().size().is_some() {
            return Err(Error::argument("the tensor holds neither strings nor variants")
                .because(Reason::DType)
                .expecting("string or variant", self.dtype())
                .for_tensor(self.key()));
        }
        match &self.reader.stored {
            Stored::V1(v1) => v1.read_strings(self.index, region),
            Stored::V2(bundle) => bundle.read_strings(self.index, region),
        }
    }
}
