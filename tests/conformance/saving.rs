//! What holds of saving beyond TensorFlow's own tests: bytes of object graphs, numbering, what a
//! failure leaves.

use checkpoint::{Code, Reader, Reason, SaveOptions};

use crate::common::{hex, unhex};
use crate::world::*;

/// The bytes of a checkpoint's object graph.
#[track_caller]
fn graph_bytes(path: impl AsRef<std::path::Path>) -> String {
    let reader = Reader::open(path).unwrap();
    let strings = reader.get("_CHECKPOINTABLE_OBJECT_GRAPH").unwrap().read_strings().unwrap();
    hex(strings.get(0).unwrap())
}

fn text(text: &str) -> String {
    hex(text.as_bytes())
}

/// The example that TensorFlow wrote: `Checkpoint(m=a)` with `a.x` empty, `a.v` a variable, `a.e.f`
/// empty.
#[test]
fn an_object_graph_has_tensorflows_bytes() {
    let w = World::new();
    let a = w.object();
    w.child(a, "x");
    w.track(a, "v", w.named(1f32, "Variable"));
    w.child(w.child(a, "e"), "f");
    let path = w.write(&w.checkpoint(&[("m", a)]), "ckpt");
    let expected = format!(
        "0a0b 0a0508011201 6d 2a020801
         0a19 0a0508021201 78 0a0508031201 76 0a0508041201 65 2a020801
         0a02 2a00
         0a40 123a 0a0e {} 1208 {} 1a1e {} 2a020801
         0a09 0a0508051201 66 2a00
         0a02 2a00",
        text("VARIABLE_VALUE"),
        text("Variable"),
        text("m/v/.ATTRIBUTES/VARIABLE_VALUE")
    );
    assert_eq!(graph_bytes(path), hex(&unhex(&expected)));
}

/// Slots come last, by owner, then name in the order in which the owner first had it, then
/// variable; `('m',a) ('m',b) ('v',a) ('v',b)`.
#[test]
fn slots_are_numbered_after_all_objects() {
    let w = World::new();
    let (a, b) = (w.variable(1f32), w.variable(2f32));
    let owner = w.graph.add_slot_owner(None).unwrap();
    let net = w.dict(&[("a", a), ("b", b)]);
    let ckpt = w.checkpoint(&[("net", net), ("optimizer", owner)]);
    for (variable, name) in [(a, "m"), (a, "v"), (b, "m"), (b, "v")] {
        w.graph.set_slot(owner, variable, name, w.variable(0f32)).unwrap();
    }
    let path = w.write(&ckpt, "ckpt");
    let graph = object_graph(&path);
    let slots: Vec<(&str, u32, u32)> =
        graph.node(2).unwrap().slot_variables().map(|slot| (slot.name, slot.original_variable, slot.slot_variable)).collect();
    assert_eq!(slots, [("m", 3, 5), ("m", 4, 6), ("v", 3, 7), ("v", 4, 8)]);
    let keys: Vec<&str> = (5..9).map(|id| graph.node(id).unwrap().attributes().next().unwrap().checkpoint_key).collect();
    let expected = ["net/a/.OPTIMIZER_SLOT/optimizer/m", "net/b/.OPTIMIZER_SLOT/optimizer/m"];
    let expected = expected.iter().chain(&["net/a/.OPTIMIZER_SLOT/optimizer/v", "net/b/.OPTIMIZER_SLOT/optimizer/v"]);
    assert_eq!(keys, expected.map(|key| key.to_string() + SUFFIX).collect::<Vec<_>>());
}

/// The path of an owner that is the root is empty.
#[test]
fn a_root_that_owns_slots_has_an_empty_path() {
    let w = World::new();
    let root = w.graph.add_slot_owner(None).unwrap();
    let v = w.add(root, "v", 1f32);
    w.graph.set_slot(root, v, "m", w.variable(2f32)).unwrap();
    let path = w.write(&w.checkpoint_of(root), "ckpt");
    assert_eq!(value_keys(path), ["v/.ATTRIBUTES/VARIABLE_VALUE", "v/.OPTIMIZER_SLOT//m/.ATTRIBUTES/VARIABLE_VALUE"]);
}

/// `v, sub` of the root's own; attached `zz`, `aa` and `sub` again: `v, sub, aa, root, zz,
/// save_counter`.
#[test]
fn attached_edges_follow_the_roots_own() {
    let w = World::new();
    let root = w.object();
    w.add(root, "v", 1f32);
    let sub = w.child(root, "sub");
    let ckpt = w.rooted(root, &[("zz", w.variable(2f32)), ("aa", w.variable(3f32)), ("sub", sub)]);
    let edges = |path| {
        let graph = object_graph(path);
        let edges = graph.node(0).unwrap().children();
        edges.map(|edge| (edge.name.to_owned(), edge.node)).collect::<Vec<_>>()
    };
    let expected =
        [("v", 1), ("sub", 2), ("aa", 3), ("root", 0), ("zz", 4), ("save_counter", 5)].map(|(name, id)| (name.to_owned(), id));
    assert_eq!(edges(w.write(&ckpt, "written")), expected[..5]);
    assert_eq!(edges(w.save(&ckpt, "saved")), expected);
    assert_eq!(w.edges(root), ["v", "sub"], "the object's own edges are as they were");
    // The edge to the root has no id on the wire, since that is 0.
    assert!(graph_bytes(w.path("written")).contains(&format!("0a061204{}", text("root"))));
}

#[test]
fn ids_are_places_in_breadth_first_order() {
    let w = World::new();
    let root = w.object();
    let (a, b) = (w.child(root, "a"), w.child(root, "b"));
    let shared = w.child(b, "shared");
    w.track(a, "shared", shared);
    w.track(shared, "root", root);
    let v = w.add(a, "v", 1f32);
    w.track(b, "v", v);
    let graph = object_graph(w.write(&w.checkpoint_of(root), "ckpt"));
    let edges = |id| graph.node(id).unwrap().children().map(|edge| (edge.name, edge.node)).collect::<Vec<_>>();
    assert_eq!(edges(0), [("a", 1), ("b", 2)]);
    assert_eq!(edges(1), [("shared", 3), ("v", 4)]);
    assert_eq!(edges(2), [("shared", 3), ("v", 4)]);
    assert_eq!(edges(3), [("root", 0)]);
    assert_eq!(graph.len(), 5);
}

/// Only a node that has values, or leads to one that has, says so; every node says either.
#[test]
fn every_node_says_whether_it_has_values() {
    let w = World::new();
    let owner = w.graph.add_slot_owner(None).unwrap();
    let variable = w.variable(1f32);
    let empty = w.object();
    let root = w.checkpoint(&[("empty", empty), ("owner", owner), ("to", w.dict(&[("v", variable)]))]);
    w.child(empty, "nothing");
    w.graph.set_slot(owner, variable, "m", w.variable(0f32)).unwrap();
    let graph = object_graph(w.write(&root, "ckpt"));
    let says: Vec<Option<bool>> = graph.nodes().map(|node| node.has_checkpoint_values()).collect();
    // root, empty, owner (has slots), to, nothing, v, m
    assert_eq!(says, [true, false, true, true, false, true, true].map(Some));
}

#[test]
fn the_number_in_the_name_is_the_number_in_the_file() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    for number in 1..=3 {
        let path = w.save(&ckpt, "ckpt");
        assert_eq!(path, w.path(&format!("ckpt-{number}")));
        assert_eq!(stored::<i64>(&path, &format!("save_counter{SUFFIX}")), number);
    }
    assert_eq!(ckpt.save_count().unwrap(), 3);
}

/// TensorFlow's numbers go on after a failure; a number is never used for two contents.
#[test]
fn a_failed_save_uses_up_its_number() {
    let w = World::new();
    let list = w.list(&[w.variable(1f32)]);
    let ckpt = w.checkpoint(&[("l", list)]);
    w.save(&ckpt, "ckpt");
    w.graph.list_remove(list, 0).unwrap();
    is(&w.cannot_save(&ckpt), Code::FailedPrecondition, Reason::Unsavable);
    w.overwrite(ckpt.root(), "l", w.list(&[]));
    assert_eq!(w.save(&ckpt, "ckpt"), w.path("ckpt-3"));

    // A directory that cannot be made.
    std::fs::write(w.path("file"), "").unwrap();
    ckpt.save(w.path("file/ckpt"), &unsynced()).unwrap_err();
    assert_eq!(w.save(&ckpt, "ckpt"), w.path("ckpt-5"));
}

/// A callback that fails leaves a complete checkpoint that the state file does not name.
#[test]
fn a_failing_callback_leaves_the_checkpoint_and_the_old_state() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    w.save(&ckpt, "ckpt");
    let state = std::fs::read(w.path("checkpoint")).unwrap();
    let options = unsynced().callback(std::sync::Arc::new(|_| Err("the disk is on fire".into())));
    let error = ckpt.save(w.path("ckpt"), &options).unwrap_err();
    assert_eq!(error.code(), Code::Aborted);
    says(&error.to_string(), &["the disk is on fire"]);
    assert_eq!(stored::<f32>(w.path("ckpt-2"), &format!("v{SUFFIX}")), 1.0);
    assert_eq!(std::fs::read(w.path("checkpoint")).unwrap(), state);
}

/// Parents are made, `save("dir/")` gives `dir/-1`, and a prefix may be called `checkpoint` as long
/// as nobody keeps a state file there.
#[test]
fn prefixes_are_taken_as_they_are() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let mut with_slash = w.path("a/b").into_os_string();
    with_slash.push("/");
    assert_eq!(ckpt.save(&with_slash, &SaveOptions::new()).unwrap(), w.path("a/b/-1"));
    assert!(w.path("a/b/-1.index").exists() && w.path("a/b/checkpoint").exists());
    w.write(&ckpt, "checkpoint");
    assert_eq!(stored::<f32>(w.path("checkpoint.index"), &format!("v{SUFFIX}")), 1.0);
}

/// A checkpoint within another has a counter of its own, once it was saved itself.
#[test]
fn a_checkpoint_within_a_checkpoint_keeps_its_counter() {
    let w = World::new();
    let inner = w.checkpoint(&[("v", w.variable(1f32))]);
    w.save(&inner, "inner");
    w.save(&inner, "inner");
    let outer = w.checkpoint(&[("inner", inner.root())]);
    let path = w.save(&outer, "outer");
    assert_eq!(stored::<i64>(&path, &format!("inner/save_counter{SUFFIX}")), 2);
    assert_eq!(stored::<i64>(&path, &format!("save_counter{SUFFIX}")), 1);
}

/// A deferred restore reads what lies under the prefix by then.
#[test]
fn a_deferred_value_is_that_of_the_checkpoint_that_is_there_by_then() {
    let w = World::new();
    let path = w.write(&w.checkpoint(&[("a", w.variable(1f32)), ("b", w.variable(2f32))]), "w");
    let late = w.checkpoint(&[]);
    let status = read(&late, &path);
    assert_eq!(w.write(&w.checkpoint(&[("a", w.variable(10f32))]), "w"), path);
    let a = w.variable(-1f32);
    w.track(late.root(), "a", a);
    w.holds(a, 10f32);
    // What the new one lacks is not found, as a key of the old one.
    let b = w.variable(-1f32);
    let error = w.graph.track(late.root(), "b", b).unwrap_err();
    is(&error, Code::NotFound, Reason::NoTensor);
    w.holds(b, -1f32);
    drop(status);

    // By names too.
    let named = |value: f32| {
        let saved = w.named(value, "v");
        let saver = checkpoint::Saver::of_variables(&w.graph, &[saved], &checkpoint::SaverOptions::new()).unwrap();
        saver.save(w.path("n"), &checkpoint::SaverSaveOptions::new().save(unsynced())).unwrap()
    };
    let late = w.checkpoint(&[]);
    let _status = read(&late, named(1f32));
    named(10f32);
    let v = w.named(-1f32, "v");
    w.track(late.root(), "v", v);
    w.holds(v, 10f32);
}

/// Restore on create: `add_variable` takes a value that another object has already.
#[test]
fn a_new_variable_takes_a_value_that_another_has_as_well() {
    let w = World::new();
    let shared = w.variable(10f32);
    let path = w.write(&w.checkpoint(&[("a", shared), ("b", shared)]), "w");
    let program = w.checkpoint(&[]);
    let status = read(&program, &path);
    let a = w.variable(-1f32);
    w.track(program.root(), "a", a);
    let b = w.create(program.root(), "b");
    w.holds(a, 10f32);
    w.holds(b, 10f32);
    assert!(status.assert_existing_objects_matched().is_err(), "the node is bound to one object");
    // One that has a value of its own keeps it, as by any edge.
    let program = w.checkpoint(&[]);
    let _status = read(&program, &path);
    w.track(program.root(), "a", w.variable(-1f32));
    let b = w.variable(-2f32);
    w.track(program.root(), "b", b);
    w.holds(b, -2f32);
}

/// A file whose `save_counter` is an int64 [2] restores, and its counter cannot count.
#[test]
fn a_counter_of_another_shape_does_not_refuse_the_restore() {
    let w = World::new();
    let value = w.variable(7f32);
    let odd = w.graph.add_variable(checkpoint::Variable::zeros(checkpoint::DType::Int64, &[2]).unwrap()).unwrap();
    let path = w.write(&w.checkpoint(&[("a", value), ("save_counter", odd)]), "w");
    let a = w.variable(-1f32);
    let program = w.checkpoint(&[("a", a)]);
    restore(&program, &path).assert_consumed().unwrap();
    w.holds(a, 7f32);
    let counter = program.save_counter().unwrap();
    assert_eq!(w.graph.read(counter).unwrap(), [0; 16]);
    assert_eq!(w.cannot_save(&program).code(), Code::InvalidArgument);
    // Where the checkpoint object keeps the counter itself, it is a scalar in TensorFlow too.
    let root = w.object();
    let error = w.rooted(root, &[]).restore(&path, &checkpoint::RestoreOptions::new()).unwrap_err();
    is(&error, Code::InvalidArgument, Reason::Shape);
}
