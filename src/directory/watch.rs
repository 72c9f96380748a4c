//! Waiting for new checkpoints.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::background::{Cancel, Control};
use crate::error::{Code, Result};
use crate::log::{Listener, Log};
use crate::reader::latest_in;
use crate::storage::{Location, Origin};

/// For how many seconds a state file that cannot be used is taken for one that is being written.
const PATIENCE: f64 = 10.0;

/// For how many seconds a wait that can be cancelled sleeps at a time.
const STEP: f64 = 0.05;

/// The time, and waiting. A program or a test can supply its own implementation.
pub trait Clock: Send + Sync {
    /// The time in seconds since the epoch.
    fn now(&self) -> f64;

    /// Seconds since a fixed but arbitrary moment, independent of changes to the wall clock.
    fn elapsed(&self) -> f64 {
        self.now()
    }

    /// Waits for `seconds` seconds. An error ends the call that was waiting, which returns it.
    ///
    /// # Errors
    /// Chosen by the implementation.
    fn sleep(&self, seconds: f64) -> Result<()>;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> f64 {
        (**self).now()
    }

    fn elapsed(&self) -> f64 {
        (**self).elapsed()
    }

    fn sleep(&self, seconds: f64) -> Result<()> {
        (**self).sleep(seconds)
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> f64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        }
    }

    fn elapsed(&self) -> f64 {
        static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        START.elapsed().as_secs_f64()
    }

    fn sleep(&self, seconds: f64) -> Result<()> {
        if let Ok(duration) = Duration::try_from_secs_f64(seconds) {
            std::thread::sleep(duration);
        }
        Ok(())
    }
}

/// Options for waiting for checkpoints. Times are in seconds.
#[derive(Clone)]
pub struct WaitOptions<'a> {
    timeout: Option<f64>,
    poll_interval: f64,
    min_interval: f64,
    clock: Arc<dyn Clock + 'a>,
    /// Whether the clock is the machine's.
    is_system: bool,
    control: Control,
    log: Listener,
}

impl Default for WaitOptions<'_> {
    fn default() -> Self {
        WaitOptions {
            timeout: None,
            poll_interval: 1.0,
            min_interval: 0.0,
            clock: Arc::new(SystemClock),
            is_system: true,
            control: Control::default(),
            log: Listener::default(),
        }
    }
}

impl<'a> WaitOptions<'a> {
    /// Creates options with the defaults: check every second, without a timeout.
    pub fn new() -> WaitOptions<'a> {
        WaitOptions::default()
    }

    /// Sets the timeout in seconds. The wait ends early if the next check would come after the
    /// timeout, so a timeout shorter than the poll interval checks once.
    pub fn timeout(mut self, seconds: f64) -> WaitOptions<'a> {
        self.timeout = Some(seconds);
        self
    }

    /// Sets the time between two checks, in seconds; 1 by default.
    pub fn poll_interval(mut self, seconds: f64) -> WaitOptions<'a> {
        self.poll_interval = seconds;
        self
    }

    /// Sets the least time between two checkpoints of a [`CheckpointsIterator`], in seconds; 0 by
    /// default. Of the checkpoints that appear in the meantime, all but the last are skipped.
    pub fn min_interval(mut self, seconds: f64) -> WaitOptions<'a> {
        self.min_interval = seconds;
        self
    }

    /// Replaces the machine's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock + 'a>) -> WaitOptions<'a> {
        (self.clock, self.is_system) = (clock, false);
        self
    }

    /// Sets a flag that cancels the wait, which then fails with `CANCELLED`, within 50 ms if the
    /// clock is the machine's.
    pub fn cancel<'c>(mut self, cancel: impl Into<Option<&'c Cancel>>) -> WaitOptions<'a> {
        self.control = Control::of(cancel.into());
        self
    }

    /// Waits for `seconds` seconds, or until it is cancelled.
    fn sleep(&self, seconds: f64) -> Result<()> {
        if !self.is_system || !self.control.is_watched() {
            return self.clock.sleep(seconds);
        }
        let end = self.clock.elapsed() + seconds;
        while !self.control.is_cancelled() && self.clock.elapsed() < end {
            self.clock.sleep((end - self.clock.elapsed()).min(STEP))?;
        }
        Ok(())
    }

    /// Sets the log, which hears once of a state file that cannot be used for now, and how the path
    /// of a checkpoint that is returned was understood where that may surprise.
    pub fn log_to(mut self, log: Log) -> WaitOptions<'a> {
        self.log = Listener::new(Some(log));
        self
    }
}

/// Waits until the latest checkpoint of `directory` differs from `last`, and returns it; `None`
/// after the timeout.
///
/// A state file that cannot be used may be one that another program is writing. It is read again
/// until it can be used, for at most 10 seconds.
///
/// # Errors
/// * `DATA_LOSS`: the state file cannot be parsed, or names no latest checkpoint (`NoCheckpoint`),
///   and did not become usable.
/// * `CANCELLED` (`Callback`): a flag of the options was raised.
/// * The error of the clock.
pub fn wait_for_new_checkpoint(
    directory: impl AsRef<Path>,
    last: Option<&Path>,
    options: &WaitOptions<'_>,
) -> Result<Option<PathBuf>> {
    let directory = &Location::of(directory)?;
    let stop = options.timeout.map(|timeout| options.clock.elapsed() + timeout);
    let mut faulty_since = None;
    loop {
        options.control.check().map_err(|e| e.in_file(directory))?;
        let fault = match latest_in(directory) {
            Ok(Some((Some(path), remarks))) if last != Some(&path) => {
                options.log.warn(remarks);
                return Ok(Some(path));
            }
            Ok(_) => None,
            Err(e) if e.code() == Code::DataLoss => Some(e),
            Err(e) => return Err(e),
        };
        let now = options.clock.elapsed();
        let is_over = stop.is_some_and(|stop| now + options.poll_interval > stop);
        let mut pause = options.poll_interval;
        match fault {
            None if is_over => return Ok(None),
            None => faulty_since = None,
            Some(e) => {
                let is_first = faulty_since.is_none();
                let left = *faulty_since.get_or_insert(now) + PATIENCE - now;
                if is_over || left <= 0.0 {
                    return Err(e);
                }
                if is_first {
                    options.log.warn([format!("{e}; the state file may be being written: it is read again")]);
                }
                pause = pause.min(left);
            }
        }
        options.sleep(pause)?;
    }
}

/// An iterator over the checkpoints of a directory as they appear
/// (`tf.train.checkpoints_iterator`).
///
/// It returns only the latest checkpoint and skips those that appeared before it. It never returns
/// the same path twice in a row. An error ends the iteration, unless it is `DATA_LOSS`: the state
/// file cannot be used, and the next call waits again. In a process that was forked after it was
/// made it fails with `FAILED_PRECONDITION` (`Forked`).
pub struct CheckpointsIterator<'a> {
    directory: PathBuf,
    options: WaitOptions<'a>,
    /// Called after a timeout and after each checkpoint; returns whether the iteration ends.
    is_done: Option<Box<dyn FnMut() -> bool + 'a>>,
    last: Option<PathBuf>,
    /// When the last checkpoint was returned, by [`Clock::elapsed`].
    given: Option<f64>,
    ended: bool,
    origin: Origin,
}

impl<'a> CheckpointsIterator<'a> {
    /// Creates an iterator over the checkpoints of `directory`, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>, options: &WaitOptions<'a>) -> CheckpointsIterator<'a> {
        let directory = directory.into();
        let (options, origin) = (options.clone(), Origin::here());
        CheckpointsIterator { directory, options, is_done: None, last: None, given: None, ended: false, origin }
    }

    /// Calls `is_done` after each timeout and after each checkpoint; if it returns true, the
    /// iteration ends (`timeout_fn`). Without `is_done`, a timeout ends the iteration.
    pub fn until(mut self, is_done: Box<dyn FnMut() -> bool + 'a>) -> CheckpointsIterator<'a> {
        self.is_done = Some(is_done);
        self
    }

    fn advance(&mut self) -> Result<Option<PathBuf>> {
        self.origin.check()?;
        if let Some(given) = self.given.take() {
            let rest = given + self.options.min_interval - self.options.clock.elapsed();
            if rest > 0.0 {
                self.options.sleep(rest)?;
            }
            if self.is_done.as_mut().is_some_and(|is_done| is_done()) {
                return Ok(None);
            }
        }
        loop {
            if let Some(path) = wait_for_new_checkpoint(&self.directory, self.last.as_deref(), &self.options)? {
                self.given = Some(self.options.clock.elapsed());
                self.last = Some(path.clone());
                return Ok(Some(path));
            }
            if self.is_done.as_mut().is_none_or(|is_done| is_done()) {
                return Ok(None);
            }
        }
    }
}

impl Iterator for CheckpointsIterator<'_> {
    type Item = Result<PathBuf>;

    fn next(&mut self) -> Option<Result<PathBuf>> {
        if self.ended {
            return None;
        }
        let next = self.advance().transpose();
        self.ended = match &next {
            Some(Ok(_)) => false,
            Some(Err(e)) => e.code() != Code::DataLoss,
            None => true,
        };
        next
    }
}
