//! The state file of a directory, and the functions around it.

mod common;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    checkpoint_exists, checkpoint_mtimes, get_checkpoint_state, latest_checkpoint, remove_checkpoint, update_checkpoint_state,
    wait_for_new_checkpoint, CheckpointState, CheckpointsIterator, Clock, Code, DType, Error, Reason, StateUpdate, WaitOptions,
    WriteOptions, Writer,
};
use common::bundle::i32s;
use common::{dtypes, v1};
use tempfile::tempdir;

fn text_in(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("checkpoint")).unwrap()
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != ".ckpt-lock");
    names.sort();
    names
}

/// A checkpoint in `shards` files.
fn checkpoint(prefix: &Path, shards: u32) {
    let mut writer = Writer::new(prefix, &WriteOptions::new().shards(shards)).unwrap();
    writer.add("x", DType::Int32, &[], &[1, 0, 0, 0]).unwrap();
    writer.finish().unwrap();
}

fn v1_checkpoint(path: &Path) {
    let mut file = v1::File::new();
    file.tensor("x", dtypes::INT32, &[], v1::values(dtypes::INT32, &i32s(&[1])));
    std::fs::write(path, file.bytes()).unwrap();
}

#[test]
fn an_update_is_read_back_and_leaves_nothing_else() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    let update = StateUpdate::new("m-2").all(["m-1", "m-2"]).timestamps([1.5, 2.0]).last_preserved(0.25);
    for _ in 0..2 {
        update_checkpoint_state(directory, &update).unwrap();
        assert_eq!(
            text_in(directory),
            "model_checkpoint_path: \"m-2\"\nall_model_checkpoint_paths: \"m-1\"\nall_model_checkpoint_paths: \"m-2\"\n\
             all_model_checkpoint_timestamps: 1.5\nall_model_checkpoint_timestamps: 2.0\nlast_preserved_timestamp: 0.25\n"
        );
        assert_eq!(names_in(directory), ["checkpoint"]);
    }
    let expected = CheckpointState {
        latest: directory.join("m-2"),
        all: vec![directory.join("m-1"), directory.join("m-2")],
        timestamps: vec![1.5, 2.0],
        last_preserved: Some(0.25),
    };
    assert_eq!(get_checkpoint_state(directory).unwrap(), Some(expected));
}

#[test]
fn what_lies_in_the_directory_is_named_from_it() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    let there = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let around = format!("{}/../{}/m", directory.display(), directory.file_name().unwrap().to_str().unwrap());
    for (given, written) in [
        (there("m"), "m"),
        (there("sub/m"), "sub/m"),
        (there("./m"), "m"),
        (around, "m"),
        ("m".into(), "m"),
        ("./m".into(), "./m"),
        ("../m".into(), "../m"),
        ("/elsewhere/m".into(), "/elsewhere/m"),
        (format!("{}x/m", directory.display()), &format!("{}x/m", directory.display())),
    ] {
        update_checkpoint_state(directory, &StateUpdate::new(&given)).unwrap();
        assert_eq!(
            text_in(directory),
            format!("model_checkpoint_path: \"{written}\"\nall_model_checkpoint_paths: \"{written}\"\n"),
            "{given}"
        );
    }
}

/// As the tests of a process share its working directory, these paths begin there and lead out of
/// it.
#[test]
fn of_a_relative_directory_relative_paths_are_meant_from_the_working_directory() {
    let scratch = tempfile::tempdir_in(".").unwrap();
    let name = scratch.path().file_name().unwrap().to_str().unwrap();
    let directory = Path::new(name);
    for (given, written, read) in [
        (format!("{name}/m"), "m", format!("{name}/m")),
        (format!("{name}/sub/../m"), "m", format!("{name}/m")),
        ("m".into(), "../m", format!("{name}/../m")),
        ("/elsewhere/m".into(), "/elsewhere/m", "/elsewhere/m".into()),
    ] {
        update_checkpoint_state(directory, &StateUpdate::new(&given)).unwrap();
        assert!(text_in(directory).starts_with(&format!("model_checkpoint_path: \"{written}\"\n")), "{given}");
        assert_eq!(get_checkpoint_state(directory).unwrap().unwrap().latest, Path::new(&read));
    }
}

#[test]
fn the_latest_is_the_last_of_the_list() {
    let scratch = tempdir().unwrap();
    let all = |update: &StateUpdate| {
        update_checkpoint_state(scratch.path(), update).unwrap();
        let state = get_checkpoint_state(scratch.path()).unwrap().unwrap();
        state.all.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(all(&StateUpdate::new("m-3")), ["m-3"]);
    assert_eq!(all(&StateUpdate::new("m-3").all(["m-3"])), ["m-3"]);
    assert_eq!(all(&StateUpdate::new("m-3").all(["m-2"])), ["m-2", "m-3"]);
    assert_eq!(all(&StateUpdate::new("m-3").all(["m-3", "m-2"])), ["m-3", "m-2", "m-3"]);
}

#[test]
fn updates_that_cannot_be_change_nothing() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    update_checkpoint_state(directory, &StateUpdate::new("m")).unwrap();
    let before = text_in(directory);
    for update in [
        StateUpdate::new("m").timestamps([1.0, 2.0]),
        StateUpdate::new("m").all(["a"]).timestamps([1.0]),
        StateUpdate::new("checkpoint"),
        StateUpdate::new(directory.join("checkpoint")),
        StateUpdate::new("other").file_name("other"),
        StateUpdate::new("m").file_name("sub/checkpoint"),
        StateUpdate::new("m").file_name(".."),
        StateUpdate::new("m").file_name(""),
    ] {
        let error = update_checkpoint_state(directory, &update).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Reason::Argument), "{update:?}");
        assert_eq!((text_in(directory), names_in(directory)), (before.clone(), vec!["checkpoint".to_owned()]), "{update:?}");
    }
    let missing = update_checkpoint_state(directory.join("missing"), &StateUpdate::new("m")).unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[test]
fn a_state_file_by_another_name() {
    let scratch = tempdir().unwrap();
    update_checkpoint_state(scratch.path(), &StateUpdate::new("m").file_name("best")).unwrap();
    assert_eq!(names_in(scratch.path()), ["best"]);
    assert_eq!(get_checkpoint_state(scratch.path()).unwrap(), None);
    assert_eq!(CheckpointState::read(scratch.path(), "best").unwrap().unwrap().latest, scratch.path().join("m"));
}

#[test]
fn a_link_in_place_of_the_state_file_is_replaced_not_followed() {
    let scratch = tempdir().unwrap();
    let elsewhere = scratch.path().join("elsewhere");
    std::fs::write(&elsewhere, "kept").unwrap();
    let directory = scratch.path().join("run");
    std::fs::create_dir(&directory).unwrap();
    std::os::unix::fs::symlink(&elsewhere, directory.join("checkpoint")).unwrap();
    update_checkpoint_state(&directory, &StateUpdate::new("m")).unwrap();
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "kept");
    assert!(text_in(&directory).contains("\"m\""));
}

#[test]
fn names_of_any_bytes_come_back() {
    let scratch = tempdir().unwrap();
    for name in [&b"\xc3\xbcber"[..], b"\xff\xfe", b"a\"b'c\\", b"line\nbreak"] {
        let prefix = scratch.path().join(OsStr::from_bytes(name));
        checkpoint(&prefix, 1);
        update_checkpoint_state(scratch.path(), &StateUpdate::new(&prefix)).unwrap();
        assert!(text_in(scratch.path()).is_ascii());
        assert_eq!(latest_checkpoint(scratch.path()).unwrap(), Some(prefix));
    }
}

#[test]
fn a_moved_directory_keeps_its_checkpoints() {
    let scratch = tempdir().unwrap();
    let (before, after) = (scratch.path().join("before"), scratch.path().join("after"));
    std::fs::create_dir(&before).unwrap();
    checkpoint(&before.join("m-1"), 1);
    update_checkpoint_state(&before, &StateUpdate::new(before.join("m-1"))).unwrap();
    std::fs::rename(&before, &after).unwrap();
    assert_eq!(latest_checkpoint(&after).unwrap(), Some(after.join("m-1")));
}

#[test]
fn an_update_sweeps_what_a_crash_left() {
    let scratch = tempdir().unwrap();
    std::fs::write(scratch.path().join(".ckpt-tmp-0123456789abcdef-0123456789abcdef-state"), "").unwrap();
    update_checkpoint_state(scratch.path(), &StateUpdate::new("m")).unwrap();
    assert_eq!(names_in(scratch.path()), ["checkpoint"]);
}

#[test]
fn threads_that_update_one_state_file_take_turns() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0..25 {
                    update_checkpoint_state(directory, &StateUpdate::new(format!("m-{thread}-{round}"))).unwrap();
                }
            });
        }
    });
    let state = get_checkpoint_state(directory).unwrap().unwrap();
    assert_eq!(state.all, [state.latest]);
    assert_eq!(names_in(directory), ["checkpoint"]);
}

/// V2 and V1, in one file and several, some with the graph that a Saver writes beside them:
/// `(prefix, its files)`.
fn all_forms(directory: &Path) -> Vec<(PathBuf, Vec<&'static str>)> {
    checkpoint(&directory.join("v2"), 1);
    checkpoint(&directory.join("v2s"), 2);
    v1_checkpoint(&directory.join("v1"));
    v1_checkpoint(&directory.join("v1s-00000-of-00002"));
    v1_checkpoint(&directory.join("v1s-00001-of-00002"));
    let forms = [
        ("v2", vec!["v2.data-00000-of-00001", "v2.index", "v2.meta"]),
        ("v2s", vec!["v2s.data-00000-of-00002", "v2s.data-00001-of-00002", "v2s.index"]),
        ("v1", vec!["v1"]),
        ("v1s-?????-of-00002", vec!["v1s-00000-of-00002", "v1s-00001-of-00002", "v1s.meta"]),
    ];
    for meta in ["v2.meta", "v1s.meta"] {
        std::fs::write(directory.join(meta), "").unwrap();
    }
    forms.into_iter().map(|(name, files)| (directory.join(name), files)).collect()
}

#[test]
fn checkpoints_exist_until_they_are_removed() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    let forms = all_forms(directory);
    for (prefix, _) in &forms {
        assert!(checkpoint_exists(prefix).unwrap(), "{}", prefix.display());
    }
    for (prefix, files) in &forms {
        let mut expected = names_in(directory);
        remove_checkpoint(prefix).unwrap();
        expected.retain(|name| !files.contains(&name.as_str()));
        assert_eq!(names_in(directory), expected, "{}", prefix.display());
        assert!(!checkpoint_exists(prefix).unwrap(), "{}", prefix.display());
        remove_checkpoint(prefix).unwrap();
    }
    assert_eq!(names_in(directory), [""; 0]);
}

#[test]
fn what_is_no_checkpoint_does_not_exist_as_one() {
    let scratch = tempdir().unwrap();
    std::fs::write(scratch.path().join("text"), "text").unwrap();
    std::fs::create_dir(scratch.path().join("directory")).unwrap();
    for name in ["text", "directory", "missing", "missing/m", "v1s-?????-of-00002", "text/m"] {
        assert!(!checkpoint_exists(scratch.path().join(name)).unwrap(), "{name}");
        remove_checkpoint(scratch.path().join(name)).unwrap();
    }
    assert_eq!(names_in(scratch.path()), ["directory", "text"]);
}

#[test]
fn patterns_in_a_prefix_are_only_characters() {
    let scratch = tempdir().unwrap();
    for name in ["a1", "a[1]", "a*", "a?", "ab"] {
        checkpoint(&scratch.path().join(name), 1);
    }
    for name in ["a[1]", "a*", "a?"] {
        remove_checkpoint(scratch.path().join(name)).unwrap();
    }
    assert_eq!(names_in(scratch.path()), ["a1.data-00000-of-00001", "a1.index", "ab.data-00000-of-00001", "ab.index"]);
}

#[test]
fn removing_follows_no_link() {
    let scratch = tempdir().unwrap();
    let outside = scratch.path().join("outside");
    let run = scratch.path().join("run");
    std::fs::create_dir_all(&run).unwrap();
    checkpoint(&outside, 1);
    for suffix in [".index", ".data-00000-of-00001"] {
        let name = |prefix: &Path| PathBuf::from(format!("{}{suffix}", prefix.display()));
        std::os::unix::fs::symlink(name(&outside), name(&run.join("m"))).unwrap();
    }
    remove_checkpoint(run.join("m")).unwrap();
    assert!(checkpoint_exists(&outside).unwrap());
    assert_eq!(names_in(&run), ["m.data-00000-of-00001", "m.index"]);
}

#[test]
fn data_files_whose_index_is_gone_are_removed() {
    let scratch = tempdir().unwrap();
    checkpoint(&scratch.path().join("m"), 3);
    std::fs::remove_file(scratch.path().join("m.index")).unwrap();
    remove_checkpoint(scratch.path().join("m")).unwrap();
    assert_eq!(names_in(scratch.path()), [""; 0]);
}

#[test]
fn times_of_those_that_are_there() {
    let scratch = tempdir().unwrap();
    let forms = all_forms(scratch.path());
    let mut prefixes: Vec<PathBuf> = forms.into_iter().map(|(prefix, _)| prefix).collect();
    prefixes.insert(1, scratch.path().join("missing"));
    let index = std::fs::File::options().write(true).open(scratch.path().join("v2.index")).unwrap();
    index.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_millis(1500)).unwrap();
    let times = checkpoint_mtimes(&prefixes).unwrap();
    assert_eq!((times.len(), times[0]), (4, 1.5));
    assert!(times[1..].windows(2).all(|pair| pair[0] <= pair[1]));
}

/// A clock that stands still but for sleeping, and does something at given times.
struct Script<'a> {
    now: Mutex<f64>,
    slept: Mutex<Vec<f64>>,
    events: Vec<(f64, &'a (dyn Fn() + Sync))>,
}

impl<'a> Script<'a> {
    fn new(events: Vec<(f64, &'a (dyn Fn() + Sync))>) -> Script<'a> {
        Script { now: Mutex::new(0.0), slept: Mutex::default(), events }
    }

    fn slept(&self) -> Vec<f64> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for Script<'_> {
    fn now(&self) -> f64 {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, seconds: f64) -> Result<(), Error> {
        let mut now = self.now.lock().unwrap();
        let before = *now;
        *now += seconds;
        self.slept.lock().unwrap().push(seconds);
        self.events.iter().filter(|(at, _)| (before..*now).contains(at)).for_each(|(_, event)| event());
        Ok(())
    }
}

/// Makes `name` the latest checkpoint of `directory`.
fn save(directory: &Path, name: &str) {
    checkpoint(&directory.join(name), 1);
    update_checkpoint_state(directory, &StateUpdate::new(name)).unwrap();
}

#[test]
fn waiting_ends_with_a_checkpoint_or_the_time() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path().join("run");
    let first = || {
        std::fs::create_dir(&directory).unwrap();
        save(&directory, "m-1");
    };
    let clock = Script::new(vec![(2.5, &first)]);
    let options = WaitOptions::new().clock(Arc::new(&clock)).timeout(10.0);
    let found = wait_for_new_checkpoint(&directory, None, &options).unwrap();
    assert_eq!((found.as_deref(), clock.slept()), (Some(directory.join("m-1").as_path()), vec![1.0; 3]));
    let clock = Script::new(vec![]);
    for (timeout, poll, looks) in [(3.0, 1.0, 3), (2.9, 1.0, 2), (0.9, 1.0, 0), (0.0, 1.0, 0), (0.9, 0.25, 3)] {
        let clock = Script::new(vec![]);
        let options = WaitOptions::new().clock(Arc::new(&clock)).timeout(timeout).poll_interval(poll);
        assert_eq!(wait_for_new_checkpoint(&directory, found.as_deref(), &options).unwrap(), None);
        assert_eq!(clock.slept(), vec![poll; looks], "{timeout}");
    }
    let again = wait_for_new_checkpoint(&directory, None, &WaitOptions::new().clock(Arc::new(&clock))).unwrap();
    assert_eq!((again, clock.slept()), (found, vec![]));
}

#[test]
fn the_iterator_gives_the_latest_and_misses_those_between() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    save(directory, "m-1");
    let (two, three, four) = (|| save(directory, "m-2"), || save(directory, "m-3"), || save(directory, "m-4"));
    let clock = Script::new(vec![(1.0, &two), (2.0, &three), (12.5, &four)]);
    let options = WaitOptions::new().clock(Arc::new(&clock)).timeout(8.0).min_interval(10.0);
    let found: Vec<PathBuf> = CheckpointsIterator::new(directory, &options).map(Result::unwrap).collect();
    assert_eq!(found, ["m-1", "m-3", "m-4"].map(|name| directory.join(name)));
    // An interval, an interval, one look, an interval, and looks until the time is over.
    let expected: Vec<f64> = [vec![10.0, 10.0], vec![10.0], vec![1.0; 8]].concat();
    assert_eq!(clock.slept(), expected);
}

#[test]
fn who_asks_is_asked_after_each_round() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    let one = || save(directory, "m-1");
    let clock = Script::new(vec![(4.0, &one)]);
    let options = WaitOptions::new().clock(Arc::new(&clock)).timeout(2.0);
    let mut asked = Vec::new();
    let mut is_done = || {
        asked.push(clock.now());
        asked.len() == 4
    };
    let found: Vec<PathBuf> =
        CheckpointsIterator::new(directory, &options).until(Box::new(&mut is_done)).map(Result::unwrap).collect();
    assert_eq!(found, [directory.join("m-1")]);
    // Two time-outs, the checkpoint, and the time-out after it.
    assert_eq!(asked, [2.0, 4.0, 5.0, 7.0]);
}

/// Another program may be writing a state file at the very moment.
#[test]
fn a_state_file_that_is_faulty_for_a_moment_is_waited_for() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    for text in ["", "model_checkpoint_pa", "model_checkpoint_path: \"m"] {
        std::fs::write(directory.join("checkpoint"), text).unwrap();
        let one = || save(directory, "m-1");
        let clock = Script::new(vec![(9.0, &one)]);
        let found = wait_for_new_checkpoint(directory, None, &WaitOptions::new().clock(Arc::new(&clock)));
        assert_eq!(found.unwrap(), Some(directory.join("m-1")), "{text}");
    }
}

#[test]
fn a_state_file_that_stays_faulty_is_told_and_the_iterator_goes_on() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    std::fs::write(directory.join("checkpoint"), "nonsense").unwrap();
    let one = || save(directory, "m-1");
    let clock = Script::new(vec![(15.0, &one)]);
    let mut checkpoints = CheckpointsIterator::new(directory, &WaitOptions::new().clock(Arc::new(&clock)));
    assert_eq!(checkpoints.next().unwrap().unwrap_err().code(), Code::DataLoss);
    assert_eq!(clock.now(), 10.0);
    assert_eq!(checkpoints.next().unwrap().unwrap(), directory.join("m-1"));
}

#[test]
fn another_error_ends_the_iterator() {
    let scratch = tempdir().unwrap();
    std::fs::create_dir(scratch.path().join("checkpoint")).unwrap();
    let mut checkpoints = CheckpointsIterator::new(scratch.path(), &WaitOptions::new());
    assert_ne!(checkpoints.next().unwrap().unwrap_err().code(), Code::DataLoss);
    assert!(checkpoints.next().is_none());
}
