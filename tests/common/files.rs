//! Where test files are.

use std::path::{Path, PathBuf};

/// The checkpoints that TensorFlow wrote. They lie below the project's root, where one of its
/// packages may have its own tests.
pub fn data() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = package.ancestors().map(|directory| directory.join("tests/data")).find(|data| data.is_dir());
    data.expect("tests/data is at the project's root")
}

/// All files below `tests/data`, sorted.
pub fn fixture_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for directory in sorted(&data()) {
        if directory.is_dir() {
            // Those of others, in `real`, have a test of their own.
            files.extend(sorted(&directory).into_iter().filter(|path| path.is_file()));
        }
    }
    assert!(files.len() > 40);
    files
}

fn sorted(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Copies the files of a directory, not its folders.
pub fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for path in sorted(from) {
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
