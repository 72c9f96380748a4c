//! tf_keras saving/legacy/save_weights_test.py, TestWeightSavingAndLoadingTFFormat: what
//! `Model.save_weights` and `load_weights` ask of checkpoints.

use checkpoint::{Checkpoint, NodeId, Status};

use crate::keras::Adam;
use crate::world::*;

/// A model with these dense layers: `(name, value)`.
fn model(w: &World, layers: &[(&str, f32)]) -> (Checkpoint, Vec<NodeId>) {
    let root = w.object();
    let mut all = Vec::new();
    for (name, value) in layers {
        let layer = w.child(root, name);
        all.extend([w.add(layer, "kernel", [[*value; 3]; 2]), w.add(layer, "bias", [*value; 3])]);
    }
    (w.checkpoint_of(root), all)
}

fn hold(w: &World, variables: &[NodeId], value: f32) {
    variables.chunks(2).for_each(|pair| {
        w.holds(pair[0], [[value; 3]; 2]);
        w.holds(pair[1], [value; 3]);
    });
}

/// `load_weights`, which asserts that anything matched
fn load(checkpoint: &Checkpoint, path: impl AsRef<std::path::Path>) -> Status {
    read(checkpoint, path).nontrivial()
}

/// test_tensorflow_format_overwrite; whether to overwrite is the program's question
#[test]
fn test_tensorflow_format_overwrite() {
    let w = World::new();
    let (first, _) = model(&w, &[("x_layer", 1.0)]);
    let path = w.write(&first, "ckpt");
    let (second, _) = model(&w, &[("x_layer", 2.0)]);
    assert_eq!(w.write(&second, "ckpt"), path);
    let (third, variables) = model(&w, &[("x_layer", 0.0)]);
    load(&third, path).consumed();
    hold(&w, &variables, 2.0);
}

/// test_weight_loading_graph_model and test_weight_loading_subclassed_model: into variables that
/// are there, and when they are made; slots of the optimizer when that is there
#[test]
fn test_weight_loading() {
    let w = World::new();
    let (saved, variables) = model(&w, &[("x_layer", 1.0), ("b_layer", 1.0)]);
    let mut optimizer = Adam::new(&w);
    w.track(saved.root(), "optimizer", optimizer.node);
    optimizer.step(&w, &variables);
    w.assign(optimizer.m(&w, variables[1]), [7f32; 3]);
    let path = w.write(&saved, "ckpt");

    let (program, variables) = model(&w, &[("x_layer", 0.0), ("b_layer", 0.0)]);
    let status = load(&program, &path).matched();
    hold(&w, &variables, 1.0);
    status.not_consumed();
    let mut optimizer = Adam::new(&w);
    w.track(program.root(), "optimizer", optimizer.node);
    optimizer.step(&w, &variables);
    w.holds(optimizer.m(&w, variables[1]), [7f32; 3]);
    status.consumed();

    // A model that makes its variables when it is called.
    let root = w.object();
    let layer = w.child(root, "x_layer");
    let later = w.checkpoint_of(root);
    let _status = load(&later, &path);
    let (kernel, bias) = (w.create(layer, "kernel"), w.create(layer, "bias"));
    hold(&w, &[kernel, bias], 1.0);
}

/// test_weight_loading_graph_model_added_layer, test_weight_loading_subclassed_model_added_layer
/// and, with a layer of no variables, test_weight_loading_graph_model_added_no_weight_layer
#[test]
fn test_weight_loading_added_layer() {
    for with_weights in [true, false] {
        let w = World::new();
        let (first, of_first) = model(&w, &[("x_layer", 1.0), ("b_layer", 1.0)]);
        let path = w.write(&first, "ckpt");
        let (second, of_second) = model(&w, &[("x_layer", 0.0), ("b_layer", 0.0)]);
        let added = w.child(second.root(), "y_layer");
        let kernel = with_weights.then(|| w.add(added, "kernel", 5f32));
        let status = load(&second, &path);
        hold(&w, &of_second, 1.0);
        assert_eq!(status.assert_existing_objects_matched().is_err(), with_weights);
        if let Some(kernel) = kernel {
            w.holds(kernel, 5f32);
        }
        // What the second saves loads into the first.
        w.write(&second, "ckpt");
        of_first.chunks(2).for_each(|pair| w.assign(pair[1], [9f32; 3]));
        load(&first, &path);
        hold(&w, &of_first, 1.0);
    }
}

/// test_incompatible_checkpoint
#[test]
fn test_incompatible_checkpoint() {
    let w = World::new();
    let path = w.save(&w.checkpoint(&[]), "ckpt");
    let root = w.object();
    let program = w.checkpoint_of(root);
    says(&read(&program, &path).trivial(), &["Nothing to load"]);
    w.add(w.child(root, "dense"), "kernel", 1f32);
    says(&read(&program, &path).trivial(), &["dense/kernel", "nothing except the root object matched"]);
}

/// test_directory_passed and the last part of test_relative_path: a prefix that ends in a slash
#[test]
fn test_directory_passed() {
    let w = World::new();
    let v = w.variable(42f32);
    let program = w.checkpoint(&[("v", v)]);
    w.write(&program, "ckpt/");
    assert!(w.path("ckpt/.index").exists());
    w.assign(v, 2f32);
    load(&program, w.path("ckpt/"));
    w.holds(v, 42f32);
}

/// test_nonexistent_prefix_directory and the second part of test_relative_path: a directory that
/// is not there is made
#[test]
fn test_nonexistent_prefix_directory() {
    let w = World::new();
    let v = w.variable(42f32);
    let program = w.checkpoint(&[("v", v)]);
    w.write(&program, "subdir/deeper/bckpt");
    w.assign(v, 2f32);
    load(&program, w.path("subdir/deeper/bckpt"));
    w.holds(v, 42f32);
}
