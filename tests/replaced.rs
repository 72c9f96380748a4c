//! Readers of checkpoints that are replaced while they are open.
//!
//! What a reader returns is the value of the checkpoint that it opened, or an error: never the
//! value of another.

mod common;

use std::path::{Path, PathBuf};

use checkpoint::{
    latest_valid_checkpoint, verify, Checkpoint, Checksums, Code, DType, Durability, Error, Graph, NodeId, ReadOptions,
    ReadRequest, Reader, Reason, RestoreOptions, SaveOptions, Variable, Verdict, VerifyOptions, WriteOptions, Writer,
};
use common::bundle::{i32s, index_path, shard_path};
use tempfile::{tempdir, TempDir};

/// The number of elements of `x`, and of those that a slice of it takes.
const LENGTH: usize = 4;
const TAKEN: usize = 2;

/// Writes `x` and a string `s`, every element of which is `value`.
fn write(prefix: &Path, value: u8) {
    let options = WriteOptions::new().durability(Durability::None);
    let bytes = i32s(&[value.into(); LENGTH]);
    let mut writer = Writer::new(prefix, &options).unwrap();
    writer.add("x", DType::Int32, &[LENGTH as i64], &bytes).unwrap();
    writer.add_strings("s", &[], &[[value]]).unwrap();
    writer.finish().unwrap();
}

/// A way to read elements of a tensor, all of which have one value.
type Read = fn(&Reader) -> Result<u8, Error>;

/// The value that all elements have.
fn only(bytes: &[u8]) -> u8 {
    assert!(!bytes.is_empty() && bytes.chunks(4).all(|element| element == i32s(&[bytes[0].into()])), "{bytes:?}");
    bytes[0]
}

fn unchecked() -> ReadOptions {
    ReadOptions::new().checksums(Checksums::Never)
}

const READS: [(&str, Read); 6] = [
    ("with checksums off", |reader| {
        let mut buffer = [0; 4 * LENGTH];
        reader.get("x")?.read_into(&mut buffer, &unchecked()).map(|()| only(&buffer))
    }),
    ("a slice, unchecked", |reader| {
        let when_whole = ReadOptions::new().checksums(Checksums::WhenWhole);
        let slice = format!("1,{TAKEN}").parse().unwrap();
        let mut buffer = [0; 4 * TAKEN];
        reader.get("x")?.read_slice_into(&slice, &mut buffer, &when_whole).map(|()| only(&buffer))
    }),
    ("as a view", |reader| reader.get("x")?.map(false).map(|view| only(&view))),
    ("many at once", |reader| {
        let mut buffer = [0; 4 * LENGTH];
        let request = ReadRequest { tensor: reader.get("x")?, slice: None, buffer: &mut buffer };
        reader.read_many(vec![request], &unchecked()).map(|()| only(&buffer))
    }),
    ("with checksums", |reader| reader.get("x")?.read().map(|bytes| only(&bytes))),
    ("strings", |reader| reader.get("s")?.read_strings().map(|strings| strings.get(0).unwrap()[0])),
];

/// What happens to the checkpoint of value 1 at a prefix after a reader has opened it.
type Change = fn(&Path);

const CHANGES: [(&str, Change); 7] = [
    ("overwritten once", |prefix| write(prefix, 2)),
    // The new data file has the name of the old one again.
    ("overwritten twice", |prefix| [3, 2].into_iter().for_each(|value| write(prefix, value))),
    ("overwritten four times", |prefix| [3, 4, 5, 2].into_iter().for_each(|value| write(prefix, value))),
    ("removed and written", |prefix| {
        remove(prefix);
        write(prefix, 2);
    }),
    ("a data file renamed over the other", |prefix| {
        let other = tempfile::tempdir_in(prefix.parent().unwrap()).unwrap();
        write(&other.path().join("other"), 2);
        std::fs::rename(shard_path(&other.path().join("other"), 0, 1), shard_path(prefix, 0, 1)).unwrap();
    }),
    ("a data file rewritten in place", |prefix| {
        // The clock of the file system goes in steps.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let other = tempdir().unwrap();
        write(&other.path().join("other"), 2);
        std::fs::write(shard_path(prefix, 0, 1), std::fs::read(shard_path(&other.path().join("other"), 0, 1)).unwrap()).unwrap();
    }),
    ("removed", remove),
];

fn remove(prefix: &Path) {
    std::fs::remove_file(index_path(prefix)).unwrap();
    std::fs::remove_file(shard_path(prefix, 0, 1)).unwrap();
}

fn opened() -> (TempDir, PathBuf, Reader) {
    let directory = tempdir().unwrap();
    let prefix = directory.path().join("model");
    write(&prefix, 1);
    let reader = Reader::open(&prefix).unwrap();
    (directory, prefix, reader)
}

#[test]
fn a_reader_gives_the_value_that_it_opened_or_says_that_it_was_replaced() {
    for (change, apply) in CHANGES {
        for (way, read) in READS {
            let (_directory, prefix, reader) = opened();
            apply(&prefix);
            let error = read(&reader).expect_err(&format!("{change}, {way}"));
            let expected = match change {
                "removed" => (Code::NotFound, Reason::MissingFile),
                _ => (Code::DataLoss, Reason::Replaced),
            };
            assert_eq!((error.code(), error.reason()), expected, "{change}, {way}: {error}");
        }
    }
}

/// A data file that is open remains the one that was opened.
#[test]
fn what_was_read_once_is_read_again() {
    for (change, apply) in CHANGES.into_iter().filter(|(change, _)| !change.ends_with("in place")) {
        for (way, read) in READS {
            let (_directory, prefix, reader) = opened();
            assert_eq!(read(&reader).unwrap(), 1, "{change}, {way}");
            apply(&prefix);
            assert_eq!(read(&reader).unwrap(), 1, "{change}, {way}");
        }
    }
}

/// Another name for a file changes the time of its inode, and nothing else.
#[test]
fn hard_links_and_touched_permissions_replace_nothing() {
    for (way, read) in READS {
        let (directory, prefix, reader) = opened();
        for file in [index_path(&prefix), shard_path(&prefix, 0, 1)] {
            std::fs::hard_link(&file, directory.path().join(format!("copy{}", file.extension().unwrap().display()))).unwrap();
            let mut permissions = std::fs::metadata(&file).unwrap().permissions();
            permissions.set_readonly(true);
            std::fs::set_permissions(&file, permissions).unwrap();
        }
        assert_eq!(read(&reader).unwrap(), 1, "{way}");
    }
}

#[test]
fn a_missing_data_file_is_no_error_until_it_is_needed_and_may_appear() {
    let directory = tempdir().unwrap();
    let prefix = directory.path().join("model");
    write(&prefix, 1);
    let (data, away) = (shard_path(&prefix, 0, 1), directory.path().join("away"));
    std::fs::rename(&data, &away).unwrap();
    let reader = Reader::open(&prefix).unwrap();
    for (way, read) in READS {
        assert_eq!(read(&reader).unwrap_err().reason(), Reason::MissingFile, "{way}");
    }
    std::fs::rename(&away, &data).unwrap();
    READS.iter().for_each(|(way, read)| assert_eq!(read(&reader).unwrap(), 1, "{way}"));
}

/// The kind: what is restored later than the checkpoint was opened.
fn program() -> (Graph, NodeId) {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    (graph, root)
}

fn variable(graph: &Graph, value: u8) -> NodeId {
    graph.add_variable(Variable::owned(DType::Int32, &[1], &i32s(&[value.into()])).unwrap()).unwrap()
}

#[test]
fn values_that_are_pending_are_those_of_the_checkpoint_that_is_there_by_then() {
    let save = |value: u8, prefix: &Path| {
        let (graph, root) = program();
        graph.track(root, "a", variable(&graph, value)).unwrap();
        Checkpoint::new(&graph, root).unwrap().write(prefix, &SaveOptions::new()).unwrap();
    };
    let directory = tempdir().unwrap();
    let prefix = directory.path().join("model");
    save(1, &prefix);
    let (graph, root) = program();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    let _status = checkpoint.read(&prefix, &RestoreOptions::new().read(unchecked())).unwrap();
    // The same content, written anew, is no other checkpoint.
    [2, 1].into_iter().for_each(|value| save(value, &prefix));
    graph.track(root, "a", variable(&graph, 0)).unwrap();
    graph.untrack(root, "a").unwrap();
    let status = checkpoint.read(&prefix, &RestoreOptions::new().read(unchecked())).unwrap();
    [3, 2].into_iter().for_each(|value| save(value, &prefix));
    // As in TensorFlow, a deferred restore reads what its path leads to when the object comes.
    let a = variable(&graph, 0);
    graph.track(root, "a", a).unwrap();
    assert_eq!(graph.read(a).unwrap(), i32s(&[2]));
    drop(status);
}

/// Writes a checkpoint with an object graph, `a` of which is `value`.
fn save(prefix: &Path, value: u8) {
    let (graph, root) = program();
    graph.track(root, "a", variable(&graph, value)).unwrap();
    let options = SaveOptions::new().write(WriteOptions::new().durability(Durability::None));
    Checkpoint::new(&graph, root).unwrap().write(prefix, &options).unwrap();
}

/// Reads so many others that the process closes the data files of all before.
fn close_files(others: &[PathBuf]) {
    let readers: Vec<Reader> = others.iter().map(|other| Reader::open(other).unwrap()).collect();
    readers.iter().for_each(|reader| drop(reader.get("s").unwrap().read_strings().unwrap()));
}

fn remove_all(prefix: &Path) {
    std::fs::read_dir(prefix.parent().unwrap()).unwrap().for_each(|file| std::fs::remove_file(file.unwrap().path()).unwrap());
}

/// The object graph is read last: by then the checkpoint is another, or gone.
#[test]
fn a_checkpoint_that_goes_while_it_is_verified_is_not_called_damaged() {
    let directory = tempdir().unwrap();
    let others: Vec<PathBuf> = (0..70).map(|number| directory.path().join(format!("others/{number}"))).collect();
    others.iter().for_each(|other| write(other, 0));
    let options = VerifyOptions::new();
    let place = directory.path().join("place");
    let prefix = place.join("model-1");
    let changes: [(Change, Reason); 2] = [(|prefix| save(prefix, 2), Reason::Replaced), (remove_all, Reason::MissingFile)];
    for (change, reason) in changes {
        save(&prefix, 1);
        let mut times = 0;
        let mut go = |most: usize| {
            times += 1;
            if times <= most {
                change(&prefix);
                close_files(&others);
            }
            std::ops::ControlFlow::Continue(())
        };
        let error = verify(&prefix, &options, &mut |_| go(1)).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
    }
    for (most, found) in [(1, Some(Verdict::Whole)), (usize::MAX, None)] {
        save(&prefix, 1);
        let mut times = 0;
        let latest = latest_valid_checkpoint(&place, &options, &mut |_| {
            times += 1;
            if times <= most {
                save(&prefix, 2);
                close_files(&others);
            }
            std::ops::ControlFlow::Continue(())
        });
        match found {
            Some(_) => assert_eq!(latest.unwrap().verdict, found),
            None => assert_eq!(latest.unwrap_err().reason(), Reason::Replaced),
        }
    }
    // What does not exist is no checkpoint that is damaged by what it contains.
    let mut is_there = true;
    let latest = latest_valid_checkpoint(&place, &options, &mut |_| {
        if std::mem::take(&mut is_there) {
            remove_all(&prefix);
            close_files(&others);
        }
        std::ops::ControlFlow::Continue(())
    });
    let broken = latest.unwrap().broken;
    assert_eq!(broken.iter().map(|broken| broken.problem.reason()).collect::<Vec<_>>(), [Reason::NoCheckpoint]);
}
