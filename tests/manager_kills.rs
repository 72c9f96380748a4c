//! Programs that save and are killed (`kill -9`), alone and two at once, and programs that read
//! meanwhile.
//!
//! The test is its own child: with arguments it is one of the programs. `CKPT_KILL_ROUNDS` sets how
//! often each is killed.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{channel, Receiver};
use std::time::Duration;

use checkpoint::{
    latest_checkpoint, Checkpoint, Code, DType, Durability, Error, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId,
    Pin, Reader, Reason, RestoreOptions, ResumeOptions, SaveOptions, Variable, WriteOptions,
};
use common::rng::Rng;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [_, "save", directory, keep] => save_for_ever(Path::new(directory), keep.parse().unwrap()),
        [_, "hold", prefix] => hold_for_ever(Path::new(prefix)),
        [_, "write", prefix] => write_for_ever(Path::new(prefix)),
        [_, "save and fork", directory] => save_and_fork(Path::new(directory)),
        _ => tests(&arguments[1..]),
    }
}

type Test = (&'static str, fn(u64));

/// Runs the tests whose names have one of the arguments, as other tests do.
fn tests(arguments: &[&str]) -> ExitCode {
    let all: [Test; 6] = [
        ("a_killed_program_resumes_from_its_last_save_or_later", killed_and_resumed),
        ("of_two_programs_one_is_told_who_saves_until_that_is_killed", two_programs),
        ("a_reader_of_what_is_being_removed_finds_all_or_nothing", reader_and_writer),
        ("a_hold_ends_with_its_process", holder_killed),
        ("writers_of_two_checkpoints_in_one_directory_work_at_the_same_time", two_checkpoints),
        ("the_lock_of_a_killed_program_is_free_though_its_children_live", forking_programs),
    ];
    let rounds = std::env::var("CKPT_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(500);
    let names: Vec<&&str> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    for (name, test) in all {
        if names.is_empty() || names.iter().any(|part| name.contains(**part)) {
            test(rounds); // a panic ends it all with a code of its own
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}

// ---- the programs

/// Some hundred kilobytes that follow from the step, which is saved with them: two values that must
/// agree.
struct Program {
    checkpoint: Checkpoint,
    step: NodeId,
    weights: NodeId,
}

const WEIGHTS: i64 = 100_000;

fn weights(step: i64) -> Vec<u8> {
    (0..WEIGHTS).map(|i| (step.wrapping_mul(i + 7) >> 3) as u8).collect()
}

impl Program {
    fn new() -> Program {
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let step = graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap();
        let weights = graph.add_variable(Variable::zeros(DType::Uint8, &[WEIGHTS]).unwrap()).unwrap();
        graph.track(root, "step", step).unwrap();
        graph.track(root, "weights", weights).unwrap();
        Program { checkpoint: Checkpoint::new(&graph, root).unwrap(), step, weights }
    }

    fn step(&self) -> i64 {
        self.checkpoint.graph().read_integer(self.step).unwrap()
    }

    fn set(&self, step: i64) {
        let graph = self.checkpoint.graph();
        graph.assign(self.step, DType::Int64, &[], &step.to_ne_bytes()).unwrap();
        graph.assign(self.weights, DType::Uint8, &[WEIGHTS], &weights(step)).unwrap();
    }

    /// Whether both values are of one step.
    fn agrees(&self) -> bool {
        self.step() == 0 || self.checkpoint.graph().read(self.weights).unwrap() == weights(self.step())
    }
}

fn manage(program: &Program, directory: &Path, keep: i64) -> Result<Manager, Error> {
    Manager::open(&program.checkpoint, directory, &ManagerOptions::new().max_to_keep(keep))
}

/// Resumes, and saves step after step. Says of each that it is saved, and of each refusal who
/// saves.
fn save_for_ever(directory: &Path, keep: i64) -> ExitCode {
    // What a process did survives its end: nothing need be synced.
    let write = WriteOptions::new().durability(Durability::None).shards(2);
    let options = ManagerSaveOptions::new().save(SaveOptions::new().write(write));
    let mut out = std::io::stdout();
    loop {
        let program = Program::new();
        let saved = manage(&program, directory, keep).and_then(|manager| {
            manager.restore_or_initialize(&ResumeOptions::new())?;
            assert!(program.agrees(), "what was restored is a mix");
            loop {
                program.set(program.step() + 1);
                manager.save(&options)?;
                writeln!(out, "saved {}", program.step()).unwrap();
            }
        });
        let error: Error = match saved {
            Ok(never) => never,
            Err(error) => error,
        };
        match (error.code(), error.reason()) {
            (Code::Unavailable, Reason::Locked) => writeln!(out, "refused {error}").unwrap(),
            (Code::FailedPrecondition, Reason::Replaced) => writeln!(out, "late {error}").unwrap(),
            // The latest went while it was about to be restored.
            (Code::NotFound, _) => writeln!(out, "missed {error}").unwrap(),
            _ => {
                eprintln!("{error:?}");
                return ExitCode::from(3);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Holds a checkpoint, says so, and waits.
fn hold_for_ever(prefix: &Path) -> ExitCode {
    let _pin = Pin::new(prefix).unwrap();
    println!("holds");
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Writes one checkpoint over and over. Says of each that it is written.
fn write_for_ever(prefix: &Path) -> ExitCode {
    // Who sweeps what a killed writer left has its lock for a moment.
    let write = WriteOptions::new().durability(Durability::None).lock_wait(Duration::from_secs(5));
    let options = SaveOptions::new().write(write);
    let program = Program::new();
    let mut out = std::io::stdout();
    for step in 1.. {
        program.set(step);
        program.checkpoint.write(prefix, &options).unwrap();
        writeln!(out, "saved {step}").unwrap();
    }
    ExitCode::SUCCESS
}

/// Saves and forks a child that lives on and never calls the library; again and again. The children
/// end when the file `over` appears, or when all of the test is gone.
fn save_and_fork(directory: &Path) -> ExitCode {
    let write = WriteOptions::new().durability(Durability::None);
    let options = ManagerSaveOptions::new().save(SaveOptions::new().write(write));
    let program = Program::new();
    let manager = manage(&program, directory, 2).unwrap();
    manager.restore_or_initialize(&ResumeOptions::new()).unwrap();
    let mut out = std::io::stdout();
    let over = directory.with_extension("over");
    loop {
        program.set(program.step() + 1);
        manager.save(&options).unwrap();
        writeln!(out, "saved {}", program.step()).unwrap();
        // SAFETY: this program has one thread, and the child only looks for a file and exits.
        if unsafe { libc::fork() } == 0 {
            for descriptor in 0..3 {
                // SAFETY: who reads what the program says must not wait for its children.
                unsafe { libc::close(descriptor) };
            }
            while !over.exists() && over.parent().is_some_and(Path::exists) {
                std::thread::sleep(Duration::from_millis(20));
            }
            // SAFETY: it never returns.
            unsafe { libc::_exit(0) };
        }
    }
}

/// A program as a process of its own. It is killed when dropped.
struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    fn begin(arguments: &[&str]) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        // Ends with the process.
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Process { child, lines }
    }

    fn saving(directory: &Path, keep: i64) -> Process {
        Process::begin(&["save", directory.to_str().unwrap(), &keep.to_string()])
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, and gives everything that it said.
    fn kill(mut self) -> Vec<String> {
        assert!(self.child.try_wait().unwrap().is_none(), "it ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The steps that a program said it had saved.
fn saved(lines: &[String]) -> impl Iterator<Item = i64> + '_ {
    lines.iter().filter_map(|line| line.strip_prefix("saved ")?.parse().ok())
}

/// The step of the latest checkpoint, which must be whole.
fn latest_step(directory: &Path) -> Option<i64> {
    let latest = latest_checkpoint(directory).unwrap();
    assert!(latest.is_some() || !directory.join("checkpoint").exists(), "the latest is not there");
    let program = Program::new();
    program.checkpoint.restore(latest?, &RestoreOptions::new()).unwrap();
    assert!(program.agrees(), "the latest is a mix");
    Some(program.step())
}

/// The step of the newest checkpoint that is published, whether or not the state file lists it.
fn newest_published(directory: &Path) -> i64 {
    let names = names_in(directory);
    let prefixes = names.iter().filter_map(|name| name.strip_suffix(".index"));
    let step = |name: &str| {
        let program = Program::new();
        program.checkpoint.restore(directory.join(name), &RestoreOptions::new()).ok().map(|_| program.step())
    };
    prefixes.filter(|name| name.starts_with("ckpt-")).filter_map(step).max().unwrap_or(0)
}

fn checkpoints_in(directory: &Path) -> usize {
    names_in(directory).iter().filter(|name| name.ends_with(".index")).count()
}

fn names_in(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// In memory where there is such a place, or where `CKPT_KILL_DIRECTORY` says.
fn scratch() -> tempfile::TempDir {
    let place = std::env::var("CKPT_KILL_DIRECTORY");
    tempfile::tempdir_in(place.as_deref().unwrap_or("/dev/shm")).or_else(|_| tempfile::tempdir()).unwrap()
}

// ---- the tests

fn killed_and_resumed(rounds: u64) {
    let mut rng = Rng::new(1);
    let scratch = scratch();
    let (mut last, mut published, mut saves) = (0, 0, 0);
    for round in 0..rounds {
        let keep = 1 + (round % 3) as i64;
        let process = Process::saving(scratch.path(), keep);
        std::thread::sleep(Duration::from_micros(rng.below(25_000)));
        let lines = process.kill();
        let steps: Vec<i64> = saved(&lines).collect();
        saves += steps.len();
        assert!(steps.first().is_none_or(|&first| first > last), "round {round}: it began at {steps:?}, after {last}");
        last = steps.last().copied().unwrap_or(last);
        // A program that is killed between publishing and recording leaves a checkpoint that the
        // next one resumes from: that may save once more before it is killed without a word.
        let most = last.max(published) + 1;
        let found = latest_step(scratch.path()).unwrap_or(0);
        assert!((last..=most).contains(&found), "round {round}: the latest is of step {found}, after {last} was saved");
        last = found;
        published = newest_published(scratch.path());
        // Several programs in turn may have been killed just there.
        assert!((found..=most).contains(&published), "round {round}: {published} is published, {found} recorded");
    }
    tidy(scratch.path());
    println!("{rounds} programs killed, {saves} saves, each resumed from the last one");
}

/// After one more save there is nothing but what the manager keeps, the state file and the file of
/// locks.
fn tidy(directory: &Path) {
    let program = Program::new();
    let manager = manage(&program, directory, 2).unwrap();
    manager.restore_or_initialize(&ResumeOptions::new()).unwrap();
    manager.save(&ManagerSaveOptions::new()).unwrap();
    let names = names_in(directory);
    let files: usize = manager.checkpoints().iter().map(|path| 1 + Reader::open(path).unwrap().shard_count() as usize).sum();
    assert_eq!((checkpoints_in(directory), names.len()), (2, files + 2), "{names:?}");
}

fn two_programs(rounds: u64) {
    let mut rng = Rng::new(2);
    let scratch = scratch();
    let directory = scratch.path();
    let mut processes = vec![Process::saving(directory, 2), Process::saving(directory, 2)];
    let mut ids: Vec<u32> = processes.iter().map(Process::id).collect();
    let (mut last, mut refused, mut named, mut late, mut saves) = (0, 0, 0, 0, 0);
    for round in 0..rounds {
        std::thread::sleep(Duration::from_micros(5_000 + rng.below(20_000)));
        let victim = processes.swap_remove(rng.below(2) as usize);
        let lines = victim.kill();
        for line in lines.iter().filter(|line| line.starts_with("refused ")) {
            refused += 1;
            named += usize::from(ids.iter().any(|id| line.contains(&format!("process {id} "))));
        }
        late += lines.iter().filter(|line| line.starts_with("late ")).count();
        saves += saved(&lines).count();
        last = saved(&lines).last().unwrap_or(0).max(last);
        // The other one may be saving: what is the latest may go while it is looked at.
        if let Some(found) = latest_while_saving(directory) {
            assert!(found >= last, "round {round}: the latest is of step {found}, after {last} was saved");
        }
        processes.push(Process::saving(directory, 2));
        ids.push(processes[1].id());
    }
    processes.into_iter().for_each(|process| drop(process.kill()));
    assert!(latest_step(directory).unwrap() >= last);
    tidy(directory);
    assert!(refused > 0 && named * 2 > refused, "{named} of {refused} refusals named the other process");
    println!("{rounds} of two programs killed, {saves} saves, {refused} refusals, {late} times too late, 0 broken");
}

fn latest_while_saving(directory: &Path) -> Option<i64> {
    let pin = Pin::latest(directory).unwrap()?;
    let program = Program::new();
    program.checkpoint.restore(pin.prefix(), &RestoreOptions::new()).unwrap();
    assert!(program.agrees(), "the latest is a mix");
    Some(program.step())
}

fn reader_and_writer(rounds: u64) {
    let scratch = scratch();
    let directory = scratch.path();
    let writer = Process::saving(directory, 1);
    let (mut whole, mut gone) = (0, 0);
    while whole < rounds * 10 {
        let program = Program::new();
        let restored = Reader::open(directory)
            .map(|reader| reader.prefix().to_owned())
            .and_then(|prefix: PathBuf| program.checkpoint.restore(prefix, &RestoreOptions::new()));
        match restored {
            Ok(_) => {
                assert!(program.agrees(), "what was read is a mix");
                whole += 1;
            }
            Err(e) => {
                assert_eq!(e.code(), Code::NotFound, "{e}");
                gone += 1;
            }
        }
    }
    let lines = writer.kill();
    let saves = saved(&lines).count();
    assert!(saves as u64 > rounds / 10, "the writer saved {saves} times only");
    println!("{whole} restores while {saves} checkpoints were saved and removed, and {gone} times it was gone; never a mix");
}

fn holder_killed(_: u64) {
    let scratch = scratch();
    let program = Program::new();
    let manager = manage(&program, scratch.path(), 1).unwrap();
    let save = || manager.save(&ManagerSaveOptions::new()).unwrap().unwrap();
    let first = save();
    let holder = Process::begin(&["hold", first.to_str().unwrap()]);
    assert_eq!(holder.lines.recv().unwrap(), "holds");
    save();
    save();
    assert_eq!(checkpoints_in(scratch.path()), 2);
    holder.kill();
    save();
    assert_eq!(checkpoints_in(scratch.path()), 1);
}

/// Two writers, killed now and then: neither waits for the other, and each checkpoint is whole.
fn two_checkpoints(rounds: u64) {
    let mut rng = Rng::new(3);
    let scratch = scratch();
    let prefixes = ["a", "b"].map(|name| scratch.path().join(name));
    let begin = |which: usize| Process::begin(&["write", prefixes[which].to_str().unwrap()]);
    let mut writers = [0, 1].map(|which| Some(begin(which)));
    let (mut last, mut saves) = ([0; 2], 0);
    for _ in 0..rounds / 2 {
        std::thread::sleep(Duration::from_micros(5_000 + rng.below(20_000)));
        let which = rng.below(2) as usize;
        let lines = writers[which].take().unwrap().kill();
        writers[which] = Some(begin(which));
        saves += saved(&lines).count();
        last[which] = saved(&lines).last().unwrap_or(0);
        let program = Program::new();
        match program.checkpoint.restore(&prefixes[which], &RestoreOptions::new()) {
            Ok(_) => assert!(program.agrees(), "what was read is a mix"),
            // Its successor has replaced it while it was read.
            Err(e) => assert!(matches!(e.code(), Code::NotFound | Code::DataLoss), "{e}"),
        }
    }
    std::thread::sleep(Duration::from_millis(100));
    for writer in writers.into_iter().flatten() {
        let lines = writer.kill();
        assert!(saved(&lines).count() > 0, "a writer was kept out");
    }
    for prefix in &prefixes {
        Program::new().checkpoint.write(prefix, &SaveOptions::new()).unwrap();
    }
    let names = names_in(scratch.path());
    assert_eq!(names.iter().filter(|name| name.starts_with('.')).collect::<Vec<_>>(), [".ckpt-lock"], "{names:?}");
    println!("{} of two writers killed, {saves} saves", rounds / 2);
}

/// A program forks children that live on, and is killed: the next one is not refused.
fn forking_programs(rounds: u64) {
    let mut rng = Rng::new(4);
    let scratch = scratch();
    let directory = scratch.path().join("run");
    let mut saves = 0;
    for _ in 0..(rounds / 25).max(4) {
        let process = Process::begin(&["save and fork", directory.to_str().unwrap()]);
        let first = process.lines.recv().expect("the program ended by itself");
        std::thread::sleep(Duration::from_micros(rng.below(30_000)));
        saves += 1 + saved(&process.kill()).count();
        assert!(first.starts_with("saved "), "{first}");
    }
    std::fs::write(directory.with_extension("over"), "").unwrap();
    tidy(&directory);
    println!("{saves} saves by programs that forked as often and were killed: none was refused");
}
