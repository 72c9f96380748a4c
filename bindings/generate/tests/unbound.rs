//! Every function of the C ABI is used in every binding, or listed with a reason in
//! `bindings/unbound.txt`, and then it is not used.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = "bindings/unbound.txt";

fn bindings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in bindings/").to_owned()
}

/// Binding, function and reason.
fn listed() -> Vec<(String, String, Option<String>)> {
    let list = fs::read_to_string(bindings().join("unbound.txt")).expect("the list is there");
    let entry = |line: &str| {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next())
    };
    list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(entry).collect()
}

/// The functions in the description of the C ABI.
fn functions() -> Vec<String> {
    let text = fs::read_to_string(bindings().join("abi.json")).expect("the description is there");
    let abi: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let functions = abi["functions"].as_array().expect("there are functions");
    functions.iter().map(|function| function["name"].as_str().expect("they have names").to_owned()).collect()
}

/// The source of a binding, without its tests, and without the lines of C# that declare the
/// functions.
fn read(directory: &Path, text: &mut String) {
    for path in fs::read_dir(directory).expect("the binding is there").map(|entry| entry.expect("it can be listed").path()) {
        let name = path.to_string_lossy();
        if path.is_dir() {
            read(&path, text);
        } else if [".hpp", ".go", ".h", ".c", ".cs"].iter().any(|end| name.ends_with(end)) && !name.ends_with("_test.go") {
            let source = fs::read_to_string(&path).expect("it is text");
            let declares = |line: &&str| name.ends_with("NativeMethods.cs") && !line.contains("Free() => ");
            text.extend(source.lines().filter(|line| !declares(line)).flat_map(|line| [line, "\n"]));
        }
    }
}

#[test]
fn every_function_is_used_in_every_binding_or_listed() {
    let functions = functions();
    assert!(functions.len() > 300, "only {} functions", functions.len());
    let mut unused = BTreeSet::new();
    for binding in ["cpp", "go", "csharp"] {
        let mut text = String::new();
        read(&bindings().join(binding), &mut text);
        let used: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let absent = functions.iter().filter(|function| !used.contains(&***function));
        unused.extend(absent.map(|function| (binding.to_owned(), function.clone())));
    }
    let listed: BTreeSet<(String, String)> = listed().into_iter().map(|(binding, function, _)| (binding, function)).collect();
    let unlisted: Vec<_> = unused.difference(&listed).collect();
    assert!(unlisted.is_empty(), "not used; if they shall not be, {LIST} is to say why: {unlisted:?}");
    let stale: Vec<_> = listed.difference(&unused).collect();
    assert!(stale.is_empty(), "{LIST} lists what is used, or what there is not: {stale:?}");
}

#[test]
fn what_is_listed_has_a_reason() {
    let without: Vec<_> = listed().into_iter().filter(|(.., reason)| reason.is_none()).collect();
    assert_eq!(without, []);
}
