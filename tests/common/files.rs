//! Where test files are.

use std::path::{Path, PathBuf};

/// The checkpoints that TensorFlow wrote.
pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// All files below `tests/data`, sorted.
pub fn fixture_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for directory in sorted(&data()) {
        if directory.is_dir() {
            files.extend(sorted(&directory));
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
