//! Saves in the background: what is saved is copied first, then written on a thread while the program goes on.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{numbered, save, Busy, Checkpoint, SaveOptions};
use crate::bundle::{Snapshot, SnapshotMemory};
use crate::directory;
use crate::error::{Code, Error, Reason, Result};
use crate::graph::Nodes;
use crate::storage::{Local, Storage};

/// What is done when the files are written and the write callbacks have run, or one of both failed; on the background thread. It gives the outcome of the save.
pub(crate) type After = Box<dyn FnOnce(&dyn Storage, &Path, Result<()>) -> Result<()> + Send>;

/// A save that runs in the background.
///
/// Dropping it changes nothing: the save goes on. An error that nobody has asked for by then comes out of the checkpoint's next save, or [`Checkpoint::sync`]; it is lost only
/// with the checkpoint itself, whose last clone waits for the save when it is dropped.
/// A program that ends without waiting, with the checkpoint still in use, leaves what was there before.
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
pub struct Pending(Arc<Job>);

/// How far a save in the background is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingProgress {
    /// Bytes that are written.
    pub done: u64,
    /// Bytes that are to be written.
    pub total: u64,
    /// Whether the save is over, well or not; all bytes are written some time before that.
    pub is_finished: bool,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending(\"{}\", {:?})", self.0.path.display(), self.poll())
    }
}

impl Pending {
    /// The path of the checkpoint that is being written.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// How far it is. This never waits.
    pub fn poll(&self) -> PendingProgress {
        let is_finished = self.0.state.lock().outcome.is_some();
        PendingProgress { done: self.0.done.load(Ordering::Relaxed), total: self.0.total, is_finished }
    }

    /// Waits until the save is over, and gives the path of the checkpoint. It may be called again, and says the same then.
    ///
    /// # Errors
    /// * What the save would have reported that is not known before anything is written: as for [`Checkpoint::write`], and of a manager's as for
    ///   [`Manager::save`](crate::Manager::save). No other call reports it then.
    /// * `CANCELLED` when it was cancelled.
    /// * `INTERNAL` when a callback panicked.
    /// * `FAILED_PRECONDITION` in a callback of this very save.
    pub fn wait(&self) -> Result<PathBuf> {
        self.0.wait()?;
        let mut state = self.0.state.lock();
        state.is_unread = false;
        match &state.outcome {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(self.0.path.clone()),
        }
    }

    /// Waits until the save is over, but not longer than `limit`, and says whether it is; in a callback of this very save it does not wait. It asks for no error: that is still
    /// to be heard of.
    pub fn wait_for(&self, limit: Duration) -> bool {
        let end = Instant::now().checked_add(limit);
        let is_own = self.0.is_current();
        let mut state = self.0.state.lock();
        while state.outcome.is_none() && !is_own {
            match end {
                Some(end) if self.0.ended.wait_until(&mut state, end).timed_out() => break,
                Some(_) => {}
                None => self.0.ended.wait(&mut state),
            }
        }
        state.outcome.is_some()
    }

    /// Ends the save soon, unless all is written by then. What was there before is still there, and nothing new; [`Pending::wait`] says whether it came to that.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
    }
}

/// What the background thread shares with those who wait for it. It holds nothing of the checkpoint's, whose last holder waits for the thread.
struct Job {
    path: PathBuf,
    done: AtomicU64,
    total: u64,
    is_cancelled: AtomicBool,
    thread: OnceLock<ThreadId>,
    state: Mutex<JobState>,
    ended: Condvar,
}

#[derive(Default)]
struct JobState {
    /// None while it runs.
    outcome: Option<Result<()>>,
    /// Whether there is an error that nobody has heard of.
    is_unread: bool,
}

impl Job {
    fn is_running(&self) -> bool {
        self.state.lock().outcome.is_none()
    }

    /// Whether this is the thread that saves.
    fn is_current(&self) -> bool {
        self.thread.get() == Some(&thread::current().id())
    }

    fn wait(&self) -> Result<()> {
        if self.is_current() {
            return Err(Error::new(
                Code::FailedPrecondition,
                Reason::Reentrant,
                "a callback must not wait for the save that called it",
            )
            .in_file(&self.path));
        }
        let mut state = self.state.lock();
        while state.outcome.is_none() {
            self.ended.wait(&mut state);
        }
        Ok(())
    }

    /// Fails with the error that nobody has heard of.
    fn hear(&self) -> Result<()> {
        let mut state = self.state.lock();
        match &state.outcome {
            Some(Err(error)) if state.is_unread => {
                let error = error.clone();
                state.is_unread = false;
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// What the thread does. Everything that is the caller's is let go of before anyone hears that it is over.
    fn run(&self, snapshot: Snapshot, storage: Arc<dyn Storage>, options: SaveOptions, after: After) -> SnapshotMemory {
        let _ = self.thread.set(thread::current().id());
        let mut memory = SnapshotMemory::default();
        let outcome = guarded(|| {
            let (kept, written) = snapshot.finish_on(&*storage, &mut |done, total| self.report(&options, done, total));
            memory = kept;
            written?;
            save::call_back(&options, &self.path)
        });
        let outcome = guarded(|| after(&*storage, &self.path, outcome));
        let outcome = guarded(|| {
            drop(options);
            outcome
        });
        let mut state = self.state.lock();
        // Who cancelled knows.
        state.is_unread = outcome.as_ref().is_err_and(|e| e.code() != Code::Cancelled);
        state.outcome = Some(outcome);
        self.ended.notify_all();
        memory
    }

    fn report(&self, options: &SaveOptions, done: u64, total: u64) -> ControlFlow<()> {
        self.done.store(done, Ordering::Relaxed);
        if let Some(progress) = options.progress.as_ref().filter(|_| !self.is_cancelled.load(Ordering::Relaxed)) {
            progress(done, total)?;
        }
        if self.is_cancelled.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Runs what may panic in a callback.
fn guarded(body: impl FnOnce() -> Result<()>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no message");
        Err(Error::new(Code::Internal, Reason::Panic, format!("the save panicked in the background: {text}")))
    })
}

/// The last save of a checkpoint in the background.
#[derive(Default)]
pub(super) struct Slot(Mutex<LastSave>);

#[derive(Default)]
struct LastSave {
    job: Option<Arc<Job>>,
    thread: Option<JoinHandle<SnapshotMemory>>,
    /// What the thread gave back.
    memory: SnapshotMemory,
}

impl Slot {
    fn job(&self) -> Option<Arc<Job>> {
        self.0.lock().job.clone()
    }

    /// Takes the memory for the next snapshot. The thread, if there is one, has ended but for giving it back.
    fn take_memory(&self) -> SnapshotMemory {
        let mut last = self.0.lock();
        match last.thread.take().map(JoinHandle::join) {
            Some(Ok(memory)) => memory,
            _ => std::mem::take(&mut last.memory),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let thread = self.0.get_mut().thread.take();
        // A callback may have been the last that held the checkpoint: then this is the thread itself.
        if let Some(thread) = thread.filter(|t| t.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

/// What came of a turn with the graph's lock.
enum Turn<R, B> {
    Done(R),
    /// This save has to end first, before what there is to do is tried again.
    Wait(Arc<Job>, B),
}

impl Checkpoint {
    /// Copies what [`Checkpoint::save`] would write, and does the rest in the background: writes the files, calls the write callbacks, has the state file name the checkpoint.
    /// When this returns the program may change everything; what is saved is what was there. Custom states, savers and devices are asked on this thread, before it returns.
    ///
    /// The copy is made by several threads at once, into memory that the checkpoint keeps for the next one.
    ///
    /// # Errors
    /// What can be known before anything is written; else [`Pending::wait`] has it.
    /// * `FAILED_PRECONDITION` when a variable has no value yet, or the graph has a list or slot that cannot be saved; `ABORTED` when a callback fails.
    /// * `RESOURCE_EXHAUSTED` when there is no memory for the copy, or no thread. The count stands, as after those before.
    /// * `UNAVAILABLE` when an earlier save is still running, if so asked ([`SaveOptions::busy`]); the error of an earlier one that nobody has heard of. Nothing is counted
    ///   and nothing saved then.
    pub fn save_async(&self, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<Pending> {
        self.save_async_on(Arc::new(Local), prefix.as_ref(), options)
    }

    pub(crate) fn save_async_on(&self, storage: Arc<dyn Storage>, prefix: &Path, options: &SaveOptions) -> Result<Pending> {
        self.when_idle(Some(options.busy), |nodes| {
            let path = numbered(prefix, self.advance(nodes)?);
            let durability = options.write.durability;
            let after: After = Box::new(move |storage, path, written| {
                written?;
                directory::record_save(storage, path, durability)
            });
            self.start(nodes, storage, path, options, after)
        })
    }

    /// Copies what [`Checkpoint::write`] would write, and does the rest in the background, as [`Checkpoint::save_async`] does.
    ///
    /// # Errors
    /// As for [`Checkpoint::save_async`].
    pub fn write_async(&self, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<Pending> {
        self.write_async_on(Arc::new(Local), prefix.as_ref(), options)
    }

    pub(crate) fn write_async_on(&self, storage: Arc<dyn Storage>, prefix: &Path, options: &SaveOptions) -> Result<Pending> {
        self.when_idle(Some(options.busy), |nodes| {
            self.start(nodes, storage, prefix.to_owned(), options, Box::new(|_, _, written| written))
        })
    }

    /// Waits for the save that is running in the background, if there is one.
    ///
    /// # Errors
    /// That of the last one, if nobody has heard of it yet. `FAILED_PRECONDITION` in a callback of that save.
    pub fn sync(&self) -> Result<()> {
        match self.0.slot.job() {
            Some(job) => job.wait().and_then(|()| job.hear()),
            None => Ok(()),
        }
    }

    /// Runs `body` with the graph's lock while no save runs in the background. A call that saves says what it does about one that is running, and fails with the error of the
    /// last one if nobody has heard of it.
    pub(crate) fn when_idle<R>(&self, saves: Option<Busy>, body: impl FnOnce(&mut Nodes) -> Result<R>) -> Result<R> {
        let mut body = body;
        loop {
            // Whoever starts one has the graph's lock; it is waited for without, since its callbacks may need that.
            let turn = self.0.graph.with(|nodes| match self.running(saves)? {
                Some(job) => Ok(Turn::Wait(job, body)),
                None => body(nodes).map(Turn::Done),
            })?;
            match turn {
                Turn::Done(done) => return Ok(done),
                Turn::Wait(job, later) => {
                    if saves == Some(Busy::Fail) {
                        let busy = Error::new(Code::Unavailable, Reason::Busy, "an earlier save is still running");
                        return Err(busy.in_file(&job.path));
                    }
                    job.wait()?;
                    body = later;
                }
            }
        }
    }

    /// The save that is running. Of one that has ended, a call that saves hears the error if nobody
    /// has heard of it.
    fn running(&self, saves: Option<Busy>) -> Result<Option<Arc<Job>>> {
        match self.0.slot.job() {
            Some(job) if job.is_running() => Ok(Some(job)),
            Some(job) if saves.is_some() => job.hear().map(|()| None),
            _ => Ok(None),
        }
    }

    /// Copies, and starts the thread. No other is running.
    pub(crate) fn start(
        &self,
        nodes: &mut Nodes,
        storage: Arc<dyn Storage>,
        path: PathBuf,
        options: &SaveOptions,
        after: After,
    ) -> Result<Pending> {
        let mut memory = self.0.slot.take_memory();
        let attached = self.attached();
        let snapshot = save::snapshot(nodes, self.as_root(&attached), &path, options, &mut memory);
        self.0.slot.0.lock().memory = memory;
        let snapshot = snapshot?;
        let job = Arc::new(Job {
            path,
            done: AtomicU64::new(0),
            total: snapshot.total(),
            is_cancelled: AtomicBool::new(false),
            thread: OnceLock::new(),
            state: Mutex::default(),
            ended: Condvar::new(),
        });
        let (of_thread, options) = (job.clone(), options.clone());
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || of_thread.run(snapshot, storage, options, after))
            .map_err(|e| {
                Error::new(Code::ResourceExhausted, Reason::Io, format!("no thread for the save: {e}")).in_file(&job.path)
            })?;
        let mut last = self.0.slot.0.lock();
        (last.job, last.thread) = (Some(job.clone()), Some(thread));
        Ok(Pending(job))
    }
}
