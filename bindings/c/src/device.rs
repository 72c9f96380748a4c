//! Variables whose values are in memory that the CPU cannot access.

use std::ffi::c_void;
use std::sync::Arc;

use parking_lot::Mutex;

use super::callback::{ckpt_failure, ckpt_read_callback, CallbackMark};
use super::constants::{ckpt_code, ckpt_dtype, known_dtype};
use super::error::ckpt_error;
use super::exclusive::Changing;
use super::graph::ckpt_graph;
use super::node::{ckpt_node, ckpt_node_options};
use super::progress::{ckpt_free_callback, UserData};
use super::variable::{accepted, add};
use super::{ask, call, changeable, changed, own, release, required, Exclusive};
use ::checkpoint::{DType, Device, Error, Failure, Result, Variable, MAX_RANK};

/// Describes the current shape of the value: writes the dimensions to `dimensions`, which has room
/// for `CKPT_MAX_RANK`, and returns their number; -1 if there is no value yet.
pub type ckpt_describe_callback = Option<extern "C" fn(user_data: *mut c_void, dimensions: *mut i64) -> i32>;

/// Announces that a value of `dtype` and of `rank` dimensions is about to be written.
///
/// Any return value but `CKPT_CODE_OK` ends the restore with `CKPT_CODE_ABORTED`; then no byte of
/// the value is written.
pub type ckpt_prepare_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        dtype: ckpt_dtype,
        shape: *const i64,
        rank: usize,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Writes part of a value: `size` bytes from byte `offset` on, row-major and in native byte order.
/// Each byte is passed once.
///
/// Any return value but `CKPT_CODE_OK` ends the restore with `CKPT_CODE_ABORTED`; the finish
/// callback is still called.
pub type ckpt_write_at_callback = Option<
    extern "C" fn(user_data: *mut c_void, offset: u64, data: *const c_void, size: usize, failure: *mut ckpt_failure) -> ckpt_code,
>;

/// Announces that the writing of the value announced by the prepare callback has ended. `complete`
/// is true if all bytes were written and their checksum matched.
///
/// Any return value but `CKPT_CODE_OK` ends the restore with `CKPT_CODE_ABORTED`.
pub type ckpt_finish_callback =
    Option<extern "C" fn(user_data: *mut c_void, complete: bool, failure: *mut ckpt_failure) -> ckpt_code>;

/// Callbacks through which the library accesses values that the CPU cannot reach directly: on a
/// device, or in another process. Values are read and written in pieces; the library needs memory
/// for a few pieces, whatever the size of the value.
///
/// For one thread at a time while it is changed. Variables already added with the device do not see
/// later changes.
pub struct ckpt_device(Exclusive<Callbacks>);

changeable! {
    ckpt_device: Callbacks,
}

#[derive(Clone)]
pub(super) struct Callbacks {
    user: Arc<UserData>,
    describe: ckpt_describe_callback,
    read: ckpt_read_callback,
    prepare: ckpt_prepare_callback,
    write: ckpt_write_at_callback,
    finish: ckpt_finish_callback,
    is_concurrent: bool,
}

/// Creates a device without callbacks. Free it with `ckpt_device_free`.
///
/// The callbacks get `user_data`, which the device and the variables added with it share.
/// `free_user_data`, unless NULL, is called when the last of them no longer exists.
#[no_mangle]
pub extern "C" fn ckpt_device_new(user_data: *mut c_void, free_user_data: ckpt_free_callback) -> *mut ckpt_device {
    ask(std::ptr::null_mut(), || {
        let user = Arc::new(UserData::new(user_data, free_user_data));
        own(ckpt_device(Exclusive::new(Callbacks {
            user,
            describe: None,
            read: None,
            prepare: None,
            write: None,
            finish: None,
            is_concurrent: false,
        })))
    })
}

fn target(device: *mut ckpt_device) -> Result<Changing<Callbacks>> {
    changed(device, "the device")
}

/// Sets the callback that describes the current shape of the value. By default, the shape is that
/// of the last value written; before the first, the shape that the variable was added with, if that
/// has no -1.
#[no_mangle]
pub extern "C" fn ckpt_device_set_describe(
    device: *mut ckpt_device,
    describe: ckpt_describe_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        target(device)?.describe = describe;
        Ok(())
    })
}

/// Sets the callback that reads the value; required to add a variable. It is called on the writing
/// threads: one call at a time, or, if `concurrent` is true, several at once.
#[no_mangle]
pub extern "C" fn ckpt_device_set_read(
    device: *mut ckpt_device,
    read: ckpt_read_callback,
    concurrent: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let mut device = target(device)?;
        (device.read, device.is_concurrent) = (read, concurrent);
        Ok(())
    })
}

/// Sets the callback that announces that a value is about to be written; none by default.
#[no_mangle]
pub extern "C" fn ckpt_device_set_prepare(
    device: *mut ckpt_device,
    prepare: ckpt_prepare_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        target(device)?.prepare = prepare;
        Ok(())
    })
}

/// Sets the callback that writes the value. Without it, the variable can only be saved.
#[no_mangle]
pub extern "C" fn ckpt_device_set_write(
    device: *mut ckpt_device,
    write: ckpt_write_at_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        target(device)?.write = write;
        Ok(())
    })
}

/// Sets the callback that announces that writing a value has ended; none by default.
#[no_mangle]
pub extern "C" fn ckpt_device_set_finish(
    device: *mut ckpt_device,
    finish: ckpt_finish_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        target(device)?.finish = finish;
        Ok(())
    })
}

/// Frees a device. Variables added with it keep working. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_device_free(device: *mut ckpt_device) {
    release(device);
}

/// Adds a variable of a fixed-size `dtype` whose value is on a device.
///
/// `shape` gives the accepted shape, with -1 for a dimension of any size; a `rank` of -1 accepts
/// any shape. The device may be freed immediately.
///
/// Fails as `ckpt_graph_add_object`, and with `CKPT_CODE_INVALID_ARGUMENT` if a dimension is below
/// -1, the dtype is unknown or not fixed-size, the device has no read callback, or the describe
/// callback returns an invalid shape.
#[no_mangle]
pub extern "C" fn ckpt_graph_add_device(
    graph: *const ckpt_graph,
    dtype: ckpt_dtype,
    shape: *const i64,
    rank: i32,
    device: *const ckpt_device,
    options: *const ckpt_node_options,
    node: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || add(graph, options, node, |graph| variable(&graph.mark, known_dtype(dtype)?, accepted(shape, rank)?, device)))
}

/// A variable on a device.
pub(super) fn variable(
    mark: &CallbackMark,
    dtype: DType,
    accepts: Option<&[i64]>,
    device: *const ckpt_device,
) -> Result<Variable> {
    let callbacks = required(device, "the device")?.0.read("the device")?.clone();
    if callbacks.read.is_none() {
        return Err(Error::argument("the device has no read callback"));
    }
    let shape = accepts.filter(|accepts| accepts.iter().all(|&n| n >= 0)).map(<[i64]>::to_vec);
    let device = Value { dtype, shape: Mutex::new(shape), callbacks, mark: mark.clone() };
    Variable::device(accepts, Arc::new(device))
}

struct Value {
    dtype: DType,
    /// The shape if there is no describe callback.
    shape: Mutex<Option<Vec<i64>>>,
    callbacks: Callbacks,
    mark: CallbackMark,
}

impl Value {
    fn user(&self) -> *mut c_void {
        self.callbacks.user.pointer()
    }
}

impl Device for Value {
    fn describe(&self) -> (DType, Option<Vec<i64>>) {
        let Some(describe) = self.callbacks.describe else { return (self.dtype, self.shape.lock().clone()) };
        let mut dimensions = [0; MAX_RANK];
        let rank = self.mark.run(|| describe(self.user(), dimensions.as_mut_ptr()));
        (self.dtype, usize::try_from(rank).ok().and_then(|rank| dimensions.get(..rank)).map(<[i64]>::to_vec))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::result::Result<(), Failure> {
        self.mark.read(self.callbacks.read, self.user(), offset, buffer)
    }

    fn prepare(&self, dtype: DType, shape: &[i64]) -> std::result::Result<(), Failure> {
        if self.callbacks.write.is_none() {
            return Err("the device has no write callback".into());
        }
        if let Some(prepare) = self.callbacks.prepare {
            let number = dtype.number() as ckpt_dtype;
            self.mark.try_run(|failure| prepare(self.user(), number, shape.as_ptr(), shape.len(), failure))?;
        }
        *self.shape.lock() = Some(shape.to_vec());
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> std::result::Result<(), Failure> {
        match self.callbacks.write {
            Some(write) if !bytes.is_empty() => {
                self.mark.try_run(|failure| write(self.user(), offset, bytes.as_ptr().cast(), bytes.len(), failure))
            }
            _ => Ok(()),
        }
    }

    fn finish(&self, complete: bool) -> std::result::Result<(), Failure> {
        match self.callbacks.finish {
            Some(finish) => self.mark.try_run(|failure| finish(self.user(), complete, failure)),
            None => Ok(()),
        }
    }

    fn is_concurrent(&self) -> bool {
        self.callbacks.is_concurrent
    }
}
