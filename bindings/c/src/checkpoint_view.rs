//! The objects of a checkpoint compared with those of a program.

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
use super::strings::lend_path;
use super::{array, ask, call, ckpt_bytes, handle, output, own, path_at, release, required};
use ::checkpoint::{restore_nodes, CheckpointView, Log, NodeId, Result, ViewDiff};

/// The objects of a checkpoint (`tf.train.CheckpointView`). The index was read once; no file is open. It does not change:
/// several threads may use it at once.
pub struct ckpt_checkpoint_view {
    view: CheckpointView,
    descendants: OnceLock<Vec<(u32, String)>>,
}

impl ckpt_checkpoint_view {
    fn descendant(&self, index: usize) -> Option<&(u32, String)> {
        self.descendants().get(index)
    }

    fn descendants(&self) -> &[(u32, String)] {
        self.descendants.get_or_init(|| self.view.descendants_with_paths())
    }
}

/// Reads the objects of the checkpoint at `path`, which is that of `ckpt_reader_open`.
///
/// `*view` is to be freed with `ckpt_checkpoint_view_free`; NULL on failure. `CKPT_CODE_NOT_FOUND` when there is no checkpoint, or, with
/// `CKPT_REASON_NO_OBJECT_GRAPH`, it has no objects; else errors are those of `ckpt_reader_open`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_open(
    path: *const c_char,
    view: *mut *mut ckpt_checkpoint_view,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(view, std::ptr::null_mut(), "the place for the view")?;
        let view = CheckpointView::open(path_at(path)?)?;
        *out = own(ckpt_checkpoint_view { view, descendants: OnceLock::new() });
        Ok(())
    })
}

/// Frees a view. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_free(view: *mut ckpt_checkpoint_view) {
    release(view);
}

/// The prefix of the checkpoint. Lent.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_prefix(view: *const ckpt_checkpoint_view) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(view).map_or(ckpt_bytes::NONE, |v| lend_path(v.view.prefix())))
}

/// All objects, with what is known of each: children, values, slot variables.
///
/// `*graph` is to be freed with `ckpt_object_graph_free`; NULL on failure.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_object_graph(
    view: *const ckpt_checkpoint_view,
    graph: *mut *mut ckpt_object_graph,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || {
        let out = output(graph, std::ptr::null_mut(), "the place for the graph")?;
        *out = own(ckpt_object_graph(required(view, "the view")?.view.object_graph().clone()));
        Ok(())
    })
}

/// How many nodes edges lead to from the root, the root among them. Slot variables are not.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_descendant_count(view: *const ckpt_checkpoint_view) -> usize {
    ask(0, || handle(view).map_or(0, |v| v.descendants().len()))
}

/// The node at `index` of these, breadth first; the first is the root, 0. -1 when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_descendant(view: *const ckpt_checkpoint_view, index: usize) -> i64 {
    ask(-1, || handle(view).and_then(|v| v.descendant(index)).map_or(-1, |(id, _)| (*id).into()))
}

/// The way by which the node at `index` was found: `root`, `root.leaf`, `root.leaf.v`. Lent; nothing when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_descendant_path(view: *const ckpt_checkpoint_view, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(view).and_then(|v| v.descendant(index)).map(|(_, path)| path.as_bytes()).into())
}

/// What a checkpoint and a program have in common, and what not, when they were compared. It does not change: several threads
/// may use it at once. Slot variables are in none of it.
pub struct ckpt_comparison {
    diff: ViewDiff,
    warnings: Vec<String>,
}

fn compare(
    view: *const ckpt_checkpoint_view,
    diff: *mut *mut ckpt_comparison,
    compare: impl FnOnce(&CheckpointView, &Log) -> Result<ViewDiff>,
) -> Result<()> {
    let out = output(diff, std::ptr::null_mut(), "the place for the comparison")?;
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let heard = warnings.clone();
    let log: Log = Arc::new(move |_, text| heard.lock().push(text.to_owned()));
    let diff = compare(&required(view, "the view")?.view, &log)?;
    let warnings = std::mem::take(&mut *warnings.lock());
    *out = own(ckpt_comparison { diff, warnings });
    Ok(())
}

/// Compares the checkpoint with the objects below `root`: finds those that have the same place as nodes of the checkpoint, which
/// are what a restore would restore, without its side effects. A node for which the program has two objects matches the one that
/// is found first.
///
/// `*diff` is to be freed with `ckpt_comparison_free`; NULL on failure. `CKPT_CODE_FAILED_PRECONDITION` at a list that cannot be saved.
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

/// The same with what a checkpoint of a program leads to: also by the edges that it attaches to its root.
///
/// `*diff` and errors are those of `ckpt_checkpoint_view_diff`.
#[no_mangle]
pub extern "C" fn ckpt_checkpoint_view_diff_checkpoint(
    view: *const ckpt_checkpoint_view,
    checkpoint: *const ckpt_checkpoint,
    diff: *mut *mut ckpt_comparison,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    call(error, || compare(view, diff, |view, log| view.diff_checkpoint(&checkpoint_at(checkpoint)?.checkpoint, Some(log))))
}

/// Frees a comparison. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_comparison_free(diff: *mut ckpt_comparison) {
    release(diff);
}

/// How many nodes match an object.
#[no_mangle]
pub extern "C" fn ckpt_comparison_match_count(diff: *const ckpt_comparison) -> usize {
    ask(0, || handle(diff).map_or(0, |d| d.diff.matches.len()))
}

/// The node of a match, in the order in which they were found; -1 when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_comparison_match_node(diff: *const ckpt_comparison, index: usize) -> i64 {
    ask(-1, || handle(diff).and_then(|d| d.diff.matches.get(index)).map_or(-1, |(id, _)| (*id).into()))
}

/// The object of a match; 0 when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_comparison_match_object(diff: *const ckpt_comparison, index: usize) -> ckpt_node {
    ask(0, || handle(diff).and_then(|d| d.diff.matches.get(index)).map_or(0, |(_, object)| object.number()))
}

/// How many nodes of the checkpoint match no object.
#[no_mangle]
pub extern "C" fn ckpt_comparison_checkpoint_only_count(diff: *const ckpt_comparison) -> usize {
    ask(0, || handle(diff).map_or(0, |d| d.diff.only_in_checkpoint.len()))
}

/// The node at `index` of these, breadth first; -1 when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_comparison_checkpoint_only_node(diff: *const ckpt_comparison, index: usize) -> i64 {
    ask(-1, || handle(diff).and_then(|d| d.diff.only_in_checkpoint.get(index)).map_or(-1, |&id| id.into()))
}

/// How many objects of the program match no node.
#[no_mangle]
pub extern "C" fn ckpt_comparison_program_only_count(diff: *const ckpt_comparison) -> usize {
    ask(0, || handle(diff).map_or(0, |d| d.diff.only_in_program.len()))
}

/// The object at `index` of these, breadth first; 0 when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_comparison_program_only_object(diff: *const ckpt_comparison, index: usize) -> ckpt_node {
    ask(0, || handle(diff).and_then(|d| d.diff.only_in_program.get(index)).map_or(0, |object| object.number()))
}

/// How many warnings there are: that references do not agree.
#[no_mangle]
pub extern "C" fn ckpt_comparison_warning_count(diff: *const ckpt_comparison) -> usize {
    ask(0, || handle(diff).map_or(0, |d| d.warnings.len()))
}

/// The warning at `index`. Lent; nothing when there are not so many.
#[no_mangle]
pub extern "C" fn ckpt_comparison_warning(diff: *const ckpt_comparison, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(diff).and_then(|d| d.warnings.get(index)).map(|text| text.as_bytes()).into())
}

/// Restores `count` single objects of a graph from nodes of the checkpoint at `path`, without looking at edges. All that can be
/// known is checked before the first value is assigned.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when an option renames or asks for a subtree, the checkpoint's root leads to no such node, an object
/// was removed or is given twice, or one of node and object has values and the other has none or another number of them;
/// `CKPT_CODE_NOT_FOUND` with `CKPT_REASON_NO_OBJECT_GRAPH` when the checkpoint has no objects; else errors are those of
/// `ckpt_checkpoint_restore`.
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
        let objects = array(objects, count, "the objects")?.iter().map(|&object| node_at(object)).collect::<Result<Vec<_>>>()?;
        let pairs: Vec<(u32, NodeId)> = array(ids, count, "the ids")?.iter().copied().zip(objects).collect();
        let options = handle(options).map(|o| o.options.clone()).unwrap_or_default();
        restore_nodes(path_at(path)?, &graph.graph, &pairs, &options)
    })
}
