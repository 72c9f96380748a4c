//! How graphs are saved and restored.

use std::ffi::{c_char, c_void, CString};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::callback::{ckpt_failure, Mark};
use super::constants::{busy_of, ckpt_busy, ckpt_code, ckpt_mismatch, mismatch_of};
use super::error::ckpt_error;
use super::options::{ckpt_read_options, set, target, with};
use super::progress::{ckpt_free_callback, Progress, UserData};
use super::writer::ckpt_write_options;
use super::{ask, call, handle, own, release, required, text_at};
use ::checkpoint::{Busy, Error, RestoreOptions, SaveOptions, WriteOptions};

/// How a graph is saved (`tf.train.CheckpointOptions`). For one thread at a time while it is changed.
#[derive(Clone, Default)]
pub struct ckpt_save_options {
    write: WriteOptions,
    busy: Busy,
    progress: Progress,
    callbacks: Vec<Arc<Written>>,
}

struct Written {
    callback: extern "C" fn(*mut c_void, *const c_char, *mut ckpt_failure) -> ckpt_code,
    user: UserData,
}

impl ckpt_save_options {
    /// What they come to for a graph, which its callbacks cannot call.
    pub(super) fn settle(&self, mark: &Mark) -> SaveOptions {
        let (progress, progress_mark) = (self.progress.clone(), mark.clone());
        let options = SaveOptions::new()
            .write(self.write.clone())
            .busy(self.busy)
            .progress(Arc::new(move |done, total| progress_mark.run(|| progress.report(done, total))));
        self.callbacks.iter().fold(options, |options, written| {
            let (written, mark) = (written.clone(), mark.clone());
            options.callback(Arc::new(move |path| {
                let path = CString::new(path.as_os_str().as_bytes())?;
                mark.try_run(|failure| (written.callback)(written.user.pointer(), path.as_ptr(), failure))
            }))
        })
    }
}

/// Hears that the files of the checkpoint `path` are complete, before the state file says so. Anything but `CKPT_CODE_OK` ends the
/// call, which then returns `CKPT_CODE_ABORTED`; the checkpoint stays. It is called on the thread that saves, in the background on that one.
pub type ckpt_written_callback =
    Option<extern "C" fn(user_data: *mut c_void, path: *const c_char, failure: *mut ckpt_failure) -> ckpt_code>;

/// New options with the defaults; to be freed with `ckpt_save_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_save_options_new() -> *mut ckpt_save_options {
    ask(std::ptr::null_mut(), || own(ckpt_save_options::default()))
}

/// How the files are written, with the progress callback and the flag of these options. They are copied; NULL for the defaults.
#[no_mangle]
pub extern "C" fn ckpt_save_options_set_write_options(
    options: *mut ckpt_save_options,
    write_options: *const ckpt_write_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        (o.write, o.progress) = handle(write_options).map(ckpt_write_options::settle).unwrap_or_default();
        Ok(())
    })
}

/// Has `written` called, with `user_data`, after the callbacks that were added before. The options keep `user_data`, and so do
/// saves under way; `free_user_data`, if it is not NULL, is called when the options are freed and these saves are over; when this call
/// fails, at once.
/// (`experimental_write_callbacks`)
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the callback is NULL.
#[no_mangle]
pub extern "C" fn ckpt_save_options_add_callback(
    options: *mut ckpt_save_options,
    written: ckpt_written_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let callback = written.ok_or_else(|| Error::argument("the callback is NULL"))?;
        target(options)?.callbacks.push(Arc::new(Written { callback, user }));
        Ok(())
    })
}

/// What to do while an earlier save of the checkpoint is running in the background: one of the `CKPT_BUSY_` constants.
#[no_mangle]
pub extern "C" fn ckpt_save_options_set_busy(
    options: *mut ckpt_save_options,
    busy: ckpt_busy,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.busy = busy_of(busy)?;
        Ok(())
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_save_options_free(options: *mut ckpt_save_options) {
    release(options);
}

/// How a graph is restored. For one thread at a time while it is changed.
///
/// Paths are those of keys: escaped names of edges joined by `/`, as `ckpt_report_row_path` gives them. Globs know `*` (within
/// a name), `**` (any number of names), `?`, `[...]` and `{a,b}`.
#[derive(Default)]
pub struct ckpt_restore_options {
    pub(super) options: RestoreOptions,
}

/// New options with the defaults; to be freed with `ckpt_restore_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_new() -> *mut ckpt_restore_options {
    ask(std::ptr::null_mut(), || own(ckpt_restore_options::default()))
}

/// How values are read: threads, checksums. The options are copied.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_read_options(
    options: *mut ckpt_restore_options,
    read_options: *const ckpt_read_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(required(read_options, "the read options")?.options.clone()), RestoreOptions::read)
}

/// Restores only values whose path in the checkpoint one of the included globs matches. What is left out is skipped, and
/// assertions do not ask for it.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_add_include(
    options: *mut ckpt_restore_options,
    glob: *const c_char,
    glob_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || text_at(glob, glob_len, "the glob"), RestoreOptions::include)
}

/// Leaves out values whose path in the checkpoint the glob matches, also included ones.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_add_exclude(
    options: *mut ckpt_restore_options,
    glob: *const c_char,
    glob_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || text_at(glob, glob_len, "the glob"), RestoreOptions::exclude)
}

/// Takes what the checkpoint has at `from` for what the program has at `to`: paths of objects, each with all that is below.
/// Renames are done in the order in which they were added.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_add_rename(
    options: *mut ckpt_restore_options,
    from: *const c_char,
    from_len: usize,
    to: *const c_char,
    to_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        let (from, to) = (text_at(from, from_len, "the path")?, text_at(to, to_len, "the path")?);
        o.options = std::mem::take(&mut o.options).rename(from, to);
        Ok(())
    })
}

/// What to do about values that do not fit: one of the `CKPT_MISMATCH_` constants.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_on_mismatch(
    options: *mut ckpt_restore_options,
    mismatch: ckpt_mismatch,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || mismatch_of(mismatch), RestoreOptions::on_mismatch)
}

/// Whether slot variables are left as they are; then assertions do not ask for them. Not by default.
/// (`experimental_skip_slot_variables`)
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_skip_slot_variables(
    options: *mut ckpt_restore_options,
    skip: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(skip), RestoreOptions::skip_slot_variables)
}

/// Restores only what the checkpoint has below `path`, as if the object there had been its root.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_subtree(
    options: *mut ckpt_restore_options,
    path: *const c_char,
    path_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || text_at(path, path_len, "the path"), RestoreOptions::subtree)
}

/// Whether all values are read and their checksums compared before the first is assigned, so that only a fault in between can
/// leave some restored and some not. Values are read twice. Not by default.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_set_verify_first(
    options: *mut ckpt_restore_options,
    verify: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(verify), RestoreOptions::verify_first)
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_restore_options_free(options: *mut ckpt_restore_options) {
    release(options);
}
