//! Clocks, and waiting for new checkpoints.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::callback::CallbackMark;
use super::constants::{ckpt_code, CKPT_CODE_OK};
use super::error::ckpt_error;
use super::log::{ckpt_log_callback, log_of};
use super::options::{set, target};
use super::progress::{ckpt_cancel, ckpt_free_callback, flag_at, UserData};
use super::strings::{ckpt_string, text_of};
use super::{ask, call, changeable, changed, copied, output, own, path_at, release, Exclusive};
use ::checkpoint::{
    wait_for_new_checkpoint, Cancel, CheckpointsIterator, Clock, Code, Error, Log, Reason, Result, SystemClock, WaitOptions,
};

/// Returns the current time in seconds since the epoch.
pub type ckpt_now_callback = Option<extern "C" fn(user_data: *mut c_void) -> f64>;

/// Waits for `seconds` seconds. Any result other than `CKPT_CODE_OK` ends the call that waits with
/// `CKPT_CODE_CANCELLED`.
pub type ckpt_sleep_callback = Option<extern "C" fn(user_data: *mut c_void, seconds: f64) -> ckpt_code>;

/// A clock made of the caller's callbacks. The machine's clock stands in for a missing one.
pub(super) struct CallerClock {
    pub now: ckpt_now_callback,
    pub sleep: ckpt_sleep_callback,
    pub user: UserData,
}

impl CallerClock {
    /// Makes a clock that does not sleep. Takes `user_data` in any case.
    pub fn of(now: ckpt_now_callback, user_data: *mut c_void, free_user_data: ckpt_free_callback) -> Result<Arc<CallerClock>> {
        let clock = CallerClock { now, sleep: None, user: UserData::new(user_data, free_user_data) };
        if now.is_none() {
            return Err(Error::argument("the now callback is NULL"));
        }
        Ok(Arc::new(clock))
    }
}

/// A clock that several options share, and the mark of the graph that its callbacks must not call.
pub(super) struct SharedClock(pub Arc<CallerClock>, pub CallbackMark);

impl Clock for SharedClock {
    fn now(&self) -> f64 {
        match self.0.now {
            Some(now) => self.1.run(|| now(self.0.user.pointer())),
            None => SystemClock.now(),
        }
    }

    fn elapsed(&self) -> f64 {
        match self.0.now {
            Some(_) => self.now(),
            None => SystemClock.elapsed(),
        }
    }

    fn sleep(&self, seconds: f64) -> Result<()> {
        match self.0.sleep {
            Some(sleep) if self.1.run(|| sleep(self.0.user.pointer(), seconds)) != CKPT_CODE_OK => {
                Err(Error::new(Code::Cancelled, Reason::Callback, "the sleep callback stopped the wait"))
            }
            Some(_) => Ok(()),
            None => SystemClock.sleep(seconds),
        }
    }
}

/// Options for waiting for checkpoints. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_wait_options(Exclusive<WaitSettings>);

#[derive(Default)]
pub(super) struct WaitSettings {
    timeout: Option<f64>,
    poll_interval: Option<f64>,
    min_interval: f64,
    clock: Option<Arc<CallerClock>>,
    cancel: Option<Cancel>,
    log: Option<Log>,
}

changeable! {
    ckpt_wait_options: WaitSettings,
    ckpt_checkpoints_iterator: CheckpointsIterator<'static>,
}

impl WaitSettings {
    fn resolve(&self) -> WaitOptions<'static> {
        let options = WaitOptions::new().min_interval(self.min_interval).cancel(self.cancel.as_ref());
        let options = self.timeout.into_iter().fold(options, WaitOptions::timeout);
        let options = self.poll_interval.into_iter().fold(options, WaitOptions::poll_interval);
        let options = self.log.iter().cloned().fold(options, WaitOptions::log_to);
        let clock = self.clock.clone().into_iter();
        clock.fold(options, |options, clock| options.clock(Arc::new(SharedClock(clock, CallbackMark::default()))))
    }
}

/// The caller's options, or the defaults if NULL.
fn options_at(options: *const ckpt_wait_options) -> Result<WaitOptions<'static>> {
    copied(options, WaitSettings::resolve)
}

/// Makes options with the defaults: look once per second, with no time limit. Free them with
/// `ckpt_wait_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_new() -> *mut ckpt_wait_options {
    ask(std::ptr::null_mut(), || own(ckpt_wait_options::default()))
}

/// Checks a number of seconds.
fn seconds(seconds: f64) -> Result<f64> {
    if seconds >= 0.0 {
        Ok(seconds)
    } else {
        Err(Error::argument("the number of seconds is invalid").expecting("0 or more", seconds))
    }
}

/// Sets the longest time to wait, in seconds; without limit by default. A timeout shorter than the
/// poll interval looks once.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the number is negative or NaN.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_set_timeout(
    options: *mut ckpt_wait_options,
    timeout: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.timeout = Some(seconds(timeout)?);
        Ok(())
    })
}

/// Sets the seconds between two looks; 1 by default.
///
/// Errors are those of `ckpt_wait_options_set_timeout`.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_set_poll_interval(
    options: *mut ckpt_wait_options,
    interval: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.poll_interval = Some(seconds(interval)?);
        Ok(())
    })
}

/// Sets the least number of seconds between two checkpoints that an iterator returns; 0 by default.
/// Of the checkpoints that appear in the meantime it returns only the last.
///
/// Errors are those of `ckpt_wait_options_set_timeout`.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_set_min_interval(
    options: *mut ckpt_wait_options,
    interval: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.min_interval = seconds(interval)?;
        Ok(())
    })
}

/// Replaces the machine's clock: `now` returns the time, `sleep` waits, both called with
/// `user_data`. If either is NULL, the machine's clock is used for that.
///
/// The options and iterators made with them keep `user_data`. `free_user_data`, if not NULL, is
/// called when none of them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_set_clock(
    options: *mut ckpt_wait_options,
    now: ckpt_now_callback,
    sleep: ckpt_sleep_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let clock = CallerClock { now, sleep, user: UserData::new(user_data, free_user_data) };
        target(options)?.clock = Some(Arc::new(clock));
        Ok(())
    })
}

/// Sets a flag that cancels the call when raised; NULL removes it. The flag may be freed at any
/// time. With the machine's clock the wait ends within 50 ms; another
/// one is asked to sleep as long as ever.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_set_cancel(
    options: *mut ckpt_wait_options,
    cancel: *const ckpt_cancel,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.cancel = flag_at(cancel);
        Ok(())
    })
}

/// Sets the log, which is called with `user_data` once about a state file that cannot be used for
/// now, and about how the path of a checkpoint that is returned was understood where that may
/// surprise. NULL, the default, turns it off.
///
/// The options and iterators made with them keep `user_data`. `free_user_data`, if not NULL, is
/// called when none of them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_set_log(
    options: *mut ckpt_wait_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let log = log_of(&CallbackMark::default(), log, user_data, free_user_data);
        target(options)?.log = log;
        Ok(())
    })
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_free(options: *mut ckpt_wait_options) {
    release(options);
}

/// Waits until the latest checkpoint of `directory` is another one than `last`; NULL for `last`
/// means any checkpoint. The directory need not exist yet.
///
/// `*path` receives the checkpoint; free it with `ckpt_string_free`. It is NULL if the time ran
/// out, and on failure.
///
/// Errors:
/// * `CKPT_CODE_DATA_LOSS`: the state file cannot be parsed.
/// * `CKPT_CODE_CANCELLED` (`CKPT_REASON_CALLBACK`): the sleep callback of the clock or the cancel
///   flag ended the wait.
#[no_mangle]
pub extern "C" fn ckpt_wait_for_new_checkpoint(
    directory: *const c_char,
    last: *const c_char,
    options: *const ckpt_wait_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(path, std::ptr::null_mut(), "the output argument `path`")?;
        let last = if last.is_null() { None } else { Some(path_at(last)?) };
        let found = wait_for_new_checkpoint(path_at(directory)?, last, &options_at(options)?)?;
        *out = text_of(found);
        Ok(())
    })
}

/// Returns whether there will be no more checkpoints.
pub type ckpt_is_done_callback = Option<extern "C" fn(user_data: *mut c_void) -> bool>;

/// Returns the checkpoints of a directory as they appear (`tf.train.checkpoints_iterator`). It
/// returns only the latest, skipping those in between, and never the same path twice in a row. For
/// one thread at a time.
pub struct ckpt_checkpoints_iterator(Exclusive<CheckpointsIterator<'static>>);

/// Makes an iterator over the checkpoints of `directory`, which need not exist yet.
///
/// `is_done`, if not NULL, is called with `user_data` after each timeout and after each checkpoint,
/// and ends the iteration by returning true. If it is NULL, a timeout ends the iteration. The
/// iterator keeps `user_data`. `free_user_data`, if not NULL, is called when the iterator is freed;
/// at once if this call fails.
///
/// `*iterator` receives the iterator (NULL on failure); free it with
/// `ckpt_checkpoints_iterator_free`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoints_iterator_new(
    directory: *const c_char,
    options: *const ckpt_wait_options,
    is_done: ckpt_is_done_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    iterator: *mut *mut ckpt_checkpoints_iterator,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let out = output(iterator, std::ptr::null_mut(), "the output argument `iterator`")?;
        let mut made = CheckpointsIterator::new(path_at(directory)?, &options_at(options)?);
        if let Some(is_done) = is_done {
            made = made.until(Box::new(move || is_done(user.pointer())));
        }
        *out = own(ckpt_checkpoints_iterator(Exclusive::new(made)));
        Ok(())
    })
}

/// Waits for the next checkpoint.
///
/// `*path` receives it; free it with `ckpt_string_free`. It is NULL if there are no more, and on
/// failure. After a failure there are no more.
///
/// Errors are those of `ckpt_wait_for_new_checkpoint`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoints_iterator_next(
    iterator: *mut ckpt_checkpoints_iterator,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(path, std::ptr::null_mut(), "the output argument `path`")?;
        let next = changed(iterator, "the iterator")?.next().transpose()?;
        *out = text_of(next);
        Ok(())
    })
}

/// Frees an iterator. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_checkpoints_iterator_free(iterator: *mut ckpt_checkpoints_iterator) {
    release(iterator);
}
