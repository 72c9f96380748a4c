//! A directory for the files of one execution, in memory where the system has such a place.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The directory of this process; its files are overwritten by every execution.
pub fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        // `scripts/fuzz.sh` names a place that it removes afterwards.
        let memory = PathBuf::from("/dev/shm");
        let given = std::env::var_os("CHECKPOINT_FUZZ_DIR").map(PathBuf::from);
        let base = given.or(memory.is_dir().then_some(memory)).unwrap_or_else(std::env::temp_dir);
        let directory = base.join(format!("checkpoint-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        directory
    })
}

/// Writes a bundle of one shard; returns its prefix.
pub fn bundle(index: &[u8], data: &[u8]) -> PathBuf {
    let prefix = directory().join("b");
    std::fs::write(directory().join("b.index"), index).unwrap();
    std::fs::write(directory().join("b.data-00000-of-00001"), data).unwrap();
    prefix
}

/// Writes a V1 file; returns its path.
pub fn v1(bytes: &[u8]) -> PathBuf {
    let path = directory().join("old");
    std::fs::write(&path, bytes).unwrap();
    path
}
