//! python_state_test.py: objects that are saved as one string.

use checkpoint::{NodeId, RestoreOptions, Sink, Source, State, StateOptions};

use crate::world::*;

fn text(w: &World, value: &str) -> NodeId {
    w.graph.add_text(value.as_bytes()).unwrap()
}

#[track_caller]
fn reads(w: &World, node: NodeId, expected: &str) {
    assert_eq!(w.graph.read_strings(node).unwrap().get(0), Some(expected.as_bytes()));
}

fn set(w: &World, node: NodeId, value: &str) {
    w.graph.assign_strings(node, &[], &[value]).unwrap();
}

/// NumpyStateTests.testWrapper
#[test]
fn test_wrapper() {
    let w = World::new();
    let numpy = text(&w, "[1.]");
    let root = w.checkpoint(&[("numpy", numpy)]);
    let path = w.save(&root, "ckpt");
    assert!(keys(&path).contains(&"numpy/.ATTRIBUTES/py_state".to_owned()), "{:?}", keys(&path));
    set(&w, numpy, "[2.]");
    restore(&root, path).consumed();
    reads(&w, numpy, "[1.]");
}

/// NumpyStateTests.testSaveRestoreNumpyState. Python makes the attributes when they are restored;
/// here the program does.
#[test]
fn test_save_restore_numpy_state() {
    let w = World::new();
    let build = |values: [&str; 3]| {
        let (state, arrays) = (w.object(), w.object());
        w.track(state, "_arrays", arrays);
        let nodes = values.map(|value| text(&w, value));
        ["a", "b", "c"].iter().zip(nodes).for_each(|(name, node)| w.track(arrays, name, node));
        (w.checkpoint(&[("numpy", state)]), nodes)
    };
    let (saver, [a, _, c]) = build(["ones", "zeros", "3"]);
    let first = w.save(&saver, "ckpt");
    set(&w, a, "ones and a two");
    set(&w, c, "4");
    let second = w.save(&saver, "ckpt");

    let (loader, [a, b, c]) = build(["", "", ""]);
    restore(&loader, &first).initialize_or_restore().unwrap();
    reads(&w, a, "ones");
    reads(&w, b, "zeros");
    reads(&w, c, "3");
    set(&w, a, "42");
    restore(&loader, &first).run_restore_ops().unwrap();
    reads(&w, a, "ones");
    restore(&loader, second);
    reads(&w, a, "ones and a two");
    reads(&w, b, "zeros");
    reads(&w, c, "4");
}

/// NumpyStateTests.testDocstringExample
#[test]
fn test_docstring_example() {
    let w = World::new();
    let (arrays, x) = (w.object(), text(&w, "zeros"));
    w.track(arrays, "x", x);
    let ckpt = w.checkpoint(&[("numpy_arrays", arrays)]);
    let path = w.save(&ckpt, "ckpt");
    set(&w, x, "a four");
    restore(&ckpt, &path);
    reads(&w, x, "zeros");

    let second = w.object();
    let ckpt = w.checkpoint(&[("numpy_arrays", second)]);
    restore(&ckpt, path);
    let x = text(&w, "");
    w.track(second, "x", x);
    reads(&w, x, "zeros");
}

/// Saves one string as `foo_attr`.
struct Foo;

impl State for Foo {
    fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
        Ok(sink.put_strings("foo_attr", &[], &[""])?)
    }

    fn restore(&mut self, _: &Source) -> Result<(), checkpoint::Failure> {
        Ok(())
    }
}

/// PythonStateSavebleTests.testAssertConsumedFailsWithUsedPythonState
#[test]
fn test_assert_consumed_fails_with_used_python_state() {
    let w = World::new();
    let obj = w.graph.add_state(Box::new(Foo), &StateOptions::new()).unwrap();
    let path = w.save(&w.checkpoint(&[("obj", obj)]), "ckpt");
    let status = w.checkpoint(&[("obj", w.object())]).restore(path, &RestoreOptions::new()).unwrap();
    says(&status.not_consumed(), &["foo_attr"]);
}
