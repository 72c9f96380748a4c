//! Odd, but legal: none of these may be refused.

use checkpoint::{Code, Endianness, Reader, Reason, Verdict};
use tempfile::tempdir;

use crate::common::bundle::{f32s, i32s, shard_path, Bundle};
use crate::common::judge::{read_all, refuses_to_read, sound, verify, Value};
use crate::common::proto::Extent::Part;
use crate::common::proto::{self, varint};
use crate::common::rng::Rng;
use crate::common::table::Style;
use crate::common::{crc, dtypes, naive, payload};

#[test]
fn any_restart_interval_block_size_and_compression() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    for i in 0..500 {
        bundle.tensor(&format!("layer_{}/weights_{i}", i / 7), dtypes::INT32, &[], &i32s(&[i]));
    }
    let expected = sound(&bundle.write(scratch.path(), "plain"));
    assert_eq!(expected.len(), 500);
    for restart_interval in [1, 2, 3, 16, 1000] {
        for block_size in [1, 64, 4096, 262_144] {
            for snappy in [false, true] {
                bundle.style = Style { block_size, restart_interval, snappy };
                assert!(sound(&bundle.write(scratch.path(), "b")) == expected, "{restart_interval} {block_size} {snappy}");
            }
        }
    }
}

#[test]
fn any_number_of_shards() {
    let scratch = tempdir().unwrap();
    for shards in [1, 2, 9, 300] {
        let mut bundle = Bundle::sharded(shards);
        for shard in 0..shards {
            bundle.shard = shard;
            bundle.tensor(&format!("in_{shard}"), dtypes::INT32, &[1], &i32s(&[shard as i32]));
        }
        let prefix = bundle.write(scratch.path(), &format!("s{shards}"));
        let reader = Reader::open(&prefix).unwrap();
        assert_eq!(reader.shard_count() as usize, shards);
        for (key, tensor) in sound(&prefix) {
            let shard: u32 = std::str::from_utf8(&key[3..]).unwrap().parse().unwrap();
            assert_eq!(tensor.value, Value::Numbers(i32s(&[shard as i32])));
            assert_eq!(reader.get(&key).unwrap().shard(), Some(shard));
        }
    }
}

#[test]
fn shard_numbers_of_six_digits_and_more() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::INT32, &[], &i32s(&[5]));
    bundle.header = crate::common::bundle::header(1_234_567, false);
    bundle.edit("x", |entry| entry.shard = 123_456);
    let prefix = bundle.write(scratch.path(), "x");
    let data = scratch.path().join("x.data-123456-of-1234567");
    std::fs::rename(shard_path(&prefix, 0, 1), &data).unwrap();
    let reader = Reader::open(&prefix).unwrap();
    assert_eq!(reader.get("x").unwrap().read().unwrap(), i32s(&[5]));
    assert_eq!(reader.shard_path(123_456).unwrap(), data);
    assert_eq!(reader.shard_path(1_234_567), None);
}

#[test]
fn unused_shards_may_be_empty() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::sharded(3);
    bundle.tensor("x", dtypes::INT32, &[], &i32s(&[5]));
    assert_eq!(sound(&bundle.write(scratch.path(), "b")).len(), 1);
}

#[test]
fn a_bundle_of_nothing_but_its_header() {
    let scratch = tempdir().unwrap();
    let prefix = Bundle::new().write(scratch.path(), "b");
    assert!(sound(&prefix).is_empty());
    let reader = Reader::open(&prefix).unwrap();
    assert!(reader.is_empty() && reader.object_graph().unwrap().is_none());
}

#[test]
fn gaps_between_tensors() {
    let scratch = tempdir().unwrap();
    for alignment in [42, 64, 4096] {
        let mut bundle = Bundle::new();
        bundle.alignment = alignment;
        bundle.tensor("a", dtypes::FLOAT, &[3], &f32s(&[1.0, 2.0, 3.0]));
        bundle.strings("b", &[2], &[b"x", b"yz"]);
        bundle.tensor("c", dtypes::UINT8, &[], &[9]);
        bundle.variants("d", &[], &[b"variant"]);
        let prefix = bundle.write(scratch.path(), "b");
        let contents = sound(&prefix);
        assert_eq!(contents[&b"c"[..]].value, Value::Numbers(vec![9]));
        let reader = Reader::open(&prefix).unwrap();
        assert!(reader.tensors().all(|tensor| tensor.offset().unwrap() % alignment as u64 == 0));
    }
}

#[test]
fn order_and_extra_bytes_in_a_data_file() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("z", dtypes::INT32, &[2], &i32s(&[1, 2]));
    bundle.tensor("a", dtypes::INT32, &[2], &i32s(&[3, 4]));
    bundle.shards[0].extend(b"trailing");
    assert_eq!(sound(&bundle.write(scratch.path(), "a")).len(), 2);
    // Two records of the same bytes, and one across two others.
    bundle.put_numbers(b"again", dtypes::INT32, &[2], &i32s(&[1, 2]));
    bundle.edit("again", |entry| entry.offset = 0);
    let across = i32s(&[2, 3]);
    bundle.put_numbers(b"across", dtypes::INT32, &[2], &across);
    bundle.edit("across", |entry| entry.offset = 4);
    // No writer makes them, and verifying says so; but each can be read.
    let prefix = bundle.write(scratch.path(), "b");
    let contents = read_all(&prefix).unwrap();
    let found = verify(&prefix).unwrap();
    assert_eq!((found.verdict, found.problems[0].reason()), (Verdict::Damaged, Reason::Overlap));
    assert_eq!(contents[&b"again"[..]].value, contents[&b"z"[..]].value);
    assert_eq!(contents[&b"across"[..]].value, Value::Numbers(across));
}

#[test]
fn every_dtype_in_every_shape() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(1);
    for big_endian in [false, true] {
        let mut bundle = if big_endian { Bundle::big_endian() } else { Bundle::new() };
        let mut expected = Vec::new();
        for row in dtypes::fixed() {
            for shape in [&[][..], &[3], &[2, 0, 3], &[2, 3, 4], &[1, 1, 1, 1, 1, 1, 1, 1, 1, 2]] {
                let elements: i64 = shape.iter().product();
                let bytes = rng.bytes(elements as usize * row.size);
                let key = format!("{}{shape:?}", row.name);
                bundle.tensor(&key, row.number, shape, &bytes);
                expected.push((key, row.number, shape.to_vec(), bytes));
            }
        }
        let prefix = bundle.write(scratch.path(), "b");
        let contents = sound(&prefix);
        assert_eq!(contents.len(), 30 * 5);
        for (key, dtype, shape, bytes) in expected {
            let tensor = &contents[key.as_bytes()];
            assert_eq!((tensor.dtype, &tensor.shape, &tensor.value), (dtype, &shape, &Value::Numbers(bytes)), "{key}");
        }
        let reader = Reader::open(&prefix).unwrap();
        assert_eq!(reader.endianness(), if big_endian { Endianness::Big } else { Endianness::Little });
    }
}

#[test]
fn dtypes_have_tensorflows_names_and_sizes() {
    use checkpoint::DType;
    for number in 0..200 {
        let row = dtypes::ALL.iter().find(|row| row.number == number);
        let dtype = DType::from_number(number);
        assert_eq!(dtype.is_some(), row.is_some(), "{number}");
        let (Some(row), Some(dtype)) = (row, dtype) else { continue };
        assert_eq!((dtype.number(), dtype.name(), dtype.enum_name()), (number, row.name, row.enum_name));
        assert_eq!(dtype.size().unwrap_or(0), row.size, "{}", row.name);
        assert_eq!(DType::from_name(row.name), Some(dtype));
    }
    assert_eq!(DType::from_name("float"), None);
    assert_eq!(DType::from_name(""), None);
}

#[test]
fn strings_of_every_kind_in_both_byte_orders() {
    let scratch = tempdir().unwrap();
    let long = vec![b'c'; 1 << 20];
    type Case<'a> = (&'a str, &'a [i64], Vec<&'a [u8]>);
    let cases: [Case<'_>; 7] = [
        ("scalar", &[], vec![b"hello"]),
        ("empty", &[], vec![b""]),
        ("none", &[0], vec![]),
        ("none of many", &[3, 0, 5], vec![]),
        ("mixed", &[2, 2], vec![b"hello", b"", b"\x00\xff", &long]),
        ("boundaries", &[4], vec![&long[..127], &long[..128], &long[..16_383], &long[..16_384]]),
        ("many", &[1000], vec![b"x"; 1000]),
    ];
    for big_endian in [false, true] {
        let mut bundle = if big_endian { Bundle::big_endian() } else { Bundle::new() };
        for (key, shape, elements) in &cases {
            bundle.strings(key, shape, elements);
        }
        let contents = sound(&bundle.write(scratch.path(), "b"));
        for (key, shape, elements) in &cases {
            let tensor = &contents[key.as_bytes()];
            let strings: Vec<Vec<u8>> = elements.iter().map(|element| element.to_vec()).collect();
            assert_eq!((&tensor.shape[..], &tensor.value), (*shape, &Value::Strings(strings)), "{key}");
        }
    }
}

#[test]
fn string_lengths_need_not_be_minimal() {
    let scratch = tempdir().unwrap();
    let mut stored = vec![0x83, 0x00];
    let crc = crc::extend(0, &3_u32.to_le_bytes());
    let checksum = crc::mask(crc).to_le_bytes();
    stored.extend(checksum);
    stored.extend(b"abc");
    let mut bundle = Bundle::new();
    bundle.put(b"s", dtypes::STRING, &[], &stored, crc::mask(crc::extend(crc::extend(crc, &checksum), b"abc")));
    let contents = sound(&bundle.write(scratch.path(), "b"));
    assert_eq!(contents[&b"s"[..]].value, Value::Strings(vec![b"abc".to_vec()]));
}

#[test]
fn lengths_are_hashed_as_numbers_of_four_bytes() {
    // As the comments upstream have it, eight bytes each: no file is like that, and none may pass.
    let scratch = tempdir().unwrap();
    let mut stored = varint(3);
    let crc = crc::extend(0, &3_u64.to_le_bytes());
    let checksum = crc::mask(crc).to_le_bytes();
    stored.extend(checksum);
    stored.extend(b"abc");
    let mut bundle = Bundle::new();
    bundle.put(b"s", dtypes::STRING, &[], &stored, crc::mask(crc::extend(crc::extend(crc, &checksum), b"abc")));
    refuses_to_read(&bundle.write(scratch.path(), "b"), "s", Code::DataLoss);
}

#[test]
fn no_strings_may_take_no_bytes() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.put(b"s", dtypes::STRING, &[0], &[], crc::masked(&[]));
    let contents = sound(&bundle.write(scratch.path(), "b"));
    assert_eq!(contents[&b"s"[..]].value, Value::Strings(vec![]));
}

#[test]
fn variants_are_arrays_of_serialized_elements() {
    let scratch = tempdir().unwrap();
    let long = vec![7; 100_000];
    let mut bundle = Bundle::new();
    bundle.variants("one", &[], &[b"\x0a\x03abc"]);
    bundle.variants("none", &[0, 2], &[]);
    bundle.variants("empty", &[2], &[b"", b""]);
    bundle.variants("many", &[2, 2], &[b"a", b"", &long, b"bc"]);
    let contents = sound(&bundle.write(scratch.path(), "b"));
    let strings = |elements: &[&[u8]]| Value::Strings(elements.iter().map(|element| element.to_vec()).collect());
    assert_eq!(contents[&b"one"[..]].value, strings(&[b"\x0a\x03abc"]));
    assert_eq!(contents[&b"none"[..]].value, strings(&[]));
    assert_eq!(contents[&b"empty"[..]].value, strings(&[b"", b""]));
    assert_eq!(contents[&b"many"[..]].value, strings(&[b"a", b"", &long, b"bc"]));
    assert_eq!(payload::variants(&[]).bytes, b"");
}

#[test]
fn variants_of_the_other_byte_order_are_not_implemented() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::big_endian();
    bundle.variants("v", &[], &[b"abc"]);
    bundle.tensor("x", dtypes::INT32, &[], &i32s(&[7]));
    let prefix = bundle.write(scratch.path(), "b");
    refuses_to_read(&prefix, "v", Code::Unimplemented);
    // The rest of the bundle is none the worse.
    assert_eq!(Reader::open(&prefix).unwrap().get("x").unwrap().read().unwrap(), i32s(&[7]));
}

#[test]
fn slices_of_no_elements() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    let extents = vec![proto::Extent::Full, Part(0, 5)];
    let rest = vec![proto::Extent::Full, Part(5, 5)];
    bundle.partitioned("t", dtypes::FLOAT, &[0, 10], &[extents.clone(), rest.clone()]);
    bundle.slice("t", dtypes::FLOAT, &[0, 10], &extents, &[]);
    bundle.slice("t", dtypes::FLOAT, &[0, 10], &rest, &[]);
    let contents = sound(&bundle.write(scratch.path(), "b"));
    assert_eq!(contents[&b"t"[..]].value, Value::Numbers(vec![]));
}

#[test]
fn keys_that_begin_like_slices_but_belong_to_no_tensor() {
    // An orphan of a partitioned tensor is a tensor of its own: nothing lists it.
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.slice("lost", dtypes::FLOAT, &[4], &[Part(0, 2)], &f32s(&[1.0, 2.0]));
    bundle.tensor("x", dtypes::INT32, &[], &i32s(&[1]));
    let contents = sound(&bundle.write(scratch.path(), "b"));
    assert_eq!(contents.len(), 2);
    assert_eq!(naive::rows(&bundle.index()).len(), 3);
}

#[test]
fn keys_of_any_length() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    let keys: Vec<Vec<u8>> = [1, 127, 128, 16_384, 300_000, 600_000].map(|length| vec![b'k'; length]).to_vec();
    for key in &keys {
        bundle.put_numbers(key, dtypes::INT32, &[], &i32s(&[key.len() as i32]));
    }
    let contents = sound(&bundle.write(scratch.path(), "b"));
    assert!(contents.keys().eq(&keys));
}

#[test]
fn bool_bytes_are_given_as_stored() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("b", dtypes::BOOL, &[4], &[0, 1, 2, 255]);
    let contents = sound(&bundle.write(scratch.path(), "b"));
    assert_eq!(contents[&b"b"[..]].value, Value::Numbers(vec![0, 1, 2, 255]));
}
