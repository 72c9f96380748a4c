//! Writes a graph as a checkpoint: walks it, forms the keys and the object graph, and passes the
//! tensors to the writer in TensorFlow's order.

use std::ops::ControlFlow;
use std::path::Path;

use super::options::SaveOptions;
use crate::allocate::{copy, filled, list_of, with_room, TryPush};
use crate::bundle::{Snapshot, SnapshotMemory, Writer};
use crate::error::{printable, Error, Result};
use crate::format::key::{self, ATTRIBUTES, PY_STATE, VARIABLE_VALUE};
use crate::graph::{not_shaped, Content, Data, Failure, Kind, NodeId, Nodes, Put, Root, Sink, Walk};
use crate::reader::{GraphBuilder, OBJECT_GRAPH_KEY};
use crate::storage::{Location, Storage};
use crate::tensor::{elements, DType};

/// Objects that a registered saver saves together.
struct Group {
    saver: usize,
    /// The objects with their paths.
    objects: Vec<(String, NodeId)>,
}

/// Writes the checkpoint `prefix` of everything that can be reached from `root`.
pub(super) fn write(
    nodes: &mut Nodes,
    root: Root<'_>,
    storage: &dyn Storage,
    prefix: &Location,
    options: &SaveOptions,
) -> Result<()> {
    let collected = collect(nodes, root)?;
    let (mut writer, graph) = collected.writer(nodes, prefix, options)?;
    writer.add_string(OBJECT_GRAPH_KEY, graph)?;
    let written = writer.finish_on(storage, &mut |done, total| match &options.progress {
        Some(progress) => progress(done, total),
        None => ControlFlow::Continue(()),
    });
    written.map(drop)
}

/// Copies the contents of the checkpoint `prefix` of everything that can be reached from `root`.
pub(super) fn snapshot(
    nodes: &mut Nodes,
    root: Root<'_>,
    prefix: &Location,
    options: &SaveOptions,
    memory: &mut SnapshotMemory,
) -> Result<Snapshot> {
    let collected = collect(nodes, root)?;
    let (mut writer, graph) = collected.writer(nodes, prefix, options)?;
    writer.add_string(OBJECT_GRAPH_KEY, graph)?;
    writer.snapshot(memory)
}

/// The number of bytes of the variables that can be reached from `root`, without strings.
pub(super) fn size(nodes: &mut Nodes, root: Root<'_>) -> Result<u64> {
    let walk = Walk::new(nodes, root, true)?;
    let bytes = walk.order.iter().filter_map(|&object| {
        let variable = nodes.variable(object).ok()?;
        let whole = || variable.spec().map(|(dtype, shape)| elements(&shape).saturating_mul(dtype.size().unwrap_or(0) as u64));
        match &variable.data {
            Data::Owned(buffer) => Some(buffer.bytes().len() as u64),
            Data::Borrowed(memory) => Some(memory.bytes().len() as u64),
            Data::Resizable(memory) => Some(memory.bytes().len() as u64),
            Data::Device(_) => whole(),
            _ => None,
        }
    });
    Ok(bytes.fold(0, u64::saturating_add))
}

/// The objects of a save, and the tensors that savers and states have returned. Variables and texts
/// are read later.
pub(super) struct Collected<'r> {
    walk: Walk<'r>,
    /// For each object the number of its saver plus one; 0 if it has none.
    saver_of: Vec<u32>,
    /// The tensors of each saver that has objects.
    of_savers: Vec<Vec<Put>>,
    /// The tensors of each object with state, in the order of the objects' ids.
    of_states: Vec<(u32, Vec<Put>)>,
}

/// Walks the graph from `root` and asks savers and objects with state for their tensors.
pub(super) fn collect<'r>(nodes: &mut Nodes, root: Root<'r>) -> Result<Collected<'r>> {
    let walk = Walk::new(nodes, root, true)?;
    let (saver_of, groups) = group(nodes, &walk)?;
    let of_savers = save_groups(nodes, &groups)?;
    let of_states = save_states(nodes, &walk, &saver_of)?;
    Ok(Collected { walk, saver_of, of_savers, of_states })
}

impl Collected<'_> {
    /// Returns a writer of the checkpoint `prefix` that has all values, and the encoded object
    /// graph, which the caller must add.
    pub fn writer<'n>(&'n self, nodes: &'n Nodes, prefix: &Location, options: &SaveOptions) -> Result<(Writer<'n>, Vec<u8>)> {
        let mut writer = Writer::new(prefix, &options.write)?;
        for put in self.of_savers.iter().flatten() {
            add_put(&mut writer, &put.name, put)?;
        }
        let graph = describe(nodes, &self.walk, &self.saver_of, &self.of_states, &mut writer)?;
        Ok((writer, graph))
    }
}

/// Returns for each object the number of its saver plus one (0 if it has none), and the objects of
/// each saver.
fn group(nodes: &mut Nodes, walk: &Walk<'_>) -> Result<(Vec<u32>, Vec<Group>)> {
    let mut saver_of = filled(0, walk.order.len())?;
    let mut groups: Vec<Group> = (0..nodes.savers.len()).map(|saver| Group { saver, objects: Vec::new() }).collect();
    if groups.is_empty() {
        return Ok((saver_of, groups));
    }
    for (id, &object) in walk.order.iter().enumerate() {
        if let Some(saver) = nodes.savers.of(object) {
            saver_of[id] = saver as u32 + 1;
            groups[saver].objects.try_push((walk.path(nodes, id as u32), object))?;
        }
    }
    groups.retain(|group| !group.objects.is_empty());
    Ok((saver_of, groups))
}

fn save_groups(nodes: &mut Nodes, groups: &[Group]) -> Result<Vec<Vec<Put>>> {
    let mut puts = Vec::with_capacity(groups.len());
    for group in groups {
        let mut sink = Sink::default();
        let saver = nodes.savers.get_mut(group.saver);
        if let Some(functions) = &mut saver.functions {
            let name = &saver.name;
            let failed = |e: Failure| Error::callback(format_args!("the saver \"{}\"", printable(name.as_bytes())), e);
            functions.save(&group.objects, &mut sink).map_err(failed)?;
        }
        puts.push(sink.tensors);
    }
    Ok(puts)
}

/// Returns the tensors of each object with state, in the order of the objects' ids.
fn save_states(nodes: &mut Nodes, walk: &Walk<'_>, saver_of: &[u32]) -> Result<Vec<(u32, Vec<Put>)>> {
    let mut states = Vec::new();
    for (id, &object) in walk.order.iter().enumerate().filter(|(id, _)| saver_of[*id] == 0) {
        let Some(Kind::State(Some(state), _)) = nodes.get_mut(object).map(|node| &mut node.kind) else { continue };
        let mut sink = Sink::default();
        if let Err(e) = state.save(&mut sink) {
            let what = nodes.describe(object);
            let failed = |e| Error::callback(format_args!("the save callback of {what}"), e);
            let e = match e.downcast::<Error>() {
                // The sink had no memory: that is no failure of the program's.
                Ok(shortage) if shortage.is_shortage() => *shortage,
                Ok(e) => failed(e),
                Err(e) => failed(e),
            };
            return Err(e.for_tensor(walk.path(nodes, id as u32).as_bytes()));
        }
        states.try_push((id as u32, sink.tensors))?;
    }
    Ok(states)
}

/// Adds every object to the object graph and its values to the writer. Returns the encoded graph.
fn describe<'n>(
    nodes: &'n Nodes,
    walk: &Walk<'_>,
    saver_of: &[u32],
    states: &'n [(u32, Vec<Put>)],
    writer: &mut Writer<'n>,
) -> Result<Vec<u8>> {
    let have_values = have_values(nodes, walk, saver_of, states)?;
    let mut builder = GraphBuilder::new();
    let mut texts = Vec::new();
    let mut states = states.iter().peekable();
    let mut slots = walk.slots.iter().peekable();
    let mut key = String::new();
    for id in 0..walk.order.len() as u32 {
        let object = walk.order[id as usize];
        let Some(node) = nodes.get(object) else { continue };
        let is_slot = id as usize >= walk.objects();
        if !is_slot {
            walk.edges(nodes, id).for_each(|(name, child)| builder.edge(child, name));
        }
        if let Some(saver) = saver_of[id as usize].checked_sub(1) {
            builder.registered_saver(&nodes.savers.get(saver as usize).name, &walk.path(nodes, id));
        } else if node.has_values() {
            key.clear();
            walk.push_path(nodes, id, &mut key);
            key.push_str(ATTRIBUTES);
            match &node.kind {
                Kind::Variable(variable) => {
                    key.push_str(VARIABLE_VALUE);
                    builder.attribute(VARIABLE_VALUE, variable.name.as_deref().unwrap_or_default(), &key);
                    add_variable(writer, nodes, object, &key)?;
                }
                Kind::Text(text) => {
                    key.push_str(PY_STATE);
                    builder.attribute(PY_STATE, "", &key);
                    texts.try_push((key.clone(), text))?;
                }
                Kind::State(_, options) => {
                    let Some((_, puts)) = states.next_if(|(state, _)| *state == id) else { continue };
                    if let (Some(legacy), false) = (&options.legacy_name, puts.is_empty()) {
                        key.push_str(legacy);
                        builder.attribute(legacy, "", &key);
                    }
                    for put in puts {
                        let length = key.len();
                        match options.legacy_name {
                            Some(_) => key.push_str(&put.name),
                            None => {
                                key::push_escaped(&mut key, &put.name);
                                builder.attribute(&key::escape(&put.name), "", &key);
                            }
                        }
                        add_put(writer, &key, put)?;
                        key.truncate(length);
                    }
                }
                _ => {}
            }
        }
        while let Some(slot) = slots.next_if(|slot| slot.owner == id) {
            builder.slot_variable(slot.variable, walk.slot_name(nodes, slot), slot.slot);
        }
        builder.end_node(Some(have_values[id as usize]));
    }
    for (key, text) in texts {
        writer.add_strings(key, &[], &[text])?;
    }
    builder.finish()?.encode()
}

/// Adds the value of a variable to the writer.
pub(super) fn add_variable<'n>(writer: &mut Writer<'n>, nodes: &'n Nodes, object: NodeId, key: &str) -> Result<()> {
    let variable = nodes.variable(object)?;
    let Some((dtype, shape)) = variable.spec() else {
        return Err(not_shaped(&nodes.describe(object)).for_tensor(key.as_bytes()));
    };
    let part = variable.part.as_deref();
    if part.is_some_and(|part| part.region.elements() == 0) {
        return Ok(()); // the other parts cover the whole tensor
    }
    let mut add = |bytes| match part {
        None => writer.add(key, dtype, &shape, bytes),
        Some(part) => writer.add_slice(key, dtype, &part.whole, &part.slice, bytes),
    };
    match &variable.data {
        Data::Owned(buffer) => add(buffer.bytes()),
        Data::Borrowed(memory) => add(memory.bytes()),
        Data::Resizable(memory) => add(memory.bytes()),
        Data::Strings(strings) => writer.add_strings(key, &shape, &list_of(strings.iter())?),
        Data::Device(device) => {
            let one_at_a_time = (!device.is_concurrent()).then(|| parking_lot::Mutex::new(()));
            let read = Box::new(move |offset, buffer: &mut [u8]| {
                let _turn = one_at_a_time.as_ref().map(parking_lot::Mutex::lock);
                device.read_at(offset, buffer)
            });
            match part {
                None => writer.add_read(key, dtype, &shape, read),
                Some(part) => writer.add_read_slice(key, dtype, &part.whole, &part.slice, read),
            }
        }
        Data::None => Err(not_shaped(&nodes.describe(object)).for_tensor(key.as_bytes())),
    }
}

/// Adds a tensor that a saver or a state has returned to the writer.
pub(super) fn add_put<'n>(writer: &mut Writer<'n>, key: &str, put: &'n Put) -> Result<()> {
    match &put.content {
        Content::Memory(memory) => writer.add(key, put.dtype, &put.shape, memory.bytes()),
        Content::Strings(strings) if put.dtype == DType::String => writer.add_strings(key, &put.shape, &list_of(strings.iter())?),
        Content::Strings(strings) => writer.add_variants(key, &put.shape, &list_of(strings.iter())?),
        Content::Read(read) => writer.add_read(key, put.dtype, &put.shape, Box::new(move |offset, buffer| read(offset, buffer))),
    }
}

/// Returns for each object whether it, or anything that its edges lead to, has values. Searches
/// backwards from the objects that have values.
fn have_values(nodes: &Nodes, walk: &Walk<'_>, saver_of: &[u32], states: &[(u32, Vec<Put>)]) -> Result<Vec<bool>> {
    let count = walk.order.len();
    let mut has = filled(false, count)?;
    for (id, &object) in walk.order.iter().enumerate() {
        let own = nodes.get(object).is_some_and(|node| matches!(node.kind, Kind::Variable(_) | Kind::Text(_)));
        has[id] = own || saver_of[id] != 0;
    }
    states.iter().filter(|(_, puts)| !puts.is_empty()).for_each(|(id, _)| has[*id as usize] = true);
    walk.slots.iter().for_each(|slot| has[slot.owner as usize] = true);
    // The parents of all objects in one list; `starts` says where those of each object begin.
    let edges = || (0..walk.objects() as u32).flat_map(|id| walk.children(id).iter().map(move |&child| (id, child)));
    let mut starts = filled(0usize, count + 1)?;
    edges().for_each(|(_, child)| starts[child as usize + 1] += 1);
    (0..count).for_each(|id| starts[id + 1] += starts[id]);
    let mut parents = filled(0u32, starts[count])?;
    let mut next = copy(&starts)?;
    for (parent, child) in edges() {
        parents[next[child as usize]] = parent;
        next[child as usize] += 1;
    }
    // Each object is among them at most once.
    let mut ready: Vec<usize> = with_room(count)?;
    ready.extend((0..count).filter(|&id| has[id]));
    while let Some(id) = ready.pop() {
        for &parent in &parents[starts[id]..starts[id + 1]] {
            if !std::mem::replace(&mut has[parent as usize], true) {
                ready.push(parent as usize);
            }
        }
    }
    Ok(has)
}

/// Calls the write callbacks in the order in which they were added.
pub(super) fn call_back(options: &SaveOptions, path: &Path) -> Result<()> {
    let failed = |e| Error::callback("a write callback", e).in_file(path);
    options.callbacks.iter().try_for_each(|callback| callback(path).map_err(failed))
}
