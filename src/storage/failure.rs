//! From errors of the operating system to errors of the library.

use std::io;
use std::path::Path;

use super::system;
use crate::error::{Code, Error, Reason};

impl Error {
    /// Creates an error for a failed system call on `file`. `doing` is a verb phrase: "open the
    /// file".
    #[cold]
    #[inline(never)]
    pub(crate) fn io(doing: &str, file: &Path, error: &io::Error) -> Error {
        use io::ErrorKind::*;
        let errno = error.raw_os_error();
        let (code, reason) = match error.kind() {
            NotFound | NotADirectory => (Code::NotFound, Reason::MissingFile),
            PermissionDenied => (Code::PermissionDenied, Reason::Io),
            OutOfMemory | StorageFull | QuotaExceeded | FileTooLarge => (Code::ResourceExhausted, Reason::Io),
            InvalidInput => (Code::InvalidArgument, Reason::Argument),
            InvalidFilename => (Code::InvalidArgument, Reason::Io),
            UnexpectedEof => (Code::DataLoss, Reason::Truncated),
            Unsupported => (Code::Unimplemented, Reason::Io),
            _ if errno.is_some_and(system::is_too_many_files) => (Code::ResourceExhausted, Reason::Io),
            _ if errno.is_some_and(system::is_loop_of_links) => (Code::InvalidArgument, Reason::Io),
            _ => (Code::Unknown, Reason::Io),
        };
        Error::new(code, reason, format!("cannot {doing}: {error}")).in_file(file).with_errno(errno)
    }

    /// Creates an error for a failed allocation of `bytes` bytes. If no machine could have as many,
    /// what asked for them is at fault, and it is no shortage.
    #[cold]
    #[inline(never)]
    pub(crate) fn out_of_memory(bytes: u64) -> Error {
        let could_be = isize::try_from(bytes).is_ok();
        Error::new(Code::ResourceExhausted, Reason::Limit, format!("cannot allocate {bytes} bytes of memory"))
            .with_errno(could_be.then_some(system::OUT_OF_MEMORY))
    }

    /// Whether the process or the machine had no memory, or no handles of files, to spare: that
    /// says nothing about the file.
    pub(crate) fn is_shortage(&self) -> bool {
        self.errno().is_some_and(|errno| system::is_too_many_files(errno) || system::is_out_of_memory(errno))
    }

    /// Whether it says nothing about the checkpoint: there was a shortage, or the checkpoint was
    /// replaced meanwhile.
    pub(crate) fn is_passing(&self) -> bool {
        self.is_shortage() || matches!(self.reason(), Reason::Replaced | Reason::Busy)
    }
}
