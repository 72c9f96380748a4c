//! `ckpt diff`: compares two checkpoints.

mod graphs;
mod json;
mod tensors;
mod text;
mod values;

use std::path::{Path, PathBuf};

use checkpoint::{ObjectGraph, Reader};

use self::graphs::GraphDiff;
use self::tensors::TensorDiff;
use self::values::Tolerance;
use crate::choice::{self, Both, Choice};
use crate::failure::{Failure, Outcome};
use crate::opening;
use crate::term::Screen;

/// Compare two checkpoints: object graphs, tensors, and optionally values.
///
/// Object graphs are compared by the names of edges from the root, as in a restore; the order and
/// numbering of objects do not matter. Tensors are compared by key, dtype and shape. The storage
/// (format, data files, slices) does not matter, so a checkpoint of TensorFlow 1 can be compared
/// with one of format V2.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The first checkpoint: a prefix, an .index file, a directory, …
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The second checkpoint
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Compare values too (reads everything and verifies checksums)
    #[arg(long)]
    values: bool,
    /// Tolerance relative to the number in B
    #[arg(long, value_name = "R", default_value_t = 0.0, requires = "values", value_parser = parse_tolerance)]
    rtol: f64,
    /// Absolute tolerance
    #[arg(long, value_name = "A", default_value_t = 0.0, requires = "values", value_parser = parse_tolerance)]
    atol: f64,
    #[command(flatten)]
    choice: choice::Args,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

const NOTES: &str =
    "Numbers differ if |a - b| > atol + rtol * |b|, as in numpy.isclose; all NaNs are equal. Strings are compared element by \
element. The largest relative difference ignores numbers that are 0 in B.

Exit codes, as for diff(1): 0 same, 1 different, 2 wrong usage or an unreadable checkpoint.

The JSON output is
  {\"same\", \"graph\": {\"only_in_a\", \"only_in_b\", \"changed\"},
   \"tensors\": {\"only_in_a\", \"only_in_b\", \"changed\", \"same\"}}
docs/tool.md describes the members.

Examples:
  ckpt diff run/ckpt-6 run/ckpt-7
  ckpt diff run/ckpt-6 run/ckpt-7 --values --rtol 1e-5
  ckpt diff tf1/model.ckpt copy/model.ckpt --values --json | jq .same";

/// The result of the comparison.
struct Diff {
    graph: GraphDiff,
    tensors: TensorDiff,
}

impl Diff {
    fn is_same(&self) -> bool {
        self.graph.is_same() && self.tensors.is_same()
    }
}

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    // Exit code 1 means that the checkpoints differ, so a checkpoint that cannot be read must exit
    // with 2.
    let trouble = |failure| match failure {
        Failure::Problem(message) => Failure::Usage(message),
        other => other,
    };
    Choice::new(&args.choice)?;
    let (a, b) = (open(&args.first).map_err(trouble)?, open(&args.second).map_err(trouble)?);
    let tolerance = args.values.then_some(Tolerance { relative: args.rtol, absolute: args.atol });
    let choice = Both::new(&args.choice, &a.0, &b.0).map_err(trouble)?;
    let tensors = tensors::compare(&a.0, &b.0, &choice, tolerance).map_err(trouble)?;
    let graph =
        if choice.is_set() { GraphDiff::default() } else { graphs::compare(a.1.as_ref(), b.1.as_ref()).map_err(trouble)? };
    let diff = Diff { graph, tensors };
    if args.json {
        json::write(&diff, screen)?
    } else {
        text::write(&diff, args, screen)?
    }
    if diff.is_same() {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

fn open(path: &Path) -> Outcome<(Reader, Option<ObjectGraph>)> {
    let reader = opening::open(path)?;
    let graph = reader.object_graph()?;
    Ok((reader, graph))
}

fn parse_tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "expected a non-negative number, such as 1e-5".to_owned())
}
