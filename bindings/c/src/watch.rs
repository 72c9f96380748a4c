//! Clocks, and waiting for new checkpoints.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::callback::Mark;
use super::constants::{ckpt_code, CKPT_CODE_OK};
use super::error::ckpt_error;
use super::options::{set, target};
use super::progress::{ckpt_free_callback, UserData};
use super::strings::{ckpt_string, text_of};
use super::{ask, call, changed, handle, output, own, path_at, release};
use ::checkpoint::{wait_for_new_checkpoint, CheckpointsIterator, Clock, Code, Error, Reason, Result, SystemClock, WaitOptions};

/// Says what time it is: seconds since the epoch.
pub type ckpt_now_callback = Option<extern "C" fn(user_data: *mut c_void) -> f64>;

/// Waits so many seconds. Anything but `CKPT_CODE_OK` ends the call that waits, which then returns `CKPT_CODE_CANCELLED`.
pub type ckpt_sleep_callback = Option<extern "C" fn(user_data: *mut c_void, seconds: f64) -> ckpt_code>;

/// A clock of the caller's; what it has no callback for the machine's does.
pub(super) struct OwnClock {
    pub now: ckpt_now_callback,
    pub sleep: ckpt_sleep_callback,
    pub user: UserData,
}

/// A clock that several options share, and the graph that its callbacks cannot call.
pub(super) struct Shared(pub Arc<OwnClock>, pub Mark);

impl Clock for Shared {
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
                Err(Error::new(Code::Cancelled, Reason::Callback, "waiting was stopped by the caller"))
            }
            Some(_) => Ok(()),
            None => SystemClock.sleep(seconds),
        }
    }
}

/// How to wait for checkpoints. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_wait_options {
    timeout: Option<f64>,
    poll_interval: Option<f64>,
    min_interval: f64,
    clock: Option<Arc<OwnClock>>,
}

impl ckpt_wait_options {
    fn settle(&self) -> WaitOptions<'static> {
        let options = WaitOptions::new().min_interval(self.min_interval);
        let options = self.timeout.into_iter().fold(options, WaitOptions::timeout);
        let options = self.poll_interval.into_iter().fold(options, WaitOptions::poll_interval);
        let clock = self.clock.clone().into_iter();
        clock.fold(options, |options, clock| options.clock(Arc::new(Shared(clock, Mark::default()))))
    }
}

/// The options of the caller's, or the defaults.
fn options_at(options: *const ckpt_wait_options) -> WaitOptions<'static> {
    handle(options).map(ckpt_wait_options::settle).unwrap_or_default()
}

/// New options with the defaults, a look each second, for ever; to be freed with `ckpt_wait_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_new() -> *mut ckpt_wait_options {
    ask(std::ptr::null_mut(), || own(ckpt_wait_options::default()))
}

/// A number of seconds of the caller's.
fn seconds(seconds: f64) -> Result<f64> {
    match seconds >= 0.0 {
        true => Ok(seconds),
        false => Err(Error::argument("not a time to wait").expecting("seconds, 0 or more", seconds)),
    }
}

/// Gives up rather than wait longer than so many seconds. Less than the time between two looks is one look.
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

/// The seconds between two looks; 1 by default.
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

/// At least so many seconds between two checkpoints of an iterator; 0 by default. Those that come meanwhile, save the last, are
/// missed.
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

/// Another clock than the machine's: `now` is asked for the time, `sleep` waits, both with `user_data`; NULL of either for the
/// machine's own. The options keep `user_data`, and so do iterators made with them; `free_user_data`, if it is not NULL, is called
/// when none of them needs it any more; when this call fails, at once.
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
        let clock = OwnClock { now, sleep, user: UserData::new(user_data, free_user_data) };
        target(options)?.clock = Some(Arc::new(clock));
        Ok(())
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_wait_options_free(options: *mut ckpt_wait_options) {
    release(options);
}

/// Waits until the latest checkpoint of `directory`, which need not be there yet, is another one than `last`; NULL for none.
///
/// `*path` is to be freed with `ckpt_string_free`; NULL when time ran out, and on failure. `CKPT_CODE_DATA_LOSS` when the state file cannot
/// be understood; `CKPT_CODE_CANCELLED` when the clock's callback ended it.
#[no_mangle]
pub extern "C" fn ckpt_wait_for_new_checkpoint(
    directory: *const c_char,
    last: *const c_char,
    options: *const ckpt_wait_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(path, std::ptr::null_mut(), "the place for the path")?;
        let last = if last.is_null() { None } else { Some(path_at(last)?) };
        let found = wait_for_new_checkpoint(path_at(directory)?, last, &options_at(options))?;
        *out = text_of(found);
        Ok(())
    })
}

/// Says whether there will be no more checkpoints.
pub type ckpt_is_done_callback = Option<extern "C" fn(user_data: *mut c_void) -> bool>;

/// The checkpoints of a directory as they appear (`tf.train.checkpoints_iterator`). It gives the latest only, those between are
/// missed; and never the same path twice in a row. For one thread at a time.
pub struct ckpt_checkpoints_iterator {
    state: CheckpointsIterator<'static>,
}

/// The checkpoints of `directory`, which need not be there yet. `is_done`, if it is not NULL, is asked with `user_data` after each
/// time-out, and after each checkpoint, whether there will be no more; without it a time-out is the end. The iterator keeps
/// `user_data`; `free_user_data`, if it is not NULL, is called when it is freed; when this call fails, at once.
///
/// `*iterator` is to be freed with `ckpt_checkpoints_iterator_free`; NULL on failure.
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
        let out = output(iterator, std::ptr::null_mut(), "the place for the iterator")?;
        let mut made = CheckpointsIterator::new(path_at(directory)?, &options_at(options));
        if let Some(is_done) = is_done {
            made = made.until(Box::new(move || is_done(user.pointer())));
        }
        *out = own(ckpt_checkpoints_iterator { state: made });
        Ok(())
    })
}

/// Waits for the next checkpoint.
///
/// `*path` is to be freed with `ckpt_string_free`; NULL when there are no more, and on failure; an iterator that has failed has no
/// more. Errors are those of `ckpt_wait_for_new_checkpoint`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoints_iterator_next(
    iterator: *mut ckpt_checkpoints_iterator,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(path, std::ptr::null_mut(), "the place for the path")?;
        let iterator = changed(iterator).ok_or_else(|| Error::argument("the iterator is NULL"))?;
        let next = iterator.state.next().transpose()?;
        *out = text_of(next);
        Ok(())
    })
}

/// Frees an iterator. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_checkpoints_iterator_free(iterator: *mut ckpt_checkpoints_iterator) {
    release(iterator);
}
