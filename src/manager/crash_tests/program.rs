//! A program that saves with a manager, and what it may find when it resumes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;

use crate::directory::{Better, Clock};
use crate::laboratory::judge;
use crate::storage::{Local, Storage};
use crate::{
    Checkpoint, DType, Error, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId, Reader, ResumeOptions, SaveOptions,
    Variable, WriteOptions,
};

/// How a program saves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// The number of newest checkpoints to keep; `None` for all.
    pub keep: Option<i64>,
    pub shards: u32,
    /// The number of best checkpoints that are also kept.
    pub best: usize,
}

impl Setup {
    pub const fn keeping(keep: i64, shards: u32) -> Setup {
        Setup { keep: Some(keep), shards, best: 0 }
    }

    fn options(&self) -> ManagerOptions {
        let mut options = ManagerOptions::new().clock(Arc::new(Ticks));
        if let Some(keep) = self.keep {
            options = options.max_to_keep(keep);
        }
        match self.best {
            0 => options,
            count => options.keep_best(count, Better::Lower),
        }
    }
}

/// A clock that advances one second at each call, across all programs.
struct Ticks;

impl Clock for Ticks {
    fn now(&self) -> f64 {
        static NOW: AtomicI64 = AtomicI64::new(1_000_000);
        NOW.fetch_add(1, Ordering::Relaxed) as f64
    }

    fn sleep(&self, _: f64) -> Result<(), Error> {
        Ok(())
    }
}

/// A program. It saves the save counter, and bytes that depend on the attempt.
pub(super) struct Program {
    graph: Graph,
    values: NodeId,
    setup: Setup,
    pub manager: Manager,
}

impl Program {
    /// Starts a program that resumes from the directory's latest checkpoint.
    pub fn resumed(directory: &Path, setup: Setup) -> Result<Program, Error> {
        let program = Program::begun(directory, setup)?;
        program.manager.restore_or_initialize(&ResumeOptions::new())?;
        Ok(program)
    }

    fn begun(directory: &Path, setup: Setup) -> Result<Program, Error> {
        let graph = Graph::new();
        let root = graph.add_object()?;
        let values = graph.add_variable(Variable::zeros(DType::Uint8, &[LENGTH])?)?;
        graph.track(root, "values", values)?;
        let manager = Manager::open(&Checkpoint::new(&graph, root)?, directory, &setup.options())?;
        Ok(Program { graph, values, setup, manager })
    }

    /// Saves the values of `attempt`.
    pub fn save(&self, storage: &dyn Storage, attempt: u64) -> Result<PathBuf, Error> {
        self.graph.assign(self.values, DType::Uint8, &[LENGTH], &values(attempt))?;
        // One thread, so that every run is the same.
        let write = WriteOptions::new().shards(self.setup.shards).threads(1);
        let options = ManagerSaveOptions::new().save(SaveOptions::new().write(write)).metric((attempt % 7) as f64);
        self.manager.save_on(storage, &options).map(Option::unwrap_or_default)
    }
}

const LENGTH: i64 = 300;

/// Values that no other attempt has. The first eight bytes are the number of the attempt.
fn values(attempt: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        (0..LENGTH as u64).map(|i| (attempt.wrapping_mul(0x9e37_79b9).wrapping_add(i * i) >> 5) as u8).collect();
    bytes[..8].copy_from_slice(&attempt.to_le_bytes());
    bytes
}

/// The attempt that a checkpoint is from, if it is intact.
pub(super) fn attempt_of(prefix: &Path) -> Result<u64, String> {
    let read = || -> Result<Vec<u8>, Error> { Reader::open(prefix)?.get("values/.ATTRIBUTES/VARIABLE_VALUE")?.read() };
    let bytes = read().map_err(|e| format!("{} is broken: {e}", prefix.display()))?;
    let attempt = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    if bytes == values(attempt) {
        Ok(attempt)
    } else {
        Err(format!("{} is a mix", prefix.display()))
    }
}

/// The attempt that a program finds as the latest checkpoint; `None` if there is none.
pub(super) fn latest_attempt(directory: &Path) -> Result<Option<u64>, String> {
    judge::latest(directory)?.map(|latest| attempt_of(&latest)).transpose()
}

/// Resumes in a directory and saves once. Then fails unless the directory's files are exactly those
/// of the managed checkpoints, all intact.
pub(super) fn resume_and_save(directory: &Path, setup: Setup, excused: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let program = Program::resumed(directory, setup).map_err(|e| format!("resuming: {e}"))?;
    let path = program.save(&Local, u64::MAX - 1).map_err(|e| format!("the next save: {e}"))?;
    let mut managed: BTreeSet<PathBuf> = program.manager.checkpoints().into_iter().collect();
    if !managed.contains(&path) || latest_attempt(directory)? != Some(u64::MAX - 1) {
        return Err("the next save is not the latest".into());
    }
    if setup.keep.is_some_and(|keep| managed.len() > keep as usize) {
        return Err(format!("{} checkpoints are managed", managed.len()));
    }
    managed.extend(program.manager.best_checkpoints().unwrap().into_iter().map(|(path, _)| path));
    let most = setup.keep.unwrap_or(i64::MAX).saturating_add(setup.best as i64);
    if managed.len() as i64 > most {
        return Err(format!("{} checkpoints stay", managed.len()));
    }
    let mut expected: BTreeSet<String> = ["checkpoint".to_owned(), "checkpoint.manager".to_owned()].into();
    for prefix in &managed {
        attempt_of(prefix)?;
        let name = prefix.file_name().unwrap().to_str().unwrap();
        expected.extend(judge::files_of(directory, name));
    }
    let there = judge::names_in(directory).into_iter();
    let left: Vec<String> = there.filter(|name| !expected.contains(name) && !excused(name)).collect();
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("after the next save there are {left:?}"))
    }
}
