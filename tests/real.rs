//! Real checkpoints that others wrote, from 2015 to 2023, against what TensorFlow reads from them:
//! read, verified, written again, their object graphs, and runs resumed from them.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use checkpoint::{
    Checkpoint, DType, Durability, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId, Reader, ResumeOptions,
    SaveOptions, Tensor, Variable, Verdict, WriteOptions, Writer,
};
use common::judge::{self, sound, Value};
use common::manifest::{self, sha256, Manifest};
use common::{dtypes, files};
use tempfile::tempdir;

/// Each checkpoint: its folder, and how many tensors and objects TensorFlow finds in it (0: it was
/// saved by names).
const ALL: [(&str, usize, usize); 8] = [
    ("basic_pitch", 74, 330),
    ("gpflux_no_name_2022", 41, 91),
    ("mnist_2015", 2, 0),
    ("rust_keras_inputs", 28, 76),
    ("serving_tf2_cpu", 4, 24),
    ("sonnet_cifar10_snappy", 24, 39),
    ("tf_keras_loss_scale_2_2", 11, 15),
    ("tfnet_lstm_2023", 22, 108),
];

fn folder(name: &str) -> PathBuf {
    files::data().join("real").join(name)
}

fn manifest_of(name: &str) -> Manifest {
    manifest::read(&folder(name).join("manifest.json"))
}

/// The path that a program would give: the directory, if that has a state file.
fn path_of(name: &str) -> PathBuf {
    let folder = folder(name);
    if folder.join("checkpoint").is_file() {
        folder
    } else {
        folder.join(manifest_of(name).prefix)
    }
}

/// What is at `path` is what the manifest says.
#[track_caller]
fn equals(path: &Path, manifest: &Manifest) {
    let contents = sound(path);
    let keys: Vec<&[u8]> = contents.keys().map(Vec::as_slice).collect();
    assert_eq!(keys, manifest.tensors.keys().map(String::as_bytes).collect::<Vec<_>>(), "{}", path.display());
    for (key, expected) in &manifest.tensors {
        let read = &contents[key.as_bytes()];
        let is_same = match (&expected.value, &read.value) {
            (manifest::Value::Numbers { bytes, sha256: sum }, Value::Numbers(found)) => {
                *bytes == found.len() as u64 && *sum == sha256(found)
            }
            (manifest::Value::Strings(strings), Value::Strings(found)) => strings == found,
            (manifest::Value::Unreadable, _) => true,
            _ => false,
        };
        assert!(is_same, "{}: {key}", path.display());
        assert_eq!((dtypes::of(read.dtype).name, &read.shape), (&*expected.dtype, &expected.shape), "{}: {key}", path.display());
    }
}

#[test]
fn they_are_read_and_verified() {
    for (name, tensors, _) in ALL {
        let manifest = manifest_of(name);
        assert_eq!(manifest.tensors.len(), tensors, "{name}");
        equals(&path_of(name), &manifest);
        let found = judge::verify(&path_of(name)).unwrap();
        assert_eq!((found.verdict, found.tensors), (Verdict::Whole, tensors), "{name}");
        let licence = std::fs::read_to_string(folder(name).join("ORIGIN")).unwrap();
        assert!(licence.contains("licence: ") && licence.contains("origin: "), "{name}");
    }
}

#[test]
fn they_are_written_again_with_the_same_values() {
    for (name, ..) in ALL {
        let scratch = tempdir().unwrap();
        let reader = Reader::open(path_of(name)).unwrap();
        let values: Vec<(Tensor<'_>, Vec<u8>)> = reader
            .tensors()
            .map(|tensor| (tensor, tensor.dtype().size().map_or(Vec::new(), |_| tensor.read().unwrap())))
            .collect();
        let copy = scratch.path().join("copy");
        let mut writer = Writer::new(&copy, &WriteOptions::new().durability(Durability::None).read_back(true)).unwrap();
        for (tensor, bytes) in &values {
            if tensor.dtype() == DType::String {
                let strings = tensor.read_strings().unwrap();
                writer.add_strings(tensor.key(), tensor.shape(), &strings.iter().collect::<Vec<_>>()).unwrap();
            } else {
                writer.add(tensor.key(), tensor.dtype(), tensor.shape(), bytes).unwrap();
            }
        }
        writer.finish().unwrap();
        equals(&copy, &manifest_of(name));
    }
}

#[test]
fn their_graphs_name_the_keys_of_their_tensors() {
    for (name, tensors, objects) in ALL {
        let reader = Reader::open(path_of(name)).unwrap();
        let graph = reader.object_graph().unwrap();
        assert_eq!(graph.as_ref().map_or(0, |graph| graph.len()), objects, "{name}");
        let Some(graph) = graph else { continue };
        let attributes = graph.nodes().flat_map(|node| node.attributes());
        let keys: std::collections::BTreeSet<&str> = attributes.map(|attribute| attribute.checkpoint_key).collect();
        assert!(keys.iter().all(|key| reader.contains(key)), "{name}");
        // And the graph itself is a tensor.
        assert_eq!(keys.len() + 1, tensors, "{name}");
    }
}

/// A program that is like the one that wrote a graph.
struct Program {
    graph: Graph,
    root: NodeId,
    variables: BTreeMap<String, NodeId>,
}

impl Program {
    fn like(reader: &Reader) -> Program {
        let graph = Graph::new();
        let mut variables = BTreeMap::new();
        let saved = reader.object_graph().unwrap().unwrap();
        let is_number = |key: &str| reader.get(key).unwrap().dtype().size().is_some();
        let nodes: Vec<NodeId> = saved
            .nodes()
            .map(|node| match node.attributes().find(|a| a.name == "VARIABLE_VALUE" && is_number(a.checkpoint_key)) {
                Some(value) => {
                    let tensor = reader.get(value.checkpoint_key).unwrap();
                    let variable = graph.add_variable(Variable::zeros(tensor.dtype(), tensor.shape()).unwrap()).unwrap();
                    variables.insert(value.checkpoint_key.to_owned(), variable);
                    variable
                }
                None if node.slot_variables().len() > 0 => graph.add_slot_owner(None).unwrap(),
                None => graph.add_object().unwrap(),
            })
            .collect();
        for node in saved.nodes() {
            for edge in node.children() {
                graph.track(nodes[node.id() as usize], edge.name, nodes[edge.node as usize]).unwrap();
            }
            for slot in node.slot_variables() {
                let [owner, variable, value] =
                    [node.id(), slot.original_variable, slot.slot_variable].map(|id| nodes[id as usize]);
                graph.set_slot(owner, variable, slot.name, value).unwrap();
            }
        }
        Program { root: nodes[0], graph, variables }
    }

    /// Every variable has the value that TensorFlow read.
    #[track_caller]
    fn holds(&self, manifest: &Manifest) {
        for (key, &node) in &self.variables {
            let manifest::Value::Numbers { sha256: sum, .. } = &manifest.tensors[key].value else { panic!("{key}") };
            assert_eq!(*sum, sha256(&self.graph.read(node).unwrap()), "{key}");
        }
    }
}

fn saving() -> ManagerSaveOptions {
    ManagerSaveOptions::new().save(SaveOptions::new().write(WriteOptions::new().durability(Durability::None)))
}

#[test]
fn runs_are_resumed_from_them_and_saved_again() {
    for (name, _, objects) in ALL.into_iter().filter(|(_, _, objects)| *objects > 0) {
        let scratch = tempdir().unwrap();
        let run = scratch.path().join("run");
        files::copy_all(&folder(name), &run);
        let manifest = manifest_of(name);
        let has_state = run.join("checkpoint").is_file();
        let reader = Reader::open(path_of(name)).unwrap();
        let program = Program::like(&reader);
        assert!(program.variables.len() > 1 && objects > 1, "{name}");
        // Like TensorFlow's, a checkpoint has a counter of its own, which Keras does not save.
        let has_counter = reader.contains("save_counter/.ATTRIBUTES/VARIABLE_VALUE");
        let matches = |status: checkpoint::Status| if has_counter { status.assert_existing_objects_matched() } else { Ok(()) };
        let checkpoint = Checkpoint::new(&program.graph, program.root).unwrap();
        let manager = Manager::open(&checkpoint, &run, &ManagerOptions::new().max_to_keep(2)).unwrap();
        if has_state {
            for valid in [false, true] {
                let resumed = manager.restore_or_initialize(&ResumeOptions::new().latest_valid(valid)).unwrap();
                assert!(resumed.path.is_some_and(|path| path.starts_with(&run)), "{name}");
                matches(resumed.status.unwrap()).unwrap();
            }
        } else {
            matches(checkpoint.restore(run.join(&manifest.prefix), &Default::default()).unwrap()).unwrap();
        }
        program.holds(&manifest);
        // Saved again, and resumed from that; the original stays.
        let saved = manager.save(&saving()).unwrap().unwrap();
        let again = Program::like(&reader);
        let checkpoint = Checkpoint::new(&again.graph, again.root).unwrap();
        checkpoint.restore(&saved, &Default::default()).unwrap().assert_existing_objects_matched().unwrap();
        for (key, &node) in again.variables.iter().filter(|(key, _)| !key.starts_with("save_counter")) {
            let (before, after) = (program.graph.read(program.variables[key]).unwrap(), again.graph.read(node).unwrap());
            assert_eq!(before, after, "{name}: {key}");
        }
        equals(&run.join(&manifest.prefix), &manifest);
    }
}

/// The first of all checkpoints is name-based, and its state file names a path that was relative to
/// the working directory of 2015.
#[test]
fn a_run_of_2015_is_resumed() {
    let scratch = tempdir().unwrap();
    files::copy_all(&folder("mnist_2015"), scratch.path());
    let manifest = manifest_of("mnist_2015");
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let mut variables = BTreeMap::new();
    for (number, (key, tensor)) in manifest.tensors.iter().enumerate() {
        let node = graph.add_variable(Variable::zeros(DType::Float, &tensor.shape).unwrap()).unwrap();
        graph.set_name(node, key).unwrap();
        graph.track(root, &format!("v{number}"), node).unwrap();
        variables.insert(key.clone(), node);
    }
    let program = Program { root, graph, variables };
    let checkpoint = Checkpoint::new(&program.graph, program.root).unwrap();
    let manager = Manager::open(&checkpoint, scratch.path(), &ManagerOptions::new().max_to_keep(2)).unwrap();
    for valid in [false, true] {
        let resumed = manager.restore_or_initialize(&ResumeOptions::new().latest_valid(valid)).unwrap();
        assert_eq!(resumed.path, Some(scratch.path().join("softmax-1000.ckpt")));
        program.holds(&manifest);
    }
    manager.save(&saving()).unwrap();
    equals(&scratch.path().join("softmax-1000.ckpt"), &manifest);
}
