//! tests/README.md names every test, and no other; and tests are where its conventions put them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const TESTS: [&str; 4] = ["tests", "tool/tests", "bindings/c/tests", "bindings/generate/tests"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is in a directory of the project: folders, and files whose names end in `.rs`.
fn entries(directory: &str) -> impl Iterator<Item = PathBuf> + '_ {
    let found = fs::read_dir(root().join(directory)).unwrap().map(|entry| entry.unwrap().path());
    found.filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"))
}

fn named(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_page_names_every_test_and_no_other() {
    let page = fs::read_to_string(root().join("tests/README.md")).unwrap();
    let (_, table) = page.split_once("| X | where | suite |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('|').nth(2).unwrap());
    let listed: BTreeSet<&str> =
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter(|path| path.contains('/')).collect();
    let absent: Vec<&&str> = listed.iter().filter(|path| !root().join(path).exists()).collect();
    assert_eq!(absent, [&""; 0]);
    let tests = TESTS.into_iter().flat_map(entries);
    let unlisted: Vec<String> = tests.map(|path| named(&path)).filter(|path| !listed.contains(&**path)).collect();
    assert_eq!(unlisted, [""; 0]);
}

#[test]
fn a_folder_of_tests_is_there_for_modules_alone() {
    for path in TESTS.into_iter().flat_map(entries) {
        if path.is_dir() {
            assert!(!path.with_extension("rs").exists(), "{} is both a file and a folder", named(&path));
            let modules = fs::read_dir(&path).unwrap().count();
            assert!(!path.join("main.rs").exists() || modules > 1, "{} has no modules", named(&path));
        }
    }
}
