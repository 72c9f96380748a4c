//! One name per thing, in five languages: the tables of words in CONTRIBUTING.md say what is the
//! case.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The faces of the library: how a table's column is called, and where its sources are.
const FACES: [(&str, &str, &str); 5] = [
    ("Rust", "src", "rs"),
    ("C", "include", "h"),
    ("C++", "bindings/cpp/include", "hpp"),
    ("Go", "bindings/go", "go"),
    ("C#", "bindings/csharp", "cs"),
];

/// What the tables must have, by the name of the file; a table that lost its rows would hold by
/// saying nothing.
const THINGS: [&str; 5] = ["object_graph", "graph", "saver", "registered_savers", "maintenance"];

fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("the package lies in bindings/").to_owned()
}

/// The rows of all tables whose columns are the faces: what the row is about, and a cell for each
/// face.
fn rows() -> Vec<(String, Vec<String>)> {
    let page = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("there is a CONTRIBUTING.md");
    let mut rows = Vec::new();
    let mut in_table = false;
    for line in page.lines() {
        let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            in_table = false;
            continue;
        };
        let mut cells = cells.split('|').map(|cell| cell.trim().to_owned());
        let thing = cells.next().unwrap_or_default();
        let cells: Vec<String> = cells.collect();
        if cells == FACES.map(|(face, _, _)| face) {
            in_table = true;
        } else if in_table && !thing.starts_with('-') {
            assert_eq!(cells.len(), FACES.len(), "{thing}: a cell for each language");
            rows.push((thing, cells));
        }
    }
    rows
}

/// What stands in backticks in a cell, paths and words.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn is_path(code: &str) -> bool {
    code.contains('/')
}

/// The name of a file in whatever case its language is written in, as one: `ObjectGraph.cs` is
/// `objectgraph`.
fn base_name(path: &str) -> String {
    let stem = Path::new(path).file_stem().and_then(OsStr::to_str).expect("a path has a name");
    stem.replace('_', "").to_lowercase()
}

/// All files below `directory` with this extension.
fn sources(directory: &Path, extension: &str, found: &mut String) {
    for entry in fs::read_dir(directory).expect("the directory can be listed") {
        let path = entry.expect("the directory can be listed").path();
        if path.is_dir() {
            sources(&path, extension, found);
        } else if path.extension() == Some(OsStr::new(extension)) {
            found.push_str(&fs::read_to_string(&path).expect("a source is text"));
        }
    }
}

#[test]
fn every_path_in_the_tables_exists() {
    let root = root();
    for (thing, cells) in rows() {
        for path in cells.iter().flat_map(|cell| code(cell)).filter(|code| is_path(code)) {
            assert!(root.join(path).exists(), "{thing}: there is no {path}");
        }
    }
}

#[test]
fn the_same_thing_has_the_same_file_name_in_every_language() {
    let mut seen = BTreeSet::new();
    for (thing, cells) in rows() {
        let paths: Vec<&str> = cells.iter().flat_map(|cell| code(cell)).filter(|code| is_path(code)).collect();
        let names: BTreeSet<String> = paths.iter().map(|path| base_name(path)).collect();
        assert!(names.len() <= 1, "{thing}: different file names: {paths:?}");
        assert!(paths.is_empty() || paths.len() == FACES.len(), "{thing}: one path for each language: {paths:?}");
        seen.extend(names);
    }
    for thing in THINGS {
        assert!(seen.contains(&base_name(thing)), "the tables do not say where {thing} is");
    }
}

#[test]
fn every_word_in_the_tables_is_used_by_its_language() {
    let root = root();
    let rows = rows();
    for (column, (face, directory, extension)) in FACES.into_iter().enumerate() {
        let mut text = String::new();
        sources(&root.join(directory), extension, &mut text);
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for (thing, cells) in &rows {
            for word in code(&cells[column]).filter(|code| !is_path(code)) {
                assert!(words.contains(word), "{thing}: {face} has no {word}");
            }
        }
    }
}
