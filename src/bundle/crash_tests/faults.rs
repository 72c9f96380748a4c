//! P4 and P5: any operation may fail, once or permanently.

use std::path::Path;

use super::judge::{look, next_write, values, write, Found};
use super::states::{prepare, Run, NAMES};
use crate::bundle::merge::{merge_on, MergeOptions};
use crate::laboratory::disk::{fill_directory, read_directory, Files, Names, Unsynced};
use crate::laboratory::judge::{files_of, names_in};
use crate::laboratory::rng::Rng;
use crate::laboratory::{at, scratch, ERRNOS};
use crate::storage::{Fault, Kind, Local, Recording, Storage};
use crate::{Code, Error, Reason};

/// An action whose operations are made to fail. On success it makes `x` hold `after`.
pub(super) struct Scenario<'a> {
    pub what: &'a str,
    pub start: Files,
    pub after: Found,
    pub act: &'a dyn Fn(&dyn Storage, &Path) -> Result<(), Error>,
}

impl Scenario<'_> {
    /// Makes each operation that `hits` selects fail with each error. Returns the number of
    /// failures.
    fn run(&self, hits: fn(Kind) -> bool, for_good: bool) -> usize {
        let mut points = 0;
        let directory = scratch();
        for errno in ERRNOS {
            for at in 0.. {
                fill_directory(directory.path(), &self.start);
                let recording = Recording::failing(Fault { at, errno, for_good, hits });
                let failed = || recording.tried().iter().filter(|(_, failed)| *failed).map(|(kind, _)| *kind).collect::<Vec<_>>();
                let before = NAMES.map(|name| look(&directory.path().join(name)));
                let outcome = (self.act)(&recording, directory.path());
                if failed().is_empty() {
                    outcome.unwrap();
                    break;
                }
                points += 1;
                let verdict = self.judge(directory.path(), outcome, &before, &failed(), errno);
                verdict.unwrap_or_else(|e| panic!("{}, {:?} with errno {errno} at {at}: {e}", self.what, failed()));
            }
        }
        points
    }

    fn judge(
        &self,
        directory: &Path,
        outcome: Result<(), Error>,
        before: &[Found; 3],
        failed: &[Kind],
        errno: i32,
    ) -> Result<(), String> {
        let now = NAMES.map(|name| look(&directory.join(name)));
        if now[1..] != before[1..] {
            return Err("another checkpoint has changed".into());
        }
        match outcome {
            Ok(()) if now[0] != self.after => return Err("it succeeded, and is not there".into()),
            // Once the index is renamed the new checkpoint is visible, even if perhaps not durable.
            Err(_) if now[0] != before[0] && !(now[0] == self.after && failed.contains(&Kind::SyncDirectory)) => {
                return Err(format!("it failed, and what was there is not: {:?}", now[0]));
            }
            Err(e) if e.errno() != Some(errno) => return Err(format!("another error: {e:?}")),
            Err(e) if !e.file().is_some_and(Path::is_absolute) => return Err(format!("no file: {e:?}")),
            _ => {}
        }
        // The old data files stay while it is unknown which index is on disk. Files that cannot be
        // removed stay.
        let may_leave = |kind: &Kind| {
            matches!(kind, Kind::Remove | Kind::SyncDirectory | Kind::Hold | Kind::Lock | Kind::Check | Kind::List | Kind::Open)
        };
        if !failed.iter().any(may_leave) {
            let expected: Vec<_> = NAMES.iter().flat_map(|name| files_of(directory, name)).collect();
            let left: Vec<_> = names_in(directory).into_iter().filter(|name| !expected.contains(name)).collect();
            if !left.is_empty() {
                return Err(format!("{left:?} were left behind"));
            }
        }
        // The next write, as if by another process, must remove whatever was left.
        let next = NAMES[failed.len() % 3];
        next_write(directory, next, &NAMES.map(|name| if name == next { "nothing" } else { name }), 7, &|_| false)
    }

    pub fn run_all(&self) {
        let once = self.run(|_| true, false);
        let for_good = self.run(|_| true, true);
        let but_removing = self.run(|kind| kind != Kind::Remove, true);
        println!("{}: {} fault points, nothing lost", self.what, once + for_good + but_removing);
    }
}

fn write_scenario(what: &str, start: Files, shards: u32) {
    let after = values(50);
    let act = |storage: &dyn Storage, directory: &Path| write(storage, &directory.join("x"), shards, &after);
    Scenario { what, start, after: Found::Whole(after.clone()), act: &act }.run_all();
}

#[test]
fn any_operation_of_a_write_may_fail() {
    for (old, new) in [(0, 1), (1, 1), (3, 3)] {
        let directory = scratch();
        prepare(directory.path(), old);
        write_scenario(&format!("write {old} -> {new}"), read_directory(directory.path()), new);
    }
}

/// A write that first has to sweep what a crash left, including the second name of an index that is
/// still the published one.
#[test]
fn any_operation_of_a_sweep_may_fail() {
    let run = Run::of(3, 1);
    let disks = run.disks();
    let published = run.ops.iter().rposition(|op| matches!(op, crate::storage::Op::Rename { .. })).unwrap();
    for at in [published, published + 1, published + 2] {
        let start = disks[at].after_cut(Names::First(usize::MAX), Unsynced::Kept, &mut Rng::new(0));
        write_scenario(&format!("write after a crash at {at}"), start, 2);
    }
}

#[test]
fn any_operation_of_a_merge_may_fail() {
    let sections = scratch();
    let parts = [50, 51].map(|seed| sections.path().join(format!("part{seed}")));
    let mut all = values(50);
    write(&Local, &parts[0], 1, &all).unwrap();
    let second = values(51).into_iter().map(|(key, value)| (key + "/second", value)).collect();
    write(&Local, &parts[1], 2, &second).unwrap();
    all.extend(second);
    let kept = read_directory(sections.path());
    let options = MergeOptions::new();
    let act = |storage: &dyn Storage, directory: &Path| {
        fill_directory(sections.path(), &kept);
        let (x, parts) = (at(directory.join("x")), parts.each_ref().map(at));
        let outcome = merge_on(storage, &x, &parts, &options, &mut |_, _| std::ops::ControlFlow::Continue(()));
        let left = read_directory(sections.path());
        match &outcome {
            Ok(_) => assert!(left.is_empty(), "{left:?}"),
            Err(_) => assert_eq!(left, kept),
        }
        outcome.map(drop)
    };
    let directory = scratch();
    prepare(directory.path(), 3);
    let start = read_directory(directory.path());
    Scenario { what: "merge", start, after: Found::Whole(all.clone()), act: &act }.run_all();
}

/// The system discards data that it could not write: a second sync would succeed without having
/// written it.
#[test]
fn a_failed_sync_is_not_tried_again() {
    for at in 0..5 {
        let directory = scratch();
        prepare(directory.path(), 3);
        let hits = |kind| matches!(kind, Kind::SyncFile | Kind::SyncDirectory);
        let recording = Recording::failing(Fault { at, errno: libc::EIO, for_good: false, hits });
        let before = look(&directory.path().join("x"));
        let error = write(&recording, &directory.path().join("x"), 3, &values(9)).unwrap_err();
        assert_eq!((error.errno(), error.reason()), (Some(libc::EIO), Reason::Io));
        assert_eq!(look(&directory.path().join("x")), before, "sync {at}");
        let mut synced = recording.synced();
        assert_eq!(synced.len(), at + 1, "it went on after the failure");
        synced.dedup();
        assert_eq!(synced.len(), at + 1, "a file was synced twice");
    }
}

#[test]
fn space_that_is_too_little_is_known_before_anything_is_written() {
    let directory = scratch();
    let recording = Recording::new().with_space(100);
    let error = write(&recording, &directory.path().join("x"), 1, &values(1)).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::ResourceExhausted, Reason::Space));
    assert_eq!((error.expected(), error.found()), (Some("3622 bytes free"), Some("100 bytes")));
    assert_eq!(recording.ops(), []);
}
