//! saver_test.py and functional_saver_test.py: variables in several files, and variables in parts.

use std::path::PathBuf;

use checkpoint::{
    checkpoint_exists, latest_checkpoint, DType, NodeId, Reader, RestoreOptions, Saver, SaverOptions, SaverSaveOptions, Variable,
    WriteOptions, Writer,
};

use crate::common::bundle::f32s;
use crate::common::{dtypes, v1};
use crate::world::*;

#[track_caller]
fn saver(w: &World, named: &[(&str, NodeId)]) -> Saver {
    Saver::new(&w.graph, named, &SaverOptions::new()).unwrap()
}

#[track_caller]
fn load(saver: &Saver, path: impl AsRef<std::path::Path>) {
    saver.restore(path, &RestoreOptions::new()).unwrap();
}

fn in_files(count: u32) -> SaverSaveOptions {
    let write = WriteOptions::new().shards(count).durability(checkpoint::Durability::None);
    SaverSaveOptions::new().save(unsynced().write(write))
}

/// saver_test.py SaveRestoreShardedTestV2.testBasics, SaveRestoreShardedTest.testBasics
#[test]
fn test_basics_sharded() {
    let w = World::new();
    let named = [("v0", w.variable(10f32)), ("v1", w.variable(20f32))];
    let v2 = saver(&w, &named).save(w.path("sharded_basics"), &in_files(2)).unwrap();
    assert!(w.files().contains(&"sharded_basics.data-00001-of-00002".to_owned()), "{:?}", w.files());
    assert_eq!(latest_checkpoint(w.directory()).unwrap().as_ref(), Some(&v2));

    for (number, (name, variable)) in named.iter().enumerate() {
        let mut file = v1::File::new();
        file.tensor(name, dtypes::FLOAT, &[], v1::values(dtypes::FLOAT, &w.graph.read(*variable).unwrap()));
        file.write(w.directory(), &format!("v1-{number:05}-of-00002"));
    }
    for path in [v2, w.path("v1-?????-of-00002")] {
        // Each alone, and both.
        for (name, value) in [("v0", 10f32), ("v1", 20.0)] {
            let v = w.variable(111f32);
            load(&saver(&w, &[(name, v)]), &path);
            w.holds(v, value);
        }
        let (v0, v1) = (w.variable(111f32), w.variable(222f32));
        load(&saver(&w, &[("v0", v0), ("v1", v1)]), path);
        w.holds(v0, 10f32);
        w.holds(v1, 20f32);
    }
}

/// saver_test.py SaveRestoreShardedTest.testPartitionedVariable, testPartitionedResourceVariable:
/// however a variable was cut, it is restored into a whole one, by names and by edges, and a whole
/// one is read in parts.
#[test]
fn test_partitioned_resource_variable() {
    let w = World::new();
    let values: Vec<f32> = (0..50).map(|number| number as f32).collect();
    let part = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        f32s(
            &values
                .chunks(10)
                .skip(rows.start)
                .take(rows.len())
                .flat_map(|row| row[columns.clone()].to_vec())
                .collect::<Vec<_>>(),
        )
    };
    let whole = || w.graph.add_variable(Variable::zeros(DType::Float, &[5, 10]).unwrap()).unwrap();
    let saved = whole();
    w.graph.assign(saved, DType::Float, &[5, 10], &f32s(&values)).unwrap();
    let by_edges = w.write(&w.checkpoint(&[("var", saved)]), "by_edges");
    let graph = Reader::open(by_edges).unwrap().get("_CHECKPOINTABLE_OBJECT_GRAPH").unwrap().read_strings().unwrap();

    let all =
        [("-:0,3", part(0..5, 0..3)), ("-:3,7", part(0..5, 3..10)), ("0,2:-", part(0..2, 0..10)), ("2,3:-", part(2..5, 0..10))];
    for cut in [&all[..2], &all[2..]] {
        for key in ["var", "var/.ATTRIBUTES/VARIABLE_VALUE"] {
            let options = WriteOptions::new().durability(checkpoint::Durability::None);
            let mut writer = Writer::new(w.path("sliced"), &options).unwrap();
            for (slice, bytes) in cut {
                writer.add_slice(key, DType::Float, &[5, 10], &slice.parse().unwrap(), bytes).unwrap();
            }
            let into = whole();
            if key != "var" {
                writer.add_strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[graph.get(0).unwrap()]).unwrap();
                writer.finish().unwrap();
                read(&w.checkpoint(&[("var", into)]), w.path("sliced")).consumed();
            } else {
                writer.finish().unwrap();
                load(&saver(&w, &[("var", into)]), w.path("sliced"));
            }
            assert_eq!(w.graph.read(into).unwrap(), f32s(&values));
        }
    }
    let path = saver(&w, &[("var", saved)]).save(w.path("whole"), &in_files(1)).unwrap();
    let reader = Reader::open(path).unwrap();
    for (slice, bytes) in all {
        assert_eq!(reader.get("var").unwrap().read_slice(&slice.parse().unwrap()).unwrap(), bytes);
    }
}

/// saver_test.py MaxToKeepTest.testSharded: with each checkpoint all of its files go.
#[test]
fn test_max_to_keep_sharded() {
    let w = World::new();
    let named = [("v0", w.variable(111f32)), ("v1", w.variable(222f32))];
    let saver = Saver::new(&w.graph, &named, &SaverOptions::new().max_to_keep(2)).unwrap();
    let paths: Vec<PathBuf> = ["s1", "s2", "s3"].iter().map(|name| saver.save(w.path(name), &in_files(2)).unwrap()).collect();
    assert_eq!(saver.last_checkpoints(), paths[1..]);
    assert_eq!(paths.iter().map(|path| checkpoint_exists(path).unwrap()).collect::<Vec<_>>(), [false, true, true]);
    assert!(w.files().iter().all(|file| !file.starts_with("s1")), "{:?}", w.files());
    assert_eq!(w.files().len(), 2 * 3 + 1);
}

/// functional_saver_test.py SaverTest.test_resource_variable, test_resource_variable_use_localhost:
/// two files; and another variable under the same key.
#[test]
fn test_resource_variable() {
    let w = World::new();
    let v1 = w.variable(2f32);
    let first = saver(&w, &[("x", v1)]);
    let path = first.save(w.path("ckpt"), &in_files(1).write_state(false)).unwrap();
    assert_eq!(w.files(), ["ckpt.data-00000-of-00001", "ckpt.index"]);
    w.assign(v1, 1f32);
    load(&first, &path);
    w.holds(v1, 2f32);
    let v2 = w.variable(3f32);
    load(&saver(&w, &[("x", v2)]), path);
    w.holds(v2, 2f32);
}
