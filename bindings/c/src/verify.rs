//! Checking a whole checkpoint.

use std::ffi::{c_char, c_void};

use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::options::with;
use super::progress::{self, ckpt_cancel, ckpt_free_callback, ckpt_progress_callback, Progress};
use super::{ask, call, handle, output, own, path_at, release};
use ::checkpoint::{verify, VerifyOptions};

/// How a checkpoint is verified. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_verify_options {
    pub(super) options: VerifyOptions,
    progress: Progress,
}

impl ckpt_verify_options {
    pub(super) fn settle(&self) -> (VerifyOptions, Progress) {
        (self.options.clone(), self.progress.clone())
    }
}

/// New options with the defaults; to be freed with `ckpt_verify_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_new() -> *mut ckpt_verify_options {
    ask(std::ptr::null_mut(), || own(ckpt_verify_options::default()))
}

/// Reads with so many threads; 0, the default, lets the library choose.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_set_threads(
    options: *mut ckpt_verify_options,
    threads: u32,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(threads), VerifyOptions::threads)
}

/// Has `progress` called now and then, with `user_data`; NULL for none. The options keep `user_data` and call `free_user_data`, if it
/// is not NULL, when they are freed or given another callback; when this call fails, at once.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_set_progress(
    options: *mut ckpt_verify_options,
    progress: ckpt_progress_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || progress::set(options, |o| &mut o.progress, progress, user_data, free_user_data))
}

/// Has the call stop when `cancel` is raised; NULL takes the flag away.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_set_cancel(
    options: *mut ckpt_verify_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || progress::set_cancel(options, |o| &mut o.progress, cancel))
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_free(options: *mut ckpt_verify_options) {
    release(options);
}

/// What verifying found. It does not change: several threads may use it at once.
pub struct ckpt_verification {
    problems: Vec<ckpt_error>,
    tensors: usize,
    bytes: u64,
    files: usize,
}

/// Checks every checksum of every block and tensor of the checkpoint at `path`, which may be anything that `ckpt_reader_open` takes.
/// Unlike reading, it goes on after a fault: `CKPT_CODE_OK` says that it came to the end, not that the checkpoint is whole.
///
/// `*verification` is to be freed with `ckpt_verification_free`; NULL on failure. `CKPT_CODE_NOT_FOUND` when there is no checkpoint,
/// `CKPT_CODE_CANCELLED` when the progress callback stopped it.
#[no_mangle]
pub extern "C" fn ckpt_verify(
    path: *const c_char,
    options: *const ckpt_verify_options,
    verification: *mut *mut ckpt_verification,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(verification, std::ptr::null_mut(), "the place for the verification")?;
        let (options, progress) = handle(options).map(ckpt_verify_options::settle).unwrap_or_default();
        let found = verify(path_at(path)?, &options, &mut |at| progress.report(at.bytes_done, at.bytes_total))?;
        let problems = found.problems.into_iter().map(ckpt_error::new).collect();
        *out = own(ckpt_verification { problems, tensors: found.tensors, bytes: found.bytes, files: found.files });
        Ok(())
    })
}

/// The number of problems, at most 10 000; 0 when the checkpoint is whole.
#[no_mangle]
pub extern "C" fn ckpt_verification_problem_count(verification: *const ckpt_verification) -> usize {
    ask(0, || handle(verification).map_or(0, |v| v.problems.len()))
}

/// The problem at `index`. Lent: not to be freed; NULL when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_verification_problem(verification: *const ckpt_verification, index: usize) -> *const ckpt_error {
    ask(std::ptr::null(), || handle(verification).and_then(|v| v.problems.get(index)).map_or(std::ptr::null(), |p| p))
}

/// The number of tensors listed.
#[no_mangle]
pub extern "C" fn ckpt_verification_tensor_count(verification: *const ckpt_verification) -> usize {
    ask(0, || handle(verification).map_or(0, |v| v.tensors))
}

/// The bytes of values that were checked.
#[no_mangle]
pub extern "C" fn ckpt_verification_byte_count(verification: *const ckpt_verification) -> u64 {
    ask(0, || handle(verification).map_or(0, |v| v.bytes))
}

/// The files that were there.
#[no_mangle]
pub extern "C" fn ckpt_verification_file_count(verification: *const ckpt_verification) -> usize {
    ask(0, || handle(verification).map_or(0, |v| v.files))
}

/// Frees a verification and its problems. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_verification_free(verification: *mut ckpt_verification) {
    release(verification);
}
