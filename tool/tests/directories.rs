//! The commands of the `ckpt` tool for directories of checkpoints: latest, watch, gc, repair.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin_cmd;
use checkpoint::{
    Better, Checkpoint, DType, Durability, Graph, Manager, ManagerOptions, ManagerSaveOptions, SaveOptions, Variable,
    WriteOptions,
};
use common::lock;
use serde_json::{json, Value as Json};
use tempfile::{tempdir, TempDir};

/// Runs the tool in a directory.
fn ckpt(directory: &Path, args: &[&str]) -> Output {
    cargo_bin_cmd!("ckpt").current_dir(directory).args(args).output().unwrap()
}

/// Expects success, and gives what was printed.
#[track_caller]
fn done(directory: &Path, args: &[&str]) -> String {
    let output = ckpt(directory, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Expects failure, and gives what was printed and what was said.
#[track_caller]
fn failed(directory: &Path, args: &[&str], code: i32) -> (String, String) {
    let output = ckpt(directory, args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A directory whose `run` has so many managed checkpoints, the losses of which are their numbers.
fn run_of(count: usize) -> TempDir {
    let scratch = tempdir().unwrap();
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    graph.track(root, "v", graph.add_variable(Variable::zeros(DType::Float, &[3]).unwrap()).unwrap()).unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    let options = ManagerOptions::new().keep_best(9, Better::Lower);
    let manager = Manager::open(&checkpoint, scratch.path().join("run"), &options).unwrap();
    let write = SaveOptions::new().write(WriteOptions::new().durability(Durability::None));
    for number in 1..=count {
        manager.save(&ManagerSaveOptions::new().save(write.clone()).metric(number as f64)).unwrap();
    }
    scratch
}

fn indexes(scratch: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.path().join("run")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".index").map(str::to_owned)).collect();
    names.sort();
    names
}

fn empty(scratch: &TempDir, name: &str) {
    std::fs::write(scratch.path().join("run").join(name), "").unwrap();
}

#[test]
fn the_latest_is_printed() {
    let scratch = run_of(2);
    assert_eq!(done(scratch.path(), &["latest", "run"]), "run/ckpt-2\n");
    assert_eq!(done(scratch.path(), &["latest", "run", "--valid"]), "run/ckpt-2\n");
    let json: Json = serde_json::from_str(&done(scratch.path(), &["latest", "run", "--json"])).unwrap();
    assert_eq!(json, json!({ "latest": "run/ckpt-2" }));
}

#[test]
fn the_newest_whole_one_is_printed_and_what_is_wrong_with_the_others_said() {
    let scratch = run_of(3);
    empty(&scratch, "ckpt-3.index");
    assert_eq!(done(scratch.path(), &["latest", "run"]), "run/ckpt-3\n");
    let output = ckpt(scratch.path(), &["latest", "run", "--valid"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "run/ckpt-2\n".into()));
    assert!(text(&output.stderr).contains("run/ckpt-3: damaged: "), "{}", text(&output.stderr));
    let json: Json = serde_json::from_str(&done(scratch.path(), &["latest", "run", "--valid", "--json"])).unwrap();
    assert_eq!((&json["latest"], &json["broken"][0]["checkpoint"]), (&json!("run/ckpt-2"), &json!("run/ckpt-3")));
}

#[test]
fn where_there_is_no_latest_the_reason_is_said() {
    let scratch = run_of(1);
    std::fs::create_dir(scratch.path().join("empty")).unwrap();
    for (args, reason) in [
        (["latest", "nowhere"].as_slice(), "no such directory"),
        (&["latest", "empty"], "there is no checkpoint file"),
        (&["latest", "empty", "--valid"], "there is no intact checkpoint"),
        (&["latest", "nowhere", "--valid"], "nowhere"),
    ] {
        let (printed, said) = failed(scratch.path(), args, 1);
        assert_eq!(printed, "");
        assert!(said.contains(reason), "{said}");
    }
    std::fs::remove_file(scratch.path().join("run/ckpt-1.index")).unwrap();
    let (_, said) = failed(scratch.path(), &["latest", "run"], 1);
    assert!(said.contains("names run/ckpt-1, which does not exist"), "{said}");
    let (printed, said) = failed(scratch.path(), &["latest", "run", "--json"], 1);
    assert_eq!((serde_json::from_str::<Json>(&printed).unwrap(), said), (json!({ "latest": null }), String::new()));
}

#[test]
fn gc_says_and_does() {
    let scratch = run_of(4);
    empty(&scratch, ".ckpt-tmp-0123456789abcdef-0123456789abcdef-state");
    let expected =
        "would remove run/ckpt-1\nwould remove run/ckpt-2\nwould remove run/.ckpt-tmp-0123456789abcdef-0123456789abcdef-state\n\
                    would remove 2 checkpoints and 1 file that a crash left; 2 would stay managed\n";
    assert_eq!(done(scratch.path(), &["gc", "run", "--keep", "2", "--dry-run"]), expected);
    assert_eq!(indexes(&scratch).len(), 4);
    let expected = expected.replace("would remove", "removed").replace("would stay", "stay");
    assert_eq!(done(scratch.path(), &["gc", "run", "--keep", "2"]), expected);
    assert_eq!(indexes(&scratch), ["ckpt-3", "ckpt-4"]);
    let json: Json = serde_json::from_str(&done(scratch.path(), &["gc", "run", "--keep", "1", "--json"])).unwrap();
    assert_eq!(json, json!({ "removed": ["run/ckpt-3"], "kept": ["run/ckpt-4"], "leftovers": [] }));
}

#[test]
fn who_holds_a_lock_is_not_waited_for_if_told_so() {
    let scratch = run_of(3);
    let run = scratch.path().join("run");
    let copy = ["copy", "run/ckpt-3", "run/copy", "--lock-wait", "0"];
    for (byte, args, is_refused) in [
        (lock::of_checkpoint("copy"), &copy[..], true),
        (lock::STATE, &copy, false),
        (lock::MANAGER, &copy, false),
        (lock::STATE, &["gc", "run", "--keep", "1", "--lock-wait", "0"], true),
        (lock::MANAGER, &["gc", "run", "--keep", "1"], true),
        (lock::MANAGER, &["gc", "run", "--keep", "1", "--lock", "none"], false),
    ] {
        let held = lock::try_lock(&run, byte).unwrap();
        if is_refused {
            let (_, said) = failed(scratch.path(), args, 1);
            assert!(said.contains("process"), "{args:?}: {said}");
        } else {
            done(scratch.path(), args);
        }
        drop(held);
    }
    assert_eq!(indexes(&scratch), ["ckpt-3", "copy"]);
    // Verifying waits for nobody; writing does.
    std::fs::write(run.join("checkpoint"), "nonsense").unwrap();
    for (byte, args, is_refused) in [
        (lock::STATE, &["repair", "run", "--lock-wait", "0"][..], true),
        (lock::MANAGER, &["repair", "run"], true),
        (lock::STATE, &["repair", "run", "--lock-wait", "0", "--dry-run"], false),
        (lock::MANAGER, &["repair", "run", "--lock", "none"], false),
    ] {
        let held = lock::try_lock(&run, byte).unwrap();
        if is_refused {
            assert!(failed(scratch.path(), args, 1).1.contains("process"), "{args:?}")
        } else {
            assert!(done(scratch.path(), args).contains("good run/ckpt-3"), "{args:?}")
        }
        drop(held);
    }
    for wrong in [&["--lock", "perhaps"][..], &["--lock-wait", "-1"], &["--lock-wait", "soon"]] {
        failed(scratch.path(), &[&copy[..3], wrong].concat(), 2);
    }
}

#[test]
fn gc_keeps_the_best_on_demand() {
    let scratch = run_of(5);
    done(scratch.path(), &["gc", "run", "--keep", "1", "--best", "2", "--better", "lower"]);
    assert_eq!(indexes(&scratch), ["ckpt-1", "ckpt-2", "ckpt-5"]);
    // Who is kept for a metric stays unless another rule is given.
    done(scratch.path(), &["gc", "run", "--keep", "1"]);
    assert_eq!(indexes(&scratch), ["ckpt-1", "ckpt-2", "ckpt-5"]);
    done(scratch.path(), &["gc", "run", "--keep", "1", "--best", "1", "--better", "higher", "--every-hours", "0"]);
    assert_eq!(indexes(&scratch), ["ckpt-5"]);
}

#[test]
fn gc_is_refused_what_cannot_be() {
    let scratch = run_of(1);
    for args in [["gc", "run"].as_slice(), &["gc", "run", "--keep", "0"], &["gc", "run", "--keep", "1", "--best", "1"]] {
        failed(scratch.path(), args, 2);
    }
    failed(scratch.path(), &["gc", "nowhere", "--keep", "1"], 1);
    failed(scratch.path(), &["gc", "run", "--keep", "1", "--every-hours", "-1"], 2);
}

#[test]
fn repair_says_and_does() {
    let scratch = run_of(3);
    assert_eq!(
        done(scratch.path(), &["repair", "run"]),
        "good run/ckpt-1\ngood run/ckpt-2\ngood run/ckpt-3  latest\nthe checkpoint file is already correct\n"
    );
    empty(&scratch, "ckpt-3.index");
    empty(&scratch, "checkpoint");
    let printed = done(scratch.path(), &["repair", "run", "--dry-run"]);
    assert!(printed.starts_with("bad  run/ckpt-3: "), "{printed}");
    assert!(
        printed.ends_with("\ngood run/ckpt-1\ngood run/ckpt-2  latest\nthe checkpoint file would be rewritten\n"),
        "{printed}"
    );
    failed(scratch.path(), &["latest", "run"], 1);
    let json: Json = serde_json::from_str(&done(scratch.path(), &["repair", "run", "--json"])).unwrap();
    assert_eq!((&json["latest"], &json["all"]), (&json!("run/ckpt-2"), &json!(["run/ckpt-1", "run/ckpt-2"])));
    assert_eq!((&json["changed"], &json["broken"][0]["checkpoint"]), (&json!(true), &json!("run/ckpt-3")));
    assert_eq!(done(scratch.path(), &["latest", "run"]), "run/ckpt-2\n");
    for name in ["ckpt-1.index", "ckpt-2.index"] {
        empty(&scratch, name);
    }
    failed(scratch.path(), &["repair", "run"], 1);
}

#[test]
fn watch_prints_until_its_end() {
    let scratch = run_of(2);
    assert_eq!(done(scratch.path(), &["watch", "run", "--count", "1"]), "run/ckpt-2\n");
    assert_eq!(done(scratch.path(), &["watch", "run", "--timeout", "0"]), "run/ckpt-2\n");
    let (printed, said) = failed(scratch.path(), &["watch", "run", "--count", "2", "--timeout", "0"], 1);
    assert_eq!(printed, "run/ckpt-2\n");
    assert!(said.contains("timed out after 1 of 2 checkpoints"), "{said}");
    failed(scratch.path(), &["watch", "nowhere", "--count", "1", "--timeout", "0.1", "--interval", "0.01"], 1);
    failed(scratch.path(), &["watch", "run", "--timeout", "-1"], 2);
}

#[test]
fn watch_prints_what_appears_at_once() {
    let scratch = tempdir().unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("ckpt"))
        .current_dir(scratch.path())
        .args(["watch", "run", "--interval", "0.01", "--count", "2"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    for number in [1, 2] {
        let made = run_of(number);
        let run = scratch.path().join("run");
        std::fs::create_dir_all(&run).unwrap();
        // The state file last, as a save does it.
        for name in [format!("ckpt-{number}.data-00000-of-00001"), format!("ckpt-{number}.index"), "checkpoint".into()] {
            std::fs::rename(made.path().join("run").join(&name), run.join(&name)).or_else(|_| copy(&made, &run, &name)).unwrap();
        }
        assert_eq!(lines.next().unwrap(), format!("run/ckpt-{number}"));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn copy(made: &TempDir, run: &Path, name: &str) -> std::io::Result<()> {
    std::fs::copy(made.path().join("run").join(name), run.join(name)).map(drop)
}

/// Names a run's checkpoints as another machine had them.
fn name_elsewhere(scratch: &TempDir, place: &str) {
    let path = scratch.path().join("run/checkpoint");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.replace("ckpt-", &format!("{place}ckpt-"))).unwrap();
}

/// A moved directory, also from Windows, is understood by every command, and each says so once.
#[test]
fn a_moved_directory_is_the_same_to_every_command() {
    for place in ["/home/u/train/run/", r"C:\\Users\\u\\train\\run\\", r"run\\"] {
        let scratch = run_of(3);
        name_elsewhere(&scratch, place);
        for (args, expected) in [
            (&["latest", "run"][..], "run/ckpt-3\n"),
            (&["latest", "run", "--valid"], "run/ckpt-3\n"),
            (&["repair", "run", "--dry-run"], "good run/ckpt-3  latest\n"),
            (&["ls", "run"], "v/.ATTRIBUTES/VARIABLE_VALUE"),
            (&["info", "run"], "run/ckpt-3"),
            (&["verify", "run"], "checkpoint run/ckpt-3\n"),
        ] {
            let output = ckpt(scratch.path(), args);
            let (out, said) = (text(&output.stdout), text(&output.stderr));
            assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
            assert!(out.contains(expected), "{args:?}: {out}");
            assert_eq!(said.matches("was moved").count(), 1, "{args:?}: {said}");
        }
        // What only an absolute path of another machine can have been is managed on.
        let output = ckpt(scratch.path(), &["gc", "run", "--keep", "1", "--best", "1", "--better", "higher", "--dry-run"]);
        let removed = text(&output.stdout).matches("would remove run/ckpt-").count();
        assert_eq!(removed, if place.starts_with("run") { 0 } else { 2 }, "{}", text(&output.stdout));
    }
}

/// A backup with a damaged file is not good because its original is.
#[test]
fn a_copy_is_looked_at_itself() {
    let scratch = run_of(2);
    let original = scratch.path().join("run").display().to_string();
    name_elsewhere(&scratch, &format!("{original}/"));
    let copy = scratch.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(&original).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    std::fs::write(copy.join("ckpt-2.data-00000-of-00001"), "").unwrap();
    let (out, said) = failed(scratch.path(), &["verify", "copy"], 1);
    assert!(out.contains("checkpoint copy/ckpt-2\n") && out.contains("bad"), "{out}");
    assert!(said.contains("outside of it; this is copy/ckpt-2"), "{said}");
    assert_eq!(done(scratch.path(), &["latest", "copy"]), "copy/ckpt-2\n");
    assert_eq!(done(scratch.path(), &["latest", "copy", "--valid"]), "copy/ckpt-1\n");
    for name in ["ckpt-2.index", "ckpt-2.data-00000-of-00001"] {
        std::fs::remove_file(copy.join(name)).unwrap();
    }
    let output = ckpt(scratch.path(), &["ls", "copy"]);
    assert!(text(&output.stderr).contains("lies outside of copy"), "{}", text(&output.stderr));
}

#[test]
fn a_directory_that_is_a_prefix_too_is_told() {
    let scratch = run_of(1);
    for name in ["index", "data-00000-of-00001"] {
        std::fs::copy(scratch.path().join(format!("run/ckpt-1.{name}")), scratch.path().join(format!("run.{name}"))).unwrap();
    }
    let output = ckpt(scratch.path(), &["verify", "run"]);
    assert_eq!(text(&output.stdout).lines().next(), Some("checkpoint run/ckpt-1"));
    assert!(text(&output.stderr).contains("give run.index"), "{}", text(&output.stderr));
    assert_eq!(text(&ckpt(scratch.path(), &["verify", "run.index"]).stderr), "");
}
