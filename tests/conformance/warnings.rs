//! checkpoint_test.py and tf_keras' tracking_util_test.py: what is said of a restore that left
//! something, and what silences it.
//!
//! It is said when nothing can be restored any more: the status is dropped and nothing waits.

use crate::world::*;

fn two_variables(w: &World) -> std::path::PathBuf {
    w.save(&w.checkpoint(&[("v1", w.variable(2f32)), ("v2", w.variable(3f32))]), "ckpt")
}

/// CheckpointingTests.testPartialRestoreWarningAttribute
#[test]
fn test_partial_restore_warning_attribute() {
    let w = World::new();
    let path = two_variables(&w);
    let v2 = w.variable(0f32);
    let partial = w.checkpoint(&[("v1", w.object()), ("v2", v2)]);
    restore(&partial, path);
    w.holds(v2, 3f32);
    let warnings = w.warnings();
    says(&warnings, &["(root).v1", "expect_partial()"]);
    assert!(!warnings.contains("(root).v2"), "{warnings}");
}

/// CheckpointingTests.testAttributeException
#[test]
fn test_attribute_exception() {
    let w = World::new();
    let path = two_variables(&w);
    let status = restore(&w.checkpoint(&[("v1", w.object()), ("v2", w.variable(0f32))]), path);
    let message = status.not_consumed();
    says(&message, &["Unused attributes", "(root).v1"]);
}

/// CheckpointingTests.testSilencePartialWarning
#[test]
fn test_silence_partial_warning() {
    for silenced in [true, false] {
        let w = World::new();
        let path = two_variables(&w);
        let v1 = w.variable(0f32);
        let partial = w.checkpoint(&[("v1", v1)]);
        let status = restore(&partial, path);
        if silenced {
            status.expect_partial();
        }
        drop(status);
        w.holds(v1, 2f32);
        assert_eq!(w.warnings(), "", "v2 still waits");
        let root = partial.root();
        drop(partial);
        w.graph.remove(root).unwrap();
        w.graph.remove(v1).unwrap();
        assert_eq!(w.warnings().contains("(root).v2"), !silenced);
    }
}

/// tf_keras CheckpointingTests.testPartialRestoreWarningObject
#[test]
fn test_partial_restore_warning_object() {
    let w = World::new();
    let optimizer = w.graph.add_slot_owner(None).unwrap();
    let v1 = w.variable(2f32);
    let original = w.checkpoint(&[("v1", v1), ("v2", w.variable(3f32)), ("optimizer", optimizer)]);
    w.graph.set_slot(optimizer, v1, "m", w.variable(0f32)).unwrap();
    let path = w.save(&original, "ckpt");

    let v1 = w.variable(0f32);
    let partial = w.checkpoint(&[("v1", v1)]);
    restore(&partial, path);
    w.holds(v1, 2f32);
    assert_eq!(w.warnings(), "", "v2 and the optimizer still wait");
    w.graph.remove(partial.root()).unwrap();
    let warnings = w.warnings();
    says(&warnings, &["(root).v2", "(root).optimizer's state 'm' for (root).v1", "expect_partial()"]);
    assert!(warnings.lines().all(|line| !line.ends_with("(root).v1") || line.contains("state 'm'")), "{warnings}");
}

/// What is missing in the program, then attributes that its objects did not use, a record for each.
#[test]
fn one_warning_for_each_object() {
    let w = World::new();
    let path = two_variables(&w);
    let partial = w.checkpoint(&[("v1", w.object())]);
    drop(restore(&partial, path));
    w.graph.remove(partial.root()).unwrap();
    let warnings = w.warnings();
    let lines: Vec<&str> = warnings.lines().collect();
    let [head, missing, unused] = lines[..] else { panic!("{warnings}") };
    says(head, &["expect_partial()"]);
    says(missing, &["(root).v2"]);
    says(unused, &["(root).v1", "VARIABLE_VALUE"]);
}

/// Objects of the program that the checkpoint does not have are no reason to warn.
#[test]
fn missing_in_the_checkpoint_is_no_warning() {
    let w = World::new();
    let path = two_variables(&w);
    let more = w.checkpoint(&[("v1", w.variable(0f32)), ("v2", w.variable(0f32)), ("v3", w.variable(0f32))]);
    drop(restore(&more, path));
    w.graph.remove(more.root()).unwrap();
    assert_eq!(w.warnings(), "");
}
