//! Writing a bundle: tensors by name, planned when all are known, then written and published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::items::Items;
use super::payload;
use super::source::{ReadAt, Source};
use super::write_options::WriteOptions;
use crate::error::{Error, Reason, Result};
use crate::format::message::validated_elements;
use crate::format::ordered_code::slice_key;
use crate::tensor::{elements, DType, Slice, StoredExtent, MAX_RANK};

/// Writes a checkpoint of named tensors in TensorFlow's format V2, without an object graph (`tf.raw_ops.SaveV2`).
///
/// Values are borrowed until [`Writer::finish`], which writes them straight from the caller's memory. Until it returns there is nothing
/// of the new checkpoint; when it has failed, there is nothing of it either, and what was there before still is.
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
    pub(super) prefix: PathBuf,
    pub(super) options: WriteOptions,
    pub(super) items: Items<'a>,
    /// Tensors of which slices were added.
    pub(super) partitioned: BTreeMap<Vec<u8>, Partitioned>,
}

pub(super) struct Partitioned {
    pub(super) dtype: DType,
    pub(super) shape: Vec<i64>,
    pub(super) slices: Vec<Vec<StoredExtent>>,
}

impl<'a> Writer<'a> {
    /// A writer of the checkpoint `prefix`. Nothing is written yet.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the prefix does not end in a name or an option is impossible.
    pub fn new(prefix: impl AsRef<Path>, options: &WriteOptions) -> Result<Writer<'a>> {
        let prefix = prefix.as_ref();
        let ends_in_name = prefix.file_name().is_some() && !prefix.as_os_str().as_encoded_bytes().ends_with(b"/");
        if !ends_in_name {
            return Err(Error::argument("the prefix does not end in a name").in_file(prefix));
        }
        options.check()?;
        Ok(Writer { prefix: prefix.to_owned(), options: options.clone(), items: Items::default(), partitioned: BTreeMap::new() })
    }

    /// Adds a tensor of a fixed-size dtype: `bytes` are its elements in row-major order, little-endian.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the key is empty or begins with a zero byte, the shape is impossible, or `bytes` has another size.
    pub fn add(&mut self, key: impl AsRef<[u8]>, dtype: DType, shape: &[i64], bytes: &'a [u8]) -> Result<()> {
        self.put(key.as_ref(), dtype, shape, Source::Borrowed(bytes))
    }

    /// Adds a tensor of a fixed-size dtype whose bytes are asked for while it is written: `read(offset, buffer)` fills the buffer, from
    /// any of the writing threads.
    ///
    /// # Errors
    /// As for [`Writer::add`].
    pub fn add_read(&mut self, key: impl AsRef<[u8]>, dtype: DType, shape: &[i64], read: Box<ReadAt<'a>>) -> Result<()> {
        let key = key.as_ref();
        let elements = check_tensor(key, dtype, shape)?;
        let size = dtype.size().ok_or_else(|| not_fixed(key, dtype))? as u64;
        self.put(key, dtype, shape, Source::Read { read: read.into(), from: 0, len: elements * size })
    }

    /// Adds a slice of a partitioned tensor, whose bytes are asked for while it is written, as by [`Writer::add_read`].
    ///
    /// # Errors
    /// As for [`Writer::add_slice`].
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

    /// Adds a slice of a partitioned tensor: `shape` is that of the whole tensor, `bytes` are the elements that `slice` takes. A slice
    /// that takes the whole tensor is the tensor.
    ///
    /// # Errors
    /// As for [`Writer::add`]; also when the slice does not lie within the shape, takes nothing, or another slice of the tensor was
    /// added with another dtype or shape.
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

    /// Adds a tensor or a slice of one as TensorFlow's `shape_and_slice` says: `5 10 -:0,1`, or the empty text and `shape` for a whole tensor.
    ///
    /// # Errors
    /// As for [`Writer::add_slice`]; when the text is neither.
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
            return Err(Error::argument("the value has another shape than its slice")
                .because(Reason::Shape)
                .expecting(crate::tensor::shape_text(&part.length), crate::tensor::shape_text(shape))
                .for_tensor(key.as_ref()));
        }
        self.add_slice(key, dtype, &whole, &slice, bytes)
    }

    /// Adds a string tensor.
    ///
    /// # Errors
    /// As for [`Writer::add`]; `elements` must be as many as the shape says.
    pub fn add_strings<S: AsRef<[u8]>>(&mut self, key: impl AsRef<[u8]>, shape: &[i64], elements: &[S]) -> Result<()> {
        self.put_elements(key.as_ref(), DType::String, shape, elements)
    }

    /// Adds a string scalar, which is not copied.
    ///
    /// # Errors
    /// As for [`Writer::add`].
    pub(crate) fn add_string(&mut self, key: &[u8], element: Vec<u8>) -> Result<()> {
        check_tensor(key, DType::String, &[])?;
        let (payload, crc) = payload::encode_string(element);
        self.items.push(key, DType::String, &[], Source::Owned(payload), Some(crc));
        Ok(())
    }

    /// Adds a variant tensor from its serialized elements (`VariantTensorDataProto`). Their checksums are computed.
    ///
    /// # Errors
    /// As for [`Writer::add_strings`].
    pub fn add_variants<S: AsRef<[u8]>>(&mut self, key: impl AsRef<[u8]>, shape: &[i64], elements: &[S]) -> Result<()> {
        self.put_elements(key.as_ref(), DType::Variant, shape, elements)
    }

    /// Adds a slice of a partitioned string tensor.
    ///
    /// # Errors
    /// As for [`Writer::add_slice`] and [`Writer::add_strings`].
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

    fn put(&mut self, key: &[u8], dtype: DType, shape: &[i64], source: Source<'a>) -> Result<()> {
        let elements = check_tensor(key, dtype, shape)?;
        check_size(key, dtype, elements, source.len())?;
        self.items.push(key, dtype, shape, source, None);
        Ok(())
    }

    fn put_elements<S: AsRef<[u8]>>(&mut self, key: &[u8], dtype: DType, shape: &[i64], elements: &[S]) -> Result<()> {
        let (payload, crc) = encode(key, dtype, shape, elements)?;
        self.items.push(key, dtype, shape, Source::Owned(payload), Some(crc));
        Ok(())
    }

    /// Adds a slice that is known to be sound, and notes it with its tensor.
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
            return Err(Error::argument("another slice of the tensor has another dtype or shape")
                .because(Reason::Shape)
                .expecting(text(tensor.dtype, &tensor.shape), text(dtype, shape))
                .for_tensor(key));
        }
        tensor.slices.push(part.extents);
        self.items.push(&part.key, dtype, &part.shape, source, crc);
        Ok(())
    }
}

/// A slice of a tensor that is not all of it.
struct Part {
    extents: Vec<StoredExtent>,
    /// The key of its record.
    key: Vec<u8>,
    shape: Vec<i64>,
}

/// What `slice` takes of a tensor of `shape`; nothing when it is the whole.
fn part_of(key: &[u8], dtype: DType, shape: &[i64], slice: &Slice) -> Result<Option<Part>> {
    check_tensor(key, dtype, shape)?;
    let bounds = slice.within(shape).map_err(|e| e.for_tensor(key))?;
    if bounds.length == shape {
        return Ok(None);
    }
    let extents: Vec<StoredExtent> = slice.extents().iter().map(|&e| e.into()).collect();
    if extents.iter().any(|e| e.length == 0) {
        return Err(Error::argument("a slice takes nothing of a dimension").because(Reason::Shape).for_tensor(key));
    }
    Ok(Some(Part { key: slice_key(key, slice.extents()), extents, shape: bounds.length }))
}

/// Checks what does not depend on the value, and says how many elements there are.
fn check_tensor(key: &[u8], dtype: DType, shape: &[i64]) -> Result<u64> {
    match key.first() {
        None => return Err(Error::argument("a tensor has no key")),
        Some(0) => return Err(Error::argument("the key begins with a zero byte, as only those of slices do").for_tensor(key)),
        _ => {}
    }
    if shape.len() > MAX_RANK {
        return Err(Error::argument("the tensor has too many dimensions")
            .expecting(format_args!("at most {MAX_RANK}"), shape.len())
            .for_tensor(key));
    }
    validated_elements(shape, dtype)
        .map_err(|_| Error::argument("the shape is impossible").because(Reason::Shape).for_tensor(key))
}

fn not_fixed(key: &[u8], dtype: DType) -> Error {
    Error::argument("the elements have lengths of their own: add them as strings or variants")
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
        return Err(Error::argument("the shape asks for another number of elements")
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
