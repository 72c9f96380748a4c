//! Opening checkpoints of any format, listing their tensors and reading values.

#[cfg(feature = "ndarray")]
mod arrays;
mod iterate;
mod locate;
mod merging;
mod named;
mod object_graph;
mod path;
mod resolve;
mod restoring;
mod similar;
mod tensor;
mod typed;
mod verdict;
mod verify;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::allocate::{allocate, list_of, try_list_of, with_room, TryPush};
use crate::background::{Cancel, Control, Pending};
use crate::bundle::{Bundle, Destination, Endianness, ReadOptions, Wanted};
use crate::error::{Code, Error, Reason, Result};
use crate::format::message::Version;
use crate::log::{Listener, Log};
use crate::storage::Location;
use crate::tensor::{shape_text, DType, Slice};
use crate::v1;

pub use iterate::Tensors;
pub(crate) use locate::{at_prefix as find_at, files_of_pattern, listed, read_state, small_file, Located, STATE_FILE};
pub use merging::{merge, merge_async};
use named::Names;
pub(crate) use object_graph::GraphBuilder;
pub use object_graph::{Attribute, Edge, Node, ObjectGraph, RegisteredSaver, Rekeyed, SlotVariable};
pub(crate) use path::latest_in;
pub use path::{latest_checkpoint, latest_checkpoint_with, resolve_checkpoint, Resolution};
use path::{First, Found, MOST_LOOKS};
pub(crate) use resolve::{in_place, is_absolute, path_in, resolve, resolve_beside, resolve_name, was_moved};
pub(crate) use restoring::Place;
pub use tensor::{Measure, Tensor};
pub use verdict::Verdict;
pub(crate) use verify::verify_located;
pub use verify::{verify, verify_async, Progress, Verification, VerifyOptions};
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

/// Options for opening a checkpoint, and for finding it in a directory.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    memory_limit: Option<u64>,
    control: Control,
    pub(crate) log: Listener,
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

    /// Sets a flag that cancels the opening: it then fails with `CANCELLED`.
    pub fn cancel<'c>(mut self, cancel: impl Into<Option<&'c Cancel>>) -> OpenOptions {
        self.control = Control::of(cancel.into());
        self
    }

    /// These options for a call that can be cancelled.
    pub(crate) fn watched(mut self, control: &Control) -> OpenOptions {
        self.control = control.clone();
        self
    }

    /// Sets the log, which hears how the path was understood where that may surprise: the directory
    /// was moved, the path is a directory and a prefix, or the state file names a checkpoint that
    /// does not exist.
    pub fn log_to(self, log: Log) -> OpenOptions {
        self.heard_by(&Listener::new(Some(log)))
    }

    pub(crate) fn heard_by(mut self, log: &Listener) -> OpenOptions {
        self.log = log.clone();
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
            Located::V2(prefix) => Bundle::open_watched(prefix, options.memory_limit, &options.control).map(Stored::V2),
            Located::V1 { prefix, files } => {
                v1::Checkpoint::open(prefix, files, options.memory_limit, &options.control, &mut Err).map(Stored::V1)
            }
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
/// and restores its length and time. Checksums notice that as well. And the order of renames is
/// trusted, in which this library publishes the index last. TensorFlow renames data files before
/// the index and reuses their names: a reader that is opened between the two has the old index with
/// new data files, which checksums notice, and a read without checksums gives the new values as
/// those of the old checkpoint.
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
    /// Made when a tensor is first asked for by a name that is no key.
    names: OnceLock<Option<Names>>,
}

/// A tensor, or a slice of one, that [`Reader::read_many`] reads.
#[derive(Debug)]
pub struct ReadRequest<'b> {
    /// The tensor; it must belong to the reader that reads it.
    pub tensor: Tensor<'b>,
    /// The slice to read; `None` for the whole tensor.
    pub slice: Option<Slice>,
    /// The destination, whose size must be exactly that of the slice or tensor, in the dtype that
    /// it is read as.
    pub buffer: &'b mut [u8],
}

/// A tensor, or a slice of one, that [`Reader::read_many_async`] reads.
#[derive(Clone, Debug)]
pub struct OwnedReadRequest<B> {
    /// The number of the tensor ([`Tensor::index`]).
    pub tensor: usize,
    /// The slice to read; `None` for the whole tensor.
    pub slice: Option<Slice>,
    /// The destination, whose size must be exactly that of the slice or tensor.
    pub buffer: B,
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

    /// Opens the checkpoint at `path` in the background, as [`Reader::open_with`] does.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the path is a URI that names another machine.
    /// * `RESOURCE_EXHAUSTED`: no thread can be started.
    ///
    /// The errors of [`Reader::open`] are returned by [`Pending::take`].
    pub fn open_async(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Pending<Reader>> {
        let (path, options) = (Location::of(path)?, options.clone());
        let of_thread = path.clone();
        Pending::launched(path, move |control| {
            let options = OpenOptions { control: options.control.clone().and(control), ..options };
            Reader::open_first(&of_thread, First::Directory, &options)
        })
    }

    /// Opens the checkpoint at `path` for restoring it: if the path is both a prefix and a
    /// directory, the prefix counts (`tf.train.Checkpoint.restore`).
    pub(crate) fn for_restore(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Reader> {
        Reader::open_first(&Location::of(path)?, First::Prefix, options)
    }

    fn open_first(path: &Location, first: First, options: &OpenOptions) -> Result<Reader> {
        let mut gone = None;
        for _ in 0..MOST_LOOKS {
            options.control.check().map_err(|e| e.in_file(path))?;
            let Found { located, how } = path::locate(path, first)?;
            match Stored::open(&located, options) {
                // If a manager removed the checkpoint that its state file named, there is a newer
                // one.
                Err(e) if e.code() == Code::NotFound && how.entry.is_some() && gone != Some(located.clone()) => {
                    gone = Some(located);
                }
                stored => {
                    let reader = Reader { stored: stored?, resolved: how, names: OnceLock::new() };
                    options.log.warn(reader.resolved.remarks(path));
                    return Ok(reader);
                }
            }
        }
        Err(Error::new(Code::Unavailable, Reason::Busy, "the latest checkpoint was removed each time before it could be opened")
            .in_file(path))
    }

    /// How the path that was opened was understood.
    pub fn resolved(&self) -> &Resolution {
        &self.resolved
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

    /// About how many bytes of memory the reader takes while it is open: what it knows of the
    /// tensors, not their values. For programs whose garbage collector cannot see that.
    pub fn memory_size(&self) -> u64 {
        let known = match &self.stored {
            Stored::V1(v1) => v1.memory_size(),
            Stored::V2(bundle) => bundle.index().memory_size(),
        };
        (size_of::<Reader>() + known) as u64
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
    pub fn tensors(&self) -> Tensors<'_> {
        self.into_iter()
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

    /// Whether there is a tensor with this key. Names that are no keys do not count.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.find(key.as_ref()).is_some()
    }

    /// The tensor with this key or name. Names are, if there is no such key:
    ///
    /// * the key with `:0` appended, as for `tf.train.load_variable`;
    /// * in a checkpoint with an object graph, the path of a variable, which is the key of its
    ///   value without `/.ATTRIBUTES/VARIABLE_VALUE`: `net/l1/kernel`;
    /// * there also the full name of a value, as its program called the variable, with or without
    ///   `:0`: `dense/kernel`;
    /// * there also any other path that leads to a variable: `layer-3/kernel`.
    ///
    /// # Errors
    /// * `NOT_FOUND` (`NoTensor`): there is no such tensor; the message suggests similar names.
    /// * `INVALID_ARGUMENT` (`Ambiguous`): several tensors have the name; the message has their
    ///   keys.
    /// * `DATA_LOSS`: there is no such key, and the object graph, which has the names, is damaged.
    ///
    /// ```
    /// let reader = checkpoint::Reader::open("tests/data/guide")?;
    /// let kernel = reader.get("net/l1/kernel")?;
    /// assert_eq!(kernel.key(), b"net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE");
    /// # Ok::<(), checkpoint::Error>(())
    /// ```
    pub fn get(&self, name: impl AsRef<[u8]>) -> Result<Tensor<'_>> {
        let name = name.as_ref();
        let found = match self.find(name).or_else(|| self.find(name.strip_suffix(b":0")?)) {
            Some(index) => Some(index),
            None => self.find_named(name)?,
        };
        found.map(|index| Tensor { reader: self, index }).ok_or_else(|| self.not_found(name))
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
    /// * `INVALID_ARGUMENT` (`DType`): the options do not convert a tensor, or an integer does not
    ///   fit.
    /// * `NOT_FOUND` (`MissingFile`): a data file is missing.
    /// * `DATA_LOSS`: a data file is too short (`Truncated`), or a checksum does not match
    ///   (`Checksum`).
    pub fn read_many(&self, requests: Vec<ReadRequest<'_>>, options: &ReadOptions) -> Result<()> {
        options.control.check().map_err(|e| e.in_file(self.prefix()))?;
        let mut wanted = with_room(requests.len())?;
        let mut fitting = Vec::new();
        for request in requests {
            let tensor = request.tensor;
            if !std::ptr::eq(tensor.reader, self) {
                return Err(Error::argument("the tensor belongs to another reader").for_tensor(tensor.key()));
            }
            let region = tensor.region(request.slice.as_ref())?;
            let cast = tensor.cast(options)?;
            tensor.check_buffer(&region, request.buffer.len(), cast)?;
            let request = Wanted { tensor: tensor.index, region, buffer: Destination::new(request.buffer, cast) };
            match cast {
                Some(cast) if cast.needs_fit() => fitting.try_push(request)?,
                _ => wanted.push(request),
            }
        }
        let all = fitting.iter().chain(&wanted);
        options.control.expect(all.map(|w| w.buffer.len()).fold(0, u64::saturating_add));
        // They are at most 1 MiB each. A damaged one is said to be damaged, not to have integers
        // that do not fit.
        for Wanted { tensor, region, mut buffer } in fitting {
            let mut stored = allocate(buffer.len())?;
            self.read_all(vec![Wanted { tensor, region, buffer: (&mut stored[..]).into() }], options)?;
            buffer.put(0, &stored).map_err(|e| e.for_tensor(self.key(tensor)).in_file(self.prefix()))?;
        }
        self.read_all(wanted, options)
    }

    fn read_all(&self, wanted: Vec<Wanted<'_>>, options: &ReadOptions) -> Result<()> {
        let read = match &self.stored {
            Stored::V1(v1) => wanted.into_iter().try_for_each(|w| {
                options.control.check()?;
                options.control.advance(w.buffer.len());
                restoring::read_v1(v1, w.tensor, &w.region, w.buffer)
            }),
            Stored::V2(bundle) => bundle.read(wanted, options),
        };
        read.map_err(|e| if e.code() == Code::Cancelled { e.in_file(self.prefix()) } else { e })
    }

    /// Reads many tensors or slices in the background, as [`Reader::read_many`] does. The result is
    /// the buffers, in the order of the requests.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: no thread can be started.
    ///
    /// The errors of [`Reader::read_many`] are returned by [`Pending::take`].
    pub fn read_many_async<B: AsMut<[u8]> + Send + 'static>(
        self: &Arc<Self>,
        requests: Vec<OwnedReadRequest<B>>,
        options: &ReadOptions,
    ) -> Result<Pending<Vec<B>>> {
        let (reader, options) = (self.clone(), options.clone());
        Pending::launched(Location::of(self.prefix())?, move |control| {
            let mut requests = requests;
            let wanted = requests.iter_mut().map(|request| {
                let tensor = reader.tensor(request.tensor).ok_or_else(|| {
                    let expected = format!("a number below {}", reader.len());
                    Error::argument("the checkpoint has no such tensor").expecting(expected, request.tensor)
                })?;
                Ok(ReadRequest { tensor, slice: request.slice.take(), buffer: request.buffer.as_mut() })
            });
            let wanted = try_list_of(wanted).map_err(|e| e.in_file(reader.prefix()))?;
            reader.read_many(wanted, &options.watched(control))?;
            list_of(requests.into_iter().map(|request| request.buffer))
        })
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
