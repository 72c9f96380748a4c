//! Variables that are parts of tensors: saved as slices, restored from whatever the tensor was cut
//! into.

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    merge, Checkpoint, Code, DType, Device, Durability, Failure, Graph, MergeOptions, NodeId, Reader, Reason, RestoreOptions,
    RowState, SaveOptions, Saver, SaverOptions, SaverSaveOptions, Slice, Variable, WriteOptions, Writer,
};
use common::rng::Rng;
use tempfile::TempDir;

const KEY: &str = "table/.ATTRIBUTES/VARIABLE_VALUE";

/// A box: the first index and how many from there, of each dimension.
type Cut = Vec<(i64, i64)>;

fn slice(cut: &Cut) -> Slice {
    let text: Vec<String> = cut.iter().map(|(start, length)| format!("{start},{length}")).collect();
    text.join(":").parse().unwrap()
}

fn lengths(cut: &Cut) -> Vec<i64> {
    cut.iter().map(|&(_, length)| length).collect()
}

fn whole(shape: &[i64]) -> Cut {
    shape.iter().map(|&dim| (0, dim)).collect()
}

/// Cuts a box in two, again and again, until there are `count` or nothing is left to cut.
fn cuts(rng: &mut Rng, shape: &[i64], count: usize) -> Vec<Cut> {
    let mut all = vec![whole(shape)];
    for _ in 0..100 {
        if all.len() == count {
            break;
        }
        let which = rng.below(all.len() as u64) as usize;
        let dimension = rng.below(shape.len() as u64) as usize;
        let (start, length) = all[which][dimension];
        if length > 1 {
            let first = rng.between(1, length as u64 - 1) as i64;
            let mut other = all[which].clone();
            all[which][dimension] = (start, first);
            other[dimension] = (start + first, length - first);
            all.push(other);
        }
    }
    all
}

/// What a box of the tensor holds: each element is its own number in the tensor.
fn values(shape: &[i64], cut: &Cut) -> Vec<u8> {
    let mut numbers = vec![0i32];
    for (&dim, &(start, length)) in shape.iter().zip(cut) {
        numbers = numbers.iter().flat_map(|&n| (start..start + length).map(move |i| n * dim as i32 + i as i32)).collect();
    }
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn part(graph: &Graph, shape: &[i64], cut: &Cut, is_filled: bool) -> NodeId {
    let bytes = values(shape, cut);
    let bytes = if is_filled { bytes } else { vec![0xee; bytes.len()] };
    let variable = Variable::owned(DType::Int32, &lengths(cut), &bytes).unwrap();
    graph.add_variable(variable.part(shape, &slice(cut)).unwrap().name("table")).unwrap()
}

/// A program whose root has this variable as `table`.
fn program(add: impl FnOnce(&Graph) -> NodeId) -> (Graph, NodeId, Checkpoint) {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let node = add(&graph);
    graph.track(root, "table", node).unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    (graph, node, checkpoint)
}

fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None))
}

/// Saves a tensor by names, a section for each of the cuts, and merges them.
fn save_by_name(directory: &Path, shape: &[i64], cuts: &[Cut]) -> PathBuf {
    let sections: Vec<PathBuf> = (0..cuts.len()).map(|i| directory.join(format!("section-{i}"))).collect();
    for (cut, section) in cuts.iter().zip(&sections) {
        let graph = Graph::new();
        let node = part(&graph, shape, cut, true);
        let saver = Saver::new(&graph, &[("table", node)], &SaverOptions::new()).unwrap();
        saver.save(section, &SaverSaveOptions::new().write_state(false).save(unsynced())).unwrap();
    }
    let prefix = directory.join("named");
    merge(&prefix, &sections, &MergeOptions::new(), &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
    prefix
}

/// An object-based checkpoint of the whole tensor, stored in slices of at most `limit` bytes.
fn save_whole(directory: &Path, shape: &[i64], limit: u64) -> PathBuf {
    let (_, _, checkpoint) = program(|graph| part(graph, shape, &whole(shape), true));
    let write = WriteOptions::new().durability(Durability::None).max_shard_size(limit);
    checkpoint.write(directory.join("whole"), &SaveOptions::new().write(write)).unwrap()
}

#[test]
fn parts_are_restored_from_whatever_the_tensor_was_cut_into() {
    let mut rng = Rng::new(1);
    for round in 0..60 {
        let directory = TempDir::new().unwrap();
        let shape: Vec<i64> = (0..rng.between(1, 3)).map(|_| rng.between(1, 9) as i64).collect();
        let count = rng.between(1, 5) as usize;
        let named = save_by_name(directory.path(), &shape, &cuts(&mut rng, &shape, count));
        let limit = rng.between(4, 200);
        let objects = save_whole(directory.path(), &shape, limit);
        let count = rng.between(1, 5) as usize;
        for cut in cuts(&mut rng, &shape, count) {
            let what = format!("round {round}, {shape:?}, {cut:?}");
            let expected = values(&shape, &cut);
            // By names, by a saver and by a checkpoint; by objects; into memory that was there and
            // into new memory.
            let graph = Graph::new();
            let node = part(&graph, &shape, &cut, false);
            let saver = Saver::new(&graph, &[("table", node)], &SaverOptions::new()).unwrap();
            saver.restore(&named, &RestoreOptions::new()).unwrap();
            assert_eq!(graph.read(node).unwrap(), expected, "{what}");
            for path in [&named, &objects] {
                let (graph, node, checkpoint) = program(|graph| part(graph, &shape, &cut, false));
                checkpoint.read(path, &RestoreOptions::new()).unwrap().assert_existing_objects_matched().unwrap();
                assert_eq!(graph.read(node).unwrap(), expected, "{what}");
                let (graph, node, checkpoint) = program(|graph| {
                    let variable = Variable::without_value(None, None).unwrap().name("table");
                    graph.add_variable(variable.part(&shape, &slice(&cut)).unwrap()).unwrap()
                });
                checkpoint.read(path, &RestoreOptions::new()).unwrap().assert_existing_objects_matched().unwrap();
                assert_eq!(graph.read(node).unwrap(), expected, "{what}");
                assert_eq!(graph.describe(node).unwrap().shape.unwrap(), lengths(&cut), "{what}");
            }
        }
    }
}

#[test]
fn a_part_is_saved_as_a_slice_under_the_key_and_the_name_of_the_whole() {
    let directory = TempDir::new().unwrap();
    let (shape, cut) = ([8, 4], vec![(2, 3), (0, 4)]);
    let (_, _, checkpoint) = program(|graph| part(graph, &shape, &cut, true));
    let path = checkpoint.write(directory.path().join("ckpt"), &unsynced()).unwrap();
    let reader = Reader::open(&path).unwrap();
    let tensor = reader.get(KEY).unwrap();
    assert_eq!(tensor.shape(), shape);
    let stored: Vec<String> = tensor.slices().iter().map(|slice| slice.to_string()).collect();
    assert_eq!(stored, ["2,3:0,4"]);
    let saved = reader.object_graph().unwrap().unwrap();
    let attribute = saved.node(1).unwrap().attributes().next().unwrap();
    assert_eq!((attribute.full_name, attribute.checkpoint_key), ("table", KEY));
    // What is there of the tensor can be restored; what is not is not invented.
    let (graph, node, checkpoint) = program(|graph| part(graph, &shape, &vec![(3, 2), (1, 2)], false));
    checkpoint.read(&path, &RestoreOptions::new()).unwrap().assert_consumed().unwrap();
    assert_eq!(graph.read(node).unwrap(), values(&shape, &vec![(3, 2), (1, 2)]));
    let before = vec![0xee; 32 * 4];
    let (graph, node, checkpoint) = program(|graph| part(graph, &shape, &whole(&shape), false));
    let error = checkpoint.read(&path, &RestoreOptions::new()).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Gap), "{error}");
    assert_eq!(graph.read(node).unwrap(), before);
}

#[test]
fn a_slice_that_takes_all_of_the_tensor_is_the_tensor() {
    let directory = TempDir::new().unwrap();
    let path = save_whole(directory.path(), &[3, 4], 1 << 20);
    assert!(Reader::open(&path).unwrap().get(KEY).unwrap().slices().is_empty());
}

#[test]
fn a_part_without_elements_is_left_to_the_others_to_save() {
    let directory = TempDir::new().unwrap();
    let prefix = directory.path().join("ckpt");
    let (shape, none) = ([3, 4], vec![(3, 0), (0, 4)]);
    let extents = none.iter().map(|&(start, length)| checkpoint::Extent::range(start, length)).collect();
    let empty = |graph: &Graph| {
        let variable = Variable::zeros(DType::Int32, &[0, 4]).unwrap().part(&shape, &Slice::new(extents)).unwrap();
        graph.add_variable(variable).unwrap()
    };
    let (graph, node, checkpoint) = program(empty);
    checkpoint.write(&prefix, &unsynced()).unwrap();
    assert!(Reader::open(&prefix).unwrap().get(KEY).is_err());
    let path = save_whole(directory.path(), &shape, 1 << 20);
    checkpoint.read(&path, &RestoreOptions::new()).unwrap().assert_consumed().unwrap();
    assert_eq!(graph.read(node).unwrap(), [0u8; 0]);
}

#[test]
fn what_cannot_be_a_part_is_refused() {
    let shape = [4, 6];
    let zeros = |shape: &[i64]| Variable::zeros(DType::Float, shape).unwrap();
    let refused = |variable: Variable, shape: &[i64], slice: &str| {
        let error = variable.part(shape, &slice.parse().unwrap()).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        error.to_string()
    };
    assert!(refused(zeros(&[4, 3]), &shape, "-:4,3").contains("extends beyond dimension 1"));
    assert!(refused(zeros(&[4, 3]), &shape, "-").contains("dimensions"));
    assert!(refused(zeros(&[4, 3]), &[-4, 6], "-:0,3").contains("the shape is invalid"));
    assert!(refused(zeros(&[4, 2]), &shape, "-:0,3").contains("[4,3]"));
    assert!(refused(Variable::without_value(None, Some(&[-1, 2])).unwrap(), &shape, "-:0,3").contains("[4,3]"));
    assert!(refused(Variable::strings(&[1], &["a"]).unwrap(), &[2], "0,1").contains("dtype"));
    let open = Variable::without_value(None, Some(&[-1, 3])).unwrap();
    assert!(open.part(&shape, &"-:0,3".parse().unwrap()).is_ok());
}

#[test]
fn a_tensor_that_a_part_is_not_of_is_refused_with_shape_and_slice() {
    let directory = TempDir::new().unwrap();
    let path = save_whole(directory.path(), &[6, 4], 1 << 20);
    let (graph, node, checkpoint) = program(|graph| part(graph, &[8, 4], &vec![(0, 6), (0, 4)], false));
    let error = checkpoint.read(&path, &RestoreOptions::new()).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Shape), "{error}");
    for part in ["Received incompatible tensor with shape [6,4]", "shape [8,4] slice 0,6:0,4"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(graph.read(node).unwrap(), vec![0xee; 24 * 4]);
    // Strings are of no use to a part that takes whatever comes.
    let mut writer = Writer::new(directory.path().join("text"), &WriteOptions::new()).unwrap();
    writer.add_strings("table", &[2], &["a", "b"]).unwrap();
    writer.finish().unwrap();
    let (_, _, checkpoint) = program(|graph| {
        let variable = Variable::without_value(None, None).unwrap().name("table");
        graph.add_variable(variable.part(&[2], &"0,1".parse().unwrap()).unwrap()).unwrap()
    });
    let error = checkpoint.read(directory.path().join("text"), &RestoreOptions::new()).unwrap_err();
    assert_eq!(error.reason(), Reason::DType, "{error}");
}

#[test]
fn a_report_has_the_shape_of_the_tensor_and_the_slice() {
    let directory = TempDir::new().unwrap();
    let (shape, cut) = ([6, 4], vec![(1, 2), (0, 4)]);
    let path = save_whole(directory.path(), &shape, 40);
    let (graph, node, checkpoint) = program(|graph| part(graph, &shape, &cut, false));
    let report = checkpoint.dry_run(&path, &RestoreOptions::new()).unwrap();
    assert_eq!(graph.read(node).unwrap(), vec![0xee; 8 * 4], "a dry run assigns nothing");
    let row = report.rows().iter().find(|row| row.node == Some(node)).unwrap();
    assert_eq!(row.state, RowState::Restored);
    assert_eq!(row.program, Some((Some(DType::Int32), Some(shape.to_vec()))));
    assert_eq!(row.slice.as_deref(), Some("1,2:0,4"));
    assert!(report.table().to_string().contains("int32 [6,4] slice 1,2:0,4"), "{}", report.table());
    assert!(report.json().to_string().contains(r#""slice":"1,2:0,4""#), "{}", report.json());
    // Of what the checkpoint lacks, too.
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let child = graph.add_object().unwrap();
    graph.track(root, "model", child).unwrap();
    let node = part(&graph, &shape, &cut, false);
    graph.track(child, "table", node).unwrap();
    let report = Checkpoint::new(&graph, root).unwrap().dry_run(&path, &RestoreOptions::new()).unwrap();
    let row = report.rows().iter().find(|row| row.state == RowState::Missing).unwrap();
    assert_eq!((&*row.path, row.slice.as_deref()), ("model/table", Some("1,2:0,4")));
}

#[test]
fn a_part_that_is_tracked_later_is_restored_then() {
    let directory = TempDir::new().unwrap();
    let (shape, cut) = ([6, 4], vec![(4, 2), (1, 3)]);
    let path = save_whole(directory.path(), &shape, 40);
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    let status = checkpoint.read(&path, &RestoreOptions::new()).unwrap();
    let node = part(&graph, &shape, &cut, false);
    graph.track(root, "table", node).unwrap();
    assert_eq!(graph.read(node).unwrap(), values(&shape, &cut));
    status.assert_consumed().unwrap();
}

#[test]
fn slots_of_a_part_are_made_as_the_same_part() {
    let directory = TempDir::new().unwrap();
    let (shape, cut) = ([6, 4], vec![(2, 3), (0, 4)]);
    let zeros = |shape: &[i64]| Variable::zeros(DType::Int32, shape).unwrap();
    let graph = Graph::new();
    let (root, table) = (graph.add_object().unwrap(), part(&graph, &shape, &whole(&shape), true));
    let optimizer = graph.add_slot_owner(None).unwrap();
    let (slot, count) = (part(&graph, &shape, &whole(&shape), true), graph.add_variable(zeros(&[])).unwrap());
    graph.set_slot(optimizer, table, "m", slot).unwrap();
    graph.set_slot(optimizer, table, "count", count).unwrap();
    graph.track(root, "table", table).unwrap();
    graph.track(root, "optimizer", optimizer).unwrap();
    let path = Checkpoint::new(&graph, root).unwrap().write(directory.path().join("ckpt"), &unsynced()).unwrap();

    let graph = Graph::new();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    let optimizer = graph.add_slot_owner(Some(Box::new(move |_, _, name, dtype, shape| {
        heard.lock().unwrap().push((name.to_owned(), shape.to_vec()));
        Ok(Some(Variable::zeros(dtype, shape)?))
    })));
    let (optimizer, root, table) = (optimizer.unwrap(), graph.add_object().unwrap(), part(&graph, &shape, &cut, false));
    graph.track(root, "table", table).unwrap();
    graph.track(root, "optimizer", optimizer).unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    checkpoint.read(&path, &RestoreOptions::new()).unwrap().assert_consumed().unwrap();
    let slot = graph.slot(optimizer, table, "m").unwrap().unwrap();
    assert_eq!(graph.read(slot).unwrap(), values(&shape, &cut));
    let mut asked = asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, [("count".to_owned(), vec![]), ("m".to_owned(), vec![3, 4])]);
    // What is saved from there is the slice of the slot's tensor.
    let path = checkpoint.write(directory.path().join("part"), &unsynced()).unwrap();
    let reader = Reader::open(&path).unwrap();
    let key = "table/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE";
    let tensor = reader.get(key).unwrap();
    assert_eq!((tensor.shape(), tensor.slices()[0].to_string().as_str()), (&shape[..], "2,3:0,4"));
}

/// A device that is a vector.
struct Memory {
    shape: Vec<i64>,
    bytes: Mutex<Vec<u8>>,
}

impl Device for Memory {
    fn describe(&self) -> (DType, Option<Vec<i64>>) {
        (DType::Int32, Some(self.shape.clone()))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        let bytes = self.bytes.lock().unwrap();
        buffer.copy_from_slice(&bytes[offset as usize..][..buffer.len()]);
        Ok(())
    }

    fn prepare(&self, dtype: DType, shape: &[i64]) -> Result<(), Failure> {
        assert_eq!((dtype, shape), (DType::Int32, &self.shape[..]));
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes.lock().unwrap()[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn finish(&self, complete: bool) -> Result<(), Failure> {
        assert!(complete);
        Ok(())
    }
}

#[test]
fn a_part_may_be_on_a_device() {
    let mut rng = Rng::new(2);
    for round in 0..20 {
        let directory = TempDir::new().unwrap();
        let shape: Vec<i64> = (0..rng.between(1, 3)).map(|_| rng.between(2, 9) as i64).collect();
        let all = cuts(&mut rng, &shape, 3);
        let on_device = |cut: &Cut, bytes: Vec<u8>| Arc::new(Memory { shape: lengths(cut), bytes: Mutex::new(bytes) });
        let sections: Vec<PathBuf> = (0..all.len()).map(|i| directory.path().join(format!("section-{i}"))).collect();
        for (cut, section) in all.iter().zip(&sections) {
            let graph = Graph::new();
            let variable = Variable::device(None, on_device(cut, values(&shape, cut))).unwrap();
            let node = graph.add_variable(variable.part(&shape, &slice(cut)).unwrap()).unwrap();
            let saver = Saver::new(&graph, &[("table", node)], &SaverOptions::new()).unwrap();
            saver.save(section, &SaverSaveOptions::new().write_state(false).save(unsynced())).unwrap();
        }
        let prefix = directory.path().join("merged");
        merge(&prefix, &sections, &MergeOptions::new(), &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
        for cut in cuts(&mut rng, &shape, 4) {
            let device = on_device(&cut, vec![0xee; values(&shape, &cut).len()]);
            let graph = Graph::new();
            let variable = Variable::device(None, device.clone()).unwrap().part(&shape, &slice(&cut)).unwrap();
            let node = graph.add_variable(variable).unwrap();
            let saver = Saver::new(&graph, &[("table", node)], &SaverOptions::new()).unwrap();
            saver.restore(&prefix, &RestoreOptions::new()).unwrap();
            assert_eq!(*device.bytes.lock().unwrap(), values(&shape, &cut), "round {round}, {shape:?}, {cut:?}");
        }
    }
}

#[test]
fn what_is_stored_as_a_whole_and_needed_whole_is_checked_and_nothing_else_is_read() {
    let directory = TempDir::new().unwrap();
    let shape = [8, 4];
    let stored: Vec<Cut> = vec![vec![(0, 4), (0, 4)], vec![(4, 4), (0, 4)]];
    let path = save_by_name(directory.path(), &shape, &stored);
    let data = directory.path().join("named.data-00001-of-00002");
    let mut bytes = std::fs::read(&data).unwrap();
    assert_eq!(bytes, values(&shape, &stored[1]));
    bytes[4 * 4 * 3] ^= 1; // the last of the four rows
    std::fs::write(&data, &bytes).unwrap();
    let restore = |cut: Cut| {
        let graph = Graph::new();
        let node = part(&graph, &shape, &cut, false);
        let saver = Saver::new(&graph, &[("table", node)], &SaverOptions::new()).unwrap();
        let result = saver.restore(&path, &RestoreOptions::new()).map(drop);
        (result, graph.read(node).unwrap(), saver.last_report().unwrap(), cut)
    };
    // Not touched by the damage, whatever else is in the stored slice.
    for cut in [vec![(2, 5), (0, 4)], vec![(4, 3), (1, 2)], vec![(0, 7), (2, 2)]] {
        let (result, found, _, cut) = restore(cut);
        result.unwrap();
        assert_eq!(found, values(&shape, &cut));
    }
    // All of the damaged slice: along rows, and among columns of more than it.
    for cut in [vec![(2, 6), (0, 4)], vec![(4, 4), (0, 4)]] {
        let (result, _, report, _) = restore(cut);
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::Checksum), "{error}");
        assert_eq!(error.tensor(), Some(b"table".as_slice()));
        assert_eq!(report.count(RowState::Torn), 1);
    }
    // One that is to be verified first is whole or untouched.
    let (graph, node, checkpoint) = program(|graph| part(graph, &shape, &vec![(4, 3), (1, 2)], false));
    let error = checkpoint.read(&path, &RestoreOptions::new().verify_first(true)).unwrap_err();
    assert_eq!(error.reason(), Reason::Checksum, "{error}");
    assert_eq!(graph.read(node).unwrap(), vec![0xee; 6 * 4]);
}

#[test]
fn a_part_of_a_checkpoint_of_format_v1_is_restored() {
    let directory = TempDir::new().unwrap();
    let (shape, cut) = ([6, 4], vec![(1, 3), (2, 2)]);
    let mut file = common::v1::File::new();
    file.tensor("table", 3, &shape, common::v1::values(3, &values(&shape, &whole(&shape))));
    let path = file.write(directory.path(), "old");
    let (graph, node, checkpoint) = program(|graph| part(graph, &shape, &cut, false));
    checkpoint.read(&path, &RestoreOptions::new()).unwrap();
    assert_eq!(graph.read(node).unwrap(), values(&shape, &cut));
}
