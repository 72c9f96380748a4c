//! Variables whose values are where the processor cannot reach them.

use std::ffi::c_void;
use std::sync::Arc;

use parking_lot::Mutex;

use super::callback::{ckpt_failure, ckpt_read_callback, Mark};
use super::constants::{ckpt_code, ckpt_dtype, known_dtype};
use super::error::ckpt_error;
use super::graph::ckpt_graph;
use super::node::{ckpt_node, ckpt_node_options};
use super::progress::{ckpt_free_callback, UserData};
use super::variable::{accepted, add};
use super::{ask, call, handle, own, release};
use ::checkpoint::{DType, Device, Error, Failure, Result, Variable, MAX_RANK};

/// Says what shape the value has now: writes its dimensions to `dimensions`, which has room for `CKPT_MAX_RANK`, and returns
/// how many they are; -1 when there is no value yet.
pub type ckpt_describe_callback = Option<extern "C" fn(user_data: *mut c_void, dimensions: *mut i64) -> i32>;

/// Hears that a value of `dtype` and of `rank` dimensions is about to be written. Anything but `CKPT_CODE_OK` ends the restore with
/// `CKPT_CODE_ABORTED`; then no byte of the value comes.
pub type ckpt_prepare_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        dtype: ckpt_dtype,
        shape: *const i64,
        rank: usize,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Takes `size` bytes of a value, row-major and in native byte order, from byte `offset` on. Each byte comes once. Anything but
/// `CKPT_CODE_OK` ends the restore with `CKPT_CODE_ABORTED`; the finish callback is still called.
pub type ckpt_write_at_callback = Option<
    extern "C" fn(user_data: *mut c_void, offset: u64, data: *const c_void, size: usize, failure: *mut ckpt_failure) -> ckpt_code,
>;

/// Hears that the value that the prepare callback was told of is over; `complete` if all bytes came and their checksum was
/// right. Anything but `CKPT_CODE_OK` ends the restore with `CKPT_CODE_ABORTED`.
pub type ckpt_finish_callback =
    Option<extern "C" fn(user_data: *mut c_void, complete: bool, failure: *mut ckpt_failure) -> ckpt_code>;

/// How the library gets at a value that lives where the processor cannot reach it: on a device, or in another process. It asks
/// for the value, and gives it, in pieces, and needs memory for a few of these whatever the size of the value. For one thread
/// at a time while it is changed; variables that were added with it do not hear of later changes.
pub struct ckpt_device(Callbacks);

#[derive(Clone)]
struct Callbacks {
    user: Arc<UserData>,
    describe: ckpt_describe_callback,
    read: ckpt_read_callback,
    prepare: ckpt_prepare_callback,
    write: ckpt_write_at_callback,
    finish: ckpt_finish_callback,
    is_concurrent: bool,
}

/// A device without callbacks, which get `user_data`; to be freed with `ckpt_device_free`. The device and the variables that
/// are added with it keep `user_data`; `free_user_data`, if it is not NULL, is called when the last of them is gone.
#[no_mangle]
pub extern "C" fn ckpt_device_new(user_data: *mut c_void, free_user_data: ckpt_free_callback) -> *mut ckpt_device {
    ask(std::ptr::null_mut(), || {
        let user = Arc::new(UserData::new(user_data, free_user_data));
        own(ckpt_device(Callbacks {
            user,
            describe: None,
            read: None,
            prepare: None,
            write: None,
            finish: None,
            is_concurrent: false,
        }))
    })
}

fn target<'a>(device: *mut ckpt_device) -> Result<&'a mut Callbacks> {
    super::changed(device).map(|d| &mut d.0).ok_or_else(|| Error::argument("the device is NULL"))
}

/// Who says what shape the value has. By default it has the shape that the variable was added with, if that has no -1, or that
/// of the value that was written last.
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

/// Who reads the value. A variable cannot be added without it. It is called on the threads that write, one at a time; if it is
/// `concurrent`, several at once.
#[no_mangle]
pub extern "C" fn ckpt_device_set_read(
    device: *mut ckpt_device,
    read: ckpt_read_callback,
    concurrent: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let device = target(device)?;
        (device.read, device.is_concurrent) = (read, concurrent);
        Ok(())
    })
}

/// Who hears that a value is about to be written; nobody by default.
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

/// Who writes the value. Without it the variable can only be saved.
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

/// Who hears that a value was written; nobody by default.
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

/// Frees a device. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_device_free(device: *mut ckpt_device) {
    release(device);
}

/// Adds a variable whose value is on a device, of a fixed-size `dtype`. `shape`: what shapes it takes, -1 for a dimension that
/// may be anything; a `rank` of
/// -1 for any shape at all. The device may be freed at once.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when a dimension is below -1, the dtype is none or not of a fixed size, the device has no callback
/// that reads, or what its describe callback says is impossible; else errors are those of `ckpt_graph_add_object`.
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
pub(super) fn variable(mark: &Mark, dtype: DType, accepts: Option<&[i64]>, device: *const ckpt_device) -> Result<Variable> {
    let callbacks = &handle(device).ok_or_else(|| Error::argument("the device is NULL"))?.0;
    if callbacks.read.is_none() {
        return Err(Error::argument("the device has no read callback"));
    }
    let shape = accepts.filter(|accepts| accepts.iter().all(|&n| n >= 0)).map(<[i64]>::to_vec);
    let device = Value { dtype, shape: Mutex::new(shape), callbacks: callbacks.clone(), mark: mark.clone() };
    Variable::device(accepts, Arc::new(device))
}

struct Value {
    dtype: DType,
    /// What it is if there is nobody to ask.
    shape: Mutex<Option<Vec<i64>>>,
    callbacks: Callbacks,
    mark: Mark,
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
