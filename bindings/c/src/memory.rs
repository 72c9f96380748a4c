//! The caller's memory that the library borrows beyond a call.

use std::alloc::Layout;
use std::ffi::c_void;

use super::callback::{ckpt_failure, CallbackMark};
use super::constants::{ckpt_code, ckpt_dtype, known_dtype};
use super::error::ckpt_error;
use super::graph::ckpt_graph;
use super::node::{ckpt_node, ckpt_node_options};
use super::progress::{ckpt_free_callback, UserData};
use super::variable::{accepted, add};
use super::{array_mut, call, check_array};
use ::checkpoint::{Error, Failure, Memory, Resizable, Result, Variable, MAX_RANK};

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

/// Says where the value of a resizable variable is now: sets `*data` and `*size`, in bytes, writes
/// its dimensions to `dimensions`, which has room for `CKPT_MAX_RANK`, and returns their number; -1
/// if there is no value yet. The memory must stay as it is until the call of the graph is over.
pub type ckpt_locate_callback =
    Option<extern "C" fn(user_data: *mut c_void, data: *mut *mut c_void, size: *mut usize, dimensions: *mut i64) -> i32>;

/// Makes memory for a new value of a resizable variable: sets `*data` to `size` bytes, for `rank`
/// dimensions. The current value must stay as it is: the memory becomes the value when the resized
/// callback says so.
///
/// Any return value but `CKPT_CODE_OK` ends the restore with `CKPT_CODE_ABORTED`; the value stays.
pub type ckpt_resize_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        shape: *const i64,
        rank: usize,
        size: usize,
        data: *mut *mut c_void,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Ends what the resize callback began. If `complete` is true, all bytes were written and their
/// checksum matched: the new memory is the value from here on. Otherwise it is of no use, and the
/// value is the one before.
pub type ckpt_resized_callback = Option<extern "C" fn(user_data: *mut c_void, complete: bool)>;

/// Memory of the caller that may move and change its size.
struct Located {
    user: UserData,
    locate: extern "C" fn(*mut c_void, *mut *mut c_void, *mut usize, *mut i64) -> i32,
    resize: ckpt_resize_callback,
    resized: ckpt_resized_callback,
    /// The memory that the resize callback has made, until it is finished.
    made: Option<(*mut u8, usize)>,
    mark: CallbackMark,
}

// SAFETY: as for `Borrowed`; the callbacks are called under the graph's lock.
unsafe impl Send for Located {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for Located {}

impl Located {
    /// The memory of the value and its shape, if it has one.
    fn find(&self) -> (*mut u8, usize, Option<Vec<i64>>) {
        let (mut data, mut size, mut dimensions) = (std::ptr::null_mut(), 0, [0; MAX_RANK]);
        let rank = self.mark.run(|| (self.locate)(self.user.pointer(), &mut data, &mut size, dimensions.as_mut_ptr()));
        let shape = usize::try_from(rank).ok().and_then(|rank| dimensions.get(..rank)).map(<[i64]>::to_vec);
        let size = if shape.is_some() { size } else { 0 };
        (data.cast(), size, shape)
    }
}

impl Memory for Located {
    fn bytes(&self) -> &[u8] {
        let (data, size, _) = self.find();
        // Memory that is not there has no bytes, which do not fit the shape.
        super::array(data, size, "the data").unwrap_or_default()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let (data, size) = self.made.unwrap_or_else(|| {
            let (data, size, _) = self.find();
            (data, size)
        });
        array_mut(data, size, "the data").unwrap_or_default()
    }
}

impl Resizable for Located {
    fn shape(&self) -> Option<Vec<i64>> {
        self.find().2
    }

    fn prepare(&mut self, shape: &[i64], size: usize) -> std::result::Result<(), Failure> {
        let Some(resize) = self.resize else { return Err("it has no resize callback".into()) };
        let mut data = std::ptr::null_mut();
        let user = self.user.pointer();
        self.mark.try_run(|failure| resize(user, shape.as_ptr(), shape.len(), size, &mut data, failure))?;
        self.made = Some((data.cast(), size));
        Ok(())
    }

    fn finish(&mut self, complete: bool) {
        if let (Some(_), Some(resized)) = (self.made.take(), self.resized) {
            self.mark.run(|| resized(self.user.pointer(), complete));
        }
    }
}

/// Adds a variable of a fixed-size dtype whose value is in memory of the caller that may move and
/// change its size, such as a vector that grows. Each call that reaches the graph asks `locate`
/// where the value is: a save takes it as it is then. A restore writes into that memory if its
/// shape is that of the stored value; otherwise it asks `resize` for new memory, and tells
/// `resized` whether that is the value now.
///
/// `shape` gives the accepted shape, with -1 for a dimension of any size; a `rank` of -1 accepts
/// any shape. Without `resize` and `resized`, which may be NULL, values of another size cannot be
/// restored.
///
/// The callbacks run on the thread of the call, with the graph's lock held, and must not call the
/// graph. They get `user_data`. `free_user_data`, unless NULL, is called when the variable is
/// removed or the last handle that uses the graph is freed; at once if this call fails.
///
/// Fails as `ckpt_graph_add_object`, and with `CKPT_CODE_INVALID_ARGUMENT` if `locate` is NULL,
/// only one of `resize` and `resized` is, a dimension is below -1, there is a value already that
/// does not have an accepted shape and the size of that, or the dtype is unknown or not fixed-size.
/// Saving fails with `CKPT_CODE_INVALID_ARGUMENT` if size and shape do not match.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_resizable(
    graph: *const ckpt_graph,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: i32,
    locate: ckpt_locate_callback,
    resize: ckpt_resize_callback,
    resized: ckpt_resized_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        add(graph, options, node, |graph| {
            let locate = locate.ok_or_else(|| Error::argument("the locate callback is NULL"))?;
            if resize.is_some() != resized.is_some() {
                return Err(Error::argument("the resize and the resized callback need each other: one of them is NULL"));
            }
            let memory = Located { user, locate, resize, resized, made: None, mark: graph.mark.clone() };
            Variable::resizable(known_dtype(dtype)?, accepted(shape, rank)?, Box::new(memory))
        })
    })
}
