//! Paths that are URIs: a scheme that no storage serves is refused before anything is made, and
//! `file://` is the local path.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use checkpoint::{
    checkpoint_exists, checkpoint_mtimes, collect_checkpoints, get_checkpoint_state, latest_checkpoint, latest_valid_checkpoint,
    merge, remove_checkpoint, repair_checkpoint_state, update_checkpoint_state, verify, wait_for_new_checkpoint, Checkpoint,
    CheckpointView, Code, CollectOptions, DType, Error, Graph, Manager, ManagerOptions, MergeOptions, Pin, Reader, Reason,
    RepairOptions, RestoreOptions, SaveOptions, Saver, SaverOptions, SaverSaveOptions, StateUpdate, Variable, VerifyOptions,
    WaitOptions, WriteOptions, Writer,
};

/// A program with one variable, which has a name.
fn program() -> (Checkpoint, Saver) {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let variable = graph.add_variable(Variable::owned(DType::Uint8, &[1], &[7]).unwrap()).unwrap();
    graph.track(root, "v", variable).unwrap();
    let saver = Saver::new(&graph, &[("v", variable)], &SaverOptions::new()).unwrap();
    (Checkpoint::new(&graph, root).unwrap(), saver)
}

#[test]
fn no_call_takes_a_scheme_that_nothing_serves() {
    let (checkpoint, saver) = program();
    let local = tempfile::tempdir().unwrap();
    let section = local.path().join("section");
    Writer::new(&section, &WriteOptions::new()).unwrap().finish().unwrap();
    let go = || |_| ControlFlow::Continue(());
    let (save, restore) = (SaveOptions::new(), RestoreOptions::new());
    type Call<'c> = &'c dyn Fn(&Path) -> Result<(), Error>;
    let calls: [(&str, Call<'_>); 27] = [
        ("Reader::open", &|path| Reader::open(path).map(drop)),
        ("verify", &|path| verify(path, &VerifyOptions::new(), &mut go()).map(drop)),
        ("CheckpointView::open", &|path| CheckpointView::open(path).map(drop)),
        ("Writer::new", &|path| Writer::new(path, &WriteOptions::new()).map(drop)),
        ("merge into", &|path| merge(path, &[&section], &MergeOptions::new(), &mut |_, _| ControlFlow::Continue(())).map(drop)),
        ("merge of", &|path| {
            merge(local.path().join("x"), &[path], &MergeOptions::new(), &mut |_, _| ControlFlow::Continue(())).map(drop)
        }),
        ("save", &|path| checkpoint.save(path, &save).map(drop)),
        ("write", &|path| checkpoint.write(path, &save).map(drop)),
        ("write_numbered", &|path| checkpoint.write_numbered(path, 1, &save).map(drop)),
        ("save_async", &|path| checkpoint.save_async(path, &save).map(drop)),
        ("write_async", &|path| checkpoint.write_async(path, &save).map(drop)),
        ("restore", &|path| checkpoint.restore(path, &restore).map(drop)),
        ("read", &|path| checkpoint.read(path, &restore).map(drop)),
        ("dry_run", &|path| checkpoint.dry_run(path, &restore).map(drop)),
        ("Saver::save", &|path| saver.save(path, &SaverSaveOptions::new()).map(drop)),
        ("Saver::restore", &|path| saver.restore(path, &restore).map(drop)),
        ("Manager::open", &|path| Manager::open(&checkpoint, path, &ManagerOptions::new()).map(drop)),
        ("latest_checkpoint", &|path| latest_checkpoint(path).map(drop)),
        ("get_checkpoint_state", &|path| get_checkpoint_state(path).map(drop)),
        ("update_checkpoint_state", &|path| update_checkpoint_state(path, &StateUpdate::new("x"))),
        ("checkpoint_exists", &|path| checkpoint_exists(path).map(drop)),
        ("checkpoint_mtimes", &|path| checkpoint_mtimes([path]).map(drop)),
        ("remove_checkpoint", &|path| remove_checkpoint(path)),
        ("latest_valid_checkpoint", &|path| latest_valid_checkpoint(path, &VerifyOptions::new(), &mut go()).map(drop)),
        ("repair_checkpoint_state", &|path| repair_checkpoint_state(path, &RepairOptions::new(), &mut go()).map(drop)),
        ("collect_checkpoints", &|path| collect_checkpoints(path, &CollectOptions::keep(1)).map(drop)),
        ("Pin and watch", &|path| {
            let pinned = Pin::new(path).map(drop).unwrap_err();
            let watched = wait_for_new_checkpoint(path, None, &WaitOptions::new().timeout(0.0)).map(drop).unwrap_err();
            assert_eq!(pinned.code(), watched.code());
            Pin::latest(path).map(drop)
        }),
    ];
    for (name, call) in calls {
        let error = call(Path::new("nowhere://bucket/run/ckpt")).expect_err(name);
        assert_eq!((error.code(), error.reason()), (Code::Unimplemented, Reason::Unsupported), "{name}: {error}");
        assert!(error.to_string().contains("nowhere://"), "{name}: {error}");
        assert!(!Path::new("nowhere:").exists(), "{name} made a directory");
    }
    assert_eq!(checkpoint.save_count().unwrap(), 0);
}

#[test]
fn a_file_uri_is_the_local_path() {
    let directory = tempfile::tempdir().unwrap();
    let uri = |name: &str| PathBuf::from(format!("file://{}/{name}", directory.path().display()));
    let (checkpoint, _) = program();
    let saved = checkpoint.save(uri("run/ckpt"), &SaveOptions::new()).unwrap();
    assert_eq!(saved, directory.path().join("run/ckpt-1"));
    assert!(directory.path().join("run/ckpt-1.index").exists());
    assert!(checkpoint_exists(uri("run/ckpt-1")).unwrap());
    assert_eq!(latest_checkpoint(uri("run")).unwrap(), Some(saved));
    assert_eq!(Reader::open(uri("run")).unwrap().prefix(), directory.path().join("run/ckpt-1"));
    remove_checkpoint(uri("run/ckpt-1")).unwrap();
    assert!(!directory.path().join("run/ckpt-1.index").exists());
}

#[test]
fn a_file_uri_of_another_machine_is_refused() {
    let error = Reader::open("file://elsewhere/run/ckpt").unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
}

#[test]
fn what_looks_like_a_scheme_may_be_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = directory.path().join("gs:").join("bucket").join("ckpt");
    let (checkpoint, _) = program();
    checkpoint.write(&prefix, &SaveOptions::new()).unwrap();
    Reader::open(prefix).unwrap();
}
