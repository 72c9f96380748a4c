//! Saving and restoring variables by their names, without an object graph: `tf.compat.v1.train.Saver`.

#[cfg(test)]
mod crash_tests;
mod history;
mod options;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::assign::{Batch, Outcome, Plan, What};
use super::options::{Mismatch, RestoreOptions, SaveOptions};
use super::report::{Report, Row, RowState};
use super::save::{add_put, add_variable, call_back};
use super::status::spec_of;
use crate::bundle::{Held, Writer};
use crate::directory::{self, checkpoint_exists, checkpoint_mtimes, identity, StateUpdate};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::key::{push_escaped, PY_STATE};
use crate::graph::{Graph, Kind, NodeId, Nodes, Put, Root, Sink, Walk};
use crate::reader::{Reader, OBJECT_GRAPH_KEY};
use crate::storage::{Local, Storage};
use crate::Durability;

pub use options::{SaverOptions, SaverSaveOptions};

use history::{Entry, History};

/// Most names that a message lists.
const SHOWN: usize = 10;

/// Saves objects of a graph under names of the program's, and restores them by these: `tf.compat.v1.train.Saver`. Its checkpoints have no object graph.
///
/// A variable is saved under its name, an object with state of its own under its name followed by those of its tensors, a text under its name and `_py_state`, as
/// in TensorFlow. Format V2 is written; V2 and V1 are restored, and by the full names of variables also checkpoints with an object graph.
///
/// Clones are the same saver. It keeps the graph alive. Calls that save or restore take the graph's lock for their whole length.
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
    ///   what writing reports ([`Writer::finish`]).
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
            let written = write(nodes, &self.0.named, storage, &path, &options.save);
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

    /// Restores what is wanted, and says what became of everything. An error here is one without a report.
    fn restore(
        &self,
        nodes: &mut Nodes,
        reader: &Reader,
        options: &RestoreOptions,
        warnings: &mut Vec<String>,
    ) -> Result<(Report, Result<()>)> {
        let wanted: Vec<&(Box<str>, NodeId)> = self.named.iter().filter(|(name, _)| options.wants(name)).collect();
        let direct = |key: &str| reader.find(key.as_bytes()).ok_or_else(|| key.to_owned());
        let plan = |find: &dyn Fn(&str) -> std::result::Result<usize, String>| -> Result<Vec<Plan>> {
            wanted.iter().map(|(name, node)| plan(nodes, name, *node, find)).collect()
        };
        let mut plans = plan(&direct)?;
        if plans.iter().any(|plan| matches!(plan.what, What::Missing(_))) {
            if let Some(graph) = reader.object_graph()? {
                let names: BTreeMap<&str, &str> = graph
                    .nodes()
                    .flat_map(|node| node.attributes().map(|a| (a.full_name, a.checkpoint_key)))
                    .filter(|(name, _)| !name.is_empty())
                    .collect();
                let by_full_name =
                    |name: &str| names.get(name).and_then(|key| reader.find(key.as_bytes())).ok_or_else(|| name.to_owned());
                plans = plan(&by_full_name)?;
                if options.on_mismatch == Mismatch::Fail {
                    check_names(reader, &plans, &names)?;
                }
                warnings.push(
                    "Restoring an object-based checkpoint using a name-based saver. This may be somewhat fragile; consider loading it as a Checkpoint.".to_owned(),
                );
            }
        }
        let (outcomes, result) = Batch { reader, options, dry: false }.run(nodes, &plans);
        let result = result.map_err(|e| match e.reason() {
            Reason::NoTensor => e.prefixed(&due_to("a Variable name or other graph key that is missing")),
            Reason::DType | Reason::Shape => e.prefixed(&due_to("a mismatch between the current graph and the graph")),
            _ => e,
        });
        Ok((self.report(nodes, reader, options, &plans, outcomes), result))
    }

    fn report(&self, nodes: &Nodes, reader: &Reader, options: &RestoreOptions, plans: &[Plan], outcomes: Vec<Outcome>) -> Report {
        let mut used = BTreeSet::new();
        let mut fates = plans.iter().zip(outcomes).peekable();
        let row = |name: &str, key: &str, node: Option<NodeId>, tensor: Option<usize>, state, detail| Row {
            path: name.to_owned(),
            key: key.to_owned(),
            state,
            saved: tensor.and_then(|tensor| reader.tensor(tensor)).map(|t| (t.dtype(), t.shape().to_vec())),
            program: node.and_then(|node| spec_of(nodes, node)),
            node,
            saved_node: None,
            candidate: None,
            detail,
        };
        let mut rows = Vec::new();
        for (name, node) in &self.named {
            let Some((plan, outcome)) = fates.next_if(|(plan, _)| plan.object == *node && options.wants(name)) else {
                let left_out = Some("left out by the options".to_owned());
                rows.push(row(name, name, Some(*node), reader.find(name.as_bytes()), RowState::Skipped, left_out));
                continue;
            };
            let tensors: Vec<usize> = match &plan.what {
                What::Missing(_) => Vec::new(),
                What::Variable(tensor) | What::Text(tensor) => vec![*tensor],
                What::State(_, tensors) => tensors.iter().map(|(_, tensor)| *tensor).collect(),
            };
            if tensors.is_empty() {
                let key = String::from_utf8_lossy(plan.key(reader));
                rows.push(row(name, &key, Some(*node), None, outcome.state, outcome.detail.clone()));
            }
            for &tensor in &tensors {
                let key = reader.tensor(tensor).map_or(Default::default(), |t| String::from_utf8_lossy(t.key()));
                rows.push(row(name, &key, Some(*node), Some(tensor), outcome.state, outcome.detail.clone()));
            }
            used.extend(tensors);
        }
        let skipped: BTreeSet<&str> = self.named.iter().map(|(name, _)| &**name).filter(|name| !options.wants(name)).collect();
        for tensor in reader.tensors().filter(|t| !used.contains(&t.index()) && t.key() != OBJECT_GRAPH_KEY) {
            let key = String::from_utf8_lossy(tensor.key());
            if !skipped.contains(&*key) {
                rows.push(row(&key, &key, None, Some(tensor.index()), RowState::Unused, None));
            }
        }
        Report::new(rows)
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

/// Refuses what cannot be saved by name.
fn check_saveable(nodes: &Nodes, name: &str, node: NodeId) -> Result<()> {
    let impossible = |what: &str| {
        Err(Error::argument(format!("{what}: \"{}\", of {}", printable(name.as_bytes()), nodes.describe(node)))
            .because(Reason::Node))
    };
    match &nodes.need(node)?.kind {
        _ if name.as_bytes() == OBJECT_GRAPH_KEY => impossible("the name is that of the object graph"),
        Kind::Variable(_) if name.is_empty() || name.starts_with('\0') => impossible("a tensor cannot have this name"),
        Kind::Variable(_) | Kind::Text(_) => Ok(()),
        Kind::State(_, options) if options.names.is_some() => Ok(()),
        Kind::State(..) => impossible("an object with state must say the names of its tensors to be saved by name"),
        _ => impossible("the object has no values"),
    }
}

/// The key of a tensor of an object with state.
fn state_key(name: &str, tensor: &str) -> String {
    let mut key = name.to_owned();
    push_escaped(&mut key, tensor);
    key
}

/// Writes the files of a checkpoint: the tensors of the objects in the order of their names, as TensorFlow does.
fn write(
    nodes: &mut Nodes,
    named: &[(Box<str>, NodeId)],
    storage: &dyn Storage,
    prefix: &Path,
    options: &SaveOptions,
) -> Result<()> {
    let mut puts: Vec<Vec<Put>> = Vec::with_capacity(named.len());
    for (name, node) in named {
        let what = nodes.describe(*node);
        let mut sink = Sink::default();
        if let Kind::State(Some(state), _) = &mut nodes.need_mut(*node)?.kind {
            let saved = state.save(&mut sink);
            saved.map_err(|e| Error::callback(format!("{what}: its callback failed: {e}")).for_tensor(name.as_bytes()))?;
        }
        puts.push(sink.tensors);
    }
    let nodes = &*nodes;
    let mut writer = Writer::new(prefix, &options.write)?;
    for ((name, node), puts) in named.iter().zip(&puts) {
        match &nodes.need(*node)?.kind {
            Kind::Variable(_) => add_variable(&mut writer, nodes, *node, name)?,
            Kind::Text(text) => writer.add_strings(text_key(name), &[], &[text])?,
            _ => puts.iter().try_for_each(|put| add_put(&mut writer, &state_key(name, &put.name), put))?,
        }
    }
    writer.finish_on(storage, &mut |done, total| match &options.progress {
        Some(progress) => progress(done, total),
        None => ControlFlow::Continue(()),
    })?;
    Ok(())
}

fn text_key(name: &str) -> String {
    format!("{name}_{PY_STATE}")
}

/// What is to be given to an object; `find` finds a tensor by its name, or gives the key that is missing.
fn plan(nodes: &Nodes, name: &str, node: NodeId, find: &dyn Fn(&str) -> std::result::Result<usize, String>) -> Result<Plan> {
    let missing = |key: String| What::Missing(key.into_bytes().into());
    let what = match &nodes.need(node)?.kind {
        Kind::State(_, options) => {
            let names = options.names.as_deref().unwrap_or_default();
            let found: std::result::Result<Vec<_>, String> =
                names.iter().map(|tensor| Ok((tensor.clone(), find(&state_key(name, tensor))?))).collect();
            found.map_or_else(missing, |tensors| What::State(name.as_bytes().into(), tensors))
        }
        Kind::Text(_) => find(&text_key(name)).map_or_else(missing, What::Text),
        _ => find(name).map_or_else(missing, What::Variable),
    };
    Ok(Plan { object: node, saved: 0, what })
}

/// Fails when a checkpoint with an object graph lacks a name.
fn check_names(reader: &Reader, plans: &[Plan], names: &BTreeMap<&str, &str>) -> Result<()> {
    let missing: Vec<String> =
        plans.iter().filter(|plan| matches!(plan.what, What::Missing(_))).map(|plan| printable(plan.key(reader))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let used: BTreeSet<&[u8]> = plans.iter().map(|plan| plan.key(reader)).collect();
    let (matched, extra): (Vec<_>, Vec<_>) = names.iter().partition(|(_, key)| used.contains(key.as_bytes()));
    let extra: Vec<String> = extra.into_iter().map(|(name, _)| printable(name.as_bytes())).collect();
    Err(Error::new(
        Code::NotFound,
        Reason::NoTensor,
        format!(
            "Existing variables not in the checkpoint: {}; Variables names when this checkpoint was written which don't exist now: {}; ({} variable name(s) did match). \
             It has an object graph and was read by the full names of its variables, which may differ from those of the program",
            first(&missing),
            first(&extra),
            matched.len()
        ),
    )
    .in_file(reader.prefix()))
}

/// The first few names of a list.
fn first(names: &[String]) -> String {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

fn due_to(what: &str) -> String {
    format!(
        "Restoring from checkpoint failed. This is most likely due to {what} from the checkpoint. Please ensure that you have not altered the graph expected \
         based on the checkpoint"
    )
}
