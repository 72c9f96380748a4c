//! What a checkpoint is good for: whole, a section, incomplete or damaged, and who acts on it.

mod common;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use checkpoint::{
    latest_valid_checkpoint, repair_checkpoint_state, Code, Error, Reader, Reason, RepairOptions, RepairedState, ValidCheckpoint,
    Verdict, VerifyOptions,
};
use common::bundle::{f32s, header, i32s, shard_path, Bundle, Entry};
use common::objects::{graph, Object};
use common::proto::Extent::{self, Full, Part};
use common::table::Style;
use common::{dtypes, files, judge, manifest, v1};
use tempfile::tempdir;
use Verdict::{Damaged, Incomplete, Section, Whole};

const HALVES: [[Extent; 2]; 2] = [[Part(0, 6), Full], [Part(6, 6), Full]];

/// A tensor "emb" of 12 x 3 elements, of which these halves are stored.
fn halves(stored: &[usize]) -> Bundle {
    let mut bundle = Bundle::new();
    let slices: Vec<Vec<Extent>> = stored.iter().map(|&half| HALVES[half].to_vec()).collect();
    bundle.partitioned("emb", dtypes::FLOAT, &[12, 3], &slices);
    for &half in stored {
        bundle.slice("emb", dtypes::FLOAT, &[12, 3], &HALVES[half], &f32s(&[1.5; 18]));
    }
    bundle.tensor("w", dtypes::INT32, &[1], &i32s(&[7]));
    bundle
}

/// A checkpoint of a program: a variable, and a table, which has other keys than the one that the
/// graph names, as TensorFlow's tables and iterators have.
fn program(keys: &[&str]) -> Bundle {
    let root = Object::new().edge("v", 1).edge("table", 2);
    let table = Object::new().value("table", "table/.ATTRIBUTES/table");
    let mut bundle = Bundle::new();
    bundle.strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[&graph(&[root, Object::variable("v"), table])]);
    keys.iter().for_each(|key| _ = bundle.tensor(key, dtypes::INT32, &[1], &i32s(&[7])));
    bundle
}

const V: &str = "v/.ATTRIBUTES/VARIABLE_VALUE";
const KEYS: &str = "table/.ATTRIBUTES/table-keys";

fn verdict(path: &Path, skip_values: bool) -> (Verdict, Vec<Error>) {
    let options = VerifyOptions::new().skip_values(skip_values);
    let found = checkpoint::verify(path, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    (found.verdict, found.problems)
}

fn latest_valid(directory: &Path) -> ValidCheckpoint {
    latest_valid_checkpoint(directory, &VerifyOptions::new(), &mut |_| ControlFlow::Continue(())).unwrap()
}

fn repair(directory: &Path) -> Result<RepairedState, Error> {
    repair_checkpoint_state(directory, &RepairOptions::new(), &mut |_| ControlFlow::Continue(()))
}

/// Changes the data file of a checkpoint.
fn change(prefix: &Path, how: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let path = shard_path(prefix, 0, 1);
    std::fs::write(&path, how(std::fs::read(&path).unwrap())).unwrap();
}

fn flip(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[0] ^= 1;
    bytes
}

/// Each kind of checkpoint: its name, the verdict without and with the values, the first problem.
type Kind = (&'static str, fn(&Path) -> PathBuf, Verdict, Verdict, Option<(Reason, &'static str)>);

const KINDS: &[Kind] = &[
    ("whole by names", |at| halves(&[0, 1]).write(at, "m-5"), Whole, Whole, None),
    ("whole with a graph", |at| program(&[V, KEYS]).write(at, "m-5"), Whole, Whole, None),
    ("without tensors", |at| Bundle::new().write(at, "m-5"), Whole, Whole, None),
    (
        "half of the slices",
        |at| halves(&[1]).write(at, "m-5"),
        Section,
        Section,
        Some((Reason::Gap, "tensor \"emb\": slices cover 18 of 36 elements")),
    ),
    (
        "a section that lacks keys of the graph",
        |at| program(&[V]).write(at, "part-00000-of-00002"),
        Section,
        Section,
        Some((Reason::NoTensor, "tensor \"table/.ATTRIBUTES/table\": the object graph names this key")),
    ),
    (
        "the only section",
        |at| program(&[KEYS]).write(at, "part-00000-of-00001"),
        Incomplete,
        Incomplete,
        Some((Reason::NoTensor, V)),
    ),
    ("no variable", |at| program(&[KEYS]).write(at, "m-5"), Incomplete, Incomplete, Some((Reason::NoTensor, V))),
    (
        "another variable whose key begins so",
        |at| program(&[KEYS, "v/.ATTRIBUTES/VARIABLE_VALUE_2"]).write(at, "m-5"),
        Incomplete,
        Incomplete,
        Some((Reason::NoTensor, V)),
    ),
    (
        "no value of a table",
        |at| program(&[V]).write(at, "m-5"),
        Incomplete,
        Incomplete,
        Some((Reason::NoTensor, "table/.ATTRIBUTES/table")),
    ),
    (
        "a flipped bit",
        |at| {
            let prefix = halves(&[0, 1]).write(at, "m-5");
            change(&prefix, flip);
            prefix
        },
        Whole,
        Damaged,
        Some((Reason::Checksum, "emb")),
    ),
    (
        "a section with a flipped bit",
        |at| {
            let prefix = halves(&[0]).write(at, "m-5");
            change(&prefix, flip);
            prefix
        },
        Section,
        Damaged,
        Some((Reason::Checksum, "emb")),
    ),
    (
        "an empty data file",
        |at| {
            let prefix = program(&[V, KEYS]).write(at, "m-5");
            change(&prefix, |_| Vec::new());
            prefix
        },
        Damaged,
        Damaged,
        Some((Reason::Truncated, ".data-00000-of-00001")),
    ),
    (
        "no data file",
        |at| {
            let prefix = program(&[V, KEYS]).write(at, "m-5");
            std::fs::remove_file(shard_path(&prefix, 0, 1)).unwrap();
            prefix
        },
        Damaged,
        Damaged,
        Some((Reason::MissingFile, ".data-00000-of-00001")),
    ),
    (
        "a slice that is listed but missing",
        |at| {
            let mut bundle = halves(&[0, 1]);
            bundle.remove(common::ordered_code::slice_key(b"emb", &HALVES[1]));
            bundle.write(at, "m-5")
        },
        Damaged,
        Damaged,
        Some((Reason::NoTensor, "emb")),
    ),
    (
        "slices that overlap",
        |at| {
            let mut bundle = Bundle::new();
            let slices = [vec![Part(0, 6), Full], vec![Part(5, 6), Full]];
            bundle.partitioned("emb", dtypes::FLOAT, &[12, 3], &slices);
            slices.iter().for_each(|slice| _ = bundle.slice("emb", dtypes::FLOAT, &[12, 3], slice, &f32s(&[1.5; 18])));
            bundle.write(at, "m-5")
        },
        Damaged,
        Damaged,
        Some((Reason::Overlap, "emb")),
    ),
    (
        "values that overlap",
        |at| {
            let mut bundle = program(&[V, KEYS]);
            let mut offset = 0;
            bundle.edit(KEYS, |entry| offset = entry.offset);
            bundle.edit(V, |entry| entry.offset = offset);
            bundle.write(at, "m-5")
        },
        Damaged,
        Damaged,
        Some((Reason::Overlap, "overlaps that of")),
    ),
    (
        "a graph that is none",
        |at| {
            let mut bundle = Bundle::new();
            bundle.strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[b"\xff\xff"]);
            bundle.write(at, "m-5")
        },
        Damaged,
        Damaged,
        Some((Reason::Malformed, "_CHECKPOINTABLE_OBJECT_GRAPH")),
    ),
    ("V1, whole", |at| v1_halves(&[0, 1]).write(at, "m-5"), Whole, Whole, None),
    (
        "V1, half of the slices",
        |at| v1_halves(&[0]).write(at, "m-5"),
        Section,
        Section,
        Some((Reason::Gap, "tensor \"emb\": slices cover 18 of 36 elements")),
    ),
];

fn v1_halves(stored: &[usize]) -> v1::File {
    let mut file = v1::File::new();
    for &half in stored {
        file.slice("emb", dtypes::FLOAT, &[12, 3], &HALVES[half], v1::values(dtypes::FLOAT, &f32s(&[1.5; 18])));
    }
    file
}

#[test]
fn a_checkpoint_has_one_verdict_whoever_asks() {
    for (name, make, quick, verified, problem) in KINDS {
        let scratch = tempdir().unwrap();
        let prefix = make(scratch.path());
        for (skip, expected) in [(true, quick), (false, verified)] {
            let (found, problems) = verdict(&prefix, skip);
            assert_eq!(found, *expected, "{name}: {problems:?}");
            assert_eq!(found == Whole, problems.is_empty(), "{name}: {problems:?}");
            if let (Some((reason, text)), Some(first)) = (problem.filter(|_| quick == verified || !skip), problems.first()) {
                assert_eq!(first.reason(), reason, "{name}: {first}");
                assert!(first.to_string().contains(text), "{name}: {first}");
            }
        }
        // The search takes what is whole or incomplete, never a section.
        let found = latest_valid(scratch.path());
        let is_taken = matches!(verified, Whole | Incomplete);
        assert_eq!(found.prefix, is_taken.then(|| prefix.clone()), "{name}");
        assert_eq!(found.verdict, is_taken.then_some(*verified), "{name}");
        let verdicts: Vec<Verdict> = found.broken.iter().map(|broken| broken.verdict).collect();
        assert_eq!(verdicts, if *verified == Whole { vec![] } else { vec![*verified] }, "{name}");
        // So does repairing.
        match repair(scratch.path()) {
            Ok(repaired) => assert_eq!((is_taken, &repaired.latest), (true, &prefix), "{name}"),
            Err(error) => assert_eq!((is_taken, error.code()), (false, Code::NotFound), "{name}: {error}"),
        }
    }
}

/// What can be read whole is what TensorFlow reads, and the other way around.
#[test]
fn a_whole_checkpoint_can_be_read_and_others_cannot() {
    for (name, make, _, verified, _) in
        KINDS.iter().filter(|kind| !matches!(kind.3, Incomplete) && kind.0 != "a graph that is none")
    {
        let scratch = tempdir().unwrap();
        let prefix = make(scratch.path());
        let is_named_section = prefix.ends_with("part-00000-of-00002");
        let is_read = judge::read_all(&prefix).is_ok();
        assert!(is_read == (*verified == Whole) || is_named_section || *name == "values that overlap", "{name}");
    }
}

#[test]
fn what_tensorflow_wrote_is_whole_and_its_sections_are_sections() {
    for (directory, manifest) in manifest::all() {
        for skip in [true, false] {
            let (found, problems) = verdict(&directory.join(&manifest.prefix), skip);
            assert_eq!((found, problems.len()), (Whole, 0), "{}: {problems:?}", directory.display());
        }
    }
    for (part, elements) in [(0, 20), (1, 10)] {
        let (found, problems) = verdict(&files::data().join(format!("unmerged/part-0000{part}-of-00002")), false);
        assert_eq!((found, problems.len()), (Section, 1));
        assert!(problems[0].to_string().contains(&format!("tensor \"table\": slices cover {elements} of 30 elements")));
    }
}

#[test]
fn whole_checkpoints_come_before_incomplete_ones() {
    let scratch = tempdir().unwrap();
    let at = scratch.path();
    let path = |n: u32| at.join(format!("m-{n}"));
    program(&[V, KEYS]).write(at, "m-1");
    program(&[V]).write(at, "m-2");
    program(&[KEYS]).write(at, "m-3");
    halves(&[0]).write(at, "m-4");
    change(&program(&[V, KEYS]).write(at, "m-5"), flip);
    let seen = |broken: &[checkpoint::BrokenCheckpoint]| -> Vec<(PathBuf, Verdict)> {
        broken.iter().map(|broken| (broken.prefix.clone(), broken.verdict)).collect()
    };
    let newer = vec![(path(5), Damaged), (path(4), Section), (path(3), Incomplete), (path(2), Incomplete)];

    let found = latest_valid(at);
    assert_eq!((found.prefix, found.verdict), (Some(path(1)), Some(Whole)));
    assert_eq!(seen(&found.broken), newer);
    let repaired = repair(at).unwrap();
    assert_eq!((repaired.all, seen(&repaired.broken)), (vec![path(1)], newer.clone()));

    // An incomplete one is better than none, and is told.
    change(&path(1), flip);
    let all = [newer, vec![(path(1), Damaged)]].concat();
    let found = latest_valid(at);
    assert_eq!((found.prefix, found.verdict), (Some(path(3)), Some(Incomplete)));
    assert_eq!(seen(&found.broken).len(), all.len());
    let repaired = repair(at).unwrap();
    assert_eq!((repaired.latest, repaired.all), (path(3), vec![path(3)]));
    std::fs::remove_file(at.join("checkpoint")).unwrap();
    let repaired = repair(at).unwrap();
    assert_eq!((repaired.latest, repaired.all, seen(&repaired.broken)), (path(3), vec![path(2), path(3)], all));
}

/// 20 000 values in one place are not read 20 000 times.
#[test]
fn values_that_overlap_are_not_read_again_and_again() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    let megabytes = vec![0; 4 << 20];
    bundle.tensor("x", dtypes::UINT8, &[4 << 20], &megabytes);
    let (_, first) = bundle.records[0].clone();
    for other in 0..20_000 {
        bundle.records.push((format!("x{other}").into_bytes(), first.clone()));
    }
    let prefix = bundle.write(scratch.path(), "m");
    let started = Instant::now();
    let found = checkpoint::verify(&prefix, &VerifyOptions::new(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((found.verdict, found.problems[0].reason()), (Damaged, Reason::Overlap));
    assert!(found.bytes <= 4 << 20, "{} bytes were read", found.bytes);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

/// A large grid of which one cell is missing, and a value that is cut in many rows.
#[test]
fn coverage_of_many_slices_is_known_quickly() {
    let scratch = tempdir().unwrap();
    let side = 100;
    let mut bundle = Bundle::new();
    let cells: Vec<Vec<Extent>> = (0..side * side - 1).map(|i| vec![Part(i / side, 1), Part(i % side, 1)]).collect();
    bundle.partitioned("x", dtypes::UINT8, &[side, side], &cells);
    cells.iter().for_each(|cell| _ = bundle.slice("x", dtypes::UINT8, &[side, side], cell, &[1]));
    let prefix = bundle.write(scratch.path(), "m");
    let started = Instant::now();
    let (found, problems) = verdict(&prefix, true);
    assert_eq!(found, Section);
    assert!(problems[0].to_string().contains("slices cover 9999 of 10000 elements"), "{}", problems[0]);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(Reader::open(&prefix).unwrap().get("x").unwrap().read().is_err());
}

/// Of a thousand data files that are missing, a hundred are told: neither more files nor tensors.
#[test]
fn missing_data_files_are_told_for_as_many_as_are_looked_for() {
    let directory = tempdir().unwrap();
    let mut rows = vec![(Vec::new(), header(1000, false))];
    for shard in 0..1000 {
        let entry = Entry {
            dtype: dtypes::INT32.into(),
            shape: Some(vec![1]),
            shard,
            offset: 0,
            size: 4,
            masked_crc: Some(1),
            slices: vec![],
        };
        rows.push((format!("t{shard:04}").into_bytes(), entry.encode()));
    }
    let prefix = Bundle::new().write_with_index(directory.path(), "m-5", &Style::default().write(&rows));
    for skip_values in [true, false] {
        let (verdict, problems) = verdict(&prefix, skip_values);
        assert_eq!((verdict, problems.len()), (Damaged, 100));
        assert!(problems.iter().all(|problem| problem.tensor().is_none() && problem.code() == Code::NotFound), "{problems:?}");
    }
}
