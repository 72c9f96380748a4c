//! Merging the checkpoints of several workers.

use std::ffi::{c_char, c_void};

use super::constants::{ckpt_code, ckpt_durability, ckpt_locking, durability_of, limit_of, locking_of};
use super::error::ckpt_error;
use super::log::{ckpt_log_callback, set_log};
use super::options::with;
use super::progress::{self, ckpt_cancel, ckpt_free_callback, ckpt_progress_callback, Progress};
use super::{ask, call, changeable, copied, list_at, own, path_at, release, Exclusive};
use ::checkpoint::{merge, MergeOptions};

/// Options for merging checkpoints. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_merge_options(Exclusive<MergeSettings>);

#[derive(Default)]
pub(super) struct MergeSettings {
    pub options: MergeOptions,
    progress: Progress,
}

impl MergeSettings {
    pub fn resolve(&self) -> (MergeOptions, Progress) {
        (self.options.clone(), self.progress.clone())
    }
}

changeable! {
    ckpt_merge_options: MergeSettings,
}

/// Creates options with the defaults. Free them with `ckpt_merge_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_new() -> *mut ckpt_merge_options {
    ask(std::ptr::null_mut(), || own(ckpt_merge_options::default()))
}

/// Sets whether sections may be missing: if so, the existing ones are merged, and at least one must
/// exist. False by default: then all of the given sections must exist; if one of them is called
/// `part-00000-of-00002`, so must the other one be given; the slices of each tensor must cover it;
/// and there must be every key that the object graph names.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_allow_missing(
    options: *mut ckpt_merge_options,
    allow: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(allow), MergeOptions::allow_missing)
}

/// Sets whether the sections are kept after the merge. False by default: they are deleted.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_keep_inputs(
    options: *mut ckpt_merge_options,
    keep: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(keep), MergeOptions::keep_inputs)
}

/// Sets what survives a power failure after the merge: one of the `CKPT_DURABILITY_` constants.
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_durability(
    options: *mut ckpt_merge_options,
    durability: ckpt_durability,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || durability_of(durability), MergeOptions::durability)
}

/// Sets whether the directory is locked: one of the `CKPT_LOCKING_` constants;
/// `CKPT_LOCKING_IF_POSSIBLE` by default. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_locking(
    options: *mut ckpt_merge_options,
    locking: ckpt_locking,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || locking_of(locking), MergeOptions::locking)
}

/// Sets for how many seconds the call waits for a lock that another process or thread holds; 60 by
/// default, 0 fails at once. Fails with `CKPT_CODE_INVALID_ARGUMENT` for negative values and NaN.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_lock_wait(
    options: *mut ckpt_merge_options,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || limit_of(seconds), MergeOptions::lock_wait)
}

/// Sets the callback that reports progress during `ckpt_merge`; NULL for none.
///
/// The options keep `user_data`. `free_user_data`, unless NULL, is called when the options are
/// freed or given another callback; if this call fails, immediately.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_progress(
    options: *mut ckpt_merge_options,
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
pub extern "C" fn ckpt_merge_options_set_cancel(
    options: *mut ckpt_merge_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || progress::set_cancel(options, |o| &mut o.progress, cancel))
}

/// Sets the log, which is called with `user_data` about a file system that has no locks and the
/// like. NULL, the default, turns it off.
///
/// The options keep `user_data`. `free_user_data`, if not NULL, is called when neither the options
/// nor a call that was given them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_log(
    options: *mut ckpt_merge_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, MergeOptions::log_to, log, user_data, free_user_data))
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_free(options: *mut ckpt_merge_options) {
    release(options);
}

/// Merges `count` V2 checkpoints into the checkpoint `destination`
/// (`tf.raw_ops.MergeV2Checkpoints`). Each of `sections` is the prefix of a checkpoint, typically
/// written by one worker of a distributed program.
///
/// Values are not copied if the file system supports hard links. Slices of one tensor from several
/// sections are joined. Until the merged checkpoint is published, the sections and an existing
/// checkpoint at `destination` are untouched. After that, the sections are deleted unless the
/// options keep them. A merge interrupted by a crash can be repeated. Progress is counted in bytes
/// of shards (data files).
///
/// Fails as `ckpt_writer_finish`, and:
/// * `CKPT_CODE_NOT_FOUND`: a section (`CKPT_REASON_NO_CHECKPOINT`) or one of its shards is
///   missing, slices do not cover a tensor (`CKPT_REASON_GAP`), or no section has a key that the
///   object graph names (`CKPT_REASON_NO_TENSOR`). What is missing is known from the names of
///   sections, such as `part-00000-of-00002`, and their contents.
/// * `CKPT_CODE_INVALID_ARGUMENT`: two sections hold the same tensor; slices of one tensor overlap
///   or disagree on dtype or shape; sections disagree on version or byte order; `count` is 0; or
///   `destination` is one of the sections.
/// * `CKPT_CODE_DATA_LOSS`: the index of a section is damaged, or a shard is too short.
#[no_mangle]
pub extern "C" fn ckpt_merge(
    destination: *const c_char,
    sections: *const *const c_char,
    count: usize,
    options: *const ckpt_merge_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let destination = path_at(destination)?;
        let sections = list_at(sections, count, "the sections", |&section| path_at(section))?;
        let (options, progress) = copied(options, MergeSettings::resolve)?;
        merge(destination, &sections, &options, &mut |done, total| progress.report(done, total)).map(drop)
    })
}
