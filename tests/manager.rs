//! The manager beyond TensorFlow's own tests: what it removes and never removes, holds, metrics, resuming from what is whole.

mod common;

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    checkpoint_exists, collect_checkpoints, get_checkpoint_state, latest_checkpoint, latest_valid, repair_checkpoint_state,
    Better, Checkpoint, Clock, Code, DType, Durability, Error, GcOptions, Graph, Manager, ManagerOptions, ManagerSaveOptions,
    NodeId, Pin, Reason, RestoreOptions, ResumeOptions, SaveOptions, Variable, VerifyOptions, WriteOptions,
};
use common::rng::Rng;
use tempfile::{tempdir, TempDir};

/// A program with one variable, in a directory.
struct Program {
    checkpoint: Checkpoint,
    value: NodeId,
}

impl Program {
    fn new() -> Program {
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let value = graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap();
        graph.track(root, "value", value).unwrap();
        Program { checkpoint: Checkpoint::new(&graph, root).unwrap(), value }
    }

    fn graph(&self) -> &Graph {
        self.checkpoint.graph()
    }

    fn set(&self, value: i64) {
        self.graph().assign(self.value, DType::Int64, &[], &value.to_ne_bytes()).unwrap();
    }

    fn get(&self) -> i64 {
        self.graph().read_integer(self.value).unwrap()
    }

    fn manage(&self, directory: impl AsRef<Path>, options: &ManagerOptions) -> Manager {
        Manager::open(&self.checkpoint, directory, options).unwrap()
    }
}

fn keep(count: i64) -> ManagerOptions {
    ManagerOptions::new().max_to_keep(count)
}

fn saving() -> ManagerSaveOptions {
    ManagerSaveOptions::new().save(unsynced())
}

fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None))
}

#[track_caller]
fn save(manager: &Manager) -> PathBuf {
    manager.save(&saving()).unwrap().expect("nothing was saved")
}

#[track_caller]
fn save_with(manager: &Manager, metric: f64) -> PathBuf {
    manager.save(&saving().metric(metric)).unwrap().unwrap()
}

fn resume(manager: &Manager) -> checkpoint::Resumed {
    manager.restore_or_initialize(&ResumeOptions::new()).unwrap()
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// The checkpoints that are in a directory, by their indexes.
fn checkpoints_in(directory: &Path) -> Vec<String> {
    names_in(directory).iter().filter_map(|name| name.strip_suffix(".index").map(str::to_owned)).collect()
}

fn files_of(name: &str) -> [String; 2] {
    [format!("{name}.data-00000-of-00001"), format!("{name}.index")]
}

fn state(directory: &Path, text: &str) {
    std::fs::write(directory.join("checkpoint"), text).unwrap();
}

fn text_in(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("checkpoint")).unwrap()
}

/// Flips a byte of a checkpoint's data.
fn damage(prefix: &Path) {
    let path = PathBuf::from(format!("{}.data-00000-of-00001", prefix.display()));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[0] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn log_to(lines: &Arc<Mutex<Vec<String>>>) -> checkpoint::Log {
    let lines = lines.clone();
    Arc::new(move |severity, text| lines.lock().unwrap().push(format!("{severity:?}: {text}")))
}

// ---- opening

#[test]
fn opening_changes_nothing() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path().join("run");
    let program = Program::new();
    let manager = program.manage(&directory, &keep(1));
    assert_eq!((manager.latest_checkpoint(), manager.checkpoints()), (None, vec![]));
    assert!(!directory.exists());
    (0..3).for_each(|_| drop(save(&program.manage(&directory, &keep(5)))));
    let before = names_in(&directory);
    let evaluator = Program::new().manage(&directory, &keep(1));
    assert_eq!((evaluator.checkpoints().len(), names_in(&directory)), (3, before));
}

#[test]
fn a_state_file_that_means_nothing_counts_for_none_and_is_reported() {
    for text in ["nonsense", "model_checkpoint_path: \"a\" metric: 1", "\0"] {
        let scratch = tempdir().unwrap();
        state(scratch.path(), text);
        let lines = Arc::default();
        let program = Program::new();
        let manager = program.manage(scratch.path(), &keep(1).log_to(log_to(&lines)));
        assert_eq!(manager.latest_checkpoint(), None);
        let lines = lines.lock().unwrap().join("\n");
        assert!(lines.starts_with("Warning: ") && lines.contains("checkpoint"), "{lines}");
        assert_eq!(save(&manager), scratch.path().join("ckpt-1"));
    }
}

#[test]
fn a_state_file_without_a_latest_is_an_error() {
    let scratch = tempdir().unwrap();
    for text in ["", "all_model_checkpoint_paths: \"ckpt-1\"\n"] {
        state(scratch.path(), text);
        let error = Manager::open(&Program::new().checkpoint, scratch.path(), &keep(1)).unwrap_err();
        assert_eq!((error.code(), error.file()), (Code::DataLoss, Some(&*scratch.path().join("checkpoint"))));
    }
}

#[test]
fn impossible_options_are_refused() {
    let program = Program::new();
    for options in [
        keep(0),
        keep(i64::MIN),
        keep(1).keep_checkpoint_every_n_hours(-1.0),
        keep(1).keep_checkpoint_every_n_hours(f64::NAN),
        keep(1).checkpoint_name("a/b"),
        keep(1).checkpoint_interval(2),
    ] {
        let error = Manager::open(&program.checkpoint, "run", &options).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Argument), "{options:?}");
    }
}

// ---- saving

#[test]
fn a_save_that_fails_counts_for_no_step() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(2).checkpoint_interval(2).steps_in_calls(true));
    let refuse = unsynced().progress(Arc::new(|_, _| std::ops::ControlFlow::Break(())));
    let error = manager.save(&ManagerSaveOptions::new().step(4).save(refuse)).unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
    assert_eq!(manager.save(&saving().step(4)).unwrap(), Some(scratch.path().join("ckpt-2")));
    assert_eq!(manager.save(&saving().step(4).check_interval(false)).unwrap(), None);
    assert_eq!(manager.save(&saving().step(5)).unwrap(), None);
    assert_eq!(manager.save(&saving().step(6)).unwrap(), Some(scratch.path().join("ckpt-3")));
    // A step must come from somewhere.
    assert_eq!(manager.save(&saving()).unwrap_err().code(), Code::InvalidArgument);
}

#[test]
fn callbacks_run_before_the_checkpoint_is_recorded() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(2));
    let first = save(&manager);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (heard, asked, directory) = (seen.clone(), manager.clone(), scratch.path().to_owned());
    let callback: checkpoint::WriteCallback = Arc::new(move |path: &Path| {
        let latest = (asked.latest_checkpoint(), latest_checkpoint(&directory)?);
        heard.lock().unwrap().push((path.to_owned(), checkpoint_exists(path)?, latest));
        Ok(())
    });
    let second = manager.save(&ManagerSaveOptions::new().save(unsynced().callback(callback))).unwrap().unwrap();
    assert_eq!(*seen.lock().unwrap(), [(second.clone(), true, (Some(first.clone()), Some(first)))]);
    assert_eq!(manager.latest_checkpoint(), Some(second));
}

#[test]
fn what_a_callback_refuses_is_recorded_by_the_next_save() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(2));
    let first = save(&manager);
    let refuse = || unsynced().callback(Arc::new(|_: &Path| Err("no".into())));
    let error = manager.save(&ManagerSaveOptions::new().save(refuse())).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::Aborted, Reason::Callback));
    assert_eq!((manager.latest_checkpoint(), manager.checkpoints()), (Some(first.clone()), vec![first]));
    let third = save(&manager);
    assert_eq!(manager.checkpoints(), [scratch.path().join("ckpt-2"), third]);
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-2", "ckpt-3"]);
}

/// TensorFlow takes the directory's name for a pattern, and then removes nothing.
#[test]
fn a_directory_of_any_name_is_kept_small() {
    for name in ["a[1]", "a*", "a?", "{a}", "a b\nc"] {
        let scratch = tempdir().unwrap();
        let directory = scratch.path().join(name);
        let program = Program::new();
        let manager = program.manage(&directory, &keep(1).checkpoint_name("c[k]*"));
        (0..3).for_each(|_| drop(save(&manager)));
        assert_eq!(checkpoints_in(&directory), ["c[k]*-3"]);
        assert_eq!(names_in(&directory).len(), 3);
    }
}

#[test]
fn a_number_saved_again_moves_to_the_end() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(3));
    for number in [1, 2, 1, -5, 1] {
        program.set(number);
        manager.save(&saving().number(number)).unwrap();
    }
    assert_eq!(manager.checkpoints(), ["ckpt-2", "ckpt--5", "ckpt-1"].map(|name| scratch.path().join(name)));
    program.checkpoint.restore(scratch.path().join("ckpt--5"), &RestoreOptions::new()).unwrap();
    assert_eq!(program.get(), -5);
}

#[test]
fn a_saves_state_is_read_by_the_next_manager() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let clock: Arc<Steady> = Arc::default();
    for n in 1..=4 {
        let manager = program.manage(scratch.path(), &keep(2).clock(clock.clone()));
        assert_eq!(manager.checkpoints().len(), (n - 1).min(2));
        save(&manager);
    }
    assert_eq!(
        text_in(scratch.path()),
        "model_checkpoint_path: \"ckpt-4\"\nall_model_checkpoint_paths: \"ckpt-3\"\nall_model_checkpoint_paths: \"ckpt-4\"\n\
         all_model_checkpoint_timestamps: 6.0\nall_model_checkpoint_timestamps: 8.0\n"
    );
    assert_eq!(names_in(scratch.path()).len(), 5);
}

/// A second more at each look.
#[derive(Default)]
struct Steady(Mutex<f64>);

impl Clock for Steady {
    fn now(&self) -> f64 {
        let mut now = self.0.lock().unwrap();
        *now += 1.0;
        *now
    }

    fn sleep(&self, _: f64) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn a_save_of_the_checkpoint_itself_works_beside_the_manager() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(2));
    let first = save(&manager);
    let foreign = program.checkpoint.save(scratch.path().join("other"), &unsynced()).unwrap();
    assert_eq!(get_checkpoint_state(scratch.path()).unwrap().unwrap().all, [foreign.as_path()]);
    let third = save(&manager);
    assert_eq!(get_checkpoint_state(scratch.path()).unwrap().unwrap().all, [&*first, &*third]);
    (0..3).for_each(|_| drop(save(&manager)));
    assert!(checkpoint_exists(foreign).unwrap());
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-5", "ckpt-6", "other-2"]);
}

#[test]
fn threads_that_save_with_one_manager_take_turns() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(3));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| drop(save(&manager))));
        }
    });
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-38", "ckpt-39", "ckpt-40"]);
    assert_eq!(manager.checkpoints().len(), 3);
}

// ---- resuming

#[test]
fn a_latest_that_is_gone_is_an_error_and_not_a_beginning() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    save(&program.manage(scratch.path(), &keep(1)));
    std::fs::remove_file(scratch.path().join("ckpt-1.index")).unwrap();
    let called = Arc::new(Mutex::new(false));
    let calling = called.clone();
    let init = Arc::new(move || {
        *calling.lock().unwrap() = true;
        Ok(())
    });
    let manager = program.manage(scratch.path(), &keep(1).init(init));
    assert_eq!(manager.restore_or_initialize(&ResumeOptions::new()).unwrap_err().code(), Code::NotFound);
    assert!(!*called.lock().unwrap());
}

#[test]
fn an_init_function_that_fails_is_an_error() {
    let scratch = tempdir().unwrap();
    let manager = Program::new().manage(scratch.path(), &keep(1).init(Arc::new(|| Err("no weights".into()))));
    let error = manager.restore_or_initialize(&ResumeOptions::new()).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::Aborted, Reason::Callback));
    assert!(error.to_string().contains("no weights"));
}

#[test]
fn the_count_goes_on_after_resuming_and_begins_anew_without() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(5));
    (0..3).for_each(|_| drop(save(&manager)));
    let next = Program::new();
    let manager = next.manage(scratch.path(), &keep(5));
    assert_eq!(resume(&manager).path, Some(scratch.path().join("ckpt-3")));
    assert_eq!(save(&manager), scratch.path().join("ckpt-4"));
    let manager = Program::new().manage(scratch.path(), &keep(5));
    assert_eq!(save(&manager), scratch.path().join("ckpt-1"));
    let all = ["ckpt-2", "ckpt-3", "ckpt-4", "ckpt-1"].map(|name| scratch.path().join(name));
    assert_eq!(manager.checkpoints(), all);
}

#[test]
fn a_moved_directory_is_managed_on() {
    let scratch = tempdir().unwrap();
    let (before, after) = (scratch.path().join("before"), scratch.path().join("after"));
    let program = Program::new();
    let manager = program.manage(&before, &keep(2));
    program.set(7);
    (0..2).for_each(|_| drop(save(&manager)));
    drop(manager);
    std::fs::rename(&before, &after).unwrap();
    let program = Program::new();
    let manager = program.manage(&after, &keep(2));
    assert_eq!(resume(&manager).path, Some(after.join("ckpt-2")));
    assert_eq!(program.get(), 7);
    save(&manager);
    assert_eq!(checkpoints_in(&after), ["ckpt-2", "ckpt-3"]);
}

/// A Saver of TensorFlow 1 writes absolute paths.
#[test]
fn the_latest_of_a_moved_directory_with_absolute_paths_is_found() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    program.checkpoint.write(scratch.path().join("model-5"), &unsynced()).unwrap();
    state(scratch.path(), "model_checkpoint_path: \"/somewhere/else/model-5\"\n");
    assert_eq!(program.manage(scratch.path(), &keep(1)).latest_checkpoint(), Some(scratch.path().join("model-5")));
}

#[test]
fn the_newest_whole_checkpoint_is_resumed_from() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(5));
    let paths: Vec<PathBuf> = (1..=5)
        .map(|n| {
            program.set(n * 10);
            save(&manager)
        })
        .collect();
    drop(manager);
    damage(&paths[4]);
    std::fs::write(scratch.path().join("ckpt-4.index"), "").unwrap();
    std::fs::remove_file(scratch.path().join("ckpt-3.data-00000-of-00001")).unwrap();
    let lines = Arc::default();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(5).log_to(log_to(&lines)));
    assert_eq!(manager.restore_or_initialize(&ResumeOptions::new()).unwrap_err().code(), Code::DataLoss);
    let resumed = manager.restore_or_initialize(&ResumeOptions::new().latest_valid(true)).unwrap();
    assert_eq!((resumed.path.as_ref(), program.get()), (Some(&paths[1]), 20));
    let broken: Vec<(&Path, Reason)> = resumed.broken.iter().map(|b| (&*b.prefix, b.problem.reason())).collect();
    let expected = [(&*paths[4], Reason::Checksum), (&*paths[3], Reason::Truncated), (&*paths[2], Reason::MissingFile)];
    assert_eq!(broken, expected);
    assert_eq!(lines.lock().unwrap().iter().filter(|line| line.contains("not whole")).count(), 3);
    // The next save takes the place of the first broken one.
    assert_eq!(save(&manager), paths[2]);
    assert_eq!(latest_checkpoint(scratch.path()).unwrap().as_ref(), Some(&paths[2]));
}

#[test]
fn where_nothing_is_whole_nothing_is_initialised() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let called = Arc::new(Mutex::new(0));
    let calling = called.clone();
    let init = Arc::new(move || {
        *calling.lock().unwrap() += 1;
        Ok(())
    });
    let manager = program.manage(scratch.path(), &keep(5).init(init));
    let valid = ResumeOptions::new().latest_valid(true);
    assert_eq!(manager.restore_or_initialize(&valid).unwrap().path, None);
    assert_eq!(*called.lock().unwrap(), 1);
    damage(&save(&manager));
    let error = manager.restore_or_initialize(&valid).unwrap_err();
    assert!(error.to_string().contains("none of the directory's checkpoints is whole"), "{error}");
    assert_eq!(*called.lock().unwrap(), 1);
}

#[test]
fn without_a_state_file_the_newest_is_found_by_its_number() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    for number in [9, 10, 2] {
        program.set(number);
        program.checkpoint.write_numbered(scratch.path().join("ckpt"), number, &unsynced()).unwrap();
    }
    let found = latest_valid(scratch.path(), &VerifyOptions::new(), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!((found.prefix, found.broken.len()), (Some(scratch.path().join("ckpt-10")), 0));
    let manager = program.manage(scratch.path(), &keep(1));
    resume(&manager);
    assert_eq!(program.get(), 2);
    manager.restore_or_initialize(&ResumeOptions::new().latest_valid(true)).unwrap();
    assert_eq!(program.get(), 10);
}

// ---- metrics

#[test]
fn the_best_checkpoints_stay() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let options = keep(1).keep_best(2, Better::Lower);
    for (n, loss) in [0.5, 0.3, 0.4, 0.9, 0.1, 0.8].into_iter().enumerate() {
        // Each time another manager, as after a restart.
        let manager = program.manage(scratch.path(), &options);
        save_with(&manager, loss);
        assert_eq!(manager.checkpoints(), [scratch.path().join(format!("ckpt-{}", n + 1))]);
    }
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-2", "ckpt-5", "ckpt-6"]);
    let manager = program.manage(scratch.path(), &options);
    let best = [("ckpt-5", 0.1), ("ckpt-2", 0.3), ("ckpt-6", 0.8)].map(|(name, loss)| (scratch.path().join(name), loss));
    assert_eq!(manager.best_checkpoints(), best);
    assert!(!text_in(scratch.path()).contains("ckpt-2"));
}

#[test]
fn a_metric_may_be_read_from_the_graph() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1).keep_best(1, Better::Higher));
    let accuracy = Variable::owned(DType::Float, &[], &0.75f32.to_ne_bytes()).unwrap();
    let accuracy = program.graph().add_variable(accuracy).unwrap();
    let double = Variable::owned(DType::Double, &[], &0.5f64.to_ne_bytes()).unwrap();
    let double = program.graph().add_variable(double).unwrap();
    for (node, metric) in [(accuracy, 0.75), (double, 0.5), (program.value, 0.0)] {
        manager.save(&saving().metric_of(node)).unwrap();
        assert!(manager
            .best_checkpoints()
            .iter()
            .any(|(path, value)| Some(path) == manager.latest_checkpoint().as_ref() && *value == metric));
    }
    let root = program.checkpoint.root();
    assert_eq!(manager.save(&saving().metric_of(root)).unwrap_err().code(), Code::InvalidArgument);
}

/// What TensorFlow's manager writes between two of ours: its own list, without the metric that it does not know.
#[test]
fn a_save_by_tensorflow_in_between_loses_nothing_but_its_metric() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let options = keep(2).keep_best(1, Better::Lower);
    let manager = program.manage(scratch.path(), &options);
    for loss in [0.1, 0.5, 0.6] {
        save_with(&manager, loss);
    }
    drop(manager);
    // ckpt-4 is TensorFlow's, which also removed ckpt-2.
    program.checkpoint.write(scratch.path().join("ckpt-4"), &unsynced()).unwrap();
    let text = text_in(scratch.path()).replace("ckpt-3", "ckpt-4").replace("ckpt-2", "ckpt-3");
    let times: Vec<String> =
        get_checkpoint_state(scratch.path()).unwrap().unwrap().timestamps.iter().map(|t| format!("{t:?}")).collect();
    state(
        scratch.path(),
        &text.replace(&times[1], "later").replace(&times[0], &times[1]).replace("later", &format!("{}.5", u32::MAX)),
    );
    files_of("ckpt-2").map(|name| std::fs::remove_file(scratch.path().join(name)).unwrap());
    let manager = program.manage(scratch.path(), &options);
    assert_eq!(manager.checkpoints(), ["ckpt-3", "ckpt-4"].map(|name| scratch.path().join(name)));
    let best = [("ckpt-1", 0.1), ("ckpt-3", 0.6)].map(|(name, loss)| (scratch.path().join(name), loss));
    assert_eq!(manager.best_checkpoints(), best);
    manager.save(&saving().number(5).metric(0.2)).unwrap();
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-4", "ckpt-5"]);
}

#[test]
fn a_file_of_metrics_that_means_nothing_is_reported_and_replaced() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let options = keep(1).keep_best(1, Better::Lower);
    save_with(&program.manage(scratch.path(), &options), 0.5);
    std::fs::write(scratch.path().join("checkpoint.manager"), "nonsense").unwrap();
    let lines = Arc::default();
    let manager = program.manage(scratch.path(), &options.clone().log_to(log_to(&lines)));
    assert!(lines.lock().unwrap()[0].contains("checkpoint.manager"));
    assert_eq!(manager.best_checkpoints(), []);
    let path = save_with(&manager, 0.75);
    assert_eq!(program.manage(scratch.path(), &options).best_checkpoints(), [(path, 0.75)]);
}

#[test]
fn without_metrics_there_is_no_file_for_them() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    (0..3).for_each(|_| drop(save(&manager)));
    let expected: BTreeSet<String> = files_of("ckpt-3").into_iter().chain(["checkpoint".into()]).collect();
    assert_eq!(names_in(scratch.path()), expected);
}

// ---- holds

#[test]
fn who_is_held_stays_until_let_go() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    let first = save(&manager);
    let pin = Pin::new(&first).unwrap();
    assert_eq!(pin.prefix(), first);
    (0..3).for_each(|_| drop(save(&manager)));
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-4"]);
    assert_eq!(manager.checkpoints(), [scratch.path().join("ckpt-4")]);
    // Also over a restart.
    drop(manager);
    let manager = program.manage(scratch.path(), &keep(1));
    save(&manager);
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-5"]);
    drop(pin);
    save(&manager);
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-6"]);
}

#[test]
fn the_latest_can_be_held_while_others_come_and_go() {
    let scratch = tempdir().unwrap();
    assert!(Pin::latest(scratch.path()).unwrap().is_none());
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    save(&manager);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut held = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) || held == 0 {
                let pin = Pin::latest(scratch.path()).unwrap().unwrap();
                let reader = checkpoint::Reader::open(pin.prefix()).unwrap();
                reader.get("value/.ATTRIBUTES/VARIABLE_VALUE").unwrap().read().unwrap();
                held += 1;
            }
            held
        });
        (0..200).for_each(|_| drop(save(&manager)));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    save(&manager);
    assert_eq!(checkpoints_in(scratch.path()).len(), 1);
}

#[test]
fn what_is_not_there_cannot_be_held() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    let first = save(&manager);
    save(&manager);
    for path in [first, scratch.path().join("never-1")] {
        assert_eq!(Pin::new(path).unwrap_err().code(), Code::NotFound);
    }
}

// ---- gc, repair

#[test]
fn gc_removes_what_a_manager_would() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &ManagerOptions::new());
    (0..5).for_each(|_| drop(save(&manager)));
    program.checkpoint.write(scratch.path().join("mine-1"), &unsynced()).unwrap();
    drop(manager);
    let leftover = scratch.path().join("ckpt-9.index.ckpt-tmp-0123456789abcdef");
    std::fs::write(&leftover, "").unwrap();
    let before = names_in(scratch.path());
    let path = |n: i32| scratch.path().join(format!("ckpt-{n}"));
    let dry = collect_checkpoints(scratch.path(), &GcOptions::keep(2).dry_run(true)).unwrap();
    assert_eq!(
        (dry.removed.clone(), dry.kept.clone(), dry.leftovers.clone()),
        ([1, 2, 3].map(path).into(), [4, 5].map(path).into(), vec![leftover])
    );
    assert_eq!(names_in(scratch.path()), before);
    assert_eq!(collect_checkpoints(scratch.path(), &GcOptions::keep(2)).unwrap(), dry);
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-4", "ckpt-5", "mine-1"]);
    assert_eq!(names_in(scratch.path()).len(), 7);
    assert_eq!(program.manage(scratch.path(), &keep(1)).checkpoints(), [4, 5].map(path));
    assert_eq!(collect_checkpoints(scratch.path(), &GcOptions::keep(0)).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(collect_checkpoints(scratch.path().join("no"), &GcOptions::keep(1)).unwrap_err().code(), Code::NotFound);
}

/// The latest of a state file need not be the last that it lists.
#[test]
fn gc_never_removes_the_latest() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(5));
    (0..3).for_each(|_| drop(save(&manager)));
    drop(manager);
    state(scratch.path(), &text_in(scratch.path()).replacen("ckpt-3", "ckpt-1", 1));
    collect_checkpoints(scratch.path(), &GcOptions::keep(1)).unwrap();
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-3"]);
    assert_eq!(latest_checkpoint(scratch.path()).unwrap(), Some(scratch.path().join("ckpt-1")));
}

fn repair(directory: &Path, dry_run: bool) -> Result<checkpoint::Repaired, Error> {
    repair_checkpoint_state(directory, dry_run, &VerifyOptions::new(), &mut |_| std::ops::ControlFlow::Continue(()))
}

#[test]
fn repair_drops_what_is_not_whole_and_keeps_the_rest_managed() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(4));
    (0..4).for_each(|_| drop(save(&manager)));
    drop(manager);
    let path = |n: i32| scratch.path().join(format!("ckpt-{n}"));
    let before = text_in(scratch.path());
    assert!(!repair(scratch.path(), false).unwrap().is_new);
    damage(&path(4));
    damage(&path(2));
    let dry = repair(scratch.path(), true).unwrap();
    assert_eq!(text_in(scratch.path()), before);
    let repaired = repair(scratch.path(), false).unwrap();
    for repaired in [dry, repaired] {
        assert_eq!((repaired.latest, repaired.all, repaired.is_new), (path(3), vec![path(1), path(3)], true));
        assert_eq!(repaired.broken.iter().map(|b| b.prefix.clone()).collect::<Vec<_>>(), [path(4), path(2)]);
    }
    let manager = program.manage(scratch.path(), &keep(4));
    assert_eq!(manager.checkpoints(), [path(1), path(3)]);
    assert_eq!(checkpoints_in(scratch.path()).len(), 4);
}

#[test]
fn a_state_file_is_made_from_what_is_there() {
    for text in [None, Some(""), Some("nonsense")] {
        let scratch = tempdir().unwrap();
        let program = Program::new();
        let manager = program.manage(scratch.path(), &keep(4));
        (0..3).for_each(|_| drop(save(&manager)));
        drop(manager);
        std::fs::remove_file(scratch.path().join("checkpoint")).unwrap();
        if let Some(text) = text {
            state(scratch.path(), text);
        }
        repair(scratch.path(), false).unwrap();
        let manager = program.manage(scratch.path(), &keep(1));
        assert_eq!(manager.latest_checkpoint(), Some(scratch.path().join("ckpt-3")));
        // Which of them were to stay for good, nobody knows.
        assert_eq!(manager.checkpoints(), [""; 0].map(PathBuf::from));
        save(&manager);
        assert_eq!(checkpoints_in(scratch.path()).len(), 4);
    }
}

#[test]
fn where_nothing_is_whole_nothing_is_repaired() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    damage(&save(&program.manage(scratch.path(), &keep(4))));
    let before = text_in(scratch.path());
    assert_eq!(repair(scratch.path(), false).unwrap_err().code(), Code::NotFound);
    assert_eq!(text_in(scratch.path()), before);
    assert_eq!(repair(&scratch.path().join("no"), true).unwrap_err().code(), Code::NotFound);
}

// ---- P11

/// A directory with everything that a careless manager could remove, and beside it directories that it could reach.
struct Model {
    scratch: TempDir,
}

impl Model {
    const RUN: &str = "outer/run";
    /// Checkpoints of the manager's directory that are its own if the state file lists them.
    const OWN: [&str; 5] = ["ckpt-1", "ckpt-2", "ckpt-3", "x-1", "c[k]*-7"];

    fn new() -> Model {
        let scratch = tempdir().unwrap();
        for directory in ["outer/run/sub", "outer/other", "elsewhere"] {
            std::fs::create_dir_all(scratch.path().join(directory)).unwrap();
        }
        let model = Model { scratch };
        symlink(model.path("elsewhere"), model.path("outer/run/link")).unwrap();
        symlink(model.path("elsewhere/ckpt-1.index"), model.path("outer/run/linked-1.index")).unwrap();
        symlink(model.path("elsewhere/ckpt-1.data-00000-of-00001"), model.path("outer/run/linked-1.data-00000-of-00001"))
            .unwrap();
        std::fs::create_dir(model.path("outer/run/directory-1.index")).unwrap();
        model
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Puts back what was removed.
    fn fill(&self) {
        let checkpoints = Self::OWN.map(|name| format!("{}/{name}", Self::RUN)).into_iter().chain(
            [
                "outer/run/model",
                "outer/run/sub/ckpt-1",
                "outer/ckpt-1",
                "outer/other/ckpt-1",
                "elsewhere/ckpt-1",
                "outer/run/ck",
                "outer/run/ckpt",
            ]
            .map(str::to_owned),
        );
        for prefix in checkpoints {
            for suffix in [".index", ".data-00000-of-00001", ".data-000000-of-000001x", ".meta", "", ".index.bak"] {
                let path = self.path(&format!("{prefix}{suffix}"));
                if !path.exists() {
                    std::fs::write(path, "content").unwrap();
                }
            }
        }
    }

    /// Every file, with what it holds.
    fn files(&self) -> BTreeSet<(PathBuf, Vec<u8>)> {
        let mut files = BTreeSet::new();
        let mut pending = vec![self.scratch.path().to_owned()];
        while let Some(directory) = pending.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let kind = path.symlink_metadata().unwrap().file_type();
                match kind.is_dir() {
                    true => pending.push(path),
                    false if kind.is_symlink() => {
                        let target = std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
                        files.insert((path, target));
                    }
                    false => {
                        let content = std::fs::read(&path).unwrap();
                        files.insert((path, content));
                    }
                }
            }
        }
        files
    }

    /// A path as a hostile state file may have it.
    fn random_path(&self, rng: &mut Rng) -> String {
        let own = Self::OWN[rng.below(5) as usize];
        let absolute = self.path("elsewhere/ckpt-1").display().to_string();
        let inside = self.path(&format!("{}/{own}", Self::RUN)).display().to_string();
        let odd = [
            "",
            "/",
            ".",
            "..",
            "../ckpt-1",
            "../other/ckpt-1",
            "sub/ckpt-1",
            "sub/../ckpt-1",
            "./ckpt-1",
            "link/ckpt-1",
            "linked-1",
            "linked-2",
            "directory-1",
            "model",
            "ckpt",
            "ck*",
            "*",
            "ckpt-?",
            "ckpt-[12]",
            "{ckpt-1,ckpt-2}",
            "ckpt-1/",
            "ckpt-1.index",
            "ckpt-",
            "-1",
            "checkpoint",
            "ckpt-1\\000",
            "ckpt-1\\n",
            "\\377-1",
            "ckpt-1.meta",
            "~/ckpt-1",
            "ckpt-+1",
            "ckpt-1 ",
            "//ckpt-1",
            "../run/ckpt-1",
            "sub//../ckpt-2",
        ];
        match rng.below(8) {
            0..=2 => own.to_owned(),
            3 => absolute,
            4 => inside,
            _ => odd[rng.below(odd.len() as u64) as usize].to_owned(),
        }
    }

    fn random_state(&self, rng: &mut Rng, names: &[&str; 4]) -> String {
        let mut text = String::new();
        let count = rng.below(7);
        for _ in 0..count {
            text.push_str(&format!("{}: \"{}\"\n", names[0], self.random_path(rng)));
        }
        let times = if rng.below(4) == 0 { rng.below(8) } else { count };
        let odd = ["nan", "inf", "-inf", "-1", "0", "1e300", "5e-324"];
        for i in 0..times {
            let time = if rng.below(6) == 0 { odd[rng.below(7) as usize].to_owned() } else { format!("{}.5", 1000 + i) };
            text.push_str(&format!("{}: {time}\n", names[1]));
        }
        if rng.below(10) > 0 {
            text.push_str(&format!("{}: \"{}\"\n", names[2], self.random_path(rng)));
        }
        if rng.below(2) == 0 {
            text.push_str(&format!(
                "{}: {}\n",
                names[3],
                ["0.0", "999.0", "1002.0", "nan", "inf", "1e300"][rng.below(6) as usize]
            ));
        }
        text
    }
}

/// P11: whatever the state file and the file of metrics say, what is removed are files of checkpoints `NAME-NUMBER` directly in the directory, which one of the
/// two lists.
#[test]
fn nothing_foreign_is_removed_whatever_the_state_file_says() {
    let rounds: u64 = std::env::var("CKPT_FOREIGN_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let model = Model::new();
    let run = model.path(Model::RUN);
    let mut removals = 0;
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        model.fill();
        let text = model.random_state(
            &mut rng,
            &[
                "all_model_checkpoint_paths",
                "all_model_checkpoint_timestamps",
                "model_checkpoint_path",
                "last_preserved_timestamp",
            ],
        );
        state(&run, &text);
        let records: String = match rng.below(3) {
            0 => (0..rng.below(4))
                .map(|i| {
                    format!(
                        "checkpoint: \"{}\" timestamp: {i} metric: {i} kept: \"while it has a reason\"\n",
                        model.random_path(&mut rng)
                    )
                })
                .collect(),
            _ => String::new(),
        };
        std::fs::write(run.join("checkpoint.manager"), &records).unwrap();
        if rng.below(4) == 0 {
            let base = ["ckpt-1", "model", "linked-1", ""][rng.below(4) as usize];
            std::fs::write(run.join(format!("{base}.index.ckpt-del-0123456789abcdef")), "content").unwrap();
        }
        let before = model.files();
        let clock: Arc<Late> = Arc::new(Late(rng.below(3) as f64 * 1e5));
        let program = Program::new();
        let mut options = keep(1 + rng.below(3) as i64).clock(clock).checkpoint_name("new");
        if rng.below(3) == 0 {
            options = options.keep_best(1, Better::Lower);
        }
        match Manager::open(&program.checkpoint, &run, &options) {
            Ok(manager) => drop((0..1 + rng.below(2)).map(|_| save(&manager)).collect::<Vec<_>>()),
            Err(e) => assert_eq!(e.code(), Code::DataLoss, "seed {seed}: {e}"),
        }
        let _ = collect_checkpoints(&run, &GcOptions::keep(1));
        let after = model.files();
        for (path, _) in before.difference(&after) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let directory = path.parent().unwrap();
            if directory == run && (["checkpoint", "checkpoint.manager"].contains(&name) || name.contains(".ckpt-del-")) {
                continue; // written anew; left by a crash
            }
            let base = name.strip_suffix(".index").or_else(|| name.strip_suffix(".data-00000-of-00001"));
            let is_listed = |base: &str| text.contains(&format!("\"{base}\"")) || records.contains(&format!("\"{base}\""));
            let is_own = directory == run && base.is_some_and(|base| Model::OWN.contains(&base) && is_listed(base));
            assert!(is_own, "seed {seed}: {} was removed; the state file:\n{text}\nthe metrics:\n{records}", path.display());
            removals += 1;
        }
        for name in names_in(&run).iter().filter(|name| name.starts_with("new-")) {
            std::fs::remove_file(run.join(name)).unwrap();
        }
    }
    println!("{rounds} state files, {removals} files removed, none of them foreign");
    assert!(removals > rounds / 2, "the test removes too little to say anything");
}

struct Late(f64);

impl Clock for Late {
    fn now(&self) -> f64 {
        2000.0 + self.0
    }

    fn sleep(&self, _: f64) -> Result<(), Error> {
        Ok(())
    }
}
