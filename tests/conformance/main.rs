//! TensorFlow's own tests of checkpoints, by their names, against this library. README.md says
//! where each of them is.
//!
//! What they expect is what TensorFlow asserts. Python's objects become nodes of a graph: assigning
//! an attribute is `track`, or `overwrite` where there is one already; `del object` is `remove`.

#[path = "../common/mod.rs"]
mod common;
mod world;

mod asynchronous;
mod bundle;
mod checkpointing;
mod data_structures;
mod invariants;
mod keras;
mod legacy;
mod management;
mod name_based;
mod policies;
mod python_state;
mod readers;
mod root_objects;
mod save_weights;
mod saver;
mod saving;
mod serialize_to_tensors;
mod sharding;
mod slots;
mod tracking;
mod training_loops;
mod views;
mod warm_starting;
mod warnings;

/// Every test that has the name of one of TensorFlow's is in the table of README.md, and what the
/// table names is there.
#[test]
fn the_table_is_complete() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut tests = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let module = path.file_stem().unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.lines().filter_map(|line| line.strip_prefix("fn test_")?.split_once('('));
            tests.extend(names.map(|(name, _)| format!("{module}::test_{name}")));
        }
    }
    let readme = std::fs::read_to_string(directory.join("README.md")).unwrap();
    let words = readme.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    let named: std::collections::BTreeSet<String> = words.filter(|word| word.contains("::test_")).map(str::to_owned).collect();
    let only_here: Vec<_> = tests.symmetric_difference(&named).collect();
    assert!(only_here.is_empty(), "in the tests or in the table, but not in both: {only_here:?}");
}
