//! One manager of a directory at a time, others beside it; directories and locks that disappear.

use std::path::Path;
use std::sync::{Arc, Mutex};

use checkpoint::{
    collect_checkpoints, remove_checkpoint, repair_checkpoint_state, Code, CollectOptions, DType, Failure, Log, Manager,
    ManagerOptions, Reason, RepairOptions, RestoreOptions, Sink, Source, State, StateOptions, WriteOptions, Writer,
};
use tempfile::tempdir;

use crate::common::lock::{of_checkpoint, try_lock, LOCK_FILE, MANAGER, STATE};
use crate::program::*;

#[track_caller]
fn refused(manager: &Manager) -> (Code, Reason) {
    let error = manager.save(&saving()).unwrap_err();
    (error.code(), error.reason())
}

#[test]
fn a_second_manager_in_the_same_process_is_refused() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let [first, second] = [1, 2].map(|_| program.manage(scratch.path(), &keep(1)));
    save(&first);
    assert_eq!(refused(&second), (Code::Unavailable, Reason::Locked));
    assert_eq!(program.checkpoint.save_count().unwrap(), 1, "nothing is counted");
    save(&first);
    drop(first.clone());
    assert_eq!(refused(&second), (Code::Unavailable, Reason::Locked));
    drop(first);
    // It has not seen what the first has saved.
    assert_eq!(refused(&second), (Code::FailedPrecondition, Reason::Replaced));
    resume(&second);
    assert_eq!(save(&second), scratch.path().join("ckpt-3"));
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-3"]);
}

#[test]
fn of_managers_in_many_threads_one_saves() {
    let scratch = tempdir().unwrap();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let manage = || {
            let manager = Program::new().manage(scratch.path(), &keep(1));
            let outcome = manager.save(&saving()).map(drop).map_err(|e| e.reason());
            (manager, outcome) // kept until all have tried
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(manage)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|(_, outcome)| matches!(outcome, Ok(()) | Err(Reason::Locked))));
}

/// A tool that only writes or removes one checkpoint does not wait for a program that trains.
#[test]
fn others_write_and_remove_beside_a_manager() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(5));
    let first = save(&manager);
    program.checkpoint.write(scratch.path().join("export"), &unsynced()).unwrap();
    remove_checkpoint(scratch.path().join("export")).unwrap();
    let code = |outcome: checkpoint::Result<()>| outcome.unwrap_err().code();
    // What changes the list of checkpoints does, because the manager would not know.
    assert_eq!(code(collect_checkpoints(scratch.path(), &CollectOptions::keep(1)).map(drop)), Code::Unavailable);
    let repaired = repair_checkpoint_state(scratch.path(), &RepairOptions::new(), &mut |_| std::ops::ControlFlow::Continue(()));
    assert_eq!(code(repaired.map(drop)), Code::Unavailable);
    assert_eq!(manager.checkpoints(), [first]);
}

/// Each lock that another process holds, and what waits for it.
#[test]
fn a_save_waits_for_its_checkpoint_and_the_state_but_not_for_another_manager() {
    for (byte, is_refused) in
        [(MANAGER, true), (STATE, false), (of_checkpoint("ckpt-1"), false), (of_checkpoint("ckpt-2"), false)]
    {
        let scratch = tempdir().unwrap();
        let manager = Program::new().manage(scratch.path(), &keep(1));
        let held = try_lock(scratch.path(), byte).unwrap();
        std::thread::scope(|scope| {
            let saved = scope.spawn(|| manager.save(&saving()).map(drop).map_err(|e| e.reason()));
            if !is_refused {
                std::thread::sleep(std::time::Duration::from_millis(50));
                assert_eq!(saved.is_finished(), byte == of_checkpoint("ckpt-2"), "{byte}");
            }
            let result = if is_refused {
                saved.join().unwrap()
            } else {
                drop(held);
                saved.join().unwrap()
            };
            assert_eq!(result, if is_refused { Err(Reason::Locked) } else { Ok(()) }, "{byte}");
        });
    }
}

/// Says that a save has gathered its values: it has its number by then, and asks for its lock next.
struct Gathered(std::sync::mpsc::Sender<()>);

impl State for Gathered {
    fn save(&mut self, _: &mut Sink) -> Result<(), Failure> {
        self.0.send(()).map_err(Failure::from)
    }

    fn restore(&mut self, _: &Source) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn a_checkpoint_that_appears_while_a_save_waits_for_it_is_not_replaced() {
    let (scratch, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
    let other = Program::new();
    other.set(7);
    other.checkpoint.write(elsewhere.path().join("ckpt-1"), &unsynced()).unwrap();
    let (program, (gathered, has_gathered)) = (Program::new(), std::sync::mpsc::channel());
    let state = program.graph().add_state(Box::new(Gathered(gathered)), &StateOptions::new()).unwrap();
    program.graph().track(program.checkpoint.root(), "state", state).unwrap();
    let manager = program.manage(scratch.path(), &keep(5));
    // As another program that is writing the same checkpoint.
    let held = try_lock(scratch.path(), of_checkpoint("ckpt-1")).unwrap();
    std::thread::scope(|scope| {
        let saved = scope.spawn(|| refused(&manager));
        has_gathered.recv().unwrap();
        for name in files_of("ckpt-1") {
            std::fs::copy(elsewhere.path().join(&name), scratch.path().join(&name)).unwrap();
        }
        drop(held);
        assert_eq!(saved.join().unwrap(), (Code::Aborted, Reason::Replaced));
    });
    let [first, second] = ["ckpt-1", "ckpt-2"].map(|name| scratch.path().join(name));
    assert_eq!(save(&manager), second);
    assert_eq!(manager.checkpoints(), [second], "the other program's is not managed");
    other.set(0);
    other.checkpoint.read(first, &RestoreOptions::new()).unwrap();
    assert_eq!(other.get(), 7);
}

fn moved_away(run: &Path) {
    std::fs::rename(run, run.with_extension("moved")).unwrap();
}

/// What becomes of the directory of a run between two saves.
#[test]
fn a_directory_that_disappears_is_an_error_at_the_next_save() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("removed", |run| std::fs::remove_dir_all(run).unwrap()),
        ("moved", moved_away),
        ("replaced", |run| {
            moved_away(run);
            std::fs::create_dir(run).unwrap();
        }),
        ("a link that leads elsewhere", |run| {
            moved_away(run);
            std::fs::create_dir(run.with_extension("other")).unwrap();
            std::os::unix::fs::symlink(run.with_extension("other"), run).unwrap();
        }),
    ];
    for (what, change) in changes {
        for has_saved in [true, false] {
            let scratch = tempdir().unwrap();
            let run = scratch.path().join("run");
            let program = Program::new();
            save(&program.manage(&run, &keep(2)));
            let manager = program.manage(&run, &keep(2));
            if has_saved {
                save(&manager);
            }
            let count = program.checkpoint.save_count().unwrap();
            change(&run);
            for _ in 0..2 {
                assert_eq!(refused(&manager), (Code::FailedPrecondition, Reason::Replaced), "{what}, {has_saved}");
            }
            assert_eq!(program.checkpoint.save_count().unwrap(), count, "{what}: nothing is counted");
            assert!(!run.exists() || names_in(&run).is_empty(), "{what}: nothing is written");
        }
    }
}

#[test]
fn a_manager_of_an_empty_directory_makes_it_again() {
    let scratch = tempdir().unwrap();
    let run = scratch.path().join("run");
    std::fs::create_dir(&run).unwrap();
    let manager = Program::new().manage(&run, &keep(2));
    std::fs::remove_dir(&run).unwrap();
    save(&manager);
}

/// Somebody cleans up: the lock of the manager is gone with its file. It is taken again, and said.
#[test]
fn a_file_of_locks_that_was_removed_is_made_again_by_the_next_save() {
    let scratch = tempdir().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let log: Log = Arc::new(move |_, text| told.lock().unwrap().push(text.to_owned()));
    let program = Program::new();
    let manager = program.manage(scratch.path(), &ManagerOptions::new().log_to(log));
    save(&manager);
    std::fs::remove_file(scratch.path().join(LOCK_FILE)).unwrap();
    save(&manager);
    assert!(heard.lock().unwrap().iter().any(|text| text.contains("was lost")), "{heard:?}");
    assert!(try_lock(scratch.path(), MANAGER).is_none());
    // If another manager has saved in between, that is an error.
    std::fs::remove_file(scratch.path().join(LOCK_FILE)).unwrap();
    let other = Program::new();
    let second = other.manage(scratch.path(), &keep(5));
    resume(&second);
    let taken = try_lock(scratch.path(), MANAGER).unwrap();
    assert_eq!(refused(&manager), (Code::Unavailable, Reason::Locked));
    drop(taken);
    drop(second);
}

/// The last name may have as many bytes as TensorFlow lets it have: 255 less those of
/// `.data-00000-of-00001`.
#[test]
fn names_may_be_as_long_as_those_of_tensorflow() {
    let scratch = tempdir().unwrap();
    for length in [200, 210, 223, 224, 234] {
        let name = "n".repeat(length);
        for round in 0..3u8 {
            let value = [round];
            let mut writer = Writer::new(scratch.path().join(&name), &WriteOptions::new()).unwrap();
            writer.add("x", DType::Uint8, &[1], &value).unwrap();
            writer.finish().unwrap_or_else(|e| panic!("{length}: {e}"));
        }
        let program = Program::new();
        let manager = program.manage(scratch.path().join("run"), &keep(1).checkpoint_name("m".repeat(length - 2)));
        (0..3).for_each(|_| drop(save(&manager)));
        assert_eq!(checkpoints_in(&scratch.path().join("run")).len(), 1);
        std::fs::remove_dir_all(scratch.path().join("run")).unwrap();
    }
    let too_long = Writer::new(scratch.path().join("n".repeat(240)), &WriteOptions::new()).unwrap();
    assert_eq!(too_long.finish().unwrap_err().code(), Code::InvalidArgument);
}
