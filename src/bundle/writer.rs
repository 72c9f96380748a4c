//! Writes a bundle: tensors by name, planned once all are known, then written and published.

use std::collections::BTreeMap;
use std::path::Path;

use super::items::Items;
use super::naming::split_prefix;
use super::payload;
use super::source::{ReadAt, Source};
use super::write_options::WriteOptions;
use crate::allocate::Room;
use crate::error::{Error, Reason, Result};
use crate::format::message::validated_elements;
use crate::format::ordered_code::slice_key;
use crate::storage::{Location, Origin};
use crate::tensor::{elements, DType, Slice, StoredExtent, MAX_RANK};

/// A writer of a checkpoint of named tensors in TensorFlow's V2 format, without an object graph
/// (`tf.raw_ops.SaveV2`).
///
/// Add tensors, then write them all with [`Writer::finish`]. Each tensor is added once, or as
/// slices. Values are borrowed until then and written directly from the caller's memory. Nothing of
/// the new checkpoint is visible before [`Writer::finish`] has succeeded; if it fails, an existing
/// checkpoint is unchanged.
///
/// ```
/// use checkpoint::{DType, WriteOptions, Writer};
///
/// let directory = tempfile::tempdir()?;
/// let weights = [0u8; 48];
/// let mut writer = Writer::new(directory.path().join("model"), &WriteOptions::new())?;
/// writer.add("net/kernel", DType::Float, &[3, 4], &weights)?;
/// writer.add_strings("labels", &[2], &["cat", "dog"])?;
/// let written = writer.finish()?; // on disk, and complete
/// assert_eq!(written.shards, 1);
/// assert!(checkpoint::checkpoint_exists(directory.path().join("model"))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer<'a> {
    pub(super) prefix: Location,
    pub(super) options: WriteOptions,
    pub(super) items: Items<'a>,
    /// The tensors of which slices were added.
    pub(super) partitioned: BTreeMap<Vec<u8>, Partitioned>,
    pub(super) origin: Origin,
}

pub(super) struct Partitioned {
    pub(super) dtype: DType,
    pub(super) shape: Vec<i64>,
    pub(super) slices: Vec<Vec<StoredExtent>>,
}

impl<'a> Writer<'a> {
    /// Creates a writer of the checkpoint `prefix`. Nothing is written before [`Writer::finish`].
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the prefix is empty, `/`, or ends in `.` or `..`, or an option is out
    ///   of range.
    pub fn new(prefix: impl AsRef<Path>, options: &WriteOptions) -> Result<Writer<'a>> {
        let prefix = Location::of(prefix)?;
        split_prefix(&prefix)?;
        options.check()?;
        let (items, partitioned, origin) = (Items::default(), BTreeMap::new(), Origin::here());
        Ok(Writer { prefix, options: options.clone(), items, partitioned, origin })
    }

    /// Adds a tensor of a fixed-size dtype. `bytes` is its value: row-major and little-endian.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the key is empty or begins with a zero byte; the dtype is not
    ///   fixed-size (`DType`); the shape is invalid, or `bytes` is not of the size of the tensor
    ///   (`Shape`).
    pub fn add(&mut self, key: impl AsRef<[u8]>, dtype: DType, shape: &[i64], bytes: &'a [u8]) -> Result<()> {
        self.put(key.as_ref(), dtype, shape, Source::Borrowed(bytes))
    }

    /// Adds a tensor of a fixed-size dtype that a callback reads while the checkpoint is written:
    /// `read(offset, buffer)` fills the buffer. It is called once for each piece of the value, on
    /// the writing threads, several at once.
    ///
    /// # Errors
    /// Those of [`Writer::add`].
    pub fn add_read(&mut self, key: impl AsRef<[u8]>, dtype: DType, shape: &[i64], read: Box<ReadAt<'a>>) -> Result<()> {
        let key = key.as_ref();
        let elements = check_tensor(key, dtype, shape)?;
        let size = dtype.size().ok_or_else(|| not_fixed(key, dtype))? as u64;
        self.put(key, dtype, shape, Source::Read { read: read.into(), from: 0, len: elements * size })
    }

    /// Adds a slice of a partitioned tensor that a callback reads while the checkpoint is written,
    /// as in [`Writer::add_read`].
    ///
    /// # Errors
    /// Those of [`Writer::add_slice`].
    pub fn add_read_slice(
        &mut self,
        key: impl AsRef<[u8]>,
        dtype: DType,
        shape: &[i64],
        slice: &Slice,
        read: Box<ReadAt<'a>>,
    ) -> Result<()> {
        let key = key.as_ref();
        let Some(part) = part_of(key, dtype, shape, slice)? else { return self.add_read(key, dtype, shape, read) };
        let size = dtype.size().ok_or_else(|| not_fixed(key, dtype))? as u64;
        let len = elements(&part.shape) * size;
        self.put_slice(key, dtype, shape, part, Source::Read { read: read.into(), from: 0, len }, None)
    }

    /// Adds a slice of a partitioned tensor. `shape` is the shape of the whole tensor; `bytes` is
    /// the value of the slice. A slice that covers all dimensions is stored as the whole tensor.
    ///
    /// # Errors
    /// Those of [`Writer::add`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the slice does not lie within the shape, is empty, or
    ///   disagrees with an earlier slice of the tensor on dtype or shape.
    pub fn add_slice(
        &mut self,
        key: impl AsRef<[u8]>,
        dtype: DType,
        shape: &[i64],
        slice: &Slice,
        bytes: &'a [u8],
    ) -> Result<()> {
        let key = key.as_ref();
        let Some(part) = part_of(key, dtype, shape, slice)? else {
            return self.put(key, dtype, shape, Source::Borrowed(bytes));
        };
        check_size(key, dtype, elements(&part.shape), bytes.len() as u64)?;
        self.put_slice(key, dtype, shape, part, Source::Borrowed(bytes), None)
    }

    /// Adds a tensor, or a slice of a tensor, described as in TensorFlow's `SaveV2`. `shape` is the
    /// shape of the value. `shape_and_slice` is empty for a whole tensor; else it holds the whole
    /// tensor's shape and the slice, such as `5 10 -:0,1`.
    ///
    /// # Errors
    /// Those of [`Writer::add_slice`], and:
    /// * `INVALID_ARGUMENT`: the text is malformed or does not match `shape`.
    pub fn add_shape_and_slice(
        &mut self,
        key: impl AsRef<[u8]>,
        dtype: DType,
        shape: &[i64],
        shape_and_slice: &str,
        bytes: &'a [u8],
    ) -> Result<()> {
        if shape_and_slice.is_empty() {
            return self.add(key, dtype, shape, bytes);
        }
        let (whole, slice) = Slice::parse_with_shape(shape_and_slice).map_err(|e| e.for_tensor(key.as_ref()))?;
        let part = slice.within(&whole).map_err(|e| e.for_tensor(key.as_ref()))?;
        if part.length != shape {
            return Err(Error::argument("the value and its slice differ in shape")
                .because(Reason::Shape)
                .expecting(crate::tensor::shape_text(&part.length), crate::tensor::shape_text(shape))
                .for_tensor(key.as_ref()));
        }
        self.add_slice(key, dtype, &whole, &slice, bytes)
    }

    /// Adds a string tensor. `elements` are in row-major order; they are copied.
    ///
    /// # Errors
    /// Those of [`Writer::add`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the number of elements does not match the shape.
    pub fn add_strings<S: AsRef<[u8]>>(&mut self, key: impl AsRef<[u8]>, shape: &[i64], elements: &[S]) -> Result<()> {
        self.put_elements(key.as_ref(), DType::String, shape, elements)
    }

    /// Adds a string scalar without copying it.
    ///
    /// # Errors
    /// Those of [`Writer::add`].
    pub(crate) fn add_string(&mut self, key: &[u8], element: Vec<u8>) -> Result<()> {
        check_tensor(key, DType::String, &[])?;
        let (payload, crc) = payload::encode_string(element)?;
        self.items.push(key, DType::String, &[], Source::Owned(payload), Some(crc))
    }

    /// Adds a variant tensor. Each element is a serialized `VariantTensorDataProto`; the checksums
    /// are computed. The elements are copied.
    ///
    /// # Errors
    /// Those of [`Writer::add_strings`].
    pub fn add_variants<S: AsRef<[u8]>>(&mut self, key: impl AsRef<[u8]>, shape: &[i64], elements: &[S]) -> Result<()> {
        self.put_elements(key.as_ref(), DType::Variant, shape, elements)
    }

    /// Adds a slice of a partitioned string tensor.
    ///
    /// # Errors
    /// Those of [`Writer::add_slice`] and [`Writer::add_strings`].
    pub fn add_strings_slice<S: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        shape: &[i64],
        slice: &Slice,
        elements: &[S],
    ) -> Result<()> {
        let key = key.as_ref();
        let Some(part) = part_of(key, DType::String, shape, slice)? else {
            return self.put_elements(key, DType::String, shape, elements);
        };
        let (payload, crc) = encode(key, DType::String, &part.shape, elements)?;
        self.put_slice(key, DType::String, shape, part, Source::Owned(payload), Some(crc))
    }

    pub(super) fn put(&mut self, key: &[u8], dtype: DType, shape: &[i64], source: Source<'a>) -> Result<()> {
        let elements = check_tensor(key, dtype, shape)?;
        check_size(key, dtype, elements, source.len())?;
        self.items.push(key, dtype, shape, source, None)
    }

    fn put_elements<S: AsRef<[u8]>>(&mut self, key: &[u8], dtype: DType, shape: &[i64], elements: &[S]) -> Result<()> {
        let (payload, crc) = encode(key, dtype, shape, elements)?;
        self.items.push(key, dtype, shape, Source::Owned(payload), Some(crc))
    }

    /// Adds a slice that has been checked, and records it with its tensor.
    fn put_slice(
        &mut self,
        key: &[u8],
        dtype: DType,
        shape: &[i64],
        part: Part,
        source: Source<'a>,
        crc: Option<u32>,
    ) -> Result<()> {
        let new = || Partitioned { dtype, shape: shape.to_vec(), slices: Vec::new() };
        let tensor = self.partitioned.entry(key.to_vec()).or_insert_with(new);
        if tensor.dtype != dtype || tensor.shape != shape {
            let text = |dtype: DType, shape: &[i64]| format!("{dtype} {}", crate::tensor::shape_text(shape));
            return Err(Error::argument("slices of the tensor disagree on dtype or shape")
                .because(Reason::Shape)
                .expecting(text(tensor.dtype, &tensor.shape), text(dtype, shape))
                .for_tensor(key));
        }
        tensor.slices.make_room(1)?;
        self.items.push(&part.key, dtype, &part.shape, source, crc)?;
        tensor.slices.push(part.extents);
        Ok(())
    }
}

/// A slice of a tensor that does not cover all of it.
struct Part {
    extents: Vec<StoredExtent>,
    /// The key of the slice's record.
    key: Vec<u8>,
    /// The shape of the slice.
    shape: Vec<i64>,
}

/// Returns the part that `slice` takes of a tensor of `shape`; `None` if it is the whole tensor.
fn part_of(key: &[u8], dtype: DType, shape: &[i64], slice: &Slice) -> Result<Option<Part>> {
    check_tensor(key, dtype, shape)?;
    let bounds = slice.within(shape).map_err(|e| e.for_tensor(key))?;
    if bounds.length == shape {
        return Ok(None);
    }
    let extents: Vec<StoredExtent> = slice.extents().iter().map(|&e| e.into()).collect();
    if extents.iter().any(|e| e.length == 0) {
        return Err(Error::argument("the slice is empty in some dimension").because(Reason::Shape).for_tensor(key));
    }
    Ok(Some(Part { key: slice_key(key, slice.extents()), extents, shape: bounds.length }))
}

/// Checks everything that does not depend on the value. Returns the number of elements.
fn check_tensor(key: &[u8], dtype: DType, shape: &[i64]) -> Result<u64> {
    match key.first() {
        None => return Err(Error::argument("the key is empty")),
        Some(0) => return Err(Error::argument("the key begins with a zero byte, which is reserved for slices").for_tensor(key)),
        _ => {}
    }
    if shape.len() > MAX_RANK {
        return Err(Error::argument("the tensor has too many dimensions")
            .expecting(format_args!("at most {MAX_RANK}"), shape.len())
            .for_tensor(key));
    }
    validated_elements(shape, dtype).map_err(|_| Error::argument("the shape is invalid").because(Reason::Shape).for_tensor(key))
}

fn not_fixed(key: &[u8], dtype: DType) -> Error {
    Error::argument("the elements vary in length: add them as strings or variants")
        .because(Reason::DType)
        .expecting("a fixed-size dtype", dtype)
        .for_tensor(key)
}

fn check_size(key: &[u8], dtype: DType, elements: u64, found: u64) -> Result<()> {
    let size = dtype.size().ok_or_else(|| not_fixed(key, dtype))? as u64;
    let expected = elements * size;
    if expected == found {
        Ok(())
    } else {
        Err(Error::argument("the value has the wrong size")
            .because(Reason::Shape)
            .expecting(format_args!("{expected} bytes"), format_args!("{found} bytes"))
            .for_tensor(key))
    }
}

fn encode<S: AsRef<[u8]>>(key: &[u8], dtype: DType, shape: &[i64], elements: &[S]) -> Result<(Vec<u8>, u32)> {
    let expected = check_tensor(key, dtype, shape)?;
    if expected != elements.len() as u64 {
        return Err(Error::argument("the number of elements does not match the shape")
            .because(Reason::Shape)
            .expecting(expected, elements.len())
            .for_tensor(key));
    }
    let elements = elements.iter().map(AsRef::as_ref);
    match dtype {
        DType::String => payload::encode_strings(elements),
        _ => payload::encode_variants(elements),
    }
}
