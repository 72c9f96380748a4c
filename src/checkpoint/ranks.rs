//! One checkpoint saved by several processes together: each writes its own section, one of them, the chief, makes a checkpoint of these.
//!
//! Twice everybody tells the chief something, and the chief tells everybody something back:
//!
//! 1. each its object graph and what values it has; back, or why there will be no save: where the sections go, and who leaves out what since a rank before it has it, too;
//! 2. each that its section is written; back, when the chief has merged them and has published the checkpoint: that it is there.
//!
//! Whatever fails, everybody who still listens hears of it. The chief has the directory's lock from 1 on; who takes it next removes the sections that were left.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::options::SaveOptions;
use super::{numbered, save, Checkpoint};
use crate::bundle::{
    make_sections, merge_on, remove_section, remove_sections, section_prefix, sections_name, Claim, Durability, Held,
    MergeOptions, Writer,
};
use crate::directory;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Failure, Nodes};
use crate::reader::{ObjectGraph, OBJECT_GRAPH_KEY};
use crate::storage::{Local, Storage};
use crate::tensor::shape_text;

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

/// What only the chief has.
pub(crate) struct Lead<'l> {
    pub storage: &'l dyn Storage,
    /// The checkpoint.
    pub path: PathBuf,
    /// The save counter.
    pub count: Option<i64>,
    /// Called with what became of the files; gives what becomes of the call.
    pub settle: &'l mut dyn FnMut(&Path, Result<()>) -> Result<()>,
}

/// What a rank brings: its values and its object graph, or why it has none.
pub(crate) type Own<'n> = Result<(Writer<'n>, Vec<u8>)>;

/// Says where the chief saves, and under which count.
type Name<'n> = dyn FnMut(&mut Nodes) -> Result<(PathBuf, Option<i64>)> + 'n;

/// What was saved.
pub(crate) struct Saved {
    /// The name of the checkpoint in its directory.
    pub name: OsString,
    /// The chief's save counter.
    pub count: Option<i64>,
}

/// A save, as one rank takes part in it.
pub(crate) struct Party<'p> {
    pub ranks: &'p dyn Ranks,
    /// The directory of the checkpoint; of sections that are merged later, the own one's prefix.
    pub place: Place<'p>,
    pub options: &'p SaveOptions,
}

/// Where sections go.
#[derive(Clone, Copy)]
pub(crate) enum Place<'p> {
    /// Into this directory, where they are merged.
    Merged(&'p Path),
    /// There, and stay.
    Kept(&'p Path),
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
    /// * With [`Reason::Rank`] and its own code what failed on a rank; `UNAVAILABLE` when one did not come, or the others could not be reached.
    /// * `INVALID_ARGUMENT` with that reason when two ranks have values of another dtype or shape under one key, an object under different keys, or slices that overlap.
    /// * What [`Checkpoint::write`] reports. Then what was at the prefix is still there.
    pub fn write_ranked(&self, prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<PathBuf> {
        let prefix = prefix.as_ref();
        self.ranked(prefix, ranks, options, &mut |_| Ok((prefix.to_owned(), None)), false)
    }

    /// Counts and writes the checkpoint `prefix-count` together with other ranks, as [`Checkpoint::write_ranked`]; calls the write callbacks, and has the directory's state file name it.
    /// The count is the chief's, and the others' after that. Gives the path.
    ///
    /// # Errors
    /// As for [`Checkpoint::write_ranked`]; and [`Checkpoint::save`]: a count stands in any case.
    pub fn save_ranked(&self, prefix: impl AsRef<Path>, ranks: &dyn Ranks, options: &SaveOptions) -> Result<PathBuf> {
        let prefix = prefix.as_ref();
        let count_and_name = &mut |nodes: &mut Nodes| {
            let count = self.advance(nodes)?;
            Ok((numbered(prefix, count), Some(count)))
        };
        self.ranked(prefix, ranks, options, count_and_name, true)
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
        let party = Party { ranks, place: Place::Kept(&section), options };
        let mut settle = |_: &Path, written| written;
        let mut taken = false;
        let saved = self.when_idle(Some(options.busy), |nodes| {
            taken = true;
            let lead = Lead { storage: &Local, path: section.clone(), count: None, settle: &mut settle };
            self.take_part(nodes, &party, Some(lead).filter(|_| ranks.rank() == 0))
        });
        match (taken, saved) {
            (false, Err(e)) => party.save(Err(e), None)?,
            (_, saved) => saved?,
        };
        Ok(section)
    }

    fn ranked(
        &self,
        prefix: &Path,
        ranks: &dyn Ranks,
        options: &SaveOptions,
        name: &mut Name<'_>,
        records: bool,
    ) -> Result<PathBuf> {
        let directory = prefix.parent().unwrap_or(Path::new(""));
        let party = Party { ranks, place: Place::Merged(directory), options };
        let mut settle = |path: &Path, written: Result<()>| {
            written?;
            match records {
                true => directory::record_save(&Local, path, options.write.durability),
                false => Ok(()),
            }
        };
        let mut taken = false;
        let saved = self.when_idle(Some(options.busy), |nodes| {
            let (path, count) = name(nodes)?;
            taken = true;
            let lead = Lead { storage: &Local, path, count, settle: &mut settle };
            self.take_part(nodes, &party, Some(lead).filter(|_| ranks.rank() == 0))
        });
        // The others wait for a word of this one.
        let saved = match (taken, saved) {
            (false, Err(e)) => party.save(Err(e), None),
            (_, saved) => saved,
        };
        Ok(directory.join(saved?.name))
    }

    /// Takes part in a save, and then counts as the chief does.
    pub(crate) fn take_part(&self, nodes: &mut Nodes, party: &Party<'_>, mut lead: Option<Lead<'_>>) -> Result<Saved> {
        let attached = self.attached();
        let mut saved = None;
        // Where it is written is not known yet.
        let begun =
            save::with_writer(nodes, self.as_root(&attached), Path::new("section"), party.options, &mut |writer, graph| {
                saved = Some(party.save(Ok((writer, graph)), lead.take()));
                Ok(())
            });
        let saved = match (saved, begun) {
            (Some(saved), _) => saved,
            (None, begun) => party.save(Err(begun.err().unwrap_or_else(nothing)), lead),
        }?;
        if let Some(count) = saved.count {
            let counter = self.counter(nodes)?;
            nodes.write_integer(counter, count)?;
        }
        Ok(saved)
    }
}

/// Only in a world in which a writer is neither made nor refused.
fn nothing() -> Error {
    Error::argument("there is nothing to save")
}

impl Party<'_> {
    /// Saves what this rank brings, together with the others. Without a lead, on the chief, all are told that there will be no save.
    pub fn save(&self, own: Own<'_>, mut lead: Option<Lead<'_>>) -> Result<Saved> {
        let mut attempt = None;
        let plan = match self.gather(&announcement(&own))? {
            None => self.told(&[])?,
            Some(messages) => {
                let plan = self.plan(&messages, lead.as_ref(), &mut attempt);
                self.tell(plan)?
            }
        };
        let plan = Plan::decode(&plan)?;
        let (mut writer, _) = own?; // of which all have been told
        let written = self.write_section(&mut writer, &plan, attempt.as_mut());
        drop(writer);
        let told = self.gather(&written.map_or_else(|e| failure(&e), |()| vec![OK]));
        let outcome = match told {
            Err(e) => Err(self.drop_section(&plan, e)),
            Ok(None) => self.told(&[]).and_then(|outcome| Saved::decode(&outcome).map_err(|e| self.drop_section(&plan, e))),
            Ok(Some(messages)) => {
                let saved = self.answers(&messages).and_then(|_| self.publish(&plan, lead.as_mut()));
                // Before the others hear that it is over.
                if let Some(attempt) = &attempt {
                    attempt.remove_sections();
                }
                let saved = self.tell(saved.map(|saved| saved.encode()).map_err(|e| self.drop_section(&plan, e)));
                saved.and_then(|saved| Saved::decode(&saved))
            }
        };
        drop(attempt);
        outcome
    }

    fn gather(&self, message: &[u8]) -> Result<Option<Vec<Option<Vec<u8>>>>> {
        let messages = self.ranks.gather(message).map_err(unreachable)?;
        Ok((self.ranks.rank() == 0).then_some(messages))
    }

    fn told(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.ranks.broadcast(message).map_err(unreachable)
    }

    /// The chief tells everybody; what, if it is an error, it returns itself, whether others hear it or not.
    fn tell(&self, message: Result<Vec<u8>>) -> Result<Vec<u8>> {
        match message {
            Ok(message) => {
                self.told(&message)?;
                Ok(message)
            }
            Err(e) => {
                let _ = self.told(&failure(&e));
                Err(e)
            }
        }
    }

    /// The messages of all ranks, of which none says that it failed.
    fn answers<'m>(&self, messages: &'m [Option<Vec<u8>>]) -> Result<Vec<In<'m>>> {
        let count = self.ranks.count() as usize;
        let absent: Vec<String> =
            (0..count).filter(|&rank| !matches!(messages.get(rank), Some(Some(_)))).map(|rank| rank.to_string()).collect();
        if !absent.is_empty() {
            let what = match &absent[..] {
                [one] => format!("rank {one} did not come"),
                several => format!("ranks {} did not come", several.join(", ")),
            };
            return Err(Error::new(Code::Unavailable, Reason::Rank, what));
        }
        let each = messages.iter().flatten().take(count).enumerate();
        each.map(|(rank, message)| answer(message).map_err(|e| e.prefixed(&format!("rank {rank}")))).collect()
    }

    /// What the chief says to what all have announced.
    fn plan(&self, messages: &[Option<Vec<u8>>], lead: Option<&Lead<'_>>, attempt: &mut Option<Attempt>) -> Result<Vec<u8>> {
        let mut answers = self.answers(messages)?;
        let mut graphs = Vec::with_capacity(answers.len());
        let mut first: HashMap<&[u8], (u32, &[u8])> = HashMap::new();
        let mut plan = Plan::default();
        for (rank, answer) in answers.iter_mut().enumerate() {
            graphs.push(ObjectGraph::parse(answer.bytes()?)?);
            let mut left_out = BTreeSet::new();
            for number in 0..answer.number()? {
                let (key, spec) = (answer.bytes()?, answer.bytes()?);
                let (holder, its) = *first.entry(key).or_insert((rank as u32, spec));
                if its != spec {
                    return Err(Error::argument(format!("ranks {holder} and {rank} have other values under one key"))
                        .because(Reason::Rank)
                        .expecting(printable(its), printable(spec))
                        .for_tensor(key));
                }
                if holder != rank as u32 {
                    left_out.insert(number as u32);
                }
            }
            plan.left_out.push(left_out);
        }
        let united = ObjectGraph::united(&graphs).map_err(|e| e.because(Reason::Rank))?;
        let lead = lead.ok_or_else(nothing)?;
        *attempt = Some(Attempt { sections: None, _claim: None, _held: None, graph: united.encode() });
        if let (Place::Merged(directory), Some(attempt)) = (self.place, attempt) {
            let name = lead.path.file_name().ok_or_else(|| Error::argument("the prefix names no file").in_file(&lead.path))?;
            let own = Held::new(lead.storage, directory, true)?;
            plan.sections = sections_name(name);
            attempt._claim = own.claim(&plan.sections);
            attempt._held = Some(own);
            let sections = directory.join(&plan.sections);
            make_sections(&Local, &sections)?;
            attempt.sections = Some(sections);
        }
        Ok(plan.encode())
    }

    /// Where the section of a rank goes.
    fn section(&self, plan: &Plan, rank: u32) -> PathBuf {
        match self.place {
            Place::Merged(directory) => section_prefix(&directory.join(&plan.sections), rank),
            Place::Kept(prefix) => prefix.to_owned(),
        }
    }

    fn write_section(&self, writer: &mut Writer<'_>, plan: &Plan, attempt: Option<&mut Attempt>) -> Result<()> {
        let rank = self.ranks.rank();
        let none = BTreeSet::new();
        writer.leave_out(plan.left_out.get(rank as usize).unwrap_or(&none));
        let durability = match (self.place, self.options.write.durability) {
            (Place::Merged(_), Durability::Full) => Durability::Data,
            (_, asked) => asked,
        };
        writer.move_to(&self.section(plan, rank), durability);
        if let Some(attempt) = attempt {
            writer.add_string(OBJECT_GRAPH_KEY, std::mem::take(&mut attempt.graph))?;
        }
        let empty = Writer::new(Path::new("section"), &self.options.write)?;
        let written = std::mem::replace(writer, empty).finish_on(&Local, &mut |done, total| match &self.options.progress {
            Some(progress) => progress(done, total),
            None => ControlFlow::Continue(()),
        });
        written.map(drop)
    }

    /// Makes the checkpoint of the sections.
    fn publish(&self, plan: &Plan, lead: Option<&mut Lead<'_>>) -> Result<Saved> {
        let lead = lead.ok_or_else(nothing)?;
        if let Place::Merged(_) = self.place {
            let sections: Vec<PathBuf> = (0..self.ranks.count()).map(|rank| self.section(plan, rank)).collect();
            let options = MergeOptions::new().durability(self.options.write.durability);
            let merged = merge_on(lead.storage, &lead.path, &sections, &options, &mut |_, _| ControlFlow::Continue(()));
            (lead.settle)(&lead.path, merged.and_then(|_| save::call_back(self.options, &lead.path)))?;
        }
        Ok(Saved { name: lead.path.file_name().unwrap_or_default().to_owned(), count: lead.count })
    }

    /// Removes the own section after a failure.
    fn drop_section(&self, plan: &Plan, e: Error) -> Error {
        match self.place {
            Place::Merged(directory) => {
                let sections = directory.join(&plan.sections);
                if let Some(own) = self.section(plan, self.ranks.rank()).parent() {
                    remove_section(&Local, own);
                }
                let _ = Local.remove_directory(&sections); // the last one does
            }
            Place::Kept(prefix) => drop(directory::remove_checkpoint(prefix)),
        }
        e
    }
}

fn unreachable(e: Failure) -> Error {
    Error::new(Code::Unavailable, Reason::Rank, format!("the ranks could not be reached: {e}"))
}

/// What the chief has while a save is on its way.
struct Attempt {
    /// Where the sections are. When the save is over, however it ended, they are of no use.
    sections: Option<PathBuf>,
    /// Let go before the lock.
    _claim: Option<Claim>,
    _held: Option<Held>,
    graph: Vec<u8>,
}

impl Attempt {
    fn remove_sections(&self) {
        if let Some(sections) = &self.sections {
            remove_sections(&Local, sections);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.remove_sections();
    }
}

// The messages: whether all is well, then numbers of eight bytes, and bytes after their number.

const OK: u8 = 0;
const FAILED: u8 = 1;

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn failure(e: &Error) -> Vec<u8> {
    let mut out = vec![FAILED];
    put_number(&mut out, e.code() as u64);
    put(&mut out, e.to_string().as_bytes());
    out
}

fn announcement(own: &Own<'_>) -> Vec<u8> {
    let (writer, graph) = match own {
        Ok(own) => own,
        Err(e) => return failure(e),
    };
    let mut out = vec![OK];
    put(&mut out, graph);
    put_number(&mut out, writer.offers().len() as u64);
    for offer in writer.offers() {
        put(&mut out, offer.key);
        put(&mut out, format!("{} {}", offer.dtype, shape_text(offer.shape)).as_bytes());
    }
    out
}

/// A message, as far as it has not been read yet.
struct In<'m>(&'m [u8]);

/// A message that does not say that something failed.
fn answer(message: &[u8]) -> Result<In<'_>> {
    match message.split_first() {
        Some((&OK, rest)) => Ok(In(rest)),
        Some((&FAILED, rest)) => {
            let mut rest = In(rest);
            let code = i32::try_from(rest.number()?).ok().and_then(Code::from_number).unwrap_or(Code::Unknown);
            Err(Error::new(code, Reason::Rank, String::from_utf8_lossy(rest.bytes()?)))
        }
        _ => Err(not_ours()),
    }
}

fn not_ours() -> Error {
    Error::new(Code::Internal, Reason::Rank, "a message of another rank cannot be understood")
}

impl<'m> In<'m> {
    fn number(&mut self) -> Result<u64> {
        let (number, rest) = self.0.split_first_chunk().ok_or_else(not_ours)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn bytes(&mut self) -> Result<&'m [u8]> {
        let length = usize::try_from(self.number()?).ok().filter(|&length| length <= self.0.len()).ok_or_else(not_ours)?;
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(bytes)
    }
}

/// What the chief tells everybody to do.
#[derive(Default)]
struct Plan {
    /// The name of the directory of the sections.
    sections: OsString,
    /// The values of each rank that it leaves out.
    left_out: Vec<BTreeSet<u32>>,
}

impl Plan {
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![OK];
        put(&mut out, self.sections.as_bytes());
        put_number(&mut out, self.left_out.len() as u64);
        for numbers in &self.left_out {
            put_number(&mut out, numbers.len() as u64);
            numbers.iter().for_each(|&number| put_number(&mut out, number.into()));
        }
        out
    }

    fn decode(message: &[u8]) -> Result<Plan> {
        let mut message = answer(message)?;
        // A name and nothing else: it is joined to a path of ours.
        let sections = OsStr::from_bytes(message.bytes()?).to_owned();
        if !sections.is_empty() && Path::new(&sections).file_name() != Some(&sections) {
            return Err(not_ours());
        }
        let mut left_out = Vec::new();
        for _ in 0..message.number()? {
            let numbers = (0..message.number()?).map(|_| Ok(message.number()? as u32));
            left_out.push(numbers.collect::<Result<_>>()?);
        }
        Ok(Plan { sections, left_out })
    }
}

impl Saved {
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![OK];
        put(&mut out, self.name.as_bytes());
        put(&mut out, self.count.map(i64::to_le_bytes).as_ref().map_or(&[], |count| &count[..]));
        out
    }

    fn decode(message: &[u8]) -> Result<Saved> {
        let mut message = answer(message)?;
        let name = OsString::from_vec(message.bytes()?.to_vec());
        let count = message.bytes()?.try_into().ok().map(i64::from_le_bytes);
        Ok(Saved { name, count })
    }
}
