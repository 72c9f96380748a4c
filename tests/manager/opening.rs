//! Opening a manager.

use std::sync::Arc;

use checkpoint::{Code, Manager, Reason};
use tempfile::tempdir;

use crate::program::*;

#[test]
fn opening_changes_nothing() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path().join("run");
    let program = Program::new();
    let manager = program.manage(&directory, &keep(1));
    assert_eq!((manager.latest_checkpoint(), manager.checkpoints()), (None, vec![]));
    assert!(!directory.exists());
    (0..3).for_each(|_| drop(save(&program.manage(&directory, &keep(5)))));
    let before = names_in(&directory);
    let evaluator = Program::new().manage(&directory, &keep(1));
    assert_eq!((evaluator.checkpoints().len(), names_in(&directory)), (3, before));
}

#[test]
fn a_state_file_that_means_nothing_counts_for_none_and_is_reported() {
    for text in ["nonsense", "model_checkpoint_path: \"a\" metric: 1", "\0"] {
        let scratch = tempdir().unwrap();
        state(scratch.path(), text);
        let lines = Arc::default();
        let program = Program::new();
        let manager = program.manage(scratch.path(), &keep(1).log_to(log_to(&lines)));
        assert_eq!(manager.latest_checkpoint(), None);
        let lines = lines.lock().unwrap().join("\n");
        assert!(lines.starts_with("Warning: ") && lines.contains("checkpoint"), "{lines}");
        assert_eq!(save(&manager), scratch.path().join("ckpt-1"));
    }
}

#[test]
fn a_state_file_without_a_latest_is_an_error() {
    let scratch = tempdir().unwrap();
    for text in ["", "all_model_checkpoint_paths: \"ckpt-1\"\n"] {
        state(scratch.path(), text);
        let error = Manager::open(&Program::new().checkpoint, scratch.path(), &keep(1)).unwrap_err();
        assert_eq!((error.code(), error.file()), (Code::DataLoss, Some(&*scratch.path().join("checkpoint"))));
    }
}

#[test]
fn impossible_options_are_refused() {
    let program = Program::new();
    for options in [
        keep(0),
        keep(i64::MIN),
        keep(1).keep_checkpoint_every_n_hours(-1.0),
        keep(1).keep_checkpoint_every_n_hours(f64::NAN),
        keep(1).checkpoint_name("a/b"),
        keep(1).checkpoint_interval(2),
    ] {
        let error = Manager::open(&program.checkpoint, "run", &options).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Argument), "{options:?}");
    }
}

/// The time that `work` takes on a directory whose files list `count` checkpoints, each twice, and
/// as many that are kept for their metric.
fn time_with(count: usize, work: impl Fn(&std::path::Path)) -> std::time::Duration {
    let mut text = format!("model_checkpoint_path: \"ckpt-{count}\"\n");
    for _ in 0..2 {
        (1..=count).for_each(|n| text.push_str(&format!("all_model_checkpoint_paths: \"ckpt-{}\"\n", n)));
    }
    (1..=2 * count).for_each(|n| text.push_str(&format!("all_model_checkpoint_timestamps: {n}\n")));
    let mut kept = String::new();
    for n in 1..=count {
        kept.push_str(&format!("checkpoint: \"ckpt-{n}\" timestamp: {n} metric: 1\n"));
        kept.push_str(&format!("checkpoint: \"best-{n}\" timestamp: {n} metric: 1 kept: \"for its metric\"\n"));
    }
    let once = || {
        let scratch = tempdir().unwrap();
        state(scratch.path(), &text);
        std::fs::write(scratch.path().join("checkpoint.manager"), &kept).unwrap();
        std::fs::write(scratch.path().join(format!("ckpt-{count}.index")), "").unwrap();
        let started = std::time::Instant::now();
        work(scratch.path());
        started.elapsed()
    };
    once().min(once())
}

/// Four times as many entries take four times as long, or sixteen times if each is compared with
/// all others.
#[test]
fn long_lists_take_time_in_proportion() {
    let open = |directory: &std::path::Path| {
        let manager = Program::new().manage(directory, &keep(1));
        assert!(manager.checkpoints().len() > 1000);
    };
    let collect = |directory: &std::path::Path| {
        let options = checkpoint::CollectOptions::keep(2).keep_best(1000, checkpoint::Better::Higher).dry_run(true);
        let collected = checkpoint::collect_checkpoints(directory, &options).unwrap();
        assert!(collected.removed.len() > 1000);
    };
    for work in [&open as &dyn Fn(&std::path::Path), &collect] {
        let (few, many) = (time_with(5_000, work), time_with(20_000, work));
        assert!(many < few * 8, "5 000 entries: {few:?}, 20 000: {many:?}");
    }
}
