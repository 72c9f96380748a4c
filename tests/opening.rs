//! What a path may be: a prefix, one of its files, a directory, a pattern, a SavedModel; and the
//! state file.

mod common;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use checkpoint::state_file::StateFile;
use checkpoint::{latest_checkpoint, Code, Error, Format, Reader};
use common::bundle::{i32s, index_path, shard_path, Bundle};
use common::{dtypes, files, v1};
use tempfile::tempdir;

/// A bundle whose only tensor `x` is `value`.
fn bundle(value: i32) -> Bundle {
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::INT32, &[], &i32s(&[value]));
    bundle
}

fn v1_file(value: i32) -> v1::File {
    let mut file = v1::File::new();
    file.tensor("x", dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[value])));
    file
}

/// Reads `x`.
fn x(path: impl AsRef<Path>) -> Result<i32, Error> {
    let bytes = Reader::open(path)?.get("x")?.read()?;
    Ok(i32::from_le_bytes(bytes.try_into().unwrap()))
}

fn state(directory: &Path, text: &str) {
    std::fs::write(directory.join("checkpoint"), text).unwrap();
}

#[test]
fn a_prefix_and_each_of_its_files() {
    let scratch = tempdir().unwrap();
    let prefix = bundle(7).write(scratch.path(), "model.ckpt-3");
    for path in [prefix.clone(), index_path(&prefix), shard_path(&prefix, 0, 1)] {
        let reader = Reader::open(&path).unwrap();
        assert_eq!((reader.prefix(), reader.format()), (prefix.as_path(), Format::V2));
        assert_eq!(x(&path).unwrap(), 7, "{}", path.display());
    }
}

#[test]
fn names_of_any_bytes() {
    let scratch = tempdir().unwrap();
    let names: [&[u8]; 14] = [
        b"a[1]",
        b"a*",
        b"a?b",
        b"back\\slash",
        b"with space",
        "\u{3b1}\u{3b2}\u{4e16}".as_bytes(),
        b"\xff\xfe",
        b"%d",
        b"{x,y}",
        b"-dash",
        b"a.index",
        b"a.data-00000-of-00001",
        b"line\nbreak",
        b".hidden",
    ];
    for (value, name) in names.iter().enumerate() {
        let directory = scratch.path().join(value.to_string());
        std::fs::create_dir(&directory).unwrap();
        // A neighbour that a pattern would match.
        bundle(-1).write(&directory, "a1");
        let prefix = directory.join(OsStr::from_bytes(name));
        for (file, bytes) in
            [(index_path(&prefix), bundle(value as i32).index()), (shard_path(&prefix, 0, 1), i32s(&[value as i32]))]
        {
            std::fs::write(file, bytes).unwrap();
        }
        assert_eq!(x(&prefix).unwrap(), value as i32, "{}", prefix.display());
        assert_eq!(x(index_path(&prefix)).unwrap(), value as i32, "{}", prefix.display());
        assert_eq!(x(shard_path(&prefix, 0, 1)).unwrap(), value as i32, "{}", prefix.display());
        // V1 under the same name, save that these two are names of a bundle's files.
        if name.starts_with(b"a.") {
            continue;
        }
        let old = directory.join("old");
        std::fs::create_dir(&old).unwrap();
        let path = old.join(OsStr::from_bytes(name));
        std::fs::write(&path, v1_file(value as i32).bytes()).unwrap();
        assert_eq!(x(&path).unwrap(), value as i32, "{}", path.display());
    }
}

#[test]
fn a_directory_through_its_state_file() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path().join("run");
    std::fs::create_dir(&directory).unwrap();
    for step in [1, 2, 3] {
        bundle(step).write(&directory, &format!("ckpt-{step}"));
    }
    let absolute = directory.join("ckpt-3");
    for (text, expected) in [
        ("model_checkpoint_path: \"ckpt-2\"\n".to_owned(), 2),
        ("model_checkpoint_path: \"ckpt-1\"\nmodel_checkpoint_path: \"ckpt-3\"\n".to_owned(), 3),
        (format!("model_checkpoint_path: \"{}\"\n", absolute.display()), 3),
        ("model_checkpoint_path: \"./ckpt-1\"".to_owned(), 1),
        ("model_checkpoint_path: \"../run/ckpt-1\"".to_owned(), 1),
    ] {
        state(&directory, &text);
        assert_eq!(x(&directory).unwrap(), expected, "{text}");
        assert_eq!(x(directory.join("")).unwrap(), expected, "with a slash at the end: {text}");
        let latest = latest_checkpoint(&directory).unwrap().unwrap();
        assert_eq!(x(latest).unwrap(), expected);
    }
}

#[test]
fn a_directory_that_was_moved() {
    // An absolute path within the directory as it was; the checkpoint lies beside the state file
    // now.
    let scratch = tempdir().unwrap();
    let moved = scratch.path().join("moved");
    std::fs::create_dir(&moved).unwrap();
    bundle(5).write(&moved, "ckpt-5");
    state(&moved, "model_checkpoint_path: \"/somewhere/else/run/ckpt-5\"\n");
    match Reader::open(&moved) {
        Ok(reader) => assert_eq!(reader.get("x").unwrap().read().unwrap(), i32s(&[5])),
        Err(error) => {
            assert_eq!(error.code(), Code::NotFound);
            assert!(error.to_string().contains("/somewhere/else/run/ckpt-5"), "{error}");
        }
    }
}

#[test]
fn a_relative_directory() {
    // The test runs in the package's root.
    let reader = Reader::open("tests/data/guide").unwrap();
    assert!(reader.contains("step/.ATTRIBUTES/VARIABLE_VALUE"));
    assert_eq!(reader.prefix().file_name().unwrap(), "ckpt-5");
    assert!(Reader::open("tests/data/saver_v2/model.ckpt-2").is_ok());
}

#[test]
fn every_fixture_directory_with_a_state_file() {
    for (name, latest) in [
        ("guide", "ckpt-5"),
        ("guide_slots", "ckpt-5"),
        ("containers", "c-1"),
        ("resources", "r-1"),
        ("wide", "w-1"),
        ("keras3", "k-1"),
        ("saver_v1", "model.ckpt-3"),
        ("saver_v2", "model.ckpt-3"),
    ] {
        let directory = files::data().join(name);
        let reader = Reader::open(&directory).unwrap();
        assert_eq!(reader.prefix().file_name().unwrap(), latest, "{name}");
        let found = latest_checkpoint(&directory).unwrap().unwrap();
        assert_eq!(found.file_name().unwrap(), latest, "{name}");
        let state = StateFile::parse(&std::fs::read(directory.join("checkpoint")).unwrap()).unwrap();
        assert_eq!(state.model_checkpoint_path, latest);
        assert_eq!(state.all_model_checkpoint_paths.last().unwrap(), latest);
    }
}

#[test]
fn a_directory_without_a_state_file_lists_what_is_there() {
    let scratch = tempdir().unwrap();
    bundle(1).write(scratch.path(), "ckpt-1");
    bundle(2).write(scratch.path(), "model [b]");
    for name in ["old-00000-of-00002", "old-00001-of-00002"] {
        v1_file(3).write(scratch.path(), name);
    }
    std::fs::write(scratch.path().join("x-of-0"), b"neither").unwrap();
    let error = Reader::open(scratch.path()).err().unwrap();
    assert_eq!(error.code(), Code::NotFound, "{error}");
    for name in ["\"ckpt-1\"", "\"model [b]\"", "\"old-?????-of-00002\""] {
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(latest_checkpoint(scratch.path()).unwrap(), None);
    let empty = tempdir().unwrap();
    let error = Reader::open(empty.path()).err().unwrap();
    assert_eq!(error.code(), Code::NotFound, "{error}");
}

#[test]
fn a_state_file_that_names_a_lost_checkpoint() {
    let scratch = tempdir().unwrap();
    bundle(1).write(scratch.path(), "ckpt-1");
    state(
        scratch.path(),
        "model_checkpoint_path: \"ckpt-2\"\nall_model_checkpoint_paths: \"ckpt-1\"\nall_model_checkpoint_paths: \"ckpt-2\"\n",
    );
    let error = Reader::open(scratch.path()).err().unwrap();
    assert_eq!(error.code(), Code::NotFound, "{error}");
    assert!(error.to_string().contains("ckpt-2"), "{error}");
    assert_eq!(latest_checkpoint(scratch.path()).unwrap(), None);
}

#[test]
fn a_broken_state_file_is_an_error_that_names_it() {
    let scratch = tempdir().unwrap();
    bundle(1).write(scratch.path(), "ckpt-1");
    for text in [
        "",
        "all_model_checkpoint_paths: \"ckpt-1\"\n",
        "nonsense",
        "model_checkpoint_path: 7",
        "model_checkpoint_path: \"a\" unknown: 1",
    ] {
        state(scratch.path(), text);
        let error = Reader::open(scratch.path()).err().unwrap_or_else(|| panic!("{text:?} was accepted"));
        assert_eq!(
            (error.code(), error.file()),
            (Code::DataLoss, Some(&*scratch.path().join("checkpoint"))),
            "{text:?}: {error}"
        );
        assert!(error.to_string().contains("checkpoint"), "{text:?}: {error}");
    }
    std::fs::remove_file(scratch.path().join("checkpoint")).unwrap();
    std::fs::create_dir(scratch.path().join("checkpoint")).unwrap();
    assert!(Reader::open(scratch.path()).is_err());
}

#[test]
fn a_saved_model_directory() {
    let scratch = tempdir().unwrap();
    files::copy_all(&files::data().join("savedmodel"), &scratch.path().join("variables"));
    for marker in ["saved_model.pb", "fingerprint.pb"] {
        std::fs::write(scratch.path().join(marker), b"").unwrap();
    }
    let reader = Reader::open(scratch.path()).unwrap();
    assert_eq!(reader.len(), 74);
    assert_eq!(reader.prefix(), scratch.path().join("variables/variables"));
    // Its folder of variables alone is told apart, too, or lists what is there.
    match Reader::open(scratch.path().join("variables")) {
        Ok(reader) => assert_eq!(reader.len(), 74),
        Err(error) => assert!(error.to_string().contains("variables"), "{error}"),
    }
}

#[test]
fn a_v1_file_and_its_pattern() {
    let scratch = tempdir().unwrap();
    let path = v1_file(4).write(scratch.path(), "model.ckpt-4");
    assert_eq!(x(&path).unwrap(), 4);
    for shard in 0..2 {
        let mut file = v1::File::new();
        let name = if shard == 0 { "x" } else { "y" };
        file.tensor(name, dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[shard])));
        file.write(scratch.path(), &format!("s [a]-{shard:05}-of-00002"));
    }
    let pattern = scratch.path().join("s [a]-?????-of-00002");
    let reader = Reader::open(&pattern).unwrap();
    assert_eq!((reader.format(), reader.shard_count(), reader.len()), (Format::V1, 2, 2));
    assert_eq!(x(&pattern).unwrap(), 0);
    // One of the shards is a checkpoint of its own.
    let alone = Reader::open(scratch.path().join("s [a]-00001-of-00002")).unwrap();
    assert!(alone.contains("y"));
}

#[test]
fn a_pattern_without_one_of_its_shards() {
    let scratch = tempdir().unwrap();
    v1_file(1).write(scratch.path(), "s-00000-of-00003");
    v1_file(1).write(scratch.path(), "s-00002-of-00003");
    let error = Reader::open(scratch.path().join("s-?????-of-00003")).err().unwrap();
    assert_eq!(error.code(), Code::NotFound, "{error}");
    assert!(error.to_string().contains("s-00001-of-00003"), "{error}");
    for pattern in ["none-?????-of-00002", "s-?????-of-00000", "s-?????-of-99999", "s-?????-of-4294967296"] {
        let error = Reader::open(scratch.path().join(pattern)).err().unwrap();
        assert_eq!(error.code(), Code::NotFound, "{pattern}: {error}");
    }
}

#[test]
fn a_v1_directory_through_a_pattern_in_its_state_file() {
    let scratch = tempdir().unwrap();
    v1_file(3).write(scratch.path(), "m-3-00000-of-00001");
    state(scratch.path(), "model_checkpoint_path: \"m-3-?????-of-00001\"\n");
    assert_eq!(x(scratch.path()).unwrap(), 3);
    assert!(latest_checkpoint(scratch.path()).unwrap().is_some());
}

#[test]
fn an_index_goes_before_a_v1_file_of_the_same_name() {
    let scratch = tempdir().unwrap();
    let path = v1_file(1).write(scratch.path(), "m");
    bundle(2).write(scratch.path(), "m");
    assert_eq!(x(path).unwrap(), 2);
}

#[test]
fn files_that_are_no_checkpoint() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("notes.txt");
    for (content, code) in [(&b"just some text"[..], Code::DataLoss), (b"", Code::DataLoss), (&[0; 4096], Code::DataLoss)] {
        std::fs::write(&path, content).unwrap();
        let error = Reader::open(&path).err().unwrap();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains("notes.txt"), "{error}");
    }
    for path in ["", "/nonexistent/x", "nul\0inside"] {
        let error = Reader::open(path).err().unwrap();
        assert!(matches!(error.code(), Code::NotFound | Code::InvalidArgument), "{path:?}: {error}");
    }
    let error = Reader::open(scratch.path().join("n".repeat(5000))).err().unwrap();
    assert!(matches!(error.code(), Code::NotFound | Code::InvalidArgument), "{error}");
}

#[test]
fn leftovers_of_a_failed_save_do_not_matter() {
    let scratch = tempdir().unwrap();
    let prefix = bundle(1).write(scratch.path(), "ckpt-1");
    std::fs::write(scratch.path().join("ckpt-1.index.tempstate123"), b"half").unwrap();
    std::fs::write(scratch.path().join("ckpt-1.data-00000-of-00001.tempstate9"), b"half").unwrap();
    std::fs::create_dir(scratch.path().join("ckpt-2_temp")).unwrap();
    assert_eq!(x(prefix).unwrap(), 1);
    let error = Reader::open(scratch.path()).err().unwrap().to_string();
    assert!(error.contains("ckpt-1") && !error.contains("tempstate"), "{error}");
}

#[test]
fn sections_before_the_merge_stand_alone() {
    for (part, own) in [(0, "only0"), (1, "only1")] {
        let reader = Reader::open(files::data().join(format!("unmerged/part-{part:05}-of-00002"))).unwrap();
        assert!(reader.contains(own) && reader.contains("table"));
    }
}

#[test]
fn symbolic_links_are_followed() {
    let scratch = tempdir().unwrap();
    let target = scratch.path().join("target");
    std::fs::create_dir(&target).unwrap();
    let prefix = bundle(6).write(&target, "m");
    let link = scratch.path().join("link");
    std::os::unix::fs::symlink(index_path(&prefix), index_path(&link)).unwrap();
    std::os::unix::fs::symlink(shard_path(&prefix, 0, 1), shard_path(&link, 0, 1)).unwrap();
    assert_eq!(x(&link).unwrap(), 6);
    let around = scratch.path().join("around.index");
    std::os::unix::fs::symlink(&around, &around).unwrap();
    assert!(Reader::open(&around).is_err());
}

#[test]
fn state_files_are_read_as_protobuf_reads_them() {
    for (text, expected) in [
        (&b"model_checkpoint_path: \"a\""[..], Some("a")),
        (b"model_checkpoint_path:\"a\"", Some("a")),
        (b"model_checkpoint_path: 'a\"b'", Some("a\"b")),
        (b"model_checkpoint_path: \"a\" 'b'\n \"c\"", Some("abc")),
        (b"# comment\nmodel_checkpoint_path: \"a\" # more\n", Some("a")),
        (b"model_checkpoint_path: \"a\";", Some("a")),
        (b"model_checkpoint_path: \"a\",", Some("a")),
        (b"model_checkpoint_path: \"a\"; all_model_checkpoint_paths: \"b\", ", Some("a")),
        (b"model_checkpoint_path: \"a\" model_checkpoint_path: \"b\"", Some("b")),
        (b"model_checkpoint_path: \"\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\?\"", Some("\u{7}\u{8}\u{c}\n\r\t\u{b}\\'\"?")),
        (b"model_checkpoint_path: \"\\1\\12\\101\\303\\274\"", Some("\u{1}\nA\u{fc}")),
        (b"model_checkpoint_path: \"\\x41\\xa\\xC3\\xbc\"", Some("A\n\u{fc}")),
        (b"model_checkpoint_path: \"\\u00fc\\U0001F600\"", Some("\u{fc}\u{1f600}")),
        (b"model_checkpoint_path: \"\xc3\xbc\"", Some("\u{fc}")),
        (b"model_checkpoint_path: \"tab\there\"", Some("tab\there")),
        (b"", Some("")),
        (b" \n# nothing\n", Some("")),
        (b"model_checkpoint_path: \"\"", Some("")),
        (b"model_checkpoint_path: \"new\nline\"", None),
        (b"model_checkpoint_path: \"\xff\"", None),
        (b"model_checkpoint_path: \"open", None),
        (b"model_checkpoint_path: \"half\\", None),
        (b"model_checkpoint_path: \"\\q\"", Some("\\q")),
        (b"model_checkpoint_path: \"\\x\"", None),
        (b"model_checkpoint_path: \"\\u12\"", None),
        (b"model_checkpoint_path: \"\\ud800\"", None),
        (b"model_checkpoint_path: \"\\U00110000\"", None),
        (b"model_checkpoint_path: \"\\400\"", None),
        (b"model_checkpoint_path: a", None),
        (b"model_checkpoint_path: 5", None),
        (b"model_checkpoint_path \"a\"", None),
        (b"model_checkpoint_path: ", None),
        (b"model_checkpoint_path", None),
        (b"model_checkpoint_path: [\"a\", \"b\"]", None),
        (b"unknown_field: \"a\"", None),
        (b"model_checkpoint_path: \"a\"\nunknown: 1\n", None),
        (b"model_checkpoint_path: \"a\" }", None),
        (b"\xff\xfe", None),
        (b"\0", None),
    ] {
        let shown = String::from_utf8_lossy(text);
        match (StateFile::parse(text), expected) {
            (Ok(state), Some(expected)) => assert_eq!(state.model_checkpoint_path, expected, "{shown}"),
            (Err(error), None) => assert_eq!(error.code(), Code::DataLoss, "{shown}: {error}"),
            (Ok(state), None) => panic!("{shown} gave {state:?}"),
            (Err(error), Some(_)) => panic!("{shown}: {error}"),
        }
    }
}

#[test]
fn what_is_wrong_with_a_state_file_has_a_line() {
    for (text, line) in [
        ("nonsense", "line 1"),
        ("model_checkpoint_path: \"a\"\nunknown: 1\n", "line 2"),
        ("# one\n\nmodel_checkpoint_path: \"a\"\nall_model_checkpoint_paths: [\"a\", 5]", "line 4"),
    ] {
        let error = StateFile::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(line), "{text:?}: {error}");
    }
}

#[test]
fn state_files_hold_lists_and_numbers() {
    let state = StateFile::parse(
        b"model_checkpoint_path: \"ckpt-3\"\n\
          all_model_checkpoint_paths: \"ckpt-1\"\n\
          all_model_checkpoint_paths: [\"ckpt-2\", 'ckpt' '-3']\n\
          all_model_checkpoint_paths: []\n\
          all_model_checkpoint_timestamps: 1795239397.292503\n\
          all_model_checkpoint_timestamps: [1.0, 1e+22, 5e-324, inf, -inf, -2, 3f, .5, 7.]\n\
          last_preserved_timestamp: 1795239396.23416\n",
    )
    .unwrap();
    assert_eq!(state.all_model_checkpoint_paths, ["ckpt-1", "ckpt-2", "ckpt-3"]);
    let expected = [1795239397.292503, 1.0, 1e22, 5e-324, f64::INFINITY, f64::NEG_INFINITY, -2.0, 3.0, 0.5, 7.0];
    assert_eq!(state.all_model_checkpoint_timestamps, expected);
    assert_eq!(state.last_preserved_timestamp, Some(1795239396.23416));
    assert!(StateFile::parse(b"last_preserved_timestamp: nan").unwrap().last_preserved_timestamp.unwrap().is_nan());
    for number in ["\"1\"", "one", "1 2", "--1", "1e", "0x", "[1]", "", "+1"] {
        let text = format!("last_preserved_timestamp: {number}");
        assert!(StateFile::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn state_files_of_any_form_are_read_in_one_pass() {
    // Deep nesting has nothing to recurse into; a long list is only long.
    let text = format!("model_checkpoint_path: {}", "[".repeat(100_000));
    assert!(StateFile::parse(text.as_bytes()).is_err());
    let text = format!("model_checkpoint_path: {}", "\"\" ".repeat(100_000));
    assert_eq!(StateFile::parse(text.as_bytes()).unwrap().model_checkpoint_path, "");
}
