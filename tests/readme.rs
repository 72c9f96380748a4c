//! The README's tables say what is there: that of abilities and languages, and that of a dry run.

use std::fs;
use std::path::Path;

use checkpoint::{Checkpoint, DType, Graph, Mismatch, NodeId, RestoreOptions, SaveOptions, Variable};

/// Where the names of each column are declared.
const LANGUAGES: [(&str, &[&str], &str); 5] = [
    ("Rust", &["src"], "rs"),
    ("C", &["include"], "h"),
    ("C++", &["bindings/cpp/include"], "hpp"),
    ("Go", &["bindings/go"], "go"),
    ("C#", &["bindings/csharp"], "cs"),
];

/// The words of all sources in `folder` and below it.
fn words(folder: &Path, extension: &str, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            words(&path, extension, into);
        } else if path.extension().is_some_and(|found| found == extension) {
            let text = fs::read_to_string(&path).unwrap();
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            into.extend(text.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn every_ability_has_its_names_in_every_language() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let table: Vec<&str> =
        readme.lines().skip_while(|line| !line.starts_with("| ability |")).take_while(|line| line.starts_with('|')).collect();
    assert!(table.len() > 20, "the table has {} lines", table.len());
    assert_eq!(cells(table[0])[1..], LANGUAGES.map(|(name, ..)| name));
    for (column, (language, folders, extension)) in LANGUAGES.into_iter().enumerate() {
        let mut declared = Vec::new();
        folders.iter().for_each(|folder| words(&root.join(folder), extension, &mut declared));
        for row in table[2..].iter().map(|line| cells(line)) {
            assert_eq!(row.len(), 1 + LANGUAGES.len(), "{row:?}");
            let names: Vec<&str> = row[column + 1].split('`').skip(1).step_by(2).collect();
            assert!(!names.is_empty(), "{} in {language}: an empty cell", row[0]);
            for name in names {
                assert!(declared.iter().any(|word| word == name), "{} in {language}: there is no {name}", row[0]);
            }
        }
    }
}

/// A program with these float variables, and a step.
fn program(paths: &[(&str, &str, &[i64])]) -> Checkpoint {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let variable = |dtype, shape: &[i64]| graph.add_variable(Variable::zeros(dtype, shape).unwrap()).unwrap();
    graph.track(root, "step", variable(DType::Int64, &[])).unwrap();
    for (parent, name, shape) in paths {
        let there = graph.children(root).unwrap().into_iter().find(|(edge, _)| edge == parent);
        let parent: NodeId = there.map(|(_, node)| node).unwrap_or_else(|| {
            let made = graph.add_object().unwrap();
            graph.track(root, parent, made).unwrap();
            made
        });
        graph.track(parent, name, variable(DType::Float, shape)).unwrap();
    }
    Checkpoint::new(&graph, root).unwrap()
}

#[test]
fn the_table_of_a_dry_run_is_what_is_printed() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let shown = readme.split("```text\n").find(|block| block.starts_with("restored")).unwrap().split("```").next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let saved = program(&[("layer", "kernel", &[1, 5]), ("layer", "bias", &[5]), ("old", "scale", &[])]);
    let path = saved.write(directory.path().join("model"), &SaveOptions::new()).unwrap();
    let changed = program(&[("layer", "kernel", &[1, 5]), ("layer", "bias", &[6]), ("new", "scale", &[])]);
    let options = RestoreOptions::new().on_mismatch(Mismatch::Skip);
    assert_eq!(changed.dry_run(&path, &options).unwrap().table().to_string(), shown);
    let status = changed.read(&path, &options).unwrap();
    assert_eq!(status.report().unwrap().table().to_string(), shown, "a restore reports what it did");
}
