//! Checkpoints of graphs: saving and restoring.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;

use super::callback::Mark;
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
use super::{array, ask, call, ckpt_bytes, handle, output, own, path_at, release, required};
use ::checkpoint::{Checkpoint, NodeId, RestoreOptions, Result, SaveOptions, Status};

/// Saves and restores what a root object of a graph leads to (`tf.train.Checkpoint`). It keeps the graph alive. Several threads
/// may use it at once: every call takes the graph's lock for its whole length, callbacks included; from inside a callback of
/// the graph it returns `CKPT_CODE_FAILED_PRECONDITION` with `CKPT_REASON_REENTRANT`.
#[derive(Clone)]
pub struct ckpt_checkpoint {
    pub(super) checkpoint: Checkpoint,
    pub(super) mark: Mark,
}

/// The checkpoint that a handle stands for. It is held apart from the handle, which a callback may free.
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
    let out = output(checkpoint, std::ptr::null_mut(), "the place for the checkpoint")?;
    let graph = graph_at(graph)?;
    *out = own(ckpt_checkpoint { checkpoint: make(&graph.graph)?, mark: graph.mark });
    Ok(())
}

/// The checkpoint of what `root` leads to. Its files are those of `tf.train.Checkpoint(**kwargs)`: `root` stands for the
/// checkpoint itself, and its edges, in the order in which they were made, for the keyword arguments, which TensorFlow sorts.
///
/// `*checkpoint` is to be freed with `ckpt_checkpoint_free`; NULL on failure. `CKPT_CODE_INVALID_ARGUMENT` when `root` is no object
/// of the graph.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_new(
    graph: *const ckpt_graph,
    root: ckpt_node,
    checkpoint: *mut *mut ckpt_checkpoint,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || make(graph, checkpoint, |graph| Checkpoint::new(graph, node_at(root)?)))
}

/// The checkpoint of `root`, to which it attaches `count` more edges, each with its name, UTF-8, and its object. Its files are
/// those of `tf.train.Checkpoint(root, **attached)`. They can be restored by a checkpoint made by `ckpt_checkpoint_new`, and
/// the other way round.
///
/// `*checkpoint` is to be freed with `ckpt_checkpoint_free`; NULL on failure. `CKPT_CODE_INVALID_ARGUMENT` when `root`, or what is
/// attached, is no object of the graph, or two have one name; `CKPT_CODE_ALREADY_EXISTS` when the root has an edge of one of the
/// names to another object.
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
            let objects = array(objects, count, "the objects")?.iter().map(|&object| node_at(object));
            let attached: Result<Vec<(&str, NodeId)>> =
                texts_at(names, count)?.into_iter().zip(objects).map(|(name, object)| Ok((name, object?))).collect();
            Checkpoint::with_root(graph, node_at(root)?, &attached?)
        })
    })
}

/// Frees the handle of a checkpoint. Its graph lives on while other handles need it, and so do restores that wait. If it was the last
/// that holds the checkpoint, this waits for a save in the background; an error of that which nobody asks `ckpt_pending_wait` for is
/// lost then: `ckpt_checkpoint_sync` before this has it. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_free(checkpoint: *mut ckpt_checkpoint) {
    release(checkpoint);
}

/// Another handle of the checkpoint's graph, to be freed with `ckpt_graph_free`; NULL of NULL.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_graph(checkpoint: *const ckpt_checkpoint) -> *mut ckpt_graph {
    ask(std::ptr::null_mut(), || {
        let graph = |c: &ckpt_checkpoint| own(ckpt_graph { graph: c.checkpoint.graph().clone(), mark: c.mark.clone() });
        handle(checkpoint).map_or(std::ptr::null_mut(), graph)
    })
}

/// The root object; 0 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_root(checkpoint: *const ckpt_checkpoint) -> ckpt_node {
    ask(0, || handle(checkpoint).map_or(0, |c| c.checkpoint.root().number()))
}

/// Has `log` called, with `user_data`, about values of a checkpoint that were never used and the like; NULL, the default, for
/// no one. A restore keeps the one that was set when it was called. `free_user_data`, if it is not NULL, is called when neither
/// the checkpoint nor such a restore needs it any more; when this call fails, at once.
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

/// The variable that counts saves, `save_counter`: an int64 scalar. When it is asked for first, it is made, tracked, and
/// restored if a value waits for it. An edge of this name that the root has already is taken for it, if it leads to an integer
/// scalar.
///
/// `*counter` is 0 on failure. `CKPT_CODE_ALREADY_EXISTS` when the root has another edge of this name; else what restoring reports.
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

/// How often this checkpoint was saved, by the save counter.
///
/// Errors are those of `ckpt_checkpoint_save_counter`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_save_count(
    checkpoint: *const ckpt_checkpoint,
    count: *mut i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(count, 0, "the place for the count")?;
        *out = checkpoint_at(checkpoint)?.checkpoint.save_count()?;
        Ok(())
    })
}

/// The place for a handle, if the caller wants it.
pub(super) fn wanted<'a, T>(place: *mut *mut T, name: &str) -> Result<Option<&'a mut *mut T>> {
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
    let out = wanted(path, "the place for the path")?;
    let checkpoint = checkpoint_at(checkpoint)?;
    let options = handle(options).map(|o| o.settle(&checkpoint.mark)).unwrap_or_default();
    let saved = save(&checkpoint.checkpoint, &options)?;
    give_path(out, saved);
    Ok(())
}

/// Writes the checkpoint `prefix`, neither counting nor telling the state file. `*path`, to be freed with `ckpt_string_free`,
/// is the prefix; `path` may be NULL. (`tf.train.Checkpoint.write`)
///
/// `CKPT_CODE_FAILED_PRECONDITION` when a variable has no value yet, or the graph has a list or slot that cannot be saved. Then, as
/// after all errors that follow, what was at the prefix is still there, and nothing new. `CKPT_CODE_ABORTED` when a callback fails;
/// if it was one of `ckpt_save_options_add_callback`, the checkpoint is there. `CKPT_CODE_CANCELLED` when the progress callback
/// stops it; else what `ckpt_writer_finish` reports. `CKPT_CODE_UNAVAILABLE` with `CKPT_REASON_BUSY` when an earlier save is still
/// running in the background, if so asked; the error of an earlier one that nobody has heard of.
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

/// Writes the checkpoint `prefix-number`, neither counting nor telling the state file. `*path`, to be freed with
/// `ckpt_string_free`, is its path; `path` may be NULL. (`CheckpointableSaver.save(checkpoint_number=)`)
///
/// Errors are those of `ckpt_checkpoint_write`.
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

/// Counts, writes the checkpoint `prefix-count` (the first is `prefix-1`), calls the callbacks of the options, and has the
/// directory's state file name it as the latest and only one. `*path`, to be freed with `ckpt_string_free`, is its path; `path`
/// may be NULL. (`tf.train.Checkpoint.save`)
///
/// Errors are those of `ckpt_checkpoint_write`; the count stands unless the error is about an earlier save. `CKPT_CODE_INVALID_ARGUMENT`
/// also when the path is that of the state file.
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
    let out = wanted(status, "the place for the status")?;
    let options = handle(options).map(|o| o.options.clone()).unwrap_or_default();
    let checkpoint = checkpoint_at(checkpoint)?;
    let restored = restore(&checkpoint.checkpoint, &options)?;
    if let Some(out) = out {
        *out = own(ckpt_status { status: restored.into(), mark: checkpoint.mark });
    }
    Ok(())
}

/// Restores the program from the checkpoint at `path`: a prefix, one of its files, a directory with a state file (its latest),
/// or a SavedModel. Every object that the root leads to by the edges that were saved takes its value; what the program does not
/// have yet is restored when it is tracked. Makes the save counter. A checkpoint of names is restored by the full names of
/// variables. (`tf.train.Checkpoint.restore`)
///
/// All that can be known is checked before the first value is assigned. If it fails then, the graph is as it was. If reading, a
/// checksum or a callback fails after that, `ckpt_checkpoint_last_report` says of each value what became of it; nothing waits
/// for the restore.
///
/// `*status` is to be freed with `ckpt_status_free`; NULL on failure; `status` may be NULL. `CKPT_CODE_NOT_FOUND` when there is no
/// checkpoint, a data file is missing, it lacks a value that it should have, or a path that an option names;
/// `CKPT_CODE_INVALID_ARGUMENT` when a value has another dtype or shape than its object, or two variables share memory;
/// `CKPT_CODE_FAILED_PRECONDITION` for a variable that is read-only, a list that cannot be saved, or a registered saver that does
/// not accept its object; `CKPT_CODE_DATA_LOSS` when the checkpoint is damaged; `CKPT_CODE_ABORTED` when a callback fails.
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

/// The same without the save counter, for what `ckpt_checkpoint_write` wrote. (`tf.train.Checkpoint.read`)
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

/// Restores nothing, but makes the save counter. All assertions of the status fail. (`tf.train.Checkpoint.restore(None)`)
///
/// `*status` is to be freed with `ckpt_status_free`; NULL on failure; `status` may be NULL. Errors are those of
/// `ckpt_checkpoint_save_counter`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_restore_nothing(
    checkpoint: *const ckpt_checkpoint,
    status: *mut *mut ckpt_status,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || restore(checkpoint, std::ptr::null(), status, |checkpoint, _| checkpoint.restore_nothing()))
}

/// Says what `ckpt_checkpoint_read` would do. Nothing is assigned, and nothing waits for it. What does not fit is in the rows.
///
/// `*report` is to be freed with `ckpt_report_free`; NULL on failure. Errors are those of `ckpt_checkpoint_restore`, save for
/// what rows can tell.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_dry_run(
    checkpoint: *const ckpt_checkpoint,
    path: *const c_char,
    options: *const ckpt_restore_options,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(report, std::ptr::null_mut(), "the place for the report")?;
        let options = handle(options).map(|o| o.options.clone()).unwrap_or_default();
        *out = ckpt_report::new(checkpoint_at(checkpoint)?.checkpoint.dry_run(path_at(path)?, &options)?);
        Ok(())
    })
}

/// What became of every value in the last restore or read, also in one that failed. `*report` is to be freed with
/// `ckpt_report_free`; NULL on failure, before the first restore, and when neither a status nor anything that waits holds on to
/// the last.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_last_report(
    checkpoint: *const ckpt_checkpoint,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(report, std::ptr::null_mut(), "the place for the report")?;
        *out = checkpoint_at(checkpoint)?.checkpoint.last_report().map_or(std::ptr::null_mut(), ckpt_report::new);
        Ok(())
    })
}
