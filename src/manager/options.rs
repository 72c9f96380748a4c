//! The options of a manager: managing, saving and resuming.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::bundle::{Asked, Locking};
use crate::checkpoint::{Log, RestoreOptions, SaveOptions, Severity};
use crate::directory::{Better, Clock, Retention, SystemClock};
use crate::error::{printable, Error, Result};
use crate::graph::{Failure, NodeId};

/// A function that gives the program its first values, called if there is no checkpoint to restore.
/// It may use the graph.
pub type Init = Arc<dyn Fn() -> std::result::Result<(), Failure> + Send + Sync>;

/// Options of a manager. By default it keeps all checkpoints.
#[derive(Clone)]
pub struct ManagerOptions {
    pub(super) max_to_keep: Option<i64>,
    pub(super) keep_every_n_hours: Option<f64>,
    pub(super) best: Option<(usize, Better)>,
    pub(super) checkpoint_name: OsString,
    pub(super) step_counter: Option<NodeId>,
    pub(super) checkpoint_interval: Option<i64>,
    pub(super) last_checkpoint_step: Option<i64>,
    pub(super) init: Option<Init>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: Option<Log>,
    /// Whether each call gives the step instead of a counter.
    pub(super) steps_in_calls: bool,
    pub(super) asked: Asked,
}

impl Default for ManagerOptions {
    fn default() -> ManagerOptions {
        ManagerOptions {
            max_to_keep: None,
            keep_every_n_hours: None,
            best: None,
            checkpoint_name: "ckpt".into(),
            step_counter: None,
            checkpoint_interval: None,
            last_checkpoint_step: None,
            init: None,
            clock: Arc::new(SystemClock),
            log: None,
            steps_in_calls: false,
            asked: Asked::default(),
        }
    }
}

impl fmt::Debug for ManagerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerOptions")
            .field("max_to_keep", &self.max_to_keep)
            .field("keep_every_n_hours", &self.keep_every_n_hours)
            .field("best", &self.best)
            .field("checkpoint_name", &self.checkpoint_name)
            .field("step_counter", &self.step_counter)
            .field("checkpoint_interval", &self.checkpoint_interval)
            .field("last_checkpoint_step", &self.last_checkpoint_step)
            .finish_non_exhaustive()
    }
}

impl ManagerOptions {
    /// Creates options with the defaults.
    pub fn new() -> ManagerOptions {
        ManagerOptions::default()
    }

    /// Keeps the newest `count` checkpoints. [`Manager::open`](super::Manager::open) refuses values
    /// below 1.
    pub fn max_to_keep(mut self, count: i64) -> ManagerOptions {
        self.max_to_keep = Some(count);
        self
    }

    /// Permanently keeps one otherwise expired checkpoint per `hours` hours. 0, the default, keeps
    /// none. [`Manager::open`](super::Manager::open) refuses values that are negative or not
    /// finite.
    pub fn keep_checkpoint_every_n_hours(mut self, hours: f64) -> ManagerOptions {
        self.keep_every_n_hours = Some(hours);
        self
    }

    /// Also keeps the best `count` checkpoints by the metric that each save gives. Of equal metrics
    /// the newer checkpoint is better. A checkpoint without a metric, or whose metric is NaN, is
    /// never among the best.
    ///
    /// Metrics are stored in a file of their own, `checkpoint.manager`. Checkpoints that TensorFlow
    /// saves in the meantime have no metric. TensorFlow does not remove checkpoints that are kept
    /// only because they are among the best.
    pub fn keep_best(mut self, count: usize, better: Better) -> ManagerOptions {
        self.best = Some((count, better));
        self
    }

    /// Sets the name of checkpoints, which are called `NAME-NUMBER`; `ckpt` by default. It must not
    /// contain `/` or NUL.
    pub fn checkpoint_name(mut self, name: impl Into<OsString>) -> ManagerOptions {
        self.checkpoint_name = name.into();
        self
    }

    /// Sets the integer scalar that counts the program's steps, for
    /// [`ManagerOptions::checkpoint_interval`].
    pub fn step_counter(mut self, counter: NodeId) -> ManagerOptions {
        self.step_counter = Some(counter);
        self
    }

    /// Sets whether each call gives the step ([`ManagerSaveOptions::step`],
    /// [`ResumeOptions::step`]) instead of a counter; false by default.
    pub fn steps_in_calls(mut self, in_calls: bool) -> ManagerOptions {
        self.steps_in_calls = in_calls;
        self
    }

    /// Saves only if at least `steps` steps have passed since the last save. The steps come from a
    /// step counter or from each call; [`Manager::open`](super::Manager::open) fails if neither is
    /// set.
    pub fn checkpoint_interval(mut self, steps: i64) -> ManagerOptions {
        self.checkpoint_interval = Some(steps);
        self
    }

    /// Sets the step of the last save, from which the interval is counted. By default the first
    /// save is never too early.
    pub fn last_checkpoint_step(mut self, step: i64) -> ManagerOptions {
        self.last_checkpoint_step = Some(step);
        self
    }

    /// Sets the function that [`restore_or_initialize`](super::Manager::restore_or_initialize)
    /// calls if there is no checkpoint.
    pub fn init(mut self, init: Init) -> ManagerOptions {
        self.init = Some(init);
        self
    }

    /// Sets whether the directory is locked; [`Locking::IfPossible`] by default. It applies to all
    /// saves whose own options do not say.
    pub fn locking(mut self, locking: Locking) -> ManagerOptions {
        self.asked.locking = Some(locking);
        self
    }

    /// Sets how long a save waits while another process or thread writes the same checkpoint or
    /// changes the state of the directory; 60 seconds by default. Zero fails at once. Another
    /// manager of the directory is never waited for.
    pub fn lock_wait(mut self, limit: Duration) -> ManagerOptions {
        self.asked.wait = Some(limit);
        self
    }

    /// Replaces the machine's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> ManagerOptions {
        self.clock = clock;
        self
    }

    /// Sets the log, which is called about state files that cannot be parsed, old checkpoints that
    /// cannot be removed, saves in the background that failed and the like. No lock of the manager
    /// is held during the call. Without it, saves in the background use the checkpoint's log.
    pub fn log_to(mut self, log: Log) -> ManagerOptions {
        self.log = Some(log);
        self
    }

    pub(super) fn log(&self, severity: Severity, text: &str) {
        if let Some(log) = &self.log {
            log(severity, text);
        }
    }

    /// Checks the options. Returns the rule that decides which checkpoints are kept.
    pub(super) fn check(&self) -> Result<Retention> {
        let max_to_keep = match self.max_to_keep {
            None => None,
            Some(count) if count > 0 => Some(usize::try_from(count).unwrap_or(usize::MAX)),
            Some(count) => {
                return Err(Error::argument(format!("Expected a positive integer or `None` for `max_to_keep`, got {count}.")))
            }
        };
        if self.checkpoint_interval.is_some() && self.step_counter.is_none() && !self.steps_in_calls {
            return Err(Error::argument("`step_counter` should be passed if `checkpoint_interval` is not None."));
        }
        if !super::is_name(&self.checkpoint_name) {
            return Err(Error::argument("a checkpoint's name must not contain a directory")
                .expecting("a name", format_args!("\"{}\"", printable(self.checkpoint_name.as_encoded_bytes()))));
        }
        let rule = Retention { max_to_keep, keep_every_n_hours: self.keep_every_n_hours, best: self.best };
        rule.check().map(|()| rule)
    }
}

/// A number, or the integer scalar that holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Value(i64),
    Of(NodeId),
}

/// Options of one save by a manager.
#[derive(Clone, Debug)]
pub struct ManagerSaveOptions {
    pub(super) number: Option<Number>,
    pub(super) check_interval: bool,
    pub(super) step: Option<i64>,
    pub(super) metric: Option<f64>,
    pub(super) metric_of: Option<NodeId>,
    pub(super) save: SaveOptions,
}

impl Default for ManagerSaveOptions {
    fn default() -> ManagerSaveOptions {
        ManagerSaveOptions {
            number: None,
            check_interval: true,
            step: None,
            metric: None,
            metric_of: None,
            save: SaveOptions::default(),
        }
    }
}

impl ManagerSaveOptions {
    /// Creates options with the defaults.
    pub fn new() -> ManagerSaveOptions {
        ManagerSaveOptions::default()
    }

    /// Sets the checkpoint's number, in place of the save counter's value. The counter is
    /// incremented all the same. (`checkpoint_number`)
    pub fn number(mut self, number: i64) -> ManagerSaveOptions {
        self.number = Some(Number::Value(number));
        self
    }

    /// Sets the checkpoint's number to the value of an integer scalar, which stays unchanged.
    pub fn number_of(mut self, node: NodeId) -> ManagerSaveOptions {
        self.number = Some(Number::Of(node));
        self
    }

    /// Sets whether the save is skipped if it is too early
    /// ([`ManagerOptions::checkpoint_interval`]); true by default. A step that was already saved is
    /// never saved again.
    pub fn check_interval(mut self, check: bool) -> ManagerSaveOptions {
        self.check_interval = check;
        self
    }

    /// Sets the program's step, in place of the step counter's value.
    pub fn step(mut self, step: i64) -> ManagerSaveOptions {
        self.step = Some(step);
        self
    }

    /// Sets the metric of this checkpoint, for [`ManagerOptions::keep_best`].
    pub fn metric(mut self, metric: f64) -> ManagerSaveOptions {
        self.metric = Some(metric);
        self
    }

    /// Sets the metric of this checkpoint to the value of a scalar: float32, float64 or an integer.
    pub fn metric_of(mut self, node: NodeId) -> ManagerSaveOptions {
        self.metric_of = Some(node);
        self
    }

    /// Sets how files are written, including the callbacks.
    pub fn save(mut self, options: SaveOptions) -> ManagerSaveOptions {
        self.save = options;
        self
    }
}

/// Options for resuming.
#[derive(Clone, Debug, Default)]
pub struct ResumeOptions {
    pub(super) latest_valid: bool,
    pub(super) step: Option<i64>,
    pub(super) restore: RestoreOptions,
}

impl ResumeOptions {
    /// Creates options with the defaults.
    pub fn new() -> ResumeOptions {
        ResumeOptions::default()
    }

    /// Restores the newest valid checkpoint instead of the latest. This reads every byte of it once
    /// more. False by default.
    pub fn latest_valid(mut self, valid: bool) -> ResumeOptions {
        self.latest_valid = valid;
        self
    }

    /// Sets the program's step after the restore, in place of the step counter's value.
    pub fn step(mut self, step: i64) -> ResumeOptions {
        self.step = Some(step);
        self
    }

    /// Sets how the checkpoint is restored.
    pub fn restore(mut self, options: RestoreOptions) -> ResumeOptions {
        self.restore = options;
        self
    }
}
