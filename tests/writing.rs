//! What is written is what TensorFlow writes, byte for byte, and what was there before survives
//! every failure.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use checkpoint::{Code, DType, Durability, Reader, Reason, Slice, Tensor, WriteOptions, Writer};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn quick() -> WriteOptions {
    WriteOptions::new().durability(Durability::None)
}

/// A value as the writer takes it.
enum Value {
    Bytes(Vec<u8>),
    Elements(Vec<Vec<u8>>),
}

fn value(tensor: &Tensor<'_>) -> Value {
    match tensor.dtype().size() {
        Some(_) => Value::Bytes(tensor.read().unwrap()),
        None => Value::Elements(tensor.read_strings().unwrap().iter().map(<[u8]>::to_vec).collect()),
    }
}

fn add<'a>(writer: &mut Writer<'a>, tensor: &Tensor<'_>, value: &'a Value) {
    match (value, tensor.dtype()) {
        (Value::Bytes(bytes), dtype) => writer.add(tensor.key(), dtype, tensor.shape(), bytes).unwrap(),
        (Value::Elements(elements), DType::String) => writer.add_strings(tensor.key(), tensor.shape(), elements).unwrap(),
        (Value::Elements(elements), _) => writer.add_variants(tensor.key(), tensor.shape(), elements).unwrap(),
    }
}

#[test]
fn tensorflows_files_come_out_the_same() {
    let scratch = tempfile::tempdir().unwrap();
    for name in [
        "guide/ckpt-5",
        "guide_slots/ckpt-5",
        "dtypes/all",
        "containers/c-1",
        "resources/r-1",
        "keras3/k-1",
        "savedmodel/variables",
        "saver_v2/sharded.ckpt",
    ] {
        let reader = Reader::open(data(name)).unwrap();
        let mut tensors: Vec<_> = reader.tensors().filter(|t| t.slice_count() == 0).collect();
        if tensors.len() < reader.len() {
            continue; // the slices of others are compared below
        }
        tensors.sort_by_key(|t| t.offset());
        // Empty tensors share their offset with the one after them; TensorFlow wrote them in an
        // order that the index does not tell.
        let values: Vec<Value> = tensors.iter().map(value).collect();
        let prefix = scratch.path().join(name.replace('/', "_"));
        let mut writer = Writer::new(&prefix, &quick()).unwrap();
        for (tensor, value) in tensors.iter().zip(&values) {
            add(&mut writer, tensor, value);
        }
        writer.finish().unwrap();
        for suffix in [".index", ".data-00000-of-00001"] {
            let path = |prefix: &Path| PathBuf::from(format!("{}{suffix}", prefix.display()));
            assert!(fs::read(path(&prefix)).unwrap() == fs::read(path(&data(name))).unwrap(), "{name}{suffix} differs");
        }
    }
}

/// The example of a partitioned tensor: records and bytes as TensorFlow wrote them.
#[test]
fn slices_are_written_as_tensorflow_writes_them() {
    let scratch = tempfile::tempdir().unwrap();
    let prefix = scratch.path().join("s");
    let values: Vec<u8> = (0..50).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let column = |range: std::ops::Range<usize>| -> Vec<u8> {
        (0..5).flat_map(|row| values[(row * 10 + range.start) * 4..(row * 10 + range.end) * 4].to_vec()).collect()
    };
    let (first, rest, plain) = (column(0..1), column(1..10), 1i32.to_le_bytes());
    let mut writer = Writer::new(&prefix, &quick()).unwrap();
    let slice = |text: &str| text.parse::<Slice>().unwrap();
    writer.add_slice("foo", DType::Float, &[5, 10], &slice("-:0,1"), &first).unwrap();
    writer.add_slice("foo", DType::Float, &[5, 10], &slice("-:1,9"), &rest).unwrap();
    writer.add("plain", DType::Int32, &[], &plain).unwrap();
    writer.finish().unwrap();
    let reader = Reader::open(&prefix).unwrap();
    let foo = reader.get("foo").unwrap();
    assert_eq!(foo.slices(), [slice("-:0,1"), slice("-:1,9")]);
    assert_eq!(foo.read().unwrap(), values);
    let index = fs::read(format!("{}.index", prefix.display())).unwrap();
    let hex = |text: &str| -> Vec<u8> {
        let text: String = text.split_whitespace().collect();
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
    };
    for record in [
        "0801 1208 12020805 1202080a 3a06 0a00 0a021001 3a08 0a00 0a0408011009",
        "0801 1208 12020805 12020809 2014 28b401 35",
        "0803 1200 20c801 2804 35 1d158265",
    ] {
        let record = hex(record);
        assert!(index.windows(record.len()).any(|w| w == record));
    }
}

#[test]
fn shape_and_slice_say_what_a_value_is() {
    let scratch = tempfile::tempdir().unwrap();
    let prefix = scratch.path().join("s");
    let bytes: Vec<u8> = (0..12).collect();
    let mut writer = Writer::new(&prefix, &quick()).unwrap();
    writer.add_shape_and_slice("t", DType::Uint8, &[2, 3], "4 3 0,2:-", &bytes[..6]).unwrap();
    writer.add_shape_and_slice("t", DType::Uint8, &[2, 3], "4 3 2,2:-", &bytes[6..]).unwrap();
    writer.add_shape_and_slice("whole", DType::Uint8, &[12], "", &bytes).unwrap();
    for (shape, text) in [(&[2, 3][..], "4 3 0,3:-"), (&[2, 3], "4 3 3,2:-"), (&[2, 3], "4  3 0,2:-"), (&[6], "4 3 0,2:-")] {
        assert_eq!(
            writer.add_shape_and_slice("u", DType::Uint8, shape, text, &bytes[..6]).unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    writer.finish().unwrap();
    let reader = Reader::open(&prefix).unwrap();
    assert_eq!(reader.get("t").unwrap().read().unwrap(), bytes);
    assert_eq!(reader.len(), 2);
}

#[test]
fn the_bytes_do_not_depend_on_the_threads() {
    let scratch = tempfile::tempdir().unwrap();
    let big: Vec<u8> = (0..9_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let write = |threads: u32| {
        let prefix = scratch.path().join(format!("t{threads}"));
        let mut writer = Writer::new(&prefix, &quick().threads(threads).shards(3).alignment(64)).unwrap();
        for i in 0..300 {
            writer.add(format!("small/{i}"), DType::Uint8, &[i], &big[..i as usize]).unwrap();
            if i % 100 == 0 {
                writer.add(format!("big/{i}"), DType::Uint8, &[9_000_000], &big).unwrap();
            }
        }
        writer
            .add_read(
                "read",
                DType::Uint8,
                &[1_000_000],
                Box::new(|at, out| {
                    out.copy_from_slice(&big[at as usize..at as usize + out.len()]);
                    Ok(())
                }),
            )
            .unwrap();
        writer.finish().unwrap();
        let reader = Reader::open(&prefix).unwrap();
        assert!(reader.tensors().all(|t| t.offset().unwrap().is_multiple_of(64)));
        assert_eq!(reader.get("read").unwrap().read().unwrap(), big[..1_000_000]);
        assert_eq!(reader.get("big/200").unwrap().read().unwrap(), big);
        let verified = checkpoint::verify(&prefix, &Default::default(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(verified.problems.is_empty(), "{:?}", verified.problems);
        let names = ["index", "data-00000-of-00003", "data-00001-of-00003", "data-00002-of-00003"];
        names.map(|name| fs::read(format!("{}.{name}", prefix.display())).unwrap())
    };
    let one = write(1);
    assert!(one == write(2) && one == write(5));
}

#[test]
fn what_cannot_be_written_is_refused_with_its_reason() {
    let scratch = tempfile::tempdir().unwrap();
    let prefix = scratch.path().join("x");
    let four = [0; 4];
    let new = || Writer::new(&prefix, &quick()).unwrap();
    type Attempt<'a> = Box<dyn Fn(&mut Writer<'a>) -> checkpoint::Result<()> + 'a>;
    let cases: [(&str, Attempt<'_>); 9] = [
        ("key is empty", Box::new(|w| w.add("", DType::Float, &[], &four))),
        ("zero byte", Box::new(|w| w.add("\0x", DType::Float, &[], &four))),
        ("wrong size", Box::new(|w| w.add("x", DType::Float, &[2], &four))),
        ("shape is invalid", Box::new(|w| w.add("x", DType::Float, &[-1], &four))),
        ("strings or variants", Box::new(|w| w.add("x", DType::String, &[], &four))),
        ("number of elements", Box::new(|w| w.add_strings("x", &[2], &["a"]))),
        ("extends beyond dimension", Box::new(|w| w.add_slice("x", DType::Int8, &[4], &"1,4".parse().unwrap(), &four))),
        (
            "disagree on dtype or shape",
            Box::new(|w| {
                w.add_slice("x", DType::Int8, &[8], &"0,4".parse().unwrap(), &four)?;
                w.add_slice("x", DType::Uint8, &[8], &"4,4".parse().unwrap(), &four)
            }),
        ),
        ("wrong size", Box::new(|w| w.add_slice("x", DType::Int8, &[8], &"0,3".parse().unwrap(), &four))),
    ];
    for (what, attempt) in cases {
        let error = attempt(&mut new()).unwrap_err();
        assert!(error.code() == Code::InvalidArgument && error.to_string().contains(what), "{what}: {error}");
    }
    let mut writer = new();
    writer.add("x", DType::Float, &[], &four).unwrap();
    writer.add("x", DType::Float, &[], &four).unwrap();
    assert_eq!(writer.finish().unwrap_err().tensor(), Some(&b"x"[..]));
    let mut writer = new();
    writer.add_slice("x", DType::Int8, &[8], &"0,4".parse().unwrap(), &four).unwrap();
    writer.add_slice("x", DType::Int8, &[8], &"3,4".parse().unwrap(), &four).unwrap();
    assert_eq!(writer.finish().unwrap_err().reason(), Reason::Overlap);
    assert!(fs::read_dir(scratch.path()).unwrap().next().is_none(), "something was left behind");
    for prefix in ["", "/", ".", "..", "x/.", "x/.."] {
        assert_eq!(Writer::new(prefix, &quick()).err().unwrap().code(), Code::InvalidArgument, "{prefix}");
    }
}

#[test]
fn publishing_over_a_checkpoint_leaves_only_the_new_one() {
    let scratch = tempfile::tempdir().unwrap();
    let prefix = scratch.path().join("best");
    for round in 0..5u8 {
        let bytes = vec![round; 1000];
        let mut writer = Writer::new(&prefix, &WriteOptions::new().shards(1 + u32::from(round % 2))).unwrap();
        writer.add("x", DType::Uint8, &[1000], &bytes).unwrap();
        writer.finish().unwrap();
        assert_eq!(Reader::open(&prefix).unwrap().get("x").unwrap().read().unwrap(), bytes);
        let count = Reader::open(&prefix).unwrap().shard_count() as usize;
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1 + count + 1, "round {round}");
        // and the locks
    }
}

#[test]
fn a_write_that_is_stopped_or_fails_leaves_what_was_there() {
    let scratch = tempfile::tempdir().unwrap();
    let prefix = scratch.path().join("c");
    let old = vec![1; 2_000_000];
    let mut writer = Writer::new(&prefix, &quick()).unwrap();
    writer.add("x", DType::Uint8, &[2_000_000], &old).unwrap();
    writer.finish().unwrap();
    let new = vec![2; 2_000_000];
    let mut writer = Writer::new(&prefix, &quick()).unwrap();
    writer.add("x", DType::Uint8, &[2_000_000], &new).unwrap();
    let stopped =
        writer.finish_with(&mut |done, total| if done * 2 > total { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
    assert_eq!(stopped.unwrap_err().code(), Code::Cancelled);
    let mut writer = Writer::new(&prefix, &quick()).unwrap();
    writer
        .add_read("x", DType::Uint8, &[2_000_000], Box::new(|at, _| if at > 500_000 { Err("no more".into()) } else { Ok(()) }))
        .unwrap();
    let failed = writer.finish().unwrap_err();
    assert!(failed.to_string().contains("no more"), "{failed}");
    assert_eq!(Reader::open(&prefix).unwrap().get("x").unwrap().read().unwrap(), old);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 2 + 1); // and the locks
}

#[test]
fn data_files_stay_below_their_size() {
    let scratch = tempfile::tempdir().unwrap();
    let prefix = scratch.path().join("s");
    let bytes: Vec<u8> = (0..40_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    let mut writer = Writer::new(&prefix, &quick().max_shard_size(1000)).unwrap();
    writer.add("matrix", DType::Float, &[25, 100], &bytes[..10_000]).unwrap();
    writer
        .add_read(
            "read",
            DType::Int16,
            &[7, 10, 50],
            Box::new(|at, out| {
                out.copy_from_slice(&bytes[at as usize..][..out.len()]);
                Ok(())
            }),
        )
        .unwrap();
    writer.add("half", DType::Half, &[1500], &bytes[..3000]).unwrap();
    writer.add_strings("words", &[2], &["a", "b"]).unwrap();
    writer.add("empty", DType::Float, &[0, 4], &[]).unwrap();
    let written = writer.finish().unwrap();
    let reader = Reader::open(&prefix).unwrap();
    assert_eq!(reader.get("matrix").unwrap().read().unwrap(), bytes[..10_000]);
    assert_eq!(reader.get("read").unwrap().read().unwrap(), bytes[..7000]);
    assert_eq!(reader.get("half").unwrap().read().unwrap(), bytes[..3000]);
    assert_eq!((reader.get("half").unwrap().slice_count(), reader.get("empty").unwrap().slice_count()), (0, 0));
    let sizes: Vec<u64> = (0..written.shards).map(|i| fs::metadata(reader.shard_path(i).unwrap()).unwrap().len()).collect();
    assert_eq!(sizes.iter().filter(|&&size| size > 1000).count(), 1, "{sizes:?}");
}

/// Durable files of this size are written past the page cache, in stretches that hold several
/// values or parts of them.
#[test]
fn large_durable_files_are_the_same() {
    let scratch = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..40_000_003u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let write = |name: &str, options: WriteOptions| {
        let prefix = scratch.path().join(name);
        let mut writer = Writer::new(&prefix, &options.shards(2).alignment(8)).unwrap();
        let mut at = 0;
        for (i, length) in [17, 5_000_000, 0, 1, 12_582_912, 3, 20_000_000].into_iter().enumerate() {
            writer.add(format!("v{i}"), DType::Uint8, &[length as i64], &bytes[at..at + length]).unwrap();
            at += length;
        }
        writer
            .add_read(
                "read",
                DType::Uint8,
                &[2_000_000],
                Box::new(|at, out| {
                    out.copy_from_slice(&bytes[at as usize..][..out.len()]);
                    Ok(())
                }),
            )
            .unwrap();
        writer.finish().unwrap();
        let verified = checkpoint::verify(&prefix, &Default::default(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(verified.problems.is_empty(), "{name}: {:?}", verified.problems);
        ["index", "data-00000-of-00002", "data-00001-of-00002"]
            .map(|part| fs::read(format!("{}.{part}", prefix.display())).unwrap())
    };
    let cached = write("cached", quick());
    assert!(cached == write("durable", WriteOptions::new().threads(2)), "durable");
    assert!(cached == write("one", WriteOptions::new().threads(1)), "one thread");
}

#[test]
fn a_slice_that_is_refused_leaves_no_trace() {
    let scratch = tempfile::tempdir().unwrap();
    let prefix = scratch.path().join("x");
    let bytes = [7; 8];
    let mut writer = Writer::new(&prefix, &quick()).unwrap();
    let half: Slice = "0,4".parse().unwrap();
    assert!(writer.add_slice("x", DType::Uint8, &[8], &half, &bytes).is_err());
    assert!(writer.add_strings_slice("s", &[8], &half, &["a"]).is_err());
    writer.add_slice("x", DType::Int8, &[8], &half, &bytes[..4]).unwrap();
    writer.add_slice("x", DType::Int8, &[8], &"4,4".parse().unwrap(), &bytes[4..]).unwrap();
    writer.finish().unwrap();
    let reader = Reader::open(&prefix).unwrap();
    assert_eq!((reader.len(), reader.get("x").unwrap().read().unwrap()), (1, bytes.to_vec()));
}

#[test]
fn more_data_files_than_can_be_open_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let prefix = scratch.path().join("x");
    let bytes = vec![3; 700 * 10];
    let mut writer = Writer::new(&prefix, &quick().max_shard_size(10)).unwrap();
    writer.add("x", DType::Uint8, &[700, 10], &bytes).unwrap();
    assert_eq!(writer.finish().unwrap().shards, 700);
    assert_eq!(Reader::open(&prefix).unwrap().get("x").unwrap().read().unwrap(), bytes);
    for options in
        [quick().shards(0), quick().shards(100_000), quick().alignment(0), quick().alignment(1 << 60), quick().max_shard_size(0)]
    {
        assert_eq!(Writer::new(&prefix, &options).err().unwrap().code(), Code::InvalidArgument);
    }
}
