//! The error type: a code, a stable reason, and the file, tensor, and expected and found values
//! involved.

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of every fallible function of the library.
pub type Result<T> = std::result::Result<T, Error>;

/// The class of an error, numbered as absl's status codes (those of TensorFlow's `errors`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Code {
    /// The call was stopped by a callback or by a cancel flag.
    Cancelled = 1,
    /// The cause is unknown; treat codes that you do not know as this one.
    Unknown = 2,
    /// An argument of the call is invalid, or asks for something impossible.
    InvalidArgument = 3,
    /// The operation took longer than its time limit.
    DeadlineExceeded = 4,
    /// A file, checkpoint, tensor or other requested entity does not exist.
    NotFound = 5,
    /// The entity to create already exists.
    AlreadyExists = 6,
    /// The operating system denied access.
    PermissionDenied = 7,
    /// Memory, disk space or a limit is exhausted.
    ResourceExhausted = 8,
    /// The object is not in the state that the call requires.
    FailedPrecondition = 9,
    /// The operation was aborted, usually because a callback failed.
    Aborted = 10,
    /// An index is past the end.
    OutOfRange = 11,
    /// The operation is not supported.
    Unimplemented = 12,
    /// A bug in the library.
    Internal = 13,
    /// A resource is temporarily unavailable; a retry may succeed.
    Unavailable = 14,
    /// Stored data is damaged, truncated or malformed.
    DataLoss = 15,
    /// The request lacks valid credentials.
    Unauthenticated = 16,
}

impl Code {
    /// Returns the code with this number; `None` if there is none.
    pub fn from_number(number: i32) -> Option<Code> {
        CODES.iter().find(|(code, _)| *code as i32 == number).map(|(code, _)| *code)
    }

    /// Returns the name in absl's spelling, e.g. `DATA_LOSS`.
    pub fn name(self) -> &'static str {
        self.c_name().to_str().unwrap_or_default()
    }

    /// Returns [`name`](Code::name) as a NUL-terminated string.
    pub fn c_name(self) -> &'static CStr {
        CODES.iter().find(|(code, _)| *code == self).map_or(c"UNKNOWN", |(_, name)| *name)
    }
}

const CODES: [(Code, &CStr); 16] = [
    (Code::Cancelled, c"CANCELLED"),
    (Code::Unknown, c"UNKNOWN"),
    (Code::InvalidArgument, c"INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, c"DEADLINE_EXCEEDED"),
    (Code::NotFound, c"NOT_FOUND"),
    (Code::AlreadyExists, c"ALREADY_EXISTS"),
    (Code::PermissionDenied, c"PERMISSION_DENIED"),
    (Code::ResourceExhausted, c"RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, c"FAILED_PRECONDITION"),
    (Code::Aborted, c"ABORTED"),
    (Code::OutOfRange, c"OUT_OF_RANGE"),
    (Code::Unimplemented, c"UNIMPLEMENTED"),
    (Code::Internal, c"INTERNAL"),
    (Code::Unavailable, c"UNAVAILABLE"),
    (Code::DataLoss, c"DATA_LOSS"),
    (Code::Unauthenticated, c"UNAUTHENTICATED"),
];

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The specific cause of an error, as a constant that programs can compare. The numbers never
/// change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Reason {
    /// An argument of the call is invalid.
    Argument = 1,
    /// There is no checkpoint at the path.
    NoCheckpoint = 2,
    /// The checkpoint has no tensor with the key.
    NoTensor = 3,
    /// A file that is needed does not exist.
    MissingFile = 4,
    /// The operating system reported an error; see its error number.
    Io = 5,
    /// The path names something other than a regular file.
    NotAFile = 6,
    /// A file is shorter than its content requires.
    Truncated = 7,
    /// The stored checksum and the computed one differ.
    Checksum = 8,
    /// The data violates its format: no correct writer produces it.
    Malformed = 9,
    /// The checkpoint was written for other versions of readers.
    Version = 10,
    /// The dtype does not fit the call, variable or tensor.
    DType = 11,
    /// The shape, slice or size does not fit the tensor.
    Shape = 12,
    /// Slices of a partitioned tensor overlap.
    Overlap = 13,
    /// The stored slices of a partitioned tensor do not cover the requested region.
    Gap = 14,
    /// The operation would exceed a limit or the available memory.
    Limit = 15,
    /// The library does not support this kind of data, or no storage serves the scheme of the path.
    Unsupported = 16,
    /// A callback stopped the call or failed, or a cancel flag was raised.
    Callback = 17,
    /// The checkpoint is name-based and has no object graph.
    NoObjectGraph = 18,
    /// Mapped memory is misaligned, or not in native byte order, for the requested type.
    Alignment = 19,
    /// The library panicked; the panic was caught.
    Panic = 20,
    /// Another process or thread holds the lock of the directory or the checkpoint.
    Locked = 21,
    /// The file system does not have enough free space.
    Space = 22,
    /// A node was removed, belongs to another graph, or is of the wrong kind; or an edge or slot
    /// does not exist.
    Node = 23,
    /// The name is already in use: edges of one object have distinct names.
    NameTaken = 24,
    /// An assertion about a restore does not hold.
    Assertion = 25,
    /// A list was modified other than by appending, so the names of its elements no longer match a
    /// saved checkpoint.
    Unsavable = 26,
    /// The variable has no value yet: it was added without one.
    NotShaped = 27,
    /// The variable is read-only and cannot be restored.
    ReadOnly = 28,
    /// A callback called the graph that called it.
    Reentrant = 29,
    /// The checkpoint was replaced after a reader opened it or the restore began.
    Replaced = 30,
    /// A registered saver is missing, or does not accept the object.
    Saver = 31,
    /// An earlier save of the same checkpoint object is still running.
    Busy = 32,
    /// A rank failed or did not take part, so no rank saved.
    Rank = 33,
    /// The path leads to a file or directory of another kind, which was recognized; the message
    /// says what to do.
    NotACheckpoint = 34,
    /// Another call was using the same handle. Only the C ABI and the bindings have this reason.
    ConcurrentUse = 35,
    /// The process was forked from the one that made the handle, and may only free it.
    Forked = 36,
    /// A lock was lost while it was needed: the directory or its file of locks was removed or
    /// replaced, or a network file system gave the lock away.
    LockLost = 37,
    /// Several tensors have the name.
    Ambiguous = 38,
}

/// An error of the library: what went wrong, with which file and tensor.
///
/// `Display` writes one line: the file, the tensor, the fault, and the expected and found values,
/// as far as each is known. `source` is the failure of the program's callback that made the call
/// fail, if one did. [`Error::code`] and [`Error::reason`] are for programs to match on:
///
/// ```
/// use checkpoint::{Code, Reader, Reason};
///
/// match Reader::open("no/such/checkpoint") {
///     Ok(reader) => println!("{} tensors", reader.len()),
///     Err(e) if e.reason() == Reason::NoCheckpoint => println!("from the beginning"),
///     Err(e) => match e.code() {
///         Code::Unavailable => println!("try again"),
///         Code::DataLoss => println!("{:?} is damaged", e.file()),
///         _ => return Err(e),
///     },
/// }
/// # Ok::<(), checkpoint::Error>(())
/// ```
///
/// It converts into a [`std::io::Error`] of the kind that the code stands for.
#[derive(Clone, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    reason: Reason,
    /// The fault: a short clause that `Display` puts between the tensor and the expected value.
    what: String,
    file: Option<PathBuf>,
    tensor: Option<Vec<u8>>,
    expected: Option<String>,
    found: Option<String>,
    errno: Option<i32>,
    /// What a callback of the program failed with.
    cause: Option<Arc<Cause>>,
}

type Cause = dyn std::error::Error + Send + Sync;

impl std::error::Error for Inner {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl Error {
    /// Creates an error with a code, a reason and a description of the fault. Builder methods add
    /// the rest.
    // Errors are rare, and many functions can fail: the code that builds an error is kept out of
    // them.
    #[cold]
    pub fn new(code: Code, reason: Reason, what: impl Into<String>) -> Error {
        #[cold]
        #[inline(never)]
        fn made(code: Code, reason: Reason, what: String) -> Error {
            let (file, tensor, expected, found, errno, cause) = (None, None, None, None, None, None);
            Error(Box::new(Inner { code, reason, what, file, tensor, expected, found, errno, cause }))
        }
        made(code, reason, what.into())
    }

    /// Creates an error for data that no correct writer produces.
    #[cold]
    pub(crate) fn malformed(what: impl Into<String>) -> Error {
        Error::new(Code::DataLoss, Reason::Malformed, what)
    }

    /// Creates an error for an invalid argument of the call.
    #[cold]
    pub fn argument(what: impl Into<String>) -> Error {
        Error::new(Code::InvalidArgument, Reason::Argument, what)
    }

    /// Creates an error for a callback, `what`, that failed with `cause`.
    #[cold]
    pub(crate) fn callback(what: impl fmt::Display, cause: Box<Cause>) -> Error {
        Error::new(Code::Aborted, Reason::Callback, format!("{what} failed: {cause}")).caused_by(cause)
    }

    /// Sets the failure of a callback that caused the error.
    #[cold]
    pub(crate) fn caused_by(mut self, cause: Box<Cause>) -> Error {
        self.0.cause = Some(cause.into());
        self
    }

    /// Takes over what caused another error, unless this one's own cause is known.
    #[cold]
    pub(crate) fn caused_as(mut self, other: &Error) -> Error {
        self.0.cause = self.0.cause.or_else(|| other.0.cause.clone());
        self
    }

    /// Sets the file, unless one is set already.
    #[cold]
    #[inline(never)]
    pub fn in_file(mut self, file: &Path) -> Error {
        self.0.file.get_or_insert_with(|| file.to_owned());
        self
    }

    /// Sets the tensor, unless one is set already.
    #[cold]
    #[inline(never)]
    pub fn for_tensor(mut self, key: &[u8]) -> Error {
        self.0.tensor.get_or_insert_with(|| key.to_owned());
        self
    }

    /// Sets the expected and the found value.
    #[cold]
    pub fn expecting(self, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        #[cold]
        #[inline(never)]
        fn expecting(mut e: Error, expected: &dyn fmt::Display, found: &dyn fmt::Display) -> Error {
            e.0.expected = Some(expected.to_string());
            e.0.found = Some(found.to_string());
            e
        }
        expecting(self, &expected, &found)
    }

    /// Prepends the place in the file to the description of the fault.
    #[cold]
    #[inline(never)]
    pub(crate) fn prefixed(mut self, place: &str) -> Error {
        self.0.what = format!("{place}: {}", self.0.what);
        self
    }

    /// Sets the error number of the operating system.
    pub(crate) fn with_errno(mut self, errno: Option<i32>) -> Error {
        self.0.errno = errno;
        self
    }

    /// Replaces the reason.
    #[cold]
    #[inline(never)]
    pub fn because(mut self, reason: Reason) -> Error {
        self.0.reason = reason;
        self
    }

    /// Returns the class of the error.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Returns the specific cause, as a constant that programs can compare.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Returns the file or directory involved.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// Returns the key of the tensor involved.
    pub fn tensor(&self) -> Option<&[u8]> {
        self.0.tensor.as_deref()
    }

    /// Returns a description of the expected value.
    pub fn expected(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// Returns a description of the value found instead.
    pub fn found(&self) -> Option<&str> {
        self.0.found.as_deref()
    }

    /// Returns the error number of the operating system, if it reported one.
    pub fn errno(&self) -> Option<i32> {
        self.0.errno
    }
}

impl From<Error> for io::Error {
    /// For functions that return `io::Result`: the kind follows from the code, and the library's
    /// error is its source.
    fn from(error: Error) -> io::Error {
        let kind = match error.code() {
            _ if error.reason() == Reason::Space => io::ErrorKind::StorageFull,
            Code::NotFound => io::ErrorKind::NotFound,
            Code::PermissionDenied => io::ErrorKind::PermissionDenied,
            Code::AlreadyExists => io::ErrorKind::AlreadyExists,
            Code::InvalidArgument | Code::OutOfRange => io::ErrorKind::InvalidInput,
            Code::DataLoss => io::ErrorKind::InvalidData,
            Code::DeadlineExceeded => io::ErrorKind::TimedOut,
            Code::Unavailable => io::ErrorKind::ResourceBusy,
            Code::Unimplemented => io::ErrorKind::Unsupported,
            Code::ResourceExhausted if error.reason() == Reason::Limit => io::ErrorKind::OutOfMemory,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // "FILE is a ..., not a checkpoint" says all there is to say: no tensor is at fault.
        let is_sentence = self.reason == Reason::NotACheckpoint;
        if let Some(file) = &self.file {
            write!(f, "{}{}", printable(file.as_os_str().as_encoded_bytes()), if is_sentence { " " } else { ": " })?;
        }
        if let Some(tensor) = self.tensor.as_ref().filter(|_| !is_sentence) {
            write!(f, "tensor \"{}\": ", printable(tensor))?;
        }
        f.write_str(&printable(self.what.as_bytes()))?;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, ": expected {}, found {}", shown(expected), shown(found)),
            (Some(expected), None) => write!(f, ": expected {}", shown(expected)),
            (None, Some(found)) => write!(f, ": found {}", shown(found)),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}): {}", self.0.code, self.0.reason, self.0)
    }
}

/// Errors that are collected rather than returned, with limits on their number and their total
/// text. A file that is damaged throughout yields one error per record, and the keys of a hostile
/// file can be megabytes long.
#[derive(Default)]
pub(crate) struct Problems {
    list: Vec<Error>,
    /// Total length of the keys and descriptions in `list`, in bytes.
    text: usize,
}

impl Problems {
    const MOST: usize = 10_000;
    const MOST_TEXT: usize = 8 << 20;

    pub fn add(&mut self, problem: Error) {
        // The first is always noted, more of them while there is memory.
        let has_room = self.list.is_empty() || self.list.try_reserve(1).is_ok();
        if has_room && self.list.len() < Self::MOST && self.text < Self::MOST_TEXT {
            self.text += problem.0.tensor.as_ref().map_or(0, Vec::len) + problem.0.what.len();
            self.list.push(problem);
        }
    }

    pub fn add_some(&mut self, problem: Option<Error>) {
        problem.into_iter().for_each(|problem| self.add(problem));
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Removes and returns the first problem that `which` selects.
    pub fn take_first(&mut self, which: impl Fn(&Error) -> bool) -> Option<Error> {
        self.list.iter().position(which).map(|at| self.list.remove(at))
    }

    pub fn take(self) -> Vec<Error> {
        self.list
    }
}

/// Longest key or file name, in bytes, that a message quotes in full: the keys of a hostile file
/// can be megabytes long.
const QUOTED: usize = 400;

/// Returns text that may be from a file as one line.
pub(crate) fn shown(text: &str) -> String {
    text.chars().flat_map(|c| if is_obeyed(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Whether a terminal would obey the character rather than show it: control characters, and those
/// that change the direction of the text.
fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// Returns bytes from a file as one line of text. UTF-8 is kept; control characters, those that
/// change the direction of the text, and all other bytes are escaped.
pub fn printable(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(QUOTED)];
    let mut out = String::with_capacity(shown.len());
    for chunk in shown.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_obeyed(c) {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
        }
        for b in chunk.invalid() {
            out.push_str(&format!("\\x{b:02x}"));
        }
    }
    if shown.len() < bytes.len() {
        out.push_str(&format!("… ({} bytes)", bytes.len()));
    }
    out
}
