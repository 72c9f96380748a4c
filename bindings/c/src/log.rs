//! Messages for the program's log.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::callback::CallbackMark;
use super::constants::ckpt_severity;
use super::exclusive::Changeable;
use super::options::{change, Wrapped, Wrapper};
use super::progress::{ckpt_free_callback, UserData};
use ::checkpoint::{Log, Result};

/// Receives a message: one line of UTF-8, `len` bytes and a terminating NUL. Called on the thread
/// whose call the message is about; for a save in the background, on the library's thread that
/// saves.
pub type ckpt_log_callback =
    Option<extern "C" fn(user_data: *mut c_void, severity: ckpt_severity, text: *const c_char, len: usize)>;

/// The core's log for the caller's callback; None if that is NULL. Takes `user_data` in any case.
pub(super) fn log_of(
    mark: &CallbackMark,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free: ckpt_free_callback,
) -> Option<Log> {
    let (user, mark) = (UserData::new(user_data, free), mark.clone());
    let log = log?;
    Some(Arc::new(move |severity, text| {
        let mut text = text.replace('\0', "\\0");
        text.push('\0');
        mark.run(|| log(user.pointer(), severity as ckpt_severity, text.as_ptr().cast(), text.len() - 1));
    }))
}

/// Sets the log of options by a method of the Rust options inside; NULL turns it off. Takes
/// `user_data` in any case.
pub(super) fn set_log<T: Changeable<Value: Wrapper>>(
    options: *mut T,
    method: impl FnOnce(Wrapped<T>, Log) -> Wrapped<T>,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free: ckpt_free_callback,
) -> Result<()> {
    let log = log_or_none(log, user_data, free);
    change(options, |wrapped| method(wrapped, log))
}

/// The core's log for the caller's callback; one that says nothing if that is NULL.
pub(super) fn log_or_none(log: ckpt_log_callback, user_data: *mut c_void, free: ckpt_free_callback) -> Log {
    log_of(&CallbackMark::default(), log, user_data, free).unwrap_or_else(|| Arc::new(|_, _| ()))
}
