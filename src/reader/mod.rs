//! Opening checkpoints of any format, listing their tensors and reading values.

mod locate;
mod object_graph;
mod path;
mod resolve;
mod restoring;
mod similar;
mod tensor;
mod verdict;
mod verify;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::allocate::with_room;
use crate::bundle::{Bundle, Endianness, ReadOptions, Wanted};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::message::Version;
use crate::storage::Location;
use crate::tensor::{shape_text, DType, Slice};
use crate::v1;

pub(crate) use locate::{at_prefix as find_at, files_of_pattern, listed, read_state, small_file, Located, STATE_FILE};
pub(crate) use object_graph::GraphBuilder;
pub use object_graph::{Attribute, Edge, Node, ObjectGraph, RegisteredSaver, Rekeyed, SlotVariable};
pub use path::{latest_checkpoint, resolve_checkpoint, Resolution};
use path::{First, Found, MOST_LOOKS};
pub(crate) use resolve::{in_place, is_absolute, path_in, resolve, resolve_beside, resolve_name};
pub(crate) use restoring::Place;
pub use tensor::Tensor;
pub use verdict::Verdict;
pub(crate) use verify::verify_located;
pub use verify::{verify, Progress, Verification, VerifyOptions};
pub use view::View;

/// The key of the tensor that holds the object graph of an object-based checkpoint.
pub(crate) const OBJECT_GRAPH_KEY: &[u8] = b"_CHECKPOINTABLE_OBJECT_GRAPH";

/// The storage format of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Format {
    /// Tables that hold the values themselves: written by
    /// `tf.compat.v1.train.Saver(write_version=V1)`, mostly before 2017.
    V1 = 1,
    /// An index and data files (shards): written by everything since.
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

/// Options for opening a checkpoint.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    memory_limit: Option<u64>,
}

impl OpenOptions {
    /// Creates options with the defaults.
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Limits the memory that listing the checkpoint may take, in bytes.
    ///
    /// The default is 16 MiB plus 24 bytes for each byte of the index. This suffices for every
    /// index with keys of reasonable length. A hostile index can require more and is then refused
    /// with `RESOURCE_EXHAUSTED`.
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

impl Stored {
    fn open(located: &Located, options: &OpenOptions) -> Result<Stored> {
        match located {
            Located::V2(prefix) => Bundle::open(prefix, options.memory_limit).map(Stored::V2),
            Located::V1 { prefix, files } => v1::Checkpoint::open(prefix, files, options.memory_limit, &mut Err).map(Stored::V1),
        }
    }
}

/// An open checkpoint: a sorted list of tensors whose values are read on demand
/// (`tf.train.CheckpointReader`).
///
/// Opening reads only the index and validates all of it. A reader is immutable, and several threads
/// may use it at once. A data file is opened by the first read that needs it. It stays open while
/// the process has room for it: of all readers together, at most 64 data files are open, and fewer
/// if the process may have fewer than 256 open files.
///
/// While a checkpoint is open, another may be written in its place. What is read is the value of
/// the checkpoint that was opened, or the read fails with `DATA_LOSS`
/// ([`Replaced`](crate::Reason::Replaced)). A file is known by its device, inode, length and time
/// of modification, so one thing is not noticed: another program that edits a data file in place
/// and restores its length and time. Checksums notice that as well.
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
    resolved: Resolution,
}

/// A tensor, or a slice of one, that [`Reader::read_many`] reads.
#[derive(Debug)]
pub struct ReadRequest<'b> {
    /// The tensor; it must belong to the reader that reads it.
    pub tensor: Tensor<'b>,
    /// The slice to read; `None` for the whole tensor.
    pub slice: Option<Slice>,
    /// The destination, whose size must be exactly that of the slice or tensor.
    pub buffer: &'b mut [u8],
}

impl Reader {
    /// Opens the checkpoint at `path` for reading (`tf.train.load_checkpoint`).
    ///
    /// `path` is one of: a prefix, one of its `.index` or `.data-…` files, a directory with a
    /// `checkpoint` state file (opens its latest checkpoint), a SavedModel directory, a V1 file, or
    /// the pattern `prefix-?????-of-00003` of a sharded V1 checkpoint. No other wildcards are
    /// supported. If the path is both a directory and a prefix, the directory counts;
    /// [`Reader::resolved`] says so. While another process saves in a directory and removes old
    /// checkpoints, opening the directory finds one that exists.
    ///
    /// # Errors
    /// * `NOT_FOUND` (`NoCheckpoint`): there is no checkpoint at `path`; the message lists the
    ///   checkpoints in the same directory.
    /// * `DATA_LOSS`: the index is damaged or malformed.
    /// * [`Reason::NotACheckpoint`](crate::Reason::NotACheckpoint), with either code: the path
    ///   names a file or directory of another kind, which the message names, with what to do.
    /// * `INVALID_ARGUMENT` (`Version`): the checkpoint was written for other versions of readers.
    /// * `RESOURCE_EXHAUSTED` (`Limit`): listing the checkpoint takes more memory than the limit.
    pub fn open(path: impl AsRef<Path>) -> Result<Reader> {
        Reader::open_with(path, &OpenOptions::default())
    }

    /// Opens the checkpoint at `path` with options.
    ///
    /// # Errors
    /// The errors of [`Reader::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Reader> {
        Reader::open_first(&Location::of(path)?, First::Directory, options)
    }

    /// Opens the checkpoint at `path` for restoring it: if the path is both a prefix and a
    /// directory, the prefix counts (`tf.train.Checkpoint.restore`).
    pub(crate) fn for_restore(path: impl AsRef<Path>) -> Result<Reader> {
        Reader::open_first(&Location::of(path)?, First::Prefix, &OpenOptions::default())
    }

    fn open_first(path: &Location, first: First, options: &OpenOptions) -> Result<Reader> {
        let mut gone = None;
        for _ in 0..MOST_LOOKS {
            let Found { located, how } = path::locate(path, first)?;
            match Stored::open(&located, options) {
                // If a manager removed the checkpoint that its state file named, there is a newer
                // one.
                Err(e) if e.code() == Code::NotFound && how.entry.is_some() && gone != Some(located.clone()) => {
                    gone = Some(located);
                }
                stored => return Ok(Reader { stored: stored?, resolved: how }),
            }
        }
        Err(Error::new(Code::Unavailable, Reason::Busy, "the latest checkpoint was removed each time before it could be opened")
            .in_file(path))
    }

    /// How the path that was opened was understood.
    pub fn resolved(&self) -> &Resolution {
        &self.resolved
    }

    /// What should be said if the directory was moved; else `None`.
    pub(crate) fn moved(&self) -> Option<String> {
        let entry = self.resolved.entry.as_ref().filter(|_| self.resolved.is_moved)?;
        let [prefix, entry] = [self.prefix().as_os_str(), entry].map(|path| printable(path.as_encoded_bytes()));
        Some(format!("the directory was moved: its state file names {entry}, and {prefix} is restored"))
    }

    /// The prefix of the checkpoint's files, resolved from the path that was opened. For a sharded
    /// V1 checkpoint it is the pattern of the files.
    pub fn prefix(&self) -> &Path {
        match &self.stored {
            Stored::V1(v1) => v1.prefix(),
            Stored::V2(bundle) => bundle.index().prefix(),
        }
    }

    /// The storage format.
    pub fn format(&self) -> Format {
        match &self.stored {
            Stored::V1(_) => Format::V1,
            Stored::V2(_) => Format::V2,
        }
    }

    /// The version that the checkpoint's writer declared.
    pub fn version(&self) -> Version {
        match &self.stored {
            Stored::V1(v1) => v1.version(),
            Stored::V2(bundle) => bundle.index().header().version,
        }
    }

    /// The byte order of the values in the files. Reads always convert to native byte order.
    pub fn endianness(&self) -> Endianness {
        match &self.stored {
            Stored::V1(_) => Endianness::Little,
            Stored::V2(bundle) => bundle.index().header().endianness,
        }
    }

    /// The number of shards (data files).
    pub fn shard_count(&self) -> u32 {
        match &self.stored {
            Stored::V1(v1) => v1.file_count() as u32,
            Stored::V2(bundle) => bundle.index().header().shards,
        }
    }

    /// The path of a shard (data file), counted from 0, whether or not the file exists; `None` if
    /// `shard` is out of range.
    pub fn shard_path(&self, shard: u32) -> Option<PathBuf> {
        match &self.stored {
            Stored::V1(v1) => v1.file_path(shard as usize).map(Path::to_owned),
            Stored::V2(bundle) => (shard < self.shard_count()).then(|| bundle.shard_path(shard).into_path()),
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

    /// The tensor at `index`, in bytewise order of the keys; `None` if `index` is out of range.
    pub fn tensor(&self, index: usize) -> Option<Tensor<'_>> {
        (index < self.len()).then_some(Tensor { reader: self, index })
    }

    /// All tensors in bytewise order of their keys. A partitioned tensor counts as one; its slices
    /// are not listed.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = Tensor<'_>> + '_ {
        (0..self.len()).map(|index| Tensor { reader: self, index })
    }

    /// The index of the tensor with this key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        match &self.stored {
            Stored::V1(v1) => v1.find(key),
            Stored::V2(bundle) => bundle.index().find(key),
        }
    }

    /// Like [`Reader::find`], but starts searching at the index `near`: the search is faster the
    /// closer the key follows that index.
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

    /// The tensor with this key; if there is none and the key ends in `:0`, the one whose key lacks
    /// that, as for `tf.train.load_variable`.
    ///
    /// # Errors
    /// `NOT_FOUND` (`NoTensor`): there is no such tensor; the message suggests similar keys.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Tensor<'_>> {
        let key = key.as_ref();
        match self.find(key).or_else(|| self.find(key.strip_suffix(b":0")?)) {
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

    /// Reads many tensors or slices with several threads, directly into the given buffers.
    ///
    /// Everything but the values is checked before anything is written: that each request fits its
    /// tensor and its buffer, that the stored slices cover the request, and that the data files
    /// exist and are long enough. If reading fails after that, or a checksum does not match, the
    /// content of all buffers is unspecified.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: a request does not fit its tensor or buffer, or its tensor belongs to
    ///   another reader.
    /// * `NOT_FOUND` (`MissingFile`): a data file is missing.
    /// * `DATA_LOSS`: a data file is too short (`Truncated`), or a checksum does not match
    ///   (`Checksum`).
    pub fn read_many(&self, requests: Vec<ReadRequest<'_>>, options: &ReadOptions) -> Result<()> {
        let mut wanted = with_room(requests.len())?;
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

    /// Reads the object graph of an object-based checkpoint; `None` if the checkpoint is name-based
    /// and has none.
    ///
    /// # Errors
    /// `DATA_LOSS`: the object graph is damaged or malformed.
    pub fn object_graph(&self) -> Result<Option<ObjectGraph>> {
        let Some(index) = self.find(OBJECT_GRAPH_KEY) else { return Ok(None) };
        let tensor = Tensor { reader: self, index };
        let malformed = |e: Error| e.for_tensor(OBJECT_GRAPH_KEY).in_file(self.prefix());
        if tensor.dtype() != DType::String || !tensor.shape().is_empty() {
            let found = format!("{} {}", tensor.dtype(), shape_text(tensor.shape()));
            return Err(malformed(
                Error::malformed("the object graph is not stored as a scalar string")
                    .because(Reason::DType)
                    .expecting("string []", found),
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

    /// A listing with one line per tensor, such as `key (DT_FLOAT) [2,3]`, followed by the number
    /// of slices if the tensor is partitioned. The listing is bytes because keys are bytes.
    ///
    /// TensorFlow's `CheckpointReader.debug_string` instead lists each slice of a V2 checkpoint by
    /// its encoded key.
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
