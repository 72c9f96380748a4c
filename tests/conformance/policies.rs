//! sharding_policies_test.py, sharding_util_test.py and what functional_saver_test.py says of
//! tasks: which values go into which files.
//!
//! A task of TensorFlow's is a rank here, its shard a section. What is claimed of
//! `MaxShardSizePolicy` is that no file is larger, but for what cannot be cut, and that everything
//! is restored. The layout is not TensorFlow's in general: where it cuts columns (12 bytes, say),
//! this library cuts rows, so that no value is copied.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Mutex;

use checkpoint::{
    Checkpoint, Code, DType, Durability, Error, Failure, Graph, Ranks, Reader, SaveOptions, Slice, Variable, WriteOptions, Writer,
};

use crate::common::bundle::f32s;
use crate::world::*;

/// What two ranks talk through.
type Ends = Vec<(Sender<Vec<u8>>, Receiver<Vec<u8>>)>;

struct Task(u32, u32, Mutex<Ends>);

impl Ranks for Task {
    fn rank(&self) -> u32 {
        self.0
    }

    fn count(&self) -> u32 {
        self.1
    }

    fn gather(&self, message: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        let ends = self.2.lock().unwrap();
        if self.0 > 0 {
            ends[0].0.send(message.to_vec())?;
            return Ok(Vec::new());
        }
        Ok(std::iter::once(Some(message.to_vec())).chain(ends.iter().map(|(_, from)| from.recv().ok())).collect())
    }

    fn broadcast(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let ends = self.2.lock().unwrap();
        if self.0 > 0 {
            return Ok(ends[0].1.recv()?);
        }
        ends.iter().for_each(|(to, _)| drop(to.send(message.to_vec())));
        Ok(message.to_vec())
    }
}

/// Each task saves what it tracks below a root, together with the others.
fn save(path: &Path, count: u32, track: impl Fn(u32, &Graph, &dyn Fn(&str, Variable)) + Sync) -> Vec<Result<PathBuf, Error>> {
    let (mut of_first, mut tasks) = (Ends::new(), Vec::new());
    for rank in 1..count {
        let ((to, from_first), (to_first, from)) = (channel(), channel());
        of_first.push((to, from));
        tasks.push(Task(rank, count, Mutex::new(vec![(to_first, from_first)])));
    }
    tasks.insert(0, Task(0, count, Mutex::new(of_first)));
    std::thread::scope(|scope| {
        let track = &track;
        let run = |task: Task| {
            scope.spawn(move || {
                let graph = Graph::new();
                let root = graph.add_object().unwrap();
                track(task.0, &graph, &|name, variable| graph.track(root, name, graph.add_variable(variable).unwrap()).unwrap());
                Checkpoint::new(&graph, root).unwrap().write_ranked(path, &task, &unsynced())
            })
        };
        let running: Vec<_> = tasks.into_iter().map(run).collect();
        running.into_iter().map(|task| task.join().unwrap()).collect()
    })
}

fn data_files(w: &World) -> usize {
    w.files().iter().filter(|file| file.contains(".data-")).count()
}

/// functional_saver_test.py SaverTest.test_checkpoint_is_sharded_by_task; sharding_policies_test.py
/// test_ShardByTaskPolicy: three workers and the task that has the graph, four files.
#[test]
fn test_checkpoint_is_sharded_by_task() {
    let w = World::new();
    let saved = save(&w.path("ckpt"), 4, |rank, _, track| {
        if rank > 0 {
            track(&format!("v{rank}"), variable(rank as f32));
        }
    });
    saved.into_iter().for_each(|saved| drop(saved.unwrap()));
    assert_eq!(data_files(&w), 4);
    let all: Vec<_> = (1..4).map(|rank| w.variable(-(rank as f32))).collect();
    let kwargs: Vec<(String, _)> = all.iter().zip(1..).map(|(&node, rank)| (format!("v{rank}"), node)).collect();
    let kwargs: Vec<_> = kwargs.iter().map(|(name, node)| (name.as_str(), *node)).collect();
    read(&w.checkpoint(&kwargs), w.path("ckpt")).consumed();
    (1..4).for_each(|rank| w.holds(all[rank - 1], rank as f32));
}

fn at_most(bytes: u64) -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None).max_shard_size(bytes))
}

/// The slices of a variable, as TensorFlow spells them.
fn slices(path: &Path, name: &str) -> Vec<String> {
    let reader = Reader::open(path).unwrap();
    let tensor = reader.get(format!("{name}/.ATTRIBUTES/VARIABLE_VALUE")).unwrap();
    tensor.slices().iter().map(|slice| slice.to_string()).collect()
}

/// Saves two variables, and gives the slices of both and the number of files.
fn pieces(w: &World, v0: Variable, v1: Variable, bytes: u64) -> (Vec<String>, Vec<String>, usize) {
    let nodes = [v0, v1].map(|variable| w.graph.add_variable(variable).unwrap());
    let path = w.path(&format!("of_{bytes}"));
    let before = data_files(w);
    let checkpoint = w.checkpoint(&[("v0", nodes[0]), ("v1", nodes[1])]);
    checkpoint.write(&path, &at_most(bytes)).unwrap();
    let values = nodes.map(|node| w.graph.read(node).unwrap());
    nodes.iter().zip(&values).for_each(|(node, value)| w.graph.with_memory(*node, |m| m.fill(!value[0])).unwrap());
    read(&checkpoint, &path).consumed();
    assert_eq!(nodes.map(|node| w.graph.read(node).unwrap()), values);
    (slices(&path, "v0"), slices(&path, "v1"), data_files(w) - before)
}

fn floats(shape: &[i64], values: &[f32]) -> Variable {
    Variable::owned(DType::Float, shape, &f32s(values)).unwrap()
}

/// sharding_policies_test.py test_MaxShardSizePolicy_1D
#[test]
fn test_max_shard_size_policy_1d() {
    let w = World::new();
    let both = || (floats(&[4], &[0., 1., 2., 3.]), Variable::owned(DType::Int32, &[4, 1], &f32s(&[4., 5., 6., 7.])).unwrap());
    for (bytes, v0, v1, files) in [
        (4, &["0,1", "1,1", "2,1", "3,1"][..], &["0,1:-", "1,1:-", "2,1:-", "3,1:-"][..], 8),
        (8, &["0,2", "2,2"], &["0,2:-", "2,2:-"], 4),
        (10, &["0,2", "2,2"], &["0,2:-", "2,2:-"], 4),
        (16, &[], &[], 2),
        (18, &[], &[], 2),
    ] {
        let found = pieces(&w, both().0, both().1, bytes);
        assert_eq!(
            (found.0, found.1),
            (v0.iter().map(|s| s.to_string()).collect(), v1.iter().map(|s| s.to_string()).collect()),
            "{bytes}"
        );
        // Here the object graph takes room, and so a file of its own.
        assert_eq!(found.2, files + 1, "{bytes}");
    }
}

/// sharding_policies_test.py test_MaxShardSizePolicy_2D, test_CheckpointOption_MaxShardSizePolicy
#[test]
fn test_max_shard_size_policy_2d() {
    let w = World::new();
    let both = || (floats(&[3, 2], &[0., 1., 2., 3., 4., 5.]), floats(&[3, 1], &[6., 7., 8.]));
    for (bytes, v0, v1, files) in [
        (8, &["0,1:-", "1,1:-", "2,1:-"][..], &["0,2:-", "2,1:-"][..], 5),
        (10, &["0,1:-", "1,1:-", "2,1:-"], &["0,2:-", "2,1:-"], 5),
        (16, &["0,2:-", "2,1:-"], &["0,2:-", "2,1:-"], 3),
    ] {
        let found = pieces(&w, both().0, both().1, bytes);
        assert_eq!(
            (found.0, found.1),
            (v0.iter().map(|s| s.to_string()).collect(), v1.iter().map(|s| s.to_string()).collect()),
            "{bytes}"
        );
        assert_eq!(found.2, files + 1, "{bytes}");
    }
}

/// sharding_policies_test.py test_MaxShardSizePolicy_LargeScalar, test_MaxShardSizePolicy_Strings:
/// what cannot be cut has a file of its own, however large.
#[test]
fn test_max_shard_size_policy_large_scalar() {
    let w = World::new();
    let found = pieces(&w, variable(1f64), floats(&[2], &[1., 2.]), 4);
    assert_eq!((found.0, found.1, found.2), (vec![], vec!["0,1".to_owned(), "1,1".to_owned()], 4));
    let words = w.graph.add_variable(Variable::strings(&[2], &["some text", "more of it"]).unwrap()).unwrap();
    let path = w.checkpoint(&[("v0", words)]).write(w.path("words"), &at_most(4)).unwrap();
    assert_eq!(slices(&path, "v0"), [""; 0]);
}

/// sharding_policies_test.py test_MaxShardSizePolicy_PreSlicedTensor: what is a slice already is
/// cut to slices of the whole tensor.
#[test]
fn test_max_shard_size_policy_pre_sliced_tensor() {
    let w = World::new();
    let all: Vec<f32> = (0..24).map(|n| n as f32).collect();
    let lower: Slice = "2,4:-".parse().unwrap();
    let part = || floats(&[4, 4], &all[8..]).part(&[6, 4], &lower).unwrap();
    let node = w.graph.add_variable(part()).unwrap();
    let checkpoint = w.checkpoint(&[("v0", node)]);
    let path = checkpoint.write(w.path("part"), &at_most(32)).unwrap();
    assert_eq!(slices(&path, "v0"), ["2,2:-", "4,2:-"]);
    w.graph.with_memory(node, |memory| memory.fill(0xee)).unwrap();
    read(&checkpoint, &path).consumed();
    assert_eq!(w.graph.read(node).unwrap(), f32s(&all[8..]));
    // Less than a row, and beside a slice that is small enough.
    let (first, rest) = (f32s(&all[..2]), f32s(&[&all[2..4], &all[6..8]].concat()));
    let mut writer = Writer::new(w.path("rows"), &WriteOptions::new().durability(Durability::None).max_shard_size(8)).unwrap();
    writer.add_slice("t", DType::Float, &[2, 4], &"0,1:0,2".parse().unwrap(), &first).unwrap();
    writer.add_slice("t", DType::Float, &[2, 4], &"-:2,2".parse().unwrap(), &rest).unwrap();
    writer.finish().unwrap();
    let reader = Reader::open(w.path("rows")).unwrap();
    let found: Vec<String> = reader.get("t").unwrap().slices().iter().map(|slice| slice.to_string()).collect();
    assert_eq!(found, ["0,1:0,2", "0,1:2,2", "1,1:2,2"]);
    assert_eq!(reader.get("t").unwrap().read_slice(&"-:2,2".parse().unwrap()).unwrap(), rest);
}

/// sharding_util_test.py test_validate_shards_*: one key twice, another shape, another dtype. That
/// values are added, dropped or moved to another task is nothing that a caller of this library
/// could do.
#[test]
fn test_validate_shards() {
    let w = World::new();
    // What several have is written by the first.
    save(&w.path("ckpt"), 2, |rank, _, track| track("v", variable(rank as f32)))
        .into_iter()
        .for_each(|saved| drop(saved.unwrap()));
    let v = w.variable(-1f32);
    read(&w.checkpoint(&[("v", v)]), w.path("ckpt")).consumed();
    w.holds(v, 0f32);
    let refused = |track: &(dyn Fn(u32) -> Variable + Sync)| {
        for saved in save(&w.path("none"), 2, |rank, _, add| add("v", track(rank))) {
            assert_eq!(saved.unwrap_err().code(), Code::InvalidArgument);
        }
        assert!(Reader::open(w.path("none")).is_err());
    };
    refused(&|rank| floats(&[1 + i64::from(rank)], &vec![0.; 1 + rank as usize]));
    refused(&|rank| if rank == 0 { variable(1f32) } else { variable(1i32) });
    refused(&|rank| floats(&[2], &[0.; 2]).part(&[3], &format!("{rank},2").parse().unwrap()).unwrap());
}
