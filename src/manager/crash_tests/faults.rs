//! P4 and P5: any operation of a managed save may fail, either once or permanently.

use std::path::Path;

use super::program::{attempt_of, latest_attempt, resume_and_save, Program, Setup};
use crate::directory::{collect_on, CollectOptions};
use crate::laboratory::disk::{fill_directory, read_directory, Files};
use crate::laboratory::{scratch, ERRNOS};
use crate::storage::{Fault, Kind, Local, Location, Recording};
use crate::{Code, Reason};

/// A directory in which a program saved, with a checkpoint whose removal was interrupted by a
/// crash.
fn start(setup: Setup) -> Files {
    let directory = scratch();
    let program = Program::resumed(directory.path(), setup).unwrap();
    (1..=3).for_each(|attempt| drop(program.save(&Local, attempt).unwrap()));
    let path = |name: &str| directory.path().join(name);
    for name in read_directory(directory.path()).into_keys() {
        if let Some(suffix) = name.to_str().unwrap().strip_prefix("ckpt-3") {
            std::fs::copy(path(name.to_str().unwrap()), path(&format!("ckpt-9{suffix}"))).unwrap();
        }
    }
    std::fs::rename(path("ckpt-9.index"), path("ckpt-9.index.ckpt-del-0123456789abcdef")).unwrap();
    read_directory(directory.path())
}

/// Fails each operation that `hits` selects with each error. Returns the number of failures.
fn fail(setup: Setup, hits: fn(Kind) -> bool, for_good: bool) -> usize {
    let start = start(setup);
    let directory = scratch();
    let mut points = 0;
    for errno in ERRNOS {
        for at in 0.. {
            fill_directory(directory.path(), &start);
            let program = Program::resumed(directory.path(), setup).unwrap();
            let recording = Recording::failing(Fault { at, errno, for_good, hits });
            let outcome = program.save(&recording, 50);
            let failed: Vec<Kind> = recording.tried().iter().filter(|(_, failed)| *failed).map(|(kind, _)| *kind).collect();
            if failed.is_empty() {
                outcome.unwrap();
                break;
            }
            points += 1;
            let verdict = judge(directory.path(), program, setup, outcome.map_err(|e| (e.errno(), e.reason())), errno);
            verdict.unwrap_or_else(|what| panic!("{setup:?}, {failed:?} with errno {errno} at {at}: {what}"));
        }
    }
    points
}

fn judge(
    directory: &Path,
    program: Program,
    setup: Setup,
    outcome: Result<std::path::PathBuf, (Option<i32>, Reason)>,
    errno: i32,
) -> Result<(), String> {
    let latest = latest_attempt(directory)?;
    match outcome {
        Ok(_) if latest != Some(50) => return Err("it succeeded, and is not the latest".into()),
        Err(_) if latest != Some(3) && latest != Some(50) => return Err(format!("it failed, and the latest is {latest:?}")),
        Err((found, _)) if found != Some(errno) => return Err(format!("another error: {found:?}")),
        _ => {}
    }
    if latest == Some(3) {
        let kept = program.manager.checkpoints().into_iter().filter(|path| path.with_extension("index").exists()).count();
        if kept < setup.keep.unwrap_or(0) as usize {
            return Err(format!("only {kept} checkpoints are left"));
        }
    }
    // The manager still works, and another program can use the directory.
    let path = program.save(&Local, 51).map_err(|e| format!("the next save: {e}"))?;
    if latest_attempt(directory)? != Some(51) || attempt_of(&path)? != 51 {
        return Err("the next save is not the latest".into());
    }
    let managed = program.manager.checkpoints().len();
    if managed > setup.keep.unwrap_or(i64::MAX) as usize {
        return Err(format!("{managed} are managed"));
    }
    drop(program);
    resume_and_save(directory, setup, &|_| false)
}

#[test]
fn any_operation_of_a_managed_save_may_fail() {
    let mut points = 0;
    for setup in [Setup::keeping(1, 1), Setup::keeping(2, 3), Setup { keep: Some(1), shards: 1, best: 1 }] {
        points += fail(setup, |_| true, false);
        points += fail(setup, |_| true, true);
        points += fail(setup, |kind| kind != Kind::Remove, true);
    }
    println!("managed saves: {points} fault points, nothing lost");
}

/// After a failed sync the system may drop the unwritten data: a second sync would succeed without
/// meaning anything.
#[test]
fn a_failed_sync_is_not_tried_again() {
    for at in 0..20 {
        let directory = scratch();
        let setup = Setup::keeping(1, 1);
        let program = Program::resumed(directory.path(), setup).unwrap();
        (1..=2).for_each(|attempt| drop(program.save(&Local, attempt).unwrap()));
        let hits = |kind| matches!(kind, Kind::SyncFile | Kind::SyncDirectory);
        let recording = Recording::failing(Fault { at, errno: libc::EIO, for_good: false, hits });
        let outcome = program.save(&recording, 3);
        if outcome.is_ok() {
            assert!((4..=6).contains(&at), "{at} syncs");
            return;
        }
        let synced = recording.synced();
        let mut once = synced.clone();
        once.dedup();
        assert_eq!(synced, once, "a file was synced twice");
        assert!(read_directory(directory.path()).contains_key("ckpt-2.index".as_ref() as &std::ffi::OsStr));
    }
    panic!("no save succeeded");
}

/// Collecting says what it could not remove, and why, and does not call it removed.
#[test]
fn collecting_tells_what_could_not_be_removed() {
    let directory = scratch();
    let program = Program::resumed(directory.path(), Setup::keeping(3, 1)).unwrap();
    (1..=3).for_each(|attempt| drop(program.save(&Local, attempt).unwrap()));
    drop(program);
    let at = Location::of(directory.path()).unwrap();
    let recording = Recording::failing(Fault { at: 0, errno: libc::EACCES, for_good: true, hits: |kind| kind == Kind::Remove });
    let collected = collect_on(&recording, &at, &CollectOptions::keep(1)).unwrap();
    let path = |n: u32| directory.path().join(format!("ckpt-{n}"));
    let failed: Vec<_> = collected.not_removed.iter().map(|left| (left.prefix.clone(), left.problem.code())).collect();
    assert_eq!(failed, [(path(1), Code::PermissionDenied), (path(2), Code::PermissionDenied)]);
    assert_eq!((collected.removed.len(), collected.kept, collected.leftovers.len()), (0, vec![path(3)], 0));
    assert!(path(1).with_extension("index").exists() && path(2).with_extension("index").exists());
    // The next one removes them.
    let again = collect_on(&Local, &at, &CollectOptions::keep(1)).unwrap();
    assert_eq!((again.not_removed.len(), again.kept), (0, vec![path(3)]));
    assert!(!path(1).with_extension("index").exists() && !path(2).with_extension("index").exists());
}
