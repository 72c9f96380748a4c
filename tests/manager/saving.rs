//! Saving: numbers, callbacks, failures, what is left in the directory.

use std::path::Path;
use std::sync::{Arc, Mutex};

use checkpoint::{
    checkpoint_exists, get_checkpoint_state, latest_checkpoint, Clock, Code, Error, ManagerSaveOptions, Reason, RestoreOptions,
};
use tempfile::tempdir;

use crate::program::*;

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

/// What another program saved since, the program has not seen: it must resume first.
#[test]
fn a_program_that_was_overtaken_is_refused_until_it_resumes() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    save(&program.manage(scratch.path(), &keep(3)));
    let late = Program::new();
    let manager = late.manage(scratch.path(), &keep(3));
    // The other program, in another process.
    late.set(7);
    late.checkpoint.write(scratch.path().join("ckpt-2"), &unsynced()).unwrap();
    state(scratch.path(), &text_in(scratch.path()).replace("ckpt-1", "ckpt-2"));
    late.set(8);
    let error = manager.save(&saving()).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::FailedPrecondition, Reason::Replaced));
    assert_eq!((error.expected(), error.found()), (Some("ckpt-1"), Some("ckpt-2")));
    // Nothing was counted, and nothing has changed.
    assert_eq!(late.checkpoint.save_count().unwrap(), 0);
    assert_eq!(resume(&manager).path, Some(scratch.path().join("ckpt-2")));
    assert_eq!(late.get(), 7);
    save(&manager);
}
