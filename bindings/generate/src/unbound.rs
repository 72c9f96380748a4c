//! Every function is used in every binding, or listed with a reason in `bindings/unbound.txt`, and
//! then it is not used.

use std::collections::BTreeSet;
use std::path::Path;

use crate::abi::Abi;

const LIST: &str = "bindings/unbound.txt";

pub fn problems(root: &Path, abi: &Abi) -> Vec<String> {
    let list = std::fs::read_to_string(root.join(LIST)).unwrap_or_default();
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &str| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
    let mut problems: Vec<String> =
        lines.clone().filter(|line| line.splitn(3, ' ').count() < 3).map(|l| format!("{LIST}: {l}: no reason")).collect();
    let mut listed: BTreeSet<String> = lines.map(entry).collect();
    for binding in ["cpp", "go", "csharp"] {
        let mut text = String::new();
        read(&root.join("bindings").join(binding), &mut text);
        let used: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        for function in &abi.functions {
            match (used.contains(&*function.name), listed.remove(&format!("{binding} {}", function.name))) {
                (false, false) => problems
                    .push(format!("bindings/{binding} does not use {}; if it shall not, {LIST} is to say why", function.name)),
                (true, true) => problems.push(format!("{LIST}: bindings/{binding} uses {}", function.name)),
                _ => (),
            }
        }
    }
    problems.extend(listed.iter().map(|entry| format!("{LIST}: {entry}: no such binding or function")));
    problems
}

/// The source of a binding, without its tests, and without the lines of C# that declare the
/// functions.
fn read(directory: &Path, text: &mut String) {
    for path in std::fs::read_dir(directory).expect("the binding is there").map(|entry| entry.expect("it can be listed").path()) {
        let name = path.to_string_lossy();
        if path.is_dir() {
            read(&path, text);
        } else if [".hpp", ".go", ".h", ".c", ".cs"].iter().any(|end| name.ends_with(end)) && !name.ends_with("_test.go") {
            let source = std::fs::read_to_string(&path).expect("it is text");
            let declares = |line: &&str| name.ends_with("NativeMethods.cs") && !line.contains("Free() => ");
            text.extend(source.lines().filter(|line| !declares(line)).flat_map(|line| [line, "\n"]));
        }
    }
}
