//! Restores a graph from a name-based checkpoint: each variable takes the value that the checkpoint
//! has under the variable's full name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::Mutex;

use super::assertions::{failed, places};
use super::assign::Batch;
use super::candidates::report_with_candidates;
use super::name_map::NameMap;
use super::options::{Log, Mismatch, RestoreOptions, Severity};
use super::plan::{renewed, Outcome, Plan, Stored};
use super::report::{Report, Row, RowState};
use super::restore::{next_uid, unmatched_glob};
use super::row_path::{PathTree, RowPath};
use super::rows::{attribute_of, glob_row, missing_row, slice_of, spec_of};
use super::Checkpoint;
use crate::allocate::{list_of, Room, TryPush};
use crate::background::Control;
use crate::error::Result;
use crate::graph::{Kind, NodeId, Nodes, Root, Waiting, Walk};
use crate::reader::{Format, OpenOptions, Reader};

/// The state of one call of restore or read for a checkpoint without an object graph.
pub(crate) struct NameRestore {
    uid: u64,
    prefix: PathBuf,
    /// `None` between calls if the checkpoint is V1, because a V1 reader keeps files open.
    reader: Mutex<Option<Reader>>,
    options: RestoreOptions,
    names: NameMap,
    /// The globs of the options that no name matches.
    unmatched: Vec<String>,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    /// Objects for which the checkpoint has no value, with the names of their attributes.
    unused: IndexMap<NodeId, Vec<String>>,
    /// The outcome for each object that a value was found for, with the key of the value.
    outcomes: IndexMap<NodeId, (Vec<u8>, Outcome)>,
    /// Objects that this restore is deferred at: their future children are restored when tracked.
    queued: HashSet<NodeId>,
    /// Objects that assertions do not require in the checkpoint.
    optional: HashSet<NodeId>,
}

impl NameRestore {
    pub fn new(reader: Reader, options: &RestoreOptions, log: Option<&Log>) -> Result<NameRestore> {
        let keys = || reader.tensors().filter_map(|tensor| std::str::from_utf8(tensor.key()).ok());
        let names = NameMap::new(keys, options).map_err(|e| e.in_file(reader.prefix()))?;
        let mut globs = options.unmatched();
        keys().filter_map(|key| names.path(key)).for_each(|path| globs.see(path));
        let unmatched = globs.left();
        if let Some(log) = log {
            unmatched.iter().for_each(|glob| log(Severity::Warning, &unmatched_glob(glob)));
        }
        Ok(NameRestore {
            uid: next_uid(),
            prefix: reader.prefix().to_owned(),
            reader: Mutex::new(Some(reader)),
            options: options.clone(),
            names,
            unmatched,
            found: Mutex::default(),
        })
    }

    /// Calls `look` with the key of the value that a variable of this name would get. For use
    /// before the first walk.
    pub fn with_key(&self, name: &str, look: impl FnOnce(&Reader, Option<&str>) -> Result<()>) -> Result<()> {
        let reader = self.reader.lock();
        let Some(reader) = reader.as_ref() else { return Ok(()) };
        let tensor = self.find(reader, name).filter(|_| self.wants(reader, name));
        let key = tensor.and_then(|tensor| reader.tensor(tensor)).and_then(|tensor| std::str::from_utf8(tensor.key()).ok());
        look(reader, key)
    }

    fn wants(&self, reader: &Reader, name: &str) -> bool {
        self.names.wants(name, &self.options, &|key| reader.find(key.as_bytes()))
    }

    fn find(&self, reader: &Reader, name: &str) -> Option<usize> {
        self.names.find(name, &|key| reader.find(key.as_bytes()))
    }

    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Restores everything that can be reached from `root` now. After a failure or a dry run, the
    /// objects do not count as restored by this call, and nothing is deferred.
    pub fn begin(self: &Arc<Self>, nodes: &mut Nodes, root: Root<'_>, control: &Control, dry: bool) -> Result<()> {
        let objects = Walk::new(nodes, root, true)?.order;
        let before = list_of(objects.iter().map(|&object| nodes.get(object).map_or(0, |node| node.restored_by)))?;
        let result = self.restore(nodes, &objects, control, dry);
        if dry || result.is_err() {
            for (&object, before) in objects.iter().zip(before) {
                if let Some(node) = nodes.get_mut(object) {
                    node.restored_by = before;
                }
            }
            self.forget(nodes);
        }
        result
    }

    /// Restores an object that need not be in the checkpoint.
    pub fn add_optional(self: &Arc<Self>, nodes: &mut Nodes, object: NodeId) -> Result<()> {
        self.found.lock().optional.insert(object);
        self.restore(nodes, &[object], &Control::default(), false)
    }

    /// Restores objects, and defers the restore of children that are tracked later.
    fn restore(self: &Arc<Self>, nodes: &mut Nodes, objects: &[NodeId], control: &Control, dry: bool) -> Result<()> {
        let mut reader = self.reader.lock();
        let open = match reader.take() {
            Some(reader) => reader,
            None => Reader::for_restore(&self.prefix, &OpenOptions::default())?,
        };
        let result = self.restore_from(&open, nodes, objects, control, dry);
        if open.format() != Format::V1 {
            *reader = Some(open);
        }
        result
    }

    fn restore_from(
        self: &Arc<Self>,
        reader: &Reader,
        nodes: &mut Nodes,
        objects: &[NodeId],
        control: &Control,
        dry: bool,
    ) -> Result<()> {
        let mut plans = Vec::new();
        for &object in objects {
            let mut found = self.found.lock();
            found.queued.make_room(1)?;
            let is_new = found.queued.insert(object);
            drop(found);
            if is_new {
                nodes.defer_by_name(object, self.clone())?;
            }
            let node = nodes.need_mut(object)?;
            if node.restored_by >= self.uid {
                continue;
            }
            node.restored_by = self.uid;
            if !node.has_values() {
                continue;
            }
            let name = match &node.kind {
                Kind::Variable(variable) => variable.name.clone(),
                _ => None,
            };
            let tensor = name.as_ref().and_then(|name| self.find(reader, name));
            match (name, tensor) {
                (Some(name), Some(tensor)) if self.wants(reader, &name) => {
                    plans.try_push(Plan { object, saved: 0, stored: Stored::Variable(tensor) })?;
                }
                (Some(_), Some(tensor)) => {
                    let left_out = Outcome { state: RowState::Skipped, detail: Some("excluded by the options".to_owned()) };
                    let key = reader.tensor(tensor).map_or(&[][..], |tensor| tensor.key());
                    let mut found = self.found.lock();
                    found.outcomes.make_room(1)?;
                    found.outcomes.insert(object, (key.to_vec(), left_out));
                }
                _ => {
                    let attribute = attribute_of(nodes, object).to_owned();
                    let mut found = self.found.lock();
                    found.unused.make_room(1)?;
                    found.unused.insert(object, vec![attribute]);
                }
            }
        }
        if plans.is_empty() {
            return Ok(());
        }
        let newer = renewed(reader, &mut plans)?;
        let reader = newer.as_ref().unwrap_or(reader);
        // What becomes of them can be noted even if memory runs out later.
        self.found.lock().outcomes.make_room(plans.len())?;
        let (outcomes, result) = Batch::new(reader, &self.options, control, dry).run(nodes, &plans);
        let mut found = self.found.lock();
        for (plan, outcome) in plans.into_iter().zip(outcomes.each()) {
            found.outcomes.insert(plan.object, (plan.key(reader).to_vec(), outcome));
        }
        result
    }

    /// Removes the deferred values of this restore from the graph.
    pub fn forget(&self, nodes: &mut Nodes) {
        let queued = std::mem::take(&mut self.found.lock().queued);
        queued.into_iter().for_each(|object| nodes.forget_deferred(object, self.uid));
    }

    /// Checks that every object was restored, which is what each assertion of a status asks. If
    /// `lenient`, values that were skipped because they do not fit are left out.
    pub fn assert_restored(&self, nodes: &Nodes, checkpoint: &Checkpoint, lenient: bool) -> Result<()> {
        let found = self.found.lock();
        let lacking = found.unused.keys().filter(|object| nodes.get(**object).is_some() && !found.optional.contains(*object));
        let lacking: Vec<NodeId> = list_of(lacking.copied())?;
        if !lacking.is_empty() {
            return Err(failed(format!(
                "{}: the checkpoint has no values of these names. Some objects had attributes which were not restored",
                places(nodes, checkpoint, &lacking)
            )));
        }
        let is_skipped = |state: RowState| match state {
            RowState::Restored | RowState::Converted | RowState::Skipped => true,
            RowState::ShapeMismatch | RowState::DtypeMismatch => lenient && self.options.on_mismatch == Mismatch::Skip,
            _ => false,
        };
        if let Some((object, (_, outcome))) = found.outcomes.iter().find(|(_, (_, outcome))| !is_skipped(outcome.state)) {
            let detail = outcome.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
            return Err(failed(format!(
                "{}: Object not restored: {}{detail}",
                places(nodes, checkpoint, &[*object]),
                outcome.state
            )));
        }
        let attached = checkpoint.attached();
        let walk = Walk::new(nodes, checkpoint.as_root(&attached), true)?;
        let behind = |object: &&NodeId| {
            !found.optional.contains(*object) && nodes.get(**object).is_some_and(|node| node.restored_by < self.uid)
        };
        match walk.order.iter().find(behind) {
            Some(object) => Err(failed(format!("{}: Object not restored", places(nodes, checkpoint, &[*object])))),
            None => Ok(()),
        }
    }

    /// Returns one row for each tensor of the checkpoint, then one for each object that it lacks.
    pub fn report(&self, nodes: &Nodes, checkpoint: &Checkpoint) -> Result<Report> {
        let mut guard = self.reader.lock();
        let reader = match guard.take() {
            Some(reader) => reader,
            None => Reader::for_restore(&self.prefix, &OpenOptions::default())?,
        };
        let found = self.found.lock();
        let mut by_key: IndexMap<&[u8], Vec<(NodeId, &Outcome)>> = IndexMap::new();
        by_key.make_room(found.outcomes.len())?;
        for (object, (key, outcome)) in &found.outcomes {
            by_key.entry(key).or_default().try_push((*object, outcome))?;
        }
        let mut rows = Vec::new();
        for tensor in reader.tensors() {
            let name = String::from_utf8_lossy(tensor.key()).into_owned();
            let Some(path) = self.names.path(&name).map(str::to_owned) else { continue };
            let row = |object: Option<NodeId>, state, detail: Option<String>| Row {
                path: path.as_str().into(),
                key: name.as_str().into(),
                state,
                saved: Some((tensor.dtype(), tensor.shape().to_vec())),
                program: object.and_then(|object| spec_of(nodes, object)),
                slice: object.and_then(|object| slice_of(nodes, object)),
                node: object,
                saved_node: None,
                candidate: None,
                detail,
            };
            match by_key.get(tensor.key()) {
                None if !self.options.wants(&path) => {
                    rows.try_push(row(None, RowState::Skipped, Some("excluded by the options".to_owned())))?
                }
                None => rows.try_push(row(None, RowState::Unused, None))?,
                Some(objects) => {
                    rows.make_room(objects.len())?;
                    rows.extend(objects.iter().map(|(object, outcome)| row(Some(*object), outcome.state, outcome.detail.clone())))
                }
            }
        }
        let attached = checkpoint.attached();
        let walk = Walk::new(nodes, checkpoint.as_root(&attached), true)?;
        let tree = PathTree::of_walk(nodes, &walk)?;
        for (id, &object) in walk.order.iter().enumerate() {
            let has_values = nodes.get(object).is_some_and(|node| node.has_values());
            if has_values && !found.outcomes.contains_key(&object) {
                let mut row = missing_row(nodes, RowPath::of(&tree, id as u32), object);
                if let Ok(name) = nodes.variable(object).map(|variable| variable.name.as_deref().unwrap_or_default()) {
                    row.key = name.into();
                }
                rows.try_push(row)?;
            }
        }
        drop(found);
        rows.make_room(self.unmatched.len())?;
        rows.extend(self.unmatched.iter().map(|glob| glob_row(glob)));
        if reader.format() != Format::V1 {
            *guard = Some(reader);
        }
        report_with_candidates(rows)
    }
}

impl Waiting for NameRestore {
    fn uid(&self) -> u64 {
        self.uid
    }

    /// Restores only the object itself, not the objects that it already leads to, as in TensorFlow.
    fn attach(self: Arc<Self>, nodes: &mut Nodes, _: u32, object: NodeId) -> Result<()> {
        self.restore(nodes, &[object], &Control::default(), false)
    }
}
