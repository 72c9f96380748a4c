//! Options of savers.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::options::{Log, SaveOptions, Severity};
use crate::bundle::{Access, Asked, Locking, Notes};
use crate::directory::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::graph::{NodeId, Nodes};
use crate::reader::STATE_FILE;

/// Options of a [`Saver`](super::Saver): how it numbers and keeps checkpoints. Clones share the
/// clock and the log.
#[derive(Clone)]
pub struct SaverOptions {
    /// `None` keeps all checkpoints; the state file then lists only the newest.
    pub(super) max_to_keep: Option<usize>,
    pub(super) keep_every_n_hours: f64,
    pub(super) pad_step_number: bool,
    pub(super) relative_paths: bool,
    pub(super) reshape: bool,
    pub(super) restore_only: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: Option<Log>,
    pub(super) asked: Asked,
}

impl Default for SaverOptions {
    fn default() -> SaverOptions {
        SaverOptions {
            max_to_keep: Some(5),
            keep_every_n_hours: 10_000.0,
            pad_step_number: false,
            relative_paths: true,
            reshape: false,
            restore_only: false,
            clock: Arc::new(SystemClock),
            log: None,
            asked: Asked::default(),
        }
    }
}

impl fmt::Debug for SaverOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaverOptions")
            .field("max_to_keep", &self.max_to_keep)
            .field("keep_every_n_hours", &self.keep_every_n_hours)
            .field("pad_step_number", &self.pad_step_number)
            .field("relative_paths", &self.relative_paths)
            .field("reshape", &self.reshape)
            .field("restore_only", &self.restore_only)
            .finish_non_exhaustive()
    }
}

impl SaverOptions {
    /// The defaults.
    pub fn new() -> SaverOptions {
        SaverOptions::default()
    }

    /// Keeps the newest `count` checkpoints; 5 by default. 0 keeps all of them, but the state file
    /// then lists only the newest.
    pub fn max_to_keep(mut self, count: usize) -> SaverOptions {
        self.max_to_keep = (count > 0).then_some(count);
        self
    }

    /// Permanently keeps one otherwise expired checkpoint per `hours` hours, counted from when the
    /// saver was made; 10 000 by default. 0 or less keeps every checkpoint.
    /// [`Saver::new`](super::Saver::new) refuses NaN.
    pub fn keep_checkpoint_every_n_hours(mut self, hours: f64) -> SaverOptions {
        self.keep_every_n_hours = hours;
        self
    }

    /// Writes steps with at least eight digits if `pad` is true: `model-00000012`. False by
    /// default.
    pub fn pad_step_number(mut self, pad: bool) -> SaverOptions {
        self.pad_step_number = pad;
        self
    }

    /// Sets whether the state file names checkpoints relative to its own directory, so that the
    /// directory can be moved. True by default; TensorFlow by default writes the paths as they were
    /// given.
    pub fn save_relative_paths(mut self, relative: bool) -> SaverOptions {
        self.relative_paths = relative;
        self
    }

    /// Restores values into variables of another shape with as many elements if `reshape` is true;
    /// a variable keeps its own shape. Variables on devices and parts of tensors are not reshaped.
    /// False by default. (`Saver(reshape=True)`)
    pub fn reshape(mut self, reshape: bool) -> SaverOptions {
        self.reshape = reshape;
        self
    }

    /// If `only` is true, the saver restores and cannot save, and several objects may have the same
    /// name: each of them takes the value. False by default.
    /// (`tf.compat.v1.train.init_from_checkpoint`)
    pub fn restore_only(mut self, only: bool) -> SaverOptions {
        self.restore_only = only;
        self
    }

    /// Sets the clock; that of the machine by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> SaverOptions {
        self.clock = clock;
        self
    }

    /// Sets whether the directory is locked; [`Locking::IfPossible`] by default. The options of a
    /// write can say otherwise for one save.
    pub fn locking(mut self, locking: Locking) -> SaverOptions {
        self.asked.locking = Some(locking);
        self
    }

    /// Sets how long to wait for a lock that another process or thread holds; 60 seconds by
    /// default. Zero fails at once.
    pub fn lock_wait(mut self, limit: Duration) -> SaverOptions {
        self.asked.wait = Some(limit);
        self
    }

    /// Sets the log, which gets warnings about expired checkpoints that cannot be removed and the
    /// like. No lock is held during the call.
    pub fn log_to(mut self, log: Log) -> SaverOptions {
        self.log = Some(log);
        self
    }

    pub(super) fn warn(&self, texts: &[String]) {
        if let Some(log) = &self.log {
            texts.iter().for_each(|text| log(Severity::Warning, text));
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.keep_every_n_hours {
            hours if hours.is_nan() => Err(Error::argument("keep_checkpoint_every_n_hours must be a number, got NaN")),
            _ => Ok(()),
        }
    }
}

/// A step, or the variable that has it.
#[derive(Clone, Copy, Debug)]
enum Step {
    Number(i64),
    Of(NodeId),
}

/// Options of one save by a saver.
#[derive(Clone, Debug)]
pub struct SaverSaveOptions {
    step: Option<Step>,
    pub(super) latest_filename: OsString,
    pub(super) write_state: bool,
    pub(super) save: SaveOptions,
}

impl Default for SaverSaveOptions {
    fn default() -> SaverSaveOptions {
        SaverSaveOptions { step: None, latest_filename: STATE_FILE.into(), write_state: true, save: SaveOptions::default() }
    }
}

impl SaverSaveOptions {
    /// The defaults.
    pub fn new() -> SaverSaveOptions {
        SaverSaveOptions::default()
    }

    /// Appends `-STEP` to the prefix.
    pub fn global_step(mut self, step: i64) -> SaverSaveOptions {
        self.step = Some(Step::Number(step));
        self
    }

    /// Appends `-STEP` to the prefix, where the step is the value of `node`, an integer scalar of
    /// the saver's graph.
    pub fn global_step_of(mut self, node: NodeId) -> SaverSaveOptions {
        self.step = Some(Step::Of(node));
        self
    }

    /// Sets the name of the state file; `checkpoint` by default. Several savers of one directory
    /// may each have their own.
    pub fn latest_filename(mut self, name: impl Into<OsString>) -> SaverSaveOptions {
        self.latest_filename = name.into();
        self
    }

    /// Sets whether the checkpoint is recorded in the state file and by the saver, which then
    /// removes expired ones. True by default.
    pub fn write_state(mut self, write: bool) -> SaverSaveOptions {
        self.write_state = write;
        self
    }

    /// Sets how files are written, including write callbacks and progress.
    pub fn save(mut self, options: SaveOptions) -> SaverSaveOptions {
        self.save = options;
        self
    }

    /// These options for a saver with those options, which takes locks so.
    pub(super) fn with_access(&self, saver: &SaverOptions, notes: &Notes) -> SaverSaveOptions {
        let mut options = self.clone();
        options.save = self.save.with_access(Access::new(self.save.write.asked.or(saver.asked), notes));
        options
    }

    pub(super) fn step(&self, nodes: &Nodes) -> Result<Option<i64>> {
        match self.step {
            None => Ok(None),
            Some(Step::Number(step)) => Ok(Some(step)),
            Some(Step::Of(node)) => nodes.read_integer(node).map(Some),
        }
    }
}
