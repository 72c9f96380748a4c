//! Partitioned tensors: whole and by any slice, of every dtype and rank, against a plain model.

mod common;

use std::path::Path;

use checkpoint::{Code, ReadOptions, ReadRequest, Reader, Reason, Slice, Verdict};
use common::bundle::{f32s, i32s, Bundle};
use common::judge::{self, refuses_to_read, slice, sound, Value};
use common::proto::{full, Extent};
use common::rng::Rng;
use common::{dtypes, naive, v1};
use tempfile::tempdir;
use Extent::{Full, Part};

/// Cuts a box into a few, at random places; together they are the box.
fn partition(rng: &mut Rng, shape: &[i64], cuts: usize) -> Vec<Vec<Extent>> {
    let mut boxes: Vec<Vec<(i64, i64)>> = vec![shape.iter().map(|&size| (0, size)).collect()];
    for _ in 0..cuts {
        let which = rng.below(boxes.len() as u64) as usize;
        let dim = rng.below(shape.len() as u64) as usize;
        let (start, length) = boxes[which][dim];
        if length < 2 {
            continue;
        }
        let first = rng.between(1, length as u64 - 1) as i64;
        let mut second = boxes[which].clone();
        boxes[which][dim] = (start, first);
        second[dim] = (start + first, length - first);
        boxes.push(second);
    }
    let extent = |(&(start, length), &size): (&(i64, i64), &i64)| if length == size { Full } else { Part(start, length) };
    let mut slices: Vec<Vec<Extent>> = boxes.iter().map(|bounds| bounds.iter().zip(shape).map(extent).collect()).collect();
    // Stored in any order.
    for i in (1..slices.len()).rev() {
        slices.swap(i, rng.below(i as u64 + 1) as usize);
    }
    slices
}

/// A slice to ask for: parts of some dimensions, the whole of others, sometimes nothing.
fn request(rng: &mut Rng, shape: &[i64]) -> Vec<Extent> {
    let one = |rng: &mut Rng, size: i64| match rng.below(4) {
        0 => Full,
        _ => {
            let start = rng.below(size as u64 + 1) as i64;
            Part(start, rng.below((size - start) as u64 + 1) as i64)
        }
    };
    shape.iter().map(|&size| one(rng, size)).collect()
}

fn shape_of(rng: &mut Rng, rank: usize) -> Vec<i64> {
    let most = if rank > 6 { 3 } else { 6 };
    (0..rank).map(|_| rng.between(1, most) as i64).collect()
}

/// An element of a string tensor.
fn word(rng: &mut Rng) -> Vec<u8> {
    let length = rng.below(40) as usize;
    rng.bytes(length)
}

/// A random tensor and its slices.
struct Case {
    key: String,
    dtype: u32,
    shape: Vec<i64>,
    bytes: Vec<u8>,
}

/// Adds a partitioned tensor of random content to a bundle.
fn add(rng: &mut Rng, bundle: &mut Bundle, key: String, dtype: u32, rank: usize) -> Case {
    let shape = shape_of(rng, rank);
    let width = dtypes::of(dtype).size;
    let elements: i64 = shape.iter().product();
    let bytes = rng.bytes(elements as usize * width);
    let cuts = rng.between(1, 9) as usize;
    let slices = partition(rng, &shape, cuts);
    if slices.len() == 1 {
        bundle.tensor(&key, dtype, &shape, &bytes);
    } else {
        bundle.partitioned(&key, dtype, &shape, &slices);
        for extents in &slices {
            bundle.shard = rng.below(bundle.shards.len() as u64) as usize;
            bundle.slice(&key, dtype, &shape, extents, &naive::cut(&bytes, width, &shape, extents));
        }
    }
    Case { key, dtype, shape, bytes }
}

fn check(rng: &mut Rng, prefix: &Path, cases: &[Case]) {
    let contents = sound(prefix);
    assert_eq!(contents.len(), cases.len());
    let reader = Reader::open(prefix).unwrap();
    for case in cases {
        let tensor = reader.get(&case.key).unwrap();
        assert_eq!((tensor.dtype().number(), tensor.shape()), (case.dtype, &case.shape[..]));
        assert_eq!(contents[case.key.as_bytes()].value, Value::Numbers(case.bytes.clone()), "{}", case.key);
        for _ in 0..12 {
            let extents = request(rng, &case.shape);
            let expected = naive::cut(&case.bytes, dtypes::of(case.dtype).size, &case.shape, &extents);
            let found = tensor.read_slice(&slice(&extents)).unwrap();
            assert!(found == expected, "{} {:?}: {extents:?}", case.key, case.shape);
        }
    }
}

#[test]
fn every_fixed_size_dtype_in_both_byte_orders() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(3);
    for big_endian in [false, true] {
        let mut bundle = if big_endian { Bundle::big_endian() } else { Bundle::new() };
        let cases: Vec<Case> =
            dtypes::fixed().map(|row| add(&mut rng, &mut bundle, row.name.to_owned(), row.number, 3)).collect();
        assert_eq!(cases.len(), 30);
        check(&mut rng, &bundle.write(scratch.path(), "b"), &cases);
    }
}

#[test]
fn ranks_from_one_to_twelve() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(4);
    for round in 0..4 {
        let mut bundle = Bundle::sharded(3);
        bundle.header = common::bundle::header(3, false);
        let mut cases = Vec::new();
        for rank in 1..=12 {
            for dtype in [dtypes::UINT8, dtypes::HALF, dtypes::FLOAT, dtypes::COMPLEX128] {
                let key = format!("rank{rank}/{dtype}");
                cases.push(add(&mut rng, &mut bundle, key, dtype, rank));
            }
        }
        check(&mut rng, &bundle.write(scratch.path(), &format!("b{round}")), &cases);
    }
}

#[test]
fn strings() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(5);
    for round in 0..24 {
        let shape = shape_of(&mut rng, 1 + round % 6);
        let count: i64 = shape.iter().product();
        let elements: Vec<Vec<u8>> = (0..count).map(|_| word(&mut rng)).collect();
        let elements: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
        let pick =
            |extents: &[Extent]| -> Vec<&[u8]> { naive::elements(&shape, extents).into_iter().map(|i| elements[i]).collect() };
        let slices = partition(&mut rng, &shape, 5);
        let mut bundle = if round % 2 == 0 { Bundle::new() } else { Bundle::big_endian() };
        if slices.len() == 1 {
            bundle.strings("s", &shape, &elements);
        } else {
            bundle.partitioned("s", dtypes::STRING, &shape, &slices);
            for extents in &slices {
                bundle.string_slice("s", &shape, extents, &pick(extents));
            }
        }
        let prefix = bundle.write(scratch.path(), "b");
        sound(&prefix);
        let reader = Reader::open(&prefix).unwrap();
        let tensor = reader.get("s").unwrap();
        assert!(tensor.read_strings().unwrap().iter().eq(elements.iter().copied()));
        for _ in 0..12 {
            let extents = request(&mut rng, &shape);
            let found = tensor.read_strings_slice(&slice(&extents)).unwrap();
            assert!(found.iter().eq(pick(&extents)), "{shape:?} {extents:?}");
        }
    }
}

#[test]
fn v1_files_of_every_dtype() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(6);
    let mut cases = Vec::new();
    let mut file = v1::File::new();
    for dtype in v1::DTYPES {
        for rank in [1, 2, 5] {
            let shape = shape_of(&mut rng, rank);
            let width = dtypes::of(dtype).size;
            let elements: i64 = shape.iter().product();
            let mut bytes = rng.bytes(elements as usize * width);
            if dtype == dtypes::BOOL {
                bytes.iter_mut().for_each(|byte| *byte &= 1);
            }
            let key = format!("{}{rank}", dtypes::of(dtype).name);
            for extents in partition(&mut rng, &shape, 5) {
                let part = naive::cut(&bytes, width, &shape, &extents);
                file.slice(&key, dtype, &shape, &extents, v1::values(dtype, &part));
            }
            cases.push(Case { key, dtype, shape, bytes });
        }
    }
    check(&mut rng, &file.write(scratch.path(), "old"), &cases);
}

#[test]
fn v1_strings() {
    let scratch = tempdir().unwrap();
    let words: [&[u8]; 6] = [b"a", b"", b"ccc", b"\xff\x00", b"e", b"f"];
    let shape = [3, 2];
    let pick = |extents: &[Extent]| -> Vec<&[u8]> { naive::elements(&shape, extents).into_iter().map(|i| words[i]).collect() };
    let mut file = v1::File::new();
    for extents in [vec![Full, Part(1, 1)], vec![Part(0, 2), Part(0, 1)], vec![Part(2, 1), Part(0, 1)]] {
        file.slice("s", dtypes::STRING, &shape, &extents, v1::string_values(&pick(&extents)));
    }
    let path = file.write(scratch.path(), "old");
    sound(&path);
    let reader = Reader::open(&path).unwrap();
    let tensor = reader.get("s").unwrap();
    assert!(tensor.read_strings().unwrap().iter().eq(words));
    for extents in [vec![Full, Part(0, 1)], vec![Part(1, 2), Full], vec![Part(1, 1), Part(1, 1)], vec![Part(3, 0), Full]] {
        assert!(tensor.read_strings_slice(&slice(&extents)).unwrap().iter().eq(pick(&extents)), "{extents:?}");
    }
}

#[test]
fn any_slice_of_a_tensor_stored_whole() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(7);
    for big_endian in [false, true] {
        let mut bundle = if big_endian { Bundle::big_endian() } else { Bundle::new() };
        let mut cases = Vec::new();
        for row in dtypes::fixed() {
            let rank = rng.between(1, 12) as usize;
            let shape = shape_of(&mut rng, rank);
            let elements: i64 = shape.iter().product();
            let bytes = rng.bytes(elements as usize * row.size);
            bundle.tensor(row.name, row.number, &shape, &bytes);
            cases.push(Case { key: row.name.to_owned(), dtype: row.number, shape, bytes });
        }
        check(&mut rng, &bundle.write(scratch.path(), "b"), &cases);
    }
}

#[test]
fn scalars_have_one_slice() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("x", dtypes::INT32, &[], &i32s(&[7])).strings("s", &[], &[b"seven"]);
    let reader = Reader::open(bundle.write(scratch.path(), "b")).unwrap();
    assert_eq!(reader.get("x").unwrap().read_slice(&Slice::full(0)).unwrap(), i32s(&[7]));
    assert_eq!(reader.get("s").unwrap().read_strings_slice(&Slice::full(0)).unwrap().get(0), Some(&b"seven"[..]));
}

#[test]
fn gaps_are_named() {
    let scratch = tempdir().unwrap();
    // Rows 0..2 and 4..6 of six, as if a worker's part were lost.
    let mut bundle = Bundle::new();
    let slices = [vec![Part(0, 2), Full], vec![Part(4, 2), Full]];
    bundle.partitioned("t", dtypes::FLOAT, &[6, 2], &slices);
    for extents in &slices {
        bundle.slice("t", dtypes::FLOAT, &[6, 2], extents, &f32s(&[1.0, 2.0, 3.0, 4.0]));
    }
    let prefix = bundle.write(scratch.path(), "b");
    let reader = Reader::open(&prefix).unwrap();
    let tensor = reader.get("t").unwrap();
    for (request, covered) in [
        (vec![Full, Full], false),
        (vec![Part(0, 3), Full], false),
        (vec![Part(1, 1), Part(0, 1)], true),
        (vec![Part(2, 2), Full], false),
        (vec![Part(3, 3), Full], false),
        (vec![Part(4, 2), Part(1, 1)], true),
        (vec![Part(2, 0), Full], true),
    ] {
        match tensor.read_slice(&slice(&request)) {
            Ok(_) => assert!(covered, "{request:?} was read"),
            Err(error) => {
                assert!(!covered, "{request:?}: {error}");
                assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Gap), "{error}");
                // What is stored, so that it can be seen what is not.
                assert!(error.to_string().contains("0,2:-") || error.to_string().contains("4,2:-"), "{error}");
            }
        }
    }
    // A gap is no damage: sections of a save that is not merged yet are full of them.
    assert_eq!(judge::verify(&prefix).unwrap().verdict, Verdict::Section);
}

#[test]
fn a_missing_slice_record_is_named() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    let slices = [vec![Part(0, 2), Full], vec![Part(2, 1), Part(0, 1)], vec![Part(2, 1), Part(1, 1)]];
    bundle.partitioned("net/table", dtypes::UINT8, &[3, 2], &slices);
    for extents in &slices[..2] {
        let bytes = vec![1; naive::elements(&[3, 2], extents).len()];
        bundle.slice("net/table", dtypes::UINT8, &[3, 2], extents, &bytes);
    }
    let prefix = bundle.write(scratch.path(), "b");
    refuses_to_read(&prefix, "net/table", Code::NotFound).says("2,1:1,1");
    let reader = Reader::open(&prefix).unwrap();
    let tensor = reader.get("net/table").unwrap();
    assert_eq!(tensor.read_slice(&slice(&[Part(0, 3), Part(0, 1)])).unwrap(), [1; 3]);
    assert_eq!(tensor.slices().len(), 3);
}

#[test]
fn many_at_once_by_several_threads_equal_one_by_one() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(8);
    let mut bundle = Bundle::sharded(4);
    let mut cases = Vec::new();
    for i in 0..60 {
        let rank = rng.between(1, 5) as usize;
        let row = dtypes::fixed().nth(i % 30).unwrap();
        cases.push(add(&mut rng, &mut bundle, format!("t{i}"), row.number, rank));
    }
    // One large enough to be read in parts.
    let large = rng.bytes(5 << 20);
    bundle.tensor("large", dtypes::UINT8, &[5 << 20], &large);
    cases.push(Case { key: "large".into(), dtype: dtypes::UINT8, shape: vec![5 << 20], bytes: large });
    let reader = Reader::open(bundle.write(scratch.path(), "b")).unwrap();
    let requests: Vec<Option<Vec<Extent>>> =
        cases.iter().map(|case| (rng.below(2) == 0).then(|| request(&mut rng, &case.shape))).collect();
    let expected: Vec<Vec<u8>> = cases
        .iter()
        .zip(&requests)
        .map(|(case, request)| {
            let extents = request.clone().unwrap_or_else(|| full(case.shape.len()));
            if extents == full(case.shape.len()) {
                return case.bytes.clone();
            }
            naive::cut(&case.bytes, dtypes::of(case.dtype).size, &case.shape, &extents)
        })
        .collect();
    for threads in [1, 2, 3, 8] {
        let mut buffers: Vec<Vec<u8>> = expected.iter().map(|value| vec![0xaa; value.len()]).collect();
        let mut list = Vec::new();
        for ((case, request), buffer) in cases.iter().zip(&requests).zip(&mut buffers) {
            let tensor = reader.get(&case.key).unwrap();
            list.push(ReadRequest { tensor, slice: request.as_ref().map(|extents| slice(extents)), buffer });
        }
        reader.read_many(list, &ReadOptions::default().threads(threads)).unwrap();
        assert!(buffers == expected, "{threads} threads");
    }
}

#[test]
fn tensors_read_in_parts_are_checked_as_a_whole() {
    let scratch = tempdir().unwrap();
    let mut rng = Rng::new(10);
    for big_endian in [false, true] {
        let mut bundle = if big_endian { Bundle::big_endian() } else { Bundle::new() };
        let values = [(1 << 17) + 3, 90_000, 1, 1 << 16].map(|elements| rng.bytes(8 * elements));
        for (i, value) in values.iter().enumerate() {
            bundle.tensor(&format!("t{i}"), dtypes::DOUBLE, &[value.len() as i64 / 8], value);
        }
        let prefix = bundle.write(scratch.path(), "b");
        let data = common::bundle::shard_path(&prefix, 0, 1);
        let read = |threads: u32| {
            let reader = Reader::open(&prefix).unwrap();
            let mut buffers: Vec<Vec<u8>> = values.iter().map(|value| vec![0; value.len()]).collect();
            let requests = reader.tensors().zip(&mut buffers);
            let requests = requests.map(|(tensor, buffer)| ReadRequest { tensor, slice: None, buffer }).collect();
            reader.read_many(requests, &ReadOptions::default().threads(threads)).map(|()| buffers)
        };
        for threads in [1, 2, 3, 8] {
            assert!(read(threads).unwrap() == values, "{threads} threads");
        }
        let first = values[0].len();
        for (at, key) in [(0, "t0"), (first / 2, "t0"), (first - 1, "t0"), (first, "t1"), (first + values[1].len() - 1, "t1")] {
            let mut damaged = bundle.shards[0].clone();
            damaged[at] ^= 1;
            std::fs::write(&data, damaged).unwrap();
            for threads in [1, 3] {
                let error = read(threads).unwrap_err();
                assert_eq!((error.code(), error.tensor()), (Code::DataLoss, Some(key.as_bytes())), "byte {at}: {error}");
            }
            let problems = judge::problems(&prefix);
            assert_eq!((problems.len(), problems[0].tensor()), (1, Some(key.as_bytes())), "byte {at}");
        }
    }
}

#[test]
fn one_bad_request_among_many_is_named() {
    let scratch = tempdir().unwrap();
    let mut bundle = Bundle::new();
    for i in 0..20 {
        bundle.tensor(&format!("t{i:02}"), dtypes::INT32, &[4], &i32s(&[i; 4]));
    }
    bundle.edit("t13", |entry| entry.masked_crc = Some(5));
    let reader = Reader::open(bundle.write(scratch.path(), "b")).unwrap();
    for threads in [1, 4] {
        let mut buffers = vec![[0_u8; 16]; 20];
        let requests = reader.tensors().zip(&mut buffers);
        let requests = requests.map(|(tensor, buffer)| ReadRequest { tensor, slice: None, buffer }).collect();
        let error = reader.read_many(requests, &ReadOptions::default().threads(threads)).unwrap_err();
        assert_eq!((error.code(), error.tensor()), (Code::DataLoss, Some(&b"t13"[..])), "{error}");
    }
    // What can be known beforehand is known before a byte is read.
    let mut buffers = vec![vec![0xaa; 16]; 20];
    buffers[7].pop();
    let requests = reader.tensors().zip(&mut buffers);
    let requests = requests.map(|(tensor, buffer)| ReadRequest { tensor, slice: None, buffer }).collect();
    let error = reader.read_many(requests, &ReadOptions::default()).unwrap_err();
    assert_eq!((error.code(), error.tensor()), (Code::InvalidArgument, Some(&b"t07"[..])), "{error}");
    assert!(buffers.iter().flatten().all(|&byte| byte == 0xaa));
}

#[test]
fn slices_are_spelled_as_tensorflow_spells_them() {
    for (text, extents) in [
        ("-", Some(vec![Full])),
        ("-:0,1", Some(vec![Full, Part(0, 1)])),
        ("5,3:-:0,2", Some(vec![Part(5, 3), Full, Part(0, 2)])),
        ("-:0,1:", Some(vec![Full, Part(0, 1)])),
        ("", Some(vec![])),
        ("0,0", None),
        ("0,-1", None),
        ("-1,2", None),
        ("0", None),
        ("0,", None),
        (",1", None),
        ("0,1,2", None),
        (" 0,1", None),
        ("0,1 ", None),
        ("0, 1", None),
        ("a,b", None),
        ("--", None),
        ("9223372036854775808,1", None),
        ("0,9223372036854775808", None),
    ] {
        let parsed: Result<Slice, _> = text.parse();
        match (parsed, extents) {
            (Ok(parsed), Some(extents)) => {
                assert_eq!(parsed, slice(&extents), "{text:?}");
                assert_eq!(parsed.to_string(), text.trim_end_matches(':'));
            }
            (Err(error), None) => assert_eq!(error.code(), Code::InvalidArgument, "{text:?}: {error}"),
            (parsed, _) => panic!("{text:?} gave {parsed:?}"),
        }
    }
}

/// Errors that the caller makes say where as well: a program reads from many checkpoints.
#[test]
fn errors_of_reads_name_file_and_tensor() {
    let directory = tempdir().unwrap();
    let mut bundle = Bundle::new();
    bundle.tensor("two", dtypes::FLOAT, &[2], &f32s(&[1.0, 2.0])).strings("text", &[], &[b"a"]);
    let prefix = bundle.write(directory.path(), "a");
    let reader = Reader::open(&prefix).unwrap();
    let (two, text) = (reader.get("two").unwrap(), reader.get("text").unwrap());
    let slice = |text: &str| text.parse::<Slice>().unwrap();
    let options = ReadOptions::new();
    let faults = [
        ("size", Reason::Shape, two.read_into(&mut [0; 9], &options).unwrap_err()),
        ("size of a slice", Reason::Shape, two.read_slice_into(&slice("0,1"), &mut [0; 8], &options).unwrap_err()),
        ("size before reading", Reason::Shape, two.check_destination(None, 9, &options).unwrap_err()),
        ("region", Reason::Shape, two.read_slice(&slice("1,2")).unwrap_err()),
        ("rank", Reason::Shape, two.read_slice(&slice("0,1:0,1")).unwrap_err()),
        ("text of numbers", Reason::DType, two.read_strings().unwrap_err()),
        ("numbers of text", Reason::DType, text.read().unwrap_err()),
        ("type", Reason::DType, two.values::<i32>().unwrap_err()),
    ];
    for (what, reason, error) in faults {
        let key = if what == "numbers of text" { "text" } else { "two" };
        assert_eq!((error.reason(), error.tensor()), (reason, Some(key.as_bytes())), "{what}: {error}");
        assert_eq!(error.file(), Some(&*prefix), "{what}: {error}");
    }
}
