//! tf_keras' tracking_util_test.py: programs that train, stop and go on.

use checkpoint::latest_checkpoint;

use crate::keras::{Adam, Model};
use crate::world::*;

fn restore_latest(w: &World, ckpt: &checkpoint::Checkpoint) -> checkpoint::Status {
    match latest_checkpoint(w.directory()).unwrap() {
        Some(path) => restore(ckpt, path),
        None => ckpt.restore_nothing().unwrap(),
    }
}

/// CheckpointingTests.testDeferredRestorationUsageEager
#[test]
fn test_deferred_restoration_usage_eager() {
    let w = World::new();
    for continuation in 1..=3 {
        let mut model = Model::new(&w);
        let mut optimizer = Adam::new(&w);
        let root = w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node)]);
        restore_latest(&w, &root);
        for _ in 0..10 {
            let variables = model.build(&w, "my_model");
            optimizer.step(&w, &variables);
        }
        w.save(&root, "ckpt");
        let iterations = optimizer.iterations(&w);
        w.holds(iterations, 10 * continuation);
        assert_eq!(root.save_count().unwrap(), continuation);
    }
}

/// CheckpointingTests.testWithDefun
#[test]
fn test_with_defun() {
    let w = World::new();
    for continuation in 1..=3i64 {
        let mut model = Model::new(&w);
        let mut optimizer = Adam::new(&w);
        let root = w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node)]);
        let status = restore_latest(&w, &root);
        status.initialize_or_restore().unwrap();
        for _ in 0..2 {
            let variables = model.build(&w, "my_model");
            optimizer.step(&w, &variables);
        }
        if continuation > 1 {
            status.consumed();
            w.holds(model.bias(), [42f32]);
        } else {
            w.assign(model.bias(), [42f32]);
        }
        w.save(&root, "ckpt");
        let iterations = optimizer.iterations(&w);
        w.holds(iterations, 2 * continuation);
        assert_eq!(root.save_count().unwrap(), continuation);
    }
}

/// CheckpointingTests.test_sequential: layers in a list, and each as an edge of its own.
#[test]
fn test_sequential() {
    let w = World::new();
    let add = |model, number: usize, bias: Option<[f32; 5]>| {
        let layer = w.object();
        w.track(model, &format!("layer_with_weights-{number}"), layer);
        w.track(model, &format!("layer-{number}"), layer);
        bias.map(|bias| w.add(layer, "bias", bias))
    };
    let model = w.object();
    let ckpt = w.checkpoint(&[("model", model)]);
    add(model, 0, Some([0.0; 5]));
    let bias = add(model, 1, Some([1.0, 2.0, 3.0, 4.0, 5.0])).unwrap();
    ckpt.restore_nothing().unwrap().initialize_or_restore().unwrap();
    let path = w.save(&ckpt, "ckpt");
    w.assign(bias, [5f32, 6.0, 7.0, 8.0, 9.0]);
    restore(&ckpt, &path).consumed().run_restore_ops().unwrap();
    w.holds(bias, [1f32, 2.0, 3.0, 4.0, 5.0]);

    let deferred = w.object();
    let status = restore(&w.checkpoint(&[("model", deferred)]), path);
    add(deferred, 0, None);
    add(deferred, 1, None);
    let layer = w.graph.lookup(deferred, "layer-1").unwrap().unwrap();
    let bias = w.create(layer, "bias");
    status.run_restore_ops().unwrap();
    w.holds(bias, [1f32, 2.0, 3.0, 4.0, 5.0]);
}

/// CheckpointingTests.test_initialize_if_not_restoring
#[test]
fn test_initialize_if_not_restoring() {
    let w = World::new();
    let mut model = Model::new(&w);
    let mut optimizer = Adam::new(&w);
    let root = w.checkpoint(&[("model", model.node)]); // without the optimizer
    let optimizer_checkpoint = w.checkpoint(&[("optimizer", optimizer.node)]);
    root.restore_nothing().unwrap().initialize_or_restore().unwrap();
    optimizer.step(&w, &model.build(&w, "my_model"));
    let model_path = w.save(&root, "ckpt");
    let beta_1 = optimizer.beta_1(&w);
    w.assign(beta_1, 42f32);
    let optimizer_path = w.save(&optimizer_checkpoint, "opt");

    // Into a program with the optimizer.
    let mut model = Model::new(&w);
    let mut optimizer = Adam::new(&w);
    let status = restore(&w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node)]), &model_path);
    status.initialize_or_restore().unwrap();
    optimizer.step(&w, &model.build(&w, "my_model"));
    status.not_matched();
    status.not_consumed();

    // Restoring nothing does not undo what is restored, nor what waits.
    let mut model = Model::new(&w);
    let mut optimizer = Adam::new(&w);
    let root = w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node)]);
    let opt_root = w.checkpoint(&[("optimizer", optimizer.node)]);
    let status = restore(&root, model_path);
    let nothing = opt_root.restore_nothing().unwrap();
    let optimizer_status = restore(&opt_root, optimizer_path);
    optimizer_status.run_restore_ops().unwrap();
    status.initialize_or_restore().unwrap();
    nothing.initialize_or_restore().unwrap();
    optimizer.step(&w, &model.build(&w, "my_model"));
    let beta_1 = optimizer.beta_1(&w);
    w.holds(beta_1, 42f32);
}
