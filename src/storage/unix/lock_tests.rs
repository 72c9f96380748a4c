//! Locks while system calls block, and while the process forks.

use std::cell::RefCell;
use std::sync::mpsc::{channel, Receiver, Sender};

use super::super::raw::{end_child, fork_a_sleeper};
use super::*;

/// Where a thread stops in the midst of its system calls, as in one that blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stop {
    Looking,
    Opened,
}

/// Where a thread stops, whom it tells, and who lets it go on.
type Gate = (Stop, Sender<()>, Receiver<()>);

thread_local! {
    /// Where this thread stops once.
    static STOPS: RefCell<Option<Gate>> = const { RefCell::new(None) };
}

pub(super) fn stop_at(here: Stop) {
    let stops = STOPS.with_borrow_mut(|stops| stops.take_if(|(stop, ..)| *stop == here));
    if let Some((_, reached, go_on)) = stops {
        reached.send(()).unwrap();
        go_on.recv().unwrap();
    }
}

fn open(path: &std::path::Path) -> Arc<File> {
    Arc::new(File::open(path).unwrap())
}

/// Takes a lock on a thread that stops at `stop`; `then` runs meanwhile. Returns the lock.
fn stopped(directory: &Arc<File>, stop: Stop, then: impl FnOnce()) -> Box<dyn Lock> {
    let (reached, is_reached) = channel();
    let (let_go, go_on) = channel();
    std::thread::scope(|scope| {
        let taking = scope.spawn(move || {
            STOPS.set(Some((stop, reached, go_on)));
            lock(directory, What::Manager, true, Some(Duration::ZERO)).unwrap()
        });
        is_reached.recv().unwrap();
        then();
        let_go.send(()).unwrap();
        taking.join().unwrap()
    })
}

/// Whether the system says that a process has a lock of this directory.
fn has_lock(process: i32, directory: &File) -> bool {
    let inode = place_of_file(directory).unwrap().1.to_string();
    let infos = std::fs::read_dir(format!("/proc/{process}/fdinfo")).unwrap();
    let text = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
    infos.map(text).any(|info| info.lines().any(|line| line.starts_with("lock:") && line.contains(&format!(":{inode} "))))
}

/// A system call that blocks, on a dead network file system, keeps nobody waiting who wants
/// another directory, nor a fork; and who wants that directory waits only as long as it likes.
#[test]
fn a_blocked_call_keeps_others_and_forks_from_nothing() {
    for stop in [Stop::Looking, Stop::Opened] {
        let (dead, alive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (dead, alive) = (open(dead.path()), open(alive.path()));
        let mut child = 0;
        let held = stopped(&dead, stop, || {
            let other = lock(&alive, What::Manager, true, Some(Duration::ZERO)).unwrap();
            other.check().unwrap();
            drop(other);
            drop(lock(&dead, What::State, false, Some(Duration::ZERO)).unwrap()); // in memory
            let refused = lock(&dead, What::State, true, Some(Duration::from_millis(5))).unwrap_err();
            assert_eq!(refused.to_string(), "this program itself");
            child = fork_a_sleeper();
        });
        // A child that was forked in the midst of it has no part in the lock.
        assert!(has_lock(std::process::id() as i32, &dead), "{stop:?}");
        assert!(!has_lock(child, &dead), "{stop:?}");
        held.check().unwrap();
        drop(held);
        drop(lock(&dead, What::Manager, true, None).unwrap());
        end_child(child);
    }
}

#[test]
fn a_child_has_none_of_the_locks_of_its_parent() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = open(scratch.path());
    let held = [What::Manager, What::State].map(|what| lock(&directory, what, true, None).unwrap());
    let child = fork_a_sleeper();
    assert!(has_lock(std::process::id() as i32, &directory) && !has_lock(child, &directory));
    held.iter().for_each(|held| held.check().unwrap());
    end_child(child);
}

#[test]
fn threads_that_take_all_kinds_of_locks_exclude_each_other() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = &open(scratch.path());
    let inside = &[const { std::sync::atomic::AtomicU32::new(0) }; 3];
    std::thread::scope(|scope| {
        for thread in 0..6 {
            scope.spawn(move || {
                for round in 0..40 {
                    let which = (thread + round) % 3;
                    let what = [What::Manager, What::State, What::Prefix(7)][which];
                    let held = lock(directory, what, thread % 3 != 2, Some(Duration::from_secs(60))).unwrap();
                    assert_eq!(inside[which].fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    held.check().unwrap();
                    inside[which].fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
    let status = directory.metadata().unwrap();
    assert!(!table().places.contains_key(&(status.dev(), status.ino())), "something is left of the directory");
}

/// Who sweeps holds the lock of a checkpoint for a moment. That is no reason to refuse its writer,
/// even one that does not wait; somebody who writes it is.
#[test]
fn a_lock_that_is_held_for_a_moment_is_waited_for() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = open(scratch.path());
    let what = What::Prefix(7);
    for in_file in [true, false].repeat(10) {
        let tried = lock(&directory, what, in_file, None).unwrap();
        let (begins, has_begun) = channel();
        let taken = std::thread::scope(|scope| {
            let waits = scope.spawn(|| {
                begins.send(()).unwrap();
                lock(&directory, what, in_file, Some(Duration::ZERO))
            });
            has_begun.recv().unwrap();
            drop(tried);
            waits.join().unwrap().unwrap()
        });
        let refused = lock(&directory, what, in_file, Some(Duration::ZERO)).unwrap_err();
        assert_eq!((refused.kind(), refused.to_string()), (ErrorKind::WouldBlock, "this program itself".to_owned()));
        assert_eq!(lock(&directory, what, in_file, None).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(taken);
    }
}

#[test]
fn who_only_tries_does_not_look_for_the_holder() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Arc::new(File::open(scratch.path()).unwrap());
    // A second open file is as another process.
    let other = LockFile::open(&directory).unwrap();
    other.lock(What::Manager.byte()).unwrap();
    let refused = |limit| {
        let error = lock(&directory, What::Manager, true, limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        error.get_ref().map(|text| text.to_string())
    };
    assert_eq!(refused(None), None);
    let found = refused(Some(Duration::ZERO)).unwrap();
    assert!(found.contains("process"), "{found}");
    drop(other);
    drop(lock(&directory, What::Manager, true, None).unwrap());
}
