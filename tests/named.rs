//! Tensors by the names that people use, in checkpoints that TensorFlow wrote and in others.

mod common;

use std::path::PathBuf;

use checkpoint::{Checkpoint, Code, DType, Durability, Graph, Reader, Reason, SaveOptions, Variable, WriteOptions};
use common::bundle::{f32s, Bundle};
use common::dtypes;
use tempfile::TempDir;

fn key(path: &str) -> String {
    format!("{path}/.ATTRIBUTES/VARIABLE_VALUE")
}

#[test]
fn paths_and_full_names_lead_to_the_tensors_of_tensorflows_checkpoints() {
    for (checkpoint, name, path) in [
        ("guide", "net/l1/kernel", "net/l1/kernel"),
        ("guide", "net/dense/kernel", "net/l1/kernel"),
        ("guide", "net/dense/kernel:0", "net/l1/kernel"),
        ("guide", "Variable", "step"),
        ("guide", "Variable:0", "step"),
        // The path and the full name of the same variable.
        ("guide", "save_counter", "save_counter"),
        ("guide", "Adam/m/net/dense/kernel", "optimizer/_variables/1"),
        ("keras3", "adam/learning_rate", "model/optimizer/_learning_rate"),
        ("savedmodel/variables", "conv2d_1/kernel:0", "layer_with_weights-1/kernel"),
        ("savedmodel/variables", "layer_with_weights-1/kernel", "layer_with_weights-1/kernel"),
        // Paths that lead to the variable as well as that in its key.
        ("tf_keras_net", "layer-3/kernel", "layer_with_weights-2/kernel"),
        ("keras3", "model/_functional/_operations/1/_kernel", "model/optimizer/_trainable_variables/0"),
        ("keras3", "model/optimizer/_momentums/0", "model/optimizer/_variables/2"),
    ] {
        let reader = Reader::open(PathBuf::from("tests/data").join(checkpoint)).unwrap();
        let found = reader.get(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(String::from_utf8_lossy(found.key()), key(path), "{name}");
        assert!(!reader.contains(name), "{name} is no key");
        // What was asked for once is found again.
        assert_eq!(reader.get(name).unwrap().index(), found.index());
    }
    // Checkpoints without a graph have no other names than their keys.
    let reader = Reader::open("tests/data/saver_v2").unwrap();
    assert!(reader.object_graph().unwrap().is_none());
    let first = reader.tensor(0).unwrap().key().to_vec();
    assert_eq!(reader.get([&first[..], b":0"].concat()).unwrap().key(), first);
    assert_eq!(reader.get("no such name").unwrap_err().reason(), Reason::NoTensor);
}

/// An object-based checkpoint of variables with these paths, of one or two names, and full names.
fn saved(directory: &TempDir, variables: &[(&str, &str)]) -> Reader {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    for (path, full_name) in variables {
        let variable = Variable::owned(DType::Float, &[], &f32s(&[1.0])).unwrap().name(full_name);
        let node = graph.add_variable(variable).unwrap();
        match path.split_once('/') {
            None => graph.track(root, path, node).unwrap(),
            Some((first, last)) => {
                let children = graph.children(root).unwrap();
                let there = children.into_iter().find(|(edge, _)| edge == first);
                let parent = there.map(|(_, child)| child).unwrap_or_else(|| {
                    let child = graph.add_object().unwrap();
                    graph.track(root, first, child).unwrap();
                    child
                });
                graph.track(parent, last, node).unwrap();
            }
        }
    }
    let options = SaveOptions::new().write(WriteOptions::new().durability(Durability::None));
    let path = Checkpoint::new(&graph, root).unwrap().write(directory.path().join("saved"), &options).unwrap();
    Reader::open(path).unwrap()
}

#[test]
fn a_name_of_several_tensors_is_an_error_that_has_their_keys() {
    let directory = TempDir::new().unwrap();
    let many: Vec<String> = (0..9).map(|number| format!("many/{number}")).collect();
    let mut variables =
        vec![("a", "b"), ("b", "c"), ("one/kernel", "dense/kernel"), ("two/kernel", "dense/kernel"), ("d", "x"), ("e", "x:0")];
    variables.extend(many.iter().map(|path| (path.as_str(), "same")));
    let reader = saved(&directory, &variables);
    for (name, candidates) in [
        // The path of one variable and the full name of another.
        ("b", &["a", "b"][..]),
        ("dense/kernel", &["one/kernel", "two/kernel"]),
        ("dense/kernel:0", &["one/kernel", "two/kernel"]),
        ("x:0", &["d", "e"]),
    ] {
        let error = reader.get(name).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Ambiguous), "{error}");
        assert_eq!(error.tensor(), Some(name.as_bytes()));
        for path in candidates {
            assert!(error.to_string().contains(&format!("\"{}\"", key(path))), "{error}");
        }
        assert_eq!(error.to_string().matches("VARIABLE_VALUE").count(), candidates.len(), "{error}");
    }
    let error = reader.get("same").unwrap_err().to_string();
    assert_eq!(error.matches("VARIABLE_VALUE").count(), 5, "{error}");
    assert!(error.contains('…'), "{error}");
    // A key is never ambiguous.
    for (path, _) in variables {
        assert_eq!(reader.get(key(path)).unwrap().key(), key(path).as_bytes());
    }
    for (name, path) in [("a", "a"), ("c", "b"), ("c:0", "b"), ("x", "d")] {
        assert_eq!(reader.get(name).unwrap().key(), key(path).as_bytes(), "{name}");
    }
}

#[test]
fn suggestions_are_variables_before_slots_and_full_names_too() {
    let reader = Reader::open("tests/data/guide_slots").unwrap();
    for (name, suggested) in [
        ("net/l1/kernal", "did you mean \"net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE\"?"),
        ("net/l1/kern", "did you mean \"net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE\" or "),
        ("Adam/lerning_rate", "did you mean \"Adam/learning_rate\"?"),
    ] {
        let error = reader.get(name).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::NotFound, Reason::NoTensor));
        assert!(error.to_string().contains(suggested), "{error}");
    }
}

#[test]
fn keys_are_found_beside_a_damaged_graph_and_names_are_not() {
    let directory = TempDir::new().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor(&key("a"), dtypes::FLOAT, &[], &f32s(&[1.0]));
    bundle.strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[b"\xff\xff"]);
    let reader = Reader::open(bundle.write(directory.path(), "damaged")).unwrap();
    assert_eq!(reader.get(key("a")).unwrap().key(), key("a").as_bytes());
    for name in ["a", "b"] {
        let error = reader.get(name).unwrap_err();
        assert_eq!(error.code(), Code::DataLoss, "{error}");
    }
}
