//! checkpoint_test.py: the tests of `Checkpoint(root, …)`, and of what keeps objects alive.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;

use checkpoint::{Checkpoint, Code, DType, Graph, Memory, NodeId, Reason, RestoreOptions, Variable};

use crate::world::*;

fn model(w: &World, v: f32) -> (NodeId, NodeId) {
    let model = w.object();
    (model, w.add(model, "v", v))
}

/// CheckpointingTests.test_initialize_with_root_object
#[test]
fn test_initialize_with_root_object() {
    let w = World::new();
    let (saved, _) = model(&w, 2.0);
    w.add(saved, "deferred_variable", 5f32);
    let path = w.save(&w.rooted(saved, &[]), "ckpt");

    let (new, v) = model(&w, 0.0);
    restore(&w.rooted(new, &[]), path);
    w.holds(v, 2f32);
    let deferred = w.add(new, "deferred_variable", 1f32);
    w.holds(deferred, 5f32);
}

/// CheckpointingTests.test_initialize_with_root_object_and_kwargs
#[test]
fn test_initialize_with_root_object_and_kwargs() {
    let w = World::new();
    let (saved, _) = model(&w, 3.0);
    let separate = w.variable(5f32);
    let error = Checkpoint::with_root(&w.graph, saved, &[("v", separate)]).unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
    says(&error.to_string(), &["root.v already exists"]);
    let path = w.save(&w.rooted(saved, &[("separate_variable", separate)]), "ckpt");

    // The same configuration.
    let (new, v) = model(&w, 2.0);
    let separate = w.variable(1f32);
    let ckpt = w.rooted(new, &[("separate_variable", separate)]);
    restore(&ckpt, &path).consumed();
    w.holds(v, 3f32);
    w.holds(separate, 5f32);
    assert_eq!(ckpt.save_count().unwrap(), 1);

    // What was attached is the root's own, and the other way round.
    let new = w.object();
    let separate = w.add(new, "separate_variable", 200f32);
    let v = w.variable(100f32);
    let ckpt = w.rooted(new, &[("v", v)]);
    restore(&ckpt, &path).consumed();
    w.holds(v, 3f32);
    w.holds(separate, 5f32);
    assert_eq!(ckpt.save_count().unwrap(), 1);

    // No root object.
    let (separate, v) = (w.variable(200f32), w.variable(100f32));
    let ckpt = w.checkpoint(&[("v", v), ("separate_variable", separate)]);
    restore(&ckpt, &path).consumed();
    w.holds(v, 3f32);
    w.holds(separate, 5f32);
    assert_eq!(ckpt.save_count().unwrap(), 1);
}

/// CheckpointingTests.test_checkpoint_saved_model_compatibility
#[test]
fn test_checkpoint_saved_model_compatibility() {
    let w = World::new();
    let (saved, _) = model(&w, 2.0);
    w.add(saved, "deferred_variable", 5f32);
    w.write(&w.rooted(saved, &[]), "saved_model/variables/variables");
    std::fs::write(w.path("saved_model/saved_model.pb"), []).unwrap();

    let (new, v) = model(&w, 0.0);
    let ckpt = w.rooted(new, &[]);
    let error = ckpt.restore(w.path("saved_modelno"), &RestoreOptions::new()).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    says(&error.to_string(), &["saved_modelno"]);
    restore(&ckpt, w.path("saved_model")).expect_partial();
    w.holds(v, 2f32);
    let deferred = w.add(new, "deferred_variable", 1f32);
    w.holds(deferred, 5f32);
}

/// The same with `variables/variables` that TensorFlow's `saved_model.save` wrote.
#[test]
fn test_checkpoint_saved_model_of_tensorflow() {
    let w = World::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/savedmodel/variables");
    let into = w.path("saved_model/variables");
    std::fs::create_dir_all(&into).unwrap();
    for end in ["index", "data-00000-of-00001"] {
        std::fs::copy(format!("{fixture}.{end}"), into.join(format!("variables.{end}"))).unwrap();
    }
    std::fs::write(w.path("saved_model/saved_model.pb"), []).unwrap();

    let root = w.object();
    let gamma = w.create(w.child(root, "layer_with_weights-0"), "gamma");
    restore(&w.rooted(root, &[]), w.path("saved_model")).expect_partial();
    w.holds(gamma, stored::<[f32; 1]>(into.join("variables"), &format!("layer_with_weights-0/gamma{SUFFIX}")));
}

/// Memory that tells when it is released.
struct Watched(Vec<u8>, Arc<AtomicUsize>);

impl Memory for Watched {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.1.fetch_add(1, Relaxed);
    }
}

fn watched(graph: &Graph, released: &Arc<AtomicUsize>) -> NodeId {
    let memory = Watched(bytes_of(&100f32), Arc::clone(released));
    graph.add_variable(Variable::borrowed(DType::Float, &[], Box::new(memory)).unwrap()).unwrap()
}

/// CheckpointingTests.test_deferred_dependency_avoids_reference_cycles
#[test]
fn test_deferred_dependency_avoids_reference_cycles() {
    let w = World::new();
    let x = w.object();
    w.add(x, "v", 100f32);
    w.add(x, "has_del", 1f32);
    let path = w.save(&w.rooted(x, &[]), "ckpt");

    let released = Arc::default();
    let graph = Graph::new();
    let no_v = graph.add_object().unwrap();
    graph.track(no_v, "has_del", watched(&graph, &released)).unwrap();
    let ckpt = Checkpoint::with_root(&graph, no_v, &[]).unwrap();
    let status = restore(&ckpt, &path);
    status.expect_partial();
    assert_eq!(graph.waiting(no_v, "v").unwrap(), 1);
    drop((status, ckpt));
    assert_eq!(released.load(Relaxed), 0);
    drop(graph);
    assert_eq!(released.load(Relaxed), 1, "what waits for an edge keeps the graph alive");

    // A child by itself, while something waits for its sibling.
    let graph = Graph::new();
    let no_v = graph.add_object().unwrap();
    let child = watched(&graph, &released);
    graph.track(no_v, "has_del", child).unwrap();
    let status = restore(&Checkpoint::with_root(&graph, no_v, &[]).unwrap(), &path);
    graph.remove(child).unwrap();
    assert_eq!(released.load(Relaxed), 2);
    drop(status);
}

/// CheckpointingTests.test_root_arg
#[test]
fn test_root_arg() {
    let w = World::new();
    let root = w.object();
    let (v, attached_w, y) = (w.add(root, "v", 1i32), w.variable(2i32), w.variable(3i32));
    let root_ckpt = w.rooted(root, &[("w", attached_w), ("y", y)]);
    let root2 = w.object();
    let (own_w, v2, z) = (w.add(root2, "w", 4i32), w.variable(5i32), w.variable(6i32));
    let root2_ckpt = w.rooted(root2, &[("v", v2), ("z", z)]);

    let path = w.save(&root_ckpt, "root_ckpt");
    let path2 = w.save(&root2_ckpt, "root2_ckpt");
    restore(&root_ckpt, path2);
    restore(&root2_ckpt, path);
    assert_eq!([v, attached_w, y].map(|v| w.value::<i32>(v)), [5, 4, 3]);
    assert_eq!([own_w, v2, z].map(|v| w.value::<i32>(v)), [2, 1, 6]);
}

/// CheckpointingTests.test_weakref_root: neither checkpoint nor status keeps the root.
#[test]
fn test_weakref_root() {
    let w = World::new();
    let released = Arc::default();
    let root = w.object();
    let v = watched(&w.graph, &released);
    w.track(root, "v", v);
    let ckpt = w.rooted(root, &[]);
    let path = w.save(&ckpt, "ckpt");
    w.assign(v, 2f32);
    let status = restore(&ckpt, path);
    w.holds(v, 100f32);

    w.graph.remove(root).unwrap();
    w.graph.remove(v).unwrap();
    assert_eq!(released.load(Relaxed), 1);
    is(&w.cannot_save(&ckpt), Code::InvalidArgument, Reason::Node);
    drop(status);
}

/// The edge by which a root leads to itself is nobody's: a file where `root` is another object does
/// not restore that into the root.
#[test]
fn the_edge_of_the_root_to_itself_is_not_restored() {
    let w = World::new();
    let (other, _) = model(&w, 1.0);
    let path = w.write(&w.checkpoint(&[("root", other)]), "ckpt");
    let (root, v) = model(&w, -1.0);
    let status = read(&w.rooted(root, &[]), path);
    w.holds(v, -1f32);
    says(&status.not_matched(), &["variable"]);
    status.expect_partial();
}
