//! What opening a bundle checks of its index, in that order, and which versions it accepts.

use checkpoint::{Code, Endianness, Reader, Reason};
use tempfile::tempdir;

use crate::common::bundle::{f32s, header, i32s, Bundle};
use crate::common::judge::{read_all, refuses_to_open, sound, Value};
use crate::common::proto::Extent::{Full, Part};
use crate::common::proto::{self, Message};
use crate::common::rng::Rng;
use crate::common::table::{Block, Handle, TableFile};
use crate::common::{dtypes, naive};

fn small() -> Bundle {
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::FLOAT, &[3], &f32s(&[1.0, 2.0, 3.0]));
    bundle.tensor("y", dtypes::INT32, &[], &i32s(&[4]));
    bundle
}

/// Writes the small bundle's rows into blocks as given, each with its index key.
fn in_blocks(blocks: &[(&[u8], &[usize])]) -> Vec<u8> {
    let rows = small().rows();
    let mut file = TableFile::default();
    let mut handles = Vec::new();
    for (separator, members) in blocks {
        let mut block = Block::new(1);
        for &member in *members {
            let (key, value) = &rows[member];
            block.add(key, value);
        }
        handles.push((separator.to_vec(), file.block(&block.finish())));
    }
    file.finish(&handles)
}

#[test]
fn every_fault_is_found_in_the_order_of_the_checks() {
    // Each file has the fault of its row and all those below it; the first is the one reported.
    let scratch = tempdir().unwrap();
    let mut bundle = small();
    bundle.header = header(0, false);
    bundle.edit("x", |entry| entry.dtype = 77);
    let index = bundle.index();
    let damage = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = index.clone();
        change(&mut bytes);
        bytes
    };
    let end = index.len();
    let break_block = |bytes: &mut Vec<u8>| bytes[1] ^= 1;
    let break_handle =
        |bytes: &mut Vec<u8>| bytes[end - 48..end - 38].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 8, 0xff, 0xff, 0xff, 0x7f, 8]);
    for (word, bytes) in [
        ("48", damage(&|bytes| bytes.truncate(40))),
        ("magic", damage(&|bytes| (break_block(bytes), break_handle(bytes), bytes[end - 1] ^= 1).0)),
        ("block", damage(&|bytes| (break_block(bytes), break_handle(bytes)).0)),
        ("checksum", damage(&|bytes| break_block(bytes))),
        ("header", index.clone()),
    ] {
        let prefix = bundle.write_with_index(scratch.path(), "b", &bytes);
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").says(word);
    }
    bundle.header = header(1, false);
    refuses_to_open(&bundle.write(scratch.path(), "b"), Code::DataLoss).for_key("x");
}

#[test]
fn keys_increase_strictly_over_the_whole_table() {
    let scratch = tempdir().unwrap();
    for (what, blocks, accepted) in [
        ("one block", &[(&b"z"[..], &[0, 1, 2][..])][..], true),
        ("three blocks", &[(b"", &[0]), (b"x", &[1]), (b"z", &[2])], true),
        ("shortened separators", &[(b"a", &[0]), (b"xx", &[1]), (b"z", &[2])], true),
        ("unsorted in a block", &[(b"z", &[0, 2, 1])], false),
        ("twice in a block", &[(b"z", &[0, 1, 1, 2])], false),
        ("twice over two blocks", &[(b"x", &[0, 1]), (b"z", &[1, 2])], false),
        ("unsorted over blocks", &[(b"y", &[0, 2]), (b"z", &[1])], false),
        ("the header twice", &[(b"z", &[0, 0, 1, 2])], false),
        ("the header last", &[(b"z", &[1, 2, 0])], false),
        ("no header", &[(b"z", &[1, 2])], false),
        ("an empty block between", &[(b"x", &[0, 1]), (b"xx", &[]), (b"z", &[2])], true),
        ("a separator below its block", &[(b"w", &[0, 1]), (b"z", &[2])], false),
        ("a separator above the next block", &[(b"y", &[0, 1]), (b"z", &[2])], false),
        ("separators out of order", &[(b"z", &[0, 1]), (b"y", &[2])], false),
        ("separators out of order around no entry", &[(b"z", &[0, 1, 2]), (b"y", &[])], false),
        ("one separator twice", &[(b"z", &[0, 1, 2]), (b"z", &[])], false),
    ] {
        let prefix = small().write_with_index(scratch.path(), "b", &in_blocks(blocks));
        match Reader::open(&prefix) {
            Ok(reader) => {
                assert!(accepted, "{what} was opened");
                assert_eq!(reader.len(), 2, "{what}");
            }
            Err(error) => {
                assert!(!accepted, "{what}: {error}");
                assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::Malformed), "{what}: {error}");
                assert!(error.file().unwrap().ends_with("b.index"), "{what}: {error}");
            }
        }
    }
}

#[test]
fn index_entries_must_be_handles() {
    let scratch = tempdir().unwrap();
    let mut block = Block::new(16);
    for (key, value) in small().rows() {
        block.add(&key, &value);
    }
    let block = block.finish();
    for (value, accepted) in [
        (Handle { offset: 0, size: block.len() as u64 }.encode(), true),
        // Bytes after the handle are tolerated by TensorFlow.
        ([&Handle { offset: 0, size: block.len() as u64 }.encode()[..], b"more"].concat(), true),
        (vec![], false),
        (vec![0], false),
        (vec![0x80], false),
        (vec![0, 0x80], false),
        ([&[0x80; 10][..], &[1, 1]].concat(), false),
        (Handle { offset: 1, size: block.len() as u64 }.encode(), false),
        (Handle { offset: 0, size: block.len() as u64 - 1 }.encode(), false),
    ] {
        let mut file = TableFile::default();
        file.block(&block);
        let metaindex = file.block(&Block::new(1).finish());
        let mut index = Block::new(1);
        index.add(b"\xff", &value);
        let index = file.block(&index.finish());
        let prefix = small().write_with_index(scratch.path(), "b", &file.footer(metaindex, index));
        if accepted {
            sound(&prefix);
        } else {
            refuses_to_open(&prefix, Code::DataLoss).in_file("b.index");
        }
    }
}

#[test]
fn one_block_listed_twice_is_refused() {
    let scratch = tempdir().unwrap();
    let mut block = Block::new(16);
    for (key, value) in small().rows() {
        block.add(&key, &value);
    }
    let mut file = TableFile::default();
    let handle = file.block(&block.finish());
    let index = file.finish(&[(b"y".to_vec(), handle), (b"z".to_vec(), handle)]);
    refuses_to_open(&small().write_with_index(scratch.path(), "b", &index), Code::DataLoss).in_file("b.index");
}

#[test]
fn headers_say_little_or_big() {
    let scratch = tempdir().unwrap();
    for (endianness, expected) in
        [(0, Some(Endianness::Little)), (1, Some(Endianness::Big)), (2, None), (7, None), (u64::MAX, None)]
    {
        let mut bundle = Bundle::new();
        bundle.header = Message::new().int(1, 1).varint(2, endianness).message(3, proto::version(1, 0, &[])).0;
        let prefix = bundle.write(scratch.path(), "b");
        match expected {
            Some(expected) => assert_eq!(Reader::open(&prefix).unwrap().endianness(), expected),
            None => drop(refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").says("byte order")),
        }
    }
}

#[test]
fn versions_are_those_this_reader_may_read() {
    let scratch = tempdir().unwrap();
    for (producer, min_consumer, bad_consumers, accepted) in [
        (1, 0, &[][..], true),
        (0, 0, &[], true),
        (999, 0, &[], true),
        (i64::from(i32::MAX), 1, &[], true),
        (1, 1, &[], true),
        (1, -1, &[], true),
        (1, 0, &[0, 2, 3], true),
        (-1, 0, &[], false),
        (i64::from(i32::MIN), 0, &[], false),
        (1, 2, &[], false),
        (1, 5, &[], false),
        (999, i64::from(i32::MAX), &[], false),
        (1, 0, &[1], false),
        (1, 0, &[3, 1], false),
    ] {
        let mut bundle = small();
        let version = proto::version(producer, min_consumer, bad_consumers);
        bundle.header = Message::new().int(1, 1).message(3, version).0;
        let prefix = bundle.write(scratch.path(), "b");
        if accepted {
            sound(&prefix);
            let version = Reader::open(&prefix).unwrap().version();
            assert_eq!((i64::from(version.producer), i64::from(version.min_consumer)), (producer, min_consumer));
        } else {
            refuses_to_open(&prefix, Code::InvalidArgument).in_file("b.index").because(Reason::Version);
        }
    }
    // Unpacked, as proto2 would write it.
    let mut bundle = small();
    bundle.header = Message::new().int(1, 1).message(3, proto::version(1, 0, &[]).varint(3, 1)).0;
    refuses_to_open(&bundle.write(scratch.path(), "b"), Code::InvalidArgument).because(Reason::Version);
}

#[test]
fn bundles_without_a_version_are_read() {
    let scratch = tempdir().unwrap();
    let mut bundle = small();
    bundle.header = Message::new().int(1, 1).0;
    let prefix = bundle.write(scratch.path(), "b");
    assert_eq!(sound(&prefix)[&b"y"[..]].value, Value::Numbers(i32s(&[4])));
    assert_eq!(Reader::open(&prefix).unwrap().version().producer, 0);
}

#[test]
fn records_of_partitioned_tensors_need_no_place() {
    // A merge may leave any shard there.
    let scratch = tempdir().unwrap();
    for shard in [0, 1, 5] {
        let mut bundle = Bundle::new();
        bundle.partitioned("t", dtypes::FLOAT, &[2], &[vec![Part(0, 1)], vec![Part(1, 1)]]);
        bundle.edit("t", |entry| entry.shard = shard);
        for start in [0, 1] {
            bundle.slice("t", dtypes::FLOAT, &[2], &[Part(start, 1)], &f32s(&[start as f32]));
        }
        let contents = sound(&bundle.write(scratch.path(), "b"));
        assert_eq!(contents[&b"t"[..]].value, Value::Numbers(f32s(&[0.0, 1.0])));
    }
}

#[test]
fn what_follows_the_index_block_is_tolerated() {
    let scratch = tempdir().unwrap();
    let whole = small().index();
    let (body, footer) = whole.split_at(whole.len() - 48);
    let prefix = small().write_with_index(scratch.path(), "b", &[body, &[0xab; 300], footer].concat());
    sound(&prefix);
    // A metaindex that is nowhere: TensorFlow never looks.
    let mut file = TableFile::default();
    let mut block = Block::new(16);
    for (key, value) in small().rows() {
        block.add(&key, &value);
    }
    let handle = file.block(&block.finish());
    let mut index = Block::new(1);
    index.add(b"\xff", &handle.encode());
    let index = file.block(&index.finish());
    let bytes = file.footer(Handle { offset: 0, size: 0 }, index);
    let prefix = small().write_with_index(scratch.path(), "b", &bytes);
    assert_eq!(read_all(&prefix).unwrap().len(), 2);
    assert_eq!(naive::rows(&bytes).len(), 3);
}

/// The fields of an entry of no elements, in any order and number; most are right, some are not.
fn random_entry(rng: &mut Rng) -> Vec<u8> {
    let mut message = Message::new();
    let usual = rng.below(3) > 0;
    for step in 0..if usual { 3 } else { rng.between(0, 6) } {
        message = match if usual { step } else { rng.below(9) } {
            0 => message.int(1, [1, 3, 4][rng.below(3) as usize]),
            1 => message.message(2, proto::shape([&[0][..], &[0, 3], &[0, 3, 2], &[3, 0]][rng.below(4) as usize])),
            2 => message.fixed32(6, rng.below(3) as u32),
            3 => message.int(4, rng.below(5) as i64),
            4 => message.int(5, rng.below(12) as i64 / 11),
            5 => message.int(3, rng.below(12) as i64 / 11),
            6 => message.varint(99, rng.next()),
            7 => message.bytes(15, b"later"),
            _ => message.message(7, proto::slice(&[Full, Part(0, 1)])),
        };
    }
    message.0
}

#[test]
fn what_an_entry_says_does_not_depend_on_the_one_before() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(9);
    let listed = |bundle: &Bundle, name: &str| {
        let reader = Reader::open(bundle.write(scratch.path(), name)).ok()?;
        let row = |tensor: checkpoint::Tensor<'_>| {
            let place = (tensor.shard(), tensor.offset(), tensor.byte_size());
            (tensor.key().to_vec(), tensor.dtype(), tensor.shape().to_vec(), place, tensor.slices())
        };
        Some(reader.tensors().map(row).collect::<Vec<_>>())
    };
    for round in 0..10 {
        let (mut all, mut expected) = (Bundle::sharded(2), Vec::new());
        let mut refused = 0;
        for i in 0..200 {
            let (key, value) = (format!("{i:03}"), random_entry(&mut rng));
            match listed(Bundle::sharded(2).raw(key.as_bytes(), &value), "one") {
                Some(row) => {
                    all.raw(key.as_bytes(), &value);
                    expected.extend(row);
                }
                None => refused += 1,
            }
        }
        assert!(refused > 5 && expected.len() > 100, "{refused} and {}", expected.len());
        all.style.block_size = [300, 262_144][round % 2];
        assert_eq!(listed(&all, "all").unwrap(), expected);
    }
}
