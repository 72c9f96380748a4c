//! saver_test.py: saving and restoring by names.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    checkpoint_exists, get_checkpoint_state, latest_checkpoint, Clock, Code, DType, Durability, Extent, NodeId, Reader, Reason,
    RestoreOptions, RowState, SaveOptions, Saver, SaverOptions, SaverSaveOptions, Sink, Slice, Source, State, StateOptions,
    Variable, WriteOptions, Writer,
};

use crate::world::*;

/// `Saver({name: variable, …})`
#[track_caller]
fn saver(w: &World, named: &[(&str, NodeId)]) -> Saver {
    with(w, named, SaverOptions::new())
}

#[track_caller]
fn with(w: &World, named: &[(&str, NodeId)], options: SaverOptions) -> Saver {
    Saver::new(&w.graph, named, &options.log_to(w.log())).unwrap()
}

fn quick() -> SaverSaveOptions {
    SaverSaveOptions::new().save(unsynced())
}

#[track_caller]
fn save(saver: &Saver, prefix: impl AsRef<Path>) -> PathBuf {
    saver.save(prefix, &quick()).unwrap()
}

#[track_caller]
fn load(saver: &Saver, path: impl AsRef<Path>) {
    saver.restore(path, &RestoreOptions::new()).unwrap();
}

#[track_caller]
fn cannot_load(saver: &Saver, path: impl AsRef<Path>) -> checkpoint::Error {
    saver.restore(path, &RestoreOptions::new()).unwrap_err()
}

fn exists(path: impl AsRef<Path>) -> bool {
    checkpoint_exists(path).unwrap()
}

/// The paths that the state file of a directory lists, the latest last.
#[track_caller]
fn listed(directory: &Path) -> Vec<PathBuf> {
    let state = get_checkpoint_state(directory).unwrap().expect("no state file");
    assert_eq!(state.all.last(), Some(&state.latest));
    state.all
}

/// SaverTest.testBasic, testResourceBasic
#[test]
fn test_basic() {
    let w = World::new();
    let (v0, v1) = (w.variable(10f32), w.variable(20f32));
    let saver = saver(&w, &[("v1", v1), ("v0", v0)]);
    let path = save(&saver, w.path("basic"));
    assert_eq!(path, w.path("basic"));
    assert_eq!(keys(&path), ["v0", "v1"]);
    assert!(Reader::open(&path).unwrap().object_graph().unwrap().is_none());

    let other = World::new();
    let (v0, v1) = (other.variable(1000f32), other.variable(2000f32));
    let saver = self::saver(&other, &[("v0", v0), ("v1", v1)]);
    load(&saver, &path);
    other.holds(v0, 10f32);
    other.holds(v1, 20f32);
    assert!(saver.last_report().unwrap().is_complete());
}

/// SaverTest.testEagerBasic: a list of variables, by their own names
#[test]
fn test_eager_basic() {
    let w = World::new();
    let (v1, v2) = (w.named([3f32, 2.0], "v1"), w.named([5f32, 6.0], "v2"));
    let saver = Saver::of_variables(&w.graph, &[v1, v2, v1], &SaverOptions::new()).unwrap();
    assert_eq!(saver.names().collect::<Vec<_>>(), ["v1", "v2"]);
    let path = save(&saver, w.path("ckpt"));
    w.assign(v1, [0f32, 0.0]);
    w.assign(v2, [0f32, 0.0]);
    load(&saver, path);
    w.holds(v1, [3f32, 2.0]);
    w.holds(v2, [5f32, 6.0]);
}

/// SaverTest.testEagerGraphCompatibility and
/// TrackableCompatibilityTests.testLoadFromObjectBasedEager: by full names from a checkpoint with
/// an object graph
#[test]
fn test_load_from_object_based() {
    let w = World::new();
    let (kernel, bias) = (w.named([1f32, 2.0], "dense/kernel"), w.named(3f32, "dense/bias"));
    let path = w.write(&w.checkpoint(&[("a", kernel), ("b", bias)]), "ckpt");
    let other = World::new();
    let (kernel, bias) = (other.named([0f32; 2], "dense/kernel"), other.named(0f32, "dense/bias"));
    let saver = Saver::of_variables(&other.graph, &[kernel, bias], &SaverOptions::new().log_to(other.log())).unwrap();
    load(&saver, &path);
    other.holds(kernel, [1f32, 2.0]);
    other.holds(bias, 3f32);
    says(&other.warnings(), &["Restoring an object-based checkpoint using a name-based saver"]);

    let missing = other.named(7f32, "unrelated");
    let saver = self::saver(&other, &[("dense/kernel", kernel), ("unrelated", missing)]);
    let error = cannot_load(&saver, &path);
    is(&error, Code::NotFound, Reason::NoTensor);
    says(
        &error.to_string(),
        &[
            "Existing variables not in the checkpoint: unrelated",
            "Variables names when this checkpoint was written which don't exist now: dense/bias",
            "(1 variable name(s) did match)",
        ],
    );
}

/// SaverTest.testSaveCopyRestoreWithSaveRelativePaths
#[test]
fn test_save_copy_restore_with_save_relative_paths() {
    let w = World::new();
    std::fs::create_dir(w.path("first")).unwrap();
    let v = w.variable(10f32);
    let saver = with(&w, &[("v", v)], SaverOptions::new().save_relative_paths(true));
    save(&saver, w.path("first/path"));
    std::fs::rename(w.path("first"), w.path("second")).unwrap();
    let path = latest_checkpoint(w.path("second")).unwrap().unwrap();
    assert_eq!(path, w.path("second/path"));
    w.assign(v, 0f32);
    load(&saver, path);
    w.holds(v, 10f32);

    let absolute = with(&w, &[("v", v)], SaverOptions::new().save_relative_paths(false));
    let path = save(&absolute, w.path("second/other"));
    std::fs::rename(w.path("second"), w.path("third")).unwrap();
    assert_ne!(path, w.path("third/other"));
    assert_eq!(get_checkpoint_state(w.path("third")).unwrap().unwrap().latest, w.path("third/other"));
}

/// SaverTest.testInvalidPath
#[test]
fn test_invalid_path() {
    let w = World::new();
    let saver = saver(&w, &[("v", w.variable(1f32))]);
    for path in ["", "not there"] {
        let error = cannot_load(&saver, w.path(path));
        is(&error, Code::NotFound, Reason::NoCheckpoint);
        says(&error.to_string(), &["The passed save_path is not a valid checkpoint:"]);
    }
}

/// SaverTest.testSomeErrors and testSameName
#[test]
fn test_same_name() {
    let w = World::new();
    let (v0, v1) = (w.named(1f32, "v0"), w.named(2f32, "v0"));
    let error = Saver::of_variables(&w.graph, &[v0, v1], &SaverOptions::new()).unwrap_err();
    is(&error, Code::AlreadyExists, Reason::NameTaken);
    says(&error.to_string(), &["same name", "shared_name", "v0"]);

    let error = Saver::new(&w.graph, &[("v0", v0), ("v0too", v0)], &SaverOptions::new()).unwrap_err();
    is(&error, Code::AlreadyExists, Reason::NameTaken);
    says(&error.to_string(), &["The same saveable will be restored with two names: v0too"]);

    // The two under other names are fine.
    let saver = saver(&w, &[("a", v0), ("b", v1)]);
    assert_eq!(keys(save(&saver, w.path("ckpt"))), ["a", "b"]);
}

/// SaverTest.testCacheRereadsFile
#[test]
fn test_cache_rereads_file() {
    let w = World::new();
    let v = w.variable(10f32);
    let saver = saver(&w, &[("v", v)]);
    let path = save(&saver, w.path("cache"));
    load(&saver, &path);
    w.assign(v, 20f32);
    save(&saver, &path);
    w.assign(v, 0f32);
    load(&saver, &path);
    w.holds(v, 20f32);
}

/// SaverTest.testReshape, without `reshape=True`: shapes are never changed
#[test]
fn test_reshape() {
    let w = World::new();
    let path = save(&saver(&w, &[("v", w.variable([[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]]))]), w.path("reshape"));
    let v = w.variable([[0f32; 2]; 3]);
    let error = cannot_load(&saver(&w, &[("v", v)]), path);
    is(&error, Code::InvalidArgument, Reason::Shape);
    says(
        &error.to_string(),
        &["Received incompatible tensor with shape [2,3] when attempting to restore variable with shape [3,2]"],
    );
    w.holds(v, [[0f32; 2]; 3]);
}

/// SaverTest.testSaveWithGlobalStep and testSaveWithGlobalStepWithPadding
#[test]
fn test_save_with_global_step() {
    let w = World::new();
    let (v, step) = (w.variable(1f32), w.variable(5i64));
    for (pad, expected) in [(false, "ckpt-5"), (true, "ckpt-00000005")] {
        let saver = with(&w, &[("v", v)], SaverOptions::new().pad_step_number(pad));
        assert_eq!(saver.save(w.path("ckpt"), &quick().global_step(5)).unwrap(), w.path(expected));
        assert_eq!(saver.save(w.path("ckpt"), &quick().global_step_of(step)).unwrap(), w.path(expected));
        assert_eq!(saver.last_checkpoints(), [w.path(expected)]);
        load(&saver, w.path(expected));
    }
}

/// SaverTest.testSaveToNonexistingPath
#[test]
fn test_save_to_nonexisting_path() {
    let w = World::new();
    let saver = saver(&w, &[("v", w.variable(1f32))]);
    let error = saver.save(w.path("nope/ckpt"), &quick()).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    says(&error.to_string(), &["Parent directory of ", "nope/ckpt doesn't exist, can't save"]);
    std::fs::write(w.path("file"), "").unwrap();
    says(&saver.save(w.path("file/ckpt"), &quick()).unwrap_err().to_string(), &["doesn't exist, can't save"]);
    assert_eq!((w.files(), saver.last_checkpoints()), (vec!["file".to_owned()], vec![]));
}

/// SaverTest.testSaveRestoreAndValidateVariableDtype
#[test]
fn test_save_restore_and_validate_variable_dtype() {
    let w = World::new();
    let path = save(&saver(&w, &[("v", w.variable(10f32))]), w.path("basic"));
    let v = w.variable(7i32);
    let error = cannot_load(&saver(&w, &[("v", v)]), path);
    is(&error, Code::InvalidArgument, Reason::DType);
    says(
        &error.to_string(),
        &["original dtype", "Restoring from checkpoint failed", "a mismatch between the current graph and the graph"],
    );
    w.holds(v, 7i32);
}

/// SaverTest.testRestoreLargeTensors
#[test]
fn test_restore_large_tensors() {
    let w = World::new();
    let large = |value: u8| Variable::owned(DType::Int8, &[64, 1024, 16], &vec![value; 1 << 20]).unwrap();
    let named: Vec<(String, NodeId)> = (0..12).map(|n| (format!("big{n}"), w.graph.add_variable(large(n)).unwrap())).collect();
    let named: Vec<(&str, NodeId)> = named.iter().map(|(name, v)| (&**name, *v)).collect();
    let saver = saver(&w, &named);
    let path = save(&saver, w.path("large"));
    named.iter().for_each(|(_, v)| w.graph.with_memory(*v, |bytes| bytes.fill(99)).unwrap());
    load(&saver, path);
    for (n, (_, v)) in named.iter().enumerate() {
        assert!(w.graph.read(*v).unwrap().iter().all(|&byte| byte == n as u8));
    }
}

/// SaveRestoreShardedTestV2.testBasics, with one program for both devices: two data files, restored
/// in part
#[test]
fn test_sharded() {
    let w = World::new();
    let (v0, v1) = (w.variable(10f32), w.variable(20f32));
    let two_files = SaveOptions::new().write(WriteOptions::new().durability(Durability::None).shards(2));
    let options = SaverSaveOptions::new().save(two_files);
    let path = saver(&w, &[("v0", v0), ("v1", v1)]).save(w.path("sharded_basics"), &options).unwrap();
    assert_eq!(Reader::open(&path).unwrap().shard_count(), 2);
    w.assign(v0, 0f32);
    w.assign(v1, 0f32);
    load(&saver(&w, &[("v0", v0)]), &path);
    w.holds(v0, 10f32);
    w.holds(v1, 0f32);
    load(&saver(&w, &[("v0", v0), ("v1", v1)]), path);
    w.holds(v1, 20f32);
}

/// SaveRestoreShardedTestV2.testPartitionedVariable: a tensor that was saved in slices is restored
/// whole
#[test]
fn test_partitioned_variable() {
    let w = World::new();
    let whole: Vec<f32> = (0..20).map(|n| n as f32).collect();
    let (top, bottom) =
        (bytes_of(&<[f32; 12]>::try_from(&whole[..12]).unwrap()), bytes_of(&<[f32; 8]>::try_from(&whole[12..]).unwrap()));
    let mut writer = Writer::new(w.path("parts"), &Default::default()).unwrap();
    for (start, length, bytes) in [(0, 3, &top), (3, 2, &bottom)] {
        let rows = Slice::new(vec![Extent::range(start, length), Extent::range(0, 4)]);
        writer.add_slice("v", DType::Float, &[5, 4], &rows, bytes).unwrap();
    }
    writer.finish().unwrap();
    let v = w.variable([[0f32; 4]; 5]);
    load(&saver(&w, &[("v", v)]), w.path("parts"));
    assert_eq!(w.graph.read(v).unwrap(), [top, bottom].concat());
}

/// MaxToKeepTest.testNonSharded
#[test]
fn test_max_to_keep() {
    let w = World::new();
    let v = w.variable(10f32);
    let two = || with(&w, &[("v", v)], SaverOptions::new().max_to_keep(2));
    let first = two();
    assert_eq!(first.last_checkpoints(), [] as [PathBuf; 0]);
    let [s1, s2, s3] = ["s1", "s2", "s3"].map(|name| w.path(name));
    save(&first, &s1);
    std::fs::write(w.path("s1.meta"), "a graph").unwrap();
    assert_eq!((first.last_checkpoints(), listed(w.directory())), (vec![s1.clone()], vec![s1.clone()]));
    save(&first, &s2);
    assert_eq!(listed(w.directory()), [s1.clone(), s2.clone()]);
    save(&first, &s3);
    assert_eq!((first.last_checkpoints(), listed(w.directory())), (vec![s2.clone(), s3.clone()], vec![s2.clone(), s3.clone()]));
    assert_eq!([exists(&s1), exists(&s2), exists(&s3)], [false, true, true]);
    assert!(!w.path("s1.meta").exists());

    // Another one that is told, and one that is not.
    let (second, third) = (two(), two());
    second.set_last_checkpoints(first.last_checkpoints()).unwrap();

    // One of the same name is the newest.
    save(&first, &s2);
    assert_eq!((first.last_checkpoints(), listed(w.directory())), (vec![s3.clone(), s2.clone()], vec![s3.clone(), s2.clone()]));
    save(&first, &s1);
    assert_eq!(first.last_checkpoints(), [s2.clone(), s1.clone()]);
    assert_eq!([exists(&s1), exists(&s2), exists(&s3)], [true, true, false]);

    save(&second, &s2);
    assert_eq!((second.last_checkpoints(), listed(w.directory())), (vec![s3.clone(), s2.clone()], vec![s3.clone(), s2.clone()]));
    save(&second, &s1);
    assert_eq!((second.last_checkpoints(), listed(w.directory())), (vec![s2.clone(), s1.clone()], vec![s2.clone(), s1.clone()]));

    save(&third, &s2);
    assert_eq!((third.last_checkpoints(), listed(w.directory())), (vec![s2.clone()], vec![s2.clone()]));
    assert!(exists(&s1));
    save(&third, &s1);
    assert_eq!((third.last_checkpoints(), listed(w.directory())), (vec![s2.clone(), s1.clone()], vec![s2, s1]));
}

/// MaxToKeepTest.testNoMaxToKeep
#[test]
fn test_no_max_to_keep() {
    let w = World::new();
    let saver = with(&w, &[("v", w.variable(10f32))], SaverOptions::new().max_to_keep(0));
    for name in ["s1", "s2"] {
        save(&saver, w.path(name));
        assert_eq!((saver.last_checkpoints(), listed(w.directory())), (vec![], vec![w.path(name)]));
    }
    assert!(exists(w.path("s1")) && exists(w.path("s2")));
}

/// RecoverLastCheckpointsTest.test_recover_last_checkpoints
#[test]
fn test_recover_last_checkpoints() {
    let w = World::new();
    let saver = saver(&w, &[("v", w.variable(10f32))]);
    let [s1, s2, s3] = ["s1", "s2", "s3"].map(|name| save(&saver, w.path(name)));
    let all = [s1.clone(), s2.clone(), s3.clone()];
    assert_eq!(saver.last_checkpoints(), all);

    let next = with(&w, &[("v", w.variable(10f32))], SaverOptions::new().max_to_keep(3));
    next.recover_last_checkpoints(listed(w.directory())).unwrap();
    assert_eq!(next.last_checkpoints(), all);
    let s4 = save(&next, w.path("s4"));
    assert_eq!((next.last_checkpoints(), exists(&s1)), (vec![s2.clone(), s3.clone(), s4.clone()], false));

    // One that is gone is not recovered.
    std::fs::remove_file(w.path("s2.index")).unwrap();
    next.recover_last_checkpoints([&s2, &s3, &s4]).unwrap();
    assert_eq!(next.last_checkpoints(), [s3, s4]);
}

/// `Saver._RecordLastCheckpoint` removes one checkpoint a save, however many were recovered.
#[test]
fn a_recovered_list_becomes_no_shorter() {
    let w = World::new();
    let all = ["s1", "s2", "s3", "s4"].map(|name| save(&saver(&w, &[("v", w.variable(10f32))]), w.path(name)));
    let next = with(&w, &[("v", w.variable(10f32))], SaverOptions::new().max_to_keep(2));
    next.recover_last_checkpoints(&all).unwrap();
    for (number, name) in ["s5", "s6", "s7"].into_iter().enumerate() {
        save(&next, w.path(name));
        assert_eq!(next.last_checkpoints().len(), 4);
        assert_eq!(all.iter().filter(|path| !exists(path)).count(), number + 1);
        assert_eq!(listed(w.directory()), next.last_checkpoints());
    }
}

struct Stopped(Mutex<f64>);

impl Clock for Stopped {
    fn now(&self) -> f64 {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, _: f64) -> checkpoint::Result<()> {
        Ok(())
    }
}

/// KeepCheckpointEveryNHoursTest.testNonSharded
#[test]
fn test_keep_checkpoint_every_n_hours() {
    let w = World::new();
    let clock = Arc::new(Stopped(Mutex::new(1000.0)));
    let options = SaverOptions::new().max_to_keep(2).keep_checkpoint_every_n_hours(0.7 / 3600.0).clock(clock.clone());
    let saver = with(&w, &[("v", w.variable(10f32))], options);
    *clock.0.lock().unwrap() = 1001.0;
    let all = ["s1", "s2", "s3", "s4"].map(|name| save(&saver, w.path(name)));
    assert_eq!(saver.last_checkpoints(), all[2..]);
    assert_eq!(all.map(exists), [true, false, true, true]);
}

/// SaveRestoreWithVariableNameMap.testNonReshapeResourceVariable
#[test]
fn test_save_restore_with_variable_name_map() {
    let w = World::new();
    let (v0, v1) = (w.named(10f32, "v0"), w.named(20f32, "v1"));
    let mapped = |v0, v1| saver(&w, &[("save_prefix/v0", v0), ("save_prefix/v1", v1)]);
    let path = save(&mapped(v0, v1), w.path("mapped"));
    assert_eq!(path, w.path("mapped"));
    let error = cannot_load(&saver(&w, &[("v0", v0), ("v1", v1)]), &path);
    is(&error, Code::NotFound, Reason::NoTensor);
    says(&error.to_string(), &["not found in checkpoint"]);
    let (v0, v1) = (w.named(-1f32, "restore_prefix/v0"), w.named(-1f32, "restore_prefix/v1"));
    load(&mapped(v0, v1), path);
    w.holds(v0, 10f32);
    w.holds(v1, 20f32);
}

/// LatestCheckpointWithRelativePaths.testNameCollision, and what else may take the place of a
/// checkpoint's files
#[test]
fn test_name_collision() {
    let w = World::new();
    let saver = saver(&w, &[("v", w.variable(0f32))]);
    let refused = |prefix: &str, options: SaverSaveOptions| {
        let error = saver.save(w.path(prefix), &options).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        error.to_string()
    };
    says(&refused("checkpoint", quick()), &["'latest_filename' collides with 'save_path': 'checkpoint' and "]);
    says(&refused("a", quick().latest_filename("a.index")), &["collides"]);
    says(&refused("a", quick().global_step(3).latest_filename("a-3")), &["collides"]);
    says(&refused("a", quick().latest_filename("b/c")), &["'latest_filename' must not contain path components"]);
    assert_eq!(w.files(), [] as [&str; 0]);
    assert_eq!(saver.save(w.path("checkpoint"), &quick().global_step(1)).unwrap(), w.path("checkpoint-1"));
    assert_eq!(latest_checkpoint(w.directory()).unwrap(), Some(w.path("checkpoint-1")));
    // As a name of its own, it is a state file like any other.
    saver.save(w.path("a"), &quick().latest_filename("a-state")).unwrap();
    assert_eq!(latest_checkpoint(w.directory()).unwrap(), Some(w.path("checkpoint-1")));
}

/// Two variables that always have the same value, of which one is saved.
struct Mirrored(Arc<Mutex<[f32; 2]>>);

impl State for Mirrored {
    fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
        Ok(sink.put("", DType::Float, &[], &bytes_of(&self.0.lock().unwrap()[0]))?)
    }

    fn restore(&mut self, source: &Source) -> Result<(), checkpoint::Failure> {
        let value = value_of(source.find("").ok_or("no value")?.bytes());
        *self.0.lock().unwrap() = [value; 2];
        Ok(())
    }
}

/// TrackableCompatibilityTests.testNotSaveableButIsTrackable, testMoreComplexSaveableReturned,
/// testMoreComplexSaveableReturnedWithGlobalName
#[test]
fn test_more_complex_saveable_returned() {
    let w = World::new();
    let values = Arc::new(Mutex::new([42f32, 15.0]));
    let state = w.graph.add_state(Box::new(Mirrored(values.clone())), &StateOptions::new().names(&[""])).unwrap();
    let saver = saver(&w, &[("non_dep_variable", state)]);
    let path = save(&saver, w.path("ckpt"));
    assert_eq!(keys(&path), ["non_dep_variable"]);
    *values.lock().unwrap() = [43.0, 44.0];
    load(&saver, path);
    assert_eq!(*values.lock().unwrap(), [42.0, 42.0]);
}

/// Counts how often it is asked for its value.
struct Counting(Arc<Mutex<usize>>);

impl State for Counting {
    fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
        *self.0.lock().unwrap() += 1;
        Ok(sink.put("", DType::Float, &[1], &bytes_of(&1f32))?)
    }

    fn restore(&mut self, _: &Source) -> Result<(), checkpoint::Failure> {
        Ok(())
    }
}

/// TrackableCompatibilityTests.testSingleTensorEvaluation
#[test]
fn test_single_tensor_evaluation() {
    let w = World::new();
    let count = Arc::new(Mutex::new(0));
    let state = w.graph.add_state(Box::new(Counting(count.clone())), &StateOptions::new().names(&[""])).unwrap();
    let saver = saver(&w, &[("foo", state)]);
    let path = save(&saver, w.path("ckpt"));
    assert_eq!(*count.lock().unwrap(), 1);
    load(&saver, path);
    assert_eq!(*count.lock().unwrap(), 1);
}

/// TrackableCompatibilityTests.testVariableNotFoundErrorRaised
#[test]
fn test_variable_not_found_error_raised() {
    let w = World::new();
    let (a, b) = (w.variable(1f32), w.variable(2f32));
    let path = save(&saver(&w, &[("a", a)]), w.path("ckpt"));
    let both = saver(&w, &[("a", a), ("b", b)]);
    w.assign(a, 9f32);
    let error = cannot_load(&both, path);
    is(&error, Code::NotFound, Reason::NoTensor);
    says(
        &error.to_string(),
        &[
            "Key b not found in checkpoint",
            "most likely due to a Variable name or other graph key that is missing from the checkpoint",
        ],
    );
    w.holds(a, 9f32);
    let report = both.last_report().unwrap();
    let states: Vec<(&str, RowState)> = report.rows().iter().map(|row| (&*row.path, row.state)).collect();
    assert_eq!(states, [("a", RowState::Skipped), ("b", RowState::Missing)]);
}

/// TrackableCompatibilityTests.testGraphChangedForRestoreErrorRaised
#[test]
fn test_graph_changed_for_restore_error_raised() {
    let w = World::new();
    let path = save(&saver(&w, &[("a", w.variable(1f32))]), w.path("ckpt"));
    let changed = w.variable([1f32, 2.0]);
    let error = cannot_load(&saver(&w, &[("a", changed)]), path);
    is(&error, Code::InvalidArgument, Reason::Shape);
    says(&error.to_string(), &["Restoring from checkpoint failed", "a mismatch between the current graph and the graph"]);
}
