//! What is saved, who waits for it, and what is there when the program exits.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use checkpoint::{
    latest_checkpoint, Busy, Checkpoint, Code, DType, Device, Error, Failure, NodeId, ObjectSaver, Pending, Reader, Reason,
    RestoreOptions, Sink, Source, State, StateOptions, Variable,
};

use crate::world::{is, is_whole, stored, unsynced, value_in, Gate, Program, LENGTH};

/// Values of the program's outside the graph, of every kind, and the threads that asked for them.
#[derive(Clone)]
struct Outside {
    bytes: Arc<Mutex<Vec<u8>>>,
    threads: Arc<Mutex<Vec<ThreadId>>>,
}

impl Outside {
    fn fill(&self, offset: u64, buffer: &mut [u8]) {
        self.threads.lock().unwrap().push(thread::current().id());
        buffer.copy_from_slice(&self.bytes.lock().unwrap()[offset as usize..][..buffer.len()]);
    }
}

impl Device for Outside {
    fn describe(&self) -> (DType, Option<Vec<i64>>) {
        (DType::Uint8, Some(vec![LENGTH as i64]))
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        self.fill(offset, buffer);
        Ok(())
    }
    fn prepare(&self, _: DType, _: &[i64]) -> Result<(), Failure> {
        Ok(())
    }
    fn write_at(&self, _: u64, _: &[u8]) -> Result<(), Failure> {
        Ok(())
    }
    fn finish(&self, _: bool) -> Result<(), Failure> {
        Ok(())
    }
    fn is_concurrent(&self) -> bool {
        true
    }
}

impl State for Outside {
    fn save(&mut self, sink: &mut Sink) -> Result<(), Failure> {
        self.threads.lock().unwrap().push(thread::current().id());
        let (shape, bytes) = ([LENGTH as i64], self.bytes.lock().unwrap().clone());
        sink.put("copied", DType::Uint8, &shape, &bytes)?;
        sink.put_strings("string", &[], &[&bytes])?;
        sink.put_memory("lent", DType::Uint8, &shape, Box::new(bytes))?;
        let asked = self.clone();
        let ask = move |offset: u64, buffer: &mut [u8]| {
            asked.fill(offset, buffer);
            Ok(())
        };
        sink.put_read("asked", DType::Uint8, &shape, Box::new(ask))?;
        Ok(())
    }
    fn restore(&mut self, _: &Source) -> Result<(), Failure> {
        Ok(())
    }
}

impl ObjectSaver for Outside {
    fn accepts(&mut self, _: NodeId) -> bool {
        self.threads.lock().unwrap().push(thread::current().id());
        false
    }
    fn save(&mut self, _: &[(String, NodeId)], _: &mut Sink) -> Result<(), Failure> {
        Ok(())
    }
    fn wants(&mut self, _: &[(String, NodeId)], _: &[u8]) -> bool {
        false
    }
    fn restore(&mut self, _: &[(String, NodeId)], _: &Source) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn what_the_program_changes_during_the_save_does_not_come_into_the_file() {
    let program = Program::new();
    let outside = Outside { bytes: Arc::new(Mutex::new(vec![1; LENGTH])), threads: Arc::default() };
    let graph = &program.graph;
    let borrowed = Variable::borrowed(DType::Uint8, &[LENGTH as i64], Box::new(vec![1; LENGTH])).unwrap();
    let borrowed = graph.add_variable(borrowed).unwrap();
    let strings = graph.add_variable(Variable::strings(&[], &[vec![1; LENGTH]]).unwrap()).unwrap();
    let text = graph.add_text(&[1]).unwrap();
    let device = graph.add_variable(Variable::device(None, Arc::new(outside.clone())).unwrap()).unwrap();
    let state = graph.add_state(Box::new(outside.clone()), &StateOptions::new()).unwrap();
    graph.register_saver("", "Nothing", true, Box::new(outside.clone())).unwrap();
    for (name, object) in [("borrowed", borrowed), ("strings", strings), ("text", text), ("device", device), ("state", state)] {
        graph.track(program.root, name, object).unwrap();
    }

    let (gate, options) = Gate::in_progress(unsynced());
    let pending = program.save_async(&options);
    gate.wait();
    program.set(2);
    graph.with_memory(borrowed, |bytes| bytes.fill(2)).unwrap();
    graph.assign_strings(strings, &[], &[vec![2; LENGTH]]).unwrap();
    graph.assign_strings(text, &[], &[[2]]).unwrap();
    graph.remove(state).unwrap();
    outside.bytes.lock().unwrap().fill(2);
    gate.open();
    let path = pending.wait().unwrap();

    assert_eq!(value_in(&path), 1);
    for key in ["borrowed/.ATTRIBUTES/VARIABLE_VALUE", "device/.ATTRIBUTES/VARIABLE_VALUE"] {
        assert!(stored(&path, key) == vec![1; LENGTH], "{key}");
    }
    for name in ["copied", "lent", "asked"] {
        assert!(stored(&path, &format!("state/.ATTRIBUTES/{name}")) == vec![1; LENGTH], "{name}");
    }
    let reader = Reader::open(&path).unwrap();
    let string = |key: &str| reader.get(key).unwrap().read_strings().unwrap().iter().next().unwrap().to_vec();
    assert!(string("strings/.ATTRIBUTES/VARIABLE_VALUE") == vec![1; LENGTH]);
    assert!(string("state/.ATTRIBUTES/string") == vec![1; LENGTH]);
    assert_eq!(string("text/.ATTRIBUTES/py_state"), [1]);
    assert!(is_whole(&path));

    let threads = outside.threads.lock().unwrap();
    assert!(threads.len() > 5 && threads.iter().all(|id| *id == thread::current().id()), "{threads:?}");
}

#[test]
fn saves_are_counted_by_one_counter() {
    let program = Program::new();
    let count_in = |path: &Path| stored(path, "save_counter/.ATTRIBUTES/VARIABLE_VALUE");
    let paths = [
        program.checkpoint.save(program.path("ckpt"), &unsynced()).unwrap(),
        program.save_async(&unsynced()).wait().unwrap(),
        program.checkpoint.save(program.path("ckpt"), &unsynced()).unwrap(),
        program.save_async(&unsynced()).wait().unwrap(),
    ];
    for (path, count) in paths.iter().zip(1i64..) {
        assert_eq!(*path, program.path(&format!("ckpt-{count}")));
        assert_eq!(count_in(path), count.to_ne_bytes());
    }
    // As in a plain write, there is no counter in what is not counted.
    let other = Program::new();
    let path = other.checkpoint.write_async(other.path("written"), &unsynced()).unwrap().wait().unwrap();
    assert!(!Reader::open(&path).unwrap().contains("save_counter/.ATTRIBUTES/VARIABLE_VALUE"));
    assert!(!other.files().contains(&"checkpoint".to_owned()));
}

#[test]
fn the_state_file_names_it_when_it_is_complete() {
    let program = Program::new();
    let first = program.save_async(&unsynced()).wait().unwrap();
    let (gate, options) = Gate::when_written(unsynced());
    let pending = program.save_async(&options);
    gate.wait();
    assert!(pending.path().with_extension("index").exists());
    assert_eq!(latest_checkpoint(program.directory.path()).unwrap(), Some(first));
    gate.open();
    let second = pending.wait().unwrap();
    assert_eq!(latest_checkpoint(program.directory.path()).unwrap(), Some(second));
}

#[test]
fn it_says_how_far_it_is() {
    let program = Program::new();
    let seen = Arc::new(Mutex::new((0, 0)));
    let (gate, stop) = Gate::new();
    let noted = seen.clone();
    let options = unsynced().progress(Arc::new(move |done, total| {
        *noted.lock().unwrap() = (done, total);
        stop();
        std::ops::ControlFlow::Continue(())
    }));
    let pending = program.save_async(&options);
    gate.wait();
    let now = pending.poll();
    assert_eq!((now.done, now.total), *seen.lock().unwrap());
    assert!(0 < now.done && now.done < now.total && !now.is_finished, "{now:?}");
    assert!(!pending.wait_for(Duration::ZERO) && !pending.wait_for(Duration::from_millis(1)));
    gate.open();
    assert!(pending.wait_for(Duration::MAX));
    pending.wait().unwrap();
    assert!(pending.wait_for(Duration::ZERO));
    let end = pending.poll();
    assert!(end.is_finished && end.done == end.total && end.total == now.total, "{end:?}");
}

#[test]
fn a_save_that_finds_another_running_says_so_or_waits() {
    let program = Program::new();
    let (gate, options) = Gate::in_progress(unsynced());
    let first = program.save_async(&options);
    gate.wait();
    program.set(2);
    let impatient = unsynced().busy(Busy::Fail);
    for error in [
        program.checkpoint.save_async(program.path("ckpt"), &impatient).unwrap_err(),
        program.checkpoint.write_async(program.path("written"), &impatient).unwrap_err(),
        program.checkpoint.save(program.path("ckpt"), &impatient).unwrap_err(),
        program.checkpoint.write(program.path("written"), &impatient).unwrap_err(),
    ] {
        assert!(is(&error, Code::Unavailable, Reason::Busy), "{error}");
    }
    assert_eq!(program.checkpoint.save_count().unwrap(), 1);
    thread::scope(|scope| {
        let second = scope.spawn(|| program.checkpoint.save_async(program.path("ckpt"), &unsynced()).unwrap());
        gate.open();
        let second = second.join().unwrap();
        assert!(first.poll().is_finished, "the second began before the first was over");
        assert_eq!(second.wait().unwrap(), program.path("ckpt-2"));
    });
    assert_eq!((value_in(&program.path("ckpt-1")), value_in(&program.path("ckpt-2"))), (1, 2));
}

#[test]
fn a_restore_waits_for_the_save() {
    type Restore = fn(&Checkpoint, &Path) -> Result<(), Error>;
    let restores: [Restore; 3] = [
        |checkpoint, path| checkpoint.restore(path, &RestoreOptions::new()).map(drop),
        |checkpoint, path| checkpoint.read(path, &RestoreOptions::new()).map(drop),
        |checkpoint, path| checkpoint.dry_run(path, &RestoreOptions::new()).map(drop),
    ];
    for restore in restores {
        let program = Program::new();
        let (gate, options) = Gate::in_progress(unsynced());
        let pending = program.save_async(&options);
        gate.wait();
        thread::scope(|scope| {
            let restored = scope.spawn(|| restore(&program.checkpoint, pending.path()));
            gate.open();
            restored.join().unwrap().unwrap();
        });
        assert!(pending.poll().is_finished);
    }
}

#[test]
fn the_graph_is_free_while_it_is_written() {
    let program = Program::new();
    let (gate, options) = Gate::when_written(unsynced());
    let pending = program.save_async(&options);
    gate.wait();
    program.set(9);
    let more = program.graph.add_object().unwrap();
    program.graph.track(program.root, "more", more).unwrap();
    assert_eq!(program.graph.read(program.value).unwrap()[0], 9);
    gate.open();
    pending.wait().unwrap();
}

#[test]
fn two_checkpoints_save_at_once() {
    let programs = [Program::new(), Program::new()];
    let gates: Vec<(Gate, Pending)> = programs
        .iter()
        .map(|program| {
            let (gate, options) = Gate::in_progress(unsynced());
            let pending = program.save_async(&options);
            (gate, pending)
        })
        .collect();
    gates.iter().for_each(|(gate, _)| gate.wait());
    gates.iter().for_each(|(gate, _)| gate.open());
    assert!(gates.iter().all(|(_, pending)| is_whole(&pending.wait().unwrap())));

    // Also two of one graph, and in one directory.
    let program = &programs[0];
    let other = Checkpoint::with_root(&program.graph, program.root, &[]).unwrap();
    let (gate, options) = Gate::in_progress(unsynced());
    let (other_gate, other_options) = Gate::in_progress(unsynced());
    let one = program.checkpoint.write_async(program.path("one"), &options).unwrap();
    gate.wait();
    program.set(5);
    let two = other.write_async(program.path("two"), &other_options).unwrap();
    other_gate.wait();
    other_gate.open();
    assert_eq!(value_in(&two.wait().unwrap()), 5);
    gate.open();
    assert_eq!(value_in(&one.wait().unwrap()), 1);
}

const CHILD: &str = "CKPT_TEST_SAVES_AND_EXITS";

/// The test is its own child: with the variable it is the program that exits.
#[test]
fn a_program_that_exits_without_waiting_leaves_the_previous_checkpoint() {
    if let Some(directory) = std::env::var_os(CHILD) {
        let program = Program::new();
        let prefix = Path::new(&directory).join("ckpt");
        program.checkpoint.save(&prefix, &unsynced()).unwrap();
        program.set(2);
        let (gate, options) = Gate::in_progress(unsynced());
        let _pending = program.checkpoint.save_async(&prefix, &options).unwrap();
        gate.wait();
        std::process::exit(7);
    }
    let program = Program::new();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "saving::a_program_that_exits_without_waiting_leaves_the_previous_checkpoint"])
        .env(CHILD, program.directory.path())
        .output()
        .unwrap();
    assert_eq!(child.status.code(), Some(7), "{child:?}");
    let first = program.path("ckpt-1");
    assert_eq!(latest_checkpoint(program.directory.path()).unwrap(), Some(first.clone()));
    assert!(is_whole(&first));
    assert_eq!(value_in(&first), 1);
    assert!(!program.path("ckpt-2.index").exists());
    assert!(program.files().len() > 3, "there is what the child was writing: {:?}", program.files());

    program.checkpoint.restore(&first, &RestoreOptions::new()).unwrap();
    assert_eq!(program.save_async(&unsynced()).wait().unwrap(), program.path("ckpt-2"));
    let names: Vec<String> = program.files().into_iter().filter(|name| !name.starts_with("ckpt-")).collect();
    assert_eq!(names, ["checkpoint"], "the next save sweeps");
}
