//! Keeping the best.

use std::collections::BTreeSet;
use std::sync::Arc;

use checkpoint::{get_checkpoint_state, Better, Code, DType, Variable};
use tempfile::tempdir;

use crate::program::*;

#[test]
fn the_best_checkpoints_stay() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let options = keep(1).keep_best(2, Better::Lower);
    for (n, loss) in [0.5, 0.3, 0.4, 0.9, 0.1, 0.8].into_iter().enumerate() {
        // Each time another manager, as after a restart.
        let manager = program.manage(scratch.path(), &options);
        save_with(&manager, loss);
        assert_eq!(manager.checkpoints(), [scratch.path().join(format!("ckpt-{}", n + 1))]);
    }
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-2", "ckpt-5", "ckpt-6"]);
    let manager = program.manage(scratch.path(), &options);
    let best = [("ckpt-5", 0.1), ("ckpt-2", 0.3), ("ckpt-6", 0.8)].map(|(name, loss)| (scratch.path().join(name), loss));
    assert_eq!(manager.best_checkpoints().unwrap(), best);
    assert!(!text_in(scratch.path()).contains("ckpt-2"));
}

#[test]
fn a_metric_may_be_read_from_the_graph() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1).keep_best(1, Better::Higher));
    let accuracy = Variable::owned(DType::Float, &[], &0.75f32.to_ne_bytes()).unwrap();
    let accuracy = program.graph().add_variable(accuracy).unwrap();
    let double = Variable::owned(DType::Double, &[], &0.5f64.to_ne_bytes()).unwrap();
    let double = program.graph().add_variable(double).unwrap();
    for (node, metric) in [(accuracy, 0.75), (double, 0.5), (program.value, 0.0)] {
        manager.save(&saving().metric_of(node)).unwrap();
        assert!(manager
            .best_checkpoints()
            .unwrap()
            .iter()
            .any(|(path, value)| Some(path) == manager.latest_checkpoint().as_ref() && *value == metric));
    }
    let root = program.checkpoint.root();
    assert_eq!(manager.save(&saving().metric_of(root)).unwrap_err().code(), Code::InvalidArgument);
}

/// What TensorFlow's manager writes between two of ours: its own list, without the metric that it
/// does not know.
#[test]
fn a_save_by_tensorflow_in_between_loses_nothing_but_its_metric() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let options = keep(2).keep_best(1, Better::Lower);
    let manager = program.manage(scratch.path(), &options);
    for loss in [0.1, 0.5, 0.6] {
        save_with(&manager, loss);
    }
    drop(manager);
    // ckpt-4 is TensorFlow's, which also removed ckpt-2.
    program.checkpoint.write(scratch.path().join("ckpt-4"), &unsynced()).unwrap();
    let text = text_in(scratch.path()).replace("ckpt-3", "ckpt-4").replace("ckpt-2", "ckpt-3");
    let times: Vec<String> =
        get_checkpoint_state(scratch.path()).unwrap().unwrap().timestamps.iter().map(|t| format!("{t:?}")).collect();
    state(
        scratch.path(),
        &text.replace(&times[1], "later").replace(&times[0], &times[1]).replace("later", &format!("{}.5", u32::MAX)),
    );
    files_of("ckpt-2").iter().for_each(|name| std::fs::remove_file(scratch.path().join(name)).unwrap());
    let manager = program.manage(scratch.path(), &options);
    assert_eq!(manager.checkpoints(), ["ckpt-3", "ckpt-4"].map(|name| scratch.path().join(name)));
    let best = [("ckpt-1", 0.1), ("ckpt-3", 0.6)].map(|(name, loss)| (scratch.path().join(name), loss));
    assert_eq!(manager.best_checkpoints().unwrap(), best);
    manager.save(&saving().number(5).metric(0.2)).unwrap();
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-4", "ckpt-5"]);
}

#[test]
fn a_file_of_metrics_that_means_nothing_is_reported_and_replaced() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let options = keep(1).keep_best(1, Better::Lower);
    save_with(&program.manage(scratch.path(), &options), 0.5);
    std::fs::write(scratch.path().join("checkpoint.manager"), "nonsense").unwrap();
    let lines = Arc::default();
    let manager = program.manage(scratch.path(), &options.clone().log_to(log_to(&lines)));
    assert!(lines.lock().unwrap()[0].contains("checkpoint.manager"));
    assert_eq!(manager.best_checkpoints().unwrap(), []);
    let path = save_with(&manager, 0.75);
    assert_eq!(program.manage(scratch.path(), &options).best_checkpoints().unwrap(), [(path, 0.75)]);
}

#[test]
fn without_metrics_there_is_no_file_for_them() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    (0..3).for_each(|_| drop(save(&manager)));
    let expected: BTreeSet<String> = files_of("ckpt-3").into_iter().chain(["checkpoint".into()]).collect();
    assert_eq!(names_in(scratch.path()), expected);
}
