//! Memory and time are bounded, whatever a file says.
//!
//! Opening and listing cost at most 16 MiB and 24 times the index; reading numbers, their bytes;
//! reading strings, ten times their bytes. A counting allocator is the judge, so the tests of this
//! file take turns.

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{mpsc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use checkpoint::{Checkpoint, Code, DType, Error, Graph, ReadOptions, Reader, Reason, RestoreOptions, Row, Slice, Variable};
use common::bundle::{header, i32s, index_path, shard_path, Bundle, Entry, Record};
use common::counter::{kept, peak, Counter};
use common::objects::{self, Object};
use common::ordered_code::slice_key;
use common::proto::Extent::{self, Full, Part};
use common::proto::{self, Message};
use common::table::{Block, Style, TableFile};
use common::{dtypes, files, judge, manifest, naive, v1};
use tempfile::{tempdir, TempDir};

#[global_allocator]
static COUNTER: Counter = Counter;

/// One test at a time: the counter is shared.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

const FLOOR: usize = 16 << 20;
const PER_BYTE: usize = 24;

/// Opens a checkpoint and looks at everything that the index says of each tensor.
fn list(path: &Path) -> Result<usize, Error> {
    let reader = Reader::open(path)?;
    let mut seen = 0;
    for tensor in reader.tensors() {
        seen += tensor.key().len() + tensor.shape().len() + tensor.slices().len() + tensor.element_count() as usize % 2;
    }
    std::hint::black_box(seen);
    Ok(reader.len())
}

/// Opens and lists within the bound for an index of `size` bytes.
#[track_caller]
fn bounded(what: &str, path: &Path, size: u64) -> Result<usize, Error> {
    let started = Instant::now();
    let (result, used) = peak(|| list(path));
    let bound = FLOOR + PER_BYTE * size as usize;
    let verdict = match &result {
        Ok(tensors) => format!("{tensors} tensors"),
        Err(error) => error.code().name().to_owned(),
    };
    println!(
        "{what}: index {size} bytes, {used} allocated ({:.1} times, {:.0} % of the bound), {:?}: {verdict}",
        used as f64 / size.max(1) as f64,
        100.0 * used as f64 / bound as f64,
        started.elapsed()
    );
    static WORST: AtomicUsize = AtomicUsize::new(0);
    let share = 1000 * used / bound;
    let worst = WORST.fetch_max(share, Relaxed).max(share) as f64 / 10.0;
    println!("worst so far: {worst} % of 16 MiB and 24 times the index");
    assert!(used <= bound, "{what}: {used} bytes allocated for an index of {size}, bound {bound}: {verdict}");
    result
}

#[track_caller]
fn bounded_index(what: &str, scratch: &TempDir, index: &[u8]) -> Result<usize, Error> {
    let prefix = Bundle::new().write_with_index(scratch.path(), "b", index);
    bounded(what, &prefix, index.len() as u64)
}

#[test]
fn genuine_indexes() {
    let _turn = turn();
    for (directory, manifest) in manifest::all() {
        let prefix = directory.join(&manifest.prefix);
        let first = directory.join(manifest.prefix.replace("?????", "00000"));
        let size = std::fs::metadata(index_path(&prefix)).or_else(|_| std::fs::metadata(first)).unwrap().len();
        let tensors = bounded(&directory.file_name().unwrap().to_string_lossy(), &prefix, size).unwrap();
        assert_eq!(tensors, manifest.tensors.len());
    }
}

#[test]
fn large_genuine_indexes() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for snappy in [false, true] {
        let mut rows = vec![(Vec::new(), header(1, false))];
        for i in 0..100_000_i64 {
            let entry = Entry {
                dtype: 1,
                shape: Some(vec![3, 3, 64, 128]),
                shard: 0,
                offset: i * 294_912,
                size: 294_912,
                masked_crc: Some(i as u32),
                slices: vec![],
            };
            let name = format!("model/layer_{:05}/attention/kernel_{}/.ATTRIBUTES/VARIABLE_VALUE", i / 4, i % 4);
            rows.push((name.into_bytes(), entry.encode()));
        }
        let index = Style { snappy, ..Style::default() }.write(&rows);
        assert_eq!(bounded_index("100 000 tensors", &scratch, &index).unwrap(), 100_000);
    }
}

#[test]
fn a_reader_says_how_much_memory_it_takes() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let mut rows = vec![(Vec::new(), header(1, false))];
    let mut old = v1::File::new();
    for i in 0..20_000 {
        let entry =
            Entry { dtype: 3, shape: Some(vec![1, 1]), shard: 0, offset: 4 * i, size: 4, masked_crc: Some(0), slices: vec![] };
        rows.push((format!("layer/{i:05}/kernel").into_bytes(), entry.encode()));
        old.tensor(&format!("layer/{i:05}/kernel"), dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[0])));
    }
    let new = Bundle::new().write_with_index(scratch.path(), "new", &Style::default().write(&rows));
    for path in [new, old.write(scratch.path(), "old")] {
        let (reader, taken) = kept(|| Reader::open(&path).unwrap());
        let said = reader.memory_size() as usize;
        println!("{}: {taken} bytes, it says {said}", path.display());
        assert!(said > taken / 10 * 9 && said <= taken + taken / 10, "{}: {taken} bytes, it says {said}", path.display());
    }
}

/// An index of one block of the rows, compressed on request, prefix compression as far as it goes.
fn one_block(rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>, snappy: bool) -> Vec<u8> {
    let mut block = Block::new(usize::MAX);
    block.add(b"", &header(1, false));
    for (key, value) in rows {
        block.add(&key, &value);
    }
    let mut file = TableFile::default();
    let contents = block.finish();
    let handle = if snappy { file.snappy(&contents) } else { file.block(&contents) };
    file.finish(&[(vec![0xff; 9], handle)])
}

/// A uint8 tensor of no elements, of at least one dimension.
fn nothing(rank: usize) -> Vec<u8> {
    let entry = Entry {
        dtype: 4,
        shape: Some(vec![0; rank.max(1)]),
        shard: 0,
        offset: 0,
        size: 0,
        masked_crc: Some(0xa282_ead8),
        slices: vec![],
    };
    entry.encode()
}

#[test]
fn keys_that_share_long_prefixes() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for (length, count) in [(1_000, 1_000), (10_000, 4_000), (100_000, 400), (1_000_000, 40), (100, 200_000)] {
        let prefix = vec![b'k'; length];
        let rows = (0..count).map(|i| ([&prefix[..], &(i as u32).to_be_bytes()].concat(), nothing(0)));
        let index = one_block(rows, false);
        let result = bounded_index(&format!("{count} keys of {length} bytes"), &scratch, &index);
        if length * count > FLOOR + PER_BYTE * index.len() {
            assert_eq!(result.unwrap_err().code(), Code::ResourceExhausted);
        } else if length * count * 2 < FLOOR {
            assert_eq!(result.unwrap(), count);
        }
    }
}

#[test]
fn index_blocks_that_share_long_prefixes() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let mut data = Block::new(16);
    data.add(b"", &header(1, false));
    let mut file = TableFile::default();
    let handle = file.block(&data.finish());
    let metaindex = file.block(&Block::new(1).finish());
    let mut index = Block::new(usize::MAX);
    for i in 0..1_000_u32 {
        index.add(&[&[b'k'; 50_000][..], &i.to_be_bytes()].concat(), &handle.encode());
    }
    let index = file.block(&index.finish());
    let error = bounded_index("an index block of long keys", &scratch, &file.footer(metaindex, index)).unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
}

#[test]
fn snappy_blocks_that_expand_as_far_as_snappy_can() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for megabytes in [1, 8, 24] {
        let rows = [(b"k".to_vec(), vec![0; megabytes << 20])];
        let index = one_block(rows, true);
        bounded_index(&format!("{megabytes} MiB of zeros"), &scratch, &index).unwrap_err();
        // As a key, it is legal as far as memory goes.
        let index = one_block([(vec![b'k'; megabytes << 20], nothing(0))], true);
        let _ = bounded_index(&format!("a key of {megabytes} MiB"), &scratch, &index);
        // As unknown fields of a sound entry.
        let mut value = nothing(0);
        value.extend([0xfa, 0x06, 0x00].repeat((megabytes << 20) / 3));
        let index = one_block([(b"k".to_vec(), value)], true);
        let _ = bounded_index(&format!("{megabytes} MiB of unknown fields"), &scratch, &index);
    }
}

#[test]
fn snappy_blocks_of_many_dimensions() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for (count, snappy) in [(2_000, false), (2_000, true), (20_000, false), (20_000, true), (60_000, true)] {
        let entry = nothing(254);
        let rows = (0..count).map(|i: u32| ([&b"k"[..], &i.to_be_bytes()].concat(), entry.clone()));
        let index = one_block(rows, snappy);
        let _ = bounded_index(&format!("{count} tensors of rank 254, snappy {snappy}"), &scratch, &index);
    }
}

#[test]
fn entries_of_too_many_dimensions() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for snappy in [false, true] {
        let shape = Message::new().raw(&[0x12, 0x00].repeat(10_000_000));
        let value = Message::new().int(1, 4).message(2, shape).fixed32(6, 0xa282_ead8).0;
        let index = one_block([(b"k".to_vec(), value)], snappy);
        assert_eq!(bounded_index("ten million dimensions", &scratch, &index).unwrap_err().code(), Code::DataLoss);
    }
}

#[test]
fn slices_of_too_many_extents() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for snappy in [false, true] {
        let slice = Message::new().raw(&[0x0a, 0x00].repeat(5_000_000));
        let value = Message::new().int(1, 4).message(2, proto::shape(&[4])).message(7, slice).0;
        let index = one_block([(b"k".to_vec(), value)], snappy);
        let error = bounded_index("a slice of five million extents", &scratch, &index).unwrap_err();
        assert!(matches!(error.code(), Code::DataLoss | Code::ResourceExhausted), "{error}");
    }
}

#[test]
fn lists_of_many_slices() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for (rank, count, snappy) in
        [(1, 1_000_000, false), (1, 1_000_000, true), (254, 20_000, false), (254, 60_000, true), (2, 500_000, true)]
    {
        // The same slice again and again: full but for the last dimension.
        let mut shape = vec![2; 1];
        shape.splice(0..0, vec![1; rank - 1]);
        let mut extents = proto::full(rank);
        extents[rank - 1] = Part(0, 1);
        let one = Message::new().message(7, proto::slice(&extents)).0;
        let value = Message::new().int(1, 4).message(2, proto::shape(&shape)).raw(&one.repeat(count)).0;
        let index = one_block([(b"k".to_vec(), value)], snappy);
        let result = bounded_index(&format!("{count} slices of rank {rank}, snappy {snappy}"), &scratch, &index);
        if let Err(error) = result {
            assert!(matches!(error.code(), Code::DataLoss | Code::ResourceExhausted), "{error}");
        }
    }
}

/// `t`, uint8 [n], cut into n slices, each with its record.
fn columns(name: &str, count: i64) -> Bundle {
    let mut bundle = Bundle::new();
    let slices: Vec<Vec<Extent>> = (0..count).map(|i| vec![Part(i, 1)]).collect();
    bundle.partitioned(name, dtypes::UINT8, &[count], &slices);
    for extents in &slices {
        let Extent::Part(start, _) = extents[0] else { unreachable!() };
        bundle.slice(name, dtypes::UINT8, &[count], extents, &[start as u8]);
    }
    bundle
}

#[test]
fn tensors_of_many_sound_slices() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let bundle = columns("t", 100_000);
    let prefix = bundle.write(scratch.path(), "b");
    let size = std::fs::metadata(index_path(&prefix)).unwrap().len();
    assert_eq!(bounded("100 000 slices", &prefix, size).unwrap(), 1);
    let bytes = within("reading 100 000 slices", move || Reader::open(&prefix).unwrap().get("t").unwrap().read().unwrap());
    assert_eq!(bytes, bundle.shards[0]);
}

#[test]
fn many_faults_in_slices_of_a_long_name() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for (length, count) in [(20, 50_000), (30_000, 400), (3_000, 4_000)] {
        let name = "n".repeat(length);
        let mut bundle = columns(&name, count);
        // Each record has another dtype than its tensor.
        bundle.edit(&name, |entry| entry.dtype = u64::from(dtypes::INT8));
        bundle.style.restart_interval = usize::MAX;
        let index = bundle.index();
        let error = bounded_index(&format!("{count} wrong slices of a name of {length} bytes"), &scratch, &index).unwrap_err();
        assert!(matches!(error.code(), Code::DataLoss | Code::ResourceExhausted), "{error}");
    }
}

#[test]
fn metadata_of_v1_files() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let write = |file: &v1::File| {
        let path = file.write(scratch.path(), "old");
        let size = std::fs::metadata(&path).unwrap().len();
        (path, size)
    };
    // Many tensors, many slices, many dimensions; compressed and not.
    for snappy in [false, true] {
        let style = Style { snappy, ..Style::default() };
        let mut file = v1::File { style: style.clone(), ..v1::File::new() };
        for i in 0..20_000 {
            file.tensor(&format!("layer/{i:05}/kernel"), dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[i])));
        }
        let (path, size) = write(&file);
        assert_eq!(bounded(&format!("V1, 20 000 tensors, snappy {snappy}"), &path, size).unwrap(), 20_000);

        // One tensor of many slices, and one name many times; the lists are repeated as bytes.
        let described = |name: &str, rank: usize, count: usize| {
            let one = Message::new().message(4, proto::slice(&proto::full(rank))).0;
            let tensor = Message::new().bytes(1, name.as_bytes()).message(2, proto::shape(&vec![1; rank])).int(3, 4);
            Message::new().message(1, tensor.raw(&one.repeat(count))).0
        };
        for (what, meta) in [
            ("500 000 slices of rank 1", described("t", 1, 500_000)),
            ("20 000 slices of rank 254", described("t", 254, 20_000)),
            ("1 000 000 slices of rank 0", described("t", 0, 1_000_000)),
            ("one name 500 000 times", described("t", 0, 0).repeat(500_000)),
        ] {
            let file = v1::File { style: style.clone(), meta: Some(Message::new().bytes(1, &meta).0), ..v1::File::new() };
            let (path, size) = write(&file);
            let _ = bounded(&format!("V1, {what}, snappy {snappy}"), &path, size);
        }
        let mut file = v1::File { style, ..v1::File::new() };
        let slices = vec![(proto::full(254), None)];
        let tensor =
            |i: usize| v1::Tensor { name: format!("{i:05}").into_bytes(), dtype: 4, shape: vec![1; 254], slices: slices.clone() };
        file.tensors = (0..10_000).map(tensor).collect();
        let (path, size) = write(&file);
        let _ = bounded(&format!("V1, 10 000 tensors of rank 254, snappy {snappy}"), &path, size);
    }
}

/// Beyond its result, a read may use this much.
const CONSTANT: usize = 1 << 20;

#[test]
fn reading_numbers_costs_their_bytes() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let large = vec![7; 6 << 20];
    for big_endian in [false, true] {
        let mut bundle = if big_endian { Bundle::big_endian() } else { Bundle::new() };
        bundle.tensor("whole", dtypes::DOUBLE, &[3 << 18], &large);
        let shape = [256, 24 << 10];
        let slices = [vec![Full, Part(0, 10_000)], vec![Full, Part(10_000, 14_576)]];
        bundle.partitioned("parts", dtypes::UINT8, &shape, &slices);
        for extents in &slices {
            let count: i64 = shape.iter().zip(extents).map(|(&size, extent)| extent.within(size).1).product();
            bundle.slice("parts", dtypes::UINT8, &shape, extents, &vec![7; count as usize]);
        }
        let reader = Reader::open(bundle.write(scratch.path(), "b")).unwrap();
        for key in ["whole", "parts"] {
            let tensor = reader.get(key).unwrap();
            let (bytes, used) = peak(|| tensor.read().unwrap());
            println!("{key}, big-endian {big_endian}: {used} for {} bytes", bytes.len());
            assert!(used <= bytes.len() + CONSTANT, "{key}: {used} for {} bytes", bytes.len());
            let mut buffer = bytes;
            let ((), used) = peak(|| tensor.read_into(&mut buffer, &ReadOptions::default()).unwrap());
            println!("{key} into a buffer: {used}");
            assert!(used <= CONSTANT, "{key}: {used} beyond the caller's buffer");
        }
    }
}

#[test]
fn reading_a_small_slice_does_not_cost_the_tensor() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("t", dtypes::UINT8, &[4096, 4096], &vec![7; 16 << 20]);
    let reader = Reader::open(bundle.write(scratch.path(), "b")).unwrap();
    let tensor = reader.get("t").unwrap();
    let request = judge::slice(&[Full, Part(100, 2)]);
    let (bytes, used) = peak(|| tensor.read_slice(&request).unwrap());
    println!("a slice of {} bytes: {used}", bytes.len());
    assert!(used <= bytes.len() + CONSTANT, "{used}");
}

#[test]
fn reading_strings_costs_ten_times_their_bytes() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let long = vec![b'x'; 8 << 20];
    let cases: [(&str, Vec<&[u8]>); 4] = [
        ("empty", vec![b""; 250_000]),
        ("short", vec![b"ab"; 150_000]),
        ("one", vec![&long]),
        ("mixed", vec![&long[..100]; 30_000]),
    ];
    for (what, elements) in cases {
        let mut bundle = Bundle::new();
        let count = elements.len() as i64;
        bundle.strings("s", &[count], &elements);
        bundle.variants("v", &[count], &elements);
        // In halves.
        let slices = [vec![Part(0, count / 2)], vec![Part(count / 2, count - count / 2)]];
        if count > 1 {
            bundle.partitioned("p", dtypes::STRING, &[count], &slices);
            for extents in &slices {
                let indexes = naive::elements(&[count], extents);
                let part: Vec<&[u8]> = indexes.into_iter().map(|i| elements[i]).collect();
                bundle.string_slice("p", &[count], extents, &part);
            }
        }
        let sizes = stored_sizes(&bundle);
        let reader = Reader::open(bundle.write(scratch.path(), "b")).unwrap();
        for tensor in reader.tensors() {
            let stored = if tensor.slices().is_empty() { tensor.byte_size().unwrap() as usize } else { sizes };
            let (strings, used) = peak(|| tensor.read_strings().unwrap());
            assert_eq!(strings.len(), elements.len());
            println!(
                "{what} {}: {used} for {stored} stored ({:.1} times)",
                String::from_utf8_lossy(tensor.key()),
                used as f64 / stored as f64
            );
            assert!(used <= 10 * stored + CONSTANT, "{what}: {used} for {stored}");
        }
    }
}

/// The bytes of all slices in a bundle.
fn stored_sizes(bundle: &Bundle) -> usize {
    let slices = bundle.records.iter().filter(|(key, _)| key.first() == Some(&0));
    slices.map(|(_, record)| if let Record::Entry(entry) = record { entry.size as usize } else { 0 }).sum()
}

#[test]
fn nothing_is_allocated_that_no_file_backs() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let count = 1 << 26;
    let halves = [vec![Part(0, count / 2)], vec![Part(count / 2, count / 2)]];
    let mut bundle = Bundle::new();
    bundle.shards[0] = vec![0; 1000];
    let entry = |dtype: u32, count: i64, size: i64| Entry {
        dtype: u64::from(dtype),
        shape: Some(vec![count]),
        shard: 0,
        offset: 0,
        size,
        masked_crc: Some(1),
        slices: vec![],
    };
    for (key, dtype, extra) in
        [("strings", dtypes::STRING, 4), ("numbers", dtypes::UINT8, 0), ("variants", dtypes::VARIANT, 4 * count)]
    {
        bundle.raw(key.as_bytes(), &entry(dtype, count, count + extra).encode());
        let partitioned = format!("partitioned {key}");
        bundle.partitioned(&partitioned, dtype, &[count], &halves);
        for extents in &halves {
            let value = entry(dtype, count / 2, count / 2 + extra).encode();
            bundle.raw(&slice_key(partitioned.as_bytes(), extents), &value);
        }
    }
    let prefix = bundle.write(scratch.path(), "b");
    let reader = Reader::open(&prefix).unwrap();
    for tensor in reader.tensors() {
        let (result, used) = peak(|| judge::read(tensor));
        let error = result.unwrap_err();
        println!("{}: {used} allocated: {error}", String::from_utf8_lossy(tensor.key()));
        assert_eq!(error.code(), Code::DataLoss, "{error}");
        assert!(used <= CONSTANT, "{used}");
        let request = judge::slice(&[Part(5, count - 9)]);
        let (failed, used) = peak(|| match tensor.dtype().size() {
            Some(_) => tensor.read_slice(&request).is_err(),
            None => tensor.read_strings_slice(&request).is_err(),
        });
        assert!(failed && used <= CONSTANT, "{used}");
        let measure = |slice| tensor.measure(slice).map_err(|e| e.reason());
        let (measured, used) = peak(|| [None, Some(&request)].map(measure));
        assert_eq!(measured, [Err(Reason::Truncated); 2], "{tensor:?}");
        assert!(used <= CONSTANT, "{used}");
    }
    let (_, used) = peak(|| judge::problems(&prefix));
    assert!(used <= FLOOR, "{used}");
}

/// The checkpoint of a few hundred bytes that claims 2^30 and 2^40 elements, with which each
/// binding shows that it asks before it allocates.
#[test]
fn the_claim_that_the_bindings_are_tested_with_is_refused() {
    let _turn = turn();
    let (billion, trillion) = (1 << 30, 1 << 40);
    let mut bundle = Bundle::new();
    bundle.shards[0] = vec![0; 16];
    let entry = |dtype: u32, count: i64, size: i64| Entry {
        dtype: u64::from(dtype),
        shape: Some(vec![count]),
        shard: 0,
        offset: 0,
        size,
        masked_crc: Some(1),
        slices: vec![],
    };
    bundle.raw(b"billion", &entry(dtypes::FLOAT, billion, 4 * billion).encode());
    bundle.raw(b"strings", &entry(dtypes::STRING, trillion, trillion + 4).encode());
    bundle.raw(b"trillion", &entry(dtypes::FLOAT, trillion, 4 * trillion).encode());
    let prefix = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/claim");
    if std::env::var_os("UPDATE_CLAIM").is_some() {
        bundle.write(prefix.parent().unwrap(), "claim");
    }
    assert_eq!(std::fs::read(index_path(&prefix)).unwrap(), bundle.index(), "UPDATE_CLAIM=1 writes it");
    assert_eq!(std::fs::read(shard_path(&prefix, 0, 1)).unwrap(), bundle.shards[0]);
    let reader = Reader::open(&prefix).unwrap();
    for tensor in reader.tensors() {
        let (refused, used) = peak(|| tensor.measure(None).unwrap_err());
        assert_eq!((refused.code(), refused.reason()), (Code::DataLoss, Reason::Truncated), "{refused}");
        assert_eq!(refused.tensor(), Some(tensor.key()));
        assert!(refused.file().is_some_and(|file| file.ends_with("claim.data-00000-of-00001")), "{refused}");
        assert!(used <= CONSTANT, "{used}");
    }
}

#[test]
fn v1_shapes_that_no_value_backs() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let count = 1 << 26;
    let mut file = v1::File::new();
    for (name, dtype, values) in
        [("f", dtypes::FLOAT, v1::values(dtypes::FLOAT, &[0; 8])), ("s", dtypes::STRING, v1::string_values(&[b"a"]))]
    {
        file.tensor(name, dtype, &[count], values.clone());
        let partitioned = format!("p{name}");
        for extents in [Part(0, count / 2), Part(count / 2, count / 2)] {
            file.slice(&partitioned, dtype, &[count], &[extents], values.clone());
        }
    }
    let path = file.write(scratch.path(), "old");
    let reader = Reader::open(&path).unwrap();
    for tensor in reader.tensors() {
        let (result, used) = peak(|| judge::read(tensor));
        let error = result.unwrap_err();
        println!("V1 {}: {used} allocated: {error}", String::from_utf8_lossy(tensor.key()));
        assert_eq!(error.code(), Code::DataLoss, "{error}");
        assert!(used <= CONSTANT, "{used}");
        assert_eq!(tensor.measure(None).unwrap_err().reason(), Reason::Shape, "{tensor:?}");
        assert_eq!(tensor.measure(Some(&judge::slice(&[Part(1, 2)]))).unwrap().elements, 2, "{tensor:?}");
    }
    let (_, used) = peak(|| judge::problems(&path));
    assert!(used <= FLOOR, "{used}");
}

#[test]
fn a_state_file_of_a_gigabyte_is_not_read_in() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    std::fs::File::create(scratch.path().join("checkpoint")).unwrap().set_len(1 << 30).unwrap();
    let (failed, used) = peak(|| Reader::open(scratch.path()).is_err());
    println!("a state file of a gigabyte: {used}");
    assert!(failed && used <= 2 * FLOOR, "{used}");
}

#[test]
fn verifying_what_is_broken_throughout_is_bounded() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    // Slices without records, of a tensor with a long name; records with wrong checksums; entries
    // that do not parse.
    let missing = |length: usize, count: i64| {
        let mut bundle = Bundle::new();
        let slices: Vec<Vec<Extent>> = (0..count).map(|i| vec![Part(i, 1)]).collect();
        bundle.partitioned(&"n".repeat(length), dtypes::UINT8, &[count], &slices);
        bundle
    };
    let wrong = |length: usize, count: usize, value: &[u8]| {
        let rows = (0..count).map(|i| ([&vec![b'k'; length][..], &(i as u32).to_be_bytes()].concat(), value.to_vec()));
        one_block(rows, false)
    };
    let mut checksum = nothing(0);
    *checksum.last_mut().unwrap() ^= 1;
    for (what, index) in [
        ("missing slices of a long name", missing(100_000, 20_000).index()),
        ("many missing slices", missing(10, 400_000).index()),
        ("wrong slices of a long name", {
            let mut bundle = columns(&"n".repeat(30_000), 400);
            bundle.edit("n".repeat(30_000), |entry| entry.dtype = u64::from(dtypes::INT8));
            bundle.style.restart_interval = usize::MAX;
            bundle.index()
        }),
        ("wrong checksums of long keys", wrong(10_000, 1_500, &checksum)),
        ("many wrong checksums", wrong(10, 200_000, &checksum)),
        ("long keys of no entry", wrong(10_000, 1_500, b"\xff")),
        ("many keys of no entry", wrong(10, 200_000, b"\xff")),
    ] {
        let prefix = Bundle::new().write_with_index(scratch.path(), "b", &index);
        let (problems, used) = within(what, move || peak(|| judge::problems(&prefix)));
        // The list of problems is the result: it may cost as much again.
        let bound = 2 * (FLOOR + PER_BYTE * index.len());
        println!("verify, {what}: index {} bytes, {used} allocated, {} problems", index.len(), problems.len());
        assert!(!problems.is_empty());
        assert!(used <= bound, "{what}: {used} allocated, bound {bound}");
    }
}

#[test]
fn verifying_is_bounded_by_its_largest_string_tensor() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("numbers", dtypes::UINT8, &[16 << 20], &vec![7; 16 << 20]);
    bundle.strings("words", &[200_000], &vec![&b"ab"[..]; 200_000]);
    let prefix = bundle.write(scratch.path(), "b");
    let (problems, used) = peak(|| judge::problems(&prefix));
    println!("verify: {used}");
    assert!(problems.is_empty() && used <= 10 * 800_000 + 2 * CONSTANT, "{used}");
}

/// What a hostile file may cost in seconds of a processor; without optimization everything takes
/// longer.
const LIMIT: f64 = if cfg!(debug_assertions) { 10.0 } else { 2.0 };

/// Runs `work` on a thread of its own, whose processor time is what counts: the machine may be busy
/// with something else.
fn within<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let result = work();
        send.send((result, processor_time()))
    });
    let (result, seconds) = receive.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{what}: hangs"));
    println!("{what}: {seconds:.3} s");
    assert!(seconds < LIMIT, "{what}: {seconds} s");
    result
}

/// Seconds of this thread.
fn processor_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place for the result.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn fifo(path: &Path) {
    let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: a NUL-terminated path and a mode.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

/// Puts something that is no plain file at `path`.
fn obstruct(path: &Path, kind: &str) {
    let _ = std::fs::remove_file(path);
    match kind {
        "fifo" => fifo(path),
        "directory" => std::fs::create_dir(path).unwrap(),
        device => std::os::unix::fs::symlink(device, path).unwrap(),
    }
}

fn trouble(path: PathBuf) -> (Option<Error>, Vec<Error>) {
    (judge::read_all(&path).err(), judge::problems(&path))
}

#[test]
fn fifos_devices_and_directories_are_never_waited_for() {
    let _turn = turn();
    for kind in ["fifo", "directory", "/dev/zero", "/dev/tty", "/dev/null", "/dev/stdin", "/dev/urandom"] {
        let place = |make: &dyn Fn(&Path) -> (PathBuf, PathBuf)| {
            let scratch = tempdir().unwrap();
            let (checkpoint, file) = make(scratch.path());
            obstruct(&file, kind);
            let (error, problems) = within(kind, move || trouble(checkpoint));
            let error = error.unwrap_or_else(|| panic!("{kind} was read"));
            assert!(!problems.is_empty(), "{kind}: verify saw nothing");
            assert_ne!(error.code(), Code::Internal, "{kind}: {error}");
        };
        let bundle = || {
            let mut bundle = Bundle::new();
            bundle.tensor("x", dtypes::INT32, &[], &i32s(&[1]));
            bundle
        };
        place(&|scratch| {
            let prefix = bundle().write(scratch, "b");
            (prefix.clone(), index_path(&prefix))
        });
        place(&|scratch| {
            let prefix = bundle().write(scratch, "b");
            (prefix.clone(), shard_path(&prefix, 0, 1))
        });
        place(&|scratch| (scratch.join("old"), scratch.join("old")));
        place(&|scratch| (scratch.join("s-?????-of-00001"), scratch.join("s-00000-of-00001")));
        place(&|scratch| (scratch.to_owned(), scratch.join("checkpoint")));
        place(&|scratch| {
            std::fs::write(scratch.join("checkpoint"), "model_checkpoint_path: \"m\"").unwrap();
            (scratch.to_owned(), scratch.join("m.index"))
        });
    }
}

#[test]
fn views_never_map_what_is_no_file() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::INT32, &[], &i32s(&[1]));
    let prefix = bundle.write(scratch.path(), "b");
    for kind in ["fifo", "/dev/zero"] {
        obstruct(&shard_path(&prefix, 0, 1), kind);
        let prefix = prefix.clone();
        let failed = within(kind, move || Reader::open(prefix).unwrap().get("x").unwrap().map(true).is_err());
        assert!(failed, "{kind} was mapped");
    }
}

#[test]
fn overlapping_slices_by_the_hundred_thousand() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let count = 100_000_i64;
    let size = 1 << 40;
    for (what, shape, slices) in [
        ("equal", vec![size], (0..count).map(|_| vec![Part(0, 1)]).collect::<Vec<_>>()),
        ("nested", vec![size], (0..count).map(|i| vec![Part(i, size - 2 * i)]).collect()),
        ("chained", vec![size], (0..count).map(|i| vec![Part(i * 10, 11)]).collect()),
        ("crossed", vec![size, 4], (0..count).map(|i| vec![Part(i % 7, 100), Part(i % 3, 1)]).collect()),
        ("apart", vec![size], (0..count).map(|i| vec![Part(i * 10, 10)]).collect()),
        ("a grid", vec![316, 317], (0..100_172).map(|i| vec![Part(i / 317, 1), Part(i % 317, 1)]).collect()),
        ("columns", vec![1 << 30, 1 << 30], (0..count).map(|i| vec![Part(0, 1 << 29), Part(i, 1)]).collect()),
        ("crossing bars", vec![1 << 30, 1 << 30], (0..count).map(crossing).collect()),
    ] {
        let mut bundle = Bundle::new();
        bundle.partitioned("t", dtypes::UINT8, &shape, &slices);
        // One record is enough to be asked for.
        let first = slices[0].clone();
        let elements: i64 = shape.iter().zip(&first).map(|(&size, extent)| extent.within(size).1).product();
        if elements < 1000 {
            bundle.slice("t", dtypes::UINT8, &shape, &first, &vec![0; elements as usize]);
        }
        let prefix = bundle.write(scratch.path(), "b");
        let outcome = within(what, move || {
            let reader = Reader::open(prefix)?;
            let tensor = reader.get("t")?;
            tensor.read_slice(&judge::slice(&first)).map(drop)
        });
        let verdict = outcome.err().map(|error| error.to_string()).unwrap_or_default();
        println!("{what}: {}", &verdict[..verdict.len().min(160)]);
    }
}

#[test]
fn many_slices_of_a_long_name_take_no_longer_than_their_list() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    // Were the name looked at for each slice, this would be forty gigabytes.
    let (length, count) = (500_000, 80_000);
    let name = "n".repeat(length);
    let slices: Vec<Vec<Extent>> = (0..count).map(|i| vec![Part(i, 1)]).collect();
    let mut bundle = Bundle::new();
    bundle.partitioned(&name, dtypes::UINT8, &[count], &slices);
    let mut file = v1::File::new();
    let slices = slices.into_iter().map(|extents| (extents, None)).collect();
    file.tensors.push(v1::Tensor { name: name.into_bytes(), dtype: 4, shape: vec![count], slices });
    for path in [bundle.write(scratch.path(), "b"), file.write(scratch.path(), "old")] {
        let shown = path.file_name().unwrap().to_string_lossy().into_owned();
        let (error, problems) = within(&shown, move || trouble(path));
        assert_eq!(error.unwrap().code(), Code::NotFound);
        assert!(!problems.is_empty());
    }
}

/// Half of the boxes are rows, half are columns: whichever dimension is swept, many pairs share an
/// index of it.
fn crossing(i: i64) -> Vec<Extent> {
    let (half, long) = (1 << 14, 1 << 16);
    match i % 2 {
        0 => vec![Part(i, 1), Part(0, long)],
        _ => vec![Part((1 << 20) + half, long), Part((1 << 20) + i, 1)],
    }
}

/// The records of a graph: nodes given as (children).
fn graph(nodes: impl IntoIterator<Item = Vec<(u32, String)>>) -> Vec<u8> {
    let mut graph = Vec::new();
    for children in nodes {
        let node = children.iter().fold(Message::new(), |node, (id, name)| {
            node.message(1, Message::new().int(1, i64::from(*id)).bytes(2, name.as_bytes()))
        });
        graph.extend(Message::new().message(1, node).0);
    }
    graph
}

#[test]
fn object_graphs_of_any_form() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let last = 100_000;
    let chain = graph((0..=last).map(|i| if i < last { vec![(i + 1, "next".to_owned())] } else { vec![] }));
    // Sixty diamonds: 2^60 paths from the root to the last node.
    let diamonds = graph((0..180).map(|i| match i % 3 {
        0 => vec![(i + 1, "left".into()), (i + 2, "right".into())],
        1 => {
            if i + 2 < 180 {
                vec![(i + 2, "down".into())]
            } else {
                vec![]
            }
        }
        _ => {
            if i + 1 < 180 {
                vec![(i + 1, "down".into())]
            } else {
                vec![]
            }
        }
    }));
    let ring = graph((0..1000).map(|i| vec![((i + 1) % 1000, "next".into()), (i, "self".into()), (0, "root".into())]));
    let star = graph((0..=last).map(|i| if i == 0 { (1..=last).map(|id| (id, format!("n{id}"))).collect() } else { vec![] }));
    let again = graph((0..2).map(|i| if i == 0 { (0..last).map(|n| (1, format!("n{n}"))).collect() } else { vec![] }));
    for (what, bytes, nodes, reached) in [
        ("a chain", chain, 100_001, 100_000),
        ("diamonds", diamonds, 180, 179),
        ("a ring", ring, 1000, 999),
        ("a star", star, 100_001, 100_000),
        ("one child 100 000 times", again, 2, 1),
        ("unreachable nodes", graph(vec![vec![]; 100_000]), 100_000, 0),
    ] {
        let mut bundle = Bundle::new();
        bundle.strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[&bytes]);
        let prefix = bundle.write(scratch.path(), "b");
        let size = bytes.len();
        let (counts, used) = within(what, move || {
            peak(|| {
                let reader = Reader::open(prefix).unwrap();
                let graph = reader.object_graph().unwrap().unwrap();
                (graph.len(), graph.parents().unwrap().iter().flatten().count())
            })
        });
        println!("{what}: {size} bytes, {used} allocated");
        assert_eq!(counts, (nodes, reached), "{what}");
    }
}

#[test]
fn huge_directories_of_other_files_are_listed_in_part() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    for i in 0..3000 {
        std::fs::write(scratch.path().join(format!("ckpt-{i}.index")), b"").unwrap();
    }
    let path = scratch.path().to_owned();
    let error = within("listing", move || Reader::open(path).err().unwrap());
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.to_string().len() < 4000, "{} characters", error.to_string().len());
}

#[test]
fn messages_stay_short_whatever_the_file_says() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    let key = "k".repeat(200_000);
    let mut bundle = Bundle::new();
    bundle.tensor(&key, dtypes::UINT8, &[1; 254], &[1]).edit(&key, |entry| entry.masked_crc = Some(3));
    let reader = Reader::open(bundle.write(scratch.path(), "b")).unwrap();
    let tensor = reader.get(&key).unwrap();
    for error in
        [tensor.read().unwrap_err(), tensor.read_slice(&Slice::full(3)).unwrap_err(), reader.get(&key[1..]).err().unwrap()]
    {
        assert!(error.to_string().len() < 4000, "{} characters", error.to_string().len());
        assert!(error.tensor().unwrap().len() >= 199_999);
    }
    assert!(slice_key(key.as_bytes(), &[]).len() > key.len());
    assert!(files::data().is_dir());
}

/// One edge with a name of 60 000 bytes, which all paths below have, and one whose name ends a
/// path.
#[test]
fn reports_on_a_long_name_take_memory_in_proportion_to_the_graph() {
    let _turn = turn();
    let scratch = tempdir().unwrap();
    const CHILDREN: usize = 3000;
    let value = |n: usize| Object::new().value("VARIABLE_VALUE", &format!("k{n}"));
    let long = "é".repeat(30_000);
    let root = Object::new().edge(&long, 1).edge(&format!("{long}x"), 2);
    let wide = (0..CHILDREN).fold(Object::new(), |wide, n| wide.edge(&format!("{n}"), 3 + n as i64));
    let objects: Vec<Object> = [root, wide].into_iter().chain((0..=CHILDREN).map(value)).collect();
    let mut bundle = Bundle::new();
    bundle.strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[&objects::graph(&objects)]);
    for n in 0..=CHILDREN {
        bundle.tensor(&format!("k{n}"), dtypes::INT32, &[], &i32s(&[n as i32]));
    }
    let path = bundle.write(scratch.path(), "long");

    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let variable = Variable::owned(DType::Int32, &[], &7i32.to_ne_bytes()).unwrap();
    graph.track(root, &CHILDREN.saturating_sub(1).to_string(), graph.add_variable(variable).unwrap()).unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    let (report, used) = peak(|| checkpoint.dry_run(&path, &RestoreOptions::new()).unwrap());
    let (table, of_table) = peak(|| report.table().to_string());
    println!("{used} bytes for the report, {of_table} for the table");
    assert!(used < FLOOR && of_table < FLOOR, "{used} bytes for the report, {of_table} for the table");
    assert_eq!((report.rows().len(), table.lines().count()), (CHILDREN + 2, CHILDREN + 2));
    assert!(table.lines().all(|line| line.len() < 2000));
    assert!(table.lines().any(|line| line.contains(" …éé") && line.contains("ééx ")), "the end of a long name is shown");
    // The long name is not compared, and what is below it has a candidate as ever.
    let candidates: Vec<&Row> = report.rows().iter().filter(|row| row.candidate.is_some()).collect();
    assert_eq!(candidates.iter().map(|row| &*row.key).collect::<Vec<_>>()[0], format!("k{CHILDREN}"));
    assert_eq!(candidates.len(), 2);
}
