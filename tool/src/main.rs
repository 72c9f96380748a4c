//! `ckpt`, the command-line tool: inspects and rewrites TensorFlow checkpoints.
//!
//! One file per command, using only the public API of the library. Text for people goes to standard
//! output, aligned, and coloured on a terminal; `--json` prints JSON for programs. Exit codes: 0
//! success, 1 a problem was found, 2 wrong usage.

#![forbid(unsafe_code)]

mod bar;
mod cast;
mod cat;
mod choice;
mod convert;
mod copy;
mod destination;
mod diff;
mod failure;
mod gc;
mod graph;
mod info;
mod json;
mod latest;
mod locking;
mod ls;
mod merge;
mod names;
mod npy;
mod opening;
mod optimizers;
mod output;
mod pieces;
mod read_at;
mod rename;
mod repair;
mod rewrite;
mod stream;
mod strip;
mod term;
mod verify;
mod watch;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::{Failure, Outcome};
use crate::term::Screen;

/// Inspect and rewrite TensorFlow checkpoints, without TensorFlow.
///
/// PATH is a prefix (`run/ckpt-7`), one of the checkpoint's files (`run/ckpt-7.index`), a directory
/// with a `checkpoint` file (its latest checkpoint is used), a SavedModel directory, or a
/// checkpoint of TensorFlow 1 (`model.ckpt`, `model.ckpt-?????-of-00004`).
#[derive(Parser)]
#[command(name = "ckpt", version, about, long_about, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 success, 1 a problem was found, 2 wrong usage. For diff: 0 same, 1 different, 2 an error.
Output is coloured only on a terminal, and only if NO_COLOR is not set.";

#[derive(Subcommand)]
enum Command {
    Ls(ls::Args),
    Cat(cat::Args),
    Info(info::Args),
    Graph(graph::Args),
    Verify(verify::Args),
    Diff(diff::Args),
    Copy(copy::Args),
    Convert(convert::Args),
    Rename(rename::Args),
    Strip(strip::Args),
    Merge(merge::Args),
    Latest(latest::Args),
    Watch(watch::Args),
    Gc(gc::Args),
    Repair(repair::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse(); // prints help and usage errors itself; the latter exit with 2
    expect_limit();
    let mut screen = Screen::stdout();
    let outcome = match &cli.command {
        Command::Ls(args) => ls::run(args, &mut screen),
        Command::Cat(args) => cat::run(args, &mut screen),
        Command::Info(args) => info::run(args, &mut screen),
        Command::Graph(args) => graph::run(args, &mut screen),
        Command::Verify(args) => verify::run(args, &mut screen),
        Command::Diff(args) => diff::run(args, &mut screen),
        Command::Copy(args) => copy::run(args, &mut screen),
        Command::Convert(args) => convert::run(args, &mut screen),
        Command::Rename(args) => rename::run(args, &mut screen),
        Command::Strip(args) => strip::run(args, &mut screen),
        Command::Merge(args) => merge::run(args, &mut screen),
        Command::Latest(args) => latest::run(args, &mut screen),
        Command::Watch(args) => watch::run(args, &mut screen),
        Command::Gc(args) => gc::run(args, &mut screen),
        Command::Repair(args) => repair::run(args, &mut screen),
    };
    finish(outcome, &mut screen)
}

/// Lets a write beyond the limit of the size of files (`ulimit -f`) fail. Without a handler the
/// signal ends the process, which leaves its partial file.
fn expect_limit() {
    #[cfg(unix)]
    {
        // An error means that the system has no such signal.
        let raised = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let _ = signal_hook::flag::register(libc::SIGXFSZ, raised);
    }
}

/// Flushes the output, prints the error message, and returns the exit code.
fn finish(outcome: Outcome, screen: &mut Screen) -> ExitCode {
    let flushed = screen.flush().map_err(Failure::from);
    let failure = match (outcome, flushed) {
        (Ok(()), Ok(())) => return ExitCode::SUCCESS,
        (Err(failure), _) | (Ok(()), Err(failure)) => failure,
    };
    match failure {
        // `ckpt ls … | head` is not an error.
        Failure::ClosedPipe => ExitCode::SUCCESS,
        Failure::Reported => ExitCode::from(1),
        Failure::Problem(message) => {
            term::complain(&message);
            ExitCode::from(1)
        }
        Failure::Usage(message) => {
            term::complain(&message);
            ExitCode::from(2)
        }
    }
}
