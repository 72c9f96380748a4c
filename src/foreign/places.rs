//! Where the checkpoint is that was perhaps meant: in a directory, or beside a file.

use std::ffi::OsString;

use crate::error::printable;
use crate::storage::Location;

/// Most names of a directory that are looked at.
const MOST_NAMES: usize = 10_000;
/// Most checkpoints or versions that a message lists.
const LISTED: usize = 8;
/// The graph of a SavedModel. The last is for graphs of 2 GiB and more.
const GRAPHS: [&str; 3] = ["saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"];

/// What a directory is in which there is no checkpoint.
pub(super) fn directory(path: &Location) -> Option<String> {
    if path.join("variables.index").is_file() {
        let prefix = path.join("variables");
        return Some(format!("is the \"variables\" directory of a SavedModel, not a checkpoint: give {}", quoted(&prefix)));
    }
    let variables = path.join("variables").join("variables");
    if variables.with_suffix(".index").is_file() {
        let graph = if path.join(GRAPHS[2]).is_file() { "with saved_model.cpb" } else { "without saved_model.pb" };
        return Some(format!("is a SavedModel {graph}: give {}, its variables", quoted(&variables)));
    }
    if is_saved_model(path) {
        return without_variables();
    }
    versions(path)
}

pub(super) fn without_variables() -> Option<String> {
    Some(
        "is a SavedModel without variables, not a checkpoint: if the model has variables, copy its \"variables\" directory, too"
            .into(),
    )
}

/// The SavedModel whose variables would have the index `index`.
pub(super) fn saved_model_of(index: &Location) -> Option<Location> {
    let directory = index.parent().parent();
    (index.ends_with("variables/variables.index") && is_saved_model(&directory)).then_some(directory)
}

fn is_saved_model(directory: &Location) -> bool {
    GRAPHS.iter().any(|name| directory.join(name).is_file())
}

/// A directory whose subdirectories are numbered SavedModels.
fn versions(path: &Location) -> Option<String> {
    let is_model = |name: &str| is_saved_model(&path.join(name)) || path.join(name).join("variables").is_directory();
    let numbers = names_in(path).into_iter().filter_map(|name| {
        let name = name.into_string().ok().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some((name.parse::<u64>().ok()?, name))
    });
    let mut numbers: Vec<(u64, String)> = numbers.collect();
    crate::sort::sort_by(&mut numbers, |a, b| b.cmp(a)).ok()?;
    let found: Vec<String> = numbers.into_iter().map(|(_, name)| name).filter(|name| is_model(name)).take(LISTED + 1).collect();
    let latest = quoted(&path.join(found.first()?));
    let listed = found.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if found.len() > LISTED { ", …" } else { "" };
    Some(format!("is a directory of SavedModel versions ({listed}{more}), not a checkpoint: give one of them, such as {latest}"))
}

/// What a directory is that has the name of the state file.
pub(super) fn folder_for_state_file(path: &Location) -> Option<String> {
    if path.file_name()? != "checkpoint" || !path.is_directory() {
        return None;
    }
    if path.join("checkpoint").is_file() {
        return Some(format!("is a directory, not a state file: it has a state file of its own: give {}", quoted(path)));
    }
    let names = names_in(path);
    let mut found: Vec<&[u8]> = names.iter().filter_map(|name| name.as_encoded_bytes().strip_suffix(b".index")).collect();
    crate::sort::sort_by(&mut found, Ord::cmp).ok()?;
    let listed: Vec<String> = found.iter().take(LISTED).map(|name| format!("\"{}\"", printable(name))).collect();
    let more = if found.len() > LISTED { ", …" } else { "" };
    Some(if found.is_empty() {
        "is a directory, not a state file: give the prefix of a checkpoint".into()
    } else {
        format!("is a directory, not a state file; it holds the checkpoints {}{more}", listed.join(", "))
    })
}

pub(super) fn give_directory(path: &Location) -> String {
    format!("give the directory, {}", quoted(&path.directory()))
}

/// For `PREFIX.meta`.
pub(super) fn give_prefix_of_meta(path: &Location) -> String {
    let prefix = path.with_file_name(path.file_stem().unwrap_or_default());
    if prefix.with_suffix(".index").is_file() || prefix.is_file() {
        format!("the checkpoint is {}", quoted(&prefix))
    } else {
        format!("the checkpoint that belongs to it, {}, is missing", quoted(&prefix))
    }
}

/// For the graph of a SavedModel.
pub(super) fn give_saved_model(path: &Location) -> String {
    let directory = &path.directory();
    let variables = directory.join("variables").join("variables");
    if !variables.with_suffix(".index").is_file() {
        return "the variables of the SavedModel, \"variables/variables.index\", are missing".into();
    }
    // A directory opens by itself where its graph is in one file.
    let opens = GRAPHS[..2].iter().any(|name| directory.join(name).is_file());
    if opens {
        format!("give the directory, {}", quoted(directory))
    } else {
        format!("give {}, its variables", quoted(&variables))
    }
}

fn quoted(path: &Location) -> String {
    format!("\"{}\"", printable(path.as_os_str().as_encoded_bytes()))
}

fn names_in(directory: &Location) -> Vec<OsString> {
    let mut names = directory.names().unwrap_or_default(); // for a message
    names.truncate(MOST_NAMES);
    names
}
