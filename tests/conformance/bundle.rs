//! tensor_bundle_test.cc: the format itself. What it says of TensorFlow's classes alone is left
//! out; README.md says what.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use checkpoint::{merge, Code, DType, Durability, MergeOptions, Reader, Reason, WriteOptions, Writer};

use crate::common::bundle::{f32s, shard_path, Bundle};
use crate::common::dtypes::FLOAT;
use crate::common::proto::{self, Message};
use crate::world::*;

const SIX: [u8; 24] = [1; 24];

fn write<'a>(path: &Path, options: WriteOptions, fill: impl FnOnce(&mut Writer<'a>)) -> PathBuf {
    let mut writer = Writer::new(path, &options.durability(Durability::None)).unwrap();
    fill(&mut writer);
    writer.finish().unwrap();
    path.to_owned()
}

fn merged(to: &Path, from: &[&Path]) {
    merge(to, from, &MergeOptions::new().durability(Durability::None), &mut |_, _| ControlFlow::Continue(())).unwrap();
}

/// TensorBundleTest.Basic: keys come sorted, from one bundle and from two that were merged; what is
/// not there is not found
#[test]
fn test_basic() {
    let w = World::new();
    let some = |path: &Path, numbers: [u8; 4], begin: &str| {
        let bytes = numbers.map(|n| f32s(&[f32::from(n); 6]));
        let mut writer = Writer::new(path, &WriteOptions::new().durability(Durability::None)).unwrap();
        numbers
            .iter()
            .zip(&bytes)
            .for_each(|(n, bytes)| writer.add(format!("{begin}_00{n}"), DType::Float, &[2, 3], bytes).unwrap());
        writer.finish().unwrap();
    };
    let (foo, bar, both) = (w.path("foo"), w.path("bar"), w.path("merged"));
    some(&foo, [3, 0, 2, 1], "foo");
    some(&bar, [3, 0, 2, 1], "bar");
    let expected = |begin: &str| (0..4).map(|n| format!("{begin}_00{n}")).collect::<Vec<_>>();
    assert_eq!(keys(&foo), expected("foo"));
    merged(&both, &[&foo, &bar]);
    assert_eq!(keys(&both), [expected("bar"), expected("foo")].concat());
    let reader = Reader::open(&both).unwrap();
    for (number, key) in [(2, "bar_002"), (0, "foo_000")] {
        assert_eq!(reader.get(key).unwrap().read().unwrap(), f32s(&[number as f32; 6]));
    }
    is(&reader.get("foo_9").unwrap_err(), Code::NotFound, Reason::NoTensor);
}

/// TensorBundleTest.PartitionedVariables and EquivalentSliceTest: slices along either axis, also
/// one that is the whole, are read as other slices
#[test]
fn test_partitioned_variables() {
    let w = World::new();
    let all: Vec<f32> = (0..12).map(|n| n as f32).collect();
    let rows = [f32s(&all[..4]), f32s(&all[4..])];
    let path = write(&w.path("rows"), WriteOptions::new(), |writer| {
        writer.add_slice("foo", DType::Float, &[3, 4], &"0,1:-".parse().unwrap(), Box::leak(rows[0].clone().into())).unwrap();
        writer.add_slice("foo", DType::Float, &[3, 4], &"1,2:-".parse().unwrap(), Box::leak(rows[1].clone().into())).unwrap();
    });
    let reader = Reader::open(path).unwrap();
    let foo = reader.get("foo").unwrap();
    assert_eq!(foo.read().unwrap(), f32s(&all));
    assert_eq!(foo.read_slice(&"0,1:-".parse().unwrap()).unwrap(), rows[0]);
    assert_eq!(foo.read_slice(&"-:1,2".parse().unwrap()).unwrap(), f32s(&[1., 2., 5., 6., 9., 10.]));
    // Written as one slice that is everything, in two spellings.
    for (number, slice) in ["-:-", "0,3:0,4"].into_iter().enumerate() {
        let path = write(&w.path(&format!("whole{number}")), WriteOptions::new(), |writer| {
            writer.add_slice("foo", DType::Float, &[3, 4], &slice.parse().unwrap(), Box::leak(f32s(&all).into())).unwrap();
        });
        assert_eq!(Reader::open(path).unwrap().get("foo").unwrap().read().unwrap(), f32s(&all), "{slice}");
    }
}

/// TensorBundleTest.NonStandardShapes: scalars and empty tensors
#[test]
fn test_non_standard_shapes() {
    let w = World::new();
    let path = write(&w.path("shapes"), WriteOptions::new(), |writer| {
        writer.add("scalar", DType::Float, &[], &SIX[..4]).unwrap();
        writer.add("non_standard0", DType::Float, &[0, 1618], &[]).unwrap();
        writer.add("non_standard1", DType::Float, &[16, 0, 18], &[]).unwrap();
    });
    let reader = Reader::open(path).unwrap();
    for (key, shape, bytes) in [("scalar", &[][..], 4), ("non_standard0", &[0, 1618], 0), ("non_standard1", &[16, 0, 18], 0)] {
        let tensor = reader.get(key).unwrap();
        assert_eq!((tensor.shape(), tensor.read().unwrap().len()), (shape, bytes));
    }
}

/// TensorBundleTest.StringTensors and VariantTensors
#[test]
fn test_string_tensors() {
    let w = World::new();
    let long = "d".repeat(1 << 16);
    let path = write(&w.path("strings"), WriteOptions::new(), |writer| {
        writer.add_strings("string_tensor", &[1, 2], &["hello", ""]).unwrap();
        writer.add_strings("scalar", &[], &["test"]).unwrap();
        writer.add_strings("long_scalar", &[], &[&long]).unwrap();
        writer.add_strings("strs", &[5], &["hello", "", "x01", "", &long]).unwrap();
        writer.add_variants("variant_tensor", &[2], &["test 10", "test1 20"]).unwrap();
        writer.add("floats", DType::Float, &[6], &SIX).unwrap();
    });
    let reader = Reader::open(path).unwrap();
    let strings =
        |key: &str| -> Vec<Vec<u8>> { reader.get(key).unwrap().read_strings().unwrap().iter().map(<[u8]>::to_vec).collect() };
    assert_eq!(strings("string_tensor"), [b"hello".to_vec(), vec![]]);
    assert_eq!(strings("scalar"), [b"test"]);
    assert_eq!(strings("strs")[4], long.as_bytes());
    assert_eq!(strings("variant_tensor"), [b"test 10".to_vec(), b"test1 20".to_vec()]);
    assert_eq!(reader.get("floats").unwrap().read().unwrap(), SIX);
}

/// TensorBundleTest.DirectoryStructure: the files of bundles and of what they are merged to; one
/// that is merged alone is renamed
#[test]
fn test_directory_structure() {
    let w = World::new();
    let [first, second] = ["worker0", "worker1"].map(|name| {
        write(&w.path(name), WriteOptions::new(), |writer| writer.add(format!("of {name}"), DType::Float, &[2, 3], &SIX).unwrap())
    });
    assert_eq!(w.files(), ["worker0.data-00000-of-00001", "worker0.index", "worker1.data-00000-of-00001", "worker1.index"]);
    let another = w.path("another");
    merged(&another, &[&first]);
    assert!(w.files().starts_with(&["another.data-00000-of-00001".to_owned(), "another.index".to_owned()]), "{:?}", w.files());
    merged(&w.path("merged"), &[&another, &second]);
    assert_eq!(w.files(), ["merged.data-00000-of-00002", "merged.data-00001-of-00002", "merged.index"]);
}

/// TensorBundleTest.Error: a key twice, which finishing refuses; finishing twice cannot be written
/// in Rust
#[test]
fn test_error() {
    let w = World::new();
    let mut writer = Writer::new(w.path("dup"), &WriteOptions::new()).unwrap();
    writer.add("foo", DType::Float, &[2, 3], &SIX).unwrap();
    writer.add("foo", DType::Float, &[2, 3], &SIX).unwrap();
    says(&writer.finish().unwrap_err().to_string(), &["foo"]);
    assert_eq!(w.files(), [""; 0]);
    is(&Reader::open(w.path("nonexist")).unwrap_err(), Code::NotFound, Reason::NoCheckpoint);
}

/// TensorBundleTest.Checksum and TruncatedTensorContents
#[test]
fn test_checksum() {
    let w = World::new();
    let path = write(&w.path("singleton"), WriteOptions::new(), |writer| {
        writer.add("foo", DType::Float, &[2, 3], &SIX).unwrap();
    });
    let data = std::fs::read(shard_path(&path, 0, 1)).unwrap();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = data.clone();
        change(&mut bytes);
        std::fs::write(shard_path(&path, 0, 1), bytes).unwrap();
        Reader::open(&path).unwrap().get("foo").unwrap().read().unwrap_err()
    };
    for byte in 0..24 {
        is(&damaged(&|bytes| bytes[byte] ^= 0xff), Code::DataLoss, Reason::Checksum);
    }
    assert_eq!(damaged(&|bytes| bytes.truncate(23)).code(), Code::DataLoss, "OUT_OF_RANGE in TensorFlow");
    // The lengths of strings, their checksum, and the strings.
    let path =
        write(&w.path("strings"), WriteOptions::new(), |writer| writer.add_strings("foo", &[2], &["hello", "world"]).unwrap());
    let data = std::fs::read(shard_path(&path, 0, 1)).unwrap();
    for byte in 0..data.len() {
        let mut bytes = data.clone();
        bytes[byte] ^= 0xff;
        std::fs::write(shard_path(&path, 0, 1), bytes).unwrap();
        assert_eq!(Reader::open(&path).unwrap().get("foo").unwrap().read_strings().unwrap_err().code(), Code::DataLoss, "{byte}");
    }
}

/// TensorBundleTest.HeaderEntry and VersionTest
#[test]
fn test_version() {
    let w = World::new();
    let mut bundle = Bundle::new();
    bundle.tensor("key", FLOAT, &[2, 3], &SIX);
    // Producer, least consumer, bad consumers: what this version, 1, may read. The least producer
    // is 0, and no file has less.
    for (producer, least, bad, is_read) in
        [(1, 0, &[][..], true), (2, 2, &[], false), (2, 0, &[1], false), (2, 1, &[], true), (2, 0, &[3], true)]
    {
        bundle.header = Message::new().int(1, 1).message(3, proto::version(producer, least, bad)).0;
        let path = bundle.write(w.directory(), "version");
        match Reader::open(&path) {
            Ok(reader) => assert!(is_read && reader.contains("key"), "{producer} {least} {bad:?}"),
            Err(error) => assert!(!is_read, "{error}"),
        }
    }
    // Ours says what theirs does.
    let ours = write(&w.path("ours"), WriteOptions::new(), |writer| writer.add("key", DType::Float, &[2, 3], &SIX).unwrap());
    let theirs = Bundle::new().tensor("key", FLOAT, &[2, 3], &SIX).write(w.directory(), "theirs");
    assert_eq!(std::fs::read(ours.with_extension("index")).unwrap(), std::fs::read(theirs.with_extension("index")).unwrap());
}

/// TensorBundleAlignmentTest.AlignmentTest
#[test]
fn test_alignment() {
    let w = World::new();
    let path = write(&w.path("foo"), WriteOptions::new().alignment(42), |writer| {
        ["foo_003", "foo_000", "foo_002", "foo_001"].iter().for_each(|key| writer.add(key, DType::Float, &[2, 3], &SIX).unwrap());
    });
    assert_eq!(keys(&path), ["foo_000", "foo_001", "foo_002", "foo_003"]);
    let reader = Reader::open(&path).unwrap();
    assert!(reader.tensors().all(|tensor| tensor.read().unwrap() == SIX));
    assert_eq!(std::fs::read(shard_path(&path, 0, 1)).unwrap().len(), 4 * 42, "the last one is padded, too");
}
