//! P3: the tests detect each step that is left out.

use std::ffi::OsStr;

use super::program::Setup;
use super::states::Run;
use crate::bundle::{number_of, Role, Temporary};
use crate::laboratory::rng::Rng;
use crate::laboratory::states::Judged;
use crate::storage::Op;

/// The verdict of the judge on a run whose operations were changed.
fn verdict(mut run: Run, change: impl FnOnce(&mut Vec<Op>)) -> Option<String> {
    change(&mut run.ops);
    run.judge(1500, &mut Rng::new(5)).1
}

fn assert_caught(promise: &str, run: Run, change: impl FnOnce(&mut Vec<Op>)) {
    let fault = verdict(run, change).expect("nothing was found");
    assert!(fault.contains(promise), "{fault}");
}

/// A program that keeps one checkpoint, the hardest case.
fn run() -> Run {
    Run::of(Setup::keeping(1, 1), 2, 2)
}

fn renames_state(op: &Op) -> bool {
    matches!(op, Op::Rename { to, .. } if to == "checkpoint")
}

fn is_mark(op: &Op) -> bool {
    matches!(op, Op::Link { name, .. } if name.to_str().unwrap().contains(".ckpt-del-"))
}

fn is_draft_of_state(name: &OsStr) -> bool {
    let number = number_of(OsStr::new("checkpoint"));
    Temporary::parse(name).is_some_and(|draft| draft.role == Role::State && draft.number == number)
}

#[test]
fn all_steps_together_pass() {
    assert_eq!(verdict(run(), |_| ()), None);
}

#[test]
fn the_sync_of_the_state_file() {
    assert_caught("P2", run(), |ops| {
        let files: Vec<usize> = ops
            .iter()
            .filter_map(|op| match op {
                Op::Create { name, file } if is_draft_of_state(name) => Some(*file),
                _ => None,
            })
            .collect();
        assert_eq!(files.len(), 2);
        ops.retain(|op| !matches!(op, Op::SyncFile { file } if files.contains(file)));
    });
}

#[test]
fn the_sync_of_the_directory() {
    assert_caught("P1", run(), |ops| ops.retain(|op| *op != Op::SyncDirectory));
}

/// One sync for both the checkpoint and the state file would suffice on file systems that keep the
/// order of names, but no standard guarantees an order of removals and renames.
#[test]
fn the_sync_before_the_old_checkpoint_is_removed() {
    assert_caught("P2", run(), |ops| {
        while let Some(at) = (1..ops.len()).find(|&at| ops[at] == Op::SyncDirectory && renames_state(&ops[at - 1])) {
            let sync = ops.remove(at);
            let end = (at..ops.len()).find(|&end| matches!(ops[end], Op::Returned { .. })).unwrap();
            ops.insert(end, sync);
        }
    });
}

#[test]
fn the_state_file_before_the_removal() {
    assert_caught("P2", run(), |ops| {
        let at = ops.iter().position(renames_state).unwrap();
        let rename = ops.remove(at);
        let end = (at..ops.len()).find(|&end| matches!(ops[end], Op::Returned { .. })).unwrap();
        ops.insert(end, rename);
    });
}

#[test]
fn the_checkpoint_before_the_state_file() {
    assert_caught("P2", run(), |ops| {
        let at = ops.iter().position(renames_state).unwrap();
        let rename = ops.remove(at);
        let create =
            ops.iter().position(|op| matches!(op, Op::Rename { to, .. } if to.to_str().unwrap().contains(".data-"))).unwrap();
        ops.insert(create, rename);
    });
}

#[test]
fn the_mark_of_what_goes() {
    assert_caught("P15", run(), |ops| {
        assert_eq!(ops.iter().filter(|op| is_mark(op)).count(), 2);
        ops.retain(|op| !is_mark(op));
    });
}
