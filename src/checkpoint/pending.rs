//! Saves in the background: the values are copied first and then written on another thread while
//! the program continues.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{log_notes, numbered, save, Busy, Checkpoint, Log, SaveOptions, Severity};
use crate::background::{guarded, wait_for_room, with_room_held, Job, Pending, Room};
use crate::bundle::{Snapshot, SnapshotMemory};
use crate::directory;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{busy_restoring, Nodes};
use crate::storage::{lock_of, Location, Origin, Storage};

/// Called on the background thread with the result of writing the files and calling the write
/// callbacks. Returns the outcome of the save.
pub(crate) type After = Box<dyn FnOnce(&dyn Storage, &Location, Result<()>) -> Result<()> + Send>;

/// What is called when a save in the background is over.
pub(crate) struct Watch {
    pub after: After,
    /// Receives the error of the save.
    pub log: Option<Log>,
}

/// What a save in the background does. It must not hold a clone of the checkpoint, because dropping
/// the last clone waits for it.
struct Task {
    path: Location,
    snapshot: Snapshot,
    storage: Arc<dyn Storage>,
    options: SaveOptions,
    watch: Watch,
    /// Where the memory of the snapshot goes.
    memory: Arc<Mutex<SnapshotMemory>>,
    room: Room,
    /// Receives the error of the save.
    failure: Arc<Mutex<Option<Error>>>,
}

impl Task {
    /// Saves. All callbacks of the caller are dropped before this returns.
    fn run(self, job: &Job) -> Result<()> {
        let Task { path, snapshot, storage, options, watch: Watch { after, log }, memory, room, failure } = self;
        let outcome = guarded(|| {
            let (kept, written) =
                with_room_held(|| snapshot.finish_on(&*storage, &mut |done, total| report(job, &options, done, total)));
            *memory.lock() = kept;
            drop(room);
            written?;
            save::call_back(&options, &path)
        });
        let outcome = guarded(|| after(&*storage, &path, outcome));
        let outcome = guarded(|| {
            drop(options);
            outcome
        });
        // The caller who cancelled knows it.
        let failed = outcome.as_ref().err().filter(|e| e.code() != Code::Cancelled).cloned();
        // A panic of the log has no place to be reported.
        let _ = guarded(|| {
            if let (Some(log), Some(e)) = (log, &failed) {
                let path = printable(path.as_os_str().as_encoded_bytes());
                log(Severity::Error, &format!("the save of {path} in the background failed: {e}"));
            }
            Ok(())
        });
        if failed.is_some() {
            *failure.lock() = failed;
        }
        outcome
    }
}

fn report(job: &Job, options: &SaveOptions, done: u64, total: u64) -> ControlFlow<()> {
    job.set_progress(done, total);
    if let Some(progress) = options.progress.as_ref().filter(|_| !job.is_cancelled()) {
        progress(done, total)?;
    }
    if job.is_cancelled() {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
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
    /// Memory of the last snapshot, to be reused for the next one.
    memory: Arc<Mutex<SnapshotMemory>>,
}

impl Slot {
    fn job(&self) -> Option<Arc<Job>> {
        if !self.1.is_here() {
            return None; // its thread is not in this process
        }
        self.0.lock().job.clone()
    }

    /// Returns the save that is running, if any.
    pub fn running(&self) -> Option<Arc<Job>> {
        self.job().filter(|job| job.is_running())
    }

    /// Returns the first error that has not been reported yet, which then counts as reported.
    fn take_error(&self) -> Result<()> {
        let (earlier, last) = {
            let mut last = self.0.lock();
            (last.unreported.take(), last.job.clone())
        };
        [earlier, last].into_iter().flatten().try_for_each(|job| job.take_error())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // A callback may have held the last clone of the checkpoint; then this runs on the
        // background thread itself, which does not wait for itself.
        if let Some(job) = self.0.get_mut().job.take() {
            job.wait_until(None);
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
            let room = self.room_for(options)?;
            self.when_idle(Some(options.busy), |nodes| {
                let path = numbered(prefix, self.advance(nodes)?);
                let (durability, access) = (options.write.durability, options.access());
                let after = self.then_log(Box::new(move |storage, path, written| {
                    written?;
                    directory::record_save(storage, path, durability, &access)
                }));
                self.start(nodes, storage, path, options, Watch { after, log: self.log() }, room)
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
            let room = self.room_for(options)?;
            self.when_idle(Some(options.busy), |nodes| {
                let watch = Watch { after: self.then_log(Box::new(|_, _, written| written)), log: self.log() };
                self.start(nodes, storage, prefix.to_owned(), options, watch, room)
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

    /// Waits until no restore in the background has the graph, or fails.
    pub(crate) fn wait_for_restores(&self, busy: Busy) -> Result<()> {
        while let Some(restore) = self.0.graph.restoring() {
            if busy == Busy::Fail {
                return Err(busy_restoring(&restore));
            }
            restore.wait()?;
        }
        Ok(())
    }

    /// Runs `body` with the graph's lock while no save runs in the background. `saves` is `Some` if
    /// the call saves, and says what to do about a save that is running.
    pub(crate) fn when_idle<R>(&self, saves: Option<Busy>, body: impl FnOnce(&mut Nodes) -> Result<R>) -> Result<R> {
        let mut body = body;
        loop {
            // A save is started with the graph's lock held, so none can start during the check.
            // Waiting for one happens without the lock, because its callbacks may need it.
            self.wait_for_restores(saves.unwrap_or_default())?;
            let turn = self.0.graph.enter(|nodes| match self.0.slot.running() {
                Some(job) => Ok(Turn::Wait(job, body)),
                None => body(nodes).map(Turn::Done),
            })?;
            match turn {
                Turn::Done(done) => return Ok(done),
                Turn::Wait(job, later) => {
                    if saves == Some(Busy::Fail) {
                        let busy = Error::new(Code::Unavailable, Reason::Busy, "an earlier save is still running");
                        return Err(busy.in_file(job.path()));
                    }
                    job.wait()?;
                    body = later;
                }
            }
        }
    }

    /// Returns the log.
    pub(crate) fn log(&self) -> Option<Log> {
        self.0.state.lock().log.clone()
    }

    /// Waits, without the graph's lock, until there is room for a copy of the values.
    pub(crate) fn room_for(&self, options: &SaveOptions) -> Result<Room> {
        let Some(limit) = options.limit() else { return Ok(Room::default()) };
        self.wait_for_restores(options.busy)?;
        let attached = self.attached();
        let bytes = self.0.graph.enter(|nodes| save::size(nodes, self.as_root(&attached)))?;
        wait_for_room(bytes, limit, options.busy == Busy::Wait)
    }

    /// Copies the values and starts the background thread. No other save may be running.
    pub(crate) fn start(
        &self,
        nodes: &mut Nodes,
        storage: Arc<dyn Storage>,
        path: Location,
        options: &SaveOptions,
        watch: Watch,
        mut room: Room,
    ) -> Result<Pending> {
        let access = options.access();
        let options = &options.with_access(access.clone());
        let (memory, failure) = {
            let last = self.0.slot.0.lock();
            (last.memory.clone(), last.failure.clone())
        };
        let attached = self.attached();
        let snapshot = save::snapshot(nodes, self.as_root(&attached), &path, options, &mut memory.lock())?;
        room.resize(snapshot.copied());
        let total = snapshot.total();
        let task = Task { path: path.clone(), snapshot, storage, options: options.clone(), watch, memory, room, failure };
        let job = Job::new(path.clone(), true, access.meter, Box::new(move |job| task.run(job)));
        job.set_progress(0, total);
        job.launch()?;
        let mut last = self.0.slot.0.lock();
        if last.unreported.as_ref().is_none_or(|earlier| !earlier.is_unread()) {
            last.unreported = last.job.take().filter(|earlier| earlier.is_unread());
        }
        last.job = Some(job.clone());
        Ok(Pending::of(job, path.into_path()))
    }
}
