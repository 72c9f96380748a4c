//! Sections become one checkpoint, or are refused and left as they were.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use checkpoint::{merge, Code, DType, Durability, MergeOptions, Reader, Reason, Slice, WriteOptions, Writer, Written};

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
