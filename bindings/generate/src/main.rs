//! Makes `bindings/abi.json` from the source of the C ABI, and what is mechanical in the bindings
//! from that. Without arguments it writes; with `--check` it compares, and exits with 1 where
//! something is out of date.

mod abi;
mod cpp;
mod csharp;
mod go;
mod options;
mod spellings;
mod text;

use std::path::Path;
use std::process::ExitCode;

use abi::Abi;

const DERIVED: &str = "Generated from bindings/abi.json by bindings/generate; do not edit.";

/// What is wrong with the files as they are. If `write`, they are written first.
fn problems(write: bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the package lies in bindings/");
    let abi = Abi::read(&root.join("bindings/c/src"));
    let files = [
        ("abi.json", abi.described()),
        ("cpp/include/checkpoint/constants.hpp", cpp::constants(&abi)),
        ("cpp/include/checkpoint/options.hpp", cpp::options(&abi)),
        ("go/constants.go", go::constants(&abi)),
        ("go/options.go", go::options(&abi)),
        ("csharp/Constants.cs", csharp::constants(&abi)),
        ("csharp/NativeMethods.cs", csharp::native_methods(&abi)),
        ("csharp/Options.cs", csharp::options(&abi)),
    ];
    let mut problems = Vec::new();
    for (file, text) in files {
        let path = root.join("bindings").join(file);
        if write {
            std::fs::write(&path, &text).expect("bindings/ can be written");
        }
        if std::fs::read_to_string(&path).ok() != Some(text) {
            problems.push(format!("bindings/{file} is out of date: run cargo run -p libcheckpoint-generate"));
        }
    }
    problems
}

fn main() -> ExitCode {
    let problems = problems(!std::env::args().any(|argument| argument == "--check"));
    problems.iter().for_each(|problem| eprintln!("{problem}"));
    ExitCode::from(u8::from(!problems.is_empty()))
}

#[test]
fn what_is_generated_is_up_to_date() {
    assert_eq!(problems(false), [""; 0]);
}
