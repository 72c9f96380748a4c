//! checkpoint_test.py: InterfaceTests, and CheckpointingTests save those of root objects
//! (`root_objects`) and warnings (`warnings`).

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use checkpoint::{
    latest_checkpoint, Code, DType, NodeId, Reason, RestoreOptions, SaveOptions, Sink, Source, State, StateOptions, Variable,
};

use crate::world::*;

/// InterfaceTests.testAddVariable. That a shape is not given twice is left to the types of
/// `Variable`.
#[test]
fn test_add_variable() {
    let w = World::new();
    let obj = w.object();
    w.add(obj, "a_variable", 0f32);
    w.add(obj, "constant_initializer", 1i32);
    w.track(obj, "ones_initializer", w.named([1f32; 2], "some_variable_scope/ones_initializer"));
    w.add(obj, "bare_initializer", [[0f64; 2]; 2]);
    w.named(1f32, "duplicate");
    w.track(obj, "duplicate", w.named(0f32, "duplicate"));
    let error = w.graph.track(obj, "duplicate", w.variable(0f32)).unwrap_err();
    is(&error, Code::AlreadyExists, Reason::NameTaken);
    says(&error.to_string(), &["duplicate", "already declared"]);

    let path = w.write(&w.checkpoint_of(obj), "ckpt");
    let names = ["a_variable", "bare_initializer", "constant_initializer", "duplicate", "ones_initializer"];
    assert_eq!(value_keys(path), names.map(|name| name.to_owned() + SUFFIX));
}

/// InterfaceTests.testShapeDtype
#[test]
fn test_shape_dtype() {
    let w = World::new();
    let root = w.object();
    let v1 = w.add(root, "v1", 3f64);
    let v2 = w.graph.add_variable(Variable::zeros(DType::Double, &[3]).unwrap()).unwrap();
    w.track(root, "v2", v2);
    w.holds(v1, 3f64);
    w.holds(v2, [0f64; 3]);
    w.assign(v2, [1f64; 3]);
    w.holds(v2, [1f64; 3]);
}

/// Saves one value and restores it into two places.
pub struct Mirrored(pub Arc<Mutex<[f32; 2]>>);

impl State for Mirrored {
    fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
        let [saved, _] = *self.0.lock().unwrap();
        Ok(sink.put("VARIABLE_VALUE", DType::Float, &[], &bytes_of(&saved))?)
    }

    fn restore(&mut self, source: &Source) -> Result<(), checkpoint::Failure> {
        let value = value_of(source.find("VARIABLE_VALUE").ok_or("no value")?.bytes());
        *self.0.lock().unwrap() = [value; 2];
        Ok(())
    }
}

/// CheckpointingTests.testMoreComplexSaveableReturned, sync
#[test]
fn test_more_complex_saveable_returned() {
    let w = World::new();
    let values = Arc::new(Mutex::new([6f32, 15.0]));
    let v = w.graph.add_state(Box::new(Mirrored(Arc::clone(&values))), &StateOptions::new()).unwrap();
    let ckpt = w.checkpoint(&[("v", v)]);
    values.lock().unwrap()[0] = 42.0;
    let path = w.save(&ckpt, "ckpt");
    *values.lock().unwrap() = [43.0, 44.0];
    restore(&ckpt, &path).consumed().initialize_or_restore().unwrap();
    assert_eq!(*values.lock().unwrap(), [42.0; 2]);

    values.lock().unwrap()[0] = 44.0;
    let path = w.save(&ckpt, "ckpt");
    values.lock().unwrap()[0] = 45.0;
    restore(&ckpt, path).consumed();
    assert_eq!(*values.lock().unwrap(), [44.0; 2]);
}

/// CheckpointingTests.testAssertConsumedNoCheckpoint, sync
#[test]
fn test_assert_consumed_no_checkpoint() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(0f32))]);
    let path = w.save(&ckpt, "ckpt");
    let status = restore(&ckpt, path);
    drop(ckpt);
    status.consumed();
}

/// CheckpointingTests.testFreezing. A frozen saver is what `write` and `read` are.
#[test]
fn test_freezing() {
    let w = World::new();
    let v = w.variable(0i64);
    let ckpt = w.checkpoint(&[("v", v)]);
    w.assign(v, 3i64);
    w.assign(ckpt.save_counter().unwrap(), 12i64);
    let path = w.write(&ckpt, "ckpt");
    w.assign(v, 10i64);
    read(&ckpt, &path);
    w.holds(v, 3i64);

    let v = w.variable(0i64);
    read(&w.checkpoint(&[("v", v)]), &path);
    w.holds(v, 3i64);

    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let status = restore(&ckpt, &path);
    let v = w.variable(0i64);
    assert_eq!(ckpt.save_count().unwrap(), 12);
    w.holds(v, 0i64);
    w.track(root, "v", v);
    status.consumed().run_restore_ops().unwrap();
    w.holds(v, 3i64);
    assert_eq!(ckpt.save_count().unwrap(), 12);
}

/// CheckpointingTests.testCustomNumbering, sync
#[test]
fn test_custom_numbering() {
    let w = World::new();
    let step = w.variable(0i64);
    let ckpt = w.checkpoint(&[("step", step)]);
    for number in [0i64, 2, 4, 6, 8] {
        w.holds(step, number);
        let expected = w.path(&format!("ckpt-{number}"));
        assert_eq!(w.write(&ckpt, &format!("ckpt-{number}")), expected);
        assert!(!w.files().contains(&"checkpoint".to_owned()), "write() tells nobody");
        w.assign(step, number + 2);
    }
    assert_eq!(stored::<i64>(w.path("ckpt-8"), &format!("step{SUFFIX}")), 8);
}

/// `CheckpointableSaver.save(checkpoint_number=)` of TensorFlow 1.8, which had a `Saver` without
/// `max_to_keep` write the checkpoint and its state file.
#[test]
fn a_numbered_checkpoint_is_the_latest() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("step", w.variable(0i64))]);
    for number in [3i64, 12, 7] {
        let path = ckpt.write_numbered(w.path("ckpt"), number, &unsynced()).unwrap();
        assert_eq!(path, w.path(&format!("ckpt-{number}")));
        let state = checkpoint::get_checkpoint_state(w.directory()).unwrap().unwrap();
        assert_eq!((state.latest, state.all), (path.clone(), vec![path]));
    }
    assert_eq!(ckpt.save_count().unwrap(), 0);
}

fn checkpoint_key(name: &str) -> String {
    let w = World::new();
    let root = w.object();
    w.add(root, name, [[0f64; 2]; 1]);
    value_keys(w.write(&w.checkpoint_of(root), "ckpt")).remove(0)
}

/// CheckpointingTests.testVariableNameEscaping
#[test]
fn test_variable_name_escaping() {
    for (name, escaped) in
        [("a/b/c", "a.Sb.Sc"), ("b", "b"), ("c/", "c.S"), ("d/.S", "d.S..S"), ("d/.ATTRIBUTES/f", "d.S..ATTRIBUTES.Sf")]
    {
        assert_eq!(checkpoint_key(name), escaped.to_owned() + SUFFIX);
    }
}

/// CheckpointingTests.testNumberedPath
#[test]
fn test_numbered_path() {
    let w = World::new();
    let root = w.object();
    w.add(w.child(root, "leaf"), "v", 0f32);
    assert_eq!(value_keys(w.write(&w.checkpoint_of(root), "ckpt")), ["leaf/v/.ATTRIBUTES/VARIABLE_VALUE"]);
}

/// CheckpointingTests.testLocalNameValidation. TensorFlow cannot restore what it saved here; the
/// library can (`invariants`).
#[test]
fn test_local_name_validation() {
    let w = World::new();
    let root = w.object();
    w.add(w.child(root, ".ATTRIBUTES"), "a", 0f32);
    assert_eq!(value_keys(w.write(&w.checkpoint_of(root), "ckpt")), ["..ATTRIBUTES/a/.ATTRIBUTES/VARIABLE_VALUE"]);
}

/// CheckpointingTests.testLateDependencyTracking
#[test]
fn test_late_dependency_tracking() {
    let w = World::new();
    let root = w.object();
    let original = w.checkpoint_of(root);
    w.add(w.child(root, "dep"), "var", 123f32);
    let path = w.save(&original, "ckpt");

    let load_into = w.object();
    let status = restore(&w.checkpoint_of(load_into), path).matched();
    status.not_consumed();
    let var = w.add(w.child(load_into, "dep"), "var", 0f32);
    status.consumed().matched().run_restore_ops().unwrap();
    w.holds(var, 123f32);
}

/// CheckpointingTests.testDepAfterVar
#[test]
fn test_dep_after_var() {
    let w = World::new();
    let root = w.object();
    w.add(w.child(root, "dep"), "var", -14f32);
    let path = w.save(&w.checkpoint_of(root), "ckpt");

    let loaded = w.object();
    let status = restore(&w.checkpoint_of(loaded), path);
    let dep = w.object();
    let var = w.add(dep, "var", 0f32);
    w.track(loaded, "dep", dep);
    status.consumed().run_restore_ops().unwrap();
    w.holds(var, -14f32);
}

/// CheckpointingTests.testOverlappingRestores
#[test]
fn test_overlapping_restores() {
    let w = World::new();
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let var = w.add(w.child(root, "dep"), "var", 12f32);
    let first_path = w.save(&ckpt, "first");
    w.assign(var, 13f32);
    let second_path = w.save(&ckpt, "second");

    for (first_is_restored_last, finally) in [(false, 13f32), (true, 12.0)] {
        let (first_root, second_root) = (w.object(), w.object());
        let (first, second) = (w.checkpoint_of(first_root), w.checkpoint_of(second_root));
        let (first_status, second_status) = if first_is_restored_last {
            let second_status = restore(&second, &second_path);
            (restore(&first, &first_path), second_status)
        } else {
            let first_status = restore(&first, &first_path);
            (first_status, restore(&second, &second_path))
        };
        let load_dep = w.object();
        let load_var = w.create(load_dep, "var");
        w.track(first_root, "dep", load_dep);
        first_status.consumed();
        w.holds(load_var, 12f32);
        w.track(second_root, "dep", load_dep);
        second_status.consumed();
        w.holds(load_var, finally);
    }
}

/// CheckpointingTests.testAmbiguousLoad
#[test]
fn test_ambiguous_load() {
    let w = World::new();
    let root = w.object();
    let dep_three = w.object();
    w.track(w.child(root, "dep_one"), "dep_three", dep_three);
    w.track(w.child(root, "dep_two"), "dep_three", dep_three);
    w.add(dep_three, "var", 0f32);
    let path = w.save(&w.checkpoint_of(root), "ckpt");

    let load_root = w.object();
    let status = restore(&w.checkpoint_of(load_root), path);
    let (dep_one, dep_two) = (w.child(load_root, "dep_one"), w.child(load_root, "dep_two"));
    let (one, two) = (w.child(dep_one, "dep_three"), w.child(dep_two, "dep_three"));
    w.add(one, "var", 0f32);
    w.add(two, "var", 0f32);
    status.not_consumed();
    status.not_matched();
}

/// CheckpointingTests.testObjectsCombined
#[test]
fn test_objects_combined() {
    let w = World::new();
    let root = w.object();
    w.add(w.child(root, "dep_one"), "var1", 32f64);
    w.add(w.child(root, "dep_two"), "var2", 64f64);
    let path = w.save(&w.checkpoint_of(root), "ckpt");

    let load_root = w.object();
    let both = w.child(load_root, "dep_one");
    w.track(load_root, "dep_two", both);
    let (v1, v2) = (w.add(both, "var1", 0f64), w.add(both, "var2", 0f64));
    restore(&w.checkpoint_of(load_root), path).consumed().matched();
    w.holds(v1, 32f64);
    w.holds(v2, 64f64);
}

/// CheckpointingTests.testEmptyContainersIgnored
#[test]
fn test_empty_containers_ignored() {
    let w = World::new();
    let path = w.save(&w.checkpoint(&[("a", w.list(&[]))]), "ckpt");
    let dep = w.list(&[]);
    let load = w.checkpoint(&[("b", w.list(&[]))]);
    w.track(load.root(), "dep", dep);
    w.append(dep, w.list(&[]));
    restore(&load, path).consumed().matched().nontrivial();
}

/// CheckpointingTests.testDependencyLoop
#[test]
fn test_dependency_loop() {
    let w = World::new();
    let (first, second) = (w.object(), w.object());
    w.track(first, "second", second);
    w.track(second, "first", first);
    w.add(first, "v", [3f32, 1.0, 4.0]);
    w.add(second, "v", [1f32, 1.0, 2.0, 3.0]);
    let path = w.save(&w.checkpoint_of(first), "ckpt");

    let first_load = w.object();
    let ckpt = w.checkpoint_of(first_load);
    let status = restore(&ckpt, &path);
    let second_load = w.child(first_load, "second");
    w.track(second_load, "first", first_load);
    status.not_consumed();
    let (v1, v2) = (w.create(first_load, "v"), w.create(second_load, "v"));
    status.consumed();
    w.holds(v1, [3f32, 1.0, 4.0]);
    w.holds(v2, [1f32, 1.0, 2.0, 3.0]);

    w.assign(v1, [2f32, 7.0, 1.0]);
    w.assign(v2, [2f32, 7.0, 1.0, 8.0]);
    restore(&ckpt, &path).consumed();
    w.holds(v1, [3f32, 1.0, 4.0]);
    w.holds(v2, [1f32, 1.0, 2.0, 3.0]);
}

/// CheckpointingTests.testRestoreOnAssign
#[test]
fn test_restore_on_assign() {
    let w = World::new();
    let first = w.object();
    w.track(first, "var1", w.named(4f32, "outside_var"));
    w.track(first, "var2", w.named(8f32, "blah"));
    let path = w.save(&w.checkpoint_of(first), "ckpt");

    let second = w.object();
    let var2 = w.named(0f32, "blah");
    w.track(second, "var2", var2);
    restore(&w.checkpoint_of(second), path);
    w.holds(var2, 8f32);
    let recreated = w.named(0f32, "outside_var");
    w.assign(recreated, -2f32);
    w.track(second, "var1", recreated);
    w.holds(recreated, 4f32);
}

/// CheckpointingTests.testCheckpointState
#[test]
fn test_checkpoint_state() {
    let w = World::new();
    let obj = w.object();
    w.add(obj, "var", 0f32);
    let saver = w.checkpoint(&[("obj", obj)]);
    (0..10).for_each(|_| drop(w.save(&saver, "ckpt")));
    let files = w.files();
    assert!(files.contains(&"checkpoint".to_owned()), "{files:?}");
    for number in 1..=10 {
        assert!(files.contains(&format!("ckpt-{number}.index")), "{files:?}");
    }
}

/// CheckpointingTests.testCheckpointStateChangingVarList
#[test]
fn test_checkpoint_state_changing_var_list() {
    let w = World::new();
    let obj = w.object();
    w.add(obj, "var", 0f32);
    let ckpt = w.checkpoint(&[("obj", obj)]);
    let variables: Vec<NodeId> = (0..10)
        .map(|iteration| {
            let variable = w.add(ckpt.root(), &format!("var_{iteration}"), iteration);
            w.save(&ckpt, "ckpt");
            variable
        })
        .collect();
    let files = w.files();
    assert!((1..=10).all(|number| files.contains(&format!("ckpt-{number}.index"))), "{files:?}");
    assert_eq!(latest_checkpoint(w.directory()).unwrap(), Some(w.path("ckpt-10")));
    // The list has the newest alone; all are on disk.
    let state = std::fs::read_to_string(w.path("checkpoint")).unwrap();
    assert_eq!(state, "model_checkpoint_path: \"ckpt-10\"\nall_model_checkpoint_paths: \"ckpt-10\"\n");

    variables.iter().for_each(|&v| w.assign(v, 314i32));
    restore(&ckpt, w.path("ckpt-6"));
    let values: Vec<i32> = variables.iter().map(|&v| w.value(v)).collect();
    assert_eq!(values, [0, 1, 2, 3, 4, 5, 314, 314, 314, 314]);
    restore(&ckpt, w.path("ckpt-10"));
    let values: Vec<i32> = variables.iter().map(|&v| w.value(v)).collect();
    assert_eq!(values, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

/// CheckpointingTests.test_restore_after_adding_empty_trackable_data_structure
#[test]
fn test_restore_after_adding_empty_trackable_data_structure() {
    let w = World::new();
    let model = w.object();
    w.add(model, "a_variable", 0f32);
    let ckpt = w.checkpoint(&[("model", model)]);
    ckpt.restore_nothing().unwrap().initialize_or_restore().unwrap();
    let path = w.save(&ckpt, "ckpt");

    let model = w.object();
    w.add(model, "a_variable", 0f32);
    w.track(model, "dict", w.dict(&[])); // {"a": 1}: nothing in it is tracked
    w.track(model, "list", w.mixed_list(&[None]));
    restore(&w.checkpoint(&[("model", model)]), path).matched().run_restore_ops().unwrap();
}

/// CheckpointingTests.test_inititialize_with_data_structures, sync
#[test]
fn test_inititialize_with_data_structures() {
    let w = World::new();
    let with = |values: [f32; 4]| {
        let [a0, a1, ba, bb] = values.map(|value| w.variable(value));
        (w.checkpoint(&[("a", w.list(&[a0, a1])), ("b", w.dict(&[("a", ba), ("b", bb)]))]), [a0, a1, ba, bb])
    };
    let path = w.save(&with([0.0, 1.0, 2.0, 3.0]).0, "ckpt");
    let (load, variables) = with([4.0, 5.0, 6.0, 7.0]);
    restore(&load, path);
    assert_eq!(variables.map(|v| w.value::<f32>(v)), [0.0, 1.0, 2.0, 3.0]);
}

/// CheckpointingTests.test_defer_objects_with_values_only
#[test]
fn test_defer_objects_with_values_only() {
    let w = World::new();
    let root = w.object();
    w.add(w.child(root, "branch_with_value"), "v", 5f32);
    w.child(w.child(root, "branch_no_value"), "child");
    w.add(root, "v", 1f32);
    let path = w.save(&w.checkpoint(&[("model", root)]), "ckpt");

    let new_root = w.object();
    restore(&w.checkpoint(&[("model", new_root)]), path);
    let deferred = || ["branch_with_value", "branch_no_value", "v"].map(|name| w.graph.waiting(new_root, name).unwrap());
    assert_eq!(deferred(), [1, 0, 1]);
    w.child(new_root, "branch_no_value");
    assert_eq!(deferred(), [1, 0, 1]);
    w.child(new_root, "branch_with_value");
    assert_eq!(deferred(), [0, 0, 1]);
    w.add(new_root, "v", 1f32);
    assert_eq!(deferred(), [0, 0, 0]);
}

/// CheckpointingTests.test_restore_incompatible_shape
#[test]
fn test_restore_incompatible_shape() {
    let w = World::new();
    let path = w.save(&w.checkpoint(&[("v", w.variable([1f32, 1.0]))]), "ckpt");
    let shorter = w.variable([1f32]);
    let error = w.checkpoint(&[("v", shorter)]).restore(path, &RestoreOptions::new()).unwrap_err();
    is(&error, Code::InvalidArgument, Reason::Shape);
    assert_eq!(error.tensor(), Some(format!("v{SUFFIX}").as_bytes()));
    w.holds(shorter, [1f32]);
}

/// CheckpointingTests.test_ckpt_files_closed_after_restoration
#[test]
fn test_ckpt_files_closed_after_restoration() {
    let w = World::new();
    let root = w.object();
    w.add(root, "v", 1i32);
    let path = w.save(&w.rooted(root, &[]), "ckpt");
    let status = restore(&w.rooted(w.object(), &[]), path);
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let open: Vec<PathBuf> = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok()).collect();
    assert!(open.iter().all(|file| !file.starts_with(w.directory())), "{open:?}");
    drop(status);
}

/// CheckpointingTests.testCallbackWithoutManager, sync: save and write
#[test]
fn test_callback_without_manager() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let called = Arc::new(Mutex::new(Vec::new()));
    let callback = |name: &'static str| {
        let called = Arc::clone(&called);
        Arc::new(move |path: &std::path::Path| {
            assert!(path.with_extension("index").exists(), "the callback comes when the files are complete");
            called.lock().unwrap().push((name, path.to_owned()));
            Ok(())
        })
    };
    let options = unsynced().callback(callback("first")).callback(callback("second"));
    for _ in 0..2 {
        let path = ckpt.save(w.path("ckpt"), &options).unwrap();
        assert_eq!(std::mem::take(&mut *called.lock().unwrap()), [("first", path.clone()), ("second", path)]);
    }
    let path = ckpt.write(w.path("written"), &options).unwrap();
    assert_eq!(*called.lock().unwrap(), [("first", path.clone()), ("second", path)]);
}

/// CheckpointingTests.test_checkpoint_options_copyable
#[test]
fn test_checkpoint_options_copyable() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let calls = Arc::new(Mutex::new(0));
    let counted = |options: SaveOptions| {
        let calls = Arc::clone(&calls);
        options.callback(Arc::new(move |_| {
            *calls.lock().unwrap() += 1;
            Ok(())
        }))
    };
    let options = counted(unsynced());
    let copied = counted(options.clone());
    let calls_of = |options: &SaveOptions| {
        ckpt.save(w.path("ckpt"), options).unwrap();
        std::mem::take(&mut *calls.lock().unwrap())
    };
    assert_eq!((calls_of(&copied), calls_of(&options)), (2, 1));
}
