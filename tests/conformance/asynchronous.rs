//! The asynchronous forms of TensorFlow's tests (`enable_async=True`), and what of its asynchronous
//! saving is done better here.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use checkpoint::{
    Checkpoint, DType, Manager, ManagerOptions, ManagerSaveOptions, Reader, ResumeOptions, StateOptions, Variable, WriteCallback,
};

use crate::checkpointing::Mirrored;
use crate::world::*;

/// `checkpoint.save(prefix, options=CheckpointOptions(enable_async=True))`: the path, before the
/// files are there.
#[track_caller]
fn save_async(w: &World, checkpoint: &Checkpoint, name: &str) -> PathBuf {
    checkpoint.save_async(w.path(name), &unsynced()).unwrap().path().to_owned()
}

#[test]
fn test_more_complex_saveable_returned() {
    let w = World::new();
    let values = Arc::new(Mutex::new([6f32, 15.0]));
    let v = w.graph.add_state(Box::new(Mirrored(Arc::clone(&values))), &StateOptions::new()).unwrap();
    let ckpt = w.checkpoint(&[("v", v)]);
    values.lock().unwrap()[0] = 42.0;
    let path = save_async(&w, &ckpt, "ckpt");
    *values.lock().unwrap() = [43.0, 44.0];
    restore(&ckpt, &path).consumed().initialize_or_restore().unwrap();
    assert_eq!(*values.lock().unwrap(), [42.0; 2]);

    values.lock().unwrap()[0] = 44.0;
    let path = save_async(&w, &ckpt, "ckpt");
    values.lock().unwrap()[0] = 45.0;
    restore(&ckpt, path).consumed();
    assert_eq!(*values.lock().unwrap(), [44.0; 2]);
}

#[test]
fn test_assert_consumed_no_checkpoint() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(0f32))]);
    let path = save_async(&w, &ckpt, "ckpt");
    let status = restore(&ckpt, path);
    drop(ckpt);
    status.consumed();
}

#[test]
fn test_custom_numbering() {
    let w = World::new();
    let step = w.variable(0i64);
    let ckpt = w.checkpoint(&[("step", step)]);
    for number in [0i64, 2, 4, 6, 8] {
        w.holds(step, number);
        let expected = w.path(&format!("ckpt-{number}"));
        let pending = ckpt.write_async(&expected, &unsynced()).unwrap();
        assert_eq!(pending.path(), expected);
        w.assign(step, number + 2);
    }
    ckpt.sync().unwrap();
    for number in [0i64, 2, 4, 6, 8] {
        assert_eq!(stored::<i64>(w.path(&format!("ckpt-{number}")), &format!("step{SUFFIX}")), number);
    }
}

#[test]
fn test_inititialize_with_data_structures() {
    let w = World::new();
    let [a0, a1, ba, bb] = [0f32, 1.0, 2.0, 3.0].map(|value| w.variable(value));
    let ckpt = w.checkpoint(&[("a", w.list(&[a0, a1])), ("b", w.dict(&[("a", ba), ("b", bb)]))]);
    let path = save_async(&w, &ckpt, "ckpt");
    [a0, a1, ba, bb].iter().zip([4f32, 5.0, 6.0, 7.0]).for_each(|(&variable, value)| w.assign(variable, value));
    // Without a sync(): the restore waits for the save.
    restore(&ckpt, path);
    assert_eq!([a0, a1, ba, bb].map(|v| w.value::<f32>(v)), [0.0, 1.0, 2.0, 3.0]);
}

/// Callbacks that note their name and the path.
struct Called(Arc<Mutex<Vec<(&'static str, PathBuf)>>>);

impl Called {
    fn callback(&self, name: &'static str) -> WriteCallback {
        let called = Arc::clone(&self.0);
        Arc::new(move |path: &Path| {
            assert!(path.with_extension("index").exists(), "the callback comes when the files are complete");
            called.lock().unwrap().push((name, path.to_owned()));
            Ok(())
        })
    }

    fn take(&self) -> Vec<(&'static str, PathBuf)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[test]
fn test_callback_with_manager() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let called = Called(Arc::default());
    let manager = Manager::open(&ckpt, w.directory(), &ManagerOptions::new().max_to_keep(1)).unwrap();
    let options = unsynced().callback(called.callback("first")).callback(called.callback("second"));
    let saving = ManagerSaveOptions::new().save(options);
    for number in 1..=2 {
        let pending = manager.save_async(&saving).unwrap().unwrap();
        let path = pending.path().to_owned();
        assert_eq!(path, w.path(&format!("ckpt-{number}")));
        ckpt.sync().unwrap();
        assert_eq!(called.take(), [("first", path.clone()), ("second", path.clone())]);
        assert_eq!(manager.latest_checkpoint(), Some(path));
    }
}

#[test]
fn test_callback_without_manager() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let called = Called(Arc::default());
    let options = unsynced().callback(called.callback("first")).callback(called.callback("second"));
    for _ in 0..2 {
        let path = ckpt.save_async(w.path("ckpt"), &options).unwrap().wait().unwrap();
        assert_eq!(called.take(), [("first", path.clone()), ("second", path)]);
    }
    let path = ckpt.write_async(w.path("written"), &options).unwrap().wait().unwrap();
    assert_eq!(called.take(), [("first", path.clone()), ("second", path)]);
}

/// The object map is how TensorFlow saves copies in place of the objects: what is saved are the
/// values when the call was made.
#[test]
fn test_serialize_gathered_objects_with_map() {
    const LENGTH: usize = 1 << 20;
    let w = World::new();
    let large = Variable::owned(DType::Uint8, &[LENGTH as i64], &vec![1; LENGTH]).unwrap();
    let (large, small) = (w.graph.add_variable(large).unwrap(), w.variable(1f32));
    let ckpt = w.checkpoint(&[("a", large), ("z", small)]);
    let (reach, reached) = channel();
    let (open, opened) = channel::<()>();
    let gate = Mutex::new(Some((reach, opened)));
    // A first report comes when some of the large value is written.
    let options = unsynced().progress(Arc::new(move |_, _| {
        if let Some((reach, opened)) = gate.lock().unwrap().take() {
            reach.send(()).unwrap();
            let _ = opened.recv();
        }
        ControlFlow::Continue(())
    }));
    let pending = ckpt.write_async(w.path("ckpt"), &options).unwrap();
    reached.recv().unwrap();
    w.graph.assign(large, DType::Uint8, &[LENGTH as i64], &vec![2; LENGTH]).unwrap();
    w.assign(small, 2f32);
    open.send(()).unwrap();
    let path = pending.wait().unwrap();
    assert!(Reader::open(&path).unwrap().get(format!("a{SUFFIX}")).unwrap().read().unwrap() == vec![1; LENGTH]);
    assert_eq!(stored::<f32>(&path, &format!("z{SUFFIX}")), 1.0);
    w.holds(small, 2f32);
}

/// TensorFlow's copy has a counter of its own: a `write` has one that nobody asked for, what a
/// manager saves has the number 0, and a program that resumes from that overwrites what is there.
#[test]
fn one_counter_counts_whether_saves_are_asynchronous_or_not() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let manager = Manager::open(&ckpt, w.directory(), &ManagerOptions::new()).unwrap();
    let saving = ManagerSaveOptions::new().save(unsynced());
    manager.save(&saving).unwrap();
    let path = manager.save_async(&saving).unwrap().unwrap().wait().unwrap();
    assert_eq!(path, w.path("ckpt-2"));
    assert_eq!(stored::<i64>(&path, &format!("save_counter{SUFFIX}")), 2);
    let written = w.checkpoint(&[("v", w.variable(1f32))]).write_async(w.path("written"), &unsynced()).unwrap().wait().unwrap();
    assert_eq!(value_keys(written), [format!("v{SUFFIX}")]);

    drop((ckpt, manager));
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    let manager = Manager::open(&ckpt, w.directory(), &ManagerOptions::new()).unwrap();
    manager.restore_or_initialize(&ResumeOptions::new()).unwrap();
    assert_eq!(manager.save_async(&saving).unwrap().unwrap().wait().unwrap(), w.path("ckpt-3"));
}

/// TensorFlow's copy has the objects of the first asynchronous save, and reads those that were
/// tracked later while it writes.
#[test]
fn what_was_tracked_since_the_last_save_is_saved_too() {
    let w = World::new();
    let root = w.object();
    w.add(root, "v", 1f32);
    let ckpt = w.checkpoint_of(root);
    save_async(&w, &ckpt, "ckpt");
    w.add(root, "later", 2f32);
    let path = save_async(&w, &ckpt, "ckpt");
    ckpt.sync().unwrap();
    assert_eq!(stored::<f32>(path, &format!("later{SUFFIX}")), 2.0);
}

/// TensorFlow's sync() says nothing of an error.
#[test]
fn sync_reports_the_error_of_the_save() {
    let w = World::new();
    let ckpt = w.checkpoint(&[("v", w.variable(1f32))]);
    ckpt.save_async(w.path("ckpt"), &unsynced().callback(Arc::new(|_| Err("refused".into())))).unwrap();
    assert!(ckpt.sync().unwrap_err().to_string().contains("refused"));
}
