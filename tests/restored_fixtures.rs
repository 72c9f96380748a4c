//! Programs with the objects of each checkpoint in tests/data, which TensorFlow wrote, restore it
//! in full, and save the same again.

mod common;

use std::path::{Path, PathBuf};

use checkpoint::{
    Checkpoint, DType, Durability, Failure, Graph, NodeId, ObjectGraph, Reader, RestoreOptions, RowState, SaveOptions, Saver,
    SaverOptions, SaverSaveOptions, Sink, Source, State, StateOptions, Strings, Variable, WriteOptions,
};
use common::judge::{self, Value};
use common::manifest::{self, sha256};

/// Name, type, shape and value of a tensor.
type Kept = (String, DType, Vec<i64>, Vec<u8>, Option<Strings>);

/// An object with tensors whose meaning is unknown.
#[derive(Default)]
struct Opaque(Vec<Kept>);

impl State for Opaque {
    fn save(&mut self, sink: &mut Sink) -> Result<(), Failure> {
        for (name, dtype, shape, bytes, strings) in &self.0 {
            match (strings, dtype) {
                (None, _) => sink.put(name, *dtype, shape, bytes)?,
                (Some(strings), DType::String) => sink.put_strings(name, shape, &strings.iter().collect::<Vec<_>>())?,
                (Some(strings), _) => sink.put_variants(name, shape, &strings.iter().collect::<Vec<_>>())?,
            }
        }
        Ok(())
    }

    fn restore(&mut self, source: &Source) -> Result<(), Failure> {
        let copy = |t: &checkpoint::SourceTensor| {
            (t.name().to_owned(), t.dtype(), t.shape().to_vec(), t.bytes().to_vec(), t.strings().cloned())
        };
        self.0 = source.tensors().iter().map(copy).collect();
        Ok(())
    }
}

/// The objects of a checkpoint as those of a program, in which nothing has a value yet.
struct Program {
    graph: Graph,
    nodes: Vec<NodeId>,
    checkpoint: Checkpoint,
}

impl Program {
    fn like(saved: &ObjectGraph, reader: &Reader) -> Program {
        let graph = Graph::new();
        let nodes: Vec<NodeId> = saved
            .nodes()
            .map(|node| match node.attributes().next() {
                None if node.slot_variables().len() > 0 => graph.add_slot_owner(None).unwrap(),
                None => graph.add_object().unwrap(),
                Some(first) if first.name == "VARIABLE_VALUE" => {
                    graph.add_variable(Variable::without_value(None, None).unwrap().name(first.full_name)).unwrap()
                }
                Some(first) => {
                    let stem = reader.get(first.checkpoint_key).is_err();
                    let options = if stem { StateOptions::new().legacy_name(first.name) } else { StateOptions::new() };
                    graph.add_state(Box::new(Opaque::default()), &options).unwrap()
                }
            })
            .collect();
        for node in saved.nodes() {
            let own = nodes[node.id() as usize];
            for edge in node.children() {
                // The library makes the root's counter itself.
                if (node.id(), edge.name) != (0, "save_counter") {
                    graph.track(own, edge.name, nodes[edge.node as usize]).unwrap();
                }
            }
            for slot in node.slot_variables() {
                graph
                    .set_slot(own, nodes[slot.original_variable as usize], slot.name, nodes[slot.slot_variable as usize])
                    .unwrap();
            }
        }
        let checkpoint = Checkpoint::new(&graph, nodes[0]).unwrap();
        Program { graph, nodes, checkpoint }
    }
}

fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None))
}

/// All checkpoints of the fixtures with what TensorFlow read in them.
fn fixtures(with_objects: bool) -> Vec<(PathBuf, manifest::Manifest)> {
    let all = manifest::all().into_iter().map(|(directory, manifest)| (directory.join(&manifest.prefix), manifest));
    all.filter(|(path, _)| Reader::open(path).unwrap().object_graph().unwrap().is_some() == with_objects).collect()
}

/// Says that a variable has the value that TensorFlow read.
fn check(graph: &Graph, node: NodeId, expected: &manifest::Expected, name: &str) {
    let found = graph.describe(node).unwrap();
    assert_eq!((found.dtype.unwrap().name(), found.shape.as_ref()), (&*expected.dtype, Some(&expected.shape)), "{name}");
    match &expected.value {
        manifest::Value::Numbers { sha256: digest, .. } => assert_eq!(&sha256(&graph.read(node).unwrap()), digest, "{name}"),
        manifest::Value::Strings(strings) => {
            assert!(graph.read_strings(node).unwrap().iter().eq(strings.iter().map(Vec::as_slice)), "{name}");
        }
        manifest::Value::Unreadable => {}
    }
}

fn files(prefix: &Path) -> Vec<(String, Vec<u8>)> {
    let base = prefix.file_name().unwrap().to_str().unwrap();
    let entries = std::fs::read_dir(prefix.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<(String, Vec<u8>)> = entries
        .filter_map(|path| {
            let suffix = path.file_name()?.to_str()?.strip_prefix(base)?.to_owned();
            suffix.starts_with('.').then(|| (suffix, std::fs::read(path).unwrap()))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_fixture_is_restored_in_full_and_saved_the_same() {
    let (directory, mut whole) = (tempfile::tempdir().unwrap(), 0);
    let all = fixtures(true);
    assert_eq!(all.len(), 9);
    for (path, manifest) in all {
        let reader = Reader::open(&path).unwrap();
        let saved = reader.object_graph().unwrap().unwrap();
        let program = Program::like(&saved, &reader);
        let name = path.display().to_string();
        let counter = saved.node(0).unwrap().children().find(|edge| edge.name == "save_counter").map(|edge| edge.node);
        let options = RestoreOptions::new();
        let status = match counter {
            Some(_) => program.checkpoint.restore(&path, &options).unwrap(),
            None => program.checkpoint.read(&path, &options).unwrap(), // what `write` wrote
        };
        status.assert_consumed().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(status.report().unwrap().rows().iter().all(|row| row.state == RowState::Restored), "{name}");
        for node in saved.nodes() {
            let object = if Some(node.id()) == counter {
                program.checkpoint.save_counter().unwrap()
            } else {
                program.nodes[node.id() as usize]
            };
            for value in node.attributes().filter(|value| value.name == "VARIABLE_VALUE") {
                check(&program.graph, object, &manifest.tensors[value.checkpoint_key], value.checkpoint_key);
            }
        }
        let own = path.parent().unwrap().file_name().unwrap();
        let again = program.checkpoint.write(directory.path().join(own), &unsynced()).unwrap();
        let (mut found, mut expected) = (judge::sound(&again), judge::sound(&path));
        // Older TensorFlow did not say which nodes have values.
        let is_old = saved.nodes().any(|node| node.has_checkpoint_values().is_none());
        if is_old {
            for tensors in [&mut found, &mut expected] {
                tensors.remove(&b"_CHECKPOINTABLE_OBJECT_GRAPH"[..]).unwrap();
            }
        }
        let differing: Vec<String> = expected
            .iter()
            .filter(|(key, value)| found.get(*key) != Some(*value))
            .map(|(key, _)| String::from_utf8_lossy(key).into_owned())
            .collect();
        assert!(differing.is_empty() && found.len() == expected.len(), "{name}: {differing:?}");
        // Where TensorFlow of today wrote one data file, it is the same byte for byte, and so is
        // the index.
        if reader.shard_count() == 1 && !is_old {
            let (found, expected) = (files(&again), files(&path));
            let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&found), names(&expected), "{name}");
            found.iter().zip(&expected).for_each(|(a, b)| assert!(a.1 == b.1, "{name}{} differs", a.0));
            whole += 1;
        }
    }
    assert_eq!(whole, 7);
}

#[test]
fn every_fixture_of_names_is_restored_in_full() {
    let directory = tempfile::tempdir().unwrap();
    let all = fixtures(false);
    assert_eq!(all.len(), 6);
    for (number, (path, manifest)) in all.into_iter().enumerate() {
        let graph = Graph::new();
        let variable = || graph.add_variable(Variable::without_value(None, None).unwrap()).unwrap();
        let named: Vec<(&str, NodeId)> = manifest.tensors.keys().map(|key| (&**key, variable())).collect();
        let saver = Saver::new(&graph, &named, &SaverOptions::new()).unwrap();
        assert!(saver.restore(&path, &RestoreOptions::new()).unwrap().is_complete(), "{}", path.display());
        named.iter().for_each(|(key, node)| check(&graph, *node, &manifest.tensors[*key], key));
        let again = directory.path().join(number.to_string());
        saver.save(&again, &SaverSaveOptions::new().save(unsynced())).unwrap();
        let values = |path: &Path| -> Vec<(Vec<u8>, Vec<i64>, Value)> {
            judge::sound(path).into_iter().map(|(key, tensor)| (key, tensor.shape, tensor.value)).collect()
        };
        assert!(values(&again) == values(&path), "{}", path.display());
    }
}
