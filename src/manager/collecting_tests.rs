//! Collecting: what a dry run names, how old remains are, and how often the file system is asked.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::locking_tests::program;
use crate::bundle::number_of;
use crate::directory::{collect_at, collect_on};
use crate::laboratory::{at, judge::names_in, scratch};
use crate::storage::{Fault, Kind, Local, Recording, Storage, What};
use crate::{CollectOptions, Durability, Locking, Manager, ManagerOptions, ManagerSaveOptions, SaveOptions, WriteOptions};

/// Saves so many managed checkpoints.
fn managed(directory: &Path, count: usize) {
    let write = WriteOptions::new().durability(Durability::None);
    let options = ManagerSaveOptions::new().save(SaveOptions::new().write(write));
    let manager = Manager::open(&program(), directory, &ManagerOptions::new()).unwrap();
    (0..count).for_each(|_| drop(manager.save(&options).unwrap()));
}

/// A temporary name, as docs/on-disk.md has it.
fn temporary(base: &str, role: &str) -> String {
    format!(".ckpt-tmp-{:016x}-00000000000000aa-{role}", number_of(OsStr::new(base)))
}

fn names(paths: &[std::path::PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// What somebody is writing is neither named by a dry run nor removed, whatever it is.
#[test]
fn a_dry_run_names_what_a_collection_removes() {
    for busy in [None, Some("a"), Some("b"), Some("checkpoint")] {
        let directory = scratch();
        managed(directory.path(), 2);
        let left = [("a", "index"), ("a", "data-00000-of-00001"), ("b", "data-00000-of-00001"), ("checkpoint", "state")];
        for (base, role) in left {
            std::fs::write(directory.path().join(temporary(base, role)), "").unwrap();
        }
        let what = match busy {
            Some("checkpoint") => Some(What::State),
            Some(base) => Some(What::Prefix(number_of(OsStr::new(base)))),
            None => None,
        };
        let opened = Local.directory(&at(directory.path()), false).unwrap();
        let writer = what.map(|what| opened.lock(what, true, Some(Duration::ZERO)).unwrap());
        let expected = left.iter().filter(|(base, _)| Some(*base) != busy).map(|(base, role)| temporary(base, role));
        let mut expected: Vec<String> = expected.collect();
        expected.sort();
        let dry = collect_on(&Local, &at(directory.path()), &CollectOptions::keep(1).dry_run(true)).unwrap();
        assert_eq!(names(&dry.leftovers), expected, "{busy:?}");
        assert_eq!(names_in(directory.path()).len(), 9, "a dry run removes nothing");
        if busy == Some("checkpoint") {
            continue; // who changes the state is waited for
        }
        let collected = collect_on(&Local, &at(directory.path()), &CollectOptions::keep(1)).unwrap();
        assert_eq!(collected, dry, "{busy:?}");
        drop(writer);
    }
    // Without locks nothing is swept, so nothing is named.
    let directory = scratch();
    managed(directory.path(), 1);
    std::fs::write(directory.path().join(temporary("a", "index")), "").unwrap();
    let options = CollectOptions::keep(1).locking(Locking::None);
    for dry_run in [true, false] {
        let collected = collect_on(&Local, &at(directory.path()), &options.clone().dry_run(dry_run)).unwrap();
        assert_eq!(collected.leftovers, [""; 0].map(std::path::PathBuf::from), "{dry_run}");
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The remains of a crash on a file system without locks.
fn without_locks() -> Recording {
    Recording::failing(Fault { at: 0, errno: libc::ENOSYS, for_good: true, hits: |kind| kind == Kind::Lock })
}

/// Remains are as old as their last change. That is not what hard links keep: a merge links old
/// data files, and a save an old index.
#[test]
fn a_new_hard_link_to_an_old_file_is_new() {
    let directory = scratch();
    managed(directory.path(), 1);
    let old = directory.path().join("old-data");
    std::fs::write(&old, "x").unwrap();
    std::fs::File::options().write(true).open(&old).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    let names = [temporary("a", "old"), temporary("a", "data-00000-of-00001")];
    names.iter().for_each(|name| std::fs::hard_link(&old, directory.path().join(name)).unwrap());
    let options = CollectOptions::keep(1).older_than(Duration::from_secs(3600));
    let now = seconds(SystemTime::now());
    for (later, goes) in [(0.0, false), (3500.0, false), (3700.0, true)] {
        for dry_run in [true, false] {
            let options = options.clone().dry_run(dry_run);
            let collected = collect_at(&without_locks(), &at(directory.path()), &options, now + later).unwrap();
            assert_eq!(collected.leftovers.len(), if goes { 2 } else { 0 }, "{later}, {dry_run}");
        }
        assert_eq!(names_in(directory.path()).iter().any(|name| names.contains(name)), !goes, "{later}");
    }
}

/// A rank that writes its section changes neither the directory of the sections nor its own.
#[test]
fn a_directory_of_sections_is_as_young_as_what_is_in_it() {
    let directory = scratch();
    managed(directory.path(), 1);
    let sections = directory.path().join(temporary("a", "ranks"));
    let rank = sections.join("00000");
    std::fs::create_dir_all(&rank).unwrap();
    let part = rank.join("part.data-00000-of-00001");
    std::fs::write(&part, "x").unwrap();
    let changed = |path: &Path| {
        let status = Local.link_status(&at(path)).unwrap();
        status.version.modified().max(status.changed)
    };
    // The clock of the file system has coarse ticks.
    while changed(&part) <= changed(&rank) {
        std::fs::write(&part, "y").unwrap();
    }
    let between = (changed(&part) + changed(&rank)) / 2.0;
    let options = CollectOptions::keep(1).older_than(Duration::from_secs(3600));
    for (now, goes) in [(between + 3600.0, false), (changed(&part) + 3601.0, true)] {
        let dry = collect_at(&without_locks(), &at(directory.path()), &options.clone().dry_run(true), now).unwrap();
        let collected = collect_at(&without_locks(), &at(directory.path()), &options, now).unwrap();
        assert_eq!((dry.leftovers.len(), collected.leftovers.len()), (usize::from(goes), usize::from(goes)), "{goes}");
        assert_eq!(sections.exists(), !goes, "{goes}");
    }
}

/// Makes a directory in which so many of something go.
type Prepare = fn(&Path, usize);

/// How often a collection asks for what, in a directory with so many of what goes.
fn counted(count: usize, prepare: Prepare) -> BTreeMap<String, usize> {
    let directory = scratch();
    prepare(directory.path(), count);
    let recording = Recording::new();
    let collected = collect_on(&recording, &at(directory.path()), &CollectOptions::keep(1)).unwrap();
    assert_eq!(collected.warnings, [""; 0]);
    let left = names_in(directory.path());
    assert!(left.iter().filter(|name| name.ends_with(".index")).count() == 1 && left.len() == 3, "{left:?}");
    let mut counts = BTreeMap::new();
    for (kind, _) in recording.tried() {
        *counts.entry(format!("{kind:?}")).or_default() += 1;
    }
    counts
}

/// Expired checkpoints, removals that crashes interrupted, and the remains of saves of many
/// checkpoints: the directory is listed a fixed number of times, and everything else is in
/// proportion.
#[test]
fn a_collection_takes_calls_in_proportion_to_what_goes() {
    let prepares: [(&str, Prepare); 3] = [
        ("expired", |directory, count| managed(directory, count + 1)),
        ("marked", |directory, count| {
            managed(directory, count + 1);
            for number in 1..=count {
                let mark = directory.join(format!("ckpt-{number}.index.ckpt-del-00000000000000aa"));
                std::fs::hard_link(directory.join(format!("ckpt-{number}.index")), mark).unwrap();
            }
            let last = format!("ckpt-{}", count + 1);
            let text = format!("model_checkpoint_path: \"{last}\"\nall_model_checkpoint_paths: \"{last}\"\n");
            std::fs::write(directory.join("checkpoint"), text + "all_model_checkpoint_timestamps: 9999999.5\n").unwrap();
        }),
        ("left", |directory, count| {
            managed(directory, 1);
            for number in 0..count {
                std::fs::write(directory.join(temporary(&format!("x{number}"), "index")), "").unwrap();
            }
        }),
    ];
    for (name, prepare) in prepares {
        let [few, more, most] = [5, 15, 25].map(|count| counted(count, prepare));
        assert_eq!(few["List"], most["List"], "{name}: {few:?}, {most:?}");
        assert!(most.values().sum::<usize>() > few.values().sum(), "{name}: {few:?}, {most:?}");
        for (kind, &count) in &most {
            let [few, more] = [&few, &more].map(|counts| counts.get(kind).copied().unwrap_or(0));
            assert_eq!(count - more, more - few, "{name}: {kind}: {few}, {more}, {count}");
        }
    }
}
