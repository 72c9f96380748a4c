//! A program with a manager, and what is in its directory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    Checkpoint, DType, Durability, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId, ResumeOptions, SaveOptions,
    Variable, WriteOptions,
};

/// A program with one variable, in a directory.
pub struct Program {
    pub checkpoint: Checkpoint,
    pub value: NodeId,
}

impl Program {
    pub fn new() -> Program {
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let value = graph.add_variable(Variable::zeros(DType::Int64, &[]).unwrap()).unwrap();
        graph.track(root, "value", value).unwrap();
        Program { checkpoint: Checkpoint::new(&graph, root).unwrap(), value }
    }

    pub fn graph(&self) -> &Graph {
        self.checkpoint.graph()
    }

    pub fn set(&self, value: i64) {
        self.graph().assign(self.value, DType::Int64, &[], &value.to_ne_bytes()).unwrap();
    }

    pub fn get(&self) -> i64 {
        self.graph().read_integer(self.value).unwrap()
    }

    pub fn manage(&self, directory: impl AsRef<Path>, options: &ManagerOptions) -> Manager {
        Manager::open(&self.checkpoint, directory, options).unwrap()
    }
}

pub fn keep(count: i64) -> ManagerOptions {
    ManagerOptions::new().max_to_keep(count)
}

pub fn saving() -> ManagerSaveOptions {
    ManagerSaveOptions::new().save(unsynced())
}

pub fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None))
}

#[track_caller]
pub fn save(manager: &Manager) -> PathBuf {
    manager.save(&saving()).unwrap().expect("nothing was saved")
}

#[track_caller]
pub fn save_with(manager: &Manager, metric: f64) -> PathBuf {
    manager.save(&saving().metric(metric)).unwrap().unwrap()
}

pub fn resume(manager: &Manager) -> checkpoint::Resumption {
    manager.restore_or_initialize(&ResumeOptions::new()).unwrap()
}

pub fn names_in(directory: &Path) -> BTreeSet<String> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != ".ckpt-lock")
        .collect()
}

/// The checkpoints that are in a directory, by their indexes.
pub fn checkpoints_in(directory: &Path) -> Vec<String> {
    names_in(directory).iter().filter_map(|name| name.strip_suffix(".index").map(str::to_owned)).collect()
}

pub fn files_of(name: &str) -> [String; 2] {
    [format!("{name}.data-00000-of-00001"), format!("{name}.index")]
}

pub fn state(directory: &Path, text: &str) {
    std::fs::write(directory.join("checkpoint"), text).unwrap();
}

pub fn text_in(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("checkpoint")).unwrap()
}

/// Flips a byte of a checkpoint's data.
pub fn damage(prefix: &Path) {
    let path = PathBuf::from(format!("{}.data-00000-of-00001", prefix.display()));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[0] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

pub fn log_to(lines: &Arc<Mutex<Vec<String>>>) -> checkpoint::Log {
    let lines = lines.clone();
    Arc::new(move |severity, text| lines.lock().unwrap().push(format!("{severity:?}: {text}")))
}
