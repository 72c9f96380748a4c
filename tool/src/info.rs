//! `ckpt info`: summarizes a checkpoint.

use std::ffi::OsStr;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use checkpoint::state_file::StateFile;
use checkpoint::{Error, Format, Reader, Tensor, Verdict, Verification, VerifyOptions};
use serde_json::{json, Map, Value};

use crate::failure::{Failure, Outcome};
use crate::json::key_member;
use crate::opening;
use crate::term::{self, Align, Screen};

/// Summarize a checkpoint: format, shards, tensors, parameters, bytes, largest tensors.
///
/// The verdict is that of `ckpt verify`, as far as it is known without reading the values:
/// checksums are not checked. If it is "damaged", for example because a data file is missing, the
/// exit code is 1.
///
/// Parameters are the elements of all numeric tensors, including those of optimizers and counters.
/// For a directory, the checkpoints that its `checkpoint` file lists are shown too.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    path: PathBuf,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  ckpt info run/ckpt-7
  ckpt info run/ckpts
  ckpt info run/ckpts --json | jq .parameters";

/// The number of largest tensors that are shown.
const LARGEST: usize = 5;

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let path = opening::path_of(&args.path)?;
    let reader = Reader::open(&path)?;
    let found = checkpoint::verify(&path, &VerifyOptions::new().skip_values(true), &mut |_| ControlFlow::Continue(()))?;
    let summary = Summary::of(&reader, found);
    let state = state_of(&args.path);
    if args.json {
        crate::json::write(&summary.json(&reader, &state), screen)?
    } else {
        summary.print(&reader, &state, screen)?
    }
    match (summary.objects, summary.found.verdict) {
        (Err(error), _) => Err(error.into()),
        (Ok(_), Verdict::Damaged) => Err(Failure::Reported),
        (Ok(_), _) => Ok(()),
    }
}

/// Returns the content of a directory's `checkpoint` file. `None` for other paths, and if the file
/// cannot be read: the checkpoint that it names is already open.
fn state_of(path: &Path) -> Option<StateFile> {
    if !path.is_dir() {
        return None;
    }
    StateFile::parse(&std::fs::read(path.join("checkpoint")).ok()?).ok()
}

struct Summary<'a> {
    /// What can be told without reading the values.
    found: Verification,
    parameters: u64,
    bytes: u64,
    partitioned: usize,
    /// The number of objects in the object graph, if there is one.
    objects: checkpoint::Result<Option<usize>>,
    largest: Vec<Tensor<'a>>,
}

impl Summary<'_> {
    fn of(reader: &Reader, found: Verification) -> Summary<'_> {
        let mut summary = Summary {
            found,
            parameters: 0,
            bytes: 0,
            partitioned: 0,
            objects: reader.object_graph().map(|graph| graph.map(|graph| graph.len())),
            largest: Vec::new(),
        };
        for tensor in reader.tensors() {
            if tensor.dtype().size().is_some() {
                summary.parameters = summary.parameters.saturating_add(tensor.element_count());
            }
            summary.bytes = summary.bytes.saturating_add(tensor.byte_size().unwrap_or(0));
            summary.partitioned += usize::from(!tensor.slices().is_empty());
            // Sorted by size, largest first, then by key.
            let place = summary.largest.partition_point(|kept| kept.byte_size() >= tensor.byte_size());
            if place < LARGEST {
                summary.largest.insert(place, tensor);
                summary.largest.truncate(LARGEST);
            }
        }
        summary
    }

    fn print(&self, reader: &Reader, state: &Option<StateFile>, screen: &mut Screen) -> Outcome {
        let version = reader.version();
        let mut rows = vec![
            ("checkpoint", term::printable(reader.prefix().as_os_str().as_encoded_bytes())),
            ("format", format_text(reader).to_owned()),
            ("writer", format!("version {}, for readers of version {} or later", version.producer, version.min_consumer)),
            ("shards", reader.shard_count().to_string()),
            ("tensors", tensors_text(reader.len(), self.partitioned)),
            ("parameters", exact(term::count(self.parameters), self.parameters)),
            ("bytes", exact(term::bytes(self.bytes), self.bytes)),
            (
                "object graph",
                match self.objects {
                    Ok(Some(objects)) => format!("yes, {}", term::plural(objects as u64, "object")),
                    Ok(None) => "no, name-based".to_owned(),
                    Err(_) => "yes, but it cannot be read".to_owned(),
                },
            ),
        ];
        rows.push(("verdict", verdict_text(&self.found)));
        if let Some(state) = state {
            let names: Vec<String> = all_of(state).iter().map(|path| term::printable(path.as_encoded_bytes())).collect();
            rows.push(("latest", term::printable(latest_of(state).as_encoded_bytes())));
            rows.push(("all", names.join(", ")));
        }
        for (name, value) in rows {
            let name = screen.paint(term::HEADING, &term::pad(name, 12, Align::Left));
            writeln!(screen, "{name}  {value}")?;
        }
        self.print_largest(screen)
    }

    fn print_largest(&self, screen: &mut Screen) -> Outcome {
        let sizes: Vec<String> = self.largest.iter().map(|tensor| bytes_text(tensor)).collect();
        let width = sizes.iter().map(|size| term::width(size)).max().unwrap_or(0);
        for (i, (tensor, size)) in self.largest.iter().zip(&sizes).enumerate() {
            let name = screen.paint(term::HEADING, &term::pad(if i == 0 { "largest" } else { "" }, 12, Align::Left));
            let key = term::printable(tensor.key());
            let about = screen.paint(term::FAINT, &format!("{} {}", tensor.dtype(), term::shape(tensor.shape())));
            writeln!(screen, "{name}  {}  {key}  {about}", term::pad(size, width, Align::Right))?;
        }
        Ok(())
    }

    fn json(&self, reader: &Reader, state: &Option<StateFile>) -> Value {
        let version = reader.version();
        let largest = |tensor: &Tensor<'_>| {
            let mut object = Map::from_iter([key_member("key", tensor.key())]);
            object.insert("dtype".to_owned(), json!(tensor.dtype().name()));
            object.insert("shape".to_owned(), json!(tensor.shape()));
            object.insert("bytes".to_owned(), json!(tensor.byte_size()));
            Value::Object(object)
        };
        json!({
            "checkpoint": reader.prefix().to_string_lossy(),
            "format": reader.format().to_string(),
            "producer": version.producer,
            "min_consumer": version.min_consumer,
            "shards": reader.shard_count(),
            "tensors": reader.len(),
            "partitioned": self.partitioned,
            "parameters": self.parameters,
            "bytes": self.bytes,
            "object_graph": !matches!(self.objects, Ok(None)),
            "objects": self.objects.as_ref().ok(),
            "verdict": self.found.verdict.name(),
            "problem": self.found.problems.first().map(Error::to_string),
            "latest": state.as_ref().map(|state| latest_of(state).to_string_lossy()),
            "all": state.as_ref().map(|state| all_of(state).iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>()),
            "largest": self.largest.iter().map(largest).collect::<Vec<Value>>(),
        })
    }
}

/// Returns the verdict with its reason.
fn verdict_text(found: &Verification) -> String {
    let checked = "checksums were not checked";
    match &found.problems[..] {
        [] => format!("{} by the index and the sizes of the files; {checked}", found.verdict),
        [first, ..] => format!("{}: {first}; {checked}", found.verdict),
    }
}

/// Returns the size of a tensor; that of strings is not always known without reading them.
fn bytes_text(tensor: &Tensor<'_>) -> String {
    tensor.byte_size().map_or("-".to_owned(), term::bytes)
}

fn latest_of(state: &StateFile) -> &OsStr {
    &state.model_checkpoint_path
}

/// Returns all paths that the state file lists. As in TensorFlow, the latest is part of the list
/// even if the file omits it.
fn all_of(state: &StateFile) -> Vec<&OsStr> {
    let mut all: Vec<&OsStr> = state.all_model_checkpoint_paths.iter().map(|path| &**path).collect();
    if all.last() != Some(&latest_of(state)) {
        all.push(latest_of(state));
    }
    all
}

fn format_text(reader: &Reader) -> &'static str {
    match reader.format() {
        Format::V1 => "V1 (TensorFlow 1's Saver)",
        _ => "V2 (tensor bundle)",
    }
}

fn tensors_text(tensors: usize, partitioned: usize) -> String {
    match partitioned {
        0 => tensors.to_string(),
        _ => format!("{tensors}, {partitioned} of them partitioned"),
    }
}

/// Returns `7.1 M (7123456)`, or only the number if it is not abbreviated.
fn exact(human: String, number: u64) -> String {
    if human.contains('.') {
        format!("{human} ({number})")
    } else {
        human
    }
}
