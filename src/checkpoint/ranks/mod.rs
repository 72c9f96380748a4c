//! One checkpoint saved by several processes together. Each process, a rank, writes its own
//! section; rank 0, the chief, merges the sections into a checkpoint.
//!
//! There are two rounds of messages. In each, all ranks send a message to the chief and the chief
//! answers all of them:
//!
//! 1. Each rank sends its object graph and the keys, dtypes and shapes of its values. The chief
//!    answers with the directory for the sections and the values that each rank leaves out because
//!    an earlier rank has them too; or with the reason why there will be no save.
//! 2. Each rank reports that its section is written. When the chief has merged the sections and
//!    published the checkpoint, it answers that the save has succeeded.
//!
//! If a rank fails, all ranks that still communicate get its error. The chief holds the lock of the
//! checkpoint from the first round on; its next holder removes sections that were left over.

mod message;
mod party;

use std::path::{Path, PathBuf};

use super::options::SaveOptions;
use super::{numbered, save, Checkpoint};
use crate::directory;
use crate::error::Result;
use crate::graph::{Failure, Nodes};
use crate::storage::{Location, Storage};

pub(crate) use message::Saved;
pub(crate) use party::{Lead, Party, Place};

/// The processes or threads that save a checkpoint together, as seen by one of them. Ranks are
/// counted from 0; rank 0 is the chief, which merges and publishes what all ranks have written.
///
/// All ranks must make the same calls in the same order. The functions are called on the thread
/// that saves, with the graph's lock held: calling the graph from them fails. The implementation
/// decides how long to wait for the other ranks.
///
/// ```
/// use checkpoint::{Checkpoint, DType, Failure, Graph, Ranks, SaveOptions, Slice, Variable};
///
/// /// A single rank: it is the chief, and hears itself.
/// struct Alone;
///
/// impl Ranks for Alone {
///     fn rank(&self) -> u32 {
///         0
///     }
///
///     fn count(&self) -> u32 {
///         1
///     }
///
///     fn gather(&self, message: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
///         Ok(vec![Some(message.to_vec())]) // over MPI: MPI_Gatherv to rank 0
///     }
///
///     fn broadcast(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
///         Ok(message.to_vec()) // over MPI: MPI_Bcast from rank 0
///     }
/// }
///
/// let directory = tempfile::tempdir()?;
/// let graph = Graph::new();
/// let root = graph.add_object()?;
/// let rows: Slice = "0,4:-".parse()?; // the rows of this rank: all four
/// let table = Variable::zeros(DType::Float, &[4, 2])?.part(&[4, 2], &rows)?;
/// graph.track(root, "table", graph.add_variable(table)?)?;
/// let program = Checkpoint::new(&graph, root)?;
/// let path = program.save_ranked(directory.path().join("ckpt"), &Alone, &SaveOptions::new())?;
/// assert_eq!(path, directory.path().join("ckpt-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Ranks {
    /// Returns the rank of the caller.
    fn rank(&self) -> u32;

    /// Returns the number of ranks.
    fn count(&self) -> u32;

    /// Sends this rank's message to the chief. On the chief, returns the messages of all ranks, its
    /// own included, in the order of the ranks; `None` for a rank whose message did not arrive in
    /// time. On other ranks the return value is ignored.
    ///
    /// # Errors
    /// Any error ends the save on this rank with `UNAVAILABLE` and the error's text.
    fn gather(&self, message: &[u8]) -> std::result::Result<Vec<Option<Vec<u8>>>, Failure>;

    /// Sends the chief's message to all other ranks and returns it on every rank. On the other
    /// ranks `message` is empty.
    ///
    /// # Errors
    /// Those of [`Ranks::gather`].
    fn broadcast(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Failure>;
}

/// Returns the location of `prefix`. If there can be none, tells the other ranks, which wait for
/// this one.
fn named(prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<Location> {
    Location::of(prefix).or_else(|e| {
        let nowhere = Location::default();
        let party = Party { ranks, storage: &*nowhere.storage()?, place: Place::Kept(&nowhere), options };
        party.save(Err(e), None).map(|_| nowhere)
    })
}

impl Checkpoint {
    /// Writes the checkpoint `prefix` together with other ranks and returns the prefix. Does not
    /// increment the save counter and does not change the state file. `prefix` must lead every rank
    /// to the same files.
    ///
    /// Each rank has a checkpoint of its own graph. Objects that different ranks reach by the same
    /// edges are one object in the file. A value that several ranks have, a replicated variable, is
    /// written by the first of them. Parts of a tensor ([`Variable::part`](crate::Variable::part))
    /// are written by the ranks that have them.
    ///
    /// Nothing is published unless all ranks have written their sections; all calls then return the
    /// same success or error. A rank that fails or does not take part is named in the error. Write
    /// callbacks are called on the chief.
    ///
    /// # Errors
    /// Those of [`Checkpoint::write`], after which an existing checkpoint at the prefix is
    /// unchanged, and with [`Reason::Rank`](crate::Reason::Rank):
    /// * The code that a rank failed with.
    /// * `UNAVAILABLE`: a rank did not take part, or the other ranks could not be reached.
    /// * `INVALID_ARGUMENT`: two ranks disagree on the dtype or shape of a key, have the same
    ///   object under different keys, or have slices that overlap.
    pub fn write_ranked(&self, prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<PathBuf> {
        let prefix = named(prefix, ranks, options)?;
        self.with_locks(options, |options| self.ranked(&*prefix.storage()?, &prefix, ranks, options, false))
    }

    /// Increments the save counter and writes the checkpoint `prefix-COUNT` together with other
    /// ranks, as [`Checkpoint::write_ranked`] does. Then the chief calls the write callbacks and
    /// makes the checkpoint the latest in the directory's state file. COUNT is the counter of the
    /// chief; the other ranks set theirs to it after the save. Returns the path.
    ///
    /// # Errors
    /// Those of [`Checkpoint::write_ranked`] and [`Checkpoint::save`]. After an error the counter
    /// stays incremented.
    pub fn save_ranked(&self, prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<PathBuf> {
        let prefix = named(prefix, ranks, options)?;
        self.with_locks(options, |options| self.ranked(&*prefix.storage()?, &prefix, ranks, options, true))
    }

    /// Writes this rank's section of a checkpoint, to be merged later with those of the other ranks
    /// by [`merge`](crate::merge). Returns its path: `prefix.section-RANK-of-COUNT`, with five
    /// digits each. Each rank may write to a disk of its own. Values and objects are divided as by
    /// [`Checkpoint::write_ranked`]. Write callbacks are not called.
    ///
    /// # Errors
    /// Those of [`Checkpoint::write_ranked`]. After an error there is no section, even if one
    /// existed before.
    pub fn write_section(&self, prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<PathBuf> {
        let section =
            named(prefix, ranks, options)?.with_suffix(&format!(".section-{:05}-of-{:05}", ranks.rank(), ranks.count()));
        let storage = &*section.storage()?;
        self.with_locks(options, |options| {
            let party = Party { ranks, storage, place: Place::Kept(&section), options };
            let mut settle = |_: &Location, written| written;
            let saved = self.when_idle(Some(options.busy), |nodes| {
                let lead = Lead { storage, path: section.clone(), count: None, settle: &mut settle };
                Ok(self.take_part(nodes, &party, Some(lead).filter(|_| ranks.rank() == 0)))
            });
            saved.unwrap_or_else(|e| party.save(Err(e), None)) // the others wait for this rank's message
        })?;
        Ok(section.into_path())
    }

    /// Writes the checkpoint `prefix`; or, if `counts`, increments the save counter, writes the
    /// checkpoint `prefix-COUNT` and records it in the state file.
    fn ranked(
        &self,
        storage: &dyn Storage,
        prefix: &Location,
        ranks: &dyn Ranks,
        options: &SaveOptions,
        counts: bool,
    ) -> Result<PathBuf> {
        let directory = prefix.split().0;
        let party = Party { ranks, storage, place: Place::Merged(&directory), options };
        let mut settle = |path: &Location, written: Result<()>| {
            written?;
            if counts {
                directory::record_save(storage, path, options.write.durability, &options.access())?;
            }
            Ok(())
        };
        let saved = self.when_idle(Some(options.busy), |nodes| {
            let count = if counts { Some(self.advance(nodes)?) } else { None };
            let path = count.map_or_else(|| prefix.clone(), |count| numbered(prefix, count));
            let lead = Lead { storage, path, count, settle: &mut settle };
            Ok(self.take_part(nodes, &party, Some(lead).filter(|_| ranks.rank() == 0)))
        });
        // The other ranks wait for this rank's message, also after an error.
        let saved = saved.unwrap_or_else(|e| party.save(Err(e), None))?;
        Ok(directory.join(saved.name).into_path())
    }

    /// Takes part in a save, then sets the save counter to that of the chief.
    pub(crate) fn take_part(&self, nodes: &mut Nodes, party: &Party<'_>, lead: Option<Lead<'_>>) -> Result<Saved> {
        let attached = self.attached();
        let collected = save::collect(nodes, self.as_root(&attached));
        // The chief decides later where the section is written.
        let own = match &collected {
            Ok(collected) => collected.writer(nodes, &party.place.directory().join("section"), party.options),
            Err(e) => Err(e.clone()),
        };
        let saved = party.save(own, lead)?;
        if let Some(count) = saved.count {
            let counter = self.counter(nodes)?;
            nodes.write_integer(counter, count)?;
        }
        Ok(saved)
    }
}
