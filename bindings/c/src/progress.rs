//! Progress callbacks and cancel flags, shared by several kinds of options.

use std::ffi::c_void;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::constants::{ckpt_code, CKPT_CODE_OK};
use super::exclusive::Changeable;
use super::options::target;
use super::{ask, handle, own, release};
use ::checkpoint::{Cancel, Result};

/// Reports the progress of a long call: `done` of `total`, in bytes unless the call says otherwise.
///
/// Called on the thread that made the call; for a background save, on the background thread. Any
/// return value but `CKPT_CODE_OK` stops the call, which then fails with `CKPT_CODE_CANCELLED`.
pub type ckpt_progress_callback = Option<extern "C" fn(user_data: *mut c_void, done: u64, total: u64) -> ckpt_code>;

/// Frees the `user_data` of a callback. Called exactly once, when the callback will not be called
/// again.
pub type ckpt_free_callback = Option<extern "C" fn(user_data: *mut c_void)>;

/// The caller's `user_data`, freed with its last holder.
#[derive(Debug)]
pub(super) struct UserData {
    data: *mut c_void,
    free: ckpt_free_callback,
}

// SAFETY: the library never dereferences the pointer. It passes it to callbacks, whose
// documentation says on which threads they run.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    pub fn new(data: *mut c_void, free: ckpt_free_callback) -> UserData {
        UserData { data, free }
    }

    pub fn pointer(&self) -> *mut c_void {
        self.data
    }

    /// Whether this is the function that frees it.
    pub fn is_freed_by(&self, free: ckpt_free_callback) -> bool {
        match (self.free, free) {
            (Some(own), Some(other)) => std::ptr::fn_addr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            free(self.data);
        }
    }
}

/// A progress callback with its data, and a cancel flag. Shared by options and the objects made
/// with them.
#[derive(Clone, Default)]
pub(super) struct Progress {
    callback: Option<Arc<(ckpt_progress_callback, UserData)>>,
    cancel: Option<Cancel>,
}

impl Progress {
    pub fn report(&self, done: u64, total: u64) -> ControlFlow<()> {
        if self.cancel.as_ref().is_some_and(Cancel::is_raised) {
            return ControlFlow::Break(());
        }
        match self.callback.as_deref() {
            Some((Some(callback), user)) if callback(user.pointer(), done, total) != CKPT_CODE_OK => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Replaces the progress callback of options. The options own `user_data` from here on, also on
/// failure.
pub(super) fn set<T: Changeable>(
    options: *mut T,
    field: impl FnOnce(&mut T::Value) -> &mut Progress,
    callback: ckpt_progress_callback,
    user_data: *mut c_void,
    free: ckpt_free_callback,
) -> Result<()> {
    let callback = Some(Arc::new((callback, UserData::new(user_data, free))));
    field(&mut *target(options)?).callback = callback;
    Ok(())
}

/// Replaces the cancel flag of options; NULL removes it.
pub(super) fn set_cancel<T: Changeable>(
    options: *mut T,
    field: impl FnOnce(&mut T::Value) -> &mut Progress,
    cancel: *const ckpt_cancel,
) -> Result<()> {
    field(&mut *target(options)?).cancel = flag_at(cancel);
    Ok(())
}

/// The flag behind a handle; `None` for NULL.
pub(super) fn flag_at(cancel: *const ckpt_cancel) -> Option<Cancel> {
    handle(cancel).map(|c| c.0.clone())
}

/// A flag that cancels long calls from any thread. Options given the flag stay valid after it is
/// freed.
pub struct ckpt_cancel(Cancel);

/// Creates a cancel flag that is not raised. Free it with `ckpt_cancel_free`.
#[no_mangle]
pub extern "C" fn ckpt_cancel_new() -> *mut ckpt_cancel {
    ask(std::ptr::null_mut(), || own(ckpt_cancel(Cancel::new())))
}

/// Raises the flag: calls given it soon fail with `CKPT_CODE_CANCELLED`, unless they have already
/// published their result. The flag cannot be lowered again. Callable from any thread, and from a
/// signal handler: it takes no lock, allocates nothing, and only stores into an atomic. NULL is
/// ignored.
#[no_mangle]
pub extern "C" fn ckpt_cancel_raise(cancel: *const ckpt_cancel) {
    ask((), || {
        if let Some(cancel) = handle(cancel) {
            cancel.0.raise();
        }
    })
}

/// Frees a cancel flag. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_cancel_free(cancel: *mut ckpt_cancel) {
    release(cancel);
}
