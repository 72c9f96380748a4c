//! Progress callbacks, which several options carry.

use std::ffi::c_void;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use super::constants::{ckpt_code, CKPT_CODE_OK};
use super::options::target;
use super::{ask, handle, own, release};
use ::checkpoint::Result;

/// Hears how far a long call is: `done` of `total`, in bytes unless the call says otherwise. It is called on the thread that made
/// the call, of a save in the background on that one. Anything but `CKPT_CODE_OK` stops the call, which then returns `CKPT_CODE_CANCELLED`.
pub type ckpt_progress_callback = Option<extern "C" fn(user_data: *mut c_void, done: u64, total: u64) -> ckpt_code>;

/// Frees what a callback was given. It is called once, when the callback will not be called any more.
pub type ckpt_free_callback = Option<extern "C" fn(user_data: *mut c_void)>;

/// What a callback of the caller's is given, freed with the last that holds it.
pub(super) struct UserData {
    data: *mut c_void,
    free: ckpt_free_callback,
}

// SAFETY: the library never looks at what the pointer leads to; it hands it to callbacks whose comments say on which threads they run.
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
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            free(self.data);
        }
    }
}

/// What several options carry: a callback with its data, and a flag; shared with the objects that were made with them.
#[derive(Clone, Default)]
pub(super) struct Progress {
    callback: Option<Arc<(ckpt_progress_callback, UserData)>>,
    cancel: Option<Arc<AtomicBool>>,
}

impl Progress {
    pub fn report(&self, done: u64, total: u64) -> ControlFlow<()> {
        if self.cancel.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return ControlFlow::Break(());
        }
        match self.callback.as_deref() {
            Some((Some(callback), user)) if callback(user.pointer(), done, total) != CKPT_CODE_OK => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Gives options another callback. `user_data` is theirs from here on, also on failure.
pub(super) fn set<T>(
    options: *mut T,
    field: impl FnOnce(&mut T) -> &mut Progress,
    callback: ckpt_progress_callback,
    user_data: *mut c_void,
    free: ckpt_free_callback,
) -> Result<()> {
    let callback = Some(Arc::new((callback, UserData::new(user_data, free))));
    field(target(options)?).callback = callback;
    Ok(())
}

/// Gives options another flag; NULL takes it away.
pub(super) fn set_cancel<T>(
    options: *mut T,
    field: impl FnOnce(&mut T) -> &mut Progress,
    cancel: *const ckpt_cancel,
) -> Result<()> {
    field(target(options)?).cancel = handle(cancel).map(|c| c.0.clone());
    Ok(())
}

/// A flag that stops long calls, from any thread. Options that were given it keep what they need of it: it may be freed first.
pub struct ckpt_cancel(Arc<AtomicBool>);

/// A new flag, not raised; to be freed with `ckpt_cancel_free`.
#[no_mangle]
pub extern "C" fn ckpt_cancel_new() -> *mut ckpt_cancel {
    ask(std::ptr::null_mut(), || own(ckpt_cancel(Arc::default())))
}

/// Raises the flag: calls that were given it return `CKPT_CODE_CANCELLED` soon, unless they have published by then. It stays raised. NULL is
/// nothing.
#[no_mangle]
pub extern "C" fn ckpt_cancel_raise(cancel: *const ckpt_cancel) {
    ask((), || {
        if let Some(cancel) = handle(cancel) {
            cancel.0.store(true, Ordering::Relaxed);
        }
    })
}

/// Frees a flag. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_cancel_free(cancel: *mut ckpt_cancel) {
    release(cancel);
}
