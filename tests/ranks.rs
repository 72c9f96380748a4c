//! Checkpoints that several ranks save together: threads with channels between them, each of which
//! may stop listening at any point.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkpoint::{
    latest_checkpoint, merge, verify, Checkpoint, Code, DType, Durability, Error, Extent, Failure, Graph, Manager,
    ManagerOptions, ManagerSaveOptions, MergeOptions, NodeId, Ranks, Reader, Reason, RestoreOptions, ResumeOptions, SaveOptions,
    Sink, Slice, Source, State, StateOptions, Variable, VerifyOptions, WriteOptions,
};
use common::lock;
use tempfile::TempDir;

/// Rows and columns of the table that all ranks have a part of.
const SHAPE: [i64; 2] = [10, 3];

/// One end of what two ranks talk through.
type End = (Sender<Vec<u8>>, Receiver<Vec<u8>>);

/// What a rank talks through. The ends that it has are all: who drops them is known to be gone.
struct Channels {
    rank: u32,
    count: u32,
    /// Of the chief to each of the others; of another to the chief.
    ends: Mutex<Option<Vec<End>>>,
    /// How many calls it makes before it stops answering.
    lives_for: Mutex<usize>,
}

/// Ranks that can talk to each other.
fn world(count: u32) -> Vec<Channels> {
    let (mut of_chief, mut all) = (Vec::new(), Vec::new());
    for rank in 1..count {
        let ((to, from_chief), (to_chief, from)) = (channel(), channel());
        of_chief.push((to, from));
        all.push(Channels {
            rank,
            count,
            ends: Mutex::new(Some(vec![(to_chief, from_chief)])),
            lives_for: Mutex::new(usize::MAX),
        });
    }
    all.insert(0, Channels { rank: 0, count, ends: Mutex::new(Some(of_chief)), lives_for: Mutex::new(usize::MAX) });
    all
}

impl Channels {
    fn call<R>(&self, body: impl FnOnce(&[End]) -> Result<R, Failure>) -> Result<R, Failure> {
        let mut ends = self.ends.lock().unwrap();
        let mut lives_for = self.lives_for.lock().unwrap();
        match lives_for.checked_sub(1) {
            Some(left) => *lives_for = left,
            None => *ends = None,
        }
        body(ends.as_deref().ok_or("this rank was cut off")?)
    }
}

impl Ranks for Channels {
    fn rank(&self) -> u32 {
        self.rank
    }

    fn count(&self) -> u32 {
        self.count
    }

    fn gather(&self, message: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        self.call(|ends| {
            if self.rank > 0 {
                ends[0].0.send(message.to_vec()).map_err(|_| "the chief is gone")?;
                return Ok(Vec::new());
            }
            let others = ends.iter().map(|(_, from)| from.recv().ok());
            Ok(std::iter::once(Some(message.to_vec())).chain(others).collect())
        })
    }

    fn broadcast(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        self.call(|ends| {
            if self.rank > 0 {
                return ends[0].1.recv().map_err(|_| "the chief is gone".into());
            }
            ends.iter().for_each(|(to, _)| drop(to.send(message.to_vec())));
            Ok(message.to_vec())
        })
    }
}

/// What a rank has: its rows of a table, with a slot; a variable of its own; one that all have; a
/// step that it counts.
struct Program {
    graph: Graph,
    checkpoint: Checkpoint,
    table: NodeId,
    slot: NodeId,
    own: NodeId,
    shared: NodeId,
}

/// The rows of a rank, the first has more than the others.
fn rows(rank: u32, count: u32) -> (i64, i64) {
    let (rank, count) = (i64::from(rank), i64::from(count));
    let start = |rank: i64| if rank == 0 { 0 } else { 1 + rank * (SHAPE[0] - 1) / count };
    (start(rank), start(rank + 1).min(SHAPE[0]) - start(rank))
}

fn bytes(values: impl Iterator<Item = f32>) -> Vec<u8> {
    values.flat_map(f32::to_ne_bytes).collect()
}

fn values_of_rows((start, length): (i64, i64), round: f32) -> Vec<u8> {
    bytes((start * SHAPE[1]..(start + length) * SHAPE[1]).map(|n| round * 1000. + n as f32))
}

impl Program {
    fn new(rank: u32, count: u32, round: f32) -> Program {
        let graph = Graph::new();
        let variable = |shape: &[i64], bytes: &[u8]| Variable::owned(DType::Float, shape, bytes).unwrap();
        let cut = rows(rank, count);
        let slice = Slice::new(vec![Extent::range(cut.0, cut.1), Extent::FULL]);
        let part = || {
            let whole = variable(&[cut.1, SHAPE[1]], &values_of_rows(cut, round));
            graph.add_variable(whole.part(&SHAPE, &slice).unwrap()).unwrap()
        };
        let (table, slot) = (part(), part());
        let own = graph.add_variable(variable(&[1], &(round + rank as f32).to_ne_bytes())).unwrap();
        // What differs is the first rank's.
        let shared = graph.add_variable(variable(&[], &(round * 10. + rank as f32).to_ne_bytes())).unwrap();
        let (root, optimizer) = (graph.add_object().unwrap(), graph.add_slot_owner(None).unwrap());
        graph.track(root, "table", table).unwrap();
        graph.track(root, &format!("own{rank}"), own).unwrap();
        graph.track(root, "shared", shared).unwrap();
        graph.track(root, "optimizer", optimizer).unwrap();
        graph.set_slot(optimizer, table, "m", slot).unwrap();
        let checkpoint = Checkpoint::new(&graph, root).unwrap();
        Program { graph, checkpoint, table, slot, own, shared }
    }

    /// Fails unless it has what ranks of `round` saved.
    fn check(&self, rank: u32, count: u32, round: f32) {
        for part in [self.table, self.slot] {
            assert_eq!(self.graph.read(part).unwrap(), values_of_rows(rows(rank, count), round));
        }
        assert_eq!(self.graph.read(self.own).unwrap(), (round + rank as f32).to_ne_bytes());
        assert_eq!(self.graph.read(self.shared).unwrap(), (round * 10.).to_ne_bytes(), "what all have is that of the first");
    }
}

fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None).lock_wait(Duration::from_millis(200)))
}

/// Runs all ranks, and gives what each returns.
fn run<R: Send>(world: Vec<Channels>, body: impl Fn(&Channels) -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let body = &body;
        let ranks: Vec<_> = world.into_iter().map(|ranks| scope.spawn(move || body(&ranks))).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

/// All ranks of a new world save `prefix`.
fn save(world: Vec<Channels>, prefix: &Path, round: f32) -> Vec<Result<PathBuf, Error>> {
    run(world, |ranks| Program::new(ranks.rank, ranks.count, round).checkpoint.write_ranked(prefix, ranks, &unsynced()))
}

fn names(directory: &Path) -> BTreeSet<String> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".ckpt-lock")
        .collect()
}

/// Fails unless the checkpoint is whole and holds what `count` ranks of `round` saved.
fn check(prefix: &Path, count: u32, round: f32) {
    let found = verify(prefix, &VerifyOptions::new(), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    for rank in 0..count {
        let program = Program::new(rank, count, -1.);
        let status = program.checkpoint.read(prefix, &RestoreOptions::new()).unwrap();
        status.assert_existing_objects_matched().unwrap();
        status.expect_partial();
        program.check(rank, count, round);
    }
}

#[test]
fn ranks_save_one_checkpoint() {
    for count in 1..=4 {
        let directory = TempDir::new().unwrap();
        let prefix = directory.path().join("ckpt");
        for round in [1., 2.] {
            for saved in save(world(count), &prefix, round) {
                assert_eq!(saved.unwrap(), prefix);
            }
            check(&prefix, count, round);
        }
        let left = names(directory.path());
        assert!(left.iter().all(|name| name.starts_with("ckpt.index") || name.starts_with("ckpt.data-")), "{left:?}");
        let reader = Reader::open(&prefix).unwrap();
        let table = reader.get("table/.ATTRIBUTES/VARIABLE_VALUE").unwrap();
        assert_eq!((table.shape(), table.slices().len()), (&SHAPE[..], if count == 1 { 0 } else { count as usize }));
        assert_eq!(table.read().unwrap(), values_of_rows((0, SHAPE[0]), 2.));
    }
}

#[test]
fn other_ranks_restore_what_ranks_saved() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("ckpt");
    save(world(4), &prefix, 5.).into_iter().for_each(|saved| drop(saved.unwrap()));
    for count in 1..=6 {
        for rank in 0..count {
            let program = Program::new(rank, count, -1.);
            program.checkpoint.read(&prefix, &RestoreOptions::new()).unwrap().expect_partial();
            assert_eq!(program.graph.read(program.table).unwrap(), values_of_rows(rows(rank, count), 5.), "{rank} of {count}");
            assert_eq!(program.graph.read(program.slot).unwrap(), values_of_rows(rows(rank, count), 5.), "{rank} of {count}");
        }
    }
}

/// The object graph is that of one process that has all of it.
#[test]
fn the_object_graph_has_every_object_once() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("ckpt");
    save(world(3), &prefix, 1.).into_iter().for_each(|saved| drop(saved.unwrap()));
    let saved = Reader::open(&prefix).unwrap().object_graph().unwrap().unwrap();
    let names: Vec<&str> = saved.node(0).unwrap().children().map(|edge| edge.name).collect();
    assert_eq!(names, ["table", "own0", "shared", "optimizer", "own1", "own2"]);
    assert_eq!(saved.len(), 8);
    let slots: Vec<_> = saved.nodes().flat_map(|node| node.slot_variables()).collect();
    assert_eq!((slots.len(), slots[0].original_variable, slots[0].name), (1, 1, "m"));
}

#[test]
fn saves_are_counted_together_and_recorded_once() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("ckpt");
    let (saved, heard) = (Mutex::new(Vec::new()), Arc::new(Mutex::new(Vec::new())));
    let counts = run(world(3), |ranks| {
        let program = Program::new(ranks.rank, ranks.count, 1.);
        // Has saved by itself, so that its count is ahead of the chief's.
        if ranks.rank == 1 {
            program.checkpoint.save(directory.path().join("alone"), &unsynced()).unwrap();
        }
        let (rank, hears) = (ranks.rank, heard.clone());
        let options = unsynced().callback(Arc::new(move |path: &Path| {
            hears.lock().unwrap().push((rank, path.to_owned()));
            Ok(())
        }));
        let paths = [1, 2].map(|_| program.checkpoint.save_ranked(&prefix, ranks, &options).unwrap());
        saved.lock().unwrap().push(paths);
        program.checkpoint.save_count().unwrap()
    });
    assert_eq!(counts, [2, 2, 2]);
    let expected = [1, 2].map(|n| directory.path().join(format!("ckpt-{n}")));
    assert!(saved.lock().unwrap().iter().all(|paths| *paths == expected));
    assert_eq!(*heard.lock().unwrap(), expected.clone().map(|path| (0, path)), "write callbacks are the chief's");
    assert_eq!(latest_checkpoint(directory.path()).unwrap(), Some(expected[1].clone()));
    let program = Program::new(0, 1, -1.);
    program.checkpoint.restore(&expected[1], &RestoreOptions::new()).unwrap().expect_partial();
    assert_eq!(program.checkpoint.save_count().unwrap(), 2);
}

/// A rank that stops answering, at any point, is named; what was there stays, and what it leaves
/// goes with the next save.
#[test]
fn a_rank_that_stops_answering_is_named_and_the_checkpoint_before_stays() {
    for lost in 1..4 {
        for calls in 0..4 {
            let directory = TempDir::new().unwrap();
            let prefix = directory.path().join("ckpt");
            save(world(4), &prefix, 1.).into_iter().for_each(|saved| drop(saved.unwrap()));
            let before = names(directory.path());
            let ranks = world(4);
            *ranks[lost].lives_for.lock().unwrap() = calls;
            let mut saved = save(ranks, &prefix, 2.);
            let own = saved.remove(lost).unwrap_err();
            assert_eq!((own.code(), own.reason()), (Code::Unavailable, Reason::Rank), "{own}");
            // Its section is there when it did not hear that the checkpoint is.
            if calls == 3 {
                saved.into_iter().for_each(|saved| drop(saved.unwrap()));
                check(&prefix, 4, 2.);
                continue;
            }
            for saved in saved {
                let error = saved.unwrap_err();
                assert_eq!((error.code(), error.reason()), (Code::Unavailable, Reason::Rank), "{error}");
                assert!(error.to_string().contains(&format!("rank {lost} did not take part")), "{error}");
            }
            check(&prefix, 4, 1.);
            assert_eq!(names(directory.path()), before, "rank {lost} after {calls} calls");
        }
    }
}

#[test]
fn without_the_chief_nobody_saves_and_what_is_left_goes_with_the_next_save() {
    for calls in 0..4 {
        let directory = TempDir::new().unwrap();
        let prefix = directory.path().join("ckpt");
        save(world(3), &prefix, 1.).into_iter().for_each(|saved| drop(saved.unwrap()));
        let ranks = world(3);
        *ranks[0].lives_for.lock().unwrap() = calls;
        for saved in save(ranks, &prefix, 2.) {
            let error = saved.unwrap_err();
            assert_eq!((error.code(), error.reason()), (Code::Unavailable, Reason::Rank), "{error}");
        }
        // When it had merged all and could not say so, the new one is there.
        check(&prefix, 3, if calls == 3 { 2. } else { 1. });
        save(world(2), &directory.path().join("next"), 3.).into_iter().for_each(|saved| drop(saved.unwrap()));
        let left = names(directory.path());
        assert!(left.iter().all(|name| !name.contains(".ckpt-tmp-")), "{left:?}");
    }
}

#[test]
fn a_rank_that_cannot_save_is_named_to_all() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("ckpt");
    save(world(3), &prefix, 1.).into_iter().for_each(|saved| drop(saved.unwrap()));
    let before = names(directory.path());
    for bad in 0..3 {
        let errors = run(world(3), |ranks| {
            let program = Program::new(ranks.rank, ranks.count, 2.);
            if ranks.rank == bad {
                let none = program.graph.add_variable(Variable::without_value(None, None).unwrap()).unwrap();
                program.graph.track(program.checkpoint.root(), "none", none).unwrap();
            }
            program.checkpoint.write_ranked(&prefix, ranks, &unsynced()).unwrap_err()
        });
        for error in &errors {
            assert_eq!((error.code(), error.reason()), (Code::FailedPrecondition, Reason::Rank), "{error}");
            assert!(error.to_string().contains(&format!("rank {bad}: ")), "{error}");
            assert_eq!(error.to_string(), errors[0].to_string());
        }
    }
    // While it writes.
    for bad in 0..3 {
        let errors = run(world(3), |ranks| {
            let stop = ranks.rank == bad;
            let options = unsynced().progress(Arc::new(move |_, _| {
                if stop {
                    std::ops::ControlFlow::Break(())
                } else {
                    std::ops::ControlFlow::Continue(())
                }
            }));
            Program::new(ranks.rank, ranks.count, 2.).checkpoint.write_ranked(&prefix, ranks, &options).unwrap_err()
        });
        for error in errors {
            assert_eq!(error.code(), Code::Cancelled, "{error}");
            assert!(error.to_string().contains(&format!("rank {bad}: ")), "{error}");
        }
    }
    check(&prefix, 3, 1.);
    assert_eq!(names(directory.path()), before);
}

#[test]
fn ranks_that_do_not_fit_together_are_refused() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("ckpt");
    let refused = |change: &(dyn Fn(&Program) + Sync)| {
        let errors = run(world(2), |ranks| {
            let program = Program::new(ranks.rank, ranks.count, 2.);
            if ranks.rank == 1 {
                change(&program);
            }
            program.checkpoint.write_ranked(&prefix, ranks, &unsynced()).unwrap_err()
        });
        assert_eq!(errors[0].to_string(), errors[1].to_string());
        assert_eq!(errors[0].code(), Code::InvalidArgument, "{}", errors[0]);
        assert_eq!(names(directory.path()), BTreeSet::new());
        errors[0].to_string()
    };
    let floats = |shape: &[i64]| Variable::zeros(DType::Float, shape).unwrap();
    let replace = |program: &Program, name: &str, variable: Variable| {
        let other = program.graph.add_variable(variable).unwrap();
        program.graph.track_overwrite(program.checkpoint.root(), name, other).unwrap();
    };
    assert!(refused(&|program| replace(program, "shared", floats(&[7]))).contains("ranks 0 and 1"));
    let overlapping = || floats(&[6, 3]).part(&SHAPE, &"4,6:-".parse().unwrap()).unwrap();
    assert!(refused(&|program| {
        program.graph.remove(program.slot).unwrap();
        replace(program, "table", overlapping());
    })
    .contains("overlap"));
    // What is one object to the one rank, under one key, is another's under another.
    assert!(refused(&|program| {
        let (root, own) = (program.checkpoint.root(), program.own);
        program.graph.untrack(root, "shared").unwrap();
        program.graph.track(root, "own0", own).unwrap();
        program.graph.track_overwrite(root, "shared", own).unwrap();
    })
    .contains("different keys"));
}

/// State with one tensor.
struct Counter(Arc<Mutex<i64>>);

impl State for Counter {
    fn save(&mut self, sink: &mut Sink) -> Result<(), Failure> {
        let value = *self.0.lock().unwrap();
        sink.put("count", DType::Int64, &[], &value.to_ne_bytes())?;
        Ok(())
    }

    fn restore(&mut self, source: &Source) -> Result<(), Failure> {
        let bytes = source.find("count").ok_or("no count")?.bytes().try_into()?;
        *self.0.lock().unwrap() = i64::from_ne_bytes(bytes);
        Ok(())
    }
}

#[test]
fn state_and_text_of_several_ranks_are_saved_once() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("ckpt");
    let add = |program: &Program, value: i64| {
        let value = Arc::new(Mutex::new(value));
        let state = program.graph.add_state(Box::new(Counter(value.clone())), &StateOptions::new()).unwrap();
        let text = program.graph.add_text(format!("of rank {}", value.lock().unwrap()).as_bytes()).unwrap();
        program.graph.track(program.checkpoint.root(), "state", state).unwrap();
        program.graph.track(program.checkpoint.root(), "text", text).unwrap();
        (value, text)
    };
    let saved = run(world(3), |ranks| {
        let program = Program::new(ranks.rank, ranks.count, 1.);
        if ranks.rank > 0 {
            add(&program, ranks.rank.into());
        }
        program.checkpoint.write_ranked(&prefix, ranks, &unsynced()).map(drop)
    });
    saved.into_iter().for_each(Result::unwrap);
    let program = Program::new(0, 1, -1.);
    let (value, text) = add(&program, 77);
    program.checkpoint.read(&prefix, &RestoreOptions::new()).unwrap().expect_partial();
    assert_eq!(*value.lock().unwrap(), 1);
    assert_eq!(program.graph.read_strings(text).unwrap().get(0), Some(b"of rank 1".as_slice()));
}

#[test]
fn sections_are_merged_later_and_those_that_are_missing_are_named() {
    let (directory, disks) = (TempDir::new().unwrap(), [(); 4].map(|()| TempDir::new().unwrap()));
    let sections = run(world(4), |ranks| {
        let prefix = disks[ranks.rank as usize].path().join("ckpt-7");
        Program::new(ranks.rank, ranks.count, 3.).checkpoint.write_section(prefix, ranks, &unsynced()).unwrap()
    });
    for (rank, section) in sections.iter().enumerate() {
        assert_eq!(*section, disks[rank].path().join(format!("ckpt-7.section-{rank:05}-of-00004")));
    }
    let prefix = directory.path().join("ckpt-7");
    let merged = |sections: &[PathBuf], keep: bool| {
        let options = MergeOptions::new().durability(Durability::None).keep_inputs(keep);
        merge(&prefix, sections, &options, &mut |_, _| std::ops::ControlFlow::Continue(()))
    };
    let away: Vec<PathBuf> = [1, 3].map(|rank| sections[rank].clone()).into();
    for section in &away {
        let index = format!("{}.index", section.display());
        std::fs::rename(&index, format!("{index}-away")).unwrap();
    }
    let error = merged(&sections, true).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    for part in ["2 of 4 sections are missing", "section-00001-of-00004", "section-00003-of-00004"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(names(directory.path()), BTreeSet::new());
    for section in &away {
        let index = format!("{}.index", section.display());
        std::fs::rename(format!("{index}-away"), &index).unwrap();
    }
    merged(&sections, false).unwrap();
    check(&prefix, 4, 3.);
    disks.iter().for_each(|disk| assert_eq!(names(disk.path()), BTreeSet::new()));
}

#[test]
fn sections_of_a_save_that_failed_are_gone() {
    let disks = [(); 3].map(|()| TempDir::new().unwrap());
    let ranks = world(3);
    *ranks[2].lives_for.lock().unwrap() = 2;
    let errors = run(ranks, |ranks| {
        let prefix = disks[ranks.rank as usize].path().join("ckpt");
        Program::new(ranks.rank, ranks.count, 3.).checkpoint.write_section(prefix, ranks, &unsynced()).unwrap_err()
    });
    assert!(errors[0].to_string().contains("rank 2 did not take part"), "{}", errors[0]);
    disks.iter().for_each(|disk| assert_eq!(names(disk.path()), BTreeSet::new()));
}

#[test]
fn a_manager_keeps_what_ranks_save() {
    let directory = TempDir::new().unwrap();
    let interval = |ranks: &Channels| {
        let program = Program::new(ranks.rank, ranks.count, 1.);
        let options = ManagerOptions::new().max_to_keep(2).checkpoint_interval(10).steps_in_calls(true);
        let manager = Manager::open(&program.checkpoint, directory.path(), &options).unwrap();
        (program, manager)
    };
    let paths = run(world(3), |ranks| {
        let (_program, manager) = interval(ranks);
        let save = |step: i64| manager.save_ranked(ranks, &ManagerSaveOptions::new().step(step).save(unsynced())).unwrap();
        [0, 5, 10, 15, 20].map(save).into_iter().flatten().collect::<Vec<_>>()
    });
    let expected = [1, 2, 3].map(|n| directory.path().join(format!("ckpt-{n}")));
    assert!(paths.iter().all(|paths| *paths == expected), "{paths:?}");
    assert_eq!(latest_checkpoint(directory.path()).unwrap(), Some(expected[2].clone()));
    let kept: BTreeSet<String> = names(directory.path()).into_iter().filter(|name| name.ends_with(".index")).collect();
    assert_eq!(kept, ["ckpt-2.index", "ckpt-3.index"].map(str::to_owned).into());
    // The others go on from there, on as many ranks as they are, and do not touch the directory.
    let steps = run(world(2), |ranks| {
        let (program, manager) = interval(ranks);
        let resumed = manager.restore_or_initialize(&ResumeOptions::new().step(20)).unwrap();
        resumed.status.unwrap().expect_partial();
        assert_eq!(program.graph.read(program.table).unwrap(), values_of_rows(rows(ranks.rank, ranks.count), 1.));
        let early = manager.save_ranked(ranks, &ManagerSaveOptions::new().step(25).save(unsynced())).unwrap();
        assert_eq!(early, None);
        manager.save_ranked(ranks, &ManagerSaveOptions::new().step(30).save(unsynced())).unwrap().unwrap()
    });
    assert_eq!(steps, [directory.path().join("ckpt-4"), directory.path().join("ckpt-4")]);
}

#[test]
fn a_checkpoint_that_another_process_writes_is_refused_to_all() {
    let directory = TempDir::new().unwrap();
    let held = lock::try_lock(directory.path(), lock::of_checkpoint("ckpt")).unwrap();
    for saved in save(world(3), &directory.path().join("ckpt"), 1.) {
        assert_eq!(saved.unwrap_err().code(), Code::Unavailable);
    }
    drop(held);
    save(world(3), &directory.path().join("ckpt"), 1.).into_iter().for_each(|saved| drop(saved.unwrap()));
}

fn sections_of(base: &str) -> String {
    format!(".ckpt-tmp-{:016x}-0123456789abcdef-ranks", lock::hash(base))
}

/// Nothing is removed but what has our names, in directories of our names, not by way of links, and
/// while nobody writes it.
#[test]
fn only_sections_whose_lock_is_free_are_swept() {
    let directory = TempDir::new().unwrap();
    let elsewhere = TempDir::new().unwrap();
    let put = |path: &Path| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
        path.to_owned()
    };
    let sections = directory.path().join(sections_of("x"));
    let temporary = format!("00001/.ckpt-tmp-{:016x}-0123456789abcdef-index", lock::hash("part"));
    let left = ["00001/part.index", "00001/part.data-00000-of-00001", &temporary];
    let left = left.map(|name| put(&sections.join(name)));
    let foreign = ["00001/notes", "00001/part.indexes", "notes/part.index", "1/part.index", "part.index"];
    let foreign = foreign.map(|name| put(&sections.join(name)));
    let busy = put(&sections.join("00002/part.index"));
    let others = put(&elsewhere.path().join("00000/part.index"));
    let link = directory.path().join(sections_of("y"));
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("00000"), sections.join("00003")).unwrap();
    let not_ours = put(&directory.path().join(sections_of("z")).with_extension("bak").join("00000/part.index"));
    let held = lock::try_lock(busy.parent().unwrap(), lock::of_checkpoint("part")).unwrap();
    let write = |round: f32| Program::new(0, 1, round).checkpoint.write(directory.path().join("w"), &unsynced()).unwrap();
    write(1.);
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
    assert!(foreign.iter().chain([&busy, &others, &not_ours]).all(|path| path.exists()));
    drop(held);
    write(2.);
    assert!(!busy.parent().unwrap().exists());
    assert!(foreign.iter().chain([&others, &not_ours, &link]).all(|path| path.exists()));
}
