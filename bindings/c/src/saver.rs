//! Savers: saving and restoring objects of a graph by names.

use std::ffi::{c_char, c_void, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::callback::Mark;
use super::checkpoint::wanted;
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at};
use super::graph_options::{ckpt_restore_options, ckpt_save_options};
use super::log::{ckpt_log_callback, log_of};
use super::node::{ckpt_node, node_at, texts_at};
use super::options::{change, set, with};
use super::progress::ckpt_free_callback;
use super::report::ckpt_report;
use super::strings::{ckpt_string, ckpt_strings, give_path};
use super::{array, ask, call, ckpt_bytes, handle, output, own, path_at, release, required};
use ::checkpoint::{Error, Graph, NodeId, Result, Saver, SaverOptions, SaverSaveOptions, Strings};

/// How a saver numbers its checkpoints and keeps them. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_saver_options {
    pub(super) options: SaverOptions,
}

/// New options with the defaults; to be freed with `ckpt_saver_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_new() -> *mut ckpt_saver_options {
    ask(std::ptr::null_mut(), || own(ckpt_saver_options::default()))
}

/// How many checkpoints stay, the newest; 5 by default. 0: all of them, but the state file lists the newest alone.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_max_to_keep(
    options: *mut ckpt_saver_options,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(count), SaverOptions::max_to_keep)
}

/// Of those that would be removed, keeps one for each so many hours for good; 10 000 by default. The hours are counted from when
/// the saver was made.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_keep_checkpoint_every_n_hours(
    options: *mut ckpt_saver_options,
    hours: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(hours), SaverOptions::keep_checkpoint_every_n_hours)
}

/// Whether steps are written with at least eight digits: `model-00000012`. Not by default.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_pad_step_number(
    options: *mut ckpt_saver_options,
    pad: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(pad), SaverOptions::pad_step_number)
}

/// Whether the state file names checkpoints from its own directory, so that this can be moved; true by default. TensorFlow's
/// default is the paths as they were given.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_save_relative_paths(
    options: *mut ckpt_saver_options,
    relative: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(relative), SaverOptions::save_relative_paths)
}

/// Has `log` called, with `user_data`, about old checkpoints that cannot be removed and the like; NULL, the default, for no one.
/// No lock is held meanwhile. `free_user_data`, if it is not NULL, is called when neither the options nor savers made with them
/// need it any more; when this call fails, at once.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_log(
    options: *mut ckpt_saver_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let log = log_of(&Mark::default(), log, user_data, free_user_data);
        change(options, |o| o.log_to(log.unwrap_or_else(|| Arc::new(|_, _| ()))))
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_free(options: *mut ckpt_saver_options) {
    release(options);
}

/// Saves objects of a graph under names of the program's, and restores them by these (`tf.compat.v1.train.Saver`). Its
/// checkpoints have no object graph. A variable is saved under its name, an object with state of its own under its name followed
/// by those of its tensors, a text under its name and `_py_state`, as in TensorFlow. Format V2 is written; V2 and V1 are
/// restored, and by the full names of variables also checkpoints with an object graph.
///
/// It keeps the graph alive. Several threads may use it at once: calls that save or restore take the graph's lock for their
/// whole length.
pub struct ckpt_saver {
    saver: Saver,
    mark: Mark,
}

/// The saver that a handle stands for. It is held apart from the handle, which a callback may free.
fn saver_at(saver: *const ckpt_saver) -> Result<(Saver, Mark)> {
    let saver = required(saver, "the saver")?;
    saver.mark.check()?;
    Ok((saver.saver.clone(), saver.mark.clone()))
}

fn make(
    graph: *const ckpt_graph,
    options: *const ckpt_saver_options,
    saver: *mut *mut ckpt_saver,
    make: impl FnOnce(&Graph, &SaverOptions) -> Result<Saver>,
) -> Result<()> {
    let out = output(saver, std::ptr::null_mut(), "the place for the saver")?;
    let graph = graph_at(graph)?;
    let options = handle(options).map(|o| o.options.clone()).unwrap_or_default();
    *out = own(ckpt_saver { saver: make(&graph.graph, &options)?, mark: graph.mark });
    Ok(())
}

fn nodes_at(nodes: *const ckpt_node, count: usize) -> Result<Vec<NodeId>> {
    array(nodes, count, "the nodes")?.iter().map(|&node| node_at(node)).collect()
}

/// A saver of `count` objects, each with its name, UTF-8.
///
/// `*saver` is to be freed with `ckpt_saver_free`; NULL on failure. `CKPT_CODE_ALREADY_EXISTS` when two objects have one name, or one
/// object two; `CKPT_CODE_INVALID_ARGUMENT` when there is no object, one has no values, one with state of its own does not say which
/// tensors it has (`ckpt_node_options_set_tensor_names`), a name is impossible, or an option is.
#[no_mangle]
pub extern "C" fn ckpt_saver_new(
    graph: *const ckpt_graph,
    names: *const ckpt_bytes,
    nodes: *const ckpt_node,
    count: usize,
    options: *const ckpt_saver_options,
    saver: *mut *mut ckpt_saver,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        make(graph, options, saver, |graph, options| {
            let named: Vec<(&str, NodeId)> = texts_at(names, count)?.into_iter().zip(nodes_at(nodes, count)?).collect();
            Saver::new(graph, &named, options)
        })
    })
}

/// A saver of `count` variables under their own names (`ckpt_node_options_set_name`). One that comes twice is saved once.
///
/// Errors are those of `ckpt_saver_new`; `CKPT_CODE_INVALID_ARGUMENT` also for an object that is no variable or has no name.
#[no_mangle]
pub extern "C" fn ckpt_saver_new_of_variables(
    graph: *const ckpt_graph,
    nodes: *const ckpt_node,
    count: usize,
    options: *const ckpt_saver_options,
    saver: *mut *mut ckpt_saver,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || make(graph, options, saver, |graph, options| Saver::of_variables(graph, &nodes_at(nodes, count)?, options)))
}

/// A saver of everything that `root` leads to and that has values, slot variables among it, by the variables' own names.
///
/// Errors are those of `ckpt_saver_new_of_variables`; `CKPT_CODE_FAILED_PRECONDITION` at a list or slot that cannot be saved.
#[no_mangle]
pub extern "C" fn ckpt_saver_new_of_root(
    graph: *const ckpt_graph,
    root: ckpt_node,
    options: *const ckpt_saver_options,
    saver: *mut *mut ckpt_saver,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || make(graph, options, saver, |graph, options| Saver::of(graph, node_at(root)?, options)))
}

/// Frees a saver. The checkpoints that it made stay. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_saver_free(saver: *mut ckpt_saver) {
    release(saver);
}

/// The names under which objects are saved, sorted.
///
/// `*names` is to be freed with `ckpt_strings_free`; NULL on failure.
#[no_mangle]
pub extern "C" fn ckpt_saver_names(
    saver: *const ckpt_saver,
    names: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(names, std::ptr::null_mut(), "the place for the names")?;
        let names: Vec<&str> = required(saver, "the saver")?.saver.names().collect();
        *out = own(ckpt_strings(Strings::copy_of(&names)?));
        Ok(())
    })
}

/// How one checkpoint is saved by names. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_saver_save_options {
    pub(super) options: SaverSaveOptions,
    save: ckpt_save_options,
}

/// New options with the defaults; to be freed with `ckpt_saver_save_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_new() -> *mut ckpt_saver_save_options {
    ask(std::ptr::null_mut(), || own(ckpt_saver_save_options::default()))
}

/// Appends `-STEP` to the prefix.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_global_step(
    options: *mut ckpt_saver_save_options,
    step: i64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(step), SaverSaveOptions::global_step)
}

/// The same by an integer scalar of the saver's graph.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_global_step_of(
    options: *mut ckpt_saver_save_options,
    step: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || node_at(step), SaverSaveOptions::global_step_of)
}

/// Another name for the state file than `checkpoint`, bytes that end with NUL: several savers of one directory may each have
/// their own.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_latest_filename(
    options: *mut ckpt_saver_save_options,
    name: *const c_char,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || path_at(name), SaverSaveOptions::latest_filename)
}

/// Whether the checkpoint is recorded: in the state file, and by the saver, which removes old ones then. True by default.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_write_state(
    options: *mut ckpt_saver_save_options,
    write: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(write), SaverSaveOptions::write_state)
}

/// How the files are written, with the callbacks of these options. They are copied; NULL for the defaults.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_save_options(
    options: *mut ckpt_saver_save_options,
    save_options: *const ckpt_save_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.save = handle(save_options).cloned().unwrap_or_default();
        Ok(())
    })
}

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_free(options: *mut ckpt_saver_save_options) {
    release(options);
}

/// Writes the checkpoint `prefix`, or `prefix-STEP` where the options give a step, and calls the write callbacks. Then it is
/// recorded, unless the options say otherwise: the directory's state file names it as the latest, and old ones that this saver
/// recorded are removed: their files by their own names, never by pattern or by way of links. Those that somebody holds stay
/// until a later save. `*path`, to be freed with `ckpt_string_free`, is its path; `path` may be NULL.
///
/// `CKPT_CODE_NOT_FOUND` when the directory is not there; `CKPT_CODE_INVALID_ARGUMENT` when the state file's name has a directory, or is
/// that of the checkpoint; else errors are those of `ckpt_checkpoint_write`.
#[no_mangle]
pub extern "C" fn ckpt_saver_save(
    saver: *const ckpt_saver,
    prefix: *const c_char,
    options: *const ckpt_saver_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = wanted(path, "the place for the path")?;
        let (saver, mark) = saver_at(saver)?;
        let options = handle(options).map(|o| o.options.clone().save(o.save.settle(&mark))).unwrap_or_default();
        let saved = saver.save(path_at(prefix)?, &options)?;
        give_path(out, saved);
        Ok(())
    })
}

/// Restores all objects from the checkpoint at `path`: a prefix, one of its files, or a directory with a state file (its latest).
/// A checkpoint that has an object graph, and not the names, is restored by the full names of the variables that it has. Of the
/// options, globs match names; renames and subtrees are not for savers.
///
/// All that can be known is checked before the first value is assigned. The report has a row for each object, then one for each
/// value of the checkpoint that was not used; `ckpt_saver_last_report` has the same, also after a failure. To what waits for an
/// object of the restores of checkpoints, this is an assignment.
///
/// `*report` is to be freed with `ckpt_report_free`; NULL on failure; `report` may be NULL. `CKPT_CODE_NOT_FOUND` when there is no
/// checkpoint, a data file is missing, or a name is not in it; `CKPT_CODE_INVALID_ARGUMENT` when a value has another dtype or shape
/// than its object, or two variables share memory; `CKPT_CODE_FAILED_PRECONDITION` for a variable that is read-only;
/// `CKPT_CODE_DATA_LOSS` when the checkpoint is damaged; `CKPT_CODE_ABORTED` when a callback fails.
#[no_mangle]
pub extern "C" fn ckpt_saver_restore(
    saver: *const ckpt_saver,
    path: *const c_char,
    options: *const ckpt_restore_options,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = wanted(report, "the place for the report")?;
        let (saver, _) = saver_at(saver)?;
        let options = handle(options).map(|o| o.options.clone()).unwrap_or_default();
        let restored = saver.restore(path_at(path)?, &options)?;
        if let Some(out) = out {
            *out = ckpt_report::new(restored);
        }
        Ok(())
    })
}

/// What became of every value in the last restore, also in one that failed. `*report` is to be freed with `ckpt_report_free`;
/// NULL on failure, before the first restore, and when there was nothing to restore from.
#[no_mangle]
pub extern "C" fn ckpt_saver_last_report(
    saver: *const ckpt_saver,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(report, std::ptr::null_mut(), "the place for the report")?;
        *out = required(saver, "the saver")?.saver.last_report().map_or(std::ptr::null_mut(), ckpt_report::new);
        Ok(())
    })
}

/// The checkpoints that were recorded and are not removed yet, oldest first, as the calls that saved them gave them.
///
/// `*paths` is to be freed with `ckpt_strings_free`; NULL on failure.
#[no_mangle]
pub extern "C" fn ckpt_saver_last_checkpoints(
    saver: *const ckpt_saver,
    paths: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(paths, std::ptr::null_mut(), "the place for the paths")?;
        let paths: Vec<Vec<u8>> = required(saver, "the saver")?
            .saver
            .last_checkpoints()
            .into_iter()
            .map(|path| path.into_os_string().into_encoded_bytes())
            .collect();
        *out = own(ckpt_strings(Strings::copy_of(&paths)?));
        Ok(())
    })
}

fn paths_at<'a>(paths: *const ckpt_bytes, count: usize) -> Result<Vec<&'a Path>> {
    let path = |path: &ckpt_bytes| match array(path.data, path.len, "a path")? {
        bytes if bytes.contains(&0) => Err(Error::argument("a path has a zero byte")),
        bytes => Ok(Path::new(OsStr::from_bytes(bytes))),
    };
    array(paths, count, "the paths")?.iter().map(path).collect()
}

/// Takes these `count` paths for the checkpoints that were recorded, oldest first, and `times`, in seconds since the epoch, for
/// when they were made. `times` may be NULL: then none of them is ever removed. Nor is one that is not in the directory of a
/// later save, for a program may have it from a state file.
#[no_mangle]
pub extern "C" fn ckpt_saver_set_last_checkpoints(
    saver: *const ckpt_saver,
    paths: *const ckpt_bytes,
    times: *const f64,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let saver = required(saver, "the saver")?;
        let paths = paths_at(paths, count)?;
        match times.is_null() {
            true => saver.saver.set_last_checkpoints(paths),
            false => {
                let times = array(times, count, "the times")?;
                saver.saver.set_last_checkpoints_with_time(paths.into_iter().zip(times.iter().copied()))
            }
        }
    })
}

/// Takes those of these `count` checkpoints that are there for the ones that were recorded, with the times of their files: what
/// a program that was ended gives the saver of its next run.
#[no_mangle]
pub extern "C" fn ckpt_saver_recover_last_checkpoints(
    saver: *const ckpt_saver,
    paths: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || required(saver, "the saver")?.saver.recover_last_checkpoints(paths_at(paths, count)?))
}
