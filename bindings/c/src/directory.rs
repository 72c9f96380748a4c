//! The state of a directory: the latest checkpoint, those listed, holding and removing one.

use std::ffi::c_char;
use std::path::PathBuf;

use super::constants::{ckpt_code, ckpt_durability, durability_of};
use super::error::ckpt_error;
use super::options::set;
use super::strings::{ckpt_string, lend_path, text_of};
use super::{array, ask, call, ckpt_bytes, handle, output, own, path_at, places, release, required};
use ::checkpoint::{
    checkpoint_exists, checkpoint_mtimes, get_checkpoint_state, latest_checkpoint, remove_checkpoint, update_checkpoint_state,
    CheckpointState, Pin, Result, StateUpdate,
};

/// The latest checkpoint that the state file of `directory` names: its prefix, or the file or pattern of a V1 checkpoint.
/// (`tf.train.latest_checkpoint`)
///
/// `*path` is to be freed with `ckpt_string_free`; NULL when there is no state file, or none of that checkpoint's files is there,
/// and on failure. `CKPT_CODE_DATA_LOSS` when the state file cannot be understood.
#[no_mangle]
pub extern "C" fn ckpt_latest_checkpoint(
    directory: *const c_char,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(path, std::ptr::null_mut(), "the place for the path")?;
        let latest = latest_checkpoint(path_at(directory)?)?;
        *out = text_of(latest);
        Ok(())
    })
}

/// What the state file of a directory says, with paths that can be used as they are. It does not change: several threads may use it
/// at once.
pub struct ckpt_checkpoint_state(CheckpointState);

/// Reads the state file of `directory`; `file_name` is its name, NULL for the usual one, `checkpoint`. That the checkpoints are there
/// is not looked at. (`tf.train.get_checkpoint_state`)
///
/// `*state` is to be freed with `ckpt_checkpoint_state_free`; NULL when there is no state file, and on failure. `CKPT_CODE_DATA_LOSS` when
/// it cannot be understood, which TensorFlow takes for none, or names no latest checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_get_checkpoint_state(
    directory: *const c_char,
    file_name: *const c_char,
    state: *mut *mut ckpt_checkpoint_state,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(state, std::ptr::null_mut(), "the place for the state")?;
        let directory = path_at(directory)?;
        let state = match file_name.is_null() {
            true => get_checkpoint_state(directory)?,
            false => CheckpointState::read(directory, path_at(file_name)?)?,
        };
        *out = state.map_or(std::ptr::null_mut(), |state| own(ckpt_checkpoint_state(state)));
        Ok(())
    })
}

/// The latest checkpoint. Lent.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_latest(state: *const ckpt_checkpoint_state) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(state).map_or(ckpt_bytes::NONE, |s| lend_path(&s.0.latest)))
}

/// How many checkpoints are listed.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_count(state: *const ckpt_checkpoint_state) -> usize {
    ask(0, || handle(state).map_or(0, |s| s.0.all.len()))
}

/// The checkpoint at `index`, oldest first. Lent; nothing when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_path(state: *const ckpt_checkpoint_state, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(state).and_then(|s| s.0.all.get(index)).map_or(ckpt_bytes::NONE, |path| lend_path(path)))
}

/// When the checkpoint at `index` was made, in seconds since the epoch; NaN where nobody said.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_timestamp(state: *const ckpt_checkpoint_state, index: usize) -> f64 {
    ask(f64::NAN, || handle(state).and_then(|s| s.0.timestamps.get(index)).copied().unwrap_or(f64::NAN))
}

/// When the last checkpoint that is kept for good was made, in seconds since the epoch; NaN where nobody said.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_last_preserved(state: *const ckpt_checkpoint_state) -> f64 {
    ask(f64::NAN, || handle(state).and_then(|s| s.0.last_preserved).unwrap_or(f64::NAN))
}

/// Frees a state. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_state_free(state: *mut ckpt_checkpoint_state) {
    release(state);
}

/// What a state file is to say. For one thread at a time while it is changed.
pub struct ckpt_state_update {
    update: StateUpdate,
    all: Vec<PathBuf>,
    timestamps: Vec<f64>,
}

/// A state file that names `latest` as the latest checkpoint, and as the only one unless more are added.
///
/// `*update` is to be freed with `ckpt_state_update_free`; NULL on failure.
#[no_mangle]
pub extern "C" fn ckpt_state_update_new(
    latest: *const c_char,
    update: *mut *mut ckpt_state_update,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(update, std::ptr::null_mut(), "the place for the update")?;
        let update = StateUpdate::new(path_at(latest)?);
        *out = own(ckpt_state_update { update, all: Vec::new(), timestamps: Vec::new() });
        Ok(())
    })
}

/// Adds a checkpoint to those listed, oldest first. In the end the latest is added if it is not the last.
#[no_mangle]
pub extern "C" fn ckpt_state_update_add_path(
    update: *mut ckpt_state_update,
    path: *const c_char,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.all.push(path_at(path)?.to_owned());
        Ok(())
    })
}

/// Adds a time, in seconds since the epoch, to those of the checkpoints listed: as many as there are of these, or none.
#[no_mangle]
pub extern "C" fn ckpt_state_update_add_timestamp(
    update: *mut ckpt_state_update,
    timestamp: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.timestamps.push(timestamp);
        Ok(())
    })
}

/// When the last checkpoint that is kept for good was made, in seconds since the epoch.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_last_preserved(
    update: *mut ckpt_state_update,
    timestamp: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.update = u.update.clone().last_preserved(timestamp);
        Ok(())
    })
}

/// Another name for the state file than `checkpoint`, bytes that end with NUL.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_file_name(
    update: *mut ckpt_state_update,
    name: *const c_char,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.update = u.update.clone().file_name(path_at(name)?);
        Ok(())
    })
}

/// What survives a power cut when the call has returned: one of the `CKPT_DURABILITY_` constants.
#[no_mangle]
pub extern "C" fn ckpt_state_update_set_durability(
    update: *mut ckpt_state_update,
    durability: ckpt_durability,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(update, error, |u| {
        u.update = u.update.clone().durability(durability_of(durability)?);
        Ok(())
    })
}

/// Frees an update. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_state_update_free(update: *mut ckpt_state_update) {
    release(update);
}

/// Replaces the state file of `directory`: all of it or nothing, also over a power cut. Paths in the directory are written relative
/// to it, whether they were given so or not; a relative path is meant from the program's working directory if `directory` is
/// relative too, else from `directory`. (`tf.train.update_checkpoint_state`)
///
/// `CKPT_CODE_NOT_FOUND` when there is no such directory; `CKPT_CODE_UNAVAILABLE` when another process has its lock; `CKPT_CODE_INVALID_ARGUMENT`
/// when the numbers of paths and times differ or the latest checkpoint has the state file's own path.
#[no_mangle]
pub extern "C" fn ckpt_update_checkpoint_state(
    directory: *const c_char,
    update: *const ckpt_state_update,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let update = required(update, "the update")?;
        let full = update.update.clone().all(&update.all).timestamps(update.timestamps.iter().copied());
        update_checkpoint_state(path_at(directory)?, &full)
    })
}

/// Whether there is a checkpoint at `prefix`: a V2 one by its index, or a V1 one by its file or the pattern of its files. Nothing else
/// of it is looked at. (`tf.train.checkpoint_exists`)
///
/// `*exists` is false on failure. Errors are the system's.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_exists(prefix: *const c_char, exists: *mut bool, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || {
        let out = output(exists, false, "the place for the answer")?;
        *out = checkpoint_exists(path_at(prefix)?)?;
        Ok(())
    })
}

/// When each of the `count` checkpoints was written, in seconds since the epoch. Those that are not there are left out: `*found` says
/// how many of `mtimes`, which has room for `count`, were written. (`tf.train.get_checkpoint_mtimes`)
///
/// `*found` is 0 on failure. Errors are the system's.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_mtimes(
    prefixes: *const *const c_char,
    count: usize,
    mtimes: *mut f64,
    found: *mut usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let found = output(found, 0, "the place for the number found")?;
        let places = places(mtimes, count, "the places for the times")?;
        let prefixes: Vec<_> =
            array(prefixes, count, "the prefixes")?.iter().map(|&prefix| path_at(prefix)).collect::<Result<_>>()?;
        let times = checkpoint_mtimes(prefixes)?;
        places.iter_mut().zip(&times).for_each(|(place, time)| *place = *time);
        *found = times.len();
        Ok(())
    })
}

/// Removes the checkpoint at `prefix`, V2 or V1, and the `.meta` file that a Saver put beside it: the index first, so that there is
/// no checkpoint any more when its data goes. Only plain files in the prefix's own directory are removed; that some are not there is
/// no error. The state file stays as it is. (`tf.train.remove_checkpoint`)
///
/// `CKPT_CODE_UNAVAILABLE` when another process has the directory's lock or another thread is writing this checkpoint; what the system
/// says when a file cannot be removed.
#[no_mangle]
pub extern "C" fn ckpt_remove_checkpoint(prefix: *const c_char, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || remove_checkpoint(path_at(prefix)?))
}

/// A checkpoint that is held: no manager of this library removes it, in whatever process, until it is let go or the process ends. It
/// can still be overwritten by one of the same name, and TensorFlow knows nothing of holds. It does not change: several threads may
/// use it at once.
pub struct ckpt_pin(Pin);

/// Holds the checkpoint `prefix`.
///
/// `*pin` is to be freed with `ckpt_pin_free`; NULL on failure. `CKPT_CODE_NOT_FOUND` when there is no such checkpoint, or it was removed
/// meanwhile.
#[no_mangle]
pub extern "C" fn ckpt_pin_new(prefix: *const c_char, pin: *mut *mut ckpt_pin, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || {
        let out = output(pin, std::ptr::null_mut(), "the place for the pin")?;
        *out = own(ckpt_pin(Pin::new(path_at(prefix)?)?));
        Ok(())
    })
}

/// Holds the latest checkpoint of `directory`, also while others are saved and removed there.
///
/// `*pin` is to be freed with `ckpt_pin_free`; NULL when there is no checkpoint, and on failure. `CKPT_CODE_DATA_LOSS` when the state file
/// cannot be understood.
#[no_mangle]
pub extern "C" fn ckpt_pin_latest(directory: *const c_char, pin: *mut *mut ckpt_pin, error: *mut *mut ckpt_error) -> ckpt_code {
    call(error, || {
        let out = output(pin, std::ptr::null_mut(), "the place for the pin")?;
        *out = Pin::latest(path_at(directory)?)?.map_or(std::ptr::null_mut(), |pin| own(ckpt_pin(pin)));
        Ok(())
    })
}

/// The prefix of the checkpoint that is held. Lent.
#[no_mangle]
pub extern "C" fn ckpt_pin_prefix(pin: *const ckpt_pin) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(pin).map_or(ckpt_bytes::NONE, |p| lend_path(p.0.prefix())))
}

/// Lets go of a checkpoint. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_pin_free(pin: *mut ckpt_pin) {
    release(pin);
}
