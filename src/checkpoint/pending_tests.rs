//! Saves in the background where each operation on the file system fails in turn.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::laboratory::disk::read_directory;
use crate::laboratory::{at, scratch};
use crate::storage::{Fault, Kind, Local, Recording};
use crate::{
    latest_checkpoint, verify, Checkpoint, DType, Error, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId, SaveOptions,
    Variable, VerifyOptions, WriteOptions,
};

const ERRNOS: [i32; 3] = [libc::ENOSPC, libc::EIO, libc::EACCES];

struct Program {
    graph: Graph,
    value: NodeId,
    checkpoint: Checkpoint,
}

fn program() -> Program {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let value = graph.add_variable(Variable::zeros(DType::Uint8, &[1000]).unwrap()).unwrap();
    graph.track(root, "value", value).unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    Program { graph, value, checkpoint }
}

/// Options with one thread, so that every run makes the same operations.
fn options() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().shards(2).threads(1))
}

fn failing(at: usize, errno: i32) -> Arc<Recording> {
    Arc::new(Recording::failing(Fault { at, errno, for_good: false, hits: |kind| kind != Kind::Remove }))
}

fn has_failed(recording: &Recording) -> bool {
    recording.tried().iter().any(|(_, failed)| *failed)
}

fn is_whole(prefix: &Path) -> bool {
    let verified = verify(prefix, &VerifyOptions::new(), &mut |_| ControlFlow::Continue(()));
    verified.unwrap().problems.is_empty()
}

/// Runs `save` with every operation failing in turn, and returns the number of operations.
fn each_fault(mut save: impl FnMut(&Arc<Recording>, i32)) -> usize {
    let mut points = 0;
    for errno in ERRNOS {
        for at in 0.. {
            let recording = failing(at, errno);
            save(&recording, errno);
            if !has_failed(&recording) {
                break;
            }
            points += 1;
        }
    }
    points
}

#[test]
fn what_fails_in_the_background_comes_out_of_wait() {
    let points = each_fault(|recording, errno| {
        let directory = scratch();
        let program = program();
        let prefix = directory.path().join("ckpt");
        program.checkpoint.save(&prefix, &options()).unwrap();
        program.graph.assign(program.value, DType::Uint8, &[1000], &[7; 1000]).unwrap();

        let pending = program.checkpoint.save_async_on(recording.clone(), &at(&prefix), &options()).unwrap();
        let outcome = pending.wait();
        assert_eq!(outcome.is_err(), has_failed(recording));
        assert!(pending.poll().is_finished);
        let Err(error) = outcome else { return };
        assert_eq!(error.errno(), Some(errno), "{error}");
        assert_eq!(pending.wait().unwrap_err().to_string(), error.to_string());
        let latest = latest_checkpoint(directory.path()).unwrap().unwrap();
        assert!(is_whole(&latest), "after {error}");
        assert!(is_whole(&directory.path().join("ckpt-1")), "after {error}");

        // `wait` has reported the error, so no other call does.
        program.checkpoint.sync().unwrap();
        assert_eq!(program.checkpoint.save(&prefix, &options()).unwrap(), directory.path().join("ckpt-3"));
        assert_eq!(latest_checkpoint(directory.path()).unwrap(), Some(directory.path().join("ckpt-3")));
    });
    assert!(points > 30, "{points} points");
}

/// Whatever call saves next, it saves, and the error is still there to be asked for.
#[test]
fn what_nobody_heard_of_costs_no_other_save() {
    type Next = fn(&Program, &Path) -> Result<(), Error>;
    let nexts: [Next; 3] = [
        |program, prefix| program.checkpoint.save(prefix, &options()).map(drop),
        |program, prefix| program.checkpoint.write(prefix, &options()).map(drop),
        |program, prefix| program.checkpoint.save_async(prefix, &options()).and_then(|pending| pending.wait().map(drop)),
    ];
    for next in nexts {
        let directory = scratch();
        let program = program();
        let prefix = directory.path().join("ckpt");
        drop(program.checkpoint.write_async_on(failing(3, libc::EIO), &at(&prefix), &options()).unwrap());
        next(&program, &prefix).unwrap();
        assert!(!read_directory(directory.path()).is_empty());
        assert_eq!(program.checkpoint.last_failure().and_then(|e| e.errno()), Some(libc::EIO));
        assert_eq!(program.checkpoint.sync().unwrap_err().errno(), Some(libc::EIO));
        program.checkpoint.sync().unwrap();
    }
}

#[test]
fn a_restore_waits_and_leaves_the_error_to_others() {
    let directory = scratch();
    let program = program();
    let prefix = directory.path().join("ckpt");
    let whole = program.checkpoint.write_async(directory.path().join("whole"), &options()).unwrap();
    program.checkpoint.read(whole.path(), &crate::RestoreOptions::new()).unwrap();
    drop(program.checkpoint.write_async_on(failing(0, libc::EIO), &at(&prefix), &options()).unwrap());
    program.checkpoint.read(directory.path().join("whole"), &crate::RestoreOptions::new()).unwrap();
    assert_eq!(program.checkpoint.sync().unwrap_err().errno(), Some(libc::EIO));
    program.checkpoint.sync().unwrap();
}

/// Whatever fails, the manager lists only complete checkpoints, and a step whose save failed can be
/// saved again.
#[test]
fn a_manager_does_not_list_what_failed() {
    let points = each_fault(|recording, errno| {
        let directory = scratch();
        let program = program();
        let kept = ManagerOptions::new().max_to_keep(2).checkpoint_interval(10).steps_in_calls(true);
        let manager = Manager::open(&program.checkpoint, directory.path(), &kept).unwrap();
        let at = |step: i64| ManagerSaveOptions::new().save(options()).step(step);
        for step in [10, 20] {
            manager.save_async(&at(step)).unwrap().unwrap().wait().unwrap();
        }
        let before = manager.checkpoints();
        assert_eq!(before.len(), 2);

        let pending = manager.save_async_on(recording.clone(), &at(30)).unwrap().unwrap();
        // A checkpoint that cannot be removed is left for the next save.
        let Err(error) = pending.wait() else {
            assert_eq!(manager.latest_checkpoint().as_deref(), Some(pending.path()));
            assert!(manager.save_async(&at(31)).unwrap().is_none());
            return;
        };
        assert_eq!(error.errno(), Some(errno), "{error}");
        assert!(manager.checkpoints().iter().all(|path| is_whole(path)), "after {error}: {:?}", manager.checkpoints());
        assert!(is_whole(&manager.latest_checkpoint().unwrap()));
        assert_eq!(manager.checkpoints().contains(&pending.path().to_owned()), manager.checkpoints() != before);

        let path = manager.save_async(&at(30)).unwrap().expect("the step counts as not saved").wait().unwrap();
        assert_eq!(manager.latest_checkpoint(), Some(path));
        assert_eq!(manager.checkpoints().len(), 2);
        assert!(manager.checkpoints().iter().all(|path| is_whole(path)));
    });
    assert!(points > 40, "{points} points");
}

#[test]
fn a_manager_that_could_not_write_is_as_it_was() {
    let directory = scratch();
    let program = program();
    let manager = Manager::open(&program.checkpoint, directory.path(), &ManagerOptions::new().max_to_keep(1)).unwrap();
    let first = manager.save_async(&ManagerSaveOptions::new()).unwrap().unwrap().wait().unwrap();
    let before = read_directory(directory.path());
    let recording =
        Arc::new(Recording::failing(Fault { at: 0, errno: libc::ENOSPC, for_good: false, hits: |kind| kind == Kind::Write }));
    drop(manager.save_async_on(recording, &ManagerSaveOptions::new()).unwrap());
    assert_eq!(program.checkpoint.sync().unwrap_err().errno(), Some(libc::ENOSPC));
    assert_eq!(manager.last_failure().and_then(|e| e.errno()), Some(libc::ENOSPC));
    assert!(read_directory(directory.path()) == before);
    assert_eq!((manager.checkpoints(), manager.latest_checkpoint()), (vec![first.clone()], Some(first)));
    let path = manager.save_on(&Local, &ManagerSaveOptions::new()).unwrap().unwrap();
    assert_eq!(manager.checkpoints(), [path]);
}
