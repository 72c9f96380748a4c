//! Restores in the background: the graph is theirs until they are over.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use checkpoint::{
    Busy, Cancel, Checkpoint, Code, DType, Device, Failure, Graph, ManagerOptions, NodeId, Pending, Reason, RestoreOptions,
    ResumeOptions, RowState, Status, Variable,
};

use super::world::*;

/// A device of three bytes, which calls a function before it is written to.
struct Watched {
    bytes: Mutex<Vec<u8>>,
    before: Box<dyn Fn() + Send + Sync>,
}

impl Device for Watched {
    fn describe(&self) -> (DType, Option<Vec<i64>>) {
        (DType::Uint8, Some(vec![3]))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::result::Result<(), Failure> {
        buffer.copy_from_slice(&self.bytes.lock().unwrap()[offset as usize..][..buffer.len()]);
        Ok(())
    }

    fn prepare(&self, _: DType, _: &[i64]) -> std::result::Result<(), Failure> {
        (self.before)();
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> std::result::Result<(), Failure> {
        self.bytes.lock().unwrap()[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn finish(&self, _: bool) -> std::result::Result<(), Failure> {
        Ok(())
    }
}

/// A program, and a checkpoint "saved" of it in which its value is 7, and that of a device
/// "device". The function is called in the middle of a restore, when the value has been restored.
fn saved(before: impl Fn() + Send + Sync + 'static) -> Program {
    let program = Program::new();
    let device = Watched { bytes: Mutex::new(vec![7; 3]), before: Box::new(before) };
    let device = program.graph.add_variable(Variable::device(None, Arc::new(device)).unwrap()).unwrap();
    program.graph.track(program.root, "device", device).unwrap();
    program.set(7);
    program.checkpoint.write(program.path("saved"), &unsynced()).unwrap();
    program.set(1);
    program
}

fn restore(program: &Program) -> Pending<Status> {
    program.checkpoint.restore_async(program.path("saved"), &RestoreOptions::new()).unwrap()
}

fn value_of(graph: &Graph, value: NodeId) -> u8 {
    let bytes = graph.read(value).unwrap();
    assert!(bytes.iter().all(|byte| *byte == bytes[0]), "it is a mix");
    bytes[0]
}

#[test]
fn it_restores_as_the_call_that_waits_does() {
    let program = saved(|| ());
    let status = restore(&program).take().unwrap();
    status.assert_consumed().unwrap_err(); // the counter, which `write` does not save
    assert_eq!(status.report().unwrap().count(RowState::Restored), 2);
    assert_eq!(value_of(&program.graph, program.value), 7);
    program.set(1);
    let read = program.checkpoint.read_async(program.path("saved"), &RestoreOptions::new()).unwrap();
    let status = read.take().unwrap();
    status.assert_existing_objects_matched().unwrap_err();
    assert_eq!(value_of(&program.graph, program.value), 7);
    let end = read.poll();
    assert!(end.done == end.total && end.total >= LENGTH as u64 + 3, "{end:?}");
    let missing = program.checkpoint.restore_async(program.path("nothing"), &RestoreOptions::new()).unwrap();
    assert_eq!(missing.take().unwrap_err().code(), Code::NotFound);
}

#[test]
fn the_graph_is_busy_until_it_is_over() {
    let (gate, stop) = Gate::new();
    let program = saved(stop);
    let pending = restore(&program);
    gate.wait();
    let busy = |error: checkpoint::Error| assert!(is(&error, Code::Unavailable, Reason::Busy), "{error}");
    busy(program.graph.read(program.value).unwrap_err());
    busy(program.graph.add_object().unwrap_err());
    busy(program.graph.remove(program.value).unwrap_err());
    busy(program.checkpoint.save_count().unwrap_err());
    let failing = unsynced().busy(Busy::Fail);
    busy(program.checkpoint.save(program.path("ckpt"), &failing).unwrap_err());
    busy(program.checkpoint.save_async(program.path("ckpt"), &failing).unwrap_err());
    let manager = program.manager(&ManagerOptions::new());
    busy(manager.save(&managed(failing)).unwrap_err());
    thread::scope(|scope| {
        // Those that save or restore, and the one that cannot fail, wait.
        let save = scope.spawn(|| program.checkpoint.write(program.path("later"), &unsynced()));
        let contains = scope.spawn(|| program.graph.contains(program.value));
        thread::sleep(Duration::from_millis(20));
        assert!(!save.is_finished() && !contains.is_finished());
        gate.open();
        assert_eq!(value_in(&save.join().unwrap().unwrap()), 7);
        assert!(contains.join().unwrap());
    });
    pending.take().unwrap();
    program.graph.add_object().unwrap();
}

#[test]
fn calls_in_the_background_run_one_after_the_other() {
    // A save that stands at a gate, a restore, another one: no call waits here.
    let (gate, options) = Gate::in_progress(unsynced());
    let program = saved(|| ());
    program.set(2);
    let save = program.save_async(&options);
    gate.wait();
    let first = restore(&program);
    let (graph, path) = (program.graph.clone(), save.path().to_owned());
    let second = program.checkpoint.read_async(&path, &RestoreOptions::new()).unwrap();
    assert!(!first.wait_for(Duration::from_millis(20)) && !second.poll().is_finished);
    assert!(is(&graph.read(program.value).unwrap_err(), Code::Unavailable, Reason::Busy));
    gate.open();
    assert_eq!(second.take().unwrap().path(), Some(&*path));
    assert!(first.poll().is_finished && save.poll().is_finished);
    assert_eq!(value_of(&graph, program.value), 2);
    first.take().unwrap();
}

#[test]
fn what_is_cancelled_before_it_begins_changes_nothing_and_does_not_wait() {
    let (gate, options) = Gate::in_progress(unsynced());
    let program = saved(|| panic!("it must not restore"));
    let save = program.save_async(&options);
    gate.wait();
    let pending = restore(&program);
    pending.cancel();
    assert!(pending.wait_for(Duration::from_secs(60)), "it waits for the save");
    assert!(is(&pending.take().unwrap_err(), Code::Cancelled, Reason::Callback));
    assert_eq!(value_of(&program.graph, program.value), 1);
    gate.open();
    save.wait().unwrap();
}

#[test]
fn what_comes_after_a_cancelled_call_still_comes_after_the_one_before() {
    let (gate, options) = Gate::in_progress(unsynced());
    let program = saved(|| ());
    program.set(2);
    let save = program.save_async(&options);
    gate.wait();
    let first = restore(&program);
    let second = restore(&program);
    first.cancel();
    assert!(first.wait_for(Duration::from_secs(60)), "it waits for the save");
    assert!(!second.wait_for(Duration::from_millis(20)), "it does not wait for the save");
    let third = restore(&program); // after one that has ended by itself
    assert!(is(&program.graph.read(program.value).unwrap_err(), Code::Unavailable, Reason::Busy));
    gate.open();
    second.take().unwrap();
    third.take().unwrap();
    assert!(save.poll().is_finished);
}

#[test]
fn a_function_that_is_told_the_end_may_wait_for_what_comes_next() {
    let (gate, options) = Gate::in_progress(unsynced());
    let program = saved(|| ());
    let save = program.save_async(&options);
    gate.wait();
    let next = restore(&program);
    let (told, hear) = std::sync::mpsc::channel();
    save.notify(Box::new(move || told.send(next.wait_for(Duration::from_secs(60))).unwrap())).unwrap();
    gate.open();
    assert!(hear.recv().unwrap());
}

#[test]
fn a_cancel_before_the_first_assignment_changes_nothing() {
    for names in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("saved");
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let value = graph.add_variable(Variable::owned(DType::Uint8, &[2], &[1, 2]).unwrap().name("value")).unwrap();
        graph.track(root, "value", value).unwrap();
        let checkpoint = Checkpoint::new(&graph, root).unwrap();
        let kept = if names {
            let mut writer = checkpoint::Writer::new(&path, &checkpoint::WriteOptions::new()).unwrap();
            writer.add("value", DType::Uint8, &[2], &[1, 2]).unwrap();
            writer.add("later", DType::Uint8, &[1], &[1]).unwrap();
            writer.finish().unwrap();
            path.clone()
        } else {
            checkpoint.write(&path, &unsynced()).unwrap()
        };
        graph.assign(value, DType::Uint8, &[2], &[8, 9]).unwrap();
        // Raised while it runs, and before it has read anything.
        let cancel = Cancel::new();
        let raise = cancel.clone();
        checkpoint.set_log(Some(Arc::new(move |_, _: &str| raise.raise())));
        let options = RestoreOptions::new().exclude("matches/nothing").cancel(&cancel);
        let error = checkpoint.restore(&kept, &options).unwrap_err();
        assert!(is(&error, Code::Cancelled, Reason::Callback), "{error}");
        assert_eq!(graph.read(value).unwrap(), [8, 9]);
        assert!(cancel.is_raised());
        let report = checkpoint.last_report().unwrap();
        assert_eq!(report.count(RowState::Restored), 0);
        assert_eq!(graph.waiting(root, "later").unwrap(), 0);
        // In the background and before it begins.
        let error = checkpoint.restore_async(&kept, &options).unwrap().take().unwrap_err();
        assert_eq!(error.code(), Code::Cancelled);
        assert_eq!(graph.read(value).unwrap(), [8, 9]);
        checkpoint.restore(&kept, &RestoreOptions::new()).unwrap();
        assert_eq!(graph.read(value).unwrap(), [1, 2]);
    }
}

#[test]
fn after_a_cancel_the_report_says_what_was_assigned() {
    let cancel = Cancel::new();
    let raise = cancel.clone();
    let program = saved(move || raise.raise());
    let pending = program.checkpoint.restore_async(program.path("saved"), &RestoreOptions::new().cancel(&cancel)).unwrap();
    assert_eq!(pending.take().unwrap_err().code(), Code::Cancelled);
    assert_eq!(value_of(&program.graph, program.value), 7);
    let report = program.checkpoint.last_report().unwrap();
    let state = |path: &str| report.rows().iter().find(|row| row.path == path).unwrap().state;
    assert_eq!((state("value"), state("device")), (RowState::Restored, RowState::Torn));
}

#[test]
fn a_flag_that_is_raised_later_does_not_hit_what_waits_for_objects() {
    let program = saved(|| ());
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let cancel = Cancel::new();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    let status = checkpoint.read(program.path("saved"), &RestoreOptions::new().cancel(&cancel)).unwrap();
    cancel.raise();
    let value = graph.add_variable(Variable::zeros(DType::Uint8, &[LENGTH as i64]).unwrap()).unwrap();
    graph.track(root, "value", value).unwrap();
    assert_eq!(value_of(&graph, value), 7);
    drop(status);
}

#[test]
fn the_last_holder_of_the_checkpoint_waits_for_the_restore() {
    let (gate, stop) = Gate::new();
    let Program { directory, graph, value, checkpoint, .. } = saved(stop);
    let pending = checkpoint.restore_async(directory.path().join("saved"), &RestoreOptions::new()).unwrap();
    gate.wait();
    let clone = checkpoint.clone();
    drop(clone); // is not the last
    thread::scope(|scope| {
        let last = scope.spawn(move || drop(checkpoint));
        thread::sleep(Duration::from_millis(20));
        assert!(!last.is_finished());
        gate.open();
        last.join().unwrap();
    });
    assert!(pending.poll().is_finished);
    assert_eq!(value_of(&graph, value), 7);
    // The status has the checkpoint, and nobody waits any more.
    pending.take().unwrap().assert_existing_objects_matched().unwrap_err();
}

#[test]
fn a_manager_resumes_in_the_background() {
    let program = Program::new();
    let graph = program.graph.clone();
    let value = program.value;
    let options = ManagerOptions::new()
        .init(Arc::new(move || graph.assign(value, DType::Uint8, &[LENGTH as i64], &vec![5; LENGTH]).map_err(Failure::from)));
    let manager = program.manager(&options);
    let first = manager.restore_or_initialize_async(&ResumeOptions::new()).unwrap().take().unwrap();
    assert!(first.path.is_none() && value_of(&program.graph, program.value) == 5);
    let path = manager.save(&managed(unsynced())).unwrap().unwrap();
    program.set(1);
    let resumed = manager.restore_or_initialize_async(&ResumeOptions::new().latest_valid(true)).unwrap().take().unwrap();
    assert_eq!(resumed.path.as_deref(), Some(&*path));
    resumed.status.unwrap().assert_consumed().unwrap();
    assert_eq!(value_of(&program.graph, program.value), 5);
    assert_eq!(manager.latest_valid_async().unwrap().take().unwrap().prefix.as_deref(), Some(&*path));

    // The flag of the restore stops the search, too.
    let cancel = Cancel::new();
    cancel.raise();
    let options = ResumeOptions::new().latest_valid(true).restore(RestoreOptions::new().cancel(&cancel));
    assert_eq!(manager.restore_or_initialize(&options).unwrap_err().code(), Code::Cancelled);
    let none = program.path("none");
    let fresh = checkpoint::Manager::open(&program.checkpoint, &none, &ManagerOptions::new()).unwrap();
    assert!(fresh.latest_valid_async().unwrap().take().unwrap().prefix.is_none());
}
