//! How a directory of checkpoints is managed.

use std::ffi::{c_char, c_void, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::callback::{ckpt_failure, Mark};
use super::constants::{better_of, ckpt_better, ckpt_code};
use super::error::ckpt_error;
use super::graph_options::{ckpt_restore_options, ckpt_save_options};
use super::log::{ckpt_log_callback, log_of};
use super::node::{ckpt_node, node_at};
use super::options::{change, set, target, with};
use super::progress::{ckpt_free_callback, UserData};
use super::watch::{ckpt_now_callback, OwnClock, Shared};
use super::{array, ask, call, handle, own, release};
use ::checkpoint::{Error, ManagerOptions, ManagerSaveOptions, ResumeOptions};

/// How a directory is managed; by default all checkpoints are kept. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_manager_options {
    pub(super) options: ManagerOptions,
    clock: Option<Arc<OwnClock>>,
}

impl ckpt_manager_options {
    /// What they come to for a graph, which their clock cannot call.
    pub(super) fn settle(&self, mark: &Mark) -> ManagerOptions {
        let clock = self.clock.clone().into_iter();
        clock.fold(self.options.clone(), |options, clock| options.clock(Arc::new(Shared(clock, mark.clone()))))
    }
}

/// New options with the defaults; to be freed with `ckpt_manager_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_new() -> *mut ckpt_manager_options {
    ask(std::ptr::null_mut(), || own(ckpt_manager_options::default()))
}

/// How many checkpoints stay, the newest: 1 or more, which `ckpt_manager_open` checks.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_max_to_keep(
    options: *mut ckpt_manager_options,
    count: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(count), ManagerOptions::max_to_keep)
}

/// Of those that would be removed, keeps one for each so many hours for good; 0, the default, for none.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_keep_checkpoint_every_n_hours(
    options: *mut ckpt_manager_options,
    hours: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(hours), ManagerOptions::keep_checkpoint_every_n_hours)
}

/// Keeps also the best `count` by the metric that each save gives; `better` is one of the `CKPT_BETTER_` constants. Of equal ones
/// the newer is better; one without a metric, or with one that is not a number, is never among them. Metrics are in a file of
/// their own, `checkpoint.manager`: what TensorFlow saves in between has none, and removes none of these.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_keep_best(
    options: *mut ckpt_manager_options,
    count: usize,
    better: ckpt_better,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || better_of(better), |o, better| o.keep_best(count, better))
}

/// What checkpoints are called: `NAME-NUMBER`; `ckpt` by default.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_checkpoint_name(
    options: *mut ckpt_manager_options,
    name: *const c_char,
    name_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || array(name.cast(), name_len, "the name"), |o, name| o.checkpoint_name(OsStr::from_bytes(name)))
}

/// The integer scalar that counts the program's steps, for `ckpt_manager_options_set_checkpoint_interval`.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_step_counter(
    options: *mut ckpt_manager_options,
    counter: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || node_at(counter), ManagerOptions::step_counter)
}

/// Whether steps are given to each call (`ckpt_manager_save_options_set_step`, `ckpt_resume_options_set_step`) rather than by a
/// counter. Not by default.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_steps_in_calls(
    options: *mut ckpt_manager_options,
    in_calls: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(in_calls), ManagerOptions::steps_in_calls)
}

/// Saves only when so many steps have gone by since the last save. Steps come from a counter or with each call.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_checkpoint_interval(
    options: *mut ckpt_manager_options,
    steps: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(steps), ManagerOptions::checkpoint_interval)
}

/// The step of the last save, to count the interval from. By default the first save is never too early.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_last_checkpoint_step(
    options: *mut ckpt_manager_options,
    step: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(step), ManagerOptions::last_checkpoint_step)
}

/// Gives the program its first values. It may use the graph. Anything but `CKPT_CODE_OK` ends the call, which then returns
/// `CKPT_CODE_ABORTED`.
pub type ckpt_init_callback = Option<extern "C" fn(user_data: *mut c_void, failure: *mut ckpt_failure) -> ckpt_code>;

/// Has `init` called, with `user_data`, by `ckpt_manager_restore_or_initialize` where there is no checkpoint. The options keep
/// `user_data`, and so do managers made with them; `free_user_data`, if it is not NULL, is called when none of them needs it any
/// more; when this call fails, at once.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the callback is NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_init(
    options: *mut ckpt_manager_options,
    init: ckpt_init_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let init = init.ok_or_else(|| Error::argument("the callback is NULL"))?;
        let call = move || Mark::default().try_run(|failure| init(user.pointer(), failure));
        change(options, |o| o.init(Arc::new(call)))
    })
}

/// Another clock than the machine's: `now` is asked for the time with `user_data`. The options keep `user_data`, and so do managers
/// made with them; `free_user_data`, if it is not NULL, is called when none of them needs it any more; when this call fails, at
/// once.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the callback is NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_clock(
    options: *mut ckpt_manager_options,
    now: ckpt_now_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let clock = OwnClock { now, sleep: None, user: UserData::new(user_data, free_user_data) };
        if now.is_none() {
            return Err(Error::argument("the callback is NULL"));
        }
        target(options)?.clock = Some(Arc::new(clock));
        Ok(())
    })
}

/// Has `log` called, with `user_data`, about state files that mean nothing, old checkpoints that cannot be removed and the like;
/// NULL, the default, for no one. No lock is held meanwhile. `free_user_data`, if it is not NULL, is called when neither the
/// options nor managers made with them need it any more; when this call fails, at once.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_log(
    options: *mut ckpt_manager_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let log = log_of(&Mark::default(), log, user_data, free_user_data);
        change(options, |o| o.log_to(log.unwrap_or_else(|| Arc::new(|_, _| ()))))
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_free(options: *mut ckpt_manager_options) {
    release(options);
}

/// How a manager saves. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_manager_save_options {
    pub(super) options: ManagerSaveOptions,
    save: ckpt_save_options,
}

impl ckpt_manager_save_options {
    /// What they come to for a graph, which their callbacks cannot call.
    pub(super) fn settle(&self, mark: &Mark) -> ManagerSaveOptions {
        self.options.clone().save(self.save.settle(mark))
    }
}

/// New options with the defaults; to be freed with `ckpt_manager_save_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_new() -> *mut ckpt_manager_save_options {
    ask(std::ptr::null_mut(), || own(ckpt_manager_save_options::default()))
}

/// The checkpoint's number, in place of the save counter's, which counts all the same. (`checkpoint_number`)
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_number(
    options: *mut ckpt_manager_save_options,
    number: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(number), ManagerSaveOptions::number)
}

/// The same by an integer scalar of the manager's graph, which does not change.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_number_of(
    options: *mut ckpt_manager_save_options,
    number: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || node_at(number), ManagerSaveOptions::number_of)
}

/// Whether it may be too early for the next save; true by default. What was saved already at this step is not saved again in any
/// case.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_check_interval(
    options: *mut ckpt_manager_save_options,
    check: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(check), ManagerSaveOptions::check_interval)
}

/// The program's step, in place of the step counter's.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_step(
    options: *mut ckpt_manager_save_options,
    step: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(step), ManagerSaveOptions::step)
}

/// How good what is saved is, for `ckpt_manager_options_set_keep_best`.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_metric(
    options: *mut ckpt_manager_save_options,
    metric: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(metric), ManagerSaveOptions::metric)
}

/// The same by a scalar of the manager's graph: float32, float64 or any integer.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_metric_of(
    options: *mut ckpt_manager_save_options,
    metric: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || node_at(metric), ManagerSaveOptions::metric_of)
}

/// How the files are written, with the callbacks of these options. They are copied; NULL for the defaults.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_save_options(
    options: *mut ckpt_manager_save_options,
    save_options: *const ckpt_save_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.save = handle(save_options).cloned().unwrap_or_default();
        Ok(())
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_free(options: *mut ckpt_manager_save_options) {
    release(options);
}

/// How a program resumes. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_resume_options {
    pub(super) options: ResumeOptions,
}

/// New options with the defaults; to be freed with `ckpt_resume_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_new() -> *mut ckpt_resume_options {
    ask(std::ptr::null_mut(), || own(ckpt_resume_options::default()))
}

/// Whether the newest checkpoint that is whole is restored rather than the latest, whatever it is. Every byte of it is read for
/// that. Not by default.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_set_latest_valid(
    options: *mut ckpt_resume_options,
    latest_valid: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(latest_valid), ResumeOptions::latest_valid)
}

/// The program's step after restoring, in place of the step counter's.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_set_step(
    options: *mut ckpt_resume_options,
    step: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(step), ResumeOptions::step)
}

/// How the checkpoint is restored. The options are copied; NULL for the defaults.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_set_restore_options(
    options: *mut ckpt_resume_options,
    restore_options: *const ckpt_restore_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(handle(restore_options).map(|o| o.options.clone()).unwrap_or_default()), ResumeOptions::restore)
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_free(options: *mut ckpt_resume_options) {
    release(options);
}
