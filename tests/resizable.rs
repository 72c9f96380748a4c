//! Variables in memory of the program that moves and changes its size, and which objects a restore
//! has given a value.

mod common;

use std::path::Path;
use std::sync::{Arc, Mutex};

use checkpoint::{
    convert_values, Checkpoint, Code, Conversion, DType, Failure, Graph, Memory, Mismatch, NodeId, Reader, Reason, Resizable,
    RestoreOptions, RowState, SaveOptions, Variable,
};
use tempfile::TempDir;

const KEY: &str = "v/.ATTRIBUTES/VARIABLE_VALUE";

/// What a program's array holds, and what a restore is about to make it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Array {
    bytes: Vec<u8>,
    shape: Vec<i64>,
    next: Option<(Vec<u8>, Vec<i64>)>,
    /// How often it was asked for other memory, and how often it was told to keep what it has.
    prepared: usize,
    kept: usize,
    is_full: bool,
}

/// The array as the library knows it. The test holds another reference to it, and uses it between
/// calls only, as a program does; so the memory is copied in and out at each call.
struct Shared {
    array: Arc<Mutex<Array>>,
    here: Vec<u8>,
}

impl Memory for Shared {
    fn bytes(&self) -> &[u8] {
        // The test leaks a few bytes to lend what a mutex guards.
        Box::leak(self.array.lock().unwrap().bytes.clone().into_boxed_slice())
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let array = self.array.lock().unwrap();
        self.here = array.next.as_ref().map_or(&array.bytes, |(bytes, _)| bytes).clone();
        &mut self.here
    }
}

impl Resizable for Shared {
    fn shape(&self) -> Option<Vec<i64>> {
        Some(self.array.lock().unwrap().shape.clone())
    }

    fn prepare(&mut self, shape: &[i64], size: usize) -> Result<(), Failure> {
        let mut array = self.array.lock().unwrap();
        array.prepared += 1;
        if array.is_full {
            return Err("it is full".into());
        }
        array.next = Some((vec![0; size], shape.to_vec()));
        Ok(())
    }

    fn finish(&mut self, complete: bool) {
        let mut array = self.array.lock().unwrap();
        let next = array.next.take().unwrap();
        if complete {
            (array.bytes, array.shape) = (self.here.clone(), next.1);
        } else {
            array.kept += 1;
        }
    }
}

fn floats(shape: &[i64], first: f32) -> Array {
    let count = shape.iter().product::<i64>();
    let bytes = (0..count).flat_map(|i| (first + i as f32).to_ne_bytes()).collect();
    Array { bytes, shape: shape.to_vec(), ..Array::default() }
}

/// A program with the array as its variable `v`.
fn program(array: &Arc<Mutex<Array>>, accepts: Option<&[i64]>) -> (Graph, NodeId, Checkpoint) {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let memory = Shared { array: array.clone(), here: Vec::new() };
    let variable = graph.add_variable(Variable::resizable(DType::Float, accepts, Box::new(memory)).unwrap()).unwrap();
    graph.track(root, "v", variable).unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    (graph, variable, checkpoint)
}

fn save(prefix: &Path, array: Array) {
    program(&Arc::new(Mutex::new(array)), None).2.write(prefix, &SaveOptions::new()).unwrap();
}

#[test]
fn what_is_saved_is_what_is_there_when_it_is_saved() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("grown");
    let array = Arc::new(Mutex::new(floats(&[2], 0.0)));
    let (graph, variable, checkpoint) = program(&array, Some(&[-1]));
    *array.lock().unwrap() = floats(&[5], 1.0);
    checkpoint.write(&prefix, &SaveOptions::new()).unwrap();
    let reader = Reader::open(&prefix).unwrap();
    assert_eq!(reader.get(KEY).unwrap().shape(), [5]);
    assert_eq!(reader.get(KEY).unwrap().read().unwrap(), array.lock().unwrap().bytes);
    assert_eq!(graph.describe(variable).unwrap().shape, Some(vec![5]));
    assert_eq!(graph.read(variable).unwrap(), array.lock().unwrap().bytes);

    let pending = checkpoint.write_async(directory.path().join("later"), &SaveOptions::new()).unwrap();
    let expected = std::mem::replace(&mut *array.lock().unwrap(), floats(&[1], 9.0));
    let path = pending.wait().unwrap();
    assert_eq!(Reader::open(path).unwrap().get(KEY).unwrap().read().unwrap(), expected.bytes);
}

/// Own shape, accepted shape, shape in the checkpoint: whether it is restored, and whether for that
/// other memory is needed.
#[test]
fn a_value_of_another_shape_is_restored_if_it_is_accepted() {
    type Case = (&'static [i64], Option<&'static [i64]>, &'static [i64], Option<usize>);
    let table: [Case; 8] = [
        (&[3], Some(&[-1]), &[3], Some(0)),
        (&[3], Some(&[-1]), &[5], Some(1)),
        (&[3], Some(&[-1]), &[0], Some(1)),
        (&[3], Some(&[-1]), &[3, 1], None),
        (&[3], None, &[2, 2], Some(1)),
        (&[2, 3], None, &[3, 2], Some(1)),
        (&[4, 3], Some(&[-1, 3]), &[2, 3], Some(1)),
        (&[4, 3], Some(&[-1, 3]), &[4, 2], None),
    ];
    for (own, accepts, saved, prepared) in table {
        let case = format!("{own:?} that accepts {accepts:?}, from {saved:?}");
        let directory = TempDir::new().unwrap();
        let prefix = directory.path().join("x");
        save(&prefix, floats(saved, 7.0));
        let array = Arc::new(Mutex::new(floats(own, 1.0)));
        let (graph, variable, checkpoint) = program(&array, accepts);
        assert!(!graph.was_restored(variable).unwrap());
        let row = checkpoint.dry_run(&prefix, &RestoreOptions::new()).unwrap().rows()[0].state;
        assert_eq!(row, if prepared.is_some() { RowState::Restored } else { RowState::ShapeMismatch }, "{case}");
        assert_eq!(*array.lock().unwrap(), floats(own, 1.0), "{case}: a dry run changes nothing");
        let result = checkpoint.read(&prefix, &RestoreOptions::new());
        let array = array.lock().unwrap().clone();
        match prepared {
            Some(prepared) => {
                result.unwrap().assert_consumed().unwrap();
                // In place, this test's memory keeps the bytes that were written to itself.
                if prepared > 0 {
                    assert_eq!((&array.bytes, &array.shape), (&floats(saved, 7.0).bytes, &saved.to_vec()), "{case}");
                }
                assert_eq!((array.prepared, array.kept), (prepared, 0), "{case}");
            }
            None => {
                let error = result.err().unwrap();
                assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Shape), "{case}");
                assert_eq!(array, floats(own, 1.0), "{case}");
            }
        }
        assert_eq!(graph.was_restored(variable).unwrap(), prepared.is_some(), "{case}");
    }
}

/// Own shape, shape in the checkpoint, and whether other memory is needed: it has the size of the
/// variable's dtype, whatever dtype is stored.
#[test]
fn a_value_of_another_dtype_and_shape_is_converted_into_memory_of_the_variables_dtype() {
    for (stored, conversion) in
        [(DType::Bfloat16, Conversion::Exact), (DType::Double, Conversion::Lossy), (DType::Int8, Conversion::Exact)]
    {
        for (own, saved, prepared) in [(&[3][..], &[2, 2][..], 1), (&[4], &[5], 1), (&[4], &[0], 1), (&[4], &[4], 0)] {
            let case = format!("{own:?} from {stored} {saved:?}");
            let expected = floats(saved, 7.0);
            let small: Vec<u8> = (7..).take(expected.bytes.len() / 4).collect();
            let mut value = vec![0; small.len() * stored.size().unwrap()];
            let kind = if stored == DType::Int8 { Conversion::None } else { Conversion::Exact };
            convert_values(kind, DType::Int8, &small, stored, &mut value).unwrap();
            let directory = TempDir::new().unwrap();
            let prefix = directory.path().join("x");
            let graph = Graph::new();
            let root = graph.add_object().unwrap();
            let variable = graph.add_variable(Variable::owned(stored, saved, &value).unwrap()).unwrap();
            graph.track(root, "v", variable).unwrap();
            Checkpoint::new(&graph, root).unwrap().write(&prefix, &SaveOptions::new()).unwrap();

            let array = Arc::new(Mutex::new(floats(own, 1.0)));
            let (graph, variable, checkpoint) = program(&array, None);
            assert_eq!(checkpoint.read(&prefix, &RestoreOptions::new()).unwrap_err().reason(), Reason::DType, "{case}");
            assert_eq!(*array.lock().unwrap(), floats(own, 1.0), "{case}");
            let status = checkpoint.read(&prefix, &RestoreOptions::new().conversion(conversion)).unwrap();
            assert_eq!(status.report().unwrap().count(RowState::Converted), 1, "{case}");
            assert!(graph.was_restored(variable).unwrap(), "{case}");
            let array = array.lock().unwrap().clone();
            if prepared > 0 {
                assert_eq!((&array.bytes, &array.shape), (&expected.bytes, &expected.shape), "{case}");
            }
            assert_eq!((array.prepared, array.kept), (prepared, 0), "{case}");
        }
    }
}

#[test]
fn a_value_that_cannot_be_read_leaves_the_one_that_is_there() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("x");
    save(&prefix, floats(&[5], 7.0));
    let data = directory.path().join("x.data-00000-of-00001");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[3] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    let array = Arc::new(Mutex::new(floats(&[3], 1.0)));
    let (graph, variable, checkpoint) = program(&array, None);
    let error = checkpoint.read(&prefix, &RestoreOptions::new()).err().unwrap();
    assert_eq!(error.code(), Code::DataLoss);
    assert_eq!(*array.lock().unwrap(), Array { prepared: 1, kept: 1, ..floats(&[3], 1.0) });
    assert!(!graph.was_restored(variable).unwrap());
}

#[test]
fn memory_that_cannot_be_had_ends_the_restore() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("x");
    save(&prefix, floats(&[5], 7.0));
    let array = Arc::new(Mutex::new(Array { is_full: true, ..floats(&[3], 1.0) }));
    let error = program(&array, None).2.read(&prefix, &RestoreOptions::new()).err().unwrap();
    assert_eq!((error.code(), error.reason()), (Code::Aborted, Reason::Callback));
    assert_eq!(error.tensor(), Some(KEY.as_bytes()));
    assert!(error.to_string().contains("making the variable's memory [5] failed: it is full"), "{error}");
    assert_eq!(*array.lock().unwrap(), Array { prepared: 1, is_full: true, ..floats(&[3], 1.0) });
}

#[test]
fn a_size_that_does_not_match_the_shape_is_an_error_and_not_saved() {
    let directory = TempDir::new().unwrap();
    let array = Arc::new(Mutex::new(floats(&[3], 1.0)));
    let checkpoint = program(&array, None).2;
    array.lock().unwrap().shape = vec![4];
    let error = checkpoint.write(directory.path().join("x"), &SaveOptions::new()).err().unwrap();
    assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Shape));
    assert_eq!(error.tensor(), Some(KEY.as_bytes()));
}

/// The copies of saves in the background are limited, of this memory as of any other.
#[test]
fn the_limit_of_copies_counts_it() {
    let directory = TempDir::new().unwrap();
    let (_graph, _, checkpoint) = program(&Arc::new(Mutex::new(floats(&[5], 1.0))), None);
    let options = SaveOptions::new().snapshot_limit(19);
    let error = checkpoint.write_async(directory.path().join("x"), &options).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::ResourceExhausted, Reason::Limit));
}

/// Own shape, size in elements, accepted shape.
#[test]
fn a_value_that_is_not_accepted_is_refused_when_it_is_added() {
    for (shape, size, accepts) in [(vec![4], 3, None), (vec![3], 3, Some(&[4][..])), (vec![3], 3, Some(&[-1, -1][..]))] {
        let array = Arc::new(Mutex::new(Array { shape, ..floats(&[size], 1.0) }));
        let error = Variable::resizable(DType::Float, accepts, Box::new(Shared { array, here: Vec::new() })).err().unwrap();
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Shape));
    }
}

/// A value that did not fit, and was skipped, or that was left out, was not restored.
#[test]
fn only_what_was_assigned_was_restored() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("x");
    save(&prefix, floats(&[5], 7.0));
    let skip = RestoreOptions::new().on_mismatch(Mismatch::Skip);
    for (accepts, options, expected) in [
        (Some(&[-1][..]), RestoreOptions::new(), true),
        (Some(&[3][..]), skip, false),
        (Some(&[-1][..]), RestoreOptions::new().exclude("v"), false),
    ] {
        let array = Arc::new(Mutex::new(floats(&[3], 1.0)));
        let (graph, variable, checkpoint) = program(&array, accepts);
        let status = checkpoint.read(&prefix, &options).unwrap();
        let restored = status.report().unwrap().rows().iter().any(|row| row.state == RowState::Restored);
        assert_eq!((graph.was_restored(variable).unwrap(), restored), (expected, expected));
    }
    // One that was made after the restore, before it is initialized.
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let status = Checkpoint::new(&graph, root).unwrap().read(&prefix, &RestoreOptions::new()).unwrap();
    let late = graph.add_variable(Variable::zeros(DType::Float, &[5]).unwrap()).unwrap();
    assert!(!graph.was_restored(late).unwrap());
    graph.track(root, "v", late).unwrap();
    assert!(graph.was_restored(late).unwrap());
    assert!(!graph.was_restored(root).unwrap());
    status.assert_consumed().unwrap();
}
