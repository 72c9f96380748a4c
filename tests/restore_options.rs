//! Options of restores: which values they select, under which paths, and what a report says of it.

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use checkpoint::{
    Checkpoint, Code, DType, Durability, Graph, Mismatch, NodeId, Report, RestoreOptions, RowState, SaveOptions, Saver,
    SaverOptions, SaverSaveOptions, Variable, WriteOptions,
};
use tempfile::TempDir;

fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None))
}

/// A program: its variables by path, all float scalars, with their names in name-based files.
struct Program {
    graph: Graph,
    variables: Vec<(&'static str, NodeId)>,
    checkpoint: Checkpoint,
}

impl Program {
    fn new(paths: &[&'static str], value: f32) -> Program {
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let mut variables = Vec::new();
        for &path in paths {
            let (mut parent, mut names) = (root, path.split('/').peekable());
            while let Some(name) = names.next() {
                let is_last = names.peek().is_none();
                let there = graph.children(parent).unwrap().into_iter().find(|(edge, _)| edge == name);
                let child = match there {
                    Some((_, child)) => child,
                    None if is_last => {
                        let bytes = value.to_ne_bytes();
                        graph.add_variable(Variable::owned(DType::Float, &[], &bytes).unwrap().name(path)).unwrap()
                    }
                    None => graph.add_object().unwrap(),
                };
                graph.track(parent, name, child).unwrap();
                parent = child;
            }
            variables.push((path, parent));
        }
        let checkpoint = Checkpoint::new(&graph, root).unwrap();
        Program { graph, variables, checkpoint }
    }

    /// A program whose variables have the values 1, 2 and so on.
    fn counted(paths: &[&'static str]) -> Program {
        let program = Program::new(paths, 0.0);
        for (number, (_, node)) in program.variables.iter().enumerate() {
            program.graph.assign(*node, DType::Float, &[], &(number as f32 + 1.0).to_ne_bytes()).unwrap();
        }
        program
    }

    /// Saves the program in the two formats.
    fn save(&self, directory: &TempDir) -> [PathBuf; 2] {
        let saver = Saver::of_variables(&self.graph, &self.nodes(), &SaverOptions::new()).unwrap();
        [
            self.checkpoint.write(directory.path().join("objects"), &unsynced()).unwrap(),
            saver.save(directory.path().join("names"), &SaverSaveOptions::new().save(unsynced())).unwrap(),
        ]
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.variables.iter().map(|(_, node)| *node).collect()
    }

    fn values(&self) -> Vec<f32> {
        self.nodes().into_iter().map(|node| f32::from_ne_bytes(self.graph.read(node).unwrap().try_into().unwrap())).collect()
    }
}

fn rows(report: &Report) -> Vec<(String, RowState)> {
    let mut rows: Vec<_> = report.rows().iter().map(|row| (row.path.to_string(), row.state)).collect();
    rows.sort();
    rows
}

const SAVED: [&str; 5] = ["model/old/bias", "model/old/kernel", "model/step", "other/kernel", "step"];

/// What each option restores of the values 1 to 5 of [`SAVED`] into a program that has these paths.
/// The same for objects, for objects from a name-based checkpoint, and for a saver.
#[test]
fn options_mean_the_same_for_objects_and_for_names() {
    let none = RestoreOptions::new;
    let directory = tempfile::tempdir().unwrap();
    let saved = Program::counted(&SAVED).save(&directory);
    for (options, paths, expected) in [
        (none(), &["model/old/bias", "step"][..], &[1.0, 5.0][..]),
        (none().subtree("model"), &["old/bias", "old/kernel", "step"], &[1.0, 2.0, 3.0]),
        (none().rename("model/old", "new"), &["new/bias", "new/kernel", "model/step"], &[1.0, 2.0, 3.0]),
        // The old path is one below the subtree, the new one is the program's.
        (none().subtree("model").rename("old", "new"), &["new/bias", "new/kernel", "step"], &[1.0, 2.0, 3.0]),
        (none().subtree("model").rename("old", "deep/new"), &["deep/new/bias", "step"], &[1.0, 3.0]),
        (none().rename("step", "model/step").rename("model/step", "step"), &["step", "model/step"], &[3.0, 5.0]),
        // Globs too are of the checkpoint's paths below the subtree.
        (none().subtree("model").include("old/*"), &["old/bias", "step"], &[1.0, 0.0]),
        (none().subtree("model").exclude("step"), &["old/bias", "step"], &[1.0, 0.0]),
        (none().rename("model/old", "new").include("model/old/bias"), &["new/bias", "new/kernel"], &[1.0, 0.0]),
        (
            none().subtree("model").rename("old", "new").include("old/{bias,kernel}").exclude("old/bias"),
            &["new/bias", "new/kernel", "step"],
            &[0.0, 2.0, 0.0],
        ),
    ] {
        for (format, path) in saved.iter().enumerate() {
            let program = Program::new(paths, 0.0);
            let status = program.checkpoint.read(path, &options).unwrap();
            status.assert_existing_objects_matched().unwrap_or_else(|e| panic!("format {format}, {options:?}: {e}"));
            assert_eq!(program.values(), expected, "format {format}, {options:?}");
        }
        let program = Program::new(paths, 0.0);
        let saver = Saver::of_variables(&program.graph, &program.nodes(), &SaverOptions::new()).unwrap();
        saver.restore(&saved[1], &options).unwrap();
        assert_eq!(program.values(), expected, "a saver, {options:?}");
    }
}

#[test]
fn rows_have_the_paths_of_the_options() {
    let directory = tempfile::tempdir().unwrap();
    let saved = Program::counted(&SAVED).save(&directory);
    let options = RestoreOptions::new().subtree("model").rename("old", "new").exclude("old/bias");
    for path in &saved {
        let program = Program::new(&["new/bias", "new/kernel", "more"], 0.0);
        let report = program.checkpoint.dry_run(path, &options).unwrap();
        let expected = [
            ("more", RowState::Missing),
            ("old/bias", RowState::Skipped),
            ("old/kernel", RowState::Restored),
            ("step", RowState::Unused),
        ];
        let found = rows(&report);
        // A dry run says of what has no object yet that it would wait.
        let found: Vec<_> = found
            .iter()
            .map(|(path, state)| (&**path, if *state == RowState::Deferred { RowState::Unused } else { *state }))
            .collect();
        assert_eq!(found, expected, "{}", report.table());
    }
}

#[test]
fn what_options_name_must_be_there() {
    let none = RestoreOptions::new;
    let directory = tempfile::tempdir().unwrap();
    let saved = Program::counted(&SAVED).save(&directory);
    for (options, code) in [
        (none().subtree("mode"), Code::NotFound),
        (none().rename("nothing", "x"), Code::NotFound),
        (none().subtree("model").rename("model/old", "x"), Code::NotFound),
        (none().rename("model/old/bias", "step"), Code::AlreadyExists),
        (none().rename("step", "x").rename("step", "y"), Code::InvalidArgument),
        (none().include("model/[ab"), Code::InvalidArgument),
        (none().exclude("{model,step"), Code::InvalidArgument),
        (none().include("step\\"), Code::InvalidArgument),
    ] {
        for path in &saved {
            let program = Program::new(&["model/old/bias"], 0.0);
            for restored in [
                program.checkpoint.read(path, &options).err(),
                program.checkpoint.restore(path, &options).err(),
                program.checkpoint.dry_run(path, &options).err(),
            ] {
                assert_eq!(restored.map(|e| e.code()), Some(code), "{}, {options:?}", path.display());
            }
            assert_eq!(program.values(), [0.0]);
        }
        let program = Program::new(&["model/old/bias"], 0.0);
        let saver = Saver::of_variables(&program.graph, &program.nodes(), &SaverOptions::new()).unwrap();
        assert_eq!(saver.restore(&saved[1], &options).unwrap_err().code(), code, "a saver, {options:?}");
    }
}

#[test]
fn globs_that_match_nothing_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    let saved = Program::counted(&SAVED).save(&directory);
    let options = RestoreOptions::new().include("model/**").include("nosuch/**").exclude("*/adam_m");
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log: checkpoint::Log = Arc::new({
        let lines = lines.clone();
        move |_, line: &str| lines.lock().unwrap().push(line.to_owned())
    });
    let told = |report: &Report| {
        let globs = report.rows().iter().filter(|row| row.state == RowState::UnmatchedGlob);
        assert_eq!(globs.map(|row| &*row.path).collect::<Vec<_>>(), ["nosuch/**", "*/adam_m"], "{}", report.table());
    };
    let logged = || {
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        for glob in ["\"nosuch/**\"", "\"*/adam_m\""] {
            assert_eq!(lines.iter().filter(|line| line.contains(glob)).count(), 1, "{lines:?}");
        }
        assert!(lines.iter().all(|line| !line.contains("\"model/**\"")));
    };
    for path in &saved {
        let program = Program::new(&SAVED, 0.0);
        program.checkpoint.set_log(Some(log.clone()));
        told(&program.checkpoint.read(path, &options).unwrap().report().unwrap());
        logged();
        told(&program.checkpoint.dry_run(path, &options).unwrap());
    }
    let program = Program::new(&SAVED, 0.0);
    let saver = Saver::of_variables(&program.graph, &program.nodes(), &SaverOptions::new().log_to(log.clone())).unwrap();
    told(&saver.restore(&saved[1], &options).unwrap());
    logged();
}

/// A checkpoint of values with these paths and lengths, and a program that it is compared with.
fn compared(saved: &[(&'static str, i64)], program: &[(&'static str, i64)]) -> (TempDir, PathBuf, Program) {
    let directory = tempfile::tempdir().unwrap();
    let make = |all: &[(&'static str, i64)]| {
        let paths: Vec<&'static str> = all.iter().map(|(path, _)| *path).collect();
        let made = Program::new(&paths, 0.0);
        for ((_, length), (_, node)) in all.iter().zip(&made.variables) {
            let value = Variable::zeros(DType::Float, &[*length]).unwrap();
            let parent = made.graph.add_variable(value).unwrap();
            retrack(&made, *node, parent);
        }
        made
    };
    let path = make(saved).checkpoint.write(directory.path().join("saved"), &unsynced()).unwrap();
    let program = make(program);
    (directory, path, program)
}

/// Puts another variable in the place of one.
fn retrack(program: &Program, old: NodeId, new: NodeId) {
    let mut parents = vec![program.checkpoint.root()];
    while let Some(parent) = parents.pop() {
        for (name, child) in program.graph.children(parent).unwrap() {
            if child == old {
                program.graph.track_overwrite(parent, &name, new).unwrap();
                return;
            }
            parents.push(child);
        }
    }
}

#[test]
fn the_probable_counterpart_is_named_before_and_after_a_restore() {
    for (saved, program, expected) in [
        // Another parent.
        (&[("old/w", 1)][..], &[("new/w", 1)][..], &[("old/w", "new/w")][..]),
        // Many that are alike: the names before the last one decide.
        (
            &[("old/a/w", 1), ("old/b/w", 1), ("old/a/b", 1), ("old/c/w", 1)],
            &[("new/b/w", 1), ("new/a/w", 1), ("new/a/b", 1)],
            &[("old/a/w", "new/a/w"), ("old/b/w", "new/b/w"), ("old/a/b", "new/a/b"), ("old/c/w", "")],
        ),
        // The shape decides.
        (&[("a/w", 1), ("b/w", 2)], &[("c/w", 2), ("d/w", 1)], &[("a/w", "d/w"), ("b/w", "c/w")]),
        // Nothing decides.
        (&[("a/w", 1), ("b/w", 1)], &[("c/w", 1), ("d/w", 1)], &[("a/w", ""), ("b/w", "")]),
        (&[("a/w", 1)], &[("c/w", 1), ("d/w", 1)], &[("a/w", "")]),
        // Nothing fits.
        (&[("a/w", 1)], &[("c/w", 2)], &[("a/w", "")]),
        (&[("a/w", 1)], &[("c/v", 1)], &[("a/w", "")]),
    ] {
        let (_directory, path, program) = compared(saved, program);
        let dry = program.checkpoint.dry_run(&path, &RestoreOptions::new()).unwrap();
        let status = program.checkpoint.read(&path, &RestoreOptions::new()).unwrap();
        let waiting = status.report().unwrap();
        status.forget().unwrap();
        for report in [dry, waiting, status.report().unwrap()] {
            for (value, object) in expected {
                let row = |path: &str| report.rows().iter().find(|row| row.path == path).and_then(|row| row.candidate.clone());
                assert_eq!(row(value).as_deref().unwrap_or_default(), *object, "{}", report.table());
                if !object.is_empty() {
                    assert_eq!(row(object).as_deref(), Some(*value), "{}", report.table());
                }
            }
        }
    }
}

/// Twelve layers that are alike have come below another object.
#[test]
fn equal_layers_are_told_apart() {
    let graph_of = |outer: &str| {
        let graph = Graph::new();
        let (root, net) = (graph.add_object().unwrap(), graph.add_object().unwrap());
        graph.track(root, outer, net).unwrap();
        for number in 0..12 {
            let layer = graph.add_object().unwrap();
            graph.track(net, &format!("layer_{number}"), layer).unwrap();
            for name in ["kernel", "bias"] {
                let variable = graph.add_variable(Variable::zeros(DType::Float, &[3]).unwrap()).unwrap();
                graph.track(layer, name, variable).unwrap();
            }
        }
        Checkpoint::new(&graph, root).unwrap()
    };
    let directory = tempfile::tempdir().unwrap();
    let path = graph_of("bert").write(directory.path().join("bert"), &unsynced()).unwrap();
    let report = graph_of("encoder").dry_run(&path, &RestoreOptions::new()).unwrap();
    for row in report.rows() {
        let (from, to) = if row.saved.is_some() { ("bert/", "encoder/") } else { ("encoder/", "bert/") };
        assert_eq!(row.candidate, Some(row.path.replace(from, to).into()), "{}", report.table());
    }
}

#[test]
fn assertions_name_paths_first_and_each_fact_once() {
    let (_directory, path, program) = compared(&[("layer/w", 5), ("old/w", 1)], &[("layer/w", 6), ("new/b", 1), ("new/c", 1)]);
    let skip = RestoreOptions::new().on_mismatch(Mismatch::Skip);
    let status = program.checkpoint.read(&path, &skip).unwrap();
    assert_eq!(
        status.assert_existing_objects_matched().unwrap_err().to_string(),
        "layer/w: not assigned a value from the checkpoint: shape mismatch, float32 [5] in the checkpoint, float32 [6] in the program"
    );
    assert_eq!(
        status.assert_rest_matched().unwrap_err().to_string(),
        "new/b (variable float32 [1]), new/c (variable float32 [1]): not bound to values of the checkpoint, likely due to changes in the program"
    );
    let report = status.report().unwrap();
    let row = report.rows().iter().find(|row| row.state == RowState::ShapeMismatch).unwrap();
    assert_eq!((&*row.path, &row.detail), ("layer/w", &None), "file, key and shapes are in the row");

    let (_directory, path, program) = compared(&[("layer/w", 5), ("old/w", 1), ("old/b", 1)], &[("layer/w", 5)]);
    let status = program.checkpoint.read(&path, &skip).unwrap();
    assert_eq!(status.assert_consumed().unwrap_err().to_string(), "Unresolved object in checkpoint (root).old.w, (root).old.b");
}

/// What is left out, by whatever option, is not required; the rest is.
#[test]
fn the_rest_can_be_asserted() {
    let none = RestoreOptions::new;
    let skip = || none().on_mismatch(Mismatch::Skip);
    let same = [("net/w", 5), ("head/w", 2)];
    for (options, saved, holds) in [
        (none(), &same[..], true),
        (none(), &[("net/w", 5), ("head/w", 2), ("more/w", 1)], true), // not used, which is not the program's
        (skip(), &[("net/w", 5), ("head/w", 3)], true),
        (none().exclude("head/*"), &[("net/w", 5), ("head/w", 3)], true),
        (none().include("net/*"), &[("net/w", 5), ("head/w", 3)], true),
        (skip(), &[("net/w", 5)], false), // the checkpoint has none, and no option says so
        (skip(), &[("nett/w", 5), ("head/w", 2)], false),
    ] {
        let (_directory, path, program) = compared(saved, &same);
        let status = program.checkpoint.read(&path, &options).unwrap();
        assert_eq!(status.assert_rest_matched().is_ok(), holds, "{options:?}: {}", status.report().unwrap().table());
    }
    // A name-based checkpoint.
    let directory = tempfile::tempdir().unwrap();
    let saved = Program::counted(&["net/w", "head/w"]).save(&directory);
    let program = Program::new(&["net/w"], 0.0);
    let wrong = program.graph.add_variable(Variable::zeros(DType::Float, &[2]).unwrap().name("head/w")).unwrap();
    program.graph.track(program.checkpoint.root(), "head", wrong).unwrap();
    let status = program.checkpoint.read(&saved[1], &skip()).unwrap();
    assert!(status.assert_existing_objects_matched().is_err());
    status.assert_rest_matched().unwrap();
    assert!(program.checkpoint.restore_nothing().unwrap().assert_rest_matched().is_err());
}

/// `tf.train.load_variable` and `var.name`: `v:0` is the first output of the operation `v`.
#[test]
fn names_of_first_outputs_are_names() {
    let directory = tempfile::tempdir().unwrap();
    let saved = Program::counted(&["a", "b"]).save(&directory);
    let program = Program::new(&["a:0", "b"], 0.0);
    let saver = Saver::of_variables(&program.graph, &program.nodes(), &SaverOptions::new()).unwrap();
    saver.restore(&saved[1], &RestoreOptions::new()).unwrap();
    assert_eq!(program.values(), [1.0, 2.0]);
}

/// Names from a file, and globs, are lines of the table only as a whole.
#[test]
fn names_forge_no_lines_of_the_table() {
    let directory = tempfile::tempdir().unwrap();
    let one = |name: &str| {
        let graph = Graph::new();
        let [root, object] = [(); 2].map(|_| graph.add_object().unwrap());
        let variable = Variable::owned(DType::Int32, &[], &7i32.to_ne_bytes()).unwrap();
        graph.track(root, name, object).unwrap();
        graph.track(object, "k", graph.add_variable(variable).unwrap()).unwrap();
        Checkpoint::new(&graph, root).unwrap()
    };
    let path = one("old\nrestored\u{1b}[2J").write(directory.path().join("m"), &SaveOptions::new()).unwrap();
    let options = RestoreOptions::new().include("**").include("no\nsuch");
    let report = one("new\u{202e}\r").dry_run(&path, &options).unwrap();
    assert!(report.rows().iter().filter(|row| row.candidate.is_some()).count() == 2, "{}", report.table());
    let table = report.table().to_string();
    assert_eq!(table.lines().count(), report.rows().len(), "{table}");
    assert!(!table.contains(|c: char| c != '\n' && c.is_control() || c == '\u{202e}'), "{table:?}");
    for shown in ["old\\nrestored\\u{1b}[2J/k", "new\\u{202e}\\r/k", "no\\nsuch"] {
        assert!(table.contains(shown), "{shown}: {table}");
    }
}

/// The table of a dry run that README.md shows, line by line.
#[test]
fn the_readme_shows_what_a_dry_run_says() {
    let readme = include_str!("../README.md");
    let shown = readme.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let program = |bias: i64, scale: &str| {
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let zeros = |dtype, shape: &[i64]| graph.add_variable(Variable::zeros(dtype, shape).unwrap()).unwrap();
        let (layer, other) = (graph.add_object().unwrap(), graph.add_object().unwrap());
        graph.track(root, "step", zeros(DType::Int64, &[])).unwrap();
        graph.track(root, "layer", layer).unwrap();
        graph.track(layer, "kernel", zeros(DType::Float, &[1, 5])).unwrap();
        graph.track(layer, "bias", zeros(DType::Float, &[bias])).unwrap();
        graph.track(root, scale, other).unwrap();
        graph.track(other, "scale", zeros(DType::Float, &[])).unwrap();
        Checkpoint::new(&graph, root).unwrap()
    };
    let directory = tempfile::tempdir().unwrap();
    let path = program(5, "old").write(directory.path().join("saved"), &unsynced()).unwrap();
    let report = program(6, "new").dry_run(&path, &RestoreOptions::new().on_mismatch(Mismatch::Skip)).unwrap();
    assert_eq!(report.table().to_string(), shown);
}
