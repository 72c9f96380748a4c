//! docs/errors.md has a row with cause and remedy for each code and each reason, and no other.

use std::collections::BTreeSet;
use std::path::Path;

fn text(path: &str) -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().nth(2).expect("the package lies in bindings/");
    std::fs::read_to_string(root.join(path)).expect("it is there")
}

/// The codes and reasons that the C ABI declares.
fn declared() -> BTreeSet<String> {
    let source = text("bindings/c/src/constants.rs");
    let names = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    names.filter(|name| name.starts_with("CKPT_CODE_") || name.starts_with("CKPT_REASON_")).map(str::to_owned).collect()
}

#[test]
fn every_code_and_reason_has_its_row_with_cause_and_remedy() {
    let page = text("docs/errors.md");
    let mut described = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| `CKPT_CODE_") || line.starts_with("| `CKPT_REASON_")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, meaning, causes, remedy] = cells[..] else { panic!("not four cells: {row}") };
        let name = name.trim_matches('`');
        for (cell, what) in [(meaning, "a meaning"), (causes, "causes"), (remedy, "a remedy")] {
            assert!(cell.ends_with('.'), "{name} needs {what}, in sentences: \"{cell}\"");
        }
        assert!(described.insert(name.to_owned()), "{name} has two rows");
    }
    let declared = declared();
    assert!(declared.len() >= 17 + 33, "only {} constants were found", declared.len());
    assert_eq!(described, declared);
}
