//! Savers: saving and restoring objects of a graph by name.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::sync::Arc;

use super::callback::CallbackMark;
use super::checkpoint::optional_output;
use super::constants::{ckpt_code, ckpt_locking, limit_of, locking_of};
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at};
use super::graph_options::{ckpt_restore_options, ckpt_save_options, SaveSettings};
use super::log::{ckpt_log_callback, set_log};
use super::node::{ckpt_node, node_at, texts_at};
use super::options::{change, set, with};
use super::progress::ckpt_free_callback;
use super::report::ckpt_report;
use super::strings::{ckpt_string, ckpt_strings, give_path};
use super::watch::{ckpt_now_callback, CallerClock, SharedClock};
use super::{
    array, ask, call, changeable, ckpt_bytes, copied, list_at, name_at, os_text, output, own, path_at, release, required,
    Exclusive,
};
use ::checkpoint::{Graph, NodeId, Result, Saver, SaverOptions, SaverSaveOptions, Strings};

/// Options of a saver: how it numbers and keeps checkpoints. For one thread at a time while it is
/// changed.
#[derive(Default)]
pub struct ckpt_saver_options(Exclusive<SaverOptions>);

changeable! {
    ckpt_saver_options: SaverOptions,
    ckpt_saver_save_options: SaverSaveSettings,
}

/// Makes options with the defaults; free them with `ckpt_saver_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_new() -> *mut ckpt_saver_options {
    ask(std::ptr::null_mut(), || own(ckpt_saver_options::default()))
}

/// Keeps the newest `count` checkpoints; 5 by default. 0 keeps all of them, but the state file then
/// lists only the newest.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_max_to_keep(
    options: *mut ckpt_saver_options,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(count), SaverOptions::max_to_keep)
}

/// Permanently keeps one otherwise expired checkpoint per `hours` hours, counted from when the
/// saver was made; 10 000 by default. 0 or less keeps every checkpoint. `ckpt_saver_new` refuses
/// NaN.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_keep_checkpoint_every_n_hours(
    options: *mut ckpt_saver_options,
    hours: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(hours), SaverOptions::keep_checkpoint_every_n_hours)
}

/// Writes steps with at least eight digits if `pad` is true: `model-00000012`. False by default.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_pad_step_number(
    options: *mut ckpt_saver_options,
    pad: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(pad), SaverOptions::pad_step_number)
}

/// Sets whether the state file names checkpoints relative to its own directory, so that the
/// directory can be moved. True by default; TensorFlow by default writes the paths as they were
/// given.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_save_relative_paths(
    options: *mut ckpt_saver_options,
    relative: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(relative), SaverOptions::save_relative_paths)
}

/// Sets the log, which is called with `user_data` about old checkpoints that cannot be removed and
/// the like. NULL, the default, turns it off. No lock is held during the call.
///
/// `free_user_data`, if not NULL, is called when neither the options nor savers made with them need
/// `user_data` any more; at once if this call fails.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_log(
    options: *mut ckpt_saver_options,
    log: ckpt_log_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || set_log(options, SaverOptions::log_to, log, user_data, free_user_data))
}

/// Restores values into variables of another shape with as many elements if `reshape` is true; a
/// variable keeps its own shape. Variables on devices and parts of tensors are not reshaped. False
/// by default. (`Saver(reshape=True)`)
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_reshape(
    options: *mut ckpt_saver_options,
    reshape: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(reshape), SaverOptions::reshape)
}

/// If `only` is true, the saver restores and cannot save, and several objects may have the same
/// name: each of them takes the value. False by default.
/// (`tf.compat.v1.train.init_from_checkpoint`)
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_restore_only(
    options: *mut ckpt_saver_options,
    only: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(only), SaverOptions::restore_only)
}

/// Replaces the machine's clock: `now` is called with `user_data` and returns the time. It must not
/// call the graph.
///
/// The options and savers made with them keep `user_data`. `free_user_data`, if not NULL, is called
/// when none of them needs it any more; at once if this call fails.
///
/// Errors:
/// * `CKPT_CODE_INVALID_ARGUMENT`: `now` is NULL.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_clock(
    options: *mut ckpt_saver_options,
    now: ckpt_now_callback,
    user_data: *mut c_void,
    free_user_data: ckpt_free_callback,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let clock = CallerClock::of(now, user_data, free_user_data)?;
        change(options, |o| o.clock(Arc::new(SharedClock(clock, CallbackMark::default()))))
    })
}

/// Sets whether the directory is locked: one of the `CKPT_LOCKING_` constants;
/// `CKPT_LOCKING_IF_POSSIBLE` by default. Fails with `CKPT_CODE_INVALID_ARGUMENT` for other values.
/// Options of a write can say otherwise for one save.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_locking(
    options: *mut ckpt_saver_options,
    locking: ckpt_locking,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || locking_of(locking), SaverOptions::locking)
}

/// Sets for how many seconds the call waits for a lock that another process or thread holds; 60 by
/// default, 0 fails at once. Fails with `CKPT_CODE_INVALID_ARGUMENT` for negative values and NaN.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_set_lock_wait(
    options: *mut ckpt_saver_options,
    seconds: f64,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || limit_of(seconds), SaverOptions::lock_wait)
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_saver_options_free(options: *mut ckpt_saver_options) {
    release(options);
}

/// Saves objects of a graph under names that the program chooses, and restores them by these names
/// (`tf.compat.v1.train.Saver`). Its checkpoints have no object graph. It writes format V2. It
/// restores V2 and V1 and, by the full names of variables, checkpoints with an object graph.
///
/// As in TensorFlow, a variable is saved under its name, an object with state under its name
/// followed by the names of its tensors, and a text under its name and `_py_state`. Variables that
/// are parts of one tensor (`ckpt_node_options_set_part`) share its name, and are saved as its
/// slices (`Saver({"v": [slices]})`, `PartitionedVariable`).
///
/// It keeps the graph alive. Several threads may use it at once: calls that save or restore take
/// the graph's lock for their whole length.
pub struct ckpt_saver {
    saver: Saver,
    mark: CallbackMark,
}

/// The saver behind a handle: a clone, because a callback may free the handle.
fn saver_at(saver: *const ckpt_saver) -> Result<(Saver, CallbackMark)> {
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
    let out = output(saver, std::ptr::null_mut(), "the output argument `saver`")?;
    let graph = graph_at(graph)?;
    let options = copied(options, Clone::clone)?;
    *out = own(ckpt_saver { saver: make(&graph.graph, &options)?, mark: graph.mark });
    Ok(())
}

fn nodes_at(nodes: *const ckpt_node, count: usize) -> Result<Vec<NodeId>> {
    list_at(nodes, count, "the nodes", |&node| node_at(node))
}

/// Makes a saver of `count` objects: `nodes[i]` is saved under `names[i]` (UTF-8). NULL `options`
/// are the defaults.
///
/// `*saver` receives the saver (NULL on failure); free it with `ckpt_saver_free`.
///
/// Errors:
/// * `CKPT_CODE_ALREADY_EXISTS`: two objects have the same name and are not parts of one tensor
///   (`ckpt_node_options_set_part`), or one object has two names.
/// * `CKPT_CODE_INVALID_ARGUMENT`: there are no objects; an object has no values; an object with
///   state does not declare its tensors (`ckpt_node_options_set_tensor_names`); or a name or an
///   option is invalid.
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

/// Makes a saver of `count` variables under their own names (`ckpt_node_options_set_name`). A
/// variable that is given twice is saved once.
///
/// `*saver` receives the saver (NULL on failure); free it with `ckpt_saver_free`.
///
/// Errors are those of `ckpt_saver_new`, and:
/// * `CKPT_CODE_INVALID_ARGUMENT`: an object is not a variable or has no name.
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

/// Makes a saver of all objects that can be reached from `root` and that have values, slot
/// variables included, under the variables' own names.
///
/// `*saver` receives the saver (NULL on failure); free it with `ckpt_saver_free`.
///
/// Errors are those of `ckpt_saver_new_of_variables`, and:
/// * `CKPT_CODE_FAILED_PRECONDITION`: the graph contains a list or slot that cannot be saved.
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

/// Frees a saver. Its checkpoints stay. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_saver_free(saver: *mut ckpt_saver) {
    release(saver);
}

/// Returns the names under which objects are saved, sorted.
///
/// `*names` receives them (NULL on failure); free them with `ckpt_strings_free`.
#[no_mangle]
pub extern "C" fn ckpt_saver_names(
    saver: *const ckpt_saver,
    names: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(names, std::ptr::null_mut(), "the output argument `names`")?;
        let names: Vec<&str> = required(saver, "the saver")?.saver.names().collect();
        *out = own(ckpt_strings(Strings::copy_of(&names)?));
        Ok(())
    })
}

/// Options of one save by a saver. For one thread at a time while it is changed.
#[derive(Default)]
pub struct ckpt_saver_save_options(Exclusive<SaverSaveSettings>);

#[derive(Default)]
pub(super) struct SaverSaveSettings {
    pub options: SaverSaveOptions,
    save: SaveSettings,
}

/// Makes options with the defaults; free them with `ckpt_saver_save_options_free`.
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

/// Appends `-STEP` to the prefix, where the step is the value of `step`, an integer scalar of the
/// saver's graph.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_global_step_of(
    options: *mut ckpt_saver_save_options,
    step: ckpt_node,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || node_at(step), SaverSaveOptions::global_step_of)
}

/// Sets the name of the state file, NUL-terminated; `checkpoint` by default. Several savers of one
/// directory may each have their own.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_latest_filename(
    options: *mut ckpt_saver_save_options,
    name: *const c_char,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || path_at(name), SaverSaveOptions::latest_filename)
}

/// Sets whether the checkpoint is recorded in the state file and by the saver, which then removes
/// expired ones. True by default.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_write_state(
    options: *mut ckpt_saver_save_options,
    write: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    with(options, error, || Ok(write), SaverSaveOptions::write_state)
}

/// Sets how files are written, including the callbacks of `save_options`. They are copied; NULL
/// restores the defaults.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_set_save_options(
    options: *mut ckpt_saver_save_options,
    save_options: *const ckpt_save_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.save = copied(save_options, Clone::clone)?;
        Ok(())
    })
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_saver_save_options_free(options: *mut ckpt_saver_save_options) {
    release(options);
}

/// Writes the checkpoint `prefix`, or `prefix-STEP` if the options give a step, and calls the
/// written callbacks. Then, unless the options say otherwise, records it: the directory's state
/// file names it as the latest, and expired checkpoints that this saver recorded are deleted.
///
/// Only the files of these checkpoints are deleted, by their own names, never by a pattern and
/// never through a link. A pinned checkpoint (`ckpt_pin_new`) stays until a later save.
///
/// `*path` receives the checkpoint's path (NULL on failure); free it with `ckpt_string_free`.
/// `path` may be NULL.
///
/// Errors are those of `ckpt_checkpoint_write`, except those about earlier saves in the background,
/// and:
/// * `CKPT_CODE_NOT_FOUND`: the directory does not exist.
/// * `CKPT_CODE_INVALID_ARGUMENT`: the state file's name contains a directory, or is that of the
///   checkpoint.
#[no_mangle]
pub extern "C" fn ckpt_saver_save(
    saver: *const ckpt_saver,
    prefix: *const c_char,
    options: *const ckpt_saver_save_options,
    path: *mut *mut ckpt_string,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = optional_output(path, "the output argument `path`")?;
        let (saver, mark) = saver_at(saver)?;
        let options = copied(options, |o| o.options.clone().save(o.save.resolve(&mark)))?;
        let saved = saver.save(path_at(prefix)?, &options)?;
        give_path(out, saved);
        Ok(())
    })
}

/// Restores all objects from the checkpoint at `path`: a prefix, one of its files, or a directory
/// with a state file (its latest checkpoint). A checkpoint that has an object graph instead of the
/// saver's names is restored by the full names of its variables. Paths in the options are names of
/// tensors and their scopes. A name that ends in `:0` is also looked up without that.
///
/// Everything that can be checked is checked before the first value is assigned. A deferred restore
/// of a `ckpt_checkpoint` treats this restore like an assignment by the program.
///
/// `*report` receives the report (NULL on failure), with one row for each object, then one for each
/// unused value of the checkpoint; free it with `ckpt_report_free`. `report` may be NULL.
/// `ckpt_saver_last_report` returns the same, also after a failure.
///
/// Errors:
/// * `CKPT_CODE_NOT_FOUND`: there is no checkpoint, a data file is missing, or a name is not in the
///   checkpoint.
/// * `CKPT_CODE_INVALID_ARGUMENT`: a value has another dtype or shape than its object; two
///   variables share memory; or a glob of the options is malformed.
/// * `CKPT_CODE_FAILED_PRECONDITION`: a variable is read-only.
/// * `CKPT_CODE_DATA_LOSS`: the checkpoint is damaged.
/// * `CKPT_CODE_ABORTED`: a callback failed.
#[no_mangle]
pub extern "C" fn ckpt_saver_restore(
    saver: *const ckpt_saver,
    path: *const c_char,
    options: *const ckpt_restore_options,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = optional_output(report, "the output argument `report`")?;
        let (saver, _) = saver_at(saver)?;
        let options = copied(options, Clone::clone)?;
        let restored = saver.restore(path_at(path)?, &options)?;
        if let Some(out) = out {
            *out = ckpt_report::new(restored);
        }
        Ok(())
    })
}

/// Reports what became of each value in the last restore, whether it succeeded or failed.
///
/// `*report` receives the report; free it with `ckpt_report_free`. It is NULL on failure, before
/// the first restore, and if there was nothing to restore from.
#[no_mangle]
pub extern "C" fn ckpt_saver_last_report(
    saver: *const ckpt_saver,
    report: *mut *mut ckpt_report,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(report, std::ptr::null_mut(), "the output argument `report`")?;
        *out = required(saver, "the saver")?.saver.last_report().map_or(std::ptr::null_mut(), ckpt_report::new);
        Ok(())
    })
}

/// Returns the checkpoints that were recorded and not removed yet, oldest first, with the paths
/// that the saving calls returned.
///
/// `*paths` receives them (NULL on failure); free them with `ckpt_strings_free`.
#[no_mangle]
pub extern "C" fn ckpt_saver_last_checkpoints(
    saver: *const ckpt_saver,
    paths: *mut *mut ckpt_strings,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(paths, std::ptr::null_mut(), "the output argument `paths`")?;
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
    let path = |path: &ckpt_bytes| name_at(path.data.cast(), path.len, "a path").and_then(os_text).map(Path::new);
    list_at(paths, count, "the paths", path)
}

/// Replaces the list of recorded checkpoints by these `count` paths, oldest first. `times` are when
/// they were made, in seconds since the epoch.
///
/// If `times` is NULL, none of them is ever removed. Nor is one that is not in the directory of a
/// later save, because the program may have read its path from a state file.
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
        if times.is_null() {
            saver.saver.set_last_checkpoints(paths)
        } else {
            let times = array(times, count, "the times")?;
            saver.saver.set_last_checkpoints_with_time(paths.into_iter().zip(times.iter().copied()))
        }
    })
}

/// Replaces the list of recorded checkpoints by those of the given `count` that still exist, with
/// the modification times of their files. A restarted program uses it to give its new saver the
/// checkpoints of the previous run.
#[no_mangle]
pub extern "C" fn ckpt_saver_recover_last_checkpoints(
    saver: *const ckpt_saver,
    paths: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || required(saver, "the saver")?.saver.recover_last_checkpoints(paths_at(paths, count)?))
}
