//! How a manager manages, saves, and resumes.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use crate::checkpoint::{Log, RestoreOptions, SaveOptions, Severity};
use crate::directory::{Better, Clock, Retention, SystemClock};
use crate::error::{printable, Error, Result};
use crate::graph::{Failure, NodeId};

/// Called where there is no checkpoint to restore. It may use the graph.
pub type Init = Arc<dyn Fn() -> std::result::Result<(), Failure> + Send + Sync>;

/// How a directory is managed. By default all checkpoints are kept.
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
    /// Steps are given in the call rather than by a counter.
    pub(super) steps_in_calls: bool,
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
    /// The defaults.
    pub fn new() -> ManagerOptions {
        ManagerOptions::default()
    }

    /// How many checkpoints stay, the newest: 1 or more.
    pub fn max_to_keep(mut self, count: i64) -> ManagerOptions {
        self.max_to_keep = Some(count);
        self
    }

    /// Of those that would be removed, keeps one for each so many hours for good; 0 for none.
    pub fn keep_checkpoint_every_n_hours(mut self, hours: f64) -> ManagerOptions {
        self.keep_every_n_hours = Some(hours);
        self
    }

    /// Keeps also the best `count` by the metric that each save gives. Of equal ones the newer is better; one without a metric, or with one that is no number, is
    /// never among them. Metrics are in a file of their own, `checkpoint.manager`: what TensorFlow saves in between has none, and removes none of these.
    pub fn keep_best(mut self, count: usize, better: Better) -> ManagerOptions {
        self.best = Some((count, better));
        self
    }

    /// What checkpoints are called: `NAME-NUMBER`; `ckpt` by default.
    pub fn checkpoint_name(mut self, name: impl Into<OsString>) -> ManagerOptions {
        self.checkpoint_name = name.into();
        self
    }

    /// The integer scalar that counts the program's steps, for [`ManagerOptions::checkpoint_interval`].
    pub fn step_counter(mut self, counter: NodeId) -> ManagerOptions {
        self.step_counter = Some(counter);
        self
    }

    /// Whether steps are given to each call ([`ManagerSaveOptions::step`], [`ResumeOptions::step`]) rather than by a counter; false by default.
    pub fn steps_in_calls(mut self, in_calls: bool) -> ManagerOptions {
        self.steps_in_calls = in_calls;
        self
    }

    /// Saves only when so many steps have gone by since the last save. Steps come from a counter or with each call.
    pub fn checkpoint_interval(mut self, steps: i64) -> ManagerOptions {
        self.checkpoint_interval = Some(steps);
        self
    }

    /// The step of the last save, to count the interval from. By default the first save is never too early.
    pub fn last_checkpoint_step(mut self, step: i64) -> ManagerOptions {
        self.last_checkpoint_step = Some(step);
        self
    }

    /// Called by [`restore_or_initialize`](super::Manager::restore_or_initialize) where there is no checkpoint.
    pub fn init(mut self, init: Init) -> ManagerOptions {
        self.init = Some(init);
        self
    }

    /// Another clock than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> ManagerOptions {
        self.clock = clock;
        self
    }

    /// Hears what the manager has to say. No lock of the manager is held meanwhile.
    pub fn log_to(mut self, log: Log) -> ManagerOptions {
        self.log = Some(log);
        self
    }

    pub(super) fn log(&self, severity: Severity, text: &str) {
        if let Some(log) = &self.log {
            log(severity, text);
        }
    }

    /// The rule by which checkpoints stay, if the options are possible.
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
            return Err(Error::argument("a checkpoint's name must be a name without directories")
                .expecting("a name", format_args!("\"{}\"", printable(self.checkpoint_name.as_encoded_bytes()))));
        }
        let rule = Retention { max_to_keep, keep_every_n_hours: self.keep_every_n_hours, best: self.best };
        rule.check().map(|()| rule)
    }
}

/// A number, or where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Value(i64),
    Of(NodeId),
}

/// How a manager saves.
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
    /// The defaults.
    pub fn new() -> ManagerSaveOptions {
        ManagerSaveOptions::default()
    }

    /// The checkpoint's number, in place of the save counter's, which counts all the same. (`checkpoint_number`)
    pub fn number(mut self, number: i64) -> ManagerSaveOptions {
        self.number = Some(Number::Value(number));
        self
    }

    /// The same by an integer scalar, which does not change.
    pub fn number_of(mut self, node: NodeId) -> ManagerSaveOptions {
        self.number = Some(Number::Of(node));
        self
    }

    /// Whether it may be too early; true by default. What was saved already at this step is not saved again in any case.
    pub fn check_interval(mut self, check: bool) -> ManagerSaveOptions {
        self.check_interval = check;
        self
    }

    /// The program's step, in place of the step counter's.
    pub fn step(mut self, step: i64) -> ManagerSaveOptions {
        self.step = Some(step);
        self
    }

    /// How good what is saved is, for [`ManagerOptions::keep_best`].
    pub fn metric(mut self, metric: f64) -> ManagerSaveOptions {
        self.metric = Some(metric);
        self
    }

    /// The same by a scalar of any real number.
    pub fn metric_of(mut self, node: NodeId) -> ManagerSaveOptions {
        self.metric_of = Some(node);
        self
    }

    /// How the checkpoint is written, and write callbacks.
    pub fn save(mut self, options: SaveOptions) -> ManagerSaveOptions {
        self.save = options;
        self
    }
}

/// How a program resumes.
#[derive(Clone, Debug, Default)]
pub struct ResumeOptions {
    pub(super) latest_valid: bool,
    pub(super) step: Option<i64>,
    pub(super) restore: RestoreOptions,
}

impl ResumeOptions {
    /// The defaults.
    pub fn new() -> ResumeOptions {
        ResumeOptions::default()
    }

    /// Restores the newest checkpoint that is whole rather than the latest, whatever it is. Every byte of it is read for that.
    pub fn latest_valid(mut self, valid: bool) -> ResumeOptions {
        self.latest_valid = valid;
        self
    }

    /// The program's step after restoring, in place of the step counter's.
    pub fn step(mut self, step: i64) -> ResumeOptions {
        self.step = Some(step);
        self
    }

    /// How the checkpoint is restored.
    pub fn restore(mut self, options: RestoreOptions) -> ResumeOptions {
        self.restore = options;
        self
    }
}
