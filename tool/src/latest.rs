//! `ckpt latest`: prints the latest checkpoint of a directory.

use std::io::Write;
use std::path::{Path, PathBuf};

use checkpoint::{get_checkpoint_state, latest_checkpoint, latest_valid_checkpoint, BrokenCheckpoint, Error, VerifyOptions};
use serde_json::{json, Value};

use crate::bar::Bar;
use crate::failure::{Failure, Outcome};
use crate::opening;
use crate::term::{self, Screen};

/// Print the latest checkpoint of a directory.
///
/// By default this is the one that the directory's `checkpoint` file names; it must exist, but its
/// content is not verified. With `--valid` it is the newest checkpoint that `ckpt verify` calls
/// whole or, only if there is none, the newest incomplete one. Sections are never taken.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The directory
    directory: PathBuf,
    /// Print the newest checkpoint that can be restored; list newer ones that are not whole on
    /// standard error
    #[arg(long)]
    valid: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

const NOTES: &str = "With --valid, the checkpoints that the `checkpoint` file lists are tried first, newest first, then all others in the directory. \
The file may be missing or damaged.

The JSON output is
  {\"latest\", \"broken\": [{\"checkpoint\", \"verdict\", \"problem\"}]}
where \"latest\" is null if there is no checkpoint, and \"broken\" is present only with --valid.

Exit codes: 0 a checkpoint was found, 1 there is none.

Examples:
  ckpt latest run/ckpts
  ckpt cat \"$(ckpt latest run/ckpts --valid)\" step/.ATTRIBUTES/VARIABLE_VALUE";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let (latest, broken) = if args.valid {
        let bar = Bar::new();
        let found = latest_valid_checkpoint(&args.directory, &VerifyOptions::new(), &mut |progress| {
            bar.report(progress.bytes_done, progress.bytes_total)
        })?;
        let _ = opening::latest_of(&args.directory, None); // only says what is to be said
        (found.prefix, Some(found.broken))
    } else {
        (opening::latest_of(&args.directory, latest_checkpoint(&args.directory)?), None)
    };
    if args.json {
        let mut result = json!({ "latest": latest.as_deref().map(Path::to_string_lossy) });
        if let Some(broken) = &broken {
            result["broken"] = broken.iter().map(broken_json).collect();
        }
        crate::json::write(&result, screen)?;
    } else {
        for BrokenCheckpoint { prefix, verdict, problem } in broken.iter().flatten() {
            let note = if latest.as_ref() == Some(prefix) { ", but nothing else can be restored" } else { "" };
            term::complain(&format!("{}: {verdict}{note}: {problem}", text(prefix)));
        }
        if let Some(latest) = &latest {
            print_path(screen, latest)?;
        }
    }
    match latest {
        Some(_) => Ok(()),
        None if args.json => Err(Failure::Reported),
        None => Err(Failure::Problem(why_none(&args.directory, args.valid))),
    }
}

/// Returns the reason why there is no latest checkpoint.
fn why_none(directory: &Path, valid: bool) -> String {
    let shown = text(directory);
    let named = get_checkpoint_state(directory).ok().flatten().map(|state| state.latest);
    match (valid, named) {
        (true, _) => format!("{shown}: there is no intact checkpoint"),
        (false, Some(latest)) => {
            format!("{shown}: the checkpoint file names {}, which does not exist; use --valid to find another", text(&latest))
        }
        (false, None) if !directory.is_dir() => format!("{shown}: no such directory"),
        (false, None) => format!("{shown}: there is no checkpoint file; use --valid to find checkpoints without one"),
    }
}

/// Prints a path on a line of its own: escaped on a terminal, else unchanged, for programs.
pub fn print_path(screen: &mut Screen, path: &Path) -> Outcome {
    if screen.is_terminal() {
        writeln!(screen, "{}", text(path))?
    } else {
        screen.write_all(path.as_os_str().as_encoded_bytes())?;
        screen.write_all(b"\n")?;
    }
    Ok(())
}

/// Returns a path as text for people.
pub fn text(path: &Path) -> String {
    term::printable(path.as_os_str().as_encoded_bytes())
}

/// Returns a checkpoint that is not whole as JSON.
pub fn broken_json(broken: &BrokenCheckpoint) -> Value {
    let problem: &Error = &broken.problem;
    json!({ "checkpoint": broken.prefix.to_string_lossy(), "verdict": broken.verdict.name(), "problem": problem.to_string() })
}
