//! Paths as a table: how a checkpoint is named, what lies there, and who asks. Everybody who reads
//! a state file understands it alike; restores take a prefix before a directory, readers a
//! directory first.

mod common;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    collect_checkpoints, get_checkpoint_state, latest_checkpoint, latest_valid_checkpoint, repair_checkpoint_state,
    resolve_checkpoint, update_checkpoint_state, verify, wait_for_new_checkpoint, Checkpoint, CheckpointView, CollectOptions,
    DType, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId, Pin, Reader, RepairOptions, RestoreOptions, ResumeOptions,
    SaveOptions, Saver, SaverOptions, StateUpdate, Variable, VerifyOptions, WaitOptions,
};
use common::bundle::i32s;
use common::{dtypes, v1};
use tempfile::tempdir;

/// A program with one variable, which is called `v`.
struct Program {
    graph: Graph,
    checkpoint: Checkpoint,
    value: NodeId,
}

impl Program {
    fn new() -> Program {
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let value = graph.add_variable(Variable::zeros(DType::Int32, &[]).unwrap().name("v")).unwrap();
        graph.track(root, "v", value).unwrap();
        let checkpoint = Checkpoint::new(&graph, root).unwrap();
        Program { graph, checkpoint, value }
    }

    fn holding(value: i32) -> Program {
        let program = Program::new();
        program.graph.assign(program.value, DType::Int32, &[], &value.to_ne_bytes()).unwrap();
        program
    }

    fn get(&self) -> i32 {
        self.graph.read_integer(self.value).unwrap() as i32
    }

    fn saver(&self) -> Saver {
        Saver::of_variables(&self.graph, &[self.value], &SaverOptions::new()).unwrap()
    }
}

fn write(prefix: impl AsRef<Path>, value: i32) {
    Program::holding(value).checkpoint.write(prefix, &SaveOptions::new()).unwrap();
}

fn state(directory: &Path, latest: &str, all: &[&str]) {
    let mut text = format!("model_checkpoint_path: \"{latest}\"\n");
    all.iter().for_each(|path| text.push_str(&format!("all_model_checkpoint_paths: \"{path}\"\n")));
    (0..all.len()).for_each(|time| text.push_str(&format!("all_model_checkpoint_timestamps: {}.5\n", 1000 + time)));
    std::fs::write(directory.join("checkpoint"), text).unwrap();
}

fn go(_: checkpoint::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn value_in(path: impl AsRef<Path>) -> i32 {
    let reader = Reader::open(path).unwrap();
    let key = if reader.contains("v") { "v" } else { "v/.ATTRIBUTES/VARIABLE_VALUE" };
    i32::from_le_bytes(reader.get(key).unwrap().read().unwrap().try_into().unwrap())
}

/// Everybody who is given a directory, with the checkpoint that each finds in it.
fn found_by_all(directory: &Path) -> Vec<(&'static str, Option<PathBuf>)> {
    let options = VerifyOptions::new();
    let program = Program::new();
    let manager = Manager::open(&program.checkpoint, directory, &ManagerOptions::new()).unwrap();
    let resumed = |latest_valid: bool| {
        let manager = Manager::open(&Program::new().checkpoint, directory, &ManagerOptions::new()).unwrap();
        manager.restore_or_initialize(&ResumeOptions::new().latest_valid(latest_valid)).unwrap().path
    };
    vec![
        ("latest_checkpoint", latest_checkpoint(directory).unwrap()),
        ("get_checkpoint_state", get_checkpoint_state(directory).unwrap().map(|state| state.latest)),
        ("Reader::open", Reader::open(directory).ok().map(|reader| reader.prefix().to_owned())),
        ("resolve_checkpoint", resolve_checkpoint(directory).ok().map(|found| found.prefix)),
        ("CheckpointView::open", CheckpointView::open(directory).ok().map(|view| view.prefix().to_owned())),
        ("latest_valid_checkpoint", latest_valid_checkpoint(directory, &options, &mut go).unwrap().prefix),
        (
            "repair",
            repair_checkpoint_state(directory, &RepairOptions::new().dry_run(true), &mut go).ok().map(|repaired| repaired.latest),
        ),
        ("Pin::latest", Pin::latest(directory).unwrap().map(|pin| pin.prefix().to_owned())),
        ("Manager::latest_checkpoint", manager.latest_checkpoint()),
        ("restore_or_initialize", resumed(false)),
        ("restore_or_initialize, valid", resumed(true)),
        ("wait_for_new_checkpoint", wait_for_new_checkpoint(directory, None, &WaitOptions::new().timeout(0.0)).unwrap()),
    ]
}

/// How a state file names `ckpt-3` of its own directory; and whether it lies elsewhere by that
/// name.
const NAMES: [(&str, bool); 12] = [
    ("ckpt-3", false),
    ("./ckpt-3", false),
    ("ckpt-3.index", false),
    ("/home/u/train/run/ckpt-3", true),
    ("/home/u/train/run/ckpt-3.index", true),
    ("data/ckpt-3", true),
    (r"C:\\Users\\u\\run\\ckpt-3", true),
    ("C:/Users/u/run/ckpt-3", true),
    (r"\\\\server\\share\\run\\ckpt-3", true),
    (r"run\\ckpt-3", true),
    // A run that was downloaded. TensorFlow takes a URI for a relative path, and finds nothing.
    ("gs://bucket/run/ckpt-3", true),
    ("s3://bucket/run/ckpt-3", true),
];

#[test]
fn everybody_finds_the_checkpoint_that_a_state_file_names() {
    for (name, is_moved) in NAMES {
        let scratch = tempdir().unwrap();
        let directory = scratch.path();
        (1..=3).for_each(|number| write(directory.join(format!("ckpt-{number}")), number));
        let others = ["ckpt-1", "ckpt-2"].map(|other| name.replace("ckpt-3", other));
        state(directory, name, &[&others[0], &others[1], name]);
        for (who, found) in found_by_all(directory) {
            assert_eq!(found.map(|path| value_in(&path)), Some(3), "{who}, {name}");
        }
        let found = resolve_checkpoint(directory).unwrap();
        assert_eq!((found.is_moved, found.is_ambiguous), (is_moved, false), "{name}");
        assert_eq!(found.entry.unwrap().to_str().unwrap(), name.replace(r"\\", r"\"));
        let all = get_checkpoint_state(directory).unwrap().unwrap().all;
        assert_eq!(all.iter().map(value_in).collect::<Vec<_>>(), [1, 2, 3], "{name}");
    }
}

/// The finding: a run that was moved resumed an older checkpoint, and overwrote the newest.
#[test]
fn a_moved_run_goes_on_where_it_was() {
    for latest_valid in [false, true] {
        let scratch = tempdir().unwrap();
        let directory = scratch.path();
        (1..=3).for_each(|number| write(directory.join(format!("ckpt-{number}")), number));
        state(directory, "/old/run/ckpt-3", &["/old/run/ckpt-1", "/old/run/ckpt-2", "/old/run/ckpt-3"]);
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = lines.clone();
        let options = ManagerOptions::new().max_to_keep(2).log_to(Arc::new(move |_, text| log.lock().unwrap().push(text.into())));
        let program = Program::new();
        let manager = Manager::open(&program.checkpoint, directory, &options).unwrap();
        let resumed = manager.restore_or_initialize(&ResumeOptions::new().latest_valid(latest_valid)).unwrap();
        assert_eq!((resumed.path, program.get()), (Some(directory.join("ckpt-3")), 3));
        // What was written without a save counter is saved over from 1 on, past what is not listed.
        program
            .checkpoint
            .save_counter()
            .and_then(|counter| program.graph.assign(counter, DType::Int64, &[], &3i64.to_ne_bytes()))
            .unwrap();
        assert_eq!(manager.save(&ManagerSaveOptions::new()).unwrap(), Some(directory.join("ckpt-4")));
        assert_eq!(manager.checkpoints(), [directory.join("ckpt-3"), directory.join("ckpt-4")]);
        assert!(!directory.join("ckpt-1.index").exists() && !directory.join("ckpt-2.index").exists());
        let moved = lines.lock().unwrap().iter().filter(|line| line.contains("was moved")).count();
        assert_eq!(moved, 1, "{lines:?}");
        assert!(!std::fs::read_to_string(directory.join("checkpoint")).unwrap().contains("old"));
    }
}

#[test]
fn a_moved_run_is_collected() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    (1..=3).for_each(|number| write(directory.join(format!("ckpt-{number}")), number));
    state(directory, "/old/run/ckpt-3", &["/old/run/ckpt-1", "/old/run/ckpt-2", "/old/run/ckpt-3"]);
    let collected = collect_checkpoints(directory, &CollectOptions::keep(1).dry_run(true)).unwrap();
    assert_eq!(collected.removed, [directory.join("ckpt-1"), directory.join("ckpt-2")]);
    assert!(collected.warnings.iter().any(|warning| warning.contains("was moved")));
}

/// What maintains a directory prefers its own files to those that a copied state file names.
#[test]
fn a_copy_beside_its_original() {
    let scratch = tempdir().unwrap();
    let [original, copy] = ["original", "copy"].map(|name| scratch.path().join(name));
    write(original.join("ckpt-3"), 30);
    write(copy.join("ckpt-3"), 3);
    let absolute = original.join("ckpt-3").display().to_string();
    state(&copy, &absolute, &[&absolute]);
    let options = VerifyOptions::new();
    assert_eq!(latest_checkpoint(&copy).unwrap(), Some(original.join("ckpt-3")), "as TensorFlow");
    assert_eq!(latest_valid_checkpoint(&copy, &options, &mut go).unwrap().prefix, Some(copy.join("ckpt-3")));
    let repaired = repair_checkpoint_state(&copy, &RepairOptions::new(), &mut go).unwrap();
    assert_eq!((repaired.latest, repaired.is_new), (copy.join("ckpt-3"), true));
    assert_eq!(value_in(&copy), 3);
    assert!(collect_checkpoints(&copy, &CollectOptions::keep(1)).unwrap().removed.is_empty());
    assert!(original.join("ckpt-3.index").exists());
}

#[test]
fn repair_writes_names_that_latest_finds() {
    for (name, _) in NAMES {
        let scratch = tempdir().unwrap();
        write(scratch.path().join("ckpt-3"), 3);
        state(scratch.path(), name, &[name]);
        repair_checkpoint_state(scratch.path(), &RepairOptions::new(), &mut go).unwrap();
        let text = std::fs::read_to_string(scratch.path().join("checkpoint")).unwrap();
        let is_plain = text.contains("model_checkpoint_path: \"ckpt-3\"") || name == "./ckpt-3";
        assert!(is_plain, "{name}: {text}");
        assert_eq!(latest_checkpoint(scratch.path()).unwrap().map(value_in), Some(3), "{name}");
    }
}

/// After `save("model")` there is `model-1`; a directory `model-1` has another run.
#[test]
fn restores_take_a_prefix_before_a_directory() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("model-1");
    let program = Program::holding(1);
    program.checkpoint.write(&path, &SaveOptions::new()).unwrap();
    Program::holding(2).checkpoint.save(path.join("ckpt"), &SaveOptions::new()).unwrap();
    let options = RestoreOptions::new();
    for (who, restore) in [
        ("restore", &(|p: &Program| drop(p.checkpoint.restore(&path, &options).unwrap())) as &dyn Fn(&Program)),
        ("read", &|p| drop(p.checkpoint.read(&path, &options).unwrap())),
        ("Saver::restore", &|p| drop(p.saver().restore(&path, &options).unwrap())),
    ] {
        let program = Program::new();
        restore(&program);
        assert_eq!(program.get(), 1, "{who}");
    }
    // A manager that resumes restores the prefix that the state file names.
    state(scratch.path(), "model-1", &["model-1"]);
    let program = Program::new();
    let manager = Manager::open(&program.checkpoint, scratch.path(), &ManagerOptions::new()).unwrap();
    manager.restore_or_initialize(&ResumeOptions::new().latest_valid(true)).unwrap();
    assert_eq!(program.get(), 1);
    // Readers take the directory, as tf.train.load_checkpoint, and say so.
    let reader = Reader::open(&path).unwrap();
    assert_eq!((value_in(&path), reader.prefix()), (2, path.join("ckpt-1").as_path()));
    assert!(reader.resolved().is_ambiguous);
    assert_eq!(verify(&path, &VerifyOptions::new(), &mut go).unwrap().problems.len(), 0);
    assert!(!Reader::open(scratch.path().join("model-1.index")).unwrap().resolved().is_ambiguous);
}

#[test]
fn v1_checkpoints_are_found_without_a_state_file() {
    let scratch = tempdir().unwrap();
    let mut file = v1::File::new();
    file.tensor("v", dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[9])));
    std::fs::write(scratch.path().join("model.ckpt-9"), file.bytes()).unwrap();
    std::fs::write(scratch.path().join("model.ckpt-9.meta"), "a graph").unwrap();
    std::fs::write(scratch.path().join("events.out.tfevents.1700000000.host"), "events").unwrap();
    write(scratch.path().join("model.ckpt-8"), 8);
    let options = VerifyOptions::new();
    let found = latest_valid_checkpoint(scratch.path(), &options, &mut go).unwrap();
    assert_eq!((found.prefix, found.broken.len()), (Some(scratch.path().join("model.ckpt-9")), 0));
    let repaired = repair_checkpoint_state(scratch.path(), &RepairOptions::new(), &mut go).unwrap();
    assert_eq!(repaired.all, ["model.ckpt-8", "model.ckpt-9"].map(|name| scratch.path().join(name)));
    assert_eq!(value_in(scratch.path()), 9);
}

#[test]
fn numbers_in_names_count_before_times() {
    for names in [&["ckpt-9", "ckpt-10"][..], &["cp-0010.ckpt", "cp-0002.ckpt", "cp-0011.ckpt"], &["best-3", "model.ckpt-10"]] {
        let scratch = tempdir().unwrap();
        let last = names.last().unwrap();
        // Written in the wrong order, as an archive is unpacked.
        names.iter().rev().for_each(|name| write(scratch.path().join(name), 1));
        let found = latest_valid_checkpoint(scratch.path(), &VerifyOptions::new(), &mut go).unwrap();
        assert_eq!(found.prefix, Some(scratch.path().join(last)), "{names:?}");
    }
}

/// Somebody saves and removes all the time; whoever opens the directory or resumes finds something.
#[test]
fn a_directory_can_be_opened_while_its_manager_saves() {
    let scratch = tempdir().unwrap();
    let program = Program::holding(1);
    let quick = SaveOptions::new().write(checkpoint::WriteOptions::new().durability(checkpoint::Durability::None));
    let manager = Manager::open(&program.checkpoint, scratch.path(), &ManagerOptions::new().max_to_keep(1)).unwrap();
    let save = || manager.save(&ManagerSaveOptions::new().save(quick.clone())).unwrap();
    save();
    std::thread::scope(|scope| {
        let saving = scope.spawn(|| (0..300).for_each(|_| drop(save())));
        let mut opened = 0;
        while !saving.is_finished() {
            Reader::open(scratch.path()).unwrap();
            manager.restore_or_initialize(&ResumeOptions::new()).unwrap();
            opened += 1;
        }
        assert!(opened > 0);
    });
}

#[test]
fn a_state_update_and_its_reader_agree() {
    let scratch = tempdir().unwrap();
    write(scratch.path().join("ckpt-1"), 1);
    update_checkpoint_state(scratch.path(), &StateUpdate::new(scratch.path().join("ckpt-1"))).unwrap();
    for (who, found) in found_by_all(scratch.path()) {
        assert_eq!(found, Some(scratch.path().join("ckpt-1")), "{who}");
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".ckpt-lock");
    names.sort();
    names
}

/// TensorFlow writes `ckpts/.index` for the prefix `ckpts/`, and a state file that names ".".
#[test]
fn a_prefix_may_end_in_a_slash() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path().join("ckpts");
    let prefix = directory.join("");
    write(&prefix, 6);
    assert_eq!(names_in(&directory), [".data-00000-of-00001", ".index"]);
    // Written again, it has another number of data files, and the first are gone.
    write(&prefix, 7);
    assert_eq!(names_in(&directory), [".data-00000-of-00002", ".data-00001-of-00002", ".index"]);
    assert!(checkpoint::checkpoint_exists(&prefix).unwrap());
    assert_eq!(checkpoint::checkpoint_mtimes([&prefix]).unwrap().len(), 1);
    for path in [prefix.clone(), directory.join(".index"), directory.join(".data-00000-of-00002"), directory.clone()] {
        let reader = Reader::open(&path).unwrap();
        assert_eq!(reader.prefix().as_os_str(), prefix.as_os_str(), "{}", path.display());
        assert_eq!(value_in(&path), 7);
    }
    for latest in [".", ""] {
        let program = Program::new();
        program.checkpoint.read(directory.join(latest), &RestoreOptions::new()).unwrap().assert_consumed().unwrap();
        assert_eq!(program.get(), 7);
    }
    update_checkpoint_state(&directory, &StateUpdate::new(&prefix)).unwrap();
    let text = std::fs::read_to_string(directory.join("checkpoint")).unwrap();
    assert_eq!(text, "model_checkpoint_path: \".\"\nall_model_checkpoint_paths: \".\"\n");
    for (who, found) in found_by_all(&directory) {
        assert_eq!(found.as_deref().map(Path::as_os_str), Some(prefix.as_os_str()), "{who}");
    }
    std::fs::remove_file(directory.join("checkpoint")).unwrap();
    let repaired = repair_checkpoint_state(&directory, &RepairOptions::new(), &mut go).unwrap();
    assert_eq!(repaired.latest.as_os_str(), prefix.as_os_str());
    assert_eq!(std::fs::read_to_string(directory.join("checkpoint")).unwrap(), text);
    checkpoint::remove_checkpoint(&prefix).unwrap();
    assert_eq!(names_in(&directory), ["checkpoint"]);
}

/// `Saver.save("sv/")` and `Checkpoint.save("ck/")` of TensorFlow.
#[test]
fn saves_to_a_prefix_that_ends_in_a_slash() {
    let scratch = tempdir().unwrap();
    let program = Program::holding(3);
    let directory = scratch.path().join("sv");
    std::fs::create_dir(&directory).unwrap();
    let saver = program.saver();
    for _ in 0..2 {
        saver.save(directory.join(""), &Default::default()).unwrap();
        assert!(std::fs::read_to_string(directory.join("checkpoint")).unwrap().contains("model_checkpoint_path: \".\""));
    }
    let other = Program::new();
    other.saver().restore(latest_checkpoint(&directory).unwrap().unwrap(), &RestoreOptions::new()).unwrap();
    assert_eq!(other.get(), 3);
    let path = program.checkpoint.save(scratch.path().join("ck/"), &SaveOptions::new()).unwrap();
    assert_eq!((path.as_path(), value_in(scratch.path().join("ck"))), (scratch.path().join("ck/-1").as_path(), 3));
}

#[test]
fn a_prefix_that_is_no_name_is_refused() {
    for prefix in ["", ".", "..", "run/..", "run/."] {
        let error = Program::new().checkpoint.write(prefix, &SaveOptions::new()).unwrap_err();
        assert_eq!(error.code(), checkpoint::Code::InvalidArgument, "{prefix}");
    }
}
