//! What file systems cannot do, who meets it, and what an option makes of it, as a table. Plus what
//! becomes of locks that are lost.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::bundle::{merge_on, Access, Asked, Locking, Notes};
use crate::directory::{collect_on, remove_on, repair_on, update_state};
use crate::laboratory::{at, scratch};
use crate::storage::{Fault, Kind, Local, Recording, Storage};
use crate::{
    Checkpoint, Code, CollectOptions, DType, Error, Graph, Log, Manager, ManagerOptions, ManagerSaveOptions, MergeOptions,
    Reason, RepairOptions, SaveOptions, Saver, SaverOptions, SaverSaveOptions, StateUpdate, Variable, WriteOptions, Writer,
};

/// A log, and what it heard.
fn log() -> (Log, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let all = heard.clone();
    (Arc::new(move |_, text| all.lock().push(text.to_owned())), heard)
}

pub(super) fn program() -> Checkpoint {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    graph.track(root, "v", graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap()).unwrap();
    Checkpoint::new(&graph, root).unwrap()
}

/// Something that a program does in a directory that has `part.index` and a managed `ckpt-1`.
/// Returns what it did, and what the log or the result said.
type Operation = fn(&dyn Storage, &Path, Locking) -> (Result<(), Error>, Vec<String>);

const OPERATIONS: [(&str, Operation); 10] = [
    ("write", |storage, directory, locking| {
        let (log, heard) = log();
        let options = WriteOptions::new().locking(locking).log_to(log);
        let mut writer = Writer::new(directory.join("x"), &options).unwrap();
        writer.add("v", DType::Uint8, &[1], &[7]).unwrap();
        let written = writer.finish_on(storage, &mut |_, _| ControlFlow::Continue(()));
        let heard = heard.lock().clone();
        (written.map(drop), heard)
    }),
    ("merge", |storage, directory, locking| {
        let access = Access::new(Asked { locking: Some(locking), wait: None }, &Notes::default());
        let options = MergeOptions::new().keep_inputs(true).within(access.clone(), None);
        let (to, part) = (at(directory.join("x")), at(directory.join("part")));
        let merged = merge_on(storage, &to, &[part], &options, &mut |_, _| ControlFlow::Continue(()));
        (merged.map(drop), access.notes.take())
    }),
    ("save", |storage, directory, locking| {
        let (log, heard) = log();
        let checkpoint = program();
        checkpoint.set_log(Some(log));
        let options = SaveOptions::new().write(WriteOptions::new().locking(locking));
        let saved = checkpoint.save_on(storage, &at(directory.join("s")), &options);
        let heard = heard.lock().clone();
        (saved.map(drop), heard)
    }),
    ("saver", |storage, directory, locking| {
        let (log, heard) = log();
        let graph = Graph::new();
        let v = graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap();
        let saver = Saver::new(&graph, &[("v", v)], &SaverOptions::new().max_to_keep(1).log_to(log)).unwrap();
        let save = SaveOptions::new().write(WriteOptions::new().locking(locking));
        let saved = (0..2).try_for_each(|step| {
            let options = SaverSaveOptions::new().save(save.clone()).global_step(step);
            saver.save_on(storage, &at(directory.join("model")), &options).map(drop)
        });
        if saved.is_ok() {
            assert_eq!(directory.join("model-0.index").exists(), stays(&heard.lock()), "saver, {:?}", heard.lock());
        }
        let heard = heard.lock().clone();
        (saved, heard)
    }),
    ("manager", |storage, directory, locking| {
        let (log, heard) = log();
        let options = ManagerOptions::new().max_to_keep(1).locking(locking).log_to(log);
        let manager = Manager::open(&program(), directory, &options).unwrap();
        let saved = (0..2).try_for_each(|_| manager.save_on(storage, &ManagerSaveOptions::new()).map(drop));
        if saved.is_ok() {
            assert_eq!(directory.join("ckpt-1.index").exists(), stays(&heard.lock()), "manager, {:?}", heard.lock());
        }
        let heard = heard.lock().clone();
        (saved, heard)
    }),
    ("gc", |storage, directory, locking| {
        let collected = collect_on(storage, &at(directory), &CollectOptions::keep(1).locking(locking));
        let heard = collected.as_ref().map_or(Vec::new(), |collected| collected.warnings.clone());
        if collected.is_ok() {
            assert_eq!(directory.join("ckpt-1.index").exists(), stays(&heard), "gc, {heard:?}");
        }
        (collected.map(drop), heard)
    }),
    ("saver with a locking of its own", |storage, directory, locking| {
        let (log, heard) = log();
        let graph = Graph::new();
        let v = graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap();
        let saver = Saver::new(&graph, &[("v", v)], &SaverOptions::new().locking(locking).log_to(log)).unwrap();
        let saved = saver.save_on(storage, &at(directory.join("model")), &SaverSaveOptions::new());
        let heard = heard.lock().clone();
        (saved.map(drop), heard)
    }),
    ("remove", |storage, directory, locking| {
        let access = Access::new(Asked { locking: Some(locking), wait: None }, &Notes::default());
        let removed = remove_on(storage, &at(directory.join("part")), &access);
        assert_eq!(directory.join("part.index").exists(), removed.is_err());
        (removed, access.notes.take())
    }),
    ("repair", |storage, directory, locking| {
        let (log, heard) = log();
        std::fs::write(directory.join("checkpoint"), "no state").unwrap();
        let options = RepairOptions::new().locking(locking).log_to(log);
        let repaired = repair_on(storage, &at(directory), &options, &mut |_| ControlFlow::Continue(()));
        let heard = heard.lock().clone();
        (repaired.map(drop), heard)
    }),
    ("update", |storage, directory, locking| {
        let (log, heard) = log();
        let update = StateUpdate::new(directory.join("ckpt-2")).locking(locking).log_to(log);
        let updated = update_state(storage, &at(directory), &update);
        let heard = heard.lock().clone();
        (updated, heard)
    }),
];

/// Whether what was said means that an expired checkpoint stays.
fn stays(heard: &[String]) -> bool {
    heard.iter().any(|text| text.contains("but stays"))
}

/// What a file system cannot do: what fails, for good, and with which error.
struct Lack {
    what: &'static str,
    hits: fn(Kind) -> bool,
    errno: i32,
    /// What the log says, and of which operations; empty if it says nothing.
    said: &'static str,
    of: &'static [&'static str],
    /// What becomes of them if locking is required.
    required: Required,
}

enum Required {
    Fails,
    /// The checkpoint that cannot be locked stays.
    Stays,
}

const ALL: &[&str] =
    &["write", "merge", "save", "saver", "manager", "gc", "saver with a locking of its own", "remove", "repair", "update"];
/// Removing a checkpoint syncs nothing: after a power failure it may be there again.
const SYNCING: &[&str] =
    &["write", "merge", "save", "saver", "manager", "gc", "saver with a locking of its own", "repair", "update"];
const REMOVING: &[&str] = &["saver", "manager", "gc"];

#[test]
fn what_a_file_system_cannot_do_stops_nobody_who_does_not_require_it() {
    let lacks = [
        Lack {
            what: "no locks",
            hits: |kind| kind == Kind::Lock,
            errno: libc::ENOSYS,
            said: "other processes that write in this directory are not kept out",
            of: ALL,
            required: Required::Fails,
        },
        Lack {
            what: "no sync of directories",
            hits: |kind| kind == Kind::SyncDirectory,
            errno: libc::ENOSYS,
            said: "cannot sync the directory",
            of: SYNCING,
            required: Required::Fails,
        },
        Lack {
            what: "no locks of single files",
            hits: |kind| kind == Kind::LockFile,
            errno: libc::ENOSYS,
            said: "pins protect no checkpoint",
            of: REMOVING,
            required: Required::Stays,
        },
        Lack {
            what: "locks of single files that fail",
            hits: |kind| kind == Kind::LockFile,
            errno: libc::EIO,
            said: "whether it is in use cannot be determined",
            of: REMOVING,
            required: Required::Stays,
        },
    ];
    for lack in &lacks {
        for (name, operation) in OPERATIONS {
            for locking in [Locking::IfPossible, Locking::None, Locking::Required] {
                let case = format!("{}, {name}, {locking:?}", lack.what);
                let directory = scratch();
                prepare(directory.path());
                let recording = Recording::failing(Fault { at: 0, errno: lack.errno, for_good: true, hits: lack.hits });
                let (outcome, heard) = operation(&recording, directory.path(), locking);
                let is_met = lack.of.contains(&name) && !(locking == Locking::None && lack.what == "no locks");
                if is_met && locking == Locking::Required && matches!(lack.required, Required::Fails) {
                    assert_eq!(outcome.unwrap_err().errno(), Some(lack.errno), "{case}");
                    continue;
                }
                outcome.unwrap_or_else(|e| panic!("{case}: {e}"));
                let said = heard.iter().filter(|text| text.contains(lack.said)).count();
                match locking {
                    Locking::Required if is_met => assert!(stays(&heard), "{case}: {heard:?}"),
                    // Each attempt to remove is one of its own.
                    _ if lack.errno == libc::EIO => assert_eq!(said > 0, is_met, "{case}: {heard:?}"),
                    _ => assert_eq!(said, usize::from(is_met), "{case}: {heard:?}"),
                }
            }
        }
    }
}

/// A section to merge, and a managed checkpoint to remove.
fn prepare(directory: &Path) {
    let mut writer = Writer::new(directory.join("part"), &WriteOptions::new()).unwrap();
    writer.add("v", DType::Uint8, &[1], &[7]).unwrap();
    writer.finish().unwrap();
    let manager = Manager::open(&program(), directory, &ManagerOptions::new()).unwrap();
    (0..2).for_each(|_| drop(manager.save(&ManagerSaveOptions::new()).unwrap()));
}

/// Whoever lost a lock has published nothing and removed nothing since, says so, and the next save
/// goes well.
#[test]
fn a_lost_lock_is_an_error_of_its_own() {
    let mut lost = 0;
    for at in 0.. {
        let directory = scratch();
        let hits = |kind| kind == Kind::Check;
        let recording = Recording::failing(Fault { at, errno: libc::EIO, for_good: false, hits });
        let manager = Manager::open(&program(), directory.path(), &ManagerOptions::new().max_to_keep(1)).unwrap();
        manager.save_on(&Local, &ManagerSaveOptions::new()).unwrap();
        drop(manager);
        let options = ManagerOptions::new().max_to_keep(1);
        let manager = Manager::open(&program(), directory.path(), &options).unwrap();
        let saved = manager.save_on(&recording, &ManagerSaveOptions::new().number(2));
        if recording.tried().iter().all(|(_, failed)| !failed) {
            break;
        }
        lost += 1;
        match saved {
            Err(e) => assert_eq!((e.code(), e.reason(), e.errno()), (Code::Aborted, Reason::LockLost, Some(libc::EIO)), "{at}"),
            // It was published and recorded; what could not be removed stays for the next save.
            Ok(_) => assert_eq!(manager.latest_checkpoint().unwrap(), directory.path().join("ckpt-2"), "{at}"),
        }
        drop(manager);
        let manager = Manager::open(&program(), directory.path(), &options).unwrap();
        manager.save(&ManagerSaveOptions::new().number(7)).unwrap();
        let left = crate::laboratory::judge::names_in(directory.path());
        assert!(left.iter().all(|name| name == "checkpoint" || name.starts_with("ckpt-7.")), "{at}: {left:?}");
    }
    assert!(lost > 4, "{lost} checks");
}

/// Whether this process has locked a file of locks, as Linux says.
fn is_locked(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(file) = std::fs::metadata(directory.join(".ckpt-lock")) else { return false };
    let infos = std::fs::read_dir("/proc/self/fdinfo").unwrap();
    let info = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
    let inode = format!(":{} ", file.ino());
    infos.map(info).any(|info| info.lines().any(|line| line.starts_with("lock:") && line.contains(&inode)))
}

/// On a full disk the file of locks cannot be made. Who saved nevertheless locks as soon as there
/// is space, and is refused if another manager has saved meanwhile.
#[test]
#[cfg(target_os = "linux")]
fn a_manager_that_could_not_lock_does_so_once_it_can() {
    for is_overtaken in [false, true] {
        let directory = scratch();
        let (log, heard) = log();
        let manager = Manager::open(&program(), directory.path(), &ManagerOptions::new().log_to(log)).unwrap();
        let full = Recording::failing(Fault { at: 0, errno: libc::ENOSYS, for_good: true, hits: |kind| kind == Kind::Lock });
        (0..2).for_each(|_| drop(manager.save_on(&full, &ManagerSaveOptions::new()).unwrap()));
        assert!(!is_locked(directory.path()));
        let said = || heard.lock().iter().filter(|text| text.contains("are not kept out")).count();
        assert_eq!(said(), 1, "{:?}", heard.lock());
        if is_overtaken {
            let state = std::fs::read_to_string(directory.path().join("checkpoint")).unwrap();
            std::fs::write(directory.path().join("checkpoint"), state.replace("ckpt-2", "ckpt-7")).unwrap();
        }
        let saved = manager.save_on(&Local, &ManagerSaveOptions::new());
        if is_overtaken {
            assert_eq!(saved.unwrap_err().reason(), Reason::Replaced)
        } else {
            assert_eq!(saved.unwrap(), Some(directory.path().join("ckpt-3")))
        }
        assert_eq!(is_locked(directory.path()), !is_overtaken, "it is the directory's manager if it saved");
        assert_eq!(said(), 1);
        drop(manager);
        assert!(!is_locked(directory.path()));
    }
}

#[test]
fn who_waits_for_a_lock_gets_it_or_fails_in_time() {
    let directory = scratch();
    let storage: &dyn Storage = &Local;
    let access = |wait| Access::new(Asked { locking: None, wait: Some(wait) }, &Notes::default());
    let take = |wait| {
        let opened = storage.directory(&at(directory.path()), false).unwrap();
        crate::bundle::Claim::take(&opened, crate::storage::What::State, &access(wait), Some(wait))
    };
    let first = take(Duration::ZERO).unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(take(Duration::ZERO).unwrap_err().reason(), Reason::Locked);
    assert_eq!(take(Duration::from_millis(30)).unwrap_err().reason(), Reason::Locked);
    assert!(begun.elapsed() >= Duration::from_millis(30));
    std::thread::scope(|scope| {
        scope.spawn(|| take(Duration::from_secs(60)).unwrap());
        std::thread::sleep(Duration::from_millis(20));
        drop(first);
    });
    drop(take(Duration::ZERO).unwrap());
}
