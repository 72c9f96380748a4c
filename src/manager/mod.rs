//! The manager (`tf.train.CheckpointManager`): numbers checkpoints, keeps some of them, removes the
//! others, and resumes from the latest.

mod books;
#[cfg(test)]
mod collecting_tests;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod locking_tests;
mod options;

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::allocate::list_of;
use crate::background::{Control, Pending, Phase, PhaseCost};
use crate::bundle::{Access, Notes};
use crate::checkpoint::{After, Checkpoint, Lead, Party, Place, Ranks, Severity, Status, Watch};
use crate::directory::{latest_valid_checkpoint, Better, BrokenCheckpoint, Ledger, Pin, ValidCheckpoint};
use crate::error::{printable, Code, Error, Result};
use crate::graph::{Graph, NodeId, Nodes};
use crate::reader::{Progress, VerifyOptions};
use crate::storage::{lock_of, Location, Origin, Storage};
use crate::tensor::DType;

pub use options::{Init, ManagerOptions, ManagerSaveOptions, ResumeOptions};

use books::{is_there, Books, Next, Running, State, Steps};

/// Saves checkpoints repeatedly in one directory, keeps some of them, and resumes from the latest
/// (`tf.train.CheckpointManager`).
///
/// It reads the directory's state file when it is opened and writes it after each save, as
/// TensorFlow's manager does: each can continue where the other stopped. Opening takes no lock and
/// changes nothing, so an evaluator may open a manager of a directory in which a program trains.
/// The first save takes the directory's lock, which the manager owns until its last clone is
/// dropped. A program whose save is refused because another program owns the lock may try again
/// when that program has ended, but must resume first.
///
/// A save is crash-safe: the new checkpoint is on disk before the state file names it, and the
/// state file names it before an old one is deleted. Only files of checkpoints that the state file
/// listed are deleted: by their own names, directly in the directory, never by a pattern and never
/// through a link. A pinned checkpoint ([`Pin`](crate::Pin)) is never deleted.
///
/// Clones are the same manager. It keeps its checkpoint and graph alive. Several threads may use it
/// at once: calls that save or restore take the graph's lock for their whole length.
///
/// ```
/// use checkpoint::{Checkpoint, DType, Graph, Variable};
/// use checkpoint::{Manager, ManagerOptions, ManagerSaveOptions, ResumeOptions};
///
/// let directory = tempfile::tempdir()?;
/// let graph = Graph::new();
/// let root = graph.add_object()?;
/// let step = graph.add_variable(Variable::zeros(DType::Int64, &[])?)?;
/// graph.track(root, "step", step)?;
/// let program = Checkpoint::new(&graph, root)?;
///
/// let manager = Manager::open(&program, directory.path(), &ManagerOptions::new().max_to_keep(3))?;
/// let resumed = manager.restore_or_initialize(&ResumeOptions::new())?;
/// assert!(resumed.path.is_none()); // there was no checkpoint: this is the first run
/// for number in graph.read_integer(step)?..50 {
///     graph.assign(step, DType::Int64, &[], &(number + 1).to_ne_bytes())?;
///     if number % 10 == 9 {
///         manager.save(&ManagerSaveOptions::new())?;
///     }
/// }
/// let kept = [3, 4, 5].map(|number| directory.path().join(format!("ckpt-{number}")));
/// assert_eq!(manager.checkpoints(), kept);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Manager {
    checkpoint: Checkpoint,
    books: Arc<Books>,
}

/// The result of [`Manager::restore_or_initialize`].
#[derive(Debug)]
pub struct Resumption {
    /// The path of the restored checkpoint; `None` if there was no checkpoint.
    pub path: Option<PathBuf>,
    /// The status of the restore; `None` if there was no checkpoint.
    pub status: Option<Status>,
    /// The newer checkpoints that were skipped because they are not whole, newest first. If none of
    /// the directory is whole, an incomplete one that was restored is among them.
    pub broken: Vec<BrokenCheckpoint>,
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manager({:?}, \"{}\")", self.checkpoint, self.books.directory.display())
    }
}

impl Manager {
    /// Opens a manager of `checkpoint` in `directory`, which the first save makes if it does not
    /// exist.
    ///
    /// A state file that cannot be parsed is ignored, with a warning in the log. Checkpoints that
    /// no manager recorded, such as those of [`Checkpoint::save`], may be the latest but are never
    /// removed.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: an option is invalid.
    /// * `DATA_LOSS` (`NoCheckpoint`): the state file names no latest checkpoint.
    /// * The operating system's error: the state file cannot be read.
    pub fn open(checkpoint: &Checkpoint, directory: impl AsRef<Path>, options: &ManagerOptions) -> Result<Manager> {
        let rule = options.check()?;
        let directory = Location::of(directory)?;
        let mut warnings = Vec::new();
        let ledger = Ledger::load(&directory, options.clock.now(), &mut warnings);
        warnings.iter().for_each(|text| options.log(Severity::Warning, text));
        let ledger = ledger?;
        let place = ledger.latest().and_then(|_| books::place(&directory));
        let state = State { ledger, unrecorded: Vec::new(), place, held: None };
        let books = Books {
            directory,
            options: options.clone(),
            rule,
            state: Mutex::new(state),
            steps: Mutex::new(Steps { last: options.last_checkpoint_step, running: None }),
            notes: Notes::default(),
            meter: Mutex::default(),
            origin: Origin::here(),
        };
        Ok(Manager { checkpoint: checkpoint.clone(), books: Arc::new(books) })
    }

    /// The checkpoint that the manager saves.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The directory, as it was given to [`Manager::open`].
    pub fn directory(&self) -> &Path {
        &self.books.directory
    }

    /// The number of steps from one save to the next; `None` if the manager does not save by steps.
    pub fn checkpoint_interval(&self) -> Option<i64> {
        self.books.options.checkpoint_interval
    }

    /// The checkpoint that was recorded last; `None` if there is none. It is not checked that it
    /// still exists. In a process that was forked while this manager was saving, it and the lists
    /// below are not known, and empty.
    pub fn latest_checkpoint(&self) -> Option<PathBuf> {
        self.books.peek()?.ledger.latest()
    }

    /// The newest checkpoints, oldest first: those that `max_to_keep` counts and that may expire.
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        self.books.peek().map_or(Vec::new(), |state| state.ledger.checkpoints())
    }

    /// All managed checkpoints that have a metric, with their metrics, best first.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: there is no memory for the list.
    pub fn best_checkpoints(&self) -> Result<Vec<(PathBuf, f64)>> {
        let better = self.books.rule.best.map_or(Better::Lower, |(_, better)| better);
        let Some(state) = self.books.peek() else { return Ok(Vec::new()) };
        let with_metric = state.ledger.managed().by_metric(better)?;
        list_of(
            with_metric.into_iter().filter_map(|entry| Some((self.books.directory.join(&entry.path).into_path(), entry.metric?))),
        )
    }

    /// Saves a checkpoint, makes it the latest, and deletes expired ones. Its path is
    /// `DIRECTORY/NAME-COUNT`, or has the number that the options give in place of COUNT. The save
    /// counter is incremented by every save, whatever its number.
    /// (`tf.train.CheckpointManager.save`)
    ///
    /// A checkpoint that the state file does not list is never replaced: if one exists under that
    /// number, the save takes the next number at which none exists, and the log says so. Unlike
    /// TensorFlow's manager, which overwrites it.
    ///
    /// Returns the path of the checkpoint; `None` if the manager saves by steps and it is too early
    /// for the next save.
    ///
    /// Written callbacks run when the checkpoint is complete, before it is recorded. If one fails,
    /// the checkpoint stays and the next save records it.
    ///
    /// # Errors
    /// The errors of [`Checkpoint::write`], and:
    /// * `UNAVAILABLE` (`Locked`): another manager owns the directory, in this process or another.
    ///   Nothing is counted.
    /// * `FAILED_PRECONDITION` (`Replaced`): another manager has saved since this one was opened,
    ///   and this program has not resumed from its checkpoint; or the directory was removed, moved
    ///   or replaced. Nothing is counted.
    /// * `ABORTED` (`Replaced`): while the save waited for its number, another program saved a
    ///   checkpoint under it, which stays. The next save goes past it.
    /// * `ABORTED` (`LockLost`): the lock of the directory was lost. The next save takes it again.
    /// * `FAILED_PRECONDITION` (`Forked`): this process was forked from the one that opened the
    ///   manager.
    /// * The operating system's error: the state file cannot be written.
    ///
    /// After a failure the step counts as not saved, and all checkpoints recorded before still
    /// exist.
    pub fn save(&self, options: &ManagerSaveOptions) -> Result<Option<PathBuf>> {
        self.save_on(&*self.books.directory.storage()?, options)
    }

    pub(crate) fn save_on(&self, storage: &dyn Storage, options: &ManagerSaveOptions) -> Result<Option<PathBuf>> {
        let mut warnings = Vec::new();
        let saved = self.number_and(
            storage,
            options,
            || Ok(()),
            |nodes, next, ()| {
                let written = self.checkpoint.write_files(nodes, storage, &next.path, &options.save.announced(&next.access));
                self.books.settle(storage, next, written, &mut warnings)?;
                if next.step.is_some() {
                    self.books.steps.lock().last = next.step;
                }
                Ok(next.path.clone().into_path())
            },
        );
        self.books.warn(warnings);
        saved
    }

    /// Copies what [`Manager::save`] would save, and saves the copy in the background, as
    /// [`Checkpoint::save_async`] does. When the checkpoint is complete, it is recorded and expired
    /// ones are deleted.
    ///
    /// Returns `None` if the manager saves by steps and it is too early for the next save. This
    /// answer does not wait for an earlier save: the step of a running save counts as saved. If the
    /// save fails, its step counts as not saved and the checkpoint is not recorded, but its number
    /// is used up.
    ///
    /// # Errors
    /// The errors of [`Manager::save`] and [`Checkpoint::save_async`] that are known before
    /// anything is written. [`Pending::wait`] returns the others.
    pub fn save_async(&self, options: &ManagerSaveOptions) -> Result<Option<Pending>> {
        self.save_async_on(self.books.directory.storage()?, options)
    }

    pub(crate) fn save_async_on(&self, storage: Arc<dyn Storage>, options: &ManagerSaveOptions) -> Result<Option<Pending>> {
        let room = || self.checkpoint.room_for(&options.save);
        self.number_and(&*storage.clone(), options, room, |nodes, next, room| {
            let save = options.save.announced(&next.access);
            let (running, next) = (Running::new(&self.books, next.step), next.clone());
            let path = next.path.clone();
            let after: After = Box::new(move |storage, _, written| {
                let books = &*running.0;
                let mut warnings = Vec::new();
                let settled = books.settle(storage, &next, written, &mut warnings);
                books.warn(warnings);
                if settled.is_ok() && next.step.is_some() {
                    books.steps.lock().last = next.step;
                }
                settled
            });
            let log = self.books.options.log.clone().or_else(|| self.checkpoint.log());
            self.checkpoint.start(nodes, storage.clone(), path, &save, Watch { after, log }, room)
        })
    }

    /// Returns what a phase of the last save of this manager has cost so far, in the background or
    /// not; zeros before the first save. A save that was refused because it was too early, or that
    /// another manager has the directory, is none.
    pub fn phase(&self, phase: Phase) -> PhaseCost {
        lock_of(&self.books.meter, self.books.origin).map_or(PhaseCost::default(), |meter| meter.cost(phase))
    }

    /// Returns the error of the last save in the background that failed, as
    /// [`Checkpoint::last_failure`] of the manager's checkpoint does.
    pub fn last_failure(&self) -> Option<Error> {
        self.checkpoint.last_failure()
    }

    /// Saves a checkpoint together with other ranks, as [`Manager::save`] and
    /// [`Checkpoint::save_ranked`] do.
    ///
    /// Each rank has a manager of the same directory with the same options. Only the manager of
    /// rank 0 takes the lock, numbers, records and removes. Each rank itself determines whether it
    /// is too early for the save, so all ranks must be given the same steps.
    ///
    /// # Errors
    /// The errors of [`Manager::save`] and [`Checkpoint::save_ranked`].
    pub fn save_ranked(&self, ranks: &dyn Ranks, options: &ManagerSaveOptions) -> Result<Option<PathBuf>> {
        let books = &*self.books;
        let storage = &*books.directory.storage()?;
        let access = Access::new(options.save.write.asked.or(books.options.asked), &books.notes);
        let save = &options.save.announced(&access);
        let party = Party { ranks, storage, place: Place::Merged(&books.directory), options: save };
        let mut warnings = Vec::new();
        let saved = match ranks.rank() {
            0 => self.number_and(
                storage,
                options,
                || Ok(()),
                |nodes, next, ()| {
                    let mut settle = |_: &Location, written| books.settle(storage, next, written, &mut warnings);
                    let counter = self.checkpoint.counter(nodes)?;
                    let count = Some(nodes.read_integer(counter)?);
                    let lead = Lead { storage, path: next.path.clone(), count, settle: &mut settle };
                    let save = &options.save.announced(&next.access);
                    let party = Party { ranks, storage, place: Place::Merged(&books.directory), options: save };
                    Ok((next.step, self.checkpoint.take_part(nodes, &party, Some(lead))))
                },
            ),
            _ => books.origin.check().and_then(|()| {
                self.checkpoint.when_idle(Some(options.save.busy), |nodes| {
                    let step = books.step(nodes, options)?;
                    if step.is_some_and(|step| books.is_too_early(step, options)) {
                        return Ok(None);
                    }
                    Ok(Some((step, self.checkpoint.take_part(nodes, &party, None))))
                })
            }),
        };
        books.warn(warnings);
        let (saved_step, saved) = match saved {
            Ok(None) => return Ok(None),
            Ok(Some((step, saved))) => (step, saved?),
            Err(e) => (None, party.save(Err(e), None)?), // the other ranks wait for this rank's outcome
        };
        if saved_step.is_some() {
            books.steps.lock().last = saved_step;
        }
        Ok(Some(books.directory.join(saved.name).into_path()))
    }

    /// Numbers the next checkpoint and calls `save` to save it; `None` if it is too early. What
    /// `prepare` gives is made before, without the graph's lock.
    fn number_and<P, R>(
        &self,
        storage: &dyn Storage,
        options: &ManagerSaveOptions,
        prepare: impl FnOnce() -> Result<P>,
        save: impl FnOnce(&mut Nodes, &Next, P) -> Result<R>,
    ) -> Result<Option<R>> {
        let books = &*self.books;
        books.origin.check().map_err(|e| e.in_file(&books.directory))?;
        self.checkpoint.wait_for_restores(options.save.busy)?;
        let metric = match (options.metric, options.metric_of) {
            (None, Some(node)) => Some(real(self.checkpoint.graph(), node)?),
            (metric, _) => metric,
        };
        let is_too_early =
            |nodes: &mut Nodes| Ok(books.step(nodes, options)?.is_some_and(|step| books.is_too_early(step, options)));
        if self.checkpoint.graph().with(is_too_early)? {
            return Ok(None);
        }
        let prepared = prepare()?;
        let mut warnings = Vec::new();
        let saved = self.checkpoint.when_idle(Some(options.save.busy), |nodes| {
            let step = books.step(nodes, options)?;
            if step.is_some_and(|step| books.is_too_early(step, options)) {
                return Ok(None);
            }
            let mut access = books.hold(storage, &options.save, &mut warnings)?;
            let number = books.number(nodes, options)?;
            let count = self.checkpoint.advance(nodes)?;
            let free = books.free_number(number.unwrap_or(count), &mut warnings)?;
            if number.is_none() && free != count {
                self.checkpoint.set_count(nodes, free)?;
            }
            let path = books.path(free);
            let (was_there, durability) = (is_there(&path), options.save.write.durability);
            access.is_new = !was_there;
            *books.meter.lock() = access.meter.clone();
            save(nodes, &Next { path, was_there, step, metric, durability, access }, prepared).map(Some)
        });
        books.warn(warnings);
        saved
    }

    /// Restores the latest checkpoint; if there is none, calls the init function, if there is one.
    /// (`tf.train.CheckpointManager.restore_or_initialize`)
    ///
    /// # Errors
    /// The errors of [`Checkpoint::restore`], and:
    /// * `NOT_FOUND`: the latest checkpoint no longer exists. The init function is not called.
    /// * The first problem of the newest checkpoint: the options ask for the newest valid one, and
    ///   none of the directory's checkpoints is valid. The init function is not called.
    /// * `ABORTED` (`Callback`): the init function failed.
    pub fn restore_or_initialize(&self, options: &ResumeOptions) -> Result<Resumption> {
        self.books.origin.check().map_err(|e| e.in_file(&self.books.directory))?;
        self.checkpoint.when_idle(None, |_| Ok(()))?;
        let control = options.restore.control();
        let (found, _pin) = self.find_and_pin(options, &control)?;
        control.check().map_err(|e| e.in_file(&self.books.directory))?;
        for BrokenCheckpoint { prefix, verdict, problem } in &found.broken {
            let name = printable(prefix.as_os_str().as_encoded_bytes());
            let text = if found.prefix.as_ref() == Some(prefix) {
                format!("{name} is {verdict}, and no checkpoint of the directory is whole: {problem}")
            } else {
                format!("skipped {name}, which is {verdict}: {problem}")
            };
            self.books.options.log(Severity::Warning, &text);
        }
        let Some(path) = found.prefix else {
            if let Some(broken) = found.broken.into_iter().next() {
                return Err(broken.problem.prefixed("none of the directory's checkpoints is valid"));
            }
            if let Some(init) = &self.books.options.init {
                init().map_err(|e| Error::callback("the init function", e))?;
                self.books.options.log(Severity::Info, "there is no checkpoint: the init function was called");
            }
            return Ok(Resumption { path: None, status: None, broken: Vec::new() });
        };
        let status = self.checkpoint.restore(&path, &options.restore)?;
        if self.books.options.checkpoint_interval.is_some() {
            let step = match (options.step, self.books.options.step_counter) {
                (Some(step), _) => Some(step),
                (None, Some(counter)) => Some(self.checkpoint.graph().read_integer(counter)?),
                (None, None) => None,
            };
            self.books.steps.lock().last = step;
        }
        Ok(Resumption { path: Some(path), status: Some(status), broken: found.broken })
    }

    /// Does what [`Manager::restore_or_initialize`] does, in the background, as
    /// [`Checkpoint::restore_async`] does. The init function is called on the background thread,
    /// and may use the graph.
    ///
    /// # Errors
    /// Those of [`Checkpoint::restore_async`]. Those of [`Manager::restore_or_initialize`] are
    /// returned by [`Pending::take`].
    pub fn restore_or_initialize_async(&self, options: &ResumeOptions) -> Result<Pending<Resumption>> {
        self.books.origin.check().map_err(|e| e.in_file(&self.books.directory))?;
        let (books, options) = (self.books.clone(), options.clone());
        let resume = move |checkpoint: &Checkpoint, control: &Control| {
            let options = ResumeOptions { restore: options.restore.watched(control), ..options };
            Manager { checkpoint: checkpoint.clone(), books }.restore_or_initialize(&options)
        };
        self.checkpoint.in_background(self.books.directory.clone(), resume, |resumed| resumed.status.as_mut())
    }

    /// Finds the checkpoint to restore, and pins it, so that another thread that saves with this
    /// manager, or another process, does not remove it meanwhile. Where files cannot be locked
    /// there is no pin.
    fn find_and_pin(&self, options: &ResumeOptions, control: &Control) -> Result<(ValidCheckpoint, Option<Pin>)> {
        let mut gone = None;
        loop {
            self.books.refresh()?;
            let found = if options.latest_valid {
                self.latest_valid_or_none(control)?
            } else {
                ValidCheckpoint { prefix: self.latest_checkpoint(), ..ValidCheckpoint::default() }
            };
            let Some(path) = &found.prefix else { return Ok((found, None)) };
            match Pin::new(path) {
                Ok(pin) => return Ok((found, Some(pin))),
                // It was removed, but there is a newer one by now.
                Err(e) if e.code() == Code::NotFound && gone.as_ref() != Some(path) => gone = found.prefix,
                // The restore says what is wrong.
                Err(_) => return Ok((found, None)),
            }
        }
    }

    /// Finds the newest valid checkpoint of the directory: a whole one or, if there is none, an
    /// incomplete one. A directory that does not exist has none. See [`latest_valid_checkpoint`].
    ///
    /// # Errors
    /// The operating system's error: the directory cannot be read.
    pub fn latest_valid(&self) -> Result<ValidCheckpoint> {
        self.latest_valid_or_none(&Control::default())
    }

    /// Does what [`Manager::latest_valid`] does, in the background. The graph is not needed for
    /// that.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: no thread can be started. Those of [`Manager::latest_valid`] are
    /// returned by [`Pending::take`].
    pub fn latest_valid_async(&self) -> Result<Pending<ValidCheckpoint>> {
        let directory = self.books.directory.clone();
        Pending::launched(directory.clone(), move |control| valid_or_none(&directory, control))
    }

    fn latest_valid_or_none(&self, control: &Control) -> Result<ValidCheckpoint> {
        valid_or_none(&self.books.directory, control)
    }
}

/// The newest valid checkpoint; a directory that does not exist has none.
fn valid_or_none(directory: &Location, control: &Control) -> Result<ValidCheckpoint> {
    let mut report = |at: Progress| {
        control.report(at.bytes_done, at.bytes_total);
        control.flow()
    };
    match latest_valid_checkpoint(directory, &VerifyOptions::new(), &mut report) {
        Err(e) if e.code() == Code::NotFound => Ok(ValidCheckpoint::default()),
        found => found,
    }
}

/// The value of a scalar: float32, float64 or an integer.
fn real(graph: &Graph, node: NodeId) -> Result<f64> {
    match (graph.describe(node)?.dtype, graph.read(node)) {
        (Some(DType::Float), Ok(bytes)) if bytes.len() == 4 => {
            Ok(bytes.try_into().map_or(f64::NAN, |bytes| f64::from(f32::from_ne_bytes(bytes))))
        }
        (Some(DType::Double), Ok(bytes)) if bytes.len() == 8 => Ok(bytes.try_into().map_or(f64::NAN, f64::from_ne_bytes)),
        _ => graph.read_integer(node).map(|value| value as f64),
    }
}

/// Whether a name can be that of a file in the directory.
fn is_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.contains(&b'/') && !bytes.contains(&0)
}
