//! Errors, owned by the caller.

use std::ffi::{c_char, CString};

use super::constants::{ckpt_code, ckpt_reason, CKPT_CODE_OK};
use super::strings::lend_path;
use super::{ask, ckpt_bytes, handle, release};
use ::checkpoint::Error;

/// What went wrong. It does not change: several threads may look at it at once.
pub struct ckpt_error {
    error: Error,
    message: CString,
}

impl ckpt_error {
    pub(super) fn new(error: Error) -> ckpt_error {
        let mut message = error.to_string().into_bytes();
        message.retain(|&b| b != 0);
        ckpt_error { error, message: CString::new(message).unwrap_or_default() }
    }
}

/// The class of the error; `CKPT_CODE_OK` of NULL.
#[no_mangle]
pub extern "C" fn ckpt_error_code(error: *const ckpt_error) -> ckpt_code {
    ask(CKPT_CODE_OK, || handle(error).map_or(CKPT_CODE_OK, |e| e.error.code() as ckpt_code))
}

/// Why, as a constant that never changes; 0 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_error_reason(error: *const ckpt_error) -> ckpt_reason {
    ask(0, || handle(error).map_or(0, |e| e.error.reason() as ckpt_reason))
}

/// The operating system's error number, if it reported one; else 0.
#[no_mangle]
pub extern "C" fn ckpt_error_errno(error: *const ckpt_error) -> i32 {
    ask(0, || handle(error).and_then(|e| e.error.errno()).unwrap_or(0))
}

/// The error in one line, naming file, tensor, what was expected and what was found. Lent; empty of NULL.
#[no_mangle]
pub extern "C" fn ckpt_error_message(error: *const ckpt_error) -> *const c_char {
    ask(c"".as_ptr(), || handle(error).map_or(c"".as_ptr(), |e| e.message.as_ptr()))
}

/// The file or directory at fault. Lent; nothing when the error names none.
#[no_mangle]
pub extern "C" fn ckpt_error_file(error: *const ckpt_error) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(error).and_then(|e| e.error.file()).map_or(ckpt_bytes::NONE, lend_path))
}

/// The key of the tensor at fault. Lent; nothing when the error names none.
#[no_mangle]
pub extern "C" fn ckpt_error_tensor(error: *const ckpt_error) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(error).and_then(|e| e.error.tensor()).into())
}

/// What should have been there, as text. Lent; nothing when the error does not say.
#[no_mangle]
pub extern "C" fn ckpt_error_expected(error: *const ckpt_error) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(error).and_then(|e| e.error.expected()).map(str::as_bytes).into())
}

/// What was there instead, as text. Lent; nothing when the error does not say.
#[no_mangle]
pub extern "C" fn ckpt_error_found(error: *const ckpt_error) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(error).and_then(|e| e.error.found()).map(str::as_bytes).into())
}

/// Frees an error. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_error_free(error: *mut ckpt_error) {
    release(error);
}
