//! `ckpt copy`: writes a copy of a checkpoint.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use checkpoint::{Reader, Tensor, Writer};

use crate::cast::Cast;
use crate::choice::{self, Choice};
use crate::destination;
use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::rewrite::{self, Values, GRAPH};
use crate::term::{self, Screen};

/// Copy a checkpoint to format V2: all tensors or some, optionally with other floating-point types.
///
/// By default keys, dtypes, values and the object graph are kept, and every checksum is verified. A
/// checkpoint of TensorFlow 1 is converted to format V2. Partitioned tensors are joined. An
/// existing checkpoint at DESTINATION is replaced when the new one is complete; after a failure it
/// is unchanged and nothing of the new one remains. The `checkpoint` file of a directory is not
/// changed.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    source: PathBuf,
    /// Prefix of the copy: run/small creates run/small.index and run/small.data-…
    destination: PathBuf,
    #[command(flatten)]
    choice: choice::Args,
    /// Omit the object graph, so that the copy is name-based
    #[arg(long)]
    drop_graph: bool,
    /// Convert a floating-point type: float64, float32, float16, bfloat16. May be repeated
    ///
    /// Rounds to nearest, ties to even. Finite numbers that are too large become infinite; their
    /// number is reported.
    #[arg(long, value_name = "FROM=TO", value_parser = Cast::parse)]
    cast: Vec<Cast>,
    /// Maximum size of a data file: 2GiB, 500MB, …
    ///
    /// A larger tensor is stored in slices if TensorFlow can join slices of its type; otherwise it
    /// gets a data file of its own.
    #[arg(long, value_name = "SIZE", value_parser = destination::parse_size)]
    max_shard: Option<u64>,
    /// Read back and compare what was written before it is published
    #[arg(long)]
    read_back: bool,
    #[command(flatten)]
    locking: locking::Args,
}

const NOTES: &str =
    "The object graph of a TensorFlow 2 checkpoint refers to tensors. If all of them are copied, it is copied too, whatever the \
options choose. Otherwise the command fails unless --drop-graph is given.

Examples:
  ckpt copy run/ckpt-7 backup/ckpt-7 --read-back
  ckpt copy old/model.ckpt new/model.ckpt
  ckpt copy run/ckpt-7 small --subtree model --drop-graph
  ckpt copy run/model.ckpt small --exclude '*/Adam*'
  ckpt copy run/ckpt-7 half/ckpt-7 --cast float32=bfloat16 --max-shard 2GiB";

/// The maximum number of keys that a message lists.
const LISTED: usize = 3;

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let choice = Choice::new(&args.choice)?;
    check_casts(&args.cast)?;
    let reader = rewrite::open(&args.source, &args.destination)?;
    let choice = choice.of(&reader)?;
    let tensors = select(&reader, &choice, args.drop_graph)?;

    let options = destination::options(args.max_shard, &args.locking).read_back(args.read_back);
    let mut writer = Writer::new(&args.destination, &options)?;
    let mut casts = Vec::new();
    for tensor in &tensors {
        let cast = args.cast.iter().find(|cast| cast.from == tensor.dtype()).copied();
        let stream = rewrite::add(&mut writer, &reader, *tensor, tensor.key(), cast)?;
        casts.extend(stream.filter(|_| cast.is_some()).map(|stream| (tensor.key(), stream)));
    }
    let written = destination::finish(writer)?;

    for (key, stream) in &casts {
        if stream.overflowed() > 0 {
            let numbers = term::plural(stream.overflowed(), "number");
            term::complain(&format!("tensor \"{}\": {numbers} too large, now infinite", term::printable(key)));
        }
    }
    let good = screen.paint(term::GOOD, "copied");
    let cast = if casts.is_empty() { String::new() } else { format!(", {} of them cast", casts.len()) };
    let (count, files) = (term::plural(tensors.len() as u64, "tensor"), term::plural(written.shards.into(), "data file"));
    writeln!(screen, "{good} {count}{cast}, {} in {files}", term::bytes(written.bytes))?;
    Ok(())
}

fn check_casts(casts: &[Cast]) -> Outcome {
    let mut seen = HashSet::new();
    match casts.iter().find(|cast| !seen.insert(cast.from)) {
        Some(cast) => Err(Failure::Usage(format!("--cast: {} is given twice", cast.from))),
        None => Ok(()),
    }
}

/// Returns the tensors to copy, in the order of their positions in the files, so that a single data
/// file is reproduced exactly.
fn select<'a>(reader: &'a Reader, choice: &Choice, drop_graph: bool) -> Outcome<Vec<Tensor<'a>>> {
    let kept = |tensor: &Tensor<'_>| tensor.key() != GRAPH && choice.takes(tensor.key());
    let mut tensors: Vec<Tensor<'a>> = reader.tensors().filter(kept).collect();
    if let Some(graph) = reader.tensors().find(|tensor| tensor.key() == GRAPH && !drop_graph) {
        if choice.is_set() {
            check_graph(reader, &tensors)?;
        }
        tensors.push(graph);
    }
    if tensors.is_empty() && !reader.is_empty() {
        return Err(Failure::Problem("nothing to copy: the options choose no tensor".to_owned()));
    }
    rewrite::in_file_order(&mut tensors);
    Ok(tensors)
}

/// Checks that all tensors that the object graph refers to are copied, except those that the
/// checkpoint itself lacks.
fn check_graph(reader: &Reader, kept: &[Tensor<'_>]) -> Outcome {
    let kept: HashSet<&[u8]> = kept.iter().map(|tensor| tensor.key()).collect();
    let Some(graph) = reader.object_graph()? else { return Ok(()) };
    let keys = graph.nodes().flat_map(|node| node.attributes()).map(|attribute| attribute.checkpoint_key.as_bytes());
    let values: Values<&[u8], ()> = keys.map(|key| (key, ())).collect();
    let left_out = reader.tensors().filter(|tensor| tensor.key() != GRAPH && !kept.contains(tensor.key()));
    let missing: Vec<&[u8]> = left_out.map(|tensor| tensor.key()).filter(|key| values.of_tensor(key).is_some()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut listed: Vec<String> = missing.iter().take(LISTED).map(|key| format!("\"{}\"", term::printable(key))).collect();
    if missing.len() > LISTED {
        listed.push(format!("{} more", missing.len() - LISTED));
    }
    Err(Failure::Problem(format!(
        "the object graph refers to {} that the options leave out: {}; use --drop-graph to omit the graph too",
        term::plural(missing.len() as u64, "tensor"),
        listed.join(", "),
    )))
}
