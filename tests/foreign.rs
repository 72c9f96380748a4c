//! What is not a checkpoint is named, with what to do, wherever a path is opened.

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use checkpoint::{
    checkpoint_exists, latest_checkpoint, latest_valid_checkpoint, merge, verify, Checkpoint, Code, DType, Error, Graph, Manager,
    ManagerOptions, MergeOptions, Pin, Reader, Reason, RestoreOptions, Saver, SaverOptions, Variable, VerifyOptions,
};
use common::bundle::{i32s, index_path, shard_path, Bundle};
use common::{dtypes, v1};
use tempfile::{tempdir, TempDir};

const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n\
    oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 132735\n";
const NAMED_LFS: &str = " is a Git LFS pointer, not a checkpoint: fetch the file with \"git lfs pull\"";

/// A bundle with `count` tensors of 400 bytes.
fn bundle(count: usize) -> Bundle {
    let mut bundle = Bundle::new();
    for number in 0..count {
        bundle.tensor(&format!("x{number:02}"), dtypes::INT32, &[100], &i32s(&[7; 100]));
    }
    bundle
}

fn problems(path: &Path) -> Vec<Error> {
    verify(path, &VerifyOptions::new(), &mut |_| ControlFlow::Continue(())).unwrap().problems
}

/// That `error` names what is at `path` in this way.
#[track_caller]
fn names(error: &Error, code: Code, path: &Path, text: &str) {
    assert_eq!(error.to_string(), format!("{}{text}", path.display()));
    assert_eq!((error.code(), error.reason(), error.file()), (code, Reason::NotACheckpoint, Some(path)), "{error}");
}

fn program() -> (Graph, Checkpoint) {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let x = graph.add_variable(Variable::zeros(DType::Int32, &[100]).unwrap()).unwrap();
    graph.track(root, "x", x).unwrap();
    let program = Checkpoint::new(&graph, root).unwrap();
    (graph, program)
}

/// A zip archive whose first entry has this name.
fn zip(entry: &str) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(&(entry.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(entry.as_bytes());
    bytes.extend_from_slice(&[b'x'; 40]);
    bytes
}

fn safetensors() -> Vec<u8> {
    let header = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat()
}

fn tar() -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    bytes[..10].copy_from_slice(b"run/ckpt-1");
    bytes[257..262].copy_from_slice(b"ustar");
    bytes
}

/// Files by name and contents, what each is and what there is to do.
fn files() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let keras = "tf.train.Checkpoint(model).write";
    let (convert, original) = ("convert it with \"ckpt convert\"", "that it was made from");
    let old_torch = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec();
    let onnx = b"\x08\x08\x12\x07pytorch\x1a\x052.1.0".to_vec();
    vec![
        ("ckpt", LFS.to_vec(), "a Git LFS pointer", "git lfs pull"),
        ("ckpt", b"/annex/objects/SHA256E-s7--ab\n".to_vec(), "a git-annex pointer", "git annex get"),
        ("ckpt", b"\n<!DOCTYPE html>\n<html>Sign in</html>".to_vec(), "an HTML page", "download it again"),
        ("ckpt", b"<HTML>".to_vec(), "an HTML page", "download it again"),
        ("ckpt", b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>".to_vec(), "an XML document", "download it again"),
        ("ckpt", b"".to_vec(), "an empty file", "copy or download it again"),
        ("model.pt", zip("archive/data.pkl"), "a PyTorch file", ".safetensors"),
        ("epoch=3.ckpt", zip("epoch=3/data.pkl"), "a PyTorch file", ".safetensors"),
        ("pytorch_model.bin", old_torch, "a PyTorch file", ".safetensors"),
        ("old.pth", b"\x80\x02}q\x00(X".to_vec(), "a PyTorch file", ".safetensors"),
        ("weights", b"\x80\x04\x95\x10\0\0\0\0\0\0\0}".to_vec(), "a Python pickle", ".npz"),
        ("model.h5", b"\x89HDF\r\n\x1a\n\0\0".to_vec(), "an HDF5 file, as Keras writes", keras),
        ("model.weights.h5", b"\x89HDF\r\n\x1a\n\0\0".to_vec(), "an HDF5 file, as Keras writes", keras),
        ("model.keras", zip("metadata.json"), "a Keras model (.keras)", keras),
        ("model", zip("config.json"), "a Keras model (.keras)", keras),
        ("model.safetensors", safetensors(), "a safetensors file", convert),
        ("model", safetensors(), "a safetensors file", convert),
        ("weights.npz", zip("arr_0.npy"), "a NumPy archive (.npz)", convert),
        ("weights.npy", b"\x93NUMPY\x01\0v\0{".to_vec(), "a NumPy array (.npy)", ".npz"),
        ("frozen_inference_graph.pb", b"\x0a\x10\x0a\x01x".to_vec(), "a TensorFlow graph", "give its prefix"),
        ("events.out.tfevents.17.host", b"\x18\0\0\0\0\0\0\0".to_vec(), "a TensorBoard event file", "give its prefix"),
        ("model.json", b"{\n \"format\": \"graph-model\"}".to_vec(), "a TensorFlow.js model", original),
        ("model.json", b"{\"modelTopology\":{".to_vec(), "a TensorFlow.js model", original),
        ("config.json", b"{\"class_name\": \"Sequential\"}".to_vec(), "a JSON file", "give its prefix"),
        ("model.tflite", b"\x1c\0\0\0TFL3".to_vec(), "a TensorFlow Lite model", original),
        ("model", onnx, "an ONNX model", original),
        ("model.gguf", b"GGUF\x03\0\0\0".to_vec(), "a GGUF model", original),
        ("run.tar", tar(), "a tar archive", "tar -xf"),
        ("run.tar.gz", b"\x1f\x8b\x08\0".to_vec(), "a compressed tar archive", "tar -xf"),
        ("run.tgz", b"\x1f\x8b\x08\0".to_vec(), "a compressed tar archive", "tar -xf"),
        ("run.tar.xz", b"\xfd7zXZ\0\0".to_vec(), "a compressed tar archive", "tar -xf"),
        ("ckpt.gz", b"\x1f\x8b\x08\0".to_vec(), "a compressed file (gzip)", "gunzip"),
        ("ckpt.zst", b"\x28\xb5\x2f\xfd\0".to_vec(), "a compressed file", "expand it"),
        ("run.zip", zip("run/ckpt-1.index"), "a zip archive", "unzip"),
    ]
}

#[test]
fn files_of_each_kind_are_named() {
    for (name, contents, kind, advice) in files() {
        let scratch = tempdir().unwrap();
        let path = scratch.path().join(name);
        fs::write(&path, contents).unwrap();
        let error = Reader::open(&path).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::NotACheckpoint), "{name}: {error}");
        let begin = format!("{} is {kind}, not a checkpoint: ", path.display());
        let said = error.to_string();
        assert!(said.starts_with(&begin) && said[begin.len()..].contains(advice), "{name}: {said}");
        assert!(!checkpoint_exists(&path).unwrap(), "{name}");
    }
}

#[test]
fn an_index_of_each_kind_is_named() {
    // Those told by their names cannot be an index; an empty index is damaged, not of another kind.
    let by_name = ["frozen_inference_graph.pb", "events.out.tfevents.17.host", "old.pth", "run.tar.gz", "run.tgz", "run.tar.xz"];
    let by_contents = files().into_iter().filter(|(name, contents, ..)| !by_name.contains(name) && !contents.is_empty());
    for (_, contents, kind, _) in by_contents {
        let scratch = tempdir().unwrap();
        let prefix = bundle(1).write_with_index(scratch.path(), "ckpt-7", &contents);
        for path in [prefix.clone(), index_path(&prefix)] {
            let error = Reader::open(&path).unwrap_err();
            let begin = format!("{} is {kind}, not a checkpoint: ", index_path(&prefix).display());
            assert!(error.to_string().starts_with(&begin), "{error}");
            assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::NotACheckpoint), "{error}");
        }
        assert_eq!(problems(&prefix).len(), 1, "{kind}");
    }
}

#[test]
fn an_empty_index_is_truncated() {
    let scratch = tempdir().unwrap();
    let prefix = bundle(1).write_with_index(scratch.path(), "ckpt-7", b"");
    let error = Reader::open(&prefix).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::Truncated));
    assert!(error.to_string().contains("the file is empty"), "{error}");
}

#[test]
fn a_damaged_index_is_not_called_something_else() {
    let scratch = tempdir().unwrap();
    let whole = bundle(3).index();
    for length in 1..whole.len() {
        let prefix = bundle(3).write_with_index(scratch.path(), "ckpt-7", &whole[..length]);
        assert_ne!(Reader::open(&prefix).unwrap_err().reason(), Reason::NotACheckpoint, "{length} bytes");
    }
}

#[test]
fn whatever_opens_a_path_names_it() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    let prefix = bundle(1).write_with_index(directory, "ckpt-7", LFS);
    fs::write(directory.join("checkpoint"), "model_checkpoint_path: \"ckpt-7\"\n").unwrap();
    let index = index_path(&prefix);
    let (graph, program) = program();
    let x = graph.add_variable(Variable::zeros(DType::Int32, &[100]).unwrap()).unwrap();
    let saver = Saver::new(&graph, &[("x00", x)], &SaverOptions::new()).unwrap();
    let none = &mut |_, _| ControlFlow::Continue(());
    let whole = bundle(1).write(directory, "part");
    let merged = merge(directory.join("all"), &[&whole, &prefix], &MergeOptions::new(), none);
    for error in [
        Reader::open(&prefix).unwrap_err(),
        Reader::open(directory).unwrap_err(),
        program.restore(&prefix, &RestoreOptions::new()).unwrap_err(),
        program.restore(directory, &RestoreOptions::new()).unwrap_err(),
        saver.restore(&prefix, &RestoreOptions::new()).unwrap_err(),
        merged.unwrap_err(),
        problems(&prefix).pop().unwrap(),
    ] {
        names(&error, Code::DataLoss, &index, NAMED_LFS);
    }
    assert_eq!(problems(&prefix).len(), 1);
    let valid = latest_valid_checkpoint(directory, &VerifyOptions::new(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(valid.prefix, Some(whole));
    assert_eq!(valid.broken.len(), 1);
    names(&valid.broken[0].problem, Code::DataLoss, &index, NAMED_LFS);
}

#[test]
fn files_that_are_merged_or_pinned_are_named() {
    let scratch = tempdir().unwrap();
    let file = scratch.path().join("model.h5");
    fs::write(&file, b"\x89HDF\r\n\x1a\n").unwrap();
    let said = " is an HDF5 file, as Keras writes, not a checkpoint: load it with Keras and write it with \
                \"tf.train.Checkpoint(model).write(PREFIX)\"";
    let none = &mut |_, _| ControlFlow::Continue(());
    let error = merge(scratch.path().join("all"), &[&file], &MergeOptions::new(), none).unwrap_err();
    names(&error, Code::NotFound, &file, said);
    names(&Pin::new(&file).unwrap_err(), Code::DataLoss, &file, said);
}

#[test]
fn a_data_file_that_is_a_pointer_is_one_problem() {
    let scratch = tempdir().unwrap();
    let prefix = bundle(55).write(scratch.path(), "ckpt-7");
    let data = shard_path(&prefix, 0, 1);
    fs::write(&data, LFS).unwrap();
    let found = problems(&prefix);
    assert_eq!(found.len(), 1, "{found:?}");
    names(&found[0], Code::DataLoss, &data, NAMED_LFS);

    let reader = Reader::open(&prefix).unwrap();
    names(&reader.get("x03").unwrap().read().unwrap_err(), Code::DataLoss, &data, NAMED_LFS);
    let graph = Graph::new();
    let variables =
        ["x01", "x40"].map(|name| (name, graph.add_variable(Variable::zeros(DType::Int32, &[100]).unwrap()).unwrap()));
    let saver = Saver::new(&graph, &variables, &SaverOptions::new()).unwrap();
    names(&saver.restore(&prefix, &RestoreOptions::new()).unwrap_err(), Code::DataLoss, &data, NAMED_LFS);
    let none = &mut |_, _| ControlFlow::Continue(());
    let error = merge(scratch.path().join("all"), &[&prefix], &MergeOptions::new(), none).unwrap_err();
    names(&error, Code::DataLoss, &data, NAMED_LFS);
}

#[test]
fn a_data_file_that_is_shorter_than_its_pointer_is_named_too() {
    let scratch = tempdir().unwrap();
    let mut small = Bundle::new();
    small.tensor("a", dtypes::INT32, &[2], &i32s(&[1, 2])).tensor("b", dtypes::INT32, &[], &i32s(&[3]));
    let prefix = small.write(scratch.path(), "ckpt-7");
    let data = shard_path(&prefix, 0, 1);
    fs::write(&data, LFS).unwrap();
    let found = problems(&prefix);
    assert_eq!(found.len(), 1, "{found:?}");
    names(&found[0], Code::DataLoss, &data, NAMED_LFS);
    names(&Reader::open(&prefix).unwrap().get("a").unwrap().read().unwrap_err(), Code::DataLoss, &data, NAMED_LFS);
}

#[test]
fn data_that_is_like_another_format_is_damaged_data() {
    let scratch = tempdir().unwrap();
    for contents in [&b"GGUF\x03\0\0\0"[..], b"\x1f\x8b\x08\0", b"{\"a\":1}", b"\x89HDF\r\n\x1a\n"] {
        let prefix = bundle(1).write(scratch.path(), "ckpt-7");
        fs::write(shard_path(&prefix, 0, 1), contents).unwrap();
        assert_eq!(problems(&prefix)[0].reason(), Reason::Truncated);
    }
}

#[test]
fn a_v1_file_of_several_that_is_a_pointer_is_named() {
    let scratch = tempdir().unwrap();
    let mut file = v1::File::new();
    file.tensor("x", dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[1])));
    file.write(scratch.path(), "model.ckpt-00000-of-00002");
    let pointer = scratch.path().join("model.ckpt-00001-of-00002");
    fs::write(&pointer, LFS).unwrap();
    let error = Reader::open(scratch.path().join("model.ckpt-?????-of-00002")).unwrap_err();
    names(&error, Code::DataLoss, &pointer, NAMED_LFS);
}

#[test]
fn a_state_file_that_is_a_pointer_is_named() {
    let scratch = tempdir().unwrap();
    let state = scratch.path().join("checkpoint");
    fs::write(&state, LFS).unwrap();
    names(&Reader::open(scratch.path()).unwrap_err(), Code::DataLoss, &state, NAMED_LFS);
    names(&latest_checkpoint(scratch.path()).unwrap_err(), Code::DataLoss, &state, NAMED_LFS);
    // As any state file that cannot be understood, it does not keep a manager from opening.
    let (_graph, program) = program();
    assert!(Manager::open(&program, scratch.path(), &ManagerOptions::new()).unwrap().checkpoints().is_empty());
}

/// A directory with the checkpoint `model.ckpt-5` and what TensorFlow puts beside it.
fn run() -> (TempDir, PathBuf) {
    let scratch = tempdir().unwrap();
    let prefix = bundle(1).write(scratch.path(), "model.ckpt-5");
    fs::write(scratch.path().join("model.ckpt-5.meta"), b"\x0a\xe2\x06").unwrap();
    fs::write(scratch.path().join("model.ckpt-4.meta"), b"\x0a\xe2\x06").unwrap();
    fs::write(scratch.path().join("checkpoint"), "model_checkpoint_path: \"model.ckpt-5\"\n").unwrap();
    (scratch, prefix)
}

#[test]
fn the_files_beside_a_checkpoint_lead_to_it() {
    let (scratch, prefix) = run();
    let directory = scratch.path();
    let state = directory.join("checkpoint");
    let said = format!(" is a state file, not a checkpoint: give the directory, \"{}\"", directory.display());
    names(&Reader::open(&state).unwrap_err(), Code::DataLoss, &state, &said);
    let graph = " is the graph of a checkpoint (MetaGraphDef), not a checkpoint: the checkpoint";
    let meta = directory.join("model.ckpt-5.meta");
    names(&Reader::open(&meta).unwrap_err(), Code::DataLoss, &meta, &format!("{graph} is \"{}\"", prefix.display()));
    let alone = directory.join("model.ckpt-4.meta");
    let said = format!("{graph} that belongs to it, \"{}\", is missing", directory.join("model.ckpt-4").display());
    names(&Reader::open(&alone).unwrap_err(), Code::DataLoss, &alone, &said);
}

/// A SavedModel with its graph in the file `graph`, if any, with or without variables.
fn saved_model(directory: &Path, graph: Option<&str>, variables: bool) {
    fs::create_dir_all(directory.join("variables")).unwrap();
    if let Some(graph) = graph {
        fs::write(directory.join(graph), b"\x08\x01\x12").unwrap();
    }
    if variables {
        bundle(1).write(&directory.join("variables"), "variables");
    }
}

#[test]
fn the_parts_of_a_saved_model_lead_to_its_variables() {
    let scratch = tempdir().unwrap();
    let model = scratch.path().join("sm");
    saved_model(&model, Some("saved_model.pb"), true);
    assert_eq!(Reader::open(&model).unwrap().len(), 1);
    let graph = model.join("saved_model.pb");
    let said = format!(" is the graph of a SavedModel, not a checkpoint: give the directory, \"{}\"", model.display());
    names(&Reader::open(&graph).unwrap_err(), Code::DataLoss, &graph, &said);
    let variables = model.join("variables");
    let prefix = variables.join("variables");
    let said = format!(" is the \"variables\" directory of a SavedModel, not a checkpoint: give \"{}\"", prefix.display());
    names(&Reader::open(&variables).unwrap_err(), Code::NotFound, &variables, &said);
    assert_eq!(Reader::open(&prefix).unwrap().len(), 1);
}

#[test]
fn a_saved_model_whose_directory_does_not_open_leads_to_its_variables() {
    for (graph, said) in [(Some("saved_model.cpb"), "with saved_model.cpb"), (None, "without saved_model.pb")] {
        let scratch = tempdir().unwrap();
        let model = scratch.path().join("sm");
        saved_model(&model, graph, true);
        let prefix = model.join("variables/variables");
        let said = format!(" is a SavedModel {said}: give \"{}\", its variables", prefix.display());
        names(&Reader::open(&model).unwrap_err(), Code::NotFound, &model, &said);
        if let Some(graph) = graph {
            let graph = model.join(graph);
            let said = format!(" is the graph of a SavedModel, not a checkpoint: give \"{}\", its variables", prefix.display());
            names(&Reader::open(&graph).unwrap_err(), Code::DataLoss, &graph, &said);
        }
    }
}

#[test]
fn a_saved_model_without_variables_is_named() {
    for graph in ["saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"] {
        let scratch = tempdir().unwrap();
        let model = scratch.path().join("sm");
        saved_model(&model, Some(graph), false);
        let said = " is a SavedModel without variables, not a checkpoint: if the model has variables, copy its \"variables\" directory, too";
        names(&Reader::open(&model).unwrap_err(), Code::NotFound, &model, said);
        let graph = model.join(graph);
        let said = " is the graph of a SavedModel, not a checkpoint: the variables of the SavedModel, \"variables/variables.index\", are missing";
        names(&Reader::open(&graph).unwrap_err(), Code::DataLoss, &graph, said);
    }
}

#[test]
fn a_serving_directory_leads_to_its_latest_version() {
    let scratch = tempdir().unwrap();
    let base = scratch.path().join("base");
    for version in ["1", "2", "10"] {
        saved_model(&base.join(version), Some("saved_model.pb"), true);
    }
    fs::create_dir(base.join("11")).unwrap(); // no model
    fs::create_dir(base.join("assets")).unwrap();
    let said = format!(
        " is a directory of SavedModel versions (10, 2, 1), not a checkpoint: give one of them, such as \"{}\"",
        base.join("10").display()
    );
    names(&Reader::open(&base).unwrap_err(), Code::NotFound, &base, &said);
}

#[test]
fn a_folder_that_has_the_name_of_the_state_file_is_named() {
    let scratch = tempdir().unwrap();
    let folder = scratch.path().join("checkpoint");
    fs::create_dir(&folder).unwrap();
    let is = " is a directory, not a state file";
    let open = || Reader::open(scratch.path()).unwrap_err();
    names(&open(), Code::FailedPrecondition, &folder, &format!("{is}: give the prefix of a checkpoint"));
    bundle(1).write(&folder, "ckpt-0");
    names(&open(), Code::FailedPrecondition, &folder, &format!("{is}; it holds the checkpoints \"ckpt-0\""));
    names(
        &latest_checkpoint(scratch.path()).unwrap_err(),
        Code::FailedPrecondition,
        &folder,
        &format!("{is}; it holds the checkpoints \"ckpt-0\""),
    );
    fs::write(folder.join("checkpoint"), "model_checkpoint_path: \"ckpt-0\"\n").unwrap();
    let said = format!("{is}: it has a state file of its own: give \"{}\"", folder.display());
    names(&open(), Code::FailedPrecondition, &folder, &said);
    assert_eq!(Reader::open(&folder).unwrap().len(), 1);
}

#[test]
fn what_is_unknown_or_no_plain_file_is_not_guessed() {
    let scratch = tempdir().unwrap();
    let unknown = scratch.path().join("unknown");
    fs::write(&unknown, [0x55; 3000]).unwrap();
    assert_eq!(Reader::open(&unknown).unwrap_err().reason(), Reason::Malformed);
    assert_eq!(Reader::open(scratch.path()).unwrap_err().reason(), Reason::NoCheckpoint);
    assert_eq!(Reader::open(scratch.path().join("absent.h5")).unwrap_err().reason(), Reason::NoCheckpoint);
    // A pipe would block whoever opened it.
    let pipe = scratch.path().join("model.h5");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(Reader::open(&pipe).unwrap_err().reason(), Reason::NotAFile);
}
