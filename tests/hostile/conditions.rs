//! What is checked, and which error it gives.
//!
//! Where TensorFlow notices on use, and wrongly or not at all, the index is refused when it is
//! opened.

use checkpoint::{Code, DType, OpenOptions, ReadOptions, Reader, Reason};
use tempfile::tempdir;

use crate::common::bundle::{f32s, header, i32s, index_path, shard_path, Bundle, Entry, Record};
use crate::common::judge::{refuses_to_open, refuses_to_read, slice, sound, Value};
use crate::common::ordered_code::slice_key;
use crate::common::proto::Extent::{Full, Part};
use crate::common::proto::{self, varint, Message};
use crate::common::table::{Block, Handle, TableFile, MAGIC};
use crate::common::{crc, dtypes, payload};

const DATA: &str = "b.data-00000-of-00001";

fn small() -> Bundle {
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::FLOAT, &[3], &f32s(&[1.0, 2.0, 3.0]));
    bundle.strings("s", &[2], &[b"hello", b"world"]);
    bundle
}

#[test]
fn a_missing_index_is_not_found() {
    let scratch = tempdir().unwrap();
    refuses_to_open(&scratch.path().join("b"), Code::NotFound).says("b");
    refuses_to_open(&scratch.path().join("no/such/folder/b"), Code::NotFound).says("no/such/folder/b");
    refuses_to_open(&scratch.path().join("b.index"), Code::NotFound).says("b.index");
}

#[test]
fn files_too_short_for_a_footer_are_no_tables() {
    let scratch = tempdir().unwrap();
    for length in [0, 1, 8, 47] {
        let prefix = small().write_with_index(scratch.path(), "b", &vec![0; length]);
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").expected("48", &length.to_string());
    }
}

#[test]
fn the_magic_number_must_be_there() {
    let scratch = tempdir().unwrap();
    let mut index = small().index();
    let end = index.len();
    index[end - 1] ^= 1;
    let prefix = small().write_with_index(scratch.path(), "b", &index);
    refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").says("magic");
    let prefix = small().write_with_index(scratch.path(), "b", &[b'x'; 4096]);
    refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").says("magic");
}

#[test]
fn footer_handles_must_be_numbers() {
    let scratch = tempdir().unwrap();
    for handles in [vec![0xff; 40], [vec![0, 0], vec![0x80; 38]].concat(), [vec![0; 3], vec![0xff; 10]].concat()] {
        let mut bytes = TableFile::default();
        bytes.block(&Block::new(1).finish());
        let mut bytes = bytes.bytes;
        let mut footer = handles;
        footer.resize(40, 0);
        bytes.extend(footer);
        bytes.extend(MAGIC.to_le_bytes());
        let prefix = small().write_with_index(scratch.path(), "b", &bytes);
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index");
    }
}

/// A table of one stored data block.
fn stored(bytes: &[u8], kind: u8) -> Vec<u8> {
    let mut file = TableFile::default();
    let handle = file.stored(bytes, kind);
    file.finish(&[(b"\xff".to_vec(), handle)])
}

#[test]
fn blocks_must_be_blocks() {
    let scratch = tempdir().unwrap();
    let mut whole = Block::new(16);
    for (key, value) in small().rows() {
        whole.add(&key, &value);
    }
    let whole = whole.finish();
    let compressed = snap::raw::Encoder::new().compress_vec(&whole).unwrap();
    assert_eq!(sound(&small().write_with_index(scratch.path(), "b", &stored(&whole, 0))).len(), 2);
    assert_eq!(sound(&small().write_with_index(scratch.path(), "b", &stored(&compressed, 1))).len(), 2);
    for (what, index) in [
        ("type 2", stored(&whole, 2)),
        ("type 255", stored(&whole, 255)),
        ("not compressed", stored(&whole, 1)),
        ("compressed, but not said so", stored(&compressed, 0)),
        ("cut short", stored(&compressed[..compressed.len() - 1], 1)),
        ("too long", stored(&[&compressed[..], b"\x00a"].concat(), 1)),
        ("empty", stored(&[], 0)),
        ("three bytes", stored(&[0; 3], 0)),
        ("nothing compressed", stored(&[0], 1)),
        ("zero restarts", stored(&[0; 4], 0)),
        ("zero restarts after an entry", stored(&[&whole[..whole.len() - 8], &[0; 4]].concat(), 0)),
        ("too many restarts", stored(&[&whole[..whole.len() - 4], &[0xff; 4]].concat(), 0)),
        ("restarts that overlap the entries", stored(&[&whole[..whole.len() - 4], &[30, 0, 0, 0]].concat(), 0)),
    ] {
        let prefix = small().write_with_index(scratch.path(), "b", &index);
        let error = Reader::open(&prefix).err().unwrap_or_else(|| panic!("{what} was opened"));
        assert_eq!(error.code(), Code::DataLoss, "{what}: {error}");
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index");
    }
}

#[test]
fn a_block_must_match_its_checksum() {
    let scratch = tempdir().unwrap();
    let mut block = Block::new(16);
    for (key, value) in small().rows() {
        block.add(&key, &value);
    }
    let block = block.finish();
    let right = crc::mask(crc::extend(crc::extend(0, &block), &[0]));
    let unmasked = crc::extend(crc::extend(0, &block), &[0]);
    for (masked, accepted) in [(right, true), (right ^ 1, false), (unmasked, false), (0, false), (crc::masked(&block), false)] {
        let mut file = TableFile::default();
        let handle = file.stored_with(&block, 0, masked);
        let prefix = small().write_with_index(scratch.path(), "b", &file.finish(&[(b"\xff".to_vec(), handle)]));
        if accepted {
            sound(&prefix);
        } else {
            refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").because(Reason::Checksum);
        }
    }
}

#[test]
fn a_table_without_entries_has_no_header() {
    let scratch = tempdir().unwrap();
    // No block at all; one block without an entry.
    let none = TableFile::default().finish(&[]);
    let one = stored(&Block::new(16).finish(), 0);
    for index in [none, one] {
        let prefix = small().write_with_index(scratch.path(), "b", &index);
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").says("header");
    }
}

#[test]
fn entries_must_fit_their_block() {
    let scratch = tempdir().unwrap();
    for (what, shared, unshared, value, tail) in [
        ("shares more than the key before", 5, 1, 0, &b"x"[..]),
        ("shares with a key that is empty", 1, 1, 0, b"x"),
        ("key past the end", 0, 9, 0, b"x"),
        ("value past the end", 0, 1, 9, b"x"),
    ] {
        let mut block = Block::new(16);
        block.add(b"", &header(1, false));
        block.entry(shared, unshared, value, tail);
        let prefix = small().write_with_index(scratch.path(), "b", &stored(&block.finish(), 0));
        let error = Reader::open(&prefix).err().unwrap_or_else(|| panic!("{what}: was opened"));
        assert_eq!(error.code(), Code::DataLoss, "{what}: {error}");
    }
    // Bytes after the last entry that are none.
    for junk in [&b"\x00"[..], b"\x00\x01", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"] {
        let mut block = Block::new(16);
        block.add(b"", &header(1, false));
        block.bytes.extend(junk);
        let prefix = small().write_with_index(scratch.path(), "b", &stored(&block.finish(), 0));
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index");
    }
}

#[test]
fn headers_must_parse() {
    let scratch = tempdir().unwrap();
    for bytes in [&b"\x08"[..], b"\xff\xff", b"\x08\x01\x1a\x09\x08\x01", b"\x0b", b"\x08\x01\x07"] {
        let mut bundle = small();
        bundle.header = bytes.to_vec();
        refuses_to_open(&bundle.write(scratch.path(), "b"), Code::DataLoss).in_file("b.index").says("header");
    }
}

#[test]
fn an_absent_key_is_not_found_and_near_ones_are_named() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("net/l1/kernel", dtypes::INT32, &[], &i32s(&[1]));
    bundle.tensor("net/l1/bias", dtypes::INT32, &[], &i32s(&[1]));
    let prefix = bundle.write(scratch.path(), "b");
    let reader = Reader::open(&prefix).unwrap();
    for key in ["net/l1/kernle", "net/l1/Kernel", "net/l1/kernel ", "", "net", "zzz"] {
        assert!(!reader.contains(key));
        let error = reader.get(key).err().unwrap();
        assert_eq!((error.code(), error.reason()), (Code::NotFound, Reason::NoTensor), "{error}");
        assert_eq!(error.tensor(), Some(key.as_bytes()));
    }
    assert!(reader.get("net/l1/kernle").err().unwrap().to_string().contains("net/l1/kernel"));
    // Neither the header nor a slice's record is a tensor.
    assert!(!reader.contains(""));
    assert_eq!(reader.len(), 2);
}

#[test]
fn entries_must_parse() {
    let scratch = tempdir().unwrap();
    let entry = |message: Message| Message::new().int(1, 1).raw(&message.0).0;
    for (what, value) in [
        ("a tag alone", b"\x08".to_vec()),
        ("a length past the end", b"\x08\x01\x12\x7f".to_vec()),
        ("a group", b"\x08\x01\x13\x14".to_vec()),
        ("wire type 6", b"\x08\x01\x0e".to_vec()),
        ("wire type 7", b"\x08\x01\x0f".to_vec()),
        ("field 0", b"\x08\x01\x00\x01".to_vec()),
        ("an endless number", [&b"\x08"[..], &[0x80; 11], b"\x01"].concat()),
        ("a shape that is a number", entry(Message::new().varint(2, 5))),
        ("a dtype that is a string", Message::new().bytes(1, b"\x01").0),
        ("a dimension that does not parse", entry(Message::new().bytes(2, b"\x12\x01\x08"))),
        ("a slice that does not parse", entry(Message::new().bytes(7, b"\x0a\x05\x10"))),
        ("a checksum cut short", b"\x08\x01\x35\x01\x02".to_vec()),
    ] {
        let prefix = small().raw(b"y", &value).write(scratch.path(), "b");
        let error = Reader::open(&prefix).err().unwrap_or_else(|| panic!("{what} was opened"));
        assert_eq!((error.code(), error.tensor()), (Code::DataLoss, Some(&b"y"[..])), "{what}: {error}");
    }
}

#[test]
fn shapes_must_be_shapes() {
    let scratch = tempdir().unwrap();
    let big = 1 << 40;
    for (shape, accepted) in [
        (vec![-1], false),
        (vec![0, -1], false),
        (vec![1; 254], true),
        (vec![1; 255], false),
        (vec![0; 255], false),
        (vec![big, big], false),
        (vec![big, big, 0], false),
        (vec![0, big, big], true),
        (vec![i64::MAX, 2], false),
        (vec![i64::MAX, 0], false),
    ] {
        let elements = if shape.contains(&0) { 0 } else { 1 };
        let bytes = vec![7; elements];
        let mut bundle = small();
        bundle.put(b"y", dtypes::UINT8, &shape, &bytes, crc::masked(&bytes));
        let prefix = bundle.write(scratch.path(), "b");
        let contradicts = shape.contains(&i64::MAX) && shape.contains(&0);
        if accepted {
            assert_eq!(sound(&prefix)[&b"y"[..]].value, Value::Numbers(bytes));
        } else if contradicts {
            // i64::MAX × 0 does not overflow: only the memory of its parts would.
            sound(&prefix);
        } else {
            refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").for_key("y");
        }
    }
}

#[test]
fn sizes_must_equal_elements_times_bytes() {
    let scratch = tempdir().unwrap();
    for (size, expected) in
        [(0, "12"), (11, "12"), (13, "12"), (24, "12"), (i64::MAX, "12"), (-12, "0 or more"), (i64::MIN, "0 or more")]
    {
        let mut bundle = small();
        let prefix = bundle.edit("x", |entry| entry.size = size).write(scratch.path(), "b");
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").for_key("x").expected(expected, &size.to_string());
    }
    for row in dtypes::fixed() {
        let bytes = vec![0; row.size * 3];
        for elements in [2, 4] {
            let mut bundle = Bundle::new();
            bundle.put(b"x", row.number, &[elements], &bytes, crc::masked(&bytes));
            refuses_to_open(&bundle.write(scratch.path(), "b"), Code::DataLoss).for_key("x");
        }
    }
}

#[test]
fn strings_need_a_byte_each_and_the_checksum() {
    let scratch = tempdir().unwrap();
    // Two elements: two lengths and four bytes of checksum at least.
    for size in [0, 1, 5, -1, i64::MIN] {
        let mut bundle = small();
        let prefix = bundle.edit("s", |entry| entry.size = size).write(scratch.path(), "b");
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").for_key("s");
    }
    // Sizes that TensorFlow lets pass.
    for size in [6, 15] {
        let mut bundle = small();
        let prefix = bundle.edit("s", |entry| entry.size = size).write(scratch.path(), "b");
        refuses_to_read(&prefix, "s", Code::DataLoss).in_file(DATA);
    }
    let mut bundle = small();
    bundle.shards[0].extend([0; 100]);
    let prefix = bundle.edit("s", |entry| entry.size = 26).write(scratch.path(), "b");
    refuses_to_read(&prefix, "s", Code::DataLoss).in_file(DATA);
    // Strings that run on into the next tensor.
    let mut bundle = Bundle::new();
    bundle.strings("s", &[1], &[b"hello"]).tensor("x", dtypes::UINT8, &[5], b"world");
    let long = payload::strings(&[b"helloworld"], false);
    bundle.shards[0] = long.bytes;
    bundle.edit("s", |entry| entry.masked_crc = Some(long.masked_crc));
    refuses_to_read(&bundle.write(scratch.path(), "b"), "s", Code::DataLoss).in_file(DATA);
}

#[test]
fn a_missing_data_file_is_not_found() {
    let scratch = tempdir().unwrap();
    let prefix = small().write(scratch.path(), "b");
    std::fs::remove_file(shard_path(&prefix, 0, 1)).unwrap();
    refuses_to_read(&prefix, "x", Code::NotFound).in_file(DATA).because(Reason::MissingFile);
    refuses_to_read(&prefix, "s", Code::NotFound).in_file(DATA);
    // Listing needs the index alone.
    assert_eq!(Reader::open(&prefix).unwrap().len(), 2);
}

#[test]
fn offsets_must_lie_in_the_file() {
    let scratch = tempdir().unwrap();
    for offset in [-1, i64::MIN, i64::MAX, i64::MAX - 11] {
        let mut bundle = small();
        let prefix = bundle.edit("x", |entry| entry.offset = offset).write(scratch.path(), "b");
        refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").for_key("x");
    }
    for offset in [17, 28, 1000, 1 << 40, i64::MAX - 12] {
        let mut bundle = small();
        let prefix = bundle.edit("x", |entry| entry.offset = offset).write(scratch.path(), "b");
        refuses_to_read(&prefix, "x", Code::DataLoss).in_file(DATA).because(Reason::Truncated);
    }
}

#[test]
fn truncated_data_is_found_although_opening_is_fine() {
    let scratch = tempdir().unwrap();
    let bundle = small();
    let prefix = bundle.write(scratch.path(), "b");
    let whole = &bundle.shards[0];
    std::fs::write(shard_path(&prefix, 0, 1), &whole[..whole.len() - 1]).unwrap();
    refuses_to_read(&prefix, "s", Code::DataLoss).in_file(DATA).because(Reason::Truncated);
    let reader = Reader::open(&prefix).unwrap();
    assert_eq!(reader.get("x").unwrap().read().unwrap(), f32s(&[1.0, 2.0, 3.0]));
}

#[test]
fn a_data_file_that_changes_under_an_open_reader() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::UINT8, &[20_000], &[7; 20_000]).strings("s", &[1], &[b"hello"]);
    let prefix = bundle.write(scratch.path(), "b");
    let data = shard_path(&prefix, 0, 1);
    let reader = Reader::open(&prefix).unwrap();
    let (x, s) = (reader.get("x").unwrap(), reader.get("s").unwrap());
    assert_eq!(x.read().unwrap(), [7; 20_000]);
    // Longer: nothing is lost.
    std::fs::write(&data, [&bundle.shards[0][..], b"more"].concat()).unwrap();
    assert_eq!(x.read().unwrap(), [7; 20_000]);
    assert!(x.map(true).is_ok() && s.read_strings().is_ok());
    // Shorter: an error each time, also of a view, whose pages are gone.
    for length in [20_001, 10_000, 0] {
        std::fs::OpenOptions::new().write(true).open(&data).unwrap().set_len(length).unwrap();
        assert_eq!(s.read_strings().unwrap_err().code(), Code::DataLoss);
        if length < 20_000 {
            assert_eq!(x.read().unwrap_err().code(), Code::DataLoss);
            assert_eq!(x.map(true).err().unwrap().code(), Code::DataLoss);
            assert_eq!(x.map(false).err().unwrap().code(), Code::DataLoss);
        }
    }
    // Replaced by rename: what is open stays what it was.
    std::fs::write(&data, &bundle.shards[0]).unwrap();
    let reader = Reader::open(&prefix).unwrap();
    let x = reader.get("x").unwrap();
    let view = x.map(true).unwrap();
    std::fs::write(scratch.path().join("other"), [9; 20_010]).unwrap();
    std::fs::rename(scratch.path().join("other"), &data).unwrap();
    assert_eq!(x.read().unwrap(), [7; 20_000]);
    assert!(view.iter().all(|&byte| byte == 7));
    std::fs::remove_file(&data).unwrap();
    assert_eq!(x.read().unwrap(), [7; 20_000]);
}

#[test]
fn flipped_payload_bytes_are_found() {
    let scratch = tempdir().unwrap();
    let bundle = small();
    let prefix = bundle.write(scratch.path(), "b");
    for at in 0..bundle.shards[0].len() {
        let mut bytes = bundle.shards[0].clone();
        bytes[at] ^= 1;
        std::fs::write(shard_path(&prefix, 0, 1), bytes).unwrap();
        let key = if at < 12 { "x" } else { "s" };
        refuses_to_read(&prefix, key, Code::DataLoss).in_file(DATA);
    }
}

#[test]
fn a_checksum_of_nothing_is_still_checked() {
    let scratch = tempdir().unwrap();
    for masked in [None, Some(0), Some(1)] {
        let mut bundle = Bundle::new();
        bundle.tensor("z", dtypes::FLOAT, &[0, 3], &[]).edit("z", |entry| entry.masked_crc = masked);
        refuses_to_read(&bundle.write(scratch.path(), "b"), "z", Code::DataLoss).because(Reason::Checksum);
    }
}

#[test]
fn variants_are_checked_element_by_element() {
    let scratch = tempdir().unwrap();
    let elements: [&[u8]; 2] = [b"\x0a\x01a", b"\x0a\x02bc"];
    let mut bundle = Bundle::new();
    bundle.variants("v", &[2], &elements);
    let prefix = bundle.write(scratch.path(), "b");
    assert_eq!(sound(&prefix)[&b"v"[..]].value, Value::Strings(elements.map(<[u8]>::to_vec).to_vec()));
    for at in 0..bundle.shards[0].len() {
        let mut bytes = bundle.shards[0].clone();
        bytes[at] ^= 1;
        std::fs::write(shard_path(&prefix, 0, 1), bytes).unwrap();
        refuses_to_read(&prefix, "v", Code::DataLoss).in_file(DATA);
    }
    // A size that does not end with the last element, which TensorFlow does not notice.
    for change in [-1, 1] {
        let mut bundle = bundle.clone();
        bundle.shards[0].extend([0; 8]);
        let prefix = bundle.edit("v", |entry| entry.size += change).write(scratch.path(), "b");
        refuses_to_read(&prefix, "v", Code::DataLoss).in_file(DATA);
    }
    // An element's own checksum is wrong, the last one right.
    let crc = crc::extend(crc::extend(0, &2_u64.to_le_bytes()), b"ab");
    let stored = [&varint(2), &b"ab"[..], &[1, 2, 3, 4]].concat();
    let mut bundle = Bundle::new();
    bundle.put(b"v", dtypes::VARIANT, &[1], &stored, crc::mask(crc::extend(crc, &[1, 2, 3, 4])));
    refuses_to_read(&bundle.write(scratch.path(), "b"), "v", Code::DataLoss).in_file(DATA);
}

#[test]
fn a_reading_of_the_wrong_kind_is_the_callers_mistake() {
    let scratch = tempdir().unwrap();
    let mut bundle = small();
    bundle.variants("v", &[], &[b""]);
    let reader = Reader::open(bundle.write(scratch.path(), "b")).unwrap();
    let (x, s, v) = (reader.get("x").unwrap(), reader.get("s").unwrap(), reader.get("v").unwrap());
    let (whole, options) = (slice(&[Full]), ReadOptions::default());
    for error in [
        x.read_strings().err(),
        x.read_strings_slice(&whole).err(),
        s.read().err(),
        s.read_into(&mut [0; 16], &options).err(),
        s.read_slice(&whole).err(),
        v.read().err(),
        x.read_into(&mut [0; 11], &options).err(),
        x.read_into(&mut [0; 13], &options).err(),
        x.read_into(&mut [], &options).err(),
        x.read_slice(&slice(&[Part(0, 4)])).err(),
        x.read_slice(&slice(&[Part(-1, 1)])).err(),
        x.read_slice(&slice(&[Part(3, 1)])).err(),
        x.read_slice(&slice(&[Part(i64::MAX, i64::MAX)])).err(),
        x.read_slice(&slice(&[Full, Full])).err(),
        x.read_slice(&slice(&[])).err(),
        s.read_strings_slice(&slice(&[Part(1, 2)])).err(),
    ] {
        let error = error.unwrap();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.tensor().is_some(), "{error}");
    }
}

/// Float [4] in two halves.
fn halves() -> Bundle {
    let mut bundle = Bundle::new();
    let slices = [vec![Part(0, 2)], vec![Part(2, 2)]];
    bundle.partitioned("t", dtypes::FLOAT, &[4], &slices);
    for extents in &slices {
        bundle.slice("t", dtypes::FLOAT, &[4], extents, &f32s(&[1.0, 2.0]));
    }
    bundle
}

#[test]
fn slices_that_overlap_or_have_another_rank_are_refused() {
    let scratch = tempdir().unwrap();
    for (slices, reason) in [
        (vec![vec![Part(0, 3)], vec![Part(2, 2)]], Reason::Overlap),
        (vec![vec![Part(1, 2)], vec![Part(0, 4)]], Reason::Overlap),
        (vec![vec![Part(0, 2)], vec![Part(0, 2)]], Reason::Overlap),
        (vec![vec![Part(0, 2), Full]], Reason::Shape),
        (vec![vec![]], Reason::Shape),
        (vec![vec![Part(2, 3)]], Reason::Shape),
    ] {
        let mut bundle = Bundle::new();
        bundle.partitioned("t", dtypes::FLOAT, &[4], &slices);
        let mut written: Vec<Vec<u8>> = Vec::new();
        for extents in &slices {
            let key = slice_key(b"t", extents);
            if !written.contains(&key) {
                let sizes: Vec<i64> = extents.iter().map(|extent| extent.within(4).1).collect();
                let count: i64 = sizes.iter().product();
                bundle.put_numbers(&key, dtypes::FLOAT, &sizes, &vec![0; count as usize * 4]);
                written.push(key);
            }
        }
        let prefix = bundle.write(scratch.path(), "b");
        // Whether slices overlap is found when the tensor is read: it costs more than listing
        // should.
        match reason {
            Reason::Overlap => drop(refuses_to_read(&prefix, "t", Code::DataLoss).because(reason)),
            _ => drop(refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").for_key("t").because(reason)),
        }
    }
}

#[test]
fn gaps_are_legal_until_they_are_asked_for() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.partitioned("t", dtypes::FLOAT, &[4], &[vec![Part(1, 2)]]);
    bundle.slice("t", dtypes::FLOAT, &[4], &[Part(1, 2)], &f32s(&[1.0, 2.0]));
    let prefix = bundle.write(scratch.path(), "b");
    let reader = Reader::open(&prefix).unwrap();
    let tensor = reader.get("t").unwrap();
    assert_eq!(tensor.read_slice(&slice(&[Part(1, 2)])).unwrap(), f32s(&[1.0, 2.0]));
    assert_eq!(tensor.read_slice(&slice(&[Part(2, 1)])).unwrap(), f32s(&[2.0]));
    for request in [vec![Full], vec![Part(0, 4)], vec![Part(0, 1)], vec![Part(3, 1)], vec![Part(2, 2)]] {
        let error = tensor.read_slice(&slice(&request)).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Gap), "{error}");
        assert_eq!(error.tensor(), Some(&b"t"[..]), "{error}");
    }
}

#[test]
fn a_listed_slice_without_a_record_is_not_found() {
    let scratch = tempdir().unwrap();
    let mut bundle = halves();
    bundle.remove(slice_key(b"t", &[Part(2, 2)]));
    let prefix = bundle.write(scratch.path(), "b");
    refuses_to_read(&prefix, "t", Code::NotFound).says("2,2");
    let reader = Reader::open(&prefix).unwrap();
    let tensor = reader.get("t").unwrap();
    assert_eq!(tensor.read_slice(&slice(&[Part(0, 2)])).unwrap(), f32s(&[1.0, 2.0]));
    // A slice spelled otherwise has another key.
    let mut bundle = Bundle::new();
    bundle.partitioned("t", dtypes::FLOAT, &[4, 2], &[vec![Part(0, 2), Part(0, 2)], vec![Part(2, 2), Full]]);
    bundle.slice("t", dtypes::FLOAT, &[4, 2], &[Part(0, 2), Full], &[0; 16]);
    bundle.slice("t", dtypes::FLOAT, &[4, 2], &[Part(2, 2), Full], &[0; 16]);
    let prefix = bundle.write(scratch.path(), "b");
    let error = Reader::open(&prefix).and_then(|reader| reader.get("t")?.read()).unwrap_err();
    assert_eq!(error.code(), Code::NotFound, "{error}");
}

#[test]
fn a_listed_slice_that_is_the_whole_tensor_refers_to_itself() {
    // The record of the slice [-] would be the record that lists it, and that one has no payload.
    let scratch = tempdir().unwrap();
    for shape in [&[4][..], &[2, 2], &[]] {
        let extents = proto::full(shape.len());
        for with_record in [false, true] {
            let mut bundle = Bundle::new();
            bundle.partitioned("t", dtypes::UINT8, shape, std::slice::from_ref(&extents));
            if with_record {
                let elements: i64 = shape.iter().product();
                bundle.slice("t", dtypes::UINT8, shape, &extents, &vec![0; elements as usize]);
            }
            refuses_to_open(&bundle.write(scratch.path(), "b"), Code::DataLoss).in_file("b.index").for_key("t");
        }
    }
}

#[test]
fn a_damaged_slice_fails_those_reads_that_need_it() {
    let scratch = tempdir().unwrap();
    let bundle = halves();
    let prefix = bundle.write(scratch.path(), "b");
    let mut bytes = bundle.shards[0].clone();
    bytes[15] ^= 0x80;
    std::fs::write(shard_path(&prefix, 0, 1), bytes).unwrap();
    refuses_to_read(&prefix, "t", Code::DataLoss).in_file(DATA).because(Reason::Checksum);
    let reader = Reader::open(&prefix).unwrap();
    assert_eq!(reader.get("t").unwrap().read_slice(&slice(&[Part(0, 2)])).unwrap(), f32s(&[1.0, 2.0]));
}

#[test]
fn an_index_larger_than_the_limit_is_refused() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    for i in 0..2000 {
        bundle.tensor(&format!("{}{i:05}", "long/".repeat(100)), dtypes::INT32, &[], &i32s(&[i]));
    }
    let prefix = bundle.write(scratch.path(), "b");
    assert_eq!(Reader::open(&prefix).unwrap().len(), 2000);
    let error = Reader::open_with(&prefix, &OpenOptions::default().memory_limit(100_000)).err().unwrap();
    assert_eq!((error.code(), error.reason()), (Code::ResourceExhausted, Reason::Limit), "{error}");
}

#[test]
fn verify_lists_every_problem_not_the_first() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    for i in 0..20 {
        bundle.tensor(&format!("t{i:02}"), dtypes::INT32, &[], &i32s(&[i]));
    }
    let prefix = bundle.write(scratch.path(), "b");
    let mut bytes = bundle.shards[0].clone();
    for damaged in [3, 7, 11] {
        bytes[damaged * 4] ^= 1;
    }
    bytes.truncate(78);
    std::fs::write(shard_path(&prefix, 0, 1), bytes).unwrap();
    let problems = crate::common::judge::problems(&prefix);
    let keys: Vec<&[u8]> = problems.iter().filter_map(|problem| problem.tensor()).collect();
    assert_eq!(keys, [b"t03", b"t07", b"t11", b"t19"]);
    assert!(problems.iter().all(|problem| problem.code() == Code::DataLoss));
}

#[test]
fn verify_goes_on_after_a_tensor_that_is_not_there() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::sharded(2);
    for i in 0..6 {
        bundle.shard = i % 2;
        bundle.tensor(&format!("t{i}"), dtypes::INT32, &[], &i32s(&[i as i32]));
    }
    bundle.strings("words", &[1], &[b"to"]);
    bundle.edit("t0", |entry| entry.offset = 1000).edit("t2", |entry| entry.masked_crc = Some(1));
    bundle.edit("words", |entry| entry.offset = 1000);
    let prefix = bundle.write(scratch.path(), "b");
    let keys = |problems: Vec<checkpoint::Error>| {
        problems.iter().map(|problem| problem.tensor().map(<[u8]>::to_vec)).collect::<Vec<_>>()
    };
    let named = |keys: &[&str]| keys.iter().map(|key| Some(key.as_bytes().to_vec())).collect::<Vec<_>>();
    assert_eq!(keys(crate::common::judge::problems(&prefix)), named(&["t0", "t2", "words"]));
    // A data file that is missing is one problem, not one for each of its tensors.
    std::fs::remove_file(shard_path(&prefix, 1, 2)).unwrap();
    let problems = crate::common::judge::problems(&prefix);
    assert_eq!((problems.len(), problems[0].code()), (3, Code::NotFound), "{problems:?}");
}

#[test]
fn unknown_fields_are_ignored() {
    let scratch = tempdir().unwrap();
    let mut bundle = small();
    let more = Message::new().varint(99, 7).bytes(100, b"later").fixed32(101, 1).raw(&[0xb1, 0x06, 0, 0, 0, 0, 0, 0, 0, 0]);
    bundle.header = [&bundle.header[..], &more.0].concat();
    for (_, record) in &mut bundle.records {
        if let Record::Entry(entry) = record {
            *record = Record::Raw([&entry.encode()[..], &more.0].concat());
        }
    }
    assert_eq!(sound(&bundle.write(scratch.path(), "b")).len(), 2);
}

#[test]
fn names_of_dimensions_are_ignored_and_missing_shapes_are_scalars() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    let named = Message::new().message(2, Message::new().int(1, 3).bytes(2, b"rows"));
    bundle.shards[0] = f32s(&[1.0, 2.0, 3.0]);
    let x = Message::new().int(1, 1).message(2, named).int(5, 12).fixed32(6, crc::masked(&bundle.shards[0])).0;
    let first = f32s(&[1.0]);
    let entry =
        Entry { dtype: 1, shape: None, shard: 0, offset: 0, size: 4, masked_crc: Some(crc::masked(&first)), slices: vec![] };
    bundle.shards[0].extend(&first);
    let entry = Entry { offset: 12, ..entry };
    bundle.raw(b"x", &x).raw(b"y", &entry.encode());
    let contents = sound(&bundle.write(scratch.path(), "b"));
    assert_eq!(contents[&b"x"[..]].shape, [3]);
    assert_eq!((&contents[&b"y"[..]].shape, &contents[&b"y"[..]].value), (&vec![], &Value::Numbers(first)));
}

#[test]
fn shapes_of_unknown_rank_are_refused() {
    let scratch = tempdir().unwrap();
    let mut bundle = small();
    let unknown = Message::new().int(1, 1).message(2, Message::new().varint(3, 1)).int(5, 4).fixed32(6, 0).0;
    let prefix = bundle.raw(b"y", &unknown).write(scratch.path(), "b");
    refuses_to_open(&prefix, Code::DataLoss).in_file("b.index").for_key("y");
}

#[test]
fn the_index_is_all_that_listing_needs() {
    let scratch = tempdir().unwrap();
    let prefix = small().write(scratch.path(), "b");
    std::fs::rename(index_path(&prefix), scratch.path().join("only.index")).unwrap();
    let reader = Reader::open(scratch.path().join("only")).unwrap();
    let listed: Vec<_> = reader.tensors().map(|tensor| (tensor.key().to_vec(), tensor.dtype(), tensor.byte_size())).collect();
    assert_eq!(listed, [(b"s".to_vec(), DType::String, Some(16)), (b"x".to_vec(), DType::Float, Some(12))]);
    assert!(matches!(Handle { offset: 0, size: 0 }.encode()[..], [0, 0]));
    assert_eq!(proto::shape(&[]).0.len(), 0);
}
