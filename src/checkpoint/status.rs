//! What a program may ask of a restore: assertions, the report.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::assertions::failed;
use super::by_name::NameRestore;
use super::report::Report;
use super::restore::Restore;
use super::restore_report::report_of;
use super::Checkpoint;
use crate::error::Result;
use crate::graph::Nodes;

/// What kind of restore a status is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum RestoreKind {
    /// Of a checkpoint with an object graph (`CheckpointLoadStatus`).
    Objects = 1,
    /// Of a checkpoint of names (`NameBasedSaverStatus`).
    Names = 2,
    /// Of no checkpoint at all (`InitializationOnlyStatus`).
    None = 3,
}

/// What a restore is from.
pub(super) enum Origin {
    Objects(Arc<Restore>),
    Names(Arc<NameRestore>),
    Nothing,
}

/// What became of a restore, and becomes of it as the program goes on: values that wait for objects are restored when these are tracked.
///
/// When the status, and everything that waits for its restore, is gone, a warning lists what of the checkpoint was never used, unless
/// [`Status::expect_partial`] was called. Assertions fail with `FAILED_PRECONDITION` and name the first few objects; the report has all.
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
    /// What it is of.
    pub fn kind(&self) -> RestoreKind {
        match &self.origin {
            Origin::Objects(_) => RestoreKind::Objects,
            Origin::Names(_) => RestoreKind::Names,
            Origin::Nothing => RestoreKind::None,
        }
    }

    /// The prefix of the checkpoint.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Objects(restore) => Some(restore.reader.prefix()),
            Origin::Names(restore) => Some(restore.prefix()),
            Origin::Nothing => None,
        }
    }

    /// Says nothing in the end about values that were not used.
    pub fn expect_partial(&self) {
        if let Origin::Objects(restore) = &self.origin {
            restore.expect_partial();
        }
    }

    /// Nothing, as in TensorFlow when it is eager: values are restored at once, or when their objects are tracked.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when there is no checkpoint.
    pub fn run_restore_ops(&self) -> Result<()> {
        match &self.origin {
            Origin::Nothing => {
                Err(failed("No checkpoint specified, so no restore ops are available (save_path=None to Saver.restore)."))
            }
            _ => Ok(()),
        }
    }

    /// Nothing, as in TensorFlow when it is eager: variables have their values when they are made.
    ///
    /// # Errors
    /// None.
    pub fn initialize_or_restore(&self) -> Result<()> {
        Ok(())
    }

    /// Asserts that every object of the program that is there by now, and has values, got its value from the checkpoint.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` with [`Reason::Assertion`](crate::Reason::Assertion) when one did not,
    /// when there is no checkpoint, or with [`Reason::Unsavable`](crate::Reason::Unsavable) at a
    /// list that cannot be
    /// saved.
    pub fn assert_existing_objects_matched(&self) -> Result<()> {
        self.ask(|nodes, restore| restore.assert_existing_matched(nodes, &self.checkpoint))
    }

    /// Asserts that everything in the checkpoint was restored, and every object of the program from it.
    ///
    /// # Errors
    /// As for [`Status::assert_existing_objects_matched`].
    pub fn assert_consumed(&self) -> Result<()> {
        self.ask(|nodes, restore| {
            restore.assert_existing_matched(nodes, &self.checkpoint)?;
            restore.assert_all_consumed(nodes)
        })
    }

    /// Asserts that anything but the root was matched.
    ///
    /// # Errors
    /// As for [`Status::assert_existing_objects_matched`].
    pub fn assert_nontrivial_match(&self) -> Result<()> {
        self.ask(|nodes, restore| restore.assert_nontrivial_match(nodes, &self.checkpoint))
    }

    fn ask(&self, about_objects: impl FnOnce(&Nodes, &Restore) -> Result<()>) -> Result<()> {
        self.checkpoint.graph().with(|nodes| match &self.origin {
            Origin::Objects(restore) => about_objects(nodes, restore),
            Origin::Names(restore) => restore.assert_restored(nodes, &self.checkpoint),
            Origin::Nothing => Err(failed("No checkpoint specified (save_path=None); nothing is being restored.")),
        })
    }

    /// What became of every value, as things stand now.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` at a list that cannot be saved.
    pub fn report(&self) -> Result<Report> {
        self.checkpoint.graph().with(|nodes| match &self.origin {
            Origin::Objects(restore) => report_of(nodes, restore, &self.checkpoint),
            Origin::Names(restore) => restore.report(nodes, &self.checkpoint),
            Origin::Nothing => Ok(Report::default()),
        })
    }

    /// Lets nothing wait for this restore any more: edges and slots that are made later are not restored from it. What waits costs memory, the
    /// checkpoint's index among it, until it is restored, forgotten, or the graph is freed. Nothing is said about values that were not used.
    ///
    /// # Errors
    /// Only that of a call from inside a callback.
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
