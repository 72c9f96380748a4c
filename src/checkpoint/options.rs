//! How graphs are saved and restored.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::bundle::{ReadOptions, WriteOptions};
use crate::graph::Failure;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
#[non_exhaustive]
pub enum Severity {
    /// What happened.
    Info = 1,
    /// What may be a mistake.
    Warning = 2,
    /// What went wrong.
    Error = 3,
}

/// Hears messages, one line each. It is called on the thread whose call they are about; calling the graph from it fails.
pub type Log = Arc<dyn Fn(Severity, &str) + Send + Sync>;

/// Called when the files of a checkpoint are complete, with its path. An error ends the call, which then returns it; the checkpoint stays.
/// Of a save in the background it is called on that thread, and must not wait for that save.
pub type WriteCallback = Arc<dyn Fn(&Path) -> std::result::Result<(), Failure> + Send + Sync>;

/// Hears how many bytes are done, and of how many, on the thread that saves, in the background on that one; and may stop it.
pub type SaveProgress = Arc<dyn Fn(u64, u64) -> ControlFlow<()> + Send + Sync>;

/// What a save does while an earlier one of the same checkpoint is still running in the background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Busy {
    /// It waits for that.
    #[default]
    Wait = 0,
    /// It fails with `UNAVAILABLE`; nothing is counted.
    Fail = 1,
}

/// How a graph is saved (`tf.train.CheckpointOptions`). Clones share the callbacks.
#[derive(Clone, Default)]
pub struct SaveOptions {
    pub(crate) write: WriteOptions,
    pub(crate) busy: Busy,
    pub(crate) callbacks: Vec<WriteCallback>,
    pub(crate) progress: Option<SaveProgress>,
}

impl fmt::Debug for SaveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveOptions").field("write", &self.write).field("callbacks", &self.callbacks.len()).finish()
    }
}

impl SaveOptions {
    /// The defaults.
    pub fn new() -> SaveOptions {
        SaveOptions::default()
    }

    /// How the files are written.
    pub fn write(mut self, options: WriteOptions) -> SaveOptions {
        self.write = options;
        self
    }

    /// Adds a callback, which is called after those added before, when the files are complete and before the state file says so.
    /// (`experimental_write_callbacks`)
    pub fn callback(mut self, callback: WriteCallback) -> SaveOptions {
        self.callbacks.push(callback);
        self
    }

    /// What to do while an earlier save of the checkpoint is running; by default to wait.
    pub fn busy(mut self, busy: Busy) -> SaveOptions {
        self.busy = busy;
        self
    }

    /// Has `progress` called now and then.
    pub fn progress(mut self, progress: SaveProgress) -> SaveOptions {
        self.progress = Some(progress);
        self
    }
}

/// What to do about a value that does not fit: another dtype or shape, or none where the program's object needs one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Mismatch {
    /// Nothing at all is restored, and the call fails.
    #[default]
    Fail = 0,
    /// That value is left out; the report has it.
    Skip = 1,
}

/// How a checkpoint is restored.
///
/// Paths are those of keys: escaped names of edges joined by `/`, as [`Row::path`](super::Row::path) has them. Globs know `*` (within a name), `**` (any
/// number of names), `?`, `[...]` and `{a,b}`.
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    pub(crate) read: ReadOptions,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) renames: Vec<(String, String)>,
    pub(crate) on_mismatch: Mismatch,
    pub(crate) skip_slot_variables: bool,
    pub(crate) subtree: Option<String>,
    pub(crate) verify_first: bool,
}

impl RestoreOptions {
    /// The defaults.
    pub fn new() -> RestoreOptions {
        RestoreOptions::default()
    }

    /// How values are read: threads, checksums.
    pub fn read(mut self, options: ReadOptions) -> RestoreOptions {
        self.read = options;
        self
    }

    /// Restores only values whose path in the checkpoint one of the included globs matches. What is left out is skipped, and assertions do not ask for it.
    pub fn include(mut self, glob: &str) -> RestoreOptions {
        self.include.push(glob.to_owned());
        self
    }

    /// Leaves out values whose path in the checkpoint the glob matches, also included ones.
    pub fn exclude(mut self, glob: &str) -> RestoreOptions {
        self.exclude.push(glob.to_owned());
        self
    }

    /// Takes what the checkpoint has at `old` for what the program has at `new`: paths of objects, each with all that is below. Renames are done in the order in which
    /// they were added.
    pub fn rename(mut self, old: &str, new: &str) -> RestoreOptions {
        self.renames.push((old.to_owned(), new.to_owned()));
        self
    }

    /// What to do about values that do not fit.
    pub fn on_mismatch(mut self, mismatch: Mismatch) -> RestoreOptions {
        self.on_mismatch = mismatch;
        self
    }

    /// Leaves slot variables as they are; assertions do not ask for them. (`experimental_skip_slot_variables`)
    pub fn skip_slot_variables(mut self, skip: bool) -> RestoreOptions {
        self.skip_slot_variables = skip;
        self
    }

    /// Restores only what the checkpoint has below `path`, as if the object there had been its root.
    pub fn subtree(mut self, path: &str) -> RestoreOptions {
        self.subtree = Some(path.to_owned());
        self
    }

    /// Reads all values and compares their checksums before the first is assigned, so that only a fault in between can leave some restored and some not.
    /// Values are read twice.
    pub fn verify_first(mut self, verify: bool) -> RestoreOptions {
        self.verify_first = verify;
        self
    }

    /// Whether the value at `path` is wanted.
    pub(crate) fn wants(&self, path: &str) -> bool {
        let any = |globs: &[String]| globs.iter().any(|glob| fast_glob::glob_match(glob, path));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// Whether all values are wanted.
    pub(crate) fn wants_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }
}
