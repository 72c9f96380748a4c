//! `ckpt latest`: which checkpoint of a directory is the latest.

use std::io::Write;
use std::path::{Path, PathBuf};

use checkpoint::{get_checkpoint_state, latest_checkpoint, latest_valid_checkpoint, BrokenCheckpoint, Error, VerifyOptions};
use serde_json::{json, Value};

use crate::bar::Bar;
use crate::failure::{Failure, Outcome};
use crate::term::{self, Screen};

/// Print the latest checkpoint of a directory.
///
/// That is the one that the directory's `checkpoint` file names; it must be there, but what is in it is not looked at. With
/// `--valid` it is the newest one that is whole: every checksum is compared.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The directory
    directory: PathBuf,
    /// The newest checkpoint that is whole; those that are newer and are not are listed on standard error
    #[arg(long)]
    valid: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

const NOTES: &str = "With --valid, the checkpoints that the `checkpoint` file lists are looked at first, the newest before the others; then, also if there
is no such file or it cannot be understood, all others that are there.

In JSON the result is
  {\"latest\", \"broken\": [{\"checkpoint\", \"problem\"}]}
where \"latest\" is null if there is none; \"broken\" is there with --valid alone.

Exit codes: 0 there is one, 1 there is none.

Examples:
  ckpt latest run/ckpts
  ckpt cat \"$(ckpt latest run/ckpts --valid)\" step/.ATTRIBUTES/VARIABLE_VALUE";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let (latest, broken) = match args.valid {
        true => {
            let bar = Bar::new();
            let found = latest_valid_checkpoint(&args.directory, &VerifyOptions::new(), &mut |progress| {
                bar.report(progress.bytes_done, progress.bytes_total)
            })?;
            (found.prefix, Some(found.broken))
        }
        false => (latest_checkpoint(&args.directory)?, None),
    };
    if args.json {
        let mut result = json!({ "latest": latest.as_deref().map(Path::to_string_lossy) });
        if let Some(broken) = &broken {
            result["broken"] = broken.iter().map(broken_json).collect();
        }
        writeln!(screen, "{result:#}")?;
    } else {
        for BrokenCheckpoint { prefix, problem } in broken.iter().flatten() {
            term::complain(&format!("{}: not whole: {problem}", text(prefix)));
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

/// Why there is no latest checkpoint.
fn why_none(directory: &Path, valid: bool) -> String {
    let shown = text(directory);
    let named = get_checkpoint_state(directory).ok().flatten().map(|state| state.latest);
    match (valid, named) {
        (true, _) => format!("{shown}: there is no whole checkpoint"),
        (false, Some(latest)) => {
            format!("{shown}: the checkpoint file names {}, which is not there (--valid looks for another)", text(&latest))
        }
        (false, None) if !directory.is_dir() => format!("{shown}: there is no such directory"),
        (false, None) => format!("{shown}: there is no checkpoint file (--valid looks for checkpoints without one)"),
    }
}

/// A path as a line: as it is for programs, escaped for people.
pub fn print_path(screen: &mut Screen, path: &Path) -> Outcome {
    match screen.is_terminal() {
        true => writeln!(screen, "{}", text(path))?,
        false => {
            screen.write_all(path.as_os_str().as_encoded_bytes())?;
            screen.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// A path as text.
pub fn text(path: &Path) -> String {
    term::printable(path.as_os_str().as_encoded_bytes())
}

/// A checkpoint that is not whole, in JSON.
pub fn broken_json(broken: &BrokenCheckpoint) -> Value {
    let problem: &Error = &broken.problem;
    json!({ "checkpoint": broken.prefix.to_string_lossy(), "problem": problem.to_string() })
}
