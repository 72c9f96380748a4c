//! `ckpt convert`: checkpoints to and from files of other libraries.

mod npz;
mod safetensors;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint::{DType, Reader, Tensor, Writer};

use crate::bar::Bar;
use crate::destination;
use crate::failure::{Failure, Outcome};
use crate::filter::Filter;
use crate::stream::{Fault, Stream};
use crate::term::{self, Screen};

/// Convert a checkpoint to or from .safetensors or .npz.
///
/// A name that ends in .safetensors or .npz is such a file; any other is a checkpoint. Keys, dtypes, shapes and values stay as they
/// are. What the target cannot hold, such as strings in .safetensors, is refused and listed; --skip leaves it out.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// What is converted: a checkpoint, a .safetensors or a .npz file
    source: PathBuf,
    /// What it becomes: a prefix, or the name of a .safetensors or .npz file
    destination: PathBuf,
    /// Only keys that match; `*` matches slashes too. May be given several times
    #[arg(long, value_name = "GLOB")]
    filter: Vec<String>,
    /// Leave out what the target cannot hold, and list it
    #[arg(long)]
    skip: bool,
}

const NOTES: &str =
    "A .safetensors file has no place for the object graph, which is a string: what is made of it is a checkpoint by names.
In .npz files bfloat16 is what np.savez makes of it: np.load(FILE)[KEY].view(ml_dtypes.bfloat16).

Examples:
  ckpt convert run/ckpt-7 model.safetensors --skip
  ckpt convert run/ckpt-7 weights.npz --filter 'model/*'
  ckpt convert model.safetensors run/imported";

/// A tensor on its way.
pub struct Entry<'a> {
    pub key: Vec<u8>,
    pub dtype: DType,
    pub shape: Vec<i64>,
    pub value: Value<'a>,
}

pub enum Value<'a> {
    /// Row-major and little-endian, by offset.
    Numbers(Arc<dyn ReadAt + 'a>),
    /// Strings or variants that are still in the checkpoint.
    Stored(Tensor<'a>),
    Strings(Vec<Vec<u8>>),
}

/// Where bytes are, nearly in order and from one thread.
pub trait ReadAt: Send + Sync {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault>;
}

impl ReadAt for Stream<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        self.read(offset, buffer)
    }
}

/// Something that cannot be converted.
pub struct Refused {
    pub what: String,
    pub why: String,
}

impl Entry<'_> {
    /// Bytes of a value that is numbers.
    pub fn bytes(&self) -> u64 {
        let size = self.dtype.size().unwrap_or(0) as u64;
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape.iter().map(|&n| n as u64).product::<u64>() * size
    }

    /// The elements of a value that is strings or variants.
    pub fn elements(&self) -> Outcome<Vec<Vec<u8>>> {
        match &self.value {
            Value::Numbers(_) => Ok(Vec::new()),
            Value::Stored(tensor) => Ok(tensor.read_strings()?.iter().map(<[u8]>::to_vec).collect()),
            Value::Strings(elements) => Ok(elements.clone()),
        }
    }

    fn refused(&self, why: String) -> Refused {
        Refused { what: format!("{}  {} {}", term::printable(&self.key), self.dtype, term::shape(&self.shape)), why }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Checkpoint,
    Safetensors,
    Npz,
}

impl Kind {
    fn of(path: &Path) -> Kind {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("safetensors") => Kind::Safetensors,
            Some("npz") => Kind::Npz,
            _ => Kind::Checkpoint,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Checkpoint => "a checkpoint",
            Kind::Safetensors => "a .safetensors file",
            Kind::Npz => "a .npz file",
        }
    }

    /// Why something of this kind cannot hold a tensor.
    fn refuses(self, entry: &Entry<'_>) -> Outcome<Option<String>> {
        match self {
            Kind::Checkpoint => Ok(match entry.key.first() {
                None => Some("the key is empty".to_owned()),
                Some(0) => Some("the key begins with a zero byte".to_owned()),
                Some(_) => None,
            }),
            Kind::Safetensors => Ok(safetensors::refuses(entry)),
            Kind::Npz => npz::refuses(entry),
        }
    }
}

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let filter = Filter::new(&args.filter)?;
    let (from, to) = (Kind::of(&args.source), Kind::of(&args.destination));
    if from == to {
        return Err(Failure::Usage(match from {
            Kind::Checkpoint => "both are checkpoints: `ckpt copy` is for that".to_owned(),
            _ => format!("both are {}s: there is nothing to convert", from.name().trim_start_matches("a ")),
        }));
    }
    if to == Kind::Checkpoint {
        destination::check(&args.destination)?;
    }
    let reader = match from {
        Kind::Checkpoint => Some(Reader::open(&args.source)?),
        _ => None,
    };
    let (entries, mut refused) = match from {
        Kind::Checkpoint => (reader.as_ref().map(stored).unwrap_or_default(), Vec::new()),
        Kind::Safetensors => safetensors::open(&args.source)?,
        Kind::Npz => npz::open(&args.source)?,
    };
    let mut kept = Vec::new();
    let mut passed = 0;
    for entry in entries.into_iter().filter(|entry| filter.lets_through(&entry.key)) {
        passed += 1;
        match to.refuses(&entry)? {
            Some(why) => refused.push(entry.refused(why)),
            None => kept.push(entry),
        }
    }
    report_refused(&refused, args.skip, to, screen)?;
    if kept.is_empty() && (filter.is_set() || passed > 0) {
        return Err(Failure::Problem("there is nothing to convert".to_owned()));
    }
    let bytes = match to {
        Kind::Checkpoint => write_checkpoint(&args.destination, &kept)?,
        Kind::Safetensors => safetensors::write(&args.destination, &mut kept, &Bar::new())?,
        Kind::Npz => npz::write(&args.destination, &kept, &Bar::new())?,
    };
    let good = screen.paint(term::GOOD, "converted");
    let skipped = if refused.is_empty() { String::new() } else { format!(", {} skipped", refused.len()) };
    writeln!(screen, "{good} {}, {}{skipped}", term::plural(kept.len() as u64, "tensor"), term::bytes(bytes))?;
    Ok(())
}

/// Lists what the target cannot hold, which is a failure unless it is to be left out.
fn report_refused(refused: &[Refused], skip: bool, to: Kind, screen: &mut Screen) -> Outcome {
    if skip {
        for Refused { what, why } in refused {
            writeln!(screen, "{} {what}: {why}", screen.paint(term::FAINT, "skipped"))?;
        }
        return Ok(());
    }
    if refused.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = refused.iter().map(|Refused { what, why }| format!("\n  {what}: {why}")).collect();
    let count = term::plural(refused.len() as u64, "tensor");
    Err(Failure::Problem(format!("{} cannot hold {count}, which --skip leaves out:{}", to.name(), list.concat())))
}

/// The tensors of a checkpoint, in the order in which they lie in its files.
fn stored<'a>(reader: &'a Reader) -> Vec<Entry<'a>> {
    let mut tensors: Vec<Tensor<'a>> = reader.tensors().collect();
    tensors.sort_by_key(|tensor| (tensor.shard(), tensor.offset(), tensor.byte_size(), tensor.index()));
    let value = |tensor: Tensor<'a>| match tensor.dtype().size() {
        Some(_) => Value::Numbers(Arc::new(Stream::new(reader, tensor, None))),
        None => Value::Stored(tensor),
    };
    let entries = tensors.into_iter().map(|tensor| Entry {
        key: tensor.key().to_vec(),
        dtype: tensor.dtype(),
        shape: tensor.shape().to_vec(),
        value: value(tensor),
    });
    entries.collect()
}

fn write_checkpoint(prefix: &Path, entries: &[Entry<'_>]) -> Outcome<u64> {
    // One thread, so that one member of an archive at a time is unpacked.
    let mut writer = Writer::new(prefix, &destination::options(None).threads(1))?;
    for entry in entries {
        match &entry.value {
            Value::Numbers(source) => {
                let source = Arc::clone(source);
                let read = Box::new(move |offset, buffer: &mut [u8]| source.read_at(offset, buffer));
                writer.add_read(&entry.key, entry.dtype, &entry.shape, read)?;
            }
            _ => writer.add_strings(&entry.key, &entry.shape, &entry.elements()?)?,
        }
    }
    Ok(destination::finish(writer)?.bytes)
}

/// Writes the numbers of a tensor to `out`, in pieces.
fn copy_numbers(entry: &Entry<'_>, source: &dyn ReadAt, out: &mut dyn Write, mut done: impl FnMut(u64)) -> Outcome {
    let mut buffer = vec![0; (1 << 20).min(entry.bytes()) as usize];
    let mut offset = 0;
    while offset < entry.bytes() {
        let length = (buffer.len() as u64).min(entry.bytes() - offset) as usize;
        let piece = &mut buffer[..length];
        source.read_at(offset, piece).map_err(|fault| Failure::Problem(fault.to_string()))?;
        out.write_all(piece)?;
        offset += length as u64;
        done(length as u64);
    }
    Ok(())
}

/// The error of a file that cannot be converted.
fn malformed(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::Problem(format!("{}: {what}", term::printable(path.as_os_str().as_encoded_bytes())))
}
