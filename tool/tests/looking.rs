//! The `ckpt` tool, run as a user runs it. What is expected is what TensorFlow read back (the
//! manifests), what NumPy prints, or what the test itself wrote.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value as Json;

use common::bundle::{f32s, i32s, i64s, shard_path, Bundle};
use common::dtypes::{FLOAT, INT32, INT64};
use common::files::data;
use common::manifest::{self, sha256, Value};
use common::proto::Extent::{Full, Part};

/// Runs the tool.
fn ckpt<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    cargo_bin_cmd!("ckpt").args(args).output().unwrap()
}

/// Runs the tool on a checkpoint, expects it to find no fault, and gives what it printed.
fn printed(command: &str, path: &Path, args: &[&str]) -> Vec<u8> {
    let output = cargo_bin_cmd!("ckpt").arg(command).arg(path).args(args).output().unwrap();
    assert!(output.status.success(), "{command} {}: {}", path.display(), text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    output.stdout
}

fn printed_text(command: &str, path: &Path, args: &[&str]) -> String {
    String::from_utf8(printed(command, path, args)).unwrap()
}

fn printed_json(command: &str, path: &Path, args: &[&str]) -> Json {
    serde_json::from_slice(&printed(command, path, args)).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// For each element its length as 8 little-endian bytes, and the element.
fn prefixed(elements: &[Vec<u8>]) -> Vec<u8> {
    elements.iter().flat_map(|element| [&(element.len() as u64).to_le_bytes()[..], element].concat()).collect()
}

// ls

#[test]
fn ls_lists_what_tensorflow_reads() {
    for (directory, manifest) in manifest::all() {
        let prefix = directory.join(&manifest.prefix);
        let rows = printed_json("ls", &prefix, &["--json", "--sha256"]);
        let keys: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
        assert_eq!(keys, manifest.tensors.keys().map(String::as_str).collect::<Vec<_>>(), "{}", prefix.display());
        for (row, (key, expected)) in rows.as_array().unwrap().iter().zip(&manifest.tensors) {
            let about = format!("{} {key}", prefix.display());
            assert_eq!(row["dtype"], Json::from(expected.dtype.as_str()), "{about}");
            assert_eq!(row["shape"], Json::from(expected.shape.clone()), "{about}");
            match &expected.value {
                Value::Numbers { bytes, sha256 } => {
                    assert_eq!(row["bytes"], Json::from(*bytes), "{about}");
                    assert_eq!(row["sha256"], Json::from(sha256.as_str()), "{about}");
                }
                Value::Strings(elements) => {
                    assert_eq!(row["sha256"], Json::from(sha256(&prefixed(elements))), "{about}");
                }
                // What TensorFlow's reader has no code for can be read all the same.
                Value::Unreadable => assert_eq!(row["sha256"].as_str().map(str::len), Some(64), "{about}"),
            }
        }
    }
}

#[test]
fn ls_says_where_tensors_are() {
    let directory = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    let (first, second) = (vec![Full, Part(0, 1)], vec![Full, Part(1, 2)]);
    bundle.tensor("a", INT32, &[2], &i32s(&[1, 2])).tensor("b", FLOAT, &[], &f32s(&[0.5]));
    bundle.slice("c", FLOAT, &[2, 3], &first, &f32s(&[0.0, 3.0])).slice(
        "c",
        FLOAT,
        &[2, 3],
        &second,
        &f32s(&[1.0, 2.0, 4.0, 5.0]),
    );
    bundle.partitioned("c", FLOAT, &[2, 3], &[first, second]);
    let prefix = bundle.write(directory.path(), "x");

    let expected = serde_json::json!([
        {"key": "a", "dtype": "int32", "shape": [2], "bytes": 8, "shard": 0, "offset": 0, "slices": []},
        {"key": "b", "dtype": "float32", "shape": [], "bytes": 4, "shard": 0, "offset": 8, "slices": []},
        {"key": "c", "dtype": "float32", "shape": [2, 3], "bytes": 24, "shard": null, "offset": null, "slices": ["-:0,1", "-:1,2"]},
    ]);
    assert_eq!(printed_json("ls", &prefix, &["--json"]), expected);
    assert_eq!(
        printed_text("ls", &prefix, &[]),
        "KEY  DTYPE    SHAPE  BYTES  SHARD  SLICES\n\
         a    int32    [2]      8 B      0\n\
         b    float32  []       4 B      0\n\
         c    float32  [2,3]   24 B      -  -:0,1 -:1,2\n"
    );
    let rows = printed_json("ls", &prefix, &["--json", "--sha256", "--filter", "c"]);
    assert_eq!(rows[0]["sha256"], Json::from(sha256(&f32s(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))));
}

#[test]
fn ls_shows_any_key_safely() {
    let directory = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.put_numbers(b"\x1b[31mred\n", INT32, &[], &i32s(&[1]));
    bundle.put_numbers(b"not \xff utf-8", INT32, &[], &i32s(&[2]));
    let prefix = bundle.write(directory.path(), "x");
    let table = printed_text("ls", &prefix, &[]);
    assert!(table.contains("\\u{1b}[31mred\\n") && table.contains("not \\xff utf-8"), "{table}");
    let rows = printed_json("ls", &prefix, &["--json"]);
    assert_eq!(rows[0]["key"], Json::from("\u{1b}[31mred\n"));
    assert_eq!((&rows[1]["key_base64"], &rows[1]["key"]), (&Json::from("bm90IP8gdXRmLTg="), &Json::Null));
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let key = std::ffi::OsStr::from_bytes(b"not \xff utf-8");
        let output = ckpt(["cat".as_ref(), prefix.as_os_str(), key]);
        assert_eq!(text(&output.stdout), "2\n");
    }
}

#[test]
fn ls_filters_by_globs_over_whole_keys() {
    let keys = |filters: &[&str]| -> Vec<String> {
        let rows = printed_json("ls", &data().join("saver_v2/model.ckpt-3"), &[&["--json"], filters].concat());
        rows.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&["--filter", "dense/*"]), ["dense/bias", "dense/kernel", "dense/kernel/Adam", "dense/kernel/Adam_1"]);
    assert_eq!(keys(&["--filter", "*kernel", "--filter", "fl?g"]), ["dense/kernel", "flag"]);
    assert_eq!(keys(&["--filter", "{half,cplx}"]), ["cplx", "half"]);
}

/// By key, by the path of the object, also one that is not in the key, and by full name, whether
/// there is an object graph or not.
#[test]
fn tensors_are_chosen_by_whatever_people_call_them() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("guide/ckpt-5", &["--filter", "net/*/kernel"], &["net/l1/kernel"]),
        ("guide/ckpt-5", &["--subtree", "net"], &["net/l1/bias", "net/l1/kernel"]),
        ("guide/ckpt-5", &["--subtree", "net/", "--exclude", "*bias"], &["net/l1/kernel"]),
        (
            "guide/ckpt-5",
            &["--filter", "*/*", "--exclude", "optimizer/*", "--exclude", "iterator"],
            &["net/l1/bias", "net/l1/kernel", "save_counter", "step"],
        ),
        ("guide/ckpt-5", &["--subtree", "net/l1/bias", "--subtree", "step"], &["net/l1/bias", "step"]),
        ("tf_keras_net/weights", &["--subtree", "layer-3"], &["layer_with_weights-2/bias", "layer_with_weights-2/kernel"]),
        ("tf_keras_net/weights", &["--filter", "dense/*"], &["layer_with_weights-2/bias", "layer_with_weights-2/kernel"]),
        ("tf_keras_net/weights", &["--subtree", "conv2d", "--exclude", "conv2d/bias"], &["layer_with_weights-0/kernel"]),
        ("resources/r-1", &["--subtree", "table"], &["table", "table"]),
        ("saver_v2/model.ckpt-3", &["--subtree", "dense", "--exclude", "*/Adam*"], &["dense/bias", "dense/kernel"]),
        ("saver_v1/model.ckpt-3", &["--subtree", "dense", "--exclude", "*/Adam*"], &["dense/bias", "dense/kernel"]),
    ];
    for (path, options, chosen) in table {
        let rows = printed_json("ls", &data().join(path), &[&["--json"], *options].concat());
        let keys = rows.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned());
        let paths: Vec<String> = keys.map(|key| key.split("/.ATTRIBUTES/").next().unwrap().to_owned()).collect();
        assert_eq!(paths, *chosen, "{path} {options:?}");
    }
}

/// What matches nothing is misspelt. Nothing is listed or written then.
#[test]
fn what_matches_nothing_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (data().join("saver_v2/model.ckpt-3"), scratch.path().join("x"));
    let npz = scratch.path().join("x.npz");
    let (from, to, npz) = (from.to_str().unwrap(), to.to_str().unwrap(), npz.to_str().unwrap());
    for (options, said) in [
        (&["--filter", "dense/bias", "--filter", "nothing/*"][..], "--filter 'nothing/*'"),
        (&["--exclude", "Dense/*"], "--exclude 'Dense/*'"),
        (&["--subtree", "dens"], "--subtree 'dens'"),
        (&["--filter", "a", "--exclude", "b", "--subtree", "c"], "--filter 'a', --exclude 'b', --subtree 'c'"),
    ] {
        let commands: [(&[&str], i32); 4] = [
            (&["ls", from], 1),
            (&["copy", from, to, "--drop-graph"], 1),
            (&["convert", from, npz], 1),
            (&["diff", from, from], 2),
        ];
        for (command, code) in commands {
            let output = ckpt([command, options].concat());
            assert_eq!(text(&output.stderr), format!("ckpt: no tensor matches {said}\n"), "{command:?}");
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(code), String::new()), "{command:?}");
        }
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}

/// With a choice the tensors are compared, and the object graphs are not.
#[test]
fn a_difference_is_looked_for_in_what_is_chosen() {
    let (a, b) = (data().join("guide_slots/ckpt-3"), data().join("guide_slots/ckpt-5"));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    for (options, code) in [
        (&["--subtree", "net"][..], 1),
        (&["--subtree", "net", "--exclude", "*bias*", "--exclude", "*kernel*"], 0),
        (&["--filter", "optimizer/beta_*"], 0),
        (&["--filter", "step"], 1),
    ] {
        let output = ckpt([&["diff", a, b, "--values"], options].concat());
        assert_eq!(output.status.code(), Some(code), "{options:?}: {}", text(&output.stdout));
    }
    // Full names may differ in the two: one that matches is enough, in either.
    let scratch = tempfile::tempdir().unwrap();
    let paths = ["dense/kernel", "dense_1/kernel"].map(|full_name| {
        let graph = checkpoint::Graph::new();
        let root = graph.add_object().unwrap();
        let variable = checkpoint::Variable::owned(checkpoint::DType::Float, &[], &[0; 4]).unwrap().name(full_name);
        graph.track(root, "layer", graph.add_variable(variable).unwrap()).unwrap();
        let path = scratch.path().join(full_name.replace('/', "-"));
        checkpoint::Checkpoint::new(&graph, root).unwrap().write(&path, &checkpoint::SaveOptions::new()).unwrap();
        path.to_str().unwrap().to_owned()
    });
    for options in [["--filter", "dense/*"], ["--subtree", "dense"], ["--exclude", "dense/*"]] {
        let output = ckpt([&["diff", &paths[0], &paths[1]], &options[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{options:?}: {}", text(&output.stdout));
    }
    let name_based = data().join("saver_v2/model.ckpt-3");
    let output = ckpt(["diff", a, name_based.to_str().unwrap(), "--json", "--filter", "net/l1/bias", "--filter", "dense/bias"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["tensors"]["only_in_a"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["tensors"]["only_in_b"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["graph"]["only_in_a"].as_array().unwrap().len(), 0, "{found}");
}

#[test]
fn ls_reports_a_tensor_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = damaged(directory.path());
    let output = ckpt(["ls".as_ref(), prefix.as_os_str(), "--json".as_ref(), "--sha256".as_ref()]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("tensor \"b\""), "{}", text(&output.stderr));
    let rows: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows[0]["sha256"].as_str(), Some(sha256(&i64s(&[1, 2])).as_str()));
    assert_eq!(rows[1].as_object().unwrap()["sha256"], Json::Null);
    // The listing alone needs no values.
    printed("ls", &prefix, &[]);
}

/// A bundle with tensors `a`, `b`, `c`, and one bit of `b` flipped.
fn damaged(directory: &Path) -> PathBuf {
    let mut bundle = Bundle::new();
    bundle.tensor("a", INT64, &[2], &i64s(&[1, 2])).tensor("b", INT64, &[2], &i64s(&[3, 4])).tensor("c", INT64, &[], &i64s(&[5]));
    let prefix = bundle.write(directory, "x");
    let shard = shard_path(&prefix, 0, 1);
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes[20] ^= 0x10;
    std::fs::write(&shard, bytes).unwrap();
    prefix
}

// cat

#[test]
fn cat_raw_writes_the_bytes_that_tensorflow_reads() {
    for fixture in ["dtypes", "wide", "saver_v1", "saver_v2"] {
        let manifest = manifest::read(&data().join(fixture).join("manifest.json"));
        let prefix = data().join(fixture).join(&manifest.prefix);
        for (key, expected) in &manifest.tensors {
            let raw = printed("cat", &prefix, &[key, "--raw"]);
            match &expected.value {
                Value::Numbers { sha256: digest, .. } => assert_eq!(sha256(&raw), *digest, "{fixture} {key}"),
                Value::Strings(elements) if expected.shape.is_empty() => assert_eq!(raw, elements[0], "{fixture} {key}"),
                Value::Strings(elements) => assert_eq!(raw, prefixed(elements), "{fixture} {key}"),
                Value::Unreadable => {}
            }
        }
    }
}

/// The dtypes and headers of the `.npy` files that NumPy writes for the same arrays (`ml_dtypes`
/// for those it lacks).
#[test]
fn cat_npy_writes_what_numpy_reads() {
    let manifest = manifest::read(&data().join("dtypes/manifest.json"));
    let directory = tempfile::tempdir().unwrap();
    for (key, expected) in &manifest.tensors {
        let Value::Numbers { sha256: digest, .. } = &expected.value else { continue };
        let file = directory.path().join("tensor.npy");
        let printed = printed("cat", &data().join("dtypes/all"), &[key, "--npy", file.to_str().unwrap()]);
        assert_eq!(printed, b"");
        let npy = std::fs::read(&file).unwrap();
        let descriptor = match expected.dtype.as_str() {
            "bool" => "|b1",
            "int8" => "|i1",
            "uint8" => "|u1",
            "int16" => "<i2",
            "uint16" => "<u2",
            "int32" => "<i4",
            "uint32" => "<u4",
            "int64" => "<i8",
            "uint64" => "<u8",
            "float16" => "<f2",
            "float32" => "<f4",
            "float64" => "<f8",
            "complex64" => "<c8",
            "complex128" => "<c16",
            "bfloat16" => "<V2",
            _ => "<V1",
        };
        let dims: Vec<String> = expected.shape.iter().map(i64::to_string).collect();
        let shape = if dims.len() == 1 { format!("{},", dims[0]) } else { dims.join(", ") };
        assert_eq!(&npy[..8], b"\x93NUMPY\x01\x00");
        let end = 10 + usize::from(u16::from_le_bytes([npy[8], npy[9]]));
        assert_eq!(end % 64, 0);
        assert_eq!(
            text(&npy[10..end]).trim_end(),
            format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({shape}), }}")
        );
        assert_eq!(sha256(&npy[end..]), *digest, "{key}");
    }
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no partial files stay behind");
}

#[test]
fn cat_npy_refuses_strings_that_numpy_would_shorten() {
    let directory = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.strings("fine", &[2], &[b"a\0b", b"cde"]).strings("cut", &[2], &[b"a", b"b\0"]);
    let prefix = bundle.write(directory.path(), "x");
    let npy = printed("cat", &prefix, &["fine", "--npy", "-"]);
    assert!(text(&npy).contains("'descr': '|S3', 'fortran_order': False, 'shape': (2,), }"));
    assert!(npy.ends_with(b"a\0bcde"));
    let file = directory.path().join("cut.npy");
    let output = ckpt(["cat".as_ref(), prefix.as_os_str(), "cut".as_ref(), "--npy".as_ref(), file.as_os_str()]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("element 1 ends with a zero byte"), "{}", text(&output.stderr));
    assert!(!file.exists());
}

/// Each value is what `print` shows of the array that TensorFlow reads, with NumPy 2.4.
#[test]
fn cat_prints_as_numpy_does() {
    let prefix = data().join("dtypes/all");
    for (key, expected) in [
        ("special", "[     nan      inf     -inf -0.0e+00  1.4e-45  3.4e+38]\n"),
        ("string_scalar", "b'one'\n"),
        ("string_empty", "b''\n"),
        ("strings_none", "[]\n"),
        ("empty_float32", "[]\n"),
    ] {
        assert_eq!(printed_text("cat", &prefix, &[key]), expected, "{key}");
    }
    let strings = printed_text("cat", &prefix, &["strings"]);
    let start = "[[b'' b'a' b'\\x00\\xff nul inside']\n [b'h\\xc3\\xa9llo \\xe4\\xb8\\x96\\xe7\\x95\\x8c'\n  b'xxx";
    assert!(strings.starts_with(start), "{strings}");
    assert!(strings.ends_with("xxx'\n  b'\\n']]\n"), "{strings}");
}

#[test]
fn cat_takes_slices_as_numpy_does() {
    let directory = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("big", INT64, &[300, 40], &i64s(&(0..12000).collect::<Vec<_>>()));
    let (top, bottom) = (vec![Part(0, 2), Full], vec![Part(2, 1), Full]);
    bundle.slice("parts", INT32, &[3, 2], &top, &i32s(&[0, 1, 2, 3])).slice("parts", INT32, &[3, 2], &bottom, &i32s(&[4, 5]));
    bundle.partitioned("parts", INT32, &[3, 2], &[top, bottom]);
    bundle.strings("words", &[2, 2], &[b"a", b"b", b"c", b"d"]);
    let prefix = bundle.write(directory.path(), "x");
    for (key, slice, expected) in [
        (
            "big",
            "...",
            "[[    0     1     2 ...    37    38    39]
 [   40    41    42 ...    77    78    79]
 [   80    81    82 ...   117   118   119]
 ...
 [11880 11881 11882 ... 11917 11918 11919]
 [11920 11921 11922 ... 11957 11958 11959]
 [11960 11961 11962 ... 11997 11998 11999]]
",
        ),
        ("big", "0:2,:3", "[[ 0  1  2]\n [40 41 42]]\n"),
        ("big", "-1,-2:", "[11998 11999]\n"),
        ("big", "7,7", "287\n"),
        ("big", "5:5", "[]\n"),
        ("big", "1:3,0", "[40 80]\n"),
        ("parts", "1:,1", "[3 5]\n"),
        ("parts", "", "[[0 1]\n [2 3]\n [4 5]]\n"),
        ("words", ":,1", "[b'b' b'd']\n"),
        ("words", "1,0", "b'c'\n"),
    ] {
        assert_eq!(printed_text("cat", &prefix, &[key, "--slice", slice]), expected, "{key} {slice}");
    }
    assert_eq!(printed("cat", &prefix, &["big", "--slice", "299,-2:", "--raw"]), i64s(&[11998, 11999]));
    let npy = printed("cat", &prefix, &["big", "--slice", "1,:2", "--npy", "-"]);
    assert!(text(&npy).contains("'shape': (2,), }") && npy.ends_with(&i64s(&[40, 41])));

    for slice in ["300", "0,0,0", "x", "::2"] {
        let output = ckpt(["cat".as_ref(), prefix.as_os_str(), "big".as_ref(), "--slice".as_ref(), slice.as_ref()]);
        assert_eq!(code(&output), 2, "{slice}");
    }
}

#[test]
fn cat_finds_variables_by_their_path() {
    let prefix = data().join("guide/ckpt-5");
    let long = printed("cat", &prefix, &["net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"]);
    assert_eq!(printed("cat", &prefix, &["net/l1/kernel"]), long);
    // The guide's fixture saves at step 30, 40, 50, and the directory stands for the last.
    assert_eq!(printed_text("cat", &data().join("guide"), &["step"]), "50\n");

    let output = ckpt(["cat".as_ref(), prefix.as_os_str(), "net/l1/kernle".as_ref()]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("net/l1/kernel"), "near keys are named: {}", text(&output.stderr));
}

// info

#[test]
fn info_sums_a_checkpoint_up() {
    let summary = printed_json("info", &data().join("guide"), &["--json"]);
    let manifest = manifest::read(&data().join("guide/manifest.json"));
    let numbers = manifest.tensors.values().filter(|tensor| matches!(tensor.value, Value::Numbers { .. }));
    let parameters: i64 = numbers.map(|tensor| tensor.shape.iter().product::<i64>()).sum();
    for (member, expected) in [
        ("format", Json::from("V2")),
        ("producer", Json::from(1)),
        ("shards", Json::from(1)),
        ("tensors", Json::from(manifest.tensors.len())),
        ("parameters", Json::from(parameters)),
        ("object_graph", Json::from(true)),
        ("latest", Json::from("ckpt-5")),
        ("all", serde_json::json!(["ckpt-3", "ckpt-4", "ckpt-5"])),
    ] {
        assert_eq!(summary[member], expected, "{member}");
    }
    assert!(summary["checkpoint"].as_str().unwrap().ends_with("guide/ckpt-5"));
    let sizes: Vec<u64> = summary["largest"].as_array().unwrap().iter().map(|row| row["bytes"].as_u64().unwrap()).collect();
    assert!(sizes.len() == 5 && sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");

    let old = printed_json("info", &data().join("saver_v1/model.ckpt-3"), &["--json"]);
    assert_eq!((&old["format"], &old["object_graph"]), (&Json::from("V1"), &Json::from(false)));
    let text = printed_text("info", &data().join("wide"), &[]);
    assert!(text.contains("\nshards        9\n") && text.contains("\nlatest        w-1\n"), "{text}");
}

// graph

#[test]
fn graph_is_a_tree_with_slots_under_their_optimizer() {
    assert_eq!(
        printed_text("graph", &data().join("guide_slots"), &[]),
        "root
├── iterator  ITERATOR_STATE variant [5]
├── net
│   └── l1
│       ├── kernel  float32 [1,5]
│       └── bias  float32 [5]
├── optimizer
│   ├── iter  int64 []
│   ├── beta_1  float32 []
│   ├── beta_2  float32 []
│   ├── decay  float32 []
│   ├── learning_rate  float32 []
│   ├╌╌ m of net/l1/kernel  float32 [1,5]
│   ├╌╌ m of net/l1/bias  float32 [5]
│   ├╌╌ v of net/l1/kernel  float32 [1,5]
│   └╌╌ v of net/l1/bias  float32 [5]
├── step  int32 []
└── save_counter  int64 []

18 objects, 1 optimizer with slots, 9 variables, 4 slot variables
"
    );
}

#[test]
fn graph_shows_shared_objects_and_cycles_once() {
    // first.parent is the root; second is first; the list and the mapping share two variables.
    let tree = printed_text("graph", &data().join("containers"), &[]);
    for line in ["│   └── parent → root\n", "── second → first\n", "│   ├── one → listed/0\n", "│   ├── two → listed/1\n"]
    {
        assert!(tree.contains(line), "{line}{tree}");
    }
}

#[test]
fn graph_is_written_for_graphviz_and_as_a_picture() {
    let prefix = data().join("guide_slots");
    let dot = printed_text("graph", &prefix, &["--dot"]);
    for line in [
        "n0 [label=\"root\"",
        "n0 -> n2 [label=\"net\"];",
        "n3 -> n14 [label=\"m\", style=dashed];",
        "n12 -> n14 [style=dashed];",
    ] {
        assert!(dot.contains(line), "{line}\n{dot}");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("graph.svg");
    printed("graph", &prefix, &["--svg", file.to_str().unwrap()]);
    let svg = std::fs::read_to_string(&file).unwrap();
    assert_eq!(svg, printed_text("graph", &prefix, &["--svg", "-"]));
    // 18 boxes, one line for each of 13 edges, two dashed ones for each of 4 slots.
    assert_eq!((svg.matches("<title>").count() - 1, svg.matches("<path d=\"M").count() - 1), (18, 21));
    assert_eq!(svg.matches("stroke-dasharray").count(), 8);
    assert!(svg.contains(">learning_rate</text>") && svg.ends_with("</svg>\n"));
}

#[test]
fn graph_of_names_alone_is_a_problem() {
    let output = ckpt(["graph".as_ref(), data().join("saver_v2/model.ckpt-3").as_os_str()]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("no object graph"), "{}", text(&output.stderr));
}

// verify

#[test]
fn verify_finds_no_fault_in_what_tensorflow_wrote() {
    for (directory, manifest) in manifest::all() {
        let result = printed_json("verify", &directory.join(&manifest.prefix), &["--json"]);
        assert_eq!((&result["ok"], &result["problems"]), (&Json::from(true), &serde_json::json!([])), "{}", directory.display());
        assert_eq!(result["tensors"], Json::from(manifest.tensors.len()), "{}", directory.display());
    }
    let text = printed_text("verify", &data().join("sharded/s"), &[]);
    assert!(text.starts_with("whole 9 tensors in 4 files, ") && text.ends_with(": all checksums are correct\n"), "{text}");
}

/// A section is accepted only on request; `info` gives the same verdict without reading the values.
#[test]
fn verify_accepts_a_section_on_request() {
    let section = data().join("unmerged/part-00000-of-00002");
    let path = section.as_os_str();
    for (args, expected) in [(&["verify".as_ref(), path][..], 1), (&["verify".as_ref(), path, "--section".as_ref()], 0)] {
        let output = ckpt(args);
        let printed = text(&output.stdout);
        assert_eq!(code(&output), expected, "{printed}");
        assert!(printed.contains("tensor \"table\": slices cover 20 of 30 elements\nsection 2 tensors in 2 files"), "{printed}");
    }
    let directory = tempfile::tempdir().unwrap();
    let prefix = damaged(directory.path());
    assert_eq!(code(&ckpt(["verify".as_ref(), prefix.as_os_str(), "--section".as_ref()])), 1);
    let result = printed_json("info", &section, &["--json"]);
    assert_eq!(result["verdict"], Json::from("section"));
    let printed = printed_text("info", &section, &[]);
    assert!(printed.contains("slices cover 20 of 30 elements; checksums were not checked"), "{printed}");
}

#[test]
fn info_notices_that_a_data_file_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("x", FLOAT, &[2], &f32s(&[0.5; 2]));
    let prefix = bundle.write(directory.path(), "ckpt-7");
    let printed = printed_text("info", &prefix, &[]);
    assert!(printed.contains("whole by the index and the sizes of the files; checksums were not checked"), "{printed}");
    std::fs::write(shard_path(&prefix, 0, 1), "").unwrap();
    for _ in 0..2 {
        let output = ckpt(["info".as_ref(), prefix.as_os_str()]);
        assert_eq!(code(&output), 1);
        assert!(text(&output.stdout).contains("verdict       damaged: "), "{}", text(&output.stdout));
        _ = std::fs::remove_file(shard_path(&prefix, 0, 1));
    }
}

#[test]
fn verify_lists_every_fault() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = damaged(directory.path());
    let shard = shard_path(&prefix, 0, 1);
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes[33] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let output = ckpt(["verify".as_ref(), prefix.as_os_str()]);
    let listed = text(&output.stdout);
    assert_eq!(code(&output), 1);
    assert!(
        listed.contains("tensor \"b\"") && listed.contains("tensor \"c\"") && listed.contains("\n2 problems in 3 tensors"),
        "{listed}"
    );

    let output = ckpt(["verify".as_ref(), prefix.as_os_str(), "--json".as_ref()]);
    assert_eq!(code(&output), 1);
    let result: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["ok"], Json::from(false));
    assert_eq!((&result["problems"][0]["tensor"], &result["problems"][0]["code"]), (&Json::from("b"), &Json::from("DATA_LOSS")));
}

/// Commands on a checkpoint of 200 data files, in a process that may have 64 open files.
#[test]
fn more_data_files_than_a_process_may_open_are_not_bad() {
    let directory = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::sharded(200);
    for shard in 0..200 {
        bundle.shard = shard;
        let (extents, value) = ([Part(shard as i64, 1), Full], i32s(&[shard as i32, -1]));
        bundle.slice("big", INT32, &[200, 2], &extents, &value);
    }
    bundle.partitioned("big", INT32, &[200, 2], &(0..200).map(|row| vec![Part(row, 1), Full]).collect::<Vec<_>>());
    bundle.write(directory.path(), "m");
    let limited = |arguments: &str| {
        let command = format!("ulimit -n 64; {} {arguments}", env!("CARGO_BIN_EXE_ckpt"));
        let output = std::process::Command::new("bash").args(["-c", &command]).current_dir(&directory).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    };
    assert!(limited("verify m").starts_with("whole"));
    assert!(limited("cat m big").ends_with("[199  -1]]\n"));
    limited("copy m out");
    assert!(limited("verify out").starts_with("whole"));
}

#[test]
fn verify_says_once_that_a_data_file_is_a_git_lfs_pointer() {
    let directory = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::new();
    for key in 0..55 {
        bundle.tensor(&format!("x{key}"), FLOAT, &[50], &f32s(&[0.5; 50]));
    }
    let prefix = bundle.write(directory.path(), "ckpt-7");
    let shard = shard_path(&prefix, 0, 1);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32\nsize 11000\n";
    std::fs::write(&shard, pointer).unwrap();
    let output = ckpt(["verify".as_ref(), prefix.as_os_str()]);
    let listed = text(&output.stdout);
    let line = format!(
        "bad  {} is a Git LFS pointer, not a checkpoint: fetch the file with \"git lfs pull\"\n1 problem in 55 tensors",
        shard.display()
    );
    assert!(listed.starts_with(&line), "{listed}");
    assert_eq!((listed.lines().count(), code(&output)), (2, 1));
}

// All commands

#[test]
fn what_is_not_a_checkpoint_is_named_by_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("model.h5");
    std::fs::write(&file, b"\x89HDF\r\n\x1a\n").unwrap();
    let destination = directory.path().join("out");
    let (path, out) = (file.to_str().unwrap(), destination.to_str().unwrap());
    for args in [
        &["ls", path][..],
        &["cat", path, "x"],
        &["info", path],
        &["graph", path],
        &["verify", path],
        &["copy", path, out],
        &["merge", out, path],
    ] {
        let output = ckpt(args);
        let said = text(&output.stderr);
        assert!(said.contains(&format!("{path} is an HDF5 file, as Keras writes, not a checkpoint: ")), "{args:?}: {said}");
        assert_eq!((said.lines().count(), code(&output), text(&output.stdout)), (1, 1, String::new()), "{args:?}: {said}");
    }
}

#[test]
fn wrong_usage_exits_with_two_and_problems_with_one() {
    for args in [
        &[][..],
        &["ls"],
        &["frobnicate", "x"],
        &["cat", "x"],
        &["cat", "x", "y", "--raw", "--npy", "z"],
        &["ls", "x", "--filter", "[a"],
    ] {
        assert_eq!(code(&ckpt(args)), 2, "{args:?}");
    }
    for command in ["ls", "info", "graph", "verify"] {
        let output = ckpt([command, "no/such/checkpoint"]);
        assert_eq!(code(&output), 1, "{command}");
        assert!(text(&output.stderr).starts_with("ckpt: no/such/checkpoint"), "{command}: {}", text(&output.stderr));
    }
}

#[test]
fn verify_has_no_verdict_on_what_it_cannot_read() {
    let verify = |path: &Path| {
        let output = ckpt(["verify".as_ref(), path.as_os_str(), "--json".as_ref()]);
        assert_eq!(code(&output), 1);
        serde_json::from_slice::<Json>(&output.stdout).unwrap()
    };
    let said = verify("no/such/checkpoint".as_ref());
    assert_eq!((&said["ok"], &said["verdict"], said.as_object().unwrap().len()), (&Json::from(false), &Json::Null, 3), "{said}");
    assert_eq!((&said["problems"][0]["code"], &said["problems"][1]), (&Json::from("NOT_FOUND"), &Json::Null), "{said}");
    // What was read and is wrong has one.
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("m.index"), b"").unwrap();
    let said = verify(&directory.path().join("m"));
    assert_eq!((&said["ok"], &said["verdict"]), (&Json::from(false), &Json::from("damaged")), "{said}");
}

#[test]
fn every_command_has_help_with_examples() {
    for command in ["ls", "cat", "info", "graph", "verify"] {
        let output = ckpt([command, "--help"]);
        assert_eq!(code(&output), 0);
        assert!(text(&output.stdout).contains(&format!("Examples:\n  ckpt {command} ")), "{command}");
    }
}

#[test]
fn nothing_is_coloured_off_a_terminal() {
    for args in [&["ls"][..], &["info"], &["graph"], &["verify"]] {
        assert!(!printed(args[0], &data().join("guide_slots"), &args[1..]).contains(&0x1b), "{args:?}");
    }
}

#[test]
fn a_closed_pipe_ends_the_tool_quietly() {
    for args in [&["ls"][..], &["ls", "--json"], &["graph"], &["info"], &["verify"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("ckpt"));
        command.arg(args[0]).arg(data().join("savedmodel/variables")).args(&args[1..]).stdout(writer);
        let output = command.stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((code(&output), text(&output.stderr)), (0, String::new()), "{args:?}");
    }
}

/// Checkpoints that others wrote, by every command that looks at one.
#[test]
fn real_checkpoints_are_understood() {
    let folders = std::fs::read_dir(data().join("real")).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    assert_eq!(folders.len(), 8);
    for folder in folders {
        let manifest = manifest::read(&folder.join("manifest.json"));
        let path = folder.join(&manifest.prefix);
        let verified = printed_json("verify", &path, &["--json"]);
        assert_eq!((&verified["verdict"], &verified["tensors"]), (&Json::from("whole"), &Json::from(manifest.tensors.len())));
        let info = printed_json("info", &path, &["--json"]);
        assert_eq!(info["verdict"], Json::from("whole"), "{}", folder.display());
        assert_eq!(printed_text("ls", &path, &[]).lines().count(), manifest.tensors.len() + 1);
        if info["object_graph"] == true {
            assert!(printed_text("graph", &path, &[]).contains(" objects"), "{}", folder.display());
        }
    }
}
