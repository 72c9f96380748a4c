//! The restoring calls of a checkpoint object.

use std::path::Path;
use std::sync::Arc;

use super::by_name::NameRestore;
use super::options::{Listener, RestoreOptions};
use super::report::Report;
use super::restore::{next_uid, Restore};
use super::restore_report::report_of;
use super::status::{Origin, Status};
use super::{cannot_count, Checkpoint, Handle, LastRestore, SAVE_COUNTER};
use crate::background::{Control, Pending};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{is_integer, Nodes, Variable};
use crate::reader::{OpenOptions, Reader, OBJECT_GRAPH_KEY};
use crate::storage::Location;
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

    /// Does what [`Checkpoint::restore`] does, in the background. An earlier save or restore in the
    /// background is waited for there.
    ///
    /// From now on until it is over, the graph is the restore's: other calls on it fail with
    /// `UNAVAILABLE` ([`Reason::Busy`]), but those that save or restore wait for it (if a save's
    /// options say [`Busy::Fail`](super::Busy), it fails as well). Callbacks of states, savers and
    /// devices are called on the background thread. The last clone of this object waits for the
    /// restore when it is dropped.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the path is a URI that names another machine.
    /// * `FAILED_PRECONDITION`: called from a callback of the graph ([`Reason::Reentrant`]), or
    ///   this process was forked from the one that made the checkpoint object
    ///   ([`Reason::Forked`]).
    /// * `RESOURCE_EXHAUSTED`: no thread can be started.
    ///
    /// Those of [`Checkpoint::restore`] are returned by [`Pending::take`].
    pub fn restore_async(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Pending<Status>> {
        self.load_async(path.as_ref(), options, Verb::Restore)
    }

    /// Does what [`Checkpoint::read`] does, in the background, as [`Checkpoint::restore_async`]
    /// does.
    ///
    /// # Errors
    /// Those of [`Checkpoint::restore_async`].
    pub fn read_async(&self, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Pending<Status>> {
        self.load_async(path.as_ref(), options, Verb::Read)
    }

    fn load_async(&self, path: &Path, options: &RestoreOptions, verb: Verb) -> Result<Pending<Status>> {
        let (to, path, options) = (Location::of(path)?, path.to_owned(), options.clone());
        let load = move |own: &Checkpoint, control: &Control| own.load(&path, &options.watched(control), verb);
        self.in_background(to, load, |status| Some(status))
    }

    /// Restores in the background: `restore` is called there with a checkpoint object that keeps
    /// nothing alive for the program. `status_of` gives the status in its result.
    pub(crate) fn in_background<T: Send + 'static>(
        &self,
        path: Location,
        restore: impl FnOnce(&Checkpoint, &Control) -> Result<T> + Send + 'static,
        status_of: fn(&mut T) -> Option<&mut Status>,
    ) -> Result<Pending<T>> {
        self.check_origin()?;
        self.0.graph.check_outside()?;
        let (inner, handle) = (self.0 .0.clone(), Arc::downgrade(&self.0));
        let pending = Pending::new(path, move |control| {
            let own = Checkpoint(Arc::new(Handle(inner)));
            let mut restored = restore(&own, control)?;
            if let (Some(status), Some(handle)) = (status_of(&mut restored), handle.upgrade()) {
                status.checkpoint = Checkpoint(handle);
            }
            Ok(restored)
        });
        let job = pending.job();
        let launched = match self.0.graph.give_to(job).or_else(|| self.0.slot.running()) {
            Some(earlier) => job.launch_after(&earlier),
            None => job.launch(),
        };
        if launched.is_err() {
            self.0.graph.take_from(job);
            launched?;
        }
        let mut restores = self.0.restores.lock();
        restores.retain(|earlier| earlier.is_running());
        restores.push(job.clone());
        Ok(pending)
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
            let control = &options.control();
            let reader = self.open(path, control)?;
            let Some(saved) = reader.object_graph()? else {
                let restore = Arc::new(NameRestore::new(reader, options, None)?);
                return match restore.begin(nodes, self.as_root(&self.attached()), control, true) {
                    Err(e) if !is_in_rows(&e) => Err(e),
                    _ => restore.report(nodes, self),
                };
            };
            let restore = Arc::new(Restore::new(reader, saved, options, None)?);
            let (pass, begun) = restore.begin(nodes, self.0.root, &self.attached(), control, true);
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
    fn open(&self, path: &Path, control: &Control) -> Result<Reader> {
        let log = Listener::new(self.0.state.lock().log.clone());
        Reader::for_restore(path, &OpenOptions::new().heard_by(&log).watched(control))
    }

    fn load_into(&self, nodes: &mut Nodes, path: &Path, options: &RestoreOptions, verb: Verb) -> Result<Status> {
        let control = &options.control();
        let log = self.0.state.lock().log.clone();
        let reader = self.open(path, control)?;
        let Some(saved) = reader.object_graph()? else {
            let restore = Arc::new(NameRestore::new(reader, options, log.as_ref())?);
            if verb == Verb::Restore {
                restore.with_key(SAVE_COUNTER, |reader, key| self.check_counter(nodes, reader, key))?;
            }
            if let Err(e) = restore.begin(nodes, self.as_root(&self.attached()), control, false) {
                if let Ok(report) = restore.report(nodes, self) {
                    self.0.state.lock().last = LastRestore::Failed(report);
                }
                return Err(e);
            }
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
        let (pass, begun) = restore.begin(nodes, self.0.root, &self.attached(), control, false);
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
