//! The status of a restore: assertions and the report.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::assertions::failed;
use super::by_name::NameRestore;
use super::report::Report;
use super::restore::Restore;
use super::restore_report::report_of;
use super::Checkpoint;
use crate::error::{Error, Result};
use crate::graph::Nodes;

/// The kind of checkpoint that a restore status belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum RestoreKind {
    /// A checkpoint with an object graph (`CheckpointLoadStatus`).
    Objects = 1,
    /// A name-based checkpoint (`NameBasedSaverStatus`).
    Names = 2,
    /// No checkpoint (`InitializationOnlyStatus`).
    None = 3,
}

/// The restore that a status belongs to.
pub(super) enum Origin {
    Objects(Arc<Restore>),
    Names(Arc<NameRestore>),
    Nothing,
}

/// The outcome of a restore, which changes while the program goes on: deferred values are restored
/// when their objects are tracked. Several threads may use it at once.
///
/// When the status is dropped and the restore has no deferred values left, the checkpoint's log
/// gets a warning that lists the values that were never used, unless [`Status::expect_partial`] was
/// called.
///
/// An assertion that does not hold fails with `FAILED_PRECONDITION` and
/// [`Reason::Assertion`](crate::Reason::Assertion). Its message names the first few objects; the
/// report has all of them.
///
/// ```
/// # use checkpoint::{Checkpoint, DType, Graph, RestoreOptions, RowState, SaveOptions, Variable};
/// # let directory = tempfile::tempdir()?;
/// # let saved = Graph::new();
/// # let root = saved.add_object()?;
/// # saved.track(root, "kernel", saved.add_variable(Variable::zeros(DType::Float, &[2])?)?)?;
/// # let path = directory.path().join("model");
/// # let path = Checkpoint::new(&saved, root)?.write(path, &SaveOptions::new())?;
/// let graph = Graph::new();
/// let root = graph.add_object()?;
/// let program = Checkpoint::new(&graph, root)?;
/// // The checkpoint has a "kernel". The program has none yet.
/// let status = program.read(&path, &RestoreOptions::new())?;
/// assert!(status.assert_consumed().is_err());
/// assert_eq!(status.report()?.count(RowState::Deferred), 1);
///
/// graph.track(root, "kernel", graph.add_variable(Variable::zeros(DType::Float, &[2])?)?)?;
/// status.assert_consumed()?; // it was restored when it was tracked
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Status {
    pub(super) origin: Origin,
    pub(super) checkpoint: Checkpoint,
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({:?}, {:?})", self.kind(), self.path())
    }
}

impl Status {
    /// Returns the kind of the restore.
    pub fn kind(&self) -> RestoreKind {
        match &self.origin {
            Origin::Objects(_) => RestoreKind::Objects,
            Origin::Names(_) => RestoreKind::Names,
            Origin::Nothing => RestoreKind::None,
        }
    }

    /// Returns the prefix of the checkpoint that was restored; `None` if there is none.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Objects(restore) => Some(restore.reader.prefix()),
            Origin::Names(restore) => Some(restore.prefix()),
            Origin::Nothing => None,
        }
    }

    /// Suppresses the warning about values that were never used.
    pub fn expect_partial(&self) {
        if let Origin::Objects(restore) = &self.origin {
            restore.expect_partial();
        }
    }

    /// No-op, as in TensorFlow's eager mode: values are restored at once or when their objects are
    /// tracked.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION`: there is no checkpoint.
    pub fn run_restore_ops(&self) -> Result<()> {
        match &self.origin {
            Origin::Nothing => {
                Err(failed("No checkpoint specified, so no restore ops are available (save_path=None to Saver.restore)."))
            }
            _ => Ok(()),
        }
    }

    /// No-op, as in TensorFlow's eager mode: variables have their values from the start. Never
    /// fails.
    pub fn initialize_or_restore(&self) -> Result<()> {
        Ok(())
    }

    /// Asserts that every object that the program has so far, and that has values, got its value
    /// from the checkpoint.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION` ([`Reason::Assertion`](crate::Reason::Assertion)): the assertion
    ///   does not hold, or there is no checkpoint.
    /// * `FAILED_PRECONDITION` ([`Reason::Unsavable`](crate::Reason::Unsavable)): the program
    ///   contains a list that cannot be saved.
    pub fn assert_existing_objects_matched(&self) -> Result<()> {
        self.ask(|nodes, restore| restore.assert_existing_matched(nodes, &self.checkpoint, false))
    }

    /// Asserts that everything in the checkpoint was restored, and that every object of the program
    /// was restored from it.
    ///
    /// # Errors
    /// Those of [`Status::assert_existing_objects_matched`].
    pub fn assert_consumed(&self) -> Result<()> {
        self.ask(|nodes, restore| {
            restore.assert_existing_matched(nodes, &self.checkpoint, false)?;
            restore.assert_all_consumed(nodes)
        })
    }

    /// Asserts that all the rest matched: every object that the program has so far, and that has
    /// values, got its value from the checkpoint, but for those that the options leave out. These
    /// are what the options exclude and, with [`Mismatch::Skip`](crate::Mismatch::Skip), the
    /// objects whose values do not fit. Values of the checkpoint without an object are not required
    /// to be used.
    ///
    /// # Errors
    /// Those of [`Status::assert_existing_objects_matched`].
    pub fn assert_rest_matched(&self) -> Result<()> {
        self.checkpoint.graph().with(|nodes| match &self.origin {
            Origin::Objects(restore) => restore.assert_existing_matched(nodes, &self.checkpoint, true),
            Origin::Names(restore) => restore.assert_restored(nodes, &self.checkpoint, true),
            Origin::Nothing => Err(nothing_restored()),
        })
    }

    /// Asserts that at least one object other than the root was matched.
    ///
    /// # Errors
    /// Those of [`Status::assert_existing_objects_matched`].
    pub fn assert_nontrivial_match(&self) -> Result<()> {
        self.ask(|nodes, restore| restore.assert_nontrivial_match(nodes, &self.checkpoint))
    }

    fn ask(&self, about_objects: impl FnOnce(&Nodes, &Restore) -> Result<()>) -> Result<()> {
        self.checkpoint.graph().with(|nodes| match &self.origin {
            Origin::Objects(restore) => about_objects(nodes, restore),
            Origin::Names(restore) => restore.assert_restored(nodes, &self.checkpoint, false),
            Origin::Nothing => Err(nothing_restored()),
        })
    }

    /// Reports what has become of each value so far.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION`: the program contains a list that cannot be saved.
    pub fn report(&self) -> Result<Report> {
        self.checkpoint.graph().with(|nodes| match &self.origin {
            Origin::Objects(restore) => report_of(nodes, restore, &self.checkpoint),
            Origin::Names(restore) => restore.report(nodes, &self.checkpoint),
            Origin::Nothing => Ok(Report::default()),
        })
    }

    /// Drops the deferred values of this restore: edges and slots that are made later are not
    /// restored from it. Values never used are not logged.
    ///
    /// Deferred values keep memory, including the checkpoint's index, until they are restored or
    /// dropped or the graph is freed.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION` ([`Reason::Reentrant`](crate::Reason::Reentrant)): called from a
    ///   callback of the graph.
    pub fn forget(&self) -> Result<()> {
        self.checkpoint.graph().with(|nodes| {
            match &self.origin {
                Origin::Objects(restore) => {
                    restore.expect_partial();
                    restore.forget(nodes);
                }
                Origin::Names(restore) => restore.forget(nodes),
                Origin::Nothing => {}
            }
            Ok(())
        })
    }
}

fn nothing_restored() -> Error {
    failed("No checkpoint specified (save_path=None); nothing is being restored.")
}
