//! Checkpoints of several workers made one.

use std::ffi::{c_char, c_void};

use super::constants::{ckpt_code, ckpt_durability, durability_of};
use super::error::ckpt_error;
use super::options::with;
use super::progress::{self, ckpt_cancel, ckpt_free_callback, ckpt_progress_callback, Progress};
use super::{array, ask, call, handle, own, path_at, release};
use ::checkpoint::{merge, MergeOptions, Result};

/// How checkpoints are merged. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_merge_options {
    pub(super) options: MergeOptions,
    progress: Progress,
}

/// New options with the defaults; to be freed with `ckpt_merge_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_new() -> *mut ckpt_merge_options {
    ask(std::ptr::null_mut(), || own(ckpt_merge_options::default()))
}

/// Whether sections may be missing: then those that are there are merged, at least one. Not by default.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_allow_missing(
    options: *mut ckpt_merge_options,
    allow: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(allow), MergeOptions::allow_missing)
}

/// Whether the sections stay when they have been merged. Not by default.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_keep_inputs(
    options: *mut ckpt_merge_options,
    keep: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(keep), MergeOptions::keep_inputs)
}

/// What survives a power cut once the checkpoint is merged: one of the `CKPT_DURABILITY_` constants.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_durability(
    options: *mut ckpt_merge_options,
    durability: ckpt_durability,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || durability_of(durability), MergeOptions::durability)
}

/// Has `progress` called by `ckpt_merge` now and then, with `user_data`; NULL for none. The options keep `user_data` and call
/// `free_user_data`, if it is not NULL, when they are freed or given another callback; when this call fails, at once.
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

/// Has the call stop when `cancel` is raised; NULL takes the flag away.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_set_cancel(
    options: *mut ckpt_merge_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || progress::set_cancel(options, |o| &mut o.progress, cancel))
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_merge_options_free(options: *mut ckpt_merge_options) {
    release(options);
}

/// Merges `count` checkpoints of format V2, each given by its prefix, into the checkpoint `destination`, as the workers of a
/// distributed program do with the sections that each of them wrote (`tf.raw_ops.MergeV2Checkpoints`). Values are not copied
/// where the file system can give a file another name. Slices of one tensor from several sections are joined.
///
/// Until the merged checkpoint is published the sections are untouched, and a checkpoint that the destination had stays; then
/// they are removed unless the options keep them. A merge that a crash ended can be done again. The progress callback hears of
/// the bytes of data files.
///
/// `CKPT_CODE_NOT_FOUND` when a section or a data file of one is missing; `CKPT_CODE_INVALID_ARGUMENT` when two sections hold the same
/// tensor, slices of one tensor overlap or differ in dtype or shape, or there is nothing to merge; `CKPT_CODE_DATA_LOSS` when a
/// section is damaged; `CKPT_CODE_CANCELLED` when the progress callback stopped it; else errors are those of `ckpt_writer_finish`.
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
        let sections = array(sections, count, "the sections")?.iter().map(|&s| path_at(s)).collect::<Result<Vec<_>>>()?;
        let (options, progress) = handle(options).map(|o| (o.options.clone(), o.progress.clone())).unwrap_or_default();
        merge(destination, &sections, &options, &mut |done, total| progress.report(done, total)).map(drop)
    })
}
