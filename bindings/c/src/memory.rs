//! The caller's memory that the library borrows beyond a call.

use std::alloc::Layout;
use std::ffi::c_void;

use super::progress::{ckpt_free_callback, UserData};
use super::{array_mut, check_array};
use ::checkpoint::{Memory, Result};

/// Borrowed bytes; dropping them calls the release callback.
pub(super) struct Borrowed {
    data: *mut u8,
    size: usize,
    _user: UserData,
}

// SAFETY: the caller lends the memory to the graph, to one save or to one read. The first two use
// it under the graph's lock; while it is held, several threads read the memory, or each writes a
// separate part. A read is alone with the memory.
unsafe impl Send for Borrowed {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for Borrowed {}

impl Borrowed {
    /// Borrows memory. From here on the release callback will run, also if this fails.
    pub fn new(data: *mut c_void, size: usize, user_data: *mut c_void, release: ckpt_free_callback) -> Result<Box<Borrowed>> {
        let user = UserData::new(user_data, release);
        check_array(data.cast(), size, Layout::new::<u8>(), "the data")?;
        Ok(Box::new(Borrowed { data: data.cast(), size, _user: user }))
    }
}

impl Memory for Borrowed {
    fn bytes(&self) -> &[u8] {
        // `new` checked the pointer, so this cannot fail.
        super::array(self.data, self.size, "the data").unwrap_or_default()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        array_mut(self.data, self.size, "the data").unwrap_or_default()
    }
}

impl AsMut<[u8]> for Borrowed {
    fn as_mut(&mut self) -> &mut [u8] {
        self.bytes_mut()
    }
}
