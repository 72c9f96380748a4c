//! Checkpoints of graphs: saving and restoring.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;

use super::callback::CallbackMark;
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at, node_output};
use super::graph_options::{ckpt_restore_options, ckpt_save_options};
use super::log::{ckpt_log_callback, log_of};
use super::node::{ckpt_node, node_at, texts_at};
use super::progress::ckpt_free_callback;
use super::report::ckpt_report;
use super::status::ckpt_status;
use super::strings::{ckpt_string, give_path};
use super::{ask, call, ckpt_bytes, copied, handle, list_at, output, own, path_at, release, required};
use ::checkpoint::{Checkpoint, NodeId, RestoreOptions, Result, SaveOptions, Status};

/// Saves and restores everything that can be reached from a root object of a graph
/// (`tf.train.Checkpoint`). It keeps the graph alive. Several threads may use it at once: each call
/// takes the graph's lock for its whole length, callbacks included. A call from inside a callback
/// of the graph returns `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_REENTRANT`.
#[derive(Clone)]
pub struct ckpt_checkpoint {
    pub(super) checkpoint: Checkpoint,
    pub(super) mark: CallbackMark,
}

/// The checkpoint behind a handle: a clone, because a callback may free the handle.
pub(super) fn checkpoint_at(checkpoint: *const ckpt_checkpoint) -> Result<ckpt_checkpoint> {
    let checkpoint = required(checkpoint, "the checkpoint")?.clone();
    checkpoint.mark.check()?;
    Ok(checkpoint)
}

fn make(
    graph: *const ckpt_graph,
    checkpoint: *mut *mut ckpt_checkpoint,
    make: impl FnOnce(&::checkpoint::Graph) -> Result<Checkpoint>,
) -> Result<()> {
    let out = output(checkpoint, std::ptr::null_mut(), "the output argument `checkpoint`")?;
    let graph = graph_at(graph)?;
    *out = own(ckpt_checkpoint { checkpoint: make(&graph.graph)?, mark: graph.mark });
    Ok(())
}

/// Makes the checkpoint object for everything that can be reached from `root`. Its files are those
/// of `tf.train.Checkpoint(**kwargs)`: `root` stands for the checkpoint itself, and its edges, in
/// the order in which they were made, for the keyword arguments (which TensorFlow sorts).
///
/// `*checkpoint` receives the object (NULL on failure); free it with `ckpt_checkpoint_free`.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `root` is not an object of the graph.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_new(
    graph: *const ckpt_graph,
    root: ckpt_node,
    checkpoint: *mut *mut ckpt_checkpoint,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || make(graph, checkpoint, |graph| Checkpoint::new(graph, node_at(root)?)))
}

/// Makes the checkpoint object for `root` and attaches `count` more edges to it: `names[i]` (UTF-8)
/// leads to `objects[i]`. Its files are those of `tf.train.Checkpoint(root, **attached)`. A
/// checkpoint object made by `ckpt_checkpoint_new` can restore them, and the other way round.
///
/// `*checkpoint` receives the object (NULL on failure); free it with `ckpt_checkpoint_free`.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `root` or one of `objects` is not an object of the graph, or two
///   names are equal.
/// * `CKPT_CODE_ALREADY_EXISTS`: the root already has an edge of one of these names, to another
///   object.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_new_with_root(
    graph: *const ckpt_graph,
    root: ckpt_node,
    names: *const ckpt_bytes,
    objects: *const ckpt_node,
    count: usize,
    checkpoint: *mut *mut ckpt_checkpoint,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        make(graph, checkpoint, |graph| {
            let objects = list_at(objects, count, "the objects", |&object| node_at(object))?;
            let attached: Vec<(&str, NodeId)> = texts_at(names, count)?.into_iter().zip(objects).collect();
            Checkpoint::with_root(graph, node_at(root)?, &attached)
        })
    })
}

/// Frees a handle of a checkpoint. The graph stays alive while other handles or deferred restores
/// need it. NULL is ignored.
///
/// Freeing the last handle that holds the checkpoint waits for its save in the background. If that
/// save fails and nobody calls `ckpt_pending_wait`, its error is lost: call `ckpt_checkpoint_sync`
/// first to get it.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_free(checkpoint: *mut ckpt_checkpoint) {
    release(checkpoint);
}

/// Returns another handle of the checkpoint's graph; free it with `ckpt_graph_free`. NULL if
/// `checkpoint` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_graph(checkpoint: *const ckpt_checkpoint) -> *mut ckpt_graph {
    ask(std::ptr::null_mut(), || {
        let graph = |c: &ckpt_checkpoint| own(ckpt_graph { graph: c.checkpoint.graph().clone(), mark: c.mark.clone() });
        handle(checkpoint).map_or(std::ptr::null_mut(), graph)
    })
}

/// Returns the root object; 0 if `checkpoint` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_root(checkpoint: *const ckpt_checkpoint) -> ckpt_node {
    ask(0, || handle(checkpoint).map_or(0, |c| c.checkpoint.root().number()))
}

/// Sets the log, which is called with `user_data` about values of a checkpoint that were never
/// used, saves in the background that failed and the like. NULL, the default, turns it off. A
/// restore and a save in the background keep the log that was set when they were called.
///
/// `free_user_data`, if not NULL, is called when neither the checkpoint nor such a call needs
/// `user_data` any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_set_log(
    checkpoint: *const ckpt_checkpoint,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let mark = handle(checkpoint).map(|c| c.mark.clone()).unwrap_or_default();
        let log = log_of(&mark, log, user_data, free_user_data);
        checkpoint_at(checkpoint)?.checkpoint.set_log(log);
        Ok(())
    })
}

/// Returns the variable that counts saves, `save_counter`: an int64 scalar. The first call makes
/// and tracks it, and restores it if a deferred restore has a value for it. If the root already has
/// an edge of this name to an integer scalar, that scalar is the counter.
///
/// `*counter` receives the variable; 0 on failure.
///
/// Errors:
/// * `CKPT_CODE_ALREADY_EXISTS`: the root has an edge of this name to another kind of object.
/// * Those of `ckpt_checkpoint_restore`: the deferred restore of the counter fails.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_save_counter(
    checkpoint: *const ckpt_checkpoint,
    counter: *mut ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = node_output(counter)?;
        *out = checkpoint_at(checkpoint)?.checkpoint.save_counter()?.number();
        Ok(())
    })
}

/// Returns in `*count` how many times this checkpoint was saved, according to the save counter.
///
/// Errors are those of `ckpt_checkpoint_save_counter`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_save_count(
    checkpoint: *const ckpt_checkpoint,
    count: *mut i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(count, 0, "the output argument `count`")?;
        *out = checkpoint_at(checkpoint)?.checkpoint.save_count()?;
        Ok(())
    })
}

/// The place for an optional output; None if the caller passed NULL.
pub(super) fn optional_output<'a, T>(place: *mut *mut T, name: &str) -> Result<Option<&'a mut *mut T>> {
    if place.is_null() {
        return Ok(None);
    }
    output(place, std::ptr::null_mut(), name).map(Some)
}

fn save(
    checkpoint: *const ckpt_checkpoint,
    options: *const ckpt_save_options,
    path: *mut *mut ckpt_string,
    save: impl FnOnce(&Checkpoint, &SaveOptions) -> Result<PathBuf>,
) -> Result<()> {
    let out = optional_output(path, "the output argument `path`")?;
    let checkpoint = checkpoint_at(checkpoint)?;
    let options = copied(options, |o| o.resolve(&checkpoint.mark))?;
    let saved = save(&checkpoint.checkpoint, &options)?;
    give_path(out, saved);
    Ok(())
}

/// Writes the checkpoint `prefix`. Does not increment the save counter and does not change the
/// state file. (`tf.train.Checkpoint.write`)
///
/// `*path` receives the prefix (NULL on failure); free it with `ckpt_string_free`. `path` may be
/// NULL.
///
/// Errors are those of `ckpt_writer_finish`, and:
/// * `CKPT_CODE_FAILED_PRECONDITION`: a variable has no value yet, or the graph contains a list or
///   slot that cannot be saved.
/// * `CKPT_CODE_ABORTED`: a callback failed.
/// * `CKPT_CODE_CANCELLED`: the progress callback or the cancel flag stopped the save.
/// * `CKPT_CODE_UNAVAILABLE` with `CKPT_REASON_BUSY`: an earlier save is still running in the
///   background and the options say `CKPT_BUSY_FAIL`.
///
/// After an error, an existing checkpoint at the prefix is unchanged and no new one exists.
/// Exception: if a callback of `ckpt_save_options_add_callback` failed, the new checkpoint is
/// complete and stays.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_write(
    checkpoint: *const ckpt_checkpoint,
    prefix: *const c_char,
    options: *const ckpt_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || save(checkpoint, options, path, |checkpoint, options| checkpoint.write(path_at(prefix)?, options)))
}

/// Writes the checkpoint `prefix-number`, calls the write callbacks, and makes it the latest and
/// only checkpoint in the directory's state file. Does not increment the save counter.
/// (`CheckpointableSaver.save(checkpoint_number=)` of TensorFlow 1.8)
///
/// `*path` receives the checkpoint's path (NULL on failure); free it with `ckpt_string_free`.
/// `path` may be NULL.
///
/// Errors are those of `ckpt_checkpoint_write`, and:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the checkpoint's path is that of the state file.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_write_numbered(
    checkpoint: *const ckpt_checkpoint,
    prefix: *const c_char,
    number: i64,
    options: *const ckpt_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        save(checkpoint, options, path, |checkpoint, options| checkpoint.write_numbered(path_at(prefix)?, number, options))
    })
}

/// Increments the save counter, writes the checkpoint `prefix-COUNT` (the first is `prefix-1`),
/// calls the written callbacks of the options, and makes it the latest and only checkpoint in the
/// directory's state file. (`tf.train.Checkpoint.save`)
///
/// `*path` receives the checkpoint's path (NULL on failure); free it with `ckpt_string_free`.
/// `path` may be NULL.
///
/// Errors are those of `ckpt_checkpoint_write`, and:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the checkpoint's path is that of the state file.
///
/// After an error the counter stays incremented, unless the error is about an earlier save.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_save(
    checkpoint: *const ckpt_checkpoint,
    prefix: *const c_char,
    options: *const ckpt_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || save(checkpoint, options, path, |checkpoint, options| checkpoint.save(path_at(prefix)?, options)))
}

fn restore(
    checkpoint: *const ckpt_checkpoint,
    options: *const ckpt_restore_options,
    status: *mut *mut ckpt_status,
    restore: impl FnOnce(&Checkpoint, &RestoreOptions) -> Result<Status>,
) -> Result<()> {
    let out = optional_output(status, "the output argument `status`")?;
    let options = copied(options, Clone::clone)?;
    let checkpoint = checkpoint_at(checkpoint)?;
    let restored = restore(&checkpoint.checkpoint, &options)?;
    if let Some(out) = out {
        *out = own(ckpt_status { status: restored.into(), mark: checkpoint.mark });
    }
    Ok(())
}

/// Restores the program from the checkpoint at `path`: a prefix, one of its files, a directory with
/// a state file (its latest checkpoint), or a SavedModel. (`tf.train.Checkpoint.restore`)
///
/// Each object that the root reaches by the edges that were saved takes its value. Values whose
/// objects the program does not have yet are deferred: they are restored when the object is
/// tracked. The save counter is made. A name-based checkpoint (`ckpt_saver`) is restored by the
/// full names of variables.
///
/// Everything that can be checked is checked before the first value is assigned; if a check fails,
/// the graph is unchanged. If reading, a checksum or a callback fails later,
/// `ckpt_checkpoint_last_report` says what became of each value, and nothing is deferred.
///
/// `*status` receives the status (NULL on failure); free it with `ckpt_status_free`. `status` may
/// be NULL.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND`: there is no checkpoint; a data file is missing; or the checkpoint lacks
///   a value that it should have, or a path that an option names.
/// * `CKPT_CODE_INVALID_ARGUMENT`: a value has another dtype or shape than its object, or two
///   variables share memory.
/// * `CKPT_CODE_FAILED_PRECONDITION`: a variable is read-only, a list cannot be saved, or a
///   registered saver does not accept its object.
/// * `CKPT_CODE_DATA_LOSS`: the checkpoint is damaged.
/// * `CKPT_CODE_ABORTED`: a callback failed.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_restore(
    checkpoint: *const ckpt_checkpoint,
    path: *const c_char,
    options: *const ckpt_restore_options,
    status: *mut *mut ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || restore(checkpoint, options, status, |checkpoint, options| checkpoint.restore(path_at(path)?, options)))
}

/// Like `ckpt_checkpoint_restore`, but without the save counter: for what `ckpt_checkpoint_write`
/// wrote. (`tf.train.Checkpoint.read`)
///
/// Errors are those of `ckpt_checkpoint_restore`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_read(
    checkpoint: *const ckpt_checkpoint,
    path: *const c_char,
    options: *const ckpt_restore_options,
    status: *mut *mut ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || restore(checkpoint, options, status, |checkpoint, options| checkpoint.read(path_at(path)?, options)))
}

/// Makes the save counter and restores nothing. All assertions of the status fail.
/// (`tf.train.Checkpoint.restore(None)`)
///
/// `*status` receives the status (NULL on failure); free it with `ckpt_status_free`. `status` may
/// be NULL.
///
/// Errors are those of `ckpt_checkpoint_save_counter`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_restore_nothing(
    checkpoint: *const ckpt_checkpoint,
    status: *mut *mut ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || restore(checkpoint, std::ptr::null(), status, |checkpoint, _| checkpoint.restore_nothing()))
}

/// Reports what `ckpt_checkpoint_read` would do. Assigns nothing and defers nothing. Values that do
/// not fit are rows of the report rather than errors.
///
/// `*report` receives the report (NULL on failure); free it with `ckpt_report_free`.
///
/// Errors are those of `ckpt_checkpoint_restore`, except those that rows can express.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_dry_run(
    checkpoint: *const ckpt_checkpoint,
    path: *const c_char,
    options: *const ckpt_restore_options,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(report, std::ptr::null_mut(), "the output argument `report`")?;
        let options = copied(options, Clone::clone)?;
        *out = ckpt_report::new(checkpoint_at(checkpoint)?.checkpoint.dry_run(path_at(path)?, &options)?);
        Ok(())
    })
}

/// Reports what became of each value in the last restore or read, whether it succeeded or failed.
///
/// `*report` receives the report; free it with `ckpt_report_free`. It is NULL on failure, before
/// the first restore, and when the last restore is no longer known: its status was freed and it has
/// no deferred values.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_last_report(
    checkpoint: *const ckpt_checkpoint,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(report, std::ptr::null_mut(), "the output argument `report`")?;
        *out = checkpoint_at(checkpoint)?.checkpoint.last_report().map_or(std::ptr::null_mut(), ckpt_report::new);
        Ok(())
    })
}
