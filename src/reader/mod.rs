//! Opening any checkpoint, listing what it holds, reading values.

mod locate;
mod object_graph;
mod restoring;
mod verify;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::allocate::allocate;
use crate::bundle::{Bundle, Endianness, ReadOptions, Row, Wanted};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::message::Version;
use crate::tensor::{elements, shape_text, Bounds, DType, Slice, Strings};
use crate::v1::{self, Described};

pub use locate::latest_checkpoint;
pub(crate) use locate::{at_prefix as find_at, files_of_pattern, read_state, small_file, Located, STATE_FILE};
pub(crate) use object_graph::GraphBuilder;
pub use object_graph::{Attribute, Edge, Node, ObjectGraph, RegisteredSaver, Rekeyed, SlotVariable};
pub(crate) use restoring::Place;
pub use verify::{verify, Progress, Verification, VerifyOptions};
pub use view::View;

/// The key under which an object-based checkpoint keeps its object graph.
pub(crate) const OBJECT_GRAPH_KEY: &[u8] = b"_CHECKPOINTABLE_OBJECT_GRAPH";
/// Most keys that are looked through for one that was perhaps meant.
const SEARCHED: usize = 100_000;
/// What follows the path of a variable in the key of its value.
const VALUE_SUFFIX: &[u8] = b"/.ATTRIBUTES/VARIABLE_VALUE";

/// How a checkpoint is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Format {
    /// Tables that hold values: `tf.compat.v1.train.Saver(write_version=V1)`, before 2017.
    V1 = 1,
    /// An index and data files: everything since.
    V2 = 2,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::V1 => "V1",
            Format::V2 => "V2",
        })
    }
}

/// How a checkpoint is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    memory_limit: Option<u64>,
}

impl OpenOptions {
    /// The defaults.
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Most bytes that listing may take. The default, 16 MiB and 24 bytes for each byte of the index, holds every index of
    /// reasonable keys; a hostile one can ask for more and is refused with `RESOURCE_EXHAUSTED`.
    pub fn memory_limit(mut self, bytes: u64) -> OpenOptions {
        self.memory_limit = Some(bytes);
        self
    }
}

#[derive(Debug)]
enum Stored {
    V1(v1::Checkpoint),
    V2(Bundle),
}

/// An open checkpoint: a sorted list of tensors whose values are read on demand (`tf.train.CheckpointReader`).
///
/// Opening reads and validates the index alone. A reader does not change and can be used from several threads at once; it keeps
/// data files open once they have been read from.
#[derive(Debug)]
pub struct Reader {
    stored: Stored,
}

/// One region to read of many, for [`Reader::read_many`].
#[derive(Debug)]
pub struct ReadRequest<'b> {
    /// The tensor, which must be of the same reader.
    pub tensor: Tensor<'b>,
    /// What part of it; none for all.
    pub slice: Option<Slice>,
    /// Where it goes; exactly as many bytes as the part has.
    pub buffer: &'b mut [u8],
}

impl Reader {
    /// Opens the checkpoint at `path`: a prefix, one of its `.index` or `.data-…` files, a directory with a `checkpoint` state
    /// file (its latest checkpoint), a SavedModel directory, a V1 file, or the pattern `prefix-?????-of-00003` of a sharded V1
    /// checkpoint. Other characters of a path stand for themselves.
    ///
    /// # Errors
    /// * `NOT_FOUND` when there is no checkpoint; the message lists the checkpoints that are near.
    /// * `DATA_LOSS` when the index is damaged or malformed.
    /// * `INVALID_ARGUMENT` when the checkpoint says that it is not for readers of this version.
    /// * `RESOURCE_EXHAUSTED` when listing it would take more memory than the limit.
    pub fn open(path: impl AsRef<Path>) -> Result<Reader> {
        Reader::open_with(path, &OpenOptions::default())
    }

    /// Opens the checkpoint at `path` as the options say.
    ///
    /// # Errors
    /// As for [`Reader::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Reader> {
        let stored = match locate::locate(path.as_ref())? {
            Located::V2(prefix) => Stored::V2(Bundle::open(&prefix, options.memory_limit)?),
            Located::V1 { prefix, files } => Stored::V1(v1::Checkpoint::open(&prefix, &files, options.memory_limit, &mut Err)?),
        };
        Ok(Reader { stored })
    }

    /// The prefix of the files: what a directory or `.index` path led to. Of a sharded V1 checkpoint it is the pattern.
    pub fn prefix(&self) -> &Path {
        match &self.stored {
            Stored::V1(v1) => v1.prefix(),
            Stored::V2(bundle) => bundle.index().prefix(),
        }
    }

    /// How the checkpoint is stored.
    pub fn format(&self) -> Format {
        match &self.stored {
            Stored::V1(_) => Format::V1,
            Stored::V2(_) => Format::V2,
        }
    }

    /// The version that its writer gave it.
    pub fn version(&self) -> Version {
        match &self.stored {
            Stored::V1(v1) => v1.version(),
            Stored::V2(bundle) => bundle.index().header().version,
        }
    }

    /// The byte order of the values in the files. What is read is always in native order.
    pub fn endianness(&self) -> Endianness {
        match &self.stored {
            Stored::V1(_) => Endianness::Little,
            Stored::V2(bundle) => bundle.index().header().endianness,
        }
    }

    /// The number of data files.
    pub fn shard_count(&self) -> u32 {
        match &self.stored {
            Stored::V1(v1) => v1.file_count() as u32,
            Stored::V2(bundle) => bundle.index().header().shards,
        }
    }

    /// The path of data file `shard`, counted from 0, whether or not it is there; none when there are not so many.
    pub fn shard_path(&self, shard: u32) -> Option<PathBuf> {
        match &self.stored {
            Stored::V1(v1) => v1.file_path(shard as usize).map(Path::to_owned),
            Stored::V2(bundle) => (shard < self.shard_count()).then(|| bundle.shard_path(shard)),
        }
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        match &self.stored {
            Stored::V1(v1) => v1.len(),
            Stored::V2(bundle) => bundle.index().len(),
        }
    }

    /// Whether there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `index`th tensor in the byte order of the keys.
    pub fn tensor(&self, index: usize) -> Option<Tensor<'_>> {
        (index < self.len()).then_some(Tensor { reader: self, index })
    }

    /// The tensors in the byte order of their keys. A partitioned tensor is one; its slices are not listed.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = Tensor<'_>> + '_ {
        (0..self.len()).map(|index| Tensor { reader: self, index })
    }

    /// The place of the tensor with this key in the list.
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        match &self.stored {
            Stored::V1(v1) => v1.find(key),
            Stored::V2(bundle) => bundle.index().find(key),
        }
    }

    /// The same, in less time the closer it is behind the place `near`.
    pub(crate) fn find_near(&self, near: usize, key: &[u8]) -> Option<usize> {
        match &self.stored {
            Stored::V1(v1) => v1.find(key),
            Stored::V2(bundle) => bundle.index().find_near(near, key),
        }
    }

    /// Whether there is a tensor with this key.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.find(key.as_ref()).is_some()
    }

    /// The tensor with this key.
    ///
    /// # Errors
    /// `NOT_FOUND`, with keys that were perhaps meant.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Tensor<'_>> {
        let key = key.as_ref();
        match self.find(key) {
            Some(index) => Ok(Tensor { reader: self, index }),
            None => Err(self.not_found(key)),
        }
    }

    #[cold]
    fn not_found(&self, key: &[u8]) -> Error {
        let variable = [key, VALUE_SUFFIX].concat();
        let exact = self.find(&variable).or_else(|| self.find(key.strip_suffix(b":0")?));
        let holds = |index: &usize| !key.is_empty() && self.key(*index).windows(key.len()).any(|part| part == key);
        // How many bytes a key shares with this one at both ends; nothing if it does not begin alike.
        let alike = |index: usize| {
            let other = self.key(index);
            let front = other.iter().zip(key).take_while(|(a, b)| a == b).count();
            let back = other[front..].iter().rev().zip(key[front..].iter().rev()).take_while(|(a, b)| a == b).count();
            if front == 0 || 2 * (front + back) < key.len() {
                0
            } else {
                front + back
            }
        };
        let searched = || 0..self.len().min(SEARCHED);
        let mut near: Vec<usize> = exact.into_iter().collect();
        if near.is_empty() {
            near.extend(searched().filter(holds).take(3));
        }
        if near.is_empty() {
            near.extend(searched().max_by_key(|&index| alike(index)).filter(|&index| alike(index) > 0));
        }
        let near = near.into_iter().map(|index| self.key(index));
        let near: Vec<String> = near.map(|key| format!("\"{}\"", printable(key))).collect();
        let what = match near.is_empty() {
            true => "no such key in the checkpoint".to_owned(),
            false => format!("no such key in the checkpoint; perhaps {}", near.join(" or ")),
        };
        Error::new(Code::NotFound, Reason::NoTensor, what).for_tensor(key).in_file(self.prefix())
    }

    fn key(&self, index: usize) -> &[u8] {
        match &self.stored {
            Stored::V1(v1) => v1.tensor(index).0,
            Stored::V2(bundle) => bundle.index().key(index),
        }
    }

    /// Reads many tensors or slices at once, with several threads, straight into the buffers given.
    ///
    /// Everything but the values themselves is checked before the first byte is written: whether requests fit their tensors and
    /// buffers, whether slices cover them, whether the data files are there and long enough. When reading fails after that, or a
    /// checksum does not match, the content of all the buffers is unspecified.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` when a request does not fit.
    /// * `NOT_FOUND` when a data file is missing, `DATA_LOSS` when it is too short or a checksum does not match.
    pub fn read_many(&self, requests: Vec<ReadRequest<'_>>, options: &ReadOptions) -> Result<()> {
        let mut wanted = Vec::with_capacity(requests.len());
        for request in requests {
            let tensor = request.tensor;
            if !std::ptr::eq(tensor.reader, self) {
                return Err(Error::argument("the tensor belongs to another reader").for_tensor(tensor.key()));
            }
            let region = tensor.region(request.slice.as_ref())?;
            tensor.check_buffer(&region, request.buffer.len())?;
            wanted.push(Wanted { tensor: tensor.index, region, buffer: request.buffer });
        }
        match &self.stored {
            Stored::V1(v1) => wanted.into_iter().try_for_each(|w| v1.read(w.tensor, &w.region, w.buffer)),
            Stored::V2(bundle) => bundle.read(wanted, options),
        }
    }

    /// The object graph of an object-based checkpoint; none of a name-based one.
    ///
    /// # Errors
    /// `DATA_LOSS` when there is one but it is damaged or malformed.
    pub fn object_graph(&self) -> Result<Option<ObjectGraph>> {
        let Some(index) = self.find(OBJECT_GRAPH_KEY) else { return Ok(None) };
        let tensor = Tensor { reader: self, index };
        let malformed = |e: Error| e.for_tensor(OBJECT_GRAPH_KEY).in_file(self.prefix());
        if tensor.dtype() != DType::String || !tensor.shape().is_empty() {
            let found = format!("{} {}", tensor.dtype(), shape_text(tensor.shape()));
            return Err(malformed(
                Error::malformed("the object graph is not a string").because(Reason::DType).expecting("string []", found),
            ));
        }
        if let Stored::V2(bundle) = &self.stored {
            if let Some(graph) = bundle.with_string(index, ObjectGraph::parse)? {
                return graph.map(Some).map_err(malformed);
            }
        }
        let strings = tensor.read_strings()?;
        ObjectGraph::parse(strings.get(0).unwrap_or_default()).map(Some).map_err(malformed)
    }

    /// A line for each tensor: `key (DT_FLOAT) [2,3]`, and the number of slices of one that is partitioned. Keys are bytes, so
    /// this is, too.
    ///
    /// As TensorFlow's `CheckpointReader.debug_string`, which lists the slices of a V2 checkpoint instead, by their encoded keys.
    pub fn debug_string(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for tensor in self.tensors() {
            out.extend_from_slice(tensor.key());
            out.extend_from_slice(format!(" ({}) {}", tensor.dtype().enum_name(), shape_text(tensor.shape())).as_bytes());
            match tensor.slice_count() {
                0 | 1 => {}
                n => out.extend_from_slice(format!(", {n} slices").as_bytes()),
            }
            out.push(b'\n');
        }
        out
    }
}

/// A tensor of an open checkpoint.
#[derive(Clone, Copy)]
pub struct Tensor<'a> {
    reader: &'a Reader,
    index: usize,
}

impl fmt::Debug for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" {} {}", printable(self.key()), self.dtype(), shape_text(self.shape()))
    }
}

impl<'a> Tensor<'a> {
    fn row(&self) -> std::result::Result<Row<'a>, &'a Described> {
        match &self.reader.stored {
            Stored::V1(v1) => Err(v1.tensor(self.index).1),
            Stored::V2(bundle) => Ok(bundle.index().tensor(self.index)),
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
            (None, Ok(row)) if !row.is_partitioned() => Some(row.size),
            _ => None,
        }
    }

    /// The data file that holds the tensor; none of a partitioned tensor, or in a V1 checkpoint.
    pub fn shard(&self) -> Option<u32> {
        self.row().ok().filter(|row| !row.is_partitioned()).map(|row| row.shard)
    }

    /// Where in the data file the tensor begins; none of a partitioned tensor, or in a V1 checkpoint.
    pub fn offset(&self) -> Option<u64> {
        self.row().ok().filter(|row| !row.is_partitioned()).map(|row| row.offset)
    }

    /// The slices in which a partitioned tensor is stored, in the order in which it lists them; none of a tensor stored whole.
    pub fn slices(&self) -> Vec<Slice> {
        match self.row() {
            Ok(row) => row.slices().map(|s| s.slice()).collect(),
            Err(described) if described.is_whole() => Vec::new(),
            Err(described) => described.slices.iter().map(|s| s.slice()).collect(),
        }
    }

    /// The number of slices in which a partitioned tensor is stored; 0 of a tensor stored whole.
    pub fn slice_count(&self) -> usize {
        match self.row() {
            Ok(row) => row.slices().len(),
            Err(described) if described.is_whole() => 0,
            Err(described) => described.slices.len(),
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
    fn region(&self, slice: Option<&Slice>) -> Result<Bounds> {
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

    fn check_buffer(&self, region: &Bounds, found: usize) -> Result<()> {
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
