//! P3: the tests notice each step that is left out.

use super::states::Run;
use super::LEFT_OUT;
use crate::bundle::step::Step;
use crate::laboratory::rng::Rng;
use crate::laboratory::states::Judged;
use crate::storage::Op;

/// Returns the judge's verdict on a write whose operations were changed.
fn verdict(mut run: Run, change: impl FnOnce(&mut Vec<Op>)) -> Option<String> {
    change(&mut run.ops);
    run.judge(600, &mut Rng::new(5)).1
}

fn assert_caught(promise: &str, run: Run, change: impl FnOnce(&mut Vec<Op>)) {
    let fault = verdict(run, |ops| {
        change(ops);
        if promise == "P2" {
            ops.pop(); // the return of the call, after which P1 applies
        }
    });
    let fault = fault.expect("nothing was found");
    assert!(fault.contains(promise), "{fault}");
}

/// Records a write that leaves out a step.
fn without<T>(step: Step, record: impl FnOnce() -> T) -> T {
    LEFT_OUT.set(Some(step));
    let outcome = record();
    LEFT_OUT.set(None);
    outcome
}

/// Removes the syncs of files whose names contain `part`.
fn drop_syncs(ops: &mut Vec<Op>, part: &str) {
    let of_part = |op: &Op| matches!(op, Op::Create { name, .. } | Op::Link { name, content: Some(_), .. } if name.to_str().unwrap().contains(part));
    let numbers: Vec<usize> = ops.iter().filter(|op| of_part(op)).filter_map(file_of).collect();
    let before = ops.len();
    ops.retain(|op| !matches!(op, Op::SyncFile { file } if numbers.contains(file)));
    assert!(ops.len() < before);
}

fn file_of(op: &Op) -> Option<usize> {
    match op {
        Op::Create { file, .. } | Op::Link { file, .. } => Some(*file),
        _ => None,
    }
}

fn position(ops: &[Op], is: impl Fn(&Op) -> bool) -> usize {
    ops.iter().position(is).unwrap()
}

fn renames_index(op: &Op) -> bool {
    matches!(op, Op::Rename { to, .. } if to == "x.index")
}

#[test]
fn all_steps_together_pass() {
    assert_eq!(verdict(Run::of(3, 3), |_| ()), None);
}

#[test]
fn the_sync_of_the_data_files() {
    assert_caught("P2", Run::of(3, 3), |ops| drop_syncs(ops, "-data-"));
    assert_caught("P2", Run::of(0, 1), |ops| drop_syncs(ops, "-data-"));
    assert_caught("P2", Run::of_merge(1), |ops| drop_syncs(ops, "-data-"));
}

#[test]
fn the_sync_of_the_index() {
    assert_caught("P1", Run::of(3, 3), |ops| drop_syncs(ops, "-index"));
}

#[test]
fn the_sync_of_the_directory() {
    assert_caught("P1", Run::of(0, 3), |ops| ops.retain(|op| *op != Op::SyncDirectory));
}

#[test]
fn data_files_before_the_index() {
    assert_caught("P2", Run::of(3, 3), |ops| {
        let index = ops.remove(position(ops, renames_index));
        ops.insert(position(ops, |op| matches!(op, Op::Rename { .. })), index);
    });
}

/// Noticed only if a disk may remove a file before it renames another.
#[test]
fn nothing_old_is_removed_before_the_directory_is_synced() {
    assert_caught("P2", Run::of(3, 1), |ops| {
        let sync = ops.remove(position(ops, |op| *op == Op::SyncDirectory));
        ops.insert(ops.len() - 1, sync);
    });
}

#[test]
fn another_number_of_data_files() {
    assert_caught("P2", without(Step::OtherCount, || Run::of(3, 3)), |_| ());
}

#[test]
fn the_other_name_of_the_old_index() {
    assert_caught("P15", Run::of(3, 1), |ops| ops.retain(|op| !matches!(op, Op::Link { .. })));
}

#[test]
fn sweeping_what_a_crash_left() {
    let run = Run::of(3, 3);
    assert_caught("P15", without(Step::Sweep, || run), |_| LEFT_OUT.set(Some(Step::Sweep)));
}

/// Another process ended after it had renamed the index and before it synced the directory.
#[test]
fn the_sync_before_a_sweep() {
    let killed = || {
        let first = Run::of(3, 1);
        let after_rename = position(&first.ops, renames_index) + 1;
        first.killed_at(after_rename, "next")
    };
    assert_eq!(verdict(killed(), |_| ()), None);
    assert_caught("P2", without(Step::SyncBeforeSweep, killed), |_| ());
}

/// The protocol relies on this: of two renames in one directory, the second does not reach the disk
/// before the first. A file system without this guarantee would need a sync between the data files
/// and the index, which would suffice.
#[test]
fn renames_keep_their_order() {
    let any_order = || Run { any_order: true, ..Run::of(3, 3) };
    assert_caught("P2", any_order(), |_| ());
    let fault = verdict(any_order(), |ops| {
        let index = position(ops, renames_index);
        ops.insert(index, Op::SyncDirectory);
    });
    assert_eq!(fault, None);
}
