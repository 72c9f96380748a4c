//! The two wrappers that begin the body of every exported function, so that no panic crosses the
//! ABI.

use std::panic::{catch_unwind, AssertUnwindSafe};

use ::checkpoint::{Code, Error, Reason, Result};

use super::constants::{self, ckpt_code};
use super::error::ckpt_error;
use super::pointer::{output, own, release};

/// Runs a fallible body and returns its code. On failure, `*error` is set to an owned error unless
/// `error` is NULL.
pub(super) fn call(error: *mut *mut ckpt_error, body: impl FnOnce() -> Result<()>) -> ckpt_code {
    let mut body = Some(body);
    run(error, &mut || body.take().map_or(Ok(()), |body| body()))
}

/// Non-generic part of `call`, compiled once for all functions.
#[inline(never)]
fn run(error: *mut *mut ckpt_error, body: &mut dyn FnMut() -> Result<()>) -> ckpt_code {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
    let (code, handle) = match outcome {
        Ok(()) => (constants::CKPT_CODE_OK, std::ptr::null_mut()),
        Err(e) => (e.code() as ckpt_code, own(ckpt_error::new(e))),
    };
    if let Ok(place) = output(error, std::ptr::null_mut(), "the output argument `error`") {
        *place = handle;
    } else {
        release(handle);
    }
    code
}

/// Runs an infallible body; returns `nothing` if it panics.
pub(super) fn ask<T>(nothing: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(nothing)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    Error::new(Code::Internal, Reason::Panic, format!("the library panicked: {}", text.unwrap_or("no message")))
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::super::error::ckpt_error_message;
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn a_panic_becomes_an_error_with_its_message() {
        let mut error = std::ptr::null_mut();
        let code = call(&mut error, || panic!("a test panics"));
        assert_eq!(code, constants::CKPT_CODE_INTERNAL);
        let message = ckpt_error_message(error);
        // SAFETY: the message of a live error is NUL-terminated.
        let message = unsafe { CStr::from_ptr(message) }.to_str().unwrap();
        assert!(message.contains("a test panics"), "{message}");
        release(error);
        assert_eq!(call(std::ptr::null_mut(), || panic!("another")), constants::CKPT_CODE_INTERNAL);
        assert_eq!(ask(7, || panic!("a third")), 7);
    }

    #[test]
    fn success_clears_the_error() {
        let mut error = std::ptr::dangling_mut::<ckpt_error>();
        assert_eq!(call(&mut error, || Ok(())), constants::CKPT_CODE_OK);
        assert!(error.is_null());
    }
}
