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

/// The files that are out of date. If `write`, they are written first.
fn stale(write: bool) -> Vec<&'static str> {
    let bindings = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in bindings/");
    let abi = Abi::read(&bindings.join("c/src"));
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
    let is_stale = |(file, text): &(&str, String)| {
        let path = bindings.join(file);
        if write {
            std::fs::write(&path, text).expect("bindings/ can be written");
        }
        std::fs::read_to_string(&path).ok().as_ref() != Some(text)
    };
    files.into_iter().filter(is_stale).map(|(file, _)| file).collect()
}

fn main() -> ExitCode {
    let stale = stale(!std::env::args().any(|argument| argument == "--check"));
    stale.iter().for_each(|file| eprintln!("bindings/{file} is out of date: run cargo run -p libcheckpoint-generate"));
    ExitCode::from(u8::from(!stale.is_empty()))
}

#[test]
fn what_is_generated_is_up_to_date() {
    assert_eq!(stale(false), [""; 0]);
}
