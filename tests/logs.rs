//! Whoever is given a path says in its log what may surprise: a table of functions and messages.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use checkpoint::{
    collect_checkpoints, latest_checkpoint_with, latest_valid_checkpoint, repair_checkpoint_state, restore_nodes, verify,
    wait_for_new_checkpoint, Checkpoint, CheckpointState, CheckpointView, CheckpointsIterator, CollectOptions, DType, Graph, Log,
    Manager, ManagerOptions, NodeId, OpenOptions, Pin, Reader, RepairOptions, RestoreOptions, ResumeOptions, SaveOptions, Saver,
    SaverOptions, Variable, VerifyOptions, WaitOptions,
};

/// Gives a path to a function, with a log.
type Given<'a> = &'a dyn Fn(&Path, Log) -> checkpoint::Result<()>;

/// What the log hears of the path while `call` runs.
fn heard(path: &Path, call: Given<'_>) -> Vec<String> {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = lines.clone();
    call(path, Arc::new(move |_, text| log.lock().unwrap().push(text.to_owned()))).unwrap();
    let lines = lines.lock().unwrap();
    // A saver that is given a checkpoint of objects says that, whatever its path.
    lines.iter().filter(|line| !line.contains("name-based saver")).cloned().collect()
}

fn go(_: checkpoint::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

struct Program {
    checkpoint: Checkpoint,
    value: NodeId,
}

fn program() -> Program {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let value = graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap().name("value")).unwrap();
    graph.track(root, "value", value).unwrap();
    Program { checkpoint: Checkpoint::new(&graph, root).unwrap(), value }
}

/// Calls `look` with everybody who is given the path of a checkpoint or of a directory.
fn everybody(look: &mut dyn FnMut(&str, Given<'_>)) {
    look("Reader::open", &|path, log| Reader::open_with(path, &OpenOptions::new().log_to(log)).map(drop));
    look("verify", &|path, log| verify(path, &VerifyOptions::new().log_to(log), &mut go).map(drop));
    look("CheckpointView::open", &|path, log| CheckpointView::open_with(path, &OpenOptions::new().log_to(log)).map(drop));
    look("restore", &|path, log| {
        let program = program();
        program.checkpoint.set_log(Some(log));
        program.checkpoint.restore(path, &RestoreOptions::new()).map(drop)
    });
    look("dry_run", &|path, log| {
        let program = program();
        program.checkpoint.set_log(Some(log));
        program.checkpoint.dry_run(path, &RestoreOptions::new()).map(drop)
    });
    look("restore_nodes", &|path, log| {
        let program = program();
        let node =
            CheckpointView::open(path)?.descendants_with_paths()?.into_iter().find(|(_, at)| at == "root.value").unwrap().0;
        restore_nodes(path, program.checkpoint.graph(), &[(node, program.value)], &RestoreOptions::new().log_to(log))
    });
    look("Saver::restore", &|path, log| {
        let program = program();
        let graph = program.checkpoint.graph();
        let saver = Saver::new(graph, &[("value", program.value)], &SaverOptions::new().log_to(log)).unwrap();
        saver.restore(path, &RestoreOptions::new()).map(drop)
    });
}

/// Those who are given a directory, and nothing else.
fn who_take_directories(look: &mut dyn FnMut(&str, Given<'_>)) {
    look("latest_checkpoint", &|path, log| latest_checkpoint_with(path, &OpenOptions::new().log_to(log)).map(drop));
    look("CheckpointState::read", &|path, log| {
        CheckpointState::read_with(path, "checkpoint", &OpenOptions::new().log_to(log)).map(drop)
    });
    look("Pin::latest", &|path, log| Pin::latest_with(path, &OpenOptions::new().log_to(log)).map(drop));
    look("latest_valid_checkpoint", &|path, log| {
        latest_valid_checkpoint(path, &VerifyOptions::new().log_to(log), &mut go).map(drop)
    });
    look("repair", &|path, log| {
        repair_checkpoint_state(path, &RepairOptions::new().dry_run(true).log_to(log), &mut go).map(drop)
    });
    look("repair, by the options of verifying", &|path, log| {
        let options = RepairOptions::new().dry_run(true).verify(VerifyOptions::new().log_to(log));
        repair_checkpoint_state(path, &options, &mut go).map(drop)
    });
    look("collect_checkpoints", &|path, log| {
        collect_checkpoints(path, &CollectOptions::keep(9).dry_run(true).log_to(log)).map(drop)
    });
    look("wait_for_new_checkpoint", &|path, log| {
        wait_for_new_checkpoint(path, None, &WaitOptions::new().timeout(0.0).log_to(log)).map(drop)
    });
    look("CheckpointsIterator", &|path, log| {
        CheckpointsIterator::new(path, &WaitOptions::new().timeout(0.0).log_to(log)).next().unwrap().map(drop)
    });
    look("Manager", &|path, log| {
        let manager = Manager::open(&program().checkpoint, path, &ManagerOptions::new().log_to(log))?;
        manager.restore_or_initialize(&ResumeOptions::new()).map(drop)
    });
}

/// A directory whose state file names its checkpoint by the paths of another machine.
fn moved(directory: &Path) {
    program().checkpoint.write(directory.join("ckpt-1"), &SaveOptions::new()).unwrap();
    let text = "model_checkpoint_path: \"/gone/run/ckpt-1\"\nall_model_checkpoint_paths: \"/gone/run/ckpt-1\"\n";
    std::fs::write(directory.join("checkpoint"), format!("{text}all_model_checkpoint_timestamps: 1000.5\n")).unwrap();
}

#[test]
fn a_moved_directory_is_told_once_by_everybody() {
    let scratch = tempfile::tempdir().unwrap();
    moved(scratch.path());
    let mut look = |name: &str, call: Given<'_>| {
        let lines = heard(scratch.path(), call);
        assert_eq!(lines.iter().filter(|line| line.contains("was moved")).count(), 1, "{name}: {lines:?}");
    };
    everybody(&mut look);
    who_take_directories(&mut look);
}

/// A directory that is named by the path of a checkpoint, too.
#[test]
fn a_path_that_means_two_things_is_told_by_everybody() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("run");
    program().checkpoint.write(path.join("ckpt-1"), &SaveOptions::new()).unwrap();
    std::fs::write(path.join("checkpoint"), "model_checkpoint_path: \"ckpt-1\"\n").unwrap();
    program().checkpoint.write(&path, &SaveOptions::new()).unwrap();
    everybody(&mut |name, call| {
        let lines = heard(&path, call);
        let of_directory = matches!(name, "Reader::open" | "verify");
        let taken = if of_directory { path.join("ckpt-1") } else { path.clone() };
        let expected = format!(
            "{} is a directory with a checkpoint and also the prefix of another one; {} is taken",
            path.display(),
            taken.display()
        );
        assert_eq!(lines.iter().filter(|line| **line == expected).count(), 1, "{name}: {lines:?}");
    });
}

#[test]
fn what_is_as_it_should_be_is_not_told() {
    let scratch = tempfile::tempdir().unwrap();
    for absolute in [false, true] {
        program().checkpoint.write(scratch.path().join("ckpt-1"), &SaveOptions::new()).unwrap();
        let name = if absolute { scratch.path().join("ckpt-1").display().to_string() } else { "ckpt-1".into() };
        let text = format!("model_checkpoint_path: \"{name}\"\nall_model_checkpoint_paths: \"{name}\"\n");
        std::fs::write(scratch.path().join("checkpoint"), text + "all_model_checkpoint_timestamps: 1000.5\n").unwrap();
        let mut look = |name: &str, call: Given<'_>| assert_eq!(heard(scratch.path(), call), [""; 0], "{name}, {absolute}");
        everybody(&mut look);
        who_take_directories(&mut look);
    }
}

/// A state file that names nothing, and one that another program is writing.
#[test]
fn a_state_file_of_no_use_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("checkpoint"), "model_checkpoint_path: \"ckpt-9\"\n").unwrap();
    let lines = heard(scratch.path(), &|path, log| {
        assert_eq!(latest_checkpoint_with(path, &OpenOptions::new().log_to(log))?, None);
        Ok(())
    });
    assert!(lines.len() == 1 && lines[0].contains("names ckpt-9, which does not exist"), "{lines:?}");
    std::fs::write(scratch.path().join("checkpoint"), "half a st").unwrap();
    let lines = heard(scratch.path(), &|path, log| {
        let options = WaitOptions::new().timeout(0.03).poll_interval(0.01).log_to(log);
        wait_for_new_checkpoint(path, None, &options).expect_err("it cannot be used");
        Ok(())
    });
    assert_eq!(lines.iter().filter(|line| line.contains("it is read again")).count(), 1, "{lines:?}");
    let lines =
        heard(scratch.path(), &|path, log| latest_valid_checkpoint(path, &VerifyOptions::new().log_to(log), &mut go).map(drop));
    assert!(lines.len() == 1 && lines[0].contains("the state file is ignored"), "{lines:?}");
}
