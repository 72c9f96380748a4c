//! What saves cost: the time of their phases, and the memory of their copies.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use checkpoint::{Busy, Code, Durability, ManagerOptions, Phase, PhaseCost, Reason, SaveOptions, WriteOptions};

use crate::world::{is, managed, unsynced, value_in, Gate, Program, LENGTH};

#[test]
fn the_phases_of_a_save_add_up() {
    let phases = [Phase::Copy, Phase::Write, Phase::Sync, Phase::Publish, Phase::Lock];
    let files = |program: &Program, prefix: &Path| -> u64 {
        let name = prefix.file_name().unwrap().to_str().unwrap().to_owned();
        let of_it = program.files().into_iter().filter(|file| file.starts_with(&name));
        of_it.map(|file| program.path(&file).metadata().unwrap().len()).sum()
    };
    for (durability, is_synced) in [(Durability::None, false), (Durability::Full, true)] {
        let options = SaveOptions::new().write(WriteOptions::new().durability(durability));
        let program = Program::new();
        let manager = program.manager(&ManagerOptions::new());
        assert_eq!(phases.map(|phase| manager.phase(phase)), [PhaseCost::default(); 5]);
        for kind in ["checkpoint", "manager", "not in the background"] {
            let begun = Instant::now();
            let (path, costs) = match kind {
                "checkpoint" => {
                    let pending = program.save_async(&options);
                    (pending.wait().unwrap(), phases.map(|phase| pending.phase(phase)))
                }
                "manager" => {
                    let pending = manager.save_async(&managed(options.clone())).unwrap().unwrap();
                    let path = pending.wait().unwrap();
                    let costs = phases.map(|phase| pending.phase(phase));
                    assert_eq!(costs, phases.map(|phase| manager.phase(phase)));
                    (path, costs)
                }
                _ => {
                    let path = manager.save(&managed(options.clone())).unwrap().unwrap();
                    (path, phases.map(|phase| manager.phase(phase)))
                }
            };
            let (all, sum) = (begun.elapsed().as_secs_f64(), costs.iter().map(|cost| cost.seconds).sum::<f64>());
            assert!(sum <= all, "{kind}: {sum} of {all}: {costs:?}");
            let [copied, written, synced, published, locked] = costs;
            let is_copied = kind != "not in the background";
            // The value and the counter.
            assert_eq!(copied.bytes, if is_copied { LENGTH as u64 + 8 } else { 0 }, "{kind}");
            assert_eq!(written.bytes, files(&program, &path), "{kind}");
            let state = program.path("checkpoint").metadata().unwrap().len();
            assert_eq!(synced.bytes, if is_synced { written.bytes + state } else { 0 }, "{kind}");
            assert_eq!((published.bytes, locked.bytes), (0, 0));
            assert!(copied.seconds > 0.0 || !is_copied, "{costs:?}");
            assert!(written.seconds > 0.0 && published.seconds > 0.0 && locked.seconds > 0.0, "{costs:?}");
            assert_eq!(synced.seconds > 0.0, is_synced, "{costs:?}");
        }
    }
}

#[test]
fn copies_are_limited_together() {
    let (running, other) = (Program::new(), Program::new());
    let (gate, options) = Gate::in_progress(unsynced());
    let first = running.save_async(&options);
    gate.wait();
    let limited = unsynced().snapshot_limit(LENGTH as u64 + 1000);
    let error = other.checkpoint.save_async(other.path("ckpt"), &limited.clone().busy(Busy::Fail)).unwrap_err();
    assert!(is(&error, Code::Unavailable, Reason::Busy), "{error}");
    let manager = other.manager(&ManagerOptions::new());
    let error = manager.save_async(&managed(limited.clone().busy(Busy::Fail))).unwrap_err();
    assert!(is(&error, Code::Unavailable, Reason::Busy), "{error}");
    for busy in [Busy::Wait, Busy::Fail] {
        let small = unsynced().snapshot_limit(LENGTH as u64 - 1).busy(busy);
        let error = other.checkpoint.write_async(other.path("ckpt"), &small).unwrap_err();
        assert!(is(&error, Code::ResourceExhausted, Reason::Limit), "{error}");
    }
    assert_eq!(other.checkpoint.save_count().unwrap(), 0); // nothing was counted
    thread::scope(|scope| {
        let second = scope.spawn(|| other.checkpoint.save_async(other.path("ckpt"), &limited));
        thread::sleep(Duration::from_millis(20));
        assert!(!second.is_finished());
        other.set(9); // it waits without the graph, and saves what is there when it copies
        gate.open();
        assert_eq!(value_in(&second.join().unwrap().unwrap().wait().unwrap()), 9);
    });
    first.wait().unwrap();
}

#[test]
fn a_callback_of_a_save_does_not_wait_for_the_copy_of_that_save() {
    let (running, other) = (Program::new(), Program::new());
    let (told, hear) = std::sync::mpsc::channel();
    let (checkpoint, path) = (other.checkpoint.clone(), other.path("ckpt"));
    let limited = unsynced().snapshot_limit(LENGTH as u64 + 1000);
    let options = unsynced().progress(std::sync::Arc::new(move |_, _| {
        let _ = told.send(checkpoint.save_async(&path, &limited).map(|_| ()));
        std::ops::ControlFlow::Continue(())
    }));
    running.save_async(&options).wait().unwrap();
    let error = hear.recv().unwrap().unwrap_err();
    assert!(is(&error, Code::FailedPrecondition, Reason::Reentrant), "{error}");
}
