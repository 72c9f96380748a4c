//! Ranks that are processes and die in the middle of a save: the others are told who did not come,
//! the checkpoint before stays, and the next ranks go on from it.
//!
//! The test is its own child: with arguments it is one of the ranks. They talk through the test,
//! which knows by the end of a connection that a rank is gone.

use std::io::{ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::{Arc, Mutex};

use checkpoint::{
    latest_checkpoint, verify, Checkpoint, DType, Extent, Failure, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId,
    Ranks, ResumeOptions, SaveOptions, Slice, Variable, VerifyOptions,
};
use tempfile::TempDir;

const ROWS: i64 = 60_000;
const RANKS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [_, "rank", rank, count, directory, socket, dies] = arguments[..] {
        return be_a_rank(rank.parse().unwrap(), count.parse().unwrap(), Path::new(directory), Path::new(socket), dies);
    }
    let names: Vec<&&str> = arguments[1..].iter().filter(|argument| !argument.starts_with('-')).collect();
    let name = "ranks_that_are_killed_leave_the_checkpoint_before_to_the_next";
    if names.is_empty() || names.iter().any(|part| name.contains(**part)) {
        killed_and_resumed();
        println!("test {name} ... ok");
    }
    ExitCode::SUCCESS
}

// ---- a rank

fn send(stream: &mut UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(&(bytes.len() as u64).to_le_bytes())?;
    stream.write_all(bytes)
}

fn receive(stream: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; u64::from_le_bytes(length) as usize];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

struct Process {
    rank: u32,
    count: u32,
    stream: Mutex<UnixStream>,
    /// After so many calls it dies.
    calls: Mutex<usize>,
}

impl Process {
    fn call<R>(&self, body: impl FnOnce(&mut UnixStream) -> std::io::Result<R>) -> Result<R, Failure> {
        let mut calls = self.calls.lock().unwrap();
        match calls.checked_sub(1) {
            Some(left) => *calls = left,
            None => std::process::abort(),
        }
        Ok(body(&mut self.stream.lock().unwrap())?)
    }
}

impl Ranks for Process {
    fn rank(&self) -> u32 {
        self.rank
    }

    fn count(&self) -> u32 {
        self.count
    }

    fn gather(&self, message: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        self.call(|stream| {
            send(stream, message)?;
            if self.rank > 0 {
                return Ok(Vec::new());
            }
            let others = (1..self.count).map(|_| match receive(stream)?.split_first() {
                Some((1, message)) => Ok(Some(message.to_vec())),
                _ => Ok(None),
            });
            std::iter::once(Ok(Some(message.to_vec()))).chain(others).collect()
        })
    }

    fn broadcast(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        self.call(|stream| match self.rank {
            0 => send(stream, message).map(|()| message.to_vec()),
            _ => receive(stream),
        })
    }
}

struct Program {
    checkpoint: Checkpoint,
    step: NodeId,
    table: NodeId,
}

fn rows(rank: u32, count: u32) -> (i64, i64) {
    let start = |rank: u32| i64::from(rank) * ROWS / i64::from(count);
    (start(rank), start(rank + 1) - start(rank))
}

fn values((start, length): (i64, i64), step: i64) -> Vec<u8> {
    (start..start + length).flat_map(|row| (row * 31 + step).to_ne_bytes()).collect()
}

impl Program {
    fn new(rank: u32, count: u32) -> Program {
        let graph = Graph::new();
        let cut = rows(rank, count);
        let table = Variable::zeros(DType::Int64, &[cut.1]).unwrap();
        let table = graph.add_variable(table.part(&[ROWS], &Slice::new(vec![Extent::range(cut.0, cut.1)])).unwrap()).unwrap();
        let step = graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap();
        let root = graph.add_object().unwrap();
        graph.track(root, "table", table).unwrap();
        graph.track(root, "step", step).unwrap();
        Program { checkpoint: Checkpoint::new(&graph, root).unwrap(), step, table }
    }
}

/// Where a rank says why its save failed.
fn what_failed(socket: &Path, rank: usize) -> PathBuf {
    socket.with_extension(rank.to_string())
}

/// Goes on from the latest checkpoint, fails unless it is whole, saves the next two, and dies where
/// it is told to in the second.
fn be_a_rank(rank: u32, count: u32, directory: &Path, socket: &Path, dies: &str) -> ExitCode {
    let mut stream = UnixStream::connect(socket).unwrap();
    send(&mut stream, &[rank as u8]).unwrap();
    let program = Program::new(rank, count);
    let manager = Manager::open(&program.checkpoint, directory, &ManagerOptions::new().max_to_keep(2)).unwrap();
    manager.restore_or_initialize(&ResumeOptions::new()).unwrap();
    let graph = program.checkpoint.graph();
    let mut step = graph.read_integer(program.step).unwrap();
    assert!(step == 0 || graph.read(program.table).unwrap() == values(rows(rank, count), step), "rank {rank} at {step}");
    let calls = dies.parse().map_or(usize::MAX, |calls: usize| 4 + calls);
    let ranks = Process { rank, count, stream: Mutex::new(stream), calls: Mutex::new(calls) };
    for round in 0..2 {
        step += 1;
        graph.assign(program.step, DType::Int64, &[], &step.to_ne_bytes()).unwrap();
        graph.assign(program.table, DType::Int64, &[rows(rank, count).1], &values(rows(rank, count), step)).unwrap();
        let dies_writing = round == 1 && dies == "writing";
        let options =
            SaveOptions::new()
                .progress(Arc::new(move |_, _| if dies_writing { std::process::abort() } else { ControlFlow::Continue(()) }));
        if let Err(e) = manager.save_ranked(&ranks, &ManagerSaveOptions::new().save(options)) {
            std::fs::write(what_failed(socket, rank as usize), e.to_string()).unwrap();
            return ExitCode::from(3);
        }
    }
    ExitCode::SUCCESS
}

// ---- the test

/// Starts ranks and passes on what they say until all have ended. Gives how each ended, and why its
/// save failed.
fn run(directory: &Path, count: usize, dies: Option<(usize, &str)>) -> Vec<(ExitStatus, String)> {
    let sockets = TempDir::new().unwrap();
    let socket = sockets.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut children: Vec<Child> = (0..count)
        .map(|rank| {
            let dies = dies.filter(|(who, _)| *who == rank).map_or("never", |(_, dies)| dies);
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["rank", &rank.to_string(), &count.to_string()]).args([directory, &socket]).arg(dies);
            command.stderr(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    let mut streams: Vec<Option<UnixStream>> = (0..count).map(|_| None).collect();
    for _ in 0..count {
        let mut stream = listener.accept().unwrap().0;
        let rank = receive(&mut stream).unwrap()[0] as usize;
        streams[rank] = Some(stream);
    }
    let mut streams: Vec<UnixStream> = streams.into_iter().map(Option::unwrap).collect();
    let (chief, others) = streams.split_first_mut().unwrap();
    // A gather and a broadcast in turn, for as long as the chief speaks.
    while receive(chief).is_ok() {
        for other in others.iter_mut() {
            let said = receive(other);
            let passed = said.map_or(vec![0], |message| [&[1], &message[..]].concat());
            gone(send(chief, &passed));
        }
        let Ok(message) = receive(chief) else { break };
        others.iter_mut().for_each(|other| gone(send(other, &message)));
    }
    drop(streams); // without a chief nobody is answered any more
    let why = |rank| std::fs::read_to_string(what_failed(&socket, rank)).unwrap_or_default();
    children.iter_mut().enumerate().map(|(rank, child)| (child.wait().unwrap(), why(rank))).collect()
}

/// A rank may be gone before what is for it arrives.
fn gone(sent: std::io::Result<()>) {
    if let Err(e) = sent {
        assert!(matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{e}");
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".ckpt-lock");
    names.sort();
    names
}

fn latest(directory: &Path) -> PathBuf {
    let latest = latest_checkpoint(directory).unwrap().unwrap();
    let found = verify(&latest, &VerifyOptions::new(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    latest
}

fn killed_and_resumed() {
    for who in 0..RANKS {
        for dies in ["0", "1", "writing", "2", "3"] {
            let directory = TempDir::new().unwrap();
            let ended = run(directory.path(), RANKS, Some((who, dies)));
            assert!(!ended[who].0.success(), "rank {who} did not die at {dies}");
            // A rank that hears nothing any more of a checkpoint that is there does not undo it.
            let is_there = dies == "3";
            for (rank, (status, text)) in ended.iter().enumerate().filter(|(rank, _)| *rank != who) {
                let should_fail = !(is_there && who > 0);
                assert_eq!(
                    status.code(),
                    Some(if should_fail { 3 } else { 0 }),
                    "rank {rank}, while {who} died at {dies}: {text}"
                );
                if should_fail && who > 0 {
                    assert!(text.contains(&format!("rank {who} did not take part")), "rank {rank}: {text}");
                }
            }
            let expected = directory.path().join(if is_there { "ckpt-2" } else { "ckpt-1" });
            assert_eq!(latest(directory.path()), expected, "rank {who} died at {dies}");
            // The next go on, one rank fewer than before, and clean up.
            for (status, text) in run(directory.path(), RANKS - 1, None) {
                assert!(status.success(), "after rank {who} died at {dies}: {text}");
            }
            latest(directory.path());
            let left = names(directory.path());
            assert!(left.iter().all(|name| !name.contains(".ckpt-tmp-")), "{left:?}");
            assert_eq!(left.iter().filter(|name| name.ends_with(".index")).count(), 2, "{left:?}");
        }
    }
    println!("{} deaths, each recovered from", RANKS * 5);
}
