//! A program run twice at once, by the model and by the library, and compared after every
//! operation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use checkpoint::{
    DType, Durability, Error, Graph, NodeId, Reader, Reason, RestoreOptions, SaveOptions, Severity, Status, Variable,
    WriteOptions,
};
use tempfile::TempDir;

use crate::model::{Checkpoint, Edges, Fault, Kind, Object, Program, Restore, Saved, Value};

/// What a program does. Objects, checkpoints, files and restores go by the order in which they
/// came.
#[derive(Clone, Debug)]
pub enum Op {
    Add(Kind, Option<Value>),
    Checkpoint { root: usize, attached: Option<Vec<(&'static str, usize)>> },
    Track { parent: usize, name: &'static str, child: usize, overwrite: bool },
    Untrack { parent: usize, name: String },
    Remove(usize),
    Append { list: usize, element: Option<usize> },
    SetElement { list: usize, index: usize, element: Option<usize> },
    Insert { list: usize, index: usize, element: Option<usize> },
    RemoveElement { list: usize, index: usize },
    Repeat { list: usize, times: usize },
    DictSet { dict: usize, key: &'static str, child: usize },
    DictRemove { dict: usize, key: String },
    SetSlot { owner: usize, variable: usize, name: &'static str, slot: usize },
    Assign { variable: usize, value: Value },
    Save { checkpoint: usize, counts: bool },
    Restore { checkpoint: usize, file: usize, skip_slots: bool, counts: bool },
    RestoreNothing { checkpoint: usize },
    DryRun { checkpoint: usize, file: usize },
    Assert { restore: usize },
    ExpectPartial { restore: usize },
    Forget { restore: usize },
    Drop { restore: usize },
}

/// A restore in both worlds; the library's status may be dropped.
struct Restored {
    model: Rc<Restore>,
    status: Option<Status>,
}

pub struct Pair {
    pub model: Program,
    graph: Graph,
    /// The library's node of each of the model's objects.
    nodes: Vec<NodeId>,
    pub checkpoints: Vec<(Rc<Checkpoint>, checkpoint::Checkpoint)>,
    pub files: Vec<(PathBuf, Rc<Saved>)>,
    restores: Vec<Restored>,
    logged: Arc<Mutex<Vec<String>>>,
    directory: TempDir,
    /// How often what happened.
    tally: Tally,
}

pub type Tally = BTreeMap<&'static str, usize>;

fn bytes_of(value: Value) -> Vec<u8> {
    match value {
        Value::Float(value) => value.to_ne_bytes().to_vec(),
        Value::Double(value) => value.to_ne_bytes().to_vec(),
        Value::Count(value) => value.to_ne_bytes().to_vec(),
        Value::Text(value) => value.to_string().into_bytes(),
    }
}

fn dtype_of(value: Value) -> DType {
    match value {
        Value::Float(_) => DType::Float,
        Value::Double(_) => DType::Double,
        Value::Count(_) => DType::Int64,
        Value::Text(_) => DType::String,
    }
}

fn value_of(dtype: DType, bytes: &[u8]) -> Value {
    match dtype {
        DType::Float => Value::Float(f32::from_ne_bytes(bytes.try_into().unwrap())),
        DType::Double => Value::Double(f64::from_ne_bytes(bytes.try_into().unwrap())),
        DType::Int64 => Value::Count(i64::from_ne_bytes(bytes.try_into().unwrap())),
        _ => Value::Text(std::str::from_utf8(bytes).unwrap().parse().unwrap()),
    }
}

fn fault_of(error: &Error) -> Fault {
    match error.reason() {
        Reason::NameTaken => Fault::NameTaken,
        Reason::Unsavable => Fault::Unsavable,
        Reason::DType | Reason::Shape | Reason::NoTensor => Fault::Mismatch,
        Reason::NotShaped => Fault::NoValue,
        Reason::Assertion => Fault::Assertion,
        _ => Fault::Other,
    }
}

/// Options that sync nothing.
pub fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None).threads(1))
}

impl Pair {
    pub fn new() -> Pair {
        Pair {
            model: Program::default(),
            graph: Graph::new(),
            nodes: Vec::new(),
            checkpoints: Vec::new(),
            files: Vec::new(),
            restores: Vec::new(),
            logged: Arc::default(),
            directory: tempfile::tempdir().unwrap(),
            tally: Tally::new(),
        }
    }

    pub fn restore_count(&self) -> usize {
        self.restores.len()
    }

    pub fn object(&self, number: usize) -> &Rc<Object> {
        &self.model.objects[number]
    }

    fn element(&self, element: Option<usize>) -> (Option<Rc<Object>>, Option<NodeId>) {
        (element.map(|number| self.object(number).clone()), element.map(|number| self.nodes[number]))
    }

    /// Does an operation in both worlds, and compares how it ended.
    pub fn apply(&mut self, op: &Op) {
        let before = self.model.objects.len();
        let (expected, found) = self.run(op);
        match (op, expected) {
            (Op::Restore { .. }, Ok(())) => self.count("restores that succeed"),
            (Op::Restore { .. }, Err(Fault::Mismatch)) => self.count("restores that fail for a value"),
            (Op::Restore { .. }, Err(_)) => self.count("restores that fail for a list"),
            (Op::Save { .. }, Ok(())) => self.count("saves that succeed"),
            (Op::Save { .. }, Err(_)) => self.count("saves that fail"),
            (_, Err(Fault::Mismatch)) => self.count("deferred restores that fail for a value"),
            (_, Err(Fault::Unsavable)) => self.count("deferred restores that fail for a list"),
            _ => {}
        }
        if !matches!(op, Op::Add(..)) && self.model.objects.len() > before {
            self.count("operations that make slots or counters");
        }
        let error = found.as_ref().err().map_or(String::new(), |error| format!(", which says: {error}\n"));
        assert_eq!(found.map_err(|error| fault_of(&error)), expected, "left is the library's, right the model's{error}");
        self.pair_new_objects();
        self.compare_values();
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn run(&mut self, op: &Op) -> (Result<(), Fault>, Result<(), Error>) {
        let node = |number: &usize| self.nodes[*number];
        let object = |number: &usize| self.model.objects[*number].clone();
        let graph = &self.graph;
        match op {
            Op::Add(kind, value) => {
                let made = self.add(*kind, *value);
                self.nodes.push(made);
                self.model.add(*kind, *value);
                (Ok(()), Ok(()))
            }
            Op::Checkpoint { root, attached } => {
                self.new_checkpoint(*root, attached.as_deref());
                (Ok(()), Ok(()))
            }
            Op::Track { parent, name, child, overwrite } => {
                let found = if *overwrite {
                    graph.track_overwrite(node(parent), name, node(child))
                } else {
                    graph.track(node(parent), name, node(child))
                };
                let (parent, child) = (object(parent), object(child));
                (self.model.track(&parent, name, &child, *overwrite), found)
            }
            Op::Untrack { parent, name } => {
                let found = graph.untrack(node(parent), name).map(drop);
                let parent = object(parent);
                self.model.untrack(&parent, name);
                (Ok(()), found)
            }
            Op::Remove(number) => {
                let found = graph.remove(node(number));
                let removed = object(number);
                self.model.remove(&removed);
                (Ok(()), found)
            }
            Op::Append { list, element } => {
                let (list, at) = (object(list), node(list));
                let (element, id) = self.element(*element);
                let found = self.graph.list_append(at, id);
                (self.model.append(&list, element.as_ref()), found)
            }
            Op::SetElement { list, index, element } => {
                let (list, at) = (object(list), node(list));
                let (element, id) = self.element(*element);
                let found = self.graph.list_set(at, *index as i64, id);
                (self.model.set_element(&list, *index, element.as_ref()), found)
            }
            Op::Insert { list, index, element } => {
                let (list, at) = (object(list), node(list));
                let (element, id) = self.element(*element);
                let found = self.graph.list_insert(at, *index as i64, id);
                self.model.insert(&list, *index, element.as_ref());
                (Ok(()), found)
            }
            Op::RemoveElement { list, index } => {
                let found = graph.list_remove(node(list), *index as i64).map(drop);
                let list = object(list);
                self.model.remove_element(&list, *index);
                (Ok(()), found)
            }
            Op::Repeat { list, times } => {
                let found = graph.list_repeat(node(list), *times as i64);
                let list = object(list);
                (self.model.repeat(&list, *times), found)
            }
            Op::DictSet { dict, key, child } => {
                let found = graph.dict_set(node(dict), key, node(child));
                let (dict, child) = (object(dict), object(child));
                (self.model.track(&dict, key, &child, true), found)
            }
            Op::DictRemove { dict, key } => {
                let found = graph.dict_remove(node(dict), key).map(drop);
                let dict = object(dict);
                self.model.untrack(&dict, key); // TensorFlow leaves the edge
                (Ok(()), found)
            }
            Op::SetSlot { owner, variable, name, slot } => {
                let found = graph.set_slot(node(owner), node(variable), name, node(slot));
                let (owner, variable, slot) = (object(owner), object(variable), object(slot));
                (self.model.set_slot(&owner, &variable, name, &slot), found)
            }
            Op::Assign { variable, value } => {
                let found = match value {
                    Value::Text(_) => graph.assign_strings(node(variable), &[], &[bytes_of(*value)]),
                    _ => graph.assign(node(variable), dtype_of(*value), &[], &bytes_of(*value)),
                };
                object(variable).state.borrow_mut().value = Some(*value);
                (Ok(()), found)
            }
            Op::Save { checkpoint, counts } => self.save(*checkpoint, *counts),
            Op::Restore { checkpoint, file, skip_slots, counts } => self.restore(*checkpoint, *file, *skip_slots, *counts),
            Op::RestoreNothing { checkpoint } => {
                let (model, library) = &self.checkpoints[*checkpoint];
                let found = library.restore_nothing().map(drop);
                (self.model.restore_nothing(model), found)
            }
            Op::DryRun { checkpoint, file } => {
                let (_, library) = &self.checkpoints[*checkpoint];
                let _ = library.dry_run(&self.files[*file].0, &RestoreOptions::new());
                (Ok(()), Ok(()))
            }
            Op::Assert { restore } => {
                self.compare_assertions(*restore);
                (Ok(()), Ok(()))
            }
            Op::ExpectPartial { restore } => {
                let restored = &self.restores[*restore];
                if let Some(status) = &restored.status {
                    status.expect_partial();
                    restored.model.expect_partial.set(true);
                }
                (Ok(()), Ok(()))
            }
            Op::Forget { restore } => {
                let restored = &self.restores[*restore];
                let Some(status) = &restored.status else { return (Ok(()), Ok(())) };
                self.model.forget(&restored.model);
                (Ok(()), status.forget())
            }
            Op::Drop { restore } => {
                self.restores[*restore].status = None;
                (Ok(()), Ok(()))
            }
        }
    }

    fn add(&self, kind: Kind, value: Option<Value>) -> NodeId {
        let graph = &self.graph;
        let made = match (kind, value) {
            (Kind::Object, _) => graph.add_object(),
            (Kind::Variable, None) => graph.add_variable(Variable::without_value(None, None).unwrap()),
            (Kind::Variable, Some(value)) => graph.add_variable(Variable::owned(dtype_of(value), &[], &bytes_of(value)).unwrap()),
            (Kind::Text, value) => graph.add_text(&value.map(bytes_of).unwrap_or_default()),
            (Kind::List, _) => graph.add_list(),
            (Kind::Dict, _) => graph.add_dict(),
            (Kind::Owner { creates: false }, _) => graph.add_slot_owner(None),
            (Kind::Owner { creates: true }, _) => {
                graph.add_slot_owner(Some(Box::new(|_, _, _, dtype, shape| Ok(Variable::zeros(dtype, shape).ok()))))
            }
        };
        made.unwrap()
    }

    fn new_checkpoint(&mut self, root: usize, attached: Option<&[(&'static str, usize)]>) {
        let node = self.nodes[root];
        let library = match attached {
            None => checkpoint::Checkpoint::new(&self.graph, node),
            Some(attached) => {
                let attached: Vec<_> = attached.iter().map(|(name, number)| (*name, self.nodes[*number])).collect();
                checkpoint::Checkpoint::with_root(&self.graph, node, &attached)
            }
        };
        let library = library.unwrap();
        let logged = Arc::clone(&self.logged);
        library.set_log(Some(Arc::new(move |severity, text: &str| {
            assert_eq!(severity, Severity::Warning);
            logged.lock().unwrap().push(text.to_owned());
        })));
        let root = self.object(root).clone();
        let attached = attached.map(|attached| {
            let mut all: Edges = attached.iter().map(|(name, number)| (name.to_string(), self.object(*number).clone())).collect();
            all.push(("root".to_owned(), root.clone()));
            all.sort_by(|a, b| a.0.cmp(&b.0));
            std::cell::RefCell::new(all)
        });
        self.checkpoints.push((Rc::new(Checkpoint { root, attached, counter: Default::default() }), library));
    }

    fn save(&mut self, checkpoint: usize, counts: bool) -> (Result<(), Fault>, Result<(), Error>) {
        let (model, library) = self.checkpoints[checkpoint].clone();
        let prefix = self.directory.path().join(format!("ckpt{}", self.files.len()));
        let path = if counts { library.save(prefix, &unsynced()) } else { library.write(prefix, &unsynced()) };
        let saved = self.model.save(&model, counts);
        if let (Ok(path), Ok(saved)) = (&path, &saved) {
            compare_file(path, saved);
            self.files.push((path.clone(), saved.clone()));
        }
        (saved.map(drop), path.map(drop))
    }

    fn restore(
        &mut self,
        checkpoint: usize,
        file: usize,
        skip_slots: bool,
        counts: bool,
    ) -> (Result<(), Fault>, Result<(), Error>) {
        let (model, library) = self.checkpoints[checkpoint].clone();
        let (path, saved) = self.files[file].clone();
        let options = RestoreOptions::new().skip_slot_variables(skip_slots);
        let status = if counts { library.restore(path, &options) } else { library.read(path, &options) };
        match (self.model.restore(&model, &saved, skip_slots, counts), status) {
            (Ok(model), Ok(status)) => {
                self.restores.push(Restored { model, status: Some(status) });
                (Ok(()), Ok(()))
            }
            (expected, found) => (expected.map(drop), found.map(drop)),
        }
    }

    /// Finds the library's nodes of objects that restoring and saving made: slots, and save
    /// counters.
    fn pair_new_objects(&mut self) {
        self.nodes.truncate(self.model.objects.len());
        for number in self.nodes.len()..self.model.objects.len() {
            let made = self.object(number).clone();
            let of_owner = self.model.objects.iter().find_map(|owner| {
                let state = owner.state.borrow();
                let slot = state.slots.iter().find(|slot| Rc::ptr_eq(&slot.slot, &made))?;
                let (owner, variable) = (self.nodes[owner.number], self.nodes[slot.variable.number]);
                Some(self.graph.slot(owner, variable, &slot.name).unwrap().expect("the library made no slot"))
            });
            let counts = |model: &Checkpoint| model.counter.borrow().as_ref().is_some_and(|counter| Rc::ptr_eq(counter, &made));
            let node = of_owner.unwrap_or_else(|| {
                let (_, library) = self.checkpoints.iter().find(|(model, _)| counts(model)).expect("an object from nowhere");
                library.save_counter().unwrap()
            });
            self.nodes.push(node);
        }
    }

    fn compare_values(&self) {
        for object in &self.model.objects {
            let node = self.nodes[object.number];
            assert_eq!(self.graph.contains(node), object.is_there(), "object {}", object.number);
            if !object.is_there() || !object.has_values() {
                continue;
            }
            let found = match object.kind {
                Kind::Text => {
                    let strings = self.graph.read_strings(node).unwrap();
                    strings.get(0).filter(|bytes| !bytes.is_empty()).map(|bytes| value_of(DType::String, bytes))
                }
                _ => {
                    let described = self.graph.describe(node).unwrap();
                    let dtype = described.shape.and(described.dtype);
                    dtype.map(|dtype| value_of(dtype, &self.graph.read(node).unwrap()))
                }
            };
            assert_eq!(found, object.state.borrow().value, "the value of object {}; left is the library's", object.number);
        }
    }

    fn compare_assertions(&mut self, restore: usize) {
        let Restored { model, status: Some(status) } = &self.restores[restore] else { return };
        let found = [status.assert_consumed(), status.assert_existing_objects_matched(), status.assert_nontrivial_match()];
        let found = found.map(|verdict| verdict.map_err(|error| fault_of(&error)));
        let expected = model.assertions();
        assert_eq!(
            found, expected,
            "restore {restore}: consumed, existing objects matched, nontrivial match; left is the library's"
        );
        for (verdict, what) in expected.into_iter().zip(["consumed", "existing objects matched", "nontrivial"]) {
            if verdict.is_ok() {
                self.count(what);
            }
        }
        if expected[0].is_err() {
            self.count("not consumed");
        }
        if expected[0].is_ok() && self.restores[restore].model.saved.nodes.len() > 6 {
            self.count("large and consumed");
        }
    }

    /// Compares edges, what waits, what the assertions say, and in the end what is warned about.
    /// Gives how often what happened.
    pub fn finish(mut self) -> Tally {
        for object in self.model.objects.iter().filter(|object| object.is_there()) {
            let (state, node) = (object.state.borrow(), self.nodes[object.number]);
            let edges: Vec<(String, NodeId)> =
                state.edges.iter().map(|(name, child)| (name.clone(), self.nodes[child.number])).collect();
            match self.graph.children(node) {
                Ok(found) => assert_eq!(found, edges, "the edges of object {}; left is the library's", object.number),
                Err(error) => assert_eq!((fault_of(&error), state.dirty), (Fault::Unsavable, true)),
            }
            let names: Vec<String> =
                crate::random::NAMES.iter().map(|name| name.to_string()).chain((0..12).map(|index| index.to_string())).collect();
            for name in names.iter().chain(&["save_counter".to_owned(), "root".to_owned()]) {
                let expected = state.deferred.iter().find(|(edge, _)| edge == name).map_or(0, |(_, waiting)| waiting.len());
                assert_eq!(
                    self.graph.waiting(node, name).unwrap(),
                    expected,
                    "what waits for {name} at object {}; left is the library's",
                    object.number
                );
            }
            if let Kind::Owner { .. } = object.kind {
                assert_eq!(
                    self.graph.slot_names(node).unwrap(),
                    state.slot_names,
                    "the slots of object {}; left is the library's",
                    object.number
                );
            }
        }
        (0..self.restores.len()).for_each(|restore| self.compare_assertions(restore));

        // With everything gone, every restore has said what it has to say.
        let Pair { model, graph, checkpoints, restores, logged, mut tally, .. } = self;
        let mut expected: Vec<String> = restores.iter().flat_map(|restored| restored.model.leftovers()).collect();
        drop((restores, checkpoints, graph));
        let logged = logged.lock().unwrap();
        let inconsistent = logged.iter().filter(|text| text.starts_with("Inconsistent references")).count();
        assert_eq!(inconsistent, model.inconsistent, "warnings about inconsistent references; left is the library's");
        let mut found: Vec<String> = logged.iter().filter_map(|text| named_in(text)).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "warnings about what was never used; left is the library's");
        tally.insert("values assigned later", model.deferred_values);
        tally.insert("inconsistent references", inconsistent);
        tally.insert("values never used", found.len());
        tally
    }
}

/// The node that a warning names.
fn named_in(text: &str) -> Option<String> {
    let at = text.find("(root)")?;
    Some(text[at..].split(", attribute").next().unwrap_or_default().to_owned())
}

/// Compares a file with what the model saved.
fn compare_file(path: &std::path::Path, saved: &Saved) {
    let reader = Reader::open(path).unwrap();
    let graph = reader.object_graph().unwrap().unwrap();
    assert_eq!(graph.len(), saved.nodes.len(), "the number of nodes; left is the library's");
    for (node, expected) in graph.nodes().zip(&saved.nodes) {
        let children: Vec<(String, usize)> = node.children().map(|edge| (edge.name.to_owned(), edge.node as usize)).collect();
        let slots: Vec<(usize, String, usize)> = node
            .slot_variables()
            .map(|slot| (slot.original_variable as usize, slot.name.to_owned(), slot.slot_variable as usize))
            .collect();
        let attribute = node.attributes().next();
        assert_eq!(node.attributes().len(), usize::from(expected.value.is_some()));
        let value = attribute.map(|attribute| {
            let name = if expected.value.is_some_and(Value::is_text) { "py_state" } else { "VARIABLE_VALUE" };
            assert_eq!(attribute.name, name);
            assert_eq!(attribute.checkpoint_key, format!("{}/.ATTRIBUTES/{name}", expected.path));
            let tensor = reader.get(attribute.checkpoint_key).unwrap();
            match tensor.dtype() {
                DType::String => value_of(DType::String, tensor.read_strings().unwrap().get(0).unwrap()),
                dtype => value_of(dtype, &tensor.read().unwrap()),
            }
        });
        let has_checkpoint_values = node.has_checkpoint_values().expect("every node says whether it has values");
        let path = expected.path.clone();
        let found = crate::model::SavedNode { children, value, slots, has_checkpoint_values, path };
        assert_eq!(&found, expected, "node {}; left is the library's", node.id());
    }
}
