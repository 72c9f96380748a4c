//! What is held is not removed.

use checkpoint::{Code, Pin};
use tempfile::tempdir;

use crate::program::*;

#[test]
fn who_is_held_stays_until_let_go() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    let first = save(&manager);
    let pin = Pin::new(&first).unwrap();
    assert_eq!(pin.prefix(), first);
    (0..3).for_each(|_| drop(save(&manager)));
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-4"]);
    assert_eq!(manager.checkpoints(), [scratch.path().join("ckpt-4")]);
    // Also over a restart.
    drop(manager);
    let manager = program.manage(scratch.path(), &keep(1));
    save(&manager);
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-5"]);
    drop(pin);
    save(&manager);
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-6"]);
}

#[test]
fn the_latest_can_be_held_while_others_come_and_go() {
    let scratch = tempdir().unwrap();
    assert!(Pin::latest(scratch.path()).unwrap().is_none());
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    save(&manager);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut held = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) || held == 0 {
                let pin = Pin::latest(scratch.path()).unwrap().unwrap();
                let reader = checkpoint::Reader::open(pin.prefix()).unwrap();
                reader.get("value/.ATTRIBUTES/VARIABLE_VALUE").unwrap().read().unwrap();
                held += 1;
            }
            held
        });
        (0..200).for_each(|_| drop(save(&manager)));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    save(&manager);
    assert_eq!(checkpoints_in(scratch.path()).len(), 1);
}

#[test]
fn what_is_not_there_cannot_be_held() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    let first = save(&manager);
    save(&manager);
    for path in [first, scratch.path().join("never-1")] {
        assert_eq!(Pin::new(path).unwrap_err().code(), Code::NotFound);
    }
}
