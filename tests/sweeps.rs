//! Every truncation and every flipped bit is found; what cannot matter is listed here, with the
//! reason.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::bundle::{f32s, i32s, index_path, shard_path, Bundle};
use common::judge::{problems, read_all, sound, Read};
use common::proto::Extent::Part;
use common::{dtypes, files, manifest, v1};
use tempfile::tempdir;

/// A range of a file in which a change makes no difference to any reader, and why.
struct Unread {
    from: usize,
    to: usize,
    reason: &'static str,
}

/// One file of a checkpoint, to be damaged.
struct Subject {
    /// What is opened.
    checkpoint: PathBuf,
    /// What is damaged.
    file: PathBuf,
    unread: Vec<Unread>,
}

impl Subject {
    fn new(checkpoint: &Path, file: PathBuf) -> Subject {
        Subject { checkpoint: checkpoint.to_owned(), file, unread: Vec::new() }
    }

    /// Writes `bytes` in the place of the file; says whether anybody noticed. Values that are read
    /// must be the true ones.
    fn noticed(&self, bytes: &[u8], truth: &BTreeMap<Vec<u8>, Read>) -> bool {
        std::fs::write(&self.file, bytes).unwrap();
        let read = read_all(&self.checkpoint);
        if let Ok(contents) = &read {
            assert!(contents == truth, "{}: wrong values without an error", self.file.display());
        }
        // `verify` notices whatever reading does.
        let found = problems(&self.checkpoint);
        assert!(read.is_ok() || !found.is_empty(), "{}: verify does not see what reading saw", self.file.display());
        !found.is_empty()
    }

    /// Tries every truncation and every flipped bit.
    fn sweep(&self) {
        let truth = sound(&self.checkpoint);
        let whole = std::fs::read(&self.file).unwrap();
        let unread = |at: usize| self.unread.iter().find(|unread| (unread.from..unread.to).contains(&at));
        for length in 0..whole.len() {
            let lost_nothing = (length..whole.len()).all(|at| unread(at).is_some());
            let noticed = self.noticed(&whole[..length], &truth);
            assert!(noticed || lost_nothing, "{} cut to {length} bytes", self.file.display());
        }
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let noticed = self.noticed(&bytes, &truth);
            match unread(bit / 8) {
                None => assert!(noticed, "{}: bit {} of byte {}", self.file.display(), bit % 8, bit / 8),
                Some(unread) => assert!(!noticed, "{}: byte {}: {}", self.file.display(), bit / 8, unread.reason),
            }
        }
        std::fs::write(&self.file, whole).unwrap();
        sound(&self.checkpoint);
    }
}

/// One tensor of each kind.
fn bundle() -> Bundle {
    let mut bundle = Bundle::new();
    let slices = [vec![Part(0, 1)], vec![Part(1, 2)]];
    bundle.tensor("float", dtypes::FLOAT, &[2], &f32s(&[1.0, -2.0]));
    bundle.tensor("none", dtypes::INT32, &[0], &[]);
    bundle.partitioned("parts", dtypes::UINT8, &[3], &slices);
    bundle.slice("parts", dtypes::UINT8, &[3], &slices[0], &[7]);
    bundle.slice("parts", dtypes::UINT8, &[3], &slices[1], &[8, 9]);
    bundle.strings("words", &[2], &[b"to", b"be"]);
    bundle.strings("nowords", &[0], &[]);
    bundle.variants("variant", &[1], &[b"\x0a\x01v"]);
    bundle.tensor("last", dtypes::INT32, &[], &i32s(&[7]));
    bundle
}

#[test]
fn a_small_bundle() {
    let scratch = tempdir().unwrap();
    let prefix = bundle().write(scratch.path(), "b");
    Subject::new(&prefix, index_path(&prefix)).sweep();
    Subject::new(&prefix, shard_path(&prefix, 0, 1)).sweep();
}

#[test]
fn a_bundle_of_several_compressed_blocks() {
    let scratch = tempdir().unwrap();
    let mut bundle = bundle();
    (bundle.style.block_size, bundle.style.snappy) = (100, true);
    let prefix = bundle.write(scratch.path(), "b");
    Subject::new(&prefix, index_path(&prefix)).sweep();
}

#[test]
fn a_big_endian_bundle() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::big_endian();
    bundle.tensor("float", dtypes::FLOAT, &[2], &f32s(&[1.0, -2.0]));
    bundle.strings("words", &[2], &[b"to", b"be"]);
    let prefix = bundle.write(scratch.path(), "b");
    Subject::new(&prefix, index_path(&prefix)).sweep();
    Subject::new(&prefix, shard_path(&prefix, 0, 1)).sweep();
}

#[test]
fn an_aligned_bundle_but_for_its_padding() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.alignment = 16;
    bundle.tensor("a", dtypes::FLOAT, &[2], &f32s(&[1.0, -2.0]));
    bundle.tensor("b", dtypes::UINT8, &[5], b"bytes");
    let prefix = bundle.write(scratch.path(), "b");
    let mut data = Subject::new(&prefix, shard_path(&prefix, 0, 1));
    let reason = "padding up to a multiple of 16: in no tensor and under no checksum";
    data.unread = vec![Unread { from: 8, to: 16, reason }, Unread { from: 21, to: 32, reason }];
    data.sweep();
}

#[test]
fn a_small_v1_file() {
    let scratch = tempdir().unwrap();
    let mut file = v1::File::new();
    file.tensor("s", dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[7])));
    file.slice("w", dtypes::FLOAT, &[2], &[Part(0, 1)], v1::values(dtypes::FLOAT, &f32s(&[1.5])));
    file.slice("w", dtypes::FLOAT, &[2], &[Part(1, 1)], v1::values(dtypes::FLOAT, &f32s(&[-2.0])));
    file.tensor("words", dtypes::STRING, &[2], v1::string_values(&[b"to", b"be"]));
    let path = file.write(scratch.path(), "old");
    Subject::new(&path, path.clone()).sweep();
}

#[test]
fn samples_of_every_fixture() {
    for (directory, manifest) in manifest::all() {
        let scratch = tempdir().unwrap();
        files::copy_all(&directory, scratch.path());
        let checkpoint = scratch.path().join(&manifest.prefix);
        let truth = sound(&checkpoint);
        let base = manifest.prefix.replace("-?????-of-00001", "");
        for entry in std::fs::read_dir(scratch.path()).unwrap() {
            let file = entry.unwrap().path();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            // Files of this checkpoint and no other.
            let Some(rest) = name.strip_prefix(&base) else { continue };
            let own = rest.is_empty() || rest == ".index" || rest.starts_with(".data-") || rest == "-00000-of-00001";
            if !own {
                continue;
            }
            let subject = Subject::new(&checkpoint, file);
            let whole = std::fs::read(&subject.file).unwrap();
            for sample in 0..12 {
                let at = (whole.len() - 1) * sample / 11;
                assert!(subject.noticed(&whole[..at], &truth), "{name} cut to {at} bytes");
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (sample % 8);
                assert!(subject.noticed(&bytes, &truth), "{name}: byte {at}");
            }
            std::fs::write(&subject.file, whole).unwrap();
        }
        sound(&checkpoint);
    }
}

#[test]
fn a_missing_file_of_any_kind() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::sharded(3);
    for shard in 0..2 {
        bundle.shard = shard;
        bundle.tensor(&format!("t{shard}"), dtypes::INT32, &[], &i32s(&[1]));
    }
    bundle.shard = 2;
    bundle.tensor("empty", dtypes::INT32, &[0], &[]);
    let prefix = bundle.write(scratch.path(), "b");
    sound(&prefix);
    for file in [index_path(&prefix), shard_path(&prefix, 0, 3), shard_path(&prefix, 1, 3), shard_path(&prefix, 2, 3)] {
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(!problems(&prefix).is_empty(), "{}", file.display());
        std::fs::write(&file, bytes).unwrap();
    }
    sound(&prefix);
}
