//! The tests' own writer makes the very bytes that TensorFlow wrote.

mod common;

use common::bundle::{f32s, i32s, i64s, Bundle};
use common::ordered_code::{signed, slice_key};
use common::proto::Extent::{Full, Part};
use common::{crc, dtypes, payload, table, unhex, v1};

#[test]
fn checksums_are_those_of_the_format() {
    for (input, plain, masked) in [
        (&b""[..], 0, 0xa282_ead8),
        (b"123456789", 0xe306_9283, 0xc78a_b0e5),
        (&f32s(&[1.0, 2.0, 3.0]), 0x384d_e783, 0x7189_5b73),
    ] {
        assert_eq!(crc::extend(0, input), plain);
        assert_eq!(crc::masked(input), masked);
    }
    assert_eq!(crc::extend(crc::extend(0, b"1234"), b"56789"), 0xe306_9283);
}

#[test]
fn a_small_index_is_written_as_tensorflow_writes_it() {
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::FLOAT, &[3], &f32s(&[1.0, 2.0, 3.0]));
    bundle.tensor("s", dtypes::INT64, &[], &i64s(&[7]));
    bundle.tensor("z", dtypes::FLOAT, &[0, 3], &[]);
    let expected = unhex(
        "00 00 06               08011a020801
         00 01 0d 73            08091200200c280835bbd79f11
         00 01 0f 78            0801120412020803280c35735b8971
         00 01 11 7a            08011206120012020803201435d8ea82a2
         00000000 01000000      00 758d5117
         00000000 01000000      00 c0f2a1b0
         00 01 02 7b  00 4a     00000000 01000000   00 e1322167
         4f 08  5c 0e
         000000000000000000000000000000000000000000000000000000000000000000000000
         57fb808b247547db",
    );
    assert_eq!(expected.len(), 159);
    assert_eq!(common::hex(&bundle.index()), common::hex(&expected));
    assert_eq!(bundle.shards[0], unhex("0000803f 00000040 00004040 0700000000000000"));
}

#[test]
fn a_partitioned_bundle_has_tensorflows_records() {
    let mut bundle = Bundle::new();
    let (first, second) = (vec![Full, Part(0, 1)], vec![Full, Part(1, 9)]);
    bundle.slice("foo", dtypes::FLOAT, &[5, 10], &first, &[0; 20]);
    bundle.slice("foo", dtypes::FLOAT, &[5, 10], &second, &[0; 180]);
    bundle.partitioned("foo", dtypes::FLOAT, &[5, 10], &[first.clone(), second.clone()]);
    bundle.tensor("plain", dtypes::INT32, &[], &i32s(&[1]));
    let masked = |key: &[u8], field: &str| {
        // The example's values are not given, so its checksums cannot be computed.
        let mut bundle = bundle.clone();
        bundle.edit(key, |entry| {
            entry.masked_crc = Some(u32::from_le_bytes(unhex(field).try_into().unwrap()));
        });
        bundle.rows().into_iter().find(|row| row.0 == key).unwrap().1
    };
    let (first, second) = (slice_key(b"foo", &first), slice_key(b"foo", &second));
    assert_eq!(first, unhex("00666f6f00010102807f8081"));
    assert_eq!(second, unhex("00666f6f00010102807f8189"));
    assert_eq!(masked(&first, "dbaea48e"), unhex("0801 1208 12020805 12020801 2814 35 dbaea48e"));
    assert_eq!(masked(&second, "aca13126"), unhex("0801 1208 12020805 12020809 2014 28b401 35 aca13126"));
    let rows = bundle.rows();
    let value = |key: &[u8]| rows.iter().find(|row| row.0 == key).unwrap().1.clone();
    assert_eq!(value(b""), unhex("08011a020801"));
    assert_eq!(value(b"foo"), unhex("0801 1208 12020805 1202080a 3a06 0a00 0a021001 3a08 0a00 0a0408011009"));
    assert_eq!(value(b"plain"), unhex("0803 1200 20c801 2804 35 1d158265"));
}

#[test]
fn slice_keys_follow_ordered_code() {
    for (value, expected) in [
        (0, "80"),
        (-1, "7f"),
        (63, "bf"),
        (-64, "40"),
        (64, "c040"),
        (-65, "3fbf"),
        (8191, "dfff"),
        (-8192, "2000"),
        (8192, "e02000"),
        (-8193, "1fdfff"),
        (1 << 20, "f0100000"),
        (0x42_4242, "f0424242"),
        ((1 << 55) - 1, "ff7fffffffffffff"),
        (1 << 55, "ff8080000000000000"),
        (1 << 62, "ffc04000000000000000"),
        (i64::MAX, "ffc07fffffffffffffff"),
        (i64::MIN, "003f8000000000000000"),
        (-2048, "3800"),
    ] {
        assert_eq!(common::hex(&signed(value)), expected, "{value}");
    }
    assert_eq!(slice_key(b"v", &[]), unhex("0076000100"));
    assert_eq!(slice_key(b"v", &[Part(0, 5), Full]), unhex("0076000101028085807f"));
    assert_eq!(slice_key(&[0x00, 0xff, 0x13], &[]), unhex("00 00ff ff00 13 0001 00"));
}

#[test]
fn strings_and_variants_are_stored_as_tensorflow_stores_them() {
    for (elements, bytes, masked) in [
        (&[&b"a"[..], b"bc", b""][..], "01 02 00 abfbc9d8 61 6263", "adbfe42f"),
        (&[b"hello", b"world"], "05 05 b56f994f 68656c6c6f 776f726c64", "1b4cd607"),
        (&[b"hello"], "05 d9c69c43 68656c6c6f", "ece0c029"),
        (&[b""], "00 a67b113a", "bd6707be"),
        (&[], "d8ea82a2", "f6c10c64"),
    ] {
        let payload = payload::strings(elements, false);
        assert_eq!(payload.bytes, unhex(bytes));
        assert_eq!(payload.masked_crc.to_le_bytes().to_vec(), unhex(masked));
    }
    let list = tensor_list();
    let payload = payload::variants(&[&list]);
    assert_eq!(payload.bytes, [&unhex("46"), &list[..], &unhex("1d03ba44")].concat());
    assert_eq!(payload.masked_crc.to_le_bytes().to_vec(), unhex("aeca4a11"));
}

/// A list of two i32[2] tensors, as TensorFlow serialized it.
fn tensor_list() -> Vec<u8> {
    let mut bytes = unhex("0a16");
    bytes.extend(b"tensorflow::TensorList");
    bytes.extend(unhex("1210 0003ffffffffffffffffff0112020802"));
    bytes.extend(unhex("1a0c 0803 1204 12020802 3a020102"));
    bytes.extend(unhex("1a0c 0803 1204 12020802 3a020304"));
    assert_eq!(bytes.len(), 70);
    bytes
}

#[test]
fn a_v1_file_has_tensorflows_records() {
    let mut file = v1::File::new();
    file.tensor("s", dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[7])));
    file.tensor("w", dtypes::FLOAT, &[2], v1::values(dtypes::FLOAT, &f32s(&[1.5, -2.0])));
    file.tensor("z", dtypes::FLOAT, &[0, 3], v1::values(dtypes::FLOAT, &[]));
    let expected = [
        ("", "0a350a090a01731200180322000a0f0a0177120412020802180122020a000a130a017a1206120012020803180122040a000a0012020801"),
        ("0073000100", "120a0a017312001a033a0107"),
        ("007700010101807f", "12130a017712020a001a0a2a080000c03f000000c0"),
        ("007a00010102807f807f", "120b0a017a12040a000a001a00"),
    ];
    let rows = file.rows();
    assert_eq!(rows.len(), expected.len());
    for ((key, value), (expected_key, expected_value)) in rows.iter().zip(expected) {
        assert_eq!(common::hex(key), expected_key);
        assert_eq!(common::hex(value), expected_value);
    }
}

#[test]
fn separators_follow_the_single_step_rule() {
    for (a, b, expected) in [
        (&b"a"[..], &b"bbb"[..], &b"a"[..]),
        (b"a", b"c", b"b"),
        (b"abc", b"abq", b"abd"),
        (b"ab", b"abc", b"ab"),
        (b"a\xff", b"b", b"a\xff"),
    ] {
        assert_eq!(table::separator(a, b), expected);
    }
    for (a, expected) in [(&b"z"[..], &b"{"[..]), (b"\x00a", b"\x01"), (b"\xffa", b"\xffb"), (b"", b""), (b"\xff", b"\xff")] {
        assert_eq!(table::successor(a), expected);
    }
}

#[test]
fn a_real_index_of_many_tensors_is_written_byte_for_byte() {
    // Every fixture's index, rewritten from its own rows.
    for path in common::files::fixture_files() {
        let bytes = std::fs::read(&path).unwrap();
        let is_table = bytes.len() >= 48 && bytes.ends_with(&table::MAGIC.to_le_bytes());
        if is_table {
            let rows = common::naive::rows(&bytes);
            assert!(table::Style::default().write(&rows) == bytes, "{}", path.display());
        }
    }
}
