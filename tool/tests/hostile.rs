//! The `ckpt` tool and files made to harm: arrays that take no bytes, headers that claim much, text
//! that a terminal would obey, files that are none. The tool keeps the promises of the reader for
//! every format that it takes.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::bundle::{i32s, Bundle};
use common::dtypes::{FLOAT, INT32, STRING};

/// Runs the tool in a directory with at most `memory` KiB of address space, for at most 20 seconds.
fn limited(directory: &Path, memory: u64, args: &[&str]) -> Output {
    let quoted: Vec<String> = args.iter().map(|arg| format!("'{arg}'")).collect();
    let command = format!("ulimit -v {memory}; exec timeout 20 {} {}", env!("CARGO_BIN_EXE_ckpt"), quoted.join(" "));
    Command::new("bash").args(["-c", &command]).current_dir(directory).output().unwrap()
}

/// 1 GiB: room for the program and its threads.
const ROOM: u64 = 1 << 20;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Asserts that nothing was printed that a terminal would obey: control characters but newlines,
/// and those that change the direction of text.
#[track_caller]
fn is_safe(output: &Output) {
    for printed in [text(&output.stdout), text(&output.stderr)] {
        let turns = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!printed.chars().any(|c| c != '\n' && (c.is_control() || turns(c))), "{printed:?}");
    }
}

/// What NumPy prints for arrays without elements, whatever their other dimensions.
#[test]
fn arrays_without_elements_are_printed_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let shapes: [&[i64]; 4] = [&[1_000_000_000, 0], &[0, 1 << 62], &[1 << 40, 0, 1 << 20], &[0]];
    let mut bundle = Bundle::new();
    for (number, shape) in shapes.iter().enumerate() {
        bundle.tensor(&format!("n{number}"), FLOAT, shape, &[]);
        bundle.put(format!("s{number}").as_bytes(), STRING, shape, &[], common::crc::masked(&[]));
    }
    bundle.write(directory.path(), "x");
    for number in 0..shapes.len() {
        for key in [format!("n{number}"), format!("s{number}")] {
            let started = Instant::now();
            let output = limited(directory.path(), ROOM, &["cat", "x", &key]);
            assert_eq!(text(&output.stdout), "[]\n", "{key}: {}", text(&output.stderr));
            assert_eq!(limited(directory.path(), ROOM, &["cat", "x", &key, "--raw"]).stdout, b"", "{key}");
            assert!(started.elapsed() < Duration::from_secs(5), "{key}: {:?}", started.elapsed());
        }
    }
    assert!(limited(directory.path(), ROOM, &["diff", "x", "x", "--values"]).status.success());
}

fn array(descriptor: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descriptor}', 'fortran_order': True, 'shape': {shape}, }}\n");
    let length = (header.len() as u32).to_le_bytes();
    [b"\x93NUMPY\x02\x00", &length[..], header.as_bytes(), values].concat()
}

fn write_npz(path: &Path, members: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn arrays_that_claim_much_or_say_harmful_things_are_refused() {
    let dims = |count: usize| format!("({}1)", "1, ".repeat(count - 1));
    let forged = "<f4\\\nckpt: good\u{1b}[31m\u{9b}\u{202e}\u{7f}";
    for (what, descriptor, shape, said) in [
        ("strings without bytes", "|S0", "(10000000000,)", "take no bytes"),
        ("text without bytes", "<U0", "(1099511627776, 2)", "take no bytes"),
        ("100 000 dimensions", "<f4", &*dims(100_000), "at most 254"),
        ("dimensions of zero", "<f4", "(0, 9223372036854775807, 9223372036854775807)", ""),
        ("a descriptor for the terminal", forged, "(1,)", "no such type"),
        ("a long descriptor", &"x".repeat(10_000), "(1,)", "no such type"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("out")).unwrap();
        let values: &[u8] = if shape == "(1,)" || shape.len() > 1000 { &[0; 4] } else { &[] };
        write_npz(&directory.path().join("x.npz"), &[("a.npy", array(descriptor, shape, values))]);
        let started = Instant::now();
        for options in [&[][..], &["--skip"]] {
            let output = limited(directory.path(), ROOM, &[&["convert", "x.npz", "out/y"], options].concat());
            let all = text(&output.stdout) + &text(&output.stderr);
            assert!(all.contains(said) && all.len() < 2000, "{what}: {all}");
            is_safe(&output);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{what}: {:?} {all}", output.status);
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{what}: {:?}", started.elapsed());
    }
}

#[test]
fn names_and_errors_of_archives_are_escaped() {
    let directory = tempfile::tempdir().unwrap();
    let name = "a\u{9b}31m\u{202e}\ngood";
    write_npz(&directory.path().join("x.npz"), &[(name, b"text".to_vec()), (&format!("{name}.npy"), b"text".to_vec())]);
    let header =
        format!("{{\"a\":{{\"dtype\":\"\u{9b}31m\\u001b\\ngood\",\"shape\":[1],\"data_offsets\":[0,4]}},\"{}\":1}}", "\u{202e}");
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
    fs::write(directory.path().join("x.safetensors"), bytes).unwrap();
    for from in ["x.npz", "x.safetensors"] {
        for options in [&[][..], &["--skip"]] {
            let output = limited(directory.path(), ROOM, &[&["convert", from, "y"], options].concat());
            assert!(matches!(output.status.code(), Some(0 | 1)), "{from}: {:?}", output.status);
            is_safe(&output);
            assert!(!text(&output.stderr).contains("\ngood"), "{}", text(&output.stderr));
        }
    }
}

/// One-byte strings: what they take in memory is bounded.
#[test]
fn strings_of_arrays_take_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    let count = 8 << 20;
    write_npz(&directory.path().join("x.npz"), &[("a.npy", array("|S1", &format!("({count},)"), &vec![b'x'; count]))]);
    // 48 bytes an element, and room for the program itself.
    let output = limited(directory.path(), 48 * count as u64 / 1024 + (100 << 10), &["convert", "x.npz", "y"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = limited(directory.path(), ROOM, &["ls", "y"]);
    assert!(text(&output.stdout).contains("string"), "{}", text(&output.stdout));
}

/// A compressed array is unpacked piece by piece: it takes less memory than its values.
#[test]
fn compressed_arrays_are_not_unpacked_as_a_whole() {
    let directory = tempfile::tempdir().unwrap();
    let values: Vec<u8> = (0..5u32 << 8).flat_map(|n| n.to_le_bytes().repeat(1 << 14)).collect();
    write_npz(&directory.path().join("x.npz"), &[("a.npy", array("<u4", &format!("({},)", 20 << 20), &values))]);
    let size = fs::metadata(directory.path().join("x.npz")).unwrap().len();
    assert!(size < 16 << 20, "{size} bytes");
    let output = limited(directory.path(), 75 << 10, &["convert", "x.npz", "y"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let reader = checkpoint::Reader::open(directory.path().join("y")).unwrap();
    assert!(reader.tensor(0).unwrap().read().unwrap() == values);
}

/// Members that share their data would make one array of 64 MB as many as there are names for it.
#[test]
fn members_that_overlap_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npz");
    write_npz(&path, &[("a.npy", array("|S1", "(2,)", b"xy")), ("b.npy", array("|S1", "(2,)", b"xy"))]);
    // The second entry of the central directory gets the place of the first.
    let mut bytes = fs::read(&path).unwrap();
    let entries: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(b"PK\x01\x02")).collect();
    bytes[entries[1] + 42..entries[1] + 46].fill(0);
    fs::write(&path, bytes).unwrap();
    let output = limited(directory.path(), ROOM, &["convert", "x.npz", "y"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    for kind in ["npz", "safetensors"] {
        let path = directory.path().join(format!("fifo.{kind}"));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", directory.path().join(format!("device.{kind}"))).unwrap();
        fs::create_dir(directory.path().join(format!("folder.{kind}"))).unwrap();
        for name in ["fifo", "device", "folder"] {
            let output = limited(directory.path(), ROOM, &["convert", &format!("{name}.{kind}"), "y"]);
            assert_eq!(output.status.code(), Some(1), "{name}.{kind}");
            assert!(text(&output.stderr).contains("not a regular file"), "{}", text(&output.stderr));
        }
    }
}

/// Whether a text is anywhere in a value.
fn holds(value: &serde_json::Value, wanted: &str) -> bool {
    match value {
        serde_json::Value::String(found) => found == wanted,
        serde_json::Value::Array(items) => items.iter().any(|item| holds(item, wanted)),
        serde_json::Value::Object(members) => members.values().any(|member| holds(member, wanted)),
        _ => false,
    }
}

#[test]
fn json_has_no_character_that_a_terminal_would_obey() {
    let directory = tempfile::tempdir().unwrap();
    let key = "a\u{7f}\u{80}\u{9b}31m\u{202e}\u{2066}\u{200f}\u{2028}\u{1b}[31m\n\u{e9}";
    let write = |name: &str, value: i32| {
        let mut bundle = Bundle::new();
        bundle.tensor(key, INT32, &[1], &i32s(&[value])).tensor("b", INT32, &[1], &i32s(&[1]));
        bundle.write(directory.path(), name)
    };
    write("x", 1);
    write("y", 2);
    let data = common::bundle::shard_path(&directory.path().join("z"), 0, 1);
    write("z", 3);
    fs::write(data, [0; 8]).unwrap();
    for (args, has_key) in [
        (&["ls", "x"][..], true),
        (&["ls", "x", "--json"], true),
        (&["info", "x"], false),
        (&["info", "x", "--json"], true),
        (&["verify", "z"], true),
        (&["verify", "z", "--json"], true),
        (&["diff", "x", "y", "--values"], true),
        (&["diff", "x", "y", "--values", "--json"], true),
        (&["cat", "x", "nosuch"], false),
        (&["graph", "x"], false),
    ] {
        let output = limited(directory.path(), ROOM, args);
        is_safe(&output);
        if args.contains(&"--json") {
            let parsed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(holds(&parsed, key), has_key, "{args:?}: {}", text(&output.stdout));
        }
    }
}

/// What other libraries would take for their own files is never the name of a checkpoint.
#[test]
fn no_checkpoint_gets_the_name_of_another_format() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("out")).unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("a", INT32, &[1], &i32s(&[1]));
    bundle.write(directory.path(), "x");
    assert!(limited(directory.path(), ROOM, &["convert", "x", "x.safetensors"]).status.success());
    for ending in ["h5", "hdf5", "keras", "pt", "pth", "bin", "onnx", "H5"] {
        let to = format!("out/model.{ending}");
        for command in [&["convert", "x"][..], &["convert", "x.safetensors"], &["copy", "x"], &["merge", "x"]] {
            let args = match command[0] {
                "merge" => vec!["merge", &to, "x"],
                _ => [command, &[&*to]].concat(),
            };
            let output = limited(directory.path(), ROOM, &args);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
            assert!(said.contains(&format!(".{}", ending.to_lowercase())) && said.contains(".safetensors and .npz"), "{said}");
        }
    }
    assert_eq!(fs::read_dir(directory.path().join("out")).unwrap().count(), 0);
}

/// Without memory for a value, nothing is known about it: that is no verdict.
#[test]
fn a_lack_of_memory_is_not_called_damage() {
    const SIZE: u64 = 600 << 20;
    let directory = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.strings("s", &[], &[b"x"]);
    bundle.edit("s", |entry| entry.size = SIZE as i64);
    let prefix = bundle.write(directory.path(), "x");
    let data = fs::File::options().write(true).open(common::bundle::shard_path(&prefix, 0, 1)).unwrap();
    data.set_len(SIZE).unwrap(); // takes no space
    for args in [&["verify", "x"][..], &["latest", "--valid", "."], &["repair", "--dry-run", "."]] {
        let output = limited(directory.path(), (SIZE >> 10) - (100 << 10), args);
        let (out, said) = (text(&output.stdout), text(&output.stderr));
        assert!(!output.status.success() && said.contains("cannot allocate"), "{args:?}: {out}{said}");
        assert!(!(out + &said).contains("damaged"), "{args:?}: {said}");
    }
    let output = limited(directory.path(), 2 * ROOM, &["verify", "x"]);
    assert!(text(&output.stdout).contains("damaged"), "{}", text(&output.stderr));
}
