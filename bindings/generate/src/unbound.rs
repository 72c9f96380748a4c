//! Every function is used in every binding, or listed with a reason in `bindings/unbound.txt`, and
//! then it is not used.

use std::collections::BTreeSet;
use std::path::Path;

use crate::abi::Abi;

const LIST: &str = "bindings/unbound.txt";

pub fn problems(root: &Path, abi: &Abi) -> Vec<String> {
    let list = std::fs::read_to_string(root.join(LIST)).unwrap_or_default();
    let (mut listed, mut unused, mut problems) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
            [binding, function, _reason] => _ = listed.insert((binding, function)),
            _ => problems.push(format!("{LIST}: {line}: no reason")),
        }
    }
    for binding in ["cpp", "go", "csharp"] {
        let mut text = String::new();
        read(&root.join("bindings").join(binding), &mut text);
        let used: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let names = abi.functions.iter().map(|function| &*function.name);
        unused.extend(names.filter(|name| !used.contains(name)).map(|name| (binding, name)));
    }
    let unlisted = |(binding, name)| format!("bindings/{binding} does not use {name}; if it shall not, {LIST} is to say why");
    problems.extend(unused.difference(&listed).copied().map(unlisted));
    let stale = |(binding, name)| format!("{LIST}: {binding} {name}: it is used, or there is no such binding or function");
    problems.extend(listed.difference(&unused).copied().map(stale));
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
