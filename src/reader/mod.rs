//! Opening any checkpoint, listing what it holds, reading values.

mod locate;
mod object_graph;
mod restoring;
mod similar;
mod tensor;
mod verify;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::bundle::{Bundle, Endianness, ReadOptions, Wanted};
use crate::error::{Error, Reason, Result};
use crate::format::message::Version;
use crate::tensor::{shape_text, DType, Slice};
use crate::v1;

pub use locate::latest_checkpoint;
pub(crate) use locate::{at_prefix as find_at, files_of_pattern, read_state, small_file, Located, STATE_FILE};
pub(crate) use object_graph::GraphBuilder;
pub use object_graph::{Attribute, Edge, Node, ObjectGraph, RegisteredSaver, Rekeyed, SlotVariable};
pub(crate) use restoring::Place;
pub use tensor::Tensor;
pub use verify::{verify, Progress, Verification, VerifyOptions};
pub use view::View;

/// The key under which an object-based checkpoint keeps its object graph.
pub(crate) const OBJECT_GRAPH_KEY: &[u8] = b"_CHECKPOINTABLE_OBJECT_GRAPH";

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
///
/// ```
/// let directory = tempfile::tempdir()?;
/// let prefix = directory.path().join("model");
/// # let mut writer = checkpoint::Writer::new(&prefix, &checkpoint::WriteOptions::new())?;
/// # writer.add("net/kernel", checkpoint::DType::Float, &[3, 4], &[0; 48])?;
/// # writer.add_strings("labels", &[2], &["cat", "dog"])?;
/// # writer.finish()?;
/// let reader = checkpoint::Reader::open(&prefix)?;
/// let keys: Vec<&[u8]> = reader.tensors().map(|tensor| tensor.key()).collect();
/// assert_eq!(keys, [&b"labels"[..], b"net/kernel"]);
/// assert_eq!(reader.get("net/kernel")?.shape(), [3, 4]);
/// assert!(!reader.contains("net/bias"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// * [`Reason::NotACheckpoint`], with either code, when the path leads to a file or directory of another kind that was recognized; the
    ///   message says what to do.
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
