//! Directories that are not in order: which checkpoint is whole, a new state file, removing what is too many.

use std::ffi::c_char;

use super::constants::{better_of, ckpt_better, ckpt_code};
use super::error::ckpt_error;
use super::manager::texts_of;
use super::options::with;
use super::strings::{ckpt_string, ckpt_strings, lend_path, text_of};
use super::verify::ckpt_verify_options;
use super::{ask, call, ckpt_bytes, handle, output, own, path_at, release};
use ::checkpoint::{collect_checkpoints, latest_valid, repair_checkpoint_state, Broken, Collected, GcOptions, Repaired};

/// Checkpoints that are not whole, the newest first, each with the first thing that is wrong with it. It does not change: several
/// threads may use it at once.
pub struct ckpt_broken(Vec<(Vec<u8>, ckpt_error)>);

impl ckpt_broken {
    pub(super) fn new(broken: Vec<Broken>) -> *mut ckpt_broken {
        own(ckpt_broken(pairs(broken)))
    }
}

fn pairs(broken: Vec<Broken>) -> Vec<(Vec<u8>, ckpt_error)> {
    let pair = |b: Broken| (b.prefix.into_os_string().into_encoded_bytes(), ckpt_error::new(b.problem));
    broken.into_iter().map(pair).collect()
}

/// How many there are.
#[no_mangle]
pub extern "C" fn ckpt_broken_count(broken: *const ckpt_broken) -> usize {
    ask(0, || handle(broken).map_or(0, |b| b.0.len()))
}

/// The prefix of the checkpoint at `index`. Lent; nothing when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_broken_prefix(broken: *const ckpt_broken, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(broken).and_then(|b| b.0.get(index)).map(|(prefix, _)| &prefix[..]).into())
}

/// What is wrong with the checkpoint at `index`. Lent: not to be freed; NULL when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_broken_problem(broken: *const ckpt_broken, index: usize) -> *const ckpt_error {
    ask(std::ptr::null(), || handle(broken).and_then(|b| b.0.get(index)).map_or(std::ptr::null(), |(_, problem)| problem))
}

/// Frees a list of broken checkpoints. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_broken_free(broken: *mut ckpt_broken) {
    release(broken);
}

/// Finds the newest checkpoint of `directory` that is whole: every checksum of it is compared. Those that the state file names come
/// first, the latest before the others; then, also when there is no state file that can be understood, any others that are there. The
/// progress callback of the options is called for each checkpoint from its beginning.
///
/// `*path` is to be freed with `ckpt_string_free`; NULL when there is none, and on failure. `*broken`, to be freed with
/// `ckpt_broken_free`, has those that are newer and not whole; NULL on failure; `broken` may be NULL. `CKPT_CODE_NOT_FOUND` when there is
/// no such directory; `CKPT_CODE_CANCELLED` when the progress callback stopped it.
#[no_mangle]
pub extern "C" fn ckpt_latest_valid_checkpoint(
    directory: *const c_char,
    options: *const ckpt_verify_options,
    path: *mut *mut ckpt_string,
    broken: *mut *mut ckpt_broken,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let broken = super::checkpoint::wanted(broken, "the place for the broken ones");
        let path = output(path, std::ptr::null_mut(), "the place for the path")?;
        let broken = broken?;
        let (options, progress) = handle(options).map(ckpt_verify_options::settle).unwrap_or_default();
        let found = latest_valid(path_at(directory)?, &options, &mut |at| progress.report(at.bytes_done, at.bytes_total))?;
        *path = text_of(found.prefix);
        if let Some(out) = broken {
            *out = ckpt_broken::new(found.broken);
        }
        Ok(())
    })
}

/// A state file that was made anew. It does not change: several threads may use it at once.
pub struct ckpt_repaired {
    repaired: Repaired,
    broken: ckpt_broken,
}

/// Makes a state file for `directory` that names what is whole: of the checkpoints that the state file lists, where there is one that
/// can be understood; else of all that are there. The latter are listed as nobody's, so that no manager removes what may have been
/// meant to stay. Nothing but the state file is changed; with `dry_run` not even that.
///
/// `*repaired` is to be freed with `ckpt_repaired_free`; NULL on failure. `CKPT_CODE_NOT_FOUND` when there is no such directory, or no whole
/// checkpoint in it; `CKPT_CODE_UNAVAILABLE` when another process has the directory's lock; `CKPT_CODE_CANCELLED` when the progress callback
/// stopped it.
#[no_mangle]
pub extern "C" fn ckpt_repair_checkpoint_state(
    directory: *const c_char,
    dry_run: bool,
    options: *const ckpt_verify_options,
    repaired: *mut *mut ckpt_repaired,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(repaired, std::ptr::null_mut(), "the place for the outcome")?;
        let (options, progress) = handle(options).map(ckpt_verify_options::settle).unwrap_or_default();
        let report = &mut |at: ::checkpoint::Progress| progress.report(at.bytes_done, at.bytes_total);
        let mut repaired = repair_checkpoint_state(path_at(directory)?, dry_run, &options, report)?;
        let broken = ckpt_broken(pairs(std::mem::take(&mut repaired.broken)));
        *out = own(ckpt_repaired { repaired, broken });
        Ok(())
    })
}

/// The latest checkpoint that the new state file names. Lent.
#[no_mangle]
pub extern "C" fn ckpt_repaired_latest(repaired: *const ckpt_repaired) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(repaired).map_or(ckpt_bytes::NONE, |r| lend_path(&r.repaired.latest)))
}

/// How many checkpoints it lists.
#[no_mangle]
pub extern "C" fn ckpt_repaired_count(repaired: *const ckpt_repaired) -> usize {
    ask(0, || handle(repaired).map_or(0, |r| r.repaired.all.len()))
}

/// The checkpoint at `index` of those listed, oldest first. Lent; nothing when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_repaired_path(repaired: *const ckpt_repaired, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || {
        handle(repaired).and_then(|r| r.repaired.all.get(index)).map_or(ckpt_bytes::NONE, |path| lend_path(path))
    })
}

/// Whether it differs from the state file before.
#[no_mangle]
pub extern "C" fn ckpt_repaired_is_new(repaired: *const ckpt_repaired) -> bool {
    ask(false, || handle(repaired).is_some_and(|r| r.repaired.is_new))
}

/// Checkpoints that it does not list since they are not whole. Lent: not to be freed; NULL of NULL.
#[no_mangle]
pub extern "C" fn ckpt_repaired_broken(repaired: *const ckpt_repaired) -> *const ckpt_broken {
    ask(std::ptr::null(), || handle(repaired).map_or(std::ptr::null(), |r| &r.broken))
}

/// Frees an outcome and its list. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_repaired_free(repaired: *mut ckpt_repaired) {
    release(repaired);
}

/// Which checkpoints stay. For one thread at a time while it is changed.
pub struct ckpt_gc_options {
    pub(super) options: GcOptions,
}

/// The newest `keep` stay, at least 1; to be freed with `ckpt_gc_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_gc_options_new(keep: usize) -> *mut ckpt_gc_options {
    ask(std::ptr::null_mut(), || own(ckpt_gc_options { options: GcOptions::keep(keep) }))
}

/// And one for each so many hours, for good; 0, the default, for none.
#[no_mangle]
pub extern "C" fn ckpt_gc_options_set_keep_checkpoint_every_n_hours(
    options: *mut ckpt_gc_options,
    hours: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(hours), GcOptions::keep_every_n_hours)
}

/// And the best `count` by the metrics that a manager's program gave; `better` is one of the `CKPT_BETTER_` constants.
#[no_mangle]
pub extern "C" fn ckpt_gc_options_set_keep_best(
    options: *mut ckpt_gc_options,
    count: usize,
    better: ckpt_better,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || better_of(better), |o, better| o.keep_best(count, better))
}

/// Whether to say only what would be removed. Not by default.
#[no_mangle]
pub extern "C" fn ckpt_gc_options_set_dry_run(
    options: *mut ckpt_gc_options,
    dry_run: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(dry_run), GcOptions::dry_run)
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_gc_options_free(options: *mut ckpt_gc_options) {
    release(options);
}

/// Removes from `directory` the managed checkpoints that are too many, as a manager does after a save, and what crashes left. A
/// checkpoint that no manager of TensorFlow or of this library has listed stays, as does one that is held. Without options all stay,
/// and only what crashes left goes.
///
/// `*removed`, to be freed with `ckpt_strings_free`, are the checkpoints that were removed, or would be, oldest first; NULL on failure;
/// `removed` may be NULL. `CKPT_CODE_INVALID_ARGUMENT` when none is to stay; `CKPT_CODE_NOT_FOUND` when there is no such directory;
/// `CKPT_CODE_UNAVAILABLE` when another process has its lock; `CKPT_CODE_DATA_LOSS` when the state file names no latest checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_collect_checkpoints(
    directory: *const c_char,
    options: *const ckpt_gc_options,
    removed: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = super::checkpoint::wanted(removed, "the place for what was removed")?;
        let options = handle(options).map(|o| o.options.clone()).unwrap_or_default();
        let Collected { removed, .. } = collect_checkpoints(path_at(directory)?, &options)?;
        if let Some(out) = out {
            *out = texts_of(removed)?;
        }
        Ok(())
    })
}
