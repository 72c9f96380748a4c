//! autotrackable_test.py, base_test.py, trackable_view_test.py, and tf_keras' tracking_test.py:
//! edges, by attributes and in containers.

use checkpoint::{Code, NodeId, Reason};

use crate::world::*;

#[track_caller]
fn unsavable(w: &World, checkpoint: &checkpoint::Checkpoint) {
    let error = w.cannot_save(checkpoint);
    is(&error, Code::FailedPrecondition, Reason::Unsavable);
    says(&error.to_string(), &["A list element was replaced"]);
}

/// autotrackable_test.py InterfaceTests.testMultipleAssignment
#[test]
fn test_multiple_assignment() {
    let w = World::new();
    let (root, leaf, duplicate) = (w.object(), w.object(), w.object());
    w.overwrite(root, "leaf", leaf);
    w.overwrite(root, "leaf", leaf);
    let error = w.graph.track(root, "leaf", duplicate).unwrap_err();
    is(&error, Code::AlreadyExists, Reason::NameTaken);
    says(&error.to_string(), &["already declared"]);
    w.overwrite(root, "leaf", duplicate);
    w.overwrite(root, "leaf", duplicate);
    assert_eq!(w.graph.lookup(root, "leaf").unwrap(), Some(duplicate));
    assert_eq!(w.graph.children(root).unwrap(), [("leaf".to_owned(), duplicate)]);
}

/// autotrackable_test.py InterfaceTests.testRemoveDependency
#[test]
fn test_remove_dependency() {
    let w = World::new();
    let root = w.object();
    let a = w.child(root, "a");
    assert_eq!(w.graph.children(root).unwrap(), [("a".to_owned(), a)]);
    assert_eq!(w.graph.untrack(root, "a").unwrap(), a);
    assert_eq!(w.graph.children(root).unwrap(), []);
    assert_eq!(w.graph.lookup(root, "a").unwrap(), None);
    let again = w.child(root, "a");
    assert_eq!(w.graph.children(root).unwrap(), [("a".to_owned(), again)]);
}

/// autotrackable_test.py InterfaceTests.testListBasic
#[test]
fn test_list_basic() {
    let w = World::new();
    let (a, b, c) = (w.object(), w.object(), w.object());
    let list = w.list(&[b]);
    w.track(a, "l", list);
    w.append(list, c);
    assert_eq!(w.graph.descendants(a).unwrap(), [a, list, b, c]);
    assert_eq!(w.edges(a), ["l"]);
    assert_eq!(w.graph.list_elements(list).unwrap(), [Some(b), Some(c)]);
}

/// autotrackable_test.py InterfaceTests.testMutationDirtiesList
#[test]
fn test_mutation_dirties_list() {
    let w = World::new();
    let (a, b, c) = (w.object(), w.object(), w.object());
    let list = w.list(&[b]);
    w.track(a, "l", list);
    w.graph.list_insert(list, 0, Some(c)).unwrap();
    unsavable(&w, &w.checkpoint(&[("a", a)]));
}

/// autotrackable_test.py InterfaceTests.testNestedLists
#[test]
fn test_nested_lists() {
    let w = World::new();
    let [a, b, c, d, e, f] = [(); 6].map(|()| w.object());
    let listed = |found: &[NodeId]| {
        let all = w.graph.descendants(a).unwrap();
        found.iter().all(|node| all.contains(node))
    };
    let (outer, inner) = (w.list(&[]), w.list(&[b]));
    w.track(a, "l", outer);
    w.append(outer, inner);
    w.append(inner, c);
    assert!(listed(&[b, c]));
    w.graph.list_append(inner, None).unwrap();
    w.append(inner, d);
    assert!(listed(&[b, c, d]));
    assert_eq!(w.edges(inner), ["0", "1", "3"]);
    let first = w.list(&[]);
    w.track(a, "l1", w.list(&[first, w.list(&[e])]));
    w.append(first, f);
    assert!(listed(&[e, f]));
    let ckpt = w.checkpoint(&[("a", a)]);
    w.save(&ckpt, "ckpt");
    w.graph.list_append(inner, None).unwrap(); // NoDependency([]): its changes are nobody's business
    w.save(&ckpt, "ckpt");
    w.graph.list_set(inner, 1, None).unwrap();
    unsavable(&w, &ckpt);
    // A new list in its place, and it can be saved again.
    w.overwrite(a, "l", w.list(&[]));
    w.save(&ckpt, "ckpt");
}

/// base_test.py InterfaceTests.testOverwrite
#[test]
fn test_overwrite() {
    let w = World::new();
    let (root, duplicate) = (w.object(), w.object());
    let leaf = w.child(root, "leaf");
    assert_eq!(w.graph.children(root).unwrap(), [("leaf".to_owned(), leaf)]);
    is(&w.graph.track(root, "leaf", duplicate).unwrap_err(), Code::AlreadyExists, Reason::NameTaken);
    w.overwrite(root, "leaf", duplicate);
    assert_eq!(w.graph.children(root).unwrap(), [("leaf".to_owned(), duplicate)]);
}

/// base_test.py InterfaceTests.testAddVariableOverwrite
#[test]
fn test_add_variable_overwrite() {
    let w = World::new();
    let root = w.object();
    let a = w.add(root, "v", 0f32);
    assert_eq!(w.graph.descendants(root).unwrap(), [root, a]);
    let b = w.variable(0f32);
    w.overwrite(root, "v", b);
    assert_eq!(w.graph.descendants(root).unwrap(), [root, b]);
    is(&w.graph.track(root, "v", w.variable(0f32)).unwrap_err(), Code::AlreadyExists, Reason::NameTaken);
}

/// trackable_view_test.py TrackableViewTest.test_children
#[test]
fn test_children() {
    let w = World::new();
    let root = w.object();
    let leaf = w.child(root, "leaf");
    assert_eq!(w.graph.children(root).unwrap(), [("leaf".to_owned(), leaf)]);
}

/// trackable_view_test.py TrackableViewTest.test_descendants
#[test]
fn test_descendants() {
    let w = World::new();
    let root = w.object();
    let leaf = w.child(root, "leaf");
    assert_eq!(w.graph.descendants(root).unwrap(), [root, leaf]);
}

/// A layer: an object with a kernel.
fn dense(w: &World, kernel: [[f32; 3]; 2]) -> (NodeId, NodeId) {
    let layer = w.object();
    (layer, w.add(layer, "kernel", kernel))
}

const KERNEL: [[f32; 3]; 2] = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
const ZEROS: [[f32; 3]; 2] = [[0.0; 3]; 2];

/// tf_keras ListTests.testTracking
#[test]
fn test_tracking_list() {
    let w = World::new();
    let model = w.object();
    let (first, kernel) = dense(&w, KERNEL);
    let layers = w.list(&[first]);
    (0..9).for_each(|_| w.append(layers, dense(&w, ZEROS).0)); // append, extend, +=
    w.track(model, "layer_list", layers);
    w.track(model, "layers_with_updates", w.list(&[dense(&w, ZEROS).0]));
    assert_eq!(w.edges(model), ["layer_list", "layers_with_updates"]);
    assert_eq!(w.edges(layers).len(), 10);
    let ckpt = w.checkpoint_of(model);
    let path = w.write(&ckpt, "ckpt");
    w.assign(kernel, ZEROS);
    read(&ckpt, path).consumed();
    w.holds(kernel, KERNEL);
    let v = w.variable(1f32);
    w.track(model, "var_list", w.list(&[v]));
    assert!(w.graph.descendants(model).unwrap().contains(&v));
}

/// tf_keras TupleTests.testTracking
#[test]
fn test_tracking_tuple() {
    let w = World::new();
    let model = w.object();
    let (first, kernel) = dense(&w, KERNEL);
    let tuple = |layers: &[NodeId]| w.graph.add_tuple(&layers.iter().copied().map(Some).collect::<Vec<_>>()).unwrap();
    let layers = tuple(&[first, dense(&w, ZEROS).0, dense(&w, ZEROS).0]);
    w.track(model, "layer_list", layers);
    w.track(model, "layers_with_updates", tuple(&[dense(&w, ZEROS).0]));
    assert_eq!(w.edges(model), ["layer_list", "layers_with_updates"]);
    assert_eq!(w.edges(layers).len(), 3);
    let ckpt = w.checkpoint_of(model);
    let path = w.write(&ckpt, "ckpt");
    w.assign(kernel, ZEROS);
    read(&ckpt, path).consumed();
    w.holds(kernel, KERNEL);
    let v = w.variable(1f32);
    w.track(model, "var_list", tuple(&[v]));
    assert!(w.graph.descendants(model).unwrap().contains(&v));
}

/// tf_keras MappingTests.testTracking
#[test]
fn test_tracking_mapping() {
    let w = World::new();
    let model = w.object();
    let (output, kernel) = dense(&w, KERNEL);
    let (norm, layers) = (w.list(&[]), w.list(&[]));
    let dict = w.dict(&[("output", output), ("norm", norm), ("dense", layers)]);
    w.track(model, "layer_dict", dict);
    (0..2).for_each(|_| w.append(layers, dense(&w, ZEROS).0));
    (0..2).for_each(|_| w.append(norm, dense(&w, ZEROS).0));
    assert_eq!(w.edges(model), ["layer_dict"]);
    assert_eq!(w.edges(dict), ["output", "norm", "dense"]);
    let ckpt = w.checkpoint_of(model);
    let path = w.write(&ckpt, "ckpt");
    w.assign(kernel, ZEROS);
    read(&ckpt, path).consumed();
    w.holds(kernel, KERNEL);
}

/// tf_keras MappingTests.testOverwriteCanStillSave
#[test]
fn test_overwrite_can_still_save() {
    let w = World::new();
    let dict = w.dict(&[("a", w.dict(&[]))]);
    let second = w.dict(&[]);
    w.graph.dict_set(dict, "a", second).unwrap();
    let path = w.write(&w.checkpoint(&[("d", dict)]), "ckpt");
    assert_eq!(object_graph(path).len(), 3);
}

/// tf_keras MappingTests.testNonAppendNotTrackable, testDictWrapperNoDependency,
/// testNonStringKeyNotTrackableValue: what is not tracked may change, and an element that is
/// removed is gone.
#[test]
fn test_non_append_not_trackable() {
    let w = World::new();
    let a = w.object();
    let (list, other) = (w.mixed_list(&[None]), w.object());
    let dict = w.dict(&[("a", list), ("b", other)]);
    w.track(a, "d", dict);
    assert_eq!(w.graph.dict_remove(dict, "b").unwrap(), other);
    assert_eq!(w.graph.descendants(a).unwrap(), [a, dict, list]);
    let ckpt = w.checkpoint_of(a);
    let path = w.write(&ckpt, "ckpt");
    assert_eq!(object_graph(&path).len(), 3);
    read(&ckpt, path).consumed();
}

/// tf_keras InterfaceTests.testNoDependency: what is not tracked is not there.
#[test]
fn test_no_dependency() {
    let w = World::new();
    let root = w.object();
    let hasdep = w.child(root, "hasdep");
    let _nodep = w.object();
    assert_eq!(w.graph.children(root).unwrap(), [("hasdep".to_owned(), hasdep)]);
    assert_eq!(w.graph.descendants(root).unwrap(), [root, hasdep]);
}

/// tf_keras InterfaceTests.testDictionariesBasic
#[test]
fn test_dictionaries_basic() {
    let w = World::new();
    let (a, b, c) = (w.object(), w.object(), w.object());
    let dict = w.dict(&[("b", b)]);
    w.track(a, "attribute", dict);
    let list = w.list(&[]);
    w.graph.dict_set(dict, "c", list).unwrap();
    w.append(list, c);
    assert_eq!(w.graph.descendants(a).unwrap(), [a, dict, b, list, c]);
    assert_eq!(w.edges(dict), ["b", "c"]);
    let ckpt = w.checkpoint(&[("a", a)]);
    let path = w.save(&ckpt, "ckpt");
    restore(&ckpt, path).consumed().initialize_or_restore().unwrap();
}

/// tf_keras InterfaceTests.testNoDepList
#[test]
fn test_no_dep_list() {
    let w = World::new();
    let a = w.object();
    let untracked = w.list(&[]);
    w.graph.list_insert(untracked, 1, None).unwrap();
    let ckpt = w.checkpoint(&[("a", a)]);
    w.save(&ckpt, "ckpt");
    let list = w.list(&[]);
    w.track(a, "l2", list);
    w.graph.list_insert(list, 1, Some(w.object())).unwrap();
    unsavable(&w, &ckpt);
}
