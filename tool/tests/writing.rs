//! The commands of the `ckpt` tool that write. What is expected is what TensorFlow read back from
//! the fixtures, or what the test wrote.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value as Json;

use common::bundle::{f32s, i32s, shard_path, Bundle};
use common::dtypes::{FLOAT, INT32};
use common::files::data;
use common::manifest::{self, sha256};
use common::proto::Extent::{Full, Part};

/// Runs the tool.
fn ckpt<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Output {
    cargo_bin_cmd!("ckpt").args(args).output().unwrap()
}

/// Runs `ckpt COMMAND FROM TO …` and expects it to succeed; gives what it printed.
fn done(command: &str, from: &Path, to: &Path, args: &[&str]) -> String {
    let output = run(command, from, to, args);
    assert_eq!(output.status.code(), Some(0), "{command} {}: {}", from.display(), text(&output.stderr));
    text(&output.stdout)
}

fn run(command: &str, from: &Path, to: &Path, args: &[&str]) -> Output {
    cargo_bin_cmd!("ckpt").arg(command).arg(from).arg(to).args(args).output().unwrap()
}

/// Expects failure with an exit code, and gives what was said.
fn refused(command: &str, from: &Path, to: &Path, args: &[&str], code: i32) -> String {
    let output = run(command, from, to, args);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(code), String::new()), "{command} {}", from.display());
    text(&output.stderr)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Key, dtype, shape and digest of every tensor.
fn values(prefix: &Path) -> Vec<[Json; 4]> {
    let rows = listed(prefix, &["--sha256"]);
    rows.iter().map(|row| ["key", "dtype", "shape", "sha256"].map(|member| row[member].clone())).collect()
}

fn listed(prefix: &Path, args: &[&str]) -> Vec<Json> {
    let output = cargo_bin_cmd!("ckpt").arg("ls").arg(prefix).arg("--json").args(args).output().unwrap();
    assert!(output.status.success(), "{}: {}", prefix.display(), text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn keys(prefix: &Path) -> Vec<String> {
    listed(prefix, &[]).iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".ckpt-lock");
    names.sort();
    names
}

fn raw(prefix: &Path, key: &str) -> Vec<u8> {
    let output = cargo_bin_cmd!("ckpt").arg("cat").arg(prefix).args([key, "--raw"]).output().unwrap();
    assert!(output.status.success(), "{key}: {}", text(&output.stderr));
    output.stdout
}

// copy

#[test]
fn a_copy_holds_the_same_and_is_whole() {
    let scratch = tempfile::tempdir().unwrap();
    for (number, (directory, manifest)) in manifest::all().into_iter().enumerate() {
        let from = directory.join(&manifest.prefix);
        let to = scratch.path().join(number.to_string()).join("copy");
        let said = done("copy", &from, &to, &[]);
        assert!(said.starts_with("copied ") && said.ends_with(" data file\n"), "{said}");
        assert_eq!(values(&to), values(&from), "{}", from.display());
        assert_eq!(text(&ckpt(&["verify".as_ref(), to.as_os_str()]).stderr), "");
        let graph = |prefix: &Path| ckpt(&["graph".as_ref(), prefix.as_os_str()]).stdout;
        assert_eq!(graph(&to), graph(&from), "{}", from.display());
    }
}

#[test]
fn a_copy_of_one_file_is_the_same_to_the_byte() {
    let scratch = tempfile::tempdir().unwrap();
    for name in ["guide/ckpt-5", "guide_slots/ckpt-5", "dtypes/all", "containers/c-1"] {
        let to = scratch.path().join(name);
        done("copy", &data().join(name), &to, &[]);
        for suffix in [".index", ".data-00000-of-00001"] {
            let read = |prefix: &Path| fs::read(format!("{}{suffix}", prefix.display())).unwrap();
            assert!(read(&to) == read(&data().join(name)), "{name}{suffix}");
        }
    }
}

#[test]
fn copy_joins_slices_and_cuts_what_is_too_large() {
    let scratch = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    let (first, second) = (vec![Full, Part(0, 1)], vec![Full, Part(1, 2)]);
    let whole = f32s(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    bundle.slice("c", FLOAT, &[2, 3], &first, &f32s(&[0.0, 3.0]));
    bundle.slice("c", FLOAT, &[2, 3], &second, &f32s(&[1.0, 2.0, 4.0, 5.0]));
    bundle.partitioned("c", FLOAT, &[2, 3], &[first, second]);
    let from = bundle.write(scratch.path(), "x");
    let to = scratch.path().join("y");
    done("copy", &from, &to, &[]);
    assert_eq!((raw(&to, "c"), listed(&to, &[])[0]["slices"].clone()), (whole.clone(), serde_json::json!([])));

    // A piece of what is cut is asked for where it begins, not from the front.
    let said = done("copy", &to, &scratch.path().join("z"), &["--max-shard", "12B"]);
    assert_eq!(said, "copied 1 tensor, 24 B in 2 data files\n");
    assert_eq!(raw(&scratch.path().join("z"), "c"), whole);
    assert_eq!(listed(&scratch.path().join("z"), &[])[0]["slices"], serde_json::json!(["0,1:-", "1,1:-"]));
}

/// A tensor of several pieces, in two files, cast; and a partitioned one whose slices interleave.
#[test]
fn large_tensors_are_copied_piece_by_piece() {
    let scratch = tempfile::tempdir().unwrap();
    let (rows, columns) = (1500, 2003);
    let number = |i: usize| (i % 16_777_213) as f32;
    let numbers: Vec<f32> = (0..rows * columns).map(number).collect();
    let part = |range: std::ops::Range<usize>| -> Vec<u8> {
        (0..rows).flat_map(|row| f32s(&numbers[row * columns + range.start..row * columns + range.end])).collect()
    };
    let shape = [rows as i64, columns as i64];
    let (left, right) = (vec![Full, Part(0, 1000)], vec![Full, Part(1000, 1003)]);
    let mut bundle = Bundle::new();
    bundle.tensor("a", FLOAT, &shape, &f32s(&numbers));
    bundle.slice("b", FLOAT, &shape, &left, &part(0..1000)).slice("b", FLOAT, &shape, &right, &part(1000..2003));
    bundle.partitioned("b", FLOAT, &shape, &[left, right]);
    let from = bundle.write(scratch.path(), "x");
    let to = scratch.path().join("y");
    done("copy", &from, &to, &["--max-shard", "7MB"]);
    assert_eq!(values(&to), values(&from));
    done("copy", &from, &scratch.path().join("z"), &["--cast", "float32=float64"]);
    let wide: Vec<u8> = numbers.iter().flat_map(|&n| f64::from(n).to_le_bytes()).collect();
    for key in ["a", "b"] {
        assert!(raw(&scratch.path().join("z"), key) == wide, "{key}");
    }
}

#[test]
fn a_filter_keeps_the_object_graph_only_if_it_stays_whole() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (data().join("guide/ckpt-5"), scratch.path().join("x"));
    let said = refused("copy", &from, &to, &["--filter", "net/*"], 1);
    assert!(said.contains("the object graph refers to") && said.contains("--drop-graph"), "{said}");
    assert_eq!(names(scratch.path()), [""; 0]);

    // The tensors of a hash table are those of a value of the graph.
    let said = refused("copy", &data().join("resources/r-1"), &to, &["--exclude", "*table-*"], 1);
    assert!(said.contains("the object graph refers to 4 tensors"), "{said}");

    done("copy", &from, &to, &["--filter", "net/*", "--drop-graph"]);
    let net = ["net/l1/bias/.ATTRIBUTES/VARIABLE_VALUE", "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"];
    assert_eq!(keys(&to), net);
    // Everything but the graph itself is kept, so that the graph is.
    done("copy", &from, &to, &["--filter", "*/.ATTRIBUTES/*"]);
    assert_eq!(values(&to), values(&from));
    done("copy", &from, &to, &["--drop-graph"]);
    assert_eq!(keys(&to).len(), keys(&from).len() - 1);

    let said = refused("copy", &data().join("saver_v1/model.ckpt-3"), &to, &["--filter", "nothing"], 1);
    assert!(said.contains("no tensor matches --filter 'nothing'"), "{said}");
    done("copy", &data().join("saver_v1/model.ckpt-3"), &to, &["--exclude", "*/Adam*", "--exclude", "beta*_power"]);
    assert!(keys(&to).contains(&"dense/kernel".to_owned()) && !keys(&to).iter().any(|key| key.contains("Adam")));
    done("copy", &data().join("saver_v1/model.ckpt-3"), &to, &["--filter", "dense/*"]);
    assert!(keys(&to).iter().all(|key| key.starts_with("dense/")) && !keys(&to).is_empty());
}

/// Of every float32 near a boundary the two neighbours that bfloat16 has are taken, and the nearer
/// of them.
#[test]
fn cast_values_are_the_nearest() {
    let scratch = tempfile::tempdir().unwrap();
    let patterns = [0x3f80_0000_u32, 0x3f80_7fff, 0x3f80_8000, 0x3f80_8001, 0x3f81_8000, 0x0000_8000, 0x0000_8001, 0xc2f7_5432];
    let special = [0x7f7f_7fff, 0x7f7f_8000, 0x7f80_0000, 0xff80_0000, 0xff7f_ffff, 0x8000_0000];
    let numbers: Vec<f32> = patterns.iter().chain(&special).map(|&bits| f32::from_bits(bits)).collect();
    let mut bundle = Bundle::new();
    bundle.tensor("a", FLOAT, &[numbers.len() as i64], &f32s(&numbers)).tensor("b", INT32, &[], &i32s(&[7]));
    let from = bundle.write(scratch.path(), "x");
    let to = scratch.path().join("y");
    let output = run("copy", &from, &to, &["--cast", "float32=bfloat16"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), "copied 2 tensors, 1 of them cast, 32 B in 1 data file\n".into())
    );
    assert_eq!(text(&output.stderr), "ckpt: tensor \"a\": 2 numbers too large, now infinite\n");
    let found: Vec<u16> = raw(&to, "a").chunks(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    for (number, &found) in numbers[..patterns.len()].iter().zip(&found) {
        let low = (number.to_bits() >> 16) as u16;
        let distance = |bits: u16| (f64::from(f32::from_bits(u32::from(bits) << 16)) - f64::from(*number)).abs();
        let nearest = match distance(low).total_cmp(&distance(low + 1)) {
            std::cmp::Ordering::Less => low,
            std::cmp::Ordering::Greater => low + 1,
            std::cmp::Ordering::Equal => low + low % 2,
        };
        assert_eq!(found, nearest, "{number:e}");
    }
    assert_eq!(found[patterns.len()..], [0x7f7f, 0x7f80, 0x7f80, 0xff80, 0xff80, 0x8000]);
    assert_eq!(raw(&to, "b"), i32s(&[7]));

    // There and back is the same where nothing is lost; each tensor is cast once.
    let back = scratch.path().join("z");
    done("copy", &to, &back, &["--cast", "bfloat16=float32", "--cast", "float32=float64"]);
    let wide: Vec<u8> = found.iter().flat_map(|&bits| (u32::from(bits) << 16).to_le_bytes()).collect();
    assert_eq!(raw(&back, "a"), wide);
}

#[test]
fn a_copy_that_fails_leaves_what_was_there() {
    let scratch = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("a", INT32, &[2], &i32s(&[1, 2])).tensor("b", INT32, &[2], &i32s(&[3, 4]));
    let from = bundle.write(scratch.path(), "x");
    let target = scratch.path().join("out");
    let to = target.join("y");
    done("copy", &from, &to, &[]);
    let (before, files) = (values(&to), names(&target));

    let shard = shard_path(&from, 0, 1);
    let mut bytes = fs::read(&shard).unwrap();
    bytes[9] ^= 1;
    fs::write(&shard, bytes).unwrap();
    let said = refused("copy", &from, &to, &[], 1);
    assert!(said.contains("tensor \"b\""), "{said}");
    for file in ["z.npz", "z.safetensors"] {
        let said = refused("convert", &from, &target.join(file), &[], 1);
        assert!(said.contains("tensor \"b\""), "{said}");
    }
    assert_eq!((values(&to), names(&target)), (before, files));
}

#[test]
fn wrong_usage_exits_with_two() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (data().join("guide/ckpt-5"), scratch.path().join("x"));
    done("copy", &from, &to, &[]);
    for (command, from, to, args) in [
        ("copy", from.as_path(), scratch.path(), &[][..]),
        ("copy", &from, &scratch.path().join("x.index"), &[]),
        ("copy", &from, &scratch.path().join("x.data-00000-of-00001"), &[]),
        ("copy", &to, &to, &[]),
        ("copy", &scratch.path().join("x.index"), &to, &[]),
        ("copy", &from, &to, &["--cast", "float32"]),
        ("copy", &from, &to, &["--cast", "float32=int8"]),
        ("copy", &from, &to, &["--cast", "float32=float16", "--cast", "float32=bfloat16"]),
        ("copy", &from, &to, &["--max-shard", "0"]),
        ("copy", &from, &to, &["--max-shard", "2 parsecs"]),
        ("copy", &from, &to, &["--filter", "[a"]),
        ("convert", &from, &to, &[]),
        ("convert", &scratch.path().join("a.npz"), &scratch.path().join("b.npz"), &[]),
        ("merge", scratch.path(), &to, &[]),
    ] {
        assert_eq!(run(command, from, to, args).status.code(), Some(2), "{command} {} {} {args:?}", from.display(), to.display());
    }
    assert_eq!(ckpt(&["merge", "x"]).status.code(), Some(2));
    for command in ["copy", "convert", "merge"] {
        let help = text(&ckpt(&[command, "--help"]).stdout);
        assert!(help.contains(&format!("Examples:\n  ckpt {command} ")), "{command}");
        let absent = ["no/such/checkpoint", "no/such/other.npz"];
        let absent = if command == "merge" { [absent[1], absent[0]] } else { absent };
        assert_eq!(ckpt(&[command, absent[0], absent[1]]).status.code(), Some(1), "{command}");
    }
    assert_eq!(values(&to), values(&from));
}

// convert

/// What comes back is what went there, but for what is listed.
#[test]
fn conversion_there_and_back_loses_what_it_lists() {
    let scratch = tempfile::tempdir().unwrap();
    for (number, (directory, manifest)) in manifest::all().into_iter().enumerate() {
        let from = directory.join(&manifest.prefix);
        for kind in ["npz", "safetensors"] {
            let file = scratch.path().join(format!("{number}.{kind}"));
            let back = scratch.path().join(format!("{number}_{kind}"));
            let said = done("convert", &from, &file, &["--skip"]);
            let skipped: Vec<String> =
                said.lines().filter_map(|line| Some(line.strip_prefix("skipped ")?.split_once("  ")?.0.to_owned())).collect();
            let mut expected = values(&from);
            expected.retain(|row| !skipped.contains(&row[0].as_str().unwrap().to_owned()));
            assert_eq!(expected.len() + skipped.len(), values(&from).len(), "{said}");
            done("convert", &file, &back, &[]);
            assert_eq!(values(&back), expected, "{} {kind}", from.display());

            let lost = |dtype: &str| match kind {
                "npz" => {
                    dtype == "variant"
                        || dtype.contains("int4")
                        || dtype.contains("int2")
                        || dtype.starts_with("float8")
                        || dtype.starts_with("float4")
                        || dtype.starts_with('q')
                }
                _ => {
                    ["string", "variant", "complex128", "float4_e2m1fn", "int4", "uint4", "int2", "uint2"].contains(&dtype)
                        || dtype.starts_with('q')
                }
            };
            for [key, dtype, ..] in values(&from) {
                let is_lost = skipped.contains(&key.as_str().unwrap().to_owned());
                assert_eq!(is_lost, lost(dtype.as_str().unwrap()), "{key} {dtype} {kind}: {said}");
            }
        }
    }
}

#[test]
fn what_the_target_cannot_hold_is_refused_and_listed() {
    let scratch = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("a", INT32, &[2], &i32s(&[1, 2])).strings("cut", &[2], &[b"a", b"b\0"]).strings("kept", &[], &[b"x"]);
    bundle.put_numbers(b"not \xff utf-8", INT32, &[], &i32s(&[2]));
    let from = bundle.write(scratch.path(), "x");
    let file = scratch.path().join("y.npz");
    assert_eq!(
        refused("convert", &from, &file, &[], 1),
        "ckpt: a .npz file cannot hold 2 tensors (use --skip to omit them):\n  \
         cut  string [2]: element 1 ends with a zero byte, which NumPy's fixed-width strings drop\n  \
         not \\xff utf-8  int32 []: the key is not UTF-8\n"
    );
    assert!(!file.exists());
    let said = done("convert", &from, &file, &["--skip"]);
    assert!(said.ends_with("\nconverted 2 tensors, 8 B, 2 skipped\n"), "{said}");
    let said = done("convert", &from, &scratch.path().join("y.safetensors"), &["--filter", "a"]);
    assert_eq!(said, "converted 1 tensor, 8 B\n");
}

/// The bytes of the file that the Python package `safetensors` 0.8 writes for the same tensors.
#[test]
fn safetensors_are_written_as_python_writes_them() {
    let scratch = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("a", INT32, &[2], &i32s(&[1, 2])).tensor("b/c", FLOAT, &[], &f32s(&[0.5]));
    let from = bundle.write(scratch.path(), "x");
    let file = scratch.path().join("y.safetensors");
    done("convert", &from, &file, &[]);
    let expected = b"p\0\0\0\0\0\0\0{\"b/c\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"I32\",\"shape\":[2],\
        \"data_offsets\":[4,12]}}   \0\0\0?\x01\0\0\0\x02\0\0\0";
    assert_eq!(text(&fs::read(&file).unwrap()), text(expected));
}

/// An archive whose members are as `np.savez` and `np.savez_compressed` write them, but not as we
/// do.
#[test]
fn arrays_of_other_layouts_are_read() {
    let scratch = tempfile::tempdir().unwrap();
    let array = |descriptor: &str, fortran: &str, shape: &str, values: &[u8]| {
        let header = format!("{{'descr': {descriptor}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
    };
    let members = [
        ("big.npy", array("'>f4'", "False", "(2,)", &[0x3f, 0, 0, 0, 0x40, 0, 0, 0])),
        ("turned.npy", array("'<i4'", "True", "(2, 3)", &i32s(&[0, 3, 1, 4, 2, 5]))),
        ("text.npy", array("'<U2'", "False", "()", &[0xe9, 0, 0, 0, 0, 0, 0, 0])),
        ("object.npy", array("'|O'", "False", "()", b"pickle")),
        ("records.npy", array("[('a', '<f4')]", "False", "(1,)", &[0; 4])),
        ("short.npy", array("'<i4'", "False", "(2,)", &[0; 4])),
        ("readme", b"text".to_vec()),
    ];
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let file = scratch.path().join("x.npz");
        let mut archive = zip::ZipWriter::new(fs::File::create(&file).unwrap());
        for (name, bytes) in &members {
            let options = zip::write::SimpleFileOptions::default().compression_method(method);
            archive.start_file(*name, options).unwrap();
            std::io::Write::write_all(&mut archive, bytes).unwrap();
        }
        archive.finish().unwrap();
        let to = scratch.path().join("y");
        let said = refused("convert", &file, &to, &[], 1);
        for line in [
            "object  |O []: TensorFlow has no such type",
            "records  records [1]: T",
            "short.npy: the size of the array does not match its header",
            "readme: not a",
        ] {
            assert!(said.contains(&format!("\n  {line}")), "{said}");
        }
        done("convert", &file, &to, &["--skip"]);
        assert_eq!(keys(&to), ["big", "text", "turned"]);
        assert_eq!(raw(&to, "big"), f32s(&[0.5, 2.0]));
        assert_eq!(raw(&to, "turned"), i32s(&[0, 1, 2, 3, 4, 5]));
        assert_eq!(raw(&to, "text"), "\u{e9}".as_bytes());
    }
}

#[test]
fn damaged_files_are_refused_and_leave_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("a", INT32, &[4], &i32s(&[1, 2, 3, 4]));
    let from = bundle.write(scratch.path(), "x");
    let out = scratch.path().join("out");
    fs::create_dir(&out).unwrap();
    for kind in ["npz", "safetensors"] {
        let file = scratch.path().join(format!("whole.{kind}"));
        done("convert", &from, &file, &[]);
        let whole = fs::read(&file).unwrap();
        let damaged = scratch.path().join(format!("damaged.{kind}"));
        for length in 0..whole.len() {
            fs::write(&damaged, &whole[..length]).unwrap();
            refused("convert", &damaged, &out.join("y"), &[], 1);
        }
        assert_eq!(names(&out), [""; 0]);
        // A flipped bit in the values: an archive has a checksum, .safetensors has none.
        let mut bytes = whole.clone();
        let at = whole.windows(16).position(|window| window == i32s(&[1, 2, 3, 4])).unwrap();
        bytes[at + 5] ^= 4;
        fs::write(&damaged, &bytes).unwrap();
        let output = run("convert", &damaged, &out.join("y"), &[]);
        assert_eq!(output.status.code(), Some(i32::from(kind == "npz")), "{}", text(&output.stderr));
        if kind == "npz" {
            assert_eq!(names(&out), [""; 0]);
        }
    }
}

// merge

#[test]
fn sections_become_one_checkpoint() {
    let scratch = tempfile::tempdir().unwrap();
    let part = |number: usize| -> PathBuf {
        let mut bundle = Bundle::new();
        bundle.tensor(&format!("k{number}"), INT32, &[], &i32s(&[number as i32]));
        bundle.write(scratch.path(), &format!("part-{number}"))
    };
    let to = scratch.path().join("all");
    let (first, second) = (part(0), part(1));
    let index = PathBuf::from(format!("{}.index", second.display()));
    let merge = |args: &[&str]| cargo_bin_cmd!("ckpt").arg("merge").arg(&to).args([&first, &index]).args(args).output().unwrap();
    let output = merge(&["--keep"]);
    assert_eq!(text(&output.stdout), "merged 2 sections, 8 B in 2 data files\n", "{}", text(&output.stderr));
    assert_eq!(names(scratch.path()).len(), 3 + 4);
    assert!(merge(&[]).status.success());
    assert_eq!(keys(&to), ["k0", "k1"]);
    assert_eq!(names(scratch.path()).iter().filter(|name| name.starts_with("part")).count(), 0);

    let section = part(2);
    let absent = scratch.path().join("absent");
    let said = cargo_bin_cmd!("ckpt").arg("merge").args([&to, &section, &absent]).output().unwrap();
    assert_eq!((said.status.code(), text(&said.stderr).contains("absent")), (Some(1), true), "{}", text(&said.stderr));
    assert_eq!(keys(&to), ["k0", "k1"]);
    let said = cargo_bin_cmd!("ckpt").arg("merge").args([&to, &section, &absent]).arg("--allow-missing").output().unwrap();
    assert_eq!(text(&said.stdout), "merged 1 section, 4 B in 1 data file\n", "{}", text(&said.stderr));
    assert_eq!(keys(&to), ["k2"]);
    assert_eq!(sha256(&raw(&to, "k2")), sha256(&i32s(&[2])));
}

#[test]
fn a_copy_may_be_read_back() {
    let scratch = tempfile::tempdir().unwrap();
    let to = scratch.path().join("model");
    for read_back in [&[][..], &["--read-back"]] {
        let output = cargo_bin_cmd!("ckpt").arg("copy").args([&data().join("sharded/s"), &to]).args(read_back).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert!(cargo_bin_cmd!("ckpt").arg("verify").arg(&to).output().unwrap().status.success());
}

/// `ulimit -f`: the system would send SIGXFSZ, which ends the process and leaves its partial file.
#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("x", INT32, &[20_000], &i32s(&(0..20_000).collect::<Vec<i32>>())); // uncompressed 80 kB
    let from = bundle.write(scratch.path(), "m");
    for (command, to) in [("copy", "copied/m"), ("convert", "m.npz")] {
        let target = scratch.path().join("to");
        fs::create_dir_all(target.join("copied")).unwrap();
        let tool = assert_cmd::cargo::cargo_bin!("ckpt");
        let limited = format!("ulimit -f 16; exec {} {command} {} {}", tool.display(), from.display(), target.join(to).display());
        let output = std::process::Command::new("bash").args(["-c", &limited]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("File too large"), "{}", text(&output.stderr));
        assert_eq!((names(&target), names(&target.join("copied"))), (vec!["copied".to_owned()], Vec::new()));
    }
}

/// What is left on one host after a distributed save with local disks.
#[test]
fn merge_misses_the_sections_of_other_hosts() {
    let scratch = tempfile::tempdir().unwrap();
    let temporary = scratch.path().join("model.ckpt-5_temp_abc");
    std::fs::create_dir(&temporary).unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("w", FLOAT, &[1], &f32s(&[7.0]));
    bundle.write(&temporary, "part-00000-of-00002");
    let run = |args: &[&str]| {
        let mut ckpt = cargo_bin_cmd!("ckpt");
        ckpt.current_dir(&scratch).args(["merge", "model.ckpt-5", "model.ckpt-5_temp_abc/part-00000-of-00002.index"]);
        ckpt.args(args).output().unwrap()
    };
    let output = run(&[]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("part-00001-of-00002 is missing") && said.contains("--allow-missing"), "{said}");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 2);
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 1);
    assert!(run(&["--allow-missing"]).status.success());
    assert!(!temporary.exists());
}
