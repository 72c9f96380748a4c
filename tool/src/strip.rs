//! `ckpt strip`: writes a checkpoint without data that only training needs.

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;

use checkpoint::{ObjectGraph, Tensor};

use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::names;
use crate::optimizers::{self, Named};
use crate::rewrite::{self, Keyed, Rekeying, Rewritten};
use crate::term::{self, Screen};

/// Write a checkpoint without slot variables, optimizers or other objects.
///
/// They are removed from the object graph and the tensors; everything else is unchanged. TensorFlow
/// restores such a checkpoint. Slot variables are what an optimizer keeps for each variable, such
/// as Adam's m and v; without them, the checkpoint of a model trained with Adam has a third of its
/// size. Of a checkpoint that is name-based, slot variables and optimizers are told by their names.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
#[group(required = true, multiple = true, args = ["slots", "optimizer", "object"])]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    source: PathBuf,
    /// Prefix of the new checkpoint
    destination: PathBuf,
    /// Remove slot variables; optimizers stay, and start with fresh slots
    #[arg(long)]
    slots: bool,
    /// Remove optimizers, with all that they keep
    #[arg(long)]
    optimizer: bool,
    /// Remove the object at PATH, with all that only it leads to: optimizer, model/metrics. May be
    /// repeated
    #[arg(long, value_name = "PATH")]
    object: Vec<String>,
    #[command(flatten)]
    locking: locking::Args,
}

const NOTES: &str =
    "Optimizers of Keras 3, and of TensorFlow's Keras since 2.11, have no slot variables but ordinary objects: --optimizer \
removes them.

Examples:
  ckpt strip run/ckpt-7 small/ckpt-7 --slots
  ckpt strip run/ckpt-7 small/ckpt-7 --optimizer
  ckpt strip run/ckpt-7 small/ckpt-7 --optimizer --object iterator";

/// The maximum number of objects that are listed.
const LISTED: usize = 20;

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let reader = rewrite::open(&args.source, &args.destination)?;
    let tensors = rewrite::tensors(&reader);
    let of = tensors.len();
    let (stripped, removed) = match reader.object_graph()? {
        Some(graph) => by_objects(args, graph, tensors)?,
        None => (by_names(args, tensors)?, Vec::new()),
    };
    let written = stripped.write(&reader, &args.destination, &args.locking)?;

    for what in removed {
        writeln!(screen, "{} {}", screen.paint(term::FAINT, "removed"), term::one_line(&what))?;
    }
    let good = screen.paint(term::GOOD, "stripped");
    let dropped = of - stripped.tensors.len();
    let (of, files) = (term::plural(of as u64, "tensor"), term::plural(written.shards.into(), "data file"));
    writeln!(screen, "{good} {dropped} of {of}, {} in {files}", term::bytes(written.bytes))?;
    Ok(())
}

/// Removes objects and slots from the graph, and the tensors of what it lacks then. Returns the
/// paths of the objects, too.
fn by_objects<'a>(args: &Args, graph: ObjectGraph, tensors: Vec<Tensor<'a>>) -> Outcome<(Rewritten<'a>, Vec<String>)> {
    let found = optimizers::in_graph(&graph);
    let mut removed = Vec::new();
    if args.optimizer {
        if found.is_empty() {
            return Err(Failure::Problem(
                "the checkpoint has no optimizer that is known; --object PATH removes any object".to_owned(),
            ));
        }
        removed.extend(&found);
    }
    for path in &args.object {
        let path = names::path(path);
        let shown = || term::one_line(&path);
        match graph.node_at(&path) {
            None => return Err(Failure::Problem(format!("the checkpoint has no object at \"{}\"", shown()))),
            Some(0) => return Err(Failure::Problem(format!("\"{}\" is the root, without which nothing is left", shown()))),
            Some(id) => removed.push(id),
        }
    }
    removed.sort_unstable();
    removed.dedup();
    let has_slots = graph.nodes().any(|node| node.slot_variables().len() > 0);
    if args.slots && !has_slots && !args.optimizer {
        let advice = if found.is_empty() { "" } else { "; its optimizers keep ordinary objects: use --optimizer" };
        return Err(Failure::Problem(format!("the checkpoint has no slot variables{advice}")));
    }
    let mut kept = graph.without(&removed)?;
    if args.slots {
        kept = kept.without_slots()?;
    }
    // Without objects, others may be reached by other paths, of which their keys are made.
    let kept = if removed.is_empty() { Rekeying::none(kept) } else { Rekeying::of(&kept)? };
    let before = tensors.len();
    let tensors = kept.tensors(&graph, tensors);
    let is_counter = |key: &[u8]| key.starts_with(b"save_counter/");
    if before > 0 && tensors.iter().all(|keyed| is_counter(&keyed.key)) {
        return Err(Failure::Problem("nothing but save_counter would be left of the checkpoint".to_owned()));
    }
    let removed = paths_of(&graph, &removed)?;
    Ok((Rewritten { graph: Some(kept.graph), tensors }, removed))
}

/// Returns the shortest path to each object; of many, how many more there are.
fn paths_of(graph: &ObjectGraph, objects: &[u32]) -> Outcome<Vec<String>> {
    let parents = graph.parents()?;
    let path = |&(mut at): &u32| {
        let mut path = Vec::new();
        while let Some((parent, number)) = parents.get(at as usize).copied().flatten() {
            let edge = graph.node(parent).and_then(|parent| parent.children().nth(number));
            path.push(edge.map_or_else(String::new, |edge| names::escaped(edge.name)));
            at = parent;
        }
        path.reverse();
        path.join("/")
    };
    let mut paths: Vec<String> = objects.iter().take(LISTED).map(path).collect();
    if objects.len() > LISTED {
        paths.push(format!("{} more", objects.len() - LISTED));
    }
    Ok(paths)
}

/// Removes the tensors whose names tell that they are an optimizer's.
fn by_names<'a>(args: &Args, tensors: Vec<Tensor<'a>>) -> Outcome<Rewritten<'a>> {
    if let Some(path) = args.object.first() {
        let path = term::one_line(path);
        return Err(Failure::Problem(format!(
            "the checkpoint is name-based and has no object graph, so there is no object \"{path}\"; use `ckpt copy --exclude`"
        )));
    }
    let named = Named::new(tensors.iter().map(|tensor| tensor.key()));
    let goes = |key: &[u8]| named.is_slot(key) || args.optimizer && named.is_power(key);
    let of = tensors.len();
    let stay = tensors.into_iter().filter(|tensor| !goes(tensor.key()));
    let tensors: Vec<Keyed<'a>> = stay.map(|tensor| Keyed { tensor, key: Cow::Borrowed(tensor.key()) }).collect();
    if tensors.len() == of {
        return Err(Failure::Problem(
            "the checkpoint is name-based, and no tensor has the name of a slot variable of TensorFlow's optimizers, such as \
             kernel/Adam beside kernel; use `ckpt copy --exclude`"
                .to_owned(),
        ));
    }
    Ok(Rewritten { graph: None, tensors })
}
