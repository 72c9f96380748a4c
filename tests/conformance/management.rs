//! checkpoint_management_test.py, and what other suites say of the manager and of waiting for
//! checkpoints.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    checkpoint_exists, checkpoint_mtimes, get_checkpoint_state, latest_checkpoint, remove_checkpoint, update_checkpoint_state,
    wait_for_new_checkpoint, Checkpoint, Clock, Code, Error, Manager, ManagerOptions, ManagerSaveOptions, NodeId, Reason,
    RestoreOptions, ResumeOptions, StateUpdate, WaitOptions, WriteCallback,
};

use crate::common::{dtypes, v1};
use crate::keras::{Adam, Model};
use crate::world::*;

/// What the mocked `time.time()` gives.
struct Time(Mutex<f64>);

impl Time {
    fn at(now: f64) -> Arc<Time> {
        Arc::new(Time(Mutex::new(now)))
    }

    fn set(&self, now: f64) {
        *self.0.lock().unwrap() = now;
    }

    fn add(&self, seconds: f64) {
        *self.0.lock().unwrap() += seconds;
    }
}

impl Clock for Time {
    fn now(&self) -> f64 {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, seconds: f64) -> Result<(), Error> {
        self.add(seconds);
        Ok(())
    }
}

fn options() -> ManagerOptions {
    ManagerOptions::new()
}

fn keep(count: i64) -> ManagerOptions {
    options().max_to_keep(count)
}

fn saving() -> ManagerSaveOptions {
    ManagerSaveOptions::new().save(unsynced())
}

/// `CheckpointManager(checkpoint, directory, …)`
#[track_caller]
fn manage(checkpoint: &Checkpoint, directory: impl AsRef<Path>, options: &ManagerOptions) -> Manager {
    Manager::open(checkpoint, directory, options).unwrap()
}

/// `manager.save()`
#[track_caller]
fn save(manager: &Manager) -> PathBuf {
    manager.save(&saving()).unwrap().expect("nothing was saved")
}

#[track_caller]
fn exists(path: impl AsRef<Path>) -> bool {
    checkpoint_exists(path).unwrap()
}

/// LatestCheckpointWithRelativePaths.testRelativePath. The tests of a process share its working
/// directory: the directory lies in it instead.
#[test]
fn test_relative_path() {
    let w = World::new();
    let scratch = tempfile::tempdir_in(".").unwrap();
    let traindir = PathBuf::from(scratch.path().file_name().unwrap());
    let filepath = traindir.join("snapshot");
    let v0 = w.variable(0f32);
    let checkpoint = w.checkpoint(&[("v0", v0)]);
    for step in 1..=3 {
        w.assign(v0, step as f32);
        checkpoint.save(&filepath, &unsynced()).unwrap();
    }
    let name = latest_checkpoint(&traindir).unwrap().unwrap();
    assert_eq!(name, traindir.join("snapshot-3"));
    w.assign(v0, 2f32);
    restore(&checkpoint, name);
    w.holds(v0, 3f32);
}

/// CheckpointStateTest.testAbsPath. The file holds a relative path, so that the directory can be
/// moved; what comes back is absolute.
#[test]
fn test_abs_path() {
    let w = World::new();
    let abs_path = w.path("model-0");
    update_checkpoint_state(w.directory(), &StateUpdate::new(&abs_path)).unwrap();
    let state = get_checkpoint_state(w.directory()).unwrap().unwrap();
    assert!(abs_path.is_absolute() && state.latest == abs_path);
    assert_eq!(state.all, [abs_path]);
}

/// CheckpointStateTest.testRelPath
#[test]
fn test_rel_path() {
    let scratch = tempfile::tempdir_in(".").unwrap();
    let train_dir = PathBuf::from(scratch.path().file_name().unwrap());
    let new_rel_path = train_dir.join("model-0");
    update_checkpoint_state(&train_dir, &StateUpdate::new(&new_rel_path)).unwrap();
    let text = std::fs::read_to_string(train_dir.join("checkpoint")).unwrap();
    assert_eq!(text, "model_checkpoint_path: \"model-0\"\nall_model_checkpoint_paths: \"model-0\"\n");
}

/// CheckpointStateTest.testAllModelCheckpointPaths
#[test]
fn test_all_model_checkpoint_paths() {
    let w = World::new();
    let abs_path = w.path("model-0");
    for paths in [vec![], vec!["model-2"]] {
        update_checkpoint_state(w.directory(), &StateUpdate::new(&abs_path).all(&paths)).unwrap();
        let state = get_checkpoint_state(w.directory()).unwrap().unwrap();
        assert_eq!(state.latest, abs_path);
        assert!(state.all.last().unwrap().is_absolute());
        assert_eq!(state.all.len(), paths.len() + 1);
        assert_eq!(state.all.last(), Some(&abs_path));
    }
}

/// CheckpointStateTest.testUpdateCheckpointState
#[test]
fn test_update_checkpoint_state() {
    let w = World::new();
    let scratch = tempfile::tempdir_in(".").unwrap();
    let train_dir = PathBuf::from(scratch.path().file_name().unwrap());
    let (abs_path, rel_path) = (w.path("model-0"), train_dir.join("model-2"));
    update_checkpoint_state(&train_dir, &StateUpdate::new(&rel_path).all([&abs_path, &rel_path])).unwrap();
    let state = get_checkpoint_state(&train_dir).unwrap().unwrap();
    assert_eq!(state.latest, rel_path);
    assert_eq!(state.all, [abs_path, rel_path]);
}

/// CheckpointStateTest.testUpdateCheckpointStateSaveRelativePaths
#[test]
fn test_update_checkpoint_state_save_relative_paths() {
    let w = World::new();
    let (abs_path2, rel_path0) = (w.path("model-2"), PathBuf::from("model-0"));
    update_checkpoint_state(w.directory(), &StateUpdate::new(&abs_path2).all([&rel_path0, &abs_path2])).unwrap();
    let text = std::fs::read_to_string(w.path("checkpoint")).unwrap();
    assert_eq!(
        text,
        "model_checkpoint_path: \"model-2\"\nall_model_checkpoint_paths: \"model-0\"\nall_model_checkpoint_paths: \"model-2\"\n"
    );
    let state = get_checkpoint_state(w.directory()).unwrap().unwrap();
    assert_eq!(state.latest, abs_path2);
    assert_eq!(state.all, [w.path("model-0"), abs_path2]);
}

/// CheckpointStateTest.testCheckPointStateFailsWhenIncomplete
#[test]
fn test_check_point_state_fails_when_incomplete() {
    let w = World::new();
    std::fs::write(w.path("checkpoint"), "").unwrap();
    is(&get_checkpoint_state(w.directory()).unwrap_err(), Code::DataLoss, Reason::NoCheckpoint);
    let checkpoint = w.checkpoint(&[]);
    is(&Manager::open(&checkpoint, w.directory(), &options()).unwrap_err(), Code::DataLoss, Reason::NoCheckpoint);
}

/// CheckpointStateTest.testCheckPointCompletesRelativePaths
#[test]
fn test_check_point_completes_relative_paths() {
    let w = World::new();
    let text = "
          model_checkpoint_path: \"./model.ckpt-687529\"
          all_model_checkpoint_paths: \"./model.ckpt-687500\"
          all_model_checkpoint_paths: \"./model.ckpt-687529\"
    ";
    std::fs::write(w.path("checkpoint"), text).unwrap();
    let state = get_checkpoint_state(w.directory()).unwrap().unwrap();
    let path = |name: &str| format!("{}/./{name}", w.directory().display());
    assert_eq!(state.latest.to_str().unwrap(), path("model.ckpt-687529"));
    let all: Vec<&str> = state.all.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(all, [path("model.ckpt-687500"), path("model.ckpt-687529")]);
}

/// V1 and V2, each in one file and in two: the prefix of each, not written yet, and what writes it.
fn savers(w: &World) -> Vec<(PathBuf, Box<dyn Fn() + '_>)> {
    let v2 = |name: &'static str, shards: u32| -> Box<dyn Fn() + '_> {
        let options = checkpoint::WriteOptions::new().shards(shards);
        Box::new(move || {
            let checkpoint = w.checkpoint(&[("v", w.variable(1f32))]);
            checkpoint.write(w.path(name), &checkpoint::SaveOptions::new().write(options.clone())).unwrap();
        })
    };
    let v1 = |names: &'static [&'static str]| -> Box<dyn Fn() + '_> {
        let mut file = v1::File::new();
        file.tensor("v", dtypes::INT32, &[], v1::values(dtypes::INT32, &7i32.to_le_bytes()));
        let bytes = file.bytes();
        Box::new(move || names.iter().for_each(|name| std::fs::write(w.path(name), &bytes).unwrap()))
    };
    vec![
        (w.path("v2"), v2("v2", 1)),
        (w.path("v2-sharded"), v2("v2-sharded", 2)),
        (w.path("v1"), v1(&["v1"])),
        (w.path("v1-sharded-?????-of-00002"), v1(&["v1-sharded-00000-of-00002", "v1-sharded-00001-of-00002"])),
    ]
}

/// SaverUtilsTest.testCheckpointExists
#[test]
fn test_checkpoint_exists() {
    let w = World::new();
    for (prefix, write) in savers(&w) {
        assert!(!exists(&prefix), "{}", prefix.display());
        write();
        assert!(exists(&prefix), "{}", prefix.display());
        update_checkpoint_state(w.directory(), &StateUpdate::new(&prefix)).unwrap();
        assert!(exists(latest_checkpoint(w.directory()).unwrap().unwrap()), "{}", prefix.display());
    }
}

/// SaverUtilsTest.testGetCheckpointMtimes
#[test]
fn test_get_checkpoint_mtimes() {
    let w = World::new();
    let prefixes: Vec<PathBuf> = savers(&w)
        .into_iter()
        .map(|(prefix, write)| {
            write();
            prefix
        })
        .collect();
    for pair in prefixes.windows(2) {
        let mtimes = checkpoint_mtimes(pair).unwrap();
        assert_eq!(mtimes.len(), 2);
        assert!(mtimes[1] >= mtimes[0]);
    }
}

/// SaverUtilsTest.testRemoveCheckpoint
#[test]
fn test_remove_checkpoint() {
    let w = World::new();
    for (prefix, write) in savers(&w) {
        write();
        assert!(exists(&prefix));
        remove_checkpoint(&prefix).unwrap();
        assert!(!exists(&prefix));
        assert_eq!(w.files(), [""; 0]);
    }
}

/// CheckpointManagerTest.testDeletion
#[test]
fn test_deletion() {
    let w = World::new();
    let manager = manage(&w.checkpoint(&[]), w.directory(), &keep(3));
    let paths: Vec<PathBuf> = (0..4).map(|_| save(&manager)).collect();
    assert_eq!([0, 1, 2, 3].map(|i| exists(&paths[i])), [false, true, true, true]);
}

/// CheckpointManagerTest.testKeepAll
#[test]
fn test_keep_all() {
    let w = World::new();
    let checkpoint = w.checkpoint(&[]);
    let directory = w.path("dir");
    let manager = manage(&checkpoint, &directory, &options());
    let mut paths: Vec<PathBuf> = (0..4).map(|_| save(&manager)).collect();
    assert!(paths.iter().all(exists));
    assert_eq!(manager.checkpoints(), paths);
    drop(manager);
    let manager = manage(&checkpoint, &directory, &options());
    paths.push(save(&manager));
    assert_eq!(manager.checkpoints(), paths);
    drop(manager);
    let manager = manage(&checkpoint, &directory, &keep(3));
    assert_eq!(manager.checkpoints(), paths);
    assert!(paths.iter().all(exists));
    paths.push(save(&manager));
    assert_eq!(manager.checkpoints(), paths[3..]);
    assert_eq!([0, 1, 2, 3, 4, 5].map(|i| exists(&paths[i])), [false, false, false, true, true, true]);
}

/// CheckpointManagerTest.testSaveRestoreState
#[test]
fn test_save_restore_state() {
    let w = World::new();
    let checkpoint = w.checkpoint(&[]);
    let directory = w.directory();
    let names = [1, 2, 3, 4, 5, 6].map(|n| w.path(&format!("ckpt-{n}")));
    let name = |n: usize| &names[n - 1];
    let time = Time::at(3.0);
    let first_manager = manage(&checkpoint, directory, &keep(2).clock(time.clone()));
    let first_time = 10000.0;
    time.set(first_time);
    save(&first_manager);
    let second_time = first_time + 3610.0;
    time.set(second_time);
    save(&first_manager);
    let state = get_checkpoint_state(directory).unwrap().unwrap();
    assert_eq!(state.timestamps, [first_time, second_time]);
    assert_eq!(first_manager.checkpoints(), names[..2]);
    assert_eq!(first_manager.latest_checkpoint().as_ref(), Some(name(2)));
    drop(first_manager);

    let options = keep(2).keep_checkpoint_every_n_hours(1.5).clock(time.clone());
    let second_manager = manage(&checkpoint, directory, &options);
    assert_eq!(second_manager.checkpoints(), names[..2]);
    assert_eq!(second_manager.latest_checkpoint().as_ref(), Some(name(2)));
    let third_time = second_time + 3600.0 * 0.2;
    time.set(third_time);
    save(&second_manager);
    assert!(exists(name(1)) && exists(name(2)));
    assert_eq!(second_manager.checkpoints(), names[1..3]);
    assert_eq!(get_checkpoint_state(directory).unwrap().unwrap().last_preserved, Some(first_time));
    let fourth_time = third_time + 3600.0 * 0.5;
    time.set(fourth_time);
    save(&second_manager);
    assert!(exists(name(1)) && !exists(name(2)));
    assert_eq!(second_manager.checkpoints(), names[2..4]);
    time.set(fourth_time + 3600.0 * 0.5);
    save(&second_manager);
    assert_eq!(second_manager.checkpoints(), names[3..5]);
    assert_eq!(get_checkpoint_state(directory).unwrap().unwrap().last_preserved, Some(first_time));
    drop(second_manager);

    let third_manager = manage(&checkpoint, directory, &options);
    assert_eq!(third_manager.latest_checkpoint().as_ref(), Some(name(5)));
    time.add(10.0);
    save(&third_manager);
    assert_eq!(get_checkpoint_state(directory).unwrap().unwrap().last_preserved, Some(fourth_time));
    assert_eq!([1, 2, 3, 4, 5, 6].map(|n| exists(name(n))), [true, false, false, true, true, true]);
    assert_eq!(third_manager.checkpoints(), names[4..]);
}

/// CheckpointManagerTest.testContinueFromUnmanaged
#[test]
fn test_continue_from_unmanaged() {
    let w = World::new();
    let checkpoint = w.checkpoint(&[]);
    let unmanaged = [0; 2].map(|_| w.save(&checkpoint, "unusual_prefix"));
    drop(checkpoint);
    let checkpoint = w.checkpoint(&[]);
    let manager = manage(&checkpoint, w.directory(), &keep(2));
    restore(&checkpoint, manager.latest_checkpoint().unwrap());
    assert_eq!(checkpoint.save_count().unwrap(), 2);
    let third_path = save(&manager);
    assert_eq!(manager.checkpoints(), [third_path.as_path()]);
    let fourth_path = save(&manager);
    assert_eq!(manager.checkpoints(), [&*third_path, &*fourth_path]);
    let fifth_path = save(&manager);
    assert_eq!(manager.checkpoints(), [fourth_path, fifth_path]);
    assert!(unmanaged.iter().all(exists));
    assert!(!exists(third_path));
}

/// CheckpointManagerTest.testClockReset
#[test]
fn test_clock_reset() {
    let w = World::new();
    let checkpoint = w.checkpoint(&[]);
    let time = Time::at(10000.0);
    let hourly = keep(1).keep_checkpoint_every_n_hours(1.0).clock(time.clone());
    let first_manager = manage(&checkpoint, w.directory(), &hourly);
    let first_path = save(&first_manager);
    time.add(3600.0);
    let second_path = save(&first_manager);
    time.add(3600.0);
    let third_path = save(&first_manager);
    assert!(!exists(first_path) && exists(&second_path));
    assert_eq!(first_manager.checkpoints(), [third_path.as_path()]);
    assert_eq!(get_checkpoint_state(w.directory()).unwrap().unwrap().last_preserved, Some(13600.0));
    // The clock is set back: rather too many checkpoints are kept than too few.
    time.set(5000.0);
    drop(first_manager);
    let second_manager = manage(&checkpoint, w.directory(), &keep(1).clock(time.clone()).log_to(w.log()));
    says(&w.warnings(), &["behind the last preserved checkpoint timestamp"]);
    assert!(exists(&second_path));
    assert_eq!(second_manager.latest_checkpoint().as_ref(), Some(&third_path));
    assert_eq!(second_manager.checkpoints(), [""; 0].map(PathBuf::from));
    time.add(10.0);
    let fourth_path = save(&second_manager);
    assert!(exists(&second_path) && exists(&third_path));
    assert_eq!(second_manager.latest_checkpoint().as_ref(), Some(&fourth_path));
    assert_eq!(second_manager.checkpoints(), [fourth_path]);
    time.add(10.0);
    let fifth_path = save(&second_manager);
    assert!(exists(second_path) && exists(third_path));
    assert_eq!(second_manager.checkpoints(), [fifth_path]);
    let state = get_checkpoint_state(w.directory()).unwrap().unwrap();
    assert_eq!((state.last_preserved, state.timestamps), (Some(5000.0), vec![5020.0]));
}

/// CheckpointManagerTest.testCustomNumbering
#[test]
fn test_custom_numbering() {
    let w = World::new();
    let step = w.variable(0i64);
    let checkpoint = w.checkpoint(&[("step", step)]);
    let manager = manage(&checkpoint, w.directory(), &keep(2));
    let mut path = PathBuf::new();
    for i in 0..5 {
        path = manager.save(&saving().number_of(step)).unwrap().unwrap();
        assert_eq!(path, w.path(&format!("ckpt-{}", 2 * i)));
        w.holds::<i64>(step, 2 * i);
        w.assign::<i64>(step, 2 * (i + 1));
    }
    assert_eq!(checkpoint.save_count().unwrap(), 5);
    let last_path = manager.save(&saving().number(32)).unwrap().unwrap();
    assert_eq!(last_path, w.path("ckpt-32"));
    assert_eq!(manager.latest_checkpoint().as_ref(), Some(&last_path));
    assert_eq!(latest_checkpoint(w.directory()).unwrap().as_ref(), Some(&last_path));
    assert_eq!(get_checkpoint_state(w.directory()).unwrap().unwrap().all, [path, last_path]);
}

/// CheckpointManagerTest.testCustomCheckpointPrefix
#[test]
fn test_custom_checkpoint_prefix() {
    let w = World::new();
    let checkpoint = w.checkpoint(&[]);
    let manager = manage(&checkpoint, w.directory(), &keep(2).checkpoint_name("ckpt_name"));
    assert_eq!(manager.save(&saving().number(5)).unwrap(), Some(w.path("ckpt_name-5")));
    drop(manager); // one manager at a time, unlike TensorFlow
    let manager = manage(&checkpoint, w.directory(), &keep(2));
    assert_eq!(manager.save(&saving().number(5)).unwrap(), Some(w.path("ckpt-5")));
}

/// CheckpointManagerTest.testRestoreOrInitialize
#[test]
fn test_restore_or_initialize() {
    let w = World::new();
    let init_path = w.save(&w.checkpoint(&[("v", w.variable(2f32))]), "init");
    let v = w.variable(1f32);
    let checkpoint = w.checkpoint(&[("v", v)]);
    let calls = Arc::new(Mutex::new(0));
    let (counted, initialized) = (calls.clone(), checkpoint.clone());
    let init = Arc::new(move || {
        *counted.lock().unwrap() += 1;
        initialized.restore(&init_path, &RestoreOptions::new())?.assert_consumed()?;
        Ok(())
    });
    let manager = manage(&checkpoint, w.path("ckpt"), &options().init(init));
    let resumed = manager.restore_or_initialize(&ResumeOptions::new()).unwrap();
    assert!(resumed.path.is_none() && resumed.status.is_none());
    w.holds(v, 2f32);
    w.assign(v, 3f32);
    let path = save(&manager);
    w.assign(v, 4f32);
    let resumed = manager.restore_or_initialize(&ResumeOptions::new()).unwrap();
    assert_eq!(resumed.path, Some(path));
    resumed.status.unwrap().consumed();
    w.holds(v, 3f32);
    assert_eq!(*calls.lock().unwrap(), 1);
}

/// CheckpointManagerTest.testCheckpointManagerFSpathDirectory, testLatestCheckpointFSpathDirectory:
/// what is returned is the directory joined with the name.
#[test]
fn test_checkpoint_manager_fspath_directory() {
    let w = World::new();
    let directory = format!("{}//dir/.", w.directory().display());
    let checkpoint = w.checkpoint(&[("v", w.variable(0f32))]);
    let manager = manage(&checkpoint, &directory, &keep(2).checkpoint_name("ckpt_name"));
    let path = save(&manager);
    assert_eq!(path.to_str().unwrap(), format!("{directory}/ckpt_name-1"));
    assert_eq!(manager.latest_checkpoint().unwrap().to_str(), path.to_str());
    assert_eq!(latest_checkpoint(&directory).unwrap().unwrap().to_str(), path.to_str());
    restore(&checkpoint, path).consumed();
}

/// A manager that saves every 2 steps, its counter, and what tells whether it saved.
fn every_2_steps(w: &World, options: ManagerOptions) -> (Manager, NodeId, impl Fn(i64, bool) -> bool + '_) {
    let step_counter = w.variable(0i64);
    let checkpoint = w.checkpoint(&[("v", w.variable(1f32))]);
    let manager = manage(&checkpoint, w.directory(), &options.step_counter(step_counter).checkpoint_interval(2));
    let saves = manager.clone();
    let at = move |step: i64, check: bool| {
        w.assign(step_counter, step);
        saves.save(&saving().check_interval(check)).unwrap().is_some()
    };
    (manager, step_counter, at)
}

/// CheckpointManagerTest.testCheckpointInterval
#[test]
fn test_checkpoint_interval() {
    let w = World::new();
    let (manager, _, at) = every_2_steps(&w, options());
    let steps = [(0, true), (1, true), (2, true), (2, true), (3, true), (3, false), (3, false)];
    assert_eq!(steps.map(|(step, check)| at(step, check)), [true, false, true, false, false, true, false]);
    // What is not saved is not counted.
    assert_eq!(manager.checkpoint().save_count().unwrap(), 3);
    assert_eq!(manager.checkpoint_interval(), Some(2));
}

/// CheckpointManagerTest.testCheckpointIntervalWithLastCheckpointStep
#[test]
fn test_checkpoint_interval_with_last_checkpoint_step() {
    let w = World::new();
    let (_, _, at) = every_2_steps(&w, options().last_checkpoint_step(1));
    assert_eq!([1, 2, 3].map(|step| at(step, true)), [false, false, true]);
}

/// CheckpointManagerTest.testCheckpointIntervalWithRestore
#[test]
fn test_checkpoint_interval_with_restore() {
    let w = World::new();
    let step_counter = w.variable(0i64);
    let checkpoint = w.checkpoint(&[("step", step_counter)]);
    let by_steps = options().step_counter(step_counter).checkpoint_interval(2);
    let manager = manage(&checkpoint, w.directory(), &by_steps);
    assert!(manager.save(&saving()).unwrap().is_some());
    drop(manager); // one manager at a time, unlike TensorFlow
    for (resumes, saves) in [(false, true), (true, false)] {
        let manager = manage(&checkpoint, w.directory(), &by_steps);
        if resumes {
            assert!(manager.restore_or_initialize(&ResumeOptions::new()).unwrap().path.is_some());
        }
        assert_eq!(manager.save(&saving()).unwrap().is_some(), saves, "resumed: {resumes}");
    }
}

/// checkpoint_test.py: CheckpointingTests.testCallbackWithManager, sync
#[test]
fn test_callback_with_manager() {
    let w = World::new();
    let checkpoint = w.checkpoint(&[("v", w.variable(1f32))]);
    let called = Arc::new(Mutex::new(Vec::new()));
    let callback = |name: &'static str| -> WriteCallback {
        let called = called.clone();
        Arc::new(move |path: &Path| {
            called.lock().unwrap().push((name, path.to_owned()));
            Ok(())
        })
    };
    let manager = manage(&checkpoint, w.directory(), &keep(1));
    let saving = saving().save(unsynced().callback(callback("first")).callback(callback("second")));
    for number in 1..=2 {
        let path = manager.save(&saving).unwrap().unwrap();
        assert_eq!(path, w.path(&format!("ckpt-{number}")));
        // The caller's options are as they were: nothing of the manager's is among the callbacks.
        assert_eq!(std::mem::take(&mut *called.lock().unwrap()), [("first", path.clone()), ("second", path.clone())]);
        assert_eq!(manager.latest_checkpoint(), Some(path));
    }
}

/// tracking_util_test.py: CheckpointingTests.testAgnosticUsage
#[test]
fn test_agnostic_usage() {
    let w = World::new();
    for continuation in 1..=3 {
        let mut model = Model::new(&w);
        let mut optimizer = Adam::new(&w);
        let root = w.checkpoint(&[("optimizer", optimizer.node), ("model", model.node)]);
        let manager = manage(&root, w.directory(), &keep(1));
        let status = manager.restore_or_initialize(&ResumeOptions::new()).unwrap().status;
        for _ in 0..10 {
            let variables = model.build(&w, "my_model");
            optimizer.step(&w, &variables);
        }
        if continuation > 1 {
            status.unwrap().consumed();
        }
        save(&manager);
        let iterations = optimizer.iterations(&w);
        w.holds(iterations, 10 * continuation);
        assert_eq!(root.save_count().unwrap(), continuation);
        assert_eq!(w.files().iter().filter(|name| name.ends_with(".index")).count(), 1);
    }
}

/// The constructor's checks, which TensorFlow has no tests of.
#[test]
fn constructor_arguments_are_checked() {
    let w = World::new();
    let checkpoint = w.checkpoint(&[]);
    for (options, text) in [
        (keep(0), "Expected a positive integer or `None` for `max_to_keep`, got 0."),
        (keep(-3), "Expected a positive integer or `None` for `max_to_keep`, got -3."),
        (options().checkpoint_interval(2), "`step_counter` should be passed if `checkpoint_interval` is not None."),
    ] {
        let error = Manager::open(&checkpoint, w.directory(), &options).unwrap_err();
        is(&error, Code::InvalidArgument, Reason::Argument);
        says(&error.to_string(), &[text]);
    }
}

/// checkpoint_utils_test.py: WaitForNewCheckpointTest.testReturnsNoneAfterTimeout
#[test]
fn test_returns_none_after_timeout() {
    let time = Time::at(0.0);
    let options = WaitOptions::new().timeout(1.0).poll_interval(0.5).clock(time.clone());
    assert_eq!(wait_for_new_checkpoint("/non_existent_dir", Some(Path::new("foo")), &options).unwrap(), None);
    // Within the time, and not at once.
    assert_eq!(time.now(), 1.0);
}
