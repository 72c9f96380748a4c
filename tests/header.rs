//! The checked-in C header is what cbindgen makes of the source.

use std::collections::BTreeSet;
use std::path::Path;

/// What cbindgen makes of the source.
fn header(root: &Path) -> String {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is sound");
    let bindings =
        cbindgen::Builder::new().with_crate(root).with_config(config).generate().expect("cbindgen understands src/ffi");
    let mut made = Vec::new();
    bindings.write(&mut made);
    String::from_utf8(made).expect("a header is text")
}

#[test]
fn the_header_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = header(root);
    let path = root.join("include/checkpoint.h");
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).expect("include/ can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(made == kept, "include/checkpoint.h is out of date: run UPDATE_HEADER=1 cargo test --test header");
}

/// No panic crosses the ABI, because every body of an exported function begins with one of the wrappers that catch it; and what is
/// exported is what is declared. That the library exports just that is compared by tests/c/abi.sh, from the list checked here.
#[test]
fn every_exported_function_goes_through_a_wrapper_and_is_declared() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrapped = BTreeSet::new();
    for file in std::fs::read_dir(root.join("src/ffi")).expect("src/ffi is there") {
        let source = std::fs::read_to_string(file.expect("it can be listed").path()).expect("it is text");
        assert_eq!(source.matches("no_mangle").count(), source.matches("#[no_mangle]\npub extern \"C\" fn ").count());
        for exported in source.split("pub extern \"C\" fn ").skip(1) {
            let name = exported.split('(').next().unwrap_or_default();
            let (_, body) = exported.split_once(" {\n").expect("a function has a body");
            let begins = ["call(error, ||", "ask(", "release("].iter().any(|wrapper| body.trim_start().starts_with(wrapper));
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
    assert!(listed == kept, "tests/c/symbols.txt is out of date: run UPDATE_HEADER=1 cargo test --test header");
}

/// The functions that a header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let code = header.lines().filter(|line| !line.starts_with("//") && !line.starts_with("typedef"));
    let words = code.flat_map(|line| line.split([' ', '*']));
    words.filter_map(|word| Some(word.split_once('(')?.0.to_owned())).filter(|w| w.starts_with("ckpt_")).collect()
}
