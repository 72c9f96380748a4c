//! How saves in the background end: cancelled, failed, with the last holder of the checkpoint; and
//! who hears of it.

use std::sync::{Arc, Mutex};

use checkpoint::{
    latest_checkpoint, Checkpoint, Code, Error, Failure, Manager, ManagerOptions, Pending, Reason, RestoreOptions, Severity,
    Sink, Source, State, StateOptions, Variable,
};

use crate::world::{is, is_whole, managed, refusing, unsynced, Gate, Program};

#[test]
fn a_cancelled_save_leaves_nothing() {
    let program = Program::new();
    program.checkpoint.save(program.path("ckpt"), &unsynced()).unwrap();
    let before = program.files();
    let (gate, options) = Gate::in_progress(unsynced());
    let pending = program.save_async(&options);
    gate.wait();
    pending.cancel();
    gate.open();
    let error = pending.wait().unwrap_err();
    assert!(is(&error, Code::Cancelled, Reason::Callback), "{error}");
    assert_eq!(program.files(), before);

    // Who cancels knows: no other call reports it.
    let (gate, options) = Gate::in_progress(unsynced());
    let pending = program.save_async(&options);
    gate.wait();
    pending.cancel();
    drop(pending);
    gate.open();
    let path = program.checkpoint.save(program.path("ckpt"), &unsynced()).unwrap();
    assert_eq!(path, program.path("ckpt-4"));

    // After the save it is too late.
    let pending = program.save_async(&unsynced());
    pending.wait().unwrap();
    pending.cancel();
    assert!(is_whole(&pending.wait().unwrap()));
}

#[test]
fn the_progress_callback_can_end_it() {
    let program = Program::new();
    let options = unsynced().progress(Arc::new(|_, _| std::ops::ControlFlow::Break(())));
    let error = program.save_async(&options).wait().unwrap_err();
    assert!(is(&error, Code::Cancelled, Reason::Callback), "{error}");
    assert!(program.files().is_empty());
}

/// The next save may be the last one before the program ends.
#[test]
fn a_save_that_failed_does_not_cost_the_next_one() {
    let program = Program::new();
    let logged = Arc::new(Mutex::new(Vec::new()));
    let log = logged.clone();
    program.checkpoint.set_log(Some(Arc::new(move |severity, text: &str| log.lock().unwrap().push((severity, text.to_owned())))));
    assert!(program.checkpoint.last_failure().is_none());

    drop(program.save_async(&refusing())); // ckpt-1
    let saved = program.checkpoint.save_async(program.path("ckpt"), &unsynced()).unwrap().wait().unwrap();
    assert_eq!(saved, program.path("ckpt-2"));
    assert!(is_whole(&saved));
    drop(program.save_async(&refusing())); // ckpt-3
    assert!(is_whole(&program.checkpoint.save(program.path("ckpt"), &unsynced()).unwrap()));

    // It was not lost meanwhile.
    let failure = program.checkpoint.last_failure().unwrap();
    assert!(is(&failure, Code::Aborted, Reason::Callback) && failure.to_string().contains("refused"), "{failure}");
    for failure in [failure, program.checkpoint.last_failure().unwrap()] {
        let source = std::error::Error::source(&failure).expect("the callback's own error");
        assert_eq!(source.to_string(), "refused");
    }
    for _ in 0..2 {
        assert!(program.checkpoint.sync().unwrap_err().to_string().contains("refused"));
    }
    program.checkpoint.sync().unwrap();
    let logged = std::mem::take(&mut *logged.lock().unwrap());
    for ((severity, text), name) in logged.iter().zip(["ckpt-1", "ckpt-3"]) {
        assert_eq!(*severity, Severity::Error);
        let path = program.path(name);
        assert!(text.starts_with(&format!("the save of {} in the background failed: ", path.display())), "{text}");
    }
    assert_eq!(logged.len(), 2);
}

#[test]
fn an_error_is_reported_by_one_call() {
    let program = Program::new();
    assert!(program.save_async(&refusing()).wait_for(std::time::Duration::MAX), "it asks for no error");
    assert!(program.checkpoint.sync().unwrap_err().to_string().contains("refused"));
    program.checkpoint.sync().unwrap();

    let pending = program.save_async(&refusing());
    pending.wait().unwrap_err();
    program.checkpoint.sync().unwrap();
    assert!(pending.wait().unwrap_err().to_string().contains("refused"), "it may be asked again");

    let pending = program.save_async(&unsynced());
    pending.cancel();
    let _ = pending.wait();
    assert!(program.checkpoint.last_failure().unwrap().to_string().contains("refused"), "a cancelled save has not failed");
}

#[test]
fn the_last_holder_of_the_checkpoint_waits() {
    let Program { directory, graph, checkpoint, .. } = Program::new();
    let (gate, options) = Gate::in_progress(unsynced());
    let pending = checkpoint.save_async(directory.path().join("ckpt"), &options).unwrap();
    gate.wait();
    let other = checkpoint.clone();
    drop(checkpoint);
    assert!(!pending.poll().is_finished);
    gate.open();
    drop((graph, other));
    assert!(pending.poll().is_finished);
    assert_eq!(latest_checkpoint(directory.path()).unwrap(), Some(directory.path().join("ckpt-1")));
    assert_eq!(pending.wait().unwrap(), directory.path().join("ckpt-1"));
}

#[test]
fn a_manager_and_its_save_hold_no_checkpoint() {
    let Program { directory, graph, checkpoint, .. } = Program::new();
    let manager = Manager::open(&checkpoint, directory.path(), &ManagerOptions::new()).unwrap();
    let (gate, options) = Gate::in_progress(unsynced());
    let pending = manager.save_async(&managed(options)).unwrap().unwrap();
    gate.wait();
    gate.open();
    drop((graph, checkpoint, manager));
    assert!(pending.poll().is_finished);
    assert_eq!(latest_checkpoint(directory.path()).unwrap(), Some(directory.path().join("ckpt-1")));
}

#[test]
fn a_callback_may_be_the_last_that_holds_the_checkpoint() {
    let Program { directory, graph, checkpoint, .. } = Program::new();
    let (gate, stop) = Gate::new();
    let held = checkpoint.clone();
    let options = unsynced().callback(Arc::new(move |_| {
        stop();
        held.graph();
        Ok(())
    }));
    let pending = checkpoint.save_async(directory.path().join("ckpt"), &options).unwrap();
    gate.wait();
    drop((graph, checkpoint, options));
    gate.open();
    assert!(is_whole(&pending.wait().unwrap()));
}

#[test]
fn a_callback_that_would_wait_for_its_own_save_is_told_so() {
    let program = Program::new();
    let (checkpoint, path) = (program.checkpoint.clone(), program.path("inner"));
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = told.clone();
    let pending: Arc<Mutex<Option<Pending>>> = Arc::default();
    let own = pending.clone();
    let (gate, stop) = Gate::new();
    let options = unsynced().callback(Arc::new(move |_| {
        stop();
        heard.lock().unwrap().extend([
            checkpoint.sync().unwrap_err(),
            checkpoint.save(&path, &unsynced()).unwrap_err(),
            checkpoint.save_async(&path, &unsynced()).unwrap_err(),
            checkpoint.restore(&path, &RestoreOptions::new()).unwrap_err(),
            own.lock().unwrap().as_ref().unwrap().wait().unwrap_err(),
        ]);
        Ok(())
    }));
    *pending.lock().unwrap() = Some(program.save_async(&options));
    gate.wait();
    gate.open();
    program.checkpoint.sync().unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 5);
    assert!(told.iter().all(|error| is(error, Code::FailedPrecondition, Reason::Reentrant)), "{told:?}");
}

#[test]
fn a_call_from_inside_a_callback_of_the_graph_is_told_so() {
    struct Calling(Arc<Mutex<Option<Checkpoint>>>, Arc<Mutex<Vec<Error>>>);
    impl State for Calling {
        fn save(&mut self, _: &mut Sink) -> Result<(), Failure> {
            if let Some(checkpoint) = &*self.0.lock().unwrap() {
                self.1.lock().unwrap().push(checkpoint.save_async("/nowhere/ckpt", &unsynced()).unwrap_err());
            }
            Ok(())
        }
        fn restore(&mut self, _: &Source) -> Result<(), Failure> {
            Ok(())
        }
    }
    let program = Program::new();
    let (cell, told) = (Arc::new(Mutex::new(Some(program.checkpoint.clone()))), Arc::new(Mutex::new(Vec::new())));
    let state = program.graph.add_state(Box::new(Calling(cell.clone(), told.clone())), &StateOptions::new()).unwrap();
    program.graph.track(program.root, "state", state).unwrap();
    program.save_async(&unsynced()).wait().unwrap();
    cell.lock().unwrap().take();
    let told = told.lock().unwrap();
    assert!(told.len() == 1 && is(&told[0], Code::FailedPrecondition, Reason::Reentrant), "{told:?}");
}

#[test]
fn a_panic_in_a_callback_comes_out_of_wait() {
    let program = Program::new();
    for options in [
        unsynced().callback(Arc::new(|_| panic!("a test panics"))),
        unsynced().progress(Arc::new(|_, _| panic!("a test panics"))),
    ] {
        let error = program.save_async(&options).wait().unwrap_err();
        assert!(is(&error, Code::Internal, Reason::Panic) && error.to_string().contains("a test panics"), "{error}");
        program.save_async(&unsynced()).wait().unwrap();
    }
    let state: Box<dyn State> = Box::new(Panicking);
    let state = program.graph.add_state(state, &StateOptions::new()).unwrap();
    program.graph.track(program.root, "state", state).unwrap();
    let saved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| program.save_async(&unsynced())));
    assert!(saved.is_err(), "before it returns it is the caller's");
    program.graph.remove(state).unwrap();
    assert!(is_whole(&program.save_async(&unsynced()).wait().unwrap()));
}

struct Panicking;

impl State for Panicking {
    fn save(&mut self, _: &mut Sink) -> Result<(), Failure> {
        panic!("a test panics")
    }
    fn restore(&mut self, _: &Source) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn what_fails_before_anything_is_written_comes_out_of_the_call() {
    let program = Program::new();
    let empty = program.graph.add_variable(Variable::without_value(None, None).unwrap()).unwrap();
    program.graph.track(program.root, "empty", empty).unwrap();
    let error = program.checkpoint.save_async(program.path("ckpt"), &unsynced()).unwrap_err();
    assert!(is(&error, Code::FailedPrecondition, Reason::NotShaped), "{error}");
    program.graph.remove(empty).unwrap();
    assert!(program.checkpoint.write_async("/", &unsynced()).is_err());
    program.checkpoint.sync().unwrap();
    assert_eq!(program.save_async(&unsynced()).wait().unwrap(), program.path("ckpt-2"));
}
