//! `ckpt gc`: removes expired checkpoints.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use checkpoint::{collect_checkpoints, Better, CollectOptions, NotRemoved};
use serde_json::{json, Value};

use crate::failure::{Failure, Outcome};
use crate::latest::text;
use crate::locking;
use crate::term::{self, Screen};

/// Remove expired checkpoints from a managed directory, and files left by crashes.
///
/// Does what a manager does after a save. It considers only checkpoints that the `checkpoint` file
/// lists with their times, as managers of TensorFlow and of this library write it, and keeps the
/// newest of them. Other checkpoints in the directory are never removed, nor is one that a program
/// has pinned.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The directory
    directory: PathBuf,
    /// Number of newest checkpoints to keep
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    keep: u64,
    /// Also keep, permanently, one otherwise expired checkpoint per HOURS hours
    #[arg(long, value_name = "HOURS", value_parser = hours, allow_negative_numbers = true)]
    every_hours: Option<f64>,
    /// Also keep the K checkpoints with the best metrics, as recorded by the program
    #[arg(long, value_name = "K", requires = "better")]
    best: Option<usize>,
    /// Which metric values are better
    #[arg(long, value_name = "ORDER")]
    better: Option<Order>,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
    /// Where the file system has no locks, remove files that crashes left if they are older
    ///
    /// Nobody knows there whether a program is still writing them.
    #[arg(long, value_name = "SECONDS", value_parser = locking::seconds)]
    older_than: Option<Duration>,
    #[command(flatten)]
    locking: locking::Args,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Order {
    /// Lower is better, as for a loss
    Lower,
    /// Higher is better, as for an accuracy
    Higher,
}

const NOTES: &str =
    "Without --best, checkpoints that a manager keeps for their metric are still kept. The training program must not be \
running, because there is one manager of a directory at a time.

The JSON output is
  {\"removed\", \"kept\", \"leftovers\": [PATH...], \"not_removed\": [{\"checkpoint\", \"problem\"}]}
where leftovers are files left by crashes, which are removed as well, and \"not_removed\" is omitted if it is empty.

Exit codes: 0 everything that expired was removed, 1 some of it could not be removed.

Examples:
  ckpt gc run/ckpts --keep 3 --dry-run
  ckpt gc run/ckpts --keep 1 --best 2 --better lower";

fn hours(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hours) if hours.is_finite() && hours >= 0.0 => Ok(hours),
        _ => Err("expected a non-negative number of hours".to_owned()),
    }
}

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let keep = usize::try_from(args.keep).unwrap_or(usize::MAX);
    let mut options = CollectOptions::keep(keep).dry_run(args.dry_run);
    if let Some(hours) = args.every_hours {
        options = options.keep_every_n_hours(hours);
    }
    if let (Some(count), Some(order)) = (args.best, args.better) {
        options = options.keep_best(
            count,
            match order {
                Order::Lower => Better::Lower,
                Order::Higher => Better::Higher,
            },
        );
    }
    if let Some(age) = args.older_than {
        options = options.older_than(age);
    }
    let collected = collect_checkpoints(&args.directory, &args.locking.collect(options))?;
    // Each of them has a warning.
    let outcome = if collected.not_removed.is_empty() { Ok(()) } else { Err(Failure::Reported) };
    let texts = |paths: &[PathBuf]| paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>();
    if args.json {
        let mut result = json!({
            "removed": texts(&collected.removed),
            "kept": texts(&collected.kept),
            "leftovers": texts(&collected.leftovers),
        });
        if !collected.not_removed.is_empty() {
            result["not_removed"] = collected.not_removed.iter().map(not_removed).collect();
        }
        crate::json::write(&result, screen)?;
        return outcome;
    }
    let verb = if args.dry_run { "would remove" } else { "removed" };
    for path in collected.removed.iter().chain(&collected.leftovers) {
        writeln!(screen, "{verb} {}", text(path))?;
    }
    let removed = term::plural(collected.removed.len() as u64, "checkpoint");
    let leftovers = match collected.leftovers.len() as u64 {
        0 => String::new(),
        count => format!(" and {} that a crash left", term::plural(count, "file")),
    };
    let failed = match collected.not_removed.len() {
        0 => String::new(),
        count => format!("; {count} could not be removed"),
    };
    writeln!(screen, "{verb} {removed}{leftovers}; {} managed{failed}", stay(collected.kept.len(), args.dry_run))?;
    outcome
}

fn not_removed(left: &NotRemoved) -> Value {
    json!({ "checkpoint": left.prefix.to_string_lossy(), "problem": left.problem.to_string() })
}

fn stay(count: usize, dry_run: bool) -> String {
    let verb = match (count, dry_run) {
        (_, true) => "would stay",
        (1, false) => "stays",
        _ => "stay",
    };
    format!("{count} {verb}")
}
