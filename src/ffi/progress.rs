//! Progress callbacks, which several options carry.

use std::ffi::c_void;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::constants::{ckpt_code, CKPT_OK};
use super::options::target;
use crate::error::Result;

/// Hears how far a long call is: `done` of `total`, in bytes unless the call says otherwise. It is called on the thread that made
/// the call. Anything but `CKPT_OK` stops the call, which then returns `CKPT_CANCELLED`.
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

/// A callback with its data, shared by the options and the objects that were made with them.
#[derive(Clone, Default)]
pub(super) struct Progress(Option<Arc<(ckpt_progress_callback, UserData)>>);

impl Progress {
    pub fn report(&self, done: u64, total: u64) -> ControlFlow<()> {
        match self.0.as_deref() {
            Some((Some(callback), user)) if callback(user.pointer(), done, total) != CKPT_OK => ControlFlow::Break(()),
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
    let progress = Progress(Some(Arc::new((callback, UserData::new(user_data, free)))));
    *field(target(options)?) = progress;
    Ok(())
}
