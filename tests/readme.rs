//! The README's table of abilities and languages says what is there.

use std::fs;
use std::path::Path;

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
