//! What a directory may look like: its files one by one, and its latest checkpoint.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::disk::read_directory;
use crate::reader::latest_checkpoint;
use crate::Reader;

/// The files of the checkpoint `name`, if it is there.
pub(crate) fn files_of(directory: &Path, name: &str) -> Vec<String> {
    let Ok(reader) = Reader::open(directory.join(name)) else { return Vec::new() };
    let shards = reader.shard_count();
    let data = (0..shards).map(|shard| format!("{name}.data-{shard:05}-of-{shards:05}"));
    data.chain([format!("{name}.index")]).collect()
}

/// The names of all files.
pub(crate) fn names_in(directory: &Path) -> BTreeSet<String> {
    read_directory(directory).into_keys().map(|name| name.into_string().unwrap()).collect()
}

/// What a program finds that looks for the latest checkpoint; none when there is none.
pub(crate) fn latest(directory: &Path) -> Result<Option<PathBuf>, String> {
    let latest = latest_checkpoint(directory).map_err(|e| format!("the state file: {e}"))?;
    if latest.is_none() && directory.join("checkpoint").exists() {
        return Err("the state file names a checkpoint that is not there".into());
    }
    Ok(latest)
}
