//! `ckpt repair`: rewrites the state file of a directory to list the intact checkpoints.

use std::io::Write;
use std::path::PathBuf;

use checkpoint::{repair_checkpoint_state, RepairOptions};
use serde_json::json;

use crate::bar::Bar;
use crate::failure::Outcome;
use crate::latest::{broken_json, text};
use crate::locking;
use crate::term::{self, Screen};

/// Rewrite a directory's `checkpoint` file to list only intact checkpoints.
///
/// Of the checkpoints that the `checkpoint` file lists, those that `ckpt verify` calls whole remain
/// listed. If the file is missing or damaged, all whole checkpoints in the directory are listed.
/// Incomplete checkpoints are listed only if none is whole, sections never. Only this file is
/// changed; damaged checkpoints are not removed.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The directory
    directory: PathBuf,
    /// Only print what the file would list
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    locking: locking::Args,
}

const NOTES: &str = "Checkpoints that a manager has listed remain managed. Those that are added to the list are not managed: no manager removes them, \
because some may have been meant to be kept.

The JSON output is
  {\"latest\", \"all\": [PATH...], \"changed\", \"broken\": [{\"checkpoint\", \"verdict\", \"problem\"}]}

Exit codes: 0 the file lists intact checkpoints, 1 there is no intact checkpoint.

Examples:
  ckpt repair run/ckpts --dry-run
  ckpt repair run/ckpts";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let bar = Bar::new();
    let options = args.locking.repair(RepairOptions::new().dry_run(args.dry_run));
    let repaired = repair_checkpoint_state(&args.directory, &options, &mut |progress| {
        bar.report(progress.bytes_done, progress.bytes_total)
    })?;
    drop(bar);
    if args.json {
        let result = json!({
            "latest": repaired.latest.to_string_lossy(),
            "all": repaired.all.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "changed": repaired.is_new,
            "broken": repaired.broken.iter().map(broken_json).collect::<Vec<_>>(),
        });
        crate::json::write(&result, screen)?;
        return Ok(());
    }
    for broken in &repaired.broken {
        let bad = screen.paint(term::BAD, "bad ");
        let problem = term::printable(broken.problem.to_string().as_bytes());
        writeln!(screen, "{bad} {}: {}: {problem}", text(&broken.prefix), broken.verdict)?;
    }
    for path in &repaired.all {
        // Incomplete ones are listed if there is nothing better.
        let is_whole = repaired.broken.iter().all(|broken| broken.prefix != *path);
        let good = if is_whole { screen.paint(term::GOOD, "good") } else { screen.paint(term::BAD, "poor") };
        let is_latest = if *path == repaired.latest { "  latest" } else { "" };
        writeln!(screen, "{good} {}{is_latest}", text(path))?;
    }
    let outcome = match (repaired.is_new, args.dry_run) {
        (false, _) => "the checkpoint file is already correct",
        (true, false) => "the checkpoint file was rewritten",
        (true, true) => "the checkpoint file would be rewritten",
    };
    writeln!(screen, "{outcome}")?;
    Ok(())
}
