//! Checkpoints that exist and that the state file does not list: none is ever replaced.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use checkpoint::{Code, Manager, ManagerSaveOptions, Reason, RepairOptions, SaveOptions};
use tempfile::tempdir;

use crate::program::*;

/// The indexes of a directory with their bytes.
fn indexes(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| {
        let bytes = std::fs::read(directory.join(format!("{name}.index"))).unwrap();
        (name, bytes)
    };
    checkpoints_in(directory).into_iter().map(read).collect()
}

/// Saves `ckpt-1` to `ckpt-3`.
fn saved(directory: &Path) {
    let program = Program::new();
    let manager = program.manage(directory, &keep(5));
    for value in 1..=3 {
        program.set(value);
        save(&manager);
    }
}

/// A change of a state file, and what becomes of the next run: the checkpoint that it resumes, and
/// the name of its first save.
type Loss = (&'static str, fn(&Path), Option<&'static str>, &'static str);

const LOSSES: [Loss; 7] = [
    ("nothing is lost", |_| (), Some("ckpt-3"), "ckpt-4"),
    ("removed", |directory| std::fs::remove_file(directory.join("checkpoint")).unwrap(), None, "ckpt-4"),
    ("half written", |directory| state(directory, &text_in(directory)[..30]), None, "ckpt-4"),
    ("another file", |directory| state(directory, "lr: 0.1\n"), None, "ckpt-4"),
    ("a byte-order mark", |directory| state(directory, &format!("\u{feff}{}", text_in(directory))), Some("ckpt-3"), "ckpt-4"),
    (
        "absolute paths of elsewhere",
        |directory| state(directory, &text_in(directory).replace("ckpt-", "/home/u/run/ckpt-")),
        Some("ckpt-3"),
        "ckpt-4",
    ),
    (
        "absolute paths of Windows",
        |directory| state(directory, &text_in(directory).replace("ckpt-", r"C:\\Users\\u\\run\\ckpt-")),
        Some("ckpt-3"),
        "ckpt-4",
    ),
];

#[test]
fn no_way_of_losing_the_state_file_loses_a_checkpoint() {
    for (what, lose, resumed, next) in LOSSES {
        let scratch = tempdir().unwrap();
        saved(scratch.path());
        let before = indexes(scratch.path());
        lose(scratch.path());
        let lines = Arc::default();
        let program = Program::new();
        let manager = program.manage(scratch.path(), &keep(5).log_to(log_to(&lines)));
        assert_eq!(resume(&manager).path, resumed.map(|name| scratch.path().join(name)), "{what}");
        assert_eq!(program.get(), if resumed.is_some() { 3 } else { 0 }, "{what}");
        assert_eq!(save(&manager), scratch.path().join(next), "{what}");
        assert_eq!(program.checkpoint.save_count().unwrap(), 4, "{what}");
        let mut after = indexes(scratch.path());
        after.remove(next).unwrap();
        assert_eq!(after, before, "{what}");
        let is_said = lines.lock().unwrap().iter().any(|line: &String| line.contains("ckpt-1 exists") && line.contains("ckpt-4"));
        assert_eq!(is_said, resumed.is_none(), "{what}: {lines:?}");
    }
}

#[test]
fn a_state_file_that_cannot_be_used_ends_the_opening() {
    let scratch = tempdir().unwrap();
    saved(scratch.path());
    let path = scratch.path().join("checkpoint");
    std::fs::write(&path, "").unwrap();
    let program = Program::new();
    let error = Manager::open(&program.checkpoint, scratch.path(), &keep(5)).unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::NoCheckpoint));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_err() {
        let error = Manager::open(&program.checkpoint, scratch.path(), &keep(5)).unwrap_err();
        assert_eq!(error.code(), Code::PermissionDenied);
    }
}

#[test]
fn a_number_that_the_program_chose_goes_past_too() {
    let scratch = tempdir().unwrap();
    saved(scratch.path());
    std::fs::remove_file(scratch.path().join("checkpoint")).unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(5));
    let path = manager.save(&saving().number(2)).unwrap().unwrap();
    assert_eq!(path, scratch.path().join("ckpt-4"));
    assert_eq!(program.checkpoint.save_count().unwrap(), 1);
}

/// A state file that lists the newest checkpoint alone, as `Checkpoint.save` writes it.
fn only_the_newest_is_listed(directory: &Path) {
    saved(directory);
    state(directory, "model_checkpoint_path: \"ckpt-3\"\nall_model_checkpoint_paths: \"ckpt-3\"\n");
}

#[test]
fn a_number_that_goes_past_an_unlisted_checkpoint_goes_past_listed_ones_too() {
    for number in [None, Some(2)] {
        let scratch = tempdir().unwrap();
        only_the_newest_is_listed(scratch.path());
        let before = indexes(scratch.path());
        let program = Program::new();
        let manager = program.manage(scratch.path(), &keep(5));
        let options = number.map_or_else(saving, |number| saving().number(number));
        assert_eq!(manager.save(&options).unwrap().unwrap(), scratch.path().join("ckpt-4"), "{number:?}");
        let mut after = indexes(scratch.path());
        after.remove("ckpt-4").unwrap();
        assert_eq!(after, before, "{number:?}");
    }
}

/// That it cannot be found out whether a checkpoint exists is an error: it is neither yes nor no.
#[test]
fn a_name_that_the_file_system_refuses_fails_the_save() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(5).checkpoint_name("a".repeat(253)));
    assert!(manager.save(&saving()).is_err());
}

/// The state file lists the checkpoints of another run, of which the first has expired there. One
/// of the same name here is not that checkpoint.
#[test]
fn a_checkpoint_of_this_directory_is_not_taken_for_one_of_another_run() {
    let (other, scratch) = (tempdir().unwrap(), tempdir().unwrap());
    saved(other.path());
    saved(scratch.path());
    let elsewhere = other.path().join("ckpt-").to_str().unwrap().to_owned();
    state(scratch.path(), &text_in(other.path()).replace("ckpt-", &elsewhere));
    std::fs::remove_file(other.path().join("ckpt-1.index")).unwrap();
    let before = indexes(scratch.path());

    let collected = checkpoint::collect_checkpoints(scratch.path(), &checkpoint::CollectOptions::keep(1)).unwrap();
    assert!(collected.removed.is_empty(), "{collected:?}");
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(1));
    resume(&manager);
    save(&manager);
    let after = indexes(scratch.path());
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)), "{after:?}");
}

/// Older checkpoints may be all that is left.
#[test]
fn nothing_is_collected_while_the_latest_checkpoint_does_not_exist() {
    let scratch = tempdir().unwrap();
    saved(scratch.path());
    for file in ["ckpt-3.index", "ckpt-3.data-00000-of-00001"] {
        std::fs::remove_file(scratch.path().join(file)).unwrap();
    }
    for dry_run in [true, false] {
        let options = checkpoint::CollectOptions::keep(1).dry_run(dry_run);
        let error = checkpoint::collect_checkpoints(scratch.path(), &options).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::FailedPrecondition, Reason::NoCheckpoint));
        assert!(error.to_string().contains("ckpt repair"), "{error}");
    }
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-2"]);
}

/// A moved directory whose state file names one checkpoint by its old path and by its name.
#[test]
fn repairing_lists_a_checkpoint_once() {
    let scratch = tempdir().unwrap();
    saved(scratch.path());
    let twice =
        ["/elsewhere/ckpt-2", "ckpt-2", "ckpt-3"].map(|path| format!("all_model_checkpoint_paths: \"{path}\"\n")).concat();
    state(scratch.path(), &format!("model_checkpoint_path: \"ckpt-3\"\n{twice}"));
    checkpoint::repair_checkpoint_state(scratch.path(), &RepairOptions::new(), &mut |_| std::ops::ControlFlow::Continue(()))
        .unwrap();
    let listed = checkpoint::get_checkpoint_state(scratch.path()).unwrap().unwrap().all;
    assert_eq!(listed, ["ckpt-2", "ckpt-3"].map(|name| scratch.path().join(name)));
}

/// As in TensorFlow: restore 2, save over 3.
#[test]
fn a_rollback_replaces_what_the_state_file_lists() {
    let scratch = tempdir().unwrap();
    saved(scratch.path());
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(5));
    program.checkpoint.restore(scratch.path().join("ckpt-2"), &Default::default()).unwrap();
    program.set(30);
    assert_eq!(save(&manager), scratch.path().join("ckpt-3"));
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-1", "ckpt-2", "ckpt-3"]);
    let next = Program::new();
    resume(&next.manage(scratch.path(), &keep(5)));
    assert_eq!(next.get(), 30);
}

/// As in TensorFlow, `Checkpoint.save` replaces whatever is there.
#[test]
fn a_plain_save_replaces() {
    let scratch = tempdir().unwrap();
    saved(scratch.path());
    std::fs::remove_file(scratch.path().join("checkpoint")).unwrap();
    let path = Program::new().checkpoint.save(scratch.path().join("ckpt"), &unsynced()).unwrap();
    assert_eq!(path, scratch.path().join("ckpt-1"));
}

/// Saves once and ends after the checkpoint was published, before it was recorded.
fn die_before_recording(manager: &Manager) {
    let save = SaveOptions::new().callback(Arc::new(|_: &Path| Err("the process ends here".into())));
    let error = manager.save(&ManagerSaveOptions::new().save(save)).unwrap_err();
    assert_eq!(error.code(), Code::Aborted);
}

fn announcements(directory: &Path) -> usize {
    names_in(directory).iter().filter(|name| name.contains(".ckpt-add-")).count()
}

#[test]
fn what_was_published_and_not_recorded_is_resumed_and_managed() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    let manager = program.manage(scratch.path(), &keep(2));
    (0..2).for_each(|_| drop(save(&manager)));
    program.set(7);
    die_before_recording(&manager);
    drop((manager, program));
    assert_eq!(announcements(scratch.path()), 1);
    let lines = Arc::default();
    let next = Program::new();
    let manager = next.manage(scratch.path(), &keep(2).log_to(log_to(&lines)));
    assert_eq!(resume(&manager).path, Some(scratch.path().join("ckpt-3")));
    assert_eq!(next.get(), 7);
    assert!(lines.lock().unwrap().iter().any(|line: &String| line.contains("ckpt-3 was saved")), "{lines:?}");
    assert_eq!(announcements(scratch.path()), 1, "resuming changes nothing on disk");
    assert_eq!(save(&manager), scratch.path().join("ckpt-4"));
    assert_eq!(checkpoints_in(scratch.path()), ["ckpt-3", "ckpt-4"]);
    assert_eq!(announcements(scratch.path()), 0);
}

#[test]
fn what_was_published_is_recorded_by_a_first_save_without_resuming() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    die_before_recording(&program.manage(scratch.path(), &keep(5)));
    let next = Program::new();
    let manager = next.manage(scratch.path(), &keep(5));
    // This program has not seen it, so that to replace it would be no rollback.
    let [first, second] = ["ckpt-1", "ckpt-2"].map(|name| scratch.path().join(name));
    assert_eq!(save(&manager), second);
    assert_eq!((manager.checkpoints(), announcements(scratch.path())), (vec![first, second], 0));
}

/// A plain save replaces the state file after the process ended: its checkpoint stays the latest.
#[test]
fn what_was_published_before_the_state_file_was_written_is_the_oldest() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    die_before_recording(&program.manage(scratch.path(), &keep(5)));
    std::thread::sleep(std::time::Duration::from_millis(20));
    let plain = Program::new();
    plain.set(5);
    plain.checkpoint.save(scratch.path().join("plain"), &unsynced()).unwrap();
    let next = Program::new();
    let manager = next.manage(scratch.path(), &keep(5));
    assert_eq!(resume(&manager).path, Some(scratch.path().join("plain-1")));
    assert_eq!(manager.checkpoints(), [scratch.path().join("ckpt-1")]);
}

#[test]
fn an_announcement_of_another_index_means_nothing() {
    let scratch = tempdir().unwrap();
    let program = Program::new();
    die_before_recording(&program.manage(scratch.path(), &keep(5)));
    Program::new().checkpoint.write(scratch.path().join("ckpt-1"), &unsynced()).unwrap();
    assert_eq!(announcements(scratch.path()), 1);
    let next = Program::new();
    let manager = next.manage(scratch.path(), &keep(5));
    assert_eq!(resume(&manager).path, None);
    assert_eq!(save(&manager), scratch.path().join("ckpt-2"));
    assert_eq!(announcements(scratch.path()), 0);
}
