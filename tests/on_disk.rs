//! docs/on-disk.md says which names the library makes and removes: the directory is watched while
//! the library works in it.

mod common;

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use checkpoint::{
    merge, Better, Checkpoint, Code, DType, Failure, Graph, Manager, ManagerOptions, ManagerSaveOptions, MergeOptions, Ranks,
    Reason, SaveOptions, Variable, WriteOptions, Writer,
};
use common::lock;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tempfile::tempdir;

const PAGE: &str = include_str!("../docs/on-disk.md");

/// The first column of the table of names.
fn patterns() -> BTreeSet<&'static str> {
    let (_, table) = PAGE.split_once("| name | what it is |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').nth(1).unwrap()).collect()
}

/// What the words in capitals stand for.
fn fits(word: &str, text: &str) -> bool {
    match word {
        "BASE" | "NAME" => !text.contains('/'),
        "STATE" => !text.contains('/'),
        "HEX" | "HASH" | "ATTEMPT" => text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        _ => text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit()),
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let literal = pattern.find(|c: char| c.is_ascii_uppercase()).unwrap_or(pattern.len());
    let (Some(name), pattern) = (name.strip_prefix(&pattern[..literal]), &pattern[literal..]) else { return false };
    let word = pattern.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(pattern.len());
    if word == 0 {
        return name.is_empty();
    }
    let (word, rest) = pattern.split_at(word);
    let least = if word == "BASE" { 0 } else { 1 };
    (least..=name.len()).any(|length| fits(word, &name[..length]) && matches(rest, &name[length..]))
}

/// A rank that is alone, and remembers what was in the directory when its section was written.
struct Alone<'d> {
    directory: &'d Path,
    sections: Mutex<BTreeSet<String>>,
}

impl Ranks for Alone<'_> {
    fn rank(&self) -> u32 {
        0
    }

    fn count(&self) -> u32 {
        1
    }

    fn gather(&self, message: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        for sections in names_in(self.directory).into_iter().filter(|name| name.ends_with("-ranks")) {
            let sections = self.directory.join(sections);
            for rank in names_in(&sections) {
                let files = names_in(&sections.join(&rank)).into_iter().map(|name| format!("{rank}/{name}"));
                self.sections.lock().unwrap().extend(files);
            }
        }
        Ok(vec![Some(message.to_vec())])
    }

    fn broadcast(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        Ok(message.to_vec())
    }
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn program() -> Checkpoint {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let value = graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap();
    graph.track(root, "value", value).unwrap();
    Checkpoint::new(&graph, root).unwrap()
}

/// Saves with metrics: the first of three checkpoints stays for its metric, the second expires.
fn save_managed(checkpoint: &Checkpoint, directory: &Path) {
    let options = ManagerOptions::new().max_to_keep(1).keep_best(1, Better::Lower);
    let manager = Manager::open(checkpoint, directory, &options).unwrap();
    for metric in [0.25, 0.75, 0.5] {
        manager.save(&ManagerSaveOptions::new().metric(metric)).unwrap();
    }
}

fn write(prefix: &Path) -> checkpoint::Result<()> {
    let mut writer = Writer::new(prefix, &WriteOptions::new())?;
    writer.add("value", DType::Uint8, &[1], &[7])?;
    writer.finish().map(drop)
}

/// Every name that appears in `directory` while `work` runs.
fn watched(directory: &Path, work: impl FnOnce()) -> BTreeSet<String> {
    let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&queue, directory, WatchFlags::CREATE | WatchFlags::MOVED_TO).unwrap();
    work();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(queue, &mut buffer);
    let mut names = BTreeSet::new();
    while let Ok(event) = events.next() {
        names.insert(event.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names
}

#[test]
fn every_name_that_is_made_is_in_the_page_and_the_other_way_round() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    let ranks = Alone { directory, sections: Mutex::default() };
    let names = watched(directory, || {
        let checkpoint = program();
        save_managed(&checkpoint, directory);
        checkpoint.save(directory.join("again"), &SaveOptions::new()).unwrap();
        write(&directory.join("x")).unwrap();
        write(&directory.join("x")).unwrap();
        checkpoint.write_ranked(directory.join("together"), &ranks, &SaveOptions::new()).unwrap();
        let section = checkpoint.write_section(directory.join("apart"), &ranks, &SaveOptions::new()).unwrap();
        merge(directory.join("whole"), &[section], &MergeOptions::new(), &mut |_, _| ControlFlow::Continue(())).unwrap();
    });
    let patterns = patterns();
    let unlisted: Vec<&String> = names.iter().filter(|name| !patterns.iter().any(|pattern| matches(pattern, name))).collect();
    assert_eq!(unlisted, [""; 0]);
    let unseen: Vec<&&str> = patterns.iter().filter(|pattern| !names.iter().any(|name| matches(pattern, name))).collect();
    assert_eq!(unseen, [&""; 0]);
    let inside = ranks.sections.into_inner().unwrap();
    assert_eq!(Vec::from_iter(inside), ["00000/.ckpt-lock", "00000/part.data-00000-of-00001", "00000/part.index"]);
    let left = names_in(directory);
    let own: Vec<&String> = left.iter().filter(|name| name.contains(".ckpt-")).collect();
    assert_eq!(own, [".ckpt-lock"]);
}

#[test]
fn what_a_crash_leaves_is_swept_by_its_name_alone() {
    let scratch = tempdir().unwrap();
    // HASH is FNV-1a of `x`, of an empty name and of `checkpoint`, cut to 62 bits.
    for (name, is_swept) in [
        (".ckpt-tmp-2f63f54c86021707-0123456789abcdef-index", true),
        (".ckpt-tmp-2f63f54c86021707-0123456789abcdef-old", true),
        (".ckpt-tmp-2f63f54c86021707-0123456789abcdef-data-00000-of-00001", true),
        (".ckpt-tmp-0bf29ce484222325-0123456789abcdef-index", true),
        (".ckpt-tmp-2f63f54c86021707-0123456789abcdef-other", false),
        (".ckpt-tmp-2f63f54c86021707-0123456789abcdef-data-0-of-1", false),
        (".ckpt-tmp-2f63f54c86021707-0123456789abcde-index", false),
        (".ckpt-tmp-2f63f54c86021707-0123456789ABCDEF-index", false),
        (".ckpt-tmp-2f63f54c86021707-0123456789abcdef-index.bak", false),
        ("x.index.ckpt-tmp-0123456789abcdef", false),
        ("x.index.ckpt-add-0123456789abcdef", false),
        ("x.index.ckpt-new-0123456789abcdef", false),
    ] {
        let path = scratch.path().join(name);
        std::fs::write(&path, "").unwrap();
        write(&scratch.path().join("y")).unwrap();
        assert_eq!(!path.exists(), is_swept, "{name}");
        let is_listed = patterns().iter().any(|pattern| pattern.contains("ckpt-tmp") && matches(pattern, name));
        assert_eq!(is_listed, is_swept, "{name}");
    }
}

#[test]
fn a_draft_of_a_state_file_is_swept_by_the_next_change_of_the_state() {
    let scratch = tempdir().unwrap();
    let draft = scratch.path().join(".ckpt-tmp-08f31246af8d829f-0123456789abcdef-state");
    std::fs::write(&draft, "").unwrap();
    write(&scratch.path().join("x")).unwrap();
    assert!(draft.exists(), "a writer does not change the state");
    program().save(scratch.path().join("y"), &SaveOptions::new()).unwrap();
    assert!(!draft.exists());
}

#[test]
fn a_removal_that_a_crash_cut_short_is_known_by_its_mark() {
    for (mark, is_finished) in [("old.index.ckpt-del-0123456789abcdef", true), ("old.index.ckpt-del-0123456789abcdeg", false)] {
        let scratch = tempdir().unwrap();
        save_managed(&program(), scratch.path());
        let index = scratch.path().join("old.index");
        write(&scratch.path().join("old")).unwrap();
        std::fs::hard_link(&index, scratch.path().join(mark)).unwrap();
        assert_eq!(matches("BASE.index.ckpt-del-HEX", mark), is_finished);
        save_managed(&program(), scratch.path());
        assert_eq!(!index.exists(), is_finished, "{mark}");
        assert_eq!(!scratch.path().join(mark).exists(), is_finished, "{mark}");
    }
}

#[test]
fn the_locks_are_the_bytes_of_the_page() {
    let scratch = tempdir().unwrap();
    let directory = scratch.path();
    let at_once = WriteOptions::new().lock_wait(Duration::ZERO);
    let write = |name: &str| {
        let mut writer = Writer::new(directory.join(name), &at_once)?;
        writer.add("value", DType::Uint8, &[1], &[7])?;
        writer.finish().map(drop)
    };
    write("x").unwrap();
    let code = |outcome: checkpoint::Result<()>| outcome.map_err(|e| (e.code(), e.reason()));
    let taken = Err((Code::Unavailable, Reason::Locked));
    let save = || program().save(directory.join("s"), &SaveOptions::new().write(at_once.clone())).map(drop);
    let manage = || {
        let manager = Manager::open(&program(), directory, &ManagerOptions::new())?;
        manager.save(&ManagerSaveOptions::new()).map(drop)
    };
    // FNV-1a of `x`, cut to 62 bits.
    let x = (1 << 32) + 0x2f63_f54c_8602_1707;
    assert_eq!(lock::of_checkpoint("x"), x);
    for (byte, what) in [(0, "managing"), (1, "the state"), (x, "the checkpoint x")] {
        let lock = lock::try_lock(directory, byte).unwrap();
        assert_eq!(code(write("x")).is_err(), byte == x, "{what}");
        assert_eq!(code(write("y")), Ok(()), "{what}");
        assert_eq!(code(save()), if byte == 1 { taken } else { Ok(()) }, "{what}");
        if byte != 1 {
            assert_eq!(code(manage()), if byte == 0 { taken } else { Ok(()) }, "{what}");
        }
        drop(lock);
    }
    write("x").unwrap();
}

#[test]
fn the_sidecar_has_the_fields_of_the_page() {
    let scratch = tempdir().unwrap();
    save_managed(&program(), scratch.path());
    let text = std::fs::read_to_string(scratch.path().join("checkpoint.manager")).unwrap();
    let (comment, records) = text.split_once('\n').unwrap();
    assert!(PAGE.contains(comment), "{comment}");
    let fields: BTreeSet<&str> = records.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    let (_, table) = PAGE.split_once("| field | type | meaning |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    assert_eq!(fields, rows.map(|row| row.split('`').nth(1).unwrap()).collect());
}
