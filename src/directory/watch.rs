//! Waiting for new checkpoints.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::Result;
use crate::reader::latest_checkpoint;

/// What time it is, and waiting: a program, or a test, may have its own.
pub trait Clock: Send + Sync {
    /// Seconds since the epoch.
    fn now(&self) -> f64;

    /// Seconds since some moment, which no change of the wall clock changes.
    fn elapsed(&self) -> f64 {
        self.now()
    }

    /// Waits so many seconds. An error ends what was waiting and is its error.
    ///
    /// # Errors
    /// The program's own.
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

/// The clock of the machine.
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

/// How to wait for checkpoints.
#[derive(Clone)]
pub struct WaitOptions<'a> {
    timeout: Option<f64>,
    poll_interval: f64,
    min_interval: f64,
    clock: Arc<dyn Clock + 'a>,
}

impl Default for WaitOptions<'_> {
    fn default() -> Self {
        WaitOptions { timeout: None, poll_interval: 1.0, min_interval: 0.0, clock: Arc::new(SystemClock) }
    }
}

impl<'a> WaitOptions<'a> {
    /// The defaults: a look each second, for ever.
    pub fn new() -> WaitOptions<'a> {
        WaitOptions::default()
    }

    /// Gives up rather than wait longer than so many seconds. Less than the time between two looks is one look.
    pub fn timeout(mut self, seconds: f64) -> WaitOptions<'a> {
        self.timeout = Some(seconds);
        self
    }

    /// The seconds between two looks.
    pub fn poll_interval(mut self, seconds: f64) -> WaitOptions<'a> {
        self.poll_interval = seconds;
        self
    }

    /// At least so many seconds between two checkpoints of a [`CheckpointsIterator`]. Those that come meanwhile, save the last, are missed.
    pub fn min_interval(mut self, seconds: f64) -> WaitOptions<'a> {
        self.min_interval = seconds;
        self
    }

    /// Another clock than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock + 'a>) -> WaitOptions<'a> {
        self.clock = clock;
        self
    }
}

/// Waits until the latest checkpoint of `directory` is another one than `last`, and returns it; None when time ran out.
///
/// # Errors
/// `DATA_LOSS` when the state file cannot be understood; the clock's own.
pub fn wait_for_new_checkpoint(
    directory: impl AsRef<Path>,
    last: Option<&Path>,
    options: &WaitOptions<'_>,
) -> Result<Option<PathBuf>> {
    let directory = directory.as_ref();
    let stop = options.timeout.map(|timeout| options.clock.elapsed() + timeout);
    loop {
        match latest_checkpoint(directory)? {
            Some(path) if last != Some(&path) => return Ok(Some(path)),
            _ if stop.is_some_and(|stop| options.clock.elapsed() + options.poll_interval > stop) => return Ok(None),
            _ => options.clock.sleep(options.poll_interval)?,
        }
    }
}

/// The checkpoints of a directory as they appear (`tf.train.checkpoints_iterator`). It gives the latest only, those between are missed;
/// and never the same path twice in a row.
pub struct CheckpointsIterator<'a> {
    directory: PathBuf,
    options: WaitOptions<'a>,
    /// Asked after a time-out, and after each checkpoint, whether there will be no more.
    is_done: Option<Box<dyn FnMut() -> bool + 'a>>,
    last: Option<PathBuf>,
    /// When the last one was given.
    given: Option<f64>,
    ended: bool,
}

impl<'a> CheckpointsIterator<'a> {
    /// The checkpoints of `directory`, which need not be there yet.
    pub fn new(directory: impl Into<PathBuf>, options: &WaitOptions<'a>) -> CheckpointsIterator<'a> {
        let directory = directory.into();
        CheckpointsIterator { directory, options: options.clone(), is_done: None, last: None, given: None, ended: false }
    }

    /// Asks `is_done` after each time-out, and after each checkpoint, whether there will be no more (`timeout_fn`). Without it a time-out is
    /// the end.
    pub fn until(mut self, is_done: Box<dyn FnMut() -> bool + 'a>) -> CheckpointsIterator<'a> {
        self.is_done = Some(is_done);
        self
    }

    fn advance(&mut self) -> Result<Option<PathBuf>> {
        if let Some(given) = self.given.take() {
            let rest = given + self.options.min_interval - self.options.clock.elapsed();
            if rest > 0.0 {
                self.options.clock.sleep(rest)?;
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
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
