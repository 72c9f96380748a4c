//! The restoring calls of a checkpoint object.

use std::path::Path;
use std::sync::Arc;

use super::by_name::NameRestore;
use super::options::{Listener, RestoreOptions};
use super::report::Report;
use super::restore::{next_uid, Restore};
use super::restore_report::report_of;
use super::status::{Origin, Status};
use super::{cannot_count, Checkpoint, LastRestore, SAVE_COUNTER};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{is_integer, Nodes, Variable};
use crate::reader::{OpenOptions, Reader, OBJECT_GRAPH_KEY};
use crate::tensor::{shape_text, DType};

/// Which of the two calls is running.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Restore,
    Read,
}

impl Checkpoint {
    /// Restores the program from the checkpoint at `path`: a prefix, one of its files, a directory
    /// with a state file (its latest checkpoint), or a SavedModel. If the path is both a prefix and
    /// a directory, the prefix counts. (`tf.train.Checkpoint.restore`)
    ///
    /// Each object that the root reaches by the edges that were saved takes its value. Values whose
    /// objects the program does not have yet are deferred: they are restored when the object is
    /// tracked. The save counter is made. A name-based checkpoint ([`Saver`](crate::Saver)) is
    /// restored by the full names of variables.
    ///
    /// Everything that can be checked is checked before the first value is assigned; if a check
    /// fails, the graph is unchanged. If reading, a checksum or a callback fails later,
    /// [`Checkpoint::last_report`] says what became of each value, and nothing is deferred.
    ///
    /// # Errors
    /// * `NOT_FOUND`: there is no checkpoint; a data file is missing; or the checkpoint lacks a
    ///   value that it should have, or a path that an option names.
    /// * `INVALID_ARGUMENT`: a value has another dtype or shape than its object, or two variables
    ///   share memory.
    /// * `FAILED_PRECONDITION`: a variable is read-only, a list cannot be saved, or a registered
    ///   saver does not accept its object.
    /// * `DATA_LOSS`: the checkpoint is damaged.
    /// * `ABORTED`: a callback failed.
    pub fn restore(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Status> {
        self.load(path.as_ref(), options, Verb::Restore)
    }

    /// Like [`Checkpoint::restore`], but without the save counter: for what [`Checkpoint::write`]
    /// wrote. (`tf.train.Checkpoint.read`)
    ///
    /// # Errors
    /// Those of [`Checkpoint::restore`].
    pub fn read(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Status> {
        self.load(path.as_ref(), options, Verb::Read)
    }

    /// Makes the save counter and restores nothing. All assertions of the status fail.
    /// (`tf.train.Checkpoint.restore(None)`)
    ///
    /// # Errors
    /// Those of [`Checkpoint::save_counter`].
    pub fn restore_nothing(&self) -> Result<Status> {
        self.save_counter()?;
        next_uid();
        Ok(Status { origin: Origin::Nothing, checkpoint: self.clone() })
    }

    /// Reports what [`Checkpoint::read`] would do. Assigns nothing and defers nothing. Values that
    /// do not fit are rows of the report rather than errors.
    ///
    /// # Errors
    /// Those of [`Checkpoint::read`], except those that rows can express.
    pub fn dry_run(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Report> {
        let path = path.as_ref();
        self.when_idle(None, |nodes| {
            let reader = self.open(path)?;
            let Some(saved) = reader.object_graph()? else {
                let restore = Arc::new(NameRestore::new(reader, options, None)?);
                return match restore.begin(nodes, self.as_root(&self.attached()), true) {
                    Err(e) if !is_in_rows(&e) => Err(e),
                    _ => restore.report(nodes, self),
                };
            };
            let restore = Arc::new(Restore::new(reader, saved, options, None)?);
            let (pass, begun) = restore.begin(nodes, self.0.root, &self.attached(), true);
            let report = report_of(nodes, &restore, self);
            restore.undo(nodes, &pass);
            match begun {
                Err(e) if !is_in_rows(&e) => Err(e),
                _ => report,
            }
        })
    }

    /// Reports what became of each value in the last [`Checkpoint::restore`] or
    /// [`Checkpoint::read`], whether it succeeded or failed. `None` before the first, and when the
    /// last restore is no longer known: its status was dropped and it has no deferred values.
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

    /// Opens the checkpoint at `path`. The log hears how the path was understood.
    fn open(&self, path: &Path) -> Result<Reader> {
        let log = Listener::new(self.0.state.lock().log.clone());
        Reader::for_restore(path, &OpenOptions::new().heard_by(&log))
    }

    fn load_into(&self, nodes: &mut Nodes, path: &Path, options: &RestoreOptions, verb: Verb) -> Result<Status> {
        let log = self.0.state.lock().log.clone();
        let reader = self.open(path)?;
        let Some(saved) = reader.object_graph()? else {
            let restore = Arc::new(NameRestore::new(reader, options, log.as_ref())?);
            if verb == Verb::Restore {
                restore.with_key(SAVE_COUNTER, |reader, key| self.check_counter(nodes, reader, key))?;
            }
            restore.begin(nodes, self.as_root(&self.attached()), false)?;
            if verb == Verb::Restore {
                let counter = self.counter(nodes)?;
                restore.add_optional(nodes, counter)?;
            }
            self.0.state.lock().last = LastRestore::Names(Arc::downgrade(&restore));
            return Ok(Status { origin: Origin::Names(restore), checkpoint: self.clone() });
        };
        let restore = Arc::new(Restore::new(reader, saved, options, log)?);
        if verb == Verb::Restore {
            let saved = restore.selection.saved.node(0).and_then(|root| root.children().find(|edge| edge.name == SAVE_COUNTER));
            let saved = saved.filter(|edge| restore.wants(edge.node)).and_then(|edge| restore.selection.saved.node(edge.node));
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

    /// Fails if the save counter cannot be one: the program's, or the value that the checkpoint has
    /// under `key`. Called before anything is assigned, because the counter is made afterwards.
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
            // TensorFlow makes a counter of this shape, which cannot count.
            (DType::Int64, _) if !self.0.is_attached && reader.contains(OBJECT_GRAPH_KEY) => Ok(()),
            (dtype, shape) => Err(Error::argument(format!("tensor_name = {key}; the value cannot be a save counter"))
                .because(if dtype == DType::Int64 { Reason::Shape } else { Reason::DType })
                .expecting("int64 []", format_args!("{dtype} {}", shape_text(shape)))
                .for_tensor(key.as_bytes())
                .in_file(reader.prefix())),
        }
    }
}

/// Returns whether the rows of a report express the error.
fn is_in_rows(error: &Error) -> bool {
    matches!(error.reason(), Reason::NoTensor | Reason::DType | Reason::Shape | Reason::ReadOnly)
}
