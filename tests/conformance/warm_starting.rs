//! warm_starting_util_test.py, as far as it is `init_from_checkpoint`, and
//! sharded_variable_test.py: slices of one variable by a saver.

use std::ops::Range;

use checkpoint::{DType, Extent, NodeId, Reader, RestoreOptions, Saver, SaverOptions, SaverSaveOptions, Slice, Variable};

use crate::world::*;

/// `[[0.5], [1.], [1.5], [2.]]`
const FRUIT: [f32; 4] = [0.5, 1.0, 1.5, 2.0];

/// A variable of FRUIT's shape, or as many as there are ranges of its rows.
fn fruit(w: &World, name: &str, values: [f32; 4], ranges: &[Range<usize>]) -> Vec<NodeId> {
    let of = |rows: &Range<usize>| {
        let bytes: Vec<u8> = values[rows.clone()].iter().flat_map(|v| v.to_ne_bytes()).collect();
        Variable::owned(DType::Float, &[rows.len() as i64, 1], &bytes).unwrap().name(name)
    };
    if ranges.is_empty() {
        return vec![w.graph.add_variable(of(&(0..4))).unwrap()];
    }
    let slice = |rows: &Range<usize>| Slice::new(vec![Extent::range(rows.start as i64, rows.len() as i64), Extent::range(0, 1)]);
    ranges.iter().map(|rows| w.graph.add_variable(of(rows).part(&[4, 1], &slice(rows)).unwrap()).unwrap()).collect()
}

fn saver(w: &World, variables: &[NodeId]) -> Saver {
    Saver::of_variables(&w.graph, variables, &SaverOptions::new()).unwrap()
}

fn save(w: &World, variables: &[NodeId], name: &str) -> std::path::PathBuf {
    saver(w, variables).save(w.path(name), &SaverSaveOptions::new().save(unsynced())).unwrap()
}

fn together(w: &World, variables: &[NodeId]) -> Vec<f32> {
    let bytes: Vec<u8> = variables.iter().flat_map(|v| w.graph.read(*v).unwrap()).collect();
    bytes.chunks(4).map(|four| f32::from_ne_bytes(four.try_into().unwrap())).collect()
}

const CUTS: [&[Range<usize>]; 3] = [&[], &[0..2, 2..4], &[0..1, 1..2, 2..3, 3..4]];

/// testWarmStartVar, testWarmStartVarPrevVarPartitioned, testWarmStartVarCurrentVarPartitioned,
/// testWarmStartVarBothVarsPartitioned: whole or in slices before, whole or in slices now, under
/// another scope
#[test]
fn test_warm_start_var() {
    let w = World::new();
    for (number, before) in CUTS.into_iter().enumerate() {
        let path = save(&w, &fruit(&w, "old_scope/fruit_weights", FRUIT, before), &format!("model-{number}"));
        for now in CUTS {
            let variables = fruit(&w, "new_scope/fruit_weights", [0.0; 4], now);
            let options = RestoreOptions::new().rename("old_scope/", "new_scope/");
            saver(&w, &variables).restore(&path, &options).unwrap();
            assert_eq!(together(&w, &variables), FRUIT, "{before:?} to {now:?}");
        }
    }
}

/// testWarmStart_ListOfVariables, testWarmStart_ListOfStrings, testWarmStart_ListOfRegexes,
/// testWarmStart_TwoVarsFromTheSamePrevVar: which variables are started, as globs
#[test]
fn test_warm_start_list() {
    let w = World::new();
    let [weights, bias] = [("layer/weights", 1f32), ("layer/bias", 2f32)].map(|(name, v)| w.named(v, name));
    let path = save(&w, &[weights, bias], "model");
    for (glob, expected) in [("layer/weights", [1f32, 0.0]), ("layer/{weights,bias}", [1.0, 2.0]), ("layer/*as", [0.0, 2.0])] {
        let now = ["layer/weights", "layer/bias"].map(|name| w.named(0f32, name));
        saver(&w, &now).restore(&path, &RestoreOptions::new().include(glob)).unwrap();
        assert_eq!(together(&w, &now), expected, "{glob}");
    }
    let twins = [w.variable(0f32), w.variable(0f32)];
    let named = twins.map(|node| ("layer/weights", node));
    let both = Saver::new(&w.graph, &named, &SaverOptions::new().restore_only(true)).unwrap();
    both.restore(&path, &RestoreOptions::new()).unwrap();
    assert_eq!(together(&w, &twins), [1.0, 1.0]);
}

/// sharded_variable_test.py test_save_restore, test_save_restore_different_partitions and
/// test_save_restore_4_to_2_partitions, by a saver: 4 shards to 4, 1 and 2, and back
#[test]
fn test_save_restore_partitions() {
    let w = World::new();
    for before in CUTS.into_iter().filter(|cuts| !cuts.is_empty()) {
        let saved = fruit(&w, "s", FRUIT, before);
        let path = save(&w, &saved, &format!("s-{}", before.len()));
        assert_eq!(Reader::open(&path).unwrap().get("s").unwrap().slices().len(), before.len());
        for now in CUTS {
            let variables = fruit(&w, "s", [0.0; 4], now);
            saver(&w, &variables).restore(&path, &RestoreOptions::new()).unwrap();
            assert_eq!(together(&w, &variables), FRUIT);
        }
    }
}
