//! Resuming from the latest checkpoint, or from the newest that is whole.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{latest_checkpoint, latest_valid_checkpoint, Code, Reason, ResumeOptions, VerifyOptions};
use tempfile::tempdir;

use crate::program::*;

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
    drop(manager); // one at a time
    let next = Program::new();
    let manager = next.manage(scratch.path(), &keep(5));
    assert_eq!(resume(&manager).path, Some(scratch.path().join("ckpt-3")));
    assert_eq!(save(&manager), scratch.path().join("ckpt-4"));
    drop(manager);
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
    assert_eq!(lines.lock().unwrap().iter().filter(|line| line.contains("which is damaged")).count(), 3);
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
    assert!(error.to_string().contains("none of the directory's checkpoints is valid"), "{error}");
    assert_eq!(*called.lock().unwrap(), 1);
}

#[test]
fn without_a_state_file_the_newest_is_found_by_its_number() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    for number in [9, 10, 2] {
        program.set(number);
        program.checkpoint.write(scratch.path().join(format!("ckpt-{number}")), &unsynced()).unwrap();
    }
    let found =
        latest_valid_checkpoint(scratch.path(), &VerifyOptions::new(), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!((found.prefix, found.broken.len()), (Some(scratch.path().join("ckpt-10")), 0));
    let manager = program.manage(scratch.path(), &keep(1));
    resume(&manager);
    assert_eq!(program.get(), 2);
    manager.restore_or_initialize(&ResumeOptions::new().latest_valid(true)).unwrap();
    assert_eq!(program.get(), 10);
}
