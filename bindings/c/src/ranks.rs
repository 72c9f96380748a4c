//! Saves by several processes together.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;

use super::callback::{ckpt_failure, Mark};
use super::checkpoint::{checkpoint_at, ckpt_checkpoint, wanted};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph_options::ckpt_save_options;
use super::manager::{ckpt_manager, manager_at};
use super::manager_options::ckpt_manager_save_options;
use super::progress::{ckpt_free_callback, UserData};
use super::strings::{ckpt_string, give_path};
use super::{array, call, changed, handle, output, own, path_at, release, required};
use ::checkpoint::{Checkpoint, Error, Failure, Ranks, Result, SaveOptions};

/// The processes that save a checkpoint together, as one of them sees them: which it is, how many there are, and callbacks by which they
/// talk, over MPI for instance. For one save at a time.
pub struct ckpt_ranks {
    rank: u32,
    count: u32,
    gather: Talk,
    broadcast: Talk,
    user: UserData,
}

/// Sends a message of `size` bytes to rank 0. There, puts that of each other rank that came in time into `messages`
/// (`ckpt_messages_put`); on the others there is nothing to put. It is called on the thread that saves; how long to wait for the others
/// is its to say. Anything but `CKPT_CODE_OK` ends the save on this rank with `CKPT_CODE_UNAVAILABLE`.
pub type ckpt_gather_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        message: *const c_void,
        size: usize,
        messages: *mut ckpt_messages,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Sends rank 0's message of `size` bytes to all others. There `size` is 0, and what came is put into `messages`, as of rank 0. Else as
/// `ckpt_gather_callback`.
pub type ckpt_broadcast_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        message: *const c_void,
        size: usize,
        messages: *mut ckpt_messages,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Takes the messages of other ranks. It lives while the callback runs.
pub struct ckpt_messages(Vec<Option<Vec<u8>>>);

/// Puts the message of a rank, `size` bytes, which are copied. What was put for the rank before is forgotten.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when there is no such rank.
#[no_mangle]
pub extern "C" fn ckpt_messages_put(
    messages: *mut ckpt_messages,
    rank: u32,
    message: *const c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let messages = changed(messages).ok_or_else(|| Error::argument("the messages are NULL"))?;
        let count = messages.0.len();
        let place = messages.0.get_mut(rank as usize);
        let place =
            place.ok_or_else(|| Error::argument("there is no such rank").expecting(format_args!("less than {count}"), rank))?;
        *place = Some(array::<u8>(message.cast(), size, "the message")?.to_vec());
        Ok(())
    })
}

/// The rank `rank` of `count`; rank 0 merges and publishes what all have written. `*ranks` is to be freed with `ckpt_ranks_free`; NULL on
/// failure. It keeps `user_data`; `free_user_data`, if it is not NULL, is called when it is freed; when this call fails, at once.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when there is no such rank, or a callback is NULL.
#[no_mangle]
pub extern "C" fn ckpt_ranks_new(
    rank: u32,
    count: u32,
    gather: ckpt_gather_callback,
    broadcast: ckpt_broadcast_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    ranks: *mut *mut ckpt_ranks,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let user = UserData::new(user_data, free_user_data);
        let out = output(ranks, std::ptr::null_mut(), "the place for the ranks")?;
        let (Some(gather), Some(broadcast)) = (gather, broadcast) else { return Err(Error::argument("a callback is NULL")) };
        if rank >= count {
            return Err(Error::argument("there is no such rank").expecting(format_args!("less than {count}"), rank));
        }
        *out = own(ckpt_ranks { rank, count, gather, broadcast, user });
        Ok(())
    })
}

/// Frees ranks. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_ranks_free(ranks: *mut ckpt_ranks) {
    release(ranks);
}

/// Ranks that talk for a graph, whose mark their callbacks have.
struct Talking<'r> {
    ranks: &'r ckpt_ranks,
    mark: Mark,
}

type Talk = extern "C" fn(*mut c_void, *const c_void, usize, *mut ckpt_messages, *mut ckpt_failure) -> ckpt_code;

impl Talking<'_> {
    fn talk(&self, talk: Talk, message: &[u8]) -> std::result::Result<Vec<Option<Vec<u8>>>, Failure> {
        let mut messages = ckpt_messages(vec![None; self.ranks.count as usize]);
        let user = self.ranks.user.pointer();
        self.mark.try_run(|failure| talk(user, message.as_ptr().cast(), message.len(), &mut messages, failure))?;
        Ok(messages.0)
    }
}

impl Ranks for Talking<'_> {
    fn rank(&self) -> u32 {
        self.ranks.rank
    }

    fn count(&self) -> u32 {
        self.ranks.count
    }

    fn gather(&self, message: &[u8]) -> std::result::Result<Vec<Option<Vec<u8>>>, Failure> {
        let mut messages = self.talk(self.ranks.gather, message)?;
        if let (0, Some(own)) = (self.ranks.rank, messages.first_mut()) {
            *own = Some(message.to_vec());
        }
        Ok(messages)
    }

    fn broadcast(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Failure> {
        let messages = self.talk(self.ranks.broadcast, message)?;
        match self.ranks.rank {
            0 => Ok(message.to_vec()),
            _ => messages.into_iter().next().flatten().ok_or_else(|| "the callback put no message".into()),
        }
    }
}

fn save(
    checkpoint: *const ckpt_checkpoint,
    ranks: *const ckpt_ranks,
    options: *const ckpt_save_options,
    path: *mut *mut ckpt_string,
    save: impl FnOnce(&Checkpoint, &dyn Ranks, &SaveOptions) -> Result<PathBuf>,
) -> Result<()> {
    let out = wanted(path, "the place for the path")?;
    let checkpoint = checkpoint_at(checkpoint)?;
    let ranks = talking(ranks, &checkpoint.mark)?;
    let options = handle(options).map(|o| o.settle(&checkpoint.mark)).unwrap_or_default();
    let saved = save(&checkpoint.checkpoint, &ranks, &options)?;
    give_path(out, saved);
    Ok(())
}

/// Writes the checkpoint `prefix` together with other ranks, neither counting nor telling the state file. Each rank has a checkpoint of a
/// graph of its own; an object of the file is what the same edges lead to in any of them. What several have, a replicated variable, is
/// written by the first of them; parts of a tensor (`ckpt_node_options_set_part`) by whoever has them. `prefix` must lead every rank to
/// the same files. `*path`, to be freed with `ckpt_string_free`, is the prefix; `path` may be NULL.
///
/// Nothing is published unless all have written their sections; each call then returns the same, success or error. A rank that fails or
/// does not come is named. Callbacks of the options that hear of the checkpoint are called on rank 0.
///
/// With `CKPT_REASON_RANK` what failed on a rank, `CKPT_CODE_UNAVAILABLE` when one did not come or the others could not be reached,
/// `CKPT_CODE_INVALID_ARGUMENT` when two ranks have values of another dtype or shape under one key, an object under different keys, or slices
/// that overlap. Else errors are those of `ckpt_checkpoint_write`; then what was at the prefix is still there.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_write_ranked(
    checkpoint: *const ckpt_checkpoint,
    prefix: *const c_char,
    ranks: *const ckpt_ranks,
    options: *const ckpt_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        save(checkpoint, ranks, options, path, |checkpoint, ranks, options| {
            checkpoint.write_ranked(path_at(prefix)?, ranks, options)
        })
    })
}

/// Counts and writes the checkpoint `prefix-count` together with other ranks, as `ckpt_checkpoint_write_ranked`; calls the callbacks of
/// the options, and has the directory's state file name it, on rank 0. The count is that of rank 0, and the others' after that. `*path`,
/// to be freed with `ckpt_string_free`, is its path; `path` may be NULL.
///
/// Errors are those of `ckpt_checkpoint_write_ranked` and `ckpt_checkpoint_save`; a count stands in any case.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_save_ranked(
    checkpoint: *const ckpt_checkpoint,
    prefix: *const c_char,
    ranks: *const ckpt_ranks,
    options: *const ckpt_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        save(checkpoint, ranks, options, path, |checkpoint, ranks, options| {
            checkpoint.save_ranked(path_at(prefix)?, ranks, options)
        })
    })
}

/// Writes the own section of a checkpoint, to be merged with those of the other ranks later (`ckpt_merge`):
/// `prefix.section-RANK-of-COUNT`, of five digits each. The prefix may be on a disk of the rank's own. Values and objects are divided as
/// by `ckpt_checkpoint_write_ranked`. `*path`, to be freed with `ckpt_string_free`, is the path of the section; `path` may be NULL.
///
/// Errors are those of `ckpt_checkpoint_write_ranked`; then the section is not there, nor one that was.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_write_section(
    checkpoint: *const ckpt_checkpoint,
    prefix: *const c_char,
    ranks: *const ckpt_ranks,
    options: *const ckpt_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        save(checkpoint, ranks, options, path, |checkpoint, ranks, options| {
            checkpoint.write_section(path_at(prefix)?, ranks, options)
        })
    })
}

/// Saves a checkpoint together with other ranks, as `ckpt_manager_save` and `ckpt_checkpoint_save_ranked` do. Each rank has a manager of
/// the same directory with the same options; only that of rank 0 takes its lock, numbers, records and removes. That it is too early each
/// rank finds by itself, so that all must be given the same steps.
///
/// `*path` is to be freed with `ckpt_string_free`; NULL when it is too early, and on failure; `path` may be NULL. Errors are those of
/// `ckpt_manager_save` and `ckpt_checkpoint_save_ranked`.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_ranked(
    manager: *const ckpt_manager,
    ranks: *const ckpt_ranks,
    options: *const ckpt_manager_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = wanted(path, "the place for the path")?;
        let (manager, mark) = manager_at(manager)?;
        let ranks = talking(ranks, &mark)?;
        let options = handle(options).map(|o| o.settle(&mark)).unwrap_or_default();
        let saved = manager.save_ranked(&ranks, &options)?;
        give_path(out, saved);
        Ok(())
    })
}

fn talking<'r>(ranks: *const ckpt_ranks, mark: &Mark) -> Result<Talking<'r>> {
    Ok(Talking { ranks: required(ranks, "the ranks")?, mark: mark.clone() })
}
