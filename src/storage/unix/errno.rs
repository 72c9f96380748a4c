//! The error numbers that the library tells apart and the standard library does not, and the limit
//! of open files.

/// Returns the number of files that this process may have open; `None` if there is no limit.
pub(in crate::storage) fn most_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

pub(in crate::storage) fn is_too_many_files(errno: i32) -> bool {
    matches!(errno, libc::EMFILE | libc::ENFILE)
}

pub(in crate::storage) fn is_loop_of_links(errno: i32) -> bool {
    errno == libc::ELOOP
}

/// What the system reports when there is no memory.
pub(in crate::storage) const OUT_OF_MEMORY: i32 = libc::ENOMEM;

pub(in crate::storage) fn is_out_of_memory(errno: i32) -> bool {
    errno == OUT_OF_MEMORY
}
