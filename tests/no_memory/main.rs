//! Memory runs out: every large allocation of every operation fails once.
//!
//! An allocation that fails ends the operation with `RESOURCE_EXHAUSTED`, or the operation does
//! without. It never ends the process, nothing is assigned or written by halves, no file is left,
//! and the same operation succeeds when there is memory again.
//!
//! The test is its own child, because an abort would end it: with arguments it tries one operation.
//! By default it tries a sample of the allocations of each; `CKPT_ALL_ALLOCATIONS=1` tries all.

#[path = "../common/mod.rs"]
mod common;
mod program;
mod reading;
mod saving;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use checkpoint::{Code, Result};
use common::failing::{failing, Failing};
use program::World;

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Allocations of at least this many bytes fail: all that grow with a file or a program are larger.
const LIMIT: usize = 16 << 10;

/// An operation: its name and what it does.
type Operation = (&'static str, fn(&World, &mut Trial));

/// How many of the allocations of an operation are tried by default.
const SAMPLE: usize = 6;

/// One try of an operation.
struct Trial {
    /// The number of the allocation that fails.
    which: usize,
    trace: bool,
    /// The number of large allocations that there were.
    seen: usize,
}

impl Trial {
    /// Does `attempt` while an allocation fails. If that fails it, checks its error, calls
    /// `unchanged` and does it again.
    fn during<T>(&mut self, mut attempt: impl FnMut() -> Result<T>, unchanged: impl FnOnce()) -> T {
        let which = self.which.checked_sub(self.seen).unwrap_or(usize::MAX);
        let (result, seen) = failing(LIMIT, which, self.trace, &mut attempt);
        self.seen += seen;
        let error = match result {
            Ok(value) => return value,
            Err(error) => error,
        };
        assert!(seen > which, "it fails although there is memory: {error}");
        assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
        unchanged();
        attempt().unwrap_or_else(|error| panic!("it fails when there is memory again: {error}"))
    }
}

fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    operations.extend(reading::OPERATIONS);
    operations.extend(saving::OPERATIONS);
    operations
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [_, "try", name, directory, first, trace] => {
            attempts(name, Path::new(directory), first.parse().unwrap(), trace == "trace");
            ExitCode::SUCCESS
        }
        _ => tests(&arguments[1..]),
    }
}

fn tries_all() -> bool {
    std::env::var_os("CKPT_ALL_ALLOCATIONS").is_some()
}

/// The child: tries the operation with the allocation `first` failing, and then others. Prints the
/// number of each.
fn attempts(name: &str, directory: &Path, first: usize, trace: bool) {
    let (_, operation) = operations().into_iter().find(|(other, _)| *other == name).unwrap();
    let world = World::at(directory);
    let attempt = |which| {
        let mut trial = Trial { which, trace, seen: 0 };
        operation(&world, &mut trial);
        trial.seen
    };
    let count = attempt(usize::MAX);
    let step = if tries_all() { 1 } else { count.div_ceil(SAMPLE).max(1) };
    let mut which = first;
    while which < count {
        println!("{which}");
        attempt(which);
        if trace {
            break;
        }
        which += step;
    }
    println!("all {count}");
}

/// Runs the operations whose names have one of the arguments, as other tests do.
fn tests(arguments: &[&str]) -> ExitCode {
    let names: Vec<&&str> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let scratch = tempfile::tempdir().unwrap();
    World::make(scratch.path());
    let mut faults = 0;
    for (name, _) in operations() {
        if names.is_empty() || names.iter().any(|part| name.contains(**part)) {
            faults += test(name, scratch.path());
        }
    }
    if faults > 0 {
        eprintln!("{faults} allocations that fail end the process or leave something behind");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs the children of one operation. Returns how many of them did not end well.
fn test(name: &str, directory: &Path) -> usize {
    let started = std::time::Instant::now();
    let (mut first, mut tried, mut faults) = (0, 0, 0);
    loop {
        let (lines, message) = child(name, directory, first, "");
        let failed = lines.iter().filter(|line| !line.starts_with("all")).count();
        tried += failed;
        if let Some(count) = lines.last().and_then(|last| last.strip_prefix("all ")) {
            let verdict = if faults == 0 { "ok" } else { "FAILED" };
            let took = started.elapsed();
            println!("test {name} ... {verdict}: {tried} of {count} large allocations failed ({took:.1?})");
            return faults;
        }
        faults += 1;
        let Some(which) = lines.last().map(|line| line.parse::<usize>().unwrap()) else {
            eprintln!("{name} fails although there is memory: {message}");
            return faults;
        };
        let (_, trace) = child(name, directory, which, "trace");
        eprintln!("{name}, allocation {which}: {message}\n{}", own_frames(&trace));
        first = which + 1;
    }
}

fn child(name: &str, directory: &Path, first: usize, trace: &str) -> (Vec<String>, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["try", name, directory.to_str().unwrap(), &first.to_string(), trace]);
    let output = command.env("RUST_BACKTRACE", "0").stderr(Stdio::piped()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout).lines().map(str::to_owned).collect(), text(output.stderr))
}

/// The lines of a backtrace that name sources of the library, the innermost first.
fn own_frames(trace: &str) -> String {
    let own = trace.lines().map(str::trim).filter(|line| line.starts_with("at ./src/") || line.contains("bytes are refused"));
    own.take(9).map(|line| format!("    {line}\n")).collect()
}
