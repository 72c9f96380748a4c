//! A program with a value, and gates at which a save is held until the test has done what it has to
//! do meanwhile.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkpoint::{
    verify, Checkpoint, Code, DType, Durability, Error, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId, Pending,
    Reader, Reason, SaveOptions, SaveProgress, Variable, VerifyOptions, WriteCallback, WriteOptions,
};

/// Longer than any of this takes: whoever waits so long at a gate waits for ever.
const FOREVER: Duration = Duration::from_secs(120);

/// Where a save stops until it is let go.
pub struct Gate {
    reached: Receiver<()>,
    open: Sender<()>,
}

impl Gate {
    /// The gate, and what stops at it: once.
    pub fn new() -> (Gate, impl Fn() + Send + Sync) {
        let (reach, reached) = channel();
        let (open, opened) = channel();
        let stop = Mutex::new(Some((reach, opened)));
        let stop = move || {
            if let Some((reach, opened)) = stop.lock().unwrap().take() {
                let _ = reach.send(());
                // It is also let go when the test fails.
                let _ = opened.recv_timeout(FOREVER);
            }
        };
        (Gate { reached, open }, stop)
    }

    /// A gate at the first report of a save's progress.
    pub fn in_progress(options: SaveOptions) -> (Gate, SaveOptions) {
        let (gate, stop) = Gate::new();
        let progress: SaveProgress = Arc::new(move |_, _| {
            stop();
            std::ops::ControlFlow::Continue(())
        });
        (gate, options.progress(progress))
    }

    /// A gate when the files are complete, before that is recorded.
    pub fn when_written(options: SaveOptions) -> (Gate, SaveOptions) {
        let (gate, stop) = Gate::new();
        let callback: WriteCallback = Arc::new(move |_| {
            stop();
            Ok(())
        });
        (gate, options.callback(callback))
    }

    pub fn wait(&self) {
        self.reached.recv_timeout(FOREVER).expect("nobody came to the gate");
    }

    pub fn open(&self) {
        self.open.send(()).unwrap();
    }
}

/// One thread, and nothing synced: no test here cuts the power.
pub fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().threads(1).durability(Durability::None))
}

pub fn managed(options: SaveOptions) -> ManagerSaveOptions {
    ManagerSaveOptions::new().save(options)
}

pub fn refusing() -> SaveOptions {
    unsynced().callback(Arc::new(|_| Err("refused".into())))
}

/// Larger than what is written at once, so that there is a first report before all is written.
pub const LENGTH: usize = 3 << 20;

pub struct Program {
    pub directory: tempfile::TempDir,
    pub graph: Graph,
    pub root: NodeId,
    pub value: NodeId,
    pub checkpoint: Checkpoint,
}

impl Program {
    pub fn new() -> Program {
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let value = graph.add_variable(Variable::owned(DType::Uint8, &[LENGTH as i64], &vec![1; LENGTH]).unwrap()).unwrap();
        graph.track(root, "value", value).unwrap();
        let checkpoint = Checkpoint::new(&graph, root).unwrap();
        Program { directory: tempfile::tempdir().unwrap(), graph, root, value, checkpoint }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// All files but that of the locks.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != ".ckpt-lock");
        names.sort();
        names
    }

    pub fn set(&self, value: u8) {
        self.graph.assign(self.value, DType::Uint8, &[LENGTH as i64], &vec![value; LENGTH]).unwrap();
    }

    pub fn save_async(&self, options: &SaveOptions) -> Pending {
        self.checkpoint.save_async(self.path("ckpt"), options).unwrap()
    }

    pub fn manager(&self, options: &ManagerOptions) -> Manager {
        Manager::open(&self.checkpoint, self.directory.path(), options).unwrap()
    }
}

pub fn stored(prefix: &Path, key: &str) -> Vec<u8> {
    Reader::open(prefix).unwrap().get(key).unwrap().read().unwrap()
}

/// What all bytes of the program's value are in a checkpoint.
pub fn value_in(prefix: &Path) -> u8 {
    let bytes = stored(prefix, "value/.ATTRIBUTES/VARIABLE_VALUE");
    assert!(bytes.iter().all(|byte| *byte == bytes[0]), "{} is a mix", prefix.display());
    bytes[0]
}

pub fn is_whole(prefix: &Path) -> bool {
    verify(prefix, &VerifyOptions::new(), &mut |_| std::ops::ControlFlow::Continue(())).unwrap().problems.is_empty()
}

pub fn is(error: &Error, code: Code, reason: Reason) -> bool {
    (error.code(), error.reason()) == (code, reason)
}
