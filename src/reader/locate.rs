//! From what the user names to the files of a checkpoint.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::allocate::allocate;
use crate::bundle::{data_name, index_path, numbered, split_data_name};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::foreign::{explain, explain_contents};
use crate::format::state_file::StateFile;
use crate::storage::File;
use crate::table::Table;

/// The files of a checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Located {
    V2(PathBuf),
    V1 { prefix: PathBuf, files: Vec<PathBuf> },
}

/// The state file of a directory.
pub(crate) const STATE_FILE: &str = "checkpoint";
/// Its largest size in bytes: room for a hundred thousand paths.
const MOST_STATE: u64 = 16 << 20;
/// Looks for the latest checkpoint while somebody saves: nobody saves so fast that one of so many would not find it.
const MOST_LOOKS: usize = 100;
/// Most checkpoints that a message lists.
const LISTED: usize = 8;

/// Finds the checkpoint that `path` means.
pub(crate) fn locate(path: &Path) -> Result<Located> {
    // A state file that names what is not there is at fault itself; it is nothing else.
    find(path).map_err(|e| if e.file() == Some(path) { explain(e) } else { e })
}

fn find(path: &Path) -> Result<Located> {
    if path.is_dir() {
        if let Some(located) = in_directory(path)? {
            return Ok(located);
        }
        if let Some(located) = at_prefix(path)? {
            return Ok(located);
        }
        return Err(absent("the directory has no \"checkpoint\" state file and is no SavedModel", path, path));
    }
    if let Some(located) = at_prefix(path)?.or(by_file_of_bundle(path)?) {
        return Ok(located);
    }
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Err(absent("there is no checkpoint at this path", path, directory))
}

/// The latest checkpoint that the state file of `directory` names (`tf.train.latest_checkpoint`): its prefix, or the file or
/// pattern of a V1 checkpoint. None when there is no state file, or none of that checkpoint's files is there.
///
/// # Errors
/// `DATA_LOSS` when the state file cannot be understood.
pub fn latest_checkpoint(directory: impl AsRef<Path>) -> Result<Option<PathBuf>> {
    let directory = directory.as_ref();
    let latest = latest_of(directory)?.and_then(|(_, latest)| latest);
    Ok(latest.map(|(prefix, _)| prefix))
}

/// What a directory's state file says, and the latest checkpoint if it is there.
type Latest = (StateFile, Option<(PathBuf, Located)>);

/// Reads the state file of `directory`, again if it names a checkpoint that is not there but, since a manager made a new one and removed the
/// old, names another by now.
fn latest_of(directory: &Path) -> Result<Option<Latest>> {
    let mut gone: Option<StateFile> = None;
    for _ in 0..MOST_LOOKS {
        let Some(state) = read_state(directory, OsStr::new(STATE_FILE))? else { return Ok(None) };
        let latest = from_state(directory, &state)?;
        if latest.is_some() || gone.as_ref() == Some(&state) {
            return Ok(Some((state, latest)));
        }
        gone = Some(state);
    }
    Ok(gone.map(|state| (state, None)))
}

/// Reads the state file `name` of `directory`, if there is one. It names a latest checkpoint.
pub(crate) fn read_state(directory: &Path, name: &OsStr) -> Result<Option<StateFile>> {
    let path = directory.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.code() == Code::NotFound => return Ok(None),
        Err(e) => return Err(explain(e)),
    };
    let state = StateFile::parse(&small_file(&file)?).map_err(|e| explain_contents(e.in_file(&path), &file))?;
    if state.model_checkpoint_path.is_empty() {
        return Err(Error::malformed("the state file names no latest checkpoint")
            .expecting("a model_checkpoint_path", "none")
            .because(Reason::NoCheckpoint)
            .in_file(&path));
    }
    Ok(Some(state))
}

/// All of a file that is about the state of a directory.
pub(crate) fn small_file(file: &File) -> Result<Vec<u8>> {
    if file.len() > MOST_STATE {
        return Err(Error::new(Code::ResourceExhausted, Reason::Limit, "the state file is too large to be one")
            .expecting(format_args!("at most {MOST_STATE} bytes"), format_args!("{} bytes", file.len()))
            .in_file(file.path()));
    }
    let mut text = allocate(file.len())?;
    file.read_at(0, &mut text)?;
    Ok(text)
}

/// The latest checkpoint of a state file, if it is there. A relative path is meant from the directory; an absolute one that leads
/// nowhere is looked for in the directory, too, which may have been moved.
fn from_state(directory: &Path, state: &StateFile) -> Result<Option<(PathBuf, Located)>> {
    let named = directory.join(&state.model_checkpoint_path);
    let moved = named.file_name().map(|name| directory.join(name));
    for prefix in std::iter::once(named).chain(moved) {
        if let Some(located) = at_prefix(&prefix)? {
            return Ok(Some((prefix, located)));
        }
    }
    Ok(None)
}

fn in_directory(directory: &Path) -> Result<Option<Located>> {
    if let Some((state, latest)) = latest_of(directory)? {
        return match latest {
            Some((_, located)) => Ok(Some(located)),
            None => {
                let what = format!(
                    "the state file names \"{}\", which is not there",
                    printable(state.model_checkpoint_path.as_encoded_bytes())
                );
                Err(absent(&what, &directory.join(STATE_FILE), directory))
            }
        };
    }
    let saved_model = ["saved_model.pb", "saved_model.pbtxt"].iter().any(|name| directory.join(name).is_file());
    Ok(saved_model.then(|| Located::V2(directory.join("variables").join("variables"))))
}

/// A checkpoint whose prefix, V1 file or V1 pattern is `path` itself.
pub(crate) fn at_prefix(path: &Path) -> Result<Option<Located>> {
    if path.file_name().is_none() {
        return Ok(None);
    }
    // Not Path::is_file: an index that may not be looked at is an error, not an absence.
    match File::open(&index_path(path)) {
        Ok(_) => return Ok(Some(Located::V2(path.to_owned()))),
        Err(e) if e.code() == Code::NotFound => {}
        Err(e) => return Err(e),
    }
    if path.is_dir() {
        return Ok(None);
    }
    match File::open(path) {
        Ok(file) if is_index_or_data(path) => {
            drop(file);
            Ok(None)
        }
        Ok(file) if Table::is_table(&file)? => Ok(Some(Located::V1 { prefix: path.to_owned(), files: vec![path.to_owned()] })),
        Ok(file) => {
            let other = Error::malformed("not a checkpoint: the file is not a table")
                .expecting("a V1 checkpoint or the prefix of a V2 one", format_args!("{} other bytes", file.len()));
            Err(explain(other.in_file(path)))
        }
        Err(e) if e.code() == Code::NotFound => by_pattern(path),
        Err(e) => Err(e),
    }
}

fn is_index_or_data(path: &Path) -> bool {
    let name = path.file_name().map_or(&[][..], OsStr::as_bytes);
    name.ends_with(b".index") || split_data_name(name).is_some()
}

/// The bundle of which `path` is the index or a data file.
fn by_file_of_bundle(path: &Path) -> Result<Option<Located>> {
    let Some(name) = path.file_name().map(OsStr::as_bytes) else { return Ok(None) };
    let prefix = match name.strip_suffix(b".index") {
        Some(prefix) => path.with_file_name(OsStr::from_bytes(prefix)),
        None => match split_data_name(name) {
            Some(prefix) => path.with_file_name(prefix),
            None => return Ok(None),
        },
    };
    let index = index_path(&prefix);
    match File::open(&index) {
        Ok(_) => Ok(Some(Located::V2(prefix))),
        Err(e) if e.code() == Code::NotFound && path.exists() => {
            Err(absent("a data file without its index", path, index.parent().unwrap_or(Path::new("."))))
        }
        Err(e) if e.code() == Code::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The V1 checkpoint of the pattern `BASE-?????-of-00003`, as savers name one of several files.
fn by_pattern(pattern: &Path) -> Result<Option<Located>> {
    let Some((found, shards)) = files_of_pattern(pattern) else { return Ok(None) };
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

/// The files that match the pattern `BASE-?????-of-00003`, by their number, and how many there should be; None when there is not one. Only these
/// question marks stand for something else.
pub(crate) fn files_of_pattern(pattern: &Path) -> Option<(Vec<(u32, PathBuf)>, u32)> {
    let (base, shards) = split_pattern(pattern.file_name()?)?;
    let directory = pattern.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What is there decides how much work this is, not the number in the name.
    let mut found: Vec<u32> = names_in(directory).filter_map(|name| shard_of(&name, base, shards)).collect();
    crate::sort::sort_by(&mut found, Ord::cmp);
    let file = |shard| (shard, pattern.with_file_name(data_name(base, shard, shards)));
    (!found.is_empty()).then(|| (found.into_iter().map(file).collect(), shards))
}

fn split_pattern(name: &OsStr) -> Option<(&OsStr, u32)> {
    let name = name.as_bytes();
    let at = name.windows(10).rposition(|w| w == b"-?????-of-")?;
    let (_, shards) = numbered(&[b"00000-of-", &name[at + 10..]].concat())?;
    Some((OsStr::from_bytes(&name[..at]), shards))
}

/// Which shard of `shards` of `base` the file `name` is.
fn shard_of(name: &OsStr, base: &OsStr, shards: u32) -> Option<u32> {
    let numbers = name.as_bytes().strip_prefix(base.as_bytes())?.strip_prefix(b"-")?;
    numbered(numbers).filter(|&(shard, of)| of == shards && shard < shards).map(|(shard, _)| shard)
}

fn names_in(directory: &Path) -> impl Iterator<Item = OsString> {
    fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.file_name()))
}

/// The error for a path that leads to no checkpoint, with the checkpoints that are in `directory`.
fn absent(what: &str, path: &Path, directory: &Path) -> Error {
    let mut prefixes: Vec<Vec<u8>> = names_in(directory)
        .filter_map(|name| {
            let name = name.into_vec();
            if let Some(prefix) = name.strip_suffix(b".index") {
                return Some(prefix.to_vec());
            }
            // The first file of a sharded V1 checkpoint stands for all.
            let at = name.windows(5).rposition(|w| w == b"-of-0").filter(|&at| at >= 6 && name[..at].ends_with(b"-00000"))?;
            let v1 = numbered(&name[at - 5..]).is_some() && split_data_name(&name).is_none();
            v1.then(|| [&name[..at - 5], b"?????", &name[at..]].concat())
        })
        .collect();
    crate::sort::sort_by(&mut prefixes, Ord::cmp);
    let count = prefixes.len();
    let mut listed: Vec<String> = prefixes.iter().take(LISTED).map(|p| format!("\"{}\"", printable(p))).collect();
    if count > LISTED {
        listed.push(format!("{} more", count - LISTED));
    }
    let place = printable(directory.as_os_str().as_bytes());
    let there = if !listed.is_empty() {
        format!("{place} holds the checkpoints {}", listed.join(", "))
    } else if directory.is_dir() {
        format!("{place} holds no checkpoints")
    } else {
        format!("there is no directory {place}")
    };
    Error::new(Code::NotFound, Reason::NoCheckpoint, format!("{what}; {there}")).in_file(path)
}
