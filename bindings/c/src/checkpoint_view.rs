//! Views of checkpoints: their objects, compared with those of a program.

use std::ffi::c_char;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::checkpoint::{checkpoint_at, ckpt_checkpoint};
use super::constants::ckpt_code;
use super::error::ckpt_error;
use super::graph::{ckpt_graph, graph_at};
use super::graph_options::ckpt_restore_options;
use super::node::{ckpt_node, node_at};
use super::object_graph::ckpt_object_graph;
use super::options::ckpt_open_options;
use super::strings::lend_path;
use super::{array, ask, call, ckpt_bytes, copied, handle, list_at, output, own, path_at, release, required};
use ::checkpoint::{restore_nodes, CheckpointView, Comparison, Log, NodeId, Result};

/// The objects of a checkpoint (`tf.train.CheckpointView`). The index is read once; no file stays
/// open. It never changes; several threads may use it at once.
pub struct ckpt_checkpoint_view {
    view: CheckpointView,
    descendants: Vec<u32>,
    /// Their paths, made when the first is asked for. None if there is no memory for them.
    paths: OnceLock<Vec<(u32, String)>>,
}

impl ckpt_checkpoint_view {
    fn descendant_path(&self, index: usize) -> Option<&str> {
        let paths = self.paths.get_or_init(|| self.view.descendants_with_paths().unwrap_or_default());
        paths.get(index).map(|(_, path)| &**path)
    }
}

/// Reads the objects of the checkpoint at `path`, which is resolved as by `ckpt_reader_open`,
/// but takes a prefix before a directory. NULL `options` are the defaults.
///
/// `*view` receives the view (NULL on failure); free it with `ckpt_checkpoint_view_free`.
///
/// Errors are those of `ckpt_reader_open`, and:
/// * `CKPT_CODE_NOT_FOUND`: there is no checkpoint.
/// * `CKPT_CODE_NOT_FOUND` with `CKPT_REASON_NO_OBJECT_GRAPH`: the checkpoint has no object graph.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_open(
    path: *const c_char,
    options: *const ckpt_open_options,
    view: *mut *mut ckpt_checkpoint_view,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(view, std::ptr::null_mut(), "the output argument `view`")?;
        let view = CheckpointView::open_with(path_at(path)?, &copied(options, Clone::clone)?)?;
        let descendants = view.descendants()?;
        *out = own(ckpt_checkpoint_view { view, descendants, paths: OnceLock::new() });
        Ok(())
    })
}

/// Frees a view. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_free(view: *mut ckpt_checkpoint_view) {
    release(view);
}

/// Returns the prefix of the checkpoint. Lent.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_prefix(view: *const ckpt_checkpoint_view) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(view).map_or(ckpt_bytes::NONE, |v| lend_path(v.view.prefix())))
}

/// Copies the object graph: all objects with their children, values and slot variables.
///
/// `*graph` receives it (NULL on failure); free it with `ckpt_object_graph_free`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_object_graph(
    view: *const ckpt_checkpoint_view,
    graph: *mut *mut ckpt_object_graph,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(graph, std::ptr::null_mut(), "the output argument `graph`")?;
        *out = own(ckpt_object_graph(required(view, "the view")?.view.object_graph().clone()));
        Ok(())
    })
}

/// Returns the number of nodes that can be reached from the root by edges, the root included. Slot
/// variables are not counted.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_descendant_count(view: *const ckpt_checkpoint_view) -> usize {
    ask(0, || handle(view).map_or(0, |v| v.descendants.len()))
}

/// Returns the reachable node at `index`, in breadth-first order; the first is the root, node 0. -1
/// if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_descendant(view: *const ckpt_checkpoint_view, index: usize) -> i64 {
    ask(-1, || handle(view).and_then(|v| v.descendants.get(index)).map_or(-1, |id| (*id).into()))
}

/// Returns the path by which the node at `index` was found: `root`, `root.leaf`, `root.leaf.v`.
/// Lent; `data` is NULL if `index` is out of range, or there is no memory for the paths.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_descendant_path(view: *const ckpt_checkpoint_view, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(view).and_then(|v| v.descendant_path(index)).map(str::as_bytes).into())
}

/// The result of comparing a checkpoint with a program: what they have in common, and what only one
/// of them has. Slot variables are not included. It is a snapshot and never changes; several
/// threads may use it at once.
pub struct ckpt_comparison {
    diff: Comparison,
    warnings: Vec<String>,
}

fn compare(
    view: *const ckpt_checkpoint_view,
    diff: *mut *mut ckpt_comparison,
    compare: impl FnOnce(&CheckpointView, &Log) -> Result<Comparison>,
) -> Result<()> {
    let out = output(diff, std::ptr::null_mut(), "the output argument `diff`")?;
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let heard = warnings.clone();
    let log: Log = Arc::new(move |_, text| heard.lock().push(text.to_owned()));
    let diff = compare(&required(view, "the view")?.view, &log)?;
    let warnings = std::mem::take(&mut *warnings.lock());
    *out = own(ckpt_comparison { diff, warnings });
    Ok(())
}

/// Compares the checkpoint with the objects of `graph` below `root`. A node matches the object that
/// a restore would restore from it; nothing is restored. If the program has two objects for a node,
/// the node matches the one that is found first.
///
/// `*diff` receives the comparison (NULL on failure); free it with `ckpt_comparison_free`.
///
/// Errors:
/// * `CKPT_CODE_FAILED_PRECONDITION`: the program contains a list that cannot be saved.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_diff(
    view: *const ckpt_checkpoint_view,
    graph: *const ckpt_graph,
    root: ckpt_node,
    diff: *mut *mut ckpt_comparison,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || compare(view, diff, |view, log| view.diff(&graph_at(graph)?.graph, node_at(root)?, Some(log))))
}

/// Like `ckpt_checkpoint_view_diff`, with the objects that can be reached from the root of
/// `checkpoint`, also by the edges that it attaches to its root.
///
/// `*diff` receives the comparison (NULL on failure); free it with `ckpt_comparison_free`.
///
/// Errors are those of `ckpt_checkpoint_view_diff`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_diff_checkpoint(
    view: *const ckpt_checkpoint_view,
    checkpoint: *const ckpt_checkpoint,
    diff: *mut *mut ckpt_comparison,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || compare(view, diff, |view, log| view.diff_checkpoint(&checkpoint_at(checkpoint)?.checkpoint, Some(log))))
}

/// Frees a comparison. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_comparison_free(diff: *mut ckpt_comparison) {
    release(diff);
}

/// Returns the number of nodes that match an object.
#[no_mangle]
pub extern "C" fn ckpt_comparison_match_count(diff: *const ckpt_comparison) -> usize {
    ask(0, || handle(diff).map_or(0, |d| d.diff.matches.len()))
}

/// Returns the node of the match at `index`, in the order in which the matches were found; -1 if
/// `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_comparison_match_node(diff: *const ckpt_comparison, index: usize) -> i64 {
    ask(-1, || handle(diff).and_then(|d| d.diff.matches.get(index)).map_or(-1, |(id, _)| (*id).into()))
}

/// Returns the object of the match at `index`; 0 if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_comparison_match_object(diff: *const ckpt_comparison, index: usize) -> ckpt_node {
    ask(0, || handle(diff).and_then(|d| d.diff.matches.get(index)).map_or(0, |(_, object)| object.number()))
}

/// Returns the number of nodes of the checkpoint that match no object.
#[no_mangle]
pub extern "C" fn ckpt_comparison_checkpoint_only_count(diff: *const ckpt_comparison) -> usize {
    ask(0, || handle(diff).map_or(0, |d| d.diff.only_in_checkpoint.len()))
}

/// Returns the node at `index` of those that match no object, in breadth-first order; -1 if `index`
/// is out of range.
#[no_mangle]
pub extern "C" fn ckpt_comparison_checkpoint_only_node(diff: *const ckpt_comparison, index: usize) -> i64 {
    ask(-1, || handle(diff).and_then(|d| d.diff.only_in_checkpoint.get(index)).map_or(-1, |&id| id.into()))
}

/// Returns the number of objects of the program that match no node.
#[no_mangle]
pub extern "C" fn ckpt_comparison_program_only_count(diff: *const ckpt_comparison) -> usize {
    ask(0, || handle(diff).map_or(0, |d| d.diff.only_in_program.len()))
}

/// Returns the object at `index` of those that match no node, in breadth-first order; 0 if `index`
/// is out of range.
#[no_mangle]
pub extern "C" fn ckpt_comparison_program_only_object(diff: *const ckpt_comparison, index: usize) -> ckpt_node {
    ask(0, || handle(diff).and_then(|d| d.diff.only_in_program.get(index)).map_or(0, |object| object.number()))
}

/// Returns the number of warnings. There is one for each reference by which a node would match a
/// second object.
#[no_mangle]
pub extern "C" fn ckpt_comparison_warning_count(diff: *const ckpt_comparison) -> usize {
    ask(0, || handle(diff).map_or(0, |d| d.warnings.len()))
}

/// Returns the warning at `index`. Lent; `data` is NULL if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_comparison_warning(diff: *const ckpt_comparison, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(diff).and_then(|d| d.warnings.get(index)).map(|text| text.as_bytes()).into())
}

/// Restores `count` single objects of `graph`: `objects[i]` from node `ids[i]` of the checkpoint at
/// `path`. Edges are not followed. Everything that can be checked is checked before the first value
/// is assigned.
///
/// Errors are those of `ckpt_checkpoint_restore`, and:
/// * `CKPT_CODE_INVALID_ARGUMENT`: the options have renames or a subtree; the checkpoint's root
///   does not reach such a node; an object was removed or is given twice; or node and object do not
///   have the same number of values.
/// * `CKPT_CODE_NOT_FOUND` with `CKPT_REASON_NO_OBJECT_GRAPH`: the checkpoint has no object graph.
#[no_mangle]
pub extern "C" fn ckpt_restore_nodes(
    graph: *const ckpt_graph,
    path: *const c_char,
    ids: *const u32,
    objects: *const ckpt_node,
    count: usize,
    options: *const ckpt_restore_options,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let graph = graph_at(graph)?;
        let objects = list_at(objects, count, "the objects", |&object| node_at(object))?;
        let pairs: Vec<(u32, NodeId)> = array(ids, count, "the ids")?.iter().copied().zip(objects).collect();
        let options = copied(options, Clone::clone)?;
        restore_nodes(path_at(path)?, &graph.graph, &pairs, &options)
    })
}
