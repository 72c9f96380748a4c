//! tf_keras' tracking_util_test.py CheckpointCompatibilityTests: checkpoints of names, as
//! TensorFlow 1 wrote them, into a graph of objects.

use std::path::PathBuf;

use checkpoint::{Checkpoint, Code, NodeId, Reason, RestoreKind, RestoreOptions, RowState};

use crate::common::bundle::Bundle;
use crate::common::v1;
use crate::keras::{Adam, Model};
use crate::world::*;

/// What `Saver` wrote: the values of variables under their names.
fn saver_file(w: &World, name: &str, v1: bool, variables: &[(&str, NodeId)]) -> PathBuf {
    let (mut bundle, mut file) = (Bundle::new(), v1::File::new());
    for (name, variable) in variables {
        let found = w.graph.describe(*variable).unwrap();
        let (dtype, shape) = (found.dtype.unwrap() as u32, found.shape.unwrap());
        let bytes = w.graph.read(*variable).unwrap();
        bundle.tensor(name, dtype, &shape, &bytes);
        file.tensor(name, dtype, &shape, v1::values(dtype, &bytes));
    }
    if v1 {
        file.write(w.directory(), name)
    } else {
        bundle.write(w.directory(), name)
    }
}

/// A model that has trained a step, with names for everything.
struct Program {
    model: Model,
    optimizer: Adam,
    root: Checkpoint,
    named: Vec<(String, NodeId)>,
}

fn initialized(w: &World) -> Program {
    let mut model = Model::new(w);
    let mut optimizer = Adam::new(w);
    let root = w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node)]);
    let variables = model.build(w, "my_model");
    optimizer.step(w, &variables);
    let mut named = Vec::new();
    let names = ["my_model/dense/kernel", "my_model/dense/bias", "my_model/dense_1/kernel"];
    for (variable, name) in variables.into_iter().zip(names) {
        named.push((name.to_owned(), variable));
        for slot_name in ["m", "v"] {
            let (name, slot) = (format!("Adam/{name}/{slot_name}"), optimizer.slot(w, variable, slot_name).unwrap());
            w.graph.set_name(slot, &name).unwrap();
            named.push((name, slot));
        }
    }
    for (name, hyper) in w.graph.children(optimizer.node).unwrap() {
        named.push((format!("Adam/{name}"), hyper));
    }
    let non_layer = w.graph.lookup(model.node, "_non_layer").unwrap().unwrap();
    named.push(("a_variable".to_owned(), w.graph.lookup(non_layer, "a_variable").unwrap().unwrap()));
    Program { model, optimizer, root, named }
}

/// A variable, a slot variable, and a variable of the optimizer.
fn sentinels(w: &World, program: &mut Program) -> (NodeId, NodeId, NodeId) {
    let bias = program.model.bias();
    (bias, program.optimizer.m(w, bias), program.optimizer.beta_1(w))
}

fn set(w: &World, program: &mut Program, values: [f32; 3]) {
    let (bias, slot, beta_1) = sentinels(w, program);
    w.assign(bias, [values[0]]);
    w.assign(slot, [values[1]]);
    w.assign(beta_1, values[2]);
}

fn get(w: &World, program: &mut Program) -> [f32; 3] {
    let (bias, slot, beta_1) = sentinels(w, program);
    [w.value::<[f32; 1]>(bias)[0], w.value::<[f32; 1]>(slot)[0], w.value(beta_1)]
}

/// CheckpointCompatibilityTests.testLoadFromNameBasedSaver, from both formats
#[test]
fn test_load_from_name_based_saver() {
    for v1 in [false, true] {
        let w = World::new();
        let mut saved = initialized(&w);
        set(&w, &mut saved, [1.0, 2.0, 3.0]);
        let named: Vec<(&str, NodeId)> = saved.named.iter().map(|(name, variable)| (&**name, *variable)).collect();
        let path = saver_file(&w, "ckpt-1", v1, &named);

        let mut program = initialized(&w);
        let saver = w.checkpoint(&[("root", program.root.root())]);
        set(&w, &mut program, [101.0, 102.0, 103.0]);
        let status = read(&saver, &path);
        assert_eq!(status.kind(), RestoreKind::Names);
        assert_eq!(get(&w, &mut program), [1.0, 2.0, 3.0]);
        status.consumed().matched().nontrivial().run_restore_ops().unwrap();
        set(&w, &mut program, [101.0, 102.0, 103.0]);
        let status = read(&saver, &path);
        status.initialize_or_restore().unwrap();
        assert_eq!(get(&w, &mut program), [1.0, 2.0, 3.0]);
        let _ = status.nontrivial();

        w.track(program.root.root(), "not_in_name_checkpoint", w.named([1f32], "not_in_name_checkpoint"));
        let status = read(&saver, path);
        says(&status.not_matched(), &["not_in_name_checkpoint"]);
    }
}

/// CheckpointCompatibilityTests.testIgnoreSaveCounter
#[test]
fn test_ignore_save_counter() {
    let w = World::new();
    let (model, layer) = (w.object(), w.object());
    w.track(model, "layer-1", layer);
    let kernel = w.named([[1f32]], "dense/kernel");
    w.track(layer, "kernel", kernel);
    let path = saver_file(&w, "ckpt-1", false, &[("dense/kernel", kernel)]);
    let ckpt = w.checkpoint(&[("model", model)]);
    restore(&ckpt, &path).matched();
    assert_eq!(ckpt.save_count().unwrap(), 0);
    // Another variable of that name is missed.
    w.track(layer, "var", w.named(0f32, "save_counter"));
    says(&restore(&ckpt, path).not_matched(), &["save_counter"]);
}

/// A file that has a save counter gives it to the checkpoint.
#[test]
fn a_save_counter_in_the_file_is_restored() {
    let w = World::new();
    let path = saver_file(&w, "ckpt", false, &[("save_counter", w.variable(7i64))]);
    let ckpt = w.checkpoint(&[]);
    restore(&ckpt, path).consumed();
    assert_eq!(ckpt.save_count().unwrap(), 7);
}

/// All variables of one name take the value; keys that nobody uses are no error.
#[test]
fn equal_names_take_equal_values() {
    let w = World::new();
    let path = saver_file(&w, "ckpt", false, &[("v", w.variable(1f32)), ("other", w.variable(2f32))]);
    let [a, b] = [0f32; 2].map(|value| w.named(value, "v"));
    let ckpt = w.checkpoint(&[("a", a), ("b", w.list(&[b]))]);
    let status = read(&ckpt, path).consumed();
    w.holds(a, 1f32);
    w.holds(b, 1f32);
    let report = status.report().unwrap();
    assert_eq!((report.count(RowState::Restored), report.count(RowState::Unused)), (2, 1), "{}", report.table());
}

/// Objects that are tracked later are restored top-down: what an object leads to already when it is
/// tracked is missed, as in TensorFlow.
#[test]
fn names_are_restored_as_objects_come_from_the_top() {
    let w = World::new();
    let path = saver_file(&w, "ckpt", true, &[("v", w.variable(1f32)), ("w", w.variable(2f32))]);
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let status = read(&ckpt, path);

    let layer = w.child(root, "layer");
    let v = w.named(0f32, "v");
    w.track(layer, "v", v);
    w.holds(v, 1f32);
    let list = w.list(&[]);
    w.track(root, "list", list);
    let appended = w.named(0f32, "w");
    w.append(list, appended);
    w.holds(appended, 2f32);
    let status = status.consumed();

    let (built, missed) = (w.object(), w.named(0f32, "w"));
    w.track(built, "w", missed);
    w.track(root, "built", built);
    w.holds(missed, 0f32);
    says(&status.not_consumed(), &["not restored"]);
}

/// Of a name-based and an object-based restore the one called last wins.
#[test]
fn the_newest_restore_wins_across_formats() {
    for by_name_first in [true, false] {
        let w = World::new();
        let by_name = saver_file(&w, "by_name", false, &[("v", w.variable(1f32))]);
        let by_object = w.write(&w.checkpoint(&[("v", w.variable(2f32))]), "by_object");
        let root = w.object();
        let ckpt = w.checkpoint_of(root);
        let order = if by_name_first { [by_name, by_object] } else { [by_object, by_name] };
        let _statuses = order.map(|path| read(&ckpt, path));
        let v = w.named(0f32, "v");
        w.track(root, "v", v);
        w.holds(v, if by_name_first { 2f32 } else { 1.0 });
    }
}

/// Nothing is cast or reshaped, and nothing is changed when one value does not fit.
#[test]
fn a_name_based_restore_that_fails_changes_nothing() {
    let w = World::new();
    let path = saver_file(&w, "ckpt", false, &[("a", w.variable(1f32)), ("b", w.variable([1f32, 2.0]))]);
    for (b, reason) in [(w.named([0f32], "b"), Reason::Shape), (w.named([0f64; 2], "b"), Reason::DType)] {
        let a = w.named(-1f32, "a");
        let ckpt = w.checkpoint(&[("a", a), ("b", b)]);
        is(&ckpt.read(&path, &RestoreOptions::new()).unwrap_err(), Code::InvalidArgument, reason);
        w.holds(a, -1f32);
        // Nothing waits: what is tracked now is not restored.
        let late = w.named(-2f32, "a");
        w.track(ckpt.root(), "late", late);
        w.holds(late, -2f32);
    }
}
