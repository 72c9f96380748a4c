//! Checks the state of a directory: its checkpoints, through the public reader, and each of its
//! files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use crate::laboratory::judge::{files_of, names_in};
use crate::laboratory::rng::Rng;
use crate::storage::{Local, Storage};
use crate::{Code, DType, Durability, Error, Reader, WriteOptions, Writer};

/// The values of a checkpoint by key.
pub(super) type Values = BTreeMap<String, Vec<u8>>;

/// What a reader finds at a prefix.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    Nothing,
    /// The checkpoint opens, and the checksum of every value matches.
    Whole(Values),
    Broken(String),
}

/// Returns values that differ for every seed. Keys and sizes are the same for all seeds, so a
/// mixture of two checkpoints would have all keys.
pub(super) fn values(seed: u64) -> Values {
    let mut rng = Rng::new(seed);
    let sizes = [0, 1, 8, 100, 513, 1000, 2000];
    let values = sizes.iter().enumerate().map(|(i, &size)| (format!("v/{i}"), (0..size).map(|_| rng.next() as u8).collect()));
    values.collect()
}

/// Writes `values` as the checkpoint `prefix`.
pub(super) fn write(storage: &dyn Storage, prefix: &Path, shards: u32, values: &Values) -> Result<(), Error> {
    write_as(storage, prefix, shards, values, Durability::Full)
}

pub(super) fn write_as(
    storage: &dyn Storage,
    prefix: &Path,
    shards: u32,
    values: &Values,
    durability: Durability,
) -> Result<(), Error> {
    // With one thread every run is the same.
    let options = WriteOptions::new().shards(shards).threads(1).durability(durability);
    let mut writer = Writer::new(prefix, &options)?;
    for (key, bytes) in values {
        writer.add(key, DType::Uint8, &[bytes.len() as i64], bytes)?;
    }
    writer.finish_on(storage, &mut |_, _| ControlFlow::Continue(())).map(drop)
}

/// Returns what a program finds at `prefix`.
pub(super) fn look(prefix: &Path) -> Found {
    let read = || -> Result<Values, Error> {
        let reader = Reader::open(prefix)?;
        let key = |key: &[u8]| String::from_utf8(key.to_vec()).unwrap();
        let value = |tensor: &crate::Tensor<'_>| match tensor.dtype() {
            DType::String => Ok(tensor.read_strings()?.iter().flatten().copied().collect()),
            _ => tensor.read(),
        };
        reader.tensors().map(|tensor| Ok((key(tensor.key()), value(&tensor)?))).collect()
    };
    match read() {
        Ok(values) => Found::Whole(values),
        Err(e) if e.code() == Code::NotFound && !super::index_of(prefix).exists() => Found::Nothing,
        Err(e) => Found::Broken(e.to_string()),
    }
}

/// Writes another checkpoint, `next`, and checks the directory afterwards: the checkpoints `others`
/// must be unchanged, and there must be no files except theirs and those of `next`. `excused`
/// selects files that may exist nevertheless.
pub(super) fn next_write(
    directory: &Path,
    next: &str,
    others: &[&str],
    seed: u64,
    excused: &dyn Fn(&str) -> bool,
) -> Result<(), String> {
    let before: Vec<Found> = others.iter().map(|name| look(&directory.join(name))).collect();
    let new = values(seed);
    write(&Local, &directory.join(next), 1 + (seed % 3) as u32, &new).map_err(|e| format!("the next write: {e}"))?;
    let mut expected = BTreeSet::new();
    for (&name, before) in others.iter().zip(&before) {
        if look(&directory.join(name)) != *before {
            return Err(format!("the next write changed {name}"));
        }
    }
    if look(&directory.join(next)) != Found::Whole(new) {
        return Err("the next write is not there".into());
    }
    for name in others.iter().copied().chain([next]) {
        expected.extend(files_of(directory, name));
    }
    let there = names_in(directory);
    let left: Vec<_> = there.difference(&expected).filter(|name| !excused(name)).collect();
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("after the next write, at {next}, there are {left:?}"))
    }
}
