//! `ckpt merge`: merges the sections that several workers wrote into one checkpoint.

use std::io::Write;
use std::path::{Path, PathBuf};

use checkpoint::{Code, MergeOptions, Reason};

use crate::bar::Bar;
use crate::destination;
use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::term::{self, Screen};

/// Merge the sections that several workers wrote into one checkpoint.
///
/// Like TensorFlow's MergeV2Checkpoints: writes a new index, renames the data files, and joins
/// slices of the same tensor from several sections. The sections are removed when the merged
/// checkpoint is complete. Missing sections are noticed by the names of the others
/// (`part-00000-of-00002`) and by slices that do not cover their tensors. After a failure the
/// sections and an existing checkpoint at DESTINATION are unchanged.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Prefix of the merged checkpoint
    destination: PathBuf,
    /// The sections: prefixes or .index files
    #[arg(value_name = "PART", required = true)]
    parts: Vec<PathBuf>,
    /// Ignore missing sections
    #[arg(long)]
    allow_missing: bool,
    /// Do not remove the sections
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    locking: locking::Args,
}

const EXAMPLES: &str = "Examples:
  ckpt merge run/ckpt-7 run/ckpt-7_temp/part-*.index
  ckpt merge run/ckpt-7 worker0/part worker1/part --keep";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    destination::check(&args.destination)?;
    let sections: Vec<PathBuf> = args.parts.iter().map(|part| destination::prefix_of(part)).collect();
    let options = args.locking.merge(MergeOptions::new().allow_missing(args.allow_missing).keep_inputs(args.keep));
    let has_index = |section: &&PathBuf| {
        let mut index = section.as_os_str().to_owned();
        index.push(".index");
        Path::new(&index).exists()
    };
    let there = sections.iter().filter(has_index).count() as u64; // counted now because merging removes them
    let bar = Bar::new();
    let merged = checkpoint::merge(&args.destination, &sections, &options, &mut |done, total| bar.report(done, total));
    drop(bar);
    let written = merged.map_err(|error| match (error.code(), error.reason()) {
        (Code::NotFound, Reason::NoCheckpoint | Reason::Gap) if !args.allow_missing => {
            Failure::Problem(format!("{error}; nothing was merged or removed; --allow-missing merges what is there"))
        }
        _ => error.into(),
    })?;
    let good = screen.paint(term::GOOD, "merged");
    let files = term::plural(written.shards.into(), "data file");
    writeln!(screen, "{good} {}, {} in {files}", term::plural(there, "section"), term::bytes(written.bytes))?;
    Ok(())
}
