//! Memory of the caller's that the library borrows beyond a call.

use std::alloc::Layout;
use std::ffi::c_void;

use super::progress::{ckpt_free_callback, UserData};
use super::{array_mut, check_array};
use ::checkpoint::{Memory, Result};

/// Borrowed bytes; released when they are dropped.
pub(super) struct Borrowed {
    data: *mut u8,
    size: usize,
    _user: UserData,
}

// SAFETY: the caller lends the memory to the graph, or to one save, which use it under the graph's lock; while that is held,
// several threads read it, or each writes a part of its own.
unsafe impl Send for Borrowed {}
// SAFETY: as above: shared references only read.
unsafe impl Sync for Borrowed {}

impl Borrowed {
    /// Takes memory that is the library's to release from here on, also on failure.
    pub fn new(data: *mut c_void, size: usize, user_data: *mut c_void, release: ckpt_free_callback) -> Result<Box<Borrowed>> {
        let user = UserData::new(user_data, release);
        check_array(data.cast(), size, Layout::new::<u8>(), "the data")?;
        Ok(Box::new(Borrowed { data: data.cast(), size, _user: user }))
    }
}

impl Memory for Borrowed {
    fn bytes(&self) -> &[u8] {
        // The pointer was checked, so there is nothing that can fail.
        super::array(self.data, self.size, "the data").unwrap_or_default()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        array_mut(self.data, self.size, "the data").unwrap_or_default()
    }
}
