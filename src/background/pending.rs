//! What the caller has of a call in the background.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::control::Control;
use super::job::Job;
use super::meter::{Meter, Phase, PhaseCost};
use crate::error::{Code, Error, Reason, Result};
use crate::storage::Location;

/// A call that runs in the background, on a thread of the library, and gives a `T`. Several threads
/// may use it at once.
///
/// The functions that end in `_async` give one. All of them share a few threads, which end when
/// there is nothing to do; calls that find no thread wait their turn. Dropping it does not stop the
/// call. [`Pending::take`] waits for the result, [`Pending::notify`] tells when there is one.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("model");
/// # checkpoint::Writer::new(&path, &checkpoint::WriteOptions::new())?.finish()?;
/// use checkpoint::{OpenOptions, Reader};
///
/// let pending = Reader::open_async(&path, &OpenOptions::new())?;
/// // ... something else ...
/// let reader: Reader = pending.take()?;
/// # assert!(reader.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Saves
///
/// The error of a save never makes another save fail: it is returned by [`Pending::wait`] or, if
/// nobody has called that, by [`Checkpoint::sync`](crate::Checkpoint::sync); it is in the log; and
/// [`Checkpoint::last_failure`](crate::Checkpoint::last_failure) gives it. The last clone of the
/// checkpoint waits for the save when it is dropped. If the program exits before the save is over,
/// what was there before is still there.
///
/// ```
/// # use checkpoint::{Checkpoint, DType, Graph, Reader, SaveOptions, Variable};
/// # let directory = tempfile::tempdir()?;
/// # let graph = Graph::new();
/// # let root = graph.add_object()?;
/// # let step = graph.add_variable(Variable::zeros(DType::Int64, &[])?)?;
/// # graph.track(root, "step", step)?;
/// # let program = Checkpoint::new(&graph, root)?;
/// let pending = program.save_async(directory.path().join("ckpt"), &SaveOptions::new())?;
/// // The values were copied: the program goes on and changes them.
/// graph.assign(step, DType::Int64, &[], &1i64.to_ne_bytes())?;
/// let path = pending.wait()?; // complete, and on disk
/// let reader = Reader::open(&path)?;
/// let saved = reader.get("step/.ATTRIBUTES/VARIABLE_VALUE")?;
/// assert_eq!(saved.read()?, 0i64.to_ne_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pending<T = PathBuf> {
    job: Arc<Job>,
    /// The result, once there is one and until it is taken.
    result: Arc<Mutex<Option<T>>>,
}

/// How far a call in the background is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingProgress {
    /// The number of bytes written, read or verified so far.
    pub done: u64,
    /// The number of bytes to write, read or verify, as far as it is known.
    pub total: u64,
    /// Whether the call is over, successfully or not. It ends some time after the last byte.
    pub is_finished: bool,
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending(\"{}\", {:?})", self.path().display(), self.poll())
    }
}

impl<T: Send + 'static> Pending<T> {
    /// A call that has not begun; `path` is what it is about. It does not begin its work if it was
    /// cancelled before.
    pub(crate) fn new(path: Location, work: impl FnOnce(&Control) -> Result<T> + Send + 'static) -> Pending<T> {
        let result = Arc::new(Mutex::new(None));
        let place = result.clone();
        let work = move |job: &Arc<Job>| {
            let control = Control::of_job(job);
            control.check().map_err(|e| e.in_file(job.path()))?;
            *place.lock() = Some(work(&control)?);
            Ok(())
        };
        Pending { job: Job::new(path, false, Meter::default(), Box::new(work)), result }
    }

    /// Has a thread of the library do the work.
    pub(crate) fn launched(path: Location, work: impl FnOnce(&Control) -> Result<T> + Send + 'static) -> Result<Pending<T>> {
        let pending = Pending::new(path, work);
        pending.job.launch()?;
        Ok(pending)
    }
}

impl<T> Pending<T> {
    /// That of a job whose result is known before it has ended.
    pub(crate) fn of(job: Arc<Job>, result: T) -> Pending<T> {
        Pending { job, result: Arc::new(Mutex::new(Some(result))) }
    }

    pub(crate) fn job(&self) -> &Arc<Job> {
        &self.job
    }

    /// Returns the path that the call was given or, for a save, that of the checkpoint.
    pub fn path(&self) -> &Path {
        self.job.path()
    }

    /// Returns how far the call is. Never waits.
    pub fn poll(&self) -> PendingProgress {
        let is_finished = self.job.has_ended();
        let (done, total) = self.job.progress();
        PendingProgress { done, total, is_finished }
    }

    /// Waits until the call is over and takes its result, once.
    ///
    /// # Errors
    /// Those of the call. No other call then reports them. And:
    /// * `CANCELLED` ([`Reason::Callback`]): the call was cancelled.
    /// * `INTERNAL` ([`Reason::Panic`]): a callback panicked.
    /// * `FAILED_PRECONDITION` ([`Reason::Reentrant`]): called from a callback of this call.
    /// * `FAILED_PRECONDITION` ([`Reason::Forked`]): this process was forked from the one that made
    ///   the call.
    /// * `FAILED_PRECONDITION` ([`Reason::Argument`]): the result was taken before.
    pub fn take(&self) -> Result<T> {
        self.end()?;
        self.result.lock().take().ok_or_else(|| {
            Error::new(Code::FailedPrecondition, Reason::Argument, "the result was taken before").in_file(self.path())
        })
    }

    /// Waits for the end, and returns the error if there is one.
    fn end(&self) -> Result<()> {
        self.job.wait()?;
        self.job.outcome()
    }

    /// Waits until the call is over, at most `limit`, and returns whether it is over. In a callback
    /// of the same call it does not wait. An error of the call still counts as not reported.
    pub fn wait_for(&self, limit: Duration) -> bool {
        self.job.wait_until(Instant::now().checked_add(limit))
    }

    /// Has `ended` called once when the call is over, on a thread of the library, also if it is
    /// over already. It may call anything, this object and the graph included, but should not take
    /// long: it keeps one of a few threads from the calls that are waiting. Functions that are
    /// given before the end are called in that order.
    ///
    /// # Errors
    /// After an error it is not called.
    /// * `RESOURCE_EXHAUSTED`: the call is over, and no thread can be started.
    /// * `FAILED_PRECONDITION` ([`Reason::Forked`]): as for [`Pending::take`].
    pub fn notify(&self, ended: Box<dyn FnOnce() + Send>) -> Result<()> {
        self.job.listen(ended)
    }

    /// Asks the call to stop soon. If it has done everything by then, it succeeds;
    /// [`Pending::take`] returns which of the two happened.
    ///
    /// A cancelled save or merge leaves what was there before and nothing new; no other call
    /// reports it. A restore that is cancelled before the first value is assigned leaves the graph
    /// unchanged; later, [`Checkpoint::last_report`](crate::Checkpoint::last_report) says what was
    /// assigned.
    pub fn cancel(&self) {
        self.job.cancel();
    }

    /// The same call without its result.
    pub fn untyped(&self) -> Pending<()> {
        Pending::of(self.job.clone(), ())
    }
}

impl Pending<()> {
    /// Waits until the call is over. Further calls return the same.
    ///
    /// # Errors
    /// Those of [`Pending::take`].
    pub fn wait(&self) -> Result<()> {
        self.end()
    }
}

impl Pending<PathBuf> {
    /// Waits until the save is over and returns the path of the checkpoint. Further calls return
    /// the same result.
    ///
    /// # Errors
    /// Those of the save, as of [`Checkpoint::write`](crate::Checkpoint::write) or
    /// [`Manager::save`](crate::Manager::save), except those that the call that started it has
    /// returned; and those of [`Pending::take`].
    pub fn wait(&self) -> Result<PathBuf> {
        self.end()?;
        Ok(self.path().to_owned())
    }

    /// Returns what a phase of the save has cost so far; all of it once the save is over. Never
    /// waits.
    pub fn phase(&self, phase: Phase) -> PhaseCost {
        self.job.meter().cost(phase)
    }
}
