//! Finds the files of the checkpoint at a prefix, and reads state files.

use std::ffi::{OsStr, OsString};

use crate::allocate::allocate;
use crate::bundle::{data_name, index_path, numbered, split_data_name};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::foreign::{explain, explain_contents};
use crate::format::state_file::StateFile;
use crate::os_bytes::{OsStrExt, OsStringExt};
use crate::storage::{File, Location};
use crate::table::Table;

/// The files of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Located {
    /// The prefix of the index and the data files.
    V2(Location),
    /// The path or pattern that stands for the checkpoint, and its files in the order of their
    /// numbers.
    V1 { prefix: Location, files: Vec<Location> },
}

/// The name of the state file in a directory of checkpoints.
pub(crate) const STATE_FILE: &str = "checkpoint";
/// The largest accepted size of a state file in bytes: room for a hundred thousand paths.
const MOST_STATE: u64 = 16 << 20;
/// The largest number of checkpoints that an error message lists.
const LISTED: usize = 8;

/// Reads the state file `name` of `directory`; `None` if there is none. The result always names a
/// latest checkpoint: a file without one is an error.
pub(crate) fn read_state(directory: &Location, name: &OsStr) -> Result<Option<StateFile>> {
    let path = directory.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.code() == Code::NotFound => return Ok(None),
        Err(e) => return Err(explain(e)),
    };
    let state = StateFile::parse(&small_file(&file)?).map_err(|e| explain_contents(e.in_file(&path), &file))?;
    if state.model_checkpoint_path.is_empty() {
        return Err(Error::malformed("the state file has no latest checkpoint")
            .expecting("a field model_checkpoint_path", "none")
            .because(Reason::NoCheckpoint)
            .in_file(&path));
    }
    Ok(Some(state))
}

/// Reads a whole file that describes the state of a directory, up to [`MOST_STATE`] bytes.
pub(crate) fn small_file(file: &File) -> Result<Vec<u8>> {
    if file.len() > MOST_STATE {
        return Err(Error::new(Code::ResourceExhausted, Reason::Limit, "the file is too large for a state file")
            .expecting(format_args!("at most {MOST_STATE} bytes"), format_args!("{} bytes", file.len()))
            .in_file(file.path()));
    }
    let mut text = allocate(file.len())?;
    file.read_at(0, &mut text)?;
    Ok(text)
}

/// The checkpoint whose prefix, V1 file or V1 pattern is `path` itself.
pub(crate) fn at_prefix(path: &Location) -> Result<Option<Located>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    // `File::open` rather than `is_file`: an index that cannot be accessed is an error, not a
    // missing index.
    match File::open(&index_path(path)) {
        Ok(_) => return Ok(Some(Located::V2(path.to_owned()))),
        Err(e) if e.code() == Code::NotFound => {}
        Err(e) => return Err(e),
    }
    if path.is_directory() {
        return Ok(None);
    }
    match File::open(path) {
        Ok(file) if is_index_or_data(path) => {
            drop(file);
            Ok(None)
        }
        Ok(file) if Table::is_table(&file)? => Ok(Some(Located::V1 { prefix: path.to_owned(), files: vec![path.to_owned()] })),
        Ok(file) => {
            let other = Error::malformed("the file is not a checkpoint").expecting(
                "a V1 table or the prefix of a V2 checkpoint",
                format_args!("a file of {} bytes in another format", file.len()),
            );
            Err(explain(other.in_file(path)))
        }
        Err(e) if e.code() == Code::NotFound => by_pattern(path),
        Err(e) => Err(e),
    }
}

fn is_index_or_data(path: &Location) -> bool {
    let name = path.file_name().map_or(&[][..], OsStr::as_bytes);
    name.ends_with(b".index") || split_data_name(name).is_some()
}

/// The bundle that has `path` as its index or as one of its data files.
pub(super) fn by_file_of_bundle(path: &Location) -> Result<Option<Located>> {
    let Some(name) = path.file_name().map(OsStr::as_bytes) else { return Ok(None) };
    let prefix = match name.strip_suffix(b".index") {
        Some(prefix) => path.with_file_name(OsStr::from_bytes(prefix)),
        None => match split_data_name(name) {
            Some(prefix) => path.with_file_name(prefix),
            None => return Ok(None),
        },
    };
    // The prefix of `.index` in the working directory.
    let prefix = if prefix.as_os_str().is_empty() { path.directory().join("") } else { prefix };
    let index = index_path(&prefix);
    match File::open(&index) {
        Ok(_) => Ok(Some(Located::V2(prefix))),
        Err(e) if e.code() == Code::NotFound && path.exists() => {
            Err(absent("the index of this data file is missing", path, &index.directory()))
        }
        Err(e) if e.code() == Code::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The V1 checkpoint whose files match the pattern `BASE-?????-of-00003`, as savers name several
/// files.
fn by_pattern(pattern: &Location) -> Result<Option<Located>> {
    let Some((found, shards)) = files_of_pattern(pattern)? else { return Ok(None) };
    let first_missing = (0..shards)
        .zip(found.iter().map(Some).chain(std::iter::repeat(None)))
        .find(|(want, have)| have.map(|f| f.0) != Some(*want));
    if let Some((missing, _)) = first_missing {
        let base = pattern.file_name().and_then(split_pattern).map_or(OsStr::new(""), |(base, _)| base);
        return Err(Error::new(Code::NotFound, Reason::MissingFile, "a file of the checkpoint is missing")
            .expecting(format_args!("{shards} files"), format_args!("{} files", found.len()))
            .in_file(&pattern.with_file_name(data_name(base, missing, shards))));
    }
    let files = found.into_iter().map(|(_, file)| file).collect();
    Ok(Some(Located::V1 { prefix: pattern.to_owned(), files }))
}

/// Files with their numbers.
type Numbered = Vec<(u32, Location)>;

/// The files that match the pattern `BASE-?????-of-00003`, ordered by their numbers, and the
/// expected number of files; `None` if no file matches. Only these question marks are wildcards.
pub(crate) fn files_of_pattern(pattern: &Location) -> Result<Option<(Numbered, u32)>> {
    let Some((base, shards)) = pattern.file_name().and_then(split_pattern) else { return Ok(None) };
    let directory = &pattern.directory();
    // The work depends on the number of existing files, not on the number in the name, which may be
    // huge.
    let mut found: Vec<u32> = directory.names()?.iter().filter_map(|name| shard_of(name, base, shards)).collect();
    crate::sort::sort_by(&mut found, Ord::cmp)?;
    let file = |shard| (shard, pattern.with_file_name(data_name(base, shard, shards)));
    Ok((!found.is_empty()).then(|| (found.into_iter().map(file).collect(), shards)))
}

fn split_pattern(name: &OsStr) -> Option<(&OsStr, u32)> {
    let name = name.as_bytes();
    let at = name.windows(10).rposition(|w| w == b"-?????-of-")?;
    let (_, shards) = numbered(&[b"00000-of-", &name[at + 10..]].concat())?;
    Some((OsStr::from_bytes(&name[..at]), shards))
}

/// The shard number of the file `name`, if the file is one of the `shards` shards of `base`.
fn shard_of(name: &OsStr, base: &OsStr, shards: u32) -> Option<u32> {
    let numbers = name.as_bytes().strip_prefix(base.as_bytes())?.strip_prefix(b"-")?;
    numbered(numbers).filter(|&(shard, of)| of == shards && shard < shards).map(|(shard, _)| shard)
}

/// The checkpoint for which a listing of a directory shows the file `name`: the prefix for an
/// index, the pattern for the first file of a sharded V1 checkpoint. Whether a file of another name
/// is a V1 checkpoint, its name does not tell.
pub(crate) fn listed(name: &OsStr) -> Option<OsString> {
    let name = name.as_bytes();
    if let Some(prefix) = name.strip_suffix(b".index") {
        return Some(OsStr::from_bytes(prefix).to_owned());
    }
    let at = name.windows(5).rposition(|w| w == b"-of-0").filter(|&at| at >= 6 && name[..at].ends_with(b"-00000"))?;
    let is_v1 = numbered(&name[at - 5..]).is_some() && split_data_name(name).is_none();
    is_v1.then(|| OsString::from_vec([&name[..at - 5], b"?????", &name[at..]].concat()))
}

/// The error for a path at which there is no checkpoint. The message lists the checkpoints in
/// `directory`.
pub(super) fn absent(what: &str, path: &Location, directory: &Location) -> Error {
    let names = directory.names().unwrap_or_default(); // for a message
    let mut prefixes: Vec<Vec<u8>> = names.iter().filter_map(|name| listed(name)).map(OsString::into_vec).collect();
    if let Err(e) = crate::sort::sort_by(&mut prefixes, Ord::cmp) {
        return e;
    }
    let count = prefixes.len();
    let mut listed: Vec<String> = prefixes.iter().take(LISTED).map(|p| format!("\"{}\"", printable(p))).collect();
    if count > LISTED {
        listed.push(format!("{} more", count - LISTED));
    }
    let place = printable(directory.as_os_str().as_bytes());
    let there = if !listed.is_empty() {
        format!("{place} contains the checkpoints {}", listed.join(", "))
    } else if directory.is_directory() {
        format!("{place} contains no checkpoints")
    } else {
        format!("the directory {place} does not exist")
    };
    Error::new(Code::NotFound, Reason::NoCheckpoint, format!("{what}; {there}")).in_file(path)
}
