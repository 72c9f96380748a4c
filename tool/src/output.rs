//! Writes output files completely or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::term::printable;

/// Writes `path` with `fill`. A regular file appears under its name only when it is complete, so
/// after a failure an existing file is unchanged. A device or a pipe is written directly.
pub fn write_file(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Outcome) -> Outcome {
    let into_place = fs::symlink_metadata(path).map_or(true, |found| found.is_file());
    if !into_place {
        let mut out = BufWriter::new(File::create(path).map_err(|e| cannot("open", path, &e))?);
        fill(&mut out)?;
        return out.flush().map_err(|e| cannot("write", path, &e));
    }
    let Some(name) = path.file_name() else {
        return Err(Failure::Usage(format!("{}: not a file name", shown(path))));
    };
    let mut partial = std::ffi::OsString::from(".");
    partial.push(name);
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(partial);
    let written = (|| {
        let mut out = BufWriter::new(File::create_new(&partial).map_err(|e| cannot("create", path, &e))?);
        fill(&mut out)?;
        out.flush().map_err(|e| cannot("write", path, &e))?;
        drop(out);
        fs::rename(&partial, path).map_err(|e| cannot("rename to", path, &e))
    })();
    if written.is_err() {
        let _ = fs::remove_file(&partial); // it may not exist, and the first error is the one to report
    }
    written
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Problem(format!("{}: cannot {verb} the file: {error}", shown(path)))
}

fn shown(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}
