//! Maintenance of directories: finding valid checkpoints, repairing the state file, deleting
//! expired checkpoints.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;

use super::constants::{better_of, ckpt_better, ckpt_code, ckpt_locking, ckpt_verdict, limit_of, locking_of};
use super::error::ckpt_error;
use super::log::{ckpt_log_callback, set_log};
use super::manager::texts_of;
use super::options::{set, with};
use super::progress::{ckpt_free_callback, Progress};
use super::strings::{ckpt_string, ckpt_strings, lend_path, text_of};
use super::verify::{ckpt_verify_options, VerifySettings};
use super::{ask, call, changeable, ckpt_bytes, copied, handle, output, own, path_at, release, Exclusive};
use ::checkpoint::{
    collect_checkpoints, latest_valid_checkpoint, repair_checkpoint_state, BrokenCheckpoint, CollectOptions, Collected,
    RepairOptions, RepairedState, Result, Strings, ValidCheckpoint,
};

/// Checkpoints that are not whole, newest first, each with its verdict and the problem that led to
/// it. It never changes; several threads may use it at once.
pub struct ckpt_broken_checkpoints(Vec<Broken>);

struct Broken {
    prefix: Vec<u8>,
    verdict: ckpt_verdict,
    problem: ckpt_error,
}

impl ckpt_broken_checkpoints {
    pub(super) fn new(broken: Vec<BrokenCheckpoint>) -> *mut ckpt_broken_checkpoints {
        own(ckpt_broken_checkpoints(all(broken)))
    }
}

fn all(broken: Vec<BrokenCheckpoint>) -> Vec<Broken> {
    let one = |b: BrokenCheckpoint| Broken {
        prefix: b.prefix.into_os_string().into_encoded_bytes(),
        verdict: b.verdict as ckpt_verdict,
        problem: ckpt_error::new(b.problem),
    };
    broken.into_iter().map(one).collect()
}

/// Returns the number of broken checkpoints.
#[no_mangle]
pub extern "C" fn ckpt_broken_checkpoints_count(broken: *const ckpt_broken_checkpoints) -> usize {
    ask(0, || handle(broken).map_or(0, |b| b.0.len()))
}

/// Returns the prefix of the checkpoint at `index`. Lent; `data` is NULL if `index` is out of
/// range.
#[no_mangle]
pub extern "C" fn ckpt_broken_checkpoints_prefix(broken: *const ckpt_broken_checkpoints, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(broken).and_then(|b| b.0.get(index)).map(|one| &one.prefix[..]).into())
}

/// Returns the problem of the checkpoint at `index`. Lent: do not free it. NULL if `index` is out
/// of range.
#[no_mangle]
pub extern "C" fn ckpt_broken_checkpoints_problem(broken: *const ckpt_broken_checkpoints, index: usize) -> *const ckpt_error {
    ask(std::ptr::null(), || handle(broken).and_then(|b| b.0.get(index)).map_or(std::ptr::null(), |one| &one.problem))
}

/// Returns the verdict on the checkpoint at `index`, never `CKPT_VERDICT_WHOLE`; 0 if `index` is
/// out of range. A checkpoint that does not exist or cannot be read counts as damaged.
#[no_mangle]
pub extern "C" fn ckpt_broken_checkpoints_verdict(broken: *const ckpt_broken_checkpoints, index: usize) -> ckpt_verdict {
    ask(0, || handle(broken).and_then(|b| b.0.get(index)).map_or(0, |one| one.verdict))
}

/// Frees a list of broken checkpoints. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_broken_checkpoints_free(broken: *mut ckpt_broken_checkpoints) {
    release(broken);
}

/// Finds the newest checkpoint of `directory` that can be restored: a whole one
/// (`CKPT_VERDICT_WHOLE`) or, only if there is none, an incomplete one. Sections of checkpoints are
/// never taken. The checkpoints that the state file names are tried first, starting with the
/// latest; then all others in the directory. Without a state file that can be parsed, all of them
/// are tried. The progress callback of the options starts anew for each checkpoint.
///
/// `*path` receives the prefix; free it with `ckpt_string_free`. It is NULL if there is none, and
/// on failure. `*broken` receives the newer checkpoints that are not whole (NULL on failure); free
/// it with `ckpt_broken_checkpoints_free`. If `*path` is incomplete, it is among them. `broken` may
/// be NULL.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND`: the directory does not exist.
/// * `CKPT_CODE_CANCELLED`: the progress callback or the cancel flag stopped the search.
/// * `CKPT_CODE_RESOURCE_EXHAUSTED`: the process or the system has no memory or file handles to
///   spare.
/// * `CKPT_CODE_DATA_LOSS` (`CKPT_REASON_REPLACED`) or `CKPT_CODE_UNAVAILABLE`
///   (`CKPT_REASON_BUSY`): a checkpoint was replaced each time before it could be verified.
#[no_mangle]
pub extern "C" fn ckpt_latest_valid_checkpoint(
    directory: *const c_char,
    options: *const ckpt_verify_options,
    path: *mut *mut ckpt_string,
    broken: *mut *mut ckpt_broken_checkpoints,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        give_valid(path, broken, || {
            let (options, progress) = copied(options, VerifySettings::resolve)?;
            latest_valid_checkpoint(path_at(directory)?, &options, &mut |at| progress.report(at.bytes_done, at.bytes_total))
        })
    })
}

/// Gives what a search for the newest valid checkpoint finds; `broken` may be NULL.
pub(super) fn give_valid(
    path: *mut *mut ckpt_string,
    broken: *mut *mut ckpt_broken_checkpoints,
    find: impl FnOnce() -> Result<ValidCheckpoint>,
) -> Result<()> {
    let broken = super::checkpoint::optional_output(broken, "the output argument `broken`");
    let path = output(path, std::ptr::null_mut(), "the output argument `path`")?;
    let broken = broken?;
    let found = find()?;
    *path = text_of(found.prefix);
    if let Some(out) = broken {
        *out = ckpt_broken_checkpoints::new(found.broken);
    }
    Ok(())
}

/// Options for repairing a state file. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_repair_options(Exclusive<RepairSettings>);

#[derive(Default)]
pub(super) struct RepairSettings {
    pub options: RepairOptions,
    progress: Progress,
}

/// Makes options with the defaults; free them with `ckpt_repair_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_repair_options_new() -> *mut ckpt_repair_options {
    ask(std::ptr::null_mut(), || own(ckpt_repair_options::default()))
}

/// Sets how checkpoints are verified, with the progress callback and the cancel flag of
/// `verify_options`. They are copied; NULL restores the defaults.
#[no_mangle]
pub extern "C" fn ckpt_repair_options_set_verify_options(
    options: *mut ckpt_repair_options,
    verify_options: *const ckpt_verify_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        let (verify, progress) = copied(verify_options, VerifySettings::resolve)?;
        o.options = o.options.clone().verify(verify);
        o.progress = progress;
        Ok(())
    })
}

/// Only returns what the state file would be, and takes no lock, if `dry_run` is true. False by
/// default.
#[no_mangle]
pub extern "C" fn ckpt_repair_options_set_dry_run(
    options: *mut ckpt_repair_options,
    dry_run: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(dry_run), RepairOptions::dry_run)
}

/// Sets whether the directory is locked: one of the `CKPT_LOCKING_` constants;
/// `CKPT_LOCKING_IF_POSSIBLE` by default. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_repair_options_set_locking(
    options: *mut ckpt_repair_options,
    locking: ckpt_locking,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || locking_of(locking), RepairOptions::locking)
}

/// Sets for how many seconds the call waits for a lock that another process or thread holds; 60 by
/// default, 0 fails at once. Fails with `CKPT_CODE_INVALID_ARGUMENT` for negative values and NaN.
/// The lock of the directory's manager is not waited for.
#[no_mangle]
pub extern "C" fn ckpt_repair_options_set_lock_wait(
    options: *mut ckpt_repair_options,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || limit_of(seconds), RepairOptions::lock_wait)
}

/// Sets the log, which is called with `user_data` about a directory that was moved, a file system
/// that has no locks and the like. By default it is that of the options for verifying. NULL turns
/// it off.
///
/// The options keep `user_data`. `free_user_data`, if not NULL, is called when neither the options
/// nor a call that was given them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_repair_options_set_log(
    options: *mut ckpt_repair_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, RepairOptions::log_to, log, user_data, free_user_data))
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_repair_options_free(options: *mut ckpt_repair_options) {
    release(options);
}

/// The result of repairing a state file. It never changes; several threads may use it at once.
pub struct ckpt_repaired_state {
    repaired: RepairedState,
    broken: ckpt_broken_checkpoints,
}

/// Writes a state file for `directory` that lists only valid checkpoints: whole ones
/// (`CKPT_VERDICT_WHOLE`) or, only if there is none, incomplete ones; never sections. Only the
/// state file is changed; in a dry run, nothing is. NULL `options` are the defaults.
///
/// If there is a state file that can be parsed, it lists the valid ones among its checkpoints; if
/// there are none, the newest valid checkpoint of the directory. Otherwise it lists all valid
/// checkpoints of the directory. Checkpoints that were not listed before are not recorded as
/// managed, so that no manager removes one that was meant to stay.
///
/// While checkpoints are verified, no manager gets the directory, but other programs may change its
/// state. If one does, the checkpoints that changed are verified again.
///
/// `*repaired` receives the result (NULL on failure); free it with `ckpt_repaired_state_free`.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND`: the directory does not exist or contains no valid checkpoint.
/// * `CKPT_CODE_UNAVAILABLE`: a manager has the directory, or somebody changes its state and did
///   not end in time (`ckpt_repair_options_set_lock_wait`).
/// * `CKPT_CODE_CANCELLED`: the progress callback or the cancel flag stopped the search.
/// * `CKPT_CODE_RESOURCE_EXHAUSTED`: the process or the system has no memory or file handles to
///   spare.
/// * `CKPT_CODE_DATA_LOSS` (`CKPT_REASON_REPLACED`) or `CKPT_CODE_UNAVAILABLE`
///   (`CKPT_REASON_BUSY`): a checkpoint was replaced each time before it could be verified, or the
///   directory changed each time before its state could be written.
#[no_mangle]
pub extern "C" fn ckpt_repair_checkpoint_state(
    directory: *const c_char,
    options: *const ckpt_repair_options,
    repaired: *mut *mut ckpt_repaired_state,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(repaired, std::ptr::null_mut(), "the output argument `repaired`")?;
        let (options, progress) = copied(options, |o| (o.options.clone(), o.progress.clone()))?;
        let report = &mut |at: ::checkpoint::Progress| progress.report(at.bytes_done, at.bytes_total);
        let mut repaired = repair_checkpoint_state(path_at(directory)?, &options, report)?;
        let broken = ckpt_broken_checkpoints(all(std::mem::take(&mut repaired.broken)));
        *out = own(ckpt_repaired_state { repaired, broken });
        Ok(())
    })
}

/// Returns the latest checkpoint of the new state file. Lent.
#[no_mangle]
pub extern "C" fn ckpt_repaired_state_latest(repaired: *const ckpt_repaired_state) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(repaired).map_or(ckpt_bytes::NONE, |r| lend_path(&r.repaired.latest)))
}

/// Returns the number of checkpoints that the new state file lists.
#[no_mangle]
pub extern "C" fn ckpt_repaired_state_count(repaired: *const ckpt_repaired_state) -> usize {
    ask(0, || handle(repaired).map_or(0, |r| r.repaired.all.len()))
}

/// Returns the listed checkpoint at `index`, oldest first. Lent; `data` is NULL if `index` is out
/// of range.
#[no_mangle]
pub extern "C" fn ckpt_repaired_state_path(repaired: *const ckpt_repaired_state, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || {
        handle(repaired).and_then(|r| r.repaired.all.get(index)).map_or(ckpt_bytes::NONE, |path| lend_path(path))
    })
}

/// Returns whether the new state file differs from the previous one.
#[no_mangle]
pub extern "C" fn ckpt_repaired_state_is_new(repaired: *const ckpt_repaired_state) -> bool {
    ask(false, || handle(repaired).is_some_and(|r| r.repaired.is_new))
}

/// Returns the checkpoints that are not whole. They are not listed, except incomplete ones if none
/// is whole. Lent: do not free it. NULL if `repaired` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_repaired_state_broken(repaired: *const ckpt_repaired_state) -> *const ckpt_broken_checkpoints {
    ask(std::ptr::null(), || handle(repaired).map_or(std::ptr::null(), |r| &r.broken))
}

/// Frees a result and its list. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_repaired_state_free(repaired: *mut ckpt_repaired_state) {
    release(repaired);
}

/// Which checkpoints `ckpt_collect_checkpoints` keeps. For one thread at a time while it is
/// changed.
pub struct ckpt_collect_options(Exclusive<CollectOptions>);

changeable! {
    ckpt_collect_options: CollectOptions,
    ckpt_repair_options: RepairSettings,
}

/// Makes options that keep the newest `keep` checkpoints, at least 1. Free them with
/// `ckpt_collect_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_new(keep: usize) -> *mut ckpt_collect_options {
    ask(std::ptr::null_mut(), || own(ckpt_collect_options(Exclusive::new(CollectOptions::keep(keep)))))
}

/// Permanently keeps one otherwise expired checkpoint per `hours` hours. 0, the default, keeps
/// none.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_set_keep_checkpoint_every_n_hours(
    options: *mut ckpt_collect_options,
    hours: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(hours), CollectOptions::keep_every_n_hours)
}

/// Also keeps the best `count` checkpoints by the metrics that were given to a manager; `better` is
/// one of the `CKPT_BETTER_` constants.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_set_keep_best(
    options: *mut ckpt_collect_options,
    count: usize,
    better: ckpt_better,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || better_of(better), |o, better| o.keep_best(count, better))
}

/// Sets whether the directory is locked: one of the `CKPT_LOCKING_` constants;
/// `CKPT_LOCKING_IF_POSSIBLE` by default. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_set_locking(
    options: *mut ckpt_collect_options,
    locking: ckpt_locking,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || locking_of(locking), CollectOptions::locking)
}

/// Sets for how many seconds the call waits for a lock that another process or thread holds; 60 by
/// default, 0 fails at once. Fails with `CKPT_CODE_INVALID_ARGUMENT` for negative values and NaN.
/// The lock of the directory's manager is not waited for.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_set_lock_wait(
    options: *mut ckpt_collect_options,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || limit_of(seconds), CollectOptions::lock_wait)
}

/// Deletes files left behind by crashes even where the file system has no locks, so that nobody
/// knows whether a program is writing them: those that were last modified more than `seconds`
/// seconds ago. Otherwise nothing is deleted there but expired checkpoints.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_set_older_than(
    options: *mut ckpt_collect_options,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || limit_of(seconds), CollectOptions::older_than)
}

/// Only lists what would be deleted if `dry_run` is true. False by default.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_set_dry_run(
    options: *mut ckpt_collect_options,
    dry_run: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(dry_run), CollectOptions::dry_run)
}

/// Sets the log, which is called with `user_data` about the problems that
/// `ckpt_collected_warnings` lists, also if the call fails. NULL, the default, turns it off.
///
/// The options keep `user_data`. `free_user_data`, if not NULL, is called when neither the options
/// nor a call that was given them needs it any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_set_log(
    options: *mut ckpt_collect_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, CollectOptions::log_to, log, user_data, free_user_data))
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_collect_options_free(options: *mut ckpt_collect_options) {
    release(options);
}

/// Deletes the expired managed checkpoints of `directory`, as a manager does after a save, and
/// files left behind by crashes. Checkpoints that no manager of TensorFlow or of this library has
/// listed are kept, as are pinned ones. NULL `options` keep all checkpoints and delete only
/// leftover files.
///
/// `*removed` receives the checkpoints that were deleted, or would be, oldest first (NULL on
/// failure); free them with `ckpt_strings_free`. `removed` may be NULL.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the options keep no checkpoint, or their hours are negative or
///   not finite.
/// * `CKPT_CODE_NOT_FOUND`: the directory does not exist.
/// * `CKPT_CODE_UNAVAILABLE`: a manager has the directory, or somebody changes its state.
/// * `CKPT_CODE_DATA_LOSS`: the state file names no latest checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_collect_checkpoints(
    directory: *const c_char,
    options: *const ckpt_collect_options,
    removed: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = super::checkpoint::optional_output(removed, "the output argument `removed`")?;
        let options = copied(options, Clone::clone)?;
        let Collected { removed, .. } = collect_checkpoints(path_at(directory)?, &options)?;
        if let Some(out) = out {
            *out = texts_of(removed)?;
        }
        Ok(())
    })
}

/// What collecting did. It never changes; several threads may use it at once.
pub struct ckpt_collected {
    removed: ckpt_strings,
    kept: ckpt_strings,
    leftovers: ckpt_strings,
    warnings: ckpt_strings,
    failed: Vec<(Vec<u8>, ckpt_error)>,
}

/// As `ckpt_collect_checkpoints`, and tells more of what was done: what was removed and what stays,
/// and which expired checkpoints could not be removed, and why.
///
/// `*collected` receives the result (NULL on failure); free it with `ckpt_collected_free`.
///
/// Errors: those of `ckpt_collect_checkpoints`.
#[no_mangle]
pub extern "C" fn ckpt_collect_checkpoints_with_details(
    directory: *const c_char,
    options: *const ckpt_collect_options,
    collected: *mut *mut ckpt_collected,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(collected, std::ptr::null_mut(), "the output argument `collected`")?;
        let found = collect_checkpoints(path_at(directory)?, &copied(options, Clone::clone)?)?;
        let paths = |paths: Vec<PathBuf>| list_of(paths.into_iter().map(|path| path.into_os_string().into_encoded_bytes()));
        let failed = found.not_removed.into_iter();
        *out = own(ckpt_collected {
            removed: paths(found.removed)?,
            kept: paths(found.kept)?,
            leftovers: paths(found.leftovers)?,
            warnings: list_of(found.warnings.into_iter().map(String::into_bytes))?,
            failed: failed.map(|f| (f.prefix.into_os_string().into_encoded_bytes(), ckpt_error::new(f.problem))).collect(),
        });
        Ok(())
    })
}

fn list_of(texts: impl Iterator<Item = Vec<u8>>) -> Result<ckpt_strings> {
    Ok(ckpt_strings(Strings::copy_of(&texts.collect::<Vec<_>>())?))
}

/// Returns the deleted checkpoints, or those that would be, oldest first. Lent: do not free them.
/// NULL if `collected` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_collected_removed(collected: *const ckpt_collected) -> *const ckpt_strings {
    ask(std::ptr::null(), || handle(collected).map_or(std::ptr::null(), |c| &c.removed))
}

/// Returns the managed checkpoints that were kept, oldest first. Lent: do not free them. NULL if
/// `collected` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_collected_kept(collected: *const ckpt_collected) -> *const ckpt_strings {
    ask(std::ptr::null(), || handle(collected).map_or(std::ptr::null(), |c| &c.kept))
}

/// Returns the files left behind by crashes that were deleted, or would be. Lent: do not free them.
/// NULL if `collected` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_collected_leftovers(collected: *const ckpt_collected) -> *const ckpt_strings {
    ask(std::ptr::null(), || handle(collected).map_or(std::ptr::null(), |c| &c.leftovers))
}

/// Returns problems that did not make the call fail, a line each. Lent: do not free them. NULL if
/// `collected` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_collected_warnings(collected: *const ckpt_collected) -> *const ckpt_strings {
    ask(std::ptr::null(), || handle(collected).map_or(std::ptr::null(), |c| &c.warnings))
}

/// Returns the number of expired checkpoints that could not be deleted. They are no longer listed;
/// the next change of the directory tries to delete them again.
#[no_mangle]
pub extern "C" fn ckpt_collected_failed_count(collected: *const ckpt_collected) -> usize {
    ask(0, || handle(collected).map_or(0, |c| c.failed.len()))
}

/// Returns the prefix of the expired checkpoint at `index` that could not be deleted. Lent; `data`
/// is NULL if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_collected_failed_prefix(collected: *const ckpt_collected, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(collected).and_then(|c| c.failed.get(index)).map(|(prefix, _)| &prefix[..]).into())
}

/// Returns why the expired checkpoint at `index` could not be deleted. Lent: do not free it. NULL
/// if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_collected_failed_problem(collected: *const ckpt_collected, index: usize) -> *const ckpt_error {
    ask(std::ptr::null(), || handle(collected).and_then(|c| c.failed.get(index)).map_or(std::ptr::null(), |(_, problem)| problem))
}

/// Frees a result and all that it lends. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_collected_free(collected: *mut ckpt_collected) {
    release(collected);
}
