//! What callbacks of the caller's share: how they say why they failed, and that the graph that called them is closed to them.

use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::constants::{ckpt_code, CKPT_CODE_OK};
use super::{array, ask, handle_mut};
use ::checkpoint::{printable, Code, Error, Failure, Reason, Result};

/// Takes the message of a callback that fails. It lives while the callback runs.
#[derive(Default)]
pub struct ckpt_failure {
    text: Option<String>,
}

/// Says, from inside a callback, why it is going to fail: the text becomes part of the message of the call's error. What was
/// said before is forgotten. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_failure_set(failure: *mut ckpt_failure, text: *const c_char, len: usize) {
    ask((), || {
        if let (Some(failure), Ok(text)) = (handle_mut(failure), array::<u8>(text.cast(), len, "the text")) {
            failure.text = Some(printable(text).to_string());
        }
    });
}

/// Fills `buffer` with `size` bytes of a value, row-major and in native byte order, from byte `offset` on. Anything but
/// `CKPT_CODE_OK` ends the writing, which then returns `CKPT_CODE_ABORTED`.
pub type ckpt_read_callback = Option<
    extern "C" fn(user_data: *mut c_void, offset: u64, buffer: *mut c_void, size: usize, failure: *mut ckpt_failure) -> ckpt_code,
>;

thread_local! {
    /// The graphs whose callbacks run on this thread.
    static RUNNING: RefCell<Vec<CallbackMark>> = const { RefCell::new(Vec::new()) };
}

/// Stands for a graph, without holding it: its handles have the mark, and the callbacks that it calls.
///
/// The graph's own lock finds a call from inside a callback on the thread that called it. On the threads that write, where some
/// callbacks run, such a call would wait for the lock forever; the mark finds it there.
#[derive(Clone, Default)]
pub(super) struct CallbackMark(Arc<()>);

impl CallbackMark {
    /// Fails inside a callback of the graph.
    pub fn check(&self) -> Result<()> {
        match RUNNING.with_borrow(|running| running.iter().any(|mark| Arc::ptr_eq(&mark.0, &self.0))) {
            true => {
                Err(Error::new(Code::FailedPrecondition, Reason::Reentrant, "a callback must not call the graph that called it"))
            }
            false => Ok(()),
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

    /// Has a callback fill a buffer.
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

/// What a callback that has returned comes to.
fn outcome(code: ckpt_code, failure: ckpt_failure) -> std::result::Result<(), Failure> {
    if code == CKPT_CODE_OK {
        return Ok(());
    }
    let code = Code::from_number(code).unwrap_or(Code::Unknown);
    Err(match failure.text {
        Some(text) => format!("{code}: {text}").into(),
        None => format!("the callback returned {code}").into(),
    })
}
