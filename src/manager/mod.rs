//! `tf.train.CheckpointManager`: numbers checkpoints, keeps some, removes the others, and resumes from the latest.

mod books;
#[cfg(test)]
mod crash_tests;
mod options;

use std::ffi::OsStr;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::checkpoint::{numbered, After, Checkpoint, Lead, Party, Pending, Place, Ranks, Severity, Status};
use crate::directory::{latest_valid_checkpoint, Better, BrokenCheckpoint, Ledger, ValidCheckpoint};
use crate::error::{printable, Code, Error, Result};
use crate::graph::{Graph, NodeId, Nodes};
use crate::reader::VerifyOptions;
use crate::storage::{Local, Storage};
use crate::tensor::DType;

pub use options::{Init, ManagerOptions, ManagerSaveOptions, ResumeOptions};

use books::{is_there, Books, Next, Running, State, Steps};

/// Saves a checkpoint again and again in one directory, keeps some of them, and resumes from the latest. (`tf.train.CheckpointManager`)
///
/// What it knows it reads from the directory's state file when it is opened, and writes there after each save, as TensorFlow's does; one can go on where the
/// other stopped. Opening takes no lock and changes nothing, so that an evaluator may have a manager of a directory in which a program trains. The first
/// save takes the directory's lock, which is the manager's until the last clone of it is dropped. A program that is refused since another one is saving may try
/// again when that has ended, but must then resume first.
///
/// A save is safe: the new checkpoint is on disk before the state file names it, and the state file names it before an old one is removed. What is
/// removed are the files of checkpoints that the state file listed, by their own names and directly in the directory, never by pattern or by way of links.
///
/// Clones are the same manager. Calls that save take the graph's lock for their whole length.
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

/// What [`Manager::restore_or_initialize`] did.
#[derive(Debug)]
pub struct Resumption {
    /// The checkpoint that was restored; none when there was none.
    pub path: Option<PathBuf>,
    /// Its status.
    pub status: Option<Status>,
    /// Newer checkpoints that were passed over since they are not whole, the newest first.
    pub broken: Vec<BrokenCheckpoint>,
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manager({:?}, \"{}\")", self.checkpoint, self.books.directory.display())
    }
}

impl Manager {
    /// A manager of `checkpoint` in `directory`, which the first save makes if need be.
    ///
    /// A state file that cannot be understood counts for none, and the log hears it. Checkpoints that no manager recorded, those of [`Checkpoint::save`] for
    /// instance, are known as the latest but never removed.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` for impossible options.
    /// * `DATA_LOSS` when the state file names no latest checkpoint; what the system says when it cannot be read.
    pub fn open(checkpoint: &Checkpoint, directory: impl AsRef<Path>, options: &ManagerOptions) -> Result<Manager> {
        let rule = options.check()?;
        let directory = directory.as_ref().to_owned();
        let mut warnings = Vec::new();
        let ledger = Ledger::load(&directory, options.clock.now(), &mut warnings);
        warnings.iter().for_each(|text| options.log(Severity::Warning, text));
        let state = State { ledger: ledger?, unrecorded: Vec::new(), held: None };
        let books = Books {
            directory,
            options: options.clone(),
            rule,
            state: Mutex::new(state),
            steps: Mutex::new(Steps { last: options.last_checkpoint_step, running: None }),
        };
        Ok(Manager { checkpoint: checkpoint.clone(), books: Arc::new(books) })
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The directory, as it was given.
    pub fn directory(&self) -> &Path {
        &self.books.directory
    }

    /// The steps from one save to the next, if it saves by steps.
    pub fn checkpoint_interval(&self) -> Option<i64> {
        self.books.options.checkpoint_interval
    }

    /// The checkpoint that was recorded last. That it is still there is not looked at.
    pub fn latest_checkpoint(&self) -> Option<PathBuf> {
        self.books.state.lock().ledger.latest()
    }

    /// The newest checkpoints, those that may be removed in their turn, oldest first.
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        self.books.state.lock().ledger.checkpoints()
    }

    /// All managed checkpoints with a metric, the best first.
    pub fn best_checkpoints(&self) -> Vec<(PathBuf, f64)> {
        let better = self.books.rule.best.map_or(Better::Lower, |(_, better)| better);
        let state = self.books.state.lock();
        let with_metric = state.ledger.managed().by_metric(better);
        with_metric.into_iter().filter_map(|entry| Some((self.books.directory.join(&entry.path), entry.metric?))).collect()
    }

    /// Saves a checkpoint, `DIRECTORY/NAME-COUNT` or with the number that the options give, makes it the latest, and removes what is too many. Gives its path; none when
    /// the manager saves by steps and it is too early. The save counter counts every save, whatever its number. (`tf.train.CheckpointManager.save`)
    ///
    /// Write callbacks run when the checkpoint is complete, before it is recorded. If one fails, the checkpoint stays where it is, and is recorded by the next save.
    ///
    /// # Errors
    /// * `UNAVAILABLE` when another process saves in this directory, `FAILED_PRECONDITION` when one has since the manager was opened and the program has not resumed from
    ///   that. Nothing has been counted then.
    /// * What [`Checkpoint::write`] reports, and the system when the state file cannot be written. Then the step counts as not saved. The checkpoints recorded before are
    ///   all there.
    pub fn save(&self, options: &ManagerSaveOptions) -> Result<Option<PathBuf>> {
        self.save_on(&Local, options)
    }

    pub(crate) fn save_on(&self, storage: &dyn Storage, options: &ManagerSaveOptions) -> Result<Option<PathBuf>> {
        let mut warnings = Vec::new();
        let saved = self.number_and(storage, options, |nodes, next| {
            let written = self.checkpoint.write_files(nodes, storage, &next.path, &options.save);
            self.books.settle(storage, next, written, &mut warnings)?;
            if next.step.is_some() {
                self.books.steps.lock().last = next.step;
            }
            Ok(next.path.clone())
        });
        warnings.iter().for_each(|text| self.books.options.log(Severity::Warning, text));
        saved
    }

    /// Copies what [`Manager::save`] would save, and does the rest in the background, as [`Checkpoint::save_async`] does: the checkpoint is recorded, and what is too many is
    /// removed, when it is complete. Nothing when the manager saves by steps and it is too early; that waits for no earlier save: the step of one that is running counts as saved.
    ///
    /// If it fails, the step counts as not saved, and the checkpoint is not recorded; the number is used up.
    ///
    /// # Errors
    /// As for [`Manager::save`] and [`Checkpoint::save_async`], as far as they are known before anything is written; else [`Pending::wait`] has them.
    pub fn save_async(&self, options: &ManagerSaveOptions) -> Result<Option<Pending>> {
        self.save_async_on(Arc::new(Local), options)
    }

    pub(crate) fn save_async_on(&self, storage: Arc<dyn Storage>, options: &ManagerSaveOptions) -> Result<Option<Pending>> {
        self.number_and(&*storage.clone(), options, |nodes, next| {
            let (running, next) = (Running::new(&self.books, next.step), next.clone());
            let path = next.path.clone();
            let after: After = Box::new(move |storage, _, written| {
                let books = &*running.0;
                let mut warnings = Vec::new();
                let settled = books.settle(storage, &next, written, &mut warnings);
                warnings.iter().for_each(|text| books.options.log(Severity::Warning, text));
                if settled.is_ok() && next.step.is_some() {
                    books.steps.lock().last = next.step;
                }
                settled
            });
            self.checkpoint.start(nodes, storage.clone(), path, &options.save, after)
        })
    }

    /// Saves a checkpoint together with other ranks, as [`Manager::save`] and [`Checkpoint::save_ranked`] do. Each rank has a manager of the same directory and with the same options; only
    /// the chief's takes its lock, numbers, records and removes. That it is too early each rank finds by itself, so that all must be given the same steps.
    ///
    /// # Errors
    /// As for [`Manager::save`] and [`Checkpoint::save_ranked`].
    pub fn save_ranked(&self, ranks: &dyn Ranks, options: &ManagerSaveOptions) -> Result<Option<PathBuf>> {
        let books = &*self.books;
        let party = Party { ranks, storage: &Local, place: Place::Merged(&books.directory), options: &options.save };
        let mut warnings = Vec::new();
        let saved = match ranks.rank() {
            0 => self.number_and(&Local, options, |nodes, next| {
                let mut settle = |_: &Path, written| books.settle(&Local, next, written, &mut warnings);
                let counter = self.checkpoint.counter(nodes)?;
                let count = Some(nodes.read_integer(counter)?);
                let lead = Lead { storage: &Local, path: next.path.clone(), count, settle: &mut settle };
                Ok((next.step, self.checkpoint.take_part(nodes, &party, Some(lead))))
            }),
            _ => self.checkpoint.when_idle(Some(options.save.busy), |nodes| {
                let step = books.step(nodes, options)?;
                if step.is_some_and(|step| books.is_too_early(step, options)) {
                    return Ok(None);
                }
                Ok(Some((step, self.checkpoint.take_part(nodes, &party, None))))
            }),
        };
        warnings.iter().for_each(|text| books.options.log(Severity::Warning, text));
        let (saved_step, saved) = match saved {
            Ok(None) => return Ok(None),
            Ok(Some((step, saved))) => (step, saved?),
            Err(e) => (None, party.save(Err(e), None)?), // the others wait for a word of this one
        };
        if saved_step.is_some() {
            books.steps.lock().last = saved_step;
        }
        Ok(Some(books.directory.join(saved.name)))
    }

    /// Has `save` save the next checkpoint as the options say; nothing when it is too early.
    fn number_and<R>(
        &self,
        storage: &dyn Storage,
        options: &ManagerSaveOptions,
        save: impl FnOnce(&mut Nodes, &Next) -> Result<R>,
    ) -> Result<Option<R>> {
        let books = &*self.books;
        let metric = match (options.metric, options.metric_of) {
            (None, Some(node)) => Some(real(self.checkpoint.graph(), node)?),
            (metric, _) => metric,
        };
        let is_too_early =
            |nodes: &mut Nodes| Ok(books.step(nodes, options)?.is_some_and(|step| books.is_too_early(step, options)));
        if self.checkpoint.graph().with(is_too_early)? {
            return Ok(None);
        }
        self.checkpoint.when_idle(Some(options.save.busy), |nodes| {
            let step = books.step(nodes, options)?;
            if step.is_some_and(|step| books.is_too_early(step, options)) {
                return Ok(None);
            }
            books.hold(storage)?;
            let number = books.number(nodes, options)?;
            let count = self.checkpoint.advance(nodes)?;
            let path = numbered(&books.directory.join(&books.options.checkpoint_name), number.unwrap_or(count));
            let (was_there, durability) = (is_there(&path), options.save.write.durability);
            save(nodes, &Next { path, was_there, step, metric, durability }).map(Some)
        })
    }

    /// Restores the latest checkpoint; where there is none, calls the function for that, if there is one. (`tf.train.CheckpointManager.restore_or_initialize`)
    ///
    /// # Errors
    /// * What [`Checkpoint::restore`] reports, `NOT_FOUND` for one when the latest checkpoint is gone; then nothing is initialised.
    /// * What is wrong with the newest checkpoint, when the latest valid one was asked for and none is whole; then, too, nothing is initialised.
    /// * `ABORTED` when the function fails.
    pub fn restore_or_initialize(&self, options: &ResumeOptions) -> Result<Resumption> {
        self.checkpoint.when_idle(None, |_| Ok(()))?;
        self.books.refresh()?;
        let found = if options.latest_valid {
            self.latest_valid_or_none()?
        } else {
            ValidCheckpoint { prefix: self.latest_checkpoint(), broken: Vec::new() }
        };
        for BrokenCheckpoint { prefix, problem } in &found.broken {
            let text = format!("{} is not whole and is passed over: {problem}", printable(prefix.as_os_str().as_encoded_bytes()));
            self.books.options.log(Severity::Warning, &text);
        }
        let Some(path) = found.prefix else {
            if let Some(broken) = found.broken.into_iter().next() {
                return Err(broken.problem.prefixed("none of the directory's checkpoints is whole"));
            }
            if let Some(init) = &self.books.options.init {
                init().map_err(|e| Error::callback(format!("the init function failed: {e}")))?;
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

    /// The newest checkpoint of the directory that is whole, and what is wrong with those that are newer.
    ///
    /// # Errors
    /// What the system says when the directory cannot be looked at.
    pub fn latest_valid(&self) -> Result<ValidCheckpoint> {
        self.latest_valid_or_none()
    }

    fn latest_valid_or_none(&self) -> Result<ValidCheckpoint> {
        match latest_valid_checkpoint(&self.books.directory, &VerifyOptions::new(), &mut |_| ControlFlow::Continue(())) {
            Err(e) if e.code() == Code::NotFound => Ok(ValidCheckpoint::default()),
            found => found,
        }
    }
}

/// The value of a scalar of real numbers.
fn real(graph: &Graph, node: NodeId) -> Result<f64> {
    match (graph.describe(node)?.dtype, graph.read(node)) {
        (Some(DType::Float), Ok(bytes)) if bytes.len() == 4 => {
            Ok(bytes.try_into().map_or(f64::NAN, |bytes| f64::from(f32::from_ne_bytes(bytes))))
        }
        (Some(DType::Double), Ok(bytes)) if bytes.len() == 8 => Ok(bytes.try_into().map_or(f64::NAN, f64::from_ne_bytes)),
        _ => graph.read_integer(node).map(|value| value as f64),
    }
}

/// The name of a directory's file, for options.
fn is_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.contains(&b'/') && !bytes.contains(&0)
}
