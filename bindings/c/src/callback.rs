//! What callbacks have in common: how they report failures, and the check that they do not call
//! their own graph.

use std::cell::RefCell;
use std::error::Error as _;
use std::ffi::{c_char, c_void};
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::constants::{ckpt_code, CKPT_CODE_OK};
use super::progress::{ckpt_free_callback, UserData};
use super::{ask, handle, short_at};
use ::checkpoint::{printable, Code, Error, Failure, Reason, Result};

/// Receives the error message of a failing callback, and its cause. Valid only while the callback
/// runs.
#[derive(Default)]
pub struct ckpt_failure {
    text: Mutex<Option<String>>,
    cause: Mutex<Option<UserData>>,
}

/// Sets the failure message of the running callback: `text`, of `len` bytes, is copied and becomes
/// part of the message of the error. Replaces an earlier message. If `failure` is NULL or the text
/// is longer than `CKPT_MAX_NAME`, the call is ignored.
#[no_mangle]
pub extern "C" fn ckpt_failure_set(failure: *mut ckpt_failure, text: *const c_char, len: usize) {
    ask((), || {
        if let (Some(failure), Ok(text)) = (handle(failure.cast_const()), short_at(text, len, "the text")) {
            *failure.text.lock() = Some(printable(text).to_string());
        }
    });
}

/// Sets the cause of the running callback's failure: an object of the caller's, such as an
/// exception of its language. The error of the call that fails for it gives it back
/// (`ckpt_error_cause`), for a save in the background each time that it is asked for. Replaces an
/// earlier cause.
///
/// The library takes `cause` over. `free_cause` also says whose it is: whoever asks for the cause
/// names the function, and gets none that was set with another. Unless NULL, it is called once, on
/// any thread, when the last error that has it is freed, or at once if `failure` is NULL; it must
/// not call the library. If the callback succeeds all the same, the cause is freed.
#[no_mangle]
pub extern "C" fn ckpt_failure_set_cause(failure: *mut ckpt_failure, cause: *mut c_void, free_cause: ckpt_free_callback) {
    ask((), || {
        let cause = UserData::new(cause, free_cause);
        let earlier = handle(failure.cast_const()).and_then(|failure| failure.cause.lock().replace(cause));
        drop(earlier);
    });
}

/// What a callback failed with.
#[derive(Debug)]
pub(super) struct CallbackFailure {
    text: String,
    cause: Option<UserData>,
}

impl fmt::Display for CallbackFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for CallbackFailure {}

/// The cause that a callback set together with `free`, of the error of the call that it failed for.
pub(super) fn cause_of(error: &Error, free: ckpt_free_callback) -> *mut c_void {
    let mut next = error.source();
    while let Some(failure) = next {
        if let Some(CallbackFailure { cause: Some(cause), .. }) = failure.downcast_ref() {
            return if cause.is_freed_by(free) { cause.pointer() } else { std::ptr::null_mut() };
        }
        next = failure.source();
    }
    std::ptr::null_mut()
}

/// Reads part of a value: fills `buffer` with `size` bytes from byte `offset` on, row-major and in
/// native byte order.
///
/// Any return value but `CKPT_CODE_OK` ends the write, which then fails with `CKPT_CODE_ABORTED`.
pub type ckpt_read_callback = Option<
    extern "C" fn(user_data: *mut c_void, offset: u64, buffer: *mut c_void, size: usize, failure: *mut ckpt_failure) -> ckpt_code,
>;

thread_local! {
    /// The graphs whose callbacks run on this thread.
    static RUNNING: RefCell<Vec<CallbackMark>> = const { RefCell::new(Vec::new()) };
}

/// Identifies a graph without keeping it alive. The graph's handles and its running callbacks carry
/// the mark.
///
/// The graph's own lock detects a call from a callback on the thread that made the outer call. Some
/// callbacks run on writing threads; there, such a call would wait for the lock forever, and the
/// mark detects it.
#[derive(Clone, Default)]
pub(super) struct CallbackMark(Arc<()>);

impl CallbackMark {
    /// Fails inside a callback of the graph.
    pub fn check(&self) -> Result<()> {
        if RUNNING.with_borrow(|running| running.iter().any(|mark| Arc::ptr_eq(&mark.0, &self.0))) {
            Err(Error::new(Code::FailedPrecondition, Reason::Reentrant, "a callback called the graph that called it"))
        } else {
            Ok(())
        }
    }

    /// Runs a callback that cannot fail.
    pub fn run<T>(&self, callback: impl FnOnce() -> T) -> T {
        struct Left;
        impl Drop for Left {
            fn drop(&mut self) {
                RUNNING.with_borrow_mut(Vec::pop);
            }
        }
        RUNNING.with_borrow_mut(|running| running.push(self.clone()));
        let _left = Left;
        callback()
    }

    /// Runs a callback that can fail.
    pub fn try_run(&self, callback: impl FnOnce(&mut ckpt_failure) -> ckpt_code) -> std::result::Result<(), Failure> {
        let mut failure = ckpt_failure::default();
        let code = self.run(|| callback(&mut failure));
        outcome(code, failure)
    }

    /// Calls a read callback to fill a buffer.
    pub fn read(
        &self,
        read: ckpt_read_callback,
        user: *mut c_void,
        offset: u64,
        buffer: &mut [u8],
    ) -> std::result::Result<(), Failure> {
        match read {
            Some(read) if !buffer.is_empty() => {
                self.try_run(|failure| read(user, offset, buffer.as_mut_ptr().cast(), buffer.len(), failure))
            }
            _ => Ok(()),
        }
    }
}

/// The result of a callback that has returned.
fn outcome(code: ckpt_code, failure: ckpt_failure) -> std::result::Result<(), Failure> {
    if code == CKPT_CODE_OK {
        return Ok(());
    }
    let code = Code::from_number(code).unwrap_or(Code::Unknown);
    let text = match failure.text.into_inner() {
        Some(text) => format!("{code}: {text}"),
        None => format!("the callback returned {code}"),
    };
    Err(Box::new(CallbackFailure { text, cause: failure.cause.into_inner() }))
}
