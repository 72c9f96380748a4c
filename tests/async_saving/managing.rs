//! Managers that save in the background.

use std::thread;

use checkpoint::{Busy, Code, ManagerOptions, Reason, ResumeOptions, SaveOptions};

use crate::world::{is, is_whole, managed, refusing, unsynced, value_in, Gate, Program};

#[test]
fn a_manager_keeps_as_many_as_it_should_in_the_background_too() {
    let program = Program::new();
    let manager = program.manager(&ManagerOptions::new().max_to_keep(2));
    let mut paths = Vec::new();
    for value in 1..=4 {
        program.set(value);
        let (gate, options) = Gate::when_written(unsynced());
        let pending = manager.save_async(&managed(options)).unwrap().unwrap();
        gate.wait();
        assert_eq!(manager.latest_checkpoint().as_ref(), paths.last(), "it is recorded when it is complete");
        program.set(99);
        gate.open();
        paths.push(pending.wait().unwrap());
        assert_eq!(manager.latest_checkpoint().as_ref(), paths.last());
        let kept = &paths[paths.len().saturating_sub(2)..];
        assert_eq!(manager.checkpoints(), kept);
        let indexes = program.files().into_iter().filter(|name| name.ends_with(".index")).count();
        assert_eq!(indexes, kept.len());
    }
    assert_eq!((value_in(&paths[2]), value_in(&paths[3])), (3, 4));

    // Another program resumes, and goes on from there by the same counter.
    drop(manager);
    let again = program.manager(&ManagerOptions::new().max_to_keep(2));
    let resumed = again.restore_or_initialize(&ResumeOptions::new()).unwrap();
    assert_eq!(resumed.path.as_ref(), paths.last());
    assert_eq!(again.save_async(&managed(unsynced())).unwrap().unwrap().wait().unwrap(), program.path("ckpt-5"));
}

#[test]
fn resuming_waits_for_the_save() {
    let program = Program::new();
    let manager = program.manager(&ManagerOptions::new());
    let (gate, options) = Gate::when_written(unsynced());
    let pending = manager.save_async(&managed(options)).unwrap().unwrap();
    gate.wait();
    thread::scope(|scope| {
        let resumed = scope.spawn(|| manager.restore_or_initialize(&ResumeOptions::new()).unwrap().path);
        gate.open();
        assert_eq!(resumed.join().unwrap().as_deref(), Some(pending.path()));
    });
}

/// A loop that asks at every step is not held up by the save of an earlier one.
#[test]
fn a_manager_that_saves_by_steps_does_not_wait_when_it_is_too_early() {
    let program = Program::new();
    let manager = program.manager(&ManagerOptions::new().checkpoint_interval(10).steps_in_calls(true));
    let at = |step: i64, options: SaveOptions| managed(options).step(step);
    let (gate, options) = Gate::in_progress(unsynced());
    let pending = manager.save_async(&at(10, options)).unwrap().unwrap();
    gate.wait();
    assert!((10..20).all(|step| manager.save_async(&at(step, unsynced())).unwrap().is_none()));
    assert!(manager.save(&at(15, unsynced())).unwrap().is_none());
    let error = manager.save_async(&at(20, unsynced().busy(Busy::Fail))).unwrap_err();
    assert!(is(&error, Code::Unavailable, Reason::Busy), "{error}");
    pending.cancel();
    gate.open();
    pending.wait().unwrap_err();
    assert_eq!(manager.latest_checkpoint(), None);
    assert!(manager.save_async(&at(11, unsynced())).unwrap().is_some(), "step 10 counts as not saved");
}

#[test]
fn what_a_callback_refused_stays_and_the_next_save_records_it() {
    let program = Program::new();
    let manager = program.manager(&ManagerOptions::new());
    let pending = manager.save_async(&managed(refusing())).unwrap().unwrap();
    pending.wait().unwrap_err();
    assert!(is_whole(pending.path()) && manager.checkpoints().is_empty() && manager.latest_checkpoint().is_none());
    let next = manager.save_async(&managed(unsynced())).unwrap().unwrap().wait().unwrap();
    assert_eq!(manager.checkpoints(), [pending.path().to_owned(), next]);
}
