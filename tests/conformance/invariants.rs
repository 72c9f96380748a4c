//! What holds of restoring beyond TensorFlow's own tests: which restore wins, what waits, what a
//! failure leaves, what is asserted of what.

use checkpoint::{Code, NodeId, Reader, Reason, RestoreOptions, RowState};

use crate::world::*;

/// What has a value to give: a variable, or a slot variable.
fn two_checkpoints(w: &World, slot: bool) -> [std::path::PathBuf; 2] {
    [1f32, 2.0].map(|value| {
        let (var, owner) = (w.variable(value), w.graph.add_slot_owner(None).unwrap());
        let ckpt = w.checkpoint(&[("var", var), ("owner", owner)]);
        if slot {
            w.graph.set_slot(owner, var, "m", w.variable(10.0 * value)).unwrap();
        }
        w.write(&ckpt, &format!("ckpt{value}"))
    })
}

/// Two restores and the making of the objects in every order, of variables alone and with slots:
/// the newest call wins.
#[test]
fn newest_restore_call_wins() {
    for slot in [false, true] {
        for first in [0, 1] {
            for made_after in 0..=2 {
                for owner_first in [false, true] {
                    let w = World::new();
                    let paths = two_checkpoints(&w, slot);
                    let root = w.object();
                    let ckpt = w.checkpoint_of(root);
                    let (var, held) = (w.variable(-1f32), w.variable(-2f32));
                    let owner = w.graph.add_slot_owner(None).unwrap();
                    let make = || {
                        let mut edges = [("var", var), ("owner", owner)];
                        if owner_first {
                            edges.reverse();
                        }
                        edges.into_iter().for_each(|(name, child)| w.track(root, name, child));
                        if slot {
                            w.graph.set_slot(owner, var, "m", held).unwrap();
                        }
                    };
                    let mut statuses = Vec::new();
                    for step in 0..=2 {
                        if step == made_after {
                            make();
                        }
                        if step < 2 {
                            statuses.push(read(&ckpt, &paths[(first + step) % 2]));
                        }
                    }
                    let newest = [2f32, 1.0][first];
                    let found = [w.value::<f32>(var), w.value(held)];
                    let case = (slot, first, made_after, owner_first);
                    assert_eq!(found, [newest, if slot { 10.0 * newest } else { -2.0 }], "{case:?}");
                    statuses.into_iter().for_each(|status| drop(status.consumed()));
                }
            }
        }
    }
}

/// What is assigned by hand is kept once the variable was restored, and only then.
#[test]
fn a_value_that_waits_takes_the_place_of_an_assigned_one() {
    let w = World::new();
    let path = w.write(&w.checkpoint(&[("v", w.variable(1f32))]), "ckpt");
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let status = read(&ckpt, &path);
    let v = w.variable(0f32);
    w.assign(v, -1f32);
    w.track(root, "v", v);
    w.holds(v, 1f32);
    w.assign(v, -1f32);
    let status = status.consumed();
    w.track(root, "v", v);
    w.holds(v, -1f32);
    drop(status);
    read(&ckpt, path);
    w.holds(v, 1f32);
}

/// Each edge by itself: a newer checkpoint that lacks a value does not take away what an older one
/// has for it.
#[test]
fn each_edge_has_the_newest_that_has_it() {
    let w = World::new();
    let first = w.write(&w.checkpoint(&[("x", w.variable(1f32)), ("y", w.variable(2f32))]), "first");
    let second = w.write(&w.checkpoint(&[("x", w.variable(3f32))]), "second");
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let (first, second) = (read(&ckpt, first), read(&ckpt, second));
    let (x, y) = (w.create(root, "x"), w.create(root, "y"));
    w.holds(x, 3f32);
    w.holds(y, 2f32);
    first.consumed();
    second.not_matched(); // y
}

/// An edge to a node that has its object is not deferred: an object that is tracked there later is
/// not restored, and nobody warns.
#[test]
fn an_edge_to_a_bound_node_does_not_wait() {
    let w = World::new();
    let shared = w.variable(1f32);
    let path = w
        .write(&w.checkpoint(&[("listed", w.list(&[w.variable(5f32), shared])), ("mapped", w.dict(&[("two", shared)]))]), "ckpt");
    let (listed, mapped) = (w.list(&[]), w.variable(0f32));
    let ckpt = w.checkpoint(&[("listed", listed), ("mapped", w.dict(&[("two", mapped)]))]);
    let status = read(&ckpt, path);
    let other = w.variable(-1f32);
    w.append(listed, w.variable(0f32));
    assert_eq!(w.graph.waiting(listed, "1").unwrap(), 1, "the list was reached before the node had its object");
    w.append(listed, other);
    w.holds(mapped, 1f32);
    w.holds(other, -1f32);
    status.not_matched();

    // Reached after it has its object: nothing waits.
    let path = w.write(&w.checkpoint(&[("a", shared), ("b", w.dict(&[("two", shared)]))]), "ckpt");
    let (a, later) = (w.variable(0f32), w.dict(&[]));
    read(&w.checkpoint(&[("a", a), ("b", later)]), path).consumed();
    assert_eq!(w.graph.waiting(later, "two").unwrap(), 0);
    w.warnings();
    w.graph.dict_set(later, "two", other).unwrap();
    w.holds(other, -1f32);
    assert_eq!(w.warnings(), "");
}

/// The shallowest path wins, and of equals the earlier edge.
#[test]
fn the_first_object_that_is_found_gets_the_value() {
    let w = World::new();
    let shared = w.variable(1f32);
    let deep = w.object();
    w.track(deep, "v", shared);
    let path = w.write(&w.checkpoint(&[("a", deep), ("b", shared), ("c", shared)]), "ckpt");
    let deep = w.object();
    let under = w.add(deep, "v", -1f32);
    let (b, c) = (w.variable(-1f32), w.variable(-1f32));
    let status = read(&w.checkpoint(&[("a", deep), ("b", b), ("c", c)]), path);
    assert_eq!([under, b, c].map(|v| w.value::<f32>(v)), [-1.0, 1.0, -1.0]);
    assert_eq!(w.warnings(), "", "edges to a node that is bound are passed by");
    status.not_matched();
}

/// Deferred, the second object of one node is warned about.
#[test]
fn two_objects_for_one_node_are_inconsistent() {
    let w = World::new();
    let shared = w.variable(1f32);
    let path = w.write(&w.checkpoint(&[("a", shared), ("b", shared)]), "ckpt");
    let root = w.object();
    let status = read(&w.checkpoint_of(root), path);
    status.expect_partial();
    let (a, b) = (w.create(root, "a"), w.add(root, "b", -1f32));
    w.holds(a, 1f32);
    w.holds(b, -1f32);
    says(&w.warnings(), &["Inconsistent references"]);
    status.not_matched();
}

/// Neither overwriting an edge, nor what was overwritten, is restored by what waited for the name.
#[test]
fn overwriting_takes_no_value_that_waits() {
    let w = World::new();
    let path = w.write(&w.checkpoint(&[("v", w.variable(1f32))]), "ckpt");
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let status = read(&ckpt, &path);
    let first = w.object(); // of the wrong kind: it takes what waited, and has no use for it
    w.track(root, "v", first);
    let second = w.variable(-1f32);
    w.overwrite(root, "v", second);
    w.holds(second, -1f32);
    status.not_consumed();
    says(&status.not_matched(), &["variable"]);
    // Only another restore gives it the value.
    read(&ckpt, path).consumed();
    w.holds(second, 1f32);

    // Removed and made again: the first took it.
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    read(&ckpt, w.path("ckpt"));
    let taken = w.create(root, "v");
    w.holds(taken, 1f32);
    w.graph.untrack(root, "v").unwrap();
    let again = w.add(root, "v", -1f32);
    w.holds(again, -1f32);
}

/// Presence, type and shape of everything are checked before the first value is assigned; a failed
/// restore leaves nothing behind.
#[test]
fn a_failed_restore_changes_nothing() {
    let w = World::new();
    let full = w.checkpoint(&[
        ("a", w.variable(1f32)),
        ("b", w.variable([1f32, 2.0])),
        ("c", w.variable(3f32)),
        ("late", w.variable(4f32)),
    ]);
    let path = w.write(&full, "ckpt");

    let with_b = |b: NodeId| {
        let root = w.object();
        let a = w.add(root, "a", -1f32);
        w.track(root, "b", b);
        let c = w.add(root, "c", -3f32);
        (w.checkpoint_of(root), a, c)
    };
    let cases = [
        (w.variable([-2f32]), Reason::Shape, RowState::ShapeMismatch),
        (w.variable([-2f64, -2.0]), Reason::DType, RowState::DtypeMismatch),
    ];
    for (b, reason, state) in cases {
        let (ckpt, a, c) = with_b(b);
        let error = ckpt.read(&path, &RestoreOptions::new()).unwrap_err();
        is(&error, Code::InvalidArgument, reason);
        w.holds(a, -1f32);
        w.holds(c, -3f32);
        let report = ckpt.last_report().expect("a failed restore has a report");
        assert_eq!(report.count(state), 1, "{}", report.table());
        assert_eq!(report.count(RowState::Restored), 0, "{}", report.table());
        // Nothing waits, and nothing counts as restored: an older checkpoint still gives its value
        // to what is made later.
        assert_eq!(w.graph.waiting(ckpt.root(), "late").unwrap(), 0);
        let late = w.add(ckpt.root(), "late", -4f32);
        w.holds(late, -4f32);
    }

    // The same, when an older restore waits for the edges: that is as it was.
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let status = read(&ckpt, w.write(&w.checkpoint(&[("late", w.variable(7f32)), ("a", w.variable(8f32))]), "older"));
    let a = w.add(root, "a", -1f32);
    w.holds(a, 8f32);
    w.add(root, "b", 0i32);
    assert_eq!(ckpt.read(&path, &RestoreOptions::new()).unwrap_err().reason(), Reason::DType);
    w.holds(a, 8f32);
    assert_eq!(w.graph.waiting(root, "late").unwrap(), 1);
    let late = w.create(root, "late");
    w.holds(late, 7f32);
    status.not_matched(); // b
}

/// An object that a restore came to before it failed does not count as restored: what waited before
/// still gives it its value.
#[test]
fn a_failed_restore_is_no_newer_restore() {
    let w = World::new();
    let older = w.write(&w.checkpoint(&[("x", w.variable(1f32))]), "older");
    let newer = w.write(&w.checkpoint(&[("y", w.variable(2f32)), ("z", w.variable(3f64))]), "newer");
    let root = w.object();
    let ckpt = w.checkpoint_of(root);
    let status = read(&ckpt, older);
    let y = w.add(root, "y", -2f32);
    w.add(root, "z", -3f32);
    is(&ckpt.read(newer, &RestoreOptions::new()).unwrap_err(), Code::InvalidArgument, Reason::DType);
    w.holds(y, -2f32);
    w.track(root, "x", y);
    w.holds(y, 1f32);
    status.not_matched(); // z
}

/// Slots that a restore made before it failed are gone, and the order of the owner's slots is as it
/// was.
#[test]
fn a_failed_restore_leaves_no_slots() {
    let w = World::new();
    let (a, b) = (w.variable(1f32), w.variable(2f32));
    let owner = w.graph.add_slot_owner(None).unwrap();
    let saved = w.checkpoint(&[("a", a), ("b", b), ("owner", owner)]);
    w.graph.set_slot(owner, a, "z", w.variable(3f32)).unwrap();
    w.graph.set_slot(owner, a, "m", w.variable(4f32)).unwrap();
    let path = w.write(&saved, "ckpt");

    let mut optimizer = crate::keras::Adam::new(&w);
    let (a, b) = (w.variable(0f32), w.variable(0f64));
    let ckpt = w.checkpoint(&[("a", a), ("b", b), ("owner", optimizer.node)]);
    is(&ckpt.read(path, &RestoreOptions::new()).unwrap_err(), Code::InvalidArgument, Reason::DType);
    assert!(w.graph.slot_names(optimizer.node).unwrap().is_empty());
    assert_eq!(w.graph.slot(optimizer.node, a, "z").unwrap(), None);
    optimizer.step(&w, &[a]);
    assert_eq!(w.graph.slot_names(optimizer.node).unwrap(), ["m", "v"]);
}

/// Tracking restores what waits; if that fails, the edge stands, nothing is assigned, and it does
/// not count as restored.
#[test]
fn a_deferred_restore_that_fails_is_not_consumed() {
    let w = World::new();
    let saved = w.object();
    let list = w.list(&[w.variable(1f32)]);
    w.track(saved, "v", w.variable(2f32));
    w.track(saved, "l", list);
    w.track(saved, "late", w.variable(3f32));
    let path = w.write(&w.checkpoint(&[("sub", saved)]), "ckpt");

    // A value of another type.
    let root = w.object();
    let status = read(&w.checkpoint_of(root), &path);
    let sub = w.object();
    let (v, wrong) = (w.add(sub, "v", -1f32), w.add(sub, "late", -1f64));
    w.track(sub, "l", w.list(&[w.variable(0f32)]));
    is(&w.graph.track(root, "sub", sub).unwrap_err(), Code::InvalidArgument, Reason::DType);
    assert_eq!(w.graph.lookup(root, "sub").unwrap(), Some(sub));
    w.holds(v, -1f32);
    w.holds(wrong, -1f64);
    status.not_matched();
    status.not_consumed();
    let report = status.report().unwrap();
    assert_eq!((report.count(RowState::Restored), report.count(RowState::DtypeMismatch)), (0, 1), "{}", report.table());

    // A list that cannot be walked, and is replaced then.
    let root = w.object();
    let status = read(&w.checkpoint_of(root), &path);
    let sub = w.object();
    let v = w.add(sub, "v", -1f32);
    let dirty = w.list(&[w.variable(0f32)]);
    w.graph.list_remove(dirty, 0).unwrap();
    w.track(sub, "l", dirty);
    is(&w.graph.track(root, "sub", sub).unwrap_err(), Code::FailedPrecondition, Reason::Unsavable);
    w.holds(v, -1f32);
    w.overwrite(sub, "l", w.list(&[]));
    status.not_matched();
    status.not_consumed();
    assert_eq!(status.report().unwrap().count(RowState::Restored), 0);
}

/// A key that the graph has and the index does not is found out before anything is assigned.
#[test]
fn a_missing_tensor_changes_nothing() {
    let w = World::new();
    let source = Reader::open(w.write(&w.checkpoint(&[("a", w.variable(1f32)), ("z", w.variable(2f32))]), "ckpt")).unwrap();
    let options = checkpoint::WriteOptions::new().durability(checkpoint::Durability::None);
    let graph = source.get("_CHECKPOINTABLE_OBJECT_GRAPH").unwrap().read_strings().unwrap();
    let value = bytes_of(&1f32);
    let mut writer = checkpoint::Writer::new(w.path("torn"), &options).unwrap();
    writer.add(format!("a{SUFFIX}"), checkpoint::DType::Float, &[], &value).unwrap();
    writer.add_strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[graph.get(0).unwrap()]).unwrap();
    writer.finish().unwrap();

    let (a, z) = (w.variable(-1f32), w.variable(-2f32));
    let error = w.checkpoint(&[("a", a), ("z", z)]).read(w.path("torn"), &RestoreOptions::new()).unwrap_err();
    is(&error, Code::NotFound, Reason::NoTensor);
    assert_eq!(error.tensor(), Some(format!("z{SUFFIX}").as_bytes()));
    w.holds(a, -1f32);
}

/// What each assertion says of a program and a checkpoint that differ.
#[test]
fn each_assertion_asks_for_its_own() {
    struct Case {
        name: &'static str,
        saved: &'static [&'static str],
        program: &'static [&'static str],
        /// consumed, existing objects matched, nontrivial match
        holds: [bool; 3],
    }
    let cases = [
        Case { name: "the same", saved: &["v"], program: &["v"], holds: [true, true, true] },
        Case { name: "a variable more in the program", saved: &["v"], program: &["v", "w"], holds: [false, false, true] },
        Case { name: "a variable more in the checkpoint", saved: &["v", "w"], program: &["v"], holds: [false, true, true] },
        Case { name: "one more in both", saved: &["v", "w"], program: &["v", "x"], holds: [false, false, true] },
        Case { name: "nothing in common", saved: &["v"], program: &["w"], holds: [false, false, false] },
        Case { name: "nothing in the program", saved: &["v"], program: &[], holds: [false, true, false] },
        Case { name: "nothing in the checkpoint", saved: &[], program: &["v"], holds: [false, false, false] },
        Case { name: "nothing at all", saved: &[], program: &[], holds: [true, true, false] },
        Case { name: "an object instead of a variable", saved: &["v"], program: &["o:v"], holds: [false, true, true] },
        Case { name: "a variable instead of an object", saved: &["o:v"], program: &["v"], holds: [true, true, true] },
        Case { name: "an object more in the program", saved: &["v"], program: &["v", "o:p"], holds: [true, true, true] },
        Case { name: "an object more in the checkpoint", saved: &["v", "o:p"], program: &["v"], holds: [true, true, true] },
    ];
    for case in cases {
        let w = World::new();
        let build = |edges: &[&str]| {
            let root = w.object();
            for edge in edges {
                match edge.strip_prefix("o:") {
                    Some(name) => drop(w.child(root, name)),
                    None => drop(w.add(root, edge, 1f32)),
                }
            }
            w.checkpoint_of(root)
        };
        let path = w.write(&build(case.saved), "ckpt");
        let status = read(&build(case.program), path);
        let verdicts = [status.assert_consumed(), status.assert_existing_objects_matched(), status.assert_nontrivial_match()];
        assert_eq!(verdicts.map(|verdict| verdict.is_ok()), case.holds, "{}", case.name);
    }
}

/// Restoring what was never saved: all assertions fail, and restoring goes on later.
#[test]
fn restoring_nothing_is_asserted_to_be_nothing() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let status = ckpt.restore_nothing().unwrap();
    for message in [status.not_consumed(), status.not_matched(), status.trivial()] {
        says(&message, &["No checkpoint specified"]);
    }
    is(&status.run_restore_ops().unwrap_err(), Code::FailedPrecondition, Reason::Assertion);
    status.initialize_or_restore().unwrap();
    status.expect_partial();
}

/// `write` and `restore`: the counter has no value. `save` and `read`: the counter is left over,
/// and has its value when it is asked for.
#[test]
fn restore_minds_the_counter_and_read_does_not() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let written = w.write(&ckpt, "written");
    let fresh = || w.checkpoint(&[("v", w.variable(0f32))]);
    let status = restore(&fresh(), &written);
    status.not_matched();
    status.not_consumed();
    read(&fresh(), written).consumed();

    let saved = w.save(&ckpt, "saved");
    let other = fresh();
    let status = read(&other, saved).matched();
    says(&status.not_consumed(), &["(root).save_counter"]);
    assert_eq!(other.save_count().unwrap(), 1);
    status.consumed();
    assert_eq!(w.save(&other, "next"), w.path("next-2"));
}

/// An object that the program binds to two nodes has the value of the one that is met first.
#[test]
fn two_nodes_for_one_object_are_fine() {
    let w = World::new();
    let path = w.write(&w.checkpoint(&[("a", w.variable(1f32)), ("b", w.variable(2f32))]), "ckpt");
    let both = w.variable(0f32);
    read(&w.checkpoint(&[("a", both), ("b", both)]), path).consumed();
    w.holds(both, 1f32);
    assert_eq!(w.warnings(), "");
}

/// Lists, tuples and dicts with the keys 0 and 1 are the same to a checkpoint; a dict stands for a
/// named tuple.
#[test]
fn containers_load_into_each_other() {
    let w = World::new();
    let pair = || [w.variable(0f32), w.variable(0f32)];
    let build = |kind: &str, [a, b]: [NodeId; 2]| match kind {
        "list" => w.list(&[a, b]),
        "dict" => w.dict(&[("0", a), ("1", b)]),
        "tuple" => w.graph.add_tuple(&[Some(a), Some(b)]).unwrap(),
        _ => w.graph.add_named_tuple(&[("x", Some(a)), ("y", Some(b))]).unwrap(),
    };
    for saved in ["list", "dict", "tuple", "named"] {
        let values = [1f32, 2.0].map(|value| w.variable(value));
        let path = w.write(&w.checkpoint(&[("c", build(saved, values))]), "ckpt");
        for loaded in ["list", "dict", "tuple", "named"] {
            let into = pair();
            read(&w.checkpoint(&[("c", build(loaded, into))]), &path).consumed();
            assert_eq!(into.map(|v| w.value::<f32>(v)), [1.0, 2.0], "{saved} into {loaded}");
        }
    }
}

/// A list that is changed by other means than growing fails every walk through it, wherever it is.
#[test]
fn a_dirty_list_fails_every_walk() {
    let w = World::new();
    let build = || {
        let list = w.list(&[w.variable(1f32), w.variable(2f32)]);
        (w.checkpoint(&[("l", w.dict(&[("deep", list)]))]), list)
    };
    let path = w.write(&build().0, "ckpt");
    let (ckpt, list) = build();
    let status = read(&ckpt, &path).consumed();
    w.graph.list_set(list, 0, Some(w.variable(3f32))).unwrap();
    let errors = [
        ckpt.write(w.path("never"), &unsynced()).unwrap_err(),
        ckpt.read(&path, &RestoreOptions::new()).unwrap_err(),
        status.assert_consumed().unwrap_err(),
        status.assert_existing_objects_matched().unwrap_err(),
        status.assert_nontrivial_match().unwrap_err(),
    ];
    for error in errors {
        is(&error, Code::FailedPrecondition, Reason::Unsavable);
    }
}
