//! Values of Rust types: read from what TensorFlow wrote, written, and given to a graph. With the
//! features `half`, `num-complex` and `ndarray`, their types too.

mod common;

use std::path::Path;

use bytemuck::bytes_of;
use checkpoint::{
    Checksums, Code, Conversion, DType, Element, Failure, Graph, ReadOptions, Reader, Reason, RestoreOptions, SaveOptions, Sink,
    Source, State, StateOptions, Tensor, Variable, WriteOptions, Writer,
};
use common::manifest::{self, sha256, Value};
use tempfile::TempDir;

/// Reads a tensor as a vector and into a slice, which must agree, and returns its bytes.
fn bytes_as<T: Element + PartialEq + std::fmt::Debug>(tensor: &Tensor<'_>) -> checkpoint::Result<Vec<u8>> {
    let values: Vec<T> = tensor.values()?;
    assert_eq!(values.len() as u64, tensor.element_count());
    let mut into = values.clone();
    into.reverse();
    tensor.values_into(None, &mut into, &ReadOptions::new())?;
    let bytes = |values: &[T]| bytemuck::cast_slice::<T, u8>(values).to_vec();
    assert_eq!(bytes(&into), bytes(&values));
    Ok(bytes(&values))
}

type ReadAs = fn(&Tensor<'_>) -> checkpoint::Result<Vec<u8>>;

/// Every type of elements.
fn types() -> Vec<(DType, ReadAs)> {
    #[allow(unused_mut)]
    let mut types: Vec<(DType, ReadAs)> = vec![
        (f32::DTYPE, bytes_as::<f32>),
        (f64::DTYPE, bytes_as::<f64>),
        (i8::DTYPE, bytes_as::<i8>),
        (i16::DTYPE, bytes_as::<i16>),
        (i32::DTYPE, bytes_as::<i32>),
        (i64::DTYPE, bytes_as::<i64>),
        (u8::DTYPE, bytes_as::<u8>),
        (u16::DTYPE, bytes_as::<u16>),
        (u32::DTYPE, bytes_as::<u32>),
        (u64::DTYPE, bytes_as::<u64>),
        (bool::DTYPE, bytes_as::<bool>),
    ];
    #[cfg(feature = "half")]
    types.extend([(DType::Half, bytes_as::<half::f16> as ReadAs), (DType::Bfloat16, bytes_as::<half::bf16>)]);
    #[cfg(feature = "num-complex")]
    types.extend([
        (DType::Complex64, bytes_as::<num_complex::Complex<f32>> as ReadAs),
        (DType::Complex128, bytes_as::<num_complex::Complex<f64>>),
    ]);
    types
}

#[test]
fn what_tensorflow_wrote_is_read_as_its_own_type_and_as_no_other() {
    let (mut read, mut refused) = (0, 0);
    for (folder, manifest) in manifest::all() {
        let Ok(reader) = Reader::open(folder.join(&manifest.prefix)) else { continue };
        for (key, expected) in manifest.tensors {
            let Ok(tensor) = reader.get(&key) else { continue };
            for (dtype, read_as) in types() {
                match (&expected.value, tensor.dtype().fits(dtype)) {
                    (Value::Numbers { sha256: sum, .. }, true) => {
                        assert_eq!(sha256(&read_as(&tensor).unwrap()), *sum, "{key} as {dtype}");
                        read += 1;
                    }
                    (Value::Unreadable, true) => {} // TensorFlow does not say what it is
                    _ => {
                        let e = read_as(&tensor).unwrap_err();
                        assert_eq!((e.code(), e.reason()), (Code::InvalidArgument, Reason::DType), "{key} as {dtype}: {e}");
                        assert_eq!(e.tensor(), Some(key.as_bytes()));
                        assert_eq!((e.expected(), e.found()), (Some(dtype.name()), Some(tensor.dtype().name())), "{e}");
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(read > 150 && refused > 1500, "{read} read, {refused} refused");
}

/// A checkpoint `table`, int32 [2, 3], and `step`, int64.
fn table(directory: &TempDir) -> Reader {
    let prefix = directory.path().join("model");
    let mut writer = Writer::new(&prefix, &WriteOptions::new().alignment(64)).unwrap();
    writer.add_values("table", &[2, 3], &[1i32, 2, 3, 4, 5, 6]).unwrap();
    writer.add_value("step", 7i64).unwrap();
    writer.add_values("flags", &[3], &[true, false, true]).unwrap();
    writer.add_strings("names", &[1], &["x"]).unwrap();
    writer.finish().unwrap();
    Reader::open(prefix).unwrap()
}

#[test]
fn slices_are_read_as_vectors_and_into_memory() {
    let directory = tempfile::tempdir().unwrap();
    let reader = table(&directory);
    let table = reader.get("table").unwrap();
    for (slice, expected) in
        [("-:-", vec![1, 2, 3, 4, 5, 6]), ("-:1,1", vec![2, 5]), ("1,1:0,2", vec![4, 5]), ("0,1:2,1", vec![3])]
    {
        let slice = slice.parse().unwrap();
        for checksums in [Checksums::Always, Checksums::Never] {
            let options = ReadOptions::new().checksums(checksums);
            assert_eq!(table.values_with::<i32>(Some(&slice), &options).unwrap(), expected);
            let mut into = vec![0i32; expected.len()];
            table.values_into(Some(&slice), &mut into, &options).unwrap();
            assert_eq!(into, expected);
            let mut wrong = vec![9i32; expected.len() + 1];
            let e = table.values_into(Some(&slice), &mut wrong, &options).unwrap_err();
            assert_eq!(e.reason(), Reason::Shape);
            assert!(wrong.iter().all(|&n| n == 9), "{e}");
        }
    }
    let outside = "0,3:-".parse().unwrap();
    assert_eq!(table.values_with::<i32>(Some(&outside), &ReadOptions::new()).unwrap_err().reason(), Reason::Shape);
    let mut flags = [false; 3];
    reader.read_into("flags", &mut flags, &ReadOptions::new()).unwrap();
    assert_eq!(flags, [true, false, true]);
}

#[test]
fn values_are_converted_only_as_the_options_allow() {
    let directory = tempfile::tempdir().unwrap();
    let reader = table(&directory);
    let table = reader.get("table").unwrap();
    let with = |conversion| ReadOptions::new().conversion(conversion);
    for (conversion, as_i64, as_f32) in
        [(Conversion::None, false, false), (Conversion::Exact, true, false), (Conversion::Lossy, true, false)]
    {
        assert_eq!(table.values_with::<i64>(None, &with(conversion)).is_ok(), as_i64, "{conversion:?}");
        assert_eq!(table.values_with::<f32>(None, &with(conversion)).is_ok(), as_f32, "{conversion:?}");
    }
    assert_eq!(table.values_with::<f64>(None, &with(Conversion::Exact)).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let column = "-:1,1".parse().unwrap();
    assert_eq!(table.values_with::<i8>(Some(&column), &with(Conversion::Exact)).unwrap(), [2, 5]);
    let mut narrow = [0u8; 6];
    table.values_into(None, &mut narrow, &with(Conversion::Exact)).unwrap();
    assert_eq!(narrow, [1, 2, 3, 4, 5, 6]);
    // An option of the bytes has no say in the type of the values.
    assert_eq!(table.values_with::<i32>(None, &ReadOptions::new().dtype(DType::Int64)).unwrap().len(), 6);
    let e = reader.read::<f32>("table").unwrap_err();
    assert!(e.to_string().contains("expected float32, found int32"), "{e}");
}

#[test]
fn scalars_are_read_as_such_and_nothing_else_is() {
    let directory = tempfile::tempdir().unwrap();
    let reader = table(&directory);
    assert_eq!(reader.read_value::<i64>("step").unwrap(), 7);
    for (name, reason) in
        [("table", Reason::Shape), ("names", Reason::Shape), ("step", Reason::DType), ("none", Reason::NoTensor)]
    {
        assert_eq!(reader.read_value::<i32>(name).unwrap_err().reason(), reason, "{name}");
    }
}

#[test]
fn views_have_the_type_of_their_tensor() {
    let directory = tempfile::tempdir().unwrap();
    let reader = table(&directory);
    let view = reader.get("table").unwrap().map(true).unwrap();
    assert_eq!((view.dtype(), view.shape()), (DType::Int32, &[2, 3][..]));
    assert_eq!(view.values::<i32>().unwrap(), [1, 2, 3, 4, 5, 6]);
    let e = view.values::<f32>().unwrap_err();
    assert_eq!((e.reason(), e.tensor()), (Reason::DType, Some(&b"table"[..])));
    assert_eq!(view.as_slice::<f32>().unwrap().len(), 6, "bytes are not looked at");
}

#[test]
fn readers_reports_and_verifications_are_iterated() {
    let directory = tempfile::tempdir().unwrap();
    let reader = table(&directory);
    let names: Vec<String> = (&reader).into_iter().map(|tensor| String::from_utf8_lossy(tensor.key()).into_owned()).collect();
    assert_eq!(names, ["flags", "names", "step", "table"]);
    let mut tensors = reader.tensors();
    assert_eq!((tensors.len(), tensors.next_back().unwrap().key()), (4, &b"table"[..]));
    let data = directory.path().join("model.data-00000-of-00001");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[reader.get("table").unwrap().offset().unwrap() as usize] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    let verified = &checkpoint::verify(directory.path().join("model"), &checkpoint::VerifyOptions::new(), go_on).unwrap();
    let mut problems = Vec::new();
    for problem in verified {
        problems.push(problem.reason());
    }
    assert_eq!(problems, [Reason::Checksum]);
}

#[test]
fn errors_become_errors_of_input_and_output() {
    use std::io::ErrorKind;
    let directory = tempfile::tempdir().unwrap();
    let reader = table(&directory);
    for (error, kind) in [
        (Reader::open("no/such/checkpoint").unwrap_err(), ErrorKind::NotFound),
        (Reader::open("Cargo.toml").unwrap_err(), ErrorKind::InvalidData),
        (reader.read::<f32>("table").unwrap_err(), ErrorKind::InvalidInput),
        (reader.get("none").unwrap_err(), ErrorKind::NotFound),
        (checkpoint::Error::new(Code::Unavailable, Reason::Locked, "x"), ErrorKind::ResourceBusy),
        (checkpoint::Error::new(Code::ResourceExhausted, Reason::Space, "x"), ErrorKind::StorageFull),
        (checkpoint::Error::new(Code::ResourceExhausted, Reason::Limit, "x"), ErrorKind::OutOfMemory),
        (checkpoint::Error::new(Code::Internal, Reason::Panic, "x"), ErrorKind::Other),
    ] {
        let (reason, text) = (error.reason(), error.to_string());
        let io = std::io::Error::from(error);
        assert_eq!((io.kind(), io.to_string()), (kind, text));
        let own = io.get_ref().and_then(|source| source.downcast_ref::<checkpoint::Error>()).unwrap();
        assert_eq!(own.reason(), reason);
    }
}

#[test]
fn sizes_that_do_not_match_shapes_are_refused_when_values_are_added() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(directory.path().join("model"), &WriteOptions::new()).unwrap();
    assert_eq!(writer.add_values("a", &[2, 2], &[1f32, 2.0, 3.0]).unwrap_err().reason(), Reason::Shape);
    let slice = "0,1:-".parse().unwrap();
    assert_eq!(writer.add_values_slice("a", &[2, 2], &slice, &[1f32]).unwrap_err().reason(), Reason::Shape);
    writer.add_values_slice("a", &[2, 2], &slice, &[1f32, 2.0]).unwrap();
    let rest = "1,1:-".parse().unwrap();
    writer.add_values_slice("a", &[2, 2], &rest, &[3f32, 4.0]).unwrap();
    writer.finish().unwrap();
    let reader = Reader::open(directory.path().join("model")).unwrap();
    assert_eq!(reader.read::<f32>("a").unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

/// State of two tensors.
struct Dice(u64, Vec<f32>);

impl State for Dice {
    fn save(&mut self, sink: &mut Sink) -> Result<(), Failure> {
        sink.put_value("seed", self.0)?;
        Ok(sink.put_values("rolls", &[self.1.len() as i64], &self.1)?)
    }

    fn restore(&mut self, source: &Source) -> Result<(), Failure> {
        assert_eq!(source.get("seed")?.value::<u64>()?, 3);
        assert_eq!(source.get("rolls")?.values::<f32>()?, [1.5, 2.5]);
        for (found, reason) in [
            (source.get("rolls")?.value::<f32>().map(drop), Reason::Shape),
            (source.get("seed")?.value::<i64>().map(drop), Reason::DType),
            (source.get("other").map(drop), Reason::NoTensor),
        ] {
            assert_eq!(found.unwrap_err().reason(), reason);
        }
        self.0 = 0;
        Err("it was here".into())
    }
}

#[test]
fn variables_and_states_have_values_of_rust_types() {
    let directory = tempfile::tempdir().unwrap();
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let kernel = graph.add_variable(Variable::values(&[2], &[1f32, 2.0]).unwrap()).unwrap();
    let step = graph.add_variable(Variable::value(7i64).unwrap()).unwrap();
    let dice = graph.add_state(Box::new(Dice(3, vec![1.5, 2.5])), &StateOptions::new()).unwrap();
    for (name, node) in [("kernel", kernel), ("step", step), ("dice", dice)] {
        graph.track(root, name, node).unwrap();
    }
    let program = checkpoint::Checkpoint::new(&graph, root).unwrap();
    let path = program.write(directory.path().join("model"), &SaveOptions::new()).unwrap();
    assert_eq!(Reader::open(&path).unwrap().read::<f32>("kernel").unwrap(), [1.0, 2.0]);
    let e = program.read(&path, &RestoreOptions::new()).unwrap_err();
    assert!(e.to_string().contains("it was here"), "{e}");

    graph.assign_values(kernel, &[2], &[3f32, 4.0]).unwrap();
    assert_eq!(graph.read_values::<f32>(kernel).unwrap(), [3.0, 4.0]);
    assert_eq!(graph.read_value::<i64>(step).unwrap(), 7);
    for (found, reason) in [
        (graph.assign_values(kernel, &[2], &[3f64, 4.0]), Reason::DType),
        (graph.assign_values(kernel, &[1], &[3f32]), Reason::Shape),
        (graph.read_values::<i32>(kernel).map(drop), Reason::DType),
        (graph.read_value::<f32>(kernel).map(drop), Reason::Shape),
        (graph.read_values::<f32>(root).map(drop), Reason::Node),
    ] {
        assert_eq!(found.unwrap_err().reason(), reason);
    }
    assert!(Variable::values(&[3], &[1f32]).is_err());
}

#[test]
fn bits_of_dtypes_that_rust_lacks_are_read_as_unsigned_integers() {
    let reader = Reader::open(Path::new("tests/data/dtypes/all")).unwrap();
    let mut count = 0;
    for tensor in reader.tensors().filter(|tensor| tensor.dtype() == DType::Bfloat16 && tensor.element_count() > 0) {
        let floats = tensor.values_with::<f32>(None, &ReadOptions::new().conversion(Conversion::Exact)).unwrap();
        let bits: Vec<u16> = tensor.values().unwrap();
        for (float, bits) in floats.into_iter().zip(bits) {
            let is_same = float.to_bits() == u32::from(bits) << 16 || float.is_nan();
            assert!(is_same, "{float} {bits:x}");
            count += 1;
        }
    }
    assert!(count > 0);
    assert_eq!(bytes_of(&1u16), [1, 0]);
}

#[cfg(feature = "ndarray")]
mod arrays {
    use super::*;
    use ndarray::{array, Array0, Array1, Array2, ArrayD, Ix0, Ix2, Ix3, IxDyn};

    #[test]
    fn tensors_are_arrays_of_their_shape() {
        let directory = tempfile::tempdir().unwrap();
        let reader = table(&directory);
        let expected: Array2<i32> = array![[1, 2, 3], [4, 5, 6]];
        let table = reader.get("table").unwrap();
        assert_eq!(table.array::<i32, Ix2>().unwrap(), expected);
        assert_eq!(table.array::<i32, IxDyn>().unwrap(), expected.clone().into_dyn());
        let column = "-:1,2".parse().unwrap();
        let part: Array2<i32> = table.array_with(Some(&column), &ReadOptions::new()).unwrap();
        assert_eq!(part, array![[2, 3], [5, 6]]);
        let wide: Array2<i64> = table.array_with(None, &ReadOptions::new().conversion(Conversion::Exact)).unwrap();
        assert_eq!(wide, expected.mapv(i64::from));
        let step: Array0<i64> = reader.read_array("step").unwrap();
        assert_eq!(step.into_scalar(), 7);
        let view = table.map(true).unwrap();
        assert_eq!(view.array::<i32, Ix2>().unwrap(), expected.view());
        assert_eq!(view.array::<i32, Ix3>().unwrap_err().reason(), Reason::Shape);
        for (found, reason) in [
            (table.array::<i32, Ix3>().map(drop), Reason::Shape),
            (table.array::<i32, Ix0>().map(drop), Reason::Shape),
            (table.array::<f32, Ix2>().map(drop), Reason::DType),
        ] {
            assert_eq!(found.unwrap_err().reason(), reason);
        }
    }

    #[test]
    fn arrays_are_written_row_major_whatever_their_layout() {
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().join("model");
        let matrix: Array2<f32> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let empty: ArrayD<f32> = ArrayD::zeros(IxDyn(&[2, 0, 3]));
        let mut writer = Writer::new(&prefix, &WriteOptions::new()).unwrap();
        writer.add_array("matrix", matrix.view()).unwrap();
        writer.add_array("transposed", matrix.t()).unwrap();
        writer.add_array("reversed", matrix.slice(ndarray::s![..;-1, 1..])).unwrap();
        writer.add_array("empty", empty.view()).unwrap();
        writer.finish().unwrap();
        let reader = Reader::open(prefix).unwrap();
        for (name, shape, values) in [
            ("matrix", &[2, 3][..], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ("transposed", &[3, 2], vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
            ("reversed", &[2, 2], vec![5.0, 6.0, 2.0, 3.0]),
            ("empty", &[2, 0, 3], vec![]),
        ] {
            assert_eq!(reader.get(name).unwrap().shape(), shape);
            assert_eq!(reader.read::<f32>(name).unwrap(), values, "{name}");
        }
        assert_eq!(reader.read_array::<f32, IxDyn>("empty").unwrap(), empty);
        let flat: checkpoint::Result<Array1<f32>> = reader.read_array("matrix");
        assert_eq!(flat.unwrap_err().reason(), Reason::Shape);
    }
}
