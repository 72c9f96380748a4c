//! checkpoint_view_test.py and the restore_nodes tests of restore_test.py: looking at a
//! checkpoint's objects, and restoring single ones.

use std::sync::{Arc, Mutex};

use checkpoint::{
    restore_nodes, CheckpointView, Code, DType, NodeId, Reason, RestoreOptions, Saver, SaverOptions, SaverSaveOptions, Sink,
    Source, State, StateOptions,
};

use crate::world::*;

/// A root with leaves, each with the names of those below it.
fn tree(w: &World, leaves: &[(&str, &[&str])]) -> (NodeId, Vec<NodeId>) {
    let root = w.object();
    let mut all: Vec<NodeId> = leaves.iter().map(|(name, _)| w.child(root, name)).collect();
    for (at, (_, below)) in leaves.iter().enumerate() {
        let parent = all[at];
        all.extend(below.iter().map(|name| w.child(parent, name)));
    }
    (root, all)
}

#[track_caller]
fn saved_tree(w: &World, leaves: &[(&str, &[&str])]) -> CheckpointView {
    let (root, _) = tree(w, leaves);
    CheckpointView::open(w.save(&w.rooted(root, &[]), "ckpt")).unwrap()
}

/// CheckpointViewTest.test_children
#[test]
fn test_children() {
    let w = World::new();
    let view = saved_tree(&w, &[("leaf", &[])]);
    assert_eq!(view.children(0).unwrap()[0], ("leaf", 1));
    is(&view.children(3).unwrap_err(), Code::OutOfRange, Reason::Node);
}

/// CheckpointViewTest.test_all_nodes
#[test]
fn test_all_nodes() {
    let w = World::new();
    assert_eq!(saved_tree(&w, &[("leaf", &[])]).descendants().unwrap(), [0, 1, 2]);
}

/// CheckpointViewTest.test_all_nodes_with_paths
#[test]
fn test_all_nodes_with_paths() {
    let w = World::new();
    let view = saved_tree(&w, &[("leaf1", &[]), ("leaf2", &["leaf3"])]);
    let paths: Vec<String> = view.descendants_with_paths().unwrap().into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["root", "root.leaf1", "root.leaf2", "root.save_counter", "root.leaf2.leaf3"]);
}

const SAVED: &[(&str, &[&str])] = &[("leaf1", &["leaf3", "leaf4"]), ("leaf2", &["leaf5"])];

/// CheckpointViewTest.test_match
#[test]
fn test_match() {
    let w = World::new();
    let view = saved_tree(&w, SAVED);
    let (root, leaves) = tree(&w, &[("leaf1", &["leaf3"]), ("leaf2", &["leaf5"])]);
    let [leaf1, leaf2, leaf3, leaf5] = leaves[..] else { unreachable!() };
    let found = view.match_with(&w.graph, root, None).unwrap();
    assert_eq!(found, [(0, root), (1, leaf1), (2, leaf2), (4, leaf3), (6, leaf5)]);
}

/// CheckpointViewTest.test_match_overlapping_nodes
#[test]
fn test_match_overlapping_nodes() {
    let w = World::new();
    let (root, leaf) = (w.object(), w.object());
    w.track(root, "a", leaf);
    w.track(root, "b", leaf);
    let view = CheckpointView::open(w.save(&w.rooted(root, &[]), "ckpt")).unwrap();
    let (other, leaves) = tree(&w, &[("a", &[]), ("b", &[])]);
    let log = w.log();
    assert_eq!(view.match_with(&w.graph, other, Some(&log)).unwrap(), [(0, other), (1, leaves[0])]);
    says(&w.warnings(), &["Inconsistent references when matching the checkpoint into this object graph."]);
}

/// CheckpointViewTest.test_diff
#[test]
fn test_diff() {
    let w = World::new();
    let view = saved_tree(&w, SAVED);
    let (root, leaves) = tree(&w, &[("leaf1", &["leaf3"]), ("leaf2", &["leaf5"])]);
    let leaf6 = w.child(leaves[0], "leaf6");
    let diff = view.diff(&w.graph, root, None).unwrap();
    assert_eq!(diff.matches, view.match_with(&w.graph, root, None).unwrap());
    assert_eq!((diff.only_in_checkpoint, diff.only_in_program), (vec![3, 5], vec![leaf6]));
}

/// What a checkpoint attaches to its root is among its edges, for it alone.
#[test]
fn attached_edges_match_by_the_checkpoint() {
    let w = World::new();
    let (root, leaf, step) = (w.object(), w.object(), w.variable(1i64));
    w.track(root, "leaf", leaf);
    let checkpoint = w.rooted(root, &[("step", step)]);
    let view = CheckpointView::open(w.write(&checkpoint, "ckpt")).unwrap();
    let [leaf_id, step_id] = ["leaf", "step"].map(|name| view.children(0).unwrap().iter().find(|(n, _)| *n == name).unwrap().1);
    assert_eq!(view.match_with(&w.graph, root, None).unwrap(), [(0, root), (leaf_id, leaf)]);
    assert_eq!(view.match_checkpoint(&checkpoint, None).unwrap(), [(0, root), (leaf_id, leaf), (step_id, step)]);
    let diff = view.diff_checkpoint(&checkpoint, None).unwrap();
    assert_eq!((diff.only_in_checkpoint, diff.only_in_program), (vec![], vec![]));
    assert_eq!(view.diff(&w.graph, root, None).unwrap().only_in_checkpoint, [step_id]);
}

#[test]
fn matching_leaves_no_trace() {
    let w = World::new();
    let v = w.variable(1f32);
    let checkpoint = w.checkpoint(&[("v", v)]);
    let path = w.save(&checkpoint, "ckpt");
    w.assign(v, 2f32);
    let view = CheckpointView::open(path).unwrap();
    let empty = w.object();
    view.diff(&w.graph, empty, None).unwrap();
    w.track(empty, "v", v);
    view.diff(&w.graph, checkpoint.root(), None).unwrap();
    w.holds(v, 2f32);
}

#[test]
fn a_list_that_cannot_be_saved_cannot_be_matched() {
    let w = World::new();
    let list = w.list(&[w.object()]);
    let checkpoint = w.checkpoint(&[("list", list)]);
    let view = CheckpointView::open(w.write(&checkpoint, "ckpt")).unwrap();
    w.graph.list_remove(list, 0).unwrap();
    is(&view.match_checkpoint(&checkpoint, None).unwrap_err(), Code::FailedPrecondition, Reason::Unsavable);
}

#[test]
fn a_checkpoint_of_names_has_no_view() {
    let w = World::new();
    let saver = Saver::new(&w.graph, &[("v", w.variable(1f32))], &SaverOptions::new()).unwrap();
    let path = saver.save(w.path("names"), &SaverSaveOptions::new().save(unsynced())).unwrap();
    let error = CheckpointView::open(path).unwrap_err();
    is(&error, Code::NotFound, Reason::NoObjectGraph);
    says(
        &error.to_string(),
        &["does not appear to be object-based (saved with TF2) since it is missing the key \"_CHECKPOINTABLE_OBJECT_GRAPH\""],
    );
}

/// An object with several values, as the `TrackableWithSerialize` of TensorFlow's tests.
#[derive(Clone)]
struct Values(Arc<Mutex<Vec<f32>>>);

impl Values {
    fn new(values: &[f32]) -> Values {
        Values(Arc::new(Mutex::new(values.to_vec())))
    }

    fn add(&self, w: &World) -> NodeId {
        let names: Vec<String> = (0..self.0.lock().unwrap().len()).map(|n| n.to_string()).collect();
        w.graph.add_state(Box::new(self.clone()), &StateOptions::new().names(&names)).unwrap()
    }

    fn get(&self) -> Vec<f32> {
        self.0.lock().unwrap().clone()
    }

    fn set(&self, values: &[f32]) {
        *self.0.lock().unwrap() = values.to_vec();
    }
}

impl State for Values {
    fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
        for (n, value) in self.0.lock().unwrap().iter().enumerate() {
            sink.put(&n.to_string(), DType::Float, &[], &bytes_of(value))?;
        }
        Ok(())
    }

    fn restore(&mut self, source: &Source) -> Result<(), checkpoint::Failure> {
        let mut values = self.0.lock().unwrap();
        for (n, value) in values.iter_mut().enumerate() {
            *value = value_of(source.find(&n.to_string()).ok_or("it is not there")?.bytes());
        }
        Ok(())
    }
}

/// RestoreTest.test_restore_nodes_error_cases_high_level
#[test]
fn test_restore_nodes_error_cases_high_level() {
    let w = World::new();
    let (root, child) = (w.object(), w.variable(5f32));
    w.track(root, "child", child);
    let path = w.write(&w.rooted(root, &[]), "ckpt");
    let refused = |nodes: &[(u32, NodeId)]| {
        let error = restore_nodes(&path, &w.graph, nodes, &RestoreOptions::new()).unwrap_err();
        is(&error, Code::InvalidArgument, Reason::Node);
        error.to_string()
    };
    says(
        &refused(&[(0, root), (3, child)]),
        &["The expected node_id: 3 to Trackable ", " to restore does not exist in the checkpoint."],
    );
    let gone = w.object();
    w.graph.remove(gone).unwrap();
    says(&refused(&[(0, root), (1, gone)]), &["Expecting a valid Trackable to node_id: 1"]);
    let slot_of_nothing = World::new().object();
    says(&refused(&[(0, slot_of_nothing)]), &["Expecting a valid Trackable to node_id: 0"]);
    says(&refused(&[(1, child), (1, child)]), &["two nodes"]);
}

/// RestoreTest.test_restore_nodes_error_cases_trackable_ckpt_view_mismatch
#[test]
fn test_restore_nodes_error_cases_trackable_ckpt_view_mismatch() {
    let w = World::new();
    let (root, child) = (w.object(), w.variable(5f32));
    w.track(root, "child", child);
    let path = w.write(&w.rooted(root, &[]), "ckpt");
    let refused = |nodes: &[(u32, NodeId)]| {
        let error = restore_nodes(&path, &w.graph, nodes, &RestoreOptions::new()).unwrap_err();
        is(&error, Code::InvalidArgument, Reason::Node);
        error.to_string()
    };
    says(
        &refused(&[(0, child)]),
        &["expects checkpointed values but checkpoint does not contain serialized tensors for node_id: 0."],
    );
    says(
        &refused(&[(1, root)]),
        &["does not expect checkpointed values but checkpoint contains serialized tensors for node_id: 1."],
    );
}

/// RestoreTest.test_restore_nodes_has_serialize_to_tensor,
/// test_restore_nodes_not_serialize_to_tensor
#[test]
fn test_restore_nodes_has_serialize_to_tensor() {
    let w = World::new();
    let (one, two) = (Values::new(&[5.0]), Values::new(&[6.0, 7.0]));
    let (root, child) = (one.add(&w), two.add(&w));
    w.track(root, "child", child);
    let path = w.write(&w.rooted(root, &[]), "ckpt");
    let start = || {
        one.set(&[0.0]);
        two.set(&[1.0, 2.0]);
    };
    start();
    restore_nodes(&path, &w.graph, &[(0, root)], &RestoreOptions::new()).unwrap();
    assert_eq!((one.get(), two.get()), (vec![5.0], vec![1.0, 2.0]));
    start();
    restore_nodes(&path, &w.graph, &[(1, child)], &RestoreOptions::new()).unwrap();
    assert_eq!((one.get(), two.get()), (vec![0.0], vec![6.0, 7.0]));
}

/// RestoreTest.test_restore_nodes_with_different_number_of_serialized_to_tensors,
/// test_restore_nodes_not_serialize_to_tensor_error_cases
#[test]
fn test_restore_nodes_with_different_number_of_serialized_to_tensors() {
    for (saved, program) in [(&[5f32][..], &[1f32, 2.0][..]), (&[5.0, 6.0], &[1.0])] {
        let w = World::new();
        let path = w.write(&w.rooted(Values::new(saved).add(&w), &[]), "ckpt");
        let values = Values::new(program);
        let error = restore_nodes(path, &w.graph, &[(0, values.add(&w))], &RestoreOptions::new()).unwrap_err();
        is(&error, Code::InvalidArgument, Reason::Node);
        let (ours, theirs) = (program.len(), saved.len());
        says(
            &error.to_string(),
            &[&format!("Size for serialized_tensors for Trackable: {ours} did not match size for serialized_tensors for checkpoint: {theirs}")],
        );
        assert_eq!(values.get(), program);
    }
}

/// A plain variable is restored, which TensorFlow 2.21 fails to do; and nothing is assigned unless
/// everything fits.
#[test]
fn single_variables_are_validated_first() {
    let w = World::new();
    let (a, b) = (w.variable(1f32), w.variable([2f32, 3.0]));
    let path = w.write(&w.checkpoint(&[("a", a), ("b", b)]), "ckpt");
    let (fits, does_not) = (w.variable(0f32), w.variable([0f32; 3]));
    let error = restore_nodes(&path, &w.graph, &[(1, fits), (2, does_not)], &RestoreOptions::new()).unwrap_err();
    is(&error, Code::InvalidArgument, Reason::Shape);
    w.holds(fits, 0f32);
    restore_nodes(&path, &w.graph, &[(1, fits), (2, b)], &RestoreOptions::new()).unwrap();
    w.holds(fits, 1f32);
}
