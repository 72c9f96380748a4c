//! checkpoint_with_v1_optimizers_test.py and tf_keras' tracking_util_test.py: slot variables.

use checkpoint::{RestoreOptions, Variable};

use crate::keras::{Adam, Model};
use crate::world::*;

/// checkpoint_with_v1_optimizers_test.py CheckpointingTests.testDeferredSlotRestoration, with slots
/// that are made where the checkpoint has them (eager), and with slots that wait for the program
/// (graph).
#[test]
fn test_deferred_slot_restoration() {
    for eager in [true, false] {
        let w = World::new();
        let root = w.object();
        let ckpt = w.checkpoint_of(root);
        let var = w.add(root, "var", 0f32);
        let mut optimizer = Adam::new(&w);
        optimizer.step(&w, &[var]);
        w.assign(var, 12f32);
        let no_slots = w.save(&ckpt, "no_slots");
        w.track(root, "optimizer", optimizer.node);
        w.assign(var, 13f32);
        w.assign(optimizer.m(&w, var), 14f32);
        let with_slots = w.save(&ckpt, "with_slots");

        let root = w.object();
        let ckpt = w.checkpoint_of(root);
        let slot_status = restore(&ckpt, with_slots);
        let no_slot_status = restore(&ckpt, no_slots);
        no_slot_status.not_consumed();
        let var = w.create(root, "var");
        let _ = no_slot_status.consumed();
        w.holds(var, 12f32);
        let mut optimizer = if eager { Adam::new(&w) } else { Adam::waiting(&w) };
        w.track(root, "optimizer", optimizer.node);
        let slot_status = slot_status.matched();
        says(&slot_status.not_consumed(), &["(root).optimizer"]);
        w.holds(var, 12f32);
        assert_eq!(optimizer.slot(&w, var, "m").is_some(), eager);
        optimizer.step(&w, &[var]);
        w.holds(optimizer.m(&w, var), 14f32);
        w.holds(var, 12f32);
        slot_status.consumed();
    }
}

/// tf_keras CheckpointingTests.testDeferredSlotRestoration: once the optimizer is there with all
/// that it has, the step included, everything is consumed; the variable keeps the newer value.
#[test]
fn test_deferred_slot_restoration_keras() {
    let w = World::new();
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let var = w.add(root, "var", 12f32);
    let no_slots = w.save(&ckpt, "no_slots");
    let mut optimizer = Adam::new(&w);
    w.track(root, "optimizer", optimizer.node);
    (0..3).for_each(|_| optimizer.step(&w, &[var]));
    w.assign(var, 13f32);
    w.assign(optimizer.m(&w, var), 14f32);
    let with_slots = w.save(&ckpt, "with_slots");

    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let slot_status = restore(&ckpt, with_slots);
    let no_slot_status = restore(&ckpt, no_slots);
    let var = w.create(root, "var");
    let _ = no_slot_status.consumed();
    let mut optimizer = Adam::new(&w);
    w.track(root, "optimizer", optimizer.node);
    let slot_status = slot_status.matched();
    w.holds(var, 12f32);
    w.holds(optimizer.m(&w, var), 14f32);
    optimizer.step(&w, &[var]);
    let iterations = optimizer.iterations(&w);
    w.holds(iterations, 4i64);
    slot_status.consumed();
}

/// checkpoint_with_v1_optimizers_test.py CheckpointingTests.testSkipSlotVarRestore
#[test]
fn test_skip_slot_var_restore() {
    let w = World::new();
    let create = || {
        let root = w.object();
        let var = w.add(root, "var", 0f32);
        let optimizer = w.graph.add_slot_owner(None).unwrap();
        w.track(root, "optimizer", optimizer);
        w.add(optimizer, "beta1_power", 0.9f32);
        w.add(optimizer, "beta2_power", 0.999f32);
        let [m, v] = [0f32; 2].map(|value| w.variable(value));
        w.graph.set_slot(optimizer, var, "m", m).unwrap();
        w.graph.set_slot(optimizer, var, "v", v).unwrap();
        (w.checkpoint_of(root), var, m)
    };
    let (ckpt, var, m) = create();
    w.assign(var, 12f32);
    w.assign(m, 14f32);
    let path = w.save(&ckpt, "chkpt");
    assert_eq!(
        keys(&path),
        [
            "_CHECKPOINTABLE_OBJECT_GRAPH",
            "optimizer/beta1_power/.ATTRIBUTES/VARIABLE_VALUE",
            "optimizer/beta2_power/.ATTRIBUTES/VARIABLE_VALUE",
            "save_counter/.ATTRIBUTES/VARIABLE_VALUE",
            "var/.ATTRIBUTES/VARIABLE_VALUE",
            "var/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE",
            "var/.OPTIMIZER_SLOT/optimizer/v/.ATTRIBUTES/VARIABLE_VALUE",
        ]
    );

    let (ckpt, var, m) = create();
    let skipping = RestoreOptions::new().skip_slot_variables(true);
    ckpt.restore(&path, &skipping).unwrap().consumed().run_restore_ops().unwrap();
    w.holds(var, 12f32);
    w.holds(m, 0f32);
    ckpt.restore(&path, &RestoreOptions::new().skip_slot_variables(false)).unwrap().consumed();
    w.holds(var, 12f32);
    w.holds(m, 14f32);
}

/// tf_keras CheckpointingTests.testNamingWithOptimizer
#[test]
fn test_naming_with_optimizer() {
    let w = World::new();
    let mut model = Model::new(&w);
    let mut other = Model::new(&w);
    let mut optimizer = Adam::new(&w);
    let step = w.named(0i64, "global_step");
    let root = w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node), ("step", step)]);
    optimizer.step(&w, &model.build(&w, "my_model"));
    // The slots of a model that the checkpoint does not have are not saved.
    optimizer.step(&w, &other.build(&w, "my_model_1"));
    let path = w.write(&root, "ckpt");

    let mut expected: Vec<String> = [
        "model/_named_dense/bias",
        "model/_named_dense/bias/.OPTIMIZER_SLOT/optimizer/m",
        "model/_named_dense/bias/.OPTIMIZER_SLOT/optimizer/v",
        "model/_named_dense/kernel",
        "model/_named_dense/kernel/.OPTIMIZER_SLOT/optimizer/m",
        "model/_named_dense/kernel/.OPTIMIZER_SLOT/optimizer/v",
        "model/_non_layer/a_variable",
        "model/_second/kernel",
        "model/_second/kernel/.OPTIMIZER_SLOT/optimizer/m",
        "model/_second/kernel/.OPTIMIZER_SLOT/optimizer/v",
        "optimizer/beta_1",
        "optimizer/beta_2",
        "optimizer/decay",
        "optimizer/iter",
        "optimizer/learning_rate",
        "step",
    ]
    .map(|name| name.to_owned() + SUFFIX)
    .into();
    expected.sort_unstable();
    assert_eq!(value_keys(&path), expected);

    let graph = object_graph(&path);
    let full_names = [
        ("step", "global_step"),
        ("model/_second/kernel", "my_model/dense_1/kernel"),
        ("model/_named_dense/kernel", "my_model/dense/kernel"),
        ("optimizer/beta_1", "Adam/beta_1"),
        ("optimizer/beta_2", "Adam/beta_2"),
    ];
    for (name, full_name) in full_names {
        let mut attributes = graph.nodes().flat_map(|node| node.attributes());
        let found = attributes.find(|attribute| attribute.checkpoint_key == name.to_owned() + SUFFIX);
        assert_eq!(found.map(|attribute| attribute.full_name), Some(full_name));
    }
    let edge = graph.node(0).unwrap().children().nth(1).unwrap();
    assert_eq!(edge.name, "optimizer");
    let optimizer = graph.node(edge.node).unwrap();
    assert_eq!(optimizer.children().len(), 5);
    let slot_keys: Vec<&str> = optimizer
        .slot_variables()
        .flat_map(|slot| graph.node(slot.slot_variable).unwrap().attributes())
        .map(|attribute| attribute.checkpoint_key)
        .collect();
    assert_eq!(slot_keys.len(), 6);
    assert!(slot_keys.iter().all(|key| expected.contains(&key.to_string())), "{slot_keys:?}");
}

/// tf_keras CheckpointingTests.testSaveRestore
#[test]
fn test_save_restore() {
    let w = World::new();
    let mut model = Model::new(&w);
    let mut optimizer = Adam::new(&w);
    let root = w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node)]);
    optimizer.step(&w, &model.build(&w, "my_model"));
    let counter = root.save_counter().unwrap();
    w.assign(model.bias(), [42f32]);
    let slot = optimizer.m(&w, model.bias());
    w.assign(slot, [1.5f32]);
    let path = w.save(&root, "ckpt");
    w.assign(model.bias(), [43f32]);
    w.assign(counter, 3i64);
    w.assign(slot, [-2f32]);
    restore(&root, &path).consumed();
    w.holds(model.bias(), [42f32]);
    w.holds(counter, 1i64);
    w.holds(slot, [1.5f32]);

    // Restored as they are made.
    let mut model = Model::new(&w);
    let mut optimizer = Adam::new(&w);
    let root = w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node)]);
    let status = restore(&root, path).nontrivial().matched();
    status.not_consumed();
    model.build(&w, "my_model");
    assert_eq!(root.save_count().unwrap(), 1);
    w.holds(model.bias(), [42f32]);
    let status = status.matched();
    w.holds(optimizer.m(&w, model.bias()), [1.5f32]);
    optimizer.step(&w, &[w.variable([1f32])]);
    status.matched().consumed();
    let iterations = optimizer.iterations(&w);
    w.holds(iterations, 2i64);
}

/// tf_keras CheckpointingTests.testAnonymousVarsInInit: variables without names, tracked as
/// attributes and in a list.
#[test]
fn test_anonymous_vars_in_init() {
    let w = World::new();
    let model = w.object();
    let (weight, b) = (w.add(model, "w", 0f32), w.add(model, "b", 0f32));
    w.track(model, "vars", w.list(&[weight, b]));
    let mut optimizer = Adam::new(&w);
    let ckpt = w.checkpoint(&[("model", model), ("optimizer", optimizer.node)]);
    for _ in 0..2 {
        w.save(&ckpt, "ckpt");
        optimizer.step(&w, &[weight, b]);
    }
    let path = w.save(&ckpt, "ckpt");
    let slots: Vec<String> = value_keys(&path).into_iter().filter(|key| key.contains(".OPTIMIZER_SLOT")).collect();
    let expected = ["b/.OPTIMIZER_SLOT/optimizer/m", "b/.OPTIMIZER_SLOT/optimizer/v"];
    let expected = expected.iter().chain(&["w/.OPTIMIZER_SLOT/optimizer/m", "w/.OPTIMIZER_SLOT/optimizer/v"]);
    assert_eq!(slots, expected.map(|name| format!("model/{name}{SUFFIX}")).collect::<Vec<_>>());
    restore(&ckpt, path).consumed();
}

/// A slot is restored whatever comes first: owner, variable, or slot. With a slot that is made by
/// the owner, and one that is made by the program.
#[test]
fn a_slot_is_restored_in_every_order() {
    let w = World::new();
    let var = w.variable(1f32);
    let owner = w.graph.add_slot_owner(None).unwrap();
    let saved = w.checkpoint(&[("var", var), ("owner", owner)]);
    w.graph.set_slot(owner, var, "m", w.variable(2f32)).unwrap();
    let path = w.write(&saved, "ckpt");

    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for restored_after in 0..=3 {
            let root = w.object();
            let ckpt = w.checkpoint_of(root);
            let (var, slot) = (w.variable(-1f32), w.variable(-2f32));
            let owner = w.graph.add_slot_owner(None).unwrap();
            let mut status = None;
            for (done, step) in order.into_iter().enumerate() {
                if done == restored_after {
                    status = Some(read(&ckpt, &path));
                }
                match step {
                    0 => w.track(root, "owner", owner),
                    1 => w.track(root, "var", var),
                    _ => w.graph.set_slot(owner, var, "m", slot).unwrap(),
                }
            }
            status.unwrap_or_else(|| read(&ckpt, &path)).consumed();
            w.holds(var, 1f32);
            w.holds(slot, 2f32);
        }
    }
}

/// A slot that is made where the checkpoint has a value takes its shape from there.
#[test]
fn a_slot_that_is_made_has_the_shape_of_the_checkpoint() {
    let w = World::new();
    let var = w.variable([1f32, 2.0]);
    let owner = w.graph.add_slot_owner(None).unwrap();
    let saved = w.checkpoint(&[("var", var), ("owner", owner)]);
    w.graph.set_slot(owner, var, "m", w.variable([[3f32, 4.0, 5.0]])).unwrap();
    let path = w.write(&saved, "ckpt");

    let made = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&made);
    let owner = w
        .graph
        .add_slot_owner(Some(Box::new(move |owner, variable, name, dtype, shape| {
            noted.lock().unwrap().push((owner, variable, name.to_owned(), dtype, shape.to_vec()));
            Ok(Variable::zeros(dtype, shape).ok())
        })))
        .unwrap();
    let var = w.variable([0f32; 2]);
    read(&w.checkpoint(&[("var", var), ("owner", owner)]), path).consumed();
    assert_eq!(*made.lock().unwrap(), [(owner, var, "m".to_owned(), checkpoint::DType::Float, vec![1, 3])]);
    w.holds(w.graph.slot(owner, var, "m").unwrap().unwrap(), [[3f32, 4.0, 5.0]]);
    assert_eq!(w.graph.slot_names(owner).unwrap(), ["m"]);
}

/// Slots of a variable that was removed before its owner came are nobody's business.
#[test]
fn a_removed_variable_needs_no_slots() {
    let w = World::new();
    let mut saved = Adam::new(&w);
    let var = w.variable(1f32);
    let root = w.object();
    w.track(root, "var", var);
    w.track(root, "optimizer", saved.node);
    saved.step(&w, &[var]);
    let path = w.write(&w.checkpoint_of(root), "ckpt");

    for mut optimizer in [Adam::new(&w), Adam::waiting(&w)] {
        let root = w.object();
        let status = read(&w.checkpoint_of(root), &path);
        let var = w.create(root, "var");
        w.graph.remove(var).unwrap();
        w.track(root, "optimizer", optimizer.node);
        assert!(w.graph.slot_names(optimizer.node).unwrap().is_empty());
        let iterations = optimizer.iterations(&w);
        w.holds(iterations, 1i64);
        says(&status.not_consumed(), &["(root).var"]);
        status.expect_partial();
    }
}

/// tf_keras optimizer_v2_test.py
/// OptimizerTest.testSlotWithNonstandardShapeRestoresBasedOnCheckpoint: a slot that is made for a
/// restore has the shape of its value, not that of its variable
#[test]
fn test_slot_with_nonstandard_shape_restores_based_on_checkpoint() {
    let w = World::new();
    let x = w.variable([[1f32, 2.0], [3.0, 4.0]]);
    let saved = Adam::new(&w);
    w.graph.set_slot(saved.node, x, "test_slot", w.variable([[1f32], [5.0]])).unwrap();
    let path = w.save(&w.checkpoint(&[("var", x), ("optimizer", saved.node)]), "ckpt");
    let restored = Adam::new(&w);
    restore(&w.checkpoint(&[("var", x), ("optimizer", restored.node)]), path).consumed();
    let slot = restored.slot(&w, x, "test_slot").expect("the slot was made");
    w.holds(slot, [[1f32], [5.0]]);
}

/// distribute tracking_util_test.py TrainingCheckpointTests.testCheckpointRestoreOptimizerSlots,
/// without its strategies: slots of an optimizer that has not run are restored, and those that it
/// makes later get the values that wait
#[test]
fn test_checkpoint_restore_optimizer_slots() {
    for waits in [false, true] {
        let w = World::new();
        let v = w.variable(1f32);
        let mut opt = Adam::new(&w);
        opt.step(&w, &[v]);
        for (name, value) in [("m", 7f32), ("v", 8.0)] {
            w.assign(opt.slot(&w, v, name).unwrap(), value);
        }
        let path = w.save(&w.checkpoint(&[("v", v), ("opt", opt.node)]), "ckpt");
        let v = w.variable(0f32);
        let mut opt = if waits { Adam::waiting(&w) } else { Adam::new(&w) };
        let _status = restore(&w.checkpoint(&[("v", v), ("opt", opt.node)]), path);
        w.holds(v, 1f32);
        assert_eq!(opt.slot(&w, v, "m").is_some(), !waits);
        opt.step(&w, &[v]);
        w.holds(opt.slot(&w, v, "m").unwrap(), 7f32);
        w.holds(opt.slot(&w, v, "v").unwrap(), 8f32);
    }
}
