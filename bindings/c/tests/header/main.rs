//! The checked-in C header is what cbindgen makes of the source.

mod paths;
mod topics;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The project's root.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("the package lies in bindings/").to_owned()
}

/// What cbindgen makes of the source.
fn header(root: &Path) -> String {
    let package = root.join("bindings/c");
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml")).expect("cbindgen.toml is sound");
    let bindings = cbindgen::Builder::new()
        .with_crate(&package)
        .with_config(config)
        .generate()
        .expect("cbindgen understands bindings/c/src");
    let mut made = Vec::new();
    bindings.write(&mut made);
    topics::arranged(&String::from_utf8(made).expect("a header is text"), &package)
}

#[test]
fn the_header_is_up_to_date() {
    let root = &root();
    let made = header(root);
    let path = root.join("include/checkpoint.h");
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).expect("include/ can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(made == kept, "include/checkpoint.h is out of date: run UPDATE_HEADER=1 cargo test -p libcheckpoint-c --test header");
}

/// No panic crosses the ABI, because every body of an exported function begins with one of the
/// wrappers that catch it; and what is exported is what is declared. That the library exports just
/// that is compared by tests/c/abi.sh, from the list checked here.
#[test]
fn every_exported_function_goes_through_a_wrapper_and_is_declared() {
    let root = &root();
    let mut wrapped = BTreeSet::new();
    for file in std::fs::read_dir(root.join("bindings/c/src")).expect("the sources are there") {
        let source = std::fs::read_to_string(file.expect("it can be listed").path()).expect("it is text");
        assert_eq!(source.matches("no_mangle").count(), source.matches("#[no_mangle]\npub extern \"C\" fn ").count());
        for exported in source.split("pub extern \"C\" fn ").skip(1) {
            let name = exported.split('(').next().unwrap_or_default();
            let (_, body) = exported.split_once(" {\n").expect("a function has a body");
            let begins = ["call(error, ||", "ask(", "release(", "set(", "with("]
                .iter()
                .any(|wrapper| body.trim_start().starts_with(wrapper));
            assert!(begins, "{name} does not begin with a wrapper");
            wrapped.insert(name.to_owned());
        }
    }
    assert_eq!(wrapped, declared(&header(root)));
    let path = root.join("tests/c/symbols.txt");
    let listed: String = wrapped.iter().map(|name| format!("{name}\n")).collect();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(&path, &listed).expect("tests/c can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        listed == kept,
        "tests/c/symbols.txt is out of date: run UPDATE_HEADER=1 cargo test -p libcheckpoint-c --test header"
    );
}

/// The functions that a header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let code = header.lines().filter(|line| !line.starts_with("//") && !line.starts_with("typedef"));
    let words = code.flat_map(|line| line.split([' ', '*']));
    words.filter_map(|word| Some(word.split_once('(')?.0.to_owned())).filter(|w| w.starts_with("ckpt_")).collect()
}

/// The text of the files of a directory of tests.
fn tests_of(directory: &Path) -> String {
    let files = std::fs::read_dir(directory).expect("the directory is there").map(|file| file.expect("it can be listed").path());
    let sources = files.filter(|path| path.extension().is_some_and(|e| e == "c" || e == "h" || e == "py"));
    sources.map(|path| std::fs::read_to_string(path).expect("it is text")).collect()
}

#[test]
fn every_function_is_called_by_a_test() {
    let root = &root();
    let tests = tests_of(&root.join("tests/c")) + &tests_of(&root.join("tests/interop"));
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: BTreeSet<&str> = tests.split(|c| !is_word(c)).collect();
    let uncalled: Vec<String> = declared(&header(root)).into_iter().filter(|name| !words.contains(&**name)).collect();
    assert_eq!(uncalled, [""; 0]);
}

/// The table of callbacks and functions (tests/c/callbacks.c) and that of misuse lack none that
/// reaches a graph and can fail.
#[test]
fn every_function_that_reaches_a_graph_is_in_the_table() {
    let root = &root();
    let table = std::fs::read_to_string(root.join("tests/c/every_call.h")).expect("it is there");
    let header = header(root);
    let declarations =
        header.split(";\n").filter_map(|text| text.rsplit("\nckpt_code ").next()).filter(|text| !text.contains('{'));
    let reach = ["(const ckpt_graph *", "(const ckpt_checkpoint *", "(const ckpt_status *", "(const ckpt_manager *"];
    let names: Vec<&str> = declarations
        .filter(|text| reach.iter().any(|handle| text.contains(handle)) && text.ends_with("ckpt_error **error)"))
        .filter_map(|text| text.split('(').next())
        .collect();
    assert!(names.len() > 60, "{names:?}");
    let absent: Vec<&&str> = names.iter().filter(|name| !table.contains(&format!("{name}("))).collect();
    assert_eq!(absent, [&""; 0]);
}

/// `unsafe` has three rooms here: where pointers become references, where memory is borrowed beyond
/// a call, and what callbacks are given.
#[test]
fn unsafe_code_is_in_its_rooms_alone() {
    let mut found = BTreeSet::new();
    for file in std::fs::read_dir(root().join("bindings/c/src")).expect("the sources are there") {
        let path = file.expect("it can be listed").path();
        let source = std::fs::read_to_string(&path).expect("it is text");
        let (code, _) = source.split_once("#[cfg(test)]\nmod tests").unwrap_or((&source, ""));
        let words = code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| line.split(' '));
        let uses = words.filter(|word| *word == "unsafe").count();
        assert!(uses <= code.matches("// SAFETY: ").count(), "{}: an unsafe without its SAFETY", path.display());
        if uses > 0 {
            found.insert(path.file_name().expect("it has a name").to_string_lossy().into_owned());
        }
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["memory.rs", "pointer.rs", "progress.rs"]);
}
