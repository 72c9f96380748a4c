//! Options of managers, of their saves, and of resuming.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::callback::{ckpt_failure, CallbackMark};
use super::constants::{better_of, ckpt_better, ckpt_code, ckpt_locking, limit_of, locking_of};
use super::error::ckpt_error;
use super::graph_options::{ckpt_restore_options, ckpt_save_options, SaveSettings};
use super::log::{ckpt_log_callback, set_log};
use super::node::{ckpt_node, node_at};
use super::options::{change, set, target, with};
use super::progress::{ckpt_free_callback, UserData};
use super::watch::{ckpt_now_callback, CallerClock, SharedClock};
use super::{ask, call, changeable, copied, name_at, os_text, own, release, Exclusive};
use ::checkpoint::{Error, ManagerOptions, ManagerSaveOptions, ResumeOptions};

/// Options of a manager. By default it keeps all checkpoints. For one thread at a time while it is
/// changed.
#[derive(Default)]
pub struct ckpt_manager_options(Exclusive<ManagerSettings>);

#[derive(Default)]
pub(super) struct ManagerSettings {
    pub options: ManagerOptions,
    clock: Option<Arc<CallerClock>>,
}

changeable! {
    ckpt_manager_options: ManagerSettings,
    ckpt_manager_save_options: ManagerSaveSettings,
    ckpt_resume_options: ResumeOptions,
}

impl ManagerSettings {
    /// The core's options for a graph that the clock must not call.
    pub fn resolve(&self, mark: &CallbackMark) -> ManagerOptions {
        let clock = self.clock.clone().into_iter();
        clock.fold(self.options.clone(), |options, clock| options.clock(Arc::new(SharedClock(clock, mark.clone()))))
    }
}

/// Makes options with the defaults; free them with `ckpt_manager_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_new() -> *mut ckpt_manager_options {
    ask(std::ptr::null_mut(), || own(ckpt_manager_options::default()))
}

/// Keeps the newest `count` checkpoints. `ckpt_manager_open` refuses values below 1.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_max_to_keep(
    options: *mut ckpt_manager_options,
    count: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(count), ManagerOptions::max_to_keep)
}

/// Permanently keeps one otherwise expired checkpoint per `hours` hours. 0, the default, keeps
/// none. `ckpt_manager_open` refuses values that are negative or not finite.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_keep_checkpoint_every_n_hours(
    options: *mut ckpt_manager_options,
    hours: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(hours), ManagerOptions::keep_checkpoint_every_n_hours)
}

/// Also keeps the best `count` checkpoints by the metric that each save gives; `better` is one of
/// the `CKPT_BETTER_` constants. Of equal metrics the newer checkpoint is better. A checkpoint
/// without a metric, or whose metric is NaN, is never among the best.
///
/// Metrics are stored in a file of their own, `checkpoint.manager`. Checkpoints that TensorFlow
/// saves in the meantime have no metric. TensorFlow does not remove checkpoints that are kept only
/// because they are among the best.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_keep_best(
    options: *mut ckpt_manager_options,
    count: usize,
    better: ckpt_better,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || better_of(better), |o, better| o.keep_best(count, better))
}

/// Sets the name of checkpoints, which are called `NAME-NUMBER`; `ckpt` by default. `name` has
/// `name_len` bytes and no `/`, which `ckpt_manager_open` checks.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_checkpoint_name(
    options: *mut ckpt_manager_options,
    name: *const c_char,
    name_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || name_at(name, name_len, "the name").and_then(os_text), |o, name| o.checkpoint_name(name))
}

/// Sets the integer scalar that counts the program's steps, for
/// `ckpt_manager_options_set_checkpoint_interval`.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_step_counter(
    options: *mut ckpt_manager_options,
    counter: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || node_at(counter), ManagerOptions::step_counter)
}

/// Sets whether each call gives the step (`ckpt_manager_save_options_set_step`,
/// `ckpt_resume_options_set_step`) instead of a counter. False by default.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_steps_in_calls(
    options: *mut ckpt_manager_options,
    in_calls: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(in_calls), ManagerOptions::steps_in_calls)
}

/// Saves only if at least `steps` steps have passed since the last save. The steps come from a step
/// counter or from each call; `ckpt_manager_open` fails if neither is set.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_checkpoint_interval(
    options: *mut ckpt_manager_options,
    steps: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(steps), ManagerOptions::checkpoint_interval)
}

/// Sets the step of the last save, from which the interval is counted. By default the first save is
/// never too early.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_last_checkpoint_step(
    options: *mut ckpt_manager_options,
    step: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(step), ManagerOptions::last_checkpoint_step)
}

/// Gives the program its first values. It may use the graph. Any result other than `CKPT_CODE_OK`
/// ends the call with `CKPT_CODE_ABORTED`.
pub type ckpt_init_callback = Option<extern "C" fn(user_data: *mut c_void, failure: *mut ckpt_failure) -> ckpt_code>;

/// Sets the callback that `ckpt_manager_restore_or_initialize` calls with `user_data` if there is
/// no checkpoint.
///
/// The options and managers made with them keep `user_data`. `free_user_data`, if not NULL, is
/// called when none of them needs it any more; at once if this call fails.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `init` is NULL.
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
        let init = init.ok_or_else(|| Error::argument("the init callback is NULL"))?;
        let call = move || CallbackMark::default().try_run(|failure| init(user.pointer(), failure));
        change(options, |o| o.init(Arc::new(call)))
    })
}

/// Replaces the machine's clock: `now` is called with `user_data` and returns the time.
///
/// The options and managers made with them keep `user_data`. `free_user_data`, if not NULL, is
/// called when none of them needs it any more; at once if this call fails.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `now` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_clock(
    options: *mut ckpt_manager_options,
    now: ckpt_now_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        target(options)?.clock = Some(CallerClock::of(now, user_data, free_user_data)?);
        Ok(())
    })
}

/// Sets whether the directory is locked: one of the `CKPT_LOCKING_` constants;
/// `CKPT_LOCKING_IF_POSSIBLE` by default. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_locking(
    options: *mut ckpt_manager_options,
    locking: ckpt_locking,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || locking_of(locking), ManagerOptions::locking)
}

/// Sets for how many seconds the call waits for a lock that another process or thread holds; 60 by
/// default, 0 fails at once. Fails with `CKPT_CODE_INVALID_ARGUMENT` for negative values and NaN.
/// Another manager of the directory is never waited for.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_lock_wait(
    options: *mut ckpt_manager_options,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || limit_of(seconds), ManagerOptions::lock_wait)
}

/// Sets the log, which is called with `user_data` about state files that cannot be parsed, old
/// checkpoints that cannot be removed, saves in the background that failed and the like. No lock is
/// held during the call. NULL, the default, turns it off; saves in the background then use the log
/// of the checkpoint.
///
/// `free_user_data`, if not NULL, is called when neither the options nor managers made with them
/// need `user_data` any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_set_log(
    options: *mut ckpt_manager_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, ManagerOptions::log_to, log, user_data, free_user_data))
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_manager_options_free(options: *mut ckpt_manager_options) {
    release(options);
}

/// Options of one save by a manager. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_manager_save_options(Exclusive<ManagerSaveSettings>);

#[derive(Default)]
pub(super) struct ManagerSaveSettings {
    pub options: ManagerSaveOptions,
    save: SaveSettings,
}

impl ManagerSaveSettings {
    /// The core's options for a graph that the callbacks must not call.
    pub fn resolve(&self, mark: &CallbackMark) -> ManagerSaveOptions {
        self.options.clone().save(self.save.resolve(mark))
    }
}

/// Makes options with the defaults; free them with `ckpt_manager_save_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_new() -> *mut ckpt_manager_save_options {
    ask(std::ptr::null_mut(), || own(ckpt_manager_save_options::default()))
}

/// Sets the checkpoint's number, in place of the save counter's value. The counter is incremented
/// all the same. (`checkpoint_number`)
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_number(
    options: *mut ckpt_manager_save_options,
    number: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(number), ManagerSaveOptions::number)
}

/// Sets the checkpoint's number to the value of `number`, an integer scalar of the manager's graph,
/// which stays unchanged.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_number_of(
    options: *mut ckpt_manager_save_options,
    number: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || node_at(number), ManagerSaveOptions::number_of)
}

/// Sets whether the save is skipped if it is too early
/// (`ckpt_manager_options_set_checkpoint_interval`). True by default. A step that was already saved
/// is never saved again.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_check_interval(
    options: *mut ckpt_manager_save_options,
    check: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(check), ManagerSaveOptions::check_interval)
}

/// Sets the program's step, in place of the step counter's value.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_step(
    options: *mut ckpt_manager_save_options,
    step: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(step), ManagerSaveOptions::step)
}

/// Sets the metric of this checkpoint, for `ckpt_manager_options_set_keep_best`.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_metric(
    options: *mut ckpt_manager_save_options,
    metric: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(metric), ManagerSaveOptions::metric)
}

/// Sets the metric of this checkpoint to the value of `metric`, a scalar of the manager's graph:
/// float32, float64 or an integer.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_metric_of(
    options: *mut ckpt_manager_save_options,
    metric: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || node_at(metric), ManagerSaveOptions::metric_of)
}

/// Sets how files are written, including the callbacks of `save_options`. They are copied; NULL
/// restores the defaults.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_set_save_options(
    options: *mut ckpt_manager_save_options,
    save_options: *const ckpt_save_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.save = copied(save_options, Clone::clone)?;
        Ok(())
    })
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_options_free(options: *mut ckpt_manager_save_options) {
    release(options);
}

/// Options for resuming. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_resume_options(Exclusive<ResumeOptions>);

/// Makes options with the defaults; free them with `ckpt_resume_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_new() -> *mut ckpt_resume_options {
    ask(std::ptr::null_mut(), || own(ckpt_resume_options::default()))
}

/// Restores the newest valid checkpoint instead of the latest if `latest_valid` is true. This reads
/// every byte of it once more. False by default.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_set_latest_valid(
    options: *mut ckpt_resume_options,
    latest_valid: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(latest_valid), ResumeOptions::latest_valid)
}

/// Sets the program's step after the restore, in place of the step counter's value.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_set_step(
    options: *mut ckpt_resume_options,
    step: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(step), ResumeOptions::step)
}

/// Sets how the checkpoint is restored. `restore_options` are copied; NULL restores the defaults.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_set_restore_options(
    options: *mut ckpt_resume_options,
    restore_options: *const ckpt_restore_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || copied(restore_options, Clone::clone), ResumeOptions::restore)
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_resume_options_free(options: *mut ckpt_resume_options) {
    release(options);
}
