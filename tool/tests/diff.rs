//! `ckpt diff`. What is expected is what NumPy says of the values that the test wrote, or what
//! TensorFlow wrote.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::{json, Value as Json};

use common::bundle::{f32s, i32s, i64s, shard_path, Bundle};
use common::dtypes::{self, BFLOAT16, BOOL, COMPLEX64, DOUBLE, FLOAT, HALF, INT32, INT64, INT8, UINT64};
use common::files::data;
use common::manifest;
use common::objects::{graph, Object};
use common::proto::Extent::{Full, Part};

const GRAPH: &str = "_CHECKPOINTABLE_OBJECT_GRAPH";

fn diff(a: &Path, b: &Path, args: &[&str]) -> Output {
    cargo_bin_cmd!("ckpt").arg("diff").arg(a).arg(b).args(args).output().unwrap()
}

/// The exit code and what was found.
fn found(a: &Path, b: &Path, args: &[&str]) -> (i32, Json) {
    let output = diff(a, b, &[&["--json"], args].concat());
    assert_eq!(text(&output.stderr), "");
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn write(directory: &Path, name: &str, fill: impl FnOnce(&mut Bundle)) -> PathBuf {
    let mut bundle = Bundle::new();
    fill(&mut bundle);
    bundle.write(directory, name)
}

/// A checkpoint of an object graph alone.
fn of_objects(directory: &Path, name: &str, objects: &[Object]) -> PathBuf {
    write(directory, name, |bundle| _ = bundle.strings(GRAPH, &[], &[&graph(objects)]))
}

/// What is said of the values of one tensor when it has two values; none if they are the same.
fn compared(dtype: u32, a: &[u8], b: &[u8], args: &[&str]) -> Option<Json> {
    let scratch = tempfile::tempdir().unwrap();
    let size = dtypes::ALL.iter().find(|row| row.number == dtype).unwrap().size;
    let [a, b] = [("a", a), ("b", b)].map(|(name, bytes)| {
        write(scratch.path(), name, |bundle| _ = bundle.tensor("x", dtype, &[(bytes.len() / size) as i64], bytes))
    });
    let (code, found) = found(&a, &b, &[&["--values"], args].concat());
    let changed = found["tensors"]["changed"].as_array().unwrap();
    assert_eq!((code, &found["same"]), if changed.is_empty() { (0, &json!(true)) } else { (1, &json!(false)) });
    changed.first().map(|changed| changed["values"].clone())
}

fn f64s(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn numbers(
    elements: u64,
    differing: u64,
    max_abs: impl Into<Json>,
    max_rel: impl Into<Json>,
    nan_a: u64,
    nan_b: u64,
) -> Option<Json> {
    let (max_abs, max_rel) = (max_abs.into(), max_rel.into());
    Some(
        json!({"elements": elements, "differing": differing, "max_abs": max_abs, "max_rel": max_rel, "nan_a": nan_a, "nan_b": nan_b}),
    )
}

// The same

#[test]
fn every_checkpoint_is_the_same_as_itself() {
    for (directory, manifest) in manifest::all() {
        let prefix = directory.join(&manifest.prefix);
        for args in [&[][..], &["--values"]] {
            let (code, found) = found(&prefix, &prefix, args);
            let tensors = manifest.tensors.len() - usize::from(manifest.tensors.contains_key(GRAPH));
            assert_eq!(
                (code, &found["same"], &found["tensors"]["same"]),
                (0, &json!(true), &json!(tensors)),
                "{}",
                prefix.display()
            );
        }
    }
}

#[test]
fn formats_do_not_matter() {
    // TensorFlow wrote the same values in both.
    let (v1, v2) = (data().join("saver_v1/model.ckpt-3"), data().join("saver_v2/model.ckpt-3"));
    let output = diff(&v1, &v2, &["--values"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "same 15 tensors the same\n".to_owned()));
}

#[test]
fn slices_data_files_and_byte_order_do_not_matter() {
    let scratch = tempfile::tempdir().unwrap();
    let whole = write(scratch.path(), "whole", |bundle| {
        bundle.tensor("c", FLOAT, &[2, 3], &f32s(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])).strings("s", &[2], &[b"a", b"bc"]);
    });
    let mut sliced = Bundle::sharded(2);
    let (first, second) = (vec![Full, Part(0, 1)], vec![Full, Part(1, 2)]);
    sliced.slice("c", FLOAT, &[2, 3], &first, &f32s(&[0.0, 3.0]));
    sliced.shard = 1;
    sliced.slice("c", FLOAT, &[2, 3], &second, &f32s(&[1.0, 2.0, 4.0, 5.0]));
    sliced.partitioned("c", FLOAT, &[2, 3], &[first, second]).strings("s", &[2], &[b"a", b"bc"]);
    let mut swapped = Bundle::big_endian();
    swapped.tensor("c", FLOAT, &[2, 3], &f32s(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])).strings("s", &[2], &[b"a", b"bc"]);
    for other in [sliced.write(scratch.path(), "sliced"), swapped.write(scratch.path(), "swapped")] {
        assert_eq!(found(&whole, &other, &["--values"]).0, 0, "{}", other.display());
    }
}

// Tensors

#[test]
fn tensors_are_compared_by_key_dtype_and_shape() {
    let scratch = tempfile::tempdir().unwrap();
    let a = write(scratch.path(), "a", |bundle| {
        bundle.tensor("gone", FLOAT, &[], &f32s(&[1.0])).tensor("same", INT32, &[2], &i32s(&[1, 2]));
        bundle.tensor("shape", FLOAT, &[2, 1], &f32s(&[1.0, 2.0])).tensor("type", INT32, &[], &i32s(&[1]));
        bundle.put_numbers(b"\xff", INT32, &[], &i32s(&[1]));
    });
    let b = write(scratch.path(), "b", |bundle| {
        bundle.strings("new", &[1], &[b"x"]).tensor("same", INT32, &[2], &i32s(&[3, 4]));
        bundle.tensor("shape", FLOAT, &[2], &f32s(&[1.0, 2.0])).tensor("type", INT64, &[], &i64s(&[1]));
    });
    let (code, found) = found(&a, &b, &[]);
    assert_eq!(
        (code, &found["tensors"]),
        (
            1,
            &json!({
                "only_in_a": [{"key": "gone", "dtype": "float32", "shape": []}, {"key_base64": "/w==", "dtype": "int32", "shape": []}],
                "only_in_b": [{"key": "new", "dtype": "string", "shape": [1]}],
                "changed": [
                    {"key": "shape", "dtype": ["float32", "float32"], "shape": [[2, 1], [2]]},
                    {"key": "type", "dtype": ["int32", "int64"], "shape": [[], []]},
                ],
                "same": 1,
            })
        )
    );
    let output = diff(&a, &b, &["--values"]);
    let lines = [
        &format!("--- {}", a.display()),
        &format!("+++ {}", b.display()),
        "tensors",
        "  ~ same  int32 [2]  2 of 2 elements differ, max abs 2, max rel 0.6667",
        "  ~ shape  float32 [2,1] → float32 [2]",
        "  ~ type  int32 [] → int64 []  0 of 1 element differ",
        "  - gone  float32 []",
        "  - \\xff  int32 []",
        "  + new  string [1]",
        "different 3 tensors changed, 2 tensors only in A, 1 tensor only in B; 0 tensors the same",
    ];
    assert_eq!((output.status.code(), text(&output.stdout).lines().collect::<Vec<_>>()), (Some(1), lines.to_vec()));
}

// Values

#[test]
fn floats_differ_as_numpy_says() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let float = |a: &[f32], b: &[f32], args: &[&str]| compared(FLOAT, &f32s(a), &f32s(b), args);
    assert_eq!(float(&[1.0, 2.0, 4.0], &[1.0, 2.5, 3.0], &[]), numbers(3, 2, 1.0, 1.0 / 3.0, 0, 0));
    // Zeros of both signs and NaNs of all bits are the same.
    assert_eq!(float(&[0.0, nan, inf], &[-0.0, f32::from_bits(0xffc0_0001), inf], &[]), None);
    assert_eq!(float(&[nan, 1.0, nan], &[nan, nan, 2.0], &[]), numbers(3, 2, 0.0, Json::Null, 2, 2));
    assert_eq!(float(&[inf, inf, 1.0], &[-inf, 1.0, 1.0], &[]), numbers(3, 2, "inf", "inf", 0, 0));
    // Where B has 0 there is no relative difference.
    assert_eq!(float(&[0.5, 3.0], &[0.0, 2.0], &[]), numbers(2, 2, 1.0, 0.5, 0, 0));
    assert_eq!(float(&[0.5], &[0.0], &[]), numbers(1, 1, 0.5, Json::Null, 0, 0));
    assert_eq!(float(&[], &[], &[]), None);
}

#[test]
fn tolerances_are_those_of_numpys_isclose() {
    let double = |a: &[f64], b: &[f64], args: &[&str]| compared(DOUBLE, &f64s(a), &f64s(b), args);
    let (a, b) = (&[1.0, 10.0, 0.0][..], &[1.25, 10.5, 0.125][..]);
    assert_eq!(double(a, b, &["--atol", "0.5"]), None);
    assert_eq!(double(a, b, &["--atol", "0.25"]), numbers(3, 1, 0.5, 1.0, 0, 0));
    assert_eq!(double(a, b, &["--rtol", "0.2"]), numbers(3, 1, 0.5, 1.0, 0, 0));
    assert_eq!(double(a, b, &["--rtol", "0.2", "--atol", "0.1"]), None);
    assert_eq!(double(&[f64::INFINITY], &[1e300], &["--rtol", "1", "--atol", "1e300"]), numbers(1, 1, "inf", "inf", 0, 0));
    assert_eq!(double(&[1.0], &[f64::INFINITY], &["--rtol", "1"]), numbers(1, 1, "inf", "inf", 0, 0));
    assert_eq!(double(&[f64::NAN], &[1.0], &["--atol", "1e300"]), numbers(1, 1, 0.0, Json::Null, 1, 0));
}

#[test]
fn every_numeric_dtype_is_compared() {
    let byte = |name: &str| dtypes::ALL.iter().find(|row| row.name == name).unwrap().number;
    let half = |values: [u16; 2]| values.map(u16::to_le_bytes).concat();
    for (dtype, a, b, expected) in [
        (HALF, half([0x3c00, 0x4000]), half([0x3c00, 0x4400]), numbers(2, 1, 2.0, 0.5, 0, 0)),
        (BFLOAT16, half([0x3f80, 0x7fc0]), half([0x4000, 0x7fc0]), numbers(2, 1, 1.0, 0.5, 1, 1)),
        (byte("float8_e5m2"), vec![0x3c, 0x40], vec![0x3c, 0x44], numbers(2, 1, 2.0, 0.5, 0, 0)),
        (byte("float8_e4m3fn"), vec![0x38, 0x7f], vec![0x40, 0x7f], numbers(2, 1, 1.0, 0.5, 1, 1)),
        (byte("float8_e4m3fnuz"), vec![0x40, 0x80], vec![0x48, 0x00], numbers(2, 2, 1.0, 0.5, 1, 0)),
        (byte("float8_e4m3b11fnuz"), vec![0x58], vec![0x60], numbers(1, 1, 1.0, 0.5, 0, 0)),
        (byte("float8_e5m2fnuz"), vec![0x40], vec![0x44], numbers(1, 1, 1.0, 0.5, 0, 0)),
        (byte("float4_e2m1fn"), vec![0x02], vec![0x04], numbers(1, 1, 1.0, 0.5, 0, 0)),
        (INT8, vec![0x80, 3], vec![0x7f, 3], numbers(2, 1, 255.0, 255.0 / 127.0, 0, 0)),
        (byte("uint8"), vec![0], vec![255], numbers(1, 1, 255.0, 1.0, 0, 0)),
        (byte("int4"), vec![0x08], vec![0x07], numbers(1, 1, 15.0, 15.0 / 7.0, 0, 0)),
        (byte("uint2"), vec![0x03], vec![0x01], numbers(1, 1, 2.0, 2.0, 0, 0)),
        (byte("qint8"), vec![0xff], vec![0x01], numbers(1, 1, 2.0, 2.0, 0, 0)),
        (INT64, i64s(&[i64::MAX, 5]), i64s(&[i64::MAX - 1, 5]), numbers(2, 1, 1.0, 1.0 / 9_223_372_036_854_775_806_f64, 0, 0)),
        (UINT64, vec![0xff; 8], vec![0; 8], numbers(1, 1, 18446744073709551615.0, Json::Null, 0, 0)),
        (BOOL, vec![1, 0, 1], vec![1, 1, 0], numbers(3, 2, 1.0, 1.0, 0, 0)),
        (COMPLEX64, f32s(&[3.0, 4.0, 1.0, 1.0]), f32s(&[0.0, 0.0, 1.0, 1.0]), numbers(2, 1, 5.0, Json::Null, 0, 0)),
        (COMPLEX64, f32s(&[0.0, f32::NAN]), f32s(&[3.0, 4.0]), numbers(1, 1, 0.0, Json::Null, 1, 0)),
    ] {
        let name = dtypes::ALL.iter().find(|row| row.number == dtype).unwrap().name;
        assert_eq!(compared(dtype, &a, &b, &[]), expected, "{name}");
        assert_eq!(compared(dtype, &a, &a, &[]), None, "{name}");
    }
}

#[test]
fn numbers_of_another_type_are_compared_where_that_makes_sense() {
    let scratch = tempfile::tempdir().unwrap();
    let a = write(scratch.path(), "a", |bundle| {
        bundle.tensor("f", FLOAT, &[3], &f32s(&[1.0, 2.0, 3.25])).tensor("i", INT32, &[], &i32s(&[-1]));
        bundle.tensor("m", INT32, &[], &i32s(&[1]));
    });
    let b = write(scratch.path(), "b", |bundle| {
        bundle.tensor("f", DOUBLE, &[3], &f64s(&[1.0, 2.0, 3.0])).tensor("i", INT8, &[], &[0xff]);
        bundle.tensor("m", FLOAT, &[], &f32s(&[1.0]));
    });
    let (code, found) = found(&a, &b, &["--values"]);
    let changed = found["tensors"]["changed"].as_array().unwrap();
    let values: Vec<Option<&Json>> = changed.iter().map(|changed| changed.get("values")).collect();
    let (float, integer) = (numbers(3, 1, 0.25, 0.25 / 3.0, 0, 0), numbers(1, 0, 0.0, Json::Null, 0, 0));
    assert_eq!((code, values), (1, vec![float.as_ref(), integer.as_ref(), None]));
}

#[test]
fn strings_and_variants_differ_by_elements() {
    let scratch = tempfile::tempdir().unwrap();
    let a = write(scratch.path(), "a", |bundle| {
        bundle.strings("s", &[3], &[b"a", b"", b"c"]).variants("v", &[2], &[b"x", b"y"]);
    });
    let b = write(scratch.path(), "b", |bundle| {
        bundle.strings("s", &[3], &[b"a", b"b", b"cc"]).variants("v", &[2], &[b"x", b"y"]);
    });
    let (code, found) = found(&a, &b, &["--values"]);
    let changed =
        json!([{"key": "s", "dtype": ["string", "string"], "shape": [[3], [3]], "values": {"elements": 3, "differing": 2}}]);
    assert_eq!((code, &found["tensors"]["changed"], &found["tensors"]["same"]), (1, &changed, &json!(1)));
}

#[test]
fn large_tensors_are_compared_to_the_last_element() {
    // More than is read at a time; differences at both ends and in the middle.
    let mut values: Vec<f32> = (0..3_000_000).map(|i| i as f32).collect();
    values[1_000_000] = f32::NAN;
    let before = f32s(&values);
    for i in [0, 1_500_000, 2_999_999] {
        values[i] += 2.0;
    }
    assert_eq!(compared(FLOAT, &before, &f32s(&values), &[]), numbers(3_000_000, 3, 2.0, 1.0, 1, 1));
}

// Object graphs

#[test]
fn graphs_are_compared_by_names() {
    let (code, found) = found(&data().join("guide/ckpt-5"), &data().join("guide_slots/ckpt-5"), &[]);
    let edge = |name: &str, below: u64| json!({"kind": "edge", "path": format!("optimizer/{name}"), "below": below});
    let slot = |variable: &str, name: &str| json!({"kind": "slot", "path": "optimizer", "variable": variable, "name": name});
    // Keras 3's optimizer and the older one with slots, of the same program.
    let expected = json!({
        "only_in_a": [
            edge("_variables", 5), edge("_iterations", 0), edge("_learning_rate", 0), edge("_index_dict", 0),
            edge("_momentums", 0), edge("_velocities", 0),
        ],
        "only_in_b": [
            edge("iter", 0), edge("beta_1", 0), edge("beta_2", 0), edge("decay", 0), edge("learning_rate", 0),
            slot("net/l1/kernel", "m"), slot("net/l1/bias", "m"), slot("net/l1/kernel", "v"), slot("net/l1/bias", "v"),
        ],
        "changed": [],
        "same": 9,
    });
    assert_eq!((code, &found["graph"]), (1, &expected));
}

#[test]
fn the_order_and_numbers_of_objects_do_not_matter() {
    let scratch = tempfile::tempdir().unwrap();
    let a =
        [Object::new().edge("a", 1).edge("b", 2), Object::variable("a"), Object::new().slot(1, "m", 3), Object::variable("m")];
    let b =
        [Object::new().edge("b", 3).edge("a", 2), Object::variable("m"), Object::variable("a"), Object::new().slot(2, "m", 1)];
    let (a, b) = (of_objects(scratch.path(), "a", &a), of_objects(scratch.path(), "b", &b));
    let (code, found) = found(&a, &b, &[]);
    assert_eq!((code, &found["graph"]["same"]), (0, &json!(4)));
}

#[test]
fn what_is_shared_otherwise_and_what_has_other_values_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    // In A p and q are one object, in B two, of which one stores something else and one is a/b's.
    let a = [Object::new().edge("p", 1).edge("q", 1).edge("a", 2), Object::variable("p"), Object::new().edge("b", 1)];
    let b = [
        Object::new().edge("p", 1).edge("q", 2).edge("a", 3),
        Object::new().value("table", "p/.ATTRIBUTES/table"),
        Object::variable("q"),
        Object::new().edge("b", 2),
    ];
    let (a, b) = (of_objects(scratch.path(), "a", &a), of_objects(scratch.path(), "b", &b));
    let (code, found) = found(&a, &b, &[]);
    let expected = json!({
        "only_in_a": [{"kind": "value", "path": "p", "name": "VARIABLE_VALUE"}],
        "only_in_b": [{"kind": "value", "path": "p", "name": "table"}],
        "changed": [{"kind": "shared", "path": "q", "a": "p", "b": "q"}, {"kind": "shared", "path": "a/b", "a": "p", "b": "q"}],
        "same": 3,
    });
    assert_eq!((code, &found["graph"]), (1, &expected));
    let output = diff(&a, &b, &[]);
    let lines = [
        "object graph",
        "  ~ q  is p → q",
        "  ~ a/b  is p → q",
        "  - p  value VARIABLE_VALUE",
        "  + p  value table",
        "different 4 differences in the object graphs; 0 tensors, 3 objects the same (values were not compared)",
    ];
    assert_eq!(text(&output.stdout).lines().skip(2).collect::<Vec<_>>(), lines);
}

/// Where one graph has one object at two paths and the other has two, the two sides never read the
/// same, whatever the order of the edges.
#[test]
fn what_is_shared_in_one_graph_alone_is_named_by_what_differs() {
    let scratch = tempfile::tempdir().unwrap();
    let two = [Object::new().edge("q", 1).edge("p", 2), Object::variable("q"), Object::variable("p")];
    let one = [Object::new().edge("p", 1).edge("q", 1), Object::variable("p")];
    let (two, one) = (of_objects(scratch.path(), "two", &two), of_objects(scratch.path(), "one", &one));
    for (a, b, expected) in [
        (&two, &one, json!([{"kind": "shared", "path": "p", "a": "p", "b": "q"}])),
        (&one, &two, json!([{"kind": "shared", "path": "q", "a": "p", "b": "q"}])),
    ] {
        let (code, found) = found(a, b, &[]);
        assert_eq!((code, &found["graph"]["changed"]), (1, &expected));
    }
}

/// No writer gives two edges of an object one name, but a file may have them.
#[test]
fn a_graph_with_edges_of_one_name_is_the_same_as_itself() {
    let scratch = tempfile::tempdir().unwrap();
    let twice = [
        Object::new().edge("x", 1).edge("x", 2).edge("y", 1).edge("x", 1),
        Object::variable("x"),
        Object::new().edge("z", 1).edge("z", 1).edge("z", 2),
    ];
    let once = [Object::new().edge("x", 1).edge("y", 1), Object::variable("x")];
    let (twice, once) = (of_objects(scratch.path(), "twice", &twice), of_objects(scratch.path(), "once", &once));
    let (code, same) = found(&twice, &twice, &[]);
    assert_eq!((code, &same["same"], &same["graph"]["changed"]), (0, &json!(true), &json!([])));
    let (code, other) = found(&twice, &once, &[]);
    let expected = json!([{"kind": "edge", "path": "x", "below": 0}, {"kind": "edge", "path": "x", "below": 0}]);
    assert_eq!((code, &other["graph"]["only_in_a"]), (1, &expected));
}

#[test]
fn random_graphs_differ_by_what_differs() {
    let scratch = tempfile::tempdir().unwrap();
    let mut state = 20u64;
    let mut below = |end: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % end
    };
    let mut make = |name: &str| {
        let first = below(3) as usize; // so that the order of the edges differs
        let mut edges = |_| {
            let names = (0..below(4) as usize).map(|n| ["a", "b", "c"][(first + n) % 3]);
            names.fold(Object::new(), |object, name| object.edge(name, below(5) as i64))
        };
        let objects: Vec<Object> = (0..5).map(&mut edges).collect();
        of_objects(scratch.path(), name, &objects)
    };
    let mut seen = 0;
    for number in 0..60 {
        let (a, b) = (make(&format!("a{number}")), make(&format!("b{number}")));
        assert_eq!(found(&a, &a, &[]).0, 0, "{number}");
        for changed in found(&a, &b, &[]).1["graph"]["changed"].as_array().unwrap() {
            assert_ne!(changed["a"], changed["b"], "{number}: {changed}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn a_checkpoint_by_names_has_no_graph() {
    let scratch = tempfile::tempdir().unwrap();
    let by_objects = data().join("guide/ckpt-5");
    let by_names = scratch.path().join("names");
    let copied = cargo_bin_cmd!("ckpt").arg("copy").args([&by_objects, &by_names]).arg("--drop-graph").output().unwrap();
    assert!(copied.status.success());
    let (code, found) = found(&by_names, &by_objects, &["--values"]);
    let graph = json!({"only_in_a": [], "only_in_b": [{"kind": "graph", "objects": 19}], "changed": [], "same": null});
    assert_eq!((code, &found["graph"], &found["tensors"]["same"]), (1, &graph, &json!(11)));
}

// Trouble

#[test]
fn what_cannot_be_read_is_no_difference() {
    let scratch = tempfile::tempdir().unwrap();
    let good = write(scratch.path(), "good", |bundle| _ = bundle.tensor("x", FLOAT, &[1], &f32s(&[1.0])));
    let bad = write(scratch.path(), "bad", |bundle| _ = bundle.tensor("x", FLOAT, &[1], &f32s(&[1.0])));
    let mut bytes = fs::read(shard_path(&bad, 0, 1)).unwrap();
    bytes[0] ^= 1;
    fs::write(shard_path(&bad, 0, 1), bytes).unwrap();
    let broken = write(scratch.path(), "broken", |bundle| _ = bundle.strings(GRAPH, &[], &[b"\x0a\x05"]));
    for (a, b) in [(&good, &bad), (&bad, &good)] {
        assert_eq!(diff(a, b, &[]).status.code(), Some(0));
        let output = diff(a, b, &["--values"]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
        assert!(text(&output.stderr).contains("tensor \"x\""), "{}", text(&output.stderr));
    }
    for other in [&broken, &scratch.path().join("none")] {
        for json in [&[][..], &["--json"]] {
            assert_eq!(diff(&good, other, json).status.code(), Some(2));
            assert_eq!(diff(other, &good, json).status.code(), Some(2));
        }
    }
}

#[test]
fn tolerances_are_for_values_and_not_negative() {
    let guide = data().join("guide/ckpt-5");
    for args in [&["--rtol", "1"][..], &["--values", "--rtol", "x"], &["--values", "--atol=-1"], &["--values", "--atol", "nan"]] {
        assert_eq!(diff(&guide, &guide, args).status.code(), Some(2), "{args:?}");
    }
}
