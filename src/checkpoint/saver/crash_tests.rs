//! P1, P2, P4 and P15 of RELIABILITY.md for savers. The operations of whole runs of a program that
//! saves by names are recorded; for every state that a power failure may leave, a resumed program
//! checks that it can continue.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Saver, SaverOptions, SaverSaveOptions};
use crate::directory::get_checkpoint_state;
use crate::laboratory::disk::{fill_directory, read_directory, Disk};
use crate::laboratory::rng::Rng;
use crate::laboratory::states::{self, ordered_cuts, Cut, Exploration};
use crate::laboratory::{at, judge, scratch};
use crate::storage::{Fault, Kind, Local, Op, Recording, Storage};
use crate::{DType, Graph, NodeId, Reader, Result, SaveOptions, Variable, WriteOptions};

const LENGTH: usize = 100;

/// Returns values that are unique to an attempt.
fn values(attempt: u64) -> Vec<u8> {
    (0..LENGTH as u64).map(|i| (attempt.wrapping_mul(0x9e37_79b9).wrapping_add(i * i) >> 3) as u8).collect()
}

struct Program {
    graph: Graph,
    variable: NodeId,
    saver: Saver,
}

impl Program {
    /// A program that resumes where another one ended.
    fn resumed(directory: &Path, keep: usize) -> Result<Program> {
        let graph = Graph::new();
        let variable = graph.add_variable(Variable::zeros(DType::Uint8, &[LENGTH as i64])?)?;
        let saver = Saver::new(&graph, &[("v", variable)], &SaverOptions::new().max_to_keep(keep))?;
        let known = get_checkpoint_state(directory)?.map(|state| state.all).unwrap_or_default();
        saver.recover_last_checkpoints(known)?;
        Ok(Program { graph, variable, saver })
    }

    fn save(&self, storage: &dyn Storage, directory: &Path, attempt: u64) -> Result<()> {
        self.graph.assign(self.variable, DType::Uint8, &[LENGTH as i64], &values(attempt))?;
        // One thread, so that every run makes the same operations.
        let save = SaveOptions::new().write(WriteOptions::new().threads(1));
        let options = SaverSaveOptions::new().global_step(attempt as i64).save(save);
        self.saver.save_on(storage, &at(directory.join("model")), &options).map(drop)
    }
}

/// Returns the attempt that wrote the latest checkpoint; `None` if there is no checkpoint.
fn latest(directory: &Path) -> std::result::Result<Option<u64>, String> {
    let Some(latest) = judge::latest(directory)? else { return Ok(None) };
    let step: u64 = latest.to_str().and_then(|p| p.rsplit('-').next()).and_then(|step| step.parse().ok()).ok_or("no step")?;
    let bytes =
        Reader::open(&latest).and_then(|reader| reader.get("v")?.read()).map_err(|e| format!("step {step} is broken: {e}"))?;
    if bytes == values(step) {
        Ok(Some(step))
    } else {
        Err(format!("step {step} is a mix"))
    }
}

/// Resumes at the step after the latest and saves. Afterwards the directory must contain exactly
/// the newest checkpoints, all complete.
fn resume_and_save(directory: &Path, keep: usize) -> std::result::Result<(), String> {
    let program = Program::resumed(directory, keep).map_err(|e| format!("resuming: {e}"))?;
    let next = latest(directory)?.unwrap_or(0) + 1;
    program.save(&Local, directory, next).map_err(|e| format!("the next save: {e}"))?;
    if latest(directory)? != Some(next) {
        return Err("the next save is not the latest".into());
    }
    let mut expected: BTreeSet<String> = ["checkpoint".to_owned()].into();
    let known = program.saver.last_checkpoints();
    for path in &known {
        let name = path.file_name().unwrap().to_str().unwrap();
        Reader::open(path).map_err(|e| e.to_string())?;
        expected.extend(judge::files_of(directory, name));
    }
    let there = judge::names_in(directory);
    if there == expected && known.len() <= keep {
        Ok(())
    } else {
        Err(format!("after the next save there are {there:?}, and not {expected:?}"))
    }
}

#[test]
fn a_crash_leaves_a_latest_checkpoint_that_is_whole() {
    let mut rng = Rng::new(7);
    let mut count_of_states = 0;
    for (keep, earlier) in [(1, 0), (1, 2), (2, 3)] {
        let directory = scratch();
        let program = Program::resumed(directory.path(), keep).unwrap();
        (1..=earlier).for_each(|attempt| program.save(&Local, directory.path(), attempt).unwrap());
        let start = read_directory(directory.path());
        let before = latest(directory.path()).unwrap();
        let program = Program::resumed(directory.path(), keep).unwrap();
        let recording = Recording::new();
        for attempt in earlier + 1..=earlier + 2 {
            program.save(&recording, directory.path(), attempt).unwrap();
            recording.returned(true);
        }
        let ops = recording.ops();
        let disks = &states::disks(Disk::holding(&start), &ops)[..];
        let acknowledged = |at: usize| {
            let returned = ops[..at].iter().filter(|op| matches!(op, Op::Returned { .. })).count() as u64;
            before.unwrap_or(0).checked_add(returned).filter(|&attempt| attempt > 0)
        };
        let cuts: Vec<Cut> = disks.iter().enumerate().skip(1).flat_map(|(at, disk)| ordered_cuts(at, disk)).collect();
        let (what, tries) = (&format!("keep {keep}")[..], cuts.len());
        let (count, fault) = Exploration { what, disks, cuts, budget: usize::MAX, tries }.judge(
            &mut rng,
            Some,
            acknowledged,
            |directory, cut, _| match latest(directory)? {
                found if found < acknowledged(cut.at) => Err(format!("P1: the latest is {found:?}")),
                _ => resume_and_save(directory, keep),
            },
        );
        assert_eq!(fault, None);
        count_of_states += count;
    }
    println!("crash states of savers: {count_of_states}, 0 violations");
    assert!(count_of_states > 150, "{count_of_states} states");
}

#[test]
fn any_operation_may_fail() {
    let directory = scratch();
    let program = Program::resumed(directory.path(), 2).unwrap();
    (1..=3).for_each(|attempt| program.save(&Local, directory.path(), attempt).unwrap());
    let start = read_directory(directory.path());
    let mut points = 0;
    let all: fn(Kind) -> bool = |_| true;
    let kept: fn(Kind) -> bool = |kind| kind != Kind::Remove;
    for (for_good, hits) in [(false, all), (true, all), (true, kept)] {
        for errno in [libc::ENOSPC, libc::EIO, libc::EACCES] {
            for at in 0.. {
                fill_directory(directory.path(), &start);
                let program = Program::resumed(directory.path(), 2).unwrap();
                let recording = Recording::failing(Fault { at, errno, for_good, hits });
                let outcome = program.save(&recording, directory.path(), 4);
                if recording.tried().iter().all(|(_, failed)| !failed) {
                    outcome.unwrap();
                    break;
                }
                points += 1;
                let found = latest(directory.path()).unwrap();
                assert!(
                    if outcome.is_ok() { found == Some(4) } else { matches!(found, Some(3 | 4)) },
                    "{errno} at {at}: {outcome:?}, {found:?}"
                );
                // The saver still works after the failure.
                program.save(&Local, directory.path(), 5).unwrap();
                assert_eq!(latest(directory.path()), Ok(Some(5)));
                assert!(program.saver.last_checkpoints().len() <= 2);
                drop(program);
                resume_and_save(directory.path(), 2).unwrap_or_else(|what| panic!("{errno} at {at}: {what}"));
            }
        }
    }
    println!("savers: {points} fault points, nothing lost");
}
