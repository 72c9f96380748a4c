//! Values that are converted while they are read and restored.

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    convert_values, Cancel, Checkpoint, Code, Conversion, DType, Device, Durability, Failure, Graph, Mismatch, NodeId,
    OwnedReadRequest, ReadOptions, ReadRequest, Reader, Reason, RestoreOptions, RowState, SaveOptions, Saver, SaverOptions,
    Slice, Variable, WriteOptions, Writer,
};
use common::bundle::{shard_path, Bundle};
use tempfile::TempDir;

const KEY: &str = "v/.ATTRIBUTES/VARIABLE_VALUE";

/// Shapes of one chunk and of several, for one thread and for more.
const SHAPES: [[i64; 2]; 3] = [[3, 5], [0, 4], [300, 900]];

/// Elements of a dtype, of which no two neighbors are the same.
fn elements(dtype: DType, shape: &[i64]) -> Vec<u8> {
    let count = shape.iter().product::<i64>() as usize;
    let bytes: Vec<u8> = (0..count).flat_map(|n| ((n % 120) as i32 - 60).to_ne_bytes()).collect();
    let mut small = vec![0; count];
    convert_values(Conversion::Exact, DType::Int32, &bytes, DType::Int8, &mut small).unwrap();
    let mut found = vec![0; count * dtype.size().unwrap()];
    convert_values(Conversion::Exact, DType::Int8, &small, dtype, &mut found).unwrap();
    found
}

fn converted(from: DType, bytes: &[u8], to: DType) -> Vec<u8> {
    let mut out = vec![0; bytes.len() / from.size().unwrap() * to.size().unwrap()];
    convert_values(Conversion::Lossy, from, bytes, to, &mut out).unwrap();
    out
}

fn unsynced() -> WriteOptions {
    WriteOptions::new().durability(Durability::None)
}

type Named<'t> = (&'t str, DType, &'t [i64], &'t [u8]);

fn write(path: &Path, tensors: &[Named<'_>]) {
    let mut writer = Writer::new(path, &unsynced()).unwrap();
    tensors.iter().for_each(|(key, dtype, shape, bytes)| writer.add(key, *dtype, shape, bytes).unwrap());
    writer.finish().unwrap();
}

fn slice(text: &str) -> Slice {
    text.parse().unwrap()
}

/// The elements of a slice of a matrix.
fn cut(bytes: &[u8], size: usize, shape: &[i64], rows: std::ops::Range<i64>, columns: std::ops::Range<i64>) -> Vec<u8> {
    let row = |row: i64| &bytes[(row * shape[1] + columns.start) as usize * size..(row * shape[1] + columns.end) as usize * size];
    rows.flat_map(|number| row(number).to_vec()).collect()
}

/// Writes the tensor `v` whole, in rows, in columns, and in the other byte order.
fn layouts(directory: &Path, key: &str, dtype: DType, shape: &[i64; 2], bytes: &[u8]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let size = dtype.size().unwrap();
    let [rows, columns] = *shape;
    for (name, parts) in [
        ("whole", vec![]),
        ("rows", vec![(0..1, 0..columns), (1..rows, 0..columns)]),
        ("columns", vec![(0..rows, 0..2), (0..rows, 2..columns)]),
    ] {
        if rows == 0 && !parts.is_empty() {
            continue;
        }
        let path = directory.join(name);
        let values: Vec<Vec<u8>> = parts.iter().map(|(r, c)| cut(bytes, size, shape, r.clone(), c.clone())).collect();
        let mut writer = Writer::new(&path, &unsynced()).unwrap();
        if parts.is_empty() {
            writer.add(key, dtype, shape, bytes).unwrap();
        }
        for ((r, c), value) in parts.iter().zip(&values) {
            let slice = slice(&format!("{},{}:{},{}", r.start, r.end - r.start, c.start, c.end - c.start));
            writer.add_slice(key, dtype, shape, &slice, value).unwrap();
        }
        writer.finish().unwrap();
        all.push(path);
    }
    let mut bundle = Bundle::big_endian();
    bundle.tensor(key, dtype.number(), shape, bytes);
    all.push(bundle.write(directory, "big-endian"));
    all
}

const PAIRS: [(DType, DType, Conversion); 6] = [
    (DType::Bfloat16, DType::Float, Conversion::Exact),
    (DType::Int16, DType::Double, Conversion::Exact),
    (DType::Int8, DType::Complex128, Conversion::Exact),
    (DType::Float, DType::Half, Conversion::Lossy),
    (DType::Double, DType::Bfloat16, Conversion::Lossy),
    (DType::Half, DType::Float8E4m3fn, Conversion::Lossy),
];

/// The large one is for few dtypes: conversions are slow without optimization.
fn shapes_for(to: DType) -> &'static [[i64; 2]] {
    let is_large = matches!(to, DType::Float | DType::Complex128);
    &SHAPES[..if is_large { 3 } else { 2 }]
}

#[test]
fn whole_tensors_and_slices_are_read_as_another_dtype_from_every_layout() {
    for (from, to, conversion) in PAIRS {
        for &shape in shapes_for(to) {
            let directory = TempDir::new().unwrap();
            let bytes = elements(from, &shape);
            let expected = converted(from, &bytes, to);
            for path in layouts(directory.path(), "v", from, &shape, &bytes) {
                let reader = Reader::open(&path).unwrap();
                let tensor = reader.get("v").unwrap();
                let options = ReadOptions::new().dtype(to).conversion(conversion).threads(2);
                let mut buffer = vec![0xee; expected.len()];
                tensor.read_into(&mut buffer, &options).unwrap();
                assert!(buffer == expected, "{from} to {to}, {path:?}");
                let [rows, columns] = shape;
                if rows == 0 {
                    continue;
                }
                for (r, c) in [(1..rows, 0..columns), (0..rows, 1..columns), (1..2, 1..3), (0..rows, 3..4)] {
                    for checksums in [checkpoint::Checksums::Always, checkpoint::Checksums::WhenWhole] {
                        let expected = cut(&expected, to.size().unwrap(), &shape, r.clone(), c.clone());
                        let mut buffer = vec![0xee; expected.len()];
                        let slice = slice(&format!("{},{}:{},{}", r.start, r.end - r.start, c.start, c.end - c.start));
                        tensor.read_slice_into(&slice, &mut buffer, &options.clone().checksums(checksums)).unwrap();
                        assert!(buffer == expected, "{from} to {to}, {path:?}, {slice}, {checksums:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn many_tensors_are_read_as_one_dtype() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("model");
    let dtypes = [DType::Float, DType::Bfloat16, DType::Half, DType::Int8];
    let values: Vec<Vec<u8>> = dtypes.iter().map(|&dtype| elements(dtype, &[3, 5])).collect();
    let mut tensors: Vec<Named<'_>> =
        dtypes.iter().zip(&values).map(|(dtype, value)| (dtype.name(), *dtype, &[3, 5][..], &value[..])).collect();
    let far = [3i64, -4].map(i64::to_ne_bytes).concat();
    tensors.push(("far", DType::Int64, &[2], &far));
    write(&path, &tensors);
    let reader = Reader::open(&path).unwrap();
    let options = ReadOptions::new().dtype(DType::Float).conversion(Conversion::Exact);
    let mut buffers = vec![vec![0; 60]; dtypes.len()];
    let requests = dtypes.iter().zip(&mut buffers);
    reader
        .read_many(
            requests
                .map(|(dtype, buffer)| ReadRequest { tensor: reader.get(dtype.name()).unwrap(), slice: None, buffer })
                .collect(),
            &options,
        )
        .unwrap();
    for ((dtype, value), buffer) in dtypes.iter().zip(&values).zip(&buffers) {
        let expected = if *dtype == DType::Float { value.clone() } else { converted(*dtype, value, DType::Float) };
        assert_eq!(*buffer, expected, "{dtype}");
    }
    // Integers of which it depends, together with others.
    let (mut near, mut byte) = ([0; 8], [0; 60]);
    let requests = vec![
        ReadRequest { tensor: reader.get("far").unwrap(), slice: None, buffer: &mut near },
        ReadRequest { tensor: reader.get("int8").unwrap(), slice: None, buffer: &mut byte },
    ];
    reader.read_many(requests, &ReadOptions::new().dtype(DType::Int32).conversion(Conversion::Exact)).unwrap();
    assert_eq!(near, [3i32, -4].map(i32::to_ne_bytes).concat()[..]);
    assert_eq!(byte, converted(DType::Int8, &values[3], DType::Int32)[..]);
}

#[test]
fn a_v1_checkpoint_is_converted_too() {
    let reader = Reader::open("tests/data/saver_v1/model.ckpt-3").unwrap();
    for tensor in reader.tensors().filter(|t| t.dtype() == DType::Float) {
        let plain = tensor.read().unwrap();
        let mut buffer = vec![0; plain.len() * 2];
        tensor.read_into(&mut buffer, &ReadOptions::new().dtype(DType::Double).conversion(Conversion::Exact)).unwrap();
        assert_eq!(buffer, converted(DType::Float, &plain, DType::Double));
        let error = tensor.read_into(&mut [0; 4], &ReadOptions::new().dtype(DType::Double).conversion(Conversion::Exact));
        assert_eq!(error.unwrap_err().reason(), Reason::Shape);
    }
}

/// Unsigned integers stand for bits of their size where there is no conversion of what is stored.
#[test]
fn bits_are_read_as_they_are_stored_where_they_are_not_converted() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bits");
    for (stored, bytes, to, conversion, expected) in [
        (DType::Bfloat16, &[0x80, 0x3f][..], DType::Uint16, Conversion::None, Some(&[0x80, 0x3f][..])),
        (DType::Half, &[0x00, 0x3c], DType::Uint16, Conversion::Exact, Some(&[0x00, 0x3c])),
        (DType::Float8E5m2, &[0x3c], DType::Uint8, Conversion::Lossy, Some(&[0x3c])),
        (DType::Qint32, &[1, 2, 3, 4], DType::Uint32, Conversion::Lossy, Some(&[1, 2, 3, 4])),
        (DType::Int4, &[0xff], DType::Uint8, Conversion::None, Some(&[0xff])),
        (DType::Int4, &[0xff], DType::Uint8, Conversion::Exact, None), // -1 does not fit
        (DType::Int4, &[7], DType::Uint8, Conversion::Exact, Some(&[7])),
        (DType::Bfloat16, &[0x80, 0x3f], DType::Int16, Conversion::Lossy, None),
        (DType::Float, &[0; 4], DType::Uint32, Conversion::None, None),
    ] {
        let case = format!("{stored} as {to}, {conversion:?}");
        write(&path, &[("v", stored, &[1], bytes)]);
        let reader = Reader::open(&path).unwrap();
        let mut buffer = vec![0xee; to.size().unwrap()];
        let read = reader.get("v").unwrap().read_into(&mut buffer, &ReadOptions::new().dtype(to).conversion(conversion));
        match expected {
            Some(expected) => {
                read.unwrap();
                assert_eq!(buffer, expected, "{case}");
            }
            None => assert_eq!(read.unwrap_err().reason(), Reason::DType, "{case}"),
        }
    }
}

/// What is read and converted in the background counts as it is stored, and can be cancelled.
#[test]
fn conversions_say_how_far_they_are_and_are_cancelled() {
    let directory = TempDir::new().unwrap();
    let shape = [300, 900];
    let bytes = elements(DType::Bfloat16, &shape);
    let expected = converted(DType::Bfloat16, &bytes, DType::Float);
    let raised = Cancel::new();
    raised.raise();
    let exact = RestoreOptions::new().conversion(Conversion::Exact);
    for path in layouts(directory.path(), "v", DType::Bfloat16, &shape, &bytes) {
        let reader = Arc::new(Reader::open(&path).unwrap());
        let options = ReadOptions::new().dtype(DType::Float).conversion(Conversion::Exact);
        for (part, wanted) in [(None, expected.clone()), (Some("-:1,3"), cut(&expected, 4, &shape, 0..300, 1..4))] {
            let buffer = vec![0xee; wanted.len()];
            let request = || vec![OwnedReadRequest { tensor: 0, slice: part.map(slice), buffer: buffer.clone() }];
            let pending = reader.read_many_async(request(), &options).unwrap();
            assert!(pending.take().unwrap()[0] == wanted, "{path:?}");
            let end = pending.poll();
            assert_eq!((end.done, end.total), (wanted.len() as u64 / 2, wanted.len() as u64 / 2), "{path:?}, {part:?}");
            let pending = reader.read_many_async(request(), &options.clone().cancel(&raised)).unwrap();
            assert_eq!(pending.take().unwrap_err().code(), Code::Cancelled);
        }
        let far = Far::new(DType::Float, &shape);
        for variable in [Variable::zeros(DType::Float, &shape).unwrap(), Variable::device(None, far.clone()).unwrap()] {
            let program = Program::new(variable);
            let cancelled = exact.clone().read(ReadOptions::new().cancel(&raised));
            assert_eq!(program.checkpoint.read(&path, &cancelled).unwrap_err().code(), Code::Cancelled);
            assert!(!program.graph.was_restored(program.node).unwrap());
            let pending = program.checkpoint.read_async(&path, &exact).unwrap();
            assert_eq!(pending.take().unwrap().report().unwrap().count(RowState::Converted), 1);
            let end = pending.poll();
            assert_eq!((end.done, end.total), (bytes.len() as u64, bytes.len() as u64), "{path:?}");
        }
    }
    // Integers are read twice: they are looked at first.
    let path = wide(directory.path(), "v", 1000, -7);
    let program = Program::new(Variable::zeros(DType::Int32, &[1000]).unwrap());
    let pending = program.checkpoint.read_async(&path, &exact).unwrap();
    pending.take().unwrap();
    let end = pending.poll();
    assert_eq!((end.done, end.total), (16_000, 16_000));
}

/// A tensor of int64 in which one value does not fit int32, and how large it is.
fn wide(directory: &Path, key: &str, count: usize, odd: i64) -> PathBuf {
    let path = directory.join(format!("wide-{count}"));
    let mut bytes = vec![1i64; count];
    bytes[count - 1] = odd;
    let bytes: Vec<u8> = bytes.iter().flat_map(|n| n.to_ne_bytes()).collect();
    write(&path, &[(key, DType::Int64, &[count as i64], &bytes)]);
    path
}

#[test]
fn integers_are_narrowed_if_they_fit_and_are_few() {
    let directory = TempDir::new().unwrap();
    let most = (1 << 20) / 8;
    let options = ReadOptions::new().dtype(DType::Int32).conversion(Conversion::Exact);
    for (count, odd, expected) in [
        (1, i64::from(i32::MAX), None),
        (most, i64::from(i32::MIN), None),
        (2, i64::from(i32::MAX) + 1, Some("expected -2147483648 to 2147483647, found 2147483648")),
        (most, i64::from(i32::MIN) - 1, Some("found -2147483649")),
        (most + 1, 1, Some("int64 is converted to int32 in tensors of at most 1048576 bytes, and this one has 1048584")),
    ] {
        let path = wide(directory.path(), "v", count, odd);
        let reader = Reader::open(&path).unwrap();
        let mut buffer = vec![0xee; count * 4];
        let read = reader.get("v").unwrap().read_into(&mut buffer, &options);
        match expected {
            None => {
                read.unwrap();
                assert_eq!(buffer[count * 4 - 4..], (odd as i32).to_ne_bytes());
            }
            Some(expected) => {
                let error = read.unwrap_err();
                assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::DType), "{error}");
                assert_eq!(error.tensor(), Some(&b"v"[..]));
                assert!(error.to_string().contains(expected), "{error}");
                assert!(buffer.iter().all(|&byte| byte == 0xee));
            }
        }
    }
    // What is damaged is said to be that, whatever its integers are.
    let path = wide(directory.path(), "v", 3, i64::MAX);
    let shard = shard_path(&path, 0, 1);
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let reader = Reader::open(&path).unwrap();
    let error = reader.get("v").unwrap().read_into(&mut [0; 12], &options).unwrap_err();
    assert_eq!(error.reason(), Reason::Checksum, "{error}");
}

/// Memory of a program that the library reads and writes piece by piece.
struct Far {
    dtype: DType,
    shape: Vec<i64>,
    bytes: Mutex<Vec<u8>>,
    written: Mutex<Vec<(u64, usize)>>,
}

impl Far {
    fn new(dtype: DType, shape: &[i64]) -> Arc<Far> {
        let bytes = vec![0xee; shape.iter().product::<i64>() as usize * dtype.size().unwrap()];
        Arc::new(Far { dtype, shape: shape.to_vec(), bytes: Mutex::new(bytes), written: Mutex::default() })
    }
}

impl Device for Far {
    fn describe(&self) -> (DType, Option<Vec<i64>>) {
        (self.dtype, Some(self.shape.clone()))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        buffer.copy_from_slice(&self.bytes.lock().unwrap()[offset as usize..][..buffer.len()]);
        Ok(())
    }

    fn prepare(&self, dtype: DType, shape: &[i64]) -> Result<(), Failure> {
        assert_eq!((dtype, shape), (self.dtype, &self.shape[..]));
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Failure> {
        assert!(bytes.len() <= 256 << 10, "a piece of {} bytes", bytes.len());
        self.bytes.lock().unwrap()[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        self.written.lock().unwrap().push((offset, bytes.len()));
        Ok(())
    }

    fn finish(&self, complete: bool) -> Result<(), Failure> {
        assert!(complete);
        Ok(())
    }
}

/// A program with the variable `v`.
struct Program {
    graph: Graph,
    node: NodeId,
    checkpoint: Checkpoint,
}

impl Program {
    fn new(variable: Variable) -> Program {
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let node = graph.add_variable(variable.name("v")).unwrap();
        graph.track(root, "v", node).unwrap();
        let checkpoint = Checkpoint::new(&graph, root).unwrap();
        Program { graph, node, checkpoint }
    }
}

/// Writes an object-based checkpoint of a program with the variable `v`.
fn saved(directory: &Path, dtype: DType, shape: &[i64], bytes: &[u8]) -> PathBuf {
    let program = Program::new(Variable::owned(dtype, shape, bytes).unwrap());
    program.checkpoint.write(directory.join("saved"), &SaveOptions::new().write(unsynced())).unwrap()
}

#[test]
fn variables_of_every_kind_are_restored_as_their_dtype() {
    for (from, to, conversion) in PAIRS {
        for &shape in shapes_for(to) {
            let directory = TempDir::new().unwrap();
            let bytes = elements(from, &shape);
            let whole = converted(from, &bytes, to);
            let mut paths = layouts(directory.path(), "v", from, &shape, &bytes);
            paths.push(saved(directory.path(), from, &shape, &bytes));
            let [rows, columns] = shape;
            for path in paths {
                for kind in ["owned", "borrowed", "without value", "device", "part", "part without value", "part on a device"] {
                    let is_part = kind.starts_with("part");
                    if is_part && rows == 0 {
                        continue;
                    }
                    let own = if is_part { vec![rows - 1, columns - 1] } else { shape.to_vec() };
                    let far = Far::new(to, &own);
                    let old = far.bytes.lock().unwrap().clone();
                    let variable = match kind {
                        "owned" | "part" => Variable::owned(to, &own, &old),
                        "borrowed" => Variable::borrowed(to, &own, Box::new(old.clone())),
                        "without value" => Variable::without_value(Some(to), Some(&[-1, columns])),
                        "part without value" => Variable::without_value(Some(to), Some(&own)),
                        _ => Variable::device(Some(&own), far.clone()),
                    };
                    let variable = if is_part {
                        variable.and_then(|v| v.part(&shape, &slice(&format!("1,{}:1,{}", own[0], own[1]))))
                    } else {
                        variable
                    };
                    let program = Program::new(variable.unwrap());
                    let what = format!("{from} to {to}, {path:?}, {kind}");
                    let value = || match kind {
                        "device" | "part on a device" => far.bytes.lock().unwrap().clone(),
                        _ => program.graph.read(program.node).unwrap_or_default(),
                    };
                    let before = value();
                    let options = RestoreOptions::new().conversion(conversion);
                    let report = program.checkpoint.dry_run(&path, &options).unwrap();
                    assert_eq!(report.count(RowState::Converted), 1, "{what}: {}", report.table());
                    assert_eq!(value(), before, "{what}");
                    let status = program.checkpoint.read(&path, &options).unwrap();
                    status.assert_consumed().unwrap();
                    let expected =
                        if is_part { cut(&whole, to.size().unwrap(), &shape, 1..rows, 1..columns) } else { whole.clone() };
                    assert!(value() == expected, "{what}");
                    let report = status.report().unwrap();
                    assert!(report.is_complete());
                    let row = report.rows().iter().find(|row| &*row.path == "v").unwrap();
                    assert_eq!(row.state, RowState::Converted, "{what}");
                    assert_eq!(row.saved.as_ref().unwrap().0, from);
                    assert_eq!(row.program.as_ref().unwrap().0, Some(to));
                    if kind == "device" {
                        let mut written = far.written.lock().unwrap().clone();
                        written.sort_unstable();
                        let end = written.iter().fold(0, |end, &(at, length)| {
                            assert_eq!(at, end, "{what}");
                            at + length as u64
                        });
                        assert_eq!(end, whole.len() as u64);
                    }
                }
            }
        }
    }
}

#[test]
fn savers_and_later_objects_convert_too() {
    let directory = TempDir::new().unwrap();
    let bytes = elements(DType::Bfloat16, &[3, 5]);
    let expected = converted(DType::Bfloat16, &bytes, DType::Float);
    let options = RestoreOptions::new().conversion(Conversion::Exact);
    let named = layouts(directory.path(), "v", DType::Bfloat16, &[3, 5], &bytes).swap_remove(0);
    let program = Program::new(Variable::zeros(DType::Float, &[3, 5]).unwrap());
    let saver = Saver::new(&program.graph, &[("v", program.node)], &SaverOptions::new()).unwrap();
    saver.restore(&named, &options).unwrap();
    assert_eq!(program.graph.read(program.node).unwrap(), expected);
    // Tracked after the restore.
    let path = saved(directory.path(), DType::Bfloat16, &[3, 5], &bytes);
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    let status = checkpoint.read(&path, &options).unwrap();
    let node = graph.add_variable(Variable::zeros(DType::Float, &[3, 5]).unwrap()).unwrap();
    graph.track(root, "v", node).unwrap();
    status.assert_consumed().unwrap();
    assert_eq!(graph.read(node).unwrap(), expected);
    assert_eq!(status.report().unwrap().count(RowState::Converted), 1);
}

#[test]
fn what_is_not_converted_is_refused_before_anything_is_assigned() {
    let directory = TempDir::new().unwrap();
    for (from, to, conversion, why) in [
        (DType::Bfloat16, DType::Float, Conversion::None, Some("it can be converted by the conversion \"exact\"")),
        (DType::Int64, DType::Int32, Conversion::None, Some("by the conversion \"exact\"")),
        (DType::Float, DType::Half, Conversion::None, Some("by the conversion \"lossy\"")),
        (DType::Float, DType::Int32, Conversion::None, None),
        (
            DType::Float,
            DType::Half,
            Conversion::Exact,
            Some("float16 does not have all values of float32; the conversion \"lossy\""),
        ),
        (DType::Float, DType::Int32, Conversion::Lossy, Some("float32 is never converted to int32")),
        (DType::Complex64, DType::Float, Conversion::Lossy, Some("complex64 is never converted to float32")),
        (DType::Int32, DType::Float, Conversion::Lossy, Some("int32 is never converted to float32")),
    ] {
        let path = directory.path().join("two");
        let value = vec![1; 4 * from.size().unwrap()];
        write(&path, &[("a", DType::Float, &[1], &1f32.to_ne_bytes()), ("v", from, &[4], &value)]);
        let program = Program::new(Variable::zeros(to, &[4]).unwrap());
        let other = program.graph.add_variable(Variable::zeros(DType::Float, &[1]).unwrap().name("a")).unwrap();
        program.graph.track(program.checkpoint.root(), "a", other).unwrap();
        let options = RestoreOptions::new().conversion(conversion);
        let error = program.checkpoint.read(&path, &options).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::DType), "{error}");
        assert_eq!(error.tensor(), Some(&b"v"[..]));
        assert_eq!((error.expected(), error.found()), (Some(to.name()), Some(from.name())));
        assert_eq!(error.to_string().contains("conver"), why.is_some(), "{error}");
        assert!(error.to_string().contains(why.unwrap_or_default()), "{error}");
        assert_eq!(program.graph.read(other).unwrap(), [0; 4]);
        // A restore that skips it says why in the row.
        let report = program.checkpoint.dry_run(&path, &options.on_mismatch(Mismatch::Skip)).unwrap();
        let row = report.rows().iter().find(|row| &*row.key == "v").unwrap();
        assert_eq!(row.state, RowState::DtypeMismatch);
        assert_eq!(row.detail.is_some(), conversion != Conversion::None);
        let read = ReadOptions::new().dtype(to).conversion(conversion);
        let reader = Reader::open(&path).unwrap();
        let mut buffer = vec![0xee; 4 * to.size().unwrap()];
        let error = reader.get("v").unwrap().read_into(&mut buffer, &read).unwrap_err();
        assert_eq!(error.reason(), Reason::DType);
        assert!(error.to_string().contains(why.unwrap_or_default()), "{error}");
    }
    // Of integers, the values are read before anything is assigned.
    for (count, odd, detail) in [
        (2, i64::MAX, "the value 9223372036854775807 does not fit"),
        ((1 << 17) + 1, 1, "int64 is converted to int32 in tensors of at most 1048576 bytes, and this one has 1048584"),
    ] {
        let path = wide(directory.path(), "v", count, odd);
        let program = Program::new(Variable::zeros(DType::Int32, &[count as i64]).unwrap());
        let options = RestoreOptions::new().conversion(Conversion::Exact);
        let error = program.checkpoint.read(&path, &options).unwrap_err();
        assert_eq!(error.reason(), Reason::DType, "{error}");
        assert!(program.graph.read(program.node).unwrap().iter().all(|&byte| byte == 0));
        let report = program.checkpoint.dry_run(&path, &options).unwrap();
        assert_eq!((report.rows()[0].state, report.rows()[0].detail.as_deref()), (RowState::DtypeMismatch, Some(detail)));
    }
    let program = Program::new(Variable::zeros(DType::Int32, &[2]).unwrap());
    let path = wide(directory.path(), "v", 2, -7);
    program.checkpoint.read(&path, &RestoreOptions::new().conversion(Conversion::Lossy)).unwrap().assert_consumed().unwrap();
    assert_eq!(program.graph.read(program.node).unwrap(), [1i32, -7].map(i32::to_ne_bytes).concat());
}

/// A restore that fails says of each converted value whether it is whole.
#[test]
fn a_damaged_value_is_torn_and_the_others_are_known_to_be_whole_or_untouched() {
    let directory = TempDir::new().unwrap();
    let shape = [300_000];
    let bytes = elements(DType::Bfloat16, &shape);
    let expected = converted(DType::Bfloat16, &bytes, DType::Float);
    let path = directory.path().join("three");
    let saving = Graph::new();
    let root = saving.add_object().unwrap();
    for name in ["a", "b", "c"] {
        let node = saving.add_variable(Variable::owned(DType::Bfloat16, &shape, &bytes).unwrap()).unwrap();
        saving.track(root, name, node).unwrap();
    }
    let path = Checkpoint::new(&saving, root).unwrap().write(path, &SaveOptions::new().write(unsynced())).unwrap();
    let shard = shard_path(&path, 0, 1);
    let mut stored = std::fs::read(&shard).unwrap();
    stored[bytes.len() + 5] ^= 1; // of b
    std::fs::write(&shard, stored).unwrap();
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let old = vec![0xee; expected.len()];
    let nodes = ["a", "b", "c"].map(|name| {
        let node = graph.add_variable(Variable::owned(DType::Float, &shape, &old).unwrap().name(name)).unwrap();
        graph.track(root, name, node).unwrap();
        node
    });
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    let options = RestoreOptions::new().conversion(Conversion::Exact).read(ReadOptions::new().threads(1));
    let error = checkpoint.read(&path, &options).unwrap_err();
    assert_eq!((error.reason(), error.tensor()), (Reason::Checksum, Some(&b"b/.ATTRIBUTES/VARIABLE_VALUE"[..])));
    let report = checkpoint.last_report().unwrap();
    assert_eq!(report.rows()[0].state, RowState::Converted);
    assert_eq!(report.rows()[1].state, RowState::Torn);
    for (node, row) in nodes.iter().zip(report.rows()) {
        let value = graph.read(*node).unwrap();
        match row.state {
            RowState::Converted => assert!(value == expected),
            RowState::Skipped => assert!(value == old),
            _ => {}
        }
    }
}

#[test]
fn a_restore_refuses_what_only_reading_has_a_use_for() {
    let directory = TempDir::new().unwrap();
    let path = saved(directory.path(), DType::Int8, &[1], &[1]);
    let program = Program::new(Variable::zeros(DType::Int8, &[1]).unwrap());
    for read in [ReadOptions::new().dtype(DType::Int8), ReadOptions::new().conversion(Conversion::Exact)] {
        let error = program.checkpoint.read(&path, &RestoreOptions::new().read(read)).unwrap_err();
        assert!(error.to_string().contains("set the conversion of the restore"), "{error}");
    }
    assert!(Reader::open(&path).unwrap().contains(KEY));
}
