//! `ckpt repair`: a state file made of what is whole.

use std::io::Write;
use std::path::PathBuf;

use checkpoint::{repair_checkpoint_state, VerifyOptions};
use serde_json::json;

use crate::bar::Bar;
use crate::failure::Outcome;
use crate::latest::{broken_json, text};
use crate::term::{self, Screen};

/// Make a directory's `checkpoint` file anew, from the checkpoints that are whole.
///
/// Of the checkpoints that the `checkpoint` file lists, those stay listed of which every checksum is right. Where there is no such
/// file, or it cannot be understood, all whole checkpoints that are there are listed. Nothing but that file is changed: what is broken
/// stays where it is.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The directory
    directory: PathBuf,
    /// Only say what the file would list
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

const NOTES: &str = "Checkpoints that were listed by a manager go on being managed. Those that are listed anew are nobody's: no manager removes them, for
some may have been meant to stay.

In JSON the result is
  {\"latest\", \"all\": [PATH...], \"changed\", \"broken\": [{\"checkpoint\", \"problem\"}]}

Exit codes: 0 the file names what is whole, 1 there is no whole checkpoint.

Examples:
  ckpt repair run/ckpts --dry-run
  ckpt repair run/ckpts";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let bar = Bar::new();
    let repaired = repair_checkpoint_state(&args.directory, args.dry_run, &VerifyOptions::new(), &mut |progress| {
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
        writeln!(screen, "{result:#}")?;
        return Ok(());
    }
    for broken in &repaired.broken {
        let bad = screen.paint(term::BAD, "bad ");
        writeln!(screen, "{bad} {}: {}", text(&broken.prefix), term::printable(broken.problem.to_string().as_bytes()))?;
    }
    let good = screen.paint(term::GOOD, "good");
    for path in &repaired.all {
        let is_latest = if *path == repaired.latest { "  latest" } else { "" };
        writeln!(screen, "{good} {}{is_latest}", text(path))?;
    }
    let outcome = match (repaired.is_new, args.dry_run) {
        (false, _) => "the checkpoint file is right as it is",
        (true, false) => "the checkpoint file was made anew",
        (true, true) => "the checkpoint file would be made anew",
    };
    writeln!(screen, "{outcome}")?;
    Ok(())
}
