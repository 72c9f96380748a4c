//! Removing what is too many without the program, and mending the state file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use checkpoint::{
    collect_checkpoints, latest_checkpoint, repair_checkpoint_state, update_checkpoint_state, Code, CollectOptions, Error,
    ManagerOptions, RepairOptions, StateUpdate,
};
use tempfile::tempdir;

use crate::program::*;

#[test]
fn gc_removes_what_a_manager_would() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &ManagerOptions::new());
    (0..5).for_each(|_| drop(save(&manager)));
    program.checkpoint.write(scratch.path().join("mine-1"), &unsynced()).unwrap();
    drop(manager);
    let leftover = scratch.path().join(".ckpt-tmp-0123456789abcdef-0123456789abcdef-index");
    std::fs::write(&leftover, "").unwrap();
    let before = names_in(scratch.path());
    let path = |n: i32| scratch.path().join(format!("ckpt-{n}"));
    let dry = collect_checkpoints(scratch.path(), &CollectOptions::keep(2).dry_run(true)).unwrap();
    assert_eq!(
        (dry.removed.clone(), dry.kept.clone(), dry.leftovers.clone()),
        ([1, 2, 3].map(path).into(), [4, 5].map(path).into(), vec![leftover])
    );
    assert_eq!(names_in(scratch.path()), before);
    assert_eq!(collect_checkpoints(scratch.path(), &CollectOptions::keep(2)).unwrap(), dry);
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-4", "ckpt-5", "mine-1"]);
    assert_eq!(names_in(scratch.path()).len(), 7);
    assert_eq!(program.manage(scratch.path(), &keep(1)).checkpoints(), [4, 5].map(path));
    assert_eq!(collect_checkpoints(scratch.path(), &CollectOptions::keep(0)).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(collect_checkpoints(scratch.path().join("no"), &CollectOptions::keep(1)).unwrap_err().code(), Code::NotFound);
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
    collect_checkpoints(scratch.path(), &CollectOptions::keep(1)).unwrap();
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-3"]);
    assert_eq!(latest_checkpoint(scratch.path()).unwrap(), Some(scratch.path().join("ckpt-1")));
}

fn repair(directory: &Path, dry_run: bool) -> Result<checkpoint::RepairedState, Error> {
    repair_checkpoint_state(directory, &RepairOptions::new().dry_run(dry_run), &mut |_| std::ops::ControlFlow::Continue(()))
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

/// A change, what it is called, and what the state file lists after it: the latest, and all.
type Change<'a> = (&'a str, &'a dyn Fn(), i32, &'a [i32]);

/// Verifying takes long: nobody is to wait for it, and what another program does meanwhile counts.
#[test]
fn while_repair_verifies_the_state_may_change() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(4));
    (0..4).for_each(|_| drop(save(&manager)));
    drop(manager);
    let path = |n: i32| scratch.path().join(format!("ckpt-{n}"));
    let changes: [Change<'_>; 3] = [
        ("another state", &|| update(scratch.path(), &[path(1), path(2)]), 2, &[1, 2]),
        ("a checkpoint that was whole is replaced", &|| replace_by_damaged(&program, &path(2)), 3, &[1, 3]),
        ("a state that is damaged again", &|| state(scratch.path(), "nonsense"), 3, &[1, 3]),
    ];
    for (name, change, latest, all) in changes {
        update(scratch.path(), &[1, 2, 3, 4].map(path));
        damage(&path(4)); // what is to be repaired; in the end it is whole again
        let mut last = 0;
        let mut count = |_| {
            last += 1;
            std::ops::ControlFlow::Continue(())
        };
        repair_checkpoint_state(scratch.path(), &RepairOptions::new().dry_run(true), &mut count).unwrap();
        let mut calls = 0;
        let repaired = repair_checkpoint_state(scratch.path(), &RepairOptions::new(), &mut |_| {
            calls += 1;
            if calls == last {
                change();
            }
            std::ops::ControlFlow::Continue(())
        });
        let repaired = repaired.unwrap();
        assert_eq!(
            (repaired.latest, &repaired.all[..]),
            (path(latest), &all.iter().map(|n| path(*n)).collect::<Vec<_>>()[..]),
            "{name}"
        );
        assert_eq!(latest_checkpoint(scratch.path()).unwrap(), Some(path(latest)), "{name}");
        damage(&path(4));
    }
}

/// What was verified and is gone no longer counts.
#[test]
fn while_repair_verifies_a_checkpoint_may_go() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(4));
    (0..3).for_each(|_| drop(save(&manager)));
    drop(manager);
    std::fs::remove_file(scratch.path().join("checkpoint")).unwrap();
    let path = |n: i32| scratch.path().join(format!("ckpt-{n}"));
    let repaired = repair_checkpoint_state(scratch.path(), &RepairOptions::new(), &mut |_| {
        if path(1).with_extension("index").exists() && !path(2).with_extension("gone").exists() {
            std::fs::write(path(2).with_extension("gone"), "").unwrap();
            checkpoint::remove_checkpoint(path(3)).unwrap();
        }
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(repaired.unwrap().all, [path(1), path(2)]);
}

fn update(directory: &Path, paths: &[PathBuf]) {
    let update = StateUpdate::new(paths.last().unwrap()).all(paths).lock_wait(Duration::ZERO);
    update_checkpoint_state(directory, &update).unwrap();
}

fn replace_by_damaged(program: &Program, prefix: &Path) {
    program.checkpoint.write(prefix, &unsynced()).unwrap();
    let shard = std::fs::read_dir(prefix.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let is_of = |path: &PathBuf| path.to_string_lossy().starts_with(&format!("{}.data-00000", prefix.display()));
    std::fs::write(shard.into_iter().find(is_of).unwrap(), "").unwrap();
}

/// TensorFlow takes a state file with a byte-order mark for none.
#[test]
fn repair_removes_a_byte_order_mark() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(4));
    (0..2).for_each(|_| drop(save(&manager)));
    drop(manager);
    let before = text_in(scratch.path());
    state(scratch.path(), &format!("\u{feff}{before}"));
    assert!(repair(scratch.path(), true).unwrap().is_new);
    assert!(repair(scratch.path(), false).unwrap().is_new);
    assert_eq!(text_in(scratch.path()), before);
    assert!(!repair(scratch.path(), false).unwrap().is_new);
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
