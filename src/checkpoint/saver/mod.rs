//! Saving and restoring variables by their names, without an object graph: `tf.compat.v1.train.Saver`.

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
use crate::bundle::Held;
use crate::directory::{self, checkpoint_exists, checkpoint_mtimes, identity, StateUpdate};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Graph, NodeId, Nodes, Root, Walk};
use crate::reader::Reader;
use crate::storage::{Local, Storage};
use crate::Durability;

pub use options::{SaverOptions, SaverSaveOptions};

use content::check_saveable;
use history::{Entry, History};

/// Saves objects of a graph under names of the program's, and restores them by these: `tf.compat.v1.train.Saver`. Its checkpoints have no object graph.
///
/// A variable is saved under its name, an object with state of its own under its name followed by those of its tensors, a text under its name and `_py_state`, as
/// in TensorFlow. Format V2 is written; V2 and V1 are restored, and by the full names of variables also checkpoints with an object graph.
///
/// Clones are the same saver. It keeps the graph alive. Calls that save or restore take the graph's lock for their whole length.
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
    /// Sorted by name.
    named: Vec<(Box<str>, NodeId)>,
    options: SaverOptions,
    history: Mutex<History>,
    last_report: Mutex<Option<Report>>,
}

impl fmt::Debug for Saver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Saver({:?}, {} objects)", self.0.graph, self.0.named.len())
    }
}

impl Saver {
    /// A saver of these objects under these names.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` when two objects have one name, or one object two names.
    /// * `INVALID_ARGUMENT` when there is no object, one has no values, one with state of its own does not say which tensors it has
    ///   ([`StateOptions::names`](crate::StateOptions::names)), a name is impossible, or an option is.
    pub fn new(graph: &Graph, named: &[(&str, NodeId)], options: &SaverOptions) -> Result<Saver> {
        graph.with(|nodes| {
            Saver::make(graph, nodes, named.iter().map(|(name, node)| (Box::from(*name), *node)).collect(), options)
        })
    }

    /// A saver of these variables under their own names ([`Graph::set_name`]). One that comes twice is saved once.
    ///
    /// # Errors
    /// As for [`Saver::new`]; `INVALID_ARGUMENT` also for an object that is no variable or has no name.
    pub fn of_variables(graph: &Graph, variables: &[NodeId], options: &SaverOptions) -> Result<Saver> {
        graph.with(|nodes| {
            let distinct: BTreeSet<NodeId> = variables.iter().copied().collect();
            let named = distinct.into_iter().map(|node| Ok((own_name(nodes, node)?, node))).collect::<Result<_>>();
            Saver::make(graph, nodes, named?, options)
        })
    }

    /// A saver of everything that `root` leads to and that has values, slot variables among it, by the variables' own names.
    ///
    /// # Errors
    /// As for [`Saver::of_variables`]; `FAILED_PRECONDITION` at a list or slot that cannot be saved.
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
            Saver::make(graph, nodes, named.collect::<Result<_>>()?, options)
        })
    }

    fn make(graph: &Graph, nodes: &Nodes, mut named: Vec<(Box<str>, NodeId)>, options: &SaverOptions) -> Result<Saver> {
        options.check()?;
        if named.is_empty() {
            return Err(Error::argument("No variables to save"));
        }
        crate::sort::sort_by(&mut named, |a, b| a.0.cmp(&b.0));
        let taken = |what: &str, name: &str| {
            Error::new(Code::AlreadyExists, Reason::NameTaken, format!("{what}: {}", printable(name.as_bytes())))
        };
        if let Some(pair) = named.windows(2).find(|pair| pair[0].0 == pair[1].0) {
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
        let inner = Inner { graph: graph.clone(), named, options: options.clone(), history, last_report: Mutex::default() };
        Ok(Saver(Arc::new(inner)))
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// The names under which objects are saved, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.named.iter().map(|(name, _)| &**name)
    }

    /// Writes the checkpoint `prefix`, or `prefix-STEP` where the options give a step, and calls the write callbacks. Then it is recorded, unless the options say
    /// otherwise: the directory's state file names it as the latest, and old ones that this saver recorded are removed. Gives its path.
    ///
    /// The directory must be there. What is removed are the files of checkpoints by their own names, never by pattern or by way of links; those that somebody holds
    /// stay until a later save.
    ///
    /// # Errors
    /// * `NOT_FOUND` when the directory is not there.
    /// * `INVALID_ARGUMENT` when the state file's name has a directory, or is that of the checkpoint.
    /// * `FAILED_PRECONDITION` when a variable has no value yet; `ABORTED` when a callback fails, `CANCELLED` when the progress callback stops it, else
    ///   what writing reports ([`Writer::finish`](crate::Writer::finish)).
    pub fn save(&self, prefix: impl AsRef<Path>, options: &SaverSaveOptions) -> Result<PathBuf> {
        self.save_on(&Local, prefix.as_ref(), options)
    }

    pub(crate) fn save_on(&self, storage: &dyn Storage, prefix: &Path, options: &SaverSaveOptions) -> Result<PathBuf> {
        let mut warnings = Vec::new();
        let saved = self.0.graph.with(|nodes| {
            let step = options.step(nodes)?;
            let path = self.0.path(prefix, step);
            let (directory, name) = directory_and_name(&path)?;
            check_state_name(&options.latest_filename, name, &path)?;
            let _held = Held::new(storage, directory, false).map_err(|e| match e.code() {
                Code::NotFound => e.prefixed(&format!(
                    "Parent directory of {} doesn't exist, can't save",
                    printable(prefix.as_os_str().as_encoded_bytes())
                )),
                _ => e,
            })?;
            let was_there = is_there(&path);
            let written = content::write(nodes, &self.0.named, storage, &path, &options.save);
            // When only the last sync fails, the checkpoint is there, and goes in its turn.
            if options.write_state && written.is_err() && !was_there && is_there(&path) {
                self.0.remember(&path);
            }
            written?;
            // Before the callbacks: a checkpoint that one of them refuses is there all the same, and goes in its turn.
            if options.write_state {
                self.0.remember(&path);
            }
            call_back(&options.save, &path)?;
            if options.write_state {
                self.0.record(storage, directory, &path, options, &mut warnings)?;
            }
            Ok(path)
        });
        self.0.options.warn(&warnings);
        saved
    }

    /// Restores all objects from the checkpoint at `path`: a prefix, one of its files, or a directory with a state file (its latest). A checkpoint that has an object
    /// graph, and not the names, is restored by the full names of the variables that it has. Of the options, those that are about paths of objects, renames and
    /// subtrees, are not for savers; globs match names.
    ///
    /// All that can be known is checked before the first value is assigned. The report has a row for each object, then one for each value of the checkpoint that
    /// was not used. [`Saver::last_report`] has the same, also after a failure. That a restore of a [`Checkpoint`](super::Checkpoint) waits for an object
    /// is not changed by this: it counts as an assignment.
    ///
    /// # Errors
    /// * `NOT_FOUND` when there is no checkpoint, a data file is missing, or a name is not in it.
    /// * `INVALID_ARGUMENT` when a value has another dtype or shape than its object, or two variables share memory.
    /// * `FAILED_PRECONDITION` for a variable that is read-only, `DATA_LOSS` when the checkpoint is damaged, `ABORTED` when a callback fails.
    pub fn restore(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Report> {
        let mut warnings = Vec::new();
        let restored = self.0.graph.with(|nodes| {
            *self.0.last_report.lock() = None;
            if !options.renames.is_empty() || options.subtree.is_some() {
                return Err(Error::argument("a saver restores by its own names: renames and subtrees are not for it"));
            }
            let reader = Reader::open(path).map_err(|e| match e.reason() {
                Reason::NoCheckpoint => e.prefixed("The passed save_path is not a valid checkpoint"),
                _ => e,
            })?;
            let (report, result) = self.0.restore(nodes, &reader, options, &mut warnings)?;
            *self.0.last_report.lock() = Some(report.clone());
            result.map(|()| report)
        });
        self.0.options.warn(&warnings);
        restored
    }

    /// What became of every value in the last call of [`Saver::restore`], also if it failed; none before the first, and when there was nothing to restore from.
    pub fn last_report(&self) -> Option<Report> {
        self.0.last_report.lock().clone()
    }

    /// The checkpoints that were recorded and are not removed yet, oldest first, as the calls that saved them gave them.
    pub fn last_checkpoints(&self) -> Vec<PathBuf> {
        self.0.history.lock().last.iter().map(|entry| entry.path.clone()).collect()
    }

    /// Takes these for the checkpoints that were recorded, oldest first. None of them is removed, ever, for it is not known when they were made.
    ///
    /// # Errors
    /// As for [`Saver::set_last_checkpoints_with_time`].
    pub fn set_last_checkpoints<P: AsRef<Path>>(&self, paths: impl IntoIterator<Item = P>) -> Result<()> {
        self.set_last_checkpoints_with_time(paths.into_iter().map(|path| (path, f64::INFINITY)))
    }

    /// Takes these for the checkpoints that were recorded, oldest first, with the times when they were made in seconds since the epoch. Those that are not in
    /// the directory of a later save are never removed: a program may have them from a state file.
    ///
    /// # Errors
    /// What the system says when a relative path cannot be told.
    pub fn set_last_checkpoints_with_time<P: AsRef<Path>>(&self, all: impl IntoIterator<Item = (P, f64)>) -> Result<()> {
        let entry = |(path, time): (P, f64)| {
            let path = path.as_ref();
            Ok(Entry { path: path.to_owned(), place: identity(path)?, time, is_own: false })
        };
        let last = all.into_iter().map(entry).collect::<Result<_>>()?;
        self.0.history.lock().last = last;
        Ok(())
    }

    /// Takes those of these checkpoints that are there for the ones that were recorded, with the times of their files: what a program that was ended gives the
    /// saver of its next run, from [`get_checkpoint_state`](crate::get_checkpoint_state).
    ///
    /// # Errors
    /// What the system says when it cannot be found out.
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
    fn path(&self, prefix: &Path, step: Option<i64>) -> PathBuf {
        let mut path = prefix.as_os_str().to_owned();
        match step {
            Some(step) if self.options.pad_step_number => path.push(format!("-{step:08}")),
            Some(step) => path.push(format!("-{step}")),
            None => {}
        }
        path.into()
    }

    /// Adds a checkpoint to those that are known.
    fn remember(&self, path: &Path) {
        let Some(max_to_keep) = self.options.max_to_keep else { return };
        let place = identity(path).unwrap_or_else(|_| path.to_owned());
        let entry = Entry { path: path.to_owned(), place, time: self.options.clock.now(), is_own: true };
        self.history.lock().record(entry, max_to_keep, self.options.keep_every_n_hours);
    }

    /// Replaces the state file, which names `path` as the latest, and removes what is too much.
    fn record(
        &self,
        storage: &dyn Storage,
        directory: &Path,
        path: &Path,
        options: &SaverSaveOptions,
        warnings: &mut Vec<String>,
    ) -> Result<()> {
        let mut history = self.history.lock();
        let here = identity(path)?.parent().unwrap_or(directory).to_owned();
        let relative = self.options.relative_paths;
        let of = |entry: &Entry| if relative { entry.place.clone() } else { entry.path.clone() };
        let latest = if relative { identity(path)? } else { path.to_owned() };
        let update = StateUpdate::new(latest)
            .all(history.last.iter().map(of))
            .keep_absolute(!relative)
            .file_name(&options.latest_filename)
            .durability(options.save.write.durability);
        let kept = history.leaving.clone();
        let mut leaving: BTreeMap<PathBuf, Vec<Entry>> = BTreeMap::new();
        for entry in history.take_leaving(&here) {
            leaving.entry(entry.place.parent().unwrap_or(&here).to_owned()).or_default().push(entry);
        }
        let durability = options.save.write.durability;
        let directory = if relative { &here } else { directory };
        let gone = leaving.remove(&here).unwrap_or_default();
        let mut stay =
            replace(storage, directory, Some(&update), durability, gone, warnings).inspect_err(|_| history.leaving = kept)?;
        for (elsewhere, gone) in leaving {
            match replace(storage, &elsewhere, None, durability, gone.clone(), warnings) {
                Ok(left) => stay.extend(left),
                Err(e) if e.code() == Code::NotFound => {}
                Err(e) => {
                    stay.extend(gone);
                    warnings.push(format!("an old checkpoint could not be removed: {e}"));
                }
            }
        }
        history.leaving = stay;
        Ok(())
    }
}

/// Replaces the state file of a directory, if there is an update, and removes checkpoints from it. Gives those that stay.
fn replace(
    storage: &dyn Storage,
    directory: &Path,
    update: Option<&StateUpdate>,
    durability: Durability,
    mut leaving: Vec<Entry>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Entry>> {
    let name = |entry: &Entry| entry.place.file_name().map(OsStr::to_owned);
    let names: Vec<OsString> = leaving.iter().filter_map(name).collect();
    let stay = directory::replace(storage, directory, update, durability, &names, warnings)?;
    leaving.retain(|entry| name(entry).is_some_and(|name| stay.contains(&name)));
    Ok(leaving)
}

/// Whether there is a checkpoint, as far as can be found out.
fn is_there(path: &Path) -> bool {
    checkpoint_exists(path).unwrap_or(true)
}

/// The directory of a checkpoint, and its name there.
fn directory_and_name(path: &Path) -> Result<(&Path, &OsStr)> {
    let name = path.file_name().filter(|_| !path.as_os_str().as_encoded_bytes().ends_with(b"/"));
    let name = name.ok_or_else(|| Error::argument("the prefix names no file").in_file(path))?;
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((directory, name))
}

/// Refuses a state file that would take the place of a file of the checkpoint, or is not in its directory.
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

/// The name that a variable has by itself.
fn own_name(nodes: &Nodes, node: NodeId) -> Result<Box<str>> {
    let name = nodes.variable(node)?.name.clone().filter(|name| !name.is_empty());
    name.ok_or_else(|| Error::argument(format!("{} has no name: give it one", nodes.describe(node))).because(Reason::Node))
}
