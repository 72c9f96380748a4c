//! `ckpt watch`: each new checkpoint of a directory.

use std::io::Write;
use std::path::PathBuf;

use checkpoint::{CheckpointsIterator, WaitOptions};

use crate::failure::{Failure, Outcome};
use crate::latest::{print_path, text};
use crate::term::Screen;

/// Print each new checkpoint of a directory as it appears, one a line.
///
/// The latest one first, if there is one. When several appear between two looks, the last of them is printed. The directory need not
/// be there yet.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The directory
    directory: PathBuf,
    /// End when no new checkpoint has come for so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    timeout: Option<f64>,
    /// The time between two looks
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds, allow_negative_numbers = true)]
    interval: f64,
    /// End after so many checkpoints
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

const NOTES: &str = "Exit codes: 0 the end that was asked for, 1 time ran out before --count was reached.

Examples:
  ckpt watch run/ckpts
  ckpt watch run/ckpts | while read -r path; do ckpt verify \"$path\"; done
  ckpt watch run/ckpts --count 1 --timeout 600 # waits for the first";

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(seconds),
        _ => Err("not a number of seconds".to_owned()),
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
        let Some(path) = checkpoints.next() else { break };
        print_path(screen, &path?)?;
        screen.flush()?;
        printed += 1;
    }
    match args.count {
        Some(count) if printed < count => {
            Err(Failure::Problem(format!("{}: time ran out after {printed} of {count} checkpoints", text(&args.directory))))
        }
        _ => Ok(()),
    }
}
