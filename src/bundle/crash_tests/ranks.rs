//! P1 to P4 for saves by several ranks: the chief loses power, or one of its operations fails. The
//! sections are those of other machines.

use std::path::Path;
use std::sync::mpsc::{channel, Receiver, Sender};

use super::faults::Scenario;
use super::judge::{look, Found};
use super::states::{prepare, Run};
use crate::checkpoint::{Lead, Party, Place};
use crate::graph::Failure;
use crate::laboratory::disk::read_directory;
use crate::laboratory::rng::Rng;
use crate::laboratory::states::{budget, judge_all};
use crate::laboratory::{at, scratch};
use crate::storage::{Local, Location, Op, Recording, Storage};
use crate::{Checkpoint, DType, Error, Graph, Ranks, SaveOptions, Variable, WriteOptions};

const RANKS: u32 = 3;
const ROWS: usize = 90;

type Ends = Vec<(Sender<Vec<u8>>, Receiver<Vec<u8>>)>;

/// A rank that runs in a thread. The chief has a channel to each other rank, the others one to the
/// chief.
struct Thread(u32, Ends);

impl Ranks for Thread {
    fn rank(&self) -> u32 {
        self.0
    }

    fn count(&self) -> u32 {
        RANKS
    }

    fn gather(&self, message: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        if self.0 > 0 {
            self.1[0].0.send(message.to_vec())?;
            return Ok(Vec::new());
        }
        Ok(std::iter::once(Some(message.to_vec())).chain(self.1.iter().map(|(_, from)| from.recv().ok())).collect())
    }

    fn broadcast(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        if self.0 > 0 {
            return Ok(self.1[0].1.recv()?);
        }
        self.1.iter().for_each(|(to, _)| drop(to.send(message.to_vec())));
        Ok(message.to_vec())
    }
}

/// The program of a rank: its rows of a table, and a variable of its own. The values depend only on
/// the seed.
fn program(rank: u32, seed: u64) -> Checkpoint {
    let graph = Graph::new();
    let mut rng = Rng::new(seed);
    let table: Vec<u8> = (0..ROWS).map(|_| rng.next() as u8).collect();
    let (each, rank) = (ROWS / RANKS as usize, rank as usize);
    let rows = Variable::owned(DType::Uint8, &[each as i64], &table[rank * each..(rank + 1) * each]).unwrap();
    let slice = format!("{},{each}", rank * each).parse().unwrap();
    let root = graph.add_object().unwrap();
    let track = |name: &str, variable| graph.track(root, name, graph.add_variable(variable).unwrap()).unwrap();
    track("table", rows.part(&[ROWS as i64], &slice).unwrap());
    track(&format!("own{rank}"), Variable::owned(DType::Uint8, &[700], &vec![seed as u8 + rank as u8; 700]).unwrap());
    Checkpoint::new(&graph, root).unwrap()
}

/// Saves `prefix` by one thread per rank and returns the chief's result. `storage` is the chief's.
fn save(storage: &dyn Storage, prefix: &Path, seed: u64) -> Result<(), Error> {
    let options = SaveOptions::new().write(WriteOptions::new().threads(1));
    let (prefix, directory) = (at(prefix), at(prefix.parent().unwrap()));
    let place = Place::Merged(&directory);
    let (mut of_chief, mut others) = (Ends::new(), Vec::new());
    for rank in 1..RANKS {
        let ((to, from_chief), (to_chief, from)) = (channel(), channel());
        of_chief.push((to, from));
        others.push(Thread(rank, vec![(to_chief, from_chief)]));
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = others
            .into_iter()
            .map(|ranks| {
                let options = &options;
                scope.spawn(move || {
                    let checkpoint = program(ranks.0, seed);
                    let party = Party { ranks: &ranks, storage: &Local, place, options };
                    checkpoint.graph().with(|nodes| checkpoint.take_part(nodes, &party, None)).map(drop)
                })
            })
            .collect();
        let checkpoint = program(0, seed);
        let ranks = Thread(0, of_chief);
        let party = Party { ranks: &ranks, storage: &Local, place, options: &options };
        let mut settle = |_: &Location, written| written;
        let lead = Lead { storage, path: prefix.clone(), count: None, settle: &mut settle };
        let saved = checkpoint.graph().with(|nodes| checkpoint.take_part(nodes, &party, Some(lead))).map(drop);
        for other in others {
            let told = other.join().unwrap();
            assert_eq!(told.is_ok(), saved.is_ok(), "a rank was told otherwise than the chief");
        }
        saved
    })
}

/// Returns the checkpoint that a save leaves if nothing fails.
fn saved(seed: u64) -> Found {
    let directory = scratch();
    save(&Local, &directory.path().join("x"), seed).unwrap();
    let found = look(&directory.path().join("x"));
    let Found::Whole(values) = &found else { panic!("{found:?}") };
    assert_eq!(values.len(), 2 + RANKS as usize);
    assert_eq!(values["own2/.ATTRIBUTES/VARIABLE_VALUE"], vec![seed as u8 + 2; 700]);
    found
}

#[test]
fn a_crash_of_the_chief_while_ranks_save() {
    let runs = [0, 1, 3, 8].map(|old| {
        let directory = scratch();
        prepare(directory.path(), old);
        let Found::Whole(after) = saved(60) else { unreachable!() };
        let storage = Recording::new();
        let act = || save(&storage, &directory.path().join("x"), 60);
        Run::recorded(format!("ranks over {old}"), directory.path(), "x", &after, &storage, act)
    });
    assert!(runs.iter().all(|run| run.ops.last() == Some(&Op::Returned { ok: true })));
    judge_all("crash states of saves by ranks", &runs, budget() / 10);
}

#[test]
fn any_operation_of_the_chief_of_ranks_may_fail() {
    let act = |storage: &dyn Storage, directory: &Path| save(storage, &directory.join("x"), 60);
    let directory = scratch();
    prepare(directory.path(), 3);
    let start = read_directory(directory.path());
    Scenario { what: "ranks", start, after: saved(60), act: &act }.run_all();
}
