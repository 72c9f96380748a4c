//! The C ABI: thin functions over the Rust API, each through one of the two wrappers here.
//!
//! * [`call`] is for what can fail: it turns an [`Error`] into a code and an owned `ckpt_error`, and a panic into `INTERNAL`.
//! * [`ask`] is for what cannot: on a NULL handle, or should it panic, it answers with the value that stands for nothing.
//!
//! Pointers become references in the few functions below and nowhere else. What is lent to C lives in the handle that lends it.
#![allow(non_camel_case_types)]

// In the order of the header.
mod constants;

mod error;
mod strings;

mod callback;
mod progress;

mod options;
mod reader;

mod tensor;
mod view;

mod graph;

mod verify;

mod writer;

mod merge;

mod node;
mod trackable;

mod memory;
mod variable;

mod containers;

mod slots;

mod device;
mod state;

mod savers;

mod checkpoint;
mod graph_options;

mod report;
mod status;

mod saver_names;

mod checkpoint_view;

mod manager;
mod manager_options;

mod pending;
mod ranks;

mod directory;
mod watch;

mod tidy;

mod log;

use std::alloc::Layout;
use std::ffi::{c_char, CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{printable, Code, Error, Reason, Result};

use constants::ckpt_code;
use error::ckpt_error;

/// Bytes lent to the caller: they belong to the handle that they were asked of, and live as long as it does. Not NUL-terminated.
/// `data` is never NULL, save where nothing is lent; then `len` is 0. In what the caller gives, they are the caller's, and `data` may be
/// NULL where `len` is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ckpt_bytes {
    /// The first byte.
    pub data: *const u8,
    /// How many bytes.
    pub len: usize,
}

impl ckpt_bytes {
    const NONE: ckpt_bytes = ckpt_bytes { data: std::ptr::null(), len: 0 };
}

impl From<&[u8]> for ckpt_bytes {
    fn from(bytes: &[u8]) -> ckpt_bytes {
        ckpt_bytes { data: bytes.as_ptr(), len: bytes.len() }
    }
}

impl From<Option<&[u8]>> for ckpt_bytes {
    fn from(bytes: Option<&[u8]>) -> ckpt_bytes {
        bytes.map_or(ckpt_bytes::NONE, Into::into)
    }
}

/// Runs a fallible body. On failure the code is returned and, if the caller gave a place for it, an owned error is left there.
fn call(error: *mut *mut ckpt_error, body: impl FnOnce() -> Result<()>) -> ckpt_code {
    let mut body = Some(body);
    run(error, &mut || body.take().map_or(Ok(()), |body| body()))
}

/// The same, compiled once for all the functions of the library.
#[inline(never)]
fn run(error: *mut *mut ckpt_error, body: &mut dyn FnMut() -> Result<()>) -> ckpt_code {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
    let (code, handle) = match outcome {
        Ok(()) => (constants::CKPT_OK, std::ptr::null_mut()),
        Err(e) => (e.code() as ckpt_code, own(ckpt_error::new(e))),
    };
    match error.is_null() {
        // SAFETY: not NULL, so by convention 1 a place for one pointer, which is overwritten and not read.
        false => unsafe { error.write(handle) },
        true => release(handle),
    }
    code
}

/// Runs a body that cannot fail; `nothing` should it panic all the same.
fn ask<T>(nothing: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(nothing)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    Error::new(Code::Internal, Reason::Panic, format!("the library panicked: {}", text.unwrap_or("no message")))
}

/// What a handle of the caller's points to, if anything.
fn handle<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: by the conventions of the header a handle is NULL or came from this library and has not been freed, and nobody
    // changes it while it is `const`.
    unsafe { pointer.as_ref() }
}

/// The same, where NULL is an error.
fn required<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    handle(pointer).ok_or_else(|| is_null(name))
}

#[cold]
#[inline(never)]
fn is_null(name: &str) -> Error {
    Error::argument(format!("{name} is NULL"))
}

/// A handle that is being changed.
fn changed<'a, T>(pointer: *mut T) -> Option<&'a mut T> {
    // SAFETY: as for `handle`, and a handle that is not `const` is used by one thread at a time.
    unsafe { pointer.as_mut() }
}

/// A place for an output, cleared to `nothing` before anything else happens.
fn output<'a, T>(pointer: *mut T, nothing: T, name: &str) -> Result<&'a mut T> {
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
fn release<T>(pointer: *mut T) {
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
fn own<T>(value: T) -> *mut T {
    LIVE.fetch_add(1, Ordering::Relaxed);
    Box::into_raw(Box::new(value))
}

/// `count` values of the caller's. NULL is fine when there are none.
fn array<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    check_array(pointer.cast(), count, Layout::new::<T>(), name)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: not NULL, aligned, and of a length that an object can have; by convention 4 the caller's memory holds so many values.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// `count` places of the caller's, to be written.
fn places<'a, T>(pointer: *mut T, count: usize, name: &str) -> Result<&'a mut [T]> {
    check_array(pointer.cast(), count, Layout::new::<T>(), name)?;
    if count == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as for `array`; the caller lends the memory for this call alone.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) })
}

fn check_array(pointer: *const u8, count: usize, element: Layout, name: &str) -> Result<()> {
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
fn key_at<'a>(pointer: *const c_char, len: usize) -> Result<&'a [u8]> {
    array(pointer.cast(), len, "the key")
}

/// A name of the caller's, UTF-8.
fn text_at<'a>(pointer: *const c_char, len: usize, name: &str) -> Result<&'a str> {
    let bytes = array::<u8>(pointer.cast(), len, name)?;
    std::str::from_utf8(bytes).map_err(|_| Error::argument(format!("{name} is not UTF-8")).expecting("UTF-8", printable(bytes)))
}

/// A path of the caller's: bytes that end with NUL.
fn path_at<'a>(pointer: *const c_char) -> Result<&'a Path> {
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
    fn a_panic_becomes_an_error_with_its_message() {
        let mut error = std::ptr::null_mut();
        let code = call(&mut error, || panic!("a test panics"));
        assert_eq!(code, constants::CKPT_INTERNAL);
        let message = error::ckpt_error_message(error);
        // SAFETY: the message of a live error ends with NUL.
        let message = unsafe { CStr::from_ptr(message) }.to_str().unwrap();
        assert!(message.contains("a test panics"), "{message}");
        release(error);
        assert_eq!(call(std::ptr::null_mut(), || panic!("another")), constants::CKPT_INTERNAL);
        assert_eq!(ask(7, || panic!("a third")), 7);
    }

    #[test]
    fn success_clears_the_error() {
        let mut error = std::ptr::dangling_mut::<ckpt_error>();
        assert_eq!(call(&mut error, || Ok(())), constants::CKPT_OK);
        assert!(error.is_null());
    }

    #[test]
    fn arrays_of_the_caller_are_checked() {
        assert!(array::<u64>(std::ptr::null(), 0, "x").unwrap().is_empty());
        assert!(array::<u64>(std::ptr::null(), 1, "x").is_err());
        assert!(array::<u64>(&7u64, usize::MAX / 4, "x").is_err());
        assert!(array::<u64>(std::ptr::without_provenance(1), 1, "x").is_err());
    }
}
