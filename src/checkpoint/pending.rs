//! Saves in the background: the values are copied first and then written on another thread while
//! the program continues.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{log_notes, numbered, save, Busy, Checkpoint, Log, SaveOptions, Severity};
use crate::bundle::{Snapshot, SnapshotMemory};
use crate::directory;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::Nodes;
use crate::storage::{lock_of, Location, Origin, Storage};

/// Called on the background thread with the result of writing the files and calling the write
/// callbacks. Returns the outcome of the save.
pub(crate) type After = Box<dyn FnOnce(&dyn Storage, &Location, Result<()>) -> Result<()> + Send>;

/// A save that runs in the background, on a thread of the library. Several threads may use it at
/// once.
///
/// Dropping it does not stop the save. An error of the save never makes another save fail: it is
/// returned by [`Pending::wait`] or, if nobody has called that, by [`Checkpoint::sync`]; it is in
/// the log; and [`Checkpoint::last_failure`] gives it. The last clone of the checkpoint waits for
/// the save when it is dropped.
///
/// If the program exits before the save is over, what was there before is still there.
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

/// The progress of a save in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingProgress {
    /// The number of bytes written so far.
    pub done: u64,
    /// The number of bytes to write.
    pub total: u64,
    /// Whether the save is over, successfully or not. It ends some time after the last byte is
    /// written.
    pub is_finished: bool,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending(\"{}\", {:?})", self.0.path.display(), self.poll())
    }
}

impl Pending {
    /// Returns the path of the checkpoint that is being written.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the progress of the save. Never waits.
    pub fn poll(&self) -> PendingProgress {
        let is_finished = lock_of(&self.0.state, self.0.origin).is_some_and(|state| state.outcome.is_some());
        PendingProgress { done: self.0.done.load(Ordering::Relaxed), total: self.0.total, is_finished }
    }

    /// Waits until the save is over and returns the path of the checkpoint. Further calls return
    /// the same result.
    ///
    /// # Errors
    /// Those of the save, as of [`Checkpoint::write`] or [`Manager::save`](crate::Manager::save),
    /// except those that the call that started it has returned. No other call then reports them.
    /// And:
    /// * `CANCELLED`: the save was cancelled.
    /// * `INTERNAL` ([`Reason::Panic`]): a callback panicked.
    /// * `FAILED_PRECONDITION` ([`Reason::Reentrant`]): called from a callback of this save.
    /// * `FAILED_PRECONDITION` ([`Reason::Forked`]): this process was forked from the saving one.
    pub fn wait(&self) -> Result<PathBuf> {
        self.0.wait()?;
        let mut state = self.0.state.lock();
        state.is_unread = false;
        match &state.outcome {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(self.0.path.clone().into_path()),
        }
    }

    /// Waits until the save is over, at most `limit`, and returns whether it is over. In a callback
    /// of the same save it does not wait. An error of the save still counts as not reported.
    pub fn wait_for(&self, limit: Duration) -> bool {
        if !self.0.origin.is_here() {
            return self.poll().is_finished;
        }
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

    /// Asks the save to stop soon. If everything is already written, the save completes;
    /// [`Pending::wait`] returns which of the two happened. A cancelled save leaves what was there
    /// before and nothing new; no other call reports it.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
    }
}

/// State that the background thread shares with the threads that wait for it. It must not hold a
/// clone of the checkpoint, because dropping the last clone waits for the thread.
struct Job {
    path: Location,
    done: AtomicU64,
    total: u64,
    is_cancelled: AtomicBool,
    /// The background thread, once it runs.
    thread: OnceLock<ThreadId>,
    state: Mutex<JobState>,
    ended: Condvar,
    origin: Origin,
    /// Receives the error of the save.
    failure: Arc<Mutex<Option<Error>>>,
}

#[derive(Default)]
struct JobState {
    /// `None` while the save runs.
    outcome: Option<Result<()>>,
    /// Whether the outcome is an error that has not been reported yet.
    is_unread: bool,
}

impl Job {
    fn is_running(&self) -> bool {
        self.state.lock().outcome.is_none()
    }

    /// Returns whether the calling thread is the one that saves.
    fn is_current(&self) -> bool {
        self.thread.get() == Some(&thread::current().id())
    }

    fn wait(&self) -> Result<()> {
        self.origin.check().map_err(|e| e.in_file(&self.path))?; // the thread is not in this process
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

    fn is_unread(&self) -> bool {
        self.state.lock().is_unread
    }

    /// Returns the error that has not been reported yet, which then counts as reported.
    fn take_error(&self) -> Result<()> {
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

    /// Runs the save on the background thread. All callbacks of the caller are dropped before the
    /// outcome is published.
    fn run(&self, snapshot: Snapshot, storage: Arc<dyn Storage>, options: SaveOptions, watch: Watch) -> SnapshotMemory {
        let Watch { after, log } = watch;
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
        // The caller who cancelled knows it, so this is not reported again.
        let failure = outcome.as_ref().err().filter(|e| e.code() != Code::Cancelled).cloned();
        // A panic of the log has no place to be reported.
        let _ = guarded(|| {
            if let (Some(log), Some(e)) = (log, &failure) {
                let path = printable(self.path.as_os_str().as_encoded_bytes());
                log(Severity::Error, &format!("the save of {path} in the background failed: {e}"));
            }
            Ok(())
        });
        let mut state = self.state.lock();
        state.is_unread = failure.is_some();
        let earlier = failure.and_then(|failure| self.failure.lock().replace(failure));
        state.outcome = Some(outcome);
        self.ended.notify_all();
        drop(state);
        drop(earlier); // without the locks: its cause is the program's
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

/// Runs code that may panic in a callback, and turns a panic into an error.
fn guarded(body: impl FnOnce() -> Result<()>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no message");
        Err(Error::new(Code::Internal, Reason::Panic, format!("the save panicked in the background: {text}")))
    })
}

/// What is called when a save in the background is over.
pub(crate) struct Watch {
    pub after: After,
    /// Receives the error of the save.
    pub log: Option<Log>,
}

/// The last save in the background of a checkpoint.
#[derive(Default)]
pub(super) struct Slot(Mutex<LastSave>, Origin);

#[derive(Default)]
struct LastSave {
    job: Option<Arc<Job>>,
    /// The first earlier save whose error has not been reported yet.
    unreported: Option<Arc<Job>>,
    /// The error of the last save that failed.
    failure: Arc<Mutex<Option<Error>>>,
    thread: Option<JoinHandle<SnapshotMemory>>,
    /// Memory of the last snapshot, to be reused for the next one.
    memory: SnapshotMemory,
}

impl Slot {
    fn job(&self) -> Option<Arc<Job>> {
        if !self.1.is_here() {
            return None; // its thread is not in this process
        }
        self.0.lock().job.clone()
    }

    /// Returns the first error that has not been reported yet, which then counts as reported.
    fn take_error(&self) -> Result<()> {
        let (earlier, last) = {
            let mut last = self.0.lock();
            (last.unreported.take(), last.job.clone())
        };
        [earlier, last].into_iter().flatten().try_for_each(|job| job.take_error())
    }

    /// Takes the memory for the next snapshot. The outcome of the last save must be known; the
    /// thread can then only be returning its memory.
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
        if !self.1.is_here() {
            std::mem::forget(thread); // it is not in this process
            return;
        }
        // A callback may have held the last clone of the checkpoint; then this runs on the
        // background thread itself, which cannot join itself.
        if let Some(thread) = thread.filter(|t| t.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

/// The result of one attempt with the graph's lock held.
enum Turn<R, B> {
    Done(R),
    /// This save must end before the body can run.
    Wait(Arc<Job>, B),
}

impl Checkpoint {
    /// Copies what [`Checkpoint::save`] would write and does the rest in the background: writes the
    /// files, calls the write callbacks, and makes the checkpoint the latest in the state file. The
    /// program may change everything as soon as this call returns; the values at the time of the
    /// call are saved.
    ///
    /// Callbacks of states, savers and devices are called before this call returns, on the calling
    /// thread. Progress and write callbacks are called on the background thread. Several threads
    /// make the copy, into memory that the checkpoint keeps for the next one.
    ///
    /// # Errors
    /// Errors that are known before anything is written are returned by this call:
    /// * `FAILED_PRECONDITION`: a variable has no value yet, or the graph contains a list or slot
    ///   that cannot be saved. The save counter stays incremented.
    /// * `ABORTED`: a callback failed. The save counter stays incremented.
    /// * `RESOURCE_EXHAUSTED`: there is not enough memory for the copy, or no thread can be
    ///   started. The save counter stays incremented.
    /// * `UNAVAILABLE` ([`Reason::Busy`]): an earlier save is still running and the options say
    ///   [`Busy::Fail`]. Nothing is counted.
    ///
    /// Every other error is returned by [`Pending::wait`].
    pub fn save_async(&self, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<Pending> {
        let prefix = Location::of(prefix)?;
        self.save_async_on(prefix.storage()?, &prefix, options)
    }

    pub(crate) fn save_async_on(&self, storage: Arc<dyn Storage>, prefix: &Location, options: &SaveOptions) -> Result<Pending> {
        self.with_locks(options, |options| {
            self.when_idle(Some(options.busy), |nodes| {
                let path = numbered(prefix, self.advance(nodes)?);
                let (durability, access) = (options.write.durability, options.access());
                let after = self.then_log(Box::new(move |storage, path, written| {
                    written?;
                    directory::record_save(storage, path, durability, &access)
                }));
                self.start(nodes, storage, path, options, Watch { after, log: self.log() })
            })
        })
    }

    /// Copies what [`Checkpoint::write`] would write and does the rest in the background, as
    /// [`Checkpoint::save_async`] does. Does not increment the save counter and does not change the
    /// state file.
    ///
    /// # Errors
    /// Those of [`Checkpoint::save_async`].
    pub fn write_async(&self, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<Pending> {
        let prefix = Location::of(prefix)?;
        self.write_async_on(prefix.storage()?, &prefix, options)
    }

    pub(crate) fn write_async_on(&self, storage: Arc<dyn Storage>, prefix: &Location, options: &SaveOptions) -> Result<Pending> {
        self.with_locks(options, |options| {
            self.when_idle(Some(options.busy), |nodes| {
                let watch = Watch { after: self.then_log(Box::new(|_, _, written| written)), log: self.log() };
                self.start(nodes, storage, prefix.to_owned(), options, watch)
            })
        })
    }

    /// The same, followed by what there is to say in the log about locks.
    fn then_log(&self, after: After) -> After {
        let (notes, log) = (self.0.notes.clone(), self.log());
        Box::new(move |storage, path, written| {
            let outcome = after(storage, path, written);
            log_notes(&notes, log.as_ref());
            outcome
        })
    }

    /// Waits for the save that is running in the background, if there is one.
    ///
    /// # Errors
    /// * The error of a save in the background that has not been reported yet: of the first one,
    ///   then of the last.
    /// * `FAILED_PRECONDITION` ([`Reason::Reentrant`]): called from a callback of that save.
    pub fn sync(&self) -> Result<()> {
        self.check_origin()?;
        if let Some(job) = self.0.slot.job() {
            job.wait()?;
        }
        self.0.slot.take_error()
    }

    /// Returns the error of the last save in the background that failed, whether or not it has been
    /// reported; `None` if none has failed. Later saves that succeed do not change it, and a
    /// cancelled save has not failed. Never waits.
    pub fn last_failure(&self) -> Option<Error> {
        let failure = lock_of(&self.0.slot.0, self.0.origin)?.failure.clone();
        let error = lock_of(&failure, self.0.origin)?.clone();
        error
    }

    /// Runs `body` with the graph's lock while no save runs in the background. `saves` is `Some` if
    /// the call saves, and says what to do about a save that is running.
    pub(crate) fn when_idle<R>(&self, saves: Option<Busy>, body: impl FnOnce(&mut Nodes) -> Result<R>) -> Result<R> {
        let mut body = body;
        loop {
            // A save is started with the graph's lock held, so none can start during the check.
            // Waiting for one happens without the lock, because its callbacks may need it.
            let turn = self.0.graph.with(|nodes| match self.running() {
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

    /// Returns the save that is running, if any.
    fn running(&self) -> Option<Arc<Job>> {
        self.0.slot.job().filter(|job| job.is_running())
    }

    /// Returns the log.
    pub(crate) fn log(&self) -> Option<Log> {
        self.0.state.lock().log.clone()
    }

    /// Copies the values and starts the background thread. No other save may be running.
    pub(crate) fn start(
        &self,
        nodes: &mut Nodes,
        storage: Arc<dyn Storage>,
        path: Location,
        options: &SaveOptions,
        watch: Watch,
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
            origin: Origin::here(),
            failure: self.0.slot.0.lock().failure.clone(),
        });
        let (of_thread, options) = (job.clone(), options.clone());
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || of_thread.run(snapshot, storage, options, watch))
            .map_err(|e| {
                Error::new(Code::ResourceExhausted, Reason::Io, format!("cannot start a thread for the save: {e}"))
                    .in_file(&job.path)
            })?;
        let mut last = self.0.slot.0.lock();
        if last.unreported.as_ref().is_none_or(|earlier| !earlier.is_unread()) {
            last.unreported = last.job.take().filter(|earlier| earlier.is_unread());
        }
        (last.job, last.thread) = (Some(job.clone()), Some(thread));
        Ok(Pending(job))
    }
}
