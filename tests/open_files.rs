//! More files than a process may have open: all readers keep working.

mod common;

use std::path::PathBuf;

use checkpoint::{ReadOptions, ReadRequest, Reader};
use common::bundle::{i32s, Bundle};
use common::{dtypes, judge, v1};
use tempfile::tempdir;

/// The number of readers, and of the data files of each.
const READERS: usize = 40;
const SHARDS: usize = 20;

/// Many readers at once, each of several data files: all of them keep working.
#[test]
fn a_process_reads_more_files_than_it_may_have_open() {
    let directory = tempdir().unwrap();
    let prefixes: Vec<PathBuf> = (0..READERS)
        .map(|number| {
            let mut bundle = Bundle::sharded(SHARDS);
            (0..SHARDS).for_each(|shard| {
                bundle.shard = shard;
                bundle.tensor(&format!("t{shard:02}"), dtypes::INT32, &[], &i32s(&[(number * SHARDS + shard) as i32]));
            });
            bundle.write(directory.path(), &format!("m{number}"))
        })
        .collect();
    let mut file = v1::File::new();
    file.tensor("x", dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[7])));
    let old = file.write(directory.path(), "old");
    let open: Vec<Reader> = prefixes.iter().map(|prefix| Reader::open(prefix).unwrap()).collect();
    let old: Vec<Reader> = (0..READERS).map(|_| Reader::open(&old).unwrap()).collect();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 0..3 {
                    for (number, reader) in open.iter().enumerate() {
                        for (shard, tensor) in reader.tensors().enumerate() {
                            let value = tensor.read().unwrap();
                            assert_eq!(value, i32s(&[(number * SHARDS + shard) as i32]), "round {round}");
                        }
                    }
                    for (number, reader) in open.iter().enumerate() {
                        let mut values = [[0; 4]; SHARDS];
                        let each = reader.tensors().zip(&mut values);
                        let requests = each.map(|(tensor, buffer)| ReadRequest { tensor, slice: None, buffer }).collect();
                        reader.read_many(requests, &ReadOptions::new()).unwrap();
                        let expected = (0..SHARDS).map(|shard| (number * SHARDS + shard) as i32);
                        assert!(values.into_iter().map(i32::from_le_bytes).eq(expected), "round {round}");
                    }
                    old.iter().for_each(|reader| assert_eq!(reader.get("x").unwrap().read().unwrap(), i32s(&[7])));
                }
            });
        }
    });
    for prefix in &prefixes {
        assert_eq!(judge::problems(prefix).len(), 0);
    }
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let data = descriptors.filter(|entry| {
        let target = std::fs::read_link(entry.as_ref().unwrap().path()).unwrap_or_default();
        target.starts_with(directory.path())
    });
    assert!(data.count() <= 64, "more data files are open than may be");
}

/// A directory that cannot be listed for want of descriptors may contain a checkpoint.
#[test]
fn a_sharded_checkpoint_is_not_called_absent_for_want_of_descriptors() {
    const LIST: &str = "LIST_WITHOUT_DESCRIPTORS";
    if let Some(pattern) = std::env::var_os(LIST) {
        let mut taken = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            taken.push(file);
        }
        let error = Reader::open(PathBuf::from(pattern)).unwrap_err();
        drop(taken);
        assert_eq!((error.code(), error.errno()), (checkpoint::Code::ResourceExhausted, Some(libc::EMFILE)), "{error}");
        return;
    }
    let directory = tempdir().unwrap();
    let mut file = v1::File::new();
    file.tensor("x", dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[7])));
    file.write(directory.path(), "old-00000-of-00001");
    let pattern = directory.path().join("old-?????-of-00001");
    Reader::open(&pattern).unwrap();
    let name = "a_sharded_checkpoint_is_not_called_absent_for_want_of_descriptors";
    let command = format!("ulimit -n 64; exec '{}' --exact {name}", std::env::current_exe().unwrap().display());
    let output = std::process::Command::new("bash").args(["-c", &command]).env(LIST, &pattern).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
