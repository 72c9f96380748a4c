//! The destination of a checkpoint: checks, options, progress.

use std::path::{Path, PathBuf};

use checkpoint::{Reader, WriteOptions, Writer, Written};

use crate::bar::Bar;
use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::term::printable;

/// The number of writing threads. Reading uses as many as the library chooses.
const THREADS: u32 = 2;

/// Endings of files of other libraries: no checkpoint gets such a name.
const OTHERS: [&str; 7] = ["h5", "hdf5", "keras", "pt", "pth", "bin", "onnx"];

/// Checks that `path` can be the prefix of a checkpoint to write.
pub fn check(path: &Path) -> Outcome {
    let shown = printable(path.as_os_str().as_encoded_bytes());
    if path.is_dir() || path.file_name().is_none() || shown.ends_with('/') {
        return Err(Failure::Usage(format!(
            "{shown} is a directory; append a name for the checkpoint: {}/ckpt",
            shown.trim_end_matches('/')
        )));
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if let Some(other) = OTHERS.iter().find(|other| extension.eq_ignore_ascii_case(other)) {
        return Err(Failure::Usage(format!(
            "{shown}: ckpt does not write .{other} files; it writes checkpoints, whose names do not end like this, and with \
             `ckpt convert` .safetensors and .npz files"
        )));
    }
    if shown.ends_with(".index") || is_data_file(&shown) {
        return Err(Failure::Usage(format!("{shown} is the name of a file of a checkpoint; omit .index or .data-…")));
    }
    Ok(())
}

/// Returns whether a name ends like that of a data file: `.data-00000-of-00001`.
fn is_data_file(name: &str) -> bool {
    let numbers = name.rsplit_once(".data-").and_then(|(_, numbers)| numbers.split_once("-of-"));
    let is_number = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(shard, shards)| is_number(shard) && is_number(shards))
}

/// Checks that `path` is not the checkpoint that is being read.
pub fn check_other(path: &Path, source: &Reader) -> Outcome {
    let real = |prefix: &Path| {
        let parent = prefix.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some((parent.canonicalize().ok()?, prefix.file_name()?.to_owned()))
    };
    let place = real(path);
    if place.is_some() && place == real(source.prefix()) {
        let shown = printable(path.as_os_str().as_encoded_bytes());
        Err(Failure::Usage(format!("{shown} is both source and destination")))
    } else {
        Ok(())
    }
}

/// Returns the options for writing.
pub fn options(max_shard: Option<u64>, locking: &locking::Args) -> WriteOptions {
    let options = locking.write(WriteOptions::new().threads(THREADS));
    match max_shard {
        Some(bytes) => options.max_shard_size(bytes),
        None => options,
    }
}

/// Writes the checkpoint and shows a progress bar.
pub fn finish(writer: Writer<'_>) -> Outcome<Written> {
    let bar = Bar::new();
    Ok(writer.finish_with(&mut |done, total| bar.report(done, total))?)
}

/// Parses a size: `1000`, `64MiB`, `2GB`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 9] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("B", 1),
    ];
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" => Some(1),
        unit => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, size)| *size),
    };
    let size = unit.and_then(|unit| digits.parse::<u64>().ok()?.checked_mul(unit)).filter(|&size| size > 0);
    size.ok_or_else(|| "expected a size, such as 2GiB, 500MB or 1048576".to_owned())
}

/// Returns the prefix for a path: removes `.index` from its end.
pub fn prefix_of(path: &Path) -> PathBuf {
    let stripped = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".index"));
    stripped.map_or_else(|| path.to_owned(), |name| path.with_file_name(name))
}
