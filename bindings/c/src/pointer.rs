//! Converts the caller's pointers to references, and the library's values to handles. This is sound
//! if the caller follows the conventions of the header; no other module dereferences a pointer of
//! the caller.
#![allow(unsafe_code)]

use std::alloc::Layout;
use std::ffi::{c_char, CStr, OsStr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use ::checkpoint::{printable, Code, Error, Reason, Result, MAX_RANK};

use super::wrapper::ask;

/// The object behind a handle; None if the handle is NULL.
pub(super) fn handle<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: by the conventions of the header, a handle is NULL or was returned by this library
    // and not freed since. Nobody modifies one: what calls change in it is in an `Exclusive`.
    unsafe { pointer.as_ref() }
}

/// The object behind a handle; an error if the handle is NULL.
pub(super) fn required<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    handle(pointer).ok_or_else(|| is_null(name))
}

#[cold]
#[inline(never)]
fn is_null(name: &str) -> Error {
    Error::argument(format!("{name} must not be NULL"))
}

/// An output argument, set to `nothing` before anything else happens.
pub(super) fn output<'a, T>(pointer: *mut T, nothing: T, name: &str) -> Result<&'a mut T> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: not NULL, so by the conventions memory for one value; it is written before the
    // reference is made.
    unsafe {
        pointer.write(nothing);
        Ok(&mut *pointer)
    }
}

/// Frees a handle; NULL is ignored.
pub(super) fn release<T>(pointer: *mut T) {
    if !pointer.is_null() {
        LIVE.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: by the conventions the handle came from `own` (a `Box`) and is freed once.
        // Dropping must not unwind into C.
        ask((), || drop(unsafe { Box::from_raw(pointer) }));
    }
}

/// The number of handles that have not been freed.
static LIVE: AtomicU64 = AtomicU64::new(0);

/// Returns the number of handles that the library has returned and the caller has not freed yet,
/// including errors and strings. Meant for leak tests: 0 once a program has freed everything.
/// Objects of graphs (`ckpt_node`) are not handles and are not counted.
#[no_mangle]
pub extern "C" fn ckpt_live_handles() -> u64 {
    ask(0, || LIVE.load(Ordering::Relaxed))
}

/// Moves a value to the heap and returns its handle.
pub(super) fn own<T>(value: T) -> *mut T {
    LIVE.fetch_add(1, Ordering::Relaxed);
    Box::into_raw(Box::new(value))
}

/// The caller's array of `count` values, for reading. NULL is allowed if `count` is 0.
pub(super) fn array<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    check_array(pointer.cast(), count, Layout::new::<T>(), name)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: not NULL, aligned, and not longer than an object can be; by convention 4 the memory
    // holds `count` values.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// The caller's array of `count` values, for writing. NULL is allowed if `count` is 0.
pub(super) fn array_mut<'a, T>(pointer: *mut T, count: usize, name: &str) -> Result<&'a mut [T]> {
    check_array(pointer.cast(), count, Layout::new::<T>(), name)?;
    if count == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as for `array`; the caller lends the memory for this call only.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) })
}

pub(super) fn check_array(pointer: *const u8, count: usize, element: Layout, name: &str) -> Result<()> {
    if count > 0 && pointer.is_null() {
        return Err(is_null(name).expecting(format_args!("{count} values"), "NULL"));
    }
    if count > 0 && !pointer.addr().is_multiple_of(element.align()) {
        return Err(Error::argument(format!("{name} must be aligned"))
            .expecting(format_args!("an address that is a multiple of {}", element.align()), format_args!("{pointer:p}")));
    }
    match count.checked_mul(element.size()) {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(()),
        _ => Err(Error::argument(format!("{name} cannot be that long"))
            .expecting(format_args!("at most {} bytes", isize::MAX), format_args!("{count} values"))),
    }
}

/// The dimensions of a tensor, or of a slice of one, passed by the caller.
pub(super) fn dimensions_at<'a>(pointer: *const i64, rank: usize, name: &str) -> Result<&'a [i64]> {
    at_most(rank, MAX_RANK, name, "dimensions")?;
    array(pointer, rank, name)
}

/// What `each` makes of the `count` values of a list passed by the caller. The memory for all of it
/// is reserved before the first value is looked at.
pub(super) fn list_at<T, U>(pointer: *const T, count: usize, name: &str, each: impl FnMut(&T) -> Result<U>) -> Result<Vec<U>> {
    at_most(count, u32::MAX as usize, name, "elements")?;
    let values = array(pointer, count, name)?;
    let mut list = reserved(count, name)?;
    for value in values.iter().map(each) {
        list.push(value?);
    }
    Ok(list)
}

/// An empty vector with room for as many elements as the caller asked for.
pub(super) fn reserved<T>(count: usize, name: &str) -> Result<Vec<T>> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| {
        let what = format!("there is not enough memory for {name}");
        Error::new(Code::ResourceExhausted, Reason::Limit, what).expecting("less memory", format_args!("{count} elements"))
    })?;
    Ok(list)
}

fn at_most(count: usize, most: usize, name: &str, of: &str) -> Result<()> {
    if count > most {
        return Err(too_many(count, most, name, of));
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn too_many(count: usize, most: usize, name: &str, of: &str) -> Error {
    Error::argument(format!("{name} cannot be that long"))
        .expecting(format_args!("at most {most} {of}"), format_args!("{count} {of}"))
}

/// The maximum length of keys, names and other short texts.
const MAX_NAME: usize = super::constants::CKPT_MAX_NAME;

/// The length that stands for "up to the NUL", `CKPT_NUL` of the header.
const NUL: usize = usize::MAX;

/// Bytes passed by the caller, of any length.
#[inline] // on the path of every small tensor
pub(super) fn bytes_at<'a>(pointer: *const c_char, len: usize, name: &str) -> Result<&'a [u8]> {
    if len == NUL {
        return up_to_nul(pointer, name);
    }
    array(pointer.cast(), len, name)
}

#[inline(never)]
fn up_to_nul<'a>(pointer: *const c_char, name: &str) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: not NULL, so NUL-terminated by convention 6, since the length is `CKPT_NUL`.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// A short text passed by the caller, of any bytes: what is looked for, or shown.
#[inline] // on the path of every small tensor
pub(super) fn short_at<'a>(pointer: *const c_char, len: usize, name: &str) -> Result<&'a [u8]> {
    if len != NUL {
        at_most(len, MAX_NAME, name, "bytes")?;
    }
    let bytes = bytes_at(pointer, len, name)?;
    at_most(bytes.len(), MAX_NAME, name, "bytes")?;
    Ok(bytes)
}

/// The key that the caller gives a tensor.
pub(super) fn key_at<'a>(pointer: *const c_char, len: usize) -> Result<&'a [u8]> {
    name_at(pointer, len, "the key")
}

/// A name passed by the caller that need not be UTF-8. A NUL in it is refused: mostly, the length
/// is wrong.
pub(super) fn name_at<'a>(pointer: *const c_char, len: usize, name: &str) -> Result<&'a [u8]> {
    let bytes = short_at(pointer, len, name)?;
    if bytes.contains(&0) {
        let what = format!("{name} must not contain NUL; CKPT_NUL as its length means that it ends with one");
        return Err(Error::argument(what).expecting("bytes other than NUL", printable(bytes)));
    }
    Ok(bytes)
}

/// A UTF-8 string passed by the caller.
pub(super) fn text_at<'a>(pointer: *const c_char, len: usize, name: &str) -> Result<&'a str> {
    let bytes = name_at(pointer, len, name)?;
    std::str::from_utf8(bytes).map_err(|_| Error::argument(format!("{name} must be UTF-8")).expecting("UTF-8", printable(bytes)))
}

/// A NUL-terminated path passed by the caller.
pub(super) fn path_at<'a>(pointer: *const c_char) -> Result<&'a Path> {
    up_to_nul(pointer, "the path").and_then(os_text).map(Path::new)
}

/// A path or the name of a file, from the bytes that the caller passed. On Windows they are UTF-8.
pub(super) fn os_text(bytes: &[u8]) -> Result<&OsStr> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Ok(OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(OsStr::new(text)),
        Err(_) => Err(Error::argument("a path must be UTF-8").expecting("UTF-8", printable(bytes))),
    }
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
