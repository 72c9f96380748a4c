//! Saves and restores variables by their names, without an object graph:
//! `tf.compat.v1.train.Saver`.

mod content;
#[cfg(test)]
mod crash_tests;
mod history;
mod options;
mod restoring;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::options::RestoreOptions;
use super::report::Report;
use super::save::call_back;
use crate::allocate::try_list_of;
use crate::bundle::{directory_and_name, open, Access, Notes};
use crate::directory::{self, checkpoint_exists, checkpoint_mtimes, identity, StateUpdate};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Graph, NodeId, Nodes, Root, Walk};
use crate::reader::{OpenOptions, Reader};
use crate::storage::{lock_of, Location, Origin, Storage};
use crate::Durability;

pub use options::{SaverOptions, SaverSaveOptions};

use content::check_saveable;
use history::{Entry, History};

/// Saves objects of a graph under names that the program chooses, and restores them by these names
/// (`tf.compat.v1.train.Saver`). Its checkpoints have no object graph. It writes format V2. It
/// restores V2 and V1 and, by the full names of variables, checkpoints with an object graph.
///
/// As in TensorFlow, a variable is saved under its name, an object with state under its name
/// followed by the names of its tensors, and a text under its name and `_py_state`. Variables that
/// are parts of one tensor ([`Variable::part`](crate::Variable::part)) share its name, and are
/// saved as its slices (`Saver({"v": [slices]})`, `PartitionedVariable`).
///
/// Clones refer to the same saver. It keeps the graph alive. Several threads may use it at once:
/// calls that save or restore take the graph's lock for their whole length.
///
/// ```
/// use checkpoint::{DType, Graph, Reader, RestoreOptions, Variable};
/// use checkpoint::{Saver, SaverOptions, SaverSaveOptions};
///
/// let directory = tempfile::tempdir()?;
/// let graph = Graph::new();
/// let weights = graph.add_variable(Variable::zeros(DType::Float, &[2])?)?;
/// let saver = Saver::new(&graph, &[("model/weights", weights)], &SaverOptions::new())?;
///
/// let path = saver.save(directory.path().join("model.ckpt"), &SaverSaveOptions::new())?;
/// assert!(Reader::open(&path)?.contains("model/weights"));
/// let report = saver.restore(&path, &RestoreOptions::new())?;
/// assert!(report.is_complete());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Saver(Arc<Inner>);

struct Inner {
    graph: Graph,
    /// The objects and their names, sorted by name.
    named: Vec<(Box<str>, NodeId)>,
    options: SaverOptions,
    history: Mutex<History>,
    last_report: Mutex<Option<Report>>,
    /// What there is to say about locks.
    notes: Notes,
    origin: Origin,
}

impl fmt::Debug for Saver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Saver({:?}, {} objects)", self.0.graph, self.0.named.len())
    }
}

impl Saver {
    /// Makes a saver of objects under the given names.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS`: two objects have the same name and are not parts of one tensor
    ///   ([`Variable::part`](crate::Variable::part)), or one object has two names.
    /// * `INVALID_ARGUMENT`: there are no objects; an object has no values; an object with state
    ///   does not declare its tensors ([`StateOptions::names`](crate::StateOptions::names)); or a
    ///   name or an option is invalid.
    pub fn new(graph: &Graph, named: &[(&str, NodeId)], options: &SaverOptions) -> Result<Saver> {
        graph.with(|nodes| {
            Saver::make(graph, nodes, named.iter().map(|(name, node)| (Box::from(*name), *node)).collect(), options)
        })
    }

    /// Makes a saver of variables under their own names ([`Graph::set_name`]). A variable that is
    /// given twice is saved once.
    ///
    /// # Errors
    /// Those of [`Saver::new`], and:
    /// * `INVALID_ARGUMENT`: an object is not a variable or has no name.
    pub fn of_variables(graph: &Graph, variables: &[NodeId], options: &SaverOptions) -> Result<Saver> {
        graph.with(|nodes| {
            let distinct: BTreeSet<NodeId> = crate::sort::set_of(variables.iter().copied());
            let named = try_list_of(distinct.into_iter().map(|node| Ok((own_name(nodes, node)?, node))))?;
            Saver::make(graph, nodes, named, options)
        })
    }

    /// Makes a saver of all objects that can be reached from `root` and that have values, slot
    /// variables included, under the variables' own names.
    ///
    /// # Errors
    /// Those of [`Saver::of_variables`], and:
    /// * `FAILED_PRECONDITION`: the graph contains a list or slot that cannot be saved.
    pub fn of(graph: &Graph, root: NodeId, options: &SaverOptions) -> Result<Saver> {
        graph.with(|nodes| {
            let walk = Walk::new(nodes, Root { node: root, attached: &[] }, true)?;
            let with_values = walk.order.iter().enumerate().filter(|(_, &node)| nodes.get(node).is_some_and(|n| n.has_values()));
            let named = with_values.map(|(id, &node)| {
                let name = own_name(nodes, node);
                Ok((
                    name.map_err(|e| e.prefixed(&format!("at \"{}\"", printable(walk.path(nodes, id as u32).as_bytes()))))?,
                    node,
                ))
            });
            Saver::make(graph, nodes, try_list_of(named)?, options)
        })
    }

    fn make(graph: &Graph, nodes: &Nodes, mut named: Vec<(Box<str>, NodeId)>, options: &SaverOptions) -> Result<Saver> {
        options.check()?;
        if named.is_empty() {
            return Err(Error::argument("No variables to save"));
        }
        crate::sort::sort_by(&mut named, |a, b| a.0.cmp(&b.0))?;
        let taken = |what: &str, name: &str| {
            Error::new(Code::AlreadyExists, Reason::NameTaken, format!("{what}: {}", printable(name.as_bytes())))
        };
        // Slices of one tensor have its name, and are checked when they are written.
        let is_part = |node: NodeId| nodes.variable(node).is_ok_and(|variable| variable.part.is_some());
        let may_share = |pair: &[(Box<str>, NodeId)]| options.restore_only || (is_part(pair[0].1) && is_part(pair[1].1));
        if let Some(pair) = named.windows(2).find(|pair| pair[0].0 == pair[1].0 && !may_share(pair)) {
            let what = "Two different variables with the same name (shared_name) were passed to the Saver";
            return Err(taken(what, &pair[0].0));
        }
        let mut seen = BTreeSet::new();
        for (name, node) in &named {
            check_saveable(nodes, name, *node)?;
            if !seen.insert(*node) {
                return Err(taken("The same saveable will be restored with two names", name));
            }
        }
        let next_kept = options.clock.now() + options.keep_every_n_hours * 3600.0;
        let history = Mutex::new(History { next_kept, ..History::default() });
        let (graph, options, last_report) = (graph.clone(), options.clone(), Mutex::default());
        let inner = Inner { graph, named, options, history, last_report, notes: Notes::default(), origin: Origin::here() };
        Ok(Saver(Arc::new(inner)))
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// Returns the names under which objects are saved, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.named.iter().map(|(name, _)| &**name)
    }

    /// Writes the checkpoint `prefix`, or `prefix-STEP` if the options give a step, and calls the
    /// write callbacks. Then, unless the options say otherwise, records it: the directory's state
    /// file names it as the latest, and expired checkpoints that this saver recorded are deleted.
    /// Returns its path.
    ///
    /// The directory must exist. Only the files of expired checkpoints are deleted, by their own
    /// names, never by a pattern and never through a link. A pinned checkpoint
    /// ([`Pin`](crate::Pin)) stays until a later save.
    ///
    /// # Errors
    /// Those of [`Writer::finish`](crate::Writer::finish), and:
    /// * `NOT_FOUND`: the directory does not exist.
    /// * `INVALID_ARGUMENT`: the state file's name contains a directory, or is that of a file of
    ///   the checkpoint.
    /// * `FAILED_PRECONDITION`: a variable has no value yet, or the saver only restores
    ///   ([`SaverOptions::restore_only`]).
    /// * `ABORTED`: a callback failed.
    /// * `CANCELLED`: the progress callback stopped the save.
    pub fn save(&self, prefix: impl AsRef<Path>, options: &SaverSaveOptions) -> Result<PathBuf> {
        let prefix = Location::of(prefix)?;
        self.save_on(&*prefix.storage()?, &prefix, options)
    }

    pub(crate) fn save_on(&self, storage: &dyn Storage, prefix: &Location, options: &SaverSaveOptions) -> Result<PathBuf> {
        if self.0.options.restore_only {
            let what = "a saver that was made to restore only cannot save";
            return Err(Error::new(Code::FailedPrecondition, Reason::Argument, what));
        }
        self.0.origin.check()?;
        let options = &options.with_access(&self.0.options, &self.0.notes);
        let mut warnings = Vec::new();
        let saved = self.0.graph.with(|nodes| {
            let step = options.step(nodes)?;
            let path = self.0.path(prefix, step);
            let (directory, name) = directory_and_name(&path)?;
            check_state_name(&options.latest_filename, name, &path)?;
            open(storage, &directory, false).map_err(|e| match e.code() {
                Code::NotFound => e.prefixed(&format!(
                    "Parent directory of {} doesn't exist, can't save",
                    printable(prefix.as_os_str().as_encoded_bytes())
                )),
                _ => e,
            })?;
            let was_there = is_there(&path);
            let written = content::write(nodes, &self.0.named, storage, &path, &options.save);
            // If only the last sync fails, the checkpoint exists, so it is recorded and will
            // expire.
            if options.write_state && written.is_err() && !was_there && is_there(&path) {
                self.0.remember(&path);
            }
            written?;
            // Recorded before the callbacks: if a callback fails, the checkpoint exists all the
            // same and must expire later.
            if options.write_state {
                self.0.remember(&path);
            }
            call_back(&options.save, &path)?;
            if options.write_state {
                self.0.record(storage, &directory, &path, options, &mut warnings)?;
            }
            Ok(path.into_path())
        });
        warnings.append(&mut self.0.notes.take());
        self.0.options.warn(&warnings);
        saved
    }

    /// Restores all objects from the checkpoint at `path`: a prefix, one of its files, or a
    /// directory with a state file (its latest checkpoint). A checkpoint that has an object graph
    /// instead of the saver's names is restored by the full names of its variables. Paths in the
    /// options are names of tensors and their scopes. A name that ends in `:0` is also looked up
    /// without that.
    ///
    /// Everything that can be checked is checked before the first value is assigned. A deferred
    /// restore of a [`Checkpoint`](super::Checkpoint) treats this restore like an assignment by the
    /// program.
    ///
    /// The report has one row for each object, then one for each unused value of the checkpoint.
    /// [`Saver::last_report`] returns the same, also after a failure.
    ///
    /// # Errors
    /// * `NOT_FOUND`: there is no checkpoint, a data file is missing, or a name is not in the
    ///   checkpoint.
    /// * `INVALID_ARGUMENT`: a value has another dtype or shape than its object; two variables
    ///   share memory; or a glob of the options is malformed.
    /// * `FAILED_PRECONDITION`: a variable is read-only.
    /// * `DATA_LOSS`: the checkpoint is damaged.
    /// * `ABORTED`: a callback failed.
    pub fn restore(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Report> {
        let (path, mut warnings) = (path.as_ref(), Vec::new());
        let restored = self.0.graph.with(|nodes| {
            *self.0.last_report.lock() = None;
            let reader =
                Reader::for_restore(path, &OpenOptions::new().watched(&options.control())).map_err(|e| match e.reason() {
                    Reason::NoCheckpoint => e.prefixed("The passed save_path is not a valid checkpoint"),
                    _ => e,
                })?;
            warnings.extend(reader.resolved().remarks(path));
            let (report, result) = self.0.restore(nodes, &reader, options, &mut warnings)?;
            *self.0.last_report.lock() = Some(report.clone());
            result.map(|()| report)
        });
        self.0.options.warn(&warnings);
        restored
    }

    /// Reports what became of each value in the last [`Saver::restore`], whether it succeeded or
    /// failed. `None` before the first, and if there was nothing to restore from.
    pub fn last_report(&self) -> Option<Report> {
        lock_of(&self.0.last_report, self.0.origin).and_then(|report| report.clone())
    }

    /// Returns the checkpoints that were recorded and not removed yet, oldest first, with the paths
    /// that the saving calls returned.
    pub fn last_checkpoints(&self) -> Vec<PathBuf> {
        let history = lock_of(&self.0.history, self.0.origin);
        history.iter().flat_map(|history| &history.last).map(|entry| entry.path.clone()).collect()
    }

    /// Replaces the list of recorded checkpoints by these paths, oldest first. None of them is ever
    /// removed, because it is not known when they were made.
    ///
    /// # Errors
    /// Those of [`Saver::set_last_checkpoints_with_time`].
    pub fn set_last_checkpoints<P: AsRef<Path>>(&self, paths: impl IntoIterator<Item = P>) -> Result<()> {
        self.set_last_checkpoints_with_time(paths.into_iter().map(|path| (path, f64::INFINITY)))
    }

    /// Replaces the list of recorded checkpoints by these paths, oldest first, each with the time
    /// when it was made, in seconds since the epoch. A checkpoint that is not in the directory of a
    /// later save is never removed, because the program may have read its path from a state file.
    ///
    /// # Errors
    /// * The error of the operating system: a relative path cannot be resolved.
    pub fn set_last_checkpoints_with_time<P: AsRef<Path>>(&self, all: impl IntoIterator<Item = (P, f64)>) -> Result<()> {
        let entry = |(path, time): (P, f64)| {
            let place = identity(&Location::of(&path)?)?;
            Ok(Entry { path: path.as_ref().to_owned(), place, time, is_own: false })
        };
        self.0.origin.check()?;
        let last = all.into_iter().map(entry).collect::<Result<_>>()?;
        self.0.history.lock().last = last;
        Ok(())
    }

    /// Adopts those of the given checkpoints that still exist: replaces the list of recorded
    /// checkpoints by them, with the modification times of their files. A restarted program uses it
    /// to give its new saver the checkpoints of the previous run, from
    /// [`get_checkpoint_state`](crate::get_checkpoint_state).
    ///
    /// # Errors
    /// * The error of the operating system: it cannot be determined whether a checkpoint exists.
    pub fn recover_last_checkpoints<P: AsRef<Path>>(&self, paths: impl IntoIterator<Item = P>) -> Result<()> {
        let mut found = Vec::new();
        for path in paths {
            if let Some(&time) = checkpoint_mtimes([&path])?.first() {
                found.push((path, time));
            }
        }
        self.set_last_checkpoints_with_time(found)
    }
}

impl Inner {
    fn path(&self, prefix: &Location, step: Option<i64>) -> Location {
        match step {
            Some(step) if self.options.pad_step_number => prefix.with_suffix(&format!("-{step:08}")),
            Some(step) => prefix.with_suffix(&format!("-{step}")),
            None => prefix.clone(),
        }
    }

    /// Adds a checkpoint to the history, unless the saver keeps all.
    fn remember(&self, path: &Location) {
        let Some(max_to_keep) = self.options.max_to_keep else { return };
        let place = identity(path).unwrap_or_else(|_| path.clone());
        let entry = Entry { path: path.clone().into_path(), place, time: self.options.clock.now(), is_own: true };
        self.history.lock().record(entry, max_to_keep, self.options.keep_every_n_hours);
    }

    /// Writes a state file that names `path` as the latest checkpoint and omits expired ones, then
    /// deletes those.
    fn record(
        &self,
        storage: &dyn Storage,
        directory: &Location,
        path: &Location,
        options: &SaverSaveOptions,
        warnings: &mut Vec<String>,
    ) -> Result<()> {
        let mut history = self.history.lock();
        let place = identity(path)?;
        let here = place.split().0;
        let relative = self.options.relative_paths;
        let of = |entry: &Entry| if relative { entry.place.clone().into_path() } else { entry.path.clone() };
        let latest = if relative { place } else { path.clone() };
        let update = StateUpdate::new(latest.into_path())
            .all(history.last.iter().map(of))
            .keep_absolute(!relative)
            .file_name(&options.latest_filename)
            .durability(options.save.write.durability);
        let kept = history.expired.clone();
        let mut expired: BTreeMap<Location, Vec<Entry>> = BTreeMap::new();
        for entry in history.take_expired(&here) {
            expired.entry(entry.place.split().0).or_default().push(entry);
        }
        let (durability, access) = (options.save.write.durability, &options.save.access());
        let directory = if relative { &here } else { directory };
        let gone = expired.remove(&here).unwrap_or_default();
        let mut stay = replace(storage, directory, Some(&update), durability, access, gone, warnings)
            .inspect_err(|_| history.expired = kept)?;
        for (elsewhere, gone) in expired {
            match replace(storage, &elsewhere, None, durability, access, gone.clone(), warnings) {
                Ok(left) => stay.extend(left),
                Err(e) if e.code() == Code::NotFound => {}
                Err(e) => {
                    stay.extend(gone);
                    warnings.push(format!("cannot remove an expired checkpoint: {e}"));
                }
            }
        }
        history.expired = stay;
        Ok(())
    }
}

/// Replaces the state file of a directory, if there is an update, and deletes expired checkpoints
/// from the directory. Returns those that could not be deleted or are pinned.
fn replace(
    storage: &dyn Storage,
    directory: &Location,
    update: Option<&StateUpdate>,
    durability: Durability,
    access: &Access,
    mut expired: Vec<Entry>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Entry>> {
    let name = |entry: &Entry| entry.place.split().1.to_owned();
    let names: Vec<OsString> = expired.iter().map(name).collect();
    let stay = directory::replace(storage, directory, update, durability, access, &names, warnings)?;
    expired.retain(|entry| stay.contains(&name(entry)));
    Ok(expired)
}

/// Returns whether there is a checkpoint; true if this cannot be determined.
fn is_there(path: &Path) -> bool {
    checkpoint_exists(path).unwrap_or(true)
}

/// Checks the name of a state file: it must be a plain file name, and not that of a file of the
/// checkpoint.
fn check_state_name(state: &OsStr, name: &OsStr, path: &Path) -> Result<()> {
    let said = printable(state.as_encoded_bytes());
    if Path::new(state).file_name() != Some(state) || state.as_encoded_bytes().contains(&0) {
        return Err(Error::argument(format!("'latest_filename' must not contain path components: '{said}'")));
    }
    let rest = state.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
    if rest.is_some_and(|rest| rest.is_empty() || rest == b".index" || rest.starts_with(b".data-")) {
        let path = printable(path.as_os_str().as_encoded_bytes());
        return Err(Error::argument(format!("'latest_filename' collides with 'save_path': '{said}' and '{path}'")));
    }
    Ok(())
}

/// Returns the variable's own name.
fn own_name(nodes: &Nodes, node: NodeId) -> Result<Box<str>> {
    let name = nodes.variable(node)?.name.clone().filter(|name| !name.is_empty());
    name.ok_or_else(|| {
        Error::argument(format!("{} has no name: set one, or pass the saver a name for it", nodes.describe(node)))
            .because(Reason::Node)
    })
}
