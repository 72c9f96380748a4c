//! What a program may ask of a restore: assertions, the report.

use std::fmt::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::by_name::NameRestore;
use super::paths::Paths;
use super::report::{Report, Row, RowState};
use super::restore::Restore;
use super::Checkpoint;
use crate::error::{Code, Error, Reason, Result};
use crate::format::key::{ATTRIBUTES, PY_STATE, VARIABLE_VALUE};
use crate::graph::{Kind, Node, NodeId, Nodes, Variable, Walk};
use crate::reader::Node as SavedNode;

/// Most objects that a message names.
const SHOWN: usize = 10;

/// What kind of restore a status is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum RestoreKind {
    /// Of a checkpoint with an object graph (`CheckpointLoadStatus`).
    Objects = 1,
    /// Of a checkpoint of names (`NameBasedSaverStatus`).
    Names = 2,
    /// Of no checkpoint at all (`InitializationOnlyStatus`).
    None = 3,
}

pub(super) enum Of {
    Objects(Arc<Restore>),
    Names(Arc<NameRestore>),
    Nothing,
}

/// What became of a restore, and becomes of it as the program goes on: values that wait for objects are restored when these are tracked.
///
/// When the status, and everything that waits for its restore, is gone, a warning lists what of the checkpoint was never used, unless
/// [`Status::expect_partial`] was called. Assertions fail with `FAILED_PRECONDITION` and name the first few objects; the report has all.
pub struct Status {
    pub(super) of: Of,
    pub(super) checkpoint: Checkpoint,
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({:?}, {:?})", self.kind(), self.path())
    }
}

impl Status {
    /// What it is of.
    pub fn kind(&self) -> RestoreKind {
        match &self.of {
            Of::Objects(_) => RestoreKind::Objects,
            Of::Names(_) => RestoreKind::Names,
            Of::Nothing => RestoreKind::None,
        }
    }

    /// The prefix of the checkpoint.
    pub fn path(&self) -> Option<&Path> {
        match &self.of {
            Of::Objects(restore) => Some(restore.reader.prefix()),
            Of::Names(restore) => Some(restore.prefix()),
            Of::Nothing => None,
        }
    }

    /// Says nothing in the end about values that were not used.
    pub fn expect_partial(&self) {
        if let Of::Objects(restore) = &self.of {
            restore.expect_partial();
        }
    }

    /// Nothing, as in TensorFlow when it is eager: values are restored at once, or when their objects are tracked.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when there is no checkpoint.
    pub fn run_restore_ops(&self) -> Result<()> {
        match &self.of {
            Of::Nothing => {
                Err(failed("No checkpoint specified, so no restore ops are available (save_path=None to Saver.restore)."))
            }
            _ => Ok(()),
        }
    }

    /// Nothing, as in TensorFlow when it is eager: variables have their values when they are made.
    ///
    /// # Errors
    /// None.
    pub fn initialize_or_restore(&self) -> Result<()> {
        Ok(())
    }

    /// Asserts that every object of the program that is there by now, and has values, got its value from the checkpoint.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` with [`Reason::Assertion`] when one did not, when there is no checkpoint, or with [`Reason::Unsavable`] at a list that cannot be
    /// saved.
    pub fn assert_existing_objects_matched(&self) -> Result<()> {
        self.ask(|nodes, restore| self.existing_matched(nodes, restore))
    }

    /// Asserts that everything in the checkpoint was restored, and every object of the program from it.
    ///
    /// # Errors
    /// As for [`Status::assert_existing_objects_matched`].
    pub fn assert_consumed(&self) -> Result<()> {
        self.ask(|nodes, restore| {
            self.existing_matched(nodes, restore)?;
            self.all_consumed(nodes, restore)
        })
    }

    /// Asserts that anything but the root was matched.
    ///
    /// # Errors
    /// As for [`Status::assert_existing_objects_matched`].
    pub fn assert_nontrivial_match(&self) -> Result<()> {
        self.ask(|nodes, restore| {
            let unmatched = self.unmatched(nodes, restore)?;
            let bound = (0..restore.saved.len() as u32).filter(|&id| restore.bound(nodes, id).is_some()).take(2).count();
            if bound > 1 {
                return Ok(());
            }
            if unmatched.is_empty() {
                let root = nodes.describe(self.checkpoint.root());
                return Err(failed(format!("Nothing to load. No dependencies have been added to {root} yet.")));
            }
            Err(failed(format!(
                "Nothing except the root object matched a checkpointed value. Typically this means that the checkpoint does not match the program. The \
                 following objects have no matching checkpointed value: [{}]",
                unmatched.iter().take(SHOWN).map(|&object| nodes.describe(object)).collect::<Vec<_>>().join(", ")
            )))
        })
    }

    fn ask(&self, about_objects: impl FnOnce(&Nodes, &Restore) -> Result<()>) -> Result<()> {
        self.checkpoint.graph().with(|nodes| match &self.of {
            Of::Objects(restore) => about_objects(nodes, restore),
            Of::Names(restore) => restore.assert_restored(nodes, &self.checkpoint),
            Of::Nothing => Err(failed("No checkpoint specified (save_path=None); nothing is being restored.")),
        })
    }

    fn existing_matched(&self, nodes: &Nodes, restore: &Restore) -> Result<()> {
        for id in 0..restore.saved.len() as u32 {
            let Some(object) = restore.bound(nodes, id) else { continue };
            let is_behind = restore.wants(id) && nodes.get(object).is_some_and(|node| node.restored_by < restore.uid);
            let found = restore.found.lock();
            if is_behind || found.states[id as usize].is_some_and(|state| state != RowState::Restored) {
                let why = found.details.get(&id).map(|detail| format!(": {detail}")).unwrap_or_default();
                return Err(failed(format!("Object {} not assigned a value from checkpoint{why}", nodes.describe(object))));
            }
        }
        let unmatched = self.unmatched(nodes, restore)?;
        if unmatched.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = unmatched.iter().take(SHOWN).map(|&object| nodes.describe(object)).collect();
        Err(failed(format!(
            "Found {} objects that were not bound to checkpointed values, likely due to changes in the program. Showing {} of {} unmatched objects: [{}]",
            unmatched.len(),
            shown.len(),
            unmatched.len(),
            shown.join(", ")
        )))
    }

    /// The objects with values, in the program now or seen by the restore, that no node of the checkpoint is bound to.
    fn unmatched(&self, nodes: &Nodes, restore: &Restore) -> Result<Vec<NodeId>> {
        let attached = self.checkpoint.attached();
        let walk = Walk::new(nodes, self.checkpoint.as_root(&attached), !restore.options.skip_slot_variables)?;
        let mut found = restore.found.lock();
        found.seen.extend(walk.order);
        let bound = found.bound_objects();
        let has_values = |object| nodes.get(object).is_some_and(Node::has_values);
        Ok(found.seen.iter().filter(|&object| has_values(object) && !bound.contains(object)).collect())
    }

    fn all_consumed(&self, nodes: &Nodes, restore: &Restore) -> Result<()> {
        let paths = Paths::new(&restore.saved);
        let skips_slots = restore.options.skip_slot_variables;
        for node in restore.saved.nodes().filter(|node| node.attributes().len() > 0) {
            let id = node.id();
            if (skips_slots && paths.is_slot(id)) || !restore.wants(id) || restore.bound(nodes, id).is_some() {
                continue;
            }
            return Err(failed(format!(
                "Unresolved object in checkpoint {}: {}",
                paths.pretty(&restore.saved, id),
                text_of(&node)
            )));
        }
        let found = restore.found.lock();
        if let Some((variable, _)) = found
            .slots
            .iter()
            .find(|(variable, slots)| restore.wants(**variable) && slots.iter().any(|(_, slot, _)| restore.wants(*slot)))
        {
            return Err(failed(format!("Unresolved slot restorations: for {}", paths.pretty(&restore.saved, *variable))));
        }
        if found.unused.is_empty() {
            return Ok(());
        }
        let mut text =
            String::from("Unused attributes in these objects (the attributes exist in the checkpoint but were not restored):");
        for (id, names) in found.unused.iter().take(SHOWN) {
            let object = found.objects[*id as usize].map(|object| nodes.describe(object)).unwrap_or_default();
            let _ = write!(text, " {} ({object}): {names:?}", paths.pretty(&restore.saved, *id));
        }
        Err(failed(text))
    }

    /// What became of every value, as things stand now.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` at a list that cannot be saved.
    pub fn report(&self) -> Result<Report> {
        self.checkpoint.graph().with(|nodes| match &self.of {
            Of::Objects(restore) => report_of(nodes, restore, &self.checkpoint),
            Of::Names(restore) => restore.report(nodes, &self.checkpoint),
            Of::Nothing => Ok(Report::default()),
        })
    }

    /// Lets nothing wait for this restore any more: edges and slots that are made later are not restored from it. What waits costs memory, the
    /// checkpoint's index among it, until it is restored, forgotten, or the graph is freed. Nothing is said about values that were not used.
    ///
    /// # Errors
    /// Only that of a call from inside a callback.
    pub fn forget(&self) -> Result<()> {
        self.checkpoint.graph().with(|nodes| {
            match &self.of {
                Of::Objects(restore) => {
                    restore.expect_partial();
                    restore.forget(nodes);
                }
                Of::Names(restore) => restore.forget(nodes),
                Of::Nothing => {}
            }
            Ok(())
        })
    }
}

/// An assertion that does not hold.
pub(super) fn failed(what: impl Into<String>) -> Error {
    Error::new(Code::FailedPrecondition, Reason::Assertion, what)
}

/// The attributes of a node as protobuf text, on one line.
fn text_of(node: &SavedNode<'_>) -> String {
    let attributes = node.attributes().map(|a| {
        let full_name = if a.full_name.is_empty() { String::new() } else { format!(" full_name: {:?}", a.full_name) };
        format!("attributes {{ name: {:?}{full_name} checkpoint_key: {:?} }}", a.name, a.checkpoint_key)
    });
    attributes.collect::<Vec<_>>().join(" ")
}

/// The type and shape of an object, for a row.
pub(super) fn spec_of(nodes: &Nodes, object: NodeId) -> Option<(Option<crate::DType>, Option<Vec<i64>>)> {
    match &nodes.get(object)?.kind {
        Kind::Variable(Variable { part: Some(part), dtype, .. }) => Some((*dtype, Some(part.whole.to_vec()))),
        Kind::Variable(variable) => {
            let shape = variable.spec().map(|(_, shape)| shape).or_else(|| variable.accepts().map(<[i64]>::to_vec));
            Some((variable.dtype, shape))
        }
        Kind::Text(_) => Some((Some(crate::DType::String), Some(Vec::new()))),
        _ => None,
    }
}

/// Of a variable that is a part of a tensor, which slice of it, for a row.
pub(super) fn slice_of(nodes: &Nodes, object: NodeId) -> Option<String> {
    nodes.variable(object).ok()?.part.as_ref().map(|part| part.slice.to_string())
}

/// The attribute under which an object's value would be saved.
pub(super) fn attribute_of(nodes: &Nodes, object: NodeId) -> &'static str {
    match nodes.get(object).map(|node| &node.kind) {
        Some(Kind::Variable(_)) => VARIABLE_VALUE,
        Some(Kind::Text(_)) => PY_STATE,
        _ => "",
    }
}

/// The rows of a restore from an object graph.
pub(super) fn report_of(nodes: &Nodes, restore: &Restore, checkpoint: &Checkpoint) -> Result<Report> {
    let saved = &restore.saved;
    let paths = Paths::new(saved);
    let waiting = waiting(nodes, restore);
    let mut rows = Vec::new();
    for node in saved.nodes() {
        let id = node.id();
        let object = restore.bound(nodes, id);
        let (outcome, unused) = {
            let found = restore.found.lock();
            (found.states[id as usize].map(|state| (state, found.details.get(&id).cloned())), found.unused.contains_key(&id))
        };
        let (state, detail) = match (object, outcome) {
            _ if !restore.wants(id) || (restore.options.skip_slot_variables && paths.is_slot(id)) => {
                (RowState::Skipped, Some("left out by the options".to_owned()))
            }
            (Some(_), _) if unused => (RowState::Unused, Some("the object has no use for it".to_owned())),
            (_, Some(outcome)) => outcome,
            (Some(object), None) => match nodes.get(object).map_or(0, |node| node.restored_by) {
                by if by > restore.uid => (RowState::Skipped, Some("a newer restore gave the object its value".to_owned())),
                by if by == restore.uid && node.registered_saver().is_some() => (RowState::Restored, None),
                by if by == restore.uid => {
                    (RowState::Skipped, Some("the object got the value of another node of the checkpoint".to_owned()))
                }
                _ => (RowState::Skipped, None),
            },
            (None, None) if waiting[id as usize] => (RowState::Deferred, None),
            (None, None) => (RowState::Unused, None),
        };
        let mut put = |key: &str| {
            rows.push(Row {
                path: paths.path(saved, id),
                key: key.to_owned(),
                state,
                saved: restore.reader.get(key).ok().map(|t| (t.dtype(), t.shape().to_vec())),
                program: object.and_then(|object| spec_of(nodes, object)),
                slice: object.and_then(|object| slice_of(nodes, object)),
                node: object,
                saved_node: Some(id),
                candidate: None,
                detail: detail.clone(),
            })
        };
        node.attributes().for_each(|attribute| put(attribute.checkpoint_key));
        if let (Some(saver), 0) = (node.registered_saver(), node.attributes().len()) {
            put(saver.object_name);
        }
    }
    let attached = checkpoint.attached();
    let walk = Walk::new(nodes, checkpoint.as_root(&attached), !restore.options.skip_slot_variables)?;
    let found = restore.found.lock();
    let bound = found.bound_objects();
    for (id, &object) in walk.order.iter().enumerate() {
        if nodes.get(object).is_some_and(|node| node.has_values()) && !bound.contains(object) {
            rows.push(missing_row(nodes, &walk, id as u32, object));
        }
    }
    Ok(Report::new(rows))
}

/// The row of an object that the checkpoint has no value for.
pub(super) fn missing_row(nodes: &Nodes, walk: &Walk<'_>, id: u32, object: NodeId) -> Row {
    let path = walk.path(nodes, id);
    Row {
        key: format!("{path}{ATTRIBUTES}{}", attribute_of(nodes, object)),
        path,
        state: RowState::Missing,
        saved: None,
        program: spec_of(nodes, object),
        slice: slice_of(nodes, object),
        node: Some(object),
        saved_node: None,
        candidate: None,
        detail: None,
    }
}

/// Which nodes of the checkpoint wait for objects: those that an edge or slot waits for, and all below them that have none.
fn waiting(nodes: &Nodes, restore: &Restore) -> Vec<bool> {
    let saved = &restore.saved;
    let mut waiting = vec![false; saved.len()];
    let mut next: Vec<u32> = Vec::new();
    let waits_at: Vec<NodeId> = restore.found.lock().waits_at.iter().copied().collect();
    for &object in &waits_at {
        let positions = nodes.deferred(object).flat_map(|(_, positions)| positions);
        next.extend(positions.filter(|position| position.restore.uid() == restore.uid).map(|position| position.node));
        if let Ok(owner) = nodes.slot_owner(object) {
            next.extend(owner.deferred().filter(|position| position.restore.uid() == restore.uid).map(|position| position.node));
        }
    }
    while let Some(id) = next.pop() {
        if !waiting[id as usize] && restore.bound(nodes, id).is_none() {
            waiting[id as usize] = true;
            next.extend(saved.node(id).into_iter().flat_map(|node| node.children().map(|edge| edge.node)));
        }
    }
    if waits_at.is_empty() {
        return waiting;
    }
    // A slot waits with its owner or its variable.
    for owner in saved.nodes() {
        let owner_comes = waiting[owner.id() as usize]
            || restore.bound(nodes, owner.id()).is_some_and(|object| nodes.slot_owner(object).is_ok());
        for slot in owner.slot_variables() {
            let variable = slot.original_variable;
            let variable_comes = waiting[variable as usize] || restore.bound(nodes, variable).is_some();
            if owner_comes && variable_comes && (waiting[owner.id() as usize] || waiting[variable as usize]) {
                waiting[slot.slot_variable as usize] |= restore.bound(nodes, slot.slot_variable).is_none();
            }
        }
    }
    waiting
}
