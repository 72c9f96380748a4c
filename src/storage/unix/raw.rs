//! The system calls for locks and for noticing forks that have no safe form.
#![allow(unsafe_code)]

use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::AtomicU64;

use super::super::interface::Means;

/// What becomes of the lock of a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Lock,
    Unlock,
}

/// Locks one byte of a file for writing, or unlocks it, without waiting. Locking it again changes
/// nothing. If another holder has it, the error has the kind `WouldBlock`.
pub(super) fn change_byte(file: BorrowedFd<'_>, means: Means, change: Change, at: u64) -> Result<()> {
    let command = match means {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Means::OpenFile => libc::F_OFD_SETLK,
        Means::Process => libc::F_SETLK,
        _ => return Err(ErrorKind::Unsupported.into()),
    };
    // SAFETY: `flock` is a C struct of integers, for which zeros are valid.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = match change {
        Change::Lock => libc::F_WRLCK,
        Change::Unlock => libc::F_UNLCK,
    } as _;
    range.l_whence = libc::SEEK_SET as _;
    range.l_start = at.try_into().map_err(|_| Error::from(ErrorKind::Unsupported))?;
    range.l_len = 1;
    loop {
        // SAFETY: the descriptor is open, and these commands read a `flock`, which lives.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, &range) } != -1 {
            return Ok(());
        }
        let error = Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EACCES | libc::EAGAIN) => return Err(ErrorKind::WouldBlock.into()),
            _ => return Err(error),
        }
    }
}

/// Makes a descriptor that a forked child has inherited one of `nothing`, so that the child no
/// longer shares the open file. The number stays open: it has an owner, who will close it.
pub(super) fn replace(inherited: RawFd, nothing: BorrowedFd<'_>) {
    // SAFETY: the caller knows `inherited` to be open and not in use: the only thread of a child
    // that was just forked runs this.
    unsafe {
        if libc::dup2(nothing.as_raw_fd(), inherited) != -1 {
            libc::fcntl(inherited, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// Closes a descriptor that a forked child has inherited.
pub(super) fn close_inherited(inherited: RawFd) {
    // SAFETY: the caller knows `inherited` to be open and its owner, if there is one, never to be
    // dropped: only the thread that forked lives on in the child.
    unsafe { libc::close(inherited) };
}

extern "C" {
    fn pthread_atfork(prepare: Option<Hook>, parent: Option<Hook>, child: Option<Hook>) -> libc::c_int;
}

/// A function that is called around forks.
pub(super) type Hook = extern "C" fn();

/// Has these functions called around every `fork`: before it, and after it in the parent and in the
/// child.
pub(super) fn around_forks(prepare: Option<Hook>, parent: Option<Hook>, child: Option<Hook>) {
    // SAFETY: the functions live as long as the library, with which the system forgets them. If
    // there is no memory to note them, a fork is noticed all the same by the page below.
    unsafe { pthread_atfork(prepare, parent, child) };
}

/// Returns a number that is zero in a new process, however it was forked; `None` where the system
/// has no such memory. The number is never freed.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn zero_after_fork() -> Option<&'static AtomicU64> {
    const PAGE: usize = 4096; // the system rounds it up
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping overlaps nothing.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, access, kind, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the range is the mapping that was just made, which nobody else knows.
    if unsafe { libc::madvise(page, PAGE, libc::MADV_WIPEONFORK) } != 0 {
        // SAFETY: as above.
        unsafe { libc::munmap(page, PAGE) };
        return None;
    }
    // SAFETY: the page is aligned, zeroed, readable and writable, and is never unmapped.
    Some(unsafe { &*page.cast::<AtomicU64>() })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn zero_after_fork() -> Option<&'static AtomicU64> {
    None
}

/// Forks a child that sleeps until it is ended, at most a minute. It has been through what is done
/// in a child after a fork.
#[cfg(test)]
pub(super) fn fork_a_sleeper() -> libc::pid_t {
    use std::io::Read;
    let (mut here, there) = std::os::unix::net::UnixStream::pair().unwrap();
    // SAFETY: the child calls nothing that allocates or locks.
    match unsafe { libc::fork() } {
        0 => loop {
            // SAFETY: the byte is static; the other two have no conditions. The alarm ends the
            // child if a test fails.
            unsafe {
                libc::write(there.as_raw_fd(), b"!".as_ptr().cast(), 1);
                libc::alarm(60);
                libc::pause();
            }
        },
        child => {
            drop(there);
            here.read_exact(&mut [0]).unwrap();
            child
        }
    }
}

/// Ends a child.
#[cfg(test)]
pub(super) fn end_child(child: libc::pid_t) {
    // SAFETY: the process is a child of this one that nobody has waited for.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
}
