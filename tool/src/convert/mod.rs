//! `ckpt convert`: converts checkpoints to and from files of other libraries.

mod inflate;
mod npz;
mod safetensors;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint::{DType, Reader, Tensor, Writer};

use crate::bar::Bar;
use crate::choice::{self, Choice};
use crate::destination;
use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::npy::Elements;
use crate::opening;
use crate::stream::{Fault, Stream};
use crate::term::{self, Screen};

/// Convert a checkpoint to or from .safetensors or .npz.
///
/// A path that ends in .safetensors or .npz is such a file; any other is a checkpoint. Keys,
/// dtypes, shapes and values are kept. If the target cannot hold some tensors, such as strings in
/// .safetensors, the command lists them and fails; --skip omits them instead.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// Input: a checkpoint, a .safetensors or a .npz file
    source: PathBuf,
    /// Output: a prefix, or the path of a .safetensors or .npz file
    destination: PathBuf,
    #[command(flatten)]
    choice: choice::Args,
    /// Omit and list tensors that the target cannot hold
    #[arg(long)]
    skip: bool,
    #[command(flatten)]
    locking: locking::Args,
}

const NOTES: &str =
    "A .safetensors file cannot hold the object graph, which is a string. A checkpoint made from such a file is name-based.
In .npz files bfloat16 is stored as np.savez stores it; read it with np.load(FILE)[KEY].view(ml_dtypes.bfloat16).

Examples:
  ckpt convert run/ckpt-7 model.safetensors --skip
  ckpt convert run/ckpt-7 weights.npz --filter 'model/*'
  ckpt convert model.safetensors run/imported";

/// A tensor to be converted.
pub struct Entry<'a> {
    pub key: Vec<u8>,
    pub dtype: DType,
    pub shape: Vec<i64>,
    pub value: Value<'a>,
}

pub enum Value<'a> {
    /// Numbers, row-major and little-endian.
    Numbers(Arc<dyn ReadAt + 'a>),
    /// Strings or variants that have not been read from the checkpoint yet.
    Stored(Tensor<'a>),
    Strings(Elements),
}

/// A source of bytes. It is read by one thread, mostly in ascending order of offsets.
pub trait ReadAt: Send + Sync {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault>;
}

impl ReadAt for Stream<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        self.read(offset, buffer)
    }
}

/// A tensor that the target cannot hold, and the reason.
pub struct Refused {
    what: String,
    why: String,
}

impl Refused {
    /// `what` is printable; the reason, which may quote the file, becomes so.
    pub fn new(what: String, why: &str) -> Refused {
        Refused { what, why: term::one_line(why) }
    }
}

impl Entry<'_> {
    /// Returns the size of numbers, in bytes.
    pub fn bytes(&self) -> u64 {
        let size = self.dtype.size().unwrap_or(0) as u64;
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape.iter().map(|&n| n as u64).product::<u64>() * size
    }

    /// Passes the elements of strings or variants to `see`; none for numbers.
    pub fn with_elements<R>(&self, see: impl FnOnce(&[&[u8]]) -> Outcome<R>) -> Outcome<R> {
        match &self.value {
            Value::Numbers(_) => see(&[]),
            Value::Stored(tensor) => see(&tensor.read_strings()?.iter().collect::<Vec<_>>()),
            Value::Strings(elements) => see(&elements.all().map_err(|e| Failure::Problem(e.to_string()))?),
        }
    }

    fn refused(&self, why: String) -> Refused {
        Refused::new(format!("{}  {} {}", term::printable(&self.key), self.dtype, term::shape(&self.shape)), &why)
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

    /// Returns the reason why a target of this kind cannot hold a tensor; `None` if it can.
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
    let choice = Choice::new(&args.choice)?;
    let (from, to) = (Kind::of(&args.source), Kind::of(&args.destination));
    if to == Kind::Checkpoint {
        destination::check(&args.destination)?;
    }
    if from == to {
        return Err(Failure::Usage(match from {
            Kind::Checkpoint => "both paths are checkpoints; use `ckpt copy`".to_owned(),
            _ => format!("both paths are {}s, so there is nothing to convert", from.name().trim_start_matches("a ")),
        }));
    }
    let reader = match from {
        Kind::Checkpoint => Some(opening::open(&args.source)?),
        _ => None,
    };
    let (entries, mut refused) = match from {
        Kind::Checkpoint => (reader.as_ref().map(stored).unwrap_or_default(), Vec::new()),
        Kind::Safetensors => safetensors::open(&args.source)?,
        Kind::Npz => npz::open(&args.source)?,
    };
    let choice = match &reader {
        Some(reader) => choice.of(reader)?,
        None => {
            choice.check(entries.iter().map(|entry| &*entry.key))?;
            choice
        }
    };
    let mut kept = Vec::new();
    let mut passed = 0;
    for entry in entries.into_iter().filter(|entry| choice.takes(&entry.key)) {
        passed += 1;
        match to.refuses(&entry)? {
            Some(why) => refused.push(entry.refused(why)),
            None => kept.push(entry),
        }
    }
    report_refused(&refused, args.skip, to, screen)?;
    if kept.is_empty() && (choice.is_set() || passed > 0) {
        return Err(Failure::Problem("no tensors to convert".to_owned()));
    }
    let bytes = match to {
        Kind::Checkpoint => write_checkpoint(&args.destination, &kept, &args.locking)?,
        Kind::Safetensors => safetensors::write(&args.destination, &mut kept, &Bar::new())?,
        Kind::Npz => npz::write(&args.destination, &kept, &Bar::new())?,
    };
    let good = screen.paint(term::GOOD, "converted");
    let skipped = if refused.is_empty() { String::new() } else { format!(", {} skipped", refused.len()) };
    writeln!(screen, "{good} {}, {}{skipped}", term::plural(kept.len() as u64, "tensor"), term::bytes(bytes))?;
    Ok(())
}

/// Lists the tensors that the target cannot hold, and fails unless `skip` is set.
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
    Err(Failure::Problem(format!("{} cannot hold {count} (use --skip to omit them):{}", to.name(), list.concat())))
}

/// Returns the tensors of a checkpoint in the order of their positions in the files.
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

fn write_checkpoint(prefix: &Path, entries: &[Entry<'_>], locking: &locking::Args) -> Outcome<u64> {
    // One thread, so that only one member of an archive is unpacked at a time.
    let mut writer = Writer::new(prefix, &destination::options(None, locking).threads(1))?;
    for entry in entries {
        match &entry.value {
            Value::Numbers(source) => {
                let source = Arc::clone(source);
                let read = Box::new(move |offset, buffer: &mut [u8]| source.read_at(offset, buffer));
                writer.add_read(&entry.key, entry.dtype, &entry.shape, read)?;
            }
            _ => entry.with_elements(|elements| Ok(writer.add_strings(&entry.key, &entry.shape, elements)?))?,
        }
    }
    Ok(destination::finish(writer)?.bytes)
}

/// Writes the numbers of a tensor to `out`, in pieces. `done` receives the size of each piece.
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

/// Returns the error of a file that cannot be converted.
fn malformed(path: &Path, what: impl std::fmt::Display) -> Failure {
    let what = term::one_line(&what.to_string());
    Failure::Problem(format!("{}: {what}", term::printable(path.as_os_str().as_encoded_bytes())))
}

/// Opens a file to be converted, if it is a regular file: opening a FIFO would wait for a writer,
/// and a device may have side effects.
fn open_file(path: &Path) -> Outcome<File> {
    let cannot = |e: std::io::Error| malformed(path, format!("cannot read the file: {e}"));
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(malformed(path, "not a regular file"));
    }
    File::open(path).map_err(cannot)
}
