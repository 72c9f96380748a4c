//! `ckpt graph`: shows the object graph of a checkpoint as a tree, in DOT, or as a picture.

mod dot;
mod layout;
mod model;
mod svg;
mod tree;

use std::path::{Path, PathBuf};

use self::model::Model;
use crate::failure::{Failure, Outcome};
use crate::opening;
use crate::output;
use crate::term::Screen;

/// Show the object graph: which objects hold which, down to the variables.
///
/// In the tree, each object is shown in full at its shortest path from the root. Where it occurs
/// again, because objects are shared or form cycles, an arrow shows that path. Slot variables,
/// which an optimizer keeps for other variables, are shown under their optimizer. Colours follow
/// TensorFlow's guide: optimizers red, variables blue, slot variables orange (yellow on a
/// terminal).
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    path: PathBuf,
    /// Print the graph in Graphviz's DOT language
    #[arg(long, conflicts_with = "svg")]
    dot: bool,
    /// Draw the graph as an SVG picture; `-` is standard output
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  ckpt graph run/ckpt-7
  ckpt graph run/ckpt-7 --svg graph.svg
  ckpt graph run/ckpt-7 --dot | dot -Tpdf > graph.pdf";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let reader = opening::open(&args.path)?;
    let Some(graph) = reader.object_graph()? else {
        return Err(Failure::Problem(
            "the checkpoint is name-based and has no object graph; `ckpt ls` lists its tensors".to_owned(),
        ));
    };
    let model = Model::new(&graph, &reader);
    match &args.svg {
        None if args.dot => dot::write(&model, screen),
        None => tree::write(&model, screen),
        Some(file) if file == Path::new("-") => svg::write(&model, screen),
        Some(file) => output::write_file(file, |out| svg::write(&model, out)),
    }
}
