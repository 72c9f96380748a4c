//! `ckpt ls`: lists the tensors of a checkpoint.

use std::io::Write;
use std::path::PathBuf;

use base64::prelude::{Engine, BASE64_STANDARD};
use checkpoint::{Reader, Tensor};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::choice::{self, Choice};
use crate::failure::{Failure, Outcome};
use crate::opening;
use crate::pieces::{Region, Source};
use crate::term::{self, Align, Screen};

/// List the tensors: key, dtype, shape, bytes, shard, slices.
///
/// The list is sorted by key. Bytes are the size of the whole value; for strings and variants, the
/// stored size if the index has it. A partitioned tensor has no shard of its own but slices, in
/// TensorFlow's notation: for each dimension `-` (all of it) or `start,length`.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    path: PathBuf,
    /// Print one JSON array of objects, for programs
    #[arg(long)]
    json: bool,
    /// Add the SHA-256 of each value (reads everything)
    ///
    /// The digest covers the row-major little-endian bytes. For a string tensor it covers, for each
    /// element, its length in 8 little-endian bytes followed by its bytes; for a variant tensor,
    /// the same of the serialized elements. A tensor that cannot be read is reported on standard
    /// error, and the exit code is 1.
    #[arg(long)]
    sha256: bool,
    #[command(flatten)]
    choice: choice::Args,
}

const NOTES: &str = "In the JSON output each tensor is
  {\"key\", \"dtype\", \"shape\", \"bytes\", \"shard\", \"offset\", \"slices\", \"sha256\"}
where shard and offset are null for a partitioned tensor or one of TensorFlow 1, bytes is null for strings whose size \
the index does not have (partitioned, or of TensorFlow 1), sha256 is present only with --sha256 (null if the tensor \
cannot be read), and a key that is not UTF-8 is \"key_base64\" instead of \"key\".

Examples:
  ckpt ls run/ckpt-7
  ckpt ls run/ckpts --filter '*kernel*' --filter '*bias*'
  ckpt ls run/ckpt-7 --subtree model --exclude '*/adam_[mv]'
  ckpt ls run/ckpt-7 --json --sha256 > before.json";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let choice = Choice::new(&args.choice)?;
    let reader = opening::open(&args.path)?;
    let choice = choice.of(&reader)?;
    let mut listing = Listing { sha256: args.sha256, unreadable: false };
    if args.json {
        listing.json(&reader, &choice, screen)?
    } else {
        listing.table(&reader, &choice, screen)?
    }
    if listing.unreadable {
        Err(Failure::Reported)
    } else {
        Ok(())
    }
}

fn selected<'a>(reader: &'a Reader, choice: &'a Choice) -> impl Iterator<Item = Tensor<'a>> {
    reader.tensors().filter(move |tensor| choice.takes(tensor.key()))
}

/// A tensor in the JSON output.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    dtype: &'static str,
    shape: &'a [i64],
    bytes: Option<u64>,
    shard: Option<u32>,
    offset: Option<u64>,
    slices: Vec<String>,
    /// Absent if not asked for, null if the tensor cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Option<String>>,
}

struct Listing {
    sha256: bool,
    /// Whether some tensor could not be read.
    unreadable: bool,
}

impl Listing {
    /// Prints one array with one line per tensor, which suits `grep` too.
    fn json(&mut self, reader: &Reader, choice: &Choice, screen: &mut Screen) -> Outcome {
        let mut before = "[\n";
        for tensor in selected(reader, choice) {
            let key = std::str::from_utf8(tensor.key());
            let row = Row {
                key: key.ok(),
                key_base64: key.is_err().then(|| BASE64_STANDARD.encode(tensor.key())),
                dtype: tensor.dtype().name(),
                shape: tensor.shape(),
                bytes: tensor.byte_size(),
                shard: tensor.shard(),
                offset: tensor.offset(),
                slices: tensor.slices().iter().map(ToString::to_string).collect(),
                sha256: self.sha256.then(|| self.digest(&tensor)),
            };
            let row = serde_json::to_string(&row).map_err(|e| Failure::Problem(e.to_string()))?;
            write!(screen, "{before}{}", crate::json::safe(&row))?;
            before = ",\n";
        }
        match before {
            "[\n" => writeln!(screen, "[]")?,
            _ => writeln!(screen, "\n]")?,
        }
        Ok(())
    }

    /// Prints aligned columns. Two passes over the tensors avoid holding a million rows in memory.
    fn table(&mut self, reader: &Reader, choice: &Choice, screen: &mut Screen) -> Outcome {
        const SIDES: [Align; 6] = [Align::Left, Align::Left, Align::Left, Align::Right, Align::Right, Align::Left];
        let heading = ["KEY", "DTYPE", "SHAPE", "BYTES", "SHARD", "SLICES"];
        let mut widths = heading.map(term::width);
        for tensor in selected(reader, choice) {
            for (width, cell) in widths.iter_mut().zip(cells(&tensor)) {
                *width = term::width(&cell).max(*width);
            }
        }
        // The last column is not padded, and is omitted if no tensor has slices.
        let partitioned = selected(reader, choice).any(|tensor| !tensor.slices().is_empty());
        let columns = if partitioned { 6 } else { 5 };
        let line = |cells: &[String]| {
            let padded: Vec<String> = (0..columns).map(|i| term::pad(&cells[i], widths[i], SIDES[i])).collect();
            padded.join("  ")
        };

        let mut top = line(&heading.map(str::to_owned));
        if self.sha256 {
            top.push_str("  SHA256");
        }
        let top = screen.paint(term::HEADING, top.trim_end());
        writeln!(screen, "{top}")?;
        for tensor in selected(reader, choice) {
            let mut text = line(&cells(&tensor));
            if self.sha256 {
                let digest = self.digest(&tensor).unwrap_or_else(|| "unreadable".to_owned());
                text.push_str("  ");
                text.push_str(&digest);
            }
            writeln!(screen, "{}", text.trim_end())?;
        }
        Ok(())
    }

    /// Returns the SHA-256 of a value in hexadecimal. If the value cannot be read, prints an error
    /// and returns `None`.
    fn digest(&mut self, tensor: &Tensor<'_>) -> Option<String> {
        let mut sha256 = Sha256::new();
        let read = match tensor.dtype().size() {
            Some(_) => Source::new(*tensor).for_each(&Region::whole(tensor.shape()), |bytes| {
                sha256.update(bytes);
                Ok(())
            }),
            None => tensor.read_strings().map_err(Failure::from).map(|strings| {
                for element in strings.iter() {
                    sha256.update((element.len() as u64).to_le_bytes());
                    sha256.update(element);
                }
            }),
        };
        match read {
            Ok(()) => Some(sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            Err(Failure::Problem(message) | Failure::Usage(message)) => {
                self.unreadable = true;
                term::complain(&message);
                None
            }
            Err(Failure::Reported | Failure::ClosedPipe) => None,
        }
    }
}

/// Returns the columns of a tensor.
fn cells(tensor: &Tensor<'_>) -> [String; 6] {
    /// The maximum number of slices that are listed.
    const LISTED: usize = 4;
    let slices = tensor.slices();
    let mut listed: Vec<String> = slices.iter().take(LISTED).map(ToString::to_string).collect();
    if slices.len() > LISTED {
        listed.push(format!("… ({} in all)", slices.len()));
    }
    [
        term::printable(tensor.key()),
        tensor.dtype().name().to_owned(),
        term::shape(tensor.shape()),
        tensor.byte_size().map_or("-".to_owned(), term::bytes),
        tensor.shard().map_or("-".to_owned(), |shard| shard.to_string()),
        listed.join(" "),
    ]
}
