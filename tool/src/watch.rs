//! `ckpt watch`: prints each new checkpoint of a directory.

use std::io::Write;
use std::path::PathBuf;

use checkpoint::{CheckpointsIterator, Code, WaitOptions};

use crate::failure::{Failure, Outcome};
use crate::latest::{print_path, text};
use crate::term::{complain, Screen};

/// Print each new checkpoint of a directory as it appears, one per line.
///
/// Begins with the latest checkpoint, if there is one. If several appear between two polls, only
/// the last one is printed. The directory need not exist yet.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The directory
    directory: PathBuf,
    /// Exit if no new checkpoint appears for SECONDS
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    timeout: Option<f64>,
    /// Time between two polls
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds, allow_negative_numbers = true)]
    interval: f64,
    /// Exit after N checkpoints
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

const NOTES: &str = "Exit codes: 0 success, or the time-out without --count; 1 the time-out came before --count was reached.

Examples:
  ckpt watch run/ckpts
  ckpt watch run/ckpts | while read -r path; do ckpt verify \"$path\"; done
  ckpt watch run/ckpts --count 1 --timeout 600 # waits for the first one";

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(seconds),
        _ => Err("expected a non-negative number of seconds".to_owned()),
    }
}

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let mut options = WaitOptions::new().poll_interval(args.interval);
    if let Some(timeout) = args.timeout {
        options = options.timeout(timeout);
    }
    let most = args.count.unwrap_or(u64::MAX);
    let mut printed = 0;
    let mut checkpoints = CheckpointsIterator::new(&args.directory, &options);
    while printed < most {
        let path = match checkpoints.next() {
            Some(Ok(path)) => path,
            // The state file may be mended.
            Some(Err(e)) if e.code() == Code::DataLoss && args.timeout.is_none() => {
                complain(&e.to_string());
                continue;
            }
            Some(Err(e)) => return Err(e.into()),
            None => break,
        };
        print_path(screen, &path)?;
        screen.flush()?;
        printed += 1;
    }
    match args.count {
        Some(count) if printed < count => {
            Err(Failure::Problem(format!("{}: timed out after {printed} of {count} checkpoints", text(&args.directory))))
        }
        _ => Ok(()),
    }
}
