//! Errors, owned by the caller.

use std::ffi::{c_char, c_void, CString};

use super::callback::cause_of;
use super::constants::{ckpt_code, ckpt_reason, CKPT_CODE_OK};
use super::progress::ckpt_free_callback;
use super::strings::lend_path;
use super::{ask, ckpt_bytes, handle, release};
use ::checkpoint::Error;

/// The error of a failed call. Immutable: several threads may use it at once.
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

/// Returns the code of the error; `CKPT_CODE_OK` for NULL.
#[no_mangle]
pub extern "C" fn ckpt_error_code(error: *const ckpt_error) -> ckpt_code {
    ask(CKPT_CODE_OK, || handle(error).map_or(CKPT_CODE_OK, |e| e.error.code() as ckpt_code))
}

/// Returns the reason of the error, one of the `CKPT_REASON_` constants; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_error_reason(error: *const ckpt_error) -> ckpt_reason {
    ask(0, || handle(error).map_or(0, |e| e.error.reason() as ckpt_reason))
}

/// Returns the operating system's `errno`; 0 if the system reported none.
#[no_mangle]
pub extern "C" fn ckpt_error_errno(error: *const ckpt_error) -> i32 {
    ask(0, || handle(error).and_then(|e| e.error.errno()).unwrap_or(0))
}

/// Returns the error as one line of text: file, tensor, fault, expected and found, as far as known.
/// NUL-terminated; lent by the error. Empty for NULL.
#[no_mangle]
pub extern "C" fn ckpt_error_message(error: *const ckpt_error) -> *const c_char {
    ask(c"".as_ptr(), || handle(error).map_or(c"".as_ptr(), |e| e.message.as_ptr()))
}

/// Returns the path of the file or directory at fault. Lent by the error; no value (NULL, 0) if the
/// error names none.
#[no_mangle]
pub extern "C" fn ckpt_error_file(error: *const ckpt_error) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(error).and_then(|e| e.error.file()).map_or(ckpt_bytes::NONE, lend_path))
}

/// Returns the key of the tensor at fault. Lent by the error; no value (NULL, 0) if the error names
/// none.
#[no_mangle]
pub extern "C" fn ckpt_error_tensor(error: *const ckpt_error) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(error).and_then(|e| e.error.tensor()).into())
}

/// Returns, as text, what was expected. Lent by the error; no value (NULL, 0) if the error does not
/// say.
#[no_mangle]
pub extern "C" fn ckpt_error_expected(error: *const ckpt_error) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(error).and_then(|e| e.error.expected()).map(str::as_bytes).into())
}

/// Returns, as text, what was found instead. Lent by the error; no value (NULL, 0) if the error
/// does not say.
#[no_mangle]
pub extern "C" fn ckpt_error_found(error: *const ckpt_error) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(error).and_then(|e| e.error.found()).map(str::as_bytes).into())
}

/// Returns the cause that the callback that made the call fail has set (`ckpt_failure_set_cause`)
/// together with this `free_cause`; NULL if it set none or one of another kind, or if the call
/// failed for another reason. Lent by the error.
///
/// Of a save by several ranks, each rank has the cause of its own failure only.
#[no_mangle]
pub extern "C" fn ckpt_error_cause(error: *const ckpt_error, free_cause: ckpt_free_callback) -> *mut c_void {
    ask(std::ptr::null_mut(), || handle(error).map_or(std::ptr::null_mut(), |e| cause_of(&e.error, free_cause)))
}

/// Frees an error. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_error_free(error: *mut ckpt_error) {
    release(error);
}
