//! A restore: matches the objects of a checkpoint with those of a program by their edges, at once
//! and as the program tracks more objects.
//!
//! The matching is TensorFlow's: breadth first over the checkpoint's graph. A node of the
//! checkpoint is bound to at most one object, the first that it meets. An edge that the program
//! does not have yet is deferred at its parent. If several restores have a value for an object, the
//! one called last sets it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;

use super::assign::Batch;
use super::matches::Matches;
use super::options::{Log, RestoreOptions, Severity};
use super::paths::Paths;
use super::plan::{renewed, Outcome, Plan};
use super::report::RowState;
use super::selection::Selection;
use crate::allocate::{filled, list_of, Room, TryPush};
use crate::background::Control;
use crate::error::{printable, Error, Result};
use crate::format::key::VARIABLE_VALUE;
use crate::graph::{NodeId, Nodes, Position, Waiting};
use crate::reader::{Node as SavedNode, ObjectGraph, Reader};

/// The number of the next restore; restores are numbered in the order of their calls.
static NEXT: AtomicU64 = AtomicU64::new(1);

pub(super) fn next_uid() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// One call of restore or read. It lives as long as it has deferred values or a status refers to
/// it.
pub(crate) struct Restore {
    pub(super) uid: u64,
    pub(super) reader: Reader,
    pub(super) selection: Selection,
    pub(super) options: RestoreOptions,
    log: Option<Log>,
    pub(super) found: Mutex<Matches>,
    /// Whether to suppress the warning about unused values when the restore is dropped.
    quiet: AtomicBool,
}

/// The state of one walk over the checkpoint's graph.
#[derive(Default)]
pub(super) struct Pass {
    /// Nodes to visit, with their objects.
    pub queue: VecDeque<(u32, NodeId)>,
    pub plans: Vec<Plan>,
    /// The tensor that was found last; the search for the next one starts there, since it is often
    /// close.
    pub near: usize,
    /// The objects of each registered saver, with the names under which they were saved.
    pub savers: BTreeMap<usize, Vec<(String, NodeId)>>,
    /// The objects whose values are planned, each with the number of the restore that set it
    /// before.
    marked: Vec<(NodeId, u64)>,
    /// Slots that were made: owner, variable, name. They are removed if the restore fails.
    pub made: Vec<(NodeId, NodeId, Box<str>)>,
    /// Whether to assign nothing.
    pub dry: bool,
    /// Who may cancel it.
    control: Control,
}

impl Restore {
    pub fn new(reader: Reader, saved: ObjectGraph, options: &RestoreOptions, log: Option<Log>) -> Result<Restore> {
        let selection = Selection::new(saved, options)?;
        let saved = &selection.saved;
        let (objects, states) = (filled(None, saved.len())?, filled(None, saved.len())?);
        let mut found = Matches { objects, states, ..Matches::default() };
        if !options.skip_slot_variables {
            for owner in saved.nodes() {
                for slot in owner.slot_variables() {
                    found.slots.make_room(1)?;
                    let of_variable = found.slots.entry(slot.original_variable).or_default();
                    of_variable.try_push((owner.id(), slot.slot_variable, slot.name.into()))?;
                }
            }
        }
        let restore = Restore {
            uid: next_uid(),
            reader,
            selection,
            options: options.clone(),
            log,
            found: Mutex::new(found),
            quiet: AtomicBool::new(false),
        };
        for glob in &restore.selection.unmatched {
            restore.log(Severity::Warning, &unmatched_glob(glob));
        }
        Ok(restore)
    }

    pub fn expect_partial(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    pub(super) fn log(&self, severity: Severity, text: &str) {
        if let Some(log) = &self.log {
            log(severity, text);
        }
    }

    pub fn wants(&self, id: u32) -> bool {
        self.selection.wants(id)
    }

    pub(super) fn node(&self, id: u32) -> SavedNode<'_> {
        self.selection.saved.node(id).unwrap_or_else(|| self.selection.saved.nodes().next().expect("an object graph has a root"))
    }

    /// Returns the object that a node is bound to; `None` if there is none or it was removed.
    pub fn bound(&self, nodes: &Nodes, id: u32) -> Option<NodeId> {
        self.found.lock().bound(nodes, id)
    }

    /// Makes the first walk: from the root, then from the objects that the checkpoint attaches to
    /// it. After a failure or a dry run, [`Restore::undo`] restores the previous state of the
    /// graph.
    pub fn begin(
        self: &Arc<Self>,
        nodes: &mut Nodes,
        root: NodeId,
        attached: &[(Box<str>, NodeId)],
        control: &Control,
        dry: bool,
    ) -> (Pass, Result<()>) {
        let mut pass = Pass { dry, control: control.clone(), ..Pass::default() };
        let result = self.walk(nodes, 0, root, &mut pass).and_then(|()| {
            for (name, object) in attached.iter().filter(|(name, _)| &**name != super::ROOT) {
                let child = self.node(0).children().find(|edge| edge.name == &**name).map(|edge| edge.node);
                if let Some(child) = child.filter(|&child| self.bound(nodes, child).is_none()) {
                    self.walk(nodes, child, *object, &mut pass)?;
                }
            }
            self.assign(nodes, &mut pass, &self.reader)
        });
        (pass, result)
    }

    /// Reverts the changes of a walk to the graph, except for values that it has assigned.
    pub fn undo(&self, nodes: &mut Nodes, pass: &Pass) {
        self.expect_partial();
        for &(object, before) in &pass.marked {
            if let Some(node) = nodes.get_mut(object) {
                node.restored_by = before;
            }
        }
        for (owner, variable, name) in pass.made.iter().rev() {
            nodes.unmake_slot(*owner, *variable, name);
        }
        self.forget(nodes);
    }

    /// Removes the deferred values of this restore from the graph.
    pub fn forget(&self, nodes: &mut Nodes) {
        let waits_at = std::mem::take(&mut self.found.lock().waits_at);
        waits_at.into_iter().for_each(|object| nodes.forget_deferred(object, self.uid));
        let mut found = self.found.lock();
        found.slots.clear();
        found.waiting_slots.clear();
    }

    /// Binds a node to an object. Returns false if the node was already bound.
    pub(super) fn bind(&self, nodes: &Nodes, id: u32, object: NodeId) -> Result<bool> {
        let there = self.found.lock().bind(nodes, id, object)?;
        if let Some(there) = there {
            self.warn_of_two(nodes, there, object);
        }
        Ok(there.is_none())
    }

    fn warn_of_two(&self, nodes: &Nodes, there: NodeId, object: NodeId) {
        if there != object {
            self.log(
                Severity::Warning,
                &format!(
                    "Inconsistent references when loading the checkpoint into this object graph. For example, in the saved checkpoint object, there \
                     is one object where the program has two. The referenced variables are: ({} and {}).",
                    nodes.describe(there),
                    nodes.describe(object)
                ),
            );
        }
    }

    /// Walks the checkpoint's graph from the node `id`, which is matched with `object`. Plans
    /// values, and defers those whose objects do not exist yet.
    fn walk(self: &Arc<Self>, nodes: &mut Nodes, id: u32, object: NodeId, pass: &mut Pass) -> Result<()> {
        if !self.bind(nodes, id, object)? {
            // As in TensorFlow, a variable that is made where a value waits for it has that value
            // from the start, even if another object has it already.
            let restored_by = nodes.need(object)?.restored_by;
            if self.uid > restored_by && self.wants(id) && self.is_plain(id) && nodes.lacks_value(object) {
                self.plan(nodes, id, object, pass)?;
                pass.marked.try_push((object, restored_by))?;
                nodes.need_mut(object)?.restored_by = self.uid;
            }
            return Ok(());
        }
        pass.queue.try_push((id, object))?;
        while let Some((id, object)) = pass.queue.pop_front() {
            let restored_by = nodes.need(object)?.restored_by;
            if self.uid > restored_by && self.wants(id) {
                self.plan(nodes, id, object, pass)?;
                pass.marked.try_push((object, restored_by))?;
                nodes.need_mut(object)?.restored_by = self.uid;
            }
            self.follow_edges(nodes, id, object, pass)?;
            self.follow_slots(nodes, id, object, pass)?;
        }
        Ok(())
    }

    fn follow_edges(self: &Arc<Self>, nodes: &mut Nodes, id: u32, object: NodeId, pass: &mut Pass) -> Result<()> {
        let mut waiting: Vec<(&str, u32)> = Vec::new();
        let edges = nodes.children(object)?;
        let mut found = self.found.lock();
        for (number, edge) in self.node(id).children().enumerate() {
            if found.bound(nodes, edge.node).is_some() {
                continue;
            }
            // Fast path: most programs have their edges in the order in which they were saved.
            let same = edges.get_index(number).filter(|(name, _)| ***name == *edge.name).map(|(_, child)| child);
            match same.or_else(|| edges.get(edge.name)) {
                Some(&child) => {
                    // The node was not bound before, as checked above.
                    let bound = found.bind(nodes, edge.node, child)?;
                    debug_assert!(bound.is_none());
                    pass.queue.try_push((edge.node, child))?;
                }
                None if self.may_have_values(edge.node) => waiting.try_push((edge.name, edge.node))?,
                None => {}
            }
        }
        if !waiting.is_empty() {
            found.waits_at.make_room(1)?;
            found.waits_at.insert(object);
        }
        drop(found);
        for (name, node) in waiting {
            nodes.defer(object, name, Position { restore: self.clone(), node })?;
        }
        Ok(())
    }

    /// Returns whether the node has the value of a variable and nothing else.
    fn is_plain(&self, id: u32) -> bool {
        let node = self.node(id);
        let mut names = node.attributes().map(|attribute| attribute.name);
        (names.next(), names.next()) == (Some(VARIABLE_VALUE), None) && node.children().len() + node.slot_variables().len() == 0
    }

    /// Returns whether the node or anything below it has values. For files that do not record this,
    /// returns whether the node has anything at all.
    fn may_have_values(&self, id: u32) -> bool {
        let node = self.node(id);
        node.has_checkpoint_values().unwrap_or_else(|| {
            node.children().len() + node.attributes().len() + node.slot_variables().len() > 0 || node.registered_saver().is_some()
        })
    }

    /// Restores single objects from nodes without following edges. Assertions and later restores do
    /// not see this restore.
    pub fn restore_single(&self, nodes: &mut Nodes, pairs: &[(u32, NodeId)]) -> Result<()> {
        let mut pass = Pass { control: self.options.control(), ..Pass::default() };
        for &(id, object) in pairs.iter().filter(|(id, _)| self.wants(*id)) {
            self.plan(nodes, id, object, &mut pass)?;
        }
        self.assign(nodes, &mut pass, &self.reader)
    }

    /// Assigns the values that a walk has planned.
    fn assign(&self, nodes: &mut Nodes, pass: &mut Pass, reader: &Reader) -> Result<()> {
        if pass.plans.is_empty() && pass.savers.is_empty() {
            return Ok(());
        }
        let batch = Batch::new(reader, &self.options, &pass.control, pass.dry);
        let (outcomes, result) = batch.run(nodes, &pass.plans);
        let mut found = self.found.lock();
        for (plan, outcome) in pass.plans.iter().zip(outcomes.each()) {
            // What became of the object that a node is bound to, not of another that has its value
            // as well.
            if found.objects[plan.saved as usize].is_none_or(|bound| bound == plan.object) {
                found.note(plan.saved, outcome);
            }
        }
        drop(found);
        result?;
        if pass.dry {
            return Ok(());
        }
        for (&saver, objects) in &pass.savers {
            pass.control.check()?;
            let Some(mut functions) = nodes.savers.get_mut(saver).functions.take() else { continue };
            let wanted = reader.tensors().filter(|t| functions.wants(objects, t.key()));
            let wanted: Result<Vec<(Box<str>, usize)>> =
                list_of(wanted.map(|t| (String::from_utf8_lossy(t.key()).into_owned().into_boxed_str(), t.index())));
            let restored = wanted.and_then(|wanted| batch.source(&wanted)).and_then(|source| {
                functions.restore(objects, &source).map_err(|e| Error::callback("the restore callback of a registered saver", e))
            });
            nodes.savers.get_mut(saver).functions = Some(functions);
            restored?;
            for (_, object) in objects {
                if let Some(node) = nodes.get_mut(*object) {
                    node.was_assigned = true;
                }
            }
        }
        reader.close_files();
        Ok(())
    }
}

impl Waiting for Restore {
    fn uid(&self) -> u64 {
        self.uid
    }

    fn attach(self: Arc<Self>, nodes: &mut Nodes, saved: u32, object: NodeId) -> Result<()> {
        let mut pass = Pass::default();
        let walked = self.walk(nodes, saved, object, &mut pass);
        let is_read = !pass.plans.is_empty() || !pass.savers.is_empty();
        let newer = walked.and_then(|()| if is_read { renewed(&self.reader, &mut pass.plans) } else { Ok(None) });
        match newer {
            Ok(newer) => self.assign(nodes, &mut pass, newer.as_ref().unwrap_or(&self.reader)),
            Err(e) => {
                // The objects stay bound, so that assertions and the report say that they have no
                // values.
                let mut found = self.found.lock();
                for plan in &pass.plans {
                    found.note(plan.saved, Outcome { state: RowState::Skipped, detail: Some(e.to_string()) });
                }
                Err(e)
            }
        }
    }
}

impl Drop for Restore {
    /// Logs which values of the checkpoint were never used, unless that was expected.
    fn drop(&mut self) {
        if self.quiet.load(Ordering::Relaxed) || self.log.is_none() {
            return;
        }
        let found = std::mem::take(self.found.get_mut());
        let is_unmatched = |node: &SavedNode<'_>| {
            node.attributes().len() > 0
                && self.wants(node.id())
                && found.objects.get(node.id() as usize).is_none_or(Option::is_none)
        };
        let mut unmatched = self.selection.saved.nodes().filter(is_unmatched).map(|node| node.id()).peekable();
        if unmatched.peek().is_none() && found.unused.is_empty() {
            return;
        }
        self.log(
            Severity::Warning,
            "Detecting that an object or model or tf.train.Checkpoint is being deleted with unrestored values. See the following logs for the specific values \
             in question. To silence these warnings, use `status.expect_partial()`. See \
             https://www.tensorflow.org/api_docs/python/tf/train/Checkpoint#restore for details about the status object returned by the restore function.",
        );
        // Without memory for the names, the values are not named.
        let Ok(paths) = Paths::new(self.selection.shown()) else { return };
        for id in unmatched {
            let name = paths.pretty(self.selection.shown(), id);
            self.log(Severity::Warning, &format!("Value in checkpoint could not be found in the restored object: {name}"));
        }
        for (id, names) in &found.unused {
            let name = paths.pretty(self.selection.shown(), *id);
            self.log(
                Severity::Warning,
                &format!("An attribute in the restored object could not be found in the checkpoint. Object: {name}, attribute: {names:?}"),
            );
        }
    }
}

/// Returns the warning about a glob that matches nothing.
pub(super) fn unmatched_glob(glob: &str) -> String {
    format!("no value of the checkpoint matches the glob \"{}\" of the restore options", printable(glob.as_bytes()))
}
