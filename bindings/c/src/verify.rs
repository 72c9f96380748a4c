//! Verifying a whole checkpoint.

use std::ffi::{c_char, c_void};

use super::constants::{ckpt_code, ckpt_verdict};
use super::error::ckpt_error;
use super::log::{ckpt_log_callback, set_log};
use super::options::with;
use super::progress::{self, ckpt_cancel, ckpt_free_callback, ckpt_progress_callback, Progress};
use super::{ask, call, changeable, copied, handle, output, own, path_at, release, Exclusive};
use ::checkpoint::{verify, Verification, VerifyOptions};

/// Options for verifying a checkpoint. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_verify_options(Exclusive<VerifySettings>);

#[derive(Default)]
pub(super) struct VerifySettings {
    pub options: VerifyOptions,
    progress: Progress,
}

changeable! {
    ckpt_verify_options: VerifySettings,
}

impl VerifySettings {
    pub fn resolve(&self) -> (VerifyOptions, Progress) {
        (self.options.clone(), self.progress.clone())
    }
}

/// Creates options with the defaults. Free them with `ckpt_verify_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_new() -> *mut ckpt_verify_options {
    ask(std::ptr::null_mut(), || own(ckpt_verify_options::default()))
}

/// Sets the number of reading threads; 0, the default, lets the library choose. There are never
/// more than one for every 256 KiB, nor more than eight per processor.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_set_threads(
    options: *mut ckpt_verify_options,
    threads: u32,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(threads), VerifyOptions::threads)
}

/// Leaves the values unread if `skip` is true: only the index is verified, that the data files
/// exist and are long enough, and the keys of the object graph, which is quick. Damaged values are
/// not noticed. False by default.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_set_skip_values(
    options: *mut ckpt_verify_options,
    skip: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(skip), VerifyOptions::skip_values)
}

/// Sets the callback that reports progress during `ckpt_verify`; NULL for none.
///
/// The options keep `user_data`. `free_user_data`, unless NULL, is called when the options are
/// freed or given another callback; if this call fails, immediately.
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

/// Sets a flag that cancels the call when raised; NULL removes it. The flag may be freed at any
/// time.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_set_cancel(
    options: *mut ckpt_verify_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || progress::set_cancel(options, |o| &mut o.progress, cancel))
}

/// Sets the log, which is called with `user_data` about how the path was understood where that may
/// surprise, as `ckpt_open_options_set_log` says. What is wrong with a checkpoint is in the
/// result. NULL, the default, turns it off.
///
/// The options keep `user_data`. `free_user_data`, if not NULL, is called when neither the options
/// nor a call that was given them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_set_log(
    options: *mut ckpt_verify_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, VerifyOptions::log_to, log, user_data, free_user_data))
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_verify_options_free(options: *mut ckpt_verify_options) {
    release(options);
}

/// The result of a verification. Immutable: several threads may use it at once.
pub struct ckpt_verification {
    verdict: ckpt_verdict,
    problems: Vec<ckpt_error>,
    tensors: usize,
    bytes: u64,
    files: usize,
}

impl ckpt_verification {
    pub(super) fn new(found: Verification) -> ckpt_verification {
        let problems = found.problems.into_iter().map(ckpt_error::new).collect();
        let verdict = found.verdict as ckpt_verdict;
        ckpt_verification { verdict, problems, tensors: found.tensors, bytes: found.bytes, files: found.files }
    }
}

/// Verifies the checkpoint at `path`, which may be any path that `ckpt_reader_open` accepts: every
/// checksum of every block and tensor, that stored slices cover their tensors, that no two values
/// overlap in a file, and that every key of the object graph exists.
///
/// Unlike reading, verifying continues after a fault: `CKPT_CODE_OK` means that it ran to the end,
/// not that the checkpoint can be restored. For that, check `ckpt_verification_verdict`.
///
/// `*verification` is owned by the caller: free it with `ckpt_verification_free`.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND` (`CKPT_REASON_NO_CHECKPOINT`): there is no checkpoint at `path`.
/// * `CKPT_CODE_CANCELLED` (`CKPT_REASON_CALLBACK`): the progress callback or the cancel flag
///   stopped it.
/// * `CKPT_CODE_RESOURCE_EXHAUSTED`: the process or the system has no memory or file handles to
///   spare, which says nothing about the checkpoint.
/// * `CKPT_CODE_DATA_LOSS` (`CKPT_REASON_REPLACED`), `CKPT_CODE_NOT_FOUND`
///   (`CKPT_REASON_MISSING_FILE`) or `CKPT_CODE_UNAVAILABLE` (`CKPT_REASON_BUSY`): the checkpoint
///   was replaced or removed meanwhile, perhaps again and again.
#[no_mangle]
pub extern "C" fn ckpt_verify(
    path: *const c_char,
    options: *const ckpt_verify_options,
    verification: *mut *mut ckpt_verification,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(verification, std::ptr::null_mut(), "the output argument `verification`")?;
        let (options, progress) = copied(options, VerifySettings::resolve)?;
        let found = verify(path_at(path)?, &options, &mut |at| progress.report(at.bytes_done, at.bytes_total))?;
        *out = own(ckpt_verification::new(found));
        Ok(())
    })
}

/// Returns what the checkpoint is good for: one of the `CKPT_VERDICT_` constants; 0 if
/// `verification` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_verification_verdict(verification: *const ckpt_verification) -> ckpt_verdict {
    ask(0, || handle(verification).map_or(0, |v| v.verdict))
}

/// Returns the number of problems found, at most 10 000; 0 if the checkpoint is whole. The first is
/// the reason for the verdict.
#[no_mangle]
pub extern "C" fn ckpt_verification_problem_count(verification: *const ckpt_verification) -> usize {
    ask(0, || handle(verification).map_or(0, |v| v.problems.len()))
}

/// Returns the problem at `index`. Lent by the verification: do not free it. NULL if `index` is out
/// of range.
#[no_mangle]
pub extern "C" fn ckpt_verification_problem(verification: *const ckpt_verification, index: usize) -> *const ckpt_error {
    ask(std::ptr::null(), || handle(verification).and_then(|v| v.problems.get(index)).map_or(std::ptr::null(), |p| p))
}

/// Returns the number of tensors listed in the checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_verification_tensor_count(verification: *const ckpt_verification) -> usize {
    ask(0, || handle(verification).map_or(0, |v| v.tensors))
}

/// Returns the number of bytes of values that were verified.
#[no_mangle]
pub extern "C" fn ckpt_verification_byte_count(verification: *const ckpt_verification) -> u64 {
    ask(0, || handle(verification).map_or(0, |v| v.bytes))
}

/// Returns the number of files of the checkpoint that exist.
#[no_mangle]
pub extern "C" fn ckpt_verification_file_count(verification: *const ckpt_verification) -> usize {
    ask(0, || handle(verification).map_or(0, |v| v.files))
}

/// Frees a verification and its problems. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_verification_free(verification: *mut ckpt_verification) {
    release(verification);
}
