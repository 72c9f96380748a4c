//! `ckpt merge`: sections that several workers wrote, as one checkpoint.

use std::io::Write;
use std::path::{Path, PathBuf};

use checkpoint::MergeOptions;

use crate::bar::Bar;
use crate::destination;
use crate::failure::Outcome;
use crate::term::{self, Screen};

/// Make one checkpoint of the sections that several workers wrote.
///
/// As TensorFlow's MergeV2Checkpoints: the index is written anew, the data files get new names, and slices of one tensor from
/// several sections come together. The sections are removed when the merged checkpoint is complete; on failure they stay, and
/// so does a checkpoint that was at DST.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Prefix of the merged checkpoint
    destination: PathBuf,
    /// The sections: prefixes or .index files
    #[arg(value_name = "PART", required = true)]
    parts: Vec<PathBuf>,
    /// Merge what is there if sections are missing
    #[arg(long)]
    allow_missing: bool,
    /// Leave the sections where they are
    #[arg(long)]
    keep: bool,
}

const EXAMPLES: &str = "Examples:
  ckpt merge run/ckpt-7 run/ckpt-7_temp/part-*.index
  ckpt merge run/ckpt-7 worker0/part worker1/part --keep";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    destination::check(&args.destination)?;
    let sections: Vec<PathBuf> = args.parts.iter().map(|part| destination::prefix_of(part)).collect();
    let options = MergeOptions::new().allow_missing(args.allow_missing).keep_inputs(args.keep);
    let has_index = |section: &&PathBuf| {
        let mut index = section.as_os_str().to_owned();
        index.push(".index");
        Path::new(&index).exists()
    };
    let there = sections.iter().filter(has_index).count() as u64; // those that are merged are gone afterwards
    let bar = Bar::new();
    let written = checkpoint::merge(&args.destination, &sections, &options, &mut |done, total| bar.report(done, total))?;
    drop(bar);
    let good = screen.paint(term::GOOD, "merged");
    let files = term::plural(written.shards.into(), "data file");
    writeln!(screen, "{good} {}, {} in {files}", term::plural(there, "section"), term::bytes(written.bytes))?;
    Ok(())
}
