//! V1 files: what their metadata and values must be.

use checkpoint::{Code, Format, Reader, Reason};
use tempfile::tempdir;

use crate::common::bundle::{f32s, i32s, Bundle};
use crate::common::judge::{problems, read, read_all, refuses_to_open, refuses_to_read, slice, sound, Value};
use crate::common::ordered_code::slice_key;
use crate::common::proto::Extent::{Full, Part};
use crate::common::proto::{self, full, varint, Message};
use crate::common::rng::Rng;
use crate::common::table::{Block, Style, TableFile};
use crate::common::v1::{string_values, values, File, DTYPES};
use crate::common::{dtypes, naive};

fn small() -> File {
    let mut file = File::new();
    file.tensor("t", dtypes::FLOAT, &[4], values(dtypes::FLOAT, &f32s(&[1.0, 2.0, 3.0, 4.0])));
    file
}

/// Float [4] in two halves.
fn halves() -> File {
    let mut file = File::new();
    for start in [0, 2] {
        let bytes = f32s(&[start as f32, start as f32 + 1.0]);
        file.slice("t", dtypes::FLOAT, &[4], &[Part(start, 2)], values(dtypes::FLOAT, &bytes));
    }
    file
}

#[test]
fn every_dtype_in_every_shape() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(2);
    let mut file = File::new();
    let mut expected = Vec::new();
    for dtype in DTYPES {
        let row = dtypes::of(dtype);
        for shape in [&[][..], &[3], &[2, 0, 3], &[2, 3, 4], &[1, 1, 1, 1, 1, 1, 1, 1, 1, 2]] {
            let elements: i64 = shape.iter().product();
            let mut bytes = rng.bytes(elements as usize * row.size);
            if dtype == dtypes::BOOL {
                bytes.iter_mut().for_each(|byte| *byte &= 1);
            }
            let name = format!("{}{shape:?}", row.name);
            file.tensor(&name, dtype, shape, values(dtype, &bytes));
            expected.push((name, dtype, shape.to_vec(), Value::Numbers(bytes)));
        }
    }
    let words: [&[u8]; 3] = [b"to", b"", b"\x00be"];
    file.tensor("words", dtypes::STRING, &[3], string_values(&words));
    expected.push(("words".into(), dtypes::STRING, vec![3], Value::Strings(words.map(<[u8]>::to_vec).to_vec())));
    for style in [Style::default(), Style { block_size: 100, restart_interval: 2, snappy: true }] {
        file.style = style;
        let path = file.write(scratch.path(), "old");
        assert_eq!(Reader::open(&path).unwrap().format(), Format::V1);
        let contents = sound(&path);
        assert_eq!(contents.len(), expected.len());
        for (name, dtype, shape, value) in &expected {
            let tensor = &contents[name.as_bytes()];
            assert_eq!((tensor.dtype, &tensor.shape, &tensor.value), (*dtype, shape, value), "{name}");
        }
    }
}

#[test]
fn special_values_survive() {
    let scratch = tempdir().unwrap();
    let floats = f32s(&[f32::NAN, f32::INFINITY, -0.0, 1e-45]);
    let halves: Vec<u8> = [0x3c00_u16, 0x7e01, 0xfc00, 0x8000].iter().flat_map(|bits| bits.to_le_bytes()).collect();
    let longs: Vec<u8> = [i64::MIN, -1, 0, i64::MAX].iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut file = File::new();
    for (name, dtype, bytes) in [("f", dtypes::FLOAT, &floats), ("h", dtypes::HALF, &halves), ("l", dtypes::INT64, &longs)] {
        file.tensor(name, dtype, &[4], values(dtype, bytes));
    }
    let contents = sound(&file.write(scratch.path(), "old"));
    assert_eq!(contents[&b"f"[..]].value, Value::Numbers(floats));
    assert_eq!(contents[&b"h"[..]].value, Value::Numbers(halves));
    assert_eq!(contents[&b"l"[..]].value, Value::Numbers(longs));
}

#[test]
fn partitioned_tensors_are_put_together() {
    let scratch = tempdir().unwrap();
    let path = halves().write(scratch.path(), "old");
    assert_eq!(sound(&path)[&b"t"[..]].value, Value::Numbers(f32s(&[0.0, 1.0, 2.0, 3.0])));
    let reader = Reader::open(&path).unwrap();
    let tensor = reader.get("t").unwrap();
    assert_eq!(tensor.slices().len(), 2);
    assert_eq!(tensor.read_slice(&slice(&[Part(1, 2)])).unwrap(), f32s(&[1.0, 2.0]));
}

#[test]
fn tensors_partitioned_over_shards_are_put_together() {
    let scratch = tempdir().unwrap();
    for (shard, start) in [2, 0].into_iter().enumerate() {
        let mut file = File::new();
        let bytes = f32s(&[start as f32, start as f32 + 1.0]);
        file.slice("t", dtypes::FLOAT, &[4], &[Part(start, 2)], values(dtypes::FLOAT, &bytes));
        file.tensor(&format!("own{shard}"), dtypes::INT32, &[], values(dtypes::INT32, &i32s(&[start as i32])));
        file.write(scratch.path(), &format!("m-{shard:05}-of-00002"));
    }
    let pattern = scratch.path().join("m-?????-of-00002");
    let contents = sound(&pattern);
    assert_eq!(contents.len(), 3);
    assert_eq!(contents[&b"t"[..]].value, Value::Numbers(f32s(&[0.0, 1.0, 2.0, 3.0])));
    assert_eq!(Reader::open(&pattern).unwrap().shard_count(), 2);
}

#[test]
fn shards_must_agree_on_dtype_and_shape_and_not_overlap() {
    let scratch = tempdir().unwrap();
    for (dtype, shape, extents) in [
        (dtypes::INT32, vec![4], vec![Part(2, 2)]),
        (dtypes::FLOAT, vec![5], vec![Part(2, 2)]),
        (dtypes::FLOAT, vec![4, 1], vec![Part(2, 2), Full]),
        (dtypes::FLOAT, vec![4], vec![Part(1, 2)]),
        (dtypes::FLOAT, vec![4], vec![Part(0, 2)]),
        (dtypes::FLOAT, vec![4], vec![Full]),
    ] {
        let elements: i64 = shape.iter().zip(&extents).map(|(&size, extent)| extent.within(size).1).product();
        let bytes = vec![0; 4 * elements as usize];
        let mut first = File::new();
        first.slice("t", dtypes::FLOAT, &[4], &[Part(0, 2)], values(dtypes::FLOAT, &[0; 8]));
        first.write(scratch.path(), "m-00000-of-00002");
        let mut second = File::new();
        second.slice("t", dtype, &shape, &extents, values(dtype, &bytes));
        second.write(scratch.path(), "m-00001-of-00002");
        let error = Reader::open(scratch.path().join("m-?????-of-00002")).and_then(|reader| reader.get("t")?.read());
        let error = error.unwrap_err();
        assert_eq!((error.code(), error.tensor()), (Code::DataLoss, Some(&b"t"[..])), "{shape:?} {extents:?}: {error}");
    }
}

#[test]
fn overlapping_slices_are_refused() {
    let scratch = tempdir().unwrap();
    for extents in [Part(0, 2), Part(1, 2), Full] {
        let mut file = File::new();
        file.slice("t", dtypes::FLOAT, &[4], &[Part(0, 2)], values(dtypes::FLOAT, &[0; 8]));
        let length = extents.within(4).1 as usize;
        file.slice("t", dtypes::FLOAT, &[4], &[extents], values(dtypes::FLOAT, &vec![0; 4 * length]));
        if extents == Part(0, 2) {
            // One record, listed twice.
            file.tensors[0].slices[1].1 = None;
        }
        let path = file.write(scratch.path(), "old");
        let error = Reader::open(&path).and_then(|reader| reader.get("t")?.read()).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::Overlap), "{error}");
    }
}

#[test]
fn one_tensor_listed_twice_in_a_file_is_refused_or_joined() {
    // Its slices in two lists are still its slices; the same slice in both overlaps.
    let scratch = tempdir().unwrap();
    let mut file = halves();
    let mut twin = file.tensors[0].clone();
    file.tensors[0].slices.truncate(1);
    twin.slices.remove(0);
    file.tensors.push(twin);
    let path = file.write(scratch.path(), "old");
    match Reader::open(&path) {
        Ok(reader) => assert_eq!(reader.get("t").unwrap().read().unwrap(), f32s(&[0.0, 1.0, 2.0, 3.0])),
        Err(error) => assert_eq!(error.code(), Code::DataLoss, "{error}"),
    }
    file.tensors[1] = file.tensors[0].clone();
    file.tensors[1].slices[0].1 = None;
    let path = file.write(scratch.path(), "old");
    let error = Reader::open(&path).and_then(|reader| reader.get("t")?.read()).unwrap_err();
    assert_eq!(error.code(), Code::DataLoss, "{error}");
}

#[test]
fn gaps_are_named_when_they_are_asked_for() {
    let scratch = tempdir().unwrap();
    let mut file = halves();
    file.tensors[0].slices.remove(0);
    let path = file.write(scratch.path(), "old");
    let reader = Reader::open(&path).unwrap();
    let tensor = reader.get("t").unwrap();
    assert_eq!(tensor.read_slice(&slice(&[Part(2, 2)])).unwrap(), f32s(&[2.0, 3.0]));
    let error = tensor.read().unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Gap), "{error}");
}

#[test]
fn a_listed_slice_without_a_record_is_not_found() {
    let scratch = tempdir().unwrap();
    let mut file = halves();
    file.tensors[0].slices[1].1 = None;
    let path = file.write(scratch.path(), "old");
    refuses_to_read(&path, "t", Code::NotFound).in_file("old");
}

#[test]
fn metadata_must_be_there_and_parse() {
    let scratch = tempdir().unwrap();
    let listed = |tensor: Message| Message::new().message(1, Message::new().message(1, tensor)).0;
    for (what, meta) in [
        ("cut off", b"\x0a\x7f".to_vec()),
        ("no message", b"\xff".to_vec()),
        ("a shape that does not parse", listed(Message::new().bytes(1, b"u").bytes(2, b"\x12\x03\x08"))),
        ("a slice that does not parse", listed(Message::new().bytes(1, b"u").int(3, 1).bytes(4, b"\x0a\x03\x08"))),
    ] {
        let mut file = small();
        file.meta = Some(meta);
        let path = file.write(scratch.path(), "old");
        let error = Reader::open(&path).err().unwrap_or_else(|| panic!("{what} was opened"));
        assert_eq!(error.code(), Code::DataLoss, "{what}: {error}");
        refuses_to_open(&path, Code::DataLoss).in_file("old");
    }
    // Without a block, without an entry.
    let mut empty = TableFile::default();
    let handle = empty.block(&Block::new(16).finish());
    for bytes in [TableFile::default().finish(&[]), empty.finish(&[(b"\x01".to_vec(), handle)])] {
        let path = scratch.path().join("empty");
        std::fs::write(&path, bytes).unwrap();
        refuses_to_open(&path, Code::DataLoss).in_file("empty");
    }
    // Its record under another key.
    let mut rows = small().rows();
    rows[0].0 = b"\x00".to_vec();
    let path = scratch.path().join("elsewhere");
    std::fs::write(&path, Style::default().write(&rows)).unwrap();
    refuses_to_open(&path, Code::DataLoss).in_file("elsewhere");
    // Without the record "".
    let mut table = TableFile::default();
    let mut block = Block::new(16);
    for (key, value) in &small().rows()[1..] {
        block.add(key, value);
    }
    let handle = table.block(&block.finish());
    let path = scratch.path().join("headless");
    std::fs::write(&path, table.finish(&[(b"\x01".to_vec(), handle)])).unwrap();
    refuses_to_open(&path, Code::DataLoss).in_file("headless");
}

#[test]
fn versions_are_those_this_reader_may_read() {
    let scratch = tempdir().unwrap();
    for (version, accepted) in [
        (None, true),
        (Some(proto::version(0, 0, &[])), true),
        (Some(proto::version(999, 1, &[2])), true),
        (Some(proto::version(-1, 0, &[])), false),
        (Some(proto::version(1, 2, &[])), false),
        (Some(proto::version(1, 0, &[1])), false),
    ] {
        let mut file = small();
        file.version = version;
        let path = file.write(scratch.path(), "old");
        if accepted {
            sound(&path);
        } else {
            refuses_to_open(&path, Code::InvalidArgument).in_file("old").because(Reason::Version);
        }
    }
}

#[test]
fn dtypes_that_v1_cannot_hold_are_refused() {
    let scratch = tempdir().unwrap();
    for dtype in [0, 14, 15, 16, 20, 21, 24, 29, 34, 101, u64::MAX] {
        let mut file = File::new();
        // Values of two fields, whichever might be looked at.
        let data = values(dtypes::FLOAT, &[0; 16]).raw(&string_values(&[b"a", b"b", b"c", b"d"]).0);
        file.tensor("t", dtypes::FLOAT, &[4], data).tensors[0].dtype = dtype;
        let path = file.write(scratch.path(), "old");
        let error = Reader::open(&path).and_then(|reader| read(reader.get("t")?)).err();
        let error = error.unwrap_or_else(|| panic!("dtype {dtype} was read"));
        assert!(matches!(error.code(), Code::DataLoss | Code::Unimplemented), "{dtype}: {error}");
        assert_eq!(error.tensor(), Some(&b"t"[..]), "{error}");
    }
}

#[test]
fn the_count_of_values_must_be_exact() {
    let scratch = tempdir().unwrap();
    for (what, data) in [
        ("three of four", values(dtypes::FLOAT, &[0; 12])),
        ("five of four", values(dtypes::FLOAT, &[0; 20])),
        ("none", Message::new()),
        ("not a whole number", Message::new().bytes(5, &[0; 15])),
        ("in tensor_content", Message::new().bytes(4, &[0; 16])),
        ("in the field of another dtype", values(dtypes::DOUBLE, &[0; 32])),
        ("cut off", Message::new().raw(b"\x2a\x10\x00")),
    ] {
        let mut file = File::new();
        let path = file.tensor("t", dtypes::FLOAT, &[4], data).write(scratch.path(), "old");
        let error = Reader::open(&path).and_then(|reader| reader.get("t")?.read()).err();
        let error = error.unwrap_or_else(|| panic!("{what} was read"));
        assert_eq!(error.code(), Code::DataLoss, "{what}: {error}");
        refuses_to_read(&path, "t", Code::DataLoss).in_file("old");
    }
    for strings in [&[][..], &[&b"a"[..]], &[b"a", b"b", b"c"]] {
        let mut file = File::new();
        let path = file.tensor("s", dtypes::STRING, &[2], string_values(strings)).write(scratch.path(), "old");
        refuses_to_read(&path, "s", Code::DataLoss).in_file("old").expected("2", &strings.len().to_string());
    }
}

#[test]
fn values_out_of_range_are_refused() {
    // TensorFlow cuts them off: 300 becomes 44.
    let scratch = tempdir().unwrap();
    let packed = |field, value: i64| Message::new().bytes(field, &varint(value as u64));
    for (dtype, field, low, high) in [
        (dtypes::UINT8, 7, 0, 255),
        (dtypes::QUINT8, 7, 0, 255),
        (dtypes::INT8, 7, -128, 127),
        (dtypes::QINT8, 7, -128, 127),
        (dtypes::INT16, 7, -32_768, 32_767),
        (dtypes::UINT16, 7, 0, 65_535),
        (dtypes::HALF, 13, 0, 65_535),
        (dtypes::INT32, 7, i64::from(i32::MIN), i64::from(i32::MAX)),
        (dtypes::QINT32, 7, i64::from(i32::MIN), i64::from(i32::MAX)),
        (dtypes::UINT32, 16, 0, i64::from(u32::MAX)),
        (dtypes::BOOL, 11, 0, 1),
    ] {
        let size = dtypes::of(dtype).size;
        for value in [low, high] {
            let path = File::new().tensor("t", dtype, &[], packed(field, value)).write(scratch.path(), "old");
            let expected = value.to_le_bytes()[..size].to_vec();
            assert_eq!(sound(&path)[&b"t"[..]].value, Value::Numbers(expected), "{value} as {dtype}");
        }
        for value in [low - 1, high + 1, i64::MAX, i64::MIN] {
            let path = File::new().tensor("t", dtype, &[], packed(field, value)).write(scratch.path(), "old");
            refuses_to_read(&path, "t", Code::DataLoss).in_file("old");
        }
    }
}

#[test]
fn unpacked_and_mixed_encodings_are_read() {
    let scratch = tempdir().unwrap();
    let ints = Message::new().varint(7, 1).varint(7, 2).bytes(7, &[3, 4]);
    let floats = Message::new().fixed32(5, 1.0_f32.to_bits()).bytes(5, &f32s(&[2.0, 3.0])).fixed32(5, 4.0_f32.to_bits());
    let mut file = File::new();
    file.tensor("i", dtypes::INT32, &[4], ints).tensor("f", dtypes::FLOAT, &[4], floats);
    let contents = sound(&file.write(scratch.path(), "old"));
    assert_eq!(contents[&b"i"[..]].value, Value::Numbers(i32s(&[1, 2, 3, 4])));
    assert_eq!(contents[&b"f"[..]].value, Value::Numbers(f32s(&[1.0, 2.0, 3.0, 4.0])));
}

#[test]
fn the_names_within_records_are_not_looked_at() {
    let scratch = tempdir().unwrap();
    let file = small();
    let mut rows = file.rows();
    let data = Message::new().bytes(1, b"other").message(2, proto::slice(&[Part(0, 1)]));
    let data = data.message(3, values(dtypes::FLOAT, &f32s(&[1.0, 2.0, 3.0, 4.0])));
    rows[1].1 = Message::new().message(2, data).0;
    let path = scratch.path().join("old");
    std::fs::write(&path, file.style.write(&rows)).unwrap();
    assert_eq!(sound(&path)[&b"t"[..]].value, Value::Numbers(f32s(&[1.0, 2.0, 3.0, 4.0])));
}

#[test]
fn damaged_tables_are_found() {
    let scratch = tempdir().unwrap();
    let mut file = File::new();
    file.style.block_size = 200;
    for i in 0..60 {
        file.tensor(&format!("t{i:02}"), dtypes::INT32, &[], values(dtypes::INT32, &i32s(&[i])));
    }
    let bytes = file.bytes();
    let path = scratch.path().join("old");
    for at in (0..bytes.len() - 60).step_by(53) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        std::fs::write(&path, damaged).unwrap();
        let error = read_all(&path).err();
        let error = error.unwrap_or_else(|| panic!("byte {at} was not missed"));
        assert_eq!(error.code(), Code::DataLoss, "byte {at}: {error}");
        assert!(!problems(&path).is_empty(), "byte {at}");
    }
}

#[test]
fn unsorted_keys_are_found() {
    let scratch = tempdir().unwrap();
    let mut file = File::new();
    for name in ["b", "a"] {
        file.tensor(name, dtypes::INT32, &[], values(dtypes::INT32, &i32s(&[1])));
    }
    file.sorted = false;
    let path = file.write(scratch.path(), "old");
    // Opening reads the first record alone. A tensor that is still found has the right value.
    assert!(problems(&path).iter().any(|problem| problem.code() == Code::DataLoss));
    if let Ok(contents) = read_all(&path) {
        assert_eq!(contents[&b"a"[..]].value, Value::Numbers(i32s(&[1])));
    }
}

#[test]
fn unsorted_index_blocks_are_refused() {
    let scratch = tempdir().unwrap();
    let rows = halves().rows();
    let mut table = TableFile::default();
    let mut handles = Vec::new();
    for ((key, value), separator) in rows.iter().zip([&b"\x02"[..], b"\x01", b"\x03"]) {
        let mut block = Block::new(16);
        block.add(key, value);
        handles.push((separator.to_vec(), table.block(&block.finish())));
    }
    let path = scratch.path().join("old");
    std::fs::write(&path, table.finish(&handles)).unwrap();
    refuses_to_open(&path, Code::DataLoss).in_file("old");
}

#[test]
fn keys_beyond_what_the_index_block_says_are_found() {
    let scratch = tempdir().unwrap();
    let rows = halves().rows();
    let mut block = Block::new(16);
    for (key, value) in &rows {
        block.add(key, value);
    }
    let mut table = TableFile::default();
    let handle = table.block(&block.finish());
    let path = scratch.path().join("old");
    std::fs::write(&path, table.finish(&[(rows[1].0.clone(), handle)])).unwrap();
    assert!(problems(&path).iter().any(|problem| problem.code() == Code::DataLoss));
}

#[test]
fn a_v2_index_is_no_v1_file() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::INT32, &[], &i32s(&[1]));
    let index = bundle.index();
    std::fs::write(scratch.path().join("b"), &index).unwrap();
    // Under a name without ".index" it can only be a V1 file, and its records fit none.
    refuses_to_open(&scratch.path().join("b"), Code::DataLoss).in_file("b");
    assert_eq!(naive::rows(&index).len(), 2);
    assert_ne!(slice_key(b"x", &full(0)), b"x");
}
