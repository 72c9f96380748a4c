//! What a Rust program pays that depends on the library: no other library is built, and no symbol
//! of the C ABI is in what it makes.

use std::path::Path;
use std::process::Command;

/// Every file below a directory.
fn files(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
}

#[test]
fn a_cdylib_on_the_core_exports_nothing_of_the_c_abi() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let work = tempfile::tempdir().unwrap();
    let package = work.path();
    std::fs::create_dir(package.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"dependent\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nlibcheckpoint = {{ path = {:?} }}\n\n[workspace]\n",
        root.to_str().unwrap()
    );
    std::fs::write(package.join("Cargo.toml"), manifest).unwrap();
    let line = "#[no_mangle] pub extern \"C\" fn opens() -> bool { checkpoint::Reader::open(\"x\").is_ok() }\n";
    std::fs::write(package.join("src/lib.rs"), line).unwrap();
    // The crates that this test was built from, and no others.
    std::fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();

    let target = package.join("target");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--offline", "--quiet", "--target-dir"]).arg(&target).current_dir(package);
    let output = cargo.env_remove("CARGO_BUILD_TARGET").env_remove("RUSTFLAGS").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(target.join("debug/libdependent.so")).output().unwrap();
    let symbols = String::from_utf8(output.stdout).unwrap();
    let exported: Vec<&str> = symbols.lines().filter_map(|line| line.split(' ').next_back()).collect();
    assert!(exported.contains(&"opens"), "{symbols}");
    assert_eq!(exported.iter().filter(|name| name.starts_with("ckpt_")).count(), 0, "{symbols}");

    let mut made = Vec::new();
    files(&target, &mut made);
    let libraries = |end: &str| made.iter().filter(|name| name.starts_with("libcheckpoint") && name.ends_with(end)).count();
    assert_eq!((libraries(".rlib"), libraries(".so"), libraries(".a")), (1, 0, 0), "{made:?}");
}
