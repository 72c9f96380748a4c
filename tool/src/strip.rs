//! `ckpt strip`: writes a checkpoint without data that only training needs.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use checkpoint::{Node, ObjectGraph, Tensor, Writer};

use crate::destination;
use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::opening;
use crate::rewrite::{self, Values, GRAPH};
use crate::term::{self, Screen};

/// Write a checkpoint without the slot variables of optimizers.
///
/// Slot variables are what an optimizer keeps for each variable, such as Adam's m and v; without
/// them, the checkpoint of a model trained with Adam has a third of its size. They are removed from
/// the object graph and the tensors; everything else is unchanged. TensorFlow restores such a
/// checkpoint, and optimizers start with fresh slots.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    source: PathBuf,
    /// Prefix of the new checkpoint
    destination: PathBuf,
    /// Remove slot variables
    #[arg(long, required = true)]
    slots: bool,
    #[command(flatten)]
    locking: locking::Args,
}

const NOTES: &str =
    "Optimizers of Keras 3, and of TensorFlow's Keras since 2.11, have no slot variables; they keep ordinary objects instead.

Examples:
  ckpt strip run/ckpt-7 small/ckpt-7 --slots";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    destination::check(&args.destination)?;
    let reader = opening::open(&args.source)?;
    destination::check_other(&args.destination, &reader)?;
    let Some(graph) = reader.object_graph()? else {
        return Err(Failure::Problem(
            "the checkpoint is name-based and has no object graph, so its slot variables cannot be identified".to_owned(),
        ));
    };
    let stripped = graph.without_slots()?;
    let mut tensors = kept(&graph, &stripped, reader.tensors());
    rewrite::in_file_order(&mut tensors);

    let mut writer = Writer::new(&args.destination, &destination::options(None, &args.locking))?;
    for tensor in &tensors {
        rewrite::add(&mut writer, &reader, *tensor, tensor.key(), None)?;
    }
    writer.add_strings(GRAPH, &[], &[stripped.encode()?])?;
    let written = destination::finish(writer)?;

    let good = screen.paint(term::GOOD, "stripped");
    let dropped = reader.len() - 1 - tensors.len();
    let (of, files) = (term::plural(reader.len() as u64 - 1, "tensor"), term::plural(written.shards.into(), "data file"));
    writeln!(screen, "{good} {dropped} of {of}, {} in {files}", term::bytes(written.bytes))?;
    Ok(())
}

/// Returns all tensors except the one that stores the graph and those of values that the stripped
/// graph lacks.
fn kept<'a>(graph: &ObjectGraph, stripped: &ObjectGraph, tensors: impl Iterator<Item = Tensor<'a>>) -> Vec<Tensor<'a>> {
    let stay: HashSet<&str> = stripped.nodes().flat_map(keys).collect();
    let values: Values<'_, bool> = graph.nodes().flat_map(keys).map(|key| (key.as_bytes(), stay.contains(key))).collect();
    let stays = |tensor: &Tensor<'_>| values.of_tensor(tensor.key()).is_none_or(|(_, stays)| *stays);
    tensors.filter(|tensor| tensor.key() != GRAPH && stays(tensor)).collect()
}

fn keys(node: Node<'_>) -> impl Iterator<Item = &str> {
    node.attributes().map(|attribute| attribute.checkpoint_key)
}
