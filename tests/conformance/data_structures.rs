//! data_structures_test.py: lists, dicts and tuples.

use checkpoint::{Code, Graph, NodeId, Reason};

use crate::world::*;

/// Asserts that the list cannot be saved or walked any more.
#[track_caller]
fn unable_to_save(w: &World, list: NodeId, how: &str) {
    let listed = w.graph.descendants(list).unwrap_err();
    let saved = w.cannot_save(&w.checkpoint(&[("l", list)]));
    for error in [listed, saved, w.graph.children(list).unwrap_err()] {
        is(&error, Code::FailedPrecondition, Reason::Unsavable);
        says(&error.to_string(), &["Unable to save", how]);
    }
    assert!(w.files().is_empty(), "{:?}", w.files());
}

fn children(w: &World, node: NodeId) -> Vec<(String, NodeId)> {
    w.graph.children(node).unwrap()
}

fn elements(w: &World, list: NodeId) -> Vec<Option<NodeId>> {
    w.graph.list_elements(list).unwrap()
}

/// `[1, 2, 3, [4]]`
fn with_a_list_at_its_end(w: &World) -> (NodeId, NodeId) {
    let inner = w.mixed_list(&[None]);
    (w.mixed_list(&[None, None, None, Some(inner)]), inner)
}

/// ListTests.testNotTrackable: what is no object of the graph is refused.
#[test]
fn test_not_trackable() {
    let w = World::new();
    let list = w.list(&[]);
    let foreign = Graph::new().add_object().unwrap();
    is(&w.graph.list_append(list, Some(foreign)).unwrap_err(), Code::InvalidArgument, Reason::Node);
    assert!(elements(&w, list).is_empty());
}

/// ListTests.testNoPop: removing is no longer an error by itself, but such a list cannot be saved.
#[test]
fn test_no_pop() {
    let w = World::new();
    let v = w.variable(1f32);
    let list = w.list(&[v]);
    assert_eq!(w.graph.list_remove(list, -1).unwrap(), Some(v));
    unable_to_save(&w, list, "delet");
}

/// ListTests.testIMul_zero
#[test]
fn test_imul_zero() {
    let w = World::new();
    let list = w.list(&[w.variable(1f32)]);
    w.graph.list_repeat(list, 0).unwrap();
    assert!(elements(&w, list).is_empty());
    unable_to_save(&w, list, "append-only");
}

/// ListTests.testIMul
#[test]
fn test_imul() {
    let w = World::new();
    let v = w.variable(1f32);
    let list = w.list(&[v]);
    w.graph.list_repeat(list, 2).unwrap();
    assert_eq!(elements(&w, list), [Some(v); 2]);
}

/// ListTests.testCopy
#[test]
fn test_copy() {
    let w = World::new();
    let [v1, v2, v3] = [1f32; 3].map(|value| w.variable(value));
    let l1 = w.list(&[v1, v2]);
    let l2 = w.mixed_list(&elements(&w, l1));
    w.append(l2, v3);
    assert_eq!(elements(&w, l1), [Some(v1), Some(v2)]);
    assert_eq!(elements(&w, l2), [Some(v1), Some(v2), Some(v3)]);
}

/// ListWrapperTest.testMutateWithoutTrackableComponents
#[test]
fn test_mutate_without_trackable_components() {
    let w = World::new();
    let list = w.mixed_list(&[None, None]);
    w.graph.list_insert(list, 0, None).unwrap();
    assert_eq!(elements(&w, list), [None; 3]);
    assert_eq!(children(&w, list), []);
}

/// ListWrapperTest.testDelItem
#[test]
fn test_del_item() {
    let w = World::new();
    let (list, inner) = with_a_list_at_its_end(&w);
    w.graph.list_remove(list, 0).unwrap();
    assert_eq!(elements(&w, list), [None, None, Some(inner)]);
    unable_to_save(&w, list, "__delitem__");
}

/// ListWrapperTest.testDelSlice
#[test]
fn test_del_slice() {
    let w = World::new();
    let (list, inner) = with_a_list_at_its_end(&w);
    w.graph.list_splice(list, 2..3, &[]).unwrap();
    assert_eq!(elements(&w, list), [None, None, Some(inner)]);
    unable_to_save(&w, list, "__delslice__");
}

/// ListWrapperTest.testSetSlice_canSaveForNonTrackableItems
#[test]
fn test_set_slice_can_save_for_non_trackable_items() {
    let w = World::new();
    let list = w.mixed_list(&[None; 4]);
    w.graph.list_splice(list, 0..4, &[None; 4]).unwrap();
    assert_eq!(elements(&w, list), [None; 4]);
    assert_eq!(children(&w, list), []);
    w.save(&w.checkpoint(&[("l", list)]), "ckpt");
}

/// ListWrapperTest.testSetSlice_cannotSaveIfTrackableModified
#[test]
fn test_set_slice_cannot_save_if_trackable_modified() {
    let w = World::new();
    let (v1, v2) = (w.variable(1f32), w.variable(1f32));
    let list = w.mixed_list(&[None, None, Some(v1), Some(v2)]);
    w.graph.list_splice(list, 0..4, &[None, None, None, Some(v2)]).unwrap();
    assert_eq!(elements(&w, list), [None, None, None, Some(v2)]);
    unable_to_save(&w, list, "__setslice__");
}

/// ListWrapperTest.testSetSlice_truncate
#[test]
fn test_set_slice_truncate() {
    let w = World::new();
    let list = w.mixed_list(&[None; 4]);
    w.graph.list_splice(list, 0..4, &[]).unwrap();
    assert_eq!(elements(&w, list), []);
    w.save(&w.checkpoint(&[("l", list)]), "ckpt");
}

/// ListWrapperTest.testSetSlice_extend
#[test]
fn test_set_slice_extend() {
    let w = World::new();
    let list = w.mixed_list(&[None; 4]);
    w.graph.list_splice(list, 2..4, &[None; 4]).unwrap();
    assert_eq!(elements(&w, list), [None; 6]);
    w.save(&w.checkpoint(&[("l", list)]), "ckpt");
}

/// ListWrapperTest.testIMulNegative
#[test]
fn test_imul_negative() {
    let w = World::new();
    let (list, _) = with_a_list_at_its_end(&w);
    w.graph.list_repeat(list, -1).unwrap();
    assert_eq!(elements(&w, list), []);
    unable_to_save(&w, list, "Unable to save");
}

/// ListWrapperTest.testIMulPositive
#[test]
fn test_imul_positive() {
    let w = World::new();
    let v = w.variable(1f32);
    let list = w.mixed_list(&[None, None, None, None, Some(v)]);
    assert_eq!(children(&w, list), [("4".to_owned(), v)]);
    let root = w.checkpoint(&[("l", list)]);
    let path = w.save(&root, "ckpt");
    w.assign(v, 5f32);
    w.graph.list_repeat(list, 2).unwrap();
    let once = [None, None, None, None, Some(v)];
    assert_eq!(elements(&w, list), [once, once].concat());
    assert_eq!(children(&w, list), [("4".to_owned(), v), ("9".to_owned(), v)]);
    restore(&root, path);
    w.holds(v, 1f32);
}

/// ListWrapperTest.testSort
#[test]
fn test_sort() {
    let w = World::new();
    let inner: Vec<NodeId> = (0..4).map(|_| w.mixed_list(&[None])).collect();
    let list = w.list(&inner);
    w.graph.list_reorder(list, &[0, 1, 2, 3]).unwrap();
    assert_eq!(elements(&w, list), inner.iter().copied().map(Some).collect::<Vec<_>>());
    unable_to_save(&w, list, "sort");
}

/// MappingTests.testNoOverwrite
#[test]
fn test_no_overwrite() {
    let w = World::new();
    let original = w.list(&[]);
    let mapping = w.dict(&[("a", original)]);
    let error = w.graph.track(mapping, "a", w.list(&[])).unwrap_err();
    is(&error, Code::AlreadyExists, Reason::NameTaken);
    assert_eq!(w.graph.lookup(mapping, "a").unwrap(), Some(original));
    assert_eq!(w.graph.dict_remove(mapping, "b").unwrap_err().code(), Code::NotFound);
}

/// TupleTests.testNamedTuple
#[test]
fn test_named_tuple() {
    let w = World::new();
    let (m, v) = (w.object(), w.variable(2i32));
    let nt = w.graph.add_named_tuple(&[("x", Some(v)), ("y", None)]).unwrap();
    w.track(m, "nt", nt);
    assert_eq!(w.graph.lookup(nt, "x").unwrap(), Some(v));
    assert_eq!(w.graph.lookup(nt, "0").unwrap(), Some(v));
    assert_eq!(w.graph.lookup(nt, "y").unwrap(), None);
    assert_eq!(value_keys(w.write(&w.checkpoint_of(m), "ckpt")), ["nt/x/.ATTRIBUTES/VARIABLE_VALUE"]);
}

/// TupleTests.testNamedSubclassing: by field first, then by index.
#[test]
fn test_named_subclassing() {
    let w = World::new();
    let v = w.variable(2i32);
    let nt = w.graph.add_named_tuple(&[("x", Some(v)), ("y", None)]).unwrap();
    assert_eq!(children(&w, nt), [("x".to_owned(), v), ("0".to_owned(), v)]);
}

/// TupleTests.testUnnamedSubclassing: what is not tracked has no edge.
#[test]
fn test_unnamed_subclassing() {
    let w = World::new();
    let v = w.variable(2i32);
    let tuple = w.graph.add_tuple(&[Some(v), None]).unwrap();
    assert_eq!(children(&w, tuple), [("0".to_owned(), v)]);
}

/// TupleTests.testLoopAssignedModule
#[test]
fn test_loop_assigned_module() {
    let w = World::new();
    let m = w.object();
    let tuple = w.graph.add_tuple(&[Some(m)]).unwrap();
    w.track(m, "s", tuple);
    assert_eq!(children(&w, m), [("s".to_owned(), tuple)]);
    assert_eq!(w.graph.descendants(m).unwrap(), [m, tuple]);
    let ckpt = w.checkpoint_of(m);
    let path = w.write(&ckpt, "ckpt");
    assert_eq!(object_graph(&path).len(), 2);
    read(&ckpt, path).consumed();
}

/// An element that is removed from the graph leaves its place, however it came there.
#[test]
fn a_removed_element_leaves_its_place() {
    let w = World::new();
    let (kept, inserted, spliced) = (w.variable(1f32), w.variable(2f32), w.variable(3f32));
    let list = w.list(&[kept]);
    w.graph.list_insert(list, 0, Some(inserted)).unwrap();
    w.graph.list_splice(list, 1..1, &[Some(spliced)]).unwrap();
    assert_eq!(elements(&w, list), [Some(inserted), Some(spliced), Some(kept)]);
    w.graph.remove(inserted).unwrap();
    w.graph.remove(spliced).unwrap();
    assert_eq!(elements(&w, list), [None, None, Some(kept)]);
    w.graph.list_repeat(list, 2).unwrap();
    assert_eq!(elements(&w, list).len(), 6);
}
