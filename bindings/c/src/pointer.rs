//! The room where pointers of the caller's become references, and values of the library's become handles. By the conventions of the
//! header, which say what a pointer must be, this is sound; nothing outside believes a pointer.
#![allow(unsafe_code)]

use std::alloc::Layout;
use std::ffi::{c_char, CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use ::checkpoint::{printable, Error, Result};

use super::wrapper::ask;

/// What a handle of the caller's points to, if anything.
pub(super) fn handle<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: by the conventions of the header a handle is NULL or came from this library and has not been freed, and nobody
    // changes it while it is `const`.
    unsafe { pointer.as_ref() }
}

/// The same, where NULL is an error.
pub(super) fn required<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    handle(pointer).ok_or_else(|| is_null(name))
}

#[cold]
#[inline(never)]
fn is_null(name: &str) -> Error {
    Error::argument(format!("{name} is NULL"))
}

/// A handle that is being changed.
pub(super) fn handle_mut<'a, T>(pointer: *mut T) -> Option<&'a mut T> {
    // SAFETY: as for `handle`, and a handle that is not `const` is used by one thread at a time.
    unsafe { pointer.as_mut() }
}

/// A place for an output, cleared to `nothing` before anything else happens.
pub(super) fn output<'a, T>(pointer: *mut T, nothing: T, name: &str) -> Result<&'a mut T> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: not NULL, so by the conventions a place for one value; it is written before it is lent as a reference.
    unsafe {
        pointer.write(nothing);
        Ok(&mut *pointer)
    }
}

/// Frees a handle; NULL is nothing.
pub(super) fn release<T>(pointer: *mut T) {
    if !pointer.is_null() {
        LIVE.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: by the conventions it came from `own` (a `Box`) and is freed once. Dropping must not unwind into C.
        ask((), || drop(unsafe { Box::from_raw(pointer) }));
    }
}

/// The handles that callers have.
static LIVE: AtomicU64 = AtomicU64::new(0);

/// How many handles the library has given that were not freed yet, errors and texts among them: in a program that has freed all, 0. For tests
/// that look for leaks. (Objects of graphs are no handles.)
#[no_mangle]
pub extern "C" fn ckpt_live_handles() -> u64 {
    ask(0, || LIVE.load(Ordering::Relaxed))
}

/// Hands a value to the caller.
pub(super) fn own<T>(value: T) -> *mut T {
    LIVE.fetch_add(1, Ordering::Relaxed);
    Box::into_raw(Box::new(value))
}

/// `count` values of the caller's. NULL is fine when there are none.
pub(super) fn array<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    check_array(pointer.cast(), count, Layout::new::<T>(), name)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: not NULL, aligned, and of a length that an object can have; by convention 4 the caller's memory holds so many values.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// `count` places of the caller's, to be written.
pub(super) fn array_mut<'a, T>(pointer: *mut T, count: usize, name: &str) -> Result<&'a mut [T]> {
    check_array(pointer.cast(), count, Layout::new::<T>(), name)?;
    if count == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as for `array`; the caller lends the memory for this call alone.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) })
}

pub(super) fn check_array(pointer: *const u8, count: usize, element: Layout, name: &str) -> Result<()> {
    if count > 0 && pointer.is_null() {
        return Err(is_null(name).expecting(format_args!("{count} values"), "NULL"));
    }
    if count > 0 && !pointer.addr().is_multiple_of(element.align()) {
        return Err(Error::argument(format!("{name} is not aligned"))
            .expecting(format_args!("a multiple of {}", element.align()), format_args!("{pointer:p}")));
    }
    match count.checked_mul(element.size()) {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(()),
        _ => Err(Error::argument(format!("{name} is impossibly long"))
            .expecting(format_args!("at most {} bytes", isize::MAX), format_args!("{count} values"))),
    }
}

/// A key of the caller's.
pub(super) fn key_at<'a>(pointer: *const c_char, len: usize) -> Result<&'a [u8]> {
    array(pointer.cast(), len, "the key")
}

/// A name of the caller's, UTF-8.
pub(super) fn text_at<'a>(pointer: *const c_char, len: usize, name: &str) -> Result<&'a str> {
    let bytes = array::<u8>(pointer.cast(), len, name)?;
    std::str::from_utf8(bytes).map_err(|_| Error::argument(format!("{name} is not UTF-8")).expecting("UTF-8", printable(bytes)))
}

/// A path of the caller's: bytes that end with NUL.
pub(super) fn path_at<'a>(pointer: *const c_char) -> Result<&'a Path> {
    if pointer.is_null() {
        return Err(Error::argument("the path is NULL"));
    }
    // SAFETY: not NULL, so by convention 6 bytes that end with NUL.
    let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    Ok(Path::new(OsStr::from_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_the_caller_are_checked() {
        assert!(array::<u64>(std::ptr::null(), 0, "x").unwrap().is_empty());
        assert!(array::<u64>(std::ptr::null(), 1, "x").is_err());
        assert!(array::<u64>(&7u64, usize::MAX / 4, "x").is_err());
        assert!(array::<u64>(std::ptr::without_provenance(1), 1, "x").is_err());
    }
}
