//! The one error type: a code, a stable reason, and the names of what was at fault.

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What every fallible function of the library returns.
pub type Result<T> = std::result::Result<T, Error>;

/// The class of an error, with the numbers of absl's status codes (those of TensorFlow's `errors`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Code {
    /// A callback of the caller asked to stop.
    Cancelled = 1,
    /// Nothing more is known.
    Unknown = 2,
    /// The call asks for what cannot be.
    InvalidArgument = 3,
    /// Time ran out.
    DeadlineExceeded = 4,
    /// No such file, checkpoint or tensor.
    NotFound = 5,
    /// What was to be made exists.
    AlreadyExists = 6,
    /// The system refused access.
    PermissionDenied = 7,
    /// Memory, disk or a limit of ours is used up.
    ResourceExhausted = 8,
    /// The object is in no state for the call.
    FailedPrecondition = 9,
    /// The operation was given up.
    Aborted = 10,
    /// Past the end.
    OutOfRange = 11,
    /// Not supported.
    Unimplemented = 12,
    /// A fault of the library's own.
    Internal = 13,
    /// Not at the moment.
    Unavailable = 14,
    /// Bytes that are damaged or malformed.
    DataLoss = 15,
    /// Unknown caller.
    Unauthenticated = 16,
}

impl Code {
    /// The code with this number.
    pub fn from_number(number: i32) -> Option<Code> {
        CODES.iter().find(|(code, _)| *code as i32 == number).map(|(code, _)| *code)
    }

    /// The name in absl's spelling, e.g. `DATA_LOSS`.
    pub fn name(self) -> &'static str {
        self.c_name().to_str().unwrap_or_default()
    }

    /// [`name`](Code::name), ending in NUL.
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

/// Why, as a constant that programs can compare; the numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum Reason {
    /// An argument of the call is wrong.
    Argument = 1,
    /// There is no checkpoint at the path.
    NoCheckpoint = 2,
    /// There is no such key in the checkpoint.
    NoTensor = 3,
    /// A file that the checkpoint needs is not there.
    MissingFile = 4,
    /// The operating system reported an error; see the error number.
    Io = 5,
    /// The path leads to something that is not a plain file.
    NotAFile = 6,
    /// A file ends before what it says it holds.
    Truncated = 7,
    /// Stored and computed checksum differ.
    Checksum = 8,
    /// Bytes that no writer may produce.
    Malformed = 9,
    /// Written for other readers than this version.
    Version = 10,
    /// The dtype does not fit the call.
    DType = 11,
    /// The shape, slice or size does not fit the tensor.
    Shape = 12,
    /// Stored slices of a partitioned tensor overlap.
    Overlap = 13,
    /// Stored slices of a partitioned tensor do not cover what was asked for.
    Gap = 14,
    /// More memory would be needed than the limit allows.
    Limit = 15,
    /// A kind of data that the library does not handle.
    Unsupported = 16,
    /// A callback stopped the call.
    Callback = 17,
    /// The checkpoint has no object graph: it was saved by names.
    NoObjectGraph = 18,
    /// Memory that is not aligned, or not in native byte order, for the type asked for.
    Alignment = 19,
    /// A panic inside the library, caught.
    Panic = 20,
    /// Another process holds the lock of the directory.
    Locked = 21,
    /// The file system has not enough space.
    Space = 22,
    /// A node that was removed, is of another graph, or is of another kind than the call needs.
    Node = 23,
    /// The name is taken: an object has one edge of each name.
    NameTaken = 24,
    /// An assertion about a restore does not hold.
    Assertion = 25,
    /// A list was changed otherwise than by appending, so that its elements' names no longer stand for what was saved.
    Unsavable = 26,
    /// A variable that was added without a value has none yet.
    NotShaped = 27,
    /// The variable is not to be restored.
    ReadOnly = 28,
    /// A callback called the graph that called it.
    Reentrant = 29,
    /// The checkpoint was replaced by another since the restore was begun.
    Replaced = 30,
    /// A registered saver is missing, or does not accept the object.
    Saver = 31,
    /// An earlier save of the checkpoint is still running.
    Busy = 32,
    /// A rank failed, or never came, so that no rank could save.
    Rank = 33,
    /// Another call was using the same handle. Only the C ABI and the bindings over it have this reason.
    ConcurrentUse = 34,
}

/// What went wrong, with what, where.
///
/// `Display` gives one line: the file, the tensor, the fault, what was expected and what was found, as far as each is known.
#[derive(Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    reason: Reason,
    what: String,
    file: Option<PathBuf>,
    tensor: Option<Vec<u8>>,
    expected: Option<String>,
    found: Option<String>,
    errno: Option<i32>,
}

impl Error {
    /// An error of which only code, reason and fault are known yet.
    // Errors are rare: what makes them stays out of the many functions that may fail.
    #[cold]
    pub fn new(code: Code, reason: Reason, what: impl Into<String>) -> Error {
        #[cold]
        #[inline(never)]
        fn made(code: Code, reason: Reason, what: String) -> Error {
            Error(Box::new(Inner { code, reason, what, file: None, tensor: None, expected: None, found: None, errno: None }))
        }
        made(code, reason, what.into())
    }

    /// Bytes that no writer may produce.
    #[cold]
    pub(crate) fn malformed(what: impl Into<String>) -> Error {
        Error::new(Code::DataLoss, Reason::Malformed, what)
    }

    /// An argument of the caller's that cannot be.
    #[cold]
    pub fn argument(what: impl Into<String>) -> Error {
        Error::new(Code::InvalidArgument, Reason::Argument, what)
    }

    /// A callback of the caller's that failed.
    #[cold]
    pub(crate) fn callback(what: impl Into<String>) -> Error {
        Error::new(Code::Aborted, Reason::Callback, what)
    }

    /// A failed call to the operating system on `file`.
    #[cold]
    #[inline(never)]
    pub(crate) fn io(doing: &str, file: &Path, error: &io::Error) -> Error {
        let (code, reason) = match error.kind() {
            io::ErrorKind::NotFound => (Code::NotFound, Reason::MissingFile),
            io::ErrorKind::PermissionDenied => (Code::PermissionDenied, Reason::Io),
            io::ErrorKind::OutOfMemory => (Code::ResourceExhausted, Reason::Io),
            io::ErrorKind::InvalidInput => (Code::InvalidArgument, Reason::Argument),
            io::ErrorKind::UnexpectedEof => (Code::DataLoss, Reason::Truncated),
            _ => match error.raw_os_error() {
                Some(libc::ENOTDIR) => (Code::NotFound, Reason::MissingFile),
                Some(libc::ELOOP) | Some(libc::EINVAL) | Some(libc::ENAMETOOLONG) => (Code::InvalidArgument, Reason::Io),
                Some(libc::EMFILE) | Some(libc::ENFILE) | Some(libc::ENOSPC) | Some(libc::EDQUOT) | Some(libc::EFBIG) => {
                    (Code::ResourceExhausted, Reason::Io)
                }
                _ => (Code::Unknown, Reason::Io),
            },
        };
        let mut e = Error::new(code, reason, format!("cannot {doing}: {error}")).in_file(file);
        e.0.errno = error.raw_os_error();
        e
    }

    /// No memory for `bytes` bytes.
    #[cold]
    #[inline(never)]
    pub(crate) fn out_of_memory(bytes: u64) -> Error {
        Error::new(Code::ResourceExhausted, Reason::Limit, format!("no memory for {bytes} bytes"))
    }

    /// Names the file, unless one is named already.
    #[cold]
    #[inline(never)]
    pub fn in_file(mut self, file: &Path) -> Error {
        self.0.file.get_or_insert_with(|| file.to_owned());
        self
    }

    /// Names the tensor, unless one is named already.
    #[cold]
    #[inline(never)]
    pub fn for_tensor(mut self, key: &[u8]) -> Error {
        self.0.tensor.get_or_insert_with(|| key.to_owned());
        self
    }

    /// Says what should have been there, and what was.
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

    /// Puts where in the file the fault is before what it is.
    #[cold]
    #[inline(never)]
    pub(crate) fn prefixed(mut self, place: &str) -> Error {
        self.0.what = format!("{place}: {}", self.0.what);
        self
    }

    /// Gives another reason to the same fault.
    #[cold]
    #[inline(never)]
    pub fn because(mut self, reason: Reason) -> Error {
        self.0.reason = reason;
        self
    }

    /// The class of the error.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Why, as a constant that programs can compare.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The file or directory at fault.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The key of the tensor at fault.
    pub fn tensor(&self) -> Option<&[u8]> {
        self.0.tensor.as_deref()
    }

    /// What should have been there.
    pub fn expected(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// What was there instead.
    pub fn found(&self) -> Option<&str> {
        self.0.found.as_deref()
    }

    /// The operating system's error number, if it reported one.
    pub fn errno(&self) -> Option<i32> {
        self.0.errno
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", printable(file.as_os_str().as_encoded_bytes()))?;
        }
        if let Some(tensor) = &self.tensor {
            write!(f, "tensor \"{}\": ", printable(tensor))?;
        }
        f.write_str(&printable(self.what.as_bytes()))?;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, ": expected {expected}, found {found}"),
            (Some(expected), None) => write!(f, ": expected {expected}"),
            (None, Some(found)) => write!(f, ": found {found}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}): {}", self.0.code, self.0.reason, self.0)
    }
}

/// Faults that are gathered rather than returned: at most so many, of at most so much text. A file that is broken throughout has
/// one for each of its records, and a hostile one has keys of megabytes.
#[derive(Default)]
pub(crate) struct Problems {
    list: Vec<Error>,
    text: usize,
}

impl Problems {
    const MOST: usize = 10_000;
    const MOST_TEXT: usize = 8 << 20;

    pub fn add(&mut self, problem: Error) {
        if self.list.len() < Self::MOST && self.text < Self::MOST_TEXT {
            self.text += problem.0.tensor.as_ref().map_or(0, Vec::len) + problem.0.what.len();
            self.list.push(problem);
        }
    }

    pub fn take(self) -> Vec<Error> {
        self.list
    }
}

/// Longest key or file name that a message quotes whole, in bytes: a hostile file has megabyte keys.
const QUOTED: usize = 400;

/// Bytes from a file as one line of text: UTF-8 as it is, control characters and everything else escaped.
pub fn printable(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(QUOTED)];
    let mut out = String::with_capacity(shown.len());
    for chunk in shown.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
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
