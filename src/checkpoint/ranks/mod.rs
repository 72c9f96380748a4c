//! One checkpoint saved by several processes together: each writes its own section, one of them, the chief, makes a checkpoint of these.
//!
//! Twice everybody tells the chief something, and the chief tells everybody something back:
//!
//! 1. each its object graph and what values it has; back, or why there will be no save: where the sections go, and who leaves out what since a rank before it has it, too;
//! 2. each that its section is written; back, when the chief has merged them and has published the checkpoint: that it is there.
//!
//! Whatever fails, everybody who still listens hears of it. The chief has the directory's lock from 1 on; who takes it next removes the sections that were left.

mod message;
mod party;

use std::path::{Path, PathBuf};

use super::options::SaveOptions;
use super::{numbered, save, Checkpoint};
use crate::directory;
use crate::error::Result;
use crate::graph::{Failure, Nodes};
use crate::storage::{Local, Storage};

pub(crate) use message::Saved;
pub(crate) use party::{Lead, Party, Place};

/// The processes, or threads, that save a checkpoint together, as one of them sees them. Ranks count from 0, which is the chief's.
///
/// All of them make the same calls in the same order. The functions are called on the thread that saves, with the graph's lock held: calling the graph from them fails. How long to
/// wait for the others is theirs to say.
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
    /// The own one.
    fn rank(&self) -> u32;

    /// How many there are.
    fn count(&self) -> u32;

    /// Sends a message to the chief. The chief gets all, its own among them, in the order of the ranks; none of one that did not come in time. What the others get is not looked at.
    ///
    /// # Errors
    /// End the save on this rank with `UNAVAILABLE` and the message.
    fn gather(&self, message: &[u8]) -> std::result::Result<Vec<Option<Vec<u8>>>, Failure>;

    /// Gives everybody the chief's message; that of the others is empty.
    ///
    /// # Errors
    /// As for [`Ranks::gather`].
    fn broadcast(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Failure>;
}

impl Checkpoint {
    /// Writes the checkpoint `prefix` together with other ranks, neither counting nor telling the state file. Each has a checkpoint of a graph of its own; an object of the file is
    /// what the same edges lead to in any of them. What several have, a replicated variable, is written by the first of them; parts of a tensor ([`Variable::part`](crate::Variable::part)) by
    /// whoever has them. `prefix` must lead every rank to the same files. Gives it.
    ///
    /// Nothing is published unless all have written their sections; each call then returns the same, success or error. A rank that fails or does not come is named.
    /// Write callbacks are called on the chief.
    ///
    /// # Errors
    /// * With [`Reason::Rank`](crate::Reason::Rank) and its own code what failed on a rank;
    ///   `UNAVAILABLE` when one did not come, or the others could not be reached.
    /// * `INVALID_ARGUMENT` with that reason when two ranks have values of another dtype or shape under one key, an object under different keys, or slices that overlap.
    /// * What [`Checkpoint::write`] reports. Then what was at the prefix is still there.
    pub fn write_ranked(&self, prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<PathBuf> {
        self.ranked(&Local, prefix.as_ref(), ranks, options, false)
    }

    /// Counts and writes the checkpoint `prefix-count` together with other ranks, as [`Checkpoint::write_ranked`]; calls the write callbacks, and has the directory's state file name it.
    /// The count is the chief's, and the others' after that. Gives the path.
    ///
    /// # Errors
    /// As for [`Checkpoint::write_ranked`]; and [`Checkpoint::save`]: a count stands in any case.
    pub fn save_ranked(&self, prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<PathBuf> {
        self.ranked(&Local, prefix.as_ref(), ranks, options, true)
    }

    /// Writes the own section of a checkpoint, to be merged with those of the other ranks later ([`merge`](crate::merge)): `prefix.section-RANK-of-COUNT`, of five digits each. The
    /// prefix may be on a disk of the rank's own. Values and objects are divided as by [`Checkpoint::write_ranked`]. Gives the path of the section. Write callbacks are not called.
    ///
    /// # Errors
    /// As for [`Checkpoint::write_ranked`]. Then the own section is not there, nor one that was.
    pub fn write_section(&self, prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<PathBuf> {
        let mut section = prefix.as_ref().as_os_str().to_owned();
        section.push(format!(".section-{:05}-of-{:05}", ranks.rank(), ranks.count()));
        let section = PathBuf::from(section);
        let party = Party { ranks, storage: &Local, place: Place::Kept(&section), options };
        let mut settle = |_: &Path, written| written;
        let saved = self.when_idle(Some(options.busy), |nodes| {
            let lead = Lead { storage: &Local, path: section.clone(), count: None, settle: &mut settle };
            Ok(self.take_part(nodes, &party, Some(lead).filter(|_| ranks.rank() == 0)))
        });
        saved.unwrap_or_else(|e| party.save(Err(e), None))?; // the others wait for a word of this one
        Ok(section)
    }

    /// Writes the checkpoint `prefix`, or counts and writes the checkpoint `prefix-count` and has
    /// the state file name it.
    fn ranked(
        &self,
        storage: &dyn Storage,
        prefix: &Path,
        ranks: &dyn Ranks,
        options: &SaveOptions,
        counts: bool,
    ) -> Result<PathBuf> {
        let directory = prefix.parent().unwrap_or(Path::new(""));
        let party = Party { ranks, storage, place: Place::Merged(directory), options };
        let mut settle = |path: &Path, written: Result<()>| {
            written?;
            if counts {
                directory::record_save(storage, path, options.write.durability)?;
            }
            Ok(())
        };
        let saved = self.when_idle(Some(options.busy), |nodes| {
            let count = if counts { Some(self.advance(nodes)?) } else { None };
            let path = count.map_or_else(|| prefix.to_owned(), |count| numbered(prefix, count));
            let lead = Lead { storage, path, count, settle: &mut settle };
            Ok(self.take_part(nodes, &party, Some(lead).filter(|_| ranks.rank() == 0)))
        });
        // The others wait for a word of this one.
        let saved = saved.unwrap_or_else(|e| party.save(Err(e), None))?;
        Ok(directory.join(saved.name))
    }

    /// Takes part in a save, and then counts as the chief does.
    pub(crate) fn take_part(&self, nodes: &mut Nodes, party: &Party<'_>, lead: Option<Lead<'_>>) -> Result<Saved> {
        let attached = self.attached();
        let collected = save::collect(nodes, self.as_root(&attached));
        // Where it is written is not known yet.
        let own = match &collected {
            Ok(collected) => collected.writer(nodes, Path::new("section"), party.options),
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
