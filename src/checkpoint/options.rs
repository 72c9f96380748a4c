//! Options for saving and restoring graphs.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::background::{Cancel, Control};
use crate::bundle::{Access, Notes, ReadOptions, WriteOptions};
use crate::error::{printable, Error, Result};
use crate::graph::Failure;
pub(crate) use crate::log::Listener;
pub use crate::log::{Log, Severity};
use crate::tensor::Conversion;

/// Called with the path of a checkpoint when its files are complete. If it returns an error, the
/// call that saves returns that error; the checkpoint stays.
///
/// For a save in the background it is called on the background thread and must not wait for that
/// save.
pub type WriteCallback = Arc<dyn Fn(&Path) -> std::result::Result<(), Failure> + Send + Sync>;

/// Receives the number of bytes written and the total number of bytes to write. May stop the save
/// by returning [`ControlFlow::Break`]. Called on the thread that saves, which for a save in the
/// background is the background thread.
pub type SaveProgress = Arc<dyn Fn(u64, u64) -> ControlFlow<()> + Send + Sync>;

/// What a save does while an earlier one of the same checkpoint is still running in the background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Busy {
    /// Wait for the earlier save; the default.
    #[default]
    Wait = 0,
    /// Fail with `UNAVAILABLE`; the save counter does not advance.
    Fail = 1,
}

/// Options of one save (`tf.train.CheckpointOptions`). Clones share the callbacks.
#[derive(Clone, Default)]
pub struct SaveOptions {
    pub(crate) write: WriteOptions,
    pub(crate) busy: Busy,
    pub(crate) callbacks: Vec<WriteCallback>,
    pub(crate) progress: Option<SaveProgress>,
    snapshot_limit: Option<u64>,
}

impl fmt::Debug for SaveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveOptions").field("write", &self.write).field("callbacks", &self.callbacks.len()).finish()
    }
}

impl SaveOptions {
    /// These options for a save that a manager records: until then its index has a second name.
    pub(crate) fn announced(&self, access: &Access) -> SaveOptions {
        let mut options = self.with_access(access.clone());
        options.write.announced = true;
        options
    }

    /// These options for a save by a handle that takes locks so.
    pub(crate) fn with_access(&self, access: Access) -> SaveOptions {
        let mut options = self.clone();
        options.write.access = Some(access);
        options
    }

    /// How locks are taken.
    pub(crate) fn access(&self) -> Access {
        self.write.access.clone().unwrap_or_else(|| Access::new(self.write.asked, &Notes::default()))
    }

    /// The defaults.
    pub fn new() -> SaveOptions {
        SaveOptions::default()
    }

    /// Sets how the files are written.
    pub fn write(mut self, options: WriteOptions) -> SaveOptions {
        self.write = options;
        self
    }

    /// Adds a callback that is called when the files are complete and before the state file is
    /// changed. Callbacks are called in the order in which they were added.
    /// (`experimental_write_callbacks`)
    pub fn callback(mut self, callback: WriteCallback) -> SaveOptions {
        self.callbacks.push(callback);
        self
    }

    /// Sets what to do while an earlier save of the checkpoint is running; by default, to wait.
    pub fn busy(mut self, busy: Busy) -> SaveOptions {
        self.busy = busy;
        self
    }

    /// Limits the memory that the copies of all saves in the background of this process take while
    /// they are written, in bytes. A save that would exceed it waits, before it copies anything,
    /// until others are written or, with [`Busy::Fail`], fails with `UNAVAILABLE`
    /// ([`Busy`](crate::Reason::Busy)). If its own copy is larger, it fails with
    /// `RESOURCE_EXHAUSTED`. Only saves in the background copy; there is no limit by default.
    ///
    /// Counted beforehand are the values of variables. What states and savers return is counted
    /// when it is copied, and keeps later saves waiting. Memory that a checkpoint keeps for its
    /// next copy, once one is written, is not counted.
    pub fn snapshot_limit(mut self, bytes: u64) -> SaveOptions {
        self.snapshot_limit = Some(bytes);
        self
    }

    /// The limit of the copies.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.snapshot_limit
    }

    /// Sets the callback that receives progress. It is called repeatedly during the save.
    pub fn progress(mut self, progress: SaveProgress) -> SaveOptions {
        self.progress = Some(progress);
        self
    }
}

/// What a restore does about a value that does not fit its object: one of another dtype or shape,
/// or one that the checkpoint lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Mismatch {
    /// The call fails and restores nothing; the default.
    #[default]
    Fail = 0,
    /// The value is skipped and recorded in the report.
    Skip = 1,
}

/// Options of one restore.
///
/// All paths in these options, but the new paths of renames, are paths in the checkpoint: below the
/// subtree if there is one, and before any rename. They are written as in keys: escaped names of
/// edges joined by `/`, as in [`Row::path`](super::Row::path). In a name-based checkpoint they are
/// the names of tensors, not escaped, and their scopes. Globs support `*` (within a name), `**`
/// (any number of names), `?`, `[...]` and `{a,b}`; a leading `!` negates one.
///
/// The checkpoint has `model/old/kernel` and `model/old/bias`; the program has `new/kernel`:
///
/// ```
/// # use checkpoint::RestoreOptions;
/// let options = RestoreOptions::new().subtree("model").rename("old", "new").exclude("old/bias");
/// ```
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    pub(crate) read: ReadOptions,
    /// Globs; empty includes everything.
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// Old and new paths, in the order in which they apply.
    pub(crate) renames: Vec<(String, String)>,
    pub(crate) on_mismatch: Mismatch,
    pub(crate) conversion: Conversion,
    pub(crate) skip_slot_variables: bool,
    pub(crate) subtree: Option<String>,
    pub(crate) verify_first: bool,
    /// Whether a value of another shape with as many elements fits. Set by savers.
    pub(crate) reshape: bool,
    pub(crate) control: Control,
    pub(crate) log: Listener,
}

impl RestoreOptions {
    /// The defaults.
    pub fn new() -> RestoreOptions {
        RestoreOptions::default()
    }

    /// Sets how values are read: threads, checksums. A dtype and a conversion are for reading
    /// alone: a restore refuses them.
    pub fn read(mut self, options: ReadOptions) -> RestoreOptions {
        self.read = options;
        self
    }

    /// Restores only values whose path in the checkpoint matches one of the included globs. Other
    /// values are skipped, and assertions do not require them. A glob that matches no value of the
    /// checkpoint is a row of the report and a warning in the log; a restore refuses a malformed
    /// one.
    pub fn include(mut self, glob: &str) -> RestoreOptions {
        self.include.push(glob.to_owned());
        self
    }

    /// Skips values whose path in the checkpoint matches the glob, even if they are included. Globs
    /// are treated as those of [`RestoreOptions::include`].
    pub fn exclude(mut self, glob: &str) -> RestoreOptions {
        self.exclude.push(glob.to_owned());
        self
    }

    /// Restores the object that the checkpoint has at path `old`, with everything below it, as the
    /// program's object at path `new`, which is a path from the program's root. Renames apply
    /// together, so that names can be exchanged.
    ///
    /// In a name-based checkpoint the value named `old`, and those in the scope `old/`, have the
    /// name `new` and the scope `new/` instead; either path may be empty or end in `/`, and of
    /// several old paths the longest counts. (the scopes of `tf.train.init_from_checkpoint`)
    pub fn rename(mut self, old: &str, new: &str) -> RestoreOptions {
        self.renames.push((old.to_owned(), new.to_owned()));
        self
    }

    /// Sets what to do about values that do not fit.
    pub fn on_mismatch(mut self, mismatch: Mismatch) -> RestoreOptions {
        self.on_mismatch = mismatch;
        self
    }

    /// Sets which values are converted to the dtypes of their variables; by default none, so that
    /// another dtype does not fit. A converted value has a row of its own state,
    /// [`RowState::Converted`](super::RowState::Converted).
    ///
    /// The dtypes decide what can be converted, before anything is assigned; where integers might
    /// not fit, they are read and looked at before that. Values are converted piece by piece while
    /// they are read, those on devices too. Variables that accept any dtype take the one that is
    /// stored; states get their tensors as they are stored.
    pub fn conversion(mut self, conversion: Conversion) -> RestoreOptions {
        self.conversion = conversion;
        self
    }

    /// Skips slot variables if `skip` is true; assertions do not require them.
    /// (`experimental_skip_slot_variables`)
    pub fn skip_slot_variables(mut self, skip: bool) -> RestoreOptions {
        self.skip_slot_variables = skip;
        self
    }

    /// Restores only the objects at and below `path` in the checkpoint, as if the object there were
    /// its root. In a name-based checkpoint `path` is a scope, which names in the program lack.
    pub fn subtree(mut self, path: &str) -> RestoreOptions {
        self.subtree = Some(path.to_owned());
        self
    }

    /// Verifies the checksums of all values before the first one is assigned. Values are then read
    /// twice, and only a fault between the two reads can leave some values restored and others not.
    pub fn verify_first(mut self, verify: bool) -> RestoreOptions {
        self.verify_first = verify;
        self
    }

    /// Sets a flag that cancels the call, which then fails with `CANCELLED`. Before the first value
    /// is assigned nothing is changed; after that,
    /// [`Checkpoint::last_report`](super::Checkpoint::last_report) says what was assigned. What is
    /// restored later, when objects are tracked, is not cancelled.
    pub fn cancel<'c>(mut self, cancel: impl Into<Option<&'c Cancel>>) -> RestoreOptions {
        self.control = Control::of(cancel.into());
        self
    }

    /// These options for a call that is watched as well.
    pub(crate) fn watched(&self, control: &Control) -> RestoreOptions {
        RestoreOptions { control: self.control.clone().and(control), ..self.clone() }
    }

    /// Who may cancel the call.
    pub(crate) fn control(&self) -> Control {
        self.control.clone().and(&self.read.control)
    }

    /// Sets the log of [`restore_nodes`](super::restore_nodes), which hears how the path was
    /// understood where that may surprise, and of globs that match nothing. A checkpoint, manager
    /// or saver has a log of its own.
    pub fn log_to(mut self, log: Log) -> RestoreOptions {
        self.log = Listener::new(Some(log));
        self
    }

    /// Returns whether the value at `path` is to be restored.
    pub(crate) fn wants(&self, path: &str) -> bool {
        let any = |globs: &[String]| globs.iter().any(|glob| fast_glob::glob_match(glob, path));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// Returns whether all values are to be restored.
    pub(crate) fn wants_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Fails if a glob is malformed, or an option of reading has no meaning in a restore.
    pub(crate) fn check(&self) -> Result<()> {
        if self.read.dtype.is_some() || self.read.conversion != Conversion::None {
            return Err(Error::argument(
                "a restore reads values as the dtypes of their variables: set the conversion of the restore, not of its read options",
            ));
        }
        self.include.iter().chain(&self.exclude).try_for_each(|glob| {
            fast_glob::validate(glob)
                .map_err(|e| Error::argument(format!("malformed glob \"{}\": {e}", printable(glob.as_bytes()))))
        })
    }

    /// Returns all globs, to find out which of them match nothing.
    pub(crate) fn unmatched(&self) -> Globs<'_> {
        Globs(self.include.iter().chain(&self.exclude).collect())
    }
}

/// The globs that no path has matched so far.
pub(crate) struct Globs<'o>(Vec<&'o String>);

impl Globs<'_> {
    /// Notes the path of a value.
    pub(crate) fn see(&mut self, path: &str) {
        self.0.retain(|glob| !fast_glob::glob_match(glob, path));
    }

    /// Returns the globs that nothing matched.
    pub(crate) fn left(self) -> Vec<String> {
        let mut left: Vec<String> = self.0.into_iter().cloned().collect();
        left.dedup();
        left
    }
}
