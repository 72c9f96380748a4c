//! What a program calls to restore.

use std::path::Path;
use std::sync::Arc;

use super::by_name::NameRestore;
use super::options::RestoreOptions;
use super::report::Report;
use super::restore::{next_uid, Restore};
use super::restore_report::report_of;
use super::status::{Origin, Status};
use super::{cannot_count, Checkpoint, LastRestore, SAVE_COUNTER};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{is_integer, Nodes, Variable};
use crate::reader::{ObjectGraph, Reader};
use crate::tensor::{shape_text, DType};

/// How a path is opened: what restore does and read does not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Restore,
    Read,
}

impl Checkpoint {
    /// Restores the program from the checkpoint at `path`: a prefix, one of its files, a directory with a state file (its latest), or a SavedModel. Every object that
    /// the root leads to by the edges that were saved takes its value; what the program does not have yet is restored when it is tracked.
    /// Makes the save counter. A checkpoint of names is restored by the full names of variables. (`tf.train.Checkpoint.restore`)
    ///
    /// All that can be known is checked before the first value is assigned. If it fails then, the graph is as it was. If reading, a checksum or a callback fails
    /// after that, [`Checkpoint::last_report`] says of each value what became of it; nothing waits for the restore.
    ///
    /// # Errors
    /// * `NOT_FOUND` when there is no checkpoint, a data file is missing, it lacks a value that it should have, or a path that an option names.
    /// * `INVALID_ARGUMENT` when a value has another dtype or shape than its object, or two variables share memory.
    /// * `FAILED_PRECONDITION` for a variable that is read-only, a list that cannot be saved, or a registered saver that does not accept its object.
    /// * `DATA_LOSS` when the checkpoint is damaged, `ABORTED` when a callback fails.
    pub fn restore(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Status> {
        self.load(path.as_ref(), options, Verb::Restore)
    }

    /// The same without the save counter, for what [`Checkpoint::write`] wrote. (`tf.train.Checkpoint.read`)
    ///
    /// # Errors
    /// As for [`Checkpoint::restore`].
    pub fn read(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Status> {
        self.load(path.as_ref(), options, Verb::Read)
    }

    /// Restores nothing, but makes the save counter: `tf.train.Checkpoint.restore(None)`. All assertions of the status fail.
    ///
    /// # Errors
    /// As for [`Checkpoint::save_counter`].
    pub fn restore_nothing(&self) -> Result<Status> {
        self.save_counter()?;
        next_uid();
        Ok(Status { origin: Origin::Nothing, checkpoint: self.clone() })
    }

    /// Says what [`Checkpoint::read`] would do. Nothing is assigned, and nothing waits for it. What would fail is in the rows.
    ///
    /// # Errors
    /// As for [`Checkpoint::read`], save for what rows can tell.
    pub fn dry_run(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Report> {
        let path = path.as_ref();
        self.when_idle(None, |nodes| {
            let reader = Reader::open(path)?;
            let Some(saved) = reader.object_graph()? else {
                let restore = Arc::new(NameRestore::new(reader, options));
                return match restore.begin(nodes, self.as_root(&self.attached()), true) {
                    Err(e) if !is_in_rows(&e) => Err(e),
                    _ => restore.report(nodes, self),
                };
            };
            let restore = Arc::new(Restore::new(reader, transformed(saved, options)?, options, None));
            let (pass, begun) = restore.begin(nodes, self.0.root, &self.attached(), true);
            let report = report_of(nodes, &restore, self);
            restore.undo(nodes, &pass);
            match begun {
                Err(e) if !is_in_rows(&e) => Err(e),
                _ => report,
            }
        })
    }

    /// What became of every value in the last call of [`Checkpoint::restore`] or [`Checkpoint::read`], also of one that failed; none before the first, or when nobody
    /// holds on to that restore any more.
    pub fn last_report(&self) -> Option<Report> {
        let last = match &self.0.state.lock().last {
            LastRestore::None => return None,
            LastRestore::Failed(report) => return Some(report.clone()),
            LastRestore::Objects(restore) => restore.upgrade().map(Origin::Objects),
            LastRestore::Names(restore) => restore.upgrade().map(Origin::Names),
        };
        Status { origin: last?, checkpoint: self.clone() }.report().ok()
    }

    fn load(&self, path: &Path, options: &RestoreOptions, verb: Verb) -> Result<Status> {
        self.when_idle(None, |nodes| {
            self.0.state.lock().last = LastRestore::None;
            let loaded = self.load_into(nodes, path, options, verb);
            loaded.map_err(|e| match verb {
                Verb::Restore if e.code() == Code::NotFound => e.prefixed(&format!(
                    "Error when restoring from checkpoint or SavedModel at {} (please double-check that the path is correct; you may be missing the checkpoint \
                     suffix, e.g. the '-1' in 'path/to/ckpt-1')",
                    printable(path.as_os_str().as_encoded_bytes())
                )),
                _ => e,
            })
        })
    }

    fn load_into(&self, nodes: &mut Nodes, path: &Path, options: &RestoreOptions, verb: Verb) -> Result<Status> {
        let reader = Reader::open(path)?;
        let log = self.0.state.lock().log.clone();
        let Some(saved) = reader.object_graph()? else {
            if verb == Verb::Restore {
                self.check_counter(nodes, &reader, reader.contains(SAVE_COUNTER).then_some(SAVE_COUNTER))?;
            }
            let restore = Arc::new(NameRestore::new(reader, options));
            restore.begin(nodes, self.as_root(&self.attached()), false)?;
            if verb == Verb::Restore {
                let counter = self.counter(nodes)?;
                restore.add_optional(nodes, counter)?;
            }
            self.0.state.lock().last = LastRestore::Names(Arc::downgrade(&restore));
            return Ok(Status { origin: Origin::Names(restore), checkpoint: self.clone() });
        };
        let restore = Arc::new(Restore::new(reader, transformed(saved, options)?, options, log));
        if verb == Verb::Restore {
            let saved = restore.saved.node(0).and_then(|root| root.children().find(|edge| edge.name == SAVE_COUNTER));
            let saved = saved.filter(|edge| restore.wants(edge.node)).and_then(|edge| restore.saved.node(edge.node));
            let key = saved.and_then(|counter| Some(counter.attributes().next()?.checkpoint_key));
            self.check_counter(nodes, &restore.reader, key)?;
        }
        let (pass, begun) = restore.begin(nodes, self.0.root, &self.attached(), false);
        if let Err(e) = begun {
            if let Ok(report) = report_of(nodes, &restore, self) {
                self.0.state.lock().last = LastRestore::Failed(report);
            }
            restore.undo(nodes, &pass);
            return Err(e);
        }
        if verb == Verb::Restore {
            self.counter(nodes)?;
        }
        self.0.state.lock().last = LastRestore::Objects(Arc::downgrade(&restore));
        Ok(Status { origin: Origin::Objects(restore), checkpoint: self.clone() })
    }

    /// Fails when the save counter, the program's or the checkpoint's under `key`, is none, before anything is assigned: it is made after that.
    fn check_counter(&self, nodes: &Nodes, reader: &Reader, key: Option<&str>) -> Result<()> {
        if self.0.state.lock().counter.is_some_and(|counter| nodes.get(counter).is_some()) {
            return Ok(());
        }
        if let Some(&there) = nodes.need(self.0.root)?.edges().get(SAVE_COUNTER) {
            let variable = nodes.variable(there).ok();
            let can_count = |v: &Variable| v.dtype.is_none_or(is_integer) && v.accepts().is_none_or(<[i64]>::is_empty);
            return if variable.is_some_and(can_count) { Ok(()) } else { Err(cannot_count(&nodes.describe(there))) };
        }
        let Some(key) = key else { return Ok(()) };
        let tensor = reader.get(key)?;
        match (tensor.dtype(), tensor.shape()) {
            (DType::Int64, []) => Ok(()),
            (dtype, shape) => Err(Error::argument(format!("tensor_name = {key}; the save counter cannot be restored"))
                .because(if dtype == DType::Int64 { Reason::Shape } else { Reason::DType })
                .expecting("int64 []", format_args!("{dtype} {}", shape_text(shape)))
                .for_tensor(key.as_bytes())
                .in_file(reader.prefix())),
        }
    }
}

/// Whether the rows of a report say what the error says.
fn is_in_rows(error: &Error) -> bool {
    matches!(error.reason(), Reason::NoTensor | Reason::DType | Reason::Shape | Reason::ReadOnly)
}

/// The object graph as the options have it.
fn transformed(saved: ObjectGraph, options: &RestoreOptions) -> Result<ObjectGraph> {
    let saved = if options.renames.is_empty() { saved } else { saved.renamed(&options.renames)? };
    match &options.subtree {
        None => Ok(saved),
        Some(path) => {
            let absent = || {
                Error::new(
                    Code::NotFound,
                    Reason::NoTensor,
                    format!("the checkpoint has no object \"{}\"", printable(path.as_bytes())),
                )
            };
            saved.subtree(saved.node_at(path).ok_or_else(absent)?).ok_or_else(absent)
        }
    }
}
