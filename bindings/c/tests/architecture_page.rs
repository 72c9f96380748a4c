//! docs/architecture.md names every source file that there is, and no other.
//!
//! A column of a table whose head is a folder (`src/bundle/`) names files of that folder. A name
//! that ends in a slash stands for all files below it: crash tests and their laboratory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folders of sources, with the ends of their names.
const SOURCES: [(&str, &[&str]); 8] = [
    ("src", &["rs"]),
    ("derive/src", &["rs"]),
    ("bindings/c/src", &["rs"]),
    ("bindings/generate/src", &["rs"]),
    ("bindings/cpp/include", &["hpp"]),
    ("bindings/go", &["go", "c", "h"]),
    ("bindings/csharp", &["cs"]),
    ("tool/src", &["rs"]),
];

fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("the package lies in bindings/").to_owned()
}

/// The files below `folder` with one of these endings, by their paths from the root.
fn walk(folder: &str, endings: &[&str], found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(root().join(folder)).expect("the folder is there") {
        let entry = entry.expect("it can be listed");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            if !["bin", "obj"].contains(&name.as_str()) {
                walk(&path, endings, found);
            }
        } else if name.rsplit_once('.').is_some_and(|(_, end)| endings.contains(&end)) && !name.ends_with("_test.go") {
            found.insert(path);
        }
    }
}

/// The words between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// What the tables of the page name.
fn named(page: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders: Vec<Option<&str>> = Vec::new();
    for line in page.lines() {
        if !line.starts_with('|') {
            folders.clear();
            continue;
        }
        let cells = line.trim_matches('|').split('|');
        if folders.is_empty() {
            folders = cells.map(|cell| quoted(cell).next().filter(|word| word.ends_with('/'))).collect();
            continue;
        }
        for (cell, folder) in cells.zip(&folders) {
            names.extend(folder.iter().flat_map(|folder| quoted(cell).map(move |name| format!("{folder}{name}"))));
        }
    }
    names
}

#[test]
fn the_page_names_every_source_file_and_no_other() {
    let mut files = BTreeSet::new();
    SOURCES.iter().for_each(|(folder, endings)| walk(folder, endings, &mut files));
    assert!(files.len() > 200, "only {} files", files.len());
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).expect("it is there");
    let mut absent = Vec::new();
    let mut seen = BTreeSet::new();
    for name in named(&page) {
        assert!(seen.insert(name.clone()), "the page names {name} twice");
        let is_of_tests = name.ends_with("tests/") || name.ends_with("laboratory/");
        let before = files.len();
        files.retain(|file| *file != name && !(is_of_tests && file.starts_with(&name)));
        if files.len() == before {
            absent.push(name);
        }
    }
    assert_eq!(absent, [""; 0], "the page names files that do not exist");
    assert_eq!(files, BTreeSet::new(), "the page does not name these files");
}
