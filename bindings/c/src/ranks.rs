//! Ranks: several processes save one checkpoint together.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;

use super::callback::{ckpt_failure, CallbackMark};
use super::checkpoint::{checkpoint_at, ckpt_checkpoint, optional_output};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph_options::ckpt_save_options;
use super::manager::{ckpt_manager, manager_at};
use super::manager_options::ckpt_manager_save_options;
use super::progress::{ckpt_free_callback, UserData};
use super::strings::{ckpt_string, give_path};
use super::{array, call, changeable, changed, copied, output, own, path_at, release, required, reserved, Exclusive};
use ::checkpoint::{Checkpoint, Error, Failure, Ranks, Result, SaveOptions};

/// The processes that save a checkpoint together, as seen by one of them: its rank, the number of
/// ranks, and callbacks for communication, over MPI for instance. For one save at a time.
pub struct ckpt_ranks {
    rank: u32,
    count: u32,
    gather: MessageCallback,
    broadcast: MessageCallback,
    user: UserData,
}

/// Sends this rank's message of `size` bytes to rank 0. On rank 0, puts the message of each other
/// rank that arrived in time into `messages` with `ckpt_messages_put`; other ranks put nothing.
/// Called on the thread that saves. The callback decides how long to wait for the others. Any
/// result other than `CKPT_CODE_OK` ends the save on this rank with `CKPT_CODE_UNAVAILABLE`.
pub type ckpt_gather_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        message: *const c_void,
        size: usize,
        messages: *mut ckpt_messages,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Sends rank 0's message of `size` bytes to all other ranks. On the other ranks `size` is 0, and
/// the callback puts the received message into `messages` as that of rank 0. In everything else
/// like `ckpt_gather_callback`.
pub type ckpt_broadcast_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        message: *const c_void,
        size: usize,
        messages: *mut ckpt_messages,
        failure: *mut ckpt_failure,
    ) -> ckpt_code,
>;

/// Collects the messages of other ranks. Valid only while the callback runs.
pub struct ckpt_messages(Exclusive<Vec<Option<Vec<u8>>>>);

changeable! {
    ckpt_messages: Vec<Option<Vec<u8>>>,
}

/// Puts the message of a rank: `size` bytes, which are copied. A message that was put for this rank
/// before is replaced.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `rank` is not less than the number of ranks.
#[no_mangle]
pub extern "C" fn ckpt_messages_put(
    messages: *mut ckpt_messages,
    rank: u32,
    message: *const c_void,
    size: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let mut messages = changed(messages, "the messages")?;
        let count = messages.len();
        let place = messages.get_mut(rank as usize);
        let place = place
            .ok_or_else(|| Error::argument("the rank is out of range").expecting(format_args!("less than {count}"), rank))?;
        let message = array::<u8>(message.cast(), size, "the message")?;
        let mut copy = reserved(size, "the message")?;
        copy.extend_from_slice(message);
        *place = Some(copy);
        Ok(())
    })
}

/// Describes rank `rank` of `count`. Rank 0 merges and publishes what all ranks have written.
///
/// `*ranks` receives the ranks (NULL on failure); free them with `ckpt_ranks_free`. They keep
/// `user_data`. `free_user_data`, if not NULL, is called when they are freed; at once if this call
/// fails.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `rank` is not less than `count`, or a callback is NULL.
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
        let out = output(ranks, std::ptr::null_mut(), "the output argument `ranks`")?;
        let (Some(gather), Some(broadcast)) = (gather, broadcast) else {
            return Err(Error::argument("the gather or broadcast callback is NULL"));
        };
        if rank >= count {
            return Err(Error::argument("the rank is out of range").expecting(format_args!("less than {count}"), rank));
        }
        *out = own(ckpt_ranks { rank, count, gather, broadcast, user });
        Ok(())
    })
}

/// Frees ranks. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_ranks_free(ranks: *mut ckpt_ranks) {
    release(ranks);
}

/// Ranks whose callbacks must not call the graph with this mark.
struct RankCallbacks<'r> {
    ranks: &'r ckpt_ranks,
    mark: CallbackMark,
}

type MessageCallback = extern "C" fn(*mut c_void, *const c_void, usize, *mut ckpt_messages, *mut ckpt_failure) -> ckpt_code;

impl RankCallbacks<'_> {
    fn exchange(&self, callback: MessageCallback, message: &[u8]) -> std::result::Result<Vec<Option<Vec<u8>>>, Failure> {
        let count = self.ranks.count as usize;
        let mut messages = reserved(count, "the messages")?;
        messages.resize(count, None);
        let mut messages = ckpt_messages(Exclusive::new(messages));
        let user = self.ranks.user.pointer();
        self.mark.try_run(|failure| callback(user, message.as_ptr().cast(), message.len(), &mut messages, failure))?;
        Ok(messages.0.take())
    }
}

impl Ranks for RankCallbacks<'_> {
    fn rank(&self) -> u32 {
        self.ranks.rank
    }

    fn count(&self) -> u32 {
        self.ranks.count
    }

    fn gather(&self, message: &[u8]) -> std::result::Result<Vec<Option<Vec<u8>>>, Failure> {
        let mut messages = self.exchange(self.ranks.gather, message)?;
        if let (0, Some(own)) = (self.ranks.rank, messages.first_mut()) {
            *own = Some(message.to_vec());
        }
        Ok(messages)
    }

    fn broadcast(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Failure> {
        let messages = self.exchange(self.ranks.broadcast, message)?;
        match self.ranks.rank {
            0 => Ok(message.to_vec()),
            _ => messages.into_iter().next().flatten().ok_or_else(|| "the broadcast callback put no message of rank 0".into()),
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
    let out = optional_output(path, "the output argument `path`")?;
    let checkpoint = checkpoint_at(checkpoint)?;
    let ranks = rank_callbacks(ranks, &checkpoint.mark)?;
    let options = copied(options, |o| o.resolve(&checkpoint.mark))?;
    let saved = save(&checkpoint.checkpoint, &ranks, &options)?;
    give_path(out, saved);
    Ok(())
}

/// Writes the checkpoint `prefix` together with other ranks. Does not increment the save counter
/// and does not change the state file. `prefix` must lead every rank to the same files.
///
/// Each rank has a checkpoint of its own graph. Objects that different ranks reach by the same
/// edges are one object in the file. A value that several ranks have, a replicated variable, is
/// written by the first of them. Parts of a tensor (`ckpt_node_options_set_part`) are written by
/// the ranks that have them.
///
/// Nothing is published unless all ranks have written their sections; all calls then return the
/// same success or error. A rank that fails or does not take part is named in the error. The
/// written callbacks of the options are called on rank 0.
///
/// `*path` receives the prefix (NULL on failure); free it with `ckpt_string_free`. `path` may be
/// NULL.
///
/// Errors are those of `ckpt_checkpoint_write`, after which an existing checkpoint at the prefix is
/// unchanged, and with `CKPT_REASON_RANK`:
/// * The error that a rank failed with.
/// * `CKPT_CODE_UNAVAILABLE`: a rank did not take part, or the other ranks could not be reached.
/// * `CKPT_CODE_INVALID_ARGUMENT`: two ranks disagree on the dtype or shape of a key, have the same
///   object under different keys, or have slices that overlap.
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

/// Increments the save counter and writes the checkpoint `prefix-COUNT` together with other ranks,
/// as `ckpt_checkpoint_write_ranked` does. Then rank 0 calls the written callbacks of the options
/// and makes the checkpoint the latest in the directory's state file. COUNT is the counter of rank
/// 0; the other ranks set theirs to it after the save.
///
/// `*path` receives the checkpoint's path (NULL on failure); free it with `ckpt_string_free`.
/// `path` may be NULL.
///
/// Errors are those of `ckpt_checkpoint_write_ranked` and `ckpt_checkpoint_save`. After an error
/// the counter stays incremented.
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

/// Writes this rank's section of a checkpoint, to be merged later with those of the other ranks by
/// `ckpt_merge`. Its path is `prefix.section-RANK-of-COUNT`, with five digits each. Each rank may
/// write to a disk of its own. Values and objects are divided as by `ckpt_checkpoint_write_ranked`.
/// The written callbacks of the options are not called.
///
/// `*path` receives the section's path (NULL on failure); free it with `ckpt_string_free`. `path`
/// may be NULL.
///
/// Errors are those of `ckpt_checkpoint_write_ranked`. After an error there is no section, even if
/// one existed before.
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

/// Saves a checkpoint together with other ranks, as `ckpt_manager_save` and
/// `ckpt_checkpoint_save_ranked` do. Each rank has a manager of the same directory with the same
/// options; only that of rank 0 takes the directory's lock, numbers, records and deletes
/// checkpoints. Each rank decides by itself whether it is too early to save, so all of them must
/// get the same steps.
///
/// `*path` receives the checkpoint's path; free it with `ckpt_string_free`. It is NULL on failure,
/// and if it is too early. `path` may be NULL.
///
/// Errors are those of `ckpt_manager_save` and `ckpt_checkpoint_save_ranked`.
#[no_mangle]
pub extern "C" fn ckpt_manager_save_ranked(
    manager: *const ckpt_manager,
    ranks: *const ckpt_ranks,
    options: *const ckpt_manager_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = optional_output(path, "the output argument `path`")?;
        let (manager, mark) = manager_at(manager)?;
        let ranks = rank_callbacks(ranks, &mark)?;
        let options = copied(options, |o| o.resolve(&mark))?;
        let saved = manager.save_ranked(&ranks, &options)?;
        give_path(out, saved);
        Ok(())
    })
}

fn rank_callbacks<'r>(ranks: *const ckpt_ranks, mark: &CallbackMark) -> Result<RankCallbacks<'r>> {
    Ok(RankCallbacks { ranks: required(ranks, "the ranks")?, mark: mark.clone() })
}
