//! `ckpt copy`: a checkpoint written anew.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use checkpoint::{Reader, Tensor, Writer};

use crate::cast::Cast;
use crate::destination;
use crate::failure::{Failure, Outcome};
use crate::filter::Filter;
use crate::rewrite::{self, GRAPH};
use crate::term::{self, Screen};

/// Write a checkpoint anew, in format V2: all of it, or some tensors, or with numbers of other types.
///
/// Without options keys, dtypes, values and object graph stay as they are, and every checksum is checked on the way. A checkpoint
/// of TensorFlow 1 becomes one of format V2. Partitioned tensors are joined. A checkpoint that is at DST already is replaced
/// when the new one is complete; on failure it stays, and nothing of the new one does. The `checkpoint` file of a directory
/// is not changed.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    source: PathBuf,
    /// Prefix of the copy: run/small makes run/small.index and run/small.data-…
    destination: PathBuf,
    /// Only keys that match; `*` matches slashes too. May be given several times
    #[arg(long, value_name = "GLOB")]
    filter: Vec<String>,
    /// Leave the object graph out, so that what is left is a checkpoint by names
    #[arg(long)]
    drop_graph: bool,
    /// Change a floating-point type: float64, float32, float16, bfloat16. May be given several times
    ///
    /// Rounds to nearest, ties to even. Finite numbers that are too large become infinite; how many is reported.
    #[arg(long, value_name = "FROM=TO", value_parser = Cast::parse)]
    cast: Vec<Cast>,
    /// Most bytes of a data file: 2GiB, 500MB, …
    ///
    /// Larger tensors are stored in slices, of the types that TensorFlow puts together again; others get a file of their own.
    #[arg(long, value_name = "SIZE", value_parser = destination::parse_size)]
    max_shard: Option<u64>,
}

const NOTES: &str = "The object graph, which belongs to checkpoints of TensorFlow 2, refers to tensors. It is copied, whatever --filter says, if all
of them are; otherwise it has to be left out with --drop-graph.

Examples:
  ckpt copy run/ckpt-7 backup/ckpt-7
  ckpt copy old/model.ckpt new/model.ckpt
  ckpt copy run/ckpt-7 small --filter 'model/*' --drop-graph
  ckpt copy run/ckpt-7 half/ckpt-7 --cast float32=bfloat16 --max-shard 2GiB";

/// Most keys that are listed.
const LISTED: usize = 3;

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let filter = Filter::new(&args.filter)?;
    check_casts(&args.cast)?;
    destination::check(&args.destination)?;
    let reader = Reader::open(&args.source)?;
    destination::check_other(&args.destination, &reader)?;
    let tensors = select(&reader, &filter, args.drop_graph)?;

    let mut writer = Writer::new(&args.destination, &destination::options(args.max_shard))?;
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
        Some(cast) => Err(Failure::Usage(format!("--cast: {} is to be two types", cast.from))),
        None => Ok(()),
    }
}

/// What is to be copied, in the order in which it lies in the files, so that one file comes out as it was.
fn select<'a>(reader: &'a Reader, filter: &Filter, drop_graph: bool) -> Outcome<Vec<Tensor<'a>>> {
    let kept = |tensor: &Tensor<'_>| tensor.key() != GRAPH && filter.lets_through(tensor.key());
    let mut tensors: Vec<Tensor<'a>> = reader.tensors().filter(kept).collect();
    if let Some(graph) = reader.tensors().find(|tensor| tensor.key() == GRAPH && !drop_graph) {
        if filter.is_set() {
            check_graph(reader, &tensors)?;
        }
        tensors.push(graph);
    }
    if tensors.is_empty() && !reader.is_empty() {
        return Err(Failure::Problem("there is nothing to copy: --filter lets no tensor through".to_owned()));
    }
    rewrite::in_file_order(&mut tensors);
    Ok(tensors)
}

/// Says whether everything that the object graph refers to is copied. What is missing already does not count.
fn check_graph(reader: &Reader, kept: &[Tensor<'_>]) -> Outcome {
    let kept: HashSet<&[u8]> = kept.iter().map(|tensor| tensor.key()).collect();
    let Some(graph) = reader.object_graph()? else { return Ok(()) };
    let keys = graph.nodes().flat_map(|node| node.attributes()).map(|attribute| attribute.checkpoint_key.as_bytes());
    let missing: Vec<&[u8]> = keys.filter(|key| !kept.contains(key) && reader.contains(key)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut listed: Vec<String> = missing.iter().take(LISTED).map(|key| format!("\"{}\"", term::printable(key))).collect();
    if missing.len() > LISTED {
        listed.push(format!("{} more", missing.len() - LISTED));
    }
    Err(Failure::Problem(format!(
        "the object graph refers to {} that --filter leaves out: {}; --drop-graph leaves the graph out as well",
        term::plural(missing.len() as u64, "tensor"),
        listed.join(", "),
    )))
}
