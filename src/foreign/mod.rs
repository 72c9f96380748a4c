//! What is not a checkpoint, recognized after opening it has failed: files of other programs,
//! placeholders, directories near a checkpoint. Nothing here is called unless there is an error.

mod kinds;
mod places;

use crate::error::{Error, Reason};
use crate::storage::{File, Location};
use kinds::{Kind, Sample, EMPTY, FORMATS, PLACEHOLDERS};

/// Most bytes of a file that are looked at: the name in the header of a tar archive ends before.
const LOOKED_AT: u64 = 512;

/// Says what the file or directory of `error` is, if it is recognized; else returns `error` as it
/// is. The code never changes.
#[cold]
#[inline(never)]
pub(crate) fn explain(error: Error) -> Error {
    let Some(path) = error.file().and_then(|path| Location::of(path).ok()) else { return error };
    let path = &path;
    let what = match error.reason() {
        Reason::NoCheckpoint if path.is_directory() => places::directory(path),
        Reason::NoCheckpoint | Reason::Malformed => at_path(path, &[PLACEHOLDERS, EMPTY, FORMATS]),
        // A file of a checkpoint that is empty is damaged, and nothing else.
        Reason::Truncated => at_path(path, &[PLACEHOLDERS, FORMATS]),
        Reason::MissingFile => {
            return match places::saved_model_of(path).zip(places::without_variables()) {
                Some((directory, what)) => named(&error, &directory, what),
                None => error,
            }
        }
        Reason::NotAFile => places::folder_for_state_file(path),
        _ => None,
    };
    match what {
        Some(what) => named(&error, path, what),
        None => error,
    }
}

/// The same of `file`, a data file or state file, which may hold any bytes: only what is put in the
/// place of any file is recognized.
#[cold]
#[inline(never)]
pub(crate) fn explain_contents(error: Error, file: &File) -> Error {
    match error.reason() {
        Reason::Truncated | Reason::Malformed | Reason::Checksum => match recognized(file, &[PLACEHOLDERS]) {
            Some(what) => named(&error, file.path(), what),
            None => error,
        },
        _ => error,
    }
}

fn named(error: &Error, path: &Location, what: String) -> Error {
    Error::new(error.code(), Reason::NotACheckpoint, what).in_file(path)
}

fn at_path(path: &Location, tables: &[&[Kind]]) -> Option<String> {
    recognized(&File::open(path).ok()?, tables)
}

fn recognized(file: &File, tables: &[&[Kind]]) -> Option<String> {
    let first = file.read_new(0, file.len().min(LOOKED_AT)).ok()?;
    let name = file.path().file_name()?.as_encoded_bytes().to_ascii_lowercase();
    let sample = Sample { name: &name, first: &first };
    let kind = tables.iter().copied().flatten().find(|kind| (kind.is)(&sample))?;
    Some(format!("is {}, not a checkpoint: {}", kind.name, (kind.advice)(file.path())))
}
