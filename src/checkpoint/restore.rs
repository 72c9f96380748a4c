//! A restore: the objects of a checkpoint matched with those of a program by their edges, now and as the program goes on.
//!
//! The matching is TensorFlow's: breadth first over the checkpoint's graph; a node of the checkpoint is bound to at most one object, the first that it meets; an
//! edge that the program does not have yet waits at its parent; of several restores that have a value for an object, the one called last gives it.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;

use super::assign::{Batch, Outcome, Plan, What};
use super::options::{Log, RestoreOptions, Severity};
use super::paths::Paths;
use super::report::RowState;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::key::{self, VARIABLE_VALUE};
use crate::graph::{Kind, Map, NodeId, Nodes, Position, Set, Waiting};
use crate::reader::{Node as SavedNode, ObjectGraph, Reader};

/// Numbers restores in the order in which they are called.
static NEXT: AtomicU64 = AtomicU64::new(1);

pub(super) fn next_uid() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// One call of restore or read, for as long as anything waits for it or asks about it.
pub(crate) struct Restore {
    pub(super) uid: u64,
    pub(super) reader: Reader,
    pub(super) saved: ObjectGraph,
    pub(super) options: RestoreOptions,
    log: Option<Log>,
    /// Which nodes of the checkpoint the options want; all, when there are none.
    wanted: Vec<bool>,
    pub(super) found: Mutex<Found>,
    /// Says nothing in the end.
    quiet: AtomicBool,
}

/// What a restore has found so far.
#[derive(Default)]
pub(super) struct Found {
    /// The object of each node of the checkpoint.
    pub objects: Vec<Option<NodeId>>,
    /// Every object that was compared with a node of the checkpoint.
    pub seen: Objects,
    /// Attributes of nodes that their objects have no use for.
    pub unused: BTreeMap<u32, Vec<String>>,
    /// What became of each node's value, as far as it was tried.
    pub states: Vec<Option<RowState>>,
    /// Why, where there is more to say.
    pub details: Map<u32, String>,
    /// Slots by the variable that they are for, until that is found: owner, slot, name.
    pub slots: Map<u32, Vec<(u32, u32, Box<str>)>>,
    /// Slots of variables that were found, by their owner, until that is found: variable, slot, name.
    waiting_slots: Map<u32, Vec<(NodeId, u32, Box<str>)>>,
    /// The objects at which something waits.
    pub waits_at: Set<NodeId>,
}

/// A set of objects of one graph.
#[derive(Default)]
pub(super) struct Objects {
    by_place: Vec<Option<NodeId>>,
}

impl Objects {
    /// An object that was removed makes room for one that has its place since, which has the greater id.
    pub fn insert(&mut self, object: NodeId) {
        let place = object.place();
        if place >= self.by_place.len() {
            self.by_place.resize(place + 1, None);
        }
        self.by_place[place] = self.by_place[place].max(Some(object));
    }

    pub fn contains(&self, object: NodeId) -> bool {
        self.by_place.get(object.place()) == Some(&Some(object))
    }

    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.by_place.iter().flatten().copied()
    }
}

impl Extend<NodeId> for Objects {
    fn extend<I: IntoIterator<Item = NodeId>>(&mut self, objects: I) {
        objects.into_iter().for_each(|object| self.insert(object));
    }
}

impl Found {
    fn note(&mut self, id: u32, outcome: Outcome) {
        self.states[id as usize] = Some(outcome.state);
        match outcome.detail {
            Some(detail) => self.details.insert(id, detail),
            None if self.details.is_empty() => None,
            None => self.details.remove(&id),
        };
    }

    /// The objects of all nodes of the checkpoint.
    pub fn bound_objects(&self) -> Objects {
        let mut objects = Objects::default();
        objects.extend(self.objects.iter().flatten().copied());
        objects
    }

    /// The object of a node of the checkpoint, while it is there.
    fn bound(&self, nodes: &Nodes, id: u32) -> Option<NodeId> {
        self.objects[id as usize].filter(|&object| nodes.get(object).is_some())
    }

    /// Binds a node to an object, if no other is; gives the one that it is bound to otherwise.
    fn bind(&mut self, nodes: &Nodes, id: u32, object: NodeId) -> std::result::Result<(), NodeId> {
        self.seen.insert(object);
        match self.bound(nodes, id) {
            Some(there) => Err(there),
            None => {
                self.objects[id as usize] = Some(object);
                Ok(())
            }
        }
    }
}

/// One walk over the checkpoint's graph.
#[derive(Default)]
struct Pass {
    queue: VecDeque<(u32, NodeId)>,
    plans: Vec<Plan>,
    /// The tensor that was found last: the next one is often its neighbour.
    near: usize,
    /// Objects of registered savers, with the names under which they were saved.
    savers: BTreeMap<usize, Vec<(String, NodeId)>>,
    /// The objects whose values are planned, with the restore that gave them theirs before.
    marked: Vec<(NodeId, u64)>,
    /// Slots that were made: owner, variable, name.
    made: Vec<(NodeId, NodeId, Box<str>)>,
    dry: bool,
}

impl Restore {
    pub fn new(reader: Reader, saved: ObjectGraph, options: &RestoreOptions, log: Option<Log>) -> Restore {
        let mut found = Found { objects: vec![None; saved.len()], states: vec![None; saved.len()], ..Found::default() };
        if !options.skip_slot_variables {
            for owner in saved.nodes() {
                for slot in owner.slot_variables() {
                    found.slots.entry(slot.original_variable).or_default().push((
                        owner.id(),
                        slot.slot_variable,
                        slot.name.into(),
                    ));
                }
            }
        }
        let wanted = match options.wants_all() {
            true => Vec::new(),
            false => {
                let paths = Paths::new(&saved);
                saved.nodes().map(|node| options.wants(&paths.path(&saved, node.id()))).collect()
            }
        };
        Restore {
            uid: next_uid(),
            reader,
            saved,
            options: options.clone(),
            log,
            wanted,
            found: Mutex::new(found),
            quiet: AtomicBool::new(false),
        }
    }

    pub fn expect_partial(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    fn log(&self, severity: Severity, text: &str) {
        if let Some(log) = &self.log {
            log(severity, text);
        }
    }

    pub fn wants(&self, id: u32) -> bool {
        self.wanted.get(id as usize).copied().unwrap_or(true)
    }

    fn node(&self, id: u32) -> SavedNode<'_> {
        self.saved.node(id).unwrap_or_else(|| self.saved.nodes().next().expect("an object graph has a root"))
    }

    /// The object of a node of the checkpoint, while it is there.
    pub fn bound(&self, nodes: &Nodes, id: u32) -> Option<NodeId> {
        self.found.lock().bound(nodes, id)
    }

    /// The first walk: from the root, then what the checkpoint attaches to it. If it fails, or is dry, the graph is as it was in the end; `before_undo`
    /// sees it before that.
    pub fn begin(
        self: &Arc<Self>,
        nodes: &mut Nodes,
        root: NodeId,
        attached: &[(Box<str>, NodeId)],
        dry: bool,
        before_undo: &mut dyn FnMut(&Nodes),
    ) -> Result<()> {
        let mut pass = Pass { dry, ..Pass::default() };
        let result = self.walk(nodes, 0, root, &mut pass).and_then(|()| {
            for (name, object) in attached.iter().filter(|(name, _)| &**name != super::ROOT) {
                let child = self.node(0).children().find(|edge| edge.name == &**name).map(|edge| edge.node);
                if let Some(child) = child.filter(|&child| self.bound(nodes, child).is_none()) {
                    self.walk(nodes, child, *object, &mut pass)?;
                }
            }
            self.assign(nodes, &mut pass)
        });
        if dry || result.is_err() {
            self.expect_partial();
            before_undo(nodes);
            self.undo(nodes, &pass);
        }
        result
    }

    fn undo(&self, nodes: &mut Nodes, pass: &Pass) {
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

    /// Takes everything that waits for this restore from the graph.
    pub fn forget(&self, nodes: &mut Nodes) {
        let waits_at = std::mem::take(&mut self.found.lock().waits_at);
        waits_at.into_iter().for_each(|object| nodes.forget_deferred(object, self.uid));
        let mut found = self.found.lock();
        found.slots.clear();
        found.waiting_slots.clear();
    }

    /// Binds a node to an object; says whether it is new to it.
    fn bind(&self, nodes: &Nodes, id: u32, object: NodeId) -> bool {
        let bound = self.found.lock().bind(nodes, id, object);
        match bound {
            Ok(()) => true,
            Err(there) => {
                self.warn_of_two(nodes, there, object);
                false
            }
        }
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

    /// Walks the checkpoint's graph from the node `id` on, with `object` for it; plans values and lets wait what is not there.
    fn walk(self: &Arc<Self>, nodes: &mut Nodes, id: u32, object: NodeId, pass: &mut Pass) -> Result<()> {
        if !self.bind(nodes, id, object) {
            return Ok(());
        }
        pass.queue.push_back((id, object));
        while let Some((id, object)) = pass.queue.pop_front() {
            let restored_by = nodes.need(object)?.restored_by;
            if self.uid > restored_by && self.wants(id) {
                self.plan(nodes, id, object, pass)?;
                pass.marked.push((object, restored_by));
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
            // Most programs have their edges in the order in which they were saved.
            let same = edges.get_index(number).filter(|(name, _)| ***name == *edge.name).map(|(_, child)| child);
            match same.or_else(|| edges.get(edge.name)) {
                Some(&child) => {
                    // It is not bound, so the bond is new.
                    let bound = found.bind(nodes, edge.node, child);
                    debug_assert!(bound.is_ok());
                    pass.queue.push_back((edge.node, child));
                }
                None if self.may_have_values(edge.node) => waiting.push((edge.name, edge.node)),
                None => {}
            }
        }
        if !waiting.is_empty() {
            found.waits_at.insert(object);
        }
        drop(found);
        for (name, node) in waiting {
            nodes.defer(object, name, Position { restore: self.clone(), node });
        }
        Ok(())
    }

    /// Whether the node, or anything below it, has values; of files that do not say so, whether it has anything at all.
    fn may_have_values(&self, id: u32) -> bool {
        let node = self.node(id);
        node.has_checkpoint_values().unwrap_or_else(|| {
            node.children().len() + node.attributes().len() + node.slot_variables().len() > 0 || node.registered_saver().is_some()
        })
    }

    fn follow_slots(self: &Arc<Self>, nodes: &mut Nodes, id: u32, object: NodeId, pass: &mut Pass) -> Result<()> {
        let (as_owner, as_variable) = {
            let mut found = self.found.lock();
            if found.slots.is_empty() && found.waiting_slots.is_empty() {
                return Ok(());
            }
            (found.waiting_slots.remove(&id).unwrap_or_default(), found.slots.remove(&id).unwrap_or_default())
        };
        for (variable, slot, name) in as_owner {
            self.attach_slot(nodes, object, variable, slot, &name, pass)?;
        }
        for (owner_id, slot, name) in as_variable {
            match self.bound(nodes, owner_id) {
                Some(owner) => self.attach_slot(nodes, owner, object, slot, &name, pass)?,
                None => self.found.lock().waiting_slots.entry(owner_id).or_default().push((object, slot, name)),
            }
        }
        Ok(())
    }

    /// Gives the value of the node `id` to the slot `name` that `owner` keeps for `variable`, or lets it wait for that. An object that is no slot owner
    /// has no use for it.
    fn attach_slot(
        self: &Arc<Self>,
        nodes: &mut Nodes,
        owner: NodeId,
        variable: NodeId,
        id: u32,
        name: &str,
        pass: &mut Pass,
    ) -> Result<()> {
        let Ok(state) = nodes.slot_owner(owner) else { return Ok(()) };
        if nodes.get(variable).is_none() {
            return Ok(()); // removed since it was found
        }
        let there = state.slot(variable, name);
        let slot = match there {
            Some(slot) => Some(slot),
            None if pass.dry => None,
            None => self.make_slot(nodes, owner, variable, id, name, pass)?,
        };
        match slot {
            Some(slot) => {
                if self.bind(nodes, id, slot) {
                    pass.queue.push_back((id, slot));
                }
            }
            None => {
                nodes.defer_slot(owner, variable, name, Position { restore: self.clone(), node: id });
                self.found.lock().waits_at.insert(owner);
            }
        }
        Ok(())
    }

    /// Has the owner make a slot, if it can and the node is that of a variable.
    fn make_slot(
        &self,
        nodes: &mut Nodes,
        owner: NodeId,
        variable: NodeId,
        id: u32,
        name: &str,
        pass: &mut Pass,
    ) -> Result<Option<NodeId>> {
        let node = self.node(id);
        let mut attributes = node.attributes();
        let tensor = match (attributes.next(), attributes.next()) {
            (Some(value), None) if value.name == VARIABLE_VALUE && node.children().len() == 0 => {
                self.reader.find(value.checkpoint_key.as_bytes())
            }
            _ => None,
        };
        let Some(tensor) = tensor.and_then(|tensor| self.reader.tensor(tensor)) else { return Ok(None) };
        // The slots of a part are parts, too, if they are of the same shape.
        let part = nodes.variable(variable).ok().and_then(|variable| variable.part.clone());
        let part = part.filter(|part| *part.whole == *tensor.shape());
        let shape = part.as_ref().map_or(tensor.shape(), |part| &part.region.length);
        let Some(create) = &mut nodes.slot_owner_mut(owner)?.create else { return Ok(None) };
        let made = create(owner, variable, name, tensor.dtype(), shape)
            .map_err(|e| Error::callback(format!("the callback that makes slots failed: {e}")).for_tensor(tensor.key()))?;
        let Some(mut made) = made else { return Ok(None) };
        if let (Some(part), None) = (part, &made.part) {
            made = made.part(&part.whole, &part.slice).map_err(|e| e.for_tensor(tensor.key()))?;
        }
        let slot = nodes.add(Kind::Variable(made))?;
        nodes.set_slot(owner, variable, name, slot)?;
        pass.made.push((owner, variable, name.into()));
        Ok(Some(slot))
    }

    /// Plans the values of the node `id` for `object`.
    fn plan(&self, nodes: &mut Nodes, id: u32, object: NodeId, pass: &mut Pass) -> Result<()> {
        let node = self.node(id);
        if node.registered_saver().is_none() && node.attributes().len() == 0 {
            return Ok(());
        }
        if let Some((saver, name)) = self.saver(nodes, &node, object)? {
            if let Some(saver) = saver {
                pass.savers.entry(saver).or_default().push((name, object));
            }
            return Ok(());
        }
        let Some(first) = node.attributes().next() else { return Ok(()) };
        let missing = |key: &str| What::Missing(key.as_bytes().into());
        let what = match nodes.get(object).map(|node| &node.kind) {
            Some(Kind::Variable(_)) => {
                let recorded = node.attributes().find(|a| a.name == VARIABLE_VALUE).map(|a| Cow::Borrowed(a.checkpoint_key));
                let key = recorded.unwrap_or_else(|| format!("{}{VARIABLE_VALUE}", before_name(first.checkpoint_key)).into());
                let tensor = self.reader.find_near(pass.near, key.as_bytes());
                pass.near = tensor.unwrap_or(pass.near);
                tensor.map_or_else(|| missing(&key), What::Variable)
            }
            Some(Kind::Text(_)) => {
                let key = first.checkpoint_key;
                self.reader.find(key.as_bytes()).map_or_else(|| missing(key), What::Text)
            }
            Some(Kind::State(_, options)) => match &options.legacy_name {
                Some(legacy) => {
                    let key = format!("{}{legacy}", before_name(first.checkpoint_key));
                    let names = self.reader.starting_with(key.as_bytes()).filter_map(|tensor| {
                        let whole = self.reader.tensor(tensor)?.key();
                        Some((std::str::from_utf8(&whole[key.len()..]).ok()?.into(), tensor))
                    });
                    What::State(key.as_bytes().into(), names.collect())
                }
                None => {
                    let key = first.checkpoint_key;
                    let named = node.attributes().map(|a| {
                        let name = key::unescape(a.name).unwrap_or(a.name.into());
                        Some((Box::from(&*name), self.reader.find(a.checkpoint_key.as_bytes())?))
                    });
                    let tensors = named.collect::<Option<Vec<_>>>();
                    tensors.map_or_else(|| missing(key), |tensors| What::State(key.as_bytes().into(), tensors))
                }
            },
            _ => {
                let names = node.attributes().map(|a| a.name.to_owned()).collect();
                self.found.lock().unused.insert(id, names);
                return Ok(());
            }
        };
        pass.plans.push(Plan { object, saved: id, what });
        Ok(())
    }

    /// The saver that is to restore an object, none for one that is to be left alone, with the name under which the object was saved; nothing when no
    /// saver has to do with it.
    fn saver(&self, nodes: &mut Nodes, node: &SavedNode<'_>, object: NodeId) -> Result<Option<(Option<usize>, String)>> {
        let Some(saved) = node.registered_saver() else {
            if nodes.savers.len() == 0 {
                return Ok(None);
            }
            let own = nodes.savers.of(object);
            let name = node.attributes().next().map(|a| a.checkpoint_key.to_owned()).unwrap_or_default();
            return Ok(own.map(|saver| (Some(saver), name)));
        };
        let name = printable(saved.name.as_bytes());
        let Some(saver) = nodes.savers.find(saved.name) else {
            self.log(
                Severity::Warning,
                &format!(
                    "an object was saved using a registered saver named '{name}', which is not registered: it is left as it is"
                ),
            );
            return Ok(Some((None, String::new())));
        };
        if nodes.savers.accepts(saver, object) {
            return Ok(Some((Some(saver), saved.object_name.to_owned())));
        }
        if nodes.savers.get(saver).strict {
            let what = format!(
                "Object {} was saved with the registered saver named '{name}'. However, this saver cannot be used to restore the object because the \
                 predicate does not pass",
                nodes.describe(object)
            );
            return Err(Error::new(Code::FailedPrecondition, Reason::Saver, what).in_file(self.reader.prefix()));
        }
        Ok(Some((None, String::new())))
    }

    /// Restores single objects from nodes, without looking at edges; no assertion and no later restore takes notice.
    pub fn restore_single(&self, nodes: &mut Nodes, pairs: &[(u32, NodeId)]) -> Result<()> {
        let mut pass = Pass::default();
        for &(id, object) in pairs.iter().filter(|(id, _)| self.wants(*id)) {
            self.plan(nodes, id, object, &mut pass)?;
        }
        self.assign(nodes, &mut pass)
    }

    /// Assigns what a walk has planned.
    fn assign(&self, nodes: &mut Nodes, pass: &mut Pass) -> Result<()> {
        if pass.plans.is_empty() && pass.savers.is_empty() {
            return Ok(());
        }
        let batch = Batch { reader: &self.reader, options: &self.options, dry: pass.dry };
        let (outcomes, result) = batch.run(nodes, &pass.plans);
        let mut found = self.found.lock();
        for (plan, outcome) in pass.plans.iter().zip(outcomes.each()) {
            found.note(plan.saved, outcome);
        }
        drop(found);
        result?;
        if pass.dry {
            return Ok(());
        }
        for (&saver, objects) in &pass.savers {
            let Some(mut functions) = nodes.savers.get_mut(saver).functions.take() else { continue };
            let wanted = self.reader.tensors().filter(|t| functions.wants(objects, t.key()));
            let wanted: Vec<(Box<str>, usize)> =
                wanted.map(|t| (String::from_utf8_lossy(t.key()).into_owned().into_boxed_str(), t.index())).collect();
            let restored = batch.source(&wanted).and_then(|source| {
                functions.restore(objects, &source).map_err(|e| Error::callback(format!("a registered saver failed: {e}")))
            });
            nodes.savers.get_mut(saver).functions = Some(functions);
            restored?;
        }
        self.reader.close_files();
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
        if let Err(e) = walked.and_then(|()| if is_read { self.reader.check_current() } else { Ok(()) }) {
            // The objects count as bound all the same: assertions and the report have to know that they have no values.
            let mut found = self.found.lock();
            for plan in &pass.plans {
                found.note(plan.saved, Outcome { state: RowState::Skipped, detail: Some(e.to_string()) });
            }
            return Err(e);
        }
        self.assign(nodes, &mut pass)
    }
}

impl Drop for Restore {
    /// Says what of the checkpoint was never used, unless that was expected.
    fn drop(&mut self) {
        if self.quiet.load(Ordering::Relaxed) || self.log.is_none() {
            return;
        }
        let found = std::mem::take(self.found.get_mut());
        let unmatched = self.saved.nodes().filter(|node| {
            node.attributes().len() > 0
                && self.wants(node.id())
                && found.objects.get(node.id() as usize).is_none_or(Option::is_none)
        });
        let unmatched: Vec<u32> = unmatched.map(|node| node.id()).collect();
        if unmatched.is_empty() && found.unused.is_empty() {
            return;
        }
        self.log(
            Severity::Warning,
            "Detecting that an object or model or tf.train.Checkpoint is being deleted with unrestored values. See the following logs for the specific values \
             in question. To silence these warnings, use `status.expect_partial()`. See \
             https://www.tensorflow.org/api_docs/python/tf/train/Checkpoint#restore for details about the status object returned by the restore function.",
        );
        let paths = Paths::new(&self.saved);
        for id in unmatched {
            let name = paths.pretty(&self.saved, id);
            self.log(Severity::Warning, &format!("Value in checkpoint could not be found in the restored object: {name}"));
        }
        for (id, names) in &found.unused {
            let name = paths.pretty(&self.saved, *id);
            self.log(
                Severity::Warning,
                &format!("An attribute in the restored object could not be found in the checkpoint. Object: {name}, attribute: {names:?}"),
            );
        }
    }
}

/// A key up to the name of the attribute. An edge may be named `.ATTRIBUTES`, too: the last one counts.
fn before_name(key: &str) -> &str {
    const MARK: &str = ".ATTRIBUTES/";
    key.rfind(MARK).map_or("", |at| &key[..at + MARK.len()])
}
