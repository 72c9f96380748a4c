//! A struct that is saved and restored again and again.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::members::{at_path, kind_of, walk};
use super::walk::Purpose;
use super::Track;
use crate::checkpoint::{Checkpoint, RestoreOptions, SaveOptions, Status};
use crate::error::{Code, Error, Reason, Result};
use crate::graph::{Graph, NodeId};

/// The graph of a struct that the program owns: it is lent to the graph for a call, and is the
/// program's again when the call has returned.
///
/// In [`Tracker::with`] the values are in the graph. Vectors are moved, not copied. Elsewhere the
/// graph has no values: saves fail with [`Reason::NotShaped`], restores with [`Reason::Callback`].
///
/// A tracker follows what the struct has when it is lent. Elements that were added to vectors and
/// maps since the last time are tracked then, and restored if a restore has waited for them.
/// Vectors of structs keep their length in a restore; [`load`](super::load()) gives them that of
/// the checkpoint.
///
/// Thread-safe, but a tracker lends one struct at a time.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use checkpoint::{Manager, ManagerOptions, ManagerSaveOptions, ResumeOptions, Track, Tracker};
///
/// #[derive(Track, Default)]
/// struct Model {
///     weights: Vec<f32>,
///     step: i64,
/// }
///
/// # let directory = tempfile::tempdir()?;
/// let mut model = Model { weights: vec![0.5; 100], step: 0 };
/// let tracker = Tracker::new(&mut model)?;
/// let manager = Manager::open(tracker.checkpoint(), &directory, &ManagerOptions::new())?;
/// tracker.with(&mut model, |_| manager.restore_or_initialize(&ResumeOptions::new()))?;
/// while model.step < 10 {
///     model.weights[3] += 1.0; // ... one step ...
///     model.step += 1;
///     if model.step % 5 == 0 {
///         tracker.with(&mut model, |_| manager.save(&ManagerSaveOptions::new()))?;
///     }
/// }
/// # assert_eq!(manager.checkpoints().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Tracker<T> {
    checkpoint: Checkpoint,
    /// Held while the graph has the values of a struct.
    lending: Mutex<()>,
    of: PhantomData<fn(&mut T)>,
}

impl<T> fmt::Debug for Tracker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tracker({:?})", self.checkpoint)
    }
}

impl<T: Track> Tracker<T> {
    /// Makes a graph with an object for the struct and for each member.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` ([`Reason::NameTaken`]): two members have one name.
    /// * `INVALID_ARGUMENT` ([`Reason::Shape`]): a member does not have the shape that it was
    ///   given.
    /// * `NOT_FOUND` ([`Reason::Node`]): there is no variable of which an optimizer has slots.
    pub fn new(object: &mut T) -> Result<Tracker<T>> {
        let graph = Graph::new();
        let root = graph.with(|nodes| nodes.add(kind_of::<T>()))?;
        let checkpoint = Checkpoint::new(&graph, root)?;
        let tracker = Tracker { checkpoint, lending: Mutex::new(()), of: PhantomData };
        tracker.with(object, |_| Ok(()))?;
        Ok(tracker)
    }

    /// The checkpoint object of the struct, for managers.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The graph. Objects that are no part of the struct may be tracked in it, but not in the
    /// object of a map: its edges are the keys, and others are removed when the struct is lent. So
    /// are the numbers that follow the elements of a `Vec` of structs.
    pub fn graph(&self) -> &Graph {
        self.checkpoint.graph()
    }

    /// The object of the struct.
    pub fn root(&self) -> NodeId {
        self.checkpoint.root()
    }

    /// The object of a member, or of a member of a member: `net/l1/kernel`.
    ///
    /// # Errors
    /// `NOT_FOUND` ([`Reason::Node`]): there is none.
    pub fn find(&self, path: &str) -> Result<NodeId> {
        self.graph().with(|nodes| at_path(nodes, self.root(), path))
    }

    /// Lends the values of a struct to the graph, calls `call`, and takes them back, also if it
    /// fails or panics. A restore that `call` has begun in the background is waited for.
    ///
    /// # Errors
    /// Those of `call`, and before it is called:
    /// * Those of [`Tracker::new`].
    /// * Errors of a restore that has waited for a member that is new.
    /// * `UNAVAILABLE` ([`Reason::Busy`]): another call has the values, or a restore in the
    ///   background the graph.
    pub fn with<R>(&self, object: &mut T, call: impl FnOnce(&Checkpoint) -> Result<R>) -> Result<R> {
        let busy = || Error::new(Code::Unavailable, Reason::Busy, "another call has lent its values to the graph");
        let _lending = self.lending.try_lock().ok_or_else(busy)?;
        let mut loan = Loan { checkpoint: &self.checkpoint, object, is_over: true };
        self.graph().with(|nodes| {
            loan.is_over = false;
            walk(nodes, self.root(), loan.object, Purpose::Lend, false)
        })?;
        let called = call(&self.checkpoint);
        let returned = loan.end();
        let result = called?;
        returned.map(|()| result)
    }

    /// Saves the struct, as [`Checkpoint::save`] does.
    ///
    /// # Errors
    /// Those of [`Tracker::with`] and [`Checkpoint::save`].
    pub fn save(&self, object: &mut T, prefix: impl AsRef<Path>, options: &SaveOptions) -> Result<PathBuf> {
        self.with(object, |checkpoint| checkpoint.save(prefix, options))
    }

    /// Restores the struct, as [`Checkpoint::restore`] does. The status can be asked afterwards.
    ///
    /// # Errors
    /// Those of [`Tracker::with`] and [`Checkpoint::restore`].
    pub fn restore(&self, object: &mut T, path: impl AsRef<Path>, options: &RestoreOptions) -> Result<Status> {
        self.with(object, |checkpoint| checkpoint.restore(path, options))
    }
}

/// The values of a struct, while the graph has them. Dropping it returns them.
struct Loan<'t, T: Track> {
    checkpoint: &'t Checkpoint,
    object: &'t mut T,
    is_over: bool,
}

impl<T: Track> Loan<'_, T> {
    fn end(&mut self) -> Result<()> {
        let (graph, root) = (self.checkpoint.graph(), self.checkpoint.root());
        self.is_over = true;
        loop {
            graph.contains(root); // waits for a restore in the background, which has the values
            match graph.with(|nodes| walk(nodes, root, self.object, Purpose::Return, false)) {
                Err(e) if e.reason() == Reason::Busy => continue,
                returned => return returned.map(drop),
            }
        }
    }
}

impl<T: Track> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        if !self.is_over {
            let _ = self.end();
        }
    }
}
