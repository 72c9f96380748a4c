//! Sections become one checkpoint, or are refused and left as they were.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use checkpoint::{
    merge, verify, Checkpoint, Code, DType, Durability, Graph, MergeOptions, Reader, Reason, SaveOptions, Slice, Variable,
    Verdict, VerifyOptions, WriteOptions, Writer, Written,
};

fn section(at: &Path, shards: u32, fill: impl FnOnce(&mut Writer<'static>)) -> PathBuf {
    let mut writer = Writer::new(at, &WriteOptions::new().durability(Durability::None).shards(shards)).unwrap();
    fill(&mut writer);
    writer.finish().unwrap();
    at.to_owned()
}

fn bytes(value: u8, count: usize) -> &'static [u8] {
    Box::leak(vec![value; count].into_boxed_slice())
}

fn slice(text: &str) -> Slice {
    text.parse().unwrap()
}

fn run(destination: &Path, sections: &[PathBuf], options: &MergeOptions) -> checkpoint::Result<Written> {
    merge(destination, sections, options, &mut |_, _| ControlFlow::Continue(()))
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".ckpt-lock");
    names.sort();
    names
}

fn workers(directory: &Path) -> Vec<PathBuf> {
    let place = |i| directory.join("m_temp").join(format!("part-{i:05}-of-00003"));
    vec![
        section(&place(0), 1, |w| {
            w.add_slice("table", DType::Uint8, &[6, 2], &slice("0,4:-"), bytes(1, 8)).unwrap();
            w.add("a", DType::Uint8, &[3], bytes(10, 3)).unwrap();
        }),
        section(&place(1), 2, |w| {
            w.add_slice("table", DType::Uint8, &[6, 2], &slice("4,2:-"), bytes(2, 4)).unwrap();
            w.add_strings("words", &[2], &["x", "yz"]).unwrap();
        }),
        section(&place(2), 1, |_| ()), // nothing at all
    ]
}

#[test]
fn sections_become_one_checkpoint() {
    let scratch = tempfile::tempdir().unwrap();
    let sections = workers(scratch.path());
    let destination = scratch.path().join("m");
    run(&destination, &sections, &MergeOptions::new()).unwrap();
    let reader = Reader::open(&destination).unwrap();
    assert_eq!(reader.get("table").unwrap().read().unwrap(), [vec![1; 8], vec![2; 4]].concat());
    assert_eq!(reader.get("table").unwrap().slices(), [slice("0,4:-"), slice("4,2:-")]);
    assert_eq!(reader.get("a").unwrap().read().unwrap(), [10; 3]);
    assert_eq!(reader.get("words").unwrap().read_strings().unwrap().get(1), Some(&b"yz"[..]));
    let verified = checkpoint::verify(&destination, &Default::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    assert!(names(scratch.path()).iter().all(|name| name.starts_with("m.")), "{:?}", names(scratch.path()));
}

#[test]
fn inputs_can_be_kept_and_missing_ones_allowed() {
    let scratch = tempfile::tempdir().unwrap();
    let mut sections = workers(scratch.path());
    let before = names(&scratch.path().join("m_temp"));
    sections.push(scratch.path().join("m_temp/part-none"));
    let destination = scratch.path().join("m");
    let error = run(&destination, &sections, &MergeOptions::new()).unwrap_err();
    assert_eq!((error.code(), error.file()), (Code::NotFound, Some(&*sections[3])));
    run(&destination, &sections, &MergeOptions::new().allow_missing(true).keep_inputs(true)).unwrap();
    assert_eq!(names(&scratch.path().join("m_temp")), before);
    // Again, over what is there.
    run(&destination, &sections, &MergeOptions::new().allow_missing(true).keep_inputs(true)).unwrap();
    assert_eq!(Reader::open(&destination).unwrap().len(), 3);
    let error = run(&destination, &sections[3..], &MergeOptions::new().allow_missing(true)).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[test]
fn a_merge_that_was_cut_short_while_it_cleaned_up_can_be_done_again() {
    let scratch = tempfile::tempdir().unwrap();
    let sections = workers(scratch.path());
    let destination = scratch.path().join("m");
    run(&destination, &sections, &MergeOptions::new().keep_inputs(true)).unwrap();
    fs::remove_file(format!("{}.data-00000-of-00001", sections[0].display())).unwrap();
    run(&destination, &sections, &MergeOptions::new()).unwrap();
    assert_eq!(Reader::open(&destination).unwrap().get("a").unwrap().read().unwrap(), [10; 3]);
    assert!(!scratch.path().join("m_temp").exists());
}

#[test]
fn sections_that_do_not_fit_are_refused_and_left_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let place = |name: &str| scratch.path().join(name);
    let whole = |name: &str, dtype: DType| section(&place(name), 1, |w| w.add("x", dtype, &[4], bytes(1, 4)).unwrap());
    let part = |name: &str, dtype: DType, shape: &[i64], text: &str| {
        section(&place(name), 1, |w| w.add_slice("x", dtype, shape, &slice(text), bytes(1, 2)).unwrap())
    };
    let a = whole("a", DType::Uint8);
    let b = whole("b", DType::Uint8);
    let left = part("left", DType::Uint8, &[4], "0,2");
    let right = part("right", DType::Uint8, &[4], "2,2");
    let middle = part("middle", DType::Uint8, &[4], "1,2");
    let int8 = part("int8", DType::Int8, &[4], "2,2");
    let longer = part("longer", DType::Uint8, &[5], "2,2");
    let broken = whole("broken", DType::Uint8);
    let index = format!("{}.index", broken.display());
    let mut damaged = fs::read(&index).unwrap();
    damaged[10] ^= 1;
    fs::write(&index, damaged).unwrap();
    let cut = section(&place("cut"), 1, |w| w.add("y", DType::Uint8, &[4], bytes(1, 4)).unwrap());
    fs::write(format!("{}.data-00000-of-00001", cut.display()), [1, 2]).unwrap();
    let gone = section(&place("gone"), 1, |w| w.add("y", DType::Uint8, &[4], bytes(1, 4)).unwrap());
    fs::remove_file(format!("{}.data-00000-of-00001", gone.display())).unwrap();
    let before = names(scratch.path());
    let to = place("to");
    for (what, destination, sections, code) in [
        ("same tensor", &to, vec![&a, &b], Code::InvalidArgument),
        ("same tensor", &to, vec![&a, &a], Code::InvalidArgument),
        ("same tensor", &to, vec![&a, &left], Code::InvalidArgument),
        ("same tensor", &to, vec![&left, &a], Code::InvalidArgument),
        ("same tensor or slice", &to, vec![&left, &left], Code::InvalidArgument),
        ("overlap", &to, vec![&left, &middle], Code::InvalidArgument),
        ("dtype or shape", &to, vec![&left, &int8], Code::InvalidArgument),
        ("dtype or shape", &to, vec![&left, &longer], Code::InvalidArgument),
        ("checksum", &to, vec![&left, &broken], Code::DataLoss),
        ("too short", &to, vec![&left, &cut], Code::DataLoss),
        ("cannot open", &to, vec![&left, &gone], Code::NotFound),
        ("one of the sections", &a, vec![&a, &left], Code::InvalidArgument),
        ("no sections", &to, vec![], Code::InvalidArgument),
    ] {
        let sections: Vec<PathBuf> = sections.into_iter().cloned().collect();
        let error = run(destination, &sections, &MergeOptions::new()).unwrap_err();
        assert!(error.code() == code && error.to_string().contains(what), "{what}: {error:?}");
        assert_eq!(names(scratch.path()), before, "{what}");
    }
    let stopped = merge(&to, &[&left, &right], &MergeOptions::new(), &mut |_, _| ControlFlow::Break(()));
    assert_eq!(stopped.unwrap_err().reason(), Reason::Callback);
    assert_eq!(names(scratch.path()), before);
    run(&to, &[left, right], &MergeOptions::new()).unwrap();
    assert_eq!(Reader::open(&to).unwrap().get("x").unwrap().read().unwrap(), [1; 4]);
}

/// The entry of a partitioned tensor has the number of the first section with slices of it, as
/// `MergeV2Checkpoints` writes it; tests/interop compares with TensorFlow.
#[test]
fn a_partitioned_tensor_has_the_number_of_its_first_section() {
    let scratch = tempfile::tempdir().unwrap();
    let own = ["own0", "own1"];
    let sections = [0, 1].map(|number| {
        section(&scratch.path().join(format!("s{number}")), 1, |writer| {
            writer.add(own[number], DType::Uint8, &[1], bytes(1, 1)).unwrap();
            if number == 1 {
                writer.add_slice("p", DType::Uint8, &[2], &slice("0,1"), bytes(2, 1)).unwrap();
                writer.add_slice("p", DType::Uint8, &[2], &slice("1,1"), bytes(3, 1)).unwrap();
            }
        })
    });
    let destination = scratch.path().join("merged");
    run(&destination, &sections, &MergeOptions::new()).unwrap();
    let index = fs::read(scratch.path().join("merged.index")).unwrap();
    // Dtype 4 (uint8), shape [2], shard 1, then the slices.
    let entry = [0x08, 4, 0x12, 4, 0x12, 2, 0x08, 2, 0x18, 1, 0x3a];
    assert_eq!(index.windows(entry.len()).filter(|window| *window == entry).count(), 1);
    assert_eq!(Reader::open(&destination).unwrap().get("p").unwrap().read().unwrap(), [2, 3]);
}

#[test]
fn what_tensorflow_merged_comes_out_the_same() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/unmerged");
    let scratch = tempfile::tempdir().unwrap();
    let sections = ["part-00000-of-00002", "part-00001-of-00002"].map(|name| data.join(name));
    let destination = scratch.path().join("merged");
    run(&destination, &sections, &MergeOptions::new().keep_inputs(true)).unwrap();
    for name in ["merged.index", "merged.data-00000-of-00002", "merged.data-00001-of-00002"] {
        assert!(fs::read(data.join(name)).unwrap() == fs::read(scratch.path().join(name)).unwrap(), "{name} differs");
    }
}

/// What is missing is known from the names of the sections, whichever are given.
#[test]
fn sections_that_are_not_given_are_missed_by_name() {
    let scratch = tempfile::tempdir().unwrap();
    let place = |name: &str| scratch.path().join(name);
    let make = |name: &str| {
        let key = name.replace('/', "-");
        section(&place(name), 1, |w| w.add(key, DType::Uint8, &[4], bytes(1, 4)).unwrap())
    };
    for name in
        ["a_temp/part-00000-of-00003", "a_temp/part-00001-of-00003", "b_temp/part-00001-of-00003", "b_temp/part-00002-of-00003"]
    {
        make(name);
    }
    for name in ["one/part-00000-of-00001", "far/part-00005-of-4294967295", "x/part-0-of-2", "x/part-00002-of-00002"] {
        make(name);
    }
    let before: Vec<Vec<String>> = ["a_temp", "b_temp", "one", "far", "x"].map(|name| names(&place(name))).into();
    let to = place("m");
    for (given, missing) in [
        (&["a_temp/part-00000-of-00003"][..], "part-00001-of-00003, part-00002-of-00003 are missing"),
        (&["a_temp/part-00000-of-00003", "a_temp/part-00001-of-00003"], "part-00002-of-00003 is missing"),
        (&["a_temp/part-00001-of-00003", "b_temp/part-00002-of-00003"], "part-00000-of-00003 was not given, although it exists"),
        (
            &[
                "a_temp/part-00000-of-00003",
                "a_temp/part-00001-of-00003",
                "b_temp/part-00001-of-00003",
                "b_temp/part-00002-of-00003",
            ],
            "part-00000-of-00003, part-00002-of-00003 are missing",
        ),
        (&["far/part-00005-of-4294967295"], "part-00009-of-4294967295, part-00010-of-4294967295, 4294967284 more are missing"),
    ] {
        let sections: Vec<PathBuf> = given.iter().map(|name| place(name)).collect();
        let error = run(&to, &sections, &MergeOptions::new()).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::NotFound, Reason::NoCheckpoint), "{error}");
        assert!(error.to_string().contains(missing), "{missing}: {error}");
        let after: Vec<Vec<String>> = ["a_temp", "b_temp", "one", "far", "x"].map(|name| names(&place(name))).into();
        assert_eq!(after, before);
    }
    // Sections of several hosts, and other names.
    for given in [
        &["a_temp/part-00000-of-00003", "a_temp/part-00001-of-00003", "b_temp/part-00002-of-00003"][..],
        &["one/part-00000-of-00001"],
        &["x/part-0-of-2"],
        &["x/part-00002-of-00002"],
    ] {
        let sections: Vec<PathBuf> = given.iter().map(|name| place(name)).collect();
        run(&to, &sections, &MergeOptions::new().keep_inputs(true)).unwrap_or_else(|error| panic!("{given:?}: {error}"));
    }
    let sections = ["a_temp/part-00000-of-00003"].map(place);
    run(&to, &sections, &MergeOptions::new().allow_missing(true)).unwrap();
    assert_eq!(names(&place("a_temp")).len(), 2);
}

/// Where the names say nothing, the contents do.
#[test]
fn slices_that_do_not_cover_their_tensor_are_missed() {
    let scratch = tempfile::tempdir().unwrap();
    let place = |name: &str| scratch.path().join(name);
    let left = section(&place("left"), 1, |w| w.add_slice("emb", DType::Uint8, &[12, 3], &slice("0,6:-"), bytes(1, 18)).unwrap());
    let right =
        section(&place("right"), 1, |w| w.add_slice("emb", DType::Uint8, &[12, 3], &slice("6,6:-"), bytes(2, 18)).unwrap());
    let before = names(scratch.path());
    let error = run(&place("m"), std::slice::from_ref(&left), &MergeOptions::new()).unwrap_err();
    assert_eq!((error.code(), error.reason(), error.tensor()), (Code::NotFound, Reason::Gap, Some(&b"emb"[..])));
    assert!(error.to_string().contains("a section is missing: slices cover 18 of 36 elements"), "{error}");
    assert_eq!(names(scratch.path()), before);
    run(&place("some"), std::slice::from_ref(&left), &MergeOptions::new().allow_missing(true).keep_inputs(true)).unwrap();
    run(&place("m"), &[left, right], &MergeOptions::new()).unwrap();
    assert_eq!(Reader::open(place("m")).unwrap().get("emb").unwrap().read().unwrap(), [[1; 18], [2; 18]].concat());
}

/// What only the object graph shows: that a section with whole tensors is missing.
#[test]
fn keys_of_the_object_graph_that_no_section_has_are_missed() {
    let scratch = tempfile::tempdir().unwrap();
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    for name in ["a", "b", "c"] {
        graph.track(root, name, graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap()).unwrap();
    }
    let whole = Checkpoint::new(&graph, root).unwrap().write(scratch.path().join("whole"), &SaveOptions::new()).unwrap();
    let whole = Reader::open(whole).unwrap();
    let key = |name: &str| format!("{name}/.ATTRIBUTES/VARIABLE_VALUE");
    let objects = || whole.get("_CHECKPOINTABLE_OBJECT_GRAPH").unwrap().read_strings().unwrap();
    let first = || {
        section(&scratch.path().join("first"), 1, |writer| {
            writer.add_strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[objects().get(0).unwrap()]).unwrap();
            writer.add(key("a"), DType::Int64, &[], bytes(0, 8)).unwrap();
        })
    };
    let second = section(&scratch.path().join("second"), 1, |writer| {
        ["b", "c"].iter().for_each(|name| writer.add(key(name), DType::Int64, &[], bytes(0, 8)).unwrap());
    });
    let to = scratch.path().join("merged");
    let error = run(&to, &[first()], &MergeOptions::new()).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::NotFound, Reason::NoTensor), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("{}, {}", key("b"), key("c"))) && !text.contains(&key("a")), "{text}");
    assert!(!to.with_extension("index").exists() && scratch.path().join("first.index").exists());
    // Unless the caller says that sections may be missing.
    run(&to, &[first()], &MergeOptions::new().allow_missing(true).keep_inputs(true)).unwrap();
    run(&to, &[first(), second], &MergeOptions::new()).unwrap();
    let verified = verify(&to, &VerifyOptions::new(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(verified.verdict, Verdict::Whole);
}

/// A worker that is a round ahead has not lost what it wrote.
#[test]
fn a_section_that_is_written_again_meanwhile_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let place = |name: &str| scratch.path().join(name);
    let write = |number: usize, value: u8| {
        let key = format!("x{number}");
        section(&place(&format!("part-0000{number}-of-00002")), 1, |w| w.add(key, DType::Uint8, &[4], bytes(value, 4)).unwrap())
    };
    let sections = [write(0, 1), write(1, 1)];
    let mut has_written = false;
    merge(place("m"), &sections, &MergeOptions::new(), &mut |_, _| {
        if !std::mem::replace(&mut has_written, true) {
            write(0, 2);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let value = |prefix: &Path| Reader::open(prefix).unwrap().get("x0").unwrap().read().unwrap();
    assert_eq!((value(&place("m")), value(&sections[0])), (vec![1; 4], vec![2; 4]));
    assert_eq!(Reader::open(&sections[1]).err().unwrap().code(), Code::NotFound, "what was merged goes");
}

/// The directory of temporary sections goes once it is empty, as TensorFlow names it; no other.
#[test]
fn an_emptied_directory_of_sections_is_removed() {
    for (directory, is_removed, also) in
        [("m_temp", true, None), ("m_temp_0f3a9c", true, None), ("m_temp", false, Some("notes.txt")), ("kept", false, None)]
    {
        let scratch = tempfile::tempdir().unwrap();
        let place = scratch.path().join(directory);
        let sections = [0, 1].map(|n| {
            let key = format!("x{n}");
            section(&place.join(format!("part-0000{n}-of-00002")), 1, |w| w.add(key, DType::Uint8, &[4], bytes(1, 4)).unwrap())
        });
        also.iter().for_each(|name| fs::write(place.join(name), "").unwrap());
        run(&scratch.path().join("m"), &sections, &MergeOptions::new()).unwrap();
        assert_eq!(place.exists(), !is_removed, "{directory} {also:?}");
    }
}
